"""The step of the flowers against another one that is written out, and a run of them: schedules, measurements, log, faults."""
import gan_course.flowers.config # noqa: F401, first: it chooses Keras's backend

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from cli import TRACKS, command, one_line, sound, strict_json, stub_pictures, train_arguments, whole_run
from PIL import Image

from gan_course.basics import CourseError
from gan_course.board import read_log, tags
from gan_course.flowers import trainer as module
from gan_course.flowers.augment import diff_augment
from gan_course.flowers.blossoms import load_blossoms
from gan_course.flowers.config import CONFIG
from gan_course.flowers.networks import create_discriminator, create_generator
from gan_course.flowers.trainer import CHANGE_FAKE, CHANGE_REAL, FLIPS, LATENTS, MEASURED, GANStep, Training, overfitting_figure, train
from gan_course.loop import average_keep, due, likely_cause

TRACK = TRACKS["flowers"]
SMALL = CONFIG.replace(**(TRACK.small | dict(batch_size=8, limit=64, r1=0.4, penalty_every=4, learning_rate=2e-3)))
DATA = load_blossoms(size=32, limit=64)
TAGS = {"generator_loss", "discriminator_loss", "generator_score", "discriminator_score", "accuracy_real", "accuracy_fake", "grad_norm_d",
        "grad_norm_g", "images_per_second", "rank_train", "rank_held_out", "pixel_frechet"}


def config(out, **changes): return CONFIG.replace(**(TRACK.small | changes), out=out)
def numbers(variables): return [np.array(v) for v in variables]
def pair(seed, iteration, purpose): return tf.constant([seed, iteration * 8 + purpose], tf.int64)


# --- One step, written out ---

class Step:
    "The same game, eagerly, from the papers' formulas; BatchNorm and Adam are Keras's own."
    def __init__(self, config):
        self.c = c = config
        self.G, self.D = create_generator(c), create_discriminator(c)
        self.average = numbers(self.G.variables)
        self.opt_g, self.opt_d = (keras.optimizers.Adam(c.learning_rate, beta_1=c.beta1, beta_2=c.beta2, epsilon=1e-8) for _ in range(2))
        self.measured = []

    def shown(self, x, iteration, purpose):
        return diff_augment(x, self.c.policy, pair(self.c.seed, iteration, purpose)) if self.c.augmentation == "diffaugment" else x

    def __call__(self, x, iteration, keep):
        c = self.c
        z = tf.random.stateless_normal((c.batch_size, c.num_latent_inputs), pair(c.seed, iteration, LATENTS), alg="philox")
        real = self.shown(tf.constant(x), iteration, CHANGE_REAL)
        fake = self.shown(self.G(z, training=False) * 0 + self.frozen(z), iteration, CHANGE_FAKE)
        label = tf.ones(c.batch_size)
        if c.flip_prob: label = tf.cast(tf.random.stateless_uniform((c.batch_size,), pair(c.seed, iteration, FLIPS), alg="philox") >= c.flip_prob, tf.float32)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(real)
                a = self.D(real, training=True)
            slope = inner.gradient(a, real)
            b = self.D(fake, training=True)
            loss_d = tf.reduce_mean(label * tf.nn.softplus(-a) + (1 - label) * tf.nn.softplus(a)) + tf.reduce_mean(tf.nn.softplus(b))
            total = loss_d
            if iteration % c.penalty_every == 0: total += c.penalty_every * c.r1 / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, (1, 2, 3)))
        gradients = outer.gradient(total, self.D.trainable_variables)
        norm_d = np.sqrt(sum((np.array(g, np.float64) ** 2).sum() for g in gradients))
        self.opt_d.apply_gradients(zip(gradients, self.D.trainable_variables))
        with tf.GradientTape() as tape:
            loss_g = tf.reduce_mean(tf.nn.softplus(-self.D(self.shown(self.G(z, training=True), iteration, CHANGE_FAKE), training=True)))
        gradients = tape.gradient(loss_g, self.G.trainable_variables)
        norm_g = np.sqrt(sum((np.array(g, np.float64) ** 2).sum() for g in gradients))
        self.opt_g.apply_gradients(zip(gradients, self.G.trainable_variables))
        self.average = [v.numpy() * (1 - keep) + old * keep for v, old in zip(self.G.variables, self.average)]
        self.measured.append([float(loss_d), float(loss_g), float(tf.reduce_mean(tf.sigmoid(a))), float(tf.reduce_mean(tf.sigmoid(b))),
                              np.mean(np.array(a) > 0), np.mean(np.array(b) < 0), norm_d, norm_g])

    def frozen(self, z):
        "What the generator makes of latents in training, its running statistics left as they are."
        kept = numbers(self.G.non_trainable_variables)
        x = self.G(z, training=True)
        for v, value in zip(self.G.non_trainable_variables, kept): v.assign(value)
        return x


