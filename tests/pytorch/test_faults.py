"""What goes wrong around a run: full and read-only disks, strange files, dangerous files, diverging losses, bad data. Each is
one line and status 2, and nothing that was there is lost."""
import copy
import errno
import importlib
import os
import pickle
import random
import shutil
import signal
import warnings

import pytest
import torch
from cli import (Forks, command, differences, ended, final, one_line, refused, sound, spawn, strict_json, stub_pictures,
                 train_arguments, wait_for)

from gan_course.basics import CourseError
from gan_course.loop import likely_cause
from gan_course.pytorch.train import load_file

module = importlib.import_module("gan_course.pytorch.train")


@pytest.fixture(autouse=True)
def quick(monkeypatch): stub_pictures(monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    "A finished run of one epoch, and one of two."
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        assert command(*train_arguments(folder/"one", epochs=1)).status == 0
        assert command(*train_arguments(folder/"two", epochs=2)).status == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    "A copy of the run of one epoch."
    return shutil.copytree(trained/"one", tmp_path/"run")


def contents(run): return {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != ".lock"}


def resumes(run, trained):
    "Assert that the run can go on to its second epoch as if nothing had been."
    done = command(*train_arguments(run, "--resume", epochs=2))
    assert done.status == 0, done.err
    found = differences(final(trained/"two"), final(run))
    assert found == []
    assert not list(run.rglob("*.tmp"))


# --- the disk ---

@pytest.mark.parametrize("name", ["config.json", "metrics.json", "checkpoints/step_00000012.pt", "best/generator.pt", "losses.png",
                                  "checkpoints/step_00000020.pt", "generator.pt", "discriminator.pt"])
def test_no_space_left(run, trained, name):
    "What is written goes to /dev/full, which is always full: the system says ENOSPC to Python's and to PyTorch's writers."
    before = contents(run)
    target = run/name
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.symlink_to("/dev/full")
    message = refused(*train_arguments(run, "--resume", epochs=2), says=(str(target), "no space is left", "untouched"))
    assert not temporary.is_symlink() and not list(run.rglob("*.tmp"))
    assert sound(run)
    after = contents(run)
    assert after.get(name) == before.get(name), message
    for kept in ("generator.pt", "discriminator.pt"): # written last; the discriminator after the generator
        assert after[kept] == before[kept] or (kept, name) == ("generator.pt", "discriminator.pt")
    assert load_file(sorted((run/"checkpoints").glob("*.pt"))[-1])["state"]["steps"] >= 10
    resumes(run, trained)


def test_the_disk_is_full_from_the_start(tmp_path):
    (tmp_path/"run").mkdir()
    (tmp_path/"run"/f".config.json.{os.getpid()}.tmp").symlink_to("/dev/full")
    refused(*train_arguments(tmp_path/"run"), says=("config.json", "no space is left"))
    assert set(contents(tmp_path/"run")) == set()


def test_a_limit_on_the_size_of_files(run, trained):
    "The system's own limit (ulimit -f): small files can be written, checkpoints cannot. Through a process of its own."
    before = contents(run)
    forks = Forks()
    try: done = forks(*train_arguments(run, "--resume", epochs=2), file_size=60_000)
    finally: forks.close()
    one_line(done, "cannot write", "step_00000012.pt", "untouched")
    after = contents(run)
    assert sound(run) and not list(run.rglob("*.tmp"))
    assert {k: v for k, v in after.items() if k not in ("config.json", "metrics.json")} \
        == {k: v for k, v in before.items() if k not in ("config.json", "metrics.json")}
    resumes(run, trained)


@pytest.mark.parametrize("code, says", [(errno.EROFS, "read-only"), (errno.EACCES, "no permission"), (errno.EDQUOT, "quota"),
                                        (errno.EIO, "input/output")])
def test_the_disk_changes_its_mind(run, trained, monkeypatch, code, says):
    "A file system that is remounted read-only, or whose quota ends, in the middle of a run."
    replace = os.replace
    def replacing(source, target):
        if str(target).endswith("step_00000015.pt"): raise OSError(code, os.strerror(code))
        replace(source, target)
    monkeypatch.setattr(os, "replace", replacing)
    refused(*train_arguments(run, "--resume", epochs=2), says=("step_00000015.pt", says))
    assert sound(run) and not list(run.rglob("*.tmp"))
    assert max(p.name for p in (run/"checkpoints").glob("*.pt")) == "step_00000012.pt"
    monkeypatch.setattr(os, "replace", replace)
    resumes(run, trained)


@pytest.mark.parametrize("out", ["/proc/gan_course/run", "/sys/gan_course", "/dev/null", "/dev/null/run"])
def test_folders_nobody_can_write_to(out):
    refused(*train_arguments(out), says=("cannot write", out))


@pytest.mark.parametrize("part", ["", "checkpoints", "best"])
def test_a_file_where_a_folder_should_be(tmp_path, part):
    run = tmp_path/"run"
    if part: run.mkdir()
    (run/part).write_text("mine")
    refused(*train_arguments(run, epochs=1), says=("is a file where a folder should be", str(run/part)))
    assert (run/part).read_text() == "mine"


def test_a_folder_where_a_file_should_be(run, trained):
    (run/"generator.pt").unlink()
    (run/"generator.pt"/"mine").mkdir(parents=True)
    refused(*train_arguments(run, "--resume"), says=("generator.pt", "a folder stands where the file should be"))
    refused("sample", "pytorch", "--run", run/"generator.pt", says="generator.pt")
    refused("sample", "pytorch", "--run", run, says="generator.pt")


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path/"file").write_text("mine")
    refused(*train_arguments(tmp_path/"file"/"deeper"/"run"), says=f"{tmp_path/'file'} is a file where a folder should be")


