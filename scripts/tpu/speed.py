# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where the time goes
#
# > Steps per call, batch size, precision, resident data, pictures, looks: each measured here, and one cell that measures them on your TPU
#
# - skip_showdoc: true
# - order: 42

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/speed.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/speed.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/speed.ipynb) · [API](../about/api.ipynb#tpu-speed)

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
# **You will be able to** say what a training waits for, measure it without fooling yourself, and decide which of six dials is worth
# turning on your machine.
#
# **You need** [Training with `fit`](train.ipynb). **It takes** a quarter of an hour, most of it measuring.

# %%
#| default_exp tpu.speed

# %%
#| exports
from gan_course.tpu.config import BACKEND, CONFIG # first: it chooses Keras's backend

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from keras import ops

from gan_course.tpu.callbacks import SampleGrid
from gan_course.tpu.model import seed_everything
from gan_course.tpu.strategy import find_accelerator, select_precision
from gan_course.tpu.train import Training

# %%
import math
import subprocess
import sys

import matplotlib.pyplot as plt

from gan_course.basics import budget
from gan_course.datasets import load_dataset


# %% [markdown]
# ## How long a step takes
#
# A step on an [accelerator](../about/glossary.ipynb#gl-accelerator) has three parts. The host *says* what to do, which takes some tenths of a millisecond whatever the step. The device *does* it. And
# sometimes the host *asks* for something and both wait. A processor spends so long on the doing that the saying does not matter; a TPU core is done with
# our 128 images before the host has said it. So numbers from a processor do not carry over, and each machine has to be
# measured.
#
# Times are noisy. Two rules: [wait for the device](../about/glossary.ipynb#gl-host-sync) before reading the clock, and measure what you compare *in turn*, several times, and take the
# median. A machine that slows down for a minute then slows down everything.

# %%
#| exports
class Runner:
    "A configuration that has compiled its step, and can take some more."
    def __init__(self, config, dataset, accelerator):
        seed_everything(config.seed, config.deterministic)
        with accelerator.scope():
            self.training = Training(config, dataset, accelerator,
                                     select_precision(config.precision, accelerator))
        self.accelerator, self.every = accelerator, max(1, self.training.model.steps_per_execution)
        self(2 * self.every) # compile, and once more

    def __call__(self, steps, look=False): # ask for the measurements after every step
        "Seconds that these steps take, the wait for the device included."
        t, begin = self.training, time.perf_counter()
        with self.accelerator.scope():
            while steps > 0:
                n = 1 if look else min(steps, len(t.batches) - t.step_in_epoch)
                t.advance(t.batches, n, lambda: False)
                if t.step_in_epoch == len(t.batches): t.epoch, t.step_in_epoch = t.epoch + 1, 0
                if look: t.means()
                steps -= n
            t.means() # waits
        return time.perf_counter() - begin

def in_turn(variants, # name -> () -> seconds for one image, or for whatever is compared
            rounds=3):
    "The median of each, measured in turn."
    seconds = {name: [] for name in variants}
    for _ in range(rounds):
        for name, measure in variants.items(): seconds[name].append(measure())
    return {name: median(values) for name, values in seconds.items()}


# %%
data, accelerator = load_dataset("auto", limit=budget(full=8192, fast=1024)), find_accelerator()
steps, rounds, size = (budget(full=30, fast=2), budget(full=3, fast=1),
                       budget(full=CONFIG.width, fast=4))
print(accelerator)

def runner(**changes):
    return Runner(CONFIG.replace(**({"width": size} | changes)), data, accelerator)
def per_image(run, n=None, **how):
    images = run.training.config.batch_size
    return lambda: run(n or steps, **how) / ((n or steps) * images)

def show(found):
    "Images per second, and how they compare to the first."
    first = next(iter(found.values()))
    for name, seconds in found.items():
        print(f"{name:<24} {1 / seconds:>8,.0f} images/s   × {first / seconds:.2f}")


# %% [markdown]
# ## The batch
#
# On a TPU a larger [batch](../about/glossary.ipynb#gl-batch) costs nothing until its matrix units are full. What do you expect of a processor, whose units are full with eight images?

# %%
sizes = (32, 64, 128, 256, 512)
found = in_turn({f"batch of {b}": per_image(runner(batch_size=b), max(1, 128 * steps // b))
                 for b in sizes}, rounds)
show(found)

# %%
#| fig-cap: Images per second by batch size, on the machine of this page. Beyond a batch of 64, little is gained on a processor.
#| fig-alt: A line with five points, of batch sizes from 32 to 512 on the horizontal axis. It changes little from left to right.
fig, ax = plt.subplots(figsize=(6, 2.8))
ax.plot(sizes, [1 / s for s in found.values()], "o-", color="black")
ax.set_xscale("log", base=2); ax.set_ylim(0)
ax.set_xlabel("batch size"); ax.set_ylabel("images per second")
plt.show()

# %% [markdown]
# A batch also has to learn something. At the same number of images a batch of 512 takes a quarter of the steps of one of 128. [The lab](gan_fashion_mnist.ipynb) shows what that does to
# the pictures.
#
# ## Steps per call, and looks
#
# Every call costs the host some time, and every look costs a wait. On TensorFlow `steps_per_execution` puts many steps into one call. (On JAX it is `lax.scan`, see below.) The
# last line asks for the measurements after every step, as a loop does that prints its loss.

# %%
one, many = runner(steps_per_call=1), runner(steps_per_call=steps)
found = in_turn({"one step a call": per_image(one), f"{steps} steps a call": per_image(many),
                 "one step, and a look": per_image(one, look=True)}, rounds)
show(found)

# %% [markdown]
# ## Half precision

# %%
found = in_turn({p: per_image(runner(precision=p)) for p in ("fp32", "bf16")}, rounds)
show(found)

# %% [markdown]
# This processor has matrix units for [bfloat16](../about/glossary.ipynb#gl-bf16), and Keras's [mixed precision](../about/glossary.ipynb#gl-mixed-precision) gains from them, for all the conversions it inserts. On processors without such units it loses. `auto` takes float32 on a
# processor all the same, so that runs on a laptop and on a server compare, and bfloat16 on a TPU. If yours has them (`lscpu` says `amx_bf16`), ask for `precision="bf16"`.
#
# ## Data that is already there
#
# What would it cost to send every batch as float32? Picked, converted and sent by the host, against a step of the device:

# %%
index = [np.random.default_rng(i).permutation(len(data))[:CONFIG.batch_size] for i in range(20)]
def as_floats():
    "Pick, convert and send a batch as float32, the textbook way."
    begin = time.perf_counter()
    for i in index: sent = ops.convert_to_tensor(data.images[i].astype(np.float32) / 127.5 - 1)
    ops.convert_to_numpy(sent)
    return (time.perf_counter() - begin) / len(index)

def as_numbers():
    "Send the numbers of the images; the device has them, as bytes."
    begin = time.perf_counter()
    for i in index: sent = ops.convert_to_tensor(i.astype(np.int32))
    ops.convert_to_numpy(sent)
    return (time.perf_counter() - begin) / len(index)

found = in_turn({"as float32": as_floats, "as numbers of images": as_numbers,
                 "a step": lambda: many(steps) / steps}, rounds)
for name, seconds in found.items(): print(f"{name:<22} {1000 * seconds:8.3f} ms a batch")
print(f"bytes: {CONFIG.batch_size * 28 * 28 * 4:,} against {CONFIG.batch_size * 4:,}")

# %%
assert found["as numbers of images"] < found["as float32"]


# %% [markdown]
# Here the sending is nothing against the step. If the device were a thousand times as fast, it would be most of it.
#
# ## Pictures
#
# A grid of sixteen, drawn and saved, and what it adds to an [epoch](../about/glossary.ipynb#gl-epoch) of Fashion-MNIST if it is drawn after each, or every five:

# %%
#| exports
def seconds_per_picture(model):
    "To draw sixteen images and write them."
    with tempfile.TemporaryDirectory() as folder:
        grid, begin = SampleGrid(folder, every=1), time.perf_counter()
        grid.set_model(model)
        grid.on_epoch_end(0)
        return time.perf_counter() - begin


# %%
seconds_per_picture(many.training.model) # the first also compiles
found = in_turn({"a picture": lambda: seconds_per_picture(many.training.model),
                 "an epoch": lambda: many(steps) / steps * 60_000 / CONFIG.batch_size}, rounds)
print(f"a picture takes {found['a picture']:.2f} s, an epoch {found['an epoch']:.0f} s")
for every in (1, CONFIG.image_every):
    for epoch, where in ((found["an epoch"], "here"), (2.0, "with an epoch of 2 s")):
        print(f"every {every} epochs, {where}: "
              f"{found['a picture'] / every / epoch:.1%} of the time")

# %% [markdown]
# ## Many steps in one program
#
# JAX goes furthest: `lax.scan` makes one program of many steps, and the host is needed once. What does it gain? `bench/fused.py` measures our step, and a small GAN of
# dense layers, in a process of its own. The dense one stands for an accelerator: its step is so short that the host is what one waits for.

# %%
root = Path("../..").resolve()
bench = root/"bench"/"fused.py"
if bench.exists(): # a clone of the course; elsewhere see the outputs below
    done = subprocess.run([sys.executable, str(bench), "--rounds", str(budget(full=3, fast=1)),
                           "--steps", str(budget(full=5, fast=2)),
                           "--width", str(budget(full=32, fast=4))],
                          env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)


# %% [markdown]
# Two results in opposite directions. Where the host is the bottleneck, one program is faster than one call per step, here by a quarter, although host and device are the same machine: more is to be had on a TPU or a GPU, where they are two. With convolutions on a
# *processor* it is far slower, because [XLA](../about/glossary.ipynb#gl-xla):CPU does not use its fast convolutions inside of a loop (JAX's issue
# [12868](https://github.com/jax-ml/jax/issues/12868)). A number from one machine, taken to another, would have been wrong by a factor of forty. Unrolled, without a loop, the same steps are fast again, and the program grows with their number. `Training` takes one step a call on a
# processor, and `steps_per_call` of them elsewhere.
#
# ## Your machine
#
# We had no TPU. One cell measures all dials where you are; paste what it prints into an issue of the course, and it will stand here.

# %%
#| exports
def speed_table(dataset, # a `gan_course.datasets.Dataset`
                config=CONFIG, # what is varied
                steps=100, # per measurement
                rounds=3,
                variants=None, # name -> changed fields; None: the dials of this page
    ): # markdown
    "Images per second on the accelerator that is there, one dial at a time, measured in turn."
    accelerator = find_accelerator(config.device, config.cpu_devices)
    variants = variants or {
        "as configured": {}, "batch × 4": dict(batch_size=4 * config.batch_size),
        "one step a call": dict(steps_per_call=1),
        "float32": dict(precision="fp32"), "bfloat16": dict(precision="bf16")}
    runners = {name: Runner(config.replace(**changes), dataset, accelerator)
               for name, changes in variants.items()}
    def measure(run): return lambda: run(steps) / (steps * run.training.config.batch_size)
    found = in_turn({name: measure(run) for name, run in runners.items()}, rounds)
    first = next(iter(found.values()))
    rows = [f"| {name} | {1 / seconds:,.0f} | {first / seconds:.2f} |"
            for name, seconds in found.items()]
    return "\n".join([f"{accelerator}; batch {config.batch_size}, width {config.width}", "",
                      "| | images/s | ratio |", "|---|---:|---:|", *rows])


# %%
#| output: asis
print(speed_table(data, CONFIG.replace(width=size, **budget(full={}, fast=dict(batch_size=32))),
                  steps, rounds))

# %% [markdown]
# On eight cores of a TPU v5e, begin with `speed_table(data, CONFIG.replace(batch_size=1024), steps=500)`.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_speed import check_compare, check_steps_per_call


# %% [markdown]
# ### 1. Which is faster?
#
# Two loops were measured in turn, `a[i]` and `b[i]` seconds in round `i`, on a machine that other people use too. Write `compare(a, b)`: how many times as fast `b` is as `a`, as one number. A round in
# which somebody else's job ran slowed both.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def compare(a, b):
    return median(x / y for x, y in zip(a, b)) # a ratio per round: what slowed both cancels

check_compare(compare)


# %% [markdown]
# ### 2. How many steps a call?
#
# A step takes the device `step` seconds; to ask for a call takes the host `call` seconds, during which the device waits. Write `steps_per_call(step, call, share)`: the smallest whole number of steps per call with which
# the device waits no more than `share` of the time.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def steps_per_call(step, call, share):
    # call / (call + n * step) <= share
    return max(1, math.ceil(call * (1 - share) / (share * step) - 1e-9))

check_steps_per_call(steps_per_call)

# %% [markdown]
# ## What to remember
#
# - Measure in turn, wait for the device, take medians, and compare within a round.
# - Which dial matters depends on the machine. On a processor the arithmetic is everything; on an accelerator the host is.
# - A number of images per second that differs from epoch to epoch is a finding, not noise. Look what the machine does in the slow ones.
#
# **What goes wrong, and how to see it.**
#
# - *A change makes everything ten times as fast*: the clock was read before the device was done.
# - *No core is busy, and nothing comes*: something sleeps. A stack dump of the process (`py-spy dump`) says what; in our case it was [a thread of `tf.data`](data.ipynb).
# - *Half precision is slower*: conversions cost more than the products gain. Measure before you believe a fact sheet.
# - *`steps_per_execution` fails with several [replicas](../about/glossary.ipynb#gl-replica)*: so it does in Keras 3.15 with `MirroredStrategy`. `Training` takes one step a call there.
#
# **References.** TensorFlow's guide [Better performance with `tf.data`](https://www.tensorflow.org/guide/data_performance). JAX's documentation on
# [benchmarking](https://docs.jax.dev/en/latest/benchmarking.html).
