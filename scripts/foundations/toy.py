# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A GAN you can watch
#
# > Points in the plane: a healthy run, three sick ones and their cures, and ten runs side by side with an interval
#
# - order: 7

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/toy.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/toy.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/toy.ipynb) · [API](../about/api.ipynb#foundations-toy)

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
# **You will be able to** train a GAN in seconds, tell three sicknesses apart by what you see and what you measure, cure each,
# and compare methods by ten runs and an interval instead of by one run and a hope.
#
# **You need** [The game](objective.ipynb), and tensors and `backward()` in PyTorch. **It takes** half an hour to read and
# three minutes to run on two cores.

# %%
#| default_exp toy

# %%
#| exports
import copy
import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from gan_course.basics import CourseError

# %%
from gan_course.basics import budget
from gan_course.figures import CourseFigure, dark, flipbook, light, use_course_style

# %%
use_course_style()
torch.set_num_threads(2) # small products: more threads only wait for each other


# %% [markdown]
# ## Data whose modes can be counted
#
# With images it is hard to say what is missing. So take data of which everything is known: a few small heaps of points, the
# *[modes](../about/glossary.ipynb#gl-mode)*, on a ring or a lattice. They were used for the first quarrels about [mode collapse](../about/glossary.ipynb#gl-mode-collapse), and still are.

# %%
#| exports
@dataclass(frozen=True)
class Mixture:
    "Normal distributions of one width, all equally frequent."
    centres: np.ndarray # [K, 2]
    spread: float # standard deviation of each

    def sample(self,
               shape, # of the result, without the two coordinates
               generator): # a `torch.Generator`
        "Points, float32 [*shape, 2]."
        which = torch.randint(len(self.centres), shape, generator=generator)
        centres = torch.tensor(self.centres, dtype=torch.float32)[which]
        return centres + self.spread * torch.randn(*shape, 2, generator=generator)

def ring(modes=8, radius=2.0, spread=0.1):
    "Modes on a circle (Metz et al. 2017)."
    angle = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), spread)

def lattice(side=5, gap=1.0, spread=0.05):
    "Modes on a square grid, `side` by `side` (Srivastava et al. 2017)."
    at = gap * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2), spread)


# %%
x = ring().sample((4000,), torch.Generator().manual_seed(0)).numpy()
x.shape, x.mean(0).round(2), x.std(0).round(2)

# %%
assert x.shape == (4000, 2) and np.allclose(np.hypot(*x.T), 2, atol=0.6)
assert lattice().centres.shape == (25, 2) and np.allclose(lattice().centres.mean(0), 0)


# %% [markdown]
# A sample is *good* if it lies within four deviations of a mode; of real points 99.97 % do. And a [mode is *covered*](../about/glossary.ipynb#gl-mode-coverage) if good
# samples fall to it at all often: a tenth of its fair share. Two numbers, for two different faults. **Think first:** which
# of them sees a [generator](../about/glossary.ipynb#gl-generator) that makes one perfect point? Which one sees a generator that fills the whole square?

# %%
#| exports
def coverage(points,  # [..., N, 2]
             mixture, # a `Mixture`
             within=4.0, # deviations from the centre of a mode
             share=0.1): # of what falls to a mode if all get equally many
    "How many modes are covered, and which share of the points is good: arrays of shape [...]."
    far = np.linalg.norm(points[..., None, :] - mixture.centres, axis=-1) # [..., N, K]
    good = far.min(-1) < within * mixture.spread
    nearest = np.where(good, far.argmin(-1), -1)
    counts = np.stack([(nearest == k).sum(-1) for k in range(len(mixture.centres))], axis=-1)
    least = share * points.shape[-2] / len(mixture.centres)
    return dict(modes=(counts >= least).sum(-1), good=good.mean(-1))


# %%
one_point = np.repeat(ring().centres[:1], 1000, axis=0)
everywhere = np.random.default_rng(0).uniform(-2.5, 2.5, (1000, 2))
for name, points in dict(real=x, one_point=one_point, everywhere=everywhere).items():
    print(f"{name:11}",
          {key: round(float(value), 3) for key, value in coverage(points, ring()).items()})

# %%
assert coverage(x, ring())["modes"] == 8 and coverage(x, ring())["good"] > 0.999
assert coverage(one_point, ring())["modes"] == 1 and coverage(everywhere, ring())["good"] < 0.3
assert coverage(np.stack([x[:900], everywhere[:900]]), ring())["good"].shape == (2,)


