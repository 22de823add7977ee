"""What the contract tests share: the notebooks as JSON, and a copy of the working tree to work in."""
import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def working_files():
    "Everything that a commit of the working tree would hold: tracked files and new ones that git does not ignore."
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True)
    return sorted({Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name} - {Path(".")})


def copy_working_tree(to):
    for name in working_files():
        if (ROOT/name).is_file():
            (to/name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT/name, to/name)
    return to


def source(cell): return "".join(cell["source"])


def notebooks():
    "Lesson -> notebook as raw JSON."
    from gan_course._site import lessons
    return {lesson: json.loads((ROOT/"nbs"/f"{lesson}.ipynb").read_text("utf-8")) for lesson in lessons(ROOT)}


def output_texts(cell):
    "The text of each of a cell's outputs."
    for output in cell.get("outputs", []):
        yield "".join(output.get("text", output.get("data", {}).get("text/plain", "")))


def run(*command, cwd=ROOT, env=None, **kwargs):
    "Run a command of this environment; its output is part of the failure."
    done = subprocess.run([str(c) for c in command], cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout
