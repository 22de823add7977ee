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
# - order: 107

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/about/site.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/about/site.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/about/site.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course @ git+https://github.com/gan-course/gan_course@main"]) == 0, \
        "pip could not install the course: on Kaggle, switch on Internet in the settings at the right, then run again"

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
# Four small things are left, and this lesson writes them: the links to Colab and Kaggle above each lesson, the cell
# that installs the package there, the README, and the filter that lets Quarto read our notebooks directly.

# %%
#| default_exp _site

# %%
#| exports
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
    at = f"{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/{lesson}.ipynb"
    return "\n".join([
        BADGES,
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{at})",
        f"[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
        f"(https://kaggle.com/kernels/welcome?src=https://github.com/{at})",
        f"[View source](https://github.com/{at})"])


# %%
print(badges("pytorch/train", cfg))

# %%
assert "/github/ada/engine/blob/trunk/nbs/pytorch/train.ipynb" in badges("pytorch/train", cfg)

# %% [markdown]
# ## The install cell
#
# On Colab and Kaggle the package is not there yet. The cell below a lesson's links fetches it, and does nothing where
# it is installed already, nor on your own computer, where what to install is your decision. The site hides it
# (`#| include: false`). A lesson in a track's folder asks for that track's extra, such as `gan_course[pytorch]`.

# %%
#| exports
INSTALL = "#| include: false\n# install" # how the cell is recognised


def install_cell(lesson, # as in `pytorch/train`
                 cfg,    # from `read_settings`
    ) -> str:            # source of a code cell
    "A cell that installs the package on Colab and Kaggle, and does nothing anywhere else."
    folder, _, name = lesson.rpartition("/")
    track = name.partition("_")[0] if folder == "exercises" else folder
    extra = f"[{track}]" if f"{track}_requirements" in cfg else ""
    return "\n".join([
        f"{INSTALL}: where the package is missing on Colab or Kaggle; elsewhere it does nothing",
        "import os, subprocess, sys",
        "from importlib.util import find_spec",
        f'if find_spec("{cfg["lib_name"]}") is None and os.environ.keys() & {{',
        '        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:',
        '    assert subprocess.call([',
        '        sys.executable, "-m", "pip", "install", "-q",',
        f'        "{cfg["lib_name"]}{extra} @ git+{cfg["git_url"]}@{cfg["branch"]}"]) == 0, \\',
        '        "pip could not install the course: on Kaggle, switch on Internet in the settings at the right, then run again"'])


# %%
print(install_cell("pytorch/train", cfg))

# %%
asked = "engine[pytorch] @ git+https://github.com/ada/engine@trunk"
assert asked in install_cell("pytorch/train", cfg)
assert "engine[pytorch]" in install_cell("exercises/pytorch_train", cfg)
assert "engine @ git" in install_cell("foundations/datasets", cfg)


# %% [markdown]
# ## Stamping
#
# `python -m gan_course._site stamp` (or `make stamp`) writes both cells into every lesson, and into the title cell the
# lesson's place in the course, `- order: 3`, by which Quarto sorts the sidebar. The order itself stands in one list,
# `reading-order` in `_quarto.yml`; it is the order of the imports too. Stamping twice changes nothing, and a test
# stamps a copy of the course and compares.

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


def _lines(text): return text.splitlines(keepends=True)
def _text(cell): return "".join(cell["source"])


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


def stamp_notebook(nb,           # a notebook as read from JSON; changed in place
                   lesson,       # as in `pytorch/train`
                   cfg,          # from `read_settings`
                   place=None,   # in the reading order, written as `- order:` into the title cell
    ):                           # the notebook
    "Write links, install cell and place into a lesson; a page without code gets its place only."
    cells, first = nb["cells"], nb["cells"][0]
    if place is not None:
        lines = [line for line in _text(first).splitlines() if not re.match(r"- order:", line)]
        while lines and not lines[-1].strip(): lines.pop()
        if not any(line.startswith("- ") for line in lines): lines.append("")
        first["source"] = _lines("\n".join(lines + [f"- order: {place}"]))
    if lesson != "index" and any(c["cell_type"] == "code" for c in cells):
        _stamp_cell(cells, 1, "markdown", BADGES, badges(lesson, cfg), lesson)
        _stamp_cell(cells, 2, "code", INSTALL, install_cell(lesson, cfg), lesson)
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


