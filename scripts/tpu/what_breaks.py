# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What breaks on a TPU
#
# > Shapes that change, looks that wait, numbers that vanish: each of them provoked on a processor, with its cure
#
# - skip_showdoc: true
# - order: 41

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/tpu/what_breaks.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/tpu/what_breaks.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/tpu/what_breaks.ipynb)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[tpu]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** recognise what stops a loop that ran on your laptop from running well, or at all, on an accelerator, and
# say what to do about each.
#
# **You need** [A model that plays both sides](model.ipynb). **It takes** fifteen minutes. This page runs on JAX, whatever the
# rest of your session uses: JAX is what a TPU image ships, and XLA, the compiler below it, is the one TensorFlow uses on a TPU too. So the rules are the same.

# %%
import os

# %%
os.environ["KERAS_BACKEND"] = "jax" # this page only

# %%
# before jax, after which TensorFlow talks while it is imported
from gan_course.tpu.model import make_optimizer

import time

import jax
import keras
import jax.numpy as jnp
import numpy as np

# %% [markdown]
# ## Shapes that change
#
# [XLA](../about/glossary.ipynb#gl-xla) compiles a program for [one shape](../about/glossary.ipynb#gl-static-shape). When another shape comes, it compiles anew, and a GAN's step takes seconds to compile on a
# processor and up to a minute on a TPU. The last [batch](../about/glossary.ipynb#gl-batch) of an [epoch](../about/glossary.ipynb#gl-epoch) is usually smaller than the others. **Predict:** how many times will this function be
# compiled?

# %%
compiled = []

@jax.jit
def score(x):
    compiled.append(x.shape) # Python runs only while the function is traced
    return jnp.tanh(x @ jnp.ones((784, 64))).mean()

for epoch in range(2):
    for size in (256, 256, 256, 96): score(np.ones((size, 784), np.float32))
compiled

# %%
# NBVAL_CHECK_OUTPUT
assert compiled == [(256, 784), (96, 784)]
print(len(compiled), "compilations for 8 calls")


# %% [markdown]
# Twice, not eight times: the second epoch finds both. But with a data set whose batches have all lengths, or an image size per batch, it
# never ends. The cure is to have no other shape: [our batches](data.ipynb) leave the rest of an epoch to the next one.
#
# Worse is a shape that depends on *values*. "Take only those samples that the [discriminator](../about/glossary.ipynb#gl-discriminator) likes" has a result of unknown length:

# %%
@jax.jit
def liked(x, a): return x[a > 0]

try: liked(jnp.ones((4, 784)), jnp.array([1.0, -1.0, 2.0, 0.0]))
except jax.errors.NonConcreteBooleanIndexError as error: print(str(error).splitlines()[0][:78])
else: raise AssertionError("a shape that depends on values was compiled")


# %% [markdown]
# The cure keeps all rows and says with a weight which of them count:

# %%
@jax.jit
def mean_of_liked(x, a):
    w = (a > 0).astype(x.dtype)
    return (x * w[:, None]).sum(0) / jnp.maximum(w.sum(), 1)

x = jnp.arange(8.0).reshape(4, 2)
assert (mean_of_liked(x, jnp.array([1.0, -1.0, 2.0, 0.0])) == x[jnp.array([0, 2])].mean(0)).all()
mean_of_liked(x, jnp.array([1.0, -1.0, 2.0, 0.0]))


# %% [markdown]
# ## Looks
#
# `print(loss)` in the middle of a step. **Predict:** what will it print, and how often?

# %%
@jax.jit
def step(w, x):
    loss = ((x @ w) ** 2).mean()
    print("loss:", loss)
    return w - 0.1 * jax.grad(lambda w: ((x @ w) ** 2).mean())(w), loss

w, x = jnp.ones(4), jnp.ones((8, 4))
for _ in range(3): w, loss = step(w, x)


# %% [markdown]
# Once, and no number: Python ran while the step was [traced](../about/glossary.ipynb#gl-tracing), when there was no number yet. `float(loss)` inside would be an error; outside it
# is a *wait*. Calls return at once, before anything is computed, and the host may be many steps ahead; whoever asks for a number stops the host until the device has caught up. So
# a time without a wait is no time at all:

# %%
@jax.jit
def heavy(x):
    for _ in range(12): x = jnp.tanh(x @ x)
    return x

big = jnp.ones((1500, 1500)) / 1500
heavy(big).block_until_ready() # compile
begin = time.perf_counter()
result = heavy(big)
returned = time.perf_counter() - begin
result.block_until_ready()
done = time.perf_counter() - begin
print(f"the call came back after {1000 * returned:.1f} ms; the result was there after "
      f"{1000 * done:.0f} ms")
assert returned < done

# %% [markdown]
# There is a way to call the host from inside, `jax.debug.callback` (TensorFlow has `tf.py_function`, which a TPU refuses). It works, and it makes the
# device wait for Python in every step. Here are two hundred small steps, with and without:

# %%
seen = []

def make_scan(look):
    def body(w, x):
        loss, gradient = jax.value_and_grad(lambda w: ((x @ w) ** 2).mean())(w)
        if look: jax.debug.callback(lambda loss: seen.append(float(loss)), loss)
        return w - 0.01 * gradient, loss
    return jax.jit(lambda w, xs: jax.lax.scan(body, w, xs))

xs = jnp.asarray(np.random.default_rng(0).normal(size=(200, 8, 4)).astype(np.float32))
seconds = {}
for look in (False, True):
    scan = make_scan(look)
    jax.block_until_ready(scan(jnp.ones(4), xs)) # compile
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        jax.block_until_ready(scan(jnp.ones(4), xs)); jax.effects_barrier()
        times.append(time.perf_counter() - begin)
    seconds[look] = float(np.median(times))
print(f"without {1e6 * seconds[False] / 200:.1f} µs a step, with a look in each "
      f"{1e6 * seconds[True] / 200:.0f} µs")
assert len(seen) == 200 * 6 and seconds[True] > seconds[False]


# %% [markdown]
# The cure: measure on the device, add up on the device, and fetch once. That is what `sums` and `means()` of [our model](model.ipynb) are for.
#
# ## Numbers that vanish
#
# A TPU computes in [bfloat16](../about/glossary.ipynb#gl-bf16), an older GPU in float16. Both have sixteen bits, and spend them differently. What is a thousand times one?

# %%
def added_up(dtype):
    "1 + 1 + ... + 1, a thousand times, one after the other."
    return float(jax.lax.fori_loop(0, 1000, lambda i, total: total + jnp.ones((), dtype),
                                   jnp.zeros((), dtype)))


# %%
# NBVAL_CHECK_OUTPUT
sums = {dtype: added_up(dtype) for dtype in ("float32", "float16", "bfloat16")}
assert sums["bfloat16"] == 256
sums


# %% [markdown]
# With eight bits of precision, 256 + 1 is 256. A mean over a batch, a running average, the loss: whatever adds up many numbers has to stay in
# float32, also when what it adds up is bfloat16. Weights are such a sum, of thousands of small steps; that is why they stay float32 too.
#
# float16 counts further, and its numbers end early. Below 6 · 10⁻⁸ there is only zero, and the gradients of a GAN go there. *[Loss scaling](../about/glossary.ipynb#gl-loss-scaling)* multiplies the loss
# before the gradient is taken, and divides the gradient afterwards, in float32. With two optimisers, both need it. Here is one weight whose gradient is too small:

# %%
def applied(opt, w, gradient):
    "The weight and the optimiser's variables after a step."
    opt.build([w])
    (new,), state = opt.stateless_apply([v.value for v in opt.variables], [gradient], [w.value])
    for v, value in zip(opt.variables, state): v.assign(value)
    return float(new[0])

def moved(opt):
    "How far a weight moves in a step on a gradient of 1e-8 that is computed in float16."
    w = keras.Variable(np.float32([1.0]))
    opt.build([w])
    def loss(value):
        return opt.scale_loss(1e-4
                              * (value.astype(jnp.float16)
                                 * jnp.float16(1e-4)).astype(jnp.float32).sum())
    return abs(applied(opt, w, jax.grad(loss)(w.value)) - 1)


