# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A model that plays both sides
#
# > Upsampling instead of transposed convolution, and a Keras model whose `train_step` is the game
#
# - skip_showdoc: true
# - order: 37

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/model.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/model.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/model.ipynb) · [API](../about/api.ipynb#tpu-model)

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
# **You will be able to** put an adversarial game into a `keras.Model`, so that `fit`, `evaluate`, callbacks and saving work as for
# any other; write the same step for TensorFlow and for JAX; and say what neither framework does for you.
#
# **You need** [Data on the accelerator](data.ipynb). **It takes** half an hour.

# %%
#| default_exp tpu.model

# %%
#| exports
from gan_course.tpu.config import BACKEND # first: it chooses Keras's backend

import random
from functools import partial

import keras
import numpy as np
from keras import layers, ops

from gan_course.basics import CourseError
from gan_course.tpu.data import Part

if BACKEND == "jax":
    import jax
    import jax.numpy as jnp
else: import tensorflow as tf

# %%
import tempfile
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt

from gan_course.datasets import load_dataset
from gan_course.tpu.data import Batches
from gan_course.tpu.strategy import find_accelerator


# %% [markdown]
# ## Upsampling, or transposed convolution
#
# A [generator](../about/glossary.ipynb#gl-generator) has to make small maps large. A **[transposed convolution](../about/glossary.ipynb#gl-transposed-convolution)** stamps its kernel onto the output, two pixels apart, and
# adds up where stamps overlap. The other way is to make every pixel two by two and then to **convolve**. With a map of ones and a
# kernel of ones, both should give an even grey. Predict where one of them does not.

# %%
def coverage(grow):
    "What becomes of a map of ones in a layer whose weights are one; without its border."
    layer = grow(kernel_initializer="ones", use_bias=False)
    return ops.convert_to_numpy(layer(np.ones((1, 8, 8, 1), np.float32)))[0, 3:-3, 3:-3, 0]

maps = {"transposed, 3×3": coverage(partial(layers.Conv2DTranspose, 1, 3, strides=2,
                                            padding="same")),
        "transposed, 5×5": coverage(partial(layers.Conv2DTranspose, 1, 5, strides=2,
                                            padding="same")),
        "transposed, 4×4": coverage(partial(layers.Conv2DTranspose, 1, 4, strides=2,
                                            padding="same")),
        "upsampled, then 3×3": coverage(lambda **how: keras.Sequential([
            layers.UpSampling2D(2), layers.Conv2D(1, 3, padding="same", **how)]))}

# %%
#| fig-cap: How many stamps reach each pixel. Three by three and five by five kernels draw a checkerboard before anything is learned.
#| fig-alt: Four maps of ten by ten pixels. The first two are checkerboards of lighter and darker squares, with values from 1 to 4 and from 4 to 9. The last two are an even grey.
fig, axes = plt.subplots(1, 4, figsize=(9, 2.4))
for ax, (name, m) in zip(axes, maps.items()):
    ax.imshow(m / m.mean(), cmap="gray", vmin=0, vmax=2); ax.set_axis_off()
    ax.set_title(f"{name}\n{m.min():.0f} to {m.max():.0f}", fontsize=9)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
assert (np.ptp(maps["upsampled, then 3×3"]) == np.ptp(maps["transposed, 4×4"]) == 0
        < np.ptp(maps["transposed, 3×3"]))
{name: sorted({int(v) for v in m.ravel()}) for name, m in maps.items()}

# %% [markdown]
# A kernel that is a multiple of the stride has no such pattern at the start (it can still learn one), and [upsampling](../about/glossary.ipynb#gl-upsampling) has none
# whatever the kernel. What does that cost? Per output pixel and pair of channels, a 4×4 transposed convolution with stride 2
# multiplies four times, and a 3×3 convolution nine times: 2.25 times the arithmetic. On an [accelerator](../about/glossary.ipynb#gl-accelerator) arithmetic is what there is plenty of,
# and a plain convolution is the operation its matrix units were built for. On a processor the price is real; [Where the time
# goes](speed.ipynb) measures it.
#
# ## The two networks
#
# The last layer is `tanh` in float32, whatever the rest computes in. Why? A grey level more or less would not matter. But most of a picture
# of clothes is black, and black is where `tanh` is nearly -1. Its gradient is 1 - y², and [bfloat16](../about/glossary.ipynb#gl-bf16) keeps eight bits of y. From which
# input on is the gradient exactly zero, so that a black pixel can no longer become grey? Guess before you run it.

# %%
# NBVAL_CHECK_OUTPUT
inputs = np.arange(0, 12, 0.25)

def silent_from(dtype):
    "The smallest input at which the gradient of tanh is 0."
    y = ops.tanh(ops.cast(inputs, dtype))
    return inputs[np.argmax(ops.convert_to_numpy(ops.cast(1 - y * y, "float32")) == 0)]

silent = {dtype: float(silent_from(dtype)) for dtype in ("float32", "float16", "bfloat16")}
assert silent["bfloat16"] < 4 < silent["float32"]
silent


# %% [markdown]
# The [discriminator's](../about/glossary.ipynb#gl-discriminator) [logit](../about/glossary.ipynb#gl-logit) is float32 for a similar reason: a loss is a small difference between numbers. In between, `precision` is
# the [dtype policy](../about/glossary.ipynb#gl-dtype-policy) of all hidden layers. Their weights stay float32, only the products are computed in less.
#
# How many numbers does a picture need? This [recipe](../about/glossary.ipynb#gl-recipe) draws 256, by custom. But a generator has to use every one of its [latents](../about/glossary.ipynb#gl-latent): it spreads a bell over 256 directions onto clothes that differ
# in a few dozen ways, and draws mixtures of a bag and a boot wherever it has not yet learned to ignore the rest. We measured what that costs, with nothing else changed, after
# 240 thousand images (the [Fréchet distance](../about/glossary.ipynb#gl-frechet) of a classifier's [features](../about/glossary.ipynb#gl-features), smaller is better; `bench/tuning.md`):
#
# | latents | 256 | 64 | 32 | 16 |
# |---|---:|---:|---:|---:|
# | distance | 58 | 36 | 28 | 22 |
#
# So the first layer mixes the 256 into 32, without a bias and with orthonormal columns: what comes out is a standard normal latent of 32 numbers, until the layer learns something better. With 16 the distance was smaller still, but the kinds
# were drawn less evenly.
#
# The discriminator has no [BatchNorm](../about/glossary.ipynb#gl-batchnorm): its judgement of one image would depend on the others in the [batch](../about/glossary.ipynb#gl-batch), and
# with [several devices](../about/glossary.ipynb#gl-data-parallel) on how the batch was cut. [Dropout](../about/glossary.ipynb#gl-dropout) is only where its features become a logit. After every layer it would blind the discriminator in places, others in each step,
# and what it cannot tell from texture it lets pass: specks of noise stay in the pictures, however long one trains (`bench/tuning.md`). Its kernels are 4×4, and that is the picture above once more: the gradient of a strided convolution
# is a transposed one, and a discriminator with 3×3 kernels would send a [checkerboard](../about/glossary.ipynb#gl-checkerboard) back to the generator. With BatchNorm the scale of the
# generator's weights does not matter, and they start small; the discriminator has Keras's default, as small weights without BatchNorm would make it
# nearly linear at first.

# %%
#| exports
def seeds_of(seed, what, num): # of a run; a number that tells the networks apart; how many
    "Seeds for layers, each of its own, that depend on nothing but these numbers."
    return np.random.SeedSequence([seed, what]).generate_state(num).tolist()

def Generator(latent_dim=256, # length of z
              width=32, # channels of the last hidden layer; the first has 4 times as many
              channels=1, # of the image
              *,
              # numbers that the latents are mixed into, if there are more of them; 0: none
              bottleneck=32,
              precision="float32", # dtype policy of the hidden layers
              seed=0, # of the initial weights
              # BatchNorm over all replicas of a TensorFlow strategy; on JAX it always is
              sync=False,
    ): # a `keras.Model`
    """Latent [B, latent_dim] -> image [B, 28, 28, channels] in [-1, 1]; `UpSampling2D` and
    convolutions."""
    z = x = keras.Input((latent_dim,), name="z")
    *seeds, mixing = seeds_of(seed, 0, 5)
    # Radford et al. 2015, section 4
    initial = [keras.initializers.RandomNormal(0.0, 0.02, seed=s) for s in seeds]
    def normed(x, i):
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=sync,
                                      name=f"norm_{i}", dtype=precision)(x)
        return layers.LeakyReLU(0.2, name=f"relu_{i}", dtype=precision)(x)
    if 0 < bottleneck < latent_dim:
        x = layers.Dense(bottleneck, use_bias=False,
                         kernel_initializer=keras.initializers.Orthogonal(seed=mixing), name="mix",
                         dtype=precision)(x)
    x = layers.Dense(7 * 7 * 4 * width, use_bias=False, kernel_initializer=initial[0],
                     name="project", dtype=precision)(x)
    x = normed(layers.Reshape((7, 7, 4 * width), name="unflatten", dtype=precision)(x), 0)
    for i, outputs in ((1, 2 * width), (2, width)): # [14, 14, 2w], [28, 28, w]
        x = layers.UpSampling2D(2, name=f"up_{i}", dtype=precision)(x)
        x = layers.Conv2D(outputs, 3, padding="same", use_bias=False, kernel_initializer=initial[i],
                          name=f"conv_{i}",
                          dtype=precision)(x)
        x = normed(x, i)
    x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=initial[3], name="to_image",
                      dtype=precision)(x)
    return keras.Model(z, layers.Activation("tanh", name="tanh", dtype="float32")(x),
                       name="generator")


