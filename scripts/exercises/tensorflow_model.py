# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the two networks (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of The two networks (TensorFlow)
#
# - skip_showdoc: true
# - order: 81

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_model.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_model.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_model.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_model)

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
# The exercises stand in [the lesson](../tensorflow/model.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_model

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import random

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from gan_course.tensorflow.model import Generator, count_parameters

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Where the padding goes
#
# The check asks Keras. A convolution with a kernel of powers of two, over an image of ones, tells by the number in its first
# and its last pixel which weights met the image there.

# %%
#| exports
def rows_met(size, kernel, stride): # of an image, a convolution and its stride; `padding="same"`
    "Which rows of the kernel meet the image in the first place and in the last, as Keras does it."
    weights = (2.0 ** np.arange(kernel)).astype(np.float32)
    out = tf.nn.conv1d(tf.ones((1, size, 1)), weights.reshape(-1, 1, 1), stride, "SAME")
    return [[row for row in range(kernel) if int(out[0, at, 0]) >> row & 1] for at in (0, -1)]

def check_padding(padding): # (size, kernel, stride) -> rows above, rows below
    "Whether `padding` knows how many rows `padding=\"same\"` adds on either side."
    def ask(*case): return tuple(int(rows) for rows in padding(*case))
    assert ask(28, 4, 2) == (1, 1), (
        f"28 rows, kernel 4, stride 2 gave {ask(28, 4, 2)}: one row on either side")
    got = ask(28, 3, 2)
    assert got != (1, 1), (
        "28 rows, kernel 3, stride 2 gave (1, 1), as PyTorch's padding=1 does: 14 places of "
        "stride 2 reach over 29 rows, so Keras adds only one")
    assert got != (1, 0), (
        "28 rows, kernel 3, stride 2: the one row that is missing goes below, not above")
    assert got == (0, 1), f"28 rows, kernel 3, stride 2 gave {got}, not (0, 1)"
    got = ask(7, 3, 2)
    assert got != (0, 1), (
        "7 rows, kernel 3, stride 2 gave (0, 1), as for 28: 4 places reach over 9 rows, and two "
        "are missing; the size of the image matters")
    got = ask(8, 2, 4)
    assert min(got) >= 0, (
        f"8 rows, kernel 2, stride 4 gave {got}: nothing is missing, and nothing is cut off")
    for size in (4, 7, 14, 28, 30):
        for kernel in range(1, 7):
            for stride in range(1, 5):
                above, below = ask(size, kernel, stride)
                first, last = rows_met(size, kernel, stride)
                places = -(-size // stride)
                met = [row for row in range(kernel) if 0 <= row - above < size]
                start = (places - 1) * stride - above # of the last place, in rows of the image
                end = [row for row in range(kernel) if 0 <= start + row < size]
                missing = max((places - 1) * stride + kernel - size, 0)
                assert (met, end) == (first, last) and above + below == missing, (
                    f"{size} rows, kernel {kernel}, stride {stride} gave {(above, below)}; "
                    f"together it should be {missing}")
    print("correct: as many rows as are missing, and the odd one below")


# %%
def good_padding(size, kernel, stride, odd_above=0):
    places = -(-size // stride) # rounded up
    missing = max((places - 1) * stride + kernel - size, 0)
    above = (missing + odd_above) // 2
    return above, missing - above

def as_pytorch(size, kernel, stride): return (kernel - 1) // 2, (kernel - 1) // 2

def without_size(size, kernel, stride):
    missing = max(kernel - stride, 0)
    return missing // 2, missing - missing // 2

def negative(size, kernel, stride):
    missing = (-(-size // stride) - 1) * stride + kernel - size
    return missing // 2, missing - missing // 2

check_padding(good_padding)
assert rejects(check_padding, as_pytorch, "as PyTorch's padding=1 does")
assert rejects(check_padding, lambda *case: good_padding(*case, odd_above=1), "goes below")
assert rejects(check_padding, without_size, "the size of the image matters")
assert rejects(check_padding, negative, "nothing is cut off")


# %% [markdown]
# ## 2. By hand

# %%
#| exports
def check_parameters(generator_parameters): # takes latent_dim and width, gives a number
    "Whether the formula gives what training can change."
    for latent_dim, width in [(64, 32), (10, 8), (100, 48)]:
        w, G = width, Generator(latent_dim, width, "resize")
        off = generator_parameters(latent_dim, width) - count_parameters(G)
        hint = {
            -14 * w: "the scale and shift of BatchNorm are missing",
            -7 * w: "BatchNorm has two numbers a channel, scale and shift",
            14 * w: "this is Keras's count_params(), with BatchNorm's moving mean and variance; "
                    "no gradient changes them",
            3 * w: "the hidden convolutions have no bias",
            196 * w: "the first layer has no bias",
            199 * w: "layers before BatchNorm have no bias",
            -1: "the last convolution has a bias",
            -9 * w - 1: "the last convolution, to one channel, is missing",
            7 * (8 + 2) * w * w: "after resizing, kernels are 3 by 3, not 4 by 4",
        }.get(off, "go through the layers one by one")
        assert off == 0, f"latent_dim {latent_dim}, width {width}: {off:+,} too many; {hint}"
    print("correct: as many as `count_parameters` finds")


# %%
def count(latent_dim, w, kernel=9, norm=2, bias=0):
    hidden = kernel * (8 * w * w + 2 * w * w) + bias * 3 * w
    return latent_dim * 196 * w + hidden + norm * 7 * w + 9 * w + 1

check_parameters(count)
assert rejects(check_parameters, lambda z, w: count(z, w, norm=0), "scale and shift")
def by_keras(latent_dim, width): return Generator(latent_dim, width, "resize").count_params()
assert rejects(check_parameters, by_keras, "count_params()")
assert rejects(check_parameters, lambda z, w: count(z, w, bias=1), "have no bias")
assert rejects(check_parameters, lambda z, w: count(z, w, kernel=16), "3 by 3")


# %% [markdown]
# ## 3. A generator for 32 × 32
#
# How does a check see that tanh is missing? An untrained network gives small values with and without it. So it makes all
# weights twenty times as large.

# %%
#| exports
def check_generator32(make): # takes latent_dim and width, gives a `keras.Model`
    "Whether `make` builds a convolutional generator of 32 by 32 pixels in [-1, 1]."
    state = random.getstate() # Keras draws the seeds of its initializers from Python's generator
    try:
        random.seed(0)
        G = make(16, 8)
    finally: random.setstate(state)
    assert isinstance(G, keras.Model), f"this is a {type(G).__name__}, not a keras.Model"
    z = tf.random.stateless_normal((6, 16), seed=[0, 0])
    shape = tuple(G(z).shape)
    assert shape != (6, 1, 32, 32), "the channel comes last in TensorFlow: [B, 32, 32, 1]"
    hint = {28: "begin with 4 by 4, not 7 by 7", 16: "double three times",
            64: "4 by 4 doubled three times is 32"}.get(shape[1] if len(shape) > 1 else 0, "")
    assert shape == (6, 32, 32, 1), f"the shape is {shape}, not (6, 32, 32, 1); {hint}"
    parts = list(G._flatten_layers())
    assert any(isinstance(part, (layers.Conv2D, layers.Conv2DTranspose)) for part in parts), (
        "dense layers only: neighbouring pixels know nothing of each other")
    norms = [part for part in parts if isinstance(part, layers.BatchNormalization)]
    assert norms, "there is no BatchNorm between the layers"
    assert all(norm.moving_mean.shape[0] > 1 for norm in norms), (
        "BatchNorm on the output: it gives every batch the same mean and contrast")
    wrong = [norm for norm in norms if norm.momentum > 0.95 or norm.epsilon > 1e-4]
    assert not wrong, (
        f"BatchNorm has Keras's momentum {wrong[0].momentum} and epsilon {wrong[0].epsilon}: its "
        "statistics trail behind; `batch_norm` of the lesson has others")
    for v in G.trainable_variables: v.assign(v * 20)
    x = G(z).numpy()
    assert np.abs(x).max() <= 1, f"a pixel is {np.abs(x).max():.1f}: tanh is missing at the end"
    assert (x[0] != x[1]).any(), "two latents give the same picture"
    assert x.min() < 0, "no pixel is below 0: a sigmoid gives [0, 1], tanh gives [-1, 1]"
    print("correct: 32 by 32 pixels in [-1, 1]")


# %%
from gan_course.tensorflow.model import batch_norm, upsampling


# %%
def make(start=4, doublings=3, norm=batch_norm, end="tanh", before_end=lambda x: x):
    def build(latent_dim, width):
        c = width * 8
        z = keras.Input((latent_dim,))
        x = layers.Reshape((start, start, c))(layers.Dense(start * start * c)(z))
        for i in range(doublings):
            x = layers.ReLU()(norm(x, f"norm_{i}"))
            c //= 2
            x = upsampling(x, c, "transpose", f"up_{i}")
        x = before_end(layers.Conv2D(1, 3, padding="same")(layers.ReLU()(x)))
        return keras.Model(z, layers.Activation(end)(x))
    return build

def kerass_own(x, name): return layers.BatchNormalization()(x)
def normed(x): return batch_norm(x, "norm")

check_generator32(make())
assert rejects(check_generator32, make(start=7, doublings=2), "begin with 4 by 4")
assert rejects(check_generator32, make(end="linear"), "tanh is missing")
assert rejects(check_generator32, make(end="sigmoid"), "a sigmoid gives")
assert rejects(check_generator32, make(norm=lambda x, name: x), "no BatchNorm")
assert rejects(check_generator32, make(norm=kerass_own), "trail behind")
assert rejects(check_generator32, make(before_end=normed), "BatchNorm on the output")
