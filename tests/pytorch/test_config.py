"The four fields that PyTorch adds to a configuration, the devices and the number formats."
import dataclasses
import json
import pickle
import typing
from pathlib import Path

import pytest
import torch

from gan_course.basics import CourseError
from gan_course.configuration import RANGES, RECIPES, BaseConfig
from gan_course.pytorch.config import CONFIG, Config, artifact_paths, device_kinds, has_bf16, select_device, select_precision

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
    assert set(NUMBERS) == set(RANGES) == set(Config.ranges)
    assert set(HINTS) == set(NUMBERS) | set(CHOICES) | set(BOOLS) | {"data_dir", "out", "device"}
    assert ADDED == ["cuda_graphs", "deterministic", "device", "precision"]


@pytest.mark.parametrize("name", ADDED)
def test_wrong_type(name):
    for value in ["", "many", b"64", [], {}, (1, 2), object, 1j, "1", True, 2.5, None]:
        if isinstance(value, bool) and name in BOOLS: Config(**{name: value})
        else: assert refused(Config, **{name: value}).startswith(name)


def test_every_choice_is_allowed_and_named():
    for value in typing.get_args(HINTS["precision"]): Config(precision=value)
    message = refused(Config, precision="fp16")
    assert all(value in message for value in typing.get_args(HINTS["precision"]))


def test_frozen_hashable_and_complete():
    with pytest.raises(dataclasses.FrozenInstanceError): CONFIG.device = "cpu"
    assert hash(CONFIG) == hash(Config()) and CONFIG == Config() == pickle.loads(pickle.dumps(CONFIG))
    assert CONFIG.out == Path("artifacts/pytorch_gan")


def test_json_round_trip(tmp_path):
    config = Config(recipe="dcgan", data_dir=tmp_path, out=str(tmp_path/"run"), limit=1000, device="cuda:1", cuda_graphs=False)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.replace(recipe="modern").device == "cuda:1" and config.lr_d == RECIPES["dcgan"]["lr_d"]
    assert "device" in refused(Config.from_dict, BaseConfig().to_dict())


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:", "cuda:-1", "cpu:7", "cuda:0:1", "cuda:99999999999", "tpu"])
def test_a_device_that_cannot_be(name):
    message = refused(select_device, name)
    assert name in message
    if name.split(":")[0] in ("gpu", "tpu"): assert refused(Config, device=name).startswith("device is ")


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
def test_a_device_that_is_not_here(kind, monkeypatch):
    monkeypatch.setattr("gan_course.pytorch.config.device_kinds", lambda: ["cpu"])
    message = refused(select_device, kind)
    assert kind in message and "cpu" in message and "--device auto" in message
    assert select_device("auto") == torch.device("cpu") == select_device()


def test_a_second_gpu_that_is_not_here(monkeypatch):
    monkeypatch.setattr("gan_course.pytorch.config.device_kinds", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert select_device("cuda:1") == torch.device("cuda:1") and select_device().type == "cuda"
    assert "cuda:1" in refused(select_device, "cuda:2")


def test_the_cpu_is_always_there_and_last(): assert device_kinds()[-1] == "cpu"


def test_precision(monkeypatch):
    cpu = torch.device("cpu")
    assert select_precision("fp32", cpu) is torch.float32 and select_precision("bf16", cpu) is torch.bfloat16
    for found, wanted in [({}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16), ({"amx_bf16": True}, torch.bfloat16),
                          ({"avx512_bf16": False, "avx2": True}, torch.float32)]:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found, raising=False)
        assert select_precision("auto", cpu) is wanted
    monkeypatch.delattr(torch.cpu, "get_capabilities") # PyTorch 2.6 has none
    assert select_precision("auto", cpu) is torch.float32 and not has_bf16(cpu)
    assert not has_bf16(torch.device("mps"))
    for wrong in ("fp16", "", "FP32", None): assert refused(select_precision, wrong, cpu).startswith("precision is ")


def test_every_artifact_has_its_own_name():
    paths = artifact_paths("run")
    assert len(set(paths.values())) == len(paths) and all(Path("run") in path.parents for path in paths.values())
