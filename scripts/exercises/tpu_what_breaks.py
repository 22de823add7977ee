# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: what breaks on a TPU (TPU)
#
# > What accepts or rejects an answer to the exercises of What breaks on a TPU
#
# - skip_showdoc: true
# - order: 94

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_what_breaks.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_what_breaks.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_what_breaks.ipynb) · [API](../about/api.ipynb#exercises-tpu_what_breaks)

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
# The exercises stand in [the lesson](../tpu/what_breaks.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_what_breaks

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. One shape

# %%
#| exports
def check_padded(padded): # (rows, size) -> (rows, weights)
    "Whether `padded` makes every batch the same size and says which rows count."
    rng = np.random.default_rng(0)
    for rows, size, shape in ((3, 5, (2,)), (5, 5, (2,)), (1, 4, (3, 3, 1)), (0, 2, (2,))):
        x = rng.normal(size=(rows, *shape)).astype(np.float32)
        found = padded(x, size)
        assert isinstance(found, (tuple, list)) and len(found) == 2, (
            "return two things, the rows and their weights")
        y, w = map(np.asarray, found)
        assert y.shape == (size, *shape), (
            f"a batch of {rows} rows became {y.shape}, not {(size, *shape)}: "
            "one shape is the point")
        assert w.shape == (size,), f"one weight for each row: {(size,)}, not {w.shape}"
        assert (y[:rows] == x).all(), "the real rows come first, as they were"
        assert w.sum() == rows, (
            f"{rows} real rows have the weight {w.sum():g} together: 1 for a real "
            "row, 0 for a padded one")
        assert (w[:rows] == 1).all(), "the weights stand beside the wrong rows"
        assert not y[rows:].any(), (
            "padded rows are zeros: whatever else stands there can be infinite, "
            "and 0 · inf is not 0")
        assert y.dtype == w.dtype == np.float32, f"both are float32, not {y.dtype} and {w.dtype}"
    try: padded(np.ones((6, 2), np.float32), 5)
    except ValueError: pass
    except Exception as error:
        raise AssertionError(
            f"too many rows are a ValueError, not a {type(error).__name__}") from None
    else: raise AssertionError("six rows were put into five: raise a ValueError")
    print("correct: one shape, and nothing counts that is not there")


# %%
def good_padded(x, size):
    if len(x) > size: raise ValueError(f"{len(x)} rows do not fit into {size}")
    w = (np.arange(size) < len(x)).astype(np.float32)
    return np.concatenate([x, np.zeros((size - len(x), *x.shape[1:]), np.float32)]), w

def repeated(x, size):
    return (np.resize(x, (size, *x.shape[1:])).astype(np.float32),
            (np.arange(size) < len(x)).astype(np.float32))
def all_count(x, size): return good_padded(x, size)[0], np.ones(size, np.float32)
def cut(x, size): return good_padded(x[:size], size)
def above(x, size):
    y, w = good_padded(x, size)
    return y, w[::-1]

check_padded(good_padded)
assert rejects(check_padded, repeated, "zeros")
assert rejects(check_padded, all_count, "0 for a padded one")
assert rejects(check_padded, cut, "raise a ValueError")
assert rejects(check_padded, above, "beside the wrong rows")


# %% [markdown]
# ## 2. Skip what is not finite

# %%
#| exports
def check_keep_finite(keep_finite): # (old, new, gradients) -> list of arrays
    "Whether `keep_finite` drops a step whose gradients are not finite, also inside of `jax.jit`."
    import jax
    import jax.numpy as jnp
    old, new = [jnp.zeros(2), jnp.zeros(())], [jnp.ones(2), jnp.ones(())]
    compiled = jax.jit(keep_finite)
    cases = [("finite gradients", [jnp.array([1.0, -2.0]), jnp.array(3.0)], 1.0),
             ("a NaN in the first gradient", [jnp.array([1.0, jnp.nan]), jnp.array(3.0)], 0.0),
             ("an infinity in the last gradient", [jnp.array([1.0, 2.0]), jnp.array(-jnp.inf)],
              0.0),
             ("gradients that are zero", [jnp.zeros(2), jnp.zeros(())], 1.0)]
    for name, gradients, expected in cases:
        try: found = compiled(old, new, gradients)
        except jax.errors.ConcretizationTypeError:
            raise AssertionError("inside of jax.jit there is no number to ask yet: "
                                 "jnp.where instead of if") from None
        assert isinstance(found, (list, tuple)) and len(found) == 2, (
            "return a list as long as `old`")
        values = {float(v) for a in found for v in np.asarray(a).ravel()}
        assert np.isfinite(list(values)).all(), (
            f"{name}: a number that is not finite got into the weights; choose, do not multiply")
        assert len(values) == 1, (
            f"{name}: some weights took the step and others did not; it is one step")
        assert values == {expected}, (
            f"{name}: the {'new' if expected else 'old'} weights were expected")
    print("correct: a step is taken whole, or not at all")


# %%
import jax.numpy as jnp


# %%
def good_keep(old, new, gradients):
    finite = jnp.all(jnp.array([jnp.isfinite(g).all() for g in gradients]))
    return [jnp.where(finite, b, a) for a, b in zip(old, new)]

def with_if(old, new, gradients):
    return new if all(jnp.isfinite(g).all() for g in gradients) else old

def each_alone(old, new, gradients):
    return [jnp.where(jnp.isfinite(g).all(), b, a) for a, b, g in zip(old, new, gradients)]

def by_sum(old, new, gradients):
    w = jnp.isfinite(sum(g.sum() for g in gradients)).astype(jnp.float32)
    return [a + w * (b - a) * gradients[0].sum() / gradients[0].sum() for a, b in zip(old, new)]

def only_nan(old, new, gradients):
    bad = jnp.any(jnp.array([jnp.isnan(g).any() for g in gradients]))
    return [jnp.where(bad, a, b) for a, b in zip(old, new)]

check_keep_finite(good_keep)
assert rejects(check_keep_finite, with_if, "jnp.where")
assert rejects(check_keep_finite, each_alone, "one step")
assert rejects(check_keep_finite, by_sum, "do not multiply")
assert rejects(check_keep_finite, only_nan, "infinity in the last")
