"""Run folders under faults: killed processes, full and read-only disks, two runs at once, damaged files."""
import builtins
import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gan_course import runs
from gan_course.basics import CourseError
from gan_course.datasets import Dataset
from gan_course.runs import (History, RunFolder, atomic_path, check_same_config, git_revision, provenance, provenance_line,
                             read_json, step_of, to_plain, write_json)


def start(code, cwd, **kwargs):
    return subprocess.Popen([sys.executable, "-c", code], cwd=cwd, stdout=subprocess.PIPE, text=True, **kwargs)


def one_line(error):
    text = str(error.value)
    assert "\n" not in text and len(text) > 20
    return text


# --- atomic files ---

WRITER = """
import sys
from gan_course.runs import atomic_path
print("ready", flush=True)
i = 0
while True:
    i += 1
    with atomic_path("file") as tmp, open(tmp, "wb") as f:
        for _ in range(50): f.write(bytes([i % 256]) * 4096); f.flush()
"""


def test_kill_in_the_middle_of_writes_leaves_a_whole_file(tmp_path):
    (tmp_path/"file").write_bytes(bytes([7]) * 4096 * 50)
    rng, interrupted = random.Random(0), 0
    for _ in range(8):
        process = start(WRITER, tmp_path)
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.005, 0.05))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        data = (tmp_path/"file").read_bytes()
        assert len(data) == 4096 * 50 and len(set(data)) == 1, "bytes of two versions, or not all of them"
        left = list(tmp_path.glob(".file.*.tmp"))
        interrupted += bool(left)
        for path in left: path.unlink()
        assert os.listdir(tmp_path) == ["file"]
    assert interrupted, "no kill hit a write: the test has tested nothing"


