import gan_course.flowers.config  # first: it chooses Keras's backend

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_course.exercises.flowers_networks import check_even, check_smoothed, lying_on
from gan_course.flowers.networks import gan_loss


def test_counting_by_hand(): assert lying_on(4, 2) == [2, 2] and lying_on(5, 2) == [3, 2] and lying_on(2, 4) == [1, 1, 0, 0]


@pytest.mark.parametrize("answer", [
    lambda window, stride: window % stride == 0, lambda window, stride: not window % stride, lambda window,
    stride: math.gcd(window, stride) == stride,
    lambda window, stride: np.ptp(lying_on(window, stride)) == 0])
def test_even_accepted(answer, capsys):
    check_even(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda window, stride: window % stride, "the other way round"), (lambda window, stride: window % 2 == 0, "the stride decides"),
    (lambda window, stride: window == stride, "any multiple"), (lambda window, stride: stride % window == 0, "any multiple"),
    (lambda window, stride: window >= stride, "3 and 2 windows"), (lambda window, stride: True, "3 and 2 windows"),
    (lambda window, stride: window % stride == 0 or stride % window == 0, "leave gaps"),
    (lambda window, stride: stride > 1 and window % stride == 0, "windows of 1 with stride 1")])
def test_even_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_even(answer)


def cross_entropy(label, logit): return tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logit), label), logit)
def by_logarithm(label, logit): return -label * tf.math.log(tf.sigmoid(logit)) - (1 - label) * tf.math.log(1 - tf.sigmoid(logit))
def by_softplus(label, logit): return label * tf.nn.softplus(-logit) + (1 - label) * tf.nn.softplus(logit)
def twice_sigmoid(label, logit): return cross_entropy(label, tf.sigmoid(logit))


def labelled(real=lambda p: 1 - p, fake=lambda p: 0.0, loss=cross_entropy, mean=tf.reduce_mean, weight=1):
    return lambda a, b, p: weight * (mean(loss(real(p), a)) + mean(loss(fake(p), b)))


def by_keras(factor, both=False):
    def smoothed(a, b, p):
        def bce(p): return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=p)
        return bce(factor * p)(tf.ones_like(a), a) + bce(factor * p if both else 0)(tf.zeros_like(b), b)
    return smoothed


def by_numpy(a, b, p):
    a, b = a.numpy(), b.numpy()
    return ((1 - p) * np.logaddexp(0, -a) + p * np.logaddexp(0, a)).mean() + np.logaddexp(0, b).mean()


@pytest.mark.parametrize("answer", [
    labelled(), labelled(loss=by_softplus), by_keras(2),
    lambda a, b, p: (1 - p) * gan_loss(a, b)[1] + p * (tf.reduce_mean(tf.nn.softplus(a)) + tf.reduce_mean(tf.nn.softplus(b)))])
def test_smoothed_accepted(answer, capsys):
    check_smoothed(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (labelled(fake=lambda p: p), "one-sided"), (labelled(lambda p: 1.0, lambda p: p), "the other side"),
    (labelled(lambda p: p), "not p"),
    (labelled(lambda p: 1.0), "no effect"), (labelled(lambda p: 1 - p / 2), "label_smoothing"),
    (by_keras(1), "as Keras's label_smoothing"),
    (by_keras(1, both=True), "both sides by p/2"), (labelled(mean=tf.reduce_sum), "take their mean"),
    (labelled(mean=lambda x: x), "one number"),
    (labelled(weight=0.5), "not averaged"), (labelled(loss=by_logarithm), "the logarithm of a sigmoid"),
    (labelled(loss=twice_sigmoid), "one too many"),
    (lambda a, b, p: gan_loss(a, b, p)[1], "flipped by chance"),
    (lambda a, b, p: gan_loss(a, b, p, [1, 2])[1], "flipped by chance|no effect"),
    (lambda a, b, p: tf.reduce_mean(cross_entropy(1 - p, a)), "are missing"), (by_numpy, "no gradient"),
    (lambda a, b, p: (1 - p) * tf.reduce_mean(tf.nn.softplus(-a)) + tf.reduce_mean(tf.nn.softplus(b)), "also belongs p times")])
def test_smoothed_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_smoothed(answer)
