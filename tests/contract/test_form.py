"""Every lesson has the form of a lesson, cites works that are in the bibliography, and links the
first use of each term to the glossary."""
import copy
import re
from functools import cache

import pytest
from contract import ROOT, notebooks, source

GLOSSARY = "about/glossary"


def is_lesson(lesson, nb):
    "Whether a notebook teaches: it has exercises, and is not the page of their checks."
    return not lesson.startswith("exercises/") and any(
        cell["cell_type"] == "markdown" and re.search(r"^## Exercises$", source(cell), re.M)
        for cell in nb["cells"])


@cache
def lessons(): return {name: nb for name, nb in notebooks().items() if is_lesson(name, nb)}


def markdown(nb):
    "The markdown cells' texts, without the badges."
    return [source(cell) for cell in nb["cells"]
            if cell["cell_type"] == "markdown" and not source(cell).startswith("<!-- badges")]


# --- the form ---

PARTS = { # what is missing -> what its presence looks like
    "a title": r"\A# \S.*$",
    "a description of one line": r"\A# .+\n\n> \S.*(?:\n\n|\n*\Z)",
    "objectives": r"^\*\*You will be able to\*\* \w+",
    "prerequisites": r"\*\*You\s+need\*\* \S",
    "the time it takes": r"\*\*It\s+takes\*\* \S",
    "a summary": r"^## What to remember\n\n- \S",
    "what goes wrong in practice": r"\*\*What goes wrong\b",
    "references": r"^\*\*References\.\*\*\s\S"}

PREDICT = re.compile(r"\b(?:predict|guess|think\s+first|do\s+you\s+expect|"
                     r"before\s+you\s+(?:read|run|look))\b", re.I)


def asks_for_a_prediction(nb):
    "Whether some text before the exercises asks for one, and a code cell answers at once."
    for cell, after in zip(nb["cells"], nb["cells"][1:]):
        text = source(cell)
        if cell["cell_type"] != "markdown" or "**You will be able to**" in text: continue
        before, *rest = re.split(r"^## Exercises$", text, flags=re.M)
        if PREDICT.search(before) and after["cell_type"] == "code" and not rest: return True
        if rest: return False
    return False


def exercises(nb):
    "Number of each exercise -> how many folded solutions with a check follow it."
    found, number = {}, None
    for cell in nb["cells"]:
        text = source(cell)
        if cell["cell_type"] == "markdown":
            if match := re.search(r"^### (\d+)\. \S", text, re.M):
                number = int(match[1])
                found[number] = 0
            elif re.match(r"## (?!Exercises)", text): number = None
        elif number and "#| code-fold: true" in text and re.search(r"\bcheck_\w+\(", text):
            found[number] += 1
    return found


def form_faults(nb):
    "What a lesson lacks."
    text = "\n\n".join(markdown(nb))
    faults = [name for name, pattern in PARTS.items() if not re.search(pattern, text, re.M)]
    if not asks_for_a_prediction(nb): faults.append("a prediction")
    found = exercises(nb)
    if not 2 <= len(found) <= 4 or sorted(found) != [*range(1, len(found) + 1)]:
        faults.append("two to four exercises")
    if any(count != 1 for count in found.values()):
        faults.append("a folded solution for each exercise")
    heads = re.findall(r"^## (.*)$", text, re.M)
    if "What to remember" in heads and heads.index("What to remember") < heads.index("Exercises"):
        faults.append("a summary after the exercises")
    return faults


def test_every_lesson_has_the_form():
    faults = {name: found for name, nb in lessons().items() if (found := form_faults(nb))}
    assert len(lessons()) >= 47
    assert not faults, f"missing: {faults}"


def without(nb, pattern, replacement=""):
    "A lesson whose texts have lost what matches."
    nb, changed = copy.deepcopy(nb), 0
    for cell in nb["cells"]:
        text, n = re.subn(pattern, replacement, source(cell), flags=re.M)
        cell["source"], changed = [text], changed + n
    assert changed, f"there is no {pattern} to remove"
    return nb


