# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training
#
# > The loop around the step: an average of the generator, checkpoints that resume bit for bit, several devices
#
# - skip_showdoc: true
# - order: 29

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/train.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/train.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/train.ipynb) · [API](../about/api.ipynb#tensorflow-train) · [Side by side](../about/side_by_side.ipynb#train)

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
# **You will be able to** train a GAN that can be interrupted, killed and resumed without changing its result, average a
# Keras model's weights with its BatchNorm statistics, and share the work among several devices.
#
# **You need** [The engine](engine.ipynb) and [What every training loop needs](../foundations/loop.ipynb), which holds the
# loop itself. **It takes** twenty minutes to read; the cells train for three minutes.

# %%
#| default_exp tensorflow.train

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from gan_course import keras_files
from gan_course.keras_files import KerasRecorder, KerasTraining
from gan_course.loop import (SEED_GRID, average_keep, latest_checkpoint, lr_factor,
                             restore_latest, run)
from gan_course.tensorflow.config import (CONFIG, Config, artifact_paths, select_device,
                                          select_precision, select_strategy, select_xla)
from gan_course.tensorflow.data import DeviceBatches
from gan_course.tensorflow.engine import CALL, NEVER, GANStep, Steps
from gan_course.tensorflow.model import build_networks
from gan_course.tensorflow.utils import make_latents, seed_everything, to_images

# %%
import math
import tempfile
import time
from pathlib import Path

import h5py

from gan_course import figures
from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.runs import RunFolder, provenance_line, step_of


# %% [markdown]
# ## The optimisers
#
# [Adam](../about/glossary.ipynb#gl-adam) divides an average of the gradient by the root of an average of its square. Both averages start at zero and are
# corrected for it, and a small ε keeps the quotient finite where a gradient is 0. In algorithm 1 of Kingma and Ba [-@kingma2014adam]
# ε is added to the *corrected* root. Keras's Adam adds it before the correction, the order at the end of their section 2,
# which makes ε ten times as large in the first step (with β₂ = 0.99), and its default is $10^{-7}$ where PyTorch has $10^{-8}$. For a
# classifier nobody notices. In the first steps of a GAN, whose [discriminator](../about/glossary.ipynb#gl-discriminator) is nearly flat, many gradients are no larger
# than that. [The same step twice](same_step_twice.ipynb) shows what comes of it. So here is algorithm 1, in the frame of Keras's
# class, which keeps the averages and takes care of everything else:

# %%
#| exports
class Adam(keras.optimizers.Adam):
    "Adam with ε where algorithm 1 of Kingma and Ba (2014) has it. With `weight_decay` it is AdamW."
    def update_step(self, gradient, variable, learning_rate):
        at = self._get_variable_index(variable)
        m, v = self._momentums[at], self._velocities[at]
        t = tf.cast(self.iterations + 1, variable.dtype)
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (tf.square(gradient) - v) * (1 - self.beta_2))
        m_hat, v_hat = m / (1 - self.beta_1**t), v / (1 - self.beta_2**t)
        self.assign_sub(variable, learning_rate * m_hat / (tf.sqrt(v_hat) + self.epsilon))


# %% [markdown]
# By hand, with a gradient of the size of ε, where it matters:

# %%
weight, opt = keras.Variable(np.zeros(1, np.float32)), Adam(0.1, 0.9, 0.99, epsilon=1e-8)
m = v = by_hand = 0.0
for t, g in enumerate([1e-8, -3e-8, 2e-8], 1):
    opt.apply([tf.constant([g])], [weight])
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
    by_hand -= 0.1 * m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.99**t)) + 1e-8)
    print(f"step {t}: {float(weight[0]):+.5f}, by hand {by_hand:+.5f}")
    assert abs(float(weight[0]) - by_hand) < 1e-6


# %% [markdown]
# RMSprop is what Adam is without [momentum](../about/glossary.ipynb#gl-momentum) and without correcting the bias of its first steps; in Keras its ε stands inside of
# the root, so it is squared. Under float16 each optimiser gets its own scaling of the loss.

