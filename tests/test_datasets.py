"""Faults of the data: every one is a single line that helps, and nothing that was there is lost."""
import errno
import functools
import gzip
import hashlib
import http.server
import inspect
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from gan_course import datasets
from gan_course.basics import CourseError
from gan_course.datasets import (CLASSES, FACTORS, GARMENTS, NotAvailable, checksum_of, data_root, dataset_status,
                                 download_fashion_mnist, garments, kaggle_files, load_dataset, load_idx, reachable,
                                 to_float, to_uint8)

NAMES = {split: [name for name, *_ in files] for split, files in datasets.FASHION_MNIST.items()}
ALL = NAMES["train"] + NAMES["test"]


def idx(array, kind=8):
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, kind, array.ndim]) + shape + array.tobytes()


def packed(array, **kwargs): return gzip.compress(idx(array, **kwargs), 1, mtime=0)


def md5(data): return hashlib.md5(data).hexdigest()


def small(n):
    images, labels = garments(n)
    return images[..., 0], labels


@pytest.fixture
def mini(tmp_path, monkeypatch):
    "A Fashion-MNIST of 60 and 20 pictures, its published checksums put in place of the real ones."
    files, published = {}, {}
    for split, n in (("train", 60), ("test", 20)):
        published[split] = ()
        for name, array in zip(NAMES[split], small(n)):
            files[name] = packed(array)
            published[split] += ((name, md5(files[name]), len(files[name]), md5(idx(array))),)
    monkeypatch.setattr(datasets, "FASHION_MNIST", published)
    monkeypatch.setattr(datasets, "MIRRORS", ("http://127.0.0.1:9/",))  # nothing listens there
    monkeypatch.delenv("GAN_COURSE_DATA", raising=False)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"): monkeypatch.delenv(name)
    return files


def put(root, files):
    folder = root/"fashion_mnist"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items(): (folder/name).write_bytes(data)
    return folder


def fails(match, *args, **kwargs):
    with pytest.raises(CourseError, match=match) as caught: load_dataset(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what is there and whole ---

def test_loads(mini, tmp_path):
    put(tmp_path, mini)
    for name in ("auto", "fashion_mnist"):
        data = load_dataset(name, "train", tmp_path)
        assert (data.name, data.split, len(data), data.images.shape) == ("fashion_mnist", "train", 60, (60, 28, 28, 1))
        assert data.images.dtype == data.labels.dtype == np.uint8 and data.classes == CLASSES
        assert np.array_equal(data.labels, small(60)[1]) and data.checksum == checksum_of(data.images, data.labels)
    assert len(load_dataset("auto", "test", tmp_path, limit=7)) == 7


def test_real_fingerprints():
    "The two fingerprints that the contract of the stored outputs knows, where the real data is."
    real = data_root()
    if not (real/"fashion_mnist"/ALL[0]).exists(): return  # conftest allows no skip; the lesson's outputs hold them too
    start = time.perf_counter()
    assert load_dataset("fashion_mnist", "train").fingerprint == "16d82e2b5052"
    assert time.perf_counter() - start < 5
    assert load_dataset("fashion_mnist", "test", limit=100).fingerprint == "9f1ec356a747[:100]"


def test_data_root(monkeypatch, tmp_path):
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path/"env"))
    assert data_root() == tmp_path/"env" and data_root(tmp_path/"arg") == tmp_path/"arg"
    monkeypatch.setenv("GAN_COURSE_DATA", "  ")
    assert "gan_course" in str(data_root())
    assert "~" not in str(data_root("~/x"))


def test_limited(mini, tmp_path):
    put(tmp_path, mini)
    data = load_dataset("auto", "train", tmp_path)
    assert data.limited(None) is data and data.limited(60) is data and data.limited(99) is data
    part = data.limited(10).limited(5)
    assert len(part) == len(part.labels) == 5 and part.fingerprint == data.fingerprint + "[:5]"
    for n in (0, -3):
        with pytest.raises(CourseError, match="1 or more"): data.limited(n)
        fails("1 or more", "auto", data_dir=tmp_path, limit=n)


