# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sampling on either backend
#
# > From a file of weights to pictures, on whichever backend is there
#
# - skip_showdoc: true
# - order: 40

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/inference.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/inference.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/inference.ipynb) · [API](../about/api.ipynb#tpu-inference)

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
# **You will be able to** draw from a generator that was trained on a TPU, on a machine that has none, and with the other
# backend; and trade variety for quality at the moment of drawing.
#
# **You need** [Training with `fit`](train.ipynb). **It takes** ten minutes; the cells train for four more.

# %%
#| default_exp tpu.inference

# %%
#| exports
# first: it chooses Keras's backend
from gan_course.tpu.config import BACKEND, CONFIG, Config, artifact_paths

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.keras_files import open_generator
from gan_course.tpu.model import Generator, draw_latents, make_latents
from gan_course.tpu.strategy import find_accelerator
from gan_course.tpu.train import TRACK

# %%
import subprocess
import sys

from gan_course.basics import budget
from gan_course.figures import image_grid, interpolation_figure
from gan_course.tpu.train import train

# %% [markdown]
# Something to draw from: two [epochs](../about/glossary.ipynb#gl-epoch) of Fashion-MNIST, or as much as there is time for.

# %%
config = CONFIG.replace(epochs=budget(full=2, fast=1), limit=budget(full=None, fast=512),
                        out=Path("artifacts/tpu_drawn"),
                        eval_images=0, progress=False)
metrics = train(config)

# %% [markdown]
# ## The smallest way
#
# The [run folder](../about/glossary.ipynb#gl-run-folder) holds `generator.keras`. Any Keras opens it, on any [backend](../about/glossary.ipynb#gl-backend), without this package:

# %%
import keras

# %%
G = keras.saving.load_model(config.out/"generator.keras", compile=False)
tuple(G(np.zeros((2, config.latent_dim), np.float32)).shape)


# %% [markdown]
# What is wrong with it? It does not say on which data it was trained, nor for how long; a file from a stranger may ask to run code; a damaged one is a page of errors; and
# the next version of Keras may read it differently. So weights also lie in `.weights.h5`, with the configuration, from which we build the network ourselves. [The lesson on
# files](../foundations/keras_files.ipynb) has a function for both; it only has to know how this track builds its [generator](../about/glossary.ipynb#gl-generator).

# %%
#| exports
def build(config, channels):
    return Generator(config.latent_dim, config.width, channels, bottleneck=config.bottleneck)

def load_generator(path, # a run folder, or a `.weights.h5` or `.keras` file in one
                   best=False, # the best so far instead of the last
    ): # generator, its `Config`, and a dictionary that describes its data
    """A trained generator, whichever backend trained it. Raises `CourseError` for anything that is
    not one."""
    return open_generator(path, TRACK, Config, artifact_paths, build, best)


# %%
G, trained, data = load_generator(config.out)
also, *_ = load_generator(config.out/"generator.keras")
z = make_latents(5, config.latent_dim, seed=0)
assert (draw_latents(G, z) == draw_latents(also, z)).all() and trained.epochs == config.epochs
for wrong in (config.out/"discriminator.keras", config.out/"config.json", "nowhere"):
    try: load_generator(wrong)
    except CourseError as error: print(error)
    else: raise AssertionError("it was loaded")


# %% [markdown]
# ## Latents
#
# NumPy draws the [latents](../about/glossary.ipynb#gl-latent), not the backend: the same [seed](../about/glossary.ipynb#gl-seed) is the same picture on a TPU and here. *[Truncation](../about/glossary.ipynb#gl-truncation)* takes only
# latents near the middle, where the generator has seen most: better pictures, and fewer kinds of them. Ours draws from the truncated distribution
# by the inverse of its distribution function, which takes the same time however small the limit.

# %%
#| exports
def sample_latents(num, # how many
                   latent_dim, # length of each
                   seed=0, # of these latents
                   truncation=None, # no component exceeds this; None: no limit
    ): # float32, [num, latent_dim]
    "Standard normal latents, or truncated normal ones (Brock et al. 2018, section 3.1)."
    z = make_latents(num, latent_dim, seed)
    if truncation is None: return z
    if not (math.isfinite(truncation) and truncation > 0):
        raise CourseError(f"truncation is {truncation}; give a number above 0, "
                          "such as 1.0, or none")
    normal, u = NormalDist(), np.random.default_rng([seed, 2**31 + 1]).random((num, latent_dim))
    # by the inverse of the distribution: no drawing again, however small the limit
    low = normal.cdf(-truncation)
    inverse = np.vectorize(normal.inv_cdf, otypes=[np.float64])
    return np.clip(inverse(low + u * (1 - 2 * low)), -truncation, truncation).astype(np.float32)


# %%
#| fig-cap: The same twelve latents without a limit, and truncated at 1 and at 0.3 (two epochs of training). From top to bottom the clothes look more alike.
#| fig-alt: Three rows of twelve small pictures of clothes. The first row is varied and partly malformed; in the last row most pictures resemble each other.
rows = np.concatenate([draw_latents(G,
                                    sample_latents(12, config.latent_dim, seed=3, truncation=limit))
                       for limit in (None, 1.0, 0.3)])
image_grid(rows, columns=12)

# %%
z = {limit: sample_latents(2000, 8, truncation=limit) for limit in (None, 1.0, 0.3)}
assert all(np.abs(z[limit]).max() <= limit for limit in (1.0, 0.3)) and np.abs(z[None]).max() > 2
assert abs(z[1.0].std() - 0.54) < 0.01, "the standard deviation of a normal distribution cut at ±1"
spread = [draw_latents(G, sample_latents(200, config.latent_dim, truncation=limit)).std(0).mean()
          for limit in (None, 0.3)]
assert spread[1] < spread[0], "less variety"


# %% [markdown]
# ## Drawing

# %%
#| exports
def generate_samples(# a `Config`, or the path of a run folder or a file of weights
                     config: Config | str | Path = CONFIG,
                     num_images: int = 36, # how many
                     # PNG of the grid; None: gan_samples.png in the run folder
                     output_path: str | Path | None = None,
                     seed: int = 0, # of the latents
                     truncation: float | None = None, # see `sample_latents`
                     best: bool = False, # the best generator so far instead of the last
                     device: str = "auto", # where to compute; on JAX the process's default
    ) -> np.ndarray: # uint8 array, [num_images, 28, 28, channels]
    "Draw images from a trained generator, and write them as a grid."
    run = Path(config.out if isinstance(config, Config) else config)
    if not 1 <= num_images <= 100_000:
        raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
    if device != "auto": find_accelerator(device) # or say that it is not there
    G, trained, data = load_generator(run, best)
    images = draw_latents(G, sample_latents(num_images, trained.latent_dim, seed, truncation))
    output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
    note = f"tpu on {data['name']}, {trained.epochs} epoch{'s' * (trained.epochs > 1)}, seed {seed}"
    if truncation is not None: note += f", truncated at {truncation:g}"
    figures.save_grid(images[:400], output_path, caption=note)
    return images


# %%
#| fig-cap: Thirty-six samples after two epochs.
#| fig-alt: A grid of six by six generated pictures of clothes; shirts, trousers, shoes and bags can be told apart, with blurred and broken shapes among them.
images = generate_samples(config, num_images=36, output_path=config.out/"samples.png")
image_grid(images, columns=6)

# %% [markdown]
# ## On the other backend
#
# A run that was trained on a TPU with JAX is sampled at home with TensorFlow, or the other way round. **Predict:** with the same latents and
# the same weights, how many pixels will differ?

# %%
other = "jax" if BACKEND == "tensorflow" else "tensorflow"
done = subprocess.run([sys.executable, "-c",
                       "import numpy, sys; from gan_course.tpu.inference import generate_samples; "
                       "numpy.save(sys.argv[1] + '/other.npy', generate_samples(sys.argv[1], 36, "
                       "sys.argv[1] + '/other.png'))",
                       str(config.out)], env=os.environ | {"KERAS_BACKEND": other},
                      capture_output=True, text=True)
assert done.returncode == 0, done.stderr
theirs = np.load(config.out/"other.npy")
print(f"{(images != theirs).sum()} of {images.size:,} pixels differ, by at most "
      f"{np.abs(images.astype(int) - theirs).max()}")

# %%
assert (images != theirs).mean() < 1e-3 and np.abs(images.astype(int) - theirs).max() <= 1

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_inference import check_latents_of, check_log_tries


# %% [markdown]
# ### 1. One picture of many
#
# Somebody likes picture 731 of a thousand, and wants it again, larger. `make_latents` has to draw all that come before. Write
# `latents_of(numbers, latent_dim, seed)`: standard normal latents, float32 `[len(numbers), latent_dim]`, where each row depends
# on its number and the seed only. Then eight devices can also draw a share each, and need not talk to each other. The numbers may
# be large.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def latents_of(numbers, latent_dim, seed):
    # both, not their sum
    return np.stack([np.random.default_rng([seed, n]).standard_normal(latent_dim, np.float32)
                     for n in numbers])

check_latents_of(latents_of)


# %% [markdown]
# ### 2. How often to draw again
#
# Why not draw whole latents, and keep the first that has no component beyond the limit? Write `log_tries(limit, latent_dim)`: the
# logarithm to base 10 of how many latents one has to draw for it, on average. That is 1 over the chance of a single one. Guess
# the number of digits for a limit of 1 before you run the cell below.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def log_tries(limit, latent_dim):
    one = 1 - 2 * NormalDist().cdf(-limit) # the chance of a single component; there are two sides
    return -latent_dim * math.log10(one)

check_log_tries(log_tries)

# %%
for limit in (3.0, 1.0, 0.3):
    print(f"truncated at {limit}: about "
          f"10^{log_tries(limit, config.latent_dim):.0f} latents for one")

# %% [markdown]
# ## What to remember
#
# - The latents come from NumPy, so a seed is the same picture on every machine and backend, but for a grey level here and there.
# - Weights carry their configuration, and the network is built from our own code. A stranger's file runs none.
# - Truncation trades variety for quality. It is drawn by the inverse of the distribution function, one component at a time.
# - Samples are drawn in [evaluation mode](../about/glossary.ipynb#gl-evaluation-mode), from the [average generator](../about/glossary.ipynb#gl-ema), in parts of one size.
#
# **What goes wrong, and how to see it.**
#
# - *All samples look alike*: a forgotten truncation, or a [collapsed](../about/glossary.ipynb#gl-mode-collapse) generator. Draw without a limit; if they are still alike, it
#   has collapsed.
# - *Drawing with a small limit never ends*: whole latents, or components, are drawn again until one fits.
# - *The same picture differs by a level on another machine*: sums are taken in another order. More than one level is an error:
#   compare the weights.
# - *Two images differ by 255 where they should by 1*: `uint8` numbers were subtracted. Make them `int` first, both.
#
# **References.** Brock, Donahue and Simonyan [-@brock2018biggan], *Large scale GAN training for high fidelity natural image synthesis*, section
# 3.1 (truncation). Devroye [-@devroye1986random], *Non-uniform random variate generation*, chapter 2 (the inverse of a distribution function).
# NumPy on [random numbers in parallel](https://numpy.org/doc/stable/reference/random/parallel.html): why a list of seeds, and not
# a sum.
