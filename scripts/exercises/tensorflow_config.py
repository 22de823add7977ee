# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: configuration (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of Configuration (TensorFlow)
#
# - skip_showdoc: true
# - order: 78

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_config.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_config.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_config.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_config)

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
# The exercises stand in [the lesson](../tensorflow/config.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_config

# %%
#| exports
from gan_course.tensorflow.config import split_cpu # first: it chooses Keras's backend

import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("WARNING") # in a notebook it would tell of each strategy that is made

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# Three of the four checks need two replicas. The processor is split into two logical devices for them, as in the lesson.

# %%
#| exports
def two_replicas():
    "A `MirroredStrategy` of two logical devices. `CourseError` if TensorFlow has started with one."
    split_cpu(2)
    # They add up on one device: collective operations of two strategies get in each other's way.
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())

def per_replica(strategy, function):
    "What `function()` gives in each replica, as arrays. Runs in a `tf.function`, as training does."
    def replica(): return tf.identity(function())
    def step(): return strategy.run(replica)
    each = tf.function(step).get_concrete_function()()
    return [np.asarray(one) for one in strategy.experimental_local_results(each)]


# %%
per_replica(two_replicas(), lambda: tf.constant(7))


# %% [markdown]
# ## 1. A replica's share

# %%
#| exports
def check_share(share): # (whole), in a replica -> its part
    "Whether `share` gives each replica its part of a batch, and each image to one of them."
    strategy = two_replicas() # first: it splits the processor
    images = tf.reshape(tf.range(24), (8, 3))
    alone = np.asarray(share(images))
    assert alone.shape == (8, 3) and (alone == images.numpy()).all(), (
        f"without a strategy there is one replica, and it takes all 8 images; it got {len(alone)}: "
        "count the replicas, not the devices")
    one, two = per_replica(strategy, lambda: share(images))
    assert len(one) != 8, "each replica takes the whole batch: the same work is done twice"
    assert len(one) == len(two) == 4, f"of 8 images the replicas got {len(one)} and {len(two)}"
    assert one.shape == (4, 3), (
        f"a share has the shape {one.shape}, not (4, 3): only the first axis is shared")
    assert not (one == two).all(), (
        "both replicas took the same half, and nobody the other: which replica am I?")
    seen = sorted(np.concatenate([one[:, 0], two[:, 0]]).tolist())
    assert seen == list(range(0, 24, 3)), "an image is used twice, another never"
    print("correct: every image is in exactly one replica")


# %%
def good_share(whole):
    context = tf.distribute.get_replica_context()
    part = whole.shape[0] // context.num_replicas_in_sync
    return tf.reshape(whole, (-1, part, *whole.shape[1:]))[context.replica_id_in_sync_group]

