"""The workflows: pinned, with the least permissions, no text of strangers in a shell, and in step
with settings and lessons."""
import fnmatch
import re

import pytest
import yaml
from contract import ROOT, run

from gan_course import _site

FOLDER = ROOT/".github"/"workflows"
TEXTS = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.yml"))}
FLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {(name, job): about for name, flow in FLOWS.items() for job, about in flow["jobs"].items()}
STEPS = [(name, job, step) for (name, job), about in JOBS.items() for step in about["steps"]]
SETTINGS = _site.read_settings(ROOT)
MAY_WRITE = { # everything beyond reading
    ("site.yml", "publish"): {"pages": "write", "id-token": "write"},
    ("release.yml", "pypi"): {"id-token": "write"},
    ("release.yml", "github"): {"contents": "write"},
}


def test_the_five_are_there():
    assert set(TEXTS) == {"tests.yml", "site.yml", "nightly.yml", "release.yml", "audit.yml"}


@pytest.mark.parametrize("name", TEXTS)
def test_schema(name):
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", FOLDER/name)


def test_schema_of_dependabot():
    path = ROOT/".github"/"dependabot.yml"
    run("check-jsonschema", "--builtin-schema", "vendor.dependabot", path)
    updates = yaml.safe_load(path.read_text("utf-8"))["updates"]
    places = {update["package-ecosystem"]: update["directory"] for update in updates}
    assert places == {"github-actions": "/", "pip": "/.github/requirements"}


PIN = re.compile(r"\s*(?:- )?uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")


def test_actions_are_pinned_by_hash_with_their_version_behind():
    versions = {}
    for name, text in TEXTS.items():
        for line in re.findall(r"^.*\buses:.*$", text, flags=re.MULTILINE):
            found = PIN.fullmatch(line)
            assert found, f"{name}: {line.strip()}"
            repository = "/".join(found[1].split("/")[:2])
            versions.setdefault(repository, set()).add((found[2], found[3]))
    assert all(len(pins) == 1 for pins in versions.values()), versions


def test_permissions():
    for name, flow in FLOWS.items(): assert flow["permissions"] == {"contents": "read"}, name
    own = {place: job["permissions"] for place, job in JOBS.items() if "permissions" in job}
    assert own == MAY_WRITE


def test_whoever_may_write_runs_nothing_of_ours():
    "A job with more permissions checks out no code, and runs no program from an archive."
    for name, job, step in STEPS:
        if (name, job) in MAY_WRITE:
            assert "checkout" not in step.get("uses", ""), (name, job)
            assert "pip" not in step.get("run", ""), (name, job)


def test_no_expression_in_a_shell():
    """What a stranger can choose, such as a branch's name, must not become part of a script:
    expressions go through env."""
    for name, job, step in STEPS: assert "${{" not in step.get("run", ""), (name, job)
    for name, text in TEXTS.items():
        for word in ("pull_request_target", "secrets.", "github.head_ref"):
            assert word not in text, name


def test_checkouts_keep_no_credentials():
    for name, job, step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, (name, job)


def test_every_job_has_an_end():
    for place, job in JOBS.items(): assert 0 < job["timeout-minutes"] <= 360, place


def test_runners_are_versions():
    for place, job in JOBS.items():
        systems = [job["runs-on"]]
        if "matrix." in systems[0]: systems = job["strategy"]["matrix"]["os"]
        for system in systems:
            assert re.fullmatch(r"(ubuntu|windows|macos)-\d[\d.]*", system), place


def test_pythons_and_extras():
    jobs = "everything", "light", "install"
    matrix = {job: JOBS["tests.yml", job]["strategy"]["matrix"] for job in jobs}
    pythons = matrix["everything"]["python"]
    assert pythons[0] == SETTINGS["min_python"]
    assert pythons == [f"3.{n}" for n in range(11, 11 + len(pythons))]
    for job in ("light", "install"): assert matrix[job]["python"] == [pythons[0], pythons[-1]]
    keys = [key for key in SETTINGS if key.endswith("_requirements")]
    extras = {key.removesuffix("_requirements") for key in keys}
    assert set(matrix["install"]["extra"]) == extras - {"dev"} | {"none", "all"}


def test_the_tests_named_are_there():
    steps = [step.get("run", "") for step in JOBS["tests.yml", "light"]["steps"]]
    [command] = [text for text in steps if "pytest tests" in text]
    names = re.findall(r"tests/[\w/]+\.py", command)
    folder, inside, end = re.search(r"(tests/exercises/test_)\{(.*)\}(\.py)", command).groups()
    names += [folder + name + end for name in inside.split(",")]
    assert len(names) > 10 and all((ROOT/name).is_file() for name in names), names


def test_each_lesson_runs_once_a_night():
    parts = JOBS["nightly.yml", "lessons"]["strategy"]["matrix"]["include"]
    lessons = _site.lessons(ROOT)
    found = [lesson for part in parts for lesson in fnmatch.filter(lessons, part["lessons"])]
    assert sorted(found) == lessons
    for part in parts: assert fnmatch.filter(lessons, part["lessons"]), part


def test_quarto_is_pinned():
    [step] = [step for _, _, step in STEPS if "quarto-actions/setup" in step.get("uses", "")]
    assert re.fullmatch(r"\d+\.\d+\.\d+", step["with"]["version"])


def test_tools_are_pinned():
    for path in (ROOT/".github"/"requirements").glob("*.txt"):
        for line in path.read_text("utf-8").splitlines():
            assert re.fullmatch(r"[\w-]+==[\d.]+", line), f"{path.name}: {line}"
    for name, job, step in STEPS:
        for tool in re.findall(r"npx --yes (\S+)", step.get("run", "")):
            assert re.fullmatch(r"\S+@\d+\.\d+\.\d+", tool), (name, tool)


def test_a_release_is_built_twice_and_compared():
    release = FLOWS["release.yml"]
    assert release[True]["push"] == {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]} # YAML reads `on` as true
    assert len(release["jobs"]["build"]["strategy"]["matrix"]["copy"]) == 2
    assert any("diff -r" in step.get("run", "") for step in release["jobs"]["compare"]["steps"])
    needs = {name: job.get("needs") for name, job in release["jobs"].items()}
    assert needs == dict(build=None, compare="build", pypi="compare", github="pypi")
