# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Figures that tell the truth
#
# > Image grids, loss curves and progress strips, and how to read them
#
# - order: 4

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/figures.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/figures.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/figures.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course @ git+https://github.com/gan-course/gan_course@main"]) == 0

# %%
#| default_exp figures

# %%
#| exports
import io
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from gan_course.basics import CourseError
from gan_course.runs import atomic_path

# %% [markdown]
# ## Style

# %%
#| exports
dpi = 100 # pixels per inch of every figure here, so that sizes can be given in pixels
dark, light = "#1f3b73", "#e08a1e" # far apart in brightness: they survive greyscale
course_style = {
    "figure.dpi": dpi, "savefig.dpi": dpi, "figure.facecolor": "white", "savefig.facecolor": "white",
    "font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9, "legend.fontsize": 8,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "lines.linewidth": 1.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True,
    "axes.prop_cycle": matplotlib.cycler(color=[dark, light], linestyle=["-", "--"])}

def use_course_style():
    "Give your own plots the look of the figures here."
    matplotlib.rcParams.update(course_style)

class CourseFigure(Figure):
    "A figure that shows itself in a notebook and never opens a window."
    def __init__(self, width, height): # in pixels
        super().__init__(figsize=(width / dpi, height / dpi), dpi=dpi)
        FigureCanvasAgg(self)

    def _repr_png_(self):
        return figure_png(self)


# %%
#| exports
def figure_png(fig, # any matplotlib figure
               max_kb=150, # the file is made smaller until it fits
    ): # bytes of a PNG file
    "A figure as a small PNG file: fewer colours first, then fewer pixels."
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi)
    image = Image.open(buffer).convert("RGB")
    red, green, blue = image.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        image = red  # a grey picture needs a third of the bytes
    def encode(picture):
        out = io.BytesIO()
        picture.save(out, format="PNG", optimize=True)
        return out.getvalue()
    data = encode(image)
    colours = 256
    while len(data) > max_kb * 1024 and min(image.size) > 64:
        data = encode(image.quantize(colours, dither=Image.Dither.NONE))
        if colours > 64:
            colours //= 2
        else:
            image = image.resize([round(0.8 * s) for s in image.size], Image.Resampling.LANCZOS)
    return data

def save_figure(fig, # any matplotlib figure
                path, # file to write, ending in .png
                max_kb=150, # largest file wanted
    ): # `path`
    "Write a figure as PNG, atomically."
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise CourseError(f"figures are PNG files: give a name that ends in .png, not {path.name!r}")
    data = figure_png(fig, max_kb)
    with atomic_path(path) as tmp:
        tmp.write_bytes(data)
    fig.clear()
    return path


# %% [markdown]
# ## Tiles

# %%
#| exports
def to_pixels(images, # uint8, or float in [-1, 1]; [N, H, W, C] with C 1 or 3
    ): # uint8, [N, H, W, C]
    "The images as they are drawn. Refuses what would be drawn wrongly."
    x = np.asarray(images)
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        first = " (channels stand first: transpose to [N, H, W, C])" if x.ndim == 4 and x.shape[1] in (1, 3) else ""
        raise ValueError(f"images must be [N, H, W, C] with 1 or 3 channels, not {list(x.shape)}{first}")
    if x.shape[0] == 0:
        raise ValueError("there are no images to draw")
    if x.dtype == np.uint8:
        return x
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"images must be uint8, or float in [-1, 1], not {x.dtype}")
    if not np.isfinite(x).all():
        raise CourseError("the images hold values that are not finite: training has diverged; "
                          "go back to the last good checkpoint and lower the learning rate")
    low, high = float(x.min()), float(x.max())
    if low < -1.01 or high > 1.01:
        raise ValueError(f"float images must lie in [-1, 1], these reach from {low:.3g} to {high:.3g}")
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)

