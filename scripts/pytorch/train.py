# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training
#
# > The loop around the step: an average of the generator, checkpoints that resume bit for bit, and pictures on the way
#
# - order: 12

# %% [markdown]
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/train.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/train.ipynb)
# [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/train.ipynb)

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
# **You will be able to** train a GAN that can be interrupted, killed and resumed without changing its result, average the
# generator's weights and say why, and read what a run leaves behind.
#
# **You need** [The engine](engine.ipynb) and [Run folders](../foundations/runs.ipynb). **It takes** thirty minutes to
# read; the cells train for a few minutes.

# %%
#| default_exp pytorch.train

# %%
#| exports
import copy
import math
import os
import pickle
import signal
import threading
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
from tqdm import tqdm

from gan_course import figures
from gan_course.basics import CourseError
from gan_course.datasets import load_dataset
from gan_course.evaluate import PixelFrechet
from gan_course.pytorch.config import CONFIG, Config, artifact_paths, select_device, select_precision
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.engine import NEVER, GANStep, GraphedStep
from gan_course.pytorch.model import build_networks
from gan_course.pytorch.utils import make_latents, rng_state, save_samples, seed_everything, set_rng_state, to_images
from gan_course.runs import (History, RunFolder, atomic_path, check_same_config, provenance, provenance_line,
                             step_of)

# %%
import tempfile

from gan_course.basics import budget


# %% [markdown]
# ## The optimisers
#
# Adam is the usual choice, AdamW lets the weights decay apart from the gradient, RMSprop is what Adam is without momentum
# and without correcting the bias of its first steps. `fused=True` updates all weights in one kernel, where PyTorch
# has one; `foreach=True` does it in a few.

# %%
#| exports
def make_optimizer(parameters, # of one network
                   lr, # learning rate
                   config, # a `Config`
                   capturable=False, # keep everything on the GPU, for CUDA graphs
    ): # a `torch.optim.Optimizer`
    "Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton 2012)."
    parameters = list(parameters)
    fused = parameters[0].device.type in ("cpu", "cuda", "xpu")
    if capturable: lr = torch.tensor(lr, device=parameters[0].device)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, alpha=config.beta2, foreach=True, capturable=capturable)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    kwargs = dict(weight_decay=config.weight_decay) if config.optimizer == "adamw" else {}
    if capturable: kwargs["capturable"] = True
    return kind(parameters, lr, betas=(config.beta1, config.beta2), fused=fused, **kwargs)

def set_lr(optimizer, lr):
    "Change the learning rate, also where a CUDA graph reads it."
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor): group["lr"].fill_(lr)
        else: group["lr"] = lr


# %%
for name in ("adam", "adamw", "rmsprop"):
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = make_optimizer([weight], 0.1, CONFIG.replace(optimizer=name))
    (weight ** 2).sum().backward()
    optimizer.step()
    print(f"{name:<8} 1.0 -> {weight[0].item():.4f}")
    assert weight[0] < 1


# %% [markdown]
# RMSprop's first step is ten times as long as Adam's, because its average of squared gradients starts at zero and
# nothing corrects it.
#
# The learning rate stays, or falls to a twentieth over the run:

# %%
#| exports
def lr_factor(decay, # "none", "linear" or "cosine"
              fraction, # of the run that is done, 0 to 1
    ): # what to multiply the learning rate with
    "The learning rate's course over a run."
    if decay == "linear": return 1 - 0.95 * fraction
    if decay == "cosine": return 0.05 + 0.95 * (1 + math.cos(math.pi * fraction)) / 2
    return 1.0


# %%
# NBVAL_CHECK_OUTPUT
for decay in ("none", "linear", "cosine"):
    print(f"{decay:<7}", [round(lr_factor(decay, f), 3) for f in (0, 0.25, 0.5, 0.75, 1)])

# %%
assert all(lr_factor(decay, 0) == 1 for decay in ("none", "linear", "cosine"))
assert abs(lr_factor("cosine", 1) - 0.05) < 1e-12

# %% [markdown]
# ## An average of the generator
#
# Two networks that play against each other do not settle; they circle a solution. The generator of this very step
# is a point on the circle, and an average over the last few laps lies nearer to the centre. So a second generator,
# which is never trained, follows the first: after each step it moves a little towards it. Samples come from the
# second. Take a point that goes round a circle of radius 1 once in a hundred steps, and follow it. How near to the
# centre do you expect the follower, with a half-life of half a lap? Of two laps?

# %%
circle = torch.polar(torch.ones(2000), torch.arange(2000) * 2 * math.pi / 100)
for half_life in (5, 50, 200):
    follower = circle[0]
    for point in circle: follower = torch.lerp(point, follower, 0.5 ** (1 / half_life))
    print(f"half-life {half_life:>3} steps: {follower.abs():.2f} from the centre")
