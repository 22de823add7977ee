"""How much faster is our training loop than the textbook's on the same networks, and how near the machine's peak?

    python bench/throughput.py
    python bench/throughput.py --rounds 7 --seconds 8 --recipe modern --width 64 --device cuda --json result.json
    python bench/throughput.py --track tensorflow       # against the textbook's Keras loop, and against PyTorch

Both loops train the same generator and discriminator with the same losses, penalties, batch size and learning rates.
Textbook: a Dataset of PIL images, ToTensor and Normalize, a DataLoader, float32, NCHW, fakes made once for D and once
more for G, plain Adam, `.item()` of both losses in every step. The contenders take turns, and so does a large matrix
product, which gives the machine's own peak under the same conditions. README.md says more.
"""
import argparse
import contextlib
import copy
import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms

from gan_course.basics import CourseError
from gan_course.datasets import load_dataset
from gan_course.pytorch.config import RECIPES, Config, select_device, select_precision
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.engine import NEVER, discriminator_loss, generator_loss, squared_gradient_norm
from gan_course.pytorch.model import build_networks, count_parameters
from gan_course.pytorch.train import Training, device_name, lr_factor, set_lr, train
from gan_course.pytorch.utils import seed_everything
from gan_course.runs import provenance, write_json

LONG = 10**6 # epochs of a run that a measurement never reaches the end of


# --- The contenders ---------------------------------------------------------------------------------------------------
class Ours:
    "The course's loop, without what happens between epochs."
    label = "ours"

    def __init__(self, config, dataset, device):
        seed_everything(config.seed)
        self.config, self.device, self.precision = config, device, select_precision(config.precision, device)
        self.batches = DeviceBatches(dataset, config.batch_size, device=device, seed=config.seed, flip=config.flip)
        self.training = Training(config, device, self.precision, dataset.images.shape[-1])
        self.G, self.D = self.training.G, self.training.D

    def step(self):
        t = self.training
        if t.step_in_epoch == len(self.batches): t.epoch, t.step_in_epoch = t.epoch + 1, 0
        t.one_step(self.batches)

    def look(self):
        "Wait for the device, as the real loop does every 50 steps."
        if self.training.step.first_bad.item() != NEVER: raise CourseError("our loss is no longer finite")


class Pictures(Dataset):
    "What `torchvision.datasets.FashionMNIST` is, without the download."
    def __init__(self, dataset, transform): self.images, self.transform = dataset.images, transform
    def __len__(self): return len(self.images)
    def __getitem__(self, i): return self.transform(Image.fromarray(self.images[i].squeeze()))


def textbook_loader(config, dataset, workers):
    "Batches as every tutorial makes them."
    flip = [transforms.RandomHorizontalFlip(config.flip)] if config.flip else []
    middle = (0.5,)*dataset.images.shape[-1]
    transform = transforms.Compose([*flip, transforms.ToTensor(), transforms.Normalize(middle, middle)])
    return DataLoader(Pictures(dataset, transform), config.batch_size, shuffle=True, drop_last=True,
                      num_workers=workers)


def as_contiguous(module, inputs):
    "Make a layer's input NCHW in memory, as a textbook generator's `view` does."
    return tuple(x.contiguous() for x in inputs)


