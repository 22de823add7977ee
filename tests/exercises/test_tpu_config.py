import gan_course.tpu.config  # first: it chooses Keras's backend

import dataclasses
import math

import pytest

from gan_course.exercises.tpu_config import check_for_devices, check_used
from gan_course.tpu.config import CONFIG


def up(n, tile): return -(-n // tile) * tile
def used_with(up): return lambda rows, inputs, outputs, tile=128: math.prod(n / up(n, tile) for n in (rows, inputs, outputs))


def one_division(rows, inputs, outputs, tile=128):
    return rows * inputs * outputs / (up(rows, tile) * up(inputs, tile) * up(outputs, tile))


@pytest.mark.parametrize("answer", [used_with(up), one_division, used_with(lambda n, tile: tile * math.ceil(n / tile))])
def test_used_accepted(answer, capsys):
    check_used(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda *sides, tile=128: math.prod(sides) / up(math.prod(sides), tile), "by itself"),
    (used_with(lambda n, tile: n // tile * tile), "divides by 0"), (used_with(lambda n, tile: (n // tile + 1) * tile), "need no filling"),
    (used_with(lambda n, tile: max(1, round(n / tile)) * tile), "not to the nearest"),
    (used_with(lambda n, tile: max(n, tile)), "longer than a tile"), (lambda rows, *rest, tile=128: rows / up(rows, tile), "counts one"),
    (lambda *sides, tile=128: 1 / one_division(*sides), "no more than all|a half and three"),
    (lambda *sides, tile=128: one_division(*sides), "the tile is an argument")])
def test_used_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_used(answer)


def answer(rate=math.sqrt, every=lambda n, count: max(1, round(n / count)), batch=lambda n, count: n * count, **more):
    def for_devices(config, count):
        changes = {name: value(getattr(config, name), count) for name, value in more.items()}
        return config.replace(batch_size=batch(config.batch_size, count), learning_rate=config.learning_rate * rate(count),
                              checkpoint_every=every(config.checkpoint_every, count), **changes)
    return for_devices


def in_place(config, count):
    config.batch_size *= count
    return config


def by_dataclasses(config, count):
    return dataclasses.replace(config, batch_size=count * config.batch_size, learning_rate=math.sqrt(count) * config.learning_rate,
                               checkpoint_every=-(-config.checkpoint_every // count))


@pytest.mark.parametrize("right", [answer(), answer(every=lambda n, count: max(1, n // count)), by_dataclasses])
def test_for_devices_accepted(right, capsys):
    check_for_devices(right)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("wrong,hint", [
    (answer(rate=lambda count: count), "the square root"), (answer(rate=lambda count: 1), "less noise"),
    (answer(rate=lambda count: 1 / math.sqrt(count)), "√8 times"), (answer(every=lambda n, count: n), "counted in steps"),
    (answer(every=lambda n, count: n * count), "fewer steps"), (answer(every=lambda n, count: n // count), "its least value"),
    (answer(ema_half_life=lambda n, count: n * count), "counted in images"), (answer(batch=lambda n, count: n), "over all devices"),
    (answer(epochs=lambda n, count: n * count), "epochs: neither"), (answer(cpu_devices=lambda n, count: count), "cpu_devices: neither"),
    (in_place, "cannot be changed"), (lambda config, count: dict(batch_size=1024), "not a Config"),
    (lambda config, count: CONFIG, "over all devices")])
def test_for_devices_rejected(wrong, hint):
    with pytest.raises(AssertionError, match=hint): check_for_devices(wrong)
