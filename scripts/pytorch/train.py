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
# > What PyTorch brings to the loop: an average of the generator, checkpoints that resume bit for bit, several processes
#
# - order: 20

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/pytorch/train.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/train.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/pytorch/train.ipynb) · [API](../about/api.ipynb#pytorch-train) · [Side by side](../about/side_by_side.ipynb#train)

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
# **You will be able to** train a GAN that can be interrupted, killed and resumed without changing its result, average the
# generator's weights and say why, and read what a run leaves behind.
#
# **You need** [The engine](engine.ipynb) and [What every training loop needs](../foundations/loop.ipynb), which holds the
# loop itself. **It takes** twenty minutes to read; the cells train for two minutes.

# %%
#| default_exp pytorch.train

# %%
#| exports
import copy
import gc
import os
import pickle
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist

from gan_course.basics import CourseError
from gan_course.configuration import artifact_paths
from gan_course.loop import (SEED_EVAL, SEED_GRID, Progress, Recorder, average_keep, check_finite,
                             check_track,
                             latest_checkpoint, lr_factor, read_error, restore_latest, run)
from gan_course.pytorch.config import CONFIG, Config, select_device, select_precision
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.engine import NEVER, GANStep, GraphedStep
from gan_course.pytorch.model import build_networks, count_parameters
from gan_course.pytorch.utils import (make_latents, rng_state, seed_everything, set_rng_state,
                                      to_images)
from gan_course.runs import atomic_path

# %%
import math
import tempfile
import time

from gan_course import figures
from gan_course.basics import budget
from gan_course.datasets import load_dataset
from gan_course.runs import RunFolder, provenance_line, step_of


# %% [markdown]
# ## The optimisers
#
# [Adam](../about/glossary.ipynb#gl-adam) is the usual choice, AdamW lets the weights decay apart from the gradient, RMSprop is what Adam is without [momentum](../about/glossary.ipynb#gl-momentum)
# and without correcting the bias of its first steps. `fused=True` updates all weights in one kernel, where PyTorch
# has one; `foreach=True` does it in a few.

# %%
#| exports
def make_optimizer(parameters, # of one network
                   lr, # learning rate
                   config, # a `Config`
                   capturable=False, # keep everything on the GPU, for CUDA graphs
    ): # a `torch.optim.Optimizer`
    """Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton
    2012)."""
    parameters = list(parameters)
    fused = parameters[0].device.type in ("cpu", "cuda", "xpu")
    if capturable: lr = torch.tensor(lr, device=parameters[0].device)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, alpha=config.beta2, foreach=True,
                                   capturable=capturable)
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
# ## An average of the generator
#
# Samples come from a second [generator](../about/glossary.ipynb#gl-generator), which is never trained and follows the first, with a [half-life](../about/glossary.ipynb#gl-half-life) in images ([why,
# and how fast](../foundations/loop.ipynb#how-long-a-memory)). What does it consist of?
#
# [BatchNorm's](../about/glossary.ipynb#gl-batchnorm) running mean and variance are not parameters, and a loop over `parameters()` leaves them behind. The [average
# generator](../about/glossary.ipynb#gl-ema) would normalise with the statistics of its first step, and its samples would look like a failed training. We
# copy them: they are averages already.

# %%
#| exports
class AverageWeights:
    """An exponential moving average of a network, its buffers included. With half-life 0 it is a
    plain copy."""
    def __init__(self, network, half_life): # in images
        self.network, self.half_life = (copy.deepcopy(network).eval().requires_grad_(False),
                                        half_life)

    @torch.no_grad()
    def update(self,
               network, # the one in training
               batch_size, # images since the last update
               images_seen, # since the beginning
              ):
        keep = average_keep(self.half_life, batch_size, images_seen)
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
assert not average.network.training and not any(p.requires_grad
                                                for p in average.network.parameters())

