# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How to add a lesson, in ten minutes
#
# > From an empty text file to a page, a module and tests that hold them together
#
# - order: 116

# %% [markdown]
# This page follows one small lesson from its first line to the pull request. The example is complete; a test copies it from
# here, does what the page says, and uses the module that comes out.
#
# ## 1. A clone that works
#
# ```
# git clone ADDRESS-OF-YOUR-FORK gan_course
# cd gan_course
# make test
# make hooks
# ```
#
# `make test` makes the environment `.venv` and runs everything once, so that you know later what is yours. It needs Python
# 3.11 to 3.13 and no GPU. `make hooks` lets git clean and export notebooks before each commit.

# %% [markdown]
# ## 2. Write the lesson as text
#
# A lesson is a notebook, and each notebook has a text copy in `scripts/`. Begin with the text: it is easier to edit, to search and
# to review. Put this into `scripts/foundations/moments.py`.
#
# ```python
# # %% [markdown]
# # # Two moments
# #
# # > What the mean and the deviation of an image say, and what they do not
#
# # %% [markdown]
# # **You will be able to** say how bright an image is and how much contrast it has, and show two
# # images that these numbers cannot tell apart.
# #
# # **You need** numpy. **It takes** five minutes; every cell runs at once, on any computer.
#
# # %%
# #| default_exp moments
#
# # %%
# #| exports
# import numpy as np
#
# # %% [markdown]
# # ## Brightness and contrast
# #
# # What should the two numbers be for an image that is half black and half white?
#
# # %%
# #| exports
# def moments(images, # [N, H, W, C], uint8
#     ):              # [N, 2]: mean and deviation of each image, black 0 and white 1
#     "Brightness and contrast of each image."
#     flat = np.asarray(images).reshape(len(images), -1) / 255
#     return np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)
#
# # %%
# half = np.zeros((1, 4, 4, 1), np.uint8)
# half[:, :2] = 255
# moments(half)
#
# # %%
# assert np.allclose(moments(half), [[0.5, 0.5]])
# stripes = np.zeros_like(half)
# stripes[:, ::2] = 255
# assert np.allclose(moments(half), moments(stripes)) # other images, the same moments
#
# # %% [markdown]
# # ## What to remember
# #
# # - Two numbers per image do not see where anything is.
# ```
#
# What is special about it:
#
# - `#| default_exp moments` names the module, `gan_course/moments.py`. A lesson without it makes no module.
# - `#| exports` puts a cell into the module and leaves its source on the page. Each such cell is followed at once by a use, and
#   by an assertion that fails if the cell is wrong.
# - Ask before you answer, explain before you name, and let a cell show what the sentence above it says.

# %% [markdown]
# ## 3. Give it a place
#
# Add `foundations/moments` to `reading-order` in `_quarto.yml`, after the lessons it builds on. A module may import only from
# lessons before its own; a test looks.
#
# ## 4. From text to lesson
#
# ```
# make lesson NB=foundations/moments
# make stamp
# make sync
# ```
#
# The first makes the notebook `nbs/foundations/moments.ipynb`, exports the module, runs the lesson in full and keeps the
# outputs. The second adds the links to Colab and Kaggle, the cell that installs the package there, and the place in the
# sidebar. The third brings text copies and the pages that are made from the modules up to date; those who prefer
# Jupyter edit the notebook from now on, and call it after each change.
#
# ## 5. Exercises
#
# Two to four, at the end. Each has a check that accepts the folded solution and rejects the two or three most common wrong
# answers with a hint at the mistake. Checks live in a notebook of their own,
# [for example](../exercises/objective.ipynb), so that the module holds only what the course needs; a test in
# `tests/exercises/` holds both sides. The line `#| code-fold: true` folds a solution on the site; `make stamp` folds the same cell in
# JupyterLab, on Colab and on Kaggle.
#
# ## 6. Test and hand in
#
# ```
# make test ARGS="nbs/foundations/moments.ipynb tests/contract"
# make test
# ```
#
# The first takes a minute or two and finds most things: a notebook that was not cleaned, a module that differs from it, a broken
# link, a picture without alt text, a heading that skips a level, outputs from a fast run. A change that users notice gets a line
# in `CHANGELOG.md`. Then open the pull request.

# %% [markdown]
# ## What reviewers look at
#
# - **Does it teach?** One idea, first in its smallest form that runs, then what is wrong with it, then the next form.
# - **Is it true?** A number on the page comes from a cell or from a run in the repository, with its [interval](glossary.ipynb#gl-interval).
# - **Does it run anywhere?** On a laptop's processor, on Colab and Kaggle, without a network (with the drawn data sets). Paths
#   are `pathlib.Path`, and nothing is installed beyond the extra of the track.
# - **Can everybody read it?** Alt text says what is seen; colours survive greyscale; no line of code above 100 characters.
# - **Fast and full.** A lesson that trains takes its [budget](glossary.ipynb#gl-budget) from
#   [`budget(full=30, fast=1)`](../foundations/start.ipynb), so that tests run the same code in little time.
#
# How notebooks become modules, pages and links is explained in [How this site is built](site.ipynb).
