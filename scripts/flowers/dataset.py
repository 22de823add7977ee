# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Photographs
#
# > 3,670 pictures of flowers: read once, held out by name, changed on the way, and credited
#
# - skip_showdoc: true
# - order: 47

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/flowers/dataset.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/flowers/dataset.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/flowers/dataset.ipynb) · [API](../about/api.ipynb#flowers-dataset)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[flowers]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** turn a folder of photographs into batches and survive what folders of photographs contain, hold some out by a rule
# that nobody can forget, and see which augmentations a generator would learn to imitate.
#
# **You need** [Data sets](../foundations/datasets.ipynb) and [A number for the samples](../foundations/evaluate.ipynb). **It takes** twenty minutes.

# %%
#| default_exp flowers.dataset

# %%
#| exports
from gan_course.flowers.config import CONFIG # first: it chooses Keras's backend

import hashlib
import io
import re
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError

from gan_course.basics import CourseError
from gan_course.datasets import Dataset, NotAvailable, data_root, reachable
from gan_course.flowers.blossoms import load_blossoms
from gan_course.runs import cores

# %%

from gan_course.basics import budget
from gan_course.datasets import to_float
from gan_course.evaluate import PixelFrechet
from gan_course.figures import image_grid

# %% [markdown]
# The data set [`tf_flowers`](https://www.tensorflow.org/datasets/catalog/tf_flowers) has 3,670 photographs of daisies, dandelions, roses, sunflowers and tulips, which
# people have put on Flickr under a licence (CC BY 2.0) that lets us use them if we name them. They are named, one by one, in the file `LICENSE.txt` that lies beside the
# photographs, in every copy of the data; [the archive](http://download.tensorflow.org/example_images/flower_photos.tgz) brings it along. Whoever passes the pictures on
# passes this file on.
#
# ## Two ways to the same pictures
#
# `tfds.load("tf_flowers", split="train")` downloads them once and keeps them in its own format. And `tfds.ImageFolder` reads a folder `train/<class>/<file>.jpg`, such
# as `$GAN_COURSE_DATA/tf_flowers`, where the network is closed. We ask the first not to decode, and read the second's folder ourselves: then we have the bytes of each file, and *we* say what
# happens to one that is damaged. `tfds` would end the whole training with an error that does not name it.

# %%
#| exports
ADDRESS = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
CREDIT = "photographs of tf_flowers, CC BY 2.0, the photographers are named in LICENSE.txt"

def need_tfds():
    "The package TensorFlow Datasets, imported only now. `CourseError` where it is not installed."
    try: import tensorflow_datasets as tfds
    except ImportError:
        raise CourseError("the photographs need TensorFlow Datasets; pip install "
                          "tensorflow-datasets, "
                          "or choose --dataset blossoms") from None
    return tfds

def read_folder(folder): # with train/<class>/<file>
    """Names, bytes and labels of all pictures in a folder, and the names of the classes: as
    `tfds.ImageFolder` finds them, and a few kinds of files more."""
    folder = Path(folder)
    def seen(place): return sorted(p for p in place.iterdir() if not p.name.startswith("."))
    try:
        classes = ([p for p in seen(folder/"train") if p.is_dir()]
                   if (folder/"train").is_dir() else [])
        if not classes:
            loose = [p.name for p in seen(folder) if p.is_dir() and p.name != "train"]
            hint = (f"move {', '.join(loose[:5])} into {folder/'train'}" if loose
                    else f"it should hold {folder/'train'/'<class>'/'<file>.jpg'}")
            raise CourseError(f"{folder} holds no classes: {hint}")
        found = []
        for label, place in enumerate(classes):
            files = [p for p in seen(place) if p.suffix.lower() in SUFFIXES]
            if not files:
                raise CourseError(f"there are no pictures in {place}; remove the folder, or "
                                  "copy the data again")
            found += [(f"{place.name}/{p.name}", p.read_bytes(), label) for p in files]
    except OSError as error:
        raise CourseError(f"cannot read {error.filename or folder}: {error.strerror or error}; "
                          "check what stands there and its permissions") from None
    return found, tuple(place.name for place in classes)

def read_tfds(data_dir=None): # where `tfds` keeps its data; None: its own place
    """The same from `tfds.load`, which downloads if it has to. Its names are the numbers of the
    examples."""
    tfds = need_tfds()
    where = Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()/"tf_flowers"
    there = any(where.glob("*/dataset_info.json"))
    if not there:
        _, failed = reachable([ADDRESS])
        if failed: raise NotAvailable(
            f"tf_flowers is not in {where}, and {ADDRESS} cannot be reached ({failed[ADDRESS]}); "
            "connect to the internet, put the pictures into "
            f"{where/'train'/'<class>'/'<file>.jpg'} and give its folder as --data-dir, or "
            "choose --dataset blossoms")
    try:
        pictures, info = tfds.load("tf_flowers", split="train", data_dir=data_dir, with_info=True,
                                   decoders=dict(image=tfds.decode.SkipDecoding()),
                                   read_config=tfds.ReadConfig(add_tfds_id=True))
        found = [(p["tfds_id"].decode(), p["image"], int(p["label"]))
                 for p in pictures.as_numpy_iterator()]
        names = info.features["label"].names
    except Exception as error: # what is damaged can fail anywhere in it
        why = " ".join(re.sub(r"\{\{.*?\}\}", "", str(error)).split())[:120]
        if there:
            raise CourseError(f"the copy of tf_flowers in {where} is damaged or incomplete "
                              f"({why}); remove it, and let it be downloaded again") from None
        raise CourseError(f"tf_flowers could not be downloaded ({why}); try again, or "
                          "choose --dataset blossoms") from None
    if not found:
        raise CourseError(f"the copy of tf_flowers in {where} is empty; remove it, and let it "
                          "be downloaded again")
    return found, tuple(names)


# %% [markdown]
# ## Hold some out, by name
#
# To see whether the [discriminator](../about/glossary.ipynb#gl-discriminator) learns photographs [by heart](../about/glossary.ipynb#gl-memorising) we need some that it never sees. Which ones? A random tenth depends on a [seed](../about/glossary.ipynb#gl-seed), on the order in which files
# are listed, on how many there are. Next year somebody adds a photograph, and [held-out](../about/glossary.ipynb#gl-held-out) ones wander into the training set without a word. So the rule looks at nothing
# but the *file name*: its sha256, as a number, modulo 10. **Think first:** what can go wrong with the first letter of the name instead?

# %%
#| exports
def held_out(name): # of a file, with or without folders
    "Whether a photograph is kept for evaluation: one in ten, by its file name only."
    return int(hashlib.sha256(Path(name).name.encode()).hexdigest(), 16) % 10 == 0


# %%
# NBVAL_CHECK_OUTPUT
names = [f"{i:09d}.jpg" for i in range(10_000)]
print(sum(map(held_out, names)), "of 10,000;", held_out("daisy/100080576_f52e8ee070_n.jpg"),
      held_out("100080576_f52e8ee070_n.jpg"))


# %% [markdown]
# ## One square
#
# Photographs come in all shapes and modes: grey, with a palette, with transparency, turned on their side by a note in the file. Each becomes a square of colours: turned
# upright, put on white where it is transparent, cropped to the middle, made smaller with a filter that looks at all pixels.

# %%
#| exports
def decode(data, # bytes of a JPEG, PNG, GIF, BMP or WebP file
           size, # height and width
    ): # uint8 [size, size, 3]
    "One picture as a square. Raises `ValueError` for bytes that are no whole picture."
    if not data: raise ValueError("it is empty")
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened = ImageOps.exif_transpose(opened) # upright, if a note says how
            if opened.mode.startswith("I;16"):
                opened = Image.fromarray((np.asarray(opened) // 257).astype(np.uint8))
            if opened.has_transparency_data:
                clear = opened.convert("RGBA")
                picture = Image.new("RGBA", clear.size, "white")
                picture.alpha_composite(clear)
                picture = picture.convert("RGB")
            else: picture = opened.convert("RGB")
    except UnidentifiedImageError:
        raise ValueError("an HTML page" if data.lstrip()[:1] == b"<" else "no picture") from None
    except Exception as error: # a damaged file can trip Pillow anywhere
        raise ValueError(" ".join(str(error).split())[:80] or type(error).__name__) from None
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS, box=box))

def square(pictures, # (name, bytes, label) each
           size,
           where="", # they come from, for messages
           most=0.05, # share of damaged pictures that is an error
    ): # uint8 [N, size, size, 3], labels uint8 [N], names
    """Decode all. A damaged picture is skipped with a warning that names it; many are a
    `CourseError`."""
    def attempt(picture):
        try: return decode(picture[1], size)
        except ValueError as error: return f"{picture[0]} ({error})"
    with ThreadPoolExecutor(cores()) as pool: done = list(pool.map(attempt, pictures))
    bad = [d for d in done if isinstance(d, str)]
    if bad:
        what = (f"{len(bad)} of {len(pictures)} pictures {f'in {where} ' if where else ''}cannot "
                f"be decoded: {', '.join(bad[:3])}{', ...' if len(bad) > 3 else ''}")
        if len(bad) > most * len(pictures): raise CourseError(f"{what}; copy the data again")
        warnings.warn(f"{what}; skipped", stacklevel=2)
    good = [(d, p) for d, p in zip(done, pictures) if not isinstance(d, str)]
    if not good: return np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.uint8), []
    return (np.stack([d for d, _ in good]), np.array([p[2] for _, p in good], np.uint8),
            [p[0] for _, p in good])


