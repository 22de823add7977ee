"""What goes wrong around a run: full and read-only disks, strange files, dangerous files, diverging losses, bad data. Each is
one line and status 2, and nothing that was there is lost."""
from gan_course.tensorflow.config import CONFIG # first: it chooses Keras's backend

import errno
import importlib
import json
import os
import pickle
import random
import shutil
import signal
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from cli import (TRACKS, Forks, command as quiet_or_not, differences, ended, final as final_of, one_line, sound as sound_of, spawn,
                 strict_json, stub_pictures, train_arguments as arguments_of, wait_for)

from gan_course.basics import CourseError
from gan_course.loop import likely_cause
from gan_course.keras_files import digest_of
from gan_course.tensorflow.train import load_checkpoint, load_file

module = importlib.import_module("gan_course.tensorflow.train")
load = TRACKS["tensorflow"].load
RESULTS = ["generator.weights.h5", "generator.keras", "discriminator.weights.h5", "discriminator.keras"] # in the order of writing
CHECKPOINT = "checkpoints/step_00000005.npz"


def train_arguments(*args, **changes): return arguments_of(*args, track="tensorflow", **(dict(limit=160) | changes)) # five steps an epoch
def final(run): return final_of(run, "tensorflow")
def sound(run): return sound_of(run, "tensorflow")


def command(*arguments):
    "Run `gan-course` here; a warning of Keras or NumPy would be a page on stderr in a process of its own."
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning) # as Python does outside of tests
        done = quiet_or_not(*arguments)
    assert not caught, [str(w.message) for w in caught]
    return done


def refused(*arguments, says=()): return one_line(command(*arguments), *([says] if isinstance(says, str) else says))


@pytest.fixture(scope="module", autouse=True)
def eager():
    "No graphs: for a few steps, tracing would take most of the time, and what breaks here is not the step."
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True)
def quick(monkeypatch): stub_pictures(monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, eager):
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
    assert done.status == 0 and not done.err, done.err
    found = differences(final(trained/"two"), final(run))
    assert found == []
    assert not list(run.rglob("*.tmp"))


# --- the disk ---

@pytest.mark.parametrize("name", ["config.json", "metrics.json", "checkpoints/step_00000006.npz", "best/generator.weights.h5", "losses.png",
                                  "checkpoints/step_00000010.npz", *RESULTS])
def test_no_space_left(run, trained, name):
    "What is written goes to /dev/full, which is always full: the system says ENOSPC."
    before = contents(run)
    target = run/name
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.symlink_to("/dev/full")
    message = refused(*train_arguments(run, "--resume", epochs=2), says=(str(target), "no space is left", "untouched"))
    assert not temporary.is_symlink() and not list(run.rglob("*.tmp"))
    assert sound(run)
    after = contents(run)
    assert after.get(name) == before.get(name), message
    for kept in RESULTS: # written last, one after the other
        assert after[kept] == before[kept] or name in RESULTS[RESULTS.index(kept) + 1:]
    assert load_checkpoint(TRACKS["tensorflow"].checkpoints(run)[-1])["state"]["steps"] >= 5
    if name not in ("config.json", "losses.png", *RESULTS[1:]): resumes(run, trained) # one of each kind


def test_the_disk_is_full_from_the_start(tmp_path):
    (tmp_path/"run").mkdir()
    (tmp_path/"run"/f".config.json.{os.getpid()}.tmp").symlink_to("/dev/full")
    refused(*train_arguments(tmp_path/"run"), says=("config.json", "no space is left"))
    assert set(contents(tmp_path/"run")) == set()


@pytest.mark.parametrize("every, says", [(3, "step_00000006.npz"), (100, "best/generator.weights.h5")])
def test_a_limit_on_the_size_of_files(run, trained, forks, every, says):
    """The system's own limit (ulimit -f): small files can be written, checkpoints cannot; nor weights, which Keras writes to a file of its
    own before they come here."""
    before = contents(run)
    done = forks(*train_arguments(run, "--resume", epochs=2, checkpoint_every=every), file_size=60_000)
    one_line(done, "cannot write", says, "untouched")
    after = contents(run)
    assert sound(run) and not list(run.rglob("*.tmp"))
    assert {k: v for k, v in after.items() if k not in ("config.json", "metrics.json")} \
        == {k: v for k, v in before.items() if k not in ("config.json", "metrics.json")}
    resumes(run, trained)


