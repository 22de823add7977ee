# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The same step twice
#
# > One training step in PyTorch and in TensorFlow, from the same weights to the same numbers, and every default in between
#
# - skip_showdoc: true
# - order: 32

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tensorflow/same_step_twice.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/same_step_twice.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tensorflow/same_step_twice.ipynb) · [API](../about/api.ipynb#tensorflow-same_step_twice)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tensorflow]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** carry a trained network from one framework to the other, and name the defaults in which they differ: for
# each, what it does to a GAN if nobody aligns it.
#
# **You need** both tracks up to [The engine](engine.ipynb), and both frameworks installed
# (`pip install gan_course[pytorch,tensorflow]`). **It takes** thirty minutes; the cells run in one, and at
# the end six trainings take twenty.

# %%
#| default_exp convert

# %% [markdown]
# Whoever rewrites a GAN in another framework gets code that runs, a loss that looks right, and samples that are
# a little worse. Then begins the search for what is different. Here it is done once, systematically: both tracks take the
# same step from the same weights, with the same [latents](../about/glossary.ipynb#gl-latent) and images, and the results are compared number by number. Where
# they differ there is a default that differs, and we find all of them.

# %%
#| exports
import re

import numpy as np

from gan_course.basics import CourseError

# %% [markdown]
# Both frameworks in one program need a precaution. Each brings a compiler with it, PyTorch's inside of a package called
# triton, and two copies of LLVM in one process end it with a message about "registered CommandLine options". We compile
# nothing here, so PyTorch is told that triton is not there. And both stay on the processor, where they round alike.

# %%
import os, sys, warnings

# %%
sys.modules["triton"] = None # `import triton` now fails, and PyTorch does without
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore", "CUDA initialization") # PyTorch wonders where the GPU has gone

# %%
import gan_course.tensorflow.config # first: it chooses Keras's backend

import keras
import tensorflow as tf
import torch
from torch import nn

import gan_course.pytorch.engine as torch_engine
import gan_course.pytorch.model as torch_model
import gan_course.tensorflow.engine as keras_engine
import gan_course.tensorflow.model as keras_model
from gan_course.basics import budget
from gan_course.datasets import garments
from gan_course.pytorch import CONFIG
from gan_course.pytorch.train import make_optimizer as torch_optimizer
from gan_course.tensorflow.train import Adam as KerasAdam, make_optimizer as keras_optimizer

# %% [markdown]
# ## Names and axes
#
# The two tracks give their layers the same names, so the rules are short. A PyTorch convolution keeps its kernel as
# `[out, in, height, width]`, Keras as `[height, width, in, out]`. For [transposed convolutions](../about/glossary.ipynb#gl-transposed-convolution) it is `[in, out, height, width]`
# there and `[height, width, out, in]` here: the roles are exchanged *in both*, so the same permutation serves. A dense layer is
# transposed. [BatchNorm's](../about/glossary.ipynb#gl-batchnorm) four arrays have other names.

# %%
#| exports
PLAIN = {"weight": "kernel", "bias": "bias"}
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean",
        "running_var": "moving_variance"}
AXES = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)} # PyTorch -> Keras, by number of axes

def to_tensorflow(state, # a `state_dict()` of a network of the PyTorch track; tensors or arrays
    ): # layer/name -> array, as Keras has it
    "A PyTorch network's weights for the same network of the TensorFlow track."
    norms = {name.rpartition(".")[0] for name in state if name.endswith("running_mean")}
    found = {}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        if kind == "num_batches_tracked": continue # Keras does not count them
        value = np.asarray(value)
        kind = (NORM if layer in norms else PLAIN)[kind]
        found[f"{layer.replace('.', '_')}/{kind}"] = value.transpose(AXES[value.ndim])
    return found

def to_pytorch(weights, # layer/name -> array, as `keras_weights` gives it
    ): # a state dictionary of arrays; load it with `strict=False`, as batches are not counted
    "The opposite of `to_tensorflow`."
    back = {new: old for names in (PLAIN, NORM) for old, new in names.items()}
    found = {}
    for name, value in weights.items():
        layer, _, kind = name.rpartition("/")
        axes = np.argsort(AXES[np.ndim(value)]) # the inverse permutation
        name = re.sub(r"_(\d+)", r".\1", layer) + "." + back[kind] # hidden_2_1 -> hidden.2.1
        found[name] = np.ascontiguousarray(np.transpose(value, axes))
    return found


