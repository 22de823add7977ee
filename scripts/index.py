# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # gan_course
#
# > Train a GAN that works, see when one does not, and say so with numbers: lessons in PyTorch, TensorFlow and JAX, each run in full on real data
#
# - order: 0

# %% [markdown]
# A generative adversarial network is two networks that learn from each other: a generator turns random numbers into images,
# and a discriminator tells them from real ones. Here you build both from nothing, train them on photographs of clothes and
# of flowers, and learn to see what happens: what the losses mean, why training circles or collapses, which of two models is
# better and by how much.

# %%
#| include: false
import json
from base64 import b64decode
from pathlib import Path

from IPython.display import Image, Markdown

from gan_course.figures import CourseFigure, dark, light
from gan_course.results import headlines, run_folders, summary

# %%
#| label: fig-samples
#| echo: false
#| fig-cap: "What a generator of this course draws."
#| fig-alt: "Five rows of twelve generated garments: pullovers, shirts, coats, dresses, trousers, bags, sandals, sneakers and ankle boots."
lab = json.loads(Path("pytorch/gan_pytorch.ipynb").read_text("utf-8"))
cell = next(c for c in lab["cells"] if "#| label: fig-modern\n" in c["source"])
Image(b64decode(cell["outputs"][0]["data"]["image/png"]))

# %% [markdown]
# Sixty samples of the generator of [the PyTorch lab](pytorch/gan_pytorch.ipynb), after ten epochs: a quarter of an hour on
# two cores of a processor. Nothing was selected.
#
# Three ways in:

# %% [markdown]
# <!-- badges -->
# - **Read.** [The site](https://gan-course.github.io/gan_course) shows every lesson with its outputs; begin with
#   [how these lessons run](foundations/start.ipynb) or with [the game](foundations/objective.ipynb).
# - **Run.** Open the lab in [Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/gan_pytorch.ipynb) or in
#   [Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/gan_pytorch.ipynb) and choose
#   "run all". Every lesson has these links at its top.
# - **Install.** `pip install "gan_course[pytorch]"`, then `gan-course train pytorch`.

# %% [markdown]
# ## Two commands
#
# With Python 3.11 or newer and a clone of the repository:
#
# ```bash
# make train   # an environment, the packages, a short training run; ends with the path of the samples
# make test    # the same set-up, then the tests and every lesson in fast mode
# ```
#
# The first call installs PyTorch into `.venv`, which takes minutes; after that, training starts within seconds.
# `make train TRACK=tensorflow` does the same with TensorFlow. Without `make`:
#
# ```bash
# python3 -m venv .venv && source .venv/bin/activate
# pip install -e ".[pytorch]"                                # for training
# gan-course train pytorch --epochs 5 --out artifacts/pytorch_gan
# pip install -e ".[pytorch,tensorflow,tpu,flowers,dev]"     # for the tests
# pytest
# ```

# %% [markdown]
# ## The path
#
# The parts build on each other from left to right; an arrow means "read this first". Times are for reading and running on
# two cores of a processor, exercises not counted.

# %%
#| label: fig-path
#| echo: false
#| fig-cap: "The parts of the course, the time each takes, and what each needs."
#| fig-alt: "Seven boxes joined by arrows. Foundations, six hours, leads to PyTorch, three and a half hours. From PyTorch arrows lead to TensorFlow, four hours, and to refinement, an hour. From TensorFlow arrows lead to TPU and JAX, three and a half hours, and to flowers, three and a half hours. Refinement leads to comparison, an hour."
boxes = {"Foundations": (0, 1, "6 h"), "PyTorch": (1, 1, "3½ h"), "TensorFlow": (2, 1.5, "4 h"),
         "TPU and JAX": (3, 2, "3½ h"), "Flowers": (3, 1, "3½ h"),
         "Refinement": (2, 0.35, "1 h"), "Comparison": (3, 0.1, "1 h")}
arrows = [("Foundations", "PyTorch"), ("PyTorch", "TensorFlow"), ("TensorFlow", "TPU and JAX"),
          ("TensorFlow", "Flowers"), ("PyTorch", "Refinement"), ("Refinement", "Comparison")]
fig = CourseFigure(860, 320)
ax = fig.add_axes((0, 0, 1, 1))
ax.set(xlim=(-0.5, 3.5), ylim=(-0.3, 2.4)); ax.set_axis_off()
for name, (x, y, time) in boxes.items():
    ax.text(x, y, f"{name}\n{time}", ha="center", va="center", linespacing=1.5,
            bbox=dict(boxstyle="round,pad=0.7", facecolor="white", edgecolor=dark))