assert follower.abs() < 0.1


# %% [markdown]
# How little should it move? We give a **half-life** $h$ in images: after a batch of $B$ images the old average keeps the weight
# $\beta = 2^{-B/h}$. That way the number means the same at every batch size. In the beginning the half-life is a twentieth of
# the images seen so far, so that the average forgets the initial weights (Karras et al. 2022 ramp it up in the same way).
#
# What about BatchNorm's running mean and variance? They are not parameters, and a loop over `parameters()` leaves them
# behind. The average generator would normalise with the statistics of its first step, and its samples would look like a
# failed training. We copy them: they are averages already.

# %%
#| exports
class AverageWeights:
    "An exponential moving average of a network, its buffers included. With half-life 0 it is a plain copy."
    def __init__(self, network, half_life): # in images
        self.network, self.half_life = copy.deepcopy(network).eval().requires_grad_(False), half_life

    @torch.no_grad()
    def update(self,
               network, # the one in training
               batch_size, # images since the last update
               images_seen, # since the beginning
              ):
        half_life = min(self.half_life, 0.05 * images_seen)
        keep = 0.5 ** (batch_size / half_life) if half_life else 0.0
        mine, other = list(self.network.parameters()), list(network.parameters())
        if keep: torch._foreach_lerp_(mine, other, 1 - keep)
        else: torch._foreach_copy_(mine, other)
        for a, b in zip(self.network.buffers(), network.buffers()): a.copy_(b)


# %%
G, _ = build_networks(CONFIG)
average = AverageWeights(G, half_life=1000)
start = average.network.project.weight.clone()
with torch.no_grad(): G.project.weight.add_(1)
G.hidden[0].running_mean.fill_(3)
for _ in range(10): average.update(G, batch_size=100, images_seen=10**6)
(average.network.project.weight - start).mean().item()

# %% [markdown]
# After a thousand images, one half-life, the average has gone half the way.

# %%
torch.testing.assert_close(average.network.project.weight, start + 0.5, rtol=0, atol=1e-3)
assert (average.network.hidden[0].running_mean == 3).all(), "buffers belong to the average"
assert not average.network.training and not any(p.requires_grad for p in average.network.parameters())

# %% [markdown]
# ## Everything a checkpoint needs
#
# The complaint one reads most about training code: it "resumes" the weights, but not the optimisers' moments, or the
# random numbers, or the place in the epoch; the loss jumps, and the result is another one. A run that was interrupted
# should end **with the same bits** as one that was not. Then resuming can be tested with `==`, and nothing can be
# forgotten.
#
# What does the next step depend on? Both networks, both optimisers, the average, the random generators, the position in
# the data, the steps done. For the record we add the measurements of the epoch so far, the history, and the best result.

# %%
#| exports
TRACK = "pytorch"
FREE_FIELDS = frozenset({ # fields that may differ when a run is resumed: they change no weight
    "data_dir", "out", "device", "cuda_graphs", "checkpoint_every", "keep_checkpoints", "progress"})

def free_fields(config):
    "As `FREE_FIELDS`; more epochs may be asked for where nothing depends on how many there are."
    return FREE_FIELDS | ({"epochs"} if config.lr_decay == "none" and not config.instance_noise else set())


