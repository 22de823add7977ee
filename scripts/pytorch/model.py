# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The two networks
#
# > A latent becomes a picture, a picture becomes one number, and why upsampling leaves a checkerboard
#
# - order: 18

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/model.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/model.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/model.ipynb) · [API](../about/api.ipynb#pytorch-model) · [Side by side](../about/side_by_side.ipynb#model)

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
# **You will be able to** build both networks of a DCGAN, follow the shapes through them, initialise them and prove that
# it happened, and say where the checkerboard in generated images comes from.
#
# **You need** convolutions (what kernel, stride and padding are) and [Data](data.ipynb). **It takes** twenty minutes.

# %%
#| default_exp pytorch.model

# %%
#| exports
import torch
from torch import nn

# %% [markdown]
# ## The smallest generator
#
# A [generator](../about/glossary.ipynb#gl-generator) is any function from a [latent](../about/glossary.ipynb#gl-latent) to a picture. The smallest is one linear layer:

# %%
z = torch.randn(5, 64)
linear = nn.Sequential(nn.Linear(64, 28 * 28), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
linear(z).shape

# %% [markdown]
# It runs, and it can be trained. But each of its 784 pixels has weights of its own and knows nothing of its neighbours:
# that a pixel is likely to be as bright as the one beside it has to be learned 784 times. Convolutions know it from the
# start. A [discriminator](../about/glossary.ipynb#gl-discriminator) uses them to make a picture smaller and smaller; a generator needs the opposite.
#
# ## Twice as large
#
# A **strided [transposed convolution](../about/glossary.ipynb#gl-transposed-convolution)** is the gradient of a strided convolution: each input pixel stamps the kernel, times
# its own value, onto the output, `stride` pixels from its neighbour's stamp, and where stamps overlap they add up. With
# kernel 4, stride 2 and padding 1 the picture doubles exactly:

# %%
# NBVAL_CHECK_OUTPUT
up = nn.ConvTranspose2d(8, 4, kernel_size=4, stride=2, padding=1)
up(torch.zeros(1, 8, 7, 7)).shape

# %% [markdown]
# The other way is to repeat each pixel twice in both directions and to convolve the larger picture. We make both
# available under one name. A layer that is followed by [BatchNorm](../about/glossary.ipynb#gl-batchnorm) needs no bias. Why not?

# %%
x = torch.randn(16, 8, 7, 7)
norm = nn.BatchNorm2d(8)
assert torch.allclose(norm(x), norm(x + 5), atol=1e-4)


# %% [markdown]
# BatchNorm subtracts the mean of each channel, and with it any constant: 5 was added and nothing came of it.

# %%
#| exports
def upsampling(inputs, # channels
               outputs, # channels
               how, # "transpose" or "resize"
    ): # a module: [B, inputs, H, W] -> [B, outputs, 2H, 2W]
    "Twice the height and width. No bias: BatchNorm follows."
    if how == "transpose":
        return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"),
                         nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))


# %%
for how in ("transpose", "resize"):
    assert upsampling(8, 4, how)(torch.zeros(1, 8, 7, 7)).shape == (1, 4, 14, 14)


# %% [markdown]
# ## The checkerboard
#
# Look at stamps that overlap. We give a transposed convolution a constant picture and a kernel of ones, so that the
# output *counts* how many stamps reach each pixel. **Predict:** with kernel 3 and stride 2, will every pixel get the same?

# %%
def stamps(kernel, padding, weights=torch.ones):
    "A constant picture doubled twice by a transposed convolution, without its edges."
    x = torch.ones(1, 1, 7, 7)
    for _ in range(2):
        x = nn.functional.conv_transpose2d(x, weights(1, 1, kernel, kernel), stride=2,
                                           padding=padding, output_padding=kernel % 2)
    return x[0, 0, 6:-6, 6:-6]

def resized(weights=torch.ones):
    "The same by resizing and convolving."
    x = torch.ones(1, 1, 7, 7)
    for _ in range(2):
        x = nn.functional.interpolate(x, scale_factor=2)
        x = nn.functional.conv2d(x, weights(1, 1, 3, 3), padding=1)
    return x[0, 0, 6:-6, 6:-6]


# %%
import matplotlib.pyplot as plt
from gan_course.figures import use_course_style


# %%
#| label: fig-stamps
#| fig-cap: "A constant picture after doubling twice, relative to its mean (grey); black is half the mean or less. Above, all weights are 1; below, they are random, as before training."
#| fig-alt: "Six square panels. Above: kernel 3 shows a strong checkerboard of light and dark squares; kernel 4 and resizing are evenly grey. Below: kernels 3 and 4 both show a regular pattern; resizing is still evenly grey."
def random_weights(*shape): return torch.rand(*shape, generator=torch.Generator().manual_seed(4))

