# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: the PyTorch lab
#
# > What accepts or rejects an answer to the exercises of the lab
#
# - order: 77

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_gan_pytorch.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_gan_pytorch.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_gan_pytorch.ipynb) · [API](../about/api.ipynb#exercises-pytorch_gan_pytorch)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course[pytorch]==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# The exercises stand in [the lab](../pytorch/gan_pytorch.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_gan_pytorch

# %%
#| exports
import numpy as np

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Arithmetic of a run

# %%
#| exports
# (images, batch_size, epochs, penalty_every) -> steps, penalised steps
def check_arithmetic(arithmetic):
    "Whether `arithmetic` counts the steps of a run as the training loop does."
    steps, _ = arithmetic(60_000, 64, 30, 16)
    assert steps != 30 * -(-60_000 // 64), (
        "the last, incomplete batch of an epoch is left out: round down")
    assert steps != 60_000 * 30 // 64, (
        "an epoch has whole batches only: round down before you multiply")
    assert steps == 28_110, (
        f"60,000 images in batches of 64 for 30 epochs are 28,110 steps, not {steps}")
    _, penalised = arithmetic(100, 10, 1, 16)
    assert penalised == 1, (
        f"10 steps: the first, number 0, carries the penalties, so 1, not {penalised}")
    _, penalised = arithmetic(320, 10, 1, 16)
    assert penalised == 2, f"32 steps: numbers 0 and 16 carry the penalties, so 2, not {penalised}"
    print("correct: whole batches only, and the first step carries the penalties")


# %%
def right(images, batch, epochs, every):
    steps = images // batch * epochs
    return steps, -(-steps // every)

check_arithmetic(right)
assert rejects(check_arithmetic, lambda n, b, e, k: (-(-n // b) * e, 0), "round down")
assert rejects(check_arithmetic, lambda n, b, e, k: (n * e // b, 0), "before you multiply")
assert rejects(check_arithmetic, lambda n, b, e, k: (n // b * e, n // b * e // k), "number 0")


# %% [markdown]
# ## 2. Who is winning?

# %%
#| exports
def check_winner(winner): # a row of the history -> "discriminator", "generator" or "neither"
    "Whether `winner` reads the ranking and nothing else."
    def row(rank, **others):
        return dict(dict(rank_accuracy=rank, loss_d=0.69, loss_g=0.69, d_real=0.5, d_fake=0.5),
                    **others)
    shouting = winner(row(0.6, loss_d=0.1, loss_g=5.0))
    assert shouting == "neither", (
        "with a ranking of 0.6 nobody wins, whatever the losses are: do not read them")
    shifted = winner(row(0.97, d_real=0.2, d_fake=0.1))
    assert shifted == "discriminator", (
        f"ranking 0.97 with D(x) = 0.2 gave {shifted!r}: a relativistic D may shift all its "
        "scores; read rank_accuracy")
    assert winner(row(0.4)) == "generator", (
        "below 0.5 the generated images rank higher: the generator wins")
    assert winner(row(0.75)) == "neither", "0.75 lies between"
    print("correct: the ranking says who is winning")


# %%
def by_rank(row):
    if row["rank_accuracy"] > 0.9: return "discriminator"
    return "generator" if row["rank_accuracy"] < 0.5 else "neither"

check_winner(by_rank)
by_loss = lambda row: "discriminator" if row["loss_d"] < row["loss_g"] else "neither"
by_score = lambda row: "discriminator" if row["d_real"] > 0.9 else "neither"
two_way = lambda row: "discriminator" if row["rank_accuracy"] > 0.9 else "neither"
assert rejects(check_winner, by_loss, "do not read them")
assert rejects(check_winner, by_score, "read rank_accuracy")
assert rejects(check_winner, two_way, "the generator wins")


# %% [markdown]
# ## 3. A number for collapse

# %%
#| exports
def check_diversity(diversity): # uint8 images [N, H, W, C] -> a number
    "Whether `diversity` is the mean root mean squared difference over pairs of different images."
    same = np.full((5, 4, 4, 1), 7, np.uint8)
    assert abs(diversity(same)) < 1e-9, "equal images have diversity 0"
    two = np.zeros((2, 4, 4, 1), np.uint8)
    two[1] = 200
    got = diversity(two)
    assert abs(got - 56) > 1e-6, "0 - 200 wraps around in bytes: convert to float first"
    assert abs(got - 100) > 1e-6, "leave out the pairs of an image with itself: divide by N (N - 1)"
    assert abs(got - 40_000) > 1e-6, "take the root of the mean square"
    assert abs(got - 200) < 1e-6, (
        f"one black and one grey image of level 200 differ by 200, not {got:.4g}")
    rng = np.random.default_rng(0)
    some = rng.integers(0, 256, (6, 4, 4, 1)).astype(np.uint8)
    x = some.reshape(6, -1).astype(float)
    want = np.mean([np.sqrt(((x[i] - x[j]) ** 2).mean()) for i in range(6)
                    for j in range(6) if i != j])
    assert abs(diversity(some) - want) < 1e-6, (
        "the root is taken per pair, before the mean over pairs")
    print("correct: collapse would give 0")


# %%
def pairs(images, dtype=float):
    x = images.reshape(len(images), -1).astype(dtype)
    return (x[:, None] - x[None]) ** 2

def right(images):
    n = len(images)
    return np.sqrt(pairs(images).mean(axis=2)).sum() / (n * (n - 1))

check_diversity(right)
assert rejects(check_diversity, lambda i: np.sqrt(pairs(i).mean(axis=2)).mean(), "with itself")
assert rejects(check_diversity, lambda i: pairs(i).mean(axis=2).sum() / (len(i) * (len(i) - 1)),
               "root of the mean square")
assert rejects(check_diversity, lambda i: np.abs(i[0] - i[-1]).mean() * 1.0, "wraps around")
late_root = lambda i: np.sqrt(pairs(i).mean(axis=2).sum() / (len(i) * (len(i) - 1)))
assert rejects(check_diversity, late_root, "per pair")
