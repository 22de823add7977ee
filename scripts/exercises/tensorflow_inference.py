# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: sampling (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of Sampling (TensorFlow)
#
# - skip_showdoc: true
# - order: 84

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_inference.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_inference.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_inference.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_inference)

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
# The exercises stand in [the lesson](../tensorflow/inference.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_inference

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. The arc between two vectors

# %%
#| exports
def check_slerp(slerp): # (z0, z1, t) -> a vector
    "Whether `slerp` walks on the arc, also between vectors of one direction."
    def ask(z0, z1, t): return np.asarray(slerp(tf.constant(z0), tf.constant(z1), t))
    def near(a, b, atol=1e-5): return a.shape == np.shape(b) and np.allclose(a, b, atol=atol)
    z0, z1 = np.float32([3, 0, 0]), np.float32([0, 3, 0])
    assert near(ask(z0, z1, 0.0), z0), "at t = 0 it should be at z0"
    assert near(ask(z0, z1, 1.0), z1), "at t = 1 it should be at z1"
    middle = ask(z0, z1, 0.5)
    length = float(np.linalg.norm(middle))
    assert not near(middle, (z0 + z1) / 2, 1e-4), (
        f"this is the straight line: its middle has length {length:.2f}, the ends have 3")
    assert abs(length - 3) < 1e-4, (
        f"between two vectors of length 3 the arc has length 3 everywhere, not {length:.2f}: "
        "weight z0 and z1 themselves, not their directions")
    third = ask(z0, z1, 1 / 3)
    assert abs(np.arctan2(third[1], third[0]) - np.pi / 6) < 1e-4, (
        "a third of the way should be a third of the angle: the weights are sines")
    for other in (z0, 2 * z0):
        got = ask(z0, other, 0.5)
        assert np.isfinite(got).all(), (
            "between vectors of one direction sin(omega) is 0, and 0/0 is not a number: take the "
            "line there")
        assert near(got, (z0 + other) / 2, 1e-3), "parallel vectors: take the line"
    z64 = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    for z in z64: # some cosines round to more than 1
        assert np.isfinite(ask(z, z, 0.3)).all(), "a cosine of 1.0000001: clip it before acos"
    print("correct: on the arc, and on the line where there is no arc")


# %%
def cosine(z0, z1): return tf.reduce_sum(tf.nn.l2_normalize(z0) * tf.nn.l2_normalize(z1))
def lerp(z0, z1, t): return (1 - t) * z0 + t * z1
def arc(z0, z1, t, omega):
    return (tf.sin((1 - t) * omega) * z0 + tf.sin(t * omega) * z1) / tf.sin(omega)

def good(z0, z1, t):
    omega = tf.acos(tf.clip_by_value(cosine(z0, z1), -1, 1))
    return lerp(z0, z1, t) if tf.sin(omega) < 1e-4 else arc(z0, z1, t, omega)

check_slerp(good)


# %%
def no_care(z0, z1, t): return arc(z0, z1, t, tf.acos(cosine(z0, z1)))

def no_clip(z0, z1, t):
    omega = tf.acos(cosine(z0, z1))
    return lerp(z0, z1, t) if tf.sin(omega) < 1e-4 else arc(z0, z1, t, omega)

def directions(z0, z1, t):
    if t in (0, 1): return lerp(z0, z1, t)
    return good(tf.nn.l2_normalize(z0), tf.nn.l2_normalize(z1), t)

assert rejects(check_slerp, lerp, "the straight line")
assert rejects(check_slerp, no_care, "0/0")
assert rejects(check_slerp, no_clip, "clip it before acos")
assert rejects(check_slerp, directions, "not their directions")


# %% [markdown]
# ## 2. Draw again
#
# At $\tau = 1$ the truncated normal distribution has a standard deviation of 0.540; clipping gives 0.718, and piles a third
# of all numbers up at the two ends.
#
# An answer that draws again from the same seed never ends. So the check counts how often numbers are drawn, and loses its
# patience.

# %%
#| exports
def check_truncated(truncated): # (num, latent_dim, tau, seed) -> [num, latent_dim]
    "Whether `truncated` draws from the middle of the normal distribution, as its seed says."
    draw = tf.random.stateless_normal
    def ask(*given, patience=200):
        def counted(*args, **options):
            nonlocal patience
            patience -= 1
            assert patience, (
                "it never ends: the same seed draws the same numbers, and what is beyond the "
                "threshold stays there; every round needs a seed of its own")
            return draw(*args, **options)
        with mock.patch.object(tf.random, "stateless_normal", counted):
            return np.asarray(truncated(*given))
    z = ask(4000, 8, 1.0, 0)
    assert z.shape == (4000, 8), f"the shape should be [4000, 8], not {list(z.shape)}"
    assert z.dtype == np.float32, f"latents are float32, and these {z.dtype}"
    assert np.abs(z).max() <= 1, (
        f"a component is {np.abs(z).max():.2f}, beyond the threshold of 1: draw again until none "
        "is, and do not just shrink the numbers")
    ends = (np.abs(z) == 1).mean()
    assert ends < 0.01, (
        f"{ends:.0%} of the numbers are exactly at the threshold: clipped, not drawn again")
    assert (z == 0).mean() < 0.01, "numbers beyond the threshold became 0: draw them again"
    assert abs(z.std() - 0.540) < 0.01, (
        f"the standard deviation is {z.std():.3f}; of a normal distribution truncated at 1 it is "
        "0.540")
    assert (z == ask(4000, 8, 1.0, 0)).all(), (
        "the same seed gave other latents: every draw has to be stateless, and follow from the "
        "seed")
    assert (z != ask(4000, 8, 1.0, 1)).mean() > 0.99, "another seed gave the same latents"
    wide = ask(4000, 8, 3.0, 0)
    assert 1 < np.abs(wide).max() <= 3, "tau is not used"
    print("correct: the middle of the normal distribution, nothing piled up, and the seed decides")


