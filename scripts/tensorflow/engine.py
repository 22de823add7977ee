# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The engine
#
# > One step of each network with `tf.GradientTape`, and many steps in one call
#
# - skip_showdoc: true
# - order: 28

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/engine.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/engine.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/engine.ipynb) · [API](../about/api.ipynb#tensorflow-engine) · [Side by side](../about/side_by_side.ipynb#engine)

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
# **You will be able to** write the steps of both networks with gradient tapes and say why they need two, penalise a
# discriminator's gradient with a tape inside a tape, scale losses for float16, and run many steps in one call of a
# `tf.function` without a retrace.
#
# **You need** [The two networks](model.ipynb), and to know what a sigmoid and a gradient are. **It takes** forty minutes
# to read with care; the cells run in two minutes.

# %%
#| default_exp tensorflow.engine

# %%
#| exports
from gan_course.tensorflow.config import current_strategy # first: it chooses Keras's backend

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from gan_course.tensorflow.utils import DRAWS, Meter, step_seed, stateless_normal

# %%
from gan_course.basics import budget
from gan_course.datasets import garments, load_dataset
from gan_course.tensorflow.config import CONFIG
from gan_course.tensorflow.model import build_networks
from gan_course.tensorflow.utils import seed_everything

# %%
seed_everything(0)

# %% [markdown]
# ## The game, as a loss on logits
#
# The [discriminator](../about/glossary.ipynb#gl-discriminator) gives each image $x$ a [logit](../about/glossary.ipynb#gl-logit) $a = D(x)$. Read through the sigmoid $\sigma(a) = 1/(1+e^{-a})$ it is the
# probability that the image is real. Goodfellow et al. [-@goodfellow2014gan, eq. 1] let the two networks play for one number:
#
# $$\min_G \max_D \; V(D, G) = \mathbb{E}_x[\log \sigma(D(x))] + \mathbb{E}_z[\log(1 - \sigma(D(G(z))))]$$
#
# As a loss, the discriminator's part is the binary [cross-entropy](../about/glossary.ipynb#gl-cross-entropy) of a classifier with labels 1 and 0. Keras has it, in two
# forms. What will they give for a generated image with logit 20, about which $D$ is badly wrong?

# %%
a = tf.constant([20.0])
zero = tf.zeros(1)
print("from probabilities:", float(keras.losses.BinaryCrossentropy()(zero, tf.sigmoid(a))))
print("from logits:       ", float(keras.losses.BinaryCrossentropy(from_logits=True)(zero, a)))


# %% [markdown]
# In float32 $\sigma(20)$ is exactly 1. Keras then clips it to 1 − 10⁻⁷, so that the logarithm stays finite, and gives 16
# where the answer is 20. That is worse than an infinity, because nobody notices: the clipped value has a *gradient of zero*.
# From logits the two functions are computed together,
#
# $$-\log \sigma(a) = \log(1 + e^{-a}) = \mathrm{softplus}(-a), \qquad -\log(1-\sigma(a)) = \mathrm{softplus}(a)$$
#
# and are right for every $a$.

# %%
def slope(loss, a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = loss(a)
    return float(tape.gradient(value, a)[0])

clipped = slope(lambda a: keras.losses.BinaryCrossentropy()(zero, tf.sigmoid(a)), a)
right = slope(lambda a: keras.losses.BinaryCrossentropy(from_logits=True)(zero, a), a)
print(f"gradient from probabilities {clipped:.3f}, from logits {right:.3f}")
assert clipped == 0 and abs(right - 1) < 1e-6

# %% [markdown]
# ## What the generator feels
#
# In the game as written the [generator](../about/glossary.ipynb#gl-generator) minimises $\log(1-\sigma(a))$ with $a = D(G(z))$. Goodfellow et al. propose
# $-\log\sigma(a)$ in its place, which has the same fixed points and is called **[non-saturating](../about/glossary.ipynb#gl-non-saturating)**. Everything the generator
# learns comes through the derivative by $a$:
#
# $$\frac{d}{da}\log(1-\sigma(a)) = -\sigma(a), \qquad \frac{d}{da}\bigl(-\log\sigma(a)\bigr) = -(1-\sigma(a)) = -\sigma(-a)$$
#
# Early in training the discriminator sees through everything: $a = -5$, say. Predict both gradients before you look.

# %%
a = tf.constant([-5.0])
minimax = slope(lambda a: -tf.math.softplus(a), a)
non_saturating = slope(lambda a: tf.math.softplus(-a), a)
print(f"minimax {minimax:.4f}, non-saturating {non_saturating:.4f}")
assert (abs(minimax + float(tf.sigmoid(a)[0])) < 1e-6
        and abs(non_saturating + float(tf.sigmoid(-a)[0])) < 1e-6)


# %% [markdown]
# A factor of 150: the [minimax](../about/glossary.ipynb#gl-minimax) loss teaches least when there is most to learn.
#
# Both judge a generated image on its own. The **[relativistic](../about/glossary.ipynb#gl-relativistic)** loss of the `modern` [recipe](../about/glossary.ipynb#gl-recipe) compares it with a real one
# [@jolicoeur2018relativistic]: which of the two is real? The logit of that question is the difference:
#
# $$L_D = \mathbb{E}\,\mathrm{softplus}\bigl(-(D(x) - D(G(z)))\bigr), \qquad L_G = \mathbb{E}\,\mathrm{softplus}\bigl(-(D(G(z)) - D(x))\bigr)$$
#
# Adding a constant to all logits changes nothing, and a generator cannot put all its images where $D$ happens to be
# lenient: the real ones set the standard everywhere. The [PyTorch lesson](../pytorch/engine.ipynb) goes further into why.
#
# All three in one place. One-sided [label smoothing](../about/glossary.ipynb#gl-label-smoothing) [@salimans2016improved] asks $D$ for 0.9 instead of 1 on real images;
# never for 0.1 on generated ones, which would reward the generator for staying as it is.

# %%
#| exports
def cross_entropy(label, a): # a number in [0, 1]; logits
    "Binary cross-entropy on logits, a mean over the batch."
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(a), label), a))