@pytest.fixture(scope="module")
def forks():
    server = Forks("tensorflow")
    yield server
    server.close()


@pytest.mark.parametrize("code, says", [(errno.EROFS, "read-only"), (errno.EACCES, "no permission"), (errno.EDQUOT, "quota"),
                                        (errno.EIO, "input/output")])
def test_the_disk_changes_its_mind(run, trained, monkeypatch, code, says):
    "A file system that is remounted read-only, or whose quota ends, in the middle of a run."
    replace = os.replace
    def replacing(source, target):
        if str(target).endswith("step_00000009.npz"): raise OSError(code, os.strerror(code))
        replace(source, target)
    monkeypatch.setattr(os, "replace", replacing)
    refused(*train_arguments(run, "--resume", epochs=2), says=("step_00000009.npz", says))
    assert sound(run) and not list(run.rglob("*.tmp"))
    assert max(p.name for p in (run/"checkpoints").iterdir()) == "step_00000006.npz"
    monkeypatch.setattr(os, "replace", replace)
    if code == errno.EROFS: resumes(run, trained)


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


@pytest.mark.parametrize("name", ["generator.weights.h5", "generator.keras"])
def test_a_folder_where_a_file_should_be(run, name):
    (run/name).unlink()
    (run/name/"mine").mkdir(parents=True)
    refused(*train_arguments(run, "--resume"), says=(name, "a folder stands where the file should be"))
    refused("sample", "tensorflow", "--run", run/name, says=name)
    if name.endswith(".h5"): refused("sample", "tensorflow", "--run", run, says=name)


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path/"file").write_text("mine")
    refused(*train_arguments(tmp_path/"file"/"deeper"/"run"), says=f"{tmp_path/'file'} is a file where a folder should be")


def test_two_runs_into_one_folder(run):
    "The second is refused, resuming or not; the first does not notice."
    process = spawn(*train_arguments(run, epochs=1000))
    try:
        at = run/"checkpoints"/"step_00000006.npz"
        wait_for(at.exists, process)
        for more in ([], ["--resume"]):
            refused(*train_arguments(run, *more, epochs=1000), says=("another run is writing to", str(run), "--out"))
        now = max(p.name for p in (run/"checkpoints").glob("*.npz"))
        wait_for(lambda: max(p.name for p in (run/"checkpoints").glob("*.npz")) > now, process)
    finally: process.send_signal(signal.SIGINT)
    assert ended(process).status == 130
    assert sound(run) # not before: the run removes old checkpoints while one reads them
    assert strict_json(run/"metrics.json")["status"] == "interrupted"


# --- files that are not what they should be ---

def asking(run, where):
    "The command that reads this file."
    if where.startswith("checkpoints"): return train_arguments(run, "--resume", epochs=2)
    if where.startswith("best"): return ["sample", "tensorflow", "--run", run, "--best"]
    return ["sample", "tensorflow", "--run", run/where]


class Evil:
    "Unpickled, it leaves a file."
    def __init__(self, mark): self.mark = mark
    def __reduce__(self): return open, (str(self.mark), "w")


def write_pickle(evil, path): path.write_bytes(pickle.dumps(evil))


def write_array(evil, path):
    "An array of Python objects, which NumPy pickles."
    with open(path, "wb") as file: np.save(file, np.array([evil], object), allow_pickle=True)


def write_in_archive(evil, path):
    arrays = dict(evil=np.array([evil], object))
    if path.suffix == ".npz":
        with np.load(path) as file: arrays |= dict(file)
    with open(path, "wb") as file: np.savez(file, **arrays)


@pytest.mark.parametrize("write", [write_pickle, write_array, write_in_archive])
@pytest.mark.parametrize("where", ["generator.weights.h5", "generator.keras", "best/generator.weights.h5", CHECKPOINT])
def test_a_pickle_that_runs_code(run, tmp_path, write, where):
    mark = tmp_path/"mark"
    write(Evil(mark), run/where)
    before = contents(run)
    message = refused(*asking(run, where), says=where)
    assert not mark.exists(), "the code was run"
    assert "run code" in message or "damaged" in message
    assert contents(run) == before
    if where == CHECKPOINT:
        assert "run code" in message or write is not write_in_archive
        found = np.load(run/where, allow_pickle=True)
        if write is write_in_archive: found["evil"]
        assert mark.exists(), "loaded carelessly, it would have run"


