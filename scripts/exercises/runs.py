# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: run folders
#
# > What accepts or rejects an answer to the exercises of Run folders that survive
#
# - order: 60

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/runs.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/runs.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/runs.ipynb) · [API](../about/api.ipynb#exercises-runs)

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
# The exercises stand in [the lesson](../foundations/runs.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.runs

# %%
#| exports
import tempfile
from pathlib import Path

import numpy as np

from gan_course.basics import CourseError
from gan_course.runs import RunFolder

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. The newest that can be read

# %%
#| exports
def check_restore(restore): # takes a `RunFolder` and `read`, returns (path, what `read` returned)
    "Whether the newest readable checkpoint is found, past damaged ones."
    def read(path):
        tried.append(path)
        text = path.read_text("utf-8")
        if text == "damaged": raise CourseError(f"{path.name} is damaged")
        return text
    with tempfile.TemporaryDirectory() as tmp:
        folder = RunFolder(Path(tmp)/"run")
        for step, text in [(99_999_998, "old"), (99_999_999, "good"), (100_000_000, "newest")]:
            folder.save_checkpoint(step, lambda tmp, text=text: tmp.write_text(text), keep=3)
        newest, good = folder.latest_checkpoint(), folder.checkpoint_paths()[1]
        tried = []
        got = restore(folder, read)
        assert got is not None, "nothing was returned: return the path and what read gave"
        hint = "the names of nine digits sort before those of eight: use folder.checkpoint_paths()"
        if got[1] == "old": hint = "checkpoint_paths() begins with the oldest"
        assert got[1] == "newest", f"the newest was readable, and the answer is {got[1]!r}: {hint}"
        assert tuple(got) == (newest, "newest"), f"return (path, what read gave), not {got!r}"
        assert tried == [newest], "the newest could be read: there is no need to read the others"
        newest.write_text("damaged")
        try: got = restore(folder, read)
        except CourseError:
            raise AssertionError("the newest is damaged, an older one is good: try that") from None
        assert got is not None and tuple(got) == (good, "good"), (
            f"with the newest damaged, the one before it should be taken, not {got!r}")
        def broken(path): raise KeyError("a mistake in read")
        try: restore(folder, broken)
        except KeyError: pass
        except Exception:
            raise AssertionError("catch CourseError only: others are mistakes") from None
        else: raise AssertionError("catch CourseError only: a mistake in read was hidden")
        for path in folder.checkpoint_paths(): path.write_text("damaged")
        for what in ["all are damaged", "there is none"]:
            try: got = restore(folder, read)
            except CourseError: pass
            except Exception as error:
                kind = type(error).__name__
                raise AssertionError(f"{what}: raise a CourseError, not {kind}") from None
            else: raise AssertionError(f"{what}, and {got!r} was returned: raise a CourseError")
            folder.remove_checkpoints()
    print("correct: the newest readable one, and an error when there is none")


# %%
def restore(folder, read):
    for path in reversed(folder.checkpoint_paths()):
        try: return path, read(path)
        except CourseError: continue
    raise CourseError("no checkpoint can be read; start again in another folder")

def only_latest(folder, read): return folder.latest_checkpoint(), read(folder.latest_checkpoint())

def by_name(folder, read):
    for path in sorted(folder.checkpoints.iterdir(), reverse=True):
        try: return path, read(path)
        except CourseError: continue
    raise CourseError("none")

def silent(folder, read):
    for path in reversed(folder.checkpoint_paths()):
        try: return path, read(path)
        except CourseError: continue

def catches_all(folder, read):
    for path in reversed(folder.checkpoint_paths()):
        try: return path, read(path)
        except Exception: continue
    raise CourseError("none")

check_restore(restore)
assert rejects(check_restore, only_latest, "older one is good")
assert rejects(check_restore, by_name, "nine digits")
assert rejects(check_restore, silent, "raise a CourseError")
assert rejects(check_restore, catches_all, "catch CourseError only")


# %% [markdown]
# ## 2. Another retention rule

# %%
#| exports
def check_retention(to_remove): # takes steps, keep and every; returns the steps to remove
    "Whether the newest `keep` and the multiples of `every` stay, and nothing else."
    def gone(steps, keep, every): return set(to_remove(list(steps), keep, every))
    steps = range(100, 1100, 100)
    kept = set(steps) - gone(steps, 2, 500)
    assert kept >= {900, 1000}, f"the newest two of 100, 200 ... 1000 must stay; {sorted(kept)} did"
    assert 500 in kept, "500 is a multiple of every=500 and must stay, however old it is"
    assert kept == {500, 900, 1000}, f"only 500, 900 and 1000 should stay, not {sorted(kept)}"
    got = gone([300, 100, 200], 1, 1000)
    assert got == {100, 200}, f"of 300, 100, 200 the newest is 300, whatever the order; not {got}"
    assert gone([100, 200], 5, 1000) == set(), "two checkpoints, keep=5: nothing is to be removed"
    assert gone([], 2, 500) == set(), "without checkpoints there is nothing to remove"
    print("correct: the newest stay, and one in every so many")


# %%
def to_remove(steps, keep, every):
    newest = set(sorted(steps)[-keep:])
    return {step for step in steps if step not in newest and step % every}

def as_given(steps, keep, every): return {s for s in steps[:-keep] if s % every}
def no_milestones(steps, keep, every): return set(sorted(steps)[:-keep])
def oldest_stay(steps, keep, every): return {s for s in sorted(steps)[keep:] if s % every}
def among_them(steps, keep, every):
    old = [s for s in sorted(steps) if s % every]
    return set(old[:-keep])

check_retention(to_remove)
assert rejects(check_retention, as_given, "whatever the order")
assert rejects(check_retention, no_milestones, "however old")
assert rejects(check_retention, oldest_stay, "the newest two")
assert rejects(check_retention, among_them, "only 500, 900 and 1000")


# %% [markdown]
# ## 3. Everything the next step reads

# %%
#| exports
class Walk:
    "A small run with all the parts of a large one; `train(steps)` changes its arrays in place."
    def __init__(self, seed=0): # of the order of the data and of the noise
        self.rng = np.random.default_rng(seed)
        self.weights, self.velocity = np.zeros(3), np.zeros(3)
        self.order, self.position = self.rng.permutation(10), 0

    def train(self, steps): # how many
        "Take `steps` steps and return the run."
        for _ in range(steps):
            if self.position == len(self.order): # an epoch ends: shuffle
                self.rng.shuffle(self.order)
                self.position = 0
            x = self.order[self.position] + self.rng.normal(size=3)
            self.position += 1
            self.velocity *= 0.9
            self.velocity -= 0.1 * (self.weights - x)
            self.weights += self.velocity
        return self

def check_state(save, # takes a `Walk`, returns a dictionary
                load, # takes a fresh `Walk` and the dictionary
               ):
    "Whether a run resumed from `save` and `load` equals the uninterrupted one bit for bit."
    for before in [7, 10, 13]: # within an epoch, at its end, in the second
        whole = Walk(seed=5).train(before + 25)
        first = Walk(seed=5).train(before)
        state = save(first)
        assert isinstance(state, dict), "save should return a dictionary"
        at_save = {name: np.copy(getattr(first, name)) for name in ["weights", "velocity", "order"]}
        at_save |= {"position": first.position}
        resumed = Walk(seed=6)
        load(resumed, state)
        for name, value in at_save.items():
            assert np.array_equal(getattr(resumed, name), value), f"{name} is not restored"
        assert resumed.rng.bit_generator.state == first.rng.bit_generator.state, (
            "the random state is not restored: the resumed run draws other noise")
        first.train(3)
        late = Walk(seed=6)
        load(late, state)
        for name, value in at_save.items():
            assert np.array_equal(getattr(late, name), value), (
                f"{name} in the dictionary changed when the first run went on: copy the array")
        assert np.array_equal(late.train(25).weights, whole.weights), (
            "the resumed run differs from the uninterrupted one")
        again = Walk(seed=6)
        load(again, state)
        assert np.array_equal(again.train(25).weights, whole.weights), (
            "the dictionary changed when a resumed run went on: load must copy too")
    print("correct: the resumed run equals the uninterrupted one, bit for bit")


# %%
names = ["weights", "velocity", "order", "position"]

def save(walk):
    return {n: np.copy(getattr(walk, n)) for n in names} | {"rng": walk.rng.bit_generator.state}

def load(walk, state):
    for name in names[:3]: setattr(walk, name, state[name].copy())
    walk.position = int(state["position"])
    walk.rng.bit_generator.state = state["rng"]

def weights_only(walk, state): walk.weights = state["weights"].copy()

def no_rng(walk, state):
    for name in names[:3]: setattr(walk, name, state[name].copy())
    walk.position = int(state["position"])

def no_copy(walk):
    return {n: getattr(walk, n) for n in names} | {"rng": walk.rng.bit_generator.state}

def load_no_copy(walk, state):
    for name in names[:3]: setattr(walk, name, state[name])
    walk.position = int(state["position"])
    walk.rng.bit_generator.state = state["rng"]

check_state(save, load)
assert rejects(check_state, save, weights_only, "velocity is not restored")
assert rejects(check_state, save, no_rng, "random state is not restored")
assert rejects(check_state, no_copy, load, "copy the array")
assert rejects(check_state, save, load_no_copy, "load must copy too")