# %%
#| exports
def _named(network): # layer/name -> variable
    return {f"{layer.name}/{v.path.rsplit('/', 1)[-1]}": v for layer in network.layers
            for v in layer.weights}

def keras_weights(network, # a `keras.Model`
    ): # layer/name -> array
    "All weights of a Keras network, by the names that `to_pytorch` reads."
    return {name: v.numpy() for name, v in _named(network).items()}

def assign_keras(network, # a `keras.Model`, changed in place
                 weights, # from `to_tensorflow`
    ): # the network
    "Give a Keras network these weights. `CourseError` if they are those of another network."
    mine = _named(network)
    wrong = (sorted(mine.keys() ^ weights.keys())
             or [n for n, v in mine.items() if tuple(v.shape) != weights[n].shape])
    if wrong:
        raise CourseError(f"these are the weights of another network: {wrong[0]} does not fit; "
                          "build both with the same "
                          "latent_dim, width, upsample and d_norm")
    for name, v in mine.items(): v.assign(weights[name])
    return network


# %% [markdown]
# Both [recipes](../about/glossary.ipynb#gl-recipe), both ways of [upsampling](../about/glossary.ipynb#gl-upsampling), both directions:

# %%
small = dict(width=8, batch_size=16)
CONFIGS = {"modern": CONFIG.replace(**small),
           "modern, resize": CONFIG.replace(upsample="resize", **small),
           "dcgan": CONFIG.replace(recipe="dcgan", **small)}

def pair(config, seed=0):
    "The networks of both tracks, with PyTorch's initial weights in both."
    torch.manual_seed(seed)
    ours = torch_model.build_networks(config)
    theirs = (keras_model.Generator(config.latent_dim, config.width, config.upsample),
              keras_model.Discriminator(config.width * config.d_widening, config.d_norm))
    for a, b in zip(ours, theirs): assign_keras(b, to_tensorflow(a.state_dict()))
    return ours, theirs

for name, config in CONFIGS.items():
    for a, b in zip(*pair(config)):
        back = to_pytorch(keras_weights(b))
        state = {k: v for k, v in a.state_dict().items() if "num_batches" not in k}
        assert back.keys() == state.keys() and all((back[k] == v.numpy()).all()
                                                   for k, v in state.items())
print("there and back again: the same names, shapes and bits")


# %% [markdown]
# ## The same images, the same logits
#
# Images are `[N, C, H, W]` there and `[N, H, W, C]` here. How near should the two come? Both add up the same
# products in another order, so they differ by roundings of float32, some $10^{-7}$ of the larger numbers.

# %%
def nhwc(x): return np.ascontiguousarray(x.detach().numpy().transpose(0, 2, 3, 1))
def nchw(x): return torch.from_numpy(np.ascontiguousarray(np.asarray(x).transpose(0, 3, 1, 2)))

def gap(a, b):
    "Largest difference, relative to the largest number."
    a, b = (np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, np.float64)
            for x in (a, b))
    return np.abs(a - b).max() / np.abs(a).max()

x = garments(64)[0].astype(np.float32) / 127.5 - 1
for name, config in CONFIGS.items():
    (G, D), (G2, D2) = pair(config)
    z = torch.randn(64, config.latent_dim)
    for mode in (True, False):
        for network in (G, D): network.train(mode)
        images, logits = (gap(nhwc(G(z)), G2(z.numpy(), training=mode)),
                          gap(D(nchw(x)), D2(x, training=mode)))
        print(f"{name:<15} training={mode!s:<6} G(z) {images:.0e}  D(x) {logits:.0e}")
        assert images < 1e-5 and logits < 1e-5

# %% [markdown]
# Alike to the last digits. That is not how it was at first. What follows are the reasons, each with the cell that shows
# what happens without it.
#
# ## 1. The order of axes
#
# Where an image becomes a vector, the order of axes decides which weight meets which pixel. `Flatten` takes
# rows, columns, channels here and channels, rows, columns there. The shapes are the same, so nothing complains:

# %%
(_, D), (_, D2) = pair(CONFIGS["modern"])
hidden = D.hidden(nchw(x)) # [64, 128, 4, 4]
as_pytorch_flattens = D.to_logit(hidden.flatten(1)).squeeze(1)
print("flattened as C, H, W: the logits differ by "
      f"{gap(D2(x), as_pytorch_flattens):.0%} of the largest")
assert gap(D2(x), as_pytorch_flattens) > 0.1

