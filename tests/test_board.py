"A log for TensorBoard: what a kill, a full disk or a resumed run leaves in it, and what the page in the browser shows of it."
import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cli import ROOT, environment, wait_for
from PIL import Image

from gan_course import board as module
from gan_course.basics import CourseError
from gan_course.board import RESULTS, Board, read_log, serve, tags


def one_line(error, *words):
    text = str(error.value)
    assert "\n" not in text and 20 < len(text) < 500
    for word in words: assert str(word) in text, f"{word!r} is not in {text!r}"
    return text


def frames(path):
    "The records of a file, read as the format says: length, its checksum, the record, its checksum."
    data, out, at = Path(path).read_bytes(), [], 0
    while at < len(data):
        n = int.from_bytes(data[at:at + 8], "little")
        assert at + 16 + n <= len(data), "torn"
        out.append(data[at + 12:at + 12 + n])
        at += 16 + n
    return out


def events(path):
    from tensorboard.compat.proto.event_pb2 import Event
    return [Event.FromString(frame) for frame in frames(path)]


def line(folder, name="x"): return [(step, round(value, 5)) for step, value in read_log(folder).get(name, [])]


def jpeg(data): return Image.open(io.BytesIO(data))


# --- what stands on the disk, and when ---

def test_every_record_is_there_at_once(tmp_path):
    board = Board(tmp_path/"a"/"run")
    assert board.path.parent == tmp_path/"a"/"run" and len(frames(board.path)) == 2
    sizes = [board.path.stat().st_size]
    for step, write in enumerate([lambda: board.scalars(1, dict(x=0.5)), lambda: board.text("note", "words"),
                                  lambda: board.image(2, "picture", np.zeros((4, 4, 3), np.uint8)), lambda: board.settings(dict(lr=0.1)),
                                  lambda: board.graph(b"\x0a\x00")]):
        write()
        sizes.append(board.path.stat().st_size)
        frames(board.path)
    assert sizes == sorted(set(sizes)), "each write is in the file when it returns"
    assert line(tmp_path/"a"/"run") == [(1, 0.5)] and not board.file.closed


def test_the_beginning_of_a_file(tmp_path):
    board = Board(tmp_path, step=7)
    first, second = events(board.path)
    assert first.file_version == "brain.Event:2" and first.wall_time > 1.7e9
    assert second.step == 7 and second.session_log.status == second.session_log.START


def test_a_killed_process_loses_nothing(tmp_path):
    code = ("import os, signal; from gan_course.board import Board; board = Board('run')\n"
            "for i in range(20): board.scalars(i, dict(x=i / 4))\n"
            "os.kill(os.getpid(), signal.SIGKILL)")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=120, env=environment(PYTHONPATH=str(ROOT)))
    assert done.returncode == -signal.SIGKILL and line(tmp_path/"run") == [(i, i / 4) for i in range(20)]


@pytest.mark.parametrize("lost", [1, 4, 10, "all but 1", "all but 9"])
def test_a_torn_end_is_survived(tmp_path, lost):
    board = Board(tmp_path)
    for step in (1, 2): board.scalars(step, dict(x=step / 2))
    whole = board.path.stat().st_size
    board.scalars(3, dict(x=9))
    last = board.path.stat().st_size - whole
    os.truncate(board.path, whole + last - (lost if isinstance(lost, int) else last - int(lost.split()[-1])))
    assert line(tmp_path) == [(1, 0.5), (2, 1.0)]
    resumed = Board(tmp_path, step=3)
    resumed.scalars(3, dict(x=1.5))
    assert line(tmp_path) == [(1, 0.5), (2, 1.0), (3, 1.5)]


def test_resumed_twice(tmp_path):
    def write(start, stop, value):
        board = Board(tmp_path, step=start)
        for step in range(start, stop): board.scalars(step, dict(x=value, only_first=value) if value == 1 else dict(x=value))
        board.image(stop - 1, "picture", np.full((2, 2, 3), 50 * value, np.uint8))
        board.close()
    write(1, 8, 1)
    assert [step for step, _ in line(tmp_path)] == [1, 2, 3, 4, 5, 6, 7]
    write(5, 7, 2)
    assert line(tmp_path) == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2)], "7 never happened"
    write(3, 5, 3)
    assert line(tmp_path) == [(1, 1), (2, 1), (3, 3), (4, 3)]
    assert line(tmp_path, "only_first") == [(1, 1), (2, 1)]
    assert [step for step, _ in read_log(tmp_path)["picture"]] == [4] and len(list(tmp_path.iterdir())) == 3
    write(5, 6, 4)
    assert line(tmp_path) == [(1, 1), (2, 1), (3, 3), (4, 3), (5, 4)], "a resume that loses nothing"


