# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: Fashion-MNIST lab (TPU)
#
# > What accepts or rejects an answer to the exercises of Lab: Fashion-MNIST, thirty epochs anywhere
#
# - skip_showdoc: true
# - order: 96

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_gan_fashion_mnist.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_gan_fashion_mnist.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_gan_fashion_mnist.ipynb) · [API](../about/api.ipynb#exercises-tpu_gan_fashion_mnist)

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
# The exercises stand in [the lesson](../tpu/gan_fashion_mnist.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_gan_fashion_mnist

# %%
#| exports
import math

# %%
#| hide
import numpy as np

from gan_course.exercises import rejects


# %% [markdown]
# ## 1. How far from even

# %%
#| exports
def check_variation(variation): # (counts, counts) -> number in [0, 1]
    "Whether `variation` is the total variation distance of two lists of counts."
    def ask(a, b, expected, hint):
        found = float(variation(a, b))
        assert math.isclose(found, expected, abs_tol=1e-9), (
            f"counts of {a} and {b} gave {found:g}, not {expected:g}: {hint}")
    ask([5, 5], [5, 5], 0.0, "equal counts are at distance 0")
    ask([5, 5], [500, 500], 0.0, "compare shares, not counts: divide by the sum first")
    ask([10, 0], [0, 10], 1.0, "nothing in common is 1, so take half of the sum of the differences")
    ask([3, 1], [1, 1], 0.25, "half the sum of the absolute differences of the shares")
    ask([0, 4, 0, 4], [2, 2, 2, 2], 0.5, "kinds that are missing count too")
    ask([1, 2, 3, 4], [4, 3, 2, 1], 0.4,
        "absolute differences: without them, what is too much hides what is too little")
    print("correct: between 0 and 1, however many were counted")


# %%
def good_variation(a, b):
    p, q = np.asarray(a, float), np.asarray(b, float)
    return np.abs(p / p.sum() - q / q.sum()).sum() / 2

def in_counts(a, b): return np.abs(np.subtract(a, b)).sum() / (2 * np.sum(a))
def whole(a, b): return 2 * good_variation(a, b)
def signed(a, b): return abs((np.asarray(a) / np.sum(a) - np.asarray(b) / np.sum(b)).sum()) / 2
def largest(a, b): return np.abs(np.asarray(a) / np.sum(a) - np.asarray(b) / np.sum(b)).max()

check_variation(good_variation)
# the same thing
check_variation(lambda a, b: 1 - np.minimum(np.asarray(a) / np.sum(a),
                                            np.asarray(b) / np.sum(b)).sum())
assert rejects(check_variation, in_counts, "not counts")
assert rejects(check_variation, whole, "half of the sum")
assert rejects(check_variation, signed, "gave 0")
assert rejects(check_variation, largest, "missing count too")


# %% [markdown]
# ## 2. The epoch to keep

# %%
#| exports
def check_best_epoch(best_epoch): # rows of a history -> number or None
    "Whether `best_epoch` finds the epoch with the smallest distance, where it was measured."
    def rows(*values, first=1):
        return [dict(epoch=first + i, pixel_frechet=v, loss_g=-i) for i, v in enumerate(values)]
    def ask(history):
        try: return best_epoch(history)
        except TypeError:
            raise AssertionError("where nothing was measured stands None, which cannot be "
                                 "compared: leave those rows out") from None
        except (ValueError, IndexError):
            raise AssertionError(
                "of no measured epoch at all there is no best: return None") from None
    assert ask(rows(3.0, 1.5, 2.0)) != 3, (
        "of 3.0, 1.5 and 2.0 the last is not the best; a smaller distance is better")
    assert ask(rows(3.0, 1.5, 2.0)) != 1, (
        "the best has the smallest distance, not the largest; and epochs count from 1")
    assert ask(rows(3.0, 1.5, 2.0)) == 2, (
        f"of 3.0, 1.5 and 2.0 it gave epoch {ask(rows(3.0, 1.5, 2.0))}, not 2")
    assert ask(rows(None, 3.0, None, 1.5, 2.0)) == 4, (
        "the number of the epoch stands in the row; the place in a shorter list is another")
    assert ask(rows(2.0, 1.0, first=11)) == 12, (
        "the number of the epoch stands in the row: a history need not begin with 1")
    assert ask(rows(0.0, 1.0)) == 1, (
        "a distance of 0 is a measurement, and the best there is; None is not")
    assert ask(rows(None, None)) is None and ask([]) is None, (
        "where nothing was measured, return None")
    print("correct: the smallest that was measured")


# %%
def good_best(history):
    measured = [(row["pixel_frechet"], row["epoch"])
                for row in history if row["pixel_frechet"] is not None]
    return min(measured)[1] if measured else None

check_best_epoch(good_best)
assert rejects(check_best_epoch, lambda h: h[-1]["epoch"], "the last is not the best")
assert rejects(check_best_epoch, lambda h: max(h, key=lambda r: r["pixel_frechet"])["epoch"],
               "smallest")
assert rejects(check_best_epoch, lambda h: min(h, key=lambda r: r["pixel_frechet"])["epoch"],
               "leave those rows out")
assert rejects(check_best_epoch,
               lambda h: 1
               + int(np.argmin([r["pixel_frechet"] for r in h if r["pixel_frechet"] is not None])),
               "stands in the row")
assert rejects(check_best_epoch,
               lambda h: min((r for r in h if r["pixel_frechet"]),
                             key=lambda r: r["pixel_frechet"])["epoch"], "None")