# %%
#| exports
class Training:
    "All that changes during a run."
    def __init__(self, config, device, precision, channels=1, rank=0, world=1):
        self.config, self.device = config, device
        self.G, self.D = build_networks(config, device, channels)
        self.ema = AverageWeights(self.G, config.ema_half_life)
        graphs = device.type == "cuda" and config.cuda_graphs and world == 1
        self.opt_g = make_optimizer(self.G.parameters(), config.lr_g, config, capturable=graphs)
        self.opt_d = make_optimizer(self.D.parameters(), config.lr_d, config, capturable=graphs)
        self.step = GANStep(self.G, self.D, self.opt_g, self.opt_d, config, precision=precision, rank=rank,
                            world=world, wrap=share_gradients if world > 1 else lambda module: module)
        self.run_step = GraphedStep(self.step) if graphs else self.step
        self.steps, self.epoch, self.step_in_epoch = 0, 0, 0
        self.images_seen, self.seconds, self.epoch_seconds = 0, 0.0, 0.0
        self.history, self.strips, self.best = History(), [], None

    def state_dict(self):
        "Everything the rest of the run depends on, as tensors, numbers, strings, lists and dictionaries."
        return dict(
            G=self.G.state_dict(), D=self.D.state_dict(), ema=self.ema.network.state_dict(),
            opt_g=self.opt_g.state_dict(), opt_d=self.opt_d.state_dict(), meter=self.step.meter.state_dict(),
            rng=rng_state(self.device), count=self.step.count, noise=self.step.noise,
            steps=self.steps, epoch=self.epoch, step_in_epoch=self.step_in_epoch, images_seen=self.images_seen,
            seconds=self.seconds, epoch_seconds=self.epoch_seconds,
            history=list(self.history), strips=self.strips, best=self.best)

    def load_state_dict(self, state):
        "The opposite of `state_dict`."
        self.G.load_state_dict(state["G"]); self.D.load_state_dict(state["D"])
        self.ema.network.load_state_dict(state["ema"])
        self.opt_g.load_state_dict(state["opt_g"]); self.opt_d.load_state_dict(state["opt_d"])
        self.step.meter.load_state_dict(state["meter"])
        self.step.count.copy_(state["count"]); self.step.noise.copy_(state["noise"])
        for name in ("steps", "epoch", "step_in_epoch", "images_seen", "seconds", "epoch_seconds", "strips", "best"):
            setattr(self, name, state[name])
        self.history = History(state["history"])
        set_rng_state(state["rng"], self.device)

    def one_step(self, batches):
        "One iteration: the next real images, both networks, the average."
        c, k = self.config, self.config.d_steps
        total = c.epochs * (len(batches) // k)
        factor = lr_factor(c.lr_decay, self.steps / total)
        set_lr(self.opt_g, c.lr_g * factor); set_lr(self.opt_d, c.lr_d * factor)
        if c.instance_noise: self.step.noise.fill_(c.instance_noise * (1 - self.steps / total))
        xs = [batches.batch(self.epoch, self.step_in_epoch * k + i) for i in range(k)]
        self.run_step(xs, penalise=(c.r1 > 0 or c.r2 > 0) and self.steps % c.penalty_every == 0)
        self.steps += 1; self.step_in_epoch += 1; self.images_seen += c.batch_size * k
        self.ema.update(self.G, c.batch_size * k, self.images_seen)


# %%
def training(config, device=torch.device("cpu")):
    seed_everything(config.seed)
    return Training(config, device, torch.float32)

images = load_dataset("auto", limit=640)
batches = DeviceBatches(images, CONFIG.batch_size, device=torch.device("cpu"), seed=CONFIG.seed)
straight = training(CONFIG)
before = copy.deepcopy(straight.G.state_dict())
for _ in range(6): straight.one_step(batches)
assert not any(torch.equal(before[k], v) for k, v in straight.G.state_dict().items()), "every weight has moved"
straight.steps, straight.images_seen

# %% [markdown]
# Now the same six steps in two sittings: three, then a checkpoint, a new object that knows nothing, and three more. Are
# the weights close, or equal?

# %%
first = training(CONFIG)
for _ in range(3): first.one_step(batches)
saved = copy.deepcopy(first.state_dict())
torch.manual_seed(999) # whatever happens in between
second = Training(CONFIG, torch.device("cpu"), torch.float32)
second.load_state_dict(saved)
for _ in range(3): second.one_step(batches)

def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))

same(straight.G, second.G), same(straight.D, second.D), same(straight.ema.network, second.ema.network)

# %%
assert same(straight.G, second.G) and same(straight.D, second.D) and same(straight.ema.network, second.ema.network)

# %% [markdown]
# Leave out any part of the state, and this cell fails. See for yourself with the random generators:

# %%
forgetful = Training(CONFIG, torch.device("cpu"), torch.float32)
forgetful.load_state_dict(saved)
torch.manual_seed(1) # the random state is lost
for _ in range(3): forgetful.one_step(batches)
assert not same(straight.G, forgetful.G)
(straight.G.project.weight - forgetful.G.project.weight).abs().max().item()


# %% [markdown]
# ## Files that can be trusted
#
# `torch.save` writes a pickle, and a pickle can run any code when it is loaded. `weights_only=True` allows only tensors
# and plain containers. A checkpoint carries its track, its configuration and the checksum of its data, so that one of
# another run is refused with a sentence instead of a shape error.

# %%
#| exports
def load_file(path, # written by `torch.save`
    ): # what it holds, on the CPU
    "Load without running code. A missing, damaged or dangerous file is a `CourseError`."
    path = Path(path)
    try: found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError: raise CourseError(f"there is no {path}; train first, or check the path") from None
    except pickle.UnpicklingError as error:
        if "WeightsUnpickler" in str(error) and "Unsupported operand" not in str(error):
            raise CourseError(f"{path} asks to run code or holds more than weights, and was not loaded; "
                              "do not use it, and ask whoever gave it to you for plain weights") from None
        raise CourseError(f"{path} is damaged and cannot be read; remove it") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise CourseError(f"cannot read {path}: {error.strerror}") from None
    except Exception: # a damaged file can trip the reader anywhere
        raise CourseError(f"{path} is damaged or no PyTorch file and cannot be read; remove it") from None
    if not isinstance(found, dict) or found.get("track") is None:
        raise CourseError(f"{path} was not written by gan_course; use a file from a run folder")
    if found["track"] != TRACK:
        raise CourseError(f"{path} belongs to the track {found['track']}, this is {TRACK}; "
                          f"use gan-course with {found['track']}, or another folder")
    return found

