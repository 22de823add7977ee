"""The contenders of `throughput.py --track tensorflow`: our TensorFlow loop, the textbook's Keras loop, and our PyTorch loop."""
import statistics
import sys
import time

sys.modules["triton"] = None # its LLVM and TensorFlow's cannot share a process, and nothing is compiled here

from gan_course.tensorflow.config import ( # first: it chooses Keras's backend
    Config, select_device, select_precision, select_strategy, select_xla)

import numpy as np
import tensorflow as tf

from gan_course.basics import CourseError
from gan_course.datasets import load_dataset
from gan_course.loop import average_keep
from gan_course.runs import provenance
from gan_course.tensorflow.engine import discriminator_loss, generator_loss, squared_gradient_norm
from gan_course.tensorflow.model import build_networks
from gan_course.tensorflow.train import AverageWeights, Training, device_name, make_optimizer
from gan_course.tensorflow.utils import seed_everything


class Ours:
    "The course's TensorFlow loop, without what happens between epochs."
    label = "ours"

    def __init__(self, config, dataset, device, xla):
        seed_everything(config.seed, config.deterministic)
        self.config, self.precision = config, select_precision(config.precision, device)
        self.training = Training(config, dataset, self.precision, xla)
        self.G, self.D = self.training.G, self.training.D

    def steps(self, number):
        t = self.training
        while number:
            if t.step_in_epoch == t.iterations(t.batches): t.epoch, t.step_in_epoch = t.epoch + 1, 0
            now = min(number, t.iterations(t.batches) - t.step_in_epoch)
            t.advance(t.batches, now, lambda: False)
            number -= now

    def look(self):
        "Wait for the device, as the real loop does."
        if self.training.first_bad() is not None: raise CourseError("our loss is no longer finite")


class Textbook:
    """The same networks and the same mathematics, trained the way tutorials do: float32 images in memory,
    `from_tensor_slices`, shuffle, batch; one `tf.function` a step, images made once for D and once more for G; both losses
    as Python numbers in every step."""
    label = "textbook"

    def __init__(self, config, dataset):
        seed_everything(config.seed)
        self.config, self.precision = config, "float32"
        self.G, self.D = build_networks(config, channels=dataset.images.shape[-1])
        self.average = AverageWeights(self.G, config.ema_half_life)
        self.opt_g, self.opt_d = (make_optimizer(lr, config) for lr in (config.lr_g, config.lr_d))
        for opt, network in ((self.opt_g, self.G), (self.opt_d, self.D)): opt.build(network.trainable_variables)
        images = dataset.images.astype("float32")/127.5 - 1
        self.batches = iter(tf.data.Dataset.from_tensor_slices(images).shuffle(len(images))
                            .batch(config.batch_size, drop_remainder=True).repeat())
        self.count, self.losses = 0, (0.0, 0.0)

    @tf.function
    def train_step(self, x, penalise, keep):
        c, G, D = self.config, self.G, self.D
        with tf.GradientTape() as tape: # the discriminator
            fake = G(tf.random.normal((c.batch_size, c.latent_dim)), training=True)
            loss_d = discriminator_loss(D(x, training=True), D(fake, training=True), c.loss, c.label_smoothing)
            if penalise:
                r1, r2 = (tf.reduce_mean(squared_gradient_norm(lambda x: D(x, training=True), y)) for y in (x, fake))
                loss_d += c.penalty_every*(c.r1/2*r1 + c.r2/2*r2)
        gradients = tape.gradient(loss_d, D.trainable_variables)
        self.opt_d.apply_gradients(zip(gradients, D.trainable_variables))
        with tf.GradientTape() as tape: # the generator, with images of its own
            a_fake = D(G(tf.random.normal((c.batch_size, c.latent_dim)), training=True), training=True)
            a_real = D(x, training=True) if c.loss == "relativistic" else None
            loss_g = generator_loss(a_fake, a_real, c.loss)
        gradients = tape.gradient(loss_g, G.trainable_variables)
        self.opt_g.apply_gradients(zip(gradients, G.trainable_variables))
        self.average.update(G, keep)
        return loss_d, loss_g

    def steps(self, number):
        c = self.config
        for _ in range(number):
            self.count += 1
            keep = average_keep(c.ema_half_life, c.batch_size, self.count*c.batch_size)
            penalise = (c.r1 > 0 or c.r2 > 0) and (self.count - 1) % c.penalty_every == 0
            losses = self.train_step(next(self.batches), penalise, tf.constant(keep))
            self.losses = [float(loss) for loss in losses]

    def look(self):
        if not np.isfinite(self.losses).all(): raise CourseError("the textbook's loss is no longer finite")


class InPyTorch:
    "The course's PyTorch loop, in the given number format."
    def __init__(self, config, dataset, precision):
        from throughput import Ours as Loop
        from gan_course.pytorch.config import Config as Fields, select_device
        shared = {k: v for k, v in config.to_dict().items() if k in Fields.__dataclass_fields__}
        given = shared | dict(precision=precision, device=config.device.replace("gpu", "cuda"), deterministic=False)
        self.config = config
        self.loop = Loop(Fields(**given), dataset, select_device(given["device"]))
        self.precision = str(self.loop.precision).removeprefix("torch.")
        self.label = f"pytorch {self.precision}"

    def steps(self, number):
        for _ in range(number): self.loop.step()

    def look(self): self.loop.look()


