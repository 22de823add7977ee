"""Colab and Kaggle, from the lists of what is installed there: our requirements change none of it
and fetch little; and the install cell does what it says."""
import importlib.metadata
import os
import re
import subprocess
import sys

import pytest
from contract import ROOT, notebooks, source
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gan_course import _site

HOSTS = {path.stem: path for path in sorted((ROOT/"tests"/"contract"/"hosts").glob("*.txt"))}
SETTINGS = _site.read_settings(ROOT)
MARKERS = dict(python_version="3.12", python_full_version="3.12.12", sys_platform="linux",
               platform_machine="x86_64", extra="")

FETCHED = { # host and extra -> what pip has to download besides ourselves
    **{("colab", extra): {"tyro"} for extra in ("", "pytorch", "tensorflow", "tpu", "flowers")},
    **{("kaggle", extra): {"tyro"} for extra in ("", "pytorch", "tensorflow", "tpu", "flowers")},
    **{("colab_tpu", extra): {"tyro", "typeguard"} for extra in ("", "pytorch", "tpu")},
}


def installed(host):
    "Package -> version."
    lines = HOSTS[host].read_text("utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def resolve(host, requirements):
    """What is fetched, and which requirements the host does not meet. What it lacks is fetched in
    the newest version, which is that of this environment."""
    there, fetched, refused, seen = installed(host), set(), [], set()
    todo = [(Requirement(text), "gan_course") for text in requirements]
    while todo:
        need, who = todo.pop()
        name = canonicalize_name(need.name)
        if (str(need), who) in seen or (need.marker and not need.marker.evaluate(MARKERS)): continue
        seen.add((str(need), who))
        if name in there:
            if not need.specifier.contains(there[name], prereleases=True):
                refused.append(f"{who} needs {need}, {host} has {there[name]}")
            continue
        fetched.add(name)
        todo += [(Requirement(text), name) for text in importlib.metadata.requires(name) or []]
    return fetched, refused


def requirements(extra):
    keys = ["requirements", *([f"{extra}_requirements"] if extra else [])]
    return [need for key in keys for need in SETTINGS[key].split()]


@pytest.mark.parametrize("host, extra", FETCHED)
def test_pip_changes_nothing_and_fetches_little(host, extra):
    fetched, refused = resolve(host, requirements(extra))
    assert not refused and fetched == FETCHED[host, extra]


@pytest.mark.parametrize("host", ["colab", "kaggle", "colab_tpu"])
def test_the_check_finds_a_downgrade(host):
    for need in ("numpy<1.26", "matplotlib>=3.99", "torch==2.6"): assert resolve(host, [need])[1]
    assert "nbdev" in resolve(host, ["nbdev==2.4.14"])[0]


def test_the_lists_say_where_they_are_from():
    for host, path in HOSTS.items():
        text = path.read_text("utf-8")
        assert re.search(r"commit\W+[0-9a-f]{40}", text) and "2026" in text, host
        assert {"numpy", "torch", "jax", "keras"} <= installed(host).keys()


# --- the install cell ---

PLACES = {"colab": {"COLAB_RELEASE_TAG": "release-colab_20260226"},
          "kaggle": {"KAGGLE_KERNEL_RUN_TYPE": "Batch"}, "here": {}}
PRELUDE = """
import importlib.util, subprocess, sys
importlib.util.find_spec = lambda name: {spec}
def call(command):
    print(*command[1:])
    return {status}
subprocess.call = call
"""


def run_cell(tmp_path, lesson, place, spec=None, status=0):
    marks = {mark for place in PLACES.values() for mark in place}
    clean = {name: value for name, value in os.environ.items() if name not in marks}
    code = PRELUDE.format(spec=spec, status=status) + _site.install_cell(lesson, SETTINGS)
    return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=clean | PLACES[place],
                          text=True, capture_output=True)


