"""What can be said about the site without Quarto: a lint of the pages as nbdev prepares them."""
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

_markdown = MarkdownIt("commonmark").enable("table").use(
    dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
_ESCAPED_DOLLAR = "\ue000"
CROSS_REFERENCES = ("fig", "tbl", "eq", "sec", "lst", "thm")
LONGEST = 100  # characters in a line of code
SAYS_NOTHING = {"image", "picture", "figure", "photo", "plot", "graph", "chart", "diagram", "alt"}
# What a page may not fetch from elsewhere; a link that a reader follows is another thing.
FETCHES = {"img": "src", "script": "src", "iframe": "src", "video": "src", "audio": "src",
           "source": "src", "embed": "src", "object": "data", "link": "href", "input": "src"}
NEEDS_THE_NET = ("application/javascript", "application/vnd.jupyter.widget-view+json",
                 "application/vnd.plotly.v1+json", "application/vnd.bokehjs_load.v0+json")


class _Html(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    handle_startendtag = handle_starttag


def slug(heading):
    "The identifier Pandoc gives a heading."
    text = re.sub(r"[^\w\s.-]", "", heading.lower())
    return re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", text.strip())) or "section"


def math_faults(math):
    "What does not balance in a formula."
    faults, plain = [], re.sub(r"\\\\|\\[{}]", "", math)
    depth = 0
    for char in plain:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0: break
    if depth: faults.append("braces do not balance")
    if len(re.findall(r"\\left(?![a-z])", plain)) != len(re.findall(r"\\right(?![a-z])", plain)):
        faults.append("\\left without \\right")
    open_ = []
    for kind, name in re.findall(r"\\(begin|end)\{([^}]*)\}", math):
        if kind == "begin": open_.append(name)
        elif not open_ or open_.pop() != name: faults.append(f"\\end{{{name}}} without its \\begin")
    if open_: faults.append(f"\\begin{{{open_[-1]}}} without its \\end")
    return faults


def alt_fault(alt, caption=""):
    "What is wrong with a text that stands for an image, or nothing."
    words = alt.strip().rstrip(".").lower()
    if not words: return "without alt text"
    if words in SAYS_NOTHING: return "whose alt text says nothing"
    same = caption and words == caption.strip().rstrip(".").lower()
    return "whose alt text repeats the caption" if same else ""


def elsewhere(address, site=""):
    "Whether an address is on another server."
    parts = urlsplit(address)
    return bool(parts.netloc) and parts.scheme in ("", "http", "https") and not (
        site and address.startswith(site))


def bibliography(path):
    "The keys of a BibTeX file, each as often as it is defined."
    text = path.read_text("utf-8") if path.is_file() else ""
    kinds = re.findall(r"^@(\w+)\s*\{\s*([^\s,]+)\s*,", text, flags=re.MULTILINE)
    return [key for kind, key in kinds if kind.lower() not in ("comment", "string", "preamble")]


class Page:
    "One prepared page: its links, what can be linked to, and what is wrong with it by itself."

    def __init__(self, nb, site=""):
        self.links, self.images, self.ids, self.explicit = [], [], set(), []
        self.headings, self.faults, self.references, self.citations = [], [], [], []
        self.meta, self.site = {}, site
        for cell in nb["cells"]:
            text = "".join(cell.get("source", ""))
            if cell["cell_type"] == "raw" and text.startswith("---"):
                self.meta |= yaml.safe_load(text.strip().strip("-")) or {}
            elif cell["cell_type"] == "markdown": self.markdown(text)
            elif cell["cell_type"] == "code": self.code(cell, text)
        if not self.meta.get("title"): self.fault("has no title")
        if not self.meta.get("description"): self.fault("has no description")
        last = 1
        for level, heading in self.headings:
            if level == 1: self.fault(f"has a second title: {heading}")
            elif level > last + 1: self.fault(f"skips a heading level at: {heading}")
            last = level
        for name in {i for i in self.explicit if self.explicit.count(i) > 1}:
            self.fault(f"uses the id {name} twice")
        for name in self.references:
            if name not in self.ids: self.fault(f"refers to @{name}, which is not there")

    def fault(self, text): self.faults.append(text)

    def markdown(self, text, of_output=False):
        level = 0
        for token in _markdown.parse(text.replace("\\$", _ESCAPED_DOLLAR)):
            if token.type == "heading_open": level = int(token.tag[1])
            elif token.type == "heading_close": level = 0
            elif token.type == "inline":
                if level and token.level == 1: self.heading(level, token, of_output)
                self.inline(token.children)
            elif token.type == "html_block": self.html(token.content)
            elif token.type == "fence" and not of_output: self.lines(token.content)
            elif token.type.startswith("math"): self.math(token.content)

    def heading(self, level, token, of_output):
        kinds = ("text", "code_inline", "math_inline")
        text = "".join(t.content for t in token.children if t.type in kinds)
        if named := re.search(r"\{[^}]*#([\w-]+)[^}]*\}\s*$", text):
            self.ids.add(named[1]) # `inline` finds it too, and counts it
            text = text[:named.start()].strip()
        else:
            name, again = slug(text), 0
            while (numbered := f"{name}-{again}" if again else name) in self.ids: again += 1
            self.ids.add(numbered)
        if not of_output: self.headings.append((level, text))

    def inline(self, tokens):
        tokens = tokens or []
        for token, after in zip(tokens, [*tokens[1:], None]):
            if token.type == "link_open": self.links.append(token.attrs["href"])
            elif token.type == "image":
                says = re.match(r"\{[^}]*fig-alt=\"([^\"]*)\"", after.content if after else "")
                alt, caption = (says[1], token.content) if says else (token.content, "")
                self.image(token.attrs["src"], alt, caption)
            elif token.type == "html_inline": self.html(token.content)
            elif token.type.startswith("math"): self.math(token.content)
            elif token.type == "text": self.text(token.content)

    def text(self, text):
        if "$" in text: self.fault(f"has a dollar sign outside of a formula: {text.strip()[:60]}")
        for key in re.findall(r"(?<![\w.\\/])@([A-Za-z0-9_][\w:.-]*[A-Za-z0-9_]|\w)", text):
            if key.split("-")[0] in CROSS_REFERENCES and "-" in key: self.references.append(key)
            else: self.citations.append(key)
        for name in re.findall(r"\{[^{}]*#([\w-]+)[^{}]*\}", text):
            self.explicit.append(name)
            self.ids.add(name)

    def image(self, src, alt, caption=""):
        self.images.append(src)
        if fault := alt_fault(alt, caption): self.fault(f"has an image {fault}: {src[:80]}")

    def html(self, text):
        parser = _Html()
        parser.feed(text)
        for tag, attrs in parser.tags:
            if tag == "img": self.image(attrs.get("src") or "", attrs.get("alt") or "")
            elif tag == "script" and not attrs.get("src"):
                self.fault(f"carries a script: {text.strip()[:60]}")
            elif elsewhere(attrs.get(FETCHES.get(tag, "-")) or "", self.site):
                self.fault(f"fetches from another server: {attrs[FETCHES[tag]]}")
            if tag == "a" and attrs.get("href"): self.links.append(attrs["href"])
            if attrs.get("id"):
                self.explicit.append(attrs["id"])
                self.ids.add(attrs["id"])
        for address in re.findall(r"url\(\s*['\"]?([^'\")]+)", text):
            if elsewhere(address, self.site): self.fault(f"fetches from another server: {address}")

    def math(self, text):
        for fault in math_faults(text.replace(_ESCAPED_DOLLAR, "")):
            self.fault(f"{fault}: {text.strip()[:60]}")

    def lines(self, text):
        for line in text.splitlines():
            if len(line) > LONGEST and not line.startswith("#|"):
                self.fault(f"has a line of code with {len(line)} characters: {line.strip()[:60]}")

    def code(self, cell, text):
        says = {}
        for line in text.splitlines():
            if match := re.match(r"#\|\s*([\w-]+)\s*:\s*(.*?)\s*$", line):
                says[match[1]] = match[2].strip("\"'")
            elif line.strip(): break
        self.lines(text)
        if says.get("include") == "false": return
        if label := says.get("label"):
            self.explicit.append(label)
            self.ids.add(label)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in set(NEEDS_THE_NET) & set(data):
                self.fault(f"has an output that fetches: {kind}")
            where = says.get("label") or text.strip().splitlines()[-1][:60]
            if "text/markdown" in data:
                self.markdown("".join(data["text/markdown"]), of_output=True)
            elif "text/html" in data: self.html("".join(data["text/html"]))
            elif any(kind.startswith("image/") for kind in data) and says.get("output") != "false":
                if fault := alt_fault(says.get("fig-alt", ""), says.get("fig-cap", "")):
                    self.fault(f"has a figure {fault} (fig-alt): {where}")
                if not says.get("fig-cap"):
                    self.fault(f"has a figure without caption (fig-cap): {where}")


def _qmd(text):
    "A page that is text only, in the form of a notebook."
    _, head, body = text.split("---\n", 2)
    return {"cells": [{"cell_type": "raw", "source": f"---\n{head}---\n"},
                      {"cell_type": "markdown", "source": body}]}


def read_pages(folder, # of prepared pages, nbdev's _proc
               site,   # the site's address
    ):                 # name -> Page
    "Every page of the site."
    pages = {}
    for path in sorted([*Path(folder).rglob("*.ipynb"), *Path(folder).rglob("*.qmd")]):
        text = path.read_text("utf-8")
        nb = json.loads(text) if path.suffix == ".ipynb" else _qmd(text)
        pages[path.relative_to(folder).with_suffix("").as_posix()] = Page(nb, site)
    return pages


def lint(folder, # of prepared pages, nbdev's _proc
         site,   # the site's address, whose pages count as ours
         pages=None, # from `read_pages`
    ):           # sorted list of (page, what is wrong)
    "Everything that is wrong with the pages in a folder."
    folder = Path(folder)
    pages = read_pages(folder, site) if pages is None else pages
    keys = bibliography(folder/"references.bib")
    faults = [(name, fault) for name, page in pages.items() for fault in page.faults]
    faults += [("references.bib", f"defines {key} twice") for key in keys if keys.count(key) > 1]
    for name, page in pages.items():
        faults += [(name, f"cites @{key}, which references.bib lacks")
                   for key in page.citations if key not in keys]
        for src in page.images:
            if elsewhere(src, site): faults.append((name, f"fetches from another server: {src}"))
            elif urlsplit(src).scheme: continue
            elif not (folder/name).parent.joinpath(unquote(src)).is_file():
                faults.append((name, f"shows an image that is not there: {src}"))
        for href in page.links:
            if href.startswith(site): target, base = href.removeprefix(site).lstrip("/"), folder
            elif urlsplit(href).scheme or href.startswith("//"): continue
            elif href.startswith("/"): target, base = href.lstrip("/"), folder
            else: target, base = href, (folder/name).parent
            path, _, anchor = unquote(target).partition("#")
            if not path: other = name if base != folder or href.startswith("#") else "index"
            else:
                full = (base/path).resolve()
                if not full.is_relative_to(folder.resolve()):
                    faults.append((name, f"links out of the site: {href}"))
                    continue
                other = full.relative_to(folder.resolve()).as_posix()
                if full.suffix in (".ipynb", ".html"): other = other.rsplit(".", 1)[0]
                elif full.is_file(): continue
            if other not in pages:
                faults.append((name, f"links to a page that is not there: {href}"))
            elif anchor and not {anchor, anchor.split(".")[-1]} & pages[other].ids:
                faults.append((name, f"links to a heading that is not there: {href}"))
    return sorted(set(faults))
