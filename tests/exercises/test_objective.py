import numpy as np
import pytest

from gan_course.exercises.objective import check_best, check_growth, check_js


def best(p, q, s):
    total = s * p + (1 - s) * q
    return np.where(total > 0, s * p / np.where(total > 0, total, 1), s)


def test_best_accepted(capsys):
    check_best(best)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda p, q, s: p / np.maximum(q, 1e-12), "a ratio"), (lambda p, q, s: 1 - best(p, q, s), "is generated"),
    (lambda p, q, s: best(p, q, 0.5), "shares are missing"), (lambda p, q, s: best(p, q, 1 - s), "belongs to the real"),
    (lambda p, q, s: s * p / (s * p + (1 - s) * q + 1e-12), "0 / 0"), (lambda p, q, s: best(p, q, s)[:1], "the shape"),
    (lambda p, q, s: best(p, q, s).sum(), "the shape")])
def test_best_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_best(answer)


def js(p, q):
    m = (p + q) / 2
    return sum(np.where(a > 0, a * np.log(np.where(a > 0, a, 1) / np.where(m > 0, m, 1)), 0).sum() for a in (p, q)) / 2


def test_js_accepted(capsys):
    check_js(js)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda p, q: js(p, q) / np.log(2), "in bits"), (lambda p, q: 2 * js(p, q), "half of both"), (lambda p, q: np.sqrt(js(p, q)), "log 2"),
    (lambda p, q: (p * np.log(p / q)).sum(), "0 log 0"), (lambda p, q: js(p, q) + 1e-6, "log 2|0 from itself"),
    (lambda p, q: js(p, q) if not (p * q).all() or (p == q).all() else (p * np.log(2 * p / (p + q))).sum(), "both ways")])
def test_js_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_js(answer)


def step(eta, r, s): return np.array([[1 - eta * s, -eta], [eta, 1 - eta * r]])


def test_growth_accepted(capsys):
    check_growth(lambda eta, r: np.abs(np.linalg.eigvals(step(eta, r, r))).max())
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda eta, r: np.linalg.eigvals(step(eta, r, r)).real.max(), "complex"),
    (lambda eta, r: np.abs(np.linalg.eigvals(step(eta, r, 0))).max(), "x pays as well"),
    (lambda eta, r: np.linalg.det(step(eta, r, r)) if r else np.sqrt(1 + eta**2), "determinant"),
    (lambda eta, r: 1 + eta - eta * r, "sqrt"), (lambda eta, r: np.hypot(1 + eta * r, eta), "not")])
def test_growth_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_growth(answer)
