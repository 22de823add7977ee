# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The engine
#
# > One step of each network: what they play for, derived, measured, and arranged so that nothing waits
#
# - order: 19

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/engine.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/engine.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/engine.ipynb) · [API](../about/api.ipynb#pytorch-engine) · [Side by side](../about/side_by_side.ipynb#engine)

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
# **You will be able to** derive the minimax, the non-saturating and the relativistic loss and say how their gradients
# differ, penalise a discriminator's gradient, and write a training step in which no line waits for the device.
#
# **You need** [The two networks](model.ipynb), and to know what a sigmoid and a gradient are. **It takes** forty minutes
# to read with care; the cells run in a minute.

# %%
#| default_exp pytorch.engine

# %%
#| exports
import math

import torch
import torch.nn.functional as F
from torch import nn

from gan_course.pytorch.utils import Meter

# %%
import copy
import numpy as np
from gan_course.datasets import garments
from gan_course.figures import dark, light, use_course_style
from gan_course.pytorch.config import CONFIG
from gan_course.pytorch.model import build_networks

# %%
use_course_style()
torch.manual_seed(0);


# %% [markdown]
# ## The game
#
# The [discriminator](../about/glossary.ipynb#gl-discriminator) gives each image $x$ a [logit](../about/glossary.ipynb#gl-logit) $a = D(x)$. Read through the sigmoid $\sigma(a) = 1/(1+e^{-a})$ it is the
# probability that the image is real. Goodfellow et al. [-@goodfellow2014gan, eq. 1] let the two networks play for one number:
#
# $$\min_G \max_D \; V(D, G) = \mathbb{E}_x[\log \sigma(D(x))] + \mathbb{E}_z[\log(1 - \sigma(D(G(z))))]$$
#
# $D$ wants to be right on real images (first term) and on generated ones (second term); $G$ wants it to be wrong on the
# second. Written as a loss, the discriminator's part is the binary [cross-entropy](../about/glossary.ipynb#gl-cross-entropy) of a classifier with labels 1 and 0.
#
# The literal translation into code:

# %%
def naive_loss(a_real, a_fake):
    return -(torch.sigmoid(a_real).log() + (1 - torch.sigmoid(a_fake)).log()).mean()

for a_fake in (-3.0, 3.0, 20.0):
    print(a_fake, naive_loss(torch.tensor([3.0]), torch.tensor([a_fake])).item())


# %% [markdown]
# The last value is infinite. In float32 $\sigma(20)$ is exactly 1, so $1 - \sigma$ is 0 and the logarithm gives up,
# although the right answer is an ordinary number, a little over 20. The two functions belong together:
#
# $$-\log \sigma(a) = \log(1 + e^{-a}) = \mathrm{softplus}(-a), \qquad -\log(1-\sigma(a)) = \mathrm{softplus}(a)$$
#
# and [softplus](../about/glossary.ipynb#gl-softplus) can be computed for every $a$. `binary_cross_entropy_with_logits` does the same. That is why our
# discriminator ends in a logit and not in a sigmoid.

# %%
def stable_loss(a_real, a_fake): return (F.softplus(-a_real) + F.softplus(a_fake)).mean()

stable_loss(torch.tensor([3.0]), torch.tensor([20.0]))

# %%
a, b = torch.randn(1000), torch.randn(1000)
ones, zeros = torch.ones(1000), torch.zeros(1000)
bce = F.binary_cross_entropy_with_logits
torch.testing.assert_close(stable_loss(a, b), bce(a, ones) + bce(b, zeros))
torch.testing.assert_close(stable_loss(a, b), naive_loss(a, b))

# %% [markdown]
# ## What the generator feels
#
# In the game as written the [generator](../about/glossary.ipynb#gl-generator) minimises $\mathbb{E}_z[\log(1-\sigma(a))]$, with $a = D(G(z))$. Everything it learns comes
# through the derivative of this by $a$. Goodfellow et al. propose another loss in the same paper, $-\log\sigma(a)$: it has
# the same fixed points, and is called **[non-saturating](../about/glossary.ipynb#gl-non-saturating)**. Let us take both derivatives:
#
# $$\frac{d}{da}\log(1-\sigma(a)) = -\sigma(a), \qquad \frac{d}{da}\bigl(-\log\sigma(a)\bigr) = -(1-\sigma(a)) = -\sigma(-a)$$
#
# Early in training the discriminator sees through everything: $a = -5$, say. Predict both gradients before you look.

# %%
a = torch.tensor(-5.0, requires_grad=True)
minimax, = torch.autograd.grad(-F.softplus(a), a)
non_saturating, = torch.autograd.grad(F.softplus(-a), a)
print(f"minimax {minimax:.4f}, non-saturating {non_saturating:.4f}")

# %%
assert abs(minimax + torch.sigmoid(a)) < 1e-6 and abs(non_saturating + torch.sigmoid(-a)) < 1e-6

# %% [markdown]
# A factor of 150. The [minimax](../about/glossary.ipynb#gl-minimax) loss teaches least when there is most to learn.

# %%
import matplotlib.pyplot as plt

# %%
#| label: fig-saturation
#| fig-cap: "Size of the gradient that reaches the generator, against the logit of a generated image: the minimax loss against the non-saturating one."
#| fig-alt: "Two curves that cross at logit 0. The minimax curve is flat near zero on the left and rises to one on the right; the non-saturating curve is its mirror image."
logits = torch.linspace(-8, 8, 200)
fig, ax = plt.subplots(figsize=(6, 2.8))
ax.plot(logits, torch.sigmoid(logits), color=dark, ls="-", label="minimax, σ(a)")
ax.plot(logits, torch.sigmoid(-logits), color=light, ls="--", label="non-saturating, σ(−a)")
ax.axvspan(-8, -3, color="#eeeeee", zorder=0)
ax.text(-5.5, 0.5, "D sees through it", ha="center")
ax.set(xlabel="logit of a generated image, a = D(G(z))", ylabel="|dL/da|")
ax.legend();


# %% [markdown]
# ## The relativistic loss
#
# Both losses judge a generated image on its own. But "real" has no absolute scale: what matters is whether a generated
# image looks *less real than a real one*. Jolicoeur-Martineau [-@jolicoeur2018relativistic] lets the discriminator compare. Take a real
# and a generated image as a pair and ask which is which:
#
# $$L_D = \mathbb{E}\,\mathrm{softplus}\bigl(-(D(x) - D(G(z)))\bigr), \qquad L_G = \mathbb{E}\,\mathrm{softplus}\bigl(-(D(G(z)) - D(x))\bigr)$$
#
# It is a classifier of pairs: the logit of "the first one is real" is the difference. Two consequences. Adding a constant
# to all logits changes nothing, so there is no direction in which $D$ could win just by shouting. And as the loss looks at
# each generated image *next to a real one*, a generator cannot put all its images where $D$ happens to be lenient: the
# real ones set the standard everywhere. Sun et al. [-@sun2020landscape] show that the single-image losses have a landscape full of
# bad basins, in which [modes are dropped](../about/glossary.ipynb#gl-mode-coverage), and that the paired loss has none.
#
# What it lacks is convergence: near the solution the two networks circle each other. Huang et al. [-@huang2024r3gan] add the missing
# friction, a penalty on the gradient of $D$ at real and at generated images, and reach with a plain network what needed a
# box of tricks before. That is our `modern` [recipe](../about/glossary.ipynb#gl-recipe).
#
# All three in one place. One-sided [label smoothing](../about/glossary.ipynb#gl-label-smoothing) [@salimans2016improved] asks $D$ for 0.9 instead of 1 on real images,
# so that its logits need not grow without end. It is never applied to the generated ones: there it would reward the
# generator for staying as it is.

# %%
#| exports
def discriminator_loss(a_real, # logits of real images, [B]
                       a_fake, # logits of as many generated ones, [B]
                       loss="relativistic", # or "non_saturating", "minimax"
                       label_smoothing=0.0, # real images are labelled 1 - this
    ): # a number
    "What D minimises (Goodfellow et al. 2014, eq. 1; Jolicoeur-Martineau 2018, eq. 5)."
    if loss == "relativistic": return F.softplus(-(a_real - a_fake)).mean()
    real = F.binary_cross_entropy_with_logits(a_real, torch.full_like(a_real, 1 - label_smoothing))
    return real + F.binary_cross_entropy_with_logits(a_fake, torch.zeros_like(a_fake))

def generator_loss(a_fake, # logits of generated images, [B]
                   a_real=None, # logits of real ones, [B]: only the relativistic loss needs them
                   loss="relativistic", # or "non_saturating", "minimax"
    ): # a number
    "What G minimises (Goodfellow et al. 2014, section 3; Jolicoeur-Martineau 2018, eq. 6)."
    if loss == "relativistic": return F.softplus(-(a_fake - a_real)).mean()
    if loss == "non_saturating": return F.softplus(-a_fake).mean()
    return -F.softplus(a_fake).mean() # minimax: log(1 - σ(a))


# %% [markdown]
# When $D$ knows nothing, all logits are equal. Each loss then has a value worth remembering: it is what you see in the
# first step, and it is what you hope to see in the end.

# %%
# NBVAL_CHECK_OUTPUT
same = torch.zeros(8)
for loss in ("relativistic", "non_saturating", "minimax"):
    d, g = discriminator_loss(same, same, loss), generator_loss(same, same, loss)
    print(f"{loss:<15} D {d:.3f}  G {g:+.3f}")

# %%
a_real, a_fake = torch.randn(64), torch.randn(64)
for loss in ("relativistic", "non_saturating", "minimax"):
    shifted = discriminator_loss(a_real + 3, a_fake + 3, loss)
    unmoved = torch.allclose(discriminator_loss(a_real, a_fake, loss), shifted, atol=1e-5)
    assert unmoved == (loss == "relativistic"), "only a comparison ignores a constant"
assert abs(discriminator_loss(same, same) - math.log(2)) < 1e-6
assert generator_loss(torch.full((8,), 9.0), same) < 1e-3, "G wins: its images rank above"
single = discriminator_loss(a_real, a_fake, "non_saturating")
torch.testing.assert_close(single, stable_loss(a_real, a_fake))


# %% [markdown]
# ## A discriminator with brakes
#
# Real and generated images are two thin sets in 784 dimensions. A discriminator with enough capacity can separate them
# perfectly and be flat everywhere else [@arjovsky2017principled], and then the generator has no direction to go. What
# helps is to forbid steepness where the data are. Mescheder et al. [-@mescheder2018converge, eq. 9] penalise the squared gradient at real
# images, called $R_1$; at generated images it is called $R_2$:
#
# $$R_1 = \frac{\gamma}{2}\,\mathbb{E}_x\|\nabla_x D(x)\|^2, \qquad R_2 = \frac{\gamma}{2}\,\mathbb{E}_z\|\nabla_{x} D(x)\big|_{x = G(z)}\|^2$$
#
# They prove that with such a term the game converges locally where it circled before; below we repeat the proof on the
# smallest example there is. Note that the norm is squared and taken per image, and that the target is 0, not 1 as in
# [WGAN-GP](../about/glossary.ipynb#gl-gradient-penalty).

# %%
#| exports
def squared_gradient_norm(D, # images -> logits
                          x, # images, [B, C, H, W]
    ): # [B]: |grad of D at x|^2, one number per image, differentiable
    "What R1 and R2 penalise (Mescheder et al. 2018, eq. 9)."
    x = x.detach().requires_grad_()
    gradient, = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return gradient.float().square().sum((1, 2, 3))


# %% [markdown]
# A discriminator whose gradient we know: $D(x) = \langle w, x\rangle$ has gradient $w$ everywhere.

# %%
w = torch.randn(1, 28, 28, requires_grad=True)
norms = squared_gradient_norm(lambda x: (w * x).sum((1, 2, 3)), torch.randn(5, 1, 28, 28))
torch.testing.assert_close(norms, w.square().sum().expand(5))
assert not squared_gradient_norm(lambda x: x.flatten(1).sum(1) * 0, torch.randn(5, 1, 28, 28)).any()
slope, = torch.autograd.grad(norms.mean(), w)
torch.testing.assert_close(slope, 2 * w.detach()) # d|w|^2/dw: the penalty reaches the weights

# %% [markdown]
# The sum in `D(x).sum()` deserves a thought: a gradient of a sum over the [batch](../about/glossary.ipynb#gl-batch) is the gradient of each image's own logit
# *only if no image influences another's logit*. Is that so? Take the logit of image 0 and ask how it changes with the
# pixels of image 1. Which of the two discriminators will say zero?

# %%
for norm in ("none", "batch"):
    _, D = build_networks(CONFIG.replace(d_norm=norm))
    pair = torch.rand(2, 1, 28, 28).mul(2).sub(1).requires_grad_()
    slope, = torch.autograd.grad(D(pair)[0], pair)
    print(f"d_norm={norm:<6} by its own pixels {slope[0].norm():.4f}, by another's "
          f"{slope[1].norm():.4f}")
    assert (slope[1].norm() == 0) == (norm == "none")

# %% [markdown]
# With [BatchNorm](../about/glossary.ipynb#gl-batchnorm) an image's logit depends on its neighbours, and the sum mixes them up. So the penalties and BatchNorm in
# $D$ do not go together, and the `modern` recipe has no normalisation there.
#
# ## The smallest GAN there is
#
# Why should a game circle, and why should a penalty stop it? Mescheder et al. [-@mescheder2018converge] shrink a GAN until one can see all
# of it: the **[Dirac-GAN](../about/glossary.ipynb#gl-dirac-gan)**. Every real image is the number 0. The generator has one weight, $\theta$, and always makes the
# number $\theta$. The discriminator has one weight too: $D(x) = \psi x$. The solution is $\theta = 0$, where the fakes are
# real, and $\psi = 0$, where the discriminator has nothing left to say.
#
# The logit of a real image is 0, that of a fake is $\psi\theta$. So the [relativistic](../about/glossary.ipynb#gl-relativistic) losses are
# $L_D = \mathrm{softplus}(\psi\theta)$ and $L_G = \mathrm{softplus}(-\psi\theta)$, and each player goes down the slope of
# its own:
#
# $$\dot\psi = -\theta\,\sigma(\psi\theta), \qquad \dot\theta = \psi\,\sigma(-\psi\theta)$$
#
# Near the solution both sigmoids are $\tfrac12$, and what remains is $\dot\psi = -\theta/2$, $\dot\theta = \psi/2$. The pair
# moves at right angles to where it stands: a rotation. In words: $D$ points at the fakes, $G$ runs away from where $D$
# points, passes the real images at full speed, and only then does $D$ turn round. The gradient of the game points past
# the solution, never at it.
#
# Now the penalty. The gradient of $D$ is $\psi$ everywhere, so $R_1 = \frac\gamma2\psi^2$, and $D$'s motion becomes
# $\dot\psi = -\theta/2 - \gamma\psi$. Friction on one of the two is enough. The rates are the eigenvalues of
#
# $$\begin{pmatrix} -\gamma & -\frac12 \\ \frac12 & 0 \end{pmatrix}, \qquad \lambda = \tfrac12\left(-\gamma \pm \sqrt{\gamma^2 - 1}\right)$$
#
# whose imaginary part turns and whose real part, if negative, pulls in. Is more friction always better? Guess which
# $\gamma$ of the list arrives first.

# %%
# NBVAL_CHECK_OUTPUT
for gamma in (0.0, 0.3, 1.0, 3.0):
    rates = torch.linalg.eigvals(torch.tensor([[-gamma, -0.5], [0.5, 0.0]], dtype=torch.float64))
    pull, turn = round(-rates.real.max().item(), 2) + 0.0, rates.imag.abs().max().item()
    print(f"gamma {gamma}: pulls in at {abs(pull):.2f}, turns at {turn:.2f}")


# %% [markdown]
# At $\gamma = 1$ the distance halves fastest. Above it the game no longer turns at all, it creeps: a discriminator that may
# hardly slope hardly tells the generator where to go. With too much penalty a GAN is not unstable, only slow and blurred.
#
# So much for the formulas. Here is the game itself, played with the losses and the penalty of this page. `every` applies
# the penalty in every so many steps only, and as many times as strong. We come to that.

# %%
def dirac(gamma, every=1, steps=1200, lr=0.05):
    "Play the Dirac-GAN. Returns the pairs (psi, theta), [steps, 2]."
    psi, theta = torch.tensor([0.0], requires_grad=True), torch.tensor([0.3], requires_grad=True)
    D = lambda x: (psi * x).sum((1, 2, 3))
    image = lambda value: value.reshape(1, 1, 1, 1)
    real, path = image(torch.zeros(1)), []
    for k in range(steps):
        loss = discriminator_loss(D(real), D(image(theta.detach())))
        if k % every == 0: loss = loss + every * gamma / 2 * squared_gradient_norm(D, real).mean()
        slope, = torch.autograd.grad(loss, psi)
        with torch.no_grad(): psi -= lr * slope
        slope, = torch.autograd.grad(generator_loss(D(image(theta)), D(real)), theta)
        with torch.no_grad(): theta -= lr * slope
        path.append([psi.item(), theta.item()])
    return np.array(path)

plays = {"no penalty": dirac(0.0), "R1": dirac(0.2), "R1, lazy": dirac(0.2, every=16)}
distance = {name: np.hypot(*path.T) for name, path in plays.items()}
{name: round(float(d[-1]), 5) for name, d in distance.items()}

# %%
#| label: fig-dirac
#| fig-cap: "The Dirac-GAN. Left: the path of the two weights, from θ = 0.3, ψ = 0; the cross is the solution. Right: the distance from the solution. With R1, γ is 0.2; the lazy penalty acts in every 16th step, 16 times as strong."
#| fig-alt: "Left, a ring without penalty and two spirals into the centre with it, a smooth one and one with sixteen-step kinks. Right, on a logarithmic axis, a nearly level line without penalty and two that fall together, by a factor of several hundred."
styles = {"no penalty": dict(color=light, ls="-"), "R1": dict(color=dark, ls="-"),
          "R1, lazy": dict(color=dark, ls=":")}
fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.2))
for name, path in plays.items():
    left.plot(*path.T, label=name, **styles[name])
    right.semilogy(distance[name], label=name, **styles[name])
