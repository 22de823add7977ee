# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: data (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of Data (TensorFlow)
#
# - skip_showdoc: true
# - order: 80

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_data.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_data.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_data.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_data)

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
# The exercises stand in [the lesson](../tensorflow/data.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_data

# %%
#| exports
import gan_course.tensorflow.config # first: it keeps TensorFlow quiet

import numpy as np
import tensorflow as tf

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Where were we?

# %%
#| exports
def check_position(position): # takes images_seen, num and batch_size; gives epoch and step
    "Whether `position` gives the epoch and the step of the batch that comes next."
    def where(seen): return tuple(int(i) for i in position(seen, 300, 64))
    assert where(0) == (0, 0), f"at the beginning it gives {where(0)}: both count from 0"
    assert where(64) != (1, 0), "the epoch comes first, then the step"
    assert where(64) != (0, 0), "after one batch it is the second's turn, step 1: what comes next?"
    assert where(64) != (0, 64), "the step counts batches, not images"
    assert where(64) == (0, 1), f"after one batch it gives {where(64)}, not (0, 1)"
    assert where(256) != (0, 4), (
        "after 256 of 300 images it gives step 4, and there is none: an epoch has four full "
        "batches, and ends with the last of them")
    assert where(256) == (1, 0), f"after 256 of 300 images it gives {where(256)}, not (1, 0)"
    assert where(9 * 64) == (2, 1), f"after nine batches it gives {where(9 * 64)}, not (2, 1)"
    assert tuple(position(640, 640, 64)) == (1, 0), "640 images are ten full batches: all are used"
    print("correct: the epoch and the step that come next")