columns = {"transposed, kernel 3": lambda w: stamps(3, 1, w),
           "transposed, kernel 4": lambda w: stamps(4, 1, w), "resize, kernel 3": resized}
use_course_style()
fig, axes = plt.subplots(2, 3, figsize=(7, 5))
for i, (weights, label) in enumerate([(torch.ones, "weights 1"), (random_weights, "random")]):
    for ax, (name, double) in zip(axes[i], columns.items()):
        picture = double(weights)
        ax.imshow(picture / picture.mean(), cmap="gray", vmin=0.5, vmax=1.5)
        ax.set(xticks=[], yticks=[])
        if i == 0: ax.set_title(name)
    axes[i, 0].set_ylabel(label)
fig.tight_layout()


# %% [markdown]
# With kernel 3 some pixels get one weight, some two and some four: the [checkerboard](../about/glossary.ipynb#gl-checkerboard) is there before anything is learned,
# and training has to fight it [@odena2016checkerboard]. That is why the kernel should be a multiple of the stride. With
# kernel 4 every pixel gets four weights, but *which* four depends on whether its row and column are even or odd. Four
# different filters make the four neighbours, and nothing keeps them alike: the lower row shows it. After resizing, the
# same nine weights make every pixel of a plain area. Look for the pattern in plain areas of samples.

# %%
def levels(picture): return picture.mul(1e4).round().unique().numel()

assert levels(stamps(3, 1)) > 1 and levels(stamps(4, 1)) == levels(resized()) == 1
assert levels(stamps(4, 1, random_weights)) > 1 and levels(resized(random_weights)) == 1


# %% [markdown]
# ## The generator
#
# A linear layer makes $4w$ channels of 7 × 7 from the latent, two [upsamplings](../about/glossary.ipynb#gl-upsampling) make 28 × 28 of it, and each halves the
# channels. BatchNorm and ReLU stand between. A last convolution mixes $w$ channels into a grey level, and tanh
# keeps it in [-1, 1]. Radford et al. let the last transposed convolution make the picture; the extra convolution costs
# little, and lets neighbouring pixels be balanced before they are shown.

# %%
#| exports
class Generator(nn.Module):
    "Latent [B, latent_dim] -> image [B, channels, 28, 28] in [-1, 1] (Radford et al. 2015)."
    def __init__(self,
                 latent_dim=64, # length of z
                 width=32, # channels of the last hidden layer; the first has 4 times as many
                 upsample="transpose", # or "resize"
                 channels=1, # of the image
                ):
        super().__init__()
        w = self.width = width
        self.latent_dim = latent_dim
        self.project = nn.Linear(latent_dim, 7 * 7 * 4 * w, bias=False)
        self.hidden = nn.Sequential(
            nn.BatchNorm2d(4 * w), nn.ReLU(),                                     # [4w, 7, 7]
            upsampling(4 * w, 2 * w, upsample), nn.BatchNorm2d(2 * w), nn.ReLU(), # [2w, 14, 14]
            upsampling(2 * w, w, upsample), nn.BatchNorm2d(w), nn.ReLU())         # [w, 28, 28]
        self.to_image = nn.Conv2d(w, channels, 3, padding=1)

    def forward(self, z):
        x = self.project(z).unflatten(1, (7, 7, 4 * self.width)).permute(0, 3, 1, 2) # channels_last
        return self.to_image(self.hidden(x)).float().tanh()


# %%
G = Generator()
G(z).shape

# %% [markdown]
# Follow the shapes:

# %%
# NBVAL_CHECK_OUTPUT
x = G.project(z).unflatten(1, (7, 7, 128)).permute(0, 3, 1, 2)
for layer in G.hidden:
    x = layer(x)
    print(f"{type(layer).__name__:<16} {list(x.shape)}")

# %%
assert G(z).shape == (5, 1, 28, 28) and G(z).abs().max() <= 1
assert Generator(10, 8, "resize", channels=3)(torch.randn(2, 10)).shape == (2, 3, 28, 28)


# %% [markdown]
# ## The discriminator
#
# The mirror image: strided convolutions down to 4 × 4, and a linear layer to one number. That number is the **[logit](../about/glossary.ipynb#gl-logit)**:
# large for "real", small for "generated", and never passed through a sigmoid here. The loss does that, in a form that
# cannot overflow. [LeakyReLU](../about/glossary.ipynb#gl-leakyrelu) lets some gradient through where a unit is off; the generator learns only
# from gradient that comes through the discriminator.

