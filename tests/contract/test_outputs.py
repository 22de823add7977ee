"""The stored notebooks are valid, and their outputs come from full runs on the real data."""
import ast
import json
import re
from base64 import b64decode

import nbformat
import pytest
from contract import ROOT, notebooks, output_texts, source, working_files

# Lessons that train a model and therefore must end with a provenance line.
TRAINS = ("pytorch/train", "pytorch/gan_pytorch", "tensorflow/train",
          "tensorflow/gan_tensorflow", "tpu/train", "tpu/gan_fashion_mnist", "flowers/trainer",
          "flowers/gan_flowers", "refinement/iterate", "refinement/flow_matching")
# sha256 of images and labels of Fashion-MNIST, first twelve digits: train and test.
FASHION_MNIST = ("16d82e2b5052", "9f1ec356a747")
# The same of the names and bytes of the photographs.
REAL = dict(fashion_mnist=FASHION_MNIST, tf_flowers=("2e41eeb50063", "fcbbfe63a5c6"))
# Cells that nbval or nbdev may skip stand in conftest.py; a notebook that is skipped altogether would be named here.
SKIPPED_NOTEBOOKS: dict[str, str] = {}

NOTEBOOKS = notebooks()
lesson = pytest.mark.parametrize("lesson", sorted(NOTEBOOKS))


def code_cells(nb): return [cell for cell in nb["cells"] if cell["cell_type"] == "code"]


def directives(cell):
    found = {}
    for line in source(cell).splitlines():
        if match := re.match(r"#\|\s*([\w-]+)\s*:?\s*(.*)$", line): found[match[1]] = match[2].strip().strip("\"'")
        elif line.strip(): break
    return found


@lesson
def test_valid(lesson):
    nb = NOTEBOOKS[lesson]
    nbformat.validate(nb)
    ids = [cell["id"] for cell in nb["cells"]]
    assert len(ids) == len(set(ids)), f"cell ids occur twice: {sorted({i for i in ids if ids.count(i) > 1})}"


@lesson
def test_title_cell_holds_nothing_that_nbdev_drops(lesson):
    first = NOTEBOOKS[lesson]["cells"][0]
    assert first["cell_type"] == "markdown"
    lines = [line for line in source(first).splitlines() if line.strip()]
    assert lines[0].startswith("# ") and lines[1].startswith("> "), "the first cell is # Title, > description, - key: value"
    assert all(re.match(r"- [\w-]+: ", line) for line in lines[2:]), f"nbdev drops these lines: {lines[2:]}"


def prints(body):
    "Whether statements at the top of a cell, or in a loop there, call `print`."
    return any(isinstance(node, (ast.For, ast.With)) and prints(node.body)
               or isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "print"
               for node in body)


def unfinished(nb):
    "Cells that should show something and hold no output."
    found = []
    for i, cell in enumerate(nb["cells"]):
        if cell["cell_type"] != "code": continue
        says = directives(cell)
        if says.get("eval") == "false": continue
        kinds = {kind for output in cell["outputs"] for kind in output.get("data", {"text": 1})}
        try: body = ast.parse(source(cell)).body
        except SyntaxError: body = []
        if ("fig-cap" in says or says.get("label", "").startswith("fig-")) and "image/png" not in kinds:
            found.append(f"cell {i} draws a figure and holds no picture")
        elif prints(body) and not kinds: found.append(f"cell {i} prints and holds no output")
    return found


def shown(nb):
    "The code cells that a reader sees and that do more than import."
    found = []
    for cell in code_cells(nb):
        says = directives(cell)
        if says.get("include") == "false" or says.keys() & {"hide", "default_exp"}: continue
        try: body = ast.parse(source(cell)).body
        except SyntaxError: body = [cell] # a magic does something
        if any(not isinstance(node, (ast.Import, ast.ImportFrom)) for node in body): found.append(cell)
    return found


@lesson
def test_outputs_are_stored(lesson):
    nb = NOTEBOOKS[lesson]
    assert unfinished(nb) == [], "make lesson runs it in full"
    assert not shown(nb) or any(c["outputs"] for c in shown(nb)), "no cell of this lesson holds an output"


def test_what_counts_as_shown():
    cells = ["import a\nfrom b import c", "#| include: false\nx = 1", "#| hide\nx = 1", "#| default_exp a", "# a remark", "",
             "#| exports\nimport a", "#| exports\ndef f(): pass", "x = 1", "import a\na.b()", "%time x"]
    nb = {"cells": [{"cell_type": "code", "source": [text], "outputs": []} for text in cells] + [{"cell_type": "markdown", "source": ["text"]}]}
    assert [source(cell) for cell in shown(nb)] == cells[-4:]


def test_a_figure_without_output_is_noticed():
    def cell(text, *outputs): return {"cell_type": "code", "source": [text], "outputs": list(outputs)}
    picture = {"output_type": "display_data", "data": {"image/png": ""}}
    stream = {"output_type": "stream", "text": ["1"]}
    drawn = "#| label: fig-a\n#| fig-cap: \"A\"\ndraw()"
    assert unfinished({"cells": [cell(drawn, picture), cell("print(1)", stream), cell("x = 1")]}) == []
    assert len(unfinished({"cells": [cell(drawn), cell(drawn, stream), cell("print(1)")]})) == 3


