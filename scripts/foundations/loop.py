# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What every training loop needs
#
# > Looks, stops, checkpoints and records: all of a training run that does not know what a network is
#
# - order: 12

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/loop.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/loop.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/loop.ipynb) · [API](../about/api.ipynb#foundations-loop)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** say what stands around the step that every framework takes in its own way, stop a run at any
# moment without losing it, and train anything, here two networks of a few lines of NumPy, with the loop of this course.
#
# **You need** [A configuration](configuration.ipynb), [Run folders](runs.ipynb) and [A number for the
# samples](evaluate.ipynb). **It takes** half an hour to read and a minute to run.

# %%
#| default_exp loop

# %%
#| exports
import math
import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.board import Board, need_tensorboard, tags
from gan_course.datasets import load_dataset
from gan_course.evaluate import PixelFrechet
from gan_course.features import judge_of
from gan_course.metrics import FeatureFrechet
from gan_course.runs import (History, RunFolder, atomic_path, check_same_config, provenance,
                             provenance_line)

# %%
import json
import tempfile

from gan_course.basics import budget
from gan_course.board import read_log
from gan_course.configuration import BaseConfig, artifact_paths
from gan_course.datasets import to_float, to_uint8
from gan_course.runs import step_of


# %% [markdown]
# The training loop of most tutorials has four lines:
#
# ```python
# for epoch in range(epochs):
#     for batch in data:
#         loss = step(batch)
#         print(loss.item())
# ```
#
# **Think first:** it runs for an hour. What do you wish it could do, in that hour and afterwards?
#
# Stop when you press Ctrl-C, and go on tomorrow. Survive the machine's restart. Notice that the loss became NaN in the
# third minute. Show pictures on the way, the same [latents](../about/glossary.ipynb#gl-latent) each time. Keep the best [generator](../about/glossary.ipynb#gl-generator), not only the last. Say
# where its numbers come from. Be quick: `.item()` in every step makes a GPU and the program wait for each other.
#
# None of these wishes mentions a framework. So they are fulfilled once, here. What a framework has to bring is listed
# below in a class with seven methods to fill in, and the lesson on training of [PyTorch](../pytorch/train.ipynb) and of
# every other track writes just these.
#
# ## How large a step
#
# The [learning rate](../about/glossary.ipynb#gl-learning-rate) stays, or falls to a twentieth over the run:

# %%
#| exports
def lr_factor(decay, # "none", "linear" or "cosine"
              fraction, # of the run that is done, 0 to 1
    ): # what to multiply the learning rate with
    "The learning rate's course over a run."
    if decay == "linear": return 1 - 0.95 * fraction
    if decay == "cosine": return 0.05 + 0.95 * (1 + math.cos(math.pi * fraction)) / 2
    return 1.0


# %%
# NBVAL_CHECK_OUTPUT
for decay in ("none", "linear", "cosine"):
    print(f"{decay:<7}", [round(lr_factor(decay, f), 3) for f in (0, 0.25, 0.5, 0.75, 1)])

# %%
assert all(lr_factor(decay, 0) == 1 for decay in ("none", "linear", "cosine"))
assert abs(lr_factor("cosine", 1) - 0.05) < 1e-12

# %% [markdown]
# ## How long a memory
#
# Two networks that play against each other do not settle; they circle a solution. The generator of this very step
# is a point on the circle, and an average over the last few laps lies nearer to the centre. So a second generator,
# which is never trained, follows the first: after each step it moves a little towards it. Samples come from the
# second. Take a point that goes round a circle of radius 1 once in a hundred steps, and follow it. How near to the
# centre do you expect the follower, with a [half-life](../about/glossary.ipynb#gl-half-life) of half a lap? Of two laps?

# %%
circle = np.exp(2j * np.pi * np.arange(2000) / 100)
for half_life in (5, 50, 200):
    follower, keep = circle[0], 0.5 ** (1 / half_life)
    for point in circle: follower = keep * follower + (1 - keep) * point
    print(f"half-life {half_life:>3} steps: {abs(follower):.2f} from the centre")
assert abs(follower) < 0.1


# %% [markdown]
# How little should it move? We give a **half-life** $h$ in images: after a [batch](../about/glossary.ipynb#gl-batch) of $B$ images the old average keeps the
# weight $\beta = 2^{-B/h}$. That way the number means the same at every batch size. In the beginning the half-life is a
# twentieth of the images seen so far, so that the average forgets the initial weights (Karras et al. [-@karras2022edm] ramp it up in
# the same way).

# %%
#| exports
def average_keep(half_life, # in images; 0: no average
                 batch_size, # images since the last update
                 images_seen, # since the beginning of the run
    ): # in [0, 1): the weight that the old average keeps
    "β of the moving average; 0 where the average is to be a plain copy."
    half_life = min(half_life, 0.05 * images_seen)
    return 0.5 ** (batch_size / half_life) if half_life else 0.0


# %%
# NBVAL_CHECK_OUTPUT
for images in (64, 640, 6400, 64_000, 640_000):
    print(f"after {images:>7,} images the average keeps {average_keep(20_000, 64, images):.6f}")

# %%
keep = average_keep(1000, 100, 10**6)
assert abs(keep ** 10 - 0.5) < 1e-12, "ten batches of 100 images are one half-life of 1000"
assert average_keep(0, 64, 10**6) == 0, "no average is a copy"


# %% [markdown]
# ## To stop cleanly
#
# Ctrl-C raises an exception wherever the program happens to be, between the two halves of a step for example. We only
# take note of it, finish the step, save, and then stop. Pressing it twice stops at once.

# %%
#| exports
class Interruptible:
    "Inside the block the first Ctrl-C only sets `asked`; the second raises `KeyboardInterrupt`."
    def __enter__(self):
        self.asked, self.before = False, None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self.note)
        return self

    def note(self, number, frame):
        if self.asked: raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error):
        if self.before is not None: signal.signal(signal.SIGINT, self.before)


# %%
with Interruptible() as interrupt:
    assert not interrupt.asked
    signal.raise_signal(signal.SIGINT)
    assert interrupt.asked, "noted, and the cell goes on"