# --- what is there and damaged ---

X, Y = small(60)
HTML = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"
FAULTS = {
    "empty": (0, b"", "is empty"),
    "html": (0, HTML, "HTML page"),
    "html in gzip": (0, gzip.compress(HTML), "wrong magic number"),
    "text": (1, b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "not a gzip archive"),
    "truncated archive": (0, packed(X)[:-2000], "truncated"),
    "truncated in the checksum": (0, packed(X)[:-3], "truncated"),
    "flipped bits": (0, packed(X)[:9000] + b"\xff\xff\xff\xff" + packed(X)[9004:], "is damaged"),
    "truncated inside": (0, gzip.compress(idx(X)[:-784]), "truncated: its header promises 60 × 28 × 28"),
    "header cut": (0, gzip.compress(idx(X)[:9]), "truncated"),
    "nothing inside": (1, gzip.compress(b""), "wrong magic number"),
    "too long": (1, gzip.compress(idx(Y) + b"1"), "too long"),
    "magic number": (0, gzip.compress(b"\x01\x02\x03\x04" + idx(X)[4:]), "wrong magic number 01020304"),
    "labels for images": (0, packed(Y), "holds no images"),
    "images for labels": (1, packed(X), "holds no labels"),
    "counts": (1, packed(Y[:50]), "counts disagree: 60 images in .* and 50 labels"),
    "label out of range": (1, packed(np.where(np.arange(60) == 7, 10, Y).astype(np.uint8)), "label 10, which is out of range"),
    "other size": (0, packed(np.zeros((60, 32, 32), np.uint8)), "32×32"),
    "other numbers": (0, packed(X.astype(">i4"), kind=0x0C), "wrong magic number"),
    "one pixel": (0, packed(np.where(np.arange(60)[:, None, None] == 3, X[::-1], X)), "md5"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["auto", "fashion_mnist"])
def test_damaged(mini, tmp_path, fault, name):
    which, data, hint = FAULTS[fault]
    folder = put(tmp_path, mini | {NAMES["train"][which]: data})
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    message = fails(hint, name, "train", tmp_path)
    assert NAMES["train"][which] in message and "remove" in message and "download" in message
    assert ("md5" in message) == (fault == "one pixel"), "what is wrong comes before the checksum"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before, "what is there is never replaced"
    assert len(load_dataset(name, "test", tmp_path)) == 20, "the other split is whole"
    state = {(r["dataset"], r["split"]): r for r in dataset_status(tmp_path)}
    assert state["fashion_mnist", "train"]["state"] == "damaged"
    assert state["fashion_mnist", "test"]["state"] == "ready"


@pytest.mark.parametrize("name", ["auto", "fashion_mnist"])
def test_one_file_missing(mini, tmp_path, name):
    for gone in ALL:
        root = tmp_path/gone
        put(root, {k: v for k, v in mini.items() if k != gone})
        split = "train" if gone in NAMES["train"] else "test"
        message = fails("incomplete", name, split, root)
        assert gone in message and "by hand" in message
        assert len(load_dataset(name, "test" if split == "train" else "train", root))


def test_folder_faults(mini, tmp_path, monkeypatch):
    file = tmp_path/"file"
    file.write_text("hello")
    for name in ("auto", "fashion_mnist"):
        fails("is a file where a folder should be", name, data_dir=file)
        fails("is a file where a folder should be", name, data_dir=file/"below")
    (tmp_path/"b").mkdir()
    (tmp_path/"b"/"fashion_mnist").write_text("hello")
    fails("is a file where a folder should be", "auto", data_dir=tmp_path/"b")
    folder = put(tmp_path/"c", mini)
    (folder/ALL[0]).unlink()
    (folder/ALL[0]).mkdir()
    fails("cannot read", "auto", data_dir=tmp_path/"c")
    fails("cannot look", "auto", data_dir="x"*300)

    def refuse(self): raise PermissionError(13, "Permission denied")
    put(tmp_path/"d", mini)
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    fails("Permission denied.*permissions", "auto", data_dir=tmp_path/"d")


def test_wrong_names(mini, tmp_path):
    assert "garments" in fails("no data set 'mnist'", "mnist")
    for name in ("auto", "garments", "fashion_mnist"): fails("train or test", name, "valid", data_dir=tmp_path)


def test_the_command_prints_one_line(tmp_path):
    "Uncaught, the message is what the command prints; here through a process of its own, as the command does it."
    put(tmp_path, {name: b"" for name in ALL})
    code = ("import sys\nfrom gan_course.basics import CourseError\nfrom gan_course.datasets import load_dataset\n"
            "try: load_dataset('auto', data_dir=sys.argv[1])\n"
            "except CourseError as error: print('gan-course:', error, file=sys.stderr); sys.exit(2)")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "is empty" in done.stderr


# --- attached on Kaggle ---

OLD, NEW = "fashionmnist", "datasets/zalando-research/fashionmnist"


@pytest.fixture
def kaggle(mini, tmp_path, monkeypatch):
    "The folder in place of /kaggle/input, and an empty cache; nothing is named, and there is no network."
    root = tmp_path/"kaggle"/"input"
    root.mkdir(parents=True)
    monkeypatch.setattr(datasets, "kaggle_files", functools.partial(kaggle_files, root=root))
    monkeypatch.setattr(datasets.pooch, "os_cache", lambda name: tmp_path/"cache")
    return root


def attach(root, files, layout=OLD, plain=True, nested=False):
    "Lay the archives out as Kaggle does, beside the tables that come with them."
    folder = root/layout
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("fashion-mnist_train.csv", "fashion-mnist_test.csv"): (folder/name).write_text("label,pixel1\n0,0\n")
    for name, data in files.items():
        if plain: name = name.removesuffix(".gz")
        place = folder/name if nested else folder
        place.mkdir(exist_ok=True)
        (place/name).write_bytes(gzip.decompress(data) if plain else data)
    return folder


def tree(root): return {p: (p.stat().st_mtime_ns, p.is_file() and p.read_bytes()) for p in (root, *root.rglob("*"))}


@pytest.mark.parametrize("layout", [OLD, NEW])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_attached(kaggle, mini, tmp_path, layout, plain, nested):
    "Found in each layout, equal to the archives', and nothing is written anywhere."
    put(tmp_path/"own", mini)
    folder = attach(kaggle, mini, layout, plain, nested)
    before = tree(kaggle)
    for split, n in (("train", 60), ("test", 20)):
        own = load_dataset("fashion_mnist", split, tmp_path/"own")
        for name in ("auto", "fashion_mnist"):
            data = load_dataset(name, split)
            assert (data.name, data.split, data.checksum, len(data)) == ("fashion_mnist", split, own.checksum, n)
            assert np.array_equal(data.images, own.images) and np.array_equal(data.labels, own.labels)
            assert data.images.dtype == np.uint8 and data.images.shape == (n, 28, 28, 1) and data.classes == CLASSES
        assert load_dataset("auto", split, limit=7).fingerprint == own.fingerprint + "[:7]"
        row, = [r for r in dataset_status() if (r["dataset"], r["split"]) == ("fashion_mnist", split)]
        assert row["where"] == str(folder) and row["todo"] == ""
        assert (row["state"], row["images"], row["checksum"]) == ("ready", n, own.checksum)
    assert tree(kaggle) == before and not (tmp_path/"cache").exists()


def test_attached_real_files(tmp_path, monkeypatch):
    "The published checksums of the unpacked files, where the real data is."
    real = data_root()/"fashion_mnist"
    if not all((real/name).exists() for name in ALL): return
    own = load_dataset("fashion_mnist", "test")
    attach(tmp_path/"input", {name: (real/name).read_bytes() for name in ALL})
    monkeypatch.delenv("GAN_COURSE_DATA", raising=False)
    monkeypatch.setattr(datasets, "kaggle_files", functools.partial(kaggle_files, root=tmp_path/"input"))
    monkeypatch.setattr(datasets.pooch, "os_cache", lambda name: tmp_path/"cache")
    test = load_dataset("fashion_mnist", "test")
    assert test.checksum == own.checksum and np.array_equal(test.images, own.images)
    assert load_dataset("auto", "train").fingerprint == "16d82e2b5052" and test.fingerprint == "9f1ec356a747"


def test_where_kaggle_mounts():
    assert str(inspect.signature(kaggle_files).parameters["root"].default) == "/kaggle/input"


def test_what_is_named_wins(kaggle, mini, tmp_path, monkeypatch):
    "A named folder is the only place, with or without the files in it; the cache comes before the mount."
    attach(kaggle, {name: b"damaged" for name in ALL}, plain=False)
    for where in ("arg", "env", "cache"): put(tmp_path/where, mini)
    assert len(load_dataset("auto", "train", tmp_path/"arg")) == len(load_dataset("auto", "train")) == 60
    assert dataset_status()[0]["where"] == str(tmp_path/"cache"/"fashion_mnist")
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path/"env"))
    assert len(load_dataset("auto", "test")) == 20
    assert dataset_status()[0]["where"] == str(tmp_path/"env"/"fashion_mnist")
    attach(kaggle, mini)
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path/"empty"))
    fails("is not in .*empty", "fashion_mnist")
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path/"env"))
    fails("is not in .*nothing", "fashion_mnist", data_dir=tmp_path/"nothing")
    assert dataset_status(tmp_path/"nothing")[0]["state"] == "missing"
    for nothing in ("", "  "):
        monkeypatch.setenv("GAN_COURSE_DATA", nothing)
        (tmp_path/"cache"/"fashion_mnist"/ALL[0]).unlink(missing_ok=True)  # an incomplete cache lacks the split
        assert dataset_status(nothing)[0]["where"] == str(kaggle/OLD) and len(load_dataset("auto", data_dir=nothing)) == 60


