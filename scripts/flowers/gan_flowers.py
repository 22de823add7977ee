# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab: flowers in TensorBoard
#
# > A full run on photographs, three ways to train on few of them, and how to read the page that watches
#
# - skip_showdoc: true
# - order: 52

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/gan_flowers.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/gan_flowers.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/gan_flowers.ipynb) · [API](../about/api.ipynb#flowers-gan_flowers)

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
# **You will be able to** train a generator on a few thousand photographs, say with three measurements whether it copies, memorises or tints them, and read a run off TensorBoard's page while it goes on.
#
# **You need** nothing but this page to run it; the [lessons of the chapter](index.ipynb) explain every part. **It takes** an hour and a half on two cores of a processor, and minutes on a GPU. Every long run goes on where it was when the
# cell is run again.

# %%
#| default_exp flowers.__main__

# %%
from gan_course.flowers.config import CONFIG, artifact_paths # first: it chooses Keras's backend

from pathlib import Path

import numpy as np
import matplotlib.pyplot as plt
from IPython.display import Image

from gan_course import figures
from gan_course.basics import budget
from gan_course.board import read_log
from gan_course.datasets import to_float
from gan_course.flowers import load_images, train
from gan_course.flowers.dataset import CREDIT
from gan_course.flowers.networks import create_generator
from gan_course.flowers.utils import generate_images, generate_noise, load_generator, nearest
from gan_course.results import evaluate_run, fitting_judge, in_words
from gan_course.runs import provenance_line

# %%
#| label: fig-real
#| fig-cap: Forty-eight of the photographs. This is what the generator never sees; it only hears from the discriminator how far off it is.
#| fig-alt: Four rows of twelve small square photographs of daisies, dandelions, roses, sunflowers and tulips, near and far, single and in fields, some with insects or people.
real, held_out = (load_images(CONFIG.replace(limit=budget(full=None, fast=320)), split)
                  for split in ("train", "test"))
credit = f"; {CREDIT}" if real.name == "tf_flowers" else ""
figures.image_grid(real.images[:48], columns=12, scale=1,
                   caption=f"{real.name}, {len(real):,} for training and "
                           f"{len(held_out)} held out{credit}")

# %% [markdown]
# ## The full run
#
# Mirroring and translation by [DiffAugment](augment.ipynb), a small [gradient penalty](../about/glossary.ipynb#gl-gradient-penalty), an [average of the generator](../about/glossary.ipynb#gl-ema). While it runs, `tensorboard --logdir artifacts` in another terminal shows the page described below. The table has every
# thirtieth [epoch](../about/glossary.ipynb#gl-epoch). Before you look at it: which of the numbers will tell that the pictures get better?

# %%
judge = fitting_judge(real.name, real.images.shape[1:]) # None for the drawn blossoms
config = CONFIG.replace(progress=False, best_by="frechet" if judge else "pixels",
                        **budget(full={}, fast=dict(
    epochs=2, limit=320, num_filters=8, eval_images=500, measure_every=1,
    checkpoint_save_interval=1, out=Path("artifacts/flowers_fast"))))
metrics = train(config, resume=budget(full=True, fast=False), verbose=False)
rows = metrics["history"]
print("epoch  loss D  loss G   D(x)  D(G(z))  FD(pixels)  FD(judge)"
      "  rank: training  held out  images/s")
for row in rows:
    if row["epoch"] % budget(full=30, fast=1) and row["epoch"] not in (1, 10): continue
    print(f"{row['epoch']:5}{row['loss_d']:8.3f}{row['loss_g']:8.3f}{row['d_real']:7.2f}"
          f"{row['d_fake']:9.2f}"
          f"{row['pixel_frechet'] or np.nan:12.2f}{row['frechet'] or np.nan:11.2f}"
          f"{row['rank_train'] or np.nan:16.2f}"
          f"{row['rank_held_out'] or np.nan:10.2f}{row['images_per_second']:10.0f}")
print(provenance_line(metrics["provenance"]))

# %%
paths = artifact_paths(config.out)
assert metrics["status"] == "finished" and len(rows) == config.epochs
assert all(path.exists() for path in paths.values()), (
    [str(p) for p in paths.values() if not p.exists()])
initial, G = create_generator(config), load_generator(config.out)[0]
stuck = [a.path for a, b in zip(initial.weights, G.weights) if np.array_equal(a, b)]
assert not stuck, f"{stuck} did not move"
assert all(np.isfinite([row[k] for k in ("loss_g", "loss_d", "grad_norm_g", "grad_norm_d")]).all()
           for row in rows)

# %% [markdown]
# ## Look first

# %%
#| label: fig-samples
#| fig-cap: Sixty samples after the whole run; nothing was selected.
#| fig-alt: "Six rows of ten small generated pictures. Nearly all are flowers at once: white daisies with a yellow middle, dandelions' white heads on dark ground, yellow blossoms near and in fields, red tulips, a sunflower, meadows under a pale sky. A few are only colour: a brown blur, a white patch with red; and some petals are smeared."
samples = generate_images(G, budget(full=2000, fast=500), seed=1)
figures.image_grid(samples[:60], columns=10, scale=1,
                   caption=f"flowers on {real.name}, {config.epochs} epochs, seed {config.seed}, "
                   f"FD(pixels) {[r['pixel_frechet'] for r in rows if r['pixel_frechet']][-1]:.2f}")

# %%
#| label: fig-course
#| fig-cap: The same eight latents in the course of the run.
#| fig-alt: "Eight rows, one for each latent, and twelve columns, for epochs 1 to 240. In the first column all are the same grey-brown weave, at epoch 20 blots of colour, at 70 blossoms without detail. From 110 on there are petals and middles. A row of pink blots becomes tulips between leaves, a white ball a daisy, a yellow blossom loses its dark middle. A field under a blue sky stays what it is and sharpens."
Image(str(paths["progress"])) # written after each measurement

# %% [markdown]
# **Is a sample only a copy?** Under each sample the training photograph that resembles it most, or its mirror image:

# %%
#| label: fig-nearest
#| fig-cap: Twelve samples, and under each the nearest of all training photographs.
#| fig-alt: "Two rows of twelve pictures. Under each sample stands a photograph of similar brightness and colours, often of another kind of flower: under tulips a thistle's ball, under a yellow blossom a yellow rose, under two dandelions' heads such heads in another place. In none of the pairs is it the same picture."
size = samples.shape[1]
def of_size(images): # photographs as large as the samples
    block = images.shape[1] // size
    return images.reshape(len(images), size, block, size, block, 3).mean((2, 4)).astype(np.uint8)

train_images, test_images = of_size(real.images), of_size(held_out.images)
at, far = nearest(samples[:500], train_images)
figures.image_grid(np.concatenate([samples[:12], train_images[at[:12]]]), columns=12, scale=1,
                   caption=f"above: generated; below: the nearest of {real.name}{credit}")

# %%
_, chance = nearest(test_images, train_images)
limit = np.quantile(chance, 0.01)
print(f"distance to the nearest training photograph, median: samples {np.median(far):.3f}, "
      f"held-out photographs {np.median(chance):.3f}")
print("nearer than all but a hundredth of the held-out photographs: "
      f"{np.mean(far < limit):.1%} of the samples")


# %% [markdown]
# [Held-out](../about/glossary.ipynb#gl-held-out) photographs say how near a *new* picture comes by chance. **Between two flowers** there should be flowers too, if the [generator](../about/glossary.ipynb#gl-generator) has learnt a space of them and not a list:

# %%
#| label: fig-walk
#| fig-cap: Five walks between two latents each, round the origin.
#| fig-alt: "Five rows of ten generated pictures, in each a slow change without a jump: a bed of red flowers becomes a white ball, a sunflower dissolves into a yellow meadow, yellow blossoms turn orange, a white daisy takes on a blue sky and becomes a yellow one, red tulips come apart into separate orange ones."
def walk(a, b, steps):
    t, omega = (np.linspace(0, 1, steps)[:, None],
                np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)

ends = generate_noise(10, config.num_latent_inputs, seed=5).numpy()
ways = [generate_images(G, walk(ends[2 * i], ends[2 * i + 1], 10).astype(np.float32))
        for i in range(5)]
figures.interpolation_figure(ways, scale=1, caption=f"flowers on {real.name}, seed {config.seed}")

# %% [markdown]
# **When was it good?** Two distances in the course of the run. **Predict:** the [judge](../foundations/features.ipynb) has learnt to tell kinds of flowers apart, the [pixel distance](../about/glossary.ipynb#gl-pixel-frechet) compares small copies of the pictures. Which of the two will still see progress at the end?

# %%
#| label: fig-quality
#| fig-cap: "Two Fréchet distances to the photographs, by epoch, of 2,000 samples: of their pixels, and of the judge's features. Smaller is better."
#| fig-alt: "Two curves on logarithmic axes. The left one, of pixels, falls from 119 to 14 in twenty epochs, slowly to 7 at epoch 170, and is flat from there. The right one, of the judge, falls all the way, from 250 to 81 at epoch 10, 27 at epoch 100 and 9 at the end."
fig, axes = plt.subplots(1, 2, figsize=(7.2, 2.6))
for ax, field, title in zip(axes, ("pixel_frechet", "frechet"), ("FD(pixels)", "FD(judge)")):
    points = [(r["epoch"], r[field]) for r in rows if r[field] is not None]
    if points: ax.plot(*zip(*points), "o-", color="black", ms=3)
    ax.set(title=title, xlabel="epoch", yscale="log")
fig.tight_layout()

# %% [markdown]
# By the pixels the run was over at epoch 170. [The judge](../about/glossary.ipynb#gl-judge) sees progress to the end, from 12.4 to 9.2 in the same epochs, and so does the eye, in the last columns of the strip above. With the second curve beside the first, nobody would have stopped at 170.
#
# **How good is it?** [Every number the course has](../foundations/metrics.ipynb), each with its [interval](../about/glossary.ipynb#gl-interval), of as many samples as there are held-out photographs, since a [floor](../about/glossary.ipynb#gl-floor) has to be taken from as many. `gan-course evaluate --run artifacts/flowers_gan` does the same:

# %%
few = generate_images(G, len(held_out), seed=2) # as many as there are held-out photographs
evaluation = evaluate_run(config.out, few, real, held_out, seed=2)
print("\n".join(in_words(evaluation)))

# %%
#| label: fig-evaluation
#| fig-cap: "The page that stands in the run folder as evaluation.png."
#| fig-alt: "Left sixty-four generated flowers; right a table of nine numbers, each with its interval and its floor."
Image(str(config.out/"evaluation.png"))


# %% [markdown]
# Before you read the first line, read its floor: 398 real photographs that nobody trained on have a distance of 5.5, because 398 are few and [the distance of few is too large](../foundations/metrics.ipynb). The samples have 13.0, with an interval from 10 to 16. So they are two to three times as far away as photographs, and two runs would have to differ by several units before this number could tell them apart. The [kernel distance](../about/glossary.ipynb#gl-kernel-distance) is free of that bias and says the same more clearly: 0.62, where photographs have 0.
#
# What is missing? Single pictures pass (precision 0.85, photographs 0.84). Variety is not quite there: [recall](../about/glossary.ipynb#gl-precision-recall) is 0.73 instead of 0.80, and [coverage](../about/glossary.ipynb#gl-coverage) 0.42 instead of 0.44. And none is copied more often than new photographs are. The judge is right about four photographs of five, so take all of this for what it is: the view of a small network that has seen 3,272 pictures.
#
# **Would another [seed](../about/glossary.ipynb#gl-seed) give the same?** Two more runs of this [recipe](../about/glossary.ipynb#gl-recipe), with the seeds 1 and 2, have 15.2 (10.5 to 19.9) and 22.2 (16.9 to 27.5), and kernel distances of 0.84 and 1.58. The last interval lies above the first, although nothing differs but the seed: an interval says how well *this generator* is known, and nothing about the next one. So the recipe's number is the median of three, 15.2, and this page shows the luckiest of them. On the clothes, with eighteen times as many images, three seeds lie [within a tenth of each other](../about/results.ipynb#the-courses-own-runs).

# %% [markdown]
# ## Three ways to train on few photographs
#
# None of the photographs changed; `augment_data`, which changes the real ones; [DiffAugment](../about/glossary.ipynb#gl-diffaugment), which changes real and generated ones alike. Same networks, same seed, equal images seen, at 32 × 32, where a run takes minutes. Without [label flips](../about/glossary.ipynb#gl-label-flips), [dropout](../about/glossary.ipynb#gl-dropout), or
# anything else that would help. **Predict** for each: will the [discriminator](../about/glossary.ipynb#gl-discriminator) learn its photographs [by heart](../about/glossary.ipynb#gl-memorising)? Will samples be tinted? Which will look best?

# %%
def short(way):
    c = CONFIG.replace(augmentation=way, input_size=32, num_filters=32, epochs=150, progress=False,
                       tensorboard=False, eval_images=2000, measure_every=10,
                       out=Path(f"artifacts/flowers_{way}"))
    c = c.replace(**budget(full={},
                           fast=dict(epochs=1, limit=320, num_filters=8, eval_images=500,
                                     out=Path(f"artifacts/flowers_fast_{way}"))))
    return c, train(c, resume=budget(full=True, fast=False), verbose=False)

runs = {way: short(way) for way in ("none", "augment_data", "diffaugment")}
print(f"{'':14}{'FD(pixels)':>11}{'best':>7}{'rank: training':>16}{'held out':>10}{'D(x)':>7}"
      f"{'D(G(z))':>9}{'images seen':>13}")
for way, (c, m) in runs.items():
    measured = [row for row in m["history"] if row["pixel_frechet"] is not None]
    row = measured[-1]
    print(f"{way:14}{row['pixel_frechet']:11.2f}{min(r['pixel_frechet'] for r in measured):7.2f}"
          f"{row['rank_train'] or np.nan:16.2f}{row['rank_held_out'] or np.nan:10.2f}"
          f"{row['d_real']:7.2f}{row['d_fake']:9.2f}{row['images_seen']:13,}")

# %%
#| label: fig-ways
#| fig-cap: Twelve samples each of none, augment_data and DiffAugment, from the same latents.
#| fig-alt: "Two rows of twelve small pictures for each way. The rows of none show single blossoms and fields, sharp and varied; those of augment_data are soft, and some very pale or gaudy; those of DiffAugment are as sharp as the first, with blossoms that are torn more often."
drawn = {way: generate_images(load_generator(c.out)[0], budget(full=2000, fast=200), seed=1)
         for way, (c, m) in runs.items()}
figures.image_grid(np.concatenate([images[:24] for images in drawn.values()]), columns=12,
                   caption=f"two rows each: {', '.join(drawn)}; {real.name}, 32 × 32")

# %% [markdown]
# **Does it memorise?** How often the discriminator finds a photograph more real than a generated image: one that it was trained on, and one that it has never seen:

# %%
#| label: fig-overfitting
#| fig-cap: How often the discriminator ranks a photograph above a generated image, for the three ways. A half is a coin.
#| fig-alt: "Three panels with two curves each, which begin at 1. Without augmentation the curve of the training photographs stays at 1.00, and that of the held-out ones leaves it at epoch 50 and falls to 0.83. With augment_data both run together, at 0.98 in the end. With DiffAugment they fall to 0.84 at epoch 20, rise again, and end together at 0.93."
fig = figures.CourseFigure(880, 300)
axes = fig.subplots(1, 3, sharey=True)
for ax, (way, (c, m)) in zip(axes, runs.items()):
    looked = [row for row in m["history"] if row.get("rank_train") is not None]
    for key, style, colour, label in (("rank_train", "-", figures.dark, "training"),
                                      ("rank_held_out", "--", "#d55e00", "held out")):
        ax.plot([row["epoch"] for row in looked], [row[key] for row in looked], style, color=colour,
                label=label)
    ax.set(title=way, xlabel="epoch", ylim=(0.4, 1.02))
axes[0].set(ylabel="found more real than generated"); axes[0].legend(loc="lower left")
fig.tight_layout()
fig


# %% [markdown]
# **Does it [leak](../about/glossary.ipynb#gl-leak)?** The statistics of [the data lesson](dataset.ipynb), now of samples. A generator that was told to imitate tinted photographs makes tinted ones:

# %%
def statistics(images): # uint8
    x = to_float(images)
    return dict(brightness=x.mean((1, 2, 3)).std(), contrast=x.std((1, 2, 3)).std(),
                sharpness=np.abs(np.diff(x, axis=2)).mean())

small = load_images(runs["none"][0].replace(limit=None if budget(full=True, fast=False) else 320))
print(f"{'':16}spread of brightness   spread of contrast   sharpness")
for name, images in {"photographs": small.images, **drawn}.items():
    s = statistics(images)
    print(f"{name:16}{s['brightness']:20.3f}{s['contrast']:21.3f}{s['sharpness']:12.3f}")

# %% [markdown]
# **Does it copy?** As above, with held-out photographs for comparison:

# %%
new = load_images(runs["none"][0], "test")
limit = np.quantile(nearest(new.images, small.images)[1], 0.01)
for name, images in drawn.items():
    far = nearest(images[:1000], small.images)[1]
    print(f"{name:14} nearer to a training photograph than all but a hundredth of new ones: "
          f"{np.mean(far < limit):.1%} of the samples")


# %% [markdown]
# Read the tables and pictures together:
#
# - **`augment_data` leaks**, as the data lesson foretold: the brightness of its samples varies 1.3 times as much as that of photographs, and they are a third softer. Nothing of this can be seen in a loss.
# - **DiffAugment does not leak**: its statistics are those of the photographs, although its discriminator hardly ever saw one that had not been moved.
# - **Without [augmentation](../about/glossary.ipynb#gl-augmentation) the discriminator learns by heart.** From epoch 50 on the curves part, and in the end it ranks every training photograph above a generated image, and only five of six that it has not seen. With either
#   augmentation they stay together.
# - **And yet none has the smallest distance**, and its samples are no copies. The harm is still to come: what the discriminator says is more and more about single photographs, and less about flowers. At equal images seen DiffAugment is behind,
#   because a discriminator that is shown moved pictures has more to learn before it can teach. It is the remedy for *long* runs, such as those of its paper.
#
# Memorising is measured, so you need not guess: if the two curves part, augment, or stop. That is how the recipe above was found. At 64 × 64 none and mirroring alone were ahead after twenty epochs too; what was wanted was a run of an hour, and so
# mirroring and translation it was, without the colours, which cost the most time (`bench/tuning.md`).
#
# ## TensorBoard
#
# The log of the run above is in the repository, so you can look at it without training anything:
#
# ```
# git clone …; cd gan_course
# pip install tensorboard
# tensorboard --logdir logs
# ```
#
# Here is the page, as a browser without a screen saw it. First *[Scalars](../about/glossary.ipynb#gl-scalar)*:

# %%
def shown(name):
    "A picture of the page that lies beside this notebook."
    if Path(name).is_file(): return Image(name)
    print(f"{name} lies beside this notebook in the repository, and on the site")


# %%
#| label: fig-scalars
#| fig-cap: The tab Scalars. Each number of an epoch is a card; cards with a slash in their name form groups.
#| fig-alt: "A browser page. Left the settings, smoothing 0.6 among them. Right eight cards with a curve each over 240 epochs: discriminator_loss rises to 1.3 at epoch 15 and then falls to 0.8, generator_loss does the opposite, up to 2.1; discriminator_score rises from 0.55 to 0.7 while generator_score falls from 0.46 to 0.3; frechet falls all the way, pixel_frechet is flat from epoch 170 on; rank_train and rank_held_out dip at epoch 20 and rise until epoch 160, to 0.97 and 0.95, where rank_train stays and rank_held_out falls back."
shown("tensorboard_scalars.png")

# %% [markdown]
# How to read it, card by card:
#
# - **`generator_loss`, `discriminator_loss`** tell who is ahead, and nothing about quality. What you look for is that neither runs away. Pull *Smoothing* to 0.9 to see the trend behind the jumps.
# - **`generator_score`, `discriminator_score`**: the probabilities behind the losses. Here they part from epoch 15 on, slowly: the discriminator pulls ahead. If the generator's fell to 0, it would have won.
# - **`rank_train`, `rank_held_out`**: why it pulls ahead. How often a photograph is ranked above a generated image, one of the training set and one held out. Until epoch 160 they rise together: it does not
#   memorise, it gets better. In the end the first is at 0.98 and the second at 0.94, and was at 0.89 once. That is how memorising begins, and a reason to stop soon.
# - **`frechet`, `pixel_frechet`**: the numbers here that look at pictures, through [a judge](../foundations/features.ipynb) and as small copies of them. The second stands still from epoch 170 on, the first falls to the end. Turn back the slider of the tab *Images* to see who is right.
#   If the first rises for long, take `best/` and stop.
# - **`grad_norm_d`, `grad_norm_g`**: a jump by a factor of ten announces trouble an epoch before the losses show it.
# - **`images_per_second`**: a step down is another program on your machine. So look here before you blame the code.
#
# Set *Horizontal axis* to *Wall* to see pauses: a [resumed](../about/glossary.ipynb#gl-resume) run has a gap there, and none on the axis *Step*.

# %%
#| label: fig-images
#| fig-cap: The tab Images. The slider goes back in time, for the same latents.
#| fig-alt: "A browser page with one large card, Generated Image, at step 240: four by four generated flowers. Above them a slider for the step."
shown("tensorboard_images.png")

# %%
#| label: fig-text
#| fig-cap: The tab Text with the configuration of the run.
#| fig-alt: "A browser page with a table of settings and their values: dataset tf_flowers, input_size 64, batch_size 64, num_filters 32, and so on."
shown("tensorboard_text.png")

# %%
#| label: fig-hparams
#| fig-cap: The tab HParams. With several runs in one folder each is a row, to be sorted by a result.
#| fig-alt: "A browser page. Left a list of settings with boxes to tick, right a table with one row for the run, and its settings and results in columns."
shown("tensorboard_hparams.png")

# %% [markdown]
# The numbers on the page can be read by a program, too:

# %%
folder = Path("../../logs/gan_tf_flowers")
if folder.is_dir():
    log = read_log(folder)
    last = {name: values[-1] for name, values in log.items() if isinstance(values[-1][1], float)}
    for name, (step, value) in sorted(last.items()):
        print(f"{name:22}{value:12.4f}  at epoch {step}")
else: print("the log is in the repository, in logs/gan_tf_flowers")

# %% [markdown]
# ## From the command line
#
# `python -m gan_course.flowers` is `gan-course train flowers`, with the same options:

# %%
#| exports
import sys
from importlib import import_module

def main(arguments=None): # list of strings; by default those of the command line
    """`python -m gan_course.flowers [OPTIONS]`: as `gan-course train flowers`. Returns the exit
    status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    return import_module("gan_course.__main__").main(["train", "flowers", *arguments])

if __name__ == "__main__" and __package__: sys.exit(main()) # not a notebook

# %%
status = main(["--input-size", "60"])
assert status == 2

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_gan_flowers import check_images_until, check_spread_ratio


# %% [markdown]
# ### 1. How many images until then?
#
# Write `images_until(history, distance)`: how many images had been seen when `pixel_frechet` was `distance` or less for the first time; `None` if it never was. In most epochs nothing was measured, and the value is `None`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def images_until(history, distance):
    return next((row["images_seen"] for row in history if row["pixel_frechet"] is not None
                 and row["pixel_frechet"] <= distance), None)

check_images_until(images_until)
print({way: images_until(m["history"], 30.0) for way, (c, m) in runs.items()})


# %% [markdown]
# ### 2. Does the brightness leak?
#
# Write `spread_ratio(real, samples)` for two arrays `uint8` [N, H, W, C]: how much more the *mean brightness* varies between samples than between real images, as a ratio of deviations. Above 1 the generator makes more dark and more light
# pictures than there are.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def spread_ratio(real, samples):
    def spread(images): return images.astype(np.float64).mean((1, 2, 3)).std()
    return spread(samples) / spread(real)

check_spread_ratio(spread_ratio)
print({way: round(float(spread_ratio(small.images, images)), 2) for way, images in drawn.items()})

# %% [markdown]
# ## What to remember
#
# - Look at samples, at walks between them, at their [nearest neighbours](../about/glossary.ipynb#gl-nearest-neighbour); and at statistics, for what no eye finds in sixty pictures.
# - What is done to real images only comes out of the generator. Measured, not seen: 1.3 times the spread of brightness.
# - Whether a discriminator memorises is a question with an answer: rank held-out photographs and training photographs. Without augmentation it did after 160 thousand images, with it not.
# - A remedy has a price. Augmentation slows learning, so a short run is better off without, and a long one is not.
# - A discriminator can win without memorising. In the log above its score rises from epoch 15 on, for photographs it has never seen too: it has become better than the generator can follow.
#
# **What goes wrong in practice, and how you see it.**
#
# - *Samples are good and few*: look at many, and at walks between them.
# - *A sample looks like a photograph you have seen*: show its nearest neighbour, and compare the distance with that of held-out photographs.
# - *The discriminator is right about training photographs and not about others*: it memorises. Augment both sides, or stop earlier.
# - *Colours wander from epoch to epoch*: an average over a longer [half-life](../about/glossary.ipynb#gl-half-life), or a lower rate.
#
# **References.** Zhao et al. [-@zhao2020diffaugment], *Differentiable augmentation for data-efficient GAN training*. Karras et al. [-@karras2020ada], *Training generative adversarial networks with limited data*. Zhao et al. [-@zhao2020image], *Image augmentations for GAN training*
# (what leaks). Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional generative adversarial networks* (walks in the space of latents). The photographs: the TensorFlow Team [-@tensorflow2019flowers], *Flowers*, and the people named in `LICENSE.txt`, which comes with them.
