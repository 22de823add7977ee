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
# - order: 11

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/engine.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/engine.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/engine.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course[pytorch] @ git+https://github.com/gan-course/gan_course@main"]) == 0

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

from gan_course.figures import dark, light, use_course_style
from gan_course.pytorch.config import CONFIG
from gan_course.pytorch.model import build_networks

use_course_style()
torch.manual_seed(0);


# %% [markdown]
# ## The game
#
# The discriminator gives each image $x$ a logit $a = D(x)$. Read through the sigmoid $\sigma(a) = 1/(1+e^{-a})$ it is the
# probability that the image is real. Goodfellow et al. (2014, eq. 1) let the two networks play for one number:
#
# $$\min_G \max_D \; V(D, G) = \mathbb{E}_x[\log \sigma(D(x))] + \mathbb{E}_z[\log(1 - \sigma(D(G(z))))]$$
#
# $D$ wants to be right on real images (first term) and on generated ones (second term); $G$ wants it to be wrong on the
# second. Written as a loss, the discriminator's part is the binary cross-entropy of a classifier with labels 1 and 0.
#
# The literal translation into code:

# %%
def naive_loss(a_real, a_fake):
    return -(torch.sigmoid(a_real).log() + (1 - torch.sigmoid(a_fake)).log()).mean()

naive_loss(torch.tensor([3.0]), torch.tensor([-3.0])), naive_loss(torch.tensor([3.0]), torch.tensor([20.0]))


# %% [markdown]
# The second value is infinite. In float32 $\sigma(20)$ is exactly 1, so $1 - \sigma$ is 0 and the logarithm gives up,
# although the right answer is an ordinary number, a little over 20. The two functions belong together:
#
# $$-\log \sigma(a) = \log(1 + e^{-a}) = \mathrm{softplus}(-a), \qquad -\log(1-\sigma(a)) = \mathrm{softplus}(a)$$
#
# and softplus can be computed for every $a$. `binary_cross_entropy_with_logits` does the same. That is why our
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
# In the game as written the generator minimises $\mathbb{E}_z[\log(1-\sigma(a))]$, with $a = D(G(z))$. Everything it learns comes
# through the derivative of this by $a$. Goodfellow et al. propose another loss in the same paper, $-\log\sigma(a)$: it has
# the same fixed points, and is called **non-saturating**. Let us take both derivatives:
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
# A factor of 150. The minimax loss teaches least when there is most to learn.

# %%
#| label: fig-saturation
#| fig-cap: "Size of the gradient that reaches the generator, against the logit of a generated image: the minimax loss against the non-saturating one."
#| fig-alt: "Two curves that cross at logit 0. The minimax curve is flat near zero on the left and rises to one on the right; the non-saturating curve is its mirror image."
import matplotlib.pyplot as plt

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
# image looks *less real than a real one*. Jolicoeur-Martineau (2018) lets the discriminator compare. Take a real
# and a generated image as a pair and ask which is which:
#
# $$L_D = \mathbb{E}\,\mathrm{softplus}\bigl(-(D(x) - D(G(z)))\bigr), \qquad L_G = \mathbb{E}\,\mathrm{softplus}\bigl(-(D(G(z)) - D(x))\bigr)$$
#
# It is a classifier of pairs: the logit of "the first one is real" is the difference. Two consequences. Adding a constant
# to all logits changes nothing, so there is no direction in which $D$ could win just by shouting. And as the loss looks at
# each generated image *next to a real one*, a generator cannot put all its images where $D$ happens to be lenient: the
# real ones set the standard everywhere. Sun et al. (2020) show that the single-image losses have a landscape full of
# bad basins, in which modes are dropped, and that the paired loss has none.
#
# What it lacks is convergence: near the solution the two networks circle each other. Huang et al. (2024) add the missing
# friction, a penalty on the gradient of $D$ at real and at generated images, and reach with a plain network what needed a
# box of tricks before. That is our `modern` recipe.
#
# All three in one place. One-sided label smoothing (Salimans et al. 2016) asks $D$ for 0.9 instead of 1 on real images,
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
    assert torch.allclose(discriminator_loss(a_real, a_fake, loss), shifted, atol=1e-5) == (loss == "relativistic")
assert abs(discriminator_loss(same, same) - math.log(2)) < 1e-6
assert generator_loss(torch.full((8,), 9.0), same) < 1e-3, "G wins: its images rank above the real ones"
torch.testing.assert_close(discriminator_loss(a_real, a_fake, "non_saturating"), stable_loss(a_real, a_fake))