# %% [markdown]
# A network trained from scratch does not care, one that is carried over does. Both tracks flatten as rows, columns, channels.
#
# ## 2. Where the padding goes
#
# PyTorch's `padding=1` adds a row on each side. Keras's `padding="same"` adds what is needed so that the output is the
# input divided by the stride, and if that is an odd number, the extra row goes *below*. Kernel 3, stride 2, on an even size:

# %%
for kernel, size in ((4, 28), (4, 14), (3, 7), (3, 14)):
    conv = nn.Conv2d(1, 1, kernel, stride=2, padding=1, bias=False)
    same = keras.layers.Conv2D(1, kernel, strides=2, padding="same", use_bias=False)
    image = np.random.default_rng(0).standard_normal((1, size, size, 1), dtype=np.float32)
    same.build(image.shape)
    same.kernel.assign(conv.weight.detach().numpy().transpose(AXES[4]))
    a, b = nhwc(conv(nchw(image))), same(image)
    agree = a.shape == tuple(b.shape) and gap(a, b) < 1e-5
    print(f"kernel {kernel}, {size} x {size} -> {a.shape[1]} x {a.shape[1]}: "
          f"{'the same' if agree else 'another result'}")
    assert agree == ((kernel, size) != (3, 14))

# %% [markdown]
# The first three are our layers; the fourth would be off by a pixel in the second layer already. With transposed convolutions it
# is the same story: kernel 4, stride 2 agrees with `padding=1`, kernel 3 needs PyTorch's `output_padding` and then differs by a
# pixel. One more thing that people expect to differ does not: neither framework flips the kernel.

# %%
up = nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1, bias=False)
same = keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same", use_bias=False)
picture = np.random.default_rng(0).standard_normal((2, 7, 7, 3), dtype=np.float32)
same.build(picture.shape)
same.kernel.assign(up.weight.detach().numpy().transpose(AXES[4]))
print(f"transposed: {gap(nhwc(up(nchw(picture))), same(picture)):.0e}")
assert gap(nhwc(up(nchw(picture))), same(picture)) < 1e-5


# %% [markdown]
# ## 3. BatchNorm
#
# Three differences in one layer. `momentum` is the weight of the new [batch](../about/glossary.ipynb#gl-batch) in PyTorch (0.1) and of the old average in Keras
# (0.99): with the same number on both sides, one of them forgets everything in each step. ε is 10⁻⁵ and 10⁻³. And the
# variance that goes into the running average is divided by $n-1$ there and by $n$ here.

# %%
def statistics_after(steps, **keras_defaults):
    "Running variance of both after some batches of deviation 0.02, as in a first layer."
    ours, theirs = nn.BatchNorm2d(4), keras.layers.BatchNormalization(**keras_defaults)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        batch = rng.normal(0, 0.02, (8, 4, 4, 4)).astype(np.float32)
        a, b = nhwc(ours(nchw(batch))), theirs(batch, training=True)
    return ours.running_var.numpy(), theirs.moving_variance.numpy(), gap(a, b)

for how, kwargs in {"Keras's defaults": {}, "aligned": dict(momentum=0.9, epsilon=1e-5)}.items():
    a, b, output = statistics_after(30, **kwargs)
    print(f"{how:<17} running variance {a.mean():.4f} and {b.mean():.4f}; the output "
          f"differs by {output:.1%}")

# %% [markdown]
# With Keras's defaults the output of a layer with small activations is about half of what it should be, as ε = 10⁻³ is more than
# the variance itself, and the running variance still remembers its initial 1. What is left when both are
# aligned is $n-1$:

# %%
a, b, _ = statistics_after(1, momentum=0.9, epsilon=1e-5)
n = 8 * 4 * 4
np.testing.assert_allclose((a - 0.9) * (n - 1) / n, b - 0.9, rtol=1e-3)
print(f"one batch of {n} numbers a channel: the new part of the variance differs by "
      f"{((a - 0.9) / (b - 0.9)).mean() - 1:.4f}")

# %% [markdown]
# $1/127$ here; $1/3135$ in the [generator's](../about/glossary.ipynb#gl-generator) first layer at batch 64. We leave it: it is one part in three thousand of a
# statistic, and only in sampling.
#
# ## 4. Activations
#
# `LeakyReLU` lets 0.01 of a negative number through in PyTorch, and 0.3 in Keras. The paper has 0.2. Here nobody can leave it at
# the default.

# %%
one = np.float32([-1.0])
print("PyTorch", nn.LeakyReLU()(torch.from_numpy(one)).item(), "Keras",
      float(keras.layers.LeakyReLU()(one)[0]))