# %% [markdown]
# ## Everything a checkpoint needs
#
# The complaint one reads most about training code: it "[resumes](../about/glossary.ipynb#gl-resume)" the weights, but not the optimisers' moments, or the
# random numbers, or the place in the [epoch](../about/glossary.ipynb#gl-epoch); the loss jumps, and the result is another one. A run that was interrupted
# should end **with the same bits** as one that was not. Then resuming can be tested with `==`, and nothing can be
# forgotten.
#
# What does the next step depend on? Both networks, both optimisers, the average, the random generators, the position in
# the data, the steps done. For the record we add the measurements of the epoch so far, the history, and the best result.
#
# All that is plain numbers comes from `Progress`, and so does the list of methods to fill in. Pictures are drawn in
# parts, so that ten thousand samples need no more memory than five hundred.

# %%
#| exports
TRACK = "pytorch"

@torch.no_grad()
def draw(network, # in eval mode
         num, # images
         config, # for the latents
         seed, # of the latents
         device, batch=500):
    "Images [num, C, H, W] in [-1, 1]. Always in float32."
    z = make_latents(num, config.latent_dim, seed, device)
    return torch.cat([network(part) for part in z.split(batch)])


# %%
#| exports
class Training(Progress):
    "All that changes during a run."
    def __init__(self, config, device, precision, channels=1, rank=0, world=1):
        super().__init__()
        self.config, self.device = config, device
        self.G, self.D = build_networks(config, device, channels)
        self.ema = AverageWeights(self.G, config.ema_half_life)
        graphs = device.type == "cuda" and config.cuda_graphs and world == 1
        self.opt_g = make_optimizer(self.G.parameters(), config.lr_g, config, capturable=graphs)
        self.opt_d = make_optimizer(self.D.parameters(), config.lr_d, config, capturable=graphs)
        self.step = GANStep(self.G, self.D, self.opt_g, self.opt_d, config, precision=precision,
                            rank=rank,
                            world=world,
                            wrap=share_gradients if world > 1 else lambda module: module)
        self.run_step = GraphedStep(self.step) if graphs else self.step

    def state_dict(self):
        """Everything the rest of the run depends on, as tensors, numbers, strings, lists and
        dictionaries."""
        return dict(
            G=self.G.state_dict(), D=self.D.state_dict(), ema=self.ema.network.state_dict(),
            opt_g=self.opt_g.state_dict(), opt_d=self.opt_d.state_dict(),
            meter=self.step.meter.state_dict(),
            rng=rng_state(self.device), count=self.step.count, noise=self.step.noise,
            **self.counters(), strips=[torch.from_numpy(strip) for strip in self.strips])

    def load_state_dict(self, state):
        "The opposite of `state_dict`."
        self.G.load_state_dict(state["G"]); self.D.load_state_dict(state["D"])
        self.ema.network.load_state_dict(state["ema"])
        self.opt_g.load_state_dict(state["opt_g"]); self.opt_d.load_state_dict(state["opt_d"])
        self.step.meter.load_state_dict(state["meter"])
        self.step.count.copy_(state["count"]); self.step.noise.copy_(state["noise"])
        self.set_counters(state)
        self.strips = [strip.numpy() for strip in state["strips"]]
        set_rng_state(state["rng"], self.device)

    def parameters(self):
        return dict(generator=count_parameters(self.G), discriminator=count_parameters(self.D))
    def iterations(self, batches): return len(batches) // self.config.d_steps

    def one_step(self, batches):
        "One iteration: the next real images, both networks, the average."
        c, k = self.config, self.config.d_steps
        total = c.epochs * self.iterations(batches)
        factor = lr_factor(c.lr_decay, self.steps / total)
        set_lr(self.opt_g, c.lr_g * factor); set_lr(self.opt_d, c.lr_d * factor)
        if c.instance_noise: self.step.noise.fill_(c.instance_noise * (1 - self.steps / total))
        xs = [batches.batch(self.epoch, self.step_in_epoch * k + i) for i in range(k)]
        self.run_step(xs, penalise=(c.r1 > 0 or c.r2 > 0) and self.steps % c.penalty_every == 0)
        self.steps += 1; self.step_in_epoch += 1; self.images_seen += c.batch_size * k
        self.ema.update(self.G, c.batch_size * k, self.images_seen)

    def advance(self, batches, steps, stop):
        for _ in range(steps):
            self.one_step(batches)
            if stop(): break

    def first_bad(self):
        bad = self.step.first_bad.item()
        return None if bad == NEVER else bad

    def means(self): return self.step.meter.means()
    def reset_means(self): self.step.meter.reset()
    def draw(self, num, seed):
        return to_images(draw(self.ema.network, num, self.config, seed, self.device))
    def learning_rates(self):
        return {name: float(optimizer.param_groups[0]["lr"])
                for name, optimizer in (("lr_g", self.opt_g), ("lr_d", self.opt_d))}


