"""What goes wrong around a run: full and read-only disks, strange and dangerous files, runs of another track, diverging losses. Each is
one line and status 2, and nothing that was there is lost. What reads and writes files is shared by both Keras tracks, and
tests/tensorflow/test_faults.py holds it in more ways."""
from gan_course.tpu.config import CONFIG # first: it chooses Keras's backend

import errno
import importlib
import json
import os
import pickle
import random
import shutil
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from cli import (TRACKS, Forks, command as quiet_or_not, differences, final as final_of, one_line, sound as sound_of, strict_json,
                 stub_pictures, train_arguments as arguments_of)

from gan_course.keras_files import digest_of
from gan_course.loop import likely_cause

module = importlib.import_module("gan_course.tpu.train")
TRACK = TRACKS["tpu"]
RESULTS = ["generator.weights.h5", "generator.keras", "discriminator.weights.h5", "discriminator.keras",
           "final_generated_images.png"] # in the order of writing
CHECKPOINT = "checkpoints/step_00000005.npz"
both = pytest.mark.usefixtures("backend")


def train_arguments(*args, **changes): return arguments_of(*args, track="tpu", **(dict(limit=160, eval_images=0) | changes)) # five steps an epoch
def final(run): return final_of(run, "tpu")
def sound(run): return sound_of(run, "tpu")


def command(*arguments):
    "Run `gan-course` here; a warning of Keras or NumPy would be a page on stderr in a process of its own."
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning) # as Python does outside of tests
        done = quiet_or_not(*arguments)
    assert not caught, [str(w.message) for w in caught]
    return done


def refused(*arguments, says=()): return one_line(command(*arguments), *([says] if isinstance(says, str) else says))


