"""A run that is killed, interrupted or crashed, and resumed, ends with the bits of one that was not. On both backends, each in processes
of its own."""
import random
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli import (STUB, TRACKS, Forks, differences, ended, final as final_of, one_line, sound as sound_of, spawn, strict_json,
                 train_arguments as arguments_of, wait_for, whole_run as whole)

KILLS = 5
LAST = 10 # steps of a run
TRACK = TRACKS["tpu"]
BACKENDS = "tensorflow", "jax"


def train_arguments(*args, **changes): return arguments_of(*args, track="tpu", **(dict(epochs=2, limit=160) | changes)) # five steps an epoch
def final(run): return final_of(run, "tpu")
def sound(run): return sound_of(run, "tpu")
def whole_run(run): return whole(run, track="tpu")
def steps(run): return [int(p.stem[5:]) for p in TRACK.checkpoints(run)]


@dataclass
class Side:
    "A backend: forks of a process that has imported it, an uninterrupted run, what it made, and how long one takes."
    on: str
    forks: Forks
    run: Path
    expected: dict
    seconds: float


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    "Of each backend one, made when it is asked for."
    made = {}
    def side(on):
        if on not in made:
            forks, run = Forks("tpu", KERAS_BACKEND=on), tmp_path_factory.mktemp(on)/"run"
            done = [forks(*train_arguments(run)) for _ in range(2)][-1] # the first one compiles
            assert done.status == 0 and not done.err, done.err
            whole_run(run)
            made[on] = Side(on, forks, run, final(run), done.seconds)
        return made[on]
    yield side
    for side in made.values(): side.forks.close()


@pytest.fixture(scope="module", params=BACKENDS)
def side(request, sides): return sides(request.param)


def test_the_comparison_sees_a_single_bit(side):
    "`differences` is what the other tests rely on."
    assert differences(side.expected, final(side.run)) == []
    for place in ("G", "D", "ema", "opt_g", "opt_d", "own"):
        again = final(side.run)
        value = next(v for v in again["checkpoint"]["state"][place].values() if v.ndim)
        value.view(f"i{value.itemsize}").flat[0] ^= 1
        assert len(differences(side.expected, again)) == 1, place


def test_another_seed_gives_another_run(sides, tmp_path):
    "Or equality would show nothing."
    side = sides("tensorflow")
    assert side.forks(*train_arguments(tmp_path/"run", seed=1)).status == 0
    found = differences(side.expected, final(tmp_path/"run"))
    for part in ("generator", "discriminator", "models", "state.opt_g", "state.opt_d", "metrics.history"):
        assert any(part in d for d in found), part


def test_the_backends_give_other_runs(sides):
    "Of one configuration: other random numbers. So nobody may change backends in the middle; the test below holds that."
    found = differences(*(sides(on).expected for on in BACKENDS))
    assert any("state.G" in d for d in found) and any("state.backend" in d for d in found)


def test_kill_9_at_random_moments(side, tmp_path):
    """Over the whole life of a run: each attempt resumes and is killed at a moment drawn from the time that an uninterrupted
    run takes. When one gets to its end before, it is compared, and another run begins."""
    moments, kills, runs = random.Random(0), 0, 0
    run, seen = tmp_path/str(runs), []
    while kills < KILLS or len(set(seen)) < 2 and kills < 4 * KILLS:
        trained = max(steps(run), default=0) == LAST # only the pictures are missing
        done = side.forks(*train_arguments(run, "--resume"), kill=None if trained else moments.uniform(0.2, 1.05) * side.seconds)
        assert done.status in (0, -signal.SIGKILL), done.err
        assert sound(run)
        if done.status:
            kills += 1
            seen += [max(steps(run), default=0)]
            continue
        assert differences(side.expected, final(run)) == []
        runs += 1
        run = tmp_path/str(runs)
    assert len(set(seen)) >= 2, f"the kills lie at different places of the run: {seen}"
    done = side.forks(*train_arguments(run, "--resume"))
    assert done.status == 0, done.err
    assert differences(side.expected, final(run)) == []
    whole_run(run)


