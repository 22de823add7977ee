# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How this site is built
#
# > From notebooks to a package, a README and a site, with one file that knows where all of it lives
#
# - order: 112

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/about/site.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/about/site.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/about/site.ipynb) · [API](../about/api.ipynb#about-site)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** add a lesson, move the course to another repository by editing three lines, and say what
# happens to a notebook between your editor and the page you are reading.
#
# **You need** nothing from the other lessons. **It takes** five minutes; every cell runs at once, on any computer.
#
# Each lesson is one notebook in `nbs/`. From it come
#
# - a module of `gan_course/`, made of the cells marked `#| exports` (nbdev);
# - a plain-text copy in `scripts/`, which is what one reviews and edits (jupytext);
# - a page of this site (nbdev prepares the notebook, Quarto renders it).
#
# Some small things are left, and this lesson writes them: the links above each lesson, the cell that installs the
# package on Colab and Kaggle, the pages that are made from other pages, the README, and the filter that lets Quarto read
# our notebooks directly.

# %%
#| default_exp _site

# %%
#| exports
import ast
import contextlib
import hashlib
import json
import os
import re
import sys
from base64 import b64decode
from configparser import ConfigParser
from pathlib import Path

from gan_course.basics import CourseError


# %% [markdown]
# ## One file knows where we live
#
# A link to Colab holds the repository's owner, its name and its branch. Written by hand into thirty notebooks, they
# would be wrong in some of them after the first move. They stand in `settings.ini` and nowhere else.

# %%
#| exports
def find_root(start=".", # a folder inside the repository
    ) -> Path:           # the nearest folder above it (or itself) with a `settings.ini`
    "The repository's root folder; raises `CourseError` outside of one."
    start = Path(start).resolve()
    for folder in (start, *start.parents):
        if (folder/"settings.ini").is_file(): return folder
    raise CourseError(f"no settings.ini in {start} or above it: run this in a clone of the course")


def read_settings(root=None, # the repository's root; found from the current folder when not given
    ) -> dict:               # every entry of `settings.ini`, with `%(user)s` and the like filled in
    "What `settings.ini` says."
    parser = ConfigParser(delimiters=["="])
    parser.read(Path(root or find_root())/"settings.ini", encoding="utf-8")
    return dict(parser["DEFAULT"])


# %% [markdown]
# To try things out we make a repository of two files in a temporary folder. Everything below works on this toy as it
# does on the course.

# %%
import tempfile

# %%
toy = Path(tempfile.mkdtemp())
(toy/"settings.ini").write_text("""[DEFAULT]
user = ada
repo = engine
branch = trunk
lib_name = engine
version = 0.2.0
git_url = https://github.com/%(user)s/%(repo)s
pytorch_requirements = torch
""")
cfg = read_settings(toy)
cfg["git_url"]

# %%
assert cfg["git_url"] == "https://github.com/ada/engine"
(toy/"nbs"/"pytorch").mkdir(parents=True)
assert find_root(toy/"nbs"/"pytorch") == toy.resolve()

# %% [markdown]
# ## Links above a lesson
#
# Colab and Kaggle open a notebook straight from GitHub when its address is put behind theirs. Which address would you
# expect for `nbs/pytorch/train.ipynb` on the branch `trunk`?

# %%
#| exports
BADGES = "<!-- badges -->" # how the cell with the links is recognised


def badges(lesson,       # as in `pytorch/train`
           cfg,          # from `read_settings`
    ) -> str:            # markdown
    "The links that stand above a lesson: open it in Colab, in Kaggle, or read its source."
    at = f"github.com/{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/{lesson}.ipynb"
    colab = at.replace("github.com", "https://colab.research.google.com/github")
    kaggle = f"https://kaggle.com/kernels/welcome?src=https://{at}"
    return (f"{BADGES}\n[Open in Colab]({colab}) · [Open in Kaggle]({kaggle}) · "
            f"[View source](https://{at})")


def ways_in(cfg,         # from `read_settings`
    ) -> str:            # markdown
    "What stands on the home page in place of badges: how to read, run and install the course."
    lab = f"{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/pytorch/gan_pytorch.ipynb"
    return "\n".join([
        BADGES,
        f"- **Read.** [The site]({cfg['doc_host']}{cfg['doc_baseurl']}) shows "
        "every lesson with its "
        "outputs; begin with",
        "  [how these lessons run](foundations/start.ipynb) or with "
        "[the game](foundations/objective.ipynb).",
        "- **Run.** Open the lab in "
        f"[Colab](https://colab.research.google.com/github/{lab}) or in",
        f"  [Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/{lab}) and choose",
        '  "run all". Every lesson has these links at its top.',
        f'- **Install.** `pip install "{cfg["lib_name"]}[pytorch]"`, then '
        '`gan-course train pytorch`.'])


# %%
print(badges("pytorch/train", cfg))

# %%
assert "/github/ada/engine/blob/trunk/nbs/pytorch/train.ipynb" in badges("pytorch/train", cfg)

# %% [markdown]
# ## The install cell
#
# On Colab and Kaggle the package is not there yet. The cell below a lesson's links fetches from PyPI the release that the
# lesson belongs to, so that a page opened in two years still meets the code it was written for. It does nothing where the
# package is installed already, nor on your own computer, where what to install is your decision. A lesson in a track's
# folder asks for that track's extra, such as `gan_course[pytorch]`. Both hosts have the frameworks, and pip leaves alone
# what satisfies us; so it fetches a few small packages only, in seconds. The site hides the cell (`#| include: false`).

# %%
#| exports
INSTALL = "#| include: false\n# install" # how the cell is recognised
EXTRAS = {"refinement": "pytorch"} # folders whose lessons use the packages of another track


def install_cell(lesson, # as in `pytorch/train`
                 cfg,    # from `read_settings`
    ) -> str:            # source of a code cell
    "A cell that installs this release on Colab and Kaggle, and does nothing anywhere else."
    folder, _, name = lesson.rpartition("/")
    track = name.partition("_")[0] if folder == "exercises" else folder
    track = EXTRAS.get(track, track)
    extra = f"[{track}]" if f"{track}_requirements" in cfg else ""
    lib, version = cfg["lib_name"], cfg["version"]
    return f'''{INSTALL}: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("{lib}") is None and os.environ.keys() & {{
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "{lib}{extra}=={version}"]) == 0, (
        "pip could not install {lib} {version}: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+{cfg["git_url"]}")'''


# %%
print(install_cell("pytorch/train", cfg))

# %%
cell = install_cell("pytorch/train", cfg)
assert '"engine[pytorch]==0.2.0"' in cell and "--upgrade" not in cell
assert max(map(len, cell.splitlines())) <= 100
assert "engine[pytorch]" in install_cell("exercises/pytorch_train", cfg)
assert "engine[pytorch]" in install_cell("refinement/sampling", cfg)
assert '"engine==0.2.0"' in install_cell("foundations/datasets", cfg)

# %% [markdown]
# ## What a lesson exports
#
# Above a lesson stands also a way to the pages that are made from it. They all begin with one question: which names does
# a lesson export, and in which of its sections? The cells marked `#| exports` know, and the headings above them.

# %%
#| exports
TWINS = "config utils data model engine train inference".split() # lessons that two tracks share
PARTS = dict(foundations="Foundations", pytorch="PyTorch", tensorflow="TensorFlow", tpu="TPU",
             flowers="Flowers", refinement="Iterative refinement", about="About",
             exercises="Checks of the exercises")


def _lines(text): return text.splitlines(keepends=True)
def _text(cell): return "".join(cell["source"])


def _slug(heading): # the identifier that Pandoc gives a heading
    text = re.sub(r"[^\w\s.-]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower())
    return re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", text.strip())) or "section"


def _defined(source): # (name, first paragraph of documentation, code) of each public definition
    lines = source.splitlines()
    for node in ast.parse(source).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        code = "\n".join(lines[first - 1:node.end_lineno])
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names, says = [node.name], (ast.get_docstring(node) or "").partition("\n\n")[0]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            says = lines[node.end_lineno - 1][node.end_col_offset:].strip().lstrip("# ")
            says = says or "a constant"
        else: continue
        yield from ((name, says, code) for name in names if not name.startswith("_"))


def exported(nb,       # a notebook as read from JSON
    ) -> list[tuple]:  # (name, what it is, code, anchor of the section that makes it)
    "The public names that a lesson exports, in its order."
    found, anchor, seen = [], "", {}
    for cell in nb["cells"]:
        text = _text(cell)
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
            for heading in re.findall(r"^#{2,6} (.+)$", prose, flags=re.MULTILINE):
                named = re.search(r"\{#([\w-]+)[^}]*\}\s*$", heading)
                anchor = named[1] if named else _slug(heading)
                seen[anchor] = seen.get(anchor, -1) + 1
                if seen[anchor]: anchor = f"{anchor}-{seen[anchor]}"
        elif cell["cell_type"] == "code" and re.match(r"#\|\s*exports?\s*$", text, re.MULTILINE):
            found += [(name, says, code, anchor) for name, says, code in _defined(text)
                      if name not in {known for known, *_ in found}]
    return found


# %% [markdown]
# Which names of this lesson will be found, and under which anchor?

# %%
lesson = {"cells": [
    {"cell_type": "markdown", "source": ["# Toy\n"]},
    {"cell_type": "markdown", "source": ["## Twice, and `more`\n", "\n", "Some text."]},
    {"cell_type": "code", "source": [
        "#| exports\n", "FACTOR = 2 # by which\n", "def twice(x):\n",
        '    "The double of a number."\n', "    return FACTOR * x\n", "def _hidden(): pass"]}]}
for name, says, _, anchor in exported(lesson): print(f"{name}: {says} (#{anchor})")

# %%
names, says, code, anchors = zip(*exported(lesson))
assert names == ("FACTOR", "twice") and says == ("by which", "The double of a number.")
assert set(anchors) == {"twice-and-more"} and code[1].startswith("def twice(x):")


# %% [markdown]
# ## Stamping
#
# `python -m gan_course._site stamp` (or `make stamp`) writes both cells into every lesson, and into the title cell the
# lesson's place in the course, `- order: 3`, by which Quarto sorts the sidebar. The order itself stands in one list,
# `reading-order` in `_quarto.yml`; it is the order of the imports too. Stamping twice changes nothing, and a test
# stamps a copy of the course and compares.
#
# The site folds solutions. Where a lesson is open as a notebook, each host has a word of its own for a folded cell, so all three are written:

# %%
#| exports
def lessons(root,        # the repository's root
    ) -> list[str]:      # sorted names such as `pytorch/train`
    "Every notebook of the course."
    nbs = Path(root)/"nbs"
    return sorted(p.relative_to(nbs).with_suffix("").as_posix() for p in nbs.rglob("*.ipynb")
                  if not any(part.startswith((".", "_")) for part in p.relative_to(nbs).parts))


def reading_order(root,  # the repository's root
    ) -> list[str]:      # lessons, first to last
    "The order of the course, from `_quarto.yml`."
    import yaml          # comes with nbdev: only authors need it
    return yaml.safe_load((Path(root)/"_quarto.yml").read_text(encoding="utf-8"))["reading-order"]


def _stamp_cell(cells, at, kind, marker, text, lesson):
    "Put `text` into the cell that starts with `marker`, or into a new cell at place `at`."
    found = [c for c in cells if c["cell_type"] == kind and _text(c).startswith(marker)]
    if not found:
        name, taken = f"{lesson} {marker}", {c["id"] for c in cells}
        while (name := hashlib.sha256(name.encode()).hexdigest()[:8]) in taken: pass
        found = [{"cell_type": kind, "id": name, "metadata": {}}]
        if kind == "code": found[0] |= {"execution_count": None, "outputs": []}
        cells.insert(at, found[0])
    found[0]["source"] = _lines(text)


def _ways(nb, lesson): # from a lesson to the pages that are made from it
    folder, _, stem = lesson.rpartition("/")
    ways = f" · [API](../about/api.ipynb#{lesson.replace('/', '-')})" if exported(nb) else ""
    if folder in ("pytorch", "tensorflow") and stem in TWINS:
        ways += f" · [Side by side](../about/side_by_side.ipynb#{stem})"
    return ways


# a folded cell, in JupyterLab, on Colab and on Kaggle
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form", "_kg_hide-input": True}

def fold(cell): # changed in place
    "Fold a cell that the site folds, and no other."
    for key in FOLDED: cell["metadata"].pop(key, None)
    if cell["cell_type"] == "code" and re.search(r"^#\| code-fold: true$", _text(cell), re.M):
        cell["metadata"] |= FOLDED


def stamp_notebook(nb,           # a notebook as read from JSON; changed in place
                   lesson,       # as in `pytorch/train`
                   cfg,          # from `read_settings`
                   place=None,   # in the reading order, written as `- order:` into the title cell
    ):                           # the notebook
    """Write links, install cell and place into a lesson, and fold its solutions; a page without
    code gets its place only."""
    cells, first = nb["cells"], nb["cells"][0]
    if place is not None:
        lines = [line for line in _text(first).splitlines() if not re.match(r"- order:", line)]
        while lines and not lines[-1].strip(): lines.pop()
        if not any(line.startswith("- ") for line in lines): lines.append("")
        first["source"] = _lines("\n".join(lines + [f"- order: {place}"]))
    if lesson == "index":
        _stamp_cell(cells, len(cells), "markdown", BADGES, ways_in(cfg), lesson)
    elif any(c["cell_type"] == "code" for c in cells):
        _stamp_cell(cells, 1, "markdown", BADGES, badges(lesson, cfg) + _ways(nb, lesson), lesson)
        _stamp_cell(cells, 2, "code", INSTALL, install_cell(lesson, cfg), lesson)
    for cell in cells: fold(cell)
    return nb


# %% [markdown]
# A lesson for the toy repository: a title cell and one cell of code. Before you run the next cell: how many cells will
# it have after stamping, and how many after stamping twice?

# %%
def toy_lesson():
    return {"cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {},
         "source": ["# Train\n", "\n", "> One line"]},
        {"cell_type": "code", "id": "b", "metadata": {}, "execution_count": None, "outputs": [],
         "source": ["1 + 1"]}],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5}

once = stamp_notebook(toy_lesson(), "pytorch/train", cfg, place=7)
for cell in once["cells"]: print(f"--- {cell['cell_type']}\n{_text(cell)}")

# %%
from copy import deepcopy

# %%
twice = stamp_notebook(deepcopy(once), "pytorch/train", cfg, place=7)
assert len(once["cells"]) == 4 and twice == once
moved = stamp_notebook(deepcopy(once), "pytorch/train", cfg | {"user": "grace"}, place=8)
assert "ada" not in _text(moved["cells"][1]) and "- order: 7" not in _text(moved["cells"][0])
solved = toy_lesson()
solved["cells"][1]["source"] = ["#| code-fold: true\n", "1 + 1"]
folded, shown = (stamp_notebook(lesson, "pytorch/train", cfg)["cells"][-1]["metadata"]
                 for lesson in (solved, toy_lesson()))
assert folded == FOLDED and shown == {}


# %% [markdown]
# Files are written the way `nbdev_clean` writes them, so that cleaning changes nothing. The text copy in `scripts/` is
# made again after each change; if it holds edits that the notebook lacks, the lesson is left alone and named.

# %%
#| exports
def _as_json(nb): return json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
def _write_nb(nb, path): path.write_text(_as_json(nb), "utf-8")


