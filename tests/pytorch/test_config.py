"What the lesson on the configuration cannot show: every field, out of its range and of a wrong type."
import dataclasses
import json
import typing
from pathlib import Path

import pytest
import torch

from gan_course.basics import CourseError
from gan_course.pytorch.config import (
    BY_RECIPE, CONFIG, RANGES, RECIPES, Config, artifact_paths, device_kinds, has_bf16, select_device, select_precision)

HINTS = typing.get_type_hints(Config)
NUMBERS = {name: hint for name, hint in HINTS.items() if {int, float} & {hint, *typing.get_args(hint)}}
CHOICES = {name: hint for name, hint in HINTS.items() if typing.get_origin(hint) is typing.Literal}
BOOLS = [name for name, hint in HINTS.items() if hint is bool]


def refused(function, *args, **kwargs):
    "The message, which must be one line that begins in the middle of things."
    with pytest.raises(CourseError) as error: function(*args, **kwargs)
    message = str(error.value)
    assert message and "\n" not in message and len(message) < 700
    return message


def test_every_field_has_a_check():
    assert set(NUMBERS) == set(RANGES)
    assert set(HINTS) == set(NUMBERS) | set(CHOICES) | set(BOOLS) | {"data_dir", "out", "device"}


@pytest.mark.parametrize("name", sorted(RANGES))
def test_out_of_range(name):
    low, high = RANGES[name]
    not_finite = [float("nan"), float("inf"), -float("inf")] if NUMBERS[name] is float else []
    for value in [low - 1, high + 1, -10**30, 10**400, *not_finite]:
        for message in (refused(Config, **{name: value}), refused(CONFIG.replace, **{name: value})):
            assert message.startswith(f"{name} is ") and str(low) in message and str(high) in message


@pytest.mark.parametrize("name", sorted(RANGES))
def test_the_ends_of_a_range_are_allowed(name):
    for value in RANGES[name]:
        extra = {"limit": {"batch_size": 2}, "weight_decay": {"optimizer": "adamw"},
                 "label_smoothing": {"loss": "minimax"}}.get(name, {})
        assert getattr(Config(**{name: value}, **extra), name) == value


@pytest.mark.parametrize("name", sorted(HINTS))
def test_wrong_type(name):
    hint = HINTS[name]
    for value in ["", "many", b"64", [], {}, (1, 2), object, 1j, "1", True, 2.5, None]:
        allowed = hint is float and isinstance(value, float) # or not: a matter of the range
        if allowed: continue
        if value is None: allowed = name in ("limit", "data_dir") or name in RECIPES["modern"] # filled in
        elif isinstance(value, bool): allowed = hint is bool
        elif isinstance(value, str): allowed = hint is Path or hint == Path | None
        if allowed: Config(**{name: value})
        else: assert refused(Config, **{name: value}).startswith(name)


@pytest.mark.parametrize("name", sorted(n for n, hint in NUMBERS.items() if hint is float))
def test_a_whole_number_is_a_float(name):
    low, high = RANGES[name]
    value = max(int(low), 0) if low <= 0 else int(high)
    Config(**{name: value})


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_every_choice_is_allowed_and_named(name):
    for value in typing.get_args(CHOICES[name]): Config(**{name: value})
    message = refused(Config, **{name: "sgd"})
    assert all(str(value) in message for value in typing.get_args(CHOICES[name]))


def test_fields_that_contradict_each_other():
    assert "one full batch" in refused(Config, limit=63, batch_size=64)
    assert "label_smoothing" in refused(Config, label_smoothing=0.1)
    assert Config(recipe="dcgan", label_smoothing=0.1).label_smoothing == 0.1
    assert "adamw" in refused(Config, weight_decay=0.1)


def test_frozen_hashable_and_complete():
    with pytest.raises(dataclasses.FrozenInstanceError): CONFIG.epochs = 3
    assert hash(CONFIG) == hash(Config()) and CONFIG == Config()
    for recipe, values in RECIPES.items():
        made = Config(recipe=recipe)
        assert {name: getattr(made, name) for name in values} == values
        assert all(value is not BY_RECIPE for name, value in made.to_dict().items() if name not in ("limit", "data_dir"))
    assert RECIPES["modern"].keys() == RECIPES["dcgan"].keys()


def test_a_recipe_fills_in_only_what_was_not_given():
    made = Config(recipe="dcgan", lr_g=0.01, r1=0)
    assert made.lr_g == 0.01 and made.r1 == 0 and made.lr_d == RECIPES["dcgan"]["lr_d"]


def test_replace_keeps_or_fills_in():
    mine = Config(lr_g=0.01, epochs=3, flip=0.5)
    assert mine.replace(epochs=4).lr_g == 0.01
    assert mine.replace(recipe="modern").lr_g == 0.01, "the same recipe changes nothing"
    other = mine.replace(recipe="dcgan")
    assert other == Config(recipe="dcgan", epochs=3, flip=0.5)
    assert mine.replace(recipe="dcgan", lr_g=0.02).lr_g == 0.02
    assert other.replace(recipe="modern") == Config(epochs=3, flip=0.5)
    assert mine.lr_g == 0.01, "the original is as it was"


@pytest.mark.parametrize("recipe", ["wgan", "", None, [], 3])
def test_replace_by_a_recipe_that_is_none(recipe):
    assert refused(CONFIG.replace, recipe=recipe).startswith("recipe is ")


@pytest.mark.parametrize("name,hint", [
    ("batchsize", "batch_size"), ("learning_rate", "there are recipe"), ("epoch", "epochs"), ("Seed", "seed")])
def test_unknown_field(name, hint):
    message = refused(CONFIG.replace, **{name: 1})
    assert f"no field {name}" in message and hint in message


def test_json_round_trip(tmp_path):
    config = Config(recipe="dcgan", data_dir=tmp_path, out=str(tmp_path/"run"), limit=1000, lr_g=3e-4)
    values = json.loads(json.dumps(config.to_dict()))
    assert Config.from_dict(values) == config and isinstance(config.out, Path)


def test_a_configuration_of_another_version():
    saved = CONFIG.to_dict()
    assert "momentum" in refused(Config.from_dict, saved | {"momentum": 0.9})
    fewer = {name: value for name, value in saved.items() if name != "flip"}
    message = refused(Config.from_dict, fewer)
    assert "flip" in message and "version" in message and "--out" in message
    for damaged in ({}, None, [], "config", 3): refused(Config.from_dict, damaged)
    assert refused(Config.from_dict, saved | {"epochs": "30"}).startswith("epochs is '30'")


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
