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
# - order: 5

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/figures.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/figures.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/figures.ipynb) · [API](../about/api.ipynb#foundations-figures)

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
# **You will be able to** draw images so that what you see is what the network made, read the curves of a training run,
# and name the four ways in which a picture of samples misleads, often without anybody meaning it to.
#
# **You need** the lessons [Data sets](datasets.ipynb) and [Run folders that survive](runs.ipynb).
# **It takes** twenty minutes; no cell runs longer than a few seconds.
#
# A GAN has no test accuracy. For months of a project its pictures *are* the result, so they deserve the care one gives
# to a measurement.

# %%
#| default_exp figures

# %%
#| exports
import base64
import io
import json
import textwrap
from html import escape
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from gan_course.basics import CourseError
from gan_course.runs import atomic_path

# %%
import tempfile

import matplotlib.pyplot as plt

from gan_course.datasets import load_dataset

# %% [markdown]
# ## How a picture lies
#
# Four images from the data set; call it `honest`. Then the same images as a poor [generator](../about/glossary.ipynb#gl-generator) might make them: washed out,
# a fifth of the contrast, all of it in the middle greys.

# %%
data = load_dataset("auto", "test", limit=400)
honest = data.images[:4]
washed_out = (110 + 0.2 * (honest.astype(float) - 110)).astype(np.uint8)
(honest.min(), honest.max()), (washed_out.min(), washed_out.max())

# %% [markdown]
# We draw both as everybody does, with `imshow`. **Predict:** how do the two rows differ?

# %%
#| label: fig-stretched
#| fig-cap: "Above the images, below the same with a fifth of their contrast, both drawn with a plain imshow."
#| fig-alt: "Two rows of four garments in black and white. The rows look the same."
fig, axes = plt.subplots(2, 4, figsize=(5, 2.6))
for row, images in zip(axes, [honest, washed_out]):
    for ax, image in zip(row, images):
        ax.imshow(image[:, :, 0], cmap="gray")
        ax.set_axis_off()
plt.show()

# %% [markdown]
# Not at all. `imshow` stretches each image by itself, from its darkest value to black and from its lightest to white:
# the **first lie**, contrast. A generator that has learnt a fifth of the truth looks perfect.
#
# The next pattern is one that generators with [transposed convolutions](../about/glossary.ipynb#gl-transposed-convolution) really make: a [checkerboard](../about/glossary.ipynb#gl-checkerboard), every second pixel a
# little too light, the next too dark. We put 400 such images into one figure, as one does for an overview. **Predict:**
# will you see the pattern?

# %%
checker = (np.indices((28, 28)).sum(0) % 2 * 2 - 1)[None, :, :, None] # +1 and -1 in turn
artefact = np.clip(data.images.astype(int) // 2 + 64 + 40 * checker, 0, 255).astype(np.uint8)
clean = np.clip(data.images.astype(int) // 2 + 64, 0, 255).astype(np.uint8)
def overview(images): # 20 rows of 20 images
    return images.reshape(-1, 20, 28, 28).transpose(0, 2, 1, 3).reshape(-1, 560)

overview(artefact).shape

# %%
#| label: fig-smoothed
#| fig-cap: "Left the images, right the same images with a strong checkerboard, in a plain overview."
#| fig-alt: "Two fields of several hundred tiny garments side by side, grey and alike; no checkerboard is visible."
fig, axes = plt.subplots(1, 2, figsize=(5.4, 2.7))
for ax, images in zip(axes, [clean, artefact]):
    ax.imshow(overview(images), cmap="gray", vmin=0, vmax=255)
    ax.set_axis_off()
plt.show()

# %% [markdown]
# 560 pixels were squeezed into about 200 on the screen, each the average of its neighbours, and the average of a
# checkerboard is grey: the **second lie**, smoothing. Enlarging by a factor that is not whole is no better: some pixels
# come out wider than others and draw stripes that are not there.
#
# The **third lie** is choice. From a thousand samples one can pick sixteen good ones, without ill will: one runs the
# cell again until the picture is nice. The **fourth** is the missing label: which data, which [epoch](../about/glossary.ipynb#gl-epoch), which [seed](../about/glossary.ipynb#gl-seed)? After a
# week nobody knows, and the picture on the slide is of another run.
#
# The functions below make the four impossible or at least visible. Values keep their grey: 0 is black and 255 white,
# whatever else is in the picture. One image pixel becomes a whole number of screen pixels, and nothing is smoothed.
# Samples are drawn in the order in which they come, from a seed that stands in the caption.
#
# ## One look for all
#
# A restrained style, set in one place. The two colours differ in brightness and the lines in their dashes, so that the
# curves can be told apart in a greyscale print and by readers who see few colours. The figures here never touch
# `pyplot`, hence never open a window, and no list of open figures grows during a long run.

# %%
#| exports
dpi = 100 # pixels per inch of every figure here, so that sizes can be given in pixels
dark, light = "#1f3b73", "#e08a1e" # far apart in brightness: they survive greyscale
course_style = {
    "figure.dpi": dpi, "savefig.dpi": dpi,
    "figure.facecolor": "white", "savefig.facecolor": "white",
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

    def _ipython_display_(self): # else pyplot's own formatter would crop and rescale the figure
        from IPython.display import display
        png = base64.b64encode(figure_png(self)).decode()
        display({"image/png": png, "text/plain": repr(self)}, raw=True)


# %%
def brightness(colour): return matplotlib.colors.to_rgb(colour) @ np.array([0.299, 0.587, 0.114])

assert brightness(light) - brightness(dark) > 0.3, "they differ in greyscale too"
before = len(plt.get_fignums())
fig = CourseFigure(200, 100)
assert len(plt.get_fignums()) == before, "pyplot does not know of it"


# %% [markdown]
# A lesson holds a dozen figures and a run writes one an epoch, so each must be small. Grey pictures need one number a
# pixel and not three; if a figure is still too large, it gets fewer colours, and only then fewer pixels.

# %%
#| exports
def figure_png(fig, # any matplotlib figure
               max_kb=150, # of 1,000 bytes; the file is made smaller until it fits
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
    while len(data) > max_kb * 1000 and min(image.size) > 64:
        data = encode(image.quantize(colours, dither=Image.Dither.NONE))
        if colours > 64:
            colours //= 2
        else:
            image = image.resize([round(0.8 * s) for s in image.size], Image.Resampling.LANCZOS)
    return data


# %%
noise = CourseFigure(700, 700) # the worst case: nothing compresses
noise.figimage(np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8))
simple = CourseFigure(700, 700)
[f"{len(figure_png(fig)) / 1000:.1f} kB" for fig in (noise, simple)]

# %%
assert len(figure_png(noise)) <= 150_000
assert Image.open(io.BytesIO(figure_png(simple))).size == (700, 700)


# %%
#| exports
def save_figure(fig, # any matplotlib figure
                path, # file to write, ending in .png
                max_kb=150, # largest file wanted
    ): # `path`
    "Write a figure as PNG, atomically."
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise CourseError("figures are PNG files: "
                          f"give a name that ends in .png, not {path.name!r}")
    data = figure_png(fig, max_kb)
    with atomic_path(path) as tmp:
        tmp.write_bytes(data)
    fig.clear()
    return path


# %%
toy = Path(tempfile.mkdtemp())
save_figure(CourseFigure(200, 100), toy/"empty.png").name

# %%
with Image.open(toy/"empty.png") as image: assert image.size == (200, 100)
try: save_figure(CourseFigure(200, 100), toy/"empty.jpg") # would blur what we look for
except CourseError as error: assert "PNG" in str(error)
else: raise AssertionError("a lossy format was accepted")


# %% [markdown]
# ## From values to greys
#
# Images arrive as bytes, or as floats in [-1, 1] straight from a generator. One rule turns both into what is drawn. It
# looks at the type and never at the content, so that nothing is stretched. What does not fit is refused: the usual
# mistake is an array with its channels first, as PyTorch has it, or floats in [0, 1] that were scaled once too often.

# %%
#| exports
def to_pixels(images, # uint8, or float in [-1, 1]; [N, H, W, C] with C 1 or 3
    ): # uint8, [N, H, W, C]
    "The images as they are drawn. Refuses what would be drawn wrongly."
    x = np.asarray(images)
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        first = x.ndim == 4 and x.shape[1] in (1, 3)
        hint = " (channels stand first: transpose to [N, H, W, C])" if first else ""
        raise ValueError("images must be [N, H, W, C] with 1 or 3 channels, "
                         f"not {list(x.shape)}{hint}")
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
        raise ValueError("float images must lie in [-1, 1], "
                         f"these reach from {low:.3g} to {high:.3g}")
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)


# %%
greys = np.linspace(-1, 1, 5, dtype=np.float32)
to_pixels(greys.reshape(1, 1, 5, 1)).ravel()

# %%
assert list(to_pixels(greys.reshape(1, 1, 5, 1)).ravel()) == [0, 64, 128, 191, 255]
assert np.array_equal(to_pixels(washed_out), washed_out), "nothing is stretched"
every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
assert np.array_equal(to_pixels(every / 127.5 - 1), every), "there and back, each of the 256 values"
for wrong in [honest[..., 0], honest.transpose(0, 3, 1, 2), honest * 1.0, honest.astype(int)]:
    try: to_pixels(wrong)
    except ValueError as error: print(error)
    else: raise AssertionError("this would have been drawn wrongly")


# %% [markdown]
# Then the images are laid out in rows, with one white pixel between them.

# %%
#| exports
def tile_images(images, # see `to_pixels`
                columns=None, # by default about as many as rows
                gap=1, # pixels between images
                background=255, # of gaps and empty places
    ): # uint8, [height, width, C]
    "Lay the images out row by row."
    x = to_pixels(images)
    n, h, w, c = x.shape
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {columns}; give 1 or more")
    columns = min(columns or int(np.ceil(np.sqrt(n))), n)
    rows = -(-n // columns)
    tiled = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), background, np.uint8)
    for i in range(n):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        tiled[top:top + h, left:left + w] = x[i]
    return tiled


# %%
tile_images(data.images[:36]).shape, tile_images(data.images[:5], columns=3).shape

# %%
six = tile_images(data.images[:5], columns=3)
assert six.shape == (28 + 1 + 28, 28 + 1 + 28 + 1 + 28, 1)
assert np.array_equal(six[29:, 29:57], data.images[4]), "the fifth image, second row, second place"
assert (six[29:, 58:] == 255).all() and (six[28] == 255).all(), "empty places and gaps are white"


# %% [markdown]
# ## Grids
#
# A figure around the tiles, with room for a title above and a caption below. The figure's size follows from the tiles,
# not the other way round: that is how each image pixel comes to be exactly `scale` × `scale` screen pixels.

# %%
#| exports
def _lines(text, width, size=9):
    "`text` broken into lines that fit into `width` pixels."
    per_line = max(12, int(width / (0.8 * size)))
    return [line for part in str(text).splitlines()
            for line in (textwrap.wrap(part, per_line) or [""])]

def _canvas(tiled, scale, title, caption, above=0, left=0, min_width=320, max_width=720):
    "A figure that shows `tiled` at `scale` screen pixels a pixel, with text; and its axes."
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
        inset = 1e-4 # or matplotlib before 3.8 may round an edge to the next pixel outside
        ax = fig.add_axes(((x0 + inset) / fig_width, (y0 + inset) / fig_height,
                           (width * scale - 2 * inset) / fig_width,
                           (height * scale - 2 * inset) / fig_height))
        shown = tiled.repeat(scale, axis=0).repeat(scale, axis=1)  # nearest neighbour, by hand
        shown = shown.repeat(3, axis=-1) if shown.shape[-1] == 1 else shown
        ax.imshow(shown, interpolation="none", aspect="auto", extent=(0, width, height, 0))
        ax.set_axis_off()
        fig.text(0.5, 1 - (pad - 2) / fig_height, "\n".join(heading), ha="center", va="top",
                 size=10)
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
# The washed-out images once more, with our own function:

# %%
#| label: fig-honest
#| fig-cap: "The same eight images as in @fig-stretched, drawn by image_grid."
#| fig-alt: "Two rows of four garments. The first row is in full black and white, the second row is flat grey on grey."
image_grid(np.concatenate([honest, washed_out]), columns=4,
           caption=f"{data.name}, test images 0 to 3; below with a fifth of the contrast")

# %% [markdown]
# And the checkerboard, in a grid of 36. The left half of each row has the artefact, the right half has not.

# %%
#| label: fig-checker
#| fig-cap: "Three images with the checkerboard and three without in each row."
#| fig-alt: "A grid of 36 garments on grey. The three images on the left of each row are covered by a fine checkerboard; the three on the right are smooth."
mixed = np.concatenate([part for i in range(6)
                        for part in (artefact[6 * i:6 * i + 3], clean[6 * i + 3:6 * i + 6])])
grid = image_grid(mixed, caption=f"{data.name}, test images 0 to 35, not chosen")
grid


# %% [markdown]
# That nothing was smoothed or stretched can be tested, and not just looked at: the greys in the finished file are
# exactly those of the images, each a block of its own.

# %%
def greys_in(png): return set(np.unique(np.asarray(Image.open(png).convert("L"))))

save_grid(artefact[:2], toy/"two.png", scale=4)
with Image.open(toy/"two.png") as image: picture = np.asarray(image.convert("L"))
left = (picture.shape[1] - 57 * 4) // 2
drawn = picture[8:8 + 28 * 4, left:left + 28 * 4]
assert np.array_equal(drawn, artefact[0, :, :, 0].repeat(4, axis=0).repeat(4, axis=1))
assert greys_in(toy/"two.png") == set(np.unique(artefact[:2])) | {255}


# %% [markdown]
# ## Curves
#
# While a GAN trains, four numbers say most: the two losses, and what the [discriminator](../about/glossary.ipynb#gl-discriminator) thinks on average of real images,
# D(x), and of generated ones, D(G(z)), both as probabilities between 0 and 1.

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
    panels = [("loss", "loss", [("loss_d", "discriminator", dark, "-"),
                                ("loss_g", "generator", light, "--")]),
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
# To learn to read them, here are three runs *made up from formulas*, one healthy and two not. For the standard loss, a
# discriminator that can no longer tell the images apart answers one half to all of them, and the generator's loss is
# then log 2 ≈ 0.69. A healthy run comes near that from both sides and stays a little apart: the discriminator should
# keep being right more often than not, because a generator learns from it only what it knows.

# %%
epochs, wobble = np.arange(1, 31), np.random.default_rng(0).normal(size=(4, 30))

def made_up(d_real, d_fake):
    "A history with these scores, and losses −log D(x) − log(1 − D(G(z))) and −log D(G(z))."
    d_real, d_fake = np.clip(d_real, 0.004, 0.996), np.clip(d_fake, 0.004, 0.996)
    return [dict(epoch=int(e), d_real=r, d_fake=f,
                 loss_d=-np.log(r) - np.log(1 - f), loss_g=-np.log(f))
            for e, r, f in zip(epochs, d_real, d_fake)]

settling = np.exp(-epochs / 4)
healthy = made_up(0.58 + 0.35 * settling + 0.01 * wobble[0],
                  0.42 - 0.35 * settling + 0.01 * wobble[1])
{name: round(float(value), 2) for name, value in healthy[-1].items()}

# %%
assert abs(made_up(np.full(30, 0.5), np.full(30, 0.5))[0]["loss_g"] - np.log(2)) < 1e-12

# %%
#| label: fig-healthy
#| fig-cap: "Made up: a healthy run."
#| fig-alt: "Left, discriminator loss rises to about 1.1 and generator loss falls from above 2 to about 0.9. Right, D(x) falls from 0.85 to just under 0.6 and D(G(z)) rises from 0.15 to just over 0.4; they do not meet."
plot_curves(healthy, title="Healthy: close, and a little apart",
            caption="made up from formulas, not measured")

# %% [markdown]
# **Predict:** what will the curves look like if the discriminator wins outright, so that it is always right and always
# sure? And if the two chase each other, the generator jumping from one kind of image to the next?

# %%
#| label: fig-won
#| fig-cap: "Made up: the discriminator has won."
#| fig-alt: "Left, discriminator loss sinks to zero while generator loss climbs above 5. Right, D(x) is at 1 and D(G(z)) at 0."
plot_curves(made_up(0.995 - 0.3 * settling, 0.005 + 0.3 * settling),
            title="The discriminator has won", caption="made up from formulas, not measured")

# %%
#| label: fig-chase
#| fig-cap: "Made up: the two chase each other."
#| fig-alt: "All four curves swing up and down with a period of about six epochs and growing amplitude; D(x) and D(G(z)) cross again and again."
swing = 0.01 * epochs * np.sin(epochs)
plot_curves(made_up(0.55 + swing, 0.45 - swing), title="Chasing each other",
            caption="made up from formulas, not measured")

# %% [markdown]
# In the second, the generator's loss grows while the pictures hardly change: with D(G(z)) at zero there is next to
# nothing to learn from. In the third, D(G(z)) again and again rises above D(x): the discriminator is fooled by one kind
# of image, learns it, and is fooled by the next. Note what none of the curves shows: whether the *images* are good. A
# loss compares the two networks with each other and with nothing outside. Two beginners can be as evenly matched as two
# masters.
#
# Runs that are interrupted, or measure something only every few epochs, leave gaps. They stay gaps:

# %%
gappy = [dict(row) for row in healthy]
for row in gappy[10:20]: row["loss_g"] = None
axes = plot_curves(gappy).axes
generator_line = next(line for line in axes[0].lines if line.get_label() == "generator")
assert np.isnan(generator_line.get_ydata()[10:20]).all(), "no line across what was not measured"
assert {line.get_linestyle() for line in axes[0].lines} == {"-", "--"}, "they differ without colour"


# %% [markdown]
# ## The same latents, epoch after epoch
#
# To see how samples change, one is tempted to draw new ones after each epoch. Then two things change at once, the
# network and the [latents](../about/glossary.ipynb#gl-latent), and nobody can say which made the difference. So every run keeps a few latents from its first
# epoch to its last, and draws the images of these.
#
# We have no generator yet. As a stand-in we let real images come out of fog: after epoch $e$ of 30, the share
# $e/30$ of an image and the rest noise.

# %%
#| exports
def progress_strip(strips, # per epoch the images of the same latents, each [N, H, W, C]
                   labels=None, # one per epoch
                   title=None, # above
                   caption=None, # below
                   scale=None, # as for `image_grid`, but at most 3 by default
                   max_columns=12, # of more epochs, this many are shown, evenly spread
    ): # a figure
    "One row per latent, one column per epoch: what became of the same latent."
    strips = [to_pixels(strip) for strip in strips]
    if not strips:
        raise ValueError("there are no images to draw")
    if len({strip.shape for strip in strips}) > 1:
        raise ValueError("every epoch needs images of the same shape, "
                         f"not {[s.shape for s in strips]}")
    labels = [""] * len(strips) if labels is None else [str(label) for label in labels]
    if len(labels) != len(strips):
        raise ValueError(f"{len(strips)} epochs need as many labels, not {len(labels)}")
    if len(strips) > max_columns:
        chosen = np.unique(np.rint(np.linspace(0, len(strips) - 1, max_columns)).astype(int))
        strips, labels = [strips[i] for i in chosen], [labels[i] for i in chosen]
    images = np.stack(strips, axis=1)  # [latents, epochs, H, W, C]
    n, columns, h, w, c = images.shape
    tiled = tile_images(images.reshape(-1, h, w, c), columns)
    scale = scale or max(1, min(3, 720 // tiled.shape[1]))
    fig, ax = _canvas(tiled, scale, title, caption, above=18 if any(labels) else 0)
    for i, label in enumerate(labels):
        ax.annotate(label, (i * (w + 1) + w / 2, 0), xytext=(0, 4), textcoords="offset points",
                    ha="center", va="bottom", size=8, annotation_clip=False)
    return fig


# %%
rng = np.random.default_rng(0)
fog = rng.integers(0, 256, data.images[:4].shape)
strips = [(e / 30 * data.images[:4] + (1 - e / 30) * fog).astype(np.uint8) for e in range(1, 31)]

# %%
#| label: fig-strip
#| fig-cap: "A progress strip. One row is one latent, one column one epoch. The images are a stand-in."
#| fig-alt: "Four rows of twelve images under the epoch numbers 1 to 30. From left to right a garment comes out of noise in each row, and stays the same garment."
progress_strip(strips, labels=range(1, 31), title="The same latents across epochs",
               caption=f"{data.name}: real images out of noise, in place of a generator")

# %% [markdown]
# What to look for: a row that *settles* belongs to a network that is converging; a row that turns from a boot into a
# shirt and back belongs to one that is going round in circles, however good each single image looks.

# %%
shown = progress_strip(strips, labels=range(1, 31))
labels = [text.get_text() for text in shown.axes[0].texts]
assert len(labels) == 12 and labels[0] == "1" and labels[-1] == "30", "first and last are shown"
try: progress_strip(strips, labels=[1, 2])
except ValueError as error: assert "as many labels" in str(error)
else: raise AssertionError("labels that do not fit were accepted")


# %% [markdown]
# ## From one latent to another
#
# The last figure asks what lies *between* two samples. It draws a row of images whose latents lie on the way from one
# to the other. A generator that has understood something makes a garment of every point on the way. One that has only
# learnt its examples [by heart](../about/glossary.ipynb#gl-memorising) does what we can do without a network, and what you should learn to recognise: it fades
# from one image to the other.

# %%
#| exports
def interpolation_figure(rows, # [R, S, H, W, C] or a list of R arrays [S, H, W, C]
                         title=None, # above
                         caption=None, # below
                         scale=None, # as for `image_grid`
    ): # a figure
    "Each row walks from one latent (left) to another (right)."
    rows = [to_pixels(row) for row in rows]
    if not rows:
        raise ValueError("there are no images to draw")
    if len({row.shape for row in rows}) > 1:
        raise ValueError("every row needs images of the same shape, "
                         f"not {[r.shape for r in rows]}")
    return _canvas(tile_images(np.concatenate(rows), len(rows[0])), scale, title, caption)[0]


# %%
def fade(a, b, steps=8):
    return np.stack([(1 - t) * a + t * b for t in np.linspace(0, 1, steps)]).astype(np.uint8)

pairs = [(0, 1), (2, 4), (6, 8)]
rows = [fade(data.images[i], data.images[j]) for i, j in pairs]

# %%
#| label: fig-fade
#| fig-cap: "Fading from one image to another: what an interpolation should not look like."
#| fig-alt: "Three rows of eight images. In the middle of each row both garments are visible at once, each half transparent, like a double exposure."
interpolation_figure(rows, title="A fade, not an interpolation of latents",
                     caption=f"{data.name}, test images")

# %%
assert np.array_equal(rows[0][0], data.images[0]) and np.array_equal(rows[0][-1], data.images[1])
assert interpolation_figure(rows, scale=2).bbox.width == 8 * 29 * 2 - 2 + 16, "a row is a row"


# %% [markdown]
# ## Leaves to turn
#
# Some things are best seen one after the other: what changes when a weight grows, or while a network learns. A slider on a
# page usually needs a program that answers it. Here all pictures lie in the page beforehand, and the slider only chooses which of
# them is seen; so it works on the rendered site, with nothing running. Where scripts are not allowed, in a notebook that is
# not trusted for example, the first picture stays. So a page that needs the others shows them side by side as well.

# %%
#| exports
class Flipbook:
    "Pictures, one at a time, and a slider to choose; see `flipbook`."
    def __init__(self, frames, labels, what, alt):
        self.frames, self.labels, self.what, self.alt = frames, labels, what, alt

    def _repr_html_(self):
        hidden = [""] + [" hidden"] * (len(self.frames) - 1)
        images = "".join(
            f'<img alt="{escape(f"{self.alt} ({label})")}" style="max-width:100%"{hide} '
            f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            for png, label, hide in zip(self.frames, self.labels, hidden))
        turn = ("const all = this.closest('.flipbook'), i = this.value;"
                "all.querySelectorAll('img').forEach((leaf, j) => leaf.hidden = j != i);"
                "const name = JSON.parse(this.dataset.labels)[i];"
                "all.querySelector('output').textContent = name; this.ariaValueText = name")
        labels = escape(json.dumps(self.labels, ensure_ascii=False))
        return (f'<div class="flipbook">{images}<div><label>{escape(self.what)} <input '
                'type="range" min="0" '
                f'max="{len(self.frames) - 1}" value="0" data-labels="{labels}" '
                f'oninput="{escape(turn)}"></label> '
                f'<output>{escape(self.labels[0])}</output></div></div>')

def flipbook(figures, # matplotlib figures of one size, one for each leaf
             labels, # a text for each: what the slider shows
             what, # a word or two before the slider
             alt, # what is seen on the leaves
             max_kb=40, # of each leaf
    ): # shows itself in a notebook and on the site
    "Pictures to be turned with a slider that needs nothing but the page."
    figures, labels = list(figures), [str(label) for label in labels]
    if not figures or len(figures) != len(labels):
        raise ValueError(f"{len(figures)} figures and {len(labels)} labels: give one label for "
                         "each, and at least one")
    return Flipbook([figure_png(fig, max_kb) for fig in figures], labels, what, alt)


# %%
def waving(phase):
    fig = CourseFigure(320, 160)
    ax = fig.add_axes((0.12, 0.16, 0.84, 0.8))
    ax.plot(np.sin(np.linspace(0, 12, 100) + phase), color=dark)
    ax.set(ylim=(-1.1, 1.1))
    return fig

book = flipbook([waving(i) for i in range(4)], [f"phase {i}" for i in range(4)], "phase",
                alt="A wave that moves to the left")
book

# %%
text = book._repr_html_()
assert text.count("<img alt=") == 4 and text.count(" hidden") == 3 and "phase 0</output>" in text
assert "<script" not in text and "http" not in text and " id=" not in text, (
    "nothing from elsewhere, and as often on a page as you like")

# %% [markdown]
# ## Exercises
#
# Each check accepts your answer or names the likely mistake. Write your own cell before you unfold the solution.

# %%
from gan_course.exercises.figures import check_enlarge, check_same_latents, check_verdict


# %% [markdown]
# ### 1. Enlarge without smoothing
#
# Write `enlarge(images, factor)` for `uint8` images [N, H, W, C] and a whole factor: each pixel becomes a square of
# `factor` × `factor` equal pixels. Use numpy only.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def enlarge(images, factor):
    return images.repeat(factor, axis=1).repeat(factor, axis=2)

check_enlarge(enlarge)


# %% [markdown]
# ### 2. A strip that can be trusted
#
# Write `record(generate, epochs, num, size, seed)`. In each of `epochs` epochs it calls `generate(epoch, z)` once, with
# the same `num` latents of length `size` drawn from a standard normal distribution with `seed`, and it returns the list
# of what was generated. `generate` may change `z`; what you keep must not change with it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def record(generate, epochs, num, size, seed):
    z = np.random.default_rng(seed).standard_normal((num, size))
    return [generate(epoch, z.copy()) for epoch in range(epochs)]

check_same_latents(record)


# %% [markdown]
# ### 3. A first look, by machine
#
# Write `verdict(history)` for a list of rows with `d_real` and `d_fake`. From the mean of the last five epochs it
# answers `"discriminator won"` when D(x) is above 0.95 and D(G(z)) below 0.05; `"discriminator fooled"` when D(G(z)) is
# above D(x); and else `"balanced"`. Values that were not measured are `None`; if all five of either are missing, the
# answer is `"unknown"`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def verdict(history):
    def mean(name):
        values = [row[name] for row in history[-5:] if row.get(name) is not None]
        return sum(values) / len(values) if values else None
    real, fake = mean("d_real"), mean("d_fake")
    if real is None or fake is None: return "unknown"
    if real > 0.95 and fake < 0.05: return "discriminator won"
    return "discriminator fooled" if fake > real else "balanced"

check_verdict(verdict)

# %% [markdown]
# ## What to remember
#
# - A picture of samples is a measurement: fixed greys, whole-number scale, no smoothing, no choosing, a caption.
# - Losses compare the two networks with each other. Only images, and numbers computed from images, say how good they are.
# - Keep the same latents from the first epoch to the last.
#
# **What goes wrong in practice, and how to see it.** All samples look grey or inverted: floats in [0, 1] were drawn as if
# they lay in [-1, 1]; print the minimum and the maximum. Colours are odd: a single channel went through `imshow` without
# `cmap`, or the channels stand first. A moiré pattern comes and goes when you resize the window: the screen scales, not
# the network; look at the file at 100 %. The grid in the notebook is better than the one in the folder: it was run again
# until it was. Losses look perfectly steady and the samples are noise: look at D(x) and D(G(z)), which may both be 0.5
# because the discriminator has learnt nothing.
#
# **References.** Checkerboards: A. Odena, V. Dumoulin and C. Olah [-@odena2016checkerboard], *Deconvolution and checkerboard artifacts*, Distill. The value ½ of the optimal discriminator: I. Goodfellow et al. [-@goodfellow2014gan], *Generative adversarial nets*, NeurIPS,
# proposition 1 and theorem 1. Interpolating latents to tell learning from memorising: A. Radford, L. Metz and
# S. Chintala [-@radford2015dcgan], *Unsupervised representation learning with deep convolutional GANs*, ICLR, section 6.1. Figures in
# general: E. Tufte [-@tufte1983display], *The visual display of quantitative information*.
