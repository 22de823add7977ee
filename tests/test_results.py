"""What `gan-course evaluate` and `report` say and write: real images get the floor, faults are flagged by the number that should see
them, a damaged file costs one line and nothing that was there."""
import json
import re
import shutil

import numpy as np
import pytest
from cli import command, one_line, refused, strict_json, train_arguments

from gan_course import metrics, results
from gan_course.basics import CourseError
from gan_course.datasets import load_dataset
from gan_course.features import judge_of
from gan_course.metrics import FeatureFrechet, PUBLISHED, Reference, evaluation_figure, flags, remembered
from gan_course.results import (
    MARKS, abridge, compared, evaluate_images, evaluate_run, feature_file, fitting_judge, grids_figure, groups_of, headline, in_own_process, in_words,
    number, reference_of, report, run_folders, strips_of, summary)
from gan_course.runs import RunFolder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch): # not the user's
    monkeypatch.setattr(results.pooch, "os_cache", lambda name: tmp_path/"cache"/name)


@pytest.fixture(scope="module")
def garments(): return load_dataset("garments", "train", limit=6000), load_dataset("garments", "test", limit=1500)


@pytest.fixture(scope="module")
def reference(garments): return Reference(judge_of("garments"), *(part.images for part in garments))


# --- One evaluation ---

def test_real_test_images_get_the_floor(garments, reference):
    train, test = garments
    found = evaluate_images(test.images, train, test, reference)
    for name, row in found["metrics"].items():
        assert row["value"] == pytest.approx(row["floor"], abs=1e-9), name
        assert row["low"] <= row["value"] <= row["high"], name
    assert found["flags"] == [] and found["pixel_frechet"]["value"] == found["pixel_frechet"]["floor"]


def uniform(train): return np.random.default_rng(0).integers(0, 256, (1500, 28, 28, 1), dtype=np.uint8)
def one_image(train): return train.images[:1].repeat(1500, axis=0)
def one_kind(train): return train.images[train.labels == 3]
def training(train): return train.images[:500]


@pytest.mark.parametrize("fault, metric", [(uniform, "precision"), (one_image, "coverage"), (one_kind, "class_distance"), (training, "copied")])
def test_each_fault_is_flagged_by_its_metric(garments, reference, fault, metric):
    train, test = garments
    found = evaluate_images(fault(train), train, test, reference)
    assert any(f"({metric})" in line for line in found["flags"]), found["flags"]
    row = found["metrics"][metric]
    assert row["low"] <= row["value"] <= row["high"] and abs(row["value"] - row["floor"]) > 0.03


def test_training_images_have_no_other_fault(garments, reference): # so only `copied` could tell
    train, test = garments
    assert [line for line in evaluate_images(training(train), train, test, reference)["flags"] if "copied" not in line] == []


def test_two_evaluations_side_by_side(garments, reference):
    train, test = garments
    found = {"real": evaluate_images(test.images, train, test, reference), "noise": evaluate_images(uniform(train), train, test, reference)}
    head, *lines = compared(found)
    assert head.split() == ["real", "95", "%", "noise", "95", "%", "floor"] and len({len(line) for line in (head, *lines)}) == 1
    for line, (name, real) in zip(lines, found["real"]["metrics"].items(), strict=True):
        noise = found["noise"]["metrics"][name]
        numbers = [row[key] for row in (real, noise) for key in ("value", "low", "high")] + [real["floor"]]
        assert line.split()[0] == name and list(map(float, re.findall(r"-?\d+\.\d+", line))) == pytest.approx(numbers, abs=6e-4)


def test_only_equals_stand_side_by_side(garments, reference):
    train, test = garments
    real = evaluate_images(test.images, train, test, reference)
    with pytest.raises(CourseError, match="as many samples"): compared({"all": real, "some": evaluate_images(test.images[:700], train, test, reference)})
    with pytest.raises(CourseError, match="pixels has no judge's numbers"): compared({"all": real, "pixels": evaluate_images(test.images, train, test)})


def test_no_measurement_no_flag(): assert flags({}) == [] and flags(None) == []