def test_a_run_that_begins_anew(tmp_path):
    old = [Board(tmp_path) for _ in range(2)]
    for board in old: board.scalars(1, dict(x=1, gone=1))
    (tmp_path/"metrics.json").write_text("mine")
    new = Board(tmp_path)
    new.scalars(1, dict(x=5))
    new.forget_earlier()
    assert [board.path.stat().st_size for board in old] == [0, 0], "emptied, and still there"
    assert (tmp_path/"metrics.json").read_text() == "mine" and len(frames(new.path)) == 3
    new.scalars(2, dict(x=6))
    assert read_log(tmp_path) == {"x": [(1, 5.0), (2, 6.0)]}
    Board(tmp_path/"empty").forget_earlier()


def test_boards_of_one_second_are_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: 1_800_000_000.25))
    boards = [Board(tmp_path, step=step) for step in (0, 1, 1)]
    names = [board.path.name for board in boards]
    assert len(set(names)) == 3 and names == sorted(names) and all("tfevents.1800000000." in name for name in names)
    for board, value in zip(boards, (1, 2, 3)):
        if board is boards[0]: board.scalars(0, dict(x=value))
        board.scalars(1, dict(x=value))
    assert line(tmp_path) == [(0, 1), (1, 3)]


def test_a_board_never_overwrites(tmp_path):
    first = Board(tmp_path)
    first.scalars(1, dict(x=1))
    before = first.path.read_bytes()
    Board(tmp_path, step=1)
    assert first.path.read_bytes() == before


# --- what is written ---

def test_numbers(tmp_path):
    board = Board(tmp_path)
    board.scalars(3, {"a": 1, "b": 2.5, "group/c": np.float64(-1e-7), "d": np.float32(4), "e": True, "f": np.array(0.25)})
    found = read_log(tmp_path)
    assert {name: [step for step, _ in values] for name, values in found.items()} == dict.fromkeys(found, [3])
    assert {name: values[0][1] for name, values in found.items()} == pytest.approx({"a": 1, "b": 2.5, "group/c": -1e-7, "d": 4, "e": 1, "f": 0.25})
    assert len(frames(board.path)) == 3, "one record for all numbers of a step"


def test_what_was_not_measured_is_left_out(tmp_path):
    board = Board(tmp_path)
    board.scalars(1, dict(a=float("nan"), b=np.inf, c=-np.inf, d=None, e=np.float32("nan"), x=1.5))
    board.scalars(2, dict(x=None))
    assert read_log(tmp_path) == {"x": [(1, 1.5)]}


def test_a_number_beyond_float32_does_not_become_infinite(tmp_path):
    board = Board(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        board.scalars(1, dict(big=1e300, small=-1e300, x=3e38))
    assert all(np.isfinite(value) for values in read_log(tmp_path).values() for _, value in values)


@pytest.mark.parametrize("channels,mode", [(1, "L"), (3, "RGB")])
def test_a_picture(tmp_path, channels, mode):
    board, colour = Board(tmp_path), np.array([200, 40, 90], np.uint8)[:channels]
    board.image(4, "group/picture", np.broadcast_to(colour, (24, 40, channels)))
    (step, data), = read_log(tmp_path)["group/picture"]
    picture = jpeg(data)
    assert step == 4 and picture.format == "JPEG" and picture.mode == mode and picture.size == (40, 24)
    assert np.abs(np.asarray(picture).reshape(24, 40, channels).astype(int) - colour).max() <= 3
    value = events(board.path)[-1].summary.value[0]
    assert list(value.tensor.string_val)[:2] == [b"40", b"24"] and value.metadata.plugin_data.plugin_name == "images"


def test_quality_is_paid_for_in_bytes(tmp_path):
    board, noise = Board(tmp_path), np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for step, quality in enumerate((30, 90, 98)): board.image(step, "noise", noise, quality=quality)
    sizes = [len(data) for _, data in read_log(tmp_path)["noise"]]
    assert sizes[0] < sizes[1] / 2 and sizes[1] < sizes[2]


@pytest.mark.parametrize("pixels", [
    np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.uint8), np.zeros((1, 8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.int64),
    np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 2), np.uint8), np.zeros((0, 8, 3), np.uint8)], ids=lambda p: f"{p.dtype} {p.shape}")
def test_what_is_no_picture(tmp_path, pixels):
    board = Board(tmp_path)
    with pytest.raises(ValueError): board.image(1, "x", pixels)
    assert len(frames(board.path)) == 2, "nothing of it was written"


