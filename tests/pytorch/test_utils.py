"Random states, pixels and meters."
import random

import numpy as np
import pytest
import torch

from gan_course.pytorch.utils import (
    Meter, make_latents, rng_state, save_samples, seed_everything, set_rng_state, to_images)

CPU = torch.device("cpu")


def three(): return random.random(), np.random.rand(), torch.rand(1).item()


@pytest.mark.parametrize("seed", [0, 7, 2**32, 2**63 - 1])
def test_a_seed_repeats_every_generator(seed):
    seed_everything(seed); first = three()
    three()
    seed_everything(seed); assert three() == first
    seed_everything(seed ^ 1); assert three() != first


def test_deterministic_is_switched_on_and_off(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    try:
        seed_everything(0, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        seed_everything(0)
    assert not torch.are_deterministic_algorithms_enabled()


def test_rng_state_round_trip(tmp_path):
    torch.manual_seed(3); torch.randn(5)
    state = rng_state(CPU)
    torch.save(state, tmp_path/"state.pt") # as a checkpoint does
    expected = torch.randn(7), torch.rand(2), torch.randint(10, (3,))
    set_rng_state(torch.load(tmp_path/"state.pt", weights_only=True), CPU)
    got = torch.randn(7), torch.rand(2), torch.randint(10, (3,))
    assert all(torch.equal(a, b) for a, b in zip(expected, got))


def test_the_state_is_a_copy():
    state = rng_state(CPU)
    before = {name: value.clone() for name, value in state.items()}
    torch.randn(10)
    assert all(torch.equal(state[name], before[name]) for name in state)


def test_a_state_from_another_kind_of_device_sets_the_cpu():
    state = rng_state(CPU)
    a = torch.rand(3)
    set_rng_state(state | {"cuda": torch.zeros(16, dtype=torch.uint8)}, CPU)
    assert torch.equal(torch.rand(3), a)


@pytest.mark.parametrize("kind,arguments", [("cuda:1", 1), ("xpu:1", 1), ("mps", 0)])
def test_the_state_is_that_of_the_device_in_use(kind, arguments, monkeypatch):
    device, calls = torch.device(kind), []
    fake = type("fake", (), {
        "get_rng_state": staticmethod(lambda *at: calls.append(at) or torch.zeros(1)),
        "set_rng_state": staticmethod(lambda state, *at: calls.append(at))})
    monkeypatch.setattr(torch, device.type, fake)
    set_rng_state(rng_state(device), device)
    assert calls == [(device,) * arguments] * 2, "cuda:1 has a state of its own"


def test_latents_are_pinned():
    state = torch.get_rng_state()
    z = make_latents(2, 3, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert z.shape == (2, 3) and z.dtype == torch.float32
    assert z[0].tolist() == pytest.approx([1.5409960, -0.2934289, -2.1787894], abs=1e-5)
    assert not torch.equal(z, make_latents(2, 3, seed=1))


def test_to_images():
    x = torch.tensor([-1.5, -1.0, 0.0, 1.0, 1.5, 0.002]).reshape(1, 1, 2, 3)
    x.requires_grad_(True)
    got = to_images(x)
    assert got.dtype == np.uint8 and got.shape == (1, 2, 3, 1) and got.flags["C_CONTIGUOUS"]
    assert got.ravel().tolist() == [0, 0, 128, 255, 255, 128]
    assert to_images(torch.zeros(2, 3, 4, 5)).shape == (2, 4, 5, 3)
    assert (to_images(torch.ones(1, 1, 2, 2, dtype=torch.bfloat16)) == 255).all()
    planes = torch.stack([torch.full((2, 2), v) for v in (-1.0, 0.0, 1.0)])[None]
    assert to_images(planes)[0, 0, 0].tolist() == [0, 128, 255]


def test_meter():
    meter = Meter(["a", "b"], CPU)
    assert all(np.isnan(v) for v in meter.means().values())
    meter.add(b=torch.tensor(4.0), a=torch.tensor(2.0)) # in any order
    meter.add(a=torch.tensor(4.0, requires_grad=True) * 1)
    assert meter.means() == {"a": 3.0, "b": 4.0} and not meter.sums.requires_grad
    meter.add(a=torch.tensor(float("nan"))); assert np.isnan(meter.means()["a"]) and meter.means()["b"] == 4.0
    with pytest.raises(ValueError): meter.add(c=torch.tensor(1.0))


def test_meter_loses_no_digits():
    meter = Meter(["a"], CPU)
    for _ in range(20_000): meter.add(a=torch.tensor(0.1, dtype=torch.float64))
    assert meter.means()["a"] == pytest.approx(0.1, abs=1e-12)


def test_meter_in_a_checkpoint(tmp_path):
    meter = Meter(["a", "b"], CPU)
    meter.add(a=torch.tensor(2.0), b=torch.tensor(1.0))
    torch.save(meter.state_dict(), tmp_path/"meter.pt")
    again = Meter(["a", "b"], CPU)
    again.load_state_dict(torch.load(tmp_path/"meter.pt", weights_only=True))
    for m in (meter, again): m.add(a=torch.tensor(5.0))
    assert again.means() == meter.means() == {"a": 3.5, "b": 1.0}
    meter.reset()
    assert again.means()["a"] == 3.5 and np.isnan(meter.means()["a"])


def test_save_samples(tmp_path):
    path = save_samples(torch.zeros(4, 1, 8, 8), tmp_path/"grid.png", "nothing", title="grey")
    assert path.read_bytes().startswith(b"\x89PNG")
