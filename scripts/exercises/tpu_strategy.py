# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: devices (TPU)
#
# > What accepts or rejects an answer to the exercises of Devices
#
# - skip_showdoc: true
# - order: 88

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_strategy.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_strategy.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_strategy.ipynb) · [API](../about/api.ipynb#exercises-tpu_strategy)

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
# The exercises stand in [the lesson](../tpu/strategy.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_strategy

# %%
#| exports
import gan_course.tpu.config # first: it chooses Keras's backend

import numpy as np
from keras import ops

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. What eight know together
#
# The second batch of the check lies far from 0 and is narrow: the mean of the squares minus the square of the mean is then a small
# difference of large numbers.

# %%
#| exports
# (means, variances), arrays [devices, C] -> mean, variance, arrays [C]
def check_together(together):
    "Whether `together` gives mean and variance of the whole batch from those of equal shares."
    def ask(x): # [devices, share, C]
        given = (x.mean(1, dtype=np.float64).astype(np.float32),
                 x.var(1, dtype=np.float64).astype(np.float32))
        found = together(*given)
        assert isinstance(found, (tuple, list)) and len(found) == 2, (
            "return two things, the mean and the variance")
        found = [np.asarray(ops.convert_to_numpy(a), np.float64) for a in found]
        for name, a in zip(("mean", "variance"), found):
            assert a.shape == x.shape[-1:], (
                f"the {name} has the shape {list(a.shape)}, not {list(x.shape[-1:])}: one "
                "number for each channel")
        return given, found
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 16, 3)) + 2 * rng.normal(size=(8, 1, 3))
    (means, variances), (mean, variance) = ask(x)
    def is_(value): return np.allclose(variance, value, rtol=1e-3)
    assert np.allclose(mean, x.mean((0, 1)), rtol=1e-3, atol=1e-4), (
        "the mean of the whole is the mean of the equal shares' means")
    assert not is_(variances.mean(0)), (
        "this is the mean of the variances: how far the devices' means lie apart belongs to it")
    assert not is_(means.var(0)), (
        "this is the variance of the means: how far each share spreads belongs to it")
    assert not is_(variances.mean(0) + means.var(0, ddof=1)), (
        "the means are all there are, and no sample: divide by 8, not by 7")
    assert not is_(np.sqrt(variances).mean(0)**2 + means.var(0)), (
        "average variances, not standard deviations")
    assert not is_(variances.sum(0) + means.var(0)), (
        "average the variances; their sum grows with the number of devices")
    assert is_(x.var((0, 1))), (
        f"the variance is {variance.round(3).tolist()}, not {x.var((0, 1)).round(3).tolist()}")
    x = 1000 + 0.1 * rng.normal(size=(4, 64, 2))
    _, (mean, variance) = ask(x)
    assert np.allclose(variance, x.var((0, 1)), rtol=0.02), (
        f"around 1000 a variance of {x.var():.3f} became {variance.mean():.3f}: the mean of the "
        "squares minus the square of the mean is "
        "a small difference of large numbers; add two variances instead")
    print("correct: the spread within the shares, and between them")


# %%
def good_together(means, variances): return means.mean(0), variances.mean(0) + means.var(0)
def mean_of_variances(means, variances): return means.mean(0), variances.mean(0)
def between_only(means, variances): return means.mean(0), means.var(0)
def by_squares(means, variances):
    return means.mean(0), (variances + means**2).mean(0) - means.mean(0)**2
def of_deviations(means, variances):
    return means.mean(0), np.sqrt(variances).mean(0)**2 + means.var(0)

check_together(good_together)
check_together(lambda means, variances: by_squares(means.astype(float), variances.astype(float)))
assert rejects(check_together, mean_of_variances, "lie apart")
assert rejects(check_together, between_only, "each share spreads")
assert rejects(check_together, by_squares, "difference of large numbers")
assert rejects(check_together, of_deviations, "not standard deviations")
assert rejects(check_together, lambda means, variances: (means.mean(), variances.mean()),
               "each channel")


# %% [markdown]
# ## 2. How large a scale?

# %%
#| exports
def check_next_scale(next_scale): # (scale, good, gradients, every) -> take, scale, good
    """Whether `next_scale` halves after a bad step, leaves that one out, and doubles after enough
    good ones in a row."""
    # their sum is more than float16 can hold
    fine = [np.ones((2, 3), np.float16), np.full(4, 6e4, np.float16)]
    def with_one(value, at):
        gradients = [g.copy() for g in fine]
        gradients[at].flat[-1] = value
        return gradients
    def ask(*given):
        found = next_scale(*given)
        assert isinstance(found, (tuple, list)) and len(found) == 3, (
            "return three things: take, scale, good")
        return bool(found[0]), float(found[1]), int(found[2])
    take, scale, good = ask(1024, 0, fine, 3)
    assert take, "every number is finite, if not the sum of them: ask each number"
    assert (scale, good) == (1024, 1), (
        f"after one good step of three it is scale 1024 and good 1, not {scale:g} and {good}")
    for name, value in (("a NaN", np.nan), ("an infinity", np.inf),
                        ("an infinity below zero", -np.inf)):
        for at in (1, 0):
            take, scale, good = ask(1024, 2, with_one(value, at), 3)
            assert not take or scale < 1024, (
                f"{name} among the gradients was not noticed: isfinite, of every array")
            assert not take, (
                f"with {name} the scale was lowered, and the step is taken all the same: it would "
                "destroy the weights")
            assert scale != 1024, (
                f"with {name} the step is left out, and the scale stays: the "
                "next one overflows too")
            assert scale == 512, f"after a bad step the scale is halved, not {scale:g}"
            assert good == 0, f"a bad step breaks the row: good is 0 again, not {good}"
    scale, good, course = 1024.0, 0, []
    for _ in range(7):
        take, scale, good = ask(scale, good, fine, 3)
        course.append(scale)
    assert course[:3] != [1024, 1024, 1024], (
        "three good steps in a row are enough: the scale doubles after the third")
    assert course[1] == 1024, "two good steps are not yet three"
    assert course[2] == 2048, f"after three good steps the scale doubles, and is not {course[2]:g}"
    assert course[3] == 2048, (
        "the scale doubled and the count went on: after doubling it begins at 0")
    assert course == [1024, 1024, 2048, 2048, 2048, 4096, 4096], (
        f"seven good steps gave the scales {course}")
    print("correct: down at once, up with patience")


# %%
def good_next(scale, good, gradients, every, finite=lambda g: np.isfinite(g).all()):
    if not all(finite(g) for g in gradients): return False, scale / 2, 0
    return (True, scale * 2, 0) if good + 1 == every else (True, scale, good + 1)

def finite_by(finite): return lambda *given: good_next(*given, finite=finite)
def counts_on(scale, good, gradients, every):
    take, new, left = good_next(scale, good, gradients, every)
    return take, scale * 2 if take and good + 1 >= every else new, good + 1 if take else left

def taken(*given): return True, *good_next(*given)[1:]
def row_goes_on(scale, good, *given):
    take, scale, left = good_next(scale, good, *given)
    return take, scale, left if take else good

check_next_scale(good_next)
assert rejects(check_next_scale, finite_by(lambda g: not np.isnan(g).any()), "an infinity")
with np.errstate(over="ignore"):
    assert rejects(check_next_scale, finite_by(lambda g: np.isfinite(g.sum())), "ask each number")
assert rejects(check_next_scale, taken, "destroy the weights")
assert rejects(check_next_scale, counts_on, "begins at 0")
assert rejects(check_next_scale, row_goes_on, "breaks the row")
