"""A run on photographs that is killed, interrupted or crashed, and resumed, ends with the bits of one that was not: weights, kept
generators, and what stands in its log for TensorBoard. What the loop, which is shared, does about it is held by the other tracks."""
import gan_course.flowers.config # noqa: F401, first: it chooses Keras's backend

import random
import shutil
import signal

import pytest
from cli import (STUB, TRACKS, Forks, differences, ended, final as final_of, one_line, refused, sound as sound_of, spawn, strict_json,
                 train_arguments as arguments_of, wait_for, whole_run as whole)

from gan_course.board import read_log, tags
from gan_course.flowers.trainer import GANStep

KILLS = 3
EPOCHS, PER_EPOCH = 2, 3 # of a run, and steps of an epoch; a checkpoint every two steps
TRACK = TRACKS["flowers"]
AUGMENTATIONS = ("none", "augment_data", "diffaugment")
ALL = dict(flip_prob=0.1, dropout_prob=0.3, r1=0.5, penalty_every=2, ema_half_life=200, beta1=0.5, beta2=0.9, policy="mirror,colour,translation,cutout")


def train_arguments(run, *args, **changes): return arguments_of(run, *args, track="flowers", **(dict(epochs=EPOCHS, checkpoint_every=2) | ALL | changes))
def final(run): return final_of(run, "flowers")
def sound(run): return sound_of(run, "flowers")
def whole_run(run, **how): return whole(run, track="flowers", **how)
def steps(run): return [int(p.stem[5:]) for p in TRACK.checkpoints(run)]


@pytest.fixture(scope="module")
def forks():
    made = Forks("flowers")
    yield made
    made.close()


@pytest.fixture(scope="module")
def straight(forks, tmp_path_factory):
    "An uninterrupted run, what it made, and how long one takes."
    run = tmp_path_factory.mktemp("straight")/"run"
    done = forks(*train_arguments(run, keep_checkpoints=20))
    assert done.status == 0 and not done.err, done.err
    return run, final(run), done.seconds


def unlike(a, b, but=("keep_checkpoints",)): return [d for d in differences(a, b) if d.rsplit(".", 1)[-1] not in but]


def logged(run):
    "Name -> (step, value) in the order of reading, without what depends on the clock."
    return {name: rows for name, rows in read_log(run/"logs").items()
            if name not in ("config", "seconds", "images_per_second") and not name.startswith("_hparams_")}


def assert_log(run, expected, epochs=EPOCHS):
    "One number of each name and epoch, equal to those of another run, and to metrics.json."
    found = logged(run)
    assert found.keys() == expected.keys() and all(found[name] == expected[name] for name in found)
    for row in strict_json(run/"metrics.json")["history"]:
        for name, value in tags(row).items():
            if name in found and value is not None: assert dict(found[name])[row["epoch"]] == pytest.approx(value, rel=1e-6), name
    assert [step for step, _ in found["generator_loss"]] == list(range(1, epochs + 1))


def cut_off(straight, run, step):
    "What is left of a run that was killed when it had written the checkpoint of this step; its log may hold more."
    (run/"checkpoints").mkdir(parents=True)
    shutil.copy(straight/"checkpoints"/f"step_{step:08d}.npz", run/"checkpoints")
    shutil.copytree(straight/"logs", run/"logs")


def test_the_comparison_sees_a_single_bit(straight):
    "`differences` is what the other tests rely on."
    assert differences(straight[1], final(straight[0])) == []
    for place in ("G", "D", "ema", "opt_g", "opt_d", "own"):
        again = final(straight[0])
        value = next(v for v in again["checkpoint"]["state"][place].values() if v.ndim)
        value.view(f"i{value.itemsize}").flat[0] ^= 1
        assert len(differences(straight[1], again)) == 1, place
    again = final(straight[0])
    next(iter(again["kept"]["epoch_0002.weights.h5"]["weights"].values())).flat[0] += 1
    assert len(differences(straight[1], again)) == 1


def test_kill_9_at_random_moments(forks, straight, tmp_path):
    "Over the life of a run, each attempt resumes; the last one ends with the same bits, and the log has each epoch once."
    moments, run, seen = random.Random(3), tmp_path/"run", []
    for _ in range(KILLS):
        if max(steps(run), default=0) == EPOCHS * PER_EPOCH: break # only the pictures are missing
        done = forks(*train_arguments(run, "--resume"), kill=moments.uniform(0.45, 1.0) * straight[2])
        assert done.status in (0, -signal.SIGKILL), done.err
        assert sound(run)
        seen += [done.status]
    assert -signal.SIGKILL in seen
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0, done.err
    assert unlike(straight[1], final(run)) == []
    whole_run(run)
    assert_log(run, logged(straight[0]))


def test_crash_around_every_kind_of_file(forks, straight, tmp_path):
    """Just before and just after a file gets its final name. A run that begins writes config and metrics, a checkpoint, then for its first
    epoch the best generator, pictures, a checkpoint, metrics; a resumed one goes on from there."""
    run, crashes = tmp_path/"run", 0
    for n, when in ((4, "after"), (8, "before"), (9, "after")):
        done = forks(*train_arguments(run, "--resume"), crash=(n, when))
        if done.status == 0: break
        assert done.status == -signal.SIGKILL, done.err
        crashes += 1
        assert sound(run)
    assert crashes >= 2
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0, done.err
    assert unlike(straight[1], final(run)) == []
    whole_run(run)
    assert_log(run, logged(straight[0]))


