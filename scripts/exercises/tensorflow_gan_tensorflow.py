# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks for the TensorFlow lab
#
# > What the exercises of the lab are held against
#
# - skip_showdoc: true
# - order: 85

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_gan_tensorflow.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_gan_tensorflow.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_gan_tensorflow.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_gan_tensorflow)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tensorflow]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lab](../tensorflow/gan_tensorflow.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_gan_tensorflow

# %%
#| exports
import math
import statistics

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Spikes

# %%
#| exports
def check_spikes(spikes): # (losses, factor) -> places of the spikes
    "Whether `spikes` compares each loss with the median of the up to five before it."
    assert list(spikes([5.0, 0.6, 0.6, 0.6], 3.0)) == [], (
        "nothing stands before the first loss: it cannot be a spike")
    calm = [0.65, 0.66, 0.64, 0.66, 0.65, 0.65, 0.66]
    def found(losses, factor=3.0): return list(spikes(list(losses), factor))
    assert found(calm) == [], f"a calm run has no spikes, not {found(calm)}"
    one = calm + [4.0] + calm
    assert found(one) == [7], f"a single spike at place 7: {found(one)} (counted from 0)"
    three = [0.6] * 5 + [9.0, 9.5, 9.2] + [0.6] * 3
    assert found(three) == [5, 6, 7], (
        f"three in a row, at 5, 6 and 7: {found(three)}; a mean is carried away by the first "
        "spikes, the median is not")
    slow = [0.5 * 1.3**i for i in range(20)]
    assert found(slow) == [], (
        f"a slow rise is no spike: {found(slow)}; compare with the five before, "
        "not with the whole run")
    assert found([1.0, 1.0, 2.5], 2.0) == [2] and found([1.0, 1.0, 2.5],
                                                        3.0) == [], "the factor counts"
    print("correct: against the median of the five before")


# %%
def good(losses, factor):
    return [i
            for i in range(1, len(losses))
            if losses[i] > factor * statistics.median(losses[max(0, i - 5):i])]

def by_mean(losses, factor):
    return [i
            for i in range(1, len(losses))
            if losses[i] > factor * statistics.mean(losses[max(0, i - 5):i])]

def whole_run(losses, factor):
    return [i for i, l in enumerate(losses) if i and l > factor * statistics.median(losses)]
def first_too(losses, factor):
    return [i
            for i in range(len(losses))
            if losses[i] > factor * statistics.median(losses[max(0, i - 5):i] or [0])]

check_spikes(good)
assert rejects(check_spikes, by_mean, "a mean is carried away")
assert rejects(check_spikes, whole_run, "a slow rise")
assert rejects(check_spikes, first_too, "cannot be a spike")


# %% [markdown]
# ## 2. Equal time

# %%
#| exports
def check_within(best_within): # (history, seconds) -> smallest distance reached by then, or None
    "Whether `best_within` looks at time, and at no later epoch."
    rows = [dict(epoch=i + 1, seconds=40.0 * (i + 1), pixel_frechet=d)
            for i, d in enumerate([6.0, 3.0, None, 2.5, 2.8, 1.2])]
    assert best_within(rows, 1000) == 1.2, f"the whole run: 1.2, not {best_within(rows, 1000)}"
    found = best_within(rows, 170)
    assert found != 1.2, "after 170 seconds the sixth epoch had not been trained"
    assert found == 2.5, f"within 170 seconds four epochs were done, the best at 2.5, not {found}"
    assert best_within(rows, 200) == 2.5, (
        "the fifth epoch (2.8) was worse: the best so far stays 2.5")
    assert best_within(rows, 130) == 3.0, (
        "an epoch whose distance was not measured (None) does not count")
    assert best_within(rows, 40) == 6.0, "an epoch that ends at the very second counts"
    nothing = best_within(rows, 10)
    assert nothing is None or isinstance(nothing, float) and math.isinf(nothing), (
        f"nothing was measured by then: None, not {nothing}")
    print("correct: the best that was there by then")


# %%
def good_within(history, seconds):
    there = [row["pixel_frechet"]
             for row in history if row["seconds"] <= seconds and row["pixel_frechet"] is not None]
    return min(there, default=None)

def last(history, seconds):
    there = [row["pixel_frechet"]
             for row in history if row["seconds"] <= seconds and row["pixel_frechet"] is not None]
    return there[-1] if there else None

def all_epochs(history, seconds):
    return min(row["pixel_frechet"] for row in history if row["pixel_frechet"] is not None)
def strictly(history, seconds):
    return min((r["pixel_frechet"]
                for r in history if r["seconds"] < seconds and r["pixel_frechet"] is not None),
               default=None)

check_within(good_within)
assert rejects(check_within, last, "the best so far")
assert rejects(check_within, all_epochs, "had not been trained")
assert rejects(check_within, strictly, "at the very second")