def test_the_message_for_what_is_no_picture(tmp_path):
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 1 or 3\], not float32 \[2, 3, 3\]"):
        Board(tmp_path).image(1, "x", np.zeros((2, 3, 3), np.float32))


def test_words(tmp_path):
    board, words = Board(tmp_path), "# Ein Lauf\n\n*grün* → 漢字"
    board.text("note", words)
    board.text("empty", "")
    assert read_log(tmp_path) == {"note": [(0, words)], "empty": [(0, "")]}


def test_a_graph(tmp_path):
    board = Board(tmp_path)
    board.graph(b"what TensorFlow serialised")
    assert events(board.path)[-1].graph_def == b"what TensorFlow serialised"


CONFIG = dict(learning_rate=2.5e-4, epochs=400, tensorboard=True, out=Path("artifacts")/"x", limit=None, policy="mirror,colour")


def test_settings(tmp_path):
    board = Board(tmp_path)
    board.settings(CONFIG)
    (step, table), = read_log(tmp_path)["config"]
    assert step == 0 and table.splitlines()[:2] == ["| setting | value |", "|---|---|"] and len(table.splitlines()) == 2 + len(CONFIG)
    for name, value in CONFIG.items(): assert f"| {name} | {value} |" in table.splitlines()
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    values = [value for event in events(board.path) for value in event.summary.value]
    found = {v.tag: HParamsPluginData.FromString(v.metadata.plugin_data.content) for v in values if v.metadata.plugin_data.plugin_name == "hparams"}
    experiment, session = found["_hparams_/experiment"].experiment, found["_hparams_/session_start_info"].session_start_info
    assert {info.name for info in experiment.hparam_infos} == set(CONFIG)
    assert [info.name.tag for info in experiment.metric_infos] == list(RESULTS)
    chosen = {name: getattr(value, value.WhichOneof("kind")) for name, value in session.hparams.items()}
    assert chosen == CONFIG | dict(out=str(CONFIG["out"]), limit="None")


def test_names_on_the_board():
    row = dict(epoch=3, loss_g=1.5, loss_d=0.75, d_real=0.75, d_fake=0.25, pixel_frechet=None, seconds=2, note="resumed", strip=[1, 2])
    assert tags(row) == dict(generator_loss=1.5, discriminator_loss=0.75, generator_score=0.25, discriminator_score=0.75,
                             pixel_frechet=None, seconds=2)
    assert set(RESULTS) <= tags(row).keys() and row["loss_g"] == 1.5, "the row itself is left alone"


@pytest.mark.parametrize("real,fake,score", [(1, 0, 1), (0, 1, 0), (0.5, 0.5, 0.5), (0.9, 0.5, 0.7)])
def test_the_discriminators_score_is_its_share_of_right_answers(real, fake, score):
    assert tags(dict(d_real=real, d_fake=fake)) == pytest.approx(dict(generator_score=fake, discriminator_score=score))


@pytest.mark.parametrize("row", [{}, dict(epoch=1), dict(d_real=0.5), dict(d_real=None, d_fake=None), dict(d_fake=0.5), dict(d_real=0.5, d_fake=None)])
def test_no_score_without_both_halves(row):
    assert "discriminator_score" not in tags(row) and not {"epoch", "d_real", "d_fake"} & tags(row).keys()


# --- what can go wrong ---

def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path/"taken").write_text("mine")
    for folder in (tmp_path/"taken", tmp_path/"taken"/"tensorboard"):
        with pytest.raises(CourseError) as error: Board(folder)
        one_line(error, f"cannot write {folder}", f"{tmp_path/'taken'} is a file where a folder should be")
    assert (tmp_path/"taken").read_text() == "mine"


def test_read_only_file_system():
    with pytest.raises(CourseError) as error: Board("/proc/gan_course_test/run")
    one_line(error, "/proc/gan_course_test/run")


@pytest.mark.parametrize("number,remedy", [(errno.ENOSPC, "no space is left"), (errno.EACCES, "permission"), (errno.EROFS, "read-only")])
def test_a_file_that_cannot_be_made(tmp_path, monkeypatch, number, remedy):
    def no(*args, **kwargs): raise OSError(number, os.strerror(number))
    monkeypatch.setattr(module, "open", no, raising=False)
    with pytest.raises(CourseError) as error: Board(tmp_path/"run")
    one_line(error, tmp_path/"run", remedy)


@pytest.fixture
def full(tmp_path):
    "A board whose disk is full: the kernel itself refuses every byte."
    board = Board(tmp_path)
    board.scalars(1, dict(x=1))
    device = os.open("/dev/full", os.O_WRONLY)
    os.dup2(device, board.file.fileno())
    os.close(device)
    return board


