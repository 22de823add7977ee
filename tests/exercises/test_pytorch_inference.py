import pytest

torch = pytest.importorskip("torch")

from gan_course.exercises.pytorch_inference import check_eval, check_slerp, check_truncated


def lerp(z0, z1, t): return (1 - t) * z0 + t * z1


def slerp(z0, z1, t, care=True):
    cosine = torch.cosine_similarity(z0, z1, dim=0)
    omega = cosine.clamp(-1, 1).arccos()
    if care and omega.sin() < 1e-4: return lerp(z0, z1, t)
    return (((1 - t) * omega).sin() * z0 + (t * omega).sin() * z1) / omega.sin()


def truncated(num, latent_dim, tau):
    z = torch.randn(num, latent_dim)
    while (beyond := z.abs() > tau).any(): z[beyond] = torch.randn(int(beyond.sum()))
    return z


@torch.no_grad()
def peek(G, z):
    mode = G.training
    G.eval()
    try: return G(z)
    finally: G.train(mode)


@torch.no_grad()
def always_train(G, z):
    images = G.eval()(z)
    G.train()
    return images


def with_graph(G, z):
    mode = G.training
    images = G.eval()(z)
    G.train(mode)
    return images


@pytest.mark.parametrize("check,answer", [(check_slerp, slerp), (check_truncated, truncated), (check_eval, peek)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("check,answer,hint", [
    (check_slerp, lerp, "straight line"),
    (check_slerp, lambda z0, z1, t: slerp(z0, z1, t, care=False), "0/0"),
    (check_slerp, lambda z0, z1, t: lerp(z0, z1, t) if t in (0, 1) else slerp(z0 / z0.norm(), z1 / z1.norm(), t),
     "not their directions"),
    (check_slerp, lambda z0, z1, t: slerp(z1, z0, t), "at z0"),
    (check_truncated, lambda n, d, tau: torch.randn(n, d).clamp(-tau, tau), "clamped"),
    (check_truncated, lambda n, d, tau: torch.randn(n, d) * tau, "shrink"),
    (check_truncated, lambda n, d, tau: (torch.rand(n, d) * 2 - 1) * tau, "0.540"),
    (check_truncated, lambda n, d, tau: truncated(n * d, 1, tau), "shape"),
    (check_eval, lambda G, z: G(z).detach(), "eval() is missing"),
    (check_eval, lambda G, z: G.eval()(z).detach(), "left in evaluation mode"),
    (check_eval, always_train, "left in training mode"),
    (check_eval, with_graph, "no_grad"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)