assert [type(m).__name__ for m in D.hidden].count("LeakyReLU") == 3
assert all(m.negative_slope == 0.2 for m in D.hidden if isinstance(m, nn.LeakyReLU))
assert all(l.negative_slope == np.float32(0.2)
           for l in D2.layers if isinstance(l, keras.layers.LeakyReLU))

# %% [markdown]
# ## 5. Initial weights
#
# The deviation of a layer's weights as each framework makes them, and as [DCGAN](../about/glossary.ipynb#gl-dcgan) wants them. **Predict:** in which
# framework would a GAN without an initialiser of its own start farther from the paper?

# %%
for layer, theirs, shape in [
        (nn.Linear(64, 6272), keras.layers.Dense(6272), (1, 64)),
        (nn.ConvTranspose2d(128, 64, 4), keras.layers.Conv2DTranspose(64, 4), (1, 7, 7, 128)),
        (nn.Conv2d(32, 64, 4), keras.layers.Conv2D(64, 4), (1, 14, 14, 32))]:
    theirs.build(shape)
    print(f"{type(theirs).__name__:<16} PyTorch {layer.weight.std():.3f}, Keras "
          f"{np.std(theirs.kernel):.3f}, DCGAN 0.020")


# %% [markdown]
# Both tracks draw from $N(0, 0.02^2)$, and check that it happened.
#
# ## 6. Adam
#
# The same formula in two orders. With $\hat m, \hat v$ the moments corrected for their start at zero, PyTorch divides by
# $\sqrt{\hat v} + \epsilon$. Keras pulls the correction out and divides by $\sqrt{v} + \epsilon$, the form at the end of
# section 2 of the paper. As $\sqrt{\hat v} = \sqrt{v}/\sqrt{1-\beta_2^t}$, Keras's ε acts as if it were larger by
# $1/\sqrt{1-\beta_2^t}$: ten times in the first step with β₂ = 0.99, hardly at all after some hundred. And the defaults are
# 10⁻⁸ there and 10⁻⁷ here. It matters for gradients that are not large against ε. How long is the first step, in [learning
# rates](../about/glossary.ipynb#gl-learning-rate)?

# %%
def adam_step(size, here, there):
    "The first step of both for a gradient of this size, in units of the learning rate."
    weight = nn.Parameter(torch.zeros(1))
    weight.grad = torch.full((1,), size)
    torch.optim.Adam([weight], 1.0, betas=(0.0, 0.99), eps=here).step()
    other = keras.Variable(np.zeros(1, np.float32))
    there.apply([tf.constant([size])], [other])
    return f"{-weight.item():>8.3f} {-float(other[0]):>6.3f}"

def of_keras(epsilon): return keras.optimizers.Adam(1.0, 0.0, 0.99, epsilon=epsilon)

print(f"{'gradient':>9}  {'defaults':>15}  {'both 1e-8':>15}  {'ours':>15}")
for size in (1e-3, 1e-5, 1e-7):
    print(f"{size:>9.0e}  " + "  ".join(adam_step(size, 1e-8, there) for there in (
        of_keras(1e-7), of_keras(1e-8), KerasAdam(1.0, 0.0, 0.99, 1e-8))))

# %% [markdown]
# The last row is not exotic. Initial weights of 0.02 make a [discriminator](../about/glossary.ipynb#gl-discriminator) that is nearly flat. How many gradients of the
# generator's first layer are that small in the first step?

# %%
(G, D), _ = pair(CONFIG)
torch_engine.generator_loss(D(G(torch.randn(64, CONFIG.latent_dim))),
                            D(nchw(x)).detach()).backward()
tiny = [(G.project.weight.grad.abs() < size).float().mean().item() for size in (1e-7, 1e-6, 1e-5)]
print("below 1e-7 {:.1%}, below 1e-6 {:.0%}, below 1e-5 {:.0%}".format(*tiny))

# %% [markdown]
# So the first steps depend on ε, and on where it stands. The TensorFlow track has an [Adam](../about/glossary.ipynb#gl-adam) of its own, ten lines in
# [Training](train.ipynb), with ε where algorithm 1 has it. (RMSprop adds ε under the root in Keras; there its equal is the
# square, $10^{-16}$.)
#
# ## 7. Losses
#
# Binary [cross-entropy](../about/glossary.ipynb#gl-cross-entropy) on [logits](../about/glossary.ipynb#gl-logit) is the same in both. [Label smoothing](../about/glossary.ipynb#gl-label-smoothing) is not: PyTorch has none for two classes, and Keras's moves both ends to
# the middle, half the way each (see [the engine](engine.ipynb)). And the [relativistic](../about/glossary.ipynb#gl-relativistic) loss and the penalties?

