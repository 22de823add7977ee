import gan_course.tpu.config  # first: it chooses Keras's backend

import numpy as np
import pytest

from gan_course.exercises.tpu_data import check_mean_score, check_rows
from gan_course.tpu.data import epoch_order


def rows(step, steps, num, batch_size, seed, order=epoch_order, per=None):
    per, found = per or num // batch_size, []
    for k in range(step, step + steps):
        epoch, at = divmod(k, per)
        found.append(order(num, seed, epoch)[at * batch_size:(at + 1) * batch_size])
    return np.stack(found)


def joined(step, steps, num, batch_size, seed):
    "All orders in one row, without their rests."
    used = num // batch_size * batch_size
    epochs = range(step * batch_size // used, (step + steps) * batch_size // used + 1)
    whole = np.concatenate([epoch_order(num, seed, epoch)[:used] for epoch in epochs])
    first = step * batch_size - epochs[0] * used
    return whole[first:first + steps * batch_size].reshape(steps, batch_size)


@pytest.mark.parametrize("answer", [rows, joined, lambda *given: rows(*given).tolist(), lambda *given: rows(*given).astype(np.int64)])
def test_rows_accepted(answer, capsys):
    check_rows(answer)
    assert capsys.readouterr().out.startswith("correct")


def one_order(step, steps, num, batch_size, seed):
    epoch, at = divmod(step, num // batch_size)
    return epoch_order(num, seed, epoch)[at * batch_size:(at + steps) * batch_size].reshape(steps, batch_size)


def first_order(step, steps, num, batch_size, seed):
    "The order of the epoch in which the call begins, again and again."
    epoch, at = divmod(step, num // batch_size)
    order = epoch_order(num, seed, epoch)
    return np.stack([order[k % (num // batch_size) * batch_size:][:batch_size] for k in range(at, at + steps)])


def by_images(step, steps, num, batch_size, seed):
    epoch, first = divmod(step * batch_size, num)
    whole = np.concatenate([epoch_order(num, seed, e) for e in range(epoch, epoch + steps + 1)])
    return whole[first:first + steps * batch_size].reshape(steps, batch_size)


@pytest.mark.parametrize("answer,hint", [
    (one_order, "another order follows"), (first_order, "an order of its own"), (by_images, "the rest of epoch 0"),
    (lambda *given: rows(*given, order=lambda num, seed, epoch: epoch_order(num, 0, epoch)), "another seed"),
    (lambda *given: rows(*given, order=lambda num, seed, epoch: epoch_order(num, seed, 0)), "in the order of epoch 1"),
    (lambda *given: rows(*given, order=lambda num, seed, epoch: np.arange(num)), "not those of epoch_order"),
    (lambda *given: rows(*given, per=4), "another order follows|every batch is full"),
    (lambda *given: rows(*given).astype(float), "are whole"), (lambda *given: rows(*given)[0], "every batch is full"),
    (lambda step, *rest: rows(step + 1, *rest), "not those of epoch_order")])
def test_rows_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_rows(answer)


def scores(score, x, size, filled=np.zeros):
    for i in range(0, len(x), size):
        part = x[i:i + size]
        yield score(np.concatenate([part, filled((size - len(part), *x.shape[1:])).astype(x.dtype)])), len(part)


def mean_score(score, x, size): return sum(s[:n].sum() for s, n in scores(score, x, size)) / len(x)


def last_again(score, x, size):
    "Fill up with the last image, and cut its scores off."
    filled = np.concatenate([x, np.repeat(x[-1:], -len(x) % size, 0)])
    return np.concatenate([score(filled[i:i + size]) for i in range(0, len(filled), size)])[:len(x)].mean()


def by_weights(score, x, size):
    return sum(np.where(np.arange(size) < n, s, 0).sum() for s, n in scores(score, x, size)) / len(x)


@pytest.mark.parametrize("answer", [mean_score, last_again, by_weights])
def test_mean_score_accepted(answer, capsys):
    check_mean_score(answer)
    assert capsys.readouterr().out.startswith("correct")


def full_only(score, x, size):
    return np.mean([score(x[i:i + size]).mean() for i in range(0, len(x) - size + 1, size)]) if len(x) >= size else mean_score(score, x, size)


def overlapping(score, x, size):
    if len(x) < size: return mean_score(score, x, size)
    return np.mean([score(x[min(i, len(x) - size):][:size]).mean() for i in range(0, len(x), size)])


def filled_again(score, x, size):
    filled = np.concatenate([x, *([np.resize(x[len(x) // size * size:], (size, 4, 4))[len(x) % size:]] if len(x) % size else [])])
    return np.mean([score(filled[i:i + size]).mean() for i in range(0, len(filled), size)])


def one_more(score, x, size):
    score(x[:1].repeat(size, 0))
    return mean_score(score, x, size)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("answer,hint", [
    (lambda score, x, size: score(x).mean(), "compiled anew"),
    (lambda score, x, size: sum(score(x[i:i + size]).sum() for i in range(0, len(x), size)) / len(x), "compiled anew"),
    (full_only, "left out"), (overlapping, "counted twice"), (filled_again, "counted again"),
    (lambda *given: np.mean([s.mean() for s, n in scores(*given)]), "was counted"),
    (lambda *given: np.mean([s[:n].mean() for s, n in scores(*given)]), "a mean of means"),
    (lambda score, x, size: sum((s * (np.arange(size) < n)).sum() for s, n in scores(score, x, size)) / len(x), "0 · inf"),
    (one_more, "score was called 4 times"), (lambda *given: 0.0, "not 0.000"), (lambda *given: np.nan, "gave nan")])
def test_mean_score_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_mean_score(answer)
