# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: sampling (TPU)
#
# > What accepts or rejects an answer to the exercises of Sampling on either backend
#
# - skip_showdoc: true
# - order: 93

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_inference.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_inference.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_inference.ipynb) · [API](../about/api.ipynb#exercises-tpu_inference)

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
# The exercises stand in [the lesson](../tpu/inference.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_inference

# %%
#| exports
import gan_course.tpu.config # first: it chooses Keras's backend

import math

import numpy as np

# %%
#| hide
from statistics import NormalDist

from gan_course.exercises import rejects


# %% [markdown]
# ## 1. One picture of many

# %%
#| exports
# (numbers, latent_dim, seed) -> float32 [len(numbers), latent_dim]
def check_latents_of(latents_of):
    "Whether a latent depends on its number and the seed, and on nothing else."
    def ask(numbers, seed=0):
        try: found = np.asarray(latents_of(list(numbers), 16, seed))
        except (MemoryError, OverflowError, ValueError) as error:
            if max(numbers) < 10**9: raise
            raise AssertionError("number 10^15 alone cannot be drawn: nobody wants the "
                                 "latents before it; "
                                 "begin a generator for each number "
                                 f"({type(error).__name__})") from None
        assert found.shape == (len(numbers), 16), (
            f"{len(numbers)} latents of length 16 are wanted, not {list(found.shape)}")
        assert found.dtype == np.float32, f"latents are float32, not {found.dtype}"
        return found
    some = ask([0, 7, 731])
    assert (some == ask([0, 7, 731])).all(), (
        "the same numbers gave other latents the second time: draw from a generator with a seed")
    assert (some != ask([0, 7, 731], seed=1)).any(), "another seed gave the same latents"
    assert not (some[0] == some[1]).all(), "two numbers have the same latent"
    assert (some[1] == ask([7])[0]).all() and (some[::-1] == ask([731, 7, 0])).all(), (
        "latent 7 depends on which others are asked for, or on its place among them: the number "
        "belongs into the seed")
    seeds, numbers = range(3), [0, 1, 2, 10, 100, 1000, 10**4, 10**5, 10**6]
    seen = {}
    for seed in seeds:
        for number, z in zip(numbers, ask(numbers, seed)):
            other = seen.setdefault(z.tobytes(), (seed, number))
            assert other == (seed, number), (
                f"number {number} of seed {seed} is number {other[1]} of seed {other[0]}: a sum "
                "forgets its parts; "
                "give the generator both, as a list")
    ask([10**15])
    many = ask(range(400))
    assert abs(many.mean()) < 0.06, (
        f"standard normal numbers have the mean 0, not {many.mean():.2f}")
    assert abs(many.std() - 1) < 0.06, (
        f"standard normal numbers have the deviation 1, not {many.std():.2f}")
    assert np.abs(many).max() > 2.5, "none is beyond 2.5: these numbers are not normal"
    print("correct: any of them, alone or among others")


# %%
def each(entropy):
    def latents_of(numbers, latent_dim, seed):
        made = [np.random.default_rng(entropy(seed, n)) for n in numbers]
        return np.stack([rng.standard_normal(latent_dim, np.float32) for rng in made])
    return latents_of

def at_once(numbers, latent_dim, seed):
    return np.random.default_rng(seed).standard_normal((len(numbers), latent_dim), np.float32)
def all_before(numbers, latent_dim, seed):
    return np.random.default_rng(seed).standard_normal((max(numbers) + 1, latent_dim),
                                                       np.float32)[list(numbers)]

check_latents_of(each(lambda seed, n: [seed, n]))
assert rejects(check_latents_of, at_once, "its place")
assert rejects(check_latents_of, each(lambda seed, n: seed + n), "a sum forgets")
assert rejects(check_latents_of, each(lambda seed, n: 1000 * seed + n), "a sum forgets")
assert rejects(check_latents_of, all_before, "nobody wants the latents before it")
assert rejects(check_latents_of,
               lambda *given: each(lambda seed, n: [seed, n])(*given).astype(float), "float32")


# %% [markdown]
# ## 2. How often to draw again

# %%
#| exports
def check_log_tries(log_tries): # (limit, latent_dim) -> logarithm to base 10 of a number of draws
    "Whether `log_tries` knows how rare a latent is that has no component beyond the limit."
    def ask(limit, latent_dim):
        try: found = float(log_tries(limit, latent_dim))
        except (ZeroDivisionError, ValueError, OverflowError) as error: raise AssertionError(
            f"for {latent_dim} components within {limit} the chance is too small for a float "
            f"({type(error).__name__}): "
            "multiply the logarithm, and take no power") from None
        assert not math.isnan(found) and abs(found) != math.inf, (
            f"for {latent_dim} components within {limit} it is {found}: the chance is too small "
            "for a float; multiply the logarithm")
        return found
    p = math.erf(1 / math.sqrt(2))
    one, true = ask(1.0, 1), -math.log10(p)
    def is_(found, value): return abs(found - value) < 1e-6 * max(1, abs(value))
    assert not is_(one, -true), (
        "one try is the least, and has the logarithm 0: a chance of 0.1 means ten tries")
    assert not is_(one, -math.log10(1 - (1 - p) / 2)), (
        "a component may also be too small: there are two sides")
    assert not is_(one, -math.log(p)), "the logarithm to base 10 is wanted"
    assert is_(one, true), (
        f"one component is within 1 with a chance of {p:.3f}: {true:.4f} is wanted, not {one:.4f}")
    ten = ask(1.0, 10)
    assert not is_(ten, true), "ten components have to be within the limit at the same time"
    assert not is_(ten, math.log10(10 / p)), (
        "ten components have to be within the limit at the same time: a power, and not ten times")
    assert is_(ten, 10 * true), f"for ten components it is {10 * true:.3f}, not {ten:.3f}"
    assert abs(ask(8.0, 4)) < 1e-6, "nearly everything is within 8: one try, and the logarithm 0"
    far = ask(0.01, 4096)
    assert abs(far / (-4096 * math.log10(math.erf(0.01 / math.sqrt(2)))) - 1) < 1e-6, (
        f"for 4096 components within 0.01 it is {far:.0f}")
    print("correct: a power of the dimension")


# %%
def within(limit): return 1 - 2 * NormalDist().cdf(-limit)
def good_tries(limit, latent_dim, p=within): return -latent_dim * math.log10(p(limit))
def by_power(limit, latent_dim): return math.log10(1 / within(limit)**latent_dim)

check_log_tries(good_tries)
assert rejects(check_log_tries, by_power, "multiply the logarithm")
assert rejects(check_log_tries, lambda limit, d: good_tries(limit, d, NormalDist().cdf),
               "two sides")
assert rejects(check_log_tries, lambda limit, d: math.log10(d / within(limit)), "a power, and not")
assert rejects(check_log_tries, lambda limit, d: -good_tries(limit, d), "one try is the least")
assert rejects(check_log_tries, lambda limit, d: -d * math.log(within(limit)), "base 10")
