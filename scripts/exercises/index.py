# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise checks
#
# > What accepts or rejects an answer, lesson by lesson
#
# - order: 56

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/index.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/index.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/index.ipynb) · [API](../about/api.ipynb#exercises-index)

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
# Each lesson ends with exercises, and each exercise has a check: a function that takes your answer, says in one line
# that it is right, or names the likely mistake. The lessons import the checks from `gan_course.exercises`, one module a
# lesson; these pages show their source, the answers they accept and the wrong ones they reject. Read them after you
# have tried.

# %% [markdown]
# A check is worth as much as the wrong answers it refuses, and for the right reason. So each of these pages holds some usual
# mistakes against it, and asks that the message names the mistake:

# %%
#| default_exp exercises.__init__

# %%
#| exports
def rejects(check, *answer_and_hint): # what the check takes, and last a part of the message
    "Whether `check` refuses an answer with a message that holds the hint."
    *answer, hint = answer_and_hint
    try: check(*answer)
    except AssertionError as error: return hint in str(error)
    return False


# %%
def check_double(double):
    assert double(0) == 0, "twice nothing is nothing"
    assert double(3) == 6, f"twice three is six, not {double(3)}"

assert rejects(check_double, lambda x: x**2, "is six, not 9")
assert rejects(check_double, lambda x: 2 * x + 1, "nothing")
assert not rejects(check_double, lambda x: x**2, "nothing"), "refused, for another reason"
rejects(check_double, lambda x: 2 * x, "")
