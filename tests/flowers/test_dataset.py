"Photographs: what folders of them contain, which are held out, and what a network gets to see of them."
import gan_course.flowers.config # first: it chooses Keras's backend

import hashlib
import importlib.resources
import importlib.util
import io
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan_course.basics import CourseError
from gan_course.datasets import Dataset, NotAvailable
from gan_course.flowers import dataset as module
from gan_course.flowers.blossoms import KINDS, blossoms
from gan_course.flowers.config import Config
from gan_course.flowers.dataset import (
    ADDRESS, BRIGHTER, CONTRAST, ENLARGED, Batches, augment_data, decode, held_out, load_data, load_images, load_photographs, read_folder,
    read_tfds, square)

HTML = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"


def saved(colour=(200, 100, 50), size=(40, 30), kind="JPEG", mode="RGB", **more):
    "The bytes of a file of one colour."
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **more)
    return file.getvalue()


def picture(pixels, kind="PNG", **more):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **more)
    return file.getvalue()


def put(root, files):
    for name, data in files.items():
        path = root/name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def photographs(n=60, kind="PNG"):
    "Files of a little data set, no two alike."
    rng = np.random.default_rng(0)
    return {f"train/{'abc'[i % 3]}/{i:04d}.{kind.lower()}": picture(rng.integers(0, 256, (12 + i % 5, 14, 3), dtype=np.uint8), kind) for i in range(n)}


def one_line(error, *words):
    text = str(error.value)
    assert "\n" not in text and 20 < len(text) < 600
    for word in words: assert str(word) in text, f"{word!r} is not in {text!r}"
    return text


def names_in(root): return sorted(name for name, *_ in read_folder(root)[0])


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    "Nobody knocks at the door of a server, and no photographs lie about."
    monkeypatch.setattr(module, "reachable", lambda addresses: ([], {a: "there is no network" for a in addresses}))
    monkeypatch.delenv("GAN_COURSE_DATA", raising=False)


@pytest.fixture
def data(tmp_path):
    "A folder of data sets, in which one is a little `tf_flowers`."
    put(tmp_path/"data"/"tf_flowers", photographs())
    return tmp_path/"data"


# --- a folder ---

def test_a_folder(tmp_path):
    files = photographs(10) | {"train/b/last.JPG": saved(), "train/c/x.jpeg": saved(), "LICENSE.txt": b"who took them", "train/notes.txt": b"x"}
    found, classes = read_folder(put(tmp_path/"flowers", files))
    assert classes == ("a", "b", "c") and len(found) == 12
    for name, data, label in found:
        assert data == files[f"train/{name}"] and classes[label] == name[0] and isinstance(label, int)


def test_names_and_folders_with_strange_letters(tmp_path):
    root = put(tmp_path/"blümen [1] *", {"train/gänse blume/1 ü.jpg": saved(), "train/gänse blume/2 #.jpg": saved()})
    found, classes = read_folder(root)
    assert sorted(name for name, *_ in found) == ["gänse blume/1 ü.jpg", "gänse blume/2 #.jpg"] and classes == ("gänse blume",)


def test_a_folder_next_to_us(tmp_path, monkeypatch):
    put(tmp_path/"flowers", photographs(3))
    monkeypatch.chdir(tmp_path)
    assert names_in("flowers") == ["a/0000.png", "b/0001.png", "c/0002.png"]


@pytest.mark.parametrize("files,hint", [
    ({"daisy/1.jpg": b"", "rose/2.jpg": b""}, "holds no classes: move daisy, rose into {root}/train"),
    ({}, "holds no classes: it should hold {root}/train/<class>/<file>.jpg"),
    ({"1.jpg": b""}, "it should hold {root}/train/<class>/<file>.jpg"),
    ({"train/1.jpg": b""}, "it should hold {root}/train/<class>/<file>.jpg"),
    ({"train": b"a file"}, "it should hold {root}/train/<class>/<file>.jpg")])
def test_no_classes(tmp_path, files, hint):
    (tmp_path/"flowers").mkdir()
    with pytest.raises(CourseError) as error: read_folder(put(tmp_path/"flowers", files))
    one_line(error, hint.format(root=tmp_path/"flowers"))


@pytest.mark.parametrize("empty", ["a", "azalea", "z"])
def test_a_class_without_pictures(tmp_path, empty):
    files = {name: data for name, data in photographs(6).items() if not name.startswith(f"train/{empty}/")}
    root = put(tmp_path/"flowers", files | {f"train/{empty}/notes.txt": b"x"})
    with pytest.raises(CourseError) as error: read_folder(root)
    one_line(error, f"there are no pictures in {root}/train/{empty};", "copy the data again")


def test_no_class_has_pictures(tmp_path):
    for name in "ab": (tmp_path/"flowers"/"train"/name).mkdir(parents=True)
    with pytest.raises(CourseError) as error: read_folder(tmp_path/"flowers")
    one_line(error, f"there are no pictures in {tmp_path}/flowers/train/a")


