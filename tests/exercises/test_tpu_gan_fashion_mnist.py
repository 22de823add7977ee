import numpy as np
import pytest

from gan_course.exercises.tpu_gan_fashion_mnist import check_best_epoch, check_variation


def shares(counts): return np.asarray(counts, float) / np.sum(counts)
def variation(a, b): return np.abs(shares(a) - shares(b)).sum() / 2


def best(history):
    measured = [row for row in history if row["pixel_frechet"] is not None]
    return min(measured, key=lambda row: row["pixel_frechet"])["epoch"] if measured else None


@pytest.mark.parametrize("check, answer", [
    (check_variation, variation), (check_variation, lambda a, b: 1 - np.minimum(shares(a), shares(b)).sum()),
    (check_variation, lambda a, b: np.maximum(shares(a) - shares(b), 0).sum()), (check_best_epoch, best)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer, hint", [
    (lambda a, b: np.abs(np.subtract(a, b)).sum() / (2 * np.sum(a)), "not counts"), (lambda a, b: 2 * variation(a, b), "half of the sum"),
    (lambda a, b: (shares(a) - shares(b)).sum() / 2, "gave"), (lambda a, b: np.abs(shares(a) - shares(b)).max(), "missing count too"),
    (lambda a, b: 1 - variation(a, b), "distance 0"), (lambda a, b: np.abs(shares(a) - shares(b)).mean(), "not")])
def test_variation_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_variation(answer)


@pytest.mark.parametrize("answer, hint", [
    (lambda h: h[-1]["epoch"], "the last is not the best"), (lambda h: max(h, key=lambda r: r["pixel_frechet"])["epoch"], "smallest"),
    (lambda h: min(h, key=lambda r: r["pixel_frechet"])["epoch"], "leave those rows out"),
    (lambda h: min(h, key=lambda r: r["loss_g"])["epoch"], "the last"),
    (lambda h: 1 + int(np.argmin([r["pixel_frechet"] for r in h if r["pixel_frechet"] is not None])), "stands in the row"),
    (lambda h: min((r for r in h if r["pixel_frechet"] is not None), key=lambda r: r["pixel_frechet"])["epoch"], "return None"),
    (lambda h: best([r for r in h if r["pixel_frechet"]]), "a distance of 0")])
def test_best_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_best_epoch(answer)