def close(a, b, what, tolerance=2e-4):
    "Equal, but for what the order of additions makes of float32; relative to the largest number."
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape and np.abs(a - b).max() <= tolerance * max(np.abs(b).max(), 1e-3), (what, np.abs(a - b).max(), np.abs(b).max())


@pytest.mark.parametrize("changes", [{}, dict(augmentation="none", flip_prob=0.3, beta1=0.5, r1=0.0)], ids=str)
def test_steps_against_another_implementation(changes):
    "With and without the penalty: weights, running statistics, moments, average, measurements."
    c = SMALL.replace(**changes, ema_half_life=100)
    t, other, seen = Training(c, DATA), Step(c), 0
    start = numbers(t.step.D.trainable_variables)
    for iteration in range(5): # the fifth has the second penalty
        index = t.batches.index(0, iteration)
        seen += c.batch_size
        keep = average_keep(c.ema_half_life, c.batch_size, seen)
        t.step(index, iteration, keep)
        other(DATA.images[index] / np.float32(127.5) - 1, iteration, keep)
    assert min(np.abs(a - b).max() for a, b in zip(start, numbers(t.step.D.trainable_variables))) > 1e-4
    values = np.mean(other.measured, 0)
    for name, value in zip(MEASURED, values): assert t.means()[name] == pytest.approx(value, rel=2e-3), name
    for mine, theirs, what in ((t.step.G, other.G, "G"), (t.step.D, other.D, "D")):
        for v, w in zip(mine.variables, theirs.variables): close(v, w, f"{what} {v.path}", 5e-2 if v.trainable else 5e-3)
    for v, w in zip(t.network.variables, other.average): close(v, w, f"average {v.path}", 5e-2)
    assert int(t.step.opt_d.iterations) == int(t.step.opt_g.iterations) == 5 and t.first_bad() is None


def one_step(**changes):
    "A first step: training, and the weights of the discriminator before."
    t = Training(SMALL.replace(**changes), DATA)
    before = numbers(t.step.D.trainable_variables)
    t.step(t.batches.index(0, 0), changes.pop("iteration", 0), 0.0)
    return t, before


def test_the_penalty_is_weighted_by_its_interval():
    "The gradient of the same penalty: every k steps with k times its weight; the reported loss is without it."
    norms = {}
    for r1, every in ((0.0, 1), (0.8, 1), (0.05, 16), (0.1, 16)):
        t, _ = one_step(r1=r1, penalty_every=every)
        norms[r1, every] = t.means()["grad_norm_d"], t.means()["loss_d"]
    assert norms[0.8, 1][0] == pytest.approx(norms[0.05, 16][0], rel=1e-6) != pytest.approx(norms[0.1, 16][0], rel=1e-3)
    assert norms[0.0, 1][0] != pytest.approx(norms[0.8, 1][0], rel=1e-3)
    assert len({round(loss, 6) for _, loss in norms.values()}) == 1


def test_when_the_penalty_comes():
    "In step 0, 4, 8: the compiled step is told so."
    t, told = Training(SMALL, DATA), []
    t.step.train_step = lambda index, iteration, keep, penalise: told.append(penalise)
    t.advance(t.batches, 8, lambda: False)
    assert told == [i % 4 == 0 for i in range(8)] and t.steps == t.step_in_epoch == 8 and t.images_seen == 64
    t.step = GANStep(SMALL.replace(r1=0.0), t.batches)
    t.step.train_step = lambda index, iteration, keep, penalise: told.append(penalise)
    t.steps = t.step_in_epoch = 0
    t.advance(t.batches, 3, lambda: True)
    assert told[8:] == [False] and t.steps == 1, "it stops when it is asked to"


def test_the_average():
    "All of it: BatchNorm's statistics too. Without a half-life it is a copy, bit by bit."
    t, _ = one_step(ema_half_life=0)
    assert all((a == b).all() for a, b in zip(numbers(t.network.variables), numbers(t.step.G.variables)))
    before, now = numbers(t.network.variables), None
    t.step(t.batches.index(0, 1), 1, 0.75)
    now = numbers(t.step.G.variables)
    for v, old, new in zip(t.network.variables, before, now): close(v, 0.75 * old + 0.25 * new, v.path, 1e-6)
    moving = [i for i, v in enumerate(t.network.variables) if "moving" in v.path]
    assert moving and all(not np.array_equal(before[i], now[i]) for i in moving) and not t.network.trainable_variables