# %% [markdown]
# Where there is such a folder, `tfds.ImageFolder` sees the same pictures with the same labels:

# %%
folder = data_root()/"tf_flowers"
if (folder/"train").is_dir():
    builder = need_tfds().ImageFolder(str(folder))
    print(builder.info.splits["train"].num_examples, "pictures,",
          ", ".join(builder.info.features["label"].names))
    found, classes = read_folder(folder)
    assert (len(found) == builder.info.splits["train"].num_examples
            and list(classes) == builder.info.features["label"].names)
    print(sum(held_out(name) for name, *_ in found), "of them are held out")


# %%
def saved(mode, colour, kind="PNG", size=(90, 60)):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()

strange = [("grey.jpg", saved("L", 100, "JPEG"), 0),
           ("clear.png", saved("RGBA", (200, 0, 0, 0)), 0),
           ("cmyk.jpg", saved("CMYK", (0, 90, 90, 0), "JPEG"), 0),
           ("torn.jpg", saved("RGB", (9, 9, 9), "JPEG", (600, 600))[:700], 0)]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    images, labels, names = square(strange, 32, most=0.3)
print(said[0].message)
print({name: image[16, 16].tolist() for name, image in zip(names, images)})

# %%
assert images.shape == (3, 32, 32, 3) and names == ["grey.jpg", "clear.png", "cmyk.jpg"]
assert images[1].min() == 255, "what is transparent is white"
try: square(strange, 32)
except CourseError as error: assert "torn.jpg" in str(error)
else: raise AssertionError("a quarter of the pictures is damaged, and nobody cares")


