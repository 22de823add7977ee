"""A run that is killed, interrupted or crashed, and resumed, ends with the bits of one that was not."""
import os
import random
import shutil
import signal

import pytest
from cli import (Forks, STUB, TRACKS, command, differences, ended, final as final_of, one_line, sound as sound_of, spawn, strict_json,
                 train_arguments as arguments_of, wait_for, whole_run as whole)

KILLS = 20
TRACK = TRACKS["tensorflow"]


def train_arguments(*args, **changes):
    "Without penalties where nothing else is said: one kind of step is traced in half the time of two."
    return arguments_of(*args, track="tensorflow", **(dict(r1=0.0, r2=0.0) | changes))


def final(run): return final_of(run, "tensorflow")
def sound(run): return sound_of(run, "tensorflow")
def whole_run(run): return whole(run, track="tensorflow")
def steps(run): return [int(p.stem[5:]) for p in TRACK.checkpoints(run)]


@pytest.fixture(scope="module")
def forks():
    server = Forks("tensorflow")
    yield server
    server.close()


@pytest.fixture(scope="module")
def reference(forks, tmp_path_factory):
    "The uninterrupted run, what it made and how long it took."
    run = tmp_path_factory.mktemp("reference")/"run"
    done = forks(*train_arguments(run))
    assert done.status == 0 and not done.err, done.err
    whole_run(run)
    return run, final(run), done.seconds


def test_the_comparison_sees_a_single_bit(reference, tmp_path):
    "`differences` is what the other tests rely on."
    run, expected, _ = reference
    assert differences(expected, final(run)) == []
    for place in ("G", "D", "ema", "opt_g", "opt_d", "meter"):
        again = final(run)
        value = next(v for v in again["checkpoint"]["state"][place].values() if v.ndim)
        value.view(f"i{value.itemsize}").flat[0] ^= 1
        assert len(differences(expected, again)) == 1, place
    again = final(run)
    again["generator"]["weights"]["layers/dense/vars/0"].flat[-1] += 1e-6
    again["models"][1]["weights"].popitem()
    again["checkpoint"]["state"]["strips"][0].flat[0] ^= 1
    assert len(differences(expected, again)) == 3


def test_another_seed_gives_another_run(forks, reference, tmp_path):
    "Or equality would show nothing."
    done = forks(*train_arguments(tmp_path/"run", seed=1))
    assert done.status == 0
    found = differences(reference[1], final(tmp_path/"run"))
    for part in ("generator", "discriminator", "models", "state.opt_g", "state.opt_d", "metrics.history"):
        assert any(part in d for d in found), part


def test_kill_9_at_20_random_moments(forks, reference, tmp_path):
    """Over the whole life of a run: each attempt resumes and is killed at a moment drawn from the time that an uninterrupted
    run takes. When one gets to its end before, it is compared, and another run begins."""
    _, expected, seconds = reference
    moments, kills, runs = random.Random(0), 0, 0
    run, seen = tmp_path/str(runs), []
    while kills < KILLS:
        done = forks(*train_arguments(run, "--resume"), kill=moments.uniform(0, 1.05 * seconds))
        assert done.status in (0, -signal.SIGKILL), done.err
        assert sound(run)
        if done.status:
            kills += 1
            seen += [max(steps(run), default=0)]
            continue
        assert differences(expected, final(run)) == []
        runs += 1
        run = tmp_path/str(runs)
    assert len(set(seen)) >= 3, f"the kills lie at different places of the run: {seen}"
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0, done.err
    assert differences(expected, final(run)) == []
    whole_run(run)


def test_crash_around_every_kind_of_file(forks, reference, tmp_path):
    """Killed just before and just after a file gets its final name, at the n-th of them, ever farther on. A resumed run writes two
    files first; the last thirteen are pictures, the last checkpoint, metrics and results."""
    run, crashes = tmp_path/"run", 0
    for n in (1, 3, 5, 8, 11, 14, 9, 6, 7, 8, 9, 10):
        done = forks(*train_arguments(run, "--resume"), crash=(n, "before" if crashes % 2 else "after"))
        if done.status == 0: break
        assert done.status == -signal.SIGKILL, done.err
        crashes += 1
        assert sound(run)
    assert crashes >= 6
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0, done.err
    assert differences(reference[1], final(run)) == []
    whole_run(run)


def cut_off(straight, run, step):
    "What is left of a run that was killed when it had written the checkpoint of this step."
    (run/"checkpoints").mkdir(parents=True)
    shutil.copy(straight/"checkpoints"/f"step_{step:08d}.npz", run/"checkpoints")


@pytest.mark.parametrize("recipe", [
    dict(recipe="modern", r1=0.1, r2=0.1, penalty_every=4),
    dict(recipe="dcgan", d_norm="batch", dropout=0.3, flip=0.5, instance_noise=0.1, lr_decay="cosine", d_steps=2, g_steps=2,
         label_smoothing=0.1, checkpoint_every=4),
    dict(optimizer="rmsprop", loss="minimax", lr_decay="linear", ema_half_life=0),
    dict(optimizer="adamw", weight_decay=0.01, beta1=0.9, loss="non_saturating", dropout=0.2, ema_half_life=100, precision="fp16"),
], ids=["modern", "dcgan and all that is random", "rmsprop", "adamw in float16"])
def test_everything_the_next_step_depends_on(forks, tmp_path, recipe):
    "Each random or remembered part of other configurations: cut off in the middle of an epoch."
    changes = dict(recipe, epochs=2, eval_images=0, keep_checkpoints=20)
    done = forks(*train_arguments(tmp_path/"straight", **changes))
    assert done.status == 0 and not done.err, done.err
    per_epoch = 10 // changes.get("d_steps", 1)
    at = next(step for step in steps(tmp_path/"straight")[1:] if step % per_epoch)
    cut_off(tmp_path/"straight", tmp_path/"run", at)
    done = forks(*train_arguments(tmp_path/"run", "--resume", **changes))
    assert done.status == 0 and "resuming" in done.out, done.err
    assert differences(final(tmp_path/"straight"), final(tmp_path/"run")) == []


