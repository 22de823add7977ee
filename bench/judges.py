"""Train the judges that come with the package, test them on images they have not seen, and write them to gan_course/judges.

    python bench/judges.py fashion_mnist garments tf_flowers

The last lines belong into the lesson `foundations/features`: name and sha256. Minutes each on two cores. Other processors round
otherwise, so the same command gives another file there; that is why the files are in the repository.
"""
import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn import functional as F

from gan_course.datasets import load_dataset
from gan_course.features import Judge, SHAPES, save_judge, train_judge

FOLDER = Path(__file__).parents[1]/"gan_course"/"judges"
EPOCHS = dict(fashion_mnist=10, garments=2, tf_flowers=60)


def load(name, split):
    if name != "tf_flowers": return load_dataset(name, split)
    code = (f"import numpy as np; from gan_course.flowers import CONFIG, load_images; d = load_images(CONFIG.replace(dataset={name!r}), {split!r}); "
            "np.savez(r'{path}', images=d.images, labels=d.labels, classes=d.classes, checksum=d.checksum)")
    with tempfile.TemporaryDirectory() as folder: # a process of its own: TensorFlow and PyTorch cannot be loaded into the same one everywhere
        path = Path(folder)/"images.npz"
        subprocess.run([sys.executable, "-c", code.format(path=path)], check=True)
        with np.load(path) as f: return SimpleNamespace(images=f["images"], labels=f["labels"], classes=f["classes"].tolist(), checksum=str(f["checksum"]))


def moved(x): # float [N, C, H, W] in [-1, 1]
    "Photographs are few: mirror half of them, move all by up to a tenth, change their brightness and contrast."
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    side = x.shape[-1]
    i, j = torch.randint(0, 13, (2,)).tolist()
    x = F.pad(x, (6, 6, 6, 6), mode="reflect")[:, :, i:i + side, j:j + side]
    x = x * (0.7 + 0.6 * torch.rand(len(x), 1, 1, 1)) + 0.4 * torch.rand(len(x), 1, 1, 1) - 0.2
    return x.contiguous(memory_format=torch.channels_last)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=sorted(SHAPES))
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--epochs", type=int)
    o = parser.parse_args(arguments)
    for name in o.names:
        begin, train, test = time.perf_counter(), load(name, "train"), load(name, "test")
        arrays = train_judge(train.images, train.labels, name, epochs=o.epochs or EPOCHS[name], change=moved if name == "tf_flowers" else None)
        about = dict(kind=name, classes=list(train.classes), shape=list(train.images.shape[1:]), data=train.checksum)
        path = o.out/f"{name}.safetensors"
        save_judge(path, arrays, **about)
        right = float(np.mean(Judge(path)(test.images)[1].argmax(1) == test.labels))
        save_judge(path, arrays, **about, accuracy=right, tested=len(test.images))
        print(f"{name}: {right:.2%} of {len(test.images):,} right, {time.perf_counter() - begin:.0f} s\n{name}=\"{hashlib.sha256(path.read_bytes()).hexdigest()}\"", flush=True)
    return 0


if __name__ == "__main__": raise SystemExit(main())