def test_other_folders_beside_train_change_nothing(tmp_path):
    root = put(tmp_path/"flowers", photographs(6) | {"test/aa/1.jpg": saved(), "validation/zz/1.jpg": saved()})
    found, classes = read_folder(root)
    assert classes == ("a", "b", "c") and len(found) == 6 and all(classes[label] == name[0] for name, _, label in found)


def test_hidden_folders_are_no_classes(tmp_path):
    root = put(tmp_path/"flowers", photographs(6) | {"train/.ipynb_checkpoints/1.jpg": saved(), "train/.empty/.keep": b""})
    found, classes = read_folder(root)
    assert classes == ("a", "b", "c") and len(found) == 6


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP"])
def test_no_picture_is_passed_over_in_silence(tmp_path, kind):
    "`decode` reads it; so it is read, or somebody says that it is not."
    name = f"odd.{kind.lower()}"
    root, said = put(tmp_path/"flowers", photographs(6) | {f"train/a/{name}": saved(kind=kind)}), []
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = names_in(root)
    except CourseError as error: found = [str(error)]
    assert any(name in text for text in [*found, *(str(w.message) for w in said)])


@pytest.mark.parametrize("fault", ["dangling link", "folder"])
def test_a_picture_that_cannot_be_read_is_named(tmp_path, fault):
    root = put(tmp_path/"flowers", photographs(6))
    if fault == "folder": (root/"train"/"b"/"odd.jpg").mkdir()
    else: (root/"train"/"b"/"odd.jpg").symlink_to(tmp_path/"nowhere.jpg")
    with pytest.raises(CourseError) as error: read_folder(root)
    text = one_line(error, f"cannot read {root}", "check what stands there and its permissions")
    assert "odd.jpg" in text and "function_node" not in text


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path/"tf_flowers").write_text("x")
    for name in ("tf_flowers", "auto"):
        with pytest.raises(CourseError) as error: load_images(Config(dataset=name, data_dir=tmp_path))
        one_line(error, f"{tmp_path}/tf_flowers is a file where a folder should be")
        assert not isinstance(error.value, NotAvailable)


# --- nothing there ---

def test_no_network(tmp_path, capsys):
    with pytest.raises(NotAvailable) as error: load_images(Config(dataset="tf_flowers", data_dir=tmp_path))
    one_line(error, f"{tmp_path}/tf_flowers", ADDRESS, "there is no network", "--dataset blossoms", "train/<class>/<file>.jpg")
    assert capsys.readouterr().err == "" and not list(tmp_path.iterdir())


def test_the_message_names_no_folder_that_was_not_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path/"elsewhere"))
    with pytest.raises(NotAvailable) as error: load_photographs(data_dir=tmp_path)
    assert "elsewhere" not in one_line(error, tmp_path/"tf_flowers")


def test_blossoms_as_a_last_resort(tmp_path, capsys):
    config = Config(dataset="auto", data_dir=tmp_path, limit=6, batch_size=2, input_size=32)
    train, test = load_images(config), load_images(config, "test")
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("blossoms, take their place") == 2 and "there is no network" in said.err
    assert (train.name, train.split, len(train), train.images.shape) == ("blossoms", "train", 6, (6, 32, 32, 3))
    assert test.split == "test" and not np.array_equal(train.images, test.images)
    again = load_images(config.replace(dataset="blossoms"))
    assert np.array_equal(again.images, train.images) and capsys.readouterr().err == "", "nothing to warn of who asked for them"


def test_auto_takes_the_photographs_where_they_are(data, capsys):
    assert load_images(Config(dataset="auto", data_dir=data, input_size=32)).name == "tf_flowers" and capsys.readouterr().err == ""


def test_damage_is_no_reason_for_blossoms(tmp_path):
    put(tmp_path/"tf_flowers", {"daisy/1.jpg": saved()})
    with pytest.raises(CourseError, match="move daisy into"): load_images(Config(dataset="auto", data_dir=tmp_path))


def test_the_limit_can_be_waived(data):
    config = Config(dataset="tf_flowers", data_dir=data, input_size=32, limit=4, batch_size=4)
    assert len(load_images(config)) == 4 < len(load_images(config, limited=False)) > 40