# %%
#| exports
def make_optimizer(lr, # learning rate
                   config, # a `Config`
                   precision="float32", # dtype policy of the network
    ): # a `keras.optimizers.Optimizer`
    """Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton
    2012)."""
    c, epsilon = config, 1e-8 # PyTorch's
    if c.optimizer == "rmsprop": opt = keras.optimizers.RMSprop(lr, rho=c.beta2, epsilon=epsilon**2)
    else: opt = Adam(lr, c.beta1, c.beta2, epsilon, weight_decay=c.weight_decay or None)
    return keras.optimizers.LossScaleOptimizer(opt) if precision == "mixed_float16" else opt


# %%
for name in ("adam", "adamw", "rmsprop"):
    weight = keras.Variable(np.ones(3, np.float32))
    optimizer = make_optimizer(0.1, CONFIG.replace(optimizer=name))
    optimizer.apply([2 * weight], [weight])
    print(f"{name:<8} 1.0 -> {float(weight[0]):.4f}")
    assert weight[0] < 1

# %% [markdown]
# RMSprop's first step is ten times as long as Adam's, because its average of squared gradients starts at zero and
# nothing corrects it.
#
# ## An average of the generator
#
# Samples come from a second [generator](../about/glossary.ipynb#gl-generator), which is never trained and follows the first, with a [half-life](../about/glossary.ipynb#gl-half-life) in images ([why,
# and how fast](../foundations/loop.ipynb#how-long-a-memory)). Keras has something of the kind built in: an optimiser
# made with `use_ema=True` averages what it trains. What does it not train?

# %%
G, _ = build_networks(CONFIG)
never_trained = [v.path for v in G.non_trainable_variables]
never_trained


# %% [markdown]
# [BatchNorm's](../about/glossary.ipynb#gl-batchnorm) statistics. They would be left behind, and the [average generator](../about/glossary.ipynb#gl-ema) would normalise with those of the generator
# in training (or, with `tf.train.ExponentialMovingAverage`, of the first step). Keras's `SwapEMAWeights` also looks only at
# `model.optimizer`, of which a GAN has two. So we make our own; it takes ten lines. Statistics are copied: they are
# averages already.

# %%
#| exports
class AverageWeights:
    """An exponential moving average of a network, BatchNorm statistics included. Make it inside the
    strategy's scope."""
    def __init__(self, network, half_life): # in images; 0: a plain copy
        self.network, self.half_life = keras.models.clone_model(network), half_life
        self.network.trainable = False
        for a, b in zip(self.network.variables, network.variables): a.assign(b)
        self.learned = [v.path for v in network.trainable_variables]

    def update(self,
               network, # the one in training
               keep, # weight of the old average, see `average_keep`
              ):
        "Follow the network. For use inside a `tf.function`, outside of the replicas."
        for a, b in zip(self.network.variables, network.variables):
            if self.half_life and b.path in self.learned:
                a.value.assign_add((b.value - a.value) * (1 - keep))
            else: a.value.assign(b.value)


# %%
average = AverageWeights(G, half_life=1000)
start = average.network.get_layer("project").kernel.numpy()
G.get_layer("project").kernel.assign(start + 1)
G.get_layer("hidden_0").moving_mean.assign(np.full(128, 3.0))
for _ in range(10): average.update(G, average_keep(1000, batch_size=100, images_seen=10**6))
float((average.network.get_layer("project").kernel.numpy() - start).mean())

# %% [markdown]
# After a thousand images, one half-life, the average has gone half the way.

# %%
np.testing.assert_allclose(average.network.get_layer("project").kernel.numpy(), start + 0.5,
                           atol=1e-3)
assert (average.network.get_layer("hidden_0").moving_mean.numpy() == 3).all(), (
    "statistics belong to it")
assert not average.network.trainable_variables

