"""How do an epoch's time and the memory grow with the data set and with the width of the networks?

    python bench/scaling.py
    python bench/scaling.py --fractions 0.125 1 --widths 32 64 --steps 64 --json scaling.json

Every point is a process of its own, so that peak memory is that point's alone. A point times a fixed number of steps of
our loop, after a warm-up, and what `train` does between two epochs, and adds them up to an epoch. Small data sets (up
to --whole of the data) are also trained for a whole epoch by `train`, which checks the sum. README.md says more.
"""
import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# No torch up here: a process inherits the peak memory of the one that starts it, so this one has to stay small.
COMMON = ("recipe", "batch_size", "dataset", "data_dir", "limit", "device", "precision", "threads", "seed")


# --- One point, in a process of its own -------------------------------------------------------------------------------
def peak_memory():
    "The most memory this process has held so far, in MB."
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak/1e6 if sys.platform == "darwin" else peak*1024/1e6 # bytes there, KiB elsewhere


def whole_epoch(config):
    "Seconds of an epoch by the real `train`: with two epochs less with one, so without the start of the run."
    from throughput import train
    seconds = []
    for epochs in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            train(config.replace(epochs=epochs, out=Path(folder)), verbose=False)
            seconds.append(time.perf_counter() - begin)
    return seconds[1] - seconds[0]


def point(args):
    "Measure one data set size and width."
    import torch
    import throughput as t
    if args.threads: torch.set_num_threads(args.threads)
    config, device = t.make_config(args), t.select_device(args.device)
    dataset = t.load_dataset(config.dataset, data_dir=config.data_dir, limit=config.limit)
    few = max(config.batch_size, round(len(dataset)*args.fraction))
    dataset, config = dataset.limited(few), config.replace(limit=few)
    before = peak_memory()
    flops = t.flops_per_image(t.Ours(config.replace(cuda_graphs=False), dataset, device))
    ours = t.Ours(config, dataset, device)
    facts = t.network_facts(ours)
    t.warm_up(ours)
    chunk = t.chunk_size(config, device)
    steps = math.ceil(args.steps/chunk)*chunk
    t.synchronise(device)
    begin = time.perf_counter()
    for i in range(steps):
        ours.step()
        if (i + 1) % chunk == 0: ours.look()
    t.synchronise(device)
    per_step = (time.perf_counter() - begin)/steps
    memory = peak_memory() # before `train`, which also draws pictures
    cuda = torch.cuda.max_memory_allocated(device)/1e6 if device.type == "cuda" else None
    between = t.between_epochs(config)
    in_steps = len(ours.batches)*per_step
    return dict(
        fraction=args.fraction, images=len(dataset), dataset=dataset.name, width=config.width,
        batch_size=config.batch_size, recipe=config.recipe, parameters=facts["parameters_g"] + facts["parameters_d"],
        flops_per_image=flops, steps_timed=steps, images_per_second=config.batch_size/per_step,
        flops_per_second=flops*config.batch_size/per_step, seconds_steps=in_steps, seconds_between=between,
        seconds_epoch=in_steps + between,
        seconds_measured=whole_epoch(config) if args.fraction <= args.whole else None,
        memory_before_mb=before, memory_steps_mb=memory, memory_train_mb=peak_memory(), memory_gpu_mb=cuda,
        device=t.device_name(device), threads=torch.get_num_threads(), torch=torch.__version__)


# --- All points -------------------------------------------------------------------------------------------------------
def in_process(args, fraction, width):
    "Run this file again for one point."
    options = [sys.executable, __file__, "--point", "--fractions", str(fraction), "--steps", str(args.steps),
               "--whole", str(args.whole)]
    if width is not None: options += ["--widths", str(width)]
    for name in COMMON:
        if getattr(args, name) is not None: options += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    done = subprocess.run(options, stdout=subprocess.PIPE, text=True)
    if done.returncode: sys.exit(done.returncode if done.returncode > 0 else 1)
    return json.loads(done.stdout.splitlines()[-1])