def test_two_runs_into_one_folder(run, trained):
    "The second is refused, resuming or not; the first does not notice."
    process = spawn(*train_arguments(run, epochs=1000))
    try:
        at = run/"checkpoints"/"step_00000006.pt"
        wait_for(at.exists, process)
        for more in ([], ["--resume"]):
            refused(*train_arguments(run, *more, epochs=1000), says=("another run is writing to", str(run), "--out"))
        now = max(p.name for p in (run/"checkpoints").glob("*.pt"))
        wait_for(lambda: max(p.name for p in (run/"checkpoints").glob("*.pt")) > now, process)
    finally: process.send_signal(signal.SIGINT)
    assert ended(process).status == 130
    assert sound(run) # not before: the run removes old checkpoints while one reads them
    assert strict_json(run/"metrics.json")["status"] == "interrupted"


# --- files that are not what they should be ---

class Evil:
    "Unpickled, it leaves a file."
    def __init__(self, mark): self.mark = mark
    def __reduce__(self): return open, (str(self.mark), "w")


def write_pickle(what, path): path.write_bytes(pickle.dumps(what))


def write_legacy(what, path): torch.save(what, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("write", [torch.save, write_pickle, write_legacy])
@pytest.mark.parametrize("where", ["generator.pt", "best/generator.pt", "checkpoints/step_00000010.pt"])
def test_a_pickle_that_runs_code(run, tmp_path, write, where):
    mark = tmp_path/"mark"
    whole = load_file(run/where)
    for evil in (Evil(mark), whole | {"more": Evil(mark)}):
        write(evil, run/where)
        before = contents(run)
        if where.startswith("checkpoints"): ask = train_arguments(run, "--resume", epochs=2)
        else: ask = ["sample", "pytorch", "--run", run] + (["--best"] if "best" in where else [])
        message = refused(*ask, says=where)
        assert not mark.exists(), "the code was run"
        assert "run code" in message or "damaged" in message
        assert contents(run) == before
    if write is torch.save:
        assert "run code" in message
        torch.load(run/where, weights_only=False)["more"].close()
        assert mark.exists(), "loaded carelessly, it would have run"


def truncated(part):
    def change(path): path.write_bytes(path.read_bytes()[:int(part * path.stat().st_size)])
    return change


def zeros(path): path.write_bytes(bytes(path.stat().st_size))


def a_flipped_middle(path):
    data = bytearray(path.read_bytes())
    data[-200:] = b"\xff" * 200 # the directory of the archive
    path.write_bytes(data)


BROKEN = {"half": truncated(0.5), "nearly whole": truncated(0.99), "a start": truncated(0.001), "empty": truncated(0),
          "zeros": zeros, "flipped": a_flipped_middle, "random": lambda path: path.write_bytes(random.Random(0).randbytes(50_000)),
          "text": lambda path: path.write_text("<!DOCTYPE html><html>404</html>\n"),
          "json": lambda path: path.write_text("{}")}


def test_any_bytes(tmp_path):
    "Whatever stands in a file, reading it ends in a clear line."
    for seed in range(1000):
        (tmp_path/"file.pt").write_bytes(random.Random(seed).randbytes(200))
        with pytest.raises(CourseError, match="file.pt"): load_file(tmp_path/"file.pt")


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("where", ["generator.pt", "checkpoints/step_00000010.pt"])
def test_broken_files(run, where, how):
    BROKEN[how](run/where)
    before = contents(run)
    for ask in ([train_arguments(run, "--resume", epochs=2)] if "checkpoints" in where else
                [["sample", "pytorch", "--run", run], ["sample", "pytorch", "--run", run/where]]):
        refused(*ask, says=(where, "remove it" if how != "json" else ""))
        assert contents(run) == before


def test_the_checkpoint_before_is_still_good(run, trained):
    "What the message advises helps."
    truncated(0.5)(run/"checkpoints"/"step_00000010.pt")
    refused(*train_arguments(run, "--resume", epochs=2), says="remove it")
    (run/"checkpoints"/"step_00000010.pt").unlink()
    resumes(run, trained)


def change(path, edit):
    "Rewrite a file of weights or a checkpoint with something else in it."
    found = torch.load(path, weights_only=True)
    new = edit(found)
    torch.save(new.value if isinstance(new, Instead) else found, path)


class Instead:
    def __init__(self, value): self.value = value


STRANGE = {
    "another track": (lambda f: f.update(track="tensorflow"), "tensorflow"),
    "no track": (lambda f: f.pop("track"), "was not written by gan_course"),
    "a list": (lambda f: Instead([f]), "was not written by gan_course"),
    "a tensor": (lambda f: Instead(torch.zeros(3)), "was not written by gan_course"),
    "an odd track": (lambda f: f.update(track=7), "track"),
    "no configuration": (lambda f: f.pop("config"), ""),
    "a configuration that is none": (lambda f: f.update(config=[1]), ""),
    "an unknown field": (lambda f: f["config"].update(colour="red"), "colour"),
    "a lost field": (lambda f: f["config"].pop("width"), "width"),
    "no data": (lambda f: f.pop("data"), ""),
    "data that are none": (lambda f: f.update(data=3), ""),
}
STRANGE_STATE = {
    "no state": (lambda f: f.pop("state"), ""),
    "a state that is none": (lambda f: f.update(state=[1, 2]), ""),
    "no optimiser": (lambda f: f["state"].pop("opt_g"), "damaged"),
    "no random state": (lambda f: f["state"].pop("rng"), "damaged"),
    "an odd random state": (lambda f: f["state"].update(rng={"cpu": torch.zeros(3)}), "damaged"),
    "no epoch": (lambda f: f["state"].pop("epoch"), "damaged"),
    "an odd epoch": (lambda f: f["state"].update(epoch="one"), "damaged"),
    "a lost tensor": (lambda f: f["state"]["G"].popitem(), "damaged"),
    "another shape": (lambda f: f["state"]["D"].update({"to_logit.weight": torch.zeros(2, 2)}), "damaged"),
    "another optimiser": (lambda f: f["state"].update(opt_g={"state": {}, "param_groups": []}), "damaged"),
    "other data": (lambda f: f["data"].update(checksum="0" * 64), "was trained on garments with checksum 000000000000"),
    "another data set": (lambda f: f["data"].update(name="fashion_mnist"), "was trained on fashion_mnist"),
}
STRANGE_WEIGHTS = {
    "no weights": (lambda f: f.pop("weights"), ""),
    "weights that are none": (lambda f: f.update(weights=[1]), ""),
    "a lost tensor": (lambda f: f["weights"].popitem(), "does not hold the weights of a generator"),
    "another shape": (lambda f: f["weights"].update({"to_image.weight": torch.zeros(2, 2)}), "does not hold"),
    "a number for a tensor": (lambda f: f["weights"].update({"to_image.weight": 3}), "does not hold"),
    "a field out of range": (lambda f: f["config"].update(width=10**9), "width"),
    "a field of another type": (lambda f: f["config"].update(width="wide"), "width"),
}


@pytest.mark.parametrize("how", STRANGE | STRANGE_STATE)
def test_strange_checkpoints(run, how):
    edit, says = (STRANGE | STRANGE_STATE)[how]
    change(run/"checkpoints"/"step_00000010.pt", edit)
    before = contents(run)
    refused(*train_arguments(run, "--resume", epochs=2), says=says)
    assert contents(run) == before


@pytest.mark.parametrize("how", STRANGE | STRANGE_WEIGHTS)
def test_strange_weights(run, how):
    edit, says = (STRANGE | STRANGE_WEIGHTS)[how]
    change(run/"generator.pt", edit)
    before = contents(run)
    refused("sample", "pytorch", "--run", run, says=says)
    assert contents(run) == before


def test_the_folder_of_another_track(run):
    "A checkpoint that another framework wrote is no damaged one, and is left alone."
    (run/"checkpoints"/"step_00000010.pt").rename(run/"checkpoints"/"step_00000010.npz")
    before = contents(run)
    message = refused(*train_arguments(run, "--resume", epochs=2), says=("step_00000010.npz", "another track", "--out"))
    assert "damaged" not in message and contents(run) == before


def test_one_kind_of_file_for_another(run):
    "Weights as a checkpoint, a checkpoint as weights, the discriminator for the generator."
    refused("sample", "pytorch", "--run", run/"checkpoints"/"step_00000010.pt", says="no file of weights")
    refused("sample", "pytorch", "--run", run/"discriminator.pt", says="does not hold the weights of a generator")
    refused("sample", "pytorch", "--run", run/"config.json", says="config.json")
    shutil.copy(run/"generator.pt", run/"checkpoints"/"step_00000010.pt")
    refused(*train_arguments(run, "--resume", epochs=2), says="step_00000010.pt")


@pytest.mark.parametrize("changes, says", [
    (dict(batch_size=16), "batch_size 32 → 16"), (dict(seed=1), "seed 0 → 1"), (dict(width=5), "width 4 → 5"),
    (dict(limit=321), "limit 320 → 321"), (dict(recipe="dcgan"), "recipe modern → dcgan"), (dict(lr_g=1e-5), "lr_g 0.0004 → 1e-05"),
    (dict(eval_images=0), "eval_images 500 → 0"), (dict(precision="bf16"), "precision fp32 → bf16")], ids=str)
def test_another_configuration(run, changes, says):
    before = contents(run)
    assert "→" in refused(*train_arguments(run, "--resume", **changes), says=(says, "--out"))
    assert contents(run) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{\"a\": NaN", "null", "\x00\x01"])
