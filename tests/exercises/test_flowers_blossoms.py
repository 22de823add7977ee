import numpy as np
import pytest

from gan_course.exercises.flowers_blossoms import check_cover, check_ring


def covered(half=0.5, length=np.hypot, scaled=lambda d, pixel: d / pixel, clip=lambda d: np.clip(d, 0, 1)):
    def cover(x, y, radius, pixel=1.0): return clip(scaled(radius - length(x, y), pixel) + half)
    return cover


def squared(x, y, radius, pixel=1.0): return np.clip((radius**2 - x * x - y * y) / pixel + 0.5, 0, 1)


def interpolated(x, y, radius, pixel=1.0):
    return np.interp(np.linalg.norm([x, y], axis=0), [radius - pixel / 2, radius + pixel / 2], [1, 0])


@pytest.mark.parametrize("answer", [covered(), covered(clip=lambda d: np.minimum(1, np.maximum(0, d))), interpolated])
def test_cover_accepted(answer, capsys):
    check_cover(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (covered(half=0), "add a half"), (covered(half=1), "add a half"), (covered(half=0.25), "not 0.25"),
    (covered(clip=lambda d: d), "clip to"),
    (covered(clip=lambda d: np.where(d > 0.5, 1.0, 0.0)), "not all or nothing"),
    (covered(clip=lambda d: (np.sign(d - 0.5) + 1) / 2), "hard"),
    (covered(clip=lambda d: 1 - np.clip(d, 0, 1)), "what is outside 1"), (squared, "take the root"),
    (covered(scaled=lambda d, pixel: d), "divide"), (covered(scaled=lambda d, pixel: d * pixel), "divide"),
    (covered(length=lambda x, y: np.abs(x) + np.abs(y)), "not covered alike"),
    (covered(length=lambda x, y: x + y), "not covered alike"),
    (covered(clip=lambda d: min(1, max(0, d))), "x and y are arrays"),
    (covered(clip=lambda d: (1 + np.tanh(2 * d - 1)) / 2), "a quarter of"),
    (lambda x, y, radius, pixel=1.0: 0.5, "the shape of the result")])
def test_cover_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_cover(answer)


def ring(step, wrap=lambda d: d % 360): return lambda petals, turn: [wrap(turn + step(i, petals)) for i in range(petals)]
def even(i, n): return i * 360 // n


@pytest.mark.parametrize("answer", [
    ring(even), lambda petals, turn: (turn + np.arange(petals) * 360 // petals) % 360, ring(lambda i, n: int(i * 360 / n)),
    lambda petals, turn: (np.linspace(turn, turn + 360, petals, endpoint=False).astype(int) % 360).tolist()])
def test_ring_accepted(answer, capsys):
    check_ring(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (ring(lambda i, n: i * (360 // n)), "before it was multiplied"), (ring(even, wrap=lambda d: d), "once round"),
    (ring(lambda i, n: i * 360 / n), "whole degrees"), (ring(lambda i, n: round(i * 360 / n)), "to the nearest"),
    (lambda petals, turn: (np.linspace(turn, turn + 360, petals).astype(int) % 360).tolist(), "at the same place"),
    (ring(lambda i, n: even(i + 1, n)), "count from 0"),
    (lambda petals, turn: ring(even)(petals, 0), "stands at `turn`, 10 degrees"),
    (ring(lambda i, n: -even(i, n)), "10, 100, 190, 280"), (lambda petals, turn: ring(even)(petals, turn)[1:], "not 3"),
    (ring(even, wrap=lambda d: d - 360 if d > 360 else d), "360 is no direction")])
def test_ring_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_ring(answer)