class Textbook:
    "The same networks and the same mathematics, trained the way tutorials do."
    precision = torch.float32

    def __init__(self, config, dataset, device, workers=0):
        self.label = f"textbook/{workers}"
        self.config, self.device, self.workers = config, device, workers
        seed_everything(config.seed)
        self.G, self.D = (network.to(memory_format=torch.contiguous_format)
                          for network in build_networks(config, device, dataset.images.shape[-1]))
        self.G.hidden.register_forward_pre_hook(as_contiguous)
        self.average = copy.deepcopy(self.G).eval() if config.ema_half_life else None
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}[config.optimizer]
        how = dict(alpha=config.beta2) if config.optimizer == "rmsprop" else dict(betas=(config.beta1, config.beta2))
        if config.optimizer == "adamw": how["weight_decay"] = config.weight_decay
        self.opt_g = kind(self.G.parameters(), config.lr_g, **how)
        self.opt_d = kind(self.D.parameters(), config.lr_d, **how)
        self.loader = textbook_loader(config, dataset, workers)
        self.batches, self.steps, self.losses = self.forever(), 0, []

    def forever(self):
        while True: yield from self.loader

    def step(self):
        c = self.config
        factor = lr_factor(c.lr_decay, self.steps/(c.epochs*len(self.loader)))
        set_lr(self.opt_g, c.lr_g*factor); set_lr(self.opt_d, c.lr_d*factor)
        x = next(self.batches).to(self.device)
        penalise = (c.r1 > 0 or c.r2 > 0) and self.steps % c.penalty_every == 0
        self.losses = self.train_step(x, penalise)
        self.steps += 1
        if self.average is not None: self.update_average()

    def train_step(self, x, penalise):
        "One iteration; the losses of both as Python numbers."
        c, G, D = self.config, self.G, self.D
        # The discriminator.
        fake = G(torch.randn(len(x), c.latent_dim, device=self.device)).detach()
        loss_d = discriminator_loss(D(x), D(fake), c.loss, c.label_smoothing)
        if penalise:
            r1, r2 = squared_gradient_norm(D, x).mean(), squared_gradient_norm(D, fake).mean()
            loss_d = loss_d + c.penalty_every*(c.r1/2*r1 + c.r2/2*r2)
        self.opt_d.zero_grad()
        loss_d.backward()
        self.opt_d.step()
        # The generator, with images of its own.
        a_fake = D(G(torch.randn(len(x), c.latent_dim, device=self.device)))
        a_real = D(x).detach() if c.loss == "relativistic" else None
        loss_g = generator_loss(a_fake, a_real, c.loss)
        self.opt_g.zero_grad()
        loss_g.backward()
        self.opt_g.step()
        return loss_d.item(), loss_g.item()

    @torch.no_grad()
    def update_average(self):
        c = self.config
        keep = 0.5**(c.batch_size/min(c.ema_half_life, 0.05*self.steps*c.batch_size))
        for mine, new in zip(self.average.parameters(), self.G.parameters()): mine.mul_(keep).add_(new, alpha=1 - keep)
        for mine, new in zip(self.average.buffers(), self.G.buffers()): mine.copy_(new)

    def look(self):
        if not all(map(math.isfinite, self.losses)): raise CourseError("the textbook's loss is no longer finite")


def make_config(args):
    "The configuration that both contenders train."
    given = {name: getattr(args, name) for name in ("width", "batch_size") if getattr(args, name) is not None}
    config = Config(recipe=args.recipe, dataset=args.dataset, data_dir=args.data_dir, limit=args.limit,
                    device=args.device, precision=args.precision, epochs=LONG, seed=args.seed, progress=False, **given)
    if config.d_steps*config.g_steps != 1 or config.instance_noise:
        raise CourseError("the textbook loop has one step of each network, and no instance noise")
    return config


# --- Measuring --------------------------------------------------------------------------------------------------------
def synchronise(device):
    if device.type != "cpu": getattr(torch, device.type).synchronize()


def chunk_size(config, device):
    "Steps between looks at the clock: whole cycles of the lazy penalty, and on a GPU some fifty steps."
    cycle = config.penalty_every if config.r1 or config.r2 else 1
    return cycle if device.type == "cpu" else cycle*math.ceil(50/cycle)


def images_per_second(contender, seconds):
    "Train for so long, at least one chunk."
    chunk, images = chunk_size(contender.config, contender.device), 0
    synchronise(contender.device)
    begin = time.perf_counter()
    while images == 0 or time.perf_counter() - begin < seconds:
        for _ in range(chunk): contender.step()
        contender.look()
        images += chunk*contender.config.batch_size
    synchronise(contender.device)
    return images/(time.perf_counter() - begin)


def warm_up(contender):
    "A chunk; on a GPU so many that both kinds of step are recorded."
    chunks = 1 if contender.device.type == "cpu" else 1 + math.ceil(4*contender.config.penalty_every /
                                                                   chunk_size(contender.config, contender.device))
    for _ in range(chunks): images_per_second(contender, 0)


class Peak:
    "Floating-point operations per second of one large matrix product in one number format."
    def __init__(self, dtype, device, n):
        self.device, self.n, self.dtype = device, n, dtype
        self.a, self.b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
        self.label = str(dtype).removeprefix("torch.")
        if device.type == "cuda" and dtype == torch.float32: self.label = "float32 (TF32)" # as cuDNN's convolutions do

    def rate(self, seconds):
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if self.device.type == "cuda" else "highest")
        try:
            self.a @ self.b
            synchronise(self.device)
            begin, count = time.perf_counter(), 0
            while count == 0 or time.perf_counter() - begin < seconds:
                for _ in range(1 if self.device.type == "cpu" else 20): self.a @ self.b; count += 1
                synchronise(self.device)
            return 2*self.n**3*count/(time.perf_counter() - begin)
        finally: torch.set_float32_matmul_precision(before)


class NoModules(contextlib.nullcontext):
    "Stands in for the counter's tracker of modules, whose hooks do not allow a gradient of a gradient."
    parents = frozenset({"Global"})