@pytest.mark.parametrize("augmentation", ["augment_data", "diffaugment"])
def test_augmentation_changes_the_step(augmentation):
    "And is another one in each step: the same batch twice measures otherwise."
    seen = [one_step(augmentation=name)[0].means()["d_real"] for name in (augmentation, "none")]
    assert seen[0] != seen[1]
    step = GANStep(SMALL.replace(augmentation=augmentation), Training(SMALL, DATA).batches)
    shown = [np.array(step.batches.pick(np.arange(8, dtype=np.int32), step.seed(tf.constant(i, tf.int64), module.COPIES)))
             if augmentation == "augment_data" else np.array(step.shown(step.batches.pick(np.arange(8)), step.seed(tf.constant(i, tf.int64), CHANGE_REAL)))
             for i in (0, 1, 0)]
    assert np.array_equal(shown[0], shown[2]) and not np.array_equal(shown[0], shown[1])


def test_means_and_reset():
    t, _ = one_step()
    first = t.means()
    t.step(t.batches.index(0, 1), 1, 0.0)
    both = t.means()
    t.reset_means()
    assert t.means() == dict.fromkeys(MEASURED, 0.0)
    t.step(t.batches.index(0, 2), 2, 0.0)
    assert int(t.step.counted) == 1 and all(np.isfinite(v) for v in both.values()) and both != first


# --- A closer look ---

def test_a_closer_look_changes_nothing_and_means_what_it_says(monkeypatch):
    "How often a photograph is found more real than a generated image, of all pairs; batch by batch, of 320 images at most."
    held_out = load_blossoms("test", size=32, limit=20)
    t = Training(SMALL.replace(dropout_prob=0.5), DATA, held_out)
    before = t.state_dict()["variables"]
    ranks = t.closer_look()
    assert ranks.keys() == {"rank_train", "rank_held_out"} and all(0 <= v <= 1 for v in ranks.values())
    after = t.state_dict()["variables"]
    assert all(np.array_equal(before[name], after[name]) for name in before) and t.closer_look() == ranks, "dropout's seed too"
    t = Training(SMALL.replace(augmentation="none"), DATA, held_out)
    class Bright: # takes light pictures for real
        non_trainable_variables, seen = (), []
        def __call__(self, x, training):
            assert training and len(x) == 8
            self.seen.append(len(x))
            return tf.reduce_mean(x, (1, 2, 3))
    monkeypatch.setattr(Training, "D", Bright())
    monkeypatch.setattr(Training, "draw", lambda self, num, seed: load_blossoms(size=32, limit=100 + num).images[100:])
    found = t.closer_look()
    def light(images): return (images / 127.5 - 1).mean((1, 2, 3))
    fake = light(t.draw(320, 3))
    for name, images in (("rank_train", DATA.images), ("rank_held_out", held_out.images[:16])):
        assert found[name] == pytest.approx(np.mean([one > other for one in light(images) for other in fake]), abs=1e-3)
        assert 0.1 < found[name] < 0.9
    assert sum(Bright.seen) == 64 + 16 + 320


@pytest.mark.parametrize("images", [1, 2, 7, 9])
def test_a_closer_look_at_few_held_out_images(images):
    "Fewer than a batch, or not a multiple of it."
    t = Training(SMALL, DATA, load_blossoms("test", size=32, limit=images))
    assert 0 <= t.closer_look()["rank_held_out"] <= 1


def test_a_closer_look_with_a_large_batch():
    "Larger than what is looked at: a batch of all of that."
    c, data = SMALL.replace(limit=330, batch_size=330), load_blossoms(size=32, limit=330)
    assert set(Training(c, data, data).closer_look()) == {"rank_train", "rank_held_out"}


def test_nothing_held_out(): assert Training(SMALL, DATA).closer_look() == {}


def test_the_figure_of_ranks():
    rows = [dict(epoch=1, rank_train=0.9, rank_held_out=0.6), dict(epoch=2), dict(epoch=3, rank_train=1.0, rank_held_out=0.5)]
    ax, = overfitting_figure(rows, "about").axes
    found = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert found == {"training photographs": [[1, 0.9], [3, 1.0]], "held-out photographs": [[1, 0.6], [3, 0.5]]}


# --- The state ---

