"""Nothing is skipped in silence, and nbval reads nbdev's notebooks rightly: the root conftest.py at work on small files."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from contract import ROOT

TESTS = {
    "tests/test_plain.py": """
import pytest, os
def test_passes(): assert os.environ["GAN_COURSE_FAST"] == "1" and os.environ["MPLBACKEND"] == "Agg"
def test_skips(): pytest.skip("later")
@pytest.mark.skip
def test_marked(): pass
@pytest.mark.xfail(reason="known")
def test_xfails(): assert False
@pytest.mark.skipif(True, reason="needs a CUDA device")
def test_gpu(): pass
@pytest.mark.skipif(True, reason="needs a CUDA device and a free afternoon")
def test_another_reason(): pass
""",
    "tests/test_whole_file.py": "import pytest\npytest.skip('needs a CUDA device', allow_module_level=True)\n",
    "tests/test_missing.py": "import pytest\npytest.importorskip('no_such_module')\n",
}
STREAM = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}
CELLS = [ # source, stored outputs, what is expected of it
    ("#| eval: false\nraise RuntimeError", [], "SKIPPED"),
    ("# NBVAL_CHECK_OUTPUT\nprint(2)", [STREAM], "PASSED"),
    ("print(3)", [STREAM], "PASSED"),
    ("# NBVAL_CHECK_OUTPUT\nprint(3)", [STREAM], "FAILED"),
    ("# NBVAL_CHECK_OUTPUT\nprint(4)", [], "FAILED"),
    ("# NBVAL_SKIP\nprint(1)", [], "FAILED"),
    ("1/0", [], "FAILED"),
    ("import os; assert os.environ['GAN_COURSE_FAST'] == '1' and 'GAN_COURSE_DATA' in os.environ\n"
     "assert os.path.isabs(os.environ['GAN_COURSE_DATA'])", [], "PASSED"),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    "Test -> outcome, for the files above under the root conftest.py, with two workers."
    root = tmp_path_factory.mktemp("skips")
    for name in ("conftest.py", "pyproject.toml"): shutil.copy(ROOT/name, root/name)
    for folder in ("tests", "nbs", "data"): (root/folder).mkdir()
    for name, text in TESTS.items(): (root/name).write_text(text)
    cells = [dict(cell_type="code", id=f"c{i}", metadata={}, execution_count=None, source=text, outputs=outputs)
             for i, (text, outputs, _) in enumerate(CELLS)]
    (root/"nbs"/"lesson.ipynb").write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    done = subprocess.run([sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--color=no"], cwd=root, text=True,
                          env=environment(), capture_output=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return dict((name, outcome) for outcome, name in re.findall(r"^\[gw\d\].*?\] (\w+) (\S+::.*?)\s*$", done.stdout, re.MULTILINE)
                ) | {"all": done.stdout}


def environment():
    drop = ("GAN_COURSE_FAST", "MPLBACKEND", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS")
    return {k: v for k, v in os.environ.items() if k not in drop} | {"GAN_COURSE_DATA": "data"}


def test_skipped_tests_fail(outcomes):
    got = {name.split("::")[1]: outcome for name, outcome in outcomes.items() if name.startswith("tests/")}
    assert got == {"test_passes": "PASSED", "test_skips": "FAILED", "test_marked": "ERROR", "test_xfails": "FAILED",
                   "test_gpu": "SKIPPED", "test_another_reason": "ERROR"}
    assert "MAY_SKIP in conftest.py does not name it" in outcomes["all"]


def test_skipped_files_fail(outcomes):
    assert re.search(r"^ERROR tests/test_missing.py", outcomes["all"], re.MULTILINE)
    assert not re.search(r"^ERROR tests/test_whole_file.py", outcomes["all"], re.MULTILINE)


def test_notebook_cells(outcomes):
    shown = {name.split("::")[-1]: outcome for name, outcome in outcomes.items() if name.startswith("nbs/lesson")}
    got = [shown[f"Cell {i}"] for i in range(len(CELLS))]
    assert got == [expected for _, _, expected in CELLS]


def test_other_distributions_are_refused(tmp_path):
    for name in ("conftest.py", "pyproject.toml"): shutil.copy(ROOT/name, tmp_path/name)
    done = subprocess.run([sys.executable, "-m", "pytest", "--dist=load", "-p", "no:cacheprovider"], cwd=tmp_path, text=True,
                          env=environment(), capture_output=True)
    assert done.returncode == 4 and "--dist loadfile" in done.stderr
