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
# > A course on generative adversarial networks: executed, measured, mirrored across frameworks, exactly resumable
#
# - order: 0

# %% [markdown]
# A generative adversarial network is two networks that learn from each other: a generator turns random numbers into
# images, and a discriminator tells them from real ones. This course builds both from nothing, trains them on photographs
# of clothes, and looks hard at what happens: what the losses mean, why training oscillates or collapses, how to tell
# whether one model is better than another.
#
# Every lesson is a notebook that runs from top to bottom, and its code *is* the package `gan_course`: what you read is
# what you run. Numbers and pictures come from full runs, and each says on which data, on which machine and in what time.

# %%
#| include: false
import json
from base64 import b64decode
from pathlib import Path

from IPython.display import Image

# %%
#| label: fig-samples
#| echo: false
#| fig-cap: "What a generator of this course draws."
#| fig-alt: "Five rows of twelve generated garments: pullovers, shirts, coats, dresses, trousers, bags, sandals, sneakers and ankle boots."
lab = json.loads(Path("pytorch/gan_pytorch.ipynb").read_text("utf-8"))
cell = next(c for c in lab["cells"] if "#| label: fig-modern\n" in c["source"])
Image(b64decode(cell["outputs"][0]["data"]["image/png"]))

# %% [markdown]
# Sixty samples of the generator of [the PyTorch lab](pytorch/gan_pytorch.ipynb), after ten epochs: a quarter of an
# hour on two cores of a processor. Nothing was selected.

# %% [markdown]
# ## Two commands
#
# With Python 3.11 or newer and a clone of this repository:
#
# ```bash
# make train   # an environment, the packages, then a short training run; ends with the path of the sample grid
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
#
# No clone and nothing to install: open a lesson and follow its link to Colab or Kaggle.

# %% [markdown]
# ## The path
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
# | About | [Results](about/results.ipynb) | what the full runs give, in one table; how to ask the same of yours |
# | | [The command](about/command.ipynb) | how `gan-course` is made |
# | | [This site](about/site.ipynb) | from notebooks to package, README and site |
#
# The order is the order in which each builds on those before it. You need Python and some linear algebra; what you need
# beyond that, each lesson says at its top. The exercises have [checks](exercises/index.ipynb) that name the mistake.

# %% [markdown]
# ## The command
#
# ```bash
# gan-course train pytorch --epochs 30 --out runs/first    # every field of the configuration is an option: --help
# gan-course train pytorch --out runs/first --resume       # goes on where it stopped, to the same weights bit for bit
# gan-course sample pytorch --run runs/first --num 36 --out samples.png
# gan-course evaluate --run runs/first                     # nine numbers, each with its interval and its floor
# gan-course report runs                                   # all runs of a folder in one table
# gan-course datasets                                      # what data is there, and how to get what is missing
# ```
#
# With `tensorflow`, `tpu` or `flowers` in the place of `pytorch` another track does the same. With `--tensorboard` a run can be
# watched while it goes on (`tensorboard --logdir runs`); the log of the flowers run is here, `tensorboard --logdir logs`. From Python:
#
# ```python
# from gan_course.pytorch import CONFIG, train, generate_samples
#
# metrics = train(CONFIG)
# images = generate_samples(CONFIG, num_images=36, output_path="samples.png")
# ```
#
# Images come from Fashion-MNIST, in the flowers chapter from the 3,670 photographs of `tf_flowers`: from the folder in `--data-dir` or `$GAN_COURSE_DATA`, else downloaded once. Without
# either, training falls back to garments or flowers that the course draws itself, and says so in a way that cannot be missed.
# The photographs are under CC BY 2.0; their photographers are named in `LICENSE.txt`, which comes with them.

# %% [markdown]
# ## Writing for the course
#
# [How this site is built](about/site.ipynb) shows how a lesson comes to be; `make help` lists the authors' commands.
# MIT licence.