def test_ctrl_c_in_a_fork(forks, straight, tmp_path):
    "Status 130, one line, a state that resumes to the same bits; a part of an epoch is not in the log."
    run = tmp_path/"run"
    done = forks(*train_arguments(run), once=run/"checkpoints"/"step_00000002.npz", signal=signal.SIGINT)
    assert sound(run)
    one_line(done, "--resume", status=130)
    assert strict_json(run/"metrics.json")["status"] == "interrupted" and not (run/"generator.weights.h5").exists()
    assert len(logged(run).get("generator_loss", [])) == TRACK.load(TRACK.checkpoints(run)[-1])["state"]["epoch"]
    assert forks(*train_arguments(run, "--resume")).status == 0
    assert unlike(straight[1], final(run)) == []
    assert_log(run, logged(straight[0]))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_everything_the_next_step_depends_on(forks, straight, tmp_path, augmentation):
    "Cut off in the middle of an epoch, with flips, dropout, a penalty every other step, momentum and an average."
    other, changes = straight[0], dict(augmentation=augmentation, keep_checkpoints=20)
    if augmentation != "diffaugment":
        other = tmp_path/"straight"
        assert forks(*train_arguments(other, eval_images=0, **changes)).status == 0
        changes |= dict(eval_images=0)
        assert any("state.G" in d for d in differences(straight[1], final(other))), "another augmentation is another run"
    cut_off(other, tmp_path/"run", 4)
    done = forks(*train_arguments(tmp_path/"run", "--resume", **changes))
    assert done.status == 0 and "at step 4 (epoch 2)" in done.out, done.err
    assert [d for d in differences(final(other), final(tmp_path/"run")) if not d.startswith(".best")] == [], "the best generator was made before"
    assert_log(tmp_path/"run", logged(other))


def test_more_epochs(forks, straight, tmp_path):
    "A run that ended after one epoch goes on, to the same bits."
    run = tmp_path/"run"
    assert forks(*train_arguments(run, epochs=1)).status == 0
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0 and f"at step {PER_EPOCH} " in done.out, done.err
    assert unlike(straight[1], final(run), but=("keep_checkpoints", "epochs")) == []
    whole_run(run)
    assert_log(run, logged(straight[0]))
    one_line(forks(*train_arguments(run, "--resume", epochs=1)), "has done 2 epochs already", "--epochs")


def test_resume_of_a_finished_run(forks, straight):
    "Says what it said, and computes nothing; not even its log is touched."
    run, before = straight[0], {p: p.read_bytes() for p in straight[0].rglob("*") if p.is_file()}
    done = forks(*train_arguments(run, "--resume", keep_checkpoints=20))
    assert done.status == 0 and "resuming" not in done.out
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_resume_of_a_finished_run_that_kept_no_generator(forks, tmp_path):
    "A short run has no folder of generators, and is finished all the same."
    run, changes = tmp_path/"run", dict(epochs=1, eval_images=0, checkpoint_save_interval=5)
    assert forks(*train_arguments(run, **changes)).status == 0
    before = (run/"generator.weights.h5").stat().st_mtime_ns
    done = forks(*train_arguments(run, "--resume", **changes))
    assert done.status == 0 and "resuming" not in done.out and (run/"generator.weights.h5").stat().st_mtime_ns == before
    assert len(list((run/"logs").iterdir())) == 1


def test_a_new_run_leaves_nothing_of_an_earlier_one(forks, tmp_path):
    "Kept generators and numbers in the log belong to the run that config.json describes."
    run, changes = tmp_path/"run", dict(eval_images=0, checkpoint_save_interval=1)
    assert forks(*train_arguments(run, **changes)).status == 0
    done = forks(*train_arguments(run, epochs=1, seed=1, **changes))
    assert done.status == 0 and "starting anew" in done.out, done.err
    assert [step for step, _ in read_log(run/"logs")["generator_loss"]] == [1]
    assert sorted(p.name for p in (run/"generator_checkpoints").iterdir()) == ["epoch_0001.weights.h5"]


def test_a_new_run_that_fails_at_once_leaves_the_earlier_log(forks, tmp_path, monkeypatch):
    "As it leaves the earlier checkpoints: `--resume` can go on with them, and the board shows all of it."
    run, changes, call = tmp_path/"run", dict(eval_images=0, epochs=1), GANStep.__call__
    assert forks(*train_arguments(run, **changes)).status == 0
    before, kept = logged(run), steps(run)
    def calling(self, *args):
        self.opt_d.learning_rate.assign(float("inf"))
        return call(self, *args)
    monkeypatch.setattr(GANStep, "__call__", calling)
    refused(*train_arguments(run, **changes), says=("no longer finite at step 0", "there is no checkpoint yet"))
    assert steps(run) == kept and before["generator_loss"]
    assert logged(run) == before


def test_killing_the_command(straight, tmp_path):
    "The real thing, with autograph and pictures: `python -m gan_course`, kill -9 in the middle, --resume."
    run = tmp_path/"run"
    process = spawn(*train_arguments(run))
    wait_for(lambda: steps(run), process)
    process.kill()
    assert ended(process).status == -signal.SIGKILL
    assert sound(run) and strict_json(run/"metrics.json")["status"] == "running"
    done = ended(spawn(*train_arguments(run, "--resume")))
    assert done.status == 0 and not done.err, done.err
    assert f"resuming {run} at step" in done.out
    assert unlike(straight[1], final(run)) == []
    whole_run(run)
    assert_log(run, logged(straight[0]))
    assert STUB not in b"".join((run/name).read_bytes() for name in TRACK.pictures)
