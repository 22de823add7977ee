"""Flow matching: the regression's target, fields that are known exactly, the order of the solvers, and a run that resumes bit for bit."""
import math
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from cli import command, differences, refused, strict_json

from gan_course.basics import CourseError
from gan_course.pytorch.train import load_file
from gan_course.refinement import flow_matching as flow
from gan_course.refinement.flow_matching import (CONFIG, VelocityNet, bridge, build_velocity, draw, exact_velocity, flow_loss,
                                                 gaussian_velocity, generate_samples, integrate, load_velocity, train)

SMALL = dict(dataset="garments", limit=160, width=8, batch_size=32, epochs=3, held_out=16, num_samples=8, solver_steps=1,
             solver="euler", best_by="none", checkpoint_every=3, progress=False, device="cpu", precision="fp32")


def config(out, **changes): return CONFIG.replace(**(SMALL | changes), out=out)


@pytest.fixture
def quick(monkeypatch):
    "No pictures: they take most of the time of such a run."
    for name in ("save_grid", "save_figure"):
        monkeypatch.setattr(flow.figures, name, lambda what, path, **more: path.write_bytes(b"picture"))
    monkeypatch.setattr(flow.figures, "progress_strip", lambda *args, **more: None)
    monkeypatch.setattr(flow, "loss_figure", lambda *args: None)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "One run with its pictures: configuration, what was returned."
    c = config(tmp_path_factory.mktemp("flow")/"run")
    return c, train(c, verbose=False)


def last(out):
    "The newest checkpoint and the weights."
    found = load_file(sorted((out/"checkpoints").glob("*.pt"))[-1])
    found["state"] = {k: v for k, v in found["state"].items() if k not in ("seconds", "epoch_seconds", "history")}
    return {k: found[k] for k in ("state", "data")} | dict(weights=load_file(out/"velocity.pt")["weights"])


# --- The regression ---

def test_target():
    x1, x0, t = torch.randn(6, 3, 5, 5), torch.randn(6, 3, 5, 5), torch.linspace(0, 1, 6)
    x, target = bridge(x1, x0, t)
    for i in range(6):
        torch.testing.assert_close(x[i], (1 - t[i]) * x0[i] + t[i] * x1[i])
        torch.testing.assert_close(target[i], x1[i] - x0[i])
    later, _ = bridge(x1, x0, t + 1e-2)
    torch.testing.assert_close((later - x) / 1e-2, target, rtol=1e-3, atol=1e-3) # the derivative by t


def test_loss_draws_a_time_for_each_image():
    seen = []
    def spy(x, t):
        seen.append(t)
        return torch.zeros_like(x)
    loss = flow_loss(spy, torch.zeros(1000, 2))
    assert len(set(seen[0].tolist())) > 990 and 0 <= seen[0].min() and seen[0].max() <= 1
    assert abs(loss.item() - 1) < 0.1, "the target is minus the noise"


def test_the_exact_velocity_has_the_least_loss():
    points = torch.randn(5, 3, dtype=torch.float64)
    x1 = points[torch.randint(5, (20_000,))]
    x0, t = torch.randn_like(x1), torch.rand(len(x1), dtype=torch.float64)
    exact = exact_velocity(points)
    least = flow_loss(exact, x1, x0, t)
    for other in (lambda x, t: 1.05 * exact(x, t), lambda x, t: 0.95 * exact(x, t), lambda x, t: exact(x, t) + 0.1,
                  lambda x, t: exact(x, 0.95 * t)):
        assert flow_loss(other, x1, x0, t) > least


def test_the_exact_velocity_of_points_ends_at_points():
    points = torch.tensor([[-2.0, 0.0], [1.0, 1.0], [1.0, -2.0]])
    ends = integrate(exact_velocity(points), torch.randn(600, 2), 100)
    far = torch.cdist(ends, points)
    assert far.min(1).values.max() < 0.05
    shares = torch.bincount(far.argmin(1), minlength=3) / 600
    assert (shares - 1 / 3).abs().max() < 0.1, "each as often as in the data"


# --- Gaussians ---

