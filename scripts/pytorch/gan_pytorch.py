# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab: a GAN that draws clothes
#
# > Both recipes in full, what their curves do and do not tell, a playbook, and a table of what goes wrong
#
# - order: 22

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/gan_pytorch.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/gan_pytorch.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/gan_pytorch.ipynb)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[pytorch]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** train a GAN from start to finish, say from its measurements who is winning, tell four ways of
# failing apart by looking, and name the field of the configuration that mends each.
#
# **You need** the track so far; [Configuration](config.ipynb), [The engine](engine.ipynb) and
# [Training](train.ipynb) above all. **It takes** an hour on a laptop's processor, most of it waiting, and a few minutes
# on a GPU. Every run here can be interrupted: run the cell again, and it goes on where it was.

# %% [markdown]
# ## Setup

# %%
import tempfile
from pathlib import Path

import numpy as np
import torch

from gan_course import figures
from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.exercises.pytorch_gan_pytorch import check_arithmetic, check_diversity, check_winner
from gan_course.metrics import evaluation_figure
from gan_course.pytorch import CONFIG, generate_samples, train
from gan_course.pytorch.inference import interpolate, load_generator
from gan_course.pytorch.model import build_networks
from gan_course.pytorch.train import latest_checkpoint, load_file
from gan_course.pytorch.utils import make_latents, seed_everything, to_images
from gan_course.results import evaluate_run, compared
from gan_course.runs import provenance_line

# %% [markdown]
# Two runs with the same data, the same [seed](../about/glossary.ipynb#gl-seed), the same number of [epochs](../about/glossary.ipynb#gl-epoch). All that differs is the [recipe](../about/glossary.ipynb#gl-recipe).

# %%
artifacts = budget(full=Path("artifacts"), fast=Path(tempfile.mkdtemp()))
common = dict(epochs=budget(full=10, fast=1), progress=False, limit=budget(full=None, fast=640),
              eval_images=budget(full=5000, fast=500), best_by="frechet")
if budget(full=False, fast=True): common |= dict(width=16)
modern = CONFIG.replace(out=artifacts/"pytorch_gan", **common)
dcgan = CONFIG.replace(recipe="dcgan", out=artifacts/"pytorch_gan_dcgan", **common)
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
# [the judge](../about/glossary.ipynb#gl-judge) say which epoch is kept as the best. The two runs went side by side, a core each, with other work beside them: left
# alone, two cores do 630 images a second here in `modern`, and its ten epochs take sixteen minutes.

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
    moved = [not torch.equal(a, b) for a, b in zip(initial.parameters(), trained.parameters())]
    assert all(moved), f"{config.recipe}: some weights did not move"
for name, metrics in results.items():
    rows = metrics["history"]
    assert metrics["status"] == "finished" and len(rows) == modern.epochs
    assert all(np.isfinite([row["loss_g"], row["loss_d"], row["d_real"], row["d_fake"]]).all()
               for row in rows)


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
#| fig-alt: "A grid of generated garments of the same kinds; several have holes or torn edges, and some cannot be named."
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
#| fig-alt: "Eight rows of ten pictures. Pullovers, a shirt and a sneaker are settled after three epochs and become smoother; a bag and a boot change until the end."
def strip(config):
    "The progress strip is kept in the checkpoints."
    state = load_file(latest_checkpoint(config.out))["state"]
    labels = [str(row["epoch"]) for row in state["history"]]
    return figures.progress_strip([s.numpy() for s in state["strips"]], labels,
                                  caption=note(config))

strip(modern)

# %%
#| label: fig-strip-dcgan
#| fig-cap: "The same for the dcgan recipe."
#| fig-alt: "Eight rows of ten pictures: trousers, pullovers and tops. Their outlines are settled after four epochs; textures and necklines keep changing."
strip(dcgan)

# %% [markdown]
# ## Reflection: what the curves say
#
# First the curves, and a warning: **a falling loss is no evidence**. The two losses are two sides of one game. If
# the [discriminator's](../about/glossary.ipynb#gl-discriminator) falls, it is winning, and the pictures may be getting worse.