def test_without_tfds(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    for use in (lambda: load_photographs(data_dir=tmp_path/"no"), lambda: load_images(Config(data_dir=tmp_path/"no"))):
        with pytest.raises(CourseError) as error: use()
        one_line(error, "pip install tensorflow-datasets", "--dataset blossoms")
    assert len(load_photographs(data_dir=data)), "a folder needs no tfds"


def test_imagefolder_sees_the_same(data):
    import tensorflow_datasets as tfds
    builder = tfds.ImageFolder(str(data/"tf_flowers"))
    pictures = builder.as_dataset(split="train", decoders=dict(image=tfds.decode.SkipDecoding())).as_numpy_iterator()
    theirs = sorted((Path(p["image/filename"].decode()).relative_to(data/"tf_flowers"/"train").as_posix(), p["image"], int(p["label"])) for p in pictures)
    found, classes = read_folder(data/"tf_flowers")
    assert sorted(found) == theirs and list(classes) == builder.info.features["label"].names


# --- what tfds has prepared ---

NAMES = ("dandelion", "daisy", "tulips", "sunflowers", "roses") # in the order of tfds


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    "What `tfds` leaves behind when it has downloaded a `tf_flowers` of 40 pictures."
    import tensorflow_datasets as tfds
    root, rng = tmp_path_factory.mktemp("tfds"), np.random.default_rng(1)
    files = [(f"{i}.jpg", dict(image=io.BytesIO(picture(rng.integers(0, 256, (16, 20, 3), dtype=np.uint8), "JPEG")), label=NAMES[i % 5])) for i in range(40)]
    with pytest.MonkeyPatch.context() as patch:
        if "importlib_resources" not in sys.modules: patch.setitem(sys.modules, "importlib_resources", importlib.resources)
        builder = tfds.builder("tf_flowers", data_dir=root)
        patch.setattr(type(builder), "_split_generators", lambda self, downloads: {"train": iter(files)})
        builder.download_and_prepare()
    return root


def test_a_prepared_copy(prepared):
    found, classes = read_tfds(prepared)
    assert classes == NAMES and len(found) == 40 and np.bincount([label for *_, label in found]).tolist() == [8] * 5
    assert len({name for name, *_ in found}) == 40 and all(re.fullmatch(r"tf_flowers-train\.tfrecord-00000-of-00001__\d+", name) for name, *_ in found)
    assert all(data[:2] == b"\xff\xd8" and Image.open(io.BytesIO(data)).size == (20, 16) for _, data, _ in found)
    assert read_tfds(prepared) == (found, classes)


def test_a_prepared_copy_is_a_data_set(prepared):
    "A second call, after the first has downloaded."
    train, test = (load_photographs(split, 32, prepared) for split in ("train", "test"))
    assert train.classes == NAMES and len(train) + len(test) == 40 and len(test) >= 1


DAMAGE = {
    "truncated": lambda folder, record: record.write_bytes(record.read_bytes()[:-500]),
    "empty": lambda folder, record: record.write_bytes(b""),
    "flipped": lambda folder, record: record.write_bytes(record.read_bytes()[:300] + b"\xff\xff" + record.read_bytes()[302:]),
    "gone": lambda folder, record: record.unlink(),
    "info cut": lambda folder, record: (folder/"dataset_info.json").write_text("{"),
    "info empty": lambda folder, record: (folder/"dataset_info.json").write_text(""),
    "html": lambda folder, record: (folder/"dataset_info.json").write_bytes(HTML)}


@pytest.fixture
def damaged(prepared, tmp_path):
    def make(fault):
        shutil.copytree(prepared, tmp_path/"copy")
        record, = (tmp_path/"copy").rglob("*.tfrecord*")
        DAMAGE[fault](record.parent, record)
        return tmp_path/"copy"
    return make


@pytest.mark.parametrize("fault", DAMAGE)
def test_a_damaged_copy(damaged, fault):
    root = damaged(fault)
    with pytest.raises(CourseError) as error: read_tfds(root)
    one_line(error, f"the copy of tf_flowers in {root}/tf_flowers is", "remove it, and let it be downloaded again")
    assert not isinstance(error.value, NotAvailable)


def test_the_message_is_about_the_file_and_not_about_tensorflow(damaged):
    with pytest.raises(CourseError) as error: read_tfds(damaged("truncated"))
    assert "function_node" not in one_line(error, "truncated")


def test_an_interrupted_download_is_no_copy(prepared, tmp_path):
    for name in ("3.0.1", "incomplete.AB12CD_3.0.1"): (tmp_path/"tf_flowers"/name).mkdir(parents=True)
    with pytest.raises(NotAvailable) as error: read_tfds(tmp_path)
    one_line(error, "there is no network")
    with pytest.raises(NotAvailable) as error: load_photographs(data_dir=tmp_path)
    one_line(error, "there is no network")


def test_a_download_that_fails_is_not_called_damage(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds
    def load(*args, **kwargs): raise ConnectionError("the connection was reset")
    monkeypatch.setattr(tfds, "load", load)
    monkeypatch.setattr(module, "reachable", lambda addresses: (addresses, {}))
    with pytest.raises(CourseError) as error: read_tfds(tmp_path)
    text = one_line(error, "the connection was reset")
    assert "damaged" not in text and "remove it" not in text, "there is nothing to remove"


def test_a_download_could_begin():
    assert importlib.util.find_spec("importlib_resources"), "tensorflow-datasets imports it when a download begins, and does not bring it along"


# --- which are held out ---

def test_held_out_by_the_name_of_the_file_only():
    names = [f"{i:09d}.jpg" for i in range(5000)]
    kept = [held_out(name) for name in names]
    assert 430 < sum(kept) < 570
    assert [held_out(f"some/where/{name}") for name in names[:300]] == [held_out(Path("daisy")/name) for name in names[:300]] == kept[:300]
    assert held_out("a.jpg") == (int(hashlib.sha256(b"a.jpg").hexdigest(), 16) % 10 == 0)


def test_train_and_test_are_disjoint_and_complete(data):
    train, test = (load_photographs(split, 32, data) for split in ("train", "test"))
    files = photographs()
    assert len(test) == sum(map(held_out, files)) > 2 and len(train) + len(test) == len(files)
    wanted = {decode(file, 32).tobytes(): (held_out(name), "abc".index(name.split("/")[1])) for name, file in files.items()}
    assert len(wanted) == len(files)
    for part, out in ((train, False), (test, True)):
        assert [wanted.pop(image.tobytes()) for image in part.images] == [(out, label) for label in part.labels]
        assert part.images.dtype == part.labels.dtype == np.uint8 and part.images.shape == (len(part), 32, 32, 3)
        assert part.classes == ("a", "b", "c") and part.name == "tf_flowers"
    assert not wanted and train.split == "train" and test.split == "test" and train.checksum != test.checksum


def test_more_photographs_and_other_classes_move_none(data):
    before = {image.tobytes() for image in load_photographs("test", 32, data).images}
    files = photographs(200)
    put(data/"tf_flowers", files)
    shutil.move(data/"tf_flowers"/"train"/"b", data/"tf_flowers"/"train"/"z")
    after = {image.tobytes() for image in load_photographs("test", 32, data).images}
    assert before < after and len(after) == sum(map(held_out, files))


def test_order_and_checksum_do_not_depend_on_the_listing(data, monkeypatch):
    first = load_photographs("train", 32, data)
    found, classes = read_folder(data/"tf_flowers")
    for order in (found[::-1], sorted(found), [found[i] for i in np.random.default_rng(0).permutation(len(found))]):
        monkeypatch.setattr(module, "read_folder", lambda folder: (order, classes))
        again = load_photographs("train", 32, data)
        assert again.checksum == first.checksum and np.array_equal(again.images, first.images) and np.array_equal(again.labels, first.labels)


def test_the_checksum(data):
    "It is of the files: not of the size of the pictures, not of the folder's name; and one byte is enough."
    first = load_photographs("train", 32, data)
    assert re.fullmatch(r"[0-9a-f]{64}", first.checksum) and load_photographs("train", 64, data).checksum == first.checksum
    moved = shutil.move(data, data.parent/"moved")
    assert load_photographs("train", 32, moved).checksum == first.checksum
    path = next(p for p in sorted((moved/"tf_flowers").rglob("*.png")) if not held_out(p))
    path.write_bytes(path.read_bytes() + b"\0")
    changed = load_photographs("train", 32, moved)
    assert changed.checksum != first.checksum and np.array_equal(changed.images, first.images)


def test_two_photographs_of_one_name(tmp_path):
    put(tmp_path/"tf_flowers", {f"train/{name}/2.png": saved((i * 50, 0, 0), kind="PNG") for i, name in enumerate("abc")})
    split = "test" if held_out("2.png") else "train"
    found = load_photographs(split, 32, tmp_path)
    assert found.labels.tolist() == [0, 1, 2] and found.images[:, 0, 0, 0].tolist() == [0, 50, 100]
    assert len(load_photographs("train" if split == "test" else "test", 32, tmp_path)) == 0


def test_a_limit_gives_the_first_of_the_whole(data):
    whole = load_photographs("train", 32, data)
    for n in (1, 7, len(whole) - 1):
        part = load_photographs("train", 32, data, limit=n)
        assert np.array_equal(part.images, whole.images[:n]) and np.array_equal(part.labels, whole.labels[:n])
        assert part.checksum == f"{whole.checksum}[:{n}]" == whole.limited(n).checksum and part.fingerprint.endswith(f"[:{n}]")
    for n in (None, len(whole), len(whole) + 1): assert load_photographs("train", 32, data, limit=n).checksum == whole.checksum


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_makes_no_sense(data, limit):
    "As `Dataset.limited` and `load_dataset` say it."
    with pytest.raises(CourseError, match="1 or more"): load_photographs("train", 32, data, limit=limit)


def test_only_what_is_asked_for_is_decoded(data, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "decode", lambda *a: (calls.append(a), decode(*a))[1])
    load_photographs("train", 32, data, limit=5)
    assert len(calls) == 5


@pytest.mark.parametrize("split", ["validation", "", None])
def test_a_split_that_is_none(data, split):
    with pytest.raises(CourseError, match="give train or test"): load_photographs(split, 32, data)


# --- one picture ---

def close(data, colour, size=8, within=3):
    found = decode(data, size)
    assert found.shape == (size, size, 3) and found.dtype == np.uint8
    assert np.abs(found.astype(int) - colour).max() <= within, found[0, 0]


@pytest.mark.parametrize("data,colour", [
    (saved((200, 100, 50)), (200, 100, 50)), (saved((200, 100, 50), kind="PNG"), (200, 100, 50)),
    (saved((200, 100, 50), kind="WEBP", lossless=True), (200, 100, 50)), (saved((200, 100, 50), kind="BMP"), (200, 100, 50)),
    (saved(100, mode="L"), 100), (saved(100, mode="L", kind="PNG"), 100), (saved(1, mode="1", kind="PNG"), 255),
    (saved((0, 255, 255, 0), mode="CMYK"), (255, 0, 0)),
    (saved((200, 0, 0, 0), mode="RGBA", kind="PNG"), 255), (saved((200, 0, 0, 255), mode="RGBA", kind="PNG"), (200, 0, 0)),
    (saved((0, 0, 0, 51), mode="RGBA", kind="PNG"), 204), (saved((50, 0), mode="LA", kind="PNG"), 255),
    (saved((5, 6, 7), kind="PNG", transparency=(5, 6, 7)), 255), (saved((200, 100, 50), (1, 1), "PNG"), (200, 100, 50)),
    (saved((200, 100, 50), (1, 300), "PNG"), (200, 100, 50)), (saved((200, 100, 50), exif=b"Exif\0\0garbage"), (200, 100, 50)),
], ids="jpeg png webp bmp grey-jpeg grey-png one-bit cmyk clear opaque a-fifth grey-clear one-clear-colour 1x1 1x300 bad-exif".split())
def test_kinds_of_files(data, colour): close(data, colour)


def test_a_palette():
    image = Image.new("P", (20, 20), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    for more, colour in ((dict(), (10, 200, 30)), (dict(transparency=1), 255), (dict(transparency=0), (10, 200, 30))):
        file = io.BytesIO()
        image.save(file, "PNG", **more)
        close(file.getvalue(), colour)


def test_sixteen_bits():
    close(picture(np.full((20, 20), 100 * 257, np.uint16)), 100)


def test_the_first_of_an_animation():
    file, frames = io.BytesIO(), [Image.new("RGB", (20, 20), colour) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    close(file.getvalue(), (250, 0, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright(orientation):
    "The picture whose upper left quarter alone is white, however the camera was held."
    upright = np.zeros((64, 64, 3), np.uint8)
    upright[:32, :32] = 255
    turns = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1),
             6: lambda a: np.rot90(a), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a, -1)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(picture(np.ascontiguousarray(turns[orientation](upright)), "JPEG", exif=exif, quality=95), 8).astype(int)
    assert found[1:3, 1:3].min() > 240 and found[5:, :].max() < 15 and found[:, 5:].max() < 15


@pytest.mark.parametrize("wide", [True, False])
def test_the_middle_is_kept(wide):
    pixels = np.zeros((40, 120, 3), np.uint8)
    pixels[:, 40:80] = 200
    found = decode(picture(pixels if wide else pixels.swapaxes(0, 1).copy()), 20).astype(int)
    assert found.min() > 180 and np.abs(found[2:-2, 2:-2] - 200).max() <= 3


def test_smaller_means_the_mean_and_not_one_pixel():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[::2] = 200
    assert np.abs(decode(picture(stripes), 32)[2:-2].astype(int) - 100).max() <= 3


BROKEN = {"zero bytes": b"", "html": HTML, "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "svg": b"<svg></svg>",
          "cut": saved(size=(600, 600))[:700], "cut at the end": picture(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), "JPEG")[:-400],
          "png cut": picture(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))[:-4000], "header": saved()[:20],
          "zeros": bytes(5000), "png header": b"\x89PNG\r\n\x1a\n"}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_no_picture(fault):
    with pytest.raises(ValueError) as error: decode(BROKEN[fault], 16)
    text = str(error.value)
    assert text and "\n" not in text and len(text) < 100


def test_the_message_names_no_address_in_memory():
    with pytest.raises(ValueError) as error: decode(HTML, 16)
    assert "0x" not in str(error.value)


# --- many ---

def numbered(n, bad=()):
    return [(f"a/{i:03d}.jpg", BROKEN["html"] if i in bad else saved((i, 0, 0), kind="PNG"), i % 4) for i in range(n)]


def test_square():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images, labels, names = square(numbered(9), 16)
    assert images.shape == (9, 16, 16, 3) and images[:, 0, 0, 0].tolist() == list(range(9)) and labels.tolist() == [i % 4 for i in range(9)]
    assert images.dtype == labels.dtype == np.uint8 and names == [f"a/{i:03d}.jpg" for i in range(9)]


def test_one_damaged_picture_is_skipped_and_named():
    with pytest.warns(UserWarning) as said: images, labels, names = square(numbered(20, [7]), 16, "the folder")
    text, = [str(w.message) for w in said]
    assert text.startswith("1 of 20 pictures in the folder cannot be decoded: a/007.jpg (") and text.endswith("; skipped") and "\n" not in text
    good = [i for i in range(20) if i != 7]
    assert images[:, 0, 0, 0].tolist() == good and labels.tolist() == [i % 4 for i in good] and len(names) == 19 and "a/007.jpg" not in names


def test_many_damaged_pictures_are_an_error():
    with pytest.raises(CourseError) as error: square(numbered(20, [3, 7]), 16, "the folder")
    one_line(error, "2 of 20 pictures in the folder cannot be decoded", "a/003.jpg", "a/007.jpg", "copy the data again")
    with pytest.raises(CourseError) as error: square(numbered(20, range(6)), 16)
    assert "a/003.jpg" not in one_line(error, "6 of 20 pictures cannot", "a/000.jpg", "a/002.jpg", ", ...")
    with pytest.warns(UserWarning, match="6 of 20"): assert len(square(numbered(20, range(6)), 16, most=0.5)[0]) == 14


def test_nothing_is_a_shape_too():
    images, labels, names = square([], 16)
    assert images.shape == (0, 16, 16, 3) and images.dtype == labels.dtype == np.uint8 and labels.shape == (0,) and names == []


@pytest.mark.parametrize("fault", ["zero bytes", "html", "cut"])
def test_a_damaged_file_in_a_folder(data, fault):
    path = next(p for p in sorted((data/"tf_flowers").rglob("*.png")) if not held_out(p))
    path = path.rename(path.with_suffix(".jpg")) if not held_out(path.with_suffix(".jpg")) else path
    path.write_bytes(BROKEN[fault])
    with pytest.warns(UserWarning) as said: found = load_photographs("train", 32, data)
    text, = [str(w.message) for w in said if "decoded" in str(w.message)]
    assert f"1 of {len(found) + 1} pictures in {data/'tf_flowers'}" in text and f"{path.parent.name}/{path.name} (" in text


def test_a_folder_of_damaged_files(data):
    for path in (data/"tf_flowers").rglob("*.png"): path.write_bytes(HTML)
    with pytest.raises(CourseError) as error: load_photographs("train", 32, data)
    one_line(error, "pictures in", "cannot be decoded", "copy the data again")


# --- augment_data ---

def image(seed=0, size=32): return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (size, size, 3)), tf.float32)


