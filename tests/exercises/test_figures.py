import numpy as np
import pytest

from gan_course.exercises.figures import check_enlarge, check_same_latents, check_verdict


def enlarge(images, factor): return images.repeat(factor, axis=1).repeat(factor, axis=2)


def smooth(images, factor):
    big = enlarge(images, factor).astype(float)
    return ((big + np.roll(big, 1, axis=2)) / 2).astype(np.uint8)


def test_enlarge_accepted(capsys):
    check_enlarge(enlarge)
    check_enlarge(lambda images, factor: np.kron(images, np.ones((1, factor, factor, 1), np.uint8)))
    assert capsys.readouterr().out.count("correct") == 2


@pytest.mark.parametrize("answer,hint", [
    (lambda images, factor: images.repeat(factor, axis=0).repeat(factor, axis=1), "the first axis counts images"),
    (lambda images, factor: np.kron(images, np.ones((factor,) * 4, np.uint8)), "only height and width"),
    (lambda images, factor: np.tile(images, (1, factor, factor, 1)), "repeats the whole image"), (smooth, "no image has"),
    (lambda images, factor: enlarge(images, factor)[:, ::-1], "one even square"),
    (lambda images, factor: enlarge(images, factor) / 1.0, "stay uint8"), (lambda images, factor: enlarge(images, 3), "factor 1")])
def test_enlarge_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_enlarge(answer)


def record(generate, epochs, num, size, seed, draw="standard_normal", copy=np.copy, start=0):
    z = getattr(np.random.default_rng(seed), draw)((num, size))
    return [generate(epoch, copy(z)) for epoch in range(start, epochs)]


def fresh(generate, epochs, num, size, seed):
    rng = np.random.default_rng(seed)
    return [generate(epoch, rng.standard_normal((num, size))) for epoch in range(epochs)]


def test_latents_accepted(capsys):
    check_same_latents(record)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (fresh, "before the loop"), (lambda *args: record(*args, copy=lambda z: z), "hand out a copy"),
    (lambda *args: record(*args, draw="random"), "standard normal"), (lambda *args: record(*args, start=1), "once in each epoch"),
    (lambda *args: record(*args[:4], None), "the same seed"), (lambda *args: record(*args[:4], 0), "another seed"),
    (lambda *args: record(*args) and None, "return what was generated"),
    (lambda generate, epochs, num, size, seed: record(generate, epochs, size, num, seed), "latents of shape")])
def test_latents_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_same_latents(answer)


def verdict_with(last=5, known=lambda v: v is not None, won=lambda r, f: r > 0.95 and f < 0.05):
    def verdict(history):
        real, fake = ([row[n] for row in history[-last:] if known(row[n])] for n in ("d_real", "d_fake"))
        if not real or not fake: return "unknown"
        real, fake = np.mean(real), np.mean(fake)
        return "discriminator won" if won(real, fake) else "discriminator fooled" if fake > real else "balanced"
    return verdict


def test_verdict_accepted(capsys):
    check_verdict(verdict_with())
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (verdict_with(last=1000), "only the last five"), (verdict_with(last=1), "not the last one"),
    (verdict_with(known=lambda v: True), "leave it out"), (verdict_with(known=bool), "0.0 is a measurement"),
    (verdict_with(won=lambda r, f: r > 0.95), "below 0.05 too"), (lambda history: "balanced", "'balanced' instead of"),
    (lambda history: None, "None instead of")])
def test_verdict_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_verdict(answer)