# %% [markdown]
# ## The data set
#
# Now the parts come together in what every loop of the course takes, a `Dataset`. The order is that of the hashed names, so that the first hundred are a mixture of all kinds.
# The [checksum](../about/glossary.ipynb#gl-checksum) is over names and bytes of the files, so it says *which photographs* these are, whatever size they are made.

# %%
#| exports
def load_photographs(split="train", # or test: those that are held out
                     size=64, # height and width
                     data_dir=None, # folder of all data sets; None: see `data_root`
                     limit=None, # only the first so many
    ): # a `Dataset`
    """The photographs of tf_flowers. Raises `NotAvailable` where there are none, `CourseError`
    where they are damaged."""
    if split not in ("train", "test"):
        raise CourseError(f"the split is {split!r}; give train or test")
    if limit is not None and limit < 1:
        raise CourseError(f"a data set of {limit} images was asked for; give 1 or more")
    folder = data_root(data_dir)/"tf_flowers"
    if folder.is_file():
        raise CourseError(f"{folder} is a file where a folder should be; choose "
                          "another data folder")
    of_tfds = any([*folder.glob("*/dataset_info.json"), *folder.glob("3.*/"),
                   *folder.glob("*incomplete*")])
    pictures, classes = (read_folder(folder) if folder.is_dir() and not of_tfds
                         else read_tfds(data_dir and data_root(data_dir)))
    order = sorted((hashlib.sha256(Path(name).name.encode()).hexdigest(), name, data, label)
                   for name, data, label in pictures
                   if held_out(name) == (split == "test"))
    digest = hashlib.sha256()
    for _, name, data, _ in order: digest.update(f"{name} {len(data)}\n".encode() + data)
    checksum = digest.hexdigest()
    if limit is not None and limit < len(order):
        order, checksum = order[:limit], f"{checksum}[:{limit}]"
    images, labels, _ = square([rest for _, *rest in order], size, folder)
    return Dataset("tf_flowers", split, images, labels, classes, checksum)

