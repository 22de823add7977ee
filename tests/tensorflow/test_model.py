"Shapes, the place of BatchNorm, and an initialisation that cannot be forgotten."
from gan_course.tensorflow.config import CONFIG # first: it chooses Keras's backend

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gan_course.tensorflow.model import (
    Discriminator, Generator, build_networks, check_initialised, count_parameters, upsampling)
from gan_course.tensorflow.utils import stateless_normal

NORMS = layers.BatchNormalization


def noise(*shape, seed=0): return stateless_normal(shape, (seed, 0))


@pytest.mark.parametrize("upsample", ["transpose", "resize"])
@pytest.mark.parametrize("latent_dim,width,channels", [(64, 32, 1), (1, 1, 1), (5, 3, 3)])
def test_generator_shapes(upsample, latent_dim, width, channels):
    G = Generator(latent_dim, width, upsample, channels)
    x = G(noise(4, latent_dim))
    assert x.shape == (4, 28, 28, channels) and x.dtype == tf.float32 and np.abs(x).max() <= 1
    assert upsampling(tf.zeros((2, 5, 6, 3)), 2, upsample, "up").shape == (2, 10, 12, 2)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("width,channels", [(32, 1), (1, 1), (3, 3)])
def test_discriminator_shapes(norm, width, channels):
    logit = Discriminator(width, norm, 0.1, channels)(noise(4, 28, 28, channels))
    assert logit.shape == (4,) and logit.dtype == tf.float32


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(precision):
    "Inside; weights and what comes out are float32."
    G, D = Generator(16, 4, precision=precision), Discriminator(4, "batch", 0.1, precision=precision)
    image = G(noise(4, 16))
    assert image.dtype == D(image).dtype == tf.float32
    for network in (G, D):
        assert all(v.dtype == "float32" for v in network.weights)
        inner = [layer for layer in network.layers[1:-1] if not isinstance(layer, layers.InputLayer)]
        assert {layer.compute_dtype for layer in inner} == {precision.removeprefix("mixed_")}
    plain = Generator(16, 4)
    for a, b in zip(plain.variables, G.variables): a.assign(b)
    error = np.abs(plain(noise(4, 16)) - image).max()
    assert 0 < error < 0.02


def test_the_output_is_not_a_probability():
    D = Discriminator(8)
    D.get_layer("to_logit").kernel.assign(D.get_layer("to_logit").kernel * 100)
    D.get_layer("to_logit").bias.assign([-5])
    assert np.min(D(noise(8, 28, 28, 1))) < 0


@pytest.mark.parametrize("upsample", ["transpose", "resize"])
@pytest.mark.parametrize("sync", [False, True])
def test_batchnorm_in_the_generator(upsample, sync):
    G = Generator(16, 8, upsample, sync_batch_norm=sync)
    norms = [layer for layer in G.layers if isinstance(layer, NORMS)]
    assert [layer.gamma.shape[0] for layer in norms] == [32, 16, 8]
    assert all((layer.momentum, layer.epsilon, layer.synchronized) == (0.9, 1e-5, sync) for layer in norms)
    assert G.layers[-2].use_bias and isinstance(G.layers[-2], layers.Conv2D), "no BatchNorm on the image"
    with_weights = [layer for layer in G.layers if layer.weights]
    for a, b in zip(with_weights, with_weights[1:]):
        if isinstance(b, NORMS): assert not a.use_bias, "a bias that BatchNorm takes away"


def test_batchnorm_in_the_discriminator():
    D = Discriminator(8, "batch", sync_batch_norm=True)
    norms = [layer for layer in D.layers if isinstance(layer, NORMS)]
    assert [layer.gamma.shape[0] for layer in norms] == [16, 32] and all(layer.synchronized for layer in norms), "none after the first"
    assert [layer.use_bias for layer in D.layers if isinstance(layer, layers.Conv2D)] == [True, False, False]
    plain = Discriminator(8)
    assert not any(isinstance(layer, NORMS) for layer in plain.layers)
    assert all(layer.use_bias for layer in plain.layers if isinstance(layer, layers.Conv2D))


