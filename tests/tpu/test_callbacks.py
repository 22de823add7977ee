"What looks at a model while it trains: pictures at the right epochs of the same latents, the losses, and a way to stop."
from games import differing, everything, make_batches, make_model # first: it chooses Keras's backend

import numpy as np
import pytest
from cli import STUB

from gan_course import figures
from gan_course.tpu import callbacks as module
from gan_course.tpu.callbacks import LossPlot, SampleGrid, Stop
from gan_course.tpu.model import MEASURED, draw

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(scope="module")
def batches(backend): return make_batches()


@pytest.fixture(scope="module")
def watched(batches, tmp_path_factory):
    "Five epochs of two steps with all callbacks, and what was drawn: path, images or rows, what stands below; and the average by epoch."
    folder, drawn, averages = tmp_path_factory.mktemp("watched"), [], []
    class Note(module.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None): averages.append(draw(self.model.average, 5, 9))
    def save(what, path, caption=None):
        drawn.append((path, what, caption))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(STUB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.figures, "save_grid", save)
        patch.setattr(module.figures, "save_figure", save)
        patch.setattr(module.figures, "plot_curves", lambda rows: [dict(row) for row in rows])
        grid = SampleGrid(folder/"deep"/"generated_images", every=2, num=5, seed=9)
        assert not grid.folder.exists()
        plot, model = LossPlot(folder/"training_loss.png"), make_model()
        model.fit(batches.part(0, 0, 2), epochs=5, verbose=0, shuffle=False, callbacks=[Note(), grid, plot])
    return folder, drawn, averages, plot, model


def test_pictures_at_the_right_epochs(watched):
    "Always of the same latents, from the average as it was then."
    folder, drawn, averages, _, _ = watched
    grids = [item for item in drawn if item[0].suffix == ".png" and item[0].parent.name == "generated_images"]
    assert [path.relative_to(folder) for path, *_ in grids] == [module.Path(f"deep/generated_images/epoch_{n}.png") for n in (2, 4)]
    assert [(images == average).all() for (_, images, _), average in zip(grids, averages[1::2])] == [True, True]
    assert (averages[1] != averages[3]).any() and [caption for *_, caption in grids] == ["epoch 2", "epoch 4"]


def test_the_losses_so_far(watched):
    "After each epoch all rows until then, with the means of the measurements that `fit` hands over."
    _, drawn, _, plot, model = watched
    rows = [what for path, what, _ in drawn if path.name == "training_loss.png"]
    assert [[row["epoch"] for row in found] for found in rows] == [list(range(1, n + 1)) for n in range(1, 6)]
    assert rows[-1][-1] == pytest.approx(model.means() | dict(epoch=5)) and set(rows[0][0]) == {*MEASURED, "epoch"}
    assert plot.rows == rows[-1]


def test_rows_of_an_earlier_part_of_the_run(monkeypatch, tmp_path):
    "Come first; and an epoch that is done again stands there once."
    monkeypatch.setattr(module.figures, "save_figure", lambda *args: None)
    plot = LossPlot(tmp_path/"loss.png", [dict(epoch=n, loss_d=float(n)) for n in (1, 2, 3)])
    plot.on_epoch_end(3, dict(loss_d=40.0))
    assert [row["epoch"] for row in plot.rows] == [1, 2, 3, 4]
    plot.on_epoch_end(1, dict(loss_d=20.0))
    assert [(row["epoch"], row["loss_d"]) for row in plot.rows] == [(1, 1.0), (2, 20.0)]


def test_real_pictures(tmp_path, monkeypatch):
    model = make_model()
    for callback in (SampleGrid(tmp_path, every=1, num=4), LossPlot(tmp_path/"loss.png")):
        callback.set_model(model)
        callback.on_epoch_end(0, dict.fromkeys(MEASURED, 0.5))
    assert {p.name: p.read_bytes()[:4] for p in tmp_path.iterdir()} == {name: b"\x89PNG" for name in ("epoch_1.png", "loss.png")}
    assert figures is module.figures


def test_looking_changes_nothing(batches, tmp_path, monkeypatch):
    monkeypatch.setattr(module.figures, "save_grid", lambda *args, **kwargs: None)
    models = make_model(dropout=0.2), make_model(dropout=0.2)
    for model, watch in zip(models, ([], [SampleGrid(tmp_path, every=1), Stop(lambda: False, 2)])):
        model.fit(batches.part(0, 0, 2), epochs=2, verbose=0, shuffle=False, callbacks=watch)
    assert differing(*map(everything, models)) == []


@pytest.mark.parametrize("answers, taken", [([False, False, True], 3), ([False] * 6, 6)])
def test_stop(batches, answers, taken):
    "Asked after each call; what was taken is counted."
    asked, model = iter(answers), make_model()
    watch = Stop(lambda: next(asked), 6)
    model.fit(batches.part(0, 0, 6), verbose=0, shuffle=False, callbacks=[watch])
    assert watch.taken == int(model.iteration) == taken and list(asked) == []


def test_stop_with_many_steps_in_a_call(batches):
    "Counts steps, not calls, also in the rest of an epoch that makes no full call: what it says is what the model has taken."
    model, before = make_model(steps_per_execution=3), 0
    for stop_at, steps, taken in ((1, 7, 3), (2, 7, 6), (99, 7, 7), (99, 2, 2)):
        calls = []
        watch = Stop(lambda: calls.append(1) or len(calls) >= stop_at, steps)
        model.fit(batches.part(0, 0, steps), verbose=0, shuffle=False, callbacks=[watch])
        before += taken
        assert watch.taken == taken and int(model.iteration) == before
    assert np.isfinite(list(model.means().values())).all()