# %% [markdown]
# ## Everything a checkpoint needs
#
# The complaint one reads most about training code: it "[resumes](../about/glossary.ipynb#gl-resume)" the weights, but not the optimisers' moments, or the
# random numbers, or the place in the [epoch](../about/glossary.ipynb#gl-epoch); the loss jumps, and the result is another one. A run that was interrupted
# should end **with the same bits** as one that was not. Then resuming can be tested with `==`, and nothing can be
# forgotten.
#
# What does the next step depend on? Both networks, both optimisers, the average, and the number of the step, from which all
# random numbers and the [batch](../about/glossary.ipynb#gl-batch) follow. One exception: Keras's `Dropout` draws with a counter of its own, a variable that is not
# among the network's `weights`. It is among its `variables`:

# %%
_, D = build_networks(CONFIG.replace(dropout=0.3))
len(D.weights), len(D.variables), [v.path for v in D.variables][2]


# %% [markdown]
# The state is a dictionary of named arrays. Keras numbers what it makes (`seed_generator_4`), so the same variable would be called
# differently in the next process; we name by layer, and number what belongs to an optimiser.

# %%
#| exports

def named_variables(network): # a `keras.Model`
    "Layer and name -> variable, the random state of dropout included."
    return {f"{layer.name}/{v.path.rsplit('/', 1)[-1]}": v for layer in network.layers
            for v in layer.variables}

class Training(KerasTraining):
    "All that changes during a run. Make it inside the strategy's scope."
    Step = GANStep # a subclass may take other steps

    def __init__(self, config, dataset, precision="float32", xla=False):
        super().__init__()
        self.config = config
        self.batches = DeviceBatches(dataset, config.batch_size, seed=config.seed, flip=config.flip)
        self.G, self.D = self.networks(precision, dataset.images.shape[-1])
        self.ema = AverageWeights(self.G, config.ema_half_life)
        self.opt_g, self.opt_d = (make_optimizer(lr, config, precision)
                                  for lr in (config.lr_g, config.lr_d))
        self.step = self.Step(self.G, self.D, self.opt_g, self.opt_d, config, self.batches)
        self.run_steps = Steps(self.step, self.ema, xla)

    def networks(self, precision, channels):
        "Generator and discriminator; a subclass may build others."
        return build_networks(self.config, precision, channels)

    def variables(self):
        "Name -> variable: everything on the device that the rest of the run depends on."
        found = {}
        for part, network in (("G", self.G), ("D", self.D), ("ema", self.ema.network)):
            found |= {f"{part}/{name}": v for name, v in named_variables(network).items()}
        for part, variables in (("opt_g", self.opt_g.variables), ("opt_d", self.opt_d.variables),
                                ("meter", self.step.meter.variables)):
            found |= {f"{part}/{i:03d}": v for i, v in enumerate(variables)}
        return found

    def iterations(self, batches): return len(batches) // self.config.d_steps

    def advance(self, batches, steps, stop):
        c, k = self.config, self.config.d_steps
        total, lazy = c.epochs * self.iterations(batches), c.r1 > 0 or c.r2 > 0
        while steps:
            penalise = lazy and self.steps % c.penalty_every == 0
            n = 1 if penalise else min(steps, CALL,
                                       c.penalty_every - self.steps % c.penalty_every if lazy
                                       else CALL)
            fractions = [(self.steps + i) / total for i in range(n)]
            factors = [lr_factor(c.lr_decay, fraction) for fraction in fractions]
            self.run_steps(
                [[batches.index(self.epoch, (self.step_in_epoch + i) * k + j) for j in range(k)]
                 for i in range(n)],
                self.steps, penalise,
                deviations=[c.instance_noise * (1 - fraction) for fraction in fractions],
                keeps=[average_keep(c.ema_half_life, c.batch_size * k,
                                    self.images_seen + (i + 1) * c.batch_size * k)
                       for i in range(n)],
                lr_g=[c.lr_g * factor for factor in factors],
                lr_d=[c.lr_d * factor for factor in factors])
            self.steps += n; self.step_in_epoch += n; self.images_seen += n * c.batch_size * k
            steps -= n
            if stop(): return

    def first_bad(self):
        bad = int(self.step.first_bad.numpy())
        return None if bad == NEVER else bad

    def means(self): return self.step.meter.means()
    def reset_means(self): self.step.meter.reset()
    def draw(self, num, seed): return draw(self.ema.network, num, seed)
    def learning_rates(self):
        return {name: float(opt.learning_rate.numpy())
                for name, opt in (("lr_g", self.opt_g), ("lr_d", self.opt_d))}

