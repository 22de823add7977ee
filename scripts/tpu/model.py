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
# - order: 0
# - skip_showdoc: true

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/model.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/model.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/model.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course[tpu] @ git+https://github.com/gan-course/gan_course@main"]) == 0

# %% [markdown]
# **You will be able to** put an adversarial game into a `keras.Model`, so that `fit`, callbacks and saving work as for any
# other; write the same step for TensorFlow and for JAX; and say what neither framework does for you.
#
# **You need** [Data on the accelerator](data.ipynb). **It takes** half an hour.

# %%
#| default_exp tpu.model

# %%
#| exports
from gan_course.tpu.config import BACKEND # first: it chooses Keras's backend

from functools import partial

import keras
import numpy as np
from keras import layers, ops

from gan_course.tpu.data import Part

if BACKEND == "jax":
    import jax
    import jax.numpy as jnp
else: import tensorflow as tf

# %% [markdown]
# ## Upsampling
#
# A transposed convolution whose kernel is not a multiple of its stride covers some pixels more often than others, and
# draws checkerboards ([The networks](../tensorflow/model.ipynb) shows it). The other way is to make every pixel two by two
# and to convolve afterwards: `UpSampling2D`, then `Conv2D`. It costs more arithmetic, four times the pixels at the same kernel, and
# arithmetic is what an accelerator has plenty of. For its matrix units a convolution is also the simpler operation.
#
# The last layer is `tanh` in float32, whatever the rest computes in: bfloat16 has eight bits, and 256 grey levels would
# become fewer. The discriminator's logit is float32 for the same reason. Between the two, `precision` is the policy of all hidden
# layers.

# %%
#| exports
def init_weights(): return keras.initializers.RandomNormal(0.0, 0.02) # Radford et al. 2015, section 4

def Generator(latent_dim=256, # length of z
              width=32, # channels of the last hidden layer; the first has 4 times as many
              channels=1, # of the image
              *,
              precision="float32", # dtype policy of the hidden layers
              sync=False, # BatchNorm over all replicas of a TensorFlow strategy; on JAX it always is
    ): # a `keras.Model`
    "Latent [B, latent_dim] -> image [B, 28, 28, channels] in [-1, 1]; `UpSampling2D` and convolutions."
    z = x = keras.Input((latent_dim,), name="z")
    def normed(x, i):
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=sync, name=f"norm_{i}", dtype=precision)(x)
        return layers.LeakyReLU(0.2, name=f"relu_{i}", dtype=precision)(x)
    x = layers.Dense(7 * 7 * 4 * width, use_bias=False, kernel_initializer=init_weights(), name="project", dtype=precision)(x)
    x = normed(layers.Reshape((7, 7, 4 * width), name="unflatten", dtype=precision)(x), 0)
    for i, outputs in ((1, 2 * width), (2, width)): # [14, 14, 2w], [28, 28, w]
        x = layers.UpSampling2D(2, name=f"up_{i}", dtype=precision)(x)
        x = layers.Conv2D(outputs, 3, padding="same", use_bias=False, kernel_initializer=init_weights(), name=f"conv_{i}",
                          dtype=precision)(x)
        x = normed(x, i)
    x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=init_weights(), name="to_image", dtype=precision)(x)
    return keras.Model(z, layers.Activation("tanh", name="tanh", dtype="float32")(x), name="generator")

def Discriminator(width=32, # channels of the first layer; the last has 4 times as many
                  dropout=0.3, # after every layer
                  channels=1, # of the image
                  *,
                  precision="float32", # dtype policy of the hidden layers
                  seed=0, # of the dropout
    ): # a `keras.Model`
    "Image [B, 28, 28, channels] -> logit [B]; strided convolutions and dropout."
    image = x = keras.Input((28, 28, channels), name="image")
    for i, outputs in enumerate((width, 2 * width, 4 * width)):
        x = layers.Conv2D(outputs, 3, strides=2, padding="same", kernel_initializer=init_weights(), name=f"conv_{i}",
                          dtype=precision)(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}", dtype=precision)(x)
        if dropout: x = layers.Dropout(dropout, seed=(seed + i) % 2**31, name=f"dropout_{i}", dtype=precision)(x)
    x = layers.Flatten(name="flatten", dtype=precision)(x)
    x = layers.Dense(1, kernel_initializer=init_weights(), name="to_logit", dtype=precision)(x)
    return keras.Model(image, layers.Reshape((), name="logit", dtype="float32")(x), name="discriminator")

