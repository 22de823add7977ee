"""Figures show exactly the pixels they were given, refuse what they would draw wrongly, stay small, open no window."""
import base64
import io
import json
import os
import subprocess
import sys
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
from PIL import Image

from gan_course.basics import CourseError
from gan_course.figures import (CourseFigure, course_style, dark, figure_png, flipbook, image_grid, interpolation_figure, light,
                                plot_curves, progress_strip, save_figure, save_grid, tile_images, to_pixels, use_course_style)
from gan_course.runs import History


def some(n, h=28, w=28, c=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, h, w, c), dtype=np.uint8)


def picture(fig): return np.asarray(Image.open(io.BytesIO(figure_png(fig, max_kb=10_000))).convert("RGB"))


# --- pixels and tiles ---

def test_every_grey_survives_floats():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    for kind in [np.float16, np.float32, np.float64]:
        back = to_pixels((every / 127.5 - 1).astype(kind))
        assert back.dtype == np.uint8 and np.abs(back.astype(int) - every).max() <= (kind is np.float16)
    assert to_pixels(every) is every


def test_nothing_is_stretched():
    flat = np.full((2, 4, 4, 1), 0.1, np.float32)
    assert set(np.unique(to_pixels(flat))) == {140}


@pytest.mark.parametrize("bad,hint", [
    (np.zeros((28, 28), np.uint8), r"not \[28, 28\]"), (np.zeros((5, 28, 28), np.uint8), "must be"),
    (np.zeros((5, 1, 28, 28), np.uint8), "channels stand first"), (np.zeros((5, 3, 28, 28), np.uint8), "channels stand first"),
    (np.zeros((5, 28, 28, 4), np.uint8), "1 or 3 channels"), (np.zeros((0, 28, 28, 1), np.uint8), "no images"),
    (np.zeros((5, 28, 28, 1), int), "not int64"), (np.zeros((5, 28, 28, 1), bool), "not bool"),
    (np.full((5, 28, 28, 1), 255.0), "reach from 255 to 255"), (np.full((5, 28, 28, 1), -1.2), r"\[-1, 1\]")])
@pytest.mark.parametrize("draw", [to_pixels, tile_images, image_grid])
def test_bad_images(draw, bad, hint):
    with pytest.raises(ValueError, match=hint): draw(bad)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_diverged_network_is_named(value):
    images = np.zeros((3, 4, 4, 1), np.float32)
    images[1, 2, 3] = value
    with pytest.raises(CourseError, match="not finite") as error: image_grid(images)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("n,columns,rows,per_row", [(1, None, 1, 1), (5, 3, 2, 3), (36, None, 6, 6), (7, None, 3, 3), (3, 10, 1, 3)])
@pytest.mark.parametrize("c", [1, 3])
def test_each_tile_is_its_image(n, columns, rows, per_row, c):
    images = some(n, 5, 7, c)
    tiled = tile_images(images, columns)
    assert tiled.shape == (rows * 6 - 1, per_row * 8 - 1, c) and tiled.dtype == np.uint8
    covered = np.zeros(tiled.shape[:2], bool)
    for i in range(n):
        at = np.s_[i // per_row * 6:i // per_row * 6 + 5, i % per_row * 8:i % per_row * 8 + 7]
        assert np.array_equal(tiled[at], images[i])
        covered[at] = True
    assert (tiled[~covered] == 255).all()


def test_columns_below_one():
    for columns in [0, -1]: # 0 is false to Python, and yet not the same as "not given"
        with pytest.raises(ValueError, match="columns"): tile_images(some(4), columns)


@pytest.mark.parametrize("scale", [1, 2, 3, 5])
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("words", [{}, {"title": "A title", "caption": "a caption " * 20}])
def test_pixels_in_the_file_are_those_of_the_images(scale, c, words):
    images = some(6, 9, 11, c)
    image = picture(image_grid(images, 3, scale=scale, **words))
    block = tile_images(images, 3).repeat(scale, 0).repeat(scale, 1)
    block = np.broadcast_to(block, (*block.shape[:2], 3))
    h, w = block.shape[:2]
    left = (image.shape[1] - w) // 2
    found = [top for top in range(image.shape[0] - h + 1) if np.array_equal(image[top:top + h, left:left + w], block)]
    assert len(found) == 1, "the grid stands in the figure once, pixel by pixel"
    outside = image.copy()
    outside[found[0]:found[0] + h, left:left + w] = 255
    assert (outside.min() < 100) == bool(words), "words stand beside the images, never on them"


def test_a_narrow_grid_has_room_for_its_caption():
    image = picture(image_grid(some(1), scale=1, caption="garments, epoch 3, seed 0"))
    assert image.shape[1] >= 320


# --- files ---

def test_save_grid(tmp_path):
    path = save_grid(some(4), tmp_path/"new"/"grid.png", title="t", caption="c")
    assert path == tmp_path/"new"/"grid.png" and os.listdir(path.parent) == ["grid.png"]
    with Image.open(path) as image:
        image.verify()
        assert image.format == "PNG"


def test_only_png(tmp_path):
    for name in ["grid.jpg", "grid", "grid.pdf"]:
        with pytest.raises(CourseError, match="png"): save_grid(some(4), tmp_path/name)
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    save_grid(some(4), tmp_path/"grid.png")
    before = (tmp_path/"grid.png").read_bytes()

    def full(*args): raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CourseError, match="no space"): save_grid(some(4, seed=1), tmp_path/"grid.png")
    assert (tmp_path/"grid.png").read_bytes() == before and os.listdir(tmp_path) == ["grid.png"]
    (tmp_path/"file").write_text("")
    with pytest.raises(CourseError, match="file where a folder should be"): save_grid(some(4), tmp_path/"file"/"grid.png")


