# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A log for TensorBoard
#
# > Numbers, pictures and settings of a run, written so that a killed run keeps them, and read in a browser
#
# - order: 11

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/tensorboard.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/tensorboard.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/tensorboard.ipynb) · [API](../about/api.ipynb#foundations-tensorboard)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** write what TensorBoard reads without any framework, say what happens to a log when its run is
# killed and resumed, and look at one page with all runs of a week on it.
#
# **You need** [Run folders](runs.ipynb). **It takes** twenty minutes.

# %%
#| default_exp board

# %%
#| exports
import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np

from gan_course.basics import CourseError
from gan_course.runs import write_error

# %%
import json
import tempfile
import urllib.request


# %% [markdown]
# A [run folder](../about/glossary.ipynb#gl-run-folder) holds `metrics.json` and a few figures. That is enough to judge *one* run when it is over. While it goes on,
# and next to five others, a page in the browser is better: it draws what is new every few seconds, zooms, compares, and
# shows how the pictures changed. [TensorBoard](https://www.tensorflow.org/tensorboard) is such a page. In spite of its name
# it needs no TensorFlow: it reads files of *events*, and its own package can write them.
#
# An event is one record: a wall time, a step, and something that was measured or drawn then. A file of events grows at
# its end and nowhere else. **Think first:** what does a file look like whose program was killed while it wrote?
#
# ## Frames
#
# Here are three records, and the bytes they become:

# %%
#| exports
def need_tensorboard():
    "Raise `CourseError` where TensorBoard is not installed."
    try: import tensorboard.summary # noqa: F401
    except ImportError:
        raise CourseError("TensorBoard is not installed; pip install tensorboard, "
                          "or go without it: --no-tensorboard, tensorboard=False") from None


# %%
need_tensorboard()

# %%
from tensorboard.summary.writer.record_writer import RecordWriter

# %%
# NBVAL_CHECK_OUTPUT
whole = io.BytesIO()
frames = RecordWriter(whole)
for text in (b"first", b"second", b"third"): frames.write(text)
print(whole.getvalue())


# %% [markdown]
# Before each record stand its length (8 bytes) and a [checksum](../about/glossary.ipynb#gl-checksum) of the length, after it a checksum of the record. A reader
# that finds half a record knows it: the length promises more than there is. So whatever was written *completely* before the
# kill can be read, and the torn end is seen. The remedy for a loss is only to hand each record to the system at once, and
# not to collect them in the program.
#
# ## A board
#
# `Board` is a file of events for one run. Every write ends in a `flush`: when the method returns, the record belongs to
# the system, and no `kill -9` can take it back.
#
# What if a run is [resumed](../about/glossary.ipynb#gl-resume)? It was killed in [epoch](../about/glossary.ipynb#gl-epoch) 14; its last [checkpoint](../about/glossary.ipynb#gl-checkpoint) was written after epoch 10. Epochs 11 to 14 will
# be computed again, and [TensorBoard](../about/glossary.ipynb#gl-tensorboard) would draw the line twice. The format knows the case. A record that says `START` with a
# step tells the reader to forget what it has of that step and later ones. We begin every file with it.

# %%
#| exports
class Board:
    "Writes a file of events that TensorBoard reads. Each record is handed to the system at once."
    def __init__(self,
                 folder, # of this run's events; made if it is not there
                 step=0, # what earlier files hold of this step and later ones no longer counts
                ):
        need_tensorboard()
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter
        self.folder, self.Event = Path(folder), Event
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            now, n = time.time(), 0
            while True: # two in a second of the same process are two files, in this order
                name = (f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid():07d}"
                        f".{n:03d}")
                self.path = self.folder/name
                if not self.path.exists(): break
                n += 1
            self.file = open(self.path, "xb")
        except OSError as error: raise write_error(self.folder, error) from None
        self.records = RecordWriter(self.file)
        self.event(file_version="brain.Event:2")
        self.event(step=step, session_log=SessionLog(status=SessionLog.START))

    def event(self, **content): # fields of TensorFlow's `Event`
        "Write one record."
        try:
            self.records.write(self.Event(wall_time=time.time(), **content).SerializeToString())
            self.records.flush()
        except OSError as error: raise write_error(self.path, error) from None

    def close(self):
        "Write nothing more."
        # what could not be written has been said before
        with contextlib.suppress(OSError): self.file.close()

    def forget_earlier(self):
        "Empty the folder's older files of events: a run that begins anew replaces them."
        for path in self.folder.glob("events.out.tfevents.*"):
            # a TensorBoard that is reading the file would stumble over its absence
            if path != self.path:
                with contextlib.suppress(OSError): os.truncate(path, 0)


