# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data on the accelerator
#
# > Bytes that travel once, batches whose shape never changes, and an order that can be computed
#
# - skip_showdoc: true
# - order: 36

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/data.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/data.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/data.ipynb) · [API](../about/api.ipynb#tpu-data)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tpu]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** feed an accelerator without making it wait, keep every shape static, and go on in the middle of an
# epoch with the very batch that comes next.
#
# **You need** [Devices](strategy.ipynb) and [Data sets](../foundations/datasets.ipynb). **It takes** ten minutes.

# %%
#| default_exp tpu.data

# %%
#| exports
from gan_course.tpu.config import BACKEND # first: it chooses Keras's backend

import numpy as np

from gan_course.basics import CourseError

if BACKEND == "jax": import jax
else: import tensorflow as tf


# %% [markdown]
# ## Where the time goes
#
# Fashion-MNIST is 47 MB of bytes. As float32 it is 188 MB, and the textbook pipeline sends all of that from the host to
# the [accelerator](../about/glossary.ipynb#gl-accelerator) in each of thirty [epochs](../about/glossary.ipynb#gl-epoch). A TPU core takes a [batch](../about/glossary.ipynb#gl-batch) of 128 in less than a millisecond; the host has to
# gather, convert and send it in less, or the accelerator waits. Two changes remove the problem: send bytes, and send
# them once.
#
# ## An order that can be computed
#
# Which images make the seventeenth batch of the ninth epoch? A shuffle buffer knows it only after it has been through all
# that came before, and a run that was killed has to go through it again. If the order of an epoch is a function of the
# [seed](../about/glossary.ipynb#gl-seed) and the epoch's number, nobody has to remember anything.

# %%
#| exports
def epoch_order(num, # of images
                seed, # of the run
                epoch, # 0, 1, 2, ...
    ): # int32 array, [num]: a permutation of 0 ... num - 1
    "The order in which an epoch visits the images. The same on every machine and on both backends."
    return np.random.default_rng([seed, epoch]).permutation(num).astype(np.int32)


# %%
first, second = epoch_order(1000, seed=0, epoch=0), epoch_order(1000, seed=0, epoch=1)
assert sorted(first) == list(range(1000)) and (first != second).any()
assert ((first == epoch_order(1000, seed=0, epoch=0)).all()
        and (first != epoch_order(1000, seed=1, epoch=0)).any())
first[:8]


# %% [markdown]
# ## Batches
#
# On JAX the images lie on the device, and a batch is a row of numbers: the step itself picks the images. With [several devices](../about/glossary.ipynb#gl-data-parallel)
# each has a copy of the images, and its share of the row. On TensorFlow `fit` wants a `tf.data.Dataset`, and shares its batches
# among the [replicas](../about/glossary.ipynb#gl-replica); the pipeline gathers bytes, and the step turns them into numbers in [-1, 1].
#
# One thing has to be switched off. `tf.data` has an autotuner, a thread that thinks about the pipeline and sleeps in between, twice as long each time; and whoever ends an iterator waits until it wakes. We
# saw epochs of 57 seconds followed by 25, 60, even 85 seconds in which no core did anything. Nothing in the log, no error; only a number of images per second that was too small, and differed from epoch to
# epoch. A stack dump of the sleeping process showed the destructor of an iterator. `autotune.enabled = False` ends it, as long as no [strategy](../about/glossary.ipynb#gl-strategy) wraps the data set in one of its own; so with one device there is none.
#
# Every batch is full. An accelerator compiles the step for [one shape](../about/glossary.ipynb#gl-static-shape); the last, smaller batch of an epoch would be another
# one, compiled anew, for the sake of some images that come again in the next epoch. **Predict:** of 1,000 images in batches of
# 256, how many are left for another epoch?

# %%
#| exports
class Part:
    """Some successive batches of an epoch, for `AdversarialModel.fit` on JAX: the images, and which
    of them each batch takes."""
    # on the device; int32 [steps, B]
    def __init__(self, images, index): self.images, self.index = images, index
    def __len__(self): return len(self.index)

class Batches:
    "A data set, and its batches in a new order each epoch; on JAX it lies on the device."
    def __init__(self,
                 dataset, # a `gan_course.datasets.Dataset`
                 batch_size, # real images per step, over all devices
                 accelerator, # an `Accelerator`
                 seed=0, # of the order
                ):
        if len(dataset) < batch_size:
            raise CourseError(f"{dataset.name} has {len(dataset)} images and "
                              f"batch_size is {batch_size}: "
                              "not one full batch; lower batch_size or raise limit")
        if batch_size % accelerator.count:
            raise CourseError(f"batch_size {batch_size} cannot be shared equally by "
                              f"{accelerator.count} devices; "
                              f"use a multiple of {accelerator.count}")
        self.num, self.batch_size, self.seed = len(dataset), batch_size, seed
        if BACKEND == "jax":
            everywhere = jax.sharding.NamedSharding(accelerator.share, jax.sharding.PartitionSpec())
            # uint8 [N, H, W, C], a copy on each device
            self.images = jax.device_put(dataset.images, everywhere)
        else: self.images, self.share = tf.constant(dataset.images), accelerator.share

    def __len__(self):
        "Full batches in an epoch."
        return self.num // self.batch_size

    def index(self, epoch, start, steps):
        "The numbers of the images of some batches, int32 [steps, B]."
        order = epoch_order(self.num, self.seed, epoch)
        first, size = start * self.batch_size, steps * self.batch_size
        return order[first:first + size].reshape(steps, self.batch_size)

    def part(self, epoch, start=0, steps=None): # first batch, and how many; None: all that follow
        """Batches of an epoch, as `fit` takes them: a `Part` on JAX; on TensorFlow a
        `tf.data.Dataset` of uint8 [B, H, W, C], shared among replicas."""
        index = self.index(epoch, start, len(self) - start if steps is None else steps)
        if BACKEND == "jax": return Part(self.images, index)
        options = tf.data.Options()
        options.autotune.enabled = False # it would hold up the end of every epoch
        data = tf.data.Dataset.from_tensor_slices(index).map(lambda i: tf.gather(self.images, i))
        data = data.prefetch(2).with_options(options)
        if self.share.num_replicas_in_sync == 1: return data
        on_host = tf.distribute.InputOptions(experimental_fetch_to_device=False)
        return self.share.experimental_distribute_dataset(data, on_host)


# %%
import keras

from gan_course.datasets import load_dataset
from gan_course.tpu.strategy import find_accelerator

# %%
data = load_dataset("garments", limit=1000)
batches = Batches(data, 256, find_accelerator("cpu"))
len(batches), batches.index(epoch=0, start=1, steps=2).shape


# %% [markdown]
# Three full batches, and 232 images that wait for another epoch. A part that starts in the middle must be the end of the
# whole:

# %%
def numbers(part):
    "The images of a part, whatever it is."
    return (np.array(part.images)[part.index] if BACKEND == "jax"
            else np.stack([keras.ops.convert_to_numpy(x) for x in part]))

whole, rest = numbers(batches.part(epoch=4)), numbers(batches.part(epoch=4, start=1))
assert whole.shape == (3, 256, 28, 28, 1) and whole.dtype == np.uint8
assert (whole[1:] == rest).all() and (whole[0] == data.images[epoch_order(1000, 0, 4)[:256]]).all()

# %%
from types import SimpleNamespace

# %%
for wrong in (2000, 255):
    try: Batches(data, wrong, SimpleNamespace(count=8))
    except CourseError as error: print(error)
    else: raise AssertionError("it was accepted")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_data import check_mean_score, check_rows


# %% [markdown]
# ### 1. Across the end of an epoch
#
# `index` gives batches of one epoch. A device that takes fifty steps in a call does not care where an epoch ends. Write
# `rows(step, steps, num, batch_size, seed)`: the numbers of the images of `steps` batches, `[steps, batch_size]`, when `step`
# batches were taken since the beginning of the run. Each epoch has the order that `epoch_order` gives, and full batches only.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def rows(step, steps, num, batch_size, seed):
    found, per_epoch = [], num // batch_size
    for k in range(step, step + steps):
        epoch, at = divmod(k, per_epoch)
        found.append(epoch_order(num, seed, epoch)[at * batch_size:(at + 1) * batch_size])
    return np.stack(found)

check_rows(rows)


# %% [markdown]
# ### 2. All of them, in one shape
#
# Training may leave the rest of an epoch for the next one. A measurement may not: it has to count each image once. Write
# `mean_score(score, x, size)`, the mean of `score` over all images `x`, `[N, H, W]`. `score` takes `size` images and gives a
# NumPy array of `size` numbers; it is compiled for that shape, so it must not see another one.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def mean_score(score, x, size):
    total = 0.0
    for i in range(0, len(x), size):
        part = x[i:i + size]
        filled = np.concatenate([part, np.zeros((size - len(part), *x.shape[1:]), x.dtype)])
        # cut off, not multiplied by 0: a score of zeros may be infinite
        total += score(filled)[:len(part)].sum()
    return total / len(x) # once: a mean of means would give the last batch too much weight

check_mean_score(mean_score)

# %% [markdown]
# ## What to remember
#
# - Send bytes, and send them once. The step turns them into numbers on the device.
# - An order that follows from the seed and the epoch needs no memory. Any batch of any epoch can be computed.
# - One shape for all batches. Training leaves the rest for another epoch; a measurement fills up, and does not count what it
#   filled in.
#
# **What goes wrong, and how to see it.**
#
# - *A [resumed](../about/glossary.ipynb#gl-resume) run sees the first images again*: a pipeline begins anew. Compare its first batch with the one that an
#   uninterrupted run gets there.
# - *One step in each epoch takes as long as the very first*: the last batch is smaller, and the step is compiled for it.
# - *After an epoch no core does anything for a while*: the autotuner of `tf.data`. Switch it off, also in what a strategy adds to
#   your pipeline.
# - *The [discriminator](../about/glossary.ipynb#gl-discriminator) is perfect within seconds*: one side is in [0, 255] and the other in [-1, 1]. Print the least and the
#   largest number of both.
#
# **References.** TensorFlow's guides on [`tf.data`](https://www.tensorflow.org/guide/data) and [its
# performance](https://www.tensorflow.org/guide/data_performance). Murray et al. [-@murray2021tfdata], *tf.data: a machine learning data processing
# framework*. Xiao, Rasul and Vollgraf [-@xiao2017fashion], [*Fashion-MNIST*](https://arxiv.org/abs/1708.07747).
