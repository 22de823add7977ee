# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: where the time goes (TPU)
#
# > What accepts or rejects an answer to the exercises of Where the time goes
#
# - skip_showdoc: true
# - order: 95

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_speed.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_speed.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_speed.ipynb) · [API](../about/api.ipynb#exercises-tpu_speed)

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
# The exercises stand in [the lesson](../tpu/speed.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_speed

# %%
#| exports
import math

# %%
#| hide
from statistics import mean, median

from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Which is faster?

# %%
#| exports
def check_compare(compare): # (seconds of a, seconds of b) -> ratio
    "Whether `compare` finds how many times as fast b is, whatever else the machine did."
    even = compare([2.0, 2.0, 2.0], [1.0, 1.0, 1.0])
    assert not math.isclose(even, 0.5), (
        "b takes half as long, so it is twice as fast, not half as fast")
    assert math.isclose(even, 2.0), f"2 seconds against 1 in every round gave {even:g}, not 2"
    slowed = compare([2.0, 20.0, 2.0, 20.0, 40.0], [1.0, 10.0, 1.0, 10.0, 20.0])
    assert math.isclose(slowed, 2.0), (
        f"rounds that were slow for both changed the result to {slowed:g}: compare within a round")
    drift = compare([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 1.0, 6.0, 2.0, 2.5])
    assert math.isclose(drift, 2.0), (
        f"ratios of 1, 2, 0.5, 2 and 2 gave {drift:g}, not 2: the median of the ratios, not the "
        "ratio of medians or of sums")
    once = compare([2.0, 2.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0, 100.0])
    assert math.isclose(once, 2.0), (
        f"one bad round changed the result to {once:g}: a median, not a mean")
    print("correct: within a round, and the median of the rounds")


# %%
def good_compare(a, b): return median(x / y for x, y in zip(a, b))

check_compare(good_compare)
assert rejects(check_compare, lambda a, b: median(y / x for x, y in zip(a, b)), "twice as fast")
assert rejects(check_compare, lambda a, b: mean(x / y for x, y in zip(a, b)), "not")
assert rejects(check_compare, lambda a, b: median(a) / median(b), "median of the ratios")
assert rejects(check_compare, lambda a, b: sum(a) / sum(b), "not")
assert rejects(check_compare, lambda a, b: min(a) / min(b), "median of the ratios")


# %% [markdown]
# ## 2. How many steps a call?

# %%
#| exports
# (seconds of a step, of a call, share of waiting) -> steps
def check_steps_per_call(steps_per_call):
    """Whether `steps_per_call` is the smallest number with which the device waits no more than its
    share."""
    for step, call, share in ((1e-3, 1e-3, 0.1), (1e-3, 5e-4, 0.05), (0.1, 1e-4, 0.1),
                              (1e-4, 1e-3, 0.5), (2e-3, 2e-3, 0.02)):
        n = steps_per_call(step, call, share)
        assert n == int(n), f"{n} is no whole number of steps"
        assert n >= 1, "at least one step a call"
        def waits(n): return call / (call + n * step)
        assert waits(n) <= share * (1 + 1e-9), (
            f"a step of {step:g} s, a call of {call:g} s: with {n} steps the device waits "
            f"{waits(n):.1%} of the time, more than {share:.0%}; "
            "round up, and count the wait as a part of the whole time")
        assert n == 1 or waits(n - 1) > share * (1 + 1e-9), (
            f"a step of {step:g} s, a call of {call:g} s: {n - 1} steps would do, the device then "
            f"waits {waits(n - 1):.1%}; "
            "the wait is a share of the whole time, call and steps")
    print("correct: no more than needed")


# %%
def good_steps(step, call, share):
    return max(1, math.ceil(call * (1 - share) / (share * step) - 1e-9))

def of_the_steps(step, call, share): return max(1, math.ceil(call / (share * step) - 1e-9))
def down(step, call, share): return max(1, int(call * (1 - share) / (share * step)))

check_steps_per_call(good_steps)
assert rejects(check_steps_per_call, of_the_steps, "whole time")
assert rejects(check_steps_per_call, down, "round up")
assert rejects(check_steps_per_call,
               lambda *a: math.ceil(a[1] * (1 - a[2]) / (a[2] * a[0]) - 1e-9) - 1, "")
assert rejects(check_steps_per_call, lambda step, call, share: call * (1 - share) / (share * step),
               "no whole number")