left.plot(0, 0, "k+", markersize=10)
left.set(xlabel="ψ, the slope of D", ylabel="θ, the fake", aspect="equal")
right.set(xlabel="step", ylabel="distance from the solution")
right.legend()
fig.tight_layout()

# %%
time_played = 1200 * 0.05 # steps times the length of a step
slow = 0.3 / math.sqrt(1 + 0.3 ** 2 * time_played / 8) # explained below
assert abs(distance["no penalty"][-1] - slow) < 0.02, "it circles"
assert distance["R1"][-1] < 1e-3, "it arrives"
rate = np.log(0.3 / distance["R1"][-1]) / time_played
assert abs(rate - 0.2 / 2) < 0.01, "as fast as the eigenvalues say: gamma/2"

# %% [markdown]
# Without the penalty the pair goes round and round. Why is the ring not quite closed? Off the solution the sigmoids are
# not exactly $\tfrac12$. With $r^2 = \psi^2 + \theta^2$ and $u = \psi\theta$ the two equations above give
# $\frac{d}{dt} r^2 = -2u\tanh(u/2) \approx -u^2$, which is $-r^4/8$ on the average over a lap. So the distance shrinks like
# $1/\sqrt{t}$, and the assertion above holds it to that: each halving takes four times as long as the one before. With
# the penalty every halving takes the same time. In a real GAN a lap looks like this: losses that [oscillate](../about/glossary.ipynb#gl-oscillation), and a
# generator that draws shoes, then trousers, then shoes.
#
# ## The lazy penalty
#
# The penalty needs a gradient of a gradient. What does that cost?

