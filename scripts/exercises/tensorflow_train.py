# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: training (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of Training (TensorFlow)
#
# - skip_showdoc: true
# - order: 83

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_train.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_train.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_train.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_train)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tensorflow]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lesson](../tensorflow/train.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_train

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import io

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Half-life
#
# The average begins at 0 and the network stands still at 1, so after one update the average is what was *not* kept.

# %%
#| exports
def check_average(follow): # (average, network, images, half_life), in place
    "Whether `follow` averages with a half-life in images, and takes the statistics along."
    network = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.BatchNormalization()])
    average = keras.models.clone_model(network)
    learned = {id(v) for v in network.trainable_variables}
    pairs = [(a, b, id(b) in learned) for a, b in zip(average.variables, network.variables)]
    for a, b, is_learned in pairs:
        a.assign(tf.zeros_like(a.value))
        b.assign(tf.ones_like(b.value) * (1 if is_learned else 3))
    average.trainable = False
    follow(average, network, 100, 1000)
    assert all((b.numpy() == (1 if is_learned else 3)).all() for _, b, is_learned in pairs), (
        "the network in training was changed: only the average moves")
    values = np.concatenate([a.numpy().ravel() for a, _, is_learned in pairs if is_learned])
    moved, keep = float(values.mean()), 0.5 ** (100 / 1000)
    def close(value): return abs(moved - value) < 1e-5
    assert not close(0), (
        "the weights of the average did not move: assign to its variables; and it is frozen, so "
        "its trainable_variables is an empty list")
    assert values.std() < 1e-6, "some weights of the average did not move like the others"
    assert not close(keep), "the wrong way round: the old average keeps 2^(-images/half_life)"
    assert not close(1 - 0.5 ** (1 / 1000)), (
        "the half-life is in images, and this step had 100: put them into the exponent")
    assert close(1 - keep), f"from 0 the average should move to {1 - keep:.4f}, not to {moved:.4f}"
    statistics = np.concatenate([a.numpy().ravel() for a, _, is_learned in pairs if not is_learned])
    assert (statistics != 0).all(), (
        "BatchNorm's statistics were forgotten: they are in `variables`, not in "
        "`trainable_variables`")
    assert (statistics == 3).all(), "the statistics are averages already: copy them"
    assert not average.trainable, "the average was frozen and is not any more"
    try: tf.function(lambda: follow(average, network, 900, 1000))()
    except Exception as error: # TensorFlow has a dozen ways to say it
        raise AssertionError(
            "in a tf.function it fails: get_weights, set_weights and numpy need numbers, and "
            "while tracing there are none; assign to the variables "
            f"({type(error).__name__})") from None
    assert abs(float(pairs[0][0].numpy().mean()) - 0.5) < 1e-4, (
        "after 1000 images it should be half way")
    print("correct: half way after one half-life, statistics included")


# %%
def following(keep, statistics=lambda a, b, keep: b, of=lambda network: network.variables):
    def follow(average, network, images, half_life):
        k, learned = keep(images, half_life), [v.path for v in network.trainable_variables]
        for a, b in zip(of(average), of(network)):
            a.assign(k * a + (1 - k) * b if b.path in learned else statistics(a, b, k))
    return follow

def right(images, half_life): return 0.5 ** (images / half_life)

check_average(following(right))


# %%
def by_weights(average, network, images, half_life):
    following(right)(average, network, images, half_life) # right, but for how it gets there:
    average.set_weights(average.get_weights())

def only_learned(network): return network.trainable_variables
def averaged(a, b, keep): return keep * a + (1 - keep) * b

assert rejects(check_average, following(right, of=only_learned), "frozen")
assert rejects(check_average, following(right, lambda a, b, keep: a), "forgotten")
assert rejects(check_average, following(right, averaged), "copy them")
assert rejects(check_average, following(lambda n, h: 0.5 ** (1 / h)), "in images")
assert rejects(check_average, following(lambda n, h: 1 - right(n, h)), "wrong way round")
assert rejects(check_average, by_weights, "assign to the variables")


