# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Seeds, measurements and grids
#
# > Random numbers without a state, sums that stay on the device, and pixels
#
# - skip_showdoc: true
# - order: 25

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/utils.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/utils.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/utils.ipynb) · [API](../about/api.ipynb#tensorflow-utils) · [Side by side](../about/side_by_side.ipynb#utils)

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
# **You will be able to** draw the same random numbers at the same step of a run however it got there, measure every step
# without waiting for the device, and turn a batch of tensors into a picture.
#
# **You need** [Run folders](../foundations/runs.ipynb), [Figures](../foundations/figures.ipynb) and a first
# acquaintance with tensors and `tf.function`. **It takes** fifteen minutes.

# %%
#| default_exp tensorflow.utils

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import keras
import numpy as np
import tensorflow as tf

from gan_course import figures


# %% [markdown]
# ## Randomness that can be repeated
#
# A GAN draws random numbers everywhere: initial weights, the order of the images, a new [latent](../about/glossary.ipynb#gl-latent) $z$ for every generated
# image. `keras.utils.set_random_seed` seeds Python, NumPy and TensorFlow at once, and for the initial weights that is enough:

# %%
#| exports
def seed_everything(seed, # 0 to 2**63 - 1
                    deterministic=False, # forbid kernels whose result depends on timing
    ):
    "Seed Python, NumPy and TensorFlow. `deterministic` cannot be taken back in this process."
    keras.utils.set_random_seed(seed % 2**32)
    if deterministic: tf.config.experimental.enable_op_determinism()


# %%
seed_everything(7); first = keras.random.normal((3,))
seed_everything(7); second = keras.random.normal((3,))
assert (first.numpy() == second.numpy()).all()
first.numpy()


# %% [markdown]
# Where do such numbers come from inside of a `tf.function`, when it is called twice? And when the program is stopped, and
# goes on tomorrow? `tf.random.normal` keeps a counter in every operation. Let us see what a second trace of the same function makes
# of it:

# %%
def draw_two(): return float(tf.random.normal(())), float(tf.random.normal(()))

seed_everything(7); straight = draw_two()
seed_everything(7); tf.random.normal(()) # something else draws in between
print(straight, draw_two())

# %% [markdown]
# The second pair is another one: what is drawn depends on everything that was drawn before. To [resume](../about/glossary.ipynb#gl-resume) a run one has to
# save such a state, and to know of every place that has one. PyTorch's track does that. TensorFlow offers something
# simpler: **[stateless](../about/glossary.ipynb#gl-stateless)** random numbers, a function of a [seed](../about/glossary.ipynb#gl-seed) and of nothing else.

# %%
a = tf.random.stateless_normal((3,), seed=[7, 0])
b = tf.random.stateless_normal((3,), seed=[7, 1])
assert (a.numpy() == tf.random.stateless_normal((3,), seed=[7, 0]).numpy()).all()
a.numpy(), b.numpy()

# %% [markdown]
# If the seed is made of the run's seed, the number of the iteration and the number of the draw within it, then the
# iteration alone says which numbers it uses. Whoever resumes at iteration 1,000 draws what iteration 1,000 draws.
# There is nothing to save, and [several devices](../about/glossary.ipynb#gl-data-parallel) agree without talking.

# %%
#| exports
DRAWS = 1024 # no iteration draws more often

def step_seed(seed, # of the run
              iteration, # of the run, from 0; may be a tensor
              draw, # which of the iteration's draws, below `DRAWS`
    ): # int64 tensor of two numbers, for `tf.random.stateless_*`
    "The seed of one draw of one iteration."
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(iteration, tf.int64) * DRAWS + draw])

def stateless_normal(shape, seed): # `step_seed`
    "Standard normal numbers, float32, the same on every kind of device; others where XLA compiles."
    return tf.random.stateless_normal(shape, seed, alg="philox")


# %% [markdown]
# `alg="philox"` fixes the algorithm. Left to itself, TensorFlow takes another one on TPUs, and the same seed draws other
# numbers there. One difference is left: a function that [XLA](../about/glossary.ipynb#gl-xla) compiles makes other numbers of the same seed. With `xla` on, which is
# the default on a GPU, a run repeats itself, but not one without.

# %%
drawn = {(s, i, d): stateless_normal((4,), step_seed(s, i, d)).numpy().tobytes()
         for s in (0, 1) for i in (0, 1) for d in (0, 1)}
assert len(set(drawn.values())) == 8, "every draw is another one"
assert stateless_normal((4,), step_seed(0, tf.constant(1), 1)).numpy().tobytes() == drawn[0, 1, 1]


