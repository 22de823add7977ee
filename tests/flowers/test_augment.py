"""DiffAugment against another implementation that is given the same draws: each change, its gradient, its chances, its seeds."""
import gan_course.flowers.config # noqa: F401, first: it chooses Keras's backend

import math

import numpy as np
import pytest
import tensorflow as tf

from gan_course.flowers.augment import CHANGES, cutout, diff_augment, mirror, translation, uniform
from gan_course.flowers.config import POLICIES

ALL = ",".join(POLICIES)
SEED = tf.constant([5, 2**40 + 3], tf.int64)


def images(n=6, h=16, w=16, c=3, seed=0): return np.random.default_rng(seed).uniform(-1, 1, (n, h, w, c)).astype(np.float32)
def seed(i): return tf.constant([9, i], tf.int64)


# --- Another implementation, in NumPy, image by image; draw i of each image stands in u[i] ---

def drawn(n, seed):
    "The numbers in [0, 1) that stand behind the draws of a seed: draw -> [n]."
    x = np.zeros((n, 1, 1, 1), np.float32)
    return [np.array(uniform(x, seed, 0.0, 1.0, draw)).reshape(n).astype(float) for draw in range(8)]


def as_mirror(x, u): return x[:, ::-1] if u[0] < 0.5 else x


def as_colour(x, u):
    x = x + (u[1] - 0.5)
    grey = x.mean(2, keepdims=True)
    x = grey + 2 * u[2] * (x - grey)
    return x.mean() + (0.5 + u[3]) * (x - x.mean())


def as_translation(x, u):
    h, w, _ = x.shape
    down, right = (int(np.rint((u[i] - 0.5) * 0.25 * size)) for i, size in ((4, h), (5, w)))
    x = np.roll(x, (-down, -right), (0, 1)).copy() # a positive number takes what lies below, or to the right
    if down < 0: x[:-down] = 0
    if down > 0: x[-down:] = 0
    if right < 0: x[:, :-right] = 0
    if right > 0: x[:, -right:] = 0
    return x


