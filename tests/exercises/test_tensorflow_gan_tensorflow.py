import statistics

import pytest

from gan_course.exercises.tensorflow_gan_tensorflow import check_spikes, check_within


def spikes(losses, factor):
    return [i for i in range(1, len(losses)) if losses[i] > factor*statistics.median(losses[max(0, i - 5):i])]


def within(history, seconds):
    return min((r["pixel_frechet"] for r in history if r["seconds"] <= seconds and r["pixel_frechet"] is not None), default=None)


@pytest.mark.parametrize("check,answer", [(check_spikes, spikes), (check_within, within)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


def measured(history): return [r for r in history if r["pixel_frechet"] is not None]


@pytest.mark.parametrize("check,answer,hint", [
    (check_spikes, lambda l, f: [i for i in range(1, len(l)) if l[i] > f*statistics.mean(l[max(0, i - 5):i])], "carried away"),
    (check_spikes, lambda l, f: [i for i in range(1, len(l)) if l[i] > f*statistics.median(l)], "slow rise"),
    (check_spikes, lambda l, f: [i for i in range(len(l)) if l[i] > f*statistics.median(l[max(0, i - 5):i] or [0])], "first loss"),
    (check_spikes, lambda l, f: [i + 1 for i in spikes(l, f)], "counted from 0"),
    (check_spikes, lambda l, f: spikes(l, 3.0), "factor"),
    (check_within, lambda h, s: measured([r for r in h if r["seconds"] <= s])[-1]["pixel_frechet"], "best so far"),
    (check_within, lambda h, s: min(r["pixel_frechet"] for r in measured(h)), "had not been trained"),
    (check_within, lambda h, s: min((r["pixel_frechet"] for r in measured(h) if r["seconds"] < s), default=None), "very second")])
def test_rejected(check, answer, hint):
    with pytest.raises((AssertionError, IndexError), match=hint): check(answer)
