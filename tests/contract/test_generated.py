"""What is generated from the notebooks is what the notebooks give: package, text copies, stamps, README."""
import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from contract import ROOT, copy_working_tree, notebooks, run, source, working_files

from gan_course import _site


def modules(root):
    """Relative path -> text of every file in the package but those that no notebook exports: the
    judges, whose hashes are tested, and the mark for type checkers."""
    made = (p for p in (root/"gan_course").rglob("*") if p.is_file() and p.name != "py.typed")
    return {p.relative_to(root/"gan_course").as_posix(): p.read_text("utf-8")
            for p in made if not {"__pycache__", "judges"} & set(p.parts)}


@pytest.fixture(scope="module")
def exported(tree):
    "A copy of the working tree whose package was removed, exported again, and whose notebooks were cleaned."
    shutil.rmtree(tree/"gan_course")
    run("nbdev_export", cwd=tree)
    return tree


def test_package_is_what_the_notebooks_export(exported):
    ours, theirs = modules(ROOT), modules(exported)
    assert sorted(ours) == sorted(theirs), "stray or missing modules: run nbdev_export and remove what is left over"
    differ = [name for name in ours if ours[name] != theirs[name]]
    assert not differ, f"run nbdev_export: {differ}"


def test_a_package_edited_by_hand_is_noticed(exported, tmp_path):
    shutil.copytree(ROOT/"gan_course", tmp_path/"gan_course")
    (tmp_path/"gan_course"/"basics.py").open("a").write("\n# by hand\n")
    (tmp_path/"gan_course"/"stray.py").write_text("")
    ours, theirs = modules(tmp_path), modules(exported)
    assert set(ours) - set(theirs) == {"stray.py"} and ours["basics.py"] != theirs["basics.py"]


def test_notebooks_are_clean(exported):
    run("nbdev_clean", cwd=exported)
    dirty = [lesson for lesson in _site.lessons(ROOT)
             if (exported/"nbs"/f"{lesson}.ipynb").read_bytes() != (ROOT/"nbs"/f"{lesson}.ipynb").read_bytes()]
    assert not dirty, f"nbdev_clean changes {dirty}"


def test_nbdev_yml_follows_settings(exported):
    run(sys.executable, "-c", "from nbdev.quarto import refresh_quarto_yml; refresh_quarto_yml()", cwd=exported)
    assert (exported/"nbs"/"nbdev.yml").read_text() == (ROOT/"nbs"/"nbdev.yml").read_text(), "run nbdev_proc_nbs or make docs"
    assert (ROOT/"nbs"/"_quarto.yml").read_text() == "metadata-files: [paths.yml, ../_quarto.yml, nbdev.yml]\n"


def test_scripts_are_in_step():
    texts = {p.relative_to(ROOT/"scripts").with_suffix("").as_posix() for p in (ROOT/"scripts").rglob("*.py")
             if p.parent.name != "kaggle"}
    assert texts == set(_site.lessons(ROOT)), "a text without its notebook, or a notebook without its text"
    differ = [lesson for lesson in texts
              if (ROOT/"scripts"/f"{lesson}.py").read_text("utf-8") != _site.as_script(ROOT/"nbs"/f"{lesson}.ipynb")]
    assert not differ, f"make lesson (from the text) or make sync (from the notebook): {sorted(differ)}"


def test_stamps_follow_settings():
    changed = []
    cfg, order = _site.read_settings(ROOT), _site.reading_order(ROOT)
    for lesson, nb in notebooks().items():
        place = order.index(lesson) if lesson in order else None
        if _site.stamp_notebook(json.loads(json.dumps(nb)), lesson, cfg, place) != nb: changed.append(lesson)
    assert not changed, f"make stamp changes {changed}"


def test_stamping_twice_changes_nothing(tmp_path):
    tree = copy_working_tree(tmp_path)
    settings = (tree/"settings.ini").read_text()
    (tree/"settings.ini").write_text(settings.replace("branch = main", "branch = elsewhere"))
    assert len(_site.stamp(tree)) > 5
    assert _site.stamp(tree) == []
    assert "blob/elsewhere/nbs/foundations/start" in (tree/"scripts"/"foundations"/"start.py").read_text("utf-8")


def test_reading_order_lists_every_lesson_once():
    order = _site.reading_order(ROOT)
    assert len(order) == len(set(order))
    assert sorted(order) == _site.lessons(ROOT), "reading-order in _quarto.yml and the notebooks in nbs/ differ"


def test_readme_is_the_home_page():
    text, pictures = _site.to_readme(json.loads((ROOT/"nbs"/"index.ipynb").read_text("utf-8")))
    assert (ROOT/"README.md").read_text("utf-8") == text, "make readme"
    assert {p.name: p.read_bytes() for p in (ROOT/"README_files").glob("*")} == pictures, "make readme"


def where_we_live(text, cfg):
    "Whether a text holds our address, which belongs into settings.ini alone."
    return f"{cfg['user']}/{cfg['repo']}" in text or f"{cfg['user']}.github.io" in text


