import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from gan_course.exercises.keras_files import check_digest, check_save
from gan_course.runs import atomic_path


def digest_with(describe=lambda name, a: f"{name} {a.dtype} {a.shape}", content=lambda a: a.tobytes(), order=sorted):
    def digest(arrays):
        sha = hashlib.sha256()
        for name in order(arrays):
            sha.update(describe(name, arrays[name]).encode())
            sha.update(content(arrays[name]))
        return sha.hexdigest()
    return digest


def of_digests(arrays):
    "Order does not matter: one digest an array, sorted."
    return hashlib.sha256("".join(sorted(digest_with()({n: a}) for n, a in arrays.items())).encode()).hexdigest()


@pytest.mark.parametrize("answer", [
    digest_with(), of_digests, digest_with(content=lambda a: np.ascontiguousarray(a).view(np.uint8).tobytes()),
    digest_with(content=lambda a: str(a.tolist()).encode())]) # slow, and it has all digits and the sign of 0
def test_digest_accepted(answer, capsys):
    check_digest(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (digest_with(lambda name, a: f"{a.dtype} {a.shape}"), "renamed"), (digest_with(lambda name, a: f"{name} {a.dtype}"), "shape belongs"),
    (digest_with(lambda name, a: f"{name} {a.shape}"), "dtype belongs"), (digest_with(order=list), "sort the names"),
    (digest_with(content=lambda a: str(a).encode()), "abbreviated"),
    (digest_with(content=lambda a: str(np.round(a, 4).tolist()).encode()), "the last bit"),
    (digest_with(content=lambda a: (a + 0.0).astype(a.dtype).tobytes()), "0.0 became -0.0"),
    (digest_with(content=lambda a: a.tobytes("A")), "columns in memory, gave"), (digest_with(content=lambda a: a), "columns in memory, fails"),
    (digest_with(content=lambda a: str(id(a)).encode()), "no addresses"),
    (lambda arrays: digest_with()({n: a for n, a in arrays.items() if n != "dense/bias"}), "not noticed|unnoticed"),
    (lambda arrays: digest_with(lambda n, a: "")({n: a for n, a in sorted(arrays.items())}), "renamed"),
    (lambda arrays: str(hash(str(arrays))), "64 of them"), (lambda arrays: hashlib.md5(b"").hexdigest(), "64 of them"),
    (lambda arrays: hashlib.sha256(b"").digest(), "64 of them")])
def test_digest_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_digest(answer)


def plain(arrays):
    if any(np.asarray(a).dtype.hasobject for a in arrays.values()): raise ValueError("numbers only")
    return arrays


def by_hand(path, arrays):
    whole = io.BytesIO()
    np.savez(whole, **plain(arrays))
    beside = Path(path).with_name("beside")
    beside.write_bytes(whole.getvalue())
    os.replace(beside, path)


def with_atomic(path, arrays, write=lambda file, arrays: np.savez(file, **plain(arrays))):
    with atomic_path(path) as tmp:
        with open(tmp, "wb") as file: write(file, arrays)


@pytest.mark.parametrize("answer", [by_hand, with_atomic,
                                    lambda *given: with_atomic(*given, lambda file, arrays: np.savez_compressed(file, **plain(arrays)))])
def test_save_accepted(answer, capsys):
    check_save(answer)
    assert capsys.readouterr().out.startswith("correct")


def in_place(path, arrays):
    whole = io.BytesIO()
    np.savez(whole, **plain(arrays))
    Path(path).write_bytes(whole.getvalue())


def two_suffixes(path, arrays):
    np.savez(f"{path}.tmp", **plain(arrays))
    os.replace(f"{path}.tmp", path)


def leftover(path, arrays):
    with open(f"{path}.tmp", "wb") as file: np.savez(file, **plain(arrays))
    os.replace(f"{path}.tmp", path)


def swallows(path, arrays):
    try: with_atomic(path, arrays)
    except Exception: pass


def renames_parts(path, arrays):
    try:
        with open(f"{path}.tmp", "wb") as file: np.savez(file, **plain(arrays))
    finally: os.replace(f"{path}.tmp", path)


@pytest.mark.parametrize("answer,hint", [
    (lambda path, arrays: np.savez(path, **plain(arrays)), "np.savez adds it|write beside it"), (in_place, "write beside it"),
    (two_suffixes, "np.savez adds it"), (leftover, "left beside"), (swallows, "nobody was told"), (renames_parts, "rename only"),
    (lambda *given: with_atomic(*given, lambda file, arrays: np.savez(file, **arrays)), "array of objects"),
    (lambda *given: with_atomic(*given, lambda file, arrays: np.savez(file, *plain(arrays).values())), "under its name"),
    (lambda *given: with_atomic(*given, lambda file, arrays: np.savez(file, **{n: 0 * a for n, a in plain(arrays).items()})), "other numbers")])
def test_save_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_save(answer)
