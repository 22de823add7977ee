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
# - order: 8

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/utils.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/utils.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/utils.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course[pytorch] @ git+https://github.com/gan-course/gan_course@main"]) == 0

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
# A GAN draws random numbers everywhere: initial weights, the order of the images, a new latent $z$ for every generated
# image. Two runs with the same seed should be the same run. Otherwise a change of the code cannot be told from luck.

# %%
torch.manual_seed(7); first = torch.randn(3)
torch.manual_seed(7); second = torch.randn(3)
assert torch.equal(first, second)
first


# %% [markdown]
# That is enough for PyTorch. A program has other generators as well, Python's and NumPy's, and a GPU chooses among
# kernels of which some add up in an order that changes from run to run. `seed_everything` takes care of all.

# %%
#| exports
def seed_everything(seed, # 0 to 2**63 - 1
                    deterministic=False, # on a GPU, also forbid kernels whose result depends on timing
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
seed_everything(7)
assert torch.equal(torch.randn(3), first)


# %% [markdown]
# A seed repeats a run from its beginning. To continue one from the middle, we need the *state* of the generator: where
# in its sequence it stands. Predict: after seeding with 7 and drawing three numbers, then saving the state, drawing three
# more, restoring the state and drawing three again, which draws are equal?

# %%
#| exports
def rng_state(device): # a `torch.device`
    "The state of the random generators that training on this device draws from; tensors of bytes."
    state = {"cpu": torch.get_rng_state()}
    if device.type != "cpu": state["device"] = getattr(torch, device.type).get_rng_state()
    return state

def set_rng_state(state, # from `rng_state`
                  device, # a `torch.device`
    ):
    "Put the generators back to where they stood. A state from another kind of device sets what it can."
    torch.set_rng_state(state["cpu"])
    if device.type != "cpu" and "device" in state: getattr(torch, device.type).set_rng_state(state["device"])


# %%
cpu = torch.device("cpu")
torch.manual_seed(7); a = torch.randn(3)
state = rng_state(cpu); b = torch.randn(3)
set_rng_state(state, cpu); c = torch.randn(3)
assert torch.equal(b, c) and not torch.equal(a, b)


# %% [markdown]
# The second and third. A checkpoint holds this state, and so a run that was killed goes on with the very latents it
# would have drawn.
#
# Pictures need latents too, and they must not disturb the sequence: a run that draws a grid after each epoch would differ
# from one that does not. So they come from a generator of their own.

# %%
#| exports
def make_latents(num, # how many
                 latent_dim, # length of each
                 seed, # of a generator used for nothing else
                 device=None, # where they are needed
    ): # float32, [num, latent_dim], standard normal
    "Latents for pictures and measurements. Drawn on the CPU, so that they are the same on every device."
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
# easy to get slightly wrong, so they are made here and nowhere else. A generator that ends in tanh can give 1.0 exactly;
# what happens if we forget to round?

# %%
x = torch.tensor([-1.0, -0.001, 0.0, 0.999, 1.0])
((x + 1) * 127.5).to(torch.uint8), ((x + 1) * 127.5).round().to(torch.uint8)


# %% [markdown]
# Without rounding every value is cut off, and the images come out half a grey level too dark. The eye does not see
# it; a statistic over ten thousand images does.

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
# the other.
#
# The cure is to add up *on the device* and to ask once per epoch.

# %%
#| exports
class Meter:
    "Sums of named quantities, kept on the device; reading them is the only wait."
    def __init__(self, names, device):
        self.names, self.device = tuple(names), device
        self.sums = torch.zeros(len(self.names), dtype=torch.float64 if device.type != "mps" else torch.float32,
                                device=device)
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
# On this page the sums are in float64: fifty thousand float32 numbers added one by one lose digits, and an epoch of a
# larger data set has as many steps.
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
with tempfile.TemporaryDirectory() as folder:
    path = save_samples(noise, Path(folder)/"noise.png", "noise, seed 0")
    assert path.read_bytes().startswith(b"\x89PNG")
