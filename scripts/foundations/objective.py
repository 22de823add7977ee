# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The game
#
# > Two players, what each is worth at its best, and why clever players can still run in circles
#
# - order: 6

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/objective.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/objective.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/objective.ipynb)

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
# **You will be able to** derive what the best discriminator says and what the generator then minimises, choose between
# the two losses of the generator by their gradients, and explain why two players that both do the right thing can circle
# for ever, and what stops them.
#
# **You need** derivatives, densities and expected values; [How these lessons run](start.ipynb) and [Figures that tell the
# truth](figures.ipynb). **It takes** an hour to read and half a minute to run. Nothing here needs a framework: all
# gradients fit on a line.

# %%
import matplotlib.pyplot as plt
import numpy as np

from gan_course.basics import budget
from gan_course.figures import CourseFigure, course_style, dark, flipbook, light, use_course_style

# %%
use_course_style()
rng = np.random.default_rng(0)


# %% [markdown]
# ## Where it comes from
#
# To learn a distribution from examples used to mean: write down a density with free parameters, and raise the density of
# the examples. For images nobody knew a good density. Either it could be computed and was a poor model of images, or it
# was a good model and could not be computed.
#
# Goodfellow et al. [-@goodfellow2014gan] left the density out. A *[generator](../about/glossary.ipynb#gl-generator)* $G$ turns noise $z$ into samples $G(z)$, and all we ask of it
# is samples. A second network, the *[discriminator](../about/glossary.ipynb#gl-discriminator)* $D$, is shown real examples and samples and says for each how probable
# it is that it is real. That is an ordinary classifier, and those were known to work. Then the trick: the classifier's
# gradient *with respect to its input* says how a sample would have to change to look more real, and the generator follows.
#
# Within a few years this gave the first photographs of people who do not exist [@karras2019stylegan]. It also gave a new
# kind of trouble: there is no longer one function that goes down, but two players that pull in opposite directions.
# Since 2021 [diffusion models](../about/glossary.ipynb#gl-diffusion) have been ahead in quality and in covering all of the data; what they need many steps for, a
# GAN does in one. So the game lives on where one step must do: in vocoders, in super-resolution, and in the losses with
# which slow diffusion models are taught to be fast. This page is about the game itself, on examples so small that
# everything can be computed and seen.
#
# ## The rules
#
# The data have the density $p$, the samples of the generator the density $q$. The discriminator gives each point $x$ a
# probability $D(x)$ of being real, and wants the value
#
# $$V(D, G) = \mathbb{E}_{x\sim p}\log D(x) + \mathbb{E}_{x\sim q}\log(1 - D(x))$$
#
# to be large; it is the log-likelihood of a classifier that sees as many real as generated points. The generator wants it
# small: $\min_G\max_D V(D, G)$ [@goodfellow2014gan, equation 1].
#
# Here are two densities to play with. **Think first:** where would you call a point real, and how sure would you be?

# %%
def normal(x, mean, spread):
    return np.exp(-((x - mean) / spread)**2 / 2) / (spread * np.sqrt(2 * np.pi))

def p(x): return 0.6 * normal(x, -1.5, 0.5) + 0.4 * normal(x, 1.5, 0.7) # the data
def q(x): return normal(x, 0.3, 1.2) # the samples of some generator

def draw_p(n):
    left = rng.random(n) < 0.6
    return np.where(left, rng.normal(-1.5, 0.5, n), rng.normal(1.5, 0.7, n))

def draw_q(n): return rng.normal(0.3, 1.2, n)

grid = np.linspace(-8, 14, 4001)
assert abs(np.trapezoid(p(grid), grid) - 1) < 1e-6 and abs(np.trapezoid(q(grid), grid) - 1) < 1e-6