# %% [markdown]
# ## A discriminator with brakes
#
# Real and generated images are two thin sets in 784 dimensions. A discriminator with enough capacity can separate them
# perfectly and be flat everywhere else (Arjovsky and Bottou 2017), and then the generator has no direction to go. What
# helps is to forbid steepness where the data are. Mescheder et al. (2018, eq. 9) penalise the squared gradient at real
# images, called $R_1$; at generated images it is called $R_2$:
#
# $$R_1 = \frac{\gamma}{2}\,\mathbb{E}_x\|\nabla_x D(x)\|^2, \qquad R_2 = \frac{\gamma}{2}\,\mathbb{E}_z\|\nabla_{x} D(x)\big|_{x = G(z)}\|^2$$
#
# They prove that with such a term the game converges locally where it circled before. Note that the norm is squared and
# taken per image, and that the target is 0, not 1 as in WGAN-GP.

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
# The sum in `D(x).sum()` deserves a thought: a gradient of a sum over the batch is the gradient of each image's own logit
# *only if no image influences another's logit*. BatchNorm in $D$ breaks this, and so the penalties and BatchNorm in $D$ do
# not go together. The `modern` recipe has no normalisation there.
#
# The penalty needs a gradient of a gradient, twice the work of a plain step. Karras et al. (2020) found that it can be
# **lazy**: apply it in every 16th step only, and 16 times as strong.
#
# ## The step, first version
#
# Now both networks take a step. As everyone first writes it:

# %%
G, D = build_networks(CONFIG)
adam = dict(lr=4e-4, betas=(0.0, 0.99))
opt_g, opt_d = torch.optim.Adam(G.parameters(), **adam), torch.optim.Adam(D.parameters(), **adam)
x = torch.rand(64, 1, 28, 28) * 2 - 1 # stands for real images

def textbook_step(x):
    # the discriminator
    opt_d.zero_grad()
    fake = G(torch.randn(len(x), 64))
    loss_d = discriminator_loss(D(x), D(fake.detach()))
    loss_d.backward()
    opt_d.step()
    # the generator
    opt_g.zero_grad()
    fake = G(torch.randn(len(x), 64))
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
generator_loss(D(G(torch.randn(64, 64))), D(x)).backward()
sum(p.grad is not None for p in D.parameters()), "gradients of D, computed for nothing"


# %% [markdown]
# What else costs time without giving anything?
#
# 1. Images are generated twice. The generator has not changed between the two halves, so the images of the first half
#    can serve the second, with their graph.
# 2. $D$ judges real and generated images in two calls; side by side in one batch, they keep the processor busier.
#    (Not if $D$ has BatchNorm: it should see the two kinds separately, each with its own statistics.)
# 3. `.item()` waits for the device twice a step.
# 4. Everything is in float32.
#
# ## The step, final version
#
# The discriminator's whole loss, penalty included, is one module. Several processes can then share its gradients in one
# exchange, which PyTorch's `DistributedDataParallel` does for one `forward` at a time.