def test_kill_between_two_halves_leaves_the_old_file(tmp_path):
    (tmp_path/"file").write_text("old")
    process = start("""
import os, signal
from gan_course.runs import atomic_path
with atomic_path("file") as tmp:
    tmp.write_text("ne")
    os.kill(os.getpid(), signal.SIGKILL)
""", tmp_path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and (tmp_path/"file").read_text() == "old"
    assert [p.read_text() for p in tmp_path.glob(".file.*.tmp")] == ["ne"]


def test_atomic_path_replaces_and_makes_folders(tmp_path):
    path = tmp_path/"a"/"b"/"file"
    for text in ["one", "two"]:
        with atomic_path(path) as tmp:
            assert tmp.parent == path.parent and tmp.name == f".file.{os.getpid()}.tmp"
            tmp.write_text(text)
        assert path.read_text() == text and os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_an_exception_leaves_the_old_file_and_no_rest(tmp_path, stop):
    (tmp_path/"file").write_text("old")
    with pytest.raises(stop), atomic_path(tmp_path/"file") as tmp:
        tmp.write_text("new")
        raise stop
    assert os.listdir(tmp_path) == ["file"] and (tmp_path/"file").read_text() == "old"


def test_bytes_reach_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    write_json(tmp_path/"file", {})
    assert calls == ["fsync", "replace", "fsync"], "contents, name, folder"


def test_file_too_large(tmp_path):
    "A real failing write: the kernel refuses what goes beyond the limit."
    process = start("""
import resource, signal
from gan_course.basics import CourseError
from gan_course.runs import RunFolder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = RunFolder("run")
folder.save_checkpoint(1, lambda tmp: tmp.write_bytes(b"1" * 1000), keep=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try: folder.save_checkpoint(2, lambda tmp: tmp.write_bytes(b"2" * 100_000), keep=1)
except CourseError as error: print(error)
""", tmp_path)
    out = process.communicate()[0]
    assert "step_00000002.pt" in out and "ulimit" in out and "untouched" in out and out.count("\n") == 1
    left = [p for p in (tmp_path/"run"/"checkpoints").iterdir()]
    assert [p.name for p in left] == ["step_00000001.pt"] and left[0].read_bytes() == b"1" * 1000


@pytest.mark.parametrize("number,remedy", [
    (errno.ENOSPC, "no space is left"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only"), (errno.EACCES, "permission"),
    (errno.EIO, "input/output"), (errno.ETXTBSY, "choose another folder")])
@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_every_failing_call_leaves_the_old_file(tmp_path, monkeypatch, number, remedy, where):
    write_json(tmp_path/"metrics.json", {"epoch": 1})

    def fail(*args, **kwargs): raise OSError(number, os.strerror(number))
    if where == "write": monkeypatch.setattr(Path, "write_text", fail)
    else: monkeypatch.setattr(os, where, fail)
    with pytest.raises(CourseError) as error: write_json(tmp_path/"metrics.json", {"epoch": 2})
    monkeypatch.undo()
    text = one_line(error)
    assert str(tmp_path/"metrics.json") in text and remedy in text and "untouched" in text
    assert os.listdir(tmp_path) == ["metrics.json"] and read_json(tmp_path/"metrics.json") == {"epoch": 1}


def test_read_only_file_system():
    "Root writes through permission bits, but nobody makes a file in /proc."
    with pytest.raises(CourseError) as error: write_json("/proc/gan_course_test/metrics.json", {})
    assert "/proc/gan_course_test/metrics.json" in one_line(error)
    with pytest.raises(CourseError) as error: RunFolder("/proc/gan_course_test")
    assert "/proc/gan_course_test" in one_line(error)


def test_file_where_a_folder_should_be(tmp_path):
    (tmp_path/"taken").write_text("mine")
    for make in [lambda: RunFolder(tmp_path/"taken"), lambda: RunFolder(tmp_path/"taken"/"run"),
                 lambda: write_json(tmp_path/"taken"/"x.json", {})]:
        with pytest.raises(CourseError, match="taken is a file where a folder should be"): make()
    assert (tmp_path/"taken").read_text() == "mine"


def test_folder_where_a_file_should_be(tmp_path):
    (tmp_path/"metrics.json").mkdir()
    with pytest.raises(CourseError, match="a folder stands where the file should be"): write_json(tmp_path/"metrics.json", {})
    assert os.listdir(tmp_path) == ["metrics.json"]


def test_folder_removed_during_a_run(tmp_path):
    folder = RunFolder(tmp_path/"run")
    with pytest.raises(CourseError, match="folder is gone"):
        with atomic_path(folder.metrics_path) as tmp:
            tmp.write_text("x")
            tmp.unlink()
            folder.path.rmdir()


def test_an_error_of_the_disk_wrapped_by_a_library(tmp_path):
    with pytest.raises(CourseError, match="no space"), atomic_path(tmp_path/"x") as tmp:
        try: raise OSError(errno.ENOSPC, "full")
        except OSError as error: raise RuntimeError("could not save") from error
    with pytest.raises(CourseError, match="no space"), atomic_path(tmp_path/"x") as tmp:
        raise RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 128 vs 22")
    with pytest.raises(RuntimeError, match="shape"), atomic_path(tmp_path/"x") as tmp:
        raise RuntimeError("shape mismatch")
    assert os.listdir(tmp_path) == []


def test_nothing_written_is_a_mistake_in_the_code(tmp_path):
    with pytest.raises(RuntimeError, match="nothing was written"), atomic_path(tmp_path/"x"): pass


# --- JSON ---

def refuse(name): raise AssertionError(f"{name} is no JSON")


def test_what_is_not_finite_becomes_null(tmp_path):
    write_json(tmp_path/"m.json", {"a": float("nan"), "b": np.float32("inf"), "c": [-np.inf, 1.5], "d": np.array([np.nan, 2])})
    read = json.loads((tmp_path/"m.json").read_text(), parse_constant=refuse)
    assert read == {"a": None, "b": None, "c": [None, 1.5], "d": [None, 2.0]}


def test_plain():
    got = to_plain({1: (np.int64(2), np.bool_(False)), "p": Path("a")/"b", "s": {3, 1, 2}, "zero": np.array(4.0), "ü": "→"})
    assert got == {"1": [2, False], "p": os.path.join("a", "b"), "s": [1, 2, 3], "zero": 4.0, "ü": "→"}
    assert type(got["1"][0]) is int and got["1"][1] is False and to_plain(True) is True
    for bad in [object(), print, b"bytes", {"x": 1j}]:
        with pytest.raises(TypeError, match="no form in JSON"): to_plain(bad)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "<html></html>", "{'a': 1}", b"\xff\xfe\x00"])