# %% [markdown]
# ## What may change on the way
#
# A run that is [resumed](../about/glossary.ipynb#gl-resume) must be the run that began: with another batch size it would be neither the old experiment nor a
# new one. Some fields change no weight, though, and may differ. May the number of [epochs](../about/glossary.ipynb#gl-epoch)? **Think** of the learning rate.

# %%
#| exports
FREE_FIELDS = frozenset({ # fields that may differ when a run is resumed: they change no weight
    "data_dir", "out", "checkpoint_every", "keep_checkpoints", "progress", "tensorboard"})

def free_fields(config, # of the run
                more=frozenset(), # names that are free in this track, such as the device
    ): # a set of names
    "As `FREE_FIELDS`; more epochs may be asked for where nothing depends on how many there are."
    fixed = getattr(config, "lr_decay", "none") != "none" or getattr(config, "instance_noise", 0)
    return FREE_FIELDS | more | (set() if fixed else {"epochs"})


# %%
config = BaseConfig()
assert "epochs" in free_fields(config)
assert "epochs" not in free_fields(config.replace(lr_decay="cosine")), "the rates depend on it"
assert "device" in free_fields(config, {"device"}) and "seed" not in free_fields(config)

# %% [markdown]
# ## What a run counts, and what a framework brings
#
# Where is a run? Steps, epochs, images, seconds: plain numbers, the same in every framework. They go into each
# [checkpoint](../about/glossary.ipynb#gl-checkpoint), with the history, the pictures of the [progress strip](../about/glossary.ipynb#gl-progress-strip) and the best result so far.
#
# The rest of a run is networks and optimisers, and belongs to the framework. `Training` of each track inherits the
# counts and fills in seven methods (an eighth, `closer_look`, may stay as it is); how it saves and restores itself is its own affair. Note `advance`: the loop does
# not ask for a step but for *up to so many*. PyTorch takes them one by one. TensorFlow and JAX can compile many into one,
# and come back when they are done.

# %%
#| exports
LOOK = 50 # steps between looks at the progress

class Progress:
    "How far a run is; each track's `Training` inherits it and says how to go on."
    look = LOOK # a track with long calls may look less often

    def __init__(self):
        self.steps, self.epoch, self.step_in_epoch = 0, 0, 0 # iterations, epochs that are complete
        self.images_seen, self.seconds, self.epoch_seconds = 0, 0.0, 0.0
        self.history = History() # one row per epoch
        self.strips = [] # one uint8 array [STRIP, H, W, C] per epoch
        self.best = None # epoch and distance of the best generator so far

    def counters(self):
        "All counts but the strips, as numbers, strings, lists and dictionaries."
        return dict(steps=self.steps, epoch=self.epoch, step_in_epoch=self.step_in_epoch,
                    images_seen=self.images_seen, seconds=self.seconds,
                    epoch_seconds=self.epoch_seconds, history=list(self.history), best=self.best)

    def set_counters(self, saved):
        "Put back what `counters` returned; whatever else the dictionary holds is left alone."
        for name in ("steps", "epoch", "step_in_epoch", "images_seen", "seconds", "epoch_seconds"):
            setattr(self, name, saved[name])
        self.history, self.best = History(saved["history"]), saved["best"]

    # What each track fills in:

    def iterations(self, batches):
        "How many iterations an epoch has."
        raise NotImplementedError

    def advance(self, batches, steps, stop):
        """Take up to `steps` (1 or more) further iterations of this epoch, and count them.
        Fewer, but at least one, if `stop()` is true between two of them."""
        raise NotImplementedError

    def first_bad(self):
        "The first iteration with a loss that was not finite, or None. Waits for the device."
        raise NotImplementedError

    def means(self):
        "The measurements of the epoch so far: name -> mean, with the names that `line` prints."
        raise NotImplementedError

    def line(self, row, epochs):
        "A row of the history as text."
        return epoch_line(row, epochs)

    def reset_means(self):
        "Begin to measure anew."
        raise NotImplementedError

    def draw(self, num, seed):
        "Images of the average generator, uint8 [num, H, W, C], of latents that `seed` pins."
        raise NotImplementedError

    def learning_rates(self):
        "The learning rates of the last iteration: dict(lr_g=..., lr_d=...)."
        raise NotImplementedError

    def parameters(self):
        "How many numbers training can change: dict(generator=..., discriminator=...)."
        return {}

    def closer_look(self):
        "What a track measures beyond the distance, where one is due: name -> number."
        return {}


# %%
a, b = Progress(), Progress()
a.steps, a.epoch, a.best = 30, 1, dict(epoch=1, pixel_frechet=2.5)
a.history.append(epoch=1, loss_d=0.7)
b.set_counters(json.loads(json.dumps(a.counters())))
assert b.counters() == a.counters() and len(b.history) == 1
a.counters()


# %% [markdown]
# ## Two networks on a napkin
#
# To see the loop at work we need something it can train, and it need not be large. The generator below adds a little
# noise to one learnt image, $G(z) = m + z/10$. The [discriminator](../about/glossary.ipynb#gl-discriminator) is linear, $D(x) = w \cdot x$. They play for the
# [relativistic](../about/glossary.ipynb#gl-relativistic) loss with a penalty on $|w|^2$, and both gradients fit on a line each: with $p$ the probability that the
# discriminator takes a fake for the better one of two images,
#
# $$\Delta w \propto \overline{p\,(x - G(z))} - r_1 w, \qquad \Delta m \propto \overline{(1-p)}\,w.$$
#
# What can such a pair learn at best? A linear discriminator sees only in which direction the means of real and fake
# images differ. So $m$ will become the *mean image* of the data, and no more.

