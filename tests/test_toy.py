"What the pictures of the toy lesson cannot show."
import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from gan_course.basics import CourseError
from gan_course.toy import LOSSES, PENALTIES, Mixture, Networks, ToyConfig, coverage, d_loss, g_loss, lattice, mean_interval, price, ring, slopes, train_toy

SMALL = ToyConfig(steps=12, batch=32, width=16, runs=3)


def dice(seed=0): return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("mixture", [ring(), ring(3, 1.0, 0.2), lattice(), lattice(2, 5.0, 0.3)])
def test_points_are_those_of_the_mixture(mixture):
    x = mixture.sample((20_000,), dice()).numpy()
    far = np.linalg.norm(x[:, None] - mixture.centres, axis=-1)
    counts = np.bincount(far.argmin(1), minlength=len(mixture.centres))
    assert stats.chisquare(counts).pvalue > 1e-4
    if mixture.spread < 0.15: # each point belongs to its nearest centre
        assert stats.kstest(far.min(1) / mixture.spread, stats.rayleigh.cdf).pvalue > 1e-4


def test_a_sample_has_any_shape():
    assert ring().sample((2, 3, 5), dice()).shape == (2, 3, 5, 2)
    assert torch.equal(ring().sample((7,), dice(3)), ring().sample((7,), dice(3)))


def test_coverage_by_hand():
    mixture = Mixture(np.array([[0.0, 0], [4, 0], [8, 0]]), 0.5)
    points = np.array([[0.0, 0], [0, 1.9], [0, 2.1], [4, 0], [100, 0], [1.9, 0]])
    assert coverage(points, mixture, share=0.0) == dict(modes=3, good=4 / 6)
    assert coverage(points, mixture, share=0.5)["modes"] == 2 and coverage(points, mixture, share=1.0)["modes"] == 1
    assert coverage(points, mixture, within=1.0)["good"] == 2 / 6


def test_coverage_of_stacks():
    x = np.random.default_rng(0).normal(size=(2, 3, 50, 2))
    whole = coverage(x, ring(radius=1.0))
    assert whole["modes"].shape == whole["good"].shape == (2, 3)
    for i in np.ndindex(2, 3): assert all(coverage(x[i], ring(radius=1.0))[key] == whole[key][i] for key in whole)


@pytest.mark.parametrize("runs", [1, 4])
def test_networks_side_by_side_are_networks_by_themselves(runs):
    net, x = Networks(runs, [2, 7, 5, 3], dice()), torch.randn(runs, 11, 2)
    for i in range(runs):
        y = x[i]
        for at in range(3):
            y = F.linear(y, net.weights[at][i].T, net.biases[at][i, 0])
            if at < 2: y = F.leaky_relu(y, 0.2)
        torch.testing.assert_close(net(x)[i], y)


def test_spectral_norm_is_pytorchs():
    net = Networks(1, [6, 9], dice(), spectral=True)
    for _ in range(200): net(torch.randn(1, 2, 6))
    torch.testing.assert_close(net.weight(0)[0], net.weights[0][0] / torch.linalg.matrix_norm(net.weights[0][0], 2), rtol=1e-3, atol=1e-4)


def test_a_spectral_network_has_slopes_of_at_most_1():
    net = Networks(2, [2, 32, 32, 1], dice(), spectral=True)
    for _ in range(200): net(torch.randn(2, 2, 2))
    assert slopes(net, torch.randn(2, 500, 2) * 3).norm(dim=-1).max() < 1.01


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_by_hand(loss):
    real, fake = torch.tensor([0.5, -2.0]).reshape(1, 2, 1), torch.tensor([3.0, -1.0]).reshape(1, 2, 1)
    def log_sigmoid(a): return -math.log1p(math.exp(-a))
    expected = {"wasserstein": (1.0 + 0.75, -1.0), "saturating": (None, (log_sigmoid(-3) + log_sigmoid(1)) / 2),
                "non-saturating": (None, -(log_sigmoid(3) + log_sigmoid(-1)) / 2)}[loss]
    of_d = expected[0] if expected[0] is not None else -(log_sigmoid(0.5) + log_sigmoid(-2) + log_sigmoid(-3) + log_sigmoid(1)) / 2
    assert float(d_loss(loss, real, fake)) == pytest.approx(of_d) and float(g_loss(loss, fake)) == pytest.approx(expected[1])


