"Flowers drawn by rule: the same on every computer, and every factor can be seen."
import gan_course.flowers.config # first: it chooses Keras's backend

import re
import subprocess
import sys

import numpy as np
import pytest
from cli import ROOT, environment

from gan_course.__main__ import photographs_status
from gan_course.basics import CourseError
from gan_course.datasets import checksum_of
from gan_course.flowers import blossoms as module
from gan_course.flowers.blossoms import BLOSSOMS, CHECKSUMS, FACTORS, KINDS, PLACES, blossoms, load_blossoms

EXPECTED = {(32, "train"): "2af7325fcf35be20393615beb1a06e5a48de3a56381b95c25f06e137aeee0cfa",
            (32, "test"): "469c9b9a6631a0a355599aa3d0154255a6b090e9a563a50b2c3c83b23c2b3ee3",
            (64, "test"): "020da71373fc2afb7aca6542f2d1e8c24ea85845ecf8c8dc64c3308497b70a15"}


@pytest.fixture(scope="module")
def known():
    "150 flowers of 32 pixels."
    return blossoms(150, size=32, factors=True)


@pytest.fixture(scope="module")
def drawn():
    "The factors and raw numbers of five flowers, each at the same place: what is changed in one of them is what differs."
    u = module._draw_numbers(0, 5, 0)
    f = module._draw_factors(u, 0)
    for name, value in dict(x=32, y=28, radius=18, light=1.0, ground=1, turn=10, bend=0).items(): f[name] = value
    return f, u


def redraw(drawn, size=64, **factors):
    f, u = drawn[0].copy(), drawn[1]
    for name, value in factors.items(): f[name] = value
    return module._draw(f, u, size).astype(int)


def places(size=64):
    "Distance of each pixel from the flowers' centre, and its row and column."
    y, x = (np.mgrid[:size, :size] + 0.5) * 64 / size
    return np.hypot(x - 32, y - 28), y, x


# --- the same ---

def test_shapes(known):
    images, labels, factors = known
    assert images.shape == (150, 32, 32, 3) and images.dtype == labels.dtype == np.uint8 and labels.shape == factors.shape == (150,)
    assert factors.dtype == FACTORS and np.array_equal(labels, factors["kind"]) and labels.flags["C_CONTIGUOUS"]
    assert len({image.tobytes() for image in images}) == 150


@pytest.mark.parametrize("n", [1, 2, 7, 99, 100, 101, 150])
def test_a_smaller_number_gives_the_first_of_a_larger_one(known, n):
    for part, whole in zip(blossoms(n, size=32, factors=True), known): assert np.array_equal(part, whole[:n])


@pytest.mark.parametrize("size", [64, 128])
def test_that_holds_for_every_size(size):
    assert np.array_equal(blossoms(3, size=size)[0], blossoms(6, size=size)[0][:3])


def test_the_splits_are_different_flowers(known):
    images, labels, factors = blossoms(100, size=32, split="test", factors=True)
    assert not {x.tobytes() for x in images} & {x.tobytes() for x in known[0]} and not np.array_equal(factors["x"], known[2]["x"][:100])
    assert PLACES["test"] - PLACES["train"] > max(BLOSSOMS.values()) and PLACES["test"] % 5 == PLACES["train"] % 5


@pytest.mark.parametrize("seed", [1, 2**63, 2**64 - 1])
def test_another_seed_is_another_set(known, seed):
    images, labels = blossoms(10, seed=seed, size=32)
    assert not {x.tobytes() for x in images} & {x.tobytes() for x in known[0]} and np.array_equal(labels, known[1][:10])


def test_every_size_shows_the_same_flowers(known):
    shrunk = known[0][:20].astype(float)
    for size in (64, 128):
        images, labels, factors = blossoms(20, size=size, factors=True)
        assert np.array_equal(factors, known[2][:20])
        n = size // 32
        smaller = images.reshape(20, 32, n, 32, n, 3).mean((2, 4))
        assert np.abs(smaller - shrunk).mean() < 4 and max(np.abs(smaller[i] - shrunk[i]).mean() for i in range(20)) < 7
        assert np.abs(smaller - np.roll(shrunk, 5, 0)).mean() > 15, "others would be far away"


DRAW = ("from gan_course.datasets import checksum_of; from gan_course.flowers.blossoms import blossoms\n"
        "print(checksum_of(*blossoms(40, size=32)), checksum_of(*blossoms(6, size=64, split='test')))")


def test_the_same_on_an_older_processor():
    "All that NumPy chooses by the processor is switched off."
    numpy = np._core._multiarray_umath
    chosen = " ".join(name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__.get(name))
    done = subprocess.run([sys.executable, "-c", DRAW], capture_output=True, text=True, cwd=ROOT,
                          env=environment(NPY_DISABLE_CPU_FEATURES=chosen), timeout=120)
    assert done.stdout.split() == [checksum_of(*blossoms(40, size=32)), checksum_of(*blossoms(6, size=64, split="test"))], done.stderr


