# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A judge for the features
#
# > A small classifier, trained here, shipped with the package, and run by numpy alone
#
# - order: 9

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/features.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/features.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/features.ipynb) · [API](../about/api.ipynb#foundations-features)

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
# **You will be able to** say why a distance needs features, train a classifier that gives them, and use it from any framework,
# or from none.
#
# **You need** [A number for the samples](evaluate.ipynb), and what a convolution is. **It takes** half an hour to read and three
# minutes to run: the training needs PyTorch, using what came out of it does not.

# %%
#| default_exp features

# %%
#| exports
import hashlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from gan_course.basics import CourseError
from gan_course.datasets import to_float

# %%
import tempfile

import matplotlib.pyplot as plt

from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.evaluate import frechet_distance, mean_and_cov
from gan_course.figures import image_grid, use_course_style

# %% [markdown]
# ## What is wrong with pixels, and with Inception
#
# In the last lesson ghosts came out better than clothes. A mean and a covariance of *pixels* do not know what a shirt is. So
# Heusel et al. [-@heusel2017fid] took the [features](../about/glossary.ipynb#gl-features) of Inception, a network that had learnt to tell a thousand kinds of things on a million
# photographs. In such features a shirt and a dress are far apart, and a ghost is far from both.
#
# For 28 × 28 grey clothes this is a strange ruler. Inception wants 299 × 299 colours: each image is enlarged a hundredfold, the
# three colours are copies, and what the network has learnt about fur and car wheels finds nothing to do. Most of its 2,048
# features then vary with the smear of the enlargement. It can be used, and papers do it, so that numbers can be
# compared; [the next lesson](metrics.ipynb#the-network-everybody-uses-and-why-not-here) says how. For our own work a ruler made for clothes is better, smaller by a factor of a hundred,
# and needs no download.
#
# One rule makes it honest: **[the judge](../about/glossary.ipynb#gl-judge) never plays.** Whatever sees the judge's gradient can learn to please it. No network of
# this course is trained against it.
#
# ## A small classifier
#
# Five convolutions, two sizes down to 4 × 4, then 128 features and ten classes. We train it here, with PyTorch, for a few
# minutes.

# %%
#| exports
# of each convolution: stride, and width in units of 32
SHAPES = {"fashion_mnist": ((1, 1), (2, 1), (1, 2), (2, 2), (2, 2)),
          "garments": ((1, 1), (2, 1), (1, 2), (2, 2), (2, 2)),
          "tf_flowers": ((2, 1), (1, 1), (2, 2), (2, 3), (2, 4))}

def train_judge(images, # uint8 [N, H, W, C]
                labels, # int [N]
                kind, # a name in `SHAPES`
                # `change`: torch images -> torch images, in each step
                epochs=12, seed=0, features=128, change=None):
    "Train a classifier with PyTorch; its weights with BatchNorm folded in, name -> float16 array."
    import torch
    from torch import nn
    torch.manual_seed(seed)
    side, channels, layers = images.shape[1], images.shape[-1], []
    for stride, width in SHAPES[kind]:
        layers += [nn.Conv2d(channels, 32 * width, 3, stride, 1, bias=False),
                   nn.BatchNorm2d(32 * width), nn.ReLU()]
        channels, side = 32 * width, -(-side // stride)
    body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3),
                         nn.Linear(channels * side**2, features), nn.ReLU())
    head = nn.Linear(features, int(labels.max()) + 1)
    both = nn.Sequential(body, head).to(memory_format=torch.channels_last)
    x, y = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(np.asarray(labels)).long()
    batch = 128
    opt = torch.optim.AdamW(both.parameters(), weight_decay=0.05)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=epochs * (len(x) // batch))
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(batch)[:len(x) // batch]:
            shown = (x[index].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
            if change: shown = change(shown)
            with torch.autocast("cpu", torch.bfloat16): logits = both(shown)
            nn.functional.cross_entropy(logits.float(), y[index], label_smoothing=0.05).backward()
            opt.step(); rate.step(); opt.zero_grad()
    both.eval()
    arrays = {}
    for i in range(len(SHAPES[kind])):
        conv, norm = body[3 * i], body[3 * i + 1]
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        arrays[f"conv{i}.weight"] = (conv.weight * factor[:, None, None, None]).permute(2, 3, 1, 0)
        arrays[f"conv{i}.bias"] = norm.bias - norm.running_mean * factor
    dense = body[-2].weight.reshape(features, channels, side,
                                    side).permute(2, 3, 1, 0).reshape(-1, features)
    arrays |= {"dense.weight": dense, "dense.bias": body[-2].bias, "head.weight": head.weight.T,
               "head.bias": head.bias}
    return {name: a.detach().numpy().astype(np.float16) for name, a in arrays.items()}


# %%
data = {split: load_dataset("auto", split, limit=budget(full=None, fast=2000))
        for split in ("train", "test")}
train, test = data["train"], data["test"]
made = Path(tempfile.mkdtemp()) if budget(full=False, fast=True) else Path("artifacts/judges")
path = made/f"{train.name}.safetensors"
if not path.exists(): # half a minute for each epoch, and only once
    arrays = train_judge(train.images, train.labels, train.name, epochs=budget(full=10, fast=1))


# %% [markdown]
# [BatchNorm](../about/glossary.ipynb#gl-batchnorm) is gone: at rest it multiplies each channel by a number and adds another, and so does the convolution before it.
# So the two become one. What is left is seven products with a sum each, and they are stored as float16, 0.5 MB in all, in the format
# *safetensors*: names, shapes and numbers, and nothing that could be run.

# %%
#| exports
def save_judge(path, # ends in .safetensors
               arrays, # from `train_judge`
               **about): # what else to say: classes, shape, accuracy ...
    "Write a judge; returns the file's sha256."
    from safetensors.numpy import save
    strides = [stride for stride, _ in SHAPES[about["kind"]]]
    data = save({name: np.ascontiguousarray(a) for name, a in arrays.items()},
                {"about": json.dumps(about | dict(strides=strides), sort_keys=True)})
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


# %% [markdown]
# To use them takes no framework. A convolution is a matrix product, once each window of the image is written out as a row:

# %%
#| exports
def convolve(x, # float32 [N, H, W, C]
             weight, # float32 [3, 3, C, O]
             bias, stride):
    "A 3 × 3 convolution with a border of zeros: [N, ⌈H / stride⌉, ⌈W / stride⌉, O]."
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3),
                                                       (1, 2))[:, ::stride, ::stride]
    n, h, w = windows.shape[:3]
    rows = windows.reshape(n * h * w, -1) # one for each place: channel, row, column
    columns = weight.transpose(2, 0, 1, 3).reshape(rows.shape[1], -1)
    return (rows @ columns + bias).reshape(n, h, w, -1)


# %%
rng = np.random.default_rng(0)
x, weight, bias = (rng.normal(size=s).astype(np.float32)
                   for s in ((2, 6, 5, 3), (3, 3, 3, 4), (4,)))
padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
slow = np.stack(
    [[(padded[:, 2 * i:2 * i + 3, 2 * j:2 * j + 3, :, None] * weight).sum((1, 2, 3)) + bias
      for j in range(3)] for i in range(3)]).transpose(2, 0, 1, 3)
assert np.allclose(convolve(x, weight, bias, 2), slow, atol=1e-4)

# %%
#| exports
JUDGES = { # name of the data set -> sha256 of the file that comes with the package
    "fashion_mnist": "75be500071582c7cbe61629ef836420c41873bfc34868601b868a1388a5f5fe5",
    "garments": "2619b33afd3ecb500cf96301b6c8208330db5a82ee6f0f5b231b4c93337b8439",
    "tf_flowers": "3ef46449838960c1312d5406171e82125d9b2ae7f8ea3b20708e588e3357db8a"}

class Judge:
    "A classifier that gives features and probabilities; it is never trained against."
    def __init__(self, path, sha256=None): # refuse a file with another hash
        path = Path(path)
        try: data = path.read_bytes()
        except OSError as error:
            raise CourseError(f"{path} cannot be read ({error.strerror}); "
                              "install the package again") from None
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise CourseError(f"{path} is damaged or was changed; install the package again: "
                              "numbers of another judge "
                              "cannot be compared")
        try:
            with safe_open(path, framework="np") as file:
                self.about = json.loads((file.metadata() or {})["about"])
                self.arrays = {name: file.get_tensor(name).astype(np.float32)
                               for name in file.keys()}
            self.shape, self.classes = tuple(self.about["shape"]), self.about["classes"]
            self.strides, self.sha256 = self.about["strides"], hashlib.sha256(data).hexdigest()
        except (SafetensorError, KeyError, ValueError):
            raise CourseError(f"{path} is no judge of this course, or damaged") from None

    def _block(self, images):
        a, x = self.arrays, to_float(images)
        for i, stride in enumerate(self.strides):
            x = np.maximum(convolve(x, a[f"conv{i}.weight"], a[f"conv{i}.bias"], stride), 0)
        features = np.maximum(x.reshape(len(x), -1) @ a["dense.weight"] + a["dense.bias"], 0)
        logits = (features @ a["head.weight"] + a["head.bias"]).astype(np.float64)
        p = np.exp(logits - logits.max(1, keepdims=True))
        return features, p / p.sum(1, keepdims=True)

    def __call__(self, images, # uint8 [N, H, W, C], of the shape it was trained on
                 batch=200):
        "Features, float32 [N, 128], and probabilities of the classes, float64 [N, K]."
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(f"images must be uint8 [N, H, W, C], not {images.dtype} "
                             f"{list(images.shape)}")
        if images.shape[1:] != self.shape:
            raise CourseError(f"this judge knows images of {list(self.shape)}, and these are "
                              f"{list(images.shape[1:])}")
        if not len(images): raise ValueError("there are no images to judge")
        blocks = [self._block(images[i:i + batch]) for i in range(0, len(images), batch)]
        return tuple(np.concatenate(parts) for parts in zip(*blocks))

@lru_cache
def judge_of(name): # of a data set
    "The judge that comes with the package. `CourseError` where there is none."
    if name not in JUDGES:
        raise CourseError(f"there is no judge for {name!r}; there are {', '.join(JUDGES)}")
    import gan_course
    return Judge(Path(gan_course.__file__).parent/"judges"/f"{name}.safetensors", JUDGES[name])


# %%
about = dict(kind=train.name, classes=list(train.classes), shape=list(train.images.shape[1:]),
             data=train.checksum)
if not path.exists(): save_judge(path, arrays, **about)
mine = Judge(path)
features, probabilities = mine(test.images)
print(f"{path.stat().st_size / 1000:.0f} kB; right on "
      f"{(probabilities.argmax(1) == test.labels).mean():.2%} of the test images")

# %%
assert features.shape == (len(test), 128) and np.allclose(probabilities.sum(1), 1)
if budget(full=True, fast=False): assert (probabilities.argmax(1) == test.labels).mean() > 0.925
parts = np.concatenate([mine(test.images[:7])[0], mine(test.images[7:20])[0]])
assert np.allclose(parts, features[:20], atol=1e-4), "an image is judged by itself"

# %% [markdown]
# That is as good as people are on these small pictures, or better. The one below comes with the package; its hash is part of the
# code, so that numbers of today can be compared with numbers of next year:

# %%
judge = judge_of(train.name)
f, p = judge(test.images)
print(f"sha256 {judge.sha256[:16]}…, right on {(p.argmax(1) == test.labels).mean():.2%}")
wrong = np.flatnonzero(p.argmax(1) != test.labels)
pairs, counts = np.unique([sorted((p[i].argmax(), test.labels[i])) for i in wrong], axis=0,
                          return_counts=True)
for i in counts.argsort()[::-1][:3]:
    a, b = (judge.classes[c] for c in pairs[i])
    print(f"{counts[i] / len(wrong):.0%} of its errors: {a} and {b}")


# %% [markdown]
# ## What features are good for
#
# Two images are near each other in features if the judge would say similar things of them. **Predict:** what are the nearest
# training images of trousers, measured by pixels, and by features? And of the same trousers, moved by two pixels?

# %%
#| label: fig-neighbours
#| fig-cap: "Left a test image, the last of them moved by two pixels; then the three nearest training images by pixels, and the three nearest by features."
#| fig-alt: "Eight rows of seven garments. In the first seven rows both find the kind that was asked for: boots, pullovers, trousers, a shirt, a jacket; those by pixels have the same brightness, those by features also other greys and prints. In the last row trousers stand two pixels to the right: by pixels come a strange pair of trousers and two vests, by features three pairs of trousers."
def nearest_of(query, base, number=3):
    query, base = (a.reshape(len(a), -1).astype(np.float64) for a in (query, base))
    far = (query**2).sum(1)[:, None] + (base**2).sum(1) - 2 * query @ base.T
    return far.argsort(1)[:, :number]

some = train.images[:budget(full=20_000, fast=1000)]
asked = np.concatenate([test.images[:7], np.roll(test.images[2:3], 2, axis=2)])
by_pixels = nearest_of(asked / 255, some / 255)
by_features = nearest_of(judge(asked)[0], judge(some)[0])
rows = [np.concatenate([asked[i:i + 1], some[by_pixels[i]], some[by_features[i]]])
        for i in range(len(asked))]
image_grid(np.concatenate(rows), columns=7,
           caption=f"{test.name}: asked, three by pixels, three by features")

# %% [markdown]
# As long as things lie where they always do, pixels find the right kind as well. But they ask for the same greys in the same places,
# while features allow a darker boot or a striped shirt. Moved by two pixels, the trousers resemble a vest more than trousers, says the
# ruler of pixels. The judge, whose convolutions look for the same thing everywhere, says trousers.
#
# The judges of this course, and what each is worth:

# %%
for name in JUDGES:
    one = judge_of(name)
    print(f"{name:14} {str(one.shape):14} {len(one.classes)} classes, right on "
          f"{one.about['accuracy']:.1%} of {one.about['tested']:,} images it has not seen")

# %% [markdown]
# A judge that is right on eight of ten flowers knows petals from grass. How often the last layer is right says little about what
# the features are worth as a ruler. The next lesson asks that: does the number rise when images get worse?
#
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.features import check_field, check_fold


# %% [markdown]
# ### 1. One layer of two
#
# Write `fold(weight, gamma, beta, mean, var, eps)`: the weight [3, 3, C, O] and the bias [O] of one convolution that does what a
# convolution without bias and then BatchNorm (at rest, $\gamma\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$) do.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def fold(weight, gamma, beta, mean, var, eps):
    factor = gamma / np.sqrt(var + eps)
    return weight * factor, beta - mean * factor

check_fold(fold)


# %% [markdown]
# ### 2. How much does a feature see?
#
# Write `field(strides)`: the side of the square of pixels that one output of a stack of 3 × 3 convolutions depends on.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def field(strides):
    seen, step = 1, 1
    for stride in strides: seen, step = seen + 2 * step, step * stride
    return seen

check_field(field)

# %% [markdown]
# ## What to remember
#
# - A distance is only as good as its features. Pixels do not know what a shirt is, and Inception hardly knows more about 28 grey pixels.
# - Features of a small classifier cost nothing, need no download, and are the same on every computer: weights, a hash, and NumPy.
# - The judge never plays. What is trained against a ruler can no longer be measured by it.
#
# **What goes wrong in practice, and how you see it.** *A number changes between two machines*: another judge; compare the hashes. *The
# judge is sure of noise*: it has to choose one of its classes; look at the features, not at the classes. *All distances are huge*:
# images in [0, 1] or [-1, 1] where 0 to 255 is meant, or channels first.
#
# **References.** M. Heusel et al. [-@heusel2017fid], *GANs trained by a two time-scale update rule converge to a local Nash equilibrium*, NeurIPS.
# S. Barratt and R. Sharma [-@barratt2018inception], *A note on the Inception score* (features of another data set). T. Kynkäänniemi et al. [-@kynkaanniemi2023imagenet], *The role of ImageNet classes
# in Fréchet Inception distance*, ICLR. S. Ioffe and C. Szegedy [-@ioffe2015batchnorm], *Batch normalization*, ICML. H. Xiao, K. Rasul and R. Vollgraf [-@xiao2017fashion], *Fashion-MNIST*.