def test_damaged_json(tmp_path, text):
    (tmp_path/"m.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CourseError, match="damaged") as error: read_json(tmp_path/"m.json")
    assert str(tmp_path/"m.json") in one_line(error)


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_metrics_that_are_no_dictionary(tmp_path, text):
    folder = RunFolder(tmp_path)
    folder.metrics_path.write_text(text)
    with pytest.raises(CourseError, match="holds no dictionary"): folder.load_metrics()


def test_missing_json(tmp_path):
    (tmp_path/"file").write_text("")
    for path in [tmp_path/"m.json", tmp_path/"none"/"m.json", tmp_path/"file"/"m.json"]:
        with pytest.raises(CourseError, match="there is no") as error: read_json(path)
        one_line(error)
    with pytest.raises(CourseError, match="cannot read"): read_json(tmp_path)


# --- the folder ---

def test_folder_must_exist_when_it_is_not_made(tmp_path):
    with pytest.raises(CourseError, match="there is no run folder"): RunFolder(tmp_path/"no", create=False)
    assert not (tmp_path/"no").exists() and RunFolder(tmp_path, create=False).path == tmp_path


def test_config_and_metrics(tmp_path):
    folder = RunFolder(tmp_path/"run")
    folder.save_config({"lr": 2e-4})
    folder.save_metrics({"history": [{"epoch": 1, "loss_g": np.nan}]})
    assert folder.load_config() == {"lr": 2e-4} and folder.load_metrics() == {"history": [{"epoch": 1, "loss_g": None}]}


HOLDER = """
import time
from gan_course.runs import RunFolder
with RunFolder("run").lock():
    print("locked", flush=True)
    time.sleep(60)
"""


def test_lock_between_processes_and_its_release_by_kill(tmp_path):
    process = start(HOLDER, tmp_path)
    assert process.stdout.readline() == "locked\n"
    folder = RunFolder(tmp_path/"run")
    half = folder.path/f".metrics.json.{process.pid}.tmp"
    half.write_text("ha")
    began = time.perf_counter()
    with pytest.raises(CourseError, match="another run is writing to") as error:
        with folder.lock(): pass
    assert time.perf_counter() - began < 5 and "--out" in one_line(error)
    assert half.exists(), "the file of a run that is still writing was removed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with folder.lock(): assert not half.exists()


def test_lock_within_a_process(tmp_path):
    with RunFolder(tmp_path).lock():
        with pytest.raises(CourseError, match="another run"), RunFolder(tmp_path).lock(): pass
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path).lock(): 1 / 0
    with RunFolder(tmp_path).lock(): pass


def test_only_stale_files_are_removed(tmp_path):
    folder = RunFolder(tmp_path)
    for sub in ["checkpoints", "best", "other"]: (tmp_path/sub).mkdir()
    stale = [".metrics.json.12.tmp", "checkpoints/.step_00000001.pt.34.tmp", "best/.generator.pt.5.tmp"]
    mine = ["metrics.json", "notes.tmp", ".hidden.tmp", ".metrics.json.bak", "other/.x.1.tmp", "checkpoints/step_00000001.pt"]
    for name in stale + mine: (tmp_path/name).write_text("")
    (tmp_path/".folder.9.tmp").mkdir()
    with folder.lock(): pass
    assert not any((tmp_path/name).exists() for name in stale)
    assert all((tmp_path/name).exists() for name in mine) and (tmp_path/".folder.9.tmp").is_dir()


# --- checkpoints ---

def save(folder, step, **kwargs): return folder.save_checkpoint(step, lambda tmp: tmp.write_text(str(step)), **kwargs)


def test_retention(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.checkpoint_paths() == [] and folder.latest_checkpoint() is None
    for step in [1, 20, 300]: save(folder, step, keep=2)
    assert [step_of(p) for p in folder.checkpoint_paths()] == [20, 300]
    assert save(folder, 4000, keep=1).name == "step_00004000.pt"
    assert [step_of(p) for p in folder.checkpoint_paths()] == [4000] and folder.latest_checkpoint().read_text() == "4000"
    save(folder, 10**9, keep=2, suffix=".weights.h5")
    assert [p.name for p in folder.checkpoint_paths()] == ["step_00004000.pt", "step_1000000000.weights.h5"]
    with pytest.raises(ValueError, match="keep"): save(folder, 5, keep=0)


def test_checkpoint_just_written_is_never_removed(tmp_path):
    "A run that starts anew in a used folder writes lower steps than those that are there."
    folder = RunFolder(tmp_path)
    for step in [500, 600]: save(folder, step)
    save(folder, 100, keep=1)
    assert 100 in [step_of(p) for p in folder.checkpoint_paths()]
    folder.remove_checkpoints()
    assert folder.checkpoint_paths() == []


def test_order_is_of_steps_not_of_names(tmp_path):
    folder = RunFolder(tmp_path)
    for step in [99_999_999, 100_000_000]: save(folder, step)
    assert step_of(folder.latest_checkpoint()) == 100_000_000


def test_a_failed_checkpoint_costs_no_older_one(tmp_path):
    folder = RunFolder(tmp_path)
    save(folder, 1, keep=1)

    def fails(tmp):
        tmp.write_text("ha")
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(CourseError, match="no space"): folder.save_checkpoint(2, fails, keep=1)
    assert [p.name for p in folder.checkpoints.iterdir()] == ["step_00000001.pt"]


def test_an_old_checkpoint_that_cannot_be_removed_stops_nothing(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    save(folder, 1, keep=1)

    def refuse(self, missing_ok=False):
        raise OSError(errno.EPERM, "no")
    monkeypatch.setattr(Path, "unlink", refuse)
    save(folder, 2, keep=1)
    assert [step_of(p) for p in folder.checkpoint_paths()] == [1, 2]


def test_other_files_are_no_checkpoints(tmp_path):
    folder = RunFolder(tmp_path)
    save(folder, 1)
    for name in ["step_x.pt", "notes.txt", ".step_00000009.pt.1.tmp", "my_step_00000009.pt"]: (folder.checkpoints/name).write_text("")
    assert [p.name for p in folder.checkpoint_paths()] == ["step_00000001.pt"]


# --- configuration, history, provenance ---

def test_config_that_differs():
    saved = {"batch_size": 64, "lr": 2e-4, "epochs": 5, "data": {"name": "a", "flip": True}}
    check_same_config(saved, dict(saved, epochs=30), {"epochs"})
    check_same_config(saved, json.loads(json.dumps(saved)))
    check_same_config({"betas": (0.0, 0.99), "out": Path("a")}, {"betas": [0.0, 0.99], "out": "a"})
    check_same_config(saved, dict(saved, data={"name": "b"}), {"data"})
    with pytest.raises(CourseError) as error:
        check_same_config(saved, {"batch_size": 128, "lr": 2e-4, "epochs": 9, "data": {"name": "b", "flip": True}, "seed": None},
                          {"epochs"})
    text = one_line(error)
    assert "batch_size 64 → 128" in text and "data.name a → b" in text and "seed (absent) → null" in text
    assert "lr" not in text and "epochs" not in text and "flip" not in text and "--out" in text


def test_history():
    history = History([{"epoch": 1, "loss_g": 0.5}])
    history.append(epoch=2, loss_g=np.float32("nan"), d_real=np.float64(0.75))
    assert len(history) == 2 and [row["epoch"] for row in history] == [1, 2] and history[-1]["loss_g"] is None
    assert np.array_equal(history.column("loss_g"), [0.5, np.nan], equal_nan=True)
    assert np.array_equal(history.column("d_real"), [np.nan, 0.75], equal_nan=True)
    assert json.loads(json.dumps(history.epochs, allow_nan=False)) == history.epochs and History().column("x").shape == (0,)


@pytest.fixture
def dataset():
    images, labels = np.zeros((5, 28, 28, 1), np.uint8), np.zeros(5, np.uint8)
    return Dataset("fashion_mnist", "train", images, labels, ("a",), "0123456789abcdef" * 4)


def facts(dataset, **more):
    return provenance(dataset, **dict(dict(track="pytorch", epochs=3, seed=7, images_seen=15_000, seconds=10.04, device="cpu",
                                           packages=["numpy", "no-such-package"]), **more))


def test_provenance(dataset, monkeypatch):
    monkeypatch.setenv("GAN_COURSE_FAST", "1")
    p = facts(dataset)
    assert json.loads(json.dumps(p, allow_nan=False), parse_constant=refuse) == p
    assert set(p) == {"track", "dataset", "checksum", "images", "epochs", "seed", "images_seen", "seconds", "images_per_second",
                      "device", "processor", "cores", "python", "packages", "git", "date", "fast"}
    assert p["dataset"] == "fashion_mnist" and p["checksum"] == dataset.checksum and p["images"] == 5 and p["fast"] is True
    assert p["seconds"] == 10.0 and p["images_per_second"] == pytest.approx(1494, abs=0.1) and p["cores"] >= 1
    assert p["packages"]["numpy"] == np.__version__ and p["packages"]["no-such-package"] is None and "gan_course" in p["packages"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", p["date"])
    assert facts(dataset, seconds=0)["images_per_second"] is None


def test_provenance_line(dataset, monkeypatch):
    monkeypatch.setenv("GAN_COURSE_FAST", "")
    line = provenance_line(facts(dataset, device="cuda:\nNVIDIA  H200"))
    assert line.startswith("provenance: pytorch on fashion_mnist (5 images, sha256 0123456789ab) | epochs 3 | seed 7 | ")
    assert "15000 images in 10.0 s (1494 images/s)" in line and "cuda: NVIDIA H200" in line and "\n" not in line
    assert line.endswith(" | full") and f"numpy {np.__version__}" in line
    assert "sha256 0123456789ab[:2])" in provenance_line(facts(dataset.limited(2)))
    assert provenance_line(dict(facts(dataset, seconds=0), fast=True)).endswith(" | fast")


def git(folder, *args):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *args], cwd=folder, check=True, capture_output=True)


def test_git_revision(tmp_path, monkeypatch):
    package = tmp_path/"gan_course"
    package.mkdir()
    (package/"__init__.py").write_text("")
    assert git_revision(package) is None, "no checkout"
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "x")
    clean = git_revision(package)
    assert re.fullmatch("[0-9a-f]{12,}", clean)
    (tmp_path/"notes.txt").write_text("")
    assert git_revision(package) == clean, "what is not code makes no other code"
    (package/"__init__.py").write_text("x = 1")
    assert git_revision(package) == clean + "-dirty" == git_revision(package/"__init__.py")
    site = tmp_path/"venv"/"gan_course"
    site.mkdir(parents=True)
    assert git_revision(site) is None, "installed inside somebody else's repository"
    monkeypatch.setenv("PATH", str(tmp_path/"nowhere"))
    assert git_revision(package) is None, "git is not installed"


def test_processor_is_named_without_proc(monkeypatch):
    def no_proc(*args, **kwargs): raise OSError(errno.ENOENT, "no")
    assert runs.processor_name().strip()
    monkeypatch.setattr(builtins, "open", no_proc)
    assert runs.processor_name().strip()
