"""The site without Quarto: its configuration, nbdev's preparation, and a lint of the result."""
import copy
import hashlib
import json
import os
import re

import pytest
import yaml
from contract import ROOT, run, source
from site_lint import Page, alt_fault, bibliography, lint, math_faults, read_pages

from gan_course import _site


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    "The folder of prepared notebooks, and what was printed. A stub stands in for Quarto."
    stub = tmp_path_factory.mktemp("bin")
    (stub/"quarto").write_text("#!/bin/sh\nexit 0\n")
    (stub/"quarto").chmod(0o755)
    path = f"{stub}{os.pathsep}{os.environ['PATH']}"
    printed = run("nbdev_proc_nbs", "--n_workers", "2", cwd=tree, env={"PATH": path})
    return tree/"_proc", printed


def test_nbdev_prepares_every_lesson(prepared):
    folder, printed = prepared
    assert "Error" not in printed, printed
    names = [p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.ipynb")]
    assert sorted(names) == _site.lessons(ROOT)
    assert (folder/"_quarto.yml").is_file() and (folder/"nbdev.yml").is_file()


def address():
    cfg = _site.read_settings(ROOT)
    return cfg["doc_host"] + cfg["doc_baseurl"]


@pytest.fixture(scope="module")
def all_pages(prepared): return read_pages(prepared[0], address())


def test_lint(prepared, all_pages):
    faults = lint(prepared[0], address(), all_pages)
    assert not faults, "\n" + "\n".join(f"{page} {fault}" for page, fault in faults)


def test_the_lint_covers_every_page(prepared, all_pages):
    nbs = ROOT/"nbs"
    written = {p.relative_to(nbs).with_suffix("").as_posix() for kind in ("ipynb", "qmd", "md")
               for p in nbs.rglob(f"*.{kind}")
               if not re.search(r"/[._]|/artifacts/", "/" + p.relative_to(nbs).as_posix())}
    assert set(all_pages) == written == {*_site.lessons(ROOT), "404"}
    assert sum(len(page.links) for page in all_pages.values()) > 10 * len(all_pages)
    bare = {name for name, page in all_pages.items() if not page.headings}
    assert all(name == "404" or re.search(r"index$|^exercises/", name) for name in bare), bare


# --- a fault put into a real page is found ---

REAL = "foundations/objective"


def first(nb, kind, holds):
    return next(c for c in nb["cells"] if c["cell_type"] == kind and holds in source(c))


def append(text):
    def mutate(nb): nb["cells"].append({"cell_type": "markdown", "source": text, "metadata": {}})
    return mutate


def rewrite(kind, pattern, by):
    def mutate(nb):
        for cell in nb["cells"]:
            if cell["cell_type"] != kind: continue
            text, count = re.subn(pattern, by, source(cell), count=1, flags=re.MULTILINE)
            if count:
                cell["source"] = text
                return
        raise AssertionError(f"no {kind} cell of {REAL} holds {pattern}")
    return mutate


def output(data):
    def mutate(nb):
        nb["cells"].append(dict(cell_type="code", source="draw()", metadata={}, outputs=[
            dict(output_type="display_data", data=data)]))
    return mutate


MUTATIONS = {
    "broken link": (rewrite("markdown", r"\]\((?=[./\w]+\.ipynb)", "](lost-"),
                    "links to a page that is not there"),
    "broken anchor": (append("[x](toy.ipynb#lost)"), "links to a heading that is not there"),
    "missing alt text": (rewrite("code", r"^#\| fig-alt:.*\n", ""), "without alt text"),
    "empty alt text": (rewrite("code", r"^#\| fig-alt:.*$", '#| fig-alt: ""'), "without alt text"),
    "alt text that says nothing": (rewrite("code", r"^#\| fig-alt:.*$", '#| fig-alt: "Image"'),
                                   "says nothing"),
    "caption as alt text": (rewrite("code", r"^#\| fig-cap: (.*)\n#\| fig-alt:.*$",
                                    r"#| fig-cap: \1\n#| fig-alt: \1"), "repeats the caption"),
    "unknown citation": (append("As was shown [see @nobody2099, p. 3]."), "cites @nobody2099"),
    "unknown citation in the text": (append("As @nobody2099 has shown."), "cites @nobody2099"),
    "skipped heading": (rewrite("markdown", r"^## ", "#### "), "skips a heading level"),
    "formula": (append("$\\frac{1}{2$"), "braces do not balance"),
    "id used twice": (append("## A {#here}\n\n## B {#here}"), "uses the id here twice"),
    "picture from elsewhere": (append("![A badge](https://badges.example/a.svg)"), "fetches from"),
    "script from elsewhere": (append('<script src="https://cdn.example/a.js"></script>'),
                              "fetches from another server"),
    "font from elsewhere": (append("<style>@font-face { src: url(https://f.example/a) }</style>"),
                            "fetches from another server"),
    "output with a script": (output({"text/html": "<script>draw()</script>"}), "carries a script"),
    "output from the net": (output({"application/javascript": "x"}), "has an output that fetches"),
    "long line": (append("```python\n" + "x = 1 + " * 20 + "1\n```"), "has a line of code with"),
    "long line in a cell": (rewrite("code", r"^(import .*)$", r"\1 " + "#" * 100),
                            "has a line of code with"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_found(name, prepared, all_pages):
    mutate, expected = MUTATIONS[name]
    nb = json.loads((prepared[0]/f"{REAL}.ipynb").read_text("utf-8"))
    before = lint(prepared[0], address(), all_pages)
    mutate(nb)
    after = lint(prepared[0], address(), all_pages | {REAL: Page(nb, address())})
    new = [fault for fault in after if fault not in before]
    assert any(page == REAL and expected in fault for page, fault in new), new


# --- pages made from the others ---

def as_text(page): return page if isinstance(page, str) else _site._as_json(page)


def test_made_pages_are_in_step():
    made = _site.pages(ROOT)
    assert {path.name for path in made} == {"404.qmd", "api.ipynb", "side_by_side.ipynb"}
    stale = [path.name for path, page in made.items() if path.read_text("utf-8") != as_text(page)]
    assert not stale, f"python -m gan_course._site scripts: {stale}"


def test_the_api_page_names_all_that_is_exported_and_lessons_lead_back():
    api = json.loads((ROOT/"nbs"/"about"/"api.ipynb").read_text("utf-8"))
    text = "".join(source(cell) for cell in api["cells"])
    syms = {name.rpartition(".")[2] for module in _modidx().values() for name in module
            if name.count(".") == module_depth(module, name)}
    syms = {name for name in syms if not name.startswith("_")}
    missing = sorted(name for name in syms if f"`{name}`" not in text)
    assert len(syms) > 200 and not missing, missing
    for lesson in _site.lessons(ROOT):
        nb = json.loads((ROOT/"nbs"/f"{lesson}.ipynb").read_text("utf-8"))
        if not _site.exported(nb): continue
        anchor, links = lesson.replace("/", "-"), source(first(nb, "markdown", _site.BADGES))
        assert f"{{#{anchor}}}" in text and f"about/api.ipynb#{anchor})" in links, lesson


def module_depth(module, name): # dots in the name of something at the top of its module
    path = module[name][1].removesuffix(".py").removesuffix("/__init__")
    return path.count("/") + 1


def _modidx():
    from gan_course._modidx import d
    return d["syms"]


def test_a_stale_page_is_noticed():
    lesson = "pytorch/model"
    nb = json.loads((ROOT/"nbs"/f"{lesson}.ipynb").read_text("utf-8"))
    changed = copy.deepcopy(nb)
    cell = first(changed, "code", "#| exports")
    cell["source"] = source(cell) + "\n\ndef brand_new(x):\n    'Something else.'\n    return x\n"
    assert _site.api_page({lesson: nb}) != _site.api_page({lesson: changed})
    assert "Something else" in as_text(_site.api_page({lesson: changed}))


def test_twins_stand_side_by_side():
    nb = json.loads((ROOT/"nbs"/"about"/"side_by_side.ipynb").read_text("utf-8"))
    texts = [source(cell) for cell in nb["cells"]]
    for stem in _site.TWINS:
        names = []
        for track in ("pytorch", "tensorflow"):
            lesson = json.loads((ROOT/"nbs"/track/f"{stem}.ipynb").read_text("utf-8"))
            assert f"side_by_side.ipynb#{stem})" in source(first(lesson, "markdown", _site.BADGES))
            names.append({name: code for name, _, code, _ in _site.exported(lesson)})
        shared = set(names[0]) & set(names[1])
        for name in shared:
            [text] = [text for text in texts if text.startswith(f"### `{name}` {{#{stem}-")]
            assert names[0][name] in text and names[1][name] in text
        [top] = [text for text in texts if f"{{#{stem}}}" in text]
        assert all(f"`{name}`" in top for name in set(names[0]) ^ set(names[1]))
    assert sum("::: {}" in text for text in texts) >= 20


def test_the_card_is_that_of_the_home_page():
    card = (ROOT/"nbs"/"assets"/"card.png").read_bytes()
    size = [int.from_bytes(card[at:at + 4], "big") for at in (16, 20)]
    assert len(card) < 150_000 and size == [1200, 630]
    source_of_it = hashlib.sha256(_site.home_picture(ROOT)).hexdigest()
    assert source_of_it.encode() in card, "python -m gan_course._site card"


def test_a_wrong_address_leads_back_from_any_depth():
    cfg = _site.read_settings(ROOT)
    links = re.findall(r"\]\(([^)]+)\)", _site.not_found(cfg))
    home = f"{cfg['doc_host']}{cfg['doc_baseurl']}/"
    assert len(links) >= 3 and all(link.startswith(home) for link in links)


# --- the lint itself ---

def page(*markdown, **code):
    cells = [dict(cell_type="raw", source=["---\ntitle: T\ndescription: D\n---\n"])]
    cells += [dict(cell_type="markdown", source=[text]) for text in markdown]
    picture = dict(output_type="display_data", data={"image/png": "aaaa"})
    if code: cells.append(dict(cell_type="code", source=[code["source"]], outputs=[picture]))
    return dict(cells=cells)


GOOD = [
    page("## One\n\n### Two\n\nA [page](b.ipynb#there), a [heading](#one), $x^2$, 5\\$ or `$PATH`.",
         "$$\\left(\\frac{1}{2}\\right) \\begin{aligned} a &= b \\end{aligned}$$",
         "![A grid](pixel.png) see @fig-a, [@known; see @known, p. 3], a@b.org and `@decorator`",
         source="#| label: fig-a\n#| fig-cap: \"A grid\"\n#| fig-alt: \"Four shirts\"\ndraw()"),
    page("## There\n\n## There\n\n[back](a.html), [twice](#there-1), [theirs](https://x.org/y) "
         "and [ours](https://us.example/site/a.html#two)"),
]
BAD = {
    "links to a page that is not there": [
        page("[x](c.ipynb)"), page("[x](https://us.example/site/c.html)"),
        page("<a href='c.html'>x</a>")],
    "links to a heading that is not there": [page("[x](b.ipynb#nowhere)"), page("[x](#nowhere)")],
    "links out of the site": [page("[x](../../settings.ini)")],
    "without alt text": [page("![](pixel.png)"), page("<img src='pixel.png'>"),
                         page(source="#| fig-cap: \"A\"\ndraw()")],
    "without caption": [page(source="#| fig-alt: \"A\"\ndraw()")],
    "image that is not there": [page("![x](lost.png)")],
    "skips a heading level": [page("### Deep"), page("## One\n\n#### Deep")],
    "second title": [page("# Again")],
    "dollar sign outside": [page("a $x + y"), page("a $x$$ b")],
    "braces do not balance": [page("$x^{2$"), page("$$\n}{\n$$")],
    "without its": [page("$$\\begin{aligned} a$$"), page("$$\\begin{a}\\end{b}$$")],
    "without \\right": [page("$$\\left( a$$")],
    "id one twice": [page("## A {#one}\n\n## B {#one}")],
    "refers to @fig-b": [page("see @fig-b")],
    "no title": [dict(cells=[])],
    "which references.bib lacks": [page("[@lost]"), page("[see @known, @lost]"), page("@lost says"),
                                   page("[-@lost]")],
    "shows an image that is not there": [page("![Shirts](lost.png){fig-alt=\"Four\"}")],
    "repeats the caption": [page("![Shirts](pixel.png){fig-alt=\"shirts.\"}"),
                            page(source="#| fig-cap: \"Shirts\"\n#| fig-alt: \"Shirts.\"\ndraw()")],
    "says nothing": [page("<img src='pixel.png' alt='picture'>")],
    "fetches from another server": [page("<iframe src='//x.org/a'></iframe>"),
                                    page("<link rel='stylesheet' href='https://x.org/a.css'>")],
    "carries a script": [page("<script>alert(1)</script>")],
    "has a line of code with": [page("```\n" + "x" * 101 + "\n```"),
                                page(source="#| fig-cap: \"A\"\n#| fig-alt: \"B\"\n" + "x" * 101)],
}


def lint_of(tmp_path, first, second):
    (tmp_path/"pixel.png").write_bytes(b"")
    (tmp_path/"references.bib").write_text("@article{known,\n title = {T}\n}\n")
    for name, nb in (("a", first), ("b", second)):
        (tmp_path/f"{name}.ipynb").write_text(json.dumps(nb))
    return lint(tmp_path, "https://us.example/site")


def test_the_lint_accepts_good_pages(tmp_path): assert lint_of(tmp_path, *GOOD) == []


@pytest.mark.parametrize(
    "fault,bad", [(fault, bad) for fault, pages in BAD.items() for bad in pages])
def test_the_lint_finds(tmp_path, fault, bad):
    found = lint_of(tmp_path, bad, GOOD[1])
    assert any(where == "a" and fault in what for where, what in found), found


def test_alt_texts():
    assert not alt_fault("Four shirts", "A grid of samples") and not alt_fault("A plot of the loss")
    assert alt_fault(" ") and alt_fault("Figure.") and alt_fault("A grid", "A grid.")


def test_the_bibliography_is_read(tmp_path):
    entries = "@article{a2014,\n}", "@comment{x, }", "@misc{ b-c:2015 ,\n}", "@misc{a2014,\n}"
    (tmp_path/"a.bib").write_text("\n".join(entries))
    assert bibliography(tmp_path/"a.bib") == ["a2014", "b-c:2015", "a2014"]
    assert len(bibliography(ROOT/"nbs"/"references.bib")) >= 10


def test_math(): assert math_faults("\\{ x \\}") == [] and math_faults("\\left\\{ x \\right.") == []


# --- configuration ---

@pytest.mark.parametrize("name, root", [("paths.yml", "nbs"), ("paths_root.yml", "")])
def test_the_sidebar_reaches_every_lesson(name, root):
    "By folders that are there: of a folder Quarto makes one section, of a pattern one for each folder above the files."
    config = yaml.safe_load((ROOT/"_quarto.yml").read_text("utf-8"))
    home, *sections = yaml.safe_load((ROOT/"nbs"/name).read_text("utf-8"))["website"]["sidebar"]["contents"]
    assert (ROOT/root/home["href"]).resolve() == ROOT/"nbs"/"index.ipynb"
    folders = [(ROOT/root/section["auto"]).resolve() for section in sections]
    assert all(folder.is_dir() and folder.parent == ROOT/"nbs" for folder in folders)
    of_lessons = [lesson.split("/")[0] for lesson in config["reading-order"] if "/" in lesson]
    changes = [a for a, b in zip(of_lessons, of_lessons[1:] + [""]) if a != b]
    assert len(changes) == len(set(of_lessons)), "the reading order leaves a section and comes back to it"
    assert [folder.name for folder in folders] == changes, "sections of the sidebar stand in the reading order"


def test_hooks_are_local():
    config = yaml.safe_load((ROOT/".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