def as_cutout(x, u):
    x, size = x.copy(), x.shape[0]
    top, left = (math.floor(u[i] * (size + 1)) - size // 4 for i in (6, 7))
    x[max(top, 0):max(top + size // 2, 0), max(left, 0):max(left + size // 2, 0)] = 0
    return x


OTHER = dict(mirror=as_mirror, colour=as_colour, translation=as_translation, cutout=as_cutout)


def other(x, names, seed):
    draws = drawn(len(x), seed)
    out = []
    for i, image in enumerate(x.astype(float)):
        for name in names: image = OTHER[name](image, [u[i] for u in draws])
        out.append(image)
    return np.stack(out)


@pytest.mark.parametrize("size", [16, 32])
@pytest.mark.parametrize("policy", [*POLICIES, ALL, "cutout,colour", "translation,mirror"])
def test_against_another_implementation(policy, size):
    x = images(24, size, size)
    for i in range(3):
        found, expected = np.array(diff_augment(x, policy, seed(i))), other(x, policy.split(","), seed(i))
        assert np.abs(found - expected).max() < 1e-5 and np.abs(found - x).max() > 0.1
    if policy == "mirror": assert {(f == a).all() for f, a in zip(found, x)} == {True, False}


def test_the_draws_are_uniform():
    "From low to high, one for each image, each draw its own."
    x = np.zeros((4000, 1, 1, 1), np.float32)
    draws = [np.array(uniform(x, SEED, -0.5, 1.5, draw)).reshape(-1) for draw in range(8)]
    for u in draws:
        assert u.min() >= -0.5 and u.max() < 1.5 and abs(u.mean() - 0.5) < 4 * 2 / math.sqrt(12 * 4000)
        assert np.abs(np.histogram(u, 10, (-0.5, 1.5))[0] - 400).max() < 5 * 20
    assert np.abs(np.corrcoef(draws) - np.eye(8)).max() < 4 / math.sqrt(4000)


@pytest.mark.parametrize("ratio", [0.125, 0.25])
def test_translation_moves_by_whole_pixels(ratio):
    "Within the ratio, in all directions, zeros come in; nothing is blurred. Not square."
    x = images(200, 16, 8, 1) + 3
    found, seen = np.array(translation(x, SEED, ratio)), set()
    for a, b in zip(x, found):
        most = [round(ratio * size) for size in (16, 8)]
        fits = [(dy, dx) for dy in range(-most[0], most[0] + 1) for dx in range(-most[1], most[1] + 1)
                if np.array_equal(b, np.roll(np.pad(a, ((4, 4), (4, 4), (0, 0))), (dy, dx), (0, 1))[4:-4, 4:-4])]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {dy for dy, _ in seen} == set(range(-most[0], most[0] + 1)) and {dx for _, dx in seen} == set(range(-most[1], most[1] + 1))


def test_cutout_covers_what_chance_says():
    "A square of half the side whose centre is anywhere: of each direction (size + 1) places, of which the outer ones stick out."
    size, n = 16, 3000
    found = np.array(cutout(np.ones((n, size, size, 1), np.float32), SEED))[..., 0]
    assert set(np.unique(found)) == {0.0, 1.0}
    rows, columns = (found == 0).any(2).sum(1), (found == 0).any(1).sum(1)
    covered = [sum(0 <= i < size for i in range(c - 4, c + 4)) for c in range(size + 1)]
    assert set(rows) == set(columns) == set(covered) and ((found == 0).sum((1, 2)) == rows * columns).all()
    for sides in (rows, columns): assert abs(sides.mean() - np.mean(covered)) < 4 * np.std(covered) / math.sqrt(n)
    expected = np.bincount(covered, minlength=9) / (size + 1) * n
    assert np.abs(np.bincount(rows, minlength=9) - expected).max() < 5 * math.sqrt(expected.max())
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 4 / math.sqrt(n)


def test_mirror_is_a_coin():
    x = images(1000, 2, 2, 1)
    turned = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(np.array(mirror(x, SEED)), x)])
    assert abs(turned.mean() - 0.5) < 4 * 0.5 / math.sqrt(1000)


def test_brightness_is_unbiased():
    "Colour changes the mean of an image by a number between -½ and ½, as often up as down."
    x = images(4000, 2, 2)
    moved = (np.array(diff_augment(x, "colour", SEED)) - x).mean((1, 2, 3))
    assert np.abs(moved).max() < 0.5 + 1e-5 and abs(moved.mean()) < 4 / math.sqrt(12 * 4000) and abs(moved.std() - 1 / math.sqrt(12)) < 0.01


@pytest.mark.parametrize("policy", [*POLICIES, ALL])
def test_gradients(policy):
    "Against differences: all changes are linear in the image, but for nothing."
    x, direction, weights = (images(5, 8, 8, seed=i) for i in range(3))
    with tf.GradientTape() as tape:
        shown = tf.constant(x)
        tape.watch(shown)
        total = tf.reduce_sum(diff_augment(shown, policy, SEED) * weights)
    slope = np.array(tape.gradient(total, shown))
    up, down = (np.array(diff_augment(x + sign * 0.5 * direction, policy, SEED)) for sign in (1, -1))
    expected, found = ((up - down) * weights).sum((1, 2, 3)), (slope * direction).sum((1, 2, 3))
    assert np.allclose(found, expected, atol=2e-4) and np.abs(expected).min() > 1e-3, "each image has its gradient"


@pytest.mark.parametrize("policy", [*POLICIES, ALL])
def test_seeds(policy):
    "The same seed changes the same; each other one, long ones too, otherwise."
    x = images(32)
    first = np.array(diff_augment(x, policy, SEED))
    assert np.array_equal(first, diff_augment(x, policy, SEED))
    for more in ([5, 2**40 + 4], [6, 2**40 + 3], [5, 3], [5 + 2**32, 2**40 + 3]):
        assert not np.array_equal(first, diff_augment(x, policy, tf.constant(more, tf.int64))), more


@pytest.mark.parametrize("policy", POLICIES)
def test_each_image_has_numbers_of_its_own(policy):
    "The same image 64 times does not come out the same 64 times."
    x = np.repeat(images(1), 64, 0)
    found = {a.tobytes() for a in np.array(diff_augment(x, policy, SEED))}
    assert len(found) >= dict(mirror=2, colour=64, translation=15, cutout=30)[policy]


@pytest.mark.parametrize("policy", [*POLICIES, ALL])
def test_images_do_not_see_each_other(policy):
    "The first images are changed alike whatever follows, and however much."
    a, b = images(8), images(8, seed=1)
    b[:3] = a[:3]
    whole, exchanged, part = (np.array(diff_augment(x, policy, SEED)) for x in (a, b, a[:3]))
    assert np.array_equal(whole[:3], exchanged[:3]) and np.abs(whole[:3] - part).max() < 1e-6
    assert not np.array_equal(whole[3:], exchanged[3:])


def test_policies_as_text_and_as_a_list():
    x = images()
    text = np.array(diff_augment(x, "colour, cutout", SEED))
    assert np.array_equal(text, diff_augment(x, ["colour", "cutout"], SEED))
    assert np.array_equal(text, cutout(CHANGES["colour"](x, SEED), SEED))
    assert not np.array_equal(text, diff_augment(x, "cutout,colour", SEED)), "the order matters"
    assert np.array_equal(diff_augment(x, [], SEED), x)
    with pytest.raises(KeyError): diff_augment(x, "colours", SEED)


def test_inside_a_function():
    "One trace for all seeds; the same numbers as outside, for any number of images."
    traces = []
    @tf.function(input_signature=[tf.TensorSpec((None, 16, 16, 3)), tf.TensorSpec(2, tf.int64)])
    def compiled(x, seed):
        traces.append(1)
        return diff_augment(x, ALL, seed)
    for i, n in enumerate((2, 5, 9)):
        x = images(n)
        assert np.abs(compiled(x, seed(i)) - diff_augment(x, ALL, seed(i))).max() < 1e-5
    assert traces == [1]


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_kind_stay(channels):
    found = diff_augment(images(3, 32, 32, channels), ALL, (1, 2))
    assert found.shape == (3, 32, 32, channels) and found.dtype == tf.float32