def save_file(path, **contents):
    "Write a file for `load_file`, atomically."
    with atomic_path(path) as tmp: torch.save({"track": TRACK, **contents}, tmp)
    return path


# %%
class Harmful:
    def __reduce__(self): return print, ("any code could run here",)

with tempfile.TemporaryDirectory() as folder:
    bad = Path(folder)/"weights.pt"
    torch.save({"track": TRACK, "weights": Harmful()}, bad)
    try: load_file(bad)
    except CourseError as error: print(str(error).replace(str(bad), "weights.pt"))
    else: raise AssertionError("a file that runs code was loaded")


# %% [markdown]
# ## Several processes
#
# `torchrun --nproc-per-node 2 -m gan_course train pytorch ...` starts this program twice. Each process (**rank**) has both
# networks and takes its share of every batch; `DistributedDataParallel` averages the gradients while they are computed,
# so the weights stay equal. The latents are drawn for the whole batch in every process, from the same seed: two
# processes do what one would do. Only rank 0 writes.
#
# One thing is not the same: each process's BatchNorm sees half of the batch. The networks use rank 0's running
# statistics.

# %%
#| exports
@contextmanager
def process_group(device_name): # of the configuration
    "This process's rank and the number of processes; 0 and 1 when not started by torchrun."
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield 0, 1, select_device(device_name)
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = select_device(device_name)
    if device.type == "cuda" and device.index is None:
        device = select_device(f"cuda:{local}")
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try: yield dist.get_rank(), world, device
    finally: dist.destroy_process_group()

def share_gradients(module):
    "A module whose gradients are averaged over all processes."
    return nn_parallel(module, gradient_as_bucket_view=True)

nn_parallel = torch.nn.parallel.DistributedDataParallel


# %% [markdown]
# ## To stop cleanly
#
# Ctrl-C raises an exception wherever the program happens to be, between the two halves of a step for example. We only take
# note of it, finish the step, save, and then stop. Pressing it twice stops at once.

# %%
#| exports
class Interruptible:
    "Inside the block the first Ctrl-C only sets `asked`; the second raises `KeyboardInterrupt`."
    def __enter__(self):
        self.asked, self.before = False, None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self.note)
        return self

    def note(self, number, frame):
        if self.asked: raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error):
        if self.before is not None: signal.signal(signal.SIGINT, self.before)


# %%
with Interruptible() as interrupt:
    assert not interrupt.asked
    signal.raise_signal(signal.SIGINT)
    assert interrupt.asked, "noted, and the cell goes on"


# %% [markdown]
# ## The run
#
# What is left is to put it in order: prepare; step, look, save; at the end of an epoch measure and draw; at the end of
# the run write the results. First what is written.

# %%
#| exports
class Recorder:
    "Writes the run folder; on all ranks but the first it does nothing."
    def __init__(self, folder, config, dataset, writes=True):
        self.folder, self.config, self.dataset, self.writes = folder, config, dataset, writes
        self.paths = artifact_paths(config.out)
        self.data = dict(name=dataset.name, split=dataset.split, images=len(dataset), checksum=dataset.checksum)

    def caption(self, training, what="EMA weights"):
        what = what if self.config.ema_half_life else "generator"
        return (f"{self.config.recipe} on {self.dataset.name}, epoch {training.epoch} of {self.config.epochs}, "
                f"seed {self.config.seed}, {what}")

    def checkpoint(self, training):
        "Everything, to go on from here."
        if not self.writes: return
        contents = dict(track=TRACK, config=self.config.to_dict(), data=self.data, state=training.state_dict())
        self.folder.save_checkpoint(training.steps, lambda path: torch.save(contents, path),
                                    keep=self.config.keep_checkpoints)

    def weights(self, path, network):
        "One network, with what is needed to build it again."
        if self.writes: save_file(path, config=self.config.to_dict(), data=self.data, weights=network.state_dict())

    def metrics(self, training, status):
        "metrics.json, in whatever state the run is."
        if not self.writes: return
        prov = provenance(self.dataset, track=TRACK, epochs=training.epoch, seed=self.config.seed,
                          images_seen=training.images_seen, seconds=training.seconds,
                          device=device_name(training.device), packages=["torch", "numpy"])
        self.last = dict(track=TRACK, status=status, recipe=self.config.recipe, dataset=self.data,
                         precision=str(training.step.precision).removeprefix("torch."),
                         history=list(training.history), best=training.best, provenance=prov)
        self.folder.save_metrics(self.last)

    def pictures(self, training, samples):
        "The grid, the curves and the strip as they stand."
        if not self.writes: return
        note = self.caption(training)
        save_samples(samples, self.paths["samples"], note)
        figures.save_figure(figures.plot_curves(training.history, caption=note), self.paths["losses"])
        strips = [strip.numpy() for strip in training.strips]
        labels = [str(row["epoch"]) for row in training.history]
        figures.save_figure(figures.progress_strip(strips, labels, caption=note), self.paths["progress"])

