import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F

from gan_course.exercises.pytorch_engine import check_hinge, check_mixing, check_r1, check_smoothing

up = F.softplus


def r1(norm=lambda slope: slope.square().sum((1, 2, 3)), create_graph=True, over=torch.mean, factor=0.5):
    def penalty(D, x, gamma):
        x = x.detach().requires_grad_()
        slope, = torch.autograd.grad(D(x).sum(), x, create_graph=create_graph)
        return factor * gamma * over(norm(slope))
    return penalty


def hinge(a, b): return F.relu(1 - (a - b)).mean()
def paired(a_real, a_fake): return hinge(a_real, a_fake), hinge(a_fake, a_real)


def label(a, s): return ((1 - s) * up(-a) + s * up(a)).mean()
def smoothed(a_real, a_fake, s): return label(a_real, s) + up(a_fake).mean()


def mixing(draw):
    def between(x, fake):
        epsilon = draw(x)
        return epsilon * x + (1 - epsilon) * fake
    return between


@pytest.mark.parametrize("check,answer", [
    (check_r1, r1()), (check_hinge, paired), (check_smoothing, smoothed),
    (check_mixing, mixing(lambda x: torch.rand(len(x), 1, 1, 1))),
])
def test_accepted(check, answer, capsys):
    check(answer)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("check,answer,hint", [
    (check_r1, r1(lambda slope: slope.square()), "784 times too weak"),
    (check_r1, r1(lambda slope: slope.flatten(1).norm(dim=1)), "no root"),
    (check_r1, r1(lambda slope: (slope.flatten(1).norm(dim=1) - 1) ** 2), "WGAN-GP"),
    (check_r1, r1(create_graph=False), "create_graph"),
    (check_r1, r1(over=torch.sum), "not the sum"),
    (check_r1, r1(factor=1.0), "gamma / 2"),
    (check_r1, r1(over=lambda norms: norms), "one number"),
    (check_hinge, lambda a_real, a_fake: paired(a_fake, a_real), "the sign"),
    (check_hinge, lambda a_real, a_fake: paired(a_real.mean(), a_fake.mean()), "compare each pair"),
    (check_hinge, lambda a_real, a_fake: (hinge(a_real, a_fake), hinge(a_fake.detach(), a_real)), "through a_fake"),
    (check_hinge, lambda a_real, a_fake: (F.relu(a_fake - a_real).mean(), F.relu(a_real - a_fake).mean()), "margin"),
    (check_smoothing, lambda a_real, a_fake, s: label(a_real, s) + label(-a_fake, s), "smoothed too"),
    (check_smoothing, lambda a_real, a_fake, s: (1 - s) * up(-a_real).mean() + up(a_fake).mean(), "no smaller label"),
    (check_smoothing, lambda a_real, a_fake, s: up(-a_real).mean() + up(a_fake).mean(), "still labelled 1"),
    (check_mixing, mixing(lambda x: torch.randn(len(x), 1, 1, 1)), "not normal"),
    (check_mixing, mixing(torch.rand_like), "every pixel"),
    (check_mixing, mixing(lambda x: torch.rand(1, 1, 1, 1)), "shares one weight"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)
