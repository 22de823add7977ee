# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Seeds, measurements and grids
#
# > The same run twice, numbers that do not slow it down, and pictures of it
#
# - order: 16

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/utils.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/utils.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/utils.ipynb) · [API](../about/api.ipynb#pytorch-utils) · [Side by side](../about/side_by_side.ipynb#utils)

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
# **You will be able to** make a run repeat itself bit for bit, stop and continue its random numbers, measure every step
# without waiting for the device, and turn a batch of tensors into a picture.
#
# **You need** [Run folders](../foundations/runs.ipynb), [Figures](../foundations/figures.ipynb) and a first acquaintance
# with PyTorch tensors. **It takes** fifteen minutes.

# %%
#| default_exp pytorch.utils

# %%
#| exports
import os
import random

import numpy as np
import torch

from gan_course import figures

# %% [markdown]
# ## Randomness that can be repeated
#
# A GAN draws random numbers everywhere: initial weights, the order of the images, a new [latent](../about/glossary.ipynb#gl-latent) $z$ for every generated
# image. Two runs with the same [seed](../about/glossary.ipynb#gl-seed) should be the same run. Otherwise a change of the code cannot be told from luck,
# and in GANs luck is large: the same [recipe](../about/glossary.ipynb#gl-recipe) with another seed may end visibly better or worse.

# %%
torch.manual_seed(7); first = torch.randn(3)
torch.manual_seed(7); second = torch.randn(3)
assert torch.equal(first, second)
first


# %% [markdown]
# That is enough for PyTorch. A program has other generators as well, Python's and NumPy's, and `manual_seed` knows
# nothing of them:

# %%
def three():
    "One number of each generator."
    return random.random(), np.random.rand(), torch.rand(1).item()

torch.manual_seed(7); first_three = three()
torch.manual_seed(7); second_three = three()
[a == b for a, b in zip(first_three, second_three)]

# %% [markdown]
# There is a second source of chance. A GPU chooses among kernels, and some of them add up in an order that changes from
# run to run. With floating-point numbers the order matters:

# %%
a, b, c = torch.tensor([1e8, -1e8, 1.0])
(a + b) + c, a + (b + c)


# %% [markdown]
# The same three numbers, and one sum is 1 and the other 0: near $10^8$ float32 has steps of 8, and the small number is
# lost if it is added first. `seed_everything` takes care of all this.

# %%
#| exports
def seed_everything(seed, # 0 to 2**63 - 1
                    deterministic=False, # on a GPU, forbid kernels whose result depends on timing
    ):
    "Seed Python, NumPy and PyTorch."
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed) # the generators of all devices too
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8") # cuBLAS asks for it
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(deterministic)


# %%
seed_everything(7); first_three = three()
seed_everything(7); assert three() == first_three
seed_everything(7); assert torch.equal(torch.randn(3), first)


# %% [markdown]
# A seed repeats a run from its beginning. To continue one from the middle, we need the *state* of the generator: where
# in its sequence it stands. Predict: after seeding with 7 and drawing three numbers, then saving the state, drawing three
# more, restoring the state and drawing three again, which draws are equal?

# %%
#| exports
def rng_state(device): # a `torch.device`
    "The states of the random generators that training on this device draws from; tensors of bytes."
    state = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        at = () if device.type == "mps" else (device,) # there is only one mps
        state[device.type] = getattr(torch, device.type).get_rng_state(*at)
    return state

def set_rng_state(state, # from `rng_state`
                  device, # a `torch.device`
    ):
    "Put the generators back. From the state of another kind of device it takes the CPU's."
    torch.set_rng_state(state["cpu"])
    if device.type != "cpu" and device.type in state:
        at = () if device.type == "mps" else (device,)
        getattr(torch, device.type).set_rng_state(state[device.type], *at)


# %%
cpu = torch.device("cpu")
torch.manual_seed(7); a = torch.randn(3)
state = rng_state(cpu); b = torch.randn(3)
set_rng_state(state, cpu); c = torch.randn(3)
assert torch.equal(b, c) and not torch.equal(a, b)


# %% [markdown]
# The second and third. A [checkpoint](../about/glossary.ipynb#gl-checkpoint) holds this state, and so a run that was killed goes on with the very latents it
# would have drawn.
#
# Pictures need latents too, and they must not disturb the sequence: a run that draws a grid after each [epoch](../about/glossary.ipynb#gl-epoch) would differ
# from one that does not. So they come from a generator of their own.

# %%
#| exports
def make_latents(num, # how many
                 latent_dim, # length of each
                 seed, # of a generator used for nothing else
                 device=None, # where they are needed
    ): # float32, [num, latent_dim], standard normal
    "Latents for pictures and measurements. Drawn on the CPU, so the same for every device."
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, latent_dim, generator=generator).to(device or "cpu")