# %% [markdown]
# ## The best discriminator
#
# Write the value as one integral, $V = \int p(x)\log D(x) + q(x)\log(1 - D(x))\,dx$. A discriminator that may be any
# function can choose $D(x)$ at each $x$ by itself. So hold $x$ and maximise $p\log d + q\log(1-d)$ over $d$: the derivative
# $\frac pd - \frac q{1-d}$ is zero at
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)} .$$
#
# That is Bayes' rule for a point that was drawn from either with equal chances. Its [logit](../about/glossary.ipynb#gl-logit) is
# $\log\frac{D^*}{1-D^*} = \log p(x) - \log q(x)$: **a discriminator at its best knows the ratio of two densities**, and
# learns it from samples, without knowing either density.
#
# Does a network find this? One hidden layer of tanh units, $a(x) = w_2\cdot\tanh(w_1x + b_1) + b_2$, $D = \sigma(a)$. The
# gradient begins with a well-known line: for the loss $-V$ the derivative with respect to a logit is $\sigma(a) - y$,
# where $y$ is 1 for real points and 0 for others. The rest is the chain rule. The steps are [Adam's](../about/glossary.ipynb#gl-adam).

# %%
def sigmoid(a): return 1 / (1 + np.exp(-a))

def logits(x, w): # [N] -> [N]
    return np.tanh(x[:, None] * w["w1"] + w["b1"]) @ w["w2"] + w["b2"]

def gradient(x, y, w): # of -V by each weight; as many x of either kind
    h = np.tanh(x[:, None] * w["w1"] + w["b1"]) # [N, width]
    da = (sigmoid(h @ w["w2"] + w["b2"]) - y) / (len(x) / 2)
    dh = da[:, None] * w["w2"] * (1 - h**2)
    return dict(w1=(x[:, None] * dh).sum(0), b1=dh.sum(0), w2=h.T @ da, b2=da.sum())


# %%
def discriminator(draw_real, draw_fake, steps=3000, batch=500, width=32, rate=0.02):
    "Weights of a network that has learnt to tell two kinds of points apart."
    r = np.random.default_rng(1)
    w = dict(w1=r.normal(0, 2, width), b1=r.uniform(-4, 4, width), w2=np.zeros(width), b2=0.0)
    m, v = ({name: 0 * value for name, value in w.items()} for _ in range(2))
    for t in range(1, steps + 1):
        x = np.concatenate([draw_real(batch), draw_fake(batch)])
        g = gradient(x, np.repeat([1.0, 0.0], batch), w)
        for name in w:
            m[name] = 0.9 * m[name] + 0.1 * g[name]
            v[name] = 0.999 * v[name] + 0.001 * g[name]**2
            step = m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            w[name] = w[name] - rate * (1 - t / steps) * step
    return w

w = discriminator(draw_p, draw_q, steps=budget(full=3000, fast=1000))
best, learnt = p(grid) / (p(grid) + q(grid)), sigmoid(logits(grid, w))
seen = p(grid) + q(grid) > 0.05
print(f"largest difference where points are seen: {np.abs(best - learnt)[seen].max():.3f}")

# %%
x, y = draw_p(6), np.array([1.0, 0, 1, 0, 1, 0]) # the gradient against finite differences
def minus_v(w): return -np.log(sigmoid(logits(x, w) * (2 * y - 1))).sum() / 3
some = {name: rng.normal(size=np.shape(value)) for name, value in w.items()}
for name in w:
    moved = [minus_v(w | {name: w[name] + sign * 1e-5 * some[name]}) for sign in (1, -1)]
    slope = np.sum(gradient(x, y, w)[name] * some[name])
    assert abs((moved[0] - moved[1]) / 2e-5 - slope) < 1e-6 * max(1, abs(slope)), name
assert np.abs(best - learnt)[seen].max() < budget(full=0.08, fast=0.2)

# %%
#| label: fig-best
#| fig-cap: "The best discriminator by its formula, and a network that has seen points of both kinds."
#| fig-alt: "Above two densities: the data with a high peak at -1.5 and a low one at 1.5, the samples with one broad hill between them. Below the formula and the network, two curves that lie on each other between -3 and 3.5: near 0.8 at the high peak, 0.1 in the valley at 0, 0.6 at the low peak. Outside, where there are no points, they part."
fig = CourseFigure(620, 420)
above, below = fig.subplots(2, 1, sharex=True)
above.fill_between(grid, p(grid), color=dark, alpha=0.35, label="data, p")
above.plot(grid, q(grid), color=light, label="samples, q")
below.plot(grid, best, color=dark, label="p / (p + q)")
below.plot(grid, learnt, "--", color=light, label="trained network")
above.set(xlim=(-4, 5), ylabel="density"); above.legend()
below.set(xlabel="x", ylabel="D(x)", ylim=(0, 1)); below.legend(loc="upper right")
fig.tight_layout()
fig