@pytest.fixture(autouse=True)
def quick(monkeypatch): stub_pictures(monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    "A finished run of one epoch, and one of two; by whichever backend this process has."
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        for name, epochs in (("one", 1), ("two", 2)): assert command(*train_arguments(folder/name, epochs=epochs)).status == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    "A copy of the run of one epoch."
    return shutil.copytree(trained/"one", tmp_path/"run")


def contents(run): return {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != ".lock"}


def resumes(run, trained):
    "Assert that the run can go on to its second epoch as if nothing had been."
    done = command(*train_arguments(run, "--resume", epochs=2))
    assert done.status == 0 and not done.err, done.err
    assert differences(final(trained/"two"), final(run)) == []
    assert not list(run.rglob("*.tmp"))


# --- the disk ---

@pytest.mark.parametrize("name", ["config.json", "checkpoints/step_00000006.npz", "generated_images/epoch_2.png", "training_loss.png",
                                  "metrics.json", *RESULTS])
def test_no_space_left(run, trained, name):
    "What is written goes to /dev/full, which is always full: the system says ENOSPC."
    before, target = contents(run), run/name
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.symlink_to("/dev/full")
    refused(*train_arguments(run, "--resume", epochs=2), says=(str(target), "no space is left", "untouched"))
    assert not temporary.is_symlink() and not list(run.rglob("*.tmp")) and sound(run)
    after = contents(run)
    assert after.get(name) == before.get(name)
    for kept in RESULTS: # written last, one after the other
        assert after[kept] == before[kept] or name in RESULTS[RESULTS.index(kept) + 1:]
    if name in ("checkpoints/step_00000006.npz", "generated_images/epoch_2.png", "generator.keras"): resumes(run, trained)


@both
def test_no_space_for_a_checkpoint(run, trained):
    "On both backends: what was there is there, and it goes on from that."
    (run/"checkpoints"/f".step_00000009.npz.{os.getpid()}.tmp").symlink_to("/dev/full")
    refused(*train_arguments(run, "--resume", epochs=2), says=("step_00000009.npz", "no space is left", "untouched"))
    assert [p.name for p in TRACK.checkpoints(run)] == ["step_00000005.npz", "step_00000006.npz"] and sound(run)
    resumes(run, trained)


def test_the_disk_is_full_from_the_start(tmp_path):
    (tmp_path/"run").mkdir()
    (tmp_path/"run"/f".config.json.{os.getpid()}.tmp").symlink_to("/dev/full")
    refused(*train_arguments(tmp_path/"run"), says=("config.json", "no space is left"))
    assert set(contents(tmp_path/"run")) == set()


def test_a_limit_on_the_size_of_files(tmp_path):
    "The system's own limit (ulimit -f): small files can be written, checkpoints cannot."
    forks = Forks("tpu")
    done = forks(*train_arguments(tmp_path/"run", epochs=1), file_size=60_000)
    forks.close()
    one_line(done, "cannot write", "step_00000003.npz", "untouched")
    assert sound(tmp_path/"run") and {p.name for p in (tmp_path/"run").rglob("*") if p.is_file()} == {"config.json", "metrics.json", ".lock"}


@pytest.mark.parametrize("name, code, says", [("step_00000009.npz", errno.EROFS, "read-only"), ("epoch_2.png", errno.EACCES, "no permission"),
                                              ("step_00000009.npz", errno.EDQUOT, "quota"), ("final_generated_images.png", errno.EIO, "input/output")])
def test_the_disk_changes_its_mind(run, trained, monkeypatch, name, code, says):
    "A file system that is remounted read-only, or whose quota ends, in the middle of a run."
    replace = os.replace
    def replacing(source, target):
        if str(target).endswith(name): raise OSError(code, os.strerror(code))
        replace(source, target)
    monkeypatch.setattr(os, "replace", replacing)
    refused(*train_arguments(run, "--resume", epochs=2), says=(name, says))
    assert sound(run) and not list(run.rglob("*.tmp"))
    monkeypatch.setattr(os, "replace", replace)
    if code == errno.EACCES: resumes(run, trained)


@pytest.mark.parametrize("out", ["/proc/gan_course/run", "/sys/gan_course", "/dev/null", "/dev/null/run"])
def test_folders_nobody_can_write_to(out):
    refused(*train_arguments(out), says=("cannot write", out))


@pytest.mark.parametrize("part", ["", "checkpoints", "generated_images"])
def test_a_file_where_a_folder_should_be(tmp_path, part):
    run = tmp_path/"run"
    if part: run.mkdir()
    (run/part).write_text("mine")
    refused(*train_arguments(run, epochs=2), says=("is a file where a folder should be", str(run/part)))
    assert (run/part).read_text() == "mine"


@pytest.mark.parametrize("name", ["generator.keras", "generated_images/epoch_2.png"])
def test_a_folder_where_a_file_should_be(run, name):
    (run/name).unlink(missing_ok=True)
    (run/name/"mine").mkdir(parents=True)
    refused(*train_arguments(run, "--resume", epochs=2), says=(name, "a folder stands where the file should be"))
    assert (run/name/"mine").is_dir()


# --- files that are not what they should be ---

class Evil:
    "Unpickled, it leaves a file."
    def __init__(self, mark): self.mark = mark
    def __reduce__(self): return open, (str(self.mark), "w")


def write_pickle(evil, path): path.write_bytes(pickle.dumps(evil))


def write_in_archive(evil, path):
    arrays = dict(evil=np.array([evil], object))
    if path.suffix == ".npz":
        with np.load(path) as file: arrays |= dict(file)
    with open(path, "wb") as file: np.savez(file, **arrays)


def asking(run, where):
    "The command that reads this file."
    return train_arguments(run, "--resume", epochs=2) if where == CHECKPOINT else ["sample", "tpu", "--run", run/where]


@pytest.mark.parametrize("write", [write_pickle, write_in_archive])
@pytest.mark.parametrize("where", ["generator.weights.h5", "generator.keras", CHECKPOINT])
def test_a_pickle_that_runs_code(run, tmp_path, write, where):
    mark = tmp_path/"mark"
    write(Evil(mark), run/where)
    before = contents(run)
    message = refused(*asking(run, where), says=where)
    assert not mark.exists(), "the code was run"
    assert ("run code" in message) == (where == CHECKPOINT and write is write_in_archive) or "damaged" in message
    assert contents(run) == before


@both
def test_a_lambda_layer(run, tmp_path):
    "Keras would run it if it were asked to trust the file."
    mark, path = tmp_path/"mark", str(tmp_path/"mark")
    z = keras.Input((16,))
    x = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1], output_shape=(16,))(z)
    keras.Model(z, keras.layers.Reshape((28, 28, 1))(keras.layers.Dense(784)(x))).save(run/"generator.keras")
    mark.unlink(missing_ok=True)
    refused("sample", "tpu", "--run", run/"generator.keras", says=("generator.keras", "run code"))
    assert not mark.exists()