def load_images(config=CONFIG, split="train", limited=True):
    """The data set that a `Config` asks for, as a `Dataset`; for `auto` blossoms as a last resort,
    with a warning."""
    limit = config.limit if limited else None
    if config.dataset != "blossoms":
        try: return load_photographs(split, config.input_size, config.data_dir, limit)
        except NotAvailable as error:
            if config.dataset != "auto": raise
            bar = "!" * 78
            print(f"{bar}\n!! The photographs of tf_flowers are not there; flowers drawn by rule, "
                  f"blossoms, take their place.\n!! {error}\n{bar}", file=sys.stderr)
    return load_blossoms(split, config.input_size, limit)


# %%
config = CONFIG.replace(limit=budget(full=None, fast=500))
train, test = (load_images(config, split) for split in ("train", "test"))
print(train, test, sep="\n")
print({name: int(count)
       for name, count in zip(train.classes, np.bincount(train.labels, minlength=5))})

# %%
#| label: fig-photographs
#| fig-cap: "The first thirty photographs of the training set, in the order of their hashed names."
#| fig-alt: "Thirty small square photographs in three rows of ten: white daisies, yellow dandelions, red and pink roses, sunflowers and tulips, near and far, on meadows, in front of sky, in gardens, some with insects or people."
image_grid(train.images[:30], columns=10, scale=1,
           caption=f"{train.name}, train images 0 to 29"
           + (f"; {CREDIT}" if train.name == "tf_flowers" else ""))

# %%
assert train.images.shape[1:] == (64, 64, 3) and set(train.labels) == {0, 1, 2, 3, 4}
seen = {image.tobytes() for image in train.images}
doubles = sum(image.tobytes() in seen for image in test.images)
print(f"{len(train) - len(seen)} training images are there twice, bit for bit; {doubles} of the "
      "held-out ones are among the training images")

# %% [markdown]
# A rule by file name is safe against everything but this: the same photograph under two names. Compare the pictures, not the names, before you trust a held-out set. Here
# is how far the held-out photographs are from those for training, in the distance that runs of this chapter report; no [generator](../about/glossary.ipynb#gl-generator) needs to be better:

# %%
frechet = PixelFrechet(train.images)
print(f"held-out photographs: {frechet.distance(test.images):.2f}; as many training photographs: "
      f"{frechet.distance(train.images[:len(test)]):.2f}")

