# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training on photographs
#
# > One compiled step with augmentation, a penalty and an average; a loop that looks at what the discriminator remembers
#
# - skip_showdoc: true
# - order: 51

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/trainer.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/trainer.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/trainer.ipynb) · [API](../about/api.ipynb#flowers-trainer)

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
# **You will be able to** write a step in which everything random can be repeated, keep an eye on what the discriminator has learnt by heart, and resume a run to the bit.
#
# **You need** [Networks](networks.ipynb), [Augmentation](augment.ipynb) and [What every training loop needs](../foundations/loop.ipynb). **It takes** twenty minutes to read, and six to run.

# %%
#| default_exp flowers.trainer

# %%
#| exports
# first: it chooses Keras's backend
from gan_course.flowers.config import CONFIG, Config, artifact_paths, device_name, select_device

from functools import partial

import keras
import matplotlib
import numpy as np
import tensorflow as tf

from gan_course import figures, keras_files
from gan_course.basics import CourseError
from gan_course.datasets import to_float
from gan_course.flowers.augment import diff_augment
from gan_course.flowers.dataset import Batches, load_images
from gan_course.flowers.networks import create_discriminator, create_generator, gan_loss
from gan_course.flowers.utils import TRACK, generate_images
from gan_course.keras_files import KerasRecorder, KerasTraining, save_weights
from gan_course.loop import average_keep, restore_latest, run

# %%
import tempfile
from pathlib import Path

from gan_course.basics import budget
from gan_course.board import read_log
from gan_course.runs import provenance_line

# %% [markdown]
# ## The step
#
# The order of things in one iteration:
#
# 1. pick the real images; with `augmentation="augment_data"` change them;
# 2. draw [latents](../about/glossary.ipynb#gl-latent), generate;
# 3. with `diffaugment`, change real and generated images, each by draws of their own;
# 4. the [discriminator](../about/glossary.ipynb#gl-discriminator) judges both, in two [batches](../about/glossary.ipynb#gl-batch), so that its [BatchNorm](../about/glossary.ipynb#gl-batchnorm) sees each kind by itself; every sixteenth time the penalty is added; it takes its step;
# 5. the *new* discriminator judges the generated images again, changed as before; the [generator](../about/glossary.ipynb#gl-generator) takes its step;
# 6. the average follows the generator, BatchNorm's statistics included.
#
# The penalty is $\frac{r_1}{2}\,\overline{\lVert\nabla_x D(x)\rVert^2}$ at real images as the discriminator sees them [@mescheder2018converge, eq. 9], sixteen times as strong every sixteenth step, which costs a fraction [@karras2020stylegan2].
#
# Everything random has a [seed](../about/glossary.ipynb#gl-seed) made of the run's seed, the iteration and a number for its purpose. So a step depends on nothing but its number, the batch and the variables.

# %%
#| exports
MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "accuracy_real", "accuracy_fake", "grad_norm_d",
            "grad_norm_g")
LATENTS, CHANGE_REAL, CHANGE_FAKE, FLIPS, COPIES = range(5) # purposes of random numbers

def global_norm(gradients):
    "The Euclidean norm of all gradients together."
    return tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(g)) for g in gradients]))