# %%
#| label: fig-curves-modern
#| fig-cap: "Losses and mean scores of the modern recipe."
#| fig-alt: "Left two loss curves that part from 0.7: the discriminator's falls to 0.67, the generator's rises to 0.87, and both level off. Right the mean scores of real and generated images, close to each other, just above 0.5."
figures.plot_curves(results["modern"]["history"], caption=note(modern))

# %%
#| label: fig-curves-dcgan
#| fig-cap: "Losses and mean scores of the dcgan recipe."
#| fig-alt: "Left the discriminator's loss falls from 1.3 to 1.1 while the generator's rises from 0.9 to 1.2; they cross after nine epochs. Right the mean scores of real and generated images move apart, from 0.5 to 0.6 and 0.4."
figures.plot_curves(results["dcgan"]["history"], caption=note(dcgan))

# %% [markdown]
# Now the quality, measured on samples in two ways, next to how often the discriminator ranks a real image above a
# generated one (0.5: it guesses; 1.0: it is never wrong).

# %%
import matplotlib.pyplot as plt

# %%
#| label: fig-quality
#| fig-cap: "The Fréchet distance over the epochs, of pixels and of the judge's features, and the discriminator's rank accuracy, for both recipes."
#| fig-alt: "Left two jagged curves of pixel distance that fall together from 7 to below 2 and cross. In the middle the two smooth curves of the judge: both fall, the solid one of modern always below the dashed one of dcgan. Right the rank accuracy: dcgan climbs from 0.68 to 0.83, modern from 0.51 to 0.61."
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
# 0.87. In dcgan the discriminator's loss falls from 1.31 to 1.10 and the generator's rises from 0.88 to 1.16, the faster the
# longer it lasts. Read as one reads a classifier's loss, both generators get worse in every epoch. Their distances fall
# meanwhile, by the judge from 13.0 to 3.1 and from 18.5 to 5.5. That is the warning above in numbers.
#
# **Who is winning.** The modern discriminator ranks the real image higher in 51 of 100 pairs at first, and in 61 at the end: the
# penalties hold it back. That of dcgan goes from 68 to 83 in a straight line, and nothing stops it; an earlier run of
# thirty epochs ended at 95. The nearer to 100, the less the generator is told except that it loses. The run has not failed, and
# its distance still falls. Should it rise one day, the file `best/generator.pt` is kept for that; ask for it with
# `generate_samples(..., best=True)`.
#
# **Which distance?** The [pixel distance](../about/glossary.ipynb#gl-pixel-frechet) of modern rises from 1.8 to 2.4 and 2.5 after the sixth epoch, falls to 1.4 in the
# ninth, and rises again in the last, where the curves of the losses show nothing at all. The judge saw nothing of the kind: it
# falls whenever it is taken. And while by their pixels the two recipes end side by side, at 1.7 and 1.9, by the judge one is at
# 3.1 and the other at 5.5. Look at the two grids again, and say whom you believe.

# %% [markdown]
# ## Numbers for the pictures
#
# Two thousand samples are enough to choose an epoch. For a result, ten thousand are held against all real images, with
# [every number the course has](../foundations/metrics.ipynb), each beside what as many real test images get. From a
# terminal, `gan-course evaluate --run artifacts/pytorch_gan` does the same.

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
# The distances are smaller than those of the curve, 2.6 and 4.9, since with more samples [the bias](../foundations/metrics.ipynb) is
# smaller: compare numbers of samples before you compare distances. Their [intervals](../about/glossary.ipynb#gl-interval) are far apart. What makes the difference?
# More of modern's samples look like real images (precision 0.77 against 0.71; real test images have 0.83), and they come near
# more of the real ones ([coverage](../about/glossary.ipynb#gl-coverage) 0.84 against 0.77; 0.97). In [recall](../about/glossary.ipynb#gl-precision-recall) the two hardly differ, and both have far to go. Both draw
# all kinds about as often as the data ([class distance](../about/glossary.ipynb#gl-class-distance)), and neither copies: about one sample in a hundred lies very near to a
# training image, as of new photographs.
#
# An interval says how well one *run* is known. Another seed may move both numbers further: [Results](../about/results.ipynb).

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
pictures = to_images(G(walk.flatten(0, 1))).reshape(5, 12, 28, 28, 1)
figures.interpolation_figure(list(pictures), caption=note(modern))

