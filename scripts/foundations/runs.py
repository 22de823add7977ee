# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Run folders that survive
#
# > Atomic files, checkpoints that resume exactly, and a line that says where a result came from
#
# - order: 4

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/runs.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/runs.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/runs.ipynb) · [API](../about/api.ipynb#foundations-runs)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** write files that a crash cannot tear in half, keep two runs out of one folder, resume a run so
# that nobody can tell it was interrupted, and say months later where a picture came from.
#
# **You need** the lessons [How these lessons run](start.ipynb) and [Data sets](datasets.ipynb).
# **It takes** twenty minutes; no cell runs longer than a few seconds.
#
# Nothing here knows what a network is. A run of any framework writes numbers, pictures and weights for an hour, and in
# that hour laptops sleep, disks fill up, and somebody presses Ctrl-C. The module below is what stands between that and
# your results.

# %%
#| default_exp runs

# %%
#| exports
import errno
import json
import math
import os
import platform
import re
import subprocess
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

import gan_course
from gan_course.basics import CourseError, is_fast

# %%
import sqlite3
import sys
import tempfile

import matplotlib.pyplot as plt

from gan_course.basics import budget
from gan_course.datasets import load_dataset

# %% [markdown]
# Everything this lesson writes goes to a temporary folder. A helper runs a few lines in a process of their own, so that
# we can kill it; another one calls a function and returns the message of its `CourseError`.

# %%
toy = Path(tempfile.mkdtemp())

def elsewhere(code):
    "Run `code` in a new Python process in the folder `toy`; its exit status (-9: killed)."
    return subprocess.run([sys.executable, "-c", code], cwd=toy).returncode

def message(call, *args):
    "The message of the `CourseError` that `call` raises, without the long name of `toy`."
    try: call(*args)
    except CourseError as error: return str(error).replace(f"{toy}{os.sep}", "")
    raise AssertionError("no CourseError was raised")


# %% [markdown]
# ## Half a file
#
# After each [epoch](../about/glossary.ipynb#gl-epoch) a run writes what it has measured. The obvious way is one line, and here a process does it twice:
# the first time all is well, the second time the machine goes down in the middle. `os.kill(..., 9)` is the harshest
# end a process can meet: no `except`, no `finally`, nothing of it runs any more.

# %%
naive = """
import os
def save(text, die=False):
    with open("metrics.txt", "w") as f:
        f.write(text[:len(text) // 2]); f.flush()
        if die: os.kill(os.getpid(), 9)
        f.write(text[len(text) // 2:])
save("epoch 1: loss 0.69, epoch 2: loss 0.61")
save("epoch 1: loss 0.69, epoch 2: loss 0.61, epoch 3: loss 0.58", die=True)
"""

# %% [markdown]
# **Predict:** what is in `metrics.txt` afterwards: two epochs, three, or nothing?

# %%
assert elsewhere(naive) != 0
(toy/"metrics.txt").read_text()

# %% [markdown]
# Neither the old text nor the new one. `open(path, "w")` empties the file *before* the first new byte is written, so
# from then on until the last byte the only copy is incomplete. With weights in place of text the file cannot be loaded
# at all, and thirty epochs are gone.
#
# The way out is old and simple. Write the new text beside the old, under another name; when it is complete, rename it.
# The operating system renames [atomically](../about/glossary.ipynb#gl-atomic): whoever looks sees the old file or the new one, never something between.
# Two details decide whether it holds in practice. The temporary file must stand *in the same folder*, since a rename
# cannot cross from one disk to another. And the bytes must be on the disk before the name is (`fsync`), or a power
# failure leaves the new name on an empty file.
#
# Before the writing itself, its errors. What can go wrong has a number in the operating system, and for each number
# there is something a person can do:

# %%
#| exports
_reasons = {
    errno.ENOSPC: "no space is left on the device; free some or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file grows beyond the size allowed here (ulimit -f); raise the limit",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EISDIR: "a folder stands where the file should be; move it or choose another name",
    errno.ENOENT: "the folder is gone; do not move or delete it while a run writes to it",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EIO: "the device reports an input/output error; choose another disk",
}

def write_error(path, # what was to be written
                error, # the `OSError` that stopped it
    ): # a `CourseError`: the path, the reason and the remedy in one line
    "Turn an `OSError` into one line that says what is wrong and what to do."
    path = Path(path)
    why = _reasons.get(error.errno, f"{error.strerror or error}; choose another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        files = [p for p in (path, *path.parents) if p.exists() and not p.is_dir()]
        where = files[-1] if files else path
        why = f"{where} is a file where a folder should be; move it or choose another folder"
    message = f"cannot write {path}: {why}. What was there before is untouched."
    return CourseError(" ".join(message.split()))


# %%
print(write_error("runs/try/generator.pt", OSError(errno.ENOSPC, "No space left on device")))

# %%
(toy/"notes").write_text("a file, not a folder")
as_folder = write_error(toy/"notes"/"metrics.json", OSError(errno.ENOTDIR, "Not a directory"))
assert f"{toy/'notes'} is a file" in str(as_folder), "names the culprit, not only the path"
for number in [*_reasons, errno.ETIMEDOUT]:
    assert "untouched" in str(write_error("x", OSError(number, "?")))


# %% [markdown]
# ## All or nothing
#
# `atomic_path` hands out the temporary name; what you write there appears under the real name at the end of the block,
# and not at all if the block fails.

# %%
#| exports
def _fsync(path):
    "Wait until the file or folder `path` is on the disk and not only in memory."
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
    fd = os.open(path, flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

def _cause(error):
    "The `OSError` behind `error`, or None; a library such as PyTorch may wrap it in its own."
    if not isinstance(error, (OSError, RuntimeError)):
        return None
    seen = error
    while seen is not None:
        if isinstance(seen, OSError):
            return seen
        seen = seen.__cause__ or seen.__context__
    if re.search("file write failed|unexpected pos", str(error)):
        return OSError(errno.ENOSPC, "the write failed")  # all that torch.save tells of a full disk
    return None

@contextmanager
def atomic_path(path, # the file to write
    ):  # the temporary path beside it: write there
    "Write a file completely or not at all: to a temporary name, then renamed to `path`."
    path = Path(path)
    tmp = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield tmp
        if path.parent.is_dir() and not tmp.exists():
            raise RuntimeError(f"nothing was written to the temporary path of {path.name}")
        _fsync(tmp)
        os.replace(tmp, path)
    except Exception as error:
        if (cause := _cause(error)) is None:
            raise
        raise write_error(path, cause) from error
    finally:
        try:
            tmp.unlink(missing_ok=True)
        except OSError:  # no folder, or no longer writable: then there is nothing of ours to remove
            pass
    try:
        _fsync(path.parent)  # makes the new name durable; some systems cannot do it for a folder
    except OSError:
        pass


# %% [markdown]
# The same crash as before, with the new function:

# %%
atomic = """
import os
from gan_course.runs import atomic_path
def save(text, die=False):
    with atomic_path("metrics.txt") as tmp:
        tmp.write_text(text[:len(text) // 2])
        if die: os.kill(os.getpid(), 9)
        tmp.write_text(text)
save("epoch 1: loss 0.69, epoch 2: loss 0.61")
save("epoch 1: loss 0.69, epoch 2: loss 0.61, epoch 3: loss 0.58", die=True)
"""
assert elsewhere(atomic) != 0
(toy/"metrics.txt").read_text()

# %%
assert (toy/"metrics.txt").read_text() == "epoch 1: loss 0.69, epoch 2: loss 0.61"
left_behind = [p.name for p in toy.glob(".*.tmp")]
assert len(left_behind) == 1 and re.fullmatch(r"\.metrics\.txt\.\d+\.tmp", left_behind[0])


# %% [markdown]
# The old file is whole. What the killed process leaves behind is its half-written temporary file; it starts with a dot
# and ends with the number of the process, so that the next run can recognise and remove it.
#
# When the process lives on and only the writing fails, there is no trace at all. A disk is full:

# %%
def disk_full():
    with atomic_path(toy/"metrics.txt") as tmp:
        tmp.write_text("epoch 1: ")
        raise OSError(errno.ENOSPC, "No space left on device") # what write() would raise

message(disk_full)

# %%
assert (toy/"metrics.txt").read_text().endswith("epoch 2: loss 0.61")
assert [p.name for p in toy.glob(".*.tmp")] == left_behind, "a failed write leaves nothing behind"

def our_mistake():
    with atomic_path(toy/"metrics.txt"): pass # forgot to write

try: our_mistake()
except RuntimeError as error: print(error) # a mistake in the code keeps its traceback
else: raise AssertionError("nothing was written, and nobody was told")


# %% [markdown]
# ## JSON that is JSON
#
# Measurements are stored as JSON, because everything reads it. Does it? One loss is not a number, which will happen to
# every one of us, and the file is opened with another parser than Python's. SQLite has one built in.

# %%
def another_parser_reads(text):
    return sqlite3.connect(":memory:").execute("select json_valid(?)", [text]).fetchone() == (1,)

text = json.dumps({"epoch": 3, "loss": float("nan")})
text, another_parser_reads('{"epoch": 3, "loss": 0.58}'), another_parser_reads(text)

# %% [markdown]
# `NaN` is no JSON. Python writes it and reads it back without a word; a browser, R or `jq` refuse the whole file, and
# with it every epoch that was fine. And numpy's numbers are refused by Python itself:

# %%
try: json.dumps({"loss": np.float32(0.58)})
except TypeError as error: print(error)


# %% [markdown]
# So before anything is written, it is made plain: numpy's scalars and arrays become numbers and lists, paths become
# text, and what is not finite becomes `null`, which every parser reads as *not known*.

# %%
#| exports
def to_plain(obj, # numbers, strings, paths, arrays, containers of them
    ): # the same as None, bool, int, float, str, list and dict; NaN and infinities as None
    "What `obj` is when JSON is to hold it. Raises `TypeError` for what has no such form."
    if obj is None or isinstance(obj, (bool, str)):
        return obj
    if isinstance(obj, (int, np.integer)):
        return int(obj)
    if isinstance(obj, (float, np.floating)):
        return float(obj) if math.isfinite(obj) else None
    if isinstance(obj, Path):
        return str(obj)
    if isinstance(obj, dict):
        return {str(k): to_plain(v) for k, v in obj.items()}
    if isinstance(obj, (set, frozenset)):
        return [to_plain(v) for v in sorted(obj)]
    if isinstance(obj, (list, tuple)):
        return [to_plain(v) for v in obj]
    if hasattr(obj, "tolist"):  # arrays, numpy booleans, tensors of any framework
        return to_plain(obj.tolist())
    raise TypeError(f"{type(obj).__name__} has no form in JSON: {obj!r}")


# %%
to_plain({"loss": np.float32("nan"), "out": Path("runs")/"try", "seeds": np.arange(3)})

# %%
plain = to_plain({"loss": np.float32("nan"), "steps": np.int64(3), "on": np.bool_(True),
                  "tuple": (1.5, -np.inf)})
assert plain == {"loss": None, "steps": 3, "on": True, "tuple": [1.5, None]}
assert type(plain["steps"]) is int and plain["on"] is True
try: to_plain({"f": print})
except TypeError as error: assert "no form in JSON" in str(error) # never silently a string
else: raise AssertionError("a function was stored")


# %%
#| exports
def write_json(path, # file to write
               obj, # see `to_plain`
    ): # `path`
    "Write `obj` as strictly valid JSON, atomically."
    text = json.dumps(to_plain(obj), indent=1, allow_nan=False) + "\n"
    with atomic_path(path) as tmp:
        tmp.write_text(text, encoding="utf-8")
    return Path(path)


# %%
write_json(toy/"metrics.json", {"epoch": 3, "loss": np.nan})
print((toy/"metrics.json").read_text())

# %%
assert another_parser_reads((toy/"metrics.json").read_text())
size = (toy/"metrics.json").stat().st_size
try: write_json(toy/"metrics.json", {"f": print})
except TypeError: pass
assert (toy/"metrics.json").stat().st_size == size, "what cannot be written leaves the old file"


# %% [markdown]
# Reading has its own two errors: the file is not there, or it is damaged. Both are the user's to put right, so both
# get one line.

# %%
#| exports
def read_json(path, # file to read
    ): # what it holds
    "Read a JSON file; a missing or damaged one is a `CourseError`."
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise CourseError(f"there is no {path}; is this the folder of a run?") from None
    except OSError as error:
        raise CourseError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        at = " ".join(str(error).split())
        raise CourseError(f"{path} is damaged ({at}); "
                          "remove it, or choose another folder") from error


# %%
(toy/"damaged.json").write_text('{"epoch": 3, "lo')
print(message(read_json, toy/"damaged.json"))
print(message(read_json, toy/"elsewhere"/"metrics.json"))

# %%
assert read_json(toy/"metrics.json") == {"epoch": 3, "loss": None}
assert "is damaged" in message(read_json, toy/"damaged.json")

# %% [markdown]
# ## The folder of a run
#
# A run's files live in one folder, always under the same names: `config.json` (what was asked), `metrics.json` (what
# came of it), pictures, weights, and `checkpoints/` to go on from. What should happen when two runs write to the same
# one? It takes no more than pressing *run all* in two tabs. Without care, each overwrites the other's files in turn,
# and the folder ends with the weights of one run and the metrics of the other.
#
# The first remedy that comes to mind is a file that says *busy*:
#
# ```python
# if (folder/"busy").exists(): raise CourseError("another run is writing here")
# (folder/"busy").touch()
# ...
# (folder/"busy").unlink()
# ```
#
# **Predict:** there are two things wrong with it. Which?
#
# Two runs that start together both look, both see no file, and both go on. And after a `kill -9` nobody removes the
# file: the folder stays busy for ever. A *lock held by the operating system* has neither fault. It is taken in one
# indivisible step, and it belongs to the process: when the process ends, however it ends, the lock is gone. The library
# `filelock` offers it under one name for Linux, macOS and Windows.
#
# The other rule of the folder is about [checkpoints](../about/glossary.ipynb#gl-checkpoint). They are large, so only the last `keep` stay; and an old one is
# removed only *after* the new one is complete on disk, so that at any moment at least one can be loaded.

# %%
#| exports
_step = re.compile(r"step_(\d+)(\.[^/]+)$")
_stale = re.compile(r"\..+\.\d+\.tmp$")

class RunFolder:
    "The folder of one training run: what was asked, what came of it, and how to go on."
    def __init__(self,
                 path, # of the folder
                 create=True, # make it if it is not there; else its absence is a `CourseError`
                ):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.config_path = self.path / "config.json"
        self.metrics_path = self.path / "metrics.json"
        if create:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise write_error(self.path, error) from error
        elif not self.path.is_dir():
            raise CourseError(f"there is no run folder {self.path}; "
                              "check the path, or train a run first")

    def __repr__(self):
        return f"RunFolder({str(self.path)!r})"

    @contextmanager
    def lock(self):
        "Hold the folder: a second run gets a `CourseError`. Clears what a killed run left."
        lock = FileLock(self.path / ".lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise CourseError(f"another run is writing to {self.path}; "
                              "wait until it ends, stop it, or choose another folder with --out"
                              ) from None
        except OSError as error:
            raise write_error(self.path / ".lock", error) from error
        try:
            self.remove_stale_tmp()
            yield self
        finally:
            lock.release()

    def remove_stale_tmp(self):
        "Remove half-written files of a run that was killed. Only for the one who holds the lock."
        for folder in ("", "checkpoints", "best", "generated_images", "generator_checkpoints"):
            for path in (self.path / folder).glob(".*.tmp"):
                if _stale.match(path.name) and path.is_file():
                    try:
                        path.unlink(missing_ok=True)
                    except OSError:
                        pass

    def save_config(self, config: dict) -> Path: # dictionary
        "Write config.json."
        return write_json(self.config_path, config)

    def save_metrics(self, metrics: dict) -> Path: # dictionary
        "Write metrics.json."
        return write_json(self.metrics_path, metrics)

    def load_config(self) -> dict:
        "The dictionary in config.json."
        return _dictionary(self.config_path)

    def load_metrics(self) -> dict:
        "The dictionary in metrics.json."
        return _dictionary(self.metrics_path)

    def save_checkpoint(self,
                        step, # optimiser steps taken so far
                        write, # called with a path; writes the checkpoint there
                        keep=2, # how many to keep, this one included
                        suffix=".pt", # of the file name
                       ): # the path of the new checkpoint
        "Write checkpoints/step_00000469.pt atomically, then remove older ones beyond `keep`."
        if keep < 1:
            raise ValueError(f"keep must be 1 or more, not {keep}")
        path = self.checkpoints / f"step_{step:08d}{suffix}"
        with atomic_path(path) as tmp:
            write(tmp)
        older = [p for p in self.checkpoint_paths() if step_of(p) <= step]
        for p in older[:-keep]:
            try:
                p.unlink(missing_ok=True)
            except OSError:  # an old file too many is no reason to stop a run
                pass
        return path

    def checkpoint_paths(self) -> list[Path]:
        "All complete checkpoints, oldest first."
        if not self.checkpoints.is_dir():
            return []
        return sorted((p for p in self.checkpoints.iterdir() if _step.match(p.name)), key=step_of)

    def latest_checkpoint(self) -> Path | None:
        "The newest complete checkpoint, or None."
        paths = self.checkpoint_paths()
        return paths[-1] if paths else None

    def remove_checkpoints(self) -> None:
        "Remove all checkpoints: what a run does that starts anew in a folder already used."
        for path in self.checkpoint_paths():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise write_error(path, error) from error

def step_of(path): # of a checkpoint
    "The step in a checkpoint's file name."
    return int(_step.match(Path(path).name)[1])

def _dictionary(path):
    found = read_json(path)
    if not isinstance(found, dict):
        raise CourseError(f"{path} is damaged (it holds no dictionary); "
                          "remove it, or choose another folder")
    return found


# %%
folder = RunFolder(toy/"try")
folder.save_config({"seed": 0, "batch_size": 64})
folder.save_metrics({"status": "running", "history": []})
for step in [100, 200, 300]:
    folder.save_checkpoint(step, lambda tmp: tmp.write_bytes(b"weights"), keep=2)
sorted(str(p.relative_to(toy)) for p in folder.path.rglob("*") if p.is_file())

# %%
assert [step_of(p) for p in folder.checkpoint_paths()] == [200, 300]
assert folder.latest_checkpoint().name == "step_00000300.pt"
assert folder.load_config() == {"seed": 0, "batch_size": 64}
assert "there is no run folder mistyped" in message(RunFolder, toy/"mistyped", False)

def fails(tmp):
    tmp.write_bytes(b"wei")
    raise OSError(errno.ENOSPC, "No space left on device")

assert "no space" in message(folder.save_checkpoint, 400, fails, 1)
assert [step_of(p) for p in folder.checkpoint_paths()] == [200, 300], "nothing was removed for it"

# %% [markdown]
# Now the lock. Another process takes it, tells us so, and sleeps; we try to take it too. Then we kill the other process
# without mercy and try again. **Predict** both outcomes.

# %%
holder = subprocess.Popen([sys.executable, "-c", """
import time
from gan_course.runs import RunFolder
with RunFolder("try").lock():
    print("locked", flush=True)
    time.sleep(60)
"""], cwd=toy, stdout=subprocess.PIPE, text=True)
assert holder.stdout.readline() == "locked\n"

def take_lock():
    with folder.lock(): return "the folder is ours"

print(message(take_lock))

# %%
(folder.path/".metrics.json.12345.tmp").write_text("half a fi") # as a killed run would leave it
holder.kill()
holder.wait()
holder.stdout.close()
print(take_lock())

# %%
assert not (folder.path/".metrics.json.12345.tmp").exists(), "the new owner clears up"
assert (folder.path/"metrics.json").exists()

# %% [markdown]
# ## Resuming exactly
#
# A checkpoint is there to go on from. What must it hold? To find out we need a training run, and the smallest one that
# has all the parts of a large one will do: it learns the *mean image* of the data. The weights $w$ are one image, the
# loss is $\frac12\lVert w-x\rVert^2$ averaged over a [batch](../about/glossary.ipynb#gl-batch) of random images $x$, and the optimiser is gradient descent with
# [momentum](../about/glossary.ipynb#gl-momentum): $v \leftarrow 0.9\,v - \eta\,(w-\bar x)$, then $w \leftarrow w + v$.

# %%
data = load_dataset("auto", "train", limit=budget(full=None, fast=2000))
pixels = data.images.reshape(len(data), -1)

class MeanImage:
    "Learns the mean of the images, one random batch a step."
    def __init__(self, seed=0):
        self.weights = np.zeros(pixels.shape[1])
        self.velocity, self.step = np.zeros_like(self.weights), 0
        self.rng = np.random.default_rng(seed)

    def train(self, steps):
        for _ in range(steps):
            batch = pixels[self.rng.integers(len(pixels), size=64)]
            gradient = self.weights - (batch.mean(0) / 127.5 - 1)
            self.velocity = 0.9 * self.velocity - 0.02 * gradient
            self.weights = self.weights + self.velocity
            self.step += 1
        return self

whole = MeanImage().train(200) # never interrupted: what every resumed run should equal

# %% [markdown]
# The first attempt stores the weights, since they are the result. The run stops after 100 steps; a new process loads
# them and does the other 100. **Predict:** are the final weights the same as those of the uninterrupted run?

# %%
first = MeanImage().train(100)
resumed = MeanImage(seed=0)
resumed.weights, resumed.step = first.weights, first.step # as loaded from a file
float(np.abs(resumed.train(100).weights - whole.weights).max())


# %% [markdown]
# They are not. The optimiser began again at rest: its velocity is zero. And the random generator began again at its
# [seed](../about/glossary.ipynb#gl-seed), so the second hundred batches are the first hundred once more, and images that the uninterrupted run would have
# seen are never drawn. Nothing in the loss shows it. So a checkpoint holds *everything that the next step reads*:
# weights, optimiser, random state, the place in the data. For a GAN that means both networks, both optimisers and the
# average of the weights.

# %%
def save_run(run, tmp):
    with open(tmp, "wb") as f: # an open file: given a name, np.savez would append .npz to it
        np.savez(f, weights=run.weights, velocity=run.velocity, step=run.step,
                 rng=json.dumps(run.rng.bit_generator.state))

def load_run(path):
    run = MeanImage()
    with np.load(path, allow_pickle=False) as saved: # a pickle could run anybody's code
        run.weights, run.velocity = saved["weights"], saved["velocity"]
        run.step = int(saved["step"])
        run.rng.bit_generator.state = json.loads(str(saved["rng"]))
    return run

first = MeanImage().train(100)
path = folder.save_checkpoint(first.step, lambda tmp: save_run(first, tmp), suffix=".npz")
resumed_all = load_run(path).train(100)
float(np.abs(resumed_all.weights - whole.weights).max())

# %%
assert np.array_equal(resumed_all.weights, whole.weights), "equal to the last bit, not nearly"
assert resumed_all.step == whole.step == 200
assert not np.array_equal(resumed.weights, whole.weights)

# %% [markdown]
# Zero: not one bit differs. That is the standard this course holds every track to, because *nearly the same* cannot be
# tested: any mistake looks like it. @fig-resume shows one pixel of the weights, for the three runs. Look closely at the
# dashed line: it repeats the movements of the first hundred steps, because it is fed the same batches.

# %%
#| label: fig-resume
#| fig-cap: "One pixel of the mean image while it is learnt. Both resumed runs stop at step 100 and go on."
#| fig-alt: "Three curves over 200 steps. The line resumed from everything lies on the uninterrupted one; the one resumed from weights alone leaves it at step 100 and then repeats the dips of the first hundred steps."
pixel = int(np.argmax(pixels[:2000].std(0)))
def trace(run, steps): return [run.train(1).weights[pixel] for _ in range(steps)]

weights_only = MeanImage()
weights_only.weights = first.weights
fig, ax = plt.subplots(figsize=(6.4, 3))
steps = np.arange(101, 201)
for run, x, label, style in [
        (MeanImage(), np.arange(1, 201), "uninterrupted", dict(color="#bbbbbb", linewidth=5)),
        (load_run(path), steps, "resumed from everything", dict(color="#1f3b73", linewidth=1.2)),
        (weights_only, steps, "resumed from weights", dict(color="#e08a1e", linestyle="--"))]:
    ax.plot(x, trace(run, len(x)), label=label, **style)
ax.set(xlabel="step", ylabel="weight of one pixel")
ax.legend(frameon=False)
plt.show()


# %% [markdown]
# ## The same configuration
#
# One mistake is left. A run that began with a batch of 64 is [resumed](../about/glossary.ipynb#gl-resume) with a batch of 128. Every file loads, training
# goes on, and the result belongs to neither setting. So a run that resumes first compares what it was asked then with
# what it is asked now. Some fields may differ, the number of epochs above all: they are called free.

# %%
#| exports
def _flat(config, prefix=""):
    "Nested dictionaries as one, with dotted names."
    out = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        out |= _flat(value, name + ".") if isinstance(value, dict) and value else {name: value}
    return out

def check_same_config(saved, # dictionary, of the run to be resumed
                      current, # dictionary, as asked for now
                      free=frozenset(), # names of the fields that may differ (epochs, out, ...)
    ):
    "Raise a `CourseError` that names the fields that differ."
    a, b = _flat(to_plain(saved)), _flat(to_plain(current))
    def show(d, k): return json.dumps(d[k], ensure_ascii=False).strip('"') if k in d else "(absent)"
    def same(k): return (k in a, a.get(k)) == (k in b, b.get(k))
    def may_differ(k): return k in free or k.split(".")[0] in free
    differ = [f"{k} {show(a, k)} → {show(b, k)}" for k in sorted(a.keys() | b.keys())
              if not may_differ(k) and not same(k)]
    if differ:
        raise CourseError(f"the saved run has another configuration: {', '.join(differ)}; "
                          "resume with the same options, or start a new run in another folder "
                          "with --out")


# %%
saved = {"seed": 0, "batch_size": 64, "epochs": 5, "adam": {"beta1": 0.5}}
asked = {"seed": 0, "batch_size": 128, "epochs": 30, "adam": {"beta1": 0.9}}
message(check_same_config, saved, asked, {"epochs"})

# %%
assert check_same_config(saved, saved | {"epochs": 30}, {"epochs"}) is None
assert "adam.beta1 0.5 → 0.9" in message(check_same_config, saved, asked, {"epochs", "batch_size"})
assert "epochs" not in message(check_same_config, saved, asked, {"epochs"})
assert "width (absent) → 48" in message(check_same_config, saved, saved | {"width": 48})


# %% [markdown]
# ## History
#
# What is measured goes into rows, one dictionary per epoch, with the same names in every track (`loss_g`, `loss_d`,
# `d_real`, ...). Rows are easy to write to JSON and easy to extend; for a plot one wants columns, with a gap where
# nothing was measured.

# %%
#| exports
class History:
    "What was measured, one dictionary per epoch."
    def __init__(self, epochs=()): # rows to begin with, from a checkpoint or metrics.json
        self.epochs = [to_plain(row) for row in epochs]

    def append(self, **row):
        "Add the row of one epoch; NaN and infinities become None."
        self.epochs.append(to_plain(row))

    def column(self, name):
        "One quantity over the epochs as a float array; NaN where it was not measured."
        values = [row.get(name) for row in self.epochs]
        return np.array([np.nan if v is None else v for v in values], dtype=float)

    def __len__(self):
        return len(self.epochs)

    def __iter__(self):
        return iter(self.epochs)

    def __getitem__(self, index):
        return self.epochs[index]


# %%
history = History()
history.append(epoch=1, loss_g=np.float32(0.75), loss_d=0.5)
history.append(epoch=2, loss_g=float("nan"), loss_d=0.25, pixel_frechet=31.5)
history.epochs, history.column("loss_g"), history.column("pixel_frechet")

# %%
assert len(history) == 2 and history[1]["loss_g"] is None
assert np.array_equal(history.column("pixel_frechet"), [np.nan, 31.5], equal_nan=True)
again = History(json.loads(json.dumps(history.epochs)))
assert again.epochs == history.epochs, "metrics.json holds all of it"


# %% [markdown]
# ## Where a result comes from
#
# A picture of good samples, found in a folder a year later. Trained on what, for how long, by which version of the
# code? Whatever is not written down at the time is lost. So each run stores where it comes from: the data with their
# [checksum](../about/glossary.ipynb#gl-checksum), the effort, the machine, the versions of the packages, the revision of the code. `-dirty` behind the
# revision says that the code had been changed and not committed: nobody can get exactly that code back.

# %%
#| exports
def processor_name():
    "What the processor calls itself."
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
            for line in f:
                if line.lower().startswith("model name"):
                    return " ".join(line.split(":", 1)[1].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"

def cores():
    "How many cores this process may use."
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

def cores_in_words(number):
    "`1 core` or `2 cores`."
    return f"{number} core" + "s" * (number != 1)

def git_revision(package=None): # folder of the package; by default gan_course's own
    "Revision of the checkout the package runs from, `-dirty` if its code was changed, or None."
    package = Path(package or gan_course.__file__).resolve()
    package = package if package.is_dir() else package.parent
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}

    def git(*args):
        out = subprocess.run(["git", "-C", str(package.parent), *args], env=env, text=True,
                             capture_output=True, errors="replace", timeout=10, check=True)
        return out.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != package.parent:
            return None  # installed inside somebody else's repository
        revision = git("rev-parse", "--short=12", "HEAD")
        return revision + ("-dirty" if git("status", "--porcelain", "--", package.name) else "")
    except (OSError, subprocess.SubprocessError):
        return None

def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


# %%
assert processor_name().strip() and cores() >= 1
assert _version("numpy") == np.__version__ and _version("no-such-package") is None
assert git_revision(toy) is None, "a folder that is no checkout has no revision"
revision = git_revision()
assert revision is None or re.fullmatch("[0-9a-f]{12,}(-dirty)?", revision)


# %% [markdown]
# All of it goes into one dictionary, for `metrics.json`, and into one line, for a person:

# %%
#| exports
def provenance(dataset, # a `gan_course.datasets.Dataset`
               *,
               track, # pytorch, tensorflow, ...
               epochs, # trained
               seed, # of the run
               images_seen, # real images shown to the discriminator
               seconds, # of training
               device, # as a person would name it, such as cpu or cuda: NVIDIA H200
               packages=(), # names of the packages whose versions matter
    ): # a dictionary that JSON can hold
    "Where a result came from: data, effort, machine, versions, code."
    return to_plain(dict(
        track=track, dataset=dataset.name, checksum=dataset.checksum, images=len(dataset),
        epochs=epochs, seed=seed, images_seen=images_seen, seconds=round(float(seconds), 1),
        images_per_second=round(images_seen / seconds, 1) if seconds > 0 else None,
        device=device, processor=processor_name(), cores=cores(), python=platform.python_version(),
        packages={"gan_course": gan_course.__version__} | {p: _version(p) for p in packages},
        git=git_revision(), date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        fast=is_fast()))

def provenance_line(p, # what `provenance` returned
    ): # one line of text
    "The provenance as the one line that a lesson prints."
    versions = ", ".join(f"{name} {version}" for name, version in p["packages"].items())
    rate = "" if p["images_per_second"] is None else f" ({p['images_per_second']:.0f} images/s)"
    parts = [
        f"{p['track']} on {p['dataset']} ({p['images']} images, sha256 {_short(p['checksum'])})",
        f"epochs {p['epochs']}", f"seed {p['seed']}",
        f"{p['images_seen']} images in {p['seconds']:.1f} s{rate}",
        f"{p['device']}, {p['processor']}, {cores_in_words(p['cores'])}",
        f"python {p['python']}, {versions}", f"git {p['git']}", p["date"],
        "fast" if p["fast"] else "full"]
    return "provenance: " + " | ".join(" ".join(str(part).split()) for part in parts)

def _short(checksum):
    "The first twelve hexadecimal digits, and how many images were taken if not all."
    digest, bracket, rest = checksum.partition("[")
    return digest[:12] + bracket + rest


# %%
import time

# %%
start = time.perf_counter()
steps = MeanImage().train(budget(full=937, fast=50)).step # 937 batches of 64: one epoch of 60,000
source = provenance(data, track="numpy", epochs=1, seed=0, images_seen=64 * steps, device="cpu",
                    seconds=time.perf_counter() - start, packages=["numpy", "filelock"])
print(provenance_line(source))

# %%
assert source["checksum"] == data.checksum and source["images"] == len(data)
assert source["packages"]["numpy"] == np.__version__ and source["fast"] == is_fast()
assert another_parser_reads(json.dumps(source)) and "\n" not in provenance_line(source)
assert _short("0123456789abcdef[:512]") == "0123456789ab[:512]", "a part is never taken for all"

# %% [markdown]
# A lesson that trains ends with such a line, and the course's own tests refuse a page whose line says *fast*, or names
# another data set than the text does.
#
# ## Exercises
#
# Each check accepts your answer or names the likely mistake. Write your own cell before you unfold the solution.

# %%
from gan_course.exercises.runs import Walk, check_restore, check_retention, check_state


# %% [markdown]
# ### 1. The newest that can be read
#
# A checkpoint can still be unreadable: a faulty disk, a copy that was cut short. Write `restore(folder, read)`: it tries
# the checkpoints of a `RunFolder` from the newest back, and returns the first that `read(path)` accepts, as the pair
# `(path, what read returned)`. `read` raises `CourseError` for a damaged one. If none is left, raise a `CourseError`
# yourself: starting again from nothing without a word is not resuming.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def restore(folder, read):
    for path in reversed(folder.checkpoint_paths()):
        try: return path, read(path)
        except CourseError: continue
    raise CourseError(f"no checkpoint in {folder.path} can be read; start again in another folder")

check_restore(restore)


# %% [markdown]
# ### 2. Another retention rule
#
# Two checkpoints are enough to go on from. To look back one wants a few old ones too. Write
# `to_remove(steps, keep, every)`: given the steps of all checkpoints, in any order, it returns the set of those to
# remove. The newest `keep` stay, and so does every step that is a multiple of `every`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def to_remove(steps, keep, every):
    newest = set(sorted(steps)[-keep:])
    return {step for step in steps if step not in newest and step % every}

check_retention(to_remove)

# %% [markdown]
# ### 3. Everything the next step reads
#
# `Walk` is a run with weights, a velocity, a random generator, a shuffled order of its data and a position in it; it
# changes its arrays in place, as frameworks do. Write `save(walk)`, which returns a dictionary, and
# `load(walk, state)`, which puts it into a fresh `Walk`, so that the resumed run equals the uninterrupted one bit for
# bit, even if the first run goes on after it was saved.

# %%
print(Walk.__doc__, [name for name in vars(Walk(seed=0))])


# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def save(walk):
    return dict(weights=walk.weights.copy(), velocity=walk.velocity.copy(), order=walk.order.copy(),
                position=walk.position, rng=walk.rng.bit_generator.state)

def load(walk, state):
    for name in ["weights", "velocity", "order"]: setattr(walk, name, state[name].copy())
    walk.position = state["position"]
    walk.rng.bit_generator.state = state["rng"]

check_state(save, load)

# %% [markdown]
# ## What to remember
#
# - Write beside, `fsync`, rename. A file is then the old one or the new one, whatever happens.
# - JSON has no NaN. What is not known is `null`.
# - A lock belongs to a process and ends with it; a file that says *busy* outlives it.
# - A checkpoint holds everything the next step reads. Test it by equality, not by *close enough*.
# - A result without its [provenance](../about/glossary.ipynb#gl-provenance) cannot be repeated, so it is not yet a result.
#
# **What goes wrong in practice, and how to see it.** *Another run is writing to ...*, but you see none: a notebook's
# kernel in another tab holds it; `fuser RUN/.lock` names the process. A resumed run's loss jumps at the seam: the
# optimiser was not restored. It repeats the same batches after each resume: the random state was not; on an unstable
# machine such a run may never see most of its data. On a network drive (NFS, a mounted Google Drive) neither rename nor
# lock is sure to hold: write to the local disk and copy at the end.
#
# **References.** The folder protocol: T. S. Pillai et al. [-@pillai2014filesystems], *All file systems are not created equal: on the complexity
# of crafting crash-consistent applications*, OSDI. [`os.replace`](https://docs.python.org/3/library/os.html#os.replace)
# and its promise of atomicity. JSON without NaN: [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259), section 6.
# Momentum: B. T. Polyak [-@polyak1964momentum], *Some methods of speeding up the convergence of iteration methods*.
