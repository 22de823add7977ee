# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: data
#
# > What accepts or rejects an answer to the exercises of Data (PyTorch)
#
# - order: 72

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/pytorch_data.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_data.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/pytorch_data.ipynb) · [API](../about/api.ipynb#exercises-pytorch_data)

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
# The exercises stand in [the lesson](../pytorch/data.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.pytorch_data

# %%
#| exports
import torch

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. Where were we?

# %%
#| exports
def check_position(position): # takes images_seen, num and batch_size; gives epoch and step
    "Whether `position` gives the epoch and the step of the batch that comes next."
    def where(seen): return tuple(int(i) for i in position(seen, 300, 64))
    assert where(0) == (0, 0), f"at the beginning it gives {where(0)}: both count from 0"
    assert where(64) != (1, 0), "the epoch comes first, then the step"
    assert where(64) != (0, 0), "after one batch it is the second's turn, step 1: what comes next?"
    assert where(64) != (0, 64), "the step counts batches, not images"
    assert where(64) == (0, 1), f"after one batch it gives {where(64)}, not (0, 1)"
    assert where(256) != (0, 4), (
        "after 256 of 300 images it gives step 4, and there is none: an epoch has four full "
        "batches, and ends with the last of them")
    assert where(256) == (1, 0), f"after 256 of 300 images it gives {where(256)}, not (1, 0)"
    assert where(9 * 64) == (2, 1), f"after nine batches it gives {where(9 * 64)}, not (2, 1)"
    assert tuple(position(640, 640, 64)) == (1, 0), "640 images are ten full batches: all are used"
    print("correct: the epoch and the step that come next")


# %%
def good_position(seen, num, size): return divmod(seen // size, num // size)
def all_images(seen, num, size): return seen // num, seen % num // size
def last_done(seen, num, size): return good_position(max(seen - size, 0), num, size)
def in_images(seen, num, size):
    used = num // size * size
    return seen // used, seen % used

check_position(good_position)
assert rejects(check_position, all_images, "four full")
assert rejects(check_position, last_done, "what comes next")
assert rejects(check_position, in_images, "counts batches")


# %% [markdown]
# ## 2. Shifted images

# %%
#| exports
def check_shifted(shifted): # takes images and two tensors of shifts; gives images
    "Whether `shifted` moves every image by its own shift and fills with black."
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(6, 2, 8, 8, generator=generator) * 1.8 - 0.9
    dy, dx = torch.tensor([0, 2, 0, -1, 3, -3]), torch.tensor([0, 0, 2, 1, -2, 0])
    def moved(image, down, right, fill=-1.0):
        result = torch.full_like(image, fill)
        height, width = image.shape[1:]
        to = slice(max(down, 0), height + min(down, 0))
        at = slice(max(-down, 0), height - max(down, 0))
        to_x = slice(max(right, 0), width + min(right, 0))
        at_x = slice(max(-right, 0), width - max(right, 0))
        result[:, to, to_x] = image[:, at, at_x]
        return result
    def every(dy, dx, fill=-1.0):
        return torch.stack([moved(*one, fill) for one in zip(x, dy.tolist(), dx.tolist())])
    before = x.clone()
    got, expected = shifted(x, dy, dx), every(dy, dx)
    assert got.shape == x.shape, f"the shape is {tuple(got.shape)}, not {tuple(x.shape)}"
    assert torch.equal(x, before), "the images that were given are changed"
    for name, wrong in {
            "up and left: check the sign": every(-dy, -dx),
            "with rows and columns exchanged": every(dx, dy),
            "and filled with 0, which is grey: black is -1": every(dy, dx, 0.0),
            "all by the shift of the first": every(dy * 0 + dy[0], dx * 0 + dx[0]),
            "round the edge, as torch.roll does: what leaves on one side must not come back": (
                torch.stack([image.roll((int(a), int(b)), (1, 2))
                             for image, a, b in zip(x, dy, dx)]))}.items():
        assert not torch.equal(got, wrong), f"the images are moved {name}"
    assert torch.equal(got, expected), "the images are not where they should be"
    print("correct: each image by its own shift, and black moves in")


# %%
def good_shifted(x, dy, dx, fill=-1.0):
    padded = torch.nn.functional.pad(x, [8] * 4, value=fill)
    rows = (torch.arange(x.shape[2]) + 8 - dy[:, None])[:, :, None]
    columns = (torch.arange(x.shape[3]) + 8 - dx[:, None])[:, None, :]
    which = torch.arange(len(x))[:, None, None]
    return padded[which, :, rows, columns].permute(0, 3, 1, 2)

def rolled(x, dy, dx):
    return torch.stack([image.roll((int(a), int(b)), (1, 2)) for image, a, b in zip(x, dy, dx)])

check_shifted(good_shifted)
assert rejects(check_shifted, rolled, "round the edge")
assert rejects(check_shifted, lambda x, dy, dx: good_shifted(x, dy, dx, 0.0), "black is -1")
assert rejects(check_shifted, lambda x, dy, dx: good_shifted(x, -dy, -dx), "the sign")
assert rejects(check_shifted, lambda x, dy, dx: good_shifted(x, dx, dy), "exchanged")
