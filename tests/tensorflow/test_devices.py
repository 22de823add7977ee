"""Several devices share a run: `MirroredStrategy` on a processor that is split into two and into eight. One folder, equal replicas,
the same bits after a kill, and what one device would do. The split must come before TensorFlow starts: all in other processes."""
from gan_course.tensorflow.config import CONFIG # first: it chooses Keras's backend

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from cli import ROOT, TRACKS, Forks, differences, environment, final as final_of, one_line, sound, strict_json, train_arguments, whole_run

from gan_course.tensorflow.model import build_networks
from gan_course.tensorflow.utils import seed_everything

TRACK = TRACKS["tensorflow"]
FIELDS = {2: dict(limit=192, epochs=2, eval_images=0, r1=0.0, r2=0.0), # penalties: among the pairs below
          8: dict(limit=128, epochs=2, eval_images=0, r1=0.0, r2=0.0, loss="non_saturating", checkpoint_every=3, keep_checkpoints=9)}

# Runs the command like `-m gan_course`, and notes what each replica holds in the end.
DRIVER = """
import importlib, json, sys
import numpy as np
from gan_course.__main__ import main
module = importlib.import_module("gan_course.tensorflow.train")
results, found = module.KerasRecorder.results, {}
def noting(self, t):
    strategy = t.run_steps.strategy
    copies = {name: [c.numpy() for c in strategy.experimental_local_results(getattr(v, "_value", v))] for name, v in t.variables().items()}
    found.update(replicas=sorted({len(c) for c in copies.values()}), names=len(copies), traces=t.run_steps.traces(),
                 differ=[name for name, c in copies.items() if any(x.tobytes() != c[0].tobytes() for x in c)])
    results(self, t)
module.KerasRecorder.results = noting
status = main(sys.argv[2:])
open(sys.argv[1], "w").write(json.dumps(found))
sys.exit(status)
"""

# One or two iterations of one and of two devices, without graphs. A dictionary per case is printed.
PAIRS = """
import json, sys
import numpy as np
from gan_course.tensorflow.config import CONFIG, select_strategy
import tensorflow as tf
from gan_course.datasets import load_dataset
from gan_course.tensorflow.train import Training
from gan_course.tensorflow.utils import seed_everything
tf.config.run_functions_eagerly(True)
tf.get_logger().setLevel("ERROR") # that this is slow
two = select_strategy("mirrored", "cpu", 2)
one = select_strategy("single", "cpu")
clothes = load_dataset("garments", limit=192)
def trained(strategy, policy="float32", **changes):
    with strategy.scope():
        seed_everything(0, deterministic=True)
        t = Training(CONFIG.replace(**changes), clothes, policy)
        for name, v in t.variables().items():
            if name.endswith("moving_variance"): v.assign(tf.zeros_like(v)) # else its first value, 1, is most of it
        start = t.state_dict()["variables"]
        t.advance(t.batches, 2, lambda: False)
        return start, t.state_dict()["variables"], t
def compared(two_changes=dict(), policy="float32", **changes):
    start, a, t = trained(one, policy, **changes)
    other, b, s = trained(two, policy, **(changes | two_changes))
    def moved(found, part): return np.concatenate([(found[k] - start[k]).ravel() for k in found if k.startswith(part) and "moving" not in k and "seed" not in k])
    found = dict(same_start=all((start[k] == other[k]).all() for k in start), finite=all(np.isfinite(v).all() for v in b.values()),
                 losses=[t.means()["loss_d"], s.means()["loss_d"], t.means()["loss_g"], s.means()["loss_g"]], bad=s.first_bad())
    copies = {k: [c.numpy() for c in two.experimental_local_results(getattr(v, "_value", v))] for k, v in s.variables().items()}
    found["equal"] = all(len(c) == 2 and c[0].tobytes() == c[1].tobytes() for c in copies.values())
    for part in ("G", "D"):
        x, y = moved(a, part + "/"), moved(b, part + "/")
        found[part] = float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
        found[part + "_size"] = float(np.linalg.norm(y) / np.linalg.norm(x))
    for what in ("mean", "variance"):
        for part in ("G", "D"):
            pairs = [(a[k], b[k]) for k in a if k.startswith(part + "/") and k.endswith("moving_" + what)]
            found[part + "_" + what] = [float((y / x).mean() if what == "variance" else np.abs(y - x).max()) for x, y in pairs]
    found["counters"] = [float(np.abs(a[k].astype(float) - b[k]).max()) for k in a if "seed" in k]
    return found
cases = json.loads(sys.argv[1])
print(json.dumps([compared(**case) for case in cases]))
"""


