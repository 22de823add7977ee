# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A number for the samples
#
# > The Fréchet distance between two sets of images, what it sees, and what it cannot see
#
# - order: 5

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/foundations/evaluate.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/foundations/evaluate.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/foundations/evaluate.ipynb)

# %%
#| include: false
# install: where the package is missing on Colab or Kaggle; elsewhere it does nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q",
        "gan_course @ git+https://github.com/gan-course/gan_course@main"]) == 0

# %%
#| default_exp evaluate

# %%
#| exports
import numpy as np

from gan_course.basics import CourseError


# %%
#| exports
def pixel_features(images, # uint8, or float in [-1, 1]; [N, H, W, C]
    ) -> np.ndarray:       # float64 [N, H·W·C] in [-1, 1]
    "Every image as one row of pixel values; `CourseError` for values that are not finite."
    x = np.asarray(images)
    if x.ndim != 4: raise ValueError(f"images must be [N, H, W, C], not {list(x.shape)}")
    if x.dtype == np.uint8: return x.reshape(len(x), -1) / 127.5 - 1
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"images must be uint8, or float in [-1, 1], not {x.dtype}")
    if not np.isfinite(x).all():
        raise CourseError("the images hold values that are not finite: training has diverged; "
                          "go back to the last good checkpoint and lower the learning rate")
    if x.size and np.abs(x).max() > 1.01:
        raise ValueError("float images must lie in [-1, 1], these reach from "
                         f"{x.min():.3g} to {x.max():.3g}")
    return x.reshape(len(x), -1).astype(np.float64)


# %%
#| exports
def symmetric_sqrt(cov, # [D, D], symmetric; eigenvalues below zero count as zero
    ) -> np.ndarray:    # [D, D], symmetric: its square is `cov`
    "The square root of a covariance: the same axes, the square root of each spread."
    values, axes = np.linalg.eigh(cov)
    return (axes * np.sqrt(np.clip(values, 0, None))) @ axes.T


# %%
#| exports
def frechet_distance(mu1,  # mean of the first Gaussian, [D]
                     cov1, # its covariance, [D, D]
                     mu2,  # mean of the second, [D]
                     cov2, # its covariance, [D, D]
    ) -> float:            # squared distance, 0 or more
    "|μ₁ − μ₂|² + Tr(C₁ + C₂ − 2 (C₁C₂)^½) (Dowson and Landau 1982; Heusel et al. 2017, eq. 6)."
    mu1, cov1, mu2, cov2 = (np.asarray(a, np.float64) for a in (mu1, cov1, mu2, cov2))
    d = len(mu1) if mu1.ndim == 1 else -1
    if mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        shapes = ", ".join(str(list(a.shape)) for a in (mu1, cov1, mu2, cov2))
        raise ValueError(f"the shapes must be [D], [D, D], [D], [D, D], not {shapes}")
    if not all(np.isfinite(a).all() for a in (mu1, cov1, mu2, cov2)):
        raise ValueError("a mean or a covariance holds values that are not finite")
    for cov in (cov1, cov2):
        if np.abs(cov - cov.T).max(initial=0) > 1e-8 * max(1, np.abs(cov).max(initial=0)):
            raise ValueError("a covariance is symmetric, and this one is not")
    # Tr (C₁C₂)^½ is the sum of the singular values of C₁^½ C₂^½
    overlap = np.linalg.svd(symmetric_sqrt(cov1) @ symmetric_sqrt(cov2), compute_uv=False).sum()
    squared = ((mu1 - mu2)**2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * overlap
    return max(0.0, float(squared))


# %%
#| exports
def mean_and_cov(blocks, # arrays [n, D], one after the other: never all rows at once
    ) -> tuple:          # mean [D] and covariance [D, D] of all rows, as np.cov gives it
    "Mean and covariance of many rows, block by block (Chan, Golub and LeVeque 1983)."
    count, mean, scatter = 0, 0.0, 0.0
    for x in blocks:
        total, shift = count + len(x), x.mean(0) - mean
        centred = x - x.mean(0)
        scatter = scatter + centred.T @ centred + np.outer(shift, shift) * count * len(x) / total
        count, mean = total, mean + shift * len(x) / total
    return mean, scatter / (count - 1)


# %%
#| exports
class PixelFrechet:
    "The Fréchet distance to a fixed set of images, in the first principal components of its pixels."
    def __init__(self,
                 images,        # the reference: uint8 [N, H, W, C], more images than components
                 components=64, # how many directions of the pixels are compared
                ):
        self.shape, self.components = np.shape(images)[1:], components
        size = int(np.prod(self.shape))
        if not 1 <= components <= size:
            raise ValueError(f"components is {components}, and the images have {size} values each")
        if size > 4096:
            raise CourseError(f"images of {size} values each are too large for the pixel distance; "
                              "shrink them to 4096 values or fewer first")
        self._enough(images)
        self.pixel_mean, cov = mean_and_cov(pixel_features(block) for block in _blocks(images))
        values, axes = np.linalg.eigh(cov)  # ascending
        self.basis = axes[:, ::-1][:, :components]  # [H·W·C, components], largest spread first
        self.explained = values[::-1][:components].sum() / max(values.sum(), 1e-300)
        self.mu, self.cov = np.zeros(components), self.basis.T @ cov @ self.basis

    def _enough(self, images):
        if len(images) <= self.components:
            raise CourseError(f"{len(images)} images are too few to compare {self.components} components; "
                              f"give {self.components + 1} or more, better some thousands")

    def project(self, images): # as for `distance`
        "The images' coordinates in the basis, float64 [N, components]."
        if np.shape(images)[1:] != self.shape:
            raise ValueError(f"the reference has images of shape {list(self.shape)}, "
                             f"these are {list(np.shape(images)[1:])}")
        return (pixel_features(images) - self.pixel_mean) @ self.basis

    def distance(self, images): # uint8, or float in [-1, 1]; [N, H, W, C], shape as the reference
        "Squared Fréchet distance to the reference, 0 or more; it shrinks as N grows."
        self._enough(images)
        mu, cov = mean_and_cov(self.project(block) for block in _blocks(images))
        return frechet_distance(self.mu, self.cov, mu, cov)

def _blocks(images, size=4096):
    for i in range(0, len(images), size): yield images[i:i + size]