# %% [markdown]
# ## Ten networks at once
#
# One run shows what can happen, ten show what usually does. Small networks keep a processor busy mostly with calling the
# next function; so instead of training ten networks one after the other, give every weight one more dimension. The
# product of a stack of matrices is one call.
#
# Runs do not touch each other: in the *sum* of their losses the gradient of each run's weights is its own, and [Adam](../about/glossary.ipynb#gl-adam)
# treats each number by itself.

# %%
#| exports
class Networks(nn.Module):
    "Many networks of one shape, each with two hidden layers or however many sizes are given."
    def __init__(self, runs, # how many
                 sizes, # of the layers, input and output among them
                 generator, # a `torch.Generator`
                 spectral=False): # divide each weight by its spectral norm
        super().__init__()
        self.spectral, pairs = spectral, list(zip(sizes, sizes[1:]))
        self.weights = nn.ParameterList(
            [torch.randn(runs, i, o, generator=generator) * math.sqrt(2 / i) for i, o in pairs])
        self.biases = nn.ParameterList([torch.zeros(runs, 1, o) for i, o in pairs])
        self.rows = [F.normalize(torch.randn(runs, 1, i, generator=generator), dim=-1)
                     for i, o in pairs]

    def weight(self, i):
        "The weight of layer i, [runs, in, out], as it is used."
        w = self.weights[i]
        if not self.spectral: return w
        with torch.no_grad(): # one round of power iteration (Miyato et al. 2018, algorithm 1)
            column = F.normalize(self.rows[i] @ w, dim=-1)
            self.rows[i] = F.normalize(column @ w.mT, dim=-1)
        return w / (self.rows[i] @ w @ column.mT)

    def forward(self, x): # [runs, N, in] -> [runs, N, out]
        for i, bias in enumerate(self.biases):
            if i: x = F.leaky_relu(x, 0.2)
            x = torch.baddbmm(bias, x, self.weight(i))
        return x


# %%
pair = Networks(2, [3, 16, 16, 1], torch.Generator().manual_seed(0))
x3 = torch.randn(2, 5, 3)
by_hand = x3[1]
for i in range(3):
    by_hand = by_hand @ pair.weights[i][1] + pair.biases[i][1]
    if i < 2: by_hand = F.leaky_relu(by_hand, 0.2)
assert torch.allclose(pair(x3)[1], by_hand, atol=1e-6), "the second network, by itself"
pair(x3)[0].sum().backward()
assert pair.weights[0].grad[0].abs().sum() > 0 == pair.weights[0].grad[1].abs().sum()

# %%
bounded = Networks(2, [3, 16, 16, 1], torch.Generator().manual_seed(0), spectral=True)
for _ in range(50): bounded(x3)
[round(torch.linalg.matrix_norm(bounded.weight(i)[0], 2).item(), 3) for i in range(3)]

# %%
assert all(torch.allclose(torch.linalg.matrix_norm(bounded.weight(i), 2), torch.ones(2), atol=1e-2)
           for i in range(3)), "no direction is stretched"

# %% [markdown]
# ## Losses and prices
#
# The losses are those of [the last lesson](objective.ipynb), and one that is new. Where samples and data do not touch, the
# [Jensen–Shannon divergence](../about/glossary.ipynb#gl-jsd) is flat; the *way to move* one onto the other is not. Kantorovich and Rubinstein gave it a form
# that a [discriminator](../about/glossary.ipynb#gl-discriminator) can play for:
#
# $$W(p, q) = \max_{\lVert D\rVert_L \le 1}\; \mathbb{E}_p D(x) - \mathbb{E}_q D(x),$$
#
# the best difference of two means, over all functions that change by at most 1 for each step of length 1 (*[Lipschitz](../about/glossary.ipynb#gl-lipschitz)*). No
# logarithm, no sigmoid: $D$ is a *[critic](../about/glossary.ipynb#gl-critic)* now. Without the condition the maximum would be infinite, and how to keep it is
# the whole question. Three answers:
#
# - **clip** all weights to a small range after each step [@arjovsky2017wgan]: crude, and it bounds *some* slope;
# - a **[gradient** penalty](../about/glossary.ipynb#gl-gradient-penalty), $(\lVert\nabla D(\hat x)\rVert - 1)^2$ at random points between a real and a generated one
#   [@gulrajani2017wgangp];
# - **[spectral** normalisation](../about/glossary.ipynb#gl-spectral-norm): divide each weight by the most it can stretch [@miyato2018spectral]. The slope of a network
#   is at most the product of its layers'.
#
# With the other losses the price is $R_1$, which you know.

