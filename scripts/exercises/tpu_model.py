# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: a model that plays both sides (TPU)
#
# > What accepts or rejects an answer to the exercises of A model that plays both sides
#
# - skip_showdoc: true
# - order: 90

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tpu_model.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_model.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tpu_model.ipynb) · [API](../about/api.ipynb#exercises-tpu_model)

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
# The exercises stand in [the lesson](../tpu/model.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tpu_model

# %%
#| exports
import gan_course.tpu.config # first: it chooses Keras's backend

from itertools import product

import keras
import numpy as np
from keras import layers, ops

from gan_course.tpu.model import AdversarialModel, Discriminator, Generator, make_optimizer

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. What to keep
#
# The check trains nothing. It knows what a step reads and writes, and looks for each variable by its identity.

# %%
#| exports
def small_model():
    "A compiled `AdversarialModel` of four channels, with dropout."
    model = AdversarialModel(Generator(4, 4), Discriminator(4, 0.2), 4, batch_size=8)
    model.compile(make_optimizer(1e-3, 0.5), make_optimizer(1e-3, 0.5))
    return model

def check_kept(kept): # (a compiled `AdversarialModel`) -> name -> variable
    "Whether `kept` has every variable on which the rest of a training depends."
    model, other = small_model(), small_model()
    found = kept(model)
    assert isinstance(found, dict), (
        f"a dictionary, name -> variable, is wanted, not a {type(found).__name__}")
    assert all(isinstance(name, str) for name in found), (
        "the names are text: a file has no other keys")
    odd = [name for name, v in found.items() if not isinstance(v, keras.Variable)]
    assert not odd, (
        f"{odd[:1]} is no variable: give the variables themselves, into which the saved "
        "arrays can be put back")
    ids, G, D = {id(v) for v in found.values()}, model.generator, model.discriminator
    statistics = [v for v in G.non_trainable_variables if "moving" in v.path]
    for what, variables, hint in [
            ("the generator's optimiser", model.g_optimizer.variables,
             "Keras knows one of a model, the discriminator's"),
            ("the discriminator's optimiser", model.d_optimizer.variables,
             "model.variables holds no optimiser's"),
            ("BatchNorm's statistics", statistics,
             "they are not trained, and are variables all the same"),
            ("the dropout's seeds", D.non_trainable_variables,
             "they are among `variables`, not among `weights`"),
            ("the number of the iteration", [model.iteration], "the next latents follow from it"),
            ("the average generator", model.average.variables, "nobody can compute it again"),
            ("a network's weights", [*G.trainable_variables, *D.trainable_variables],
             "both networks are needed")]:
        missing = [v for v in variables if id(v) not in ids]
        if not missing: continue
        twins = [name for v in missing for name in (v.path, v.name) if name in found]
        assert not twins, (
            f"several variables are called {twins[0]}, and only the last of them is in the "
            "dictionary: put a prefix before the names")
        raise AssertionError(f"{what} {'are' if what.endswith('s') else 'is'} missing: {hint}")
    assert set(kept(other)) == set(found), (
        "a second model has other names, so nothing could be put back: Keras numbers what it "
        "makes; name by part and place")
    print(f"correct: {len(found)} variables, and nothing is forgotten")


# %%
def parts_of(model):
    return dict(m=model.variables, g=model.g_optimizer.variables, d=model.d_optimizer.variables)
def named(parts):
    return {f"{part}/{i}": v for part, variables in parts.items() for i, v in enumerate(variables)}
def good_kept(model): return named(parts_of(model))
def known_to_keras(model): return named(dict(m=model.variables, d=model.optimizer.variables))
def by_weights(model): return named(parts_of(model) | dict(m=model.weights))
def trained(model): return named(parts_of(model) | dict(m=model.trainable_variables))
def by_path(model): return {v.path: v for variables in parts_of(model).values() for v in variables}
def by_id(model): return {str(id(v)): v for v in good_kept(model).values()}
def arrays(model):
    return {name: ops.convert_to_numpy(v.value) for name, v in good_kept(model).items()}

check_kept(good_kept)
assert rejects(check_kept, known_to_keras, "the generator's optimiser is missing")
assert rejects(check_kept,
               lambda model: named(dict(m=model.variables, g=model.g_optimizer.variables)),
               "the discriminator's optimiser")
assert rejects(check_kept, by_weights, "the dropout's seeds are missing")
assert rejects(check_kept, trained, "BatchNorm's statistics are missing")
assert rejects(check_kept, by_path, "only the last of them")
assert rejects(check_kept, by_id, "a second model")
assert rejects(check_kept, arrays, "the variables themselves")


# %% [markdown]
# ## 2. Nine multiplications, or four
#
# The check compares with Keras's two layers. The even rows of the result come from one pair of rows below each other, the odd ones from
# the next pair.

# %%
#| exports
def upsampled(x, kernel): # [H, W], [3, 3] -> [2H, 2W]
    "What `UpSampling2D(2)` and a convolution make of a map."
    layer = layers.Conv2D(1, 3, padding="same", use_bias=False)
    layer.build((None, None, None, 1))
    layer.kernel.assign(kernel[:, :, None, None])
    return ops.convert_to_numpy(layer(layers.UpSampling2D(2)(x[None, :, :, None])))[0, :, :, 0]

def by_parts(x, parts): # [H, W], [2, 2, 2, 2] -> [2H, 2W]
    "Four kernels of 2 × 2, one for the even and odd rows and columns of the result."
    (H, W), padded, out = (x.shape, np.pad(x, 1),
                           np.zeros((2 * x.shape[0], 2 * x.shape[1]), np.float32))
    for p, q, s, t in product(range(2), repeat=4):
        out[p::2, q::2] += parts[p, q, s, t] * padded[p + s:p + s + H, q + t:q + t + W]
    return out

def check_folded(folded): # kernel, [3, 3] -> kernels, [2, 2, 2, 2]
    "Whether the four kernels of `folded` do what upsampling and a convolution do."
    rng = np.random.default_rng(0)
    kernel, x = (rng.normal(size=(3, 3)).astype(np.float32),
                 rng.normal(size=(5, 6)).astype(np.float32))
    found = np.asarray(ops.convert_to_numpy(folded(kernel.copy())), np.float32)
    assert found.shape == (2, 2, 2, 2), (
        f"four kernels of 2 × 2 are wanted, [2, 2, 2, 2], not {list(found.shape)}")
    wanted = upsampled(x, kernel)
    def gives(parts): return np.allclose(by_parts(x, parts), wanted, atol=1e-4)
    assert not gives(found[::-1, ::-1]), (
        "even and odd are exchanged: the first index is 0 for the even rows of the result")
    assert not gives(found.transpose(1, 0, 3, 2)), "rows and columns are exchanged"
    assert not gives(found.transpose(2, 3, 0, 1)), (
        "the kernels' own indices come last: [p, q, s, t], and p, q say which kernel")
    assert not gives(found[..., ::-1, ::-1]), (
        "the kernels are turned round: index 0 is the upper row and the left column")
    sums = found.sum((2, 3))
    assert np.allclose(sums, kernel.sum(), atol=1e-4), (
        f"each of the four kernels adds up to what the large one does, {kernel.sum():.2f}, and "
        f"these to {sums.round(2).ravel().tolist()}: "
        "weights that meet the same pixel are added, and none is left out")
    assert gives(found), (
        "the four kernels give another picture: write down for one row which pixels an even place "
        "sees, and an odd one")
    print("correct: the same picture, with four multiplications for each pixel instead of nine")


# %%
def rows_to(taps): # parity, tap -> which rows of the kernel are added
    def folded(kernel):
        a = np.zeros((2, 2, 3), np.float32)
        for (p, s), rows in taps.items(): a[p, s, list(rows)] = 1
        return np.einsum("psa,qtb,ab->pqst", a, a, kernel)
    return folded

good_folded = rows_to({(0, 0): (0,), (0, 1): (1, 2), (1, 0): (0, 1), (1, 1): (2,)})
exchanged = rows_to({(1, 0): (0,), (1, 1): (1, 2), (0, 0): (0, 1), (0, 1): (2,)})
cut = rows_to({(0, 0): (0,), (0, 1): (1,), (1, 0): (1,), (1, 1): (2,)})

def averaged(kernel): return good_folded(kernel) / np.array([1, 2]).reshape(2, 1, 1, 1)
def sums_first(kernel): return good_folded(kernel).transpose(2, 3, 0, 1)

check_folded(good_folded)
assert rejects(check_folded, exchanged, "even and odd")
assert rejects(check_folded, cut, "none is left out")
assert rejects(check_folded, averaged, "are added")
assert rejects(check_folded, sums_first, "say which kernel")
assert rejects(check_folded, lambda kernel: good_folded(kernel.T), "rows and columns")
assert rejects(check_folded, lambda kernel: good_folded(kernel[::-1, ::-1])[::-1, ::-1],
               "turned round")


# %% [markdown]
# ## 3. All pairs

# %%
#| exports
def check_ranked(ranked): # (a_real, a_fake), logits [N] and [M] -> a number
    "Whether `ranked` compares every image with every sample, and calls a tie half right."
    def ask(real, fake):
        given = [ops.convert_to_tensor(np.float32(a)) for a in (real, fake)]
        try: found = ops.convert_to_numpy(ranked(*given))
        except Exception as error: # each backend has its own ways to say it
            if len(real) == len(fake): raise
            raise AssertionError("two images and three samples are six pairs, and this fails: "
                                 "each with each, not one with one "
                                 f"({type(error).__name__})") from None
        assert found.shape == (), f"one number is wanted, not {list(found.shape)}"
        return float(found)
    assert ask([5, 6], [1, 2]) != 0, (
        "every image is ranked above every sample, and this says 0: the larger "
        "logit is the image's")
    assert abs(ask([5, 6], [1, 2]) - 1) < 1e-6, (
        "every image is ranked above every sample: that is 1")
    mixed = ask([1, 5], [2, 0])
    assert abs(mixed - 0.5) > 1e-6, (
        "only pairs with the same place in the batch were compared, and three of all "
        "four are ranked rightly")
    assert abs(mixed - 0.75) < 1e-6, (
        f"of the four pairs of 1, 5 and 2, 0 three are ranked rightly: 0.75, not {mixed:.3f}")
    same = ask([3, 3], [3, 3])
    assert same != 0, (
        "a discriminator that says the same of everything tosses a coin, and this calls it always "
        "wrong: a tie is half right")
    assert same != 1, (
        "a discriminator that says the same of everything tosses a coin, and this calls it always "
        "right: a tie is half right")
    assert abs(same - 0.5) < 1e-6 and abs(ask([1, 3], [3, 0]) - 0.625) < 1e-6, "a tie is half right"
    more = ask([1, 5], [2, 0, 9])
    assert abs(more - 0.5) < 1e-6, (
        "two images and three samples are six pairs, of which three are ranked rightly: "
        f"0.5, not {more:.3f}")
    print("correct: each with each, and a coin gets a half")


# %%
def pairs(a_real, a_fake): return a_real[:, None], a_fake[None, :]
def good_ranked(a_real, a_fake):
    a, b = pairs(a_real, a_fake)
    return ops.mean((ops.cast(a > b, "float32") + ops.cast(a >= b, "float32")) / 2)

def one_with_one(a_real, a_fake): return ops.mean(ops.cast(a_real > a_fake, "float32"))
def strictly(a_real, a_fake): return one_with_one(*pairs(a_real, a_fake))
def generously(a_real, a_fake): return 1 - strictly(a_fake, a_real)
def one_with_one_half(a_real, a_fake): return ops.mean((ops.sign(a_real - a_fake) + 1) / 2)

check_ranked(good_ranked)
check_ranked(lambda a_real, a_fake: one_with_one_half(*pairs(a_real, a_fake)))
assert rejects(check_ranked, one_with_one, "same place in the batch")
assert rejects(check_ranked, one_with_one_half, "same place in the batch")
assert rejects(check_ranked, strictly, "always wrong")
assert rejects(check_ranked, generously, "always right")
assert rejects(check_ranked, lambda a_real, a_fake: good_ranked(a_fake, a_real), "the larger logit")
