"""How good are the samples after so much training? A judge, and runs with changed fields.

    python bench/tuning.py --minutes 5 10 --seeds 0 1 2
    python bench/tuning.py --images 600000 1200000 --recipe dcgan --set lr_g=4e-4 --set batch_size=64

The judge is a small classifier trained here on the real images (93 % right on the test images). Each run is judged by
the Fréchet distance between its features of 10,000 samples and those of the 60,000 training images, and by how far the
kinds it recognises are from equally frequent (total variation). Lines of JSON go to --out. The tables stand in tuning.md.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gan_course.datasets import load_dataset
from gan_course.evaluate import frechet_distance
from gan_course.figures import save_grid
from gan_course.pytorch.config import CONFIG, select_device, select_precision
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.train import SEED_EVAL, SEED_GRID, Training, check_finite, draw
from gan_course.pytorch.utils import seed_everything, to_images

CACHE = Path(__file__).parent/"judge.pt" # not committed


class Judge(nn.Module):
    "A classifier; what it feels before the last layer are the features."
    def __init__(self):
        super().__init__()
        def block(i, o, stride): return nn.Conv2d(i, o, 3, stride, 1), nn.BatchNorm2d(o), nn.ReLU()
        self.features = nn.Sequential(*block(1, 32, 1), *block(32, 32, 2), *block(32, 64, 1), *block(64, 64, 2),
                                      nn.Flatten(), nn.Dropout(0.3), nn.Linear(64*49, 128), nn.ReLU())
        self.head = nn.Linear(128, 10)

    def forward(self, x): return self.head(self.features(x))


def floats(images): return torch.from_numpy(images).permute(0, 3, 1, 2).float()/127.5 - 1


@torch.no_grad()
def describe(judge, images):
    "Mean and covariance of the features, and how often each kind is recognised."
    f = torch.cat([judge.features(floats(part)) for part in np.array_split(images, max(1, len(images)//500))])
    kinds = torch.bincount(judge.head(f).argmax(1), minlength=10)/len(f)
    f = f.double().numpy()
    return f.mean(0), np.cov(f.T), kinds


def make_judge(data_dir=None, epochs=5):
    "Train the judge once; later calls read it from the cache."
    judge = Judge()
    if CACHE.exists():
        judge.load_state_dict(torch.load(CACHE, weights_only=True))
        return judge.eval()
    torch.manual_seed(1)
    train, test = (load_dataset("fashion_mnist", split, data_dir) for split in ("train", "test"))
    x, y = floats(train.images), torch.from_numpy(train.labels).long()
    steps = epochs*(len(x)//128)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(128)[:len(x)//128]:
            F.cross_entropy(judge(x[index]), y[index]).backward()
            optimizer.step(); schedule.step(); optimizer.zero_grad()
    judge.eval()
    with torch.no_grad():
        right = torch.cat([judge(part) for part in floats(test.images).split(500)]).argmax(1).numpy() == test.labels
    print(f"judge: {right.mean():.1%} of the test images right")
    torch.save(judge.state_dict(), CACHE)
    return judge


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
        mean, cov, kinds = describe(judge, to_images(draw(t.ema.network, 10_000, config, SEED_EVAL, device)))
        if grids:
            name = f"{config.recipe}_{seed}_{mark:g}min.png" if by == "minutes" else f"{config.recipe}_{seed}_{mark}.png"
            save_grid(to_images(draw(t.ema.network, 100, config, SEED_GRID, device)), Path(grids)/name, caption=name)
        yield dict(seed=seed, images=t.images_seen, minutes=round(seconds/60, 2), images_per_second=round(t.images_seen/seconds),
                   frechet=round(float(frechet_distance(*reference, mean, cov)), 2),
                   variation=round(float((kinds - 0.1).abs().sum()/2), 3))
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
    judge = make_judge(args.data_dir)
    reference = describe(judge, load_dataset("fashion_mnist", data_dir=args.data_dir).images)[:2]
    test = describe(judge, load_dataset("fashion_mnist", "test", args.data_dir).images)
    print(f"the test images have {frechet_distance(*reference, *test[:2]):.2f}")
    for seed in args.seeds:
        marks, by = (args.images, "images") if args.images else (args.minutes or [5, 10], "minutes")
        for result in run(config, seed, judge, reference, marks, by, args.grids):
            line = json.dumps(dict(recipe=args.recipe, **changes, **result))
            print(line, flush=True)
            if args.out:
                with args.out.open("a") as f: f.write(line + "\n")


if __name__ == "__main__": main()
