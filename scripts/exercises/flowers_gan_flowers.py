# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: flowers lab (flowers)
#
# > What accepts or rejects an answer to the exercises of the flowers lab
#
# - skip_showdoc: true
# - order: 104

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_gan_flowers.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_gan_flowers.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_gan_flowers.ipynb) · [API](../about/api.ipynb#exercises-flowers_gan_flowers)

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
# The exercises stand in [the lesson](../flowers/gan_flowers.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_gan_flowers

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. How many images until then?

# %%
#| exports
def check_images_until(images_until): # (history, distance) -> a number of images, or None
    """Whether `images_until` finds the first epoch that is good enough, over epochs without a
    measurement."""
    def ask(distances, limit):
        rows = [dict(epoch=i + 1, images_seen=100 * (i + 1), pixel_frechet=d)
                for i, d in enumerate(distances)]
        try: return images_until(rows, limit)
        except TypeError:
            raise AssertionError(
                "None is no distance: in some epochs nothing was measured") from None
    assert ask([9.0, 5.0, 3.0], 1.0) is None, "never good enough is None"
    found = ask([9.0, 5.0, 3.0, 2.0], 5.0)
    assert found != 2, "images were asked for, not epochs"
    assert found != 300, "a distance of exactly 5 reaches 5: compare with ≤"
    assert found == 200, f"the second epoch reaches it, after 200 images, not {found}"
    assert ask([9.0, 4.0, 8.0, 3.0], 5.0) == 200, (
        "the first time was asked for, even if it gets worse again")
    assert ask([None, None, 4.0], 5.0) == 300, (
        "None is no distance: in some epochs nothing was measured")
    assert ask([None, 9.0, None], 5.0) is None and ask([], 5.0) is None, (
        "nothing measured, nothing reached")
    print("correct: the first measurement that is good enough")


# %%
def good_until(history, distance):
    return next((row["images_seen"] for row in history if row["pixel_frechet"] is not None
                 and row["pixel_frechet"] <= distance), None)

def the_best(history, distance):
    rows = [row
            for row in history if row["pixel_frechet"] is not None
            and row["pixel_frechet"] <= distance]
    return min(rows, key=lambda row: row["pixel_frechet"])["images_seen"] if rows else None

check_images_until(good_until)
assert rejects(check_images_until,
               lambda history, d: next((r["images_seen"]
                                        for r in history if r["pixel_frechet"] <= d), None),
               "None is no distance")
assert rejects(check_images_until,
               lambda history, d: next((r["images_seen"]
                                        for r in history if (r["pixel_frechet"] or 0) <= d), None),
               "None is no distance")
assert rejects(check_images_until,
               lambda history, d: next((r["epoch"]
                                        for r in history if r["pixel_frechet"] is not None
                                        and r["pixel_frechet"] <= d), None), "not epochs")
assert rejects(check_images_until, the_best, "200 images")


# %% [markdown]
# ## 2. Does the brightness leak?

# %%
#| exports
def check_spread_ratio(spread_ratio): # (real, samples), uint8 [N, H, W, C] -> a number
    """Whether `spread_ratio` compares how the mean brightness varies between images, in floating
    point."""
    rng = np.random.default_rng(0)
    def pictures(spread, texture=30, n=400):
        light = 128 + spread * rng.standard_normal((n, 1, 1, 1))
        return np.clip(light + texture * rng.standard_normal((n, 8, 8, 3)), 0, 255).astype(np.uint8)
    real, wide, textured = pictures(10), pictures(20), pictures(10, texture=60)
    found = float(spread_ratio(real, wide))
    assert abs(found - 0.5) > 0.08, "it is upside down: samples are compared with real images"
    assert abs(found - 4) > 0.8, "the deviations were asked for, not the variances: take the root"
    assert abs(found - 2) < 0.25, (
        f"the brightness of these samples varies twice as much, and this says {found:.2f}: one "
        "mean per image, then the deviation of the means")
    texture = float(spread_ratio(real, textured))
    assert abs(texture - 1) < 0.25, (
        f"a rougher texture is no other brightness, and this says {texture:.2f}: first "
        "the mean of each image")
    assert abs(float(spread_ratio(real, real)) - 1) < 1e-6, "equal images have a ratio of 1"
    assert abs(float(spread_ratio(real, wide[:100])) - 2) < 0.4, (
        "there may be fewer samples than real images")
    print("correct: one mean per image, and how the means vary")


# %%
def ratio(statistic):
    return lambda real, samples: statistic(samples.astype(float)) / statistic(real.astype(float))

check_spread_ratio(ratio(lambda x: x.mean((1, 2, 3)).std()))
assert rejects(check_spread_ratio, ratio(lambda x: x.mean((1, 2, 3)).var()), "take the root")
assert rejects(check_spread_ratio, ratio(lambda x: 1 / x.mean((1, 2, 3)).std()), "upside down")
assert rejects(check_spread_ratio, ratio(lambda x: x.std()), "one mean per image")