def test_a_network_that_runs_code(run, tmp_path):
    "In the architecture itself: a class of another module."
    with zipfile.ZipFile(run/"generator.keras") as file: parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][-1].update(module="os", class_name="system", config=f"touch {tmp_path/'mark'}", registered_name=None)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(run/"generator.keras", "w") as file:
        for name, data in parts.items(): file.writestr(name, data)
    refused("sample", "tpu", "--run", run/"generator.keras", says="generator.keras")
    assert not (tmp_path/"mark").exists()


def truncated(part):
    def change(path): path.write_bytes(path.read_bytes()[:int(part * path.stat().st_size)])
    return change


def flipped(path):
    data, begin = bytearray(path.read_bytes()), path.stat().st_size // 2
    for i in range(begin, begin + 3000): data[i] ^= 0xFF
    path.write_bytes(data)


BROKEN = {"half": truncated(0.5), "nearly whole": truncated(0.99), "empty": truncated(0), "flipped": flipped,
          "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
          "random": lambda path: path.write_bytes(random.Random(0).randbytes(50_000)),
          "text": lambda path: path.write_text("<!DOCTYPE html><html>404</html>\n")}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("where", ["generator.weights.h5", "generator.keras", CHECKPOINT])
def test_broken_files(run, where, how):
    BROKEN[how](run/where)
    before = contents(run)
    refused(*asking(run, where), says=(where, "remove it"))
    assert contents(run) == before


@both
def test_the_checkpoint_before_is_still_good(run, trained):
    "What the message advises helps; on both backends."
    truncated(0.5)(run/CHECKPOINT)
    refused(*train_arguments(run, "--resume", epochs=2), says=(CHECKPOINT, "remove it"))
    (run/CHECKPOINT).unlink()
    resumes(run, trained)


def change(path, edit):
    "Rewrite a file of weights or a checkpoint with something else in it, and with a checksum that fits."
    if path.suffix == ".npz":
        with np.load(path) as file: arrays = dict(file)
        about = json.loads(bytes(arrays.pop("about")))
        edit(about, arrays)
        with open(path, "wb") as file: np.savez(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
        return
    with h5py.File(path, "r+") as h5:
        about = json.loads(h5.attrs["gan_course"])
        edit(about, h5)
        h5.attrs["gan_course"] = json.dumps(about | dict(digest=digest_of(h5)))


STRANGE = {
    "another track": (lambda f, a: f.update(track="tensorflow"), "belongs to the track tensorflow, this is tpu"),
    "no track": (lambda f, a: f.pop("track"), "was not written by gan_course"),
    "no configuration": (lambda f, a: f.pop("config"), ""), "an unknown field": (lambda f, a: f["config"].update(colour="red"), "colour"),
    "a lost field": (lambda f, a: f["config"].pop("image_every"), "image_every"), "no data": (lambda f, a: f.pop("data"), "")}
STRANGE_STATE = {
    "no state": (lambda f, a: f.pop("state"), ""), "no backend": (lambda f, a: f["state"].pop("backend"), "damaged"),
    "an odd backend": (lambda f, a: f["state"].update(backend="torch"), "torch"),
    "no optimiser": (lambda f, a: [a.pop(name) for name in list(a) if "/opt_g/" in name], "damaged"),
    "no strips": (lambda f, a: a.pop("strips"), "damaged"), "an odd epoch": (lambda f, a: f["state"].update(epoch="one"), "damaged"),
    "an odd history": (lambda f, a: f["state"].update(history=3), "damaged"), "a lost array": (lambda f, a: a.pop("variables/G/000"), "damaged"),
    "a needless array": (lambda f, a: a.update({"variables/G/999": np.zeros(2)}), "damaged"),
    "another shape": (lambda f, a: a.update({"variables/D/000": np.zeros((2, 2), np.float32)}), "damaged"),
    "another type": (lambda f, a: a.update({"variables/opt_d/000": a["variables/opt_d/000"].astype(np.float32)}), "damaged"),
    "other data": (lambda f, a: f["data"].update(checksum="0" * 64), "was trained on garments with checksum 000000000000")}
STRANGE_WEIGHTS = {
    "a lost array": (lambda f, h5: h5.__delitem__("layers/conv2d_2/vars/0"), "does not hold the weights of a generator"),
    "another width": (lambda f, h5: f["config"].update(width=5), "does not hold"),
    "a field of another type": (lambda f, h5: f["config"].update(width="wide"), "width")}


@pytest.mark.parametrize("how", STRANGE | STRANGE_STATE)
def test_strange_checkpoints(run, how):
    edit, says = (STRANGE | STRANGE_STATE)[how]
    change(run/CHECKPOINT, edit)
    before = contents(run)
    refused(*train_arguments(run, "--resume", epochs=2), says=says)
    assert contents(run) == before


@pytest.mark.parametrize("how", STRANGE | STRANGE_WEIGHTS)
def test_strange_weights(run, how):
    edit, says = (STRANGE | STRANGE_WEIGHTS)[how]
    change(run/"generator.weights.h5", edit)
    before = contents(run)
    refused("sample", "tpu", "--run", run, says=says)
    assert contents(run) == before


def test_one_kind_of_file_for_another(run):
    "Weights as a checkpoint, a checkpoint as weights, the discriminator for the generator, a picture for weights."
    for name in (CHECKPOINT, "final_generated_images.png", "config.json"): refused("sample", "tpu", "--run", run/name, says=name)
    for name in ("discriminator.weights.h5", "discriminator.keras"):
        refused("sample", "tpu", "--run", run/name, says="does not hold the weights of a generator")
    shutil.copy(run/"generator.keras", run/CHECKPOINT)
    refused(*train_arguments(run, "--resume", epochs=2), says="step_00000005.npz")


def test_a_run_of_the_tensorflow_track(run, tmp_path):
    "The same file formats, another track; in either direction nothing is lost, and nothing is begun anew in silence."
    other = tmp_path/"other"
    assert quiet_or_not(*arguments_of(other, track="tensorflow", limit=64, epochs=1, eval_images=0, r1=0, r2=0)).status == 0
    for here, wrong, right in ((run, "tensorflow", "tpu"), (other, "tpu", "tensorflow")):
        before, says = contents(here), f"belongs to the track {right}, this is {wrong}"
        refused("sample", wrong, "--run", here, says=says)
        refused("sample", wrong, "--run", here/"generator.keras", says=right)
        for limit in (64, 160): refused(*arguments_of(here, "--resume", track=wrong, limit=limit, epochs=2), says=says)
        assert contents(here) == before


def test_a_run_of_the_pytorch_track(run, tmp_path):
    other = tmp_path/"other"
    assert quiet_or_not(*arguments_of(other, limit=64, epochs=1, eval_images=0)).status == 0
    before = contents(run), contents(other)
    refused("sample", "tpu", "--run", other, says="the track pytorch")
    refused(*train_arguments(other, "--resume"), says=("step_00000002.pt", "another track"))
    refused("sample", "pytorch", "--run", run, says="generator.pt")
    refused(*arguments_of(run, "--resume", limit=160), says=("step_00000005.npz", "another track"))
    assert (contents(run), contents(other)) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{\"a\": NaN", "null"])
