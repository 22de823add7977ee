"""The example on the page "How to add a lesson" becomes a lesson by the steps named there."""
import json
import re
import sys
from pathlib import Path

import pytest
from contract import ROOT, copy_working_tree, run, source

LESSON = "foundations/moments"


@pytest.fixture(scope="module")
def page():
    nb = json.loads((ROOT/"nbs"/"about"/"contributing.ipynb").read_text("utf-8"))
    return "\n\n".join(map(source, nb["cells"]))


@pytest.fixture(scope="module")
def clone(page, tmp_path_factory):
    "A copy of the tree in which somebody followed the page as far as `make sync`."
    clone = copy_working_tree(tmp_path_factory.mktemp("clone"))
    [text] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (clone/"scripts"/f"{LESSON}.py").write_text(text, "utf-8")
    config = clone/"_quarto.yml"
    before = config.read_text("utf-8")
    after = before.replace("  - foundations/toy\n", f"  - foundations/toy\n  - {LESSON}\n", 1)
    assert after != before
    config.write_text(after, "utf-8")
    (clone/".venv"/"bin").mkdir(parents=True)
    (clone/".venv"/".test").touch()
    for tool in ("jupytext", "nbdev_export", "nbdev_clean", "jupyter", "python"):
        stub = clone/".venv"/"bin"/tool # this environment's, but with the clone's package
        start = sys.executable
        if tool != "python": start += f" {Path(start).parent/tool}"
        stub.write_text(f'#!/bin/sh\nPYTHONPATH={clone} exec {start} "$@"\n')
        stub.chmod(0o755)
    for target in ("lesson", "stamp", "sync"):
        run("make", "-s", "-o", ".venv/.test", target, f"NB={LESSON}", cwd=clone)
    return clone


def test_it_became_a_notebook_with_outputs_links_and_a_place(clone):
    nb = json.loads((clone/"nbs"/f"{LESSON}.ipynb").read_text("utf-8"))
    texts = [source(cell) for cell in nb["cells"]]
    assert "- order: " in texts[0]
    assert texts[1].startswith("<!-- badges -->") and f"{LESSON}.ipynb" in texts[1]
    assert texts[2].startswith("#| include: false\n# install")
    shown = [cell["outputs"] for cell in nb["cells"] if source(cell).endswith("moments(half)")]
    assert "0.5" in json.dumps(shown)


def test_it_became_a_module(clone):
    code = ("import numpy as np; from gan_course.moments import moments; "
            "assert moments(np.full((2, 4, 4, 1), 255, np.uint8)).tolist() == [[1, 0], [1, 0]]")
    run(sys.executable, "-c", code, cwd=clone, env={"PYTHONPATH": str(clone)})


def test_the_clone_is_in_step(clone):
    "Nothing is left to do: stamping and writing the texts again change nothing."
    tool = [sys.executable, "-m", "gan_course._site"]
    here = dict(cwd=clone, env={"PYTHONPATH": str(clone)})
    assert run(*tool, "stamp", **here) == "nothing to stamp\n"
    assert run(*tool, "scripts", **here) == "scripts/ is in step\n"


def test_the_targets_that_the_page_names_are_there(page):
    makefile = (ROOT/"Makefile").read_text("utf-8")
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", page, flags=re.MULTILINE))
    named = {name for pair in named for name in pair if name}
    assert {"test", "hooks", "sync", "lesson", "stamp"} <= named
    for target in named: assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
