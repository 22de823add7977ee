# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: from a first run to a recipe
#
# > What accepts or rejects an answer to the exercises of From a first run to a recipe
#
# - order: 105

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/refinement_iterate.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/refinement_iterate.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/refinement_iterate.ipynb) · [API](../about/api.ipynb#exercises-refinement_iterate)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[pytorch]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../refinement/iterate.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.refinement_iterate

# %%
#| exports
from itertools import product

import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. A test of pairs
#
# The pairs of the check differ little from each other and much between seeds: who does not use that they are pairs sees nothing.

# %%
#| exports
def check_paired(paired_p): # (base, candidate) -> p
    "Whether `paired_p` is the exact two-sided permutation test of pairs (Fisher 1935)."
    base = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    better = base - np.array([1.0, 1.5, 0.5, 2.0, 1.2, 0.8])
    def close(a, b): return abs(float(a) - b) < 1e-9
    def run(a, b):
        a, b = a.copy(), b.copy()
        return float(paired_p(a, b))
    p = run(base, better)
    assert p > 0, ("p is 0: the signs as they are count among the ways to choose them, "
                   "so that it cannot be less than 2 / 64 here")
    assert not close(p, 1 / 64), (
        "one-sided: a candidate that is as much worse would be as surprising; count both sides")
    assert p < 0.3, (
        "the pairs are torn apart: exchange base and candidate within a pair, which changes the "
        "sign of its difference")
    assert close(p, 2 / 64), f"all six differences point the same way: p is 2/64, not {p:.4f}"
    assert close(run(better, base), 2 / 64), "one-sided: with the two exchanged p must be the same"
    d = np.array([3.0, -1.0, 2.0, 0.5, 1.0])
    means = np.abs(np.array(list(product([1, -1], repeat=5))) @ d)
    right = float((means >= abs(d.sum()) - 1e-9).mean())
    got = run(base[:5], base[:5] + d)
    assert not close(got, float((means > abs(d.sum()) + 1e-9).mean())), (
        "ways that give exactly as much count too: >=, not >")
    assert close(got, right), f"for differences of {d.tolist()} it is {right:.4f}, not {got:.4f}"
    print("correct: signs within pairs, both sides, and ours among them")


# %%
def answer(side=np.abs, keep=lambda means, ours: means >= ours - 1e-12, drop=0):
    def paired_p(base, candidate):
        d = candidate - base
        means = side(np.array(list(product([1, -1], repeat=len(d))))[drop:] @ d)
        return keep(means, side(d.sum())).mean()
    return paired_p

check_paired(answer())


# %%
def unpaired(base, candidate):
    both, n = np.concatenate([base, candidate]), len(base)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(both) for _ in range(2000)]
    means = np.abs([order[:n].mean() - order[n:].mean() for order in orders])
    return (means >= abs(base.mean() - candidate.mean())).mean()

def neither(means, ours): return means > ours + 1e-9

assert rejects(check_paired, unpaired, "torn apart")
assert rejects(check_paired, answer(side=lambda means: -means), "one-sided")
assert rejects(check_paired, answer(keep=neither), "p is 0")
assert rejects(check_paired, answer(drop=1), "not")


# %% [markdown]
# ## 2. What the rounds cost

# %%
#| exports
def check_rounds(rounds): # (variants, units) -> [(variants, units of each), ...]
    "Whether `rounds` halves the variants, and makes each round cost as much as the first."
    got = [tuple(map(float, pair)) for pair in rounds(8, 100)]
    assert got, "eight variants need rounds"
    assert got[-1][0] != 1, "one variant alone needs no race: it has won"
    assert [n for n, _ in got] == [8, 4, 2], (
        f"8, then 4, then 2 variants; here {[int(n) for n, _ in got]}")
    cost = [n * units for n, units in got]
    assert [units for _, units in got] != [100, 100, 100], (
        "the later rounds cost less and less: what the dropped ones would have had is not spent")
    assert [units for _, units in got] != [100, 50, 25], (
        "the units are halved too: those who are left should get more, not less")
    assert [units for _, units in got] != [100, 300, 700], (
        "those are the units since the beginning; wanted are those of each round")
    assert cost == [800] * 3, f"each round should cost 800 units; here {[int(c) for c in cost]}"
    assert [tuple(pair) for pair in rounds(2, 7)] == [(2, 7)], "two variants race once"
    assert list(rounds(1, 7)) == [], "one variant races never"
    print("correct: half as many, twice as long, three rounds of 800")


# %%
def answer(grow=lambda i, units: units * 2**i, until=1):
    def rounds(variants, units):
        found, i = [], 0
        while variants > until:
            found.append((variants, grow(i, units)))
            variants, i = variants // 2, i + 1
        return found
    return rounds

check_rounds(answer())

# %%
assert rejects(check_rounds, answer(lambda i, units: units), "less and less")
assert rejects(check_rounds, answer(lambda i, units: units / 2**i), "halved too")
assert rejects(check_rounds, answer(lambda i, units: units * (2 * 2**i - 1)), "the beginning")
assert rejects(check_rounds, answer(until=0), "it has won")


# %% [markdown]
# ## 3. Search here, confirm there
#
# In the check all variants are equally good: their scores are luck, around 10. Who measures the winner by what made it the
# winner says less than 10, every time.

# %%
#| exports
def check_confirm(confirm): # (scores [variants, seeds], search) -> which, estimate
    "Whether `confirm` chooses by the first seeds and measures by the others."
    rng = np.random.default_rng(0)
    which, worst, estimates, of_search, of_all = [], [], [], [], []
    for _ in range(400):
        scores = 10 + rng.normal(size=(8, 6))
        winner, estimate = confirm(scores.copy(), 3)
        best = scores[:, :3].mean(1).argmin()
        which.append(winner == best)
        worst.append(winner == scores[:, :3].mean(1).argmax())
        estimates.append(float(estimate))
        of_search.append(scores[best, :3].mean())
        of_all.append(scores[best].mean())
    assert not all(worst), "that is the worst: the score is a distance, smaller is better"
    assert all(which), "a variant is to be chosen by the mean of its first seeds, and by no others"
    bias = np.mean(estimates) - 10
    assert not np.allclose(estimates, of_search), (
        f"measured with the seeds that made it the winner: {bias:+.2f} where all are equal")
    assert not np.allclose(estimates, of_all), (
        f"half of the seeds had a part in the choice: {bias:+.2f} where all are equal; omit them")
    assert abs(bias) < 0.1, (
        f"where all are equal, the estimate is off by {bias:+.2f}: use only seeds from `search` "
        "on, of the winner alone, all of them")
    print(f"correct: where all are equal, the winner's estimate is off by {bias:+.2f}; "
          f"by its own search it would be {np.mean(of_search) - 10:+.2f}")


# %%
def answer(measure=lambda scores, winner, search: scores[winner, search:].mean(),
           choose=lambda scores, search: scores[:, :search].mean(1).argmin()):
    def confirm(scores, search):
        winner = choose(scores, search)
        return winner, measure(scores, winner, search)
    return confirm

check_confirm(answer())

# %%
assert rejects(check_confirm, answer(lambda s, w, n: s[w, :n].mean()), "made it the winner")
assert rejects(check_confirm, answer(lambda s, w, n: s[w].mean()), "had a part")
assert rejects(check_confirm, answer(lambda s, w, n: s[w, n:].min()), "off by")
assert rejects(check_confirm, answer(choose=lambda s, n: s.mean(1).argmin()), "first seeds")
assert rejects(check_confirm, answer(choose=lambda s, n: s[:, :n].mean(1).argmax()), "the worst")
