"""What can be said about the site without Quarto: a lint of the notebooks as nbdev prepares them for it."""
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


class _Html(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    handle_startendtag = handle_starttag


def slug(heading):
    "The identifier Pandoc gives a heading."
    text = re.sub(r"[^\w\s.-]", "", heading.lower())
    return re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", text.strip()))


def math_faults(math):
    "What does not balance in a formula."
    faults, plain = [], re.sub(r"\\\\|\\[{}]", "", math)
    depth = 0
    for char in plain:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0: break
    if depth: faults.append("braces do not balance")
    if len(re.findall(r"\\left(?![a-z])", plain)) != len(re.findall(r"\\right(?![a-z])", plain)): faults.append("\\left without \\right")
    open_ = []
    for kind, name in re.findall(r"\\(begin|end)\{([^}]*)\}", math):
        if kind == "begin": open_.append(name)
        elif not open_ or open_.pop() != name: faults.append(f"\\end{{{name}}} without its \\begin")
    if open_: faults.append(f"\\begin{{{open_[-1]}}} without its \\end")
    return faults


class Page:
    "One prepared notebook: what it links to, what can be linked to, and what is wrong with it by itself."

    def __init__(self, nb):
        self.links, self.images, self.ids, self.explicit, self.headings, self.faults = [], [], set(), [], [], []
        self.references = []
        self.meta = {}
        for cell in nb["cells"]:
            text = "".join(cell.get("source", ""))
            if cell["cell_type"] == "raw" and text.startswith("---"): self.meta |= yaml.safe_load(text.strip().strip("-")) or {}
            elif cell["cell_type"] == "markdown": self.markdown(text)
            elif cell["cell_type"] == "code": self.code(cell, text)
        if not self.meta.get("title"): self.fault("has no title")
        if not self.meta.get("description"): self.fault("has no description")
        last = 1
        for level, heading in self.headings:
            if level == 1: self.fault(f"has a second title: {heading}")
            elif level > last + 1: self.fault(f"skips a heading level at: {heading}")
            last = level
        for name in {i for i in self.explicit if self.explicit.count(i) > 1}: self.fault(f"uses the id {name} twice")
        for name in self.references:
            if name not in self.ids: self.fault(f"refers to @{name}, which is not there")

    def fault(self, text): self.faults.append(text)

    def markdown(self, text, of_output=False):
        for token in _markdown.parse(text.replace("\\$", _ESCAPED_DOLLAR)):
            if token.type == "heading_open": level = int(token.tag[1])
            elif token.type == "inline":
                if token.level == 1 and "level" in locals() and level: self.heading(level, token, of_output)
                self.inline(token.children)
            elif token.type == "heading_close": level = 0
            elif token.type == "html_block": self.html(token.content)
            elif token.type.startswith("math"): self.math(token.content)

    def heading(self, level, token, of_output):
        text = "".join(t.content for t in token.children if t.type in ("text", "code_inline", "math_inline"))
        if named := re.search(r"\{[^}]*#([\w-]+)[^}]*\}\s*$", text):
            self.explicit.append(named[1])
            self.ids.add(named[1])
            text = text[:named.start()].strip()
        else: self.ids.add(slug(text))
        if not of_output: self.headings.append((level, text))

    def inline(self, tokens):
        for token in tokens or []:
            if token.type == "link_open": self.links.append(token.attrs["href"])
            elif token.type == "image": self.images.append((token.attrs["src"], token.content))
            elif token.type == "html_inline": self.html(token.content)
            elif token.type.startswith("math"): self.math(token.content)
            elif token.type == "text":
                if "$" in token.content: self.fault(f"has a dollar sign outside of a formula: {token.content.strip()[:60]}")
                self.references += re.findall(r"(?<![\w.])@((?:fig|tbl|eq|sec|lst)-[\w-]+)", token.content)
                for name in re.findall(r"\{#([\w-]+)[^}]*\}", token.content):
                    self.explicit.append(name)
                    self.ids.add(name)

    def html(self, text):
        parser = _Html()
        parser.feed(text)
        for tag, attrs in parser.tags:
            if tag == "img": self.images.append((attrs.get("src", ""), attrs.get("alt") or ""))
            if tag == "a" and attrs.get("href"): self.links.append(attrs["href"])
            if attrs.get("id"):
                self.explicit.append(attrs["id"])
                self.ids.add(attrs["id"])

    def math(self, text):
        for fault in math_faults(text.replace(_ESCAPED_DOLLAR, "")): self.fault(f"{fault}: {text.strip()[:60]}")

    def code(self, cell, text):
        says = {}
        for line in text.splitlines():
            if match := re.match(r"#\|\s*([\w-]+)\s*:\s*(.*?)\s*$", line): says[match[1]] = match[2].strip("\"'")
            elif line.strip(): break
        if says.get("include") == "false": return
        if label := says.get("label"):
            self.explicit.append(label)
            self.ids.add(label)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/markdown" in data: self.markdown("".join(data["text/markdown"]), of_output=True)
            elif any(kind.startswith("image/") for kind in data) and says.get("output") != "false":
                where = says.get("label") or text.strip().splitlines()[-1][:60]
                if not says.get("fig-alt"): self.fault(f"has a figure without alt text (fig-alt): {where}")
                if not says.get("fig-cap"): self.fault(f"has a figure without caption (fig-cap): {where}")


def lint(folder, # of prepared notebooks, nbdev's _proc
         site,   # the site's address, whose pages count as ours
    ):           # sorted list of (page, what is wrong)
    "Everything that is wrong with the pages in a folder."
    folder = Path(folder)
    pages = {p.relative_to(folder).with_suffix("").as_posix(): Page(json.loads(p.read_text("utf-8")))
             for p in folder.rglob("*.ipynb")}
    faults = [(name, fault) for name, page in pages.items() for fault in page.faults]
    for name, page in pages.items():
        for src, alt in page.images:
            if not alt.strip(): faults.append((name, f"has an image without alt text: {src}"))
            if not urlsplit(src).scheme and not (folder/name).parent.joinpath(unquote(src)).is_file():
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
                if not full.is_relative_to(folder.resolve()): faults.append((name, f"links out of the site: {href}")); continue
                other = full.relative_to(folder.resolve()).as_posix()
                if full.suffix in (".ipynb", ".html"): other = other.rsplit(".", 1)[0]
                elif full.is_file(): continue
            if other not in pages: faults.append((name, f"links to a page that is not there: {href}"))
            elif anchor and anchor not in pages[other].ids and anchor.split(".")[-1] not in pages[other].ids:
                faults.append((name, f"links to a heading that is not there: {href}"))
    return sorted(set(faults))
