# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: how these lessons run
#
# > What accepts or rejects an answer to the exercises of How these lessons run
#
# - order: 57

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/start.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/start.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/start.ipynb) · [API](../about/api.ipynb#exercises-start)

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
# The exercises stand in [the lesson](../foundations/start.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.start

# %%
#| exports
import os
from contextlib import contextmanager


# %%
#| exports
@contextmanager
def fast_set_to(value): # text, or None to remove it
    "`GAN_COURSE_FAST` set to `value` inside the block, and put back afterwards."
    before = os.environ.pop("GAN_COURSE_FAST", None)
    if value is not None: os.environ["GAN_COURSE_FAST"] = value
    try: yield
    finally:
        os.environ.pop("GAN_COURSE_FAST", None)
        if before is not None: os.environ["GAN_COURSE_FAST"] = before


# %%
before = os.environ.get("GAN_COURSE_FAST")
with fast_set_to("demo"): assert os.environ["GAN_COURSE_FAST"] == "demo"
with fast_set_to(None): assert "GAN_COURSE_FAST" not in os.environ
assert os.environ.get("GAN_COURSE_FAST") == before

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Three lengths

# %%
#| exports
def check_budget(three_way): # takes what a full, a demonstration and a fast run use
    "Whether `three_way` picks one of its three arguments as the exercise asks."
    def given(value):
        with fast_set_to(value): return three_way("full", "demo", "fast")
    def says(value, hint): return f"GAN_COURSE_FAST={value} gave {given(value)!r}: {hint}"
    assert given("demo") == "demo", says("demo", "is_fast() takes demo for yes, so ask first")
    assert given("DEMO ") == "demo", says("'DEMO '", "strip() and lower() it before comparing")
    assert given("1") == "fast", says("1", "it should be as before")
    assert given("0") == "full", says("0", "text that is not empty is true, '0' too")
    assert given(None) == "full", "without GAN_COURSE_FAST it should be as before"
    print("correct: three lengths, and the old two are as before")


# %%
def setting(): return os.environ.get("GAN_COURSE_FAST", "")

def good(full, demo, fast):
    value = setting().strip().lower()
    return demo if value == "demo" else full if value in ("", "0", "false", "no") else fast

check_budget(good)
def two_way(full, demo, fast): return fast if setting() not in ("", "0") else full
def small_letters(full, demo, fast): return demo if setting() == "demo" else fast

def any_text(full, demo, fast):
    if setting().strip().lower() == "demo": return demo
    return fast if setting() else full

assert rejects(check_budget, two_way, "takes demo for yes")
assert rejects(check_budget, small_letters, "lower()")
assert rejects(check_budget, any_text, "not empty")


# %% [markdown]
# ## 2. A better message

# %%
#| exports
def check_message(read_rate): # takes text, returns a float or raises CourseError
    "Whether good rates come back as floats and every bad one gets a one-line message that helps."
    assert read_rate("2e-4") == 2e-4, f"read_rate('2e-4') gave {read_rate('2e-4')!r}, not 0.0002"
    for text in ["fast", "", "-1", "0", "nan", "inf"]:
        try: got = read_rate(text)
        except Exception as error: # by name: a notebook that defines the class has its own
            kind, message = type(error).__name__, str(error)
            assert kind == "CourseError", (
                f"{text!r} raised {kind}: catch it, and raise a CourseError")
        else:
            hint = "raise a CourseError"
            if text == "nan": hint = "nan is neither above zero nor below: ask 0 < rate"
            raise AssertionError(f"{text!r} was accepted as {got!r}: {hint}")
        assert "\n" not in message and message.strip(), f"the message for {text!r} is not one line"
        assert repr(text) in message or (text and text in message), (
            f"{message!r} does not say what was given, {text!r}")
        assert any(c.isdigit() for c in message.replace(text, "")), (
            f"{message!r} gives no example of what to type")
    print("correct: every bad rate gets one line that helps")


# %%
from gan_course.basics import CourseError


# %%
def answer(accept, message="the rate is {text!r}; give a number above zero, such as 2e-4"):
    def read_rate(text):
        try: rate = float(text)
        except ValueError: rate = 0.0
        if not accept(rate): raise CourseError(message.format(text=text))
        return rate
    return read_rate

check_message(answer(lambda rate: 0 < rate < float("inf")))
assert rejects(check_message, float, "raised ValueError")
assert rejects(check_message, answer(lambda rate: not rate <= 0), "nan is neither")

def allowed(rate): return 0 < rate < float("inf")

assert rejects(check_message, answer(allowed, "not a good rate"), "does not say what was given")
assert rejects(check_message, answer(allowed, "{text!r} is not a good rate"), "no example")
