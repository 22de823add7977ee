# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Configuration of the flowers chapter
#
# > Every number of a run on photographs, where it acts, and what it may be
#
# - skip_showdoc: true
# - order: 45

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/config.ipynb) · [API](../about/api.ipynb#flowers-config)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[flowers]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** describe a whole experiment on photographs in one object, and say which of its numbers make the
# networks larger, which make them slower, and which change what they learn.
#
# **You need** [A configuration](../foundations/configuration.ipynb). **It takes** ten minutes.

# %%
#| default_exp flowers.config

# %%
#| exports
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from gan_course import configuration
from gan_course.basics import CourseError, no_stderr
from gan_course.configuration import RANGES, Settings, wrong_choice

# %% [markdown]
# This chapter runs on Keras 3 with TensorFlow. Keras chooses its [backend](../about/glossary.ipynb#gl-backend) once per process, when it is imported; so that
# comes first.

# %%
#| exports
os.environ.setdefault("KERAS_BACKEND", "tensorflow") # read once, when keras is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")   # nothing from C++: no page of notes on start
_backend = (sys.modules["keras"].backend.backend() if "keras" in sys.modules
            else os.environ["KERAS_BACKEND"])
if _backend != "tensorflow":
    raise CourseError(f"KERAS_BACKEND is {_backend}, and this chapter runs on tensorflow; unset "
                      "it, or set it to tensorflow "
                      "before Keras is imported")
with no_stderr() if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3" else nullcontext():
    import tensorflow as tf
tf.get_logger().setLevel("ERROR")

# %% [markdown]
# ## The fields
#
# The photographs are squares of `input_size` pixels. The [generator](../about/glossary.ipynb#gl-generator) begins with a feature map of `projection_size` ×
# `projection_size` and doubles it until it is as large as a photograph, so the two numbers say how deep it is.
# **Predict:** which needs more doublings, 64 pixels from a map of 4, or 64 pixels from a map of 8? And how many more does
# 128 need?

# %%
# NBVAL_CHECK_OUTPUT
for projection, size in [(4, 32), (4, 64), (4, 128), (8, 64)]:
    sizes = [projection * 2**i for i in range((size // projection).bit_length())]
    print(f"projection_size {projection}, input_size {size}:", " -> ".join(map(str, sizes)))

# %% [markdown]
# Its last hidden layer has `num_filters` channels, and each layer before it twice as many as the next. The convolutions
# look at windows of `filter_size` pixels; `scale` is what a [LeakyReLU](../about/glossary.ipynb#gl-leakyrelu) leaves of negative numbers.
#
# The [discriminator](../about/glossary.ipynb#gl-discriminator) can be kept from learning the photographs [by heart](../about/glossary.ipynb#gl-memorising) in several ways, each with a number of its own:
#
# - `dropout_prob` blots out a share of the *pixels it looks at*;
# - `flip_prob` tells it a lie about a share of the real images;
# - `augmentation` changes the images: `augment_data` the real ones, `diffaugment` real and generated ones alike;
# - `r1` charges it for being steep at real images.
#
# Each is explained where it acts. The values are those of the [lab](gan_flowers.ipynb)'s run:

# %%
#| exports
AUGMENTATIONS = ("none", "augment_data", "diffaugment")
POLICIES = ("mirror", "colour", "translation", "cutout")

@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
    # the data
    dataset: Literal["auto", "tf_flowers", "blossoms"] = "auto" # auto: blossoms as a last resort
    data_dir: Path | None = None # where data sets lie; else $GAN_COURSE_DATA, else the user's cache
    limit: int | None = None # use only the first so many images
    input_size: Literal[32, 64, 128] = 64 # height and width of an image
    batch_size: int = 64 # real images per step, and as many generated ones
    # the networks
    projection_size: Literal[4, 8] = 4 # height and width of the generator's first feature map
    num_latent_inputs: int = 100 # length of z
    # channels of the largest feature maps; smaller ones have 2, 4, 8 times as many
    num_filters: int = 32
    filter_size: int = 5 # height and width of a convolution's window
    scale: float = 0.2 # what a LeakyReLU leaves of negative numbers
    dropout_prob: float = 0.0 # share of the discriminator's input that is blotted out
    # the objective
    flip_prob: float = 0.0 # share of the real images that the discriminator is told are generated
    # what is changed, and in which images
    augmentation: Literal["none", "augment_data", "diffaugment"] = "diffaugment"
    policy: str = "mirror,translation" # of diffaugment: these, colour and cutout
    r1: float = 0.03 # weight of the gradient penalty; 0: none
    penalty_every: int = 16 # steps between penalties, each weighted by this number
    # the optimisers
    learning_rate: float = 2.5e-4 # of both networks
    beta1: float = 0.0 # Adam's momentum
    beta2: float = 0.99 # how long Adam remembers the size of gradients
    ema_half_life: int = 20_000 # in images, of the generator's weight average; 0: no average
    # the run
    epochs: int = 240 # passes over the data
    seed: int = 0 # of initial weights, latents, the order of images and their augmentation
    out: Path = Path("artifacts/flowers_gan") # the run folder
    # epochs between generators that are kept, and between pictures on the board
    checkpoint_save_interval: int = 10
    checkpoint_every: int = 500 # steps between checkpoints to resume from
    keep_checkpoints: int = 2 # how many of those to keep
    measure_every: int = 10 # epochs between measurements and pictures
    num_samples: int = 36 # images in gan_samples.png
    eval_images: int = 2_000 # samples behind each Fréchet distance; 0: none
    # which distance decides which generator is kept as the best
    best_by: Literal["pixels", "frechet"] = "pixels"
    progress: bool = True # show a progress bar
    tensorboard: bool = True # write a log for TensorBoard into the run folder
    # how to compute
    device: Literal["auto", "cpu", "gpu"] = "auto" # auto: a GPU, if there is one
    deterministic: bool = True # only kernels whose result does not depend on timing

    ranges: ClassVar = {name: RANGES[name] for name in (
        "limit", "batch_size", "r1", "penalty_every", "beta1", "beta2", "ema_half_life", "epochs",
        "seed", "checkpoint_every",
        "keep_checkpoints", "num_samples", "eval_images")} | {
        "num_latent_inputs": (1, 4096), "num_filters": (1, 1024), "filter_size": (2, 11),
        "scale": (0, 1), "dropout_prob": (0, 0.95),
        "flip_prob": (0, 0.5), "learning_rate": (1e-9, 1), "checkpoint_save_interval": (1, 10**6),
        "measure_every": (1, 10**6)}

    def check(self):
        super().check()
        for word in self.policy_words():
            if word not in POLICIES:
                raise CourseError(wrong_choice("policy", word,
                                               POLICIES) + ", or several with commas between")
        if self.augmentation == "diffaugment" and not self.policy_words():
            raise CourseError("policy is empty, and augmentation diffaugment: name what it is to "
                              "do, or use augmentation none")

    def policy_words(self):
        "The policy as a list."
        return [word.strip() for word in self.policy.split(",") if word.strip()]

    @property
    def latent_dim(self):
        "What other tracks call `num_latent_inputs`."
        return self.num_latent_inputs


# %%
#| exports
CONFIG = Config()

# %%
for wrong in [dict(input_size=60), dict(dropout_prob=1.0), dict(policy="mirror, blur"),
              dict(policy=" "), dict(flip_prob=0.7),
              dict(filter_size=1), dict(learning_rate=float("nan")), dict(augmentation="all")]:
    try: Config(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %%
assert Config.from_dict(CONFIG.to_dict()) == CONFIG
assert Config(policy="colour, cutout").policy_words() == ["colour", "cutout"]

# %% [markdown]
# The numbers that scripts most often ask for are there as constants too:

# %%
#| exports
PROJECTION_SIZE, NUM_LATENT_INPUTS = CONFIG.projection_size, CONFIG.num_latent_inputs
NUM_FILTERS, FILTER_SIZE, SCALE = CONFIG.num_filters, CONFIG.filter_size, CONFIG.scale
INPUT_SIZE, DROPOUT_PROB = CONFIG.input_size, CONFIG.dropout_prob
LEARNING_RATE, EPOCHS, BATCH_SIZE = CONFIG.learning_rate, CONFIG.epochs, CONFIG.batch_size
CHECKPOINT_SAVE_INTERVAL = CONFIG.checkpoint_save_interval


# %% [markdown]
# What a run writes: the files of every track, the generators that were kept on the way, and the log.

# %%
#| exports
def artifact_paths(out): # the run folder
    "What a run writes, by name."
    out = Path(out)
    keras_files = {f"{name}_keras": out/f"{name}.keras" for name in ("generator", "discriminator")}
    return configuration.artifact_paths(out, ".weights.h5") | keras_files | dict(
        generators=out/"generator_checkpoints", overfitting=out/"overfitting.png")


# %%
sorted(path.name for path in artifact_paths("artifacts/flowers_gan").values())


# %% [markdown]
# ## Devices
#
# A run computes on a GPU if TensorFlow finds one, else on the processor. Asked for by name, a device is never replaced by
# another.

# %%
#| exports
def select_device(name="auto"): # auto, cpu or gpu
    """The name of the device to compute on, such as CPU:0. `CourseError` if the one asked for is
    not there."""
    gpus = tf.config.list_physical_devices("GPU")
    if name == "gpu" and not gpus:
        raise CourseError("device gpu was asked for, and TensorFlow finds none here; "
                          "use --device auto, "
                          "or install tensorflow[and-cuda]")
    return "GPU:0" if gpus and name != "cpu" else "CPU:0"

def device_name(device): # from `select_device`
    "As a person would name it."
    if device.startswith("CPU"): return "cpu"
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return f"gpu: {details.get('device_name', 'unknown')}"


# %%
device = select_device()
device, device_name(device)

# %%
if not tf.config.list_physical_devices("GPU"):
    try: select_device("gpu")
    except CourseError as error: print(error)
    else: raise AssertionError("a GPU was found that is not there")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_config import check_equal_images, check_first_channels


# %% [markdown]
# ### 1. How deep is the first map?
#
# The last hidden feature map of the generator is half as large as the image and has `num_filters` channels. Each map before
# it is half as large again and has twice as many channels. Write `first_channels(config)`: the channels of the first map,
# the one of `projection_size`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def first_channels(config):
    size, channels = config.input_size // 2, config.num_filters
    while size > config.projection_size: size, channels = size // 2, channels * 2
    return channels

check_first_channels(first_channels)


# %% [markdown]
# ### 2. Equal images
#
# Two [recipes](../about/glossary.ipynb#gl-recipe) are compared fairly if their discriminators have seen equally many images. Write `equal_images(config, images,
# batch_size)`: the configuration with another [batch](../about/glossary.ipynb#gl-batch) size and as many [epochs](../about/glossary.ipynb#gl-epoch) as are needed to see as many real images as before,
# rounded up, out of a data set of `images`, which are enough for a batch. Only full batches are used.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def equal_images(config, images, batch_size):
    def seen(size): return images // size * size # in an epoch
    epochs = -(-config.epochs * seen(config.batch_size) // seen(batch_size))
    return config.replace(batch_size=batch_size, epochs=epochs)

check_equal_images(equal_images)

# %% [markdown]
# ## What to remember
#
# - One frozen object describes the run; a wrong value is refused when it is written down, not an hour later.
# - `input_size` and `num_filters` decide how long a step takes: an image of twice the side has four times the pixels, and
#   twice the filters cost almost four times as much.
# - [Dropout](../about/glossary.ipynb#gl-dropout), [label flips](../about/glossary.ipynb#gl-label-flips), [augmentation](../about/glossary.ipynb#gl-augmentation) and the [gradient penalty](../about/glossary.ipynb#gl-gradient-penalty) all act on the discriminator. They are about what it may remember.
#
# **What goes wrong in practice, and how you see it.**
#
# - *Two runs differ in more than the one field that you meant*: compare their `config.json`.
# - *Out of memory on a GPU*: lower `batch_size` first; it changes the game least.
#
# **References.** The names of the fields follow the flowers example of MATLAB's Deep Learning Toolbox (*Train Generative
# Adversarial Network*), with which these photographs are often met first. Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised
# representation learning with deep convolutional generative adversarial networks*.
