"""The loop without a framework: what a run writes, where it looks and stops, and that a resumed run is the run itself.
What is trained is a random walk, whose every step depends on all that a checkpoint must hold."""
import json
import math
import shutil
import signal

import numpy as np
import pytest
from cli import strict_json, stub_pictures

from gan_course import loop as module
from gan_course.basics import CourseError
from gan_course.configuration import BaseConfig, artifact_paths
from gan_course.loop import (
    LOOK, SEED_EVAL, SEED_GRID, STRIP, Interruptible, Progress, Recorder, average_keep, check_finite, check_resumable, damaged,
    epoch_line, finished, free_fields, latest_checkpoint, likely_cause, loop, lr_factor, run)
from gan_course.runs import RunFolder, atomic_path


class Walk(Progress):
    "Takes random steps. `fuse`: how many it takes at once, before it looks whether to stop."
    fuse = 1

    def __init__(self, config):
        super().__init__()
        self.config, self.x, self.rng, self.bad = config, 0.0, np.random.default_rng(config.seed), None
        self.asked, self.calls = [], []
        self.reset_means()

    def iterations(self, batches): return batches // self.config.d_steps

    def advance(self, batches, steps, stop):
        self.calls.append(steps)
        assert 1 <= steps <= self.iterations(batches) - self.step_in_epoch
        while steps > 0:
            for _ in range(min(self.fuse, steps)): self.one_step()
            steps -= self.fuse
            if steps > 0 and stop(): break

    def one_step(self):
        self.x += self.rng.standard_normal() * lr_factor(self.config.lr_decay, self.epoch / self.config.epochs)
        self.total, self.count = self.total + self.x, self.count + 1
        if self.bad is None and not math.isfinite(self.x): self.bad = self.steps
        self.steps += 1; self.step_in_epoch += 1; self.images_seen += self.config.batch_size

    def first_bad(self):
        self.asked.append(self.steps)
        return self.bad

    def means(self): return dict.fromkeys(["loss_d", "loss_g", "d_real", "d_fake"], self.total / self.count)
    def reset_means(self): self.total, self.count = 0.0, 0
    def learning_rates(self): return dict(lr_g=0.1, lr_d=0.2)

    def draw(self, num, seed):
        level = 127 + 40 * math.tanh(self.x / 100) if math.isfinite(self.x) else 0
        return np.random.default_rng(seed).normal(level, 30, (num, 28, 28, 1)).clip(0, 255).astype(np.uint8)


class WalkRecorder(Recorder):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.noted = []

    def checkpoint(self, t):
        self.noted.append(("checkpoint", t.steps))
        if not self.writes: return
        contents = dict(config=self.config.to_dict(), data=self.data, state=dict(
            t.counters(), strips=[s.tolist() for s in t.strips], x=t.x, total=t.total, count=t.count, rng=t.rng.bit_generator.state))
        self.folder.save_checkpoint(t.steps, lambda path: path.write_text(json.dumps(contents)), self.config.keep_checkpoints, ".json")

    def write(self, name, t):
        with atomic_path(self.paths[name]) as tmp: tmp.write_text(str(t.x))

    def best(self, t):
        self.noted.append(("best", t.epoch))
        if self.writes: self.write("best", t)

    def results(self, t):
        if not self.writes: return
        for name in ("generator", "discriminator"): self.write(name, t)


def restore(t, recorder):
    path = latest_checkpoint(recorder.config.out)
    if path is None: return False
    found = json.loads(path.read_text())
    check_resumable(found, path, recorder)
    state = found["state"]
    try:
        t.set_counters(state)
        t.x, t.total, t.count, t.strips = state["x"], state["total"], state["count"], [np.uint8(s) for s in state["strips"]]
        t.rng.bit_generator.state = state["rng"]
    except KeyError as error: raise damaged(path, error) from None
    return True


def config(out, **changes):
    return BaseConfig(**(dict(dataset="garments", limit=640, batch_size=32, epochs=3, checkpoint_every=7, num_samples=8, eval_images=0,
                              progress=False, out=out) | changes))


