# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data sets
#
# > Fashion-MNIST, clothes drawn by rule, and what a batch really is
#
# - order: 3

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/datasets.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/datasets.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/datasets.ipynb) · [API](../about/api.ipynb#foundations-datasets)

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
# **You will be able to** read a data set from its bytes and say what is wrong when it cannot be read, fetch one so that
# an interrupted download costs nothing, tell the numbers a network sees from the bytes on the disk, and say what a batch
# stands for and how far off it is.
#
# **You need** [How these lessons run](start.ipynb) and NumPy's arrays. **It takes** forty minutes; the cells
# run in seconds, with or without a network.
#
# A generative adversarial network learns a distribution from examples, and examples are all it ever sees of it. If the
# examples are scaled wrongly, cut short, or always come in the same order, no loss function complains: the network learns
# what it was shown. So the course begins with the data, and with being fussy about it.

# %%
#| default_exp datasets

# %%
#| exports
import hashlib
import http.client
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pooch
from filelock import FileLock, Timeout
from tqdm import tqdm

from gan_course.basics import CourseError

# %%
import gzip
import http.server
import tempfile

import matplotlib.pyplot as plt
from gan_course.basics import budget

# %% [markdown]
# ## Bytes on a disk
#
# Fashion-MNIST [@xiao2017fashion] is 70,000 photographs of clothes from the shop Zalando: ten classes, 28×28 pixels, one
# byte of grey a pixel. It comes in the IDX format of the original MNIST, which one can describe in a sentence: a magic
# number of four bytes (two zeros, the type, the number of axes), the length of each axis as a big-endian 32-bit
# integer, then the values. The archives are compressed with gzip.
#
# To see the format without a download we make two files ourselves: twelve pictures of 2×3 pixels, and their labels.

# %%
tiny = np.arange(72, dtype=np.uint8).reshape(12, 2, 3)
tiny_labels = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], np.uint8)

def pack(array):
    "An array of bytes as a compressed IDX file."
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(bytes([0, 0, 0x08, array.ndim]) + lengths + array.tobytes())

gzip.decompress(pack(tiny))[:18]


# %% [markdown]
# Most programs that read MNIST do it in one line, which knows that the header of the images is 16 bytes long:

# %%
def read_naively(data): return np.frombuffer(gzip.decompress(data), np.uint8, offset=16)

read_naively(pack(tiny)).reshape(-1, 2, 3).shape

# %% [markdown]
# It works. **Before you read on:** the header of the labels has one length instead of three. What does the same line make
# of the twelve labels 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8? And what of an archive whose download stopped early?

# %%
print("labels:", read_naively(pack(tiny_labels)))
for data in [pack(tiny)[:-12], b"<html>Please log in to the network</html>", b""]:
    try: print(read_naively(data).shape)
    except Exception as error: print(f"{type(error).__name__}: {error}")

# %% [markdown]
# The labels are the worst of these: no error at all, and four numbers where twelve were. With the real file it is
# 59,992 labels, every one of them eight places off: each picture gets the label of another, nothing crashes, and a
# network that is given the labels learns nonsense. The other messages are no better help: none says which file, or what to do.
#
# The header knows all we need. So read it, and compare what it promises with what is there:

# %%
#| exports
_kinds = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

def parse_idx(data, # bytes of an IDX file, decompressed
              name, # what error messages call it
    ): # array of the shape and type its header promises
    "Read the IDX format: two zeros, a type, the number of axes, each axis's length, the values."
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _kinds or not 1 <= data[3] <= 8:
        raise CourseError(f"{name} has the wrong magic number {data[:4].hex() or '(none)'}: "
                          f"this is no IDX file; remove it and download it again")
    axes, kind = data[3], np.dtype(_kinds[data[2]])
    start = 4 + 4*axes # the header's length
    if len(data) < start:
        raise CourseError(f"{name} is truncated: it ends within its header of {start} bytes; "
                          f"remove it and download it again")
    shape = tuple(int.from_bytes(data[i:i + 4], "big") for i in range(4, start, 4))
    expected = kind.itemsize
    for length in shape: expected *= length
    if (held := len(data) - start) != expected:
        kept = " × ".join(map(str, shape))
        raise CourseError(f"{name} is {'truncated' if held < expected else 'too long'}: its header "
                          f"promises {kept} values in {expected:,} bytes and {held:,} follow; "
                          f"remove it and download it again")
    return np.frombuffer(data, kind, offset=start).reshape(shape).copy()


# %%
raw = gzip.decompress(pack(tiny))
assert np.array_equal(parse_idx(raw, "images"), tiny)
assert np.array_equal(parse_idx(gzip.decompress(pack(tiny_labels)), "labels"), tiny_labels)
for data in [raw[:-6], raw + b"x", raw[:9], b"\1\2\3\4" + raw[4:]]:
    try: parse_idx(data, "images")
    except CourseError as error: print(error)
    else: raise AssertionError("a damaged file was accepted")


# %% [markdown]
# Around it comes the rest of what happens to files. A wireless network that wants a log-in answers every request with a
# web page, and saves you an HTML file named `train-images-idx3-ubyte.gz`. That deserves to be said in those words:

# %%
#| exports
def _read(path):
    "The bytes of a file; a `CourseError` if the system refuses."
    try: return Path(path).read_bytes()
    except FileNotFoundError: raise CourseError(f"{path} is missing") from None
    except OSError as error:
        raise CourseError(f"cannot read {path}: {error.strerror or error}; "
                          f"check what stands there and its permissions") from error

def load_idx(path, # an IDX file, compressed with gzip or not
             data=None, # its bytes, if they have been read before
    ): # array of the shape and type its header promises
    "Read one IDX file. Every way it can be damaged is a `CourseError` that names it."
    data, again = _read(path) if data is None else data, "remove it and download it again"
    if not data: raise CourseError(f"{path} is empty; {again}")
    if data[:2] == b"\x1f\x8b":
        unpack = zlib.decompressobj(wbits=31)
        try: data = unpack.decompress(data)
        except zlib.error as error:
            raise CourseError(f"{path} is damaged ({error}); {again}") from None
        if not unpack.eof:
            raise CourseError(f"{path} is truncated: the archive ends in the middle; {again}")
    elif data[:512].lstrip()[:1] == b"<":
        raise CourseError(f"{path} is an HTML page, not data: a server sent an error or a log-in "
                          f"page in its place; {again}")
    elif data[:2] != b"\0\0":
        raise CourseError(f"{path} is not a gzip archive or a plain IDX file (wrong magic number "
                          f"{data[:2].hex()}, not 1f8b or 0000); {again}")
    return parse_idx(data, path)


# %%
damaged = {"images.gz": pack(tiny)[:-12], "labels.gz": b"<html>Please log in</html>",
           "empty.gz": b"", "pointer.gz": b"version https://git-lfs.github.com/spec/v1"}
for name, data in damaged.items():
    try: load_idx(name, data)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{name} was accepted")

# %% [markdown]
# ## What a data set is to this course
#
# Pictures, labels, the names of the classes; and one thing more. When two people compare results, the first question is
# whether they trained on the same pictures. A *[checksum](../about/glossary.ipynb#gl-checksum)* answers it: sixty-four digits that change if one pixel changes.
# It goes into the files of every run, and its first twelve digits into the [provenance](../about/glossary.ipynb#gl-provenance) line.

# %%
#| exports
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


# %%
#| exports
@dataclass(frozen=True)
class Dataset:
    "Labelled images, and a checksum that says exactly which."
    name: str               # fashion_mnist or garments
    split: str              # train or test
    images: np.ndarray      # uint8 [N, H, W, C]
    labels: np.ndarray      # uint8 [N]
    classes: tuple[str, ...] # name of each label
    checksum: str           # sha256 of the images' bytes and then the labels'; "...[:n]" for a part

    def __len__(self): return len(self.images)

    @property
    def fingerprint(self):
        "The first twelve digits of the checksum, and `[:n]` for a part."
        digits, _, part = self.checksum.partition("[")
        return digits[:12] + ("[" + part if part else "")

    def limited(self, n): # number of images, or None for all
        "The first `n` images."
        if n is None: return self
        if n < 1: raise CourseError(f"a data set of {n} images was asked for; give 1 or more")
        if n >= len(self): return self
        return replace(self, images=self.images[:n], labels=self.labels[:n],
                       checksum=f"{self.checksum.partition('[')[0]}[:{n}]")

    def __repr__(self):
        shape = "×".join(map(str, self.images.shape[1:]))
        return f"<{self.name} {self.split}: {len(self):,} images of {shape}, {self.fingerprint}>"


# %%
#| exports
def checksum_of(images, # uint8 [N, H, W, C]
                labels, # uint8 [N]
    ): # 64 hexadecimal digits
    "The sha256 of the images' bytes followed by the labels'."
    digest = hashlib.sha256(np.ascontiguousarray(images))
    digest.update(np.ascontiguousarray(labels))
    return digest.hexdigest()


# %%
images, labels = tiny[..., None], tiny_labels
twelve = Dataset("tiny", "train", images, labels, CLASSES, checksum_of(images, labels))
print(twelve)
print(twelve.limited(2))

# %%
changed = images.copy()
changed[0, 0, 0, 0] ^= 1 # one bit of one pixel
assert checksum_of(changed, labels) != twelve.checksum
assert twelve.limited(2).fingerprint == twelve.fingerprint + "[:2]"
assert twelve.limited(99) is twelve