def changed(image, n=400, seed=5):
    "The same image, changed by many seeds."
    @tf.function
    def all_of_them(): return tf.map_fn(lambda i: augment_data(image, 0, tf.stack([seed, i]))[0], tf.range(n), fn_output_signature=tf.float32)
    return all_of_them().numpy()


def test_augmented_images_stay_what_they_are():
    x, label = augment_data(image(), tf.constant(3, tf.int64), (1, 2))
    assert x.shape == (32, 32, 3) and x.dtype == tf.float32 and int(label) == 3 and label.dtype == tf.int64
    found = changed(image(), 50)
    assert found.min() >= -1 and found.max() <= 1 and len({x.tobytes() for x in found}) == 50
    assert augment_data(tf.zeros((48, 40, 1)), 0, (1, 2))[0].shape == (48, 40, 1)


def test_augmentation_is_a_function_of_the_seed():
    a, b, c = (augment_data(image(), 0, seed)[0].numpy() for seed in ((1, 2), (1, 2), (2, 1)))
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert np.array_equal(a, augment_data(image(), 0, tf.constant([1, 2]))[0]) and np.array_equal(a, augment_data(image(), 0, np.array([1, 2]))[0])
    assert not np.array_equal(a, augment_data(image(1), 0, (1, 2))[0])