def train(config, resume=False, walk=Walk, seen=None, **kwargs):
    "`seen` gets the training and the recorder."
    def prepare(folder, dataset):
        recorder = WalkRecorder(folder, config, dataset, artifact_paths(config.out, ".json"), "walk", ["numpy"],
                                writes=kwargs.get("writes", True))
        t = walk(config)
        if seen is not None: seen.extend([t, recorder])
        return t, len(dataset) // config.batch_size, recorder
    return run(config, prepare, restore, resume, **(dict(verbose=False) | kwargs))


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    if request.node.name != "test_a_whole_run": stub_pictures(monkeypatch)


def result(out):
    metrics = strict_json(out/"metrics.json")
    rows = [{k: v for k, v in row.items() if "second" not in k} for row in metrics["history"]]
    states = [json.loads(p.read_text())["state"] for p in RunFolder(out).checkpoint_paths()]
    for state in states:
        for name in ("seconds", "epoch_seconds", "history"): state.pop(name)
    return rows, metrics["best"], metrics["status"], states, (out/"generator.json").read_text()


# --- small parts ---

def test_lr_factor():
    assert lr_factor("cosine", 1) == pytest.approx(0.05) and lr_factor("none", 0.7) == 1
    assert lr_factor("linear", 0.5) == pytest.approx(0.525) == lr_factor("cosine", 0.5)
    for decay in ("linear", "cosine"):
        course = [lr_factor(decay, i / 100) for i in range(101)]
        assert course == sorted(course, reverse=True) and course[0] == 1 and course[-1] == pytest.approx(0.05)


def test_average_keep():
    assert average_keep(0, 64, 10**9) == 0 and average_keep(1000, 64, 0) == 0
    assert average_keep(1000, 1000, 10**9) == pytest.approx(0.5)
    assert average_keep(10**9, 50, 1000) == pytest.approx(0.5), "a twentieth of what was seen"
    assert average_keep(1000, 64, 10**9) == pytest.approx(average_keep(1000, 32, 10**9) ** 2), "the batch size does not matter"
    values = [average_keep(20_000, 64, n) for n in range(64, 10**6, 6400)]
    assert values == sorted(values) and 0 <= values[0] and values[-1] < 1


def test_interruptible_notes_once_and_puts_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruptible() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt): signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_interruptible_in_another_thread():
    import threading
    seen = []
    def inside():
        with Interruptible() as interrupt: seen.append(interrupt.asked)
    thread = threading.Thread(target=inside)
    thread.start(); thread.join()
    assert seen == [False]


def test_free_fields():
    c = BaseConfig()
    assert free_fields(c) == {"data_dir", "out", "checkpoint_every", "keep_checkpoints", "progress", "tensorboard", "epochs"}
    assert "epochs" not in free_fields(c.replace(lr_decay="linear")) | free_fields(c.replace(instance_noise=0.1))
    assert free_fields(c, {"device"}) - free_fields(c) == {"device"}
    assert free_fields(c, frozenset({"device"})) == free_fields(c, {"device"})


@pytest.mark.parametrize("changes, says", [
    (dict(lr_g=1e-2), "learning rates are high"), (dict(r1=0.0, r2=0.0), "needs its penalties"), ({}, "lower learning rates")], ids=str)
def test_likely_causes(changes, says): assert says in likely_cause(BaseConfig(**changes))


def test_an_epoch_in_one_line():
    row = dict(epoch=2, loss_d=0.5, loss_g=1.25, d_real=0.6, d_fake=0.4, images_per_second=12345.6, pixel_frechet=3.14159)
    assert epoch_line(row, 30) == "epoch   2/30  loss D 0.500 G 1.250  D(x) 0.60 D(G(z)) 0.40  FD(pixels)   3.14  12,346 images/s"
    assert "FD" not in epoch_line(row | dict(pixel_frechet=None), 30)


def test_counters_are_plain_and_come_back():
    a, b = Progress(), Progress()
    a.steps, a.epoch, a.step_in_epoch, a.images_seen, a.seconds, a.epoch_seconds = 5, 1, 2, 160, 1.5, 0.5
    a.history.append(epoch=1, loss_d=np.float32(0.5)); a.best = dict(epoch=1, pixel_frechet=2.0)
    a.strips.append(np.zeros((STRIP, 2, 2, 1), np.uint8))
    saved = json.loads(json.dumps(a.counters()))
    assert "strips" not in saved
    b.set_counters(saved | {"more": 1})
    assert b.counters() == a.counters() and b.strips == [] and not hasattr(b, "more")
    for name in saved:
        with pytest.raises(KeyError): Progress().set_counters({k: v for k, v in saved.items() if k != name})


