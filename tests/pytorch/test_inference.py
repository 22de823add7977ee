"""Sampling: the same seed gives the same images, from the right weights, into the right file."""
import shutil

import numpy as np
import pytest
import torch
from cli import command, refused, stub_pictures, train_arguments

from gan_course.basics import CourseError
from gan_course.pytorch import CONFIG, generate_samples
from gan_course.pytorch.inference import interpolate, load_generator, sample_latents
from gan_course.pytorch.train import load_file, save_file


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "A finished run whose best generator is not its last."
    folder = tmp_path_factory.mktemp("inference")/"run"
    with pytest.MonkeyPatch.context() as patch:
        stub_pictures(patch)
        assert command(*train_arguments(folder, epochs=1)).status == 0
    best = load_file(folder/"best"/"generator.pt")
    for weights in best["weights"].values(): weights.mul_(0.5) if weights.is_floating_point() else None
    save_file(folder/"best"/"generator.pt", **best)
    return folder


def test_same_seed_same_images(run, tmp_path):
    a, b, other = (generate_samples(run, 12, tmp_path/f"{i}.png", seed=seed) for i, seed in enumerate((3, 3, 4)))
    assert a.shape == (12, 28, 28, 1) and a.dtype == np.uint8
    assert np.array_equal(a, b) and (tmp_path/"0.png").read_bytes() == (tmp_path/"1.png").read_bytes()
    assert not np.array_equal(a, other) and (tmp_path/"0.png").read_bytes() != (tmp_path/"2.png").read_bytes()
    before = torch.get_rng_state()
    generate_samples(run, 3, tmp_path/"3.png", seed=9)
    assert torch.equal(before, torch.get_rng_state()), "drawn from a generator of its own"


def test_fewer_are_the_first_of_more(run, tmp_path):
    "Evaluation mode: an image does not depend on its neighbours, nor on where batches end."
    many = generate_samples(run, 501, tmp_path/"a.png")
    few = generate_samples(run, 3, tmp_path/"b.png")
    assert np.abs(many[:3].astype(int) - few).max() <= 1


def test_a_run_its_file_and_its_config_are_the_same(run, tmp_path):
    images = [generate_samples(what, 5, tmp_path/"a.png") for what in (run, str(run), run/"generator.pt", CONFIG.replace(out=run))]
    assert all(np.array_equal(images[0], other) for other in images[1:])


def test_best_and_truncation(run, tmp_path):
    last, best, middle = (generate_samples(run, 5, tmp_path/"a.png", **how) for how in ({}, dict(best=True), dict(truncation=0.1)))
    assert not np.array_equal(last, best) and not np.array_equal(last, middle)


def test_the_weights_are_those_of_the_file(run):
    G, config, data = load_generator(run)
    stored = load_file(run/"generator.pt")["weights"]
    assert all(torch.equal(v, stored[k]) for k, v in G.state_dict().items()) and not G.training
    assert config.width == 4 and data["name"] == "garments"
    assert not any(p.requires_grad for p in G.parameters())


def test_where_the_grid_goes(run, tmp_path):
    copy = shutil.copytree(run, tmp_path/"copy")
    done = command("sample", "pytorch", "--run", copy, "--num", "5")
    assert done.status == 0 and f"{copy/'gan_samples.png'} (5 images)" in done.out
    assert (copy/"gan_samples.png").read_bytes().startswith(b"\x89PNG")
    done = command("sample", "pytorch", "--run", copy, "--num", "5", "--out", tmp_path/"new"/"folder"/"some.png")
    assert done.status == 0 and (tmp_path/"new"/"folder"/"some.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("options, says", [
    (["--num", "0"], "0 images were asked for"), (["--seed", "-1"], "seed is -1"), (["--truncation", "-1"], "truncation is -1"),
    (["--truncation", "0"], "truncation is 0"), (["--truncation", "nan"], "truncation is nan"), (["--truncation", "x"], "x"),
    (["--out", "grid.jpg"], ".png"), (["--out", "grid"], ".png"), (["--out", "/dev/null/grid.png"], "/dev/null"),
    (["--out", "/proc/grid.png"], "cannot write"), (["--device", "tpu"], "device"), (["--device", "cuda:99"], "cuda:99"),
    (["--seed", str(2**70)], "seed")], ids=" ".join)
def test_wrong_options(run, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    refused("sample", "pytorch", "--run", run, *options, says=says)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before and not list(tmp_path.iterdir())


def test_truncated_latents():
    z = sample_latents(2000, 8, 1, truncation=0.7)
    assert z.abs().max() <= 0.7 and z.abs().max() > 0.65 and abs(z.mean()) < 0.02
    assert torch.equal(z, sample_latents(2000, 8, 1, 0.7)) and not torch.equal(z, sample_latents(2000, 8, 2, 0.7))
    assert torch.equal(sample_latents(3, 16, 1), sample_latents(5, 16, 1)[:3])


def test_interpolation_keeps_to_the_arc():
    generator = torch.Generator().manual_seed(0)
    z0, z1 = torch.randn(2, 5, 64, generator=generator)
    z1 = z1 * z0.norm(dim=1, keepdim=True) / z1.norm(dim=1, keepdim=True)
    arc, line = interpolate(z0, z1, 9), interpolate(z0, z1, 9, spherical=False)
    torch.testing.assert_close(arc.norm(dim=2), z0.norm(dim=1)[:, None].expand(5, 9), rtol=1e-4, atol=1e-4)
    assert (line[:, 4].norm(dim=1) < 0.9 * z0.norm(dim=1)).all()
    torch.testing.assert_close(line[:, 4], (z0 + z1) / 2)
    with pytest.raises(CourseError, match="two ends"): interpolate(z0, z1, 1)