def test_augmentation_without_a_seed_varies():
    assert len({augment_data(image(), 0)[0].numpy().tobytes() for _ in range(8)}) == 8


def test_augmentation_inside_a_graph():
    inside = tf.function(lambda x, seed: augment_data(x, 0, seed)[0])
    for seed in ((1, 2), (-5, 2**31 - 1)):
        assert np.abs(inside(image(), tf.constant(seed)) - augment_data(image(), 0, seed)[0]).max() < 1e-5
    assert inside.get_concrete_function(tf.TensorSpec((32, 32, 3)), tf.TensorSpec((2,), tf.int32)).output_shapes == (32, 32, 3)


def test_augmentation_inside_a_pipeline():
    images = tf.stack([image(i) for i in range(6)])
    found = list(tf.data.Dataset.from_tensor_slices((images, tf.range(6))).map(augment_data))
    assert [int(label) for _, label in found] == list(range(6)) and all(x.shape == (32, 32, 3) for x, _ in found)
    assert not any(np.array_equal(x, before) for (x, _), before in zip(found, images))


def test_half_are_mirrored():
    ramp = tf.broadcast_to(tf.linspace(-0.4, 0.4, 32)[None, :, None], (32, 32, 3))
    found = changed(ramp)
    rising = found[:, 16, 24, 0] > found[:, 16, 8, 0]
    assert 150 < rising.sum() < 250
    upright = changed(tf.transpose(ramp, (1, 0, 2)), 50)
    assert (upright[:, 24, 16, 0] > upright[:, 8, 16, 0]).all(), "nothing stands on its head"


