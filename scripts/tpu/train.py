# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training with `fit`
#
# > The run folder of every track around a model that trains itself
#
# - skip_showdoc: true
# - order: 39

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/train.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/train.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/train.ipynb) · [API](../about/api.ipynb#tpu-train)

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
# **You will be able to** run `fit` in pieces that can be killed and resumed bit for bit, on either backend, on one device or
# eight; and say what eight devices change.
#
# **You need** [A model that plays both sides](model.ipynb) and [Callbacks](callbacks.ipynb). **It takes** half an hour; the cells train for five minutes of it.

# %%
#| default_exp tpu.train

# %%
#| exports
# first: it chooses Keras's backend
from gan_course.tpu.config import BACKEND, CONFIG, Config, artifact_paths

from functools import partial

import keras
import numpy as np

from gan_course import figures, keras_files
from gan_course.basics import CourseError
from gan_course.keras_files import KerasRecorder, KerasTraining
from gan_course.loop import SEED_GRID, restore_latest, run
from gan_course.tpu.callbacks import LossPlot, SampleGrid, Stop
from gan_course.tpu.data import Batches
from gan_course.tpu.model import (AdversarialModel, Discriminator, Generator, as_array, draw,
                                  make_optimizer, seed_everything)
from gan_course.tpu.strategy import find_accelerator, select_precision

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.runs import RunFolder

# %% [markdown]
# ## One call is not enough
#
# With a model that trains itself, the smallest program is one line, `model.fit(data, epochs=30)`. What is wrong with it? The session on Kaggle ends after
# nine hours, Colab's when it likes. The network answers "nan" at four in the morning. And where is the [run folder](../about/glossary.ipynb#gl-run-folder) that every other track has?
#
# [The loop](../foundations/loop.ipynb) of this course knows how to look, to [checkpoint](../about/glossary.ipynb#gl-checkpoint), to draw and to record, and asks a `Progress` to go on a few steps. On
# this track "a few steps" is a `fit` over a part of an [epoch](../about/glossary.ipynb#gl-epoch). What the loop stops for, the device stops for; so parts are long: to the next
# checkpoint, or to the end of the epoch.
#
# What has to be in a checkpoint, we wrote down [before](model.ipynb): it is `variables()`. **Think first:** which of them does one forget most
# easily?

# %%
#| exports
TRACK = "tpu"
load_checkpoint = partial(keras_files.load_checkpoint, track=TRACK)
load_file = partial(keras_files.load_file, track=TRACK)

class Ema:
    "What a recorder expects of an average."
    def __init__(self, network): self.network = network


# %%
#| exports
class Training(KerasTraining):
    "All that changes during a run. Make it inside the accelerator's scope."
    look = 10**9 # steps between looks at the progress: none within an epoch

    def __init__(self, config, dataset, accelerator, precision="float32"):
        super().__init__()
        self.config = config
        self.batches = Batches(dataset, config.batch_size, accelerator, config.seed)
        channels, c = dataset.images.shape[-1], config
        sync = BACKEND == "tensorflow" and accelerator.count > 1
        self.model = AdversarialModel(
            Generator(c.latent_dim, c.width, channels, bottleneck=c.bottleneck, precision=precision,
                      seed=c.seed, sync=sync),
            Discriminator(c.width, c.dropout, channels, precision=precision, seed=c.seed),
            c.latent_dim, c.batch_size, c.label_smoothing, c.ema_half_life, c.seed, c.r1)
        # one step a call is faster, or all that works
        alone = accelerator.kind == "cpu" if BACKEND == "jax" else accelerator.count > 1
        at_once = 1 if alone else c.steps_per_call
        self.model.compile(*(make_optimizer(c.learning_rate, c.beta1, precision, c.beta2)
                             for _ in range(2)),
                           mesh=accelerator.share if BACKEND == "jax" else None,
                           steps_per_execution=at_once)

    @property
    def D(self): return self.model.discriminator

    @property
    def ema(self): return Ema(self.model.average)

    def variables(self):
        "Name -> variable: everything on the device that the rest of the run depends on."
        m = self.model
        parts = dict(G=m.generator.variables, D=m.discriminator.variables, ema=m.average.variables,
                     opt_g=m.g_optimizer.variables,
                     opt_d=m.d_optimizer.variables, own=[m.iteration, m.sums, m.counted, m.bad])
        return {f"{part}/{i:03d}": v for part, variables in parts.items()
                for i, v in enumerate(variables)}

    def as_array(self, variable): return as_array(variable)
    def state_dict(self): return super().state_dict() | dict(backend=BACKEND)

    def load_state_dict(self, state):
        """The opposite of `state_dict`, on the same backend. Raises `ValueError` for arrays that do
        not fit."""
        if state["backend"] != BACKEND:
            raise CourseError(f"this run began on {state['backend']}, whose random numbers are "
                              f"others, and this is {BACKEND}; "
                              f"resume it with KERAS_BACKEND={state['backend']}")
        super().load_state_dict(state)

    def iterations(self, batches): return len(batches)

    def advance(self, batches, steps, stop):
        "All of these steps are one `fit`."
        watch = Stop(stop, steps)
        self.model.fit(batches.part(self.epoch, self.step_in_epoch, steps), verbose=0,
                       shuffle=False, callbacks=[watch])
        taken = watch.taken
        self.steps += taken; self.step_in_epoch += taken
        self.images_seen += taken * self.config.batch_size

    def players(self): return self.model.generator, self.model.discriminator

    def first_bad(self):
        bad = int(as_array(self.model.bad))
        return bad - 1 if bad else None

    def means(self): return self.model.means()
    def reset_means(self): self.model.reset_means()
    def draw(self, num, seed): return draw(self.model.average, num, seed)
    def learning_rates(self):
        return dict(lr_g=self.config.learning_rate, lr_d=self.config.learning_rate)


# %% [markdown]
# The [seeds](../about/glossary.ipynb#gl-seed) of the [dropout](../about/glossary.ipynb#gl-dropout). They are in `D.variables`, because Keras counts a seed generator's state among a network's variables; whoever saves
# `trainable_variables` only [resumes](../about/glossary.ipynb#gl-resume) with other masks, and nobody notices.
#
# Three times four steps, or twelve at once, must be the same to the last bit:

# %%
accelerator = find_accelerator("cpu")
images = load_dataset("garments", limit=640)
small = CONFIG.replace(batch_size=32, width=8, latent_dim=16)

def training():
    seed_everything(small.seed, deterministic=True)
    with accelerator.scope(): return Training(small, images, accelerator)

def never(): return False

whole, parts = training(), training()
before = {(network.name, v.path): as_array(v) for network in (whole.model.generator, whole.D)
          for v in network.trainable_variables}
whole.advance(whole.batches, 12, never)
for _ in range(3): parts.advance(parts.batches, 4, never)

def same(a, b):
    "The names of variables that differ."
    a, b = a.state_dict()["variables"], b.state_dict()["variables"]
    return [name for name in a if a[name].tobytes() != b[name].tobytes()]

assert same(whole, parts) == [] and whole.steps == parts.steps == 12
for network in (whole.model.generator, whole.D):
    assert all((as_array(v) != before[network.name, v.path]).any()
               for v in network.trainable_variables), "some weight did not move"

# %% [markdown]
# And a stop in the middle, with everything in a file and another process (here: another object) that goes on:

# %%
stopped, resumed = training(), training()
stopped.advance(stopped.batches, 7, never)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder)/"step_00000007.npz"
    keras_files.save_checkpoint(path, TRACK, state=stopped.state_dict())
    print(f"{path.stat().st_size / 1e3:,.0f} kB, {len(stopped.variables())} arrays")
    resumed.load_state_dict(load_checkpoint(path)["state"])
