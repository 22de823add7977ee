# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: flowers drawn by rule
#
# > What accepts or rejects an answer to the exercises of Flowers drawn by rule
#
# - skip_showdoc: true
# - order: 98

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_blossoms.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_blossoms.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_blossoms.ipynb) · [API](../about/api.ipynb#exercises-flowers_blossoms)

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
# The exercises stand in [the lesson](../flowers/blossoms.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_blossoms

# %%
#| exports
import operator

import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. A smooth disc

# %%
#| exports
def check_cover(cover): # (x, y, radius, pixel=1.0) -> numbers in [0, 1]
    """Whether `cover` falls in a straight line from 1 inside to 0 outside, one pixel wide, with a
    half on the border."""
    def ask(points, radius, **how):
        x, y = np.array(points, np.float32).T
        try: found = np.asarray(cover(x, y, radius, **how))
        except (TypeError, ValueError) as error: raise AssertionError(
            "x and y are arrays, and NumPy's functions take them: np.sqrt, "
            f"np.clip, np.where ({error})") from None
        assert found.shape == x.shape, (
            f"{len(points)} pixels were asked for, and the shape of the result is "
            f"{list(found.shape)}")
        return found.astype(float)
    def close(a, b): return np.abs(a - b).max() < 1e-5
    far = ask([(0, 0), (30, -40)], 5)
    assert not (far[0] <= 0 and far[1] >= 1), (
        "what is inside is 0 and what is outside 1: the radius minus the distance")
    assert not (far > 1).any() and not (far < 0).any(), (
        f"more than all of a pixel, or less than nothing: {far.round(2).tolist()}; clip to 0 and 1")
    border = ask([(3, 4), (-3, 4), (0, -5), (-5, 0)], 5)
    assert close(border, border[0]), (
        "four pixels at the same distance, and not covered alike: the distance is √(x² + y²)")
    assert border[0] not in (0, 1), (
        "on the border a half is covered, not all or nothing: add a half to what "
        "is inside, and clip")
    assert close(border, 0.5), f"on the border a half is covered, not {border[0]:.3g}"
    assert close(far, [1, 0]), "the middle of the disc is covered, and what is far away is not"
    assert abs(ask([(4.98, 0)], 5)[0] - 0.7) > 1e-2, (
        "the squares of radius and distance were subtracted: take the root first")
    near = ask([(4.75, 0), (0, 5.25), (4.4, 0), (0, 5.6)], 5)
    assert not close(near, [1, 0, 1, 0]), (
        "there is a half on the border only, and the edge is hard: within one pixel "
        "it falls from 1 to 0")
    assert close(near, [0.75, 0.25, 1, 0]), (
        "a quarter of a pixel inside of the border 0.75 is covered, outside 0.25, not "
        f"{near[0]:.3g} and {near[1]:.3g}")
    coarse = ask([(4.5, 0), (0, 5.5)], 5, pixel=2.0)
    assert not close(coarse, [1, 0]), (
        "a pixel that is 2 wide has an edge that is 2 wide: divide the distance from "
        "the border by `pixel`")
    assert close(coarse, [0.75, 0.25]), (
        f"of a pixel that is 2 wide and half a unit inside 0.75 is covered, not {coarse[0]:.3g}")
    print("correct: an edge as wide as a pixel, and a half on the border")


# %%
def good_cover(x, y, radius, pixel=1.0):
    return np.clip((radius - np.sqrt(x * x + y * y)) / pixel + 0.5, 0, 1)

def covered(half=0.5, length=np.hypot, scaled=lambda d, pixel: d / pixel,
            clip=lambda d: np.clip(d, 0, 1)):
    def cover(x, y, radius, pixel=1.0): return clip(scaled(radius - length(x, y), pixel) + half)
    return cover

check_cover(good_cover)
assert rejects(check_cover, covered(half=0), "add a half")
assert rejects(check_cover, covered(clip=lambda d: d), "clip to 0 and 1")
assert rejects(check_cover, covered(clip=lambda d: np.where(d > 0.5, 1.0, 0.0)),
               "not all or nothing")
assert rejects(check_cover, covered(scaled=lambda d, pixel: d), "divide the distance")
assert rejects(check_cover, covered(scaled=lambda d, pixel: d * pixel), "divide the distance")
assert rejects(check_cover, covered(length=lambda x, y: np.abs(x) + np.abs(y)), "not covered alike")
assert rejects(check_cover,
               lambda x, y, radius, pixel=1.0: np.clip(radius**2 - x * x - y * y + 0.5, 0, 1),
               "take the root")
assert rejects(check_cover, covered(clip=lambda d: min(1, max(0, d))), "x and y are arrays")


# %% [markdown]
# ## 2. A ring of petals

# %%
#| exports
def check_ring(ring): # (petals, turn) -> a list of whole degrees
    "Whether `ring` goes round evenly, rounds each direction by itself, and stays below 360."
    def ask(petals, turn):
        found = list(ring(petals, turn))
        try: found = [operator.index(degree) for degree in found]
        except TypeError: raise AssertionError(
            f"whole degrees are wanted, as indices of a table, not {found[:3]} "
            "...: divide with //") from None
        assert len(found) == petals, f"{petals} petals have {petals} directions, not {len(found)}"
        return found
    four = ask(4, 10)
    assert four != [100, 190, 280, 10] and four != [100, 190, 280, 370], (
        "the first petal stands at `turn` itself: count from 0")
    assert four[0] == 10, f"the first petal stands at `turn`, 10 degrees, not at {four[0]}"
    assert four[-1] != 10, (
        "the first and the last petal stand at the same place: the ring closes one "
        "step after the last")
    assert four == [10, 100, 190, 280], (
        "four petals from 10 degrees on stand at 10, 100, 190, 280, not at "
        f"{', '.join(map(str, four))}")
    over = ask(4, 270)
    assert max(over) < 360 and min(over) >= 0, (
        f"{max(over, key=abs)} is no direction of 0 to 359: once round is 0 again; take % 360")
    assert over == [270, 0, 90, 180], (
        "four petals from 270 degrees on stand at 270, 0, 90, 180, not at "
        f"{', '.join(map(str, over))}")
    seven = ask(7, 0)
    assert seven != [i * 51 for i in range(7)], (
        "360 / 7 was rounded before it was multiplied: six times 51 is 306, and the last gap is "
        "wider than the others")
    assert seven != [0, 51, 103, 154, 206, 257, 309], (
        "308.6 is rounded down to 308, not to the nearest")
    assert seven == [0, 51, 102, 154, 205, 257, 308], (
        "seven petals stand at 0, 51, 102, 154, 205, 257, 308, not at "
        f"{', '.join(map(str, seven))}")
    for petals, turn in ((1, 42), (5, 359), (16, 123), (20, 0)):
        wanted = [(turn + i * 360 // petals) % 360 for i in range(petals)]
        found = ask(petals, turn)
        assert found == wanted, (
            f"ring({petals}, {turn}) ends with {wanted[-1]}, not with {found[-1]}")
    print("correct: round evenly, from `turn` on")


# %%
def good_ring(petals, turn): return [(turn + i * 360 // petals) % 360 for i in range(petals)]

def ring(step, wrap=lambda degree: degree % 360): # (petal, of how many) -> degrees
    return lambda petals, turn: [wrap(turn + step(i, petals)) for i in range(petals)]

check_ring(good_ring)
assert rejects(check_ring, ring(lambda i, n: i * (360 // n)), "before it was multiplied")
assert rejects(check_ring, ring(lambda i, n: i * 360 // n, wrap=lambda degree: degree),
               "once round")
assert rejects(check_ring, ring(lambda i, n: i * 360 / n), "whole degrees")
assert rejects(check_ring, ring(lambda i, n: round(i * 360 / n)), "to the nearest")
assert rejects(check_ring,
               lambda n, turn: (np.linspace(turn, turn + 360, n).astype(int) % 360).tolist(),
               "at the same place")