# %%
#| exports
def Discriminator(width=32, # channels of the first layer; the last has 4 times as many
                  dropout=0.3, # of the features before the logit
                  channels=1, # of the image
                  *,
                  precision="float32", # dtype policy of the hidden layers
                  seed=0, # of the initial weights and the dropout
    ): # a `keras.Model`
    "Image [B, 28, 28, channels] -> logit [B]; strided convolutions, dropout, one number."
    image = x = keras.Input((28, 28, channels), name="image")
    *seeds, mask = seeds_of(seed, 1, 5)
    # Keras's default, with a seed
    initial = [keras.initializers.GlorotUniform(seed=s) for s in seeds]
    for i, outputs in enumerate((width, 2 * width, 4 * width)):
        x = layers.Conv2D(outputs, 4, strides=2, padding="same", kernel_initializer=initial[i],
                          name=f"conv_{i}", dtype=precision)(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}", dtype=precision)(x)
    x = layers.Flatten(name="flatten", dtype=precision)(x)
    if dropout: x = layers.Dropout(dropout, seed=mask % 2**31, name="dropout", dtype=precision)(x)
    x = layers.Dense(1, kernel_initializer=initial[3], name="to_logit", dtype=precision)(x)
    return keras.Model(image, layers.Reshape((), name="logit", dtype="float32")(x),
                       name="discriminator")


# %%
# NBVAL_CHECK_OUTPUT
G, D = Generator(), Discriminator()
z = keras.random.normal((5, 256), seed=0)
print(tuple(G(z).shape), tuple(D(G(z)).shape),
      f"{G.count_params():,} and {D.count_params():,} parameters")

# %%
half = Generator(precision="mixed_bfloat16")
assert {layer.compute_dtype
        for layer in half.layers if layer.name.startswith("conv")} == {"bfloat16"}
assert keras.backend.standardize_dtype(half(z).dtype) == "float32", (
    "the images are float32 all the same")
assert all(v.dtype == "float32" for v in half.trainable_variables), "and so are the weights"
assert float(ops.std(D(G(z), training=True))) != float(ops.std(D(G(z), training=True))), (
    "dropout differs each time")
weights = [ops.convert_to_numpy(Generator(seed=seed).get_layer("conv_1").kernel)
           for seed in (0, 0, 1)]
assert (weights[0] == weights[1]).all() and (weights[0] != weights[2]).all(), "the seed decides"


