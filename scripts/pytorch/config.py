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
# > Every number of a run in one place, checked before anything is spent, and two recipes that differ in nothing else
#
# - order: 7

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/config.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/config.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/config.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course[pytorch] @ git+https://github.com/gan-course/gan_course@main"]) == 0

# %% [markdown]
# **You will be able to** describe a training run completely in one object, choose the device and the number format by
# asking the machine, and read what the two recipes of this course have in common and where they part.
#
# **You need** [How these lessons run](../foundations/start.ipynb) and Python's dataclasses. **It takes** fifteen
# minutes; every cell runs at once.

# %%
#| default_exp pytorch.config

# %%
#| exports
import dataclasses
import difflib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gan_course.basics import CourseError

# %% [markdown]
# ## Why not a dictionary
#
# The first configuration everybody writes is a dictionary:

# %%
settings = {"batch_size": 64, "learning_rate": 4e-4, "epochs": 30}
settings["learning-rate"] = 2e-4 # a slip of the pen
settings


# %% [markdown]
# What will the run use, 2e-4 or 4e-4? Nobody complains, and in half an hour there is a result that belongs to another
# experiment than its author believes. A dataclass refuses a name it does not know. If it is frozen, nothing changes a
# value behind our back either, and two runs with equal configurations are the same run.

# %%
@dataclass(frozen=True)
class Sketch:
    batch_size: int = 64
    lr: float = 4e-4

try: Sketch(learning_rate=2e-4)
except TypeError as error: print(error)

# %% [markdown]
# Does it also refuse a batch size of "many"? Python does not check annotations. Guess before you run the cell.

# %%
Sketch(batch_size="many", lr=-1)

# %% [markdown]
# It takes both. The error then comes from deep inside the optimiser, minutes later, or not at all. So our class checks
# types and ranges when it is made, and says what would be allowed.
#
# ## Recipes
#
# There are some forty fields below. Most of them describe the run: which data, where to, how long. The others describe
# *how to train a GAN*, and they belong together: a learning rate that is right with BatchNorm and β₁ = 0.5 is wrong
# without. A set of values that belong together is a **recipe**, and this course has two:
#
# - `dcgan` is Radford et al. (2015), the form in which most people meet GANs: the non-saturating loss, BatchNorm in both
#   networks, Adam with β₁ = 0.5.
# - `modern` is what one would use today: a relativistic loss, penalties on the discriminator's gradient in place of
#   BatchNorm, no momentum, and an average of the generator's weights to sample from. The
#   [lesson on the engine](engine.ipynb) derives each of these.
#
# The training code never asks for the name of the recipe. It only reads fields, so every value between the two recipes
# can be tried.

# %%
#| exports
RECIPES = {
    "modern": dict(
        batch_size=64, latent_dim=64, width=32, upsample="transpose", d_norm="none", dropout=0.0,
        loss="relativistic", r1=0.1, r2=0.1, penalty_every=16, label_smoothing=0.0,
        optimizer="adam", lr_g=1.6e-3, lr_d=8e-4, beta1=0.0, beta2=0.99, lr_decay="none",
        ema_half_life=20_000),
    "dcgan": dict(
        batch_size=64, latent_dim=100, width=32, upsample="transpose", d_norm="batch", dropout=0.0,
        loss="non_saturating", r1=0.0, r2=0.0, penalty_every=16, label_smoothing=0.0,
        optimizer="adam", lr_g=1e-3, lr_d=2e-4, beta1=0.5, beta2=0.999, lr_decay="none",
        ema_half_life=10_000),
}

# %% [markdown]
# Side by side, what differs. About a dozen values, and each has its reason in the lesson on the engine:

# %%
print(f"{'field':<16}{'modern':>16}{'dcgan':>16}")
for name, value in RECIPES["modern"].items():
    other = RECIPES["dcgan"][name]
    if value != other: print(f"{name:<16}{value!s:>16}{other!s:>16}")

# %%
assert RECIPES["modern"].keys() == RECIPES["dcgan"].keys()

# %% [markdown]
# ## The fields
#
# A field that the recipe governs has the default `BY_RECIPE`, and is filled in when the object is made. The comment
# behind each field is also what `gan-course train pytorch --help` prints.

# %%
#| exports
BY_RECIPE: Any = None # default of the fields that the recipe fills in


