import numpy as np
import pytest

from gan_course.exercises.metrics import check_mmd, check_recall


def mmd(x, y, kernel, mixed=2.0, itself=False, pairs=None):
    n = len(x)
    def within(k): return (k.sum() - (0 if itself else np.trace(k))) / (pairs or n * (n - 1))
    return within(kernel(x, x)) + within(kernel(y, y)) - mixed * kernel(x, y).sum() / n**2


def test_mmd_accepted(capsys):
    check_mmd(mmd)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda x, y, k: mmd(x, y, k, itself=True, pairs=len(x)**2), "no pair"), (lambda x, y, k: mmd(x, y, k, pairs=len(x)**2), "different images"),
    (lambda x, y, k: mmd(x, y, k, mixed=1), "count twice"), (lambda x, y, k: np.sqrt(max(0, mmd(x, y, k))), "no root"),
    (lambda x, y, k: mmd(x, y, k) if len(x) == 6 else max(0, mmd(x, y, k)), "sometimes below"), (lambda x, y, k: 0.0, "not")])
def test_mmd_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_mmd(answer)


def recall(real, fake, k):
    def far(a, b): return ((a[:, None] - b)**2).sum(-1)
    return np.mean((far(real, fake) <= np.partition(far(fake, fake), k, axis=1)[:, k]).any(1))


def test_recall_accepted(capsys):
    check_recall(recall)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda real, fake, k: recall(fake, real, k), "precision"), (lambda real, fake, k: recall(real, fake, k - 1), "own neighbour"),
    (lambda real, fake, k: recall(real, real, k), "never looks"), (lambda real, fake, k: recall(real, fake, 3), "another k"), (lambda real, fake, k: 0.5, "not")])
def test_recall_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_recall(answer)
