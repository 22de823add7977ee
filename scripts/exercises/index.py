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
# - order: 27

# %% [markdown]
# Each lesson ends with exercises, and each exercise has a check: a function that takes your answer, says in one line
# that it is right, or names the likely mistake. The lessons import the checks from `gan_course.exercises`, one module a
# lesson; these pages show their source, the answers they accept and the wrong ones they reject. Read them after you
# have tried.