# %%
#| exports
@dataclass(frozen=True, kw_only=True)
class Config:
    "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
    recipe: Literal["modern", "dcgan"] = "modern" # fills in every field that is not given
    # the data
    dataset: Literal["auto", "fashion_mnist", "garments"] = "auto" # auto: garments as a last resort
    data_dir: Path | None = None # where data sets lie; else $GAN_COURSE_DATA, else the user's cache
    limit: int | None = None # use only the first so many images
    batch_size: int = BY_RECIPE # real images per step, and as many generated ones
    flip: float = 0.0 # probability of mirroring a real image left to right
    # the networks
    latent_dim: int = BY_RECIPE # length of z
    width: int = BY_RECIPE # channels of the widest layers are 4 times this
    upsample: Literal["transpose", "resize"] = BY_RECIPE # transposed convolution, or resize
    d_norm: Literal["none", "batch"] = BY_RECIPE # normalisation in the discriminator
    dropout: float = BY_RECIPE # in the discriminator, in [0, 1)
    # the objective
    loss: Literal["relativistic", "non_saturating", "minimax"] = BY_RECIPE # what they play for
    r1: float = BY_RECIPE # weight of the gradient penalty at real images
    r2: float = BY_RECIPE # weight of the gradient penalty at generated images
    penalty_every: int = BY_RECIPE # steps between penalties, each weighted by this number
    label_smoothing: float = BY_RECIPE # real images are labelled 1 - this; not with relativistic
    instance_noise: float = 0.0 # deviation of the noise on D's images; fades to 0 over the run
    d_steps: int = 1 # discriminator steps per iteration
    g_steps: int = 1 # generator steps per iteration
    # the optimisers
    optimizer: Literal["adam", "adamw", "rmsprop"] = BY_RECIPE # of both networks
    lr_g: float = BY_RECIPE # learning rate of the generator
    lr_d: float = BY_RECIPE # learning rate of the discriminator
    beta1: float = BY_RECIPE # Adam's momentum
    beta2: float = BY_RECIPE # Adam's memory of squared gradients; alpha of RMSprop
    weight_decay: float = 0.0 # of AdamW
    lr_decay: Literal["none", "linear", "cosine"] = BY_RECIPE # to a twentieth over the run
    ema_half_life: int = BY_RECIPE # in images, of the generator's weight average; 0: no average
    # the run
    epochs: int = 30 # passes over the data
    seed: int = 0 # of initial weights, latents and the order of images
    out: Path = Path("artifacts/pytorch_gan") # the run folder
    device: str = "auto" # auto, cpu, cuda, cuda:1, mps, xpu
    precision: Literal["auto", "fp32", "bf16"] = "auto" # auto: bf16 where there are units for it
    deterministic: bool = False # only deterministic kernels on a GPU (a CPU has no others)
    cuda_graphs: bool = True # on a GPU, record a step once and replay it
    checkpoint_every: int = 200 # steps between checkpoints; every epoch ends with one too
    keep_checkpoints: int = 2 # how many of them to keep
    num_samples: int = 64 # images in gan_samples.png and progress.png
    eval_images: int = 5_000 # samples behind each epoch's Fréchet distance; 0: none
    progress: bool = True # show a progress bar

    def __post_init__(self):
        if self.recipe not in tuple(RECIPES):
            raise CourseError(wrong_choice("recipe", self.recipe, RECIPES))
        for name, value in RECIPES[self.recipe].items():
            if getattr(self, name) is BY_RECIPE: object.__setattr__(self, name, value)
        for name in ("out", "data_dir"):
            value = getattr(self, name)
            if isinstance(value, str): object.__setattr__(self, name, Path(value))
        check_fields(self)

    def replace(self, **changes):
        "A changed copy. A new `recipe` fills in every field it governs anew, unless given."
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes.keys() - set(known):
            near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
            raise CourseError(f"there is no field {name} in the configuration; {hint}")
        if changes.get("recipe", self.recipe) != self.recipe:
            changes = {name: BY_RECIPE for name in RECIPES[self.recipe]} | changes
        return dataclasses.replace(self, **changes)

    def to_dict(self):
        "As JSON holds it: paths as text."
        return {name: str(value) if isinstance(value, Path) else value
                for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, values):
        "The opposite of `to_dict`; an unknown or missing field is a `CourseError`."
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, dict) or values.keys() != known:
            odd = ", ".join(sorted(values.keys() ^ known)) if isinstance(values, dict) else "none"
            raise CourseError(
                f"the saved configuration does not fit this version of gan_course (fields: {odd}); "
                "install the version that wrote it, or train anew with another --out")
        return cls(**values)


# %% [markdown]
# The checks come from two tables that can be read at a glance: the annotations above, which say what type a field has
# and what it may be, and the range of every number. The ranges are wide. They do not say what is wise, only what
# cannot be meant.

