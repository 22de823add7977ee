import pytest

from gan_course.exercises.loop import check_ahead, check_patience, check_warm_up
from gan_course.loop import lr_factor
from gan_course.runs import History


def ahead(step, left, *every): return min(left, *(n - step % n for n in every))
def warmed_up(decay, fraction, part): return lr_factor(decay, fraction) * (min(1, fraction / part) if part else 1)


def patience(history, patience):
    seen = [(row["pixel_frechet"], row["epoch"]) for row in history if row["pixel_frechet"] is not None]
    return bool(seen) and history[-1]["epoch"] - min(seen)[1] >= patience


@pytest.mark.parametrize("check,answer", [(check_ahead, ahead), (check_warm_up, warmed_up), (check_patience, patience)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


def test_the_solution_takes_a_history(): assert patience(History([dict(epoch=1, pixel_frechet=1.0), dict(epoch=2, pixel_frechet=2.0)]), 1)


@pytest.mark.parametrize("answer,hint", [
    (lambda step, left, *every: min(left, *(-step % n for n in every)), "never end"),
    (lambda step, left, *every: min(left, *every), "where the run is"),
    (lambda step, left, *every: max(n - step % n for n in every), "the first of"),
    (lambda step, left, *every: min(n - step % n for n in every), "the epoch ends"),
    (lambda step, left, *every: 1, "from 0 to the look"),
])
def test_ahead_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_ahead(answer)


def anew(decay, fraction, part):
    return fraction / part if fraction < part else lr_factor(decay, (fraction - part) / (1 - part))


@pytest.mark.parametrize("answer,hint", [
    (lambda decay, fraction, part: lr_factor(decay, fraction) * min(1, fraction / part), "divides by 0"),
    (lambda decay, fraction, part: lr_factor(decay, fraction) * (fraction / part if part else 1), "stops growing"),
    (anew, "begin anew|no warm-up"),
    (lambda decay, fraction, part: min(warmed_up("none", fraction, part), lr_factor(decay, fraction)), "multiply"),
    (lambda decay, fraction, part: lr_factor(decay, fraction), "the factor is 0"),
])
def test_warm_up_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_warm_up(answer)


def in_a_row(history, patience):
    d = [row["pixel_frechet"] for row in history][-patience - 1:]
    return len(d) > patience and all(a <= b for a, b in zip(d, d[1:]))


def careless(history, patience):
    d = [row["pixel_frechet"] for row in history]
    return len(d) - 1 - d.index(min(d)) >= patience


def latest_of_equals(history, patience):
    seen = [(row["pixel_frechet"], -row["epoch"]) for row in history if row["pixel_frechet"] is not None]
    return bool(seen) and history[-1]["epoch"] + min(seen)[1] >= patience


@pytest.mark.parametrize("answer,hint", [
    (in_a_row, "measure from the best"), (careless, "None is no distance"), (latest_of_equals, "no progress"),
    (lambda history, n: patience(history, n + 1), "that is enough"), (lambda history, n: patience(history, n - 1), "no reason|not yet"),
    (lambda history, n: patience([r for r in history if r["pixel_frechet"] is not None] or history, n), "time passes"),
])
def test_patience_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_patience(answer)
