"The helpers around a trained generator: latents, images, files and their faults, grids, and the nearest photograph."
import gan_course.flowers.config # noqa: F401, first: it chooses Keras's backend

import math
import shutil

import numpy as np
import pytest
import tensorflow as tf
from cli import TRACKS, command, refused, strict_json, stub_pictures, train_arguments
from PIL import Image
from scipy import stats

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.flowers.blossoms import blossoms
from gan_course.flowers.config import CONFIG
from gan_course.flowers.networks import create_generator
from gan_course.flowers.utils import (generate_image_from_weights, generate_images, generate_noise, generate_samples, load_generator, nearest,
                                      plot_images, truncated)

load = TRACKS["flowers"].load
SMALL = CONFIG.replace(input_size=32, num_filters=4, num_latent_inputs=16)
CHECKPOINT = "checkpoints/step_00000003.npz"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    "A finished run of one epoch, whose best generator is made another one than its last."
    folder = tmp_path_factory.mktemp("utils")/"run"
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        done = command(*train_arguments(folder, track="flowers", epochs=1, checkpoint_save_interval=1, tensorboard=False))
    assert done.status == 0, done.err
    G, config, data = load_generator(folder, best=True)
    from gan_course.keras_files import save_weights
    G.get_layer("to_image").kernel.assign(G.get_layer("to_image").kernel * 3)
    save_weights(folder/"best"/"generator.weights.h5", G, "flowers", config=config.to_dict(), data=data)
    return folder


@pytest.fixture
def run(trained, tmp_path): return shutil.copytree(trained, tmp_path/"run")


# --- Latents ---

