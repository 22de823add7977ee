# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Results
#
# > What every track's full run gives, with floors and intervals, from the runs' own files; and how to ask the same of yours
#
# - order: 110

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/about/results.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/about/results.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/about/results.ipynb) · [API](../about/api.ipynb#about-results)

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
# **You will be able to** give a finished run its numbers, and put several runs into one table without copying a single figure by hand.
#
# **You need** [the metrics](../foundations/metrics.ipynb), and the run folder of some track. **It takes** fifteen minutes.
#
# ```
# gan-course evaluate --run artifacts/pytorch_gan   writes evaluation.json and evaluation.png there
# gan-course report results                         a table and grids of all run folders in results
# ```

# %%
#| default_exp results

# %%
#| exports
import hashlib
import shutil
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pooch

import gan_course
from gan_course import figures
from gan_course.basics import CourseError
from gan_course.evaluate import PixelFrechet
from gan_course.features import JUDGES, judge_of
from gan_course.metrics import (PUBLISHED, Reference, evaluation_figure, flags, frechet,
                                inception_features)
from gan_course.runs import RunFolder, atomic_path, cores_in_words, read_json, write_json

# %%
import tempfile

from IPython.display import Markdown

# %%
from gan_course.basics import budget
from gan_course.datasets import load_dataset


# %% [markdown]
# ## One run
#
# A number without its circumstances cannot be compared with anything. So the file says what was compared with what: how many samples, from which
# [seed](glossary.ipynb#gl-seed), against which data set with which [checksum](glossary.ipynb#gl-checksum), seen [by which judge](glossary.ipynb#gl-judge). Where no judge fits, for images of another size or a data set without
# one, only the [pixel distance](../foundations/evaluate.ipynb) is given.
#
# As many test images as samples make the [floor](glossary.ipynb#gl-floor). The flowers have only 398; a floor of 398 beside 10,000 samples would compare two biases, so by default there
# are never more samples than test images.

# %%
#| exports
def fitting_judge(name, shape): # of a data set and its images
    "The judge for such images, or None."
    judge = judge_of(name) if name in JUDGES else None
    return judge if judge and judge.shape == tuple(shape) else None

def feature_file(judge, dataset):
    "Where `remembered` keeps what a judge says of a data set, in the user's cache."
    what = f"{judge.sha256} {dataset.checksum} {dataset.images.shape}"
    return (Path(pooch.os_cache("gan_course"))/"features"
            /f"{dataset.name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npz")

def reference_of(judge, train, test, # `Dataset`s
                 keep=True): # the features of the training set in a file
    "The `Reference` of a data set."
    return Reference(judge, train.images, test.images,
                     keep=feature_file(judge, train) if keep else None)

def evaluate_images(images, # uint8 [N, H, W, C]
                    train, test, # `Dataset`s
                    reference=None) -> dict: # a `Reference`, or None: no judge fits
    "What is known of samples, as `evaluation.json` holds it."
    pixels = PixelFrechet(train.images)
    few = test.images[:max(len(images), pixels.components + 1)]
    found = dict(num=len(images), dataset=train.name,
                 train=dict(images=len(train), checksum=train.checksum),
                 test=dict(images=len(test), checksum=test.checksum),
                 pixel_frechet=dict(value=pixels.distance(images), floor=pixels.distance(few)),
                 judge=None, metrics=None, flags=[], version=gan_course.__version__)
    if reference is None: return found
    metrics = reference(images)
    return found | dict(judge=dict(name=train.name, sha256=reference.judge.sha256), metrics=metrics,
                        flags=flags(metrics))


# %%
train, test = (load_dataset("garments", split, limit=budget(4000, fast=1200))
               for split in ("train", "test"))
judge = fitting_judge(train.name, train.images.shape[1:])
reference = reference_of(judge, train, test, keep=False)
real = evaluate_images(test.images, train, test, reference)
noise = evaluate_images(np.random.default_rng(0).integers(0, 256, test.images.shape,
                                                          dtype=np.uint8), train, test, reference)
for name, found in (("test images", real), ("noise", noise)):
    m = found["metrics"]["frechet"]
    print(f"{name:12} Fréchet distance {m['value']:.2f} (floor {m['floor']:.2f}); "
          f"{'; '.join(found['flags']) or 'nothing to flag'}")

# %% [markdown]
# Real images, taken for samples, get the floor: the evaluation is not fooled, and neither does it find fault with perfection.

# %%
assert (real["metrics"]["frechet"]["value"] == real["metrics"]["frechet"]["floor"]
        and real["flags"] == [])
assert any("precision" in line for line in noise["flags"])
assert (fitting_judge("garments", (32, 32, 1)) is None
        and fitting_judge("blossoms", (64, 64, 3)) is None)


# %% [markdown]
# `evaluate_run` writes both files, the numbers and the page. Published [FIDs](glossary.ipynb#gl-fid) for Fashion-MNIST rest on [another network](../foundations/metrics.ipynb#the-network-everybody-uses-and-why-not-here); `features="inception"` adds
# one, under a name of its own, with the published ones beside it. It counts in another process, as PyTorch and TensorFlow do not always
# bear each other.

# %%
#| exports
def in_own_process(function, *arguments):
    "What the function returns, or the `CourseError` it raises, from a fresh Python."
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()

def inception_frechet(images, test): # uint8 [N, H, W, C]; a `Dataset`
    "FID by the published protocol: samples against the test images."
    both = in_own_process(inception_features, np.concatenate([images, test.images]))
    return dict(value=frechet(both[len(images):], both[:len(images)])[0], num=len(images),
                against="test", published=PUBLISHED)

def evaluate_run(run, # a run folder, or its path
                 images, # samples, uint8 [N, H, W, C]
                 train, test, # `Dataset`s
                 features="judge", # or "pixels", "inception"
                 **about) -> dict: # what else to note: seed, which weights
    "Write evaluation.json and evaluation.png. Returns what stands in the former."
    folder = run if isinstance(run, RunFolder) else RunFolder(run, create=False)
    judge = None if features == "pixels" else fitting_judge(train.name, train.images.shape[1:])
    # first: it may fail
    inception = inception_frechet(images, test) if features == "inception" else None
    found = about | evaluate_images(images, train, test,
                                    reference_of(judge, train, test) if judge else None)
    if inception: found["inception_frechet"] = inception
    write_json(folder.path/"evaluation.json", found)
    caption = f"{folder.path.name}: {len(images):,} images against {train.name}"
    page = (evaluation_figure(images, found["metrics"], caption) if judge
            else figures.image_grid(images[:64], columns=8, caption=caption))
    figures.save_figure(page, folder.path/"evaluation.png")
    return found

def in_words(found) -> list[str]: # what `evaluate_run` returned
    "The numbers as lines of text."
    p = found["pixel_frechet"]
    lines = [f"pixel Fréchet distance {p['value']:.3f} (test images: {p['floor']:.3f})"]
    for name, row in (found["metrics"] or {}).items():
        lines.append(f"{name:16}{row['value']:9.3f}  ({row['low']:.3f} to {row['high']:.3f}), "
                     f"floor {row['floor']:.3f}")
    lines += [f"! {line}" for line in found["flags"]]
    if "inception_frechet" in found:
        lines += [f"FID (Inception features, {found['inception_frechet']['num']:,} samples against "
                  f"the test images) {found['inception_frechet']['value']:.1f}",
                  "published (Lucic et al. 2018): "
                  + ", ".join(f"{name} {value}" for name, value in PUBLISHED.items())]
    return lines

def compared(found) -> list[str]: # name -> what `evaluate_run` returned
    """The nine numbers of several runs as lines of text, each with its interval; the floor, which
    has to be the same for all, stands last."""
    if lacking := [name for name, one in found.items() if not one["metrics"]]:
        raise CourseError(f"{', '.join(lacking)} has no judge's numbers; evaluate it with one")
    every = [one["metrics"] for one in found.values()]
    if len({repr([(name, row["floor"]) for name, row in one.items()]) for one in every}) > 1:
        raise CourseError("the floors differ: runs are compared by the same judge, against the "
                          "same images, with as many samples")
    columns = [["", *every[0]]]
    for name, rows in zip(found, every):
        columns.append([f"{name:>8}{'95 %':>20}"] + [
            f"{m['value']:>8.3f}  ({m['low']:>6.3f} to {m['high']:>6.3f})" for m in rows.values()])
    columns.append(["floor", *(f"{m['floor']:>8.3f}" for m in every[0].values())])
    widths = [max(map(len, column)) for column in columns]
    return [name.ljust(max(widths[0] + 1, 16))
            + "".join(cell.rjust(width) for cell, width in zip(cells, widths[1:]))
            for name, *cells in zip(*columns)]



# %%
with tempfile.TemporaryDirectory() as folder:
    static = np.random.default_rng(1).integers(0, 256, (200, 28, 28, 1), dtype=np.uint8)
    found = evaluate_run(RunFolder(Path(folder)/"noise"), static, train, test,
                         features="pixels", seed=1)
    written = sorted(path.name for path in (Path(folder)/"noise").glob("evaluation.*"))
print("\n".join([*in_words(found), *written]))

# %%
assert (written == ["evaluation.json", "evaluation.png"] and found["seed"] == 1
        and found["metrics"] is None)

# %% [markdown]
# Two evaluations side by side, as the labs print them. With equally many samples all have the same floor; `compared` refuses others.

# %%
print("\n".join(compared({"test images": real, "noise": noise})))


# %% [markdown]
# ## Many runs
#
# The table reads three files of each folder: `config.json`, `metrics.json` and `evaluation.json`. Nothing is typed by hand, so nothing can be mistyped,
# and what a run lacks stays empty. Runs that differ only in their seed form a group: the headline is their median, with the lowest and the
# highest beside it.

# %%
#| exports
def run_folders(paths) -> list[Path]: # run folders, or folders of run folders
    "All run folders in the order given. `CourseError` where there is none."
    found = []
    for path in map(Path, paths):
        inside = ([path] if (path/"metrics.json").exists()
                  else sorted(p.parent for p in path.glob("*/metrics.json")))
        if not inside:
            raise CourseError(f"there is no run in {path}; give a run folder, or a "
                              "folder that holds some")
        found += inside
    return found

def summary(path) -> dict: # of a run folder
    """What the table says of a run, name -> value; None for what it lacks. `CourseError` for files
    that are no run's."""
    folder = RunFolder(path, create=False)
    saved, metrics = folder.load_config(), folder.load_metrics()
    found = (read_json(folder.path/"evaluation.json")
             if (folder.path/"evaluation.json").exists() else {})
    try:
        p, config = metrics["provenance"], saved["config"]
        size = metrics.get("parameters") or {}
        row = dict(run=folder.path.name, track=metrics["track"], recipe=metrics.get("recipe"),
                   dataset=p["dataset"], seed=p["seed"], epochs=p["epochs"],
                   images_seen=p["images_seen"], minutes=p["seconds"] / 60,
                   images_per_second=p["images_per_second"],
                   generator=size.get("generator"), discriminator=size.get("discriminator"),
                   processor=f"{p['device']}, {p['processor']}, {cores_in_words(p['cores'])}",
                   precision_format=metrics.get("precision"), fast=p["fast"],
                   num=found.get("num"),
                   pixel_frechet=(found.get("pixel_frechet") or {}).get("value"))
        row["settings"] = {name: value for name, value in config.items()
                           if name not in ("seed", "out", "data_dir", "progress", "tensorboard",
                                           "precision")} # whether asked for or found by auto
        for name in ("frechet", "precision", "recall", "coverage", "copied"):
            row[name] = (found.get("metrics") or {}).get(name)
        return row
    except (KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{folder.path} holds files that this version cannot read "
                          f"({type(error).__name__}: {error}); train anew") from None

def number(value, digits=2):
    "As text, empty for None."
    return "" if value is None else f"{value:,.{digits}f}"

def table(head, rows): # lists of texts
    "Markdown."
    return [f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows]]

