"""The site's theme: contrast, nothing from elsewhere, and what a phone and a keyboard need."""
import json
import re

import pytest
import yaml
from contract import ROOT
from site_lint import elsewhere

ASSETS = ROOT/"nbs"/"assets"
THEMES = ("light", "dark")
TEXT, SHAPE = 4.5, 3.0 # WCAG 2.2, level AA: 1.4.3 for text, 1.4.11 for what is not text

# What stands on what. Every colour of a theme must be here, so that none is forgotten.
ON = {
    "body-bg": ("body-color", "body-emphasis-color", "body-secondary-color", "text-muted",
                "link-color", "link-hover-color", "primary", "secondary", "success", "info",
                "warning", "danger",
                "sidebar-hl", "course-solution-mark"),
    "body-secondary-bg": ("body-color", "link-color"),
    "body-tertiary-bg": ("body-color", "body-secondary-color", "link-color"),
    "sidebar-bg": ("sidebar-fg", "sidebar-hl", "body-secondary-color"),
    "navbar-bg": ("navbar-fg", "navbar-hl"),
    "footer-bg": ("footer-fg", "link-color"),
    "code-bg": ("code-color", "link-color"),
    "course-code-block": ("body-color", "body-secondary-color"),
    "course-solution": ("course-solution-mark", "body-color", "link-color"),
}
SHAPES = [("course-focus", ground) for ground in (
    "body-bg", "sidebar-bg", "code-bg", "course-solution", "course-code-block", "footer-bg")]
NO_TEXT = {"border-color"} # a line that helps the eye; nothing is told by it alone


def colours(theme):
    text = (ASSETS/f"{theme}.scss").read_text("utf-8")
    return dict(re.findall(r"^\$([\w-]+): (#[0-9a-f]{6});", text, flags=re.MULTILINE))


def luminance(colour):
    "Relative luminance, as WCAG defines it."
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055)**2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01) # just too little


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme):
    known = colours(theme)
    pairs = [(text, ground, TEXT) for ground, texts in ON.items() for text in texts]
    pairs += [(shape, ground, SHAPE) for shape, ground in SHAPES]
    faint = {f"{a} on {b}": round(contrast(known[a], known[b]), 2) for a, b, least in pairs
             if contrast(known[a], known[b]) < least}
    assert not faint, faint
    unchecked = set(known) - {name for pair in pairs for name in pair[:2]} - NO_TEXT
    assert not unchecked, f"no pair for {unchecked}"


def test_both_themes_have_the_same_colours(): assert set(colours("light")) == set(colours("dark"))


@pytest.mark.parametrize("theme", THEMES)
def test_code_can_be_read(theme):
    style, known = json.loads((ASSETS/f"{theme}.theme").read_text("utf-8")), colours(theme)
    assert style["background-color"] == known["course-code-block"]
    written = {name: kind["text-color"] for name, kind in style["text-styles"].items()}
    written |= {"text": style["text-color"], "line numbers": style["line-number-color"]}
    for ground in (known["course-code-block"], known["course-solution"], known["body-bg"]):
        faint = {name: round(contrast(colour, ground), 2) for name, colour in written.items()
                 if contrast(colour, ground) < TEXT}
        assert not faint, (ground, faint)
    assert not any(kind["background-color"] for kind in style["text-styles"].values())


def test_colours_stand_in_the_two_palettes_only():
    "So that the pairs above are all there are."
    shared = (ASSETS/"course.scss").read_text("utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;, )])", shared)
    assert set(re.findall(r"\$(course-(?!dark)[\w-]+)", shared)) <= set(colours("light"))
    defaults = shared.partition("/*-- scss:rules --*/")[0]
    derived = re.findall(r"^\$[\w-]+:.*\$", defaults, re.MULTILINE)
    assert not derived, "the order of the files is free"


def test_nothing_is_fetched_from_elsewhere():
    for path in ASSETS.glob("*"):
        if path.suffix in (".scss", ".html", ".theme"):
            text = path.read_text("utf-8")
            assert not re.search(r"@import|@font-face|url\(", text), path.name
            assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text), path.name