def device_name(device):
    "As a person would name it."
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type


# %% [markdown]
# At the end of an epoch the average generator draws. The first of its latents are the same in every epoch and make the
# progress strip; the samples behind the Fréchet distance come from another seed. The [stop-gap
# distance](../foundations/evaluate.ipynb) is good enough to notice that a run got worse and to keep the best generator.

# %%
#| exports
STRIP = 8 # latents in the progress strip
SEED_GRID, SEED_EVAL = 1, 2 # of the latents of pictures and of measurements

@torch.no_grad()
def draw(network, # in eval mode
         num, # images
         config, # for the latents
         seed, # of the latents
         device, batch=500):
    "Images [num, C, H, W] in [-1, 1]. Always in float32."
    z = make_latents(num, config.latent_dim, seed, device)
    return torch.cat([network(part) for part in z.split(batch)])

def end_of_epoch(training, recorder, reference, seconds):
    "Measure, draw, note, keep the best. Leaves the random generators as they were."
    c, t = recorder.config, training
    t.epoch, t.step_in_epoch = t.epoch + 1, 0
    t.epoch_seconds += seconds
    t.seconds += seconds
    means = t.step.meter.means()
    samples = draw(t.ema.network, c.num_samples, c, SEED_GRID, t.device)
    t.strips.append(torch.from_numpy(to_images(samples[:STRIP])))
    distance = None
    if reference is not None:
        distance = reference.distance(to_images(draw(t.ema.network, c.eval_images, c, SEED_EVAL, t.device)))
    images = t.images_seen - (t.history[-1]["images_seen"] if len(t.history) else 0)
    t.history.append(epoch=t.epoch, step=t.steps, images_seen=t.images_seen, seconds=round(t.seconds, 2),
                     images_per_second=round(images / t.epoch_seconds, 1), **means,
                     lr_g=float(t.opt_g.param_groups[0]["lr"]), lr_d=float(t.opt_d.param_groups[0]["lr"]),
                     pixel_frechet=distance)
    if distance is not None and (t.best is None or distance < t.best["pixel_frechet"]):
        t.best = dict(epoch=t.epoch, pixel_frechet=distance)
        recorder.weights(recorder.paths["best"], t.ema.network)
    t.epoch_seconds = 0.0
    t.step.meter.reset()
    return samples


# %%
#| exports
def likely_cause(config):
    "What to try first when training diverged."
    if config.lr_g > 2e-3 or config.lr_d > 2e-3: return "the learning rates are high: try lr_g and lr_d of 2e-4"
    if config.loss == "relativistic" and not (config.r1 and config.r2):
        return "the relativistic loss needs its penalties: try r1 and r2 of 0.1"
    if config.precision == "bf16": return "try precision fp32, and lower learning rates"
    return "try lower learning rates (lr_g, lr_d), or stronger penalties (r1, r2)"

def check_finite(training, recorder, fresh=False): # fresh: the folder still holds an earlier run
    "Raise `CourseError` if some step since the last look was not finite. Waits for the device."
    bad = training.step.first_bad.item()
    if bad == NEVER: return
    kept = recorder.folder.latest_checkpoint() if recorder.folder and not fresh else None
    where = f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet"
    recorder.metrics(training, "failed")
    raise CourseError(f"the loss is no longer finite at step {bad} (epoch {training.epoch + 1}); {where}. "
                      f"Likely cause: {likely_cause(recorder.config)}")


# %% [markdown]
# And the loop itself. The outer part prepares and cleans up, the inner part trains.

