# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab: clothes in Keras
#
# > Both recipes in full, what their curves do and do not tell, a playbook, and a table of what goes wrong
#
# - skip_showdoc: true
# - order: 31

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/gan_tensorflow.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/gan_tensorflow.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/gan_tensorflow.ipynb)

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
# **You will be able to** train a GAN in TensorFlow from start to finish, read its measurements, tell four ways of failing apart by
# looking, and name the field of the configuration that mends each.
#
# **You need** the track so far; [Configuration](config.ipynb), [The engine](engine.ipynb) and
# [Training](train.ipynb) above all. **It takes** an hour on a laptop's processor, most of it waiting, and a few minutes
# on a GPU. Every run here can be interrupted: run the cell again, and it goes on where it was.
#
# The agenda: setup, training, reflection, sampling, next experiments.

# %% [markdown]
# ## Setup

# %%
import gan_course.tensorflow.config # first: it chooses Keras's backend

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gan_course import figures
from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.metrics import evaluation_figure
from gan_course.results import evaluate_run, compared
from gan_course.runs import provenance_line
from gan_course.tensorflow import CONFIG, generate_samples, train
from gan_course.tensorflow.config import artifact_paths
from gan_course.tensorflow.inference import interpolate, load_generator
from gan_course.tensorflow.engine import GANStep
from gan_course.tensorflow.model import Discriminator, Generator, build_networks
from gan_course.tensorflow.train import Training, images_of, latest_checkpoint, load_checkpoint
from gan_course.tensorflow.utils import make_latents, seed_everything, to_images

# %% [markdown]
# Two runs with the same data, the same [seed](../about/glossary.ipynb#gl-seed), the same number of [epochs](../about/glossary.ipynb#gl-epoch). All that differs is the [recipe](../about/glossary.ipynb#gl-recipe).

# %%
artifacts = budget(full=Path("artifacts"), fast=Path(tempfile.mkdtemp()))
common = dict(epochs=budget(full=10, fast=1), progress=False, limit=budget(full=None, fast=640),
              eval_images=budget(full=5000, fast=500), best_by="frechet")
if budget(full=False, fast=True): common |= dict(width=16)
modern = CONFIG.replace(out=artifacts/"tensorflow_gan", **common)
dcgan = CONFIG.replace(recipe="dcgan", out=artifacts/"tensorflow_gan_dcgan", **common)
print(f"{'field':<16}{'modern':>16}{'dcgan':>16}")
for name, value in modern.to_dict().items():
    other = dcgan.to_dict()[name]
    if value != other and name != "out": print(f"{name:<16}{value!s:>16}{other!s:>16}")

# %% [markdown]
# ## Training
#
# A line per epoch. There are two [Fréchet distances](../about/glossary.ipynb#gl-frechet) to the real images, and smaller is better: `FD(pixels)`, the
# [stop-gap](../foundations/evaluate.ipynb) of 5,000 samples, and every second epoch `FD(judge)`, in the [features](../about/glossary.ipynb#gl-features) of a
# [classifier](../foundations/features.ipynb), of 2,000. [Held-out](../about/glossary.ipynb#gl-held-out) real images have 0.2 and 0.4. `best_by="frechet"` lets
# [the judge](../about/glossary.ipynb#gl-judge) say which epoch is kept as the best. The last column tells what else the machine had to do: the two runs went side
# by side, a core each, with tests beside them.

# %%
results = {"modern": train(modern, resume=True)}

# %%
results["dcgan"] = train(dcgan, resume=True)

# %% [markdown]
# Before anything else: did anything train? The initial weights can be made again from the seed. Every weight of
# both [generators](../about/glossary.ipynb#gl-generator) should be elsewhere now.

# %%
for config in (modern, dcgan):
    seed_everything(config.seed)
    initial, _ = build_networks(config)
    trained, *_ = load_generator(config.out)
    stuck = [a.path
             for a, b in zip(initial.weights, trained.weights) if (a.numpy() == b.numpy()).all()]
    assert not stuck, f"{config.recipe}: {stuck} did not move"
for name, metrics in results.items():
    rows = metrics["history"]
    assert metrics["status"] == "finished" and len(rows) == modern.epochs
    assert all(np.isfinite([row["loss_g"], row["loss_d"], row["d_real"], row["d_fake"]]).all()
               for row in rows)
