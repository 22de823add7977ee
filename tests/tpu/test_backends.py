"""The two backends against each other, and eight devices against one: each in a process of its own, from the same weights, images and
latents. Whatever tolerance is named here was measured first, and is several times as large."""
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from cli import ROOT, TRACKS, Forks, differences, ended, environment, final as final_of, one_line, sound, spawn, strict_json, train_arguments
from games import given

from gan_course.tpu.model import JUDGED, MEASURED

TRACK = TRACKS["tpu"]
BACKENDS = "tensorflow", "jax"
ON = pytest.mark.parametrize("on", BACKENDS)
STEPS = 10
LOSSES, NORMS = 1e-4, 1e-3 # relative, over ten steps


def final(run): return final_of(run, "tpu")


def python(on, function, *arguments, **changes):
    "A function of tests/games.py, in a process of its own."
    done = subprocess.run([sys.executable, ROOT/"tests"/"games.py", function, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
                          env=environment(KERAS_BACKEND=on, **changes), timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def loaded(path):
    with np.load(path) as file: return dict(file)


def gap(a, b):
    "Largest difference, relative to the largest number."
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.abs(a - b).max() / max(np.abs(a).max(), 1e-30)


# --- one step and ten, on both ---

@pytest.fixture(scope="module", params=[0.0, 0.1])
def steps(request, tmp_path_factory):
    "What both backends make of the same start in ten steps, with and without the penalty; and the start."
    folder = tmp_path_factory.mktemp("steps")
    np.savez(folder/"given.npz", **given(STEPS))
    for on in BACKENDS: python(on, "given_steps", folder/"given.npz", folder/f"{on}.npz", request.param)
    return [loaded(folder/f"{name}.npz") for name in (*BACKENDS, "given")]


def test_the_first_step(steps):
    "What was measured, of which the last two are the norms of the gradients: equal but for rounding."
    a, b = (found["values"] for found in steps[:2])
    assert a.shape == b.shape == (STEPS, len(MEASURED)) and np.isfinite(a).all()
    np.testing.assert_allclose(a[0, :4], b[0, :4], rtol=1e-5)
    np.testing.assert_allclose(a[0, 5:], b[0, 5:], rtol=1e-4)


def test_ten_steps(steps):
    "The same losses and norms all the way, and no pair ranked otherwise but at a draw; they have changed in the meantime."
    a, b = (dict(zip(MEASURED, found["values"].T)) for found in steps[:2])
    for name in JUDGED[:4]: np.testing.assert_allclose(a[name], b[name], rtol=LOSSES, err_msg=name)
    for name in MEASURED[5:]: np.testing.assert_allclose(a[name], b[name], rtol=NORMS, err_msg=name)
    assert np.abs(a["rank_accuracy"] - b["rank_accuracy"]).max() <= 1 / 32
    assert np.ptp(a["loss_d"]) > 0.05 and np.ptp(a["loss_g"]) > 0.05


@pytest.mark.parametrize("part", ["generator", "discriminator", "average"])
@pytest.mark.parametrize("step, size", [(0, 0.02), (STEPS - 1, 0.02)])
def test_weights(steps, part, step, size):
    "What moved, moved alike; BatchNorm's statistics and the average too."
    names = [name for name in steps[0] if name.startswith(f"{step}/{part}/")]
    start = {name: steps[2][f"{'generator' if part == 'average' else part}/{name[-2:]}"] for name in names}
    a, b = (np.concatenate([(found[name] - start[name]).ravel() for name in names]).astype(float) for found in steps[:2])
    assert np.linalg.norm(a - b) < size * np.linalg.norm(a) and np.linalg.norm(a) > 0
    assert [name for name in names if (steps[0][name] == start[name]).all()] == []


# --- runs of one, opened by the other ---

@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    "A finished run of each backend."
    folder = tmp_path_factory.mktemp("runs")
    for on in BACKENDS:
        done = ended(spawn(*train_arguments(folder/on, track="tpu", epochs=2, eval_images=0), KERAS_BACKEND=on))
        assert done.status == 0 and not done.err, done.err
    return folder


@ON
def test_either_draws_what_the_other_learned(runs, tmp_path, on):
    "The same picture up to rounding: a grey level in a pixel of a thousand. On its own backend first, then on the other."
    images = []
    for backend in (on, *set(BACKENDS) - {on}):
        python(backend, "samples", runs/on, tmp_path/f"{backend}.npy")
        images.append(np.load(tmp_path/f"{backend}.npy").astype(int))
    assert images[0].shape == (100, 28, 28, 1) and images[0].std() > 1
    assert np.abs(images[0] - images[1]).max() <= 1 and (images[0] != images[1]).mean() < 1e-3


def test_the_command_draws_and_measures_on_either(runs, tmp_path):
    "sample and evaluate of a run of the other backend."
    for on, other in (BACKENDS, BACKENDS[::-1]):
        done = ended(spawn("sample", "tpu", "--run", runs/on, "--num", 4, "--out", tmp_path/"grid.png", KERAS_BACKEND=other))
        assert done.status == 0 and not done.err and "(4 images)" in done.out, done.err
    done = ended(spawn("evaluate", "--run", runs/"jax", "--num", 500, KERAS_BACKEND="tensorflow"))
    assert done.status == 0 and not done.err and "pixel Fréchet distance" in done.out, done.err


def test_keras_files_need_only_keras(runs, tmp_path):
    "In a process that knows nothing of this package, on the other backend."
    code = ("import sys, numpy as np, keras\n"
            "G, D = (keras.saving.load_model(f'{sys.argv[1]}/{name}.keras', safe_mode=True) for name in ('generator', 'discriminator'))\n"
            "images = G.predict(np.ones((2, 16), 'float32'), verbose=0)\n"
            "assert images.shape == (2, 28, 28, 1) and D.predict(images, verbose=0).shape == (2,) and 'gan_course' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", code, runs/"tensorflow"], cwd=tmp_path, capture_output=True, text=True, timeout=180,
                          env=environment(KERAS_BACKEND="jax"))
    assert done.returncode == 0, done.stderr


WITHOUT = """
import importlib.abc, importlib.util, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "torch"): raise ModuleNotFoundError(f"No module named {name!r}", name=name)
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *args: None if name in ("tensorflow", "torch") else find(name, *args)
sys.meta_path.insert(0, Missing())
from gan_course.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_jax_alone(runs, tmp_path):
    "As in the TPU images of 2026, which have no TensorFlow: JAX is chosen, trains, resumes what JAX began, and draws what TensorFlow learned."
    def without(*arguments):
        done = subprocess.run([sys.executable, "-c", WITHOUT, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, timeout=300,
                              env={k: v for k, v in environment().items() if k != "KERAS_BACKEND"})
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout
    run = shutil.copytree(runs/"jax", tmp_path/"run")
    out = without(*train_arguments(run, "--resume", track="tpu", epochs=3, eval_images=0))
    assert out.startswith("jax on cpu") and "resuming" in out and strict_json(run/"metrics.json")["status"] == "finished"
    assert "(3 images)" in without("sample", "tpu", "--run", runs/"tensorflow", "--num", 3, "--out", tmp_path/"grid.png")


# --- eight devices ---

EIGHT = dict(cpu_devices=8, epochs=2, limit=160, eval_images=0, keep_checkpoints=9)


@pytest.fixture(scope="module", params=BACKENDS)
def eight(request, tmp_path_factory):
    "Backend -> what one device and eight make of ten steps."
    out = tmp_path_factory.mktemp("eight")/"found.npz"
    python(request.param, "one_and_eight", out, STEPS)
    return request.param, loaded(out)


def compared(found, dropout, what):
    "Of one device and of eight."
    return found[f"{dropout}/1/{what}"], found[f"{dropout}/8/{what}"]


def weights(found, dropout, devices, part):
    return np.concatenate([v.ravel() for k, v in found.items() if k.startswith(f"{dropout}/{devices}/{part}/") and v.dtype == np.float32])


def test_eight_devices_do_what_one_does(eight):
    "Without dropout, on both backends: the same losses, in training and in evaluation, and the same weights."
    on, found = eight
    a, b = compared(found, 0.0, "values")
    assert a.shape == (STEPS, len(MEASURED)) and np.abs(a - b)[:, :4].max() < 1e-4 and np.ptp(a[:, 0]) > 0.05
    np.testing.assert_allclose(a[:, 5:], b[:, 5:], rtol=1e-3)
    np.testing.assert_allclose(*compared(found, 0.0, "judged"), atol=2e-3)
    for part in ("G", "D", "ema"):
        one, other = (weights(found, 0.0, devices, part) for devices in (1, 8))
        assert np.linalg.norm(one - other) < 1e-3 * np.linalg.norm(one), part
    assert int(found["0.0/8/own/000"]) == STEPS and int(found["0.0/8/own/003"]) == 0


def test_dropout_on_eight_devices(eight):
    """On JAX the masks are those of the whole batch, wherever it lies: equal. On TensorFlow each replica draws its own: another run, and a
    healthy one."""
    on, found = eight
    a, b = compared(found, 0.3, "values")
    assert np.isfinite(b).all()
    if on == "jax": assert np.abs(a - b)[:, :4].max() < 1e-4
    else: assert np.abs(a - b)[:, :4].max() > 1e-4 and np.abs(a - b)[:, :2].max() < 0.3


@pytest.fixture(scope="module")
def forks():
    servers = {on: Forks("tpu", KERAS_BACKEND=on) for on in BACKENDS}
    yield servers
    for server in servers.values(): server.close()


def arguments(out, *more, **changes): return train_arguments(out, *more, track="tpu", **(EIGHT | changes))


@pytest.fixture(scope="module")
def straight(forks, tmp_path_factory):
    "Backend -> an uninterrupted run on eight devices, and what was printed."
    made = {}
    def run(on):
        if on not in made:
            out = tmp_path_factory.mktemp("straight")/on
            done = forks[on](*arguments(out))
            assert done.status == 0 and not done.err, done.err
            made[on] = out, done.out
        return made[on]
    return run


@ON
def test_eight_devices_say_so(straight, on):
    "The first line that a run prints; and one folder is written, as ever."
    run, out = straight(on)
    assert out.splitlines()[0] == f"{on} on 8 × cpu (asked for)"
    assert TRACK.files <= {p.name for p in run.iterdir()} and sound(run, "tpu")
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "finished" and metrics["provenance"]["device"] == "8 × cpu" and out.count("provenance:") == 1
    assert metrics["history"][-1]["images_seen"] == 320


def test_the_flags_of_jax(forks, tmp_path):
    "JAX's own way to ask for virtual devices."
    flags = "--xla_force_host_platform_device_count=8"
    done = ended(spawn(*arguments(tmp_path/"run", cpu_devices=1, epochs=1, device="auto"), KERAS_BACKEND="jax", XLA_FLAGS=flags))
    assert done.status == 0 and not done.err, done.err
    assert done.out.splitlines()[0] == "jax on 8 × cpu (neither TPU nor GPU was found)"
    assert strict_json(tmp_path/"run"/"metrics.json")["provenance"]["device"] == "8 × cpu"
    done = ended(spawn(*arguments(tmp_path/"more", cpu_devices=16, batch_size=32), KERAS_BACKEND="jax", XLA_FLAGS=flags))
    assert done.status == 0 or "already started with another number" in one_line(done)


@ON
def test_killed_and_resumed(straight, forks, tmp_path, on):
    "kill -9 in the middle of an epoch, then the same command with --resume: the same bits on eight devices too."
    run = tmp_path/"run"
    done = forks[on](*arguments(run), crash=(3, "after"))
    assert done.status == -signal.SIGKILL, done.err
    assert sound(run, "tpu") and [p.stem for p in TRACK.checkpoints(run)] == ["step_00000003"]
    done = forks[on](*arguments(run, "--resume"))
    assert done.status == 0 and "at step 3 " in done.out, done.err
    assert differences(final(straight(on)[0]), final(run)) == []


@ON
def test_a_run_may_not_change_its_devices(straight, forks, on):
    "It would be another run: rounding on JAX, dropout's masks on TensorFlow."
    run = straight(on)[0]
    before = (run/"config.json").read_bytes()
    one_line(forks[on](*arguments(run, "--resume", cpu_devices=1)), "cpu_devices 8 → 1", "--out")
    assert (run/"config.json").read_bytes() == before
