# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: callbacks (TPU)
#
# > What accepts or rejects an answer to the exercises of Callbacks
#
# - skip_showdoc: true
# - order: 91

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_callbacks.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_callbacks.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_callbacks.ipynb) · [API](../about/api.ipynb#exercises-tpu_callbacks)

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
# The exercises stand in [the lesson](../tpu/callbacks.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_callbacks

# %%
#| exports
import gan_course.tpu.config # first: it chooses Keras's backend

from types import SimpleNamespace

import keras

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# Nothing is trained here. A callback does not know who calls it, so a function that calls it as `fit` does is enough.

# %%
#| exports
def pretended_fit(callback, rows, first=0, epochs=None):
    """Call a callback as `fit` does, with the logs of each epoch; returns how many epochs there
    were until it, or the last row, ended."""
    assert isinstance(callback, keras.callbacks.Callback), (
        f"a {type(callback).__name__} is no keras.callbacks.Callback: inherit from it")
    model, done = SimpleNamespace(stop_training=False), first
    callback.set_model(model)
    callback.set_params(dict(epochs=epochs or first + len(rows), steps=1, verbose=0))
    callback.on_train_begin({})
    for logs in rows:
        if model.stop_training: break
        callback.on_epoch_begin(done, {})
        callback.on_epoch_end(done, dict(logs))
        done += 1
    callback.on_train_end({})
    return done


# %%
class Seen(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, logs)
        self.model.stop_training = epoch == 1

assert pretended_fit(Seen(), [dict(loss_d=1.0)] * 3) == 2

# %% [markdown]
# ## 1. Enough is enough

# %%
#| exports
WON = dict(loss_d=0.1, loss_g=5.0, d_real=0.97, d_fake=0.02, rank_accuracy=0.995)
EVEN = dict(loss_d=1.2, loss_g=0.9, d_real=0.6, d_fake=0.4, rank_accuracy=0.7)

def check_won(Won): # a callback: Won(patience)
    "Whether `Won` stops after a row of lost epochs, and not for any of its look-alikes."
    def until(patience, *rows):
        try: return pretended_fit(Won(patience), rows)
        except (KeyboardInterrupt, StopIteration, SystemExit, RuntimeError) as error:
            raise AssertionError(
                f"a {type(error).__name__} ends the program, and nothing is saved: set "
                "self.model.stop_training") from None
    assert until(2, EVEN, EVEN, EVEN) == 3, "a game that is even was stopped"
    end = until(2, WON, WON, WON, WON, WON)
    assert end < 5, (
        "the discriminator won five times in a row, and nothing was stopped: set "
        "self.model.stop_training")
    assert end >= 2, "with a patience of 2 one epoch is no reason to stop"
    assert end == 2, (
        "with a patience of 2 it stops after the second epoch of a row, not after "
        f"{end}: count this one too")
    assert until(1, EVEN, WON, EVEN) == 2, "with a patience of 1 the first such epoch is the last"
    sure = EVEN | dict(rank_accuracy=0.995)
    assert until(2, sure, sure, sure) == 3, (
        "it ranks nearly every pair rightly and D(G(z)) is 0.4: the generator still "
        "learns; both have to be so")
    cold = EVEN | dict(d_fake=0.02)
    assert until(2, cold, cold, cold) == 3, (
        "D(G(z)) is low and every third pair is ranked wrongly: both have to be so")
    assert until(3, WON, WON, EVEN, WON, WON, EVEN) == 6, (
        "an epoch in between breaks the row: begin to count anew")
    assert until(3, WON, EVEN, WON, WON, WON, EVEN) == 5, (
        "three in a row are reason to stop, whatever was before")
    one, two = Won(3), Won(3)
    pretended_fit(one, [WON] * 2)
    assert pretended_fit(two, [WON] * 2 + [EVEN]) == 3, (
        "two callbacks share a count: it belongs to the object")
    print("correct: in a row, and both signs together")


# %%
def won_by(lost=lambda logs: logs["rank_accuracy"] > 0.98 and logs["d_fake"] < 0.05, begin_anew=0,
           beyond=0):
    class Won(keras.callbacks.Callback):
        def __init__(self, patience):
            super().__init__()
            self.patience, self.row = patience, 0
        def on_epoch_end(self, epoch, logs=None):
            self.row = self.row + 1 if lost(logs) else self.row * begin_anew
            if self.row >= self.patience + beyond: self.stop()
        def stop(self): self.model.stop_training = True
    return Won

class Raises(won_by()):
    def stop(self): raise KeyboardInterrupt

class Mute(won_by()):
    def stop(self): self.stop_training = True

check_won(won_by())
assert rejects(check_won, won_by(begin_anew=1), "breaks the row")
assert rejects(check_won, won_by(beyond=1), "count this one too")
assert rejects(check_won, won_by(lambda logs: logs["rank_accuracy"] > 0.98), "both have to be so")
assert rejects(check_won,
               won_by(lambda logs: logs["rank_accuracy"] > 0.98 or logs["d_fake"] < 0.05),
               "both have to be so")
assert rejects(check_won, Raises, "nothing is saved")
assert rejects(check_won, Mute, "self.model.stop_training")


# %% [markdown]
# ## 2. Often at first

# %%
#| exports
def check_doubling(Doubling): # a callback: Doubling(draw)
    """Whether `Doubling` draws after epochs 1, 2, 4, 8, ... and after the last, once each, in a
    resumed run too."""
    def drawn(epochs, first=0, asked=None):
        found = []
        pretended_fit(Doubling(found.append), [EVEN] * (epochs - first), first, asked)
        return found
    def says(found, hint):
        return f"it draws after epochs {', '.join(map(str, found)) or 'none'}: {hint}"
    eight = drawn(8)
    assert eight, "nothing was drawn"
    assert 0 not in eight, (
        says(eight, "Keras counts them from 0, and the first is over when one is done"))
    assert sorted(set(eight)) == sorted(eight), says(eight, "the last one was drawn already")
    assert eight == [1, 2, 4, 8], says(eight, "of eight it is 1, 2, 4 and 8")
    ten = drawn(10)
    assert ten[-1] == 10, says(ten, "the last is 10, and nobody will see how it ended")
    assert ten == [1, 2, 4, 8, 10], says(ten, "of ten it is 1, 2, 4, 8 and 10")
    early = drawn(5, asked=30)
    assert early[-1] == 5, (
        says(early,
             "it was stopped after 5 of 30, and nobody will see how it ended; on_train_end is "
             "called all the same"))
    assert early == [1, 2, 4, 5], says(early, "it was stopped after 5")
    resumed = drawn(17, first=4)
    assert 5 not in resumed, (
        says(resumed,
             "the run was resumed after 4; ask the number of the epoch, and do not count calls"))
    assert resumed == [8, 16, 17], says(resumed, "resumed after 4, until 17, it is 8, 16 and 17")
    assert drawn(6, first=6) == [], "a training without a single epoch has nothing new to draw"
    print("correct: often at first, and the last one always")


# %%
class GoodDoubling(keras.callbacks.Callback):
    def __init__(self, draw):
        super().__init__()
        self.draw, self.done, self.last = draw, None, None
    def number(self, epoch): return epoch + 1
    def on_epoch_end(self, epoch, logs=None):
        self.done = self.number(epoch)
        if self.done & (self.done - 1) == 0: self.picture()
    def on_train_end(self, logs=None):
        if self.done != self.last: self.picture()
    def picture(self):
        self.last = self.done
        self.draw(self.done)

class FromZero(GoodDoubling):
    def number(self, epoch): return epoch

class Counting(GoodDoubling):
    calls = 0
    def on_epoch_end(self, epoch, logs=None):
        self.calls, self.done = self.calls + 1, epoch + 1
        if self.calls & (self.calls - 1) == 0: self.picture()

class Twice(GoodDoubling):
    def on_train_end(self, logs=None): self.picture()

class Expecting(GoodDoubling):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.done == self.params["epochs"] and self.last != self.done: self.picture()
    def on_train_end(self, logs=None): pass

check_doubling(GoodDoubling)
assert rejects(check_doubling, FromZero, "from 0")
assert rejects(check_doubling, Counting, "do not count calls")
assert rejects(check_doubling, Twice, "drawn already")
assert rejects(check_doubling, Expecting, "stopped after 5")