# %% [markdown]
# Has it only [memorised](../about/glossary.ipynb#gl-memorising)? For some samples, the nearest of all real images, by the distance of their pixels:

# %%
#| label: fig-neighbours
#| fig-cap: "Twelve samples of the modern recipe, and under each the real image nearest to it."
#| fig-alt: "Two rows of twelve garments. Each pair shows the same kind of garment with different details."
flat = torch.from_numpy(real.images.reshape(len(real), -1)).float()
mine = torch.from_numpy(samples["modern"][:12].reshape(12, -1)).float()
nearest = torch.cdist(mine, flat).argmin(dim=1).numpy()
figures.image_grid(np.concatenate([samples["modern"][:12], real.images[nearest]]), columns=12,
                   caption="above: generated; below: the nearest real image")


# %% [markdown]
# ## The experiment playbook
#
# What to try, in the order in which it usually pays, and the field that tries it:
#
# | question | field | what to watch |
# |---|---|---|
# | Is the latent long enough, or too long? | `latent_dim` | variety within a kind, and FD: 64 were worse than 16 |
# | Are the optimisers right? | `lr_g`, `lr_d`, `beta1`, `optimizer`, `lr_decay` | FD after a fixed time, never the loss |
# | Is the discriminator held back enough, or too much? | `r1`, `r2`, `penalty_every`, `dropout`, `label_smoothing`, `instance_noise` | [rank accuracy](../about/glossary.ipynb#gl-rank-accuracy), gradient norms |
# | Would another architecture do better? | `width`, `d_widening`, `upsample`, `d_norm` | FD after a fixed *time*: wide networks are slow |
# | Does averaging help? | `ema_half_life` | the same run with 0 |
# | Which number do I trust? | `eval_images`, `gan-course evaluate` | FD with another seed of latents; the grid |
# | Can I ask for a sandal? | no field but a subclass: see [the TensorFlow lab](../tensorflow/gan_tensorflow.ipynb#ask-for-a-sandal) | a row of samples for each kind |
#
# Change one field at a time, and give every variant the same time. Here are some, each a short run on a part of the data:

# %%
def short(**changes):
    "A short run of a variant: its last measurements and its samples."
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.replace(**(dict(
            epochs=budget(full=3, fast=1), limit=budget(full=20_000, fast=256),
            width=budget(full=32, fast=8),
            progress=False, eval_images=budget(full=5000, fast=500),
            out=Path(folder)/"run") | changes))
        metrics = train(config, verbose=False)
        images = generate_samples(config, 500, Path(folder)/"x.png", seed=1)
    return metrics["history"][-1], images

def compare(variants):
    "Runs of several variants as a table; returns their samples, a row each."
    print(f"{'variant':<34}{'FD':>7}{'loss D':>8}{'loss G':>8}{'rank':>6}"
          f"{'|grad G|':>10}{'spread':>8}")
    rows = []
    for name, changes in variants.items():
        r, images = short(**changes)
        print(f"{name:<34}{r['pixel_frechet']:>7.1f}{r['loss_d']:>8.3f}{r['loss_g']:>8.3f}"
              f"{r['rank_accuracy']:>6.2f}"
              f"{r['grad_norm_g']:>10.3f}{images.astype(float).std(axis=0).mean():>8.1f}")
        rows.append(images[:12])
    return rows


# %% [markdown]
# `spread` is how much the pixels of different samples differ, in grey levels; real images have:

# %%
round(float(real.images[:500].astype(float).std(axis=0).mean()), 1)

# %%
rows = compare({
    "modern as it is": {},
    "latent_dim=4": dict(latent_dim=4),
    "ema_half_life=0": dict(ema_half_life=0),
    "lr_g, lr_d = 1e-4": dict(lr_g=1e-4, lr_d=1e-4),
    "optimizer='rmsprop'": dict(optimizer="rmsprop", lr_g=CONFIG.lr_g / 2, lr_d=CONFIG.lr_d / 2),
    "width=16": dict(width=budget(full=16, fast=4)),
    "loss='non_saturating'": dict(loss="non_saturating"),
})

# %%
#| label: fig-playbook
#| fig-cap: "Samples of the seven variants, a row each, in the order of the table."
#| fig-alt: "Seven rows of twelve generated images: garments in most, speckled ones in the third row, bright clouds in the outline of tops in the fourth."
figures.interpolation_figure(rows, caption="after a short run; rows in the order of the table")

