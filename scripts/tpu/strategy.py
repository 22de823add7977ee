# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Devices
#
# > From one core of a processor to eight of a TPU: which there are, which to use, and why
#
# - skip_showdoc: true
# - order: 35

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/strategy.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/strategy.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/strategy.ipynb) · [API](../about/api.ipynb#tpu-strategy)

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
# **You will be able to** say which accelerator a program will use and why, before it computes anything; share a batch among
# several devices on both backends; say what happens to BatchNorm then; and try all of it on a processor.
#
# **You need** [Configuration](config.ipynb). **It takes** twenty minutes.

# %%
#| default_exp tpu.strategy

# %%
#| exports
from gan_course.tpu.config import BACKEND, sees_tpu # first: it chooses Keras's backend

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import keras

from gan_course.basics import CourseError
from gan_course.configuration import wrong_choice

if BACKEND == "jax": import jax
else: import tensorflow as tf

# %%
import subprocess
import sys
from types import SimpleNamespace

import numpy as np


# %% [markdown]
# ## What is there today
#
# A lesson about TPUs is out of date soon. This table was made in November 2026, from the packages these images ship:
#
# | image | [accelerator](../about/glossary.ipynb#gl-accelerator) | ships | TensorFlow on the TPU? |
# |---|---|---|---|
# | Kaggle, *TPU v5e-8* | eight cores of v5e | JAX, Keras 3, torch_xla | no |
# | Colab, *v5e-1* and *v6e-1* | one core | JAX, Keras 3 | no: [not installed since March 2025](https://github.com/googlecolab/colabtools/issues/5164) |
# | Colab and Kaggle, GPU | T4, L4, A100, 2 × T4 | TensorFlow, JAX, PyTorch | |
#
# Who wants the TensorFlow path on a TPU must install it, and the last version there is, 2.20, from August 2025:
#
# ```
# pip uninstall -y tensorflow
# pip install "tensorflow-tpu==2.20.0" "libtpu==0.0.*" "keras>=3.12,<4" \
#     --find-links https://storage.googleapis.com/libtpu-tf-releases/index.html
# ```
#
# We had no TPU while writing. What this track does on one was tried on as many [virtual devices](../about/glossary.ipynb#gl-logical-device), and the table on [the page about
# speed](speed.ipynb) waits for your numbers.
#
# ## An accelerator, in one sentence
#
# A program that silently runs on a processor wastes a day. So the first thing a run prints is what it computes on, how many of them, and why.

# %%
#| exports
@dataclass(frozen=True)
class Accelerator:
    "What a run computes on."
    kind: str # cpu, gpu or tpu
    count: int # devices that share a batch
    name: str # of the device, as a person would say it
    why: str # this one
    # TensorFlow: a `tf.distribute.Strategy`; JAX: a `jax.sharding.Mesh` with the axis "batch"
    share: Any

    def scope(self):
        "Networks and optimisers are made inside of this."
        return self.share.scope() if BACKEND == "tensorflow" else nullcontext()

    def __str__(self):
        return (f"{BACKEND} on {f'{self.count} × ' if self.count > 1 else ''}{self.name} "
                f"({self.why})")


# %% [markdown]
# `share` is what both [backends](../about/glossary.ipynb#gl-backend) call differently. On TensorFlow it is a *[strategy](../about/glossary.ipynb#gl-strategy)*: the step is a program for one device, every [replica](../about/glossary.ipynb#gl-replica) runs it on
# its share of the [batch](../about/glossary.ipynb#gl-batch), and wherever numbers of all replicas are wanted, the step has to say so. On JAX it is a *[mesh](../about/glossary.ipynb#gl-mesh)*: the step is a program for the
# whole batch, arrays know how they are cut up, and the compiler finds out who has to tell whom what.

# %%
#| exports
def share_among(kind, devices):
    "TensorFlow's strategy, or JAX's mesh."
    if BACKEND == "jax": return jax.sharding.Mesh(devices, ("batch",))
    if kind == "tpu": return tf.distribute.TPUStrategy()
    # TensorFlow's default: the fastest device that it sees
    if len(devices) == 1: return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([d.name.removeprefix("/device:") for d in devices])


# %% [markdown]
# ## Several devices from one processor
#
# Nobody has eight TPU cores at hand while writing a loop. Both backends can split a processor: eight devices that share its cores and compute
# nothing faster, but everything that goes wrong with eight devices goes wrong with them. They must be asked for before the backend has
# computed anything.

# %%
#| exports
def split_cpu(number): # of devices
    "Let the processor count as several devices. `CourseError` if the backend has begun to compute."
    late = CourseError(f"cpu_devices is {number}, and {BACKEND} has already started with another "
                       "number; ask for them "
                       "first thing in a fresh process")
    if BACKEND == "jax":
        try: jax.config.update("jax_num_cpu_devices", number)
        except RuntimeError: pass
        if len(jax.devices("cpu")) < number: raise late
        return
    processor = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(processor,
                                                   [tf.config.LogicalDeviceConfiguration()]
                                                   * number)
    except RuntimeError:
        if len(tf.config.list_logical_devices("CPU")) < number: raise late from None


# %% [markdown]
# ## Looking for the fastest
#
# JAX has a list of devices of each kind. TensorFlow has to connect to a TPU first, and a TensorFlow without support for TPUs fails there in
# more than one way.

# %%
#| exports
def jax_devices(kind):
    "The devices of a kind; an empty list where there are none."
    try: return jax.devices(kind)
    except RuntimeError: return []

def tensorflow_tpu(device):
    """The TPU cores that TensorFlow can use. Connects to them, which can only happen before
    anything is computed."""
    if device not in ("auto", "tpu") or not sees_tpu(): return []
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.config.list_logical_devices("TPU")
    except Exception: # a TensorFlow without TPU support fails in many ways
        return []


# %%
#| exports
KINDS = ("tpu", "gpu", "cpu") # fastest first

def find_accelerator(device="auto", # auto, cpu, gpu or tpu
                     cpu_devices=1, # devices that the processor is split into
    ): # an `Accelerator`
    """The fastest kind of device that this process can use, all of them. `CourseError` where the
    one asked for is not there."""
    if device not in ("auto", *KINDS):
        raise CourseError(wrong_choice("device", device, ("auto", *KINDS)))
    if cpu_devices > 1: split_cpu(cpu_devices)
    if BACKEND == "tensorflow" and (device == "cpu" or cpu_devices > 1): hide_gpus()
    if BACKEND == "jax": found = {kind: jax_devices(kind) for kind in KINDS}
    else:
        found = {"tpu": tensorflow_tpu(device),
                 **{kind: tf.config.list_logical_devices(kind.upper()) for kind in KINDS[1:]}}
    kind = next(k for k in KINDS if found[k]) if device == "auto" else device
    if cpu_devices > 1: kind = "cpu"
    if not found[kind]:
        raise CourseError(f"device {device} was asked for, and {BACKEND} finds only "
                          f"{', '.join(k for k in KINDS if found[k])} here; use "
                          f"device auto{remedy(kind)}")
    devices = found[kind]
    if BACKEND == "tensorflow" and kind == "cpu": devices = devices[:cpu_devices]
    why = "asked for" if device != "auto" or cpu_devices > 1 else explain(found)
    return Accelerator(kind, len(devices), name_of(kind, devices), why, share_among(kind, devices))


# %%
#| exports
def hide_gpus():
    """TensorFlow computes on a GPU that it sees; so for the processor it must see none.
    `CourseError` if it has started with one."""
    if not tf.config.list_physical_devices("GPU"): return
    try: tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        raise CourseError("device cpu was asked for, and tensorflow has already started with a "
                          "GPU; ask for it first thing "
                          "in a fresh process") from None

def remedy(kind):
    if kind == "tpu" and BACKEND == "tensorflow":
        return (", or KERAS_BACKEND=jax; TensorFlow needs tensorflow-tpu, whose last version is "
                "2.20, to see a TPU")
    return f", or install what {BACKEND} needs for a {kind}"

def explain(found): # kind -> devices
    "Why the fastest kind that was found is the one that was found."
    if found["tpu"]: return "a TPU was found"
    missed = f"a TPU is here, but {BACKEND} cannot use it; " if sees_tpu() else ""
    return missed + ("a GPU was found, and no TPU" if found["gpu"]
                     else "neither TPU nor GPU was found")

def name_of(kind, devices):
    "As a person would name it."
    if kind == "cpu": return "cpu"
    if BACKEND == "jax": return f"{kind}: {devices[0].device_kind}"
    if kind == "tpu": return "tpu"
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return f"gpu: {details.get('device_name', 'unknown')}"


# %% [markdown]
# We ask for eight devices right here; this notebook computes with them from now on. **Predict:** how many would a training use that asked for
# nothing?

# %%
eight = find_accelerator("cpu", cpu_devices=8)
print(eight)
print(find_accelerator("cpu"))

# %%
assert eight.count == 8 and "asked for" in eight.why and eight.kind == "cpu"
try: find_accelerator("cpu", cpu_devices=16)
except CourseError as error: print(error)
else: raise AssertionError("devices appeared after the start")

# %% [markdown]
# The other backend says the same in a process of its own. `XLA_FLAGS` is how JAX's own manual asks for virtual devices, and works too:

# %%
code = "from gan_course.tpu.strategy import find_accelerator; print(find_accelerator())"
flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
print(subprocess.run([sys.executable, "-c", code], env=os.environ | flags, capture_output=True,
                     text=True).stdout)

# %% [markdown]
# Asked for by name, a device is never replaced by another. A person who asked for a TPU and trains for a day on a processor has not been helped:

# %%
for kind in ("tpu", "gpu"):
    try: found = find_accelerator(kind)
    except CourseError as error: print(error)
    else: print(found)

# %%
assert explain(dict(tpu=[1], gpu=[], cpu=[1])) == "a TPU was found"
assert explain(dict(tpu=[], gpu=[1], cpu=[1])).endswith("a GPU was found, and no TPU")
assert name_of("cpu", []) == "cpu"

# %% [markdown]
# ## BatchNorm across devices
#
# Here is the first thing that goes wrong with eight devices. [BatchNorm](../about/glossary.ipynb#gl-batchnorm) subtracts the mean of *the batch*. If every device has an
# eighth of it, which batch is meant? We take 64 numbers whose first half is larger than the second, so that no device's share
# looks like the whole, and normalise them by hand, on eight devices, and on eight devices that are told to *[synchronise](../about/glossary.ipynb#gl-sync-batchnorm)*. **Predict:** which results will be equal?

# %%
x = np.random.default_rng(0).normal(size=(64, 1)).astype(np.float32)
x[:32] += 4

def normalised(x, accelerator, synchronized=False):
    "What BatchNorm makes of a batch that the devices share."
    with accelerator.scope():
        layer = keras.layers.BatchNormalization(synchronized=synchronized
                                                and BACKEND == "tensorflow")
        layer.build(x.shape)
    if BACKEND == "jax":
        over = jax.sharding.NamedSharding(accelerator.share, jax.sharding.PartitionSpec("batch"))
        weights = ([v.value for v in layer.trainable_variables],
                   [v.value for v in layer.non_trainable_variables])
        step = jax.jit(lambda x: layer.stateless_call(*weights, x, training=True)[0],
                       in_shardings=over)
        return np.array(step(x))
    strategy, share = accelerator.share, len(x) // accelerator.count
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(x[context.replica_id_in_sync_group * share:][:share]))
    out = strategy.run(tf.function(lambda x: layer(x, training=True)), args=(parts,))
    return np.concatenate([part.numpy() for part in strategy.experimental_local_results(out)])