# %%
#| exports
def train(config=CONFIG, # a `Config`
          resume=False, # go on from the last checkpoint in config.out; from the start if there is none
          verbose=True, # print a line per epoch
    ): # what stands in metrics.json
    "Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C."
    with process_group(config.device) as (rank, world, device):
        precision = select_precision(config.precision, device)
        folder = RunFolder(config.out) if rank == 0 else None
        with folder.lock() if rank == 0 else nullcontext():
            dataset = load_dataset(config.dataset, data_dir=config.data_dir, limit=config.limit)
            batches = DeviceBatches(dataset, config.batch_size, device=device, seed=config.seed, flip=config.flip,
                                    rank=rank, world=world)
            if len(batches) < config.d_steps:
                raise CourseError(f"{len(dataset)} images make {len(batches)} batches of {config.batch_size}, and "
                                  f"d_steps is {config.d_steps}: lower one of them, or raise limit")
            seed_everything(config.seed, config.deterministic)
            training = Training(config, device, precision, dataset.images.shape[-1], rank, world)
            recorder = Recorder(folder, config, dataset, writes=rank == 0)
            resumed = resume and restore(training, recorder)
            say = print if verbose and rank == 0 else (lambda *args: None)
            if resumed:
                for row in training.history: say(epoch_line(row, config.epochs))
                if training.epoch == config.epochs and (stored := finished(folder)):
                    say(provenance_line(stored["provenance"]))
                    return stored
                say(f"resuming {config.out} at step {training.steps} (epoch {training.epoch + 1})")
            elif rank == 0 and len(folder.checkpoint_paths()):
                say(f"starting anew: the earlier run in {config.out} will be replaced (--resume would go on with it)")
            reference = PixelFrechet(dataset.images) if config.eval_images >= 500 else None
            try: loop(training, batches, recorder, reference, say, fresh=not resumed)
            except KeyboardInterrupt:
                recorder.metrics(training, "interrupted")
                raise
            if rank == 0: say(provenance_line(recorder.last["provenance"]))
            return getattr(recorder, "last", None)

def finished(folder): # a `RunFolder`; None on the other ranks
    "What stands in metrics.json if the run is complete and all its files are there, else None."
    if folder is None: return None
    there = all(path.exists() for name, path in artifact_paths(folder.path).items() if name != "best")
    metrics = folder.load_metrics() if there else {}
    return metrics if metrics.get("status") == "finished" else None

def restore(training, recorder):
    "Load the latest checkpoint of the run folder, if there is one. Refuses one that does not belong to this run."
    path = latest_checkpoint(recorder.config.out)
    if path is None: return False
    found = load_file(path)
    config = recorder.config
    if not all(isinstance(found.get(part), dict) for part in ("config", "data", "state")):
        raise CourseError(f"{path} is no checkpoint; remove it, and resume from the one before")
    check_same_config(found["config"], config.to_dict(), free_fields(config))
    if found["data"] != recorder.data:
        raise CourseError(f"{path} was trained on {found['data'].get('name')} with checksum "
                          f"{str(found['data'].get('checksum'))[:12]}, and the data now are {recorder.data['name']} with "
                          f"{recorder.data['checksum'][:12]}; restore the data, or train anew with another --out")
    try:
        if found["state"]["epoch"] > config.epochs:
            raise CourseError(f"{path} has done {found['state']['epoch']} epochs already; ask for more with --epochs")
        training.load_state_dict(found["state"])
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} is damaged ({' '.join(str(error).split())[:120]}); remove it, "
                          "and resume from the one before") from None
    return True

def latest_checkpoint(out):
    "As `RunFolder.latest_checkpoint`, for every rank."
    return RunFolder(out, create=False).latest_checkpoint() if Path(out).is_dir() else None


# %%
#| exports
LOOK = 50 # steps between looks at the progress

def loop(training, batches, recorder, reference, say, fresh):
    "Epochs, steps, looks, checkpoints, pictures."
    c, t = recorder.config, training
    per_epoch = len(batches) // c.d_steps
    if recorder.writes: recorder.folder.save_config(dict(track=TRACK, config=c.to_dict(), dataset=recorder.data))
    recorder.metrics(t, "running")
    samples, begin = None, time.perf_counter()
    with Interruptible() as interrupt, tqdm(total=c.epochs * per_epoch, initial=t.steps, unit="step", leave=False,
                                            disable=not (c.progress and recorder.writes)) as bar:
        while t.epoch < c.epochs:
            while t.step_in_epoch < per_epoch:
                t.one_step(batches)
                alone = not dist.is_initialized() # several processes can only stop where all of them look
                if t.steps % LOOK and t.steps % c.checkpoint_every and not (alone and interrupt.asked): continue
                # A look: the only place in an epoch that waits for the device.
                check_finite(t, recorder, fresh)
                if fresh and recorder.writes: recorder.folder.remove_checkpoints(); fresh = False
                bar.update(t.steps - bar.n)
                stop = anyone(interrupt.asked, t.device) # on all ranks, or on none
                if t.steps % c.checkpoint_every == 0 or stop:
                    now = time.perf_counter()
                    t.seconds, t.epoch_seconds, begin = t.seconds + now - begin, t.epoch_seconds + now - begin, now
                    recorder.checkpoint(t)
                if stop: raise KeyboardInterrupt
            check_finite(t, recorder, fresh)
            if fresh and recorder.writes: recorder.folder.remove_checkpoints(); fresh = False
            if dist.is_initialized(): same_buffers(t.G, t.D, t.ema.network)
            samples = end_of_epoch(t, recorder, reference, time.perf_counter() - begin)
            recorder.pictures(t, samples)
            recorder.checkpoint(t)
            recorder.metrics(t, "running")
            say(epoch_line(t.history[-1], c.epochs))
            begin = time.perf_counter()
    if samples is None: samples = draw(t.ema.network, c.num_samples, c, SEED_GRID, t.device)
    recorder.pictures(t, samples)
    recorder.weights(recorder.paths["generator"], t.ema.network)
    recorder.weights(recorder.paths["discriminator"], t.D)
    recorder.metrics(t, "finished")

