"Sampling: the same seed gives the same images, from the right weights, into the right file; and files that any Keras can open."
import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import tensorflow as tf
from cli import TRACKS, command, environment, refused, stub_pictures, train_arguments

from gan_course.basics import CourseError
from gan_course.keras_files import digest_of, load_network
from gan_course.tensorflow import CONFIG, generate_samples
from gan_course.tensorflow.inference import interpolate, load_generator, sample_latents
from gan_course.tensorflow.utils import to_images

load = TRACKS["tensorflow"].load


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "A finished run whose best generator is not its last. It is just long enough for BatchNorm's averages to mean something."
    folder = tmp_path_factory.mktemp("inference")/"run"
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        assert command(*train_arguments(folder, track="tensorflow", r1=0.0, r2=0.0)).status == 0
    with h5py.File(folder/"best"/"generator.weights.h5", "r+") as h5:
        h5["layers/conv2d_2/vars/0"][...] *= 0.5
        h5.attrs["gan_course"] = json.dumps(json.loads(h5.attrs["gan_course"]) | dict(digest=digest_of(h5)))
    return folder


def test_same_seed_same_images(run, tmp_path):
    a, b, other = (generate_samples(run, 12, tmp_path/f"{i}.png", seed=seed) for i, seed in enumerate((3, 3, 4)))
    assert a.shape == (12, 28, 28, 1) and a.dtype == np.uint8
    assert np.array_equal(a, b) and (tmp_path/"0.png").read_bytes() == (tmp_path/"1.png").read_bytes()
    assert not np.array_equal(a, other) and (tmp_path/"0.png").read_bytes() != (tmp_path/"2.png").read_bytes()
    tf.random.set_seed(1); expected = tf.random.normal((3,)).numpy()
    tf.random.set_seed(1); generate_samples(run, 3, tmp_path/"3.png", seed=9)
    assert (tf.random.normal((3,)).numpy() == expected).all(), "no draw from the global generator"


def test_fewer_are_the_first_of_more(run, tmp_path):
    "Inference: an image does not depend on its neighbours, nor on where batches end."
    many = generate_samples(run, 501, tmp_path/"a.png")
    few = generate_samples(run, 3, tmp_path/"b.png")
    assert np.abs(many[:3].astype(int) - few).max() <= 1


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
    assert sorted(v.numpy().tobytes() for v in G.variables) == sorted(v.tobytes() for v in stored.values())
    assert config.width == 4 and data["name"] == "garments" and not G.trainable_variables


def test_keras_files_need_only_keras(run, tmp_path):
    "In a process that knows nothing of this package: the same images, and the discriminator too."
    z = sample_latents(6, 16, seed=5).numpy()
    np.save(tmp_path/"z.npy", z)
    code = ("import sys, numpy as np, keras\n"
            f"G, D = (keras.saving.load_model(f'{run}/{{name}}.keras', safe_mode=True) for name in ('generator', 'discriminator'))\n"
            "images = G.predict(np.load('z.npy'), verbose=0)\n"
            "np.savez('found.npz', images=images, logits=D.predict(images, verbose=0))\n"
            "assert 'gan_course' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=180,
                          env=environment(KERAS_BACKEND="tensorflow"))
    assert done.returncode == 0, done.stderr
    G, D = load_generator(run)[0], load_network(run/"discriminator.keras")
    images = G(z, training=False)
    with np.load(tmp_path/"found.npz") as found:
        np.testing.assert_allclose(found["images"], images, atol=1e-5)
        np.testing.assert_allclose(found["logits"], D(images, training=False), atol=1e-5)
        assert np.abs(to_images(found["images"]).astype(int) - to_images(images)).max() <= 1