def first_half(whole):
    return whole[:len(whole) // tf.distribute.get_strategy().num_replicas_in_sync]

def by_devices(whole):
    part = len(whole) // len(tf.config.list_logical_devices("CPU"))
    me = tf.distribute.get_replica_context().replica_id_in_sync_group
    return whole[me * part:(me + 1) * part]

check_share(good_share)
assert rejects(check_share, lambda whole: whole, "done twice")
assert rejects(check_share, first_half, "which replica am I")
assert rejects(check_share, by_devices, "not the devices")


# %% [markdown]
# ## 2. Whose mean?
#
# The check takes a step of plain gradient descent on $w$ with the loss $w\,x_i$ for number $i$, so that the step is the mean of the
# gradients, $\bar x$. It does so on one replica and on two.

# %%
#| exports
def check_loss(replica_loss): # (losses of this replica's share, size of the batch) -> a number
    "Whether replicas that add up their gradients take the step of the whole batch's mean."
    mirrored = two_replicas() # first: it splits the processor
    x = tf.constant([1.0, 3.0, 5.0, 7.0])
    def step_with(strategy):
        with strategy.scope():
            w, opt = keras.Variable(0.0), keras.optimizers.SGD(1.0)
            opt.build([w])
        def replica():
            context = tf.distribute.get_replica_context()
            part = 4 // context.num_replicas_in_sync
            mine = tf.reshape(x, (-1, part))[context.replica_id_in_sync_group]
            with tf.GradientTape() as tape:
                loss = replica_loss(w * mine, 4)
                assert np.shape(loss) == (), (
                    f"one number is wanted; the shape is {tuple(np.shape(loss))}")
            gradient = tape.gradient(loss, w.value)
            assert gradient is not None, (
                "no gradient reaches the weights: compute with TensorFlow's functions")
            opt.apply([gradient], [w])
            return loss
        per_replica(strategy, replica)
        return -float(w.numpy())
    one = step_with(tf.distribute.get_strategy())
    assert abs(one - 16) > 1e-4, (
        "the losses are added up and not divided: the step grows with the batch")
    assert abs(one - 4) < 1e-4, (
        f"on a single device the step is {one:.2f}, and the mean gradient 4")
    two = step_with(mirrored)
    assert abs(two - 8) > 1e-4, (
        "on two replicas the step is twice as long: each takes the mean over its share, and the "
        "optimiser adds the replicas' gradients up; divide by the size of the whole batch")
    assert abs(two - 4) < 1e-4, (
        f"on two replicas the step is {two:.2f}, and the mean gradient of the batch 4")
    print("correct: the same step on one replica and on two")


# %%
def good_loss(losses, batch_size): return tf.reduce_sum(losses) / batch_size
def replicas_now(): return tf.distribute.get_strategy().num_replicas_in_sync

check_loss(good_loss)
check_loss(lambda losses, size: tf.nn.compute_average_loss(losses, global_batch_size=size))
check_loss(lambda losses, batch_size: tf.reduce_mean(losses) / replicas_now())
assert rejects(check_loss, lambda losses, batch_size: tf.reduce_mean(losses), "twice as long")
assert rejects(check_loss, lambda losses, batch_size: tf.reduce_sum(losses), "grows with the batch")
assert rejects(check_loss, lambda losses, batch_size: losses / batch_size, "one number is wanted")


# %% [markdown]
# ## 3. Made in the scope

# %%
#| exports
def check_build(build): # (strategy) -> network, optimizer
    "Whether all variables of a network and its optimiser are made inside the strategy's scope."
    strategy = two_replicas()
    try: network, optimizer = build(strategy)
    except ValueError as error:
        assert "created in this tf.distribute.Strategy.scope()" not in str(error), (
            "the optimiser refuses the network, which was made outside of the scope: there is one "
            "copy of it, on one device")
        raise
    except RuntimeError as error:
        assert "Mixing different tf.distribute.Strategy objects" not in str(error), (
            "the optimiser was made outside of the scope: Adam has variables too")
        raise
    assert isinstance(network, keras.Model) and isinstance(optimizer, keras.optimizers.Optimizer), (
        "a network and an optimiser are wanted, in this order")
    assert network.built, (
        "the network has no variables yet, and would make them later, wherever it is first "
        "called: begin it with keras.Input")
    def outside(variables):
        made_in_scope = strategy.extended.variable_created_in_scope
        return [v.path for v in variables if not made_in_scope(v.value)]
    assert not outside(network.variables), (
        f"{outside(network.variables)[0]} was made outside of the scope: there is one copy of it, "
        "on one device")
    assert not outside(optimizer.variables), (
        f"the optimiser's {outside(optimizer.variables)[0]} was made outside of the scope: Adam "
        "has variables too")
    assert len(optimizer.variables) >= 2 * len(network.trainable_variables), (
        "Adam's moments are missing: they are made when it first takes a step, which is too late; "
        "build(network.trainable_variables) in the scope")
    x = tf.reshape(tf.range(6.0), (2, 3))
    learned = network.trainable_variables
    def replica():
        with tf.GradientTape() as tape: loss = tf.reduce_sum(network(x))
        optimizer.apply(tape.gradient(loss, learned), learned)
        return loss
    before = [v.numpy() for v in network.trainable_variables]
    per_replica(strategy, replica)
    assert all((v.numpy() != old).any() for v, old in zip(network.trainable_variables, before)), (
        "a step moves nothing")
    copies = [[c.numpy() for c in strategy.experimental_local_results(v.value)]
              for v in network.variables]
    assert all((a == b).all() for a, b in copies), "the replicas' copies differ after a step"
    print(f"correct: {len(copies)} weights and {len(optimizer.variables)} variables of Adam, "
          "a copy on each device")


# %%
def network_of(strategy=None): return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

def good_build(strategy, built=True, network=network_of):
    with strategy.scope():
        G, opt = network(), keras.optimizers.Adam(1e-3)
        if built: opt.build(G.trainable_variables)
    return G, opt

def network_outside(strategy):
    G = network_of()
    return good_build(strategy, network=lambda: G)

def optimizer_outside(strategy):
    G, _ = good_build(strategy)
    return G, keras.optimizers.Adam(1e-3)

def without_input(): return keras.Sequential([keras.layers.Dense(1)])

check_build(good_build)
assert rejects(check_build, network_outside, "one copy of it")
assert rejects(check_build, optimizer_outside, "Adam has variables too")
assert rejects(check_build, lambda s: good_build(s, built=False), "moments are missing")
assert rejects(check_build, lambda s: good_build(s, False, without_input), "keras.Input")


# %% [markdown]
# ## 4. Too small to matter

# %%
#| exports
def check_survives(survives): # (weight, update, name of a dtype policy) -> bool
    "Whether `survives` knows in which format a policy keeps its weights, and how that rounds."
    def ask(*args): return bool(survives(*args))
    assert ask(1.0, 0.5, "float32"), "a half added to one is no small thing"
    assert not ask(1.0, 1e-3, "bfloat16"), (
        "the update itself can be held in bfloat16, but 1 + 0.001 rounds to 1: compare the sum")
    assert ask(1.0, 1e-3, "mixed_bfloat16"), (
        "mixed_bfloat16 computes in bfloat16, but the optimiser changes the weights, and these "
        "are float32: variable_dtype, not compute_dtype")
    assert ask(1.0, 1e-6, "mixed_float16") and not ask(1.0, 1e-6, "float16"), (
        "a weight of mixed_float16 is kept in float32, one of float16 is not")
    assert not ask(1.0, 1e-8, "mixed_float16"), "float32 has seven digits: 1 + 1e-8 is 1"
    assert ask(1.0, 1e-3, "float16"), "float16 has digits for 1.001"
    assert ask(1e-3, 1e-4, "bfloat16"), (
        "a tenth of the weight: numbers near 0.001 lie closer together than numbers near 1")
    assert ask(1.0, -0.5, "bfloat16"), "an update may be negative: any change counts"
    assert ask(-1.0, 0.5, "bfloat16") and not ask(-1.0, 1e-3, "bfloat16"), (
        "a weight may be negative")
    assert not ask(0.0, 1e-8, "float16") and ask(0.0, 1e-8, "bfloat16"), (
        "1e-8 is 0 in float16; bfloat16 has the range of float32")
    print("correct: it is the sum that must differ, in the format in which the weight is kept")


# %%
def good_survives(weight, update, policy, part="variable_dtype"):
    dtype = getattr(keras.DTypePolicy(policy), part)
    before = tf.constant(weight, dtype)
    return bool(before + tf.constant(update, dtype) != before)

def not_zero(weight, update, policy):
    return bool(tf.constant(update, keras.DTypePolicy(policy).variable_dtype) != 0)

def only_up(weight, update, policy):
    dtype = keras.DTypePolicy(policy).variable_dtype
    before = tf.constant(weight, dtype)
    return bool(before + tf.constant(update, dtype) > before)

check_survives(good_survives)
assert rejects(check_survives, lambda *g: good_survives(*g, part="compute_dtype"), "variable_dtype")
assert rejects(check_survives, not_zero, "compare the sum")
assert rejects(check_survives, only_up, "negative")