@pytest.mark.parametrize("mean, std", [(0.0, 1.0), (2.0, 0.5), (-1.0, 3.0)])
def test_gaussian_to_gaussian(mean, std):
    "The network-free flow gives the data's moments; and the field is the conditional mean, by regression on samples."
    x0 = torch.randn(20_000, dtype=torch.float64)
    x = integrate(lambda x, t: gaussian_velocity(x, t, mean, std), x0, 64)
    assert abs(x.mean() - mean) < 0.05 * std + 0.01 and abs(x.std() / std - 1) < 0.02
    torch.testing.assert_close(x, mean + std * x0, rtol=0, atol=5e-3 * max(1, std))
    x1 = mean + std * torch.randn_like(x0)
    for time in (0.1, 0.5, 0.9):
        t = torch.full_like(x0, time)
        place, target = bridge(x1, x0, t)
        A = torch.stack([place, torch.ones_like(place)], dim=1)
        slope, offset = torch.linalg.lstsq(A, target[:, None]).solution[:, 0]
        one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        at_0, at_1 = gaussian_velocity(zero, t[:1], mean, std), gaussian_velocity(one, t[:1], mean, std)
        assert abs(at_0 - offset) < 0.12 * max(1, std) and abs(at_1 - at_0 - slope) < 0.1 * max(1, std)


def test_two_formulas_agree():
    "Many points that are normally distributed are a normal distribution."
    points = 1.0 + 0.5 * torch.randn(20_000, 1, dtype=torch.float64)
    x, t = torch.linspace(-0.5, 1.5, 9, dtype=torch.float64)[:, None], torch.full((9,), 0.4, dtype=torch.float64)
    torch.testing.assert_close(exact_velocity(points)(x, t), gaussian_velocity(x, t, 1.0, 0.5), rtol=0, atol=0.05)


# --- The solvers ---

@pytest.mark.parametrize("solver, order", [("euler", 1), ("heun", 2)])
def test_order(solver, order):
    x0 = torch.linspace(-2, 2, 100, dtype=torch.float64)
    def error(steps):
        x = integrate(lambda x, t: gaussian_velocity(x, t, 1.0, 0.6), x0, steps, solver)
        return (x - (1 + 0.6 * x0)).abs().max().item()
    assert math.log2(error(20) / error(40)) == pytest.approx(order, abs=0.3)
    assert math.log2(error(40) / error(80)) == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize("solver, asked", [("euler", [0, 0.25, 0.5, 0.75]), ("heun", [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1])])
def test_when_the_velocity_is_asked(solver, asked):
    times = []
    def velocity(x, t):
        times.append(t[0].item())
        return torch.ones_like(x)
    x = torch.zeros(2, 3)
    assert integrate(velocity, x, 4, solver).tolist() == [[1.0] * 3] * 2 and not x.any()
    assert times == pytest.approx(asked, abs=2e-4)


def test_path():
    path = integrate(lambda x, t: torch.ones_like(x), torch.zeros(3, 2), 5, path=True)
    assert path.shape == (6, 3, 2)
    torch.testing.assert_close(path[:, 0, 0], torch.arange(6) / 5)


@pytest.mark.parametrize("steps, solver, said", [(0, "heun", "at least one"), (5, "rk4", "euler, heun")])
def test_wrong_solver(steps, solver, said):
    with pytest.raises(CourseError, match=said): integrate(lambda x, t: x, torch.zeros(1, 1), steps, solver)


# --- The network ---

@pytest.mark.parametrize("channels", [1, 3])
def test_network(channels):
    net = VelocityNet(8, channels)
    x, t = torch.randn(4, channels, 28, 28), torch.rand(4)
    assert net(x, t).shape == x.shape and not net(x, t).any()
    for p in net.parameters(): torch.nn.init.normal_(p, 0, 0.1)
    out = net(x, t)
    for i in range(4): torch.testing.assert_close(out[i:i + 1], net(x[i:i + 1], t[i:i + 1]), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(out, net(x, 1 - t), atol=1e-2), "it hears the time"
    net.zero_grad()
    flow_loss(net, x).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters()), "every weight takes part"


