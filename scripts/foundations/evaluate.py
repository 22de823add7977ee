# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A number for the samples
#
# > The Fréchet distance between two sets of images, what it sees, and what it cannot see
#
# - order: 8

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/evaluate.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/evaluate.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/evaluate.ipynb) · [API](../about/api.ipynb#foundations-evaluate)

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
# **You will be able to** turn *these samples look better* into a number, derive that number for two Gaussians, and say
# which faults of a generator it sees and which it is blind to.
#
# **You need** the lessons [Data sets](datasets.ipynb) and [Figures that tell the truth](figures.ipynb), and
# what a mean, a covariance and an eigenvector are. **It takes** half an hour to read and one minute to run.
#
# **What this is not.** The number of this lesson looks at *pixels*. The one in papers, the [Fréchet Inception distance](../about/glossary.ipynb#gl-fid),
# looks at [features](../about/glossary.ipynb#gl-features) that a large classifier has learnt; the [next lesson](features.ipynb) takes a small classifier instead.
# The [pixel distance](../about/glossary.ipynb#gl-pixel-frechet) is a stop-gap: cheap, without anything to download, good for noticing that a run has gone wrong, and
# not good enough to say which of two good runs is better. The lesson shows why.

# %%
#| default_exp evaluate

# %%
#| exports
import numpy as np

from gan_course.basics import CourseError

# %%
import matplotlib.pyplot as plt

from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.figures import image_grid, use_course_style

# %% [markdown]
# ## Two numbers that can be cheated
#
# A [generator](../about/glossary.ipynb#gl-generator) should make images *like* the real ones; not these very images, but images of the same distribution. The
# training set is our sample of it. The test set is another one, so it plays the perfect generator: whatever number we
# invent should be small for it.

# %%
train = load_dataset("auto", "train", limit=budget(full=None, fast=4000))
test = load_dataset("auto", "test", limit=budget(full=None, fast=2000))
train.images.shape, test.images.shape


# %% [markdown]
# First, the images become rows of numbers, in the [-1, 1] of the lesson on data.

# %%
#| exports
def pixel_features(images, # uint8, or float in [-1, 1]; [N, H, W, C]
    ) -> np.ndarray:       # float64 [N, H·W·C] in [-1, 1]
    "Every image as one row of pixel values; `CourseError` for values that are not finite."
    x = np.asarray(images)
    if x.ndim != 4: raise ValueError(f"images must be [N, H, W, C], not {list(x.shape)}")
    if x.dtype == np.uint8: return x.reshape(len(x), -1) / 127.5 - 1
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"images must be uint8, or float in [-1, 1], not {x.dtype}")
    if not np.isfinite(x).all():
        raise CourseError("the images hold values that are not finite: training has diverged; "
                          "go back to the last good checkpoint and lower the learning rate")
    if x.size and np.abs(x).max() > 1.01:
        raise ValueError("float images must lie in [-1, 1], these reach from "
                         f"{x.min():.3g} to {x.max():.3g}")
    return x.reshape(len(x), -1).astype(np.float64)


# %%
x = pixel_features(train.images)
x.shape, x.min(), x.max()

# %%
assert x.shape == (len(train), 784) and x.min() == -1 and x.max() == 1
assert np.allclose(pixel_features((train.images[:9] / 127.5 - 1).astype(np.float32)), x[:9])
try: pixel_features(np.full((2, 28, 28, 1), np.nan))
except CourseError as error: assert "diverged" in str(error)
else: raise AssertionError("an image of NaN was accepted")


# %% [markdown]
# The simplest number: how far apart are the two *mean images*, as squared distance? The second adds how much each pixel
# varies about its mean.

# %%
def of_means(a, b): return ((a.mean(0) - b.mean(0))**2).sum()
def of_spreads(a, b): return of_means(a, b) + ((a.std(0) - b.std(0))**2).sum()


# %% [markdown]
# Two generators apply for the job. The first draws the mean image of the training set, always. The second takes every
# pixel from *some* training image, each pixel from another. **Predict:** what will the two numbers say to them?

# %%
rng = np.random.default_rng(0)
n = len(test)
always_mean = np.repeat(np.rint(train.images.mean(0))[None], n, axis=0).astype(np.uint8)
of_which = rng.integers(len(train), size=(n, 784)) # for each pixel of each image
mixed_up = train.images.reshape(-1, 784)[of_which, np.arange(784)].reshape(n, 28, 28, 1)
candidates = {"test set": test.images, "always the mean": always_mean, "mixed up": mixed_up}

for name, images in candidates.items():
    y = pixel_features(images)
    print(f"{name:16} of means {of_means(x, y):7.3f}   of spreads {of_spreads(x, y):8.3f}")

# %%
assert of_means(x, pixel_features(always_mean)) < of_means(x, pixel_features(test.images))
assert of_spreads(x, pixel_features(mixed_up)) < 2 * of_spreads(x, pixel_features(test.images))
assert of_spreads(x, pixel_features(always_mean)) > 10, "the spread sees that all are the same"

# %%
#| label: fig-cheats
#| fig-cap: "Six images of each: the test set, the generator of the mean, the generator that mixes pixels up."
#| fig-alt: "First row: six garments. Second row: six times the same grey blur that resembles a pullover. Third row: six noisy clouds in the shape of that blur."
image_grid(np.concatenate([test.images[:6], always_mean[:6], mixed_up[:6]]), columns=6,
           caption=f"{test.name}, test images 0 to 5; always the mean; mixed up")


# %% [markdown]
# The first number prefers a grey blur to real clothes. The second sees through it, but takes noise for clothes, because
# in the noise each pixel *by itself* is right. What is wrong is how pixels go together: in a garment, a pixel is much
# like its neighbour. How two pixels go together is their covariance, so the next number must compare covariances.
#
# ## The distance between two Gaussians
#
# A mean and a covariance describe a Gaussian. How far is one Gaussian from another? Think of the first as a heap of sand
# that is to be moved to where the second is. Moving a grain costs the square of the way, and the *[Fréchet distance](../about/glossary.ipynb#gl-frechet)* (also
# called [Wasserstein](../about/glossary.ipynb#gl-wasserstein)-2) is the cost of the cheapest plan, on average over the grains.
#
# In one dimension the cheapest plan keeps the grains in order: the leftmost becomes the leftmost. Between Gaussians this
# is a straight line, $x \mapsto \mu_2 + \frac{\sigma_2}{\sigma_1}(x - \mu_1)$, and the mean of the squared way is
#
# $$d^2 = (\mu_1 - \mu_2)^2 + (\sigma_1 - \sigma_2)^2 .$$
#
# That can be tried out. We draw grains from both, put each heap in order, and average the squared ways:

# %%
def heap(mu, sigma): return np.sort(mu + sigma * np.random.default_rng(1).standard_normal(100_000))

moved = ((heap(1.0, 2.0) - heap(4.0, 0.5))**2).mean()
shuffled = ((rng.permutation(heap(1.0, 2.0)) - heap(4.0, 0.5))**2).mean()
print(f"in order {moved:.2f}, in any order {shuffled:.2f}, formula {(1 - 4)**2 + (2 - 0.5)**2:.2f}")

# %%
assert abs(moved - 11.25) < 0.1 and shuffled > moved + 1


