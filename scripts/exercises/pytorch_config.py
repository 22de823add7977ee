# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: configuration
#
# > What accepts or rejects an answer to the exercises of Configuration (PyTorch)
#
# - order: 70

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_config.ipynb) · [API](../about/api.ipynb#exercises-pytorch_config)

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
# The exercises stand in [the lesson](../pytorch/config.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_config

# %%
#| exports
import torch

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Never something else

# %%
#| exports
def check_pick(pick): # (name, kinds that are there, best first) -> name of the device to use
    "Whether `pick` chooses only when it is asked to, and never replaces what was asked for."
    def ask(name, *there):
        try: return pick(name, list(there))
        except ValueError: return "refused"
    assert ask("auto", "cuda", "cpu") == "cuda", "auto takes the best, the first of the list"
    assert ask("auto", "cpu") == "cpu", "where there is only a processor, auto takes that"
    assert ask("cpu", "cuda", "cpu") == "cpu", "the processor was asked for by name: no GPU instead"
    got = ask("cuda", "cpu")
    assert got == "refused", f"a GPU was asked for, there is none, and it would run on {got}"
    got = ask("cuda:1", "cuda", "cpu")
    assert got != "refused", "cuda:1 is of the kind cuda: look at what stands before the colon"
    assert got == "cuda:1", f"cuda:1 was asked for, and it would be {got}"
    assert ask("gpu", "cuda", "cpu") == "refused", "no kind of device is called gpu"
    assert ask("xpu:0", "cuda", "cpu") == "refused", "there is no device of the kind xpu"
    print("correct: only auto chooses, and what is not there is refused")


# %%
def good_pick(name, there):
    if name == "auto": return there[0]
    if name.split(":")[0] not in there: raise ValueError
    return name

def falls_back(name, there): return name if name.split(":")[0] in there else there[0]

def no_numbers(name, there):
    if name == "auto": return there[0]
    if name not in there: raise ValueError
    return name

def best_of_all(name, there):
    if name.split(":")[0] not in ["auto", *there]: raise ValueError
    return there[0]

check_pick(good_pick)
assert rejects(check_pick, falls_back, "there is none")
assert rejects(check_pick, no_numbers, "before the colon")
assert rejects(check_pick, best_of_all, "no GPU instead")


# %% [markdown]
# ## 2. Too small to matter

# %%
#| exports
def check_survives(survives): # (weight, update, dtype) -> bool
    "Whether `survives` knows the spacing of a format, which grows with the number."
    f32, f16, bf16 = torch.float32, torch.float16, torch.bfloat16
    def ask(*args): return bool(survives(*args))
    assert ask(1.0, 0.5, bf16), "a half added to one is no small thing"
    assert not ask(1.0, 1e-3, bf16), (
        "the update itself can be held in bfloat16, but 1 + 0.001 rounds to 1: compare the sum")
    assert ask(1.0, 1e-3, f16) and ask(1.0, 1e-3, f32), "the other two have digits for 1.001"
    assert ask(1e-3, 1e-4, bf16), (
        "a tenth of the weight: numbers near 0.001 lie closer together than numbers near 1")
    assert not ask(300.0, 0.1, f16), "numbers near 300 lie farther apart than numbers near 1"
    assert ask(1.0, -0.5, f32), "an update may be negative: any change counts"
    assert ask(-1.0, 0.5, bf16) and not ask(-1.0, 1e-3, bf16), "a weight may be negative"
    assert not ask(0.0, 1e-8, f16), "1e-8 is 0 in float16"
    assert ask(0.0, 1e-8, bf16), "bfloat16 has the range of float32"
    print("correct: it is the sum that must differ, and the spacing grows with the weight")


# %%
def good_survives(weight, update, dtype):
    before = torch.tensor(weight, dtype=dtype)
    return bool(before + torch.tensor(update, dtype=dtype) != before)

def not_zero(weight, update, dtype): return bool(torch.tensor(update, dtype=dtype) != 0)
def one_spacing(weight, update, dtype): return abs(update) > torch.finfo(dtype).eps / 2

def only_up(weight, update, dtype):
    before = torch.tensor(weight, dtype=dtype)
    return bool(before + torch.tensor(update, dtype=dtype) > before)

check_survives(good_survives)
assert rejects(check_survives, not_zero, "compare the sum")
assert rejects(check_survives, one_spacing, "closer together")
assert rejects(check_survives, only_up, "negative")
