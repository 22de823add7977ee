"""Training as a function, on both backends: what it returns, what it leaves behind, and that every choice in the configuration is real."""
from games import clothes, number # first: it chooses Keras's backend

import importlib
import shutil

import keras
import numpy as np
import pytest
from cli import TRACKS, command, differences, final as final_of, sound, strict_json, stub_pictures, train_arguments, whole_run

from gan_course import loop
from gan_course.runs import RunFolder
from gan_course.tpu.config import CONFIG
from gan_course.tpu.model import MEASURED, Discriminator, Generator
from gan_course.tpu.strategy import find_accelerator

module = importlib.import_module("gan_course.tpu.train")
TRACK = TRACKS["tpu"]
load, train = TRACK.load, module.train
both = pytest.mark.usefixtures("backend") # what depends on more than the loop


def config(out, **changes): return CONFIG.replace(**(TRACK.small | changes), out=out)
def short(out, **changes): return config(out, **(dict(epochs=1, limit=96, eval_images=0) | changes))
def final(run): return final_of(run, "tpu")
def state(run): return final(run)["checkpoint"]["state"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, backend):
    "One run with everything, pictures too: configuration, what was returned, folder."
    c = config(tmp_path_factory.mktemp("train")/"run", r1=0.1)
    return c, train(c, verbose=False), c.out


@pytest.fixture
def quick(monkeypatch): stub_pictures(monkeypatch)


def test_what_is_returned_is_what_is_written(run, backend):
    c, metrics, folder = run
    assert metrics == strict_json(folder/"metrics.json") and metrics["status"] == "finished"
    saved = strict_json(folder/"config.json")
    assert saved["config"] == c.to_dict() and saved["track"] == "tpu" and saved["dataset"] == metrics["dataset"]
    rows = metrics["history"]
    assert [row["epoch"] for row in rows] == [1, 2, 3] and [row["step"] for row in rows] == [10, 20, 30]
    assert [row["images_seen"] for row in rows] == [320, 640, 960]
    names = {"epoch", "step", "images_seen", "seconds", "images_per_second", "lr_g", "lr_d", "pixel_frechet", *MEASURED}
    for row in rows:
        assert row.keys() == names and all(row[name] is not None and np.isfinite(row[name]) for name in names)
        assert 0 <= row["d_fake"] <= 1 and 0 <= row["d_real"] <= 1 and 0 <= row["rank_accuracy"] <= 1
        assert row["lr_g"] == row["lr_d"] == c.learning_rate
    about = metrics["provenance"]
    assert about["images_seen"] == 960 and about["checksum"].endswith("[:320]") and about["device"] == "cpu"
    assert set(about["packages"]) >= {backend, "keras", "numpy"}
    assert {"jax", "tensorflow"} & set(about["packages"]) == {backend}, "the one that computed"


def test_all_files_are_there(run):
    whole_run(run[2], track="tpu")
    assert sound(run[2], track="tpu")
    assert {p.name for p in (run[2]/"generated_images").iterdir()} == {"epoch_2.png"}
    for name in TRACK.pictures: assert 1000 < (run[2]/name).stat().st_size < 150_000


@pytest.mark.parametrize("every, epochs, drawn", [(1, 2, [1, 2]), (2, 3, [2]), (3, 2, [])])
def test_pictures_at_the_right_epochs(tmp_path, quick, every, epochs, drawn):
    "A run that ends before the first of them has none, and is whole all the same."
    c = short(tmp_path/"run", limit=64, epochs=epochs, image_every=every)
    train(c, verbose=False)
    assert sorted(p.name for p in c.out.glob("generated_images/*")) == [f"epoch_{n}.png" for n in drawn]
    whole_run(c.out, best=False, track="tpu")
    again = train(c, resume=True, verbose=False)
    assert again["status"] == "finished"


def test_the_best_generator_is_the_best_epochs(run):
    distances = [row["pixel_frechet"] for row in run[1]["history"]]
    assert run[1]["best"] == dict(epoch=1 + int(np.argmin(distances)), pixel_frechet=min(distances))


