"""The two backends against each other, and eight devices against one: each in a process of its own, from the same weights, images and
latents. Whatever tolerance is named here stands beside what was measured."""
from games import flat, given, margin # first: it chooses Keras's backend

import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from cli import ROOT, TRACKS, Forks, differences, ended, environment, final as final_of, one_line, sound, spawn, strict_json, train_arguments

from gan_course.tpu.model import JUDGED, MEASURED

TRACK = TRACKS["tpu"]
BACKENDS = "tensorflow", "jax"
ON = pytest.mark.parametrize("on", BACKENDS)
STEPS, R1, RATE = 10, 10.0, 2e-4 # at 1e-3 rounding grows a thousand times as fast: Adam's first steps know only signs
FIRST, LOSSES, NORMS, WEIGHTS = 1e-5, 5e-5, 1e-2, 1e-2 # relative; measured 6e-8, 2e-7, 2e-4 and 2e-5; a kink of LeakyReLU on the other side counts more


def final(run): return final_of(run, "tpu")


def python(on, function, *arguments, **changes):
    "A function of tests/games.py, in a process of its own."
    done = subprocess.run([sys.executable, ROOT/"tests"/"games.py", function, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
                          env=environment(KERAS_BACKEND=on, **changes), timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def loaded(path):
    with np.load(path) as file: return dict(file)


# --- one step and ten, on both ---

@pytest.fixture(scope="module")
def both(tmp_path_factory):
    "What both backends make of the same start in ten steps, with and without the penalty; and the start."
    folder = tmp_path_factory.mktemp("steps")
    start = max((given(STEPS, seed=seed) for seed in range(20)), key=margin) # or which side of a kink rounding chooses decides
    np.savez(folder/"given.npz", **start)
    for on in BACKENDS: python(on, "given_steps", folder/"given.npz", folder/f"{on}.npz", RATE, 0.0, R1)
    return [loaded(folder/f"{name}.npz") for name in (*BACKENDS, "given")]


@pytest.fixture(params=[0.0, R1])
def steps(request, both):
    "With this weight of the penalty: the same three, and what was measured on both, [steps, 7]."
    return request.param, both, [found[f"{request.param}/values"].astype(float) for found in both[:2]]


def test_the_first_step(steps):
    "What was measured: losses, and the norms of both gradients."
    _, _, (a, b) = steps
    assert a.shape == b.shape == (STEPS, len(MEASURED)) and np.isfinite(a).all()
    np.testing.assert_allclose(a[0, :4], b[0, :4], rtol=FIRST)
    np.testing.assert_allclose(a[0, 5:], b[0, 5:], rtol=1e-4)


def test_ten_steps(steps):
    "The same all the way, and no pair ranked otherwise but at a draw; the losses have changed by far more in the meantime."
    _, _, (a, b) = steps
    np.testing.assert_allclose(a[:, :4], b[:, :4], rtol=LOSSES)
    np.testing.assert_allclose(a[:, 5:], b[:, 5:], rtol=NORMS)
    assert np.abs(a - b)[:, MEASURED.index("rank_accuracy")].max() <= 1 / 32
    assert (np.ptp(a, 0) / a[0] > 20 * LOSSES)[:4].all()


@pytest.mark.parametrize("part", ["generator", "discriminator", "average"])
@pytest.mark.parametrize("step", [0, STEPS - 1])
def test_what_moved_moved_alike(steps, part, step):
    "Every weight, BatchNorm's statistics too; and the average."
    r1, both, _ = steps
    names = [name for name in both[0] if name.startswith(f"{r1}/{step}/{part}/")]
    start = {name: both[2][f"{'generator' if part == 'average' else part}/{name[-2:]}"] for name in names}
    a, b = (np.concatenate([(found[name] - start[name]).ravel() for name in names]).astype(float) for found in both[:2])
    assert 0 < np.linalg.norm(a - b) < WEIGHTS * np.linalg.norm(a)
    assert [name for name in names if (both[0][name] == start[name]).all()] == []


def test_the_penalty_matters(both):
    "By far more than the backends differ; or their equality would show nothing."
    with_it, without = (both[0][f"{r1}/{STEPS - 1}/discriminator/00"] - both[2]["discriminator/00"] for r1 in (R1, 0.0))
    assert np.linalg.norm(with_it - without) > 10 * WEIGHTS * np.linalg.norm(without)


# --- runs of one, opened by the other ---

@pytest.fixture(scope="module")
def forks():
    servers = {on: Forks("tpu", KERAS_BACKEND=on) for on in BACKENDS}
    yield servers
    for server in servers.values(): server.close()


@pytest.fixture(scope="module")
def runs(forks, tmp_path_factory):
    "A finished run of each backend, long enough for its images to have light and shade."
    folder = tmp_path_factory.mktemp("runs")
    for on in BACKENDS:
        done = forks[on](*train_arguments(folder/on, track="tpu", epochs=2, eval_images=0, learning_rate=3e-3))
        assert done.status == 0 and not done.err, done.err
    return folder


def test_either_draws_what_the_other_learned(runs, tmp_path):
    "The same picture up to rounding: a grey level in a pixel of a thousand."
    for on in BACKENDS: python(on, "samples", *[part for run in BACKENDS for part in (runs/run, tmp_path/f"{run}_{on}.npy")])
    for run in BACKENDS:
        a, b = (np.load(tmp_path/f"{run}_{on}.npy").astype(int) for on in BACKENDS)
        assert a.shape == (100, 28, 28, 1) and a.std() > 5
        assert np.abs(a - b).max() <= 1 and (a != b).mean() < 1e-3


@ON
def test_the_command_draws_and_measures_on_either(runs, forks, tmp_path, on):
    "sample and evaluate of a run of the other backend, and nothing on stderr."
    run = runs/BACKENDS[on == "tensorflow"]
    done = forks[on]("sample", "tpu", "--run", run, "--num", 4, "--out", tmp_path/"grid.png")
    assert done.status == 0 and not done.err and "(4 images)" in done.out, done.err
    done = forks[on]("evaluate", "--run", run, "--num", 500)
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
    out = without(*train_arguments(run, "--resume", track="tpu", epochs=3, eval_images=0, learning_rate=3e-3))
    assert out.startswith("jax on cpu") and "resuming" in out and strict_json(run/"metrics.json")["status"] == "finished"
    assert "(3 images)" in without("sample", "tpu", "--run", runs/"tensorflow", "--num", 3, "--out", tmp_path/"grid.png")


# --- eight devices ---

@pytest.fixture(scope="module", params=BACKENDS)
def eight(request, tmp_path_factory):
    "Backend, what is printed, and what one device and eight make of ten steps."
    out = tmp_path_factory.mktemp("eight")/"found.npz"
    done = python(request.param, "one_and_eight", out, 4e-4)
    return request.param, done.stdout, loaded(out)


def test_eight_devices_do_what_one_does(eight):
    "Without dropout, on both backends: the same losses, in training and in evaluation, and the same weights."
    on, out, found = eight
    assert out == f"{on} on 8 × cpu (asked for)\n"
    a, b = (found[f"{devices}/values"] for devices in (1, 8))
    assert np.isfinite(a).all() and np.abs(a - b)[:, :4].max() < 1e-4 and np.ptp(a[:, 0]) > 0.02 # measured 2e-7
    np.testing.assert_allclose(a[:, 5:], b[:, 5:], rtol=1e-2) # measured 2e-4
    np.testing.assert_allclose(found["1/judged"], found["8/judged"], atol=1e-4) # measured 3e-6
    for part in ("G", "D", "ema"):
        one, other = (flat(v for k, v in found.items() if k.startswith(f"{devices}/{part}/")) for devices in (1, 8))
        assert np.linalg.norm(one - other) < 1e-2 * np.linalg.norm(one), part # measured 7e-4
    assert int(found["8/own/000"]) == STEPS and int(found["8/own/003"]) == 0


DEVICES = dict(tensorflow=2, jax=8) # TensorFlow traces each replica's step: with eight the tests below take a minute, and pass


def arguments(out, on, *more, **changes):
    return train_arguments(out, *more, track="tpu", **(dict(cpu_devices=DEVICES[on], epochs=2, limit=160, eval_images=0, keep_checkpoints=9) | changes))


@pytest.fixture(scope="module")
def straight(forks, tmp_path_factory):
    "Backend -> an uninterrupted run on several devices, and what was printed."
    made = {}
    def run(on):
        if on not in made:
            out = tmp_path_factory.mktemp("straight")/on
            done = forks[on](*arguments(out, on))
            assert done.status == 0 and not done.err, done.err
            made[on] = out, done.out
        return made[on]
    return run


@ON
def test_several_devices_say_so(straight, on):
    "The first line that a run prints; and one folder is written, as ever."
    run, out = straight(on)
    devices = f"{DEVICES[on]} × cpu"
    assert out.splitlines()[0] == f"{on} on {devices} (asked for)"
    assert TRACK.files <= {p.name for p in run.iterdir()} and sound(run, "tpu")
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "finished" and metrics["provenance"]["device"] == devices and out.count("provenance:") == 1
    assert metrics["history"][-1]["images_seen"] == 320


@ON
def test_dropout_on_several_devices(straight, forks, tmp_path, on):
    """On JAX the masks are those of the whole batch, wherever it lies: the same run. On TensorFlow each replica draws its own: another run, and a
    healthy one."""
    assert forks[on](*arguments(tmp_path/"one", on, cpu_devices=1)).status == 0
    one, several = ([[row[name] for name in ("loss_d", "loss_g", "d_real", "d_fake")] for row in strict_json(run/"metrics.json")["history"]]
                    for run in (tmp_path/"one", straight(on)[0]))
    gap = np.abs(np.subtract(one, several)).max()
    assert gap < 1e-4 if on == "jax" else 1e-4 < gap < 0.1, gap # measured 6e-8 and 0.01


def test_the_flags_of_jax(tmp_path):
    "JAX's own way to ask for virtual devices."
    done = ended(spawn(*arguments(tmp_path/"run", "jax", cpu_devices=1, epochs=1, device="auto"), KERAS_BACKEND="jax",
                       XLA_FLAGS="--xla_force_host_platform_device_count=8", JAX_DISABLE_MOST_OPTIMIZATIONS="1"))
    assert done.status == 0 and not done.err, done.err
    assert done.out.splitlines()[0] == "jax on 8 × cpu (neither TPU nor GPU was found)"
    assert strict_json(tmp_path/"run"/"metrics.json")["provenance"]["device"] == "8 × cpu"


@ON
def test_killed_and_resumed(straight, forks, tmp_path, on):
    "kill -9 in the middle of an epoch, then the same command with --resume: the same bits on several devices too."
    run = tmp_path/"run"
    if on == "jax":
        done = forks[on](*arguments(run, on), crash=(3, "after"))
        assert done.status == -signal.SIGKILL, done.err
    else: # not killed, but cut off: to trace takes long
        (run/"checkpoints").mkdir(parents=True)
        shutil.copy(straight(on)[0]/"checkpoints"/"step_00000003.npz", run/"checkpoints")
    assert sound(run, "tpu") and [p.stem for p in TRACK.checkpoints(run)] == ["step_00000003"]
    done = forks[on](*arguments(run, on, "--resume"))
    assert done.status == 0 and "at step 3 " in done.out, done.err
    assert differences(final(straight(on)[0]), final(run)) == []


@ON
def test_a_run_may_not_change_its_devices(straight, forks, on):
    "It would be another run: rounding on JAX, dropout's masks on TensorFlow."
    run = straight(on)[0]
    before = (run/"config.json").read_bytes()
    one_line(forks[on](*arguments(run, on, "--resume", cpu_devices=1)), f"cpu_devices {DEVICES[on]} → 1", "--out")
    assert (run/"config.json").read_bytes() == before