def test_crash_around_every_kind_of_file(side, tmp_path):
    """Killed just before and just after a file gets its final name, at the n-th of them, ever farther on. A resumed run writes two
    files first; the last of all are pictures, metrics and results."""
    run, crashes = tmp_path/"run", 0
    for n in (1, 6, 12, 13, 16):
        done = side.forks(*train_arguments(run, "--resume"), crash=(n, "before" if crashes % 2 else "after"))
        if done.status == 0: break
        assert done.status == -signal.SIGKILL, done.err
        crashes += 1
        assert sound(run)
    assert crashes >= 3
    done = side.forks(*train_arguments(run, "--resume"))
    assert done.status == 0, done.err
    assert differences(side.expected, final(run)) == []
    whole_run(run)


def cut_off(straight, run, step):
    "What is left of a run that was killed when it had written the checkpoint of this step."
    (run/"checkpoints").mkdir(parents=True)
    shutil.copy(straight/"checkpoints"/f"step_{step:08d}.npz", run/"checkpoints")


@pytest.mark.parametrize("on, changes", [
    ("tensorflow", dict(precision="fp16", r1=0.1, dropout=0.5, label_smoothing=0.1, ema_half_life=200, beta1=0.9, beta2=0.9, steps_per_call=2)),
    ("jax", dict(precision="bf16", r1=0.1, dropout=0.5, label_smoothing=0.1, ema_half_life=200, beta1=0.9, beta2=0.9, batch_size=31))], ids=str)
def test_everything_the_next_step_depends_on(sides, tmp_path, on, changes):
    "Each random or remembered part of other configurations: cut off in the middle of an epoch."
    changes, forks = dict(changes, eval_images=0, keep_checkpoints=20, checkpoint_every=4), sides(on).forks
    done = forks(*train_arguments(tmp_path/"straight", **changes))
    assert done.status == 0 and not done.err, done.err
    cut_off(tmp_path/"straight", tmp_path/"run", 8)
    done = forks(*train_arguments(tmp_path/"run", "--resume", **changes))
    assert done.status == 0 and "at step 8 (epoch 2)" in done.out, done.err
    assert differences(final(tmp_path/"straight"), final(tmp_path/"run")) == []


def test_ctrl_c_in_a_fork(side, tmp_path):
    "At a few moments of training: status 130, one line, a state that resumes to the same bits."
    run, stopped = tmp_path/"run", 0
    for step in (3, 6):
        done = side.forks(*train_arguments(run, "--resume"), once=run/"checkpoints"/f"step_{step:08d}.npz", signal=signal.SIGINT)
        assert sound(run)
        if done.status == 0: break
        one_line(done, "--resume", status=130)
        stopped += 1
    assert stopped
    assert side.forks(*train_arguments(run, "--resume")).status == 0
    assert differences(side.expected, final(run)) == []


def test_killing_the_command(side, tmp_path):
    "The real thing: `python -m gan_course`, kill -9 in the middle, --resume; with pictures."
    run = tmp_path/"run"
    process = spawn(*train_arguments(run), KERAS_BACKEND=side.on)
    wait_for(lambda: steps(run), process)
    process.kill()
    assert ended(process).status == -signal.SIGKILL
    assert sound(run)
    assert strict_json(run/"metrics.json")["status"] == "running"
    done = ended(spawn(*train_arguments(run, "--resume"), KERAS_BACKEND=side.on))
    assert done.status == 0 and not done.err, done.err
    first, *more = done.out.splitlines()
    assert first == f"{side.on} on cpu (asked for)" and any(line.startswith(f"resuming {run} at step") for line in more)
    assert differences(side.expected, final(run)) == []
    assert sound(run)
    whole_run(run)
    assert STUB not in (run/"training_loss.png").read_bytes() + (run/"generated_images"/"epoch_2.png").read_bytes()


def without_bar(text):
    "What stands on stderr besides the progress bar."
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    return [line for line in lines if line and "step/s" not in line and "s/step" not in line]


