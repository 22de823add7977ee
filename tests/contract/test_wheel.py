"""The wheel built from a clean checkout holds the package, installs, and trains."""
import json
import os
import subprocess
import sys
import zipfile

import pytest
from contract import ROOT, copy_working_tree, run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    tree = copy_working_tree(tmp_path_factory.mktemp("clone"))
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, tree)
    return next(out.glob("gan_course-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    "A folder with the installed wheel, and an environment in which it comes before the working tree."
    target = tmp_path_factory.mktemp("target")
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", target, wheel)
    return target, {**os.environ, "PYTHONPATH": str(target)}


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    held = {name for name in names if ".dist-info/" not in name}
    package = ROOT/"gan_course"
    ours = {p.relative_to(ROOT).as_posix()
            for p in [*package.rglob("*.py"), *(package/"judges").iterdir(), package/"py.typed"]}
    assert held == ours


def test_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    text = archive.read(next(n for n in archive.namelist() if n.endswith("METADATA"))).decode()
    assert "Requires-Python: >=3.11" in text and "License-Expression: MIT" in text
    assert "Provides-Extra: pytorch" in text and "Provides-Extra: all" in text
    needed = [line for line in text.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert not any(name in line for line in needed for name in ("torch", "nbdev", "jupyter", "fastcore")), needed
    entry = archive.read(next(n for n in archive.namelist() if n.endswith("entry_points.txt"))).decode()
    assert "gan-course" in entry and "gan_course.__main__:main" in entry


def test_it_trains(installed, tmp_path):
    target, env = installed
    where = subprocess.run([sys.executable, "-c", "import gan_course; print(gan_course.__file__)"], cwd=tmp_path, env=env,
                           capture_output=True, text=True, check=True).stdout
    assert where.startswith(str(target)), f"the working tree was imported instead: {where}"
    out = tmp_path/"run"
    printed = run(sys.executable, target/"bin"/"gan-course", "train", "pytorch", "--dataset", "garments", "--limit", "256",
                  "--batch-size", "64", "--epochs", "1", "--width", "8", "--out", out, cwd=tmp_path, env=env, timeout=300)
    assert "gan_samples.png" in printed, "the command ends with the path of the sample grid"
    for name in ("config.json", "metrics.json", "gan_samples.png", "losses.png", "generator.pt", "discriminator.pt"):
        assert (out/name).is_file(), name
    metrics = json.loads((out/"metrics.json").read_text())
    assert metrics["status"] == "finished" and len(metrics["history"]) == 1
    run(sys.executable, target/"bin"/"gan-course", "sample", "pytorch", "--run", out, "--num", "9", "--out", tmp_path/"nine.png",
        cwd=tmp_path, env=env, timeout=300)
    assert (tmp_path/"nine.png").read_bytes().startswith(b"\x89PNG")