@pytest.mark.parametrize("call", [
    lambda t: t.advance(None, 1, None), lambda t: t.iterations(None), lambda t: t.first_bad(), lambda t: t.means(),
    lambda t: t.reset_means(), lambda t: t.draw(1, 0), lambda t: t.learning_rates()])
def test_what_a_track_forgets_is_named(call):
    with pytest.raises(NotImplementedError): call(Progress())


# --- a run ---

def test_a_whole_run(tmp_path, capsys):
    seen = []
    metrics = train(config(tmp_path/"run", eval_images=500), seen=seen, verbose=True)
    assert metrics == strict_json(tmp_path/"run"/"metrics.json") and metrics["status"] == "finished" and metrics["track"] == "walk"
    names = {str(p.relative_to(tmp_path/"run")) for p in (tmp_path/"run").rglob("*") if p.is_file()}
    assert names == {"config.json", "metrics.json", "gan_samples.png", "losses.png", "progress.png", "progress.npz", "generator.json",
                     "discriminator.json", "best/generator.json", ".lock", "checkpoints/step_00000056.json", "checkpoints/step_00000060.json"}
    assert [row["step"] for row in metrics["history"]] == [20, 40, 60] and metrics["history"][0]["lr_d"] == 0.2
    assert list(metrics["history"][0])[:5] == ["epoch", "step", "images_seen", "seconds", "images_per_second"]
    distances = [row["pixel_frechet"] for row in metrics["history"]]
    assert metrics["best"] == dict(epoch=1 + int(np.argmin(distances)), pixel_frechet=min(distances))
    t, recorder = seen
    assert [s.shape for s in t.strips] == [(STRIP, 28, 28, 1)] * 3 and all(s.dtype == np.uint8 for s in t.strips)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 4 and out[0].startswith("epoch   1/3") and out[3].startswith("provenance: walk on garments (640 images")
    assert strict_json(tmp_path/"run"/"config.json")["dataset"] == metrics["dataset"] == recorder.data


def test_where_it_looks_and_saves(tmp_path):
    "At multiples of LOOK and of checkpoint_every and at the end of an epoch, and nowhere else."
    seen = []
    train(config(tmp_path/"run", limit=3840, epochs=2, checkpoint_every=70), seen=seen)
    t, recorder = seen
    assert t.asked == [50, 70, 100, 120, 140, 150, 200, 210, 240] and LOOK == 50
    assert recorder.noted == [("checkpoint", n) for n in (70, 120, 140, 210, 240)]
    assert t.calls == [50, 20, 30, 20, 20, 10, 50, 10, 30]


def test_d_steps_make_fewer_iterations(tmp_path):
    assert [row["step"] for row in train(config(tmp_path/"run", d_steps=3))["history"]] == [6, 12, 18]


def test_too_few_batches(tmp_path):
    with pytest.raises(CourseError, match="640 images make 20 batches of 32, and d_steps is 21: lower one of them, or raise limit"):
        train(config(tmp_path/"run", d_steps=21))


class Pressed(Walk):
    "Ctrl-C during the step `at`."
    at = 33
    def one_step(self):
        super().one_step()
        if self.steps == self.at: signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("fuse, at, stops", [(1, 33, 33), (5, 31, 33), (1, 40, 40), (1, 21, 21), (7, 1, 7), (7, 28, 28)])
def test_ctrl_c_and_resume(tmp_path, fuse, at, stops):
    "One process stops after the very step, or after those that are fused with it; the resumed run is the run itself."
    train(config(tmp_path/"through"))
    walk, seen = type("Asked", (Pressed,), dict(fuse=fuse, at=at)), []
    with pytest.raises(KeyboardInterrupt): train(config(tmp_path/"run"), walk=walk, seen=seen)
    assert seen[0].steps == stops and latest_checkpoint(tmp_path/"run").name == f"step_{stops:08d}.json"
    assert strict_json(tmp_path/"run"/"metrics.json")["status"] == "interrupted" and not (tmp_path/"run"/"generator.json").exists()
    train(config(tmp_path/"run"), resume=True)
    assert result(tmp_path/"run") == result(tmp_path/"through")


