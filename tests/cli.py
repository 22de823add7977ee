"""What the tests of the command share: calling it here, in a forked child or in a process of its own, and looking at what
it leaves behind. A track is described once, in `TRACKS`; every helper that depends on it takes its name."""
import contextlib
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import numpy as np

ROOT = Path(__file__).parents[1]
COMMON = dict(dataset="garments", limit=320, width=4, latent_dim=16, batch_size=32, epochs=3, checkpoint_every=3,
              num_samples=8, eval_images=500, progress=False, device="cpu", precision="fp32")
RECIPE = dict(lr_g=4e-4, lr_d=4e-4, lr_decay="none", upsample="resize") # whatever the recipe is tuned to
PICTURES = ("gan_samples.png", "losses.png", "progress.png")
STUB = b"picture\n" * 5000 # instead of a PNG where pictures do not matter
FOLDERS = {"best", "checkpoints", "generated_images", "generator_checkpoints", "logs"}
EVENTS = re.compile(r"logs/events\.out\.tfevents\.\d+\..+")
TEMPORARY = re.compile(r"\..+\.\d+\.tmp")


# --- Tracks ---

@dataclass
class Track:
    "What the helpers must know of a track."
    name: str
    load: Callable # path -> dictionary: a checkpoint holds `state`, a file of weights `weights`
    warm_up: Callable # import everything that a run imports, and start no thread
    fields: dict # of the configuration of a small run, besides `COMMON`
    parts: set # what the state of a checkpoint holds, besides `steps`
    weights: str = ".pt" # how files of weights end
    checkpoint: str = ".pt" # how checkpoints end
    models: tuple = () # files of a whole network, besides the weights
    pictures: tuple = PICTURES # files that show something at the end of each epoch, or of the run
    without: tuple = () # fields of `COMMON` that its configuration does not have

    @property
    def small(self): return {name: value for name, value in COMMON.items() if name not in self.without} | self.fields

    @property
    def files(self): return {"config.json", "metrics.json", "progress.npz", *self.pictures, *self.networks, *self.models, ".lock"}

    @property
    def networks(self): return f"generator{self.weights}", f"discriminator{self.weights}"

    @property
    def best(self): return f"best/generator{self.weights}"

    def images(self, run):
        "Pictures and generators of some epochs of a finished run, where its configuration asks for them."
        config = strict_json(Path(run)/"config.json")["config"]
        def epochs(field):
            every = config.get(field, config["epochs"] + 1)
            return range(every, config["epochs"] + 1, every)
        return {f"generated_images/epoch_{n}.png" for n in epochs("image_every")} | {
            f"generator_checkpoints/epoch_{n:04d}.weights.h5" for n in epochs("checkpoint_save_interval")}

    def checkpoints(self, run):
        "Sorted, the oldest first."
        pattern = re.compile(r"step_\d{8}" + re.escape(self.checkpoint))
        return sorted(p for p in (Path(run)/"checkpoints").glob("step_*") if pattern.fullmatch(p.name))


def load_pytorch(path):
    from gan_course.pytorch.train import load_file
    return load_file(path)


def warm_up_pytorch():
    import torch

    import gan_course.pytorch # noqa: F401
    torch.use_deterministic_algorithms(False) # imports what an optimiser would import later, and takes seconds for it


def h5_arrays(file):
    "Name -> array, for an HDF5 file."
    import h5py
    found = {}
    with h5py.File(file) as h5:
        h5.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def without_address(config):
    "Part of the configuration in a `.keras` file: Keras numbers what layers share by where it lies in memory."
    return {name: value for name, value in config.items() if name != "shared_object_id"}


def load_keras(track, path):
    "A checkpoint with its variables by part, or a file of weights with its arrays; both as the track checks them. Or a `.keras` file."
    from gan_course.keras_files import load_checkpoint, load_file
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as file:
            return dict(config=json.loads(file.read("config.json"), object_hook=without_address), weights=h5_arrays(io.BytesIO(file.read("model.weights.h5"))))
    if path.suffix == ".h5": return load_file(path, track) | dict(weights=h5_arrays(path))
    found = load_checkpoint(path, track)
    for name, value in found["state"].pop("variables").items():
        part, name = name.split("/", 1)
        found["state"].setdefault(part, {})[name] = value
    return found