# %%
#| exports
LOSSES = ("non-saturating", "saturating", "wasserstein")
PENALTIES = ("none", "r1", "gradient", "clip", "spectral")

@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    "Everything that determines a toy run. Raises `CourseError` for a value that makes no sense."
    loss: Literal[LOSSES] = "non-saturating"
    penalty: Literal[PENALTIES] = "r1" # what keeps the discriminator from being steep
    weight: float = 0.3 # of r1 and gradient; the largest weight that clip leaves
    lr_g: float = 3e-3
    lr_d: float = 3e-3
    beta1: float = 0.0 # Adam's momentum
    optimizer: Literal["adam", "sgd"] = "adam" # of the generator; that of the discriminator is Adam
    g_steps: int = 1 # of the generator in each iteration
    d_steps: int = 1
    head_start: int = 0 # steps of the discriminator before the first iteration
    start: tuple = (0.0, 0.0) # where the generator's points lie at first
    steps: int = 1500 # iterations
    batch: int = 128
    latent: int = 8
    width: int = 64 # of both hidden layers
    runs: int = 1 # side by side
    seed: int = 0

    def __post_init__(self):
        for name, known in dict(loss=LOSSES, penalty=PENALTIES, optimizer=("adam", "sgd")).items():
            if getattr(self, name) not in known:
                raise CourseError(f"{name} is {getattr(self, name)!r}; give one "
                                  f"of {', '.join(known)}")
        for name in ("g_steps", "d_steps", "steps", "batch", "latent", "width", "runs"):
            if getattr(self, name) < 1:
                raise CourseError(f"{name} is {getattr(self, name)}; give 1 or more")
        for name in ("lr_g", "lr_d", "weight"):
            if not 0 < getattr(self, name) < math.inf:
                raise CourseError(f"{name} is {getattr(self, name)}; give a number above 0")


# %%
for wrong in (dict(loss="minimax"), dict(penalty="dropout"), dict(steps=0), dict(lr_g=-1.0),
              dict(weight=float("nan"))):
    try: ToyConfig(**wrong)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{wrong} was accepted")


# %%
#| exports
def d_loss(loss, real, fake): # logits [runs, N, 1]
    "The discriminator's loss: a mean over the points and a sum over the runs."
    if loss == "wasserstein": return (fake - real).mean(1).sum() # Arjovsky et al. 2017, eq. 2
    return (F.softplus(-real) + F.softplus(fake)).mean(1).sum()

def g_loss(loss, fake):
    "The generator's loss, likewise."
    if loss == "wasserstein": return -fake.mean(1).sum()
    if loss == "saturating": return -F.softplus(fake).mean(1).sum() # log(1 - sigmoid)
    return F.softplus(-fake).mean(1).sum()

def slopes(D, x): # [runs, N, 2]
    "The gradient of D at each point, [runs, N, 2]; differentiable in the weights of D."
    x = x.detach().requires_grad_()
    return torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]

def price(config, D, real, fake, generator):
    "What the discriminator pays for its slope; 0 where the penalty is none, clip or spectral."
    if config.penalty == "r1": # Mescheder et al. 2018, eq. 9
        return config.weight / 2 * slopes(D, real).square().sum(-1).mean(1).sum()
    if config.penalty == "gradient": # Gulrajani et al. 2017, eq. 3
        t = torch.rand(*real.shape[:2], 1, generator=generator)
        steep = slopes(D, t * real + (1 - t) * fake).norm(dim=-1)
        return config.weight * (steep - 1).square().mean(1).sum()
    return 0.0


# %%
flat = Networks(1, [2, 1], torch.Generator().manual_seed(0)) # a linear D: its slope is its weight
flat.weights[0].data[:] = torch.tensor([[3.0], [4.0]])
points, dice = torch.randn(2, 1, 6, 2), torch.Generator()
r1, gp = (price(ToyConfig(penalty=p, weight=1.0), flat, *points, dice).item()
          for p in ("r1", "gradient"))
assert np.isclose(r1, 25 / 2) and np.isclose(gp, (5 - 1)**2)


