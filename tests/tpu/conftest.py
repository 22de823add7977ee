"""Keras chooses its backend once per process. A test that asks for `backend` runs on both: on TensorFlow here, and on JAX in a pytest
of its own, one for each file, whose results are reported here. What JAX has compiled is kept for the session: in a process of its own
it would compile 150 small programs anew, which takes longer than all else."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = os.environ.get("KERAS_BACKEND") or "tensorflow" # Keras's backend in this process
REPORTS = os.environ.get("GAN_COURSE_REPORTS") # set in the pytest of JAX: where its results go
BACKENDS = "tensorflow", "jax"


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    "Of Keras, in the process that runs the test."
    from gan_course.tpu.config import BACKEND
    assert BACKEND == request.param
    return BACKEND


class Elsewhere(pytest.Item):
    "A test that runs on the other backend, with all of its file that do."
    def runtest(self):
        printed, reports = elsewhere(self.session, self.path)
        found = [report for report in reports if report["nodeid"] == self.nodeid]
        failed = [f"{report['when']} on the other backend:\n{report['text']}" for report in found if report["outcome"] == "failed"]
        if failed: raise AssertionError("\n".join(failed))
        assert any(report["when"] == "call" and report["outcome"] == "passed" for report in found), f"it did not run\n{printed}"

    def repr_failure(self, excinfo): return str(excinfo.value)

    def reportinfo(self): return self.path, None, self.name


def elsewhere(session, path):
    "What a pytest on JAX prints, and what became of this file's tests there; it is run once."
    runs = session.__dict__.setdefault("_elsewhere", {})
    if path not in runs:
        tests = [item.nodeid for item in session.items if isinstance(item, Elsewhere) and item.path == path]
        reports = Path(os.environ["JAX_COMPILATION_CACHE_DIR"]).parent/f"{path.stem}.jsonl"
        with open(reports.with_suffix(".out"), "w+") as out:
            try: subprocess.run([sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider",
                                 "-p", "no:xdist", "-p", "no:nbval", f"--basetemp={reports.with_suffix('.tmp')}", *tests],
                                cwd=ROOT, env=os.environ | dict(KERAS_BACKEND="jax", GAN_COURSE_REPORTS=str(reports),
                                                                JAX_DISABLE_MOST_OPTIMIZATIONS="1"), # it compiles in a third of the time
                                stdout=out, stderr=subprocess.STDOUT, timeout=1200)
            except subprocess.TimeoutExpired: pass # what was reported until then counts
            out.seek(0)
            runs[path] = out.read(), [json.loads(line) for line in reports.read_text().splitlines()] if reports.exists() else []
    return runs[path]


def on(item): return item.callspec.params.get("backend") if hasattr(item, "callspec") else None


def pytest_collection_modifyitems(config, items):
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    for i, item in enumerate(items):
        if item in mine and on(item) not in (None, HERE):
            items[i] = Elsewhere.from_parent(item.parent, name=item.name)
    if REPORTS: items[:] = [item for item in items if on(item) == HERE]
    elif mine: keep_compiled(config)


def keep_compiled(config):
    "Where this process, and all that it starts, keeps what JAX compiles. Not shared by xdist's workers: JAX writes it carelessly."
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    os.environ.update(JAX_COMPILATION_CACHE_DIR=f"{folder.name}/compiled",
                      JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0", JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1")


def pytest_runtest_logreport(report):
    if REPORTS:
        line = json.dumps(dict(nodeid=report.nodeid, when=report.when, outcome=report.outcome, text=report.longreprtext))
        with open(REPORTS, "a") as file: file.write(line + "\n")