def warm_up_tensorflow():
    from gan_course.tensorflow.engine import GANStep # first: it silences TensorFlow

    import tensorflow as tf
    # Its Python needs no conversion; each child would spend a second on it. That the bits are those of the command as it is, is tested.
    GANStep.__call__ = tf.autograph.experimental.do_not_convert(GANStep.__call__)


def warm_up_tpu():
    import gan_course.tpu # noqa: F401
    from gan_course.tpu.model import seed_everything
    seed_everything(0) # imports more


def warm_up_flowers():
    import gan_course.flowers # noqa: F401, first: it silences TensorFlow
    import keras
    import tensorboard.plugins.hparams.summary_v2 # noqa: F401
    import tensorboard.plugins.image.metadata # noqa: F401
    import tensorboard.plugins.scalar.summary_v2 # noqa: F401
    import tensorboard.plugins.text.summary_v2 # noqa: F401
    import tensorboard.summary # noqa: F401
    import tensorflow as tf

    from gan_course.flowers.trainer import GANStep
    keras.utils.set_random_seed(0) # imports more
    GANStep.step = tf.autograph.experimental.do_not_convert(GANStep.step) # as in `warm_up_tensorflow`


KERAS = dict(weights=".weights.h5", checkpoint=".npz", models=("generator.keras", "discriminator.keras"))
TRACKS = {"pytorch": Track("pytorch", load_pytorch, warm_up_pytorch, RECIPE, {"G", "D", "ema", "opt_g", "opt_d", "rng"}),
          "tensorflow": Track("tensorflow", partial(load_keras, "tensorflow"), warm_up_tensorflow, RECIPE,
                              {"G", "D", "ema", "opt_g", "opt_d", "meter", "strips", "history"}, **KERAS),
          "tpu": Track("tpu", partial(load_keras, "tpu"), warm_up_tpu, dict(learning_rate=4e-4, image_every=2, r1=0.0),
                       {"G", "D", "ema", "opt_g", "opt_d", "own", "strips", "history", "backend"}, **KERAS,
                       pictures=(*PICTURES, "training_loss.png", "final_generated_images.png")),
          "flowers": Track("flowers", partial(load_keras, "flowers"), warm_up_flowers,
                           dict(dataset="blossoms", limit=96, input_size=32, num_filters=4, num_latent_inputs=16, measure_every=1,
                                checkpoint_save_interval=2),
                           {"G", "D", "ema", "opt_g", "opt_d", "own", "strips", "history"}, **KERAS,
                           pictures=(*PICTURES, "overfitting.png"), without=("width", "latent_dim", "precision"))}
SMALL = TRACKS["pytorch"].small


# --- The command ---