def rewrite(path, edit):
    "Change the architecture in a `.keras` file."
    with zipfile.ZipFile(path) as file: parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    edit(config)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items(): file.writestr(name, data)


def python_lambda(mark):
    def edit(config):
        code = keras.layers.Lambda(lambda x: x).get_config()["function"]
        config["config"]["layers"][-1].update(class_name="Lambda", module="keras.layers")
        config["config"]["layers"][-1]["config"] = dict(name="tanh", trainable=True, dtype="float32", function=code, arguments={})
    return edit


def system_call(mark):
    def edit(config):
        config["config"]["layers"][-1].update(module="os", class_name="system", config=f"touch {mark}", registered_name=None)
    return edit


def system_activation(mark):
    def edit(config):
        config["config"]["layers"][-1]["config"]["activation"] = dict(
            module="builtins", class_name="function", config="exec", registered_name="function")
    return edit


@pytest.mark.parametrize("how", [python_lambda, system_call, system_activation])
def test_a_network_that_runs_code(run, tmp_path, how):
    "In the architecture itself: a Lambda layer, and classes and functions of other modules."
    mark = tmp_path/"mark"
    rewrite(run/"generator.keras", how(mark))
    before = contents(run)
    message = refused("sample", "tensorflow", "--run", run/"generator.keras", says="generator.keras")
    assert "run code" in message if how is python_lambda else "cannot be read" in message or "run code" in message
    assert not mark.exists() and contents(run) == before


def test_a_lambda_layer_that_keras_saved(run, tmp_path):
    "Not edited, but made as anybody would make it. Keras would run it if it were asked to trust the file."
    mark, path = tmp_path/"mark", str(tmp_path/"mark")
    z = keras.Input((16,))
    x = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1], output_shape=(16,))(z)
    x = keras.layers.Reshape((28, 28, 1))(keras.layers.Dense(784)(x))
    keras.Model(z, x).save(run/"generator.keras")
    mark.unlink(missing_ok=True)
    refused("sample", "tensorflow", "--run", run/"generator.keras", says=("generator.keras", "run code"))
    assert not mark.exists()
    keras.saving.load_model(run/"generator.keras", safe_mode=False)(np.zeros((1, 16), np.float32))
    assert mark.exists(), "loaded carelessly, it would have run"


def dense(inputs, *outputs):
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(int(np.prod(outputs))), keras.layers.Reshape(outputs)])


def two_outputs():
    z = keras.Input((16,))
    return keras.Model(z, [keras.layers.Dense(3)(z), keras.layers.Dense(4)(z)])


@pytest.mark.parametrize("make", [lambda: dense(16, 3), lambda: dense(5, 28, 28, 1), lambda: dense(16, 14, 14, 1), two_outputs,
                                  lambda: keras.Sequential([keras.layers.Dense(3)])],
                         ids=["another output", "another input", "smaller images", "two outputs", "no shape"])
def test_another_architecture(run, make):
    make().save(run/"generator.keras")
    refused("sample", "tensorflow", "--run", run/"generator.keras", says=("generator.keras", "does not hold the weights of a generator"))


def truncated(part):
    def change(path): path.write_bytes(path.read_bytes()[:int(part * path.stat().st_size)])
    return change


def zeros(path): path.write_bytes(bytes(path.stat().st_size))


def flipped(at, number):
    def change(path):
        data = bytearray(path.read_bytes())
        begin = int(at * (len(data) - number))
        for i in range(begin, begin + number): data[i] ^= 0xFF
        path.write_bytes(data)
    return change


BROKEN = {"half": truncated(0.5), "nearly whole": truncated(0.99), "a start": truncated(0.001), "empty": truncated(0),
          "zeros": zeros, "flipped begin": flipped(0, 3000), "flipped middle": flipped(0.5, 3000), "flipped end": flipped(1, 3000),
          "random": lambda path: path.write_bytes(random.Random(0).randbytes(50_000)),
          "text": lambda path: path.write_text("<!DOCTYPE html><html>404</html>\n"),
          "json": lambda path: path.write_text("{}")}