# %%
plain, scaled = moved(make_optimizer(1e-3, 0.5)), moved(make_optimizer(1e-3, 0.5, "mixed_float16"))
print(f"without a scale the weight moves by {plain:g}, with one by {scaled:.1e}")
assert plain == 0 < scaled

# %% [markdown]
# And when the scaled gradient overflows, the step must be skipped and the scale halved, instead of a NaN being written into every weight:

# %%
w, opt = keras.Variable(np.float32([1.0])), make_optimizer(1e-3, 0.5, "mixed_float16")
opt.build([w])
before = float(opt.dynamic_scale)
after = applied(opt, w, jnp.array([jnp.inf]))
print(f"weight {after}, scale {before:g} -> {float(opt.dynamic_scale):g}")
assert after == 1 and float(opt.dynamic_scale) == before / 2


# %% [markdown]
# ## What was given away
#
# A step that writes its results over its arguments needs half the memory. `donate_argnums` allows it, and what was given away is gone:

# %%
@jax.jit
def kept(state): return state + 1

given = jax.jit(lambda state: state + 1, donate_argnums=0)
state = jnp.zeros(3)
kept(state); print("kept:", state)
given(state)
try: print(state)
except RuntimeError as error: print("given away:", str(error)[:60])
else: print("this backend copies instead")

# %% [markdown]
# A [callback](../about/glossary.ipynb#gl-callback) that has kept the weights of an earlier step, "to compare", holds such a ghost. [Our `fit`](model.ipynb) takes copies out of the model, gives those away, and puts back
# what comes out.
#
# ## BatchNorm across cores
#
# The last one has [its own page](strategy.ipynb): on TensorFlow each [replica](../about/glossary.ipynb#gl-replica) normalises with its share of the batch unless it is told to ask the others; on JAX
# the batch is whole, and so are its statistics. It is the one of these faults that gives no error and takes no time. It only makes worse pictures.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.tpu_what_breaks import check_keep_finite, check_padded


# %% [markdown]
# ### 1. One shape
#
# The last batch of an epoch has fewer rows. Write `padded(x, size)`: the batch with rows of zeros below, so that it has `size` rows, and a vector of `size` weights, 1 for a real
# row and 0 for a padded one, both float32. A batch that is too large is a mistake of the caller: raise `ValueError`.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def padded(x, size):
    if len(x) > size: raise ValueError(f"{len(x)} rows do not fit into {size}")
    missing = size - len(x)
    weights = np.concatenate([np.ones(len(x)), np.zeros(missing)])
    return (np.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)).astype(np.float32),
            weights.astype(np.float32))

check_padded(padded)


# %% [markdown]
# ### 2. Skip what is not finite
#
# Write `keep_finite(old, new, gradients)`: the list `new` if all numbers in all gradients are finite, else the list `old`. It must work inside of `jax.jit`, where there is no Python `if`
# on numbers.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def keep_finite(old, new, gradients):
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(g)) for g in gradients]))
    return [jnp.where(finite, b, a) for a, b in zip(old, new)]

check_keep_finite(keep_finite)

# %% [markdown]
# ## What to remember
#
# - One shape for every batch, and no shape that depends on values: keep all rows, and weight them.
# - Measure on the device, fetch once an epoch, and wait before you read a clock.
# - Sums stay in float32: losses, means, weights. float16 needs a loss scale for *each* optimiser.
#
# **What goes wrong, and how to see it.**
#
# - *The first step of every epoch, or the last, takes seconds*: a shape that was not seen before. Print the shapes where the step is traced.
# - *The device is half idle*: a look in every step, a `print` of a loss, a progress bar that asks for it.
# - *The loss stays where it is in half precision and falls in float32*: [gradients that vanish](../about/glossary.ipynb#gl-vanishing-gradient). Look at the gradient norms.
# - *`Array has been deleted`*: something kept what a step gave away.
#
# **References.** JAX's documentation, [Common gotchas](https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html) and
# [Asynchronous dispatch](https://docs.jax.dev/en/latest/async_dispatch.html). Micikevicius et al. [-@micikevicius2017mixed], *Mixed precision training* (loss scaling). Kalamkar et al. [-@kalamkar2019bfloat16], *A study of bfloat16 for
# deep learning training*.