@pytest.mark.parametrize("fault", FAULTS)
def test_attached_and_damaged(kaggle, mini, tmp_path, fault):
    which, data, hint = FAULTS[fault]
    bad = NAMES["train"][which]
    folder = attach(kaggle, mini)
    if data[:2] == b"\x1f\x8b" and "inside" not in fault:
        try: data = gzip.decompress(data)
        except Exception: pass  # a damaged archive stays one, under the name that Kaggle gives it
    (folder/bad.removesuffix(".gz")).write_bytes(data)
    if fault == "html in gzip": hint = "HTML page"
    if fault == "magic number": hint = "not a gzip archive or a plain IDX file"
    before = tree(kaggle)
    for name in ("auto", "fashion_mnist"):
        message = fails(hint, name, "train")
        assert bad.removesuffix(".gz") in message and "attach it again, or give --data-dir" in message
        assert "remove" not in message and "download" not in message
        assert ("md5" in message) == (fault == "one pixel")
        assert len(load_dataset(name, "test")) == 20, "the other split is whole"
    rows = {(r["dataset"], r["split"]): r for r in dataset_status()}
    row = rows["fashion_mnist", "train"]
    assert row["state"] == "damaged" and row["where"] == str(folder) and row["todo"] == message
    assert rows["fashion_mnist", "test"]["state"] == "ready" and tree(kaggle) == before
    assert not (tmp_path/"cache").exists()


