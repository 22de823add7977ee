import pytest

torch = pytest.importorskip("torch")

from gan_course.exercises.refinement_flow_matching import check_bridge, check_ends, check_euler, check_loss


def bridge(point=lambda x1, x0, t: (1 - t) * x0 + t * x1, velocity=lambda x1, x0, t: x1 - x0,
           shape=(-1, 1, 1, 1)):
    def on_the_line(x1, x0, t):
        t = t.view(*shape)
        return point(x1, x0, t), velocity(x1, x0, t)
    return on_the_line


def loss(times=torch.rand, target=lambda x1, x0: x1 - x0, back=False, over=torch.mean, again=False):
    def of(velocity, x1):
        x0, t = torch.randn_like(x1), times(len(x1))
        w = t.view(-1, 1, 1, 1)
        x = w * x0 + (1 - w) * x1 if back else (1 - w) * x0 + w * x1
        if again: x0 = torch.randn_like(x1)
        return over((velocity(x, t) - target(x1, x0)).square())
    return of


def euler(times=lambda n: [i / n for i in range(n)], length=lambda n: 1 / n, in_place=False):
    def solve(velocity, x, steps):
        for t in times(steps):
            step = velocity(x, torch.full((len(x),), float(t))) * length(steps)
            x = x.add_(step) if in_place else x + step
        return x
    return solve


def ends(back=lambda t: t, on=lambda t: 1 - t):
    def both(x, v, t):
        t = t[:, None, None, None]
        return x - back(t) * v, x + on(t) * v
    return both


@pytest.mark.parametrize("check,answer", [
    (check_bridge, bridge()), (check_loss, loss()), (check_euler, euler()), (check_ends, ends()),
    (check_euler, euler(lambda n: torch.linspace(0, 1, n + 1)[:-1])),
])
def test_accepted(check, answer, capsys):
    check(answer)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("check,answer,hint", [
    (check_bridge, bridge(lambda x1, x0, t: t * x0 + (1 - t) * x1), "backwards"),
    (check_bridge, bridge(lambda x1, x0, t: x0 + t * x1), "not on the line"),
    (check_bridge, bridge(lambda x1, x0, t: (1 - t.mean()) * x0 + t.mean() * x1), "one time per image"),
    (check_bridge, bridge(velocity=lambda x1, x0, t: x0 - x1), "points back"),
    (check_bridge, bridge(velocity=lambda x1, x0, t: x1), "an end of the line"),
    (check_bridge, bridge(velocity=lambda x1, x0, t: x0), "an end of the line"),
    (check_bridge, bridge(velocity=lambda x1, x0, t: (1 - t) * (x1 - x0)), "is left"),
    (check_bridge, bridge(shape=(-1,)), "[B, 1, 1, 1]"),
    (check_loss, loss(lambda num: torch.rand(1).expand(num)), "shares one time"),
    (check_loss, loss(torch.randn), "not normal"),
    (check_loss, loss(lambda num: torch.rand(num).square()), "not uniform"),
    (check_loss, loss(target=lambda x1, x0: x1), "target is x1 - x0"),
    (check_loss, loss(target=lambda x1, x0: x0), "target is x1 - x0"),
    (check_loss, loss(back=True), "does not fit its time"),
    (check_loss, loss(over=torch.sum), "not the sum"),
    (check_loss, loss(over=lambda squares: squares.mean((1, 2, 3))), "one number"),
    (check_euler, euler(lambda n: [1 - i / n for i in range(n)]), "backwards"),
    (check_euler, euler(lambda n: [(i + 1) / n for i in range(n)]), "off by one"),
    (check_euler, euler(lambda n: torch.linspace(0, 1, n)), "five ends"),
    (check_euler, euler(lambda n: [i / n for i in range(n - 1)]), "is missing"),
    (check_euler, euler(lambda n: [i / n for i in range(n + 1)]), "too many"),
    (check_euler, euler(length=lambda n: 1), "1/steps"),
    (check_euler, euler(length=lambda n: -1 / n), "wrong way"),
    (check_euler, euler(in_place=True), "in place"),
    (check_ends, ends(on=lambda t: 1), "too far"),
    (check_ends, ends(lambda t: 1 - t, lambda t: t), "exchanged"),
    (check_ends, lambda *args: ends()(*args)[::-1], "the order"),
    (check_ends, ends(back=lambda t: 0 * t), "x - t v"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)
