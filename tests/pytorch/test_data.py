"Order, coverage and equality of batches; and the data set of torchvision, which must give the same numbers."
import struct

import numpy as np
import pytest
import torch

from gan_course.basics import CourseError
from gan_course.datasets import Dataset, garments
from gan_course.pytorch.data import DeviceBatches, epoch_order
from gan_course.pytorch.utils import to_images

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def clothes():
    images, labels = garments(200, seed=1)[:2]
    return Dataset("garments", "train", images, labels, tuple("abcdefghij"), "0" * 64)


def made(dataset, batch_size=32, **options): return DeviceBatches(dataset, batch_size, device=CPU, **options)


def test_the_order_is_pinned():
    "A run that is resumed years later must find the same order."
    assert epoch_order(8, seed=0, epoch=0).tolist() == [4, 0, 7, 3, 2, 5, 1, 6]
    assert epoch_order(8, seed=1, epoch=5).tolist() == [6, 3, 2, 5, 4, 0, 1, 7]
    assert epoch_order(8, seed=2**63 - 1, epoch=10**6).sort().values.tolist() == list(range(8))


def test_orders_differ_between_epochs_and_seeds_and_leave_the_global_generator_alone():
    state = torch.get_rng_state()
    orders = {tuple(epoch_order(50, seed, epoch).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100 and torch.equal(torch.get_rng_state(), state)


def test_an_epoch_covers_every_image_once(clothes):
    number = np.arange(200, dtype=np.uint8).reshape(200, 1, 1, 1).repeat(28, 1).repeat(28, 2)
    numbered = Dataset("garments", "train", number, clothes.labels, clothes.classes, "0" * 64)
    for batch_size, left in [(50, 0), (32, 8), (200, 0), (150, 50)]:
        batches = made(numbered, batch_size, seed=3)
        seen = np.concatenate([to_images(x)[:, 0, 0, 0] for x in batches.epoch_batches(4)])
        assert len(seen) == len(set(seen.tolist())) == 200 - left == len(batches) * batch_size
    met = set()
    for epoch in range(6): met |= set(epoch_order(200, 3, epoch)[:150].tolist())
    assert len(met) > 195, "the images left out are others in every epoch"


@pytest.mark.parametrize("world", [1, 2, 4, 8, 32])
@pytest.mark.parametrize("flip", [0.0, 0.5])
def test_processes_share_the_batch_of_one(clothes, world, flip):
    torch.manual_seed(0); whole = made(clothes, flip=flip, seed=2).batch(1, 3)
    parts = []
    for rank in range(world):
        torch.manual_seed(0)
        parts.append(made(clothes, flip=flip, seed=2, rank=rank, world=world).batch(1, 3))
    assert {len(part) for part in parts} == {32 // world} and torch.equal(torch.cat(parts), whole)


def test_the_same_batch_in_any_order_of_asking(clothes):
    one, other = made(clothes, seed=5), made(clothes, seed=5)
    a = [x.clone() for epoch in (0, 1) for x in one.epoch_batches(epoch)]
    b = [other.batch(epoch, step) for epoch in (1, 0) for step in reversed(range(6))][::-1]
    assert all(torch.equal(x, y) for x, y in zip(a[:6] + a[6:], b[:6] + b[6:]))
    rest = list(other.epoch_batches(1, start=4))
    assert len(rest) == 2 and all(torch.equal(x, y) for x, y in zip(rest, a[10:]))


def test_form_and_range(clothes):
    x = made(clothes).batch(0, 0)
    assert x.shape == (32, 1, 28, 28) and x.dtype == torch.float32 and -1 <= x.min() and x.max() <= 1
    assert x.is_contiguous(memory_format=torch.channels_last)
    before = clothes.images.copy()
    x.zero_()
    assert (clothes.images == before).all(), "a batch is a copy"


def test_flip_is_one_coin_per_image(clothes):
    plain = made(clothes, 200).batch(0, 0)
    torch.manual_seed(0); flipped = made(clothes, 200, flip=0.5).batch(0, 0)
    same = (flipped == plain).flatten(1).all(1)
    mirrored = (flipped == plain.flip(3)).flatten(1).all(1)
    assert (same | mirrored).all() and 60 < mirrored.sum() < 140 + (same & mirrored).sum()


def test_refusals(clothes):
    with pytest.raises(CourseError, match="not one full batch"): made(clothes, 201)
    with pytest.raises(CourseError, match="multiple of 3"): made(clothes, 32, world=3)
    for rank in (-1, 2):
        with pytest.raises(ValueError): made(clothes, rank=rank, world=2)
    for step in (-1, 6):
        with pytest.raises(IndexError): made(clothes).batch(0, step)


def test_equal_to_torchvision(clothes, tmp_path):
    "torchvision's FashionMNIST and its usual transforms, reading our images from files in its own form."
    from torchvision import datasets, transforms
    raw = tmp_path/"FashionMNIST"/"raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        (raw/f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, 200, 28, 28) + clothes.images.tobytes())
        (raw/f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 200) + clothes.labels.tobytes())
    usual = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    theirs = datasets.FashionMNIST(tmp_path, train=True, download=False, transform=usual)
    order = epoch_order(200, 0, 0)[:32].tolist()
    expected = torch.stack([theirs[i][0] for i in order])
    ours = made(clothes).batch(0, 0)
    assert ours.shape == expected.shape and (ours - expected).abs().max() < 1e-6
    assert [theirs[i][1] for i in order] == clothes.labels[order].tolist()
