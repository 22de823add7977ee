# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: photographs (flowers)
#
# > What accepts or rejects an answer to the exercises of Photographs
#
# - skip_showdoc: true
# - order: 99

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_dataset.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_dataset.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_dataset.ipynb) · [API](../about/api.ipynb#exercises-flowers_dataset)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[flowers]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../flowers/dataset.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_dataset

# %%
#| exports
import gan_course.flowers.config # first: it chooses Keras's backend

import numpy as np
import tensorflow as tf

# %%
#| hide
import hashlib
from pathlib import Path

from gan_course.exercises import rejects


# %% [markdown]
# ## 1. A fifth, by name

# %%
#| exports
def check_is_test(is_test): # (name, share) -> whether it is held out
    "Whether `is_test` depends on the file name only, holds out the share, and nests."
    names = [f"{i}_{i * 7919 % 1000:03d}.jpg" for i in range(3333)]
    kept = {share: [bool(is_test(name, share)) for name in names] for share in (0.1, 0.2, 0.37)}
    assert kept[0.2] == [bool(is_test(name, 0.2)) for name in names], (
        "the same name twice, two answers: Python's hash changes with each start, and "
        "dice have no memory")
    assert [bool(is_test(f"roses/{name}", 0.2)) for name in names] == kept[0.2], (
        "the folder is part of the answer: take the file name only")
    for share, flags in kept.items():
        found = np.mean(flags)
        assert abs(found - share) < 0.03, (
            f"of {len(names)} files {found:.1%} are held out, not {share:.0%}: compare one number, "
            "evenly spread, with the share")
    assert all(b or not a for a, b in zip(kept[0.1], kept[0.2])), (
        "something held out with 0.1 is not held out with 0.2: compare one number with the share")
    assert (not any(is_test(name, 0) for name in names[:99])
            and all(is_test(name, 1)
                    for name in names[:99])), "a share of 0 is nothing, a share of 1 is all"
    words = [bool(is_test(f"flower_{i}.jpg", 0.2)) for i in range(500)]
    assert 40 < sum(words) < 170, "files that begin alike share their fate: hash the whole name"
    print("correct: by the name only, and nested")


# %%
def number(name): return int(hashlib.sha256(Path(name).name.encode()).hexdigest()[:8], 16) / 16**8

def good_is_test(name, share): return number(name) < share
def with_folder(name, share):
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8 < share
def by_letter(name, share): return ord(Path(name).name[0]) % 10 < 10 * share
def not_nested(name, share):
    return int(number(name) * 2**31) % round(1 / share) == 0 if share else False

check_is_test(good_is_test)
assert rejects(check_is_test, with_folder, "the file name only")
assert rejects(check_is_test, by_letter, "evenly spread")
assert rejects(check_is_test, not_nested, "compare one number")
assert rejects(check_is_test, lambda name, share: np.random.random() < share, "dice have no memory")


# %% [markdown]
# ## 2. Brighter, not darker

# %%
#| exports
def check_brighter(brighter): # (image, seed, most=0.2) -> image
    "Whether `brighter` adds one number of the right range to all pixels, by the seed, and clips."
    image = tf.zeros((6, 6, 3))
    added = np.array([np.asarray(brighter(image, (3, i))) for i in range(300)])
    assert added.shape == (300, 6, 6, 3), f"an image of 6×6×3 became {list(added.shape[1:])}"
    assert np.array_equal(added[7], brighter(image, (3, 7))), (
        "the same seed draws something else: use a stateless generator")
    steps = added[:, 0, 0, 0]
    assert len(set(steps.tolist())) > 250, "every seed adds the same"
    assert np.ptp(added.reshape(300, -1), axis=1).max() < 1e-6, (
        "the pixels of an image are changed by different numbers: draw one for all of it")
    assert steps.min() > -1e-6, "some images become darker: the range begins with 0"
    assert steps.max() <= 0.4 + 1e-5, f"at most 2 × 0.2 may be added, not {steps.max():.2f}"
    assert steps.max() > 0.3, (
        f"up to 0.4 should be added, and the most was {steps.max():.2f}: the "
        "range of the values is 2")
    assert 0.15 < steps.mean() < 0.25, "the numbers are not evenly spread"
    assert np.max(brighter(tf.ones((2, 2, 3)), (0, 1))) <= 1, "white became whiter than white: clip"
    assert np.max(brighter(image, (3, 5), most=0.05)) <= 0.1 + 1e-6, "most is an argument"
    print("correct: one number for all pixels, and never more than white")


# %%
def answer(low=0.0, factor=2, shape=(), clip=True, stateless=True):
    def brighter(image, seed, most=0.2):
        if stateless:
            more = tf.random.stateless_uniform(shape or (), seed, low * most, factor * most)
        else: more = tf.random.uniform((), low * most, factor * most)
        return tf.clip_by_value(image + more, -1, 1) if clip else image + more
    return brighter

check_brighter(answer())
assert rejects(check_brighter, answer(factor=1), "the range of the values is 2")
assert rejects(check_brighter, answer(low=-2), "become darker")
assert rejects(check_brighter, answer(clip=False), "whiter than white")
assert rejects(check_brighter, answer(stateless=False), "stateless")
assert rejects(check_brighter, answer(shape=(1, 1, 3)), "one for all of it")
