"The fields of this track, which of two backends a process gets, and all that is wrong with a command before anything is trained."
import dataclasses
import importlib
import json
import pickle
import subprocess
import sys
import typing
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli import ROOT, Forks, Result, command, ended, environment, one_line, refused, spawn, train_arguments

from gan_course.basics import CourseError
from gan_course.configuration import RANGES, BaseConfig
from gan_course.tpu import config as module
from gan_course.tpu.config import CONFIG, Config, artifact_paths, choose_backend, sees_tpu

HINTS = {field.name: typing.get_type_hints(Config)[field.name] for field in dataclasses.fields(Config)}
NUMBERS = {name: hint for name, hint in HINTS.items() if {int, float} & {hint, *typing.get_args(hint)}}
WHOLE = [name for name, hint in NUMBERS.items() if float not in (hint, *typing.get_args(hint))]
CHOICES = {name: hint for name, hint in HINTS.items() if typing.get_origin(hint) is typing.Literal}
BOOLS = [name for name, hint in HINTS.items() if hint is bool]
ON = pytest.mark.parametrize("on", ["tensorflow", "jax"])


def arguments(out, *more, **changes): return train_arguments(out, *more, track="tpu", **changes)


def says(function, *args, **kwargs):
    "The message of a refusal."
    with pytest.raises(CourseError) as error: function(*args, **kwargs)
    message = str(error.value)
    assert message and "\n" not in message and len(message) < 700
    return message


# --- fields ---

def test_every_field_has_a_check():
    assert set(NUMBERS) == set(Config.ranges)
    assert set(HINTS) == set(NUMBERS) | set(CHOICES) | set(BOOLS) | {"data_dir", "out"}
    shared = {field.name: typing.get_type_hints(BaseConfig)[field.name] for field in dataclasses.fields(BaseConfig)}
    assert {name for name in HINTS if name in shared and shared[name] != HINTS[name]} == set(), "what all tracks have means the same"
    assert {name for name in HINTS if name in RANGES and RANGES[name] != Config.ranges[name]} == set()
    assert set(HINTS) - set(shared) == {"bottleneck", "learning_rate", "image_every", "device", "cpu_devices", "steps_per_call", "precision", "deterministic"}


@pytest.mark.parametrize("name", [*NUMBERS, *CHOICES, *BOOLS])
def test_wrong_type(name):
    optional = type(None) in typing.get_args(HINTS[name])
    for value in ["", "many", b"64", [], {}, (1, 2), object, 1j, "1", None]:
        if value is not None or not optional: assert says(Config, **{name: value}).startswith(name)


@pytest.mark.parametrize("name", NUMBERS)
def test_out_of_range(tmp_path, name):
    "Through the command: a line, status 2, and nothing is written."
    low, high = Config.ranges[name]
    wrong = [int(low) - 1, int(high) + 1, "2.5"] if name in WHOLE else [low - 1e-3, high * 1.001, "nan", "inf"]
    for value in [*wrong, "many"]:
        message = refused("train", "tpu", "--out", tmp_path/"run", f"--{name.replace('_', '-')}={value}", says=() if value == "2.5" else str(value))
        assert name in message or name.replace("_", "-") in message
    assert not (tmp_path/"run").exists()


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_allowed_and_named(name):
    for value in typing.get_args(HINTS[name]): Config(**{name: value})
    message = says(Config, **{name: "nonsense"})
    assert all(value in message for value in typing.get_args(HINTS[name]))


def test_options_that_contradict_each_other():
    for device in ("gpu", "tpu"): assert f"cpu_devices is 2 and device {device}" in says(Config, cpu_devices=2, device=device)
    assert "limit is 100" in says(Config, limit=100)
    Config(cpu_devices=8, device="cpu", batch_size=64), Config(cpu_devices=8), Config(device="tpu"), Config(limit=128)


def test_frozen_hashable_and_json():
    with pytest.raises(dataclasses.FrozenInstanceError): CONFIG.device = "cpu"
    assert hash(CONFIG) == hash(Config()) and CONFIG == Config() == pickle.loads(pickle.dumps(CONFIG))
    config = Config(data_dir="data", out="run", limit=1000, device="tpu", steps_per_call=7)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config and config.out == Path("run")
    for other in (BaseConfig().to_dict(), {"width": 3}, [], None): assert "saved configuration" in says(Config.from_dict, other)


def test_every_artifact_has_its_own_name():
    paths = artifact_paths("run")
    assert len(set(paths.values())) == len(paths) == 15 and all(Path("run") in path.parents for path in paths.values())
    assert {paths[name].name for name in ("generator_keras", "training_loss", "final", "images")} \
        == {"generator.keras", "training_loss.png", "final_generated_images.png", "generated_images"}


