"Random numbers without a state, pixels and meters."
import random

import numpy as np
import pytest
import tensorflow as tf

from gan_course.tensorflow.utils import (
    DRAWS, Meter, make_latents, save_samples, seed_everything, stateless_normal, step_seed, to_images)


def three(): return random.random(), np.random.rand(), float(tf.random.uniform(()))


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**63 - 1])
def test_a_seed_repeats_every_generator(seed):
    seed_everything(seed); first = three()
    three()
    seed_everything(seed); assert three() == first
    seed_everything(seed ^ 1); assert three() != first


def test_no_two_draws_share_a_seed():
    "Draws, iterations and seeds of runs, and the latents of pictures, which count as iteration -1."
    seeds = [tuple(step_seed(seed, iteration, draw).numpy()) for seed in (0, 1, 2**63 - 1) for iteration in (-1, 0, 1, 10**9)
             for draw in (0, 1, DRAWS - 1)]
    assert len(set(seeds)) == len(seeds)
    assert (step_seed(5, tf.constant(7, tf.int64), 3) == step_seed(5, 7, 3)).numpy().all()


def test_stateless_numbers_are_pinned():
    "A run that is resumed years later must draw the same; inside a function too; and nothing else is disturbed."
    seed_everything(0); expected = three()
    seed_everything(0)
    a = stateless_normal((2, 3), step_seed(0, 0, 0))
    b = tf.function(lambda i: stateless_normal((2, 3), step_seed(0, i, 0)))(tf.constant(0, tf.int64))
    assert three() == expected
    assert a.dtype == tf.float32 and (a == b).numpy().all()
    assert a[0].numpy().tolist() == pytest.approx([-1.697034, -0.4813767, -0.6622369], abs=1e-5)
    many = stateless_normal((100_000,), step_seed(1, 2, 3)).numpy()
    assert abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.02


def test_latents_are_pinned():
    z = make_latents(2, 3, seed=0)
    assert z.shape == (2, 3) and z.dtype == tf.float32
    assert z[0].numpy().tolist() == pytest.approx([1.8456899, -0.1811481, 0.2555738], abs=1e-5)
    assert not (z == make_latents(2, 3, seed=1)).numpy().any()
    assert (make_latents(5, 3, 0)[:2] == z).numpy().all(), "fewer are the first of more"


def test_to_images():
    x = tf.reshape(tf.constant([-1.5, -1.0, 0.0, 1.0, 1.5, 0.002]), (1, 2, 3, 1))
    got = to_images(x)
    assert got.dtype == np.uint8 and got.shape == (1, 2, 3, 1)
    assert got.ravel().tolist() == [0, 0, 128, 255, 255, 128]
    assert (to_images(tf.ones((1, 2, 2, 1), tf.bfloat16)) == 255).all()


def test_meter():
    meter = Meter(["a", "b"])
    assert all(np.isnan(v) for v in meter.means().values())
    meter.add(b=tf.constant(4.0), a=tf.constant(2.0)) # in any order
    meter.add(a=tf.constant(4.0, tf.float16))
    assert meter.means() == {"a": 3.0, "b": 4.0}
    meter.add(a=tf.constant(float("nan"))); assert np.isnan(meter.means()["a"]) and meter.means()["b"] == 4.0
    with pytest.raises(KeyError): meter.add(c=tf.constant(1.0))
    meter.reset(); assert np.isnan(meter.means()["b"])


def test_meter_in_a_function_loses_no_digits():
    meter = Meter(["a"])
    @tf.function
    def many():
        for _ in tf.range(20_000): meter.add(a=tf.constant(0.1, tf.float64))
    many()
    assert meter.means()["a"] == pytest.approx(0.1, abs=1e-12)
    assert [v.numpy().tolist() for v in meter.variables] == [[pytest.approx(2000)], [20_000]], "what a checkpoint holds"


def test_save_samples(tmp_path):
    path = save_samples(tf.zeros((4, 8, 8, 1)), tmp_path/"grid.png", "nothing", title="grey")
    assert path.read_bytes().startswith(b"\x89PNG")