@pytest.mark.parametrize("pattern, missing", [
    (r"\A# Data sets$", "a title"),
    (r"^> .*$", "a description of one line"),
    (r"\*\*You will be able to\*\*", "objectives"),
    (r"\*\*You\s+need\*\*", "prerequisites"),
    (r"\*\*It\s+takes\*\*", "the time it takes"),
    (r"^## What to remember", "a summary"),
    (r"\*\*What goes wrong", "what goes wrong in practice"),
    (r"\*\*References\.\*\*", "references"),
    (r"(?i)predict|guess|before you|think\s+first|you\s+expect", "a prediction"),
    (r"^### [23]\. ", "two to four exercises"),
    (r"^### 2\. ", "two to four exercises"),
    (r"#\| code-fold: true", "a folded solution for each exercise"),
])
def test_a_lesson_without_a_part_is_refused(pattern, missing):
    lesson = lessons()["foundations/datasets"]
    assert form_faults(lesson) == []
    assert missing in form_faults(without(lesson, pattern))


def test_a_prediction_needs_its_answer():
    lesson = copy.deepcopy(lessons()["foundations/metrics"])
    cells = lesson["cells"]
    for i in reversed(range(len(cells) - 1)):
        if cells[i]["cell_type"] == "markdown" and PREDICT.search(source(cells[i])):
            cells.insert(i + 1, dict(cell_type="markdown", source=["The answer is in the air."]))
    assert "a prediction" in form_faults(lesson)


# --- the bibliography ---

CITATION = re.compile(r"(?<![\w`])-?@([a-z]+\d{4}[a-z0-9]+)")


def bibliography(text):
    "Key -> fields of every entry."
    entries = {}
    for kind, key, body in re.findall(r"^@(\w+)\{([^,\s]+),\n(.*?)^\}$", text, re.M | re.S):
        assert key not in entries, f"two entries for {key}"
        fields = re.findall(r"^  (\w+)\s*= \{(.*)\},?$", body, re.M)
        assert len(fields) == body.count("\n"), f"a field of {key} cannot be read"
        entries[key] = dict(fields) | dict(kind=kind)
    assert len(entries) == text.count("\n@"), "an entry cannot be read"
    return entries


def prose(text):
    "Text without code."
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)


def citations(nb): return {key for text in markdown(nb) for key in CITATION.findall(prose(text))}


def bib_faults(entries, cited): # page -> keys
    "What does not agree between the bibliography and those who cite it."
    faults = [f"{page} cites {key}, which is not in references.bib"
              for page, keys in cited.items() for key in sorted(keys - set(entries))]
    unused = set(entries) - set().union(*cited.values())
    return faults + [f"nobody cites {key}" for key in sorted(unused)]


def entries_of_the_course():
    return bibliography((ROOT/"nbs"/"references.bib").read_text("utf-8"))


def test_citations_and_bibliography_agree():
    cited = {name: citations(nb) for name, nb in notebooks().items()}
    assert sum(map(len, cited.values())) > 100
    assert bib_faults(entries_of_the_course(), cited) == []


def test_an_unknown_citation_and_an_unused_entry_are_noticed():
    entries = {"radford2015dcgan": {}, "young1974checkpoint": {}}
    page = dict(cells=[dict(cell_type="markdown", source=[
        "See [-@radford2015dcgan, section 4] and [@nobody1999nothing], not `@jax2020jit`."])])
    assert bib_faults(entries, {"page": citations(page)}) == [
        "page cites nobody1999nothing, which is not in references.bib",
        "nobody cites young1974checkpoint"]