# %%
import time


# %%
def seconds(work, repeats=7):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter(); work(); times.append(time.perf_counter() - begin)
    return min(times)

_, D = build_networks(CONFIG)
x, fake = (torch.rand(64, 1, 28, 28) * 2 - 1 for _ in range(2)) # stand for images
def plain(): discriminator_loss(D(x), D(fake)).backward()
def penalty(): squared_gradient_norm(D, torch.cat([x, fake])).mean().backward()
plain(), penalty() # the first calls prepare things
print(f"the penalty costs {seconds(penalty) / seconds(plain):.1f} times what the loss costs")

# %% [markdown]
# Far more than the loss itself. Karras et al. [-@karras2020stylegan2, appendix B] found that it can be **[lazy](../about/glossary.ipynb#gl-lazy-penalty)**: apply it in every 16th step
# only, and 16 times as strong. That is the dotted line above: the same friction in portions. Between two penalties the
# pair turns freely, and then $\psi$ is pulled back by $16\,\gamma$ times the [learning rate](../about/glossary.ipynb#gl-learning-rate) at once. On average both
# arrive equally fast:

# %%
for name in ("R1", "R1, lazy"):
    print(f"{name:<9} loses {1 - (distance[name][-1] / 0.3) ** (1 / 1200):.2%} of "
          "the distance a step")