# %% [markdown]
# In $D$ dimensions the standard deviations become covariances $C_1$ and $C_2$. Write the square out,
# $(\sigma_1-\sigma_2)^2 = \sigma_1^2 + \sigma_2^2 - 2\sqrt{\sigma_1^2\sigma_2^2}$, and put matrices in the place of the
# variances; a trace adds up the dimensions:
#
# $$d^2 = \lVert\mu_1 - \mu_2\rVert^2 + \operatorname{Tr}\left(C_1 + C_2 - 2\,(C_1 C_2)^{1/2}\right) .$$
#
# This is the result of Dowson and Landau [-@dowson1982frechet], and equation 6 of Heusel et al. [-@heusel2017fid], who call $d^2$ on the features
# of the Inception network *FID*. Where the two covariances share their axes, it is the sum of the one-dimensional
# distances along them.
#
# Only the square root of a matrix needs care. $C_1C_2$ is not symmetric, general routines for such roots return complex
# numbers where covariances are singular, and so is every covariance from fewer images than pixels. Here is the naive
# way, through the eigenvalues of the product, for 100 images and *themselves*, where the answer is zero:

# %%
def naive(mu1, cov1, mu2, cov2):
    overlap = np.sqrt(np.linalg.eigvals(cov1 @ cov2).astype(complex)).sum()
    return ((mu1 - mu2)**2).sum() + np.trace(cov1 + cov2) - 2 * overlap

mu, cov = x.mean(0), np.cov(x.T)
singular = np.cov(x[:100].T)
naive(mu, singular, mu, singular)


# %% [markdown]
# A squared distance below zero, with an imaginary part. An eigenvalue that should be 0 and comes out as $\pm 10^{-14}$ has
# a root of $10^{-7}$, real or imaginary; there are hundreds of them. The remedy: take roots only of *symmetric* matrices, before multiplying. With
# $S_1 = C_1^{1/2}$ and $S_2 = C_2^{1/2}$, the eigenvalues of $C_1C_2$ are those of $S_1C_2S_1 = (S_1S_2)(S_1S_2)^\top$,
# and their square roots are the singular values of $S_1S_2$, which a routine gives us directly.

# %%
#| exports
def symmetric_sqrt(cov, # [D, D], symmetric; eigenvalues below zero count as zero
    ) -> np.ndarray:    # [D, D], symmetric: its square is `cov`
    "The square root of a covariance: the same axes, the square root of each spread."
    values, axes = np.linalg.eigh(cov)
    return (axes * np.sqrt(np.clip(values, 0, None))) @ axes.T


# %%
root = symmetric_sqrt(cov)
float(np.abs(root @ root - cov).max())

# %%
assert np.allclose(root @ root, cov) and np.allclose(root, root.T)
assert np.allclose(symmetric_sqrt(np.diag([4.0, 9.0, 0.0])), np.diag([2, 3, 0]))


