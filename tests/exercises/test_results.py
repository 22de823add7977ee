import statistics

import pytest

from gan_course.exercises.results import check_at_equal_images, check_headline


def three(first): return lambda distances: (first(distances), min(distances), max(distances))


def test_headline_accepted(capsys):
    check_headline(three(statistics.median))
    check_headline(three(lambda d: sum(sorted(d)[(len(d) - 1) // 2:len(d) // 2 + 1]) / (2 - len(d) % 2)))
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (three(statistics.mean), "mean"), (three(min), "best seed"), (three(lambda d: d[len(d) // 2]), "sorted"), (three(statistics.median_high), "even number"),
    (lambda d: (statistics.median(d), max(d), min(d)), "before"), (lambda d: (statistics.median(d),), "three numbers"),
    (lambda d: (sorted(d)[1], min(d), max(d)) if len(d) == 3 else (2.5, 1, 4) if len(d) == 4 else (0, 0, 0), "one seed")])
def test_headline_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_headline(answer)


def last_before(history, mark):
    found = None
    for row in history:
        if row["images_seen"] <= mark: found = row
    return found if history[-1]["images_seen"] >= mark else None


def test_at_equal_images_accepted(capsys):
    check_at_equal_images(last_before)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda h, m: h[-1], "end of the run"), (lambda h, m: next((r for r in h if r["images_seen"] >= m), None), "advantage"),
    (lambda h, m: h[0], "epoch 1"), (lambda h, m: h[min(len(h), m // 1000) - 1], "count images"),
    (lambda h, m: last_before(h, m - 1), "exactly"), (lambda h, m: last_before(h, m) or h[-1], "ended before"),
    (lambda h, m: last_before(h, m) or (h[0] if m < 1000 else None), "first row")])
def test_at_equal_images_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_at_equal_images(answer)