def test_ctrl_c_between_epochs(tmp_path, monkeypatch):
    "It is obeyed after the next step; in the last epoch nothing is left to stop."
    end = module.end_of_epoch
    def pressed(t, *args):
        signal.raise_signal(signal.SIGINT)
        return end(t, *args)
    monkeypatch.setattr(module, "end_of_epoch", pressed)
    with pytest.raises(KeyboardInterrupt): train(config(tmp_path/"run"))
    assert latest_checkpoint(tmp_path/"run").name == "step_00000021.json"
    assert train(config(tmp_path/"one", epochs=1))["status"] == "finished"


def test_resume_says_where(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt): train(config(tmp_path/"run"), walk=Pressed)
    train(config(tmp_path/"run"), resume=True, verbose=True)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("epoch   1/3") and out[1] == f"resuming {tmp_path/'run'} at step 33 (epoch 2)" and len(out) == 5


def test_a_finished_run_is_only_read(tmp_path, capsys):
    train(config(tmp_path/"run"))
    before = {p: p.read_bytes() for p in (tmp_path/"run").rglob("*") if p.is_file()}
    assert train(config(tmp_path/"run"), resume=True, verbose=True)["status"] == "finished"
    assert {p: p.read_bytes() for p in (tmp_path/"run").rglob("*") if p.is_file()} == before
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 4 and out[3].startswith("provenance:")
    (tmp_path/"run"/"losses.png").unlink()
    train(config(tmp_path/"run"), resume=True)
    assert (tmp_path/"run"/"losses.png").exists(), "a lost file is written anew"
    assert train(config(tmp_path/"run", epochs=4), resume=True)["history"][-1]["epoch"] == 4


def test_starting_anew(tmp_path, capsys):
    "The earlier run's checkpoints go at the first look, and stay if there is none."
    train(config(tmp_path/"run"))
    old = [p.name for p in RunFolder(tmp_path/"run").checkpoint_paths()]
    class Bad(Walk):
        def one_step(self):
            self.x = math.inf
            super().one_step()
    with pytest.raises(CourseError, match=r"no longer finite at step 0 \(epoch 1\); there is no checkpoint yet"):
        train(config(tmp_path/"run", seed=1), walk=Bad)
    assert [p.name for p in RunFolder(tmp_path/"run").checkpoint_paths()] == old
    train(config(tmp_path/"run", seed=1), verbose=True)
    assert "starting anew" in capsys.readouterr().out
    assert json.loads(latest_checkpoint(tmp_path/"run").read_text())["config"]["seed"] == 1


def test_a_loss_that_is_no_number(tmp_path):
    class Bad(Walk):
        def one_step(self):
            super().one_step()
            if self.steps == 31: self.x = self.total = math.nan
    with pytest.raises(CourseError, match=r"no longer finite at step 31 \(epoch 2\); the last good checkpoint is .*step_00000028"):
        train(config(tmp_path/"run"), walk=Bad)
    metrics = strict_json(tmp_path/"run"/"metrics.json")
    assert metrics["status"] == "failed" and len(metrics["history"]) == 1


def test_check_finite_asks_once_and_says_nothing(tmp_path):
    t = Walk(config(tmp_path))
    assert check_finite(t, None) is None and t.asked == [0]


@pytest.mark.parametrize("changes, says", [
    (dict(seed=1), "seed 0 → 1"), (dict(batch_size=16), "batch_size 32 → 16"), (dict(epochs=2), "has done 3 epochs already"),
    (dict(limit=639), "limit 640 → 639")], ids=str)
def test_another_run_is_refused(tmp_path, changes, says):
    train(config(tmp_path/"run"))
    before = result(tmp_path/"run")
    with pytest.raises(CourseError, match=says): train(config(tmp_path/"run", **changes), resume=True)
    assert result(tmp_path/"run") == before


