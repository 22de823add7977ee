# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: five questions
#
# > What accepts or rejects an answer to the exercises of Five questions to ten thousand samples
#
# - order: 66

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/metrics.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/metrics.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/metrics.ipynb) · [API](../about/api.ipynb#exercises-metrics)

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
# The exercises stand in [the lesson](../foundations/metrics.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.metrics

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. The kernel distance by hand

# %%
#| exports
def check_mmd(mmd): # takes two arrays [n, D] and a kernel: arrays [n, D], [m, D] -> [n, m]
    "Whether it is the unbiased estimate."
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 3)), rng.normal(0.5, 1, size=(6, 3))
    def kernel(a, b): return (a @ b.T / a.shape[1] + 1)**3
    kx, ky, kxy = kernel(x, x), kernel(y, y), kernel(x, y)
    def off(k): return k.sum() - np.trace(k)
    expected = (off(kx) + off(ky)) / 30 - 2 * kxy.mean()
    got, hint = float(mmd(x.copy(), y.copy(), kernel)), ""
    if np.isclose(got, kx.mean() + ky.mean() - 2 * kxy.mean()):
        hint = "an image compared with itself is no pair: leave the diagonal out"
    elif np.isclose(got, (off(kx) + off(ky)) / 36 - 2 * kxy.mean()):
        hint = "there are n (n - 1) pairs of different images"
    elif np.isclose(got, (off(kx) + off(ky)) / 30 - kxy.mean()):
        hint = "the mixed pairs count twice"
    elif np.isclose(got, np.sqrt(max(expected, 0))):
        hint = "no root: it is the squared distance that is unbiased"
    assert np.isclose(got, expected), f"{got:.5f}, not {expected:.5f}. {hint}"
    many = [float(mmd(*rng.normal(size=(2, 8, 2)), kernel)) for _ in range(400)]
    assert min(many) < 0 and abs(np.mean(many)) < 4 * np.std(many) / 20, (
        "for equal distributions it is 0 on average, so sometimes below")
    print("correct: right on average, for any number of samples")


# %%
def mmd(x, y, kernel, diagonal=False, pairs=lambda n: n * (n - 1), mixed=2):
    def within(k): return (k.sum() - (0 if diagonal else np.trace(k))) / pairs(len(k))
    return within(kernel(x, x)) + within(kernel(y, y)) - mixed * kernel(x, y).mean()

check_mmd(mmd)
assert rejects(check_mmd, lambda *a: mmd(*a, diagonal=True, pairs=lambda n: n**2), "no pair")
assert rejects(check_mmd, lambda *a: mmd(*a, pairs=lambda n: n**2), "different images")
assert rejects(check_mmd, lambda *a: mmd(*a, mixed=1), "count twice")
assert rejects(check_mmd, lambda *a: np.sqrt(max(mmd(*a), 0)), "no root")


# %% [markdown]
# ## 2. Recall

# %%
#| exports
def check_recall(recall): # takes real and generated features [N, D], [M, D] and k
    """Whether it is the share of real points that lie within the k-th nearest neighbour of some
    sample."""
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(40, 2)), rng.normal(1.5, 0.8, size=(30, 2))
    def share(balls, points, k):
        def far(a, b): return np.sqrt(((a[:, None] - b)**2).sum(-1))
        return float((far(points, balls) <= np.sort(far(balls, balls), axis=1)[:, k]).any(1).mean())
    expected, got, hint = share(fake, real, 3), float(recall(real.copy(), fake.copy(), 3)), ""
    if np.isclose(got, share(real, fake, 3)):
        hint = "that is precision: here the balls lie around samples"
    elif np.isclose(got, share(fake, real, 2)):
        hint = "a point is not its own neighbour: take the next one"
    elif np.isclose(got, share(real, real, 3)): hint = "that never looks at the samples"
    assert np.isclose(got, expected), f"{got:.3f}, not {expected:.3f}. {hint}"
    assert np.isclose(float(recall(real.copy(), fake.copy(), 1)), share(fake, real, 1)), (
        "another k, other balls")
    print("correct: balls around samples, real points in them")


# %%
def recall(real, fake, k):
    def far(a, b): return np.linalg.norm(a[:, None] - b, axis=-1)
    return (far(real, fake) <= np.sort(far(fake, fake), axis=1)[:, k]).any(1).mean()

check_recall(recall)
assert rejects(check_recall, lambda real, fake, k: recall(fake, real, k), "precision")
assert rejects(check_recall, lambda real, fake, k: recall(real, fake, k - 1), "own neighbour")
assert rejects(check_recall, lambda real, fake, k: recall(real, real, k), "never looks")