def as_script(nb_path,   # a notebook
    ) -> str:            # its py:percent text, by the rules in pyproject.toml
    "The text copy of a notebook, as it stands in `scripts/`."
    import jupytext, jupytext.config # only authors need it
    nb_path = Path(nb_path).resolve()
    config = jupytext.config.load_jupytext_config(str(nb_path))
    return jupytext.writes(jupytext.read(nb_path, config=config), fmt="py:percent", config=config)


def _body(script): return script[script.find("# %%"):] # without jupytext's header


def write_scripts(root,  # the repository's root
    ) -> list[str]:      # lessons whose text changed
    "Write `scripts/` from `nbs/`, and remove texts whose notebook is gone."
    changed, known = [], set()
    for lesson in lessons(root):
        path = Path(root)/"scripts"/f"{lesson}.py"
        text = as_script(Path(root)/"nbs"/f"{lesson}.ipynb")
        known.add(path)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            changed.append(lesson)
    for path in set((Path(root)/"scripts").rglob("*.py")) - known:
        if path.parent.name != "kaggle": path.unlink() # those are of `write_kernels`
    return changed


def stamp(root,          # the repository's root
          scripts=True,  # keep `scripts/` in step
    ) -> list[str]:      # lessons that changed
    "Stamp every lesson of the repository."
    root, cfg, changed = Path(root), read_settings(root), []
    order = {lesson: i for i, lesson in enumerate(reading_order(root))}
    for lesson in lessons(root):
        path, script = root/"nbs"/f"{lesson}.ipynb", root/"scripts"/f"{lesson}.py"
        before = path.read_text("utf-8")
        nb = stamp_notebook(json.loads(before), lesson, cfg, order.get(lesson))
        if nb == json.loads(before): continue
        if scripts and script.is_file():
            if _body(script.read_text("utf-8")) != _body(as_script(path)):
                print(f"{lesson}: left alone, its text differs from the notebook", file=sys.stderr)
                continue
        _write_nb(nb, path)
        if scripts: script.write_text(as_script(path), "utf-8")
        changed.append(lesson)
    return changed