def test_in_inference_an_image_does_not_depend_on_the_others():
    G, z = Generator(16, 8), noise(8, 16)
    alone = {mode: np.abs(G(z[:4], training=mode)[:1] - G(z, training=mode)[:1]).max() for mode in (True, False)}
    assert alone[True] > 1e-3 and alone[False] < 1e-5


def test_dropout_is_there_when_asked_for():
    D, x = Discriminator(8, dropout=0.3), noise(4, 28, 28, 1)
    drops = [layer for layer in D.layers if isinstance(layer, layers.Dropout)]
    assert [layer.rate for layer in drops] == [0.3] * 3
    assert len({layer.seed for layer in drops}) == 3, "not the same mask in every layer"
    assert (D(x, training=True) != D(x, training=True)).numpy().all() and (D(x) == D(x)).numpy().all()
    assert not any(isinstance(layer, layers.Dropout) for layer in Discriminator(8).layers)
    Discriminator(8, dropout=0.3, seed=2**63 - 1)


def test_gradients_reach_every_weight():
    G, D = Generator(16, 8, "resize"), Discriminator(8, "batch")
    with tf.GradientTape() as tape: loss = tf.reduce_sum(tf.square(D(G(noise(4, 16), training=True), training=True)))
    for g in tape.gradient(loss, [v.value for v in G.trainable_variables + D.trainable_variables]):
        assert g is not None and np.abs(g).sum() > 0


def test_parameter_counts():
    "The same as in PyTorch."
    assert count_parameters(Generator(64, 32, "resize")) == 64*196*32 + 9*10*32*32 + 14*32 + 9*32 + 1
    frozen = Generator(4, 2)
    frozen.get_layer("project").trainable = False
    assert count_parameters(frozen) == count_parameters(Generator(4, 2)) - 4*196*2


def networks(width=8): return [Generator(16, width, "resize"), Generator(16, width), Discriminator(width, "batch")]


@pytest.mark.parametrize("width", [1, 2, 3, 8, 32])
def test_what_was_initialised_is_accepted(width):
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        for network in networks(width): check_initialised(network)


MISSES = {
    "fresh": lambda w, norm: np.ones_like(w) if norm else np.random.default_rng(0).uniform(-0.5, 0.5, w.shape),
    "mean": lambda w, norm: w + 0.05,
    "wide": lambda w, norm: (w - norm) * 3 + norm,
    "narrow": lambda w, norm: w if norm else w * 0.5, # BatchNorm has too few weights to tell
    "zero": lambda w, norm: np.zeros_like(w),
}


@pytest.mark.parametrize("what", [*MISSES, "bias"])
def test_each_kind_of_miss_is_found_in_every_layer(what):
    keras.utils.set_random_seed(0)
    found = 0
    for network in networks(32):
        for layer in network.layers:
            for v in layer.trainable_variables:
                before, is_bias = v.numpy(), v.name in ("bias", "beta")
                if is_bias != (what == "bias"): continue
                after = before + 0.01 if is_bias else MISSES[what](before, isinstance(layer, NORMS))
                if (after == before).all(): continue
                v.assign(after)
                with pytest.raises(AssertionError, match=layer.name): check_initialised(network)
                v.assign(before)
                found += 1
        check_initialised(network)
    assert found >= 12


@pytest.mark.parametrize("recipe", ["modern", "dcgan"])
def test_build_networks(recipe):
    config = CONFIG.replace(recipe=recipe, width=8)
    keras.utils.set_random_seed(0); G, D = build_networks(config)
    keras.utils.set_random_seed(0); G2, D2 = build_networks(config, "float32", 1)
    for a, b in [(G, G2), (D, D2)]:
        assert all((x.numpy() == y.numpy()).all() for x, y in zip(a.variables, b.variables))
        assert [v.path for v in a.weights] == [v.path for v in b.weights], "names do not count what was made before"
    assert any(isinstance(layer, layers.Conv2DTranspose) for layer in G.layers) == (config.upsample == "transpose")
    assert any(isinstance(layer, NORMS) for layer in D.layers) == (config.d_norm == "batch")
    assert D(G(noise(2, config.latent_dim))).shape == (2,)
    G, D = build_networks(config, channels=3)
    assert D(G(noise(2, config.latent_dim))).shape == (2,)