for a, b in arrows:
    (xa, ya, _), (xb, yb, _) = boxes[a], boxes[b]
    ax.annotate("", (xb - 0.33, yb), (xa + 0.33, ya),
                arrowprops=dict(arrowstyle="-|>", color=light, linewidth=1.5))
fig

# %% [markdown]
# | part | you learn to | you need |
# |---|---|---|
# | [Foundations](foundations/start.ipynb) | derive the game and its failures, watch them in two dimensions, measure samples with floor and interval | Python, derivatives, expected values |
# | [PyTorch](pytorch/index.ipynb) | build, train, resume and judge a GAN from the first layer to the lab | what a convolution is |
# | [TensorFlow](tensorflow/index.ipynb) | do the same in Keras 3, and show that both frameworks take the same step | the PyTorch part, to lay beside it |
# | [TPU and JAX](tpu/index.ipynb) | write a `train_step` for one device or eight, and find out what a device waits for | Keras |
# | [Flowers](flowers/index.ipynb) | train on 3,272 photographs: augmentation that does not leak, TensorBoard | the loop, Keras |
# | [Refinement](refinement/iterate.ipynb) | go from a first run to a recipe, one change at a time, and know luck from progress | the PyTorch lab |
# | [Comparison](refinement/flow_matching.ipynb) | set the GAN against flow matching on equal time: quality, coverage, cost of a sample | the PyTorch lab |
#
# In a hurry? [The game](foundations/objective.ipynb), [a GAN you can watch](foundations/toy.ipynb) and
# [the PyTorch lab](pytorch/gan_pytorch.ipynb) are the shortest way to a GAN of your own. The exercises have
# [checks](exercises/index.ipynb) that name the mistake, and [the glossary](about/glossary.ipynb) has the words.

# %% [markdown]
# ## Results
#
# What the course's own runs give, by the [judge](foundations/features.ipynb) that every track shares: the distance of 10,000
# samples from the training images, beside the floor, which is what as many real test images get. Flowers have a
# judge of their own and only 398 test images, hence another floor. [Results](about/results.ipynb)
# has the intervals, the other numbers, the times and the pictures.

# %%
#| echo: false
Markdown("\n".join(headlines([summary(path) for path in run_folders([Path("results")])])))

# %% [markdown]
# ## The command
#
# ```bash
# gan-course train pytorch --epochs 30 --out runs/first    # every setting is an option: --help
# gan-course train pytorch --out runs/first --resume       # goes on, to the same weights bit for bit
# gan-course sample pytorch --run runs/first --num 36 --out samples.png
# gan-course evaluate --run runs/first                     # nine numbers with intervals and floors
# gan-course report runs                                   # all runs of a folder in one table
# gan-course datasets                                      # what is there, and how to get the rest
# ```
#
# With `tensorflow`, `tpu` or `flowers` in the place of `pytorch` another track does the same. With `--tensorboard` a run can
# be watched while it goes on (`tensorboard --logdir runs`); the log of the flowers run is here, `tensorboard --logdir logs`.
# From Python:
#
# ```python
# from gan_course.pytorch import CONFIG, train, generate_samples
#
# metrics = train(CONFIG)
# images = generate_samples(CONFIG, num_images=36, output_path="samples.png")
# ```
#
# Images come from Fashion-MNIST, in the flowers chapter from the 3,670 photographs of `tf_flowers`: from the folder in
# `--data-dir` or `$GAN_COURSE_DATA`, else downloaded once. Without either, training falls back to garments or flowers that the
# course draws itself, and says so in a way that cannot be missed.
# The photographs are under CC BY 2.0; their photographers are named in `LICENSE.txt`, which comes with them.

