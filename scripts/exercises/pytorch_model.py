# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the two networks
#
# > What accepts or rejects an answer to the exercises of The two networks (PyTorch)
#
# - order: 73

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_model.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_model.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_model.ipynb) · [API](../about/api.ipynb#exercises-pytorch_model)

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
# The exercises stand in [the lesson](../pytorch/model.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_model

# %%
#| exports
import torch
from torch import nn

from gan_course.pytorch.model import Generator, count_parameters, upsampling

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Which kernels are even?
#
# The check asks PyTorch: it lets a transposed convolution count.

# %%
#| exports
def check_even(is_even): # takes kernel and stride, gives True or False
    "Whether `is_even` knows which transposed convolutions reach every pixel equally often."
    hints = {
        (3, 2): "kernel 3 reaches every pixel, but some more often than others",
        (4, 3): "an even number is not enough: 4 is not a multiple of the stride 3",
        (3, 3): "stamps that touch and do not overlap are even too",
        (5, 1): "with stride 1 every pixel gets all the weights",
    }
    cases = list(hints) + [(kernel, stride) for kernel in range(1, 9) for stride in range(1, 5)]
    for kernel, stride in cases:
        x, w = torch.ones(1, 1, 40), torch.ones(1, 1, kernel)
        counts = nn.functional.conv_transpose1d(x, w, stride=stride)[0, 0, 8:-8]
        truth, got = counts.unique().numel() == 1, is_even(kernel, stride)
        hint = hints.get((kernel, stride), f"the pixels get {sorted(set(counts.int().tolist()))}")
        assert bool(got) == truth, f"kernel {kernel}, stride {stride} gave {got}: {hint}"
    print("correct: even when the kernel is a multiple of the stride")


# %%
check_even(lambda kernel, stride: kernel % stride == 0)
assert rejects(check_even, lambda kernel, stride: kernel >= stride, "more often than others")
assert rejects(check_even, lambda kernel, stride: kernel % 2 == 0, "not a multiple")
assert rejects(check_even, lambda kernel, stride: kernel % stride == 0 and kernel > stride, "touch")


# %% [markdown]
# ## 2. By hand

# %%
#| exports
def check_parameters(generator_parameters): # takes latent_dim and width, gives a number
    "Whether the formula gives what PyTorch counts."
    for latent_dim, width in [(64, 32), (10, 8), (100, 48)]:
        w, truth = width, count_parameters(Generator(latent_dim, width, "resize"))
        off = generator_parameters(latent_dim, width) - truth
        hint = {
            -14 * w: "the scale and shift of BatchNorm are missing",
            -7 * w: "BatchNorm has two numbers a channel, scale and shift",
            14 * w: "BatchNorm's running mean and variance are no parameters",
            3 * w: "the hidden convolutions have no bias",
            196 * w: "the first layer has no bias",
            199 * w: "layers before BatchNorm have no bias",
            -1: "the last convolution has a bias",
            -9 * w - 1: "the last convolution, to one channel, is missing",
            7 * (8 + 2) * w * w: "after resizing, kernels are 3 by 3, not 4 by 4",
        }.get(off, "go through the layers one by one")
        assert off == 0, f"latent_dim {latent_dim}, width {width}: {off:+,} too many; {hint}"
    print("correct: as PyTorch counts them")


# %%
def count(latent_dim, w, kernel=9, norm=2, bias=0):
    hidden = kernel * (8 * w * w + 2 * w * w) + bias * 3 * w
    return latent_dim * 196 * w + hidden + norm * 7 * w + 9 * w + 1

check_parameters(count)
assert rejects(check_parameters, lambda z, w: count(z, w, norm=0), "scale and shift")
assert rejects(check_parameters, lambda z, w: count(z, w, norm=4), "running mean")
assert rejects(check_parameters, lambda z, w: count(z, w, bias=1), "have no bias")
assert rejects(check_parameters, lambda z, w: count(z, w, kernel=16), "3 by 3")


# %% [markdown]
# ## 3. A generator for 32 × 32
#
# How does a check see that tanh is missing? An untrained network gives small values with and without it. So it makes all
# weights twenty times as large.

# %%
#| exports
def check_generator32(make): # takes latent_dim and width, gives a module
    "Whether `make` builds a convolutional generator of 32 by 32 pixels in [-1, 1]."
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        G, z = make(16, 8), torch.randn(6, 16)
        shape = tuple(G(z).shape)
        hint = {28: "begin with 4 by 4, not 7 by 7", 16: "double three times",
                64: "4 by 4 doubled three times is 32"}.get(shape[-1], "")
        assert shape == (6, 1, 32, 32), f"the shape is {shape}, not (6, 1, 32, 32); {hint}"
        kinds = list(G.modules())
        assert any(isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)) for m in kinds), (
            "linear layers only: neighbouring pixels know nothing of each other")
        norms = [m for m in kinds if isinstance(m, nn.BatchNorm2d)]
        assert norms, "there is no BatchNorm between the layers"
        assert all(norm.num_features > 1 for norm in norms), (
            "BatchNorm on the output: it gives every batch the same mean and contrast")
        for p in G.parameters(): p.mul_(20)
        x = G(z)
        assert x.abs().max() <= 1, f"a pixel is {x.abs().max():.1f}: tanh is missing at the end"
        assert x.min() < 0, "no pixel is below 0: a sigmoid gives [0, 1], tanh gives [-1, 1]"
        assert not torch.equal(x[0], x[1]), "two latents give the same picture"
    print("correct: 32 by 32 pixels in [-1, 1]")


# %%
def make(start=4, doublings=3, norm=True, end=nn.Tanh):
    def build(latent_dim, width):
        c = width * 8
        layers = [nn.Linear(latent_dim, start * start * c), nn.Unflatten(1, (c, start, start))]
        for _ in range(doublings):
            layers += [nn.BatchNorm2d(c) if norm else nn.Identity(), nn.ReLU(),
                       upsampling(c, c // 2, "transpose")]
            c //= 2
        return nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(c, 1, 3, padding=1), end())
    return build

def normed_output(): return nn.Sequential(nn.BatchNorm2d(1), nn.Tanh())

check_generator32(make())
assert rejects(check_generator32, make(start=7, doublings=2), "begin with 4 by 4")
assert rejects(check_generator32, make(end=nn.Identity), "tanh is missing")
assert rejects(check_generator32, make(end=nn.Sigmoid), "a sigmoid gives")
assert rejects(check_generator32, make(norm=False), "no BatchNorm")
assert rejects(check_generator32, make(end=normed_output), "BatchNorm on the output")