# %%
ours, theirs = torch_engine, keras_engine
rng = np.random.default_rng(0)
a_real, a_fake = (rng.normal(0, 3, 64).astype(np.float32) for _ in range(2))
worst = 0.0
for loss in ("relativistic", "non_saturating", "minimax"):
    for smoothing in (0.0, 0.1):
        a = ours.discriminator_loss(torch.from_numpy(a_real), torch.from_numpy(a_fake), loss,
                                    smoothing)
        worst = max(worst, gap(a, theirs.discriminator_loss(a_real, a_fake, loss, smoothing)))
    a = ours.generator_loss(torch.from_numpy(a_fake), torch.from_numpy(a_real), loss)
    worst = max(worst, gap(a, theirs.generator_loss(a_fake, a_real, loss)))
(_, D), (_, D2) = pair(CONFIGS["modern"])
slopes = gap(ours.squared_gradient_norm(D, nchw(x)),
             theirs.squared_gradient_norm(D2, tf.constant(x)))
print(f"losses {worst:.0e}, squared gradient norms {slopes:.0e}")
assert worst < 1e-6 and slopes < 1e-4


# %% [markdown]
# ## One step, twenty steps
#
# Now everything at once, with the very classes that train: both networks, both losses, the penalties, both optimisers, from the
# same weights, with the same latents and images. All that is changed is where the latents come from.

# %%
class TorchStep(torch_engine.GANStep):
    def latents(self): return torch.from_numpy(next(self.given))

class KerasStep(keras_engine.GANStep):
    def latents(self, seed): return tf.constant(next(self.given))

class Batches:
    "The images of both, picked by number."
    def pick(self, index, seed, share): return tf.gather(images, index)

images = garments(640)[0].astype(np.float32) / 127.5 - 1

def both(config, sgd=None): # or a learning rate
    """The step of each track, from the same weights, with the recipe's optimisers or plain gradient
    descent."""
    (G, D), (G2, D2) = pair(config)
    rates = config.lr_g, config.lr_d
    if sgd:
        ours = [torch.optim.SGD(network.parameters(), sgd) for network in (G, D)]
        theirs = [keras.optimizers.SGD(sgd) for _ in range(2)]
    else:
        ours = [torch_optimizer(network.parameters(), lr, config)
                for network, lr in zip((G, D), rates)]
        theirs = [keras_optimizer(lr, config) for lr in rates]
    for opt in theirs: note_gradients(opt)
    return TorchStep(G, D, *ours, config), KerasStep(G2, D2, *theirs, config, Batches())

def note_gradients(opt):
    """Let a Keras optimiser remember what it was last given. PyTorch's parameters do that by
    themselves."""
    apply = opt.apply
    def noting(gradients, variables):
        opt.noted = {v.path: g.numpy() for g, v in zip(gradients, variables)}
        apply(gradients, variables)
    opt.apply = noting

def take(steps, n, seed=1):
    "Both take the same n steps; yields the losses of both after each."
    rng = np.random.default_rng(seed)
    c = steps[0].config
    for i in range(n):
        z = rng.standard_normal((c.batch_size, c.latent_dim), dtype=np.float32)
        index = rng.integers(0, len(images), c.batch_size).astype(np.int32)
        for step in steps: step.given = iter([z])
        penalise = c.r1 > 0 and i % c.penalty_every == 0
        steps[0].meter.reset()
        steps[0]([nchw(images[index])], penalise)
        here = steps[0].meter.means()
        there = dict(zip(keras_engine.MEASURED,
                         steps[1](tf.constant([index]), i, penalise).numpy()))
        yield here, there

def weights(step):
    "All that a step changes, in Keras's names, as one dictionary of arrays."
    if isinstance(step, TorchStep):
        parts = [to_tensorflow({k: v.detach() for k, v in network.state_dict().items()})
                 for network in (step.G, step.D)]
    else: parts = [keras_weights(network) for network in (step.G, step.D)]
    return {f"{part}/{name}": np.array(v) for part, arrays in zip("GD", parts)
            for name, v in arrays.items()}


