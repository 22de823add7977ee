# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: sampling
#
# > What accepts or rejects an answer to the exercises of Sampling
#
# - order: 76

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_inference.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_inference.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_inference.ipynb) · [API](../about/api.ipynb#exercises-pytorch_inference)

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
# The exercises stand in [the lesson](../pytorch/inference.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_inference

# %%
#| exports
import copy

import torch
from torch import nn

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. The arc between two vectors

# %%
#| exports
def check_slerp(slerp): # (z0, z1, t) -> a vector
    "Whether `slerp` walks on the arc, also between vectors of one direction."
    z0, z1 = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 3.0, 0.0])
    assert torch.allclose(slerp(z0, z1, 0.0), z0, atol=1e-5), "at t = 0 it should be at z0"
    assert torch.allclose(slerp(z0, z1, 1.0), z1, atol=1e-5), "at t = 1 it should be at z1"
    middle = slerp(z0, z1, 0.5)
    assert not torch.allclose(middle, (z0 + z1) / 2, atol=1e-4), (
        f"this is the straight line: its middle has length {middle.norm():.2f}, the ends have 3")
    assert abs(middle.norm() - 3) < 1e-4, (
        "between two vectors of length 3 the arc has length 3 everywhere, not "
        f"{middle.norm():.2f}: "
        "weight z0 and z1 themselves, not their directions")
    third = slerp(z0, z1, 1 / 3)
    assert abs(torch.atan2(third[1], third[0]).item() - torch.pi / 6) < 1e-4, (
        "a third of the way should be a third of the angle: the weights are sines")
    for other in (z0, 2 * z0):
        got = slerp(z0, other, 0.5)
        assert torch.isfinite(got).all(), (
            "between vectors of one direction sin(omega) is 0, and 0/0 is not a number: "
            "take the line there")
        assert torch.allclose(got, (z0 + other) / 2, atol=1e-3), "parallel vectors: take the line"
    generator = torch.Generator().manual_seed(0)
    for z in torch.randn(50, 64, generator=generator): # cosines that round to more than 1
        assert torch.isfinite(slerp(z, z, 0.3)).all(), (
            "a cosine of 1.0000001: clamp it before arccos")
    print("correct: on the arc, and on the line where there is no arc")


# %%
def good(z0, z1, t):
    omega = torch.cosine_similarity(z0, z1, dim=0).clamp(-1, 1).arccos()
    if omega.sin() < 1e-4: return (1 - t) * z0 + t * z1
    return (((1 - t) * omega).sin() * z0 + (t * omega).sin() * z1) / omega.sin()

check_slerp(good)


# %%
def lerp(z0, z1, t): return (1 - t) * z0 + t * z1

def no_care(z0, z1, t):
    omega = torch.cosine_similarity(z0, z1, dim=0).arccos()
    return (((1 - t) * omega).sin() * z0 + (t * omega).sin() * z1) / omega.sin()

def directions(z0, z1, t):
    if t in (0, 1): return lerp(z0, z1, t)
    return good(z0 / z0.norm(), z1 / z1.norm(), t)

assert rejects(check_slerp, lerp, "the straight line")
assert rejects(check_slerp, no_care, "0/0")
assert rejects(check_slerp, directions, "not their directions")


# %% [markdown]
# ## 2. Draw again
#
# At $\tau = 1$ the truncated normal distribution has a standard deviation of 0.540; clamping gives 0.718, and piles a third
# of all numbers up at the two ends.

# %%
#| exports
def check_truncated(truncated): # (num, latent_dim, tau) -> [num, latent_dim]
    "Whether `truncated` draws from the middle of the normal distribution."
    state = torch.get_rng_state()
    try:
        torch.manual_seed(0)
        z = truncated(4000, 8, 1.0)
        again = truncated(4000, 8, 1.0)
    finally: torch.set_rng_state(state)
    assert z.shape == (4000, 8), f"the shape should be [4000, 8], not {list(z.shape)}"
    assert z.abs().max() <= 1, (
        f"a component is {z.abs().max():.2f}, beyond the threshold of 1: draw again until none is, "
        "and do not just shrink the numbers")
    ends = (z.abs() == 1).float().mean().item()
    assert ends < 0.01, (
        f"{ends:.0%} of the numbers are exactly at the threshold: clamped, not drawn again")
    assert (z == 0).float().mean() < 0.01, "numbers beyond the threshold became 0: draw them again"
    assert abs(z.std().item() - 0.540) < 0.01, (
        f"the standard deviation is {z.std():.3f}; of a normal distribution "
        "truncated at 1 it is 0.540")
    assert not torch.equal(z, again), "every call gives the same numbers"
    print("correct: the middle of the normal distribution, nothing piled up")


# %%
def good(num, latent_dim, tau):
    z = torch.randn(num, latent_dim)
    while (beyond := z.abs() > tau).any(): z[beyond] = torch.randn(int(beyond.sum()))
    return z

check_truncated(good)


# %%
def clamped(num, latent_dim, tau): return torch.randn(num, latent_dim).clamp(-tau, tau)
def shrunk(num, latent_dim, tau): return torch.randn(num, latent_dim) * tau
def uniform(num, latent_dim, tau): return (torch.rand(num, latent_dim) * 2 - 1) * tau

assert rejects(check_truncated, clamped, "clamped")
assert rejects(check_truncated, shrunk, "shrink")
assert rejects(check_truncated, uniform, "0.540")


# %% [markdown]
# ## 3. A visitor who leaves no trace

# %%
#| exports
def check_eval(peek): # (G, z) -> images
    "Whether `peek` draws in evaluation mode and leaves the generator as it was."
    state = torch.get_rng_state()
    try:
        torch.manual_seed(0)
        G, z = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh()), torch.randn(16, 4)
    finally: torch.set_rng_state(state)
    right = copy.deepcopy(G).eval()(z)
    before = copy.deepcopy(G.state_dict())
    got = peek(G, z)
    assert all(torch.equal(before[k], v) for k, v in G.state_dict().items()), (
        "the running statistics have changed: this was drawn in training mode, eval() is missing")
    assert torch.allclose(got, right, atol=1e-5), "the images are not those of evaluation mode"
    assert not got.requires_grad, "a graph was recorded, and holds memory: use torch.no_grad()"
    assert G.training, "G was left in evaluation mode: its BatchNorm would stop learning"
    G.eval()
    peek(G, z)
    assert not G.training, "G came in evaluation mode and was left in training mode"
    print("correct: drawn in evaluation mode, and no trace is left")


# %%
@torch.no_grad()
def good(G, z):
    mode = G.training
    G.eval()
    try: return G(z)
    finally: G.train(mode)

check_eval(good)


# %%
def forgets_eval(G, z):
    with torch.no_grad(): return G(z)

@torch.no_grad()
def stays(G, z): return G.eval()(z)

@torch.no_grad()
def always_train(G, z):
    images = G.eval()(z)
    G.train()
    return images

assert rejects(check_eval, forgets_eval, "eval() is missing")
assert rejects(check_eval, stays, "left in evaluation mode")
assert rejects(check_eval, always_train, "left in training mode")
