# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: training on photographs (flowers)
#
# > What accepts or rejects an answer to the exercises of Training on photographs
#
# - skip_showdoc: true
# - order: 103

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_trainer.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_trainer.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_trainer.ipynb) · [API](../about/api.ipynb#exercises-flowers_trainer)

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
# The exercises stand in [the lesson](../flowers/trainer.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_trainer

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. A seed for each purpose

# %%
#| exports
def check_purposes(seed_of): # (seed, iteration, purpose) -> two integers
    "Whether no two runs, iterations or purposes share a seed, and all fit."
    asked = [(s, i, p) for s in (0, 1, 2, 7, 8, 2**40)
             for i in (0, 1, 2, 7, 8, 9, 63, 64, 1000, 8000, 10**6) for p in range(8)]
    found = {}
    for triple in asked:
        pair = seed_of(*triple)
        assert len(pair) == 2 and all(isinstance(n, (int, np.integer)) for n in pair), (
            "a seed is two integers")
        pair = tuple(int(n) for n in pair)
        assert pair == tuple(int(n) for n in seed_of(*triple)), (
            "the same question got two answers: a resumed run would draw something else")
        assert all(0 <= n < 2**63 for n in pair), (
            f"{pair} does not fit into two numbers from 0 to 2⁶³")
        if pair in found:
            what = [name for name, a, b in zip(("run", "iteration", "purpose"), triple, found[pair])
                    if a != b]
            assert what != ["run"], "two runs draw the same: the run's seed is missing"
            assert what != ["iteration"], (
                "two iterations draw the same: every image would be changed the "
                "same way all the time")
            assert what != ["purpose"], (
                "two purposes draw the same: real and generated images would be changed alike")
            raise AssertionError(f"{triple} and {found[pair]} draw the same: adding up is not "
                                 "enough, give each purpose room")
        found[pair] = triple
    print("correct: each draw its own")


# %%
check_purposes(lambda seed, iteration, purpose: (seed, iteration * 8 + purpose))
assert rejects(check_purposes, lambda seed, iteration, purpose: (seed, iteration + purpose),
               "give each purpose room")
assert rejects(check_purposes, lambda seed, iteration, purpose: (seed, iteration), "two purposes")
assert rejects(check_purposes, lambda seed, iteration, purpose: (iteration, purpose), "two runs")
assert rejects(check_purposes, lambda seed, iteration, purpose: (seed, purpose), "two iterations")
assert rejects(check_purposes, lambda seed, iteration, purpose: (seed, np.random.randint(2**31)),
               "two answers")


# %% [markdown]
# ## 2. Since when does it memorise?

# %%
#| exports
def check_memorises(memorises): # (history, gap=0.2, times=2) -> an epoch, or None
    "Whether `memorises` finds the first of several measurements in a row, over rows without any."
    def ask(gaps, **how):
        rows = [dict(epoch=i + 1) | (dict(rank_train=0.5 + g, rank_held_out=0.5) if g is not None
                                     else {}) for i, g in enumerate(gaps)]
        try: return memorises(rows, **how)
        except (KeyError, TypeError):
            raise AssertionError(
                "some epochs have no measurement: their rows lack rank_train") from None
    assert ask([0.0, 0.1, 0.1]) is None, "no gap exceeds 0.2: the answer is None"
    assert ask([0.0, 0.3, 0.0, 0.3]) is None, "twice, but not in a row"
    found = ask([0.0, 0.3, 0.3, 0.3])
    assert found != 3, "the first of the measurements in a row was asked for, not the last"
    assert found == 2, f"from epoch 2 on the gap is 0.3, and this says {found}"
    found = ask([0.0, None, 0.3, None, None, 0.4, None])
    assert found is not None, "rows without a measurement interrupt nothing"
    assert found == 3, f"epochs 3 and 6 are two measurements in a row: since epoch 3, not {found}"
    assert ask([-0.4, -0.4, -0.4]) is None, (
        "held-out photographs taken for real more often: that is not memory")
    assert ask([0.3, 0.3, 0.3], gap=0.35) is None and ask([0.3, 0.3, 0.0], times=3) is None, (
        "gap and times are arguments")
    assert ask([0.3, 0.0, 0.3, 0.3]) == 3, "a row that was interrupted begins anew"
    assert ask([]) is None, "of nothing measured, None"
    print("correct: the first of several in a row")


# %%
def good_memorises(history, gap=0.2, times=2,
                   measured=lambda row: row.get("rank_train") is not None, size=lambda d: d,
                   first=True):
    row_of = 0
    rows = [row for row in history if measured(row)]
    for i, row in enumerate(rows):
        row_of = row_of + 1 if size(row["rank_train"] - row["rank_held_out"]) > gap else 0
        if row_of == times: return rows[i - times + 1 if first else i]["epoch"]
    return None

def at_once(history, gap=0.2, times=2):
    return next((row["epoch"]
                 for row in history
                 if row.get("rank_train", 0) - row.get("rank_held_out", 0) > gap), None)

def interrupted(history, gap=0.2, times=2):
    row_of = 0
    for row in history:
        row_of = row_of + 1 if row.get("rank_train", 0) - row.get("rank_held_out", 0) > gap else 0
        if row_of == times: return row["epoch"] - times + 1

check_memorises(good_memorises)
assert rejects(check_memorises, at_once, "not in a row")
assert rejects(check_memorises, interrupted, "interrupt nothing")
assert rejects(check_memorises, lambda *a, **k: good_memorises(*a, **k, size=abs), "not memory")
assert rejects(check_memorises, lambda *a, **k: good_memorises(*a, **k, first=False),
               "not the last")
assert rejects(check_memorises, lambda *a, **k: good_memorises(*a, **k, measured=lambda row: True),
               "lack rank_train")
