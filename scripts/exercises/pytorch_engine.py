# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the engine
#
# > What accepts or rejects an answer to the exercises of The engine
#
# - order: 74

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_engine.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_engine.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_engine.ipynb) · [API](../about/api.ipynb#exercises-pytorch_engine)

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
# The exercises stand in [the lesson](../pytorch/engine.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_engine

# %%
#| exports
import torch
import torch.nn.functional as F

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. R1 from the formula
#
# The discriminator of the check is $D(x) = \frac{s}{2}\|x\|^2$, whose gradient is $s\,x$; so $R_1 = \frac\gamma2 s^2\,
# \mathbb{E}\|x\|^2$, and its derivative by the weight $s$ is $\gamma s\,\mathbb{E}\|x\|^2$.

# %%
#| exports
def check_r1(r1): # (D, x, gamma) -> a number
    "Whether `r1` is the penalty of Mescheder et al. (2018, eq. 9), differentiable by the weights."
    s, gamma = torch.tensor(3.0, requires_grad=True), 0.2
    x = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0)) + 0.5
    square = x.square().sum((1, 2, 3))
    got = r1(lambda x: s / 2 * x.square().sum((1, 2, 3)), x, gamma)
    assert isinstance(got, torch.Tensor) and got.shape == (), (
        "one number is wanted: a mean over the images")
    def close(value): return abs(got.item() / value.item() - 1) < 1e-4
    right = gamma / 2 * 9 * square.mean()
    assert not close(right / 784), "the norm is a sum over the pixels; a mean is 784 times too weak"
    assert not close(right * 5), "over the images one takes the mean, not the sum"
    assert not close(gamma / 2 * 3 * square.sqrt().mean()), "the norm is squared in R1: no root"
    assert not close(gamma / 2 * (3 * square.sqrt() - 1).square().mean()), (
        "the target is 0; a norm of 1 is what WGAN-GP asks for")
    assert not close(2 * right), "the factor is gamma / 2"
    assert close(right), (
        f"for D(x) = 3/2 |x|^2 it should be {right.item():.4g}, not {got.item():.4g}")
    assert got.requires_grad, (
        "the result has no graph: without create_graph=True the penalty is a "
        "constant to the weights")
    slope, = torch.autograd.grad(got, s, allow_unused=True)
    assert slope is not None and abs(slope.item() / (gamma * 3 * square.mean().item())
                                     - 1) < 1e-4, (
        "the value is right, but the penalty does not reach the weights of D: create_graph=True")
    print("correct: a sum over pixels, a mean over images, and it reaches the weights")


# %%
def answer(norm=lambda slope: slope.square().sum((1, 2, 3)), create_graph=True):
    def r1(D, x, gamma):
        x = x.detach().requires_grad_()
        slope, = torch.autograd.grad(D(x).sum(), x, create_graph=create_graph)
        return gamma / 2 * norm(slope).mean()
    return r1

check_r1(answer())

# %%
assert rejects(check_r1, answer(lambda slope: slope.square()), "784 times too weak")
assert rejects(check_r1, answer(lambda slope: slope.flatten(1).norm(dim=1)), "no root")
assert rejects(check_r1, answer(lambda slope: (slope.flatten(1).norm(dim=1) - 1) ** 2), "WGAN-GP")
assert rejects(check_r1, answer(create_graph=False), "create_graph=True")


# %% [markdown]
# ## 2. Pairs with a margin

# %%
#| exports
def check_hinge(paired_hinge): # (a_real, a_fake) -> loss of D, loss of G
    "Whether `paired_hinge` compares each real image with its fake, by a margin of 1, for both."
    a_real, a_fake = torch.tensor([3.0, -2.0, 0.5]), torch.tensor([0.0, 1.0, 0.25])
    a_fake.requires_grad_()
    loss_d, loss_g = paired_hinge(a_real, a_fake)
    right_d, right_g = F.relu(1 - a_real + a_fake).mean(), F.relu(1 - a_fake + a_real).mean()
    def close(a, b): return abs(torch.as_tensor(a).item() - b.item()) < 1e-5
    assert not (close(loss_d, right_g) and close(loss_g, right_d)), (
        "the sign: D is content when D(x) - D(G(z)) is large, G when it is negative")
    assert not close(loss_d, F.relu(1 - a_real.mean() + a_fake.mean())), (
        "compare each pair, then take the mean: max(0, mean) is not the mean of max(0, .)")
    assert not close(loss_d, F.relu(a_fake - a_real).mean()), (
        "the margin is missing: a pair should rank right by at least 1")
    assert close(loss_d, right_d), f"L_D of these pairs is {right_d:.4f}, not {loss_d:.4f}"
    assert close(loss_g, right_g), f"L_G of these pairs is {right_g:.4f}, not {loss_g:.4f}"
    assert torch.as_tensor(loss_g).requires_grad, (
        "the generator learns through a_fake: nothing may be detached from its loss")
    print("correct: pair by pair, with a margin, and opposite for the two")