# %%
#| exports
RANGES = { # field -> smallest and largest value
    "limit": (2, 10**9), "batch_size": (2, 65_536), "flip": (0, 1),
    "latent_dim": (1, 4096), "width": (1, 1024), "dropout": (0, 0.95),
    "r1": (0, 10_000), "r2": (0, 10_000), "penalty_every": (1, 10_000), "label_smoothing": (0, 0.5),
    "instance_noise": (0, 10), "d_steps": (1, 100), "g_steps": (1, 100),
    "lr_g": (1e-9, 1), "lr_d": (1e-9, 1), "beta1": (0, 0.99999), "beta2": (0, 0.9999999),
    "weight_decay": (0, 10),
    "ema_half_life": (0, 10**9), "epochs": (1, 10**6), "seed": (0, 2**63 - 1),
    "checkpoint_every": (1, 10**9), "keep_checkpoints": (1, 1000), "num_samples": (1, 400),
    "eval_images": (0, 10**6),
}


# %%
#| exports
def wrong_choice(name, value, choices):
    "The message for a value that is none of the choices."
    return f"{name} is {value!r}; choose one of {', '.join(map(str, choices))}"

def check_fields(config):
    "Raise `CourseError` for the first field of a wrong type or value, or that contradicts another."
    hints = typing.get_type_hints(type(config))
    for name, hint in hints.items():
        value = getattr(config, name)
        if typing.get_origin(hint) is Literal:
            choices = typing.get_args(hint)
            if value not in choices: raise CourseError(wrong_choice(name, value, choices))
            continue
        kinds = typing.get_args(hint) or (hint,)
        fits = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
        if not fits or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join("empty" if kind is type(None) else kind.__name__ for kind in kinds)
            raise CourseError(f"{name} is {value!r}; it has to be of type {wanted}")
        if name in RANGES and value is not None:
            low, high = RANGES[name]
            if not low <= value <= high: # nan is neither below nor above, and must not get through
                raise CourseError(f"{name} is {value!r}; it has to lie between {low} and {high}")
    if config.device.split(":")[0] not in DEVICES:
        raise CourseError(wrong_choice("device", config.device, DEVICES))
    if config.limit is not None and config.limit < config.batch_size:
        raise CourseError(f"limit is {config.limit} and batch_size {config.batch_size}: "
                          "not one full batch; lower batch_size or raise limit")
    if config.label_smoothing and config.loss == "relativistic":
        raise CourseError("label_smoothing has no meaning with loss relativistic, which has no "
                          "labels; set it to 0, or choose loss non_saturating")
    if config.weight_decay and config.optimizer != "adamw":
        raise CourseError(f"weight_decay belongs to optimizer adamw, not {config.optimizer}; "
                          "set it to 0, or choose optimizer adamw")


# %%
#| exports
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
CONFIG = Config()

# %% [markdown]
# Every number has its range, or somebody will find the one that has not:

# %%
numbers = {name for name, hint in typing.get_type_hints(Config).items()
           if {int, float} & {hint, *typing.get_args(hint)}}
assert numbers == set(RANGES), numbers ^ set(RANGES)
len(numbers), len(dataclasses.fields(Config))

# %% [markdown]
# `CONFIG` is the recipe for a first good run. Every change makes a new object:

# %%
mine = CONFIG.replace(epochs=5, lr_g=2e-4)
mine.epochs, mine.lr_g, CONFIG.epochs

# %%
assert CONFIG.recipe == "modern" and mine != CONFIG
assert mine.replace(epochs=30, lr_g=CONFIG.lr_g) == CONFIG
assert Config.from_dict(mine.to_dict()) == mine

# %% [markdown]
# Before you run the next cell: after `mine.replace(recipe="dcgan")`, is `lr_g` 2e-4 because we asked for it, or
# because the recipe says so?

# %%
other = mine.replace(recipe="dcgan", lr_g=1e-3)
other.lr_g, other.lr_d, other.beta1, other.epochs

# %% [markdown]
# Changing the recipe fills in everything it governs, and forgets what was chosen for the old recipe: values that are
# right in one are wrong in the other. What is given in the same call stays, and so does everything that is no matter of
# the recipe, such as the number of epochs.

# %%
assert mine.replace(recipe="dcgan").lr_d == RECIPES["dcgan"]["lr_d"] and other.epochs == 5

# %% [markdown]
# And what it refuses:

# %%
for wrong in [dict(batch_size=0), dict(lr_g=float("nan")), dict(loss="wgan"), dict(epochs=2.5),
              dict(limit=10), dict(label_smoothing=0.1), dict(lr=1e-3)]:
    try: CONFIG.replace(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")


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
# A float32 number takes four bytes. Two formats take two: float16 spends its bits on precision, bfloat16 on range.
# Which of the three can hold 1.001, and which a gradient of one hundred-millionth?

# %%
import torch

# %%
# NBVAL_CHECK_OUTPUT

for kind in (torch.float32, torch.float16, torch.bfloat16):
    print(f"{kind!s:<15} 1.001 -> {torch.tensor(1.001, dtype=kind).item():<10.6g}"
          f" 1e-8 -> {torch.tensor(1e-8, dtype=kind).item():.3g}")


# %% [markdown]
# float16 rounds the small gradient to zero, and what is zero teaches nothing; it needs the loss to be scaled up, and the
# scale to be watched. bfloat16 has the range of float32 and about three decimal digits. That is too coarse for weights:
# adding a thousandth of itself to a weight of 1 changes nothing. It is enough for the products inside a convolution,
# whose errors average out. **Autocast** draws that line: PyTorch computes convolutions and matrix products in bfloat16,
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
# A run folder has the same files in every track, so that what reads one can read all.

# %%
#| exports
def artifact_paths(out): # the run folder
    "What a run writes, by name."
    names = dict(config="config.json", metrics="metrics.json",
                 samples="gan_samples.png", losses="losses.png", progress="progress.png",
                 generator="generator.pt", discriminator="discriminator.pt",
                 best="best/generator.pt", checkpoints="checkpoints")
    return {name: Path(out)/file for name, file in names.items()}


# %%
# NBVAL_CHECK_OUTPUT
for name, path in artifact_paths(CONFIG.out).items(): print(f"{name:<14} {path.as_posix()}")

# %%
assert artifact_paths("here")["samples"] == Path("here/gan_samples.png")

# %% [markdown]
# ## Exercises

# %%
from gan_course.exercises.pytorch_config import check_differences, check_search, check_steps


# %% [markdown]
# ### 1. What is different?
#
# Two runs gave different pictures. Write `differences(a, b)`: a dictionary from the name of each field in which the two
# configurations differ to the pair of its values, first `a`'s, then `b`'s. Equal configurations give `{}`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def differences(a, b):
    a, b = a.to_dict(), b.to_dict()
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}

check_differences(differences)

# %% [markdown]
# ### 2. A search
#
# Write `search(config, **choices)`: a list with one configuration for every combination of the choices, so that
# `search(CONFIG, lr_g=[1e-4, 2e-4], seed=[0, 1, 2])` gives six. Each must write to a run folder of its own, inside
# `config.out`.

# %%
from itertools import product


# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def search(config, **choices):
    found = []
    for values in product(*choices.values()):
        chosen = dict(zip(choices, values))
        name = ",".join(f"{key}={value}" for key, value in chosen.items())
        found.append(config.replace(**chosen, out=config.out/name))
    return found

check_search(search)


# %% [markdown]
# ### 3. How many steps?
#
# Write `optimiser_steps(config, num_images)`: how often the discriminator's optimiser takes a step in a whole run, when
# the data set has `num_images` images. Only full batches are used; each iteration makes `d_steps` discriminator
# steps, each with a batch of its own; an iteration for which the epoch has no images left is not begun.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def optimiser_steps(config, num_images):
    images = num_images if config.limit is None else min(num_images, config.limit)
    iterations = images // config.batch_size // config.d_steps # in an epoch
    return config.epochs * iterations * config.d_steps

check_steps(optimiser_steps)

# %% [markdown]
# ## What to remember
#
# - A configuration is one frozen object: equal configurations are equal runs, and a name or value that makes no sense is
#   refused before anything is spent.
# - A recipe is a set of values that belong together. The training code reads fields and never asks for the recipe.
# - What was asked for by name is not replaced: not a device, not a number format, not a data set. Only `auto` chooses.
# - bfloat16 has the range of float32 and three decimal digits. Products may be taken in it; weights may not be kept in it.
#
# **What goes wrong, and how to see it.**
#
# - *The run used other values than you think.* Read `config.json` in the run folder, not your notebook.
# - *One value was carried from one recipe to the other*, mostly β₁ or the learning rate. Compare `config.to_dict()` with
#   `RECIPES`, as exercise 1 does.
# - *Training takes ten times as long as on this page.* Look at the device and the number format in the provenance line: `auto`
#   found no GPU, or you asked for bf16 on a processor that emulates it.
# - *Two runs of a search wrote to one folder.* The second is refused while the first is running; afterwards, only different
#   folders help.
#
# **References.** Radford, Metz and Chintala 2015, [*Unsupervised representation learning with deep convolutional
# generative adversarial networks*](https://arxiv.org/abs/1511.06434), section 3: the values of `dcgan`. Huang, Gokaslan,
# Kuleshov and Tompkin 2024, [*The GAN is dead; long live the GAN!*](https://arxiv.org/abs/2501.05441): the loss and the
# two penalties of `modern` (their R3GAN). Kalamkar et al. 2019,
# [*A study of bfloat16 for deep learning training*](https://arxiv.org/abs/1905.12322). Python's
# [dataclasses](https://docs.python.org/3/library/dataclasses.html).