def anyone(asked, device):
    "Whether any process was asked to stop."
    if not dist.is_initialized(): return asked
    flag = torch.tensor(float(asked), device=device)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag)

def same_buffers(*networks):
    "Give every process the running statistics of the first."
    for network in networks:
        for buffer in network.buffers(): dist.broadcast(buffer, 0)

def epoch_line(row, epochs):
    "One epoch in one line."
    fd = "" if row["pixel_frechet"] is None else f"  FD(pixels) {row['pixel_frechet']:6.2f}"
    return (f"epoch {row['epoch']:>3}/{epochs}  loss D {row['loss_d']:.3f} G {row['loss_g']:.3f}  "
            f"D(x) {row['d_real']:.2f} D(G(z)) {row['d_fake']:.2f}{fd}  {row['images_per_second']:,.0f} images/s")


# %% [markdown]
# ## Killed, and resumed
#
# Now the promise of this lesson, kept under the worst conditions. One run goes through. Another one, the same but for its
# folder, is started as a program of its own and killed with SIGKILL as soon as it has written a checkpoint: no handler
# runs, nothing is tidied up. Then we resume it.

# %%
import subprocess
import sys

# %%
room = tempfile.TemporaryDirectory()
tiny = dict(dataset="garments", limit=1280, width=8, epochs=2, checkpoint_every=7, eval_images=0, device="cpu",
            precision="fp32", num_samples=8)
through = CONFIG.replace(**tiny, progress=False, out=Path(room.name)/"through")
train(through, verbose=False)

killed = through.replace(out=Path(room.name)/"killed")
options = [text for name, value in tiny.items() for text in ("--" + name.replace("_", "-"), str(value))]
program = subprocess.Popen(
    [sys.executable, "-m", "gan_course", "train", "pytorch", "--out", str(killed.out), "--no-progress", *options],
    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
while latest_checkpoint(killed.out) is None and program.poll() is None: time.sleep(0.01)
program.kill()
errors = program.communicate()[1]
assert program.returncode != 0 and not errors, "it was killed, not finished, and had no chance to complain"
print("killed; the last checkpoint is of step", step_of(latest_checkpoint(killed.out)))
print("metrics.json says", repr(RunFolder(killed.out).load_metrics()["status"]))

# %%
train(killed, resume=True, verbose=False)

def weights(out, name): return load_file(artifact_paths(out)[name])["weights"]

for name in ("generator", "discriminator"):
    a, b = weights(through.out, name), weights(killed.out, name)
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a), name
    print(f"{name}: {sum(v.numel() for v in a.values()):,} numbers, all equal")
room.cleanup()

# %% [markdown]
# ## A short training
#
# Everything together, on all images, for two epochs. That is a fifteenth of a full run, which the [lab](gan_pytorch.ipynb)
# shows. Each line is an epoch: the losses of both networks, the mean probability $D$ gives to real and to generated images,
# and the Fréchet distance on pixels, the only number in it that judges the pictures. What do you expect of the losses:
# will they fall?

# %%
room = tempfile.TemporaryDirectory()
config = CONFIG.replace(epochs=budget(full=2, fast=1), limit=budget(full=None, fast=640), progress=False,
                        eval_images=budget(full=5000, fast=0), out=Path(room.name)/"run")
seed_everything(config.seed)
at_first = dict(zip("GD", build_networks(config))) # as `train` will make them
metrics = train(config)

# %% [markdown]
# The losses hardly move, and that is right: $\log 2 = 0.69$ is what both pay when neither is ahead. A GAN's loss says who
# is winning, not how good the pictures are.

# %%
#| label: fig-curves
#| fig-cap: "The two losses, and the mean scores of real and generated images, epoch by epoch."
#| fig-alt: "Two panels. Left the losses of discriminator and generator, each a short nearly level line. Right the mean score of real images, above that of generated ones."
data = metrics["dataset"]["name"]
figures.plot_curves(metrics["history"], caption=f"modern on {data}, seed {config.seed}")

# %%
#| label: fig-progress
#| fig-cap: "The same latents after each epoch, drawn by the average generator. One row a latent, one column an epoch."
#| fig-alt: "Rows of small pictures with a column for each epoch: blurred shapes of clothes in the first, more definite ones in the last."
state = load_file(latest_checkpoint(config.out))["state"]
labels = [f"epoch {row['epoch']}" for row in metrics["history"]]
figures.progress_strip([strip.numpy() for strip in state["strips"]], labels, caption=data)

