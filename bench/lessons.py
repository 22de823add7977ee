"""How long the cells of each lesson run, in full, and what memory they take: a table in Markdown.

    python bench/lessons.py                     all lessons but the labs, which print their own minutes, and the exercises
    python bench/lessons.py foundations/metrics pytorch/gan_pytorch

Each lesson runs in a copy of nbs/ of its own, where no earlier run lies that it could go on with. The processor's seconds count all
threads, so they say what the lesson costs also where other work runs beside it; minutes is what passed on the clock.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from gan_course import _site
from gan_course.basics import is_fast
from gan_course.runs import cores, cores_in_words, processor_name

ROOT = Path(__file__).parents[1]
LABS = {"pytorch/gan_pytorch", "tensorflow/gan_tensorflow", "tpu/gan_fashion_mnist", "flowers/gan_flowers",
        "refinement/iterate", "refinement/flow_matching", "tensorflow/same_step_twice"}


def runnable(path):
    "Leave out the cells that are not meant to run. False for a page without code."
    nb = nbformat.read(path, 4)
    nb.cells = [c for c in nb.cells if not (c.cell_type == "code" and "#| eval: false" in c.source)]
    nbformat.write(nb, path)
    return any(c.cell_type == "code" for c in nb.cells)


def measure(lesson):
    "(seconds on the clock, seconds of the processor, MB at most, what went wrong or None), or None for a page without code."
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT/"nbs", Path(folder)/"nbs", ignore=shutil.ignore_patterns("artifacts", ".ipynb_checkpoints", "_*.ipynb"))
        path = Path(folder)/"nbs"/f"{lesson}.ipynb"
        if not runnable(path): return None
        begin = time.perf_counter()
        with open(Path(folder)/"log", "w+") as log:
            process = subprocess.Popen([sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace",
                                        "--ExecutePreprocessor.timeout=7200", path.name], cwd=path.parent, stdout=log, stderr=log,
                                       env={k: v for k, v in os.environ.items() if k != "MPLBACKEND"})
            _, status, used = os.wait4(process.pid, 0) # with all it has waited for, its kernel among them
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            wrong = log.read().strip().splitlines()[-1] if process.returncode else None
        return time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, wrong


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="such as foundations/metrics; by default all but labs and exercises")
    o = parser.parse_args(arguments)
    if is_fast(): sys.exit("GAN_COURSE_FAST is set: unset it, or the numbers are those of a fast run")
    known = _site.lessons(ROOT)
    if unknown := set(o.lessons) - set(known): sys.exit(f"there is no lesson {sorted(unknown)[0]}")
    print(f"{processor_name()}, {cores_in_words(cores())}\n\n| lesson | minutes | seconds of the processor | MB |\n|---|---|---|---|")
    failed = 0
    for lesson in o.lessons or [name for name in known if name not in LABS and not name.startswith("exercises/")]:
        if (found := measure(lesson)) is None: continue
        clock, used, memory, wrong = found
        failed += wrong is not None
        print(f"| {lesson} | {clock / 60:.1f} | {used:.0f} | {memory:,.0f} |" + (f" {wrong}" if wrong else ""), flush=True)
    return int(failed > 0)


if __name__ == "__main__": sys.exit(main())