def draw(network, # a generator
         num, # images
         seed, # of the latents
    ):
    "Images of a generator in evaluation mode, uint8 [num, H, W, C]."
    return images_of(network, make_latents(num, network.input_shape[-1], seed))

def images_of(network, # a generator
              z, # latents, [N, latent_dim]
              batch=500):
    """What becomes of these latents in evaluation mode, uint8 [N, H, W, C]; in parts, to save
    memory."""
    return np.concatenate([to_images(network(z[i:i + batch], training=False))
                           for i in range(0, len(z), batch)])


# %%
images = load_dataset("auto", limit=640)

def training(config=CONFIG):
    seed_everything(config.seed, deterministic=True)
    return Training(config, images)

def never(): return False

straight = training()
before = straight.state_dict()["variables"]
straight.advance(straight.batches, 6, never)
after = straight.state_dict()["variables"]
still = {name for name in after if name[:2] in ("G/", "D/") and (before[name] == after[name]).all()}
assert still <= {"D/to_logit/bias"}, "every weight has moved"
straight.steps, straight.images_seen, straight.run_steps.traces()

# %% [markdown]
# Now the same six steps in two sittings: three, then a [checkpoint](../about/glossary.ipynb#gl-checkpoint), a new object that knows nothing, and three more.
# **Predict:** are the weights close, or equal?

# %%
first = training()
first.advance(first.batches, 3, never)
saved = first.state_dict()
seed_everything(999) # whatever happens in between
second = Training(CONFIG, images)
second.load_state_dict(saved)
second.advance(second.batches, 3, never)

def same(a, b):
    a, b = a.state_dict()["variables"], b.state_dict()["variables"]
    return {name for name in a if not (a[name] == b[name]).all()} == set()

same(straight, second)

# %%
assert same(straight, second)

# %% [markdown]
# Leave out any part of the state, and this cell fails. See for yourself with the moments of one optimiser:

# %%
forgetful = Training(CONFIG, images)
fresh = {name: v
         for name, v in forgetful.state_dict()["variables"].items() if name.startswith("opt_d")}
forgetful.load_state_dict(saved | dict(variables=saved["variables"] | fresh))
forgetful.advance(forgetful.batches, 3, never)
assert not same(straight, forgetful)

# %% [markdown]
# Equal bits need one more thing: kernels that add up in the same order every time. On a processor that costs nothing
# measurable here; on a GPU it may. That is what `deterministic=True` in the configuration asks for.
#
# ## Files that can be trusted
#
# `tf.train.Checkpoint` writes several files; killed in between, it leaves a part. How a checkpoint becomes one file that is whole or not
# there, holds no code and says whose it is, and how weights get into Keras's own formats with a [checksum](../about/glossary.ipynb#gl-checksum), is [a lesson of its
# own](../foundations/keras_files.ipynb), as every track on Keras needs it. Here we only say which track it is.

# %%
#| exports
TRACK = "tensorflow"
save_checkpoint = partial(keras_files.save_checkpoint, track=TRACK)
load_checkpoint = partial(keras_files.load_checkpoint, track=TRACK)
load_file = partial(keras_files.load_file, track=TRACK)

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder)/"step_00000001.npz"
    save_checkpoint(path, config=CONFIG.to_dict(), data={}, state=straight.state_dict())
    again = load_checkpoint(path)["state"]["variables"]
    print(f"{path.stat().st_size / 1e6:.1f} MB, {len(again)} arrays")
assert all((again[name] == v).all() for name, v in straight.state_dict()["variables"].items())


# %% [markdown]
# ## The run
#
# What is left is to hand our parts to [the loop](../foundations/loop.ipynb). What is written, the `KerasRecorder` of all Keras
# tracks knows.