# %% [markdown]
# ## A script for Kaggle
#
# Kaggle runs scripts too, on the machine that a file beside the script asks for. A notebook that carries `kaggle` in its metadata gets such a pair: its text, and a `kernel-metadata.json`
# for `kaggle kernels push`. What the notebook asks for in Kaggle's words, an [accelerator](glossary.ipynb#gl-accelerator) and data sets, the second file repeats in those of Kaggle's command.

# %%
#| exports
# in a notebook -> in kernel-metadata.json
SHAPES = {"tpuV5e8": "TpuV5E8", "nvidiaTeslaT4": "NvidiaTeslaT4", "none": None}


def kernel_metadata(lesson,  # as in `tpu/gan_fashion_mnist`
                    wishes,  # `kaggle` of the notebook's metadata
                    cfg,     # from `read_settings`
    ) -> dict:               # what kernel-metadata.json holds
    "How Kaggle is to run a lesson as a script. Raises `CourseError` for an unknown accelerator."
    name, shape = lesson.rpartition("/")[2], wishes.get("accelerator", "none")
    if shape not in SHAPES:
        raise CourseError(
            f"{lesson} asks Kaggle for the accelerator {shape!r}; it has {', '.join(SHAPES)}")
    slug, wanted = name.replace("_", "-"), SHAPES[shape]
    data = [source["datasetSlug"] for source in wishes.get("dataSources", [])]
    return dict(
        id=f"{cfg['user']}/{slug}", title=slug, code_file=f"{name}.py", language="python",
        kernel_type="script", is_private=True, enable_gpu=shape.startswith("nvidia"),
        enable_tpu=shape.startswith("tpu"), enable_internet=wishes.get("isInternetEnabled", True),
        **({"machine_shape": wanted} if wanted else {}),
        dataset_sources=data, competition_sources=[], kernel_sources=[], model_sources=[])


def write_kernels(root,  # the repository's root
    ) -> list[str]:      # lessons whose pair changed
    "Write `scripts/kaggle/` from the notebooks that ask for it."
    root, cfg, changed = Path(root), read_settings(root), []
    for lesson in lessons(root):
        nb = json.loads((root/"nbs"/f"{lesson}.ipynb").read_text("utf-8"))
        wishes = nb["metadata"].get("kaggle")
        if wishes is None: continue
        about = kernel_metadata(lesson, wishes, cfg)
        for name, text in ((about["code_file"], as_script(root/"nbs"/f"{lesson}.ipynb")),
                           ("kernel-metadata.json", json.dumps(about, indent=2) + "\n")):
            path = root/"scripts"/"kaggle"/name
            if path.is_file() and path.read_text("utf-8") == text: continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            changed += [lesson] * (lesson not in changed)
    return changed


