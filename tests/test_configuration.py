"What the lesson on the configuration cannot show: every field, out of its range and of a wrong type."
import dataclasses
import json
import pickle
import typing
from pathlib import Path

import pytest

from gan_course.basics import CourseError
from gan_course.configuration import BY_RECIPE, RANGES, RECIPES, BaseConfig, artifact_paths

CONFIG = BaseConfig()
HINTS = {field.name: typing.get_type_hints(BaseConfig)[field.name] for field in dataclasses.fields(BaseConfig)}
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
    assert set(HINTS) == set(NUMBERS) | set(CHOICES) | set(BOOLS) | {"data_dir", "out"}


@pytest.mark.parametrize("name", sorted(RANGES))
def test_out_of_range(name):
    low, high = RANGES[name]
    not_finite = [float("nan"), float("inf"), -float("inf")] if NUMBERS[name] is float else []
    for value in [low - 1, high + 1, -10**30, 10**400, *not_finite]:
        for message in (refused(BaseConfig, **{name: value}), refused(CONFIG.replace, **{name: value})):
            assert message.startswith(f"{name} is ") and str(low) in message and str(high) in message


@pytest.mark.parametrize("name", sorted(RANGES))
def test_the_ends_of_a_range_are_allowed(name):
    for value in RANGES[name]:
        extra = {"limit": {"batch_size": 2}, "weight_decay": {"optimizer": "adamw"},
                 "label_smoothing": {"loss": "minimax"}}.get(name, {})
        assert getattr(BaseConfig(**{name: value}, **extra), name) == value


@pytest.mark.parametrize("name", sorted(HINTS))
def test_wrong_type(name):
    hint = HINTS[name]
    for value in ["", "many", b"64", [], {}, (1, 2), object, 1j, "1", True, 2.5, None]:
        allowed = hint is float and isinstance(value, float) # or not: a matter of the range
        if allowed: continue
        if value is None: allowed = name in ("limit", "data_dir") or name in RECIPES["modern"] # filled in
        elif isinstance(value, bool): allowed = hint is bool
        elif isinstance(value, str): allowed = hint is Path or hint == Path | None
        if allowed: BaseConfig(**{name: value})
        else: assert refused(BaseConfig, **{name: value}).startswith(name)


@pytest.mark.parametrize("name", sorted(n for n, hint in NUMBERS.items() if hint is float))
def test_a_whole_number_is_a_float(name):
    low, high = RANGES[name]
    value = max(int(low), 0) if low <= 0 else int(high)
    BaseConfig(**{name: value})


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_every_choice_is_allowed_and_named(name):
    for value in typing.get_args(CHOICES[name]): BaseConfig(**{name: value})
    message = refused(BaseConfig, **{name: "sgd"})
    assert all(str(value) in message for value in typing.get_args(CHOICES[name]))


def test_fields_that_contradict_each_other():
    assert "one full batch" in refused(BaseConfig, limit=63, batch_size=64)
    assert "label_smoothing" in refused(BaseConfig, label_smoothing=0.1)
    assert BaseConfig(recipe="dcgan", label_smoothing=0.1).label_smoothing == 0.1
    assert "adamw" in refused(BaseConfig, weight_decay=0.1)


def test_frozen_hashable_and_complete():
    with pytest.raises(dataclasses.FrozenInstanceError): CONFIG.epochs = 3
    assert hash(CONFIG) == hash(BaseConfig()) and CONFIG == BaseConfig()
    for recipe, values in RECIPES.items():
        made = BaseConfig(recipe=recipe)
        assert {name: getattr(made, name) for name in values} == values
        assert all(value is not BY_RECIPE for name, value in made.to_dict().items() if name not in ("limit", "data_dir"))
    assert RECIPES["modern"].keys() == RECIPES["dcgan"].keys()


def test_a_recipe_fills_in_only_what_was_not_given():
    made = BaseConfig(recipe="dcgan", lr_g=0.01, r1=0)
    assert made.lr_g == 0.01 and made.r1 == 0 and made.lr_d == RECIPES["dcgan"]["lr_d"]


