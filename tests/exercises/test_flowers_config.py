import gan_course.flowers.config  # first: it chooses Keras's backend

import dataclasses
import math

import numpy as np
import pytest

from gan_course.exercises.flowers_config import check_equal_images, check_first_channels
from gan_course.flowers.config import CONFIG


def channels(half=2, step=lambda n: n * 2, source=lambda config: config, end=lambda projection: projection):
    def first_channels(config):
        c = source(config)
        size, width = c.input_size // half, c.num_filters
        while size > end(c.projection_size): size, width = size // 2, step(width)
        return width
    return first_channels


def halvings(c): return (c.input_size // c.projection_size).bit_length() - 2


@pytest.mark.parametrize("answer", [
    channels(), lambda c: c.num_filters << halvings(c), lambda c: np.int64(c.num_filters * 2 ** halvings(c)),
    lambda c: c.num_filters * c.input_size // 2 // c.projection_size])
def test_first_channels_accepted(answer, capsys):
    check_first_channels(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (channels(half=1), "once too often"), (channels(end=lambda projection: 2 * projection), "once too few"),
    (channels(step=lambda n: n // 2), "double them"), (channels(step=lambda n: n + 48), "once too few|not 48 more"),
    (channels(source=lambda config: CONFIG), "comes from `config`"), (channels(end=lambda projection: 4), "comes from `config`"),
    (lambda c: c.num_filters * (1 + halvings(c)), "once too few|not 48 more"),
    (lambda c: c.num_filters * halvings(c), "not 48 more"),
    (lambda c: c.num_filters, "the last map"),
    (lambda c: c.num_filters * 2 ** math.log2(c.input_size / c.projection_size / 2), "with //"),
    (lambda c: 64, "not 64")])
def test_first_channels_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_first_channels(answer)


def with_epochs(count, **more): # (epochs, images of an epoch before, afterwards, batch size before, afterwards) -> epochs
    def equal_images(config, images, size):
        old = config.batch_size
        epochs = count(config.epochs, images // old * old, images // size * size, old, size)
        return config.replace(batch_size=size, epochs=epochs, **more)
    return equal_images


def up(n, a, b, *rest): return -(-n * a // b)


def by_steps(config, images, batch_size):
    wanted = config.epochs * (images - images % config.batch_size)
    steps = -(-wanted // batch_size)
    return dataclasses.replace(config, batch_size=batch_size, epochs=math.ceil(steps / (images // batch_size)))


def in_place(config, images, batch_size):
    config.batch_size = batch_size
    return config


def rounded_batches(config, images, batch_size):
    def seen(size): return -(-images // size) * size
    return config.replace(batch_size=batch_size, epochs=up(config.epochs, seen(config.batch_size), seen(batch_size)))


@pytest.mark.parametrize("answer", [with_epochs(up), with_epochs(lambda n, a, b, *rest: math.ceil(n * a / b)), by_steps])
def test_equal_images_accepted(answer, capsys):
    check_equal_images(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (with_epochs(lambda n, *rest: n), "full batches"), (rounded_batches, "full batches"),
    (with_epochs(lambda n, a, b, old, new: n * new // old), "equal steps"),
    (with_epochs(lambda n, a, b, old, new: n * old // new), "equal steps"),
    (with_epochs(lambda n, a, b, *rest: n * a // b), "round up"),
    (with_epochs(lambda n, a, b, *rest: round(n * a / b)), "round up"),
    (with_epochs(lambda n, a, b, *rest: n * a // b + 1), "is not rounded"),
    (with_epochs(lambda n, a, b, *rest: up(n, b, a)), "wrong way round"),
    (with_epochs(lambda n, a, b, *rest: n * a / b), "whole numbers"),
    (with_epochs(up, learning_rate=1e-4), "learning_rate: neither"),
    (lambda config, images, size: config.replace(epochs=397), "batches of 32"), (in_place, "cannot be changed"),
    (lambda config, images, size: 397, "not a Config")])
def test_equal_images_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_equal_images(answer)
