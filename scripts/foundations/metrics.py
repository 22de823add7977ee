# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Five questions to ten thousand samples
#
# > Fréchet and kernel distance, precision and recall, density and coverage, classes, copies: what each sees, with a floor and an interval
#
# - order: 10

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/metrics.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/metrics.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/metrics.ipynb) · [API](../about/api.ipynb#foundations-metrics)

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
# **You will be able to** ask five questions about a generator's samples, put a floor and an interval beside each answer, and say
# which fault each number sees and which it does not.
#
# **You need** [A number for the samples](evaluate.ipynb) and [A judge for the features](features.ipynb). **It takes** an hour to
# read and three minutes to run.

# %%
#| default_exp metrics

# %%
#| exports
import zipfile
from contextlib import suppress
from functools import cached_property

import numpy as np

from gan_course.basics import CourseError
from gan_course.evaluate import frechet_distance, mean_and_cov
from gan_course.figures import CourseFigure, tile_images
from gan_course.runs import atomic_path

# %%
import time

from matplotlib.patches import Circle

from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.features import judge_of
from gan_course.figures import dark, image_grid, light, use_course_style

# %%
use_course_style()
train, test = (load_dataset("auto", split, limit=budget(full=None, fast=1500))
               for split in ("train", "test"))
judge = judge_of(train.name)
begin = time.perf_counter()
x, of_test = judge(train.images)[0], judge(test.images)
print(f"{len(train) + len(test):,} images in {time.perf_counter() - begin:.0f} s; the judge is "
      f"right on {(of_test[1].argmax(1) == test.labels).mean():.1%} of the test images")


# %% [markdown]
# ## 1. Are they like real images, on the whole?
#
# The [Fréchet distance](../about/glossary.ipynb#gl-frechet), now of [the judge's](../about/glossary.ipynb#gl-judge) [features](../about/glossary.ipynb#gl-features). You have derived it; nothing is new but what it looks at. The test
# set gives the [floor](../about/glossary.ipynb#gl-floor). The *[interval](../about/glossary.ipynb#gl-interval)* says how much the number would vary with other samples of the same [generator](../about/glossary.ipynb#gl-generator). Draw as
# many of the samples with replacement, again and again, and take the deviation of the results. Their *mean* is no use
# here: a resample holds fewer different images, and the distance grows as there are fewer. So the deviation goes round the
# number itself.

# %%
#| exports
def checked(features, least=2): # [N, D]
    "The features as float64. `CourseError` for values that are not finite and for too few samples."
    x = np.asarray(features, np.float64)
    if x.ndim != 2: raise ValueError(f"features must be [N, D], not {list(x.shape)}")
    if len(x) < least:
        raise CourseError(f"{len(x)} samples are too few here; give {least} or "
                          "more, better thousands")
    if not np.isfinite(x).all():
        raise CourseError("the features hold values that are not finite: the samples are broken")
    return x

def frechet(real, # features [N, D], or their mean and covariance
            fake, # features [M, D]
            resamples=0, seed=0):
    """The Fréchet distance of two sets of features (Heusel et al. 2017, eq. 6), and the deviation
    of it over resamples."""
    reference = real if isinstance(real, tuple) else mean_and_cov([checked(real)])
    y, rng = checked(fake), np.random.default_rng(seed)
    value = frechet_distance(*reference, *mean_and_cov([y]))
    again = [frechet_distance(*reference, *mean_and_cov([y[rng.integers(len(y), size=len(y))]]))
             for _ in range(resamples)]
    return value, float(np.std(again)) if resamples else float("nan")


# %%
reference = mean_and_cov([checked(x)])
floor = frechet(reference, of_test[0], resamples=20)
print(f"test set: {floor[0]:.3f} ± {1.96 * floor[1]:.3f}")

# %% [markdown]
# Is the deviation right? Halves of the test set are independent draws. Their distances should differ by no more than what the
# resamples of one half say; those say too much rather than too little, since each also draws some images twice:

# %%
rng = np.random.default_rng(0)
halves = [np.array_split(rng.permutation(len(test)), 2) for _ in range(budget(full=10, fast=3))]
apart = np.std([frechet(reference, of_test[0][a])[0] - frechet(reference, of_test[0][b])[0]
                for a, b in halves]) / np.sqrt(2)
said = frechet(reference, of_test[0][halves[0][0]], resamples=20)[1]
print(f"deviation between halves {apart:.3f}, from resamples of one half {said:.3f}")
if budget(full=True, fast=False): assert 0.3 < said / apart < 3


# %% [markdown]
# ## 2. The same without a bias?
#
# The Fréchet distance of few samples is too large, however real they are. The *[kernel distance](../about/glossary.ipynb#gl-kernel-distance)* is not. Take a kernel
# $k(x, y)$, a number for how alike two images are. The distance is: how alike are two real ones, plus how alike two
# generated ones, minus twice how alike a real and a generated one,
#
# $$\mathrm{MMD}^2 = \frac{1}{n(n-1)}\sum_{i\ne j} k(x_i, x_j) + \frac{1}{n(n-1)}\sum_{i\ne j} k(y_i, y_j) - \frac{2}{n^2}\sum_{i,j} k(x_i, y_j).$$
#
# Each term is a mean over pairs of *different* images, and so it is right on average for any $n$: [unbiased](../about/glossary.ipynb#gl-bias). It may even come out
# below zero, as something that is right on average has to if the truth is 0. With
# $k(x, y) = (x\cdot y / D + 1)^3$ it compares means, covariances and third moments [@binkowski2018mmd]. It is taken over
# subsets of a thousand, and the interval comes from those.

# %%
#| exports
def kernel_distance(real, fake, # features [N, D], [M, D]
                    size=1000, # of each subset
                    subsets=50, seed=0):
    """MMD² of each subset with the kernel (x·y / D + 1)³, unbiased (Bińkowski et al. 2018, eq. 4);
    their mean is the distance."""
    x, y = checked(real), checked(fake)
    n, rng, found = min(size, len(x), len(y)), np.random.default_rng(seed), []
    def kernel(a, b): return (a @ b.T / a.shape[1] + 1)**3
    for _ in range(subsets):
        a, b = (each[rng.choice(len(each), n, replace=False)] for each in (x, y))
        within = sum(k.sum() - np.trace(k) for k in (kernel(a, a), kernel(b, b)))
        found.append(within / (n * (n - 1)) - 2 * kernel(a, b).mean())
    return np.array(found)


# %%
print("samples   Fréchet    kernel (all at once, the mean of some draws)")
for n in [c for c in (100, 300, 1000, 3000, 10_000) if c <= len(test)]:
    draws = [rng.choice(len(test), n, replace=False) for _ in range(5)]
    f = np.mean([frechet(reference, of_test[0][d])[0] for d in draws])
    k = [kernel_distance(x, of_test[0][d], size=n if n <= 3000 else 1000, subsets=1, seed=i)[0]
         for i, d in enumerate(draws)]
    print(f"{n:7,}{f:10.3f}{np.mean(k):10.4f} ± {1.96 * np.std(k) / np.sqrt(5):.4f}")


# %% [markdown]
# The left column falls by a factor of a hundred although the images are as real as before; the right one stays where it is, and
# only becomes surer.
#
# ## 3. Are they good, and are they all?
#
# One number cannot tell whether samples are poor or some kinds are missing. Two can. Around each *real* image lay a ball
# that reaches to its $k$-th nearest real neighbour: together the balls cover where real images are. **Precision** is the
# share of samples that fall into some ball. **[Recall](../about/glossary.ipynb#gl-precision-recall)** is the same with the parts exchanged: the share of real images that fall
# into a ball around some sample [@kynkaanniemi2019precision, $k = 3$].
#
# In the plane it can be seen. **Predict** both numbers for a generator that covers half of the ring well and makes a few points
# in the middle.

# %%
#| exports
def squared_distances(a, b): # float64 [n, D], [m, D]
    """All squared distances, [n, m], in one array: for 1,000 samples and 60,000 images it takes
    480 MB."""
    d = (-2 * a) @ b.T
    d += (a**2).sum(1)[:, None]
    d += (b**2).sum(1)
    return np.maximum(d, 0, out=d)

def radii(x, k, block=1000): # float64 [N, D]
    """The squared distance of each point to its k-th nearest neighbour, [N]; of several k, [len(k),
    N]."""
    found, index = [], np.array(k) - 1
    for i in range(0, len(x), block):
        d = squared_distances(x[i:i + block], x)
        d[np.arange(len(d)), np.arange(i, i + len(d))] = np.inf # itself does not count
        found.append(np.partition(d, index, axis=1)[:, index].T)
    return np.concatenate(found, axis=-1)

def precision_recall(real, fake, # features [N, D], [M, D]
                     # `around`: the radii of the real ones, if they are known
                     k=3, block=1000, around=None):
    """Whether each sample lies among real ones [M], and each real one among samples [N]; the means
    are precision and recall."""
    x, y = checked(real, k + 1), checked(fake, k + 1)
    around_x, around_y = radii(x, k, block) if around is None else around, radii(y, k, block)
    precise, recalled = [], np.zeros(len(x), bool)
    for i in range(0, len(y), block):
        d = squared_distances(y[i:i + block], x)
        precise.append((d <= around_x).any(1))
        recalled |= (d <= around_y[i:i + block, None]).any(0)
    return np.concatenate(precise), recalled


# %%
angle = rng.uniform(0, 2 * np.pi, 60)
ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.06, (60, 2))
angle = rng.uniform(0, np.pi, 40)
half = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.06, (40, 2))
made = np.concatenate([half, rng.normal(0, 0.15, (10, 2))])
precise, recalled = precision_recall(ring, made)
print(f"precision {precise.mean():.2f}, recall {recalled.mean():.2f}")