# %% [markdown]
# ## One model, two players
#
# `keras.Model` expects one loss and one optimiser. A model may replace its `train_step`, and then `fit` brings everything else:
# [epochs](../about/glossary.ipynb#gl-epoch), [callbacks](../about/glossary.ipynb#gl-callback), several devices, many steps a call. The smallest such model is in every tutorial:

# %%
class Textbook(keras.Model):
    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def compile(self, g_optimizer, d_optimizer):
        super().compile()
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer

    def train_step(self, real): ... # two gradient tapes, two apply_gradients


# %% [markdown]
# It trains, on TensorFlow. What does it have to keep, if training is to stop today and go on tomorrow? Write a list, and then let us
# see what it keeps.

# %%
textbook = Textbook(Generator(), Discriminator())
textbook.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
textbook.built = True
print("the optimiser that will be saved:", textbook.optimizer.name)
with tempfile.TemporaryDirectory() as folder:
    try: textbook.save(Path(folder)/"textbook.keras")
    except NotImplementedError as error: print(str(error).strip().splitlines()[0:3])

# %% [markdown]
# An RMSprop that nobody asked for, because `compile()` without an optimiser makes one, and no file. The list: both networks and both
# optimisers with all they have gathered; the [average of the generator](../about/glossary.ipynb#gl-ema); the number of the iteration, from which all latents are computed; what
# was measured so far.
#
# Keras saves the variables it knows: of layers, of the optimiser given to `compile`, of attributes. The rest is in four methods. Without
# `get_config` and `from_config` a model cannot be saved; without `get_compile_config` and `compile_from_config` it can, and both optimisers have
# forgotten everything.

# %%
#| exports
MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "rank_accuracy", "grad_norm_d", "grad_norm_g")
JUDGED = MEASURED[:5] # what can be measured without a step

@keras.saving.register_keras_serializable("gan_course")
class AdversarialModel(keras.Model):
    "Two networks, an average of one of them, and the game between them."
    def __init__(self, generator, discriminator, latent_dim=256,
                 batch_size=128, # real images per step, over all devices
                 label_smoothing=0.0, ema_half_life=20_000, seed=0,
                 r1=0.1, # weight of the gradient penalty; 0: none
                 **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator, self.latent_dim = generator, discriminator, latent_dim
        self.batch_size, self.label_smoothing, self.r1 = batch_size, label_smoothing, r1
        self.ema_half_life, self.seed = ema_half_life, seed
        self.average = keras.models.clone_model(generator)
        self.average.trainable = False
        for a, b in zip(self.average.variables, generator.variables): a.assign(b)
        def own(name, shape, dtype): return self.add_weight(
            shape=shape, dtype=dtype, initializer="zeros", trainable=False, name=name,
            aggregation="only_first_replica")
        self.iteration, self.sums = (own("iteration", (), "int32"),
                                     own("sums", (len(MEASURED),), "float32"))
        # bad: 1 + the first bad iteration
        self.counted, self.bad = own("counted", (), "int32"), own("bad", (), "int32")
        self.judged_means = [keras.metrics.Mean(name=name) for name in JUDGED]
        self.built = True

    def call(self, z, training=False): return self.generator(z, training=training)

    @property
    def metrics(self):
        """Those of `evaluate`. Keras begins them anew with each `fit`, so what training measures is
        in variables of our own."""
        return self.judged_means

    def compile(self, g_optimizer, d_optimizer, mesh=None, # of JAX's devices
                steps_per_execution=1, # steps that the device takes without the host
                **kwargs):
        # without one Keras makes an RMSprop
        super().compile(optimizer=d_optimizer, steps_per_execution=steps_per_execution, **kwargs)
        self.g_optimizer, self.mesh, self.jitted = g_optimizer, mesh, None
        for opt, network in ((g_optimizer, self.generator), (d_optimizer, self.discriminator)):
            opt.build(network.trainable_variables)

    @property
    def d_optimizer(self): return self.optimizer

    def get_config(self):
        save = keras.saving.serialize_keras_object
        return dict(generator=save(self.generator), discriminator=save(self.discriminator),
                    latent_dim=self.latent_dim,
                    batch_size=self.batch_size, label_smoothing=self.label_smoothing,
                    ema_half_life=self.ema_half_life,
                    seed=self.seed, r1=self.r1, name=self.name)

    @classmethod
    def from_config(cls, config):
        load = keras.saving.deserialize_keras_object
        return cls(**(config | {name: load(config[name])
                                for name in ("generator", "discriminator")}))

    def get_compile_config(self):
        save = keras.saving.serialize_keras_object
        return dict(g_optimizer=save(self.g_optimizer), d_optimizer=save(self.d_optimizer))

    def compile_from_config(self, config):
        self.compile(**{name: keras.saving.deserialize_keras_object(value)
                        for name, value in config.items()})


# %% [markdown]
# ## The rules of the game
#
# The discriminator tells real from generated, with binary [cross-entropy](../about/glossary.ipynb#gl-cross-entropy); the generator wants its samples to be called real (the
# [non-saturating](../about/glossary.ipynb#gl-non-saturating) loss). On logits a, cross-entropy with label y is [softplus](../about/glossary.ipynb#gl-softplus)(a) − y·a, which neither overflows nor takes the
# logarithm of zero. With `label_smoothing` ε, real images are labelled 1 − ε.

# %%
#| exports
def cross_entropy(label, a): # a number in [0, 1]; logits
    "Binary cross-entropy on logits, a mean over the batch."
    return ops.mean(ops.softplus(a) - label * a)

def d_loss(self, a_real, a_fake):
    "Goodfellow et al. 2014, eq. 1."
    return cross_entropy(1.0 - self.label_smoothing, a_real) + cross_entropy(0.0, a_fake)

def g_loss(self, a_fake):
    "The non-saturating loss (Goodfellow et al. 2014, section 3)."
    return cross_entropy(1.0, a_fake)

AdversarialModel.d_loss, AdversarialModel.g_loss = d_loss, g_loss

# %%
a = np.array([-3.0, 0.0, 2.0], np.float32)
assert np.isclose(cross_entropy(1.0, a), np.mean(-np.log(1 / (1 + np.exp(-a)))), atol=1e-6)
assert np.isfinite(cross_entropy(1.0, np.float32([-1e4]))), "log(sigmoid) would be -inf"
assert np.isclose(d_loss(SimpleNamespace(label_smoothing=0.0), 0 * a, 0 * a),
                  2 * np.log(2)), "a coin is right half of the time"


# %% [markdown]
# And one rule against cheating. A discriminator that is very steep at the real images knows them apart from anything, however near, and
# tells the generator nothing about the way. The penalty [R1](../about/glossary.ipynb#gl-r1) adds r1/2 times the mean square of the gradient of the logit by the image [@mescheder2018converge, eq. 9] to its loss, in every step.
#
# What is measured in a step: both losses, without the penalty, what D says of images and of samples, how often it ranks them rightly, and the norms of both
# gradients.

# %%
#| exports
def judgement(self, loss_d, loss_g, a_real, a_fake):
    "In the order of `JUDGED`."
    return ops.stack([loss_d, loss_g, ops.mean(ops.sigmoid(a_real)), ops.mean(ops.sigmoid(a_fake)),
                      ops.mean(ops.cast(a_real > a_fake, "float32"))])

def global_norm(gradients):
    "The Euclidean norm of all gradients together."
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients))