def test_brightness():
    found = changed(tf.fill((32, 32, 3), 0.1)) - 0.1
    assert np.abs(found - found[:, :1, :1, :1]).max() < 1e-5, "one number for all pixels of an image"
    by, most = found[:, 0, 0, 0], 2 * BRIGHTER
    assert np.abs(by).max() <= most + 1e-5 and by.min() < -0.9 * most and by.max() > 0.9 * most
    assert abs(by.mean()) < 0.05 and abs(by.std() - most / 3**0.5) < 0.03


def test_contrast():
    halves = tf.concat([tf.fill((32, 16, 3), -0.2), tf.fill((32, 16, 3), 0.2)], 1)
    factors = np.ptp(changed(halves), axis=(1, 2, 3)) / 0.4
    assert 1 - CONTRAST - 1e-3 <= factors.min() < 0.83 and 1.17 < factors.max() <= 1 + CONTRAST + 1e-3 and abs(factors.mean() - 1) < 0.03


def test_crop():
    line = np.full((64, 64, 3), -0.5, np.float32)
    line[32] = 0.4
    rows = changed(tf.constant(line))[:, :, 32, 0].argmax(1)
    larger = round(64 * ENLARGED)
    most = larger - 64
    middle = 32.5 * larger / 64 - 0.5
    assert middle - most - 1 <= rows.min() and rows.max() <= middle + 1
    assert most - 1 <= rows.max() - rows.min() <= most + 1 and len(set(rows)) >= most, "every place that there is"