def test_noise_is_normal_and_pinned_by_its_seed():
    z = np.array(generate_noise(4000, 16, 3))
    assert z.shape == (4000, 16) and z.dtype == np.float32 and np.array_equal(z, generate_noise(4000, 16, 3))
    n = z.size
    assert abs(z.mean()) < 4 / math.sqrt(n) and abs(z.var() - 1) < 4 * math.sqrt(2 / n) and abs((z**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-4 and np.abs(np.corrcoef(z.T) - np.eye(16)).max() < 4.5 / math.sqrt(4000)


def test_fewer_are_the_first_of_more():
    assert np.array_equal(generate_noise(3, 16, 5), np.array(generate_noise(50, 16, 5))[:3])


def test_every_seed_is_another_one():
    "Long ones too: no part of a seed is cut off."
    seeds = [0, 1, 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32, 2**32 + 1, 2**33, 2**40, 2**62, 2**63 - 1]
    assert len({np.array(generate_noise(2, 16, seed)).tobytes() for seed in seeds}) == len(seeds)


def test_no_seed_gives_new_ones_each_time():
    tf.random.set_seed(1)
    first = np.array(generate_noise(2, 16))
    tf.random.set_seed(1)
    assert not np.array_equal(first, generate_noise(2, 16)) and first.shape == (2, 16)


@pytest.mark.parametrize("limit", [0.3, 0.7, 1.5, 4.0, 30.0])
def test_truncated(limit):
    "Each number goes to the same quantile of the truncated distribution; so the order stays."
    z = np.array(generate_noise(500, 16, 1))
    found = np.array(truncated(tf.constant(z), limit))
    assert found.dtype == np.float32 and found.shape == z.shape and np.abs(found).max() <= limit
    expected = stats.truncnorm.ppf(stats.norm.cdf(z.astype(float)), -limit, limit)
    assert np.abs(found - expected).max() < 1e-4
    assert (np.diff(found.ravel()[np.argsort(z.ravel())]) >= 0).all()
    assert stats.kstest(found.ravel(), stats.truncnorm(-limit, limit).cdf).pvalue > 1e-4


def test_truncated_at_the_ends():
    "Finite for latents as long as float32 draws them, and for limits next to nothing."
    z = tf.constant([[-9.0, -6.0, 0.0, 6.0, 9.0]])
    for limit in (1e-6, 0.5, 2.0, 8.0):
        found = np.array(truncated(z, limit))[0]
        assert np.isfinite(found).all() and np.abs(found).max() <= np.float32(limit) and found[2] == 0 and np.allclose(found, -found[::-1], rtol=1e-3)


# --- Images ---

def test_images_in_parts_are_those_at_once():
    "More than go through the network at a time; an image does not depend on its neighbours."
    G = create_generator(SMALL)
    for v in G.trainable_variables: v.assign(v * 8 if v.shape.rank > 1 else v) # else all is grey
    z = generate_noise(401, 16, 2)
    found = generate_images(G, z)
    whole = np.clip(np.round((np.array(G(z, training=False)) + 1) * 127.5), 0, 255)
    assert found.shape == (401, 32, 32, 3) and found.dtype == np.uint8 and found.std() > 10
    assert np.abs(found - whole).max() <= 1 and (found != whole).mean() < 1e-3
    assert np.array_equal(generate_images(G, 401, 2), found) and not np.array_equal(generate_images(G, 401, 3), found)
    assert np.abs(found[:1].astype(int) - generate_images(G, 1, 2)).max() <= 1


def test_all_of_the_range_is_used():
    "-1 is 0, 1 is 255, and what lies between is rounded."
    class Fixed:
        input_shape = (None, 1)
        def __call__(self, z, training): return tf.reshape(z, (-1, 1, 1, 1))
    values = np.array([-1, -0.999, 0, 1 / 255, 0.5, 0.999, 1, -1.5, 1.5], np.float32)
    assert generate_images(Fixed(), tf.constant(values[:, None])).ravel().tolist() == [0, 0, 128, 128, 191, 255, 255, 0, 255]


def test_plot_images(tmp_path):
    images = blossoms(6, size=32)[0]
    plot_images(images, "title", "caption", 3, tmp_path/"grid.png")
    assert (tmp_path/"grid.png").read_bytes().startswith(b"\x89PNG")


# --- Files ---

@pytest.mark.parametrize("name", ["", "generator.weights.h5", "generator.keras", "generator_checkpoints/epoch_0001.weights.h5"])
def test_the_weights_are_those_of_the_file(trained, name):
    G, config, data = load_generator(trained/name)
    stored = load(trained/"generator.weights.h5")["weights"]
    assert sorted(v.numpy().tobytes() for v in G.variables) == sorted(v.tobytes() for v in stored.values())
    assert config.num_filters == 4 and config.out == trained and data["name"] == "blossoms" and not G.trainable_variables


def test_best_is_another_one(trained):
    best, last = (load_generator(trained, best)[0] for best in (True, False))
    assert not np.array_equal(generate_images(best, 2), generate_images(last, 2))


def test_one_image(trained):
    image = generate_image_from_weights(trained, 7)
    assert image.shape == (32, 32, 3) and image.dtype == np.uint8
    assert np.array_equal(image, generate_images(load_generator(trained/"generator.keras")[0], 1, 7)[0])
    assert np.array_equal(image, generate_image_from_weights(trained/"generator_checkpoints"/"epoch_0001.weights.h5", 7))
    assert not np.array_equal(image, generate_image_from_weights(trained, 8))


def test_generate_samples(trained, tmp_path, monkeypatch):
    "Images, the file, and what stands below them; a run folder, its files and its configuration are the same."
    captions, save = [], figures.save_grid
    def noting(images, path, **how):
        captions.append((how["caption"], len(images), path))
        return save(images, path, **how)
    monkeypatch.setattr(figures, "save_grid", noting)
    whats = (trained, str(trained), trained/"generator.weights.h5", trained/"generator.keras", SMALL.replace(out=trained))
    made = [generate_samples(what, 5, tmp_path/f"{i}.png", seed=3) for i, what in enumerate(whats)]
    assert all(np.array_equal(made[0], other) for other in made[1:]) and made[0].shape == (5, 32, 32, 3)
    assert len({(tmp_path/f"{i}.png").read_bytes() for i in range(5)}) == 1
    with Image.open(tmp_path/"0.png") as picture: assert min(picture.size) >= 32
    few = generate_samples(trained, 5, tmp_path/"few.png", seed=3, truncation=0.5)
    assert not np.array_equal(few, made[0])
    assert len(generate_samples(trained, 401, tmp_path/"many.png", best=True)) == 401
    assert [c for c, *_ in captions[-3:]] == ["flowers on blossoms, 1 epoch, seed 3", "flowers on blossoms, 1 epoch, seed 3, truncated at 0.5",
                                              "flowers on blossoms, 1 epoch, seed 0"]
    assert captions[-1][1] == 400, "no grid grows beyond all bounds"


def test_where_the_grid_goes(run):
    done = command("sample", "flowers", "--run", run, "--num", "4")
    assert done.status == 0 and not done.err and f"{run/'gan_samples.png'} (4 images)" in done.out
    assert (run/"gan_samples.png").read_bytes().startswith(b"\x89PNG")
    generate_samples(run/"generator.keras", 2)
    assert not list(run.rglob("*.tmp"))


def test_the_grid_of_a_kept_generator_lies_beside_it(run):
    "And not in place of the run's own."
    before = (run/"gan_samples.png").read_bytes()
    generate_samples(run/"generator_checkpoints"/"epoch_0001.weights.h5", 2)
    assert (run/"generator_checkpoints"/"gan_samples.png").exists() and (run/"gan_samples.png").read_bytes() == before


@pytest.mark.parametrize("options, says", [
    (["--num", "0"], "0 images were asked for"), (["--num", "100001"], "100001 images"), (["--seed", "-1"], "seed is -1"),
    (["--truncation", "0"], "truncation is 0"), (["--truncation", "nan"], "truncation is nan"), (["--truncation", "inf"], "truncation is inf"),
    (["--out", "grid.jpg"], ".png"), (["--out", "/dev/null/grid.png"], "/dev/null"), (["--device", "gpu"], "gpu")], ids=" ".join)
def test_wrong_options(trained, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in trained.rglob("*")}
    refused("sample", "flowers", "--run", trained, *options, says=says)
    assert {p: p.stat().st_mtime_ns for p in trained.rglob("*")} == before and not list(tmp_path.iterdir())


def cut(path): path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
def nothing(path): path.write_bytes(b"")
def words(path): path.write_text("weights")


@pytest.mark.parametrize("damage", [cut, nothing, words])
@pytest.mark.parametrize("name", ["generator.weights.h5", "generator.keras"])
def test_damaged_files(run, name, damage):
    damage(run/name)
    refused("sample", "flowers", "--run", run/name, says=(name, "damaged"))


def test_a_single_changed_bit(run):
    "Found by the checksum, wherever in the numbers."
    import h5py
    with h5py.File(run/"generator.weights.h5", "r+") as h5:
        found = []
        h5.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim > 1 else None)
        found[0][0] = np.nextafter(found[0][0], 1)
    refused("sample", "flowers", "--run", run, says=("generator.weights.h5", "damaged"))


def test_one_kind_of_file_for_another(run):
    for name in (CHECKPOINT, "config.json", "gan_samples.png"): refused("sample", "flowers", "--run", run/name, says=name)
    for name in ("discriminator.weights.h5", "discriminator.keras"):
        refused("sample", "flowers", "--run", run/name, says="does not hold the weights of a generator")


def test_folders_that_are_no_run(tmp_path, run):
    refused("sample", "flowers", "--run", tmp_path/"no", says="no")
    (tmp_path/"empty").mkdir()
    refused("sample", "flowers", "--run", tmp_path/"empty", says="generator.weights.h5")
    (run/"best"/"generator.weights.h5").unlink()
    refused("sample", "flowers", "--run", run, "--best", says="best")
    with pytest.raises(CourseError): load_generator(tmp_path/"generator.keras")
    with pytest.raises(CourseError): generate_image_from_weights(tmp_path/"epoch_0001.weights.h5")


def test_a_run_of_another_track(run, tmp_path, monkeypatch):
    "Refused by name in both directions, whichever of its files is asked for."
    stub_pictures(monkeypatch)
    other = tmp_path/"other"
    assert command(*train_arguments(other, track="tensorflow", limit=32, epochs=1, eval_images=0, r1=0, r2=0)).status == 0
    for name in ("", "generator.weights.h5", "generator.keras"):
        refused("sample", "flowers", "--run", other/name, says=("the track tensorflow", "this is flowers"))
        refused("sample", "tensorflow", "--run", run/name, says=("the track flowers", "this is tensorflow"))
    refused(*train_arguments(other, "--resume", track="flowers"), says="tensorflow")
    refused(*train_arguments(run, "--resume", track="tensorflow", limit=96), says="flowers")


# --- The nearest photograph ---

def pooled(image): return image.reshape(16, 2, 16, 2, 3).mean((1, 3)) / 127.5 - 1


@pytest.mark.parametrize("num", [1, 5])
def test_nearest(num):
    "Against all pairs, one after the other, each way round."
    samples, images = blossoms(num, seed=4, size=32)[0], blossoms(30, size=32)[0]
    at, distance = nearest(samples, images)
    assert at.shape == distance.shape == (num,)
    for sample, i, d in zip(samples, at, distance):
        every = [min(np.sqrt(((pooled(sample) - pooled(turned)) ** 2).mean()) for turned in (image, image[:, ::-1])) for image in images.astype(float)]
        assert i == int(np.argmin(every)) and d == pytest.approx(min(every), rel=1e-4)


def test_an_image_is_nearest_to_itself_and_its_mirror():
    images = blossoms(20, size=32)[0]
    for samples in (images[5:9], images[5:9, :, ::-1]):
        at, distance = nearest(samples, images)
        assert at.tolist() == [5, 6, 7, 8] and distance.max() < 1e-4


def test_distance_of_black_and_white():
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    assert nearest(black, white)[1].tolist() == [2.0]


def test_as_many_samples_as_test_images(run):
    "The distance of few is too large, so by default there are as many as the floor is taken from."
    done = command("evaluate", "--run", run, "--features", "pixels")
    assert done.status == 0, done.err
    found = strict_json(run/"evaluation.json")
    assert found["num"] == found["test"]["images"] == 370
