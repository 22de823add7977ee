# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Configuration
#
# > What TensorFlow adds to a run's configuration: devices and how they share the work, number formats, and XLA
#
# - skip_showdoc: true
# - order: 24

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/config.ipynb) · [API](../about/api.ipynb#tensorflow-config) · [Side by side](../about/side_by_side.ipynb#config)

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
# **You will be able to** choose a device, a distribution strategy and a number format by asking the machine, and say
# which of TensorFlow's three accelerations help on your hardware and which do harm.
#
# **You need** [Configuration](../foundations/configuration.ipynb): recipes and the fields that all tracks share.
# If you have read the [PyTorch track](../pytorch/index.ipynb), lay its [lesson](../pytorch/config.ipynb) beside this
# one. **It takes** ten minutes.

# %%
#| default_exp tensorflow.config

# %%
#| exports
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

os.environ.setdefault("KERAS_BACKEND", "tensorflow")   # read once, when keras is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")     # nothing from C++: no page of notes on start

from gan_course import configuration
from gan_course.basics import CourseError, no_stderr
from gan_course.configuration import RANGES, BaseConfig, wrong_choice

# %% [markdown]
# The first cell sets two variables before anything imports TensorFlow. Keras 3 runs on TensorFlow, JAX or PyTorch, and
# decides once per process, when it is imported. Here it has to be TensorFlow, and a process where it is another one is refused.
#
# The other variable is about TensorFlow's notes: which processor it was built for, that there is no GPU, that an optimisation of a
# graph did not apply. Its C++ code writes them to stderr, where an error of ours would drown in them. Errors that matter arrive as
# Python exceptions all the same. A few of the notes are written on import, before TensorFlow looks at the variable (its issue
# [100442](https://github.com/tensorflow/tensorflow/issues/100442)); for that moment stderr leads nowhere. When you suspect TensorFlow itself,
# `TF_CPP_MIN_LOG_LEVEL=0 gan-course ...` shows everything.

# %%
#| exports
_backend = (sys.modules["keras"].backend.backend() if "keras" in sys.modules
            else os.environ["KERAS_BACKEND"])
if _backend != "tensorflow":
    raise CourseError(f"KERAS_BACKEND is {_backend}, and this track runs on tensorflow; unset it, "
                      "or set it to tensorflow "
                      "before Keras is imported")
with no_stderr() if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3" else nullcontext():
    import tensorflow as tf
tf.get_logger().setLevel("WARNING") # or each strategy announces itself

# %% [markdown]
# ## The fields
#
# [Recipes](../about/glossary.ipynb#gl-recipe), data, networks, objective, optimisers: all of that is the same as in every other track, down to the name. What
# TensorFlow adds is how to compute.

# %%
#| exports
DEVICES = ("auto", "cpu", "gpu")

@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
    out: Path = Path("artifacts/tensorflow_gan") # the run folder
    device: str = "auto" # auto, cpu, gpu, gpu:1
    strategy: Literal["auto", "single", "mirrored"] = "auto" # auto: mirrored on several GPUs
    cpu_devices: int = 1 # split the processor into so many devices, to try `mirrored` without GPUs
    sync_batch_norm: bool = False # BatchNorm over all devices' images instead of each device's own
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto" # auto: fp32 on a CPU
    xla: Literal["auto", "on", "off"] = "auto" # compile the step with XLA; auto: on a GPU
    deterministic: bool = True # only kernels whose result does not depend on timing

    ranges: ClassVar = RANGES | {"cpu_devices": (1, 64)}

    def check(self):
        super().check()
        if self.device.split(":")[0] not in DEVICES:
            raise CourseError(wrong_choice("device", self.device, DEVICES))
        if self.cpu_devices > 1 and self.device.split(":")[0] == "gpu":
            raise CourseError(f"cpu_devices is {self.cpu_devices} and device {self.device}: only a "
                              "processor can be split; use device cpu, or leave cpu_devices at 1")
        if self.cpu_devices > 1 and self.strategy == "single":
            raise CourseError(f"cpu_devices is {self.cpu_devices} and strategy "
                              "single, which uses one "
                              "device; use strategy mirrored, or leave cpu_devices at 1")


# %%
#| exports
CONFIG = Config()

# %% [markdown]
# The two recipes are those of every track:

# %%
from gan_course.configuration import RECIPES

# %%
assert all(getattr(CONFIG, name) == value for name, value in RECIPES["modern"].items())
dcgan = CONFIG.replace(recipe="dcgan")
dcgan.loss, dcgan.d_norm, dcgan.lr_g

# %% [markdown]
# And what it refuses:

# %%
for wrong in [dict(device="cuda"), dict(cpu_devices=0), dict(cpu_devices=2, strategy="single"),
              dict(precision="fp8"), dict(xla=True), dict(batch_size=0)]:
    try: CONFIG.replace(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")


# %% [markdown]
# ## The device
#
# TensorFlow counts **physical devices**, which are there, and **[logical devices](../about/glossary.ipynb#gl-logical-device)**, which a program sees. Usually they
# are the same. A processor can be split into several logical devices, all of which run on the same cores. That
# makes nothing faster. It makes it possible to write, test and debug a program for eight GPUs without having one.
#
# It has to happen before TensorFlow starts to compute, as everything that is placed on devices depends on it.

# %%
#| exports
def device_kinds():
    "The kinds of device that TensorFlow can use here, best first."
    return (["gpu"] if tf.config.list_physical_devices("GPU") else []) + ["cpu"]

def select_device(name="auto"): # auto, or what the configuration allows
    """The name of the device to compute on, such as CPU:0. `CourseError` if the one asked for is
    not there."""
    kinds = device_kinds()
    kind, colon, index = (kinds[0] if name == "auto" else name).partition(":")
    if kind not in DEVICES[1:] or (colon and not (index.isascii() and index.isdigit())):
        raise CourseError(wrong_choice("device", name, DEVICES))
    if kind not in kinds:
        raise CourseError(f"device {name} was asked for, and TensorFlow finds only "
                          f"{', '.join(kinds)} here; "
                          "use --device auto, or install tensorflow[and-cuda]")
    last = len(tf.config.list_physical_devices(kind.upper())) - 1
    if int(index or 0) > last:
        raise CourseError(f"device {name} was asked for, and the last one here is {kind}:{last}; "
                          "use that, or --device auto")
    return f"{kind.upper()}:{int(index or 0)}"

def split_cpu(number): # of logical devices
    "Let the processor count as several devices. `CourseError` if TensorFlow has begun to compute."
    processor = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * number
    try: tf.config.set_logical_device_configuration(processor, parts)
    except RuntimeError:
        there = len(tf.config.list_logical_devices("CPU"))
        if there < number:
            raise CourseError(f"cpu_devices is {number}, and TensorFlow has already "
                              f"started with {there}; "
                              "ask for them first thing in a fresh process") from None


# %%
split_cpu(2)

# %%
print("kinds, best first:", *device_kinds())
[device.name for device in tf.config.list_logical_devices("CPU")]

# %%
assert select_device("cpu") == "CPU:0" and select_device().startswith(device_kinds()[0].upper())
assert len(tf.config.list_logical_devices("CPU")) == 2
for wrong in ["cuda", "cpu:7", "gpu:x"] + (["gpu"] if "gpu" not in device_kinds() else []):
    try: select_device(wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %% [markdown]
# Now that TensorFlow has begun, it is too late for another split. **Predict:** will `split_cpu(3)` say so, or
# do nothing?

# %%
split_cpu(2) # there are two: fine
try: split_cpu(3)
except CourseError as error: print(error)
else: raise AssertionError("too late, and nobody said so")


# %% [markdown]
# ## The strategy
#
# A **[distribution strategy](../about/glossary.ipynb#gl-strategy)** says where variables live and how devices work together. There are two that we need. With
# `OneDeviceStrategy` everything is on one device. With `MirroredStrategy` each device, a *[replica](../about/glossary.ipynb#gl-replica)*, has its own copy
# of every variable; each gets its share of a [batch](../about/glossary.ipynb#gl-batch), the gradients are averaged, and all copies make the same change.
#
# Networks and optimisers have to be made inside `strategy.scope()`, so that their variables are mirrored. Code that runs
# later finds the strategy by asking for it.

# %%
#| exports
def select_strategy(name="auto", # auto, single or mirrored
                    device="auto", # see `select_device`
                    cpu_devices=1, # logical devices that the processor is split into
    ): # a `tf.distribute.Strategy`
    "How devices share the work. Raises `CourseError` where that cannot be had."
    if name not in ("auto", "single", "mirrored"):
        raise CourseError(wrong_choice("strategy", name, ["auto", "single", "mirrored"]))
    first = select_device(device)
    kind = first.split(":")[0]
    if cpu_devices > 1:
        if kind != "CPU":
            raise CourseError(f"cpu_devices is {cpu_devices}, and the device here is "
                              f"{first}; add --device cpu, "
                              "or leave cpu_devices at 1")
        split_cpu(cpu_devices)
    there = [d.name.removeprefix("/device:") for d in tf.config.list_logical_devices(kind)]
    if kind == "CPU": there = there[:cpu_devices]
    several = len(there) > 1 and ":" not in device
    if name == "mirrored" or (name == "auto" and several):
        if not several:
            raise CourseError("strategy mirrored was asked for, and there is one "
                              f"device ({there[0]}); "
                              "use strategy single, or cpu_devices to split the processor")
        return tf.distribute.MirroredStrategy(there)
    return tf.distribute.OneDeviceStrategy(first)

def current_strategy():
    """The strategy whose scope this is; TensorFlow's default one, with a single replica, outside of
    any."""
    return tf.distribute.get_strategy()


# %%
mirrored = select_strategy("mirrored", "cpu", cpu_devices=2)
with mirrored.scope():
    v = tf.Variable(3.0)
    assert current_strategy() is mirrored
print("outside:", current_strategy().num_replicas_in_sync, "replica; inside:",
      mirrored.num_replicas_in_sync)
mirrored.experimental_local_results(v)


# %% [markdown]
# One variable, two copies. What comes out of a step is a value per replica, to be reduced to one:

# %%
# NBVAL_CHECK_OUTPUT
@tf.function
def share_of_four():
    def replica():
        me = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.cast(me * 2 + tf.range(2), tf.float32) * v
    return mirrored.reduce("SUM", mirrored.run(replica), axis=0)

print(float(share_of_four())) # 3 · (0 + 1 + 2 + 3)

# %%
assert float(share_of_four()) == 18
for wrong in [dict(name="tpu"), dict(name="mirrored", device="cpu")]:
    try: select_strategy(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %% [markdown]
# ## The number format
#
# The [PyTorch lesson](../pytorch/config.ipynb) shows what float16 and [bfloat16](../about/glossary.ipynb#gl-bf16) can hold. In Keras, a **[dtype policy](../about/glossary.ipynb#gl-dtype-policy)** of a layer
# says in which format it computes and in which its variables are kept; `mixed_bfloat16` computes in bfloat16 and keeps
# float32 variables.

# %%
import keras

# %%
policy = keras.DTypePolicy("mixed_bfloat16")
policy.compute_dtype, policy.variable_dtype

# %% [markdown]
# Is it worth it? On a processor with bfloat16 units PyTorch's [autocast](../about/glossary.ipynb#gl-autocast) doubles the speed of our networks. TensorFlow 2.21 uses
# the units too, but around every convolution it converts and reorders its tensors. [The engine](engine.ipynb) measures what
# is left: about a fifth on the machine of this page, whose processor has the AVX-512 form of these units. On another one, with the larger AMX
# units, bfloat16 was the slower format. TensorFlow does not say which units a processor has, so the rule here is cautious: on a
# processor float32, unless you have measured and ask for another; on a GPU what it has units for, bfloat16 from compute
# capability 8 on (A100, L4, H100), float16 from 7 on (T4, V100).

# %%
#| exports
POLICIES = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"} # Keras's names

def select_precision(name="auto", # auto, fp32, bf16 or fp16
                     device="CPU:0", # from `select_device`
    ): # the name of a Keras dtype policy
    "The number format of convolutions and matrix products. Asked for by name, it is not replaced."
    if name == "auto":
        capability = gpu_capability(device)
        name = "fp32" if capability < 7 else "fp16" if capability < 8 else "bf16"
    if name not in POLICIES: raise CourseError(wrong_choice("precision", name, ["auto", *POLICIES]))
    return POLICIES[name]

def gpu_capability(device): # from `select_device`
    "The major number of an NVIDIA GPU's compute capability; 0 for anything else."
    kind, index = device.split(":")
    if kind != "GPU": return 0
    details = tf.config.experimental.get_device_details(
        tf.config.list_physical_devices("GPU")[int(index)])
    return details.get("compute_capability", (0, 0))[0]

def select_xla(name="auto", # auto, on or off
               device="CPU:0", # from `select_device`
    ): # bool, for `tf.function(jit_compile=...)`
    "Whether to compile with XLA. On a processor it makes our convolutions many times slower."
    if name not in ("auto", "on", "off"):
        raise CourseError(wrong_choice("xla", name, ["auto", "on", "off"]))
    return device.startswith("GPU") if name == "auto" else name == "on"


# %%
device = select_device()
f"here: {select_precision('auto', device)}, XLA {select_xla('auto', device)}"

# %%
assert select_precision("auto", "CPU:0") == "float32" and not select_xla("auto", "CPU:0")
assert select_precision("fp16", "CPU:0") == "mixed_float16" and select_xla("on", "CPU:0")

# %% [markdown]
# How large is the advantage of bfloat16 for a plain matrix product here? Taken in turns, the median of seven:

# %%
import statistics, time


# %%
def seconds(dtype, n=1024):
    a = tf.cast(tf.random.normal((n, n)), dtype)
    begin = time.perf_counter()
    for _ in range(5): b = a @ a
    b.numpy() # a GPU may not have finished yet
    return time.perf_counter() - begin

seconds("float32"), seconds("bfloat16") # once for nothing: the first call builds things
ratios = [seconds("float32") / seconds("bfloat16") for _ in range(7)]
print("a product of 1024 x 1024 matrices in bfloat16 is "
      f"{statistics.median(ratios):.1f} times as fast")


# %% [markdown]
# ## Where the results go
#
# The same files as in every track; only the weights are Keras's: `.weights.h5` holds arrays, `.keras` the network's
# architecture as well, so that any Keras can open it without this package.

# %%
#| exports
def artifact_paths(out): # the run folder
    "What a run writes, by name."
    keras_files = {f"{name}_keras": Path(out)/f"{name}.keras"
                   for name in ("generator", "discriminator")}
    return configuration.artifact_paths(out, ".weights.h5") | keras_files


# %%
# NBVAL_CHECK_OUTPUT
for name, path in artifact_paths(CONFIG.out).items(): print(f"{name:<20} {path.as_posix()}")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake. The first three run on the two
# logical devices that this lesson has made.

# %%
from gan_course.exercises.tensorflow_config import (check_build, check_loss, check_share,
                                                    check_survives)


# %% [markdown]
# ### 1. A replica's share
#
# Write `share(whole)`, called in a replica: `whole` is a batch of images, `[B, ...]`, that every replica has, and what comes
# back is the part that is this replica's. Outside of any strategy it is all of it. $B$ is a multiple of the number of
# replicas.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def share(whole):
    context = tf.distribute.get_replica_context()
    part = whole.shape[0] // context.num_replicas_in_sync
    return tf.reshape(whole, (-1, part, *whole.shape[1:]))[context.replica_id_in_sync_group]

check_share(share)


# %% [markdown]
# ### 2. Whose mean?
#
# An optimiser of Keras *adds up* the gradients of all replicas. Write `replica_loss(losses, batch_size)`: from the losses of
# the images in this replica's share the one number that it should differentiate, so that all of them together take the
# step of the mean over the whole batch of `batch_size` images.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def replica_loss(losses, batch_size):
    return tf.reduce_sum(losses) / batch_size # not reduce_mean: the share is smaller than the batch

check_loss(replica_loss)


# %% [markdown]
# ### 3. Made in the scope
#
# Write `build(strategy)`, which returns a network and its optimiser, ready for a step in the replicas: a `keras.Sequential` with
# one `Dense(1)` for inputs of three numbers, and `keras.optimizers.Adam`. When does Keras make each of the variables?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def build(strategy):
    with strategy.scope():
        network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]) # Input: built now
        optimizer = keras.optimizers.Adam(1e-3)
        optimizer.build(network.trainable_variables) # the moments
    return network, optimizer

check_build(build)


# %% [markdown]
# ### 4. Too small to matter
#
# An optimiser adds a small update to a weight of a layer with the dtype policy `policy`, a name such as `"mixed_bfloat16"`.
# Write `survives(weight, update, policy)`: whether the weight is another number afterwards. The first two are Python
# floats of either sign.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def survives(weight, update, policy):
    dtype = keras.DTypePolicy(policy).variable_dtype # in which the weight is kept
    before = tf.constant(weight, dtype)
    return bool(before + tf.constant(update, dtype) != before)

check_survives(survives)

# %% [markdown]
# ## What to remember
#
# - The recipes are the same in all tracks; a track adds how to compute.
# - A processor can be split into logical devices to test a distributed program, before TensorFlow starts.
# - Variables are made inside `strategy.scope()`; `MirroredStrategy` keeps a copy of each on every device.
# - Ask the machine, then measure. What doubles PyTorch's speed on a processor gains TensorFlow a fifth on the same one, or less
#   than nothing on the next.
#
# **What goes wrong, and how to see it.**
#
# - *`Physical devices cannot be modified after being initialized`*: something computed before `split_cpu`. Restart the kernel and
#   ask first.
# - *Variables of two strategies in one function*: a network was made outside the scope. TensorFlow's message names
#   a variable that "was created in a different distribution strategy".
# - *Keras runs on another [backend](../about/glossary.ipynb#gl-backend) than you think*: print `keras.backend.backend()`. It is chosen when Keras is first imported,
#   by the variable `KERAS_BACKEND` or by `~/.keras/keras.json`.
# - *A training that crawls on a processor*: `jit_compile=True` somewhere, or float16.
#
# **References.** TensorFlow's guides on [distributed training](https://www.tensorflow.org/guide/distributed_training) and
# [mixed precision](https://www.tensorflow.org/guide/mixed_precision). Keras on
# [choosing a backend](https://keras.io/getting_started/#configuring-your-backend). Micikevicius et al. [-@micikevicius2017mixed], [*Mixed precision training*](https://arxiv.org/abs/1710.03740), section 3.2: why float16 needs its loss scaled.
