"The fields that TensorFlow adds to a configuration, devices, strategies, number formats, and a quiet import."
import dataclasses
import json
import pickle
import subprocess
import sys
import typing
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf
from cli import ROOT, environment

from gan_course.basics import CourseError, no_stderr
from gan_course.configuration import RANGES, RECIPES, BaseConfig
from gan_course.tensorflow import config as module
from gan_course.tensorflow.config import (
    CONFIG, Config, artifact_paths, current_strategy, device_kinds, gpu_capability, select_device, select_precision,
    select_strategy, select_xla, split_cpu)

HINTS = {field.name: typing.get_type_hints(Config)[field.name] for field in dataclasses.fields(Config)}
NUMBERS = {name: hint for name, hint in HINTS.items() if {int, float} & {hint, *typing.get_args(hint)}}
CHOICES = {name: hint for name, hint in HINTS.items() if typing.get_origin(hint) is typing.Literal}
BOOLS = [name for name, hint in HINTS.items() if hint is bool]
ADDED = sorted(HINTS.keys() - {field.name for field in dataclasses.fields(BaseConfig)})


def refused(function, *args, **kwargs):
    "The message, which must be one line that begins in the middle of things."
    with pytest.raises(CourseError) as error: function(*args, **kwargs)
    message = str(error.value)
    assert message and "\n" not in message and len(message) < 700
    return message


def test_every_field_has_a_check():
    assert set(NUMBERS) == set(Config.ranges) == set(RANGES) | {"cpu_devices"}
    assert set(HINTS) == set(NUMBERS) | set(CHOICES) | set(BOOLS) | {"data_dir", "out", "device"}
    assert ADDED == ["cpu_devices", "deterministic", "device", "precision", "strategy", "sync_batch_norm", "xla"]


@pytest.mark.parametrize("name", ADDED)
def test_wrong_type(name):
    for value in ["", "many", b"64", [], {}, (1, 2), object, 1j, "1", True, 2.5, None]:
        if isinstance(value, bool) and name in BOOLS: Config(**{name: value})
        else: assert refused(Config, **{name: value}).startswith(name)


@pytest.mark.parametrize("name", ["precision", "strategy", "xla"])
def test_every_choice_is_allowed_and_named(name):
    for value in typing.get_args(HINTS[name]): Config(**{name: value})
    message = refused(Config, **{name: "fp8"})
    assert all(value in message for value in typing.get_args(HINTS[name]))


def test_options_that_contradict_each_other():
    for device in ("gpu", "gpu:1"): assert "cpu_devices is 2" in refused(Config, cpu_devices=2, device=device)
    assert "strategy single" in refused(Config, cpu_devices=8, strategy="single")
    assert refused(Config, cpu_devices=0).startswith("cpu_devices") and refused(Config, cpu_devices=65).startswith("cpu_devices")
    Config(cpu_devices=8, strategy="mirrored", device="cpu")


def test_frozen_hashable_and_complete():
    with pytest.raises(dataclasses.FrozenInstanceError): CONFIG.device = "cpu"
    assert hash(CONFIG) == hash(Config()) and CONFIG == Config() == pickle.loads(pickle.dumps(CONFIG))
    assert CONFIG.out == Path("artifacts/tensorflow_gan")


def test_json_round_trip(tmp_path):
    config = Config(recipe="dcgan", data_dir=tmp_path, out=str(tmp_path/"run"), limit=1000, device="gpu:1", sync_batch_norm=True)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.replace(recipe="modern").device == "gpu:1" and config.lr_d == RECIPES["dcgan"]["lr_d"]
    assert "device" in refused(Config.from_dict, BaseConfig().to_dict())


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "gpu:x", "gpu:", "cpu:-1", "cpu:7", "cpu:0:1", "cpu:99999999999", "tpu", "cpu:²"])
def test_a_device_that_cannot_be(name):
    message = refused(select_device, name)
    assert name in message
    if name.split(":")[0] not in ("cpu", "gpu"): assert refused(Config, device=name).startswith("device is ")


def test_a_gpu_that_is_not_here(monkeypatch):
    monkeypatch.setattr(module, "device_kinds", lambda: ["cpu"])
    message = refused(select_device, "gpu")
    assert "gpu" in message and "only cpu" in message and "--device auto" in message
    assert select_device("auto") == select_device() == select_device("cpu:0") == "CPU:0"