def squared_length(gradient): # by each image of a batch, [B, H, W, C]
    "Its square, a mean over the batch."
    return ops.mean(ops.sum(ops.square(gradient), (1, 2, 3)))

def scaled_images(x):
    "uint8 -> float32 in [-1, 1]."
    return ops.cast(x, "float32") / 127.5 - 1.0

AdversarialModel.judgement = judgement

# %%
assert float(squared_length(np.ones((3, 28, 28, 1), np.float32))) == 784, (
    "a slope of 1 in each pixel")


# %% [markdown]
# After each step: the average moves, the sums grow, and the first iteration that was not finite is noted. All of that happens on
# the device, and nobody waits for it.
#
# Is a *statistic* of BatchNorm averaged too, or copied? It looks back some ten batches, and is the mean of the weights of those batches, not of the average. With the weights averaged and the
# statistics copied, we measured a [pixel Fréchet distance](../about/glossary.ipynb#gl-pixel-frechet) of 7.8 in the ninth epoch of Fashion-MNIST; with both averaged, in the same run, 4.8.

# %%
#| exports
# variables of the average and of the generator; counted from 0
def averaged(self, old, new, iteration):
    """The average's variables after an iteration, with the weight of
    `gan_course.loop.average_keep`. BatchNorm's statistics are averaged too."""
    images, size = ops.cast(iteration + 1, "float32") * self.batch_size, float(self.batch_size)
    keep = (2.0 ** (-size / ops.minimum(1.0 * self.ema_half_life, 0.05 * images))
            if self.ema_half_life else 0.0)
    return [b + (a - b) * keep for a, b in zip(old, new)] # exactly b where nothing is kept

def noted(self, sums, counted, bad, iteration, values):
    """The model's own variables after a step. A loss-scaled optimiser skips gradients that are not
    finite, so they are not bad then."""
    scaled = isinstance(self.d_optimizer, keras.optimizers.LossScaleOptimizer)
    watched = values[:2] if scaled else ops.concatenate([values[:2], values[5:7]])
    now_bad = ops.logical_not(ops.all(ops.isfinite(watched)))
    return (sums + values, counted + 1,
            ops.where(ops.logical_and(bad == 0, now_bad), iteration + 1, bad), iteration + 1)

def as_array(v): # a Keras variable, also one that a strategy keeps on several devices
    "Its value in NumPy. Waits for the device."
    return ops.convert_to_numpy(ops.convert_to_tensor(v))

def means(self):
    "The measurements since the last reset, averaged: name -> mean. Waits for the device."
    n = max(int(as_array(self.counted)), 1)
    return dict(zip(MEASURED, (as_array(self.sums).astype(np.float64) / n).tolist()))

def reset_means(self):
    "Begin to measure anew."
    for v in (self.sums, self.counted): v.assign(ops.zeros(v.shape, v.dtype))

AdversarialModel.averaged, AdversarialModel.noted = averaged, noted
AdversarialModel.means, AdversarialModel.reset_means = means, reset_means


# %% [markdown]
# Two [Adams](../about/glossary.ipynb#gl-adam) with one [learning rate](../about/glossary.ipynb#gl-learning-rate), without [momentum](../about/glossary.ipynb#gl-momentum) and with a short memory for the size of gradients (β₁ = 0 and β₂ = 0.99, as in StyleGAN): in a game the last gradient is the only
# one that knows the opponent as it is. `bench/tuning.md` has what that is worth. Under float16, `fit` would wrap the model's optimiser in a [loss scale](../about/glossary.ipynb#gl-loss-scaling); of the second it knows nothing. So
# each gets its own.

# %%
#| exports
def make_optimizer(learning_rate, beta1=0.0, precision="float32", beta2=0.99):
    """Adam (Kingma and Ba 2014); for float16 with a loss scale, which no `fit` would add to two
    optimisers."""
    opt = keras.optimizers.Adam(learning_rate, beta1, beta2)
    return keras.optimizers.LossScaleOptimizer(opt) if precision == "mixed_float16" else opt

