"""The archives for PyPI are the same bytes from every build, annotations hold, and papers agree."""
import ast
import datetime
import os
import re
import sys
import tarfile
import zipfile
from configparser import ConfigParser

import pytest
import yaml
from contract import ROOT, copy_working_tree, run

SETTINGS = ConfigParser(delimiters=["="])
SETTINGS.read(ROOT/"settings.ini", encoding="utf-8")
SETTINGS = SETTINGS["DEFAULT"]
VERSION = SETTINGS["version"]


def build(tree, out, kind, umask=0o022, epoch=None):
    "Build with the backend of pyproject.toml, in a process of its own, as pip and build do."
    out.mkdir(exist_ok=True)
    hook = (f"import os; os.umask({umask}); os.environ.pop('SOURCE_DATE_EPOCH', None)\n"
            f"os.environ |= {epoch or {}}\n"
            f"import build_backend; print(build_backend.build_{kind}({str(out)!r}))")
    return out/run(sys.executable, "-c", hook, cwd=tree).splitlines()[-1]


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """Both archives from two copies of the tree that differ in place, permissions, times and umask;
    and the wheel of the archive."""
    root, found = tmp_path_factory.mktemp("builds"), {}
    for name, mode, umask in (("a", 0o644, 0o022), ("another place", 0o600, 0o077)):
        tree = root/name/"tree"
        tree.mkdir(parents=True)
        copy_working_tree(tree)
        for path in tree.rglob("*"):
            if path.is_file():
                path.chmod(mode)
                if mode == 0o600: os.utime(path, (10**9, 10**9))
        for kind in ("sdist", "wheel"):
            found[name, kind] = build(tree, root/name/kind, kind, umask=umask)
    with tarfile.open(found["a", "sdist"]) as tar: tar.extractall(root/"unpacked", filter="data")
    [tree] = (root/"unpacked").iterdir()
    found["sdist", "wheel"] = build(tree, root/"from sdist", "wheel")
    return found


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_two_builds_are_the_same_bytes(builds, kind):
    first, second = builds["a", kind], builds["another place", kind]
    assert first.name == second.name and first.read_bytes() == second.read_bytes()


def test_the_source_archive_builds_the_same_wheel(builds):
    assert builds["sdist", "wheel"].read_bytes() == builds["a", "wheel"].read_bytes()


def test_the_archives_carry_one_date_and_no_owner(builds, tmp_path):
    with tarfile.open(builds["a", "sdist"]) as tar:
        about = {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in tar}
        assert about == {(315532800, 0, 0, "", "")}
        assert {m.mode for m in tar if m.isfile()} == {0o644}
    with zipfile.ZipFile(builds["a", "wheel"]) as wheel:
        assert {info.date_time for info in wheel.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in wheel.infolist()} == {0o100644}
        assert wheel.testzip() is None


def test_a_date_that_is_asked_for(builds):
    tree = builds["a", "wheel"].parents[1]/"tree"
    dated = build(tree, tree.parent/"dated", "wheel", epoch={"SOURCE_DATE_EPOCH": "1700000000"})
    with zipfile.ZipFile(dated) as wheel:
        assert {info.date_time[:3] for info in wheel.infolist()} == {(2023, 11, 14)}


def test_what_the_source_archive_holds(builds):
    with tarfile.open(builds["a", "sdist"]) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"settings.ini", "setup.py", "pyproject.toml", "build_backend.py", "README.md",
            "LICENSE", "CHANGELOG.md", "CITATION.cff", "gan_course/py.typed",
            "gan_course/__main__.py"} <= names
    judges = {f"gan_course/judges/{path.name}" for path in (ROOT/"gan_course"/"judges").iterdir()}
    assert judges <= names
    assert not any(name.startswith(("nbs/", "scripts/", "tests/", "artifacts")) for name in names)


# --- annotations ---

def test_the_package_says_that_it_is_typed(builds):
    with zipfile.ZipFile(builds["a", "wheel"]) as wheel:
        assert "gan_course/py.typed" in wheel.namelist()


def test_mypy(tmp_path):
    "typed_use.py calls the package as a user does; what it gets wrong on purpose must be found."
    run(sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", tmp_path, "gan_course",
        "build_backend.py", "tests/contract/typed_use.py")


# --- Pythons ---

def test_every_file_is_python_of_the_oldest_version():
    oldest = tuple(map(int, SETTINGS["min_python"].split(".")))
    folders = [ROOT/name for name in ("gan_course", "scripts", "tests", "bench")]
    for path in [*ROOT.glob("*.py"), *(p for folder in folders for p in folder.rglob("*.py"))]:
        ast.parse(path.read_text("utf-8"), str(path), feature_version=oldest)


# --- papers ---

def test_the_citation():
    run("check-jsonschema", "--builtin-schema", "vendor.citation-file-format", ROOT/"CITATION.cff")
    cited = yaml.safe_load((ROOT/"CITATION.cff").read_text("utf-8"))
    assert cited["version"] == VERSION and cited["license"].lower() == SETTINGS["license"]
    assert [author["name"] for author in cited["authors"]] == [SETTINGS["author"]]


def test_the_changelog():
    text = (ROOT/"CHANGELOG.md").read_text("utf-8")
    heads = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    dated = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", head) for head in heads[1:]]
    assert all(dated), heads
    versions = [tuple(map(int, match[1].split("."))) for match in dated]
    assert versions == sorted(set(versions), reverse=True) and dated[0][1] == VERSION
    days = [datetime.date.fromisoformat(match[2]) for match in dated]
    assert days == sorted(days, reverse=True)
    kinds = set(re.findall(r"^### (.*)$", text, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert yaml.safe_load((ROOT/"CITATION.cff").read_text("utf-8"))["date-released"] == dated[0][2]


def test_the_version_is_one():
    import gan_course
    assert gan_course.__version__ == VERSION


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md"])
def test_papers_link_to_what_is_there(name):
    text = (ROOT/name).read_text("utf-8")
    assert text.startswith("# ")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT/target).is_file(), target