@pytest.mark.parametrize("place", ["colab", "kaggle"])
@pytest.mark.parametrize("lesson, extra", [
    ("pytorch/train", "[pytorch]"), ("foundations/start", ""), ("tpu/gan_fashion_mnist", "[tpu]"),
    ("exercises/flowers_config", "[flowers]"), ("refinement/iterate", "[pytorch]"),
    ("exercises/refinement_iterate", "[pytorch]"), ("about/command", "")])
def test_the_cell_installs_this_release_with_the_extra_of_the_track(tmp_path, place, lesson, extra):
    done = run_cell(tmp_path, lesson, place)
    assert done.returncode == 0
    wanted = f"gan_course{extra}=={SETTINGS['version']}"
    assert done.stdout == f"-m pip install -q --disable-pip-version-check {wanted}\n"


def test_the_cell_does_nothing_at_home_nor_where_the_package_is(tmp_path):
    for place, spec in (("here", None), ("colab", 1), ("kaggle", 1), ("here", 1)):
        done = run_cell(tmp_path, "pytorch/train", place, spec)
        assert done.returncode == 0 and not done.stdout + done.stderr


@pytest.mark.parametrize("place", ["colab", "kaggle"])
def test_when_pip_fails_the_last_line_says_what_to_do(tmp_path, place):
    done = run_cell(tmp_path, "pytorch/train", place, status=1)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    for word in ("Internet", "git+", SETTINGS["version"]): assert word in last


def test_each_lesson_installs_what_it_imports():
    """A framework that a lesson's cells import is in its extra, or on every host that the lesson is
    for. What a function imports on demand says itself how to get it."""
    packages = ("torch torchvision tensorflow keras jax h5py scipy tensorflow_datasets tensorboard "
                "torchmetrics torch_fidelity").split()
    for lesson, nb in notebooks().items():
        code = "\n".join(source(cell) for cell in nb["cells"] if cell["cell_type"] == "code")
        used = {name for name in packages
                if re.search(rf"^(?:import|from) {name}\b", code, flags=re.MULTILINE)}
        cell = next((source(c) for c in nb["cells"] if source(c).startswith(_site.INSTALL)), "")
        extra = (re.search(r'"gan_course\[(\w+)\]==', cell) or [None, ""])[1]
        hosts = [host for host in HOSTS if extra == "tpu" or host != "colab_tpu"]
        known = {canonicalize_name(Requirement(text).name) for text in requirements(extra)}
        known |= set.intersection(*(set(installed(host)) for host in hosts))
        assert not used or cell, lesson
        assert {canonicalize_name(name) for name in used} <= known, f"{lesson}: {used}"


# --- paths ---

def test_no_path_is_glued_by_hand():
    "A slash between two parts of a path is pathlib's, so that Windows has its own."
    for path in (ROOT/"gan_course").rglob("*.py"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            assert "os.path.join" not in line and "os.sep" not in line, f"{path.name}:{number}"
            glued = re.search(r"(?:open|Path)\([^)]*\+ *[\"']/", line)
            assert not glued, f"{path.name}:{number}: {line}"


RESERVED = {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


def test_no_file_name_that_windows_refuses():
    from contract import working_files
    taken = {}
    for name in working_files():
        for part in name.parts:
            assert not re.search(r'[<>:"|?*\\]', part) and part == part.rstrip(" ."), name
            assert part.partition(".")[0].upper() not in RESERVED, name
        same = taken.setdefault(str(name).lower(), name)
        assert same == name, f"{name} and {same} are one file on Windows"


TEXT = re.compile(r"\.read_text\(\)|\.write_text\([^)]*\)|\bopen\([^)]*[\"'][rwa]t?[\"'][^)]*\)")


def test_text_is_read_and_written_as_utf8():
    """Without a name for it, Windows would use another encoding. (Checks of exercises read what
    they wrote a line before.)"""
    for path in (ROOT/"gan_course").rglob("*.py"):
        if path.parent.name == "exercises": continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if "os.devnull" not in line and TEXT.search(line):
                where = f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
                assert re.search(r"utf-?8", line, flags=re.IGNORECASE), where
