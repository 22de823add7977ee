"""Trials that do not disturb each other, comparisons that are right about luck, and a halving that spends what it says."""
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gan_course.basics import CourseError
from gan_course.datasets import load_dataset
from gan_course.evaluate import PixelFrechet
from gan_course.pytorch.config import CONFIG
from gan_course.refinement.iterate import Trial, compare, permutation_p, runs_needed, successive_halving
from gan_course.toy import mean_interval

SMALL = CONFIG.replace(dataset="garments", width=4, batch_size=32, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def data(): return load_dataset("garments", limit=160)


class Pixels:
    "A judge that is quick: the mean brightness."
    def distance(self, images): return float(images.mean())


def weights(trial): return torch.cat([p.detach().flatten() for p in trial.training.G.parameters()])


# --- Trials ---

def test_turns_change_nothing(data):
    "Alone and in one go, or in small portions with another run in between and other random numbers drawn: the same bits."
    alone = Trial(SMALL, data, Pixels()).advance(320)
    mine, other = Trial(SMALL, data, Pixels()), Trial(SMALL.replace(seed=3, latent_dim=8), data, Pixels())
    for _ in range(10):
        mine.advance(32); other.advance(64); torch.randn(5)
    assert torch.equal(weights(alone), weights(mine)) and alone.score(20) == mine.score(20)
    assert mine.training.images_seen == 320 and other.training.images_seen == 640
    assert mine.training.epoch == 1 and mine.training.step_in_epoch == 5, "160 images, then again from the start"


def test_looking_changes_nothing(data):
    a, b = Trial(SMALL, data, Pixels()), Trial(SMALL, data, Pixels())
    a.advance(64); a.score(20); a.advance(64)
    b.advance(128)
    assert torch.equal(weights(a), weights(b))


def test_trials_leave_the_global_generator_alone(data):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Trial(SMALL, data, Pixels()).advance(32).score(20)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_is_another_run(data):
    a, b = (Trial(SMALL.replace(seed=seed), data, Pixels()).advance(32) for seed in (0, 1))
    assert not torch.equal(weights(a), weights(b))
    before = weights(Trial(SMALL, data, Pixels()))
    assert not torch.equal(weights(a), before) and torch.isfinite(weights(a)).all()


def test_images_are_rounded_up(data):
    assert Trial(SMALL, data, Pixels()).advance(33).training.images_seen == 64


def test_a_failed_run_is_infinite(data):
    trial = Trial(SMALL, data, Pixels())
    with torch.no_grad(): trial.training.G.project.weight.fill_(float("nan"))
    assert trial.advance(32).score(10) == float("inf")


def test_the_package_judge_fits(data):
    assert np.isfinite(Trial(SMALL, data, PixelFrechet(data.images)).advance(32).score(100))


# --- Comparisons ---

def test_permutation_by_hand():
    assert permutation_p([2.0]) == 1 and permutation_p([1, 1]) == 0.5 and permutation_p([1.0] * 6) == 2 / 64
    assert permutation_p([3, 1, -1]) == 6 / 8 # the sums are 5, 3, 3 and 1, on either side; ours is 3
    assert permutation_p([0.1 + 0.2, 0.3, 0.3]) == 2 / 8, "rounding decides nothing"


def test_permutation_of_many_is_close_to_exact():
    d = np.random.default_rng(3).normal(0.5, 1, 13)
    exact = permutation_p(d)
    many = permutation_p(np.append(d, [0.0] * 2), draws=40_000) # two zeros change no mean
    assert abs(exact - many) < 0.02 and permutation_p(np.ones(40)) > 0, "never 0"


def test_permutation_keeps_its_level():
    rng = np.random.default_rng(0)
    found = np.mean([permutation_p(rng.normal(size=10)) <= 0.05 for _ in range(1000)])
    assert 0.03 < found < 0.07


def test_bootstrap():
    x = np.random.default_rng(0).normal(3, 2, 400)
    _, low, high = mean_interval(x)
    assert low < x.mean() < high and (high - low) == pytest.approx(2 * 1.96 * x.std() / 20, rel=0.1)
    _, *narrow = mean_interval(x, level=0.5)
    assert low < narrow[0] < narrow[1] < high and mean_interval([4.0, 4.0])[1:] == (4.0, 4.0)


def test_pairs_matter():
    "The same scores: as pairs the difference is plain, in disorder it is not."
    base, better = np.array([10, 20, 30, 40, 50, 60.0]), np.array([9, 18.8, 29.1, 38.9, 49.2, 58.7])
    found = compare(base, better)
    assert found.mean == pytest.approx(-1.05) and found.p == 2 / 64 and found.low < -1.05 < found.high < 0 and found.pairs == 6
    assert compare(base, better[[3, 0, 5, 1, 2, 4]]).p > 0.3
    back = compare(better, base)
    assert back.mean == -found.mean and back.p == found.p and "6 pairs" in str(found)


@pytest.mark.parametrize("a, b, said", [([1, 2], [1, 2, 3], "pairs"), ([1], [2], "pairs"), ([[1, 2]], [[1, 2]], "pairs"),
                                        ([1, 2], [1, float("inf")], "failed")], ids=str)
def test_no_pairs(a, b, said):
    with pytest.raises(CourseError, match=said): compare(a, b)


def test_runs_needed():
    "As many as it says find the difference in about four cases of five."
    n = runs_needed(1.0, 1.0)
    assert n == 16 and runs_needed(1.0, 0.5) == 63 and runs_needed(0, 1) == 2
    rng = np.random.default_rng(0)
    means = rng.normal(size=(4000, 2, n)).mean(-1)
    found = np.mean(means[:, 1] + 1 - means[:, 0] > 1.96 * np.sqrt(2 / n))
    assert 0.76 < found < 0.86
    with pytest.raises(CourseError): runs_needed(1, 0)


# --- Halving ---

class Learner:
    def __init__(self, score): self.value, self.units = score, []
    def advance(self, units): self.units.append(units)
    def score(self): return self.value


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_halving(keep):
    learners = {n: Learner(n) for n in (5, 3, 0, 7, 6, 1, 2, 4)}
    left, rounds = successive_halving(learners, 10, keep)
    assert left == list(range(keep)) and set(rounds[0]) == set(range(8))
    assert learners[7].units == [10] and learners[3].units == [10, 20]
    assert learners[0].units == ([10, 20] if keep > 1 else [10, 20, 40])
    assert all(sum(units) for units in (learner.units for learner in learners.values()))


def test_each_round_costs_the_same():
    learners = {n: Learner(n) for n in range(16)}
    _, rounds = successive_halving(learners, 3)
    cost = [sum(learner.units[i] for learner in learners.values() if len(learner.units) > i) for i in range(len(rounds))]
    assert cost == [48] * 4


def test_failures_are_dropped_first():
    left, _ = successive_halving({"a": Learner(float("inf")), "b": Learner(9.0), "c": Learner(float("inf"))}, 1)
    assert left == ["b"]


def test_one_alone():
    left, rounds = successive_halving({"a": Learner(1.0)}, 1)
    assert left == ["a"] and rounds == [{"a": 1.0}]


@pytest.mark.parametrize("units, keep", [(0, 1), (1, 0)])
def test_wrong_halving(units, keep):
    with pytest.raises(CourseError): successive_halving({"a": Learner(1.0)}, units, keep)