def count_flops(function):
    "Floating-point operations of the convolutions and matrix products in a call (a multiply-add is two)."
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = NoModules()
    with counter: function()
    return counter.get_total_flops()


def flops_per_image(contender):
    "Of a fresh contender without CUDA graphs, per real image, averaged over a cycle of the lazy penalty."
    c = contender.config
    first, second = count_flops(contender.step), count_flops(contender.step) # the first carries the penalties
    every = c.penalty_every if c.r1 or c.r2 else 1
    return (first + (every - 1)*second)/every/c.batch_size


def network_facts(contender):
    "What must be equal for both contenders: parameters, and FLOPs of one forward pass per image."
    c, device = contender.config, contender.device
    z = torch.randn(2, c.latent_dim, device=device)
    with torch.no_grad():
        x = contender.G.eval()(z)
        facts = dict(parameters_g=count_parameters(contender.G), parameters_d=count_parameters(contender.D),
                     flops_g=count_flops(lambda: contender.G(z))/2, flops_d=count_flops(lambda: contender.D(x))/2)
    contender.G.train()
    return facts


def between_epochs(config, runs=(1, 3)):
    "Seconds that `train` spends between two epochs: samples, Fréchet distance, pictures, files; from two short runs."
    few, spare = max(1000, config.batch_size), []
    for epochs in runs:
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            metrics = train(config.replace(epochs=epochs, limit=min(few, config.limit or few), out=Path(folder)),
                            verbose=False)
            spare.append(time.perf_counter() - begin - metrics["history"][-1]["seconds"])
    return max(0.0, (spare[1] - spare[0])/(runs[1] - runs[0]))


