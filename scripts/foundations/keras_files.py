# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Files of Keras networks
#
# > Checkpoints, weights and whole networks that survive a crash, say whose they are, and run no code
#
# - skip_showdoc: true
# - order: 13

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/keras_files.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/keras_files.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/keras_files.ipynb) · [API](../about/api.ipynb#foundations-keras_files)

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
# **You will be able to** write checkpoints and weights of Keras networks that survive a crash, say whose they are, and run
# no code of a stranger.
#
# **You need** [Run folders](runs.ipynb), [The loop](loop.ipynb), and Keras on any backend. **It takes** ten minutes.

# %%
#| default_exp keras_files

# %%
#| exports
import hashlib
import io
import json
import math
import tempfile
import warnings
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from gan_course.basics import CourseError
from gan_course.loop import Progress, Recorder, check_track, read_error
from gan_course.runs import RunFolder, atomic_path, to_plain


# %% [markdown]
# ## Checkpoints
#
# A [checkpoint](../about/glossary.ipynb#gl-checkpoint) of a GAN holds some hundred arrays, and a page of numbers and text: two networks, two optimisers, an
# average, a history. `tf.train.Checkpoint` writes several files; killed in between, it leaves a part. And it knows
# TensorFlow's variables only. A checkpoint here is one `.npz`, an archive of arrays with a [checksum](../about/glossary.ipynb#gl-checksum) each; the [run folder](runs.ipynb) writes it
# beside its name and renames it. It holds no code, and `allow_pickle=False` sees to it that none is let in. It also carries its track, its
# configuration and the checksum of its data, so that one of another run is refused with a sentence instead of a shape
# error. **Predict**, before the second cell below: in a stranger's archive one array holds a Python object that wants to print
# something. Does it print when the file is opened, when that array is read, or never?

# %%
#| exports
def save_checkpoint(path,
                    track, # that writes it
                    **contents): # `state` and whatever else
    "Write a checkpoint: arrays as they are, everything else as JSON."
    state = dict(contents["state"])
    arrays = {f"variables/{name}": v for name, v in state.pop("variables").items()}
    arrays["strips"] = state.pop("strips")
    text = json.dumps(to_plain(dict(track=track, **(contents | dict(state=state)))))
    whole = io.BytesIO()
    np.savez(whole, about=np.frombuffer(text.encode(), np.uint8), **arrays)
    Path(path).write_bytes(whole.getvalue())

def load_checkpoint(path, # written by `save_checkpoint`
                    track): # that reads it
    "What a checkpoint holds: track, config, data, state. Anything else is a `CourseError`."
    path = Path(path)
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"PK\x03\x04": raise ValueError("no archive")
            file.seek(0)
            with np.load(file, allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise CourseError(f"{path} asks to run code or holds more than arrays, and was not "
                              "loaded; do not use "
                              "it, and ask whoever gave it to you for plain arrays") from None
        raise CourseError(f"{path} is damaged and cannot be read; remove it") from None
    except Exception as error: # a damaged file can trip the reader anywhere
        raise read_error(path, error, "checkpoint of this track") from None
    found = checked_about(path, bytes(arrays.pop("about", np.zeros(0, np.uint8))), track)
    if isinstance(found.get("state"), dict):
        found["state"] |= dict(strips=arrays.pop("strips", None), variables={
            name.removeprefix("variables/"): v for name, v in arrays.items()})
    return found

def checked_about(path,
                  text, # JSON, as text or bytes
                  track): # that reads it
    "The dictionary that a file carries about itself; `CourseError` if it is of another track."
    try: found = json.loads(text)
    except (ValueError, RecursionError): found = None
    return check_track(found, path, track)



# %%
class Harmful:
    def __reduce__(self): return print, ("any code could run here",)

with tempfile.TemporaryDirectory() as folder:
    good, bad = (Path(folder)/f"step_0000000{i}.npz" for i in (1, 2))
    save_checkpoint(good, "mine", config={}, state=dict(
        steps=1, strips=np.zeros((1, 2, 4, 4, 1), np.uint8), variables={"G/w": np.arange(3.0)}))
    found = load_checkpoint(good, "mine")
    assert found["state"]["steps"] == 1 and (found["state"]["variables"]["G/w"] == [0, 1, 2]).all()
    np.savez(bad, about=np.array([Harmful()], dtype=object))
    for path, track in ((bad, "mine"), (good, "yours"), (good.with_name("none.npz"), "mine")):
        try: load_checkpoint(path, track)
        except CourseError as error: print(str(error).replace(f"{folder}/", ""))
        else: raise AssertionError("it was loaded")


# %% [markdown]
# ## Weights
#
# Weights go into Keras's own two formats. `.weights.h5` holds arrays only. HDF5 has attributes, and one of them takes what we
# have to say about them: track, configuration, data, and a checksum, because HDF5 itself would not notice a flipped bit. Keras ignores
# it. The `.keras` file holds the architecture too, beside arrays in the same form.
#
# Where HDF5 writes them matters. On a disk that is full, it does not raise an error: it prints pages, and ends the program with a
# segmentation fault. Keras writes `.weights.h5` to the disk, and makes the arrays of `.keras` in memory. So we let it make a `.keras`, take the
# arrays out of that, and write bytes.

# %%
#| exports
def keras_bytes(network):
    "What a `.keras` file of the network holds."
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch)/"network.keras"
        network.save(file)
        return file.read_bytes()

def save_weights(path, network,
                 track, # that writes it
                 **about): # config, data
    "Write `.weights.h5`, atomically, with everything needed to build the network again."
    with atomic_path(path) as tmp:
        with zipfile.ZipFile(io.BytesIO(keras_bytes(network))) as file:
            whole = io.BytesIO(file.read("model.weights.h5"))
        with h5py.File(whole, "r+") as h5:
            note = dict(track=track, **about, digest=digest_of(h5))
            h5.attrs["gan_course"] = json.dumps(to_plain(note))
        tmp.write_bytes(whole.getvalue())
    return path

def save_network(path, network):
    "Write `.keras`, atomically: for any Keras, without this package."
    with atomic_path(path) as tmp: tmp.write_bytes(keras_bytes(network))
    return path

def digest_of(h5): # an open `h5py.File`
    "sha256 of all names and arrays in it."
    sha = hashlib.sha256()
    def add(name, item):
        if isinstance(item, h5py.Dataset):
            sha.update(f"{name} {item.dtype} {item.shape}".encode()
                       + np.asarray(item[()]).tobytes())
    h5.visititems(add)
    return sha.hexdigest()

def load_file(path, # `.weights.h5`, written by `save_weights`
              track): # that reads it
    """What a file of weights says about itself: track, config, data. Anything else is a
    `CourseError`."""
    path = Path(path)
    try:
        with open(path, "rb"): pass # h5py's errors do not say what is wrong with a path
        with h5py.File(path, "r") as h5:
            text, digest = h5.attrs.get("gan_course", ""), digest_of(h5)
    # it can trip the reader anywhere
    except Exception as error: raise read_error(path, error, "HDF5 file") from None
    found = checked_about(path, text, track)
    if found.get("digest") != digest:
        raise CourseError(f"{path} is damaged: its checksum is not the stored one; remove it")
    return found



# %%
import importlib
import os
from dataclasses import dataclass
from typing import ClassVar

from gan_course.basics import no_stderr
from gan_course.configuration import Settings, artifact_paths

# %%
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") # no page of notes
with no_stderr(): keras = importlib.import_module("keras")

# %%
network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
with tempfile.TemporaryDirectory() as folder:
    path = save_weights(Path(folder)/"generator.weights.h5", network, "mine", config={})
    assert load_file(path, "mine")["track"] == "mine"
    data = bytearray(path.read_bytes())
    data[data.index(network.get_weights()[0].tobytes())] ^= 1 # one bit of the first weight
    path.write_bytes(data)
    try: load_file(path, "mine")
    except CourseError as error: print(str(error).replace(folder, "..."))
    else: raise AssertionError("a flipped bit went unnoticed")


# %% [markdown]
# ## Whole networks
#
# A `.keras` file also says how the network is built, so any Keras can open it. Such a file could ask for more than layers: a
# `Lambda` layer carries Python code. `safe_mode=True` refuses it.

# %%
#| exports
def load_network(path): # `.keras`
    "A network with its architecture. Runs no code; anything that asks for it is a `CourseError`."
    import keras
    try:
        with open(path, "rb"), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error: # a damaged file can trip the reader anywhere
        if "safe_mode" in str(error) or "unsafe" in str(error):
            raise CourseError(f"{path} asks to run code, and was not loaded; do not use it, "
                              "and ask whoever gave it to you for plain weights") from None
        raise read_error(path, error, "Keras file") from None



# %%
with tempfile.TemporaryDirectory() as folder:
    path = save_network(Path(folder)/"network.keras", network)
    x = np.ones((2, 4), np.float32)
    assert np.allclose(load_network(path)(x), network(x))
    harmful = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)])
    harmful.save(Path(folder)/"harmful.keras")
    try: load_network(Path(folder)/"harmful.keras")
    except CourseError as error: print(str(error).replace(f"{folder}/", ""))
    else: raise AssertionError("code from a file was accepted")