def test_grey_stays_grey():
    found = changed(tf.repeat(image()[..., :1], 3, 2) * 0.5, 50)
    assert np.abs(found - found[..., :1]).max() < 1e-5


# --- the pipeline ---

def config(**more): return Config(**dict(dataset="blossoms", input_size=32, limit=23, batch_size=5) | more)


def epoch(data):
    batches = list(data.as_numpy_iterator())
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


def test_pipeline():
    data = load_data("train", batch_size=5, config=config())
    assert data.element_spec == (tf.TensorSpec((5, 32, 32, 3), tf.float32), tf.TensorSpec((5,), tf.int64))
    assert int(data.cardinality()) == 4 and [x.shape[0] for x, _ in data] == [5] * 4
    images, labels = epoch(data)
    known = {image.tobytes(): label for image, label in zip(*blossoms(23, size=32))}
    back = np.round((images + 1) * 127.5).astype(np.uint8)
    assert -1 <= images.min() < -0.5 and 0.5 < images.max() <= 1
    assert [known.pop(x.tobytes()) for x in back] == labels.tolist() and len(known) == 3, "each at most once, with its own label"


def test_all_bytes_reach_their_floats(monkeypatch):
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    monkeypatch.setattr(module, "load_images", lambda *a: Dataset("x", "train", pixels, np.zeros(1, np.uint8), ("a",), ""))
    (found, _), = load_data(batch_size=1, config=config())
    assert found.numpy().min() == -1 and found.numpy().max() == 1 and np.array_equal(np.round((found.numpy() + 1) * 127.5), pixels)


def test_a_new_order_in_each_epoch_and_the_same_in_each_run():
    runs = [load_data(batch_size=23, config=config(), seed=seed) for seed in (3, 3, 4)]
    (a, b), (c, d), (e, _) = ([epoch(run)[0] for _ in range(2)] for run in runs)
    assert np.array_equal(a, c) and np.array_equal(b, d)
    assert not np.array_equal(a, b) and not np.array_equal(a, e)
    def contents(x): return sorted(image.tobytes() for image in x)
    assert contents(a) == contents(b) == contents(e)


def test_the_test_split_is_another():
    train, test = (epoch(load_data(split, batch_size=23, config=config()))[0] for split in ("train", "test"))
    assert not {x.tobytes() for x in train} & {x.tobytes() for x in test}


def test_decoded_once(data, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "decode", lambda *a: (calls.append(a), decode(*a))[1])
    pipeline = load_data(augment=True, batch_size=8, config=config(dataset="tf_flowers", data_dir=data, limit=None))
    wanted = sum(not held_out(name) for name in photographs())
    for _ in range(2): assert len(epoch(pipeline)[0]) == wanted // 8 * 8
    assert len(calls) == wanted


def test_augmented_anew():
    keras.utils.set_random_seed(0)
    data = load_data(augment=True, batch_size=23, config=config())
    assert data.element_spec == (tf.TensorSpec((23, 32, 32, 3), tf.float32), tf.TensorSpec((23,), tf.int64))
    epochs = [epoch(data) for _ in range(2)]
    plain = epoch(load_data(batch_size=23, config=config()))[0]
    found = [{x.tobytes() for x in images} for images, _ in epochs]
    assert not found[0] & found[1] and not found[0] & {x.tobytes() for x in plain} and all(len(f) == 23 for f in found)
    for images, labels in epochs:
        assert -1 <= images.min() and images.max() <= 1 and np.array_equal(np.bincount(labels), np.bincount(blossoms(23, size=32)[1]))


def test_one_image_is_augmented_anew_in_each_epoch(monkeypatch):
    "Whatever the global seed: what is drawn for the first image of an epoch is not what was drawn for the first of the last one."
    keras.utils.set_random_seed(0)
    one = Dataset("x", "train", *blossoms(1, size=32), KINDS, "")
    monkeypatch.setattr(module, "load_images", lambda *a: one)
    data = load_data(augment=True, batch_size=1)
    assert len({epoch(data)[0].tobytes() for _ in range(4)}) == 4