# %% [markdown]
# Two things to keep. Where data and samples are equally frequent, $D^* = \frac12$, however frequent that is. And where
# neither occurs, the network says what it likes: nobody ever told it. A generator that is sent there gets bad advice.
#
# ## What the best discriminator is worth
#
# Put $D^*$ into the value, and a half under each logarithm, for which $2\log 2$ is paid:
#
# $$V(D^*, G) = \int p\log\frac{p}{p+q} + q\log\frac{q}{p+q}
#   = -\log 4 + \mathrm{KL}\Big(p\,\Big\|\,\tfrac{p+q}2\Big) + \mathrm{KL}\Big(q\,\Big\|\,\tfrac{p+q}2\Big)
#   = -\log 4 + 2\,\mathrm{JSD}(p, q) .$$
#
# JSD is the *[Jensen–Shannon divergence](../about/glossary.ipynb#gl-jsd)*: 0 for equal densities, and never above $\log 2$. So a generator that plays against
# perfect discriminators minimises it, and is done at $q = p$, where $D^* = \frac12$ everywhere and the value is $-\log 4$.
#
# Try it on two Gaussians of width 1 at a distance. For each we integrate, and train a network as above. **Predict:** can the
# network's value lie above the formula's?

# %%
def js_divergence(p, q): # densities on `grid`
    def kl(a):
        return np.trapezoid(a * np.log(np.maximum(a, 1e-300) / np.maximum((p + q) / 2, 1e-300)),
                            grid)
    return (kl(p) + kl(q)) / 2

print("distance    JSD   -log 4 + 2 JSD   V of a trained network")
for distance in (0, 0.5, 1, 2, 4):
    def draw_moved(n): return rng.normal(distance, 1, n)
    def draw_centre(n): return rng.normal(0, 1, n)
    js = js_divergence(normal(grid, 0, 1), normal(grid, distance, 1))
    w = discriminator(draw_centre, draw_moved, steps=budget(full=1000, fast=300))
    real, fake = logits(draw_centre(100_000), w), logits(draw_moved(100_000), w)
    value = np.log(sigmoid(real)).mean() + np.log(sigmoid(-fake)).mean()
    print(f"{distance:8}{js:7.3f}{2 * js - np.log(4):17.3f}{value:25.3f}")
    assert value < 2 * js - np.log(4) + 0.01, "no discriminator is better than the best"
    assert value > 2 * js - np.log(4) - budget(full=0.03, fast=0.2), (
        "and this one is nearly as good")

# %% [markdown]
# It cannot, but for the chance of the draw: a network is one of the functions over which the formula took the maximum. So in
# a real run the discriminator's loss bounds the divergence from below, and says nothing about how much is missing. **A
# generator that fools a weak discriminator has not proved anything.**
#
# ## When they do not touch
#
# Images are thin sets in a large space: change a pixel at random and it is no longer a photograph. At first the samples
# lie nowhere near the data. Let two narrow Gaussians approach each other from afar. **Predict:** how does the
# divergence fall?

# %%
distances = np.linspace(0, 3, 61)
narrow = [js_divergence(normal(grid, 0, 0.15), normal(grid, d, 0.15)) for d in distances]
slope = np.gradient(narrow, distances)
for d in (0.1, 0.5, 1.0, 2.0):
    i = np.argmin(np.abs(distances - d))
    print(f"distance {distances[i]:.2f}: JSD {narrow[i]:.6f}, slope {slope[i]:9.1e}")
assert abs(narrow[-1] - np.log(2)) < 1e-6 and slope[np.argmin(np.abs(distances - 2))] < 1e-6

# %%
#| label: fig-apart
#| fig-cap: "The divergence of two narrow Gaussians by their distance, and how far one has to be moved onto the other."
#| fig-alt: "Against the distance from 0 to 3: the Jensen-Shannon divergence rises steeply from 0 and is flat at log 2 from a distance of 0.8 on; the way to move is a straight line."
fig = CourseFigure(560, 300)
ax = fig.subplots()
ax.plot(distances, narrow, color=dark, label="Jensen–Shannon divergence")
ax.plot(distances, distances, "--", color=light, label="way to move (Wasserstein)")
ax.axhline(np.log(2), color="#666666", linewidth=0.8)
ax.text(2.99, np.log(2) + 0.03, "log 2", ha="right")
ax.set(xlabel="distance", ylim=(0, 1.6), xlim=(0, 3)); ax.legend()
fig.tight_layout()
fig