# %% [markdown]
# The first `n` images are another data set than all of them, and the fingerprint says so: `[:2]`.
#
# ## Bytes and the range [-1, 1]
#
# On the disk and in memory images are bytes, `uint8` in the shape `[N, H, W, C]`: a quarter of the room that floats take.
# The networks of this course work with floats in [-1, 1]. The [generator](../about/glossary.ipynb#gl-generator) ends in a tanh, whose range that is, and the
# [discriminator](../about/glossary.ipynb#gl-discriminator) must see real images and samples in the same range. If it does not, it tells them apart by the range
# alone, wins at once, and the generator learns nothing.
#
# From bytes to floats is a division. The way back looks as easy:

# %%
def back_naively(x): return ((x + 1)*127.5).astype(np.uint8)


# %% [markdown]
# **Predict:** of the 256 possible bytes, how many come back as they were? And what happens to 1.01, which a sum of
# images may well hold?

# %%
every = np.arange(256, dtype=np.uint8)
x = every.astype(np.float32)/np.float32(127.5) - 1
print("unchanged:", int((back_naively(x) == every).sum()), "of 256")
print("1.01 becomes", back_naively(np.array([1.01]))[0], "and 0.99 becomes",
      back_naively(np.array([0.99]))[0])


# %% [markdown]
# `astype` cuts the fraction off, and 41.999996 is 41. A saved and reloaded picture grows darker, too little to see and
# enough to move a statistic. A value just above 1 does not fit into a byte; what becomes of it is up to the processor, and on most
# of them it wraps around: a white pixel turns black. Two words repair it, round
# and clip:

# %%
#| exports
def to_float(images, # uint8, any shape
    ): # float32 of the same shape in [-1, 1]
    "From bytes to what the networks see: 0 becomes -1 and 255 becomes 1."
    images = np.asarray(images)
    if images.dtype != np.uint8: raise TypeError(f"expected uint8 images, not {images.dtype}")
    return images.astype(np.float32)/np.float32(127.5) - np.float32(1)

def to_uint8(x, # float in [-1, 1], any shape; what lies outside is clipped
    ): # uint8 of the same shape
    "The way back, rounded to the nearest byte."
    x = np.asarray(x, dtype=np.float32)
    if np.isnan(x).any(): raise ValueError("the images hold NaN, which no byte can show")
    return np.rint((np.clip(x, -1, 1) + 1)*np.float32(127.5)).astype(np.uint8)


# %%
# NBVAL_CHECK_OUTPUT
x = to_float(every)
print(x.dtype, x.min(), x.max(), "unchanged:", int((to_uint8(x) == every).sum()), "of 256")
print(to_uint8([1.01, -7.0, 0.0]))

# %%
assert np.array_equal(to_uint8(to_float(every)), every)
try: to_float(x) # converting twice is the usual mistake, and must not pass
except TypeError as error: print(error)
else: raise AssertionError("floats were taken for bytes")

# %% [markdown]
# The last assertion is about the most common mistake of all: to convert twice. Applied to floats the formula gives a
# picture between -1.01 and -0.99, all black, and a discriminator that wins.
#
# ## Where the data is
#
# Four archives, each with its size and md5 checksum as published, and three places on the internet that offer them. Hosts
# vanish; MNIST's own home is the best-known example. So there is never only one. The last column is the checksum of what
# is inside the archive, because some places hand out the files unpacked; we shall come to one.

# %%
#| exports
FASHION_MNIST = { # split -> (file, md5, bytes, md5 unpacked) of the images and of the labels
    "train": (("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26421880,
               "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
              ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29515,
               "9018921c3c673c538a1fc5bad174d6f9")),
    "test": (("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4422102,
              "8181f5470baa50b63fa0f6fddb340f0a"),
             ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5148,
              "15d484375f8d13e6eb1aabb0c3f46965")),
}
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
)


# %%
#| exports
def _named(data_dir):
    "The data folder that somebody has named, None if nobody did."
    if data_dir is not None and str(data_dir).strip(): return Path(data_dir).expanduser()
    if named := os.environ.get("GAN_COURSE_DATA", "").strip(): return Path(named).expanduser()
    return None

def data_root(data_dir=None, # folder of all data sets; None: see below
    ): # a path, which need not exist
    "Where the data is: `data_dir`, else `$GAN_COURSE_DATA`, else the user's cache."
    return _named(data_dir) or Path(pooch.os_cache("gan_course"))


# %%
assert data_root("data").name == "data" # what is named comes first
print(f"{sum(size for files in FASHION_MNIST.values() for _, _, size, _ in files)/1e6:.1f} MB, "
      f"{len(MIRRORS)} mirrors")


# %% [markdown]
# Before we read from that folder, we look whether the files are there. `path.exists()` is not good enough: it answers
# False to a file where a folder should be, and a program that then says "missing" and starts to download is wrong twice.

# %%
#| exports
def _there(path):
    "Whether something stands at `path`; a `CourseError` if the system does not let us look."
    try: os.stat(path)
    except FileNotFoundError: return False
    except OSError as error:
        why = error.strerror or str(error)
        if isinstance(error, NotADirectoryError):
            files = [p for p in (path, *path.parents) if p.is_file()]
            why = f"{files[0] if files else path.parent} is a file where a folder should be"
        raise CourseError(f"cannot look for {path}: {why}; choose another data folder") from None
    return True

def _missing(folder, splits=("train", "test")):
    "The names of the files of Fashion-MNIST that `folder` does not hold."
    for place in (folder.parent, folder):
        if _there(place) and not place.is_dir():
            raise CourseError(f"{place} is a file where a folder should be; "
                              f"choose another data folder")
    names = [name for split in splits for name, *_ in FASHION_MNIST[split]]
    return [name for name in names if not _there(folder/name)]


# %%
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    (folder/"notes.txt").write_text("a file, not a folder")
    assert not _there(folder/"nothing") and _there(folder/"notes.txt")
    assert len(_missing(folder/"fashion_mnist")) == 4
    try: _missing(folder/"notes.txt"/"fashion_mnist")
    except CourseError as error: print(str(error).replace(str(folder), "data"))
    else: raise AssertionError("a file was taken for a folder")


# %% [markdown]
# Reading a split is then: each file by itself, both together, and only at the end the checksum. The order matters to
# whoever reads the message. "Its md5 differs" is true of every damaged file and explains none of them; "60,000 images and
# 10,000 labels" tells you that you mixed up two files.

# %%
#| exports
def _checked(images, labels, where):
    "Raise a `CourseError` unless the two arrays are images of 28×28 bytes and a label for each."
    for array, axes, what in ((images, 3, "images"), (labels, 1, "labels")):
        if array.ndim != axes or array.dtype != np.uint8:
            raise CourseError(f"{where[what]} holds no {what}: it has {array.ndim} axes of "
                              f"{array.dtype} (wrong magic number), not {axes} of uint8; "
                              f"remove it and download it again")
    if images.shape[1:] != (28, 28):
        size = "×".join(map(str, images.shape[1:]))
        raise CourseError(f"{where['images']} holds images of {size}, not 28×28; "
                          f"remove it and download it again")
    if len(images) != len(labels):
        raise CourseError(f"the counts disagree: {len(images):,} images in {where['images']} and "
                          f"{len(labels):,} labels in {where['labels'].name}; remove both and "
                          f"download them again")
    if len(labels) and labels.max() >= len(CLASSES):
        raise CourseError(f"{where['labels']} holds the label {labels.max()}, which is out of "
                          f"range 0 to 9; remove it and download it again")

def _archives(folder, split): return [folder/name for name, *_ in FASHION_MNIST[split]]

def _load_fashion_mnist(files, split):
    "Read, diagnose and verify the two files of one split, its images and its labels."
    where, arrays, wrong = dict(zip(("images", "labels"), files)), [], []
    for path, (_, packed, _, unpacked) in zip(files, FASHION_MNIST[split]):
        data = _read(path)
        arrays.append(load_idx(path, data))
        md5 = packed if data[:2] == b"\x1f\x8b" else unpacked
        if (found := hashlib.md5(data, usedforsecurity=False).hexdigest()) != md5:
            wrong.append(f"{path} can be read but is not the published file: its md5 "
                         f"checksum is {found}, not {md5}; remove it and download it again")
    images, labels = arrays
    _checked(images, labels, where)
    if wrong: raise CourseError(wrong[0])
    images = images[..., None]
    return Dataset("fashion_mnist", split, images, labels, CLASSES, checksum_of(images, labels))


# %%
one = {"images": Path("images.gz"), "labels": Path("labels.gz")}
blank, good = np.zeros((5, 28, 28), np.uint8), np.array([3, 1, 4, 1, 5], np.uint8)
_checked(blank, good, one)
for images, labels in [(blank, good[:4]), (blank, good + 5), (good, blank), (blank[:, :14], good)]:
    try: _checked(images, labels, one)
    except CourseError as error: print(error)
    else: raise AssertionError("a wrong pair was accepted")


# %% [markdown]
# ## Fetching it
#
# The naive download is one line too, `urllib.request.urlretrieve(url, path)`. Three things are wrong with it. A connection
# that breaks leaves half a file under the real name, which the next program takes for the data. The next attempt begins
# at the first byte again. And without a network it may hang for minutes before it says so.
#
# The last one first. We knock at all mirrors at the same time, and whoever has not answered after four seconds is not
# there:

# %%
#| exports
class NotAvailable(CourseError):
    "The data is not there and no mirror delivers it."

class NoDelivery(Exception):
    "One mirror failed, and why; the next one may do better."

def _why(error):
    "A network error in a few words."
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, socket.gaierror): return "its name cannot be resolved"
    if isinstance(reason, TimeoutError): return "no answer in time"
    if isinstance(error, urllib.error.HTTPError): return f"HTTP {error.code} {error.reason}"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


# %%
#| exports
def reachable(mirrors, # addresses
              wait=4.0, # seconds for all of them together
    ): # (those whose host accepts a connection, {address: why not} for the others)
    "Knock at all doors at once, so that being offline is known in seconds."
    answers = {}
    def knock(url):
        place = urlsplit(url)
        proxy = urllib.request.getproxies().get(place.scheme)
        if proxy and not urllib.request.proxy_bypass(place.hostname or ""):
            place = urlsplit(proxy if "//" in proxy else "//" + proxy)
        port = place.port or (443 if place.scheme == "https" else 80)
        try:
            socket.create_connection((place.hostname, port), timeout=wait).close()
            answers[url] = ""
        except (OSError, UnicodeError) as error: answers[url] = _why(error)
    threads = [threading.Thread(target=knock, args=(url,), daemon=True) for url in mirrors]
    for thread in threads: thread.start()
    until = time.monotonic() + wait
    for thread in threads: thread.join(max(0, until - time.monotonic()))
    why = {url: answers.get(url, "no answer in time") for url in mirrors}
    return [url for url in mirrors if why[url] == ""], {u: w for u, w in why.items() if w}


# %%
start = time.perf_counter()
found, why = reachable(["http://127.0.0.1:9/"]) # nobody listens at this address
print(found, list(why.values()), f"after less than {1 + int(time.perf_counter() - start)} s")
assert not found and time.perf_counter() - start < 5


# %% [markdown]
# Now the download itself. The library [pooch](https://www.fatiando.org/pooch) compares the checksum and renames a file
# only when it is whole; it lets us bring a downloader of our own. Ours writes to a file named `.part` and keeps it when
# the connection breaks. HTTP can continue: the request says `Range: bytes=5000-`, and a server that understands answers
# with the status 206 and the rest. One that does not answers 200 and sends everything, so one has to look.

# %%
#| exports
class ResumingDownloader:
    "A downloader for pooch that goes on where an interrupted download stopped."
    def __init__(self, size=None, # bytes of the whole file, if known
                 patience=8.0, # seconds without a single byte, over all attempts, before giving up
                 progress=True, # whether to draw a progress bar
        ):
        self.size, self.progress, self.received = size, progress, 0
        self.patience, self.until = patience, time.monotonic() + patience

    def __call__(self, url, output, pooch=None):
        "Fetch `url` into `<name>.part` beside `output`; rename it to `output` once it is whole."
        part = Path(output).with_name(urlsplit(url).path.rpartition("/")[2] + ".part")
        have = part.stat().st_size if part.exists() else 0
        if not (self.size and have >= self.size): self._transfer(url, part, have)
        os.replace(part, output)

    def _open(self, url, have):
        left = self.until - time.monotonic()
        if left <= 0: raise NoDelivery("no answer in time")
        headers = {"User-Agent": "gan-course", "Accept-Encoding": "identity"}
        if have: headers["Range"] = f"bytes={have}-"
        try:
            request = urllib.request.Request(url, headers=headers)
            return urllib.request.urlopen(request, timeout=min(4.0, max(0.2, left)))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoDelivery(_why(error)) from error

    def _transfer(self, url, part, have):
        try: reply = self._open(url, have)
        except NoDelivery as error: # 416: there are no such bytes, so what we hold is not its start
            if have and getattr(error.__cause__, "code", None) == 416: part.unlink()
            raise
        with reply:
            resumed = reply.status == 206 and (
                reply.headers.get("Content-Range", "").startswith(f"bytes {have}-"))
            if not resumed: have = 0 # a server that knows no ranges sends everything
            length = reply.headers.get("Content-Length", "")
            total = have + int(length) if length.isdigit() else self.size
            bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, mininterval=0.5,
                       desc=part.name.removesuffix(".part"), disable=not self.progress)
            with bar, open(part, "ab" if have else "wb") as file:
                while chunk := self._chunk(reply):
                    if file.tell() == 0 and chunk[:2] != b"\x1f\x8b":
                        page = chunk.lstrip()[:1] == b"<"
                        raise NoDelivery("it sends an HTML page instead of the file" if page
                                         else "it sends something that is no gzip archive")
                    file.write(chunk)
                    bar.update(len(chunk))
                    self.received += len(chunk)
                    self.until = time.monotonic() + self.patience
                have = file.tell()
        if total is not None and have < total:
            raise NoDelivery(f"the connection broke after {have:,} of {total:,} bytes")

    def _chunk(self, reply):
        try: return reply.read(1 << 16)
        except (OSError, http.client.HTTPException) as error:
            raise NoDelivery(f"the connection broke ({_why(error)})") from error


# %% [markdown]
# To see it work we need a server that fails. This one sends half of what it has and hangs up, the first time:

# %%
class HalfServer(http.server.BaseHTTPRequestHandler):
    data, asked = pack(np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)), []
    def do_GET(self):
        wanted = self.headers.get("Range")
        start = int(wanted[6:-1]) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            end = len(self.data)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        self.send_header("Content-Length", str(len(self.data) - start))
        self.end_headers()
        rest = self.data[start:]
        self.asked.append(wanted) # before the answer, or the client could look too early
        self.wfile.write(rest[:len(rest)//2] if len(self.asked) == 1 else rest)
    def log_message(self, *args): pass


# %% [markdown]
# **Predict:** the first call fails. How many bytes does the second one ask for?

# %%
with tempfile.TemporaryDirectory() as folder:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HalfServer)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url, target = f"http://127.0.0.1:{server.server_port}/images.gz", Path(folder)/"images.gz"
    get = ResumingDownloader(progress=False)
    try: get(url, target)
    except NoDelivery as error: print("first: ", error)
    assert not target.exists() # half a file never stands under the real name
    get(url, target)
    print("second: asked for", HalfServer.asked[1], "and has", target.stat().st_size, "bytes")
    assert target.read_bytes() == HalfServer.data
    server.shutdown()
    server.server_close()


# %% [markdown]
# The second half only. What if the `.part` was the start of another file? Then the checksum of the whole is wrong, pooch
# removes it, and we begin once more from the first byte. What remains is to go through files and mirrors, and to hold a
# lock meanwhile: two programs started together, a common thing with a script for five [seeds](../about/glossary.ipynb#gl-seed), must not write to
# one file. Only what is missing is fetched. A damaged file that is there stays: it may be the only copy of something.

# %%
#| exports
def _fetch(name, md5, size, folder, mirrors, patience=8.0):
    "Download one file from the first mirror that delivers it; returns why others did not."
    get, reasons = ResumingDownloader(size, patience), {}
    for mirror in mirrors:
        for attempt in range(5):
            before, resumed = get.received, (folder/f"{name}.part").exists()
            try:
                pooch.retrieve(mirror + name, f"md5:{md5}", fname=name, path=folder, downloader=get)
                return {}
            except NoDelivery as error:
                reasons[mirror] = str(error)
                if get.received == before and not (resumed and "416" in str(error)): break
            except ValueError: # from pooch, which has removed the file
                reasons[mirror] = "what it sends has another checksum than the published file"
                if not resumed: break
    return reasons

def _in_short(reasons): return "; ".join(f"{urlsplit(m).hostname}: {w}" for m, w in reasons.items())

def download_fashion_mnist(data_dir=None, # see `data_root`
    ): # the folder that holds the four archives
    "Download what is missing of Fashion-MNIST, whole files only; what is there stays as it is."
    folder = data_root(data_dir)/"fashion_mnist"
    if not (missing := _missing(folder)): return folder
    lacks = (f"Fashion-MNIST is not in {folder}" if len(missing) == 4 else
             f"Fashion-MNIST is incomplete: {folder} lacks {', '.join(missing)}")
    byhand = f"put the files there by hand ({MIRRORS[-1]}), or choose --dataset garments"
    mirrors, reasons = reachable(MIRRORS)
    if not mirrors:
        raise NotAvailable(f"{lacks}; no network, or no mirror can be reached "
                           f"({_in_short(reasons)}); {byhand}")
    pooch.get_logger().setLevel("WARNING")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder/".lock", timeout=900):
            for name, md5, size, _ in (file for split in FASHION_MNIST.values() for file in split):
                if _there(folder/name): continue
                reasons |= (failed := _fetch(name, md5, size, folder, mirrors))
                if failed:
                    raise NotAvailable(f"{lacks}; no mirror delivers {name} "
                                       f"({_in_short(reasons)}); {byhand}")
    except Timeout:
        raise CourseError(f"another process has been downloading to {folder} for 15 minutes; "
                          f"wait for it or end it, then try again") from None
    except OSError as error:
        raise CourseError(f"cannot write to {folder}: {error.strerror or error}; give --data-dir "
                          f"a folder with room where you may write, or choose --dataset garments"
                          ) from error
    return folder