# %%
once_each, lazy = (np.log(distance[name][-1] / 0.3) for name in ("R1", "R1, lazy"))
assert abs(lazy / once_each - 1) < 0.1

# %% [markdown]
# How lazy may one be? A portion takes the share $\text{every} \cdot \gamma \cdot \text{lr}$ of $\psi$ away: here 1 % in every
# step, or 16 % at once, or, with every 100th step, all of it. Beyond that $\psi$ is thrown to the other side. And a lap has
# 250 steps: if a penalty comes twice a lap only, it may come where $\psi$ is small anyway. What will 100 and 400 do?

# %%
for every in (1, 16, 64, 100, 400):
    end = np.hypot(*dirac(0.2, every)[-1])
    print(f"every {every:>3}: from 0.3 to {end:.5f}")

# %% [markdown]
# The portions have to be small, with many of them to a lap. One thing the toy does not show. [Adam](../about/glossary.ipynb#gl-adam) divides by the size of recent gradients, and a gradient 16 times as large in every
# 16th step makes this size larger. Karras et al. adjust Adam for that; with $\beta_2 = 0.99$ and the small $\gamma$ of
# our recipe the difference is lost in the noise, and we leave Adam alone.
#
# ## The step, first version
#
# Now both networks take a step. As everyone first writes it:

# %%
G, D = build_networks(CONFIG)
adam = dict(lr=4e-4, betas=(0.0, 0.99))
opt_g, opt_d = torch.optim.Adam(G.parameters(), **adam), torch.optim.Adam(D.parameters(), **adam)
def textbook_step(x):
    # the discriminator
    opt_d.zero_grad()
    fake = G(torch.randn(len(x), CONFIG.latent_dim))
    loss_d = discriminator_loss(D(x), D(fake.detach()))
    loss_d.backward()
    opt_d.step()
    # the generator
    opt_g.zero_grad()
    fake = G(torch.randn(len(x), CONFIG.latent_dim))
    loss_g = generator_loss(D(fake), D(x))
    loss_g.backward()
    opt_g.step()
    return loss_d.item(), loss_g.item()

textbook_step(x)

# %% [markdown]
# `fake.detach()` matters: without it, `loss_d.backward()` would also compute gradients for the generator, which the
# discriminator's step has no use for. The same waste hides in the second half, where nobody looks for it:
# `loss_g.backward()` computes a gradient for every weight of $D$, only to have `zero_grad` throw it away. Let us see:

# %%
opt_d.zero_grad()
generator_loss(D(G(torch.randn(64, CONFIG.latent_dim))), D(x)).backward()
sum(p.grad is not None for p in D.parameters()), "gradients of D, computed for nothing"


# %% [markdown]
# What else costs time without giving anything?
#
# 1. Images are generated twice. The generator has not changed between the two halves, so the images of the first half
#    can serve the second, with their graph.
# 2. $D$ judges real and generated images in two calls; side by side in one batch, they keep the processor busier.
#    (Not if $D$ has BatchNorm: it should see the two kinds separately, each with its own statistics.)
# 3. `.item()` [waits for the device](../about/glossary.ipynb#gl-host-sync) twice a step.
# 4. Everything is in float32.
#
# ## The step, final version
#
# The discriminator's whole loss, penalty included, is one module. [Several processes](../about/glossary.ipynb#gl-data-parallel) can then share its gradients in one
# exchange, which PyTorch's `DistributedDataParallel` does for one `forward` at a time.

# %%
#| exports
class DiscriminatorObjective(nn.Module):
    "What D minimises in one step, penalties included."
    def __init__(self, D, config):
        super().__init__()
        self.D, self.config = D, config

    def logits(self, x, fake):
        "Logits of real and of generated images. BatchNorm sees them apart, all else together."
        if self.config.d_norm == "batch": return self.D(x), self.D(fake)
        return self.D(torch.cat([x, fake])).chunk(2)

    def forward(self,
                x, # real images, [B, C, H, W]
                fake, # generated ones, as many, detached
                penalise, # whether this step carries the penalties
               ): # loss, logits of x, logits of fake, penalty before lazy weighting (nan if none)
        c = self.config
        a_real, a_fake = self.logits(x, fake)
        loss = discriminator_loss(a_real, a_fake, c.loss, c.label_smoothing)
        penalty = torch.full((), float("nan"), device=x.device)
        if penalise:
            at_real, at_fake = squared_gradient_norm(self.D, torch.cat([x, fake])).chunk(2)
            penalty = c.r1 / 2 * at_real.mean() + c.r2 / 2 * at_fake.mean()
            loss = loss + c.penalty_every * penalty
        return loss, a_real, a_fake, penalty


# %%
D1 = lambda x: 3.0 * x.mean((1, 2, 3)) # its gradient is 3/784 in every pixel
class Known(nn.Module):
    def forward(self, x): return D1(x)

config = CONFIG.replace(r1=0.5, r2=0.25, penalty_every=16)
objective = DiscriminatorObjective(Known(), config)
fake = torch.rand(64, 1, 28, 28) * 2 - 1
plain, *_ = objective(x, fake, penalise=False)
whole, a_real, a_fake, penalty = objective(x, fake, penalise=True)
torch.testing.assert_close(penalty, torch.tensor((0.5 + 0.25) / 2 * 784 * (3 / 784) ** 2))
torch.testing.assert_close(whole, plain + 16 * penalty)
torch.testing.assert_close(a_real, D1(x))

# %% [markdown]
# One iteration is `d_steps` steps of the discriminator, each with real images of its own, and `g_steps` of the generator.
# What it measures goes to a `Meter` on the device. `first_bad` remembers the first iteration whose losses or gradients
# were not finite, also without asking the host; the training loop looks at it now and then, and always before it saves.

# %%
#| exports
MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "rank_accuracy", "grad_norm_d", "grad_norm_g",
            "penalty")
NEVER = 2**62 # `first_bad` as long as everything is finite

