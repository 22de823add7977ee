"""The lab that runs on Kaggle and Colab: what it asks for there, and that it runs top to bottom in a simulated /kaggle/working and
/content, with and without the mounted data set, without a network, and leaves everything in its working directory."""
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from contract import ROOT

from gan_course import _site

LESSON = "tpu/gan_fashion_mnist"
FILES = {"config.json", "metrics.json", "generator.keras", "discriminator.keras", "generator.weights.h5", "discriminator.weights.h5",
         "gan_samples.png", "losses.png", "progress.png", "progress.npz", "training_loss.png", "final_generated_images.png",
         "evaluation.json", "evaluation.png"}

# Runs the lab's text as a script: no network, and Kaggle's folder elsewhere.
DRIVER = """
import pathlib, runpy, socket, sys
import gan_course.datasets as datasets
def no_network(*args, **kwargs): raise OSError("there is no network")
socket.create_connection = socket.socket.connect = no_network
datasets.kaggle_files.__defaults__ = (pathlib.Path(sys.argv[2]),)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def metadata(): return json.loads((ROOT/"nbs"/f"{LESSON}.ipynb").read_text("utf-8"))["metadata"]
def kernel(): return json.loads((ROOT/"scripts"/"kaggle"/"kernel-metadata.json").read_text("utf-8"))


def test_the_notebook_asks_for_a_tpu():
    wishes = metadata()
    assert wishes["accelerator"] == "TPU" and wishes["colab"]["gpuType"] == "V5E1"
    assert wishes["kaggle"]["accelerator"] == "tpuV5e8"
    assert [s["datasetSlug"] for s in wishes["kaggle"]["dataSources"]] == ["zalando-research/fashionmnist"]
    nbformat.validate(nbformat.read(ROOT/"nbs"/f"{LESSON}.ipynb", as_version=4))


def test_the_kernel_asks_for_the_same():
    about = kernel()
    assert about["enable_tpu"] is True and about["enable_gpu"] is False and about["enable_internet"] is True
    assert about["machine_shape"] == "TpuV5E8" and about["dataset_sources"] == ["zalando-research/fashionmnist"]
    assert about["language"] == "python" and about["kernel_type"] == "script" and about["is_private"] is True
    owner, slug = about["id"].split("/")
    assert owner == _site.read_settings(ROOT)["user"]
    assert slug == re.sub(r"[^a-z0-9]+", "-", about["title"].lower()), "Kaggle makes the slug from the title, and wants them equal"
    assert 5 <= len(about["title"]) <= 50
    for name in ("dataset_sources", "competition_sources", "kernel_sources", "model_sources"): assert isinstance(about[name], list)
    assert (ROOT/"scripts"/"kaggle"/about["code_file"]).is_file()


def test_both_are_in_step_with_the_notebook():
    assert kernel() == _site.kernel_metadata(LESSON, metadata()["kaggle"], _site.read_settings(ROOT)), "make sync"
    script = ROOT/"scripts"/"kaggle"/kernel()["code_file"]
    assert script.read_text("utf-8") == _site.as_script(ROOT/"nbs"/f"{LESSON}.ipynb"), "make sync"
    assert {p.name for p in script.parent.iterdir()} == {script.name, "kernel-metadata.json"}


def mounted(folder):
    "Fashion-MNIST as Kaggle mounts it, from the real archives; None where they are not there."
    source = Path(os.environ.get("GAN_COURSE_DATA") or "nowhere")/"fashion_mnist"
    if not source.is_dir(): return None
    target = folder/"input"/"fashionmnist"
    target.mkdir(parents=True)
    for path in source.glob("*.gz"): (target/path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    return target


@pytest.mark.parametrize("place, backend", [("kaggle", "jax"), ("content", "tensorflow")])
def test_it_runs_top_to_bottom(tmp_path, place, backend):
    "On Kaggle with the data set attached, on Colab with no data at all."
    home, work = tmp_path/"home", tmp_path/place/("working" if place == "kaggle" else ".")
    home.mkdir(); work.mkdir(parents=True)
    data = mounted(tmp_path/place) if place == "kaggle" else None
    marks = {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"} if place == "kaggle" else {"COLAB_RELEASE_TAG": "release-colab"}
    keep = {k: v for k, v in os.environ.items() if k not in ("GAN_COURSE_DATA", "XDG_CACHE_HOME", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE")}
    done = subprocess.run([sys.executable, "-c", DRIVER, str(ROOT/"scripts"/"kaggle"/kernel()["code_file"]), str(tmp_path/place/"input")],
                          cwd=work, text=True, capture_output=True, timeout=600,
                          env=keep | marks | dict(HOME=str(home), KERAS_BACKEND=backend, GAN_COURSE_FAST="1", MPLBACKEND="Agg"))
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{backend} on " in done.stdout
    run = work/"artifacts"/"tpu_fast"
    assert {p.name for p in run.iterdir() if p.is_file()} - {".lock"} == FILES
    assert sorted(p.name for p in (run/"generated_images").iterdir()) == ["epoch_1.png", "epoch_2.png"]
    assert {p.name for p in work.iterdir()} == {"artifacts"}, "all outputs are in the working directory"
    used = json.loads((run/"metrics.json").read_text())["dataset"]["name"]
    assert used == ("fashion_mnist" if data else "garments")
    if not data: assert "NOT Fashion-MNIST" in done.stderr


def test_without_the_package_and_without_a_network_it_says_what_to_do(tmp_path):
    "The install cell, where pip cannot reach anything."
    cell = next(c for c in nbformat.read(ROOT/"nbs"/f"{LESSON}.ipynb", as_version=4).cells if c.source.startswith(_site.INSTALL))
    code = "import importlib.util, subprocess\nimportlib.util.find_spec = lambda name: None\nsubprocess.call = lambda command: 1\n" + cell.source
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
                          env=os.environ | {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"})
    assert done.returncode == 1 and "internet" in done.stderr.splitlines()[-1].lower()