def test_damaged_json(run, trained, text):
    "Resuming reads the checkpoint only, and writes both files anew; `evaluate` says what it cannot read."
    for name in ("config.json", "metrics.json"): (run/name).write_text(text)
    refused("evaluate", "--run", run, says=("config.json", "damaged"))
    resumes(run, trained)
    assert strict_json(run/"config.json")["config"]["epochs"] == 2


@pytest.mark.parametrize("text", ['{"track": 3}', '{}', '{"track": "pytorch", "dataset": "x"}',
                                  '{"track": "pytorch", "dataset": {"name": "x"}}', '{"track": []}'])
def test_odd_json(run, text):
    (run/"config.json").write_text(text)
    refused("evaluate", "--run", run)


# --- losses that are no numbers ---

def poison(monkeypatch, at):
    "Let training go wrong in step `at`: a weight becomes infinite."
    step = module.Training.one_step
    def poisoned(self, batches):
        if self.steps == at:
            with torch.no_grad(): self.D.to_logit.weight.fill_(float("inf"))
        step(self, batches)
    monkeypatch.setattr(module.Training, "one_step", poisoned)


def is_finite(state):
    if isinstance(state, torch.Tensor): return bool(torch.isfinite(state.float()).all())
    if isinstance(state, dict): return all(is_finite(v) for k, v in state.items() if k != "meter")
    return all(map(is_finite, state)) if isinstance(state, list) else True