# %% [markdown]
# Pictures need latents too. They come from a seed of their own, and disturb nothing, as there is nothing to disturb.

# %%
#| exports
def make_latents(num, # how many
                 latent_dim, # length of each
                 seed, # of these latents
    ): # float32, [num, latent_dim], standard normal
    "Latents for pictures and measurements, the same on every device."
    return stateless_normal((num, latent_dim), step_seed(seed, -1, 0))


# %%
z = make_latents(4, 2, seed=0)
assert z.shape == (4, 2) and (z.numpy() == make_latents(4, 2, seed=0).numpy()).all()
assert (z.numpy() != make_latents(4, 2, seed=1).numpy()).all()

# %% [markdown]
# ## From tensors to pixels
#
# Inside the networks an image is `[H, W, C]` with values in [-1, 1]; TensorFlow and a picture agree on the order of the axes,
# PyTorch has `[C, H, W]`. A [generator](../about/glossary.ipynb#gl-generator) that ends in tanh can give 1.0 exactly. What happens if we forget to round?

# %%
x = tf.constant([-1.0, -0.001, 0.0, 0.999, 1.0])
print(tf.cast((x + 1) * 127.5, tf.uint8).numpy(),
      tf.cast(tf.round((x + 1) * 127.5), tf.uint8).numpy())


# %% [markdown]
# Without rounding every value is cut off, and the images are half a grey level too dark. The eye does not see it; a
# statistic over ten thousand images does, and takes it for a property of the generator.

# %%
#| exports
def to_images(x, # float tensor, [N, H, W, C] in [-1, 1], on any device
    ): # uint8 array, [N, H, W, C]
    "What the networks make, as pixels."
    x = tf.round((tf.cast(x, tf.float32) + 1) * 127.5)
    return tf.cast(tf.clip_by_value(x, 0, 255), tf.uint8).numpy()


# %%
pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
there = tf.cast(pixels, tf.float32) / 127.5 - 1
assert (to_images(there) == pixels).all(), "to [-1, 1] and back changes no pixel"
to_images(there).shape, to_images(there).dtype

# %% [markdown]
# ## Measuring without waiting
#
# Every tutorial calls `float(loss)` or `loss.numpy()` in its loop. Both ask for a number that may not be computed yet, and
# the program stops until it is. On a GPU each waits for the other, once per step.
#
# There is a second reason not to. We want many steps to run in a *single call* of a `tf.function`, and inside of it there
# is no Python to ask. What happens to a Python list in such a function? Predict what the next cell prints.

# %%
seen = []

@tf.function
def three_steps():
    for i in tf.range(3): seen.append(i)

three_steps(); three_steps()
len(seen), type(seen[0]).__name__


# %% [markdown]
# One entry after six iterations: Python ran once, while the function was [traced](../about/glossary.ipynb#gl-tracing), and what it noted is a symbol and not a
# number. What is to be measured has to live in a `tf.Variable`. It is kept in float64, because a sum of fifty
# thousand small numbers is not what float32 can do (the [PyTorch lesson](../pytorch/utils.ipynb) shows it).

# %%
#| exports
class Meter:
    "Sums of named quantities, kept on the device; reading them is the only wait."
    def __init__(self, names):
        self.names = tuple(names)
        self.sums = tf.Variable(tf.zeros(len(self.names), tf.float64), trainable=False, name="sums")
        self.counts = tf.Variable(tf.zeros(len(self.names), tf.float64), trainable=False,
                                  name="counts")

    def add(self, **values): # name -> tensor of one number
        "Add one measurement of each of some quantities. Never waits; works inside a `tf.function`."
        for name in values.keys() - set(self.names): raise KeyError(name)
        none = tf.zeros((), tf.float64)
        new = [tf.cast(values[name], tf.float64) if name in values else none for name in self.names]
        self.sums.assign_add(tf.stack(new))
        self.counts.assign_add(tf.constant([float(name in values) for name in self.names],
                                           tf.float64))

    def means(self):
        "Mean of each quantity since the last reset, as floats; nan where nothing was measured."
        with np.errstate(invalid="ignore"):
            return dict(zip(self.names, (self.sums.numpy() / self.counts.numpy()).tolist()))

    def reset(self):
        "Start again from nothing."
        for v in self.variables: v.assign(tf.zeros_like(v))

    @property
    def variables(self): return [self.sums, self.counts]


# %%
meter = Meter(["loss", "penalty"])

@tf.function
def measure():
    for i in tf.range(3): meter.add(loss=tf.cast(i, tf.float32))
    meter.add(penalty=5.0)

measure()
meter.means()