class GANStep:
    "One iteration of the game. Holds no state of its own but measurements."
    def __init__(self, G, D, opt_g, opt_d, config, *,
                 precision=torch.float32, # of autocast
                 rank=0, world=1, # this process, and how many share the batch
                 wrap=lambda module: module, # e.g. DistributedDataParallel
                 cache_casts=True, # off while a CUDA graph is recorded
                ):
        self.G, self.D, self.opt_g, self.opt_d, self.config = G, D, opt_g, opt_d, config
        self.device = next(G.parameters()).device
        self.precision, self.cache_casts = precision, cache_casts
        cut = [r * config.batch_size // world for r in (rank, rank + 1)]
        self.share = slice(*cut) # of the latents of a batch
        self.generate, self.objective = wrap(G), wrap(DiscriminatorObjective(D, config))
        self.d_parameters = [p for p in D.parameters() if p.requires_grad]
        self.meter = Meter(MEASURED, self.device)
        self.noise = torch.zeros((), device=self.device) # standard deviation of instance noise
        self.count = torch.zeros((), dtype=torch.int64, device=self.device)
        self.first_bad = torch.full((), NEVER, dtype=torch.int64, device=self.device)

    def autocast(self):
        return torch.autocast(self.device.type, self.precision, cache_enabled=self.cache_casts,
                              enabled=self.precision != torch.float32)

    def latents(self):
        "All processes draw the whole batch's latents, and each takes its share."
        c = self.config
        return torch.randn(c.batch_size, c.latent_dim, device=self.device)[self.share]

    def fakes(self):
        "Generated images."
        with self.autocast(): return self.generate(self.latents())

    def noisy(self, x):
        "Instance noise (Sønderby et al. 2017), the same for both kinds of image."
        return x + self.noise * torch.randn_like(x) if self.config.instance_noise else x

    def discriminator_step(self,
                           x, # real images
                           fake, # generated ones; their graph is not touched
                           penalise=False, # whether this step carries the penalties
                          ): # loss, gradient norm, logits of real and generated images, penalty
        with self.autocast():
            loss, a_real, a_fake, penalty = self.objective(
                self.noisy(x), self.noisy(fake.detach()), penalise)
        self.opt_d.zero_grad()
        loss.backward()
        norm = gradient_norm(self.D)
        self.opt_d.step()
        return loss.detach(), norm, a_real.detach(), a_fake.detach(), penalty.detach()

    def generator_step(self,
                       x, # real images, for the relativistic loss
                       fake, # generated ones, with their graph
                      ): # loss, gradient norm
        for p in self.d_parameters: p.requires_grad_(False)
        with self.autocast():
            a_fake, a_real = self.D(self.noisy(fake)), None
            if self.config.loss == "relativistic":
                with torch.no_grad(): a_real = self.D(self.noisy(x))
            loss = generator_loss(a_fake, a_real, self.config.loss)
        self.opt_g.zero_grad()
        loss.backward()
        norm = gradient_norm(self.G)
        self.opt_g.step()
        for p in self.d_parameters: p.requires_grad_(True)
        return loss.detach(), norm

    def __call__(self,
                 xs, # `d_steps` batches of real images
                 penalise=False, # whether the discriminator's steps carry the penalties
                ):
        c = self.config
        for i, x in enumerate(xs):
            last = i == len(xs) - 1
            with torch.set_grad_enabled(last): fake = self.fakes() # the last serves G too
            loss_d, norm_d, a_real, a_fake, penalty = self.discriminator_step(x, fake, penalise)
        for i in range(c.g_steps):
            if i: fake = self.fakes()
            loss_g, norm_g = self.generator_step(x, fake)
        self.measure(loss_d, loss_g, norm_d, norm_g, a_real, a_fake, penalty if penalise else None)

    def measure(self, loss_d, loss_g, norm_d, norm_g, a_real, a_fake, penalty):
        values = dict(loss_d=loss_d, loss_g=loss_g, grad_norm_d=norm_d, grad_norm_g=norm_g,
                      d_real=a_real.sigmoid().mean(), d_fake=a_fake.sigmoid().mean(),
                      rank_accuracy=(a_real > a_fake).float().mean())
        self.meter.add(**values)
        if penalty is not None: self.meter.add(penalty=penalty)
        finite = torch.isfinite(loss_d + loss_g + norm_d + norm_g)
        earliest = self.first_bad.minimum(self.count)
        self.first_bad.copy_(torch.where(finite, self.first_bad, earliest))
        self.count += 1

def gradient_norm(network):
    "The Euclidean norm of the gradients of all its weights together, as a tensor."
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


# %% [markdown]
# Try it: after a step, both networks have moved, and nothing is left over. One parameter may stand still: the last bias
# of $D$ is a constant added to all logits, which the relativistic loss does not see (and nor do the penalties).

# %%
def networks(config, seed=0):
    torch.manual_seed(seed)
    G, D = build_networks(config)
    adam = dict(lr=config.lr_g, betas=(config.beta1, config.beta2))
    opt_g, opt_d = (torch.optim.Adam(network.parameters(), **adam) for network in (G, D))
    return GANStep(G, D, opt_g, opt_d, config)

step = networks(CONFIG)
before = copy.deepcopy((step.G.state_dict(), step.D.state_dict()))
step([x], penalise=True)
for old, new in zip(before, (step.G.state_dict(), step.D.state_dict())):
    stuck = {k for k in old if torch.equal(old[k], new[k])} - {"to_logit.bias"}
    assert not stuck, stuck
{name: round(value, 3) for name, value in step.meter.means().items()}

# %% [markdown]
# The loss of both begins at $\log 2 = 0.693$, as computed above. To trust the rest, compare a step with one taken by
# hand. The same [seed](../about/glossary.ipynb#gl-seed), the same real images, the plain sequence of operations: the weights must agree.

# %%
ours, hand = networks(CONFIG), networks(CONFIG)
torch.manual_seed(1); ours([x], penalise=True)

torch.manual_seed(1)
fake = hand.G(torch.randn(64, CONFIG.latent_dim))
both = torch.cat([x, fake.detach()]).requires_grad_()
a_real, a_fake = hand.D(both).chunk(2)
slopes, = torch.autograd.grad(hand.D(both).sum(), both, create_graph=True)
r1, r2 = (slopes ** 2).sum((1, 2, 3)).chunk(2)
penalty = CONFIG.r1 / 2 * r1.mean() + CONFIG.r2 / 2 * r2.mean()
(F.softplus(a_fake - a_real).mean() + CONFIG.penalty_every * penalty).backward()
hand.opt_d.step()
for p in hand.D.parameters(): p.requires_grad_(False)
F.softplus(hand.D(x) - hand.D(fake)).mean().backward()
hand.opt_g.step()

# %%
for a, b in [(ours.G, hand.G), (ours.D, hand.D)]:
    for p, q in zip(a.parameters(), b.parameters()):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=2e-5)

