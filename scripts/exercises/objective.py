# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the game
#
# > What accepts or rejects an answer to the exercises of The game
#
# - order: 62

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/objective.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/objective.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/objective.ipynb) · [API](../about/api.ipynb#exercises-objective)

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
# The exercises stand in [the lesson](../foundations/objective.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.objective

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. The best discriminator, unequal shares

# %%
#| exports
def check_best(best): # takes two arrays of densities and the share of real points
    "Whether it is Bayes' rule, at points where neither occurs as well."
    p, q = np.array([0.2, 0.5, 0.0, 0.3]), np.array([0.2, 0.1, 0.4, 0.0])
    got = np.asarray(best(p.copy(), q.copy(), 0.5), float)
    hint = ""
    if np.shape(got) == (4,):
        if np.isclose(got[0], 1): hint = "that is p / q, a ratio and not a probability"
        if np.isclose(got[1], 1 / 6): hint = "that is how probable the point is generated"
    assert (np.shape(got) == (4,
            )), f"four densities each, and the answer has the shape {np.shape(got)}"
    assert np.allclose(got, [0.5, 5 / 6, 0, 1]), f"for s = 1/2: {got}, not p / (p + q). {hint}"
    got = np.asarray(best(p.copy(), q.copy(), 0.25), float)
    hint = "the shares are missing: a real point is rarer now" if np.isclose(got[0], 0.5) else ""
    if np.isclose(got[0], 0.75): hint = "s belongs to the real points"
    assert np.allclose(got, [0.25, 0.625, 0, 1]), (
        f"for s = 1/4: {got}, not {[0.25, 0.625, 0, 1]}. {hint}")
    with np.errstate(all="raise"):
        try: got = np.asarray(best(np.array([0.0, 0.5]), np.array([0.0, 0.5]), 0.3), float)
        except FloatingPointError: got = np.array([np.nan])
    assert np.allclose(got, 0.3), (
        "where neither occurs it is 0 / 0: give s there, without a warning")
    print("correct: s p / (s p + (1 - s) q)")


# %%
def best(p, q, s):
    total = s * p + (1 - s) * q
    return np.divide(s * p, total, out=np.full_like(total, s), where=total > 0)

def ratio(p, q, s): return p / np.maximum(q, 1e-9)
def other_way(p, q, s): return 1 - best(p, q, s)
def no_shares(p, q, s): return best(p, q, 0.5)
def swapped(p, q, s): return best(p, q, 1 - s)
def divides(p, q, s): return s * p / (s * p + (1 - s) * q)

check_best(best)
assert rejects(check_best, ratio, "a ratio")
assert rejects(check_best, other_way, "is generated")
assert rejects(check_best, no_shares, "shares are missing")
assert rejects(check_best, swapped, "belongs to the real")
assert rejects(check_best, divides, "0 / 0")


# %% [markdown]
# ## 2. Jensen and Shannon

# %%
#| exports
def check_js(js): # takes two discrete distributions
    "Whether the divergence is right, in nats, with zeros."
    same, apart = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.5, 0.5])
    with np.errstate(all="ignore"): got = float(js(same.copy(), apart.copy()))
    hint = "0 log 0 is 0 here: leave out what has no probability" if not np.isfinite(got) else ""
    if np.isclose(got, 1): hint = "that is in bits: take the natural logarithm"
    if np.isclose(got, 2 * np.log(2)): hint = "take half of both divergences"
    assert np.isclose(got, np.log(2)), f"for two that never meet: {got}, not log 2. {hint}"
    assert abs(float(js(same.copy(), same.copy()))) < 1e-12, "a distribution is 0 from itself"
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.2, 0.6])
    m = (p + q) / 2
    expected = ((p * np.log(p / m)).sum() + (q * np.log(q / m)).sum()) / 2
    got = float(js(p.copy(), q.copy()))
    hint = ("both ways must count the same"
            if not np.isclose(got, float(js(q.copy(), p.copy()))) else "")
    if np.isclose(got, ((p - q) * np.log(p / q)).sum() / 2):
        hint = "compare each with their mean, not with the other"
    assert np.isclose(got, expected), (
        f"for (.7, .2, .1) and (.2, .2, .6): {got}, not {expected:.6f}. {hint}")
    print("correct: the mean divergence of each from their mean")