def discriminator_loss(a_real, # logits of real images, [B]
                       a_fake, # logits of as many generated ones, [B]
                       loss="relativistic", # or "non_saturating", "minimax"
                       label_smoothing=0.0, # real images are labelled 1 - this
    ): # a number
    "What D minimises (Goodfellow et al. 2014, eq. 1; Jolicoeur-Martineau 2018, eq. 5)."
    if loss == "relativistic": return tf.reduce_mean(tf.math.softplus(-(a_real - a_fake)))
    return cross_entropy(1.0 - label_smoothing, a_real) + cross_entropy(0.0, a_fake)

def generator_loss(a_fake, # logits of generated images, [B]
                   a_real=None, # logits of real ones, [B]: only the relativistic loss needs them
                   loss="relativistic", # or "non_saturating", "minimax"
    ): # a number
    "What G minimises (Goodfellow et al. 2014, section 3; Jolicoeur-Martineau 2018, eq. 6)."
    if loss == "relativistic": return tf.reduce_mean(tf.math.softplus(-(a_fake - a_real)))
    if loss == "non_saturating": return tf.reduce_mean(tf.math.softplus(-a_fake))
    return -tf.reduce_mean(tf.math.softplus(a_fake)) # minimax: log(1 - σ(a))


# %% [markdown]
# When $D$ knows nothing, all logits are equal. Each loss then has a value worth remembering: it is what you see in the
# first step, and what you hope to see in the end.

# %%
# NBVAL_CHECK_OUTPUT
same = tf.zeros(8)
for loss in ("relativistic", "non_saturating", "minimax"):
    d, g = discriminator_loss(same, same, loss), generator_loss(same, same, loss)
    print(f"{loss:<15} D {float(d):.3f}  G {float(g):+.3f}")

# %%
a_real, a_fake = (tf.random.stateless_normal((64,), seed=[0, i]) for i in (1, 2))
for loss in ("relativistic", "non_saturating", "minimax"):
    plain, shifted = (float(discriminator_loss(a_real + c, a_fake + c, loss)) for c in (0, 3))
    assert (abs(plain - shifted) < 1e-5) == (loss == "relativistic"), (
        "only a comparison ignores a constant")
keras_says = keras.losses.BinaryCrossentropy(from_logits=True)
both = keras_says(tf.ones(64), a_real) + keras_says(tf.zeros(64), a_fake)
assert abs(float(discriminator_loss(a_real, a_fake, "non_saturating") - both)) < 1e-6
smooth = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)(tf.ones(64), a_real)
ours = discriminator_loss(a_real, a_fake, "non_saturating", 0.1) - keras_says(tf.zeros(64), a_fake)
assert abs(float(ours - smooth)) < 1e-6, (
    "Keras's label_smoothing is twice ours: it moves both labels")

# %% [markdown]
# The last assertion hides a trap. Keras's `label_smoothing=0.1` labels a real image 0.95, because it moves *both* ends towards
# the middle; used on the generated images too, it is not one-sided.
#
# ## Tapes
#
# TensorFlow takes gradients of what it has *seen*: inside a `tf.GradientTape` it notes each operation, and
# `tape.gradient` walks the notes backwards. A GAN step needs two gradients, of $D$'s loss by $D$'s weights and of $G$'s
# loss by $G$'s. Can one [tape](../about/glossary.ipynb#gl-tape) serve both?

# %%
G, D = build_networks(CONFIG)
x = tf.cast(garments(64)[0], tf.float32) / 127.5 - 1
z = stateless_normal((64, CONFIG.latent_dim), step_seed(0, 0, 0))

with tf.GradientTape() as tape:
    fake = G(z, training=True)
    a_real, a_fake = D(x, training=True), D(fake, training=True)
    loss_d, loss_g = discriminator_loss(a_real, a_fake), generator_loss(a_fake, a_real)
for_d = tape.gradient(loss_d, D.trainable_variables)
try: tape.gradient(loss_g, G.trainable_variables)
except RuntimeError as error: print(error)


