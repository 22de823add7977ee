# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How these lessons run
#
# > One switch between a quick look and a full run, and one kind of error that says what to do

# %%
#| default_exp basics

# %%
#| exports
import os

# %% [markdown]
# ## Errors that say what to do

# %%
#| exports
class CourseError(Exception):
    "Something the user can put right: the message is one line that says what is wrong and what to do."

# %%
#| exports
def is_fast() -> bool:
    "Whether `GAN_COURSE_FAST` asks for the short version of every lesson (any value but empty, `0`, `false` or `no`)."
    return os.environ.get("GAN_COURSE_FAST", "").strip().lower() not in ("", "0", "false", "no")


# %%
#| exports
def budget(full, # what a real run uses: epochs, images, seeds, ...
           fast, # what a CI run uses; smaller, but still real work
    ): # one of the two
    "`fast` when `GAN_COURSE_FAST=1` is set, else `full`."
    return fast if is_fast() else full
