# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: results
#
# > What accepts or rejects an answer to the exercises of [Results](../about/results.ipynb)
#
# - order: 107

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/results.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/results.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/results.ipynb) · [API](../about/api.ipynb#exercises-results)

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

# %%
#| default_exp exercises.results

# %% [markdown]
# A check takes the learner's function, raises `AssertionError` with a hint at the likely mistake, and says so in one
# line when all is well. Each check is followed by the solution it accepts and the usual wrong answers it rejects.

# %%
import statistics

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. A headline

# %%
#| exports
def check_headline(headline_of): # takes the distances of some seeds
    "Whether it is the median, the lowest and the highest."
    def numbers(distances): return tuple(round(float(x), 6) for x in headline_of(list(distances)))
    lucky = [2.0, 9.0, 2.2]
    got, hint = numbers(lucky), ""
    if len(got) != 3: hint = "three numbers: median, lowest, highest"
    elif got[0] == 4.4:
        hint = "that is the mean: one unlucky seed of three moves it far, the median not at all"
    elif got[0] == 2.0:
        hint = "that is the best seed, which says what luck can do and not what the recipe does"
    elif got[0] == 9.0: hint = "in the middle of the sorted values, not of the list"
    elif got[1:] == (9.0, 2.0): hint = "the lowest before the highest"
    assert got == (2.2, 2.0, 9.0), f"{got}, not (2.2, 2.0, 9.0). {hint}"
    got = numbers([1.0, 4.0, 2.0, 3.0])
    assert got == (2.5, 1.0, 4.0), (
        f"{got}: of an even number of seeds the median lies between the two in "
        "the middle, here 2.5")
    assert numbers([3.5]) == (3.5, 3.5, 3.5), "one seed is all three at once"
    print("correct: the recipe's middle, and how far luck carries")


# %%
def answer(first): return lambda distances: (first(distances), min(distances), max(distances))

check_headline(answer(statistics.median))
assert rejects(check_headline, answer(statistics.mean), "mean")
assert rejects(check_headline, answer(min), "best seed")
assert rejects(check_headline, answer(lambda d: d[len(d) // 2]), "sorted")
assert rejects(check_headline, answer(statistics.median_low), "even number")
assert rejects(check_headline, lambda d: (statistics.median(d), max(d), min(d)), "before")


# %% [markdown]
# ## 2. At equal images

# %%
#| exports
def check_at_equal_images(at_equal_images): # takes a history and a number of images
    "Whether it is the last row that had seen no more."
    def history(step, epochs):
        return [dict(epoch=i + 1, images_seen=step * (i + 1), frechet=10.0 / (i + 1))
                for i in range(epochs)]
    def epoch(rows, mark):
        row = at_equal_images(rows, mark)
        return row if row is None else row["epoch"]
    rows = history(1000, 10)
    got = epoch(rows, 3700)
    assert got != 10, "that is the end of the run: the other one had seen fewer images"
    assert got != 4, (
        "row 4 had seen 4,000 images, more than 3,700: the nearest row may have had an advantage")
    assert got == 3, f"epoch {got}, not 3, after which 3,000 of 3,700 images had been seen"
    assert epoch(history(500, 10), 3700) == 7, (
        "count images, not epochs: another run may have had half as many in each")
    assert epoch(rows, 4000) == 4, "a row that had seen exactly so many counts"
    assert epoch(rows, 12_000) is None, "the run ended before: None, as its last row had seen fewer"
    assert epoch(rows, 900) is None, "before the first row nothing is known: None"
    print("correct: nobody gets a head start")


# %%
def at_equal_images(history, mark, latest=True):
    if latest and history[-1]["images_seen"] < mark: return None
    before = [row for row in history if row["images_seen"] <= mark]
    return before[-1] if before else None

check_at_equal_images(at_equal_images)
assert rejects(check_at_equal_images, lambda h, mark: h[-1], "end of the run")
assert rejects(check_at_equal_images,
               lambda h, mark: min(h, key=lambda r: abs(r["images_seen"] - mark)), "advantage")
assert rejects(check_at_equal_images, lambda h, mark: h[min(len(h), mark // 1000) - 1],
               "count images")
assert rejects(check_at_equal_images, lambda h, mark: at_equal_images(h, mark - 1), "exactly")
assert rejects(check_at_equal_images, lambda h, mark: at_equal_images(h, mark, latest=False),
               "ended before")
