"""One step of both networks, and many in one call: losses and penalties against other ways to compute them, number formats, what
is traced and what waits."""
from gan_course.tensorflow.config import CONFIG # first: it chooses Keras's backend

from contextlib import contextmanager

import keras
import numpy as np
import pytest
import tensorflow as tf
from cli import TRACKS, differences
from tensorflow.python.framework import ops

from gan_course.datasets import load_dataset
from gan_course.tensorflow import engine
from gan_course.tensorflow.data import DeviceBatches
from gan_course.tensorflow.engine import (
    CALL, MEASURED, NEVER, GANStep, Steps, discriminator_loss, discriminator_objective, generator_loss, squared_gradient_norm)
from gan_course.tensorflow.model import Discriminator, build_networks
from gan_course.tensorflow.train import Training
from gan_course.tensorflow.utils import seed_everything, stateless_normal

LOSSES = ("relativistic", "non_saturating", "minimax")
SMALL = CONFIG.replace(**TRACKS["tensorflow"].small)
PLAIN = SMALL.replace(r1=0.0, r2=0.0) # one kind of step: one trace


@pytest.fixture(scope="module")
def clothes(): return load_dataset("garments", limit=320)


def noise(*shape, seed=0): return stateless_normal(shape, (seed, 0))


def sgd(): return keras.optimizers.SGD(1.0)


def scaling(scale): return lambda: keras.optimizers.LossScaleOptimizer(sgd(), initial_scale=float(scale))


def game(clothes, config=PLAIN, optimizer=sgd, policy="float32"):
    "A step whose networks take plain gradient steps of length 1: what moves is the gradient."
    seed_everything(0)
    G, D = build_networks(config, policy)
    return GANStep(G, D, optimizer(), optimizer(), config, DeviceBatches(clothes, config.batch_size))


def index(step, first=0): return tf.constant([step.batches.index(0, first + i) for i in range(step.config.d_steps)])


def numbers(network): return {v.path: v.numpy() for v in network.trainable_variables}


def moved(before, network): return np.concatenate([(v.numpy() - before[v.path]).ravel() for v in network.trainable_variables])


def close(a, b, cosine=0.999, norm=0.03):
    assert a @ b > cosine * np.linalg.norm(a) * np.linalg.norm(b)
    assert np.linalg.norm(a) == pytest.approx(np.linalg.norm(b), rel=norm)


# --- losses ---

def softplus(a): return np.logaddexp(0, np.asarray(a, np.float64))