# %%
def good_position(seen, num, size): return divmod(seen // size, num // size)
def all_images(seen, num, size): return seen // num, seen % num // size
def last_done(seen, num, size): return good_position(max(seen - size, 0), num, size)
def in_images(seen, num, size):
    used = num // size * size
    return seen // used, seen % used

check_position(good_position)
assert rejects(check_position, all_images, "four full")
assert rejects(check_position, last_done, "what comes next")
assert rejects(check_position, in_images, "counts batches")


# %% [markdown]
# ## 2. A pipeline for sorted images
#
# The data of the check are 640 numbers in ascending order, so that every batch tells where its elements come from.

# %%
#| exports
def check_pipeline(pipeline): # (images, batch_size, seed) -> a `tf.data.Dataset` of batches
    "Whether `pipeline` shuffles all of the images anew in each epoch, in full batches."
    images = np.arange(640, dtype=np.int32).reshape(-1, 1)
    def epoch(batches): return [np.asarray(batch).reshape(-1) for batch in batches]
    batches = pipeline(images, 60, 0)
    assert isinstance(batches, tf.data.Dataset), (
        f"this is a {type(batches).__name__}, not a tf.data.Dataset")
    assert batches.cardinality() != tf.data.INFINITE_CARDINALITY, (
        "one epoch is wanted: no repeat()")
    first, second = epoch(batches), epoch(batches)
    assert len(first[0]) == 60, f"a batch holds {len(first[0])} images, not 60"
    assert len(first[-1]) == 60, (
        f"the last batch has {len(first[-1])} images: a shape of its own, for which every "
        "tf.function is traced again; drop_remainder=True")
    seen = np.concatenate(first)
    assert len(first) == 10 and len(set(seen.tolist())) == 600, (
        "ten batches of different images are wanted in an epoch: first shuffle, then repeat or "
        "batch")
    def apart(batch): return len(set((np.sort(batch) // 60).tolist()))
    assert min(apart(batch) for batch in first) > 1, (
        "the images of a batch are neighbours in the file: shuffle images before they are batches")
    assert first[0].max() > 560 and first[0].min() < 80 and abs(first[0].mean() - 320) < 80, (
        f"the first batch has none of the images from {first[0].max() + 1} on: the shuffle buffer "
        "is too small for sorted data; it has to hold them all")
    assert any((a != b).any() for a, b in zip(first, second)), (
        "the second epoch has the order of the first: reshuffle_each_iteration=True, and no "
        "cache() behind the shuffle")
    again = epoch(pipeline(images, 60, 0))
    assert all((a == b).all() for a, b in zip(first, again)), (
        "the same seed gave another order: seed the shuffle")
    other = epoch(pipeline(images, 60, 1))
    assert any((a != b).any() for a, b in zip(first, other)), "another seed gave the same order"
    print("correct: all images in one buffer, a new order each epoch, full batches only")


# %%
def slices(images): return tf.data.Dataset.from_tensor_slices(images)

def good_pipeline(images, batch_size, seed):
    return slices(images).shuffle(len(images), seed=seed).batch(batch_size, drop_remainder=True)

def small_buffer(images, batch_size, seed):
    return slices(images).shuffle(100, seed=seed).batch(batch_size, drop_remainder=True)

def batch_first(images, batch_size, seed):
    return slices(images).batch(batch_size, drop_remainder=True).shuffle(len(images), seed=seed)

def remainder(images, batch_size, seed):
    return slices(images).shuffle(len(images), seed=seed).batch(batch_size)

def cached(images, batch_size, seed): return good_pipeline(images, batch_size, seed).cache()
def unseeded(images, batch_size, seed): return good_pipeline(images, batch_size, None)

check_pipeline(good_pipeline)
assert rejects(check_pipeline, small_buffer, "too small")
assert rejects(check_pipeline, batch_first, "before they are batches")
assert rejects(check_pipeline, remainder, "drop_remainder=True")
assert rejects(check_pipeline, cached, "the order of the first")
assert rejects(check_pipeline, unseeded, "seed the shuffle")


# %% [markdown]
# ## 3. Shifted images

# %%
#| exports
def check_shifted(shifted): # takes images and two tensors of shifts; gives images
    "Whether `shifted` moves each image by its own shift and fills with black, also in a graph."
    x = np.random.default_rng(0).uniform(-0.9, 0.9, (6, 8, 8, 2)).astype(np.float32)
    dy, dx = np.array([1, 2, 0, -1, 3, -3]), np.array([0, 0, 2, 1, -2, 0])
    def moved(image, down, right, fill=-1.0):
        result = np.full_like(image, fill)
        height, width, _ = image.shape
        to = slice(max(down, 0), height + min(down, 0))
        at = slice(max(-down, 0), height - max(down, 0))
        to_x = slice(max(right, 0), width + min(right, 0))
        at_x = slice(max(-right, 0), width - max(right, 0))
        result[to, to_x] = image[at, at_x]
        return result
    def every(dy, dx, fill=-1.0):
        return np.stack([moved(*one, fill) for one in zip(x, dy.tolist(), dx.tolist())])
    given = tf.constant(x), tf.constant(dy, tf.int32), tf.constant(dx, tf.int32)
    got, expected = shifted(*given), every(dy, dx)
    assert tuple(got.shape) == x.shape, f"the shape is {tuple(got.shape)}, not {x.shape}"
    assert np.asarray(got).dtype == np.float32, (
        f"the images are float32, and these {np.asarray(got).dtype}")
    got = np.asarray(got)
    for name, wrong in {
            "up and left: check the sign": every(-dy, -dx),
            "with rows and columns exchanged": every(dx, dy),
            "and filled with 0, which is grey: black is -1": every(dy, dx, 0.0),
            "all by the shift of the first": every(dy * 0 + dy[0], dx * 0 + dx[0]),
            "and the edge is repeated: black moves in, and black is -1": np.stack([
                image[np.clip(np.arange(8) - a, 0, 7)][:, np.clip(np.arange(8) - b, 0, 7)]
                for image, a, b in zip(x, dy, dx)]),
            "round the edge, as tf.roll does: what leaves on one side must not come back": (
                np.stack([np.roll(image, by, (0, 1)) for image, *by in zip(x, dy, dx)]))}.items():
        assert not (got == wrong).all(), f"the images are moved {name}"
    assert (got == expected).all(), "the images are not where they should be"
    try: inside = tf.function(shifted)(*given).numpy()
    except Exception as error: # TensorFlow has a dozen ways to say it
        raise AssertionError(
            "it works in Python and not in a tf.function, where a tensor has no number yet: no "
            f"int(), .numpy() or Python loop over its values ({type(error).__name__})") from None
    assert (inside == expected).all(), "in a tf.function it gives something else"
    print("correct: each image by its own shift, black moves in, in a function too")


# %%
def good_shifted(x, dy, dx, fill=-1.0, margin=8):
    padded = tf.pad(x, [[0, 0], [margin] * 2, [margin] * 2, [0, 0]], constant_values=fill)
    rows = tf.range(x.shape[1]) + margin - dy[:, None]
    columns = tf.range(x.shape[2]) + margin - dx[:, None]
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)

def rolled(x, dy, dx):
    return tf.stack([tf.roll(image, (int(a), int(b)), (0, 1)) for image, a, b in zip(x, dy, dx)])

def only_in_python(x, dy, dx):
    return good_shifted(x, dy, dx, margin=int(max(abs(dy.numpy()).max(), abs(dx.numpy()).max())))

check_shifted(good_shifted)
assert rejects(check_shifted, rolled, "round the edge")
assert rejects(check_shifted, lambda x, dy, dx: good_shifted(x, dy, dx, 0.0), "black is -1")
assert rejects(check_shifted, lambda x, dy, dx: good_shifted(x, -dy, -dx), "the sign")
assert rejects(check_shifted, lambda x, dy, dx: good_shifted(x, dx, dy), "exchanged")
assert rejects(check_shifted, only_in_python, "not in a tf.function")