# %% [markdown]
# It does not fall at all, until they touch. At a distance of 2 a perfect discriminator is right about everything, and a
# step of the generator in the right direction changes nothing about that: the slope is zero to seven digits. The *way to
# move*, the [Wasserstein](../about/glossary.ipynb#gl-wasserstein) distance, has the same slope everywhere; so Arjovsky et al. [-@arjovsky2017wgan] proposed to play for that, and
# [the next lesson](toy.ipynb) does.
#
# Two remedies are older and simpler. Do not train the discriminator to perfection: then it is smooth and still has a slope
# where the generator is. And give the generator another loss.
#
# ## Two losses for one wish
#
# In the [minimax](../about/glossary.ipynb#gl-minimax) game the generator minimises $\log(1-D(G(z)))$. Goodfellow et al. noticed at once that early on, when
# $D(G(z))$ is nearly 0, this is flat, and proposed that it minimise $-\log D(G(z))$ instead. Both want $D(G(z))$ to rise. In
# terms of the logit $a$ of a sample:
#
# $$\frac{d}{da}\log(1-\sigma(a)) = -\sigma(a), \qquad \frac{d}{da}\bigl(-\log\sigma(a)\bigr) = -(1 - \sigma(a)) .$$
#
# The first learns from samples that already fool the discriminator, the second from those that do not. The first is called
# *saturating*.
#
# Now all of it together, exactly. Data are $\mathcal N(0, 1)$, the generator makes $z + \theta$, and the discriminator
# is the best one. Its logit is $\log p - \log q = \frac{(x-\theta)^2 - x^2}{2}$, with the slope $-\theta$ at every $x$. So
# the gradients by $\theta$ are
#
# $$\text{saturating: } \theta\;\mathbb{E}_q[\sigma(a)], \qquad \text{non-saturating: } \theta\;\mathbb{E}_q[1-\sigma(a)].$$
#
# **Predict** both for a generator that is 6 away.

# %%
def generator_gradients(theta):
    q = normal(grid, theta, 1)
    fooled = sigmoid(((grid - theta)**2 - grid**2) / 2)
    return theta * np.trapezoid(q * fooled, grid), theta * np.trapezoid(q * (1 - fooled), grid)

for theta in (0.1, 1.0, 2.0, 4.0, 6.0):
    saturating, non_saturating = generator_gradients(theta)
    print(f"theta {theta}: saturating {saturating:9.2e}, non-saturating {non_saturating:6.3f}")
assert generator_gradients(6.0)[0] < 0.02 and generator_gradients(6.0)[1] > 5.9
assert np.isclose(*generator_gradients(1e-3), rtol=1e-2), "near the goal they are the same"

# %%
#| label: fig-losses
#| fig-cap: "Left the slope of both losses by the logit of a sample; right the gradient for a generator at a distance theta."
#| fig-alt: "Left two mirrored s-curves: the saturating slope is 0 at logit -6 and 1 at 6, the other the reverse. Right, on a logarithmic axis, both gradients start together near 0; the non-saturating one rises with the distance, the saturating one peaks at a half near 1.5 and falls to a hundredth at 6."
fig = CourseFigure(760, 300)
left, right = fig.subplots(1, 2)
a, thetas = np.linspace(-6, 6, 121), np.linspace(0.02, 6, 100)
left.plot(a, sigmoid(a), color=dark, label="saturating")
left.plot(a, 1 - sigmoid(a), "--", color=light, label="non-saturating")
left.set(xlabel="logit a of a sample", ylabel="size of the slope"); left.legend(loc="center right")
both = np.array([generator_gradients(t) for t in thetas])
right.semilogy(thetas, both[:, 0], color=dark)
right.semilogy(thetas, both[:, 1], "--", color=light)
right.set(xlabel="distance theta of the generator", ylabel="gradient", ylim=(1e-3, 10))
fig.tight_layout()
fig