# %%
#| exports
def device_name(device, replicas=1):
    "As a person would name it."
    kind, index = device.split(":")
    name = kind.lower()
    if kind == "GPU":
        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[int(index)])
        name = f"gpu: {details.get('device_name', 'unknown')}"
    return name if replicas == 1 else f"{replicas} × {name}"

def restore(training, recorder):
    """Load the latest checkpoint of the run folder, if there is one. Refuses one that does not
    belong to this run."""
    return restore_latest(training, recorder, load_checkpoint, ".npz", more={"device"})


# %% [markdown]
# And the function that does it all. Everything with variables is made inside of the [strategy's](../about/glossary.ipynb#gl-strategy) scope.

# %%
#| exports
def train(config: Config = CONFIG,
          # go on from the last checkpoint in config.out; from the start if there is none
          resume: bool = False,
          verbose: bool = True, # print a line per epoch
    ) -> dict: # what stands in metrics.json
    """Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and
    `KeyboardInterrupt` on Ctrl-C."""
    device = select_device(config.device)
    strategy = select_strategy(config.strategy, config.device, config.cpu_devices)
    precision, xla = select_precision(config.precision, device), select_xla(config.xla, device)
    def prepare(folder, dataset):
        seed_everything(config.seed, config.deterministic)
        training = Training(config, dataset, precision, xla)
        recorder = KerasRecorder(folder, config, dataset, artifact_paths(config.out), TRACK,
                                 ["tensorflow", "keras", "numpy"],
                                 device_name(device, strategy.num_replicas_in_sync), precision)
        return training, training.batches, recorder
    with strategy.scope(): return run(config, prepare, restore, resume, verbose)


# %% [markdown]
# ## Killed, and resumed
#
# Now the promise of this lesson, kept under the worst conditions. One run goes through. Another one, the same but for its
# folder, is started as a program of its own and killed with SIGKILL as soon as it has written a checkpoint: no handler
# runs, nothing is tidied up. Then we resume it.

# %%
import subprocess
import sys

# %%
room = tempfile.TemporaryDirectory()
tiny = dict(dataset="garments", limit=1280, width=8, epochs=2, checkpoint_every=7, eval_images=0,
            device="cpu",
            precision="fp32", num_samples=8)
through = CONFIG.replace(**tiny, progress=False, out=Path(room.name)/"through")
train(through, verbose=False)

killed = through.replace(out=Path(room.name)/"killed")
options = [text for name, value in tiny.items()
           for text in ("--" + name.replace("_", "-"), str(value))]