def headline(rows): # with equal settings but for the seed
    "The Fréchet distance of a group: median, lowest to highest."
    values = [row["frechet"]["value"] for row in rows if row["frechet"]]
    if not values: return ""
    text = f"**{statistics.median(values):.2f}**"
    return text + (f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else "")

def groups_of(rows) -> list[list[dict]]:
    "Lists of rows that differ only in their seed."
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["track"], row["dataset"], row["precision_format"],
                           repr(sorted(row["settings"].items()))), []).append(row)
    return list(groups.values())

def headlines(rows): # of `summary`
    "A line for each group of seeds."
    return table(["track", "recipe", "data", "images seen", "seeds", "Fréchet distance, median",
                  "floor"],
                 [[g[0]["track"], g[0]["recipe"] or "", g[0]["dataset"],
                   number(g[0]["images_seen"], 0), str(len(g)), headline(g),
                   number((g[0]["frechet"] or {}).get("floor"))] for g in groups_of(rows)])

def qualities(rows):
    "A line for each run: the distance with its interval, the others with their floors."
    def interval(m): return f"{m['value']:.2f} ({m['low']:.2f} to {m['high']:.2f})" if m else ""
    def floored(m): return f"{m['value']:.3f} ({m['floor']:.3f})" if m else ""
    shares = "precision", "recall", "coverage", "copied"
    return table(["run", "seed", "samples", "Fréchet distance",
                  *(f"{name} (floor)" for name in shares), "pixels"],
                 [[r["run"], str(r["seed"]), number(r["num"], 0), interval(r["frechet"]),
                   *(floored(r[name]) for name in shares),
                   number(r["pixel_frechet"])] for r in rows])

