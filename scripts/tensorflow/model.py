# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The two networks
#
# > Generator and discriminator in Keras, their shapes, their initial weights, and the checkerboard
#
# - skip_showdoc: true
# - order: 27

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/model.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/model.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/model.ipynb) · [API](../about/api.ipynb#tensorflow-model) · [Side by side](../about/side_by_side.ipynb#model)

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
# **You will be able to** build both networks of a DCGAN from Keras layers, follow the shapes through them, initialise them
# and prove that it happened, and name the defaults of Keras that are not those of the paper.
#
# **You need** convolutions (what kernel, stride and padding are) and [Data](data.ipynb). **It takes** twenty minutes.

# %%
#| default_exp tensorflow.model

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import keras
import numpy as np
from keras import layers

# %%
import tensorflow as tf

# %% [markdown]
# ## The smallest generator
#
# A [generator](../about/glossary.ipynb#gl-generator) is any function from a [latent](../about/glossary.ipynb#gl-latent) to a picture. The smallest is one dense layer:

# %%
z = tf.random.stateless_normal((5, 64), seed=[0, 0])
linear = keras.Sequential([layers.Dense(28 * 28, activation="tanh"), layers.Reshape((28, 28, 1))])
linear(z).shape

# %% [markdown]
# It runs, and it can be trained. But each of its 784 pixels has weights of its own and knows nothing of its neighbours.
# Convolutions do. A [discriminator](../about/glossary.ipynb#gl-discriminator) uses them to make a picture smaller; a generator needs the opposite.
#
# ## Twice as large
#
# A **strided [transposed convolution](../about/glossary.ipynb#gl-transposed-convolution)** is the gradient of a strided convolution: each input pixel stamps the kernel, times
# its own value, onto the output, `strides` pixels from its neighbour's stamp, and where stamps overlap they add up. With
# `padding="same"` the output is the input times the stride, whatever the kernel:

# %%
# NBVAL_CHECK_OUTPUT
print([layers.Conv2DTranspose(4, kernel, strides=2, padding="same")(tf.zeros((1, 7, 7, 8))).shape[1]
       for kernel in (3, 4, 5)])


# %% [markdown]
# The other way is to repeat each pixel twice in both directions and to convolve the larger picture. We make both
# available under one name. No bias, because [BatchNorm](../about/glossary.ipynb#gl-batchnorm) follows and subtracts the mean of each channel, any constant included.

# %%
#| exports
def upsampling(x, # [B, H, W, C]
               outputs, # channels
               how, # "transpose" or "resize"
               name, # of the layer
               dtype=None, # policy
    ): # [B, 2H, 2W, outputs]
    "Twice the height and width. No bias: BatchNorm follows."
    options = dict(padding="same", use_bias=False, kernel_initializer=init_weights(), dtype=dtype)
    if how == "transpose":
        return layers.Conv2DTranspose(outputs, 4, strides=2, name=name, **options)(x)
    x = layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_0", dtype=dtype)(x)
    return layers.Conv2D(outputs, 3, name=f"{name}_1", **options)(x)


# %% [markdown]
# ## Initial weights
#
# Radford et al. draw all weights from a normal distribution with standard deviation 0.02, and the scale of BatchNorm from
# one around 1. Keras initialises when a layer is built, by an object that is given to it. Its default for convolutions is Glorot's
# uniform distribution, with a width that depends on the layer.

# %%
#| exports
STD = 0.02 # standard deviation of initial weights (Radford et al. 2015, section 4)

def init_weights(centre=0.0): # 1.0 for the scale of BatchNorm
    "DCGAN initialisation, a Keras initializer: N(centre, 0.02²)."
    return keras.initializers.RandomNormal(centre, STD)


# %% [markdown]
# ## BatchNorm, and two defaults that are not the paper's
#
# What BatchNorm keeps for later is an average of the [batches](../about/glossary.ipynb#gl-batch)' means and variances. Keras calls the weight of the *old*
# average `momentum`, 0.99 by default; PyTorch calls the weight of the *new* batch `momentum`, 0.1 by default. Keras
# adds 0.001 to variances, PyTorch 0.00001. How many batches does an average with 0.99 look back?

# %%
fast, slow = 0.9, 0.99
for batches in (10, 100, 500):
    print(f"{batches:>3} batches: with 0.9 {1 - fast**batches:.1%} of the average is of them, "
          f"with 0.99 {1 - slow**batches:.1%}")


# %% [markdown]
# With 0.99 the statistics trail by some hundred steps. A classifier does not mind. A generator that changes fast is
# sampled with statistics it no longer has. And an epsilon of 0.001 is not small against the variances of our first
# layer, whose weights begin at 0.02. We take 0.9 and 0.00001, as PyTorch does.

# %%
#| exports
def batch_norm(x, # [B, ..., C]
               name, # of the layer
               sync=False, # statistics over all replicas' images
               dtype=None, # policy
    ): # like x
    """BatchNorm as DCGAN's authors ran it: momentum 0.9, epsilon 1e-5 (Ioffe and Szegedy 2015,
    algorithm 1)."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5,
                                     gamma_initializer=init_weights(1.0),
                                     synchronized=sync, name=name, dtype=dtype)(x)


# %% [markdown]
# ## The checkerboard
#
# Look at stamps that overlap. We give a transposed convolution a constant picture and a kernel of ones, so that the
# output *counts* how many stamps reach each pixel. **Predict:** with kernel 3 and stride 2, will every pixel get the same?

# %%
def ones(*shape): return np.ones(shape, np.float32)
def random_weights(*shape): return np.random.default_rng(4).random(shape, dtype=np.float32)

def stamps(kernel, weights=ones):
    "A constant picture doubled twice by a transposed convolution, without its edges."
    x = tf.ones((1, 7, 7, 1))
    for size in (14, 28):
        x = tf.nn.conv2d_transpose(x, weights(kernel, kernel, 1, 1), (1, size, size, 1), strides=2)
    return x.numpy()[0, 6:-6, 6:-6, 0]

def resized(weights=ones):
    "The same by resizing and convolving."
    x = tf.ones((1, 7, 7, 1))
    for _ in range(2):
        x = tf.nn.conv2d(tf.repeat(tf.repeat(x, 2, 1), 2, 2), weights(3, 3, 1, 1), 1, "SAME")
    return x.numpy()[0, 6:-6, 6:-6, 0]


# %%
import matplotlib.pyplot as plt
from gan_course.figures import use_course_style

# %%
#| label: fig-stamps
#| fig-cap: "A constant picture after doubling twice, relative to its mean (grey); black is half the mean or less. Above, all weights are 1; below, they are random, as before training."
#| fig-alt: "Six square panels. Above: kernel 3 shows a strong checkerboard of light and dark squares; kernel 4 and resizing are evenly grey. Below: kernels 3 and 4 both show a regular pattern; resizing is still evenly grey."
columns = {"transposed, kernel 3": lambda w: stamps(3, w),
           "transposed, kernel 4": lambda w: stamps(4, w), "resize, kernel 3": resized}
use_course_style()
fig, axes = plt.subplots(2, 3, figsize=(7, 5))
for i, (weights, label) in enumerate([(ones, "weights 1"), (random_weights, "random")]):
    for ax, (name, double) in zip(axes[i], columns.items()):
        picture = double(weights)
        ax.imshow(picture / picture.mean(), cmap="gray", vmin=0.5, vmax=1.5)
        ax.set(xticks=[], yticks=[])
        if i == 0: ax.set_title(name)
    axes[i, 0].set_ylabel(label)
fig.tight_layout()


# %% [markdown]
# With kernel 3 some pixels get one weight, some two and some four: the [checkerboard](../about/glossary.ipynb#gl-checkerboard) is there before anything is learned
# [@odena2016checkerboard]. That is why the kernel should be a multiple of the stride. With kernel 4 every pixel gets four weights,
# but *which* four depends on whether its row and column are even or odd, and nothing keeps the four filters alike. After
# resizing, the same nine weights make every pixel of a plain area.

# %%
def levels(picture): return len(np.unique((picture * 1e4).round()))

assert levels(stamps(3)) > 1 and levels(stamps(4)) == levels(resized()) == 1
assert levels(stamps(4, random_weights)) > 1 and levels(resized(random_weights)) == 1


# %% [markdown]
# ## The generator
#
# A dense layer makes 7 × 7 pixels of $4w$ channels from the latent, two [upsamplings](../about/glossary.ipynb#gl-upsampling) make 28 × 28 of it, and each halves the
# channels. A last convolution mixes $w$ channels into a grey level, and tanh keeps it in [-1, 1].
#
# It is a *function* that returns a `keras.Model`, not a class. A model that is made of Keras's own layers, and of
# nothing else, can be saved as a `.keras` file and opened by any Keras, without this package and without running anybody's
# code. The names of the layers say where PyTorch has the same layer: `hidden_3` is `hidden.3` there.

# %%
#| exports
def Generator(latent_dim=64, # length of z
              width=32, # channels of the last hidden layer; the first has 4 times as many
              upsample="transpose", # or "resize"
              channels=1, # of the image
              *,
              precision="float32", # dtype policy of the hidden layers
              sync_batch_norm=False, # BatchNorm over all replicas
    ): # a `keras.Model`
    "Latent [B, latent_dim] -> image [B, 28, 28, channels] in [-1, 1] (Radford et al. 2015)."
    w, dtype = width, precision
    def norm_relu(x, i):
        return layers.ReLU(name=f"hidden_{i + 1}", dtype=dtype)(
            batch_norm(x, f"hidden_{i}", sync_batch_norm, dtype))
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(7 * 7 * 4 * w, use_bias=False, kernel_initializer=init_weights(),
                     name="project", dtype=dtype)(z)
    x = norm_relu(layers.Reshape((7, 7, 4 * w), name="unflatten", dtype=dtype)(x), 0) # [7, 7, 4w]
    x = norm_relu(upsampling(x, 2 * w, upsample, "hidden_2", dtype), 3)               # [14, 14, 2w]
    x = norm_relu(upsampling(x, w, upsample, "hidden_5", dtype), 6)                   # [28, 28, w]
    x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=init_weights(),
                      name="to_image", dtype=dtype)(x)
    return keras.Model(z, layers.Activation("tanh", name="tanh", dtype="float32")(x),
                       name="generator")


# %%
G = Generator()
G(z).shape

# %% [markdown]
# Follow the shapes:

# %%
# NBVAL_CHECK_OUTPUT
for layer in G.layers: print(f"{type(layer).__name__:<20} {layer.output.shape[1:]}")

# %%
assert G(z).shape == (5, 28, 28, 1) and tf.reduce_max(tf.abs(G(z))) <= 1
assert Generator(10, 8, "resize", channels=3)(tf.zeros((2, 10))).shape == (2, 28, 28, 3)


# %% [markdown]
# ## The discriminator
#
# The mirror image: strided convolutions down to 4 × 4, and a dense layer to one number, the **[logit](../about/glossary.ipynb#gl-logit)**: large for "real", small
# for "generated", and never passed through a sigmoid here. Keras's `LeakyReLU` lets 0.3 through by default;
# the paper's 0.2 has to be asked for.

# %%
#| exports
def Discriminator(width=32, # channels of the first layer; the last has 4 times as many
                  norm="none", # or "batch": BatchNorm in all layers but the first
                  dropout=0.0, # after every layer
                  channels=1, # of the image
                  *,
                  precision="float32", # dtype policy of the hidden layers
                  sync_batch_norm=False, # BatchNorm over all replicas
                  seed=0, # of the dropout
    ): # a `keras.Model`
    "Image [B, 28, 28, channels] -> logit [B] (Radford et al. 2015)."
    dtype, i = precision, 0
    def named(): # names count as PyTorch's Sequential does
        nonlocal i
        i += 1
        return f"hidden_{i - 1}"
    x = image = keras.Input((28, 28, channels), name="image")
    for outputs, kernel, kind in ((width, 4, "none"), (2 * width, 4, norm), (4 * width, 3, norm)):
        x = layers.Conv2D(outputs, kernel, strides=2, padding="same", use_bias=kind == "none",
                          kernel_initializer=init_weights(), name=named(), dtype=dtype)(x)
        if kind == "batch": x = batch_norm(x, named(), sync_batch_norm, dtype)
        x = layers.LeakyReLU(0.2, name=named(), dtype=dtype)(x)
        if dropout:
            x = layers.Dropout(dropout, seed=(seed + i) % 2**31, name=named(), dtype=dtype)(x)
    x = layers.Flatten(name="flatten", dtype=dtype)(x) # in the order rows, columns, channels
    x = layers.Dense(1, kernel_initializer=init_weights(), name="to_logit", dtype=dtype)(x)
    return keras.Model(image, layers.Reshape((), name="logit", dtype="float32")(x),
                       name="discriminator")


# %%
D = Discriminator()
D(G(z)).shape


# %%
def kinds(network): return [type(layer).__name__ for layer in network.layers]

assert D(G(z)).shape == (5,)
assert kinds(Discriminator(norm="batch")).count("BatchNormalization") == 2
assert "BatchNormalization" not in kinds(D)
assert kinds(Discriminator(dropout=0.3)).count("Dropout") == 3


# %% [markdown]
# Each of our layers has a stride of 2 and `padding="same"`. Where does Keras put the padding if it cannot be the same on
# both sides? An image of 28, kernel 4: two rows are missing, one goes above, one below. Kernel 3 needs one row only,
# and it goes *below*. PyTorch's `padding=1` pads both sides and ignores the last row. Those are two different networks.
# In which of our three layers does it matter? The last has kernel 3, and an image of 7 × 7: seven is odd, there two rows are
# missing again, and both frameworks agree. [The same step twice](same_step_twice.ipynb) shows both cases.
#
# ## Who is larger?
#
# Which of the two has more weights, and where are most of them?

# %%
#| exports
def count_parameters(network):
    "How many numbers training can change."
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


# %%
# NBVAL_CHECK_OUTPUT
print(f"generator {count_parameters(G):,}, discriminator {count_parameters(D):,}")
print(f"in the generator's first layer: {count_parameters(G.get_layer('project')):,}")


# %% [markdown]
# The same numbers as in the PyTorch track.
#
# ## A proof that they were initialised
#
# An initialiser that nobody called is a well-known way to fail: a teaching repository tested its own, never called it, and its
# GAN diverged while all tests were green. In Keras it is easier to get right and still easy to forget for one layer. So a
# function looks at a network and says whether it was done. `build_networks` calls it.

# %%
#| exports
def check_initialised(network, std=STD):
    "Assert that every layer looks as if `init_weights` had just been here."
    for layer in network.layers:
        norm = isinstance(layer, layers.BatchNormalization)
        for v in layer.trainable_variables:
            w, n = v.numpy().astype(np.float32), int(np.prod(v.shape))
            if v.name in ("bias", "beta"):
                assert not w.any(), f"{layer.name}: the bias is not 0"
                continue
            centre = 1.0 if norm else 0.0
            slack = 6 / n**0.5 # six standard errors of the mean, and more of the deviation
            assert abs(w.mean() - centre) < slack * std, (
                f"{layer.name}: the mean of the weights is {w.mean():.4f}, not {centre:.0f}")
            if n == 1: continue # one number has no deviation
            spread = w.std(ddof=1)
            assert spread > 0, f"{layer.name}: all weights are equal" # BatchNorm as Keras makes it
            assert abs(spread / std - 1) < slack, (
                f"{layer.name}: the weights have standard deviation {spread:.4f}, not {std}")


# %%
check_initialised(G); check_initialised(D)

for forgotten in (layers.Conv2D(8, 3), layers.BatchNormalization()):
    try: check_initialised(keras.Sequential([keras.Input((28, 28, 8)), forgotten]))
    except AssertionError as error: print("as Keras makes it:", error)
    else: raise AssertionError("a network that was not initialised was accepted")


# %% [markdown]
# ## Both at once

# %%
#| exports
def build_networks(config, # a `Config`
                   precision="float32", # dtype policy, see `select_precision`
                   channels=1, # of the images
    ): # generator, discriminator
    "The initialised networks of a configuration. Draws from Keras's global generator."
    how = dict(precision=precision, sync_batch_norm=config.sync_batch_norm)
    G = Generator(config.latent_dim, config.width, config.upsample, channels, **how)
    D = Discriminator(config.width * config.d_widening, config.d_norm, config.dropout, channels,
                      seed=config.seed, **how)
    for network in (G, D): check_initialised(network)
    return G, D


# %%
from gan_course.tensorflow.config import CONFIG
from gan_course.tensorflow.utils import seed_everything


# %%
def same(a, b): return all((v.numpy() == w.numpy()).all() for v, w in zip(a.variables, b.variables))

seed_everything(0); G, D = build_networks(CONFIG)
seed_everything(0); G2, D2 = build_networks(CONFIG)
assert same(G, G2) and same(D, D2)

# %% [markdown]
# ## What training will see
#
# An untrained generator already makes pictures, and an untrained discriminator has an opinion on them. Both should be
# undecided: the pictures of a middle grey, nowhere near black or white, where tanh is flat and lets no gradient through;
# the logits near 0, a probability of one half.

# %%
fake = G(tf.random.stateless_normal((64, CONFIG.latent_dim), seed=[0, 1]))
logit = D(fake)
print(f"pixels: mean {np.mean(fake):.3f}, deviation {np.std(fake):.3f}; "
      f"D says real with probability {np.mean(tf.sigmoid(logit)):.3f}")
assert np.abs(fake).mean() < 0.5 and np.abs(tf.sigmoid(logit) - 0.5).max() < 0.1

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_model import (check_generator32, check_padding,
                                                   check_parameters)


# %% [markdown]
# ### 1. Where the padding goes
#
# Write `padding(size, kernel, stride)`: how many rows of zeros a convolution with `padding="same"` adds above and below an
# image of `size` rows, as a pair. As many places as `size` / `stride`, rounded up, have to fit.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def padding(size, kernel, stride):
    places = -(-size // stride) # rounded up
    missing = max((places - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2 # the odd one goes below

check_padding(padding)


# %% [markdown]
# ### 2. By hand
#
# Write `generator_parameters(latent_dim, width)`: how many numbers training can change in
# `Generator(latent_dim, width, "resize")`, as a formula, without building it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def generator_parameters(latent_dim, width):
    w = width
    project = latent_dim * 7 * 7 * 4 * w
    convolutions = 3 * 3 * (4 * w * 2 * w + 2 * w * w)
    norms = 2 * (4 * w + 2 * w + w) # scale and shift of each channel
    return project + convolutions + norms + (3 * 3 * w + 1)

check_parameters(generator_parameters)


# %% [markdown]
# ### 3. A generator for 32 × 32
#
# Photographs of CIFAR-10 have 32 × 32 pixels. Write `make_generator32(latent_dim, width)`: a `keras.Model` from
# `[B, latent_dim]` to `[B, 32, 32, 1]` in [-1, 1], which begins with 4 × 4 and doubles three times, with BatchNorm where
# this lesson puts it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def make_generator32(latent_dim, width):
    w, z = width, keras.Input((latent_dim,), name="z")
    x = layers.Dense(4 * 4 * 8 * w, use_bias=False, kernel_initializer=init_weights())(z)
    x = layers.Reshape((4, 4, 8 * w))(x)
    x = layers.ReLU()(batch_norm(x, "norm_0"))
    for i, outputs in enumerate([4 * w, 2 * w, w], 1):
        x = upsampling(x, outputs, "resize", f"up_{i}")
        x = layers.ReLU()(batch_norm(x, f"norm_{i}"))
    x = layers.Conv2D(1, 3, padding="same", kernel_initializer=init_weights())(x)
    return keras.Model(z, layers.Activation("tanh")(x))

check_generator32(make_generator32)

# %% [markdown]
# ## What to remember
#
# - The generator doubles 7 × 7 twice and ends in tanh; the discriminator halves and ends in a logit, without a sigmoid.
# - A model of Keras's own layers can be opened by any Keras. A class of one's own needs its code.
# - Keras's defaults are not [DCGAN's](../about/glossary.ipynb#gl-dcgan): BatchNorm's momentum 0.99 and epsilon 0.001, [LeakyReLU's](../about/glossary.ipynb#gl-leakyrelu) 0.3, Glorot's initial weights.
# - An initialiser is worth something when a check shows that it was called.
#
# **What goes wrong, and how to see it.**
#
# - *Samples look worse than the grids of training, or change with the size of the batch.* The generator samples with
#   `training=True`.
# - *Samples look washed out although the losses are fine.* BatchNorm's statistics trail behind; print `momentum`.
# - *A dtype error, or infinite losses, under [mixed precision](../about/glossary.ipynb#gl-mixed-precision).* The last layer computes in half precision. Ours are float32.
# - *A regular pattern of two or four pixels.* The upsampling. Enlarge a plain area of a sample to see it.
#
# **References.** Radford, Metz and Chintala [-@radford2015dcgan], [section 3](https://arxiv.org/abs/1511.06434): the architecture, and section
# 4: the initial weights. Odena, Dumoulin and Olah [-@odena2016checkerboard], [*Deconvolution and checkerboard
# artifacts*](https://distill.pub/2016/deconv-checkerboard/). Ioffe and Szegedy [-@ioffe2015batchnorm], [*Batch normalization*](https://arxiv.org/abs/1502.03167), algorithm 1. Keras's guide to the
# [functional API](https://keras.io/guides/functional_api/).