# --- The comparison ---------------------------------------------------------------------------------------------------
def measure(args):
    "Everything, as a dictionary that JSON can hold."
    if args.threads: torch.set_num_threads(args.threads)
    config, device = make_config(args), select_device(args.device)
    dataset = load_dataset(config.dataset, data_dir=config.data_dir, limit=config.limit)
    if len(dataset) < config.batch_size: raise CourseError(f"{len(dataset)} images are not one batch")
    counted = [Ours(config.replace(cuda_graphs=False), dataset, device), Textbook(config, dataset, device)]
    facts = [network_facts(c) | dict(flops_per_image=flops_per_image(c)) for c in counted]
    del counted
    ours, textbooks = Ours(config, dataset, device), [Textbook(config, dataset, device, n) for n in args.workers]
    contenders = [ours, *textbooks]
    n = args.matmul or (2048 if device.type == "cpu" else 8192)
    peaks = [Peak(dtype, device, n) for dtype in dict.fromkeys([torch.float32, ours.precision])]
    for contender in contenders: warm_up(contender)
    begin, rounds = time.perf_counter(), []
    for r in range(args.rounds):
        row, shift = {}, r % len(contenders)
        for contender in contenders[shift:] + contenders[:shift]: # nobody is always first
            row[contender.label] = images_per_second(contender, args.seconds)
        for peak in peaks: row[f"peak {peak.label}"] = peak.rate(args.seconds/8)
        rounds.append(row)
        if args.verbose: print(f"round {r + 1} of {args.rounds}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begin
    pause = between_epochs(config) if args.epoch_end else None
    return summary(args, config, dataset, device, ours, textbooks, peaks, facts, rounds, seconds, pause)


def summary(args, config, dataset, device, ours, textbooks, peaks, facts, rounds, seconds, pause):
    "Medians, ratios and shares."
    median = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
    best = max(textbooks, key=lambda t: median[t.label]).label
    ratios = [row["ours"]/row[best] for row in rounds]
    loops = {}
    for name, contender, fact in (("ours", ours, facts[0]), ("textbook", textbooks[0], facts[1])):
        rate = median["ours" if name == "ours" else best]
        flops = rate*fact["flops_per_image"]
        loops[name] = fact | dict(precision=str(contender.precision).removeprefix("torch."), images_per_second=rate,
                                  flops_per_second=flops,
                                  share_of_peak={p.label: flops/median[f"peak {p.label}"] for p in peaks})
    images = len(dataset)//config.batch_size*config.batch_size
    steps = 30*images/median["ours"]
    where = provenance(dataset, track=args.track, epochs=0, seed=config.seed, images_seen=ours.training.images_seen,
                       seconds=seconds, device=device_name(device), packages=["torch", "torchvision", "numpy"])
    where["threads"] = torch.get_num_threads()
    for irrelevant in ("epochs", "images_per_second", "fast"): del where[irrelevant]
    return dict(track=args.track, recipe=config.recipe, width=config.width, batch_size=config.batch_size,
                dataset=dataset.name, images=len(dataset), device=str(device), seconds_per_turn=args.seconds,
                rounds=rounds, median=median, textbook_used=best,
                ratio=dict(median=statistics.median(ratios), lowest=min(ratios), highest=max(ratios)),
                peak={p.label: median[f"peak {p.label}"] for p in peaks}, loops=loops,
                epochs_30=dict(steps=steps, between_epochs=None if pause is None else 30*pause,
                               total=steps + 30*(pause or 0)), provenance=where)


def report(r):
    "One page of text."
    p, names = r["provenance"], list(r["median"])
    ours, text = r["loops"]["ours"], r["loops"]["textbook"]
    def table(head, row):
        cells = [f"{row[n]:,.0f}" if not n.startswith("peak") else f"{row[n]/1e9:,.0f}" for n in names]
        return f"{head:<8}" + "".join(f"{c:>{len(n) + 2}}" for c, n in zip(cells, heads)) + \
            f"{row['ours']/row[r['textbook_used']]:>8.2f}"
    heads = [f"{n:>12}" for n in names]
    lines = [
        f"throughput of track {r['track']}: recipe {r['recipe']}, width {r['width']}, batch {r['batch_size']}, "
        f"{r['dataset']} ({r['images']:,} images)",
        f"{p['device']}, {p['processor']}, {p['cores']} cores, {p['threads']} threads; "
        f"torch {p['packages']['torch']}, git {p['git']}, {p['date']}",
        f"parameters: G {ours['parameters_g']:,}, D {ours['parameters_d']:,}, the same in both loops",
        "",
        f"images per second in turns of {r['seconds_per_turn']:g} s (textbook/n: n loader processes), "
        "peak of a matrix product in GFLOP/s",
        f"{'round':<8}" + "".join(f"  {h}" for h in heads) + f"{'ratio':>8}",
        *(table(i + 1, row) for i, row in enumerate(r["rounds"])),
        table("median", r["median"]),
        "",
        f"ratio: {r['ratio']['median']:.2f} (median of {len(r['rounds'])} rounds, {r['ratio']['lowest']:.2f} to "
        f"{r['ratio']['highest']:.2f}): ours against {r['textbook_used']}, the better of the textbook's",
    ]
    for name, loop in (("ours", ours), ("textbook", text)):
        shares = ", ".join(f"{share:.1%} of the {kind} peak" for kind, share in loop["share_of_peak"].items())
        lines.append(f"{name + ',':<10}{loop['precision'] + ':':<10}{loop['flops_per_image']/1e6:7.1f} MFLOP an image, "
                     f"{loop['flops_per_second']/1e9:,.0f} GFLOP/s: {shares}")
    e = r["epochs_30"]
    extra = "" if e["between_epochs"] is None else f" and {e['between_epochs']:,.0f} s between epochs"
    lines.append(f"30 epochs: about {e['total']:,.0f} s, {e['steps']:,.0f} s in steps{extra}")
    return "\n".join(lines)


def arguments(parser):
    "What throughput.py and scaling.py have in common."
    parser.add_argument("--recipe", choices=list(RECIPES), default="modern")
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's")
    parser.add_argument("--dataset", default="auto", help="auto, fashion_mnist or garments")
    parser.add_argument("--data-dir", type=Path, help="instead of $GAN_COURSE_DATA")
    parser.add_argument("--limit", type=int, help="use only so many images")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps or xpu")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="of our loop")
    parser.add_argument("--threads", type=int, help="of PyTorch on the CPU")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the result to this file too")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--track", choices=["pytorch", "tensorflow"], default="pytorch")
    arguments(parser)
    parser.add_argument("--width", type=int, help="instead of the recipe's")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=8, help="of each contender's turn in a round")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2],
                        help="loader processes of the textbook, each tried")
    parser.add_argument("--matmul", type=int, help="rows of the matrices that give the peak; else 2048, on a GPU 8192")
    parser.add_argument("--epoch-end", action=argparse.BooleanOptionalAction, default=True,
                        help="also measure what happens between two epochs")
    parser.add_argument("--verbose", action="store_true", help="say on stderr how far it is")
    args = parser.parse_args(argv)
    if args.rounds < 1: parser.error("--rounds has to be 1 or more")
    if args.track == "tensorflow": import keras_loops as bench
    else: bench = sys.modules[__name__]
    try: result = bench.measure(args)
    except CourseError as error:
        print(f"throughput: {error}", file=sys.stderr)
        return 2
    print(bench.report(result))
    if args.json: write_json(args.json, result)
    return 0


if __name__ == "__main__": sys.exit(main())
