"""The Fréchet distance against other implementations, and its behaviour at the edges."""
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import _compute_fid

from gan_course.basics import CourseError
from gan_course.evaluate import PixelFrechet, frechet_distance, mean_and_cov, pixel_features, symmetric_sqrt


def gaussian(d, rank, seed):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(d, rank))
    return rng.normal(size=d), factor @ factor.T / rank


def images(n=300, seed=0, low=0, high=256): return np.random.default_rng(seed).integers(low, high, (n, 8, 8, 1), dtype=np.uint8)


@pytest.mark.parametrize("d", [1, 2, 10, 64])
@pytest.mark.parametrize("seed", [0, 1])
def test_against_scipy_and_torchmetrics(d, seed):
    (mu1, cov1), (mu2, cov2) = gaussian(d, 2 * d, seed), gaussian(d, 3 * d, seed + 10)
    ours = frechet_distance(mu1, cov1, mu2, cov2)
    scipys = ((mu1 - mu2)**2).sum() + np.trace(cov1 + cov2 - 2 * scipy.linalg.sqrtm(cov1 @ cov2).real)
    theirs = _compute_fid(*(torch.from_numpy(np.atleast_1d(a)) for a in (mu1, cov1, mu2, cov2))).item()
    assert ours == pytest.approx(scipys, rel=1e-8) and ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("rank", [1, 5, 20])
def test_itself_is_zero_even_when_singular(rank):
    mu, cov = gaussian(20, rank, 3)
    for scale in [1e-6, 1, 1e6]:
        assert 0 <= frechet_distance(mu, scale * cov, mu, scale * cov) <= 1e-9 * max(1, scale)


def test_known_values():
    assert frechet_distance([0, 0], np.eye(2), [3, 4], np.eye(2)) == pytest.approx(25)
    assert frechet_distance([0], [[4]], [0], [[9]]) == pytest.approx(1)
    assert frechet_distance([0, 0], np.diag([1, 0]), [0, 0], np.diag([0, 1])) == pytest.approx(2), "nothing overlaps"


def test_properties():
    (m1, a), (m2, b) = gaussian(6, 9, 0), gaussian(6, 3, 1)
    d = frechet_distance(m1, a, m2, b)
    assert d > 0 and d == pytest.approx(frechet_distance(m2, b, m1, a))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    assert frechet_distance(turn @ m1, turn @ a @ turn.T, turn @ m2, turn @ b @ turn.T) == pytest.approx(d)
    assert frechet_distance(m1 + 5, a, m2 + 5, b) == pytest.approx(d)
    assert frechet_distance(2 * m1, 4 * a, 2 * m2, 4 * b) == pytest.approx(4 * d)


@pytest.mark.parametrize("args,hint", [
    (([0, 0], np.eye(2), [0], np.eye(1)), "shapes"), (([0, 0], np.eye(3), [0, 0], np.eye(2)), "shapes"),
    ((np.eye(2), np.eye(2), [0, 0], np.eye(2)), "shapes"), (([np.nan, 0], np.eye(2), [0, 0], np.eye(2)), "not finite"),
    (([0, 0], np.full((2, 2), np.inf), [0, 0], np.eye(2)), "not finite"), (([0, 0], [[1, 1], [0, 1]], [0, 0], np.eye(2)), "symmetric")])
def test_bad_gaussians(args, hint):
    with pytest.raises(ValueError, match=hint): frechet_distance(*args)


def test_symmetric_sqrt():
    cov = gaussian(12, 4, 0)[1]
    root = symmetric_sqrt(cov)
    assert np.allclose(root @ root, cov) and np.allclose(root, root.T) and np.linalg.eigvalsh(root).min() > -1e-7
    assert np.allclose(symmetric_sqrt(np.diag([4.0, -1e-12])), np.diag([2, 0]))