@pytest.mark.parametrize("gone", ALL)
def test_attached_and_incomplete(kaggle, mini, gone):
    "The split that lacks a file counts as absent: it is downloaded, and never replaced by drawings beside photographs."
    attach(kaggle, {name: data for name, data in mini.items() if name != gone})
    lacks, whole = ("train", "test") if gone in NAMES["train"] else ("test", "train")
    assert kaggle_files(lacks, kaggle) == () and len(load_dataset("auto", whole))
    assert [r["state"] for r in dataset_status()[:2]] == ["missing" if s == lacks else "ready" for s in ("train", "test")]
    for name in ("auto", "fashion_mnist"): fails("no network", name, lacks)


def test_attached_in_parts(kaggle, mini):
    "A pair is not put together from two folders; the tables alone are no data set."
    attach(kaggle, {name: mini[name] for name in ALL[::2]})
    attach(kaggle, {name: mini[name] for name in ALL[1::2]}, NEW)
    with pytest.warns(UserWarning): assert load_dataset("auto", limit=10).name == "garments"
    attach(kaggle, {name: mini[name] for name in ALL[::2]}, NEW)
    assert load_dataset("auto").name == "fashion_mnist"
    mixed = attach(kaggle, {ALL[1]: mini[ALL[1]]}, plain=False)  # images unpacked, labels not
    assert kaggle_files("train", kaggle) == (mixed/ALL[0].removesuffix(".gz"), mixed/ALL[1])
    assert len(load_dataset("auto")) == 60