# %% [markdown]
# First the losses and the gradients of one step: of $D$, and then, through the new $D$, of $G$. The steps are plain gradient
# descent, for a reason that we come to. Each gradient is compared with the largest number in it. The networks are narrow, and
# there are five batches, because a ReLU has a kink: if a unit lies so near to 0 that roundings decide on the side, the two
# frameworks go different ways there, and that batch differs by a hundredth where others agree to five digits.

# %%
def gradients(step):
    "Of both networks, in Keras's names."
    if isinstance(step, KerasStep):
        return {f"{part}/{name}": g for part, opt in (("G", step.opt_g), ("D", step.opt_d))
                for name, g in opt.noted.items()}
    found = {}
    for part, network in (("G", step.G), ("D", step.D)):
        # with the statistics, which tell a BatchNorm from a convolution
        state = network.state_dict()
        grads = {k: p.grad for k, p in network.named_parameters()}
        found |= {f"{part}/{name}": g
                  for name, g in to_tensorflow({k: grads.get(k, v)
                                                for k, v in state.items()}).items()
                  if "moving" not in name}
    return found

for name, config in CONFIGS.items():
    worst, losses = [], 0.0
    for seed in range(5): # five batches
        steps = both(config, sgd=0.1)
        (here, there), = take(steps, 1, seed)
        a, b = (gradients(step) for step in steps)
        assert a.keys() == b.keys()
        # D's last bias has none
        worst.append(max(gap(a[k], b[k]) for k in a if np.abs(a[k]).max() > 1e-7))
        losses = max(losses, *(abs(here[k] - there[k]) for k in ("loss_d", "loss_g")))
    print(f"{name:<15} losses differ by {losses:.0e}; the gradient that differs most, by",
          *(f"{w:.0e}" for w in worst))
    assert losses < 1e-5 and np.median(worst) < 1e-4


# %% [markdown]
# Now twenty steps. First plain gradient descent again:

# %%
def distance(steps):
    "The distance of all weights of both networks, relative to their size."
    a, b = (weights(step) for step in steps)
    flat = [np.concatenate([v.ravel() for k, v in w.items() if "moving" not in k]) for w in (a, b)]
    return np.linalg.norm(flat[0] - flat[1]) / np.linalg.norm(flat[0])

def walk(steps, at=(1, 2, 5, 10, 20)):
    """The distance after each of these numbers of steps, and the largest difference of a loss on
    the way."""
    far, losses = {}, 0.0
    for i, (here, there) in enumerate(take(steps, max(at)), 1):
        losses = max(losses, *(abs(here[k] - there[k]) for k in ("loss_d", "loss_g")))
        if i in at: far[i] = distance(steps)
    return far, losses

def show(name, far, losses): # a line of the table
    print(f"{name:<15}", *(f"{i:>2}: {d:.0e} " for i, d in far.items()), f" losses {losses:.0e}")

for name, config in CONFIGS.items():
    far, losses = walk(both(config, sgd=1e-4))
    show(name, far, losses)
    assert far[20] < 1e-4 and losses < 1e-3

# %% [markdown]
# Roundings add up, and nothing else does. Now the recipes' own optimisers. **Predict:** will the weights stay as near
# with Adam?

# %%
aligned = {}
for name, config in CONFIGS.items():
    aligned[name], losses = walk(both(config))
    show(name, aligned[name], losses)
    assert aligned[name][1] < 5e-3


# %% [markdown]
# The first step agrees to a thousandth or better, and then they part, far faster than before. Is there a default left that we have not found? There
# is a way to tell. Adam divides each gradient by its own size, so that a gradient of $10^{-7}$ moves its weight as far as
# one of $10^{-3}$; where roundings decide on a sign, they decide on the direction of a full step. If that is the reason, then
# PyTorch must part as fast *from itself* when its weights are off by as much as the sums of a convolution are, one part in a
# million:

# %%
class Twice(TorchStep):
    "A second PyTorch step in the place of Keras's."
    def __call__(self, index, iteration, penalise):
        self.meter.reset()
        super().__call__([nchw(images[index.numpy()[0]])], penalise)
        means = self.meter.means()
        return torch.tensor([means[name] for name in keras_engine.MEASURED])