# %%
#| exports
def frechet_distance(mu1,  # mean of the first Gaussian, [D]
                     cov1, # its covariance, [D, D]
                     mu2,  # mean of the second, [D]
                     cov2, # its covariance, [D, D]
    ) -> float:            # squared distance, 0 or more
    "|μ₁ − μ₂|² + Tr(C₁ + C₂ − 2 (C₁C₂)^½) (Dowson, Landau 1982; Heusel et al. 2017, eq. 6)."
    mu1, cov1, mu2, cov2 = (np.asarray(a, np.float64) for a in (mu1, cov1, mu2, cov2))
    d = len(mu1) if mu1.ndim == 1 else -1
    if mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        shapes = ", ".join(str(list(a.shape)) for a in (mu1, cov1, mu2, cov2))
        raise ValueError(f"the shapes must be [D], [D, D], [D], [D, D], not {shapes}")
    if not all(np.isfinite(a).all() for a in (mu1, cov1, mu2, cov2)):
        raise ValueError("a mean or a covariance holds values that are not finite")
    for cov in (cov1, cov2):
        if np.abs(cov - cov.T).max(initial=0) > 1e-8 * max(1, np.abs(cov).max(initial=0)):
            raise ValueError("a covariance is symmetric, and this one is not")
    # Tr (C₁C₂)^½ is the sum of the singular values of C₁^½ C₂^½
    overlap = np.linalg.svd(symmetric_sqrt(cov1) @ symmetric_sqrt(cov2), compute_uv=False).sum()
    squared = ((mu1 - mu2)**2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * overlap
    return max(0.0, float(squared))


# %%
frechet_distance(mu, cov, mu, cov), frechet_distance([1.0], [[4.0]], [4.0], [[0.25]])

# %%
assert frechet_distance(mu, cov, mu, cov) < 1e-9, "to itself"
assert 0 <= frechet_distance(mu, singular, mu, singular) < 1e-9, "where the naive way fails"
assert abs(frechet_distance([1.0], [[4.0]], [4.0], [[0.25]]) - 11.25) < 1e-12, "the heaps of sand"
a, b = (m @ m.T for m in rng.normal(size=(2, 5, 5)))
m1, m2 = rng.normal(size=(2, 5))
assert np.isclose(frechet_distance(m1, a, m2, b), naive(m1, a, m2, b).real), "the textbook formula"
assert np.isclose(frechet_distance(m1, a, m2, b), frechet_distance(m2, b, m1, a)), "symmetric"
turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
assert np.isclose(frechet_distance(turn @ m1, turn @ a @ turn.T, turn @ m2, turn @ b @ turn.T),
                  frechet_distance(m1, a, m2, b)), "turning space changes nothing"


# %% [markdown]
# ## Fewer directions
#
# 60,000 images as float64 are 376 MB, and `np.cov` makes copies. Mean and covariance are sums, so they can be gathered
# block by block. (Gathering the sums of $x$ and $xx^\top$ and subtracting at the end loses digits; moving the mean
# along with each block does not.)

# %%
#| exports
def mean_and_cov(blocks, # arrays [n, D], one after the other: never all rows at once
    ) -> tuple:          # mean [D] and covariance [D, D] of all rows, as np.cov gives it
    "Mean and covariance of many rows, block by block (Chan, Golub and LeVeque 1983)."
    count, mean, scatter = 0, 0.0, 0.0
    for x in blocks:
        total, shift = count + len(x), x.mean(0) - mean
        centred = x - x.mean(0)
        scatter = scatter + centred.T @ centred + np.outer(shift, shift) * count * len(x) / total
        count, mean = total, mean + shift * len(x) / total
    return mean, scatter / (count - 1)


# %%
blocks = np.array_split(x, 7)
assert all(np.allclose(ours, numpys) for ours, numpys in zip(mean_and_cov(blocks), (mu, cov)))
far = 1e6 + rng.normal(size=(1000, 2)) # the case that loses digits in the short way
assert np.allclose(mean_and_cov(np.array_split(far, 9))[1], np.cov(far.T), rtol=1e-6)

# %% [markdown]
# A covariance of 784 pixels has 307,720 different entries, and to estimate them from a few thousand samples is asking
# much. But most directions of pixel space hardly occur in pictures of clothes. The eigenvectors of the covariance with
# the largest eigenvalues, the *[principal components](../about/glossary.ipynb#gl-principal-components)*, are the directions in which real images differ most. **Predict:**
# how many of 784 does it take for 90 % of the variance?

# %%
values, axes = np.linalg.eigh(cov)
share = np.cumsum(values[::-1]) / values.sum()
{k: round(float(share[k - 1]), 3) for k in [1, 4, 16, 64, 256]}, int(np.argmax(share >= 0.9)) + 1


# %%
def to_images(rows): # the way back: rows of pixels in [-1, 1] as uint8 images
    return np.clip(np.rint((rows + 1) * 127.5), 0, 255).astype(np.uint8).reshape(-1, 28, 28, 1)

assert np.array_equal(to_images(x[:9]), train.images[:9])

# %%
#| label: fig-components
#| fig-cap: "Eight test images, and what is left of them in 4, 16 and 64 principal components."
#| fig-alt: "Four rows of eight garments: the first sharp; with 4 components only a rough shape; with 16 blurred garments; with 64 all garments are easy to recognise, but prints and seams are gone."
rows = [test.images[:8]]
for k in [4, 16, 64]:
    basis = axes[:, ::-1][:, :k]
    back = mu + (pixel_features(test.images[:8]) - mu) @ basis @ basis.T
    rows.append(to_images(back))
image_grid(np.concatenate(rows), columns=8,
           caption=f"{test.name}, test images 0 to 7; below in 4, 16 and 64 components")


# %% [markdown]
# We take 64: the kind of garment is there, its texture is not. Remember this when we come to what the number misses. The
# components are those of the reference and stay fixed, so that all runs are measured in the same coordinates.
#
# Large pictures have many more pixels, and what is coarse enough for 64 components can be seen in a small copy. So where
# there are more than 1,024 values in an image, blocks of 2 × 2, 4 × 4 ... pixels are averaged first.

# %%
#| exports
def shrunk(images, most=1024): # uint8, or float in [-1, 1]; values per image
    """Float images [N, h, w, C] in [-1, 1] whose pixels are means of square blocks: as large as
    `most` values allow."""
    n, h, w, c = np.shape(images)
    block = 1
    while h * w * c > most * block**2:
        block *= 2
        if h % block or w % block:
            raise CourseError(f"images of {h * w * c} values each are too large for the pixel "
                              f"distance, and {h}×{w} cannot be "
                              "halved; shrink them first")
    x = pixel_features(images)
    return x.reshape(n, h // block, block, w // block, block, c).mean((2, 4))


# %%
# NBVAL_CHECK_OUTPUT
for shape in [(28, 28, 1), (32, 32, 3), (64, 64, 3), (128, 128, 3)]:
    print(shape, "->", shrunk(np.zeros((1, *shape)))[0].shape)

# %%
assert np.allclose(shrunk(np.arange(64 * 64 * 3).reshape(1, 64, 64, 3) / 6144 - 1).mean(),
                   -1 / 12288), "the mean stays as it is"


# %%
#| exports
class PixelFrechet:
    "The Fréchet distance to fixed images, in the first principal components of their pixels."
    def __init__(self,
                 images,        # the reference: uint8 [N, H, W, C], more images than components
                 components=64, # how many directions of the pixels are compared
                ):
        self.shape, self.components = np.shape(images)[1:], components
        size = shrunk(np.zeros((1, *self.shape), np.uint8)).size
        if not 1 <= components <= size:
            raise ValueError(f"components is {components}, and the images have {size} values each")
        self._enough(images)
        self.pixel_mean, cov = mean_and_cov(shrunk(block).reshape(len(block), -1)
                                            for block in _blocks(images))
        values, axes = np.linalg.eigh(cov)  # ascending
        self.basis = axes[:, ::-1][:, :components]  # [values, components], largest spread first
        self.explained = float(values[::-1][:components].sum() / max(values.sum(), 1e-300))
        self.mu, self.cov = np.zeros(components), self.basis.T @ cov @ self.basis

    def _enough(self, images):
        if len(images) <= self.components:
            raise CourseError(f"{len(images)} images are too few to compare {self.components} "
                              f"components; give {self.components + 1} or more, better thousands")

    def project(self, images): # as for `distance`
        "The images' coordinates in the basis, float64 [N, components]."
        if np.shape(images)[1:] != self.shape:
            raise ValueError(f"the reference has images of shape {list(self.shape)}, "
                             f"these are {list(np.shape(images)[1:])}")
        return (shrunk(images).reshape(len(images), -1) - self.pixel_mean) @ self.basis

    def distance(self, images): # uint8, or float in [-1, 1]; [N, H, W, C], shape as the reference
        "Squared Fréchet distance to the reference, 0 or more; it shrinks as N grows."
        self._enough(images)
        mu, cov = mean_and_cov(self.project(block) for block in _blocks(images))
        return frechet_distance(self.mu, self.cov, mu, cov)

def _blocks(images, size=4096):
    for i in range(0, len(images), size): yield images[i:i + size]


# %%
frechet = PixelFrechet(train.images)
print(f"64 components hold {frechet.explained:.1%} of the variance")
print(f"training set to itself  {frechet.distance(train.images):.6f}")
print(f"test set                {frechet.distance(test.images):.3f}")
print(f"always the mean         {frechet.distance(always_mean):.3f}")
print(f"mixed up                {frechet.distance(mixed_up):.3f}")

# %%
real = frechet.distance(test.images)
assert frechet.distance(train.images) < 1e-9
assert frechet.distance(always_mean) > 20 * real and frechet.distance(mixed_up) > 20 * real
assert np.isclose(frechet.explained, share[63])
for wrong, hint in [(test.images[:64], "too few"), (np.zeros((99, 32, 32, 1), np.uint8), "shape")]:
    try: frechet.distance(wrong)
    except (CourseError, ValueError) as error: assert hint in str(error)
    else: raise AssertionError("an answer was given where there is none")


# %% [markdown]
# Both cheats are far off now. The second line, the distance of the *test set*, is the one to compare with: no generator
# needs to be better than that.
#
# ## What it sees
#
# We damage the test set in ways that generators damage images. **Predict** the order before you look: which of these
# does the number find worst, which hardly matter?
#
# - *blur*: each pixel the mean of itself and its eight neighbours;
# - *grey*: a fifth of the contrast is lost;
# - *shifted*: two pixels to the right;
# - *five kinds*: trousers, bags and three kinds of shoes are never made (a strong *[mode drop](../about/glossary.ipynb#gl-mode-coverage)*);
# - *no trousers*: one kind of ten is never made (a mild one).

# %%
def blurred(images):
    wide = np.pad(images.astype(float), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    total = sum(wide[:, i:i + 28, j:j + 28] for i in range(3) for j in range(3))
    return np.rint(total / 9).astype(np.uint8)

few = test.images[np.isin(test.labels, [0, 2, 3, 4, 6])] # the five kinds worn above the waist
damaged = {
    "test set": test.images,
    "blur": blurred(test.images),
    "grey": (128 + 0.8 * (test.images.astype(float) - 128)).astype(np.uint8),
    "shifted": np.roll(test.images, 2, axis=2),
    "five kinds": few,
    "no trousers": test.images[test.labels != 1]}
seen = {name: frechet.distance(images) for name, images in damaged.items()}
for name, value in sorted(seen.items(), key=lambda item: item[1]): print(f"{name:12} {value:8.2f}")

# %%
assert all(value > 1.5 * real for name, value in seen.items() if name != "test set")
assert seen["five kinds"] > seen["no trousers"], "the more is missing, the farther"
assert seen["shifted"] > 2 * seen["blur"], "the order of pixels, not of eyes"

# %%
#| label: fig-damaged
#| fig-cap: "Six images of the test set and of each damaged copy."
#| fig-alt: "Six rows of six garments: untouched, blurred, with less contrast, shifted to the right, only shirts and dresses and coats, and everything but trousers."
image_grid(np.concatenate([images[:6] for images in damaged.values()]), columns=6,
           caption=f"{test.name}, from above: " + ", ".join(damaged))


# %% [markdown]
# All of them are seen. But the order is that of pixels and not of eyes. A shift that hardly anyone would notice changes
# many pixels in the same way, and counts almost as much as the loss of half of all kinds. A blur, which any eye rejects at
# once, changes mostly fine details, and the large components hold few of those: it counts for less than a little contrast.
#
# ## What it misses
#
# Now the other way round: images that are plainly wrong, and a distance close to the test set's. Three candidates.
#
# - *[checkerboard](../about/glossary.ipynb#gl-checkerboard)*: the artefact of [Figures that tell the truth](figures.ipynb), on all pixels that are neither very dark nor very light;
# - *copies*: training images, learnt [by heart](../about/glossary.ipynb#gl-memorising);
# - *ghosts*: draws from the Gaussian with the mean and the covariance of the training set.
#
# The ghosts need a little help. Values below black and above white are cut off, which changes mean and covariance; so
# ten times over we move all images together until they fit again, and cut off again. A generator trained *against this
# number* would do just that.

# %%
def fitted(images):
    """All images moved, within the 64 components, so that their mean and covariance are the
    reference's."""
    y = frechet.project(images)
    mean, spread = mean_and_cov([y])
    moved = (y - mean) @ np.linalg.inv(symmetric_sqrt(spread)) @ symmetric_sqrt(frechet.cov)
    return to_images(pixel_features(images) + (moved - y) @ frechet.basis.T)

ghosts = to_images(mu + rng.standard_normal((n, 784)) @ symmetric_sqrt(cov))
for _ in range(10): ghosts = fitted(ghosts)

# %% [markdown]
# **Predict:** which of the three does the number take for real?

# %%
checker = (np.indices((28, 28)).sum(0) % 2 * 2 - 1)[None, :, :, None]
room = (test.images >= 30) & (test.images <= 225)
missed = {
    "test set": test.images,
    "checkerboard": (test.images + 30 * checker * room).astype(np.uint8),
    "copies": train.images[rng.integers(len(train), size=n)],
    "ghosts": ghosts}
unseen = {name: frechet.distance(images) for name, images in missed.items()}
for name, value in unseen.items(): print(f"{name:14} {value:8.3f}")

# %%
#| label: fig-missed
#| fig-cap: "Eight images each: the test set, with a checkerboard, copies of training images, draws from the Gaussian."
#| fig-alt: "Four rows of eight. Garments; the same garments under a fine checkerboard; other garments; and grey clouds in the outline of a garment, streaked and torn, of no kind at all."
image_grid(np.concatenate([images[:8] for images in missed.values()]), columns=8,
           caption=f"{test.name}, from above: " + ", ".join(missed))

# %% [markdown]
# All three. The checkerboard changes the distance by next to nothing, because the 64 components hold no such fine
# pattern. Copies do as well as new images, since nothing in the number asks whether an image is new. And the bottom row,
# which holds no garment at all, comes out *better than the real test set*. That is no mistake in the code: a mean and a
# covariance are all that the number knows about images. That garments come in ten kinds with nothing in between cannot
# be said in a mean and a covariance of pixels.
#
# Learned features help with ghosts and patterns, since in the features of a classifier a ghost is no garment. They do
# not help with copies: FID too is best for a generator that has learnt its training set by heart.

# %%
assert unseen["copies"] < 1.5 * real, "learning by heart is rewarded"
assert unseen["ghosts"] < real, "what no eye accepts is taken for better than real"
assert unseen["checkerboard"] < 1.2 * real, "a fine pattern is not in the components"

# %% [markdown]
# ## How many samples?
#
# Last, the trap that makes tables in papers wrong. We measure the test set again, using fewer of its images. They are
# real, all of them. **Predict:** what does the distance do as there are fewer, stay the same on average, or not?

# %%
counts = [c for c in [100, 200, 500, 1000, 2000, 5000, 10_000] if c <= len(test)]
order = rng.permutation(len(test))
by_count = [np.mean([frechet.distance(test.images[order[i * c:(i + 1) * c]])
                     for i in range(min(5, len(test) // c))]) for c in counts]
print("  ".join(f"{c}: {d:.2f}" for c, d in zip(counts, by_count)))

# %%
assert by_count[0] > 4 * by_count[-1], "few samples look bad, however real they are"

# %%
#| label: fig-count
#| fig-cap: "The distance of real images to real images, by how many of them are measured; both axes logarithmic."
#| fig-alt: "A line with markers falls steadily from above 10 at 100 images to well below 1 at the largest number of images."
use_course_style()
fig, ax = plt.subplots(figsize=(5, 2.8))
ax.loglog(counts, by_count, marker="o")
ax.set(xlabel="images measured", ylabel="pixel Fréchet distance", title=f"{test.name}, test images")
plt.show()

# %% [markdown]
# A covariance from few samples is too uneven: too wide in some directions, too narrow in others, and each error adds to
# the distance whichever way it goes. So the distance is *[biased](../about/glossary.ipynb#gl-bias)*, upwards, by about $c/N$: ten times as many images, a
# tenth of the bias. Two values can be compared if they come from the same reference, the same number of samples and the
# same components, and not otherwise. When you read that one method has a better FID than another, look for the number of
# samples first.
#
# ## Exercises
#
# Each check accepts your answer or names the likely mistake. Write your own cell before you unfold the solution.

# %%
from gan_course.exercises.evaluate import check_diagonal, check_floor, check_fool


# %% [markdown]
# ### 1. When the covariances are diagonal
#
# Write `frechet_diagonal(mu1, var1, mu2, var2)` for Gaussians whose dimensions are independent: means and *variances* are
# arrays [D]. No matrix is needed.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def frechet_diagonal(mu1, var1, mu2, var2):
    return ((mu1 - mu2)**2).sum() + ((np.sqrt(var1) - np.sqrt(var2))**2).sum()

check_diagonal(frechet_diagonal)


# %% [markdown]
# ### 2. The floor
#
# A generator was measured with `n` samples. What would real images have got? Write `floor(measure, real, n, seed)`: it
# draws `n` different images of `real` at random, with `seed`, and returns `measure` of them. Mind that data sets are
# often sorted by class.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def floor(measure, real, n, seed):
    chosen = np.random.default_rng(seed).choice(len(real), size=n, replace=False)
    return measure(real[chosen])

check_floor(floor)


# %% [markdown]
# ### 3. Fool the number
#
# Write `fool(reference, n, seed)`: it returns `n` images, `uint8`, of the shape of those in `reference`, with a small
# distance to it, and none of them, nor any part of one, taken from an image of `reference`. You have seen how.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def fool(reference, n, seed):
    mu, cov = mean_and_cov([pixel_features(reference)])
    z = np.random.default_rng(seed).standard_normal((n, len(mu)))
    images = np.rint((mu + z @ symmetric_sqrt(cov) + 1) * 127.5)
    return np.clip(images, 0, 255).astype(np.uint8).reshape(n, *reference.shape[1:])

check_fool(fool)

# %% [markdown]
# ## What to remember
#
# - $d^2 = \lVert\mu_1-\mu_2\rVert^2 + \operatorname{Tr}(C_1 + C_2 - 2(C_1C_2)^{1/2})$: the cost of moving one Gaussian
#   onto the other. Zero means equal means and covariances, and nothing more.
# - It sees missing kinds, blur and wrong greys. It misses whatever a Gaussian of the chosen features cannot express; in
#   pixels that is most of what makes an image good.
# - Compare only with the same reference, the same features and the same number of samples, and print the distance of
#   real images beside it.
# - This number is a stop-gap. Look at the grid too, always.
#
# **What goes wrong in practice, and how to see it.** The distance falls while the samples get worse: the network matches
# greys and loses shapes; look at the grid. It is suddenly several times larger than in a colleague's table: another
# number of samples, or floats in [0, 1] against [-1, 1]. It is tiny after one [epoch](../about/glossary.ipynb#gl-epoch): real images were measured by
# mistake, or the reference was fitted to the samples. It is complex or negative: somebody takes the root of $C_1C_2$ with
# a general routine and a nearly singular covariance.
#
# **References.** D. C. Dowson and B. V. Landau [-@dowson1982frechet], *The Fréchet distance between multivariate normal distributions*,
# Journal of Multivariate Analysis 12. M. Heusel et al. [-@heusel2017fid], *GANs trained by a two time-scale update rule converge to
# a local Nash equilibrium*, NeurIPS, equation 6. M. J. Chong and D. Forsyth [-@chong2020unbiased], *Effectively unbiased FID and
# Inception score and where to find them*, CVPR, on the bias. T. F. Chan, G. H. Golub and R. J. LeVeque [-@chan1983variance], *Algorithms for computing the sample variance*, The American Statistician 37.
