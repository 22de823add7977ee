import pytest
import torch
from torch import nn

from gan_course.exercises.pytorch_model import check_even, check_generator32, check_parameters
from gan_course.pytorch.model import upsampling


def is_even(kernel, stride): return kernel % stride == 0


def count(latent_dim, w, kernel=9, norm=2, bias=0, last=1):
    return latent_dim * 196 * w + kernel * 10 * w * w + bias * 3 * w + norm * 7 * w + last * (9 * w + 1)


def make(start=4, doublings=3, norm=True, end=nn.Tanh, how="resize"):
    def build(latent_dim, width):
        c = width * 8
        layers = [nn.Linear(latent_dim, start * start * c), nn.Unflatten(1, (c, start, start))]
        for _ in range(doublings):
            layers += [nn.BatchNorm2d(c) if norm else nn.Identity(), nn.ReLU(), upsampling(c, c // 2, how)]
            c //= 2
        return nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(c, 1, 3, padding=1), end())
    return build


def linear(latent_dim, width):
    return nn.Sequential(nn.Linear(latent_dim, 1024), nn.Tanh(), nn.Unflatten(1, (1, 32, 32)))


@pytest.mark.parametrize("check,answer", [
    (check_even, is_even), (check_parameters, count), (check_generator32, make()),
    (check_generator32, make(how="transpose"))])
def test_accepted(check, answer, capsys):
    state = torch.get_rng_state()
    check(answer)
    assert capsys.readouterr().out.startswith("correct")
    if check is check_generator32: assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("answer,hint", [
    (lambda kernel, stride: kernel >= stride, "more often than others"),
    (lambda kernel, stride: kernel % 2 == 0, "kernel 3|not a multiple|touch"),
    (lambda kernel, stride: kernel % stride == 0 and kernel > stride, "touch"),
    (lambda kernel, stride: kernel % stride == 0 and stride > 1, "stride 1")])
def test_even_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_even(answer)


@pytest.mark.parametrize("wrong,hint", [
    (dict(norm=0), "scale and shift"), (dict(norm=1), "two numbers"), (dict(norm=4), "running mean"),
    (dict(bias=1), "have no bias"), (dict(kernel=16), "3 by 3"), (dict(last=0), "is missing")])
def test_parameters_rejected(wrong, hint):
    with pytest.raises(AssertionError, match=hint): check_parameters(lambda z, w: count(z, w, **wrong))


@pytest.mark.parametrize("answer,hint", [
    (make(start=7, doublings=2), "begin with 4 by 4"), (make(doublings=2), "three times"),
    (make(end=nn.Identity), "tanh is missing"), (make(end=nn.Sigmoid), "a sigmoid gives"),
    (make(norm=False), "no BatchNorm"), (linear, "linear layers only"),
    (make(end=lambda: nn.Sequential(nn.BatchNorm2d(1), nn.Tanh())), "BatchNorm on the output")])
def test_generator32_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_generator32(answer)
