"Each number equals that of the library everybody uses, on the same features; and each fault is flagged by the metric that should."
import resource

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kernel_mmd
from torch_fidelity.metric_prc import prc_features_to_metric
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from gan_course.basics import CourseError
from gan_course.metrics import (NAMES, Reference, class_distance, copied, density_coverage, frechet, inception_score, kernel_distance, nearest,
                                precision_recall, radii, squared_distances)


def two(n=300, m=260, d=24, seed=0, shift=0.3, scale=0.8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(shift, scale, size=(m, d))


def tensors(*arrays): return [torch.from_numpy(np.asarray(a)) for a in arrays]


CASES = [dict(), dict(d=3), dict(n=100, m=500), dict(shift=0.0, scale=1.0), dict(shift=3.0), dict(scale=0.01)]


@pytest.mark.parametrize("case", CASES)
def test_frechet_is_theirs(case):
    x, y = two(**case)
    ours = frechet(x, y)[0]
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(t) for t in tensors(x, y)), verbose=False)["frechet_inception_distance"]
    assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-6)
    moments = [v for f in tensors(x, y) for v in (f.mean(0), torch.cov(f.T))]
    assert ours == pytest.approx(float(_compute_fid(*moments)), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_kernel_distance_is_theirs(case):
    x, y = two(**case | dict(n=200, m=200))
    ours = kernel_distance(x, y, size=200, subsets=1)[0]
    assert ours == pytest.approx(float(poly_mmd(*tensors(x, y))), rel=1e-3, abs=1e-9)
    assert ours == pytest.approx(kernel_mmd(x, y, kid_kernel="poly", kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1), rel=1e-3)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_are_theirs(case, k):
    x, y = two(**case)
    precise, recalled = precision_recall(x, y, k)
    theirs = prc_features_to_metric(*tensors(y, x), prc_neighborhood=k, prc_batch_size=1000, save_cpu_ram=False, verbose=False)
    assert precise.shape == (len(y),) and recalled.shape == (len(x),)
    assert precise.mean() == pytest.approx(theirs["precision"], rel=1e-3, abs=1e-9) and recalled.mean() == pytest.approx(theirs["recall"], rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("k", [1, 5])
def test_density_and_coverage_by_the_book(case, k):
    "Naeem et al. 2020, equations 3 and 5, written out."
    x, y = two(**case)
    def far(a, b): return np.linalg.norm(a[:, None] - b[None], axis=-1)
    around = np.sort(far(x, x), axis=1)[:, k]
    inside = far(y, x) < around
    dense, covered = density_coverage(x, y, k)
    assert dense.mean() == pytest.approx(inside.sum() / (k * len(y))) and covered.mean() == pytest.approx((far(x, y).min(1) < around).mean())


@pytest.mark.parametrize("parts", [1, 5, 10])
def test_inception_score_is_theirs(parts):
    logits = np.random.default_rng(0).normal(size=(500, 7)) * 3
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    theirs = isc_features_to_metric(torch.from_numpy(np.random.default_rng(0).permutation(logits)), splits=parts, shuffle=False)
    ours = inception_score(p, parts)
    assert ours.mean() == pytest.approx(theirs["inception_score_mean"], rel=1e-3) and ours.std() == pytest.approx(theirs["inception_score_std"], rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("block", [1, 7, 64, 10_000])
def test_blocks_change_nothing(block):
    x, y = two(90, 80)
    for ask in (precision_recall, density_coverage):
        for a, b in zip(ask(x, y, block=block), ask(x, y)): np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(radii(x, 2, block), radii(x, 2))
    np.testing.assert_array_equal(nearest(y, x, block)[1], nearest(y, x)[1])


def test_far_from_the_origin():
    "Differences of large squares lose digits; float64 has enough of them."
    x, y = two(80, 70)
    np.testing.assert_allclose(squared_distances(x + 1000, y + 1000), squared_distances(x, y), atol=1e-6)
    for a, b in zip(precision_recall(x + 1000, y + 1000), precision_recall(x, y)): np.testing.assert_array_equal(a, b)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(0)
    found = [kernel_distance(*rng.normal(size=(2, 20, 4)), size=20, subsets=1)[0] for _ in range(500)]
    assert min(found) < 0 and abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(500)


def test_the_deviation_is_that_of_new_draws():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 6))
    draws = [frechet(x, rng.normal(0.2, 1.1, size=(500, 6)))[0] for _ in range(100)]
    said = [frechet(x, rng.normal(0.2, 1.1, size=(500, 6)), resamples=30, seed=i)[1] for i in range(5)]
    assert 0.6 < np.mean(said) / np.std(draws) < 1.6


def test_nearest_and_copied():
    x, y = two()
    at, which = nearest(x[5:9], x)
    np.testing.assert_allclose(at, 0, atol=1e-9)
    assert which.tolist() == [5, 6, 7, 8]
    new = np.random.default_rng(5).normal(size=(200, 24))
    assert copied(x[:50] + 1e-3, x, new).all() and copied(new, x, new).mean() <= 0.01 + 1 / 200


def test_class_distance():
    even = np.eye(4)[[0, 1, 2, 3] * 5]
    assert class_distance(even) == pytest.approx(0) and class_distance(np.eye(4)[[2] * 9]) == pytest.approx(0.75)
    assert class_distance(even, [0.5, 0.5, 0, 0]) == pytest.approx(0.5)


@pytest.mark.parametrize("ask", [frechet, kernel_distance, precision_recall, density_coverage])
def test_bad_features(ask):
    x, y = two()
    for bad, error, says in [(y[:, 0], ValueError, "must be"), (y[:0], CourseError, "too few"), (np.where(np.arange(24) == 3, np.nan, y), CourseError, "not finite"),
                             (y * np.inf, CourseError, "not finite")]:
        with pytest.raises(error, match=says): ask(x, bad)
    with pytest.raises(ValueError): ask(x, y[:, :5])


class Flat:
    "A judge for tests: means of the quarters of an image are the features, the brightest quarter is the class."
    def __call__(self, images):
        n, h, w, _ = images.shape
        f = images.reshape(n, 2, h // 2, 2, w // 2).mean((2, 4)).reshape(n, 4) / 25.0
        return f, np.eye(4)[f.argmax(1)]


def pictures(n, seed, kinds=4):
    "Small pictures with one bright quarter."
    rng = np.random.default_rng(seed)
    quarter = rng.integers(0, kinds, n)
    bright = np.repeat(np.repeat(np.eye(4)[quarter].reshape(n, 2, 2, 1), 4, 1), 4, 2)
    return np.clip(60 + 120 * bright + rng.normal(0, 25, (n, 1, 1, 1)) + rng.normal(0, 20, (n, 8, 8, 1)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def reference(): return Reference(Flat(), pictures(1500, 1), pictures(600, 2))


def test_real_images_get_the_floor(reference):
    found = reference(reference_test := pictures(600, 2))
    assert set(found) == set(NAMES) and len(reference_test) == 600
    for name, row in found.items():
        assert all(type(value) is float for value in row.values()), row
        if name in ("kernel", "inception_score"): assert row["low"] <= row["floor"] <= row["high"], name # of other subsets and parts
        else: assert row["value"] == pytest.approx(row["floor"], rel=1e-9, abs=1e-12), name
        assert row["low"] <= row["value"] <= row["high"]


def test_each_fault_is_flagged(reference):
    rng = np.random.default_rng(0)
    train = pictures(1500, 1)
    real = reference(pictures(600, 3))
    noise = reference(rng.integers(0, 256, (600, 8, 8, 1), dtype=np.uint8))
    one = reference(np.repeat(pictures(1, 4), 600, axis=0))
    copies = reference(train[rng.choice(300, 600)])
    missing = reference(pictures(600, 5, kinds=2))
    assert all(abs(row["value"] - row["floor"]) < 0.1 + 0.5 * abs(row["floor"]) for name, row in real.items() if name not in ("kernel", "frechet"))
    assert noise["precision"]["value"] < 0.5 * noise["precision"]["floor"] and noise["frechet"]["low"] > 5 * noise["frechet"]["floor"]
    assert one["coverage"]["value"] < 0.05 and one["class_distance"]["value"] > 0.7 and one["frechet"]["low"] > 5 * one["frechet"]["floor"]
    assert copies["copied"]["low"] > 0.9 > 0.1 > copies["copied"]["floor"]
    assert missing["class_distance"]["low"] > 0.4 and missing["coverage"]["high"] < 0.7 and missing["precision"]["value"] > 0.9 * missing["precision"]["floor"]


def test_too_few_samples_are_said(reference):
    with pytest.raises(CourseError, match="too few"): reference(pictures(3, 0))


def test_ten_thousand_samples_fit():
    "In memory: distances are taken block by block."
    x, y = two(10_000, 10_000, 128)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    precision_recall(x, y), density_coverage(x, y), nearest(y, x)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000 # kB