print(*sorted(path.name for path in modern.out.iterdir() if not path.name.startswith(".")))


# %% [markdown]
# ## Look first
#
# The same question to both: sixty [latents](../about/glossary.ipynb#gl-latent) that nobody chose.

# %%
#| label: fig-modern
#| fig-cap: "Sixty samples of the modern recipe after the whole run; nothing was selected."
#| fig-alt: "A grid of generated garments: shirts, pullovers, coats, dresses, trousers, bags, sandals, sneakers and ankle boots."
def note(config):
    last = results[config.recipe]
    return (f"{config.recipe} on {last['dataset']['name']}, {config.epochs} epochs, "
            f"seed {config.seed}, "
            f"FD(judge) {last['history'][-1]['frechet']:.2f}")

with tempfile.TemporaryDirectory() as scratch:
    samples = {c.recipe: generate_samples(c, 1000, Path(scratch)/"x.png", seed=1)
               for c in (modern, dcgan)}
figures.image_grid(samples["modern"][:60], columns=12, caption=note(modern))

# %%
#| label: fig-dcgan
#| fig-cap: "Sixty samples of the dcgan recipe after as many epochs."
#| fig-alt: "A grid of generated garments of the same kinds; some have holes or torn edges."
figures.image_grid(samples["dcgan"][:60], columns=12, caption=note(dcgan))

# %%
#| label: fig-real
#| fig-cap: "Sixty real images, for comparison."
#| fig-alt: "Five rows of twelve photographs of garments from the training set."
real = load_dataset("auto", limit=common["limit"])
figures.image_grid(real.images[:60], columns=12, caption=f"{real.name}, real")


# %% [markdown]
# ## How it came about
#
# Eight latents, the same in every epoch. What do you expect to be decided first, the outline or the texture?

# %%
#| label: fig-strip-modern
#| fig-cap: "The same eight latents of the modern recipe across the epochs."
#| fig-alt: "Eight rows of ten pictures. A T-shirt and two sneakers are settled after three epochs, trousers after six; a bag becomes a shirt on the way, and the second row stays torn."
def strip(config):
    "The progress strip is kept in the checkpoints."
    state = load_checkpoint(latest_checkpoint(config.out))["state"]
    labels = [str(row["epoch"]) for row in state["history"]]
    return figures.progress_strip(list(state["strips"]), labels, caption=note(config))

strip(modern)

# %%
#| label: fig-strip-dcgan
#| fig-cap: "The same for the dcgan recipe."
#| fig-alt: "Eight rows of ten pictures. Trousers, a bag and boots are settled after five epochs; the sixth row changes from a pullover to a boot and back."
strip(dcgan)

# %% [markdown]
# ## Reflection: what the curves say
#
# First the curves, and a warning: **a falling loss is no evidence**. The two losses are two sides of one game. If
# the [discriminator's](../about/glossary.ipynb#gl-discriminator) falls, it is winning, and the pictures may be getting worse.

# %%
#| label: fig-curves-modern
#| fig-cap: "Losses and mean scores of the modern recipe."
#| fig-alt: "Left two loss curves that part from 0.7: the discriminator's falls to 0.67, the generator's rises to 0.87, and both level off. Right the mean scores of real and generated images, close to each other, a little above 0.5."
figures.plot_curves(results["modern"]["history"], caption=note(modern))

# %%
#| label: fig-curves-dcgan
#| fig-cap: "Losses and mean scores of the dcgan recipe."
#| fig-alt: "Left the discriminator's loss falls from 1.3 to 1.0 while the generator's rises from 0.9 to 1.3; they cross between the sixth and the seventh epoch. Right the mean scores of real and generated images move apart, from 0.5 to 0.64 and 0.36."
figures.plot_curves(results["dcgan"]["history"], caption=note(dcgan))

# %% [markdown]
# Now the quality, measured on samples in two ways, next to how often the discriminator ranks a real image above a
# generated one (0.5: it guesses; 1.0: it is never wrong).

# %%
import matplotlib.pyplot as plt