# %% [markdown]
# ## The run
#
# An iteration is some steps of the discriminator and then some of the generator. At some of them we look: a thousand
# samples of the same [latents](../about/glossary.ipynb#gl-latent), how many modes they cover, and how strong the generator's gradient is.

# %%
#| exports
@dataclass
class Look:
    "What there was after `step` iterations."
    step: int
    samples: np.ndarray # [runs, 1000, 2]
    modes: np.ndarray # covered, [runs]
    good: np.ndarray # share, [runs]
    gradient: np.ndarray # norm of the generator's, [runs]
    D: Networks

def train_toy(config, # a `ToyConfig`
              mixture, # a `Mixture`
              looks=6, # how many after the first
    ): # a list of `Look`
    "Train `config.runs` GANs side by side, each from its own weights and on its own points."
    c, generator = config, torch.Generator().manual_seed(config.seed)
    G = Networks(c.runs, [c.latent, c.width, c.width, 2], generator)
    D = Networks(c.runs, [2, c.width, c.width, 1], generator, c.penalty == "spectral")
    G.biases[-1].data += torch.tensor(c.start)
    opt_g, opt_d = (torch.optim.Adam(network.parameters(), lr, (c.beta1, 0.99))
                    for network, lr in ((G, c.lr_g), (D, c.lr_d)))
    if c.optimizer == "sgd": opt_g = torch.optim.SGD(G.parameters(), c.lr_g)
    def latents(): return torch.randn(c.runs, c.batch, c.latent, generator=generator)
    def step_d():
        real = mixture.sample((c.runs, c.batch), generator)
        with torch.no_grad(): fake = G(latents())
        loss = d_loss(c.loss, D(real), D(fake)) + price(c, D, real, fake, generator)
        opt_d.zero_grad(); loss.backward(); opt_d.step()
        if c.penalty == "clip":
            with torch.no_grad():
                for p in D.parameters(): p.clamp_(-c.weight, c.weight)

    def step_g():
        opt_g.zero_grad()
        g_loss(c.loss, D(G(latents()))).backward()
        opt_g.step()

    fixed = torch.randn(c.runs, 1000, c.latent, generator=torch.Generator().manual_seed(c.seed + 1))
    def look(step):
        with torch.no_grad(): samples = G(fixed).numpy()
        norms = [p.grad.flatten(1).square().sum(1) for p in G.parameters() if p.grad is not None]
        size = torch.stack(norms).sum(0).sqrt().numpy() if norms else np.full(c.runs, np.nan)
        return Look(step, samples, **coverage(samples, mixture), gradient=size, D=copy.deepcopy(D))

    seen, due = [look(0)], {round(c.steps * (i + 1) / looks) for i in range(looks)}
    for _ in range(c.head_start): step_d()
    for step in range(1, c.steps + 1):
        for _ in range(c.d_steps): step_d()
        for _ in range(c.g_steps): step_g()
        if step in due: seen.append(look(step))
    if not np.isfinite(seen[-1].samples).all():
        raise CourseError("training has diverged; lower the learning rates")
    return seen


# %%
few = ToyConfig(steps=3, batch=16, runs=2)
a, b = train_toy(few, ring(), looks=3), train_toy(few, ring(), looks=1)
assert [look.step for look in a] == [0, 1, 2, 3] and np.array_equal(a[-1].samples, b[-1].samples), (
    "looking changes nothing")
assert not np.array_equal(a[-1].samples[0], a[-1].samples[1]), "each run is another one"


# %% [markdown]
# ## A healthy run
#
# [Non-saturating](../about/glossary.ipynb#gl-non-saturating) loss, $R_1$, as many steps for both. **Predict:** in which order does the generator find the eight modes: one
# after the other, or all at once?

# %%
def report(looks):
    for look in looks:
        print(f"step {look.step:5}: modes {look.modes.mean():4.1f} of 8, good "
              f"{look.good.mean():4.0%}, "
              f"generator's gradient {look.gradient.mean():8.1e}")

