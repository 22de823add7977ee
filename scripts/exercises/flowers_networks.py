# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: networks for photographs (flowers)
#
# > What accepts or rejects an answer to the exercises of Networks for photographs
#
# - skip_showdoc: true
# - order: 100

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/flowers_networks.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_networks.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/flowers_networks.ipynb) · [API](../about/api.ipynb#exercises-flowers_networks)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[flowers]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../flowers/networks.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.flowers_networks

# %%
#| exports
import gan_course.flowers.config # first: it chooses Keras's backend

import math
from itertools import product

import numpy as np
import tensorflow as tf

# %%
from gan_course.flowers.networks import gan_loss

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Which windows are even?

# %%
#| exports
def lying_on(window, stride):
    """How many windows lie on each of `stride` pixels in a row, away from the border; then it
    repeats."""
    return [len(range(pixel, window, stride)) for pixel in range(stride)]

def check_even(even): # (window, stride) -> bool
    "Whether `even` agrees with counting the windows on each pixel."
    def says(window, stride): return bool(even(window, stride))
    assert says(4, 2) or not says(5, 2), (
        "it is the other way round: a window of 4 with stride 2 is even, one of 5 is not")
    assert not says(5, 2), (
        "with windows of 5 and stride 2 pixels get 3 and 2 windows in turn: that is uneven")
    assert says(4, 2), (
        "with windows of 4 and stride 2 each pixel gets two: the window may be any "
        "multiple of the stride")
    assert says(3, 3) and not says(4, 3), (
        "whether the window is an even number says nothing for a stride of 3: the stride decides")
    assert not says(2, 4), "windows of 2 with stride 4 leave gaps: pixels get 1, 1, 0, 0 of them"
    for window, stride in product(range(1, 10), range(1, 6)):
        counts = lying_on(window, stride)
        assert says(window, stride) == (len(set(counts)) == 1), (
            f"windows of {window} with stride {stride}: pixels get {', '.join(map(str, counts))} "
            "of them, again and again")
    print("correct: a window that is a multiple of the stride")


# %%
def good_even(window, stride):
    return window % stride == 0

check_even(good_even)
assert rejects(check_even, lambda window, stride: window % stride, "the other way round")
assert rejects(check_even, lambda window, stride: window % 2 == 0, "the stride decides")
assert rejects(check_even, lambda window, stride: window == stride, "any multiple")
assert rejects(check_even, lambda window, stride: window >= stride, "3 and 2 windows in turn")
assert rejects(check_even, lambda window, stride: window % stride == 0 or stride % window == 0,
               "leave gaps")


# %% [markdown]
# ## 2. Smooth instead of flipping

# %%
#| exports
# (logits of real images, of generated ones, p) -> the discriminator's loss
def check_smoothed(smoothed):
    "Whether `smoothed` labels real images 1 - p, generated ones 0, and takes logits of any size."
    a, b = np.array([2.0, -1.0, 0.5, 3.0, -4.0]), np.array([-1.0, 0.3, 2.0, -0.5, 1.0])
    # for each image
    def loss(label, logit):
        return label * np.logaddexp(0, -logit) + (1 - label) * np.logaddexp(0, logit)
    def sigmoid(logit): return 1 / (1 + np.exp(-logit))
    def ask(a, b, p):
        found = smoothed(tf.constant(a, tf.float32), tf.constant(b, tf.float32), p)
        assert np.shape(found) == (), (
            f"a loss is one number, not {list(np.shape(found))}: take the mean over the images")
        return float(found)
    def close(x, y): return math.isclose(x, y, abs_tol=1e-4)
    p, found = 0.3, ask(a, b, 0.3)
    real, fake = loss(1 - p, a).mean(), loss(0, b).mean()
    mistakes = {
        "p has no effect: the real images are labelled 1 - p": loss(1, a).mean() + fake,
        "the generated images are missing: their labels stay 0, and their loss is added": real,
        "the generated images are smoothed too: one-sided means that their labels stay 0": real
        + loss(p, b).mean(),
        "it is the other side: the real images are smoothed, the labels of generated ones stay 0":
            loss(1, a).mean() + loss(p, b).mean(),
        "the real images are labelled 1 - p, not p": loss(p, a).mean() + fake,
        "to the label 1 - p also belongs p times the loss of the label 0":
            (1 - p) * loss(1, a).mean() + fake,
        "the labels are 1 - p/2, as Keras's label_smoothing makes them; here they are 1 - p":
            loss(1 - p / 2, a).mean() + fake,
        "Keras's label_smoothing moves both sides by p/2; here real images are labelled 1 - p, "
        "and generated ones 0":
            loss(1 - p / 2, a).mean() + loss(p / 2, b).mean(),
        "the two means are added, as in gan_loss, not averaged": (real + fake) / 2,
        "the losses were added up over the images: take their mean": 5 * (real + fake),
        "these are logits: a sigmoid in front of a loss that takes logits is one too many":
            loss(1 - p, sigmoid(a)).mean() + loss(0, sigmoid(b)).mean()}
    for hint, value in mistakes.items(): assert not close(found, value), hint
    flipped = [np.mean(loss(np.array(labels), a)) + fake for labels in product((0, 1), repeat=5)]
    assert not any(close(found, value) for value in flipped), (
        "labels were flipped by chance: smoothing does without, each one is 1 - p")
    assert close(found, real + fake), f"for p = 0.3 the loss is {real + fake:.4f}, not {found:.4f}"
    for p in (0.0, 0.1):
        wanted, found = loss(1 - p, a).mean() + fake, ask(a, b, p)
        assert close(found, wanted), f"for p = {p} the loss is {wanted:.4f}, not {found:.4f}"
    sure = ask([-200.0, 200.0], [200.0, -200.0], 0.3)
    assert close(sure, loss(0.7, np.array([-200.0, 200.0])).mean() + 100), (
        f"with logits of ±200 the loss is 200, not {sure:.1f}: the logarithm of a sigmoid is not "
        "exact; take a loss of logits")
    r, f = tf.constant(a, tf.float32), tf.constant(b, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([r, f])
        total = tf.convert_to_tensor(smoothed(r, f, 0.3))
    assert None not in tape.gradient(total, [r, f]), (
        "no gradient comes back to the logits: use TensorFlow's functions, not NumPy's")
    print("correct: real images are labelled 1 - p, without dice")


# %%
def good_smoothed(real_output, fake_output, p):
    real = tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(real_output), 1 - p),
                                                   real_output)
    return tf.reduce_mean(real) + tf.reduce_mean(tf.nn.softplus(fake_output))

def cross_entropy(label, logit):
    return tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logit), label), logit)
def by_logarithm(label, logit):
    return (-label * tf.math.log(tf.sigmoid(logit)) - (1 - label)
            * tf.math.log(1 - tf.sigmoid(logit)))

def labelled(real=lambda p: 1 - p, fake=lambda p: 0.0, loss=cross_entropy, mean=tf.reduce_mean):
    return lambda a, b, p: mean(loss(real(p), a)) + mean(loss(fake(p), b))

check_smoothed(good_smoothed)
assert rejects(check_smoothed, labelled(fake=lambda p: p), "one-sided")
assert rejects(check_smoothed, labelled(real=lambda p: p), "not p")
assert rejects(check_smoothed, labelled(real=lambda p: 1 - p / 2), "label_smoothing")
assert rejects(check_smoothed, labelled(mean=tf.reduce_sum), "take their mean")
assert rejects(check_smoothed, labelled(loss=by_logarithm), "the logarithm of a sigmoid")
assert rejects(check_smoothed, lambda a, b, p: gan_loss(a, b, p)[1], "flipped by chance")