def test_the_address_stands_in_settings_only():
    cfg = _site.read_settings(ROOT)
    generated = {"settings.ini", "README.md", "nbs/nbdev.yml", "nbs/404.qmd", "gan_course/_modidx.py"}
    found = []
    for name in working_files():
        path = ROOT/name
        if name.as_posix() in generated or path.suffix == ".png" or not path.is_file(): continue
        if name.parts[0] == "scripts": continue # in step with the notebooks, which are looked at
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text("utf-8"))["cells"]
            texts = [source(c) + "".join(json.dumps(c.get("outputs", ""))) for c in cells
                     if not source(c).startswith((_site.BADGES, _site.INSTALL))]
        else: texts = [path.read_text("utf-8", errors="replace")]
        if any(where_we_live(text, cfg) for text in texts): found.append(name.as_posix())
    assert not found, f"the repository's address is written into {found}: take it from settings.ini"


# --- imports ---

LIGHT = "torch tensorflow keras jax nbdev fastcore jupytext IPython pytest".split()

TRACKS = ("pytorch", "tensorflow", "tpu", "flowers", "refinement")


def is_light(module):
    return not module.startswith(tuple(f"gan_course.{part}{track}" for part in ("", "exercises.") for track in (*TRACKS, "toy")))


def module_names():
    for name in sorted(modules(ROOT)):
        if name.endswith(".py") and name != "_modidx.py":
            yield "gan_course." + name.removesuffix(".py").replace("/", ".") if name != "__init__.py" else "gan_course"


def test_no_framework_before_it_is_asked_for():
    names = [name.removesuffix(".__init__") for name in module_names() if is_light(name)]
    assert {"gan_course.basics", "gan_course.datasets", "gan_course.runs", "gan_course.figures", "gan_course.evaluate",
            "gan_course.__main__"} <= set(names)
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(name)
    heavy = [m for m in {LIGHT} if m in sys.modules]
    assert not heavy, f"import {{name}} pulls in {{heavy}}"
"""
    run(sys.executable, "-c", code, cwd="/")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["datasets", "--help"]])
def test_help_needs_no_framework(arguments):
    code = f"""
import sys
from gan_course.__main__ import main
try: status = main({arguments}) or 0
except SystemExit as exit: status = exit.code or 0
heavy = [m for m in {LIGHT} if m in sys.modules]
assert status == 0 and not heavy, f"status {{status}}, pulls in {{heavy}}"
"""
    assert "usage" in run(sys.executable, "-c", code, cwd="/").lower()


def imported_modules(text, module, is_package):
    "The gan_course modules that a module's text imports, at the top or inside functions."
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import): found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".") if is_package else module.split(".")[:-1]
            base = base[:len(base) - (node.level - 1)] if node.level else []
            origin = ".".join(base + ([node.module] if node.module else []))
            found |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "gan_course"}


def lesson_of_modules():
    "Module -> the lesson that exports it, from the comment nbdev writes."
    for name, text in modules(ROOT).items():
        for line in text.splitlines():
            if line.startswith("# AUTOGENERATED! DO NOT EDIT! File to edit: ../"):
                module = "gan_course." + name.removesuffix(".py").replace("/", ".")
                yield module, line.split("/nbs/")[1].removesuffix(".ipynb.").removesuffix(".ipynb"), text
                break


def out_of_order(known, order):
    "Pairs (module, what it imports) where the import comes later in the course. Packages gather what is in them."
    lesson = {module: name for module, name, _ in known}
    place = {name: i for i, name in enumerate(order)}
    wrong = []
    for module, name, text in known:
        package = module.endswith(".__init__")
        if package: continue
        for other in imported_modules(text, module, package):
            if other in lesson and place[lesson[other]] >= place[name]: wrong.append((module, other))
    return sorted(wrong)


def test_imports_follow_the_reading_order():
    known = [k for k in lesson_of_modules()]
    assert len(known) > 5
    assert out_of_order(known, _site.reading_order(ROOT)) == []


def test_an_import_from_a_later_lesson_is_noticed():
    order = ["a", "b"]
    known = [("gan_course.a", "a", "def f():\n    from .b import x"), ("gan_course.b", "b", "from gan_course import a")]
    assert out_of_order(known, order) == [("gan_course.a", "gan_course.b")]
    deep = [("gan_course.t.m", "b", "from ..a import x"), ("gan_course.a", "a", "from gan_course.t import m")]
    assert out_of_order(deep, order) == [("gan_course.a", "gan_course.t.m")]


def test_filter_passes_prepared_notebooks_and_prepares_raw_ones():
    raw = (ROOT/"nbs"/"foundations"/"start.ipynb").read_text("utf-8")
    done = subprocess.run([sys.executable, "-m", "gan_course._site"], input=raw, capture_output=True, text=True,
                          cwd=ROOT/"nbs"/"foundations", check=True)
    nb = json.loads(done.stdout)
    assert nb["cells"][0]["cell_type"] == "raw" and "title: How these lessons run" in source(nb["cells"][0])
    assert _site.filter_notebook(done.stdout) == done.stdout
    changed = json.loads(raw)
    changed["cells"][-1]["source"] = ["not on the disk"]
    done = subprocess.run([sys.executable, "-m", "gan_course._site"], input=json.dumps(changed), capture_output=True, text=True,
                          cwd=ROOT/"nbs"/"foundations")
    assert done.returncode == 2 and "Traceback" not in done.stderr and "save it" in done.stderr
