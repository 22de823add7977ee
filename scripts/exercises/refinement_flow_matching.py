# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: flow matching
#
# > What accepts or rejects an answer to the exercises of The other way: flow matching
#
# - order: 106

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/refinement_flow_matching.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/refinement_flow_matching.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/refinement_flow_matching.ipynb) · [API](../about/api.ipynb#exercises-refinement_flow_matching)

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
# The exercises stand in [the lesson](../refinement/flow_matching.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.refinement_flow_matching

# %%
#| exports
import torch

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. On the line

# %%
#| exports
def check_bridge(on_the_line): # (x1, x0, t) -> points, velocities
    "Whether `on_the_line` goes from noise at t = 0 to data at t = 1 (Liu et al. 2023, eq. 1)."
    generator = torch.Generator().manual_seed(0)
    x1, x0 = (torch.randn(5, 2, 4, 4, generator=generator) for _ in range(2))
    t = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0])
    try: x, velocity = on_the_line(x1, x0, t)
    except RuntimeError as error:
        raise AssertionError("the shapes do not fit: the times [B] have to become [B, 1, 1, 1] "
                             f"({str(error)[:60]})") from None
    def close(a, b): return a.shape == b.shape and torch.allclose(a, b, atol=1e-5)
    w = t[:, None, None, None]
    assert not close(x, w * x0 + (1 - w) * x1), (
        "time runs backwards: at t = 0 it should be the noise, at t = 1 the data")
    assert close(x, (1 - w) * x0 + w * x1), (
        "the points are not on the line: (1 - t) x0 + t x1, one time per image")
    assert not close(velocity, x0 - x1), "the velocity points back: to the data it is x1 - x0"
    assert not (close(velocity, x1) or close(velocity, x0)), (
        "that is an end of the line; the velocity is the difference of both, x1 - x0")
    assert not close(velocity, x1 - x), (
        "that is the way that is left, and it shrinks; the velocity is the same all along the line")
    assert close(velocity, x1 - x0), "the velocity is the derivative of x_t by t: x1 - x0"
    print("correct: noise at 0, data at 1, and one velocity all along the line")


# %%
def answer(point=lambda x1, x0, t: (1 - t) * x0 + t * x1, velocity=lambda x1, x0, t: x1 - x0,
           shape=(-1, 1, 1, 1)):
    def on_the_line(x1, x0, t):
        t = t.view(*shape)
        return point(x1, x0, t), velocity(x1, x0, t)
    return on_the_line

check_bridge(answer())

# %%
assert rejects(check_bridge, answer(lambda x1, x0, t: t * x0 + (1 - t) * x1), "backwards")
assert rejects(check_bridge, answer(velocity=lambda x1, x0, t: x0 - x1), "points back")
assert rejects(check_bridge, answer(velocity=lambda x1, x0, t: x1), "an end of the line")
assert rejects(check_bridge, answer(velocity=lambda x1, x0, t: (1 - t) * (x1 - x0)), "is left")
assert rejects(check_bridge, answer(shape=(-1,)), "[B, 1, 1, 1]")


# %% [markdown]
# ## 2. The loss, with its dice
#
# The check looks at what the velocity is asked: data that are all zero make each point $(1 - t)\,x_0$, so that its deviation
# tells the time.

# %%
#| exports
def check_loss(loss): # (velocity, x1) -> a number
    "Whether `loss` draws noise and one uniform time per image, and takes the mean squared error."
    asked = []
    def spy(x, t):
        asked.append((x.detach(), t.detach()))
        return torch.zeros_like(x)
    state = torch.get_rng_state()
    try:
        torch.manual_seed(0)
        got = loss(spy, torch.zeros(2000, 1, 8, 8)) # the target is -x0, whose square has the mean 1
        x, t = asked[0]
        of_ones = loss(spy, torch.ones(2000, 1, 8, 8)) # 1 - x0: 2
    finally: torch.set_rng_state(state)
    assert isinstance(got, torch.Tensor) and got.shape == (), "one number is wanted"
    got, of_ones = float(got), float(of_ones)
    assert t.shape == (2000,), f"the velocity takes times [B], not {list(t.shape)}: one per image"
    assert t.std() > 1e-6, "the whole batch shares one time: draw one per image"
    assert t.min() >= 0 and t.max() <= 1, "times lie between 0 and 1: uniform (rand), not normal"
    assert abs(t.mean() - 0.5) < 0.03 and abs(t.std() - 12 ** -0.5) < 0.02, (
        "the times are not uniform in [0, 1]")
    spread = x.flatten(1).std(dim=1)
    assert abs(spread[t < 0.1].mean() - 0.95) < 0.1 and spread[t > 0.9].mean() < 0.15, (
        "the input does not fit its time: at t near 0 it should be nearly all noise, "
        "at t near 1 nearly all data, with the time that the velocity is told")
    assert got < 10, (
        "over pixels and images one takes the mean, not the sum")
    assert abs(got - 1) < 0.05, (
        f"for data that are all 0 and a velocity of 0 the loss is 1, not {got:.2f}: "
        "the target is x1 - x0")
    assert abs(of_ones - 2) < 0.1, (
        f"for data that are all 1 and a velocity of 0 the loss is 2, not {of_ones:.2f}: "
        "the target is x1 - x0, with the noise that the input was made from")
    print("correct: noise, one uniform time per image, and the mean squared error")