# %%
G, D = Generator(), Discriminator()
z = keras.random.normal((5, 256), seed=0)
print(G(z).shape, D(G(z)).shape, f"{G.count_params():,} and {D.count_params():,} parameters")

# %%
assert tuple(G(z).shape) == (5, 28, 28, 1) and tuple(D(G(z)).shape) == (5,)
half = Generator(precision="mixed_bfloat16")
assert {layer.compute_dtype for layer in half.layers if layer.name.startswith("conv")} == {"bfloat16"}
assert keras.backend.standardize_dtype(half(z).dtype) == "float32", "the images are float32 all the same"
assert all(v.dtype == "float32" for v in half.trainable_variables), "and so are the weights"

# %% [markdown]
# ## One model, two players
#
# `keras.Model` expects one loss and one optimiser. A model may replace its `train_step`, though, and then `fit` brings
# everything else: epochs, callbacks, several devices, many steps a call. What does such a model have to keep, if its
# training is to stop today and go on tomorrow? Write a list before you read on.
#
# Both networks and both optimisers, the average of the generator, the number of the iteration, from which all latents are
# computed, and what was measured so far. Keras saves variables that it knows: those of layers, of the optimiser that was
# given to `compile`, and of attributes. The rest is in four methods. Without `get_config` and `from_config` a `.keras` file cannot be
# opened; without `get_compile_config` and `compile_from_config` it opens, and both optimisers have forgotten everything. And
# `compile()` without an optimiser makes an RMSprop that nobody asked for, and saves it.

# %%
#| exports
MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "rank_accuracy", "grad_norm_d", "grad_norm_g")

def cross_entropy(label, a): # a number in [0, 1]; logits
    "Binary cross-entropy on logits, a mean over the batch."
    return ops.mean(ops.softplus(a) - label * a)

def measurements(loss_d, loss_g, a_real, a_fake, norm_d, norm_g):
    "In the order of `MEASURED`."
    return ops.stack([loss_d, loss_g, ops.mean(ops.sigmoid(a_real)), ops.mean(ops.sigmoid(a_fake)),
                      ops.mean(ops.cast(a_real > a_fake, "float32")), norm_d, norm_g])

def global_norm(gradients):
    "The Euclidean norm of all gradients together."
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients))