# %%
whole = (x - x.mean()) / np.sqrt(x.var() + 1e-3)
each, sync = normalised(x, eight), normalised(x, eight, synchronized=True)
for name, y in (("by hand, the whole batch", whole), ("eight, each for itself", each),
                ("eight, synchronised", sync)):
    print(f"{name:<24} mean of the first half {y[:32].mean():+.2f}, of the second "
          f"{y[32:].mean():+.2f}")

# %%
assert np.abs(whole - sync).max() < 1e-4
if BACKEND == "tensorflow":
    assert np.abs(whole - each).max() > 0.5, "a replica knows its share only"
else: assert np.abs(whole - each).max() < 1e-4, "one program, one batch"

# %% [markdown]
# With TensorFlow every replica has subtracted the mean of its own eight numbers, and the difference between the halves is gone: a [generator](../about/glossary.ipynb#gl-generator)
# trained so would see batches of an eighth. `synchronized=True` asks all replicas. With JAX there is nothing to ask: the program says "the
# mean of the batch", and the batch is the whole array, wherever it lies. Our generator sets `sync` with several replicas of TensorFlow, and our
# [discriminator](../about/glossary.ipynb#gl-discriminator) has no BatchNorm at all.
#
# ## Numbers of half the size
#
# TPUs multiply [bfloat16](../about/glossary.ipynb#gl-bf16): the exponent of float32, and eight bits of precision. GPUs since Ampere do too. Older ones have float16: eleven bits, but nothing
# smaller than 6 · 10⁻⁸, and gradients of a GAN are smaller than that; so losses are multiplied with a large number first and gradients divided by it, which is called
# *[loss scaling](../about/glossary.ipynb#gl-loss-scaling)*. On a processor it depends on the processor; [the page about speed](speed.ipynb) has the numbers.