# %%
def answer(times=torch.rand, target=lambda x1, x0: x1 - x0, back=False, over=torch.mean):
    def loss(velocity, x1):
        x0, t = torch.randn_like(x1), times(len(x1))
        w = t.view(-1, 1, 1, 1)
        x = w * x0 + (1 - w) * x1 if back else (1 - w) * x0 + w * x1
        return over((velocity(x, t) - target(x1, x0)).square())
    return loss

check_loss(answer())

# %%
assert rejects(check_loss, answer(lambda num: torch.rand(1).expand(num)), "shares one time")
assert rejects(check_loss, answer(torch.randn), "not normal")
assert rejects(check_loss, answer(target=lambda x1, x0: x1), "target is x1 - x0")
assert rejects(check_loss, answer(target=lambda x1, x0: x0), "target is x1 - x0")
assert rejects(check_loss, answer(back=True), "does not fit its time")
assert rejects(check_loss, answer(over=torch.sum), "not the sum")


# %% [markdown]
# ## 3. Euler
#
# A velocity that depends on the time alone shows when it was asked.

# %%
#| exports
def check_euler(euler): # (velocity, x, steps) -> x
    "Whether `euler` takes equal steps from t = 0, each with the velocity at its beginning."
    asked = []
    def spy(x, t):
        asked.append(float(torch.as_tensor(t).flatten()[0]))
        return torch.full_like(x, 1 + asked[-1])
    x = torch.zeros(3, 1, 2, 2)
    got = float(euler(spy, x, 4).flatten()[0])
    assert not x.any(), "the noise that was handed in was changed in place"
    def close(a, b): return len(a) == len(b) and max(abs(i - j) for i, j in zip(a, b)) < 1e-3
    assert not close(asked, [1, 0.75, 0.5, 0.25]), (
        "time runs backwards: sampling starts with noise at t = 0")
    assert not close(asked, [0.25, 0.5, 0.75, 1]), (
        "off by one: the velocity is asked at the end of each step, and never at t = 0")
    assert not close(asked, [0, 1/3, 2/3, 1]), (
        "four steps have five ends: asking at linspace(0, 1, 4) makes the steps too long")
    assert len(asked) != 3, "a step is missing: the last one begins at 1 - 1/steps"
    assert len(asked) != 5, "a step too many: nothing is left to do at t = 1"
    assert close(asked, [0, 0.25, 0.5, 0.75]), f"asked at {asked}; it should be 0, 1/4, 2/4, 3/4"
    assert abs(got + 1.375) > 1e-4, "the steps go the wrong way: add the velocity"
    assert abs(got - 5.5) > 1e-4, "a step is as long as it lasts: the velocity times 1/steps"
    assert abs(got - 1.375) < 1e-4, f"with v = 1 + t four steps end at 1.375, not {got:.3f}"
    print("correct: asked at the beginning of each step, and all of the way is gone")


# %%
def answer(times=lambda n: [i / n for i in range(n)], length=lambda n: 1 / n):
    def euler(velocity, x, steps):
        for t in times(steps):
            x = x + velocity(x, torch.full((len(x),), float(t))) * length(steps)
        return x
    return euler

check_euler(answer())

# %%
assert rejects(check_euler, answer(lambda n: [1 - i / n for i in range(n)]), "backwards")
assert rejects(check_euler, answer(lambda n: [(i + 1) / n for i in range(n)]), "off by one")
assert rejects(check_euler, answer(lambda n: torch.linspace(0, 1, n)), "five ends")
assert rejects(check_euler, answer(lambda n: [i / n for i in range(n - 1)]), "is missing")
assert rejects(check_euler, answer(lambda n: [i / n for i in range(n + 1)]), "too many")
assert rejects(check_euler, answer(length=lambda n: 1), "1/steps")
assert rejects(check_euler, answer(length=lambda n: -1 / n), "wrong way")


# %% [markdown]
# ## 4. Both ends

# %%
#| exports
def check_ends(ends): # (x, v, t) -> noise, image
    "Whether `ends` finds both ends of the line through x with velocity v."
    generator = torch.Generator().manual_seed(0)
    x1, x0 = (torch.randn(4, 1, 3, 3, generator=generator) for _ in range(2))
    t = torch.tensor([0.1, 0.4, 0.7, 0.95])
    w = t[:, None, None, None]
    noise, image = ends((1 - w) * x0 + w * x1, x1 - x0, t)
    def close(a, b): return a.shape == b.shape and torch.allclose(a, b, atol=1e-5)
    assert not (close(noise, x1) and close(image, x0)), "the order: first the noise, then the image"
    v, x = x1 - x0, (1 - w) * x0 + w * x1
    assert not close(image, x + v), (
        "a whole step from x goes too far: at time t only 1 - t of the way is left")
    assert not (close(image, x + w * v) or close(noise, x - (1 - w) * v)), (
        "t and 1 - t are exchanged: back to the noise it is t, on to the image 1 - t")
    assert close(image, x1), "the image is x + (1 - t) v"
    assert close(noise, x0), "the noise is x - t v"
    print("correct: back by t to the noise, on by 1 - t to the image")


# %%
def answer(back=lambda t: t, on=lambda t: 1 - t):
    def ends(x, v, t):
        t = t[:, None, None, None]
        return x - back(t) * v, x + on(t) * v
    return ends

check_ends(answer())

# %%
assert rejects(check_ends, answer(on=lambda t: 1), "too far")
assert rejects(check_ends, answer(lambda t: 1 - t, lambda t: t), "exchanged")
assert rejects(check_ends, lambda *args: answer()(*args)[::-1], "the order")
assert rejects(check_ends, answer(back=lambda t: 0 * t), "x - t v")