# %%
class Tiny(Progress):
    def __init__(self, config, shape):
        super().__init__()
        self.config, self.shape = config, shape # [H, W, C]
        self.m, self.average, self.w = np.zeros((3, np.prod(shape)))
        self.rng = np.random.default_rng(config.seed)
        self.reset_means()

    def fake(self, m, rng, num): return np.clip(m + rng.standard_normal((num, m.size)) / 10, -1, 1)

    def iterations(self, batches): return len(batches) // self.config.batch_size

    def advance(self, batches, steps, stop):
        for _ in range(steps):
            self.one_step(batches)
            if stop(): break

    def one_step(self, batches):
        c = self.config
        factor = lr_factor(c.lr_decay, self.steps / (c.epochs * self.iterations(batches)))
        self.rates = dict(lr_g=c.lr_g * factor, lr_d=c.lr_d * factor)
        first = self.step_in_epoch * c.batch_size
        real = to_float(batches[first:first + c.batch_size]).reshape(c.batch_size, -1)
        better = (real - self.fake(self.m, self.rng, len(real))) # x - G(z)
        p = 1 / (1 + np.exp(better @ self.w))
        self.w = self.w + self.rates["lr_d"] * (p @ better / len(p) - c.r1 * self.w)
        fake = self.fake(self.m, self.rng, len(real))
        d_real, d_fake = real @ self.w, fake @ self.w
        p = 1 / (1 + np.exp(d_real - d_fake))
        self.m = self.m + self.rates["lr_g"] * (1 - p).mean() * self.w
        self.sums += [-np.log(1 - p).mean(), -np.log(p).mean(),
                      *(1 / (1 + np.exp(-d)).mean() for d in (d_real, d_fake))]
        self.count += 1
        if self.bad is None and not np.isfinite(self.sums).all(): self.bad = self.steps
        self.steps += 1; self.step_in_epoch += 1; self.images_seen += len(real)
        keep = average_keep(c.ema_half_life, len(real), self.images_seen)
        self.average = keep * self.average + (1 - keep) * self.m

    bad = None
    def first_bad(self): return self.bad
    names = "loss_d", "loss_g", "d_real", "d_fake"
    def means(self): return dict(zip(self.names, self.sums / self.count))
    def reset_means(self): self.sums, self.count = np.zeros(4), 0
    def learning_rates(self): return self.rates

    def draw(self, num, seed):
        x = self.fake(self.average, np.random.default_rng(seed), num)
        return to_uint8(x.reshape(num, *self.shape))


# %% [markdown]
# Five steps, and the discriminator sees a difference; the generator has begun to follow.

# %%
images = load_dataset("auto", limit=budget(full=None, fast=2000)).images
config = BaseConfig(lr_g=0.03, lr_d=0.003, r1=1.0, epochs=4, ema_half_life=2000)
tiny = Tiny(config, images.shape[1:])
tiny.advance(images, 5, stop=lambda: False)
tiny.steps, tiny.images_seen, {name: round(float(mean), 3) for name, mean in tiny.means().items()}

# %%
assert tiny.steps == tiny.step_in_epoch == 5 and np.abs(tiny.m).max() > 0
tiny.advance(images, 5, stop=lambda: True)
assert tiny.steps == 6, "asked to stop, it takes one step and no more"
assert tiny.draw(3, seed=0).shape == (3, 28, 28, 1) and tiny.first_bad() is None


# %% [markdown]
# ## The record
#
# What a run writes is the same everywhere, but for the format of weights and checkpoints. So `Recorder` writes the
# configuration, the measurements and the pictures, and a track overrides three methods that hand over files of its
# framework. With `tensorboard=True` all this goes [on a board](tensorboard.ipynb) too, in `logs` of the [run folder](../about/glossary.ipynb#gl-run-folder).

# %%
#| exports
class Recorder:
    "Writes the run folder; where `writes` is false (all processes but the first) it does nothing."
    optional = ("best",) # names of paths that a finished run may lack

    def __init__(self,
                 folder, # a `RunFolder`; None where nothing is written
                 config, # of the run
                 dataset, # a `gan_course.datasets.Dataset`
                 paths, # from `artifact_paths`
                 track, # its name
                 packages, # whose versions matter for the result
                 device_name="cpu", # as a person would name it
                 precision="float32", # of products and convolutions
                 writes=True):
        self.folder, self.config, self.dataset, self.paths = folder, config, dataset, paths
        self.track, self.packages = track, packages
        self.measure_every = getattr(config, "measure_every", 1) # epochs
        self.judge = None # a `FeatureFrechet` that decides which generator is the best, see `run`
        self.device_name, self.precision, self.writes = device_name, precision, writes
        self.data = dict(name=dataset.name, split=dataset.split, images=len(dataset),
                         checksum=dataset.checksum)
        self.last = None # what stands in metrics.json
        self.board = None # see `begin`
        if writes and getattr(config, "tensorboard", False): need_tensorboard()

    def caption(self, training, what="EMA weights"):
        "What stands under a picture."
        c = self.config
        what = what if c.ema_half_life else "generator"
        return (f"{getattr(c, 'recipe', self.track)} on {self.dataset.name}, epoch "
                f"{training.epoch} of {c.epochs}, "
                f"seed {c.seed}, {what}")

    # fresh: the folder may hold an earlier run, which `anew` will remove
    def begin(self, training, fresh=False):
        "config.json, and metrics.json as it is now."
        if not self.writes: return
        self.folder.save_config(
            dict(track=self.track, config=self.config.to_dict(), dataset=self.data))
        self.metrics(training, "running")
        if not fresh: self.watch(training)

    def watch(self, training):
        "Begin to write on the board, if that is wanted."
        if self.writes and getattr(self.config, "tensorboard", False):
            self.board = Board(self.folder.path/"logs", step=training.epoch + 1)
            there = {name: value for name, value in self.config.to_dict().items()
                     if name not in ("out", "data_dir", "progress", "tensorboard")}
            self.board.settings(there | dict(track=self.track, dataset=self.dataset.name))
            if (graph := self.graph(training)) is not None: self.board.graph(graph)

    def anew(self, training):
        """The run is a new one, and has begun well: what an earlier one left to go on with is
        removed."""
        if not self.writes: return
        self.folder.remove_checkpoints()
        self.watch(training)
        if self.board: self.board.forget_earlier()

    def epoch(self, training, samples): # uint8 [N, H, W, C]
        "What goes on the board: the last row of the history, and samples where they are due."
        if not self.board: return
        self.board.scalars(training.epoch, tags(training.history[-1]))
        if due(training.epoch, getattr(self.config, "checkpoint_save_interval", 1)):
            grid = figures.tile_images(samples[:16], columns=4)
            self.board.image(training.epoch, "Generated Image", figures.to_pixels(grid[None])[0])

    def end(self):
        "Write no more."
        if self.board: self.board.close()

    def metrics(self, training, status):
        "metrics.json, in whatever state the run is."
        if not self.writes: return
        where = provenance(
            self.dataset, track=self.track, epochs=training.epoch, seed=self.config.seed,
            images_seen=training.images_seen, seconds=training.seconds,
            device=self.device_name, packages=self.packages)
        self.last = dict(track=self.track, status=status,
                         recipe=getattr(self.config, "recipe", None),
                         dataset=self.data, precision=self.precision,
                         parameters=training.parameters(), history=list(training.history),
                         best=training.best, provenance=where)
        self.folder.save_metrics(self.last)

    def curves(self, history, caption):
        "What losses.png shows."
        return figures.plot_curves(history, caption=caption)

    def pictures(self, training, samples): # uint8 [N, H, W, C]
        "The grid, the curves and the strip as they stand."
        if not self.writes: return
        note = self.caption(training)
        labels = [str(row["epoch"])
                  for row in training.history if due(row["epoch"], self.measure_every)]
        figures.save_grid(samples, self.paths["samples"], caption=note)
        figures.save_figure(self.curves(training.history, note), self.paths["losses"])
        strip = figures.progress_strip(training.strips, labels, caption=note)
        figures.save_figure(strip, self.paths["progress"])
        seen = [row["images_seen"]
                for row in training.history if due(row["epoch"], self.measure_every)]
        with atomic_path(self.paths["strips"]) as tmp, open(tmp, "wb") as file:
            np.savez_compressed(file, strips=np.array(training.strips, np.uint8),
                                images_seen=np.array(seen, np.int64))

    # What each track fills in; each looks at `writes` first:

    def checkpoint(self, training):
        "Write everything, to go on from here, with `RunFolder.save_checkpoint`."
        raise NotImplementedError

    def best(self, training):
        "Write the weights of the average generator to `paths['best']`: it is the best so far."
        raise NotImplementedError

    def results(self, training):
        "Write the final weights: the average generator's and the discriminator's."
        raise NotImplementedError

    def graph(self, training):
        "What the tab Graphs of TensorBoard draws: a serialised `GraphDef`, or None."
        return None

def due(epoch, every):
    """Whether something that happens every so many epochs happens after this one. The first shows
    that it works."""
    return epoch == 1 or epoch % every == 0


# %% [markdown]
# For the networks on the napkin: an archive of arrays and a line of JSON. Nothing in it can run code when it is loaded.

# %%
class TinyRecorder(Recorder):
    def arrays(self, path, **contents):
        with atomic_path(path) as tmp, open(tmp, "wb") as file: np.savez(file, **contents)

    def checkpoint(self, t):
        about = dict(config=self.config.to_dict(), data=self.data, rng=t.rng.bit_generator.state,
                     **t.counters())
        def write(path):
            with open(path, "wb") as file:
                np.savez(file, about=json.dumps(about), m=t.m, average=t.average, w=t.w,
                         sums=t.sums, count=t.count, strips=np.array(t.strips))
        self.folder.save_checkpoint(t.steps, write, self.config.keep_checkpoints, suffix=".npz")

    def best(self, t): self.arrays(self.paths["best"], m=t.average)

    def results(self, t):
        self.arrays(self.paths["generator"], m=t.average)
        self.arrays(self.paths["discriminator"], w=t.w)

toy = tempfile.TemporaryDirectory()
config = config.replace(out=Path(toy.name)/"run", progress=False)
dataset = load_dataset("auto", limit=budget(full=None, fast=2000))
def recorder_for(folder, dataset, config):
    paths = artifact_paths(config.out, ".npz")
    return TinyRecorder(folder, config, dataset, paths, "tiny", ["numpy"])

recorder = recorder_for(RunFolder(config.out), dataset, config)
recorder.begin(tiny)
recorder.checkpoint(tiny)
recorder.caption(tiny)

# %%
assert recorder.folder.load_metrics()["status"] == "running"
assert recorder.folder.load_config()["config"] == config.to_dict()
assert step_of(recorder.folder.latest_checkpoint()) == tiny.steps

# %% [markdown]
# ## At the end of an epoch
#
# The [average generator](../about/glossary.ipynb#gl-ema) draws. The first of its latents are the same in every epoch and make the progress strip; the
# samples behind the [Fréchet distance](../about/glossary.ipynb#gl-frechet) come from another [seed](../about/glossary.ipynb#gl-seed). The [stop-gap distance](evaluate.ipynb) is good enough to
# notice that a run got worse and to keep the best generator. Where an epoch is a matter of seconds, all this would take
# as long as the training; a track with the field `measure_every` measures and draws after the first epoch and after
# every so many.
#
# With `best_by="frechet"` the [judge's distance](metrics.ipynb#while-a-gan-trains) decides which generator is kept. Two thousand samples in every second
# epoch and after the last one are enough for that, and cost a few percent of a run.

# %%
#| exports
STRIP = 8 # latents in the progress strip
SEED_GRID, SEED_EVAL = 1, 2 # of the latents of pictures and of measurements
JUDGED, JUDGE_EVERY = 2_000, 2 # samples that the judge looks at, and epochs between that