def costs(rows):
    "A line for each run: what it took."
    return table(["run", "epochs", "minutes", "images/s", "parameters of G", "of D", "processor"],
                 [[r["run"], str(r["epochs"]), number(r["minutes"], 1),
                   number(r["images_per_second"], 0), number(r["generator"], 0),
                   number(r["discriminator"], 0),
                   ", ".join(filter(None, [r["processor"], r["precision_format"],
                                           "fast" if r["fast"] else ""]))] for r in rows])

def report(paths) -> list[str]: # as for `run_folders`
    "The three tables in Markdown, as lines."
    rows = [summary(path) for path in run_folders(paths)]
    return [*headlines(rows), "", *qualities(rows), "", *costs(rows)]


# %% [markdown]
# Pictures belong beside numbers, and compared fairly: not after equal [epochs](glossary.ipynb#gl-epoch) or minutes, but after as many real images seen. Each run keeps the samples
# of its [progress strip](glossary.ipynb#gl-progress-strip) in `progress.npz`, eight [latents](glossary.ipynb#gl-latent) after each epoch; the page shows four of them, for the first run of each group.

# %%
#| exports
MARKS = 60_000, 300_000, 600_000, 1_200_000, 1_800_000 # images seen

def strips_of(path): # of a run folder
    """Samples [epochs, 8, H, W, C] and how many images had been seen, [epochs]; None if the run
    kept none."""
    try:
        with np.load(Path(path)/"progress.npz") as file: return file["strips"], file["images_seen"]
    except FileNotFoundError: return None
    except Exception as error:
        raise CourseError(f"{Path(path)/'progress.npz'} cannot be read "
                          f"({type(error).__name__}); remove it") from None