def options(**values):
    "Keyword arguments as the command takes them."
    out = []
    for name, value in values.items():
        name = name.replace("_", "-")
        out += [f"--{name}" if value else f"--no-{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
    return out


def train_arguments(out, *more, track="pytorch", **changes):
    "gan-course train TRACK, small, on drawn images."
    return ["train", track, *options(**(TRACKS[track].small | changes), out=out), *more]


@dataclass
class Result:
    status: int # exit status; negative: killed by this signal
    out: str
    err: str
    seconds: float = 0.0


def command(*arguments):
    "Run `gan-course` in this process."
    from gan_course.__main__ import main
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try: status = main([str(a) for a in arguments])
        except SystemExit as stop: status = stop.code or 0
    return Result(status, out.getvalue(), err.getvalue())


def one_line(result, *words, status=2):
    "Assert that the command failed as it should; return its message."
    assert result.status == status, f"status {result.status}\n{result.out}\n{result.err}"
    assert "Traceback" not in result.out + result.err
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("gan-course: "), result.err
    for word in words: assert word in lines[0], f"{word!r} is not in {lines[0]!r}"
    return lines[0]


def refused(*arguments, says=()):
    "Run `gan-course` here and assert that it refuses in one line, which is returned."
    return one_line(command(*arguments), *([says] if isinstance(says, str) else says))


def environment(**changes):
    "For subprocesses: one thread, no progress from afar; how loud TensorFlow is, they decide as on anybody's machine."
    here = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return here | dict(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1",
                             MPLBACKEND="Agg", PYTHONUNBUFFERED="1") | changes


def spawn(*arguments, **changes): # of the environment
    "Start `python -m gan_course` as a process of its own."
    return subprocess.Popen([sys.executable, "-m", "gan_course", *map(str, arguments)], text=True, env=environment(**changes), cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process, timeout=120):
    "Wait for a process that `spawn` started."
    try: out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Result(process.returncode, out, err)


def wait_for(happened, process=None, timeout=90):
    "Poll until something is true, and stays no longer than `process` does."
    end = time.monotonic() + timeout
    while not (found := happened()):
        assert time.monotonic() < end, "it never happened"
        assert process is None or process.poll() is None, f"the process has ended: {process.communicate()}"
        time.sleep(0.01)
    return found


# --- What a run leaves behind ---

def strict_json(path):
    "Read JSON, and refuse NaN and Infinity."
    def no(constant): raise AssertionError(f"{constant} in {path}")
    return json.loads(Path(path).read_text("utf-8"), parse_constant=no)


def sound(run, track="pytorch"):
    "Assert that every file of a run folder that bears a final name is whole, in whatever state the run is."
    run, about = Path(run), TRACKS[track]
    checkpoints = about.checkpoints(run)
    for path in [*run.glob("*"), *run.glob("*/*")] if run.is_dir() else []:
        name = str(path.relative_to(run))
        if TEMPORARY.fullmatch(path.name) or name in FOLDERS or name == ".lock": continue
        if path.suffix == ".json": assert strict_json(path)["track"] == track
        elif path.suffix == ".png":
            data = path.read_bytes()
            assert name in about.pictures or re.fullmatch(r"generated_images/epoch_\d+\.png", name) and track == "tpu", path
            assert (data == STUB or data[:4] == b"\x89PNG" and data[-8:] == b"IEND\xaeB`\x82"), path
        elif name == "progress.npz":
            with np.load(path) as strips: assert len(strips["strips"]) == len(strips["images_seen"])
        elif path.parent.name == "logs": assert EVENTS.fullmatch(name), path
        elif path.parent.name == "checkpoints":
            assert path in checkpoints
            state = about.load(path)["state"]
            assert state["steps"] == int(path.name[5:13]) and about.parts <= state.keys()
        else:
            assert name in {*about.networks, *about.models, about.best} or path.parent.name == "generator_checkpoints" and track == "flowers"
            assert about.load(path)["weights"]
    return True


def whole_run(run, best=True, track="pytorch"):
    "The names of all files of a finished run with two checkpoints, or an assertion that something is missing or left over."
    names, about = {str(p.relative_to(run)) for p in Path(run).rglob("*") if p.is_file()}, TRACKS[track]
    checkpoints, logs = ({n for n in names if n.startswith(folder)} for folder in ("checkpoints/", "logs/"))
    assert bool(logs) == strict_json(Path(run)/"config.json")["config"]["tensorboard"], sorted(logs)
    assert names - checkpoints - logs == about.files | about.images(run) | ({about.best} if best else set()), sorted(names)
    assert len(checkpoints) == len(about.checkpoints(run)) == 2
    return names


TIMES = {"seconds", "epoch_seconds", "images_per_second", "out", "date", "git"}


def final(run, track="pytorch"):
    "All that has to be the same for two runs of one configuration."
    run, about = Path(run), TRACKS[track]
    last = about.checkpoints(run)[-1]
    metrics = strict_json(run/"metrics.json")
    generator, discriminator = (about.load(run/name) for name in about.networks)
    return dict(generator=generator, discriminator=discriminator, models=[about.load(run/name) for name in about.models],
                best=about.load(run/about.best) if (run/"best").is_dir() else None,
                kept={path.name: about.load(path) for path in run.glob("generator_checkpoints/*.h5")},
                checkpoint=about.load(last), last=last.name,
                metrics={k: v for k, v in metrics.items() if k != "provenance"})


def differences(a, b, at=""):
    "Where two nested structures differ; arrays and tensors are compared bit for bit, times not at all."
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted(a.keys() | b.keys(), key=str) if k not in TIMES
                for d in (differences(a[k], b[k], f"{at}.{k}") if k in a and k in b else [f"{at}.{k}"])]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b): return [f"{at} (lengths)"]
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{at}[{i}]")]
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        same = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    elif type(a) is type(b) and hasattr(a, "dtype") and hasattr(a, "shape"): # tensors of any framework
        same = a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    elif isinstance(a, float) and isinstance(b, float): same = a == b or math.isnan(a) and math.isnan(b)
    else: same = type(a) is type(b) and a == b
    return [] if same else [at]


