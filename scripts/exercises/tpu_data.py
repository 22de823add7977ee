# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: data (TPU)
#
# > What accepts or rejects an answer to the exercises of Data on the accelerator
#
# - skip_showdoc: true
# - order: 89

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_data.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_data.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_data.ipynb) · [API](../about/api.ipynb#exercises-tpu_data)

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
# The exercises stand in [the lesson](../tpu/data.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_data

# %%
#| exports
import gan_course.tpu.config # first: it chooses Keras's backend

import numpy as np
from keras import ops

from gan_course.tpu.data import epoch_order

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Across the end of an epoch
#
# The data of the check are 1,000 images, three batches of 256 and a rest of 232.

# %%
#| exports
def check_rows(rows): # (step, steps, num, batch_size, seed) -> whole numbers, [steps, batch_size]
    """Whether `rows` gives the batches that training sees from a step on, through the ends of
    epochs."""
    def true(step, steps, seed=0):
        at = [divmod(step + i, 3) for i in range(steps)]
        return np.stack([epoch_order(1000, seed, epoch)[k * 256:(k + 1) * 256] for epoch, k in at])
    def ask(step, steps, seed=0):
        try: found = np.asarray(rows(step, steps, 1000, 256, seed))
        except (ValueError, IndexError) as error: raise AssertionError(
            f"from step {step} on, {steps} steps fail ({error}): an epoch has three full batches, "
            "and another order follows") from None
        assert found.shape == (steps, 256), (
            f"{steps} steps gave {list(found.shape)}, not {[steps, 256]}: every batch is full")
        assert found.dtype.kind in "iu", f"numbers of images are whole, and these are {found.dtype}"
        return found
    assert (ask(0, 2) == true(0, 2)).all(), (
        "the first two batches are not those of epoch_order(num, seed, 0)")
    assert (ask(1, 1, seed=5) == true(1, 1, seed=5)).all(), "with another seed the order is another"
    late = ask(3, 1)
    assert not (late[0, :232] == epoch_order(1000, 0, 0)[768:]).all(), (
        "step 3 begins with the rest of epoch 0: an epoch has three full batches, and ends "
        "with the last of them")
    assert (late == true(3, 1)).all(), "step 3 is the first of epoch 1, in the order of epoch 1"
    across = ask(2, 3)
    assert not (across[1] == epoch_order(1000, 0, 0)[:256]).all(), (
        "epoch 0 was begun anew: epoch 1 has an order of its own")
    assert not (across[1, :232] == epoch_order(1000, 0, 0)[768:]).all(), (
        "the rest of an epoch stands in a batch: it is left out")
    assert (across == true(2, 3)).all(), (
        "from step 2 on: the last batch of epoch 0, then the first two of epoch 1")
    assert (ask(29, 9) == true(29, 9)).all(), (
        "from step 29 on, nine steps: epochs 9 to 12, each in its own order")
    print("correct: batch after batch, whatever epoch it is")


# %%
def good_rows(step, steps, num, batch_size, seed, order=epoch_order):
    found, per_epoch = [], num // batch_size
    for k in range(step, step + steps):
        epoch, at = divmod(k, per_epoch)
        found.append(order(num, seed, epoch)[at * batch_size:(at + 1) * batch_size])
    return np.stack(found)

def one_order(step, steps, num, batch_size, seed):
    epoch, at = divmod(step, num // batch_size)
    return epoch_order(num, seed,
                       epoch)[at * batch_size:(at + steps) * batch_size].reshape(steps, batch_size)

def by_images(step, steps, num, batch_size, seed):
    epoch, first = divmod(step * batch_size, num)
    order = np.concatenate([epoch_order(num, seed, e) for e in range(epoch, epoch + steps + 1)])
    return order[first:first + steps * batch_size].reshape(steps, batch_size)

def wraps(step, steps, num, batch_size, seed):
    epoch, at = divmod(step, num // batch_size)
    order = epoch_order(num, seed, epoch)
    return np.stack([order[i % 3 * batch_size:][:batch_size] for i in range(at, at + steps)])

check_rows(good_rows)
assert rejects(check_rows, one_order, "another order follows")
assert rejects(check_rows, by_images, "the rest of epoch 0")
assert rejects(check_rows, wraps, "an order of its own")
assert rejects(check_rows,
               lambda *given: good_rows(*given,
                                        order=lambda num, seed, epoch: epoch_order(num, 0, epoch)),
               "another seed")


# %% [markdown]
# ## 2. All of them, in one shape

# %%
#| exports
def check_mean_score(mean_score): # (score, x, size) -> a number
    "Whether `mean_score` counts every image once, and gives `score` batches of one size only."
    def ask(num, size, of=lambda x: x.mean((1, 2))):
        x, seen = np.random.default_rng(num).integers(1, 256, (num, 4, 4)).astype(np.float32), []
        x[-(num % size or size):] += 100 # the last batch is unlike the others
        def score(part):
            seen.append(len(part))
            with np.errstate(all="ignore"): return of(np.asarray(ops.convert_to_numpy(part)))
        found = float(mean_score(score, x.copy(), size))
        return x, seen, found, float(of(x).mean())
    for num, size in ((11, 4), (8, 4), (3, 4)):
        x, seen, found, true = ask(num, size)
        def is_(value): return abs(found - value) < 1e-3
        assert set(seen) == {size} or not is_(true), (
            f"score was called with {sorted(set(seen))} images: each other number is compiled "
            f"anew; fill the last batch up to {size}")
        per, full = x.mean((1, 2)), num // size
        batches = [per[i:i + size] for i in range(0, num, size)]
        if not is_(true):
            padded = [np.append(b, np.zeros(size - len(b))) for b in batches]
            assert not full or not is_(np.concatenate(batches[:full]).mean()), (
                "the last images were left out: that is for training only")
            assert not is_(np.mean([b.mean() for b in padded])), (
                "what fills up the last batch was counted: leave it out of sum and number")
            assert not is_(np.mean([b.mean() for b in batches])), (
                "this is a mean of means, and the last batch is smaller: add up "
                "scores, and divide once")
            assert not is_(np.concatenate([*batches[:full],
                                           np.resize(batches[-1], size)]).mean()), (
                "images that fill up the last batch were counted again: only the "
                "first ones of it count")
            assert num < size or not is_(np.concatenate([*batches[:full], per[-size:]]).mean()), (
                "the last batch begins among images that were there before, and "
                "they are counted twice")
        assert not np.isnan(found), f"{num} images in batches of {size} gave nan"
        assert is_(true), f"the mean of {num} scores is {true:.3f}, not {found:.3f}"
        assert len(seen) == -(-num // size), (
            f"{num} images are {-(-num // size)} batches of {size}, and score was "
            f"called {len(seen)} times")
    *_, found, true = ask(10, 4, of=lambda x: np.log(x.mean((1, 2))))
    assert np.isfinite(found) and abs(found - true) < 1e-3, (
        f"where the score of a filling is infinite the mean became {found}: 0 · inf is not 0; cut "
        "the filling's scores off")
    print("correct: every image once, in one shape")


# %%
def scores(score, x, size,
           fill=lambda part, missing: np.zeros((missing, *part.shape[1:]), part.dtype)):
    "Of each batch, with how many images in it are real."
    for i in range(0, len(x), size):
        part = x[i:i + size]
        yield score(np.concatenate([part, fill(part, size - len(part))])), len(part)

def good_mean(score, x, size): return sum(s[:n].sum() for s, n in scores(score, x, size)) / len(x)
def ragged(score, x, size):
    return sum(score(x[i:i + size]).sum() for i in range(0, len(x), size)) / len(x)
def full_only(score, x, size):
    if len(x) < size: return good_mean(score, x, size)
    return np.mean([score(x[i:i + size]).mean() for i in range(0, len(x) - size + 1, size)])

def all_counted(score, x, size): return np.mean([s.mean() for s, n in scores(score, x, size)])
def mean_of_means(score, x, size): return np.mean([s[:n].mean() for s, n in scores(score, x, size)])
def overlapping(score, x, size):
    if len(x) < size: return good_mean(score, x, size)
    return np.mean([score(x[min(i, len(x) - size):][:size]).mean() for i in range(0, len(x), size)])

def weighted(score, x, size):
    return sum((s * (np.arange(size) < n)).sum() for s, n in scores(score, x, size)) / len(x)

check_mean_score(good_mean)
assert rejects(check_mean_score, ragged, "compiled anew")
assert rejects(check_mean_score, full_only, "left out")
assert rejects(check_mean_score, all_counted, "was counted")
assert rejects(check_mean_score, mean_of_means, "a mean of means")
assert rejects(check_mean_score, overlapping, "counted twice")
with np.errstate(invalid="ignore"): assert rejects(check_mean_score, weighted, "0 · inf")
