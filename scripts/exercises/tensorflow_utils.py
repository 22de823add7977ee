# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: seeds and measurements (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of Seeds, measurements and grids (TensorFlow)
#
# - skip_showdoc: true
# - order: 79

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_utils.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_utils.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_utils.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_utils)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tensorflow]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../tensorflow/utils.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_utils

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import itertools

import numpy as np
import tensorflow as tf

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Seeds that never meet

# %%
#| exports
def check_seed(seed_of): # (run, iteration, draw) -> two numbers
    "Whether `seed_of` gives every draw of every iteration of every run a seed of its own."
    def ask(*given):
        seed = tf.convert_to_tensor(seed_of(*given))
        assert seed.shape == (2,) and seed.dtype.is_integer, (
            f"tf.random.stateless_* take two whole numbers, not {seed.dtype.name} "
            f"{list(seed.shape)}")
        return tuple(seed.numpy().tolist())
    assert ask(3, 5, 7) == ask(3, 5, 7), (
        "the same draw got two seeds: nothing random belongs into it")
    assert ask(0, 0, 1) != ask(0, 1, 0), (
        "draw 1 of iteration 0 and draw 0 of iteration 1 share a seed: a sum forgets its parts; "
        "leave room for 1,024 draws in each iteration")
    assert ask(0, 1, 0) != ask(1, 0, 0) and ask(0, 0, 1) != ask(1, 0, 0), (
        "iteration 1 of run 0 is iteration 0 of run 1: keep the run in a number of its own")
    seen = {}
    for given in itertools.product(
            (0, 1, 5, 1024), (0, 1, 2, 5, 1023, 1024, 5000), (0, 1, 2, 1000, 1023)):
        other = seen.setdefault(ask(*given), given)
        assert other == given, f"run, iteration, draw {given} has the seed of {other}"
    def large(message, function, *given):
        try: return function(*given)
        except AssertionError: raise
        except Exception as error: # TensorFlow has a dozen ways to say it
            raise AssertionError(f"{message} ({type(error).__name__})") from None
    late = large("three million iterations of 1,024 draws are more than int32 can count: use int64",
                 ask, 0, 3_000_000, 0)
    assert late != ask(0, 3_000_000 - 2**22, 0) and ask(0, 2**22, 0) != ask(0, 0, 0), (
        "after four million iterations the seeds begin again: int32 has counted round; use int64")
    largest = large("a run's seed may be as large as 2**63 - 1: use int64", ask, 2**63 - 1, 0, 0)
    assert largest != ask(2**31 - 1, 0, 0), "the seed of a run was cut off"
    def traced(iteration): return tf.cast(seed_of(3, iteration, 7), tf.int64)
    def inside(iteration): return tf.function(traced).get_concrete_function(iteration)(iteration)
    for dtype in (tf.int32, tf.int64):
        for iteration in (5, 3_000_000):
            got = large("it fails in a tf.function, where the iteration is a tensor without a "
                        "number: no NumPy, no .numpy()",
                        inside, tf.constant(iteration, dtype))
            assert tuple(got.numpy().tolist()) == ask(3, iteration, 7), (
                f"with iteration {iteration:,} as an {dtype.name} tensor it gives another seed "
                "than with a number: cast to int64 before you multiply")
    print("correct: no two draws share a seed, in a tf.function too")


# %%
def good_seed(run, iteration, draw):
    return tf.stack([tf.constant(run, tf.int64), tf.cast(iteration, tf.int64) * 1024 + draw])

def summed(run, iteration, draw): return tf.stack([run, iteration + draw])
def run_added(run, iteration, draw): return tf.stack([run + iteration, draw])
def in_numpy(run, iteration, draw): return np.array([run, iteration * 1024 + draw])
def small(run, iteration, draw): return tf.stack([run, iteration * 1024 + draw])
def late_cast(run, iteration, draw):
    return tf.stack([tf.constant(run, tf.int64), tf.cast(iteration * 1024 + draw, tf.int64)])

check_seed(good_seed)
assert rejects(check_seed, summed, "a sum forgets its parts")
assert rejects(check_seed, run_added, "a number of its own")
assert rejects(check_seed, in_numpy, "no NumPy")
assert rejects(check_seed, small, "before you multiply")
assert rejects(check_seed, late_cast, "before you multiply")


# %% [markdown]
# ## 2. A network with a sigmoid

# %%
#| exports
def check_bytes(to_bytes): # takes a float tensor, gives uint8 numbers
    "Whether `to_bytes` takes [0, 1] to the nearest of 256 levels, and what is outside to the ends."
    def ask(values): return np.asarray(to_bytes(tf.constant(values, tf.float32)))
    levels = np.arange(256)
    got = ask(levels / 255)
    assert got.dtype == np.uint8, f"expected uint8, got {got.dtype}"
    black, white = ask([0.0, 1.0]).tolist()
    assert black or white, "white became black: 256 does not fit into a byte; multiply by 255"
    assert black != 128, "0 became grey: that is the way from [-1, 1], and here is [0, 1]"
    assert (black, white) == (0, 255), f"0 became {black} and 1 became {white}, not 0 and 255"
    between = ask([0.1, 100.6 / 255, 200.9 / 255]).tolist()
    assert between[1:] == [101, 201], (
        f"100.6 and 200.9 levels became {between[1]} and {between[2]}: round to the nearest")
    assert (got == levels).all(), "levels k/255 must become k"
    outside = ask([-0.02, 1.02]).tolist()
    assert outside == [0, 255], (
        f"-0.02 and 1.02 became {outside[0]} and {outside[1]}: clip before converting")
    print("correct: the nearest level, and nothing wraps round")