# %%
#| exports
class Discriminator(nn.Module):
    "Image [B, channels, 28, 28] -> logit [B] (Radford et al. 2015)."
    def __init__(self,
                 width=32, # channels of the first layer; the last has 4 times as many
                 norm="none", # or "batch": BatchNorm in all layers but the first
                 dropout=0.0, # after every layer
                 channels=1, # of the image
                ):
        super().__init__()
        w = width
        def layer(inputs, outputs, kernel, norm):
            yield nn.Conv2d(inputs, outputs, kernel, stride=2, padding=1, bias=norm == "none")
            if norm == "batch": yield nn.BatchNorm2d(outputs)
            yield nn.LeakyReLU(0.2)
            if dropout: yield nn.Dropout(dropout)
        self.hidden = nn.Sequential(
            *layer(channels, w, 4, "none"), # [w, 14, 14]
            *layer(w, 2 * w, 4, norm),      # [2w, 7, 7]
            *layer(2 * w, 4 * w, 3, norm))  # [4w, 4, 4]
        self.to_logit = nn.Linear(4 * 4 * 4 * w, 1)

    def forward(self, x):
        x = self.hidden(x).permute(0, 2, 3, 1).flatten(1) # in the order rows, columns, channels
        return self.to_logit(x).squeeze(1).float()


# %%
D = Discriminator()
D(G(z)).shape

# %%
assert D(G(z)).shape == (5,)
assert any(isinstance(m, nn.BatchNorm2d) for m in Discriminator(norm="batch").modules())
assert not any(isinstance(m, nn.BatchNorm2d) for m in D.modules())
assert sum(isinstance(m, nn.Dropout) for m in Discriminator(dropout=0.3).modules()) == 3


# %% [markdown]
# ## Who is larger?
#
# Which of the two has more weights, and where are most of them? Write your guess down; the first layer of the generator has
# $64 \times 49 \cdot 128$ of them.

# %%
#| exports
def count_parameters(network):
    "How many numbers training can change."
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


# %%
# NBVAL_CHECK_OUTPUT
print(f"generator {count_parameters(G):,}, discriminator {count_parameters(D):,}")
print(f"in the generator's first layer: {count_parameters(G.project):,}")


# %% [markdown]
# ## Initial weights, and a proof
#
# Radford et al. draw all weights from a normal distribution with standard deviation 0.02, much smaller than PyTorch's
# default. A function that does this is quickly written, and quickly forgotten: a well-known teaching repository tested
# its initialiser, never called it, and its GAN diverged while all tests were green. So ours comes with a second function
# that looks at a network and says whether it was initialised. `build_networks` calls both.

# %%
#| exports
def init_weights(network, # changed in place
                 std=0.02, # of all weights
    ): # the network
    "DCGAN initialisation: weights from N(0, std²), BatchNorm's scale from N(1, std²), biases 0."
    for m in network.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(m.weight, 0.0, std)
        elif isinstance(m, nn.BatchNorm2d): nn.init.normal_(m.weight, 1.0, std)
        if getattr(m, "bias", None) is not None: nn.init.zeros_(m.bias)
    return network

def check_initialised(network, std=0.02):
    "Assert that every layer looks as if `init_weights` had just been here."
    for name, m in network.named_modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)):
            centre = 1.0 if isinstance(m, nn.BatchNorm2d) else 0.0
            w, n = m.weight.detach().float() - centre, m.weight.numel()
            slack = 6 / n**0.5 # six standard errors of the mean, and more of the deviation
            assert m.bias is None or not m.bias.any(), f"{name}: the bias is not 0"
            assert abs(w.mean()) < slack * std, (
                f"{name}: the mean of the weights is {w.mean() + centre:.4f}, not {centre:.0f}")
            if n == 1: continue # one number has no deviation
            spread = w.std().item()
            assert spread > 0, f"{name}: all weights are equal" # BatchNorm as PyTorch makes it
            assert abs(spread / std - 1) < slack, (
                f"{name}: the weights have standard deviation {spread:.4f}, not {std}")


# %%
init_weights(G), init_weights(D)
check_initialised(G); check_initialised(D)

try: check_initialised(Generator())
except AssertionError as error: print("a fresh one:", error)
else: raise AssertionError("a network that was not initialised was accepted")


# %% [markdown]
# ## Both at once
#
# The training loop asks for the networks of a configuration, on a device, in `channels_last` order.

# %%
#| exports
def build_networks(config, # a `Config`
                   device="cpu", # where they will live
                   channels=1, # of the images
    ): # generator, discriminator
    "The initialised networks of a configuration. Draws from PyTorch's global generator."
    G = Generator(config.latent_dim, config.width, config.upsample, channels)
    D = Discriminator(config.width * config.d_widening, config.d_norm, config.dropout, channels)
    for network in (G, D):
        init_weights(network)
        check_initialised(network)
        network.to(device, memory_format=torch.channels_last)
    return G, D