def end_of_epoch(training,
                 recorder,
                 reference, # a `PixelFrechet` of the data, or None: measure no distance
                 seconds, # since `training.seconds` was counted last
    ): # the samples of the grid, uint8 [N, H, W, C]
    "Measure, draw, note, keep the best. Leaves the random generators as they were."
    c, t = recorder.config, training
    t.epoch, t.step_in_epoch = t.epoch + 1, 0
    t.epoch_seconds += seconds
    t.seconds += seconds
    means = t.means()
    samples, distances, closer = t.draw(c.num_samples, SEED_GRID), dict(pixel_frechet=None), {}
    if recorder.judge:
        asked = due(t.epoch, max(JUDGE_EVERY, recorder.measure_every)) or t.epoch == c.epochs
        distances["frechet"] = recorder.judge.distance(t.draw(JUDGED, SEED_EVAL)) if asked else None
    if due(t.epoch, recorder.measure_every):
        t.strips.append(samples[:STRIP])
        if reference is not None:
            distances["pixel_frechet"] = reference.distance(t.draw(c.eval_images, SEED_EVAL))
        closer = t.closer_look()
    images = t.images_seen - (t.history[-1]["images_seen"] if len(t.history) else 0)
    t.history.append(epoch=t.epoch, step=t.steps, images_seen=t.images_seen,
                     seconds=round(t.seconds, 2),
                     images_per_second=round(images / t.epoch_seconds, 1),
                     **means, **t.learning_rates(), **distances, **closer)
    by = "frechet" if recorder.judge else "pixel_frechet"
    if distances[by] is not None and (t.best is None or distances[by] < t.best[by]):
        t.best = dict(epoch=t.epoch, **distances)
        recorder.best(t)
    t.epoch_seconds = 0.0
    t.reset_means()
    return samples

def epoch_line(row, # of the history
               epochs, # of the run
    ): # text
    "One epoch in one line."
    fd = "" if row["pixel_frechet"] is None else f"  FD(pixels) {row['pixel_frechet']:6.2f}"
    if row.get("frechet") is not None: fd += f"  FD(judge) {row['frechet']:6.2f}"
    return (f"epoch {row['epoch']:>3}/{epochs}  loss D {row['loss_d']:.3f} G {row['loss_g']:.3f}  "
            f"D(x) {row['d_real']:.2f} D(G(z)) {row['d_fake']:.2f}{fd}  "
            f"{row['images_per_second']:,.0f} images/s")


# %%
reference = PixelFrechet(images)
samples = end_of_epoch(tiny, recorder, reference, seconds=0.1)
print(epoch_line(tiny.history[-1], config.epochs))

# %%
assert tiny.epoch == 1 and tiny.step_in_epoch == 0 and tiny.count == 0
assert tiny.best["pixel_frechet"] == tiny.history[-1]["pixel_frechet"]
assert np.array_equal(tiny.strips[0], tiny.draw(STRIP, SEED_GRID)), "the same latents, always"
assert recorder.paths["best"].exists()


# %% [markdown]
# ## When it goes wrong
#
# Weights that became infinite stay infinite, and every further minute is wasted. So each look asks for the first step
# whose loss was not finite, and says which checkpoint is still good and what to try first. No look, no waiting: between
# two looks the device only takes a note.

# %%
#| exports
def likely_cause(config):
    "What to try first when training diverged."
    rates = {name: getattr(config, name)
             for name in ("lr_g", "lr_d", "learning_rate") if hasattr(config, name)}
    names = " and ".join(rates) # not every track has all fields
    if max(rates.values()) > 2e-3:
        return f"the learning rate{'s are' if len(rates) > 1 else ' is'} high: try {names} of 2e-4"
    if "learning_rate" in rates:
        other = [name for name in ("label_smoothing", "flip_prob") if hasattr(config, name)]
        return " or ".join(["try a lower learning_rate,", *other[:1]]).rstrip(",")
    if config.loss == "relativistic" and not (config.r1 and config.r2):
        return "the relativistic loss needs its penalties: try r1 and r2 of 0.1"
    if getattr(config, "precision", None) == "bf16": # not every track has the field
        return "try precision fp32, and lower learning rates"
    return "try lower learning rates (lr_g, lr_d), or stronger penalties (r1, r2)"

def check_finite(training,
                 recorder,
                 fresh=False, # the folder still holds the checkpoints of an earlier run
    ):
    "Raise `CourseError` if some step since the last look was not finite. Waits for the device."
    bad = training.first_bad()
    if bad is None: return
    kept = recorder.folder.latest_checkpoint() if recorder.folder and not fresh else None
    where = f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet"
    recorder.metrics(training, "failed")
    raise CourseError(f"the loss is no longer finite at step {bad} (epoch {training.epoch + 1}); "
                      f"{where}. Likely cause: {likely_cause(recorder.config)}")


# %%
check_finite(tiny, recorder) # all is well
tiny.w[:] = np.inf
with np.errstate(all="ignore"): tiny.advance(images, 3, stop=lambda: False)
try: check_finite(tiny, recorder)
except CourseError as error: print(str(error).replace(str(config.out), "run"))
else: raise AssertionError("nobody noticed")

# %%
assert recorder.folder.load_metrics()["status"] == "failed"


# %% [markdown]
# ## The loop
#
# Now the loop itself. It asks for as many steps as there are until something is to be done: a look every fifty steps, a
# checkpoint, the end of the epoch. Whatever comes first.
#
# [Several processes](../about/glossary.ipynb#gl-data-parallel) can share a run. Then all must stop at the same step, and each sees only its own Ctrl-C; and what each
# computed alone should be made equal at the end of an epoch. How they talk is the framework's business: `together` has
# the two methods `anyone(asked)`, true everywhere if it is true somewhere, and `same(training)`. One process needs
# neither.