# %%
#| exports
POLICIES = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"} # Keras's names

def select_precision(name, # auto, fp32, bf16 or fp16
                     accelerator):
    "The dtype policy of the hidden layers. Asked for by name, it is not replaced."
    if name not in ("auto", *POLICIES):
        raise CourseError(wrong_choice("precision", name, ("auto", *POLICIES)))
    if name != "auto": return POLICIES[name]
    if accelerator.kind == "tpu": return POLICIES["bf16"]
    if accelerator.kind == "cpu": return POLICIES["fp32"]
    capability = gpu_capability()
    return POLICIES["bf16" if capability >= 8 else "fp16" if capability >= 7 else "fp32"]


# %%
#| exports
def gpu_capability():
    "The major number of the first NVIDIA GPU's compute capability; 0 where it has none."
    if BACKEND == "jax": return int(float(getattr(jax.devices("gpu")[0], "compute_capability", 0)))
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return details.get("compute_capability", (0, 0))[0]


# %%
tiny = np.float32(2e-8)
print("a gradient of 2e-8 in float16:", np.float16(tiny), " after scaling by 2¹⁵:",
      np.float32(np.float16(tiny * 2**15)) / 2**15)
assert np.float16(tiny) == 0 and select_precision("auto", eight) == "float32"
assert select_precision("auto", SimpleNamespace(kind="tpu")) == "mixed_bfloat16"
assert select_precision("fp16", eight) == "mixed_float16", "asked for by name"

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_strategy import check_next_scale, check_together