# %% [markdown]
# Every row is one seed, so only large differences count. What they say:
#
# - *Latent.* Four numbers are not enough for ten kinds of clothes: the distance is more than three times as large, and the
#   discriminator does not know what to object to (rank 0.49). Sixteen are; the 64 that this recipe had at first were worse.
# - *Average.* The losses of the first and the third row are the same to the last digit, as they must be: the average only
#   watches. Without it the same run has four times the distance. It is the cheapest improvement of all.
# - *[Learning rate](../about/glossary.ipynb#gl-learning-rate).* At 1e-4, which many tutorials give, these clouds are all there is after 60,000 images. Of the six
#   [relativistic](../about/glossary.ipynb#gl-relativistic) rows it has the lowest loss of $D$ and the largest gradients, and it is the worst by far.
# - *Optimiser, width, loss.* RMSprop and the [non-saturating](../about/glossary.ipynb#gl-non-saturating) loss are close to the first row; which of the three is better
#   one seed cannot tell. Half the width costs quality per image and saves time; compare after equal time.

# %% [markdown]
# ## Troubleshooting
#
# Four ways to fail. Each is provoked here on purpose, so that you know it when you meet it.
#
# | you see | it is called | fields that mend it |
# |---|---|---|
# | all samples alike, or a few kinds only; `spread` falls | generator [collapse](../about/glossary.ipynb#gl-mode-collapse) | `beta1` to 0, `lr_g` down, `r1`, `r2` up, `loss="relativistic"` |
# | rank accuracy near 1, loss of D near 0, pictures stand still | discriminator overpowering | `r1`, `r2` up, `lr_d` down, `label_smoothing`, `instance_noise`, `dropout` |
# | the generator's gradient is tiny, nothing happens | slow convergence, [vanishing gradients](../about/glossary.ipynb#gl-vanishing-gradient) | `loss` away from `minimax`, `lr_g` up, `batch_size` down |
# | a fine regular pattern on every surface | [checkerboard](../about/glossary.ipynb#gl-checkerboard) artefacts | `upsample="resize"` |

# %%
free = dict(loss="non_saturating", r1=0.0, r2=0.0) # nothing holds anybody back
hasty = free | dict(lr_g=6e-3, lr_d=2e-4)
strong = free | dict(lr_g=2e-4, lr_d=1e-2)
trouble = compare({
    "healthy": {},
    "hasty G: lr_g=6e-3, beta1=0.9": hasty | dict(beta1=0.9),
    "  the same with beta1=0": hasty,
    "strong D: lr_d=1e-2, minimax": strong | dict(loss="minimax"),
    "  the same, non_saturating": strong,
    "  and with r1=r2=1, every 4 steps": strong | dict(r1=1.0, r2=1.0, penalty_every=4),
    "healthy, with upsample='resize'": dict(upsample="resize"),
})

# %%
#| label: fig-trouble
#| fig-cap: "Samples of the provoked failures and of their cures, a row each, in the order of the table."
#| fig-alt: "Seven rows of twelve samples, in this order: clear garments; black; dim garments; a fine checked pattern, twelve times the same; bright clouds; bright clouds of other shapes; clear garments, shoes among them."
figures.interpolation_figure(trouble, caption="after a short run; rows in the order of the table")