# %% [markdown]
# ## All lessons
#
# | part | lesson | what it is about |
# |---|---|---|
# | Foundations | [How these lessons run](foundations/start.ipynb) | the fast and the full version; errors that say what to do |
# | | [A configuration](foundations/configuration.ipynb) | every knob and its range; two recipes |
# | | [Data sets](foundations/datasets.ipynb) | Fashion-MNIST and garments drawn by rule; what a batch is |
# | | [Run folders](foundations/runs.ipynb) | files that survive a crash; resuming exactly; where a number comes from |
# | | [Figures](foundations/figures.ipynb) | sample grids, loss and score curves, progress, interpolation |
# | | [The game](foundations/objective.ipynb) | what both players are worth, the generator's two losses, why they circle |
# | | [A GAN you can watch](foundations/toy.ipynb) | collapse, no gradient, oscillation, and their cures; ten runs and an interval |
# | | [A first measure](foundations/evaluate.ipynb) | a distance between sets of images: what it sees, what it misses |
# | | [A judge for the features](foundations/features.ipynb) | a small classifier that anybody can run, and what it is worth |
# | | [Five questions](foundations/metrics.ipynb) | fidelity, coverage, classes, copies: each number with a floor and an interval |
# | | [A log for TensorBoard](foundations/tensorboard.ipynb) | what is written, what a kill leaves, what the page shows |
# | | [The loop](foundations/loop.ipynb) | looks, stops, checkpoints and records, for any framework |
# | PyTorch | [Overview](pytorch/index.ipynb) | the track at a glance |
# | | [Configuration](pytorch/config.ipynb) | what PyTorch adds: the device and the precision |
# | | [Helpers](pytorch/utils.ipynb) | seeds, determinism, grids |
# | | [Data on the device](pytorch/data.ipynb) | the textbook loader, and one that keeps the processor busy |
# | | [Two networks](pytorch/model.ipynb) | generator and discriminator; where checkerboards come from |
# | | [One step](pytorch/engine.ipynb) | the losses derived, penalties, mixed precision |
# | | [Training](pytorch/train.ipynb) | averaged weights, checkpoints, resuming, several processes |
# | | [Sampling](pytorch/inference.ipynb) | loading weights safely, truncation, interpolation |
# | | [The lab](pytorch/gan_pytorch.ipynb) | a whole run, what to make of it, what to try next |
# | TensorFlow | [Overview](tensorflow/index.ipynb) | the same lessons in Keras 3, name by name |
# | | [Configuration](tensorflow/config.ipynb) | what TensorFlow adds: devices, strategies, formats, XLA |
# | | [Helpers](tensorflow/utils.ipynb) | random numbers without a state, sums in the graph |
# | | [Data](tensorflow/data.ipynb) | a `tf.data` pipeline, and batches picked where they are used |
# | | [Two networks](tensorflow/model.ipynb) | in Keras's layers; its defaults that are not the paper's |
# | | [One step](tensorflow/engine.ipynb) | gradient tapes, and many steps in one call |
# | | [Training](tensorflow/train.ipynb) | averaged weights, checkpoints, resuming, several devices |
# | | [Sampling](tensorflow/inference.ipynb) | `.keras` files without their code, truncation, interpolation |
# | | [The lab](tensorflow/gan_tensorflow.ipynb) | a whole run in Keras, its playbook and its failures |
# | | [The same step twice](tensorflow/same_step_twice.ipynb) | both frameworks, one step, equal numbers |
# | TPU | [Overview](tpu/index.ipynb) | a Keras model that trains itself, on TensorFlow or JAX |
# | | [Devices](tpu/strategy.ipynb) | from one core to eight of a TPU |
# | | [The model](tpu/model.ipynb) | a `train_step` for `fit`, on both backends |
# | | [What breaks](tpu/what_breaks.ipynb) | five faults on a TPU, and their cures |
# | | [Where the time goes](tpu/speed.ipynb) | six dials, each measured |
# | | [The lab](tpu/gan_fashion_mnist.ipynb) | a whole run on Kaggle, Colab or here |
# | Flowers | [Overview](flowers/index.ipynb) | photographs, and few of them |
# | | [Photographs](flowers/dataset.ipynb) | damaged files, a split by name, augmentation that leaks |
# | | [Networks](flowers/networks.ipynb) | for 32, 64 and 128 pixels; dropout, label flips |
# | | [DiffAugment](flowers/augment.ipynb) | augmentation that does not leak |
# | | [Training](flowers/trainer.ipynb) | what the discriminator learns by heart |
# | | [The lab](flowers/gan_flowers.ipynb) | a whole run, three ways compared, and how to read TensorBoard |
# | Refinement | [From a first run to a recipe](refinement/iterate.ipynb) | one change at a time, equal time, seeds; when to stop |
# | | [The other way](refinement/flow_matching.ipynb) | flow matching on the same images, time and processor |
# | About | [Results](about/results.ipynb) | what the full runs give, in one table; how to ask the same of yours |
# | | [The command](about/command.ipynb) | how `gan-course` is made |
# | | [This site](about/site.ipynb) | from notebooks to package, README and site |
# | | [PyTorch beside TensorFlow](about/side_by_side.ipynb) | the same code twice, name by name |
# | | [Glossary](about/glossary.ipynb) | the words of the field |
# | | [Adding a lesson](about/contributing.ipynb) | in ten minutes |

# %% [markdown]
# ## Citing, contributing
#
# ```bibtex
# @software{gan_course,
#   author  = {{The gan_course authors}},
#   title   = {gan_course: a course on generative adversarial networks},
#   year    = {2026},
#   version = {0.1.0}
# }
# ```
#
# `CITATION.cff` says the same to GitHub and to Zotero. [Adding a lesson](about/contributing.ipynb) takes ten minutes to learn;
# [how this site is built](about/site.ipynb) tells the rest; `make help` lists the authors' commands. MIT licence.