def test_a_state_that_does_not_fit():
    "Is refused before anything is changed."
    t = Training(SMALL, DATA)
    before = t.state_dict()
    variables = before["variables"]
    for wrong in ({k: v for k, v in variables.items() if k != "G/000"}, variables | {"G/999": np.zeros(1)},
                  variables | {"D/000": np.zeros((1, 2), np.float32)}, variables | {"own/001": np.float32(3)}):
        with pytest.raises(ValueError): t.load_state_dict(before | dict(variables={k: v + 1 if k == "G/001" else v for k, v in wrong.items()}, steps=7))
        assert all(np.array_equal(v, variables[name]) for name, v in t.state_dict()["variables"].items()) and t.steps == 0


def test_a_state_goes_on_the_same():
    "Into a `Training` that begins elsewhere; the rest of the game is the same."
    c = SMALL.replace(dropout_prob=0.3, flip_prob=0.2)
    a, b = Training(c, DATA), Training(c, DATA)
    a.advance(a.batches, 3, lambda: False)
    b.advance(b.batches, 1, lambda: False)
    b.load_state_dict(a.state_dict())
    for t in (a, b): t.advance(t.batches, 2, lambda: False)
    found = [t.state_dict()["variables"] for t in (a, b)]
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0]) and a.counters() | dict(seconds=0) == b.counters() | dict(seconds=0)


# --- A run ---

@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "One run with everything, pictures too: configuration, what was returned, folder."
    c = config(tmp_path_factory.mktemp("trainer")/"run", epochs=4, measure_every=3, checkpoint_save_interval=2)
    return c, train(c, verbose=False), c.out


def test_what_is_returned_is_what_is_written(run):
    c, metrics, folder = run
    assert metrics == strict_json(folder/"metrics.json") and metrics["status"] == "finished"
    saved = strict_json(folder/"config.json")
    assert saved["config"] == c.to_dict() and saved["track"] == metrics["track"] == "flowers" and saved["dataset"] == metrics["dataset"]
    rows = metrics["history"]
    assert [(row["epoch"], row["step"], row["images_seen"]) for row in rows] == [(n, 3 * n, 96 * n) for n in range(1, 5)]
    shares = {"rank_train", "rank_held_out"}
    names = {"epoch", "step", "images_seen", "seconds", "images_per_second", "lr_g", "lr_d", "pixel_frechet", *MEASURED}
    for row in rows:
        assert row.keys() == (names | shares if due(row["epoch"], 3) else names)
        assert all(np.isfinite(row[name]) for name in row.keys() - {"pixel_frechet"}) and row["lr_g"] == row["lr_d"] == c.learning_rate
        assert all(0 <= row[name] <= 1 for name in ("d_real", "d_fake", "accuracy_real", "accuracy_fake", *shares & row.keys()))
    assert metrics["provenance"]["checksum"].endswith("[:96]") and metrics["provenance"]["device"] == "cpu"
    assert set(metrics["provenance"]["packages"]) >= {"tensorflow", "keras", "numpy"} and metrics["dataset"]["name"] == "blossoms"


def test_what_is_measured_when(run):
    "The first epoch, and each third; the best generator is one of them."
    rows = run[1]["history"]
    measured = {row["epoch"]: row["pixel_frechet"] for row in rows if row["pixel_frechet"] is not None}
    assert list(measured) == [1, 3]
    best = min(measured, key=measured.get)
    assert run[1]["best"] == dict(epoch=best, pixel_frechet=measured[best])


def test_all_files_are_there(run):
    whole_run(run[2], track="flowers")
    assert sound(run[2], track="flowers")
    assert sorted(p.name for p in (run[2]/"generator_checkpoints").iterdir()) == ["epoch_0002.weights.h5", "epoch_0004.weights.h5"]
    for name in TRACK.pictures: assert 1000 < (run[2]/name).stat().st_size < 150_000, name


def arrays(path): return sorted((v.shape, v.tobytes()) for v in TRACK.load(path)["weights"].values())


def test_kept_generators(run):
    "The average of their epoch: the last one's is the result, the other one is another."
    kept = [arrays(run[2]/"generator_checkpoints"/f"epoch_{n:04d}.weights.h5") for n in (2, 4)]
    assert kept[1] == arrays(run[2]/"generator.weights.h5") == arrays(run[2]/"generator.keras") != kept[0]
    state = TRACK.load(TRACK.checkpoints(run[2])[-1])["state"]
    assert kept[1] == sorted((v.shape, v.tobytes()) for v in state["ema"].values()) != sorted((v.shape, v.tobytes()) for v in state["G"].values())
    assert len(state["strips"]) == 2, "one for each epoch that is measured"