def test_samples_do_not_depend_on_the_batch():
    net = VelocityNet(8)
    for p in net.parameters(): torch.nn.init.normal_(p, 0, 0.05)
    torch.testing.assert_close(draw(net, 7, 3, 2), draw(net, 7, 3, 2, batch=3), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(draw(net, 2, 3, 2), draw(net, 2, 4, 2))


@pytest.mark.parametrize("changes, said", [
    (dict(width=12), "multiple of 8"), (dict(solver="rk4"), "euler, heun"), (dict(learning_rate=float("nan")), "learning_rate"),
    (dict(epochs=0), "epochs"), (dict(solver_steps=0), "solver_steps"), (dict(held_out=0), "held_out"), (dict(lr=1e-3), "no field lr"),
    (dict(limit=10), "not one full batch"), (dict(best_by="pixels"), "best_by"),
], ids=str)
def test_wrong_configuration(changes, said):
    with pytest.raises(CourseError) as error: CONFIG.replace(**changes)
    assert said in str(error.value)


# --- A run ---

def test_what_a_run_leaves(run):
    c, metrics = run
    assert metrics == strict_json(c.out/"metrics.json") and metrics["status"] == "finished" and metrics["track"] == "flow"
    for name in ("gan_samples.png", "losses.png", "progress.png", "progress.npz", "velocity.pt", "config.json"):
        assert (c.out/name).stat().st_size > 100
    rows = metrics["history"]
    assert [row["images_seen"] for row in rows] == [160, 320, 480] and metrics["provenance"]["images_seen"] == 480
    for row in rows: assert all(np.isfinite(row[name]) for name in ("loss", "held_out_loss", "grad_norm", "lr", "images_per_second"))
    assert rows[-1]["loss"] < rows[0]["loss"] and rows[-1]["held_out_loss"] < rows[0]["held_out_loss"]
    assert rows[0]["lr"] > rows[-1]["lr"] > 0, "cosine"
    torch.manual_seed(c.seed)
    before, after = build_velocity(c).state_dict(), load_file(c.out/"velocity.pt")["weights"]
    assert [name for name in before if torch.equal(before[name], after[name])] == []


def test_resume_bit_for_bit(run, tmp_path, quick, monkeypatch):
    "Interrupted at several steps, in the middle of an epoch and at its end, and resumed."
    c = run[0].replace(out=tmp_path/"run")
    step, stops = flow.FlowTraining.one_step, iter([2, 4, 5, 11])
    stop = next(stops)
    def stopping(self, batches):
        nonlocal stop
        if self.steps == stop:
            stop = next(stops, None)
            raise KeyboardInterrupt
        step(self, batches)
    monkeypatch.setattr(flow.FlowTraining, "one_step", stopping)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt): train(c, resume=True, verbose=False)
        torch.manual_seed(12345)
    assert strict_json(c.out/"metrics.json")["status"] == "interrupted"
    metrics = train(c, resume=True, verbose=False)
    assert differences(last(c.out), last(run[0].out)) == []
    for ours, other in zip(metrics["history"], run[1]["history"]):
        assert [ours[k] for k in ("loss", "held_out_loss", "grad_norm")] == [other[k] for k in ("loss", "held_out_loss", "grad_norm")]


def test_another_seed_gives_another_run(run, tmp_path, quick):
    c = run[0].replace(out=tmp_path/"run", seed=1)
    train(c, verbose=False)
    assert differences(last(c.out), last(run[0].out))


def test_a_finished_run_is_not_run_again(run, tmp_path, capsys):
    folder = shutil.copytree(run[0].out, tmp_path/"run")
    before = (folder/"metrics.json").read_bytes()
    assert train(run[0].replace(out=folder), resume=True) == run[1]
    assert (folder/"metrics.json").read_bytes() == before and "provenance: flow on garments" in capsys.readouterr().out


@pytest.mark.parametrize("changes, said", [(dict(width=16), "width 8 → 16"), (dict(limit=96), "limit 160 → 96"),
                                           (dict(epochs=4), "epochs")])
def test_resume_refuses_another_run(run, changes, said):
    with pytest.raises(CourseError) as error: train(run[0].replace(**changes), resume=True, verbose=False)
    assert said in str(error.value)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, quick, monkeypatch):
    c = config(tmp_path/"run")
    step = flow.FlowTraining.one_step
    def breaking(self, batches):
        if self.steps == 7:
            with torch.no_grad(): self.network.stem.weight.fill_(float("nan"))
        step(self, batches)
    monkeypatch.setattr(flow.FlowTraining, "one_step", breaking)
    with pytest.raises(CourseError, match="no longer finite at step 7.*step_00000006"): train(c, verbose=False)
    assert strict_json(c.out/"metrics.json")["status"] == "failed"


