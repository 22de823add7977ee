# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Augmentation that does not leak
#
# > DiffAugment: change what the discriminator sees, real and generated alike, and let the gradient through
#
# - skip_showdoc: true
# - order: 49

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/augment.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/augment.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/augment.ipynb) · [API](../about/api.ipynb#flowers-augment)

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
# **You will be able to** say why augmentation that helps every classifier spoils a generator, and write the form that does
# not.
#
# **You need** [Photographs](dataset.ipynb). **It takes** a quarter of an hour.

# %%
#| default_exp flowers.augment

# %%
#| exports
from gan_course.flowers.config import CONFIG, POLICIES # first: it chooses Keras's backend

import tensorflow as tf

# %%
import numpy as np

from gan_course.datasets import to_float
from gan_course.figures import image_grid
from gan_course.flowers.dataset import load_images


# %% [markdown]
# With 3,272 photographs a [discriminator](../about/glossary.ipynb#gl-discriminator) can learn each of them [by heart](../about/glossary.ipynb#gl-memorising). Then it knows a real image not by what flowers
# look like but by having seen it, and its gradient teaches the [generator](../about/glossary.ipynb#gl-generator) nothing. A classifier in this situation is shown
# changed copies. **Think first:** why can we not do just that?
#
# Because the generator imitates whatever the discriminator takes for real. Show it photographs that are tinted, and tinted
# ones will come out: the [augmentation](../about/glossary.ipynb#gl-augmentation) *[leaks](../about/glossary.ipynb#gl-leak)*. [The data lesson](dataset.ipynb) shows it for `augment_data`.
#
# Zhao et al. [-@zhao2020diffaugment] found the way out: change the real *and the generated* images, in the same way, and only in front of the
# discriminator. It compares tinted photographs with tinted samples, and a generator that makes untinted ones is not caught. For
# the generator's gradient to pass, the change has to be differentiable:
#
# $$L_D = f(-D(T(x))) + f(D(T(G(z)))), \qquad L_G = f(-D(T(G(z)))), \qquad f = \text{softplus}.$$
#
# ## Four changes
#
# Each takes images in $[-1, 1]$ and a [seed](../about/glossary.ipynb#gl-seed), and draws for each image anew. `mirror` turns half of them left to right. `colour`
# shifts the brightness by up to half of the range to white, multiplies the saturation by 0 to 2, and the contrast by 0.5 to 1.5.

# %%
#| exports
def uniform(x, seed, low, high, draw): # `draw`: which of the draws of this seed
    "One number for each image, [B, 1, 1, 1]."
    seed = tf.random.experimental.stateless_fold_in(seed, draw)
    return tf.random.stateless_uniform((tf.shape(x)[0], 1, 1, 1), seed, low, high, alg="philox")

def mirror(x, seed): # float [B, H, W, C] in [-1, 1]; int64 [2]
    "Half of the images left to right."
    return tf.where(uniform(x, seed, 0.0, 1.0, 0) < 0.5, tf.reverse(x, axis=[2]), x)

def colour(x, seed):
    "Brightness, saturation and contrast (Zhao et al. 2020, section 4)."
    x = x + uniform(x, seed, -0.5, 0.5, 1)
    grey = tf.reduce_mean(x, axis=3, keepdims=True)
    x = (x - grey) * uniform(x, seed, 0.0, 2.0, 2) + grey
    mean = tf.reduce_mean(x, axis=(1, 2, 3), keepdims=True)
    return (x - mean) * uniform(x, seed, 0.5, 1.5, 3) + mean


# %% [markdown]
# `translation` moves the image by up to an eighth, and what comes in from outside is 0, a middle grey. `cutout` puts a
# grey square of half the side somewhere over it. To move rows is to multiply with a matrix that has a single 1 in each row; a
# row that comes from outside has none. So both are products, and products have gradients everywhere.

# %%
#| exports
def shifted(size, by): # by: integer [B]
    "Matrices [B, size, size]; times an image each moves its rows by so many pixels."
    return tf.one_hot(tf.range(size)[None] + by[:, None], size)

def translation(x, seed, ratio=0.125):
    "Moved by up to `ratio` of the side; grey comes in."
    def by(size, draw):
        return tf.cast(tf.round(uniform(x, seed, -ratio, ratio, draw)[:, 0, 0, 0] * size), tf.int32)
    h, w = x.shape[1], x.shape[2]
    x = tf.einsum("bij,bjwc->biwc", shifted(h, by(h, 4)), x)
    return tf.einsum("bij,bhjc->bhic", shifted(w, by(w, 5)), x)

def cutout(x, seed, ratio=0.5):
    "A grey square, `ratio` of the side, somewhere; it may stick out."
    def inside(size, draw):
        centre = tf.floor(uniform(x, seed, 0.0, 1.0, draw)[:, 0, 0, 0] * (size + 1))
        return (tf.abs(tf.range(size, dtype=tf.float32)[None] + 0.5 - centre[:, None]) < ratio
                * size / 2)
    hole = inside(x.shape[1], 6)[:, :, None] & inside(x.shape[2], 7)[:, None, :]
    return tf.where(hole[..., None], 0.0, x)

CHANGES = dict(mirror=mirror, colour=colour, translation=translation, cutout=cutout)
assert tuple(CHANGES) == POLICIES

def diff_augment(x, # float [B, H, W, C] in [-1, 1]; what is returned can lie outside
                 policy, # names out of `CHANGES`, or a text with commas between
                 seed, # int [2], of this step and this kind of images
    ): # float [B, H, W, C]
    """Zhao et al. 2020, `DiffAugment`: each image changed by numbers of its own. Differentiable in
    `x`."""
    names = [name.strip() for name in policy.split(",")] if isinstance(policy, str) else policy
    for name in names: x = CHANGES[name](x, seed)
    return x


# %%
dataset = load_images(CONFIG.replace(limit=64))
x = tf.constant(to_float(dataset.images[:6]))
rows = [x] + [diff_augment(x, name, [7, 0]) for name in (*POLICIES, "mirror,colour,translation")]
shown = np.concatenate([tf.clip_by_value(row, -1, 1) for row in rows])

# %%
#| label: fig-changes
#| fig-cap: "Six images; each of the four changes; and three of them together."
#| fig-alt: "Six rows of six small flower pictures. The first row is unchanged. In the second some are mirrored. In the third they are darker, paler, greyer or gaudier. In the fourth they are moved, with a grey strip at one or two sides. In the fifth a grey square covers a quarter. In the sixth mirroring, colours and shifts come together."
image_grid(shown, columns=6, scale=1,
           caption=f"{dataset.name}: as they are; {'; '.join(POLICIES)}; the first three together")

# %% [markdown]
# Four properties are worth a test. The same seed draws the same; each image gets numbers of its own; what happens to an image
# does not depend on the others; and the gradient passes. For the last one, note that the gradient of a mirrored image is mirrored *back*.

# %%
again = diff_augment(x, POLICIES, [7, 0])
assert np.array_equal(again, diff_augment(x, "mirror, colour, translation, cutout", [7, 0]))
assert not np.allclose(again, diff_augment(x, POLICIES, [7, 1]))
same = tf.repeat(x[:1], 64, axis=0)
for name in POLICIES:
    kinds = len({image.tobytes() for image in diff_augment(same, name, [0, 0]).numpy()})
    assert kinds == 2 if name == "mirror" else kinds > 30, (
        f"{name}: {kinds} different results of 64")

# %%
with tf.GradientTape() as tape:
    tape.watch(x)
    left = tf.reduce_sum(diff_augment(x, "mirror", [7, 0])[:, :, :10])
slope = tape.gradient(left, x).numpy()
at = [("left" if s[0, 0, 0] else "right") for s in slope]
print("the gradient arrives at the side:", at)
assert {"left", "right"} == set(at) and np.all(slope.sum((1, 2, 3)) == 10 * x.shape[1] * 3)


# %% [markdown]
# ## How often is it the identity?
#
# That leaks are prevented has a condition [@karras2020ada]: the distribution of *changed* images must tell which
# distribution was changed. Take `mirror` with probability one half: a generator that makes all flowers mirrored is changed
# into the same distribution as one that makes none mirrored. So mirroring always leaks, and we allow it, because a
# mirrored flower is a flower. Contrast or brightness do not leak: a generator that is too dark stays too dark on average.
# **Predict:** which of the four leaks if it is applied always, at its *greatest* strength only?

# %%
def brightness(x): return float(tf.reduce_mean(x))

dark = x - 0.3
for name, images in (("as they are", x), ("darker", dark)):
    seen = [brightness(diff_augment(tf.repeat(images, 50, axis=0), "colour", [i, 0]))
            for i in range(4)]
    print(f"{name:12} brightness {brightness(images):+.2f}, as the discriminator sees it "
          f"{np.mean(seen):+.2f}")

# %%
assert abs(np.mean(seen) - brightness(dark)) < 0.05

# %% [markdown]
# A generator that is too dark by 0.3 looks too dark by 0.3 through the augmentation: it is found out. If every image were
# brightened to white, it would not be.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_augment import check_both, check_noise


# %% [markdown]
# ### 1. On both sides
#
# Write `both(x, fake, change, i)`: what the discriminator is shown in iteration `i`, as a pair. `change(images, seed)` is a
# change with a seed of two numbers. Real and generated images must be changed by different draws, and every iteration by
# new ones.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def both(x, fake, change, i):
    return change(x, [i, 0]), change(fake, [i, 1])

check_both(both)


# %% [markdown]
# ### 2. A fifth change
#
# Write `noise(x, seed, most=0.2)`: to each image add normal noise with a deviation of its own, drawn evenly from 0 to `most`.
# Two draws need two seeds: fold two numbers in.
# The result must depend on nothing but `x` and the seed, and let the gradient pass.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def noise(x, seed, most=0.2):
    deviation = uniform(x, seed, 0.0, most, 8)
    another = tf.random.experimental.stateless_fold_in(seed, 9)
    return x + deviation * tf.random.stateless_normal(tf.shape(x), another, alg="philox")

check_noise(noise)

# %% [markdown]
# ## What to remember
#
# - What changes only the real images teaches the generator the change.
# - What changes real and generated images alike, in front of the discriminator, teaches it nothing of the kind, provided that
#   changed images still tell what was changed.
# - The gradient goes back through the change. So it is written with sums, products and choices.
#
# **What goes wrong in practice, and how you see it.**
#
# - *Samples with grey borders*: translation of the real images only, or of the generated ones after the gradient was stopped.
# - *Samples mirrored or tinted as the data never are*: the change leaks. Look at the statistics of samples, not only at samples.
# - *The generator learns nothing at all*: the augmented images went through NumPy, or through a rounding, on the way to the discriminator.
# - *Training takes many more [epochs](../about/glossary.ipynb#gl-epoch)*: the policy is too strong for the time there is. The [lab](gan_flowers.ipynb) has such a case, with numbers.
#
# **References.** Zhao, Liu, Lin, Zhu and Han [-@zhao2020diffaugment], *Differentiable augmentation for data-efficient GAN training* (eq. 3 and 4;
# the three changes). Karras et al. [-@karras2020ada], *Training generative adversarial networks with limited data* (when augmentation
# leaks). Zhao et al. [-@zhao2020image], *Image augmentations for GAN training*.
