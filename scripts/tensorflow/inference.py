# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sampling
#
# > From a file of weights to pictures: loading safely, truncating, and walking between two latents
#
# - skip_showdoc: true
# - order: 30

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/inference.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/inference.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/inference.ipynb) · [API](../about/api.ipynb#tensorflow-inference) · [Side by side](../about/side_by_side.ipynb#inference)

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
# **You will be able to** load a generator that somebody else trained without running their code, trade variety for
# quality with one number, and walk through the space of latents to see whether a generator has learned or memorised.
#
# **You need** [Training](train.ipynb). **It takes** twenty minutes; the cells train for three of them.

# %%
#| default_exp tensorflow.inference

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import math
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.keras_files import open_generator
from gan_course.tensorflow.config import CONFIG, Config, artifact_paths, select_device
from gan_course.tensorflow.model import Generator
from gan_course.tensorflow.train import TRACK, images_of
from gan_course.tensorflow.utils import make_latents, step_seed, to_images

# %% [markdown]
# First we need a [generator](../about/glossary.ipynb#gl-generator). A few [epochs](../about/glossary.ipynb#gl-epoch) make one that has an idea of clothes; the [lab](gan_tensorflow.ipynb) trains one
# properly.

# %%
import tempfile

import keras

from gan_course.basics import budget
from gan_course.tensorflow.train import train

# %%
folder = tempfile.TemporaryDirectory()
config = CONFIG.replace(out=Path(folder.name)/"run", epochs=budget(full=3, fast=1), progress=False,
                        limit=budget(full=None, fast=640), width=budget(full=32, fast=16),
                        eval_images=budget(full=5000, fast=0))
metrics = train(config)

# %% [markdown]
# ## Loading
#
# A run leaves its generator in two forms. `generator.weights.h5` holds arrays, and says what they belong to; the network is
# built from our code. `generator.keras` also says how the network is built, so any Keras can open it. Such a file could ask
# for more than layers: a `Lambda` layer carries Python code. `safe_mode=True` refuses it, and so does [the function that opens
# both](../foundations/keras_files.ipynb), which only has to know how this track builds its generator.

# %%
with tempfile.TemporaryDirectory() as scratch:
    harmful = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)])
    harmful.save(Path(scratch)/"harmful.keras")
    try: keras.saving.load_model(Path(scratch)/"harmful.keras", safe_mode=True)
    except Exception as error: print(type(error).__name__, str(error).partition(".")[0])
    else: raise AssertionError("code from a file was accepted")


# %%
#| exports
def build(config, channels):
    return Generator(config.latent_dim, config.width, config.upsample, channels)

def load_generator(path, # a run folder, or a file of weights or a `.keras` file in one
                   best=False, # the best so far instead of the last
    ): # generator, its `Config`, and a dictionary that describes its data
    "A trained generator. Raises `CourseError` for anything that is not one."
    return open_generator(path, TRACK, Config, artifact_paths, build, best)


# %%
G, saved, data = load_generator(config.out)
other, *_ = load_generator(artifact_paths(config.out)["generator_keras"])
z = make_latents(8, config.latent_dim, seed=3)
assert saved == config and np.allclose(G(z), other(z), atol=1e-5)
data["name"], data["checksum"][:12]

# %% [markdown]
# In training mode, [BatchNorm](../about/glossary.ipynb#gl-batchnorm) normalises with the statistics of the [batch](../about/glossary.ipynb#gl-batch) at hand: what a [latent](../about/glossary.ipynb#gl-latent) becomes depends on its
# neighbours. Ask for the same latent twice, in different company:

# %%
z = make_latents(32, config.latent_dim, seed=3)
alone_ish, in_company = G(z[:2], training=True)[0], G(z, training=True)[0]
one, many = G(z[:1], training=False)[0], G(z, training=False)[0]
def gap(a, b): return float(tf.reduce_mean(tf.abs(a - b)))
print(f"training=True: off by {gap(alone_ish, in_company):.3f}; training=False: off by "
      f"{gap(one, many):.6f}")

# %% [markdown]
# Both are zero, although `training=True` asks for the statistics of the batch. `load_generator` has set `G.trainable = False`, and
# a Keras BatchNorm that is not trainable uses its stored statistics whatever it is asked for. That is a safety catch, not a
# habit to rely on. The same weights in a network that may be trained:

# %%
fresh = Generator(config.latent_dim, config.width, config.upsample)
fresh.set_weights(G.get_weights())
print("not frozen, training=True: off by "
      f"{gap(fresh(z[:2], training=True)[0], fresh(z, training=True)[0]):.3f}")
assert gap(one, many) < 1e-4 < gap(fresh(z[:2], training=True)[0], fresh(z, training=True)[0])


# %% [markdown]
# ## Latents, and the truncation trick
#
# A latent far from the origin is rare in training, and what the generator makes of it is often odd. Drawing latents only
# from the middle of the normal distribution gives cleaner and more similar pictures [@brock2018biggan]. The usual
# [recipe](../about/glossary.ipynb#gl-recipe) draws again whatever exceeds a threshold $\tau$. It can be done without drawing again: take a uniform number
# between the probabilities of $-\tau$ and $\tau$, and ask at which value the normal distribution reaches it.

# %%
#| exports
def sample_latents(num, # how many
                   latent_dim, # length of each
                   seed=0, # of these latents
                   truncation=None, # no component exceeds this; None: no limit
    ): # float32, [num, latent_dim]
    "Standard normal latents, truncated if wished (Brock et al. 2018, section 3.1)."
    if truncation is None: return make_latents(num, latent_dim, seed)
    if not (math.isfinite(truncation) and truncation > 0):
        raise CourseError(f"truncation is {truncation}; give a number above 0, "
                          "such as 1.0, or none")
    inside = math.erf(truncation / math.sqrt(2)) # probability of [-truncation, truncation]
    u = tf.random.stateless_uniform((num, latent_dim), step_seed(seed, -1, 1), -1, 1, tf.float64,
                                    alg="philox")
    z = math.sqrt(2) * tf.math.erfinv(u * inside)
    return tf.cast(tf.clip_by_value(z, -truncation, truncation), tf.float32)


# %%
for truncation in (None, 2.0, 1.0, 0.3):
    z = sample_latents(20_000, 8, truncation=truncation).numpy()
    print(f"{truncation!s:<5} largest {abs(z).max():.2f}, standard deviation {z.std():.3f}")
    assert truncation is None or abs(z).max() <= np.float32(truncation)
assert abs(sample_latents(20_000, 8, truncation=20.0).numpy().std() - 1) < 0.01

# %% [markdown]
# What do you expect of the pictures at 0.3?

# %%
#| label: fig-truncation
#| fig-cap: "The same generator with latents truncated at 2, at 1 and at 0.3, one row each."
#| fig-alt: "Three rows of twelve generated garments. The first row is varied; in the second the same garments are plainer and dimmer; the last row shows a faint grid on black, and one shadow of trousers."
rows = [to_images(G(sample_latents(12, config.latent_dim, 5, tau))) for tau in (2.0, 1.0, 0.3)]
note = f"{data['name']}, truncation 2, 1, 0.3 from above"
figures.image_grid(np.concatenate(rows), columns=12, caption=note)

# %% [markdown]
# At 1 the garments are plainer and dimmer, at 0.3 hardly any are left. In sixteen dimensions most latents of training have a
# length near 4. [Truncated](../about/glossary.ipynb#gl-truncation) at 1 the length is near 2.2, truncated at 0.3 it is 0.7: a place where the generator was never asked
# for anything. Variety goes first, and with it the differences between pixels of different samples:

# %%
spread = [float(row.astype(float).std(axis=0).mean()) for row in rows]
assert spread[0] > spread[2]
[round(s, 1) for s in spread]


# %% [markdown]
# ## Walking between latents
#
# If a generator has understood something, a walk from one latent to another passes through plausible garments, and
# changes smoothly. A generator that [memorised](../about/glossary.ipynb#gl-memorising) jumps: it stays at one training image as long as it can, then at the next.
#
# On the straight line between two latents the middle is shorter than both ends, by $\sqrt 2$ for independent ones: a place where the
# generator was never trained. Spherical [interpolation](../about/glossary.ipynb#gl-interpolation) (Shoemake [-@shoemake1985quaternion]; White [-@white2016sampling]) walks on the arc instead.