# %% [markdown]
# Row by row. The first number to look at is the spread, the second the rank.
#
# - **Collapse.** A generator in a hurry, with the [momentum](../about/glossary.ipynb#gl-momentum) that [Adam](../about/glossary.ipynb#gl-adam) has by default: spread 0.0. All samples are one
#   picture, here black; $D$ is always right, and the gradient is 0.000, so it will stay black. With
#   $\beta_1 = 0$ the very same learning rates draw clothes. Collapse is seldom so complete. It starts with kinds that
#   are missing: rows 5 and 6 know nothing but tops.
# - **A discriminator that overpowers, and a gradient that vanishes.** Fifty times the generator's learning rate: $D$ is
#   perfect after a few steps. Under the [minimax](../about/glossary.ipynb#gl-minimax) loss both losses and the generator's gradient are then 0.000, and the
#   fourth row is what those few steps left of the untrained network. Its fine regular pattern is the [transposed
#   convolution's](../about/glossary.ipynb#gl-transposed-convolution), and tells that nothing was learned. A loss of 0 is the worst that can be seen here.
# - **The non-saturating loss** gives the gradient back (from 0.000 to 54) and the pictures move; the distance falls from
#   437 to 84. But $D$ still wins (0.88), and its directions are poor: clouds, not one shoe, not one bag.
# - **Penalties** hold the same discriminator back. The rank falls to 0.64, and the spread rises nearly to that of the
#   healthy row. The pictures are no better for it (95 against 84, one seed each). Who is ahead by so much is ahead because of
#   the learning rate, and the cure for that is `lr_d`; penalties are for what is left.
# - **Checkerboard.** Compare the plain surfaces of the first and the last row: the fine grid in some of the former is not
#   in the latter. Its distance is no better, and it takes half as long again. [The networks](model.ipynb) shows why the
#   grid appears; longer training removes most of it.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.
#
# ### 1. Arithmetic of a run
#
# Write `arithmetic(images, batch_size, epochs, penalty_every)`, which returns how many steps a run takes and in how many of
# them the penalties are applied. The last, incomplete [batch](../about/glossary.ipynb#gl-batch) of an epoch is left out; steps are counted through the whole
# run, from 0.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def arithmetic(images, batch_size, epochs, penalty_every):
    steps = images // batch_size * epochs
    return steps, -(-steps // penalty_every) # steps 0, 16, 32, ...: rounded up

check_arithmetic(arithmetic)


# %% [markdown]
# ### 2. Who is winning?
#
# Write `winner(row)`. It gets one row of the history and returns `"discriminator"`, `"generator"` or `"neither"`, by
# the share of pairs in which the real image is ranked higher: above 0.9, below 0.5, or between.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def winner(row):
    if row["rank_accuracy"] > 0.9: return "discriminator"
    return "generator" if row["rank_accuracy"] < 0.5 else "neither"

check_winner(winner)


# %% [markdown]
# ### 3. A number for collapse
#
# Write `diversity(images)` for uint8 images `[N, H, W, C]`: the mean, over all pairs of *different* images, of the root
# mean squared difference of their pixels in grey levels. A collapsed generator has 0.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def diversity(images):
    x = images.reshape(len(images), -1).astype(np.float64) # bytes would wrap around
    squares = ((x[:, None] - x[None]) ** 2).mean(axis=2)
    n = len(x)
    return np.sqrt(squares).sum() / (n * (n - 1))

check_diversity(diversity)
print({name: round(float(diversity(images[:200])), 1) for name, images in samples.items()},
      "real:", round(float(diversity(real.images[:200])), 1))

# %% [markdown]
# ## Next experiments
#
# 1. Train `modern` with `flip=0.5`. Shoes in Fashion-MNIST all point to the left; what will the distance say, and
#    do you agree with it?
# 2. Give both recipes ten minutes instead of ten epochs, and three seeds each. Is the difference larger than
#    the difference between seeds? `bench/tuning.md` has our table.
# 3. Put the learning rates of `dcgan` into `modern` and the other way round. Which recipe minds more?
#
# ## What to remember
#
# - Look at samples, all of them, not the best; then at a distance measured on samples; last at the losses.
# - Both losses near their value for equal logits are a sign of balance, not of quality.
# - Ranking accuracy says who is winning. Near 1 the generator gets no direction any more.
# - A recipe is a set of values that belong together. Change one at a time, and compare after equal time.
#
# **What goes wrong in practice.** The run that looked best was the one whose seed was lucky: repeat it. The grid in the
# report came from the best epoch: say so, or show the last. The loss went down and the pictures got worse: see above.
#
# **References.** Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional
# generative adversarial networks*. Huang, Gokaslan, Kuleshov and Tompkin [-@huang2024r3gan], *The GAN is dead; long live the GAN!*
# Odena, Dumoulin and Olah [-@odena2016checkerboard], *Deconvolution and checkerboard artifacts*. Heusel et al. [-@heusel2017fid], *GANs trained by a
# two time-scale update rule converge to a local Nash equilibrium*.
#
# ## Where this came from

# %%
for metrics in results.values(): print(provenance_line(metrics["provenance"]))