# %%
#| label: fig-balls
#| fig-cap: "Left the balls around real points, and the samples; right the balls around samples, and the real points. Filled: inside of a ball."
#| fig-alt: "Left a ring of real points with a disc round each; samples on the upper half of the ring are filled, ten in its middle are empty. Right discs round the samples, on the upper half and in the middle; the real points above are filled, those below empty, but for a few that a large disc at the right reaches."
fig = CourseFigure(760, 380)
for ax, (balls, others, inside, title, colour) in zip(fig.subplots(1, 2), [
        (ring, made, precise, f"precision {precise.mean():.2f}", light),
        (made, ring, recalled, f"recall {recalled.mean():.2f}", dark)]):
    for centre, r in zip(balls, np.sqrt(radii(balls, 3))):
        ax.add_patch(Circle(centre, r, color="#999999", alpha=0.12))
    ax.plot(*balls.T, "+", color="#777777", markersize=4)
    ax.plot(*others[inside].T, "o", color=colour, markersize=4)
    ax.plot(*others[~inside].T, "o", markerfacecolor="none", markeredgecolor=colour, markersize=5)
    ax.set(title=title, xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xticks=[], yticks=[])
fig.tight_layout()
fig


# %% [markdown]
# A single outlier spoils this: the ball around a sample that lies far from everything is huge, and whatever falls into
# it counts as recalled. In the picture the largest balls, at the right end, reach to points that nobody drew. **[Density and coverage](../about/glossary.ipynb#gl-coverage)** [@naeem2020density, $k = 5$] use balls around *real* images only. Density counts into *how many* of them a sample falls, as a share of $k$, and may exceed
# 1; coverage is the share of real images that have a sample in their own ball.

