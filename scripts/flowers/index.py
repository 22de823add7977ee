# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Flowers
#
# > A generator of photographs, trained on 3,272 of them, and watched in TensorBoard while it learns
#
# - skip_showdoc: true
# - order: 44

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/index.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/index.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/index.ipynb)

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
# Clothes on a black ground, grey and centred, were a friendly beginning. Photographs are not: they have colours, light from anywhere, backgrounds, and every picture is taken from another distance. And these are *few*. With
# 60,000 images a discriminator has to learn what clothes look like. With 3,272 it can learn the images themselves. This chapter is about how you notice, what helps, and what it costs.
#
# | lesson | you will write | what it is about |
# |---|---|---|
# | [Configuration](config.ipynb) | a run in one object | sizes, and four ways to weaken a discriminator |
# | [Flowers drawn by rule](blossoms.ipynb) | a colour data set that needs no network | known factors, the same on every computer |
# | [Photographs](dataset.ipynb) | a pipeline from a folder of files | damaged files, a split by name, augmentation that leaks |
# | [Networks](networks.ipynb) | both networks for any size, and the loss | projections, checkerboards, dropout, label flips |
# | [Augmentation that does not leak](augment.ipynb) | DiffAugment | changes with a gradient, on both sides |
# | [Noise and pictures](utils.ipynb) | samples from a file of weights | nearest neighbours, walks between flowers |
# | [Training](trainer.ipynb) | the compiled step, a run that can be killed | what the discriminator remembers |
# | [Lab: flowers in TensorBoard](gan_flowers.ipynb) | the full run | none, `augment_data` and DiffAugment compared; how to read the page |
#
# In a hurry? Four names are enough, and this page exports them as `gan_course.flowers`:

# %%
#| default_exp flowers.__init__

# %%
#| exports
from gan_course.flowers.config import CONFIG, Config
from gan_course.flowers.dataset import load_images
from gan_course.flowers.trainer import train
from gan_course.flowers.utils import generate_samples

# %%
import tempfile
from pathlib import Path

# %% [markdown]
# A run of a few seconds on a few images, to see the parts move. `train` returns what stands in `metrics.json`:

# %%
with tempfile.TemporaryDirectory() as folder:
    config = CONFIG.replace(epochs=1, limit=320, input_size=32, num_filters=8,
                            out=Path(folder)/"run", progress=False, eval_images=0)
    metrics = train(config)
    images = generate_samples(config, num_images=36)
images.shape, metrics["status"]

# %%
assert images.shape == (36, 32, 32, 3) and metrics["status"] == "finished"

# %% [markdown]
# On the command line the same is
#
# ```
# gan-course train flowers --epochs 240 --out runs/flowers
# gan-course sample flowers --run runs/flowers --num 36
# tensorboard --logdir runs
# ```
#
# The photographs are used under the licence CC BY 2.0. The photographers are named in the file `LICENSE.txt` that lies beside the pictures and travels with them.