program = subprocess.Popen(
    [sys.executable, "-m", "gan_course", "train", "tensorflow", "--out", str(killed.out),
     "--no-progress", *options],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while latest_checkpoint(killed.out) is None and program.poll() is None: time.sleep(0.01)
program.kill()
assert program.wait() != 0, "it was killed, not finished"
print("killed; the last checkpoint is of step", step_of(latest_checkpoint(killed.out)))
print("metrics.json says", repr(RunFolder(killed.out).load_metrics()["status"]))

# %%
train(killed, resume=True, verbose=False)

def arrays(out, name):
    "All arrays in a file of weights."
    found = {}
    with h5py.File(artifact_paths(out)[name]) as h5:
        h5.visititems(lambda at, item: found.update({at: item[()]})
                      if isinstance(item, h5py.Dataset) else None)
    return found

for name in ("generator", "discriminator"):
    a, b = arrays(through.out, name), arrays(killed.out, name)
    assert a.keys() == b.keys() and all((a[k] == b[k]).all() for k in a), name
    print(f"{name}: {sum(v.size for v in a.values()):,} numbers, all equal")
room.cleanup()

# %% [markdown]
# ## Several devices
#
# `MirroredStrategy` on eight devices: each has a copy of both networks and takes an eighth of every batch. A processor that
# is split into eight shows that it works, not that it is fast. It has to be split before TensorFlow starts, so this is a
# program of its own:

# %%
program = """
import numpy as np
from gan_course.datasets import load_dataset
from gan_course.tensorflow.config import CONFIG, select_strategy
from gan_course.tensorflow.train import Training
from gan_course.tensorflow.utils import seed_everything
import tensorflow as tf
strategy = select_strategy("mirrored", "cpu", cpu_devices=8)
seed_everything(0, deterministic=True)
with strategy.scope():
    t = Training(CONFIG.replace(width=8), load_dataset("garments", limit=640))
    t.advance(t.batches, 4, lambda: False)
copies = [[c.numpy() for c in strategy.experimental_local_results(v.value)]
          for v in t.G.variables + t.D.variables] # BatchNorm's statistics too
equal = all((one == copy[0]).all() for copy in copies for one in copy)
print(f"{len(copies[0])} replicas, equal weights: {equal}, loss D {t.means()['loss_d']:.4f}")
"""
done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
print(done.stdout or done.stderr[-2000:])

# %%
assert "8 replicas, equal weights: True" in done.stdout

# %% [markdown]
# ## A short training
#
# Everything together, on all images, for two epochs. That is a fifth of a full run, which the
# [lab](gan_tensorflow.ipynb) shows. Each line is an epoch: the losses of both networks, the mean probability $D$ gives to
# real and to generated images, and the [Fréchet distance](../about/glossary.ipynb#gl-frechet) on pixels, the only number in it that judges the pictures. What do
# you expect of the losses: will they fall?

# %%
room = tempfile.TemporaryDirectory()
config = CONFIG.replace(epochs=budget(full=2, fast=1), limit=budget(full=None, fast=640),
                        progress=False,
                        eval_images=budget(full=5000, fast=0), out=Path(room.name)/"run")
seed_everything(config.seed)
at_first = dict(zip("GD", build_networks(config))) # as `train` will make them
metrics = train(config)

# %% [markdown]
# The losses hardly move, and that is right: $\log 2 = 0.69$ is what both pay when neither is ahead. A GAN's loss says who
# is winning, not how good the pictures are.

# %%
#| label: fig-curves
#| fig-cap: "The two losses, and the mean scores of real and generated images, epoch by epoch."
#| fig-alt: "Two panels. Left the losses: the discriminator's falls from 0.693 to 0.691, the generator's rises from 0.706 to 0.718. Right the mean scores of real and generated images, two level lines on top of each other at 0.51."
data = metrics["dataset"]["name"]
figures.plot_curves(metrics["history"], caption=f"modern on {data}, seed {config.seed}")

# %%
#| label: fig-progress
#| fig-cap: "The same latents after each epoch, drawn by the average generator. One row a latent, one column an epoch."
#| fig-alt: "Rows of small pictures with a column for each epoch: blurred shapes of clothes in the first, more definite ones in the last."
state = load_checkpoint(latest_checkpoint(config.out))["state"]
labels = [f"epoch {row['epoch']}" for row in metrics["history"]]
figures.progress_strip(list(state["strips"]), labels, caption=data)

# %%
#| label: fig-samples
#| fig-cap: "Samples of the average generator after this short training, from its `.keras` file."
#| fig-alt: "A grid of sixty-four small grey pictures. Shirts, trousers, shoes and bags can be told apart; many are blurred or misshapen."
G = keras.saving.load_model(artifact_paths(config.out)["generator_keras"], safe_mode=True)
samples = draw(G, 64, SEED_GRID)
figures.image_grid(samples,
                   caption=f"{data}, {config.epochs} epochs, seed {config.seed}, EMA weights")

# %% [markdown]
# A page that trains should notice when nothing was trained. Each parameter of both networks has moved, every number of the
# history is finite, and the folder holds what it should. Each parameter but one: which constant of $D$ can the [relativistic](../about/glossary.ipynb#gl-relativistic)
# loss not see?

# %%
for name, network in at_first.items():
    stuck = {v.path for v in network.trainable_variables
             if (v.numpy() == state["variables"][f"{name}/{v.path}"]).all()}
    blind = {"to_logit/bias"} if name == "D" else set() # D(x) - D(G(z)) does not contain it
    assert stuck <= blind, f"these parameters of {name} did not move: {stuck}"
numbers = [row[k] for row in metrics["history"]
           for k in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g")]
assert all(math.isfinite(number) for number in numbers) and metrics["status"] == "finished"
assert all(path.exists() for name, path in artifact_paths(config.out).items() if name != "best")
assert (G(make_latents(4, config.latent_dim, 0)).shape == (4, 28, 28, 1))
sorted(path.name for path in config.out.iterdir() if not path.name.startswith("."))

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_train import check_average, check_checkpoint


# %% [markdown]
# ### 1. Half-life
#
# Write `follow(average, network, images, half_life)`: it moves the network `average` towards `network` in place, after
# `images` more images, so that what it held before weighs half as much after `half_life` images. Both are Keras models of
# the same kind; the average is frozen (`trainable = False`), and the function is called inside of a `tf.function`. Think of
# everything a network consists of.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def follow(average, network, images, half_life):
    keep = 0.5 ** (images / half_life)
    learned = [v.path for v in network.trainable_variables] # of a frozen network this is empty
    for a, b in zip(average.variables, network.variables):
        if b.path in learned: a.assign(keep * a + (1 - keep) * b)
        else: a.assign(b) # statistics are averages already

check_average(follow)


# %% [markdown]
# ### 2. A checkpoint of your own
#
# Write `save(network, optimizer, step)`, which returns a dictionary of named arrays and numbers, and
# `load(network, optimizer, state)`, which puts everything back and returns the step. The check trains a small network for
# six steps; which batch a step sees follows from its number. Then it trains three, saves, writes the dictionary with
# `np.savez`, starts a fresh network and a fresh optimiser, loads, and trains three more. It wants the same bits, for
# Adam and with [dropout](../about/glossary.ipynb#gl-dropout) too.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def save(network, optimizer, step):
    variables = network.variables + optimizer.variables # not `weights`: dropout has a state
    return {f"v{i}": v.numpy() for i, v in enumerate(variables)} | dict(step=step)

def load(network, optimizer, state):
    optimizer.build(network.trainable_variables) # makes the moments, which are then replaced
    for i, v in enumerate(network.variables + optimizer.variables): v.assign(state[f"v{i}"])
    return int(state["step"])

check_checkpoint(save, load)

# %% [markdown]
# ## What to remember
#
# - Samples come from an average of the generator; BatchNorm's statistics belong to it, and Keras's own averages leave them out.
# - A checkpoint holds what the next step depends on: both networks, both optimisers, the average, the dropout's counters, the
#   number of the step. The test is equality, bit for bit, also after SIGKILL.
# - A file is written beside its name and renamed. It is loaded without running code, and refused if it is of another run.
# - [Several devices](../about/glossary.ipynb#gl-data-parallel) do what one would do, except for BatchNorm, which sees each device's share.
#
# **What goes wrong in practice, and how you see it.**
#
# - *The loss jumps where the run was resumed*: the optimisers' moments are missing. Keras makes them when the optimiser is
#   built; loaded into one that is not built, they are silently dropped.
# - *`.keras` lost an optimiser*: a model saves the one in `model.optimizer`. A GAN has two; keep them in a checkpoint of your own.
# - *Samples of the average look like the first epoch*: forgotten statistics, or a half-life counted in steps.
# - *The first step of a resumed run takes as long as of a new one*: it is [traced](../about/glossary.ipynb#gl-tracing) again; that is not an error.
# - *The loss is no longer finite*: training stops with the step and the last good checkpoint.
#
# **References.** Kingma and Ba [-@kingma2014adam], *Adam*, algorithm 1. Loshchilov and Hutter [-@loshchilov2017adamw], *Decoupled weight decay regularization*. Yazıcı et al. [-@yazici2018averaging], *The unusual effectiveness of averaging in GAN training*. Keras's guide to
# [saving](https://keras.io/guides/serialization_and_saving/); TensorFlow's guide to
# [distributed training](https://www.tensorflow.org/guide/distributed_training).
#
# The [provenance](../about/glossary.ipynb#gl-provenance) of this page's training can be had from `metrics.json` at any time:

# %%
print(provenance_line(RunFolder(config.out).load_metrics()["provenance"]))
room.cleanup()