# %% [markdown]
# The saturating loss gives up where help is needed most; the other pulls the harder the farther it is. That is why all
# tracks of this course use it, or a relative of it.
#
# But the [non-saturating](../about/glossary.ipynb#gl-non-saturating) loss is no longer the other side of $V$, so what does it minimise? The line above tells: the two
# gradients add up to $\theta$, and that is the slope of $\mathrm{KL}(q\,\|\,p) = \theta^2/2$. And the saturating one is the
# slope of $2\,\mathrm{JSD}$. So it is $\mathrm{KL}(q\,\|\,p) - 2\,\mathrm{JSD}$ [@arjovsky2017principled, theorem 2.5, for
# any generator]. $\mathrm{KL}(q\,\|\,p)$ counts how improbable the *samples* are under the data and does not ask
# whether all data are reached. **A generator that drops half of the data pays little for it**; remember that when [modes
# go missing](../about/glossary.ipynb#gl-mode-coverage) in the next lesson.

# %%
for theta in (0.5, 1.0, 3.0):
    def twice_js(t): return 2 * js_divergence(normal(grid, 0, 1), normal(grid, t, 1))
    slope_js = (twice_js(theta + 1e-3) - twice_js(theta - 1e-3)) / 2e-3
    saturating, non_saturating = generator_gradients(theta)
    assert abs(slope_js - saturating) < 1e-4 and abs(theta - slope_js - non_saturating) < 1e-4
    print(f"theta {theta}: slope of 2 JSD {slope_js:.4f}, saturating gradient {saturating:.4f}")


# %% [markdown]
# ## Two players in a circle
#
# So far the discriminator was perfect at every moment. In a run both learn at the same time, and each chases a target
# that moves. The smallest game of this kind has one number for each: $x$ wants $xy$ small, $y$ wants it large.
#
# At $(0, 0)$ neither has a reason to move; it is the only such point. The gradients are $y$ for the one and $x$ for the
# other, so both step at once by
#
# $$\begin{pmatrix}x\\y\end{pmatrix} \leftarrow \begin{pmatrix}1 & -\eta\\ \eta & 1\end{pmatrix}\begin{pmatrix}x\\y\end{pmatrix}.$$
#
# This is a rotation, and a little more: the length of $(x, y)$ grows by $\sqrt{1+\eta^2}$. **Predict** what happens if they
# take turns, so that $y$ already sees the new $x$. If $y$ pays $\frac r2y^2$ for being large. And where the *mean* of all
# points lies.

# %%
def play(step, start=(1.0, 0.0), steps=200):
    "The points of a game, [steps + 1, 2]."
    points = [np.array(start)]
    for _ in range(steps): points.append(np.array(step(*points[-1])))
    return np.array(points)

eta, r = 0.2, 0.4
def together(x, y): return x - eta * y, y + eta * x
def in_turns(x, y): return x - eta * y, y + eta * (x - eta * y)
def damped(x, y): return x - eta * y, y + eta * (x - r * y)

games = {"both at once": together, "in turns": in_turns, "at once, y damped": damped}
for name, step in games.items():
    points = play(step)
    print(f"{name:18} |(x, y)| after 200 steps {np.hypot(*points[-1]):8.4f}, "
          f"mean of the last 100 points {np.hypot(*points[-100:].mean(0)):8.4f}")


# %%
def matrix(step): return np.array([step(1, 0), step(0, 1)]).T # every step above is linear
def size(m): return np.abs(np.linalg.eigvals(m)).max() # how much a step stretches in the long run
assert np.isclose(size(matrix(together)), np.sqrt(1 + eta**2)), "outwards, whatever the rate"
assert np.isclose(size(matrix(in_turns)), 1) and np.isclose(np.linalg.det(matrix(in_turns)), 1)
assert size(matrix(damped)) < 1, "inwards"
assert np.isclose(np.hypot(*play(together)[-1]), size(matrix(together))**200)


# %%
#| label: fig-bilinear
#| fig-cap: "The game xy from (1, 0): arrows show where both players want to go."
#| fig-alt: "Three squares with the same whirl of arrows round the centre. In the first the path spirals outwards and leaves the picture, in the second it goes round on a slightly slanted circle, in the third it spirals into the centre."
def field(ax, direction, reach, number=15):
    at = np.linspace(-reach, reach, number)
    X, Y = np.meshgrid(at, at)
    dx, dy = direction(X, Y)
    length = np.hypot(dx, dy) + 1e-9
    ax.quiver(X, Y, dx / length, dy / length, color="#aaaaaa", scale=26, width=0.004)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")