def test_replace_keeps_or_fills_in():
    mine = BaseConfig(lr_g=0.01, epochs=3, flip=0.5)
    assert mine.replace(epochs=4).lr_g == 0.01
    assert mine.replace(recipe="modern").lr_g == 0.01, "the same recipe changes nothing"
    other = mine.replace(recipe="dcgan")
    assert other == BaseConfig(recipe="dcgan", epochs=3, flip=0.5)
    assert mine.replace(recipe="dcgan", lr_g=0.02).lr_g == 0.02
    assert other.replace(recipe="modern") == BaseConfig(epochs=3, flip=0.5)
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
    config = BaseConfig(recipe="dcgan", data_dir=tmp_path, out=str(tmp_path/"run"), limit=1000, lr_g=3e-4)
    values = json.loads(json.dumps(config.to_dict()))
    assert BaseConfig.from_dict(values) == config and isinstance(config.out, Path)


def test_a_configuration_of_another_version():
    saved = CONFIG.to_dict()
    assert "momentum" in refused(BaseConfig.from_dict, saved | {"momentum": 0.9})
    fewer = {name: value for name, value in saved.items() if name != "flip"}
    message = refused(BaseConfig.from_dict, fewer)
    assert "flip" in message and "version" in message and "--out" in message
    for damaged in ({}, None, [], "config", 3): refused(BaseConfig.from_dict, damaged)
    assert refused(BaseConfig.from_dict, saved | {"epochs": "30"}).startswith("epochs is '30'")


# --- what a track adds ---

@dataclasses.dataclass(frozen=True, kw_only=True)
class Mine(BaseConfig):
    out: Path = Path("artifacts/mine")
    cores: int = 2
    speed: typing.Literal["slow", "fast"] = "slow"
    ranges: typing.ClassVar = RANGES | {"cores": (1, 8)}

    def check(self):
        super().check()
        if self.speed == "fast" and self.cores < 4: raise CourseError("fast needs 4 cores")


@pytest.mark.parametrize("changes, says", [
    (dict(cores=9), "cores is 9; it has to lie between 1 and 8"), (dict(cores="2"), "cores is '2'"), (dict(cores=True), "cores is True"),
    (dict(speed="warp"), "slow, fast"), (dict(speed="fast"), "fast needs 4 cores"), (dict(epochs=0), "epochs is 0"),
    (dict(weight_decay=0.1), "adamw"), (dict(recipe="wgan"), "recipe is 'wgan'"), (dict(limit=3), "one full batch")], ids=str)
def test_a_track_checks_its_fields_and_the_common_ones(changes, says):
    for make in (Mine, Mine().replace): assert says in refused(make, **changes)


def test_a_track_is_a_configuration():
    made = Mine(recipe="dcgan", cores=4, speed="fast", lr_g=1e-4, data_dir="data")
    assert made.lr_d == RECIPES["dcgan"]["lr_d"] and made.out == Path("artifacts/mine") and made.data_dir == Path("data")
    assert Mine.from_dict(json.loads(json.dumps(made.to_dict()))) == made == pickle.loads(pickle.dumps(made))
    assert hash(made) == hash(Mine.from_dict(made.to_dict())) and made != Mine()
    assert Mine() != BaseConfig(out="artifacts/mine") and "ranges" not in made.to_dict()
    assert [f.name for f in dataclasses.fields(Mine)] == [*HINTS, "cores", "speed"]
    assert "cores" in refused(BaseConfig.from_dict, made.to_dict())
    assert "cores" not in BaseConfig.ranges and BaseConfig.ranges is RANGES


@pytest.mark.parametrize("weights", [".pt", ".weights.h5"])
def test_every_artifact_has_its_own_name(weights):
    paths = artifact_paths("run", weights)
    assert len(set(paths.values())) == len(paths) and all(Path("run") in path.parents for path in paths.values())
    assert [p.name for p in paths.values() if p.name.endswith(weights)] == [f"{n}{weights}" for n in ("generator", "discriminator", "generator")]


def test_no_framework_is_needed():
    import subprocess
    import sys
    code = "import sys, gan_course.configuration, gan_course.loop; sys.exit(bool({'torch', 'tensorflow', 'jax'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