# %%
assert meter.means() == {"loss": 1.0, "penalty": 5.0}, "each quantity has a count of its own"
meter.reset(); assert np.isnan(meter.means()["loss"])
try: meter.add(lost=1.0)
except KeyError: pass
else: raise AssertionError("a name that nobody knows")


# %% [markdown]
# Each quantity has a count of its own. The penalty is computed in every sixteenth step only, and its mean must be over
# these steps, not over all.
#
# ## Grids
#
# The caption of a grid says which images the network was trained on.

# %%
#| exports
def save_samples(x, # float tensor, [N, H, W, C] in [-1, 1]
                 path, # PNG to write
                 caption, # what the pictures are: data set, epoch, seed
                 title=None, # above the grid
    ): # `path`
    "Write generated images as a grid."
    return figures.save_grid(to_images(x), path, title=title, caption=caption)


# %%
#| label: fig-noise
#| fig-cap: "What an untrained generator might give: noise, drawn by the functions of this lesson."
#| fig-alt: "Eight squares of grey noise in a row."
noise = tf.tanh(tf.reshape(make_latents(8, 28 * 28, seed=0), (8, 28, 28, 1)))
figures.image_grid(to_images(noise), columns=8, caption="noise, seed 0")

# %%
import tempfile
from pathlib import Path

# %%
with tempfile.TemporaryDirectory() as folder:
    path = save_samples(noise, Path(folder)/"noise.png", "noise, seed 0")
    assert path.read_bytes().startswith(b"\x89PNG")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_utils import check_bytes, check_maximum, check_seed


# %% [markdown]
# ### 1. Seeds that never meet
#
# Without looking at `step_seed`: write `seed_of(run, iteration, draw)`, the two numbers that `tf.random.stateless_normal` wants
# as a seed. No two of these triples may share one. A run's seed is below 2⁶³, an iteration draws at most 1,024 times, and a
# long run has some million iterations. `run` and `draw` are Python numbers; `iteration` may be a tensor, `int32` or `int64`,
# as the function is also called inside of a `tf.function`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def seed_of(run, iteration, draw):
    return tf.stack([tf.constant(run, tf.int64), tf.cast(iteration, tf.int64) * 1024 + draw])

check_seed(seed_of)


# %% [markdown]
# ### 2. A network with a sigmoid
#
# Another generator ends in a sigmoid and gives values in [0, 1]; a blurring afterwards makes some of them a little
# smaller than 0 or larger than 1. Write `to_bytes(x)`, which makes `uint8` of them: 0 is black, 1 is white, and every
# value goes to the nearest level.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def to_bytes(x):
    return tf.cast(tf.clip_by_value(tf.round(x * 255), 0, 255), tf.uint8)

check_bytes(to_bytes)


# %% [markdown]
# ### 3. The worst of an epoch
#
# A mean hides a single huge gradient. Write a class `Maximum()` with `add(value)` for a tensor of one number, and `value()` for
# the largest so far as a float. Like `Meter`, it must work in steps that run inside of a `tf.function`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
class Maximum:
    def __init__(self): self.largest = tf.Variable(-np.inf, dtype=tf.float32)
    def add(self, value): self.largest.assign(tf.maximum(self.largest, value))
    def value(self): return float(self.largest)

check_maximum(Maximum)

# %% [markdown]
# ## What to remember
#
# - Stateless random numbers are a function of their seed. Made of run, iteration and draw, the seed needs no saving.
# - To pixels: add 1, times 127.5, *round*, clip.
# - In a `tf.function` Python runs while tracing only. What is measured lives in variables, in float64, and is read once per [epoch](../about/glossary.ipynb#gl-epoch).
#
# **What goes wrong, and how to see it.**
#
# - *Two runs with one seed differ.* Something draws with a state: `tf.random.normal`, a `Dropout` without a seed, a
#   `tf.data` shuffle that reshuffles. Compare the weights after one step, then after two.
# - *A list that stays empty, or holds `Tensor("...")`.* Python inside a `tf.function`.
# - *The same latents in every step.* A stateless seed that does not contain the iteration.
# - *The GPU is idle half of the time.* Look for `.numpy()`, `float()` and `print` in the loop.
#
# **References.** TensorFlow's guide on [random numbers](https://www.tensorflow.org/guide/random_numbers). Salmon et al. [-@salmon2011philox], [*Parallel random numbers: as easy as 1, 2, 3*](https://doi.org/10.1145/2063384.2063405): Philox. TensorFlow's guide
# on [graphs and `tf.function`](https://www.tensorflow.org/guide/intro_to_graphs).
