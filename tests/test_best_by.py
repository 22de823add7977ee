"""`--best-by frechet` on every track: the judge looks at samples every second epoch and at the last, its choice is what is kept, and the
run itself is the same. Each track in a process of its own, as in test_board_tracks.py."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli import ROOT, TRACKS, environment, strict_json, train_arguments

SCRIPT = """
import json, sys
from cli import TRACKS, command, stub_pictures
asked = json.loads(sys.argv[1])
TRACKS[asked["track"]].warm_up()
stub_pictures()
print(json.dumps([vars(command(*arguments)) for arguments in asked["runs"]]))
"""


def run_all(track, runs):
    asked = dict(track=track, runs=[[str(word) for word in arguments] for arguments in runs])
    done = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(asked)], text=True, capture_output=True, timeout=600, cwd=ROOT,
                          env=environment(PYTHONPATH=f"{ROOT}:{ROOT/'tests'}"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def photographs(): return (Path(os.environ.get("GAN_COURSE_DATA") or "/nowhere")/"tf_flowers"/"train").is_dir()


@pytest.fixture(scope="module", params=TRACKS)
def runs(request, tmp_path_factory):
    "Of one track: its name, the folder of its runs, what each said."
    track, folder = request.param, tmp_path_factory.mktemp("best")
    changes = dict(limit=96, epochs=3)
    if track == "flowers":
        if not photographs(): pytest.skip("needs the photographs of tf_flowers")
        changes |= dict(dataset="tf_flowers", input_size=64)
    def small(name, *more, **others): return train_arguments(folder/name, *more, track=track, **(changes | others))
    done = run_all(track, [small("pixels"), small("judge", best_by="frechet"), small("judge", "--resume", best_by="frechet", epochs=4),
                           small("judge", "--resume", best_by="pixels", epochs=5), small("whole", best_by="frechet", epochs=4)])
    return track, folder, done


def history(run): return strict_json(run/"metrics.json")["history"]


def test_the_judge_looks_when_it_is_due(runs):
    track, folder, done = runs
    assert [each["status"] for each in done] == [0, 0, 0, 2, 0], [each["err"] for each in done]
    every = strict_json(folder/"whole"/"config.json")["config"].get("measure_every", 1)
    assert every == 1
    assert [row.get("frechet") is not None for row in history(folder/"whole")] == [True, True, False, True]
    assert [row["pixel_frechet"] is not None for row in history(folder/"whole")] == [True] * 4
    assert "FD(judge)" in done[1]["out"] and "FD(judge)" not in done[0]["out"]


def test_its_choice_is_kept(runs):
    track, folder, _ = runs
    best = strict_json(folder/"whole"/"metrics.json")["best"]
    assert best["frechet"] == min(row["frechet"] for row in history(folder/"whole") if row["frechet"] is not None)
    assert (folder/"whole"/TRACKS[track].best).exists()
    assert "frechet" not in strict_json(folder/"pixels"/"metrics.json")["best"] and "frechet" not in history(folder/"pixels")[0]


def test_it_changes_nothing_else(runs):
    track, folder, _ = runs
    def losses(name): return [(row["loss_g"], row["loss_d"], row["pixel_frechet"]) for row in history(folder/name)[:3]]
    assert losses("pixels") == losses("whole")


def test_what_it_costs_is_not_counted_as_training(runs):
    track, folder, _ = runs
    assert sum(row["images_seen"] for row in history(folder/"whole")[:1]) / history(folder/"whole")[0]["images_per_second"] <= history(folder/"whole")[0]["seconds"] + 0.02


def test_another_judge_is_another_run(runs):
    _, _, done = runs
    assert "best_by" in done[3]["err"] and "Traceback" not in done[3]["err"] and len(done[3]["err"].strip().splitlines()) == 1, done[3]["err"]


def test_strips_and_parameters_stand_in_the_folder(runs):
    track, folder, _ = runs
    with np.load(folder/"whole"/"progress.npz") as file:
        assert len(file["strips"]) == 4 and list(file["images_seen"]) == [row["images_seen"] for row in history(folder/"whole")]
    with np.load(folder/"judge"/"progress.npz") as file: assert len(file["strips"]) == 4, "resumed, and nothing is lost"
    sizes = strict_json(folder/"whole"/"metrics.json")["parameters"]
    assert sizes["generator"] > 0 and sizes["discriminator"] > 0


def test_flowers_that_are_drawn_have_no_judge(tmp_path):
    (done,) = run_all("flowers", [train_arguments(tmp_path/"run", track="flowers", best_by="frechet", epochs=1)])
    assert done["status"] == 2 and "best_by is frechet, but there is no judge for 'blossoms'" in done["err"] and "use --best-by pixels" in done["err"]
    assert not list((tmp_path/"run").glob("*.weights.h5"))


@pytest.mark.skipif(not photographs(), reason="needs the photographs of tf_flowers")
def test_the_judge_of_flowers_knows_one_size(tmp_path):
    (done,) = run_all("flowers", [train_arguments(tmp_path/"run", track="flowers", dataset="tf_flowers", input_size=32, best_by="frechet", epochs=1)])
    assert done["status"] == 2 and "[64, 64, 3]" in done["err"] and "use --best-by pixels" in done["err"]
