"""The same step in both frameworks: from the same weights, with the same latents and images. The root conftest.py leaves
triton out, whose LLVM and TensorFlow's cannot share a process."""
import numpy as np
import torch

import gan_course.tensorflow.config # first: it chooses Keras's backend

import keras
import tensorflow as tf

from gan_course.convert import assign_keras, keras_weights, to_tensorflow
from gan_course.datasets import garments
from gan_course.pytorch import CONFIG
from gan_course.pytorch import engine as torch_engine, model as torch_model
from gan_course.pytorch.train import make_optimizer as torch_optimizer
from gan_course.tensorflow import engine as keras_engine, model as keras_model
from gan_course.tensorflow.train import make_optimizer as keras_optimizer

IMAGES = garments(320)[0].astype(np.float32)/127.5 - 1 # [N, H, W, C]
SMALL = CONFIG.replace(width=8, batch_size=16)
CONFIGS = {"modern": SMALL, "resize": SMALL.replace(upsample="resize"), "dcgan": SMALL.replace(recipe="dcgan", width=8, batch_size=16),
           "minimax, smoothed": SMALL.replace(recipe="dcgan", width=8, batch_size=16, loss="minimax", label_smoothing=0.1),
           "strong penalties": SMALL.replace(r1=2.0, r2=0.5, penalty_every=4)}


def numbers(x): return np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, np.float64)
def nhwc(x): return np.ascontiguousarray(numbers(x).transpose(0, 2, 3, 1))
def nchw(x): return torch.from_numpy(np.ascontiguousarray(np.asarray(x).transpose(0, 3, 1, 2)))


def gap(a, b):
    "Largest difference, relative to the largest number."
    a, b = numbers(a), numbers(b)
    assert a.shape == b.shape
    return np.abs(a - b).max()/max(np.abs(a).max(), 1e-30)


def pair(config, seed=0, channels=1):
    "Generator and discriminator of both tracks, with PyTorch's initial weights in both."
    torch.manual_seed(seed)
    ours = torch_model.build_networks(config, channels=channels)
    theirs = (keras_model.Generator(config.latent_dim, config.width, config.upsample, channels),
              keras_model.Discriminator(config.width * config.d_widening, config.d_norm, config.dropout, channels))
    for a, b in zip(ours, theirs): assign_keras(b, to_tensorflow(a.state_dict()))
    return ours, theirs


class TorchStep(torch_engine.GANStep):
    def latents(self): return torch.from_numpy(next(self.given))


class KerasStep(keras_engine.GANStep):
    def latents(self, seed): return tf.constant(next(self.given))


class Batches:
    def pick(self, index, seed, share): return tf.gather(IMAGES, index)


def both(config, sgd=None):
    "The step of each track; with the recipe's optimisers, or gradient descent with the rate `sgd`."
    (G, D), (G2, D2) = pair(config)
    rates = config.lr_g, config.lr_d
    if sgd:
        ours = [torch.optim.SGD(network.parameters(), sgd) for network in (G, D)]
        theirs = [keras.optimizers.SGD(sgd) for _ in range(2)]
    else:
        ours = [torch_optimizer(network.parameters(), lr, config) for network, lr in zip((G, D), rates)]
        theirs = [keras_optimizer(lr, config) for lr in rates]
    for opt in theirs: note(opt)
    return TorchStep(G, D, *ours, config), KerasStep(G2, D2, *theirs, config, Batches())


def note(opt):
    "Let a Keras optimiser remember the gradients it was last given."
    apply = opt.apply
    def noting(gradients, variables):
        opt.noted = {v.path: g.numpy() for g, v in zip(gradients, variables)}
        apply(gradients, variables)
    opt.apply = noting


def take(steps, n, seed=1):
    "Both take the same steps; yields what both measured in each."
    rng, c = np.random.default_rng(seed), steps[0].config
    for i in range(n):
        latents = [rng.standard_normal((c.batch_size, c.latent_dim), dtype=np.float32) for _ in range(c.d_steps + c.g_steps - 1)]
        index = rng.integers(0, len(IMAGES), (c.d_steps, c.batch_size)).astype(np.int32)
        for step in steps: step.given = iter(latents)
        penalise = c.r1 > 0 and i % c.penalty_every == 0
        steps[0].meter.reset()
        steps[0]([nchw(IMAGES[row]) for row in index], penalise)
        here = steps[0].meter.means()
        there = dict(zip(keras_engine.MEASURED, steps[1](tf.constant(index), i, penalise).numpy().tolist()))
        if not penalise: here["penalty"] = there["penalty"] = 0.0
        yield here, there


def weights(step):
    "All that a step changes, in Keras's names: of PyTorch's step or of Keras's."
    def of(network): return to_tensorflow(network.state_dict()) if isinstance(step, TorchStep) else keras_weights(network)
    return {f"{part}/{name}": np.array(v, np.float64) for part, network in (("G", step.G), ("D", step.D))
            for name, v in of(network).items()}


def gradients(step):
    "The last gradient of every parameter, in Keras's names."
    if isinstance(step, KerasStep):
        return {f"{part}/{name}": g for part, opt in (("G", step.opt_g), ("D", step.opt_d)) for name, g in opt.noted.items()}
    found = {}
    for part, network in (("G", step.G), ("D", step.D)):
        grads = {name: p.grad for name, p in network.named_parameters()}
        whole = {name: grads.get(name, v) for name, v in network.state_dict().items()} # statistics mark a BatchNorm
        found |= {f"{part}/{name}": g for name, g in to_tensorflow(whole).items() if "moving" not in name}
    return found


def distance(steps):
    "Of all parameters of both networks, relative to their size."
    a, b = (np.concatenate([v.ravel() for k, v in weights(step).items() if "moving" not in k]) for step in steps)
    return np.linalg.norm(a - b)/np.linalg.norm(a)
