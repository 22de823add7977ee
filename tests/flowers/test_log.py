"""The committed log of the flowers run: small, readable, and found by TensorBoard through its HTTP interface."""
import json
import urllib.request
from pathlib import Path

import pytest

from gan_course.board import read_log, serve

ROOT = Path(__file__).parents[2]
LOG = ROOT/"logs"/"gan_tf_flowers"
SCALARS = {"generator_loss", "discriminator_loss", "generator_score", "discriminator_score", "grad_norm_g", "grad_norm_d", "images_per_second",
           "rank_train", "rank_held_out", "accuracy_real", "accuracy_fake", "pixel_frechet"}


@pytest.fixture(scope="module")
def ask():
    "A path of a TensorBoard that shows `logs` -> what it answers."
    with serve(ROOT/"logs") as address:
        def get(path):
            with urllib.request.urlopen(address + path, timeout=60) as answer: return answer.read()
        yield get


def test_it_is_small():
    assert 10_000 < sum(path.stat().st_size for path in LOG.rglob("*")) < 2_000_000


def test_the_page_finds_the_run(ask):
    assert json.loads(ask("data/runs")) == ["gan_tf_flowers"]
    assert SCALARS <= json.loads(ask("data/plugin/scalars/tags"))["gan_tf_flowers"].keys()
    assert "Generated Image" in json.loads(ask("data/plugin/images/tags"))["gan_tf_flowers"]
    assert "config" in json.loads(ask("data/plugin/text/tags"))["gan_tf_flowers"]
    assert json.loads(ask("data/plugin/graphs/info"))["gan_tf_flowers"]["run_graph"]
    environment = json.loads(ask("data/environment"))
    assert environment["data_location"].endswith("logs")


def test_the_page_draws_what_the_log_holds(ask):
    log = read_log(LOG)
    points = json.loads(ask("data/plugin/scalars/scalars?run=gan_tf_flowers&tag=generator_loss"))
    steps, values = zip(*log["generator_loss"])
    assert [step for _, step, _ in points] == list(steps) and [value for *_, value in points] == pytest.approx(list(values))


def test_it_is_of_a_whole_run():
    from gan_course.flowers import CONFIG
    log = read_log(LOG)
    epochs = [epoch for epoch, _ in log["generator_loss"]]
    assert epochs == list(range(1, CONFIG.epochs + 1)), "each epoch once, all of them"
    measured = [epoch for epoch, _ in log["pixel_frechet"]]
    assert measured == [1] + list(range(CONFIG.measure_every, CONFIG.epochs + 1, CONFIG.measure_every))
    assert f"| epochs | {CONFIG.epochs} |" in log["config"][-1][1] and f"| filter_size | {CONFIG.filter_size} |" in log["config"][0][1]
    assert f"| num_filters | {CONFIG.num_filters} |" in log["config"][0][1] and "| dataset | tf_flowers |" in log["config"][0][1]
