# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data
#
# > A `tf.data` pipeline, what it costs, and batches that are picked where they are used
#
# - skip_showdoc: true
# - order: 26

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/data.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/data.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/data.ipynb) · [API](../about/api.ipynb#tensorflow-data) · [Side by side](../about/side_by_side.ipynb#data)

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
# **You will be able to** feed a GAN with `tf.data`, put its stages in the right order, see what they cost, and replace them
# by a tensor on the device from which batches are picked by number.
#
# **You need** [the data sets](../foundations/datasets.ipynb) and [Seeds, measurements and grids](utils.ipynb).
# **It takes** fifteen minutes.

# %%
#| default_exp tensorflow.data

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import numpy as np
import tensorflow as tf

from gan_course.basics import CourseError
from gan_course.datasets import load_dataset
from gan_course.tensorflow.utils import step_seed

# %%
from gan_course.basics import budget
from gan_course.figures import image_grid
from gan_course.tensorflow.utils import to_images

# %% [markdown]
# ## A pipeline
#
# `tf.data` describes a stream of elements and what is done to them. `keras.datasets.fashion_mnist.load_data()`, the first
# line of every tutorial, downloads from a host that is not always there, so we take the images that `load_dataset` found.

# %%
images = load_dataset("auto", limit=budget(full=None, fast=3000))
images.name, images.images.shape, images.images.dtype


# %%
#| exports
def make_dataset(dataset, # a `gan_course.datasets.Dataset`
                 batch_size, # images per batch
                 seed=0, # of the order
    ): # a `tf.data.Dataset` of float32 batches [batch_size, H, W, C] in [-1, 1]
    "The data set as a pipeline: shuffled anew in each epoch, scaled, batched, prefetched."
    def scale(x): return tf.cast(x, tf.float32) / 127.5 - 1
    return (tf.data.Dataset.from_tensor_slices(dataset.images) # bytes: a quarter of the memory
            .shuffle(len(dataset), seed=seed, reshuffle_each_iteration=True)
            .batch(batch_size, drop_remainder=True)
            .map(scale, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE))


# %%
pipeline = make_dataset(images, 64)
x = next(iter(pipeline))
x.shape, x.dtype, (float(tf.reduce_min(x)), float(tf.reduce_max(x)))

# %% [markdown]
# Each stage stands where it does for a reason.
#
# - `shuffle` sees single images, and its buffer holds all of them. With a buffer of 1,000, which one finds often, the first
#   [batch](../about/glossary.ipynb#gl-batch) could only hold images from the first thousand or so. That matters where a file is sorted by class, as the
#   flowers are.
# - `batch` before `map`, so that `scale` runs once per batch and not once per image.
# - `drop_remainder=True`: all batches have the same size. A smaller last batch would be a new shape, for which a
#   `tf.function` is [traced](../about/glossary.ipynb#gl-tracing) anew; a loss that pairs each real image with a generated one would fail.
# - `prefetch` prepares the next batch while the current one is used.
#
# What does a small buffer do to sorted data? Guess how many of the ten classes the first batch shows.

# %%
labels = np.sort(images.labels)
for buffer in (1000, len(labels)):
    shuffled = tf.data.Dataset.from_tensor_slices(labels).shuffle(buffer, seed=0).batch(64)
    print(f"buffer {buffer:>6}: {len(set(next(iter(shuffled)).numpy().tolist()))} "
          "classes in the first batch")

# %%
assert (sum(1 for _ in pipeline) == len(images) // 64
        and all(x.shape == (64, 28, 28, 1) for x in pipeline))

# %% [markdown]
# ## What it costs
#
# The stages in another order, and in float32 from the start, as many write it:

# %%
import statistics, time


# %%
def rate(batches, count=budget(full=300, fast=20)):
    "Images per second of an iterator of batches."
    batches = iter(batches)
    next(batches)
    begin = time.perf_counter()
    seen = sum(int(next(batches).shape[0]) for _ in range(count))
    return seen / (time.perf_counter() - begin)

def map_then_batch():
    return (tf.data.Dataset.from_tensor_slices(images.images).repeat().shuffle(len(images))
            .map(lambda x: tf.cast(x, tf.float32) / 127.5 - 1).batch(64, drop_remainder=True))

print(f"image by image {rate(map_then_batch()):,.0f}, "
      f"batch by batch {rate(make_dataset(images, 64).repeat()):,.0f} images a second")


# %% [markdown]
# A small GAN on two processor cores trains on one or two thousand images a second: even the slower pipeline is fast
# enough there, though it takes part of the processor. On a GPU with fifty thousand it is the bottleneck. And it has another flaw.
# Where is a pipeline after 1,234 batches? Its state is a shuffle buffer and an iterator; both can be saved, with 47 MB
# per [checkpoint](../about/glossary.ipynb#gl-checkpoint), or the first 1,234 batches can be drawn again and thrown away.
#
# ## All images on the device, as bytes
#
# Fashion-MNIST as bytes is 47 MB. So the images are moved to the device once, and a batch is three operations: pick, convert, scale.
#
# The order of an [epoch](../about/glossary.ipynb#gl-epoch) is a permutation that follows from the run's [seed](../about/glossary.ipynb#gl-seed) and the number of the epoch. Whoever knows
# these two knows the order; nothing about the data has to be saved.

# %%
#| exports
def epoch_order(num, # of images
                seed, # of the run
                epoch, # 0, 1, 2, ...
    ): # int32 array, [num]: a permutation of 0 ... num - 1
    "The order in which an epoch visits the images. The same on every machine."
    return np.random.default_rng([seed, epoch]).permutation(num).astype(np.int32)


# %%
# NBVAL_CHECK_OUTPUT
epoch_order(8, seed=0, epoch=0).tolist(), epoch_order(8, seed=0, epoch=1).tolist()

# %%
assert sorted(epoch_order(1000, 3, 5).tolist()) == list(range(1000))
assert (epoch_order(1000, 3, 5) == epoch_order(1000, 3, 5)).all()
assert (epoch_order(1000, 3, 5) != epoch_order(1000, 3, 6)).any()
assert (epoch_order(1000, 3, 5) != epoch_order(1000, 4, 5)).any()


# %% [markdown]
# ## Batches
#
# What the host sends to the device for a batch is 64 numbers of images, 256 bytes. The rest happens there, inside of the
# training function. Under `MirroredStrategy` the images are a variable that each device has a copy of, and each [replica](../about/glossary.ipynb#gl-replica)
# picks its own share of the batch.

# %%
#| exports
class DeviceBatches:
    """A data set on the device, and its batches in a new order each epoch. Make it inside the
    strategy's scope."""
    def __init__(self,
                 dataset, # a `gan_course.datasets.Dataset`
                 batch_size, # real images per step, over all replicas
                 *,
                 seed=0, # of the order, and of the mirroring
                 flip=0.0, # probability of mirroring an image left to right
                ):
        world = tf.distribute.get_strategy().num_replicas_in_sync
        if len(dataset) < batch_size:
            raise CourseError(
                f"{dataset.name} has {len(dataset)} images and batch_size is {batch_size}: "
                "not one full batch; lower batch_size or raise limit")
        if batch_size % world:
            raise CourseError(f"batch_size {batch_size} cannot be shared equally by {world} "
                              f"devices; use a multiple of {world}")
        # uint8 [N, H, W, C]
        self.images = tf.Variable(dataset.images, trainable=False, name="images")
        self.num, self.batch_size, self.seed, self.flip = len(dataset), batch_size, seed, flip
        self.epoch, self.order = None, None

    def __len__(self):
        "Full batches in an epoch."
        return self.num // self.batch_size

    def index(self, epoch, step): # both from 0
        "The numbers of a batch's images, int32 [batch_size]. Every batch is full."
        if not 0 <= step < len(self): raise IndexError(f"step {step} of an epoch of {len(self)}")
        if epoch != self.epoch:
            self.order, self.epoch = epoch_order(self.num, self.seed, epoch), epoch
        return self.order[step * self.batch_size:(step + 1) * self.batch_size]

    def pick(self,
             index, # int32 [B]
             seed, # a `step_seed`, for the mirroring
             share=lambda whole: whole, # which part of a batch is this replica's
            ):
        "Real images, float32 [B, H, W, C] in [-1, 1]. For use inside a `tf.function`."
        x = tf.cast(tf.gather(self.images, share(index)), tf.float32) / 127.5 - 1
        if self.flip: # one draw per image of the whole batch, so that all replicas agree
            chance = tf.random.stateless_uniform((self.batch_size, 1, 1, 1), seed, alg="philox")
            x = tf.where(share(chance) < self.flip, tf.reverse(x, axis=[2]), x)
        return x

    def batch(self, epoch, step):
        "The images of `index(epoch, step)`."
        return self.pick(self.index(epoch, step), step_seed(self.seed, epoch * len(self) + step, 0))

    def epoch_batches(self, epoch, start=0): # first step wanted
        "The batches of an epoch, from `start` on."
        for step in range(start, len(self)): yield self.batch(epoch, step)


# %%
batches = DeviceBatches(images, 64, seed=0)
x = batches.batch(epoch=0, step=0)
x.shape, x.dtype, (float(tf.reduce_min(x)), float(tf.reduce_max(x)))

# %%
#| label: fig-batch
#| fig-cap: "A batch of real images as the discriminator gets it, brought back to pixels."
#| fig-alt: "Four rows of sixteen small grey pictures of clothes, shoes and bags in no order."
image_grid(to_images(x), columns=16, caption=f"real images: {images.name}, epoch 0, batch 0")

# %% [markdown]
# What has to hold: every batch is full and in range, no image comes twice in an epoch, the pixels are those of the
# data set, and the middle of an epoch is the same whether one gets there or starts there.

# %%
small = DeviceBatches(images.limited(300), 64, seed=1)
whole = list(small.epoch_batches(epoch=2))
assert len(whole) == len(small) == 4 and all(x.shape == (64, 28, 28, 1) for x in whole)
assert all((a.numpy() == b.numpy()).all()
           for a, b in zip(whole[2:], small.epoch_batches(epoch=2, start=2)))
seen = epoch_order(300, 1, 2)[:256]
assert len(set(seen.tolist())) == 256
assert (to_images(tf.concat(whole, 0)) == images.images[seen]).all()

# %%
mirrored = DeviceBatches(images.limited(300), 64, seed=1, flip=1.0)
assert (mirrored.batch(2, 0).numpy() == whole[0].numpy()[:, :, ::-1]).all()
try: DeviceBatches(images.limited(300), 301)
except CourseError as error: print(error)
else: raise AssertionError("a batch larger than the data set was accepted")


# %% [markdown]
# ## The measured difference
#
# Both in turns, three times, and the medians compared. Guess the ratio.

# %%
def ours(): return (x for epoch in range(99) for x in batches.epoch_batches(epoch))

slow, fast = zip(*[(rate(make_dataset(images, 64).repeat()), rate(ours())) for _ in range(3)])
print(f"pipeline {statistics.median(slow):,.0f}, picked "
      f"{statistics.median(fast):,.0f} images a second")


# %% [markdown]
# Called from Python like this, batch by batch, picking has no great advantage: what takes the time is starting four small
# operations. Inside of a training function that runs many steps in a call nobody starts them:

# %%
@tf.function
def fifty(index):
    total = tf.zeros(())
    for i in tf.range(50): total += tf.reduce_sum(batches.pick(index[i], step_seed(0, i, 0)))
    return total

index = np.stack([batches.index(0, i % len(batches)) for i in range(50)])
fifty(index) # traces
begin = time.perf_counter(); fifty(index).numpy()
print(f"picked inside a function: {50 * 64 / (time.perf_counter() - begin):,.0f} images a second")

# %% [markdown]
# That is what the [training loop](train.ipynb) does. When does it not work? When the images do not fit on the device. Then
# `tf.data` is the right tool, with its stages in the order above.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_data import check_pipeline, check_position, check_shifted


# %% [markdown]
# ### 1. Where were we?
#
# A run was stopped after `images_seen` real images. Write `position(images_seen, num, batch_size)`: the pair of the epoch
# and the step of the batch that comes next, both counted from 0, when the data set has `num` images and only full
# batches are used.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def position(images_seen, num, batch_size):
    return divmod(images_seen // batch_size, num // batch_size)

check_position(position)


# %% [markdown]
# ### 2. A pipeline for sorted images
#
# Without `make_dataset`: write `pipeline(images, batch_size, seed)`, a `tf.data.Dataset` of one epoch in batches. The images
# are sorted by class and fit into memory. Each epoch has another order, the whole sequence of orders follows from `seed`,
# and every batch is full. The pixels may stay as they are.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def pipeline(images, batch_size, seed):
    return (tf.data.Dataset.from_tensor_slices(images)
            .shuffle(len(images), seed=seed, reshuffle_each_iteration=True) # a buffer for all
            .batch(batch_size, drop_remainder=True)
            .prefetch(tf.data.AUTOTUNE))

check_pipeline(pipeline)


# %% [markdown]
# ### 3. Shifted images, a batch at a time
#
# Mirroring is done for a whole batch inside of the training function. So can a random crop be. Write `shifted(x, dy, dx)`:
# image `n` of the batch `x`, `[N, H, W, C]`, moves `dy[n]` pixels down and `dx[n]` to the right (`int32` tensors of `N`
# numbers, smaller than the image; negative ones go up and left). What moves in from outside is black, and black is -1. No
# loop over the images, and nothing that a `tf.function` cannot do: there a shift is not yet a number.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def shifted(x, dy, dx):
    _, height, width, _ = x.shape
    padded = tf.pad(x, [[0, 0], [height] * 2, [width] * 2, [0, 0]], constant_values=-1.0)
    rows = tf.range(height) + height - dy[:, None] # [N, H]: where each row comes from
    columns = tf.range(width) + width - dx[:, None] # [N, W]
    x = tf.gather(padded, rows, axis=1, batch_dims=1)
    return tf.gather(x, columns, axis=2, batch_dims=1)

check_shifted(shifted)

# %%
#| label: fig-shifted
#| fig-cap: "Real images, and below each the same image shifted by up to four pixels."
#| fig-alt: "Two rows of eight small pictures of clothes. The lower ones stand off the centre."
steps = tf.random.stateless_uniform((2, 8), [0, 0], -4, 5, tf.int32)
x = batches.batch(0, 0)[:8]
image_grid(to_images(tf.concat([x, shifted(x, *tf.unstack(steps))], 0)), columns=8,
           caption=f"{images.name}; below: shifted")

# %% [markdown]
# ## What to remember
#
# - Shuffle single images with a buffer as large as the data, batch, map, [prefetch](../about/glossary.ipynb#gl-prefetch); drop the remainder.
# - Small data sets live on the device as bytes. A batch is three operations inside of the training function.
# - The order follows from the seed and the epoch, so a [resumed](../about/glossary.ipynb#gl-resume) run needs nothing but these and the step.
#
# **What goes wrong, and how to see it.**
#
# - *The [discriminator](../about/glossary.ipynb#gl-discriminator) is perfect within seconds.* Print minimum, maximum and mean of a real and a generated batch: one is in
#   [0, 1] or in [0, 255].
# - *The first steps take long again at the end of each epoch.* The last batch is smaller, and the function is traced for it.
# - *Each batch has two or three kinds of clothes.* A small shuffle buffer on sorted data.
# - *A resumed run sees the first images again.* A pipeline begins anew; compare the first batch after resuming with the one
#   an uninterrupted run gets there.
# - *The training function captured the images as a constant.* A NumPy array or tensor used in a `tf.function` becomes part of the
#   graph, and is copied to every device. Use a variable.
#
# **References.** TensorFlow's guides on [`tf.data`](https://www.tensorflow.org/guide/data) and
# [its performance](https://www.tensorflow.org/guide/data_performance). Xiao, Rasul and Vollgraf [-@xiao2017fashion], [*Fashion-MNIST*](https://arxiv.org/abs/1708.07747).
