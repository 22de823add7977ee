# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sampling
#
# > From a file of weights to pictures: loading safely, truncating, and walking between two latents
#
# - order: 21

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/inference.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/inference.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/inference.ipynb) · [API](../about/api.ipynb#pytorch-inference) · [Side by side](../about/side_by_side.ipynb#inference)

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
# **You will be able to** load a generator that somebody else trained without running their code, trade variety for
# quality with one number, and walk through the space of latents to see whether a generator has learned or memorised.
#
# **You need** [Training](train.ipynb). **It takes** twenty minutes; the cells train for three of them.

# %%
#| default_exp pytorch.inference

# %%
#| exports
import math
from pathlib import Path

import numpy as np
import torch

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.pytorch.config import CONFIG, Config, artifact_paths, select_device
from gan_course.pytorch.model import Generator
from gan_course.pytorch.train import load_file
from gan_course.pytorch.utils import make_latents, to_images

# %% [markdown]
# First we need a [generator](../about/glossary.ipynb#gl-generator). A few [epochs](../about/glossary.ipynb#gl-epoch) make one that has an idea of clothes; the [lab](gan_pytorch.ipynb) trains one
# properly.

# %%
import tempfile

import numpy as np

from gan_course.basics import budget
from gan_course.pytorch.train import train

# %%
folder = tempfile.TemporaryDirectory()
config = CONFIG.replace(out=Path(folder.name)/"run", epochs=budget(full=3, fast=1), progress=False,
                        limit=budget(full=None, fast=640), width=budget(full=32, fast=16),
                        eval_images=budget(full=5000, fast=0))
metrics = train(config)


# %% [markdown]
# ## Loading
#
# `generator.pt` holds weights and the configuration they belong to, so one file is enough. It is read with
# `weights_only=True`, see [Training](train.ipynb), and what comes back is in **[evaluation mode](../about/glossary.ipynb#gl-evaluation-mode)**. Why that matters we shall
# see at once.

# %%
#| exports
def load_generator(path, # a run folder, or a file of weights in one
                   device="cpu", # where to put it
                   best=False, # the best so far instead of the last
    ): # generator in evaluation mode, its `Config`, and a dictionary that describes its data
    "A trained generator. Raises `CourseError` for anything that is not one."
    path = Path(path)
    if path.is_dir(): path = artifact_paths(path)["best" if best else "generator"]
    found = load_file(path)
    if not all(isinstance(found.get(part), dict) for part in ("config", "weights", "data")):
        raise CourseError(f"{path} is no file of weights; give a run folder, or its generator.pt")
    config = Config.from_dict(found["config"])
    try:
        channels = found["weights"]["to_image.weight"].shape[0]
        with torch.random.fork_rng(devices=[]): # initial weights are drawn, and thrown away
            G = Generator(config.latent_dim, config.width, config.upsample, channels)
        G.load_state_dict(found["weights"])
    except (KeyError, IndexError, RuntimeError, TypeError, AttributeError):
        raise CourseError(f"{path} does not hold the weights of a generator; "
                          "give generator.pt") from None
    G = G.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    return G, config, found["data"]


# %%
G, saved, data = load_generator(config.out)
assert saved == config and not G.training
data["name"], data["checksum"][:12]

# %% [markdown]
# In training mode, [BatchNorm](../about/glossary.ipynb#gl-batchnorm) normalises with the statistics of the [batch](../about/glossary.ipynb#gl-batch) at hand: what a [latent](../about/glossary.ipynb#gl-latent) becomes depends on its
# neighbours. Ask for the same latent twice, in different company:

# %%
z = make_latents(32, config.latent_dim, seed=3)
G.train(); alone_ish, in_company = G(z[:2])[0], G(z)[0]
G.eval(); one, many = G(z[:1])[0], G(z)[0]
print(f"training mode: off by {(alone_ish - in_company).abs().mean():.3f}")
print(f"evaluation mode: off by {(one - many).abs().mean():.6f}")

# %% [markdown]
# Training mode also changes the running statistics with each call. A sampler that forgets `eval()` therefore gets worse
# pictures the more it draws. (The two calls above have spoiled ours: we load it again.)

# %%
assert (one - many).abs().max() < 1e-3 < (alone_ish - in_company).abs().mean()
G, *_ = load_generator(config.out)


# %% [markdown]
# ## Latents, and the truncation trick
#
# A latent far from the origin is rare in training, and what the generator makes of it is often odd. Drawing latents only
# from the middle of the normal distribution gives cleaner and more similar pictures [@brock2018biggan]. The usual
# [recipe](../about/glossary.ipynb#gl-recipe) draws again whatever exceeds a threshold $\tau$. It can be done without drawing again: take a uniform number
# between the probabilities of $-\tau$ and $\tau$, and ask at which value the normal distribution reaches it.

# %%
#| exports
def sample_latents(num, # how many
                   latent_dim, # length of each
                   seed=0, # of a generator used for nothing else
                   truncation=None, # no component exceeds this; None: no limit
    ): # float32, [num, latent_dim]
    "Standard normal latents, truncated if wished (Brock et al. 2018, section 3.1)."
    if truncation is None: return make_latents(num, latent_dim, seed)
    if not (math.isfinite(truncation) and truncation > 0):
        raise CourseError(f"truncation is {truncation}; give a number above 0, "
                          "such as 1.0, or none")
    generator = torch.Generator().manual_seed(seed)
    inside = math.erf(truncation / math.sqrt(2)) # probability of [-truncation, truncation]
    u = torch.rand(num, latent_dim, generator=generator, dtype=torch.float64) * 2 - 1
    z = math.sqrt(2) * torch.erfinv(u * inside)
    return z.clamp(-truncation, truncation).float()


# %%
for truncation in (None, 2.0, 1.0, 0.3):
    z = sample_latents(20_000, 8, truncation=truncation)
    print(f"{truncation!s:<5} largest {z.abs().max():.2f}, standard deviation {z.std():.3f}")
    assert truncation is None or z.abs().max() <= truncation
assert abs(sample_latents(20_000, 8, truncation=20.0).std() - 1) < 0.01

# %% [markdown]
# What do you expect of the pictures at 0.3?

# %%
#| label: fig-truncation
#| fig-cap: "The same generator with latents truncated at 2, at 1 and at 0.3, one row each."
#| fig-alt: "Three rows of twelve generated garments. The first row is varied; in the second the same garments are dimmer, with holes; the last row is nearly black."
rows = [to_images(G(sample_latents(12, config.latent_dim, 5, tau))) for tau in (2.0, 1.0, 0.3)]
note = f"{data['name']}, truncation 2, 1, 0.3 from above"
figures.image_grid(np.concatenate(rows), columns=12, caption=note)

# %% [markdown]
# At 1 the garments are dim and full of holes, at 0.3 there are none. In sixteen dimensions most latents of training have a
# length near 4. [Truncated](../about/glossary.ipynb#gl-truncation) at 1 the length is near 2.2, truncated at 0.3 it is 0.7: a place where the generator was never asked
# for anything, and where its first bias decides alone. How far one can truncate is a property of a generator, and only the
# grid tells. Variety goes first, and with it the differences between pixels of different samples:

# %%
spread = [float(row.astype(float).std(axis=0).mean()) for row in rows]
assert spread[0] > spread[2]
[round(s, 1) for s in spread]

# %% [markdown]
# ## Walking between latents
#
# If a generator has understood something, a walk from one latent to another passes through plausible garments, and
# changes smoothly. A generator that [memorised](../about/glossary.ipynb#gl-memorising) jumps: it stays at one training image as long as it can, then at the next.
#
# The straight line $(1-t) z_0 + t z_1$ has a flaw. In sixteen dimensions most standard normal vectors have a length near
# $\sqrt{16} = 4$. How long is the middle of the line between two of them?

# %%
a, b = make_latents(2, config.latent_dim, seed=1)
a.norm().item(), b.norm().item(), (a / 2 + b / 2).norm().item()


# %% [markdown]
# Two independent vectors are nearly at right angles, and the middle is shorter by $\sqrt 2$: a place where the generator was
# never trained. Spherical [interpolation](../about/glossary.ipynb#gl-interpolation) (Shoemake [-@shoemake1985quaternion]; White [-@white2016sampling]) walks on the arc instead.

# %%
#| exports
def interpolate(z0, # latents to start from, [N, latent_dim]
                z1, # latents to arrive at, [N, latent_dim]
                steps, # points on the way, both ends included
                spherical=True, # on the arc; else on the straight line
    ): # [N, steps, latent_dim]
    "Latents on the way from each z0 to its z1 (Shoemake 1985, slerp)."
    if steps < 2: raise CourseError(f"steps is {steps}; a walk has at least its two ends")
    t = torch.linspace(0, 1, steps, device=z0.device)[:, None]
    line = (1 - t) * z0[:, None] + t * z1[:, None]
    if not spherical: return line
    cosine = torch.cosine_similarity(z0, z1, dim=1).clamp(-1, 1)
    angle = cosine.arccos()[:, None, None]
    arc = ((1 - t) * angle).sin() * z0[:, None] + (t * angle).sin() * z1[:, None]
    sine = angle.sin()
    return torch.where(sine > 1e-4, arc / sine.clamp(min=1e-4), line) # parallel: the line will do


# %%
z0, z1 = make_latents(6, config.latent_dim, 1), make_latents(6, config.latent_dim, 2)
walk = interpolate(z0, z1, 12)
torch.testing.assert_close(walk[:, 0], z0, rtol=0, atol=1e-4)
torch.testing.assert_close(walk[:, -1], z1, rtol=0, atol=1e-4)
middle = walk[:, 6].norm(dim=1)
assert (middle > 0.85 * torch.minimum(z0.norm(dim=1), z1.norm(dim=1))).all()
torch.testing.assert_close(interpolate(z0, z0, 3)[:, 1], z0)
walk.shape

# %%
#| label: fig-walk
#| fig-cap: "Six walks on the arc between two latents, left to right."
#| fig-alt: "Six rows of twelve garments; in each row the garment on the left changes step by step into the one on the right."
pictures = to_images(G(walk.flatten(0, 1))).reshape(6, 12, 28, 28, -1)
figures.interpolation_figure(list(pictures), caption=f"{data['name']}, {config.epochs} epochs")


# %% [markdown]
# ## One call
#
# What `gan-course sample pytorch` runs:

# %%
#| exports
def generate_samples(# a `Config`, or the path of a run folder or a file of weights
                     config: Config | str | Path = CONFIG,
                     num_images: int = 36, # how many
                     # PNG of the grid; None: gan_samples.png in the run folder
                     output_path: str | Path | None = None,
                     seed: int = 0, # of the latents
                     truncation: float | None = None, # see `sample_latents`
                     best: bool = False, # the best generator so far instead of the last
                     device: str = "auto", # where to compute
    ) -> np.ndarray: # uint8 array, [num_images, 28, 28, channels]
    "Draw images from a trained generator, and write them as a grid."
    run = Path(config.out if isinstance(config, Config) else config)
    if not 1 <= num_images <= 100_000:
        raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
    G, trained, data = load_generator(run, select_device(device), best)
    z = sample_latents(num_images, trained.latent_dim, seed, truncation)
    with torch.no_grad():
        images = to_images(torch.cat([G(part.to(G.to_image.weight.device))
                                      for part in z.split(500)]))
    output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
    note = f"{trained.recipe} on {data['name']}, {trained.epochs} epochs, seed {seed}"
    if truncation is not None: note += f", truncated at {truncation:g}"
    figures.save_grid(images[:400], output_path, caption=note)
    return images


# %%
images = generate_samples(config, num_images=36, output_path=Path(folder.name)/"36.png", seed=1)
again = generate_samples(config.out, num_images=36, output_path=Path(folder.name)/"36.png", seed=1)
assert images.shape == (36, 28, 28, 1) and images.dtype == np.uint8 and (images == again).all()
assert (generate_samples(config, 36, Path(folder.name)/"other.png", seed=2) != images).any()

# %%
#| label: fig-samples
#| fig-cap: "Thirty-six samples of the generator trained on this page for a few epochs."
#| fig-alt: "A grid of thirty-six small generated garments: shirts, trousers, shoes and bags, some of them blurred or misshapen."
figures.image_grid(images, caption=f"{data['name']}, {config.epochs} epochs, seed 1")

# %%
for wrong in [dict(num_images=0), dict(truncation=-1.0), dict(config=Path(folder.name)/"nowhere")]:
    try: generate_samples(**(dict(config=config) | wrong))
    except CourseError as error: print(str(error).replace(folder.name, "..."))
    else: raise AssertionError(f"{wrong} was accepted")
folder.cleanup()

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_inference import check_eval, check_slerp, check_truncated


# %% [markdown]
# ### 1. The arc between two vectors
#
# Write `slerp(z0, z1, t)` for two vectors of one dimension and a number $t$ in [0, 1]:
#
# $$\frac{\sin((1-t)\,\omega)}{\sin\omega}\,z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\,z_1$$
#
# where $\omega$ is the angle between them. What should it do when $\omega$ is 0?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def slerp(z0, z1, t):
    omega = torch.cosine_similarity(z0, z1, dim=0).clamp(-1, 1).arccos()
    if omega.sin() < 1e-4: return (1 - t) * z0 + t * z1 # the same direction: no arc
    return (((1 - t) * omega).sin() * z0 + (t * omega).sin() * z1) / omega.sin()

check_slerp(slerp)


# %% [markdown]
# ### 2. Draw again
#
# The usual recipe for truncation: draw normal numbers, and draw again each number beyond $\tau$, until none is left. Write
# it as `truncated(num, latent_dim, tau)`. Why is `clamp` not the same?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def truncated(num, latent_dim, tau):
    z = torch.randn(num, latent_dim)
    while (beyond := z.abs() > tau).any(): z[beyond] = torch.randn(int(beyond.sum()))
    return z

check_truncated(truncated)


# %% [markdown]
# ### 3. A visitor who leaves no trace
#
# In the middle of training you want to look at samples. Write `peek(G, z)`: the images of `z` as they are in evaluation
# mode, without gradients. Training goes on afterwards as if nobody had looked, so $G$ must be found as it was left: the
# running statistics and the mode.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
@torch.no_grad()
def peek(G, z):
    mode = G.training
    G.eval()
    try: return G(z)
    finally: G.train(mode)

check_eval(peek)

# %% [markdown]
# ## What to remember
#
# - A file of weights carries its configuration. It is loaded with `weights_only=True`, and only then trusted.
# - Sample in evaluation mode. In training mode an image depends on its neighbours, and each call spoils the statistics.
# - Truncation trades variety for quality. Say at which $\tau$ a picture was made; distances are measured without.
# - Interpolate on the arc, because the middle of the line is a place where the generator was never trained.
#
# **What goes wrong in practice, and how you see it.**
#
# - *Samples get worse the more you draw, or depend on how many you draw*: `eval()` was forgotten. Draw one latent alone and
#   in a batch, and compare.
# - *The middle of every walk is pale and alike*: straight lines.
# - *All samples look good and alike*: a forgotten truncation, or a [collapsed](../about/glossary.ipynb#gl-mode-collapse) generator. Draw with `truncation=None`; if they
#   are still alike, the generator collapsed.
# - *Samples are noise although training looked fine*: the weights of the wrong network, or pixels in the wrong range. Ours
#   come in [-1, 1] and leave through `to_images`.
# - *The same [seed](../about/glossary.ipynb#gl-seed) gives other pictures on another machine*: latents drawn on the device. Draw them on the CPU.
#
# **References.** Brock, Donahue and Simonyan [-@brock2018biggan], *Large scale GAN training for high fidelity natural image synthesis*,
# section 3.1 (truncation). Shoemake [-@shoemake1985quaternion], *Animating rotation with quaternion curves* (slerp). White [-@white2016sampling], *Sampling
# generative networks* (slerp between latents). Radford, Metz and Chintala [-@radford2015dcgan], *Unsupervised representation learning
# with deep convolutional generative adversarial networks*, section 6.1 (walks as a test of memorisation).