# %% [markdown]
# ## 2. A checkpoint of your own
#
# To name what is missing, the check resumes several trainings: one that depends on the weights only, then one whose
# batches depend on the step, one with Adam's moments, and one with dropout.

# %%
#| exports
def check_checkpoint(save, # (network, optimizer, step) -> name -> array or number
                     load, # (network, optimizer, arrays by name) -> the step
    ):
    "Whether a training that was saved after three steps and loaded ends with the same bits."
    def begin(kind, dropout, seed):
        def weights(i): return keras.initializers.RandomNormal(seed=seed + i)
        network = keras.Sequential([
            keras.Input((4,)), layers.Dense(8, activation="tanh", kernel_initializer=weights(0)),
            *([layers.Dropout(0.5, seed=seed)] if dropout else []),
            layers.Dense(1, kernel_initializer=weights(1))])
        return network, kind(0.1)
    def steps(network, optimizer, first, last, by_step):
        for k in range(first, last):
            x = tf.random.stateless_normal((8, 4), seed=[0, k if by_step else 0])
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((network(x, training=True)[:, 0] - tf.reduce_sum(x, 1))**2)
            learned = network.trainable_variables
            optimizer.apply(tape.gradient(loss, learned), learned)
    sgd, adam = keras.optimizers.SGD, keras.optimizers.Adam
    for kind, by_step, dropout, hint in [
            (sgd, False, False, "the weights are not the saved ones"),
            (sgd, True, False, "the step is lost, and with it which batch comes next"),
            (adam, False, False, "the optimiser's state is lost: Adam has moments, and "
             "Keras makes them when the optimiser is built; into one that is not built nothing is "
             "loaded"),
            (sgd, False, True, "the dropout goes another way: its state is among the network's "
             "`variables`, and not among its `weights`")]:
        network, optimizer = begin(kind, dropout, 0)
        steps(network, optimizer, 0, 6, by_step)
        end = [v.numpy() for v in network.trainable_variables]
        network, optimizer = begin(kind, dropout, 0)
        steps(network, optimizer, 0, 3, by_step)
        file, state = io.BytesIO(), save(network, optimizer, 3)
        assert isinstance(state, dict), f"save returns a dictionary, not a {type(state).__name__}"
        try:
            np.savez(file, **state)
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored: state = dict(stored)
        except (TypeError, ValueError):
            raise AssertionError(
                "a value of the dictionary is no array and no number (a list of several arrays, "
                "say), and could only be stored as code: give each array a name") from None
        network, optimizer = begin(kind, dropout, 999)
        first = load(network, optimizer, state)
        assert first is not None, "load returns the step"
        steps(network, optimizer, int(first), int(first) + 3, by_step)
        same = all((v.numpy() == w).all() for v, w in zip(network.trainable_variables, end))
        assert same, f"not the same bits: {hint}"
        assert int(first) == 3, "the step is lost: load should return 3"
    print("correct: the same bits, as if nothing had happened")


# %%
def answer(build=True, of=lambda network: network.variables, step=lambda state: int(state["step"])):
    def save(network, optimizer, step):
        variables = of(network) + optimizer.variables
        return {f"v{i}": v.numpy() for i, v in enumerate(variables)} | dict(step=step)
    def load(network, optimizer, state):
        if build: optimizer.build(network.trainable_variables)
        for i, v in enumerate(of(network) + optimizer.variables): v.assign(state[f"v{i}"])
        return step(state)
    return save, load

check_checkpoint(*answer())


# %%
def check_pair(pair): check_checkpoint(*pair)

def ragged(network, optimizer, step): return dict(weights=network.get_weights(), step=step)

assert rejects(check_pair, answer(build=False), "when the optimiser is built")
assert rejects(check_pair, answer(of=lambda network: network.weights), "not among its `weights`")
assert rejects(check_pair, answer(step=lambda state: 0), "the step is lost")
assert rejects(check_pair, (ragged, answer()[1]), "give each array a name")
