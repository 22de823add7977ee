"""setuptools, and the same bytes from every build.

setuptools writes today's date, this machine's permissions and this user's name into its archives.
Here they are written anew: in order, with one date ($SOURCE_DATE_EPOCH, else 1980, the first year
that a zip file knows)."""
import gzip
import io
import os
import tarfile
import time
import zipfile
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import * # noqa: F403  every hook that is not defined here

FIRST = 315532800 # 1980-01-01


def epoch():
    "Seconds since 1970 that every file of an archive carries."
    return max(FIRST, int(os.environ.get("SOURCE_DATE_EPOCH") or FIRST))


def normal_tar(path):
    "Write a .tar.gz anew: sorted, without owners, times and permissions of this machine."
    with tarfile.open(path) as tar:
        held = [(m, tar.extractfile(m).read() if m.isfile() else b"") for m in tar.getmembers()]
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in sorted(held, key=lambda pair: pair[0].name):
            new = tarfile.TarInfo(member.name)
            new.type, new.size, new.mtime = member.type, len(content), epoch()
            new.mode = 0o755 if member.isdir() else 0o644
            tar.addfile(new, io.BytesIO(content))
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=epoch()) as packed:
        packed.write(raw.getvalue())


def normal_zip(path):
    "Write a wheel anew: its own order, without times and permissions of this machine."
    with zipfile.ZipFile(path) as wheel:
        held = [(info.filename, wheel.read(info)) for info in wheel.infolist()]
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in held:
            info = zipfile.ZipInfo(name, time.gmtime(epoch())[:6])
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = 0o100644 << 16
            wheel.writestr(info, content)


def build_sdist(sdist_directory, config_settings=None):
    "The hook that `python -m build --sdist` calls."
    name = build_meta.build_sdist(sdist_directory, config_settings)
    normal_tar(Path(sdist_directory)/name)
    return name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    "The hook that `pip wheel` and `python -m build --wheel` call."
    name = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    normal_zip(Path(wheel_directory)/name)
    return name
