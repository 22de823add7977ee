# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: files of Keras networks
#
# > What accepts or rejects an answer to the exercises of Files of Keras networks
#
# - skip_showdoc: true
# - order: 69

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/keras_files.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/keras_files.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/keras_files.ipynb) · [API](../about/api.ipynb#exercises-keras_files)

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
# The exercises stand in [the lesson](../foundations/keras_files.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.keras_files

# %%
#| exports
import tempfile
from pathlib import Path

import numpy as np

# %%
#| hide
import hashlib
import os

from gan_course.exercises import rejects
from gan_course.runs import atomic_path


# %% [markdown]
# ## 1. Has anything changed?

# %%
#| exports
def check_digest(digest): # takes a dictionary of arrays, gives text
    "Whether `digest` changes with all that a file of arrays holds, and with nothing else."
    kernel, bias = (np.arange(6, dtype=np.float32).reshape(2, 3),
                    np.linspace(0, 1, 3000, dtype=np.float32))
    arrays = {"dense/kernel": kernel, "dense/bias": bias}
    first = digest(arrays)
    assert isinstance(first,
                      str) and len(first) == 64 and not set(first) - set("0123456789abcdef"), (
        f"a sha256 in hexadecimal digits has 64 of them, and this is {str(first)[:70]!r}")
    assert digest({name: a.copy() for name, a in arrays.items()}) == first, (
        "the same arrays gave another digest: no addresses, no id()")
    assert digest(dict(reversed(arrays.items()))) == first, (
        "the same arrays in another order gave another digest: sort the names")
    by_columns = ("the same array, stored by columns in memory, {}: take tobytes(), which reads by "
                  "rows")
    try: columns = digest(arrays | {"dense/kernel": np.asfortranarray(kernel)})
    except (ValueError, BufferError): raise AssertionError(by_columns.format("fails")) from None
    assert columns == first, by_columns.format("gave another digest")
    bit, late, zero = kernel.copy(), bias.copy(), kernel.copy()
    bit[1, 2], late[1500], zero[0, 0] = np.nextafter(bit[1, 2], np.float32(9)), 0.7, -0.0
    renamed = {"dense_1/kernel": kernel, "dense/bias": bias}
    for changed, hint in [
            (arrays | {"dense/bias": late},
             "one of 3,000 numbers was changed, unnoticed: as text an array is "
             "abbreviated; take tobytes()"),
            (arrays | {"dense/kernel": bit},
             "the last bit of a number was changed, unnoticed: as text numbers are "
             "rounded; take tobytes()"),
            (arrays | {"dense/kernel": zero},
             "0.0 became -0.0, unnoticed: take the bytes, not the numbers"),
            (renamed,
             "an array was renamed and it was not noticed: the weights of another layer; "
             "the names belong in"),
            (arrays | {"dense/kernel": kernel.reshape(3, 2)},
             "the bytes are the same and the shape is another: the shape belongs in"),
            (arrays | {"dense/kernel": kernel.view(np.int32)},
             "the bytes are the same and the dtype is another: the dtype belongs in"),
            ({"dense/kernel": kernel}, "an array was left out and it was not noticed")]:
        assert digest(changed) != first, hint
    swap = {"a": kernel, "b": kernel + 1}
    assert digest(swap) != digest({"a": kernel + 1, "b": kernel}), (
        "two arrays changed places and it was not noticed: each name belongs before its own array")
    print("correct: names, shapes, dtypes and every bit, in any order")


# %%
def digest_with(names=True, shape=True, dtype=True, order=sorted, content=lambda a: a.tobytes()):
    def digest(arrays):
        sha = hashlib.sha256()
        for name in order(arrays):
            a = arrays[name]
            sha.update(f"{name if names else ''} {a.shape if shape else ''} "
                       f"{a.dtype if dtype else ''}".encode())
            sha.update(content(a))
        return sha.hexdigest()
    return digest

check_digest(digest_with())
for missing, hint in [("names", "renamed"), ("shape", "shape belongs"), ("dtype", "dtype belongs")]:
    assert rejects(check_digest, digest_with(**{missing: False}), hint)
assert rejects(check_digest, digest_with(order=list), "sort the names")
assert rejects(check_digest, digest_with(content=lambda a: str(a).encode()), "abbreviated")
assert rejects(check_digest, digest_with(content=lambda a: a), "which reads by rows")


# %% [markdown]
# ## 2. The old file or the new one
#
# The check keeps the old file open while the new one is written. Whoever has opened a file goes on reading it when another takes its
# name; written over, it changes under the reader's hands.

# %%
#| exports
class Broken:
    "Looks like an array until somebody asks for its numbers."
    dtype, shape = np.dtype("float32"), (2,)
    def __array__(self, dtype=None, copy=None): raise OSError(5, "Input/output error")

def check_save(save_arrays): # (path, name -> array): writes an `.npz` archive
    """Whether `save_arrays` leaves a whole archive in all cases, the old one or the new one, and
    nothing beside it."""
    old, new = ({"G/kernel": np.zeros((2, 3)), "steps": np.int64(1)},
                {"G/kernel": np.ones((2, 3)), "steps": np.int64(2)})
    added = "to a name without .npz, np.savez adds it; give it an open file"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        def there(): return sorted(p.name for p in folder.iterdir())
        def save(path, arrays):
            try: save_arrays(path, arrays)
            except FileNotFoundError:
                raise AssertionError(
                    f"a file is missing, and there are {there()}: {added}") from None
        for name in ("state.npz", "state"):
            path = folder/name
            save(path, old)
            assert there() == [name], f"saved as {name}, and there are {there()}: {added}"
            with np.load(path, allow_pickle=False) as found:
                assert set(found.files) == set(old), (
                    f"the archive holds {sorted(found.files)}, not {sorted(old)}: each "
                    "array under its name")
                assert all((found[n] == a).all() for n, a in old.items()), (
                    "the archive holds other numbers")
            path.unlink()
        save(path := folder/"state.npz", old)
        before = path.read_bytes()
        with open(path, "rb") as reader:
            save(path, new)
            seen = reader.read()
        assert seen == before, (
            "the old file was written over while somebody was reading it: write "
            "beside it, and rename")
        with np.load(path, allow_pickle=False) as found:
            assert found["steps"] == 2, "the archive still holds the old arrays"
        before = path.read_bytes()
        def unharmed(what, hint):
            assert path.exists() and path.read_bytes() == before, (
                f"{what}, and the old archive is lost: rename only what is complete")
            assert there() == ["state.npz"], f"{what}, and a part was left beside the file: {hint}"
        try: save_arrays(path, new | {"D/kernel": Broken()})
        except Exception: pass # whatever it is: nobody can overlook it
        else:
            raise AssertionError("an array could not be read, and nobody was "
                                 "told: let the error out")
        unharmed("an array could not be read",
                 "remove it when something fails, as atomic_path does")
        try: save_arrays(path, new | {"D": np.array([print, None], dtype=object)})
        except Exception: pass
        else:
            raise AssertionError("an array of objects was stored, as code that runs when it is "
                                 "loaded: look at dtype.hasobject")
        unharmed("an array of objects was refused", "look before you write")
    print("correct: the old archive or the new one, and nothing else")


# %%
def plain(arrays):
    if any(np.asarray(a).dtype.hasobject for a in arrays.values()):
        raise ValueError("arrays of numbers only")
    return arrays

def good_save(path, arrays):
    arrays = plain(arrays)
    with atomic_path(path) as tmp:
        with open(tmp, "wb") as file: np.savez(file, **arrays)

def direct(path, arrays):
    with open(path, "wb") as file: np.savez(file, **plain(arrays))

def by_name(path, arrays):
    np.savez(f"{path}.tmp", **plain(arrays))
    os.replace(f"{path}.tmp", path)

def leaves_parts(path, arrays):
    with open(f"{path}.tmp", "wb") as file: np.savez(file, **arrays)
    os.replace(f"{path}.tmp", path)

def with_objects(path, arrays):
    with atomic_path(path) as tmp:
        with open(tmp, "wb") as file: np.savez(file, **arrays)

check_save(good_save)
assert rejects(check_save, direct, "write beside it")
assert rejects(check_save, by_name, "np.savez adds it")
assert rejects(check_save, leaves_parts, "left beside")
assert rejects(check_save, with_objects, "array of objects")
