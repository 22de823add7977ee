# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The PyTorch track
#
# > Eight lessons from a latent to a generator that draws clothes
#
# - order: 14

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/index.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/index.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/index.ipynb)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[pytorch]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# This track builds one small GAN completely. Each lesson writes one module, tests it on the spot, and uses only
# what came before:
#
# | lesson | you will write |
# |---|---|
# | [Configuration](config.ipynb) | what PyTorch adds to a run's [configuration](../foundations/configuration.ipynb): device and precision |
# | [Seeds, measurements and grids](utils.ipynb) | what makes a run repeatable and measurable |
# | [Data](data.ipynb) | batches that cost almost nothing |
# | [The two networks](model.ipynb) | generator and discriminator |
# | [The engine](engine.ipynb) | the losses, derived, and a step that waits for nothing |
# | [Training](train.ipynb) | what PyTorch brings to the [loop](../foundations/loop.ipynb): an average of the generator, checkpoints that resume bit for bit |
# | [Sampling](inference.ipynb) | pictures from a file of weights |
# | [Lab](gan_pytorch.ipynb) | both recipes in full, what to look at, and what to try next |
#
# In a hurry? Four names are enough, and this page exports them as `gan_course.pytorch`:

# %%
#| default_exp pytorch.__init__

# %%
#| exports
from gan_course.pytorch.config import CONFIG, Config
from gan_course.pytorch.inference import generate_samples
from gan_course.pytorch.train import train

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
# gan-course train pytorch --epochs 30
# gan-course sample pytorch --run artifacts/pytorch_gan --num 36
# ```
#
# and `--tensorboard` writes [a log](../foundations/tensorboard.ipynb) that can be watched while it trains.