def settings():
    "What Quarto reads for nbdev's copy, and for the root: each one merged dictionary."
    def merge(a, b):
        if isinstance(a, dict) and isinstance(b, dict):
            return a | b | {key: merge(a[key], b[key]) for key in a.keys() & b.keys()}
        return a + b if isinstance(a, list) and isinstance(b, list) else b
    both = []
    for start in (ROOT/"nbs", ROOT):
        config = yaml.safe_load((start/"_quarto.yml").read_text("utf-8"))
        merged = {}
        for name in config["metadata-files"]:
            merged = merge(merged, yaml.safe_load((start/name).read_text("utf-8")))
        both.append((start, merge(config, merged))) # in this order, as Quarto does
    return both


def test_both_ways_to_build_use_the_same_files():
    (nbs, first), (root, second) = settings()
    paths = yaml.safe_load((nbs/"paths.yml").read_text("utf-8"))
    from_root = yaml.safe_load((nbs/"paths_root.yml").read_text("utf-8"))
    assert paths["website"].pop("repo-subdir") == "nbs", "the page of nbs/a.ipynb is a.html there"

    def leaves(tree):
        if isinstance(tree, dict): tree = [tree[key] for key in sorted(tree)]
        if isinstance(tree, list): return [leaf for item in tree for leaf in leaves(item)]
        return [tree]
    pairs = list(zip(leaves(paths), leaves(from_root), strict=True))
    files = [(a, b) for a, b in pairs if re.search(r"\.\w{2,5}$", a) or (nbs/a).is_dir()]
    assert len(files) > 10 and all(b == re.sub(r"^(/?)", r"\1nbs/", a) for a, b in files)
    assert all(a == b for a, b in pairs if (a, b) not in files)
    for a, b in files:
        assert (nbs/a.lstrip("/")).exists() and (root/b.lstrip("/")).samefile(nbs/a.lstrip("/")), (a, b)
    assert first["format"]["html"].keys() == second["format"]["html"].keys()


@pytest.mark.parametrize("which", (0, 1))
def test_what_a_page_has(which):
    _, config = settings()[which]
    site, html = config["website"], config["format"]["html"]
    assert site["sidebar"]["style"] == "docked" and site["page-navigation"] and site["bread-crumbs"]
    assert site["search"]["location"] == "navbar" and site["navbar"]["search"]
    assert site["page-footer"]
    assert set(site["repo-actions"]) == {"source", "issue"} and html["toc"] and html["lightbox"]
    assert site["sidebar"]["contents"][0]["href"].endswith("index.ipynb"), "home is the first page"
    assert html["html-math-method"] == "mathml", "any other method fetches a script"
    assert html["respect-user-color-scheme"] and set(html["theme"]) == set(THEMES)
    named = [name for list_ in html["theme"].values() for name in list_]
    assert all(name.endswith(".scss") for name in named), "the named themes fetch fonts from Google"
    assert html["link-citations"] and config["bibliography"].endswith("references.bib")
    assert all(len(site[card]["image-alt"]) > 20 for card in ("open-graph", "twitter-card"))
    unwelcome = {"google-analytics", "cookie-consent", "comments", "announcement"} & set(site)
    assert not unwelcome and "mainfont" not in html and "css" not in html
    assert not [leaf for leaf in re.findall(r"https?://\S+", yaml.dump(html)) if elsewhere(leaf)]


def test_what_a_phone_and_a_keyboard_need():
    rules = (ASSETS/"course.scss").read_text("utf-8")
    assert re.search(r"main table \{[^}]*overflow-x: auto", rules), "a wide table scrolls by itself"
    assert re.search(r"math\[display=\"block\"\] \{[^}]*overflow-x: auto", rules)
    assert re.search(r"main img \{ max-width: 100%", rules)
    assert re.search(r":focus-visible[^{]*\{\s*outline: 3px solid \$course-focus !important", rules)
    assert not re.search(r"outline:\s*(none|0)", rules)
    assert re.search(r"main p,[^{]*\{ max-width: (3[6-9]|4[0-4])rem", rules), "about 70 characters"
    assert "prefers-reduced-motion" in rules
    reach = (ASSETS/"reach.html").read_text("utf-8")
    assert "Skip to the lesson" in reach
    for box in ("sourceCode", "pre", "table", "math"): assert box in reach, "it scrolls"