def test_non_finite_loss(trained, tmp_path, monkeypatch):
    "Stops, names the step, keeps the last good checkpoint, says what to try; and the run can go on from there."
    run = tmp_path/"run"
    with monkeypatch.context() as patch:
        poison(patch, 13)
        message = refused(*train_arguments(run, epochs=2),
                          says=("no longer finite at step 13 (epoch 2)", "step_00000012.pt", "Likely cause"))
    assert "last good checkpoint is " + str(run) in message
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "failed" and len(metrics["history"]) == 1
    assert sound(run) and not (run/"generator.pt").exists()
    for path in (run/"checkpoints").glob("*.pt"): assert is_finite(load_file(path)["state"]), path
    resumes(run, trained)


def test_is_finite_sees_what_is_not():
    assert is_finite({"a": [torch.ones(2), 1], "meter": torch.tensor(float("nan"))})
    assert not is_finite({"a": [{"b": torch.tensor([1, float("inf")])}]})


def test_non_finite_in_the_first_step(tmp_path, monkeypatch):
    poison(monkeypatch, 0)
    refused(*train_arguments(tmp_path/"run", epochs=1), says=("step 0 (epoch 1)", "there is no checkpoint yet"))
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "failed"
    assert not list((tmp_path/"run").rglob("*.pt"))


