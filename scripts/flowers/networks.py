# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Networks for photographs
#
# > A generator that begins with a projection, a discriminator that may be half blind, and a loss that may lie
#
# - skip_showdoc: true
# - order: 48

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/networks.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/networks.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/networks.ipynb) · [API](../about/api.ipynb#flowers-networks)

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
# **You will be able to** build both networks for any size from a few numbers, say why a window of 4 draws smoother than a
# window of 5, and compute all four numbers that are watched in TensorBoard.
#
# **You need** [Configuration](config.ipynb). **It takes** twenty minutes.

# %%
#| default_exp flowers.networks

# %%
#| exports
from gan_course.flowers.config import CONFIG # first: it chooses Keras's backend

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# %%
from gan_course.datasets import to_float
from gan_course.figures import image_grid
from gan_course.flowers.dataset import load_images


# %% [markdown]
# ## The generator
#
# The [latents](../about/glossary.ipynb#gl-latent) are *projected*: a matrix makes a stack of small feature maps of them. Then [transposed convolutions](../about/glossary.ipynb#gl-transposed-convolution) double
# the size until there is a picture. For a picture of 64 pixels from maps of 4:
#
# | layer | output |
# |---|---|
# | latents | 100 |
# | project and reshape, [BatchNorm](../about/glossary.ipynb#gl-batchnorm), [LeakyReLU](../about/glossary.ipynb#gl-leakyrelu) | 4 × 4 × 256 |
# | transposed convolution, BatchNorm, LeakyReLU | 8 × 8 × 128 |
# | transposed convolution, BatchNorm, LeakyReLU | 16 × 16 × 64 |
# | transposed convolution, BatchNorm, LeakyReLU | 32 × 32 × 32 |
# | transposed convolution, tanh | 64 × 64 × 3 |
#
# A transposed convolution with stride 2 lays its window down at every second pixel and adds up where windows overlap. How
# many windows lie on a pixel? Take a window of ones. **Predict** the pattern for windows of 4, and of 5.

# %%
# NBVAL_CHECK_OUTPUT
def overlaps(window, n=6):
    ones = tf.ones((window, window, 1, 1))
    out = tf.nn.conv2d_transpose(tf.ones((1, n, n, 1)), ones, (1, 2 * n, 2 * n, 1), 2, "SAME")
    return out.numpy()[0, n, :, 0].astype(int).tolist()

for window in (4, 5): print(window, overlaps(window))


# %% [markdown]
# With 4 every pixel inside gets equally many. With 5, every second one gets half as much again: a [checkerboard](../about/glossary.ipynb#gl-checkerboard), which the weights
# have to work against [@odena2016checkerboard]. And 16 weights are cheaper than 25. So it should be 4.
#
# Then it was measured (`bench/tuning.md`), at equal images seen, one [seed](../about/glossary.ipynb#gl-seed) each, as [Fréchet distance](../about/glossary.ipynb#gl-frechet) with windows of 5 against 4: at 32 × 32 17.1
# against 20.0; at 64 × 64 with mirroring 12.0 against 18.5, with mirroring and translation 22.8 against 19.9. So 5 are better twice
# and worse once, for a quarter less speed. That decides nothing, and least of all that 4 is better. The [lab](gan_flowers.ipynb)'s run
# has `filter_size=5`; look for dots in its samples. The weights have learnt to even out what the overlap begins with. A rule
# of thumb is a reason to measure, and not a measurement.
#
# The weights begin as in the [DCGAN](../about/glossary.ipynb#gl-dcgan) paper, normal with a deviation of 0.02, each layer with a seed of its own.

# %%
#| exports
def seeds_of(seed, what, num): # of a run; a number that tells the networks apart; how many
    "Seeds for layers, each of its own, that depend on nothing but these numbers."
    return np.random.SeedSequence([seed, what]).generate_state(num).tolist()

# Radford et al. 2015, section 4
def initial(seed): return keras.initializers.RandomNormal(0.0, 0.02, seed=seed)

def create_generator(config=CONFIG, # a `Config`
                     channels=3, # of the image
    ): # a `keras.Model`
    "Latents [B, num_latent_inputs] -> image [B, input_size, input_size, channels] in [-1, 1]."
    c, size, doublings = (config, config.projection_size,
                          (config.input_size // config.projection_size).bit_length() - 1)
    seeds = seeds_of(c.seed, 0, doublings + 1)
    def normed(x, i):
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"norm_{i}")(x)
        return layers.LeakyReLU(c.scale, name=f"relu_{i}")(x)
    width = c.num_filters * 2 ** (doublings - 1)
    z = keras.Input((c.num_latent_inputs,), name="z")
    x = layers.Dense(size * size * width, use_bias=False, kernel_initializer=initial(seeds[0]),
                     name="project")(z)
    x = normed(layers.Reshape((size, size, width), name="unflatten")(x), 0)
    for i in range(1, doublings):
        width //= 2
        x = layers.Conv2DTranspose(width, c.filter_size, 2, padding="same", use_bias=False,
                                   kernel_initializer=initial(seeds[i]),
                                   name=f"up_{i}")(x)
        x = normed(x, i)
    x = layers.Conv2DTranspose(channels, c.filter_size, 2, padding="same",
                               kernel_initializer=initial(seeds[-1]), name="to_image")(x)
    return keras.Model(z, layers.Activation("tanh", name="tanh")(x), name="generator")


# %%
# NBVAL_CHECK_OUTPUT
for size in (32, 64, 128):
    G = create_generator(CONFIG.replace(input_size=size))
    print(size, [layer.output.shape[1:] for layer in G.layers if "relu" in layer.name][0], "->",
          G.output_shape[1:],
          f"{G.count_params():,} parameters")

# %%
G = create_generator()
x = G(tf.random.stateless_normal((5, 100), [0, 0]), training=True)
assert x.shape == (5, 64, 64, 3) and float(tf.reduce_max(tf.abs(x))) <= 1
for a, b in zip(G.trainable_variables, create_generator().trainable_variables):
    assert np.array_equal(a, b), "the same seed, the same weights"


# %% [markdown]
# ## The discriminator
#
# It goes the way back, with strided convolutions, BatchNorm after all but the first, and ends in one number, the [logit](../about/glossary.ipynb#gl-logit): no
# sigmoid, the loss has it. At its very beginning stands a [Dropout](../about/glossary.ipynb#gl-dropout), on the *pixels*. With `dropout_prob` of 0.5 this is what is
# left of a photograph:

# %%
#| exports
def create_discriminator(config=CONFIG, # a `Config`
                         channels=3, # of the image
    ): # a `keras.Model`
    """Image [B, input_size, input_size, channels] -> logit [B]; dropout on the input, strided
    convolutions, BatchNorm."""
    c = config
    halvings = (c.input_size // 4).bit_length() - 1 # until 4 × 4 are left
    *seeds, mask = seeds_of(c.seed, 1, halvings + 2)
    image = x = keras.Input((c.input_size, c.input_size, channels), name="image")
    if c.dropout_prob: x = layers.Dropout(c.dropout_prob, seed=mask % 2**31, name="dropout")(x)
    for i in range(halvings):
        x = layers.Conv2D(c.num_filters * 2**i, c.filter_size, 2, padding="same", use_bias=i == 0,
                          kernel_initializer=initial(seeds[i]),
                          name=f"down_{i}")(x)
        if i: x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"norm_{i}")(x)
        x = layers.LeakyReLU(c.scale, name=f"relu_{i}")(x)
    x = layers.Conv2D(1, 4, kernel_initializer=initial(seeds[-1]), name="to_logit")(x)
    return keras.Model(image, layers.Reshape((), name="logit")(x), name="discriminator")


# %%
# NBVAL_CHECK_OUTPUT
for size in (32, 64, 128):
    D = create_discriminator(CONFIG.replace(input_size=size))
    print(size, [layer.output.shape[1:] for layer in D.layers if "relu" in layer.name][-1], "->",
          D.output_shape,
          f"{D.count_params():,} parameters")

# %%
dataset = load_images(CONFIG.replace(limit=64))
half_blind = create_discriminator(CONFIG.replace(dropout_prob=0.5))
photographs = to_float(dataset.images[:6])
seen = half_blind.get_layer("dropout")(photographs, training=True)

# %%
#| label: fig-dropout
#| fig-cap: "Six images, and what a discriminator with dropout of 0.5 sees of them in one step."
#| fig-alt: "Above six small pictures of flowers. Below the same with coloured noise all over: half of the values are missing, and the others are twice as strong; the shapes can still be made out."
image_grid(np.concatenate([photographs, np.clip(seen, -1, 1)]), columns=6, scale=1,
           caption=f"{dataset.name}; dropout_prob 0.5")

# %% [markdown]
# Each of the three colours of a pixel is kept or put to 0 by itself, and what is kept is doubled. The shapes survive and the
# fine texture does not. So a [discriminator](../about/glossary.ipynb#gl-discriminator) with dropout cannot tell fine noise from texture, and its [generator](../about/glossary.ipynb#gl-generator) need not
# learn the difference. `bench/tuning.md` has the measurements; the default is 0.

# %%
assert half_blind(photographs, training=False).shape == (6,)
kept = float(tf.reduce_mean(tf.cast(seen != 0, tf.float32)))
assert 0.45 < kept < 0.55, f"{kept:.2f} of the pixels are kept"
assert "dropout" not in [layer.name for layer in create_discriminator().layers]

# %% [markdown]
# ## The loss, and its lies
#
# Both networks play for the [non-saturating](../about/glossary.ipynb#gl-non-saturating) loss [@goodfellow2014gan]. In logits $a$, with $\sigma(-a) = 1 - \sigma(a)$:
#
# $$L_D = -\overline{\log\sigma(a_{real})} - \overline{\log\sigma(-a_{fake})}, \qquad L_G = -\overline{\log\sigma(a_{fake})}.$$
#
# And two scores are watched: how real the generated images look, $\overline{\sigma(a_{fake})}$, and how often the discriminator
# is right, $\frac12\overline{\sigma(a_{real})} + \frac12\overline{\sigma(-a_{fake})}$.
#
# A discriminator that is always right has no gradient to give. One old remedy is to *[flip labels](../about/glossary.ipynb#gl-label-flips)*: with a share $p$ of the
# real images it is told that they are generated. What does it then learn, at best, about a real image? That it is real with
# the probability $1 - p$. Its best logit is no longer infinite but $\log\frac{1-p}{p}$. With $p = 0.3$:

# %%
# NBVAL_CHECK_OUTPUT
for p in (0.01, 0.1, 0.3, 0.5):
    print(f"flip_prob {p:4}: logit {np.log((1 - p) / p):5.2f}, D(x) {1 - p:.2f}")


# %%
#| exports
def gan_loss(real_output, # logits of real images, [B]
             fake_output, # logits of generated ones, [B]
             flip_prob=0.0, # share of the real images that are labelled as generated
             seed=(0, 0), # int [2]: which ones
    ): # generator_loss, discriminator_loss, generator_score, discriminator_score: four numbers
    "Non-saturating losses (Goodfellow et al. 2014, section 3) and the scores of both networks."
    label = tf.ones_like(real_output)
    if flip_prob:
        label = tf.cast(tf.random.stateless_uniform(tf.shape(real_output), seed,
                                                    alg="philox") >= flip_prob, real_output.dtype)
    real_loss = tf.nn.sigmoid_cross_entropy_with_logits(label, real_output)
    discriminator_loss = tf.reduce_mean(real_loss) + tf.reduce_mean(tf.nn.softplus(fake_output))
    generator_loss = tf.reduce_mean(tf.nn.softplus(-fake_output))
    generator_score = tf.reduce_mean(tf.sigmoid(fake_output))
    discriminator_score = (tf.reduce_mean(tf.sigmoid(real_output)) + 1 - generator_score) / 2
    return generator_loss, discriminator_loss, generator_score, discriminator_score


# %%
undecided = tf.zeros(8)
[round(float(value), 4) for value in gan_loss(undecided, undecided)]

# %%
log2 = np.log(2)
assert np.allclose(gan_loss(undecided, undecided), [log2, 2 * log2, 0.5, 0.5])
sure = gan_loss(tf.fill(8, 9.0), tf.fill(8, -9.0))
assert sure[0] > 8 and sure[1] < 1e-3 and sure[3] > 0.999, "right and sure: nothing left to learn"
lied_to = gan_loss(tf.fill(8000, 9.0), tf.fill(8000, -9.0), flip_prob=0.3)
assert abs(float(lied_to[1]) - 0.3 * 9) < 0.2, (
    "sure of what it is told is wrong in three of ten cases")

# %% [markdown]
# To see what the lie does, take a discriminator of two weights that always knows which images are real: one weight is the logit of
# every real image, the other that of every generated one. Without flips the first rises without end. With flips it stops where the
# table says:

# %%
ends = {}
for p in (0.0, 0.1, 0.3):
    a = tf.Variable([0.0, 0.0]) # logit of every real image, of every generated one
    for step in range(600):
        with tf.GradientTape() as tape:
            loss = gan_loss(tf.fill(64, a[0]), tf.fill(64, a[1]), p, seed=(0, step))[1]
        a.assign_sub(0.5 * tape.gradient(loss, a))
    ends[p] = float(a[0])
    print(f"flip_prob {p}: after 600 steps the logit of a real image is {ends[p]:.2f}")

# %%
assert ends[0.0] > 4 and abs(ends[0.1] - np.log(9)) < 0.5 and abs(ends[0.3] - np.log(7 / 3)) < 0.4

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_networks import check_even, check_smoothed


# %% [markdown]
# ### 1. Which windows are even?
#
# Write `even(window, stride)`: whether a transposed convolution with this window and stride lays equally many windows on
# every pixel (away from the border).

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def even(window, stride):
    return window % stride == 0

check_even(even)


# %% [markdown]
# ### 2. Smooth instead of flipping
#
# One-sided [label smoothing](../about/glossary.ipynb#gl-label-smoothing) [@salimans2016improved] does without dice: all real images are labelled $1 - p$. Write
# `smoothed(real_output, fake_output, p)`, the discriminator's loss. It is what `gan_loss` with `flip_prob=p` gives on average.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def smoothed(real_output, fake_output, p):
    real = tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(real_output), 1 - p),
                                                   real_output)
    return tf.reduce_mean(real) + tf.reduce_mean(tf.nn.softplus(fake_output))

check_smoothed(smoothed)

# %% [markdown]
# ## What to remember
#
# - A projection makes small maps of the latents; each transposed convolution doubles them. Depth follows from the sizes.
# - A window that is a multiple of the stride covers all pixels evenly to begin with. Whether that matters is to be measured.
# - Dropout on the input and flipped labels both weaken the discriminator. The first blinds it to texture, the second bounds its logits.
#
# **What goes wrong in practice, and how you see it.**
#
# - *A grid of dots over all samples*: windows that overlap unevenly, and a run too short to have unlearnt it.
# - *Specks of coloured noise*: the discriminator cannot see them. Look for dropout on its input.
# - *The discriminator's score never exceeds $1 - p/2$*: the labels are flipped, and its $\sigma(D(x))$ ends at $1 - p$; it is meant to.
#
# **References.** Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional generative adversarial networks*. Odena, Dumoulin and Olah [-@odena2016checkerboard], *Deconvolution and checkerboard artifacts*. Salimans
# et al. [-@salimans2016improved], *Improved techniques for training GANs*, section 3.4. Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*.
