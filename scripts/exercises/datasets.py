# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: data sets
#
# > What accepts or rejects an answer to the exercises of Data sets
#
# - order: 59

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/datasets.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/datasets.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/datasets.ipynb) · [API](../about/api.ipynb#exercises-datasets)

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
# The exercises stand in [the lesson](../foundations/datasets.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.datasets

# %%
#| exports
from itertools import product

import numpy as np

from gan_course.datasets import garments, to_float

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. An epoch

# %%
#| exports
def check_batches(batches): # takes n, size and epoch; gives arrays of indices
    "Whether `batches` deals every epoch anew, in full batches, without dealing an image twice."
    def dealt(n, size, epoch): return [np.asarray(batch) for batch in batches(n, size, epoch)]
    first = dealt(100, 32, 0)
    sizes = [len(batch) for batch in first]
    assert sizes == [32, 32, 32], (
        f"the batches of 100 images by 32 hold {sizes}: "
        + ("drop the short one" if sizes == [32, 32, 32, 4] else "expected [32, 32, 32]"))
    together = np.concatenate(first)
    assert together.min() >= 0 and together.max() < 100, "an index is not between 0 and n - 1"
    assert len(set(together.tolist())) == 96, (
        "an image is dealt twice within an epoch: shuffle all indices once, do not draw each batch")
    assert not np.array_equal(together, np.sort(together)), "the images come in the file's order"
    blocks = {tuple(np.sort(batch)) for batch in first}
    inside = {tuple(range(i, i + 32)) for i in range(0, 96, 32)}
    assert not blocks & inside, "each batch is a slice of the file: shuffle before cutting it up"
    again, later = np.concatenate(dealt(100, 32, 0)), np.concatenate(dealt(100, 32, 1))
    assert np.array_equal(again, together), (
        "epoch 0 came out in another order the second time: take the seed from the epoch")
    assert not np.array_equal(later, together), (
        "epoch 1 has the order of epoch 0: the last images are then never seen")
    assert [len(batch) for batch in dealt(64, 32, 5)] == [32, 32], "64 images by 32 are two batches"
    print("correct: full batches, every epoch anew, no image twice, and the same again")


# %%
def good_batches(n, size, epoch):
    order = np.random.default_rng(epoch).permutation(n)
    return [order[i:i + size] for i in range(0, n - size + 1, size)]

check_batches(good_batches)

def in_order(n, size, epoch): return [np.arange(i, i + size) for i in range(0, n - size + 1, size)]
def short_end(n, size, epoch):
    return np.array_split(good_batches(n, n, epoch)[0], range(size, n, size))

def same_every_epoch(n, size, epoch): return good_batches(n, size, 0)

def with_replacement(n, size, epoch):
    rng = np.random.default_rng(epoch)
    return [rng.integers(n, size=size) for _ in range(n//size)]

def shuffled_inside(n, size, epoch):
    rng = np.random.default_rng(epoch)
    return [rng.permutation(batch) for batch in in_order(n, size, epoch)]

def no_seed(n, size, epoch): return good_batches(n, size, None)

assert rejects(check_batches, in_order, "file's order")
assert rejects(check_batches, short_end, "short one")
assert rejects(check_batches, with_replacement, "twice")
assert rejects(check_batches, same_every_epoch, "never seen")
assert rejects(check_batches, shuffled_inside, "slice of the file")
assert rejects(check_batches, no_seed, "take the seed")


# %% [markdown]
# ## 2. Mean and standard deviation

# %%
#| exports
def check_stats(stats): # takes uint8 images and a chunk size; returns the mean and the deviation
    "Whether `stats` gives the mean and standard deviation of the images as the networks see them."
    images, _ = garments(1000)
    images = np.concatenate([images, np.full((96, 28, 28, 1), 255, np.uint8)]) # a bright end
    x = to_float(images).astype(np.float64)
    mean, std = stats(images, 100)
    raw = images.astype(np.float64)
    assert not np.isclose(mean, raw.mean(), rtol=0.02), "this is the mean of bytes: to_float first"
    by_chunk = [x[i:i + 100] for i in range(0, len(x), 100)]
    unweighted = np.mean([chunk.mean() for chunk in by_chunk])
    assert abs(mean - unweighted) > 1e-5, (
        "the last chunk is smaller than the others, and counts as much: add up sums, not means")
    assert abs(mean - x.mean()) < 1e-5, f"the mean is {mean:.5f}, not {x.mean():.5f}"
    within = np.average([chunk.std() for chunk in by_chunk], weights=[len(c) for c in by_chunk])
    averaged = (within, np.mean([chunk.std() for chunk in by_chunk]))
    assert min(abs(std - value) for value in averaged) > 1e-5, (
        "deviations do not average: that leaves out how the chunks differ; add up the squares")
    assert np.isfinite(std) and abs(std - x.std()) < 1e-4, (
        f"the standard deviation is {std:.5f}, not {x.std():.5f}: were the squares taken of bytes, "
        f"which overflow at 256, or is the mean not subtracted?")
    print("correct: one pass, no overflow, every pixel counts the same")


# %%
def good_stats(images, chunk):
    n = total = squares = 0.0
    for i in range(0, len(images), chunk):
        x = to_float(images[i:i + chunk]).astype(np.float64)
        n, total, squares = n + x.size, total + x.sum(), squares + (x*x).sum()
    return total/n, (squares/n - (total/n)**2)**0.5

check_stats(good_stats)

def chunks(images, chunk):
    return [to_float(images[i:i + chunk]) for i in range(0, len(images), chunk)]

def of_bytes(images, chunk): return images.mean(), images.std()
def mean_of_means(images, chunk): return np.mean([x.mean() for x in chunks(images, chunk)]), 0.7

def mean_of_deviations(images, chunk):
    return good_stats(images, chunk)[0], np.mean([x.std() for x in chunks(images, chunk)])

def overflow(images, chunk): # the squares are taken of bytes, and wrap around at 256
    mean = images.mean()
    return mean/127.5 - 1, np.sqrt(np.abs((images*images).mean() - mean**2))/127.5

assert rejects(check_stats, of_bytes, "mean of bytes")
assert rejects(check_stats, mean_of_means, "last chunk")
assert rejects(check_stats, mean_of_deviations, "do not average")
assert rejects(check_stats, overflow, "overflow at 256")


# %% [markdown]
# ## 3. What a batch lacks

# %%
#| exports
def check_lacking(chance): # takes a batch size and a number of classes, all equally likely
    "Whether `chance` is the probability that a batch lacks at least one class."
    for size, classes in ((4, 3), (5, 4), (8, 2), (2, 2), (1, 2)):
        every = list(product(range(classes), repeat=size))
        right = sum(len(set(batch)) < classes for batch in every)/len(every)
        given, one = chance(size, classes), (1 - 1/classes)**size
        what = f"chance({size}, {classes}) is {given:.4g}"
        if abs(given - right) < 1e-9: continue
        assert abs(given - one) > 1e-9, f"{what}: so likely is it that one given class is absent"
        assert abs(given - classes*one) > 1e-9, (
            f"{what}: a batch that lacks two classes is counted twice, one with three three times")
        assert abs(given - (1 - (1 - one)**classes)) > 1e-9, (
            f"{what}: the classes are not absent independently; if one is, the others are likelier")
        assert abs(given - (1 - right)) > 1e-9, f"{what}: this is the chance that none is absent"
        raise AssertionError(f"{what}, but {right:.4g} of all {len(every)} batches lack a class")
    assert abs(chance(64, 10) - 0.01176) < 2e-5, f"chance(64, 10) is {chance(64, 10):.5f}"
    print("correct: as in the count of all batches")


# %%
from math import comb


# %%
def good_chance(size, classes):
    return sum((-1)**(k + 1)*comb(classes, k)*(1 - k/classes)**size for k in range(1, classes + 1))

check_lacking(good_chance)
assert rejects(check_lacking, lambda n, c: (1 - 1/c)**n, "one given class")
assert rejects(check_lacking, lambda n, c: c*(1 - 1/c)**n, "counted twice")
assert rejects(check_lacking, lambda n, c: 1 - (1 - (1 - 1/c)**n)**c, "independently")
assert rejects(check_lacking, lambda n, c: 1 - good_chance(n, c), "none is absent")
