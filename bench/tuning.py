"""How good are the samples after so much training? Runs with changed fields, and the package's judge.

    python bench/tuning.py --minutes 5 10 --seeds 0 1 2
    python bench/tuning.py --images 600000 1200000 --recipe dcgan --set lr_g=4e-4 --set batch_size=64

Each run is judged by the Fréchet distance between the judge's features of 5,000 samples and of the 60,000 training images
(`gan_course.features`, `gan_course.metrics`), and by how far the kinds it recognises are from those of the data (total
variation). Lines of JSON go to --out. The tables stand in tuning.md.
"""
import argparse
import json
import time
from pathlib import Path

from gan_course.datasets import load_dataset
from gan_course.evaluate import mean_and_cov
from gan_course.features import judge_of
from gan_course.figures import save_grid
from gan_course.metrics import class_distance, frechet
from gan_course.pytorch.config import CONFIG, select_device, select_precision
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.train import SEED_EVAL, SEED_GRID, Training, check_finite, draw
from gan_course.pytorch.utils import seed_everything, to_images

JUDGED = 5_000 # samples


def run(config, seed, judge, reference, marks, by, grids=None):
    "One run; yields a result at each mark, in training seconds or in images."
    config = config.replace(seed=seed, epochs=10**6 if config.lr_decay == "none" else config.epochs)
    device = select_device(config.device)
    batches = DeviceBatches(load_dataset("fashion_mnist", data_dir=config.data_dir), config.batch_size, device=device,
                            seed=seed, flip=config.flip)
    seed_everything(seed)
    t = Training(config, device, select_precision(config.precision, device))
    class Nobody: folder, config, metrics = None, t.config, staticmethod(lambda *args: None)
    begin, away = time.perf_counter(), 0.0
    for mark in marks:
        while True:
            t.one_step(batches)
            if t.step_in_epoch == len(batches)//config.d_steps: t.epoch, t.step_in_epoch = t.epoch + 1, 0
            seconds = time.perf_counter() - begin - away
            if (t.images_seen if by == "images" else seconds/60) >= mark: break
        check_finite(t, Nobody)
        pause = time.perf_counter()
        features, probabilities = judge(to_images(draw(t.ema.network, JUDGED, config, SEED_EVAL, device)))
        if grids:
            name = f"{config.recipe}_{seed}_{mark:g}min.png" if by == "minutes" else f"{config.recipe}_{seed}_{mark}.png"
            save_grid(to_images(draw(t.ema.network, 100, config, SEED_GRID, device)), Path(grids)/name, caption=name)
        yield dict(seed=seed, images=t.images_seen, minutes=round(seconds/60, 2), images_per_second=round(t.images_seen/seconds),
                   frechet=round(frechet(reference, features)[0], 2), variation=round(class_distance(probabilities), 3))
        away += time.perf_counter() - pause


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="modern")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a changed field")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minutes", type=float, nargs="+", help="judge after so many minutes of training")
    parser.add_argument("--images", type=int, nargs="+", help="judge after so many images, whatever the time")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, help="append lines of JSON to this file")
    parser.add_argument("--grids", type=Path, help="write grids into this folder")
    args = parser.parse_args()
    changes = {}
    for text in args.set:
        name, value = text.split("=")
        kind = type(getattr(CONFIG, name))
        changes[name] = kind(value)
    config = CONFIG.replace(recipe=args.recipe, data_dir=args.data_dir, **changes)
    judge = judge_of("fashion_mnist")
    train, test = (judge(load_dataset("fashion_mnist", split, args.data_dir).images)[0] for split in ("train", "test"))
    reference = mean_and_cov([train.astype(float)])
    print(f"{JUDGED:,} test images have {frechet(reference, test[:JUDGED])[0]:.2f}")
    for seed in args.seeds:
        marks, by = (args.images, "images") if args.images else (args.minutes or [5, 10], "minutes")
        for result in run(config, seed, judge, reference, marks, by, args.grids):
            line = json.dumps(dict(recipe=args.recipe, **changes, **result))
            print(line, flush=True)
            if args.out:
                with args.out.open("a") as f: f.write(line + "\n")


if __name__ == "__main__": main()
