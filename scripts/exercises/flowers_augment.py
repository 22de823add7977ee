# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: augmentation that does not leak (flowers)
#
# > What accepts or rejects an answer to the exercises of Augmentation that does not leak
#
# - skip_showdoc: true
# - order: 101

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_augment.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_augment.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_augment.ipynb) · [API](../about/api.ipynb#exercises-flowers_augment)

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
# The exercises stand in [the lesson](../flowers/augment.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_augment

# %%
#| exports
import gan_course.flowers.config # first: it chooses Keras's backend

import numpy as np
import tensorflow as tf

from gan_course.flowers.augment import uniform

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. On both sides
#
# The check hands over a change that adds a number of its own to each image. The numbers can be read off what is returned.

# %%
#| exports
# (real images, generated images, change(images, seed), iteration) -> a pair of images
def check_both(both):
    """Whether `both` changes both kinds of images, by draws that occur once in a run and that the
    iteration determines."""
    x, fake = tf.fill((4, 2, 2, 3), -2.0), tf.fill((4, 2, 2, 3), 2.0)
    def change(images, seed):
        numbers = tf.convert_to_tensor(seed)
        assert numbers.shape == (2,) and numbers.dtype.is_integer, (
            f"a seed is two integers, as in [i, 0], and `change` got {seed}")
        return images + uniform(images, seed, 0.1, 1.0, 0)
    def ask(i):
        with tf.GradientTape() as tape:
            tape.watch(fake)
            found = both(x, fake, change, i)
            assert isinstance(found, (tuple, list)) and len(found) == 2, (
                "a pair is wanted: the real images and the generated ones")
            for images in found:
                assert np.shape(images) == x.shape, (
                    f"of {list(x.shape)} became {list(np.shape(images))}")
            total = tf.reduce_sum(found[1])
        return [found[0] - x, found[1] - fake], tape.gradient(total, fake)
    def same(a, b): return np.allclose(a, b, atol=1e-5)
    (real, generated), slope = ask(3)
    assert not (same(real - 4, generated + 4) or np.mean(real) > 2), (
        "the pair is the wrong way round: the real images come first")
    assert np.any(real) or not np.any(generated), (
        "the real images are unchanged: the discriminator knows them by that")
    assert np.any(generated), (
        "the generated images are unchanged: the change of the real ones leaks into what "
        "the generator learns")
    assert slope is not None and np.any(slope), (
        "no gradient comes back to the generated images, and the generator learns by it")
    assert same(ask(3)[0], [real, generated]), (
        "the same iteration draws other numbers when it is run again: its seeds "
        "may depend on i only")
    assert not same(real, generated), (
        "real and generated images got the same draws: each kind needs a seed of its own")
    drawn = {(i, kind): draws for i in (*range(6), 10**6)
             for kind, draws in zip(("real", "generated"), ask(i)[0])}
    for kind in ("real", "generated"):
        assert not same(drawn[3, kind], drawn[4, kind]), (
            f"the {kind} images get the same draws in every iteration: the seed has to depend on i")
    places = list(drawn)
    for n, a in enumerate(places):
        for b in places[:n]:
            assert not same(drawn[a], drawn[b]), (
                f"the {a[1]} images of iteration {a[0]} get the draws of the {b[1]} ones of {b[0]}")
    print("correct: each kind of images, in each iteration, by draws of its own")


# %%
def good_both(x, fake, change, i):
    return change(x, [i, 0]), change(fake, [i, 1])

def seeded(real, generated):
    return lambda x, fake, change, i: (change(x, real(i)), change(fake, generated(i)))

check_both(good_both)
assert rejects(check_both, seeded(lambda i: [i, 0], lambda i: [i, 0]), "a seed of its own")
assert rejects(check_both, seeded(lambda i: [0, 0], lambda i: [0, 1]), "in every iteration")
assert rejects(check_both, seeded(lambda i: [i, i], lambda i: [i + 1, i + 1]), "the draws of the")
assert rejects(check_both, lambda x, fake, change, i: (change(x, [i, 0]), fake), "leaks")
assert rejects(check_both,
               lambda x, fake, change, i: (change(x, [i, 0]),
                                           tf.stop_gradient(change(fake, [i, 1]))), "no gradient")
assert rejects(check_both, lambda x, fake, change, i: (change(x, i), change(fake, i + 1)),
               "two integers")


# %% [markdown]
# ## 2. A fifth change
#
# Noise on grey images is easy to measure. Whether 512 deviations were drawn evenly is told by the largest distance between
# the share of them that lies below a number and the share that ought to (Kolmogorov and Smirnov). By chance it exceeds
# 0.1 once in ten thousand times.

# %%
#| exports
def check_noise(noise): # (images, seed, most=0.2) -> images
    """Whether `noise` adds normal noise, of a deviation of its own for each image, from the seed
    alone, and lets the gradient pass."""
    grey, bright = tf.zeros((512, 16, 16, 3)), tf.fill((512, 16, 16, 3), 0.95)
    def ask(seed=(7, 0), x=grey, **how):
        found = np.asarray(noise(x, list(seed), **how))
        assert found.shape == x.shape, f"images of {list(x.shape)} became {list(found.shape)}"
        return found - x.numpy()
    def spread(added): return added.std((1, 2, 3))
    added, other = ask(), ask((7, 1))
    assert added.any(), "nothing was added to grey images: noise is added, whatever the image is"
    assert np.array_equal(added, ask()), (
        "the same seed gave other noise: take the stateless functions, and hand the seed on")
    assert not np.array_equal(added, other), "another seed gave the same noise: use all of the seed"
    deviation = spread(added)
    assert deviation.max() > 1e-4, (
        "within an image every pixel got the same number: draw one for each")
    assert abs(added.mean()) < 0.01, (
        f"the images became brighter or darker by {added.mean():.3f}: the mean of the noise is 0")
    unit = added / np.maximum(deviation, 1e-6)[:, None, None, None]
    assert abs(np.mean(unit[:9] * unit[1:10])) < 0.2, (
        "every image got the same noise, stronger or weaker: draw it for the whole batch")
    means = deviation.mean(), spread(other).mean()
    alone = np.ptp(deviation) > 0.3 * means[0]
    assert alone or np.abs(np.subtract(means, 0.2)).max() > 0.01, (
        "the deviation is always `most`: draw it, between 0 and `most`")
    assert alone, "the whole batch has one deviation: draw one for each image, [B, 1, 1, 1]"
    assert np.mean(np.abs(unit) > 2) > 0.03, (
        "noise never reaches twice its deviation, and normal noise does in one case of "
        "22: it is not normal")
    def distance(values, most): # from evenly drawn ones
        return np.abs(np.sort(values) / most - np.linspace(0, 1, len(values))).max()
    assert distance(deviation, 0.2) < 0.1, (
        f"the deviations lie between {deviation.min():.2f} and {deviation.max():.2f}, mean "
        f"{means[0]:.2f}: not evenly in 0 to 0.2")
    assert distance(spread(ask(most=0.4)), 0.4) < 0.1, (
        "with most=0.4 the deviations do not reach 0.4: it is an argument")
    reused = np.corrcoef(deviation[1::2], unit.ravel()[:512:2])[0, 1]
    assert abs(reused) < 0.4, (
        "the deviations were drawn from the numbers that also make the noise: fold a number of "
        "its own into each seed")
    assert np.abs(ask(x=bright) - added).max() < 1e-5, (
        "bright images got other noise than grey ones: add it, and clip nothing")
    with tf.GradientTape() as tape:
        tape.watch(bright)
        total = tf.reduce_sum(noise(bright, [7, 0]))
    slope = tape.gradient(total, bright)
    assert slope is not None, (
        "no gradient comes back to the images: it was stopped, or they went through NumPy")
    assert np.allclose(slope, 1), (
        "the gradient that comes back is not the one that arrived: x + noise lets "
        "it through as it is")
    print("correct: to each image its own noise, and the gradient as it is")


# %%
def good_noise(x, seed, most=0.2):
    deviation = uniform(x, seed, 0.0, most, 8)
    another = tf.random.experimental.stateless_fold_in(seed, 9)
    return x + deviation * tf.random.stateless_normal(tf.shape(x), another, alg="philox")

def folded(seed): return tf.random.experimental.stateless_fold_in(seed, 9)
def normal(x, seed): return tf.random.stateless_normal(tf.shape(x), folded(seed), alg="philox")
def own(x, seed, most): return uniform(x, seed, 0.0, most, 8)

def noisy(deviation=own, normal=normal, image=lambda x: x):
    return lambda x, seed, most=0.2: image(x) + deviation(x, seed, most) * normal(x, seed)

check_noise(good_noise)
assert rejects(check_noise, noisy(lambda x, seed, most: uniform(x[:1], seed, 0.0, most, 8)),
               "the whole batch has one")
assert rejects(check_noise, noisy(lambda x, seed, most: most), "always `most`")
assert rejects(check_noise, noisy(normal=lambda x, seed: tf.random.normal(tf.shape(x))),
               "the stateless functions")
assert rejects(check_noise, noisy(normal=lambda x, seed: normal(x[:1], seed)),
               "every image got the same noise")
assert rejects(check_noise, noisy(image=tf.stop_gradient), "it was stopped")
assert rejects(check_noise,
               lambda x, seed, most=0.2: tf.clip_by_value(good_noise(x, seed, most), -1, 1),
               "clip nothing")
