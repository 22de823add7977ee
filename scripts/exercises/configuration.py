# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: a configuration
#
# > What accepts or rejects an answer to the exercises of A configuration
#
# - order: 58

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/configuration.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/configuration.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/configuration.ipynb) · [API](../about/api.ipynb#exercises-configuration)

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
# The exercises stand in [the lesson](../foundations/configuration.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.configuration

# %%
#| exports
from itertools import product

from gan_course.configuration import RECIPES, BaseConfig

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. What is different?

# %%
#| exports
def check_differences(differences): # takes two configurations, gives a dictionary
    "Whether `differences` names every field in which two configurations differ, with both values."
    a = BaseConfig(epochs=5, limit=1000, seed=1)
    b = BaseConfig(epochs=7, lr_g=1e-3, seed=1)
    expected = {"epochs": (5, 7), "limit": (1000, None), "lr_g": (BaseConfig().lr_g, 1e-3)}
    found = differences(a, b)
    assert isinstance(found, dict), f"expected a dictionary, got {type(found).__name__}"
    extra, missing = found.keys() - expected.keys(), expected.keys() - found.keys()
    assert not extra, f"{', '.join(sorted(extra))} is the same in both"
    assert "limit" not in missing, (
        "limit is 1000 in one and None in the other, and is missing: None is a value too")
    assert not missing & (set(expected) - set(RECIPES["modern"])), (
        f"{', '.join(sorted(missing))} is missing: look at all fields, not only the recipe's")
    assert not missing, f"{', '.join(sorted(missing))} is missing"
    for name, values in expected.items():
        got = found[name]
        assert isinstance(got, tuple) and len(got) == 2, (
            f"{name}: expected the pair {values}, got {got!r}")
        assert got != values[::-1], f"{name} is {got}: a's value comes first"
        assert got == values, f"{name} is {got}, expected {values}"
    assert differences(a, a) == {}, "equal configurations have no differences"
    print("correct: every field that differs, with both values")


# %%
def good_differences(a, b):
    a, b = a.to_dict(), b.to_dict()
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}

def without_none(a, b):
    a, b = a.to_dict(), b.to_dict()
    return {k: (a[k], b[k]) for k in a if a[k] != b[k] and a[k] is not None and b[k] is not None}

def only_recipe(a, b):
    seen = {*RECIPES["modern"], "limit"}
    return {k: v for k, v in good_differences(a, b).items() if k in seen}

def new_first(a, b): return good_differences(b, a)

def everything(a, b):
    a, b = a.to_dict(), b.to_dict()
    return {name: (a[name], b[name]) for name in a}

check_differences(good_differences)
assert rejects(check_differences, without_none, "None is a value too")
assert rejects(check_differences, only_recipe, "all fields")
assert rejects(check_differences, new_first, "comes first")
assert rejects(check_differences, everything, "the same in both")


# %% [markdown]
# ## 2. A search

# %%
#| exports
def check_search(search): # takes a configuration and lists of values by field name
    "Whether `search` gives every combination once, each with a run folder of its own."
    base = BaseConfig(epochs=3, out="runs/search")
    lr_g, seed = [1e-4, 2e-4, 4e-4], [0, 1, 2]
    found = list(search(base, lr_g=lr_g, seed=seed))
    pairs, expected = [(c.lr_g, c.seed) for c in found], set(product(lr_g, seed))
    assert len(found) != 3, "three configurations: zip takes one of each, product all combinations"
    assert len(found) == 9 and set(pairs) == expected, (
        f"three learning rates and three seeds are nine combinations, got {len(set(pairs))} "
        f"in {len(found)} configurations")
    folders = [c.out for c in found]
    assert len(set(folders)) == 9, (
        f"the nine runs share {len(set(folders))} folder(s): one would overwrite another")
    outside = [path for path in folders if base.out not in path.parents]
    assert not outside, f"{outside[0].as_posix()} is not inside config.out, {base.out.as_posix()}"
    assert all(c.replace(lr_g=base.lr_g, seed=base.seed, out=base.out) == base for c in found), (
        "something else than the choices and the folder was changed: start from the given config")
    one, other = list(search(base, epochs=[1, 2]))
    assert (one.epochs, other.epochs) == (1, 2) and one.out != other.out, "one field alone fails"
    print("correct: every combination once, each in a folder of its own")


# %%
def good_search(config, **choices):
    every = [dict(zip(choices, values)) for values in product(*choices.values())]
    return [config.replace(**chosen, out=config.out/str(i)) for i, chosen in enumerate(every)]

def zipped(config, **choices):
    every = [dict(zip(choices, values)) for values in zip(*choices.values())]
    return [config.replace(**chosen, out=config.out/str(i)) for i, chosen in enumerate(every)]

def one_folder(config, **choices):
    return [c.replace(out=config.out) for c in good_search(config, **choices)]

def from_scratch(config, **choices):
    return [c.replace(epochs=BaseConfig().epochs) for c in good_search(config, **choices)]

check_search(good_search)
assert rejects(check_search, zipped, "zip takes one of each")
assert rejects(check_search, one_folder, "overwrite another")
assert rejects(check_search, from_scratch, "start from the given config")


# %% [markdown]
# ## 3. How many steps?

# %%
#| exports
def check_steps(optimiser_steps): # takes a configuration and a number of images
    "Whether `optimiser_steps` counts the discriminator's steps of a whole run."
    def count(num, **changes): return optimiser_steps(BaseConfig(batch_size=64, **changes), num)
    assert count(6400, epochs=1) == 100, (
        f"6,400 images by 64: 100 steps, not {count(6400, epochs=1)}")
    assert count(6400, epochs=3) == 300, "three epochs are three times as many"
    assert count(6463, epochs=1) == 100, (
        f"6,463 images give {count(6463, epochs=1)}: only full batches count, so round down")
    assert count(99, epochs=10) == 10, (
        f"99 images, 10 epochs: {count(99, epochs=10)}; round down in each epoch, not at the end")
    assert count(6400, epochs=1, limit=640) == 10, "limit says how many images are used"
    assert count(640, epochs=1, limit=6400) == 10, "a limit above the number of images adds none"
    assert count(6400, epochs=1, d_steps=2) == 100, (
        f"d_steps=2 gives {count(6400, epochs=1, d_steps=2)}: each step takes a batch of its own, "
        "so there are half as many iterations of two steps each")
    assert count(6400, epochs=1, d_steps=3) == 99, (
        "d_steps=3: 100 batches are 33 iterations of three steps, and one batch is left over")
    print("correct: full batches, full iterations, in every epoch anew")


# %%
def good_steps(config, num):
    images = num if config.limit is None else min(num, config.limit)
    return config.epochs * (images // config.batch_size // config.d_steps) * config.d_steps

def rounded_up(config, num): return config.epochs * -(-num // config.batch_size)
def at_the_end(config, num): return config.epochs * num // config.batch_size
def no_limit(config, num): return config.epochs * (num // config.batch_size)
def shared_batch(config, num): return good_steps(config.replace(d_steps=1), num) * config.d_steps

check_steps(good_steps)
assert rejects(check_steps, rounded_up, "round down")
assert rejects(check_steps, at_the_end, "in each epoch")
assert rejects(check_steps, no_limit, "limit says")
assert rejects(check_steps, shared_batch, "a batch of its own")