def grids_figure(paths, # run folders of one data set
                 marks=MARKS): # images seen
    "Rows: runs; columns: samples after so many images. None if no run has any."
    found = [(Path(path).name, strips_of(path)) for path in paths]
    found = [(name, *strips) for name, strips in found if strips is not None]
    marks = [mark
             for mark in marks
             if any(seen[0] <= mark * 1.02 and mark <= seen[-1] * 1.02 for _, _, seen in found)]
    if not marks: return None
    fig = figures.CourseFigure(40 + 175 * len(marks), 30 + 195 * len(found))
    for i, axes in enumerate(fig.subplots(len(found), len(marks), squeeze=False)):
        name, strips, seen = found[i]
        for ax, mark in zip(axes, marks):
            ax.set(xticks=[], yticks=[], box_aspect=1) # the empty ones too: titles on a line
            ax.spines[:].set_visible(False)
            if ax is axes[0]: ax.set_ylabel(name, size=8)
            if not i: ax.set_title(f"{mark:,} images", size=9)
            at = np.flatnonzero(seen <= mark * 1.02)
            if not len(at) or seen[-1] * 1.02 < mark: continue
            tile = figures.tile_images(strips[at[-1]][:4], columns=2)
            ax.imshow(tile.repeat(3, axis=-1) if tile.shape[-1] == 1 else tile,
                      interpolation="none")
    fig.tight_layout()
    return fig


