import gan_course.tpu.config  # first: it chooses Keras's backend

import numpy as np
import pytest
from keras import ops

from gan_course.exercises.tpu_strategy import check_next_scale, check_together


def together(means, variances): return means.mean(0), variances.mean(0) + means.var(0)


def with_ops(means, variances):
    return ops.mean(means, 0), ops.mean(variances, 0) + ops.var(ops.convert_to_tensor(means), 0)


def in_pairs(means, variances):
    "Two groups at a time, as Chan, Golub and LeVeque put them together."
    mean, m2, n = means[0].astype(float), variances[0].astype(float), 1
    for a, b in zip(means[1:].astype(float), variances[1:].astype(float)):
        m2, mean, n = m2 + b + (a - mean)**2 * n / (n + 1), mean + (a - mean) / (n + 1), n + 1
    return mean, m2 / n


def by_squares(means, variances): return means.mean(0), (variances + means**2).mean(0) - means.mean(0)**2


@pytest.mark.parametrize("answer", [together, with_ops, in_pairs, lambda m, v: by_squares(m.astype(np.float64), v.astype(np.float64)),
                                    lambda m, v: list(together(m, v))])
def test_together_accepted(answer, capsys):
    check_together(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda m, v: (m.mean(0), v.mean(0)), "lie apart"), (lambda m, v: (m.mean(0), m.var(0)), "each share spreads"),
    (by_squares, "difference of large numbers"), (lambda m, v: (m.mean(0), v.mean(0) + m.var(0, ddof=1)), "not by 7"),
    (lambda m, v: (m.mean(0), np.sqrt(v).mean(0)**2 + m.var(0)), "not standard deviations"),
    (lambda m, v: (m.mean(0), v.sum(0) + m.var(0)), "grows with the number"),
    (lambda m, v: (m.sum(0), v.mean(0) + m.var(0)), "mean of the whole"),
    (lambda m, v: (m.mean(), v.mean()), "each channel"), (lambda m, v: v.mean(0) + m.var(0), "two things"),
    (lambda m, v: (m.mean(0), 2 * v.mean(0)), "the variance is")])
def test_together_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_together(answer)


def next_scale(scale, good, gradients, every, finite=lambda g: np.isfinite(g).all(), over=all):
    if not over(finite(g) for g in gradients): return False, scale / 2, 0
    return (True, scale * 2, 0) if good + 1 == every else (True, scale, good + 1)


def by_hand(scale, good, gradients, every):
    take = True
    for g in gradients: take = take and bool(ops.convert_to_numpy(ops.all(ops.isfinite(ops.convert_to_tensor(g)))))
    good = good + 1 if take else 0
    if not take: scale = scale * 0.5
    elif good >= every: scale, good = scale * 2, 0
    return take, scale, good


def changed(change): return lambda scale, good, *given: change(scale, good, *next_scale(scale, good, *given))


@pytest.mark.parametrize("answer", [next_scale, by_hand])
def test_next_scale_accepted(answer, capsys):
    check_next_scale(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("answer,hint", [
    (lambda *given: next_scale(*given, lambda g: not np.isnan(g).any()), "an infinity among"),
    (lambda *given: next_scale(*given, lambda g: not np.isinf(g).any()), "a NaN among"),
    (lambda *given: next_scale(*given, lambda g: np.isfinite(g.sum())), "ask each number"),
    (lambda *given: next_scale(*given, over=any), "was not noticed"),
    (lambda scale, good, gradients, every: next_scale(scale, good, gradients[-1:], every), "was not noticed"),
    (changed(lambda scale, good, take, new, left: (True, new, left)), "destroy the weights"),
    (changed(lambda scale, good, take, new, left: (take, max(scale, new), left)), "the scale stays"),
    (changed(lambda scale, good, take, new, left: (take, new if take else 1.0, left)), "is halved, not 1"),
    (changed(lambda scale, good, take, new, left: (take, new, left if take else good)), "breaks the row"),
    (changed(lambda scale, good, take, new, left: (take, new, good + 1 if take else 0)), "begins at 0|gave the scales"),
    (changed(lambda scale, good, take, new, left: (take, min(scale, new), left)), "doubles after the third"),
    (lambda scale, good, gradients, every: next_scale(scale, good, gradients, every + 1), "doubles after the third"),
    (lambda scale, good, gradients, every: next_scale(scale, good, gradients, every - 1), "not yet three"),
    (lambda *given: next_scale(*given)[:2], "three things")])
def test_next_scale_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_next_scale(answer)
