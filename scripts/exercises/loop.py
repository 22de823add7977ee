# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the loop
#
# > What accepts or rejects an answer to the exercises of What every training loop needs
#
# - order: 68

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/loop.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/loop.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/loop.ipynb) · [API](../about/api.ipynb#exercises-loop)

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
# The exercises stand in [the lesson](../foundations/loop.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.loop

# %%
#| exports
from gan_course.loop import lr_factor

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. How far may it run?

# %%
#| exports
def check_ahead(ahead): # (step, left, *every) -> a number of steps
    "Whether `ahead` stops at whatever is due first, and never stands still."
    assert ahead(0, 100, 50) > 0 and ahead(50, 100, 50) > 0, (
        "at step 50 the look has been taken, and 0 steps would never end: the next is due at 100")
    assert ahead(0, 100, 50) == 50, f"from 0 to the look at 50 it is 50, not {ahead(0, 100, 50)}"
    assert ahead(60, 100, 50) == 40, (
        f"at step 60 a look every 50 is due in 40 steps, not in {ahead(60, 100, 50)}: "
        "count from where the run is")
    assert ahead(60, 40, 50, 70) != 40, "take the first of the things that are due, not the last"
    assert ahead(60, 40, 50, 70) == 10, f"ahead(60, 40, 50, 70) is 10, not {ahead(60, 40, 50, 70)}"
    got = ahead(110, 5, 50, 200)
    assert got == 5, f"the epoch ends in 5 steps, and not {got}"
    assert ahead(1000, 3, 7, 11) == 1 and ahead(1001, 3, 7, 11) == 3, "multiples count from step 0"
    print("correct: to whatever is due first, and always onwards")


# %%
def good_ahead(step, left, *every): return min(left, *(n - step % n for n in every))
def stands_still(step, left, *every): return min(left, *(-step % n for n in every))
def from_here(step, left, *every): return min(left, *every)
def the_last(step, left, *every): return max(n - step % n for n in every)
def over_the_end(step, left, *every): return min(n - step % n for n in every)

check_ahead(good_ahead)
assert rejects(check_ahead, stands_still, "never end")
assert rejects(check_ahead, from_here, "where the run is")
assert rejects(check_ahead, the_last, "the first of")
assert rejects(check_ahead, over_the_end, "the epoch ends")


# %% [markdown]
# ## 2. A warm start

# %%
#| exports
def check_warm_up(warmed_up): # (decay, fraction, part) -> a factor
    "Whether `warmed_up` grows in a straight line, stops growing, and leaves the rest as it is."
    def close(a, b): return abs(a - b) < 1e-9
    assert close(warmed_up("none", 0, 0.1), 0), "before the first step the factor is 0"
    half = warmed_up("none", 0.05, 0.1)
    assert close(half, 0.5), f"half of the warm-up gives a factor of 0.5, not {half:.3g}"
    late = warmed_up("none", 0.8, 0.1)
    assert late < 1.5, f"after the warm-up the factor is 1, and not {late:.3g}: it stops growing"
    assert close(late, 1), f"after the warm-up the factor is 1, and not {late:.3g}"
    try: without = warmed_up("linear", 0, 0)
    except ZeroDivisionError:
        raise AssertionError("part=0 means no warm-up, and divides by 0") from None
    assert close(without, 1), f"without a warm-up the run begins with 1, and not {without:.3g}"
    for decay in ("linear", "cosine"):
        got, wanted = warmed_up(decay, 0.6, 0.2), lr_factor(decay, 0.6)
        assert close(got, wanted), (
            f"after the warm-up it is lr_factor of the whole run, {wanted:.3f} and not {got:.3f}: "
            "the decay does not begin anew")
        got = warmed_up(decay, 0.1, 0.2)
        assert close(got, lr_factor(decay, 0.1) / 2), "in the warm-up the decay goes on: multiply"
    print("correct: a straight line up, and nothing changed afterwards")


# %%
def good_warm_up(decay, fraction, part):
    return lr_factor(decay, fraction) * (min(1, fraction / part) if part else 1)

def divides(decay, fraction, part): return lr_factor(decay, fraction) * min(1, fraction / part)

def grows_on(decay, fraction, part):
    return lr_factor(decay, fraction) * (fraction / part if part else 1)

def anew(decay, fraction, part):
    if fraction < part: return fraction / part
    return lr_factor(decay, (fraction - part) / (1 - part))

check_warm_up(good_warm_up)
assert rejects(check_warm_up, divides, "divides by 0")
assert rejects(check_warm_up, grows_on, "stops growing")
assert rejects(check_warm_up, anew, "begin anew")


# %% [markdown]
# ## 3. When to give up

# %%
#| exports
def check_patience(out_of_patience): # (history, patience) -> bool
    "Whether `out_of_patience` measures from the best epoch, and knows that None is no distance."
    def ask(distances, patience):
        rows = [dict(epoch=i + 1, pixel_frechet=d) for i, d in enumerate(distances)]
        try: return bool(out_of_patience(rows, patience))
        except TypeError:
            hint = "None is no distance: an epoch may pass without a measurement"
            raise AssertionError(hint) from None
    assert not ask([9.0], 2), "one epoch is no reason to stop"
    assert ask([9.0, 5.0, 6.0, 7.0], 2), "the best is two epochs old: that is enough"
    assert ask([9.0, 5.0, 7.0, 6.0], 2), (
        "from 7 to 6 it got better, and the best is still two epochs old: measure from the best")
    assert not ask([9.0, 5.0, 7.0, 4.0], 2), "the last epoch is the best of all"
    assert not ask([9.0, 8.0, 9.0], 2), "the best is one epoch old: not yet"
    assert ask([9.0, 5.0, 5.0, 5.0], 2), (
        "the same distance again is no progress: count from the first")
    assert ask([5.0, None, None], 2), "time passes in epochs that were not measured, too"
    assert not ask([None, None, None], 2), "without any distance there is no best"
    assert not ask([None, 5.0, 6.0], 2), "None is no distance, and not the best one"
    print("correct: from the best epoch on, measured or not")


# %%
def good_patience(history, patience):
    rows = [row for row in history if row["pixel_frechet"] is not None]
    if not rows: return False
    best = min(rows, key=lambda row: row["pixel_frechet"]) # the first of equals
    return history[-1]["epoch"] - best["epoch"] >= patience

def in_a_row(history, patience):
    d = [row["pixel_frechet"] for row in history][-patience - 1:]
    return len(d) > patience and all(a <= b for a, b in zip(d, d[1:]))

def careless(history, patience):
    d = [row["pixel_frechet"] for row in history]
    return len(d) - 1 - d.index(min(d)) >= patience

def latest_of_equals(history, patience):
    best = min(reversed(history), key=lambda row: row["pixel_frechet"])
    return history[-1]["epoch"] - best["epoch"] >= patience

check_patience(good_patience)
assert rejects(check_patience, in_a_row, "measure from the best")
assert rejects(check_patience, careless, "None is no distance")
assert rejects(check_patience, latest_of_equals, "no progress")