# --- a backend ---

@pytest.mark.parametrize("files, environ, there", [
    ([], {}, False), (["dev/accel0"], {}, True), (["dev/accel3"], {}, True), (["dev/accelerator"], {}, False),
    (["dev/vfio/0"], {}, True), (["dev/vfio/11"], {}, True), (["dev/vfio/vfio"], {}, False), (["dev/nvidia0"], {}, False),
    ([], {"TPU_NAME": "local"}, True), ([], {"TPU_ACCELERATOR_TYPE": "v5e-8"}, True), ([], {"COLAB_TPU_ADDR": "10.0.0.1"}, True),
    ([], {"TPU_WORKER_ID": "0"}, True), ([], {"TPU": "1", "COLAB_GPU": "1"}, False)], ids=str)
def test_what_shows_a_tpu(tmp_path, files, environ, there):
    for name in files:
        (tmp_path/name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path/name).touch()
    assert sees_tpu(tmp_path, environ) is there


@pytest.fixture
def machine(monkeypatch):
    "A machine with these packages, and a TPU or none; Keras is not imported yet."
    def make(installed, tpu):
        monkeypatch.delitem(sys.modules, "keras")
        monkeypatch.setattr(module, "find_spec", lambda name: name if name in installed.split() else None)
        monkeypatch.setattr(module, "sees_tpu", lambda environ: tpu)
    return make


@pytest.mark.parametrize("installed, tpu, asked, chosen", [
    ("jax tensorflow", False, "", "tensorflow"), ("jax tensorflow", True, "", "jax"), ("jax", False, "", "jax"), ("jax", True, "", "jax"),
    ("tensorflow", False, "", "tensorflow"), ("tensorflow", True, "", "tensorflow"),
    ("jax tensorflow", False, "jax", "jax"), ("jax tensorflow", True, "tensorflow", "tensorflow")])
def test_the_rule(machine, installed, tpu, asked, chosen):
    "What is asked for; JAX where there is a TPU, or no TensorFlow; else TensorFlow."
    machine(installed, tpu)
    assert choose_backend({"KERAS_BACKEND": asked} if asked else {}) == chosen == choose_backend({"KERAS_BACKEND": chosen})
    if not asked: assert choose_backend({"KERAS_BACKEND": ""}) == chosen


@pytest.mark.parametrize("installed, asked, words", [
    ("jax tensorflow", "torch", ("KERAS_BACKEND is torch", "jax and on tensorflow")), ("jax tensorflow", "JAX", ("KERAS_BACKEND is JAX",)),
    ("tensorflow", "jax", ("KERAS_BACKEND is jax", "not installed", "gan_course[tpu]")),
    ("jax", "tensorflow", ("KERAS_BACKEND is tensorflow", "not installed")), ("", None, ("not installed", "gan_course[tpu]"))])
def test_no_such_backend(machine, installed, asked, words):
    machine(installed, False)
    message = says(choose_backend, {"KERAS_BACKEND": asked} if asked else {})
    assert all(word in message for word in words), message


def test_keras_has_chosen_already(monkeypatch):
    "Then the environment has no say."
    for name in ("tensorflow", "jax"):
        monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda name=name: name)))
        assert choose_backend({"KERAS_BACKEND": "torch"}) == name
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda: "torch")))
    assert "KERAS_BACKEND is torch" in says(choose_backend, {})


# --- processes ---

def python(code, *arguments, **changes):
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, timeout=120,
                          env=environment(**changes))
    return Result(done.returncode, done.stdout, done.stderr)


@ON
def test_a_quiet_import(on):
    "Nothing is said and nothing is started; nor when a seed is set, which is the first thing that a run does."
    code = ("import os, sys; import gan_course.tpu; from gan_course.tpu.model import seed_everything\n"
            "assert len(os.listdir('/proc/self/task')) == 1 if os.path.isdir('/proc/self/task') else True\n"
            "print(sys.modules['keras'].backend.backend(), 'torch' in sys.modules); seed_everything(0)")
    done = python(code, KERAS_BACKEND=on)
    assert done == Result(0, f"{on} False\n", ""), done.err


def test_a_loud_import():
    "TensorFlow's notes come back when they are asked for."
    done = python("import gan_course.tpu", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="0")
    assert done.status == 0 and any(note in done.err for note in ("oneDNN", "absl::InitializeLog")), done.err # which, the processor decides