# %%
def training(config, device=torch.device("cpu")):
    seed_everything(config.seed)
    return Training(config, device, torch.float32)

images = load_dataset("auto", limit=640)
batches = DeviceBatches(images, CONFIG.batch_size, device=torch.device("cpu"), seed=CONFIG.seed)
straight = training(CONFIG)
before = copy.deepcopy(straight.G.state_dict())
straight.advance(batches, 6, stop=lambda: False)
assert not any(torch.equal(before[k], v) for k, v in straight.G.state_dict().items()), (
    "every weight has moved")
straight.steps, straight.images_seen

# %%
assert (straight.first_bad() is None
        and straight.learning_rates() == dict(lr_g=CONFIG.lr_g, lr_d=CONFIG.lr_d))
assert straight.draw(3, seed=0).shape == (3, 28, 28, 1)

# %% [markdown]
# Now the same six steps in two sittings: three, then a [checkpoint](../about/glossary.ipynb#gl-checkpoint), a new object that knows nothing, and three more.
# **Predict:** are the weights close, or equal?

# %%
first = training(CONFIG)
first.advance(batches, 3, stop=lambda: False)
saved = copy.deepcopy(first.state_dict())
torch.manual_seed(999) # whatever happens in between
second = Training(CONFIG, torch.device("cpu"), torch.float32)
second.load_state_dict(saved)
second.advance(batches, 3, stop=lambda: False)

def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))

same(straight.G, second.G), same(straight.D,
                                 second.D), same(straight.ema.network, second.ema.network)

# %%
assert (same(straight.G, second.G) and same(straight.D, second.D)
        and same(straight.ema.network, second.ema.network))

# %% [markdown]
# Leave out any part of the state, and this cell fails. See for yourself with the random generators:

# %%
forgetful = Training(CONFIG, torch.device("cpu"), torch.float32)
forgetful.load_state_dict(saved)
torch.manual_seed(1) # the random state is lost
forgetful.advance(batches, 3, stop=lambda: False)
assert not same(straight.G, forgetful.G)
(straight.G.project.weight - forgetful.G.project.weight).abs().max().item()


# %% [markdown]
# ## Files that can be trusted
#
# `torch.save` writes a pickle, and a pickle can run any code when it is loaded. `weights_only=True` allows only tensors
# and plain containers. A checkpoint carries its track, its configuration and the [checksum](../about/glossary.ipynb#gl-checksum) of its data, so that one of
# another run is refused with a sentence instead of a shape error.