def steps(n): return budget(full=n, fast=max(20, n // 50))

healthy = train_toy(ToyConfig(steps=steps(3000), runs=3), ring(), looks=10)
report(healthy[::2])

# %%
if budget(full=True, fast=False):
    assert (healthy[-1].modes == 8).all() and healthy[-1].good.mean() > 0.5


# %%
#| label: fig-healthy
#| fig-cap: "A healthy run. Colours: how real the discriminator finds a place. Arrows: where a sample there would be sent. Light points are samples, crosses the modes."
#| fig-alt: "Five squares. At step 0 a cloud of points above the eight crosses, in the light half of a two-coloured plane. At step 300 the points are all over the square, at 600 they leave its dark middle, at 1500 they lie in a thin ring with knots at the crosses, at 3000 mostly at the crosses, with thin bridges between. The colours grow even, a medium grey, with time."
def picture(ax, look, mixture, run=0, reach=3.2):
    at = np.linspace(-reach, reach, 81)
    plane = torch.tensor(np.stack(np.meshgrid(at, at), -1).reshape(1, -1, 2), dtype=torch.float32)
    D = copy.deepcopy(look.D)
    every = plane.expand(len(look.samples), -1, -1)
    with torch.no_grad(): score = torch.sigmoid(D(every))[run].reshape(81, 81).numpy()
    ax.imshow(score, extent=(-reach, reach, -reach, reach), origin="lower", cmap="cividis", vmin=0,
              vmax=1)
    some = every.reshape(-1, 81, 81, 2)[:, 4::8, 4::8].reshape(len(every), -1, 2)
    arrows = slopes(D, some)[run].detach().numpy()
    arrows = arrows / (np.linalg.norm(arrows, axis=1, keepdims=True) + 1e-9)
    ax.quiver(*some[run].numpy().T, *arrows.T, color="white", alpha=0.5, scale=22, width=0.005)
    ax.plot(*mixture.centres.T, "x", color="white", markersize=6)
    ax.plot(*look.samples[run][:300].T, ".", color=light, markersize=2.5)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), title=f"step {look.step}", xticks=[],
           yticks=[])
    ax.grid(False)

def strip(looks, mixture, **how):
    fig = CourseFigure(190 * len(looks), 215)
    for ax, look in zip(np.atleast_1d(fig.subplots(1, len(looks))), looks):
        picture(ax, look, mixture, **how)
    fig.tight_layout()
    return fig

strip([healthy[i] for i in (0, 1, 2, 5, 10)], ring())

# %%
leaves = []
for look in healthy:
    fig = CourseFigure(300, 320)
    picture(fig.subplots(), look, ring())
    fig.tight_layout()
    leaves.append(fig)
flipbook(leaves, [f"step {look.step}" for look in healthy], "time", max_kb=24,
         alt="Samples, the discriminator's landscape and its arrows during a healthy run")

# %% [markdown]
# All at once, more or less: first a cloud, then the ring, then knots in it. The landscape becomes flat meanwhile: where samples and
# data are equally frequent, $D = \frac12$, and the colour is the same everywhere. What takes longest are the bridges. A network is a
# continuous map, and the cloud of latents is in one piece; it cannot be torn into eight pieces, only stretched very thin
# between them. So some samples always lie on the way from one mode to the next. In images these are the creatures with
# three arms.
#
# ## Sick: collapse
#
# The generator is given ten steps for each step of the discriminator, and nothing bounds the slope. **Predict** what a
# generator does that may move ten times before anybody looks.

# %%
collapse = dict(penalty="none", g_steps=10, steps=steps(600), runs=3)
sick = train_toy(ToyConfig(**collapse), ring(), looks=30)
report(sick[::6])

# %%
#| label: fig-collapse
#| fig-cap: "Collapse: five looks, twenty steps apart."
#| fig-alt: "Five squares. In each all samples lie in one small clump or stroke, each time in another place: above, at the lower left, at the upper right, below the picture's edge, at the right. The dark and light halves of the plane turn with them: the place where they are is becoming dark, and a light one lies ahead."
strip(sick[-5:], ring())

# %% [markdown]
# All samples sit in one place, and the place wanders. A generator that may optimise freely against a fixed
# discriminator goes to the point which that one likes best, all of it; the best answer to a fixed discriminator *is* a
# single point. Then the discriminator learns that this point is fake, and the hunt goes on.
#
# **What you see** in images: all samples alike, other ones in each [epoch](../about/glossary.ipynb#gl-epoch). **What you measure:** few modes at every look, and
# changing ones. **The cure:** the discriminator has to be near its best whenever the generator moves, and its landscape
# smooth. Ten steps for the discriminator too, and the penalty:

# %%
cured = train_toy(ToyConfig(**collapse | dict(penalty="r1", d_steps=10, steps=steps(300))), ring(),
                  looks=5)