# %% [markdown]
# ## Clothes drawn by rule
#
# A course whose first step may fail for want of a network is a bad course. And photographs have a second limit: nobody
# knows their true distribution, so one can never say what a generator has missed. Hence a data set that is a program.
# `garments` draws the same ten classes at the same size, from a [handful of *factors*](../about/glossary.ipynb#gl-factor): size, width, length of
# the sleeve, texture, brightness, direction of the light.
#
# Take the trousers. Their outline is where a pixel's distance to the middle is less than some width, which depends on the
# height. A comparison gives black or white; so a leg that is wider by a third of a pixel either looks the same or
# jumps by a whole one. Better is the share of the pixel that is covered, which near a straight border is the signed
# distance to it plus one half, kept between 0 and 1.

# %%
#| exports
def _edge(distance): # pixels from the border, positive inside
    "How much of a pixel is covered: 0 outside, 1 inside, between them on the border."
    return np.clip(distance + 0.5, 0, 1)

def _line(distance, width=0.5): return _edge(width - np.abs(distance))

def _path(t, *points): # (t, value) pairs
    "The piecewise linear curve through the points, level outside."
    (t0, v0), *rest = points
    value = v0
    for t1, v1 in rest:
        value = value + (v1 - v0)*np.clip((t - t0)/(t1 - t0), 0, 1)
        t0, v0 = t1, v1
    return value

def _on(condition): return np.asarray(condition).astype(np.float32)


# %%
assert _edge(np.array([-2, -0.5, 0, 0.25, 3])).tolist() == [0, 0, 0.5, 0.75, 1]
assert _path(np.array([0, 5, 10, 99]), (0, 1), (10, 3)).tolist() == [1, 2, 3, 3]

# %%
#| label: fig-trousers
#| fig-cap: "Trousers: by comparison, by the share of each pixel, and with a band, a fly and light from the front."
#| fig-alt: "Trousers three times: with jagged borders, with smooth ones, and looking like cloth."
x = np.arange(28, dtype=np.float32)[None] - 13.5
y = np.arange(28, dtype=np.float32)[:, None]
outer, inner = _path(y, (2, 4.), (8, 5.), (25, 6.3)), _path(y, (10, 0.), (25, 3.5))
hard = (abs(x) < outer) & (abs(x) > inner) & (y > 2) & (y < 25)
soft = _edge(outer - abs(x))*_edge(abs(x) - inner)*_edge(y - 2)*_edge(25 - y)
cloth = soft*(0.9 - 0.01*x*x)*(1 - 0.4*_line(y - 4.2))*(1 - 0.4*_edge(0.5 - abs(x)))
fig, axes = plt.subplots(1, 3, figsize=(6, 2.2))
for ax, image in zip(axes, [hard, soft, cloth]):
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    ax.axis("off")
plt.show()

# %% [markdown]
# Two borders, a band and some light, and it begins to look like cloth. What varies is drawn at random. Every random factor needs random numbers, and
# *the same for the same seed everywhere* is less simple than it sounds. NumPy promises that the raw bits of a
# generator never change, but not what `normal()` or `integers()` make of them in a later version. The
# sine of a number may differ in its last digit from one processor to another, and a difference in the last digit, rounded
# to a byte, is sometimes a different byte and always a different checksum. So we take raw 64-bit numbers, and only
# the operations that the floating-point standard IEEE 754 defines to the last bit: + − × ÷, square root, comparison.
#
# The generator is [Philox](../about/glossary.ipynb#gl-philox). It *counts*: its n-th number is a scrambled n. Picture 59,999 can be drawn without drawing
# the ones before, and the first hundred of sixty thousand are the same pictures as a hundred.

# %%
#| exports
TEXTURES = ("plain", "stripes across", "stripes down", "checks", "two tones", "print")
_fits = np.zeros((10, 6), bool) # which texture fits which kind; what does not becomes plain
_fits[:, 0] = _fits[:, 4] = True
_fits[[0, 1, 2, 3, 4, 6, 8], 1:4] = True
_fits[[0, 2, 3], 5] = True
_fits[5, 4] = False

FACTORS = np.dtype([
    ("kind", "u1"),        # the label, 0 to 9
    ("texture", "u1"),     # index into TEXTURES
    ("size", "f4"),        # of the whole, 0.86 to 1.06
    ("width", "f4"),       # relative to the length, 0.85 to 1.15
    ("length", "f4"),      # 0 to 1: of the hem, the shaft, the heel
    ("sleeve", "f4"),      # 0 to 1 within what the kind has; elsewhere another detail
    ("detail", "f4"),      # 0 to 1: the depth of the neck, the waist, the sole
    ("brightness", "f4"),  # 0.4 to 1
    ("contrast", "f4"),    # of the texture, 0.25 to 0.6
    ("period", "f4"),      # of stripes and checks in pixels, 3 to 7
    ("phase", "f4"),       # of stripes and checks, 0 to 1
    ("light", "f4"),       # -1 from the right, 1 from the left
    ("folds", "f4"),       # depth of the folds, 0 to 1
    ("shift_x", "f4"), ("shift_y", "f4")]) # pixels, -1 to 1

# %%
#| exports
_words, _grain = 16, 98 # raw 64-bit numbers an image: for its factors, for 784 bytes of grain

