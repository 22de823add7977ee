"""The measurements run, say what they promise, and compare like with like. Nothing here asserts a speed."""
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCH = Path(__file__).parent.parent/"bench"
TINY = ["--width", "8", "--limit", "640", "--dataset", "garments", "--device", "cpu"]


@pytest.fixture(scope="module")
def throughput():
    "bench/throughput.py as a module."
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield importlib.import_module("throughput")


@pytest.fixture(scope="module")
def garments(throughput): return throughput.load_dataset("garments", limit=640)


def config(throughput, **changes):
    return throughput.Config(**dict(width=8, batch_size=32, device="cpu", precision="fp32", epochs=10**6) | changes)


@pytest.mark.parametrize("recipe", ["modern", "dcgan"])
def test_throughput_reports_everything(throughput, capsys, recipe, tmp_path):
    out = tmp_path/"result.json"
    status = throughput.main([*TINY, "--recipe", recipe, "--rounds", "1", "--seconds", "0.2", "--matmul", "256",
                              "--workers", "0", "1", "--json", str(out),
                              "--epoch-end" if recipe == "modern" else "--no-epoch-end"])
    shown = capsys.readouterr().out
    assert status == 0
    for words in ("images per second", "ratio:", "median", "peak", "MFLOP an image", "30 epochs:", "textbook/1"):
        assert words in shown, shown
    assert len(shown.splitlines()) < 40 and max(map(len, shown.splitlines())) < 200
    result = json.loads(out.read_text())
    assert result["recipe"] == recipe and result["width"] == 8 and result["images"] == 640
    assert len(result["rounds"]) == 1 and {"ours", "textbook/0", "textbook/1"} <= result["rounds"][0].keys()
    assert result["textbook_used"] == max(("textbook/0", "textbook/1"), key=result["median"].get)
    assert result["ratio"]["lowest"] <= result["ratio"]["median"] <= result["ratio"]["highest"]
    ours, text = result["loops"]["ours"], result["loops"]["textbook"]
    for same in ("parameters_g", "parameters_d", "flops_g", "flops_d"): assert ours[same] == text[same] > 0
    for loop in (ours, text):
        assert loop["images_per_second"] > 0
        assert loop["share_of_peak"].keys() == result["peak"].keys() and min(loop["share_of_peak"].values()) > 0
    assert (result["epochs_30"]["between_epochs"] is not None) == (recipe == "modern")
    assert result["provenance"]["dataset"] == "garments" and result["provenance"]["threads"] >= 1


@pytest.mark.parametrize("recipe", ["modern", "dcgan"])
def test_the_tensorflow_track(throughput, capsys, recipe, tmp_path):
    "Ours, the textbook's Keras loop and PyTorch's, each with a rate; both Keras loops really train."
    out = tmp_path/"result.json"
    status = throughput.main(["--track", "tensorflow", "--width", "4", *TINY[2:], "--recipe", recipe, "--rounds", "2",
                              "--seconds", "0.1", "--matmul", "128", "--json", str(out)])
    shown = capsys.readouterr().out
    assert status == 0
    for words in ("track tensorflow", "images per second", "ratio to textbook:", "ratio to pytorch float32:", "median", "peak"):
        assert words in shown, shown
    result = json.loads(out.read_text())
    assert {"ours", "textbook", "pytorch float32", "peak float32"} <= result["median"].keys() and len(result["rounds"]) == 2
    assert min(result["median"].values()) > 0 and result["precision"]["ours"] == "float32"
    for ratio in result["ratio"].values(): assert 0 < ratio["lowest"] <= ratio["median"] <= ratio["highest"]


def test_the_textbooks_keras_loop_learns(throughput):
    import keras_loops
    import numpy as np
    config = keras_loops.Config(width=4, batch_size=32, device="cpu", epochs=10**6, progress=False)
    book = keras_loops.Textbook(config, throughput.load_dataset("garments", limit=320))
    before = [v.numpy() for v in book.G.trainable_variables + book.D.trainable_variables]
    book.steps(20)
    after = [v.numpy() for v in book.G.trainable_variables + book.D.trainable_variables]
    moved = [np.abs(a - b).max() > 0 for a, b in zip(before, after)]
    assert sum(moved) >= len(moved) - 1, "all but the last bias of D, which the relativistic loss does not see"
    assert all(np.isfinite(book.losses)) and book.train_step.experimental_get_tracing_count() == 2


