# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the command
#
# > What accepts or rejects an answer to the exercises of The command
#
# - order: 108

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/command.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/command.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/command.ipynb) · [API](../about/api.ipynb#exercises-command)

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
# The exercises stand in [the lesson](../about/command.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.command

# %%
#| exports
import contextlib
import io

from gan_course.basics import CourseError

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. An exit status

# %%
#| exports
def check_status(status): # takes a function without arguments, returns an exit status
    "Whether `status` turns what a command raises into an exit status, and hides no mistake."
    def outcome(error=None):
        def command():
            if error is not None: raise error
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return status(command), out.getvalue(), err.getvalue()
    got, out, err = outcome()
    assert got == 0 and not out + err, f"a command that works gives 0 and says nothing, not {got!r}"
    got, out, err = outcome(CourseError("the disk\nis full"))
    assert got == 2, f"a CourseError gives 2, not {got!r}"
    assert not out, "errors go to standard error (file=sys.stderr): standard output is for results"
    assert err.startswith("demo: ") and "the disk" in err, f"say demo: and the message, not {err!r}"
    assert err.count("\n") == 1, "one line: join the parts of the message with spaces"
    got, out, err = outcome(KeyboardInterrupt())
    assert got == 130, f"Ctrl-C gives 130, not {got!r}"
    try: got = outcome(KeyError("lr"))[0]
    except KeyError: pass
    else: raise AssertionError(
        f"a KeyError is a mistake in the code, and was hidden behind {got!r}: "
        "catch CourseError only")
    print("correct: the user reads one line, and our own mistakes keep their traceback")


# %%
import sys


# %%
def answer(kind=CourseError, file=lambda: sys.stderr,
           text=lambda error: " ".join(str(error).split())):
    def status(command):
        try: command()
        except kind as error:
            print("demo:", text(error), file=file())
            return 2
        except KeyboardInterrupt: return 130
        return 0
    return status

check_status(answer())

# %%
assert rejects(check_status, answer(kind=Exception), "was hidden")
assert rejects(check_status, answer(file=lambda: sys.stdout), "standard output is for results")
assert rejects(check_status, answer(text=str), "one line")


# %% [markdown]
# ## 2. The last one counts

# %%
#| exports
def check_last(last): # (arguments, name) -> text or None
    "Whether `last` reads an option as a command line means it."
    def given(*arguments):
        try: return last(list(arguments), "--recipe")
        except IndexError:
            raise AssertionError("an option at the end has no value: "
                                 "look before you index") from None
    assert given("--recipe", "dcgan") == "dcgan", "--recipe dcgan should give 'dcgan'"
    assert given("--epochs", "3") is None, "an option that is not there gives None"
    assert given("--recipe=dcgan") == "dcgan", "--recipe=dcgan is the same as --recipe dcgan"
    assert given("--recipe", "dcgan", "--recipe", "modern") == "modern", (
        "given twice, the last one counts")
    assert given("--recipe=dcgan", "--recipe", "modern") == "modern", (
        "given twice, the last one counts, however it is written")
    assert given("--recipe", "modern", "--recipe=a=b") == "a=b", (
        "only the first = divides name and value")
    assert given("--recipes", "x") is None and given("--recipe-file=x") is None, (
        "--recipe-file is another option: compare the whole name")
    assert given("--epochs", "3", "--recipe") is None, "without a value it gives None"
    print("correct: both spellings, and the last one counts")


# %%
def good(arguments, name):
    value = None
    for text, following in zip(arguments, [*arguments[1:], None]):
        if text == name and following is not None: value = following
        if text.startswith(name + "="): value = text.split("=", 1)[1]
    return value

check_last(good)


# %%
def first(arguments, name):
    for i, text in enumerate(arguments):
        if text == name: return arguments[i + 1]
        if text.startswith(name + "="): return text.split("=", 1)[1]

def no_equals(arguments, name):
    return arguments[arguments.index(name) + 1] if name in arguments else None

def prefix(arguments, name):
    value = None
    for text, following in zip(arguments, [*arguments[1:], None]):
        if text.startswith(name): value = text.split("=", 1)[1] if "=" in text else following
    return value

assert rejects(check_last, first, "the last one counts")
assert rejects(check_last, no_equals, "the same as")
assert rejects(check_last, prefix, "another option")
