# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: training with `fit` (TPU)
#
# > What accepts or rejects an answer to the exercises of Training with fit
#
# - skip_showdoc: true
# - order: 92

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_train.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_train.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_train.ipynb) · [API](../about/api.ipynb#exercises-tpu_train)

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
# The exercises stand in [the lesson](../tpu/train.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_train

# %%
#| exports
import gan_course.tpu.config # first: it chooses Keras's backend

import json
import math

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Means that survive

# %%
#| exports
# a class: Means(), add(means, steps), value(), state_dict(), load_state_dict(state)
def check_means(Means):
    """Whether `Means` weighs each part by its steps, and goes on after a resume as if nothing had
    been."""
    def begun(*parts, state=None):
        m = Means()
        if state is not None: m.load_state_dict(state)
        for means, steps in parts: m.add(means, steps)
        return m
    def close(a, b):
        return (a is not None and a.keys() == b.keys()
                and all(abs(a[name] - b[name]) < 1e-9 for name in b))
    first, second = (dict(loss_d=1.0, d_real=0.6), 10), (dict(loss_d=2.0, d_real=0.8), 30)
    value = begun(first).value()
    assert value is not None, "value() gives nothing: a dictionary of means is wanted"
    assert close(value, first[0]), f"after one part the means are that part's, not {value}"
    value = begun(first, second).value()
    assert not close(value, dict(loss_d=1.5, d_real=0.7)), (
        "this is a mean of means: the second part had three times as many steps; add "
        "up, and divide once")
    assert not close(value, second[0]), "only the last part is there: add up"
    assert not close(value, dict(loss_d=70.0, d_real=30.0)), (
        "these are sums: divide by all the steps")
    assert close(value, dict(loss_d=1.75, d_real=0.75)), (
        f"10 steps of 1 and 30 of 2 have the mean 1.75, not {value.get('loss_d')}")
    assert first[0] == dict(loss_d=1.0, d_real=0.6), (
        "the dictionary that was added has been changed: it is the caller's")
    m = begun(first)
    assert m.value() == m.value(), "to look changes the value: value() only reads"
    state = m.state_dict()
    try: text = json.dumps(state)
    except TypeError as error:
        raise AssertionError(f"the state cannot be written as JSON ({error}): numbers, text, "
                             "lists and dictionaries") from None
    resumed = begun(second, state=json.loads(text)).value()
    assert not close(resumed, second[0]), (
        "the resumed one begins at nothing: what was measured before is lost")
    uncounted = dict(loss_d=1.5, d_real=0.7), dict(loss_d=(1 + 60) / 31, d_real=(0.6 + 24) / 31)
    assert not any(close(resumed, wrong) for wrong in uncounted), (
        "the resumed one does not know how many steps its means stand for: the count "
        "belongs to the state")
    assert close(resumed, dict(loss_d=1.75, d_real=0.75)), (
        f"resumed in between, the mean is 1.75 too, and not {resumed.get('loss_d')}")
    m.add(*second)
    assert json.dumps(state) == text, (
        "the state changed after it was saved: give a copy, not the dictionary "
        "that goes on growing")
    one = begun(state=state)
    one.add(*second)
    assert json.dumps(state) == text, (
        "the loaded state changes with what is added: take a copy of it")
    assert close(begun(second).value(), second[0]), (
        "a new one knows what an earlier one saw: it belongs to the object, not to the class")
    print("correct: sums and steps, before and after")


# %%
class GoodMeans:
    def __init__(self): self.sums, self.steps = {}, 0
    def add(self, means, steps):
        self.sums = {name: self.sums.get(name, 0) + steps * value for name, value in means.items()}
        self.steps += steps
    def value(self): return {name: value / self.steps for name, value in self.sums.items()}
    def state_dict(self): return dict(sums=dict(self.sums), steps=self.steps)
    def load_state_dict(self, state): self.sums, self.steps = dict(state["sums"]), state["steps"]

class OfMeans(GoodMeans):
    def add(self, means, steps): super().add(means, 1)

class NoCount(GoodMeans):
    def state_dict(self): return self.value()
    def load_state_dict(self, state): self.sums, self.steps = dict(state), 1

class Growing(GoodMeans):
    def add(self, means, steps):
        for name, value in means.items(): self.sums[name] = self.sums.get(name, 0) + steps * value
        self.steps += steps
    def state_dict(self): return dict(sums=self.sums, steps=self.steps)

class Fresh(GoodMeans):
    def load_state_dict(self, state): pass

check_means(GoodMeans)
assert rejects(check_means, OfMeans, "a mean of means")
assert rejects(check_means, NoCount, "the count belongs to the state")
assert rejects(check_means, Growing, "give a copy")
assert rejects(check_means, Fresh, "begins at nothing")


# %% [markdown]
# ## 2. How often to save
#
# With $n$ steps of $t$ seconds between checkpoints of $s$ seconds, and an end every $M$ seconds, the part of the time that is lost is
# $s/(nt) + nt/(2M)$. It is least at $nt = \sqrt{2sM}$. Near that it hardly changes, so the check is generous.

# %%
#| exports
def check_spacing(spacing): # (seconds to save, seconds of a step, seconds between ends) -> steps
    "Whether `spacing` loses as little time as can be, to saving and to what was not saved."
    for save, step, between in ((4.0, 0.1, 7200.0), (0.5, 0.02, 1800.0), (30.0, 1.5, 86_400.0)):
        n = spacing(save, step, between)
        assert n == int(n), f"{n} steps: a checkpoint comes after a whole number of them"
        best = math.sqrt(2 * save * between) / step
        given = f"with {save:g} s to save, {step:g} s a step and an end every {between:g} s"
        def is_(value): return abs(n / value - 1) < 0.1
        assert not is_(best * step), f"{given} it is {n}: those are seconds, and steps are wanted"
        assert not is_(best / math.sqrt(2)), (
            f"{given} it is {n}: at an end not a whole interval is lost, but "
            "half of one on average")
        assert not is_(math.sqrt(2 * between / save) / step) and not is_(between / step), (
            f"{given} it is {n}: the slower the saving, the rarer it should be")
        assert is_(best), f"{given} least is lost with about {best:.0f} steps, not with {n}"
    assert spacing(0.0, 0.1, 3600.0) >= 1, (
        "if saving costs nothing, save after each step: 0 steps would never end")
    assert spacing(0.001, 60.0, 60.0) == 1, (
        "steps that are longer than the interval: 1 is the least")
    print("correct: as much is lost by saving as by not having saved")


# %%
def good_spacing(save, step, between): return max(1, round(math.sqrt(2 * save * between) / step))
def in_seconds(save, step, between): return max(1, round(math.sqrt(2 * save * between)))
def whole_lost(save, step, between): return max(1, round(math.sqrt(save * between) / step))
def zero(save, step, between): return round(math.sqrt(2 * save * between) / step)
def searched(save, step, between):
    return min((round(1.05**k) for k in range(300)),
               key=lambda n: save / (n * step) + n * step / (2 * between))

check_spacing(good_spacing)
check_spacing(searched)
assert rejects(check_spacing, in_seconds, "steps are wanted")
assert rejects(check_spacing, whole_lost, "half of one")
assert rejects(check_spacing, zero, "never end")
assert rejects(check_spacing, lambda save, step, between: math.sqrt(2 * save * between) / step,
               "a whole number")
assert rejects(check_spacing, lambda save, step, between: round(between / step), "the rarer")