# %% [markdown]
# ## Changed copies
#
# A classifier is shown each photograph in many versions. `augment_data` is what tutorials do: a little larger and cropped, mirrored, brighter or darker, with more or less contrast. With
# a seed it draws the same again, which a run that is to be [resumed](../about/glossary.ipynb#gl-resume) needs.

# %%
#| exports
ENLARGED, BRIGHTER, CONTRAST = 1.12, 0.2, 0.2 # how far `augment_data` goes

def augment_data(image, # float [H, W, C] in [-1, 1]
                 label, # passed on
                 seed=None, # int [2]; None: by chance
    ): # image and label
    "Resized and cropped, mirrored, brightness and contrast changed; in [-1, 1] again."
    if seed is None: seed = tf.random.uniform((2,), maxval=2**31 - 1, dtype=tf.int32)
    def of(draw): return tf.random.experimental.stateless_fold_in(seed, draw)
    h, w, c = image.shape
    larger = tf.image.resize(image, (round(h * ENLARGED), round(w * ENLARGED)))
    image = tf.image.stateless_random_crop(larger, (h, w, c), of(0))
    image = tf.image.stateless_random_flip_left_right(image, of(1))
    image = tf.image.stateless_random_brightness(image, 2 * BRIGHTER, of(2)) # of a range of 2
    image = tf.image.stateless_random_contrast(image, 1 - CONTRAST, 1 + CONTRAST, of(3))
    return tf.clip_by_value(image, -1, 1), label


# %%
one = tf.constant(to_float(train.images[:6]))
versions = [one] + [tf.stack([augment_data(image, 0, (row, i))[0] for i, image in enumerate(one)])
                    for row in range(3)]

# %%
#| label: fig-augmented
#| fig-cap: "Six photographs, and three versions of each by augment_data."
#| fig-alt: "Four rows of six small photographs of flowers. Below the first row each appears three times more, a little enlarged, some mirrored, some clearly darker or paler."
image_grid(np.concatenate(versions), columns=6, scale=1,
           caption=f"{train.name}, train images 0 to 5")

# %%
assert (np.array_equal(augment_data(one[0], 3, (1, 2))[0], augment_data(one[0], 3, (1, 2))[0])
        and augment_data(one[0], 3)[1] == 3)
assert not np.array_equal(augment_data(one[0], 3, (1, 2))[0], augment_data(one[0], 3, (1, 3))[0])


# %% [markdown]
# ## Which of them leak?
#
# A generator imitates the distribution that the discriminator is shown as real. So ask of each change: does it alter the *distribution*? Measure with statistics that each is about: the mean
# brightness, whose spread between images grows; the contrast within an image; and how the two halves compare. **Predict** which numbers move.