fig = CourseFigure(800, 290)
for ax, (name, step) in zip(fig.subplots(1, 3, sharey=True), games.items()):
    def direction(x, y): return [after - before for after, before in zip(step(x, y), (x, y))]
    field(ax, direction, 2.2)
    ax.plot(*play(step, steps=80).T, color=dark, marker="o", markersize=2, linewidth=1)
    ax.plot(1, 0, "o", color=light); ax.plot(0, 0, "+", color="black", markersize=10)
    ax.set(title=name, xlabel="x")
fig.axes[0].set(ylabel="y")
fig.tight_layout()
fig


# %% [markdown]
# - **Both at once** they leave, at any rate. A smaller $\eta$ only takes longer: this is not a rate that is too large.
# - **In turns** they circle for ever, neither in nor out (the determinant is 1). This is what GANs do, and the reason why the
#   losses of a healthy GAN do not fall: they go round.
# - **The mean** lies near the centre even where the points do not. Hence the [average of the generator](../about/glossary.ipynb#gl-ema) that every
#   [loop](loop.ipynb) of this course keeps and draws its samples from.
# - **Damping** leads in, if it is stronger than the spiral is wide.
#
# ## The same in a GAN
#
# Is $xy$ a GAN? Mescheder et al. [-@mescheder2018converge] reduced one until nothing was left: all data are the point 0, the generator makes
# the point $\theta$, and the discriminator has the logit $a(x) = \psi x$. With $f(a) = -\log(1+e^{-a})$ the value is
# $V = f(0) + f(-\psi\theta)$, and near the centre the gradients are $\psi/2$ and $\theta/2$: the circle again. The
# discriminator's slope in the end, $\psi = 0$, is flat, as it should be where data and samples agree. But in a circle it never
# stays flat: each time the generator comes by, it is driven past the goal.
#
# What damps it? A price on the slope of $a$ at the *real* data, $\frac r2\lVert\nabla a(x)\rVert^2$, which here is
# $\frac r2\psi^2$. This is the $R_1$ penalty, and it is the damping of the third picture. Most of the [recipes](../about/glossary.ipynb#gl-recipe) in this course
# have it. The penalty can also be overdone: **predict** what a large $r$ does, then turn the leaves.

# %%
def dirac(r, rate=0.2):
    def step(theta, psi):
        slope = sigmoid(-theta * psi) # non-saturating: -log sigma(psi theta) by psi theta
        theta = theta + rate * slope * psi # the generator wants its logit to rise
        return theta, psi - rate * (sigmoid(theta * psi) * theta + r * psi) # and D wants it to fall
    return step

weights = [0, 0.05, 0.1, 0.2, 0.5, 1, 2, 4]
ways = [play(dirac(r), start=(1.5, 0.5), steps=150) for r in weights]
for r, points in zip(weights, ways):
    print(f"r = {r:4}: |theta| after 150 steps {abs(points[-1, 0]):.4f}")
assert abs(ways[0][-40:, 0]).max() > 0.5 and min(abs(points[-1, 0]) for points in ways[3:5]) < 0.05
assert abs(ways[-1][-1, 0]) > 5 * abs(ways[4][-1, 0]), "too much of it"


# %%
#| label: fig-dirac
#| fig-cap: "The smallest GAN without penalty and with three weights of it: the generator's point theta against the discriminator's slope psi."
#| fig-alt: "Four squares with arrows and a path from (1.5, 0.5). Without penalty an oval that is run through again and again; with 0.2 a spiral into the centre; with 1 a bent way straight to the centre's neighbourhood; with 4 the path drops to a slope near zero at once and creeps along, far from the centre when it ends."
def leaf(ax, r, points):
    def direction(theta, psi):
        return sigmoid(-theta * psi) * psi, -(sigmoid(theta * psi) * theta + r * psi)
    field(ax, direction, 2.2)
    ax.plot(*points.T, color=dark, marker="o", markersize=2, linewidth=1)
    ax.plot(*points[0], "o", color=light); ax.plot(0, 0, "+", color="black", markersize=10)
    ax.set(title=f"r = {r}", xlabel="theta")

