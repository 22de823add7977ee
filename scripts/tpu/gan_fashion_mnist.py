# ---
# jupyter:
#   accelerator: TPU
#   colab:
#     gpuType: V5E1
#   kaggle:
#     accelerator: tpuV5e8
#     dataSources:
#     - datasetSlug: zalando-research/fashionmnist
#       sourceType: datasetVersion
#     isInternetEnabled: true
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab: Fashion-MNIST, thirty epochs anywhere
#
# > One notebook for Kaggle, Colab and your own machine: train, look, measure, provoke failures, and know what each cost
#
# - skip_showdoc: true
# - order: 43

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/gan_fashion_mnist.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/gan_fashion_mnist.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/gan_fashion_mnist.ipynb)

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
# **You will be able to** train a GAN on whatever accelerator there is, judge it by pictures and numbers, and say for six common troubles
# which measurement shows them and which field mends them.
#
# **You need** nothing but this page to run it; the [lessons of the track](index.ipynb) explain every part. **It takes** an hour and a half on one core of a processor
# and minutes on a TPU. Every long run goes on where it was when the cell is run again.

# %% [markdown]
# ## Setup
#
# On Kaggle, choose *TPU v5e-8* as the [accelerator](../about/glossary.ipynb#gl-accelerator) and attach the data set *Fashion MNIST* (zalando-research); this notebook asks for both. On Colab, choose *v5e-1 TPU*. The first cell installs the
# course there and does nothing here; the next ones say what was found. All that is written goes into the working directory.

# %%
from gan_course.tpu.config import BACKEND # first: it chooses Keras's backend

import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image

from gan_course import figures
from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.features import judge_of
from gan_course.keras_files import load_network
from gan_course.results import evaluate_run, in_words
from gan_course.runs import provenance_line
from gan_course.tpu import CONFIG, generate_samples, train
from gan_course.tpu.config import artifact_paths
from gan_course.tpu.data import Batches
from gan_course.tpu.inference import load_generator
from gan_course.tpu.model import AdversarialModel, Generator, make_optimizer
from gan_course.tpu.strategy import find_accelerator

# %%
accelerator = find_accelerator()
print(accelerator)
print("outputs go to", Path("artifacts").resolve().relative_to(Path.cwd()))

# %%
#| label: fig-real
#| fig-cap: Sixteen real images. This is what the generator never sees; it only hears from the discriminator how far off it is.
#| fig-alt: Four by four small photographs of clothes, grey on black, shirts, shoes, trousers and bags among them.
real = load_dataset("auto", limit=budget(full=None, fast=640))
figures.image_grid(real.images[:16], columns=4, caption=f"{real.name}, {len(real):,} images, real")

# %% [markdown]
# ## Thirty epochs
#
# One [learning rate](../about/glossary.ipynb#gl-learning-rate) for both networks, [latents](../about/glossary.ipynb#gl-latent) of 256 numbers, pictures every five [epochs](../about/glossary.ipynb#gl-epoch). In every second one a [judge](../foundations/features.ipynb), a small classifier that takes no part in the game, says how far samples are from real images: FD(judge). **Predict:** which of the two losses will fall?

# %%
config = CONFIG.replace(progress=False, best_by="frechet", **budget(full={}, fast=dict(
    epochs=2, limit=640, width=8, batch_size=32, image_every=1, eval_images=500,
    out=Path("artifacts/tpu_fast"))))
metrics = train(config, resume=budget(full=True, fast=False))

# %% [markdown]
# Did anything train? All files, all numbers finite, and every weight of the [generator](../about/glossary.ipynb#gl-generator) elsewhere than it began:

# %%
paths, rows = artifact_paths(config.out), metrics["history"]
assert metrics["status"] == "finished" and len(rows) == config.epochs
assert all(path.exists() for path in paths.values()), (
    [str(p) for p in paths.values() if not p.exists()])
initial, G = Generator(config.latent_dim, config.width, bottleneck=config.bottleneck,
                       seed=config.seed), load_generator(config.out)[0]
