# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Noise, pictures, and a generator from its weights
#
# > Four helpers for whoever wants to look at what was trained
#
# - skip_showdoc: true
# - order: 50

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/utils.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/utils.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/utils.ipynb) · [API](../about/api.ipynb#flowers-utils)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[flowers]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** draw from a trained generator in one line, walk between two flowers, and find the training photograph that a sample most resembles.
#
# **You need** [Networks](networks.ipynb). **It takes** a quarter of an hour.

# %%
#| default_exp flowers.utils

# %%
#| exports
# first: it chooses Keras's backend
from gan_course.flowers.config import CONFIG, Config, artifact_paths, select_device

from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan_course import figures, keras_files, metrics
from gan_course.basics import CourseError
from gan_course.evaluate import shrunk
from gan_course.flowers.networks import create_generator

# %%
import tempfile

from gan_course.flowers.dataset import load_images


# %% [markdown]
# ## Noise
#
# The [generator's](../about/glossary.ipynb#gl-generator) raw material is a vector of normal numbers. All randomness of this chapter is *[stateless](../about/glossary.ipynb#gl-stateless)*: a number is a function of a [seed](../about/glossary.ipynb#gl-seed) and of its place. Two calls with one seed give the same, on every device, and no
# call disturbs another; without a seed you get something new each time.

# %%
#| exports
def generate_noise(num, # how many
                   num_latent_inputs=CONFIG.num_latent_inputs, # length of each
                   seed=None, # of these; None: new ones at each call
    ): # float32 [num, num_latent_inputs]
    "Standard normal latents."
    if seed is None: seed = int(np.random.SeedSequence().generate_state(1)[0])
    pair = tf.constant([seed // 2**31, seed % 2**31], tf.int64)
    return tf.random.stateless_normal((num, num_latent_inputs), pair, alg="philox")


# %%
z = generate_noise(1000, seed=3)
print(z.shape, f"mean {tf.reduce_mean(z):+.3f}, deviation {tf.math.reduce_std(z):.3f}")

# %%
assert (np.array_equal(z, generate_noise(1000, seed=3))
        and not np.array_equal(z, generate_noise(1000, seed=4)))
assert not np.array_equal(generate_noise(2), generate_noise(2))
assert np.array_equal(z[:10], generate_noise(10, seed=3)), "the first of many"


# %% [markdown]
# ## Pictures
#
# `generate_images` asks the generator in [evaluation mode](../about/glossary.ipynb#gl-evaluation-mode), in parts, and rounds to bytes. **Think first:** why does evaluation mode matter so much here? With [batch](../about/glossary.ipynb#gl-batch) statistics a sample would depend on
# its neighbours: alone in its batch, it would be grey.

# %%
#| exports
def generate_images(generator, # a `keras.Model`
                    noise, # float [N, num_latent_inputs], or how many images
                    seed=0, # of the noise, if it is a number
    ): # uint8 [N, H, W, C]
    "What becomes of latents, in evaluation mode."
    z = generate_noise(noise, generator.input_shape[-1], seed) if isinstance(noise, int) else noise
    parts = []
    for at in range(0, len(z), 200):
        x = tf.round((generator(z[at:at + 200], training=False) + 1) * 127.5)
        parts.append(tf.cast(tf.clip_by_value(x, 0, 255), tf.uint8).numpy())
    return np.concatenate(parts)

def plot_images(images, # uint8, or float in [-1, 1]; [N, H, W, C]
                title=None, caption=None, columns=None,
                path=None, # PNG to write, too
    ): # a figure
    "A grid, each pixel enlarged by the same whole number."
    if path is not None: figures.save_grid(images, path, columns, title, caption)
    return figures.image_grid(images, columns, title, caption)


# %%
G = create_generator(CONFIG.replace(num_filters=8))
drawn = generate_images(G, 6, seed=1)

# %%
#| label: fig-untrained
#| fig-cap: "Six images of a generator that has learnt nothing."
#| fig-alt: "Six grey squares with faint, regular specks."
plot_images(drawn, columns=6, caption="untrained, seed 1")

# %%
assert drawn.shape == (6, 64, 64, 3) and drawn.dtype == np.uint8
alone = generate_images(G, generate_noise(6, seed=1)[2:3])
assert np.abs(alone[0].astype(int) - drawn[2]).max() <= 1, (
    "a sample does not depend on its neighbours")

# %% [markdown]
# ## From a file of weights
#
# A run keeps the generator's weights, and with them what is needed to build the network again: its configuration, and which data it has seen. One call does all of it:

# %%
#| exports
TRACK = "flowers"
load_file = partial(keras_files.load_file, track=TRACK)

def load_generator(path, # a run folder, or a `.weights.h5` or `.keras` file in one
                   best=False, # the best so far instead of the last
    ): # generator, its `Config`, and a dictionary that describes its data
    "A trained generator. Raises `CourseError` for anything that is not one."
    return keras_files.open_generator(path, TRACK, Config, artifact_paths, create_generator, best)

def generate_image_from_weights(path, # of a run folder or a file of weights
                                seed=0, # of the latent
    ): # uint8 [H, W, C]
    "One image of a trained generator."
    return generate_images(load_generator(path)[0], 1, seed)[0]

def generate_samples(# a `Config`, or the path of a run folder or a file of weights
                     config: Config | str | Path = CONFIG,
                     num_images: int = 36, # how many
                     # PNG of the grid; None: gan_samples.png in the run folder
                     output_path: str | Path | None = None,
                     seed: int = 0, # of the latents
                     # no component of a latent exceeds this; None: no limit
                     truncation: float | None = None,
                     best: bool = False, # the best generator so far instead of the last
                     device: str = "auto", # where to compute
    ) -> np.ndarray: # uint8 [num_images, H, W, C]
    "Draw images from a trained generator, and write them as a grid."
    run = Path(config.out if isinstance(config, Config) else config)
    if not 1 <= num_images <= 100_000:
        raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
    if truncation is not None and not 0 < truncation < float("inf"):
        raise CourseError(f"truncation is {truncation}; give a number above 0, "
                          "such as 1.0, or none")
    with tf.device(select_device(device)):
        G, trained, data = load_generator(run, best)
        z = generate_noise(num_images, trained.num_latent_inputs, seed)
        if truncation is not None: z = truncated(z, truncation)
        images = generate_images(G, z)
    output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
    note = (f"flowers on {data['name']}, {trained.epochs} epoch{'s' * (trained.epochs > 1)}, seed "
            f"{seed}")
    if truncation is not None: note += f", truncated at {truncation:g}"
    figures.save_grid(images[:400], output_path, caption=note)
    return images

def truncated(z, limit):
    """Normal numbers, pressed by their ranks into a normal distribution without tails (Brock et al.
    2018, section 3.1)."""
    phi = 0.5 * (1 + tf.math.erf(tf.cast(z, tf.float64) / 2**0.5))
    low = 0.5 * (1 + tf.math.erf(tf.constant(-limit / 2**0.5, tf.float64)))
    u = low + phi * (1 - 2 * low)
    return tf.cast(tf.clip_by_value(tf.math.erfinv(2 * u - 1) * 2**0.5, -limit, limit), tf.float32)


# %%
with tempfile.TemporaryDirectory() as folder:
    path = keras_files.save_weights(Path(folder)/"generator.weights.h5", G, TRACK,
                                    config=CONFIG.replace(num_filters=8).to_dict(),
                                    data=dict(name="none"))
    again = generate_image_from_weights(path, seed=1)
    tame = generate_samples(path, 9, Path(folder)/"nine.png", truncation=0.7)
print(again.shape, tame.shape)

# %%
assert np.array_equal(again, generate_images(G, 1, seed=1)[0])
z = generate_noise(5000, seed=1)
assert (float(tf.reduce_max(tf.abs(truncated(z, 0.7)))) <= 0.7
        and np.abs(truncated(z, 50.0) - z).max() < 1e-3)
for wrong in (lambda: load_generator("nowhere"), lambda: generate_samples("nowhere", 0),
              lambda: generate_samples("nowhere", truncation=-1.0)):
    try: wrong()
    except CourseError as error: print(error)
    else: raise AssertionError("something was drawn from nothing")


# %% [markdown]
# ## Copied or made?
#
# The first suspicion against a generator trained on few images: it repeats them. So each sample is shown beside its nearest training photograph. Nearest how? Pixel by pixel, two photographs of one daisy that is a few pixels further
# left are far apart; on small blurred copies they are near. We compare copies of 16 × 16, and mirrored ones too, since the generator may mirror.

# %%
#| exports
def nearest(samples, # uint8 [N, H, W, C]
            images, # uint8 [M, H, W, C]
    ): # index [N] of the nearest image; distance [N]: root mean square of the difference, 0 to 2
    """The image that resembles each sample most, or its mirror image, on copies of at most 1,024
    values."""
    a = shrunk(samples).reshape(len(samples), -1)
    best, at = np.full(len(a), np.inf), np.zeros(len(a), int)
    for turned in (images, images[:, :, ::-1]):
        b = shrunk(turned).reshape(len(images), -1)
        squared, index = metrics.nearest(a, b)
        closer = squared < best
        at[closer], best[closer] = index[closer], squared[closer]
    return at, np.sqrt(best / a.shape[1])


# %%
few = load_images(CONFIG.replace(limit=300))
at, far = nearest(few.images[:5, :, ::-1], few.images)
assert at.tolist() == [0, 1, 2, 3, 4] and far.max() < 1e-6, "a mirrored copy is a copy"
held = load_images(CONFIG.replace(limit=100), "test")
at, far = nearest(held.images, few.images)
print(f"held-out images are {np.median(far):.2f} from the nearest of {len(few)} "
      "training images (median)")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_utils import check_copies, check_walk


# %% [markdown]
# ### 1. A walk between two flowers
#
# Write `walk(a, b, steps)`: `steps` [latents](../about/glossary.ipynb#gl-latent) from `a` to `b`, both included, as an array [steps, dim]. Normal latents of 100 numbers all lie near a sphere of radius 10, and the straight line between two of them passes
# through a region the generator has never seen. Go round: with $\omega$ the angle between $a$ and $b$, the point at $t$ is $\frac{\sin((1-t)\omega)}{\sin\omega}a + \frac{\sin(t\omega)}{\sin\omega}b$.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def walk(a, b, steps):
    a, b, t = np.asarray(a), np.asarray(b), np.linspace(0, 1, steps)[:, None]
    omega = np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))
    if np.sin(omega) < 1e-6: return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)

