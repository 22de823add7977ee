# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Flowers drawn by rule
#
# > A colour data set of five kinds that needs no network, and whose truth is known
#
# - skip_showdoc: true
# - order: 46

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/blossoms.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/blossoms.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/blossoms.ipynb) · [API](../about/api.ipynb#flowers-blossoms)

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
# **You will be able to** draw thousands of different flowers from a few numbers each, the same on every computer, and say
# what a data set with known factors is good for.
#
# **You need** [Data sets](../foundations/datasets.ipynb). **It takes** a quarter of an hour.

# %%
#| default_exp flowers.blossoms

# %%
#| exports
import math

import numpy as np

from gan_course.basics import CourseError
from gan_course.datasets import Dataset

# %%
from gan_course.basics import budget
from gan_course.datasets import checksum_of
from gan_course.figures import image_grid

# %% [markdown]
# The photographs of this chapter have to be downloaded. Where that is impossible, in a closed network or in a test, the
# course draws flowers itself, as [`garments`](../foundations/datasets.ipynb) does with clothes. They are no photographs. But they
# are small, coloured, varied, of five kinds, and one thing they have that photographs lack: everything about them is known.
#
# ## Factors
#
# A flower is described by its kind and a dozen numbers, all drawn evenly from a range. Five kinds: daisies with many thin white petals,
# dandelions with narrow yellow ones in three rows, roses with rings of round petals, sunflowers with a wide brown middle, and
# tulips, which are seen from the side.

# %%
#| exports
KINDS = ("daisy", "dandelion", "rose", "sunflower", "tulip")
BLOSSOMS = dict(train=3300, test=370) # as many as there are photographs
PLACES = dict(train=0, test=10**6)    # the number of the first flower of each split

FACTORS = np.dtype([
    ("kind", "u1"),          # the label, index into KINDS
    ("petals", "u1"),        # how many in a row
    ("turn", "u2"),          # of the first petal, in degrees
    ("ground", "u1"),        # 0 meadow, 1 dark leaves, 2 sky, 3 soil
    ("x", "f4"), ("y", "f4"), # centre, in pixels of 64
    ("radius", "f4"),        # pixels of 64
    ("slim", "f4"),          # width of a petal against its length
    ("red", "f4"), ("green", "f4"), ("blue", "f4"), # of the petals, 0 to 1
    ("light", "f4"),         # of the whole picture, 0.7 to 1.1
    ("bend", "f4"),          # of the stem, pixels to the side
    ("centre", "f4")])       # radius of the middle against the whole

# %% [markdown]
# ## The same on every computer
#
# The random numbers are raw 64-bit integers of the [Philox generator](../about/glossary.ipynb#gl-philox), whose bits are the same everywhere. Flower number $i$ takes
# the numbers from $48\,i$ on, so it does not depend on how many are drawn. What is computed from them uses only sums, products,
# quotients and square roots of `float32`, which are exact or rounded alike everywhere. Sines are not: two libraries may differ in the
# last bit. So the 360 directions in which a petal can point are rounded to six digits first.

# %%
#| exports
_numbers = 48 # raw numbers for one flower
_cos, _sin = (np.array([round(f(math.radians(d)), 6) for d in range(360)], np.float32)
              for f in (math.cos, math.sin))
_colours = np.array([ # kind -> two colours between which its petals lie, red green blue
    [[.95, .93, .90], [.82, .78, .92]], [[.98, .85, .10], [.93, .70, .05]],
    [[.85, .10, .20], [.97, .60, .66]],
    [[.99, .77, .10], [.92, .58, .08]], [[.90, .20, .22], [.95, .72, .20]]], np.float32)
_pink = np.array([.72, .25, .62], np.float32)

def _draw_numbers(start, stop, seed):
    "Numbers in [0, 1), float32 [stop - start, 48]."
    source = np.random.Philox(key=np.array([seed, 64], np.uint64))
    source.advance(start * _numbers // 4) # Philox makes four numbers a step
    raw = source.random_raw((stop - start) * _numbers).reshape(-1, _numbers)
    return (raw >> np.uint64(40)).astype(np.float32) / np.float32(2**24)

def _draw_factors(u, start):
    "The factors of flowers from `start` on; of every five each kind is one."
    n = len(u)
    f = np.zeros(n, FACTORS)
    f["kind"] = k = (np.arange(start, start + n) % 5).astype(np.uint8)
    def between(i, low, high): return np.float32(low) + u[:, i] * np.float32(high - low)
    def of_kind(values): return np.array(values, np.float32)[k]
    f["petals"] = of_kind([11, 15, 5, 14, 3]) + np.floor(u[:, 0] * of_kind([6, 5, 3, 6, 1]))
    f["turn"], f["ground"] = (u[:, 1] * 360).astype(np.uint16), (u[:, 2] * 4).astype(np.uint8)
    f["x"], f["y"] = between(3, 24, 40), between(4, 20, 34)
    f["radius"] = between(5, 13, 25)
    f["slim"] = of_kind([.17, .11, .62, .20, .42]) * between(6, .85, 1.2)
    colour = _colours[k, 0] * (1 - u[:, 7:8]) + _colours[k, 1] * u[:, 7:8]
    pink = np.isin(k, [2, 4]) & (u[:, 8] < .3) # some roses and tulips
    colour = np.where(pink[:, None], _pink * (1 - u[:, 7:8] / 2) + u[:, 7:8] / 2, colour)
    f["red"], f["green"], f["blue"] = colour.T
    f["light"], f["bend"] = between(9, .7, 1.1), between(10, -10, 10)
    f["centre"] = of_kind([.26, .12, .16, .46, .1]) * between(11, .85, 1.15)
    return f


# %% [markdown]
# ## From factors to pixels
#
# A pixel at the distance $d$ inside of a border is covered to $\min(1, \max(0, d + \frac12))$: so borders are smooth, at any size. A petal
# is an ellipse that points away from the centre. In coordinates along its direction and across, $(a, c)$, with half-length $l$, half-width $w$ and middle $m$,
# the number $q = \sqrt{((a-m)/l)^2 + (c/w)^2}$ is 1 on its border. It also serves for light and shade.

# %%
#| exports
def _rgb(*values): return np.array(values, np.float32)

def _over(picture, cover, colour):
    "Paint: `cover` [N, H, W] in [0, 1], `colour` [N, 1 or H, 1 or W, 3]."
    picture += cover[..., None] * (colour - picture)

def _leaf(x, y, c, s, middle, long, wide):
    "An ellipse that points in the direction (c, s): how far it covers a pixel, in pixels, and q."
    along, across = x * c + y * s, y * c - x * s
    q = np.sqrt(((along - middle) / long) ** 2 + (across / wide) ** 2)
    return (1 - q) * wide, q

def _background(f, u, x, y):
    "A gradient from top to bottom, and six soft spots as of a lens out of focus."
    top = np.array([_rgb(.36, .55, .22), _rgb(.10, .20, .10), _rgb(.55, .72, .92),
                    _rgb(.42, .32, .22)])[f["ground"]]
    low = np.array([_rgb(.20, .38, .12), _rgb(.04, .10, .05), _rgb(.80, .87, .93),
                    _rgb(.22, .17, .12)])[f["ground"]]
    way = (y / 64)[..., None]
    picture = top[:, None, None] * (1 - way) + low[:, None, None] * way + 0 * x[..., None]
    for i in range(6):
        a, b, size, tint = (u[:, 12 + 4 * i + j].reshape(-1, 1, 1) for j in range(4))
        d = np.sqrt((x - 64 * a) ** 2 + (y - 64 * b) ** 2)
        spot = np.clip(1 - d / (6 + 14 * size), 0, 1) * np.float32(.45)
        _over(picture, spot, (picture.mean((1, 2), keepdims=True) * (.6 + tint[..., None])))
    return picture

def _draw(f, u, size):
    "The pictures, uint8 [N, size, size, 3]."
    n, pixel = len(f), np.float32(64 / size)
    grid = (np.arange(size, dtype=np.float32) + np.float32(.5)) * pixel
    gx, gy = grid.reshape(1, 1, -1), grid.reshape(1, -1, 1)
    each = {name: f[name].reshape(-1, 1, 1).astype(np.float32) for name in FACTORS.names}
    def edge(d): return np.clip(d / pixel + np.float32(.5), 0, 1)
    picture = _background(f, u, gx + np.zeros((n, 1, 1), np.float32),
                          gy + np.zeros((n, 1, 1), np.float32))
    x, y, r = gx - each["x"], gy - each["y"], each["radius"]
    down = np.clip(y, 0, None) / 40
    stem = edge(1.6 - np.abs(x - each["bend"] * down * down)) * (y > 0)
    _over(picture, stem, _rgb(.25, .47, .14))
    for side, at in ((1, 17), (-1, 25)): # two leaves
        d, q = _leaf(side * (x - side * 1.0), y - at, np.float32(.8), np.float32(-.6), 8, 9, 2.6)
        _over(picture, edge(d), (_rgb(.20, .42, .12) * (1.2 - .4 * np.clip(q, 0, 1)[..., None])))
    colour = np.stack([each[name] for name in ("red", "green", "blue")], -1)
    tulip = each["kind"] == 4
    rows = np.array([1, 3, 4, 2, 1])[f["kind"]]
    for row in range(4): # the outer row first
        reach = r * np.float32([1, .74, .5, .3][row])
        for i in range(20):
            of = np.flatnonzero((row < rows) & (i < f["petals"])) # the flowers that have this petal
            if not len(of): break
            degree = (f["turn"][of].astype(int) + row * 17 + i * 360
                      // f["petals"][of].astype(int)) % 360
            sideways = np.array([248, 292, 270])[i % 3] # a tulip's petals point up
            degree = np.where(f["kind"][of] == 4, sideways, degree)
            c, s = _cos[degree].reshape(-1, 1, 1), _sin[degree].reshape(-1, 1, 1)
            far, up = reach[of], tulip[of]
            middle, long = np.where(up, far * .25, far * .56), np.where(up, far * .8, far * .46)
            d, q = _leaf(x[of], y[of], c, s, middle, long,
                         far * each["slim"][of] * np.where(up, .95, 1))
            shade = 1.06 - .34 * np.clip(q, 0,
                                         1) ** 2 - .1 * (i % 2) - .1 * row * (each["kind"][of] == 2)
            part = picture[of]
            _over(part, edge(d), colour[of] * shade[..., None])
            picture[of] = part
    distance = np.sqrt(x * x + y * y)
    dots = np.float32(.75) + np.float32(.5) * ((np.floor(gx / 2) + np.floor(gy / 2)) % 2)
    middle = np.array([_rgb(.92, .72, .12), _rgb(.90, .66, .05), _rgb(.45, .05, .10),
                       _rgb(.28, .16, .07), _rgb(.2, .2, .1)])[f["kind"]]
    disc = edge(r * each["centre"] - distance) * ~tulip
    _over(picture, disc,
          middle[:, None, None] * (1.1 - .3 * np.clip(distance / r, 0, 1) * dots)[..., None])
    return np.clip(picture * each["light"][..., None] * 255 + np.float32(.5), 0,
                   255).astype(np.uint8)

def blossoms(n=3300, # number of images; a smaller n gives the first of a larger one
             seed=0, # 0 or more
             size=64, # height and width: 32, 64 or 128
             split="train", # train or test: the same seed, other flowers
             factors=False, # whether to return the factors too
    ): # uint8 [n, size, size, 3], labels uint8 [n] and, if asked for, the factors: FACTORS [n]
    "Draw flowers of five kinds from known factors, the same on every computer."
    if not 1 <= n < 10**6: raise CourseError(f"{n} blossoms were asked for; give 1 to 999,999")
    if not 0 <= seed < 2**64: raise CourseError(f"the seed of blossoms is {seed}; give 0 or more")
    if split not in PLACES: raise CourseError(f"the split is {split!r}; give train or test")
    if size not in (32, 64, 128):
        raise CourseError(f"blossoms of {size} pixels were asked for; give 32, 64 or 128")
    images, known = np.empty((n, size, size, 3), np.uint8), np.empty(n, FACTORS)
    for at in range(0, n, 100):
        stop, first = min(at + 100, n), PLACES[split]
        u = _draw_numbers(first + at, first + stop, seed)
        known[at:stop] = _draw_factors(u, first + at)
        images[at:stop] = _draw(known[at:stop], u, size)
    labels = np.ascontiguousarray(known["kind"])
    return (images, labels, known) if factors else (images, labels)


# %%
images, labels, known = blossoms(30, factors=True)

# %%
#| label: fig-blossoms
#| fig-cap: "Thirty blossoms; each column is a kind: daisy, dandelion, rose, sunflower, tulip, twice."
#| fig-alt: "Three rows of ten small coloured drawings. White daisies with a yellow middle, yellow dandelions with many narrow petals, round red and pink roses, sunflowers with a large brown middle, and tulips seen from the side, each with a green stem, on green, dark, blue or brown grounds with soft spots."
image_grid(images, columns=10, scale=1, caption="blossoms, train images 0 to 29")

# %%
assert images.shape == (30, 64, 64, 3) and images.dtype == np.uint8
assert np.array_equal(blossoms(7)[0], images[:7]), "the first of many"
assert (not np.array_equal(blossoms(7, split="test")[0], images[:7])
        and not np.array_equal(blossoms(7, seed=1)[0], images[:7]))
assert {KINDS[k] for k in labels} == set(KINDS)

# %% [markdown]
# The size is a matter of the grid only; the flower is the same:

# %%
large, small = blossoms(30, size=128)[0], blossoms(30, size=32)[0]
halved = large.reshape(30, 64, 2, 64, 2, 3).mean((2, 4))
off = np.abs(halved - images).mean()
print(f"128 pixels, halved, differ from 64 by {off:.2f} of 255")
assert off < 4 and small.shape == (30, 32, 32, 3)

# %% [markdown]
# ## What known factors are good for
#
# Whether a flower's brightness can be read off the picture is a question with an answer here. For photographs there is none to compare with.
# **Predict:** how well does the mean of all pixels follow the factor `light`?

# %%
many, _, truth = blossoms(budget(full=1000, fast=200), factors=True)
mean = many.mean((1, 2, 3))
follows = np.corrcoef(mean, truth["light"])[0, 1]
within = [np.corrcoef(mean[truth["ground"] == g], truth["light"][truth["ground"] == g])[0, 1]
          for g in range(4)]
print(f"correlation with light: {follows:.2f} over all, {np.mean(within):.2f} on the same ground")

# %%
assert follows < np.mean(within) < 1

# %% [markdown]
# The ground hides most of it: a picture is light because of the sky far more often than because of the light.
#
# ## As a data set
#
# In the form all loops of the course take:

# %%
#| exports
CHECKSUMS = { # size -> checksum of train and test, seed 0
    32: ("2af7325fcf35be20393615beb1a06e5a48de3a56381b95c25f06e137aeee0cfa",
         "469c9b9a6631a0a355599aa3d0154255a6b090e9a563a50b2c3c83b23c2b3ee3"),
    64: ("f64935323f8574377f0171a5352d737c50698c264a08ede23160cef17e97b1b0",
         "020da71373fc2afb7aca6542f2d1e8c24ea85845ecf8c8dc64c3308497b70a15"),
    128: ("77d04f9b83b7c3a5ea7c51246513bf19195cea8ca5bcf76538c5899c91bac9fe",
          "fa0e57c9c49650afa40b9b6d5d61136a19bf4d82663f705d3777ae01d52efc1b")}

def load_blossoms(split="train", size=64, limit=None):
    "Blossoms of seed 0 as a `Dataset`: no more is drawn than is asked for."
    if split not in BLOSSOMS: raise CourseError(f"the split is {split!r}; give train or test")
    if size not in CHECKSUMS:
        raise CourseError(f"blossoms of {size} pixels were asked for; give 32, 64 or 128")
    if limit is not None and limit < 1:
        raise CourseError(f"a data set of {limit} images was asked for; give 1 or more")
    n, checksum = BLOSSOMS[split], CHECKSUMS[size][("train", "test").index(split)]
    if limit is not None and limit < n: n, checksum = limit, f"{checksum}[:{limit}]"
    images, labels = blossoms(n, size=size, split=split)
    return Dataset("blossoms", split, images, labels, KINDS, checksum)


# %%
test = load_blossoms("test")
test

# %%
assert checksum_of(test.images, test.labels) == test.checksum

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_blossoms import check_cover, check_ring


# %% [markdown]
# ### 1. A smooth disc
#
# Write `cover(x, y, radius, pixel=1.0)`: how much of the pixel at $(x, y)$ a disc around the origin covers, from 0 to 1. `x` and `y` are arrays; a
# pixel is `pixel` wide, and on the border, where the distance is the radius, exactly a half is covered.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def cover(x, y, radius, pixel=1.0):
    return np.clip((radius - np.sqrt(x * x + y * y)) / pixel + 0.5, 0, 1)

check_cover(cover)


# %% [markdown]
# ### 2. A ring of petals
#
# Write `ring(petals, turn)`: the directions of the petals as whole degrees in 0 to 359, a list that begins with `turn` and goes
# round evenly. Petal $i$ stands $360\,i/n$ degrees further, rounded down.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def ring(petals, turn):
    return [(turn + i * 360 // petals) % 360 for i in range(petals)]

check_ring(ring)

# %% [markdown]
# ## What to remember
#
# - A data set that is drawn needs no download, and its factors are known. It is for tests and for questions that have an answer;
#   what a [recipe](../about/glossary.ipynb#gl-recipe) is worth, photographs decide.
# - Integers, and float operations that every processor rounds alike, make it the same everywhere, [checksum](../about/glossary.ipynb#gl-checksum) and all.
# - Image number $i$ depends on $i$ and the [seed](../about/glossary.ipynb#gl-seed) only.
#
# **What goes wrong in practice, and how you see it.**
#
# - *A checksum that differs on another machine*: sines, sums in another order, or a random generator that changed its algorithm.
# - *A recipe that works on drawn images and fails on photographs*: the drawn ones have hard edges and few colours. Look at the samples side by side.
#
# **References.** Salmon et al. [-@salmon2011philox], *Parallel random numbers: as easy as 1, 2, 3* (Philox). Matthey et al. [-@matthey2017dsprites], *dSprites* (a
# data set of known factors).
