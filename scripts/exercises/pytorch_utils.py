# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: seeds, measurements and grids
#
# > What accepts or rejects an answer to the exercises of Seeds, measurements and grids (PyTorch)
#
# - order: 71

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_utils.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_utils.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_utils.ipynb) · [API](../about/api.ipynb#exercises-pytorch_utils)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[pytorch]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../pytorch/utils.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_utils

# %%
#| exports
import torch

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. As if nothing had happened

# %%
#| exports
def check_quietly(quietly): # takes a function without arguments
    "Whether `quietly` gives what the function gives, and leaves the random generator alone."
    def draw(): return torch.randn(5)
    def fail(): torch.randn(5); raise ZeroDivisionError
    before = torch.get_rng_state()
    try:
        torch.manual_seed(3); torch.randn(2) # somewhere in the middle of a sequence
        here = torch.get_rng_state()
        expected = draw(); torch.set_rng_state(here)
        got = quietly(draw)
        assert got is not None, "quietly has to return what the function returns"
        assert torch.equal(got, expected), "the function drew other numbers than without quietly"
        torch.set_rng_state(here); quietly(draw)
        assert not torch.equal(torch.get_rng_state(), torch.manual_seed(0).get_state()), (
            "seeding again goes to the beginning of a sequence: restore the state you found")
        torch.set_rng_state(here); quietly(draw)
        assert torch.equal(torch.get_rng_state(), here), (
            "the generator stands elsewhere than before: restore its state")
        try: quietly(fail)
        except ZeroDivisionError: pass
        else: raise AssertionError("the function's error must come out")
        assert torch.equal(torch.get_rng_state(), here), (
            "after an error the generator stands elsewhere: restore it in `finally`")
    finally: torch.set_rng_state(before)
    print("correct: what the function gives, and no trace of it")


# %%
def good_quietly(function):
    state = torch.get_rng_state()
    try: return function()
    finally: torch.set_rng_state(state)

def reseeding(function):
    result = function()
    torch.manual_seed(0)
    return result

def no_finally(function):
    state = torch.get_rng_state()
    result = function()
    torch.set_rng_state(state)
    return result

def no_result(function): good_quietly(function)

check_quietly(good_quietly)
assert rejects(check_quietly, reseeding, "restore the state you found")
assert rejects(check_quietly, no_finally, "in `finally`")
assert rejects(check_quietly, no_result, "has to return")
assert rejects(check_quietly, lambda function: function(), "stands elsewhere than before")


# %% [markdown]
# ## 2. A network with a sigmoid

# %%
#| exports
def check_bytes(to_bytes): # takes a float tensor, gives a uint8 tensor
    "Whether `to_bytes` takes [0, 1] to the nearest of 256 levels, and what is outside to the ends."
    levels = torch.arange(256) / 255
    got = to_bytes(levels)
    assert got.dtype == torch.uint8, f"expected uint8, got {got.dtype}"
    white, black = to_bytes(torch.ones(1)).item(), to_bytes(torch.zeros(1)).item()
    assert white != 0, "white became black: 256 does not fit into a byte; multiply by 255"
    assert black != 128, "0 became grey: that is the way from [-1, 1], and here is [0, 1]"
    assert (black, white) == (0, 255), f"0 became {black} and 1 became {white}, not 0 and 255"
    between = to_bytes(torch.tensor([0.1, 100.6 / 255, 200.9 / 255])).tolist()
    assert between[1:] == [101, 201], (
        f"100.6 and 200.9 levels became {between[1]} and {between[2]}: round to the nearest")
    assert torch.equal(got, torch.arange(256, dtype=torch.uint8)), "levels k/255 must become k"
    outside = to_bytes(torch.tensor([-0.02, 1.02])).tolist()
    assert outside == [0, 255], (
        f"-0.02 and 1.02 became {outside[0]} and {outside[1]}: clamp before converting")
    print("correct: the nearest level, and nothing wraps round")


# %%
def no_clamp(x): return (x * 255).round().to(torch.int64).to(torch.uint8)

check_bytes(lambda x: (x.clamp(0, 1) * 255).round().to(torch.uint8))
assert rejects(check_bytes, lambda x: (x.clamp(0, 1) * 255).to(torch.uint8), "round to the nearest")
assert rejects(check_bytes, lambda x: (x * 256).to(torch.int64).to(torch.uint8), "multiply by 255")
assert rejects(check_bytes, no_clamp, "clamp before")
assert rejects(check_bytes, lambda x: ((x + 1) * 127.5).round().to(torch.uint8), "from [-1, 1]")


# %% [markdown]
# ## 3. The worst of an epoch
#
# How does a check notice that a program waits? By handing it numbers that say so when they are read.

# %%
#| exports
class Watched(torch.Tensor):
    "A tensor that refuses to be read by Python while `reading` is False."
    reading = True
    def _read(self, how):
        assert Watched.reading, (
            f"`add` reads the number with {how}, and a GPU would have to finish first: "
            "use torch.maximum")
    def item(self): self._read("item()"); return super().item()
    def tolist(self): self._read("tolist()"); return super().tolist()
    def numpy(self, **how): self._read("numpy()"); return super().numpy(**how)
    def cpu(self, *how): self._read("cpu()"); return super().cpu(*how)
    def __float__(self): self._read("float()"); return super().__float__()
    def __bool__(self): self._read("a comparison in Python (max, if)"); return super().__bool__()


# %%
watched = torch.tensor(2.0).as_subclass(Watched)
assert watched.item() == 2.0 and isinstance(watched * 2, Watched)
Watched.reading = False
for read in (float, max, Watched.item):
    try: read(watched, watched) if read is max else read(watched)
    except AssertionError: pass
    else: raise AssertionError("it was read")
Watched.reading = True


# %%
#| exports
def check_maximum(Maximum): # a class: Maximum(device), add(tensor), value()
    "Whether `Maximum` keeps the largest number without waiting and without keeping the graph."
    def after(*numbers):
        most, weight = Maximum(torch.device("cpu")), torch.ones((), requires_grad=True)
        Watched.reading = False
        try:
            for number in numbers: most.add((weight * number).as_subclass(Watched))
        finally: Watched.reading = True
        return most
    assert after(1.0, 3.0, 2.0).value() is not None, "value() gives nothing"
    assert after(1.0, 3.0, 2.0).value() != 2.0, "the last number is not the largest one"
    assert after(1.0, 3.0, 2.0).value() == 3.0, f"of 1, 3, 2: {after(1.0, 3.0, 2.0).value()}"
    negative = after(-2.0, -1.0, -3.0).value()
    assert negative != 0, "of -2, -1, -3 it gives 0: begin with minus infinity"
    assert negative == -1.0, f"of -2, -1, -3 it gives {negative}"
    assert isinstance(negative, float), f"value() gives {type(negative).__name__}, not a float"
    most = after(1.0, 3.0)
    kept = [v for v in vars(most).values() if isinstance(v, (torch.Tensor, list, tuple))]
    flat = [v for value in kept for v in (value if isinstance(value, (list, tuple)) else [value])]
    assert not any(getattr(v, "requires_grad", False) for v in flat), (
        "the graph of every step is kept alive: detach")
    print("correct: the largest number, no wait, no graph")


# %%
class GoodMaximum:
    def __init__(self, device): self.largest = torch.tensor(-torch.inf, device=device)
    def add(self, value): self.largest = torch.maximum(self.largest, value.detach())
    def value(self): return self.largest.item()

class Waiting(GoodMaximum):
    def add(self, value): self.largest = torch.tensor(max(self.largest.item(), value.item()))

class InPython(GoodMaximum):
    def add(self, value): self.largest = max(self.largest, value.detach())

class FromZero(GoodMaximum):
    def __init__(self, device): self.largest = torch.zeros((), device=device)

class WithGraph(GoodMaximum):
    def add(self, value): self.largest = torch.maximum(self.largest, value)

check_maximum(GoodMaximum)
assert rejects(check_maximum, Waiting, "item()")
assert rejects(check_maximum, InPython, "comparison in Python")
assert rejects(check_maximum, FromZero, "minus infinity")
assert rejects(check_maximum, WithGraph, "detach")