# %%
#| exports
def density_coverage(real, fake, # features [N, D], [M, D]
                     k=5, block=1000, around=None): # as for `precision_recall`
    """In how many balls of real ones each sample lies, / k [M], and whether each real one has a
    sample in its ball [N]."""
    x, y = checked(real, k + 1), checked(fake, 1)
    around, dense, nearest = (radii(x, k, block) if around is None else around, [],
                              np.full(len(x), np.inf))
    for i in range(0, len(y), block):
        d = squared_distances(y[i:i + block], x)
        dense.append((d < around).sum(1) / k)
        nearest = np.minimum(nearest, d.min(0))
    return np.concatenate(dense), nearest < around


# %%
dense, covered = density_coverage(ring, made)
print(f"density {dense.mean():.2f}, coverage {covered.mean():.2f}: half of the ring")
assert abs(covered.mean() - 0.5) < 0.2 < recalled.mean() - covered.mean() + 0.3


# %% [markdown]
# ## 4. Which kinds?
#
# The judge says of each sample how probable each class is. The **[class distance](../about/glossary.ipynb#gl-class-distance)** is how far the mean of these lies from the
# share each class should have, as total variation: half of the sum of differences; 0 is perfect, and 0.1 says that a
# tenth of all samples would have to be of another class. The **[Inception score](../about/glossary.ipynb#gl-inception-score)** [@salimans2016improved] asks for two things
# in one number: sure about each sample, and all classes in the mean:
#
# $$\mathrm{IS} = \exp\; \mathbb{E}_y\, \mathrm{KL}\bigl(p(c\,|\,y)\,\big\|\,p(c)\bigr), \qquad 1 \le \mathrm{IS} \le K.$$
#
# It never looks at real images, so that one perfect picture for each class gets the full score.