# %%
#| exports
def interpolate(z0, # latents to start from, [N, latent_dim]
                z1, # latents to arrive at, [N, latent_dim]
                steps, # points on the way, both ends included
                spherical=True, # on the arc; else on the straight line
    ): # [N, steps, latent_dim]
    "Latents on the way from each z0 to its z1 (Shoemake 1985, slerp)."
    if steps < 2: raise CourseError(f"steps is {steps}; a walk has at least its two ends")
    t = tf.linspace(0.0, 1.0, steps)[:, None]
    line = (1 - t) * z0[:, None] + t * z1[:, None]
    if not spherical: return line
    cosine = tf.reduce_sum(tf.nn.l2_normalize(z0, 1) * tf.nn.l2_normalize(z1, 1), 1)
    angle = tf.acos(tf.clip_by_value(cosine, -1, 1))[:, None, None]
    arc = tf.sin((1 - t) * angle) * z0[:, None] + tf.sin(t * angle) * z1[:, None]
    sine = tf.sin(angle)
    return tf.where(sine > 1e-4, arc / tf.maximum(sine, 1e-4), line) # parallel: the line will do


# %%
z0, z1 = make_latents(6, config.latent_dim, 1), make_latents(6, config.latent_dim, 2)
walk = interpolate(z0, z1, 12)
np.testing.assert_allclose(walk[:, 0], z0, atol=1e-4)
np.testing.assert_allclose(walk[:, -1], z1, atol=1e-4)
middle = tf.norm(walk[:, 6], axis=1)
assert tf.reduce_all(middle > 0.85 * tf.minimum(tf.norm(z0, axis=1), tf.norm(z1, axis=1)))
np.testing.assert_allclose(interpolate(z0, z0, 3)[:, 1], z0, atol=1e-5)
walk.shape

# %%
#| label: fig-walk
#| fig-cap: "Six walks on the arc between two latents, left to right."
#| fig-alt: "Six rows of twelve garments; in each row the garment on the left changes step by step into the one on the right."
pictures = to_images(G(tf.reshape(walk, (-1, config.latent_dim)))).reshape(6, 12, 28, 28, -1)
figures.interpolation_figure(list(pictures), caption=f"{data['name']}, {config.epochs} epochs")


# %% [markdown]
# ## One call
#
# What `gan-course sample tensorflow` runs:

# %%
#| exports
def generate_samples(# a `Config`, or the path of a run folder or a file of weights
                     config: Config | str | Path = CONFIG,
                     num_images: int = 36, # how many
                     # PNG of the grid; None: gan_samples.png in the run folder
                     output_path: str | Path | None = None,
                     seed: int = 0, # of the latents
                     truncation: float | None = None, # see `sample_latents`
                     best: bool = False, # the best generator so far instead of the last
                     device: str = "auto", # where to compute
    ) -> np.ndarray: # uint8 array, [num_images, 28, 28, channels]
    "Draw images from a trained generator, and write them as a grid."
    run = Path(config.out if isinstance(config, Config) else config)
    if not 1 <= num_images <= 100_000:
        raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
    with tf.device(select_device(device)):
        G, trained, data = load_generator(run, best)
        z = sample_latents(num_images, trained.latent_dim, seed, truncation)
        images = images_of(G, z)
    output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
    epochs = f"{trained.epochs} epoch" + "s" * (trained.epochs > 1)
    note = f"{trained.recipe} on {data['name']}, {epochs}, seed {seed}"
    if truncation is not None: note += f", truncated at {truncation:g}"
    figures.save_grid(images[:400], output_path, caption=note)
    return images


# %%
images = generate_samples(config, num_images=36, output_path=Path(folder.name)/"36.png", seed=1)
again = generate_samples(config.out, num_images=36, output_path=Path(folder.name)/"36.png", seed=1)
assert images.shape == (36, 28, 28, 1) and images.dtype == np.uint8 and (images == again).all()
assert (generate_samples(config, 36, Path(folder.name)/"other.png", seed=2) != images).any()