# %%
#| label: fig-samples
#| fig-cap: "Samples of the average generator after this short training."
#| fig-alt: "A grid of sixty-four small grey pictures. Shirts, trousers, shoes and bags can be told apart; many are blurred or misshapen."
G, _ = build_networks(config)
G.load_state_dict(load_file(artifact_paths(config.out)["generator"])["weights"])
samples = to_images(draw(G.eval(), 64, config, SEED_GRID, torch.device("cpu")))
figures.image_grid(samples, caption=f"{data}, {config.epochs} epochs, seed {config.seed}, EMA weights")

# %% [markdown]
# A page that trains should notice when nothing was trained. Each parameter of both networks has moved, every number of the
# history is finite, and the folder holds what it should. Each parameter but one: which constant of $D$ can the relativistic
# loss not see?

# %%
for name, network in at_first.items():
    stuck = [k for k, p in network.named_parameters() if torch.equal(p.detach(), state[name][k])]
    blind = {"to_logit.bias"} if name == "D" else set() # D(x) - D(G(z)) does not contain it
    assert set(stuck) <= blind, f"these parameters of {name} did not move: {stuck}"
numbers = [row[k] for row in metrics["history"] for k in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g")]
assert all(math.isfinite(number) for number in numbers) and metrics["status"] == "finished"
assert all(path.exists() for name, path in artifact_paths(config.out).items() if name != "best")
sorted(path.name for path in config.out.iterdir() if not path.name.startswith("."))

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.pytorch_train import check_average, check_checkpoint


# %% [markdown]
# ### 1. Half-life
#
# Write `follow(average, network, images, half_life)`: it moves the network `average` towards `network` in place, after
# `images` more images, so that what it held before weighs half as much after `half_life` images. Think of everything a
# network consists of.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
@torch.no_grad()
def follow(average, network, images, half_life):
    keep = 0.5 ** (images / half_life)
    for a, p in zip(average.parameters(), network.parameters()): a.lerp_(p, 1 - keep)
    for a, b in zip(average.buffers(), network.buffers()): a.copy_(b) # averages already

check_average(follow)


# %% [markdown]
# ### 2. A checkpoint of your own
#
# Write `save(network, optimizer, step)`, which returns a dictionary, and `load(network, optimizer, state)`, which puts
# everything back and returns the step. The check trains a small network for six steps; its batches are random, and its
# learning rate depends on the step. Then it trains three, saves, starts a fresh network in another state of the world,
# loads, and trains three more. It wants the same bits.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def save(network, optimizer, step):
    return dict(network=network.state_dict(), optimizer=optimizer.state_dict(), step=step,
                rng=torch.get_rng_state())

def load(network, optimizer, state):
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    return state["step"]

check_checkpoint(save, load)

# %% [markdown]
# ## What to remember
#
# - Samples come from an average of the generator. Its memory is a half-life in images, and BatchNorm's buffers belong to it.
# - A checkpoint holds what the next step depends on: networks, optimisers, average, random states, place in the data. The
#   test is equality, bit for bit, also after SIGKILL.
# - A file is written beside its name and renamed. It is loaded without running code, and refused if it is of another run.
# - The losses tell who is ahead. Whether the pictures are good, you see in the strip and in the distance.
#
# **What goes wrong in practice, and how you see it.**
#
# - *The loss jumps where the run was resumed*: the optimisers' moments are missing. Print the loss of the steps before
#   and after.
# - *A resumed run sees the same images again*: the position in the data, or the random state, is missing; each epoch
#   then begins with the same batches.
# - *Samples of the average look like the first epoch, those of the generator are fine*: forgotten buffers, or a half-life
#   that is counted in steps where images were meant.
# - *Samples change their kind from epoch to epoch in the strip*: the game circles; see [the engine](engine.ipynb).
# - *The loss is no longer finite*: training stops with the step and the last good checkpoint. Resuming alone repeats
#   it, bit for bit; change what the message names.
# - *The GPU is idle most of the time*: something in the loop asks it for a number in every step. Here it is asked once in
#   fifty.
#
# **References.** Kingma and Ba, *Adam*, 2014, algorithm 1. Loshchilov and Hutter, *Decoupled weight decay
# regularization*, 2017. Polyak and Juditsky, *Acceleration of stochastic approximation by averaging*, 1992 (why averages
# of iterates). Yazıcı et al., *The unusual effectiveness of averaging in GAN training*, 2018. Karras et al., *Elucidating
# the design space of diffusion-based generative models*, 2022 (a half-life in images, ramped up). PyTorch,
# [`torch.load`](https://docs.pytorch.org/docs/stable/generated/torch.load.html) on `weights_only`.
#
# The provenance of this page's training can be had from `metrics.json` at any time:

# %%
print(provenance_line(RunFolder(config.out).load_metrics()["provenance"]))
room.cleanup()