# %% [markdown]
# A tape is erased when it is used. `persistent=True` would keep it, and this is what many do next. Then everything runs, and
# the game is another one. What the tape holds is $D$ *as it was*. If $D$ takes its step first, the generator's gradient
# comes from a discriminator that no longer exists. How different is it?

# %%
def flat(gradients): return tf.concat([tf.reshape(g, -1) for g in gradients], 0)

with tf.GradientTape(persistent=True) as tape:
    fake = G(z, training=True)
    a_real, a_fake = D(x, training=True), D(fake, training=True)
    loss_d, loss_g = discriminator_loss(a_real, a_fake), generator_loss(a_fake, a_real)
opt = keras.optimizers.Adam(CONFIG.lr_d, CONFIG.beta1, CONFIG.beta2)
opt.apply(tape.gradient(loss_d, D.trainable_variables), D.trainable_variables)
stale = flat(tape.gradient(loss_g, G.trainable_variables))

with tf.GradientTape() as tape:
    fake = G(z, training=True)
    loss_g = generator_loss(D(fake, training=True), D(x, training=True))
fresh = flat(tape.gradient(loss_g, G.trainable_variables))
cosine = tf.reduce_sum(stale * fresh) / (tf.norm(stale) * tf.norm(fresh))
print(f"stale {tf.norm(stale):.2e}, fresh {tf.norm(fresh):.2e}; cosine of the angle {cosine:.2f}")
assert tf.norm(fresh) > 1.2 * tf.norm(stale)

# %% [markdown]
# The step of $D$ was a step to see through these very images, and $G$ should answer to what $D$ sees *now*. (Updating both from the
# old state is a legitimate game too, the one that TensorFlow's [DCGAN](../about/glossary.ipynb#gl-dcgan) tutorial plays with two tapes. It is not the game
# of the paper, nor of our other tracks.) A persistent tape also keeps every intermediate result of both networks until it
# is deleted.
#
# So: a tape for each. But must the images be generated twice? The generator does not change while $D$ takes its step. A tape can be
# *left and entered again*: it notes how $G$ makes its images, pauses while $D$ learns, and goes on with the new $D$. It is
# used once, in the end.

# %%
pausing = tf.GradientTape(watch_accessed_variables=False)
with pausing:
    pausing.watch([v.value for v in G.trainable_variables])
    fake = G(z, training=True)
# ... here D would take its step ...
with pausing:
    loss_g = generator_loss(D(fake, training=True), D(x, training=True))
resumed = flat(pausing.gradient(loss_g, [v.value for v in G.trainable_variables]))
print(f"relative difference {float(tf.norm(resumed - fresh) / tf.norm(fresh)):.1e}")
assert tf.norm(resumed - fresh) < 1e-4 * tf.norm(fresh)


# %% [markdown]
# `watch_accessed_variables=False` keeps $D$'s weights out of the generator's tape: their gradients would be computed for
# nothing.
#
# ## A discriminator with brakes
#
# Two players that each go down their own slope circle around the solution. What pulls them in is a penalty on the squared
# gradient of $D$ at real images, $R_1$, and at generated ones, $R_2$ (Mescheder et al. [-@mescheder2018converge], eq. 9; the
# [PyTorch lesson](../pytorch/engine.ipynb) derives the circle and shows the penalty stop it):
#
# $$R_1 = \frac{\gamma}{2}\,\mathbb{E}_x\|\nabla_x D(x)\|^2, \qquad R_2 = \frac{\gamma}{2}\,\mathbb{E}_z\|\nabla_{x} D(x)\big|_{x = G(z)}\|^2$$
#
# To train with it one needs the gradient of a gradient: a tape inside of a tape. The inner one takes the gradient by the
# images; the outer one has noted all that the inner one did.

# %%
#| exports
def squared_gradient_norm(D, # images -> logits
                          x, # images, [B, H, W, C]
    ): # [B]: |grad of D at x|^2, one number per image; an outer tape can differentiate it
    "What R1 and R2 penalise (Mescheder et al. 2018, eq. 9)."
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(D(x))
    gradient = tf.cast(tape.gradient(total, x), tf.float32)
    return tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3])


# %% [markdown]
# A discriminator whose gradient we know: $D(x) = \langle w, x\rangle$ has gradient $w$ everywhere.

# %%
w = tf.Variable(tf.random.stateless_normal((28, 28, 1), seed=[0, 3]))
def linear(x): return tf.reduce_sum(w * x, axis=[1, 2, 3])

with tf.GradientTape() as outer:
    norms = squared_gradient_norm(linear, x[:5])
    penalty = tf.reduce_mean(norms)
np.testing.assert_allclose(norms, np.full(5, float(tf.reduce_sum(w**2))), rtol=1e-5)
np.testing.assert_allclose(outer.gradient(penalty, w), 2 * w, rtol=1e-5) # d|w|²/dw

# %% [markdown]
# The sum in the inner tape deserves a thought: a gradient of a sum over the [batch](../about/glossary.ipynb#gl-batch) is the gradient of each image's own logit
# *only if no image influences another's logit*. With [BatchNorm](../about/glossary.ipynb#gl-batchnorm) in $D$ one does. So the penalties and BatchNorm in $D$
# do not go together, and the `modern` recipe has no normalisation there:

# %%
for norm in ("none", "batch"):
    _, D2 = build_networks(CONFIG.replace(d_norm=norm))
    with tf.GradientTape() as tape:
        pair = x[:2]
        tape.watch(pair)
        logit = D2(pair, training=True)[0]
    own, other = (float(tf.norm(g)) for g in tape.gradient(logit, pair))
    print(f"d_norm={norm:<6} by its own pixels {own:.4f}, by another's {other:.4f}")
    assert (other == 0) == (norm == "none")


# %% [markdown]
# The discriminator's whole loss. The penalty is *[lazy](../about/glossary.ipynb#gl-lazy-penalty)* [@karras2020stylegan2, appendix B]: applied in every 16th step, and 16
# times as strong. Real and generated images are judged in one batch, which keeps the processor busier, unless $D$ has
# BatchNorm: it should see the two kinds apart.

# %%
#| exports
def discriminator_objective(D, # images -> logits, in training mode
                            x, # real images, [B, H, W, C]
                            fake, # generated ones, as many
                            config, # a `Config`
                            penalise, # whether this step carries the penalties; Python's bool
    ): # loss, logits of x, logits of fake, penalty before lazy weighting (0 if none)
    "What D minimises in one step, penalties included."
    c, both = config, tf.concat([x, fake], 0)
    if c.d_norm == "batch": a_real, a_fake = D(x), D(fake)
    else: a_real, a_fake = tf.split(D(both), 2)
    loss, penalty = discriminator_loss(a_real, a_fake, c.loss, c.label_smoothing), tf.zeros(())
    if penalise:
        at_real, at_fake = tf.split(squared_gradient_norm(D, both), 2)
        penalty = c.r1 / 2 * tf.reduce_mean(at_real) + c.r2 / 2 * tf.reduce_mean(at_fake)
        loss = loss + c.penalty_every * penalty
    return loss, a_real, a_fake, penalty


# %%
def D1(x): return 3.0 * tf.reduce_mean(x, axis=[1, 2, 3]) # its gradient is 3/784 in every pixel

config = CONFIG.replace(r1=0.5, r2=0.25, penalty_every=16)
plain, *_ = discriminator_objective(D1, x, -x, config, penalise=False)
whole, a_real, a_fake, penalty = discriminator_objective(D1, x, -x, config, penalise=True)
np.testing.assert_allclose(penalty, (0.5 + 0.25) / 2 * 784 * (3 / 784)**2, rtol=1e-5)
np.testing.assert_allclose(whole, plain + 16 * penalty, rtol=1e-6)
np.testing.assert_allclose(a_fake, -D1(x), rtol=1e-5, atol=1e-6)

# %% [markdown]
# ## One iteration
#
# `d_steps` steps of the discriminator, each with real images of its own, and `g_steps` of the generator. It is written for
# one [replica](../about/glossary.ipynb#gl-replica). With several, each draws the [latents](../about/glossary.ipynb#gl-latent) of the *whole* batch, from the same [stateless](../about/glossary.ipynb#gl-stateless) [seed](../about/glossary.ipynb#gl-seed), and takes its
# share: two replicas do what one would do. The gradients are averaged over the replicas before they are applied.
#
# What changes with several is BatchNorm. Each replica normalises with the statistics of its own share: eight replicas
# with a batch of 64 see 8 images each, and their statistics are noisy. `sync_batch_norm` computes them over all, for the price
# of an exchange in every layer. The running averages that sampling uses have to be the same everywhere, or a [checkpoint](../about/glossary.ipynb#gl-checkpoint) would
# hold those of one replica's images. Keras leaves each replica its own; we average them over the replicas.

# %%
#| exports
MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "rank_accuracy", "grad_norm_d", "grad_norm_g",
            "penalty")
NEVER = 2**62 # `first_bad` as long as everything is finite