# %%
#| exports
def class_distance(probabilities, # [N, K]
                   shares=None): # [K]; by default all equal
    "Total variation between the mean class probabilities and the shares, 0 to 1."
    p = checked(probabilities, 1).mean(0)
    return float(np.abs(p - (1 / len(p) if shares is None else np.asarray(shares))).sum() / 2)

def inception_score(probabilities, # [N, K], rows sum to 1
                    parts=10, seed=0):
    "exp(mean KL(p(c|y) || p(c))) of each of so many parts (Salimans et al. 2016, section 4)."
    p = checked(probabilities, parts)
    def logarithm(p): return np.log(np.maximum(p, 1e-300))
    scores = [np.exp((part * (logarithm(part) - logarithm(part.mean(0)))).sum(1).mean())
              for part in np.array_split(np.random.default_rng(seed).permutation(p), parts)]
    return np.array(scores)


# %%
print(f"test set: Inception score {inception_score(of_test[1]).mean():.2f} of "
      f"{len(judge.classes)}, class distance {class_distance(of_test[1]):.3f}")
one_of_each = np.repeat(np.eye(10), 100, axis=0)
assert np.allclose(inception_score(one_of_each, parts=1),
                   10) and class_distance(one_of_each) < 1e-12
assert np.allclose(inception_score(np.full((50, 10), 0.1)),
                   1) and np.isclose(class_distance(np.eye(10)[[0] * 20]), 0.9)


# %% [markdown]
# ## 5. Are they new?
#
# A copy of a training image is a perfect sample to all of the numbers above. So ask how near each sample lies to the nearest
# *training* image. By itself that says nothing: clothes resemble each other. But test images are new for certain, and they too
# lie near some training image. Take the distance that only one in a hundred test images falls below; of samples that are
# as new, one in a hundred does, too. If ten in a hundred do, somebody has learnt [by heart](../about/glossary.ipynb#gl-memorising).

# %%
#| exports
def nearest(fake, real, block=1000): # features [M, D], [N, D]
    "The squared distance of each to the nearest real one, [M], and which one that is, [M]."
    y, x = checked(fake, 1), checked(real, 1)
    found = [(d.min(1), d.argmin(1))
             for d in (squared_distances(y[i:i + block], x) for i in range(0, len(y), block))]
    return tuple(np.concatenate(parts) for parts in zip(*found))

def copied(fake, train, test, # features
           rare=0.01): # which share of new images counts as near by chance
    """Whether each sample lies nearer to a training image than all but the nearest hundredth of new
    images, [M]."""
    return nearest(fake, train)[0] < np.quantile(nearest(test, train)[0], rare)


# %%
some = rng.choice(len(train), min(500, len(train)), replace=False)
print(f"test images {copied(of_test[0], x, of_test[0]).mean():.3f}, training images "
      f"{copied(x[some], x, of_test[0]).mean():.3f}")

# %% [markdown]
# ## All five at once
#
# A `Reference` holds what is known of the real images: the mean and covariance of all of them, the features of some for the
# balls, and the same numbers *of the test set*, the floor. Everything is computed with as many test images as there are samples.
# Half of the time goes into the features of the training set, which never change: `remembered` keeps them in a file.

# %%
#| exports
NAMES = ("frechet", "kernel", "precision", "recall", "density", "coverage", "inception_score",
         "class_distance", "copied")

