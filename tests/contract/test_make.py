"""`make train` and `make test` without installing anything: stubs stand in for the environment."""
import os
import shutil
import subprocess
import time

import pytest
from contract import ROOT


@pytest.fixture
def clone(tmp_path):
    "A clone with an environment that is up to date and only says how it was called."
    clone = tmp_path/"here"/"clone"
    (clone/".venv"/"bin").mkdir(parents=True)
    for name in ("Makefile", "settings.ini", "setup.py"): shutil.copy(ROOT/name, clone/name)
    for name in ("python", "gan-course"):
        stub = clone/".venv"/"bin"/name
        stub.write_text(f'#!/bin/sh\necho {name} "$@"\necho "data=${{GAN_COURSE_DATA-unset}}"\n')
        stub.chmod(0o755)
    for name in (".train-pytorch", ".test"): (clone/".venv"/name).touch()
    return clone


def make(clone, *arguments, **env):
    inherited = {k: v for k, v in os.environ.items() if k not in ("GAN_COURSE_DATA", "MAKEFLAGS", "MAKELEVEL", "ARGS", "VENV")}
    return subprocess.run(["make", *arguments], cwd=clone, env=inherited | env, text=True, capture_output=True)


def test_train_starts_at_once(clone):
    begin = time.monotonic()
    done = make(clone, "train", "EPOCHS=2", "ARGS=--recipe dcgan")
    assert time.monotonic() - begin < 5
    assert "gan-course train pytorch --epochs 2 --out artifacts/pytorch_gan --recipe dcgan\n" in done.stdout
    assert "pip install" not in done.stdout and done.returncode == 0


def test_another_track_installs_what_it_needs(clone):
    done = make(clone, "train", "TRACK=tensorflow")
    assert '-e .[tensorflow]\n' in done.stdout and "gan-course train tensorflow --epochs 5 --out artifacts/tensorflow_gan" in done.stdout


def test_test_is_pytest(clone):
    assert "python -m pytest" in make(clone, "test").stdout


def test_packages_are_looked_at_again_when_settings_change(clone):
    os.utime(clone/"settings.ini", (time.time() + 10, time.time() + 10))
    assert 'pip install --disable-pip-version-check --quiet -e .[pytorch]\n' in make(clone, "train").stdout
    os.utime(clone/"settings.ini", (time.time() + 20, time.time() + 20))
    assert '-e .[pytorch,tensorflow,tpu,flowers,dev]\n' in make(clone, "test").stdout


def test_where_the_data_is(clone):
    assert "data=unset" in make(clone, "train").stdout
    (clone.parent/"shared"/"data").mkdir(parents=True)
    assert f"data={clone.parent}/shared/data\n" in make(clone, "train").stdout
    assert f"data={clone}/elsewhere\n" in make(clone, "train", GAN_COURSE_DATA="elsewhere").stdout
    assert "data=\n" in make(clone, "train", GAN_COURSE_DATA="").stdout


def test_an_old_python_is_named(clone):
    shutil.rmtree(clone/".venv")
    done = make(clone, "train", "PYTHON=false")
    assert done.returncode == 2 and "older than Python 3.11" in done.stderr


def test_ci_is_make_test_in_a_fresh_environment():
    lines = (ROOT/".ci"/"run").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash" and "set -euo pipefail" in lines
    assert lines[-2:] == ["rm -rf .venv", "make test"]
    assert os.access(ROOT/".ci"/"run", os.X_OK)