# %% [markdown]
# ## A generator, from whatever is given
#
# Who samples gives a [run folder](../about/glossary.ipynb#gl-run-folder), or a file in one, and may give the wrong one. `.weights.h5` carries its configuration, from which a track's
# own code builds the network; for `.keras` the configuration is in the run folder. Anything that turns out to be no [generator](../about/glossary.ipynb#gl-generator) is refused.

# %%
#| exports
def open_generator(path, # a run folder, or a `.weights.h5` or `.keras` file in one
                   track, # that reads it
                   Config, # its configuration
                   artifact_paths, # run folder -> name -> path
                   build, # (config, channels) -> generator with fresh weights
                   best=False, # the best so far instead of the last
    ): # generator, its `Config`, and a dictionary that describes its data
    "A trained generator. Raises `CourseError` for anything that is not one."
    path = folder = Path(path)
    if folder.is_dir(): path = artifact_paths(folder)["best" if best else "generator"]
    if folder.is_dir() and not path.exists() and (saved := folder/"config.json").is_file():
        checked_about(saved, saved.read_bytes(), track) # the run may be of another track
    if path.exists() and not path.name.endswith((".keras", ".weights.h5")):
        raise CourseError(f"{path} is neither a run folder nor a .weights.h5 or .keras file in "
                          "one; give one of these")
    if path.suffix == ".keras":
        saved = check_track(RunFolder(path.parent, create=False).load_config(),
                            path.parent/"config.json", track)
        about, G = dict(config=saved.get("config"), data=saved.get("dataset")), load_network(path)
    else: about, G = load_file(path, track), None
    if not all(isinstance(about.get(part), dict) for part in ("config", "data")):
        raise CourseError(f"{path} is no file of weights; give a run folder, or its "
                          "generator.weights.h5")
    config = Config.from_dict(about["config"])
    try:
        if G is None: G = with_weights(path, partial(build, config))
        size = getattr(config, "input_size", 28)
        if G.input_shape != (None, config.latent_dim) or G.output_shape[1:3] != (size, size):
            raise ValueError
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, UserWarning):
        raise CourseError(f"{path} does not hold the weights of a generator; "
                          "give generator.weights.h5 or generator.keras") from None
    G.trainable = False
    return G, config, about["data"]

