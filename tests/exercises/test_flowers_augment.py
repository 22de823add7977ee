import gan_course.flowers.config  # first: it chooses Keras's backend

import numpy as np
import pytest
import tensorflow as tf

from gan_course.exercises.flowers_augment import check_both, check_noise
from gan_course.flowers.augment import uniform

fold = tf.random.experimental.stateless_fold_in


def seeded(real, generated): return lambda x, fake, change, i: (change(x, real(i)), change(fake, generated(i)))


def together(x, fake, change, i): return tf.split(change(tf.concat([x, fake], 0), [i, 0]), 2)


def split_seed(x, fake, change, i):
    a, b = tf.unstack(tf.random.experimental.stateless_split([i, 0], 2))
    return [change(x, a), change(fake, b)]


def through_numpy(x, fake, change, i): return change(x, [i, 0]), change(tf.constant(fake.numpy()), [i, 1])
def random_seed(i): return np.random.randint(0, 2**31, 2)


@pytest.mark.parametrize("answer", [
    seeded(lambda i: [i, 0], lambda i: [i, 1]), seeded(lambda i: (0, 2 * i), lambda i: (0, 2 * i + 1)), together, split_seed,
    seeded(lambda i: tf.constant([0, i], tf.int64), lambda i: tf.constant([1, i], tf.int64)),
    seeded(lambda i: fold([i, 0], 0), lambda i: fold([i, 0], 1))])
def test_both_accepted(answer, capsys):
    check_both(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (seeded(lambda i: [i, 0], lambda i: [i, 0]), "a seed of its own"),
    (seeded(lambda i: [0, 0], lambda i: [0, 1]), "in every iteration"),
    (seeded(lambda i: [i, 0], lambda i: [0, 1]), "the generated images get the same draws in every"),
    (seeded(lambda i: [i, i], lambda i: [i + 1, i + 1]), "get the draws of the"),
    (seeded(lambda i: [i, 0], lambda i: [0, i]), "get the draws"),
    (seeded(lambda i: [i % 2, 0], lambda i: [i % 2, 1]), "get the draws"),
    (seeded(random_seed, random_seed), "when it is run again"),
    (lambda x, fake, change, i: (change(x, [i, 0]), fake), "leaks"),
    (lambda x, fake, change, i: (x, change(fake, [i, 1])), "are unchanged"),
    (lambda x, fake, change, i: (x, fake), "are unchanged"), (through_numpy, "no gradient"),
    (lambda x, fake, change, i: (change(x, [i, 0]), tf.stop_gradient(change(fake, [i, 1]))), "no gradient"),
    (lambda x, fake, change, i: (change(fake, [i, 1]), change(x, [i, 0])), "the wrong way round"),
    (seeded(lambda i: i, lambda i: i + 1), "two integers"), (seeded(lambda i: [i, 0, 0], lambda i: [i, 1, 0]), "two integers"),
    (lambda x, fake, change, i: tf.concat([change(x, [i, 0]), change(fake, [i, 1])], 0), "a pair")])
def test_both_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_both(answer)


def normal(x, seed): return tf.random.stateless_normal(tf.shape(x), fold(seed, 9), alg="philox")
def own(x, seed, most): return uniform(x, seed, 0.0, most, 8)


def noisy(deviation=own, normal=normal, image=lambda x: x):
    return lambda x, seed, most=0.2: image(x) + deviation(x, seed, most) * normal(x, seed)


def by_numpy(x, seed, most=0.2):
    rng = np.random.default_rng(seed)
    return x + (rng.uniform(0, most, (len(x), 1, 1, 1)) * rng.normal(size=x.shape)).astype(np.float32)


def by_split(x, seed, most=0.2):
    a, b = tf.unstack(tf.random.split(seed, 2))
    return x + tf.random.stateless_normal(x.shape, b, stddev=tf.random.stateless_uniform((len(x), 1, 1, 1), a, 0, most))


def same_draws(x, seed, most): return tf.random.stateless_uniform((len(x), 1, 1, 1), seed, 0.0, most, alg="philox")
def clipped(x, seed, most=0.2): return tf.clip_by_value(noisy()(x, seed, most), -1, 1)


@pytest.mark.parametrize("answer", [
    noisy(), by_numpy, by_split, noisy(normal=lambda x, seed: tf.random.stateless_normal(tf.shape(x), seed, alg="philox"))])
def test_noise_accepted(answer, capsys):
    check_noise(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (noisy(lambda x, seed, most: uniform(x[:1], seed, 0.0, most, 8)), "the whole batch has one"),
    (noisy(lambda x, seed, most: most), "always `most`"),
    (noisy(lambda x, seed, most: tf.random.uniform((len(x), 1, 1, 1), 0, most)), "the stateless functions"),
    (noisy(normal=lambda x, seed: tf.random.normal(tf.shape(x))), "the stateless functions"),
    (lambda x, seed, most=0.2: x, "nothing was added"),
    (noisy(lambda x, seed, most: own(x, [0, 0], most), lambda x, seed: normal(x, [0, 0])), "another seed"),
    (noisy(normal=lambda x, seed: normal(x[:1], seed)), "every image got the same noise"),
    (noisy(normal=lambda x, seed: normal(x[:, :1, :1, :1], seed)), "every pixel"),
    (noisy(normal=lambda x, seed: tf.random.stateless_uniform(x.shape, fold(seed, 9), -1, 1)), "not normal"),
    (noisy(lambda x, seed, most: own(x, seed, 0.2)), "with most=0.4"), (noisy(lambda x, seed, most: own(x, seed, 1)), "not evenly"),
    (noisy(lambda x, seed, most: tf.sqrt(own(x, seed, most**2))), "not evenly"),
    (noisy(normal=lambda x, seed: normal(x, seed) + 1), "brighter"),
    (noisy(same_draws, lambda x, seed: tf.random.stateless_normal(tf.shape(x), seed, alg="philox")), "that also make the noise"),
    (lambda x, seed, most=0.2: x * (1 + own(x, seed, most) * normal(x, seed)), "whatever the image is"), (clipped, "clip nothing"),
    (noisy(image=tf.stop_gradient), "it was stopped"), (noisy(image=lambda x: x.numpy()), "it was stopped"),
    (noisy(image=lambda x: tf.stop_gradient(x / 2) + x / 2), "not the one that arrived"),
    (lambda x, seed, most=0.2: noisy()(x, seed)[0], "became")])
def test_noise_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_noise(answer)