# %%
#| exports
class DiscriminatorObjective(nn.Module):
    "What D minimises in one step, penalties included."
    def __init__(self, D, config):
        super().__init__()
        self.D, self.config = D, config

    def logits(self, x, fake):
        "Logits of real and of generated images. BatchNorm sees them apart, everything else together."
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
MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "rank_accuracy", "grad_norm_d", "grad_norm_g", "penalty")
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
        self.share = slice(rank * config.batch_size // world, (rank + 1) * config.batch_size // world)
        self.generate, self.objective = wrap(G), wrap(DiscriminatorObjective(D, config))
        self.d_parameters = [p for p in D.parameters() if p.requires_grad]
        self.meter = Meter(MEASURED, self.device)
        self.noise = torch.zeros((), device=self.device) # standard deviation of instance noise
        self.count = torch.zeros((), dtype=torch.int64, device=self.device)
        self.first_bad = torch.full((), NEVER, dtype=torch.int64, device=self.device)

    def autocast(self):
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32,
                              cache_enabled=self.cache_casts)

    def fakes(self):
        "Generated images. All processes draw the latents of the whole batch, and each takes its share."
        z = torch.randn(self.config.batch_size, self.config.latent_dim, device=self.device)[self.share]
        with self.autocast(): return self.generate(z)

    def noisy(self, x):
        "Instance noise (Sønderby et al. 2017), the same for both kinds of image."
        return x + self.noise * torch.randn_like(x) if self.config.instance_noise else x

    def discriminator_step(self,
                           x, # real images
                           fake, # generated ones; their graph is not touched
                           penalise=False, # whether this step carries the penalties
                          ): # loss, gradient norm, logits of real and generated images, penalty
        with self.autocast():
            loss, a_real, a_fake, penalty = self.objective(self.noisy(x), self.noisy(fake.detach()), penalise)
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
            with torch.set_grad_enabled(last): fake = self.fakes() # the last serves the generator too
            loss_d, norm_d, a_real, a_fake, penalty = self.discriminator_step(x, fake, penalise)
        for i in range(c.g_steps):
            if i: fake = self.fakes()
            loss_g, norm_g = self.generator_step(x, fake)
        self.measure(loss_d, loss_g, norm_d, norm_g, a_real, a_fake, penalty if penalise else None)

    def measure(self, loss_d, loss_g, norm_d, norm_g, a_real, a_fake, penalty):
        values = dict(loss_d=loss_d, loss_g=loss_g, d_real=a_real.sigmoid().mean(), d_fake=a_fake.sigmoid().mean(),
                      rank_accuracy=(a_real > a_fake).float().mean(), grad_norm_d=norm_d, grad_norm_g=norm_g)
        self.meter.add(**values)
        if penalty is not None: self.meter.add(penalty=penalty)
        finite = torch.isfinite(loss_d + loss_g + norm_d + norm_g)
        self.first_bad.copy_(torch.where(finite, self.first_bad, self.first_bad.minimum(self.count)))
        self.count += 1

def gradient_norm(network):
    "The Euclidean norm of the gradients of all its weights together, as a tensor."
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])


# %% [markdown]
# Try it: after a step, both networks have moved, and nothing is left over.

# %%
def networks(config, seed=0):
    torch.manual_seed(seed)
    G, D = build_networks(config)
    opt = lambda network: torch.optim.Adam(network.parameters(), lr=config.lr_g, betas=(config.beta1, config.beta2))
    return GANStep(G, D, opt(G), opt(D), config)

step = networks(CONFIG)
before = copy.deepcopy((step.G.state_dict(), step.D.state_dict()))
step([x], penalise=True)
for old, new in zip(before, (step.G.state_dict(), step.D.state_dict())):
    assert all(not torch.equal(old[k], new[k]) for k in old), [k for k in old if torch.equal(old[k], new[k])]
{name: round(value, 3) for name, value in step.meter.means().items()}

# %% [markdown]
# The loss of both begins at $\log 2 = 0.693$, as computed above. To trust the rest, compare a step with one taken by
# hand. The same seed, the same real images, the plain sequence of operations: the weights must agree.

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
    for p, q in zip(a.parameters(), b.parameters()): torch.testing.assert_close(p, q, rtol=1e-3, atol=2e-5)

# %% [markdown]
# The other settings, each tried once: BatchNorm in $D$, the other losses, several steps, instance noise, smoothing.

# %%
for changes in [dict(recipe="dcgan"), dict(loss="minimax"), dict(d_steps=3, g_steps=2), dict(instance_noise=0.1),
                dict(recipe="dcgan", label_smoothing=0.1), dict(upsample="transpose", dropout=0.3)]:
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
# Under autocast, convolutions and matrix products run in bfloat16 and all else in float32. Losses, penalties and
# optimiser stay exact. How far off is a gradient?

# %%
exact, mixed = networks(CONFIG), networks(CONFIG)
mixed.precision = torch.bfloat16
for step in (exact, mixed):
    torch.manual_seed(1)
    step.discriminator_step(x, step.fakes())
flat = lambda step: torch.cat([p.grad.flatten() for p in step.D.parameters()])
error = ((flat(exact) - flat(mixed)).norm() / flat(exact).norm()).item()
print(f"relative error of D's gradient: {error:.4f}")

# %%
assert 0 < error < 0.1


# %% [markdown]
# One or two per cent of the gradient's length, and of no particular direction: far less than the difference between two
# batches.
#
# ## On a GPU: record once, replay
#
# One iteration of these small networks is several hundred kernels of a few microseconds each. A GPU finishes them faster
# than Python can launch them. A **CUDA graph** records the launches of one iteration and replays them with a single call.
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
        if penalise not in self.graphs and self.calls[penalise] >= self.warmup: self.record(penalise)
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