@pytest.mark.parametrize("draw", [
    lambda: image_grid(some(400, c=3), scale=2), lambda: image_grid(some(100)),
    lambda: progress_strip([some(8, c=3, seed=e) for e in range(12)], range(12)),
    lambda: interpolation_figure([some(10, 64, 64, 3, s) for s in range(6)])])
def test_even_noise_stays_small(draw):
    data = figure_png(draw())
    assert len(data) < 150_000
    assert min(Image.open(io.BytesIO(data)).size) > 100, "small, and still a picture"


def test_limit_can_be_chosen(tmp_path):
    path = save_figure(image_grid(some(100, c=3)), tmp_path/"a.png", max_kb=40)
    assert path.stat().st_size <= 40_000


def test_the_same_images_give_the_same_file(tmp_path):
    a, b = (save_grid(some(9), tmp_path/name, caption="c").read_bytes() for name in ["a.png", "b.png"])
    assert a == b


# --- curves ---

def rows(n, **more):
    return [dict(epoch=i + 1, loss_g=1.0 + i, loss_d=0.5, d_real=0.7, d_fake=0.3) | more for i in range(n)]


def lines(fig): return {line.get_label(): line for ax in fig.axes for line in ax.lines if not line.get_label().startswith("_")}


def test_curves_hold_the_numbers():
    drawn = lines(plot_curves(rows(20)))
    assert set(drawn) == {"discriminator", "generator", "D(x), real", "D(G(z)), generated"}
    assert list(drawn["generator"].get_ydata()) == [1.0 + i for i in range(20)]
    assert list(drawn["D(x), real"].get_xdata()) == list(range(1, 21))
    assert {line.get_linestyle() for line in drawn.values()} == {"-", "--"}
    for pair in [("discriminator", "generator"), ("D(x), real", "D(G(z)), generated")]:
        assert drawn[pair[0]].get_linestyle() != drawn[pair[1]].get_linestyle()


def test_colours_survive_greyscale():
    grey = [matplotlib.colors.to_rgb(colour) @ np.array([0.299, 0.587, 0.114]) for colour in (dark, light)]
    assert abs(grey[0] - grey[1]) > 0.3


@pytest.mark.parametrize("history", [
    [], rows(1), rows(3, loss_g=None), rows(3, loss_g=float("nan")), rows(3, loss_g=float("inf")), rows(40, d_real=None, d_fake=None),
    [{"epoch": 1}], [{"loss_g": 1.0}, {"loss_g": 2.0}], History(rows(4)), rows(2, loss_d=np.float32(1e30))])
def test_curves_of_odd_histories(history):
    data = figure_png(plot_curves(history, title="t", caption="c"))
    assert len(data) < 150_000


def test_gaps_stay_gaps_and_lonely_points_show():
    history = rows(30)
    for i, row in enumerate(history):
        if i != 15: row["loss_g"] = None
    fig = plot_curves(history)
    drawn = lines(fig)["generator"]
    assert np.isfinite(drawn.get_ydata()).sum() == 1
    dots = [line for line in fig.axes[0].lines if line.get_marker() == "o" and list(line.get_xdata()) == [16]]
    assert dots, "a point between two gaps has no line and needs a marker"


def test_what_was_not_recorded_is_said():
    fig = plot_curves([{"epoch": 1, "loss_g": 1.0}])
    assert [text.get_text() for text in fig.axes[1].texts] == ["not recorded"]


# --- strips ---

def test_strip_has_latents_in_rows_and_epochs_in_columns():
    strips = [np.full((2, 4, 4, 1), 10 * e, np.uint8) + np.array([0, 100], np.uint8).reshape(2, 1, 1, 1) for e in range(3)]
    image = picture(progress_strip(strips, scale=4))[:, :, 0]
    spot = [np.argwhere(image == value) for value in [0, 10, 20, 100, 110, 120]]
    tops, lefts = [s.min(0)[0] for s in spot], [s.min(0)[1] for s in spot]
    assert len(set(tops[:3])) == 1 and len(set(tops[3:])) == 1 and tops[3] == tops[0] + 5 * 4
    assert [b - a for a, b in zip(lefts[:3], lefts[1:3])] == [20, 20] and lefts[:3] == lefts[3:]