def test_any_bytes(tmp_path):
    "Whatever stands in a file, reading it ends in a clear line."
    for load_it, magic in ((load_checkpoint, (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00")), (load_file, (b"", b"\x89HDF\r\n\x1a\n"))):
        for seed in range(1000):
            (tmp_path/"file").write_bytes(magic[seed % len(magic)] + random.Random(seed).randbytes(200))
            with pytest.raises(CourseError, match="file"): load_it(tmp_path/"file")


@pytest.mark.parametrize("where", ["generator.weights.h5", CHECKPOINT])
def test_any_flipped_bit(run, where):
    "Is noticed, or is where it changes nothing: no array differs."
    whole, expected, rng, noticed = (run/where).read_bytes(), load(run/where), random.Random(0), 0
    def arrays(found): return found["weights"] if "weights" in found else found["state"]
    for _ in range(200):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (run/where).write_bytes(data)
        try: found = load(run/where)
        except CourseError: noticed += 1
        else: assert differences(arrays(expected), arrays(found)) == []
    assert noticed > 100


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("where", ["generator.weights.h5", "generator.keras", CHECKPOINT])
def test_broken_files(run, where, how):
    BROKEN[how](run/where)
    before = contents(run)
    for ask in [asking(run, where)] + ([["sample", "tensorflow", "--run", run]] if where.endswith(".h5") else []):
        refused(*ask, says=(where, "remove it"))
        assert contents(run) == before


def test_the_checkpoint_before_is_still_good(run, trained):
    "What the message advises helps."
    truncated(0.5)(run/CHECKPOINT)
    refused(*train_arguments(run, "--resume", epochs=2), says="remove it")
    (run/CHECKPOINT).unlink()
    resumes(run, trained)


def change(path, edit):
    "Rewrite a file of weights or a checkpoint with something else in it, and with a checksum that fits."
    if path.suffix == ".npz":
        with np.load(path) as file: arrays = dict(file)
        about = json.loads(bytes(arrays.pop("about")))
    else:
        arrays = load(path)["weights"]
        with h5py.File(path) as h5: about = json.loads(h5.attrs["gan_course"])
    before, new = dict(arrays), edit(about, arrays)
    if path.suffix == ".npz":
        text = new.text if isinstance(new, Instead) else json.dumps(about)
        with open(path, "wb") as file: np.savez(file, about=np.frombuffer(text.encode(), np.uint8), **arrays)
        return
    with h5py.File(path, "r+") as h5:
        for name in before:
            if name in arrays and arrays[name] is before[name]: continue
            del h5[name]
            if name in arrays: h5[name] = arrays[name]
        h5.attrs["gan_course"] = new.text if isinstance(new, Instead) else json.dumps(about | dict(digest=digest_of(h5)))


class Instead:
    "Text in the place of what a file says about itself."
    def __init__(self, text): self.text = text


STRANGE = {
    "another track": (lambda f, a: f.update(track="pytorch"), "belongs to the track pytorch"),
    "no track": (lambda f, a: f.pop("track"), "was not written by gan_course"),
    "a list": (lambda f, a: Instead("[1, 2]"), "was not written by gan_course"),
    "no text": (lambda f, a: Instead(""), "was not written by gan_course"),
    "half a text": (lambda f, a: Instead(json.dumps(f)[:-9]), "was not written by gan_course"),
    "a deep text": (lambda f, a: Instead("[" * 30_000), "was not written by gan_course"),
    "an odd track": (lambda f, a: f.update(track=7), "track"),
    "no configuration": (lambda f, a: f.pop("config"), ""),
    "a configuration that is none": (lambda f, a: f.update(config=[1]), ""),
    "an unknown field": (lambda f, a: f["config"].update(colour="red"), "colour"),
    "a lost field": (lambda f, a: f["config"].pop("width"), "width"),
    "no data": (lambda f, a: f.pop("data"), ""),
    "data that are none": (lambda f, a: f.update(data=3), ""),
}
STRANGE_STATE = {
    "no state": (lambda f, a: f.pop("state"), ""),
    "a state that is none": (lambda f, a: f.update(state=[1, 2]), ""),
    "no optimiser": (lambda f, a: [a.pop(name) for name in list(a) if "/opt_g/" in name], "damaged"),
    "no strips": (lambda f, a: a.pop("strips"), "damaged"),
    "no epoch": (lambda f, a: f["state"].pop("epoch"), "damaged"),
    "an odd epoch": (lambda f, a: f["state"].update(epoch="one"), "damaged"),
    "an odd history": (lambda f, a: f["state"].update(history=3), "damaged"),
    "a lost array": (lambda f, a: a.pop("variables/G/project/kernel"), "damaged"),
    "a needless array": (lambda f, a: a.update({"variables/G/more/kernel": np.zeros(2)}), "damaged"),
    "another shape": (lambda f, a: a.update({"variables/D/to_logit/kernel": np.zeros((2, 2), np.float32)}), "damaged"),
    "another type": (lambda f, a: a.update({"variables/opt_d/000": a["variables/opt_d/000"].astype(np.float32)}), "damaged"),
    "other data": (lambda f, a: f["data"].update(checksum="0" * 64), "was trained on garments with checksum 000000000000"),
    "another data set": (lambda f, a: f["data"].update(name="fashion_mnist"), "was trained on fashion_mnist"),
}
KERNEL = "layers/conv2d_2/vars/0" # of the image: Keras names layers by their kind
STRANGE_WEIGHTS = {
    "no weights": (lambda f, a: a.clear(), "does not hold the weights of a generator"),
    "a lost array": (lambda f, a: a.pop(KERNEL), "does not hold the weights of a generator"),
    "another shape": (lambda f, a: a.update({KERNEL: np.zeros((2, 2), np.float32)}), "does not hold"),
    "a number for an array": (lambda f, a: a.update({KERNEL: np.float32(3)}), "does not hold"),
    "a field out of range": (lambda f, a: f["config"].update(width=10**9), "width"),
    "a field of another type": (lambda f, a: f["config"].update(width="wide"), "width"),
    "another width": (lambda f, a: f["config"].update(width=5), "does not hold"),
}


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
    refused("sample", "tensorflow", "--run", run, says=says)
    assert contents(run) == before


def test_changed_weights_have_another_checksum(run):
    "Without a new one, the change is found."
    with h5py.File(run/"generator.weights.h5", "r+") as h5: h5[KERNEL][0, 0, 0, 0] += 1
    refused("sample", "tensorflow", "--run", run, says="its checksum is not the stored one")


def test_a_change_that_changes_nothing(run):
    "Or the tests above would prove nothing."
    change(run/"generator.weights.h5", lambda f, a: None)
    change(run/CHECKPOINT, lambda f, a: None)
    assert command("sample", "tensorflow", "--run", run).status == 0
    assert command(*train_arguments(run, "--resume", epochs=1)).status == 0


def test_one_kind_of_file_for_another(run):
    "Weights as a checkpoint, a checkpoint as weights, the discriminator for the generator."
    refused("sample", "tensorflow", "--run", run/CHECKPOINT, says=CHECKPOINT)
    for name in ("discriminator.weights.h5", "discriminator.keras"):
        refused("sample", "tensorflow", "--run", run/name, says="does not hold the weights of a generator")
    refused("sample", "tensorflow", "--run", run/"config.json", says="config.json")
    for name in ("generator.weights.h5", "generator.keras"):
        shutil.copy(run/name, run/CHECKPOINT)
        refused(*train_arguments(run, "--resume", epochs=2), says="step_00000005.npz")
    shutil.copy(run/"generator.keras", run/"generator.weights.h5")
    refused("sample", "tensorflow", "--run", run, says="generator.weights.h5")
    (run/"config.json").unlink()
    refused("sample", "tensorflow", "--run", run/"generator.keras", says="config.json")


def test_a_run_of_another_track(run, tmp_path):
    "In either direction: nothing is lost, and nothing is begun anew in silence."
    other = tmp_path/"other"
    assert quiet_or_not(*arguments_of(other, limit=64, epochs=1, eval_images=0)).status == 0
    for here, given, sampling, resuming in ((run, "pytorch", "generator.pt", "step_00000005.npz"),
                                            (other, "tensorflow", "the track pytorch", ("step_00000002.pt", "another track"))):
        before = contents(here)
        print(refused("sample", given, "--run", here, says=sampling))
        print(refused("sample", given, "--run", here, "--best", says=str(here)))
        print(refused(*arguments_of(here, "--resume", track=given, limit=160, epochs=2), says=resuming))
        assert contents(here) == before
    refused("sample", "tensorflow", "--run", other/"generator.pt", says="generator.pt")
    for name in ("generator.keras", "generator.weights.h5"): refused("sample", "pytorch", "--run", run/name, says=name)


@pytest.mark.parametrize("changes, says", [
    (dict(batch_size=16), "batch_size 32 → 16"), (dict(seed=1), "seed 0 → 1"), (dict(width=5), "width 4 → 5"),
    (dict(limit=161), "limit 160 → 161"), (dict(recipe="dcgan"), "recipe modern → dcgan"), (dict(lr_g=1e-5), "lr_g 0.0004 → 1e-05"),
    (dict(eval_images=0), "eval_images 500 → 0"), (dict(precision="bf16"), "precision fp32 → bf16"),
    (dict(sync_batch_norm=True), "sync_batch_norm false → true"), (dict(xla="on"), "xla auto → on")], ids=str)
def test_another_configuration(run, changes, says):
    before = contents(run)
    assert "→" in refused(*train_arguments(run, "--resume", **changes), says=(says, "--out"))
    assert contents(run) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{\"a\": NaN", "null", "\x00\x01"])
def test_damaged_json(run, text):
    "Resuming reads the checkpoint only, and writes both files anew; what needs them says what it cannot read."
    for name in ("config.json", "metrics.json"): (run/name).write_text(text)
    refused("evaluate", "--run", run, says=("config.json", "damaged"))
    refused("sample", "tensorflow", "--run", run/"generator.keras", says=("config.json", "damaged"))
    assert command("sample", "tensorflow", "--run", run).status == 0, "the weights speak for themselves"


def test_damaged_json_is_written_anew(run, trained):
    for name in ("config.json", "metrics.json"): (run/name).write_text("{")
    resumes(run, trained)
    assert strict_json(run/"config.json")["config"]["epochs"] == 2


@pytest.mark.parametrize("text", ['{"track": 3}', '{}', '{"track": "tensorflow", "dataset": "x"}',
                                  '{"track": "tensorflow", "dataset": {"name": "x"}}', '{"track": []}'])
def test_odd_json(run, text):
    (run/"config.json").write_text(text)
    refused("evaluate", "--run", run)
    refused("sample", "tensorflow", "--run", run/"generator.keras")


# --- losses that are no numbers ---

def poison(monkeypatch, at):
    "Let training go wrong in step `at`: a weight becomes infinite."
    advance = module.Training.advance
    def poisoned(self, batches, steps, stop):
        good = at - self.steps
        if 0 <= good < steps:
            if good: advance(self, batches, good, stop)
            self.D.get_layer("to_logit").kernel.assign(np.full(self.D.get_layer("to_logit").kernel.shape, np.inf))
            steps -= good
        advance(self, batches, steps, stop)
    monkeypatch.setattr(module.Training, "advance", poisoned)


def is_finite(state):
    if isinstance(state, np.ndarray): return bool(np.isfinite(state).all())
    if isinstance(state, dict): return all(is_finite(v) for k, v in state.items() if k != "meter")
    return all(map(is_finite, state)) if isinstance(state, list) else True


def test_non_finite_loss(trained, tmp_path, monkeypatch):
    "Stops, names the step, keeps the last good checkpoint, says what to try; and the run can go on from there."
    run = tmp_path/"run"
    with monkeypatch.context() as patch:
        poison(patch, 7)
        message = refused(*train_arguments(run, epochs=2),
                          says=("no longer finite at step 7 (epoch 2)", "step_00000006.npz", "Likely cause"))
    assert "last good checkpoint is " + str(run) in message
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "failed" and len(metrics["history"]) == 1
    assert sound(run) and not (run/"generator.weights.h5").exists()
    for path in (run/"checkpoints").iterdir(): assert is_finite(load(path)["state"]), path
    resumes(run, trained)


def test_is_finite_sees_what_is_not():
    assert is_finite({"a": [np.ones(2), 1], "meter": np.array(float("nan"))})
    assert not is_finite({"a": [{"b": np.array([1, float("inf")])}]})


def test_non_finite_in_the_first_step(tmp_path, monkeypatch):
    poison(monkeypatch, 0)
    refused(*train_arguments(tmp_path/"run", epochs=1), says=("step 0 (epoch 1)", "there is no checkpoint yet"))
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "failed"
    assert not list((tmp_path/"run").rglob("*.npz")) and not list((tmp_path/"run").rglob("*.h5"))


def test_non_finite_in_a_used_folder(run, monkeypatch):
    "Starting anew, the earlier run's checkpoints survive a run that fails at once, and are not called its own."
    before = contents(run)
    poison(monkeypatch, 1)
    message = refused(*train_arguments(run, seed=5), says="no longer finite at step 1")
    assert "there is no checkpoint yet" in message
    after = contents(run)
    def kept(files): return {k: v for k, v in files.items() if k.endswith((".npz", ".h5", ".keras"))}
    assert kept(after) == kept(before)


def test_non_finite_in_the_fused_function(tmp_path, monkeypatch):
    "As it really runs: the step is found in the middle of a call, and nothing after it is kept."
    tf.config.run_functions_eagerly(False)
    try:
        poison(monkeypatch, 4)
        refused(*train_arguments(tmp_path/"run", r1=0.0, r2=0.0, checkpoint_every=100), says="no longer finite at step 4 (epoch 1)")
    finally: tf.config.run_functions_eagerly(True)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_really_diverging(tmp_path, precision):
    "No trick: at a learning rate of 1, a weight decay of 10 makes every weight nine times as large in each step."
    done = command(*train_arguments(tmp_path/"run", lr_g=1, lr_d=1, optimizer="adamw", weight_decay=10, epochs=20, eval_images=0,
                                    precision=precision))
    message = one_line(done, "no longer finite at step", "the learning rates are high")
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "failed", message
    for path in TRACKS["tensorflow"].checkpoints(tmp_path/"run"): assert is_finite(load(path)["state"]), path


@pytest.mark.parametrize("changes, says", [
    (dict(lr_g=1e-2), "learning rates are high"), (dict(r1=0.0, r2=0.0), "needs its penalties"),
    (dict(precision="bf16"), "precision fp32"), ({}, "lower learning rates")], ids=str)
def test_likely_causes(changes, says):
    "The recipe's own learning rates are not to blame."
    assert says in likely_cause(CONFIG.replace(precision="fp32").replace(**changes))


# --- options ---

@pytest.mark.parametrize("given, says", [
    (["--colour", "red"], "colour"), (["--strategy", "tpu"], "tpu"), (["--precision", "fp8"], "fp8"), (["--xla", "maybe"], "maybe"),
    (["--device", "cuda"], ("device is 'cuda'", "auto, cpu, gpu")), (["--device", "gpu"], ("gpu", "--device auto")),
    (["--device", "cpu:9"], "cpu:9"), (["--cpu-devices", "0"], "cpu_devices is 0"), (["--cpu-devices", "65"], "cpu_devices is 65"),
    (["--cpu-devices", "2"], ("cpu_devices is 2", "already started with 1")), (["--cpu-devices", "two"], "two"),
    (["--cpu-devices", "2", "--strategy", "single"], "strategy single"), (["--strategy", "mirrored"], "there is one device"),
    (["--batch-size", "200"], ("limit is 160", "batch_size 200")), (["--recipe", "wgan"], "modern, dcgan"),
    (["--label-smoothing", "0.1"], "relativistic"), (["--weight-decay", "0.1"], "adamw"), (["--epochs", "0"], "epochs is 0"),
    (["--cuda-graphs"], "cuda-graphs")], ids=" ".join)
def test_options(tmp_path, monkeypatch, given, says):
    monkeypatch.setattr(importlib.import_module("gan_course.tensorflow.config"), "device_kinds", lambda: ["cpu"])
    refused(*train_arguments(tmp_path/"run"), *given, says=says)
    assert not (tmp_path/"run").exists(), "refused before anything is made"


def test_another_backend_of_keras(tmp_path, monkeypatch):
    "Keras can run on PyTorch or JAX, and somebody's environment may ask for it."
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    one_line(ended(spawn(*train_arguments(tmp_path/"run"))), "KERAS_BACKEND is torch", "tensorflow")


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
    assert not (tmp_path/"run"/"generator.weights.h5").exists()


def test_auto_without_data_is_loud(tmp_path, offline):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = quiet_or_not(*train_arguments(tmp_path/"run", dataset="auto", data_dir=tmp_path/"data", epochs=1, eval_images=0))
    assert done.status == 0 and "NOT Fashion-MNIST" in done.err and len(done.err.splitlines()) >= 4
    assert any("garments" in str(w.message) for w in caught)
    for name in ("metrics.json", "config.json"): assert strict_json(tmp_path/"run"/name)["dataset"]["name"] == "garments"


def test_more_images_than_there_are(tmp_path):
    "d_steps batches do not fit into the data."
    refused(*train_arguments(tmp_path/"run", d_steps=6), says=("160 images make 5 batches of 32", "d_steps is 6"))


def test_the_fixtures_are_real(run, trained):
    "Without a fault the run resumes; or the tests above would prove nothing."
    assert load(run/CHECKPOINT)["state"]["steps"] == 5
    resumes(run, trained)
