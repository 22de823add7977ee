"""Training as a function: what it returns, what it leaves behind, and that every choice in the configuration is real."""
from gan_course.tensorflow.config import CONFIG # first: it chooses Keras's backend

import importlib
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from cli import TRACKS, command, differences, final, sound, strict_json, stub_pictures, train_arguments, whole_run

from gan_course import loop
from gan_course.datasets import load_dataset
from gan_course.runs import RunFolder
from gan_course.tensorflow import train
from gan_course.tensorflow.model import build_networks
from gan_course.tensorflow.train import AverageWeights, Training, make_optimizer
from gan_course.tensorflow.utils import seed_everything

module = importlib.import_module("gan_course.tensorflow.train")
TRACK = TRACKS["tensorflow"]
load = TRACK.load


def config(out, **changes): return CONFIG.replace(**(TRACK.small | changes), out=out)


def short(out, **changes): return config(out, **(dict(epochs=1, limit=96, eval_images=0) | changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "One run with everything, pictures too: configuration, what was returned, folder; and how often its function was traced."
    c, steps, make = config(tmp_path_factory.mktemp("train")/"run"), [], module.Steps
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Steps", lambda *args: steps.append(make(*args)) or steps[0])
        return c, train(c, verbose=False), c.out, [s.traces() for s in steps]


@pytest.fixture
def quick(monkeypatch): stub_pictures(monkeypatch)


@pytest.fixture
def eager(quick):
    "No graphs: for a few steps, tracing would take most of the time. The fused function is tested in test_engine.py."
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_what_is_returned_is_what_is_written(run):
    c, metrics, folder, _ = run
    assert metrics == strict_json(folder/"metrics.json") and metrics["status"] == "finished"
    saved = strict_json(folder/"config.json")
    assert saved["config"] == c.to_dict() and saved["track"] == "tensorflow" and saved["dataset"] == metrics["dataset"]
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
    assert metrics["provenance"]["device"] == "cpu" and {"tensorflow", "keras"} <= metrics["provenance"]["packages"].keys()


def test_a_whole_run_is_traced_once_for_each_kind_of_step(run): assert run[3] == [2]


def test_all_files_are_there(run):
    whole_run(run[2], track="tensorflow")
    assert sound(run[2], track="tensorflow")
    for name in ("gan_samples.png", "losses.png", "progress.png"): assert (run[2]/name).stat().st_size < 150_000


def test_the_best_generator_is_the_best_epochs(run):
    distances = [row["pixel_frechet"] for row in run[1]["history"]]
    assert run[1]["best"] == dict(epoch=1 + int(np.argmin(distances)), pixel_frechet=min(distances))


def test_the_best_generator_is_kept(tmp_path, eager, monkeypatch):
    "Made-up distances: the second of three epochs is best, so its weights stay, not the last ones."
    seen, values = [], iter([5.0, 2.0, 3.0])
    monkeypatch.setattr(loop.PixelFrechet, "distance", lambda self, images: next(values))
    end = loop.end_of_epoch
    def noting(training, *args):
        seen.append([v.numpy() for v in training.ema.network.variables])
        return end(training, *args)
    monkeypatch.setattr(loop, "end_of_epoch", noting)
    metrics = train(config(tmp_path/"run", limit=96), verbose=False)
    assert metrics["best"] == dict(epoch=2, pixel_frechet=2.0)
    best, last = (in_file(tmp_path/"run"/name) for name in ("best/generator.weights.h5", "generator.weights.h5"))
    assert best == arrays(seen[1]) and last == arrays(seen[2]) and best != last


def arrays(values):
    "A bag of arrays, by shape and bits: files name them otherwise than checkpoints do."
    return sorted((np.shape(v), np.asarray(v).tobytes()) for v in values)


def in_file(path): return arrays(load(path)["weights"].values())


def test_weights_that_are_written_are_those_of_the_checkpoint(run):
    folder, state = run[2], final(run[2], track="tensorflow")["checkpoint"]["state"]
    assert in_file(folder/"generator.weights.h5") == in_file(folder/"generator.keras") == arrays(state["ema"].values())
    assert in_file(folder/"discriminator.weights.h5") == in_file(folder/"discriminator.keras") == arrays(state["D"].values())
    assert arrays(state["G"].values()) != arrays(state["ema"].values()), "the average is not the last state"


def test_a_checkpoint_holds_everything(run):
    "Every variable there is; of both optimisers two moments for each weight, their steps and learning rates."
    c, state = run[0], final(run[2], track="tensorflow")["checkpoint"]["state"]
    G, D = build_networks(c)
    for name, network in (("G", G), ("D", D), ("ema", G)):
        assert {k for k in state[name]} == {v.path for v in network.variables}
    for name, network in (("opt_g", G), ("opt_d", D)):
        assert len(state[name]) == 2 + 2 * len(network.trainable_variables)
        assert sum(v.size for v in state[name].values()) == 2 + 2 * sum(v.numpy().size for v in network.trainable_variables)
    assert len(state["strips"]) == len(state["history"]) == 3 and state["steps"] == 30 and state["images_seen"] == 960
    _, D = build_networks(c.replace(dropout=0.5))
    assert len(module.named_variables(D)) == len(D.variables) == len(D.weights) + 3, "the counters of dropout too"


def test_the_same_again(run, tmp_path, quick):
    "Same configuration, same bits."
    keras.utils.set_random_seed(12345)
    train(config(tmp_path/"run"), verbose=False)
    assert differences(final(run[2], track="tensorflow"), final(tmp_path/"run", track="tensorflow")) == []


def test_resume_of_a_finished_run(run, tmp_path, quick):
    folder = shutil.copytree(run[2], tmp_path/"run")
    before = {p: load(p) for p in [*folder.rglob("*.h5"), *folder.rglob("*.keras"), *folder.glob("checkpoints/*.npz")]}
    again = train(run[0].replace(out=folder), resume=True, verbose=False)
    assert again["history"] == run[1]["history"] and again["best"] == run[1]["best"] and again["status"] == "finished"
    assert len(before) == 7 and differences(before, {p: load(p) for p in before}) == []


def test_missing_results_are_written_again(run, tmp_path, quick):
    "A run that was killed after its last epoch and before its last file."
    folder = shutil.copytree(run[2], tmp_path/"run")
    for name in ("discriminator.weights.h5", "generator.keras"): (folder/name).unlink()
    train(run[0].replace(out=folder), resume=True, verbose=False)
    assert differences(final(run[2], track="tensorflow"), final(folder, track="tensorflow")) == []


def test_no_average(tmp_path, eager):
    "Half-life 0: the generator that is kept is the one that was trained."
    train(short(tmp_path/"run", ema_half_life=0), verbose=False)
    state = final(tmp_path/"run", track="tensorflow")["checkpoint"]["state"]
    assert differences(state["G"], state["ema"]) == []


def test_average_is_an_average():
    "Against the recurrence itself, with doubles."
    G, _ = build_networks(CONFIG.replace(width=2))
    average = AverageWeights(G, half_life=500)
    kernel, rng = G.get_layer("project").kernel, np.random.default_rng(0)
    expected = kernel.numpy().astype(np.float64)
    for step in range(1, 40):
        kernel.assign_add(rng.normal(size=kernel.shape).astype(np.float32))
        G.get_layer("hidden_0").moving_variance.assign(np.full(8, step, np.float32))
        average.update(G, loop.average_keep(500, 64, 64 * step))
        keep = 2 ** (-64 / min(500, 0.05 * 64 * step))
        expected = keep * expected + (1 - keep) * kernel.numpy().astype(np.float64)
    np.testing.assert_allclose(average.network.get_layer("project").kernel.numpy(), expected, rtol=1e-4, atol=1e-4)
    assert (average.network.get_layer("hidden_0").moving_variance.numpy() == 39).all() and not average.network.trainable_variables


@pytest.mark.parametrize("d_steps, g_steps", [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_steps_of_either_network(tmp_path, eager, d_steps, g_steps):
    metrics = train(short(tmp_path/"run", limit=192, d_steps=d_steps, g_steps=g_steps), verbose=False)
    steps, state = 6 // d_steps, final(tmp_path/"run", track="tensorflow")["checkpoint"]["state"]
    counts = {name: int(state[name]["000"]) for name in ("opt_g", "opt_d")} # Keras's first variable of an optimiser
    assert counts == dict(opt_g=steps * g_steps, opt_d=steps * d_steps) and state["steps"] == steps
    assert metrics["history"][0]["images_seen"] == 192


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    "The discriminator of a short run as it is, to compare with."
    out = tmp_path_factory.mktemp("plain")/"run"
    tf.config.run_functions_eagerly(True)
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        train(short(out), verbose=False)
    tf.config.run_functions_eagerly(False)
    return load(out/"discriminator.weights.h5")["weights"]


@pytest.mark.parametrize("changes", [
    dict(loss="relativistic"), dict(loss="non_saturating"), dict(loss="minimax"), dict(loss="non_saturating", label_smoothing=0.1),
    dict(optimizer="rmsprop"), dict(optimizer="adamw", weight_decay=0.1), dict(d_norm="batch"), dict(dropout=0.5),
    dict(upsample="transpose"), dict(recipe="dcgan"), dict(flip=0.5), dict(instance_noise=0.5), dict(r1=0.0, r2=0.0),
    dict(precision="bf16"), dict(precision="fp16"), dict(lr_decay="linear"), dict(limit=100, batch_size=33), dict(width=2),
    dict(deterministic=False), dict(sync_batch_norm=True),
], ids=str)
def test_every_choice_trains_and_matters(tmp_path, eager, plain, changes):
    "Finite, moved, and not what another choice gives."
    c = short(tmp_path/"run", **changes)
    metrics = train(c, verbose=False)
    row = metrics["history"][0]
    assert all(np.isfinite(row[name]) for name in ("loss_g", "loss_d", "grad_norm_g", "grad_norm_d"))
    seed_everything(c.seed)
    start = Training(c, load_dataset("garments", limit=c.limit), module.select_precision(c.precision))
    state = final(c.out, track="tensorflow")["checkpoint"]["state"]
    for name, network in (("G", start.G), ("D", start.D)):
        assert all(np.isfinite(v).all() for v in state[name].values())
        for v in network.trainable_variables:
            if (name, v.path, c.loss) == ("D", "to_logit/bias", "relativistic"): # cancels in the difference of two logits
                assert np.abs(state[name][v.path] - v).max() < 1e-3
            else: assert (state[name][v.path] != v.numpy()).any(), f"{name}.{v.path}"

    if changes == dict(sync_batch_norm=True): return # the same on one device, but for rounding
    same = changes in (dict(loss="relativistic"), dict(deterministic=False)) # the latter cannot be taken back in a process
    assert (differences(load(c.out/"discriminator.weights.h5")["weights"], plain) == []) == same


def test_optimisers_are_those_of_the_formulas():
    "Three steps of each, written out: epsilon stands outside of the root, and after the correction of the bias."
    gradients = np.random.default_rng(0).normal(size=(3, 5)) * [1, 1e-3, 1e-5, 1e-8, 0]
    for name in ("adam", "adamw", "rmsprop"):
        c = CONFIG.replace(optimizer=name, beta1=0.5, beta2=0.9, weight_decay=0.1 if name == "adamw" else 0.0)
        weight = keras.Variable(np.ones(5, np.float32))
        opt, w, m, s = make_optimizer(0.1, c), np.ones(5), np.zeros(5), np.zeros(5)
        for t, g in enumerate(gradients, 1):
            opt.apply([tf.constant(g, tf.float32)], [weight])
            w *= 1 - 0.1 * c.weight_decay
            m, s = 0.5 * m + 0.5 * g, 0.9 * s + 0.1 * g**2
            if name == "rmsprop": w -= 0.1 * g / (np.sqrt(s) + 1e-8)
            else: w -= 0.1 * (m / (1 - 0.5**t)) / (np.sqrt(s / (1 - 0.9**t)) + 1e-8)
        seen = [0, 1, 2, 4] if name == "rmsprop" else range(5) # Keras's own has its epsilon inside of the root
        np.testing.assert_allclose(weight.numpy()[seen], w[seen], rtol=1e-2 if name == "rmsprop" else 1e-5, err_msg=name)


def test_the_learning_rate_falls(tmp_path, eager):
    metrics = train(short(tmp_path/"run", lr_decay="linear", epochs=2), verbose=False)
    first, last = (row["lr_g"] for row in metrics["history"])
    assert first == pytest.approx(4e-4 * (1 - 0.95 * 2 / 6)) and last == pytest.approx(4e-4 * (1 - 0.95 * 5 / 6))


def test_pictures_and_measurements_change_nothing(tmp_path, eager):
    "With or without them, the same weights: they draw from generators of their own."
    train(short(tmp_path/"a", eval_images=500, num_samples=64), verbose=False)
    train(short(tmp_path/"b", eval_images=0, num_samples=1, checkpoint_every=1), verbose=False)
    assert differences(*(load(tmp_path/name/"generator.weights.h5")["weights"] for name in "ab")) == []


def test_starting_anew_in_a_used_folder(tmp_path, eager, capsys):
    "The earlier run's checkpoints go when the new run has shown that it works, and not before."
    out = tmp_path/"run"
    train(short(out, epochs=2), verbose=False)
    old = {p.name for p in (out/"checkpoints").iterdir()}
    assert old == {"step_00000003.npz", "step_00000006.npz"}
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
    assert {p.name for p in (out/"checkpoints").iterdir()} == {"step_00000003.npz"}
    assert load(out/"generator.weights.h5")["config"]["seed"] == 1


def test_how_many_checkpoints_are_kept(tmp_path, eager):
    train(short(tmp_path/"run", epochs=4, keep_checkpoints=3, checkpoint_every=2), verbose=False)
    assert sorted(p.name for p in (tmp_path/"run"/"checkpoints").iterdir()) == [f"step_{n:08d}.npz" for n in (9, 10, 12)]


def test_the_command(tmp_path, eager):
    done = command(*train_arguments(tmp_path/"run", track="tensorflow", epochs=1, limit=96, eval_images=0))
    assert done.status == 0 and not done.err, done.err
    assert f"{tmp_path/'run'/'gan_samples.png'} after" in done.out and "provenance: tensorflow on garments" in done.out