def test_what_was_compared_stands_in_it(garments, reference):
    train, test = garments
    found = evaluate_images(test.images[:700], train, test, reference)
    assert found["num"] == 700 and found["dataset"] == "garments" and found["judge"] == dict(name="garments", sha256=judge_of("garments").sha256)
    assert found["train"] == dict(images=6000, checksum=train.checksum) and found["test"] == dict(images=1500, checksum=test.checksum)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name, shape", [("garments", (32, 32, 1)), ("garments", (28, 28, 3)), ("blossoms", (64, 64, 3)), ("nothing", (28, 28, 1))])
def test_no_judge_fits(name, shape): assert fitting_judge(name, shape) is None


def test_judges_fit(): assert all(fitting_judge(name, (28, 28, 1)) is judge_of(name) for name in ("fashion_mnist", "garments"))


def test_the_page_has_a_picture_of_colours_too(garments, reference):
    found = evaluate_images(garments[1].images[:600], *garments, reference)["metrics"]
    for shape in ((64, 28, 28, 1), (3, 28, 28, 1), (70, 32, 32, 3)):
        assert evaluation_figure(np.zeros(shape, np.uint8), found, "x").axes


# --- The files of one run ---

def test_evaluate_run_writes_both(tmp_path, garments):
    train, test = garments
    found = evaluate_run(RunFolder(tmp_path/"run"), test.images[:600], train, test, seed=5, weights="best")
    assert strict_json(tmp_path/"run"/"evaluation.json") == found and found["seed"] == 5 and found["weights"] == "best"
    assert (tmp_path/"run"/"evaluation.png").read_bytes()[:4] == b"\x89PNG"
    assert "inception_frechet" not in found
    text = in_words(found)
    assert len(text) == 1 + len(found["metrics"]) + len(found["flags"]) and all("floor" in line for line in text[1:10])


def test_pixels_only(tmp_path, garments):
    found = evaluate_run(RunFolder(tmp_path/"run"), garments[1].images[:500], *garments, features="pixels")
    assert found["metrics"] is None and found["judge"] is None and found["flags"] == [] and len(in_words(found)) == 1
    assert not list((tmp_path/"cache").rglob("*.npz"))


def test_features_are_remembered(tmp_path, garments):
    train, test = garments
    judge = judge_of("garments")
    first = reference_of(judge, train, test)(test.images[:500])
    path = feature_file(judge, train)
    assert path.exists() and path != feature_file(judge, test) != feature_file(judge_of("fashion_mnist"), test)
    written = path.stat().st_mtime_ns
    assert reference_of(judge, train, test)(test.images[:500]) == first and path.stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", [
    lambda p: p.write_bytes(b""), lambda p: p.write_bytes(p.read_bytes()[:5000]), lambda p: p.write_text("not an archive"),
    lambda p: np.savez(p, something=np.zeros(3)), lambda p: np.savez(p, features=np.zeros((3, 2)), probabilities=np.zeros((3, 10))),
    lambda p: np.savez(p, features=np.array([{}], dtype=object), probabilities=np.zeros(1))])
def test_damaged_memory_is_made_anew(tmp_path, garments, damage):
    judge, images, path = judge_of("garments"), garments[1].images[:200], tmp_path/"deep"/"memory.npz"
    first = remembered(judge, images, path)
    damage(path)
    for _ in range(2):
        again = remembered(judge, images, path)
        assert all(np.array_equal(a, b) for a, b in zip(first, again))


def test_memory_that_cannot_be_written_is_no_error(tmp_path, garments):
    (tmp_path/"file").write_text("in the way")
    features, _ = remembered(judge_of("garments"), garments[1].images[:50], tmp_path/"file"/"memory.npz")
    assert len(features) == 50


def test_feature_frechet_sees_what_it_should(garments):
    train, test = garments
    judge = judge_of("garments")
    distance = FeatureFrechet(judge, train.images, most=3000).distance
    assert distance(test.images) < 0.05 * distance(uniform(train)) and FeatureFrechet(judge, train.images[:1000]).distance(train.images[:1000]) < 1e-6


# --- Inception ---

def offline(*args, **kwargs): raise OSError("<urlopen error [Errno -3] Temporary failure in name resolution>")


