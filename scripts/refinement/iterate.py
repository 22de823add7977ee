# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a first run to a recipe
#
# > A budget, a judge, one change at a time, and the luck of a run measured before any difference is believed
#
# - order: 54

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/refinement/iterate.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/refinement/iterate.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/refinement/iterate.ipynb) · [API](../about/api.ipynb#refinement-iterate)

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
# **You will be able to** measure how much of a result is luck, try many variants on little time without throwing most of it
# away, tell a better recipe from a lucky run, and say when to stop.
#
# **You need** [Lab: a GAN that draws clothes](../pytorch/gan_pytorch.ipynb), for a first run to start from, and
# [Five questions to ten thousand samples](../foundations/metrics.ipynb). **It takes** an hour to read; the cells run for about
# ten minutes on two cores of a laptop's processor.

# %%
#| default_exp refinement.iterate

# %%
#| exports
import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from gan_course.basics import CourseError
from gan_course.loop import SEED_EVAL
from gan_course.pytorch.config import select_device, select_precision
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.train import Training
from gan_course.pytorch.utils import rng_state, seed_everything, set_rng_state
from gan_course.toy import mean_interval

# %%
import time

import matplotlib.pyplot as plt

from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.features import judge_of
from gan_course.figures import dark, light, use_course_style
from gan_course.metrics import FeatureFrechet
from gan_course.pytorch.config import CONFIG
from gan_course.runs import provenance, provenance_line

# %%
use_course_style()
begin = time.perf_counter()

# %% [markdown]
# ## What is fixed before anything is tried
#
# A first run works. Which of its twenty numbers should be changed? Before trying anything, fix three things, and write them
# down, since each can be bent later to make a favourite look good.
#
# - **A judge.** One number that says which of two [generators](../about/glossary.ipynb#gl-generator) is better. Ours is the
#   [Fréchet distance in a classifier's features](../foundations/features.ipynb). Never a loss: [the curves of a GAN](../pytorch/gan_pytorch.ipynb)
#   do not know how good the pictures are.
# - **A [budget](../about/glossary.ipynb#gl-budget).** What a run may cost, in *time* on one processor. Not in steps or [epochs](../about/glossary.ipynb#gl-epoch): a network twice as wide makes more of
#   a step and fewer of them.
# - **The luck.** How far apart are two runs that differ in nothing but the [seed](../about/glossary.ipynb#gl-seed)? Smaller differences say nothing.
#
# Here a run is short, and its networks are half as wide as the [recipe's](../about/glossary.ipynb#gl-recipe), so that the page can hold dozens of them. What
# such runs find is a *candidate*. Whether it holds for the long run is another question, which only long runs can answer.

# %%
data = load_dataset("auto", limit=budget(full=None, fast=256))
judge = FeatureFrechet(judge_of(data.name), data.images, most=budget(full=10_000, fast=256))
base = CONFIG.replace(width=budget(full=16, fast=8), cuda_graphs=False)
images = budget(full=15_000, fast=128) # that a run of the base may see
print(f"{data.name}, width {base.width}, {images:,} images a run")


# %% [markdown]
# A trial is a run that can be stopped, judged and continued. It must not matter what else is tried in between. Training draws
# its [latents](../about/glossary.ipynb#gl-latent) from PyTorch's global generator, so that two trials that take turns would feed on each other's random numbers. Each
# therefore keeps the state of the generator for itself.

# %%
#| exports
class Trial:
    "A GAN in training that can be judged at any time and continued; others may train in between."
    def __init__(self, config, # a `gan_course.pytorch.Config`
                 dataset, # a `gan_course.datasets.Dataset`
                 judge): # with `distance(images)`, such as a `FeatureFrechet`
        device = select_device(config.device)
        self.batches = DeviceBatches(dataset, config.batch_size, device=device, seed=config.seed,
                                     flip=config.flip)
        before = rng_state(device)
        seed_everything(config.seed)
        self.training = Training(config, device, select_precision(config.precision, device),
                                 dataset.images.shape[-1])
        self.rng, self.judge = rng_state(device), judge
        set_rng_state(before, device)

    def advance(self, images): # how many more to see, rounded up to whole steps; returns itself
        "Train on."
        t, c = self.training, self.training.config
        before, goal = rng_state(t.device), t.images_seen + images
        set_rng_state(self.rng, t.device)
        while t.images_seen < goal:
            if t.step_in_epoch == t.iterations(self.batches):
                t.epoch, t.step_in_epoch = t.epoch + 1, 0
            t.one_step(self.batches)
        self.rng = rng_state(t.device)
        set_rng_state(before, t.device)
        return self

    def score(self, num=1000, # samples
              seed=SEED_EVAL): # of their latents
        "The judge's distance, smaller is better; infinite if the loss is not finite."
        if self.training.first_bad() is not None: return math.inf
        return self.judge.distance(self.training.draw(num, seed))


# %%
num = budget(full=1000, fast=100)
a, b = (Trial(base, data, judge) for _ in range(2))
other = Trial(base.replace(seed=7), data, judge)
a.advance(256)
for _ in range(4):
    b.advance(64); other.advance(64) # in between
assert a.score(num) == b.score(num), "the same run, whatever went on beside it"
assert a.score(num) != other.score(num)

# %% [markdown]
# ## How much is luck?
#
# Six runs of the same recipe, with six seeds. **Predict:** how far is the best from the worst, in percent?

# %%
seeds = range(budget(full=6, fast=3))
runs = [Trial(base.replace(seed=seed), data, judge).advance(images) for seed in seeds]
of_base = np.array([run.score(num) for run in runs])
again = np.array([runs[0].score(num, seed) for seed in range(10, 10 + len(seeds))])
print("six seeds:       ", "  ".join(f"{value:6.2f}" for value in of_base))
print("one run, resampled:", "  ".join(f"{value:6.2f}" for value in again))
luck, of_samples = of_base.std(ddof=1), again.std(ddof=1)
print(f"deviation between runs {luck:.2f}, between draws of samples of one run {of_samples:.2f}")

# %%
assert np.isfinite(of_base).all() and len(set(of_base)) == len(of_base)
fresh = Trial(base.replace(seed=seeds[0]), data, judge)
pairs = zip(fresh.training.G.parameters(), runs[0].training.G.parameters())
assert not any((a == b).all() for a, b in pairs), "some weights did not move"
if budget(full=True, fast=False): assert luck > of_samples, "else more samples would help"


# %% [markdown]
# There are two kinds of luck. Which samples are drawn is the lesser one, and drawing more of them makes it as small as one likes.
# Which seed the run had is the greater one, and no number of samples says anything about it. A distance printed with the interval
# of its *samples* looks precise; as a statement about a *recipe* it is one throw of the dice.
#
# How many runs does it take to see a difference $d$ between two recipes, if runs of one recipe have the deviation $\sigma$? The
# difference of two means of $n$ runs has the deviation $\sigma\sqrt{2/n}$. To be found in four cases of five, at a level of
# 5 %, it has to be $1.96 + 0.84$ deviations large:
#
# $$n \approx 2\,(1.96 + 0.84)^2\,\frac{\sigma^2}{d^2} \approx 16\,\frac{\sigma^2}{d^2}.$$

# %%
#| exports
def runs_needed(deviation, # between runs of one recipe
                difference, # that one would like to see
    ): # of each of two recipes
    "How many runs show a difference in four cases of five, at the level of 5 %."
    if not (difference > 0 and deviation >= 0):
        raise CourseError("give a difference above 0 and a deviation of 0 or more")
    return max(2, math.ceil(2 * (1.96 + 0.84)**2 * (deviation / difference)**2))


# %%
for share in (0.5, 0.2, 0.1, 0.05):
    d = share * of_base.mean()
    print(f"to see {share:>4.0%} ({d:5.2f}): {runs_needed(luck, d):>4} runs of each")


# %% [markdown]
# Half the difference, four times the runs. Large effects are cheap to find and small ones are not worth finding: look for the
# large ones first.
#
# ## Compare in pairs, and say how sure you are
#
# Two recipes are tried with the same seeds. A seed fixes the order of the images, the latents, and the initial weights if
# the networks have the same shapes: some luck may be common to both runs of a pair, and in their *difference* it cancels. It need
# not be so. The differences show whether it is.
#
# Two questions to the differences. How large is their mean, and how sure? The **[bootstrap](../about/glossary.ipynb#gl-bootstrap)** [@efron1979bootstrap] draws as many of them
# with replacement, again and again, and takes the middle 95 % of the means (`mean_interval`, from
# [A GAN you can watch](../foundations/toy.ipynb#ten-runs-and-an-interval)). Could it be nothing but luck? If the change did nothing, each
# difference would have come out with the other sign as easily. The **permutation test** [@fisher1935design] tries all ways to
# choose the signs, and counts in how many of them the mean is as far from 0 as it was.

# %%
#| exports
@dataclass(frozen=True)
class Comparison:
    "What `compare` found: candidate minus base, so that below 0 the candidate is better."
    mean: float
    low: float # of the interval of 95 %
    high: float
    p: float # of the permutation test, two-sided
    pairs: int

    def __str__(self):
        return (f"{self.mean:+.2f} (95 %: {self.low:+.2f} to {self.high:+.2f}), "
                f"p = {self.p:.3f}, {self.pairs} pairs")

def permutation_p(differences, # [n], of pairs
                  draws=10_000, # where there are more than 2^13 ways to choose the signs
                  seed=0):
    "How often random signs give a mean as far from 0; exact up to thirteen pairs."
    d = np.asarray(differences, float)
    if len(d) <= 13: signs = np.array(list(product([1, -1], repeat=len(d)))) # the first is ours
    else:
        signs = np.random.default_rng(seed).choice([1, -1], (draws, len(d)))
        signs[0] = 1 # ours counts too: p is never 0
    means = np.abs(signs @ d)
    return float((means >= means[0] * (1 - 1e-12)).mean())

def compare(base, candidate, # scores of the same seeds, in the same order; smaller is better
    ): # a `Comparison`
    "The differences of pairs: mean, interval and p. Raises `CourseError` for what are no pairs."
    a, b = np.asarray(base, float), np.asarray(candidate, float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise CourseError(f"pairs are needed, two or more: {a.shape} and {b.shape} scores are none")
    if not np.isfinite(a - b).all():
        raise CourseError("a run failed (its score is not finite): count failures apart")
    d = b - a
    return Comparison(*mean_interval(d), permutation_p(d), len(d))


# %%
print(compare([10, 12, 11, 13, 12, 14], [9, 11.2, 9.9, 12.1, 11.3, 12.8]))
print(compare([10, 12, 11, 13, 12, 14], [11.2, 9.9, 9, 12.8, 12.1, 11.3])) # the same, in disorder

# %%
assert permutation_p([1, 1, 1, 1, 1]) == 2 / 32, "five pairs cannot say less than 0.06"
assert permutation_p([1, -1, 2, -2]) == 1
rng = np.random.default_rng(0)
found = [permutation_p(rng.normal(size=8)) <= 0.05 for _ in range(budget(full=1000, fast=200))]
assert np.mean(found) < 0.09, "where nothing is to be found, it finds it in one case of twenty"

# %% [markdown]
# Five pairs that all point the same way have $p = 2/32$: with fewer than six, nothing passes a level of 5 %. The bootstrap of so few
# is too narrow, too. Six pairs are a beginning.
#
# ## The best of many
#
# Now the trap. Try eight variants, one run each, and take the best. **Predict:** if all eight were the *same* recipe, by how much
# would the best seem to be better than the base?

# %%
rng = np.random.default_rng(0)
best_of = {n: -rng.normal(size=(10_000, n)).min(1).mean() for n in (2, 4, 8, 16, 32)}
for n, deviations in best_of.items():
    print(f"best of {n:>2}: {deviations:.2f} deviations, here {deviations * luck:5.2f}, "
          f"{deviations * luck / of_base.mean():.0%} of the distance")

# %%
assert abs(best_of[8] - 1.42) < 0.05


# %% [markdown]
# Whoever searches selects luck. The score that made a variant the winner is too good, on average, and by more the more
# were tried. So **search with some seeds, and confirm with others.**
#
# ## Little time for many, much for few
#
# A bad [learning rate](../about/glossary.ipynb#gl-learning-rate) shows early. Successive halving [@jamieson2016halving] uses that: start with all variants, train each a little,
# drop the worse half, train the rest on, and so on. Each round costs about as much as the one before, and the time goes to what looks
# good.

# %%
#| exports
def successive_halving(trials, # name -> what has `advance(units)` and `score()`, smaller is better
                       units, # of training in the first round; in each later one twice as many more
                       keep=1, # how many to end with
    ): # the names that are left, best first; and the scores of each round, a list of name -> score
    "Train all a little, drop the worse half, train the rest on (Jamieson and Talwalkar 2016)."
    if keep < 1 or units <= 0: raise CourseError("keep at least one, and train on something")
    left, rounds = list(trials), []
    while True:
        scores = {}
        for name in left:
            trials[name].advance(units)
            scores[name] = trials[name].score()
        rounds.append(scores)
        left = sorted(left, key=scores.get)
        if len(left) <= keep: return left, rounds
        left = left[:max(keep, len(left) // 2)]
        if len(left) == keep: return left, rounds
        units = 2 * units


# %%
class Learner:
    "A made-up trial: its score falls towards `end`, at its own pace."
    def __init__(self, end, pace=1.0): self.end, self.pace, self.seen = end, pace, 0
    def advance(self, units): self.seen += units
    def score(self): return self.end + 10 * math.exp(-self.pace * self.seen)

learners = {f"{end}": Learner(end) for end in range(8)}
left, rounds = successive_halving(learners, 1)
print(left, [list(scores) for scores in rounds], [learner.seen for learner in learners.values()])
assert left == ["0"] and [len(scores) for scores in rounds] == [8, 4, 2]

# %% [markdown]
# **What it cannot see.** A variant that begins slowly and ends well is dropped in the first round. Lower learning rates are of
# that kind, and so is a falling one.

# %%
late = {"quick": Learner(3.0, pace=1.0), "slow": Learner(0.0, pace=0.3)}
left, _ = successive_halving(late, 1)
print(left, "was kept; in the end", {name: learner.end for name, learner in late.items()})
assert left == ["quick"]

# %% [markdown]
# ## Eight variants of our recipe
#
# One change each. Two of them make a step slower, and pay for it: every variant gets the same *time*, so first we ask how many
# images each sees in a second. They take turns, so that other work on the machine hits all.

# %%
changes = {
    "base": {},
    "half the rates": dict(lr_g=8e-4, lr_d=4e-4),
    "twice the rates": dict(lr_g=3.2e-3, lr_d=1.6e-3),
    "64 latents": dict(latent_dim=64),
    "momentum 0.5": dict(beta1=0.5),
    "batch of 32": dict(batch_size=32),
    "wider by half": dict(width=base.width * 3 // 2),
    "non-saturating": dict(loss="non_saturating", r1=1.0, r2=0.0),
}
if budget(full=False, fast=True):
    changes = {name: changes[name] for name in ("base", "64 latents", "batch of 32")}

def variant(name, seed): return Trial(base.replace(seed=seed, **changes[name]), data, judge)

speeds = {name: [] for name in changes}
for turn in range(budget(full=4, fast=1)):
    for name in changes:
        trial = variant(name, 0).advance(32)
        start, seen = time.process_time(), trial.training.images_seen
        trial.advance(budget(full=1024, fast=64))
        speeds[name].append((trial.training.images_seen - seen) / (time.process_time() - start))
share = {name: float(np.median(rate) / np.median(speeds["base"])) for name, rate in speeds.items()}
print(", ".join(f"{name} {value:.2f}" for name, value in share.items()))


# %%
class Timed:
    "A trial whose unit is the time that the base needs for an image."
    def __init__(self, name, seed): self.trial, self.share = variant(name, seed), share[name]
    def advance(self, units): self.trial.advance(round(units * self.share))
    def score(self): return self.trial.score(num)

search_seed = 100 # none of those above
trials = {name: Timed(name, search_seed) for name in changes}
left, rounds = successive_halving(trials, images // 2)
for name in changes:
    print(f"{name:<16}" + "".join(f"{scores[name]:>9.2f}" for scores in rounds if name in scores))

# %%
#| label: fig-halving
#| fig-cap: "Successive halving: the judge's distance of each variant after each round. The line of a variant ends where it was dropped."
#| fig-alt: "Eight lines begin on the left between 48 and 60; four reach the second round and two the third, where twice the rates, drawn darker, ends at 19 and the non-saturating loss at 20. The base is among the four that end after the first round."
fig, ax = plt.subplots(figsize=(6.5, 3.6))
spent = np.cumsum([images // 2 * 2**i for i in range(len(rounds))])
below = {} # how many labels stand at the end of each round: they go down from the first
for name in sorted(changes, key=lambda name: -rounds[0][name]):
    y = [scores[name] for scores in rounds if name in scores]
    n, won = len(y) - 1, name == left[0]
    ax.plot(spent[:n + 1], y, color=dark if won else light, ls="-", lw=2 if won else 1,
            marker="o", ms=4)
    lowest = min(below.get(n, np.inf) / 1.07, y[n])
    ax.annotate(name, (spent[n], y[n]), (spent[n] + 1500, lowest), size=7, va="center",
                arrowprops=dict(arrowstyle="-", lw=0.5, color="#777777"))
    below[n] = lowest
ax.set(xlabel="time, in images of the base", ylabel="FD(judge)", yscale="log")
ax.set_yticks([20, 30, 40, 60], ["20", "30", "40", "60"]); ax.minorticks_off()
ax.margins(x=0.25);

# %% [markdown]
# A winner, found with one seed. Is it one? The seeds of the first section are fresh to it, the base has been run with them
# already, and the time is the same.

# %%
challenger = left[0] if left[0] != "base" else min(
    (name for name in changes if name != "base"), key=lambda name: rounds[0][name])
as_long = round(images * share[challenger])
of_challenger = np.array([variant(challenger, seed).advance(as_long).score(num) for seed in seeds])
print("base:     ", "  ".join(f"{value:6.2f}" for value in of_base))
print(f"{challenger}:", "  ".join(f"{value:6.2f}" for value in of_challenger))
verdict = compare(of_base, of_challenger)
print("difference:", verdict)
print(f"correlation of the pairs {np.corrcoef(of_base, of_challenger)[0, 1]:+.2f}")

# %%
sure = verdict.p <= 0.05
better = "better" if verdict.mean < 0 else "worse"
print(f"{challenger!r} is {better} than the base" if sure else
      f"{verdict.pairs} pairs do not tell {challenger!r} from the base", "after so short a run")

# %% [markdown]
# The two measures disagree: the interval of the bootstrap just leaves out 0, and the permutation test finds as large a mean in 19 of
# 100 ways to choose the signs. With six pairs, believe the test. So the winner of the search, which led in every round, has not
# been shown to be better than the base after as much time as the seeds had; it would take a dozen pairs, or longer runs.
#
# The correlation of 0.5 says that pairing was worth it: near 0 the pairs might as well have been strangers, and near 1 most luck
# has cancelled. And what was shown is what was tried: *so short a run, so narrow a network*. If a variant is to be trusted for the
# long run, the last round has to be long runs.
#
# ## When to stop
#
# The search behind [the recipe of the labs](../pytorch/gan_pytorch.ipynb) ended with one long run, at full width. Here is [the judge's](../about/glossary.ipynb#gl-judge) distance
# after so many thousand images, as `bench/tuning.md` has it. **Predict:** where would you have stopped?

# %%
seen, distance = np.array([150, 300, 600, 900, 1200]), np.array([6.1, 4.0, 2.8, 2.3, 2.1])
for i in range(1, len(seen)):
    gain = distance[i - 1] - distance[i]
    print(f"{seen[i - 1]:>4} to {seen[i]:>4} thousand: {gain:.1f} less, "
          f"{gain / (seen[i] - seen[i - 1]) * 100:.2f} per 100 thousand")

# %% [markdown]
# Three signs that it is time. The next step would gain less than the luck of a run can hide, so that one could not even tell that it
# did. The distance comes near its [floor](../about/glossary.ipynb#gl-floor). Or the budget is spent: it was fixed before, and for a reason, since there is always one more
# idea. Then make the last runs, with fresh seeds and the full budget, and report all of them: the median and the range, not the best.

# %%
total = sum(trial.trial.training.images_seen for trial in trials.values())
total += sum(run.training.images_seen for run in runs) + as_long * len(seeds)
print(provenance_line(provenance(
    data, track="pytorch", epochs=round(total / len(data), 1), images_seen=total,
    seed=f"{seeds[0]} to {seeds[-1]}, {search_seed}", seconds=time.perf_counter() - begin,
    device="cpu", packages=["torch", "numpy"])))

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.refinement_iterate import check_confirm, check_paired, check_rounds


# %% [markdown]
# ### 1. A test of pairs
#
# Write `paired_p(base, candidate)`: the two-sided $p$ of the permutation test, exact, for a handful of pairs. What is exchanged
# in each permutation, and which one must not be forgotten?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def paired_p(base, candidate):
    d = np.asarray(candidate) - np.asarray(base)
    signs = np.array(list(product([1, -1], repeat=len(d)))) # all ways, ours among them
    means = np.abs(signs @ d) / len(d)
    return (means >= abs(d.mean()) - 1e-12).mean() # as far from 0, on either side

check_paired(paired_p)


# %% [markdown]
# ### 2. What the rounds cost
#
# Write `rounds(variants, units)`: for successive halving down to one, a list of pairs, for each round how many variants are trained
# and how many units *each of them* is trained in that round, if each round is to cost as much as the first. Eight variants with 100
# units are 8 × 100, 4 × 200, 2 × 400.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def rounds(variants, units):
    found = []
    while variants > 1: # one alone needs no race
        found.append((variants, units))
        variants, units = variants // 2, units * 2
    return found

check_rounds(rounds)


# %% [markdown]
# ### 3. Search here, confirm there
#
# `scores` is [variants, seeds], smaller is better. Write `confirm(scores, search)` that chooses a variant by its mean over the first
# `search` seeds and returns which one it is, and an honest estimate of its score.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def confirm(scores, search):
    winner = scores[:, :search].mean(axis=1).argmin()
    return winner, scores[winner, search:].mean() # by seeds that had no part in the choice

check_confirm(confirm)

# %% [markdown]
# ## What to remember
#
# - Fix judge, budget and luck first. Time is the budget, not steps.
# - The same recipe with another seed is another result. An [interval](../about/glossary.ipynb#gl-interval) over samples does not contain that; only runs do.
# - Pairs with common seeds, a permutation test, at least six pairs. For half the difference, four times as many.
# - The best of eight equal recipes looks 1.4 deviations better than it is. Confirm with seeds that had no part in the search.
# - Halving spends time where it pays, and drops what begins slowly.
#
# **What goes wrong in practice, and how you see it.**
#
# - *Every change helps a little*: differences smaller than the luck. Run the unchanged recipe again with another seed.
# - *The new recipe's numbers cannot be reproduced*: the best run was reported, not the median; or it was chosen and measured with
#   the same seed.
# - *The variant with more epochs wins*: equal images or equal steps are not equal time.
# - *Two changes at once, and it got better*: take each away again, alone.
# - *Failed runs are missing from the mean*: a recipe that fails in one run of three is not better because the other two were.
#
# **References.** Fisher [-@fisher1935design], *The design of experiments*, chapter 3 (the test by exchanging signs). Efron
# [-@efron1979bootstrap], *Bootstrap methods: another look at the jackknife*. Bergstra and Bengio [-@bergstra2012random], *Random search for
# hyper-parameter optimization* (why most of the numbers do not matter, and which do is not known before). Jamieson and Talwalkar [-@jamieson2016halving],
# *Non-stochastic best arm identification and hyperparameter optimization* (successive halving). Lucic et al. [-@lucic2018equal], *Are GANs
# created equal?* (with equal budgets, many recipes are). Agarwal et al. [-@agarwal2021precipice], *Deep reinforcement learning at the edge of the
# statistical precipice* (intervals for a handful of runs).
