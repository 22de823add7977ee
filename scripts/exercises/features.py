# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: a judge for the features
#
# > What accepts or rejects an answer to the exercises of A judge for the features
#
# - order: 65

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/features.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/features.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/features.ipynb) · [API](../about/api.ipynb#exercises-features)

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
# The exercises stand in [the lesson](../foundations/features.ipynb). Each check is followed by the solution it accepts
# and the usual wrong answers it rejects.

# %%
#| default_exp exercises.features

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. One layer of two

# %%
#| exports
def check_fold(fold): # takes weight [3, 3, C, O], gamma, beta, mean, var, each [O], and eps
    "Whether a convolution with the folded weight and bias does what convolution and BatchNorm do."
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(3, 3, 2, 4))
    gamma, beta, mean = rng.normal(size=(3, 4))
    var, eps = np.array([1e-4, 0.5, 2.0, 9.0]), 1e-3
    folded = fold(weight.copy(), gamma.copy(), beta.copy(), mean.copy(), var.copy(), eps)
    assert isinstance(folded, tuple) and len(folded) == 2, "return the weight and the bias"
    w, b = (np.asarray(part, float) for part in folded)
    assert (w.shape == weight.shape and b.shape == (4,
            )), f"the shapes are {w.shape} and {b.shape}, not {weight.shape} and (4,)"
    window = rng.normal(size=(5, 3, 3, 2))
    def through(w): return np.einsum("nijc,ijco->no", window, w)
    factor = gamma / np.sqrt(var + eps)
    expected, got = (through(weight) - mean) * factor + beta, through(w) + b
    hint = ""
    if np.allclose(w, weight * gamma / (var + eps)):
        hint = "divide by the deviation, the root of the variance"
    elif np.allclose(w, weight * gamma / np.sqrt(var)):
        hint = "eps belongs under the root, or a silent channel explodes"
    elif np.allclose(w, weight * factor) and np.allclose(b, beta - mean):
        hint = "the mean is subtracted before BatchNorm multiplies"
    elif np.allclose(w, weight * factor) and np.allclose(b, beta): hint = "the mean is missing"
    assert np.allclose(got, expected), (
        f"the outputs differ by up to {np.abs(got - expected).max():.3g}. {hint}")
    print("correct: one product and one sum, instead of two of each")


# %%
def folding(weight_of=lambda w, g, v, e: w * g / np.sqrt(v + e), bias_of=lambda b, m, f: b - m * f):
    def fold(weight, gamma, beta, mean, var, eps):
        return weight_of(weight, gamma, var, eps), bias_of(beta, mean, gamma / np.sqrt(var + eps))
    return fold

check_fold(folding())
assert rejects(check_fold, folding(lambda w, g, v, e: w * g / (v + e)), "root of the variance")
assert rejects(check_fold, folding(lambda w, g, v, e: w * g / np.sqrt(v)), "eps belongs")
assert rejects(check_fold, folding(bias_of=lambda b, m, f: b - m), "before BatchNorm multiplies")
assert rejects(check_fold, folding(bias_of=lambda b, m, f: b), "mean is missing")


# %% [markdown]
# ## 2. How much does a feature see?

# %%
#| exports
def check_field(field): # takes the strides of 3 × 3 convolutions
    "Whether it is the side of the square of pixels that one output sees."
    for strides, expected in [([1], 3), ([1, 1], 5), ([2], 3), ([2, 1], 7), ([2, 2], 7),
                              ([1, 2, 1, 2, 2], 21)]:
        got = field(list(strides))
        hint = ""
        if got == 1 + 2 * len(strides): hint = "after a stride of 2 each step is two pixels long"
        elif got == 3 ** len(strides): hint = "windows overlap"
        elif got == 1 + 2 * sum(np.cumprod(strides)):
            hint = "the stride of a layer widens the steps of the layers *after* it"
        assert got == expected, f"strides {strides}: {got}, not {expected}. {hint}"
    print("correct: each layer adds two steps, as long as all strides before it make them")


# %%
def field(strides):
    seen, step = 1, 1
    for stride in strides: seen, step = seen + 2 * step, step * stride
    return seen

check_field(field)
assert rejects(check_field, lambda strides: 1 + 2 * len(strides), "two pixels long")
assert rejects(check_field, lambda strides: 3 ** len(strides), "overlap")
assert rejects(check_field, lambda strides: 1 + 2 * int(np.cumprod(strides).sum()), "after")