def test_too_few_images_are_not_an_empty_pipeline():
    with pytest.raises(CourseError, match="not one full batch"): load_data(batch_size=64, config=config())


# --- Batches ---

@pytest.fixture(scope="module")
def few(): return Dataset("blossoms", "train", *blossoms(23, size=32), KINDS, "")


def test_each_image_at_most_once_in_an_epoch(few):
    batches = Batches(few, 5, seed=1)
    assert len(batches) == 4 and batches.num == 23
    for number in range(3):
        parts = [batches.index(number, step) for step in range(4)]
        assert all(part.shape == (5,) and part.dtype == np.int32 for part in parts)
        seen = np.concatenate(parts)
        assert len(set(seen.tolist())) == 20 and 0 <= seen.min() and seen.max() < 23
    whole = Batches(few, 23).index(0, 0)
    assert sorted(whole.tolist()) == list(range(23)) != whole.tolist()


def test_every_image_has_its_turn(few):
    batches = Batches(few, 5)
    counts = np.bincount(np.concatenate([batches.index(number, step) for number in range(60) for step in range(4)]), minlength=23)
    assert counts.min() > 40, "whoever is left out is left out by chance"


def test_batches_are_a_function_of_seed_epoch_and_step(few):
    places = [(number, step) for number in range(3) for step in range(4)]
    a, b = Batches(few, 5, seed=1), Batches(few, 5, seed=1)
    forward = [a.index(*place).tolist() for place in places]
    backward = [b.index(*place).tolist() for place in places[::-1]][::-1]
    assert forward == backward and len({tuple(x) for x in forward}) == 12
    other = Batches(few, 5, seed=2)
    assert forward != [other.index(*place).tolist() for place in places]


@pytest.mark.parametrize("step", [4, -1, 100])
def test_no_such_step(few, step):
    with pytest.raises(IndexError, match=f"step {step} of an epoch of 4"): Batches(few, 5).index(0, step)


def test_not_one_full_batch(few):
    with pytest.raises(CourseError) as error: Batches(few, 24)
    one_line(error, "blossoms has 23 images and batch_size is 24", "lower batch_size or raise limit")
    assert len(Batches(few, 23)) == 1


def test_pick(few):
    batches, index = Batches(few, 5), np.array([3, 0, 22, 3, 7], np.int32)
    found = batches.pick(index).numpy()
    assert found.shape == (5, 32, 32, 3) and found.dtype == np.float32
    assert np.array_equal(found, few.images[index].astype(np.float32) / np.float32(127.5) - 1)
    assert np.abs(tf.function(batches.pick)(index) - found).max() < 1e-6


def test_pick_with_a_seed(few):
    batches, index = Batches(few, 5), np.zeros(5, np.int32)
    a, b, c = (batches.pick(index, tf.constant(seed)).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
    assert a.shape == (5, 32, 32, 3) and a.min() >= -1 and a.max() <= 1 and np.array_equal(a, b)
    assert len({x.tobytes() for x in (*a, *c, batches.pick(index).numpy()[0])}) == 11, "each image of a batch has a change of its own"
    inside = tf.function(batches.pick)
    assert np.abs(inside(index, tf.constant([1, 2])) - a).max() < 1e-5 and inside(index, tf.constant([1, 2])).shape == (5, 32, 32, 3)


# --- the photographs themselves ---

REAL = os.environ.get("GAN_COURSE_DATA", "")


@pytest.fixture(scope="module")
def real():
    folder = Path(REAL)/"tf_flowers"
    if not (REAL and (folder/"train").is_dir()): pytest.skip("needs the photographs of tf_flowers")
    return folder, *read_folder(folder)


def test_the_photographs(real):
    folder, found, classes = real
    assert classes == ("daisy", "dandelion", "roses", "sunflowers", "tulips") and len(found) == 3670
    assert np.bincount([label for *_, label in found]).tolist() == [633, 898, 641, 699, 799]
    assert 330 < sum(held_out(name) for name, *_ in found) < 410 and len({name for name, *_ in found}) == 3670
    licence = (folder/"LICENSE.txt").read_text("utf-8", errors="replace")
    missing = [name for name, *_ in found if Path(name).name not in licence]
    assert len(missing) <= 0.01 * len(found), f"{len(missing)} are not credited: {missing[:3]}"


def test_some_of_the_photographs(real, monkeypatch):
    folder, found, classes = real
    monkeypatch.setattr(module, "read_folder", lambda path: (found, classes))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        part = load_photographs("test", 64, folder.parent, limit=60)
    assert part.images.shape == (60, 64, 64, 3) and 60 < part.images.mean() < 160 and set(part.labels.tolist()) == {0, 1, 2, 3, 4}
    mirrored = np.abs(part.images[:, :, 1:].astype(int) - part.images[:, :, :-1]).mean()
    assert 3 < mirrored < 25, "neighbours are alike, as in photographs"