def test_the_judge_keeps_the_best(tmp_path, quick, monkeypatch):
    values = iter([3.0, 2.0, 5.0])
    class Judge:
        def __init__(self, *args): pass
        def distance(self, images): return next(values)
    monkeypatch.setattr("gan_course.loop.FeatureFrechet", Judge)
    monkeypatch.setattr("gan_course.loop.JUDGED", 10)
    metrics = train(config(tmp_path/"run", best_by="frechet"), verbose=False)
    assert metrics["best"]["epoch"] == 2 and metrics["best"]["frechet"] == 2.0
    best, end = (load_velocity(tmp_path/"run", best=b)[0].state_dict() for b in (True, False))
    assert differences(best, end)


def test_load(run, tmp_path):
    net, c, data = load_velocity(run[0].out)
    assert c.to_dict() == run[0].to_dict() and data["name"] == "garments" and not net.training
    with torch.no_grad(): assert torch.isfinite(net(torch.randn(2, 1, 28, 28), torch.rand(2))).all()
    with pytest.raises(CourseError, match="there is no"): load_velocity(tmp_path)
    torch.save(dict(track="pytorch", config=run[0].to_dict(), data={}, weights={"to_image.weight": torch.zeros(1, 8, 3, 3)}),
               tmp_path/"velocity.pt")
    with pytest.raises(CourseError, match="weights of a velocity network"): load_velocity(tmp_path)
    torch.save(dict(track="pytorch"), tmp_path/"velocity.pt")
    with pytest.raises(CourseError, match="no file of weights"): load_velocity(tmp_path)


# --- Samples, and the command ---

def test_samples_are_those_of_the_network(run, tmp_path):
    images = generate_samples(run[0], 5, tmp_path/"five.png", seed=3)
    net, c, _ = load_velocity(run[0].out)
    assert images.dtype == np.uint8 and images.shape == (5, 28, 28, 1) and (tmp_path/"five.png").read_bytes()[:4] == b"\x89PNG"
    assert (images == flow.to_images(draw(net, 5, 3, c.solver_steps, c.solver))).all()
    for given in (run[0].out, run[0].out/"velocity.pt"): assert (generate_samples(given, 5, tmp_path/"again.png", seed=3) == images).all()
    assert (generate_samples(run[0], 5, tmp_path/"again.png", seed=4) != images).any()


def test_sample_by_command(run, tmp_path):
    folder = shutil.copytree(run[0].out, tmp_path/"run")
    (folder/"gan_samples.png").unlink()
    done = command("sample", "flow", "--run", folder, "--num", 4)
    assert done.status == 0 and "(4 images)" in done.out, done.err
    assert (folder/"gan_samples.png").read_bytes()[:4] == b"\x89PNG"


def test_evaluate_by_command(run, tmp_path):
    folder = shutil.copytree(run[0].out, tmp_path/"run")
    done = command("evaluate", "--run", folder, "--num", 500, "--features", "pixels")
    assert done.status == 0, done.err
    found = strict_json(folder/"evaluation.json")
    assert found["num"] == 500 and found["pixel_frechet"]["value"] > found["pixel_frechet"]["floor"]


@pytest.mark.parametrize("more, says", [(["--truncation", "1"], "no latents to truncate"), (["--num", "0"], "0 images"), (["--best"], "best")])
def test_what_a_flow_cannot_draw(run, tmp_path, more, says): # a run without a judge keeps no best
    refused("sample", "flow", "--run", run[0].out, "--out", tmp_path/"x.png", *more, says=says)
    assert not (tmp_path/"x.png").exists()


@pytest.mark.parametrize("arguments, says", [
    (["train", "flow"], "refinement/flow_matching"), (["train", "flow", "--help"], "refinement/flow_matching"), (["sample", "flwo"], "did you mean 'flow'"),
    (["sample", "flow", "--run", "no/run"], "no/run"), (["evaluate", "--run", "no/run"], "no run folder")])
def test_a_flow_that_is_asked_for_wrongly(arguments, says): refused(*arguments, says=says)


def test_other_weights_are_no_flow(run, tmp_path):
    torch.save(dict(track="pytorch", config=run[0].to_dict(), data={}, weights={}), tmp_path/"velocity.pt")
    refused("sample", "flow", "--run", tmp_path, says="velocity network")
