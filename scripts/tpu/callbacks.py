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
# - skip_showdoc: true
# - order: 38

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/callbacks.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/callbacks.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/callbacks.ipynb) · [API](../about/api.ipynb#tpu-callbacks)

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
# **You will be able to** watch a training from inside `fit`, on either backend, without slowing it down, and let a callback tell
# you what has gone wrong and when.
#
# **You need** [A model that plays both sides](model.ipynb). **It takes** fifteen minutes.

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
import tempfile

import numpy as np

from gan_course.datasets import load_dataset
from gan_course.tpu.data import Batches
from gan_course.tpu.model import (AdversarialModel, Discriminator, Generator, make_optimizer,
                                  seed_everything)
from gan_course.tpu.strategy import find_accelerator

# %%
data = load_dataset("garments", limit=1280)
batches = Batches(data, 64, find_accelerator("cpu"))

def make_model(lr_g=1e-3, lr_d=1e-3, width=16, **how):
    "A small one, the same each time."
    seed_everything(0)
    model = AdversarialModel(Generator(32, width), Discriminator(width, 0.0), 32, batch_size=64)
    model.compile(make_optimizer(lr_g, 0.5), make_optimizer(lr_d, 0.5), **how)
    return model


# %% [markdown]
# ## The smallest callback
#
# `fit` calls the methods of its [callbacks](../about/glossary.ipynb#gl-callback) at certain moments. The smallest useful one prints. **Predict:** in
# twenty steps, how many lines will it print if the device takes five steps a call?

# %%
class Count(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(f"after batch {batch}: the model has taken {int(self.model.iteration)} steps")

for at_once in (10, 5):
    print(f"{at_once} steps a call")
    model = make_model(steps_per_execution=at_once)
    model.fit(batches.part(epoch=0), verbose=0, shuffle=False, callbacks=[Count()])

# %% [markdown]
# Two lessons. A callback sees the device *between calls*, and every look costs a wait. And on JAX the second number stays at 0 until the [epoch](../about/glossary.ipynb#gl-epoch) ends, because there the
# state lives outside of the model during `fit` and is put back afterwards. What has to see every step belongs into the step (our model counts its
# measurements there); what has to see pictures belongs to the end of an epoch.

# %%
assert int(model.iteration) == 20


# %% [markdown]
# ## Pictures, every few epochs
#
# Sixteen images, always from the same [latents](../about/glossary.ipynb#gl-latent), so that one can follow each of them from file to file. They come from the [average generator](../about/glossary.ipynb#gl-ema), in
# [evaluation mode](../about/glossary.ipynb#gl-evaluation-mode). On an [accelerator](../about/glossary.ipynb#gl-accelerator) a picture means: [wait for the device](../about/glossary.ipynb#gl-host-sync), fetch, draw with matplotlib for a second, while eight cores do nothing. So not
# after every epoch.

# %%
#| exports
class SampleGrid(keras.callbacks.Callback):
    "Every `every` epochs, `num` images from the same latents: epoch_5.png, epoch_10.png, ..."
    def __init__(self,
                 folder, # where the pictures go; made when the first one is drawn
                 every=5, # epochs
                 num=16, # images in a picture
                 seed=1, # of the latents
                 caption=lambda epoch: f"epoch {epoch}"): # what stands below
        super().__init__()
        self.folder, self.every = Path(folder), every
        self.num, self.seed, self.caption = num, seed, caption

    def on_epoch_end(self, epoch, logs=None): # epochs count from 0
        if (epoch + 1) % self.every: return
        figures.save_grid(draw(self.model.average, self.num, self.seed),
                          self.folder/f"epoch_{epoch + 1}.png",
                          caption=self.caption(epoch + 1))


# %% [markdown]
# ## The losses
#
# The curves of both losses, of D(x) and D(G(z)), drawn anew after each epoch into one file.

# %%
#| exports
class LossPlot(keras.callbacks.Callback):
    "After each epoch, the losses so far."
    def __init__(self, path, history=()): # rows of epochs that were before, as dictionaries
        super().__init__()
        self.path, self.rows = Path(path), list(history)

    def on_epoch_end(self, epoch, logs=None):
        self.rows = [row
                     for row in self.rows if row["epoch"] <= epoch] + [dict(logs, epoch=epoch + 1)]
        figures.save_figure(figures.plot_curves(self.rows), self.path)


# %%
with tempfile.TemporaryDirectory() as folder:
    folder, model = Path(folder), make_model()
    watchers = [SampleGrid(folder/"generated_images", every=2),
                LossPlot(folder/"training_loss.png")]
    model.fit(batches.part(epoch=0), epochs=4, verbose=0, shuffle=False, callbacks=watchers)
    found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png"))
    assert found == ["generated_images/epoch_2.png", "generated_images/epoch_4.png",
                     "training_loss.png"], found
assert [row["epoch"] for row in watchers[1].rows] == [1, 2, 3, 4]
found


# %% [markdown]
# ## Stop
#
# Ctrl-C in the middle of a step leaves a mess. This callback asks after each call whether to stop, and counts what was done, so that whoever called `fit`
# knows where to go on.

# %%
#| exports
class Stop(keras.callbacks.Callback):
    "Ask `stop` after each call; count the steps that were taken."
    def __init__(self, stop, steps): # () -> bool; how many there are
        super().__init__()
        self.stop, self.steps, self.taken = stop, steps, 0

    def on_train_batch_end(self, batch, logs=None):
        self.taken = min(batch + 1, self.steps)
        if self.stop(): self.model.stop_training = True


# %%
asked = iter([False, False, True, True])
watch, model = Stop(lambda: next(asked), 20), make_model()
model.fit(batches.part(epoch=0), verbose=0, shuffle=False, callbacks=[watch])
assert watch.taken == int(model.iteration) == 3

# %% [markdown]
# ## Checkpoints
#
# For these nothing has to be written: Keras's `ModelCheckpoint` saves the model, and [our model](model.ipynb) knows what has to be in the file. Two epochs, a file, and two more with what comes out of
# it; will that be the same as four epochs in one go, to the last bit?

# %%
whole, first = make_model(), make_model()
for epoch in range(4): whole.fit(batches.part(epoch), verbose=0, shuffle=False)
with tempfile.TemporaryDirectory() as folder:
    saver = keras.callbacks.ModelCheckpoint(f"{folder}/model.keras")
    for epoch in range(2):
        first.fit(batches.part(epoch), verbose=0, shuffle=False, callbacks=[saver])
    again = keras.saving.load_model(f"{folder}/model.keras")
for epoch in (2, 3): again.fit(batches.part(epoch), verbose=0, shuffle=False)

# %%
assert int(again.iteration) == int(whole.iteration) == 80
differ = [a.path for a, b in zip(whole.variables, again.variables, strict=True)
          if (keras.ops.convert_to_numpy(a.value) != keras.ops.convert_to_numpy(b.value)).any()]
assert not differ, differ
print(f"{len(whole.variables)} variables are equal to the last bit")


# %% [markdown]
# That is enough for a model on its own. A run has more to remember: its history, its best epoch, its configuration and its data. [Training](train.ipynb) writes [checkpoints](../about/glossary.ipynb#gl-checkpoint) of all of it.

# %% [markdown]
# ## Debugging with a callback
#
# When does a game go wrong? A callback can say it in words while it happens. Our model hands it, at the end of each epoch, the means of the seven
# measurements. Three rules catch much of what happens: a number is no number; the [discriminator](../about/glossary.ipynb#gl-discriminator) ranks nearly every pair rightly; or hardly any.

# %%
class Doctor(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        if not np.isfinite(list(logs.values())).all():
            say = "a number is no number: a lower learning rate"
        elif logs["rank_accuracy"] > 0.95: say = "the discriminator has won: slow it down"
        elif logs["rank_accuracy"] < 0.3: say = "the discriminator is far behind: let it learn"
        else: say = "nothing to say"
        print(f"epoch {epoch + 1}: ranked rightly {logs['rank_accuracy']:.2f}, D(G(z)) "
              f"{logs['d_fake']:.3f} - {say}")


# %% [markdown]
# One healthy run, and two that are not: a discriminator a hundred times as fast as the [generator](../about/glossary.ipynb#gl-generator), and one that hardly learns. **Predict:** which measurement will give away each?

# %%
for name, rates in (("healthy", {}), ("fast D", dict(lr_g=1e-5)), ("slow D", dict(lr_d=1e-7))):
    print(name)
    model = make_model(**rates)
    model.fit(batches.part(epoch=0), epochs=3, verbose=0, shuffle=False, callbacks=[Doctor()])
    last = model.means()["rank_accuracy"]
    assert (last > 0.95 if name == "fast D" else last < 0.3 if name == "slow D"
            else 0.5 < last < 0.95)

# %% [markdown]
# In its first epoch the healthy run looks like the second one: a discriminator is always ahead at first. What counts is where it goes. And the losses alone would not do: a generator's loss that rises is healthy in one run and the end of another. [The lab](gan_fashion_mnist.ipynb) provokes failures on the
# real data and looks at their pictures.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_callbacks import check_doubling, check_won


# %% [markdown]
# ### 1. Enough is enough
#
# The doctor speaks after a single epoch. Write `Won(patience)`, a callback that stops the training when the discriminator has won for
# `patience` epochs in a row. It has won an epoch when it ranks more than 0.98 of the pairs rightly and D(G(z)) is below 0.05. What is
# saved must be saved all the same: the training ends as if it had been the last epoch.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
class Won(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience, self.row = patience, 0

    def on_epoch_end(self, epoch, logs=None):
        won = logs["rank_accuracy"] > 0.98 and logs["d_fake"] < 0.05
        self.row = self.row + 1 if won else 0
        if self.row >= self.patience: self.model.stop_training = True

check_won(Won)


# %% [markdown]
# ### 2. Often at first
#
# Most happens at the beginning. Write `Doubling(draw)`, a callback that calls `draw(n)` when `n` epochs are done, for `n` = 1, 2,
# 4, 8, ..., and after the last epoch, whichever that is, but never twice for the same `n`. A run may be stopped before its time,
# and it may be [resumed](../about/glossary.ipynb#gl-resume): `fit(..., initial_epoch=4)` makes a new callback, and begins with the fifth epoch.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
class Doubling(keras.callbacks.Callback):
    def __init__(self, draw):
        super().__init__()
        self.draw, self.done, self.drawn = draw, None, None

    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1 # Keras counts from 0
        if self.done & (self.done - 1) == 0: self.picture() # a power of two has one bit

    def on_train_end(self, logs=None): # also after stop_training
        if self.done != self.drawn: self.picture()

    def picture(self):
        self.drawn = self.done
        self.draw(self.done)

check_doubling(Doubling)

# %% [markdown]
# ## What to remember
#
# - A callback sees the device between its calls, and each look waits. On JAX the model holds the weights of the epoch's beginning
#   until it ends.
# - What has to see every step belongs into the step. What looks at pictures belongs to the end of an epoch, and not of every one.
# - Samples are drawn from the same latents each time, by the average generator in evaluation mode.
# - `stop_training` ends a training in order. Whoever called `fit` asks how many steps were taken.
#
# **What goes wrong, and how to see it.**
#
# - *The training is slow, and the device half idle*: a callback for every [batch](../about/glossary.ipynb#gl-batch) that asks for a number. Take it out, and compare
#   the images per second.
# - *The model stands still in `on_train_batch_end`*: on JAX the state is outside of the model while `fit` runs. Look at the end
#   of an epoch.
# - *`epoch_0.png`, or the pictures are one epoch off*: Keras counts epochs from 0 in its calls.
# - *After a resume the pictures come at other epochs*: a callback counts its own calls. Ask the number of the epoch.
#
# **References.** Keras's guide to [callbacks of one's own](https://keras.io/guides/writing_your_own_callbacks/), and [those that
# it has](https://keras.io/api/callbacks/). Prechelt [-@prechelt1998stopping], *Early stopping: but when?*