# %%
def statistics(x): # float [N, H, W, C]
    return dict(brightness=x.mean((1, 2, 3)).std(), contrast=x.std((1, 2, 3)).std(),
                sharpness=np.abs(np.diff(x, axis=2)).mean(),
                left=(x[:, :, :x.shape[2] // 2].mean() - x[:, :, x.shape[2] // 2:].mean()))

def each(change, x): return np.stack([change(image, (7, i)) for i, image in enumerate(x)])
def cropped(image, seed):
    return tf.image.stateless_random_crop(tf.image.resize(image,
                                                          [round(image.shape[0] * ENLARGED)] * 2),
                                          image.shape, seed)

def brighter(image, seed):
    return tf.image.stateless_random_brightness(image, 2 * BRIGHTER, seed)

def starker(image, seed):
    return tf.image.stateless_random_contrast(image, 1 - CONTRAST, 1 + CONTRAST, seed)

changes = dict(resize=cropped, mirror=tf.image.stateless_random_flip_left_right,
               brightness=brighter, contrast=starker)
x = to_float(train.images[:500])
found = ({"as they are": statistics(x), "held out": statistics(to_float(test.images[:500]))}
         | {name: statistics(each(change, x)) for name, change in changes.items()})
for name, row in found.items():
    print(f"{name:12}" + "".join(f"{key} {value:6.3f}   " for key, value in row.items()))

# %%
assert found["brightness"]["brightness"] > 1.1 * found["as they are"]["brightness"], (
    "a tint is a new kind of picture")
assert found["resize"]["sharpness"] < found["as they are"]["sharpness"], (
    "what is enlarged is softer")
assert np.isclose(found["mirror"]["brightness"], found["as they are"]["brightness"])


# %% [markdown]
# Brightness widens the spread of brightness, contrast that of contrast, and enlarging takes away sharpness: a generator that is trained on `augment_data` will make tinted and
# soft flowers, because that is what it is asked for. Only mirroring changes next to nothing: a mirrored flower is a flower. In the [lab](gan_flowers.ipynb) you find these numbers again, in the samples.
# [The next but one lesson](augment.ipynb) removes the [leak](../about/glossary.ipynb#gl-leak).
#
# ## Batches
#
# `load_data` is the pipeline for everybody who wants to train something of their own on these photographs. They were decoded once, above, and lie in memory as bytes, a quarter of what floats would
# take. What is drawn by chance comes after what is always the same.

# %%
#| exports
def load_data(split="train", # or test
              augment=False, # change each image by `augment_data`, anew in each epoch
              batch_size=None, # by default that of the configuration
              config=CONFIG, # says which data set, which size
              seed=0, # of the order, and of the changes
    ): # a `tf.data.Dataset` of float32 images [B, H, W, 3] in [-1, 1] and int64 labels [B]
    "The flowers as a pipeline: decoded once, shuffled anew in each epoch, batched, prefetched."
    dataset, batch_size = load_images(config, split), batch_size or config.batch_size
    if len(dataset) < batch_size:
        raise CourseError(f"{dataset.name} has {len(dataset)} images and batch_size is "
                          f"{batch_size}: not one full batch; lower batch_size or raise limit")
    def scaled(image, label):
        return tf.cast(image, tf.float32) / 127.5 - 1, tf.cast(label, tf.int64)
    data = tf.data.Dataset.from_tensor_slices((dataset.images, dataset.labels))
    data = data.shuffle(len(dataset), seed=seed).map(scaled)
    if augment:
        # new ones in each epoch, whatever else was seeded
        seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).batch(2)
        data = tf.data.Dataset.zip(data,
                                   seeds).map(lambda image, number: augment_data(*image, number),
                                              num_parallel_calls=tf.data.AUTOTUNE)
    return data.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


# %%
images, labels = next(iter(load_data(augment=True, batch_size=32,
                                     config=CONFIG.replace(limit=200))))
images.shape, images.dtype, labels.shape

# %%
assert images.shape == (32, 64, 64, 3) and float(tf.reduce_max(tf.abs(images))) <= 1


# %% [markdown]
# The training loop does not use it. A run that is to be resumed bit for bit must know which images [batch](../about/glossary.ipynb#gl-batch) 17 of [epoch](../about/glossary.ipynb#gl-epoch) 5 holds without having made the 16 before, and how each is changed. So
# the loop's batches are computed: a permutation from the seed and the epoch, and `augment_data` with seeds of its own.

# %%
#| exports
class Batches:
    "A data set, and its batches in a new order each epoch."
    def __init__(self, dataset, batch_size, seed=0):
        if len(dataset) < batch_size:
            raise CourseError(f"{dataset.name} has {len(dataset)} images and "
                              f"batch_size is {batch_size}: "
                              "not one full batch; lower batch_size or raise limit")
        self.images, self.num = tf.constant(dataset.images), len(dataset)
        self.batch_size, self.seed = batch_size, seed
        self.epoch, self.order = None, None

    def __len__(self):
        "Full batches in an epoch."
        return self.num // self.batch_size

    def index(self, epoch, step): # both from 0
        "The numbers of a batch's images, int32 [batch_size]."
        if not 0 <= step < len(self): raise IndexError(f"step {step} of an epoch of {len(self)}")
        if epoch != self.epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self.order, self.epoch = rng.permutation(self.num).astype(np.int32), epoch
        return self.order[step * self.batch_size:(step + 1) * self.batch_size]

    def pick(self, index, # int32 [B]
             seed=None, # int [2]: change each image by `augment_data`; None: leave them
        ):
        "Real images, float32 [B, H, W, C] in [-1, 1]. For use inside a `tf.function`."
        x = tf.cast(tf.gather(self.images, index), tf.float32) / 127.5 - 1
        if seed is None: return x
        def one(pair):
            image, place = pair
            own = tf.random.experimental.stateless_fold_in(seed, tf.cast(place, tf.int64))
            return augment_data(image, 0, own)[0]
        return tf.map_fn(one, (x, tf.range(self.batch_size)),
                         fn_output_signature=tf.TensorSpec(x.shape[1:], tf.float32))


# %%
batches = Batches(train, 50)
whole = np.concatenate([batches.index(3, step) for step in range(len(batches))])
assert len(set(whole)) == len(whole) == len(batches) * 50, "every image at most once in an epoch"
assert (np.array_equal(batches.index(3, 1), Batches(train, 50).index(3, 1))
        and not np.array_equal(batches.index(3, 1), batches.index(4, 1)))
a, b = (batches.pick(batches.index(0, 0), (0, 5)) for _ in range(2))
assert np.array_equal(a, b) and a.shape == (50, 64, 64, 3)

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.flowers_dataset import check_brighter, check_is_test


# %% [markdown]
# ### 1. A fifth, by name
#
# Write `is_test(name, share)`: whether a photograph belongs to the held-out share, from 0 to 1, by its file name without folders. The shares must nest: what is held out with
# `share=0.1` is held out with 0.2 too. Compare a number made of the hash with the share.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def is_test(name, share):
    number = int(hashlib.sha256(Path(name).name.encode()).hexdigest()[:8], 16) / 16**8 # in [0, 1)
    return number < share

check_is_test(is_test)


# %% [markdown]
# ### 2. Brighter, not darker
#
# Write `brighter(image, seed, most=0.2)` for an image in $[-1, 1]$: it adds a number drawn evenly from 0 to `2 * most` (the range is 2 wide, so `most` is a share of it), the same for all pixels, and keeps the result
# in $[-1, 1]$. The same seed draws the same.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def brighter(image, seed, most=0.2):
    return tf.clip_by_value(image + tf.random.stateless_uniform((), seed, 0.0, 2 * most), -1, 1)

check_brighter(brighter)

# %% [markdown]
# ## What to remember
#
# - Decode once, keep bytes, and put what is random after what is not.
# - A damaged file is named, counted, and skipped; many are an error. A training that dies of one photograph in its third hour has been badly prepared.
# - Held-out images are chosen by a rule on their names, and the rule cannot see doubles.
# - What changes the distribution of real images is learnt by the generator. Measure statistics of the augmented images before you train on them.
#
# **What goes wrong in practice, and how you see it.**
#
# - *The held-out loss is as good as the training loss, and samples are copies*: doubles across the split.
# - *The first epoch takes five times as long as the others*: it decodes. If all do, so does every epoch.
# - *Samples with washed-out colours*: look at the brightness statistics of samples and of photographs.
# - *Black squares among the batches*: transparent pictures put on black.
#
# **References.** The TensorFlow Team [-@tensorflow2019flowers], *Flowers* (the data set, and the photographers whose names it carries). Karras et al. [-@karras2020ada], *Training generative adversarial networks with
# limited data* (leaks).
