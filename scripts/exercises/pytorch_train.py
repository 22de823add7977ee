# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: training
#
# > What accepts or rejects an answer to the exercises of Training
#
# - order: 75

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_train.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_train.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_train.ipynb) · [API](../about/api.ipynb#exercises-pytorch_train)

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
# The exercises stand in [the lesson](../pytorch/train.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_train

# %%
#| exports
import copy
import io

import torch
from torch import nn

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
    "Whether `follow` averages with a half-life in images, and takes the buffers along."
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = copy.deepcopy(network)
    with torch.no_grad():
        for p in network.parameters(): p.fill_(1)
        for p in average.parameters(): p.zero_()
    network[1].running_mean.fill_(3)
    follow(average, network, 100, 1000)
    assert all((p == 1).all() for p in network.parameters()), (
        "the network in training was changed: only the average moves")
    values = torch.cat([p.detach().flatten() for p in average.parameters()])
    assert values.std() < 1e-6, "some parameters of the average did not move like the others"
    moved, keep = values.mean().item(), 0.5 ** (100 / 1000)
    def close(value): return abs(moved - value) < 1e-5
    assert not close(keep), "the wrong way round: the old average keeps 2^(-images/half_life)"
    assert not close(1 - 0.5 ** (1 / 1000)), (
        "the half-life is in images, and this step had 100: put them into the exponent")
    assert not close(0), "the average did not move: change its tensors in place"
    assert close(1 - keep), f"from 0 the average should move to {1 - keep:.4f}, not to {moved:.4f}"
    mean = average[1].running_mean[0].item()
    assert mean != 0, "BatchNorm's buffers were forgotten: parameters() does not list them"
    assert mean == 3, "the buffers are averages already: copy them"
    assert average[1].num_batches_tracked == network[1].num_batches_tracked, "one buffer was left"
    for _ in range(9): follow(average, network, 100, 1000)
    assert abs(average[0].weight[0, 0].item() - 0.5) < 1e-4, (
        "after 1000 images it should be half way")
    print("correct: half way after one half-life, buffers included")


# %%
def following(keep, buffers=True):
    @torch.no_grad()
    def follow(average, network, images, half_life):
        k = keep(images, half_life)
        for a, p in zip(average.parameters(), network.parameters()): a.lerp_(p, 1 - k)
        if buffers:
            for a, b in zip(average.buffers(), network.buffers()): a.copy_(b)
    return follow

def right(images, half_life): return 0.5 ** (images / half_life)

check_average(following(right))

# %%
assert rejects(check_average, following(right, buffers=False), "forgotten")
assert rejects(check_average, following(lambda n, h: 0.5 ** (1 / h)), "in images")
assert rejects(check_average, following(lambda n, h: 1 - right(n, h)), "wrong way round")


# %% [markdown]
# ## 2. A checkpoint of your own
#
# To name what is missing, the check resumes several trainings: one that depends on the weights only, then one whose
# learning rate depends on the step, one with Adam's moments, and one with random batches.

# %%
#| exports
def check_checkpoint(save, # (network, optimizer, step) -> a dictionary
                     load, # (network, optimizer, state) -> the step
    ):
    "Whether a training that was saved after three steps and loaded ends with the same bits."
    def begin(kind, seed):
        torch.manual_seed(seed)
        network = nn.Linear(4, 1)
        return network, kind(network.parameters(), lr=0.1)
    def steps(network, optimizer, first, last, schedule, random):
        for k in range(first, last):
            if schedule: optimizer.param_groups[0]["lr"] = 0.1 / (1 + k)
            x = torch.randn(8, 4) if random else torch.linspace(-1, 2, 32).reshape(8, 4)
            optimizer.zero_grad()
            (network(x) - x.sum(1, keepdim=True)).square().mean().backward()
            optimizer.step()
    before = torch.get_rng_state()
    try:
        for kind, schedule, random, hint in [
                (torch.optim.SGD, False, False, "the weights are not the saved ones"),
                (torch.optim.SGD, True, False, "the step is lost, and with it the learning rate"),
                (torch.optim.Adam, False, False,
                 "the optimiser's state is lost: Adam has two moments"),
                (torch.optim.SGD, False, True, "the random state is lost: other batches come")]:
            network, optimizer = begin(kind, 0)
            steps(network, optimizer, 0, 6, schedule, random)
            end = network.weight.detach().clone()
            network, optimizer = begin(kind, 0)
            steps(network, optimizer, 0, 3, schedule, random)
            file = io.BytesIO()
            torch.save(save(network, optimizer, 3), file)
            file.seek(0)
            network, optimizer = begin(kind, 999)
            first = load(network, optimizer, torch.load(file, weights_only=True))
            assert isinstance(first, int), f"load returns the step, a whole number, not {first!r}"
            steps(network, optimizer, first, first + 3, schedule, random)
            assert torch.equal(network.weight.detach(), end), f"not the same bits: {hint}"
            assert first == 3, "the step is lost: load should return 3"
    finally: torch.set_rng_state(before)
    print("correct: the same bits, as if nothing had happened")


# %%
def answer(*forgotten):
    def save(network, optimizer, step):
        return dict(network=network.state_dict(), optimizer=optimizer.state_dict(), step=step,
                    rng=torch.get_rng_state())
    def load(network, optimizer, state):
        if "network" not in forgotten: network.load_state_dict(state["network"])
        if "optimizer" not in forgotten: optimizer.load_state_dict(state["optimizer"])
        if "rng" not in forgotten: torch.set_rng_state(state["rng"])
        return 0 if "step" in forgotten else state["step"]
    return save, load

check_checkpoint(*answer())


# %%
def check_pair(pair): check_checkpoint(*pair)

assert rejects(check_pair, answer("optimizer"), "Adam has two moments")
assert rejects(check_pair, answer("rng"), "other batches")
assert rejects(check_pair, answer("step"), "the step is lost")