def with_weights(path, # `.weights.h5`
                 build): # channels -> generator
    "A generator with the weights in a file. Raises what Keras raises."
    # Keras names layers by their kind; one convolution has a bias, the last
    with h5py.File(path) as h5:
        channels, = [len(layer["vars/1"])
                     for name, layer in h5["layers"].items() if name.startswith("conv2d")
                     and "vars/1" in layer]
    G = build(channels)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning) # that some layer keeps its initial weights
        G.load_weights(path)
    return G


# %%
@dataclass(frozen=True)
class Tiny(Settings):
    latent_dim: int = 4
    ranges: ClassVar = {}

def build_tiny(config, channels):
    return keras.Sequential([keras.Input((config.latent_dim,)), keras.layers.Dense(784),
                             keras.layers.Reshape((28, 28, 1)),
                             keras.layers.Conv2D(channels, 3, padding="same")])

with tempfile.TemporaryDirectory() as folder:
    made, path = build_tiny(Tiny(), 1), Path(folder)/"generator.weights.h5"
    save_weights(path, made, "mine", config=Tiny().to_dict(), data=dict(name="garments"))
    opened, config, data = open_generator(folder, "mine", Tiny,
                                          partial(artifact_paths, weights=".weights.h5"),
                                          build_tiny)
    z = np.ones((2, 4), np.float32)
    assert ((np.array(opened(z)) == np.array(made(z))).all() and config == Tiny()
            and data["name"] == "garments")
    save_weights(path, network, "mine", config=Tiny().to_dict(), data={})
    try:
        open_generator(folder, "mine", Tiny, partial(artifact_paths, weights=".weights.h5"),
                       build_tiny)
    except CourseError as error: print(str(error).replace(f"{folder}/", ""))
    else: raise AssertionError("it is no generator")


# %% [markdown]
# ## All of a training, and the recorder
#
# With these, what [the loop](loop.ipynb) left open is short. A training names its variables, all that the rest of the run depends on: both
# networks, the average, the state of the optimisers, the sums of the [epoch](../about/glossary.ipynb#gl-epoch). Its state is their arrays and the counts. It has the [average
# generator](../about/glossary.ipynb#gl-ema) in `ema.network` and the [discriminator](../about/glossary.ipynb#gl-discriminator) in `D`, and the recorder writes them.

