# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data
#
# > From the loader of every tutorial to batches that cost almost nothing
#
# - order: 17

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/data.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/data.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/data.ipynb) · [API](../about/api.ipynb#pytorch-data) · [Side by side](../about/side_by_side.ipynb#data)

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
# **You will be able to** feed a GAN with torchvision's data sets and transforms, see what that costs, and replace it by
# something simpler that is many times as fast: all images on the device, as bytes, picked by number.
#
# **You need** [the data sets](../foundations/datasets.ipynb) and [Seeds, measurements and grids](utils.ipynb).
# **It takes** fifteen minutes, one of them waiting.

# %%
#| default_exp pytorch.data

# %%
#| exports
import torch

from gan_course.basics import CourseError
from gan_course.datasets import load_dataset

# %%
from gan_course.basics import budget
from gan_course.figures import image_grid
from gan_course.pytorch.utils import seed_everything, to_images

# %% [markdown]
# ## The way every tutorial does it
#
# A `Dataset` gives one image at a time, as a PIL picture; a chain of transforms makes a tensor of it and brings it to
# [-1, 1]; a `DataLoader` shuffles, stacks and repeats. With torchvision that is
# `datasets.FashionMNIST(root, download=True, transform=...)`. The download needs a host that is not always there, so we
# give torchvision the images that `load_dataset` found, in the same form.

# %%
import numpy as np
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

# %%
images = load_dataset("auto", limit=budget(full=None, fast=3000))
images.name, images.images.shape, images.images.dtype


# %%
class Pictures(Dataset):
    "What `torchvision.datasets.FashionMNIST` is, without the download."
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform
    def __len__(self): return len(self.images)
    def __getitem__(self, i):
        picture = Image.fromarray(self.images[i, :, :, 0])
        return self.transform(picture), int(self.labels[i])

to_range = transforms.Compose([
    transforms.ToTensor(),              # PIL picture -> float tensor [1, 28, 28] in [0, 1]
    transforms.Normalize((0.5,), (0.5,)), # x -> (x - 0.5) / 0.5, in [-1, 1]
])
loader = DataLoader(Pictures(images.images, images.labels, to_range), batch_size=64, shuffle=True)

# %%
x, labels = next(iter(loader))
x.shape, x.dtype, x.min().item(), x.max().item()

# %%
assert x.shape == (64, 1, 28, 28) and x.min() >= -1 and x.max() <= 1

# %% [markdown]
# Why [-1, 1]? Because the [generator](../about/glossary.ipynb#gl-generator) ends in tanh and can make nothing else. If real images were in [0, 1], the
# [discriminator](../about/glossary.ipynb#gl-discriminator) would learn in a few steps that a negative pixel means "fake", and would never need to look at clothes.
# How good is a judge that knows nothing but this rule? We show it noise between -1 and 1, and real images in both ranges:

# %%
noise = torch.rand(64, 1, 28, 28) * 2 - 1
def says_fake(x): return (x.flatten(1).min(1).values < 0).float().mean().item()
print(f"called fake: noise {says_fake(noise):.0%}, real in [0, 1] {says_fake((x + 1) / 2):.0%}, "
      f"real in [-1, 1] {says_fake(x):.0%}")

# %% [markdown]
# Always right in [0, 1], and of no use in [-1, 1]. A GAN whose discriminator is perfect after ten steps has often a slip
# like this behind it, and not a strong discriminator.
#
# ## The last batch
#
# How many images does the last [batch](../about/glossary.ipynb#gl-batch) of an [epoch](../about/glossary.ipynb#gl-epoch) hold?

# %%
sizes = [len(x) for x, _ in loader]
len(images), sizes[0], sizes[-1]

# %%
assert sizes[-1] == (len(images) % 64 or 64)

# %% [markdown]
# Not 64. If the training loop then takes 64 generated images against fewer real ones, as many do, the discriminator's
# loss weighs the classes differently in that step, [BatchNorm](../about/glossary.ipynb#gl-batchnorm) sees another mixture, and a loss that pairs each real
# image with a generated one fails outright. `drop_last=True` cures it. The images left out are others in every epoch,
# because the order is.
#
# ## What it costs

# %%
import time


# %%
def rate(batches, count=budget(full=200, fast=20)):
    "Images per second of an iterator of batches."
    batches = iter(batches)
    next(batches)
    begin = time.perf_counter()
    seen = sum(len(next(batches)[0]) for _ in range(count))
    return seen / (time.perf_counter() - begin)

textbook = rate(loader)
print(f"the textbook loader gives {textbook:,.0f} images a second")

# %% [markdown]
# A small GAN on a good processor trains on two or three thousand images a second, on a GPU on fifty thousand and more.
# Every image goes through Python, through a PIL object, through two transforms, and through `torch.stack`, one at a time,
# and that in every epoch anew, although nothing about the image changes. Loader processes (`num_workers`) share this work
# out, if there are processors to spare. It is better not to do it.
#
# ## All images on the device, as bytes
#
# Fashion-MNIST as bytes is 47 MB. As float32 it would be four times as much: not a problem either, but a waste, since
# a byte holds all there is to know. So the images are moved to the device once, as `uint8`, and a batch is three
# operations there: pick rows, convert, scale.

# %%
device = torch.device("cpu")
stored = torch.from_numpy(images.images).to(device) # [N, H, W, C], bytes
index = torch.randint(len(stored), (64,))
x = stored[index].permute(0, 3, 1, 2).float().div(127.5).sub(1)
print(f"stored: {stored.nbytes / 1e6:.0f} MB")
x.shape, x.dtype, x.is_contiguous(memory_format=torch.channels_last)


# %% [markdown]
# A detail comes for free. The data set stores images as `[H, W, C]`, and `permute` changes only how they are addressed.
# What results is a tensor of shape `[N, C, H, W]` whose channels lie side by side in memory: `channels_last`, the
# order in which convolutions run fastest on current processors and GPUs.
#
# ## The order of an epoch
#
# Shuffling is a permutation of the image numbers. It is drawn from a generator of its own, seeded by the run's [seed](../about/glossary.ipynb#gl-seed) *and
# the number of the epoch*: whoever knows these two knows the order. A run that is [resumed](../about/glossary.ipynb#gl-resume) in the middle of epoch 7
# draws the same permutation and starts at the batch where it was; nothing about the data has to be saved.

# %%
#| exports
def epoch_order(num, # of images
                seed, # of the run
                epoch, # 0, 1, 2, ...
    ): # int64, [num]: a permutation of 0 ... num - 1
    "The order in which an epoch visits the images. The same on every machine."
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.randperm(num, generator=generator)


# %%
# NBVAL_CHECK_OUTPUT
epoch_order(8, seed=0, epoch=0).tolist(), epoch_order(8, seed=0, epoch=1).tolist()

# %%
assert sorted(epoch_order(1000, 3, 5).tolist()) == list(range(1000))
assert torch.equal(epoch_order(1000, 3, 5), epoch_order(1000, 3, 5))
assert not torch.equal(epoch_order(1000, 3, 5), epoch_order(1000, 3, 6))
assert not torch.equal(epoch_order(1000, 3, 5), epoch_order(1000, 4, 5))

# %% [markdown]
# Of 300 images in batches of 64, the last 44 of the order are left out. How many images has the network not met after
# one epoch, two, three and four? Multiply before you look: 44/300 is about one in seven.

# %%
# NBVAL_CHECK_OUTPUT
met = set()
for epoch in range(4):
    met |= set(epoch_order(300, seed=0, epoch=epoch)[:256].tolist())
    print(f"after epoch {epoch}: {300 - len(met)} images not met")


# %% [markdown]
# ## Batches
#
# Put together. `rank` and `world` are for training with [several processes](../about/glossary.ipynb#gl-data-parallel): each takes its own part of the same batch, so
# two processes with 32 images each see what one with 64 would see.

# %%
#| exports
class DeviceBatches:
    "A data set on the device, and its batches in a new order each epoch."
    def __init__(self,
                 dataset, # a `gan_course.datasets.Dataset`
                 batch_size, # real images per step, over all processes
                 *,
                 device, # a `torch.device`
                 seed=0, # of the order
                 flip=0.0, # probability of mirroring an image left to right
                 rank=0, world=1, # this process, and how many there are
                ):
        if len(dataset) < batch_size:
            raise CourseError(
                f"{dataset.name} has {len(dataset)} images and batch_size is {batch_size}: "
                "not one full batch; lower batch_size or raise limit")
        if batch_size % world:
            raise CourseError(f"batch_size {batch_size} cannot be shared equally by {world} "
                              f"processes; use a multiple of {world}")
        if not 0 <= rank < world: raise ValueError(f"rank {rank} of {world} processes")
        self.images = torch.from_numpy(dataset.images).to(device)
        self.batch_size, self.seed, self.flip = batch_size, seed, flip
        self.mine = slice(rank * batch_size // world, (rank + 1) * batch_size // world)
        self.epoch, self.order = None, None

    def __len__(self):
        "Full batches in an epoch."
        return len(self.images) // self.batch_size

    def batch(self, epoch, step): # both from 0
        "Real images, float32 [B, C, H, W] in [-1, 1], channels_last. Every batch is full."
        if not 0 <= step < len(self): raise IndexError(f"step {step} of an epoch of {len(self)}")
        if epoch != self.epoch:
            self.order = epoch_order(len(self.images), self.seed, epoch).to(self.images.device)
            self.epoch = epoch
        index = self.order[step * self.batch_size:(step + 1) * self.batch_size]
        x = self.images[index[self.mine]].permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        if self.flip: # one draw per image of the whole batch, so that all processes agree
            chance = torch.rand(self.batch_size, device=index.device)[self.mine]
            x = torch.where((chance < self.flip)[:, None, None, None], x.flip(3), x)
        return x

    def epoch_batches(self, epoch, start=0): # first step wanted
        "The batches of an epoch, from `start` on."
        for step in range(start, len(self)): yield self.batch(epoch, step)


# %%
batches = DeviceBatches(images, 64, device=device, seed=0)
x = batches.batch(epoch=0, step=0)
x.shape, x.dtype, (x.min().item(), x.max().item())

# %%
#| label: fig-batch
#| fig-cap: "A batch of real images as the discriminator gets it, brought back to pixels."
#| fig-alt: "Four rows of sixteen small grey pictures of clothes, shoes and bags in no order."
image_grid(to_images(x), columns=16, caption=f"real images: {images.name}, epoch 0, batch 0")

# %% [markdown]
# What has to hold: every batch is full and in range, no image comes twice in an epoch, the pixels are those of the
# data set, and the middle of an epoch is the same whether one gets there or starts there.

# %%
small = DeviceBatches(images.limited(300), 64, device=device, seed=1)
whole = list(small.epoch_batches(epoch=2))
assert len(whole) == len(small) == 4 and all(x.shape == (64, 1, 28, 28) for x in whole)
assert all(torch.equal(a, b) for a, b in zip(whole[2:], small.epoch_batches(epoch=2, start=2)))
seen = epoch_order(300, 1, 2)[:256]
assert len(set(seen.tolist())) == 256
assert (to_images(torch.cat(whole)) == images.images[seen.numpy()]).all()
assert whole[0].is_contiguous(memory_format=torch.channels_last)

# %%
parts = [DeviceBatches(images.limited(300), 64, device=device, seed=1, rank=rank, world=2)
         for rank in (0, 1)]
both = torch.cat([part.batch(2, 0) for part in parts])
assert torch.equal(both, whole[0]), "two processes share the batch of one"

# %%
seed_everything(0)
mirrored = DeviceBatches(images.limited(300), 64, device=device, seed=1, flip=1.0)
assert torch.equal(mirrored.batch(2, 0), whole[0].flip(3))

# %% [markdown]
# ## The measured difference
#
# Guess the ratio before you look. Both are measured in turns, three times, and the medians compared.

# %%
import statistics


# %%
def ours(): return ((x,) for epoch in range(99) for x in batches.epoch_batches(epoch))

slow, fast = zip(*[(rate(loader), rate(ours())) for _ in range(3)])
ratio = statistics.median(fast) / statistics.median(slow)
print(f"textbook {statistics.median(slow):,.0f}, ours {statistics.median(fast):,.0f} "
      f"images a second: {ratio:.0f} times as fast")

# %% [markdown]
# Is that a fair comparison, or are our batches other ones? The same sixteen images, by both ways:

# %%
chosen = epoch_order(len(images), 0, 0)[:16].tolist()
textbook_x = torch.stack([loader.dataset[i][0] for i in chosen])
gap = (textbook_x - batches.batch(0, 0)[:16]).abs().max().item()
assert gap < 1e-6
print(f"largest difference of a pixel: {gap:.1e}")

# %% [markdown]
# They agree to the last digit of float32. What is gone is work that was done sixty thousand times an epoch and had the
# same result each time.
#
# When does this not work? When the images do not fit on the device (the flowers at 128 pixels still do: 180 MB), or
# when each picture needs work that cannot be done for a batch at once. Mirroring can; a random crop can too.

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_data import check_position, check_shifted


# %% [markdown]
# ### 1. Where were we?
#
# A run was stopped after `images_seen` real images. Write `position(images_seen, num, batch_size)`: the pair of the epoch
# and the step of the batch that comes next, both counted from 0, when the data set has `num` images and only full
# batches are used.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def position(images_seen, num, batch_size):
    return divmod(images_seen // batch_size, num // batch_size)

check_position(position)


# %% [markdown]
# ### 2. Shifted images, a batch at a time
#
# The last section claims that a random crop can be done for a whole batch. Write `shifted(x, dy, dx)`: image `n` of the batch
# `x`, `[N, C, H, W]`, moves `dy[n]` pixels down and `dx[n]` to the right (`int64` tensors of `N` numbers, negative
# ones go up and left). What moves in from outside is black, and black is -1. No loop over the images.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def shifted(x, dy, dx):
    n, _, height, width = x.shape
    margin = int(torch.stack([dy, dx]).abs().max())
    padded = torch.nn.functional.pad(x, [margin] * 4, value=-1.0)
    rows = torch.arange(height) + margin - dy[:, None] # [N, H]: where each row comes from
    columns = torch.arange(width) + margin - dx[:, None] # [N, W]
    which = torch.arange(n)[:, None, None]
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

check_shifted(shifted)

# %%
#| label: fig-shifted
#| fig-cap: "Real images, and below each the same image shifted by up to four pixels."
#| fig-alt: "Two rows of eight small pictures of clothes. The lower ones stand off the centre."
steps = torch.randint(-4, 5, (2, 8), generator=torch.Generator().manual_seed(0))
x = batches.batch(0, 0)[:8]
image_grid(to_images(torch.cat([x, shifted(x, *steps)])), columns=8,
           caption=f"{images.name}; below: shifted")

# %% [markdown]
# ## What to remember
#
# - Real images are in the range the generator can make: [-1, 1] for tanh.
# - Every batch is full. The images left out are others in every epoch.
# - Small data sets live on the device as bytes. A batch is three operations: pick, convert, scale.
# - The order follows from the seed and the epoch, so a resumed run needs nothing but these and the step.
#
# **What goes wrong, and how to see it.**
#
# - *The discriminator is perfect within seconds.* Print minimum, maximum and mean of a real and a generated batch: if one
#   is in [0, 1] or in [0, 255], there it is.
# - *An error about shapes, or a jump of the loss, at the end of each epoch.* The last batch is not full.
# - *A resumed run sees the first images again.* Compare the first batch after resuming with the one an uninterrupted run
#   gets there, as the assertions above do.
# - *The GPU waits for data.* Measure the batches alone, as `rate` does. If they come slower than training uses them, the
#   network's speed does not matter.
# - *Mirrored by flip, and wrong.* Shirts may be mirrored, digits and letters not.
#
# **References.** Xiao, Rasul and Vollgraf [-@xiao2017fashion], [*Fashion-MNIST*](https://arxiv.org/abs/1708.07747). Radford, Metz and
# Chintala [-@radford2015dcgan], [section 4](https://arxiv.org/abs/1511.06434): images scaled to the range of tanh, and nothing else. PyTorch
# on [`DataLoader`](https://docs.pytorch.org/docs/stable/data.html) and on
# [`channels_last`](https://docs.pytorch.org/tutorials/intermediate/memory_format_tutorial.html).