def test_a_full_disk(full, tmp_path):
    for write in (lambda: full.scalars(2, dict(x=2)), lambda: full.text("a", "b"), lambda: full.image(2, "p", np.zeros((4, 4, 3), np.uint8)),
                  lambda: full.settings(dict(lr=1))):
        with pytest.raises(CourseError) as error: write()
        one_line(error, full.path, "no space is left")
    assert line(tmp_path) == [(1, 1)]


def test_closing_on_a_full_disk(full):
    "What could not be written has been said; the end of the run must not fall over it again."
    with pytest.raises(CourseError): full.scalars(2, dict(x=2))
    try: full.close()
    except CourseError as error: assert "no space is left" in str(error)
    assert full.file.closed


def test_without_tensorboard(tmp_path, monkeypatch):
    Board(tmp_path/"run").close()
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for use in (lambda: Board(tmp_path/"new"), lambda: read_log(tmp_path/"run"), lambda: serve(tmp_path).__enter__()):
        with pytest.raises(CourseError) as error: use()
        one_line(error, "pip install tensorboard", "--no-tensorboard")
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("what", ["nothing", "file"])
def test_no_log_to_read(tmp_path, what):
    path = tmp_path/"run"
    if what == "file": path.write_text("x")
    with pytest.raises(CourseError) as error: read_log(path)
    one_line(error, path)


def test_an_empty_log(tmp_path):
    assert read_log(tmp_path) == {}
    Board(tmp_path)
    assert read_log(tmp_path) == {}


def test_the_import_brings_nothing_along():
    code = ("import sys, gan_course.board\n"
            "print(sorted({name.partition('.')[0] for name in sys.modules} & {'tensorboard', 'torch', 'tensorflow', 'keras', 'jax', 'PIL'}))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=120)
    assert done.returncode == 0 and done.stdout == "[]\n" and not done.stderr, done.stdout + done.stderr


# --- the page in the browser ---

def children(pid):
    "Processes that a process has started."
    return [int(n) for task in Path(f"/proc/{pid}/task").glob("*") for n in (task/"children").read_text().split()]


def gone(pid):
    "Whether there is no such process, or it has ended and nobody has asked for its status."
    try: return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError): return True


