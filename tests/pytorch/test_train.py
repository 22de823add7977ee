"""Training as a function: what it returns, what it leaves behind, and that every choice in the configuration is real."""
import shutil

import numpy as np
import pytest
import torch
from cli import SMALL, differences, final, sound, strict_json, stub_pictures, whole_run

from gan_course import loop
from gan_course.pytorch import CONFIG, train
from gan_course.pytorch.model import build_networks
from gan_course.pytorch.train import AverageWeights, Training, load_file
from gan_course.pytorch.utils import seed_everything
from gan_course.runs import RunFolder


def config(out, **changes): return CONFIG.replace(**(SMALL | changes), out=out)


def short(out, **changes): return config(out, **(dict(epochs=1, limit=96, eval_images=0) | changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "One run with everything, pictures too: configuration, what was returned, folder."
    c = config(tmp_path_factory.mktemp("train")/"run")
    return c, train(c, verbose=False), c.out


@pytest.fixture
def quick(monkeypatch): stub_pictures(monkeypatch)


def test_what_is_returned_is_what_is_written(run):
    c, metrics, folder = run
    assert metrics == strict_json(folder/"metrics.json") and metrics["status"] == "finished"
    saved = strict_json(folder/"config.json")
    assert saved["config"] == c.to_dict() and saved["track"] == "pytorch" and saved["dataset"] == metrics["dataset"]
    rows = metrics["history"]
    assert [row["epoch"] for row in rows] == [1, 2, 3] and [row["step"] for row in rows] == [10, 20, 30]
    assert [row["images_seen"] for row in rows] == [320, 640, 960]
    names = {"epoch", "step", "images_seen", "seconds", "images_per_second", "loss_g", "loss_d", "d_real", "d_fake", "rank_accuracy",
             "grad_norm_g", "grad_norm_d", "penalty", "lr_g", "lr_d", "pixel_frechet"}
    for row in rows:
        assert row.keys() == names
        assert all(row[name] is not None and np.isfinite(row[name]) for name in names - {"penalty"})
        assert 0 <= row["d_fake"] <= 1 and 0 <= row["d_real"] <= 1 and 0 <= row["rank_accuracy"] <= 1
    assert rows[0]["penalty"] is not None, "the first step of all carries it"
    assert metrics["provenance"]["images_seen"] == 960 and metrics["provenance"]["checksum"].endswith("[:320]")


def test_all_files_are_there(run):
    whole_run(run[2])
    assert sound(run[2])
    for name in ("gan_samples.png", "losses.png", "progress.png"): assert (run[2]/name).stat().st_size < 150_000


def test_the_best_generator_is_the_best_epochs(run):
    _, metrics, folder = run
    distances = [row["pixel_frechet"] for row in metrics["history"]]
    assert metrics["best"] == dict(epoch=1 + int(np.argmin(distances)), pixel_frechet=min(distances))


def test_the_best_generator_is_kept(tmp_path, quick, monkeypatch):
    "Made-up distances: the second of three epochs is best, so its weights stay, not the last ones."
    seen, values = [], iter([5.0, 2.0, 3.0])
    def distance(self, images): return next(values)
    monkeypatch.setattr(loop.PixelFrechet, "distance", distance)
    end = loop.end_of_epoch
    def noting(training, *args):
        seen.append({k: v.clone() for k, v in training.ema.network.state_dict().items()})
        return end(training, *args)
    monkeypatch.setattr(loop, "end_of_epoch", noting)
    metrics = train(config(tmp_path/"run", limit=96), verbose=False)
    assert metrics["best"] == dict(epoch=2, pixel_frechet=2.0)
    best, last = (load_file(tmp_path/"run"/name)["weights"] for name in ("best/generator.pt", "generator.pt"))
    assert differences(best, seen[1]) == [] and differences(last, seen[2]) == [] and differences(best, last)


def test_weights_that_are_written_are_those_of_the_checkpoint(run):
    found = final(run[2])
    assert differences(found["generator"]["weights"], found["checkpoint"]["state"]["ema"]) == []
    assert differences(found["discriminator"]["weights"], found["checkpoint"]["state"]["D"]) == []
    assert differences(found["generator"]["weights"], found["checkpoint"]["state"]["G"]), "the average is not the last state"


def test_the_same_again(run, tmp_path, quick):
    "Same configuration, same bits."
    torch.manual_seed(12345)
    train(config(tmp_path/"run"), verbose=False)
    assert differences(final(run[2]), final(tmp_path/"run")) == []


def test_resume_of_a_finished_run(run, tmp_path, quick):
    folder = shutil.copytree(run[2], tmp_path/"run")
    before = {p: p.read_bytes() for p in folder.rglob("*.pt")}
    again = train(run[0].replace(out=folder), resume=True, verbose=False)
    assert again["history"] == run[1]["history"] and again["best"] == run[1]["best"] and again["status"] == "finished"
    assert differences({p: load_file(p) for p in before}, {p: load_file(p) for p in folder.rglob("*.pt")}) == []


def test_no_average(tmp_path, quick):
    "Half-life 0: the generator that is kept is the one that was trained."
    train(short(tmp_path/"run", ema_half_life=0), verbose=False)
    state = final(tmp_path/"run")["checkpoint"]["state"]
    assert differences(state["G"], state["ema"]) == []


def test_average_is_an_average():
    "Against the recurrence itself, with doubles and no fused kernels."
    seed_everything(0)
    G, _ = build_networks(CONFIG.replace(width=2))
    average = AverageWeights(G, half_life=500)
    expected = G.project.weight.detach().double().clone()
    for step in range(1, 40):
        with torch.no_grad(): G.project.weight.add_(torch.randn_like(G.project.weight))
        G.hidden[0].running_var.fill_(step)
        average.update(G, 64, 64 * step)
        keep = 2 ** (-64 / min(500, 0.05 * 64 * step))
        expected = keep * expected + (1 - keep) * G.project.weight.detach().double()
    torch.testing.assert_close(average.network.project.weight.double(), expected, rtol=1e-5, atol=1e-5)
    assert (average.network.hidden[0].running_var == 39).all()


def moments(out):
    "How often each optimiser has stepped, from the last checkpoint."
    state = load_file(sorted((out/"checkpoints").glob("*.pt"))[-1])["state"]
    return {name: {int(float(v["step"])) for v in state[name]["state"].values()} for name in ("opt_g", "opt_d")}, state


@pytest.mark.parametrize("d_steps, g_steps", [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_steps_of_either_network(tmp_path, quick, d_steps, g_steps):
    metrics = train(short(tmp_path/"run", limit=192, d_steps=d_steps, g_steps=g_steps), verbose=False)
    steps = 6 // d_steps
    counts, state = moments(tmp_path/"run")
    assert counts == dict(opt_g={steps * g_steps}, opt_d={steps * d_steps}) and state["steps"] == steps
    assert metrics["history"][0]["images_seen"] == 192


@pytest.mark.parametrize("changes", [
    dict(loss="relativistic"), dict(loss="non_saturating"), dict(loss="minimax"), dict(loss="non_saturating", label_smoothing=0.1),
    dict(optimizer="rmsprop"), dict(optimizer="adamw", weight_decay=0.1), dict(d_norm="batch"), dict(dropout=0.5),
    dict(upsample="transpose"), dict(recipe="dcgan"), dict(flip=0.5), dict(instance_noise=0.5), dict(r1=0.0, r2=0.0),
    dict(precision="bf16"), dict(lr_decay="linear"), dict(deterministic=True), dict(limit=100, batch_size=33), dict(width=2),
], ids=str)
def test_every_choice_trains_and_matters(tmp_path, quick, changes):
    "Finite, moved, and not what another choice gives."
    metrics = train(short(tmp_path/"run", **changes), verbose=False)
    row = metrics["history"][0]
    assert all(np.isfinite(row[name]) for name in ("loss_g", "loss_d", "grad_norm_g", "grad_norm_d"))
    c = short(tmp_path/"run", **changes)
    seed_everything(c.seed)
    start = Training(c, torch.device("cpu"), torch.float32)
    for name, network in (("G", start.G), ("D", start.D)):
        trained = load_file(sorted((c.out/"checkpoints").glob("*.pt"))[-1])["state"][name]
        assert all(torch.isfinite(v).all() for v in trained.values() if v.is_floating_point())
        for key, value in network.named_parameters():
            if (name, key, c.loss) == ("D", "to_logit.bias", "relativistic"): # cancels in the difference of two logits
                assert (trained[key] - value).abs().max() < 1e-3
            else: assert not torch.equal(trained[key], value), f"{name}.{key}"

    if changes != dict(loss="relativistic") and not changes.get("deterministic"):
        train(short(tmp_path/"plain"), verbose=False)
        assert differences(load_file(c.out/"discriminator.pt")["weights"], load_file(tmp_path/"plain"/"discriminator.pt")["weights"])


def test_the_learning_rate_falls(tmp_path, quick):
    metrics = train(short(tmp_path/"run", lr_decay="linear", epochs=2), verbose=False)
    first, last = (row["lr_g"] for row in metrics["history"])
    assert first == pytest.approx(4e-4 * (1 - 0.95 * 2 / 6)) and last == pytest.approx(4e-4 * (1 - 0.95 * 5 / 6))


def test_pictures_and_measurements_change_nothing(tmp_path, quick):
    "With or without them, the same weights: they draw from generators of their own."
    train(short(tmp_path/"a", eval_images=500, num_samples=64), verbose=False)
    train(short(tmp_path/"b", eval_images=0, num_samples=1, checkpoint_every=1), verbose=False)
    assert differences(load_file(tmp_path/"a"/"generator.pt")["weights"], load_file(tmp_path/"b"/"generator.pt")["weights"]) == []


def test_starting_anew_in_a_used_folder(tmp_path, quick, capsys):
    "The earlier run's checkpoints go when the new run has shown that it works, and not before."
    out = tmp_path/"run"
    train(short(out, epochs=2), verbose=False)
    old = {p.name for p in (out/"checkpoints").iterdir()}
    assert old == {"step_00000003.pt", "step_00000006.pt"}
    seen, save = [], RunFolder.remove_checkpoints
    class Look(Exception): pass
    def stop(folder): raise Look
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "remove_checkpoints", stop)
        with pytest.raises(Look): train(short(out, seed=1), verbose=False)
        assert {p.name for p in (out/"checkpoints").iterdir()} == old
    def noting(folder):
        seen.append(len(folder.checkpoint_paths()))
        save(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "remove_checkpoints", noting)
        train(short(out, seed=1))
    assert "starting anew" in capsys.readouterr().out
    assert seen == [2], "once, at the first look"
    assert {p.name for p in (out/"checkpoints").iterdir()} == {"step_00000003.pt"}
    assert load_file(out/"generator.pt")["config"]["seed"] == 1


def test_how_many_checkpoints_are_kept(tmp_path, quick):
    train(short(tmp_path/"run", epochs=4, keep_checkpoints=3, checkpoint_every=2), verbose=False)
    assert sorted(p.name for p in (tmp_path/"run"/"checkpoints").iterdir()) == [f"step_{n:08d}.pt" for n in (9, 10, 12)]
