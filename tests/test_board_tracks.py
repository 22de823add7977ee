"""`--tensorboard` on every track: the log beside the run, the same names everywhere, and nothing of it where nobody asked. Each track in a
process of its own: Keras chooses its backend once, and what is imported is counted."""
import json
import subprocess
import sys

import pytest
from cli import ROOT, TRACKS, Result, environment, one_line, strict_json, train_arguments

from gan_course.board import read_log, tags

SHARED = {"generator_loss", "discriminator_loss", "generator_score", "discriminator_score", "images_per_second", "seconds", "step", "images_seen",
          "lr_g", "lr_d"}
OTHERS = ("pytorch", "tensorflow", "tpu") # tests/flowers holds the fourth

# Two runs in one process, with stubs for pictures: without the option, then with it. And a third where TensorBoard cannot be imported.
SCRIPT = """
import json, sys
from cli import TRACKS, command, stub_pictures
asked = json.loads(sys.argv[1])
TRACKS[asked["track"]].warm_up()
stub_pictures()
done = []
for arguments in asked["runs"]:
    if arguments == "hide": # as where it is not installed
        for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]: del sys.modules[name]
        sys.modules["tensorboard"] = None
        continue
    result = command(*arguments)
    done.append(dict(status=result.status, out=result.out, err=result.err, imported="tensorboard.summary" in sys.modules))
print(json.dumps(done))
"""


def small(run, *more, track, **changes):
    return train_arguments(run, *more, track=track, **(dict(limit=64, epochs=2, eval_images=0) | changes))


@pytest.fixture(scope="module", params=OTHERS)
def runs(request, tmp_path_factory):
    "Of one track: its name, the folder of its runs, what each said, and what had been imported."
    folder, track = tmp_path_factory.mktemp("board"), request.param
    asked = [small(folder/"without", track=track), small(folder/"with", track=track, tensorboard=True),
             small(folder/"with", "--resume", track=track, tensorboard=True, epochs=3), "hide",
             small(folder/"with", "--resume", track=track, tensorboard=True, epochs=4), small(folder/"hidden", track=track, epochs=1)]
    asked = [[str(word) for word in arguments] if arguments != "hide" else arguments for arguments in asked]
    done = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(dict(track=track, runs=asked))], text=True, capture_output=True, timeout=600,
                          cwd=ROOT, env=environment(PYTHONPATH=f"{ROOT}:{ROOT/'tests'}"))
    assert done.returncode == 0, done.stderr
    return track, folder, json.loads(done.stdout.splitlines()[-1])


def result(done): return Result(done["status"], done["out"], done["err"])


def test_without_the_option(runs):
    "No folder, and TensorBoard is not even imported."
    track, folder, (without, *_) = runs
    assert without["status"] == 0 and not without["err"], without["err"]
    assert not (folder/"without"/"logs").exists() and not without["imported"]
    assert strict_json(folder/"without"/"config.json")["config"]["tensorboard"] is False


def test_with_it(runs):
    "All numbers of each epoch under shared names, once also where the run was resumed; a picture of each epoch; the settings."
    track, folder, (_, first, more, *_) = runs
    assert first["status"] == more["status"] == 0 and not first["err"] + more["err"], first["err"] + more["err"]
    assert first["imported"] and len(list((folder/"with"/"logs").glob("events.out.tfevents.*"))) == 2
    log, metrics = read_log(folder/"with"/"logs"), strict_json(folder/"with"/"metrics.json")
    assert log.keys() >= SHARED and [step for step, _ in log["Generated Image"]] == [1, 2, 3]
    assert all(data.startswith(b"\xff\xd8") for _, data in log["Generated Image"])
    for row in metrics["history"]:
        for name, value in tags(row).items():
            if value is not None: assert [v for step, v in log[name] if step == row["epoch"]] == [pytest.approx(value, rel=1e-6)], (name, row["epoch"])
    text = log["config"][-1][1]
    assert f"| track | {track} |" in text and "| dataset | garments |" in text and "| epochs | 3 |" in text


def test_the_option_changes_no_weight(runs):
    track, folder, _ = runs
    a, b = (strict_json(folder/name/"metrics.json")["history"][:2] for name in ("without", "with"))
    for row, other in zip(a, b): assert {k: v for k, v in row.items() if "seconds" not in k and k != "images_per_second"} == {
        k: v for k, v in other.items() if "seconds" not in k and k != "images_per_second"}


def test_where_tensorboard_is_not_installed(runs):
    "One line, before anything is written; what was there is there. Without the option nobody misses it."
    track, folder, (*_, missing, hidden) = runs
    one_line(result(missing), "TensorBoard is not installed", "pip install tensorboard", "--no-tensorboard")
    metrics = strict_json(folder/"with"/"metrics.json")
    assert metrics["status"] == "finished" and len(metrics["history"]) == 3 and len(TRACKS[track].checkpoints(folder/"with")) == 2
    assert len(list((folder/"with"/"logs").iterdir())) == 2
    assert hidden["status"] == 0 and not hidden["err"], hidden["err"]
    assert not (folder/"hidden"/"logs").exists()