WITHOUT = """
import importlib.abc, sys
missing = sys.argv.pop(1)
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == missing: raise ModuleNotFoundError(f"No module named {name!r}", name=name)
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *args: None if name == missing else find(name, *args)
sys.meta_path.insert(0, Missing())
from gan_course.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("missing, on, words", [("jax", "jax", ("KERAS_BACKEND is jax", "not installed", "gan_course[tpu]")),
                                                ("keras", "tensorflow", ("the track tpu needs keras", "gan_course[tpu]"))])
def test_a_package_that_is_not_there(tmp_path, missing, on, words):
    one_line(python(WITHOUT, missing, *arguments(tmp_path/"run"), KERAS_BACKEND=on), *words)
    assert not (tmp_path/"run").exists()


@pytest.mark.parametrize("name", ["torch", "numpy", "nonsense"])
def test_another_backend_of_keras(tmp_path, name):
    one_line(ended(spawn(*arguments(tmp_path/"run"), KERAS_BACKEND=name)), f"KERAS_BACKEND is {name}", "jax and on tensorflow")
    assert not (tmp_path/"run").exists()


@pytest.fixture(scope="module")
def forks():
    "A server of forks for each backend."
    servers = {on: Forks("tpu", KERAS_BACKEND=on) for on in ("tensorflow", "jax")}
    yield servers
    for server in servers.values(): server.close()


@ON
@pytest.mark.parametrize("given, words", [
    (["--device", "tpu"], ("device tpu was asked for", "finds only cpu", "device auto")),
    (["--device", "gpu"], ("device gpu was asked for", "finds only cpu", "device auto")),
    (["--cpu-devices", "3"], ("batch_size 32 cannot be shared equally by 3 devices", "use a multiple of 3")),
    (["--cpu-devices", "8", "--batch-size", "36"], ("batch_size 36 cannot be shared equally by 8 devices", "use a multiple of 8")),
    (["--batch-size", "33", "--limit", "33", "--cpu-devices", "2"], ("batch_size 33", "2 devices"))], ids=" ".join)
def test_devices_that_are_not_there(tmp_path, forks, on, given, words):
    "In a fresh process of either backend: a line, status 2, and nothing was trained."
    message = one_line(forks[on](*arguments(tmp_path/"run"), *given), *words)
    assert on in message or "batch_size" in message
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name != ".lock"]


@pytest.mark.parametrize("given, words", [
    (["--lr-g", "1e-3"], "lr-g"), (["--recipe", "dcgan"], "recipe"), (["--upsample", "resize"], "upsample"), (["--colour", "red"], "colour"),
    (["--strategy", "tpu"], "strategy"), (["--device", "cuda"], ("invalid choice 'cuda'", "'auto', 'cpu', 'gpu', 'tpu'")),
    (["--device", "cpu:0"], "cpu:0"), (["--precision", "fp8"], "fp8"), (["--dataset", "mnist"], "mnist"),
    (["--cpu-devices", "2", "--device", "gpu"], ("cpu_devices is 2", "only a processor can be split")),
    (["--cpu-devices", "8", "--device", "tpu"], ("cpu_devices is 8", "only a processor can be split")),
    (["--cpu-devices", "2"], ("cpu_devices is 2", "already started", "fresh process")), (["--limit", "31"], ("limit is 31", "batch_size 32")),
    (["--image-every", "0"], "image_every is 0"), (["--epochs", "0"], "epochs is 0"), (["--steps-per-call", "0"], "steps_per_call is 0"),
    (["--resume", "maybe"], "maybe"), (["stray"], "stray")], ids=" ".join)
def test_options(tmp_path, given, words):
    from gan_course.tpu.strategy import find_accelerator
    find_accelerator() # this process has one device, and has started
    refused(*arguments(tmp_path/"run"), *given, says=words)
    assert not (tmp_path/"run").exists(), "refused before anything is made"


def test_every_field_is_an_option():
    done = command("train", "tpu", "--help")
    assert done.status == 0
    for name in HINTS: assert f"--{name.replace('_', '-')}" in done.out or f"--no-{name.replace('_', '-')}" in done.out, name


def test_options_reach_training(monkeypatch):
    tpu, seen = importlib.import_module("gan_course.tpu"), {}
    monkeypatch.setattr(tpu, "train", lambda config, resume: seen.update(config=config, resume=resume))
    assert command("train", "tpu", "--learning-rate", "1e-3", "--resume", "--no-progress", "--image-every", "3").status == 0
    assert seen == dict(config=CONFIG.replace(learning_rate=1e-3, progress=False, image_every=3), resume=True)
