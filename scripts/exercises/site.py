# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: how this site is built
#
# > What accepts or rejects an answer to the exercises of [How this site is built](../about/site.ipynb)
#
# - order: 109

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/site.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/site.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/site.ipynb) · [API](../about/api.ipynb#exercises-site)

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
#| default_exp exercises.site

# %% [markdown]
# A check takes the learner's function, raises `AssertionError` with a hint at the likely mistake, and says so in one
# line when all is well. Each check is followed by the solution it accepts and the usual wrong answers it rejects.

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Another branch

# %%
#| exports
def check_kaggle_link(kaggle_link): # takes a lesson and the settings, gives an address
    "Whether the address follows owner, name and branch, and names the notebook."
    cfg = dict(user="ada", repo="engine", branch="trunk")
    got = kaggle_link("pytorch/train", cfg)
    assert got.startswith("https://kaggle.com/kernels/welcome?src=https://github.com/"), (
        f"{got} hands no GitHub address to Kaggle: after src= comes all of it, https:// included")
    assert "/blob/trunk/" in got, f"{got} ignores the branch in the settings: is it fixed to main?"
    assert "github.com/ada/engine/" in got, (
        f"{got} is another repository: take user and repo from the settings")
    assert got.endswith("/nbs/pytorch/train.ipynb"), (
        f"{got} does not end in the notebook's path, nbs/ included")
    print("correct: the link follows settings.ini")


# %%
def good(lesson, cfg):
    return ("https://kaggle.com/kernels/welcome?src=https://github.com/"
            f"{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/{lesson}.ipynb")

check_kaggle_link(good)
def on_main(lesson, cfg): return good(lesson, cfg | {"branch": "main"})
def without_folder(lesson, cfg): return good(lesson, cfg).replace("/nbs/", "/")
def without_host(lesson, cfg): return good(lesson, cfg).replace("https://github.com/", "")

assert rejects(check_kaggle_link, on_main, "branch")
assert rejects(check_kaggle_link, without_folder, "nbs/")
assert rejects(check_kaggle_link, without_host, "src=")


# %% [markdown]
# ## 2. A lesson in the wrong place

# %%
#| exports
def check_order(misplaced): # takes the order and the imports, gives the pairs that break the rule
    "Whether exactly the imports from later lessons are found."
    order = ["basics", "datasets", "train"]
    fine = {"basics": [], "datasets": ["basics"], "train": ["basics", "datasets"]}
    got = list(misplaced(order, fine))
    assert got == [], f"{got}: imports from earlier lessons are fine; is it the wrong way round?"
    got = list(misplaced(order, fine | {"basics": ["train"]}))
    assert got == [("basics", "train")], (
        f"{got}: basics imports train, which comes later, and should be found")
    got = list(misplaced(order, fine | {"train": ["train"]}))
    assert got == [("train", "train")], f"{got}: a lesson cannot import itself; >= and not >"
    order = ["start", "model", "engine"] # not in alphabetical order
    got = list(misplaced(order, {"start": [], "model": ["start", "engine"], "engine": ["start"]}))
    assert got == [("model", "engine")], f"{got}: compare places in the order, not the names"
    print("correct: exactly the imports from later lessons are found")


# %%
def answer(wrong):
    return lambda order, imports: sorted(
        (a, b) for a in imports for b in imports[a] if wrong(order.index(a), order.index(b), a, b))

check_order(answer(lambda i, j, a, b: j >= i))
assert rejects(check_order, answer(lambda i, j, a, b: j < i), "wrong way round")
assert rejects(check_order, answer(lambda i, j, a, b: j > i), ">=")
assert rejects(check_order, answer(lambda i, j, a, b: b >= a), "names")
