# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Configuration of the TPU track
#
# > One backend of two, the numbers of a run, and one learning rate for both networks
#
# - skip_showdoc: true
# - order: 34

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/config.ipynb) · [API](../about/api.ipynb#tpu-config)

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
# **You will be able to** choose between Keras's backends for a reason, and describe a run that fits an accelerator: large
# batches, many steps a call, few looks from outside.
#
# **You need** [Configuration](../foundations/configuration.ipynb). **It takes** ten minutes.

# %%
#| default_exp tpu.config

# %%
#| exports
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal

from gan_course import configuration
from gan_course.basics import CourseError, no_stderr
from gan_course.configuration import RANGES, Settings


# %% [markdown]
# ## Which backend
#
# Keras 3 runs on TensorFlow, on JAX and on PyTorch, and decides once per process, when it is imported. For TPUs the choice is
# mostly made. In November 2026 the TPU images of Kaggle (v5e, eight cores) and Colab (v5e and v6e, one core) bring JAX with
# Keras 3, and no TensorFlow that can use a TPU; [Devices](strategy.ipynb) has the details. On a plain processor it is the other way
# round: [XLA](../about/glossary.ipynb#gl-xla), on which all of JAX rests, takes two and a half times as long for our step as TensorFlow's own kernels.
#
# So the rule is: `KERAS_BACKEND` if you have set it; JAX where there is a TPU or no TensorFlow; else TensorFlow. A TPU shows
# in the file system or in the environment, before anything is imported.

# %%
#| exports
def sees_tpu(root=Path("/"), # of the file system
             environ=os.environ):
    "Whether this machine has a TPU, without asking a framework."
    return bool({"TPU_NAME", "TPU_ACCELERATOR_TYPE", "COLAB_TPU_ADDR",
                 "TPU_WORKER_ID"} & environ.keys()
                or [*root.glob("dev/accel[0-9]*"), *root.glob("dev/vfio/[0-9]*")])

def choose_backend(environ=os.environ):
    """The name of Keras's backend for this process; `CourseError` for one that this track cannot
    use."""
    if "keras" in sys.modules: chosen = sys.modules["keras"].backend.backend()
    else: chosen = environ.get("KERAS_BACKEND") or (
        "jax" if find_spec("jax") and (sees_tpu(environ=environ) or not find_spec("tensorflow"))
        else "tensorflow")
    if chosen not in ("jax", "tensorflow"):
        raise CourseError(f"KERAS_BACKEND is {chosen}, and this track runs on jax and on "
                          "tensorflow; set it to one of "
                          "them before Keras is imported, or unset it")
    if not find_spec(chosen):
        raise CourseError(f"KERAS_BACKEND is {chosen}, which is not installed; pip "
                          "install 'gan_course[tpu]'")
    return chosen

BACKEND = choose_backend()
os.environ["KERAS_BACKEND"] = BACKEND
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") # no page of notes on start
# on JAX too: Keras imports it, where it is installed, to serialise a network
if find_spec("tensorflow"):
    with no_stderr() if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3" else nullcontext():
        import tensorflow as tf
    # or each strategy announces itself, and each new model is one tracing too many
    tf.get_logger().setLevel("ERROR")

# %%
print(BACKEND)

# %%
assert choose_backend() == BACKEND and not sees_tpu(Path("nowhere"), {})
assert sees_tpu(Path("nowhere"), {"TPU_NAME": "local"})
if "keras" not in sys.modules:
    assert (choose_backend({"KERAS_BACKEND": "jax" if BACKEND == "tensorflow" else "tensorflow"})
            != BACKEND)
    try: choose_backend({"KERAS_BACKEND": "torch"})
    except CourseError as error: print(error)
    else: raise AssertionError("a third backend was accepted")


# %% [markdown]
# ## The fields
#
# One [recipe](../about/glossary.ipynb#gl-recipe), that of the [DCGAN](../about/glossary.ipynb#gl-dcgan) family, with four changes for an [accelerator](../about/glossary.ipynb#gl-accelerator), and 256 [latents](../about/glossary.ipynb#gl-latent). *Large [batches](../about/glossary.ipynb#gl-batch)*: a TPU core multiplies 128 × 128
# matrices, and is bored by 64 images; 128 on one core, 1,024 on eight. *One [learning rate](../about/glossary.ipynb#gl-learning-rate)* for both networks: of two, one would have to be
# tuned for each batch size. *No [BatchNorm](../about/glossary.ipynb#gl-batchnorm) in the [discriminator](../about/glossary.ipynb#gl-discriminator)*, whose cores would have to agree on its statistics; a [gradient penalty](../about/glossary.ipynb#gl-gradient-penalty)
# (`r1`) and [dropout](../about/glossary.ipynb#gl-dropout) of its last features keep it in check. *Few looks*: pictures every five [epochs](../about/glossary.ipynb#gl-epoch), and many steps in each call.

# %%
#| exports
@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
    # the data
    dataset: Literal["auto", "fashion_mnist", "garments"] = "auto" # auto: garments as a last resort
    data_dir: Path | None = None # where data sets lie; else $GAN_COURSE_DATA, else the user's cache
    limit: int | None = None # use only the first so many images
    batch_size: int = 128 # real images per step over all devices, and as many generated ones
    # the networks
    latent_dim: int = 256 # length of z
    bottleneck: int = 32 # numbers that z is mixed into before it becomes a picture; 0: none
    width: int = 32 # channels of the widest layers are 4 times this
    dropout: float = 0.3 # of the discriminator's features, in [0, 1)
    # the objective and the optimisers
    label_smoothing: float = 0.0 # real images are labelled 1 - this
    r1: float = 0.1 # weight of the gradient penalty; 0: none
    learning_rate: float = 1e-3 # of both networks
    beta1: float = 0.0 # Adam's momentum
    beta2: float = 0.99 # how long Adam remembers the size of gradients
    ema_half_life: int = 20_000 # in images, of the generator's weight average; 0: no average
    # the run
    epochs: int = 30 # passes over the data
    seed: int = 0 # of initial weights, latents and the order of images
    out: Path = Path("artifacts/tpu_gan") # the run folder
    image_every: int = 5 # epochs between pictures in generated_images
    checkpoint_every: int = 1000 # steps between checkpoints; every epoch ends with one too
    keep_checkpoints: int = 2 # how many of them to keep
    num_samples: int = 64 # images in gan_samples.png and progress.png
    eval_images: int = 5_000 # samples behind each epoch's Fréchet distance; 0: none
    # which distance decides which generator is kept as the best
    best_by: Literal["pixels", "frechet"] = "pixels"
    progress: bool = True # show a progress bar
    tensorboard: bool = False # write a log for TensorBoard into the run folder
    # how to compute
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto" # auto: the fastest kind there is
    cpu_devices: int = 1 # split the processor into so many devices, to try what several do
    # steps that the device takes without the host; on a processor JAX takes one
    steps_per_call: int = 50
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto" # auto: by device
    deterministic: bool = True # only kernels whose result does not depend on timing

    ranges: ClassVar = {name: RANGES[name] for name in (
        "limit", "batch_size", "latent_dim", "width", "dropout", "label_smoothing", "r1", "beta1",
        "beta2", "ema_half_life", "epochs",
        "seed", "checkpoint_every", "keep_checkpoints", "num_samples", "eval_images")} | {
        "bottleneck": (0, 4096), "learning_rate": (1e-9, 1), "image_every": (1, 10**6),
        "cpu_devices": (1, 64), "steps_per_call": (1, 10_000)}

    def check(self):
        super().check()
        if self.cpu_devices > 1 and self.device not in ("auto", "cpu"):
            raise CourseError(f"cpu_devices is {self.cpu_devices} and device {self.device}: only "
                              "a processor can be "
                              "split; use device cpu, or leave cpu_devices at 1")


# %%
#| exports
CONFIG = Config()

# %% [markdown]
# And what it refuses. **Predict:** four of the five values below are out of range or do not go together. What is wrong with
# the fifth, although it is right in every other track?

# %%
for wrong in [dict(device="cuda"), dict(cpu_devices=2, device="tpu"), dict(batch_size=0),
              dict(precision="fp8"), dict(lr_g=1e-3)]:
    try: CONFIG.replace(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")


# %% [markdown]
# ## What a run leaves
#
# The files of every track, both networks as `.keras` too, and three more that make a notebook's results easy to find: a picture
# every few epochs, the losses, and sixteen final images.

# %%
#| exports
def artifact_paths(out): # the run folder
    "What a run writes, by name."
    out = Path(out)
    keras_files = {f"{name}_keras": out/f"{name}.keras" for name in ("generator", "discriminator")}
    return configuration.artifact_paths(out, ".weights.h5") | keras_files | dict(
        training_loss=out/"training_loss.png", final=out/"final_generated_images.png",
        images=out/"generated_images")


# %%
assert artifact_paths(CONFIG.out)["images"].name == "generated_images"

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_config import check_for_devices, check_used


# %% [markdown]
# ### 1. How full is the unit?
#
# Think of a matrix unit that multiplies squares of `tile` × `tile` numbers. A product of `[rows, inputs]` with `[inputs,
# outputs]` is cut into such squares, and a side that is no multiple of `tile` is filled up with zeros. Write `used(rows, inputs,
# outputs, tile=128)`: the part of all multiplications that is not with such zeros. A batch has `rows`. What does a batch of 64
# lose, and what one of 16?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def used(rows, inputs, outputs, tile=128):
    part = 1.0
    for n in (rows, inputs, outputs):
        part *= n / (-(-n // tile) * tile) # rounded up
    return part

check_used(used)

# %%
# of the generator's first map, if the latents went there without a bottleneck
outputs = 7 * 7 * 4 * CONFIG.width
for batch in (16, 64, 128, 1024):
    print(f"a batch of {batch:>4} uses {used(batch, CONFIG.latent_dim, outputs):.3f} of the unit")


# %% [markdown]
# ### 2. From one core to eight
#
# Write `for_devices(config, count)`: the `Config` of a run on `count` devices, from that of a run on one. Each device takes as
# many images a step as the one did. The learning rate grows with the square root of the batch, which is the rule for [Adam](../about/glossary.ipynb#gl-adam). A
# [checkpoint](../about/glossary.ipynb#gl-checkpoint) comes after as many images as before, as nearly as whole steps allow. Which other fields depend on the batch? Read
# what each of them is counted in.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def for_devices(config, count):
    return config.replace(
        batch_size=config.batch_size * count, # over all devices
        learning_rate=config.learning_rate * count**0.5,
        # in steps; ema_half_life is in images
        checkpoint_every=max(1, round(config.checkpoint_every / count)))

check_for_devices(for_devices)

# %% [markdown]
# ## What to remember
#
# - Keras chooses its [backend](../about/glossary.ipynb#gl-backend) once, when it is imported. So `gan_course.tpu.config` comes first.
# - What you set is obeyed. Else it is JAX where there is a TPU or no TensorFlow, and TensorFlow everywhere else.
# - An accelerator wants large products: batches and layers whose sides are multiples of what its unit takes.
# - A number of steps means something else with another batch. A number of images or epochs does not.
#
# **What goes wrong, and how to see it.**
#
# - *Keras runs on another backend than you set*: it was imported before. Print `keras.backend.backend()`, restart the kernel, and
#   import this track first.
# - *Eight cores are hardly faster than one*: the batch is as before, and each core gets an eighth of it. Raise `batch_size`.
# - *The first epochs look worse on eight cores*: fewer steps in an epoch, with the old learning rate. Compare at the same number
#   of steps too.
# - *A killed run lost more than on one core*: `checkpoint_every` counts steps, and a step has more images now.
#
# **References.** Jouppi et al. [-@jouppi2017tpu], *In-datacenter performance analysis of a tensor processing unit* (the matrix unit). Goyal
# et al. [-@goyal2017minibatch], *Accurate, large minibatch SGD: training ImageNet in 1 hour* (the linear rule, for gradient descent). Malladi et
# al. [-@malladi2022sdes], *On the SDEs and scaling rules for adaptive gradient algorithms* (the square root, for Adam). Keras on [choosing a
# backend](https://keras.io/getting_started/#configuring-your-backend).