def test_losses_against_numpy_and_keras():
    a_real, a_fake = noise(64, seed=1) * 3, noise(64, seed=2) * 3
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    x, y = a_real.numpy(), a_fake.numpy()
    expected = dict(relativistic=(softplus(y - x).mean(), softplus(x - y).mean()),
                    non_saturating=(softplus(-x).mean() + softplus(y).mean(), softplus(-y).mean()),
                    minimax=(softplus(-x).mean() + softplus(y).mean(), -softplus(y).mean()))
    theirs = dict(relativistic=(bce(tf.ones(64), a_real - a_fake), bce(tf.ones(64), a_fake - a_real)),
                  non_saturating=(bce(tf.ones(64), a_real) + bce(tf.zeros(64), a_fake), bce(tf.ones(64), a_fake)),
                  minimax=(bce(tf.ones(64), a_real) + bce(tf.zeros(64), a_fake), -bce(tf.zeros(64), a_fake)))
    for loss in LOSSES:
        ours = discriminator_loss(a_real, a_fake, loss), generator_loss(a_fake, a_real, loss)
        np.testing.assert_allclose(ours, expected[loss], rtol=1e-5)
        np.testing.assert_allclose(ours, theirs[loss], rtol=1e-5)
    smooth = discriminator_loss(a_real, a_fake, "non_saturating", 0.1)
    assert float(smooth) == pytest.approx(0.9 * softplus(-x).mean() + 0.1 * softplus(x).mean() + softplus(y).mean(), rel=1e-5)
    assert float(smooth - bce(tf.zeros(64), a_fake)) == pytest.approx(float(bce(tf.fill([64], 0.9), a_real)), rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_extreme_logits(loss):
    "Finite, and so is the slope."
    for a in (-1e4, -100.0, 0.0, 100.0, 1e4):
        real, fake = tf.fill([4], a), tf.fill([4], -a)
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            total = discriminator_loss(real, fake, loss, 0.0) + generator_loss(fake, real, loss)
        assert np.isfinite(total) and all(np.isfinite(g).all() for g in tape.gradient(total, [real, fake]))


# --- penalties ---

def wide(D):
    "With weights of a size that finite differences can see."
    for i, v in enumerate(D.trainable_variables): v.assign(noise(*v.shape, seed=100 + i) / 10)
    return D


def test_squared_gradient_norm_against_finite_differences():
    D, x, h = wide(Discriminator(4)), noise(2, 28, 28, 1), 1e-3
    ours = squared_gradient_norm(D, x).numpy()
    for image, found in zip(x, ours):
        steps = tf.reshape(tf.eye(784) * h, (784, 28, 28, 1))
        slope = (D(image + steps) - D(image - steps)).numpy().astype(np.float64) / (2 * h)
        assert (slope**2).sum() == pytest.approx(found, rel=0.005)


@pytest.mark.parametrize("r1, r2", [(0.7, 0.0), (0.0, 0.7), (0.3, 0.2)])
def test_penalties_and_what_they_teach(r1, r2):
    "The gradient of the gradient: by the weights of the last layer, on which the penalty depends as a square."
    D, config = wide(Discriminator(4)), SMALL.replace(r1=r1, r2=r2, penalty_every=4)
    x, fake, kernel = noise(3, 28, 28, 1, seed=1), noise(3, 28, 28, 1, seed=2), D.get_layer("to_logit").kernel
    at_real, at_fake = (squared_gradient_norm(D, images).numpy().mean() for images in (x, fake))
    with tf.GradientTape() as tape: *_, penalty = discriminator_objective(D, x, fake, config, True)
    slope = tape.gradient(penalty, kernel.value).numpy()
    assert float(penalty) == pytest.approx(r1 / 2 * at_real + r2 / 2 * at_fake, rel=1e-4)
    whole, plain = (discriminator_objective(D, x, fake, config, penalise)[0] for penalise in (True, False))
    assert float(whole - plain) == pytest.approx(4 * float(penalty), rel=1e-3), "lazy: rarer, and as much stronger"
    direction, start = noise(*kernel.shape, seed=3).numpy(), kernel.numpy()
    ends = []
    for h in (1e-2, -1e-2):
        kernel.assign(start + h * direction)
        ends.append(float(discriminator_objective(D, x, fake, config, True)[3]))
    assert (ends[0] - ends[1]) / 2e-2 == pytest.approx((slope * direction).sum(), rel=1e-2), "a square: exact but for rounding"


def test_judged_together_or_apart(clothes):
    "Without BatchNorm one batch of both kinds is the same as two; with it D sees them apart."
    x, fake = noise(4, 28, 28, 1, seed=1), noise(4, 28, 28, 1, seed=2)
    for norm in ("none", "batch"):
        seen = []
        D = Discriminator(4, norm)
        def judge(images):
            seen.append(len(images))
            return D(images, training=True)
        _, a_real, a_fake, _ = discriminator_objective(judge, x, fake, SMALL.replace(d_norm=norm), False)
        np.testing.assert_allclose(a_real, D(x, training=True), atol=1e-6)
        np.testing.assert_allclose(a_fake, D(fake, training=True), atol=1e-6)
        assert seen == ([4, 4] if norm == "batch" else [8])


# --- one step ---

@pytest.mark.parametrize("d_steps, g_steps", [(1, 1), (3, 1), (2, 3)])
def test_steps_of_either_network(clothes, monkeypatch, d_steps, g_steps):
    "How many, each with images and latents of its own."
    draws, images = [], []
    seed, pick = engine.step_seed, DeviceBatches.pick
    def drawing(run, iteration, draw):
        draws.append((int(iteration), draw))
        return seed(run, iteration, draw)
    def picking(self, index, *args):
        images.append(tuple(index.numpy()))
        return pick(self, index, *args)
    monkeypatch.setattr(engine, "step_seed", drawing)
    monkeypatch.setattr(DeviceBatches, "pick", picking)
    step = game(clothes, PLAIN.replace(d_steps=d_steps, g_steps=g_steps, instance_noise=0.1))
    values = step(index(step), 7, deviation=0.1)
    assert values.shape == (len(MEASURED),) and np.isfinite(values).all()
    assert (int(step.opt_d.iterations), int(step.opt_g.iterations)) == (d_steps, g_steps)
    assert len(set(images)) == d_steps and len(set(draws)) == len(draws) and {i for i, _ in draws} == {7}
    assert len(draws) == 4 * d_steps + g_steps - 1 + 2 * g_steps


def test_each_step_moves_one_network(clothes):
    step = game(clothes)
    x, (fake, tape) = step.batches.batch(0, 0), step.fakes((0, 1))
    before = numbers(step.G), numbers(step.D)
    step.discriminator_step(x, fake, False)
    assert not moved(before[0], step.G).any() and moved(before[1], step.D).any()
    now = numbers(step.D)
    step.generator_step(x, fake, tape, 0.0, lambda: (0, 2))
    assert moved(before[0], step.G).any() and not moved(now, step.D).any()


def test_instance_noise(clothes):
    "Of the deviation asked for, other numbers for each draw, and none without it."
    step, x = game(clothes, PLAIN.replace(instance_noise=0.5)), noise(32, 28, 28, 1)
    a, b = (step.noisy(x, 0.3, (0, i)).numpy() - x for i in (1, 2))
    assert np.std(a) == pytest.approx(0.3, rel=0.02) and not np.isclose(a, b).all()
    assert (game(clothes).noisy(x, 0.3, (0, 1)) == x).numpy().all()


def test_the_first_bad_iteration(clothes):
    step = game(clothes)
    good = tf.ones(len(MEASURED))
    bad = {name: tf.where(tf.constant([n == name for n in MEASURED]), np.nan, good) for name in MEASURED}
    step.measure(good, 0, True)
    for name in ("d_real", "penalty"): step.measure(bad[name], 1, False)
    assert int(step.first_bad) == NEVER
    for i, name in ((9, "grad_norm_g"), (5, "loss_d"), (6, "loss_g"), (7, "grad_norm_d")): step.measure(bad[name], i, False)
    assert int(step.first_bad) == 5
    assert step.meter.counts.numpy().tolist() == [7.0] * 7 + [1.0], "penalties are counted where there are any"
    scaled = game(clothes, optimizer=scaling(4))
    scaled.measure(bad["grad_norm_g"], 3, False)
    assert int(scaled.first_bad) == NEVER, "an overflow, which the optimiser deals with"
    scaled.measure(bad["loss_g"], 4, False)
    assert int(scaled.first_bad) == 4


# --- number formats ---

@pytest.mark.parametrize("policy, cosine, norm", [("float32", 0.99999, 1e-4), ("mixed_float16", 0.99, 0.05)])
def test_loss_scaling_reaches_both_optimisers(clothes, policy, cosine, norm):
    "Both see gradients 4096 times as large, and take the step that float32 takes."
    plain, scaled = game(clothes), game(clothes, optimizer=scaling(4096), policy=policy)
    seen, apply = [], keras.optimizers.LossScaleOptimizer.apply
    def applying(self, grads, variables):
        seen.append(float(tf.linalg.global_norm(grads)))
        return apply(self, grads, variables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.optimizers.LossScaleOptimizer, "apply", applying)
        before = [numbers(scaled.D), numbers(scaled.G)]
        values = scaled(index(scaled), 0)
    norms = dict(zip(MEASURED, plain(index(plain), 0).numpy()))
    assert seen == pytest.approx([4096 * norms["grad_norm_d"], 4096 * norms["grad_norm_g"]], rel=norm)
    got = dict(zip(MEASURED, values.numpy()))
    for name in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g"): assert got[name] == pytest.approx(norms[name], rel=norm)
    for was, a, b in zip(before, (scaled.D, scaled.G), (plain.D, plain.G)): close(moved(was, a), moved(was, b), cosine, norm)


def test_float16_in_training(clothes):
    """Through `Training` and the fused function: each network has a scale of its own. If its gradient overflows, its step is skipped and
    its scale halved; the other network's is taken; nobody calls it a non-finite loss; and the scale is in the checkpoint."""
    seed_everything(0)
    t = Training(PLAIN, clothes, "mixed_float16")
    opts = dict(opt_d=t.opt_d, opt_g=t.opt_g)
    assert all(isinstance(opt, keras.optimizers.LossScaleOptimizer) for opt in opts.values()) and t.opt_d is not t.opt_g
    t.advance(t.batches, 2, never)
    assert all(float(opt.dynamic_scale) == 2**15 and int(opt.inner_optimizer.iterations) == 2 for opt in opts.values())
    for name, other, network in (("opt_d", "opt_g", t.D), ("opt_g", "opt_d", t.G)):
        opts[name].dynamic_scale.assign(2.0**100)
        before, steps = {n: numbers(n) for n in (t.G, t.D)}, {n: int(opt.inner_optimizer.iterations) for n, opt in opts.items()}
        t.advance(t.batches, 3, never)
        assert float(opts[name].dynamic_scale) == 2.0**97 and float(opts[other].dynamic_scale) == 2**15
        assert int(opts[name].inner_optimizer.iterations) == steps[name]
        assert int(opts[other].inner_optimizer.iterations) == steps[other] + 3
        assert not moved(before[network], network).any()
        assert moved(before[t.G if network is t.D else t.D], t.G if network is t.D else t.D).any()
        saved = t.state_dict()["variables"]
        assert 2.0**97 in [v for key, v in saved.items() if key.startswith(name) and v.shape == ()]
        opts[name].dynamic_scale.assign(2.0**15)
    assert t.first_bad() is None and t.run_steps.traces() == 1
    assert all(np.isfinite(v.numpy()).all() for v in t.G.variables + t.D.variables)
    t.D.get_layer("to_logit").bias.assign([np.inf])
    t.advance(t.batches, 2, never)
    assert t.first_bad() == 8, "a loss that is really none is still one"


def test_bfloat16_in_training(clothes):
    seed_everything(0)
    t = Training(SMALL, clothes, "mixed_bfloat16")
    before = numbers(t.G), numbers(t.D)
    t.advance(t.batches, 5, never)
    assert t.first_bad() is None and all(np.isfinite(v) for v in t.means().values())
    assert moved(before[0], t.G).any() and moved(before[1], t.D).any()
    assert {v.dtype for v in t.G.weights + t.D.weights} == {"float32"}


# --- many steps in one call ---

def never(): return False


def made(clothes, config=SMALL, **how):
    seed_everything(config.seed, deterministic=True)
    return Training(config, clothes, **how)


def through(t, chunks):
    "Take so many iterations at a time, over the ends of epochs, with all that happens in between."
    for n in chunks:
        t.advance(t.batches, min(n, 10 - t.step_in_epoch), never)
        t.state_dict(), t.first_bad(), t.means(), t.learning_rates()
        if t.step_in_epoch == 10:
            t.epoch, t.step_in_epoch = t.epoch + 1, 0
            t.draw(4, 1)
            t.reset_means()
    return t


@contextmanager
def no_waiting(monkeypatch):
    "Inside, reading any number from the device raises."
    def wait(self): raise AssertionError("somebody waits for the device")
    with monkeypatch.context() as patch:
        patch.setattr(ops._EagerTensorBase, "_numpy", wait)
        yield


@pytest.mark.parametrize("changes, kinds", [(dict(lr_decay="cosine", instance_noise=0.1), 2), (dict(r1=0.0, r2=0.0, dropout=0.2), 1)], ids=str)
def test_no_retracing_and_no_waiting(clothes, monkeypatch, changes, kinds):
    """Over a run in odd pieces, every kind of step is traced once; Python's step function is not called again, however many iterations
    there are; and nothing is read from the device between pieces' beginning and end."""
    calls, call = [], GANStep.__call__
    monkeypatch.setattr(GANStep, "__call__", lambda self, *args, **kwargs: calls.append(1) or call(self, *args, **kwargs))
    t = made(clothes, SMALL.replace(penalty_every=8, epochs=8, **changes))
    through(t, (1, 3, 7, 2, 5, 1, 1)) # 18 iterations: both kinds were met
    assert t.run_steps.traces() == kinds
    traced = len(calls)
    assert kinds <= traced <= 2 * kinds
    through(t, (4, 8, 1, 10, 9, 3, 3, 10))
    assert t.run_steps.traces() == kinds and len(calls) == traced and t.steps == 50
    assert int(t.opt_d.iterations) == int(t.opt_g.iterations) == t.steps
    saved = t.state_dict()
    t.load_state_dict(saved)
    with no_waiting(monkeypatch):
        for n in (1, 2, 3): t.advance(t.batches, n, never)
        with pytest.raises(AssertionError, match="waits"): t.first_bad()
        with pytest.raises(AssertionError, match="waits"): float(t.opt_d.learning_rate)
    assert t.run_steps.traces() == kinds and len(calls) == traced, "not after loading a state either"


class NoAverage:
    def update(self, network, keep): pass


def test_fused_equals_single_steps(clothes):
    "A call of five, one of one and one of three, against nine calls of the step by hand. Learning rates change from step to step."
    config = SMALL.replace(instance_noise=0.1, flip=0.5, penalty_every=3)
    fused, single = Steps(game(clothes, config), NoAverage()), game(clothes, config)
    rates, deviations, first = [0.01 * (i + 1) for i in range(9)], [0.1 - 0.01 * i for i in range(9)], 0
    for n in (1, 2, 1, 2, 1, 2):
        at = slice(first, first + n)
        fused([[single.batches.index(0, i)] for i in range(9)[at]], first, n == 1, deviations=deviations[at], keeps=[0] * n,
              lr_g=rates[at], lr_d=rates[at])
        first += n
    for i in range(9):
        for opt in (single.opt_g, single.opt_d): opt.learning_rate.assign(rates[i])
        single.measure(single(index(single, i), i, i % 3 == 0, deviations[i]), i, i % 3 == 0)
    for a, b in zip(fused.step.G.variables + fused.step.D.variables, single.G.variables + single.D.variables):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-5, err_msg=a.path)
    for name, value in single.meter.means().items(): assert fused.step.meter.means()[name] == pytest.approx(value, rel=1e-3)
    assert fused.traces() == 2 and CALL >= 9