# %%
def good_bytes(x): return tf.cast(tf.clip_by_value(tf.round(x * 255), 0, 255), tf.uint8)
def no_clip(x): return tf.cast(tf.cast(tf.round(x * 255), tf.int32), tf.uint8)
def by_256(x): return tf.cast(tf.cast(x * 256, tf.int32), tf.uint8)
def cut_off(x): return tf.cast(tf.clip_by_value(x, 0, 1) * 255, tf.uint8)

check_bytes(good_bytes)
check_bytes(lambda x: tf.saturate_cast(tf.round(x * 255), tf.uint8))
assert rejects(check_bytes, cut_off, "round to the nearest")
assert rejects(check_bytes, by_256, "multiply by 255")
assert rejects(check_bytes, no_clip, "clip before")
assert rejects(check_bytes, lambda x: good_bytes((x + 1) / 2), "from [-1, 1]")
assert rejects(check_bytes, lambda x: tf.round(x * 255), "expected uint8")


# %% [markdown]
# ## 3. The worst of an epoch

# %%
#| exports
def check_maximum(Maximum): # a class: Maximum(), add(tensor), value()
    "Whether `Maximum` keeps the largest number, also of steps that run inside of a `tf.function`."
    def after(*numbers):
        most = Maximum()
        for number in numbers: most.add(tf.constant(number))
        return most.value()
    assert after(1.0, 3.0, 2.0) is not None, "value() gives nothing"
    assert after(1.0, 3.0, 2.0) != 2.0, "the last number is not the largest one"
    assert after(1.0, 3.0, 2.0) == 3.0, f"of 1, 3, 2 it gives {after(1.0, 3.0, 2.0)}"
    negative = after(-2.0, -1.0, -3.0)
    assert negative != 0, "of -2, -1, -3 it gives 0: begin with minus infinity"
    assert negative == -1.0, f"of -2, -1, -3 it gives {negative}"
    assert isinstance(negative, float), f"value() gives {type(negative).__name__}, not a float"
    most = Maximum()
    def loop(numbers):
        for i in tf.range(3): most.add(numbers[i])
    symbol = ("Python ran once, while the function was traced, and kept a symbol without a number: "
              "keep the maximum in a tf.Variable and assign to it")
    try:
        steps = tf.function(loop).get_concrete_function(tf.TensorSpec((3,), tf.float32))
        steps(tf.constant([1.0, 3.0, 2.0]))
        first = most.value()
        steps(tf.constant([0.0, 5.0, 4.0])) # Python does not see these
        second = most.value()
        steps(tf.constant([-1.0, -1.0, -1.0]))
        third = most.value()
    except Exception as error: # TensorFlow has a dozen ways to say it
        said = f"{type(error).__name__} {error}"
        made = any(hint in said
                   for hint in ("Unliftable", "singleton tf.Variable", "non-first call"))
        raise AssertionError(
            "a variable is made in `add`, in every step: make it in __init__" if made else
            f"in a tf.function it fails ({type(error).__name__}): {symbol}") from None
    assert first == 3.0, f"after 1, 3, 2 in a tf.function it gives {first}: {symbol}"
    assert second == 5.0 and third == 5.0, (
        f"after later calls it gives {second} and {third}, not 5: {symbol}")
    one, two = Maximum(), Maximum()
    one.add(tf.constant(1.0)); two.add(tf.constant(2.0))
    assert one.value() == 1.0, (
        "two of them share their number: it belongs to the object, not to the class")
    print("correct: the largest number, also of steps inside of a tf.function")


# %%
class GoodMaximum:
    def __init__(self): self.largest = tf.Variable(-np.inf)
    def add(self, value): self.largest.assign(tf.maximum(self.largest, value))
    def value(self): return float(self.largest)

class InPython(GoodMaximum):
    def __init__(self): self.largest = tf.constant(-np.inf)
    def add(self, value): self.largest = tf.maximum(self.largest, value)

class Listed(GoodMaximum):
    def __init__(self): self.seen = []
    def add(self, value): self.seen.append(value)
    def value(self): return max(float(value) for value in self.seen)

class Waiting(GoodMaximum):
    def add(self, value): self.largest.assign(max(float(self.largest), float(value)))

class FromZero(GoodMaximum):
    def __init__(self): self.largest = tf.Variable(0.0)

check_maximum(GoodMaximum)
for answer in (InPython, Listed, Waiting): assert rejects(check_maximum, answer, "in a tf.Variable")
assert rejects(check_maximum, FromZero, "minus infinity")
