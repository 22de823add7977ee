"""What the tests of the command share: calling it here, in a forked child or in a process of its own, and looking at what
it leaves behind."""
import contextlib
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = dict(dataset="garments", limit=320, width=4, latent_dim=16, batch_size=32, epochs=3, checkpoint_every=3,
             num_samples=8, eval_images=500, device="cpu", precision="fp32", progress=False,
             lr_g=4e-4, lr_d=4e-4, lr_decay="none", upsample="resize") # whatever the recipe is tuned to
PICTURES = ("gan_samples.png", "losses.png", "progress.png")
STUB = b"picture\n" * 5000 # instead of a PNG where pictures do not matter
FILES = {"config.json", "metrics.json", *PICTURES, "generator.pt", "discriminator.pt", ".lock"}
FOLDERS = {"best", "checkpoints"}
CHECKPOINT, TEMPORARY = re.compile(r"step_\d{8}\.pt"), re.compile(r"\..+\.\d+\.tmp")


def options(**values):
    "Keyword arguments as the command takes them."
    out = []
    for name, value in values.items():
        name = name.replace("_", "-")
        out += [f"--{name}" if value else f"--no-{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
    return out


def train_arguments(out, *more, **changes):
    "gan-course train pytorch, small, on garments."
    return ["train", "pytorch", *options(**(SMALL | changes), out=out), *more]


@dataclass
class Result:
    status: int # exit status; negative: killed by this signal
    out: str
    err: str
    seconds: float = 0.0


def command(*arguments):
    "Run `gan-course` in this process."
    from gan_course.__main__ import main
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try: status = main([str(a) for a in arguments])
        except SystemExit as stop: status = stop.code or 0
    return Result(status, out.getvalue(), err.getvalue())


def one_line(result, *words, status=2):
    "Assert that the command failed as it should; return its message."
    assert result.status == status, f"status {result.status}\n{result.out}\n{result.err}"
    assert "Traceback" not in result.out + result.err
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("gan-course: "), result.err
    for word in words: assert word in lines[0], f"{word!r} is not in {lines[0]!r}"
    return lines[0]


def refused(*arguments, says=()):
    "Run `gan-course` here and assert that it refuses in one line, which is returned."
    return one_line(command(*arguments), *([says] if isinstance(says, str) else says))


def environment(**changes):
    "For subprocesses: one thread, no progress from afar."
    return os.environ | dict(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MPLBACKEND="Agg", PYTHONUNBUFFERED="1") | changes


def spawn(*arguments, **kwargs):
    "Start `python -m gan_course` as a process of its own."
    return subprocess.Popen([sys.executable, "-m", "gan_course", *map(str, arguments)], text=True, env=environment(), cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)


def ended(process, timeout=120):
    "Wait for a process that `spawn` started."
    try: out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Result(process.returncode, out, err)


def wait_for(happened, process=None, timeout=90):
    "Poll until something is true, and stays no longer than `process` does."
    end = time.monotonic() + timeout
    while not (found := happened()):
        assert time.monotonic() < end, "it never happened"
        assert process is None or process.poll() is None, f"the process has ended: {process.communicate()}"
        time.sleep(0.01)
    return found


# --- What a run leaves behind ---

def strict_json(path):
    "Read JSON, and refuse NaN and Infinity."
    def no(constant): raise AssertionError(f"{constant} in {path}")
    return json.loads(Path(path).read_text("utf-8"), parse_constant=no)


def sound(run):
    "Assert that every file of a run folder that bears a final name is whole, in whatever state the run is."
    from gan_course.pytorch.train import load_file
    run = Path(run)
    for path in [*run.glob("*"), *run.glob("best/*"), *run.glob("checkpoints/*")] if run.is_dir() else []:
        name = str(path.relative_to(run))
        if TEMPORARY.fullmatch(path.name) or name in FOLDERS or name == ".lock": continue
        if path.suffix == ".json": assert strict_json(path)["track"] == "pytorch"
        elif path.suffix == ".png":
            data = path.read_bytes()
            assert name in PICTURES and (data == STUB or data[:4] == b"\x89PNG" and data[-8:] == b"IEND\xaeB`\x82"), path
        elif path.parent.name == "checkpoints":
            assert CHECKPOINT.fullmatch(path.name)
            state = load_file(path)["state"]
            assert state["steps"] == int(path.stem[5:]) and {"G", "D", "ema", "opt_g", "opt_d", "rng"} <= state.keys()
        else:
            assert name in {"generator.pt", "discriminator.pt", "best/generator.pt"}
            assert load_file(path)["weights"]
    return True


def whole_run(run, best=True):
    "The names of all files of a finished run with two checkpoints, or an assertion that something is missing or left over."
    names = {str(p.relative_to(run)) for p in Path(run).rglob("*") if p.is_file()}
    checkpoints = {n for n in names if n.startswith("checkpoints/")}
    assert names - checkpoints == FILES | ({"best/generator.pt"} if best else set()), sorted(names)
    assert len(checkpoints) == 2
    return names


TIMES = {"seconds", "epoch_seconds", "images_per_second", "out", "date", "git"}


def final(run):
    "All that has to be the same for two runs of one configuration."
    from gan_course.pytorch.train import load_file
    run = Path(run)
    last = sorted((run/"checkpoints").glob("step_*.pt"))[-1]
    metrics = strict_json(run/"metrics.json")
    return dict(generator=load_file(run/"generator.pt"), discriminator=load_file(run/"discriminator.pt"),
                best=load_file(run/"best"/"generator.pt") if (run/"best").is_dir() else None,
                checkpoint=load_file(last), last=last.name,
                metrics={k: v for k, v in metrics.items() if k != "provenance"})


def differences(a, b, at=""):
    "Where two nested structures differ; tensors are compared bit for bit, times not at all."
    import torch
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted(a.keys() | b.keys(), key=str) if k not in TIMES
                for d in (differences(a[k], b[k], f"{at}.{k}") if k in a and k in b else [f"{at}.{k}"])]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b): return [f"{at} (lengths)"]
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{at}[{i}]")]
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        same = a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    elif isinstance(a, float) and isinstance(b, float): same = a == b or math.isnan(a) and math.isnan(b)
    else: same = type(a) is type(b) and a == b
    return [] if same else [at]