class GANStep:
    "Two networks, their optimisers, an average, and one iteration of the game between them."
    def __init__(self, config, batches, # a `Batches`
                 channels=3):
        c = self.config = config
        self.batches, self.changed = batches, c.augmentation == "diffaugment"
        self.G, self.D = create_generator(c, channels), create_discriminator(c, channels)
        self.average = create_generator(c, channels)
        self.average.trainable = False
        self.opt_g, self.opt_d = (keras.optimizers.Adam(c.learning_rate, c.beta1, c.beta2, 1e-8)
                                  for _ in range(2))
        self.opt_g.build(self.G.trainable_variables)
        self.opt_d.build(self.D.trainable_variables)
        self.sums = tf.Variable(tf.zeros(len(MEASURED), tf.float64), trainable=False)
        # bad: the first bad iteration
        self.counted, self.bad = (tf.Variable(value, trainable=False, dtype=tf.int64)
                                  for value in (0, -1))
        self.train_step = tf.function(self.step)

    def seed(self, iteration, purpose):
        return tf.stack([tf.constant(self.config.seed, tf.int64), iteration * 8 + purpose])

    def shown(self, x, seed):
        "What the discriminator is shown of images."
        return diff_augment(x, self.config.policy_words(), seed) if self.changed else x

    # int32 [B]; int64; float32: what the average keeps; Python bool
    def step(self, index, iteration, keep, penalise):
        "One iteration; measurements are added to `sums`."
        c, seed = self.config, partial(self.seed, iteration)
        x = self.batches.pick(index, seed(COPIES) if c.augmentation == "augment_data" else None)
        z = tf.random.stateless_normal((c.batch_size, c.num_latent_inputs), seed(LATENTS),
                                       alg="philox")
        real = self.shown(x, seed(CHANGE_REAL))
        with tf.GradientTape() as tape_g:
            fake = self.shown(self.G(z, training=True), seed(CHANGE_FAKE))
            with tape_g.stop_recording(), tf.GradientTape() as tape_d:
                with tf.GradientTape() as tape_x:
                    tape_x.watch(real)
                    a_real = self.D(real, training=True)
                    logits = tf.reduce_sum(a_real)
                a_fake = self.D(fake, training=True)
                _, loss_d, d_fake, score = gan_loss(a_real, a_fake, c.flip_prob, seed(FLIPS))
                total = loss_d
                if penalise:
                    slope = tape_x.gradient(logits, real)
                    total += (c.penalty_every * c.r1 / 2
                              * tf.reduce_mean(tf.reduce_sum(tf.square(slope), (1, 2, 3))))
            with tape_g.stop_recording():
                gradients = tape_d.gradient(total, self.D.trainable_variables)
                self.opt_d.apply(gradients, self.D.trainable_variables)
                norm_d = global_norm(gradients)
            loss_g = gan_loss(a_real, self.D(fake, training=True))[0]
        gradients = tape_g.gradient(loss_g, self.G.trainable_variables)
        self.opt_g.apply(gradients, self.G.trainable_variables)
        for a, b in zip(self.average.variables, self.G.variables):
            a.assign(b.value + (a.value - b.value) * keep)
        # shares
        right = [tf.reduce_mean(tf.cast(logit > 0, tf.float32)) for logit in (a_real, -a_fake)]
        values = tf.stack([loss_d, loss_g, 2 * score - 1 + d_fake, d_fake, *right, norm_d,
                           global_norm(gradients)])
        self.sums.assign_add(tf.cast(values, tf.float64))
        self.counted.assign_add(1)
        wrong = tf.logical_not(tf.reduce_all(tf.math.is_finite(values)))
        self.bad.assign(tf.where(wrong & (self.bad < 0), iteration, self.bad))

    def __call__(self, index, iteration, keep):
        c = self.config
        self.train_step(index, tf.constant(iteration, tf.int64), tf.constant(keep, tf.float32),
                        c.r1 > 0 and iteration % c.penalty_every == 0)


# %%
small = CONFIG.replace(num_filters=8, limit=256, input_size=32)
dataset = load_images(small)
batches = Batches(dataset, small.batch_size)
step = GANStep(small, batches)
before = [v.numpy() for v in step.G.trainable_variables + step.D.trainable_variables]
for i in range(3): step(batches.index(0, i), i, average_keep(small.ema_half_life, 64, (i + 1) * 64))
dict(zip(MEASURED, (step.sums.numpy() / 3).round(3).tolist()))

# %%
after = [v.numpy() for v in step.G.trainable_variables + step.D.trainable_variables]
assert all(not np.array_equal(a, b) for a, b in zip(before, after)), "every parameter has moved"
assert np.isfinite(step.sums).all() and int(step.bad) == -1

# %% [markdown]
# Each of the four parts that act on the discriminator does something else to the numbers. **Predict:** for which of them is the discriminator's loss after a few steps the highest, and why does this say nothing against it?

# %%
ways = {"none": dict(augmentation="none"), "augment_data": dict(augmentation="augment_data"),
        "diffaugment": dict(augmentation="diffaugment"),
        "dropout 0.5": dict(augmentation="none", dropout_prob=0.5),
        "flips 0.3": dict(augmentation="none", flip_prob=0.3)}
