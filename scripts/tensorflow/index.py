# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The TensorFlow track
#
# > The lessons of the PyTorch track in Keras 3 on TensorFlow, and a page that proves they compute the same thing
#
# - skip_showdoc: true
# - order: 23

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/index.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/index.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/index.ipynb)

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
# This track builds the same small GAN as the [PyTorch track](../pytorch/index.ipynb), lesson by lesson and name by name.
# Laid side by side, what differs is what the framework changes:
#
# | lesson | you will write | what is TensorFlow's own |
# |---|---|---|
# | [Configuration](config.ipynb) | devices, formats, strategy | logical devices, distribution strategies, XLA |
# | [Seeds, measurements and grids](utils.ipynb) | what makes a run repeatable | random numbers without a state |
# | [Data](data.ipynb) | batches that cost almost nothing | `tf.data`, and picking inside of the graph |
# | [The two networks](model.ipynb) | generator and discriminator | Keras's defaults that are not the paper's |
# | [The engine](engine.ipynb) | the losses, and both steps | gradient tapes; many steps in a call |
# | [Training](train.ipynb) | the loop, checkpoints that resume bit for bit | several devices with `MirroredStrategy` |
# | [Sampling](inference.ipynb) | pictures from a file of weights | `.keras` and its safe mode |
# | [Lab](gan_tensorflow.ipynb) | both recipes in full, a playbook, a table of failures | what the framework does not change |
# | [The same step twice](same_step_twice.ipynb) | both frameworks, one step, equal numbers | every default that had to be aligned |
#
# In a hurry? Four names are enough, and this page exports them as `gan_course.tensorflow`:

# %%
#| default_exp tensorflow.__init__

# %%
#| exports
from gan_course.tensorflow.config import CONFIG, Config
from gan_course.tensorflow.inference import generate_samples
from gan_course.tensorflow.train import train

# %%
import tempfile
from pathlib import Path

from gan_course.basics import budget

# %% [markdown]
# A run of a few seconds on a few images, to see the parts move. `train` returns what stands in `metrics.json`:

# %%
with tempfile.TemporaryDirectory() as folder:
    config = CONFIG.replace(epochs=1, limit=640, width=16, out=Path(folder)/"run",
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
# gan-course train tensorflow --epochs 30
# gan-course sample tensorflow --run artifacts/tensorflow_gan --num 36
# ```
#
# and `--tensorboard` writes [a log](../foundations/tensorboard.ipynb) that can be watched while it trains.