@pytest.fixture
def two_gpus(monkeypatch):
    "TensorFlow sees two GPUs, the first of compute capability 7, the second without a known one."
    here = [SimpleNamespace(name=f"/physical_device:GPU:{i}") for i in range(2)]
    physical = tf.config.list_physical_devices
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: here if kind == "GPU" else physical(kind))
    monkeypatch.setattr(tf.config.experimental, "get_device_details",
                        lambda device: dict(compute_capability=(7, 5)) if device is here[0] else {})


def test_two_gpus(two_gpus):
    assert device_kinds() == ["gpu", "cpu"]
    assert select_device() == "GPU:0" and select_device("gpu:1") == "GPU:1" and select_device("cpu") == "CPU:0"
    assert "gpu:2" in refused(select_device, "gpu:2")
    assert gpu_capability("GPU:0") == 7 and gpu_capability("GPU:1") == 0 == gpu_capability("CPU:0")
    assert "--device cpu" in refused(select_strategy, cpu_devices=2), "not silently ignored"


def test_the_cpu_is_always_there_and_last(): assert device_kinds()[-1] == "cpu"


def test_precision(monkeypatch):
    assert select_precision("fp32") == "float32" and select_precision("bf16") == "mixed_bfloat16"
    assert select_precision("fp16", "CPU:0") == "mixed_float16"
    for found, wanted in [(0, "float32"), (6, "float32"), (7, "mixed_float16"), (8, "mixed_bfloat16"), (9, "mixed_bfloat16")]:
        monkeypatch.setattr(module, "gpu_capability", lambda device, found=found: found)
        assert select_precision("auto", "GPU:0") == wanted
    for wrong in ("fp8", "", "FP32", None): assert refused(select_precision, wrong).startswith("precision is ")


def test_xla():
    assert select_xla("auto", "GPU:1") and not select_xla("auto", "CPU:0") and not select_xla()
    assert select_xla("on", "CPU:0") and not select_xla("off", "GPU:0")
    for wrong in ("", True, None): assert refused(select_xla, wrong).startswith("xla is ")


def test_strategies():
    "This process has one processor, and it is too late for another."
    tf.zeros(1)
    single = select_strategy()
    assert isinstance(single, tf.distribute.OneDeviceStrategy) and single.num_replicas_in_sync == 1
    with single.scope(): assert current_strategy() is single
    assert current_strategy().num_replicas_in_sync == 1
    assert "there is one device" in refused(select_strategy, "mirrored", "cpu")
    for wrong in ("tpu", "", None): assert refused(select_strategy, wrong).startswith("strategy is ")
    split_cpu(1)
    for call in (lambda: split_cpu(2), lambda: select_strategy("mirrored", "cpu", 2), lambda: select_strategy("auto", "auto", 2)):
        assert "already started with 1" in refused(call)


def test_every_artifact_has_its_own_name():
    paths = artifact_paths("run")
    assert len(set(paths.values())) == len(paths) == 12 and all(Path("run") in path.parents for path in paths.values())


# --- what TensorFlow would like to say ---

def python(code, **changes):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment(**changes), timeout=120)


def test_a_quiet_import():
    "No page of notes on import nor on first use; nothing is started; and all of it comes back when it is asked for."
    code = ("import os, sys; from gan_course.tensorflow import config\n"
            "assert len(os.listdir('/proc/self/task')) == 1 if os.path.isdir('/proc/self/task') else True\n"
            "config.select_device(); print('fine', file=sys.stderr); os.system('echo here >&2')")
    quiet = {k: v for k, v in environment().items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=quiet, timeout=120)
    assert done.returncode == 0 and done.stderr == "fine\nhere\n" and done.stdout == "", done.stderr
    loud = python(code, TF_CPP_MIN_LOG_LEVEL="0")
    assert loud.returncode == 0 and any(note in loud.stderr for note in ("oneDNN", "absl::InitializeLog")), loud.stderr # which, the processor decides


def test_only_what_is_inside_is_lost(capfd):
    import os
    os.write(2, b"before ")
    with pytest.raises(ZeroDivisionError), no_stderr():
        os.write(2, b"inside ")
        1 / 0
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"