def test_damaged_json(run, text):
    for name in ("config.json", "metrics.json"): (run/name).write_text(text)
    refused("evaluate", "--run", run, says=("config.json", "damaged"))
    refused("sample", "tpu", "--run", run/"generator.keras", says=("config.json", "damaged"))
    assert command("sample", "tpu", "--run", run).status == 0, "the weights speak for themselves"


# --- losses that are no numbers ---

def poison(monkeypatch, at):
    "Let training go wrong in step `at`: a weight becomes infinite."
    advance = module.Training.advance
    def poisoned(self, batches, steps, stop):
        good = at - self.steps
        if 0 <= good < steps:
            if good: advance(self, batches, good, stop)
            kernel = self.D.get_layer("to_logit").kernel
            kernel.assign(np.full(kernel.shape, np.inf))
            steps -= good
        advance(self, batches, steps, stop)
    monkeypatch.setattr(module.Training, "advance", poisoned)


def is_finite(state):
    "But for what was measured."
    if isinstance(state, np.ndarray): return bool(np.isfinite(state).all())
    if isinstance(state, dict): return all(is_finite(v) for k, v in state.items() if k != "own")
    return all(map(is_finite, state)) if isinstance(state, list) else True


@both
def test_non_finite_loss(trained, tmp_path, monkeypatch):
    "Stops, names the step, keeps the last good checkpoint, says what to try; and the run can go on from there."
    run = tmp_path/"run"
    with monkeypatch.context() as patch:
        poison(patch, 7)
        message = refused(*train_arguments(run, epochs=2), says=("no longer finite at step 7 (epoch 2)", "step_00000006.npz", "Likely cause"))
    assert f"last good checkpoint is {run}" in message
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "failed" and len(metrics["history"]) == 1
    assert sound(run) and not (run/"generator.weights.h5").exists()
    for path in (run/"checkpoints").iterdir(): assert is_finite(TRACK.load(path)["state"]), path
    resumes(run, trained)