def test_inception_offline(monkeypatch):
    import torch_fidelity.feature_extractor_inceptionv3 as theirs
    monkeypatch.setattr(theirs, "FeatureExtractorInceptionV3", offline)
    with pytest.raises(CourseError, match=r"could not be downloaded from github.com .*name resolution.*go online once, or leave out"):
        metrics.inception_features(np.zeros((2, 28, 28, 1), np.uint8))


def test_inception_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(CourseError, match="pip install torch-fidelity"): metrics.inception_features(np.zeros((2, 28, 28, 1), np.uint8))


class Stand:
    "In the place of the network: three numbers of each image, which show that it came whole, in colour, as bytes."
    def __init__(self, name, features, verbose): assert features == ["2048"]
    def eval(self): return self
    def __call__(self, x):
        import torch
        assert x.dtype == torch.uint8 and x.shape[1:] == (3, 28, 28) and len(x) <= 50
        return x.float().mean((2, 3)), None


@pytest.mark.parametrize("channels", [1, 3])
def test_inception_gets_colour_in_batches(monkeypatch, channels):
    import torch_fidelity.feature_extractor_inceptionv3 as theirs
    monkeypatch.setattr(theirs, "FeatureExtractorInceptionV3", Stand)
    images = np.random.default_rng(0).integers(0, 256, (120, 28, 28, channels), dtype=np.uint8)
    np.testing.assert_allclose(metrics.inception_features(images), np.broadcast_to(images.mean((1, 2)), (120, 3)), rtol=1e-5)


def flat(images): return images.reshape(len(images), -1)[:, ::16].astype(float)


def test_inception_stands_apart(tmp_path, garments, monkeypatch):
    monkeypatch.setattr(results, "in_own_process", lambda function, images: flat(images))
    train, test = garments
    found = evaluate_run(RunFolder(tmp_path/"run"), train.images[:800], train, test, "inception")
    fid = found["inception_frechet"]
    assert fid["num"] == 800 and fid["against"] == "test" and fid["published"] == PUBLISHED and "inception_frechet" not in found["metrics"]
    assert fid["value"] == pytest.approx(metrics.frechet(flat(test.images), flat(train.images[:800]))[0])
    assert any("Lucic" in line and "WGAN 21.5" in line for line in in_words(found))


def test_nothing_is_written_where_inception_fails(tmp_path, garments, monkeypatch):
    def fails(function, images): raise CourseError("offline")
    monkeypatch.setattr(results, "in_own_process", fails)
    with pytest.raises(CourseError, match="offline"): evaluate_run(RunFolder(tmp_path/"run"), garments[1].images[:500], *garments, "inception")
    assert not list((tmp_path/"run").glob("evaluation*"))


def test_errors_come_through_from_the_other_process(tmp_path):
    with pytest.raises(CourseError, match="there is no run in .*; give a run folder"): in_own_process(run_folders, [tmp_path])
    assert in_own_process(sum, [1, 2]) == 3


# --- Many runs ---

@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1): assert command(*train_arguments(folder/f"r{seed}", seed=seed, epochs=2, best_by="frechet")).status == 0
    return folder


@pytest.fixture
def runs(two_runs, tmp_path): return shutil.copytree(two_runs, tmp_path/"runs")


def test_the_judge_chooses(two_runs):
    rows = strict_json(two_runs/"r0"/"metrics.json")["history"]
    assert [row["frechet"] is not None for row in rows] == [True, True]
    best = strict_json(two_runs/"r0"/"metrics.json")["best"]
    assert best["frechet"] == min(row["frechet"] for row in rows) and {"epoch", "frechet", "pixel_frechet"} <= best.keys()


def test_evaluate_by_command(runs):
    done = command("evaluate", "--run", runs/"r0", "--num", 500)
    assert done.status == 0, done.err
    found = strict_json(runs/"r0"/"evaluation.json")
    assert found["num"] == 500 and found["metrics"]["frechet"]["floor"] < found["metrics"]["frechet"]["value"] and found["weights"] == "last"
    assert "frechet" in done.out and "precision" in done.out and "evaluation.json" in done.out
    again = command("evaluate", "--run", runs/"r0", "--num", 500)
    assert strict_json(runs/"r0"/"evaluation.json") == found and again.status == 0, "the same seed, the same numbers"