report(cured)
if budget(full=True, fast=False):
    assert np.mean([look.modes.mean() for look in sick[10:]]) < 3 < 6 < cured[-1].modes.mean()

# %% [markdown]
# ## Sick: no gradient
#
# The saturating loss, a generator that starts far away, and a discriminator with a head start of 300 steps. The generator
# takes plain gradient steps here, without Adam. **Predict:** how large is its first gradient, and how far does it come?

# %%
far_away = dict(penalty="none", start=(6.0, 6.0), head_start=300, d_steps=5, optimizer="sgd",
                lr_g=0.02, steps=steps(600), runs=3)
sick = train_toy(ToyConfig(loss="saturating", **far_away), ring())
cured = train_toy(ToyConfig(loss="non-saturating", **far_away), ring())
first = {loss: train_toy(ToyConfig(loss=loss, **far_away | dict(steps=1)), ring(),
                         looks=1)[-1].gradient.mean()
         for loss in ("saturating", "non-saturating")}
for name, looks in {"saturating": sick, "non-saturating": cured}.items():
    print(f"{name}, first gradient {first[name]:.1e}")
    for look in looks[1:]:
        away = np.linalg.norm(look.samples.mean(1), axis=-1).mean()
        print(f"  step {look.step:4}: {away:5.2f} from the ring's centre, gradient "
              f"{look.gradient.mean():8.1e}")

# %% [markdown]
# The first gradient is small, the discriminator is sure of every sample; the generator stays where it is. What arrives later has
# a size, because nothing keeps the discriminator from being steep and now and then one sample of a [batch](../about/glossary.ipynb#gl-batch) is not recognised. But
# it leads nowhere. With the other loss the first step is large, and the generator reaches the ring at once. (It is no good run after
# that either: nothing bounds the slope.)
#
# Adam hides this sickness: it divides each gradient by its usual size, and takes as large a step with a gradient of
# $10^{-6}$. It follows the *direction* of what is left, noise included. **The cure** is the loss; or a discriminator that is
# not allowed to be so sure, by $R_1$.
#
# ## Sick: oscillation
#
# One mode only, in the middle, wide enough to be found; a high rate, and Adam with [momentum](../about/glossary.ipynb#gl-momentum). In [The
# game](objective.ipynb) you have seen what two players do whose gradients turn round each other.

