# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sampling
#
# > From a file of weights to pictures, on whichever backend is there
#
# - order: 0
# - skip_showdoc: true

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/inference.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/inference.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/inference.ipynb)

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
# **You will be able to** draw from a generator that was trained on a TPU, on a machine that has none, and with the other
# backend.
#
# **You need** [Training with `fit`](train.ipynb). **It takes** ten minutes.

# %%
#| default_exp tpu.inference

# %%
#| exports
from gan_course.tpu.config import BACKEND, CONFIG, Config, artifact_paths # first: it chooses Keras's backend

import math
import warnings
from pathlib import Path

import numpy as np

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.keras_files import checked_about, load_network
from gan_course.runs import RunFolder
from gan_course.tpu.model import draw_latents, make_latents
from gan_course.tpu.train import TRACK, load_file

# %%
#| exports
def load_generator(path, # a run folder, or a `.weights.h5` or `.keras` file in one
                   best=False, # the best so far instead of the last
    ): # generator, its `Config`, and a dictionary that describes its data
    "A trained generator, whichever backend trained it. Raises `CourseError` for anything that is not one."
    path = folder = Path(path)
    if folder.is_dir(): path = artifact_paths(folder)["best" if best else "generator"]
    if folder.is_dir() and not path.exists() and (saved := folder/"config.json").is_file():
        checked_about(saved, saved.read_bytes(), TRACK) # the run may be of another track
    if path.suffix == ".keras":
        saved = RunFolder(path.parent, create=False).load_config()
        about, G = dict(config=saved.get("config"), data=saved.get("dataset")), load_network(path)
    else: about, G = load_file(path), None
    if not all(isinstance(about.get(part), dict) for part in ("config", "data")):
        raise CourseError(f"{path} is no file of weights; give a run folder, or its generator.weights.h5")
    config = Config.from_dict(about["config"])
    try:
        if G is None: G = build_from(path, config)
        if G.input_shape != (None, config.latent_dim) or G.output_shape[1:3] != (28, 28): raise ValueError
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, UserWarning):
        raise CourseError(f"{path} does not hold the weights of a generator; "
                          "give generator.weights.h5 or generator.keras") from None
    G.trainable = False
    return G, config, about["data"]

def build_from(path, config): # `.weights.h5`
    "The generator of a configuration, with the weights in a file. Raises what Keras raises."
    import h5py

    from gan_course.tpu.model import Generator
    with h5py.File(path) as h5: # Keras names layers by their kind; one convolution has a bias, the last
        channels, = [len(layer["vars/1"]) for name, layer in h5["layers"].items() if name.startswith("conv2d") and "vars/1" in layer]
    G = Generator(config.latent_dim, config.width, channels)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning) # that some layer keeps its initial weights
        G.load_weights(path)
    return G

# %%
#| exports
def sample_latents(num, # how many
                   latent_dim, # length of each
                   seed=0, # of these latents
                   truncation=None, # no component exceeds this; None: no limit
    ): # float32, [num, latent_dim]
    "Standard normal latents, those beyond the limit drawn again (Brock et al. 2018, section 3.1)."
    z = make_latents(num, latent_dim, seed)
    if truncation is None: return z
    if not (math.isfinite(truncation) and truncation > 0):
        raise CourseError(f"truncation is {truncation}; give a number above 0, such as 1.0, or none")
    from statistics import NormalDist
    normal, u = NormalDist(), np.random.default_rng([seed, 2**31 + 1]).random((num, latent_dim))
    low = normal.cdf(-truncation) # by the inverse of the distribution: no drawing again, however small the limit
    inverse = np.vectorize(normal.inv_cdf, otypes=[np.float64])
    return np.clip(inverse(low + u * (1 - 2 * low)), -truncation, truncation).astype(np.float32)

# %%
#| exports
def generate_samples(config=CONFIG, # a `Config`, or the path of a run folder or a file of weights
                     num_images=36, # how many
                     output_path=None, # PNG of the grid; None: gan_samples.png in the run folder
                     seed=0, # of the latents
                     truncation=None, # see `sample_latents`
                     best=False, # the best generator so far instead of the last
                     device="auto", # where to compute; on JAX the process's default
    ): # uint8 array, [num_images, 28, 28, channels]
    "Draw images from a trained generator, and write them as a grid."
    run = Path(config.out if isinstance(config, Config) else config)
    if not 1 <= num_images <= 100_000: raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
    G, trained, data = load_generator(run, best)
    images = draw_latents(G, sample_latents(num_images, trained.latent_dim, seed, truncation))
    output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
    note = f"tpu on {data['name']}, {trained.epochs} epoch{'s' * (trained.epochs > 1)}, seed {seed}"
    if truncation is not None: note += f", truncated at {truncation:g}"
    figures.save_grid(images[:400], output_path, caption=note)
    return images