def test_mean_and_cov_by_blocks():
    x = 1e5 + np.random.default_rng(0).normal(size=(101, 4))
    for blocks in [[x], np.array_split(x, 7), [x[:1], x[1:2], x[2:]]]:
        mean, cov = mean_and_cov(blocks)
        assert np.allclose(mean, x.mean(0), rtol=1e-14) and np.allclose(cov, np.cov(x.T), rtol=1e-7)


def test_pixel_features():
    x = images()
    assert np.array_equal(pixel_features(x), x.reshape(300, 64) / 127.5 - 1) and pixel_features(x).dtype == np.float64
    assert np.allclose(pixel_features((x / 127.5 - 1).astype(np.float32)), pixel_features(x), atol=1e-6)
    for bad in [x[..., 0], x.astype(int), x / 1.0]:
        with pytest.raises(ValueError): pixel_features(bad)
    for value in [np.nan, np.inf]:
        with pytest.raises(CourseError, match="diverged"): pixel_features(np.full((1, 2, 2, 1), value))


def test_distance_is_the_formula_on_the_components():
    a, b = images(2000), images(1500, 1, 40, 200)
    measure = PixelFrechet(a, components=10)
    basis = scipy.linalg.eigh(np.cov(pixel_features(a).T))[1][:, ::-1][:, :10]
    x, y = pixel_features(a) @ basis, pixel_features(b) @ basis
    c1, c2 = np.cov(x.T), np.cov(y.T)
    expected = ((x.mean(0) - y.mean(0))**2).sum() + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2).real)
    assert measure.distance(b) == pytest.approx(expected, rel=1e-6)
    assert measure.distance((b / 127.5 - 1).astype(np.float32)) == pytest.approx(expected, rel=1e-4), "floats are the same images"
    assert 0 < measure.explained < 1 and isinstance(measure.distance(b), float)


def test_itself_and_order_and_blocks():
    x = images(9000)
    measure = PixelFrechet(x)
    assert 0 <= measure.distance(x) < 1e-9 and measure.distance(x[::-1]) < 1e-9
    assert PixelFrechet(images(300)).distance(images(300)) < 1e-9
    flat = np.zeros((100, 8, 8, 1), np.uint8)
    assert PixelFrechet(flat).distance(flat) == 0 and np.isfinite(PixelFrechet(flat).distance(images()))


def test_more_damage_is_farther():
    rng = np.random.default_rng(0)
    at = rng.integers(0, 6, (2, 3000))
    x = np.zeros((3000, 8, 8, 1), np.uint8)
    for i in range(3000): x[i, at[0, i]:at[0, i] + 3, at[1, i]:at[1, i] + 3] = 200
    measure, other = PixelFrechet(x[:2000], components=20), x[2000:]
    dropped = [measure.distance(x[2000:][at[0, 2000:] < k]) for k in (6, 4, 2)]
    assert dropped[0] < dropped[1] < dropped[2]
    grey = [measure.distance((other * f).astype(np.uint8)) for f in (1, 0.8, 0.4)]
    assert grey[0] < grey[1] < grey[2]


def test_too_few_and_wrong_images():
    measure = PixelFrechet(images())
    for few in [0, 1, 64]:
        with pytest.raises(CourseError, match=f"{few} images are too few") as error: measure.distance(images(few))
        assert "\n" not in str(error.value)
        with pytest.raises(CourseError, match="too few"): PixelFrechet(images(few))
    assert measure.distance(images(65, 1)) > 0
    with pytest.raises(ValueError, match="shape"): measure.distance(np.zeros((100, 28, 28, 1), np.uint8))
    with pytest.raises(CourseError, match="diverged"): measure.distance(np.full((100, 8, 8, 1), np.nan, np.float32))
    for components in [0, -1, 65]:
        with pytest.raises(ValueError, match="components"): PixelFrechet(images(), components=components)
    with pytest.raises(CourseError, match="too large"): PixelFrechet(np.zeros((100, 131, 131, 1), np.uint8))


def test_needs_neither_torch_nor_scipy():
    code = "import sys, gan_course.evaluate; print([m for m in ('torch', 'scipy', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