def test_strip_keeps_first_and_last_of_many():
    fig = progress_strip([some(2, 8, 8, seed=e) for e in range(50)], range(1, 51), max_columns=6)
    labels = [int(text.get_text()) for text in fig.axes[0].texts]
    assert len(labels) == 6 and labels[0] == 1 and labels[-1] == 50 and labels == sorted(labels)


def test_bad_strips():
    with pytest.raises(ValueError, match="no images"): progress_strip([])
    with pytest.raises(ValueError, match="same shape"): progress_strip([some(2), some(3)])
    with pytest.raises(ValueError, match="as many labels"): progress_strip([some(2)] * 3, ["a"])
    with pytest.raises(ValueError, match="no images"): interpolation_figure([])
    with pytest.raises(ValueError, match="same shape"): interpolation_figure([some(2), some(3)])


def test_interpolation_rows():
    grid = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * 20 + np.zeros((1, 1, 5, 5, 1), np.uint8)
    image = picture(interpolation_figure(grid, scale=3))[:, :, 0]
    order = [tuple(np.argwhere(image == v).min(0)) for v in range(0, 120, 20)]
    assert order == sorted(order) and len({top for top, left in order}) == 2
    assert np.array_equal(image, picture(interpolation_figure(list(grid), scale=3))[:, :, 0])


# --- surroundings ---

def test_no_window_no_pyplot_no_torch():
    code = """
import sys, json
from gan_course.figures import image_grid, plot_curves, figure_png
import numpy as np
figure_png(image_grid(np.zeros((4, 8, 8, 1), np.uint8), title="t")); figure_png(plot_curves([{"epoch": 1, "loss_g": 1}]))
print(json.dumps([name for name in ("matplotlib.pyplot", "tkinter", "torch", "IPython") if name in sys.modules]))
"""
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")} | {"MPLBACKEND": "TkAgg"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == []


def test_figures_leave_global_settings_alone():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        before = dict(matplotlib.rcParams)
        figure_png(plot_curves(rows(3)))
        image_grid(some(4), title="t")
        assert dict(matplotlib.rcParams) == before
        use_course_style()
        assert all(matplotlib.rcParams[key] == value for key, value in course_style.items())


def test_shown_in_a_notebook_as_saved(monkeypatch):
    "pyplot's inline backend would crop the figure and scale its pixels; the figure shows itself."
    from IPython.core.formatters import DisplayFormatter
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: seen.append(data))
    fig = image_grid(some(4))
    formatter = DisplayFormatter()
    formatter.formatters["image/png"].for_type(matplotlib.figure.Figure, lambda figure: b"cropped")
    formatter.ipython_display_formatter.enabled = True
    assert formatter.format(fig) == ({}, {}), "the figure has shown itself"
    import base64
    assert base64.b64decode(seen[0]["image/png"]) == figure_png(fig) == fig._repr_png_()
    assert " at 0x" not in seen[0]["text/plain"]


def test_course_figure_size():
    assert picture(CourseFigure(123, 45)).shape == (45, 123, 3)


def leaf(colour):
    fig = CourseFigure(80, 60)
    fig.add_axes((0, 0, 1, 1)).imshow(np.full((4, 4, 3), colour))
    return fig


def test_a_flipbook_holds_all_its_leaves():
    book = flipbook([leaf(0.1), leaf(0.5), leaf(0.9)], ["<a>", 2, 'c"'], "what & where", "a grey square")
    text = book._repr_html_()
    found = []
    class Parser(HTMLParser):
        def handle_starttag(self, tag, attributes): found.append((tag, dict(attributes)))

    Parser().feed(text)
    images = [attributes for tag, attributes in found if tag == "img"]
    assert [image["alt"] for image in images] == ["a grey square (<a>)", "a grey square (2)", 'a grey square (c")']
    assert ["hidden" in image for image in images] == [False, True, True]
    colours = [Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))).convert("L").getpixel((40, 30)) for image in images]
    assert colours == sorted(set(colours)), "three different pictures"
    slider, = [attributes for tag, attributes in found if tag == "input"]
    assert slider["max"] == "2" and json.loads(slider["data-labels"]) == ["<a>", "2", 'c"'] and "&lt;a&gt;</output>" in text and "what &amp; where" in text


@pytest.mark.parametrize("figures,labels", [([], []), (1, ["a", "b"]), (2, ["a"])])
def test_a_flipbook_needs_a_label_for_each_leaf(figures, labels):
    with pytest.raises(ValueError, match="one label for each"): flipbook([leaf(0.5) for _ in range(figures or 0)], labels, "x", "y")
