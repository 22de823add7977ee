# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How these lessons run
#
# > One switch between a quick look and a full run, and one kind of error that says what to do
#
# - order: 1

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/start.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/start.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/start.ipynb) · [API](../about/api.ipynb#foundations-start)

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
# **You will be able to** run any lesson in a short and in a full version, tell from a cell's output which of the two
# you are looking at, and write code whose errors say what to do.
#
# **You need** Python and a little patience with functions. **It takes** ten minutes; every cell runs at once.
#
# Each page of this course is a notebook that runs from top to bottom. Its code is not only for show: the cells that the
# page marks as *Exported source* are, word for word, the modules of the package `gan_course`, so what you read here is
# what `gan-course train` runs.

# %%
#| default_exp basics

# %%
#| exports
import os
from contextlib import contextmanager


# %% [markdown]
# ## A full run and a fast one
#
# The pictures and numbers on these pages come from full runs: ten [epochs](../about/glossary.ipynb#gl-epoch) and more, sixty thousand images. To check that every
# lesson still runs, a computer repeats all of them after each change, and nobody wants to wait hours for that. So a
# lesson has two lengths, and the environment variable `GAN_COURSE_FAST` chooses.
#
# The first idea that comes to mind is a test wherever something takes long:

# %%
def epochs_to_train():
    if os.environ.get("GAN_COURSE_FAST"): return 1
    return 30


# %% [markdown]
# It runs, but look closer. Someone switches the [fast mode](../about/glossary.ipynb#gl-fast-mode) off with `GAN_COURSE_FAST=0`. **Predict:** how many epochs will
# that be?

# %%
before = os.environ.get("GAN_COURSE_FAST") # put back at the end of this section
os.environ["GAN_COURSE_FAST"] = "0"
epochs_to_train()


# %% [markdown]
# One: environment variables are text, and `"0"` is text that is not empty, which Python takes for true. The question is
# asked in one place, and answered with care there:

# %%
#| exports
def is_fast() -> bool:
    """Whether `GAN_COURSE_FAST` asks for the short version of every lesson (any value but empty,
    `0`, `false` or `no`)."""
    return os.environ.get("GAN_COURSE_FAST", "").strip().lower() not in ("", "0", "false", "no")


# %%
def fast_when(value):
    os.environ["GAN_COURSE_FAST"] = value
    return is_fast()

{value: fast_when(value) for value in ["1", "yes", "0", "no", "False", " "]}

# %%
assert fast_when("1") and fast_when("true")
assert not any(fast_when(value) for value in ["0", "no", "False", " ", ""])


# %% [markdown]
# What differs between the two versions is always a number: epochs, images, [seeds](../about/glossary.ipynb#gl-seed). A fast lesson takes real optimiser
# steps with the real code, only fewer, so that what breaks in the full version breaks in the fast one too. A second
# function holds both numbers side by side, where a reader sees at a glance what the full run does.

# %%
#| exports
def budget(full, # what a real run uses: epochs, images, seeds, ...
           fast, # what a CI run uses; smaller, but still real work
    ): # one of the two
    "`fast` when `GAN_COURSE_FAST=1` is set, else `full`."
    return fast if is_fast() else full


# %%
os.environ["GAN_COURSE_FAST"] = "1"
budget(full=30, fast=1)

# %%
assert budget(full=30, fast=1) == 1
os.environ["GAN_COURSE_FAST"] = ""
assert budget(full=30, fast=1) == 30

# %% [markdown]
# We leave the switch as we found it, for the rest of this notebook:

# %%
if before is None: del os.environ["GAN_COURSE_FAST"]
else: os.environ["GAN_COURSE_FAST"] = before


# %% [markdown]
# A lesson that trains prints, as its last line, where its numbers come from: the data set and its [checksum](../about/glossary.ipynb#gl-checksum), epochs, seed,
# time, computer, versions, and whether the run was fast. The line begins with `provenance:`; the lesson on
# [run folders](runs.ipynb) writes it. When a picture on a page looks better than yours, compare these lines first.

# %% [markdown]
# ## Errors that say what to do
#
# Much of what goes wrong when one trains a network has nothing to do with networks: a mistyped option, a download cut
# short, a full disk. Here is a function as one writes it at first:

# %%
def read_epochs(text):
    return int(text)

try: read_epochs("ten")
except ValueError as error: print(error)


# %% [markdown]
# The message is true and of no help: what is base 10, and what should one type instead? And on the command line, twenty
# lines of traceback stand above it. A useful message says two things, *what is wrong* and *what to do*. Errors that the
# user can put right get a class of their own:

# %%
#| exports
class CourseError(Exception):
    """Something the user can put right: the message is one line that says what is wrong and what to
    do."""


# %%
def read_epochs(text):
    try: epochs = int(text)
    except ValueError:
        raise CourseError(f"epochs is {text!r}; give a whole number, such as 30") from None
    if epochs < 1: raise CourseError(f"epochs is {epochs}; give 1 or more")
    return epochs

for text in ["ten", "0", "30"]:
    try: print(read_epochs(text))
    except CourseError as error: print("CourseError:", error)


# %% [markdown]
# Why a class of its own, and not `ValueError`? Because the command must tell the two kinds apart. It turns a
# `CourseError` into one line and the exit status 2. Every other exception is a mistake in the course's code, and keeps
# its traceback, which is what one needs to find it.

# %%
def run(command, *args):
    "What `gan-course` does around every command."
    try: command(*args)
    except CourseError as error:
        print(f"gan-course: {error}")
        return 2
    return 0

run(read_epochs, "ten")

# %%
assert run(read_epochs, "30") == 0 and run(read_epochs, "ten") == 2
try: run(read_epochs, None)
except TypeError: pass # our mistake, not the user's: it must not be hidden
else: raise AssertionError("a mistake in the code was taken for a user's error")


# %% [markdown]
# One line helps only if it is not lost among others. Some libraries write notes to stderr from C++, where Python's `redirect_stderr` does not reach; TensorFlow fills a page with them
# while it is imported. For such a moment stderr can be led nowhere, one level down, at the file descriptor:

# %%
#| exports
@contextmanager
def no_stderr():
    "What is written to stderr inside is lost, by C++ too; exceptions are not."
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere: os.dup2(nowhere.fileno(), 2)
    try: yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


# %%
import subprocess
import sys

# %%
said = subprocess.run([sys.executable, "-c", """
import os
from gan_course.basics import no_stderr
with no_stderr(): os.system("echo a page of notes >&2")
os.system("echo what matters >&2")
"""], capture_output=True, text=True).stderr
assert said == "what matters\n"

# %% [markdown]
# ## Exercises
#
# An exercise comes with a check that takes your answer and either accepts it or names the likely mistake. Write your own
# cell before you unfold the solution.

# %%
from gan_course.exercises.start import check_budget, check_message


# %% [markdown]
# ### 1. Three lengths
#
# A colleague wants a third length, for a lecture: `GAN_COURSE_FAST=demo` gives an answer of its own. Write
# `three_way(full, demo, fast)` so that `demo` is chosen for that value only, in capitals or not, and everything else is
# as before.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def three_way(full, demo, fast):
    if os.environ.get("GAN_COURSE_FAST", "").strip().lower() == "demo": return demo
    return budget(full, fast)

check_budget(three_way)


# %% [markdown]
# ### 2. A better message
#
# Write `read_rate(text)`: it returns the [learning rate](../about/glossary.ipynb#gl-learning-rate) in `text` as a float, and raises a `CourseError` for what is not
# a number and for what is not above zero (careful: `float("nan")` is a number to Python). The message is one line and
# names both the text it was given and an example of what to give.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def read_rate(text):
    try: rate = float(text)
    except ValueError: rate = 0.0
    if not 0 < rate < float("inf"):
        raise CourseError(f"the learning rate is {text!r}; give a number above zero, such as 2e-4")
    return rate

check_message(read_rate)

# %% [markdown]
# ## What to remember
#
# - `GAN_COURSE_FAST=1` makes every lesson short; nothing else does. `budget(full=..., fast=...)` holds both numbers.
# - A `CourseError` is for the user, in one line: what is wrong, what to do. Everything else keeps its traceback.
# - **What goes wrong:** your samples are far worse than the page's, after seconds of training: `GAN_COURSE_FAST` is still
#   set in your shell; `is_fast()` tells. A lesson warns that it draws on *garments* instead of photographs: the data
#   could not be found or downloaded, and [the next lesson](datasets.ipynb) says how to get it.
#
# **References.** Environment variables: [`os.environ`](https://docs.python.org/3/library/os.html#os.environ). Exit
# statuses: [`sys.exit`](https://docs.python.org/3/library/sys.html#sys.exit), which explains the custom of 2 for a
# mistake on the command line.
