# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the engine (TensorFlow)
#
# > What accepts or rejects an answer to the exercises of The engine (TensorFlow)
#
# - skip_showdoc: true
# - order: 82

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_engine.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_engine.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorflow_engine.ipynb) · [API](../about/api.ipynb#exercises-tensorflow_engine)

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
# The exercises stand in [the lesson](../tensorflow/engine.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorflow_engine

# %%
#| exports
import gan_course.tensorflow.config # first: it chooses Keras's backend

import keras
import numpy as np
import tensorflow as tf

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. R1 from the formula
#
# The discriminator of the check is $D(x) = \frac{s}{2}\|x\|^2$, whose gradient is $s\,x$; so $R_1 = \frac\gamma2 s^2\,
# \mathbb{E}\|x\|^2$, and its derivative by the weight $s$ is $\gamma s\,\mathbb{E}\|x\|^2$.

# %%
#| exports
def check_r1(r1): # (D, x, gamma) -> a number
    "Whether `r1` is the penalty of Mescheder et al. (2018, eq. 9), and a tape around it sees it."
    s, gamma = tf.Variable(3.0), 0.2
    x = tf.random.stateless_uniform((5, 28, 28, 1), seed=[0, 0]) + 0.5
    square = tf.reduce_sum(x**2, [1, 2, 3]).numpy()
    with tf.GradientTape() as outer:
        try: got = r1(lambda x: s / 2 * tf.reduce_sum(x**2, [1, 2, 3]), x, gamma)
        except (AttributeError, TypeError, ValueError) as error:
            assert "None" not in str(error), (
                "the gradient is None: the inner tape has to watch x, which is no variable, and "
                "must not be left before D(x) is computed")
            raise
    assert got is not None and np.shape(got) == (), "one number is wanted: a mean over the images"
    def close(value): return abs(float(got) / value - 1) < 1e-4
    right = gamma / 2 * 9 * square.mean()
    assert not close(right / 784), (
        "the norm is a sum over the pixels; a mean is 784 times too weak")
    assert not close(right * 5), "over the images one takes the mean, not the sum"
    assert not close(right / 25), (
        "the gradient of the mean of D(x) is too small by the number of images: take that of the "
        "sum")
    assert not close(gamma / 2 * 3 * np.sqrt(square).mean()), "the norm is squared in R1: no root"
    assert not close(gamma / 2 * ((3 * np.sqrt(square) - 1)**2).mean()), (
        "the target is 0; a norm of 1 is what WGAN-GP asks for")
    assert not close(2 * right), "the factor is gamma / 2"
    assert close(right), f"for D(x) = 3/2 |x|^2 it should be {right:.4g}, not {float(got):.4g}"
    slope = outer.gradient(got, s) if tf.is_tensor(got) else None
    assert slope is not None and abs(float(slope) / (gamma * 3 * square.mean()) - 1) < 1e-4, (
        "the value is right, but a training step's tape around it finds no way back to the "
        "weights of D: nothing on the way may leave TensorFlow (numpy, float) or be stopped "
        "(stop_gradient)")
    print("correct: a sum over pixels, a mean over images, and it reaches the weights")


# %%
def answer(norm=lambda slope: tf.reduce_sum(slope**2, [1, 2, 3]), watch=True, total=tf.reduce_sum):
    def r1(D, x, gamma):
        with tf.GradientTape() as tape:
            if watch: tape.watch(x)
            logits = total(D(x))
        return gamma / 2 * tf.reduce_mean(norm(tape.gradient(logits, x)))
    return r1

check_r1(answer())


# %%
def lengths(slope): return tf.norm(tf.reshape(slope, (len(slope), -1)), axis=1)

def left_too_early(D, x, gamma):
    with tf.GradientTape() as tape: tape.watch(x)
    slope = tape.gradient(D(x), x)
    return gamma / 2 * tf.reduce_mean(tf.reduce_sum(slope**2, [1, 2, 3]))

assert rejects(check_r1, answer(watch=False), "watch x")
assert rejects(check_r1, left_too_early, "left before")
assert rejects(check_r1, answer(lambda slope: slope**2), "784 times too weak")
assert rejects(check_r1, answer(lengths), "no root")
assert rejects(check_r1, answer(lambda slope: (lengths(slope) - 1)**2), "WGAN-GP")
assert rejects(check_r1, answer(total=tf.reduce_mean), "that of the sum")
assert rejects(check_r1, lambda *given: tf.stop_gradient(answer()(*given)), "no way back")


# %% [markdown]
# ## 2. Smoothing on one side

# %%
#| exports
def check_smoothing(smoothed): # (a_real, a_fake, s) -> loss of D
    "Whether `smoothed` labels real images 1 - s and generated ones 0."
    a_real, a_fake = tf.constant([2.0, -1.0, 4.0]), tf.constant([-3.0, 0.5, 1.0])
    s, up = 0.1, tf.math.softplus
    got = float(smoothed(a_real, a_fake, s))
    def loss(a, label): return float(tf.reduce_mean(label * up(-a) + (1 - label) * up(a)))
    def close(value): return abs(got - value) < 1e-5
    fake = loss(a_fake, 0)
    assert not close(loss(a_real, 1 - s / 2) + loss(a_fake, s / 2)), (
        "this labels real images 0.95 and generated ones 0.05: Keras's label_smoothing moves both "
        "ends, each by half of s")
    assert not close(loss(a_real, 1 - s / 2) + fake), (
        "this labels real images 0.95: Keras's label_smoothing moves a label by half of what it "
        "is given")
    assert not close(loss(a_real, 1 - s) + loss(a_fake, s)), (
        "the fakes are smoothed too: that rewards the generator for staying as it is")
    assert not close((1 - s) * loss(a_real, 1) + fake), (
        "a smaller weight is no smaller label: nothing pulls large logits back; "
        "with weight s the image counts as generated")
    assert not close(loss(a_real, 1) + fake), "the real images are still labelled 1"
    of_p = keras.losses.BinaryCrossentropy()
    assert not close(float(of_p(tf.fill(3, 1 - s), a_real) + of_p(tf.zeros(3), a_fake))), (
        "the logits were taken for probabilities: from_logits=True")
    right = loss(a_real, 1 - s) + fake
    assert close(right), f"the loss of these logits is {right:.4f}, not {got:.4f}"
    logits = np.linspace(0, 4, 201, dtype=np.float32)
    losses = [float(smoothed(tf.constant([a]), a_fake, s)) for a in logits]
    print(f"correct: D is content at a logit of {logits[np.argmin(losses)]:.2f}, "
          "the logarithm of 0.9/0.1, and not at infinity")


# %%
def cross_entropy(**options): return keras.losses.BinaryCrossentropy(from_logits=True, **options)
one, zero = tf.ones_like, tf.zeros_like

def good(a_real, a_fake, s):
    return cross_entropy()((1 - s) * one(a_real), a_real) + cross_entropy()(zero(a_fake), a_fake)

def with_softplus(a_real, a_fake, s):
    up = tf.math.softplus
    return tf.reduce_mean((1 - s) * up(-a_real) + s * up(a_real)) + tf.reduce_mean(up(a_fake))

check_smoothing(good)
check_smoothing(with_softplus)


# %%
def by_keras(a_real, a_fake, s):
    bce = cross_entropy(label_smoothing=s)
    return bce(one(a_real), a_real) + bce(zero(a_fake), a_fake)

def by_keras_on_real(a_real, a_fake, s):
    on_real = cross_entropy(label_smoothing=s)(one(a_real), a_real)
    return on_real + cross_entropy()(zero(a_fake), a_fake)

def both_sides(a_real, a_fake, s): return by_keras(a_real, a_fake, 2 * s)

def weight_only(a_real, a_fake, s):
    return (1 - s) * cross_entropy()(one(a_real), a_real) + cross_entropy()(zero(a_fake), a_fake)

def from_probabilities(a_real, a_fake, s):
    bce = keras.losses.BinaryCrossentropy()
    return bce((1 - s) * one(a_real), a_real) + bce(zero(a_fake), a_fake)

assert rejects(check_smoothing, by_keras, "moves both ends")
assert rejects(check_smoothing, by_keras_on_real, "by half of what it is given")
assert rejects(check_smoothing, both_sides, "the fakes are smoothed too")
assert rejects(check_smoothing, weight_only, "no smaller label")
assert rejects(check_smoothing, from_probabilities, "from_logits=True")


# %% [markdown]
# ## 3. Where WGAN-GP looks

# %%
#| exports
def check_mixing(between): # (x, fake, seed) -> as many images
    "Whether `between` picks a uniform point on the line between each pair (Gulrajani et al. 2017)."
    x, fake = tf.ones((4000, 4, 4, 1)), tf.zeros((4000, 4, 4, 1))
    seed, other = tf.constant([0, 1], tf.int64), tf.constant([0, 2], tf.int64)
    try: weights = between(x, fake, seed)
    except tf.errors.InvalidArgumentError:
        raise AssertionError("the weights do not fit the images: draw [B, 1, 1, 1]") from None
    weights = np.asarray(weights) # real images are 1, fakes 0: epsilon itself
    assert weights.shape == x.shape, (
        f"the shape should stay {list(x.shape)}: {list(weights.shape)}")
    assert weights.dtype == np.float32, f"the images are float32, and these {weights.dtype}"
    per_image = weights.reshape(4000, -1)
    assert not (per_image.std(axis=1) > 1e-6).any(), (
        "every pixel got a weight of its own: that is noise between two images, not a point on "
        "the line; draw [B, 1, 1, 1]")
    assert per_image.std() > 1e-6, "the whole batch shares one weight: draw one per image"
    epsilon = per_image[:, 0]
    assert epsilon.min() >= 0 and epsilon.max() <= 1, (
        f"a weight of {epsilon.max():.2f} lies beyond the images: uniform, not normal")
    assert abs(epsilon.mean() - 0.5) < 0.03 and abs(epsilon.std() - 12 ** -0.5) < 0.02, (
        "the weights are not uniform in [0, 1]")
    assert (np.asarray(between(x, fake, seed)) == weights).all(), (
        "the same seed gave other weights: a function with a state was asked, such as "
        "tf.random.uniform, and a run that is resumed would go another way")
    assert (np.asarray(between(x, fake, other)) != weights).any(), (
        "another seed gave the same weights, so every step would mix alike: use the seed")
    mixed = np.asarray(between(2 * x, fake - 3, seed))
    assert ((mixed >= -3) & (mixed <= 2)).all() and mixed.std() > 1, (
        "the two weights do not add up to 1")
    print("correct: uniform, one weight per image, on the line, and the seed decides")


# %%
def mixing(draw): # a function of the images and the seed -> weights
    def between(x, fake, seed):
        epsilon = draw(x, seed)
        return epsilon * x + (1 - epsilon) * fake
    return between

uniform, normal = tf.random.stateless_uniform, tf.random.stateless_normal
check_mixing(mixing(lambda x, seed: uniform((len(x), 1, 1, 1), seed)))

# %%
for draw, hint in [
        (lambda x, seed: normal((len(x), 1, 1, 1), seed), "not normal"),
        (lambda x, seed: uniform(x.shape, seed), "every pixel"),
        (lambda x, seed: uniform((1, 1, 1, 1), seed), "shares one weight"),
        (lambda x, seed: tf.random.uniform((len(x), 1, 1, 1)), "with a state"),
        (lambda x, seed: uniform((len(x), 1, 1, 1), [0, 0]), "use the seed")]:
    assert rejects(check_mixing, mixing(draw), hint)


# %% [markdown]
# ## 4. Traced once
#
# How does a check count traces? The step it hands over notes each time that Python runs it. In a graph that happens while
# tracing, and then no more.

# %%
#| exports
def in_a_loop(graph):
    "Whether what is traced now stands in the body of a loop of the graph."
    while graph is not None:
        if type(graph).__name__.startswith("While"): return True
        graph = getattr(graph, "outer_graph", None)
    return False

def check_run(make_run): # (step) -> run(n, lr)
    "Whether `run` takes n steps in one call of a `tf.function`, traced once for all n and lr."
    seen, count, total = [], tf.Variable(0), tf.Variable(0.0)
    def step(i, lr):
        seen.append("python" if tf.executing_eagerly() else "copy" if not tf.is_tensor(i) else
                    "loop" if in_a_loop(tf.compat.v1.get_default_graph()) else "call")
        count.assign_add(1)
        total.assign_add(lr * tf.cast(i + 1, tf.float32))
    run = make_run(step)
    def traces(n, lr):
        "How often Python ran the step during this call."
        before, steps = len(seen), int(count)
        run(n, lr)
        assert int(count) - steps == n, f"of {n} steps {int(count) - steps} were taken"
        return len(seen) - before
    first = traces(3, 0.5)
    assert "python" not in seen and "call" not in seen, (
        "Python is asked in every step: the loop has to be inside of the tf.function")
    assert abs(float(total) - 0.5 * (1 + 2 + 3)) < 1e-6, (
        "the steps are 0 ... n-1, and each gets lr")
    again = traces(3, 0.5)
    assert again == 0, (
        "the same call was traced again: make the tf.function once, not anew in every call")
    longer = traces(7, 0.5)
    assert not (longer and "copy" in seen), (
        f"the graph holds a copy of the step for each of the {longer} iterations, and another n is "
        "another graph: Python's range counts while tracing, tf.range in the graph")
    assert longer == 0, (
        "another n was traced again: a Python number is part of what is traced; hand over a tensor")
    assert traces(3, 0.25) == 0, (
        "another lr was traced again: it is a Python number too; hand over a tensor")
    assert abs(float(total) - (0.5 * (6 + 6 + 28) + 0.25 * 6)) < 1e-5, (
        "a later lr was ignored: the value of the first trace stayed in the graph")
    print(f"correct: 16 steps in four calls, and Python has seen {first}")


# %%
def good(step):
    @tf.function
    def steps(n, lr):
        for i in tf.range(n): step(i, lr)
    return lambda n, lr: steps(tf.constant(n), tf.constant(lr))

def with_signature(step):
    @tf.function(input_signature=[tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32)])
    def steps(n, lr):
        for i in tf.range(n): step(i, lr)
    return steps

check_run(good)
check_run(with_signature)


# %%
def no_function(step):
    def steps(n, lr):
        for i in tf.range(n): step(i, lr)
    return steps

def only_the_step(step):
    one = tf.function(step)
    def steps(n, lr):
        for i in tf.range(n): one(i, tf.constant(lr))
    return steps

def python_numbers(step): return tf.function(no_function(step))

def unrolled(step):
    @tf.function
    def steps(n, lr):
        for i in range(n): step(i, lr)
    return steps

def n_only(step):
    steps = python_numbers(step)
    return lambda n, lr: steps(tf.constant(n), lr)

def made_anew(step): return lambda n, lr: good(step)(n, lr)

for answer in (no_function, only_the_step): assert rejects(check_run, answer, "in every step")
assert rejects(check_run, python_numbers, "another n was traced again")
assert rejects(check_run, unrolled, "tf.range in the graph")
assert rejects(check_run, n_only, "another lr was traced again")
assert rejects(check_run, made_anew, "make the tf.function once")