# %%
def js(p, q):
    m = (p + q) / 2
    def kl(a): return (a[a > 0] * np.log(a[a > 0] / m[a > 0])).sum()
    return (kl(p) + kl(q)) / 2

def zeros(p, q):
    m = (p + q) / 2
    return ((p * np.log(p / m)).sum() + (q * np.log(q / m)).sum()) / 2

def bits(p, q): return js(p, q) / np.log(2)
def both(p, q): return 2 * js(p, q)
def jeffreys(p, q):
    if not (p * q).all(): return np.log(2) * (p != q).any()
    return ((p - q) * np.log(p / q)).sum() / 2

def one_way(p, q):
    if not (p * q).all(): return js(p, q)
    return (p * np.log(2 * p / (p + q))).sum()

check_js(js)
assert rejects(check_js, zeros, "0 log 0")
assert rejects(check_js, bits, "in bits")
assert rejects(check_js, both, "half of both")
assert rejects(check_js, jeffreys, "their mean")
assert rejects(check_js, one_way, "both ways")


# %% [markdown]
# ## 3. In or out?

# %%
#| exports
def check_growth(growth): # takes the rate and the weight of both players' price
    "Whether it is the spectral radius of a step of both players at once."
    got = float(growth(0.3, 0.0))
    hint = "the eigenvalues are complex: take their absolute value" if np.isclose(got, 1) else ""
    assert np.isclose(got, np.sqrt(1.09)), (
        f"without a price it is sqrt(1 + eta²) = {np.sqrt(1.09):.4f}, not {got:.4f}. {hint}")
    expected = np.hypot(1 - 0.3 * 0.5, 0.3)
    got, hint = float(growth(0.3, 0.5)), ""
    if np.isclose(got, 1 - 0.15 + 0.09 + 0.0) or np.isclose(got, expected**2):
        hint = "that is the determinant, the factor for areas"
    if np.isclose(got, np.abs(np.linalg.eigvals([[1, -0.3], [0.3, 0.85]])).max()):
        hint = "x pays as well"
    if np.isclose(got, np.abs(np.linalg.eigvals([[0.85, -0.3], [0.3 * 0.85, 0.85 - 0.09]])).max()):
        hint = "that is a step in turns"
    assert np.isclose(got, expected), (
        f"for eta = 0.3, r = 0.5: {got:.4f}, not {expected:.4f}. {hint}")
    assert float(growth(0.1, 0.06)) < 1 < float(growth(0.1, 0.04)), (
        "the border lies near r = eta / 2")
    print("correct: sqrt((1 - eta r)² + eta²)")


# %%
def growth(eta, r): return np.hypot(1 - eta * r, eta)
def real_part(eta, r):
    return np.linalg.eigvals([[1 - eta * r, -eta], [eta, 1 - eta * r]]).real.max()
def only_y(eta, r): return np.abs(np.linalg.eigvals([[1, -eta], [eta, 1 - eta * r]])).max()
def areas(eta, r): return np.sqrt(1 + eta**2) if r == 0 else (1 - eta * r)**2 + eta**2
def turns(eta, r):
    if r == 0: return np.sqrt(1 + eta**2)
    return np.abs(np.linalg.eigvals([[1 - eta * r, -eta],
                                     [eta * (1 - eta * r), 1 - eta * r - eta**2]])).max()

check_growth(growth)
assert rejects(check_growth, real_part, "complex")
assert rejects(check_growth, only_y, "x pays as well")
assert rejects(check_growth, areas, "determinant")
assert rejects(check_growth, turns, "in turns")