class Peak:
    "Floating-point operations per second of one large matrix product."
    def __init__(self, dtype, n):
        self.n, self.label = n, dtype
        self.a, self.b = (tf.cast(tf.random.normal((n, n)), dtype) for _ in range(2))

    def rate(self, seconds):
        (self.a @ self.b).numpy()
        begin, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - begin < seconds:
            c = self.a @ self.b
            count += 1
        c.numpy()[0, 0]
        return 2*self.n**3*count/(time.perf_counter() - begin)


def make_config(args):
    given = {name: getattr(args, name) for name in ("width", "batch_size") if getattr(args, name) is not None}
    config = Config(recipe=args.recipe, dataset=args.dataset, data_dir=args.data_dir, limit=args.limit,
                    device=args.device.replace("cuda", "gpu"), precision=args.precision, epochs=10**6, seed=args.seed,
                    progress=False, **given)
    if config.d_steps*config.g_steps != 1 or config.instance_noise:
        raise CourseError("the textbook loop has one step of each network, and no instance noise")
    return config


def contenders(config, dataset):
    "Ours, the textbook's, and PyTorch's in float32 and, where there are units for it, in bfloat16."
    from gan_course.pytorch.config import has_bf16, select_device as torch_device
    device = select_device(config.device)
    with select_strategy("single", config.device).scope():
        ours, text = Ours(config, dataset, device, select_xla(config.xla, device)), Textbook(config, dataset)
    shapes = [[tuple(v.shape) for network in (c.G, c.D) for v in network.weights] for c in (ours, text)]
    assert shapes[0] == shapes[1], "not the same networks"
    formats = ["fp32"] + ["bf16"]*has_bf16(torch_device(config.device.replace("gpu", "cuda")))
    return device, [ours, text, *(InPyTorch(config, dataset, precision) for precision in formats)]


def images_per_second(contender, seconds):
    "Train for so long, in whole cycles of the lazy penalty."
    c = contender.config
    chunk, images = c.penalty_every if c.r1 or c.r2 else 16, 0
    contender.look()
    begin = time.perf_counter()
    while images == 0 or time.perf_counter() - begin < seconds:
        contender.steps(chunk)
        contender.look()
        images += chunk*c.batch_size
    return images/(time.perf_counter() - begin)


def measure(args):
    "Everything, as a dictionary that JSON can hold."
    config = make_config(args)
    dataset = load_dataset(config.dataset, data_dir=config.data_dir, limit=config.limit)
    if len(dataset) < config.batch_size: raise CourseError(f"{len(dataset)} images are not one batch")
    device, all_of_them = contenders(config, dataset)
    peak = Peak("float32", args.matmul or 2048)
    for contender in all_of_them: images_per_second(contender, 0) # traces, builds, allocates
    begin, rounds = time.perf_counter(), []
    for r in range(args.rounds):
        row, shift = {}, r % len(all_of_them)
        for contender in all_of_them[shift:] + all_of_them[:shift]: # nobody is always first
            row[contender.label] = images_per_second(contender, args.seconds)
        rounds.append(row | {"peak float32": peak.rate(args.seconds/8)})
        if args.verbose: print(f"round {r + 1} of {args.rounds}", file=sys.stderr, flush=True)
    def ratio(other):
        found = [row["ours"]/row[other] for row in rounds]
        return dict(median=statistics.median(found), lowest=min(found), highest=max(found))
    where = provenance(dataset, track="tensorflow", epochs=0, seed=config.seed, seconds=time.perf_counter() - begin,
                       images_seen=all_of_them[0].training.images_seen, device=device_name(device),
                       packages=["tensorflow", "keras", "torch", "numpy"])
    for irrelevant in ("epochs", "images_per_second", "fast"): del where[irrelevant]
    return dict(track="tensorflow", recipe=config.recipe, width=config.width, batch_size=config.batch_size,
                dataset=dataset.name, images=len(dataset), device=device, seconds_per_turn=args.seconds, rounds=rounds,
                median={name: statistics.median(row[name] for row in rounds) for name in rounds[0]},
                precision={c.label: c.precision for c in all_of_them}, provenance=where,
                ratio={c.label: ratio(c.label) for c in all_of_them[1:]})


def report(r):
    "One page of text."
    p, names = r["provenance"], [name for name in r["median"] if name != "peak float32"]
    def line(head, row):
        cells = "".join(f"{row[name]:>18,.0f}" for name in names)
        return f"{head:<8}{cells}{row['peak float32']/1e9:>14,.0f}"
    versions = ", ".join(f"{name} {version}" for name, version in p["packages"].items())
    return "\n".join([
        f"throughput of track tensorflow: recipe {r['recipe']}, width {r['width']}, batch {r['batch_size']}, "
        f"{r['dataset']} ({r['images']:,} images)",
        f"{p['device']}, {p['processor']}, {p['cores']} cores; {versions}, git {p['git']}, {p['date']}",
        f"ours computes in {r['precision']['ours']}, the textbook in float32",
        "",
        f"images per second in turns of {r['seconds_per_turn']:g} s, peak of a matrix product in GFLOP/s",
        f"{'round':<8}" + "".join(f"{name:>18}" for name in names) + f"{'peak float32':>14}",
        *(line(i + 1, row) for i, row in enumerate(r["rounds"])),
        line("median", r["median"]),
        "",
        *(f"ratio to {name}: {x['median']:.2f} (median of {len(r['rounds'])} rounds, {x['lowest']:.2f} to "
          f"{x['highest']:.2f})" for name, x in r["ratio"].items())])
