from math import comb

import numpy as np
import pytest

from gan_course.datasets import to_float
from gan_course.exercises.datasets import check_batches, check_lacking, check_stats


def batches(n, size, epoch):
    order = np.random.default_rng(epoch).permutation(n)
    return [order[i:i + size] for i in range(0, n - size + 1, size)]


def stats(images, chunk):
    n = total = squares = 0.0
    for i in range(0, len(images), chunk):
        x = to_float(images[i:i + chunk]).astype(np.float64)
        n, total, squares = n + x.size, total + x.sum(), squares + (x*x).sum()
    return total/n, (squares/n - (total/n)**2)**0.5


def chance(size, classes):
    return sum((-1)**(k + 1)*comb(classes, k)*(1 - k/classes)**size for k in range(1, classes + 1))


@pytest.mark.parametrize("check,answer", [(check_batches, batches), (check_stats, stats), (check_lacking, chance)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert "correct" in capsys.readouterr().out


def test_other_right_answers():
    check_batches(lambda n, size, epoch: iter(batches(n, size, epoch + 17)))
    check_stats(lambda images, chunk: (to_float(images).mean(dtype=np.float64), to_float(images).std(dtype=np.float64)))


def in_order(n, size, epoch): return [list(range(i, i + size)) for i in range(0, n - size + 1, size)]


def with_replacement(n, size, epoch):
    rng = np.random.default_rng(epoch)
    return [rng.integers(n, size=size) for _ in range(n//size)]


@pytest.mark.parametrize("answer,hint", [
    (in_order, "file's order"),
    (lambda n, size, epoch: np.array_split(batches(n, n, epoch)[0], range(size, n, size)), "short one"),
    (with_replacement, "twice"),
    (lambda n, size, epoch: batches(n, size, 0), "never seen"),
    (lambda n, size, epoch: batches(n, size, None), "take the seed"),
    (lambda n, size, epoch: [np.random.default_rng(epoch).permutation(b) for b in in_order(n, size, epoch)], "slice of the file"),
    (lambda n, size, epoch: [b + 1 for b in batches(n, size, epoch)], "between 0|twice"),
])
def test_batches_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_batches(answer)


def parts(images, chunk): return [to_float(images[i:i + chunk]) for i in range(0, len(images), chunk)]


@pytest.mark.parametrize("answer,hint", [
    (lambda images, chunk: (images.mean(), images.std()), "mean of bytes"),
    (lambda images, chunk: (np.mean([x.mean() for x in parts(images, chunk)]), 0.7), "last chunk"),
    (lambda images, chunk: (stats(images, chunk)[0], np.mean([x.std() for x in parts(images, chunk)])), "do not average"),
    (lambda images, chunk: (stats(images, chunk)[0], ((images*images).mean()/127.5**2)**0.5), "overflow at 256"),
    (lambda images, chunk: (stats(images, chunk)[0], float("nan")), "do not average|overflow"),
    (lambda images, chunk: (to_float(images[:1000]).mean(), 0.5), "the mean is"),
])
def test_stats_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_stats(answer)


@pytest.mark.parametrize("answer,hint", [
    (lambda n, c: (1 - 1/c)**n, "one given class"),
    (lambda n, c: c*(1 - 1/c)**n, "counted twice"),
    (lambda n, c: 1 - (1 - (1 - 1/c)**n)**c, "independently"),
    (lambda n, c: 1 - chance(n, c), "none is absent"),
    (lambda n, c: 0.5, "of all"),
])
def test_lacking_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_lacking(answer)
