import gan_course.tensorflow.config  # first: it chooses Keras's backend

import random

import keras
import pytest
from keras import layers

from gan_course.exercises.tensorflow_model import check_generator32, check_padding, check_parameters
from gan_course.tensorflow.model import Generator, batch_norm, upsampling


def padding(size, kernel, stride, odd_above=0, least=0):
    missing = max((-(-size // stride) - 1) * stride + kernel - size, least)
    return (missing + odd_above) // 2, missing - (missing + odd_above) // 2


def rounded_down(size, kernel, stride):
    missing = max((size // stride - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


def without_size(size, kernel, stride):
    missing = max(kernel - stride, 0)
    return missing // 2, missing - missing // 2


def count(latent_dim, w, kernel=9, norm=2, bias=0, last=1):
    return latent_dim * 196 * w + kernel * 10 * w * w + bias * 3 * w + norm * 7 * w + last * (9 * w + 1)


def make(start=4, doublings=3, norm=batch_norm, end="tanh", how="resize", last=lambda x: x):
    def build(latent_dim, width):
        z, c = keras.Input((latent_dim,)), width * 8
        x = layers.Reshape((start, start, c))(layers.Dense(start * start * c)(z))
        for i in range(doublings):
            x = layers.ReLU()(norm(x, f"norm_{i}"))
            c //= 2
            x = upsampling(x, c, how, f"up_{i}")
        x = last(layers.Conv2D(1, 3, padding="same")(layers.ReLU()(x)))
        return keras.Model(z, layers.Activation(end)(x))
    return build


def dense(latent_dim, width):
    return keras.Sequential([keras.Input((latent_dim,)), layers.Dense(1024, activation="tanh"), layers.Reshape((32, 32, 1))])


def channels_first(latent_dim, width):
    G = make()(latent_dim, width)
    return keras.Model(G.input, layers.Permute((3, 1, 2))(G.output))


def nested(latent_dim, width):
    "A model in a model, as some people build them."
    z = keras.Input((latent_dim,))
    return keras.Model(z, make()(latent_dim, width)(z))


def blind(latent_dim, width):
    G = make()(latent_dim, width)
    return keras.Model(G.input, G(layers.Rescaling(0.0)(G.input)))


@pytest.mark.parametrize("check,answer", [
    (check_padding, padding), (check_parameters, count), (check_generator32, make()),
    (check_generator32, make(how="transpose")), (check_generator32, nested)])
def test_accepted(check, answer, capsys):
    state = random.getstate()
    check(answer)
    assert capsys.readouterr().out.startswith("correct")
    if check is check_generator32: assert random.getstate() == state


@pytest.mark.parametrize("answer,hint", [
    (lambda size, kernel, stride: ((kernel - 1) // 2,) * 2, "as PyTorch's padding=1 does"),
    (lambda *case: padding(*case, odd_above=1), "goes below"),
    (without_size, "the size of the image matters"),
    (lambda *case: padding(*case, least=-99), "nothing is cut off"),
    (lambda *case: (sum(padding(*case)), 0), "one row on either side"),
    (rounded_down, "together it should be"),
])
def test_padding_rejected(answer, hint):
    with pytest.raises(AssertionError) as error: check_padding(answer)
    assert hint in str(error.value)


@pytest.mark.parametrize("answer,hint", [
    (lambda z, w: count(z, w, norm=0), "scale and shift"), (lambda z, w: count(z, w, norm=1), "two numbers"),
    (lambda z, w: count(z, w, norm=4), "moving mean"),
    (lambda z, w: Generator(z, w, "resize").count_params(), "count_params"),
    (lambda z, w: count(z, w, bias=1), "have no bias"), (lambda z, w: count(z, w) + 196 * w, "first layer has no bias"),
    (lambda z, w: count(z, w, kernel=16), "3 by 3"), (lambda z, w: count(z, w, last=0), "is missing"),
    (lambda z, w: count(z, w) - 1, "has a bias"), (lambda z, w: 0, "one by one")])
def test_parameters_rejected(answer, hint):
    with pytest.raises(AssertionError) as error: check_parameters(answer)
    assert hint in str(error.value)


@pytest.mark.parametrize("answer,hint", [
    (make(start=7, doublings=2), "begin with 4 by 4"), (make(doublings=2), "three times"),
    (make(start=8), "doubled three times is 32"),
    (make(end="linear"), "tanh is missing"), (make(end="sigmoid"), "a sigmoid gives"),
    (make(norm=lambda x, name: x), "no BatchNorm"), (dense, "dense layers only"),
    (make(norm=lambda x, name: layers.BatchNormalization()(x)), "trail behind"),
    (make(last=lambda x: batch_norm(x, "norm")), "BatchNorm on the output"),
    (channels_first, "the channel comes last"), (blind, "the same picture"),
    (lambda latent_dim, width: lambda z: z, "not a keras.Model")])
def test_generator32_rejected(answer, hint):
    with pytest.raises(AssertionError) as error: check_generator32(answer)
    assert hint in str(error.value)