# %%
#| exports
def loop(training, # a `Progress` with everything filled in
         batches, # whatever `training.advance` takes
         recorder, # a `Recorder`
         reference, # a `PixelFrechet`, or None
         say, # prints a line
         fresh, # whether the folder may hold checkpoints of an earlier run
         together=None, # how several processes agree: `anyone(asked)`, `same(training)`
    ):
    "Epochs, looks, checkpoints, pictures. Raises `KeyboardInterrupt` after a checkpoint on Ctrl-C."
    c, t = recorder.config, training
    per_epoch = t.iterations(batches)

    def look():
        "The only place in an epoch that waits for the device."
        nonlocal fresh
        check_finite(t, recorder, fresh)
        if fresh: recorder.anew(t)
        fresh = False

    recorder.begin(t, fresh)
    samples, begin = None, time.perf_counter()
    with Interruptible() as interrupt, tqdm(
            total=c.epochs * per_epoch, initial=t.steps, unit="step", leave=False,
            disable=not (c.progress and recorder.writes)) as bar:
        # Several processes can only stop where all of them look; one stops after any step.
        def stop(): return together is None and interrupt.asked
        while t.epoch < c.epochs:
            while t.step_in_epoch < per_epoch:
                t.advance(batches, min(per_epoch - t.step_in_epoch, t.look - t.steps % t.look,
                                       c.checkpoint_every - t.steps % c.checkpoint_every), stop)
                if t.steps % t.look and t.steps % c.checkpoint_every and not stop(): continue
                look()
                bar.update(t.steps - bar.n)
                asked = together.anyone(interrupt.asked) if together else interrupt.asked
                if t.steps % c.checkpoint_every == 0 or asked:
                    now = time.perf_counter()
                    t.seconds += now - begin
                    t.epoch_seconds += now - begin
                    begin = now
                    recorder.checkpoint(t)
                if asked: raise KeyboardInterrupt
            look()
            if together: together.same(t)
            samples = end_of_epoch(t, recorder, reference, time.perf_counter() - begin)
            recorder.epoch(t, samples)
            if due(t.epoch, recorder.measure_every) or t.epoch == c.epochs:
                recorder.pictures(t, samples)
                recorder.checkpoint(t)
            recorder.metrics(t, "running")
            say(t.line(t.history[-1], c.epochs))
            begin = time.perf_counter()
    if samples is None: samples = t.draw(c.num_samples, SEED_GRID)
    recorder.pictures(t, samples)
    recorder.results(t)
    recorder.metrics(t, "finished")
    recorder.end()


# %%
tiny = Tiny(config, dataset.images.shape[1:])
loop(tiny, dataset.images, recorder, reference, say=print, fresh=True)

# %% [markdown]
# In the first epoch the discriminator is far ahead. Then both losses go to $\log 2 = 0.69$, what each pays when nobody
# is. The losses would say the same of two networks that have learnt nothing; the pictures tell more:

# %%
#| label: fig-tiny
#| fig-cap: "Four latents after each epoch, drawn by the average of the generator on the napkin."
#| fig-alt: "Four rows and four columns of grey, slightly noisy squares. In the first column little can be seen; then a blurred bright shape stands on black, something between a shirt and a shoe, the same in every row."
labels = [f"epoch {row['epoch']}" for row in tiny.history]
figures.progress_strip([strip[:4] for strip in tiny.strips], labels, caption=recorder.caption(tiny))

# %%
mean = to_float(images).mean(0).reshape(-1)
off, at_first = np.abs(tiny.average - mean).mean(), np.abs(mean).mean()
assert off < at_first * budget(full=0.25, fast=1), "it is on its way to the mean image"
assert all(path.exists() for path in recorder.paths.values())
print(f"off by {off:.2f} per pixel on average; {at_first:.2f} before the first step")


# %% [markdown]
# ## Going on
#
# Before a run goes on from a checkpoint, three questions. Is it a checkpoint at all? Of the same configuration, the
# free fields aside? Of the same data? Whoever resumes with another data set would otherwise get a result that belongs to
# neither. And a run that is over asks for nothing but its result.

# %%
#| exports
def latest_checkpoint(out): # the run folder, which need not exist
    "The newest complete checkpoint, or None."
    return RunFolder(out, create=False).latest_checkpoint() if Path(out).is_dir() else None

def damaged(path, error): # what is wrong with it: an exception or a text
    "The `CourseError` for a checkpoint that can be read and does not hold what it should."
    return CourseError(f"{path} is damaged ({' '.join(str(error).split())[:120]}); remove it, "
                       "and resume from the one before")

def read_error(path, # that was to be read
               error, # the exception that stopped it
               kind, # what the file should have been, such as PyTorch file
    ): # a `CourseError`
    "One line for a file of weights or a checkpoint that cannot be read; the twin of `write_error`."
    if isinstance(error, FileNotFoundError):
        return CourseError(f"there is no {path}; train first, or check the path")
    if isinstance(error, (IsADirectoryError, NotADirectoryError, PermissionError)):
        return CourseError(f"cannot read {path}: {error.strerror}")
    return CourseError(f"{path} is damaged or no {kind} and cannot be read; remove it")

def check_track(found, # what a file says about itself
                path, # of the file
                track, # that reads it
    ): # `found`
    "Raise `CourseError` for a file of another track, or of nobody we know."
    if not isinstance(found, dict) or found.get("track") is None:
        raise CourseError(f"{path} was not written by gan_course; use a file from a run folder")
    if found["track"] != track:
        raise CourseError(f"{path} belongs to the track {found['track']}, this is {track}; "
                          f"use gan-course with {found['track']}, or another folder")
    return found

def check_resumable(found, # the dictionary in a checkpoint: config, data, state
                    path, # where it comes from
                    recorder, # of the run that is to go on
                    more=frozenset(), # see `free_fields`
    ):
    "Raise `CourseError` for a checkpoint that does not belong to this run."
    config = recorder.config
    if not all(isinstance(found.get(part), dict) for part in ("config", "data", "state")):
        raise CourseError(f"{path} is no checkpoint; remove it, and resume from the one before")
    check_same_config(found["config"], config.to_dict(), free_fields(config, more))
    if found["data"] != recorder.data:
        before, now = found["data"], recorder.data
        raise CourseError(
            f"{path} was trained on {before.get('name')} with checksum "
            f"{str(before.get('checksum'))[:12]}, and the data now are {now['name']} with "
            f"{now['checksum'][:12]}; restore the data, or train anew with another --out")
    epoch = found["state"].get("epoch")
    if not isinstance(epoch, int): raise damaged(path, f"its epoch is {epoch!r}")
    if epoch > config.epochs:
        raise CourseError(f"{path} has done {epoch} epochs already; ask for more with --epochs")