resumed.advance(resumed.batches, 5, never)
assert same(whole, resumed) == [] and resumed.steps == 12
assert len(resumed.D.variables) == len(resumed.D.trainable_variables) + 1, "the seed of the dropout"

# %% [markdown]
# A checkpoint of the other [backend](../about/glossary.ipynb#gl-backend) is refused: the weights would fit, but the next [latents](../about/glossary.ipynb#gl-latent) and masks are drawn by another generator of random
# numbers, and the run would not be the one that was begun.

# %%
try:
    resumed.load_state_dict(stopped.state_dict()
                            | dict(backend="jax" if BACKEND == "tensorflow" else "tensorflow"))
except CourseError as error: print(error)
else: raise AssertionError("it was accepted")


# %% [markdown]
# ## The run folder
#
# The recorder of all Keras tracks writes checkpoints and weights. Ours adds what the [callbacks](../about/glossary.ipynb#gl-callback) draw, and sixteen final images.

# %%
#| exports
class TpuRecorder(KerasRecorder):
    "Writes the run folder, and calls the callbacks that draw."
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        c = self.config
        self.grid = SampleGrid(self.paths["images"], c.image_every,
                               caption=lambda epoch: f"{self.dataset.name}, epoch {epoch} of "
                                                     f"{c.epochs}, seed {c.seed}")

    def pictures(self, training, samples):
        super().pictures(training, samples)
        rows = list(training.history)
        if not rows: return
        for callback in (self.grid, LossPlot(self.paths["training_loss"], rows)):
            callback.set_model(training.model)
            callback.on_epoch_end(training.epoch - 1, rows[-1])

    def results(self, training):
        super().results(training)
        figures.save_grid(training.draw(16, SEED_GRID), self.paths["final"],
                          caption=self.caption(training))