# %%
toy = tempfile.TemporaryDirectory()
logs = Path(toy.name)/"logs"
board = Board(logs/"first")
print(re.sub(r"tfevents.*", "tfevents. ...", board.path.name), board.path.stat().st_size, "bytes")

# %%
assert board.path.stat().st_size > 0, "the first records are in the file, though it is open"
another = Board(logs/"first")
assert another.path != board.path
another.forget_earlier()
assert board.path.stat().st_size == 0 and another.path.stat().st_size > 0
another.close()


# %% [markdown]
# ## Numbers, pictures, text
#
# TensorBoard finds out what a record is by the name of the *plugin* that it carries. Its package makes the records; we
# only name and number them. A number that is not finite is left out: a gap in the line says more than a page that cannot
# scale its axis.

# %%
#| exports
def scalars(self, step, values): # name -> number, or None where nothing was measured
    "One record with all numbers of a step. A slash in a name makes a group."
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    summary = Summary()
    for name, value in values.items():
        with np.errstate(over="ignore"): number = np.float32(np.nan if value is None else value)
        if np.isfinite(number): summary.value.extend(scalar_pb(name, number).value)
    self.event(step=step, summary=summary)

def image(self, step, name, pixels, quality=90): # uint8 [H, W, C]
    "A picture, as JPEG: a fifth of what PNG takes for a photograph, in a log that keeps them all."
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.image.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(f"a picture is uint8 [H, W, 1 or 3], not {pixels.dtype} "
                         f"{list(pixels.shape)}")
    height, width, channels = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(file, "JPEG", quality=quality)
    parts = [str(width).encode(), str(height).encode(), file.getvalue()]
    about = create_summary_metadata(display_name=name, description="")
    self.event(step=step,
               summary=Summary(value=[Summary.Value(tag=name, metadata=about,
                                                    tensor=make_tensor_proto(parts))]))

def text(self, name, markdown):
    "Some words about the run."
    from tensorboard.plugins.text.summary_v2 import text_pb
    self.event(step=0, summary=text_pb(name, np.array(markdown.encode(), dtype=object)))

Board.scalars, Board.image, Board.text = scalars, image, text

# %%
board = Board(logs/"a run")
board.text("notes", "**A circle** that becomes an ellipse.")
y, x = np.mgrid[-1:1:64j, -1:1:64j]
for step in range(1, 6):
    inside = (x**2 + (step * y)**2 < 0.5)[..., None] * np.array([230, 160, 40], np.uint8)
    board.image(step, "ellipse", inside.astype(np.uint8))
    board.scalars(step, dict(area=inside.astype(bool).mean(), impossible=float("nan")))
board.path.stat().st_size

# %% [markdown]
# ## Reading it back
#
# TensorBoard's package reads, too. `read_log` returns the numbers of a run as they would be drawn. TensorBoard would load TensorFlow
# for it, if it is installed, and need ten times as long; it can be told not to.

# %%
#| exports
# where this module is there, TensorBoard does without TensorFlow, and starts in a second
ALONE = "tensorboard.compat.notf"

def read_log(folder): # of one run's events
    "Name -> list of (step, value); pictures as bytes of their files, text as text."
    need_tensorboard()
    if not Path(folder).is_dir():
        raise CourseError(f"there is no folder {folder} with a log; train first, or check the path")
    if "tensorflow" not in sys.modules: sys.modules.setdefault(ALONE, types.ModuleType(ALONE))
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray
    from tensorboard.util.tb_logging import get_logger
    get_logger().setLevel("ERROR") # it warns of each restart
    log = EventAccumulator(str(folder), size_guidance=dict(tensors=0))
    log.Reload()
    def value(proto):
        found = make_ndarray(proto)
        if found.dtype != object: return float(found) if not found.shape else found
        parts = found.reshape(-1).tolist()
        return parts[2] if len(parts) == 3 else parts[0].decode()
    return {tag: [(event.step, value(event.tensor_proto)) for event in log.Tensors(tag)]
            for tag in log.Tags()["tensors"] if tag != "__run_graph__"}


# %%
found = read_log(logs/"a run")
[(step, round(area, 3)) for step, area in found["area"]]

