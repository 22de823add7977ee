"Sampling and measuring: the same seed gives the same images, from the right weights, into the right file; on both backends."
from games import number # first: it chooses Keras's backend

import json
import shutil

import h5py
import numpy as np
import pytest
from cli import TRACKS, command, refused, strict_json, stub_pictures, train_arguments

from gan_course.basics import CourseError
from gan_course.keras_files import digest_of, load_network
from gan_course.tpu import CONFIG, generate_samples
from gan_course.tpu.inference import load_generator, sample_latents

load = TRACKS["tpu"].load
pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(scope="module")
def run(backend, tmp_path_factory):
    "A finished run whose best generator is not its last."
    folder = tmp_path_factory.mktemp("inference")/"run"
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        assert command(*train_arguments(folder, track="tpu", learning_rate=2e-3)).status == 0
    with h5py.File(folder/"best"/"generator.weights.h5", "r+") as h5:
        h5["layers/conv2d_2/vars/0"][...] *= 0.5
        h5.attrs["gan_course"] = json.dumps(json.loads(h5.attrs["gan_course"]) | dict(digest=digest_of(h5)))
    return folder


def test_same_seed_same_images(run, tmp_path):
    a, b, other = (generate_samples(run, 12, tmp_path/f"{i}.png", seed=seed) for i, seed in enumerate((3, 3, 4)))
    assert a.shape == (12, 28, 28, 1) and a.dtype == np.uint8
    assert np.array_equal(a, b) and (tmp_path/"0.png").read_bytes() == (tmp_path/"1.png").read_bytes()
    assert not np.array_equal(a, other) and (tmp_path/"0.png").read_bytes() != (tmp_path/"2.png").read_bytes()


def test_fewer_are_the_first_of_more(run, tmp_path):
    "Inference: an image does not depend on its neighbours, nor on where batches end."
    many = generate_samples(run, 501, tmp_path/"a.png")
    assert np.abs(many[:3].astype(int) - generate_samples(run, 3, tmp_path/"b.png")).max() <= 1


def test_a_run_its_files_and_its_config_are_the_same(run, tmp_path):
    whats = (run, str(run), run/"generator.weights.h5", run/"generator.keras", CONFIG.replace(out=run))
    images = [generate_samples(what, 5, tmp_path/"a.png") for what in whats]
    assert all(np.array_equal(images[0], other) for other in images[1:])


def test_best_and_truncation(run, tmp_path):
    last, best, middle = (generate_samples(run, 5, tmp_path/"a.png", **how) for how in ({}, dict(best=True), dict(truncation=0.1)))
    assert not np.array_equal(last, best) and not np.array_equal(last, middle)


@pytest.mark.parametrize("name", ["", "generator.weights.h5", "generator.keras"])
def test_the_weights_are_those_of_the_file(run, name):
    G, config, data = load_generator(run/name)
    stored = load(run/"generator.weights.h5")["weights"]
    assert sorted(number(v).tobytes() for v in G.variables) == sorted(v.tobytes() for v in stored.values())
    assert config.width == 4 and data["name"] == "garments" and not G.trainable_variables


def test_a_discriminator_can_be_opened_too(run):
    D = load_network(run/"discriminator.keras")
    assert tuple(D(np.zeros((3, 28, 28, 1), np.float32)).shape) == (3,)


def test_where_the_grid_goes(run, tmp_path):
    copy = shutil.copytree(run, tmp_path/"copy")
    done = command("sample", "tpu", "--run", copy, "--num", "5")
    assert done.status == 0 and not done.err and f"{copy/'gan_samples.png'} (5 images)" in done.out
    assert (copy/"gan_samples.png").read_bytes().startswith(b"\x89PNG")
    done = command("sample", "tpu", "--run", copy, "--num", "5", "--out", tmp_path/"new"/"folder"/"some.png", "--truncation", "0.7")
    assert done.status == 0 and (tmp_path/"new"/"folder"/"some.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate(run):
    "Numbers for the run, beside those of real images; the best generator has others. Only the two files of the evaluation are written."
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    found = {}
    for weights, more in (("last", []), ("best", ["--best"])):
        done = command("evaluate", "--run", run, "--num", "500", *more)
        assert done.status == 0 and not done.err and f"{run}: 500 images against" in done.out and "evaluation.json" in done.out
        found[weights] = strict_json(run/"evaluation.json")
        assert found[weights]["weights"] == weights and found[weights]["dataset"] == "garments" and found[weights]["num"] == 500
        for m in (found[weights]["metrics"]["frechet"], found[weights]["pixel_frechet"]): assert m["value"] > m["floor"] > 0
    assert found["last"]["metrics"]["frechet"]["value"] != found["best"]["metrics"]["frechet"]["value"]
    for name in ("evaluation.json", "evaluation.png"): (run/name).unlink()
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("options, says", [
    (["--num", "0"], "0 images were asked for"), (["--num", "100001"], "100001 images"), (["--seed", "-1"], "seed is -1"),
    (["--truncation", "-1"], "truncation is -1"), (["--truncation", "0"], "truncation is 0"), (["--truncation", "nan"], "truncation is nan"),
    (["--out", "grid.jpg"], ".png"), (["--out", "/dev/null/grid.png"], "/dev/null"), (["--out", "/proc/grid.png"], "cannot write"),
    (["--device", "cuda"], "device"), (["--device", "tpu"], "tpu"), (["--device", "gpu"], "gpu"), (["--seed", str(2**70)], "seed")], ids=" ".join)
def test_wrong_options(run, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    refused("sample", "tpu", "--run", run, *options, says=says)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before and not list(tmp_path.iterdir())


def test_folders_that_are_no_run(tmp_path):
    refused("sample", "tpu", "--run", tmp_path, says=("there is no", "generator.weights.h5"))
    refused("sample", "tpu", "--run", tmp_path, "--best", says="best")
    refused("sample", "tpu", "--run", tmp_path/"no"/"such"/"run", says="no/such/run")
    refused("evaluate", "--run", tmp_path, says="config.json")
    with pytest.raises(CourseError): load_generator(tmp_path/"generator.keras")


def test_seeds_to_the_end_of_the_range(run, tmp_path):
    for seed in (0, 2**63 - 1): assert generate_samples(run, 2, tmp_path/"a.png", seed=seed).shape == (2, 28, 28, 1)


def test_truncated_latents():
    z = sample_latents(2000, 8, 1, truncation=0.7)
    assert z.dtype == np.float32 and np.abs(z).max() <= 0.7 and np.abs(z).max() > 0.65 and abs(z.mean()) < 0.02
    assert (z == sample_latents(2000, 8, 1, 0.7)).all() and not (z == sample_latents(2000, 8, 2, 0.7)).any()
    assert (sample_latents(3, 16, 1) == sample_latents(5, 16, 1)[:3]).all()
    assert (sample_latents(3, 16, 1, 0.7) == sample_latents(5, 16, 1, 0.7)[:3]).all(), "truncated ones too"
    assert abs(sample_latents(20_000, 8, 1, truncation=5).std() - 1) < 0.01, "hardly truncated: hardly changed"
    assert np.isfinite(sample_latents(100, 8, 1, truncation=1e-6)).all() and np.isfinite(sample_latents(100, 8, 1, truncation=30.0)).all()