def restore_latest(training, # with `load_state_dict`
                   recorder, # of the run that is to go on
                   load, # path -> the dictionary in a checkpoint
                   suffix, # of this track's checkpoints
                   more=frozenset(), # see `free_fields`
    ): # whether there was one
    """Put the latest checkpoint back. Raises `CourseError` for one that is damaged or of another
    run."""
    path = latest_checkpoint(recorder.config.out)
    if path is None: return False
    if path.suffix != suffix:
        raise CourseError(f"{path} is of another track; resume it with that track, "
                          f"or use {recorder.track} with another --out")
    found = load(path)
    check_resumable(found, path, recorder, more)
    try: training.load_state_dict(found["state"])
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise damaged(path, error) from None
    return True

def finished(recorder):
    "What stands in metrics.json if the run is complete and all its files are there, else None."
    if not recorder.writes: return None
    there = all(path.exists()
                for name, path in recorder.paths.items() if name not in recorder.optional)
    metrics = recorder.folder.load_metrics() if there else {}
    return metrics if metrics.get("status") == "finished" else None


# %%
good = dict(config=config.to_dict(), data=recorder.data, state=tiny.counters())
check_resumable(good, "it", recorder)
for wrong in [dict(config=config.replace(seed=1).to_dict()),
              dict(data=recorder.data | {"checksum": "0" * 64}),
              dict(state={"epoch": 31}), dict(state={"epoch": "one"}), dict(state=None)]:
    try: check_resumable(good | wrong, "it", recorder)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %%
assert finished(recorder)["status"] == "finished"
assert latest_checkpoint(Path(toy.name)/"nowhere") is None


# %% [markdown]
# A file can fail in more ways: it is not there, it is of another track, it cannot be read, or it can be read and lacks a
# part. Each is one line:

# %%
class Picky:
    "A training that misses something in every checkpoint."
    def load_state_dict(self, state): state["optimiser"]

def attempts():
    yield lambda: restore_latest(Picky(), recorder, lambda path: good, ".npz")
    yield lambda: restore_latest(Picky(), recorder, lambda path: good, ".pt")
    yield lambda: check_track(dict(track="pytorch"), "it", "tensorflow")
    yield lambda: check_track([], "it", "tensorflow")

for attempt in attempts():
    try: attempt()
    except CourseError as error: print(str(error).replace(str(recorder.config.out), "run"))
    else: raise AssertionError("nothing was said")
for error in (FileNotFoundError(), PermissionError(13, "Permission denied"), ValueError("?")):
    print(read_error("it", error, "archive"))


# %% [markdown]
# ## A run from beginning to end
#
# What is left is to put it in order: hold the folder, so that no other run writes there; load the data; have the track
# make its parts; go on from a checkpoint or begin; train; say where the result comes from. The track brings two
# functions: one that makes training, batches and recorder, and one that restores a training from the folder.

# %%
#| exports
def run(config, # of the track
        prepare, # (folder or None, dataset) -> training, batches, recorder
        restore, # (training, recorder) -> whether it was restored from the latest checkpoint
        resume=False, # go on from the last checkpoint in config.out, if there is one
        verbose=True, # print a line per epoch
        writes=True, # whether this process writes; of several only the first does, with a folder
        together=None, # see `loop`
        # config -> `Dataset`; by default `load_dataset` with the fields of a `BaseConfig`
        load=None,
    ): # what stands in metrics.json; None where nothing is written
    "A run, from beginning to end. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C."
    folder = RunFolder(config.out) if writes else None
    with folder.lock() if writes else nullcontext():
        if load: dataset = load(config)
        else: dataset = load_dataset(config.dataset, data_dir=config.data_dir, limit=config.limit)
        training, batches, recorder = prepare(folder, dataset)
        if not training.iterations(batches):
            full = len(dataset) // config.batch_size
            raise CourseError(f"{len(dataset)} images make {full} batches of {config.batch_size}, "
                              f"and d_steps is {getattr(config, 'd_steps', 1)}: lower one of "
                              "them, or raise limit")
        resumed = resume and restore(training, recorder)
        say = print if verbose and writes else (lambda *args: None)
        if resumed:
            for row in training.history: say(training.line(row, config.epochs))
            if training.epoch == config.epochs and (stored := finished(recorder)):
                say(provenance_line(stored["provenance"]))
                return stored
            say(f"resuming {config.out} at step {training.steps} (epoch {training.epoch + 1})")
        elif writes and len(folder.checkpoint_paths()):
            say(f"starting anew: the earlier run in {config.out} will be replaced "
                "(--resume would go on with it)")
        pixels = getattr(config, "eval_images", 0) >= 500 # not every track has the field
        reference = PixelFrechet(dataset.images) if pixels else None
        if getattr(config, "best_by", None) == "frechet":
            try: recorder.judge = FeatureFrechet(judge_of(dataset.name), dataset.images)
            except CourseError as error:
                raise CourseError(
                    f"best_by is frechet, but {error}; use --best-by pixels") from None
        try: loop(training, batches, recorder, reference, say, fresh=not resumed, together=together)
        except KeyboardInterrupt:
            recorder.metrics(training, "interrupted")
            raise
        finally: recorder.end()
        if writes: say(provenance_line(recorder.last["provenance"]))
        return recorder.last


# %% [markdown]
# For the napkin the two functions are these, and `train` is one line. The `train` of every track looks like it.

# %%
def restore_tiny(t, recorder):
    path = latest_checkpoint(recorder.config.out)
    if path is None: return False
    with np.load(path, allow_pickle=False) as found:
        about = json.loads(str(found["about"]))
        check_resumable(dict(about, state=about), path, recorder)
        t.m, t.average, t.w, t.sums = (found[name] for name in ("m", "average", "w", "sums"))
        t.count, t.strips = int(found["count"]), list(found["strips"])
    t.set_counters(about)
    t.rng.bit_generator.state = about["rng"]
    return True

