# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: configuration (TPU)
#
# > What accepts or rejects an answer to the exercises of Configuration of the TPU track
#
# - skip_showdoc: true
# - order: 87

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_config.ipynb) · [API](../about/api.ipynb#exercises-tpu_config)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tpu]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../tpu/config.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_config

# %%
#| exports
from gan_course.tpu.config import CONFIG, Config # first: it chooses Keras's backend

import dataclasses
import math

from gan_course.basics import CourseError

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. How full is the unit?

# %%
#| exports
def check_used(used): # (rows, inputs, outputs, tile=128) -> a number in (0, 1]
    "Whether `used` fills up each side of a product, and no side that needs it not."
    def ask(*sides, **how):
        try: return float(used(*sides, **how))
        except ZeroDivisionError: raise AssertionError(
            "it divides by 0: a side smaller than a tile takes one tile "
            "all the same; round up") from None
    def close(a, b): return abs(a - b) < 1e-9
    full, half, small = ask(256, 128, 384), ask(64, 128, 128), ask(64, 64, 64)
    assert full >= 1, (
        f"three sides that are multiples of 128 need no filling, and {full:.3f} says they do: "
        "round up, and not further")
    assert close(full, 1), f"no more than all of the unit can be used, and this says {full:.3f}"
    assert not close(small, 1), (
        "64 × 64 × 64 is a multiple of 128, and its sides are not: each side is "
        "filled up by itself")
    assert not close(small, 0.5), "three sides of 64 are filled up, and this counts one of them"
    assert close(half, 0.5) and close(small, 1/8), (
        f"one side of 64 uses a half and three an eighth, not {half:.3f} and {small:.3f}")
    long = ask(192, 128, 128)
    assert not close(long, 1), (
        "192 rows are a tile and a half: there are sides longer than a tile that do not fill it")
    assert long < 1, (
        "160 or 192 rows take two tiles, not one: round up, not to the nearest "
        f"(it says {long:.3f})")
    assert close(long, 0.75), f"192 of 256 rows are 0.75, not {long:.3f}"
    assert ask(160, 128, 128) < 1, (
        "160 or 192 rows take two tiles, not one: round up, not to the nearest")
    other = ask(128, 256, 256, tile=256)
    assert close(other, 0.5), (
        f"a unit of 256 × 256 is used by 128 rows to a half, not to {other:.3f}: the "
        "tile is an argument")
    print("correct: each side is filled up, by itself")


# %%
def good_used(rows, inputs, outputs, tile=128, up=lambda n, tile: -(-n // tile) * tile):
    return math.prod(n / up(n, tile) for n in (rows, inputs, outputs))

def whole_product(rows, inputs, outputs, tile=128):
    n = rows * inputs * outputs
    return n / (-(-n // tile) * tile)

def up_with(up): return lambda *sides, tile=128: good_used(*sides, tile=tile, up=up)
def capped(*sides, tile=128): return math.prod(min(1, n / tile) for n in sides)

check_used(good_used)
assert rejects(check_used, whole_product, "by itself")
assert rejects(check_used, up_with(lambda n, tile: n // tile * tile), "divides by 0")
assert rejects(check_used, up_with(lambda n, tile: (n // tile + 1) * tile), "need no filling")
assert rejects(check_used, up_with(lambda n, tile: max(1, round(n / tile)) * tile),
               "not to the nearest")
assert rejects(check_used, capped, "longer than a tile")


# %% [markdown]
# ## 2. From one core to eight

# %%
#| exports
def check_for_devices(for_devices): # (a `Config` for one device, how many there are) -> a `Config`
    "Whether `for_devices` changes what depends on the size of a batch, and nothing else."
    one = CONFIG.replace(batch_size=128, learning_rate=4e-4, checkpoint_every=1000,
                         ema_half_life=20_000)
    def ask(config, count):
        try: found = for_devices(config, count)
        except dataclasses.FrozenInstanceError: raise AssertionError(
            "a configuration cannot be changed: config.replace(...) makes a changed copy") from None
        except CourseError as error: raise AssertionError(
            f"for {count} devices it asks for something that a Config refuses ({error}): every "
            "number has its least value") from None
        assert isinstance(found, Config), f"a {type(found).__name__} was returned, not a Config"
        return found
    eight = ask(one, 8)
    assert eight.batch_size == 1024, (
        f"batch_size counts over all devices: eight of them take 1,024, not {eight.batch_size}")
    factor = eight.learning_rate / one.learning_rate
    assert abs(factor - 1) > 1e-9, (
        "the learning rate is as before: a larger batch has less noise, and allows larger steps")
    assert abs(factor - 8) > 1e-9, (
        "the learning rate grew with the batch: that is the rule for gradient descent; for Adam "
        "it is the square root")
    assert abs(factor - math.sqrt(8)) < 1e-6, (
        f"the learning rate grew {factor:.3f} times, not √8 times")
    assert eight.checkpoint_every != one.checkpoint_every, (
        "a checkpoint comes after a thousand steps as before, and that is eight times as many "
        "images: it is counted in steps")
    assert eight.checkpoint_every != 8000, (
        "eight times as many images in a step: there are fewer steps between checkpoints, not more")
    assert eight.checkpoint_every == 125, (
        f"a thousand steps of 128 images are 125 of 1,024, not {eight.checkpoint_every}")
    assert eight.ema_half_life == one.ema_half_life, (
        "ema_half_life is counted in images: nothing has to be changed")
    free = {"batch_size", "learning_rate", "checkpoint_every", "ema_half_life"}
    others = {f.name for f in dataclasses.fields(Config)} - free
    changed = sorted(name for name in others if getattr(eight, name) != getattr(one, name))
    assert not changed, (
        f"{', '.join(changed)}: neither in steps of the optimiser nor a batch, and yet changed")
    assert ask(one, 1) == one, "for one device nothing changes"
    few = ask(one.replace(checkpoint_every=3), 8).checkpoint_every
    assert few == 1, f"a checkpoint every 3 steps becomes one every {few}: 1 is the least"
    assert ask(one.replace(checkpoint_every=100), 8).checkpoint_every in (12, 13), (
        "100 steps of one are 12 or 13 of eight")
    print("correct: the same images between checkpoints, and a rate for the larger batch")


# %%
def answer(rate=math.sqrt, every=lambda n, count: max(1, round(n / count)), **more):
    def for_devices(config, count):
        changes = {name: value(getattr(config, name), count) for name, value in more.items()}
        return config.replace(batch_size=config.batch_size * count,
                              learning_rate=config.learning_rate * rate(count),
                              checkpoint_every=every(config.checkpoint_every, count), **changes)
    return for_devices

check_for_devices(answer())
assert rejects(check_for_devices, answer(rate=lambda count: count), "the square root")
assert rejects(check_for_devices, answer(rate=lambda count: 1), "less noise")
assert rejects(check_for_devices, answer(every=lambda n, count: n), "counted in steps")
assert rejects(check_for_devices, answer(every=lambda n, count: n // count), "its least value")
assert rejects(check_for_devices, answer(ema_half_life=lambda n, count: n * count),
               "counted in images")