def _raw_numbers(start, stop, seed, split):
    "The raw numbers of images `start` to `stop`, whatever was drawn before: [stop - start, 114]."
    each = _words + _grain
    source = np.random.Philox(key=np.array([seed, ("train", "test").index(split)], np.uint64))
    source.advance(start*each//4) # Philox makes four numbers a step; start is a multiple of ten
    return source.random_raw((stop - start)*each).reshape(stop - start, each)

def _draw_factors(raw):
    "The factors of each image from its raw numbers; every ten images hold every kind once."
    u = (raw[:, :_words] >> np.uint64(40)).astype(np.float32)/np.float32(2**24) # exact, in [0, 1)
    f = np.zeros(len(raw), FACTORS)
    f["kind"] = np.argsort(raw[:, 0].reshape(-1, 10), axis=1, kind="stable").reshape(-1)
    texture = np.clip(np.floor(u[:, 1]*10) - 4, 0, 5).astype(np.uint8) # half of them are plain
    f["texture"] = np.where(_fits[f["kind"], texture], texture, 0)
    low = dict(size=0.86, width=0.85, brightness=0.4, contrast=0.25, period=3, light=-1,
               shift_x=-1, shift_y=-1)
    high = dict(size=1.06, width=1.15, contrast=0.6, period=7)
    for i, name in enumerate(FACTORS.names[2:], 2):
        a, b = low.get(name, 0), high.get(name, 1)
        f[name] = np.float32(a) + u[:, i]*np.float32(b - a)
    return f


# %%
# NBVAL_CHECK_OUTPUT
drawn = _draw_factors(_raw_numbers(0, 20, seed=0, split="train"))
print(drawn["kind"][:10], drawn["kind"][10:])
print([TEXTURES[t] for t in drawn["texture"][:6]])

# %%
assert sorted(drawn["kind"][:10]) == list(range(10)) # each kind once in every ten: exact balance
raw = _raw_numbers(0, 2000, seed=0, split="train")
assert np.array_equal(_raw_numbers(1000, 2000, 0, "train"), raw[1000:]) # a jump to any place
assert not np.array_equal(_raw_numbers(0, 10, 0, "test"), raw[:10])


# %% [markdown]
# Five kinds have shoulders and a pair of sleeves, and share one function. The sleeve is a strip that begins at the tip of
# the shoulder. Each shape returns how much of each pixel it covers, and where seams and collars make it darker or
# lighter. You need not follow every number; they were found by looking.

# %%
#| exports
def _upper(x, y, f, hem, waist, flare, sleeve, cuff, neck, depth, shoulder):
    "What garments with shoulders share: coverage, seams, collar line, and how far down the arm."
    a, w, top = np.abs(x), f["width"], 4.0
    side = _path(y, (top, w*shoulder), (top + 5, w*(shoulder - 0.8)),
                 (waist, w*(shoulder - 1.2)), (hem, w*flare))
    slope = _path(a, (neck - 0.5, top - 1.5), (w*shoulder, top + 0.8))
    line = np.where(a < neck, top - 1.5 + depth*(1 - (a/neck)*(a/neck)), slope)
    below = _edge(y - line)
    body = _edge(side - a)*below*_edge(hem - y)
    out = _path(sleeve, (0.2, 0.9), (0.5, 0.55), (1.0, 0.24)) # short sleeves stand off more
    px, py, norm, reach = a - w*shoulder + 1.9, y - top - 1.9, np.sqrt(1 + out*out), 2 + sleeve*17.5
    along, across = (px*out + py)/norm, (px - py*out)/norm
    half = _path(along, (0.0, 2.5), (reach, cuff))
    arm = _edge(half - np.abs(across))*_edge(along + 2)*_edge(reach - along)
    arm = arm*below*_on(sleeve > 0.04)
    seam = _line(a - side, 0.45)*_on(arm > 0.5)*_edge(y - top - 2)
    return np.maximum(body, arm), arm, seam, line, reach - along

def _tshirt(x, y, f):
    cover, _, seam, line, _ = _upper(
        x, y, f, hem=20 + 5*f["length"], waist=13.0, flare=6.6, sleeve=0.16 + 0.2*f["sleeve"],
        cuff=2.9, neck=3.2 + f["detail"], depth=1.5 + 3*f["detail"], shoulder=6.8)
    collar = _line(y - line - 0.6, 0.55)*_edge(3.4 + f["detail"] - np.abs(x))
    return cover, -0.35*seam - 0.25*collar

def _pullover(x, y, f):
    hem = 22 + 3*f["length"]
    cover, arm, seam, line, left = _upper(
        x, y, f, hem, waist=14.0, flare=6.4, sleeve=0.82 + 0.18*f["sleeve"], cuff=1.7, neck=3.0,
        depth=1 + 1.6*f["detail"], shoulder=6.6)
    rib = _line(y - hem + 2.2) + _line(left - 2)*arm
    collar = _line(y - line - 1, 0.6)*_edge(3.4 - np.abs(x))
    return cover, -0.45*seam - 0.3*rib - 0.3*collar


# %%
#| exports
def _dress(x, y, f):
    waist, flare = 10 + 2*f["detail"], 5.5 + 5*f["detail"]*f["detail"] + f["sleeve"]
    cover, _, seam, _, _ = _upper(
        x*1.3, y, f, hem=23 + 4*f["length"], waist=waist, flare=flare,
        sleeve=f["sleeve"]*0.3*_on(f["sleeve"] > 0.5), cuff=2.6, neck=3.4,
        depth=2 + 3.5*f["detail"], shoulder=5.8)
    return cover, -0.3*seam - 0.35*_line(y - waist, 0.6)

def _coat(x, y, f):
    cover, _, seam, _, _ = _upper(
        x, y, f, hem=24.5 + 2*f["length"], waist=13.0, flare=7 + f["detail"],
        sleeve=0.88 + 0.12*f["sleeve"], cuff=2.0, neck=2.4, depth=2.2, shoulder=6.8)
    a = np.abs(x)
    opening = _line(x - 0.4)*_edge(y - 6)
    lapel = _line(a - _path(y, (3.0, 3.6), (11.5, 0.2)), 0.6)*_edge(11 - y)
    pocket = _line(y - 17 - 0.3*(a - 3))*_line(a - 4, 1.6)
    shirt = _on(a < _path(y, (3.0, 3.2), (11.0, 0.0)))
    return cover, -0.5*seam - 0.75*opening - 0.35*lapel - 0.4*pocket - 0.3*shirt

def _shirt(x, y, f):
    short = f["sleeve"] < np.float32(0.3)
    cover, _, seam, _, _ = _upper(
        x, y, f, hem=23 + 3*f["length"] - 0.03*x*x, waist=14.0, flare=6.0,
        sleeve=np.where(short, 0.25 + f["sleeve"]*0.4, 0.75 + 0.25*f["sleeve"]), cuff=1.8, neck=2.6,
        depth=2.4, shoulder=6.2)
    a, step = np.abs(x), (y - 7)/3.2
    placket = _line(a - 0.9, 0.4)*_edge(y - 5)
    button = _edge(0.5 - a)*_line((step - np.floor(step) - 0.5)*3.2)*_edge(y - 6.5)
    collar = _line(a - _path(y, (2.5, 2.2), (6.5, 3.6)), 0.8)*_edge(6.4 - y)*_edge(y - 2.6)
    wing = _edge(_path(y, (2.5, 3.0), (6.5, 3.6)) - a)*_edge(6.8 - 0.5*a - y)
    wing = 0.9*wing*_edge(a - 0.6)*_edge(y - 2)
    return np.maximum(cover, wing), -0.45*seam - 0.25*placket - 0.5*button - 0.3*collar


# %% [markdown]
# Trousers and a bag, whose corners and handle are circles: hence the square roots.

# %%
#| exports
def _trouser(x, y, f):
    a, w, hem, crotch = np.abs(x), f["width"], 24 + 3*f["length"], 8.5 + 2*f["detail"]
    foot = w*(4.4 + 2*f["sleeve"])
    outer = _path(y, (2.0, 3.9*w), (8.0, 4.9*w), (hem, foot))
    inner = _path(y, (crotch, 0.0), (hem, foot - 2.3*w - f["detail"]))
    legs = np.maximum(_on(y < crotch), _edge(a - inner - 0.3))
    cover = _edge(outer - a)*legs*_edge(y - 2)*_edge(hem - y)
    fly = _edge(0.5 - a)*_edge(crotch - y)*_edge(y - 4.5)
    crease = _line(a - (outer + inner)*0.5)*_edge(y - crotch)
    pocket = _line(y - 3.2 - a, 0.45)*_edge(a - 2)
    return cover, -0.3*_line(y - 4.2) - 0.4*fly + 0.15*crease - 0.3*pocket

def _bag(x, y, f):
    a, w, top, bottom = np.abs(x), f["width"], 10 + 3*f["detail"], 22 + 3*f["length"]
    half = w*_path(y, (top, 8.2 + 1.5*f["sleeve"]), (bottom, 9.8))
    right = np.maximum(a - half + 2.5, 0)
    down = np.maximum(np.abs(y - (top + bottom)*0.5) - (bottom - top)*0.5 + 2.5, 0)
    body = _edge(2.5 - np.sqrt(right*right + down*down)) # a rectangle with round corners
    rx, ry = w*(4.2 + 2.2*f["sleeve"]), 6 + 4*f["detail"]*f["sleeve"]
    ring = np.sqrt((x/rx)*(x/rx) + ((y - top)/ry)*((y - top)/ry))
    handle = _line((ring - 1)*(rx + ry)*0.5, 0.9)*_edge(top + 0.5 - y)
    flap = _line(y - _path(a, (0.0, top + 6.5), (9.0, top + 1.5 + 4*f["length"])))*body
    clasp = _edge(1.3 - a)*_line(y - top - 6.5, 1.3)
    tone = -0.4*flap + 0.45*clasp - 0.3*_line(y - top - 1) - 0.15*handle*(1 - body)
    return np.maximum(body, handle), tone


# %% [markdown]
# Shoes point to the left, as they do in Fashion-MNIST. They are drawn along the foot: how high is the shoe at each place
# between toe and heel?

# %%
#| exports
def _sneaker(x, y, f): # shoes point to the left: u is 0 at the toe's side, 27 at the heel's
    u, high, thick = x + 13.5, 10.5 - 2.5*f["length"], 1.8 + 1.6*f["detail"]
    top = _path(u, (1.5, 18.6), (3.0, 16.4), (8.5, 15.2), (16.0, high + 1.2), (17.5, high),
                (19.5, high + 1.8), (23.0, high + 1.2), (24.5, high - 0.6), (25.5, high + 0.5))
    heel = _path(y, (high, 25.2), (high + 5, 24.6), (20.0, 25.6))
    front = _path(y, (15.0, 3.5), (18.0, 1.6), (21.0, 1.2))
    upper = _edge(y - top)*_edge(20 - y)*_edge(heel - u)*_edge(u - front)
    sole = _edge(y - 19.6)*_edge(19.6 + thick - y - _path(u, (1.0, 1.2), (4.0, 0.0)))
    sole = sole*_edge(u - 0.9)*_edge(26.2 - u)
    step, bar = (u - 8.5)/2.1, (u - y*0.6 - 4)/3
    lace = _line((step - np.floor(step) - 0.5)*2.1, 0.55)*_edge(y - top - 0.6)*_edge(top + 3.4 - y)
    lace = lace*_edge(u - 8)*_edge(17 - u)
    side = _line((bar - np.floor(bar) - 0.5)*2.4, 0.6)*_edge(u - 12)*_edge(21 - u)
    side = side*_edge(y - 15)*_edge(18.8 - y)*_on(f["sleeve"] > 0.4)
    cap = _line(u - 7.2 + (y - 17)*0.4)*upper
    under = _on(y > 19.6)*(0.75*_on(f["sleeve"] > 0.5) - 0.35) # a light sole or a dark one
    return np.maximum(upper, sole), 0.35*lace - 0.3*cap + 0.4*side + under

def _boot(x, y, f):
    u, high, shaft = x + 13.5, 3 + 5*f["length"], 17 - 4*f["width"]
    top = _path(u, (1.5, 19.0), (3.5, 17.0), (8.0, 15.4), (shaft - 1.4, 13.5), (shaft, 10.5))
    front = _path(y, (high, shaft), (12.0, shaft + 0.6), (14.0, shaft - 1))
    back = _edge(_path(y, (high, 24.2), (14.0, 23.4), (21.0, 24.8)) - u)
    foot = _edge(y - top)*_edge(22 - y)*back*_edge(u - 1.4)*_edge(y - 12)
    leg = _edge(y - high)*_edge(14 - y)*back*_edge(u - front)
    sole = _edge(y - 21.5)*_edge(23 - y)*_edge(u - 1.2)*_edge(25 - u)
    block = _edge(y - 22)*_edge(23 + 3*f["sleeve"] - y)*_edge(u - 18.5 - 0.3*(y - 22))*_edge(25 - u)
    arch = _edge(y - 22.2)*_edge(u - 11)*_edge(18 - u)*_on(f["sleeve"] > 0.3)
    zipper = _line(u - shaft - 5)*_edge(20 - y)*_on(f["detail"] > 0.5)
    elastic = _line(u - shaft - 5.5, 2.0)*_edge(15 - y)*_on(f["detail"] <= 0.5)
    cover = np.maximum(np.maximum(foot, leg), np.maximum(sole*(1 - arch), block))
    return cover, -0.4*_on(y > 21.5) - 0.4*zipper - 0.3*elastic

def _sandal(x, y, f):
    u, h = x + 13.5, 5*f["length"] # the height of the heel
    sole_y, thick = 21 - _path(u, (9.0, 0.0), (22.0, h)), 0.9 + 0.7*f["detail"]
    sole = _line(y - sole_y, thick)*_edge(u - 1.5)*_edge(25.8 - u)
    filled = f["detail"] > np.float32(0.6)
    heel = np.where(filled, _edge(u - 10), _edge(u - 21.5 + 0.2*(y - 22)))
    heel = heel*_edge(y - sole_y)*_edge(22.5 - y)*_edge(25.5 - u)
    def ring(cx, cy, rx, ry, width): # a strap around the foot, seen from the side
        dx, dy = (u - cx)/rx, (y - cy)/ry
        return _line((np.sqrt(dx*dx + dy*dy) - 1)*min(rx, ry), width)
    above, cy = _edge(sole_y - y), 13.5 - 0.8*h
    toe = ring(7.0, 21.0, 4.4, 5.5, 1.0 + 0.8*f["detail"])*above
    second = ring(12.0, 21 - 0.2*h, 4.2, 7.0, 1.1)*above*_on(f["sleeve"] > 0.35)
    ankle = ring(20.3, cy, 4.3, 2.6, 0.9)
    back = _line(u - _path(y, (cy, 24.2), (21.0, 23.4)), 1.0)*above*_edge(y - cy)
    bar = _line((u - 10) - (15 - y)*_path(h, (0.0, 2.6), (5.0, 1.3)), 1.6)
    bar = bar*_edge(y - cy)*_edge(16 - y)
    straps = np.maximum(np.maximum(toe, second), np.maximum(np.maximum(ankle, back), bar))
    return np.maximum(np.maximum(sole, heel), straps), -0.25*_on(straps < 0.5)


# %% [markdown]
# Last, the cloth: the pattern, light from one side, folds, and a little grain; then bytes.

# %%
#| exports
_shapes = (_tshirt, _trouser, _pullover, _dress, _coat, _sandal, _shirt, _sneaker, _bag, _boot)

def _pattern(x, y, f):
    "How much of the second tone each pixel has, in [0, 1]."
    def wave(v):
        v = v/f["period"] + f["phase"]
        return _edge((np.abs(v - np.floor(v) - 0.5) - 0.25)*f["period"])
    across, down, t = wave(y), wave(x), f["texture"]
    logo = _edge(3.2 - np.maximum(np.abs(x), np.abs(y - 12)))
    logo = logo*(1 - _edge(1.4 - np.abs(x))*_edge(1 - np.abs(y - 12)))
    halves = _edge(y - 11 - 6*f["phase"])
    return (across*_on(t == 1) + down*_on(t == 2) + (across + down)*0.5*_on(t == 3)
            + halves*_on(t == 4) + logo*_on(t == 5))

def _draw(factors, grain):
    "The pictures that the factors describe, uint8 [N, 28, 28]."
    n, grid = len(factors), np.arange(28, dtype=np.float32)
    f = {name: factors[name].reshape(n, 1, 1) for name in FACTORS.names}
    x = (grid.reshape(1, 1, 28) - 13.5 - f["shift_x"])/f["size"]
    y = (grid.reshape(1, 28, 1) - 14 - f["shift_y"])/f["size"] + 14
    cover, tone = np.zeros((2, n, 28, 28), np.float32)
    for k, shape in enumerate(_shapes):
        of = np.flatnonzero(factors["kind"] == k)
        cover[of], tone[of] = shape(x[of], y[of], {name: v[of] for name, v in f.items()})
    light = 1 - 0.01*f["light"]*x - 0.0022*x*x # from one side, and falling off towards the edges
    fold = (x*0.5 + y*(f["folds"] - 0.5))/2.6 + f["phase"]
    light = light - f["folds"]*(np.abs(fold - np.floor(fold) - 0.5)*0.25 - 0.06)
    light = light*(1 - f["contrast"]*_pattern(x, y, f))*(1 + np.maximum(tone, -0.85))
    value = np.minimum(f["brightness"]*light*255, 249)
    value = cover*(value + grain.reshape(n, 28, 28).astype(np.float32)/16 - 8)
    return np.clip(value + 0.5, 0, 255).astype(np.uint8)


# %%
#| exports
def garments(n=60_000, # number of images; a smaller n gives the first of a larger one
             seed=0, # 0 or more
             factors=False, # whether to return the factors too
             split="train", # train or test: the same seed, other pictures
    ): # uint8 [n, 28, 28, 1], labels uint8 [n] and, if asked for, the factors: FACTORS [n]
    "Draw clothes of ten kinds from known factors, the same on every computer."
    if n < 1: raise CourseError(f"{n} garments were asked for; give 1 or more")
    if not 0 <= seed < 2**64: raise CourseError(f"the seed of garments is {seed}; give 0 or more")
    if split not in FASHION_MNIST: raise CourseError(f"the split is {split!r}; give train or test")
    whole = -(-n//10)*10 # ten at a time, one of each kind
    images, known = np.empty((whole, 28, 28, 1), np.uint8), np.empty(whole, FACTORS)
    for start in range(0, whole, 1000):
        stop = min(start + 1000, whole)
        raw = _raw_numbers(start, stop, seed, split)
        known[start:stop] = _draw_factors(raw)
        grain = np.ascontiguousarray(raw[:, _words:]).astype("<u8").view(np.uint8)
        images[start:stop, ..., 0] = _draw(known[start:stop], grain)
    images, known = images[:n], known[:n]
    labels = np.ascontiguousarray(known["kind"])
    return (images, labels, known) if factors else (images, labels)


# %%
start = time.perf_counter()
n = budget(full=60_000, fast=3_000)
images, labels, factors = garments(n, factors=True)
print(f"{n:,} garments in {time.perf_counter() - start:.1f} s: {images.shape} {images.dtype}")

# %%
assert np.array_equal(garments(100)[0], images[:100]) # the first of many are the same pictures
assert np.bincount(labels).tolist() == [n//10]*10
bright, dim = factors["brightness"] > 0.9, factors["brightness"] < 0.5
assert images[bright].mean() > 1.5*images[dim].mean() # a factor does what its name says

# %% [markdown]
# Is it the same everywhere? The checksum tells, and once it told us that it was not: an early version of the sandals came
# out differently under NumPy 1 and NumPy 2. The culprit was `np.minimum(4.4, 5.5)`. It returns a NumPy number in double
# precision, and NumPy 2 lets that decide the precision of all that follows, where NumPy 1 did not. A plain Python number, as
# from `min(4.4, 5.5)`, leaves single precision alone in both. So we look at the types too:

# %%
f = {name: factors[name][:100].reshape(-1, 1, 1) for name in FACTORS.names}
for shape in _shapes: assert {part.dtype for part in shape(x, y, f)} == {np.dtype(np.float32)}
hashlib.sha256(garments(1000)[0]).hexdigest()[:12] # what does your computer say?

# %%
assert hashlib.sha256(garments(1000)[0]).hexdigest()[:12] == "f17568286142"


# %% [markdown]
# Because the factors are known, one can ask for all pictures with one of them small, or large, and look. A small helper
# draws rows of pictures:

# %%
def show_rows(rows, names, zoom=2):
    """Draw rows of images [N, H, W, 1], each with a name on its left, each pixel as zoom × zoom
    dots."""
    high, wide = zoom*rows[0].shape[1], zoom*rows[0].shape[2]*len(rows[0])
    width, height = wide + 90, (high + 4)*len(rows) # in dots, 100 to the inch
    fig = plt.figure(figsize=(width/100, height/100), dpi=100)
    for i, (row, name) in enumerate(zip(rows, names)):
        ax = fig.add_axes((90/width, 1 - (i + 1)*(high + 4)/height, wide/width, high/height))
        ax.imshow(np.hstack(list(row[..., 0])), cmap="gray", vmin=0, vmax=255,
                  interpolation="nearest", aspect="auto")
        ax.axis("off")
        ax.text(-6, high/zoom/2, name, ha="right", va="center", fontsize=8)
    plt.show()


# %%
#| label: fig-factors
#| fig-cap: "Garments chosen by their factors, twelve from each end."
#| fig-alt: "Six rows: T-shirts narrow and wide, dresses dark and bright, boots tall and low."
def ends(kind, factor):
    "The twelve garments of one kind whose factor is lowest, and the twelve of highest."
    of = np.flatnonzero(labels == kind)
    of = of[np.argsort(factors[factor][of])]
    return [images[of[:12]], images[of[-12:]]]

show_rows(ends(0, "width") + ends(3, "brightness") + ends(9, "length"),
          ["narrow", "wide", "dark", "bright", "tall", "low"])


# %% [markdown]
# ## A folder that is there already
#
# Kaggle offers Fashion-MNIST as `zalando-research/fashionmnist`. A notebook there need not download it: one *attaches* it
# ("Add input"), and it appears as a folder below `/kaggle/input`. This works without a network too. But the folder is not
# like ours. Its path depends on the age of Kaggle's machine. The files are unpacked, and sometimes each lies in a folder
# of its own name. And nothing can be written there, so we can neither complete it nor repair it.
#
# The naive search goes through everything that is attached and takes the first file of the right name. **Predict** what
# it finds where somebody has attached the digits of MNIST as well. Fashion-MNIST was made to replace them, down to the
# names of its four files. So we look only in a folder that is called `fashionmnist`, and at most one folder below it.
# That is quick as well, whereas a walk through everything may take minutes.

# %%
#| exports
def kaggle_files(split, # train or test
                 root=Path("/kaggle/input"), # where Kaggle mounts what is attached
    ): # paths of the images and of the labels; () unless both are there
    "The files of `zalando-research/fashionmnist` in a notebook on Kaggle, unpacked or not."
    def first(place, name):
        plain = name.removesuffix(".gz")
        for pattern in (plain, name, f"*/{plain}", f"*/{name}"):
            for path in sorted(place.glob(pattern)):
                if os.path.isfile(path): return path # and not the folder of that name
    for place in (root/"fashionmnist", root/"datasets"/"zalando-research"/"fashionmnist"):
        try: files = tuple(first(place, name) for name, *_ in FASHION_MNIST[split])
        except OSError: continue # a folder that cannot be read is as good as none
        if all(files): return files
    return ()

def _mounted(split, data_dir): return () if _named(data_dir) else kaggle_files(split)

def _load_mounted(files, split):
    "Read what Kaggle mounted. An error there ends in other advice: nothing can be removed."
    try: return _load_fashion_mnist(files, split)
    except CourseError as error:
        what = str(error).rpartition("; ")[0] or error
        raise CourseError(f"{what}; detach the data set zalando-research/fashionmnist from the "
                          f"notebook and attach it again, or give --data-dir another folder"
                          ) from None


# %% [markdown]
# We build such a folder, with the digits beside it. Our files can be found, but not used: they hold twelve pictures of
# 2×3 pixels. For our own folder the message would end in "remove it", which nobody could do here.

# %%
with tempfile.TemporaryDirectory() as root:
    root = Path(root)
    for name in ["fashionmnist/train-images-idx3-ubyte", "fashionmnist/train-labels-idx1-ubyte",
                 "fashionmnist/fashion-mnist_train.csv", "mnist/t10k-images-idx3-ubyte"]:
        (root/name).parent.mkdir(exist_ok=True)
        (root/name).write_bytes(gzip.decompress(pack(tiny_labels if "labels" in name else tiny)))
    print("naive:", *[file.relative_to(root) for file in root.rglob("t10k-images*")])
    files = kaggle_files("train", root)
    print("ours: ", *[file.relative_to(root) for file in files])
    for file, array in zip(files, [tiny, tiny_labels]): assert np.array_equal(load_idx(file), array)
    assert kaggle_files("test", root) == () # digits are no clothes
    assert kaggle_files("train", root/"nothing") == ()
    try: _load_mounted(files, "train")
    except CourseError as error: print(str(error).replace(str(root), "/kaggle/input"))
    else: raise AssertionError("pictures of 2×3 pixels were accepted")

# %% [markdown]
# In which order do we look? Whoever names a folder, with `data_dir` or `$GAN_COURSE_DATA`, means this folder and no other.
# Otherwise the user's cache comes first, then what Kaggle has mounted, and last the download into the cache. The checksum
# of the pictures does not depend on how they were packed, so a result says the same wherever they came from.
#
# ## One function for all
#
# `load_dataset` puts it together. Two rules hold. A data set asked for by name is never replaced by another: if you say
# `fashion_mnist` and it is not to be had, that is an error. `auto`, the default, may fall back on garments, and then
# says so at length, because a model trained on drawings and taken for one trained on photographs is worse than no
# model. And a *damaged* file is an error under both names: you meant to use it.

# %%
#| exports
GARMENTS = { # split -> (images, checksum of the images and labels of seed 0)
    "train": (60_000, "dadca852daa6fc5f0e23a6bac625c926b8e74eac4e1682423cc26d76b8d8bb14"),
    "test": (10_000, "aaf9292ce836f65e01769161d7a4d5c4200fca6466061848b4d8173f49b91757"),
}

def _load_garments(split, limit):
    "The data set `garments`: no more is drawn than is asked for."
    n, checksum = GARMENTS[split]
    if limit is not None and 1 <= limit < n: n, checksum = limit, f"{checksum}[:{limit}]"
    images, labels = garments(n, split=split)
    return Dataset("garments", split, images, labels, CLASSES, checksum)


# %%
#| exports
def _warn_of_garments(reason):
    "Say on standard error, so that nobody misses it, that the pictures are not Fashion-MNIST."
    bar = "!"*78
    print(f"\n{bar}\nWARNING: this is NOT Fashion-MNIST. The data set is garments, drawn by rule.\n"
          f"Reason: {reason}\nNumbers and pictures will differ from the course's.\n{bar}\n",
          file=sys.stderr, flush=True)
    warnings.warn("Fashion-MNIST is not available; using garments instead", stacklevel=3)

def load_dataset(name: str = "auto", # auto, fashion_mnist or garments
                 split: str = "train", # train or test
                 # see `data_root`; None: also what Kaggle has mounted
                 data_dir: str | Path | None = None,
                 limit: int | None = None, # only the first so many images
    ) -> Dataset:
    "Load a data set by name; `auto`: Fashion-MNIST if it can be had, else garments and a warning."
    if name not in ("auto", "fashion_mnist", "garments"):
        raise CourseError(f"there is no data set {name!r}; give auto, fashion_mnist or garments")
    if split not in FASHION_MNIST: raise CourseError(f"the split is {split!r}; give train or test")
    if limit is not None and limit < 1:
        raise CourseError(f"a data set of {limit} images was asked for; give 1 or more")
    if name == "garments": return _load_garments(split, limit)
    folder = data_root(data_dir)/"fashion_mnist"
    if _missing(folder, [split]):
        if files := _mounted(split, data_dir): return _load_mounted(files, split).limited(limit)
        try: download_fashion_mnist(data_dir)
        except NotAvailable as error:
            partly = len(_missing(folder)) < 4 or any(_mounted(s, data_dir) for s in FASHION_MNIST)
            if name == "fashion_mnist" or partly: raise # no mixture of photographs and drawings
            _warn_of_garments(error)
            return _load_garments(split, limit)
    return _load_fashion_mnist(_archives(folder, split), split).limited(limit)


# %%
#| exports
def dataset_status(data_dir=None, # see `data_root`
    ): # one dict a split: dataset, split, state, where, checksum, todo
    "What is there, without a download: ready, missing, incomplete, damaged or built in."
    rows, folder = [], data_root(data_dir)/"fashion_mnist"
    for split in FASHION_MNIST:
        row = dict(dataset="fashion_mnist", split=split, state="ready", where=str(folder),
                   checksum=None, images=0, todo="")
        try:
            missing = _missing(folder, [split])
            mounted = _mounted(split, data_dir) if missing else ()
            if mounted: row["where"] = os.path.commonpath([file.parent for file in mounted])
            if missing and not mounted:
                row["state"] = "missing" if len(missing) == 2 else "incomplete"
                row["todo"] = (f"{' and '.join(missing)} missing; downloaded at first use, or put "
                               f"there by hand from {MIRRORS[-1]}")
            else:
                data = (_load_mounted(mounted, split) if mounted else
                        _load_fashion_mnist(_archives(folder, split), split))
                row.update(checksum=data.checksum, images=len(data))
        except CourseError as error: row.update(state="damaged", todo=str(error))
        rows.append(row)
    for split, (n, checksum) in GARMENTS.items():
        rows.append(dict(dataset="garments", split=split, state="built in", todo="", images=n,
                         where="drawn from seed 0", checksum=checksum))
    return rows


# %%
data = load_dataset() # auto
drawn = load_dataset("garments", limit=1000)
print(data)
print(drawn)

# %%
assert data.images.dtype == np.uint8 and data.images.shape[1:] == (28, 28, 1)
assert len(data.images) == len(data.labels) == len(data)
assert data.checksum == checksum_of(data.images, data.labels)
assert drawn.fingerprint.endswith("[:1000]")
for name in ["mnist", "Fashion-MNIST"]:
    try: load_dataset(name)
    except CourseError as error: print(error)
    else: raise AssertionError(f"{name} was accepted")

# %% [markdown]
# `dataset_status` looks without downloading; the command `gan-course datasets` prints what it returns.

# %%
for row in dataset_status():
    print(f"{row['dataset']:14} {row['split']:6} {row['state']:9} {row['images']:6,} images")


# %% [markdown]
# ## Look at it
#
# Always look before you train. **Predict** which two classes you would confuse.

# %%
#| label: fig-first
#| fig-cap: "Fashion-MNIST, ten images of every class (garments if it could not be had)."
#| fig-alt: "Ten rows, one a class: small grey photographs of clothes, shoes and bags on black."
def by_class(data, count=10): return [data.images[data.labels == k][:count] for k in range(10)]

show_rows(by_class(data), CLASSES)

# %%
#| label: fig-garments
#| fig-cap: "Garments, ten images of every class."
#| fig-alt: "Ten rows, one a class: the same kinds of clothes, drawn by rule, with regular outlines."
show_rows(by_class(drawn), CLASSES)

# %% [markdown]
# Shirts, coats and pullovers are hard to tell apart at this size, for you and for every classifier; the classes were
# assigned by the shop's catalogue. In the photographs there are prints, models cut away, straps, things one cannot
# name. The drawings are far more regular: a network that does well on garments has passed an easier examination.
#
# What does the network see of them? A picture's numbers in [-1, 1]:

# %%
#| label: fig-values
#| fig-cap: "How often each value occurs in [-1, 1]. Note the logarithmic axis."
#| fig-alt: "Two step curves: a tall peak at -1, the background, and a low plateau up to 1."
fig, ax = plt.subplots(figsize=(6, 2.6))
for one, style in [(data, "-"), (drawn, "--")]:
    values = to_float(one.images[:1000])
    ax.hist(values.ravel(), bins=64, range=(-1, 1), histtype="step", density=True, ls=style,
            color="k", label=f"{one.name}: mean {values.mean():.2f}, exactly -1: "
                             f"{(values == -1).mean():.0%}")
ax.set(yscale="log", xlabel="value", ylabel="density")
ax.legend(fontsize=8, loc="upper center")
plt.show()

# %% [markdown]
# About half of all pixels are background, at exactly -1. That is where the tanh saturates: a generator reaches it only
# with large arguments, and a faint grey veil in place of black is the usual sign of one that has not trained for long.
#
# Are the classes balanced?

# %%
counts = np.bincount(data.labels, minlength=10)
print({name: int(count) for name, count in zip(CLASSES, counts)})
assert counts.min() > 0 and counts.max()/counts.min() < 1.01, "the classes are not balanced"

# %% [markdown]
# Exactly so. It matters later: a generator that makes twice as many bags as sandals then has a fault of its own, and did
# not learn it from the data.
#
# ## What a batch is
#
# No training step looks at 60,000 images; it looks at a *[batch](../about/glossary.ipynb#gl-batch)* of perhaps 128. The loss we want is a mean over the
# distribution, $\mathbb{E}_x\,\ell(x)$. A batch $x_1,\dots,x_B$ gives an estimate of it,
#
# $$\hat\ell_B = \frac1B\sum_{i=1}^{B}\ell(x_i), \qquad
#   \mathbb{E}\,\hat\ell_B = \mathbb{E}_x\,\ell(x), \qquad
#   \operatorname{std}(\hat\ell_B) = \frac{\operatorname{std}_x\,\ell(x)}{\sqrt{B}},$$
#
# right on average and off by a little, *if the $x_i$ were drawn at random*. The naive batch is a slice of the file.
# Suppose that somebody sorted the file by class, which is how folders of images are read. **Predict:** what is in the
# first batch of 64? And in a batch drawn at random, how many of each class?

# %%
by_label = np.argsort(data.labels, kind="stable")
print("slice of a sorted file:", np.bincount(data.labels[by_label[:64]], minlength=10))
rng = np.random.default_rng(0)
for _ in range(3):
    print("drawn at random:       ", np.bincount(data.labels[rng.permutation(len(data))[:64]],
                                                 minlength=10))

# %% [markdown]
# Sixty-four T-shirts. A discriminator that sees T-shirts for an hour and then trousers forgets the T-shirts; the
# generator follows it from one class to the next and never makes both. A random batch holds six or seven of each class
# on average and anything from one to a dozen at a time. That scatter is not a fault: it is the price of looking at 64.
#
# How large is it? Take as ℓ the mean brightness of an image, and measure the scatter of batch means for sizes from 1 to
# 1,024. The formula says: four times as many images, half the error.

# %%
brightness = to_float(data.images).mean((1, 2, 3))
sizes = [4**k for k in range(6)]
repeats = budget(full=2000, fast=200)
scatter = [np.std([brightness[rng.integers(len(data), size=size)].mean() for _ in range(repeats)])
           for size in sizes]

# %%
#| label: fig-batch
#| fig-cap: "The error of a batch mean falls with the root of the batch size."
#| fig-alt: "Measured points on the formula's falling straight line, both axes logarithmic."
fig, ax = plt.subplots(figsize=(5, 2.8))
ax.loglog(sizes, brightness.std()/np.sqrt(sizes), "k-", label="std / √B")
ax.loglog(sizes, scatter, "ko", mfc="white", label="measured")
ax.set(xlabel="batch size B", ylabel="error of the batch mean")
ax.legend()
plt.show()

# %%
assert np.allclose(np.array(scatter)*np.sqrt(sizes), brightness.std(), rtol=0.2)

# %% [markdown]
# So a batch four times the size costs four times the work and halves the noise, and that is why one does not simply use
# large ones. It also explains GAN curves that look nervous: much of what moves from step to step is the batch.
#
# One may draw each batch anew, as the formula assumes, or *shuffle* all indices once an [epoch](../about/glossary.ipynb#gl-epoch) and cut them
# into batches. Predict how many of the images drawing anew never shows in an epoch:

# %%
n = len(data)
drawn_anew = np.unique(rng.integers(n, size=n)).size
print(f"drawn anew: {1 - drawn_anew/n:.1%} of the images were not seen; shuffled: 0.0%")
assert abs((1 - drawn_anew/n) - np.exp(-1)) < 0.02 # (1 - 1/n)^n goes to 1/e

# %% [markdown]
# Over a third, 1/e. Shuffling shows every image once, and this course shuffles. A last detail: 128 does not divide
# 60,000.

# %%
# NBVAL_CHECK_OUTPUT
batches, left = divmod(60_000, 128)
print(f"{batches} batches of 128, and one of {left}")

# %% [markdown]
# The batch of 96 is a trap for GANs: losses that pair each real image with a sample ([relativistic](../about/glossary.ipynb#gl-relativistic) losses, gradient
# penalties on lines between the two) fail on 96 reals and 128 samples, or worse, broadcast. We drop it. As the order is
# new every epoch, other images are left out each time and none is lost.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from math import comb
from gan_course.exercises.datasets import check_batches, check_lacking, check_stats


# %% [markdown]
# ### 1. An epoch
#
# Write `batches(n, size, epoch)`. It gives the batches of one epoch as arrays of indices into `n` images: shuffled, no
# index twice, all of length `size`, the short one at the end dropped. Epochs differ, but epoch 3 is the same epoch 3 on
# every run: a run that is [resumed](../about/glossary.ipynb#gl-resume) depends on it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def batches(n, size, epoch):
    order = np.random.default_rng(epoch).permutation(n)
    return [order[i:i + size] for i in range(0, n - size + 1, size)]

check_batches(batches)


# %% [markdown]
# ### 2. Mean and standard deviation in one pass
#
# Write `stats(images, chunk)`: the mean and the standard deviation of all pixels *in the range [-1, 1]*, where no
# more than `chunk` images are ever turned into floats at a time. Three things can go wrong: bytes overflow when
# squared, the last chunk is smaller than the others, and standard deviations do not average.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def stats(images, chunk):
    n = total = squares = 0.0
    for i in range(0, len(images), chunk):
        x = to_float(images[i:i + chunk]).astype(np.float64)
        n, total, squares = n + x.size, total + x.sum(), squares + (x*x).sum()
    return total/n, (squares/n - (total/n)**2)**0.5

check_stats(stats)


# %% [markdown]
# ### 3. What a batch lacks
#
# Ten classes, equally likely. How likely is it that a batch of 64, drawn at random, lacks at least one class? Guess
# first. Then write `chance(size, classes)`. (One given class is absent with probability $(1 - 1/10)^{64}$. Two may be
# absent together, so adding ten of these counts some batches twice: use inclusion and exclusion.)

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def chance(size, classes):
    return sum((-1)**(k + 1)*comb(classes, k)*(1 - k/classes)**size for k in range(1, classes + 1))

check_lacking(chance)
print(", ".join(f"B = {size}: {chance(size, 10):.1%}" for size in (16, 32, 64, 128)))

# %% [markdown]
# With 16 images some class is missing from almost every batch. Statistics *of the batch*, such as those of [batch
# normalisation](../about/glossary.ipynb#gl-batchnorm) or a penalty for lack of variety, see that; it is one reason why GANs are trained with larger batches than
# classifiers of the same size.
#
# ## What to remember
#
# - Bytes `[N, H, W, C]` until the device, floats in [-1, 1] after it; round and clip on the way back; never convert twice.
# - Check what a file promises against what it holds, and say *what* is wrong before "the checksum differs".
# - A data set has a checksum, and a result without one is a rumour.
# - A batch is a random sample. Its mean is right on average and off by std/√B. Shuffle every epoch, drop the short end.
#
# **What goes wrong in practice, and how to see it.** Samples look fine but the discriminator's accuracy is 100 % from
# the first step: compare `min` and `max` of a real and a fake batch, they are in different ranges. Pictures look like
# noise though the file is right: height, width and channels are in another order; draw one image first. The classes
# come out wrong: labels are offset, so print a few pictures beside their labels. All batches look alike: print
# `bincount` of the labels of the first three. The warning about garments scrolled by: `gan-course datasets` says what is
# there, and the name of the data set stands in `metrics.json` and on every figure.
#
# **References.** H. Xiao, K. Rasul, R. Vollgraf [-@xiao2017fashion], *Fashion-MNIST: a novel image dataset for benchmarking machine learning
# algorithms*, [arXiv:1708.07747](https://arxiv.org/abs/1708.07747). J. Salmon et al. [-@salmon2011philox], *Parallel random numbers: as
# easy as 1, 2, 3*, which describes Philox. NumPy's promise about random streams:
# [NEP 19](https://numpy.org/neps/nep-0019-rng-policy.html). Ranges in HTTP:
# [RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14).