@pytest.mark.parametrize("size", [32, 64])
def test_the_checksums_are_those_of_the_pictures(size):
    found = load_blossoms("test", size)
    assert found.checksum == checksum_of(found.images, found.labels) == EXPECTED[size, "test"] == CHECKSUMS[size][1]
    assert len(found) == 370 == BLOSSOMS["test"]


def test_the_table_of_checksums():
    assert set(CHECKSUMS) == {32, 64, 128} and CHECKSUMS[32][0] == EXPECTED[32, "train"]
    every = [digits for pair in CHECKSUMS.values() for digits in pair]
    assert len(set(every)) == 6 and all(re.fullmatch(r"[0-9a-f]{64}", digits) for digits in every)


# --- load_blossoms ---

def test_the_list_of_data_sets_counts_them(tmp_path):
    assert {row["split"]: row["images"] for row in photographs_status(tmp_path) if row["dataset"] == "blossoms"} == BLOSSOMS


def test_load_a_part():
    part = load_blossoms("train", 32, 12)
    images, labels = blossoms(12, size=32)
    assert np.array_equal(part.images, images) and np.array_equal(part.labels, labels) and part.checksum == f"{CHECKSUMS[32][0]}[:12]"
    assert (part.name, part.split, part.classes, len(part)) == ("blossoms", "train", KINDS, 12) and part.fingerprint.endswith("[:12]")


def test_no_more_is_drawn_than_is_asked_for(monkeypatch):
    asked = []
    def count(n, **kwargs):
        asked.append((n, kwargs))
        return np.zeros((n, 32, 32, 3), np.uint8), np.zeros(n, np.uint8)
    monkeypatch.setattr(module, "blossoms", count)
    for limit, n, checksum in ((7, 7, "[:7]"), (None, 3300, ""), (3300, 3300, ""), (5000, 3300, ""), (3299, 3299, "[:3299]")):
        assert load_blossoms("train", 32, limit).checksum == CHECKSUMS[32][0] + checksum and asked.pop()[0] == n
    load_blossoms("test", 128, 2)
    assert asked == [(2, dict(size=128, split="test"))]


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_that_makes_no_sense(limit, monkeypatch):
    "As `Dataset.limited` and `load_dataset` say it."
    monkeypatch.setattr(module, "blossoms", lambda n, **kwargs: (np.zeros((n, 32, 32, 3), np.uint8), np.zeros(n, np.uint8)))
    with pytest.raises(CourseError, match="1 or more"): load_blossoms("train", 32, limit)


@pytest.mark.parametrize("wrong,says", [
    (dict(n=0), "0 blossoms were asked for; give 1 to 999,999"), (dict(n=-3), "-3 blossoms"), (dict(n=10**6), "1000000 blossoms"),
    (dict(seed=-1), "the seed of blossoms is -1; give 0 or more"), (dict(seed=2**64), "the seed of blossoms is"),
    (dict(split="validation"), "the split is 'validation'; give train or test"), (dict(size=48), "blossoms of 48 pixels were asked for; give 32, 64 or 128"),
    (dict(size=0), "blossoms of 0 pixels")])
def test_errors(wrong, says):
    with pytest.raises(CourseError) as error: blossoms(**dict(n=1, size=32) | wrong)
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("wrong,says", [(dict(split="val"), "give train or test"), (dict(size=28), "give 32, 64 or 128")])
def test_errors_of_load_blossoms(wrong, says):
    with pytest.raises(CourseError, match=says): load_blossoms(**dict(limit=1) | wrong)


# --- the factors ---

def test_of_every_five_each_kind_is_one(known):
    assert len(KINDS) == 5 and (known[1].reshape(-1, 5) == np.arange(5)).all()
    assert (blossoms(10, size=32, split="test")[1].reshape(-1, 5) == np.arange(5)).all()


def test_factors_lie_in_their_ranges():
    f = module._draw_factors(module._draw_numbers(0, 5000, 0), 0)
    for name, low, high in (("x", 24, 40), ("y", 20, 34), ("radius", 13, 25), ("light", 0.7, 1.1), ("bend", -10, 10), ("turn", 0, 359), ("ground", 0, 3)):
        assert low <= f[name].min() < low + 0.02 * (high - low) and high - 0.02 * (high - low) < f[name].max() <= high, name
    for name in ("red", "green", "blue"): assert 0 <= f[name].min() and f[name].max() <= 1
    assert f["slim"].min() > 0.05 and f["slim"].max() < 0.8 and f["centre"].min() > 0.05 and f["centre"].max() < 0.6
    assert np.bincount(f["ground"]).min() > 1100
    petals = {kind: set(f["petals"][f["kind"] == i].tolist()) for i, kind in enumerate(KINDS)}
    assert petals == dict(daisy=set(range(11, 17)), dandelion=set(range(15, 20)), rose={5, 6, 7}, sunflower=set(range(14, 20)), tulip={3})


