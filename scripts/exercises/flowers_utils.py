# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: noise and pictures (flowers)
#
# > What accepts or rejects an answer to the exercises of Noise and pictures
#
# - skip_showdoc: true
# - order: 102

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_utils.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_utils.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_utils.ipynb) · [API](../about/api.ipynb#exercises-flowers_utils)

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
# The exercises stand in [the lesson](../flowers/utils.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_utils

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. A walk between two flowers

# %%
#| exports
def check_walk(walk): # (a, b, steps) -> [steps, dim]
    "Whether `walk` goes from a to b, evenly, round the origin."
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 100))
    found = np.asarray(walk(a, b, 9), float)
    assert found.shape == (9, 100), (
        f"nine latents of 100 numbers are [9, 100], not {list(found.shape)}")
    assert np.allclose(found[0], a) and not np.allclose(found[-1], found[-2]), (
        "it begins with a: t runs from 0 to 1, both included")
    assert np.allclose(found[-1], b), "it ends with b: t runs from 0 to 1, both included"
    middle = np.linalg.norm(found[4]) / np.linalg.norm(a)
    assert middle > 0.85, (
        f"half way the latent is {middle:.2f} times as long as at the beginning: the straight "
        "line cuts the corner")
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    lengths = np.linalg.norm(found, axis=1)
    assert np.ptp(lengths) < 3, "the lengths jump on the way"
    turns = np.arccos(np.clip((unit[1:] * unit[:-1]).sum(1), -1, 1))
    assert turns.max() < 1.35 * turns.min(), (
        "the steps are not even: the first ones turn more than the others")
    short = np.asarray(walk(3 * a, b, 3), float)
    assert np.allclose(short[0], 3 * a) and np.allclose(short[-1], b), (
        "latents of different lengths keep them at the ends: the angle is between directions")
    one = 3 * np.eye(100)[0]
    with np.errstate(all="ignore"): same = np.asarray(walk(one, one, 4), float)
    assert np.isfinite(same).all() and np.allclose(same, one), (
        "from a to a the angle is 0, and something was divided by its sine")
    print("correct: round the origin, in even steps")


# %%
def good_walk(a, b, steps,
              angle=lambda a, b: np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b),
                                                   -1, 1)), guard=True, end=True):
    t = np.linspace(0, 1, steps, endpoint=end)[:, None]
    omega = angle(a, b)
    if guard and np.sin(omega) < 1e-6: return (1 - t) * a + t * b
    with np.errstate(all="ignore"):
        return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)

def straight(a, b, steps): return a + np.linspace(0, 1, steps)[:, None] * (b - a)

check_walk(good_walk)
assert rejects(check_walk, straight, "cuts the corner")
assert rejects(check_walk, lambda a, b, steps: good_walk(a, b, steps, guard=False),
               "divided by its sine")
assert rejects(check_walk, lambda a, b, steps: good_walk(a, b, steps, end=False), "both included")


# %% [markdown]
# ## 2. How many are copies?

# %%
#| exports
def check_copies(copies): # (distances of samples, distances of held-out photographs) -> a share
    "Whether `copies` takes the hundredth that is nearest as its limit, and counts what is nearer."
    held_out = np.linspace(0.2, 0.6, 401)
    samples = np.concatenate([np.full(30, 0.05), np.full(70, 0.4)])
    found = copies(samples, held_out)
    assert not isinstance(found, (bool, np.bool_)) and np.ndim(found) == 0, (
        "a share was asked for: one number")
    assert found <= 1, "a share lies between 0 and 1: divide by the number of samples"
    assert abs(found - 0.7) > 1e-9, "the far ones were counted: a copy is near"
    assert abs(found - 0.3) < 1e-9, (
        "30 of 100 samples are nearer than almost every held-out photograph, and "
        f"this says {found:.2f}")
    between = copies(np.full(10, 0.203), held_out)
    assert abs(between - 1) < 1e-9, (
        "0.203 is nearer than all but the nearest hundredth, which ends at 0.204: the limit is a "
        "quantile, not the minimum")
    assert abs(copies(np.full(10, 0.21), held_out)) < 1e-9, (
        "0.21 is further than the nearest hundredth of the held-out photographs")
    assert abs(copies(list(samples), list(held_out)) - 0.3) < 1e-9, "lists are numbers too"
    print("correct: nearer than chance")


# %%
def share_below(limit):
    return (lambda samples,
            held_out: float(np.mean(np.asarray(samples) < limit(np.asarray(held_out)))))

check_copies(share_below(lambda d: np.quantile(d, 0.01)))
assert rejects(check_copies, share_below(np.min), "not the minimum")
assert rejects(check_copies, share_below(np.median), "0.21 is further")
assert rejects(check_copies,
               lambda samples, held_out: float(np.mean(np.asarray(samples)
                                                       > np.quantile(held_out, 0.01))),
               "a copy is near")
assert rejects(check_copies,
               lambda samples, held_out: int(np.sum(np.asarray(samples)
                                                    < np.quantile(held_out, 0.01))), "divide by")