check_walk(walk)


# %% [markdown]
# ### 2. How many are copies?
#
# Distances alone say little: near compared with what? [Held-out](../about/glossary.ipynb#gl-held-out) photographs show how near a *new* picture comes by chance. Write `copies(sample_distances, held_out_distances)`: the share of samples that are nearer to the
# training set than all but the nearest hundredth of the held-out photographs.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def copies(sample_distances, held_out_distances):
    return float(np.mean(np.asarray(sample_distances) < np.quantile(held_out_distances, 0.01)))

check_copies(copies)

# %% [markdown]
# ## What to remember
#
# - A seed and a place determine each random number; no call changes what another draws.
# - Draw in evaluation mode, or a sample depends on its neighbours.
# - A file of weights carries its configuration; nobody has to remember how wide the network was.
# - Show the nearest training image beside a sample, and compare its distance with that of held-out images.
#
# **What goes wrong in practice, and how you see it.**
#
# - *A single image is grey, a batch of the same is fine*: training mode.
# - *"Layer count mismatch"*: the weights were loaded into a network of another width. Build it from the file.
# - *The [nearest neighbours](../about/glossary.ipynb#gl-nearest-neighbour) look nothing like the samples*: the distance compares backgrounds. Use smaller copies, or [features](../about/glossary.ipynb#gl-features) of a network.
#
# **References.** Brock, Donahue and Simonyan [-@brock2018biggan], *Large scale GAN training for high fidelity natural image synthesis*. White [-@white2016sampling], *Sampling generative networks* (walks on the sphere).
