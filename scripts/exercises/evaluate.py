# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: a number for the samples
#
# > What accepts or rejects an answer to the exercises of A number for the samples
#
# - order: 64

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/evaluate.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/evaluate.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/evaluate.ipynb) · [API](../about/api.ipynb#exercises-evaluate)

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
# The exercises stand in [the lesson](../foundations/evaluate.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.evaluate

# %%
#| exports
import numpy as np

from gan_course.evaluate import PixelFrechet, frechet_distance

# %%
from gan_course.evaluate import mean_and_cov, pixel_features, symmetric_sqrt

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. When the covariances are diagonal

# %%
#| exports
def check_diagonal(frechet_diagonal): # takes two means and two variances, arrays [D]
    "Whether the distance is that of the general formula."
    def ask(mu1, var1, mu2, var2):
        return frechet_diagonal(*(np.array(a, float) for a in (mu1, var1, mu2, var2)))
    got = ask([3, 4], [1, 1], [0, 0], [1, 1])
    hint = "the mean counts squared, |μ₁ − μ₂|² = 25" if np.isclose(got, 5) else ""
    if np.isclose(got, 12.5): hint = "add the dimensions up, do not average them"
    assert np.isclose(got, 25), f"means (3, 4) and (0, 0), equal variances: {got}, not 25. {hint}"
    got = ask([0], [4], [0], [9])
    hint = ""
    if np.isclose(got, 25): hint = "4 and 9 are variances: take their roots before subtracting"
    if np.isclose(got, 5): hint = "|4 − 9| is not (2 − 3)²"
    assert np.isclose(got, 1), f"variances 4 and 9: {got}, not 1. {hint}"
    assert np.isclose(ask([1, 2], [3, 0], [1, 2], [3, 0]), 0), "a Gaussian is 0 from itself"
    rng = np.random.default_rng(0)
    mu1, mu2 = rng.normal(size=(2, 6))
    var1, var2 = rng.uniform(0, 3, size=(2, 6))
    expected = frechet_distance(mu1, np.diag(var1), mu2, np.diag(var2))
    got = ask(mu1, var1, mu2, var2)
    assert np.isclose(got, expected), f"in six dimensions {got}, and the general formula {expected}"
    print("correct: in every direction (μ₁ − μ₂)² + (σ₁ − σ₂)²")


# %%
def good(mu1, var1, mu2, var2): return ((mu1 - mu2)**2 + (np.sqrt(var1) - np.sqrt(var2))**2).sum()
def no_roots(mu1, var1, mu2, var2): return ((mu1 - mu2)**2 + (var1 - var2)**2).sum()
def averaged(mu1, var1, mu2, var2): return good(mu1, var1, mu2, var2) / len(mu1)

def not_squared(mu1, var1, mu2, var2):
    return np.linalg.norm(mu1 - mu2) + ((np.sqrt(var1) - np.sqrt(var2))**2).sum()

check_diagonal(good)
assert rejects(check_diagonal, no_roots, "take their roots")
assert rejects(check_diagonal, averaged, "do not average")
assert rejects(check_diagonal, not_squared, "counts squared")


# %% [markdown]
# ## 2. The floor

# %%
#| exports
def check_floor(floor): # takes measure, real images, n and a seed; returns a number
    "Whether `n` different real images are drawn at random, from the seed, and measured."
    real = np.arange(600).reshape(600, 1, 1, 1)
    def drawn(n, seed):
        seen = []
        def measure(images):
            seen.append(np.ravel(images))
            return 42.5
        got = floor(measure, real, n, seed)
        assert len(seen) == 1, f"measure was called {len(seen)} times, not once"
        assert got == 42.5, f"return what measure returns, not {got!r}"
        return seen[0]
    first = drawn(200, 0)
    hint = "the floor depends on the number of images, so it must be the generator's"
    assert len(first) == 200, f"{len(first)} images were measured, not n = 200: {hint}"
    assert len(set(first)) == 200, "some images were drawn twice: draw without replacement"
    assert 250 < first.mean() < 350, (
        "the images come from one part of the data, which is sorted by class: draw at random")
    assert np.array_equal(first, drawn(200, 0)), "the same seed should draw the same images"
    assert not np.array_equal(np.sort(first), np.sort(drawn(200, 1))), "another seed, other images"
    print("correct: n different real images, drawn from the seed")


# %%
def floor(measure, real, n, seed):
    return measure(real[np.random.default_rng(seed).choice(len(real), size=n, replace=False)])

def everything(measure, real, n, seed): return measure(real)
def the_first(measure, real, n, seed): return measure(real[:n])
def twice(measure, real, n, seed):
    return measure(real[np.random.default_rng(seed).integers(len(real), size=n)])
def seedless(measure, real, n, seed):
    return measure(real[np.random.default_rng(0).permutation(len(real))[:n]])

check_floor(floor)
assert rejects(check_floor, everything, "must be the generator's")
assert rejects(check_floor, the_first, "sorted by class")
assert rejects(check_floor, twice, "without replacement")
assert rejects(check_floor, seedless, "another seed")


# %% [markdown]
# ## 3. Fool the number

# %%
#| exports
def check_fool(fool): # takes a reference, n and a seed; returns n images
    "Whether the images have a small distance without being made of real ones."
    rng = np.random.default_rng(0)
    y, x = np.indices((8, 8))
    at = rng.integers(2, 6, size=(2, 3000, 1, 1)) # a bright spot somewhere, on grey
    spots = np.exp(-((y - at[0])**2 + (x - at[1])**2) / 3)
    grey = np.rint(90 + 100 * spots + rng.normal(0, 3, spots.shape))
    reference = grey.astype(np.uint8)[..., None]
    measure = PixelFrechet(reference, components=16)
    images = np.asarray(fool(reference.copy(), 2000, 1))
    assert images.shape == (2000, 8, 8, 1), f"the shape is {images.shape}, not (2000, 8, 8, 1)"
    assert images.dtype == np.uint8, f"the images are {images.dtype}, not uint8"
    known = {image.tobytes() for image in reference}
    copies = sum(image.tobytes() in known for image in images)
    assert copies == 0, f"{copies} images are copies from the reference: draw new ones"
    distance, spread = measure.distance(images), float(np.trace(measure.cov))
    hint = ""
    if len({image.tobytes() for image in images}) < 1000:
        hint = "they are nearly all the same: mean and spread must both fit"
    elif distance > 0.3 * spread:
        hint = "the pixels must also go together as in the reference: use the whole covariance"
    limit = 0.05 * spread
    assert distance < limit, f"the distance is {distance:.3f}, not below {limit:.3f}. {hint}"
    new, old = images[:50].reshape(50, 1, -1).astype(float), reference.reshape(1, 3000, -1)
    # difference in greys to the nearest real one
    nearest = np.sqrt(((new - old)**2).mean(-1)).min(1)
    assert np.median(nearest) > 5, "real images, changed a little: draw from mean and covariance"
    assert not np.array_equal(images, fool(reference.copy(), 2000, 2)), "another seed, other images"
    print(f"correct: the distance is {distance:.3f}, and no image is made of real ones")


# %%
def fool(reference, n, seed):
    mu, cov = mean_and_cov([pixel_features(reference)])
    z = np.random.default_rng(seed).standard_normal((n, len(mu)))
    images = np.rint((mu + z @ symmetric_sqrt(cov) + 1) * 127.5)
    return np.clip(images, 0, 255).astype(np.uint8).reshape(n, *reference.shape[1:])

def copied(reference, n, seed): return reference[np.random.default_rng(seed).integers(3000, size=n)]
def mean_only(reference, n, seed):
    return np.repeat(reference.mean(0)[None].astype(np.uint8), n, axis=0)

def diagonal(reference, n, seed):
    z = np.random.default_rng(seed).standard_normal((n, *reference.shape[1:]))
    return np.clip(reference.mean(0) + z * reference.std(0), 0, 255).astype(np.uint8)

def nudged(reference, n, seed): return copied(reference, n, seed) + np.uint8(1)

check_fool(fool)
assert rejects(check_fool, copied, "are copies")
assert rejects(check_fool, mean_only, "nearly all the same")
assert rejects(check_fool, diagonal, "whole covariance")
assert rejects(check_fool, nudged, "changed a little")