@pytest.mark.parametrize("penalty", PENALTIES)
def test_prices(penalty):
    D = Networks(2, [2, 8, 1], dice())
    real, fake = torch.randn(2, 5, 2), torch.randn(2, 5, 2)
    c = dataclasses.replace(SMALL, penalty=penalty, weight=2.0)
    got = price(c, D, real, fake, dice(1))
    if penalty not in ("r1", "gradient"): assert got == 0; return
    at = real if penalty == "r1" else (t := torch.rand(2, 5, 1, generator=dice(1))) * real + (1 - t) * fake
    steep = slopes(D, at).norm(dim=-1)
    expected = steep.square().mean(1).sum() if penalty == "r1" else 2 * (steep - 1).square().mean(1).sum()
    torch.testing.assert_close(got, expected)
    got.backward()
    assert all(p.grad.flatten(1).norm(dim=1).min() > 0 for p in D.weights), "D learns from it, in each run"


@pytest.mark.parametrize("change", [dict(loss=loss) for loss in LOSSES] + [dict(penalty=p) for p in PENALTIES] + [
    dict(optimizer="sgd"), dict(g_steps=3), dict(d_steps=3), dict(head_start=5), dict(start=(3.0, -2.0))])
def test_every_way_to_train_moves_everything(change):
    c = dataclasses.replace(SMALL, **change)
    first, *_, last = train_toy(c, ring(), looks=2)
    assert np.isfinite(last.samples).all() and np.isfinite(last.gradient).all() and (last.gradient > 0).all()
    moved = np.abs(last.samples - first.samples).max((1, 2))
    assert (moved > 1e-7).all() and first.samples.shape == (3, 1000, 2)
    again = train_toy(c, ring(), looks=2)[-1]
    assert np.array_equal(again.samples, last.samples), "the same seed, the same run"


def test_it_starts_where_it_is_told():
    at = [train_toy(dataclasses.replace(SMALL, steps=1, start=start), ring(), looks=1)[0].samples for start in ((0.0, 0.0), (6.0, -3.0))]
    np.testing.assert_allclose(at[1] - at[0], np.broadcast_to([6.0, -3.0], at[0].shape), atol=1e-5)


def test_clipped_weights_stay_clipped():
    last = train_toy(dataclasses.replace(SMALL, loss="wasserstein", penalty="clip", weight=0.05), ring(), looks=1)[-1]
    assert max(p.abs().max() for p in last.D.parameters()) <= 0.05


def test_a_look_is_not_changed_by_what_follows():
    c = dataclasses.replace(SMALL, steps=6)
    early, late = train_toy(c, ring(), looks=2)[1], train_toy(dataclasses.replace(c, steps=3), ring(), looks=1)[-1]
    assert early.step == late.step == 3 and np.array_equal(early.samples, late.samples)
    assert all(torch.equal(a, b) for a, b in zip(early.D.parameters(), late.D.parameters()))


def test_another_run_does_not_matter_to_a_gradient():
    "In the sum of the losses, each run has the gradient of its own loss."
    D = Networks(2, [2, 6, 1], dice())
    real, fake = torch.randn(2, 2, 9, 2)
    d_loss("non-saturating", D(real), D(fake)).backward()
    whole = [p.grad[0].clone() for p in D.parameters()]
    D.zero_grad()
    (F.softplus(-D(real)[0]) + F.softplus(D(fake)[0])).mean().backward()
    for a, p in zip(whole, D.parameters()): torch.testing.assert_close(a, p.grad[0])


@pytest.mark.parametrize("wrong,says", [
    (dict(loss="hinge"), "loss is 'hinge'"), (dict(penalty="dropout"), "penalty"), (dict(optimizer="lion"), "optimizer"), (dict(steps=0), "steps is 0"),
    (dict(runs=-1), "runs"), (dict(batch=0), "batch"), (dict(lr_g=0), "lr_g"), (dict(lr_d=float("inf")), "lr_d"), (dict(weight=float("nan")), "weight")])
def test_errors(wrong, says):
    with pytest.raises(CourseError, match=says): ToyConfig(**wrong)


def test_divergence_is_said():
    with pytest.raises(CourseError, match="diverged"):
        train_toy(dataclasses.replace(SMALL, loss="wasserstein", penalty="none", optimizer="sgd", lr_g=1e18, lr_d=1e18), ring())


def test_interval_is_scipys():
    values = np.random.default_rng(0).exponential(size=12)
    mean, low, high = mean_interval(values)
    found = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    assert mean == pytest.approx(values.mean()) and (low, high) == pytest.approx((found.low, found.high), abs=0.03)
    assert mean_interval(values) == (mean, low, high) and mean_interval([3.0, 3.0]) == (3.0, 3.0, 3.0)


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0]]])
def test_interval_errors(values):
    with pytest.raises(ValueError, match="two values"): mean_interval(values)
