"Order, coverage and form of batches; the parts of an epoch; and what is refused. The same on both backends, number by number."
from games import number # first: it chooses Keras's backend

from types import SimpleNamespace

import numpy as np
import pytest

from gan_course.basics import CourseError
from gan_course.datasets import Dataset, garments
from gan_course.tpu.data import Batches, Part, epoch_order
from gan_course.tpu.strategy import find_accelerator

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(scope="module")
def numbered():
    "Image i is grey of shade i."
    shades = np.arange(200, dtype=np.uint8).reshape(200, 1, 1, 1).repeat(28, 1).repeat(28, 2)
    return Dataset("garments", "train", shades, garments(200)[1], tuple("abcdefghij"), "0" * 64)


@pytest.fixture(scope="module")
def processor(backend): return find_accelerator("cpu")


def images(part):
    "All images of a part, [steps, B, H, W, C], as `fit` would see them."
    if isinstance(part, Part): return number(part.images)[part.index]
    return np.stack([number(x) for x in part])


def shades(part): return images(part)[:, :, 0, 0, 0]


def test_the_order_is_pinned():
    "A run that is resumed years later, on whichever backend, must find the same order."
    assert epoch_order(8, seed=0, epoch=0).tolist() == [2, 4, 3, 6, 5, 0, 1, 7]
    assert epoch_order(8, seed=1, epoch=5).tolist() == [1, 2, 0, 7, 5, 4, 6, 3]
    assert sorted(epoch_order(8, seed=2**63 - 1, epoch=10**6)) == list(range(8)) and epoch_order(8, 0, 0).dtype == np.int32


def test_orders_differ_between_epochs_and_seeds_and_leave_the_global_generator_alone():
    state = np.random.get_state()[1].copy()
    orders = {tuple(epoch_order(50, seed, epoch).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100 and (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("batch_size, left", [(50, 0), (32, 8), (200, 0), (150, 50)])
def test_an_epoch_covers_every_image_once(numbered, processor, batch_size, left):
    "But for the rest, which makes no full batch, and is another one in every epoch."
    batches = Batches(numbered, batch_size, processor, seed=3)
    seen = shades(batches.part(4))
    assert seen.shape == (200 // batch_size, batch_size) and len(batches) * batch_size == 200 - left
    assert seen.ravel().tolist() == epoch_order(200, 3, 4)[:200 - left].tolist()
    if left: assert len(np.unique([shades(batches.part(epoch)) for epoch in range(8)])) > 195


@pytest.mark.parametrize("start, steps", [(0, None), (0, 6), (2, None), (2, 3), (5, 1), (0, 1)])
def test_parts_of_an_epoch(numbered, processor, start, steps):
    "Are parts of the whole; and a part can be asked for again."
    batches = Batches(numbered, 32, processor, seed=5)
    whole, part = images(batches.part(1)), batches.part(1, start, steps)
    assert (images(part) == whole[start:][:steps]).all() and (images(part) == images(batches.part(1, start, steps))).all()
    assert len(images(part)) == (6 - start if steps is None else steps)


def test_form(numbered, processor, backend):
    "Bytes, as they were, and one shape; on JAX they lie on the device once, and a part is a table of numbers."
    part = Batches(numbered, 32, processor).part(0)
    found = images(part)
    assert found.shape == (6, 32, 28, 28, 1) and found.dtype == np.uint8
    assert (found.reshape(-1, 28, 28, 1) == numbered.images[epoch_order(200, 0, 0)[:192]]).all()
    if backend == "jax":
        assert len(part) == 6 and part.index.shape == (6, 32) and part.index.dtype == np.int32 and part.images.shape == (200, 28, 28, 1)
        assert Batches(numbered, 32, processor).images.sharding.is_fully_replicated
    else: assert {tuple(x.shape) for x in part} == {(32, 28, 28, 1)}


@pytest.mark.parametrize("images_there, batch_size, devices, words", [
    (200, 201, 1, ("garments has 200 images and batch_size is 201", "not one full batch")),
    (200, 1000, 8, ("not one full batch",)), (200, 33, 8, ("batch_size 33 cannot be shared equally by 8 devices", "use a multiple of 8")),
    (200, 7, 2, ("a multiple of 2",))])
def test_refusals(numbered, images_there, batch_size, devices, words):
    with pytest.raises(CourseError) as error: Batches(numbered, batch_size, SimpleNamespace(count=devices))
    assert all(word in str(error.value) for word in words)