def remembered(judge, images, # as for `Reference`
               path=None): # a file whose name says which judge and which images; None: keep nothing
    """What the judge says of the images: read from the file if it holds that, otherwise counted,
    and kept there."""
    try:
        with np.load(path or "") as file: found = file["features"], file["probabilities"]
        if [len(part) for part in found] == [len(images)] * 2: return found
    # not there, or damaged
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile): pass
    found = judge(images)
    if path:
        # no room costs time only
        with suppress(CourseError), atomic_path(path) as tmp, open(tmp, "wb") as file:
            np.savez(file, features=found[0], probabilities=found[1])
    return found

class Reference:
    """What real images say: of the training set, and of the test set as the best that a generator
    could do."""
    def __init__(self, judge, # a `Judge`, or a function images -> features, probabilities
                 train, test, # uint8 [N, H, W, C]
                 most=10_000, # real images for balls and subsets
                 seed=0,
                 keep=None): # a file for `remembered`
        self.judge, self.seed, self.floors = judge, seed, {}
        self.train, of_train = remembered(judge, train, keep)
        self.test, self.of_test = judge(test)
        self.shares = of_train.mean(0)
        self.moments = mean_and_cov([checked(self.train)])
        self.some = self.train[np.random.default_rng(seed).permutation(len(self.train))[:most]]

    @cached_property
    def around(self): return radii(checked(self.some, 6), (3, 5))

    @cached_property
    def new(self): return nearest(self.test, self.train)[0]

    def measure(self, features, probabilities, resamples=20,
                near=None): # squared distances to the nearest training image, if they are known
        "Name -> (value, low, high): each number with its interval of 95 %."
        def mean(values):
            half = 1.96 * np.std(values) / np.sqrt(len(values))
            return (float(np.mean(values)), float(np.mean(values) - half),
                    float(np.mean(values) + half))
        value, deviation = frechet(self.moments, features, resamples, self.seed)
        precise, recalled = precision_recall(self.some, features, around=self.around[0])
        dense, covered = density_coverage(self.some, features, around=self.around[1])
        if near is None: near = nearest(features, self.train)[0]
        again = np.random.default_rng(self.seed).integers(len(probabilities),
                                                          size=(resamples, len(probabilities)))
        of_classes = class_distance(probabilities, self.shares)
        spread = (1.96
                  * float(np.std([class_distance(probabilities[i], self.shares) for i in again])))
        parts = inception_score(probabilities)
        return dict(frechet=(value, max(0.0, value - 1.96 * deviation), value + 1.96 * deviation),
                    kernel=mean(kernel_distance(self.some, features, seed=self.seed)),
                    precision=mean(precise), recall=mean(recalled),
                    density=mean(dense), coverage=mean(covered), inception_score=mean(parts),
                    class_distance=(of_classes, max(0.0, of_classes - spread), of_classes + spread),
                    copied=mean(near < np.quantile(self.new, 0.01)))

    def floor(self, n):
        "As `measure`, of so many test images; counted once for each number."
        if n not in self.floors:
            chosen = np.sort(np.random.default_rng(self.seed).permutation(len(self.test))[:n])
            self.floors[n] = self.measure(self.test[chosen], self.of_test[chosen], 2,
                                          near=self.new[chosen])
        return self.floors[n]

    def __call__(self, images, resamples=20): # uint8 [N, H, W, C]
        """Name -> dict(value, low, high, floor) for samples; the floor is what as many test images
        get."""
        found, floor = (self.measure(*self.judge(images), resamples),
                        self.floor(min(len(images), len(self.test))))
        return {name: dict(zip(("value", "low", "high"), found[name]), floor=floor[name][0])
                for name in NAMES}


# %%
begin = time.perf_counter()
reference = Reference(judge, train.images, test.images)
whole = reference(test.images)
print(f"{time.perf_counter() - begin:.0f} s for {len(test):,} images, the training "
      "set's features included")
for name, row in whole.items():
    print(f"{name:16}{row['value']:9.3f}  ({row['low']:.3f} to {row['high']:.3f}), "
          f"floor {row['floor']:.3f}")