# %%
assert [step for step, area in found["area"]] == [1, 2, 3, 4, 5]
assert "impossible" not in found and found["notes"][0][1].startswith("**A circle**")
assert all(picture.startswith(b"\xff\xd8") for step, picture in found["ellipse"])

# %% [markdown]
# Now the accident: the program dies in the middle of a record, after step 5. The checkpoint is of step 3, so the run goes
# on with step 4, and this time the area is 0.9. **Predict** what the log says of the steps 4 and 5.

# %%
with open(board.path, "ab") as file: file.write(whole.getvalue()[:10]) # half a record
resumed = Board(logs/"a run", step=4)
resumed.scalars(4, dict(area=0.9))
[(step, round(area, 3)) for step, area in read_log(logs/"a run")["area"]]

# %%
assert [step for step, area in read_log(logs/"a run")["area"]] == [1, 2, 3, 4], (
    "step 5 never happened")

# %% [markdown]
# ## The same for every run
#
# A run of this course writes the numbers of each epoch under the same names in every track, so that one page can compare
# PyTorch with TensorFlow. Four names are those of the flowers chapter:
#
# - `generator_loss`, `discriminator_loss`: what the two minimise;
# - `generator_score`: how real the [discriminator](../about/glossary.ipynb#gl-discriminator) finds generated images, the mean of $\sigma(D(G(z)))$;
# - `discriminator_score`: how often it is right, as a probability: $\frac12\overline{\sigma(D(x))} + \frac12\overline{1 - \sigma(D(G(z)))}$.
#
# A balanced game has a [generator](../about/glossary.ipynb#gl-generator) score a little below and a discriminator score a little above one half.

# %%
#| exports
RENAMED = dict(loss_g="generator_loss", loss_d="discriminator_loss", d_fake="generator_score")

def tags(row): # of the history
    "Name -> number, as it goes on the board."
    found = {RENAMED.get(name, name): value for name, value in row.items()
             if name not in ("epoch", "d_real")
             and (value is None or isinstance(value, (int, float, np.number))
                  and not isinstance(value, bool))}
    if row.get("d_real") is not None and row.get("d_fake") is not None:
        found["discriminator_score"] = (row["d_real"] + 1 - row["d_fake"]) / 2
    return found


# %%
# NBVAL_CHECK_OUTPUT
tags(dict(epoch=3, loss_d=1.2, loss_g=0.9, d_real=0.6, d_fake=0.3, images_per_second=210.0,
          pixel_frechet=None))

# %% [markdown]
# The settings are logged in two ways: as a table in the tab *Text*, and for the tab *[HParams](../about/glossary.ipynb#gl-hparams)*, where runs are rows that can
# be sorted by a setting or by a result. For HParams every setting and every result has to be announced by name first; a
# table of results alone stays empty.

# %%
#| exports
RESULTS = ("pixel_frechet", "generator_loss", "discriminator_loss", "generator_score",
           "discriminator_score")

def settings(self, config): # name -> value
    "The configuration of the run: as text, and for HParams."
    from tensorboard.plugins.hparams import summary_v2 as hp
    rows = "\n".join(f"| {name} | {str(value).replace('|', '&#124;')} |"
                     for name, value in config.items())
    self.text("config", f"| setting | value |\n|---|---|\n{rows}")
    def plain(value): return value if isinstance(value, (bool, int, float, str)) else str(value)
    chosen = {name: plain(value) for name, value in config.items()}
    self.event(summary=hp.hparams_config_pb([hp.HParam(name) for name in chosen],
                                            [hp.Metric(name) for name in RESULTS]))
    self.event(summary=hp.hparams_pb(chosen))

def graph(self, definition): # bytes: a serialised `GraphDef` of TensorFlow
    "What the tab Graphs draws."
    self.event(graph_def=definition)

Board.settings, Board.graph = settings, graph

# %%
board = Board(logs/"another run")
board.settings(dict(learning_rate=2.5e-4, policy="mirror", out=Path("runs/a"), limit=None))
board.scalars(1, dict(pixel_frechet=17.5))
print(read_log(logs/"another run")["config"][0][1])


# %% [markdown]
# ## The page
#
# In a notebook on Colab, Kaggle or your own machine, two lines show the page below the cell:
#
# ```
# %load_ext tensorboard
# %tensorboard --logdir logs
# ```
#
# and on the command line it is `tensorboard --logdir logs`. For tests, and for the screenshots of the flowers chapter,
# we start it as a process of its own and ask it for the address:

# %%
#| exports
@contextlib.contextmanager
def serve(logdir, # folder of folders of events
          patience=60, # seconds until it has to answer
    ):
    """A TensorBoard on a free port of this machine; gives its address, and stops it at the end of
    the block."""
    need_tensorboard()
    if not Path(logdir).is_dir():
        raise CourseError(f"there is no folder {logdir}; train first, or check the path")
    start = (f"import sys, types; sys.modules[{ALONE!r}] = types.ModuleType({ALONE!r}); from "
             "tensorboard.main import run_main; run_main()")
    process = subprocess.Popen([sys.executable, "-c", start, "--logdir", str(logdir), "--port", "0",
                                "--host", "127.0.0.1"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               errors="replace",
                               env=os.environ | dict(PYTHONUNBUFFERED="1",
                                                     TF_CPP_MIN_LOG_LEVEL="3"))
    address, said = [], []
    def listen(): # its pipe has to be emptied as long as it runs
        for line in process.stderr:
            said.append(line.strip())
            if found := re.search(r"http://[\w.]+:\d+/", line): address.append(found[0])
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        end = time.monotonic() + patience
        while not address and time.monotonic() < end and process.poll() is None: time.sleep(0.05)
        if process.poll() is not None: listener.join(10) # its last words
        if not address:
            raise CourseError("TensorBoard does not start: "
                              f"{' '.join(said[-3:]) or 'it says nothing'}")
        yield address[0]
    finally:
        process.terminate()
        try: process.wait(10)
        except subprocess.TimeoutExpired: process.kill()
        listener.join(10)
        process.stderr.close()


# %%
def ask(address, path):
    with urllib.request.urlopen(address + path, timeout=60) as answer: return json.load(answer)

with serve(logs) as address: answer = ask(address, "data/plugin/scalars/tags")
{run: sorted(names) for run, names in answer.items()}

# %%
assert "area" in answer["a run"] and "pixel_frechet" in answer["another run"]
for open_board in (board, resumed): open_board.close()

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tensorboard import check_count_records, check_smooth


# %% [markdown]
# ### 1. How many records are whole?
#
# Write `count_records(data)`: how many complete records the bytes of a file of events begin with. Each is a length (8 bytes,
# little-endian), 4 bytes of checksum, the record, 4 bytes of checksum. A torn one at the end does not count; checksums need
# not be verified.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def count_records(data):
    count, at = 0, 0
    while at + 12 <= len(data):
        at += 8 + 4 + int.from_bytes(data[at:at + 8], "little") + 4
        count += at <= len(data)
    return count

check_count_records(count_records)


# %% [markdown]
# ### 2. The slider at the left
#
# The losses of a GAN jump from epoch to epoch, and TensorBoard's slider *Smoothing* is what makes them readable. It is a
# [moving average](../about/glossary.ipynb#gl-ema) with weight $w$ on the past. Write `smooth(values, w)`, which returns as many values: $a_t = w\,a_{t-1} +
# (1-w)\,v_t$ from $a_0 = 0$, and each $a_t$ divided by $1 - w^t$, the weight it has so far (with $t$ from 1), as [Adam](../about/glossary.ipynb#gl-adam) does it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def smooth(values, w):
    a, result = 0.0, []
    for t, value in enumerate(values, 1):
        a = w * a + (1 - w) * value
        result.append(a / (1 - w**t))
    return result

check_smooth(smooth)

# %% [markdown]
# ## What to remember
#
# - A log of events only grows. A kill costs at most the record that was being written, if every record is handed to the
#   system at once.
# - A resumed run repeats what came after its last checkpoint. `START` with a step takes the first attempt off the page.
# - The same names in every track make one page of many runs.
#
# **What goes wrong in practice, and how you see it.**
#
# - *A line that runs back and forth*: two runs write into one folder, or a resumed one did not say where it begins. Give each run its own folder.
# - *A page without the last minutes*: the writer collects records, ten or two minutes long, and was killed. Flush.
# - *The page is empty*: `--logdir` names the folder of one file instead of the folder above, or another machine's path. The page says which runs it found.
# - *The page stands still although the run goes on*: a file was removed while TensorBoard read it. Start it again; and empty files instead of removing them.
#
# **References.** Abadi et al. [-@abadi2015tensorflow], *TensorFlow: large-scale machine learning on heterogeneous distributed systems*, section 9.1.
# The format is described in TensorFlow's `event.proto` and TensorBoard's `README`.

# %%
toy.cleanup()