# %%
from gan_course.pytorch.config import CONFIG

# %%
torch.manual_seed(0); G, D = build_networks(CONFIG)
torch.manual_seed(0); G2, D2 = build_networks(CONFIG)
assert all(torch.equal(a, b) for a, b in zip(G.state_dict().values(), G2.state_dict().values()))
assert all(torch.equal(a, b) for a, b in zip(D.state_dict().values(), D2.state_dict().values()))

# %% [markdown]
# ## What training will see
#
# An untrained generator already makes pictures, and an untrained discriminator has an opinion on them. Both should be
# undecided: the pictures of a middle grey, nowhere near black or white, where tanh is flat and lets no gradient through;
# the logits near 0, a probability of one half.

# %%
with torch.no_grad():
    fake = G(torch.randn(64, CONFIG.latent_dim))
    logit = D(fake)
print(f"pixels: mean {fake.mean():.3f}, deviation {fake.std():.3f}; "
      f"D says real with probability {logit.sigmoid().mean():.3f}")
assert fake.abs().mean() < 0.5 and (logit.sigmoid() - 0.5).abs().max() < 0.1

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_model import check_even, check_generator32, check_parameters


# %% [markdown]
# ### 1. Which kernels are even?
#
# Write `is_even(kernel, stride)`: whether a transposed convolution brings the same number of weights to every pixel
# away from the edges.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def is_even(kernel, stride): return kernel % stride == 0

check_even(is_even)


# %% [markdown]
# ### 2. By hand
#
# Write `generator_parameters(latent_dim, width)`: how many numbers training can change in
# `Generator(latent_dim, width, "resize")`, as a formula, without building it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def generator_parameters(latent_dim, width):
    w = width
    project = latent_dim * 7 * 7 * 4 * w
    convolutions = 3 * 3 * (4 * w * 2 * w + 2 * w * w)
    norms = 2 * (4 * w + 2 * w + w) # scale and shift of each channel
    return project + convolutions + norms + (3 * 3 * w + 1)

check_parameters(generator_parameters)


# %% [markdown]
# ### 3. A generator for 32 × 32
#
# Photographs of CIFAR-10 have 32 × 32 pixels. Write `make_generator32(latent_dim, width)`: a module from `[B, latent_dim]` to
# `[B, 1, 32, 32]` in [-1, 1], which begins with 4 × 4 and doubles three times, with BatchNorm where this lesson puts it.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def make_generator32(latent_dim, width):
    w = width
    layers = [nn.Linear(latent_dim, 4 * 4 * 8 * w, bias=False), nn.Unflatten(1, (8 * w, 4, 4)),
              nn.BatchNorm2d(8 * w), nn.ReLU()]
    for inputs, outputs in [(8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w)]:
        layers += [upsampling(inputs, outputs, "resize"), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(w, 1, 3, padding=1), nn.Tanh())

check_generator32(make_generator32)

# %% [markdown]
# ## What to remember
#
# - The generator doubles 7 × 7 twice and ends in tanh; the discriminator halves and ends in a logit, without a sigmoid.
# - BatchNorm stands between the layers: never on the generator's output, never on the discriminator's input.
# - A kernel that is a multiple of the stride avoids the fixed checkerboard. Resizing avoids the learned one in plain areas too.
# - An initialiser is worth something when a check shows that it was called.
#
# **What goes wrong, and how to see it.**
#
# - *Samples look worse than the grids of training, or change with the size of the [batch](../about/glossary.ipynb#gl-batch).* The generator samples with
#   BatchNorm in training mode. Call `G.eval()` first: then the same latent gives the same image, alone or among others.
# - *All samples of a batch share a tint or a texture.* BatchNorm with a small batch, or on the output.
# - *The discriminator's loss is 0.69 and stays.* That is $\ln 2$, a probability of one half: its gradient may be cut off,
#   or the logit goes through a sigmoid twice.
# - *A regular pattern of two or four pixels.* The upsampling. Enlarge a plain area of a sample to see it.
#
# **References.** Radford, Metz and Chintala [-@radford2015dcgan], [section 3](https://arxiv.org/abs/1511.06434): the architecture, and section
# 4: the initial weights. Odena, Dumoulin and Olah [-@odena2016checkerboard], [*Deconvolution and checkerboard
# artifacts*](https://distill.pub/2016/deconv-checkerboard/). Ioffe and Szegedy [-@ioffe2015batchnorm], [*Batch normalization*](https://arxiv.org/abs/1502.03167), algorithm 1.
