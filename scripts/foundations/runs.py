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
# - order: 3

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/runs.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/runs.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/runs.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course @ git+https://github.com/gan-course/gan_course@main"]) == 0

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

# %% [markdown]
# ## Errors

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
    path, why = Path(path), _reasons.get(error.errno, f"{error.strerror or error}; choose another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        files = [p for p in (path, *path.parents) if p.exists() and not p.is_dir()]
        where = files[-1] if files else path
        why = f"{where} is a file where a folder should be; move it or choose another folder"
    message = f"cannot write {path}: {why}. What was there before is untouched."
    return CourseError(" ".join(message.split()))


# %% [markdown]
# ## Atomic files

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
    "Write a file completely or not at all: to a temporary name, to the disk, then renamed to `path`."
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
# ## JSON that is JSON

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

def write_json(path, # file to write
               obj, # see `to_plain`
    ): # `path`
    "Write `obj` as strictly valid JSON, atomically."
    text = json.dumps(to_plain(obj), indent=1, allow_nan=False) + "\n"
    with atomic_path(path) as tmp:
        tmp.write_text(text, encoding="utf-8")
    return Path(path)

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
        raise CourseError(f"{path} is damaged ({at}); remove it, or choose another folder") from error


# %% [markdown]
# ## The folder

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
            raise CourseError(f"there is no run folder {self.path}; check the path, or train a run first")

    def __repr__(self):
        return f"RunFolder({str(self.path)!r})"

    @contextmanager
    def lock(self):
        "Hold the folder: a second run gets a `CourseError`. Also clears what a killed run left behind."
        lock = FileLock(self.path / ".lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise CourseError(f"another run is writing to {self.path}; "
                              "wait until it ends, stop it, or choose another folder with --out") from None
        except OSError as error:
            raise write_error(self.path / ".lock", error) from error
        try:
            self.remove_stale_tmp()
            yield self
        finally:
            lock.release()

    def remove_stale_tmp(self):
        "Remove half-written files of a run that was killed. Only for the one who holds the lock."
        for folder in (self.path, self.checkpoints, self.path / "best"):
            for path in folder.glob(".*.tmp"):
                if _stale.match(path.name) and path.is_file():
                    try:
                        path.unlink(missing_ok=True)
                    except OSError:
                        pass

    def save_config(self, config): # dictionary
        "Write config.json."
        return write_json(self.config_path, config)

    def save_metrics(self, metrics): # dictionary
        "Write metrics.json."
        return write_json(self.metrics_path, metrics)

    def load_config(self):
        "The dictionary in config.json."
        return _dictionary(self.config_path)

    def load_metrics(self):
        "The dictionary in metrics.json."
        return _dictionary(self.metrics_path)

    def save_checkpoint(self,
                        step, # optimiser steps taken so far
                        write, # called with a path; writes the checkpoint there
                        keep=2, # how many to keep, this one included
                        suffix=".pt", # of the file name
                       ): # the path of the new checkpoint
        "Write checkpoints/step_00000469.pt atomically; only then remove the older ones beyond `keep`."
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

    def checkpoint_paths(self):
        "All complete checkpoints, oldest first."
        if not self.checkpoints.is_dir():
            return []
        return sorted((p for p in self.checkpoints.iterdir() if _step.match(p.name)), key=step_of)

    def latest_checkpoint(self):
        "The newest complete checkpoint, or None."
        paths = self.checkpoint_paths()
        return paths[-1] if paths else None

    def remove_checkpoints(self):
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
        raise CourseError(f"{path} is damaged (it holds no dictionary); remove it, or choose another folder")
    return found


# %% [markdown]
# ## The same configuration

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
    show = lambda d, k: json.dumps(d[k], ensure_ascii=False).strip('"') if k in d else "(absent)"
    differ = [f"{k} {show(a, k)} → {show(b, k)}" for k in sorted(a.keys() | b.keys())
              if k not in free and k.split(".")[0] not in free and (k in a, a.get(k)) != (k in b, b.get(k))]
    if differ:
        raise CourseError(f"the saved run has another configuration: {', '.join(differ)}; "
                          "resume with the same options, or start a new run in another folder with --out")


# %% [markdown]
# ## History

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


# %% [markdown]
# ## Provenance

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

def git_revision(package=None): # folder of the package; by default gan_course's own
    "Revision of the checkout the package runs from, `-dirty` if its code was changed; None if it is none."
    package = Path(package or gan_course.__file__).resolve()
    package = package if package.is_dir() else package.parent
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}

    def git(*args):
        out = subprocess.run(["git", "-C", str(package.parent), *args], capture_output=True, env=env,
                             text=True, errors="replace", timeout=10, check=True)
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
        packages={"gan_course": gan_course.__version__} | {name: _version(name) for name in packages},
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
        f"{p['device']}, {p['processor']}, {p['cores']} cores",
        f"python {p['python']}, {versions}", f"git {p['git']}", p["date"],
        "fast" if p["fast"] else "full"]
    return "provenance: " + " | ".join(" ".join(str(part).split()) for part in parts)

def _short(checksum):
    "The first twelve hexadecimal digits, and how many images were taken if not all."
    digest, bracket, rest = checksum.partition("[")
    return digest[:12] + bracket + rest