def test_pieces_make_no_difference(clothes):
    "Bit for bit, however the iterations are divided into calls."
    one, other = (through(made(clothes, PLAIN), pieces).state_dict()["variables"] for pieces in ((10, 5), (1, 4, 2, 3, 3, 2)))
    assert differences(one, other) == []


def test_xla(clothes, monkeypatch):
    "Compiled, three steps compute nearly the same from the same latents. XLA draws others, from the same seeds too."
    config = PLAIN.replace(width=1, batch_size=4, latent_dim=2)
    monkeypatch.setattr(GANStep, "latents", lambda self, seed: noise(4, 2))
    both = [Steps(game(clothes, config), NoAverage(), xla=xla) for xla in (False, True)]
    before = numbers(both[0].step.G), numbers(both[0].step.D)
    for steps in both:
        steps([[steps.step.batches.index(0, i)] for i in range(3)], 0, deviations=[0] * 3, keeps=[0] * 3, lr_g=[1] * 3, lr_d=[1] * 3)
        assert steps.traces() == 1 and int(steps.step.first_bad) == NEVER
    (a, b), (c, d) = ((moved(before[0], s.step.G), moved(before[1], s.step.D)) for s in both)
    close(a, c), close(b, d)
    for name, value in both[0].step.meter.means().items(): assert both[1].step.meter.means()[name] == pytest.approx(value, rel=1e-2, nan_ok=True)
