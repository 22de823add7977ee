"""Two processes share a run: `torchrun`, gloo, one folder, equal weights, the same bits after a kill."""
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from cli import ROOT, SMALL, command, differences, environment, final, sound, strict_json, train_arguments, wait_for, whole_run

from gan_course.pytorch import CONFIG
from gan_course.pytorch.train import Training, load_file
from gan_course.pytorch.utils import seed_everything

TINY = dict(epochs=2, limit=192, eval_images=0)

# Runs the command like `-m gan_course`, and afterwards notes what each rank holds.
DRIVER = """
import hashlib, importlib, json, os, sys, weakref
from pathlib import Path
import torch.distributed as dist
from gan_course.__main__ import main
module = importlib.import_module("gan_course.pytorch.train")
found, run, wrapped, wrap, destroy = dict(wrapped=0), module.run, weakref.WeakSet(), module.nn_parallel, dist.destroy_process_group
def counting(*args, **kwargs):
    wrapped.add(made := wrap(*args, **kwargs))
    found["wrapped"] += 1
    return made
def destroying():
    found["alive"] = len(wrapped)
    destroy()
module.nn_parallel, dist.destroy_process_group = counting, destroying
def digest(network): return hashlib.sha256(b"".join(v.numpy().tobytes() for v in network.state_dict().values())).hexdigest()
def noting(config, prepare, *args, **kwargs): # no training may outlive its process group: keep digests, not objects
    def preparing(*args):
        t, batches, recorder = prepare(*args)
        results = recorder.results
        def note(training):
            found.update(G=digest(t.G), D=digest(t.D), ema=digest(t.ema.network), steps=t.steps, share=len(range(*t.step.share.indices(32))))
            results(training)
        recorder.results = note
        return t, batches, recorder
    return run(config, preparing, *args, **kwargs)
module.run = noting
status = main(sys.argv[2:])
Path(sys.argv[1], os.environ["RANK"] + ".json").write_text(json.dumps(found))
sys.exit(status)
"""


def torchrun(*arguments):
    "Two processes on this machine, and the launcher."
    return subprocess.Popen([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", *map(str, arguments)],
                            cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process):
    try: out, err = process.communicate(timeout=240)
    finally: stop(process)
    assert process.returncode == 0, out + err
    return out


def workers(process):
    "The processes that a launcher started (they have sessions of their own)."
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, parent in (line.split() for line in listed.splitlines()) if int(parent) == process.pid]


def stop(process):
    "End the launcher and its workers with SIGKILL, whatever state they are in."
    if process.poll() is not None: return
    for pid in [*workers(process), process.pid]:
        try: os.kill(pid, signal.SIGKILL)
        except ProcessLookupError: pass


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    "An uninterrupted run of two processes: folder, what each rank held at the end, what was printed."
    folder = tmp_path_factory.mktemp("two")
    (folder/"driver.py").write_text(DRIVER)
    out = finished(torchrun(folder/"driver.py", folder, *train_arguments(folder/"run", **TINY)))
    return folder/"run", [json.loads((folder/f"{rank}.json").read_text()) for rank in (0, 1)], out


def test_one_folder_and_equal_weights(two):
    run, ranks, out = two
    whole_run(run, best=False)
    assert sound(run)
    assert ranks[0] == ranks[1] and ranks[0]["steps"] == 12 and ranks[0]["share"] == 16
    assert ranks[0]["wrapped"] and not ranks[0]["alive"], "no wrapper outlives its process group"
    assert out.count("epoch   1/2") == 1 and out.count("provenance:") == 1, "only the first process talks"
    metrics = strict_json(run/"metrics.json")
    assert metrics["status"] == "finished" and metrics["history"][-1]["images_seen"] == 384


def test_close_to_one_process(two, tmp_path):
    """The same latents and batches. The generator's BatchNorm sees half a batch in each process, so the weights are near to
    those of one process, not equal: nearer than a run with other random numbers is, and on the same way."""
    for name, changes in (("one", {}), ("other", dict(seed=1))):
        assert command(*train_arguments(tmp_path/name, **TINY, **changes)).status == 0
    seed_everything(0)
    start = Training(CONFIG.replace(**(SMALL | TINY)), torch.device("cpu"), torch.float32).D
    def moved(run):
        trained = load_file(run/"discriminator.pt")["weights"]
        return torch.cat([(trained[name] - value.detach()).flatten() for name, value in start.named_parameters()])
    a, b = moved(two[0]), moved(tmp_path/"one")
    assert torch.cosine_similarity(a, b, dim=0) > 0.8
    assert (a - b).norm() < 0.6 * b.norm()
    rows = [strict_json(run/"metrics.json")["history"][0] for run in (two[0], tmp_path/"one")]
    assert rows[0]["loss_d"] == pytest.approx(rows[1]["loss_d"], rel=0.1)
    assert differences(final(two[0])["checkpoint"]["state"]["rng"], final(tmp_path/"one")["checkpoint"]["state"]["rng"]) == []
    assert differences(final(tmp_path/"other")["checkpoint"]["state"]["rng"], final(tmp_path/"one")["checkpoint"]["state"]["rng"])


def test_killed_and_resumed(two, tmp_path):
    "kill -9 of both processes in the middle of the first epoch or later, then the same command with --resume."
    run = tmp_path/"run"
    process = torchrun("-m", "gan_course", *train_arguments(run, **TINY))
    try:
        wait_for(lambda: list((run/"checkpoints").glob("step_*.pt")), process)
        assert len(workers(process)) == 2
    finally: stop(process)
    process.communicate()
    assert sound(run) and not (run/"generator.pt").exists()
    time.sleep(0.2)
    out = finished(torchrun("-m", "gan_course", *train_arguments(run, "--resume", **TINY)))
    assert out.count("resuming") == 1
    assert differences(final(two[0]), final(run)) == []
    whole_run(run, best=False)


def test_a_batch_that_cannot_be_shared(tmp_path):
    process = torchrun("-m", "gan_course", *train_arguments(tmp_path/"run", **(TINY | dict(batch_size=33))))
    try: _, err = process.communicate(timeout=240)
    finally: stop(process)
    assert process.returncode != 0
    assert "gan-course: batch_size 33 cannot be shared equally by 2 processes; use a multiple of 2" in err
    assert not list((tmp_path/"run").rglob("*.pt"))
