import pytest

torch = pytest.importorskip("torch")

from gan_course.exercises.pytorch_train import check_average, check_checkpoint


def right(images, half_life): return 0.5 ** (images / half_life)


def following(keep=right, buffers="copy"):
    @torch.no_grad()
    def follow(average, network, images, half_life):
        k = keep(images, half_life)
        for a, p in zip(average.parameters(), network.parameters()): a.lerp_(p, 1 - k)
        for a, b in zip(average.buffers(), network.buffers()):
            if buffers == "copy" or (buffers == "average" and not b.is_floating_point()): a.copy_(b)
            elif buffers == "average": a.lerp_(b, 1 - k)
    return follow


def test_average_accepted(capsys):
    check_average(following())
    assert "correct" in capsys.readouterr().out


def wrong_network(average, network, images, half_life): following()(network, average, images, half_life)
def nothing(average, network, images, half_life): pass


@pytest.mark.parametrize("answer,hint", [
    (following(buffers="forget"), "forgotten"),
    (following(buffers="average"), "copy them"),
    (following(lambda n, h: 0.5 ** (1 / h)), "in images"),
    (following(lambda n, h: 1 - right(n, h)), "wrong way round"),
    (wrong_network, "was changed"),
    (nothing, "did not move"),
])
def test_average_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_average(answer)


def checkpoint(*forgotten):
    def save(network, optimizer, step):
        return dict(network=network.state_dict(), optimizer=optimizer.state_dict(), step=step, rng=torch.get_rng_state())
    def load(network, optimizer, state):
        if "network" not in forgotten: network.load_state_dict(state["network"])
        if "optimizer" not in forgotten: optimizer.load_state_dict(state["optimizer"])
        if "rng" not in forgotten: torch.set_rng_state(state["rng"])
        return 0 if "step" in forgotten else None if "return" in forgotten else state["step"]
    return save, load


def test_checkpoint_accepted(capsys):
    check_checkpoint(*checkpoint())
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("forgotten,hint", [
    ("network", "weights"), ("optimizer", "two moments"), ("rng", "other batches"), ("step", "step is lost"),
    ("return", "returns the step"),
])
def test_checkpoint_rejected(forgotten, hint):
    with pytest.raises(AssertionError, match=hint): check_checkpoint(*checkpoint(forgotten))


def test_the_random_state_is_put_back():
    before = torch.get_rng_state()
    check_checkpoint(*checkpoint())
    assert torch.equal(before, torch.get_rng_state())