def seed_everything(seed, # 0 to 2**63 - 1
                    # forbid kernels whose result depends on timing; for the whole process
                    deterministic=False):
    """Seed Python, NumPy and TensorFlow. JAX has no such state; and our networks carry seeds of
    their own."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if BACKEND == "tensorflow":
        # on JAX it would import TensorFlow for this, with all it takes of a GPU's memory
        keras.utils.set_random_seed(seed % 2**32)
        if deterministic: tf.config.experimental.enable_op_determinism()


# %%
def make_model(batch_size=32, width=8, latent_dim=16, dropout=0.2, **how):
    "A small one, the same each time."
    seed_everything(0)
    model = AdversarialModel(Generator(latent_dim, width), Discriminator(width, dropout),
                             latent_dim, batch_size)
    model.compile(make_optimizer(4e-4, 0.5), make_optimizer(4e-4, 0.5), **how)
    return model


# %% [markdown]
# ## Latents
#
# Latents are a function of the [seed](../about/glossary.ipynb#gl-seed) and the iteration, on both [backends](../about/glossary.ipynb#gl-backend): nothing has to be remembered, and a run that was killed goes
# on with the very numbers that would have come. With several [replicas](../about/glossary.ipynb#gl-replica) on TensorFlow each draws the latents of the whole batch and takes its
# share, so that eight devices train on the same latents as one.

# %%
#| exports
TEST = 2**31 - 1 # the iteration whose latents `evaluate` uses

if BACKEND == "tensorflow":
    def replica(): return tf.distribute.get_replica_context()
    def replicas(): return tf.distribute.get_strategy().num_replicas_in_sync

    def latents(model, iteration):
        "Of one iteration, this replica's share."
        pair = tf.stack([tf.constant(model.seed, tf.int64), tf.cast(iteration, tf.int64)])
        z = tf.random.stateless_normal((model.batch_size, model.latent_dim), pair, alg="philox")
        if replicas() == 1: return z
        return tf.reshape(z,
                          (replicas(), model.batch_size // replicas(),
                           -1))[replica().replica_id_in_sync_group]
else:
    def latents(model, iteration):
        "Of one iteration, for the whole batch."
        key = jax.random.key(model.seed % 2**32) # of a longer number JAX would drop the rest
        if model.seed >> 32: key = jax.random.fold_in(key, model.seed >> 32)
        key = jax.random.fold_in(key, iteration)
        return jax.random.normal(key, (model.batch_size, model.latent_dim))

# %%
model = make_model()
z, again, other = (ops.convert_to_numpy(latents(model, i)) for i in (7, 7, 8))
assert z.shape == (32, 16) and abs(z.mean()) < 0.1 and abs(z.std() - 1) < 0.1
assert (z == again).all() and not (z == other).any()

# %% [markdown]
# ## The step on TensorFlow
#
# `fit` calls `train_step` in each replica, inside of a `tf.function`. One forward pass of the generator serves both players: its
# [tape](../about/glossary.ipynb#gl-tape) is paused, the discriminator takes its step, and the tape goes on with the generator's loss.
#
# With several replicas, each has its share of the batch. Keras *adds* what the replicas bring to `apply`, so we average the
# gradients first, and divide.

# %%
#| exports
if BACKEND == "tensorflow":
    def take_step(opt, network, tape, loss):
        "Returns the norm of the gradient over the whole batch."
        scale = opt.scale_loss(tf.ones(())) # 1 but for float16
        with tape: scaled = opt.scale_loss(loss)
        gradients = tape.gradient(scaled, [v.value for v in network.trainable_variables])
        if replicas() > 1: gradients = replica().all_reduce("MEAN", gradients)
        # Keras adds up what the replicas have
        opt.apply([g / replicas() for g in gradients], network.trainable_variables)
        return global_norm(gradients) / scale

    def steepness(self, x): # images in [-1, 1]
        "The mean square of the length of the logit's gradient by the image."
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = tf.reduce_sum(self.discriminator(x, training=True))
        return squared_length(tape.gradient(logits, x))

    def train_on(self, x, z): # uint8 images and latents, this replica's
        "One step of the game; returns what was measured."
        # every shape static
        x = scaled_images(tf.ensure_shape(x, (self.batch_size // replicas(), *x.shape[1:])))
        iteration, tape_g, tape_d = self.iteration.value, tf.GradientTape(), tf.GradientTape()
        with tape_g: fake = self.generator(z, training=True)
        with tape_d:
            a_real, a_fake = tf.split(self.discriminator(tf.concat([x, fake], 0), training=True), 2)
            loss_d = self.d_loss(a_real, a_fake)
            total = loss_d + self.r1 / 2 * steepness(self, x) if self.r1 else loss_d
        norm_d = take_step(self.d_optimizer, self.discriminator, tape_d, total)
        with tape_g: loss_g = self.g_loss(self.discriminator(fake, training=True))
        norm_g = take_step(self.g_optimizer, self.generator, tape_g, loss_g)
        values = tf.concat([self.judgement(loss_d, loss_g, a_real, a_fake), [norm_d, norm_g]], 0)
        if replicas() > 1: values = replica().all_reduce("MEAN", values)
        new = self.averaged([v.value for v in self.average.variables],
                            [v.value for v in self.generator.variables], iteration)
        for v, value in zip(self.average.variables, new): v.assign(value)
        own = (self.sums, self.counted, self.bad, self.iteration)
        for v, value in zip(own, self.noted(*(v.value for v in own), values)): v.assign(value)
        return values

    def train_step(self, x): # uint8 [B, H, W, C]
        "What `fit` calls in each replica; returns the means since the last reset."
        train_on(self, x, latents(self, self.iteration.value))
        return dict(zip(MEASURED,
                        tf.unstack(self.sums.value / tf.cast(self.counted.value, tf.float32))))

    AdversarialModel.train_on, AdversarialModel.train_step = train_on, train_step

# %% [markdown]
# ## The step on JAX
#
# Keras's JAX trainer passes one optimiser's variables through its steps. A GAN has two, so this loop is ours: a step as a
# function from state to state. `stateless_call` is a layer without variables of its own: weights go in, and what changed comes
# out. `stateless_apply` is the same for an optimiser. First, everything that a step changes, by name:

# %%
#| exports
if BACKEND == "jax":
    def held(variables): return [v.value for v in variables]

    def state_variables(model):
        "Name -> Keras variables: everything that a step changes."
        return dict(g=model.generator.trainable_variables,
                    gn=model.generator.non_trainable_variables,
                    d=model.discriminator.trainable_variables,
                    dn=model.discriminator.non_trainable_variables,
                    opt_g=model.g_optimizer.variables, opt_d=model.d_optimizer.variables,
                    average=model.average.variables,
                    own=[model.sums, model.counted, model.bad, model.iteration])

    def scaled_loss(opt, values, loss): # values of the optimiser's variables
        with keras.StatelessScope(state_mapping=list(zip(opt.variables, values))):
            return opt.scale_loss(loss)

# %% [markdown]
# The generator's forward pass is kept as a *pullback*: given the loss's gradient by the images, it returns the gradient by the
# weights. That is the paused tape in other words.

# %%
#| exports
if BACKEND == "jax":
    def steepness(self, d, dn, x): # weights and state of the discriminator; images in [-1, 1]
        """The mean square of the length of the logit's gradient by the image; and the state
        afterwards."""
        def logits(x):
            a, after = self.discriminator.stateless_call(d, dn, x, training=True)
            return jnp.sum(a), after
        gradient, after = jax.grad(logits, has_aux=True)(x)
        return squared_length(gradient), after

    def stateless_step(self, s, x, z): # state, uint8 images, latents: all of the batch
        "One step of the game: the next state, and what was measured."
        G, D, opt_g, opt_d, x = (self.generator, self.discriminator, self.g_optimizer,
                                 self.d_optimizer, scaled_images(x))
        fake, pull, gn = jax.vjp(lambda g: G.stateless_call(g, s["gn"], z, training=True), s["g"],
                                 has_aux=True)
        def of_d(d):
            a, dn = D.stateless_call(d, s["dn"], jnp.concatenate([x, fake]), training=True)
            a_real, a_fake = jnp.split(a, 2)
            loss = total = self.d_loss(a_real, a_fake)
            if self.r1:
                steep, dn = steepness(self, d, dn, x)
                total += self.r1 / 2 * steep
            return scaled_loss(opt_d, s["opt_d"], total), (loss, a_real, a_fake, dn)
        gradients, (loss_d, a_real, a_fake, dn) = jax.grad(of_d, has_aux=True)(s["d"])
        norm_d = global_norm(gradients) / scaled_loss(opt_d, s["opt_d"], jnp.ones(()))
        d, new_d = opt_d.stateless_apply(s["opt_d"], gradients, s["d"])
        def of_fake(fake):
            a, after = D.stateless_call(d, dn, fake, training=True)
            loss = self.g_loss(a)
            return scaled_loss(opt_g, s["opt_g"], loss), (loss, after)
        by_fake, (loss_g, dn) = jax.grad(of_fake, has_aux=True)(fake)
        gradients, = pull(by_fake)
        norm_g = global_norm(gradients) / scaled_loss(opt_g, s["opt_g"], jnp.ones(()))
        g, new_g = opt_g.stateless_apply(s["opt_g"], gradients, s["g"])
        values, (*own, iteration) = jnp.append(self.judgement(loss_d, loss_g, a_real, a_fake),
                                               jnp.stack([norm_d, norm_g])), s["own"]
        new = {id(v): value
               for v, value in [*zip(G.trainable_variables, g),
                                *zip(G.non_trainable_variables, gn)]}
        average = self.averaged(s["average"], [new[id(v)] for v in G.variables], iteration)
        return dict(g=g, gn=gn, d=d, dn=dn, opt_g=new_g, opt_d=new_d, average=average,
                    own=list(self.noted(*own, iteration, values))), values

    AdversarialModel.stateless_step = stateless_step

# %% [markdown]
# `lax.scan` takes many steps in one call: the host says "fifty steps", and is free. With a [mesh](../about/glossary.ipynb#gl-mesh) of devices the batch is cut along
# its first axis, and [XLA](../about/glossary.ipynb#gl-xla) puts in whatever communication the result needs. The program means the same as on one device: BatchNorm
# sees the whole batch, without having been told.
#
# On a processor there is a surprise. Inside of a loop XLA:CPU does not use its fast convolutions (JAX's issue
# [12868](https://github.com/jax-ml/jax/issues/12868), open since 2022), and a scan of our steps takes forty times as long as the
# steps one by one. So on a processor we take one step a call.

# %%
#| exports
if BACKEND == "jax":
    def indexed_step(self, s, images, index):
        "A step on the images with these numbers, and the latents of its iteration."
        x, z = images[index], latents(self, s["own"][3])
        if self.mesh is not None:
            over = jax.sharding.NamedSharding(self.mesh, jax.sharding.PartitionSpec("batch"))
            x, z = (jax.lax.with_sharding_constraint(a, over) for a in (x, z))
        return stateless_step(self, s, x, z)[0]

    def jit_steps(self):
        "One step, and as many as `index` has rows; both in place."
        def one(s, images, index): return indexed_step(self, s, images, index)
        def many(s, images, index):
            return jax.lax.scan(lambda s, row: (indexed_step(self, s, images, row), None), s,
                                index)[0]
        return jax.jit(one, donate_argnums=0), jax.jit(many, donate_argnums=0)

# %% [markdown]
# And `fit` around it: the state is taken out of the model, goes through all steps, and is put back. Callbacks are called as Keras calls
# them, once per call of the device. Those of a batch find the weights from the beginning of the epoch; so do they under Keras's own
# JAX trainer.

# %%
#| exports
if BACKEND == "jax":
    def taken_out(self):
        "Copies, for what is donated must not be shared; on every device."
        state = jax.tree.map(jnp.copy,
                             {name: held(vs) for name, vs in state_variables(self).items()})
        if self.mesh is None: return state
        return jax.device_put(state,
                              jax.sharding.NamedSharding(self.mesh, jax.sharding.PartitionSpec()))

    def put_back(self, state):
        for name, vs in state_variables(self).items():
            for v, value in zip(vs, state[name]): v.assign(value)

    def fit(self, part, epochs=1, initial_epoch=0, callbacks=None, verbose=0, shuffle=False):
        """As Keras's `fit`, for a `Part`: its batches are taken once for each epoch, in the order
        they have."""
        if not isinstance(part, Part):
            raise CourseError("on JAX, fit takes what Batches.part returns")
        if self.jitted is None: self.jitted = jit_steps(self)
        one, many = self.jitted
        callbacks = keras.callbacks.CallbackList(callbacks, add_history=True,
                                                 add_progbar=verbose != 0, model=self,
                                                 verbose=verbose,
                                                 epochs=epochs, steps=len(part))
        self.stop_training, n = False, self.steps_per_execution
        callbacks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            if self.stop_training: break
            callbacks.on_epoch_begin(epoch)
            at, state = 0, taken_out(self)
            while at < len(part) and not self.stop_training:
                if n > 1 and at + n <= len(part):
                    state, at = many(state, part.images, part.index[at:at + n]), at + n
                else: state, at = one(state, part.images, part.index[at]), at + 1
                callbacks.on_train_batch_end(at - 1)
            put_back(self, state)
            callbacks.on_epoch_end(epoch, self.means())
        callbacks.on_train_end()
        return self.history

    AdversarialModel.fit = fit

# %% [markdown]
# ## Use it
#
# The same lines on both backends. An epoch on a few images:

# %%
data = load_dataset("garments", limit=640)
batches = Batches(data, 32, find_accelerator("cpu"))
before = {name: [as_array(v).copy() for v in network.trainable_variables]
          for name, network in (("generator", model.generator),
                                ("discriminator", model.discriminator))}
history = model.fit(batches.part(epoch=0), shuffle=False, verbose=0)
model.means()

# %%
for name, old in before.items():
    moved = [float(np.abs(a - as_array(b)).max())
             for a, b in zip(old, getattr(model, name).trainable_variables)]
    assert min(moved) > 0, f"some weights of the {name} did not move"
assert int(model.iteration) == int(model.counted) == 20 and int(model.bad) == 0
assert np.isclose(history.history["loss_d"][-1], model.means()["loss_d"],
                  rtol=1e-5), "fit's history says the same"
assert all(np.isfinite(list(model.means().values())))

# %% [markdown]
# Does it keep what the textbook model lost? Save it, load it, and look at the optimisers' moments:

# %%
with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder)/"model.keras")
    again = keras.saving.load_model(Path(folder)/"model.keras")
for name in ("g_optimizer", "d_optimizer"):
    pairs = list(zip(getattr(model, name).variables, getattr(again, name).variables, strict=True))
    assert all((as_array(a) == as_array(b)).all() for a, b in pairs)
    print(name, type(getattr(again, name)).__name__,
          f"{len(pairs)} variables, after {int(getattr(again, name).iterations)} steps")
assert int(again.iteration) == 20


# %% [markdown]
# ## Looking without a step
#
# `test_step` is the game without learning: no dropout, BatchNorm with its running statistics, the same latents for each batch. Is it of
# any use to a GAN, which has no test loss to speak of? It is, for one question. A discriminator that knows its training images [by heart](../about/glossary.ipynb#gl-memorising)
# says so: `d_real` is higher on them than on images it never saw.

# %%
#| exports
def test_step(self, x): # uint8 [B, H, W, C], on TensorFlow this replica's
    "What `evaluate` calls: the means of what D says, in evaluation mode."
    fake = self.generator(latents(self, TEST), training=False)
    a_real, a_fake = (self.discriminator(a, training=False) for a in (scaled_images(x), fake))
    values = self.judgement(self.d_loss(a_real, a_fake), self.g_loss(a_fake), a_real, a_fake)
    for i, metric in enumerate(self.metrics): metric.update_state(values[i])
    return {metric.name: metric.result() for metric in self.metrics}

AdversarialModel.test_step = test_step

if BACKEND == "jax":
    def evaluate(self, part, verbose=0, return_dict=True): # a `Part`
        "As Keras's `evaluate`: name -> mean over all batches."
        variables = self.variables + self.metrics_variables
        def judge(values, images, index):
            with keras.StatelessScope(state_mapping=list(zip(variables, values))) as scope:
                self.test_step(images[index])
            return [scope.get_current_value(v) for v in self.metrics_variables]
        for metric in self.metrics: metric.reset_state()
        judge, count, values = jax.jit(judge), len(self.metrics_variables), held(variables)
        for row in part.index: values[-count:] = judge(values, part.images, row)
        for v, value in zip(self.metrics_variables, values[-count:]): v.assign(value)
        found = {metric.name: float(metric.result()) for metric in self.metrics}
        return found if return_dict else list(found.values())

    AdversarialModel.evaluate = evaluate

# %%
seen = model.evaluate(batches.part(epoch=0), verbose=0, return_dict=True)
unseen = Batches(load_dataset("garments", split="test", limit=640), 32, find_accelerator("cpu"))
new = model.evaluate(unseen.part(epoch=0), verbose=0, return_dict=True)
print(f"D(x) on training images {seen['d_real']:.3f}, on others {new['d_real']:.3f}")

# %%
before = int(model.iteration)
assert seen == model.evaluate(batches.part(epoch=1), verbose=0, return_dict=True) or np.allclose(
    list(seen.values()),
    list(model.evaluate(batches.part(epoch=1), verbose=0, return_dict=True).values()),
    atol=1e-3), "no learning"
assert int(model.iteration) == before and abs(seen["d_real"] - new["d_real"]) < 0.05, (
    "after one epoch nothing is known by heart")


# %% [markdown]
# ## Drawing
#
# Samples come from the average generator, in [evaluation mode](../about/glossary.ipynb#gl-evaluation-mode), of latents drawn by NumPy: the same on every machine and on both backends. Always
# in parts of one size, so that nothing is compiled twice.

# %%
#| exports
def make_latents(num, latent_dim, seed):
    """Standard normal latents, float32 [num, latent_dim], the same on every machine and on both
    backends."""
    return np.random.default_rng([seed, 2**31]).standard_normal((num, latent_dim), np.float32)

def to_images(x): # [N, H, W, C] in [-1, 1]
    "As pixels, uint8."
    x = ops.round((ops.cast(x, "float32") + 1) * 127.5)
    return ops.convert_to_numpy(ops.clip(x, 0, 255)).astype(np.uint8)

def draw_latents(network, # a generator
                 z, # latents, float32 [N, latent_dim]
                 batch=500):
    """What becomes of these latents, uint8 [N, H, W, C]; in parts of one shape, so that nothing is
    compiled twice."""
    n, batch = len(z), min(batch, len(z))
    z = np.concatenate([z, np.zeros((-n % batch, z.shape[1]), np.float32)])
    return np.concatenate([to_images(network(z[i:i + batch], training=False))
                           for i in range(0, n, batch)])[:n]

def draw(network, # a generator
         num, # images
         seed, # of the latents
    ):
    "Images of a generator in evaluation mode, uint8 [num, H, W, C]."
    return draw_latents(network, make_latents(num, network.input_shape[-1], seed))


# %%
images = draw(model.average, 7, seed=1)
assert images.shape == (7, 28, 28, 1) and images.dtype == np.uint8
assert ((images == draw(model.average, 7, seed=1)).all()
        and (images != draw(model.average, 7, seed=2)).any())
assert (draw_latents(model.average, make_latents(7, 16, 1), batch=3) == images).mean() > 0.999, (
    "parts make no difference")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_model import check_folded, check_kept, check_ranked


# %% [markdown]
# ### 1. What to keep
#
# `model.save` writes one file of its own. For a [checkpoint](../about/glossary.ipynb#gl-checkpoint) one wants plain arrays. Write `kept(model)`: a dictionary, name →
# Keras variable, of everything in a compiled `AdversarialModel` on which the rest of a training depends. A second model must have
# the same names, or nothing could be put back. `model.variables` is a good beginning. Of the list above, what is not in it?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def kept(model):
    parts = dict(model=model.variables, # with statistics, dropout's seeds, average and iteration
                 g=model.g_optimizer.variables, d=model.d_optimizer.variables)
    # a path is not unique
    return {f"{part}/{i}": v for part, variables in parts.items() for i, v in enumerate(variables)}

check_kept(kept)


# %% [markdown]
# ### 2. Nine multiplications, or four
#
# Upsampling and a 3×3 convolution multiply nine times for each pixel of the result. But of the nine pixels some are copies of
# each other. Take one row: a place with an even number sees its left neighbour, itself, and itself once more; the next place sees
# itself twice, and its right neighbour. So the even and the odd rows and columns of the result come from the small map by four
# kernels of 2×2. Write `folded(kernel)`: from an array `[3, 3]` the four, `[2, 2, 2, 2]`. `[p, q]` says for which rows and
# columns (0 even, 1 odd), and the last two indices are those of the kernel. What is left of the 2.25 times?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def folded(kernel):
    a = np.array([[[1, 0, 0], [0, 1, 1]],  # even: the first tap alone, then two on the same pixel
                  [[1, 1, 0], [0, 0, 1]]]) # odd
    # four for each pixel, as a transposed convolution of 4×4
    return np.einsum("psa,qtb,ab->pqst", a, a, kernel)

check_folded(folded)


# %% [markdown]
# ### 3. All pairs
#
# `rank_accuracy` compares an image with the sample that stands at the same place of the batch, and a tie is wrong. Write
# `ranked(a_real, a_fake)` for logits `[N]` and `[M]`: the part of *all* pairs that are ranked rightly, where a tie counts a half.
# What do both say of a discriminator that has died, and says the same of everything?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def ranked(a_real, a_fake):
    difference = a_real[:, None] - a_fake[None, :] # [N, M]: each with each
    return ops.mean((ops.sign(difference) + 1) / 2)

check_ranked(ranked)


# %% [markdown]
# It answers the question of `test_step` too: images that the discriminator has seen, against images that it has not. If it knew the
# first by heart, the number would be near 1.

# %%
def said(split):
    return model.discriminator(scaled_images(load_dataset("garments", split=split,
                                                          limit=640).images))

a_seen, a_new = said("train"), said("test")
by_pair = [float(ops.mean(ops.cast(a_seen[i:i + 64] > a_new[i:i + 64], "float32")))
           for i in range(0, 640, 64)]
by_all = [float(ranked(a_seen[i:i + 64], a_new[i:i + 64])) for i in range(0, 640, 64)]
print(f"ten batches of 64: pair by pair {min(by_pair):.2f} to {max(by_pair):.2f}, all pairs "
      f"{min(by_all):.2f} to {max(by_all):.2f}")
print(f"all 640 against all 640: {float(ranked(a_seen, a_new)):.3f}")
assert abs(float(ranked(a_seen, a_new)) - 0.5) < 0.1, "after one epoch nothing is known by heart"

# %% [markdown]
# ## What to remember
#
# - A kernel that is no multiple of its stride draws a checkerboard, in the generator and through the gradient of the
#   discriminator.
# - The last layers are float32: half precision ends the gradient of tanh at black, and a loss is a small difference.
# - Keras saves the variables it knows, and one optimiser. A model with two says so in `get_config`, `get_compile_config` and
#   their opposites.
# - One forward pass of the generator serves both players: a paused tape on TensorFlow, a pullback on JAX.
# - What has to see every step is a variable of the model. Nobody waits for it.
#
# **What goes wrong, and how to see it.**
#
# - *A regular pattern of two pixels*: the kernels and their strides. Draw what a layer makes of ones.
# - *The loss jumps after loading*: an optimiser has forgotten its moments. Print `iterations` of both.
# - *Dark parts of the pictures never change in half precision*: tanh computes in it. Look at the dtype of the last layer.
# - *`rank_accuracy` falls to 0, and `loss_d` stands at 2 log 2*: the discriminator says the same of everything, and ties count as
#   wrong. It has died; it is not mistaken.
# - *Training on eight replicas is wild*: their gradients were added up, and not averaged.
#
# **References.** Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*, eq. 1 and section 3. Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional generative adversarial networks*, sections 3 and 4. Odena,
# Dumoulin and Olah [-@odena2016checkerboard], [*Deconvolution and checkerboard artifacts*](https://distill.pub/2016/deconv-checkerboard/). Shi et
# al. [-@shi2016subpixel], *Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network*
# (upsampling by small kernels side by side). Hanley and McNeil [-@hanley1982roc], *The meaning and use of the area under a receiver operating
# characteristic (ROC) curve* (all pairs). Keras's guides to a `train_step` of one's own, [with
# TensorFlow](https://keras.io/guides/custom_train_step_in_tensorflow/) and [with
# JAX](https://keras.io/guides/custom_train_step_in_jax/).