def stub_pictures(monkeypatch=None):
    "Let this process write `STUB` instead of drawing: the files are written as ever, and nobody waits for matplotlib."
    import importlib
    module = importlib.import_module("gan_course.pytorch.train") # the package's attribute of this name is a function
    from gan_course import figures
    from gan_course.runs import atomic_path
    def write(picture, path, **kwargs):
        with atomic_path(path) as tmp: tmp.write_bytes(STUB)
        return path
    put = monkeypatch.setattr if monkeypatch else setattr
    put(module, "save_samples", lambda x, path, caption, title=None: write(x, path))
    put(figures, "save_figure", write)
    put(figures, "plot_curves", lambda *args, **kwargs: None)
    put(figures, "progress_strip", lambda *args, **kwargs: None)


# --- Children that start at once ---

class Forks:
    """A process that has imported everything and computed nothing. For each call it forks a child, which runs `gan-course` with
    the arguments given, and can be killed. Pictures are stubs."""
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment(), cwd=ROOT)
        assert self.process.stdout.readline() == "ready\n"

    def __call__(self, *arguments,
                 kill=None, # seconds after which to send a signal
                 signal=9, # which
                 once=None, # a file: send it as soon as this exists
                 crash=None, # (n, "before" or "after"): SIGKILL around the n-th time that a file gets its name
                 file_size=None, # RLIMIT_FSIZE
                ):
        ask = dict(arguments=[str(a) for a in arguments], kill=kill, signal=signal, once=once and str(once), crash=crash, file_size=file_size)
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        return Result(**json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def _child(ask, out, err):
    os.dup2(out.fileno(), 1); os.dup2(err.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler) # a shell that starts tests in the background has it ignored
    if ask["file_size"]:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (ask["file_size"],) * 2)
    if ask["crash"]:
        (n, when), replace, calls = ask["crash"], os.replace, [0]
        def crashing(*args):
            calls[0] += 1
            if calls[0] == n and when == "before": os.kill(os.getpid(), 9)
            replace(*args)
            if calls[0] == n: os.kill(os.getpid(), 9)
        os.replace = crashing
    from gan_course.__main__ import main
    return main(ask["arguments"])


def _serve():
    import tempfile

    import torch
    import tyro # noqa: F401

    import gan_course.pytorch # noqa: F401
    torch.use_deterministic_algorithms(False) # imports what an optimiser would import later, and takes seconds for it
    stub_pictures()
    assert len(os.listdir("/proc/self/task")) == 1 if os.path.isdir("/proc/self/task") else True, "no thread may be forked"
    print("ready", flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            begin = time.perf_counter()
            child = os.fork()
            if child == 0:
                status = 70
                try: status = _child(ask, out, err)
                except BaseException:
                    import traceback
                    traceback.print_exc()
                finally:
                    sys.stdout.flush(); sys.stderr.flush()
                    os._exit(status)
            sent = False
            while (found := os.waitpid(child, os.WNOHANG))[0] == 0:
                late = time.perf_counter() - begin
                now = os.path.exists(ask["once"]) if ask["once"] else ask["kill"] is not None and late > ask["kill"]
                if now and not sent: os.kill(child, ask["signal"]); sent = True
                if late > 120: os.kill(child, 9)
                time.sleep(0.001)
            seconds = time.perf_counter() - begin
            texts = []
            for file in (out, err): file.seek(0); texts.append(file.read())
        print(json.dumps(dict(status=os.waitstatus_to_exitcode(found[1]), out=texts[0], err=texts[1], seconds=seconds)), flush=True)


if __name__ == "__main__": _serve()