# %% [markdown]
# The other settings, each tried once: BatchNorm in $D$, the other losses, several steps, [instance noise](../about/glossary.ipynb#gl-instance-noise), smoothing.

# %%
for changes in [dict(recipe="dcgan"), dict(loss="minimax"), dict(d_steps=3, g_steps=2),
                dict(instance_noise=0.1), dict(recipe="dcgan", label_smoothing=0.1),
                dict(upsample="transpose", dropout=0.3)]:
    config = CONFIG.replace(batch_size=64, **changes)
    step = networks(config); step.noise.fill_(config.instance_noise)
    step([x] * config.d_steps, penalise=config.r1 + config.r2 > 0)
    assert step.first_bad == NEVER and np.isfinite(step.meter.means()["loss_d"])

# %% [markdown]
# And what happens when something is not finite? The step says which iteration it was, counted from 0:

# %%
step = networks(CONFIG)
step([x]); step([x])
step([torch.full_like(x, float("nan"))]); step([x])
step.first_bad.item()

# %%
assert step.first_bad == 2

# %% [markdown]
# ## Mixed precision
#
# Under [autocast](../about/glossary.ipynb#gl-autocast), convolutions and matrix products run in [bfloat16](../about/glossary.ipynb#gl-bf16) and all else in float32. Losses, penalties and
# optimiser stay exact. How far off is a gradient, and is that much? We compare with a yardstick: how far apart the
# gradients of two batches are.

# %%
x1, x2 = torch.from_numpy(garments(128)[0]).permute(0, 3, 1, 2).div(127.5).sub(1).chunk(2)

def gradient_of_d(x, seed, precision=torch.float32):
    step = networks(CONFIG)
    step.precision = precision
    torch.manual_seed(seed)
    step.discriminator_step(x, step.fakes())
    return torch.cat([p.grad.flatten() for p in step.D.parameters()])

exact = gradient_of_d(x1, seed=1)
mixed = gradient_of_d(x1, seed=1, precision=torch.bfloat16)
another = gradient_of_d(x2, seed=2) # the same networks, the next batch
def off(gradient): return ((gradient - exact).norm() / exact.norm()).item()

print(f"off by {off(mixed):.1%} in bfloat16, by {off(another):.1%} with another batch")

# %%
assert 0 < off(mixed) < 0.1 and off(mixed) < off(another)

# %% [markdown]
# Less than two batches differ from one another, and that difference training has to live with anyway.
#
# ## On a GPU: record once, replay
#
# How many operations does PyTorch start for one iteration? Most of them are one kernel each on a GPU.

# %%
from torch.utils._python_dispatch import TorchDispatchMode


# %%
class Count(TorchDispatchMode):
    "Counts the operations inside the block."
    def __enter__(self):
        self.operations = 0
        return super().__enter__()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        return function(*args, **(kwargs or {}))

step = networks(CONFIG)
for penalise in (False, True):
    step([x], penalise) # the optimisers make their state in the first call
    with Count() as count: step([x], penalise)
    print(f"penalise={penalise!s:<5} {count.operations} operations")
    assert count.operations > 100


# %% [markdown]
# Several hundred, of a few microseconds each: a GPU finishes them faster than Python can launch them. A **[CUDA graph](../about/glossary.ipynb#gl-cuda-graph)** records the launches of one iteration and replays them with a single call.
# What it demands is that every tensor stays where it was: inputs are copied into fixed places, the optimiser keeps
# its step count on the device, and nothing may wait. Our step was built for this. With and without penalty are two
# different iterations, hence two graphs. The first three of each kind run as usual, because libraries choose their
# kernels in the first calls.

# %%
#| exports
class GraphedStep:
    "A `GANStep` recorded as CUDA graphs. Needs optimisers with `capturable=True`."
    def __init__(self, step, warmup=3): # iterations of each kind before recording
        self.step, self.warmup = step, warmup
        step.cache_casts = False
        self.calls, self.graphs, self.inputs = {True: 0, False: 0}, {}, None
        self.stream = torch.cuda.Stream()

    def __call__(self, xs, penalise=False):
        if self.inputs is None: self.inputs = [x.clone() for x in xs]
        for kept, x in zip(self.inputs, xs): kept.copy_(x)
        if penalise not in self.graphs and self.calls[penalise] >= self.warmup:
            self.record(penalise)
        if penalise in self.graphs: self.graphs[penalise].replay()
        else:
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream): self.step(self.inputs, penalise)
            torch.cuda.current_stream().wait_stream(self.stream)
        self.calls[penalise] += 1

    def record(self, penalise):
        "Recording runs nothing: the caller replays."
        graph = torch.cuda.CUDAGraph()
        self.step.opt_g.zero_grad(); self.step.opt_d.zero_grad()
        with torch.cuda.graph(graph): self.step(self.inputs, penalise)
        self.graphs[penalise] = graph


# %% [markdown]
# This page was made without a GPU, so nothing is recorded here. On one, `GraphedStep(step)` is called like the step; the
# optimisers must be made with `capturable=True`, which [Training](train.ipynb) takes care of, and a test compares the
# weights with those of the plain step.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_engine import (check_hinge, check_mixing, check_r1,
                                                 check_smoothing)