@pytest.mark.parametrize("name, options", [("throughput", TINY),
                                           ("scaling", ["--point", *TINY[2:], "--fractions", "1"])])
def test_an_error_is_one_line(throughput, capsys, name, options):
    assert importlib.import_module(name).main([*options, "--batch-size", "1000"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"{name}: ") and len(shown.err.splitlines()) == 1 and shown.out == ""


@pytest.mark.parametrize("changes", [dict(), dict(recipe="dcgan"), dict(r1=0.0, r2=0.0)],
                         ids=["modern", "dcgan", "without penalties"])
def test_same_flops_but_for_the_known_waste(throughput, garments, changes):
    """The textbook generates once more and computes D's gradients in G's step. The latter costs as much as a forward
    pass of D; nothing else differs, within 1 %."""
    c = config(throughput, **changes)
    made = [kind(c, garments, torch.device("cpu")) for kind in (throughput.Ours, throughput.Textbook)]
    facts = [throughput.network_facts(one) for one in made]
    assert facts[0] == facts[1]
    ours, textbook = map(throughput.flops_per_image, made)
    waste = facts[0]["flops_g"] + facts[0]["flops_d"]
    assert textbook - waste == pytest.approx(ours, rel=0.01)


def test_penalties_cost_flops(throughput, garments):
    "So that the count includes the gradient of a gradient."
    def flops(**changes):
        c = config(throughput, penalty_every=1, **changes)
        return throughput.flops_per_image(throughput.Ours(c, garments, torch.device("cpu")))
    assert flops() > 1.3*flops(r1=0.0, r2=0.0)


@pytest.mark.parametrize("recipe", ["modern", "dcgan"])
def test_same_step_of_the_discriminator(throughput, garments, recipe):
    "The same weights, images and latents give the same loss, penalties included, and the same weights afterwards."
    c = config(throughput, recipe=recipe)
    ours, textbook = (kind(c, garments, torch.device("cpu")) for kind in (throughput.Ours, throughput.Textbook))
    for a, b in zip(ours.D.parameters(), textbook.D.parameters()): assert torch.equal(a, b)
    for a, b in zip(ours.G.parameters(), textbook.G.parameters()): assert torch.equal(a, b)
    x = ours.batches.batch(0, 0)
    torch.manual_seed(5); loss, _ = textbook.train_step(x.contiguous(), penalise=c.r1 > 0)
    torch.manual_seed(5); ours.training.step([x], penalise=c.r1 > 0)
    assert ours.training.step.meter.means()["loss_d"] == pytest.approx(loss, rel=1e-4)
    for a, b in zip(ours.D.parameters(), textbook.D.parameters()):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=5e-5)


def test_same_images(throughput, garments):
    "The textbook's transforms and our scaling agree on every pixel."
    loader = throughput.textbook_loader(config(throughput), garments, workers=0)
    shown = torch.stack([loader.dataset[i] for i in range(32)])
    pixels = torch.from_numpy(garments.images[:32]).permute(0, 3, 1, 2).float()/127.5 - 1
    torch.testing.assert_close(shown, pixels)


