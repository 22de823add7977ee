"""What every test and every notebook under nbval shares: a quiet and short environment, nbval taught about nbdev,
and the rule that nothing is skipped in silence."""
import fnmatch
import os
import random
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent

# --- The environment: set before anything imports numpy, torch or tensorflow; kernels and subprocesses inherit it ---
os.environ.setdefault("GAN_COURSE_FAST", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
sys.modules.setdefault("triton", None)  # its LLVM and TensorFlow's end a process that holds both; nothing is compiled here
if os.environ.get("GAN_COURSE_DATA", "").strip():  # relative paths would be read from each notebook's own folder
    os.environ["GAN_COURSE_DATA"] = str(Path(os.environ["GAN_COURSE_DATA"]).expanduser().resolve())
else:
    os.environ.pop("GAN_COURSE_DATA", None)
_bin = str(Path(sys.executable).parent)  # `gan-course`, `nbdev_export` ... of this very environment
if _bin not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = _bin + os.pathsep + os.environ.get("PATH", "")

PHOTOGRAPHS = Path(os.environ.get("GAN_COURSE_DATA", ""), "tf_flowers", "train").is_dir() and "GAN_COURSE_DATA" in os.environ

# --- The skip policy: (which tests, the reason they give, word for word). All else that is skipped fails. ---
EVAL_FALSE = "eval: false"
MAY_SKIP = (
    ("*.ipynb::Cell *", EVAL_FALSE),      # a cell that is shown and not run, as nbdev means it
    ("tests/*", "needs a CUDA device"),   # what only a GPU can show
    *([] if PHOTOGRAPHS else [(which, "needs the photographs of tf_flowers") for which in ("tests/flowers/*", "tests/test_best_by.py::*")]),
)


def may_skip(nodeid, reason):
    "Whether `MAY_SKIP` names this test with this very reason."
    return any(fnmatch.fnmatchcase(nodeid, pattern) and reason == named for pattern, named in MAY_SKIP)


def _reason(longrepr):
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr or "")
    return text.removeprefix("Skipped: ").strip()


def _refuse(report, what):
    reason = _reason(report.longrepr)
    if report.skipped and (hasattr(report, "wasxfail") or not may_skip(report.nodeid, reason)):
        if hasattr(report, "wasxfail"):
            reason = f"xfail {report.wasxfail}"
            del report.wasxfail
        report.outcome = "failed"
        report.longrepr = f"{what} was skipped ({reason or 'no reason'}), and MAY_SKIP in conftest.py does not name it"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    _refuse(report, "this test")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    _refuse(report, "this file")
    return report


# --- Random numbers: each test begins with the same ones, whatever ran before it ---
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


# --- nbval and nbdev ---
_EVAL_FALSE = re.compile(r"#\|\s*eval\s*:\s*false\s*$", re.IGNORECASE)


def has_eval_false(source):
    "Whether the directives at the top of a cell say `#| eval: false`."
    for line in source.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return False
        if _EVAL_FALSE.match(line.strip()):
            return True
    return False


def pytest_collection_modifyitems(items):
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is None or not hasattr(item, "cell_num"):
            continue
        # nbdev_clean removes execution counts, and nbval takes such a cell for one that never ran.
        cell.execution_count = 1
        if has_eval_false(cell.source):
            item.add_marker(pytest.mark.skip(reason=EVAL_FALSE))


def pytest_configure(config):
    # One notebook is one kernel: its cells must reach the same worker, in order.
    if getattr(config.option, "numprocesses", None) and config.option.dist not in ("loadfile", "no"):
        raise pytest.UsageError("notebooks need pytest-xdist's --dist loadfile")
