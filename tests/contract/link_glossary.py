"""Link the first use of every term of the glossary in lessons, as test_form.py wants it.

    python tests/contract/link_glossary.py nbs/tpu/gan_fashion_mnist.ipynb ...

A term that is linked twice, or by another word, is left to the author; test_form.py names it.
"""
import sys
from pathlib import Path

import nbformat

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from test_form import LINK, terms, uses


def linked(text, known, seen, page):
    "The text with links at first uses. `seen` holds the terms that have theirs, and is changed in place."
    links = [(match.start(), None, match[2]) for match in LINK.finditer(text)]
    for place, end, anchor in reversed(sorted(new for new in first(links + list(uses(text, known)), seen) if new[1])):
        text = f"{text[:place]}[{text[place:end]}]({page}#{anchor}){text[end:]}"
    return text


def first(marks, seen):
    for mark in sorted(marks, key=lambda mark: mark[0]):
        if mark[2] not in seen: yield mark
        seen.add(mark[2])


def main(paths):
    for path in map(Path, paths):
        if path.resolve().parent.name == "nbs": sys.exit(f"{path} is no lesson; the home page has no links to the glossary")
        nb, seen = nbformat.read(path, 4), set()
        page = "glossary.ipynb" if path.resolve().parent.name == "about" else "../about/glossary.ipynb"
        for cell in nb.cells:
            if cell.cell_type == "markdown": cell.source = linked(cell.source, terms(), seen, page)
        nbformat.write(nb, path)


if __name__ == "__main__": main(sys.argv[1:])