@keras.saving.register_keras_serializable("gan_course")
class AdversarialModel(keras.Model):
    "Two networks, an average of one of them, and the game between them."
    def __init__(self, generator, discriminator, latent_dim=256,
                 batch_size=256, # real images per step, over all devices
                 label_smoothing=0.0, ema_half_life=20_000, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator, self.latent_dim = generator, discriminator, latent_dim
        self.batch_size, self.label_smoothing = batch_size, label_smoothing
        self.ema_half_life, self.seed = ema_half_life, seed
        self.average = keras.models.clone_model(generator)
        self.average.trainable = False
        for a, b in zip(self.average.variables, generator.variables): a.assign(b)
        def own(name, shape, dtype): return self.add_weight(
            shape=shape, dtype=dtype, initializer="zeros", trainable=False, name=name, aggregation="only_first_replica")
        self.iteration, self.sums = own("iteration", (), "int32"), own("sums", (len(MEASURED),), "float32")
        self.counted, self.bad = own("counted", (), "int32"), own("bad", (), "int32") # bad: 1 + the first bad iteration
        self.built = True

    def call(self, z, training=False): return self.generator(z, training=training)

    def compile(self, g_optimizer, d_optimizer, mesh=None, # of JAX's devices
                steps_per_execution=1, # steps that the device takes without the host
                **kwargs):
        super().compile(optimizer=d_optimizer, steps_per_execution=steps_per_execution, **kwargs) # without one Keras makes an RMSprop
        self.g_optimizer, self.mesh, self.jitted = g_optimizer, mesh, None
        for opt, network in ((g_optimizer, self.generator), (d_optimizer, self.discriminator)): opt.build(network.trainable_variables)

    @property
    def d_optimizer(self): return self.optimizer

    # Without these four, `.keras` files lose the networks or both optimisers.
    def get_config(self):
        save = keras.saving.serialize_keras_object
        return dict(generator=save(self.generator), discriminator=save(self.discriminator), latent_dim=self.latent_dim,
                    batch_size=self.batch_size, label_smoothing=self.label_smoothing, ema_half_life=self.ema_half_life,
                    seed=self.seed, name=self.name)

    @classmethod
    def from_config(cls, config):
        load = keras.saving.deserialize_keras_object
        return cls(**(config | {name: load(config[name]) for name in ("generator", "discriminator")}))

    def get_compile_config(self):
        save = keras.saving.serialize_keras_object
        return dict(g_optimizer=save(self.g_optimizer), d_optimizer=save(self.d_optimizer))

    def compile_from_config(self, config):
        self.compile(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    # The game, in the words of both backends:

    def d_loss(self, a_real, a_fake):
        "Goodfellow et al. 2014, eq. 1."
        return cross_entropy(1.0 - self.label_smoothing, a_real) + cross_entropy(0.0, a_fake)

    def g_loss(self, a_fake):
        "The non-saturating loss (Goodfellow et al. 2014, section 3)."
        return cross_entropy(1.0, a_fake)

    def keep(self, iteration):
        "Weight of the old average in an iteration, counted from 0; as `gan_course.loop.average_keep`."
        images = ops.cast(iteration + 1, "float32") * self.batch_size
        return 2.0 ** (-self.batch_size / ops.minimum(1.0 * self.ema_half_life, 0.05 * images)) if self.ema_half_life else 0.0

    def averaged(self, old, new, iteration):
        "The average's variables; BatchNorm's statistics are averages already."
        keep = self.keep(iteration)
        return [a + (b - a) * (1 - keep) if v.trainable else b for v, a, b in zip(self.generator.variables, old, new)]

    def watched(self, values):
        "What has to be finite. A loss-scaled optimiser skips steps whose gradients are not, so only the losses then."
        scaled = isinstance(self.d_optimizer, keras.optimizers.LossScaleOptimizer)
        return values[:2] if scaled else ops.concatenate([values[:2], values[5:7]])

    def noted(self, sums, counted, bad, iteration, values):
        "The model's own variables after a step."
        now_bad = ops.logical_not(ops.all(ops.isfinite(self.watched(values))))
        return (sums + values, counted + 1, ops.where(ops.logical_and(bad == 0, now_bad), iteration + 1, bad), iteration + 1)


def scaled_images(x):
    "uint8 -> float32 in [-1, 1]."
    return ops.cast(x, "float32") / 127.5 - 1.0


# %%
#| exports
def make_optimizer(learning_rate, beta1, precision="float32"):
    "Adam (Kingma and Ba 2014); for float16 with a loss scale, which no `fit` would add to two optimisers."
    opt = keras.optimizers.Adam(learning_rate, beta1)
    return keras.optimizers.LossScaleOptimizer(opt) if precision == "mixed_float16" else opt

# %% [markdown]
# ## On TensorFlow
#
# `fit` calls `train_step` in each replica, inside of a `tf.function`. One forward pass of the generator serves both steps: its
# tape is paused, the discriminator takes its step, and the tape goes on with the generator's loss.
#
# With several replicas, each has its share of the batch. Keras *adds* what the replicas bring to `apply`, so we average the
# gradients first and divide. All replicas draw the latents of the whole batch and take their share, so that eight
# devices train on the same latents as one.

# %%
#| exports
if BACKEND == "tensorflow":
    def latents(model, iteration):
        "This replica's share of latents that all replicas draw whole."
        z = tf.random.stateless_normal((model.batch_size, model.latent_dim),
                                       tf.stack([tf.constant(model.seed, tf.int64), tf.cast(iteration, tf.int64)]), alg="philox")
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas == 1: return z
        return tf.reshape(z, (replicas, model.batch_size // replicas, -1))[context.replica_id_in_sync_group]

    def take_step(opt, network, tape, loss):
        "Returns the norm of the gradient over the whole batch."
        replicas, context = tf.distribute.get_strategy().num_replicas_in_sync, tf.distribute.get_replica_context()
        scale = opt.scale_loss(tf.ones(())) # 1 but for float16
        with tape: scaled = opt.scale_loss(loss)
        gradients = tape.gradient(scaled, [v.value for v in network.trainable_variables])
        if replicas > 1: gradients = context.all_reduce("MEAN", gradients)
        opt.apply([g / replicas for g in gradients], network.trainable_variables) # Keras adds up what the replicas have
        return global_norm(gradients) / scale

    def train_on(self, x, z): # uint8 images and latents, this replica's
        "One step of the game; returns what was measured."
        share = self.batch_size // tf.distribute.get_strategy().num_replicas_in_sync
        x = scaled_images(tf.ensure_shape(x, (share, *x.shape[1:]))) # every shape static
        iteration, tape_g, tape_d = self.iteration.value, tf.GradientTape(), tf.GradientTape()
        with tape_g: fake = self.generator(z, training=True)
        with tape_d:
            a_real, a_fake = tf.split(self.discriminator(tf.concat([x, fake], 0), training=True), 2)
            loss_d = self.d_loss(a_real, a_fake)
        norm_d = take_step(self.d_optimizer, self.discriminator, tape_d, loss_d)
        with tape_g: loss_g = self.g_loss(self.discriminator(fake, training=True))
        norm_g = take_step(self.g_optimizer, self.generator, tape_g, loss_g)
        values = measurements(loss_d, loss_g, a_real, a_fake, norm_d, norm_g)
        if share < self.batch_size: values = tf.distribute.get_replica_context().all_reduce("MEAN", values)
        new = self.averaged([v.value for v in self.average.variables], [v.value for v in self.generator.variables], iteration)
        for v, value in zip(self.average.variables, new): v.assign(value)
        own = (self.sums, self.counted, self.bad, self.iteration)
        for v, value in zip(own, self.noted(*(v.value for v in own), values)): v.assign(value)
        return values

    def train_step(self, x): # uint8 [B, H, W, C]
        "What `fit` calls in each replica."
        values = train_on(self, x, latents(self, self.iteration.value))
        return dict(zip(MEASURED, tf.unstack(values)))

    AdversarialModel.train_on, AdversarialModel.train_step = train_on, train_step

# %% [markdown]
# ## On JAX
#
# Keras's JAX trainer passes one optimiser's variables through its steps. A GAN has two, so this loop is ours: a step as a
# function from state to state. `stateless_call` is a layer without variables of its own: weights go in, and what changed comes
# out. `stateless_apply` is the same for an optimiser. The generator's forward pass is kept as a *pullback*: given the loss's
# gradient by the images, it returns the gradient by the weights.
#
# `lax.scan` takes many steps in one call: the host says "two hundred steps", and is free. With a mesh of devices the batch is
# cut along its first axis, and XLA puts in whatever communication the result needs. The program means the same as on
# one device: BatchNorm sees the whole batch, without having been told.
#
# On a processor there is a surprise. Inside of a loop XLA:CPU does not use its fast convolutions (JAX's issue
# [12868](https://github.com/jax-ml/jax/issues/12868), open since 2022), and a scan of our steps is forty times slower than the
# steps one by one: 13 against 514 images a second on the machine of this page. So on a processor we take one step a call.

# %%
#| exports
if BACKEND == "jax":
    def held(variables): return [v.value for v in variables]

    def state_variables(model):
        "Name -> Keras variables: everything that a step changes."
        return dict(g=model.generator.trainable_variables, gn=model.generator.non_trainable_variables,
                    d=model.discriminator.trainable_variables, dn=model.discriminator.non_trainable_variables,
                    opt_g=model.g_optimizer.variables, opt_d=model.d_optimizer.variables, average=model.average.variables,
                    own=[model.sums, model.counted, model.bad, model.iteration])

    def scaled_loss(opt, values, loss): # values of the optimiser's variables
        with keras.StatelessScope(state_mapping=list(zip(opt.variables, values))): return opt.scale_loss(loss)

    def stateless_step(self, s, x, z): # state, uint8 images, latents: all of the batch
        "One step of the game: the next state, and what was measured."
        G, D, opt_g, opt_d, x = self.generator, self.discriminator, self.g_optimizer, self.d_optimizer, scaled_images(x)
        fake, pull, gn = jax.vjp(lambda g: G.stateless_call(g, s["gn"], z, training=True), s["g"], has_aux=True)
        def of_d(d):
            a, dn = D.stateless_call(d, s["dn"], jnp.concatenate([x, fake]), training=True)
            a_real, a_fake = jnp.split(a, 2)
            loss = self.d_loss(a_real, a_fake)
            return scaled_loss(opt_d, s["opt_d"], loss), (loss, a_real, a_fake, dn)
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
        values, (*own, iteration) = measurements(loss_d, loss_g, a_real, a_fake, norm_d, norm_g), s["own"]
        names = {id(v): value for v, value in [*zip(G.trainable_variables, g), *zip(G.non_trainable_variables, gn)]}
        average = self.averaged(s["average"], [names[id(v)] for v in G.variables], iteration)
        return dict(g=g, gn=gn, d=d, dn=dn, opt_g=new_g, opt_d=new_d, average=average,
                    own=list(self.noted(*own, iteration, values))), values

    def indexed_step(self, s, images, index):
        "A step on the images with these numbers, and the latents of its iteration."
        key = jax.random.fold_in(jax.random.key(self.seed), s["own"][3])
        x, z = images[index], jax.random.normal(key, (self.batch_size, self.latent_dim))
        if self.mesh is not None:
            over = jax.sharding.NamedSharding(self.mesh, jax.sharding.PartitionSpec("batch"))
            x, z = (jax.lax.with_sharding_constraint(a, over) for a in (x, z))
        return stateless_step(self, s, x, z)[0]

    def jit_steps(self):
        "One step, and as many as `index` has rows; both in place."
        def one(s, images, index): return indexed_step(self, s, images, index)
        def many(s, images, index): return jax.lax.scan(lambda s, row: (indexed_step(self, s, images, row), None), s, index)[0]
        return jax.jit(one, donate_argnums=0), jax.jit(many, donate_argnums=0)

    def fit(self, part, epochs=1, initial_epoch=0, callbacks=None, verbose=0, stop=lambda: False):
        "As Keras's `fit`, for a `Part` per call: its batches are taken once for each epoch. `stop` is asked between calls."
        assert isinstance(part, Part), "on JAX, fit takes what Batches.part returns"
        if self.jitted is None: self.jitted = jit_steps(self)
        one, many = self.jitted
        callbacks = keras.callbacks.CallbackList(callbacks, add_history=True, model=self, verbose=verbose, epochs=epochs,
                                                 steps=len(part))
        variables = state_variables(self)
        def taken_out(): # copies, for what is donated must not be shared
            state = jax.tree.map(jnp.copy, {name: held(vs) for name, vs in variables.items()})
            if self.mesh is None: return state
            return jax.device_put(state, jax.sharding.NamedSharding(self.mesh, jax.sharding.PartitionSpec()))
        def put_back():
            for name, vs in variables.items():
                for v, value in zip(vs, state[name]): v.assign(value)
        callbacks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            callbacks.on_epoch_begin(epoch)
            at, n, state = 0, self.steps_per_execution, taken_out()
            while at < len(part) and not stop():
                if n > 1 and at + n <= len(part): state, at = many(state, part.images, part.index[at:at + n]), at + n
                else: state, at = one(state, part.images, part.index[at]), at + 1
            self.taken = at # how many steps of the part
            put_back()
            callbacks.on_epoch_end(epoch, self.means())
        callbacks.on_train_end()
        return self.history

    AdversarialModel.stateless_step, AdversarialModel.fit = stateless_step, fit

# %%
#| exports
def means(self):
    "The measurements since the last reset, averaged: name -> mean. Waits for the device."
    n = max(int(ops.convert_to_numpy(self.counted)), 1)
    return dict(zip(MEASURED, (ops.convert_to_numpy(self.sums).astype(np.float64) / n).tolist()))

def reset_means(self):
    "Begin to measure anew."
    for v in (self.sums, self.counted): v.assign(ops.zeros(v.shape, v.dtype))

AdversarialModel.means, AdversarialModel.reset_means = means, reset_means

# %%
#| exports
def make_latents(num, latent_dim, seed):
    "Standard normal latents, float32 [num, latent_dim], the same on every machine and on both backends."
    return np.random.default_rng([seed, 2**31]).standard_normal((num, latent_dim), np.float32)

def to_images(x): # [N, H, W, C] in [-1, 1]
    "As pixels, uint8."
    x = ops.round((ops.cast(x, "float32") + 1) * 127.5)
    return ops.convert_to_numpy(ops.clip(x, 0, 255)).astype(np.uint8)

def draw(network, # a generator
         num, # images
         seed, # of the latents
    ):
    "Images of a generator in evaluation mode, uint8 [num, H, W, C]."
    return draw_latents(network, make_latents(num, network.input_shape[-1], seed))

def draw_latents(network, # a generator
                 z, # latents, float32 [N, latent_dim]
                 batch=500):
    "What becomes of these latents, uint8 [N, H, W, C]; in parts of one shape, so that nothing is compiled twice."
    n, batch = len(z), min(batch, len(z))
    z = np.concatenate([z, np.zeros((-n % batch, z.shape[1]), np.float32)])
    return np.concatenate([to_images(network(z[i:i + batch], training=False)) for i in range(0, n, batch)])[:n]

def seed_everything(seed, # 0 to 2**63 - 1
                    deterministic=False): # forbid kernels whose result depends on timing; for the whole process
    "Seed Python, NumPy and the backend."
    keras.utils.set_random_seed(seed % 2**32)
    if deterministic and BACKEND == "tensorflow": tf.config.experimental.enable_op_determinism()