@lesson
def test_no_errors_and_nothing_of_the_authors_machine(lesson):
    for i, cell in enumerate(code_cells(NOTEBOOKS[lesson])):
        assert not any(output["output_type"] == "error" for output in cell["outputs"]), f"code cell {i} stores an error"
        for text in output_texts(cell):
            assert "Traceback (most recent call last)" not in text, f"code cell {i} prints a traceback"
            local = re.search(r"(/work/|/root/|/home/|/Users/|/tmp/|\bat 0x[0-9a-f]{6,})\S*", text)
            assert not local, f"code cell {i} prints {local[0]!r}, which means nothing elsewhere"


def provenance_faults(line):
    "What is wrong with where a stored result comes from."
    match = re.match(r"provenance: (\S+) on (\S+) \((\d+) images, sha256 (\w+)(\[:\d+\])?\)", line)
    if not match: return ["cannot be read"]
    faults = []
    if match[2] not in REAL: faults.append(f"comes from {match[2]}, not from {' or '.join(REAL)}")
    elif match[4] not in REAL[match[2]]: faults.append(f"has the checksum {match[4]}, which is not that of {match[2]}")
    if line.rstrip().split(" | ")[-1] != "full": faults.append("comes from a fast run")
    return faults


@lesson
def test_provenance(lesson):
    lines = [line for cell in code_cells(NOTEBOOKS[lesson]) for text in output_texts(cell) for line in text.splitlines()
             if line.startswith("provenance:")]
    faults = {line: faults for line in lines if (faults := provenance_faults(line))}
    assert not faults, faults
    if lesson in TRAINS: assert lines, "a lesson that trains ends with a provenance line"


def test_lessons_that_train_exist(): assert set(TRAINS) <= set(NOTEBOOKS)


def test_false_provenance_is_noticed():
    good = f"provenance: pytorch on fashion_mnist (60000 images, sha256 {FASHION_MNIST[0]}) | epochs 30 | git abc | full"
    assert provenance_faults(good) == []
    assert provenance_faults(good.replace("60000 images, sha256 " + FASHION_MNIST[0],
                                          f"512 images, sha256 {FASHION_MNIST[0]}[:512]")) == []
    assert provenance_faults(good.replace("| full", "| fast"))
    assert provenance_faults(good.replace("fashion_mnist", "garments"))
    assert provenance_faults(good.replace(FASHION_MNIST[0], "0" * 12))
    assert provenance_faults("provenance: lost")


def test_the_runs_module_writes_what_is_read_here():
    from gan_course.runs import provenance_line
    line = provenance_line(dict(track="pytorch", dataset="fashion_mnist", checksum=FASHION_MNIST[0] + "0" * 52, images=60000,
                                epochs=1, seed=0, images_seen=1, seconds=1.0, images_per_second=1.0, device="cpu", processor="p",
                                cores=1, python="3", packages={}, git="g", date="d", fast=False))
    assert provenance_faults(line) == []


@lesson
def test_pictures_are_small(lesson):
    for i, cell in enumerate(code_cells(NOTEBOOKS[lesson])):
        for output in cell["outputs"]:
            if png := output.get("data", {}).get("image/png"):
                size = len(b64decode("".join(png)))
                assert size < 150_000, f"code cell {i} holds a picture of {size:,} bytes"


def test_the_repository_is_small():
    sizes = {name: (ROOT/name).stat().st_size for name in working_files() if (ROOT/name).is_file()}
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sizes.values()) < 60_000_000, f"{sum(sizes.values()):,} bytes; the largest: {largest}"


@lesson
def test_the_lesson_is_run(lesson):
    "Under nbval a lesson runs as a whole: single cells may be shown only, never most of it."
    from importlib.util import module_from_spec, spec_from_file_location
    spec = spec_from_file_location("root_conftest", ROOT/"conftest.py")
    root = module_from_spec(spec)
    spec.loader.exec_module(root)
    cells = code_cells(NOTEBOOKS[lesson])
    if lesson in SKIPPED_NOTEBOOKS or not cells: return
    not_run = [c for c in cells if root.has_eval_false(source(c))]
    assert len(not_run) * 4 <= len(cells), f"{len(not_run)} of {len(cells)} code cells are marked eval: false"
    marked = [c for c in cells if "NBVAL_SKIP" in source(c) or "nbval-skip" in c["metadata"].get("tags", [])]
    assert not marked, "cells marked to be skipped by nbval"


@lesson
def test_imports_stand_alone(lesson):
    "nbdev runs every cell that imports when it builds the site; what trains must not stand in it."
    mixed = []
    for cell in code_cells(NOTEBOOKS[lesson]):
        says = directives(cell)
        if says.keys() & {"export", "exports", "exporti"} or says.get("eval") == "false": continue
        try: nodes = list(ast.walk(ast.parse(source(cell))))
        except SyntaxError: continue
        if any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in nodes) and any(isinstance(n, (ast.Expr, ast.Assign)) for n in nodes):
            mixed.append(source(cell)[:80])
    assert not mixed, f"imports and other code in one cell: {mixed}"


def test_the_home_page_shows_the_lab_as_it_is():
    "Its picture is that of the lab's stored run, and not of an earlier one."
    def picture(lesson, label):
        cell = next(c for c in code_cells(NOTEBOOKS[lesson]) if directives(c).get("label") == label)
        return next(o["data"]["image/png"].strip() for o in cell["outputs"] if "image/png" in o.get("data", {}))
    assert picture("index", "fig-samples") == picture("pytorch/gan_pytorch", "fig-modern"), "run nbs/index.ipynb and `make readme`"