def test_incomplete_attachment_is_downloaded(serve, kaggle, mini, tmp_path):
    serve(None)
    attach(kaggle, {name: mini[name] for name in NAMES["train"]})
    before = tree(kaggle)
    assert len(load_dataset("auto", "train")) == 60 and not (tmp_path/"cache").exists()
    assert len(load_dataset("auto", "test")) == 20
    whole(tmp_path/"cache"/"fashion_mnist", mini)
    assert tree(kaggle) == before


def test_other_things_attached(kaggle, mini, tmp_path):
    "The digits of MNIST have the same file names."
    for layout in ("mnist-dataset", "datasets/hojjatk/mnist-dataset", "datasets/fashionmnist", "fashionmnist/a/b"):
        attach(kaggle, mini, layout)
        attach(kaggle, mini, layout, nested=True, plain=False)
    (kaggle/"competition").write_text("a file")
    assert kaggle_files("train", kaggle) == () and dataset_status()[0]["state"] == "missing"
    with pytest.warns(UserWarning): assert load_dataset("auto", limit=10).name == "garments"
    for root in (tmp_path/"nothing", kaggle/"competition"): assert kaggle_files("test", root) == ()
    shutil.rmtree(kaggle/OLD)
    (kaggle/OLD).write_text("a file")
    assert kaggle_files("train", kaggle) == ()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOTCONN])
def test_unreadable_mount(kaggle, mini, tmp_path, monkeypatch, number):
    "A folder that cannot be listed counts as absent; a file that is there and cannot be read is an error."
    attach(kaggle, mini, nested=True)

    def refuse(real):
        def refused(path, *args, **kwargs):
            if str(path).startswith(str(kaggle/OLD)): raise OSError(number, os.strerror(number))
            return real(path, *args, **kwargs)
        return refused
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse(pathlib.Path.read_bytes))
    for name in ("auto", "fashion_mnist"):
        assert "attach it again" in fails(f"cannot read .*{os.strerror(number)}", name)
    monkeypatch.setattr(os, "scandir", refuse(os.scandir))
    monkeypatch.setattr(os, "stat", refuse(os.stat))
    assert kaggle_files("train", kaggle) == ()
    with pytest.warns(UserWarning): assert load_dataset("auto", limit=10).name == "garments"
    attach(kaggle, mini, NEW)
    assert len(load_dataset("auto")) == 60, "the other folder is still looked into"


# --- offline ---

def test_offline(mini, tmp_path, capsys):
    start = time.perf_counter()
    message = fails("is not in.*no network.*by hand.*garments", "fashion_mnist", data_dir=tmp_path)
    assert time.perf_counter() - start < 2 and len(message) < 700
    with pytest.warns(UserWarning, match="not available"): data = load_dataset("auto", data_dir=tmp_path, limit=20)
    assert data.name == "garments" and len(data) == 20
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) >= 4 and "NOT Fashion-MNIST" in shown and "no network" in shown
    assert not any(tmp_path.iterdir()), "being offline leaves nothing behind"


