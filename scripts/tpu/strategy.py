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
# - order: 0
# - skip_showdoc: true

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/strategy.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/strategy.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/strategy.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course[tpu] @ git+https://github.com/gan-course/gan_course@main"]) == 0

# %% [markdown]
# **You will be able to** say which accelerator a program will use and why, before it computes anything; share a batch among
# several devices on both backends; and try all of it on a processor.
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
#| exports
@dataclass(frozen=True)
class Accelerator:
    "What a run computes on."
    kind: str # cpu, gpu or tpu
    count: int # devices that share a batch
    name: str # of the device, as a person would say it
    why: str # this one
    share: Any # TensorFlow: a `tf.distribute.Strategy`; JAX: a `jax.sharding.Mesh` with the axis "batch"

    def scope(self):
        "Networks and optimisers are made inside of this."
        return self.share.scope() if BACKEND == "tensorflow" else nullcontext()

    def __str__(self):
        return f"{BACKEND} on {f'{self.count} × ' if self.count > 1 else ''}{self.name} ({self.why})"

# %%
#| exports
KINDS = ("tpu", "gpu", "cpu") # fastest first

def split_cpu(number): # of devices
    "Let the processor count as several devices. `CourseError` if the backend has begun to compute."
    late = CourseError(f"cpu_devices is {number}, and {BACKEND} has already started with another number; ask for them "
                       "first thing in a fresh process")
    if BACKEND == "jax":
        try: jax.config.update("jax_num_cpu_devices", number)
        except RuntimeError: pass
        if len(jax.devices("cpu")) < number: raise late
        return
    processor = tf.config.list_physical_devices("CPU")[0]
    try: tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * number)
    except RuntimeError:
        if len(tf.config.list_logical_devices("CPU")) < number: raise late from None

def jax_devices(kind):
    "The devices of a kind; an empty list where there are none."
    try: return jax.devices(kind)
    except RuntimeError: return []

def find_accelerator(device="auto", # auto, cpu, gpu or tpu
                     cpu_devices=1, # devices that the processor is split into
    ): # an `Accelerator`
    "The fastest kind of device that this process can use, all of them. `CourseError` where the one asked for is not there."
    if device not in ("auto", *KINDS): raise CourseError(wrong_choice("device", device, ("auto", *KINDS)))
    if cpu_devices > 1: split_cpu(cpu_devices)
    if BACKEND == "jax": found = {kind: jax_devices(kind) for kind in KINDS}
    else: found = {"tpu": tensorflow_tpu(device), **{kind: tf.config.list_logical_devices(kind.upper()) for kind in KINDS[1:]}}
    kind = next(k for k in KINDS if found[k]) if device == "auto" else device
    if cpu_devices > 1: kind = "cpu"
    if not found[kind]:
        raise CourseError(f"device {device} was asked for, and {BACKEND} finds only "
                          f"{', '.join(k for k in KINDS if found[k])} here; use device auto{remedy(kind)}")
    devices = found[kind]
    if BACKEND == "tensorflow" and kind == "cpu": devices = devices[:cpu_devices]
    why = "asked for" if device != "auto" or cpu_devices > 1 else explain(found)
    return Accelerator(kind, len(devices), name_of(kind, devices), why, share_among(kind, devices))

def remedy(kind):
    if kind == "tpu" and BACKEND == "tensorflow":
        return ", or KERAS_BACKEND=jax; TensorFlow needs tensorflow-tpu, whose last version is 2.20, to see a TPU"
    return f", or install what {BACKEND} needs for a {kind}"

def explain(found): # kind -> devices
    "Why the fastest kind that was found is the one that was found."
    if found["tpu"]: return "a TPU was found"
    missed = f"a TPU is here, but {BACKEND} cannot use it; " if sees_tpu() else ""
    return missed + ("a GPU was found, and no TPU" if found["gpu"] else "neither TPU nor GPU was found")

def name_of(kind, devices):
    "As a person would name it."
    if kind == "cpu": return "cpu"
    if BACKEND == "jax": return f"{kind}: {devices[0].device_kind}"
    if kind == "tpu": return "tpu"
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return f"gpu: {details.get('device_name', 'unknown')}"

def share_among(kind, devices):
    "TensorFlow's strategy, or JAX's mesh."
    if BACKEND == "jax": return jax.sharding.Mesh(devices, ("batch",))
    if kind == "tpu": return tf.distribute.TPUStrategy()
    names = [d.name.removeprefix("/device:") for d in devices]
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else tf.distribute.OneDeviceStrategy(names[0])

def tensorflow_tpu(device):
    "The TPU cores that TensorFlow can use. Connects to them, which can only happen before anything is computed."
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
POLICIES = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"} # Keras's names

def select_precision(name, # auto, fp32, bf16 or fp16
                     accelerator):
    "The dtype policy of the hidden layers. Asked for by name, it is not replaced."
    if name not in ("auto", *POLICIES): raise CourseError(wrong_choice("precision", name, ("auto", *POLICIES)))
    if name != "auto": return POLICIES[name]
    if accelerator.kind == "tpu": return POLICIES["bf16"]
    if accelerator.kind == "cpu": return POLICIES["fp32"]
    capability = gpu_capability()
    return POLICIES["bf16" if capability >= 8 else "fp16" if capability >= 7 else "fp32"]

def gpu_capability():
    "The major number of the first NVIDIA GPU's compute capability; 0 where it has none."
    if BACKEND == "jax": return int(float(getattr(jax.devices("gpu")[0], "compute_capability", 0)))
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return details.get("compute_capability", (0, 0))[0]

# %%
found = find_accelerator()
print(found, "|", select_precision("auto", found))