# %% [markdown]
# ### 1. What eight know together
#
# A device must not send its images to the others, but it can send a mean and a variance. Write `together(means, variances)`: two
# arrays `[devices, C]`, from equal shares of a batch, give the mean and the variance of the whole batch, two arrays `[C]`. It
# should also be right in float32 for numbers around 1000 that hardly differ.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def together(means, variances):
    return means.mean(0), variances.mean(0) + means.var(0) # within the shares, and between them

check_together(together)

# %% [markdown]
# The 64 numbers from above, eight to a device. How much of their variance did a replica see?

# %%
parts = x.reshape(8, 8, 1)
mean, variance = together(parts.mean(1), parts.var(1))
print(f"the mean of eight variances {parts.var(1).mean():.2f}, the variance of the batch "
      f"{variance.item():.2f}")
assert (np.isclose(variance.item(), x.var(), rtol=1e-5)
        and np.isclose(mean.item(), x.mean(), rtol=1e-5))


# %% [markdown]
# ### 2. How large a scale?
#
# The scale of a loss is found by trying. If a number in the scaled gradients is not finite, the step is left out, and the scale
# is halved. After `every` good steps in a row it is doubled. Write `next_scale(scale, good, gradients, every)`, where `good`
# steps in a row were taken with this scale before and `gradients` is a list of float16 arrays. It gives `(take, scale, good)`:
# whether to take this step, and the two numbers for the next one.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def next_scale(scale, good, gradients, every):
    if not all(np.isfinite(g).all() for g in gradients): return False, scale / 2, 0
    if good + 1 == every: return True, scale * 2, 0
    return True, scale, good + 1

check_next_scale(next_scale)

# %% [markdown]
# ## What to remember
#
# - A run says first what it computes on and why. A device that was asked for by name is not replaced.
# - With TensorFlow the step is a program for one device, and says where it wants numbers of all. With JAX it is a program for the
#   whole batch.
# - A processor that is split into eight devices shows what goes wrong with eight, before anything has been computed.
# - The variance of a batch is the mean of the shares' variances and the variance of their means.
# - bfloat16 keeps float32's range, and float16 does not: it needs a loss scale.
#
# **What goes wrong, and how to see it.**
#
# - *A run on a TPU machine is as slow as on a laptop*: read its first line. If it names the processor, the backend cannot use the
#   TPU; ask for `device` tpu by name, and it says what is missing.
# - *`cpu_devices is 8, and jax has already started with another number`*: something was computed before. Begin a fresh process.
# - *The pictures get worse with the number of replicas, and nothing else does*: BatchNorm sees one share. `synchronized=True` on
#   TensorFlow.
# - *In float16 the weights stand still, or become nan*: there is no loss scale, or only one of the two optimisers has one.
#
# **References.** TensorFlow's guide to [distributed training](https://www.tensorflow.org/guide/distributed_training). JAX's
# [*Distributed arrays and automatic
# parallelization*](https://docs.jax.dev/en/latest/notebooks/Distributed_arrays_and_automatic_parallelization.html). Ioffe and
# Szegedy [-@ioffe2015batchnorm], *Batch normalization*. Chan, Golub and LeVeque [-@chan1983variance], *Algorithms for computing the sample variance*.
# Micikevicius et al. [-@micikevicius2017mixed], *Mixed precision training*. Kalamkar et al. [-@kalamkar2019bfloat16], *A study of bfloat16 for deep learning training*.