def test_factors_do_not_depend_on_each_other():
    f = module._draw_factors(module._draw_numbers(0, 5000, 0), 0)
    numbers = np.stack([f[name].astype(float) for name in ("kind", "turn", "ground", "x", "y", "radius", "light", "bend")])
    assert np.abs(np.corrcoef(numbers) - np.eye(len(numbers))).max() < 0.06


def test_kinds_have_their_colours():
    f = module._draw_factors(module._draw_numbers(0, 2000, 0), 0)
    red, green, blue = (np.array([f[name][f["kind"] == i].mean() for i in range(5)]) for name in ("red", "green", "blue"))
    white, yellow, rose, sun, tulip = range(5)
    assert blue[white] > 0.8 and blue[[yellow, sun]].max() < 0.2 and green[[yellow, sun]].min() > 0.6 and (red > 0.7).all()
    assert green[rose] < 0.5 and red[rose] - green[rose] > 0.3 and blue[rose] > blue[tulip] - 0.1


def test_light_is_a_factor_of_all_pixels(drawn):
    bright, dim = redraw(drawn, light=1.0), redraw(drawn, light=0.7)
    assert np.abs(dim - 0.7 * bright)[bright < 250].max() <= 1.5 and bright.mean() > 1.35 * dim.mean()


@pytest.mark.parametrize("name,by", [("x", 6), ("y", 5)])
def test_the_place(drawn, name, by):
    "The same flower elsewhere: its change of colour moves along."
    def middle(**more):
        difference = np.abs(redraw(drawn, red=0.1, green=0.9, blue=0.9, **more) - redraw(drawn, red=0.9, green=0.1, blue=0.1, **more)).sum(-1)
        y, x = np.mgrid[:64, :64] + 0.5
        return np.array([[(difference[i] * place).sum() / difference[i].sum() for place in (x, y)] for i in range(5)])
    start = middle()
    moved = middle(**{name: float(drawn[0][name][0] + by)}) - start
    wanted = [by, 0] if name == "x" else [0, by]
    assert np.abs(moved - wanted).max() < 0.3, moved
    assert np.abs(start[:4] - [32, 28]).max() < 2, "around its centre, but for the tulip"


def test_the_radius(drawn):
    def area(radius):
        difference = np.abs(redraw(drawn, radius=radius, red=0.1, green=0.9) - redraw(drawn, radius=radius, red=0.9, green=0.1)).sum(-1) > 60
        distance = places()[0]
        assert all(distance[seen].max() <= 1.1 * radius + 1 for seen in difference)
        return difference.sum((1, 2))
    small, large = area(13.0), area(24.0)
    ratio = large / small
    assert ((2 < ratio) & (ratio < 5)).all(), ratio


def test_petals_have_their_colour(drawn):
    "The brightest pixels of the ring in which the petals lie."
    colours = np.array([[0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0.2, 0.2, 0.9], [0.8, 0.1, 0.8], [0.9, 0.5, 0.1]], np.float32)
    images = redraw(drawn, size=128, red=colours[:, 0], green=colours[:, 1], blue=colours[:, 2])
    distance = places(128)[0]
    for i, colour in enumerate(colours):
        ring = images[i][(distance > 0.5 * 18) & (distance < 0.75 * 18)].astype(float)
        likeness = ring @ colour / (np.linalg.norm(ring, axis=1) * np.linalg.norm(colour) + 1e-9)
        assert (likeness > 0.995).mean() > 0.3, KINDS[i]
        found = ring[likeness > 0.995] / 255 / colour
        assert 0.6 < found.mean() < 1.1, KINDS[i]


@pytest.mark.parametrize("name,value,inside,blind", [
    ("turn", 25, lambda d, y, x: d < 22, "tulip"), ("slim", 0.1, lambda d, y, x: d < 26, None),
    ("centre", 0.7, lambda d, y, x: d < 14, "tulip"), ("petals", 4, lambda d, y, x: d < 22, None),
    ("bend", 9, lambda d, y, x: y > 27, None), ("ground", 2, lambda d, y, x: d > -1, None)])
def test_where_each_factor_is_seen(drawn, name, value, inside, blind):
    before, after = redraw(drawn), redraw(drawn, **{name: value})
    difference = np.abs(before - after).max(-1)
    where = inside(*places())
    assert difference[:, ~where].size == 0 or difference[:, ~where].max() == 0, "only there"
    for i, kind in enumerate(KINDS):
        seen = (difference[i] > 20).sum()
        assert seen == 0 if kind == blind else seen > 15, f"{name} of a {kind}: {seen} pixels"


def test_the_ground_is_seen_in_the_corners(drawn):
    corners = np.stack([redraw(drawn, ground=g)[:, :6, :6].mean((1, 2)) for g in range(4)])
    meadow, leaves, sky, soil = corners.mean(1)
    assert meadow.argmax() == 1 and sky.argmax() == 2 and soil.argmax() == 0 and leaves.sum() < 0.6 * min(meadow.sum(), sky.sum(), soil.sum())