@both
def test_non_finite_in_the_first_step(tmp_path, monkeypatch):
    poison(monkeypatch, 0)
    refused(*train_arguments(tmp_path/"run", epochs=1), says=("step 0 (epoch 1)", "there is no checkpoint yet"))
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "failed"
    assert not list((tmp_path/"run").rglob("*.npz")) and not list((tmp_path/"run").rglob("*.h5"))


@both
def test_non_finite_in_the_middle_of_a_call(tmp_path, monkeypatch):
    "The step is found though nobody looked at it; and nothing after it is kept."
    fit = module.AdversarialModel.fit
    def fitting(self, *args, **kwargs):
        self.d_optimizer.learning_rate.assign(np.inf if int(self.iteration) else 1e-3)
        return fit(self, *args, **kwargs)
    monkeypatch.setattr(module.AdversarialModel, "fit", fitting)
    message = refused(*train_arguments(tmp_path/"run", checkpoint_every=3, limit=320), says=("(epoch 1)", "step_00000003.npz"))
    assert "step 3 " in message or "step 4 " in message, "the step whose rate is infinite, or the first one that feels it"
    assert [p.name for p in TRACK.checkpoints(tmp_path/"run")] == ["step_00000003.npz"]


def test_non_finite_in_a_used_folder(run, monkeypatch):
    "Starting anew, the earlier run's checkpoints survive a run that fails at once, and are not called its own."
    before = contents(run)
    poison(monkeypatch, 1)
    assert "there is no checkpoint yet" in refused(*train_arguments(run, seed=5), says="no longer finite at step 1")
    def kept(files): return {k: v for k, v in files.items() if k.endswith((".npz", ".h5", ".keras"))}
    assert kept(contents(run)) == kept(before)


@both
def test_really_diverging(tmp_path):
    "No trick: a learning rate of 1, in float16."
    done = command(*train_arguments(tmp_path/"run", learning_rate=1, epochs=40, precision="fp16"))
    one_line(done, "no longer finite at step", "the learning rate is high: try learning_rate of 2e-4")
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "failed"
    for path in TRACK.checkpoints(tmp_path/"run"): assert is_finite(TRACK.load(path)["state"]), path


@both
def test_overflows_of_float16_do_not_stop_a_run(tmp_path, monkeypatch):
    "A scale that is far too large: gradients overflow, steps are skipped, the scale falls, the run goes on; its files are in order."
    make = module.make_optimizer
    def too_large(*args):
        opt = make(*args)
        opt.initial_scale = 2.0**33
        return opt
    monkeypatch.setattr(module, "make_optimizer", too_large)
    run = tmp_path/"run"
    done = command(*train_arguments(run, precision="fp16", epochs=5))
    assert done.status == 0 and not done.err, done.err
    metrics, state = strict_json(run/"metrics.json"), final(run)["checkpoint"]["state"]
    first, last = metrics["history"][0], metrics["history"][-1]
    assert metrics["status"] == "finished" and first["grad_norm_d"] is None and first["loss_d"] is not None
    assert last["grad_norm_d"] is not None and last["grad_norm_g"] is not None
    scales = {part: [float(v) for v in state[part].values() if v.shape == () and v > 2**12 and v.dtype == np.float32] for part in ("opt_g", "opt_d")}
    assert all(len(found) == 1 and found[0] < 2**33 for found in scales.values()), scales
    assert int(state["own"]["003"]) == 0 and is_finite(state) and sound(run)


@pytest.mark.parametrize("changes, says", [(dict(learning_rate=1e-2), "learning rate is high"), (dict(learning_rate=2e-3), "lower learning_rate"),
                                           ({}, "lower learning_rate")], ids=str)
def test_likely_causes(changes, says):
    assert says in likely_cause(CONFIG.replace(**changes))


@both
def test_the_fixtures_are_real(run, trained):
    "Without a fault the run resumes; or the tests above would prove nothing."
    assert TRACK.load(run/CHECKPOINT)["state"]["steps"] == 5
    change(run/CHECKPOINT, lambda f, a: None), change(run/"generator.weights.h5", lambda f, h5: None)
    assert command("sample", "tpu", "--run", run).status == 0
    resumes(run, trained)