# %%
#| label: fig-quality
#| fig-cap: "The Fréchet distance over the epochs, of pixels and of the judge's features, and the discriminator's rank accuracy, for both recipes."
#| fig-alt: "Left two curves of pixel distance that fall from near 8 to 1.6, the solid one of modern with two jumps. In the middle the judge's distance: the solid curve of modern always below the dashed one of dcgan, which is flat at the end. Right the rank accuracy: dcgan climbs from 0.68 to 0.88, modern from 0.52 to 0.61."
figures.use_course_style()
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8))
for name, colour, line in [("modern", figures.dark, "-"), ("dcgan", figures.light, "--")]:
    rows = results[name]["history"]
    for ax, field in zip(axes, ("pixel_frechet", "frechet", "rank_accuracy")):
        points = [(r["epoch"], r[field]) for r in rows if r[field] is not None]
        ax.plot(*zip(*points), color=colour, ls=line, label=name, marker=".")
axes[0].set(title="FD(pixels)", xlabel="epoch", yscale="log")
axes[1].set(title="FD(judge)", xlabel="epoch", yscale="log")
axes[2].set(title="rank accuracy of D", xlabel="epoch", ylim=(0.45, 1.02))
axes[0].legend(); fig.tight_layout()

# %%
print(f"{'':<8}{'loss D':>8}{'loss G':>8}{'D(x)':>7}{'D(G(z))':>9}{'rank':>7}"
      f"{'best FD':>9}{'last FD':>9}")
for name, metrics in results.items():
    r = metrics["history"][-1]
    print(f"{name:<8}{r['loss_d']:>8.3f}{r['loss_g']:>8.3f}{r['d_real']:>7.2f}{r['d_fake']:>9.2f}"
          f"{r['rank_accuracy']:>7.2f}{metrics['best']['frechet']:>9.2f}{r['frechet']:>9.2f}")

# %% [markdown]
# Read them slowly; each of the three says something else.
#
# **Balance.** If $D$ gave the same [logit](../about/glossary.ipynb#gl-logit) to everything, the losses would be $\ln 2 = 0.69$ each in the modern recipe, and
# $2 \ln 2 = 1.39$ for $D$ and $0.69$ for $G$ in dcgan. Modern begins there, and moves away more and more slowly, to 0.67 and
# 0.87. In dcgan the discriminator's loss falls from 1.30 to 1.00 and the generator's rises from 0.89 to 1.32. Read as one reads
# a classifier's loss, both generators get worse in nearly every epoch. Their distances fall meanwhile, by the judge from 14.4 to
# 3.5 and from 21.3 to 5.5. That is the warning above in numbers.
#
# **Who is winning.** The modern discriminator ranks the real image higher in 52 of 100 pairs at first, and in 61 at the end: the
# penalties hold it back. That of dcgan goes from 68 to 88, and nothing stops it; an earlier run of thirty epochs ended at 96.
# The nearer to 100, the less the generator is told except that it loses. Here one can see what comes of it: from the eighth
# epoch to the tenth the judge finds no progress in dcgan, 5.43 and 5.47. So the file `best/generator.weights.h5` holds the
# eighth; ask for it with `generate_samples(..., best=True)`.
#
# **Which distance?** The [pixel distance](../about/glossary.ipynb#gl-pixel-frechet) of modern jumps to 5.6 in the fourth epoch and to 3.0 in the eighth, where the curves of
# the losses show nothing at all. The judge saw nothing of the kind: it falls whenever it is taken. And while by their pixels the
# two recipes end side by side, at 1.59 and 1.56, by the judge one is at 3.5 and the other at 5.5. Look at the two grids
# again, and say whom you believe.
#
# The same two recipes in [PyTorch](../pytorch/gan_pytorch.ipynb) had 3.1 and 5.5 at the end. Is 3.5 against 3.1 the framework or
# the seed? One run each cannot tell. [The same step twice](same_step_twice.ipynb) asks three seeds.

# %% [markdown]
# ## Numbers for the pictures
#
# Two thousand samples are enough to choose an epoch. For a result, ten thousand are held against all real images, with
# [every number the course has](../foundations/metrics.ipynb), each beside what as many real test images get. From a
# terminal, `gan-course evaluate --run artifacts/tensorflow_gan` does the same.

