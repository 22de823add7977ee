import numpy as np
import pytest

from gan_course.exercises.tensorflow_same_step_twice import check_momentum, check_variance


def momentum(m): return 1 - m


def variance(running_var, batches, n, momentum):
    initial = (1 - momentum)**batches
    return initial + (running_var - initial)*(n - 1)/n


@pytest.mark.parametrize("check,answer", [(check_momentum, momentum), (check_variance, variance)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


def in_place(running_var, batches, n, momentum):
    running_var -= (1 - momentum)**batches
    running_var *= (n - 1)/n
    running_var += (1 - momentum)**batches
    return running_var


@pytest.mark.parametrize("check,answer,hint", [
    (check_momentum, lambda m: m, "old average"), (check_momentum, lambda m: 1/m, "between 0 and 1"),
    (check_momentum, lambda m: 0.9, "averages are"),
    (check_variance, lambda v, b, n, m: v, "n - 1"), (check_variance, lambda v, b, n, m: v*(n - 1)/n, "only the part"),
    (check_variance, lambda v, b, n, m: v*n/(n - 1), "smaller"), (check_variance, in_place, "in place"),
    (check_variance, lambda v, b, n, m: variance(v, 1, n, m), "batches of")])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError, match=hint): check(answer)


def test_the_check_is_about_keras():
    "The formula that it asks for, against Keras's own layer."
    import gan_course.tensorflow.config # noqa: F401
    import keras
    layer, ours, rng = keras.layers.BatchNormalization(momentum=0.9), np.ones(2), np.random.default_rng(0)
    for _ in range(4):
        x = rng.normal(size=(8, 2)).astype(np.float32)
        layer(x, training=True)
        ours = 0.9*ours + 0.1*x.var(axis=0, ddof=1)
    np.testing.assert_allclose(variance(ours, 4, 8, 0.1), layer.moving_variance.numpy(), rtol=1e-5)