# %%
#| label: fig-samples
#| fig-cap: "Thirty-six samples of the generator trained on this page for a few epochs."
#| fig-alt: "A grid of thirty-six small generated garments: shirts, trousers, shoes and bags, some of them blurred or misshapen."
figures.image_grid(images, caption=f"{data['name']}, {config.epochs} epochs, seed 1")

# %%
for wrong in [dict(num_images=0), dict(truncation=-1.0), dict(config=Path(folder.name)/"nowhere")]:
    try: generate_samples(**(dict(config=config) | wrong))
    except CourseError as error: print(str(error).replace(folder.name, "..."))
    else: raise AssertionError(f"{wrong} was accepted")
folder.cleanup()

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_inference import check_sample, check_slerp, check_truncated
from gan_course.tensorflow.utils import stateless_normal


# %% [markdown]
# ### 1. The arc between two vectors
#
# Write `slerp(z0, z1, t)` for two vectors of one dimension and a number $t$ in [0, 1]:
#
# $$\frac{\sin((1-t)\,\omega)}{\sin\omega}\,z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\,z_1$$
#
# where $\omega$ is the angle between them. What should it do when $\omega$ is 0?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def slerp(z0, z1, t):
    cosine = tf.reduce_sum(tf.nn.l2_normalize(z0) * tf.nn.l2_normalize(z1))
    omega = tf.acos(tf.clip_by_value(cosine, -1, 1))
    if tf.sin(omega) < 1e-4: return (1 - t) * z0 + t * z1 # the same direction: no arc
    return (tf.sin((1 - t) * omega) * z0 + tf.sin(t * omega) * z1) / tf.sin(omega)

check_slerp(slerp)


# %% [markdown]
# ### 2. Draw again
#
# The usual recipe for truncation: draw normal numbers, and draw again each number beyond $\tau$, until none is left. Write
# it as `truncated(num, latent_dim, tau, seed)`; the same [seed](../about/glossary.ipynb#gl-seed) gives the same latents. Why is clipping not the same, and
# which seed does the second round take?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def truncated(num, latent_dim, tau, seed):
    z, draw = make_latents(num, latent_dim, seed), 0
    while tf.reduce_any(beyond := tf.abs(z) > tau):
        draw += 1 # another seed: the same one would draw the same numbers
        z = tf.where(beyond, stateless_normal(z.shape, step_seed(seed, -1, draw)), z)
    return z

check_truncated(truncated)


# %% [markdown]
# ### 3. The company a latent is in
#
# In the middle of training you want to look at samples, and there are more latents than fit into one batch. Write
# `sample(G, z, batch)`: the images of all `z`, computed at most `batch` at a time. A latent gives the same image
# whatever the others are, and training goes on afterwards as if nobody had looked.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def sample(G, z, batch):
    return tf.concat([G(z[i:i + batch], training=False) for i in range(0, len(z), batch)], 0)

check_sample(sample)

# %% [markdown]
# ## What to remember
#
# - Weights come from strangers. `.weights.h5` and `.keras` with `safe_mode=True` hold no code that runs.
# - Sample with `training=False`: then the same latent gives the same image, alone or among others.
# - Truncation trades variety for quality; walk on the arc, not on the line.
#
# **What goes wrong, and how to see it.**
#
# - *Samples change with the size of the batch*: `training=True` somewhere.
# - *All samples look good and alike*: a forgotten truncation, or a [collapsed](../about/glossary.ipynb#gl-mode-collapse) generator. Draw without truncation; if they
#   are still alike, the generator collapsed.
# - *`load_weights` says that shapes differ*: the width or the way of [upsampling](../about/glossary.ipynb#gl-upsampling) is another one; ours stand in the file.
# - *Keras cannot find a class when it opens a `.keras` file*: the network has layers of one's own. That is why ours is
#   made of Keras's.
#
# **References.** Brock, Donahue and Simonyan [-@brock2018biggan], *Large scale GAN training for high fidelity natural image synthesis*,
# section 3.1 (truncation). Shoemake [-@shoemake1985quaternion], *Animating rotation with quaternion curves* (slerp). White [-@white2016sampling], *Sampling
# generative networks* (slerp between latents). Keras's guide to
# [saving](https://keras.io/guides/serialization_and_saving/), on `safe_mode`.
