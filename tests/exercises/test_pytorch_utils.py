import pytest
import torch

from gan_course.exercises.pytorch_utils import check_bytes, check_maximum, check_quietly


def quietly(function):
    state = torch.get_rng_state()
    try: return function()
    finally: torch.set_rng_state(state)


def to_bytes(x): return (x * 255).round().clamp(0, 255).to(torch.uint8)


class Maximum:
    def __init__(self, device): self.largest = torch.tensor(-torch.inf, device=device)
    def add(self, value): self.largest = torch.maximum(self.largest, value.detach())
    def value(self): return self.largest.item()


@pytest.mark.parametrize("check,answer", [
    (check_quietly, quietly), (check_bytes, to_bytes), (check_maximum, Maximum)])
def test_accepted(check, answer, capsys):
    state = torch.get_rng_state()
    check(answer)
    assert capsys.readouterr().out.startswith("correct") and torch.equal(torch.get_rng_state(), state)


def reseeding(function):
    try: return function()
    finally: torch.manual_seed(0)


def no_finally(function):
    state = torch.get_rng_state()
    result = function()
    torch.set_rng_state(state)
    return result


def seeding_before(function):
    torch.manual_seed(1)
    return function()


@pytest.mark.parametrize("answer,hint", [
    (reseeding, "restore the state you found"), (no_finally, "in `finally`"),
    (lambda function: None, "has to return"), (lambda function: function(), "stands elsewhere than before"),
    (seeding_before, "other numbers")])
def test_quietly_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_quietly(answer)


@pytest.mark.parametrize("answer,hint", [
    (lambda x: (x.clamp(0, 1) * 255).to(torch.uint8), "round to the nearest"),
    (lambda x: (x * 256).to(torch.int64).to(torch.uint8), "multiply by 255"),
    (lambda x: (x * 255).round().to(torch.int64).to(torch.uint8), "clamp before"),
    (lambda x: ((x + 1) * 127.5).round().to(torch.uint8), r"from \[-1, 1\]"),
    (lambda x: (x * 255).round(), "expected uint8")])
def test_bytes_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_bytes(answer)


class Waiting(Maximum):
    def add(self, value): self.largest = torch.tensor(max(self.largest.item(), value.item()))


class InPython(Maximum):
    def add(self, value): self.largest = max(self.largest, value.detach())


class FromZero(Maximum):
    def __init__(self, device): self.largest = torch.zeros((), device=device)


class WithGraph(Maximum):
    def add(self, value): self.largest = torch.maximum(self.largest, value)


class Listed(Maximum):
    def __init__(self, device): self.seen = []
    def add(self, value): self.seen.append(value)
    def value(self): return max(v.item() for v in self.seen)


class Last(Maximum):
    def add(self, value): self.largest = value.detach()


@pytest.mark.parametrize("answer,hint", [
    (Waiting, r"item\(\)"), (InPython, "comparison in Python"), (FromZero, "minus infinity"),
    (WithGraph, "detach"), (Listed, "detach"), (Last, "the last number")])
def test_maximum_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_maximum(answer)
    assert torch.tensor(1.0).item() == 1.0
