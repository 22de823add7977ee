import numpy as np
import pytest

from gan_course.evaluate import mean_and_cov, pixel_features, symmetric_sqrt
from gan_course.exercises.evaluate import check_diagonal, check_floor, check_fool


def diagonal(mu1, var1, mu2, var2): return ((mu1 - mu2)**2 + (np.sqrt(var1) - np.sqrt(var2))**2).sum()


def test_diagonal_accepted(capsys):
    check_diagonal(diagonal)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda m, v, n, w: ((m - n)**2 + (v - w)**2).sum(), "take their roots"),
    (lambda m, v, n, w: ((m - n)**2 + abs(v - w)).sum(), "is not"),
    (lambda m, v, n, w: diagonal(m, v, n, w) / len(m), "do not average"),
    (lambda m, v, n, w: np.linalg.norm(m - n) + ((np.sqrt(v) - np.sqrt(w))**2).sum(), "counts squared")])
def test_diagonal_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_diagonal(answer)


def floor(measure, real, n, seed, **how):
    return measure(real[np.random.default_rng(seed).choice(len(real), size=n, **dict(dict(replace=False), **how))])


def test_floor_accepted(capsys):
    check_floor(floor)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda measure, real, n, seed: measure(real), "must be the generator's"),
    (lambda measure, real, n, seed: measure(real[:n]), "sorted by class"),
    (lambda *args: floor(*args, replace=True), "without replacement"), (lambda *args: floor(*args[:3], 0), "another seed"),
    (lambda *args: floor(*args[:3], None), "the same seed"), (lambda *args: floor(*args) * 0, "return what measure returns")])
def test_floor_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_floor(answer)


def fool(reference, n, seed):
    mu, cov = mean_and_cov([pixel_features(reference)])
    z = np.random.default_rng(seed).standard_normal((n, len(mu)))
    images = np.rint((mu + z @ symmetric_sqrt(cov) + 1) * 127.5)
    return np.clip(images, 0, 255).astype(np.uint8).reshape(n, *reference.shape[1:])


def copies(reference, n, seed): return reference[np.random.default_rng(seed).integers(len(reference), size=n)]


def by_pixel(reference, n, seed):
    z = np.random.default_rng(seed).standard_normal((n, *reference.shape[1:]))
    return np.clip(reference.mean(0) + z * reference.std(0), 0, 255).astype(np.uint8)


def test_fool_accepted(capsys):
    check_fool(fool)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (copies, "are copies"), (lambda *args: copies(*args) + np.uint8(1), "changed a little"), (by_pixel, "whole covariance"),
    (lambda reference, n, seed: np.repeat(reference.mean(0)[None].astype(np.uint8), n, 0), "nearly all the same"),
    (lambda reference, n, seed: fool(reference, n, 0), "another seed"), (lambda *args: fool(*args) / 1.0, "not uint8"),
    (lambda reference, n, seed: fool(reference, n // 2, seed), "the shape is")])
def test_fool_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_fool(answer)