class GANStep:
    """One iteration of the game. Make it inside the strategy's scope; it holds no state but
    measurements."""
    def __init__(self, G, D, opt_g, opt_d, config, batches): # a `DeviceBatches`
        self.G, self.D, self.opt_g, self.opt_d = G, D, opt_g, opt_d
        self.config, self.batches = config, batches
        self.replicas = current_strategy().num_replicas_in_sync
        self.meter = Meter(MEASURED)
        self.first_bad = tf.Variable(NEVER, dtype=tf.int64, trainable=False, name="first_bad")
        for opt, network in ((opt_g, G), (opt_d, D)): opt.build(network.trainable_variables)

    def share(self, whole): # [B, ...]
        "This replica's part of something that there is for the whole batch."
        if self.replicas == 1: return whole
        me = tf.distribute.get_replica_context().replica_id_in_sync_group
        part = whole.shape[0] // self.replicas
        return tf.reshape(whole, (self.replicas, part, *whole.shape[1:]))[me]

    def latents(self, seed):
        "All replicas draw the whole batch's latents, and each takes its share."
        return self.share(stateless_normal((self.config.batch_size, self.config.latent_dim), seed))

    def fakes(self, seed):
        "Generated images, and the paused tape that knows how they were made."
        z, tape = self.latents(seed), tf.GradientTape(watch_accessed_variables=False)
        with tape:
            tape.watch([v.value for v in self.G.trainable_variables])
            return self.G(z, training=True), tape

    def noisy(self, x, deviation, seed):
        "Instance noise (Sønderby et al. 2017), the same for both kinds of image."
        if not self.config.instance_noise: return x
        return (x + deviation
                * self.share(stateless_normal((self.config.batch_size, *x.shape[1:]), seed)))

    def judge(self, x): return self.D(x, training=True)

    def apply(self, opt, network, tape, scaled_loss):
        "Take a step; return the norm of the gradient, averaged over replicas and unscaled."
        scale = opt.scale_loss(tf.ones(())) # 1 but for float16, and the step may change it
        gradients = tape.gradient(scaled_loss, [v.value for v in network.trainable_variables])
        if self.replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce("MEAN", gradients)
        # Keras adds the replicas' gradients up, which by now are all the same.
        opt.apply([g / self.replicas for g in gradients], network.trainable_variables)
        return tf.linalg.global_norm(gradients) / scale

    def discriminator_step(self, x, fake, penalise):
        "Returns loss, gradient norm, logits of real and generated images, penalty."
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in self.D.trainable_variables])
            loss, a_real, a_fake, penalty = discriminator_objective(
                self.judge, x, fake, self.config, penalise)
            scaled = self.opt_d.scale_loss(loss)
        return loss, self.apply(self.opt_d, self.D, tape, scaled), a_real, a_fake, penalty

    def generator_step(self, x, fake, tape, deviation, seeds):
        "Returns loss and gradient norm. `tape` is the one that `fakes` paused."
        relativistic = self.config.loss == "relativistic"
        a_real = (tf.stop_gradient(self.judge(self.noisy(x, deviation, seeds()))) if relativistic
                  else None)
        with tape:
            a_fake = self.judge(self.noisy(fake, deviation, seeds()))
            loss = generator_loss(a_fake, a_real, self.config.loss)
            scaled = self.opt_g.scale_loss(loss)
        return loss, self.apply(self.opt_g, self.G, tape, scaled)

    def average_statistics(self):
        "Give all replicas the mean of their running averages in BatchNorm."
        own = [v for network in (self.G, self.D) for layer in network.layers
               if isinstance(layer, keras.layers.BatchNormalization)
               for v in layer.non_trainable_variables]
        context = tf.distribute.get_replica_context()
        means = context.all_reduce("MEAN", [tf.identity(v.value) for v in own])
        for v, mean in zip(own, means): v.assign(mean)

    def __call__(self,
                 index, # the numbers of the real images, int32 [d_steps, B]
                 iteration, # int64
                 penalise=False, # whether the discriminator's steps carry the penalties
                 deviation=0.0, # of the instance noise
                ): # what was measured, float32, in the order of `MEASURED`
        "In a replica of the strategy."
        c, used = self.config, iter(range(DRAWS))
        def seeds(): return step_seed(c.seed, iteration, next(used))
        for i in range(c.d_steps):
            x = self.batches.pick(index[i], seeds(), self.share)
            fake, tape = self.fakes(seeds())
            loss_d, norm_d, a_real, a_fake, penalty = self.discriminator_step(
                self.noisy(x, deviation, seeds()), self.noisy(fake, deviation, seeds()), penalise)
        for i in range(c.g_steps):
            if i: fake, tape = self.fakes(seeds())
            loss_g, norm_g = self.generator_step(x, fake, tape, deviation, seeds)
        if self.replicas > 1 and not c.sync_batch_norm: self.average_statistics()
        return tf.stack([loss_d, loss_g, tf.reduce_mean(tf.sigmoid(a_real)),
                         tf.reduce_mean(tf.sigmoid(a_fake)),
                         tf.reduce_mean(tf.cast(a_real > a_fake, tf.float32)), norm_d, norm_g,
                         penalty])

    def measure(self, values, iteration, penalise):
        "Add what all replicas measured on average; note the first iteration that was not finite."
        named = dict(zip(MEASURED, tf.unstack(values)))
        if not penalise: del named["penalty"]
        self.meter.add(**named)
        watched = [named["loss_d"], named["loss_g"]]
        if not isinstance(self.opt_d, keras.optimizers.LossScaleOptimizer): # which skips such steps
            watched += [named["grad_norm_d"], named["grad_norm_g"]]
        finite = tf.reduce_all(tf.math.is_finite(tf.stack(watched)))
        now = tf.where(finite, tf.constant(NEVER, tf.int64), tf.cast(iteration, tf.int64))
        self.first_bad.assign(tf.minimum(self.first_bad, now))


# %% [markdown]
# Try it: after a step, both networks have moved. One parameter may stand still: the last bias of $D$ is a constant added to all
# logits, which the relativistic loss does not see (and nor do the penalties).

# %%
from gan_course.tensorflow.data import DeviceBatches

# %%
small = load_dataset("garments", limit=640)