def test_non_finite_in_a_used_folder(run, monkeypatch):
    "Starting anew, the earlier run's checkpoints survive a run that fails at once, and are not called its own."
    before = contents(run)
    poison(monkeypatch, 1)
    message = refused(*train_arguments(run, seed=5), says="no longer finite at step 1")
    assert "there is no checkpoint yet" in message
    after = contents(run)
    assert {k: v for k, v in after.items() if k.endswith(".pt")} == {k: v for k, v in before.items() if k.endswith(".pt")}


def test_really_diverging(tmp_path):
    "No trick: at a learning rate of 1, a weight decay of 10 makes every weight nine times as large in each step."
    done = command(*train_arguments(tmp_path/"run", lr_g=1, lr_d=1, optimizer="adamw", weight_decay=10, epochs=20, eval_images=0))
    message = one_line(done, "no longer finite at step", "the learning rates are high")
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "failed", message
    for path in (tmp_path/"run"/"checkpoints").glob("*.pt"): assert is_finite(load_file(path)["state"]), path


@pytest.mark.parametrize("changes, says", [
    (dict(lr_g=1e-2), "learning rates are high"), (dict(r1=0.0, r2=0.0), "needs its penalties"),
    (dict(precision="bf16"), "precision fp32"), ({}, "lower learning rates")], ids=str)
def test_likely_causes(changes, says):
    "The recipe's own learning rates are not to blame."
    assert says in likely_cause(module.CONFIG.replace(precision="fp32").replace(**changes))


# --- data ---

def test_damaged_archive(tmp_path):
    "Unit tests of every fault of an archive are in tests/test_datasets.py; here is one, through the command."
    folder = tmp_path/"data"/"fashion_mnist"
    folder.mkdir(parents=True)
    names = [f"{split}-{kind}-ubyte.gz" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    for name in names: (folder/name).write_bytes(b"\x1f\x8b\x08\x00half an archive")
    before = contents(folder)
    for name in ("auto", "fashion_mnist"):
        refused(*train_arguments(tmp_path/"run", dataset=name, data_dir=tmp_path/"data"), says=names[0])
    assert contents(folder) == before and not contents(tmp_path/"run")


@pytest.fixture
def offline(monkeypatch):
    from gan_course import datasets
    monkeypatch.setattr(datasets, "MIRRORS", ("http://127.0.0.1:9/",)) # nothing listens there
    for name in list(os.environ):
        if name.lower().endswith("_proxy"): monkeypatch.delenv(name)


def test_no_data_and_no_network(tmp_path, offline):
    refused(*train_arguments(tmp_path/"run", dataset="fashion_mnist", data_dir=tmp_path/"data"), says="fashion_mnist")
    assert not (tmp_path/"run"/"generator.pt").exists()


def test_auto_without_data_is_loud(tmp_path, offline):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = command(*train_arguments(tmp_path/"run", dataset="auto", data_dir=tmp_path/"data", epochs=1, eval_images=0))
    assert done.status == 0 and "NOT Fashion-MNIST" in done.err and len(done.err.splitlines()) >= 4
    assert any("garments" in str(w.message) for w in caught)
    assert strict_json(tmp_path/"run"/"metrics.json")["dataset"]["name"] == "garments"
    assert strict_json(tmp_path/"run"/"config.json")["dataset"]["name"] == "garments"


def test_more_images_than_there_are(tmp_path):
    "d_steps batches do not fit into the data."
    refused(*train_arguments(tmp_path/"run", d_steps=11), says=("320 images make 10 batches of 32", "d_steps is 11"))


def test_the_fixtures_are_real(run, trained):
    "Without a fault the run resumes; or the tests above would prove nothing."
    state = copy.deepcopy(load_file(run/"checkpoints"/"step_00000010.pt"))
    assert state["state"]["steps"] == 10
    resumes(run, trained)
