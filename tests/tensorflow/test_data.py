"Order, coverage and equality of batches; and the `tf.data` pipeline, which must give the same numbers."
import numpy as np
import pytest
import tensorflow as tf

from gan_course.basics import CourseError
from gan_course.datasets import Dataset, garments
from gan_course.tensorflow.data import DeviceBatches, epoch_order, make_dataset
from gan_course.tensorflow.utils import step_seed, to_images


@pytest.fixture(scope="module")
def clothes():
    images, labels = garments(200, seed=1)[:2]
    return Dataset("garments", "train", images, labels, tuple("abcdefghij"), "0" * 64)


@pytest.fixture(scope="module")
def numbered(clothes):
    "Image i is grey of shade i."
    shades = np.arange(200, dtype=np.uint8).reshape(200, 1, 1, 1).repeat(28, 1).repeat(28, 2)
    return Dataset("garments", "train", shades, clothes.labels, clothes.classes, "0" * 64)


def test_the_order_is_pinned():
    "A run that is resumed years later must find the same order."
    assert epoch_order(8, seed=0, epoch=0).tolist() == [2, 4, 3, 6, 5, 0, 1, 7]
    assert epoch_order(8, seed=1, epoch=5).tolist() == [1, 2, 0, 7, 5, 4, 6, 3]
    assert sorted(epoch_order(8, seed=2**63 - 1, epoch=10**6)) == list(range(8))


def test_orders_differ_between_epochs_and_seeds_and_leave_the_global_generator_alone():
    state = np.random.get_state()[1].copy()
    orders = {tuple(epoch_order(50, seed, epoch).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100 and (np.random.get_state()[1] == state).all()


def test_an_epoch_covers_every_image_once(numbered):
    for batch_size, left in [(50, 0), (32, 8), (200, 0), (150, 50)]:
        batches = DeviceBatches(numbered, batch_size, seed=3)
        seen = np.concatenate([to_images(x)[:, 0, 0, 0] for x in batches.epoch_batches(4)])
        assert len(seen) == len(set(seen.tolist())) == 200 - left == len(batches) * batch_size
        assert seen.tolist() == epoch_order(200, 3, 4)[:len(seen)].tolist()
    met = set()
    for epoch in range(6): met |= set(epoch_order(200, 3, epoch)[:150].tolist())
    assert len(met) > 195, "the images left out are others in every epoch"


@pytest.mark.parametrize("world", [1, 2, 4, 8, 32])
@pytest.mark.parametrize("flip", [0.0, 0.5])
def test_replicas_share_the_batch_of_one(clothes, world, flip):
    batches = DeviceBatches(clothes, 32, flip=flip, seed=2)
    index, seed, part = batches.index(1, 3), step_seed(2, 9, 0), 32 // world
    whole = batches.pick(index, seed)
    parts = [batches.pick(index, seed, lambda all, i=i: all[i * part:(i + 1) * part]) for i in range(world)]
    assert {len(x) for x in parts} == {part} and (tf.concat(parts, 0) == whole).numpy().all()


def test_the_same_batch_in_any_order_of_asking(clothes):
    one, other = DeviceBatches(clothes, 32, seed=5, flip=0.5), DeviceBatches(clothes, 32, seed=5, flip=0.5)
    a = [x.numpy() for epoch in (0, 1) for x in one.epoch_batches(epoch)]
    b = [other.batch(epoch, step).numpy() for epoch in (1, 0) for step in reversed(range(6))][::-1]
    assert all((x == y).all() for x, y in zip(a, b))
    rest = list(other.epoch_batches(1, start=4))
    assert len(rest) == 2 and all((x.numpy() == y).all() for x, y in zip(rest, a[10:]))


def test_form_and_range(clothes):
    x = DeviceBatches(clothes, 32).batch(0, 0)
    assert x.shape == (32, 28, 28, 1) and x.dtype == tf.float32 and tf.reduce_min(x) >= -1 and tf.reduce_max(x) <= 1
    order = epoch_order(200, 0, 0)[:32]
    assert (to_images(x) == clothes.images[order]).all(), "exact, through scaling and back"


def test_flip_is_one_coin_per_image(clothes):
    plain = DeviceBatches(clothes, 200).batch(0, 0).numpy()
    flipped, again, other = (DeviceBatches(clothes, 200, flip=0.5, seed=0).pick(epoch_order(200, 0, 0), step_seed(0, i, 0)).numpy()
                             for i in (0, 0, 1))
    same = (flipped == plain).all((1, 2, 3))
    mirrored = (flipped == plain[:, :, ::-1]).all((1, 2, 3))
    assert (same | mirrored).all() and 60 < mirrored.sum() < 140 + (same & mirrored).sum()
    assert (flipped == again).all() and (flipped != other).any(), "the coins are thrown anew in every step"


def test_refusals(clothes):
    with pytest.raises(CourseError, match="not one full batch"): DeviceBatches(clothes, 201)
    for step in (-1, 6):
        with pytest.raises(IndexError): DeviceBatches(clothes, 32).index(0, step)


def test_the_pipeline(clothes, numbered):
    "Every image once, scaled as ours, in another order in each epoch, and the same order for the same seed."
    def shades(pipeline): return [to_images(x)[:, 0, 0, 0].tolist() for x in pipeline]
    pipeline = make_dataset(numbered, 50, seed=1)
    first, second, again = shades(pipeline), shades(pipeline), shades(make_dataset(numbered, 50, seed=1))
    assert sorted(sum(first, [])) == sorted(sum(second, [])) == list(range(200))
    assert first != second and first == again and first != shades(make_dataset(numbered, 50, seed=2))
    assert [len(x) for x in make_dataset(numbered, 64)] == [64] * 3, "full batches only"
    theirs = next(iter(make_dataset(clothes, 200)))
    ours = DeviceBatches(clothes, 200).batch(0, 0)
    assert theirs.shape == ours.shape and theirs.dtype == ours.dtype
    def in_order(x): return sorted(image.tobytes() for image in x.numpy())
    assert in_order(theirs) == in_order(ours)