stuck = [a.path for a, b in zip(initial.weights, G.weights)
         if (keras.ops.convert_to_numpy(a.value) == keras.ops.convert_to_numpy(b.value)).all()]
assert not stuck, f"{stuck} did not move"
assert all(np.isfinite([row[k] for k in ("loss_g", "loss_d", "grad_norm_g", "grad_norm_d")]).all()
           for row in rows)
for folder in (config.out, paths["images"]):
    print(*sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")), sep=", ")

# %% [markdown]
# ## Look first
#
# The same sixteen latents every five epochs, as the [callback](../about/glossary.ipynb#gl-callback) drew them:

# %%
#| label: fig-epochs
#| fig-cap: The pictures in `generated_images`, from the first to the last. Outlines come first, then texture.
#| fig-alt: "Six grids of sixteen generated garments each, after 5, 10, 15, 20, 25 and 30 epochs. In the first some are torn. Later edges are clean, and collars, heels and handles appear. A pair of trousers and a dress stay what they are; a torn boot becomes a bag, a pullover a pair of trousers and then a T-shirt."
drawn = sorted(paths["images"].glob("epoch_*.png"), key=lambda p: int(p.stem.split("_")[1]))
fig = figures.CourseFigure(880, 620)
axes = fig.subplots(2, -(-len(drawn) // 2), squeeze=False)
for ax in axes.flat: ax.set_axis_off()
for ax, path in zip(axes.flat, drawn): ax.imshow(plt.imread(path), cmap="gray", vmin=0, vmax=1)
fig.tight_layout(pad=0.3)
fig

# %%
#| label: fig-final
#| fig-cap: Sixty samples after the whole run; nothing was selected.
#| fig-alt: A grid of generated garments with all ten kinds among them, shirts, pullovers, coats, dresses, trousers, bags, sandals, sneakers and ankle boots.
note = (f"tpu on {real.name}, {config.epochs} epochs, seed {config.seed}, "
        f"FD(judge) {rows[-1]['frechet']:.2f}")
with tempfile.TemporaryDirectory() as scratch:
    samples = generate_samples(config, 2000, Path(scratch)/"x.png", seed=1)
figures.image_grid(samples[:60], columns=12, caption=note)

# %%
#| label: fig-curves
#| fig-cap: Losses, and what the discriminator thinks of real and of generated images. After ten epochs they say nothing more.
#| fig-alt: Left the discriminator's loss falls a little in the first ten epochs while the generator's rises, and then both stay. Right the mean scores of real and of generated images move apart, to 0.54 and 0.46.
figures.plot_curves(rows, caption=f"tpu on {real.name}, {config.epochs} epochs")

# %%
#| label: fig-quality
#| fig-cap: "Two Fréchet distances to the real images, by epoch: of the pixels of 5,000 samples, and of the judge's features of 2,000. Smaller is better."
#| fig-alt: "Two curves on logarithmic axes that fall steeply in the first epochs and then slowly. The left one, of pixels, is all but flat from epoch 7 to 22; the right one, of the judge, falls from 13 to 4.3 in ten epochs and to about 2.2 at the end."
fig, axes = plt.subplots(1, 2, figsize=(7.2, 2.6))
for ax, field, title in zip(axes, ("pixel_frechet", "frechet"), ("FD(pixels)", "FD(judge)")):
    points = [(r["epoch"], r[field]) for r in rows if r[field] is not None]
    ax.plot(*zip(*points), "o-", color="black", ms=3)
    ax.set(title=title, xlabel="epoch", yscale="log")
fig.tight_layout()

# %% [markdown]
# From the tenth epoch on the losses stand still, as they should in a game that is balanced; the pictures get better all the same: [the judge's](../about/glossary.ipynb#gl-judge) distance halves between the tenth epoch and the last, from 4.3 to 2.2, while no loss moves by more than two hundredths. That is why nobody who trains a GAN believes a loss.
#
# ## What it cost
#
# This [recipe](../about/glossary.ipynb#gl-recipe) has a history. Those who ran it first expected fifty hours on a local machine, about fifteen on a good GPU, and about one hour on Kaggle's TPU, for thirty epochs. And here:

# %%
seconds = metrics["provenance"]["seconds"]
print(provenance_line(metrics["provenance"]))
print(f"{seconds / 60:.0f} minutes for {config.epochs} epochs; {50 * 3600 / seconds:.0f} times as "
      "fast as fifty hours")

# %% [markdown]
# This is not a race: we do not know how large their networks were, and one core is no TPU. What the number does say is that the fifty hours were not in the problem. The networks here are as
# small as the pictures need, nothing waits for a picture or a printed loss, the data is sent once, no step is compiled twice, and a thread of `tf.data` that held up the end of every epoch is
# [switched off](data.ipynb). [Where the time goes](speed.ipynb) has numbers for each. Before you rent a faster machine, find out what the one you have is waiting for.
#
# ## Numbers for what the eye saw
#
# **Are all kinds there?** The [judge](../foundations/features.ipynb), a classifier trained on the real images, says what it takes each sample for:

# %%
judge = judge_of(real.name)

def kinds(images):
    "What the judge takes each image for."
    return judge(images)[1].argmax(1)

test = load_dataset("auto", split="test", limit=budget(full=None, fast=500))
print(f"the judge is right about {np.mean(kinds(test.images) == test.labels):.0%} "
      "of real test images")
count = lambda images: np.bincount(kinds(images), minlength=10) / len(images)
found, expected = count(samples), count(test.images)
for name, a, b in zip(real.classes, found, expected):
    print(f"{name:<12} samples {a:5.1%}   real {b:5.1%}")
print(f"total variation {np.abs(found - expected).sum() / 2:.3f}")

# %% [markdown]
# **How good are they?** Ten thousand samples against all real images, with [every number the course has](../foundations/metrics.ipynb),
# each with its [interval](../about/glossary.ipynb#gl-interval) and beside what as many real test images get. `gan-course evaluate --run artifacts/tpu_gan` does the same.

# %%
with tempfile.TemporaryDirectory() as scratch:
    many = generate_samples(config, budget(full=10_000, fast=500), Path(scratch)/"x.png", seed=2)
evaluation = evaluate_run(config.out, many, real, test, seed=2)
print("\n".join(in_words(evaluation)))

# %%
#| label: fig-evaluation
#| fig-cap: "The page that stands in the run folder as evaluation.png."
#| fig-alt: "Left sixty-four generated garments; right a table of nine numbers, each with its interval and its floor."
Image(str(config.out/"evaluation.png"))

# %% [markdown]
# The losses said that nothing happened after the tenth epoch, when this distance was 3.8 (and 3.4 and 3.5 with two other [seeds](../about/glossary.ipynb#gl-seed); [Results](../about/results.ipynb) has these runs too). Now it is 2.1, and the interval of 1.9 to 2.4 leaves no doubt. Where the rest lies, the other lines say: samples look nearly as real as photographs do (precision 0.79, real ones have 0.83), but they come near fewer of the photographs ([coverage](../about/glossary.ipynb#gl-coverage) 0.86 against 0.97), and no more of them are copies than among new photographs.
#
# **Does the [discriminator](../about/glossary.ipynb#gl-discriminator) know its images [by heart](../about/glossary.ipynb#gl-memorising)?** It has seen each training image thirty times. `evaluate` runs the model's `test_step`, on images it was trained on and on others:

# %%
model = AdversarialModel(G, load_network(paths["discriminator_keras"]), config.latent_dim,
                         config.batch_size)
model.compile(*(make_optimizer(1e-4, 0.5) for _ in range(2)),
              mesh=accelerator.share if BACKEND == "jax" else None)
scores = {name: model.evaluate(Batches(data, config.batch_size, accelerator).part(epoch=0),
                               verbose=0, return_dict=True)
          for name, data in (("training", real.limited(2000)), ("test", test.limited(2000)))}
for name, s in scores.items():
    print(f"D(x) on {name} images {s['d_real']:.3f}, D(G(z)) {s['d_fake']:.3f}, ranked rightly "
          f"{s['rank_accuracy']:.3f}")

# %% [markdown]
# Its scores differ by less than a hundredth, but on images it was trained on it ranks three pairs in a hundred more rightly: it judges, and remembers a little.
#
# **Is a sample only a copy?** For some samples, the nearest of all real images, by the distance of their pixels:

# %%
#| label: fig-neighbours
#| fig-cap: Twelve samples, and under each the real image nearest to it.
#| fig-alt: Two rows of twelve garments. Each pair shows the same kind of garment with different details.
flat = real.images.reshape(len(real), -1).astype(np.float32)
mine = samples[:12].reshape(12, -1).astype(np.float32)
nearest = ((flat**2).sum(1) - 2 * mine @ flat.T).argmin(1) # |a - b|² but for |a|²
figures.image_grid(np.concatenate([samples[:12], real.images[nearest]]), columns=12,
                   caption="above: generated; below: the nearest real image")

# %% [markdown]
# ## Stability, and the learning rate
#
# One learning rate drives both networks. Too small, and thirty epochs are not enough; too large, and the game gets out of hand. Short runs on a part of the data, with a tenth, one, four and sixteen
# times the rate. Which will look best after three epochs?

# %%
small = dict(epochs=budget(full=3, fast=1), limit=budget(full=20_000, fast=256),
             width=budget(full=32, fast=8),
             eval_images=budget(full=5000, fast=500), best_by="frechet", progress=False,
             **budget(full={}, fast=dict(batch_size=32)))

def short(**changes):
    "A short run of a variant: its last measurements, its samples."
    with tempfile.TemporaryDirectory() as folder:
        c = CONFIG.replace(**(small | dict(out=Path(folder)/"run") | changes))
        last = train(c, verbose=False)["history"][-1]
        return last, generate_samples(c, 500, Path(folder)/"x.png", seed=1)

def compare(variants):
    "Runs of several variants as a table; returns a row of samples of each."
    print(f"{'variant':<36}{'FD':>7}{'loss D':>8}{'loss G':>8}{'rank':>6}{'|grad G|':>10}"
          f"{'spread':>8}{'kinds':>7}{'images/s':>10}")
    pictures = []
    for name, changes in variants.items():
        r, images = short(**changes)
        share = np.bincount(kinds(images), minlength=10) / len(images)
        print(f"{name:<36}{r['frechet']:>7.1f}{r['loss_d']:>8.3f}{r['loss_g']:>8.3f}"
              f"{r['rank_accuracy']:>6.2f}{r['grad_norm_g']:>10.3f}"
              f"{images.astype(float).std(axis=0).mean():>8.1f}{(share > 0.02).sum():>7}"
              f"{r['images_per_second']:>10,.0f}")
        pictures.append(images[:12])
    return pictures


# %% [markdown]
# `FD` is the judge's distance of 2,000 samples, `spread` is how much the pixels of different samples differ, in grey levels, and `kinds` how many of the ten kinds make up at least two per cent of the samples. Real images have

# %%
round(float(real.images[:500].astype(float).std(axis=0).mean()),
      1), int((count(real.images[:500]) > 0.02).sum())

# %%
rate = CONFIG.learning_rate
rates = {f"learning rate {rate * factor:g}": dict(learning_rate=rate * factor)
         for factor in (0.1, 1, 4, 16)}
pictures = compare(rates)

# %%
#| label: fig-rates
#| fig-cap: Twelve samples of each learning rate, the smallest above.
#| fig-alt: "Four rows of twelve generated pictures. In the first, garments that look woven of crosses; in the second, clean shoes, pullovers and bags; in the third, garments with holes and crosses; in the last, white clouds on black, several of them alike."
figures.image_grid(np.concatenate(pictures), columns=12, caption=", ".join(rates))

# %% [markdown]
# A tenth of the rate is slow, and nothing else is wrong with it: its garments are still woven of crosses, as those of an earlier epoch were. Four times the rate is too much, although all ten kinds are there: holes and crosses, and twice the distance. Sixteen times
# the rate is out of hand. White clouds, several of them the same, losses of 158 and 126, a gradient of 123. Would you have noticed by the loss of the discriminator that a rate of 0.001 is best? It lies between those of the two that are worse.
#
# ## Mode collapse
#
# A generator that has found one picture the discriminator believes may draw nothing else. It is the failure of GANs that everybody has heard of. Here it is provoked without so wild a rate: [momentum](../about/glossary.ipynb#gl-momentum),
# four times the rate, no penalty, no [dropout](../about/glossary.ipynb#gl-dropout). Below it, one change each. Which of them will be a cure?

# %%
collapse = dict(learning_rate=4 * rate, beta1=0.9, r1=0.0, dropout=0.0)
cures = (dict(beta1=CONFIG.beta1), dict(r1=CONFIG.r1), dict(dropout=CONFIG.dropout),
         dict(learning_rate=rate))
provoked = {"provoked": collapse} | {f"… with {name}={value:g}": collapse | {name: value}
                                     for cure in cures for name, value in cure.items()}
pictures = compare(provoked)

# %%
#| label: fig-collapse
#| fig-cap: Twelve samples of each variant, the provoked failure above.
#| fig-alt: "Five rows of twelve generated pictures. In the first, melted white boots, several of them the same; in the second, shirts, trousers, a bag and a shoe; in the third, smooth shapes without detail; in the fourth, pale blocks that fade out; in the last, dark scraps."
figures.image_grid(np.concatenate(pictures), columns=12, caption=", ".join(provoked))

# %% [markdown]
# In the first row the same white boot comes four times, more or less melted: the generator has *[collapsed](../about/glossary.ipynb#gl-mode-collapse)*. The discriminator ranks 93 of 100 pairs rightly; it has won, and what it tells the generator leads nowhere. One change is a cure on its own, and it is
# the momentum: an average over earlier gradients is advice against an opponent who has moved on. The penalty alone brings back shapes without any detail (56 instead of 77). Dropout alone and a lower rate alone change what is drawn, and make it hardly better.
#
# Look at the numbers once more. `kinds` says 7 and 8 for the four failures, as the judge has to give every blob *some* name, and the `spread` of the first is more than real images have, as black and white blobs differ as much
# as clothes do. A number that looks healthy has to be held against the pictures; FD was not deceived.
#
# ## Speed against quality
#
# Larger [batches](../about/glossary.ipynb#gl-batch) make better use of an accelerator, and take fewer steps. At the same number of images, a batch four times as large learns a quarter as often. A rule of thumb raises the learning rate with the root of the batch. Does it make up for it?

# %%
batches = {f"batch {b}, rate {r:.1e}": dict(batch_size=b, learning_rate=r) for b, r in budget(
    full=((32, rate / 2), (128, rate), (512, rate), (512, 2 * rate)),
    fast=((32, rate), (64, rate)))}
pictures = compare(batches)

# %% [markdown]
# Not half. With a quarter of the steps the batch of 512 is where the others were earlier, 22.9 against 13.8, and twice the rate brings it to 18.6. A batch of 32 with half the rate is at least as good as ours. And on this
# processor none of them is faster than another, so that small batches cost nothing. On a TPU they do: there, first make the batch so large that a step costs something, and then give it more epochs.
#
# ## Playbook
#
# | what you see | the number that shows it | what it is | what to change |
# |---|---|---|---|
# | the same pictures again and again | few `kinds`, a high FD; `spread` only if they are all alike | mode collapse | `beta1` to 0; a lower `learning_rate` or more `r1` only beside that, since above neither was a cure alone |
# | grey fog, for epochs | rank 0.5, gradient of G near 0 | D tosses a coin | a higher `learning_rate`, less `r1` and `dropout` |
# | noise that stays | rank 1.0, D(G(z)) near 0 | D has won | `beta1` to 0, a lower `learning_rate`, more `r1` |
# | good samples, then bad ones, then good ones | FD jumps, losses do not | the game circles | keep the best (`best/`), a longer `ema_half_life`, a lower `learning_rate` |
# | "the loss is no longer finite" | the step in the message | a rate too high, or float16 without a scale | `learning_rate`, `precision` |
# | fewer images a second than yesterday | `images_per_second` by epoch | the host, or something asleep | [Where the time goes](speed.ipynb) |
#
# ## Upsampling or transposed convolution?
#
# [The lesson on the model](model.ipynb) shows the [checkerboard](../about/glossary.ipynb#gl-checkerboard) that comes with kernels that do not fit their stride, before anything is learned, on both sides of the game. This generator [upsamples](../about/glossary.ipynb#gl-upsampling) and convolves, and costs
# 2.25 times the arithmetic for it. On an accelerator that is the cheapest thing there is.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake. For a third one there is no check: turn one field of the playbook, write down what you expect of each column of the table, and run `compare`.

# %%
from gan_course.exercises.tpu_gan_fashion_mnist import check_best_epoch, check_variation


# %% [markdown]
# ### 1. How far from even
#
# Write `variation(samples, real)`, the [total variation](../about/glossary.ipynb#gl-class-distance) distance of two lists of *counts* per kind: half the sum of the absolute differences of their shares. It is 0 for equal shares and 1 where nothing is in common, however many were counted.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def variation(samples, real):
    p, q = np.asarray(samples, float), np.asarray(real, float)
    return float(np.abs(p / p.sum() - q / q.sum()).sum() / 2)

check_variation(variation)
variation(np.bincount(kinds(samples), minlength=10), np.bincount(kinds(test.images), minlength=10))


# %% [markdown]
# ### 2. The epoch to keep
#
# Write `best_epoch(history)`: the number of the epoch with the smallest `pixel_frechet`. `history` is a list of dictionaries as in `metrics.json`. In some epochs nothing was measured, and the value is `None`; where nothing ever was, the answer is `None`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def best_epoch(history):
    measured = [row for row in history if row["pixel_frechet"] is not None]
    return min(measured, key=lambda row: row["pixel_frechet"])["epoch"] if measured else None

check_best_epoch(best_epoch)
print(f"best by pixels: epoch {best_epoch(rows)}; by the judge: {metrics['best']['epoch']}")

# %% [markdown]
# ## What to remember
#
# - Look at the pictures first, then at FD, `spread` and `kinds`; the losses tell who is winning, not who is good.
# - Change one field at a time, at the same number of images.
# - A failure has a number. If you cannot name it, you have not found it yet.
# - Where it runs changes how long it takes, and nothing else: the same notebook, the same data, the same checks.
#
# **What goes wrong in practice, and how you see it.**
#
# - *A number looks healthy and the pictures do not*: `kinds` was 7 in the provoked failure, and its `spread` that of real images. Hold each number against the pictures.
# - *Two variants differ by a little*: that is one seed each, after three short epochs. Repeat it with another seed before you believe it.
# - *A larger batch looks worse*: it took fewer steps. Compare after equal images, and say what each cost.
# - *A run takes far longer than expected*: read what the second cell says. It names the device, how many there are, and why this one.
#
# **References.** Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*. Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional generative adversarial networks*. Odena,
# Dumoulin and Olah [-@odena2016checkerboard], [Deconvolution and checkerboard artifacts](https://distill.pub/2016/deconv-checkerboard/). Xiao, Rasul and Vollgraf [-@xiao2017fashion], *Fashion-MNIST*. Heusel et al. [-@heusel2017fid], *GANs trained by a two
# time-scale update rule converge to a local Nash equilibrium* (the distance, and why two rates are usual).
