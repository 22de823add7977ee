import numpy as np
import pytest
import torch

from gan_course.exercises.toy import check_bound, check_count, check_penalty


def hits(points, centres, radius):
    far = np.linalg.norm(points[:, None] - centres, axis=-1)
    return [int(((far.argmin(1) == k) & (far[:, k] < radius)).sum()) for k in range(len(centres))]


def test_count_accepted(capsys):
    check_count(lambda points, centres, radius, least: sum(n >= least for n in hits(points, centres, radius)))
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda p, c, radius, least: sum(n >= least for n in hits(p, c, np.inf)), "counts for none"),
    (lambda p, c, radius, least: sum(n > least for n in hits(p, c, radius)), "not 2"),
    (lambda p, c, radius, least: sum(hits(p, c, radius)), "not 2"), (lambda p, c, radius, least: 2, "least"),
    (lambda p, c, radius, least: int(((np.linalg.norm(p[:, None] - c, axis=-1) < radius).sum(0) >= least).sum()), "nearer one")])
def test_count_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_count(answer)


def penalty(D, real, fake, t, target=1.0, graph=True, each=True, mean=True):
    x = (real * t + fake * (1 - t)).clone().requires_grad_()
    slope, = torch.autograd.grad(D(x).sum(), x, create_graph=graph)
    off = ((slope.norm(dim=1) if each else slope.norm()) - target).square()
    return off.mean() if mean else off.sum()


def test_penalty_accepted(capsys):
    check_penalty(penalty)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda *a: penalty(*a, target=0.0), "to be 1"), (lambda *a: penalty(*a, mean=False), "take the mean"), (lambda *a: penalty(*a, each=False), "over the batch"),
    (lambda D, real, fake, t: penalty(D, real, real, t), "not at the real ones"), (lambda D, real, fake, t: penalty(D, fake, real, t), "belongs to the real"),
    (lambda *a: penalty(*a, graph=False), "create_graph"), (lambda *a: penalty(*a).detach(), "create_graph"), (lambda *a: 4.0, "gradient|requires_grad")])
def test_penalty_rejected(answer, hint):
    with pytest.raises((AssertionError, AttributeError), match=hint): check_penalty(answer)


def norms(weights): return [np.linalg.svd(w, compute_uv=False)[0] for w in weights]


def test_bound_accepted(capsys):
    check_bound(lambda weights: np.prod(norms(weights)))
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda w: np.prod([np.sqrt((a**2).sum()) for a in w]), "Frobenius"), (lambda w: np.linalg.norm(w[0] @ w[1] @ w[2], 2), "between the layers"),
    (lambda w: 0.2**2 * np.prod(norms(w)), "slope 1"), (lambda w: sum(norms(w)), "multiply"), (lambda w: max(norms(w)), "multiply"), (lambda w: 1.0, "not")])
def test_bound_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_bound(answer)