def test_the_best_generator_is_kept(tmp_path, quick, monkeypatch):
    "Made-up distances: the second of three epochs is best, so its weights stay, not the last ones."
    seen, values = [], iter([5.0, 2.0, 3.0])
    monkeypatch.setattr(loop.PixelFrechet, "distance", lambda self, images: next(values))
    end = loop.end_of_epoch
    def noting(training, *args):
        seen.append([number(v) for v in training.ema.network.variables])
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
    "But for dropout's seed, which Keras does not save."
    folder, found = run[2], state(run[2])
    assert in_file(folder/"generator.weights.h5") == in_file(folder/"generator.keras") == arrays(found["ema"].values())
    weights = [v for v in found["D"].values() if v.dtype == np.float32]
    assert in_file(folder/"discriminator.weights.h5") == in_file(folder/"discriminator.keras") == arrays(weights)
    assert len(weights) == len(found["D"]) - 1 and arrays(found["G"].values()) != arrays(found["ema"].values())


def test_a_checkpoint_holds_everything(run, backend):
    "Every variable there is; of both optimisers two moments for each weight, their steps and learning rates; and the backend."
    c, found = run[0], state(run[2])
    G, D = Generator(c.latent_dim, c.width, bottleneck=c.bottleneck), Discriminator(c.width, c.dropout)
    for name, network in (("G", G), ("D", D), ("ema", G)):
        assert [found[name][f"{i:03d}"].shape for i in range(len(found[name]))] == [tuple(v.shape) for v in network.variables]
    for name, network in (("opt_g", G), ("opt_d", D)):
        assert len(found[name]) == 2 + 2 * len(network.trainable_variables) and int(found[name]["000"]) == 30
    assert len(D.variables) == len(D.weights) + 1, "dropout's seed too"
    own = found["own"]
    assert int(own["000"]) == 30 and own["001"].shape == (len(MEASURED),) and int(own["002"]) == int(own["003"]) == 0
    assert len(found["strips"]) == len(found["history"]) == 3 and found["steps"] == 30 and found["backend"] == backend


def test_the_same_again(run, tmp_path, quick):
    "Same configuration, same bits; whatever was drawn before."
    keras.utils.set_random_seed(12345)
    train(run[0].replace(out=tmp_path/"run"), verbose=False)
    assert differences(final(run[2]), final(tmp_path/"run")) == []


def test_resume_of_a_finished_run(run, tmp_path, quick):
    folder = shutil.copytree(run[2], tmp_path/"run")
    before = {p: load(p) for p in [*folder.rglob("*.h5"), *folder.rglob("*.keras"), *folder.glob("checkpoints/*.npz")]}
    again = train(run[0].replace(out=folder), resume=True, verbose=False)
    assert again["history"] == run[1]["history"] and again["best"] == run[1]["best"] and again["status"] == "finished"
    assert len(before) == 7 and differences(before, {p: load(p) for p in before}) == []


@pytest.mark.parametrize("missing", [("discriminator.weights.h5", "generator.keras"), ("training_loss.png", "final_generated_images.png")])
def test_missing_results_are_written_again(run, tmp_path, quick, missing):
    "A run that was killed after its last epoch and before its last file."
    folder = shutil.copytree(run[2], tmp_path/"run")
    for name in missing: (folder/name).unlink()
    train(run[0].replace(out=folder), resume=True, verbose=False)
    assert differences(final(run[2]), final(folder)) == []
    whole_run(folder, track="tpu")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    "The discriminator of a short run as it is, to compare with."
    out = tmp_path_factory.mktemp("plain")/"run"
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        train(short(out), verbose=False)
    return load(out/"discriminator.weights.h5")["weights"]


@pytest.mark.parametrize("changes", [
    dict(dropout=0.0), dict(r1=0.5), dict(label_smoothing=0.1), dict(learning_rate=1e-3), dict(beta1=0.9), dict(beta2=0.9),
    dict(precision="bf16"), dict(precision="fp16"), dict(limit=100, batch_size=33), dict(width=2), dict(latent_dim=8), dict(bottleneck=4), dict(seed=1),
    dict(steps_per_call=2), dict(ema_half_life=0)], ids=str)
def test_every_choice_trains_and_matters(tmp_path, quick, plain, changes):
    "Finite, moved, and not what another choice gives; but for those that choose nothing of the kind."
    c = short(tmp_path/"run", **changes)
    row = train(c, verbose=False)["history"][0]
    assert all(np.isfinite(row[name]) for name in ("loss_g", "loss_d", "grad_norm_g", "grad_norm_d"))
    found = state(c.out)
    module.seed_everything(c.seed)
    start = module.Training(c, clothes(c.limit), find_accelerator("cpu"), module.select_precision(c.precision, find_accelerator("cpu")))
    for name, v in start.variables().items():
        part, i = name.split("/")
        if part in "GD" and v.trainable: assert np.isfinite(found[part][i]).all() and (found[part][i] != number(v)).any(), name
    free = changes in (dict(steps_per_call=2), dict(ema_half_life=0))
    assert (differences(load(c.out/"discriminator.weights.h5")["weights"], plain) == []) == free
    assert (differences(found["G"], found["ema"]) == []) == (c.ema_half_life == 0)


