import numpy as np
import pytest

from gan_course.exercises.features import check_field, check_fold


def fold(weight, gamma, beta, mean, var, eps): return weight * (gamma / np.sqrt(var + eps)), beta - gamma * mean / np.sqrt(var + eps)


def test_fold_accepted(capsys):
    check_fold(fold)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda w, g, b, m, v, e: (w * g / (v + e), b - g * m / (v + e)), "root of the variance"), (lambda w, g, b, m, v, e: fold(w, g, b, m, v, 0), "eps belongs"),
    (lambda w, g, b, m, v, e: (fold(w, g, b, m, v, e)[0], b - m), "before BatchNorm multiplies"), (lambda w, g, b, m, v, e: (fold(w, g, b, m, v, e)[0], b), "mean is missing"),
    (lambda *a: fold(*a)[0], "return the weight and the bias"), (lambda *a: (fold(*a)[0], 0.0), "the shapes"), (lambda w, g, b, m, v, e: (w, b), "differ")])
def test_fold_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_fold(answer)


def test_field_accepted(capsys):
    check_field(lambda strides: 1 + 2 * int(sum(np.cumprod([1, *strides[:-1]]))))
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda s: 3 if len(s) == 1 else 1 + 2 * len(s), "two pixels long"), (lambda s: 3 ** len(s), "overlap"), (lambda s: 1 + 2 * int(sum(np.cumprod(s))), "after"), (lambda s: 28, "not 3")])
def test_field_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_field(answer)
