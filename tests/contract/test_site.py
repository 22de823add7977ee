"""The site as far as it can be checked without Quarto: configuration, nbdev's preparation, and a lint of the result."""
import json
import os

import pytest
import yaml
from contract import ROOT, run
from site_lint import lint, math_faults

from gan_course import _site


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    "The folder of prepared notebooks, and what was printed on the way. A stub stands in for Quarto."
    stub = tmp_path_factory.mktemp("bin")
    (stub/"quarto").write_text("#!/bin/sh\nexit 0\n")
    (stub/"quarto").chmod(0o755)
    printed = run("nbdev_proc_nbs", "--n_workers", "2", cwd=tree, env={"PATH": f"{stub}{os.pathsep}{os.environ['PATH']}"})
    return tree/"_proc", printed


def test_nbdev_prepares_every_lesson(prepared):
    folder, printed = prepared
    assert "Error" not in printed, printed
    assert sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.ipynb")) == _site.lessons(ROOT)
    assert (folder/"_quarto.yml").is_file() and (folder/"nbdev.yml").is_file()


def test_lint(prepared):
    cfg = _site.read_settings(ROOT)
    faults = lint(prepared[0], cfg["doc_host"] + cfg["doc_baseurl"])
    assert not faults, "\n" + "\n".join(f"{page} {fault}" for page, fault in faults)


# --- the lint itself ---

def page(*markdown, **code):
    cells = [dict(cell_type="raw", source=["---\ntitle: T\ndescription: D\n---\n"])]
    cells += [dict(cell_type="markdown", source=[text]) for text in markdown]
    if code: cells.append(dict(cell_type="code", source=[code["source"]],
                               outputs=[dict(output_type="display_data", data={"image/png": "aaaa"})]))
    return dict(cells=cells)


GOOD = [
    page("## One\n\n### Two\n\nA [page](b.ipynb#there), a [heading](#one), $x^2$, and 5\\$ or `$PATH`.",
         "$$\\left(\\frac{1}{2}\\right) \\begin{aligned} a &= b \\end{aligned}$$", "![A grid](pixel.png) see @fig-a",
         source="#| label: fig-a\n#| fig-cap: \"A grid\"\n#| fig-alt: \"Four shirts\"\ndraw()"),
    page("## There\n\n## There\n\n[back](a.html), [ours](https://us.example/site/a.html#two) and [theirs](https://x.org/y)"),
]
BAD = {
    "links to a page that is not there": [page("[x](c.ipynb)"), page("[x](https://us.example/site/c.html)"), page("<a href='c.html'>x</a>")],
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
}


def lint_of(tmp_path, first, second):
    (tmp_path/"pixel.png").write_bytes(b"")
    for name, nb in (("a", first), ("b", second)): (tmp_path/f"{name}.ipynb").write_text(json.dumps(nb))
    return lint(tmp_path, "https://us.example/site")


def test_the_lint_accepts_good_pages(tmp_path): assert lint_of(tmp_path, *GOOD) == []


@pytest.mark.parametrize("fault,bad", [(fault, bad) for fault, pages in BAD.items() for bad in pages])
def test_the_lint_finds(tmp_path, fault, bad):
    found = lint_of(tmp_path, bad, GOOD[1])
    assert any(where == "a" and fault in what for where, what in found), found


def test_math(): assert math_faults("\\{ x \\}") == [] and math_faults("\\left\\{ x \\right.") == []


# --- configuration ---

def test_the_sidebar_reaches_every_lesson():
    config = yaml.safe_load((ROOT/"_quarto.yml").read_text("utf-8"))
    globs = [item["auto"] for item in config["website"]["sidebar"]["contents"]]
    assert all(glob.startswith("**/") for glob in globs), "globs must match from the root and from nbs/"
    folders = {lesson.split("/")[0] for lesson in config["reading-order"] if "/" in lesson}
    assert {glob.split("/")[1] for glob in globs} == folders
    sections = [lesson.split("/")[0] for lesson in config["reading-order"] if "/" in lesson]
    changes = [a for a, b in zip(sections, sections[1:] + [""]) if a != b]
    assert len(changes) == len(folders), "the reading order leaves a section and comes back to it"
    order = [glob.split("/")[1] for glob in globs]
    assert order == changes, "sections of the sidebar stand in the reading order"


def test_workflows_are_pinned_and_ask_for_little():
    for path in (ROOT/".github"/"workflows").glob("*.yml"):
        flow = yaml.safe_load(path.read_text())
        assert flow["permissions"] == {"contents": "read"}, path.name
        for name, job in flow["jobs"].items():
            for step in job["steps"]:
                if "uses" in step: assert "@v" in step["uses"], f"{path.name} {name}: {step['uses']} is not pinned"
    site = (ROOT/".github"/"workflows"/"site.yml").read_text()
    assert 'version: "' in site, "Quarto is pinned"


def test_hooks_are_local():
    config = yaml.safe_load((ROOT/".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