# %%
#| exports
class KerasTraining(Progress):
    "All that changes during a run, in variables of Keras; a track says which they are."
    def variables(self):
        "Name -> variable: everything that the rest of the run depends on."
        raise NotImplementedError

    def as_array(self, variable): return variable.numpy() # TensorFlow's

    def players(self): return self.G, self.D

    def parameters(self):
        return {name: sum(math.prod(v.shape) for v in network.trainable_variables)
                for name, network in zip(("generator", "discriminator"), self.players())}

    def state_dict(self):
        """Everything the rest of the run depends on, as arrays, numbers, strings, lists and
        dictionaries."""
        return dict(**self.counters(), strips=np.array(self.strips, np.uint8),
                    variables={name: self.as_array(v) for name, v in self.variables().items()})

    def load_state_dict(self, state):
        "The opposite of `state_dict`. Raises `ValueError` for arrays that do not fit."
        mine, theirs = self.variables(), state["variables"]
        if odd := mine.keys() ^ theirs.keys():
            raise ValueError(f"no or needless arrays: {', '.join(sorted(odd))}")
        for name, v in mine.items():
            other = theirs[name]
            if (tuple(v.shape) != other.shape
                    or str(self.as_array(v).dtype) != str(other.dtype)):
                raise ValueError(f"{name} is {other.dtype} {list(other.shape)}, "
                                 f"not {list(v.shape)}")
        for name, v in mine.items(): v.assign(theirs[name])
        self.set_counters(state)
        self.strips = list(state["strips"])


# %%
#| exports
class KerasRecorder(Recorder):
    "Writes the run folder of a track that runs on Keras."
    def about(self): return dict(config=self.config.to_dict(), data=self.data)

    def checkpoint(self, training):
        "Everything, to go on from here."
        contents = self.about() | dict(state=training.state_dict())
        self.folder.save_checkpoint(training.steps,
                                    lambda path: save_checkpoint(path, self.track, **contents),
                                    keep=self.config.keep_checkpoints, suffix=".npz")

    def best(self, training):
        save_weights(self.paths["best"], training.ema.network, self.track, **self.about())

    def results(self, training):
        for name, network in (("generator", training.ema.network), ("discriminator", training.D)):
            save_weights(self.paths[name], network, self.track, **self.about())
            save_network(self.paths[f"{name}_keras"], network)


# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.keras_files import check_digest, check_save


# %% [markdown]
# ### 1. Has anything changed?
#
# Write `digest(arrays)`, the sha256 in hexadecimal digits of a dictionary, name → array. It is another one if a single bit of a
# number has changed, if an array has another name, another shape or another dtype, and it is the same in whatever order the
# dictionary holds them. Which of these does `digest_of` above get for nothing?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def digest(arrays):
    sha = hashlib.sha256()
    for name in sorted(arrays): # HDF5 keeps its names sorted, a dictionary does not
        a = arrays[name]
        sha.update(f"{name} {a.dtype} {a.shape} ".encode() + a.tobytes())
    return sha.hexdigest()

check_digest(digest)


# %% [markdown]
# ### 2. The old file or the new one
#
# Write `save_arrays(path, arrays)`, which stores a dictionary of arrays with `np.savez`. Under `path`, whatever its suffix, there
# is a whole archive at all times, the old one or the new one. If something fails, the error comes out, the old archive stays, and
# nothing else is left in the folder. An array of Python objects is such a failure: it would be stored as code.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def save_arrays(path, arrays):
    for name, a in arrays.items():
        if np.asarray(a).dtype.hasobject:
            raise CourseError(f"{name} holds objects; give arrays of numbers")
    with atomic_path(path) as tmp: # removes it if something fails
        with open(tmp, "wb") as file: np.savez(file, **arrays) # to a name it would add .npz

check_save(save_arrays)

# %% [markdown]
# ## What to remember
#
# - A checkpoint is one file. It is written beside its name and renamed, so it is the old one or the new one.
# - Arrays and text need no code. `allow_pickle=False` and `safe_mode=True` see to it that a file brings none.
# - A file says whose it is: track, configuration, data, checksum. A wrong one is refused with a sentence.
# - A checksum covers names, shapes and dtypes as well as numbers.
#
# **What goes wrong, and how to see it.**
#
# - *`state.npz.tmp.npz`*: `np.savez` adds its suffix to a name that does not end so. Give it an open file.
# - *The program ends with a segmentation fault while it saves*: HDF5 on a full disk. Let it write into memory, and write the
#   bytes yourself.
# - *`Object arrays cannot be loaded when allow_pickle=False`*: somebody put a list of different arrays, or `None`, into the
#   archive. Give each array a name; do not allow pickles.
# - *The weights load, and the samples are noise*: a network of the same shapes with other names, or layers that were left as they
#   were. Make Keras's warnings errors while you load, as `with_weights` does.
#
# **References.** NumPy on [its file format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), and on
# [`np.load`](https://numpy.org/doc/stable/reference/generated/numpy.load.html) and pickles. Keras's guide to
# [saving](https://keras.io/guides/serialization_and_saving/). Python on
# [`pickle`](https://docs.python.org/3/library/pickle.html): the warning at the top of its page.
