# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Callbacks
#
# > Pictures every few epochs, the losses, and a way to stop: what can look at a model while `fit` runs
#
# - order: 0
# - skip_showdoc: true

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/callbacks.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/callbacks.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/callbacks.ipynb)

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
# **You will be able to** watch a training from inside `fit`, on either backend, without slowing it down.
#
# **You need** [A model that plays both sides](model.ipynb). **It takes** ten minutes.

# %%
#| default_exp tpu.callbacks

# %%
#| exports
from gan_course.tpu.config import BACKEND # first: it chooses Keras's backend

from pathlib import Path

import keras

from gan_course import figures
from gan_course.tpu.model import draw

# %%
#| exports
class SampleGrid(keras.callbacks.Callback):
    "Every `every` epochs, sixteen images from the same latents: epoch_5.png, epoch_10.png, ..."
    def __init__(self, folder, every=5, num=16, seed=1, caption=lambda epoch: f"epoch {epoch}"):
        super().__init__()
        self.folder, self.every, self.num, self.seed, self.caption = Path(folder), every, num, seed, caption

    def on_epoch_end(self, epoch, logs=None): # epochs count from 0
        if (epoch + 1) % self.every: return
        self.folder.mkdir(parents=True, exist_ok=True)
        figures.save_grid(draw(self.model.average, self.num, self.seed), self.folder/f"epoch_{epoch + 1}.png",
                          caption=self.caption(epoch + 1))

class LossPlot(keras.callbacks.Callback):
    "After each epoch, the losses so far."
    def __init__(self, path, history=()): # rows of epochs that were before, as dictionaries
        super().__init__()
        self.path, self.rows = Path(path), list(history)

    def on_epoch_end(self, epoch, logs=None):
        self.rows = [row for row in self.rows if row["epoch"] <= epoch] + [dict(logs, epoch=epoch + 1)]
        figures.save_figure(figures.plot_curves(self.rows), self.path)

class Stop(keras.callbacks.Callback):
    "Ask `stop` after each call; count the steps that were taken."
    def __init__(self, stop, steps): # () -> bool; how many there are
        super().__init__()
        self.stop, self.steps, self.taken = stop, steps, 0

    def on_train_batch_end(self, batch, logs=None):
        self.taken = min(batch + 1, self.steps)
        if self.stop(): self.model.stop_training = True