def test_entries_are_complete():
    wrong = []
    for key, entry in entries_of_the_course().items():
        venue = dict(article="journal", inproceedings="booktitle", incollection="booktitle",
                     book="publisher", misc="url").get(entry["kind"])
        if not venue or not {"author", "title", "year", venue} <= set(entry): wrong.append(key)
        elif not re.fullmatch(rf"[a-z]+{entry['year']}[a-z0-9]+", key): wrong.append(key)
        elif not entry.get("url", "http").startswith("http"): wrong.append(key)
        elif not re.match(r"10\.\d{4,}/", entry.get("doi", "10.1234/")): wrong.append(key)
    assert not wrong, f"incomplete, or the key does not fit the year: {wrong}"


def test_references_cite_what_is_a_work():
    "In a paragraph of references a work has its year from the bibliography, not typed."
    typed = {}
    for name, nb in lessons().items():
        for text in markdown(nb):
            if "**References.**" not in text: continue
            paragraph = text.split("**References.**")[1].split("\n\n")[0]
            found = re.findall(r"\*,? \(?(?:19|20)\d\d\b|et al\.,? \(?(?:19|20)\d\d", paragraph)
            if found: typed[name] = found
    assert not typed, f"cite the work in the form [-@key]: {typed}"


# --- the glossary ---

def glossary(nb):
    "Anchor -> the words that count as a use, `=` for exact case, `!` for phrases that are none."
    found = {}
    for text in markdown(nb):
        for anchor, words in re.findall(r"\{#(gl-[\w-]+)\}.*?\n<!-- words: (.*?) -->", text, re.S):
            assert anchor not in found, f"{anchor} stands there twice"
            found[anchor] = [word.strip() for word in words.split(";")]
    return found


@cache
def terms(): return glossary(notebooks()[GLOSSARY])


@cache
def words_by_start(glossary): # items of a glossary, as a tuple
    "First two letters -> the words that begin so, the longest first: expression and anchor."
    found = {}
    for anchor, words in glossary:
        for word in sorted(words):
            plain = word.lstrip("=!")
            text = r"[*_\s]+".join(map(re.escape, plain.split())) + r"(?:s|es|'s)?(?!\w)"
            expression = re.compile(text, 0 if word.startswith("=") else re.I)
            meaning = None if word.startswith("!") else anchor
            found.setdefault(plain[:2].lower(), []).append((len(plain), expression, meaning))
    return {start: sorted(all_, key=lambda entry: -entry[0]) for start, all_ in found.items()}


START = re.compile(r"(?<![\w-])\w")


def matches(text, glossary):
    "(place, end, anchor) of every word of the glossary, from left to right, longest first."
    known = words_by_start(tuple((anchor, tuple(words)) for anchor, words in glossary.items()))
    done = 0
    for start in START.finditer(text):
        place = start.start()
        if place < done: continue
        for _, expression, anchor in known.get(text[place:place + 2].lower(), ()):
            if match := expression.match(text, place):
                done = match.end()
                if anchor: yield place, done, anchor
                break