def adam(lr): return keras.optimizers.Adam(lr, CONFIG.beta1, CONFIG.beta2, epsilon=1e-8)

def game(config=CONFIG, optimizer=adam, policy="float32"):
    "Networks, optimisers and step of a configuration."
    seed_everything(0)
    G, D = build_networks(config, policy)
    opts = [optimizer(lr) for lr in (config.lr_g, config.lr_d)]
    return GANStep(G, D, *opts, config, DeviceBatches(small, config.batch_size))

def numbers(network): return {v.path: v.numpy() for v in network.trainable_variables}

step = game()
before = numbers(step.G) | numbers(step.D)
values = step(tf.constant([step.batches.index(0, 0)]), 0, penalise=True)
step.measure(values, 0, penalise=True)
after = numbers(step.G) | numbers(step.D)
stuck = {name for name in before if (before[name] == after[name]).all()}
assert stuck <= {"to_logit/bias"}, stuck
{name: round(value, 3) for name, value in step.meter.means().items()}

# %% [markdown]
# The loss of both begins at $\log 2 = 0.693$. To trust the rest, compare with a step taken by hand: the same
# weights, images and latents, the plain sequence of operations, fresh tapes throughout. Both take a plain gradient step, as
# [Adam's](../about/glossary.ipynb#gl-adam) first step looks at little more than the sign of a gradient, and a sign may tip over the last digit.

# %%
ours, hand = (game(optimizer=keras.optimizers.SGD) for _ in range(2))
index = ours.batches.index(0, 0)
ours(tf.constant([index]), 0, penalise=True)

x = hand.batches.pick(index, step_seed(0, 0, 0))
z = stateless_normal((64, CONFIG.latent_dim), step_seed(0, 0, 1)) # the second draw of iteration 0
G, D = hand.G, hand.D
with tf.GradientTape() as tape:
    fake = G(z, training=True)
    a_real, a_fake = D(x), D(fake)
    penalty = 0.0
    for images, gamma in ((x, CONFIG.r1), (fake, CONFIG.r2)):
        with tf.GradientTape() as inner:
            inner.watch(images)
            logits = D(images)
        slopes = inner.gradient(logits, images)
        penalty += gamma / 2 * tf.reduce_mean(tf.reduce_sum(slopes**2, [1, 2, 3]))
    loss = tf.reduce_mean(tf.math.softplus(a_fake - a_real)) + CONFIG.penalty_every * penalty
hand.opt_d.apply(tape.gradient(loss, D.trainable_variables), D.trainable_variables)
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.math.softplus(D(x) - D(G(z, training=True))))
hand.opt_g.apply(tape.gradient(loss, G.trainable_variables), G.trainable_variables)

# %%
for mine, other in [(ours.G, hand.G), (ours.D, hand.D)]:
    for a, b in zip(mine.trainable_variables, other.trainable_variables):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-7, err_msg=a.path)

# %% [markdown]
# The other settings, each tried once: BatchNorm in $D$, the other losses, several steps, [instance noise](../about/glossary.ipynb#gl-instance-noise), smoothing.

# %%
for changes in [dict(recipe="dcgan"), dict(loss="minimax"), dict(d_steps=3, g_steps=2),
                dict(instance_noise=0.1), dict(recipe="dcgan", label_smoothing=0.1),
                dict(upsample="resize", dropout=0.3)]:
    config = CONFIG.replace(batch_size=64, width=8, **changes)
    step = game(config)
    index = tf.constant([step.batches.index(0, i) for i in range(config.d_steps)])
    step.measure(step(index, 0, penalise=config.r1 + config.r2 > 0, deviation=0.1), 0, False)
    assert step.first_bad == NEVER and np.isfinite(step.meter.means()["loss_d"])

# %% [markdown]
# And what happens when something is not finite? The first such iteration is remembered, without asking the host:

# %%
step = game(CONFIG.replace(width=8))
good = step(tf.constant([step.batches.index(0, 0)]), 0)
for iteration in (0, 1): step.measure(good, iteration, False)
for iteration in (2, 3): step.measure(good + float("nan"), iteration, False)
step.first_bad.numpy()

# %%
assert step.first_bad == 2

# %% [markdown]
# ## Many steps in one call
#
# Calling a `tf.function` costs a few milliseconds of Python, and on a GPU the step itself costs less than that. So the *loop* goes
# into the function. `for i in tf.range(n)` becomes a loop of the graph; Python is not asked until all `n` steps
# are done.
#
# A function is **[traced](../about/glossary.ipynb#gl-tracing)** anew for each new kind of argument: a tensor of another shape or type, or another Python value.
# Tracing our step takes seconds. So every tensor here has [one shape](../about/glossary.ipynb#gl-static-shape), whatever `n` is, and what Python decides is one `bool`:
# whether the step carries the penalties. Two traces, for ever.

# %%
#| exports
CALL = 50 # at most so many iterations in one call