def test_ctrl_c_in_a_fork(forks, reference, tmp_path):
    "At a few moments of training: status 130, one line, a state that resumes to the same bits."
    run, stopped = tmp_path/"run", 0
    for step in (3, 21):
        done = forks(*train_arguments(run, "--resume"), once=run/"checkpoints"/f"step_{step:08d}.npz", signal=signal.SIGINT)
        assert sound(run)
        if done.status == 0: break
        one_line(done, "--resume", status=130)
        stopped += 1
    assert stopped
    assert forks(*train_arguments(run, "--resume")).status == 0
    assert differences(reference[1], final(run)) == []


def test_killing_the_command(reference, tmp_path):
    "The real thing: `python -m gan_course`, kill -9 in the middle, --resume; with pictures."
    run = tmp_path/"run"
    process = spawn(*train_arguments(run))
    wait_for(lambda: steps(run), process)
    process.kill()
    assert ended(process).status == -signal.SIGKILL
    assert sound(run)
    assert strict_json(run/"metrics.json")["status"] == "running"
    done = command(*train_arguments(run, "--resume"))
    assert done.status == 0 and f"resuming {run} at step" in done.out, done.err
    assert differences(reference[1], final(run)) == []
    assert sound(run)
    whole_run(run)
    assert STUB not in (run/"losses.png").read_bytes()


def without_bar(text):
    "What stands on stderr besides the progress bar."
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    return [line for line in lines if line and "step/s" not in line and "s/step" not in line]


def test_ctrl_c(reference, tmp_path):
    "The real thing, with its progress bar: everything else on stderr is one line."
    run = tmp_path/"run"
    process = spawn(*train_arguments(run, progress=True))
    wait_for(lambda: steps(run), process)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.status == 130, done.err
    assert "Traceback" not in done.out + done.err
    lines = without_bar(done.err)
    assert len(lines) == 1 and lines[0].startswith("gan-course: interrupted") and "--resume" in lines[0], done.err
    assert sound(run)
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "interrupted" and metrics["provenance"]["images_seen"] > 0
    assert not (run/"generator.weights.h5").exists()
    done = ended(spawn(*train_arguments(run, "--resume", progress=True)))
    assert done.status == 0 and without_bar(done.err) == [], "TensorFlow has nothing to say"
    assert "step/s" in done.err or "s/step" in done.err, "the bar itself is there"
    assert strict_json(run/"metrics.json")["status"] == "finished"
    assert [d for d in differences(reference[1], final(run)) if not d.endswith(".progress")] == []


def test_more_epochs(forks, reference, tmp_path):
    "A finished run goes on where nothing depends on the number of epochs, to the same bits."
    run = tmp_path/"run"
    assert forks(*train_arguments(run, epochs=1)).status == 0
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0 and "step 10 " in done.out
    found = [d for d in differences(reference[1], final(run)) if not d.endswith(".epochs")]
    assert found == []
    one_line(forks(*train_arguments(run, "--resume", epochs=2)), "has done 3 epochs already", "--epochs")
    assert differences(reference[1], final(run)) == [], "the refusal changed nothing"


@pytest.mark.parametrize("changes", [dict(lr_decay="cosine"), dict(instance_noise=0.2)], ids=str)
def test_more_epochs_where_the_schedule_depends_on_them(forks, tmp_path, changes):
    run, changes = tmp_path/"run", dict(eval_images=0, limit=64, **changes)
    assert forks(*train_arguments(run, epochs=1, **changes)).status == 0
    one_line(forks(*train_arguments(run, "--resume", epochs=2, **changes)), "epochs 1 → 2", "--out")


def test_resume_without_a_checkpoint_begins(forks, reference, tmp_path):
    done = forks(*train_arguments(tmp_path/"run", "--resume", epochs=1))
    assert done.status == 0 and "resuming" not in done.out
    assert differences(reference[1]["metrics"]["history"][0], final(tmp_path/"run")["metrics"]["history"][0]) == []


def test_resume_of_a_finished_run(forks, reference):
    run, expected, seconds = reference
    before = strict_json(run/"metrics.json")
    done = forks(*train_arguments(run, "--resume"))
    assert done.status == 0 and "resuming" not in done.out
    assert differences(expected, final(run)) == []
    assert strict_json(run/"metrics.json")["history"] == before["history"], "times too"
    whole_run(run)


def test_what_may_differ(forks, reference, tmp_path):
    "Fields that change no weight may change on resuming."
    run = tmp_path/"run"
    assert forks(*train_arguments(run), crash=(6, "after")).status == -signal.SIGKILL
    moved = tmp_path/"moved"
    os.rename(run, moved)
    changes = dict(checkpoint_every=1, keep_checkpoints=2, data_dir=tmp_path, device="auto")
    done = forks(*train_arguments(moved, "--resume", **changes))
    assert done.status == 0 and "resuming" in done.out, done.err
    found = differences(reference[1], final(moved))
    assert {d.rsplit(".", 1)[1] for d in found} == {"checkpoint_every", "data_dir", "device"}