HIDDEN = [re.compile(pattern, re.M | re.S) for pattern in (
    r"```.*?```", r"`[^`]*`", r"<!--.*?-->", r"\$\$.*?\$\$", r"\$[^$]+\$", r"<[^>\n]+>",
    r"^#+ [^\n]*$", r"^\*\*You (?:will be able to|need)\*\*.*?(?=\n\n|\Z)",
    r"^\*\*References\.\*\*.*?(?=\n\n|\Z)", r"\[[^\]]*@[^\]]*\]",
    r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\([^)]*\)", r"https?://\S+")]


def running_text(text):
    "The text in which the first uses are linked; everything else is blanked, place for place."
    if text.startswith(("# ", "<!-- badges")): return "\0" * len(text)
    for pattern in HIDDEN: text = pattern.sub(lambda match: "\0" * len(match[0]), text)
    return text


def uses(text, glossary):
    "(place, end, anchor) of all uses of terms in a cell's text that are not in a link."
    return matches(running_text(text), glossary)


LINK = re.compile(r"\[((?:[^\[\]])*)\]\((?:\.\./about/)?glossary\.ipynb#(gl-[\w-]+)\)")


def glossary_faults(nb, glossary):
    "Terms whose first use in a lesson is not linked, linked twice, or linked by another word."
    faults, linked = [], set()
    for text in markdown(nb):
        links = [(match.start(), match[2], match[1]) for match in LINK.finditer(text)]
        marks = [(place, anchor, None) for place, _, anchor in uses(text, glossary)]
        for _, anchor, word in sorted([*links, *marks], key=lambda mark: mark[0]):
            if word is None:
                if anchor not in linked: faults.append(f"the first {anchor} is not linked")
            elif anchor not in glossary: faults.append(f"there is no {anchor}")
            elif anchor in linked: faults.append(f"{anchor} is linked twice")
            elif anchor not in {a for _, _, a in matches(word, glossary)}:
                faults.append(f"{word!r} is no word of {anchor}")
            linked.add(anchor)
    return faults


def test_the_first_use_of_every_term_is_linked():
    faults = {name: found for name, nb in lessons().items()
              if (found := glossary_faults(nb, terms()))}
    assert not faults, f"python tests/contract/link_glossary.py nbs/LESSON.ipynb: {faults}"


def test_the_linker_links_what_this_test_wants():
    "Every lesson, with its links to the glossary taken out and put in again."
    from link_glossary import linked
    for name, nb in lessons().items():
        seen, cells = set(), []
        for text in markdown(nb):
            bare = LINK.sub(lambda match: match[1], text)
            cells.append(dict(cell_type="markdown", metadata={}, source=linked(bare, terms(), seen, "glossary.ipynb")))
        assert not glossary_faults(nb | dict(cells=cells), terms()), name


def test_every_term_is_used_and_introduced():
    assert 60 <= len(terms()) <= 130
    linked = {anchor for nb in lessons().values() for text in markdown(nb)
              for _, anchor in LINK.findall(text)}
    assert sorted(terms().keys() - linked) == [], "terms that no lesson uses"
    page = "\n".join(markdown(notebooks()[GLOSSARY]))
    entries = re.split(r"(?=\*\*\[[^\]]*\]\{#gl-)", page)[1:]
    assert len(entries) == len(terms())
    homeless = [entry[:40] for entry in entries if not re.search(r"\]\(\.\./\w+/\w+\.ipynb", entry)]
    assert not homeless, f"no lesson is named for {homeless}"
    names = re.findall(r"\*\*\[([^\]]*)\]\{#gl-", page)
    assert names == sorted(names, key=lambda name: name.lower().replace("é", "e")), "not in order"


def test_a_missing_link_is_noticed():
    words = {"gl-latent": ["latent"], "gl-generator": ["generator", "!random generator"],
             "gl-frechet": ["Fréchet distance"], "gl-pixel": ["pixel Fréchet distance"]}

    def faults(*texts):
        cells = [dict(cell_type="markdown", source=[text]) for text in texts]
        return glossary_faults(dict(cells=cells), words)
    good = "A [latent](../about/glossary.ipynb#gl-latent) is `latent_dim` long. More latents."
    assert faults(good, "The random generator") == []
    assert faults("More latents. " + good) == ["the first gl-latent is not linked",
                                               "gl-latent is linked twice"]
    assert faults("The\n*generator*") == ["the first gl-generator is not linked"]
    assert faults("The pixel\nFréchet distance") == ["the first gl-pixel is not linked"]
    assert faults("## Latents\n\n**You need** a latent.\n\n$latent$ [latents](x.ipynb)") == []
    assert faults("A [shoe](glossary.ipynb#gl-latent)") == ["'shoe' is no word of gl-latent"]
    assert faults("A [shoe](glossary.ipynb#gl-shoe)") == ["there is no gl-shoe"]