class Steps:
    "Iterations of a `GANStep`, many in one call, with all that belongs to a step."
    # something with `update(network, keep)`, see the lesson on training
    def __init__(self, step, average,
                 xla=False): # compile with XLA
        self.step, self.average, self.strategy = step, average, current_strategy()
        # each `Steps` has a function of its own
        self.call = tf.function(partial(self.iterate), jit_compile=xla)

    def iterate(self, index, first, n, deviations, keeps, lr_g, lr_d, penalise):
        step = self.step
        for i in tf.range(n):
            step.opt_g.learning_rate.assign(lr_g[i])
            step.opt_d.learning_rate.assign(lr_d[i])
            iteration = first + tf.cast(i, tf.int64)
            each = self.strategy.run(step, (index[i], iteration, penalise, deviations[i]))
            step.measure(self.strategy.reduce("MEAN", each, axis=None), iteration, penalise)
            self.average.update(step.G, keeps[i])

    def __call__(self,
                 index, # int32 [n, d_steps, B]: the numbers of the images of each iteration
                 first, # number of the first iteration
                 penalise=False, # whether the iterations carry the penalties
                 **schedule, # deviations, keeps, lr_g, lr_d: n numbers each
                ):
        "Take the iterations. Returns without waiting for them."
        def padded(values, dtype):
            values = np.asarray(values, dtype)
            whole = np.zeros((CALL, *values.shape[1:]), dtype)
            whole[:len(values)] = values
            return tf.constant(whole)
        numbers = {name: padded(values, np.float32) for name, values in schedule.items()}
        self.call(padded(index, np.int32), tf.constant(first, tf.int64), tf.constant(len(index)),
                  penalise=penalise, **numbers)

    def traces(self):
        "How often the function was traced: once for each kind of step that was taken."
        return self.call.experimental_get_tracing_count()


# %%
class NoAverage:
    def update(self, network, keep): pass

def run(steps, first, n, penalise=False):
    c, per_epoch = CONFIG, len(steps.step.batches)
    index = [[steps.step.batches.index(*divmod(first + i, per_epoch))] for i in range(n)]
    steps(index, first, penalise, deviations=[0] * n, keeps=[0] * n, lr_g=[c.lr_g] * n,
          lr_d=[c.lr_d] * n)

fused = Steps(game(optimizer=keras.optimizers.SGD), NoAverage())
run(fused, 0, 1, True); run(fused, 1, 3); run(fused, 4, 2)
print("traced", fused.traces(), "times")

# %%
plain = game(optimizer=keras.optimizers.SGD)
for i in range(6):
    plain.measure(plain(tf.constant([plain.batches.index(0, i)]), i, i == 0), i, i == 0)
for a, b in zip(fused.step.G.variables, plain.G.variables):
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-6, err_msg=a.path)
assert fused.traces() == 2, "one for plain steps, one for those with penalties"
assert fused.step.meter.counts.numpy()[0] == 6


# %% [markdown]
# Six steps in three calls, and the same weights as by six single ones, up to rounding.
#
# ## Which number format?
#
# Keras computes in half precision where a layer's policy says so. float16 has a narrow range: a gradient below
# 10⁻⁷ becomes 0. So the loss is multiplied by a large number before the gradient is taken, and the gradient divided by it afterwards. If
# something overflows, the step is skipped and the number halved. In Keras that is an optimiser around the optimiser,
# `LossScaleOptimizer`. `compile` puts it there for you; in a loop of one's own nobody does, and each of the two needs its own.
# `scale_loss` in the steps above is where it comes in; with a plain optimiser it does nothing.

# %%
def scaling(lr):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(lr), initial_scale=1024.0)

scaled, plain = game(optimizer=scaling), game(optimizer=keras.optimizers.SGD)
for s in (scaled, plain): values = s(tf.constant([s.batches.index(0, 0)]), 0)
for a, b in zip(scaled.G.variables + scaled.D.variables, plain.G.variables + plain.D.variables):
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-7)
print("scaled by", float(scaled.opt_g.scale_loss(1.0)), "and divided again: the same step of both")

# %% [markdown]
# And which is the fastest here? Each format takes the same steps, in turns, on the same machine:

# %%
import statistics, time


# %%
def images_per_second(steps, n=budget(full=30, fast=2)):
    begin = time.perf_counter()
    run(steps, 0, n)
    steps.step.first_bad.numpy() # waits
    return n * CONFIG.batch_size / (time.perf_counter() - begin)

formats = {policy: Steps(game(policy=policy), NoAverage())
           for policy in ("float32", "mixed_bfloat16")}
for steps in formats.values(): images_per_second(steps, 2) # traces
rounds = [{policy: images_per_second(steps) for policy, steps in formats.items()}
          for _ in range(budget(full=5, fast=1))]
for policy in formats:
    print(f"{policy:<15} {statistics.median(r[policy] for r in rounds):,.0f} images a second")

# %% [markdown]
# A plain matrix product is more than twice as fast in [bfloat16](../about/glossary.ipynb#gl-bf16) here (the lesson on the [configuration](config.ipynb) measures
# it), and of that a fifth arrives in the training. On a processor with other units, AMX, we measured a loss, so float32 is
# what `precision="auto"` takes on processors; measure yours, and ask for `bf16` if it wins. [XLA](../about/glossary.ipynb#gl-xla) is not in the list: compiling
# takes most of a minute, and our convolutions then run some forty times slower on a processor (`bench/README.md`). On a GPU
# both are worth having, which is what `precision="auto"` and `xla="auto"` ask for there.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_engine import (check_mixing, check_r1, check_run,
                                                    check_smoothing)