# %%
from gan_course.tensorflow.utils import make_latents, stateless_normal, step_seed


# %%
def good(num, latent_dim, tau, seed, next_draw=lambda draw: draw + 1):
    z, draw = make_latents(num, latent_dim, seed), 0
    while tf.reduce_any(beyond := tf.abs(z) > tau):
        draw = next_draw(draw)
        z = tf.where(beyond, stateless_normal(z.shape, step_seed(seed, -1, draw)), z)
    return z

check_truncated(good)


# %%
def same_seed(*given): return good(*given, next_draw=lambda draw: 0)
def clipped(num, dim, tau, seed): return tf.clip_by_value(make_latents(num, dim, seed), -tau, tau)
def shrunk(num, latent_dim, tau, seed): return make_latents(num, latent_dim, seed) * tau

def with_state(num, latent_dim, tau, seed):
    z = tf.random.normal((num, latent_dim))
    while tf.reduce_any(beyond := tf.abs(z) > tau):
        z = tf.where(beyond, tf.random.normal(z.shape), z)
    return z

assert rejects(check_truncated, same_seed, "it never ends")
assert rejects(check_truncated, clipped, "clipped")
assert rejects(check_truncated, shrunk, "shrink")
assert rejects(check_truncated, with_state, "has to be stateless")


# %% [markdown]
# ## 3. The company a latent is in

# %%
#| exports
def check_sample(sample): # (G, z, batch) -> images
    "Whether `sample` gives a latent one image in any batch, and leaves the generator as it was."
    weights = keras.initializers.RandomNormal(seed=0)
    G = keras.Sequential([keras.Input((4,)), layers.Dense(6, kernel_initializer=weights),
                          layers.BatchNormalization(momentum=0.9), layers.Activation("tanh")])
    norm = G.layers[1]
    norm.moving_mean.assign(np.full(6, 0.05, np.float32))
    norm.moving_variance.assign(np.full(6, 0.01, np.float32))
    z = tf.random.stateless_normal((10, 4), seed=[0, 0])
    right = G(z, training=False).numpy()
    in_training, before = None, [v.numpy() for v in G.variables]
    for batch in (4, 10, 3):
        got = np.asarray(sample(G, z, batch))
        assert all((v.numpy() == old).all() for v, old in zip(G.variables, before)), (
            "BatchNorm's statistics have changed: this was drawn with training=True")
        assert G.trainable and all(layer.trainable for layer in G.layers), (
            "the generator was left frozen: training could not go on; training=False is all that "
            "sampling needs")
        assert len(got) >= 10, (
            f"of 10 latents, {batch} at a time, only {len(got)} became images: the last batch is "
            "smaller")
        assert len(got) == 10, f"10 latents, {batch} at a time, became {len(got)} images"
        assert got.shape == right.shape, f"the shape is {got.shape}, not {right.shape}"
        if in_training is None: in_training = self_normalised(G, z, batch)
        assert not np.allclose(got, in_training, atol=1e-5), (
            "each batch is normalised by its own statistics: an image depends on its neighbours")
        assert np.allclose(got, right, atol=1e-5), (
            f"{batch} at a time, the images are not those of training=False, in the order of the "
            "latents")
    print("correct: every latent has one image, whatever its company")

def self_normalised(G, z, batch):
    "What `training=True` would give, without touching the statistics."
    rows = [G.layers[0](z[i:i + batch]).numpy() for i in range(0, len(z), batch)]
    normalised = [(x - x.mean(0)) / np.sqrt(x.var(0) + G.layers[1].epsilon) for x in rows]
    return np.tanh(np.concatenate(normalised))


# %%
def sampling(training=False, last=lambda num, batch: num):
    def sample(G, z, batch):
        starts = range(0, last(len(z), batch), batch)
        return tf.concat([G(z[i:i + batch], training=training) for i in starts], 0)
    return sample

check_sample(sampling())
check_sample(lambda G, z, batch: G.predict(z, batch_size=batch, verbose=0))


# %%
def full_batches(num, batch): return num // batch * batch

def frozen(G, z, batch):
    G.trainable = False
    return sampling(training=True)(G, z, batch)

def put_back(G, z, batch):
    before = G.get_weights()
    images = sampling(training=True)(G, z, batch)
    G.set_weights(before)
    return images

assert rejects(check_sample, sampling(training=True), "statistics have changed")
assert rejects(check_sample, put_back, "depends on its neighbours")
assert rejects(check_sample, frozen, "left frozen")
assert rejects(check_sample, sampling(last=full_batches), "the last batch is smaller")