def measure(args):
    "The points along both axes; the one where they cross is measured once."
    sizes = []
    for fraction in args.fractions:
        sizes.append(in_process(args, fraction, None))
        if args.verbose: print(f"{sizes[-1]['images']:,} images", file=sys.stderr, flush=True)
    known = {p["width"]: p for p in sizes if p["fraction"] == 1}
    widths = []
    for width in args.widths:
        widths.append(known.get(width) or in_process(args, 1.0, width))
        if args.verbose: print(f"width {width}", file=sys.stderr, flush=True)
    return dict(track=args.track, sizes=sizes, widths=widths)


def table(points):
    "A table with a line per point."
    gpu = any(p["memory_gpu_mb"] for p in points)
    heads = ["images", "width", "parameters", "MFLOP/image", "images/s", "GFLOP/s", "s in steps", "s between",
             "s an epoch", "measured", "MB"] + ["MB on GPU"]*gpu
    rows = [[f"{p['images']:,}", str(p["width"]), f"{p['parameters']:,}", f"{p['flops_per_image']/1e6:.1f}",
             f"{p['images_per_second']:,.0f}", f"{p['flops_per_second']/1e9:,.1f}", f"{p['seconds_steps']:.1f}",
             f"{p['seconds_between']:.1f}", f"{p['seconds_epoch']:.1f}",
             "" if p["seconds_measured"] is None else f"{p['seconds_measured']:.1f}", f"{p['memory_train_mb']:,.0f}"]
            + ([f"{p['memory_gpu_mb']:,.0f}"] if gpu else []) for p in points]
    wide = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    return "\n".join("  ".join(f"{cell:>{w}}" for cell, w in zip(row, wide)) for row in [heads, *rows])


def report(result):
    "Both tables."
    first = (result["sizes"] + result["widths"])[0]
    lines = [f"scaling of track {result['track']}: recipe {first['recipe']}, batch {first['batch_size']}, "
             f"{first['dataset']}; {first['device']}, {first['threads']} threads, torch {first['torch']}",
             "s an epoch = s in steps (extrapolated) + s between epochs; measured: one whole epoch of train; "
             "MB: peak of the process"]
    if result["sizes"]: lines += ["", "size of the data set", table(result["sizes"])]
    if result["widths"]: lines += ["", "width of the networks", table(result["widths"])]
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--track", choices=["pytorch"], default="pytorch")
    parser.add_argument("--fractions", type=float, nargs="*", default=[1/8, 1/4, 1/2, 1.0], help="of the data set")
    parser.add_argument("--widths", type=int, nargs="*", default=[16, 32, 48, 64], help="at the whole data set")
    parser.add_argument("--steps", type=int, default=128, help="to time; rounded up to whole cycles of the penalty")
    parser.add_argument("--whole", type=float, default=1/8, help="train whole epochs up to this fraction of the data")
    parser.add_argument("--recipe", default="modern")
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's")
    parser.add_argument("--dataset", default="auto", help="auto, fashion_mnist or garments")
    parser.add_argument("--data-dir", type=Path, help="instead of $GAN_COURSE_DATA")
    parser.add_argument("--limit", type=int, help="what counts as the whole data set: only so many images")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps or xpu")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--threads", type=int, help="of PyTorch on the CPU")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the result to this file too")
    parser.add_argument("--verbose", action="store_true", help="say on stderr how far it is")
    parser.add_argument("--point", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.point:
        from gan_course.basics import CourseError
        args.fraction, args.width = args.fractions[0], (args.widths[0] if len(args.widths) == 1 else None)
        try: print(json.dumps(point(args)))
        except CourseError as error:
            print(f"scaling: {error}", file=sys.stderr)
            return 2
        return 0
    if not args.fractions and not args.widths: parser.error("nothing to measure: give --fractions or --widths")
    if any(not 0 < f <= 1 for f in args.fractions): parser.error("--fractions have to lie between 0 and 1")
    result = measure(args)
    print(report(result))
    if args.json:
        from gan_course.runs import write_json
        write_json(args.json, result)
    return 0


if __name__ == "__main__": sys.exit(main())