# %%
about = kernel_metadata("tpu/gan_fashion_mnist", {"accelerator": "tpuV5e8", "dataSources": [
    {"sourceType": "datasetVersion", "datasetSlug": "zalando-research/fashionmnist"}]}, cfg)
assert about["enable_tpu"] and not about["enable_gpu"] and about["machine_shape"] == "TpuV5E8"
try: kernel_metadata("tpu/gan_fashion_mnist", {"accelerator": "abacus"}, cfg)
except CourseError as error: print(error)
else: raise AssertionError("it was accepted")


# %% [markdown]
# ## The README
#
# The home page is a notebook, and the README is the same text: markdown cells as they are, code with its output,
# pictures as files beside it. Links to other notebooks point into `nbs/`, where GitHub shows them.

# %%
#| exports
def _directives(source): # -> {"echo": "false", ...}
    found = re.findall(r"^#\|\s*([\w-]+)\s*:?\s*(.*?)\s*$", source, flags=re.MULTILINE)
    return {key: value.strip("\"'") for key, value in found}


def to_readme(nb,                        # a notebook as read from JSON
              files="README_files",      # the folder for pictures, as the README names it
    ) -> tuple[str, dict[str, bytes]]:   # the text, and the pictures by name
    "A notebook as markdown that GitHub and PyPI can show."
    parts, pictures = [], {}
    for i, cell in enumerate(nb["cells"]):
        text = _text(cell)
        if cell["cell_type"] == "markdown":
            if i == 0: text = re.sub(r"^- [\w-]+:.*\n?", "", text, flags=re.MULTILINE)
            text = re.sub(r"^:{3,}.*\n?", "", text, flags=re.MULTILINE)
            text = re.sub(r"\]\((?!\w+:|#|/)([^)\s]+\.ipynb)", r"](nbs/\1", text)
            parts.append(text.strip())
            continue
        says = _directives(text)
        if cell["cell_type"] != "code" or "hide" in says or says.get("include") == "false": continue
        code = "\n".join(line for line in text.splitlines() if not line.startswith("#|")).strip()
        if code and says.get("echo") != "false": parts.append(f"```python\n{code}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{says.get('label', f'picture-{len(pictures) + 1}')}.png"
                pictures[name] = b64decode("".join(data["image/png"]))
                parts.append(f"![{says.get('fig-alt', says.get('fig-cap', ''))}]({files}/{name})")
            elif "text/markdown" in data: parts.append("".join(data["text/markdown"]).strip())
            else:
                shown = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
                if shown: parts.append(f"```text\n{shown}\n```")
    return "\n\n".join(part for part in parts if part) + "\n", pictures


def write_readme(root,   # the repository's root
    ):
    "Write `README.md` and its pictures from `nbs/index.ipynb`."
    root = Path(root)
    text, pictures = to_readme(json.loads((root/"nbs"/"index.ipynb").read_text("utf-8")))
    folder = root/"README_files"
    for path in folder.glob("*.png"):
        if path.name not in pictures: path.unlink()
    for name, content in pictures.items():
        folder.mkdir(exist_ok=True)
        (folder/name).write_bytes(content)
    (root/"README.md").write_text(text, "utf-8")


# %%
text, pictures = to_readme({"cells": [
    {"cell_type": "markdown", "source": ["# Home\n", "\n", "> A course\n", "\n", "- order: 0"]},
    {"cell_type": "markdown", "source": [
        "Start [here](foundations/start.ipynb), or read [this](https://arxiv.org)."]},
    {"cell_type": "code", "source": ["#| echo: false\n", "print(6 * 7)"], "outputs": [
        {"output_type": "stream", "name": "stdout", "text": ["42\n"]}]}]})
print(text)

# %%
assert "(nbs/foundations/start.ipynb)" in text and "(https://arxiv.org)" in text
assert "order" not in text
assert "print" not in text and "42" in text and not pictures


# %% [markdown]
# ## Pages made from the lessons
#
# Three pages of the site are made from the others, and a test makes them again and compares: the [API](api.ipynb), which
# leads from each name to the section that makes it; [Side by side](side_by_side.ipynb), where each PyTorch lesson stands
# beside its TensorFlow twin; and the page that a wrong address shows.

# %%
#| exports
def _cell(text): # documentation as a cell of a table
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    plain = [p if p.startswith("`") else re.sub(r"([\\*_$<>\[\]@~^])", r"\\\1", p) for p in parts]
    return "".join(plain).replace("|", "\\|")


def _page(lesson, place, title, description, parts): # a notebook of text
    cells = [f"# {title}\n\n> {description}\n\n- order: {place}", *parts]
    return {"cells": [
        {"cell_type": "markdown", "id": hashlib.sha256(f"{lesson} {i}".encode()).hexdigest()[:8],
         "metadata": {}, "source": _lines(text)} for i, text in enumerate(cells)],
        "metadata": {"kernelspec": {
            "display_name": "python3", "language": "python", "name": "python3"}},
        "nbformat": 4, "nbformat_minor": 5}


def api_page(books,    # lesson -> notebook, in reading order
             place=0,  # of this page in that order
    ) -> dict:         # a notebook
    "Every public name of the package, each with the section of the lesson that makes it."
    parts, last = ["This page is made from the lessons. A name leads to the section that makes it, "
                   "and *API* at the top of a lesson leads back here."], None
    for lesson, nb in books.items():
        if not (names := exported(nb)): continue
        folder, _, stem = lesson.rpartition("/")
        module = next(m[1] for c in nb["cells"] if (m := re.match(
            r"#\|\s*default_exp\s+(\S+)", _text(c)))).removesuffix(".__init__")
        text = f"## {PARTS.get(folder, folder.title())}\n\n" * (folder != last)
        text += f"### `gan_course.{module}` {{#{lesson.replace('/', '-')}}}\n\n"
        text += f"From the lesson [{_title(nb)}](../{lesson}.ipynb).\n\n"
        text += "| name | what it is |\n|---|-------|\n"
        for name, says, _, anchor in names:
            link = f"../{lesson}.ipynb" + f"#{anchor}" * bool(anchor)
            text += f"| [`{name}`]({link}) | {_cell(says)} |\n"
        parts, last = parts + [text.rstrip()], folder
    return _page(
        "about/api", place, "API", "Every name of the package, and where it is made", parts)


def _title(nb): return _text(nb["cells"][0]).splitlines()[0].removeprefix("# ")


def _column(track, code): return f"::: {{}}\n**{PARTS[track]}**\n\n```python\n{code}\n```\n:::\n"


def side_by_side(books,    # lesson -> notebook
                 place=0,  # of this page in the reading order
    ) -> dict:             # a notebook
    "The PyTorch lessons beside their TensorFlow twins, name by name."
    tracks = "pytorch", "tensorflow"
    parts = ["Both tracks use the same names, so what differs below is what the framework changes. "
             "Code that is the same in both stands once. This page is made from the lessons."]
    for stem in TWINS:
        left, right = ({name: code for name, _, code, _ in exported(books[f"{t}/{stem}"])}
                       for t in tracks)
        links = " · ".join(f"[{PARTS[t]}](../{t}/{stem}.ipynb)" for t in tracks)
        text = f"## {_title(books[f'pytorch/{stem}'])} {{#{stem}}}\n\nThe lessons: {links}.\n"
        for t, ours, theirs in (("pytorch", left, right), ("tensorflow", right, left)):
            only = ", ".join(f"`{name}`" for name in ours if name not in theirs)
            if only: text += f"\nOnly in {PARTS[t]}: {only}.\n"
        parts.append(text.rstrip())
        for name in (name for name in left if name in right):
            text = f"### `{name}` {{#{stem}-{name.replace('_', '-')}}}\n\n"
            if left[name] == right[name]:
                text += f"The same in both.\n\n```python\n{left[name]}\n```"
            else:
                text += ":::: {.twins}\n" + _column("pytorch", left[name])
                text += _column("tensorflow", right[name]) + "::::"
            parts.append(text)
    nb = _page("about/side_by_side", place, "Side by side",
               "PyTorch and TensorFlow, name by name: what a framework changes", parts)
    nb["cells"][0]["source"][-1:] = ["- page-layout: full\n", f"- order: {place}"]
    return nb


def not_found(cfg,   # from `read_settings`
    ) -> str:        # a page for Quarto
    "What a reader sees at an address without a page; links are whole, since it has no place."
    site = cfg["doc_host"] + cfg["doc_baseurl"]
    return f"""---
title: "There is no such page"
description: "A wrong or an old address"
---

It may have been moved or renamed. The search at the top of the page knows all lessons; or begin at

- [the home page]({site}/index.html), with the path through the course;
- [the first lesson]({site}/foundations/start.html);
- [the glossary]({site}/about/glossary.html).
"""


def pages(root,                # the repository's root
    ) -> dict[Path, object]:   # file -> a notebook, or text
    "The pages that are made from the others, as they should be."
    root, order = Path(root), reading_order(root)
    books = {lesson: json.loads((root/"nbs"/f"{lesson}.ipynb").read_text("utf-8"))
             for lesson in order if (root/"nbs"/f"{lesson}.ipynb").is_file()}
    made: dict[Path, object] = {root/"nbs"/"404.qmd": not_found(read_settings(root))}
    for lesson, make in {"about/api": api_page, "about/side_by_side": side_by_side}.items():
        if lesson in order: made[root/"nbs"/f"{lesson}.ipynb"] = make(books, order.index(lesson))
    return made


def write_pages(root,  # the repository's root
    ) -> list[str]:    # names of the files that changed
    "Write the pages that are made from the others."
    changed = []
    for path, page in pages(root).items():
        text = page if isinstance(page, str) else _as_json(page)
        if path.is_file() and path.read_text("utf-8") == text: continue
        path.write_text(text, "utf-8")
        changed.append(path.stem)
    return changed


# %%
lesson["cells"].append({"cell_type": "code", "source": ["#| default_exp toy"]})
print(_text(api_page({"foundations/toy": lesson})["cells"][2]))

# %%
assert "[`twice`](../foundations/toy.ipynb#twice-and-more)" in _text(
    api_page({"foundations/toy": lesson})["cells"][2])
other = deepcopy(lesson)
other["cells"][2]["source"][4] = "    return x + x\n"
twins = {f"{track}/{stem}": nb for stem in TWINS
         for track, nb in (("pytorch", lesson), ("tensorflow", other))}
texts = [_text(cell) for cell in side_by_side(twins)["cells"]]
assert sum("The same in both" in text for text in texts) == len(TWINS) # FACTOR
assert sum("x + x" in text and ".twins" in text for text in texts) == len(TWINS) # twice


# %% [markdown]
# ## A card
#
# Where somebody shares a link to the course, a picture stands for it. It is drawn from the samples on the home page and
# carries their [checksum](glossary.ipynb#gl-checksum), so that a test can tell when it is out of date.

# %%
#| exports
def card(picture,       # of samples, as PNG
         title,         # large
         text,          # under the title
    ) -> bytes:         # PNG, 1200 by 630
    "The picture that stands for the course where somebody links to it."
    import io
    import matplotlib.image
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    fig = Figure(figsize=(12, 6.3), dpi=100, facecolor="#0d2438")
    FigureCanvasAgg(fig)
    axes = fig.add_axes((0.03, 0.03, 0.94, 0.69))
    axes.imshow(matplotlib.image.imread(io.BytesIO(picture)), cmap="gray", interpolation="lanczos")
    axes.axis("off")
    fig.text(0.04, 0.88, title, color="#ffffff", size=44, weight="bold", va="center")
    fig.text(0.04, 0.785, text, color="#ffd98f", size=21, va="center")
    drawn, small, about = io.BytesIO(), io.BytesIO(), PngInfo()
    fig.savefig(drawn, format="png", facecolor=fig.get_facecolor())
    about.add_text("Source", hashlib.sha256(picture).hexdigest())
    colours = Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    colours.save(small, "png", optimize=True, pnginfo=about)
    return small.getvalue()


def home_picture(root,  # the repository's root
    ) -> bytes:         # PNG
    "The samples on the home page."
    cells = json.loads((Path(root)/"nbs"/"index.ipynb").read_text("utf-8"))["cells"]
    samples = next(cell for cell in cells if "#| label: fig-samples\n" in cell["source"])
    return b64decode("".join(samples["outputs"][0]["data"]["image/png"]))


def write_card(root,    # the repository's root
    ):
    "Draw the card again, from the samples on the home page."
    drawn = card(home_picture(root), "gan_course", "GANs: executed, measured, explained")
    (Path(root)/"nbs"/"assets"/"card.png").write_bytes(drawn)


# %%
import io

import matplotlib.image
import numpy as np
from IPython.display import Image

# %%
#| label: fig-card
#| fig-cap: "A card, with numbers from a grid where samples would stand."
#| fig-alt: "Dark blue card: the word engine in large letters, a line under it, and a field of grey squares."
buffer = io.BytesIO()
squares = np.random.default_rng(0).random((5, 12)).repeat(40, 0).repeat(40, 1)
matplotlib.image.imsave(buffer, squares, cmap="gray", format="png")
drawn = card(buffer.getvalue(), "engine", "a course by Ada")
Image(drawn)

# %%
assert drawn[16:24] == (1200).to_bytes(4) + (630).to_bytes(4) and len(drawn) < 150_000
assert hashlib.sha256(buffer.getvalue()).hexdigest().encode() in drawn # which picture it was

# %% [markdown]
# ## The filter
#
# `nbdev_docs` prepares each notebook before Quarto sees it: front matter from the title cell, signatures after exported
# functions, links from `names` to their pages. A plain `quarto render` would show the raw notebooks instead.
# Quarto can pass each notebook through a command first (`ipynb-filters` in `_quarto.yml`), so we make that command:
# standard input to standard output.
#
# There are two traps. What `nbdev_docs` has prepared already must pass through untouched; nbdev leaves a marker cell in
# it. And Quarto hands over the text without its name, which nbdev needs; so we look for the file with these very cells.

# %%
#| exports
_PREPARED = "<!-- WARNING: THIS FILE WAS AUTOGENERATED! DO NOT EDIT! -->" # nbdev's marker cell


def filter_notebook(text,      # a notebook's JSON
                    start=".", # a folder in the repository; Quarto starts us beside the notebook
    ) -> str:                  # JSON again: as nbdev prepares it for the site
    "What Quarto should render for this notebook."
    cells = json.loads(text)["cells"]
    if any(_text(cell).strip() == _PREPARED for cell in cells): return text
    from execnb.nbio import nb2str, read_nb # only authors need these
    from nbdev.processors import FilterDefaults
    nbs = find_root(start)/"nbs"
    same = [p for p in nbs.rglob("*.ipynb") if json.loads(p.read_text("utf-8"))["cells"] == cells]
    if not same:
        raise CourseError(f"no notebook in {nbs} has these cells: save it, then render again")
    os.environ["IN_TEST"] = "1"
    nb = read_nb(same[0])
    with contextlib.redirect_stdout(sys.stderr), contextlib.chdir(same[0].parent):
        FilterDefaults()(nb)
    return nb2str(nb)


# %%
prepared = json.dumps({"cells": [{"cell_type": "markdown", "source": [_PREPARED]}]})
assert filter_notebook(prepared) == prepared


# %% [markdown]
# ## The command
#
# `python -m gan_course._site` alone is the filter. With a word it does one of the authors' chores.

# %%
#| exports
def main(argv=None):     # command-line arguments, `sys.argv[1:]` when not given
    "`python -m gan_course._site stamp|scripts|pages|card|readme|badges LESSON`; alone: a filter."
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        match argv:
            case []: sys.stdout.write(filter_notebook(sys.stdin.read()))
            case ["stamp"]: print("\n".join(stamp(find_root())) or "nothing to stamp")
            case ["scripts"]:
                root = find_root()
                changed = write_pages(root) + write_scripts(root) + write_kernels(root)
                print("\n".join(changed) or "scripts/ is in step")
            case ["pages"]: print("\n".join(write_pages(find_root())) or "the pages are in step")
            case ["card"]: write_card(find_root())
            case ["readme"]: write_readme(find_root())
            case ["badges", lesson]: print(badges(lesson, read_settings()))
            case _: raise CourseError(f"unknown arguments {' '.join(argv)!r}: {main.__doc__}")
    except CourseError as error:
        print(f"gan_course._site: {error}", file=sys.stderr)
        return 2
    return 0


# %%
#| export
if __name__ == "__main__" and "__file__" in globals(): # a notebook has no file
    sys.exit(main())

# %%
assert main(["paint"]) == 2

# %% [markdown]
# ## What a page brings along
#
# A page asks no other server for anything while it is read. Fonts are those of the reader's system, formulas are MathML,
# which browsers draw by themselves, and the links above a lesson are text. So the theme is our own, in `nbs/assets`: two
# palettes, `light.scss` and `dark.scss`, the rules that both share, and a scheme of colours for code in each. A test
# computes the contrast of every pair of colours and refuses less than 4.5 to 1 for text.
#
# Quarto reads `_quarto.yml` at the root, and where files and the sidebar's folders are: `paths.yml` as seen from `nbs/`, or
# `paths_root.yml` as seen from the root.
#
# Before Quarto comes a lint, `tests/contract/site_lint.py`, which reads all pages as nbdev prepares them. It follows each
# link to its heading and each citation to `references.bib`, and refuses a picture without a text that says what is seen,
# a skipped heading, an id used twice, a formula that does not balance, a line of code above 100 characters, and whatever
# would be fetched from elsewhere. That it can fail is tested too: each of these faults, put into a real page, is found.

# %% [markdown]
# ## A new lesson, step by step
#
# 1. Write `scripts/folder/name.py`; any lesson's file shows the form. Add `folder/name` to `reading-order` in
#    `_quarto.yml`.
# 2. `make lesson NB=folder/name` makes the notebook, exports its module, runs it in full and stores the outputs.
# 3. `make stamp` adds links, install cell and place; `make sync` brings the API and Side by side into step;
#    `make readme` and `python -m gan_course._site card` if the home page changed.
# 4. `make test`.
#
# Those who prefer Jupyter edit `nbs/folder/name.ipynb` and call `make sync` afterwards.

# %% [markdown]
# ## Exercises
#
# The check of each is in [its own notebook](../exercises/site.ipynb).

# %%
from gan_course.exercises.site import check_kaggle_link, check_order


# %% [markdown]
# ### 1. Another branch
#
# Write `kaggle_link(lesson, cfg)`: the address that opens a lesson in Kaggle, from `settings.ini` alone.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def kaggle_link(lesson, cfg):
    notebook = f"{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/{lesson}.ipynb"
    return f"https://kaggle.com/kernels/welcome?src=https://github.com/{notebook}"

check_kaggle_link(kaggle_link)


# %% [markdown]
# ### 2. A lesson in the wrong place
#
# A module may import only from lessons before its own. Write `misplaced(order, imports)`: `order` is a list of lessons,
# `imports` says for each lesson which others it imports from, and the answer is the sorted list of pairs
# `(lesson, import)` that break the rule.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def misplaced(order, imports):
    place = {lesson: i for i, lesson in enumerate(order)}
    return sorted((lesson, other) for lesson, others in imports.items() for other in others
                  if place[other] >= place[lesson])

check_order(misplaced)

# %% [markdown]
# ## What to remember
#
# - A lesson is one notebook; the module, the text copy, the page and the README are made from it and never edited.
# - Pages that repeat what lessons say are made from the lessons, and a test says when one is out of date.
# - Owner, name and branch stand in `settings.ini`; everything that needs them is stamped.
# - **What goes wrong:** a page shows `#|` lines or lacks signatures: the filter did not run, so look whether `python`
#   on your path is the environment's. The badges lead to a page that is not there: the branch has not been pushed.
#   A lesson stands at the end of the sidebar: it is missing from `reading-order`.
#
# **References.** [nbdev](https://nbdev.fast.ai), [Quarto on notebook filters](https://quarto.org/docs/extensions/nbfilter.html),
# [jupytext](https://jupytext.readthedocs.io).