def stub_pictures(monkeypatch=None):
    "Let this process write `STUB` instead of drawing: the files are written as ever, and nobody waits for matplotlib."
    import gan_course.loop
    from gan_course.figures import tile_images, to_pixels # for the log, which is no file of ours
    from gan_course.runs import atomic_path
    def write(picture, path, **kwargs):
        with atomic_path(path) as tmp: tmp.write_bytes(STUB)
        return path
    def nothing(*args, **kwargs): pass
    put = monkeypatch.setattr if monkeypatch else setattr
    stub = SimpleNamespace(save_grid=write, save_figure=write, plot_curves=nothing, progress_strip=nothing, tile_images=tile_images,
                           to_pixels=to_pixels)
    for name in ("gan_course.loop", "gan_course.tpu.callbacks", "gan_course.tpu.train", "gan_course.flowers.trainer"): # where they are imported
        if name in sys.modules: put(sys.modules[name], "figures", stub)
    if "gan_course.flowers.trainer" in sys.modules: put(sys.modules["gan_course.flowers.trainer"], "overfitting_figure", nothing)


# --- Children that start at once ---

class Forks:
    """A process that has imported everything and computed nothing. For each call it forks a child, which runs `gan-course` with
    the arguments given, and can be killed. Pictures are stubs."""
    def __init__(self, track="pytorch", **changes): # of the environment
        self.process = subprocess.Popen([sys.executable, __file__, track], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment(**changes), cwd=ROOT)
        assert self.process.stdout.readline() == "ready\n"

    def __call__(self, *arguments,
                 kill=None, # seconds after which to send a signal
                 signal=9, # which
                 once=None, # a file: send it as soon as this exists
                 crash=None, # (n, "before" or "after"): SIGKILL around the n-th time that a file gets its name
                 file_size=None, # RLIMIT_FSIZE
                ):
        ask = dict(arguments=[str(a) for a in arguments], kill=kill, signal=signal, once=once and str(once), crash=crash, file_size=file_size)
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        return Result(**json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def _child(ask, out, err):
    os.dup2(out.fileno(), 1); os.dup2(err.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler) # a shell that starts tests in the background has it ignored
    if ask["file_size"]:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (ask["file_size"],) * 2)
    if ask["crash"]:
        (n, when), replace, calls = ask["crash"], os.replace, [0]
        def crashing(*args):
            calls[0] += 1
            if calls[0] == n and when == "before": os.kill(os.getpid(), 9)
            replace(*args)
            if calls[0] == n: os.kill(os.getpid(), 9)
        os.replace = crashing
    from gan_course.__main__ import main
    return main(ask["arguments"])


def _serve(track):
    import tempfile

    import tyro # noqa: F401
    TRACKS[track].warm_up()
    stub_pictures()
    assert len(os.listdir("/proc/self/task")) == 1 if os.path.isdir("/proc/self/task") else True, "no thread may be forked"
    print("ready", flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            begin = time.perf_counter()
            child = os.fork()
            if child == 0:
                status = 70
                try: status = _child(ask, out, err)
                except BaseException:
                    import traceback
                    traceback.print_exc()
                finally:
                    sys.stdout.flush(); sys.stderr.flush()
                    os._exit(status)
            sent = False
            while (found := os.waitpid(child, os.WNOHANG))[0] == 0:
                late = time.perf_counter() - begin
                now = os.path.exists(ask["once"]) if ask["once"] else ask["kill"] is not None and late > ask["kill"]
                if now and not sent: os.kill(child, ask["signal"]); sent = True
                if late > 120: os.kill(child, 9)
                time.sleep(0.001)
            seconds = time.perf_counter() - begin
            texts = []
            for file in (out, err): file.seek(0); texts.append(file.read())
        print(json.dumps(dict(status=os.waitstatus_to_exitcode(found[1]), out=texts[0], err=texts[1], seconds=seconds)), flush=True)


if __name__ == "__main__": _serve(sys.argv[1])
