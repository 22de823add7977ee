# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The TPU track
#
# > A Keras model that trains itself, from one core of a processor to eight of a TPU, on TensorFlow or on JAX
#
# - skip_showdoc: true
# - order: 33

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/index.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/index.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/index.ipynb)

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
# The other tracks write the training loop out, to see each part of it. This one puts the game *inside* of a `keras.Model`: `fit` runs it, callbacks watch it, `.keras` saves it with both of
# its optimisers. And it is built for accelerators: large batches, static shapes, data on the device, many steps in a call. It runs on TensorFlow and, because that is what TPU images
# ship today, on JAX.
#
# | lesson | you will write | what it is about |
# |---|---|---|
# | [Configuration](config.ipynb) | the choice of a backend | one learning rate, large batches, few looks |
# | [Devices](strategy.ipynb) | the search for the fastest device | strategies, meshes, virtual devices, BatchNorm across cores |
# | [Data on the accelerator](data.ipynb) | batches whose shape never changes | an order that can be computed |
# | [A model that plays both sides](model.ipynb) | `AdversarialModel`, with `train_step` and `test_step` | upsampling; one step, on TensorFlow and on JAX |
# | [Callbacks](callbacks.ipynb) | sample grids, loss plots, a stop | debugging while it runs |
# | [Training with `fit`](train.ipynb) | a run that can be killed | one device or eight |
# | [Sampling](inference.ipynb) | pictures from a file of weights | trained on one backend, sampled on the other |
# | [What breaks on a TPU](what_breaks.ipynb) | five faults and their cures | shapes, looks, half precision |
# | [Where the time goes](speed.ipynb) | a stopwatch that does not lie | six dials, each measured |
# | [Lab: Fashion-MNIST](gan_fashion_mnist.ipynb) | thirty epochs, on Kaggle, Colab or here | stability, mode collapse, speed against quality |
#
# In a hurry? Four names are enough, and this page exports them as `gan_course.tpu`:

# %%
#| default_exp tpu.__init__

# %%
#| exports
from gan_course.tpu.config import CONFIG, Config
from gan_course.tpu.inference import generate_samples
from gan_course.tpu.train import train

# %%
import tempfile
from pathlib import Path

# %% [markdown]
# A run of a few seconds on a few images, to see the parts move. `train` returns what stands in `metrics.json`:

# %%
with tempfile.TemporaryDirectory() as folder:
    config = CONFIG.replace(epochs=1, limit=640, width=8, batch_size=64, out=Path(folder)/"run",
                            progress=False, eval_images=0)
    metrics = train(config)
    images = generate_samples(config, num_images=36)
images.shape, metrics["status"]

# %%
assert images.shape[0] == 36 and metrics["status"] == "finished"

# %% [markdown]
# On the command line the same is
#
# ```
# gan-course train tpu --epochs 30
# gan-course sample tpu --run artifacts/tpu_gan --num 36
# ```
#
# and `KERAS_BACKEND=jax` before it chooses the other backend; `--tensorboard` writes [a log](../foundations/tensorboard.ipynb) that can be watched while it trains.