# %%
def hinge(a, b): return F.relu(1 - (a - b)).mean()
def good(a_real, a_fake): return hinge(a_real, a_fake), hinge(a_fake, a_real)
def swapped(a_real, a_fake): return good(a_fake, a_real)
def of_means(a_real, a_fake): return good(a_real.mean(), a_fake.mean())
def detached(a_real, a_fake): return hinge(a_real, a_fake), hinge(a_fake.detach(), a_real)

check_hinge(good)

# %%
assert rejects(check_hinge, swapped, "the sign")
assert rejects(check_hinge, of_means, "compare each pair")
assert rejects(check_hinge, detached, "learns through a_fake")


# %% [markdown]
# ## 3. Smoothing on one side

# %%
#| exports
def check_smoothing(smoothed): # (a_real, a_fake, s) -> loss of D
    "Whether `smoothed` labels real images 1 - s and generated ones 0."
    a_real, a_fake, s = torch.tensor([2.0, -1.0, 4.0]), torch.tensor([-3.0, 0.5, 1.0]), 0.1
    got, up = float(smoothed(a_real, a_fake, s)), F.softplus
    fake = up(a_fake).mean()
    real = ((1 - s) * up(-a_real) + s * up(a_real)).mean()
    def close(value): return abs(got - float(value)) < 1e-5
    assert not close(real + ((1 - s) * up(a_fake) + s * up(-a_fake)).mean()), (
        "the fakes are smoothed too: that rewards the generator for staying as it is")
    assert not close((1 - s) * up(-a_real).mean() + fake), (
        "a smaller weight is no smaller label: nothing pulls large logits back; "
        "with weight s the image counts as generated")
    assert not close(up(-a_real).mean() + fake), "the real images are still labelled 1"
    assert close(real + fake), (
        f"the loss of these logits is {float(real + fake):.4f}, not {got:.4f}")
    logits = torch.linspace(-8, 8, 1601)
    losses = torch.tensor([float(smoothed(a[None], a_fake, s)) for a in logits])
    print(f"correct: D is content at a logit of {logits[losses.argmin()]:.2f}, "
          "the logarithm of 0.9/0.1, and not at infinity")


# %%
up = F.softplus
def label(a, s): return ((1 - s) * up(-a) + s * up(a)).mean()
def good(a_real, a_fake, s): return label(a_real, s) + up(a_fake).mean()
def both_sides(a_real, a_fake, s): return label(a_real, s) + label(-a_fake, s)
def weight_only(a_real, a_fake, s): return (1 - s) * up(-a_real).mean() + up(a_fake).mean()

check_smoothing(good)

# %%
assert rejects(check_smoothing, both_sides, "the fakes are smoothed too")
assert rejects(check_smoothing, weight_only, "no smaller label")


# %% [markdown]
# ## 4. Where WGAN-GP looks

# %%
#| exports
def check_mixing(between): # (x, fake) -> as many images
    "Whether `between` picks a uniform point on the line between each pair (Gulrajani et al. 2017)."
    x, fake = torch.ones(4000, 1, 4, 4), torch.zeros(4000, 1, 4, 4)
    state = torch.get_rng_state()
    try:
        torch.manual_seed(0)
        weights = between(x, fake) # real images are 1 and fakes 0, so this is epsilon itself
    finally: torch.set_rng_state(state)
    assert weights.shape == x.shape, f"the shape should stay {list(x.shape)}: {list(weights.shape)}"
    per_image = weights.flatten(1)
    assert not (per_image.std(dim=1) > 1e-6).any(), (
        "every pixel got a weight of its own: that is noise between two images, not a point on the "
        "line; draw [B, 1, 1, 1]")
    assert per_image.std() > 1e-6, "the whole batch shares one weight: draw one per image"
    epsilon = per_image[:, 0]
    assert epsilon.min() >= 0 and epsilon.max() <= 1, (
        f"a weight of {epsilon.max():.2f} lies beyond the images: uniform "
        "(rand), not normal (randn)")
    assert abs(epsilon.mean() - 0.5) < 0.03 and abs(epsilon.std() - 12 ** -0.5) < 0.02, (
        "the weights are not uniform in [0, 1]")
    mixed = between(2 * x, fake - 3)
    assert ((mixed >= -3) & (mixed <= 2)).all() and mixed.std() > 1, (
        "the two weights do not add up to 1")
    print("correct: uniform, one weight per image, on the line")


# %%
def mixing(draw): # a function of the shape of the images -> weights
    def between(x, fake):
        epsilon = draw(x)
        return epsilon * x + (1 - epsilon) * fake
    return between

check_mixing(mixing(lambda x: torch.rand(len(x), 1, 1, 1)))

# %%
assert rejects(check_mixing, mixing(lambda x: torch.randn(len(x), 1, 1, 1)), "not normal")
assert rejects(check_mixing, mixing(torch.rand_like), "every pixel")
assert rejects(check_mixing, mixing(lambda x: torch.rand(1, 1, 1, 1)), "shares one weight")
