# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Configuration
#
# > What PyTorch adds to a configuration: the device and the number format, chosen by asking the machine
#
# - order: 15

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/config.ipynb) · [API](../about/api.ipynb#pytorch-config) · [Side by side](../about/side_by_side.ipynb#config)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[pytorch]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** choose the device and the number format by asking the machine, say what a format of two bytes can
# hold and what it cannot, and give a track fields of its own.
#
# **You need** [A configuration](../foundations/configuration.ipynb). **It takes** ten minutes; every cell runs at once.

# %%
#| default_exp pytorch.config

# %%
#| exports
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gan_course.basics import CourseError
from gan_course.configuration import RECIPES, BaseConfig, artifact_paths, wrong_choice

# %%
import dataclasses

# %% [markdown]
# ## Four fields more
#
# Almost everything that determines a run has nothing to do with a framework: the data, the [recipe](../about/glossary.ipynb#gl-recipe), the [learning rates](../about/glossary.ipynb#gl-learning-rate).
# These fields, their ranges and the two recipes are [the same for all tracks](../foundations/configuration.ipynb), and
# `Config` inherits them. What PyTorch adds is where to compute and how, in four fields. As before, the comment behind a
# field is its help on the command line.

# %%
#| exports
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")

@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
    out: Path = Path("artifacts/pytorch_gan") # the run folder
    device: str = "auto" # auto, cpu, cuda, cuda:1, mps, xpu
    precision: Literal["auto", "fp32", "bf16"] = "auto" # auto: bf16 where there are units for it
    deterministic: bool = False # only deterministic kernels on a GPU (a CPU has no others)
    cuda_graphs: bool = True # on a GPU, record a step once and replay it

    def check(self):
        super().check()
        if self.device.split(":")[0] not in DEVICES:
            raise CourseError(wrong_choice("device", self.device, DEVICES))

CONFIG = Config()

# %% [markdown]
# `CONFIG` is the recipe for a first good run. It changes and checks as the lesson on configurations showed; what is
# new is refused as clearly:

# %%
added = [field.name for field in dataclasses.fields(Config) if not hasattr(BaseConfig, field.name)]
for wrong in [dict(device="gpu"), dict(precision="fp16"), dict(cuda_graphs=1), dict(lr_g=-1)]:
    try: CONFIG.replace(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")
added

# %%
assert added == ["device", "precision", "deterministic", "cuda_graphs"]
assert CONFIG.replace(recipe="dcgan", device="cpu").lr_d == RECIPES["dcgan"]["lr_d"]
assert Config.from_dict(CONFIG.to_dict()) == CONFIG != BaseConfig(out=CONFIG.out)


# %% [markdown]
# ## The device
#
# `device="auto"` takes the fastest kind that is there: an NVIDIA or AMD GPU (`cuda`), Apple's (`mps`), Intel's (`xpu`),
# else the processor. Asked for by name, a device is never replaced by another: who wants a GPU and is told at the first
# line that there is none has lost nothing, and who finds out after an hour on one core has.

# %%
#| exports
def device_kinds():
    "The kinds of device that PyTorch can use here, best first."
    import torch # here, so that `gan-course --help` need not wait for it
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(),
             "xpu": hasattr(torch, "xpu") and torch.xpu.is_available()}
    return [kind for kind, available in there.items() if available] + ["cpu"]

def select_device(name="auto"): # auto, or what the configuration allows
    "The `torch.device` to compute on. Raises `CourseError` if the one asked for is not there."
    import torch
    kinds = device_kinds()
    if name == "auto": return torch.device(kinds[0])
    try: device = torch.device(name)
    except RuntimeError: raise CourseError(wrong_choice("device", name, DEVICES)) from None
    if device.type not in kinds:
        raise CourseError(
            f"device {name} was asked for, and PyTorch finds only {', '.join(kinds)} here; "
            "use --device auto, or install a PyTorch built for it (https://pytorch.org)")
    last = getattr(torch, device.type).device_count() - 1
    if (device.index or 0) > last:
        raise CourseError(f"device {name} was asked for, and the last one here is "
                          f"{device.type}:{last}; use that, or --device auto")
    return device


# %%
device = select_device()
assert device.type == device_kinds()[0] and select_device("cpu").type == "cpu"
print("here, best first:", *device_kinds())

# %%
for wrong in ["gpu", "cpu:7"] + [kind for kind in ("cuda", "xpu") if kind not in device_kinds()]:
    try: select_device(wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %% [markdown]
# ## The number format
#
# A float32 number takes four bytes. Two formats take two: float16 spends its bits on precision, [bfloat16](../about/glossary.ipynb#gl-bf16) on range.
# **Predict:** which of the three can hold 1.001, and which a gradient of one hundred-millionth?

# %%
import torch

# %%
# NBVAL_CHECK_OUTPUT

for kind in (torch.float32, torch.float16, torch.bfloat16):
    print(f"{kind!s:<15} 1.001 -> {torch.tensor(1.001, dtype=kind).item():<10.6g}"
          f" 1e-8 -> {torch.tensor(1e-8, dtype=kind).item():.3g}")


# %% [markdown]
# float16 rounds the small gradient to zero, and what is zero teaches nothing; it needs the [loss to be scaled](../about/glossary.ipynb#gl-loss-scaling) up, and the
# scale to be watched. bfloat16 has the range of float32 and about three decimal digits. That is too coarse for weights:
# adding a thousandth of itself to a weight of 1 changes nothing. It is enough for the products inside a convolution,
# whose errors average out. **[Autocast](../about/glossary.ipynb#gl-autocast)** draws that line: PyTorch computes convolutions and matrix products in bfloat16,
# and keeps weights, sums and losses in float32.
#
# The rule of this course: bfloat16 where the processor says that it has units for it, never by assumption. Without them
# it is emulated, and often slower than float32.

# %%
#| exports
def has_bf16(device): # a `torch.device`
    "Whether this device multiplies bfloat16 matrices in hardware."
    import torch
    if device.type == "cuda": return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu": # an older PyTorch cannot tell, and gets float32
        found = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
    if device.type == "xpu": return torch.xpu.is_bf16_supported()
    return False

def select_precision(name, # auto, fp32 or bf16
                     device, # a `torch.device`
    ): # torch.float32 or torch.bfloat16, for autocast
    "The number format of convolutions and matrix products. Asked for by name, it is not replaced."
    import torch
    formats = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if name == "auto": name = "bf16" if has_bf16(device) else "fp32"
    if name not in formats: raise CourseError(wrong_choice("precision", name, ["auto", *formats]))
    return formats[name]


# %%
precision = select_precision("auto", device)
f"this machine computes on {device.type} in {precision}"

# %%
assert select_precision("fp32", device) is torch.float32
assert select_precision("bf16", device) is torch.bfloat16
assert (precision is torch.bfloat16) == has_bf16(device)

# %% [markdown]
# How much does it bring here? The same matrix product in both formats, taken in turns so that both see the same weather,
# and the median of the ratios. On a processor with units for bfloat16 expect something between 2 and 8; without them,
# less than 1:

# %%
import statistics, time


# %%
def seconds(dtype, n=1024):
    a = torch.randn(n, n, device=device).to(dtype)
    begin = time.perf_counter()
    for _ in range(5): a @ a
    getattr(torch, device.type).synchronize() # a GPU may not have finished yet
    return time.perf_counter() - begin

seconds(torch.float32), seconds(torch.bfloat16) # once for nothing: the first call builds things
ratios = [seconds(torch.float32) / seconds(torch.bfloat16) for _ in range(7)]
print(f"{device.type}: a product of 1024 x 1024 matrices in bfloat16 is "
      f"{statistics.median(ratios):.1f} times as fast as in float32")

# %% [markdown]
# ## Where the results go
#
# A [run folder](../about/glossary.ipynb#gl-run-folder) has the same files in every track. PyTorch's files of weights end in `.pt`:

# %%
# NBVAL_CHECK_OUTPUT
for name, path in artifact_paths(CONFIG.out).items(): print(f"{name:<14} {path.as_posix()}")

# %%
assert artifact_paths("here")["samples"] == Path("here/gan_samples.png")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_config import check_pick, check_survives


# %% [markdown]
# ### 1. Never something else
#
# Write `pick(name, there)`: the name of the device to use, when `there` lists the kinds of device that exist, best first,
# such as `["cuda", "cpu"]`. For `"auto"` it is the best. A name such as `"cuda:1"` asks for one device of a kind. What is
# not there is a `ValueError`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def pick(name, there):
    if name == "auto": return there[0]
    if name.split(":")[0] not in there: raise ValueError(f"{name} is not among {', '.join(there)}")
    return name

check_pick(pick)


# %% [markdown]
# ### 2. Too small to matter
#
# An optimiser adds a small update to a weight. Write `survives(weight, update, dtype)`: whether the weight is another
# number afterwards, if weight, update and sum are held in `dtype`. The first two are Python floats of either sign.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def survives(weight, update, dtype):
    before = torch.tensor(weight, dtype=dtype)
    return bool(before + torch.tensor(update, dtype=dtype) != before)

check_survives(survives)

# %% [markdown]
# ## What to remember
#
# - A track's configuration is the common one and a few fields more. What is checked once is checked everywhere.
# - What was asked for by name is not replaced: not a device, not a number format, not a data set. Only `auto` chooses.
# - bfloat16 has the range of float32 and three decimal digits. Products may be taken in it; weights may not be kept in it.
#
# **What goes wrong, and how to see it.**
#
# - *Training takes ten times as long as on this page.* Look at the device and the number format in the [provenance](../about/glossary.ipynb#gl-provenance) line: `auto`
#   found no GPU, or you asked for bf16 on a processor that emulates it.
# - *Small updates are lost*: weights were cast to bfloat16 instead of computed with under autocast. Print the dtype of a
#   parameter; it should be float32.
#
# **References.** Kalamkar et al. [-@kalamkar2019bfloat16], [*A study of bfloat16 for deep learning training*](https://arxiv.org/abs/1905.12322).
# Micikevicius et al. [-@micikevicius2017mixed], [*Mixed precision training*](https://arxiv.org/abs/1710.03740): float16, and why the loss is
# scaled. PyTorch, [automatic mixed precision](https://docs.pytorch.org/docs/stable/amp.html).