def python(code, *arguments, timeout=400):
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, env=environment(),
                          timeout=timeout)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout


def arguments(out, devices, *more, **changes):
    return train_arguments(out, *more, track="tensorflow", **(FIELDS[devices] | dict(cpu_devices=devices, strategy="mirrored") | changes))


def final(run): return final_of(run, "tensorflow")


@pytest.fixture(scope="module")
def forks():
    server = Forks("tensorflow")
    yield server
    server.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    "Number of devices -> an uninterrupted run: folder, what each replica held at the end, what was printed."
    made, folder = {}, tmp_path_factory.mktemp("devices")
    def run(devices):
        if devices not in made:
            out = python(DRIVER, folder/f"{devices}.json", *arguments(folder/str(devices), devices))
            made[devices] = folder/str(devices), json.loads((folder/f"{devices}.json").read_text()), out
        return made[devices]
    return run


@pytest.mark.parametrize("devices", [2, 8])
def test_one_folder_and_equal_replicas(runs, devices):
    run, found, out = runs(devices)
    assert TRACK.files <= {p.name for p in run.iterdir()} and not (run/"best").exists() and sound(run, "tensorflow")
    assert found["replicas"] == [devices] and found["differ"] == [] and found["names"] > 60, found
    assert found["traces"] == 1
    assert out.count("epoch   1/2") == 1 and out.count("provenance:") == 1
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "finished" and metrics["provenance"]["device"] == f"{devices} × cpu"
    assert metrics["history"][-1]["images_seen"] == 2 * FIELDS[devices]["limit"]
    for row in metrics["history"]:
        assert all(row[name] is not None for name in ("loss_d", "loss_g", "d_real", "d_fake", "grad_norm_d", "grad_norm_g", "lr_g"))


def resumes(forks, run, straight, devices, **changes):
    "From the third step, in the middle of the first epoch, to the bits of a run that was not interrupted."
    assert [p.name for p in TRACK.checkpoints(run)] == ["step_00000003.npz"]
    done = forks(*arguments(run, devices, "--resume", **changes))
    assert done.status == 0 and not done.err and done.out.count("resuming") == 1, done.err
    assert differences(final(straight), final(run)) == []


def test_killed_and_resumed(runs, forks, tmp_path):
    "kill -9, then the same command with --resume."
    run = tmp_path/"run"
    done = forks(*arguments(run, 2), crash=(3, "after"))
    assert done.status == -signal.SIGKILL, done.err
    assert sound(run, "tensorflow") and not (run/"generator.weights.h5").exists()
    resumes(forks, run, runs(2)[0], 2)
    whole_run(run, best=False, track="tensorflow")


def test_eight_devices_resume(runs, forks, tmp_path):
    "From a checkpoint in the middle of the run above: to trace eight replicas takes long, so this run is not killed, but cut off."
    cut_off(runs(8)[0], tmp_path/"run")
    resumes(forks, tmp_path/"run", runs(8)[0], 8)


def cut_off(straight, run):
    (run/"checkpoints").mkdir(parents=True)
    shutil.copy(straight/"checkpoints"/"step_00000003.npz", run/"checkpoints")


def test_everything_at_once(forks, tmp_path):
    "Two devices with float16, BatchNorm over both in both networks, and all that is random, in graphs; and resumed."
    changes = dict(limit=128, epochs=1, precision="fp16", sync_batch_norm=True, d_norm="batch", dropout=0.2, flip=0.5, instance_noise=0.1,
                   loss="non_saturating", keep_checkpoints=9)
    done = forks(*arguments(tmp_path/"straight", 2, **changes))
    assert done.status == 0 and not done.err, done.err
    cut_off(tmp_path/"straight", tmp_path/"run")
    resumes(forks, tmp_path/"run", tmp_path/"straight", 2, **changes)


def test_close_to_one_device(runs, forks, tmp_path):
    """The same latents and batches, to the end of a run. BatchNorm sees half a batch on each device, so the weights are near to those of one
    device, not equal: on the same way, nearly as far."""
    assert forks(*arguments(tmp_path/"one", 2, cpu_devices=1, strategy="single")).status == 0
    one, two = (final(run) for run in (tmp_path/"one", runs(2)[0]))
    assert two["metrics"]["history"][0]["loss_d"] == pytest.approx(one["metrics"]["history"][0]["loss_d"], rel=0.05)
    seed_everything(0)
    _, start = build_networks(CONFIG.replace(**(TRACK.small | FIELDS[2])))
    a, b = (np.concatenate([(found["checkpoint"]["state"]["D"][v.path] - v).ravel() for v in start.trainable_variables]) for found in (one, two))
    assert a @ b > 0.8 * np.linalg.norm(a) * np.linalg.norm(b) and 0 < np.linalg.norm(a - b) < 0.6 * np.linalg.norm(a)