# %% [markdown]
# ### 1. R1 from the formula
#
# Without `squared_gradient_norm`: write `r1(D, x, gamma)`, the penalty
# $\frac{\gamma}{2}\,\mathbb{E}_x\|\nabla_x D(x)\|^2$ as one number, from which `backward()` reaches the weights of $D$.
# What is summed, and over what does one take the mean?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def r1(D, x, gamma):
    x = x.detach().requires_grad_()
    slope, = torch.autograd.grad(D(x).sum(), x, create_graph=True) # differentiable once more
    per_image = slope.square().sum((1, 2, 3)) # |slope|^2: a sum over pixels, no root
    return gamma / 2 * per_image.mean() # a mean over images

check_r1(r1)


# %% [markdown]
# ### 2. Pairs with a margin
#
# The hinge can compare pairs too: $D$ wants each real image to rank above its fake *by at least 1*, and loses
# $\max(0, 1 - (D(x) - D(G(z))))$ on a pair; $G$ wants the opposite, by the same margin. Write `paired_hinge(a_real, a_fake)`
# that returns both losses, $L_D$ and $L_G$, as means over the pairs.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def paired_hinge(a_real, a_fake):
    loss_d = F.relu(1 - (a_real - a_fake)).mean()
    loss_g = F.relu(1 - (a_fake - a_real)).mean()
    return loss_d, loss_g

check_hinge(paired_hinge)


# %% [markdown]
# ### 3. Smoothing on one side
#
# Write `smoothed(a_real, a_fake, s)`, the discriminator's non-saturating loss with real images labelled $1 - s$, from
# softplus alone. A label of 0.9 means: with weight 0.9 the image counts as real, and with weight 0.1 as generated. With
# $s = 0.1$, at which logit of a real image is $D$ content? (The check prints it.)

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def smoothed(a_real, a_fake, s):
    on_real = (1 - s) * F.softplus(-a_real) + s * F.softplus(a_real)
    return on_real.mean() + F.softplus(a_fake).mean()

check_smoothing(smoothed)


# %% [markdown]
# ### 4. Where WGAN-GP looks
#
# Gulrajani et al. [-@gulrajani2017wgangp] penalise the gradient on the line between a real and a generated image. Write
# `between(x, fake)`: for each pair one point $\epsilon x + (1 - \epsilon)\,G(z)$, with $\epsilon$ uniform in [0, 1]. In how many
# places does one go wrong in a single line?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def between(x, fake):
    epsilon = torch.rand(len(x), 1, 1, 1, device=x.device) # uniform, one per image
    return epsilon * x + (1 - epsilon) * fake

check_mixing(between)

# %% [markdown]
# ## What to remember
#
# - Losses are computed from logits, with softplus. $\log \sigma$ written out is infinite sooner or later.
# - A generator learns from $dL/da$. The minimax loss gives it next to nothing when it is bad, the non-saturating one when it
#   is good; the relativistic loss compares it with a real image each time.
# - Two players that each go down their own slope circle. A penalty on $D$'s gradient is the friction; too much of it
#   creeps. It may act rarely if it acts as much more strongly.
# - A step should generate each image once, compute no gradient that is thrown away, and ask the device nothing.
#
# **What goes wrong in practice, and how you see it.**
#
# - *The loss is `nan` or `inf` after some hundred steps*: a sigmoid before a logarithm, or a discriminator that ends in a
#   sigmoid and is then fed to a loss that takes logits (then $D(x)$ stands still near 0.5 to 0.73).
# - *D's loss falls to 0, and the samples stay noise*: $D$ ran away. Look at `rank_accuracy`: near 1 it sees through
#   everything. Check that the penalty is not a mean over pixels, which is 784 times too weak.
# - *The penalty falls to 0, and everything freezes*: it is too strong; try a tenth.
# - *The penalty does nothing at all*: `create_graph=True` is missing, and it is a constant to the weights.
# - *Losses oscillate, samples change their kind together*: the circle of this page. More [R1](../about/glossary.ipynb#gl-r1), or lower learning rates.
# - *Fine in float32, nonsense in [mixed precision](../about/glossary.ipynb#gl-mixed-precision)*: a loss inside autocast in half precision. Our networks return float32.
# - *Every step takes long on a GPU that is idle*: something waits, an `.item()`, a `print` of a tensor, a copy to the CPU.
#
# **References.** Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*, eq. 1 and section 3 (both losses). Salimans et
# al. [-@salimans2016improved], *Improved techniques for training GANs*, section 3.4 (one-sided smoothing). Arjovsky and Bottou [-@arjovsky2017principled], *Towards
# principled methods for training GANs* (why a perfect $D$ teaches nothing). Gulrajani et al. [-@gulrajani2017wgangp], *Improved training of
# Wasserstein GANs*, eq. 3. Sønderby et al. [-@sonderby2017amortised], *Amortised MAP inference for image super-resolution* (instance
# noise). Mescheder, Geiger and Nowozin [-@mescheder2018converge], *Which training methods for GANs do actually converge?*, section 2
# (Dirac-GAN) and eq. 9 (R1). Jolicoeur-Martineau [-@jolicoeur2018relativistic], *The relativistic discriminator*. Karras et al. [-@karras2020stylegan2], *Analyzing and
# improving the image quality of StyleGAN*, appendix B (lazy penalty). Sun, Fang and Schwing [-@sun2020landscape], *Towards a better
# global loss landscape of GANs*. Huang et al. [-@huang2024r3gan], *The GAN is dead; long live the GAN! A modern baseline GAN*,
# section 2.