def test_pictures_and_measurements_change_nothing(tmp_path, quick):
    "With or without them, the same weights: they draw from generators of their own."
    train(short(tmp_path/"a", eval_images=500, num_samples=64, image_every=1), verbose=False)
    train(short(tmp_path/"b", eval_images=0, num_samples=1, checkpoint_every=1), verbose=False)
    assert differences(*(state(tmp_path/name)["G"] for name in "ab")) == differences(*(state(tmp_path/name)["D"] for name in "ab")) == []


def test_starting_anew_in_a_used_folder(tmp_path, quick, capsys):
    "The earlier run's checkpoints go when the new run has shown that it works, and not before."
    out, seen, remove = tmp_path/"run", [], RunFolder.remove_checkpoints
    train(short(out, epochs=2), verbose=False)
    assert {p.name for p in (out/"checkpoints").iterdir()} == {"step_00000003.npz", "step_00000006.npz"}
    def noting(folder):
        seen.append(len(folder.checkpoint_paths()))
        remove(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "remove_checkpoints", noting)
        train(short(out, seed=1))
    assert "starting anew" in capsys.readouterr().out and seen == [2], "once, at the first look"
    assert {p.name for p in (out/"checkpoints").iterdir()} == {"step_00000003.npz"}
    assert load(out/"generator.weights.h5")["config"]["seed"] == 1


def test_how_many_checkpoints_are_kept(tmp_path, quick):
    train(short(tmp_path/"run", epochs=4, keep_checkpoints=3, checkpoint_every=2), verbose=False)
    assert sorted(p.name for p in (tmp_path/"run"/"checkpoints").iterdir()) == [f"step_{n:08d}.npz" for n in (9, 10, 12)]


def test_one_call_of_fit_to_the_next_checkpoint(tmp_path, quick, monkeypatch):
    "What the loop does not stop for, the device does not either."
    calls, fit = [], module.AdversarialModel.fit
    def noting(self, part, *args, **kwargs):
        calls.append(1)
        return fit(self, part, *args, **kwargs)
    monkeypatch.setattr(module.AdversarialModel, "fit", noting)
    train(short(tmp_path/"run", limit=320, epochs=2, checkpoint_every=1000), verbose=False)
    assert len(calls) == 2
    train(short(tmp_path/"run", limit=320, checkpoint_every=4), verbose=False)
    assert len(calls) == 2 + 3


@both
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_of_the_bits(tmp_path, quick, precision):
    c = short(tmp_path/"run", precision=precision, r1=0.1)
    metrics = train(c, verbose=False)
    assert metrics["precision"] == dict(bf16="mixed_bfloat16", fp16="mixed_float16")[precision] and metrics["status"] == "finished"
    assert all(np.isfinite(metrics["history"][0][name]) for name in ("loss_g", "loss_d", "grad_norm_g", "grad_norm_d"))
    assert {str(v.dtype) for part in "GD" for v in state(c.out)[part].values()} == {"float32", "uint32" if module.BACKEND == "jax" else "int64"}


@both
def test_a_state_that_does_not_fit(tmp_path, quick):
    "Is refused before anything is changed."
    c, accelerator = short(tmp_path/"run"), find_accelerator("cpu")
    t = module.Training(c, clothes(96), accelerator)
    before = t.state_dict()
    for change in (dict(variables={k: v for k, v in before["variables"].items() if k != "G/000"}),
                   dict(variables=before["variables"] | {"G/999": np.zeros(1)}),
                   dict(variables=before["variables"] | {"own/002": np.int64(3)}),
                   dict(variables=before["variables"] | {"D/000": np.zeros((1, 2), np.float32)})):
        other = {k: v + 1 if k == "G/001" else v for k, v in change["variables"].items()}
        with pytest.raises(ValueError): t.load_state_dict(before | dict(variables=other, steps=7))
        assert differences(t.state_dict(), before) == []


@both
def test_the_command(tmp_path, quick, backend):
    done = command(*train_arguments(tmp_path/"run", track="tpu", epochs=1, limit=96, eval_images=0))
    assert done.status == 0 and not done.err, done.err
    assert done.out.splitlines()[0] == f"{backend} on cpu (asked for)"
    assert f"{tmp_path/'run'/'gan_samples.png'} after" in done.out and "provenance: tpu on garments" in done.out
