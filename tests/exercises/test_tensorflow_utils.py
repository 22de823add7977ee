import gan_course.tensorflow.config  # first: it chooses Keras's backend

import numpy as np
import pytest
import tensorflow as tf

from gan_course.exercises.tensorflow_utils import check_bytes, check_maximum, check_seed
from gan_course.tensorflow.utils import step_seed


def int64(value): return tf.cast(value, tf.int64)
def seed_of(run, iteration, draw): return tf.stack([tf.constant(run, tf.int64), int64(iteration) * 1024 + draw])


def to_bytes(x): return tf.cast(tf.clip_by_value(tf.round(x * 255), 0, 255), tf.uint8)


class Maximum:
    def __init__(self): self.largest = tf.Variable(-np.inf)
    def add(self, value): self.largest.assign(tf.maximum(self.largest, value))
    def value(self): return float(self.largest)


@pytest.mark.parametrize("check,answer", [
    (check_seed, seed_of), (check_seed, step_seed), (check_bytes, to_bytes), (check_maximum, Maximum),
    (check_bytes, lambda x: tf.saturate_cast(tf.round(x * 255), tf.uint8)),
    (check_bytes, lambda x: to_bytes(x).numpy())])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda run, iteration, draw: tf.stack([tf.constant(run, tf.int64), int64(iteration) + draw]), "a sum forgets"),
    (lambda run, iteration, draw: tf.stack([run + int64(iteration), int64(draw)]), "a number of its own"),
    (lambda run, iteration, draw: tf.stack([tf.constant(run, tf.int64), int64(iteration) * 1000 + draw]), "has the seed of"),
    (lambda run, iteration, draw: tf.stack([int64(0), int64(iteration) * 1024 + draw]), "has the seed of"),
    (lambda run, iteration, draw: tf.stack([run, iteration * 1024 + draw]), "before you multiply"),
    (lambda run, iteration, draw: tf.stack([int64(run), int64(iteration * 1024 + draw)]), "before you multiply|int64"),
    (lambda run, iteration, draw: np.array([run, iteration * 1024 + draw]), "no NumPy"),
    (lambda run, iteration, draw: tf.constant([run, iteration * 1024 + draw], tf.int32), "use int64"),
    (lambda run, iteration, draw: tf.stack([int64(run % 2**31), int64(iteration) * 1024 + draw]), "cut off"),
    (lambda run, iteration, draw: tf.stack([int64(run), (int64(iteration) * 1024 + draw) % 2**32]), "begin again"),
    (lambda run, iteration, draw: tf.stack([run, iteration, draw]), r"\[3\]"),
    (lambda run, iteration, draw: tf.stack([float(run), float(iteration) * 1024 + draw]), "whole numbers"),
    (lambda run, iteration, draw: np.random.randint(0, 2**31, 2), "two seeds")])
def test_seed_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_seed(answer)


@pytest.mark.parametrize("answer,hint", [
    (lambda x: tf.cast(tf.clip_by_value(x, 0, 1) * 255, tf.uint8), "round to the nearest"),
    (lambda x: tf.cast(tf.cast(x * 256, tf.int32), tf.uint8), "multiply by 255"),
    (lambda x: tf.cast(tf.cast(tf.round(x * 255), tf.int32), tf.uint8), "clip before"),
    (lambda x: tf.cast(tf.round((x + 1) * 127.5), tf.uint8), r"from \[-1, 1\]"),
    (lambda x: tf.round(x * 255), "expected uint8"),
    (lambda x: tf.cast(tf.round(x * 255), tf.int32), "expected uint8"),
    (lambda x: 255 - to_bytes(x), "0 became 255")])
def test_bytes_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_bytes(answer)


class InPython(Maximum):
    def __init__(self): self.largest = tf.constant(-np.inf)
    def add(self, value): self.largest = tf.maximum(self.largest, value)


class Compared(Maximum):
    def __init__(self): self.largest = -np.inf
    def add(self, value):
        if value > self.largest: self.largest = value


class Listed(Maximum):
    def __init__(self): self.seen = []
    def add(self, value): self.seen.append(value)
    def value(self): return max(float(v) for v in self.seen)


class Waiting(Maximum):
    def add(self, value): self.largest.assign(max(self.largest.numpy(), value.numpy()))


class FromZero(Maximum):
    def __init__(self): self.largest = tf.Variable(0.0)


class Last(Maximum):
    def add(self, value): self.largest.assign(value)


class New(Maximum):
    def add(self, value): self.largest = tf.Variable(tf.maximum(self.largest, value))


class Shared(Maximum):
    largest = None # made late: nothing should start TensorFlow while tests are collected
    def __init__(self): Shared.largest = Shared.largest or tf.Variable(-np.inf); Shared.largest.assign(-np.inf)


class Mute(Maximum):
    def value(self): pass


class Tensor(Maximum):
    def value(self): return self.largest.read_value()


@pytest.mark.parametrize("answer,hint", [
    (InPython, "in a tf.Variable"), (Compared, "in a tf.Variable"), (Listed, "in a tf.Variable"), (Waiting, "in a tf.Variable"),
    (FromZero, "minus infinity"), (Last, "the last number"), (New, "make it in __init__"), (Shared, "share their number"),
    (Mute, "gives nothing"), (Tensor, "not a float")])
def test_maximum_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_maximum(answer)