def test_where_the_grid_goes(run, tmp_path):
    copy = shutil.copytree(run, tmp_path/"copy")
    done = command("sample", "tensorflow", "--run", copy, "--num", "5")
    assert done.status == 0 and not done.err and f"{copy/'gan_samples.png'} (5 images)" in done.out
    assert (copy/"gan_samples.png").read_bytes().startswith(b"\x89PNG")
    done = command("sample", "tensorflow", "--run", copy, "--num", "5", "--out", tmp_path/"new"/"folder"/"some.png")
    assert done.status == 0 and (tmp_path/"new"/"folder"/"some.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("options, says", [
    (["--num", "0"], "0 images were asked for"), (["--num", "100001"], "100001 images"), (["--num", "many"], "many"),
    (["--seed", "-1"], "seed is -1"), (["--truncation", "-1"], "truncation is -1"),
    (["--truncation", "0"], "truncation is 0"), (["--truncation", "nan"], "truncation is nan"), (["--truncation", "x"], "x"),
    (["--out", "grid.jpg"], ".png"), (["--out", "grid"], ".png"), (["--out", "/dev/null/grid.png"], "/dev/null"),
    (["--out", "/proc/grid.png"], "cannot write"), (["--device", "tpu"], "device"), (["--device", "cuda"], "device"),
    (["--device", "gpu:99"], "gpu:99"), (["--device", "cpu:99"], "cpu:99"), (["--seed", str(2**70)], "seed")], ids=" ".join)
def test_wrong_options(run, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    refused("sample", "tensorflow", "--run", run, *options, says=says)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before and not list(tmp_path.iterdir())


def test_folders_that_are_no_run(tmp_path):
    refused("sample", "tensorflow", "--run", tmp_path, says=("there is no", "generator.weights.h5"))
    refused("sample", "tensorflow", "--run", tmp_path, "--best", says="best")
    refused("sample", "tensorflow", "--run", tmp_path/"no"/"such"/"run", says="no/such/run")
    refused("sample", "tensorflow", "--run", tmp_path/"generator.keras", says="is this the folder of a run?")


def test_seeds_to_the_end_of_the_range(run, tmp_path):
    for seed in (0, 2**63 - 1): assert generate_samples(run, 2, tmp_path/"a.png", seed=seed).shape == (2, 28, 28, 1)


def test_truncated_latents():
    z = sample_latents(2000, 8, 1, truncation=0.7).numpy()
    assert np.abs(z).max() <= 0.7 and np.abs(z).max() > 0.65 and abs(z.mean()) < 0.02
    assert (z == sample_latents(2000, 8, 1, 0.7)).numpy().all() and not (z == sample_latents(2000, 8, 2, 0.7)).numpy().any()
    assert (sample_latents(3, 16, 1) == sample_latents(5, 16, 1)[:3]).numpy().all()
    assert abs(sample_latents(20_000, 8, 1, truncation=5).numpy().std() - 1) < 0.01, "hardly truncated: hardly changed"


def test_interpolation_keeps_to_the_arc():
    rng = np.random.default_rng(0)
    z0, z1 = rng.normal(size=(2, 5, 64)).astype(np.float32)
    z1 *= np.linalg.norm(z0, axis=1, keepdims=True) / np.linalg.norm(z1, axis=1, keepdims=True)
    arc, line = (interpolate(z0, z1, 9, spherical=how).numpy() for how in (True, False))
    for path in (arc, line):
        np.testing.assert_allclose(path[:, 0], z0, atol=1e-5)
        np.testing.assert_allclose(path[:, -1], z1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(arc, axis=2), np.linalg.norm(z0, axis=1)[:, None].repeat(9, 1), rtol=1e-4)
    assert (np.linalg.norm(line[:, 4], axis=1) < 0.9 * np.linalg.norm(z0, axis=1)).all()
    np.testing.assert_allclose(line[:, 4], (z0 + z1) / 2, atol=1e-5)
    np.testing.assert_allclose(interpolate(z0, z0, 3)[:, 1], z0, atol=1e-5)
    with pytest.raises(CourseError, match="two ends"): interpolate(z0, z1, 1)