# %% [markdown]
# ## What sees what
#
# Now damage the test set in ways in which generators fail. **Predict** for each row which columns will notice:
#
# - *noise*: a tenth of the range on every pixel; *blur*: means of 3 × 3;
# - *no trousers*: one class of ten is missing; *one kind*: only sneakers;
# - *copies*: 500 training images, again and again; *ghosts*: draws from the Gaussian of the pixels;
# - *few*: real test images, but only 500 of them; *static*: uniform noise.

# %%
def blurred(images):
    wide = np.pad(images.astype(float), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    return np.rint(sum(wide[:, i:i + 28, j:j + 28] for i in range(3)
                       for j in range(3)) / 9).astype(np.uint8)

def ghosts(images, n):
    flat = images.reshape(len(images), -1).astype(np.float64)
    values, axes = np.linalg.eigh(np.cov(flat.T))
    drawn = (flat.mean(0) + (rng.standard_normal((n, len(values))) * np.sqrt(np.maximum(values, 0)))
             @ axes.T)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8).reshape(n, *images.shape[1:])

n = len(test)
damaged = {
    "test set": test.images,
    "noise": np.clip(test.images + rng.normal(0, 25, test.images.shape), 0, 255).astype(np.uint8),
    "blur": blurred(test.images),
    "no trousers": test.images[test.labels != 1],
    "one kind": test.images[test.labels == 7],
    "copies": train.images[rng.choice(rng.choice(len(train), min(500, len(train) // 2),
                                                 replace=False), n)],
    "ghosts": ghosts(train.images, n),
    "few": test.images[rng.choice(n, min(500, n // 2), replace=False)],
    "static": rng.integers(0, 256, test.images.shape, dtype=np.uint8)}
table = {name: reference(images, resamples=5) for name, images in damaged.items()}
print(f"{'':12}" + "".join(f"{name[:9]:>10}" for name in NAMES))
for name, row in table.items():
    print(f"{name:12}" + "".join(f"{row[key]['value']:10.3f}" for key in NAMES))

# %%
#| label: fig-damaged
#| fig-cap: "Eight of each."
#| fig-alt: "Nine rows of eight: garments; the same under fine noise; blurred; without trousers; sneakers only; other garments; grey clouds of no kind; garments again; and white noise."
image_grid(np.concatenate([images[:8] for images in damaged.values()]), columns=8,
           caption=f"{test.name}, from above: " + ", ".join(damaged))


# %% [markdown]
# Read it by columns. **Fréchet** sees all of it, and says of nothing what it is: a missing class costs less than a blur, and 500 training
# images drawn again and again cost what 500 new ones cost (*few*); that they are copies it does not see. **Kernel** agrees, but is not taken in by few samples.
# **Precision** sees noise, static and ghosts, and is content with one kind and with copies: they look fine. **Recall** sees one
# kind and copies, and not the missing trousers: some shirt's ball covers them. **Coverage** sees what recall sees, and falls with the
# number of samples, so compare it with the floor of as many. The **Inception score** of copies is *better* than that of real test
# images. The **class distance** alone says plainly that trousers are missing, a tenth of everything. And only **copied** says
# that copies are copies, and says nothing else; recall and coverage see that there are few of them.
#
# The ghosts, which in pixels were better than the test set, are now far out. That is what features are for.
#
# ## What is said aloud
#
# A row of nine numbers is easily read past. Some faults are gross enough to be said in words; whoever sees such a line need not look at
# decimals:

# %%
#| exports
def flags(found): # what a `Reference` returns
    "Gross faults, each in words; an empty list is no praise."
    said = []
    if not found: return said # nothing was measured
    def at(name, what): return found[name][what]
    if at("precision", "high") < 0.5 * at("precision", "floor"):
        said.append("most samples resemble no real image (precision)")
    if at("coverage", "high") < 0.5 * at("coverage", "floor"):
        said.append("large parts of the data are never drawn (coverage)")
    if at("class_distance", "low") > 0.1 + at("class_distance", "floor"):
        said.append("classes are missing, or far too frequent (class_distance)")
    if at("copied", "low") > 0.03: said.append("many samples are nearly training images (copied)")
    return said


# %%
for name, row in table.items(): print(f"{name:12}", "; ".join(flags(row)) or "-")

# %%
assert flags(table["test set"]) == [] and flags(table["copies"]) != []
if budget(full=True, fast=False): # of a few hundred images the balls are too wide for all of this
    expected = [("static", "precision"), ("copies", "copied"), ("one kind", "class_distance"),
                ("one kind", "coverage")]
    for name, what in expected:
        assert any(what in line for line in flags(table[name])), (name, what)


# %% [markdown]
# And a page that shows both, samples and numbers:

# %%
#| exports
def evaluation_figure(images, # uint8 [N, H, W, C]
                      found, # what a `Reference` says of them
                      caption): # whose samples these are, and how many
    "Sixty-four samples, and each number with its interval and its floor."
    fig = CourseFigure(920, 480)
    left = fig.add_axes((0.02, 0.13, 0.44, 0.84))
    tiled = tile_images(images[:64], columns=8)
    left.imshow(tiled.repeat(3, axis=-1) if tiled.shape[-1] == 1 else tiled, interpolation="none")
    left.set_axis_off()
    lines = [f"{'':16}{'value':>9}{'from':>9}{'to':>9}{'floor':>9}"]
    lines += [f"{name:16}" + "".join(f"{row[key]:9.3f}"
                                     for key in ("value", "low", "high", "floor"))
              for name, row in found.items()]
    lines += [""] + [f"! {line}" for line in flags(found)]
    fig.text(0.5, 0.94, "\n".join(lines), family="monospace", size=9, va="top", linespacing=1.7)
    fig.text(0.5, 0.03, caption, size=8, color="#333333", ha="center")
    return fig


# %%
#| label: fig-page
#| fig-cap: "The page of five hundred training images that were learnt by heart."
#| fig-alt: "Left eight by eight garments. Right a table with a row for each of nine numbers and columns for value, interval and floor; below it a line in words, that many samples are nearly training images."
evaluation_figure(damaged["copies"], table["copies"], f"copies; {n:,} images against {train.name}")


# %% [markdown]
# ## While a GAN trains
#
# All nine numbers at once are for the end. During training one is enough, and it has to be cheap: the Fréchet distance of a few
# samples to a part of the training set. Biased as it is by their number, it can be compared with itself from [epoch](../about/glossary.ipynb#gl-epoch) to epoch, since the number
# stays. `--best-by frechet` lets it choose [which generator is kept](loop.ipynb).

# %%
#| exports
class FeatureFrechet:
    """The Fréchet distance to fixed images in a judge's features; where `PixelFrechet` stands, this
    can stand."""
    def __init__(self, judge, images, # uint8 [N, H, W, C]
                 most=10_000): # the first so many are enough for a mean and a covariance
        self.judge, self.moments = judge, mean_and_cov([checked(judge(images[:most])[0])])

    def distance(self, images): # uint8 [N, H, W, C]
        "Squared Fréchet distance, 0 or more; it shrinks as N grows."
        return frechet(self.moments, self.judge(images)[0])[0]


# %%
quick = FeatureFrechet(judge, train.images)
print(f"two thousand test images {quick.distance(test.images[:2000]):.2f}; static "
      f"{quick.distance(damaged['static'][:2000]):.0f}")
assert quick.distance(test.images[:2000]) < quick.distance(damaged["noise"][:2000])

# %% [markdown]
# ## The network everybody uses, and why not here
#
# What papers call [FID](../about/glossary.ipynb#gl-fid) takes its features from an Inception network that has learnt the thousand classes of ImageNet, from colour photographs of
# 299 × 299 pixels. Our images have 28 × 28 pixels of grey. They are blown up a hundredfold in area and copied into three channels, and the network
# looks for fur and wheels in smooth, blurred shapes. The distances are real, but what they are sensitive to is the edges that enlarging makes,
# and not whether a sleeve belongs to a coat. Still, it is the one scale on which Fashion-MNIST has published figures, and its protocol is simple:
# 10,000 samples against the 10,000 test images.

# %%
#| exports
# Lucic et al. 2018, table 2
PUBLISHED = {"MM GAN": 29.6, "NS GAN": 26.5, "LSGAN": 30.7, "WGAN": 21.5, "WGAN-GP": 24.5,
             "DRAGAN": 27.7, "BEGAN": 22.9}

def inception_features(images, # uint8 [N, H, W, C]
                       batch=50):
    """What the Inception network of the published FID sees, [N, 2048]. Its weights are downloaded
    at first use."""
    try:
        import torch
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ModuleNotFoundError as error:
        raise CourseError(f"Inception's features need {error.name}, which is not installed; pip "
                          "install torch-fidelity") from None
    try:
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], verbose=False).eval()
    except OSError as error: # no network, no room, a proxy's page instead of the file
        raise CourseError("the weights of the Inception network are not here and could not be "
                          "downloaded from github.com "
                          f"({' '.join(str(error).split())[:80]}); go online once, or leave out "
                          "--features inception") from None
    found = []
    with torch.no_grad():
        for i in range(0, len(images), batch):
            part = torch.from_numpy(np.ascontiguousarray(images[i:i + batch])).permute(0, 3, 1, 2)
            found.append(network(part.expand(-1, 3, -1, -1).contiguous())[0].numpy())
    return np.concatenate(found)


# %%
#| code-fold: true
print("published, Inception features, 10,000 samples against the test set (Lucic et al. 2018):")
for name, value in PUBLISHED.items(): print(f"  {name:8}{value:6.1f}")

# %% [markdown]
# `gan-course evaluate --features inception` computes it for a run of yours. Compare the result with this table and with nothing else on this page: it is
# another scale. And compare with care: each of these figures is the best of a large search over settings, for another network.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.metrics import check_mmd, check_recall


# %% [markdown]
# ### 1. The kernel distance by hand
#
# Write `mmd(x, y, kernel)` for two arrays [n, D] of equal length: the unbiased estimate. `kernel(a, b)` returns the matrix of all pairs.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def mmd(x, y, kernel):
    n = len(x)
    within = sum(k.sum() - np.trace(k) for k in (kernel(x, x), kernel(y, y)))
    return within / (n * (n - 1)) - 2 * kernel(x, y).mean()

check_mmd(mmd)


# %% [markdown]
# ### 2. Recall
#
# Write `recall(real, fake, k)` for features [N, D] and [M, D]: the share of the real ones that lie within the $k$-th [nearest neighbour](../about/glossary.ipynb#gl-nearest-neighbour) of some
# sample.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def recall(real, fake, k):
    def far(a, b): return np.linalg.norm(a[:, None] - b, axis=-1)
    return (far(real, fake) <= np.sort(far(fake, fake), axis=1)[:, k]).any(1).mean()

check_recall(recall)

# %% [markdown]
# ## What to remember
#
# - No number answers all five questions. Ask for fidelity, for coverage and for copies, each by itself.
# - A number needs a floor (real test images, as many), an interval, the count of samples, and the name of the features. Without them it cannot be compared with
#   anything.
# - The Fréchet distance is biased by the number of samples, the kernel distance is not.
#
# **What goes wrong in practice, and how you see it.** *A paper's FID is half of yours*: other features, another number of samples, training instead of test
# images; look for all three. *Precision is 1 and recall 0*: a [collapse](../about/glossary.ipynb#gl-mode-collapse). *Recall is high and the samples are poor*: outliers with huge balls; ask for
# coverage. *Everything is excellent*: ask whether it is copied.
#
# **References.** M. Heusel et al. [-@heusel2017fid], *GANs trained by a two time-scale update rule converge to a local Nash equilibrium*, NeurIPS. M. Lucic et al. [-@lucic2018equal], *Are GANs created equal? A large-scale study*, NeurIPS. M. Bińkowski et al. [-@binkowski2018mmd], *Demystifying MMD GANs*, ICLR. T. Salimans et al. [-@salimans2016improved], *Improved techniques for
# training GANs*, NeurIPS. T. Kynkäänniemi et al. [-@kynkaanniemi2019precision], *Improved precision and recall metric for assessing generative models*, NeurIPS. M. F. Naeem
# et al. [-@naeem2020density], *Reliable fidelity and diversity metrics for generative models*, ICML. C. Meehan, K. Chaudhuri and S. Dasgupta [-@meehan2020copying], *A non-parametric test
# to detect data-copying in generative models*, AISTATS.
