# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks for The same step twice
#
# > What the exercises of the lesson on parity are held against
#
# - skip_showdoc: true
# - order: 86

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_same_step_twice.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_same_step_twice.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_same_step_twice.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_same_step_twice)

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

# %%
#| default_exp exercises.tensorflow_same_step_twice

# %%
#| exports
import numpy as np


# %% [markdown]
# The exercises stand in [the lesson](../tensorflow/same_step_twice.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| exports
def check_momentum(keras_momentum): # PyTorch's momentum -> Keras's
    "Exercise 1 of The same step twice."
    for m in (0.1, 0.01, 0.5, 0.9):
        mean, batches = 1.0, np.random.default_rng(0).normal(size=7)
        ours = theirs = mean
        k = keras_momentum(m)
        for b in batches:
            ours = (1 - m) * ours + m * b # PyTorch: the weight of the new batch
            theirs = k * theirs + (1 - k) * b # Keras: the weight of the old average
        assert k != m or m == 0.5, (
            f"momentum {m} gives {k}: Keras's is the weight of the old average, "
            "not of the new batch")
        assert abs(k) <= 1, f"momentum {m} gives {k}: a weight lies between 0 and 1"
        assert abs(ours - theirs) < 1e-9, (
            f"momentum {m} gives {k}: after seven batches the averages are "
            f"{ours:.4f} and {theirs:.4f}")
    print("correct: the weight of the old and the weight of the new add up to 1")

# (running_var, batches, n, momentum) -> Keras's running variance
def check_variance(keras_variance):
    "Exercise 2 of The same step twice."
    for batches, n, momentum in ((1, 16, 0.1), (5, 8, 0.1), (3, 100, 0.3), (20, 32, 0.1)):
        rng = np.random.default_rng(batches)
        ours, theirs = np.ones(3), np.ones(3)
        for _ in range(batches):
            x = rng.normal(size=(n, 3)) * [0.1, 1, 10]
            ours = (1 - momentum) * ours + momentum * x.var(axis=0, ddof=1)
            theirs = (1 - momentum) * theirs + momentum * x.var(axis=0)
        kept = ours.copy()
        found = np.asarray(keras_variance(ours, batches, n, momentum))
        assert (ours == kept).all(), "running_var was changed in place"
        assert not np.allclose(found, ours, rtol=1e-6), (
            "PyTorch divides a batch's variance by n - 1, Keras by n")
        assert not np.allclose(found, ours * (n - 1) / n, rtol=1e-9), (
            "the initial 1 was not divided by anything: correct only the part "
            "that comes from batches")
        assert not np.allclose(found, ours * n / (n - 1), rtol=1e-9), (
            "Keras's variance is the smaller one")
        np.testing.assert_allclose(found, theirs, rtol=1e-9,
                                   err_msg=f"{batches} batches of {n} numbers, momentum {momentum}")
    print("correct: only what comes from batches is corrected")


# %%
#| hide
from gan_course.exercises import rejects

# %%
check_momentum(lambda m: 1 - m)
assert rejects(check_momentum, lambda m: m, "weight of the old average")
assert rejects(check_momentum, lambda m: 1 / m, "between 0 and 1")


# %%
def good(running_var, batches, n, momentum=0.1):
    initial = (1 - momentum)**batches
    return initial + (running_var - initial) * (n - 1) / n

check_variance(good)
assert rejects(check_variance, lambda v, batches, n, momentum: v, "divides a batch's variance")
assert rejects(check_variance, lambda v, batches, n, momentum: v * (n - 1) / n, "only the part")
assert rejects(check_variance, lambda v, batches, n, momentum: v * n / (n - 1), "smaller")
