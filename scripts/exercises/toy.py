# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: a GAN you can watch
#
# > What accepts or rejects an answer to the exercises of A GAN you can watch
#
# - order: 63

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/toy.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/toy.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/toy.ipynb) · [API](../about/api.ipynb#exercises-toy)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../foundations/toy.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.toy

# %%
#| exports
import numpy as np
import torch

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Count the modes

# %%
#| exports
# takes points [N, 2], centres [K, 2], a radius and the least number of points
def check_count(count):
    "Whether only points near a centre count, each once, and only where there are enough."
    centres = np.array([[0.0, 0], [10, 0], [0, 10], [1.5, 0]])
    near = np.array([[0.1, 0], [0, 0.2], [-0.1, 0], [10, 0.1], [10.1, 0], [9.9, 0]])
    # nearest to the third centre, and far from it
    lost = np.array([[0, 8.0], [0, 8.1], [0, 7.9], [0, 8.2]])
    rare = np.array([[1.6, 0.0]])
    points = np.concatenate([near, lost, rare])
    got = count(points.copy(), centres.copy(), 0.5, 3)
    hint = ""
    if got == 3: hint = "a point that is far from all centres counts for none"
    assert got == 2, (
        "three points lie at each of two centres, the others are too far away or too few: "
        f"{got}, not 2. {hint}")
    got = count(points.copy(), centres.copy(), 0.5, 4)
    assert got == 0, f"no centre has four points: {got}, not 0. `least` is how many are needed"
    got = count(points.copy(), centres.copy(), 0.5, 1)
    assert got == 3, f"with least = 1 three centres have points: {got}, not 3"
    shared = np.array([[0.6, 0.0], [0.6, 0.1], [0.7, 0.0]]) # within 1 of two centres
    got = count(shared.copy(), centres.copy(), 1.0, 3)
    assert got == 1, f"{got}, not 1: a point between two centres counts for the nearer one only"
    print("correct: near enough, often enough, and each point once")


# %%
def count(points, centres, radius, least):
    far = np.linalg.norm(points[:, None] - centres, axis=-1)
    hit = far.argmin(1)[far.min(1) < radius]
    return int((np.bincount(hit, minlength=len(centres)) >= least).sum())

def no_radius(points, centres, radius, least):
    nearest = np.linalg.norm(points[:, None] - centres, axis=-1).argmin(1)
    return int((np.bincount(nearest, minlength=len(centres)) >= least).sum())

def any_point(points, centres, radius, least):
    return count(points, centres, radius, 1) - (least == 3)
def twice(points, centres, radius, least):
    return int(((np.linalg.norm(points[:, None] - centres, axis=-1) < radius).sum(0)
                >= least).sum())

check_count(count)
assert rejects(check_count, no_radius, "counts for none")
assert rejects(check_count, any_point, "how many are needed")
assert rejects(check_count, twice, "nearer one only")


# %% [markdown]
# ## 2. The gradient penalty

# %%
#| exports
def check_penalty(gradient_penalty): # takes D, real and fake points [N, 2], and t [N, 1]
    "Whether it is the penalty of Gulrajani et al., at the right points, and can be trained with."
    real, fake = torch.tensor([[2.0, 0], [0, 4]]), torch.tensor([[0.0, 0], [0, 0]])
    t = torch.tensor([[0.5], [0.25]]) # both between points have length 1
    scale = torch.tensor(3.0, requires_grad=True)
    def D(x): return scale * x.square().sum(1) / 2 # its slope is 3 x
    got = gradient_penalty(D, real, fake, t)
    expected, hint = 4.0, ""
    value = float(torch.as_tensor(got).detach())
    if np.isclose(value, 9): hint = "the slope is to be 1, not 0"
    if np.isclose(value, 8): hint = "take the mean over the points"
    if np.isclose(value, (18**0.5 - 1)**2): hint = "take the norm at each point, not over the batch"
    if np.isclose(value, ((6 - 1)**2 + (12 - 1)**2) / 2):
        hint = "the points lie between real and generated ones, not at the real ones"
    if np.isclose(value, ((3 - 1)**2 + (9 - 1)**2) / 2): hint = "t belongs to the real points"
    assert np.isclose(value, expected), (
        f"with a slope of 3 at both points: {value:.3f}, not {expected}. {hint}")
    assert got.requires_grad, "it has no gradient: give create_graph=True to autograd.grad"
    slope, = torch.autograd.grad(got, scale, allow_unused=True)
    assert slope is not None and np.isclose(float(slope), 4), (
        f"its gradient by D's weight is {slope}, not 4: create_graph=True")
    print("correct: (|slope| - 1)² between real and generated points, and D can learn from it")


# %%
def penalty_at(between, of=lambda slope: (slope.norm(dim=1) - 1).square().mean(), graph=True):
    def penalty(D, real, fake, t):
        x = between(real, fake, t).detach().requires_grad_()
        return of(torch.autograd.grad(D(x).sum(), x, create_graph=graph)[0])
    return penalty

def mixed(real, fake, t): return t * real + (1 - t) * fake

check_penalty(penalty_at(mixed))
assert rejects(check_penalty, penalty_at(mixed, lambda s: s.norm(dim=1).square().mean()), "to be 1")
assert rejects(check_penalty, penalty_at(mixed, lambda s: (s.norm(dim=1) - 1).square().sum()),
               "take the mean")
assert rejects(check_penalty, penalty_at(mixed, lambda s: (s.norm() - 1).square()),
               "over the batch")
assert rejects(check_penalty, penalty_at(lambda real, fake, t: real), "not at the real ones")
assert rejects(check_penalty, penalty_at(lambda real, fake, t: mixed(fake, real, t)),
               "belongs to the real")
assert rejects(check_penalty, penalty_at(mixed, graph=False), "create_graph")


# %% [markdown]
# ## 3. How steep can it be?

# %%
#| exports
def check_bound(bound): # takes a list of matrices [in, out]
    "Whether it is the product of the spectral norms."
    rng = np.random.default_rng(0)
    weights = [np.diag([3.0, 1.0]), rng.normal(size=(2, 5)), rng.normal(size=(5, 1))]
    expected = float(np.prod([np.linalg.norm(w, 2) for w in weights]))
    got = float(bound([w.copy() for w in weights]))
    hint = ""
    if np.isclose(got, np.prod([np.linalg.norm(w) for w in weights])):
        hint = "the Frobenius norm is a bound too, and a larger one"
    if np.isclose(got, np.linalg.norm(weights[0] @ weights[1] @ weights[2], 2)):
        hint = ("between the layers is a LeakyReLU, so the product of the matrices is not what is "
                "applied")
    if np.isclose(got, 0.04 * expected):
        hint = "where its input is positive a LeakyReLU has the slope 1"
    if np.isclose(got, sum(np.linalg.norm(w, 2) for w in weights)):
        hint = "one stretches what the other has stretched: multiply"
    if np.isclose(got, max(np.linalg.norm(w, 2) for w in weights)):
        hint = "one stretches what the other has stretched: multiply"
    assert np.isclose(got, expected), f"{got:.3f}, not {expected:.3f}. {hint}"
    print("correct: the product of the spectral norms")


# %%
def bound(weights): return np.prod([np.linalg.norm(w, 2) for w in weights])
def frobenius(weights): return np.prod([np.linalg.norm(w) for w in weights])
def no_relu(weights): return np.linalg.norm(np.linalg.multi_dot(weights), 2)
def always_negative(weights): return 0.04 * bound(weights)
def added(weights): return sum(np.linalg.norm(w, 2) for w in weights)

check_bound(bound)
assert rejects(check_bound, frobenius, "Frobenius")
assert rejects(check_bound, no_relu, "between the layers")
assert rejects(check_bound, always_negative, "slope 1")
assert rejects(check_bound, added, "multiply")