# %% [markdown]
# Files are written the way `nbdev_clean` writes them, so that cleaning changes nothing. The text copy in `scripts/` is
# made again after each change; if it holds edits that the notebook lacks, the lesson is left alone and named.

# %%
#| exports
def _write_nb(nb, path):
    path.write_text(json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + "\n", "utf-8")


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
# for `kaggle kernels push`. What the notebook asks for in Kaggle's words, an accelerator and data sets, the second file repeats in those of Kaggle's command.

# %%
#| exports
SHAPES = {"tpuV5e8": "TpuV5E8", "nvidiaTeslaT4": "NvidiaTeslaT4", "none": None} # in a notebook -> in kernel-metadata.json


def kernel_metadata(lesson,  # as in `tpu/gan_fashion_mnist`
                    wishes,  # `kaggle` of the notebook's metadata
                    cfg,     # from `read_settings`
    ) -> dict:               # what kernel-metadata.json holds
    "How Kaggle is to run a lesson as a script. Raises `CourseError` for an accelerator it does not have."
    name, shape = lesson.rpartition("/")[2], wishes.get("accelerator", "none")
    if shape not in SHAPES:
        raise CourseError(f"{lesson} asks Kaggle for the accelerator {shape!r}; it has {', '.join(SHAPES)}")
    slug, wanted = name.replace("_", "-"), SHAPES[shape]
    data = [source["datasetSlug"] for source in wishes.get("dataSources", [])]
    return dict(id=f"{cfg['user']}/{slug}", title=slug, code_file=f"{name}.py", language="python", kernel_type="script",
                is_private=True, enable_gpu=shape.startswith("nvidia"), enable_tpu=shape.startswith("tpu"),
                enable_internet=wishes.get("isInternetEnabled", True), **({"machine_shape": wanted} if wanted else {}),
                dataset_sources=data, competition_sources=[], kernel_sources=[], model_sources=[])


def write_kernels(root,  # the repository's root
    ) -> list[str]:      # lessons whose pair changed
    "Write `scripts/kaggle/` from the notebooks that ask for it."
    root, cfg, changed = Path(root), read_settings(root), []
    for lesson in lessons(root):
        wishes = json.loads((root/"nbs"/f"{lesson}.ipynb").read_text("utf-8"))["metadata"].get("kaggle")
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
    "`python -m gan_course._site [stamp | scripts | readme | badges LESSON]`; alone, the filter."
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        match argv:
            case []: sys.stdout.write(filter_notebook(sys.stdin.read()))
            case ["stamp"]: print("\n".join(stamp(find_root())) or "nothing to stamp")
            case ["scripts"]: print("\n".join(write_scripts(find_root()) + write_kernels(find_root())) or "scripts/ is in step")
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
# ## A new lesson, step by step
#
# 1. Write `scripts/folder/name.py`; any lesson's file shows the form. Add `folder/name` to `reading-order` in
#    `_quarto.yml`.
# 2. `make lesson NB=folder/name` makes the notebook, exports its module, runs it in full and stores the outputs.
# 3. `make stamp` adds links, install cell and place; `make readme` if the home page changed.
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
# - Owner, name and branch stand in `settings.ini`; everything that needs them is stamped.
# - **What goes wrong:** a page shows `#|` lines or lacks signatures: the filter did not run, so look whether `python`
#   on your path is the environment's. The badges lead to a page that is not there: the branch has not been pushed.
#   A lesson stands at the end of the sidebar: it is missing from `reading-order`.
#
# **References.** [nbdev](https://nbdev.fast.ai), [Quarto on notebook filters](https://quarto.org/docs/extensions/nbfilter.html),
# [jupytext](https://jupytext.readthedocs.io).
