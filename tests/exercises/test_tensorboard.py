import struct

import numpy as np
import pytest

from gan_course.exercises.tensorboard import check_count_records, check_smooth


def counter(order="little", width=8, more=16, torn=False, stop=lambda n: False, whole=lambda end, size: end <= size):
    def count_records(data):
        count, at = 0, 0
        while at < len(data):
            length = int.from_bytes(data[at:at + width], order)
            if stop(length): break
            at += length + more
            count += torn or whole(at, len(data))
        return count
    return count_records


def recursive(data):
    if len(data) < 16: return 0
    n, = struct.unpack_from("<Q", data)
    return 1 + recursive(data[n + 16:]) if n + 16 <= len(data) else 0


def unpacks(data):
    count = 0
    while data:
        end = struct.unpack("<Q", data[:8])[0] + 16
        count, data = count + (end <= len(data)), data[end:]
    return count


@pytest.mark.parametrize("answer", [counter(), recursive])
def test_count_records_accepted(answer, capsys):
    check_count_records(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (counter(order="big"), "little-endian"), (counter(more=12), "16 bytes further"), (counter(more=8), "16 bytes further"),
    (counter(width=1), "all of its 8 bytes"), (counter(torn=True), "a torn record was counted"),
    (counter(whole=lambda end, size: end - 4 <= size), "so is the record"),
    (counter(whole=lambda end, size: end < size), "<=, not <"),
    (counter(stop=lambda n: n == 0), "of 0 bytes"), (unpacks, "torn in its length"),
    (lambda data: 1 + recursive(data), "empty file"),
    (lambda data: min(1, recursive(data)), "16 bytes further")])
def test_count_records_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_count_records(answer)


def average(past=lambda w: w, start=1, begin=lambda values: 0.0, lacks=lambda w, t: 1 - w**t, carry=False):
    def smooth(values, w):
        a, result = begin(values), []
        for t, value in enumerate(values, start):
            a = past(w) * a + (1 - past(w)) * value
            result.append(a / lacks(w, t))
            if carry: a = result[-1]
        return result
    return smooth


def weights(values, w):
    w = w ** np.arange(len(values))
    return np.array([np.average(values[:t], weights=w[:t][::-1]) for t in range(1, len(values) + 1)])


def in_place(values, w):
    values[:] = average()(values, w)
    return values


def numpy_from_0(values, w):
    with np.errstate(all="ignore"): return average(start=0, lacks=lambda w, t: np.float64(1 - w**t))(values, w)


@pytest.mark.parametrize("answer", [average(), weights])
def test_smooth_accepted(answer, capsys):
    check_smooth(answer)
    assert capsys.readouterr().out.startswith("correct")


def first(values): return values[0]


@pytest.mark.parametrize("answer,hint", [
    (average(lacks=lambda w, t: 1), r"divide by 1 - w\*\*t"), (average(start=0), "has t = 1"), (numpy_from_0, "has t = 1"),
    (average(past=lambda w: 1 - w), "swapped"), (average(past=lambda w: 1 - w, lacks=lambda w, t: 1 - (1 - w)**t), "swapped"),
    (average(lacks=lambda w, t: 1 - w), "t counts on"), (average(carry=True), "the undivided average"),
    (average(begin=first, lacks=lambda w, t: 1), "counts too much"), (average(begin=first), "not with the first value"),
    (in_place, "in place"), (lambda values, w: average()(values, w)[1:], "came back"),
    (lambda values, w: values, "gives 0 and 2.286|in place")])
def test_smooth_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_smooth(answer)