@pytest.fixture
def started(monkeypatch):
    "Every process that is started."
    processes, popen = [], subprocess.Popen
    def recorded(*args, **kwargs):
        processes.append(popen(*args, **kwargs))
        return processes[-1]
    monkeypatch.setattr(subprocess, "Popen", recorded)
    return processes


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    "All that is asked of one TensorBoard, which serves two runs; one of them is being written, the other was resumed."
    logs, popen, processes = tmp_path_factory.mktemp("logs"), subprocess.Popen, []
    one, two = Board(logs/"one"), Board(logs/"two")
    one.settings(CONFIG)
    two.settings(CONFIG | dict(learning_rate=1e-3))
    for step in (1, 2, 3):
        one.scalars(step, tags(dict(epoch=step, loss_g=step / 4, loss_d=1.0, d_real=0.75, d_fake=0.25, pixel_frechet=None if step < 3 else 12.5)))
        two.scalars(step, dict(generator_loss=9))
    one.image(2, "generated", np.full((16, 24, 3), 77, np.uint8))
    one.image(3, "generated", np.full((16, 24, 3), 177, np.uint8))
    again = Board(logs/"two", step=2)
    again.scalars(2, dict(generator_loss=5))

    def recorded(*args, **kwargs):
        processes.append(popen(*args, **kwargs))
        return processes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", recorded)
        with serve(logs) as address:
            def ask(path, data=None):
                body = None if data is None else json.dumps(data).encode()
                request = urllib.request.Request(address + path, body, {"Content-Type": "application/json"})
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer: return answer.read()
            def read(path, data=None): return json.loads(ask(path, data))
            wait_for(lambda: read("data/plugin/scalars/tags").keys() == {"one", "two"} and read("data/plugin/images/tags").get("one")
                     and len(read("data/plugin/scalars/scalars?run=two&tag=generator_loss")) == 2, processes[0])
            every = dict(experimentName="", colParams=[], startIndex=0, sliceSize=10,
                         allowedStatuses=[f"STATUS_{word}" for word in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")])
            found = SimpleNamespace(
                address=address, runs=read("data/runs"), scalars=read("data/plugin/scalars/tags"), images=read("data/plugin/images/tags"),
                texts=read("data/plugin/text/tags"), two=read("data/plugin/scalars/scalars?run=two&tag=generator_loss"),
                config=read("data/plugin/text/text?run=one&tag=config"), pictures=read("data/plugin/images/images?run=one&tag=generated&sample=0"),
                experiment=read("data/plugin/hparams/experiment", dict(experimentName="")),
                sessions=read("data/plugin/hparams/session_groups", every))
            found.jpegs = [ask("data/plugin/images/individualImage?" + picture["query"]) for picture in found.pictures]
            found.process, found.children = processes[0], children(processes[0].pid)
            assert not gone(found.process.pid)
    for board in (one, two, again): board.close()
    return found


def test_the_page_names_all_that_was_written(page):
    assert page.address.startswith("http://127.0.0.1:") and sorted(page.runs) == ["one", "two"]
    assert set(page.scalars["one"]) == set(RESULTS) and set(page.scalars["two"]) == {"generator_loss"}
    assert set(page.images["one"]) == {"generated"} and page.texts["one"] == ["config"]


def test_the_page_draws_a_resumed_run_once(page):
    assert [(step, value) for _, step, value in page.two] == [(1, 9.0), (2, 5.0)]


def test_the_page_shows_pictures(page):
    assert [p["step"] for p in page.pictures] == [2, 3]
    pictures = [jpeg(data) for data in page.jpegs]
    assert [p.size for p in pictures] == [(24, 16)] * 2
    assert [abs(int(np.asarray(p).mean()) - grey) <= 2 for p, grey in zip(pictures, (77, 177))] == [True, True]


def test_the_page_shows_the_settings(page):
    text = page.config[0]["text"]
    assert "<table>" in text and "learning_rate" in text and "0.00025" in text
    assert {info["name"] for info in page.experiment["hparamInfos"]} >= {"learning_rate", "epochs"}
    assert [info["name"]["tag"] for info in page.experiment["metricInfos"]] == list(RESULTS)
    groups = {g["sessions"][0]["name"]: g for g in page.sessions["sessionGroups"]}
    assert groups.keys() == {"one", "two"} and groups["two"]["hparams"]["learning_rate"] == 1e-3
    assert groups["one"]["hparams"] == CONFIG | dict(out=str(CONFIG["out"]), limit="None")
    values = {v["name"]["tag"]: v["value"] for v in groups["one"]["metricValues"]}
    assert values == pytest.approx(dict(pixel_frechet=12.5, generator_loss=0.75, discriminator_loss=1, generator_score=0.25, discriminator_score=0.75))


def test_nothing_is_left_of_the_server(page):
    assert page.process.returncode is not None and page.process.stderr.closed
    for pid in (page.process.pid, *page.children): wait_for(lambda: gone(pid), timeout=20)
    with pytest.raises(OSError): urllib.request.urlopen(page.address, timeout=5)
    assert not [thread for thread in threading.enumerate() if "listen" in thread.name]


@pytest.mark.parametrize("what", ["nothing", "file"])
def test_no_folder_to_serve(tmp_path, started, what):
    if what == "file": (tmp_path/"logs").write_text("x")
    with pytest.raises(CourseError) as error, serve(tmp_path/"logs"): pass
    one_line(error, tmp_path/"logs", "train first")
    assert not started


def program(tmp_path, monkeypatch, text):
    "Put a shell script in place of Python."
    path = tmp_path/"python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


def test_a_tensorboard_that_breaks(tmp_path, started, monkeypatch):
    program(tmp_path, monkeypatch, "echo one >&2; echo 'ImportError: it is broken' >&2; sleep 0.5; exit 1")
    with pytest.raises(CourseError) as error, serve(tmp_path): pass
    one_line(error, "TensorBoard does not start", "it is broken")
    assert started[0].returncode == 1


def test_a_tensorboard_that_says_nothing(tmp_path, started, monkeypatch):
    program(tmp_path, monkeypatch, "exec sleep 60")
    with pytest.raises(CourseError) as error, serve(tmp_path, patience=0.3): pass
    one_line(error, "TensorBoard does not start", "it says nothing")
    assert started[0].returncode == -signal.SIGTERM


def test_the_server_ends_with_its_block_whatever_happens(tmp_path, started, monkeypatch):
    program(tmp_path, monkeypatch, "echo 'TensorBoard at http://127.0.0.1:4321/ (Press CTRL+C to quit)' >&2; exec sleep 60")
    with pytest.raises(ZeroDivisionError), serve(tmp_path) as address:
        assert address == "http://127.0.0.1:4321/" and started[0].poll() is None
        1 / 0
    assert started[0].returncode == -signal.SIGTERM
    arguments = started[0].args
    assert arguments[arguments.index("--port") + 1] == "0" and arguments[arguments.index("--logdir") + 1] == str(tmp_path)