@pytest.mark.parametrize("features", ["judge", "pixels"])
def test_evaluate_with(runs, features):
    assert command("evaluate", "--run", runs/"r1", "--num", 500, "--features", features, "--best").status == 0
    found = strict_json(runs/"r1"/"evaluation.json")
    assert (found["metrics"] is None) == (features == "pixels") and found["weights"] == "best"


def test_evaluate_with_other_features(runs): refused("evaluate", "--run", runs/"r1", "--features", "vgg", says="vgg")


def test_report_of_runs_without_evaluation(runs):
    text = "\n".join(report([runs]))
    assert text.count("| r0 ") == text.count("| r1 ") == 2 and "| pytorch | modern | garments |" in text
    assert len({line.count("|") for line in text.split("\n\n")[0].splitlines()}) == 1


def test_seeds_are_one_group(runs):
    for name, value in (("r0", 3.0), ("r1", 5.0)):
        row = dict(value=value, low=value - 1, high=value + 1, floor=0.5)
        (runs/name/"evaluation.json").write_text(json.dumps(dict(num=500, pixel_frechet=dict(value=1.0, floor=0.1), metrics=dict(
            frechet=row, precision=row, recall=row, coverage=row, copied=row))))
    rows = [summary(path) for path in run_folders([runs])]
    (group,) = groups_of(rows)
    assert [row["seed"] for row in group] == [0, 1] and headline(group) == "**4.00** (3.00 to 5.00)" and headline(group[:1]) == "**3.00**"
    assert "| 2 | **4.00** (3.00 to 5.00) | 0.50 |" in "\n".join(report([runs]))
    assert "3.00 (2.00 to 4.00)" in "\n".join(report([runs/"r0"])) and "r1" not in "\n".join(report([runs/"r0"]))
    rows[1]["settings"]["width"] += 1
    assert len(groups_of(rows)) == 2, "another width is another recipe"


def test_precision_that_was_used_makes_the_group(runs):
    "Whether it was asked for or found by auto."
    saved = strict_json(runs/"r1"/"config.json")
    saved["config"]["precision"] = "fp32"
    (runs/"r1"/"config.json").write_text(json.dumps(saved))
    assert len(groups_of([summary(path) for path in run_folders([runs])])) == 1
    metrics = strict_json(runs/"r1"/"metrics.json")
    assert metrics["precision"] == "float32" and "float32" in "\n".join(report([runs/"r1"]))
    (runs/"r1"/"metrics.json").write_text(json.dumps(metrics | {"precision": "bfloat16"}))
    assert len(groups_of([summary(path) for path in run_folders([runs])])) == 2


def test_summary_is_what_the_files_say(runs):
    row, saved = summary(runs/"r0"), strict_json(runs/"r0"/"metrics.json")
    assert row["images_seen"] == saved["provenance"]["images_seen"] and row["minutes"] * 60 == pytest.approx(saved["provenance"]["seconds"])
    assert row["generator"] == saved["parameters"]["generator"] > 0 and row["discriminator"] > 0 and row["frechet"] is None and row["num"] is None


@pytest.mark.parametrize("name, text", [
    ("metrics.json", "{}"), ("metrics.json", "[]"), ("metrics.json", '{"provenance": 3}'), ("metrics.json", "{"), ("config.json", "{}"), ("config.json", "nothing"),
    ("evaluation.json", "[1]"), ("evaluation.json", "{"), ("evaluation.json", '{"metrics": 7}')])
def test_damaged_runs_are_one_line(runs, name, text):
    (runs/"r1"/name).write_text(text)
    message = refused("report", runs, says="r1")
    assert len(message) < 400 and (runs/"r1"/name).read_text() == text


def test_no_runs(tmp_path):
    refused("report", tmp_path, says="there is no run in")
    refused("report", tmp_path/"missing", says="there is no run in")
    refused("report")
    with pytest.raises(CourseError, match="give a run folder"): run_folders([tmp_path])


