import math
from statistics import mean, median

import pytest

from gan_course.exercises.tpu_speed import check_compare, check_steps_per_call


def compare(a, b): return median(x / y for x, y in zip(a, b))
def steps(step, call, share): return max(1, math.ceil(call * (1 - share) / (share * step) - 1e-9))


def counted(step, call, share):
    n = 1
    while call / (call + n * step) > share * (1 + 1e-12): n += 1
    return n


@pytest.mark.parametrize("check, answer", [(check_compare, compare), (check_compare, lambda a, b: 1 / median(y / x for x, y in zip(a, b))),
                                           (check_steps_per_call, steps), (check_steps_per_call, counted)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer, hint", [
    (lambda a, b: median(y / x for x, y in zip(a, b)), "twice as fast"), (lambda a, b: median(a) / median(b), "ratio of medians"),
    (lambda a, b: sum(a) / sum(b), "ratio of medians"), (lambda a, b: mean(x / y for x, y in zip(a, b)), "not"),
    (lambda a, b: min(a) / min(b), "ratio of medians"), (lambda a, b: a[0] / b[0], "not"), (lambda a, b: a[-1] / b[-1], "bad round")])
def test_compare_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_compare(answer)


@pytest.mark.parametrize("answer, hint", [
    (lambda s, c, p: max(1, math.ceil(c / (p * s) - 1e-9)), "whole time"), (lambda s, c, p: max(1, int(c * (1 - p) / (p * s))), "round up"),
    (lambda s, c, p: c * (1 - p) / (p * s), "no whole number"), (lambda s, c, p: steps(s, c, p) + 1, "would do"),
    (lambda s, c, p: math.ceil(c * (1 - p) / (p * s) - 1e-9) - 1, "at least one|round up"), (lambda s, c, p: 1, "round up")])
def test_steps_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_steps_per_call(answer)