def test_ctrl_c(side, tmp_path):
    "The real thing, with its progress bar: everything else on stderr is one line."
    run = tmp_path/"run"
    process = spawn(*train_arguments(run, progress=True), KERAS_BACKEND=side.on)
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
    done = side.forks(*train_arguments(run, "--resume", progress=True))
    assert done.status == 0 and without_bar(done.err) == [] and ("step/s" in done.err or "s/step" in done.err), done.err
    assert strict_json(run/"metrics.json")["status"] == "finished"
    assert [d for d in differences(side.expected, final(run)) if not d.endswith(".progress")] == []


def test_on_the_other_backend(sides, tmp_path):
    "Refused in one line, in both directions, before anything is written; also for a run that is finished."
    for on, other in (BACKENDS, BACKENDS[::-1]):
        cut_off(sides(on).run, tmp_path/on, 9)
        for run in (tmp_path/on, sides(on).run):
            before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
            done = sides(other).forks(*train_arguments(run, "--resume"))
            one_line(done, f"began on {on}", f"this is {other}", f"KERAS_BACKEND={on}")
            assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != ".lock"} \
                == {p: b for p, b in before.items() if p.name != ".lock"}
        assert differences(sides(on).expected, final(sides(on).run)) == []


def test_more_epochs(side, tmp_path):
    "A finished run goes on, to the same bits; pictures are those of the whole run."
    run = tmp_path/"run"
    assert side.forks(*train_arguments(run, epochs=1)).status == 0
    done = side.forks(*train_arguments(run, "--resume"))
    assert done.status == 0 and "at step 5 " in done.out
    assert [d for d in differences(side.expected, final(run)) if not d.endswith(".epochs")] == []
    whole_run(run)
    one_line(side.forks(*train_arguments(run, "--resume", epochs=1)), "has done 2 epochs already", "--epochs")
    assert [d for d in differences(side.expected, final(run)) if not d.endswith(".epochs")] == [], "the refusal changed nothing"


def test_resume_without_a_checkpoint_begins(side, tmp_path):
    done = side.forks(*train_arguments(tmp_path/"run", "--resume", epochs=1))
    assert done.status == 0 and "resuming" not in done.out
    assert differences(side.expected["metrics"]["history"][0], final(tmp_path/"run")["metrics"]["history"][0]) == []


def test_resume_of_a_finished_run(side):
    before = strict_json(side.run/"metrics.json")
    done = side.forks(*train_arguments(side.run, "--resume"))
    assert done.status == 0 and "resuming" not in done.out
    assert differences(side.expected, final(side.run)) == []
    assert strict_json(side.run/"metrics.json")["history"] == before["history"], "times too"
    whole_run(side.run)


def test_what_may_differ(side, tmp_path):
    """Fields that change no weight may change on resuming; so may how many steps the device takes in one call. On a processor that
    is the same to the last bit: TensorFlow computes the same in and out of a loop, and JAX has no loop there. (JAX's own loop on an
    accelerator is as good as equal, in test_model.py.)"""
    moved = shutil.copytree(side.run, tmp_path/"moved")
    (moved/"checkpoints"/"step_00000010.npz").unlink()
    changes = dict(checkpoint_every=2, data_dir=tmp_path, device="auto", steps_per_call=1)
    done = side.forks(*train_arguments(moved, "--resume", **changes))
    assert done.status == 0 and "resuming" in done.out, done.err
    found = differences(side.expected, final(moved))
    assert {d.rsplit(".", 1)[1] for d in found} == set(changes)


@pytest.mark.parametrize("changes, says", [
    (dict(cpu_devices=2), "cpu_devices 1 → 2"), (dict(precision="bf16"), "precision fp32 → bf16"), (dict(batch_size=16), "batch_size 32 → 16"),
    (dict(deterministic=False), "deterministic true → false"), (dict(learning_rate=1e-3), "learning_rate 0.0004 → 0.001")], ids=str)
def test_what_may_not(sides, tmp_path, changes, says):
    side, run = sides("tensorflow"), tmp_path/"run"
    cut_off(side.run, run, 9)
    one_line(side.forks(*train_arguments(run, "--resume", **changes)), says, "--out")
    assert steps(run) == [9] and not (run/"config.json").exists()