# %% [markdown]
# A [run folder](glossary.ipynb#gl-run-folder) with its [checkpoints](glossary.ipynb#gl-checkpoint) takes tens of megabytes; what the tables and the grids need of it takes a few hundred kilobytes. `abridge` copies just that, and so the runs behind
# this page can stand in the repository, in `nbs/results`.

# %%
#| exports
def abridge(run, # a run folder
            to, # the folder to write
            # after how many images seen samples are kept; also the last ones
            marks=MARKS) -> Path:
    "Copy what `report` and `grids_figure` need. Returns the new folder."
    run, to = Path(run), Path(to)
    summary(run) # is it a run, and readable?
    to.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "metrics.json", "evaluation.json", "evaluation.png"):
        if (run/name).exists(): shutil.copyfile(run/name, to/name)
    if (strips := strips_of(run)) is not None:
        pictures, seen = strips
        rows = sorted({int(np.flatnonzero(seen <= mark * 1.02)[-1])
                       for mark in marks if seen[0] <= mark * 1.02} | {len(seen) - 1})
        with atomic_path(to/"progress.npz") as tmp, open(tmp, "wb") as file:
            np.savez_compressed(file, strips=pictures[rows], images_seen=seen[rows])
    return to


# %% [markdown]
# ## The course's own runs
#
# Each was trained as its track's lab trains it, evaluated by `evaluate_run` and abridged. On Colab and Kaggle they are not
# beside this notebook: set `RUNS` to your own folder there. Before you read on: the labs say that by their pixels the two [recipes](glossary.ipynb#gl-recipe)
# can hardly be told apart. Will the judge agree?

# %%
RUNS = Path("../results")
paths = run_folders([RUNS]) if RUNS.is_dir() else []
rows = [summary(path) for path in paths]
Markdown("\n".join(headlines(rows)))

# %%
Markdown("\n".join(qualities(rows)))

# %%
Markdown("\n".join(costs(rows)))

# %%
#| label: fig-grids
#| fig-cap: Each run's samples after as many real images seen, the same four latents in a row.
#| fig-alt: "Five rows, one for each run, of grids of four garments, after 60,000, 300,000 and 600,000 images, the last row also after 1,200,000 and 1,800,000. dcgan in PyTorch: trousers and a pullover, ragged on the left, clean on the right. Modern in PyTorch: a pullover and a T-shirt that are settled after 300,000 images, a bag, and a boot that shrinks to a blot. dcgan in TensorFlow: a sneaker, trousers, a bag and a boot whose holes close. Modern in TensorFlow: a clean T-shirt and trousers, a boot, and a shoe that stays torn. The TPU track: garments that change their kind until 600,000 images, and after 1,800,000 a pullover with a hole, two pairs of trousers and a boot."
groups = groups_of([row | dict(path=path) for row, path in zip(rows, paths)])
groups.sort(key=lambda g: g[0]["images_seen"])
longest = {(g[0]["track"], g[0]["recipe"]): g[0] for g in groups} # a shorter run is its beginning
def those_of(dataset): return [r["path"] for r in longest.values() if r["dataset"] == dataset]

grids_figure(sorted(those_of("fashion_mnist")))

# %%
#| label: fig-grids-flowers
#| fig-cap: The run on photographs of flowers, the same four latents.
#| fig-alt: "One row of three grids of four pictures, after 60,000, 300,000 and 600,000 photographs seen. On the left coloured blots; in the middle a meadow, a blurred yellow blossom, a dark thicket and a sunflower; on the right the same, sharper."
grids_figure(those_of("tf_flowers"))