def train_tiny(config, resume=False, verbose=True, training=Tiny):
    def prepare(folder, dataset):
        t = training(config, dataset.images.shape[1:])
        return t, dataset.images, recorder_for(folder, dataset, config)
    return run(config, prepare, restore_tiny, resume, verbose)


# %% [markdown]
# Now the promise of every lesson on training, kept once without any framework. One run goes through. Another one gets
# Ctrl-C in the middle of its second epoch; then it is resumed. Do both end with the same numbers, to the last bit?

# %%
through = config.replace(out=Path(toy.name)/"through", limit=2000, eval_images=0)
metrics = train_tiny(through)


# %%
class Impatient(Tiny):
    def one_step(self, batches):
        super().one_step(batches)
        if self.steps == 40: signal.raise_signal(signal.SIGINT) # as if somebody pressed Ctrl-C

stopped = through.replace(out=Path(toy.name)/"stopped")
try: train_tiny(stopped, training=Impatient)
except KeyboardInterrupt: print("stopped at step", step_of(latest_checkpoint(stopped.out)))
print("metrics.json says", repr(RunFolder(stopped.out).load_metrics()["status"]))

# %%
resumed = train_tiny(stopped, resume=True, verbose=False)
for name in ("generator", "discriminator"):
    files = [artifact_paths(c.out, ".npz")[name] for c in (through, stopped)]
    with np.load(files[0]) as a, np.load(files[1]) as b:
        assert a.files == b.files and all(np.array_equal(a[key], b[key]) for key in a.files), name
for name in ("loss_d", "loss_g", "d_real", "d_fake"):
    assert [row[name] for row in metrics["history"]] == [row[name] for row in resumed["history"]]
print("both networks and every measurement: equal")

# %% [markdown]
# The same once more with a board. The run that was stopped has written two files of events, and the second says where it
# begins; on the page it is one run, with each epoch once:

# %%
watched = stopped.replace(out=Path(toy.name)/"watched", tensorboard=True)
try: train_tiny(watched, training=Impatient, verbose=False)
except KeyboardInterrupt: pass
train_tiny(watched, resume=True, verbose=False)
log = read_log(watched.out/"logs")
print(len([*(watched.out/"logs").iterdir()]), "files;",
      [epoch for epoch, loss in log["generator_loss"]], "epochs")

# %%
assert [epoch for epoch, loss in log["generator_loss"]] == [1, 2, 3, 4]
assert np.allclose([loss for epoch, loss in log["discriminator_loss"]],
                   [row["loss_d"] for row in metrics["history"]])

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.loop import check_ahead, check_patience, check_warm_up


# %% [markdown]
# ### 1. How far may it run?
#
# Write `ahead(step, left, *every)`: how many steps can be taken at once, when `step` steps have been taken so far, the
# epoch has `left` more, and something is due after each multiple of the numbers in `every`. At step 60 of an epoch of
# 100, with looks every 50 and checkpoints every 70 steps, it is 10.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def ahead(step, left, *every):
    return min(left, *(n - step % n for n in every))

check_ahead(ahead)


# %% [markdown]
# ### 2. A warm start
#
# [Adam's](../about/glossary.ipynb#gl-adam) first steps are as long as all others, and rest on a guess: its averages have seen one gradient. Many [recipes](../about/glossary.ipynb#gl-recipe)
# therefore begin with small steps. Write `warmed_up(decay, fraction, part)`: what `lr_factor` gives, times a factor that
# grows from 0 to 1 in a straight line while the first `part` of the run is done. `part=0` means no warm-up.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def warmed_up(decay, fraction, part):
    return lr_factor(decay, fraction) * (min(1, fraction / part) if part else 1)

check_warm_up(warmed_up)


# %% [markdown]
# ### 3. When to give up
#
# Write `out_of_patience(history, patience)`: whether the smallest distance of the history is `patience` epochs old, or
# older. The rows hold `epoch` and `pixel_frechet`, which is `None` where nothing was measured; without any distance there
# is nothing to lose patience with.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def out_of_patience(history, patience):
    rows = [row for row in history if row["pixel_frechet"] is not None]
    if not rows: return False
    best = min(rows, key=lambda row: row["pixel_frechet"]) # the first of equals
    return history[-1]["epoch"] - best["epoch"] >= patience

check_patience(out_of_patience)

# %% [markdown]
# ## What to remember
#
# - Most of a training loop knows nothing of networks: when to look, to save, to draw, to stop. It is written once and
#   tested with the smallest thing that can be trained.
# - Between two looks nothing [waits for the device](../about/glossary.ipynb#gl-host-sync). A look every fifty steps costs nothing and finds a NaN in seconds.
# - Ctrl-C is noted, and obeyed between two steps, after a checkpoint. A resumed run ends with the same bits.
# - What only looks at a run draws from generators of its own, with the same seeds in every epoch.
#
# **What goes wrong in practice, and how you see it.**
#
# - *The GPU is idle most of the time*: something in the loop asks it for a number in every step. Count the steps between
#   two looks.
# - *Ctrl-C leaves a run that cannot be resumed*: it was stopped in the middle of a step. Resume, and compare the next
#   losses with those of a run that was not stopped.
# - *The average still shows the initial noise after an epoch*: its half-life does not grow with the images seen.
# - *The last generator is worse than the one of an hour ago*: games get worse too. Keep the best one, by a number that looks
#   at the pictures and not at the losses.
# - *A resumed run is neither the old nor the new experiment*: a field was changed that was not free.
#
# **References.** Polyak and Juditsky [-@polyak1992averaging], *Acceleration of stochastic approximation by averaging* (why averages of
# iterates). Yazıcı et al. [-@yazici2018averaging], *The unusual effectiveness of averaging in GAN training*. Karras et al. [-@karras2022edm], *Elucidating
# the design space of diffusion-based generative models* (a half-life in images, ramped up). Loshchilov and Hutter [-@loshchilov2016sgdr], *SGDR: stochastic gradient descent with warm restarts* (the cosine). Mescheder, Geiger and Nowozin [-@mescheder2018converge], *Which training
# methods for GANs do actually converge?*: their smallest GAN, and what the penalty does to it.

# %%
toy.cleanup()