def test_a_run_may_not_change_its_devices(runs, forks):
    "Neither their number nor what BatchNorm sees: it would be another run."
    run = runs(2)[0]
    before = (run/"config.json").read_bytes()
    done = forks(*arguments(run, 2, "--resume", cpu_devices=1, strategy="auto", sync_batch_norm=True))
    one_line(done, "cpu_devices 2 → 1", "strategy mirrored → auto", "sync_batch_norm false → true", "--out")
    assert (run/"config.json").read_bytes() == before


@pytest.mark.parametrize("devices, batch", [(2, 33), (8, 36)])
def test_a_batch_that_cannot_be_shared(forks, tmp_path, devices, batch):
    done = forks(*arguments(tmp_path/"run", devices, batch_size=batch))
    one_line(done, f"batch_size {batch} cannot be shared equally by {devices} devices", f"use a multiple of {devices}")
    assert not list((tmp_path/"run").rglob("*.npz"))


SMALL = {k: v for k, v in TRACK.small.items() if k != "checkpoint_every"} | dict(limit=192)
CASES = {
    "plain": {}, "sync": dict(two_changes=dict(sync_batch_norm=True)),
    "d_norm": dict(d_norm="batch", loss="non_saturating", r1=0.0, r2=0.0),
    "d_norm sync": dict(d_norm="batch", loss="non_saturating", r1=0.0, r2=0.0, two_changes=dict(sync_batch_norm=True)),
    "random": dict(flip=0.5, instance_noise=0.2, d_steps=2, g_steps=2, two_changes=dict(sync_batch_norm=True)),
    "dropout": dict(dropout=0.3, two_changes=dict(sync_batch_norm=True)),
    "fp16": dict(policy="mixed_float16", two_changes=dict(sync_batch_norm=True)),
}


@pytest.fixture(scope="module")
def pairs():
    "Case -> what one and two devices make of the first two iterations."
    return dict(zip(CASES, json.loads(python(PAIRS, json.dumps([SMALL | case for case in CASES.values()])))))


@pytest.mark.parametrize("case", CASES)
def test_replicas_agree(pairs, case):
    found = pairs[case]
    assert found["same_start"] and found["finite"] and found["equal"] and found["bad"] is None, found
    assert found["losses"][1] == pytest.approx(found["losses"][0], rel=0.05) and found["losses"][3] == pytest.approx(found["losses"][2], rel=0.05)


@pytest.mark.parametrize("case", ["sync", "d_norm sync", "random", "fp16"])
def test_with_synchronised_batchnorm_two_devices_do_what_one_does(pairs, case):
    "The same statistics, steps, latents, mirrored images and noise, up to rounding."
    found = pairs[case]
    for part in ("G", "D") if "d_norm" in case else ("G",):
        assert len(found[part + "_mean"]) == (3 if part == "G" else 2)
        assert max(found[part + "_mean"]) < 1e-3 and found[part + "_variance"] == pytest.approx([1] * len(found[part + "_mean"]), rel=0.01)
    assert found["G"] > 0.99 and found["D"] > 0.99 and found["G_size"] == pytest.approx(1, rel=0.02) == found["D_size"], found


@pytest.mark.parametrize("case, part", [("plain", "G"), ("d_norm", "G"), ("d_norm", "D")])
def test_without_it_each_device_sees_its_share(pairs, case, part):
    """The variance within a half is smaller than that of the whole, by what the means of the halves differ. What is kept is the mean of
    both: of the first layer's means, which nothing else has changed yet, that of the whole batch."""
    found, sync = pairs[case], pairs["sync" if case == "plain" else "d_norm sync"]
    assert min(found[part + "_variance"]) < 0.999 and sync[part + "_variance"] == pytest.approx([1] * len(sync[part + "_variance"]), rel=1e-4)
    assert found[part] < sync[part]
    if case == "plain": assert found["G_mean"][0] < 1e-5 < found["G_mean"][1]


def test_dropout_on_two_devices(pairs):
    "Other masks than one device's, and the same number of draws."
    assert pairs["dropout"]["D"] < pairs["sync"]["D"] and pairs["dropout"]["counters"] == [0, 0, 0], pairs["dropout"]