ended = {}
for name, way in ways.items():
    trial = GANStep(small.replace(**way), batches)
    for i in range(steps := budget(full=40, fast=4)): trial(batches.index(i // 4, i % 4), i, 0.0)
    ended[name] = trial.sums.numpy() / steps
    print(f"{name:13}" + "  ".join(f"{what} {value:.2f}"
                                   for what, value in zip(MEASURED[:4], ended[name])))

# %%
assert all(np.isfinite(value).all() for value in ended.values())
assert ended["flips 0.3"][0] > ended["none"][0], "who is lied to pays for it"

# %% [markdown]
# ## The run
#
# `Training` fills in what [the loop](../foundations/loop.ipynb) wants of a track. New is `closer_look`, which is called where a measurement is due. Show the discriminator a photograph and a generated image: how often does it
# find the photograph more real? A half is a coin, 1 is perfection. Ask with photographs that it has been trained on, and with [held-out](../about/glossary.ipynb#gl-held-out) ones. As long as it judges by what flowers look like, both numbers are equal. The gap
# between them is what it has learnt [by heart](../about/glossary.ipynb#gl-memorising), and a generator gains nothing from that.
#
# The comparison of two [logits](../about/glossary.ipynb#gl-logit) needs no threshold. It looks as in training, with `diffaugment` through the [augmentation](../about/glossary.ipynb#gl-augmentation) and in batches of one kind; the running statistics of its BatchNorm, which such a look would change, are put back.

# %%
#| exports
SEED_LOOK = 3 # of the latents and changes of a closer look

class Training(KerasTraining):
    "All that changes during a run."
    # held_out: a `Dataset` for `closer_look`, or None
    def __init__(self, config, dataset, held_out=None):
        super().__init__()
        self.config, self.dataset, self.held_out = config, dataset, held_out
        self.batches = Batches(dataset, config.batch_size, config.seed)
        self.step = GANStep(config, self.batches, dataset.images.shape[-1])

    @property
    def G(self): return self.step.G

    @property
    def D(self): return self.step.D

    @property
    def ema(self): return self # what a recorder expects of an average: it has a `network`

    @property
    def network(self): return self.step.average

    def variables(self):
        "Name -> variable: everything that the rest of the run depends on."
        s = self.step
        parts = dict(G=s.G.variables, D=s.D.variables, ema=s.average.variables,
                     opt_g=s.opt_g.variables, opt_d=s.opt_d.variables,
                     own=[s.sums, s.counted, s.bad])
        return {f"{part}/{i:03d}": v for part, variables in parts.items()
                for i, v in enumerate(variables)}

    def iterations(self, batches): return len(batches)

    def advance(self, batches, steps, stop):
        c = self.config
        for _ in range(steps):
            self.images_seen += c.batch_size
            self.step(batches.index(self.epoch, self.step_in_epoch), self.steps,
                      average_keep(c.ema_half_life, c.batch_size, self.images_seen))
            self.steps += 1; self.step_in_epoch += 1
            if stop(): return

    def first_bad(self):
        bad = int(self.step.bad)
        return None if bad < 0 else bad

    def means(self):
        return dict(zip(MEASURED,
                        (self.step.sums.numpy() / max(int(self.step.counted), 1)).tolist()))

    def reset_means(self):
        for v in (self.step.sums, self.step.counted): v.assign(tf.zeros_like(v))

    def draw(self, num, seed): return generate_images(self.network, num, seed)
    def learning_rates(self):
        return dict(lr_g=self.config.learning_rate, lr_d=self.config.learning_rate)

    def closer_look(self, most=320): # images of each kind
        """How often the discriminator finds a photograph more real than a generated image: one it
        was trained on, and one held out."""
        if self.held_out is None: return {}
        kept = [v.numpy() for v in self.D.non_trainable_variables]
        def logits(images):
            size = min(self.config.batch_size, len(images), most)
            places = range(0, min(len(images), most) - size + 1, size)
            shown = (self.step.shown(to_float(images[at:at + size]), (SEED_LOOK, at))
                     for at in places)
            return np.concatenate([self.D(x, training=True) for x in shown])
        fake = logits(self.draw(most, SEED_LOOK))
        def rank(images): return float(np.mean(logits(images)[:, None] > fake[None]))
        found = dict(rank_train=rank(self.dataset.images), rank_held_out=rank(self.held_out.images))
        for v, value in zip(self.D.non_trainable_variables, kept): v.assign(value)
        return found


# %%
t = Training(small, dataset, load_images(small, "test"))
state = {name: v.numpy() for name, v in t.variables().items()}
look = t.closer_look()
assert all(np.array_equal(v, state[name]) for name, v in t.variables().items()), (
    "who looks changes nothing")
t.advance(t.batches, 3, stop=lambda: False)
again = Training(small, dataset)
again.load_state_dict(t.state_dict())
for one in (t, again): one.advance(one.batches, 1, stop=lambda: False)
assert all(np.array_equal(v, again.variables()[name]) for name, v in t.variables().items())
print(f"{look}; after a restored step all {len(state)} variables are equal")


# %% [markdown]
# What is written besides the files of every track: the generator at every `checkpoint_save_interval`, small enough to keep them all; and the picture of the two curves.

# %%
#| exports
def overfitting_figure(history, caption=None): # rows with `rank_train` and `rank_held_out`
    """How often the discriminator finds photographs more real than generated images: those of the
    training set, and held-out ones."""
    rows = [row for row in history if row.get("rank_train") is not None]
    lines = [("rank_train", "training photographs", figures.dark, "-"),
             ("rank_held_out", "held-out photographs", "#d55e00", "--")]
    with matplotlib.rc_context(figures.course_style):
        fig = figures.CourseFigure(560, 320)
        ax = fig.add_axes((0.11, 0.24, 0.86, 0.7))
        for key, label, colour, style in lines:
            ax.plot([row["epoch"] for row in rows], [row[key] for row in rows], style, color=colour,
                    marker="o" if len(rows) < 16 else None, markersize=3.5, label=label)
        ax.set(xlabel="epoch", ylabel="found more real than generated", ylim=(0.4, 1.02))
        ax.legend(loc="best")
        fig.text(0.5, 0.02, caption or "", ha="center", va="bottom", size=8, color="#333333")
    return fig

class FlowersRecorder(KerasRecorder):
    "Writes the run folder; keeps generators on the way."
    optional = ("best", "generators", "overfitting")

    def anew(self, training):
        super().anew(training)
        for path in self.paths["generators"].glob("epoch_*.weights.h5"):
            path.unlink(missing_ok=True)

    def epoch(self, training, samples):
        super().epoch(training, samples)
        if training.epoch % self.config.checkpoint_save_interval == 0:
            save_weights(self.paths["generators"]/f"epoch_{training.epoch:04d}.weights.h5",
                         training.network, self.track, **self.about())

    def pictures(self, training, samples):
        super().pictures(training, samples)
        if any(row.get("rank_train") is not None for row in training.history):
            figures.save_figure(overfitting_figure(training.history,
                                                   self.caption(training, "discriminator")),
                                self.paths["overfitting"])

    def graph(self, training):
        s = training.step
        concrete = s.train_step.get_concrete_function(tf.TensorSpec(s.config.batch_size, tf.int32),
                                                      tf.TensorSpec((), tf.int64),
                                                      tf.TensorSpec(()), False)
        return concrete.graph.as_graph_def().SerializeToString()


# %%
#| exports
load_checkpoint = partial(keras_files.load_checkpoint, track=TRACK)

def restore(training, recorder):
    """Load the latest checkpoint of the run folder, if there is one. Refuses one that does not
    belong to this run."""
    return restore_latest(training, recorder, load_checkpoint, ".npz", more={"device"})

def train(config: Config = CONFIG,
          # go on from the last checkpoint in config.out; from the start if there is none
          resume: bool = False,
          verbose: bool = True, # print a line per epoch
    ) -> dict: # what stands in metrics.json
    """Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and
    `KeyboardInterrupt` on Ctrl-C."""
    device = select_device(config.device)
    def prepare(folder, dataset):
        keras.utils.set_random_seed(config.seed % 2**32)
        if config.deterministic: tf.config.experimental.enable_op_determinism()
        try: held_out = load_images(config.replace(dataset=dataset.name), "test", limited=False)
        # a folder of somebody's own may be too small to hold any out
        except CourseError: held_out = None
        if held_out is not None and len(held_out) < 2: held_out = None
        training = Training(config, dataset, held_out)
        recorder = FlowersRecorder(folder, config, dataset, artifact_paths(config.out), TRACK,
                                   ["tensorflow", "keras", "numpy"], device_name(device))
        return training, training.batches, recorder
    with tf.device(device): return run(config, prepare, restore, resume, verbose, load=load_images)


# %% [markdown]
# Twenty [epochs](../about/glossary.ipynb#gl-epoch) at 32 × 32, to see it run. The full run of the [lab](gan_flowers.ipynb) takes an hour.

# %%
scratch = tempfile.TemporaryDirectory()
config = CONFIG.replace(input_size=32, progress=False, out=Path(scratch.name)/"run", **budget(
    full=dict(epochs=20, num_filters=32, measure_every=5),
    fast=dict(epochs=2, limit=320, eval_images=500, num_filters=8, measure_every=1)))
metrics = train(config)

# %%
#| label: fig-short
#| fig-cap: "Thirty-six samples after a short run at 32 × 32; nothing was selected."
#| fig-alt: "A grid of small coloured pictures, blurred: patches of yellow, white and pink in front of green, some of them round like a blossom."
G = keras_files.load_network(artifact_paths(config.out)["generator_keras"])
figures.image_grid(generate_images(G, 36, seed=1), columns=12,
                   caption=f"flowers on {metrics['dataset']['name']}, "
                           f"{config.epochs} epochs at 32 × 32")

# %%
print(provenance_line(metrics["provenance"]))
rows = metrics["history"]
assert metrics["status"] == "finished" and len(rows) == config.epochs
assert all(np.isfinite([row[name] for name in MEASURED]).all() for row in rows)
fresh = create_generator(config)
ended = keras_files.load_network(artifact_paths(config.out)["generator_keras"])
stuck = [a.path for a, b in zip(fresh.weights, ended.weights) if np.array_equal(a, b)]
assert not stuck, f"{stuck} did not move"

# %% [markdown]
# The log holds the same numbers under the names of [TensorBoard's](../about/glossary.ipynb#gl-tensorboard) page:

# %%
log = read_log(config.out/"logs")
print(", ".join(sorted(log)))
assert (np.isclose(log["discriminator_loss"][-1][1], rows[-1]["loss_d"])
        and len(log["Generated Image"]) >= 1)

# %% [markdown]
# ## What flipped labels do to a run
#
# [The lesson on networks](networks.ipynb) has shown where flips hold the logits of a discriminator that knows everything. The one above knows little yet. Tell it a lie about one real image in ten, and about
# three in ten. **Predict:** will $\sigma(D(x))$ come near its bounds of 0.9 and 0.7? Will the samples be better or worse?

# %%
flipped = {0.0: metrics}
for p in (0.1, 0.3):
    flipped[p] = train(config.replace(flip_prob=p, tensorboard=False,
                                      out=Path(scratch.name)/f"flip_{p}"), verbose=False)
print("flip_prob  D(x)  bound  D(G(z))  loss G  rank: held out  FD(pixels)")
for p, m in flipped.items():
    row = m["history"][-1]
    print(f"{p:9}{row['d_real']:6.2f}{1 - p:7.2f}{row['d_fake']:9.2f}{row['loss_g']:8.2f}"
          f"{row['rank_held_out'] or np.nan:16.2f}{row['pixel_frechet']:12.1f}")

# %%
#| label: fig-flips
#| fig-cap: "How real the discriminator takes photographs to be, and generated images (dashed), for three shares of flipped labels."
#| fig-alt: "Three pairs of curves over 20 epochs, which approach each other. Without flips they end at 0.54 for photographs and 0.46 for generated images, with 0.1 at 0.48 and 0.41, with 0.3 at 0.36 and 0.34."
with matplotlib.rc_context(figures.course_style):
    fig = figures.CourseFigure(640, 320)
    ax = fig.add_axes((0.1, 0.16, 0.87, 0.78))
    for (p, m), colour in zip(flipped.items(), (figures.dark, "#0072b2", "#d55e00")):
        ax.plot([row["epoch"] for row in m["history"]], [row["d_real"] for row in m["history"]],
                "-", color=colour, label=f"flip_prob {p}")
        ax.plot([row["epoch"] for row in m["history"]], [row["d_fake"] for row in m["history"]],
                "--", color=colour)
    ax.set(xlabel="epoch", ylabel="mean probability of being real", ylim=(0, 1),
           xticks=range(0, config.epochs + 1, max(1, config.epochs // 4)))
    ax.legend(loc="upper right")
fig


# %% [markdown]
# The bounds are far away, but each curve ends where one can foretell. Told that a share $p$ of the real images is generated, the best discriminator says $(1-p)\frac{p_{data}}{p_{data} + p_{g}}$, and where samples and data are alike that is
# $\frac{1-p}2$: 0.5, 0.45, 0.35. The flips make the discriminator rank worse, as they should, and the samples no better here (one seed each). What they cost is a part of each gradient; what they buy, logits with a bound, this
# run with its penalty has already.
#
# ## Killed and resumed
#
# A run that goes through, and one that dies in the middle of its second epoch, without any warning, and is then [resumed](../about/glossary.ipynb#gl-resume) from its last [checkpoint](../about/glossary.ipynb#gl-checkpoint). [Dropout](../about/glossary.ipynb#gl-dropout), [label flips](../about/glossary.ipynb#gl-label-flips) and augmentation are
# all random, and all of it has to come again:

# %%
class Died(Exception): pass

def bits(config):
    "The final weights of both networks, as bytes."
    paths = artifact_paths(config.out)
    return [w.numpy().tobytes() for name in ("generator_keras", "discriminator_keras")
            for w in keras_files.load_network(paths[name]).weights]

through = config.replace(out=Path(scratch.name)/"through", limit=320, epochs=3, num_filters=8,
                         eval_images=0, dropout_prob=0.2, flip_prob=0.1,
                         checkpoint_every=2, tensorboard=False)
train(through, verbose=False)
killed, whole = through.replace(out=Path(scratch.name)/"killed"), GANStep.__call__
def mortal(self, index, iteration, keep):
    if iteration == 8: raise Died
    whole(self, index, iteration, keep)

GANStep.__call__ = mortal
try: train(killed, verbose=False)
except Died:
    print("died before step 8;", sorted(p.name for p in (killed.out/"checkpoints").iterdir())[-1],
          "is there")
finally: GANStep.__call__ = whole
train(killed, resume=True, verbose=False)
assert bits(through) == bits(killed)
print("all weights equal, bit for bit")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_trainer import check_memorises, check_purposes


# %% [markdown]
# ### 1. A seed for each purpose
#
# Write `seed_of(seed, iteration, purpose)`: two integers below $2^{63}$ that no other run (`seed`), iteration or purpose (0 to 7) gets.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def seed_of(seed, iteration, purpose):
    return seed, iteration * 8 + purpose

check_purposes(seed_of)


# %% [markdown]
# ### 2. Since when does it memorise?
#
# Write `memorises(history, gap=0.2, times=2)`: the epoch of the first of `times` measurements in a row in which the discriminator ranked training photographs rightly more often than held-out ones by more than `gap`; `None` if that never
# happens. Rows without a measurement lack `rank_train` and `rank_held_out`, and do not interrupt a row.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def memorises(history, gap=0.2, times=2):
    measured = [row for row in history if row.get("rank_train") is not None]
    row_of = 0
    for i, row in enumerate(measured):
        row_of = row_of + 1 if row["rank_train"] - row["rank_held_out"] > gap else 0
        if row_of == times: return measured[i - times + 1]["epoch"]
    return None

check_memorises(memorises)

# %% [markdown]
# ## What to remember
#
# - Everything random in a step is a function of the run's seed, the iteration and a purpose. Then nothing has to be saved but variables and counts.
# - Real and generated images go through the discriminator in batches of their own, changed by draws of their own.
# - The gap between training and held-out photographs is what the discriminator has learnt by heart. Watch it, not its loss.
#
# **What goes wrong in practice, and how you see it.**
#
# - *After a resume everything is a little different*: something random has a state that was not saved. Compare the next losses with those of a run that went on.
# - *The discriminator's accuracy goes to 1 and samples stop getting better*: it memorises. Look at held-out photographs.
# - *The augmentation makes nothing better*: the same seed for real and generated images, or the generated ones are changed after the gradient was stopped.
#
# **References.** Zhao et al. [-@zhao2020diffaugment], *Differentiable augmentation for data-efficient GAN training*. Karras et al. [-@karras2020ada], *Training generative adversarial networks with limited data* (section 2 and figure 1: the two
# distributions of D's outputs). Mescheder, Geiger and Nowozin [-@mescheder2018converge], *Which training methods for GANs do actually converge?* Karras et al. [-@karras2020stylegan2], *Analyzing and improving the image quality of StyleGAN* (lazy
# regularisation).

# %%
scratch.cleanup()