def test_scaling_reports_everything(tmp_path):
    out = tmp_path/"result.json"
    done = subprocess.run([sys.executable, str(BENCH/"scaling.py"), *TINY[2:], "--recipe", "dcgan",
                           "--batch-size", "64", "--fractions", "0.5", "--widths", "8", "--steps", "2",
                           "--whole", "0.5", "--json", str(out)],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    for words in ("size of the data set", "width of the networks", "s an epoch", "images/s", "MB"):
        assert words in done.stdout, done.stdout
    result = json.loads(out.read_text())
    (size,), (width,) = result["sizes"], result["widths"]
    assert (size["images"], width["images"], width["width"]) == (320, 640, 8) and size["width"] > 8
    for p in (size, width):
        assert p["seconds_epoch"] == pytest.approx(p["seconds_steps"] + p["seconds_between"])
        assert 50 < p["memory_before_mb"] <= p["memory_steps_mb"] <= p["memory_train_mb"]
        assert p["flops_per_image"] > 0 and p["parameters"] > 0
    assert size["seconds_measured"] is not None and width["seconds_measured"] is None
    assert size["parameters"] > width["parameters"]


def test_flowers(monkeypatch, capsys, tmp_path):
    "A line for each variant, with what it measured; changed fields really are."
    code = ("import sys; sys.path.insert(0, 'bench'); import flowers; print(flowers.changes('r1=0.1+penalty_every=4')); sys.exit(flowers.main(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-c", code, "--dataset", "blossoms", "--limit", "80", "--epochs", "1", "--num-filters", "4", "--variants", "none",
                           "flip_prob=0.3", "--json", str(tmp_path/"x.json"), "--pictures", str(tmp_path)], cwd=BENCH.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "{'r1': 0.1, 'penalty_every': 4}" in done.stdout
    rows = json.loads((tmp_path/"x.json").read_text())
    assert [row["variant"] for row in rows] == ["none", "flip_prob=0.3"] and rows[0]["loss_d"] != rows[1]["loss_d"]
    assert rows[0]["images_seen"] == 64 and (tmp_path/"none.png").is_file()


def test_screenshots(monkeypatch, capsys, tmp_path):
    "Pictures become small; without a browser or a log there is one line that says what to do."
    import numpy as np
    from PIL import Image
    monkeypatch.syspath_prepend(str(BENCH))
    screenshots = importlib.import_module("screenshots")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8))
    assert len(screenshots.small_png(noise)) <= 149_000
    monkeypatch.setattr(screenshots, "find_browser", lambda: "true")
    assert screenshots.main(["--logdir", str(tmp_path/"no"), "--out", str(tmp_path)]) == 2
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(screenshots.shutil, "which", lambda name: None)
    assert screenshots.main(["--logdir", str(tmp_path), "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "there is no folder" in err and "apt install chromium" in err and err.count("\n") == 2


@pytest.fixture
def lessons(monkeypatch, tmp_path):
    "bench/lessons.py, which looks for lessons in a folder of its own."
    monkeypatch.syspath_prepend(str(BENCH))
    module = importlib.import_module("lessons")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module._site, "lessons", lambda root: ["part/works", "part/fails", "part/reads", "exercises/part"])
    monkeypatch.delenv("GAN_COURSE_FAST", raising=False)
    from nbformat import v4 as nb, write
    cells = dict(works=["import time; time.sleep(0.5)", "#| eval: false\nraise SystemExit"], fails=["1 / 0"], reads=[])
    (tmp_path/"nbs"/"part").mkdir(parents=True)
    for name, sources in cells.items():
        write(nb.new_notebook(cells=[nb.new_markdown_cell("# A page"), *map(nb.new_code_cell, sources)],
                              metadata=dict(kernelspec=dict(name="python3", display_name="Python 3"))), tmp_path/"nbs"/"part"/f"{name}.ipynb")
    return module


def test_lessons_are_timed(lessons, capsys):
    "What runs has a line; what fails has its error in it; a page without code has none, and nothing in nbs/ is changed."
    before = {path: path.read_bytes() for path in lessons.ROOT.rglob("*.ipynb")}
    assert lessons.main([]) == 1
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| part")]
    assert len(rows) == 2 and "ZeroDivisionError" in rows[1] and "Error" not in rows[0]
    assert {path: path.read_bytes() for path in lessons.ROOT.rglob("*.ipynb")} == before
    clock, used, memory, wrong = lessons.measure("part/works")
    assert 0.5 < clock < 120 and 0 < used and 20 < memory and wrong is None # memory: that of the tests themselves counts too


@pytest.mark.parametrize("name, value, says", [("part/nothing", "", "there is no lesson part/nothing"), ("part/works", "1", "unset it")])
def test_lessons_that_cannot_be_timed(lessons, monkeypatch, name, value, says):
    if value: monkeypatch.setenv("GAN_COURSE_FAST", value)
    with pytest.raises(SystemExit, match=says): lessons.main([name])