# %%
test = load_dataset(real.name, split="test", limit=budget(full=None, fast=500))
found = {}
for config in (modern, dcgan):
    with tempfile.TemporaryDirectory() as scratch:
        many = generate_samples(config, budget(full=10_000, fast=500), Path(scratch)/"x.png",
                                seed=2)
    found[config.recipe] = evaluate_run(config.out, many, real, test, seed=2)

# %%
print("\n".join(compared(found)))
print(*(f"{name}: {line}" for name in found for line in found[name]["flags"]), sep="\n")

# %%
#| label: fig-evaluation
#| fig-cap: "Samples of the modern recipe and its numbers. The page evaluation.png in its run folder shows the same numbers beside other samples."
#| fig-alt: "Left sixty-four generated garments; right a table of nine numbers, each with its interval and its floor."
evaluation_figure(samples["modern"], found["modern"]["metrics"], note(modern))

# %% [markdown]
# The distances are smaller than those of the curve, 2.9 and 5.1, since with more samples [the bias](../foundations/metrics.ipynb) is
# smaller: compare numbers of samples before you compare distances. Their [intervals](../about/glossary.ipynb#gl-interval) are far apart. What makes the difference?
# More of modern's samples look like real images (precision 0.77 against 0.71; real test images have 0.83), and they come near
# more of the real ones ([coverage](../about/glossary.ipynb#gl-coverage) 0.82 against 0.74; 0.97). In [recall](../about/glossary.ipynb#gl-precision-recall) the two hardly differ, and both have far to go. Both draw
# all kinds about as often as the data ([class distance](../about/glossary.ipynb#gl-class-distance)), and neither copies: about one sample in a hundred lies very near to a
# training image, as of new photographs.
#
# All of this is as in [PyTorch](../pytorch/gan_pytorch.ipynb), to the second digit in precision; the distances there are 2.6 and
# 4.9. An interval says how well one *run* is known. Another seed may move both numbers further:
# [Results](../about/results.ipynb).

# %% [markdown]
# ## Sampling
#
# Walks between latents, [on the arc](../about/glossary.ipynb#gl-interpolation). Look for jumps: there should be none.

# %%
#| label: fig-walks
#| fig-cap: "Five walks between two latents with the generator of the modern recipe."
#| fig-alt: "Five rows of twelve garments that change step by step from the one on the left to the one on the right."
G, config, _ = load_generator(modern.out)
walk = interpolate(make_latents(5, config.latent_dim, 11), make_latents(5, config.latent_dim, 12),
                   12)
pictures = to_images(G(tf.reshape(walk, (-1, config.latent_dim)))).reshape(5, 12, 28, 28, 1)
figures.interpolation_figure(list(pictures), caption=note(modern))

# %% [markdown]
# Has it only [memorised](../about/glossary.ipynb#gl-memorising)? For some samples, the nearest of all real images, by the distance of their pixels:

# %%
#| label: fig-neighbours
#| fig-cap: "Twelve samples of the modern recipe, and under each the real image nearest to it."
#| fig-alt: "Two rows of twelve garments. Each pair shows the same kind of garment with different details."
flat = tf.constant(real.images.reshape(len(real), -1), tf.float32)
mine = tf.constant(samples["modern"][:12].reshape(12, -1), tf.float32)
squares = tf.reduce_sum(flat**2, 1) - 2 * mine @ tf.transpose(flat) # |a - b|² but for |a|²
nearest = tf.argmin(squares, axis=1).numpy()
figures.image_grid(np.concatenate([samples["modern"][:12], real.images[nearest]]), columns=12,
                   caption="above: generated; below: the nearest real image")

# %% [markdown]
# The generator is also there as a `.keras` file, which any Keras opens, in a program that has never heard of this course:

# %%
alone = keras.saving.load_model(artifact_paths(modern.out)["generator_keras"], safe_mode=True)
z = make_latents(100, config.latent_dim, seed=5)
assert np.abs(to_images(alone(z, training=False)).astype(int) - to_images(G(z))).max() <= 1
print(f"{alone.count_params():,} parameters, {alone.input_shape} -> {alone.output_shape}")