# %%
#| exports
def load_file(path, # written by `torch.save`
    ): # what it holds, on the CPU
    "Load without running code. A missing, damaged or dangerous file is a `CourseError`."
    path = Path(path)
    try: found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "WeightsUnpickler" in str(error) and "Unsupported operand" not in str(error):
            raise CourseError(f"{path} asks to run code or holds more than weights, "
                              "and was not loaded; "
                              "do not use it, and ask whoever gave it to "
                              "you for plain weights") from None
        raise CourseError(f"{path} is damaged and cannot be read; remove it") from None
    # it can trip the reader anywhere
    except Exception as error: raise read_error(path, error, "PyTorch file") from None
    return check_track(found, path, TRACK)

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
# networks and takes its share of every [batch](../about/glossary.ipynb#gl-batch); `DistributedDataParallel` averages the gradients while they are computed,
# so the weights stay equal. The [latents](../about/glossary.ipynb#gl-latent) are drawn for the whole batch in every process, from the same [seed](../about/glossary.ipynb#gl-seed): two
# processes do what one would do. Only rank 0 writes.
#
# One thing is not the same: each process's BatchNorm sees half of the batch. The networks use rank 0's running
# statistics.
#
# Leaving a group has an order, too: first its wrappers go, then all processes meet, and only then is the group destroyed.
# A wrapper that outlives its group may take the whole process down when Python ends, after all the work is done.

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
    try:
        yield dist.get_rank(), world, device
        gc.collect() # the wrappers of a training that is over, also where they hold each other
        dist.barrier(device_ids=[device.index] if device.type == "cuda" else None)
    finally: dist.destroy_process_group()

def share_gradients(module):
    "A module whose gradients are averaged over all processes."
    return nn_parallel(module, gradient_as_bucket_view=True)

nn_parallel = torch.nn.parallel.DistributedDataParallel