def test_no_such_host(mini, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "MIRRORS", ("http://no-such-host.invalid/", "https://nor-this.invalid/"))
    start = time.perf_counter()
    fails("cannot be resolved", "fashion_mnist", data_dir=tmp_path)
    assert time.perf_counter() - start < 5


def test_slow_name_server(mini, tmp_path, monkeypatch):
    def hang(*args, **kwargs):
        time.sleep(30)
        raise TimeoutError
    monkeypatch.setattr(socket, "create_connection", hang)
    start = time.perf_counter()
    fails("no answer in time", "fashion_mnist", data_dir=tmp_path)
    assert time.perf_counter() - start < 6


def test_silent_server(mini, tmp_path, monkeypatch):
    "A host that accepts connections and never says a word."
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(datasets, "MIRRORS", (url, url + "b/", url + "c/"))
        start = time.perf_counter()
        fails("no answer in time", "fashion_mnist", data_dir=tmp_path)
        assert time.perf_counter() - start < 10


# --- downloads ---

class Server:
    "A small mirror; `mode` says how it misbehaves."
    def __init__(self, files, mode=None):
        self.mode, self.requests = mode, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/").rpartition("/")[2]
                data, wanted = files.get(name), self.headers.get("Range")
                outer.requests.append((name, wanted))
                if outer.mode == "404" or data is None: return self.send_error(404)
                if outer.mode == "html": data, wanted = b"<html>log in</html>", None
                if outer.mode == "wrong": data = data[:-1] + bytes([data[-1] ^ 1])
                start, cut = 0, outer.mode in ("cut", "cut once") and len(data) > 1000
                if wanted and outer.mode != "no range":
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    if start >= len(data): return self.send_error(416)
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                else: self.send_response(200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                if cut:
                    self.wfile.write(data[start:start + (len(data) - start)//2])
                    if outer.mode == "cut once": outer.mode = "no range" if outer.forget else None
                    return self.wfile.flush() or self.connection.shutdown(socket.SHUT_RDWR)
                if outer.mode == "slow": time.sleep(0.2)
                self.wfile.write(data[start:])
            def log_message(self, *args): pass
        self.forget = False
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def serve(mini, monkeypatch):
    servers = []

    def start(*modes):
        servers.extend(Server(mini, mode) for mode in modes)
        monkeypatch.setattr(datasets, "MIRRORS", tuple(s.url for s in servers))
        return servers
    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def whole(folder, files):
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".lock"} == files, "all files, and nothing else"


def test_download(serve, mini, tmp_path, capsys):
    server, = serve(None)
    assert load_dataset("auto", "train", tmp_path).name == "fashion_mnist"
    whole(tmp_path/"fashion_mnist", mini)
    assert ALL[0] in capsys.readouterr().err, "a progress bar"
    assert load_dataset("fashion_mnist", "test", tmp_path) and len(server.requests) == 4, "one request a file"


def test_what_is_there_is_kept(serve, mini, tmp_path):
    server, = serve(None)
    folder = put(tmp_path, {ALL[2]: b"mine"})
    download_fashion_mnist(tmp_path)
    assert (folder/ALL[2]).read_bytes() == b"mine" and len(server.requests) == 3


@pytest.mark.parametrize("forget", [False, True])
def test_broken_connection_is_resumed(serve, mini, tmp_path, forget):
    server, = serve("cut once")
    server.forget = forget  # afterwards the server knows no ranges: all is sent again
    download_fashion_mnist(tmp_path)
    whole(tmp_path/"fashion_mnist", mini)
    assert server.requests[1] == (ALL[0], f"bytes={len(mini[ALL[0]])//2}-")


def test_interrupted_process_is_resumed(serve, mini, tmp_path):
    "The part of a process that was killed is used by the next."
    server, = serve(None)
    folder = put(tmp_path, {ALL[0] + ".part": mini[ALL[0]][:5000]})
    download_fashion_mnist(tmp_path)
    whole(folder, mini)
    assert server.requests[0] == (ALL[0], "bytes=5000-")


def test_complete_part(serve, mini, tmp_path):
    server, = serve(None)
    folder = put(tmp_path, {ALL[0] + ".part": mini[ALL[0]]})
    download_fashion_mnist(tmp_path)
    whole(folder, mini)
    assert ALL[0] not in [name for name, _ in server.requests], "it only had to be checked and renamed"


@pytest.mark.parametrize("junk", [b"\x1f\x8b" + b"x"*4000, b"x"*10**6])
def test_useless_part(serve, mini, tmp_path, junk):
    "What another interrupted download left is not the start of this file: the checksum tells, all is sent again."
    serve(None)
    folder = put(tmp_path, {ALL[0] + ".part": junk})
    download_fashion_mnist(tmp_path)
    whole(folder, mini)


@pytest.mark.parametrize("mode,hint", [("404", "HTTP 404"), ("html", "HTML page"), ("wrong", "another checksum"),
                                       ("cut", "connection broke")])
def test_bad_mirror(serve, mini, tmp_path, mode, hint):
    bad, = serve(mode)
    message = fails(hint, "fashion_mnist", data_dir=tmp_path)
    assert "127.0.0.1" in message and not any((tmp_path/"fashion_mnist"/name).exists() for name in ALL)
    with pytest.warns(UserWarning): assert load_dataset("auto", data_dir=tmp_path, limit=10).name == "garments"
    bad, good = serve(None)
    download_fashion_mnist(tmp_path)
    whole(tmp_path/"fashion_mnist", mini)


def test_full_disk(serve, mini, tmp_path, monkeypatch):
    serve(None)

    def full(src, dst): raise OSError(28, "No space left on device")
    monkeypatch.setattr(datasets.os, "replace", full)
    for name in ("auto", "fashion_mnist"): fails("cannot write.*No space left.*--data-dir", name, data_dir=tmp_path)


def test_two_processes(serve, mini, tmp_path):
    server, = serve("slow")
    threads = [threading.Thread(target=download_fashion_mnist, args=(tmp_path,)) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    whole(tmp_path/"fashion_mnist", mini)
    assert len(server.requests) == 4, "each file was downloaded once"


def test_reachable(serve):
    good, = serve(None)
    urls, why = reachable((good.url, "http://127.0.0.1:9/"), wait=3)
    assert urls == [good.url] and list(why) == ["http://127.0.0.1:9/"] and why["http://127.0.0.1:9/"]


# --- garments ---

def test_garments_are_the_same_everywhere():
    "Pinned: whoever changes a picture changes the data set that old runs name."
    images, labels, factors = garments(50, seed=0, factors=True)
    assert hashlib.sha256(images.tobytes()).hexdigest() == PINNED[0]
    assert hashlib.sha256(garments(50, seed=7)[0].tobytes()).hexdigest() == PINNED[1]
    assert images.shape == (50, 28, 28, 1) and images.dtype == labels.dtype == np.uint8
    assert factors.dtype == FACTORS and np.array_equal(labels, factors["kind"])


PINNED = ("54e3cf08d12086eefc4fdd5a1fe992a11880c6a367e9fc436974dcb6985c3c1d",
          "fe64a161c6d477d32e4f613a5e305b6e33c73efdb84366301231c1d7d0f43ad7")


def test_garments_are_drawn_in_single_precision():
    "A NumPy scalar in double precision would decide otherwise in NumPy 1 and in NumPy 2."
    factors = garments(200, factors=True)[2]
    f = {name: factors[name].reshape(-1, 1, 1) for name in FACTORS.names}
    x = np.arange(28, dtype=np.float32).reshape(1, 1, 28) - 13.5 - f["shift_x"]
    y = np.arange(28, dtype=np.float32).reshape(1, 28, 1) - f["shift_y"]
    for shape in datasets._shapes: assert {a.dtype for a in shape(x, y, f)} == {np.dtype(np.float32)}, shape.__name__
    assert datasets._pattern(x, y, f).dtype == np.float32


def test_garments_checksums():
    images, labels = garments(10_000, split="test")
    assert checksum_of(images, labels) == GARMENTS["test"][1]
    start = time.process_time()
    images, labels = garments()
    assert time.process_time() - start < 20, "60,000 are drawn in seconds"
    assert checksum_of(images, labels) == GARMENTS["train"][1] and np.bincount(labels).tolist() == [6000]*10


@pytest.mark.parametrize("n", [1, 9, 10, 999, 1000, 1001, 1010])
def test_fewer_are_the_first_of_more(n):
    images, labels = garments(1020)
    assert np.array_equal(garments(n)[0], images[:n]) and np.array_equal(garments(n)[1], labels[:n])
    assert len(load_dataset("garments", limit=n)) == n


def test_seeds_and_splits_differ():
    drawn = [garments(10, seed, split=split)[0].tobytes() for seed in (0, 1, 2**64 - 1) for split in ("train", "test")]
    assert len(set(drawn)) == 6
    for bad in (dict(n=0), dict(seed=-1), dict(seed=2**64), dict(split="valid")):
        with pytest.raises(CourseError, match="give"): garments(**({"n": 10} | bad))


def test_factors_show():
    images, labels, factors = garments(4000, factors=True)
    assert set(np.unique(factors["texture"])) == set(range(6))
    assert 0.45 < (factors["texture"] == 0).mean() < 0.8
    for name in FACTORS.names[2:]: assert factors[name].std() > 0.05, name
    light = images.reshape(4000, -1).max(1).astype(float)
    assert np.corrcoef(light, factors["brightness"])[0, 1] > 0.8
    assert (images.reshape(4000, -1).max(1) > 60).all(), "no empty picture"
    assert (images[:, [0, -1]] > 0).mean() < 0.1, "nothing is cut off at the top or bottom"
    x = images[labels == 8][..., 0].astype(float).sum(1)
    centre = (x*np.arange(28)).sum(1)/x.sum(1) - 13.5
    assert np.corrcoef(centre, factors["shift_x"][labels == 8])[0, 1] > 0.7


def test_kinds_can_be_told_apart():
    "The nearest mean of 2,000 pictures names most of 1,000 others: as in Fashion-MNIST, and far from chance."
    x, y = garments(2000)
    v, w = garments(1000, split="test")
    x, v = x.reshape(2000, -1).astype(np.float32), v.reshape(1000, -1).astype(np.float32)
    means = np.stack([x[y == k].mean(0) for k in range(10)])
    right = (((v[:, None] - means)**2).sum(-1).argmin(1) == w).mean()
    assert 0.5 < right < 0.99


# --- bytes and floats ---

def test_round_trip():
    every = np.arange(256, dtype=np.uint8)
    x = to_float(every)
    assert x.dtype == np.float32 and x.min() == -1 and x.max() == 1 and (np.diff(x) > 0).all()
    assert np.array_equal(to_uint8(x), every) and np.array_equal(to_uint8(x.astype(np.float64)), every)
    assert to_uint8([-9, 9, np.inf, -np.inf]).tolist() == [0, 255, 255, 0]
    assert to_float(np.zeros((2, 3, 4, 1), np.uint8)).shape == (2, 3, 4, 1)
    with pytest.raises(TypeError): to_float(np.zeros(3, np.float32))
    with pytest.raises(ValueError): to_uint8([0, np.nan])


def test_load_idx_takes_plain_files(tmp_path):
    (tmp_path/"plain").write_bytes(idx(X))
    assert np.array_equal(load_idx(tmp_path/"plain"), X)
    with pytest.raises(CourseError, match="is missing"): load_idx(tmp_path/"none")
    assert issubclass(NotAvailable, CourseError)