# %% [markdown]
# ### 1. R1 from the formula
#
# Without `squared_gradient_norm`: write `r1(D, x, gamma)`, the penalty
# $\frac{\gamma}{2}\,\mathbb{E}_x\|\nabla_x D(x)\|^2$ as one number, from which a tape around it reaches the weights of $D$.
# What is summed, and over what does one take the mean? And when is the inner tape left?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def r1(D, x, gamma):
    with tf.GradientTape() as tape:
        tape.watch(x) # a tensor; only variables are watched unasked
        total = tf.reduce_sum(D(x)) # before the tape is left
    slope = tape.gradient(total, x)
    per_image = tf.reduce_sum(slope**2, axis=[1, 2, 3]) # |slope|^2: a sum over pixels, no root
    return gamma / 2 * tf.reduce_mean(per_image) # a mean over images

check_r1(r1)


# %% [markdown]
# ### 2. Smoothing on one side
#
# Write `smoothed(a_real, a_fake, s)`, the discriminator's non-saturating loss with real images labelled $1 - s$, from
# `keras.losses.BinaryCrossentropy`. You know what its `label_smoothing` does; what else can one do? With $s = 0.1$, at
# which logit of a real image is $D$ content? (The check prints it.)

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def smoothed(a_real, a_fake, s):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return loss((1 - s) * tf.ones_like(a_real), a_real) + loss(tf.zeros_like(a_fake), a_fake)

check_smoothing(smoothed)


# %% [markdown]
# ### 3. Where WGAN-GP looks
#
# Gulrajani et al. [-@gulrajani2017wgangp] penalise the gradient on the line between a real and a generated image. Write
# `between(x, fake, seed)`: for each pair one point $\epsilon x + (1 - \epsilon)\,G(z)$, with $\epsilon$ uniform in [0, 1]
# and drawn from `seed`, which is a `step_seed`. In how many places does one go wrong in a single line?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def between(x, fake, seed):
    epsilon = tf.random.stateless_uniform((len(x), 1, 1, 1), seed, alg="philox") # one per image
    return epsilon * x + (1 - epsilon) * fake

check_mixing(between)


# %% [markdown]
# ### 4. Traced once
#
# `step(i, lr)` is one iteration, and takes tensors. Write `make_run(step)`, which gives a function `run(n, lr)`: called with
# two Python numbers, it takes the steps 0 to `n` - 1 in one call of a `tf.function`. It is called often, each time with
# another `n` and `lr`, and should be traced once.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def make_run(step):
    @tf.function
    def steps(n, lr):
        for i in tf.range(n): step(i, lr)
    return lambda n, lr: steps(tf.constant(n), tf.constant(lr)) # another value, the same trace

check_run(make_run)

# %% [markdown]
# ## What to remember
#
# - Losses from logits. Keras's loss from probabilities clips, and where it clips there is no gradient.
# - A tape per gradient. One tape for both networks gives the generator the gradient of a discriminator of the past.
# - A tape can be left and entered again: the images are generated once.
# - Randomness from stateless seeds; several replicas draw the whole batch's latents and take their share.
# - The loop belongs into the function, every tensor has one shape, and the number of traces is asserted.
#
# **What goes wrong in practice, and how you see it.**
#
# - *`GradientTape.gradient can only be called once`*: and the next search result says `persistent=True`. See above.
# - *The gradient is `None`*: the variable was not watched, or the tape was left before the loss was computed.
# - *The penalty does nothing*: its gradient was taken outside of the outer tape.
# - *Every [epoch](../about/glossary.ipynb#gl-epoch) begins with a pause of seconds*: a retrace. Print `experimental_get_tracing_count()`.
# - *`merge_call called while defining a new graph`*: an optimiser inside a `tf.cond` of a replica. What is decided has to be
#   decided outside, as `penalise` is.
# - *float16 trains for a while, then stands still*: only one of the two optimisers scales its loss.
# - *D's loss falls to 0, and the samples stay noise*: $D$ ran away. Look at `rank_accuracy`, then at the penalties.
#
# **References.** Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*, eq. 1 and section 3. Salimans et al. [-@salimans2016improved], *Improved
# techniques for training GANs*, section 3.4. Mescheder, Geiger and Nowozin [-@mescheder2018converge], *Which training methods for GANs do
# actually converge?*, eq. 9. Jolicoeur-Martineau [-@jolicoeur2018relativistic], *The relativistic discriminator*. Karras et al. [-@karras2020stylegan2], *Analyzing
# and improving the image quality of StyleGAN*, appendix B. Micikevicius et al. [-@micikevicius2017mixed], *Mixed precision training*.
# TensorFlow's guides on [gradients and tapes](https://www.tensorflow.org/guide/autodiff) and on
# [`tf.function`](https://www.tensorflow.org/guide/function).