# %% [markdown]
# ## The experiment playbook
#
# What to try, and the field that tries it:
#
# | topic | field | what to watch |
# |---|---|---|
# | [mixed precision](../about/glossary.ipynb#gl-mixed-precision) | `precision`, `xla` | images per second first; then whether FD stays |
# | optimiser sweeps | `lr_g`, `lr_d`, `beta1`, `optimizer`, `lr_decay` | FD after a fixed time, never the loss |
# | regularisation | `r1`, `r2`, `penalty_every`, `dropout`, `label_smoothing`, `instance_noise` | [rank accuracy](../about/glossary.ipynb#gl-rank-accuracy), gradient norms |
# | evaluation metrics | `eval_images`, `gan-course evaluate` | FD with another seed of latents; the grid |
# | distributed training | `strategy`, `cpu_devices`, `sync_batch_norm` | equal quality; speed only on real devices |
# | [conditional GAN](../about/glossary.ipynb#gl-conditional-gan) | no field but a subclass: see [below](#ask-for-a-sandal) | a row of samples for each kind |
#
# Change one field at a time, and give every variant the same time. Here are some, each a short run on a part of the data:

# %%
small = dict(epochs=budget(full=2, fast=1), limit=budget(full=20_000, fast=256),
             width=budget(full=32, fast=8))

def short(**changes):
    "A short run of a variant: its measurements and its samples."
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.replace(**(small | dict(
            progress=False, eval_images=budget(full=5000, fast=500),
            out=Path(folder)/"run") | changes))
        metrics = train(config, verbose=False)
        images = generate_samples(config, 500, Path(folder)/"x.png", seed=1)
    return metrics["history"], images

def compare(variants):
    "Runs of several variants as a table; returns their samples, a row each."
    print(f"{'variant':<34}{'FD':>7}{'loss D':>8}{'loss G':>8}{'rank':>6}{'|grad G|':>10}"
          f"{'spread':>8}{'images/s':>10}")
    rows = []
    for name, changes in variants.items():
        history, images = short(**changes)
        r, speed = history[-1], np.median([row["images_per_second"] for row in history])
        print(f"{name:<34}{r['pixel_frechet']:>7.1f}{r['loss_d']:>8.3f}{r['loss_g']:>8.3f}"
              f"{r['rank_accuracy']:>6.2f}"
              f"{r['grad_norm_g']:>10.3f}"
              f"{images.astype(float).std(axis=0).mean():>8.1f}{speed:>10,.0f}")
        rows.append(images[:12])
    return rows


# %% [markdown]
# `spread` is how much the pixels of different samples differ, in grey levels; real images have:

# %%
round(float(real.images[:500].astype(float).std(axis=0).mean()), 1)

# %%
rows = compare({
    "modern as it is": {},
    "precision='bf16'": dict(precision="bf16"),
    "lr_g, lr_d = 1e-4": dict(lr_g=1e-4, lr_d=1e-4),
    "optimizer='rmsprop', half the rates": dict(optimizer="rmsprop", lr_g=CONFIG.lr_g / 2,
                                                lr_d=CONFIG.lr_d / 2),
    "r1=r2=1": dict(r1=1.0, r2=1.0),
    "dropout=0.3": dict(dropout=0.3),
})

# %%
#| label: fig-playbook
#| fig-cap: "Samples of the variants, a row each, in the order of the table."
#| fig-alt: "Six rows of twelve generated images: garments in most, smudged and half-formed ones in the third row."
figures.interpolation_figure(rows, caption="after a short run; rows in the order of the table")

# %% [markdown]
# Every row is one seed, so only large differences count. What they say:
#
# - *Mixed precision.* This processor has no units for [bfloat16](../about/glossary.ipynb#gl-bf16), and takes six times as long with it (26 against 165 images a second,
#   with other work beside both). On one that has them it was a fifth faster ([Configuration](config.ipynb)); on a GPU it is the
#   default. It does no harm anywhere: 8.3 against 8.7 is within what another seed would do.
# - *Optimiser sweeps.* At 1e-4, which many tutorials give, these smudges are all there is after 40,000 images. Of all
#   rows it has the lowest loss of $D$ and the largest gradients, and it is the worst by far. RMSprop is close.
# - *Regularisation.* Ten times the penalty changes nothing that one could see, and that is its merit: it need not be tuned. [Dropout](../about/glossary.ipynb#gl-dropout)
#   makes $D$ forgetful and costs quality in a run as short as this.
# - *Spread* is the same in all of them: nothing here [collapses](../about/glossary.ipynb#gl-mode-collapse). It tells the rows of the next table apart.
#
# Two rows of the playbook are not in the table. *Evaluation*: draw the distance again with other latents,
# `gan-course evaluate --run artifacts/tensorflow_gan --seed 7`, before you believe a difference in the second digit. *Distribution*: a
# processor split in two shows that it works, and is slower; [Training](train.ipynb) does it with eight.

