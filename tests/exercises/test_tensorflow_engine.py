import gan_course.tensorflow.config  # first: it chooses Keras's backend

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_course.exercises.tensorflow_engine import check_mixing, check_r1, check_run, check_smoothing

up = tf.math.softplus


def square(slope): return tf.reduce_sum(slope**2, [1, 2, 3])
def length(slope): return tf.sqrt(square(slope))


def r1(norm=square, watch=True, total=tf.reduce_sum, over=tf.reduce_mean, factor=0.5):
    def penalty(D, x, gamma):
        with tf.GradientTape() as tape:
            if watch: tape.watch(x)
            logits = total(D(x))
        return factor * gamma * over(norm(tape.gradient(logits, x)))
    return penalty


def left_too_early(D, x, gamma):
    with tf.GradientTape() as tape: tape.watch(x)
    return gamma / 2 * tf.reduce_mean(square(tape.gradient(D(x), x)))


def label(a, p): return tf.reduce_mean(p * up(-a) + (1 - p) * up(a))
def smoothed(a_real, a_fake, s): return label(a_real, 1 - s) + label(a_fake, 0)


def by_keras(a_real, a_fake, s):
    bce = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=s)
    return bce(tf.ones_like(a_real), a_real) + bce(tf.zeros_like(a_fake), a_fake)


def from_probabilities(a_real, a_fake, s):
    bce = keras.losses.BinaryCrossentropy()
    return bce((1 - s) * tf.ones_like(a_real), a_real) + bce(tf.zeros_like(a_fake), a_fake)


def mixing(draw):
    def between(x, fake, seed):
        epsilon = draw(x, seed)
        return epsilon * x + (1 - epsilon) * fake
    return between


def shape(x): return len(x), 1, 1, 1


def uniform(x, seed): return tf.random.stateless_uniform(shape(x), seed)


def one_sided(x, fake, seed): return uniform(x, seed) * x + uniform(x, seed) * fake


def runs(steps):
    def run(step):
        function = tf.function(steps(step))
        return lambda n, lr: function(tf.constant(n), tf.constant(lr))
    return run


def loop(step):
    def steps(n, lr):
        for i in tf.range(n): step(i, lr)
    return steps


def from_one(step):
    def steps(n, lr):
        for i in tf.range(1, n + 1): step(i, lr)
    return steps


def one_too_few(step):
    def steps(n, lr):
        for i in tf.range(n - 1): step(i, lr)
    return steps


def unrolled(step):
    @tf.function
    def steps(n, lr):
        for i in range(n): step(i, lr)
    return steps


def lr_in_python(step):
    steps = tf.function(loop(step))
    return lambda n, lr: steps(tf.constant(n), lr)


def first_lr(step):
    kept = []
    def steps(n):
        for i in tf.range(n): step(i, kept[0])
    function = tf.function(steps)
    def run(n, lr):
        kept.append(lr)
        function(tf.constant(n))
    return run


def traced_twice_over(step):
    "A function of the step inside of the function of the loop: one call from Python all the same."
    return runs(loop)(tf.function(step))


def a_function_per_step(step):
    one = tf.function(step)
    def run(n, lr):
        for i in range(n): one(tf.constant(i), tf.constant(lr))
    return run


@pytest.mark.parametrize("check,answer", [
    (check_r1, r1()), (check_r1, r1(total=lambda logits: logits)), (check_smoothing, smoothed),
    (check_mixing, mixing(uniform)), (check_run, runs(loop)), (check_run, traced_twice_over),
])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("check,answer,hint", [
    (check_r1, r1(watch=False), "watch x"),
    (check_r1, left_too_early, "left before"),
    (check_r1, r1(lambda slope: slope**2), "784 times too weak"),
    (check_r1, r1(length), "no root"),
    (check_r1, r1(lambda slope: (length(slope) - 1)**2), "WGAN-GP"),
    (check_r1, r1(over=tf.reduce_sum), "not the sum"),
    (check_r1, r1(total=tf.reduce_mean), "that of the sum"),
    (check_r1, r1(factor=1.0), "gamma / 2"),
    (check_r1, r1(factor=3.0), "it should be"),
    (check_r1, r1(over=lambda norms: norms), "one number"),
    (check_r1, lambda *given: None, "one number"),
    (check_r1, lambda *given: float(r1()(*given)), "no way back"),
    (check_r1, lambda *given: r1()(*given).numpy(), "no way back"),
    (check_r1, lambda *given: tf.stop_gradient(r1()(*given)), "no way back"),
    (check_smoothing, by_keras, "moves both ends"),
    (check_smoothing, lambda a, b, s: label(a, 1 - s / 2) + label(b, 0), "by half of what it is given"),
    (check_smoothing, lambda a, b, s: label(a, 1 - s) + label(b, s), "smoothed too"),
    (check_smoothing, lambda a, b, s: (1 - s) * label(a, 1) + label(b, 0), "no smaller label"),
    (check_smoothing, lambda a, b, s: label(a, 1) + label(b, 0), "still labelled 1"),
    (check_smoothing, from_probabilities, "from_logits=True"),
    (check_smoothing, lambda a, b, s: (smoothed(a, b, s)) / 2, "the loss of these logits is"),
    (check_mixing, mixing(lambda x, seed: tf.random.stateless_normal(shape(x), seed)), "not normal"),
    (check_mixing, mixing(lambda x, seed: tf.random.stateless_uniform(x.shape, seed)), "every pixel"),
    (check_mixing, mixing(lambda x, seed: tf.random.stateless_uniform((1, 1, 1, 1), seed)), "shares one weight"),
    (check_mixing, mixing(lambda x, seed: uniform(x, seed)**2), "not uniform"),
    (check_mixing, mixing(lambda x, seed: tf.random.uniform(shape(x))), "with a state"),
    (check_mixing, mixing(lambda x, seed: uniform(x, [0, 0])), "use the seed"),
    (check_mixing, mixing(lambda x, seed: tf.random.stateless_uniform((len(x), 1), seed)), "do not fit the images"),
    (check_mixing, lambda x, fake, seed: mixing(uniform)(x, fake, seed)[..., 0], "the shape should stay"),
    (check_mixing, lambda x, fake, seed: tf.cast(mixing(uniform)(x, fake, seed), tf.float64), "float32"),
    (check_mixing, one_sided, "do not add up to 1"),
    (check_run, loop, "in every step"),
    (check_run, a_function_per_step, "in every step"),
    (check_run, lambda step: tf.function(loop(step)), "another n was traced again"),
    (check_run, unrolled, "tf.range in the graph"),
    (check_run, lr_in_python, "another lr was traced again"),
    (check_run, lambda step: lambda n, lr: runs(loop)(step)(n, lr), "make the tf.function once"),
    (check_run, runs(from_one), "the steps are 0 ... n-1"),
    (check_run, runs(one_too_few), "of 3 steps 2"),
    (check_run, first_lr, "was ignored"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)


def test_the_random_state_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    check_mixing(mixing(uniform))
    assert (np.random.get_state()[1] == before).all()