class Together:
    "How the processes of a group agree."
    def __init__(self, device): self.device = device

    def anyone(self, asked):
        "Whether any process was asked to stop."
        flag = torch.tensor(float(asked), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def same(self, training):
        "Give every process the running statistics of the first."
        for network in (training.G, training.D, training.ema.network):
            for buffer in network.buffers(): dist.broadcast(buffer, 0)


# %% [markdown]
# ## The run
#
# What is left is to hand our parts to [the loop](../foundations/loop.ipynb). First what is written: `Recorder` knows the
# measurements and the pictures, and learns here how PyTorch writes its files.

# %%
#| exports
class TorchRecorder(Recorder):
    "Writes the run folder; on all ranks but the first it does nothing."
    def checkpoint(self, training):
        "Everything, to go on from here."
        if not self.writes: return
        contents = dict(track=TRACK, config=self.config.to_dict(), data=self.data,
                        state=training.state_dict())
        self.folder.save_checkpoint(training.steps, lambda path: torch.save(contents, path),
                                    keep=self.config.keep_checkpoints)

    def weights(self, name, network):
        "One network, with what is needed to build it again."
        if not self.writes: return
        save_file(self.paths[name], config=self.config.to_dict(), data=self.data,
                  weights=network.state_dict())

    def best(self, training): self.weights("best", training.ema.network)

    def results(self, training):
        self.weights("generator", training.ema.network)
        self.weights("discriminator", training.D)

def device_name(device):
    "As a person would name it."
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type


# %% [markdown]
# Then what is read. Whether a checkpoint belongs to this run is checked for all tracks alike; a run may go on on another
# device. What PyTorch cannot load although it is a checkpoint of this run must have been damaged.

# %%
#| exports
def restore(training, recorder):
    """Load the latest checkpoint of the run folder, if there is one. Refuses one that does not
    belong to this run."""
    return restore_latest(training, recorder, load_file, ".pt", more={"device", "cuda_graphs"})


# %% [markdown]
# And the function that does it all.

# %%
#| exports
def train(config: Config = CONFIG,
          # go on from the last checkpoint in config.out; from the start if there is none
          resume: bool = False,
          verbose: bool = True, # print a line per epoch
    ) -> dict: # what stands in metrics.json
    """Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and
    `KeyboardInterrupt` on Ctrl-C."""
    with process_group(config.device) as (rank, world, device):
        precision = select_precision(config.precision, device)
        def prepare(folder, dataset):
            batches = DeviceBatches(dataset, config.batch_size, device=device, seed=config.seed,
                                    flip=config.flip,
                                    rank=rank, world=world)
            seed_everything(config.seed, config.deterministic)
            training = Training(config, device, precision, dataset.images.shape[-1], rank, world)
            recorder = TorchRecorder(folder, config, dataset, artifact_paths(config.out), TRACK,
                                     ["torch", "numpy"],
                                     device_name(device), str(precision).removeprefix("torch."),
                                     rank == 0)
            return training, batches, recorder
        return run(config, prepare, restore, resume, verbose, writes=rank == 0,
                   together=Together(device) if world > 1 else None)


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
tiny = dict(dataset="garments", limit=1280, width=8, epochs=2, checkpoint_every=7, eval_images=0,
            device="cpu",
            precision="fp32", num_samples=8)
through = CONFIG.replace(**tiny, progress=False, out=Path(room.name)/"through")
train(through, verbose=False)

killed = through.replace(out=Path(room.name)/"killed")
options = [text for name, value in tiny.items()
           for text in ("--" + name.replace("_", "-"), str(value))]
program = subprocess.Popen(
    [sys.executable, "-m", "gan_course", "train", "pytorch", "--out", str(killed.out),
     "--no-progress", *options],
    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
while latest_checkpoint(killed.out) is None and program.poll() is None: time.sleep(0.01)
program.kill()
errors = program.communicate()[1]
assert program.returncode != 0 and not errors, (
    "it was killed, not finished, and had no chance to complain")
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
# Everything together, on all images, for two epochs. That is a fifth of what the [lab](gan_pytorch.ipynb)
# gives it. Each line is an epoch: the losses of both networks, the mean probability $D$ gives to real and to generated images,
# and the [Fréchet distance](../about/glossary.ipynb#gl-frechet) on pixels, the only number in it that judges the pictures. What do you expect of the losses:
# will they fall?

# %%
room = tempfile.TemporaryDirectory()
config = CONFIG.replace(epochs=budget(full=2, fast=1), limit=budget(full=None, fast=640),
                        progress=False,
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
#| fig-alt: "Two panels. Left the losses: the discriminator's falls from 0.693 to 0.691, the generator's rises from 0.704 to 0.722. Right the mean scores of real and generated images, two level lines on top of each other at 0.51."
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
figures.image_grid(samples,
                   caption=f"{data}, {config.epochs} epochs, seed {config.seed}, EMA weights")

# %% [markdown]
# A page that trains should notice when nothing was trained. Each parameter of both networks has moved, every number of the
# history is finite, and the folder holds what it should. Each parameter but one: which constant of $D$ can the [relativistic](../about/glossary.ipynb#gl-relativistic)
# loss not see?

# %%
for name, network in at_first.items():
    stuck = [k for k, p in network.named_parameters() if torch.equal(p.detach(), state[name][k])]
    blind = {"to_logit.bias"} if name == "D" else set() # D(x) - D(G(z)) does not contain it
    assert set(stuck) <= blind, f"these parameters of {name} did not move: {stuck}"
numbers = [row[k] for row in metrics["history"]
           for k in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g")]
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
# [learning rate](../about/glossary.ipynb#gl-learning-rate) depends on the step. Then it trains three, saves, starts a fresh network in another state of the world,
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
# - *A run of [several processes](../about/glossary.ipynb#gl-data-parallel) hangs, or dies after its last line*: one of them left before the others, or something still
#   held a wrapper when the group was gone.
#
# **References.** Kingma and Ba [-@kingma2014adam], *Adam*, algorithm 1. Loshchilov and Hutter [-@loshchilov2017adamw], *Decoupled weight decay
# regularization*. Li et al. [-@li2020distributed], *PyTorch distributed: experiences on accelerating data parallel training*. PyTorch,
# [`torch.load`](https://docs.pytorch.org/docs/stable/generated/torch.load.html) on `weights_only`. On averages:
# [the loop's lesson](../foundations/loop.ipynb).
#
# The [provenance](../about/glossary.ipynb#gl-provenance) of this page's training can be had from `metrics.json` at any time:

# %%
print(provenance_line(RunFolder(config.out).load_metrics()["provenance"]))
room.cleanup()