# %%
torch.manual_seed(7); torch.randn(3); z = make_latents(4, 2, seed=0)
assert torch.equal(torch.randn(3), b), "the main generator must not notice"
assert torch.equal(z, make_latents(4, 2, seed=0)) and z.shape == (4, 2)

# %% [markdown]
# ## From tensors to pixels
#
# Inside the networks an image is `[C, H, W]` with values in [-1, 1]; a picture is `[H, W, C]` of bytes. Both changes are
# easy to get slightly wrong, so they are made here and nowhere else. A [generator](../about/glossary.ipynb#gl-generator) that ends in tanh can give 1.0 exactly;
# what happens if we forget to round?

# %%
x = torch.tensor([-1.0, -0.001, 0.0, 0.999, 1.0])
((x + 1) * 127.5).to(torch.uint8), ((x + 1) * 127.5).round().to(torch.uint8)

# %% [markdown]
# Without rounding every value is cut off: 127.4 and 127.9 both become 127. By how much are the images too dark then?

# %%
x = torch.rand(100_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
exact, cut = (x + 1) * 127.5, ((x + 1) * 127.5).to(torch.uint8)
print(f"without rounding {cut.float().mean() - exact.mean():.3f}, "
      f"with {exact.round().mean() - exact.mean():.3f} grey levels")

# %%
assert -0.51 < cut.float().mean() - exact.mean() < -0.49


# %% [markdown]
# Half a grey level. The eye does not see it; a statistic over ten thousand images does, and takes it for a property of
# the generator.

# %%
#| exports
def to_images(x, # float tensor, [N, C, H, W] in [-1, 1], on any device
    ): # uint8 array, [N, H, W, C]
    "What the networks make, as pixels."
    x = ((x.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return x.permute(0, 2, 3, 1).contiguous().cpu().numpy()


# %%
pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
there = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
assert (to_images(there) == pixels).all(), "to [-1, 1] and back changes no pixel"
to_images(there).shape, to_images(there).dtype

# %% [markdown]
# ## Measuring without waiting
#
# Every tutorial has this line in its training loop: `running += loss.item()`. A GPU works through a queue, and the
# program runs ahead of it and fills the queue. `.item()` asks for a number that is not computed yet, so the program
# stops until the queue is empty; then the GPU stops until the program has filled it again. Once per step, each waits for
# the other. On a CPU there is no queue and nothing to see, which is why the line survives so well.
#
# There is a second trap in the same place: `running += loss` without `.item()`. It does not wait. What does it keep
# alive instead?

# %%
weight = torch.ones(3, requires_grad=True)
running = torch.zeros(())
for step in range(3): running += (weight * step).sum()
running.grad_fn is not None, running.detach().grad_fn is not None

# %% [markdown]
# `running` remembers how it was computed, and with it every activation of every step so far: memory grows until it is full.
#
# The cure for both is to `detach`, to add up *on the device*, and to ask once per epoch. In which format? An epoch has a
# thousand steps, a long one fifty thousand. Let us add 0.1 that often:

# %%
# NBVAL_CHECK_OUTPUT
for kind in (torch.float32, torch.float64):
    total = torch.zeros((), dtype=kind)
    for step in range(50_000): total += 0.1
    print(f"{kind}: the mean is {total.item() / 50_000:.6f}")


# %% [markdown]
# The further the sum has grown, the coarser are the steps in which float32 can grow on, and each addition is rounded to
# them. So the sums are kept in float64, where the device has it (Apple's GPUs do not).

# %%
#| exports
class Meter:
    "Sums of named quantities, kept on the device; reading them is the only wait."
    def __init__(self, names, device):
        self.names, self.device = tuple(names), device
        kind = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(len(self.names), dtype=kind, device=device)
        self.counts = torch.zeros_like(self.sums)

    def add(self, **values): # name -> tensor of one number, on the device
        "Add one measurement of each of some quantities. Never waits."
        at = [self.names.index(name) for name in values]
        new = torch.stack([value.detach().to(self.sums.dtype) for value in values.values()])
        if len(at) == len(self.names) and at == list(range(len(at))):
            self.sums += new; self.counts += 1
        else:
            for i, value in zip(at, new): self.sums[i] += value; self.counts[i] += 1

    def means(self):
        "Mean of each quantity since the last reset, as floats; nan where nothing was measured."
        return dict(zip(self.names, (self.sums / self.counts).tolist()))

    def reset(self):
        "Start again from nothing."
        self.sums.zero_(); self.counts.zero_()

    def state_dict(self):
        "For a checkpoint in the middle of an epoch."
        return {"sums": self.sums, "counts": self.counts}

    def load_state_dict(self, state):
        "The opposite of `state_dict`."
        self.sums.copy_(state["sums"]); self.counts.copy_(state["counts"])


# %%
meter = Meter(["loss", "penalty"], cpu)
meter.add(loss=torch.tensor(1.0), penalty=torch.tensor(5.0))
meter.add(loss=torch.tensor(2.0))
meter.means()

# %%
assert meter.means() == {"loss": 1.5, "penalty": 5.0}
copy = Meter(meter.names, cpu); copy.load_state_dict(meter.state_dict())
copy.add(loss=torch.tensor(6.0))
assert copy.means()["loss"] == 3.0 and meter.means()["loss"] == 1.5
meter.reset(); assert np.isnan(meter.means()["loss"])


# %% [markdown]
# Each quantity has a count of its own. The penalty is computed in every sixteenth step only, and its mean must be over
# these steps, not over all.
#
# ## Grids
#
# The caption of a grid says which images the network was trained on. A picture without it becomes a "final result" of
# nobody knows what.

# %%
#| exports
def save_samples(x, # float tensor, [N, C, H, W] in [-1, 1]
                 path, # PNG to write
                 caption, # what the pictures are: data set, epoch, seed
                 title=None, # above the grid
    ): # `path`
    "Write generated images as a grid."
    return figures.save_grid(to_images(x), path, title=title, caption=caption)


# %%
#| label: fig-noise
#| fig-cap: "What an untrained generator might give: noise, drawn by the functions of this lesson."
#| fig-alt: "Eight squares of grey noise in a row."
noise = make_latents(8, 28 * 28, seed=0).reshape(8, 1, 28, 28).tanh()
figures.image_grid(to_images(noise), columns=8, caption="noise, seed 0")

# %%
import tempfile
from pathlib import Path

# %%
with tempfile.TemporaryDirectory() as folder:
    path = save_samples(noise, Path(folder)/"noise.png", "noise, seed 0")
    assert path.read_bytes().startswith(b"\x89PNG")

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_utils import check_bytes, check_maximum, check_quietly


# %% [markdown]
# ### 1. As if nothing had happened
#
# A colleague's function draws from PyTorch's global generator, and cannot be changed. Write `quietly(function)`: it calls
# `function()`, returns what it returns, and leaves the generator of the CPU as it found it, also when `function` raises an
# error.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def quietly(function):
    state = rng_state(cpu)
    try: return function()
    finally: set_rng_state(state, cpu)

check_quietly(quietly)


# %% [markdown]
# ### 2. A network with a sigmoid
#
# Another generator ends in a sigmoid and gives values in [0, 1]; a blurring afterwards makes some of them a little
# smaller than 0 or larger than 1. Write `to_bytes(x)`, which makes `uint8` of them: 0 is black, 1 is white, and every
# value goes to the nearest level.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def to_bytes(x):
    return (x * 255).round().clamp(0, 255).to(torch.uint8)

check_bytes(to_bytes)


# %% [markdown]
# ### 3. The worst of an epoch
#
# A mean hides a single huge gradient. Write a class `Maximum(device)` with `add(value)` for a tensor of one number, and
# `value()` for the largest so far as a float. Like `Meter`, it must not wait in `add`, and must not keep the graph.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
class Maximum:
    def __init__(self, device): self.largest = torch.tensor(-torch.inf, device=device)
    def add(self, value): self.largest = torch.maximum(self.largest, value.detach())
    def value(self): return self.largest.item()

check_maximum(Maximum)

# %% [markdown]
# ## What to remember
#
# - A seed repeats a run from its beginning; the *state* of the generators continues it from the middle.
# - What only looks at a run, such as pictures and measurements, draws from a generator of its own.
# - To pixels: add 1, times 127.5, *round*, clamp.
# - Add up on the device, detached, in float64; ask once per epoch. `.item()` in a loop makes program and GPU wait for
#   each other.
#
# **What goes wrong, and how to see it.**
#
# - *Two runs with one seed differ.* Something draws that was not seeded, or draws more often in one of them. Print
#   `torch.rand(1)` at a few places in both: the first place where they differ is behind the culprit. If they never differ
#   and the weights do, it is the order of additions: use `deterministic=True` on a GPU, and the same number of threads on a
#   CPU.
# - *Memory grows from step to step.* A tensor with a `grad_fn` is kept somewhere, mostly in a list of losses.
# - *The GPU is idle half of the time* (`nvidia-smi` shows it). Look for `.item()`, `.cpu()`, `print(loss)` and
#   `if loss > ...` in the loop; each of them waits.
#
# **References.** PyTorch's notes on [reproducibility](https://docs.pytorch.org/docs/stable/notes/randomness.html) and on
# [asynchronous execution](https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution). Goldberg [-@goldberg1991floating], [*What every computer scientist should know about floating-point arithmetic*](https://doi.org/10.1145/103162.103163).
# Parmar, Zhang and Zhu [-@parmar2022aliased], [*On aliased resizing and surprising subtleties in GAN
# evaluation*](https://arxiv.org/abs/2104.11222): how much the way to pixels changes a statistic.