def tile_images(images, # see `to_pixels`
                columns=None, # by default about as many as rows
                gap=1, # pixels between images
                background=255, # of gaps and empty places
    ): # uint8, [height, width, C]
    "Lay the images out row by row."
    x = to_pixels(images)
    n, h, w, c = x.shape
    columns = min(columns or int(np.ceil(np.sqrt(n))), n)
    rows = -(-n // columns)
    tiled = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), background, np.uint8)
    for i in range(n):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        tiled[top:top + h, left:left + w] = x[i]
    return tiled


# %% [markdown]
# ## Grids

# %%
#| exports
def _lines(text, width, size=9):
    "`text` broken into lines that fit into `width` pixels."
    per_line = max(12, int(width / (0.8 * size)))
    return [line for part in str(text).splitlines() for line in (textwrap.wrap(part, per_line) or [""])]

def _canvas(tiled, scale, title, caption, above=0, left=0, min_width=320, max_width=720):
    "A figure that shows `tiled` with `scale` screen pixels a pixel, room for text, and the axes to draw on."
    height, width = tiled.shape[:2]
    scale = scale or max(1, min(6, max_width // width))
    pad, line = 8, 15
    fig_width = max(width * scale + left + 2 * pad, min_width)
    heading = _lines(title, fig_width - 2 * pad, 10) if title else []
    foot = _lines(caption, fig_width - 2 * pad, 8) if caption else []
    top = pad + line * len(heading) + above
    bottom = pad + line * len(foot)
    fig_height = top + height * scale + bottom + (4 if foot else 0)
    x0 = left + (fig_width - left - width * scale) // 2
    y0 = fig_height - top - height * scale
    with matplotlib.rc_context(course_style):
        fig = CourseFigure(fig_width, fig_height)
        ax = fig.add_axes((x0 / fig_width, y0 / fig_height,
                           width * scale / fig_width, height * scale / fig_height))
        shown = tiled.repeat(scale, axis=0).repeat(scale, axis=1)  # nearest neighbour, by hand
        shown = shown.repeat(3, axis=-1) if shown.shape[-1] == 1 else shown
        ax.imshow(shown, interpolation="none", aspect="auto", extent=(0, width, height, 0))
        ax.set_axis_off()
        fig.text(0.5, 1 - (pad - 2) / fig_height, "\n".join(heading), ha="center", va="top", size=10)
        fig.text(0.5, (pad - 3) / fig_height, "\n".join(foot), ha="center", va="bottom", size=8,
                 color="#333333")
    return fig, ax

def image_grid(images, # uint8, or float in [-1, 1]; [N, H, W, C]
               columns=None, # by default about as many as rows
               title=None, # above the grid
               caption=None, # below it: the data set, the epoch, the seed
               scale=None, # screen pixels per image pixel, a whole number; by default what fits
    ): # a figure
    "Images in rows and columns, one pixel apart, enlarged by a whole number and never smoothed."
    return _canvas(tile_images(images, columns), scale, title, caption)[0]

def save_grid(images, # uint8, or float in [-1, 1]; [N, H, W, C]
              path, # file to write, ending in .png
              columns=None, # as for `image_grid`
              title=None, # as for `image_grid`
              caption=None, # as for `image_grid`
              scale=None, # as for `image_grid`
    ): # `path`
    "Write an image grid as PNG, atomically."
    return save_figure(image_grid(images, columns, title, caption, scale), path)


# %% [markdown]
# ## Curves

# %%
#| exports
def _column(history, name):
    "One quantity over the epochs, NaN where it is missing or not a finite number."
    values = [row.get(name) for row in history]
    values = np.array([np.nan if v is None else v for v in values], dtype=float)
    return np.where(np.isfinite(values), values, np.nan)

def _curve(ax, x, y, **style):
    "A line with gaps where `y` is NaN; points that stand alone get a marker."
    ax.plot(x, y, marker="o" if len(y) <= 15 else None, markersize=3.5, **style)
    known = np.isfinite(np.concatenate([[np.nan], y, [np.nan]]))
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    if len(y) > 15 and alone.any():
        ax.plot(x[alone], y[alone], "o", markersize=3.5, color=style["color"])

def plot_curves(history, # a list of dictionaries, one per epoch, or a `History`
                title=None, # above both panels
                caption=None, # below them
    ): # a figure
    "Left the two losses, right how real the discriminator finds real and generated images."
    history = list(history)
    panels = [("loss", "loss", [("loss_d", "discriminator", dark, "-"), ("loss_g", "generator", light, "--")]),
              ("score", "mean of sigmoid D", [("d_real", "D(x), real", dark, "-"),
                                              ("d_fake", "D(G(z)), generated", light, "--")])]
    epochs = _column(history, "epoch")
    epochs = np.where(np.isfinite(epochs), epochs, np.arange(1, len(history) + 1))
    foot = _lines(caption, 704, 8) if caption else []
    with matplotlib.rc_context(course_style):
        fig = CourseFigure(720, 290 + 15 * len(foot) + (20 if title else 0))
        bottom = (50 + 15 * len(foot)) / (fig.get_figheight() * dpi)
        top = 1 - (45 if title else 25) / (fig.get_figheight() * dpi)
        for i, (name, label, series) in enumerate(panels):
            ax = fig.add_axes((0.08 + 0.5 * i, bottom, 0.405, top - bottom))
            drawn = False
            for key, text, colour, line in series:
                y = _column(history, key)
                if np.isfinite(y).any():
                    _curve(ax, epochs, y, color=colour, linestyle=line, label=text)
                    drawn = True
            ax.set(xlabel="epoch", title=label)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            if name == "score":
                ax.set_ylim(-0.03, 1.03)
                ax.axhline(0.5, color="#666666", linewidth=0.8, linestyle=":")
            if drawn:
                ax.legend(loc="best")
            else:
                ax.text(0.5, 0.5, "not recorded", ha="center", va="center", transform=ax.transAxes,
                        color="#666666")
        if title:
            fig.suptitle(title, size=10)
        fig.text(0.5, 0.01, "\n".join(foot), ha="center", va="bottom", size=8, color="#333333")
    return fig


# %% [markdown]
# ## Strips

# %%
#| exports
def progress_strip(strips, # per epoch the images of the same latents, each [N, H, W, C]
                   labels=None, # one per epoch
                   title=None, # above
                   caption=None, # below
                   scale=None, # as for `image_grid`
                   max_columns=12, # of more epochs, this many are shown, evenly spread
    ): # a figure
    "One row per latent, one column per epoch: what became of the same latent."
    strips = [to_pixels(strip) for strip in strips]
    if not strips:
        raise ValueError("there are no images to draw")
    if len({strip.shape for strip in strips}) > 1:
        raise ValueError(f"every epoch needs images of the same shape, not {[s.shape for s in strips]}")
    labels = [""] * len(strips) if labels is None else [str(label) for label in labels]
    if len(labels) != len(strips):
        raise ValueError(f"{len(strips)} epochs need as many labels, not {len(labels)}")
    if len(strips) > max_columns:
        chosen = np.unique(np.rint(np.linspace(0, len(strips) - 1, max_columns)).astype(int))
        strips, labels = [strips[i] for i in chosen], [labels[i] for i in chosen]
    images = np.stack(strips, axis=1)  # [latents, epochs, H, W, C]
    n, columns, h, w, c = images.shape
    tiled = tile_images(images.reshape(-1, h, w, c), columns)
    fig, ax = _canvas(tiled, scale, title, caption, above=18 if any(labels) else 0)
    for i, label in enumerate(labels):
        ax.annotate(label, (i * (w + 1) + w / 2, 0), xytext=(0, 4), textcoords="offset points",
                    ha="center", va="bottom", size=8, annotation_clip=False)
    return fig

def interpolation_figure(rows, # [R, S, H, W, C] or a list of R arrays [S, H, W, C]
                         title=None, # above
                         caption=None, # below
                         scale=None, # as for `image_grid`
    ): # a figure
    "Each row walks from one latent (left) to another (right)."
    rows = [to_pixels(row) for row in rows]
    if len({row.shape for row in rows}) > 1:
        raise ValueError(f"every row needs images of the same shape, not {[r.shape for r in rows]}")
    return _canvas(tile_images(np.concatenate(rows), len(rows[0])), scale, title, caption)[0]