fig = CourseFigure(880, 260)
axes = fig.subplots(1, 4, sharey=True)
for ax, i in zip(axes, (0, 3, 5, 7)): leaf(ax, weights[i], ways[i])
axes[0].set(ylabel="psi")
fig.tight_layout()
fig

# %%
leaves = []
for r, points in zip(weights, ways):
    fig = CourseFigure(330, 330)
    leaf(fig.subplots(), r, points)
    fig.tight_layout()
    leaves.append(fig)
flipbook(leaves, [f"r = {r}" for r in weights], "penalty",
         alt="The path of the smallest GAN from (1.5, 0.5): an oval without penalty, a spiral "
             "inwards with some, a creeping line with much")

# %% [markdown]
# With too much of it the discriminator is nearly flat from the start, and a flat discriminator teaches nothing: the
# generator creeps. In between there is a broad range that works, here from 0.2 to 1, and that has been the experience with
# images too.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.objective import check_best, check_growth, check_js


# %% [markdown]
# ### 1. The best discriminator, unequal shares
#
# Somebody trains a discriminator on [batches](../about/glossary.ipynb#gl-batch) in which the share $s$ is real and $1 - s$ generated. Write
# `best(p, q, s)`, its best output, for arrays of densities. Where neither occurs any answer is as good; give $s$.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def best(p, q, s):
    total = s * p + (1 - s) * q
    return np.divide(s * p, total, out=np.full_like(total, s), where=total > 0)

check_best(best)


# %% [markdown]
# ### 2. Jensen and Shannon
#
# Write `js(p, q)` in nats for two discrete distributions: arrays that sum to 1 and may hold zeros.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def js(p, q):
    m = (p + q) / 2
    def kl(a): return (a[a > 0] * np.log(a[a > 0] / m[a > 0])).sum()
    return (kl(p) + kl(q)) / 2

check_js(js)


# %% [markdown]
# ### 3. In or out?
#
# Write `growth(eta, r)`: the factor by which a step of the game $xy$ stretches the distance from the centre in the long
# run, if both step at once, $y$ pays $\frac r2y^2$, and *so does $x$*, $\frac r2x^2$. Then say what $r$ must be for the
# players to come in, and why a small rate does not need much of it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def growth(eta, r):
    return np.hypot(1 - eta * r, eta) # the eigenvalues are 1 - eta r ± i eta

check_growth(growth)
# inwards if (1 - eta r)^2 + eta^2 < 1: for small rates that is r > eta / 2

# %% [markdown]
# ## What to remember
#
# - At its best the discriminator is $p/(p+q)$: its logit is the logarithm of a ratio of densities, learnt from samples.
# - Against it the generator minimises $-\log 4 + 2\,\mathrm{JSD}$; with the non-saturating loss
#   $\mathrm{KL}(q\,\|\,p) - 2\,\mathrm{JSD}$, which forgives what is missing.
# - Far from the data the divergence is flat. What keeps the game going are a discriminator that is not perfect, and a loss
#   whose gradient does not fade.
# - Two players that follow their gradients rotate. Taking turns keeps the circle from growing, a penalty on the slope at real
#   data draws it in, and an average over time lies near its centre.
#
# **What goes wrong in practice, and how you see it.** *The losses do not fall*: they need not; look at the samples. *The
# discriminator's loss goes to 0 and the samples stand still*: it is perfect, and the divergence flat; weaken it, or penalise
# its slope. *Losses and samples swing with a steady period*: the circle; a stronger penalty, and samples from the average.
# *The penalty is on and nothing moves*: too much of it; its weight should change the discriminator's loss by a few per cent.
#
# **References.** I. Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*, NeurIPS. M. Arjovsky and L. Bottou [-@arjovsky2017principled], *Towards
# principled methods for training generative adversarial networks*, ICLR. M. Arjovsky, S. Chintala and L. Bottou [-@arjovsky2017wgan], *Wasserstein GAN*, ICML. L. Mescheder, A. Geiger and S. Nowozin [-@mescheder2018converge], *Which training methods for GANs do actually
# converge?*, ICML. T. Karras, S. Laine and T. Aila [-@karras2019stylegan], *A style-based generator architecture for generative adversarial
# networks*, CVPR.
