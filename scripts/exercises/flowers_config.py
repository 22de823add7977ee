# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: configuration (flowers)
#
# > What accepts or rejects an answer to the exercises of Configuration of the flowers chapter
#
# - skip_showdoc: true
# - order: 97

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_config.ipynb) · [API](../about/api.ipynb#exercises-flowers_config)

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
# The exercises stand in [the lesson](../flowers/config.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_config

# %%
#| exports
from gan_course.flowers.config import CONFIG, Config # first: it chooses Keras's backend

import dataclasses
import numbers

from gan_course.basics import CourseError

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. How wide is the first map?

# %%
#| exports
# (a `Config`) -> the channels of the generator's first map
def check_first_channels(first_channels):
    """Whether `first_channels` goes from half of the image back to the projection, and doubles the
    channels on its way."""
    def ask(size, projection, filters):
        return first_channels(CONFIG.replace(input_size=size, projection_size=projection,
                                             num_filters=filters))
    found = ask(64, 4, 48)
    assert found != 768, (
        "768 is once too often: the image itself has 3 channels, the map of half its "
        "size has num_filters")
    assert found != 192, (
        "192 is once too few: 32, 16, 8 and 4 pixels are four maps, and from one to the next it "
        "doubles three times")
    assert found != 48, "48 are the channels of the last map: each one before it has twice as many"
    assert found not in (6, 3), (
        "the maps become smaller on the way back, and their channels more: double them")
    assert found not in (144, 192 + 48), (
        f"each map has twice as many channels as the next, not 48 more: {found}")
    assert found == 384, (
        "32, 16, 8 and 4 pixels have 48, 96, 192 and 384 channels: the first map's are not "
        f"{found}; everything comes from `config`")
    assert isinstance(found, numbers.Integral), (
        f"{found!r} is not an int, and no layer takes so many channels: divide with //")
    for size, projection, filters, wanted in ((64, 8, 48, 192), (128, 4, 48, 768), (32, 8, 48, 96),
                                              (64, 4, 10, 80)):
        found = ask(size, projection, filters)
        assert found == wanted, (f"input_size {size}, projection_size {projection} and num_filters "
                                 f"{filters} make {wanted} "
                                 f"channels, not {found}: everything comes from `config`")
    print("correct: with each halving twice as many")


# %%
def good_channels(config):
    size, channels = config.input_size // 2, config.num_filters
    while size > config.projection_size: size, channels = size // 2, channels * 2
    return channels

def channels(half=2, step=lambda n: n * 2, source=lambda config: config,
             end=lambda projection: projection):
    def first_channels(config):
        c = source(config)
        size, width = c.input_size // half, c.num_filters
        while size > end(c.projection_size): size, width = size // 2, step(width)
        return width
    return first_channels

check_first_channels(good_channels)
assert rejects(check_first_channels, channels(half=1), "once too often")
assert rejects(check_first_channels, channels(end=lambda projection: 2 * projection),
               "once too few")
assert rejects(check_first_channels, channels(step=lambda n: n // 2), "double them")
assert rejects(check_first_channels, channels(source=lambda config: CONFIG), "comes from `config`")
assert rejects(check_first_channels, lambda config: config.num_filters, "the last map")
assert rejects(check_first_channels,
               lambda config: config.num_filters * config.input_size / config.projection_size / 2,
               "with //")


# %% [markdown]
# ## 2. Equal images

# %%
#| exports
# (a `Config`, images in the data set, another batch size) -> a `Config`
def check_equal_images(equal_images):
    "Whether `equal_images` counts the images of full batches, rounds up, and changes nothing else."
    one = CONFIG.replace(batch_size=64, epochs=400)
    def ask(config, images, batch_size):
        try: found = equal_images(config, images, batch_size)
        except dataclasses.FrozenInstanceError: raise AssertionError(
            "a configuration cannot be changed: config.replace(...) makes a changed copy") from None
        except CourseError as error: raise AssertionError(
            f"a Config refuses this ({error}): batch size and epochs are whole "
            "numbers, rounded up") from None
        assert isinstance(found, Config), f"a {type(found).__name__} was returned, not a Config"
        assert found.batch_size == batch_size, (
            f"batches of {batch_size} were asked for, and the configuration "
            f"says {found.batch_size}")
        return found
    small = ask(one, 3300, 32)
    assert small.epochs != 400, (
        "as many epochs as before: but of 3,300 images 51 full batches of 64 use 3,264, and "
        "103 of 32 use 3,296")
    assert small.epochs not in (200, 800), (
        f"{small.epochs} epochs: but an epoch sees nearly the same images in batches of any size; "
        "equal steps are not asked for")
    assert small.epochs not in (403, 404), (
        "the wrong way round: batches of 32 leave fewer images out, so fewer epochs are needed")
    assert small.epochs != 396, (
        "396 epochs see fewer images than before: round up, neither down nor to the nearest")
    assert small.epochs == 397, (
        f"400 epochs of 3,264 images are 396.1 of 3,296: 397, not {small.epochs}")
    changed = [f.name for f in dataclasses.fields(Config)
               if f.name not in ("batch_size", "epochs")
               and getattr(small, f.name) != getattr(one, f.name)]
    assert not changed, (
        f"{', '.join(changed)}: neither the batch size nor the epochs, and yet changed")
    even = ask(one, 1000, 256).epochs
    assert even == 500, (
        f"400 epochs of 960 images are exactly 500 of 768, not {even}: what is "
        "whole is not rounded")
    assert ask(one, 3300, 64) == one, "with the same batch size nothing changes"
    few = ask(one.replace(epochs=1), 3300, 128).epochs
    assert few == 2, (
        f"one epoch of 3,264 images is a little more than one of 3,200: 2 epochs, not {few}")
    print("correct: the same real images, in full batches")


# %%
def good_equal(config, images, batch_size):
    def seen(size): return images // size * size # in an epoch
    epochs = -(-config.epochs * seen(config.batch_size) // seen(batch_size))
    return config.replace(batch_size=batch_size, epochs=epochs)

# (epochs, images of an epoch before, afterwards, batch size before, afterwards) -> epochs
def with_epochs(count, **more):
    def equal_images(config, images, size):
        old = config.batch_size
        epochs = count(config.epochs, images // old * old, images // size * size, old, size)
        return config.replace(batch_size=size, epochs=epochs, **more)
    return equal_images

check_equal_images(good_equal)
assert rejects(check_equal_images, with_epochs(lambda n, *rest: n), "full batches")
assert rejects(check_equal_images, with_epochs(lambda n, a, b, old, new: n * new // old),
               "equal steps")
assert rejects(check_equal_images, with_epochs(lambda n, a, b, *rest: n * a // b), "round up")
assert rejects(check_equal_images, with_epochs(lambda n, a, b, *rest: n * a / b), "whole numbers")
assert rejects(check_equal_images,
               with_epochs(lambda n, a, b, *rest: -(-n * a // b), learning_rate=1e-4),
               "and yet changed")
