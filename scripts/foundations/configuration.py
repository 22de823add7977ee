# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A configuration
#
# > Every number of a run in one place, checked before anything is spent, and two recipes that differ in nothing else
#
# - order: 2

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/configuration.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/configuration.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/configuration.ipynb) · [API](../about/api.ipynb#foundations-configuration)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** describe a training run completely in one object, refuse what cannot be meant before an hour is
# spent on it, and read what the two recipes of this course have in common and where they part.
#
# **You need** [How these lessons run](start.ipynb) and Python's dataclasses. **It takes** fifteen minutes; every cell
# runs at once.

# %%
#| default_exp configuration

# %%
#| exports
import dataclasses
import difflib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from gan_course.basics import CourseError

# %%
import pickle

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
# Does it also refuse a [batch](../about/glossary.ipynb#gl-batch) size of "many"? Python does not check annotations. Guess before you run the cell.

# %%
Sketch(batch_size="many", lr=-1)


# %% [markdown]
# It takes both. The error then comes from deep inside the optimiser, minutes later, or not at all. So our class checks
# types and ranges when it is made, and says what would be allowed.
#
# ## Checks from two tables
#
# Forty fields and a test for each would be a long function that nobody reads. But a test of a type is written already:
# it is the annotation. What is missing is the range of every number, and that is a table too. `check_fields` reads both,
# and knows no field by name.

# %%
#| exports
def wrong_choice(name, value, choices):
    "The message for a value that is none of the choices."
    return f"{name} is {value!r}; choose one of {', '.join(map(str, choices))}"

def check_fields(config): # a dataclass; its `ranges` are field -> smallest and largest value
    "Raise `CourseError` for the first field whose type or value is wrong."
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        name, hint, value = field.name, hints[field.name], getattr(config, field.name)
        if typing.get_origin(hint) is Literal:
            choices = typing.get_args(hint)
            if value not in choices: raise CourseError(wrong_choice(name, value, choices))
            continue
        kinds = typing.get_args(hint) or (hint,)
        fits = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
        if not fits or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join("empty" if kind is type(None) else kind.__name__ for kind in kinds)
            raise CourseError(f"{name} is {value!r}; it has to be of type {wanted}")
        if name in config.ranges and value is not None:
            low, high = config.ranges[name]
            if not low <= value <= high: # nan is neither below nor above, and must not get through
                raise CourseError(f"{name} is {value!r}; it has to lie between {low} and {high}")


# %%
@dataclass(frozen=True)
class Checked:
    batch_size: int = 64
    lr: float = 4e-4
    loss: Literal["relativistic", "minimax"] = "relativistic"
    ranges: ClassVar = {"batch_size": (2, 65_536), "lr": (1e-9, 1)} # no field: the same for all

    def __post_init__(self): check_fields(self)

for wrong in [dict(batch_size="many"), dict(batch_size=True), dict(lr=-1), dict(lr=float("nan")),
              dict(loss="wgan")]:
    try: Checked(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %%
assert Checked(lr=1).lr == 1, "a whole number is a float too"
assert "ranges" not in {field.name for field in dataclasses.fields(Checked)}

# %% [markdown]
# ## What every configuration can do
#
# Before the fields, what does not depend on them: check itself, make a changed copy, become JSON and come back. A class that
# has [recipes](../about/glossary.ipynb#gl-recipe) names them in `recipes`; one that has none leaves it empty.

# %%
#| exports
BY_RECIPE: Any = None # default of the fields that the recipe fills in

class Settings:
    """What a frozen dataclass of settings can do. It has `ranges`, and `recipes` if one of its
    fields is `recipe`."""
    ranges: ClassVar = {} # field -> smallest and largest value
    recipes: ClassVar = {} # name -> the values it fills in

    def __post_init__(self):
        if self.recipes:
            if self.recipe not in tuple(self.recipes):
                raise CourseError(wrong_choice("recipe", self.recipe, self.recipes))
            for name, value in self.recipes[self.recipe].items():
                if getattr(self, name) is BY_RECIPE: object.__setattr__(self, name, value)
        for name in ("out", "data_dir"):
            value = getattr(self, name, None)
            if isinstance(value, str): object.__setattr__(self, name, Path(value))
        self.check()

    def check(self):
        """Raise `CourseError` for a field that is wrong or contradicts another. A class with fields
        extends it."""
        check_fields(self)
        limit = getattr(self, "limit", None)
        if limit is not None and limit < self.batch_size:
            raise CourseError(f"limit is {limit} and batch_size {self.batch_size}: "
                              "not one full batch; lower batch_size or raise limit")

    def replace(self, **changes):
        "A changed copy. A new `recipe` fills in every field it governs anew, unless given."
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes.keys() - set(known):
            near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
            raise CourseError(f"there is no field {name} in the configuration; {hint}")
        if self.recipes and changes.get("recipe", self.recipe) != self.recipe:
            changes = {name: BY_RECIPE for name in self.recipes[self.recipe]} | changes
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


# %%
@dataclass(frozen=True)
class Oven(Settings):
    degrees: int = 180
    out: Path = Path("plate")
    ranges: ClassVar = {"degrees": (50, 300)}

hot = Oven().replace(degrees=200)
assert hot == Oven(200, "plate") == Oven.from_dict(dict(degrees=200, out="plate"))
for wrong in [dict(degrees=1000), dict(degree=200)]:
    try: Oven().replace(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %% [markdown]
# ## Recipes
#
# There are some forty fields below. Most of them describe the run: which data, where to, how long. The others describe
# *how to train a GAN*, and they belong together: a [learning rate](../about/glossary.ipynb#gl-learning-rate) that is right with [BatchNorm](../about/glossary.ipynb#gl-batchnorm) and β₁ = 0.5 is wrong
# without. A set of values that belong together is a **recipe**, and this course has two:
#
# - `dcgan` is Radford et al. [-@radford2015dcgan], the form in which most people meet GANs: the [non-saturating](../about/glossary.ipynb#gl-non-saturating) loss, BatchNorm in both
#   networks, [Adam](../about/glossary.ipynb#gl-adam) with β₁ = 0.5.
# - `modern` is what one would use today: a [relativistic](../about/glossary.ipynb#gl-relativistic) loss, penalties on the [discriminator's](../about/glossary.ipynb#gl-discriminator) gradient in place of
#   BatchNorm, no [momentum](../about/glossary.ipynb#gl-momentum), and an [average of the generator's weights](../about/glossary.ipynb#gl-ema) to sample from. The
#   [lesson on the engine](../pytorch/engine.ipynb) derives each of these. Its [latents](../about/glossary.ipynb#gl-latent) have sixteen numbers
#   where the papers have a hundred and more; that was found by trying (`bench/tuning.md`).
#
# The training code never asks for the name of the recipe. It only reads fields, so every value between the two recipes
# can be tried.

# %%
#| exports
RECIPES = {
    "modern": dict(
        batch_size=64, latent_dim=16, width=32, upsample="transpose", d_norm="none", dropout=0.0,
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
# The range of every number first. The ranges are wide. They do not say what is wise, only what cannot be meant.

# %%
#| exports
RANGES = { # field -> smallest and largest value
    "limit": (2, 10**9), "batch_size": (2, 65_536), "flip": (0, 1),
    "latent_dim": (1, 4096), "width": (1, 1024), "d_widening": (1, 16), "dropout": (0, 0.95),
    "r1": (0, 10_000), "r2": (0, 10_000), "penalty_every": (1, 10_000), "label_smoothing": (0, 0.5),
    "instance_noise": (0, 10), "d_steps": (1, 100), "g_steps": (1, 100),
    "lr_g": (1e-9, 1), "lr_d": (1e-9, 1), "beta1": (0, 0.99999), "beta2": (0, 0.9999999),
    "weight_decay": (0, 10),
    "ema_half_life": (0, 10**9), "epochs": (1, 10**6), "seed": (0, 2**63 - 1),
    "checkpoint_every": (1, 10**9), "keep_checkpoints": (1, 1000), "num_samples": (1, 400),
    "eval_images": (0, 10**6),
}


# %% [markdown]
# Now the class. A field that the recipe governs has the default `BY_RECIPE`, and is filled in when the object is made.
# The comment behind each field is also what `gan-course train pytorch --help` prints.
#
# These are the fields that mean the same in PyTorch and in TensorFlow. What only one of them has, such as the name of a
# device, its track adds in a class of its own. The TPU track trains another GAN, with fewer numbers, and has a list of its own.

# %%
#| exports
@dataclass(frozen=True, kw_only=True)
class BaseConfig(Settings):
    "What determines a run in both tracks. Raises `CourseError` for a value that makes no sense."
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
    d_widening: int = 1 # so many times as wide is the discriminator as the generator
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
    out: Path = Path("artifacts/gan") # the run folder
    checkpoint_every: int = 200 # steps between checkpoints; every epoch ends with one too
    keep_checkpoints: int = 2 # how many of them to keep
    num_samples: int = 64 # images in gan_samples.png and progress.png
    eval_images: int = 5_000 # samples behind each epoch's Fréchet distance; 0: none
    # which distance decides which generator is kept as the best
    best_by: Literal["pixels", "frechet"] = "pixels"
    progress: bool = True # show a progress bar
    tensorboard: bool = False # write a log for TensorBoard into the run folder

    ranges: ClassVar = RANGES # no field; a track extends it by the numbers it adds
    recipes: ClassVar = RECIPES

    def check(self):
        super().check()
        if self.label_smoothing and self.loss == "relativistic":
            raise CourseError("label_smoothing has no meaning with loss relativistic, which has no "
                              "labels; set it to 0, or choose loss non_saturating")
        if self.weight_decay and self.optimizer != "adamw":
            raise CourseError(f"weight_decay belongs to optimizer adamw, not {self.optimizer}; "
                              "set it to 0, or choose optimizer adamw")


# %% [markdown]
# Every number has its range, or somebody will find the one that has not:

# %%
config = BaseConfig()
every = typing.get_type_hints(BaseConfig)
hints = {field.name: every[field.name] for field in dataclasses.fields(config)}
numbers = {name for name, hint in hints.items() if {int, float} & {hint, *typing.get_args(hint)}}
assert numbers == set(RANGES), numbers ^ set(RANGES)
len(numbers), len(hints)

# %% [markdown]
# Without any argument it is the recipe for a first good run. Every change makes a new object:

# %%
mine = config.replace(epochs=5, lr_g=2e-4)
mine.epochs, mine.lr_g, config.epochs

# %%
assert config.recipe == "modern" and mine != config
assert mine.replace(epochs=30, lr_g=config.lr_g) == config
assert BaseConfig.from_dict(mine.to_dict()) == mine == pickle.loads(pickle.dumps(mine))
assert len({config, mine, BaseConfig()}) == 2, "equal configurations are one element of a set"

# %% [markdown]
# Before you run the next cell: after `mine.replace(recipe="dcgan")`, is `lr_g` 2e-4 because we asked for it, or
# because the recipe says so?

# %%
other = mine.replace(recipe="dcgan", lr_g=1e-3)
other.lr_g, other.lr_d, other.beta1, other.epochs

# %% [markdown]
# Changing the recipe fills in everything it governs, and forgets what was chosen for the old recipe: values that are
# right in one are wrong in the other. What is given in the same call stays, and so does everything that is no matter of
# the recipe, such as the number of [epochs](../about/glossary.ipynb#gl-epoch).

# %%
assert mine.replace(recipe="dcgan").lr_d == RECIPES["dcgan"]["lr_d"] and other.epochs == 5

# %% [markdown]
# And what it refuses:

# %%
for wrong in [dict(batch_size=0), dict(lr_g=float("nan")), dict(loss="wgan"), dict(epochs=2.5),
              dict(limit=10), dict(label_smoothing=0.1), dict(lr=1e-3)]:
    try: config.replace(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")


# %% [markdown]
# ## What a track adds
#
# A track inherits all of this and adds what only it has: its fields, the range of those that are numbers, and a check
# where two of them can contradict each other.

# %%
@dataclass(frozen=True, kw_only=True)
class Mine(BaseConfig):
    out: Path = Path("artifacts/mine") # the run folder
    cores: int = 2 # how many to use
    turbo: bool = False # only with many cores
    ranges: ClassVar = RANGES | {"cores": (1, 1024)}

    def check(self):
        super().check()
        if self.turbo and self.cores < 8: raise CourseError("turbo needs 8 cores; raise cores")

for wrong in [dict(cores=0), dict(turbo=True), dict(lr_g=-1)]:
    try: Mine(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %%
assert Mine().out == Path("artifacts/mine")
assert Mine(recipe="dcgan").lr_d == RECIPES["dcgan"]["lr_d"]
assert Mine.from_dict(Mine(cores=8, turbo=True).to_dict()).turbo
assert Mine() != BaseConfig(out="artifacts/mine"), "another class is another configuration"


# %% [markdown]
# ## Where the results go
#
# A [run folder](../about/glossary.ipynb#gl-run-folder) has the same files in every track, so that what reads one can read all. Only the end of a file of weights
# tells which framework wrote it.

# %%
#| exports
def artifact_paths(out, # the run folder
                   weights=".pt", # how files of weights end
    ): # a dictionary of paths
    "What a run writes, by name."
    names = dict(config="config.json", metrics="metrics.json",
                 samples="gan_samples.png", losses="losses.png", progress="progress.png",
                 strips="progress.npz",
                 generator=f"generator{weights}", discriminator=f"discriminator{weights}",
                 best=f"best/generator{weights}", checkpoints="checkpoints")
    return {name: Path(out)/file for name, file in names.items()}


# %%
# NBVAL_CHECK_OUTPUT
for name, path in artifact_paths(config.out).items(): print(f"{name:<14} {path.as_posix()}")

# %%
assert artifact_paths("here")["samples"] == Path("here/gan_samples.png")
assert artifact_paths("here", ".weights.h5")["best"] == Path("here/best/generator.weights.h5")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.configuration import check_differences, check_search, check_steps


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
# `search(config, lr_g=[1e-4, 2e-4], seed=[0, 1, 2])` gives six. Each must write to a run folder of its own, inside
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
# - The checks are two tables, the annotations and the ranges; a field added to both is checked.
#
# **What goes wrong, and how to see it.**
#
# - *The run used other values than you think.* Read `config.json` in the run folder, not your notebook.
# - *One value was carried from one recipe to the other*, mostly β₁ or the learning rate. Compare `config.to_dict()` with
#   `RECIPES`, as exercise 1 does.
# - *Two runs of a search wrote to one folder.* The second is refused while the first is running; afterwards, only different
#   folders help.
#
# **References.** Radford, Metz and Chintala [-@radford2015dcgan], [*Unsupervised representation learning with deep convolutional
# generative adversarial networks*](https://arxiv.org/abs/1511.06434), section 3: the values of `dcgan`. Huang, Gokaslan,
# Kuleshov and Tompkin [-@huang2024r3gan], [*The GAN is dead; long live the GAN!*](https://arxiv.org/abs/2501.05441): the loss and the
# two penalties of `modern` (their R3GAN). Python's [dataclasses](https://docs.python.org/3/library/dataclasses.html).