@pytest.mark.parametrize("edit, says", [
    (lambda f: f.pop("config"), "is no checkpoint"), (lambda f: f.update(data=3), "is no checkpoint"), (lambda f: f.update(state=[]), "is no checkpoint"),
    (lambda f: f["data"].update(name="fashion_mnist"), "was trained on fashion_mnist"), (lambda f: f["data"].pop("checksum"), "checksum None"),
    (lambda f: f["state"].update(epoch="one"), "damaged"), (lambda f: f["state"].pop("epoch"), "damaged"),
    (lambda f: f["state"].update(epoch=4), "has done 4 epochs already; ask for more with --epochs"),
    (lambda f: f["state"].pop("steps"), "is damaged .'steps'.; remove it, and resume from the one before")])
def test_strange_checkpoints(tmp_path, edit, says):
    train(config(tmp_path/"run"))
    path = latest_checkpoint(tmp_path/"run")
    found = json.loads(path.read_text())
    edit(found)
    path.write_text(json.dumps(found))
    with pytest.raises(CourseError, match=says) as error: train(config(tmp_path/"run"), resume=True)
    assert path.name in str(error.value) and "\n" not in str(error.value)


def test_a_folder_in_use(tmp_path):
    with RunFolder(tmp_path/"run").lock(), pytest.raises(CourseError, match="another run is writing"): train(config(tmp_path/"run"))


def test_a_moved_run_goes_on(tmp_path):
    train(config(tmp_path/"through"))
    with pytest.raises(KeyboardInterrupt): train(config(tmp_path/"run"), walk=Pressed)
    shutil.move(tmp_path/"run", tmp_path/"moved")
    train(config(tmp_path/"moved"), resume=True)
    assert result(tmp_path/"moved")[0] == result(tmp_path/"through")[0]


def test_the_best_is_kept(tmp_path, monkeypatch):
    "Made-up distances: the second of four is the best, and one that equals it is no better."
    values = iter([5.0, 2.0, 2.0, 3.0])
    monkeypatch.setattr(module.PixelFrechet, "distance", lambda self, images: next(values))
    seen = []
    metrics = train(config(tmp_path/"run", epochs=4, eval_images=500), seen=seen)
    assert [n for n in seen[1].noted if n[0] == "best"] == [("best", 1), ("best", 2)] and metrics["best"] == dict(epoch=2, pixel_frechet=2.0)


def test_what_is_drawn(tmp_path, monkeypatch):
    "num_samples for the pictures, eval_images for the distance, each from its own seed."
    drawn, draw = [], Walk.draw
    monkeypatch.setattr(Walk, "draw", lambda self, *args: drawn.append(args) or draw(self, *args))
    train(config(tmp_path/"run", epochs=2, eval_images=500))
    assert drawn == [(8, SEED_GRID), (500, SEED_EVAL)] * 2
    drawn.clear()
    train(config(tmp_path/"no", epochs=1, eval_images=499))
    assert drawn == [(8, SEED_GRID)], "a distance of fewer than 500 images means nothing"


# --- several processes ---

class Group:
    "Another process that asks to stop at a look, after `when` looks."
    def __init__(self, when=10**9): self.looks, self.when, self.made_same = 0, when, []
    def anyone(self, asked):
        self.looks += 1
        return asked or self.looks >= self.when
    def same(self, training): self.made_same.append(training.steps)


def test_several_processes_stop_where_all_look(tmp_path):
    "My own Ctrl-C waits for the next look, and so does another's; what is made the same is so at the end of each epoch."
    group, seen = Group(), []
    with pytest.raises(KeyboardInterrupt): train(config(tmp_path/"mine"), walk=Pressed, together=group, seen=seen)
    assert seen[0].steps == 35 and group.made_same == [20]
    group, seen = Group(when=3), []
    with pytest.raises(KeyboardInterrupt): train(config(tmp_path/"other"), together=group, seen=seen)
    assert seen[0].steps == 21
    group = Group()
    train(config(tmp_path/"run"), together=group)
    train(config(tmp_path/"alone"))
    assert group.made_same == [20, 40, 60] and result(tmp_path/"run") == result(tmp_path/"alone")


def test_a_process_that_does_not_write(tmp_path):
    seen = []
    assert train(config(tmp_path/"run"), writes=False, together=Group(), seen=seen, verbose=True) is None
    assert not (tmp_path/"run").exists() and seen[0].steps == 60 and finished(seen[1]) is None