def test_the_log_is_what_metrics_say(run):
    "Each number under its name, of each epoch that has it; and pictures, settings, a graph."
    log, rows = read_log(run[2]/"logs"), run[1]["history"]
    assert log.keys() >= TAGS
    for name in TAGS:
        expected = [(row["epoch"], tags(row)[name]) for row in rows if tags(row).get(name) is not None]
        assert [step for step, _ in log[name]] == [epoch for epoch, _ in expected], name
        assert [value for _, value in log[name]] == pytest.approx([value for _, value in expected], rel=1e-6), name
    assert [step for step, _ in log["pixel_frechet"]] == [step for step, _ in log["rank_train"]] == [1, 3]
    assert [value for _, value in log["generator_loss"]] == pytest.approx([row["loss_g"] for row in rows])
    assert [value for _, value in log["discriminator_loss"]] == pytest.approx([row["loss_d"] for row in rows])
    assert [value for _, value in log["generator_score"]] == pytest.approx([row["d_fake"] for row in rows])
    assert [value for _, value in log["discriminator_score"]] == pytest.approx([(row["d_real"] + 1 - row["d_fake"]) / 2 for row in rows])


def test_pictures_in_the_log(run):
    "After the first epoch, and with each generator that is kept: samples of its own epoch."
    pictures = read_log(run[2]/"logs")["Generated Image"]
    assert [step for step, _ in pictures] == [1, 2, 4]
    sizes = set()
    for _, data in pictures:
        with Image.open(io.BytesIO(data)) as picture: sizes.add((picture.format, picture.mode, picture.width >= 4 * 32, picture.height >= 2 * 32))
    assert sizes == {("JPEG", "RGB", True, True)} and len({data for _, data in pictures}) == 3


def test_settings_and_graph_in_the_log(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    (_, text), = read_log(run[2]/"logs")["config"]
    settings = run[0].to_dict()
    for name in ("batch_size", "learning_rate", "augmentation", "policy", "num_filters", "seed"): assert f"| {name} | {settings[name]} |" in text, name
    log = EventAccumulator(str(run[2]/"logs"))
    log.Reload()
    nodes = {node.name for node in log.Graph().node}
    assert any("generator" in name for name in nodes) and any("discriminator" in name for name in nodes)


@pytest.fixture
def quick(monkeypatch): stub_pictures(monkeypatch)


def test_without_pictures_of_a_kind(tmp_path, quick):
    "No distance, no log, a run that ends before anything is kept: the same weights as with all of them."
    losses = []
    for name, changes in (("a", dict(eval_images=0, tensorboard=False, checkpoint_save_interval=50, num_samples=1)), ("b", dict(checkpoint_every=1))):
        metrics = train(config(tmp_path/name, epochs=1, **changes), verbose=False)
        losses.append({key: metrics["history"][0][key] for key in MEASURED})
    assert losses[0] == losses[1] and arrays(tmp_path/"a"/"generator.weights.h5") == arrays(tmp_path/"b"/"generator.weights.h5")
    assert not (tmp_path/"a"/"logs").exists() and not (tmp_path/"a"/"generator_checkpoints").exists() and not (tmp_path/"a"/"best").exists()


def test_no_finite_loss(tmp_path, quick, monkeypatch):
    "A learning rate that is no number ends a run in one line that names the step; what is good stays."
    call = GANStep.__call__
    def calling(self, index, iteration, keep):
        if iteration == 4: self.opt_d.learning_rate.assign(np.inf)
        return call(self, index, iteration, keep)
    monkeypatch.setattr(GANStep, "__call__", calling)
    done = command(*train_arguments(tmp_path/"run", track="flowers", eval_images=0))
    one_line(done, "no longer finite at step 4 (epoch 2)", "step_00000003.npz", "Likely cause")
    metrics = strict_json(tmp_path/"run"/"metrics.json")
    assert metrics["status"] == "failed" and [row["epoch"] for row in metrics["history"]] == [1]
    assert sound(tmp_path/"run", track="flowers") and not (tmp_path/"run"/"generator.weights.h5").exists()
    assert [step for step, _ in read_log(tmp_path/"run"/"logs")["generator_loss"]] == [1]


def test_likely_causes():
    "Each names fields of the configuration."
    assert "learning_rate of 2e-4" in likely_cause(CONFIG.replace(learning_rate=0.01))
    named = {word.strip(",;()") for word in likely_cause(CONFIG).split() if "_" in word}
    assert named <= set(CONFIG.to_dict()), named


def test_too_few_images(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "load_images", lambda *args, **how: DATA)
    with pytest.raises(CourseError) as caught: train(config(tmp_path/"run", limit=None, batch_size=65), verbose=False)
    assert "batch" in str(caught.value) and "\n" not in str(caught.value)