# %%
#| exports
def restore(training, recorder):
    """Load the latest checkpoint of the run folder, if there is one. Refuses one that does not
    belong to this run."""
    return restore_latest(training, recorder, load_checkpoint, ".npz",
                          more={"device", "steps_per_call"})


# %% [markdown]
# ## A run
#
# All that is left is to find the [accelerator](../about/glossary.ipynb#gl-accelerator), and to make everything inside its scope.

# %%
#| exports
def train(config: Config = CONFIG,
          # go on from the last checkpoint in config.out; from the start if there is none
          resume: bool = False,
          verbose: bool = True, # print a line per epoch
    ) -> dict: # what stands in metrics.json
    """Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and
    `KeyboardInterrupt` on Ctrl-C."""
    accelerator = find_accelerator(config.device, config.cpu_devices)
    precision = select_precision(config.precision, accelerator)
    if verbose: print(accelerator)
    def prepare(folder, dataset):
        seed_everything(config.seed, config.deterministic)
        training = Training(config, dataset, accelerator, precision)
        recorder = TpuRecorder(folder, config, dataset, artifact_paths(config.out), TRACK,
                               [BACKEND, "keras", "numpy"],
                               f"{accelerator.count} × {accelerator.name}" if accelerator.count > 1
                               else accelerator.name, precision)
        return training, training.batches, recorder
    with accelerator.scope(): return run(config, prepare, restore, resume, verbose)


# %% [markdown]
# A real run, if a short one: two epochs of all of Fashion-MNIST, some two minutes on two cores. `budget` makes it smaller where the course is only tested.

# %%
config = CONFIG.replace(epochs=budget(full=2, fast=1), limit=budget(full=None, fast=1024),
                        image_every=1,
                        out=Path("artifacts/tpu_short"), progress=False)
metrics = train(config)

# %%
row = metrics["history"][-1]
assert (metrics["status"] == "finished"
        and np.isfinite([row["loss_d"], row["loss_g"], row["grad_norm_g"]]).all())
paths = artifact_paths(config.out)
assert all(path.exists() for name, path in paths.items() if name != "best"), (
    "every file that was promised")
sorted(str(p.relative_to(config.out)) for p in config.out.rglob("*.png"))


# %% [markdown]
# ## One device or eight
#
# What do eight devices change? The [batch](../about/glossary.ipynb#gl-batch) is the same, the latents are the same, the order is the same. On JAX, so is the program: the losses
# may differ by rounding only. On TensorFlow, eight [replicas](../about/glossary.ipynb#gl-replica) draw their own dropout masks, and gradients are averaged over them. Four short runs, each in a process
# of its own, as a backend cannot be changed or split once it runs. The [learning rate](../about/glossary.ipynb#gl-learning-rate) is a fifth of ours: with [Adam](../about/glossary.ipynb#gl-adam), whose first steps know only the signs of gradients, a rounding error grows with the rate, tenfold in these ten steps:

# %%
def losses(backend, devices):
    "Both losses of the first epoch, without dropout."
    with tempfile.TemporaryDirectory() as folder:
        arguments = dict(epochs=1, limit=640, batch_size=64, width=8, dropout=0, dataset="garments",
                         device="cpu", eval_images=0,
                         learning_rate=2e-4, cpu_devices=devices, out=f"{folder}/run")
        options = [part for name, value in arguments.items()
                   for part in (f"--{name.replace('_', '-')}", str(value))]
        done = subprocess.run([sys.executable, "-m", "gan_course", "train", "tpu", *options,
                               "--no-progress"],
                              env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr
        row = RunFolder(f"{folder}/run", create=False).load_metrics()["history"][-1]
    print(f"{done.stdout.splitlines()[0]:<40} loss D {row['loss_d']:.6f} G {row['loss_g']:.6f}")
    return np.array([row["loss_d"], row["loss_g"]])

found = {(backend, devices): losses(backend, devices)
         for backend, devices in (("jax", 1), ("jax", 8), ("tensorflow", 1), ("tensorflow", 2))}

# %%
for one, many in ((("jax", 1), ("jax", 8)), (("tensorflow", 1), ("tensorflow", 2))):
    assert np.abs(found[one] - found[many]).max() < 1e-4, "ten steps on one device and on several"
assert np.abs(found["jax", 1] - found["tensorflow", 1]).max() > 1e-4, (
    "two backends, two generators of random numbers")

# %% [markdown]
# TensorFlow has two replicas here and not eight, because it traces the step once for each, and that takes most of a minute for eight; the tests of the course do it.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
import math

from gan_course.exercises.tpu_train import check_means, check_spacing


# %% [markdown]
# ### 1. Means that survive
#
# An epoch is several calls of `fit`, and a run may be killed between two of them. Write the class `Means`. `add(means, steps)`
# takes the means of a part, name → number, and how many steps they stand for; `value()` gives the means of all steps so far.
# `state_dict()` gives what JSON can hold, and `load_state_dict(state)` puts it into a fresh object, which then goes on as the
# first one would have. A saved state no longer changes.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
class Means:
    def __init__(self): self.sums, self.steps = {}, 0

    def add(self, means, steps):
        for name, value in means.items(): self.sums[name] = self.sums.get(name, 0.0) + steps * value
        self.steps += steps

    def value(self): return {name: total / self.steps for name, total in self.sums.items()}
    def state_dict(self): return dict(sums=dict(self.sums), steps=self.steps) # copies
    def load_state_dict(self, state): self.sums, self.steps = dict(state["sums"]), state["steps"]

check_means(Means)


# %% [markdown]
# ### 2. How often to save
#
# A session ends without a word, on average every `between` seconds. Saving takes `save` seconds and a step `step` seconds. Who
# saves often loses time to saving; who saves rarely loses, at each end, what was done since the last checkpoint: half of an
# interval, on average. Write `spacing(save, step, between)`: after how many steps to save, so that the least is lost. Write down
# what part of the time is lost with intervals of $T$ seconds, and find its least value.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def spacing(save, step, between):
    # of save/T + T/(2 between) the least, where both are equal
    seconds = math.sqrt(2 * save * between)
    return max(1, round(seconds / step))

check_spacing(spacing)

# %% [markdown]
# ## What to remember
#
# - `fit` can be called for a part of an epoch. The run folder, the checkpoints and the resume of the other tracks then work as
#   they are.
# - A checkpoint holds all that a step reads, also the seeds of the dropout. The test is equality, bit for bit.
# - Sums and counts can be put together and resumed. Means of means cannot.
# - One device or eight: on JAX the same program, on TensorFlow the same step if every mean is taken over all replicas.
#
# **What goes wrong, and how to see it.**
#
# - *A resumed run drifts away from the uninterrupted one*: some state was forgotten. Compare the two states name by name, and
#   look at the first name that differs.
# - *"this run began on jax"*: the machine has another backend now. Set `KERAS_BACKEND` before you resume; sampling needs no such
#   care.
# - *The device waits several times in an epoch*: the parts are short. A large `checkpoint_every` makes them long.
# - *Eight devices give other losses than one*: dropout on TensorFlow draws other masks. Set it to 0 and compare again; if they
#   still differ, some mean is taken over one share.
#
# **References.** Young [-@young1974checkpoint], *A first order approximation to the optimum checkpoint interval*. Kingma and Ba [-@kingma2014adam], *Adam: a method
# for stochastic optimization*. Keras's guide to [distributed training with
# TensorFlow](https://keras.io/guides/distributed_training_with_tensorflow/) and [with
# JAX](https://keras.io/guides/distributed_training_with_jax/).