def itself(config):
    "PyTorch's step, and the same with weights that are off by one part in a million."
    one, _ = both(config)
    (G, D), _ = pair(config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in [*G.parameters(), *D.parameters()]:
            p.mul_(1 + 1e-6 * torch.randn(p.shape, generator=generator))
    opts = [torch_optimizer(network.parameters(), lr, config)
            for network, lr in ((G, config.lr_g), (D, config.lr_d))]
    return one, Twice(G, D, *opts, config)

for name, config in CONFIGS.items():
    far, losses = walk(itself(config))
    show(name, far, losses)
    assert aligned[name][20] < 3 * far[20], "the frameworks part faster than roundings explain"


# %% [markdown]
# As fast. A GAN under Adam is chaotic in this sense, and no two kinds of processor train the same one. So the claim that
# can be tested is: the same numbers for one step, the same numbers for twenty steps where nothing magnifies roundings, and
# with Adam no more difference than PyTorch has from itself. Compare that with one forgotten default: Keras's own Adam, with
# PyTorch's ε:

# %%
def forgetful(config):
    one, two = both(config)
    opts = [keras.optimizers.Adam(lr, config.beta1, config.beta2, epsilon=1e-8)
            for lr in (config.lr_g, config.lr_d)]
    return one, KerasStep(two.G, two.D, *opts, config, Batches())

for name, config in CONFIGS.items():
    far, losses = walk(forgetful(config), at=(1, 2, 5))
    show(name, far, losses)
    assert far[1] > 2 * aligned[name][1]

# %% [markdown]
# ## Carried over
#
# What is all this good for, besides peace of mind? A generator that was trained in one framework can be used in the other. A
# few steps of training in PyTorch, then the same latents through both:

# %%
import tempfile
from pathlib import Path

from gan_course.pytorch import train as train_in_pytorch
from gan_course.pytorch.inference import load_generator
from gan_course.pytorch.utils import to_images
from gan_course.tensorflow.utils import to_images as keras_to_images

# %%
with tempfile.TemporaryDirectory() as folder:
    config = CONFIG.replace(epochs=1, limit=budget(full=20_000, fast=640),
                            width=budget(full=32, fast=8),
                            progress=False, eval_images=0, out=Path(folder)/"run")
    train_in_pytorch(config, verbose=False)
    G, config, data = load_generator(config.out)
G2 = keras_model.Generator(config.latent_dim, config.width, config.upsample)
assign_keras(G2, to_tensorflow(G.state_dict()))
z = torch.randn(1000, config.latent_dim, generator=torch.Generator().manual_seed(0))
ours, theirs = to_images(G(z)), keras_to_images(G2(z.numpy()))
off = np.abs(ours.astype(int) - theirs)
print(f"{(off > 0).mean():.4%} of the pixels differ, by {off.max()} grey level")
assert off.max() <= 1 and (off > 0).mean() < 0.001

# %%
try:
    assign_keras(keras_model.Generator(config.latent_dim, config.width, "resize"),
                 to_tensorflow(G.state_dict()))
except CourseError as error: print(error)
else: raise AssertionError("weights of another network were accepted")

# %% [markdown]
# ## The same quality?
#
# The last question cannot be answered by a step. Both tracks train the modern recipe as their labs do, in float32, over three [seeds](../about/glossary.ipynb#gl-seed)
# each. The seeds draw other numbers in each framework, so what can be compared is the three as a whole. What the six runs gave stands in the repository,
# with all that [Results](../about/results.ipynb) is made of; where it is not beside this page, they are trained, in an hour or two. Do you expect the
# difference between frameworks to be larger than between seeds?

# %%
from gan_course import figures
from gan_course.runs import RunFolder, provenance_line
from gan_course.tensorflow import CONFIG as KERAS_CONFIG, train as train_in_tensorflow

# %%
common = dict(recipe="modern", epochs=budget(full=10, fast=1), limit=budget(full=None, fast=512),
              width=budget(full=32, fast=8), eval_images=budget(full=5000, fast=500),
              best_by="frechet", precision="fp32", progress=False)
artifacts = budget(full=Path("artifacts"), fast=Path(tempfile.mkdtemp()))

def metrics_of(base, train, name, seed):
    "Of the run in the repository, or of one that is trained."
    kept = Path("../results")/f"{name}_modern_s{seed}"
    if budget(full=kept.is_dir(), fast=False): return RunFolder(kept, create=False).load_metrics()
    return train(base.replace(**common, seed=seed, out=artifacts/kept.name), resume=True,
                 verbose=False)

results = {track: [metrics_of(base, train, track.lower(), seed)
                   for seed in range(budget(full=3, fast=1))]
           for track, base, train in [("PyTorch", CONFIG, train_in_pytorch),
                                      ("TensorFlow", KERAS_CONFIG, train_in_tensorflow)]}
for track, runs in results.items():
    last = [run["history"][-1]["frechet"] for run in runs]
    print(f"{track:<11}", *(f"{d:.2f}" for d in last), f" median {np.median(last):.2f}")

# %%
import matplotlib.pyplot as plt

# %%
#| label: fig-quality
#| fig-cap: "The judge's Fréchet distance of 2,000 samples after equal numbers of images, three seeds of each track; smaller is better."
#| fig-alt: "Six curves that fall from between 12 and 16 after 60 thousand images to between 3.0 and 3.5 after 600 thousand, three solid ones of PyTorch and three dashed ones of TensorFlow. They cross until 480 thousand images; at the end the solid ones lie below."
figures.use_course_style()
fig, ax = plt.subplots(figsize=(6, 3.2))
for (track, runs), colour, line in zip(results.items(), (figures.dark, figures.light), ("-", "--")):
    for i, run in enumerate(runs):
        rows = [row for row in run["history"] if row["frechet"] is not None]
        ax.plot([r["images_seen"] / 1000 for r in rows], [r["frechet"] for r in rows],
                color=colour, ls=line, marker=".", label=track if i == 0 else None)
ax.set(xlabel="thousands of real images seen", ylabel="Fréchet distance (judge)", yscale="log")
ax.legend(); fig.tight_layout()

# %% [markdown]
# At the end PyTorch's three lie below TensorFlow's, 3.0 to 3.1 against 3.4 to 3.5, and so they do with 10,000 samples ([Results](../about/results.ipynb)): 2.6 to 2.7 against 2.9 to 3.0. Before you draw a conclusion: chance
# alone separates three from three as cleanly as that one time in ten (the exact rank test), and six runs can give no smaller number. On the way the curves cross, and two seeds of one framework are farther apart than three tenths.
# So the answer is: if there is a difference, it is a tenth of the distance, and an eighth of what another recipe makes. No step shows where it would come from. Whoever wants to know needs more seeds, not longer runs.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorflow_same_step_twice import check_momentum, check_variance


# %% [markdown]
# ### 1. Momentum
#
# Write `keras_momentum(momentum)`: the `momentum` of a Keras BatchNorm that remembers exactly as long as PyTorch's with
# this one.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def keras_momentum(momentum): return 1 - momentum

check_momentum(keras_momentum)


# %% [markdown]
# ### 2. The other variance
#
# `to_tensorflow` copies the running variance as it is. Write `keras_variance(running_var, batches, n, momentum)`: what
# Keras's BatchNorm would have after the same `batches` batches of `n` numbers a channel, where PyTorch has `running_var`
# with its `momentum`. Both start at 1. Which part of the running variance comes from batches, and which is still the 1?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def keras_variance(running_var, batches, n, momentum):
    initial = (1 - momentum)**batches # what is left of the 1 at the start
    return initial + (running_var - initial) * (n - 1) / n

check_variance(keras_variance)

# %% [markdown]
# ## What to remember
#
# - Same weights, same latents, same images: one step agrees to $10^{-5}$ in the losses and to $10^{-4}$ in the gradients, or
#   there is a default that you have not found.
# - The list: order of axes, side of the padding, BatchNorm's momentum, ε and $n-1$, slope of [LeakyReLU](../about/glossary.ipynb#gl-leakyrelu), initial weights,
#   Adam's ε, label smoothing.
# - Compare gradients with plain gradient descent. Adam makes roundings into steps.
# - When two long runs differ, ask first how much a run differs from itself.
#
# **What goes wrong, and how to see it.**
#
# - *Shapes fit, pictures are noise*: a dense layer after a flattening in the other order; or a square kernel that was not
#   transposed. Compare layer by layer, and look for the first that differs.
# - *Fine in training mode, wrong in [evaluation mode](../about/glossary.ipynb#gl-evaluation-mode)*: the running statistics were not carried over, or ε differs.
# - *The same at first, worse after an hour*: one of the optimiser's constants.
#
# **References.** Kingma and Ba [-@kingma2014adam], *Adam*, algorithm 1, and the end of section 2 for the other order. Ioffe and Szegedy [-@ioffe2015batchnorm], *Batch normalization*, algorithms 1 and 2: the unbiased variance is the paper's. The reference pages of
# [`torch.optim.Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html) and
# [`keras.optimizers.Adam`](https://keras.io/api/optimizers/adam/).
#
# ## Where this came from

# %%
for runs in results.values():
    for metrics in runs: print(provenance_line(metrics["provenance"]))