# %% [markdown]
# The judge does not agree. By their pixels the runs of ten epochs end between 1.3 and 2.3 whatever the recipe, and a seed of modern is the last of all. By the judge
# modern is at 2.6 and 2.9, dcgan at 4.9 and 5.1, with [intervals](glossary.ipynb#gl-interval) that are far apart, and the three seeds of modern, that one among them, lie within a tenth of each other in either framework. What the
# better runs have gained, the other columns say: more of their samples look like real images (precision 0.77 against 0.71, real
# test images have 0.83), and they come near more of the real ones ([coverage](glossary.ipynb#gl-coverage) 0.82 to 0.84 against 0.74 and 0.77, and 0.97). In
# [recall](glossary.ipynb#gl-precision-recall) the two can hardly be told apart, and none copies. And the better [generator](glossary.ipynb#gl-generator) has a third of the parameters, since its
# latents are shorter.
#
# And the frameworks? PyTorch's three seeds lie below TensorFlow's three, by 0.3. Chance alone separates three from three one time in ten, so this is a hint and no more; step by step
# [the two compute the same](../tensorflow/same_step_twice.ipynb). The track for TPUs, here on a processor, has 3.4 to 3.8 with three seeds after as many images. Its [batches](glossary.ipynb#gl-batch) are twice as large, so it has taken half the steps; after three times as many images the first of them has 2.1.
# It is not the better recipe for that: the others have not been trained for so long. That is why the table has a column of images seen.
#
# The flowers have another judge, who knows flowers, and a floor of 5.5, since it is taken from 398 photographs; their numbers stand beside that floor, and beside no other in the table. Look at their three seeds: 13, 15 and 22, and the
# intervals of the first and the last do not meet. Whoever had trained only one of them, and taken its interval for the recipe's, could have been wrong by half.
#
# **What this table does not say.** An interval belongs to a *run*: it says that these generators differ. Whether the
# *recipes* do, seeds say: modern, the flowers and the ten epochs of the TPU track have three; dcgan and the thirty epochs have one each. How
# much luck is in dcgan's number can only be guessed from modern's three, which lie a tenth apart. Minutes and images per second come from two machines, with other work on both: the same recipe took 38 minutes on one and 11 on a single core of the other.
# Speeds that can be compared were measured side by side, in `bench`.
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.results import check_at_equal_images, check_headline


# %% [markdown]
# ### 1. A headline
#
# Write `headline_of(distances)`, which takes the distances of the seeds of one recipe, and returns the three numbers of a headline: median, lowest, highest.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def headline_of(distances): return statistics.median(distances), min(distances), max(distances)

check_headline(headline_of)


# %% [markdown]
# ### 2. At equal images
#
# Write `at_equal_images(history, mark)`: the row of a run's history to compare after `mark` images seen, that is, the last one that had seen no more; `None` where the run never saw so many.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def at_equal_images(history, mark):
    if history[-1]["images_seen"] < mark: return None
    before = [row for row in history if row["images_seen"] <= mark]
    return before[-1] if before else None

check_at_equal_images(at_equal_images)

# %% [markdown]
# ## What to remember
#
# - A number comes with its floor, its interval, the number of samples and the seed of the run. Without them it cannot be compared.
# - The interval of one run says how well that run is known. Only other seeds say how well the recipe is.
# - Compare after equal images, and say what they cost.
# - Tables are made from files, not typed.
#
# **What goes wrong in practice.** A table that mixes distances in different [features](glossary.ipynb#gl-features), or after different numbers of samples. The best of several seeds reported as the recipe.
# Test images used to choose the best checkpoint and then to judge it: here the choice uses training images, and the floor test images.
#
# **References.** Lucic et al. [-@lucic2018equal], *Are GANs created equal? A large-scale study*. Kynkäänniemi et al. [-@kynkaanniemi2019precision], *Improved precision and recall metric for assessing generative models*.
# Agarwal et al. [-@agarwal2021precipice], *Deep reinforcement learning at the edge of the statistical precipice* (why few seeds need intervals).