# %% [markdown]
# ### Ask for a sandal
#
# A conditional GAN [@mirza2014conditional] is told which kind of garment it should draw. No field does this; the change is in
# what both networks see. The generator gets ten more latents: zeros, and a one at the kind's place. The discriminator gets
# ten more channels, of which one is filled with ones, and so judges the *pair*: a perfect shoe that is labelled "bag" is a
# fake. Three methods of the step say all of it:

# %%
labels = tf.constant(real.labels, tf.int32)

class ConditionalStep(GANStep):
    def __call__(self, index, *rest): # index: [d_steps, B], here with d_steps = 1
        self.kinds = tf.one_hot(tf.gather(labels, self.share(index[0])), 10) # [B, 10]
        return super().__call__(index, *rest)

    def latents(self, seed): return tf.concat([super().latents(seed), self.kinds], 1)

    def judge(self, x): # B images, or B real ones and then B generated ones
        kinds = tf.tile(self.kinds, (x.shape[0] // self.kinds.shape[0], 1))
        planes = tf.broadcast_to(kinds[:, None, None], (*x.shape[:3], 10))
        return super().judge(tf.concat([x, planes], 3))

class ConditionalTraining(Training):
    Step = ConditionalStep
    def networks(self, precision, channels):
        c = self.config
        return Generator(c.latent_dim + 10, c.width), Discriminator(c.width, channels=channels + 10)


# %% [markdown]
# `Training` does the rest: optimisers, average, penalties. On all images this time, for three epochs:

# %%
seed_everything(0)
asked = ConditionalTraining(CONFIG.replace(epochs=budget(full=3, fast=1), width=small["width"]),
                            real)
for asked.epoch in range(asked.config.epochs):
    asked.step_in_epoch = 0
    asked.advance(asked.batches, len(asked.batches), lambda: False)
asked.first_bad(), {name: round(value, 3) for name, value in asked.means().items()}


# %%
#| label: fig-conditional
#| fig-cap: "A row for each kind that was asked for; the twelve columns share their other sixteen latents."
#| fig-alt: "Ten rows of twelve generated garments: T-shirts, trousers, pullovers, dresses, coats, sandals, shirts, sneakers, bags and ankle boots, each kind in its row, all soft and without texture. Within a column the shade is the same for all tops."
def draw_kind(kind, num, seed=3):
    z = make_latents(num, asked.config.latent_dim, seed)
    return images_of(asked.ema.network, tf.concat([z, tf.one_hot(tf.fill([num], kind), 10)], 1))

figures.interpolation_figure([draw_kind(kind, 12) for kind in range(10)], caption="one kind a row")

# %% [markdown]
# Does it draw what was asked for? A judge who knows only the mean image of each kind assigns every picture to the nearest
# mean. That is a poor judge: see how often he is right about real images.

# %%
means = np.stack([real.images[real.labels == kind].mean(axis=0) for kind in range(10)])
def judged(images):
    return ((images[:, None] - means[None]) ** 2).mean(axis=(2, 3, 4)).argmin(axis=1)

drawn = [np.mean(judged(draw_kind(kind, 200)) == kind) for kind in range(10)]
held = load_dataset(real.name, split="test", limit=budget(full=5000, fast=500))
print(f"judged as asked: {np.mean(drawn):.0%} of the samples, of kind "
      f"{np.argmin(drawn)} {min(drawn):.0%}; "
      f"real test images: {np.mean(judged(held.images) == held.labels):.0%}")
assert budget(full=np.mean(drawn) > 0.5, fast=True)

# %% [markdown]
# The samples are easier to judge than real images: they are more typical of their kind. The worst is kind 6, the shirt, and that
# is the judge's fault as much as the generator's: the mean shirt is a blend of pullover, coat and T-shirt. Look down the
# columns, too. The other latents mean the same in each kind: bright or dark, even or mottled, a hole at the same place.

# %% [markdown]
# ## Troubleshooting
#
# Four ways to fail. Each is provoked here on purpose, so that you know it when you meet it.
#
# | you see | it is called | fields that mend it |
# |---|---|---|
# | a loss jumps to several times its value, samples change all at once | loss spikes | `lr_g`, `lr_d` down, `beta1` to 0, `r1`, `r2` up |
# | all samples alike, or a few kinds only; `spread` falls | mode collapse | `beta1` to 0, `lr_g` down, `loss="relativistic"` |
# | rank accuracy near 1, the generator's gradient near 0 or wild, pictures stand still | training stalls | `loss` away from `minimax`, `lr_d` down, `r1`, `r2` up |
# | a fine regular pattern on every surface | [checkerboard](../about/glossary.ipynb#gl-checkerboard) artefacts | `upsample="resize"` |

# %%
free = dict(loss="non_saturating", r1=0.0, r2=0.0) # nothing holds anybody back
hasty = free | dict(lr_g=2e-2, lr_d=2e-4)
strong = free | dict(lr_g=2e-4, lr_d=1e-2)
trouble = compare({
    "healthy": {},
    "hasty G: lr_g=2e-2, beta1=0.9": hasty | dict(beta1=0.9),
    "  the same with beta1=0": hasty,
    "strong D: lr_d=1e-2, minimax": strong | dict(loss="minimax"),
    "  the same, non_saturating": strong,
    "  and with lr_d=1e-3, r1=r2=1": strong | dict(lr_d=1e-3, r1=1.0, r2=1.0),
    "healthy, with upsample='resize'": dict(upsample="resize"),
})

# %%
#| label: fig-trouble
#| fig-cap: "Samples of the provoked failures and of their cures, a row each, in the order of the table."
#| fig-alt: "Seven rows of twelve samples, in this order: garments; blank white; garments with holes; a fine pattern of stripes, twelve times the same; white clouds; garments with torn edges; garments, the clearest of all."
figures.interpolation_figure(trouble, caption="after a short run; rows in the order of the table")


# %% [markdown]
# Row by row. The first number to look at is the spread, the second the rank.
#
# - **Mode collapse.** A generator in a hurry, with the [momentum](../about/glossary.ipynb#gl-momentum) that [Adam](../about/glossary.ipynb#gl-adam) has by default: twelve latents, twelve times white
#   (spread 0.0). $D$ is always right, and the gradient is 0.000, so white it will stay. With $\beta_1 = 0$ the very same [learning
#   rates](../about/glossary.ipynb#gl-learning-rate) draw clothes. Collapse is seldom so complete; it starts with kinds that are missing.
# - **Training stalls.** Fifty times the generator's learning rate: $D$ ranks 99 of 100 pairs rightly, and its logits have grown so
#   large that the few errors make a loss of 24. What the generator is told is loud (a gradient of 88), changes from step to step,
#   and leads nowhere: the fourth row is one pattern, twelve times (spread 7.7), and it is the [transposed convolution's](../about/glossary.ipynb#gl-transposed-convolution), not learned.
#   In [PyTorch](../pytorch/gan_pytorch.ipynb) the same settings end with both losses and the gradient at 0.000. A stall may look
#   like silence or like noise; the rank and the spread show it in both cases.
# - **The [non-saturating](../about/glossary.ipynb#gl-non-saturating) loss** gets the pictures moving: the distance falls from 374 to 98. But $D$ still wins 93 pairs of a hundred
#   and its directions are poor: clouds. The cure is in the next row: a tenth of $D$'s learning rate, and penalties. The rank
#   falls to 0.79, and the distance to 20.
# - **Checkerboard.** Compare the plain surfaces of the first and the last row: the fine grid in some of the former is not in
#   the latter. Its distance is a little better, and it takes two fifths longer. [The networks](model.ipynb) shows why the grid
#   appears; longer training removes most of it.

# %% [markdown]
# **Loss spikes** do not show in an epoch's mean. So look at single steps: the discriminator's loss in each of the first 230, with
# the momentum that Keras's Adam has unless told otherwise, and without.

# %%
def first_losses(steps, **changes):
    "The discriminator's loss in each of the first steps."
    config = CONFIG.replace(**(small | free | dict(lr_g=2e-3, lr_d=2e-3) | changes))
    seed_everything(config.seed)
    training, found = Training(config, load_dataset("auto", limit=config.limit)), []
    for _ in range(budget(full=steps, fast=4)):
        training.reset_means()
        training.advance(training.batches, 1, lambda: False)
        found.append(training.means()["loss_d"])
    return found

by_step = {beta1: first_losses(230, beta1=beta1) for beta1 in (0.9, 0.0)}

# %%
#| label: fig-spikes
#| fig-cap: "The discriminator's loss, step by step, with and without momentum; both networks at a learning rate of 0.002, no penalties."
#| fig-alt: "Two curves over 230 steps. With beta1 of 0.9 the loss jumps again and again from below 1, twice above 5 and often to 2; with 0 it stays near 1.4."
fig, ax = plt.subplots(figsize=(6.4, 2.6))
for (beta1, losses), colour, line in zip(by_step.items(), (figures.light, figures.dark),
                                         ("--", "-")):
    ax.plot(losses, color=colour, ls=line, label=f"beta1={beta1:g}")
ax.set(xlabel="step", ylabel="loss of D"); ax.legend(); fig.tight_layout()

# %% [markdown]
# ## Exercises

# %%
import statistics
from gan_course.exercises.tensorflow_gan_tensorflow import check_spikes, check_within


# %% [markdown]
# ### 1. Spikes
#
# Write `spikes(losses, factor)`: the places, counted from 0, of all losses that are more than `factor` times the median of the
# up to five losses before them. Why the median, and why only five?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def spikes(losses, factor):
    before = [statistics.median(losses[max(0, i - 5):i]) if i else float("inf")
              for i in range(len(losses))]
    return [i for i, loss in enumerate(losses) if loss > factor * before[i]]

check_spikes(spikes)
# after the start
{f"beta1={beta1:g}": len(spikes(losses[50:], 2)) for beta1, losses in by_step.items()}


# %% [markdown]
# ### 2. Equal time
#
# A wide network is better per epoch and slower. Write `best_within(history, seconds)`: the smallest `pixel_frechet` that a run had
# reached after so many seconds of training, or `None`. A row of the history has the `seconds` at which its epoch ended, and its
# distance may be `None`, where it was not measured.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def best_within(history, seconds):
    there = [row["pixel_frechet"]
             for row in history if row["seconds"] <= seconds and row["pixel_frechet"] is not None]
    return min(there, default=None)

check_within(best_within)
print({name: best_within(metrics["history"], 600) for name, metrics in results.items()},
      "after ten minutes")

# %% [markdown]
# ## Next experiments
#
# 1. Ask for `precision="bf16"` on your machine, then for `xla="on"` if you have a GPU, and measure both with `bench/throughput.py`.
# 2. Train with `strategy="mirrored"` and `cpu_devices=2`, with and without `sync_batch_norm`. What does [BatchNorm](../about/glossary.ipynb#gl-batchnorm) see in each case,
#    and does the distance notice?
# 3. Give the same recipe three seeds. Is the difference between this track and [PyTorch's](../pytorch/gan_pytorch.ipynb)
#    larger than the difference between seeds? [The same step twice](same_step_twice.ipynb) has our answer.
#
# ## What to remember
#
# - Look at samples, all of them, not the best; then at a distance measured on samples; last at the losses.
# - Ranking accuracy says who is winning. Near 1 the generator gets no direction any more.
# - The framework changes the code, not the game: the same recipes, the same failures, the same cures.
#
# **What goes wrong in practice.** The run that looked best was the one whose seed was lucky: repeat it. The grid in the
# report came from the best epoch: say so, or show the last. The loss went down and the pictures got worse: see above.
#
# **References.** Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional
# generative adversarial networks*. Huang, Gokaslan, Kuleshov and Tompkin [-@huang2024r3gan], *The GAN is dead; long live the GAN!*
# Odena, Dumoulin and Olah [-@odena2016checkerboard], *Deconvolution and checkerboard artifacts*. TensorFlow's
# [DCGAN tutorial](https://www.tensorflow.org/tutorials/generative/dcgan), whose network this course starts from.
#
# ## Where this came from

# %%
for metrics in results.values(): print(provenance_line(metrics["provenance"]))