# %%
hill = ring(modes=1, radius=0.0, spread=0.5)
wild = dict(beta1=0.9, start=(2.0, 0.0), lr_g=1e-2, lr_d=1e-2, steps=steps(300), runs=10)
paths = {}
for penalty in ("none", "r1"):
    looks = train_toy(ToyConfig(penalty=penalty, **wild), hill, looks=min(60, wild["steps"]))
    paths[penalty] = np.stack([look.samples.mean(1) for look in looks]) # [looks, runs, 2]
    # of each run, in the second half
    swing = np.sqrt((paths[penalty][len(looks) // 2:]**2).sum(-1).mean(0))
    print(f"{penalty:5} mean of the samples lies {swing.mean():.2f} from the centre, runs "
          f"{swing.min():.2f} to {swing.max():.2f}")

# %%
#| label: fig-swing
#| fig-cap: "Oscillation and its cure: how far to the right the mean of the samples lies, for three runs of each."
#| fig-alt: "Two panels with three curves each. Left, without penalty, they swing between -2 and 2 with a period of sixty steps, to the end. Right, with R1, after some large swings in the first fifty steps they stay within a quarter of the centre line."
fig = CourseFigure(720, 260)
for ax, (penalty, path) in zip(fig.subplots(1, 2, sharey=True), paths.items()):
    for run, colour in zip(range(3), (dark, light, "#777777")):
        ax.plot(np.arange(len(path)) * wild["steps"] / (len(path) - 1), path[:, run, 0],
                color=colour, linestyle="-")
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set(title=f"penalty: {penalty}", xlabel="step", ylim=(-5, 5))
fig.axes[0].set(ylabel="mean of the samples, to the right")
fig.tight_layout()
fig

# %%
if budget(full=True, fast=False):
    late = {name: np.sqrt((path[30:]**2).sum(-1).mean(0)) for name, path in paths.items()}
    assert np.median(late["none"]) > 2 * np.median(late["r1"])


# %% [markdown]
# **What you see** in images: colours and kinds that come and go with a period of some hundred steps. **What you measure:** a
# statistic of the samples that swings instead of settling; the losses swing with it. **The cure:** damping. Less
# momentum and a lower rate make it milder; the [average of the generator](../about/glossary.ipynb#gl-ema) hides it.
#
# ## Ten runs, and an interval
#
# Now a harder data set and the question that starts most quarrels: which way of keeping the discriminator tame is
# best? On a lattice of 25 modes, at equal iterations. One run of each would answer nothing: the same method covers other
# numbers of modes from other weights. So ten runs of each, and for their mean an [interval](../about/glossary.ipynb#gl-interval): draw ten of the ten with
# replacement, many times, and see how the mean varies (*[bootstrap](../about/glossary.ipynb#gl-bootstrap)*).

# %%
#| exports
def mean_interval(values, # one of each run
                  level=0.95, # how often such an interval holds the true mean, roughly
                  draws=10_000, seed=0):
    "The mean and its bootstrap interval: three numbers (Efron 1979)."
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError("an interval needs two values or more, in one row")
    drawn = np.random.default_rng(seed).choice(values, (draws, len(values))).mean(1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


# %%
mean, low, high = mean_interval(np.random.default_rng(1).normal(5, 2, 400))
print(f"{mean:.2f}, from {low:.2f} to {high:.2f}; by the formula from {mean - 1.96 * 0.1:.2f} to "
      f"{mean + 1.96 * 0.1:.2f}")
assert abs(high - low - 2 * 1.96 * 0.1) < 0.04 and low < mean < high

# %% [markdown]
# **Predict** the order, and which pairs the intervals will tell apart.

# %%
methods = {
    "non-saturating, nothing": dict(penalty="none"),
    "non-saturating, R1": dict(penalty="r1"),
    "non-saturating, spectral": dict(penalty="spectral"),
    "Wasserstein, nothing": dict(loss="wasserstein", penalty="none"),
    "Wasserstein, clip 0.1": dict(loss="wasserstein", penalty="clip", weight=0.1),
    "Wasserstein, gradient": dict(loss="wasserstein", penalty="gradient", weight=1.0),
    "Wasserstein, spectral": dict(loss="wasserstein", penalty="spectral")}
common = dict(runs=budget(full=10, fast=3), steps=steps(3000), d_steps=2)
last = {name: train_toy(ToyConfig(**common, **method), lattice(), looks=1)[-1]
        for name, method in methods.items()}
print(f"{'':26}{'modes of 25':>12}{'interval':>16}{'good':>7}{'interval':>16}")
for name, look in last.items():
    m, g = mean_interval(look.modes), mean_interval(look.good)
    print(f"{name:26}{m[0]:12.1f}{m[1]:8.1f} – {m[2]:5.1f}{g[0]:7.0%}{g[1]:8.0%} – {g[2]:5.0%}")

# %%
#| label: fig-methods
#| fig-cap: "Modes covered and share of good samples: a small mark for each of ten runs, the mean and its interval."
#| fig-alt: "Two panels with a row for each of seven methods. Left the modes: the two without any price lie at 15.7 and 17.6, all five others between 20.6 and 21.8, with intervals that overlap among themselves and not with the first two. Right the share of good samples, between 19 and 27 per cent: most for Wasserstein without a price, least with clipping."
fig = CourseFigure(840, 300)
left, right = fig.subplots(1, 2, sharey=True)
for ax, key, title in ((left, "modes", "modes covered, of 25"),
                       (right, "good", "share of good samples")):
    for row, (name, look) in enumerate(last.items()):
        values = getattr(look, key)
        mean, low, high = mean_interval(values)
        ax.plot(values, np.full(len(values), row), "|", color="#888888", markersize=9)
        ax.errorbar(mean, row, xerr=[[mean - low], [high - mean]], fmt="o", color=dark, capsize=4,
                    markersize=5)
    ax.set(title=title, yticks=range(len(last)), yticklabels=list(last))
    ax.invert_yaxis() if ax is left else None
fig.tight_layout()
fig

# %%
#| label: fig-lattices
#| fig-cap: "The first run of each method: 300 samples, and the 25 modes."
#| fig-alt: "Seven small squares with a lattice of crosses and points. Without a price the points gather along the border or in stripes and leave crosses without any; with one they are spread over the whole lattice, many of them between the crosses."
fig = CourseFigure(940, 190)
for ax, (name, look) in zip(fig.subplots(1, len(last)), last.items()):
    ax.plot(*lattice().centres.T, "x", color="#999999", markersize=4)
    ax.plot(*look.samples[0][:300].T, ".", color=dark, markersize=2.5)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[], aspect="equal")
    ax.set_title(name.replace(", ", ",\n"), size=8)
fig.tight_layout()
fig

# %% [markdown]
# Ten runs tell apart what can be told apart. With *any* price on the slope about four modes more are covered than without, and the
# intervals of the two groups do not meet. *Which* price it is, and which loss, cannot be seen: the five intervals overlap. From
# one run of each you could have concluded anything: the best run without a price covers more modes than the worst with
# [R₁](../about/glossary.ipynb#gl-r1). Lucic et al. [-@lucic2018equal] found the same on images, with far larger [budgets](../about/glossary.ipynb#gl-budget).
#
# And the second number is not the first. The highest share of good samples is that of the method that covers few modes:
# who makes few kinds can make them well.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.toy import check_bound, check_count, check_penalty


# %% [markdown]
# ### 1. Count the modes
#
# Write `count(points, centres, radius, least)` for arrays [N, 2] and [K, 2]: at how many centres at least `least` points lie
# within `radius`. A point counts for the nearest centre only.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def count(points, centres, radius, least):
    far = np.linalg.norm(points[:, None] - centres, axis=-1)
    hit = far.argmin(1)[far.min(1) < radius]
    return int((np.bincount(hit, minlength=len(centres)) >= least).sum())

check_count(count)


# %% [markdown]
# ### 2. The gradient penalty
#
# Write `gradient_penalty(D, real, fake, t)` for tensors [N, 2] and `t` [N, 1]: the mean of
# $(\lVert\nabla D(\hat x)\rVert - 1)^2$ at $\hat x = t\,x_{real} + (1 - t)\,x_{fake}$. The discriminator is to be trained with it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def gradient_penalty(D, real, fake, t):
    between = (t * real + (1 - t) * fake).detach().requires_grad_()
    slope, = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()

check_penalty(gradient_penalty)


# %% [markdown]
# ### 3. How steep can it be?
#
# Write `bound(weights)` for a list of matrices [in, out]: a number that the slope of the network made of them never exceeds,
# with [LeakyReLU](../about/glossary.ipynb#gl-leakyrelu) of 0.2 between the layers, and as small as spectral norms allow.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def bound(weights):
    return float(np.prod([np.linalg.norm(w, 2) for w in weights]))

check_bound(bound)

# %% [markdown]
# ## What to remember
#
# - Count two things: what is covered, and what is good. Each alone can be had for nothing.
# - A generator that runs ahead collapses to a point and wanders. A discriminator that is sure leaves the saturating loss without a
#   gradient. Two players with momentum swing. One cure helps against all three: keep the discriminator's slope small.
# - One run is an anecdote. Ten runs and an interval are a beginning, and cost little if they run side by side.
#
# **What goes wrong in practice, and how you see it.** *All samples alike*: count modes, or look at many samples, before and
# after some hundred steps. *The generator stands still*: print the norm of its gradient, and the mean of $D(G(z))$. *Everything
# comes and goes*: draw the same latents at many steps. *A method wins by one mode*: ask for the interval.
#
# **References.** L. Metz, B. Poole, D. Pfau and J. Sohl-Dickstein [-@metz2017unrolled], *Unrolled generative adversarial networks*, ICLR (the
# ring). A. Srivastava et al. [-@srivastava2017veegan], *VEEGAN: reducing mode collapse in GANs using implicit variational learning*, NeurIPS (the
# lattice, and how it is counted). M. Arjovsky, S. Chintala and L. Bottou [-@arjovsky2017wgan], *Wasserstein GAN*, ICML. I. Gulrajani et al. [-@gulrajani2017wgangp], *Improved training of Wasserstein GANs*, NeurIPS. T. Miyato et al. [-@miyato2018spectral], *Spectral normalization for generative adversarial
# networks*, ICLR. L. Mescheder, A. Geiger and S. Nowozin [-@mescheder2018converge], *Which training methods for GANs do actually converge?*, ICML. M. Lucic et al. [-@lucic2018equal], *Are GANs created equal? A large-scale study*, NeurIPS. B. Efron [-@efron1979bootstrap], *Bootstrap methods: another look at the jackknife*, The Annals of Statistics 7.
