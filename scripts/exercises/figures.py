# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: figures
#
# > What accepts or rejects an answer to the exercises of Figures that tell the truth
#
# - order: 61

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/figures.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/figures.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/figures.ipynb) · [API](../about/api.ipynb#exercises-figures)

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
# The exercises stand in [the lesson](../foundations/figures.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.figures

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Enlarge without smoothing

# %%
#| exports
def check_enlarge(enlarge): # takes uint8 images [N, H, W, C] and a factor
    "Whether each pixel becomes a square of equal pixels, for any number of channels."
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    got = np.asarray(enlarge(images.copy(), 3))
    hint = ""
    if got.shape == (9, 12, 5, 3): hint = "the first axis counts images: enlarge axes 1 and 2"
    elif got.size == images.size * 81: hint = "only height and width grow, not images and channels"
    assert got.shape == (3, 12, 15, 3), f"the shape is {got.shape}, not (3, 12, 15, 3); {hint}"
    tiled = np.tile(images, (1, 3, 3, 1))
    assert not np.array_equal(got, tiled), "np.tile repeats the whole image, not each pixel"
    assert set(np.unique(got)) <= set(np.unique(images)), "there are greys that no image has"
    for dy in range(3):
        for dx in range(3):
            assert np.array_equal(got[:, dy::3, dx::3], images), "a pixel is not one even square"
    assert got.dtype == np.uint8, f"uint8 should stay uint8, not become {got.dtype}"
    assert np.array_equal(enlarge(images, 1), images), "factor 1 should change nothing"
    print("correct: whole squares, and no new greys")


# %%
def enlarge(images, factor): return images.repeat(factor, axis=1).repeat(factor, axis=2)
def first_axes(images, factor): return images.repeat(factor, axis=0).repeat(factor, axis=1)
def tiles(images, factor): return np.tile(images, (1, factor, factor, 1))

def smooth(images, factor):
    big = enlarge(images, factor).astype(float)
    return ((big + np.roll(big, 1, axis=2)) / 2).astype(np.uint8)

check_enlarge(enlarge)
assert rejects(check_enlarge, first_axes, "the first axis counts images")
assert rejects(check_enlarge, tiles, "repeats the whole image")
assert rejects(check_enlarge, smooth, "no image has")
assert rejects(check_enlarge, lambda images, factor: enlarge(images, factor) / 1.0, "stay uint8")


# %% [markdown]
# ## 2. A strip that can be trusted

# %%
#| exports
def check_same_latents(record): # takes generate, epochs, num, size and seed; returns a list
    "Whether every epoch sees the same latents, and other seeds others."
    def run(seed, epochs=4, num=64, size=100):
        seen = []
        def generate(epoch, z):
            assert np.shape(z) == (num, size), f"latents of shape {np.shape(z)}, not {num, size}"
            seen.append((epoch, np.array(z)))
            z *= 0 # as a careless network might
            return f"images of epoch {epoch}"
        out = record(generate, epochs, num, size, seed)
        assert [e for e, z in seen] == list(range(epochs)), "call generate once in each epoch"
        assert out == [f"images of epoch {e}" for e in range(epochs)], "return what was generated"
        return [z for epoch, z in seen]
    np.random.seed(0)
    first = run(seed=1)
    assert not any((z == 0).all() for z in first), "generate changed the latents: hand out a copy"
    assert all(np.array_equal(z, first[0]) for z in first), (
        "the latents differ from epoch to epoch: draw them once, before the loop")
    assert abs(first[0].mean()) < 0.1 and abs(first[0].std() - 1) < 0.1, (
        f"mean {first[0].mean():.2f}, spread {first[0].std():.2f}: a standard normal has 0 and 1")
    assert np.array_equal(run(seed=1)[0], first[0]), "the same seed should give the same latents"
    assert not np.array_equal(run(seed=2)[0], first[0]), "another seed should give other latents"
    print("correct: the same latents in every epoch")


# %%
def record(generate, epochs, num, size, seed):
    z = np.random.default_rng(seed).standard_normal((num, size))
    return [generate(epoch, z.copy()) for epoch in range(epochs)]

def fresh(generate, epochs, num, size, seed):
    rng = np.random.default_rng(seed)
    return [generate(epoch, rng.standard_normal((num, size))) for epoch in range(epochs)]

def no_copy(generate, epochs, num, size, seed):
    z = np.random.default_rng(seed).standard_normal((num, size))
    return [generate(epoch, z) for epoch in range(epochs)]

def uniform(generate, epochs, num, size, seed):
    z = np.random.default_rng(seed).random((num, size))
    return [generate(epoch, z.copy()) for epoch in range(epochs)]

def no_seed(generate, epochs, num, size, seed):
    z = np.random.standard_normal((num, size))
    return [generate(epoch, z.copy()) for epoch in range(epochs)]

check_same_latents(record)
assert rejects(check_same_latents, fresh, "before the loop")
assert rejects(check_same_latents, no_copy, "hand out a copy")
assert rejects(check_same_latents, uniform, "standard normal")
assert rejects(check_same_latents, no_seed, "the same seed")


# %% [markdown]
# ## 3. A first look, by machine

# %%
#| exports
def check_verdict(verdict): # takes a list of rows, returns one of four words
    "Whether the last five epochs are judged as the exercise asks, with gaps."
    def rows(real, fake): return [dict(epoch=i, d_real=r, d_fake=f)
                                  for i, (r, f) in enumerate(zip(real, fake))]
    def ask(expected, history, hint):
        try: got = verdict(history)
        except Exception as error: got = f"{type(error).__name__}: {error}"
        assert got == expected, f"{got!r} instead of {expected!r}: {hint}"
    ask("discriminator won", rows([0.99] * 6, [0.01] * 6), "D(x) is 0.99 and D(G(z)) 0.01")
    ask("discriminator fooled", rows([0.4] * 6, [0.6] * 6), "D(G(z)) is above D(x)")
    ask("balanced", rows([0.6] * 6, [0.4] * 6), "D(x) is 0.6 and D(G(z)) 0.4")
    ask("balanced", rows([0.97] * 6, [0.2] * 6), "it has won only if D(G(z)) is below 0.05 too")
    ask("balanced", rows([0.99] * 300 + [0.6] * 5, [0.01] * 300 + [0.4] * 5),
        "only the last five epochs count")
    ask("balanced", rows([0.6] * 9 + [0.4], [0.4] * 9 + [0.6]),
        "the mean of five epochs counts, not the last one")
    ask("balanced", rows([0.6, None, 0.6, None, 0.6], [0.4, 0.4, None, None, 0.4]),
        "None was not measured: leave it out of the mean")
    ask("discriminator fooled", rows([0.0] * 5, [0.1] * 5), "0.0 is a measurement, None is not")
    ask("unknown", rows([0.9] * 5 + [None] * 5, [0.1] * 10), "all five of D(x) are missing")
    print("correct: a verdict from five epochs, gaps and all")


# %%
def verdict_with(last=5, known=lambda v: v is not None, won=lambda r, f: r > 0.95 and f < 0.05):
    def verdict(history):
        real, fake = ([row[name] for row in history[-last:] if known(row[name])]
                      for name in ("d_real", "d_fake"))
        if not real or not fake: return "unknown"
        real, fake = sum(real) / len(real), sum(fake) / len(fake)
        if won(real, fake): return "discriminator won"
        return "discriminator fooled" if fake > real else "balanced"
    return verdict

check_verdict(verdict_with())
assert rejects(check_verdict, verdict_with(last=1000), "only the last five")
assert rejects(check_verdict, verdict_with(last=1), "not the last one")
assert rejects(check_verdict, verdict_with(known=lambda v: True), "leave it out")
assert rejects(check_verdict, verdict_with(known=bool), "0.0 is a measurement")
assert rejects(check_verdict, verdict_with(won=lambda r, f: r > 0.95), "only if D(G(z))")