def test_report_as_a_page(runs, tmp_path, monkeypatch):
    for name in ("r0", "r1"):
        pictures, seen = strips_of(runs/name)
        np.savez(runs/name/"progress.npz", strips=pictures, images_seen=seen * 2000)
    done = command("report", runs, "--out", tmp_path/"page.md")
    assert done.status == 0, done.err
    text = (tmp_path/"page.md").read_text()
    assert "| r0 |" in text and "](page_garments.png)" in text and (tmp_path/"page_garments.png").read_bytes()[:4] == b"\x89PNG"


def test_report_into_nowhere(runs, tmp_path):
    (tmp_path/"file").write_text("in the way")
    one_line(command("report", runs, "--out", tmp_path/"file"/"page.md"))
    assert (tmp_path/"file").read_text() == "in the way"


# --- Samples at equal images ---

def test_strips_of_a_run(runs):
    pictures, seen = strips_of(runs/"r0")
    assert pictures.shape == (2, 8, 28, 28, 1) and list(seen) == [320, 640]
    assert strips_of(runs) is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"text"])
def test_damaged_strips(runs, damage):
    (runs/"r0"/"progress.npz").write_bytes(damage)
    with pytest.raises(CourseError, match="progress.npz cannot be read"): strips_of(runs/"r0")


def test_strips_never_unpickle(runs):
    np.savez(runs/"r0"/"progress.npz", strips=np.array([{}], dtype=object), images_seen=np.zeros(1))
    with pytest.raises(CourseError, match="cannot be read"): strips_of(runs/"r0")


def fake(folder, seen, level):
    folder.mkdir(exist_ok=True)
    np.savez(folder/"progress.npz", strips=np.full((len(seen), 8, 28, 28, 1), level, np.uint8) + np.arange(len(seen), dtype=np.uint8)[:, None, None, None, None],
             images_seen=np.array(seen))
    return folder


def test_grids_never_look_ahead(tmp_path):
    a, b = fake(tmp_path/"a", [100, 200, 300], 10), fake(tmp_path/"b", [150, 290], 100)
    fig = grids_figure([a, b], marks=(50, 100, 200, 300, 1000))
    shown = [[int(ax.images[0].get_array().min()) if ax.images else None for ax in fig.axes[i:i + 3]] for i in (0, 3)]
    assert [ax.get_title() for ax in fig.axes[:3]] == ["100 images", "200 images", "300 images"] # two in a hundred is a part of a batch
    assert shown == [[10, 11, 12], [None, 100, None]]


def test_no_strips_no_figure(tmp_path):
    assert grids_figure([tmp_path]) is None and grids_figure([fake(tmp_path/"a", [5], 1)], marks=(100,)) is None


# --- Small copies ---

def test_abridged_runs_report_the_same(runs, tmp_path):
    for name in ("r0", "r1"):
        assert command("evaluate", "--run", runs/name, "--num", 500).status == 0
        abridge(runs/name, tmp_path/"small"/name, marks=(320, 640))
    assert report([tmp_path/"small"]) == report([runs])
    a, b = strips_of(runs/"r0"), strips_of(tmp_path/"small"/"r0")
    assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])
    assert {p.name for p in (tmp_path/"small"/"r0").iterdir()} == {"config.json", "metrics.json", "evaluation.json", "evaluation.png", "progress.npz"}
    assert sum(p.stat().st_size for p in (tmp_path/"small"/"r0").iterdir()) < 300_000


def test_abridging_keeps_the_marks_and_the_end(tmp_path, runs):
    seen = [m * f for m in MARKS for f in (1,)] + [2_000_000]
    fake(runs/"r0", sorted({30_000, *seen, 700_000}), 1)
    _, kept = strips_of(abridge(runs/"r0", tmp_path/"small"))
    assert list(kept) == seen


def test_what_is_no_run_is_not_abridged(tmp_path):
    with pytest.raises(CourseError): abridge(tmp_path, tmp_path/"small")
    assert not (tmp_path/"small").exists()


def test_number(): assert number(None) == "" and number(1234.5) == "1,234.50" and number(1234567, 0) == "1,234,567"
