"""What a changed field does to a short run on the photographs: one line each, at equal images seen.

    python bench/flowers.py --epochs 40 --variants none dropout_prob=0.5 flip_prob=0.3
    python bench/flowers.py --input-size 64 --variants r1=0.1 policy=mirror,colour,translation,cutout

A variant is `field=value` of `gan_course.flowers.Config`, several with `+` between; `none` changes nothing. Smaller distances are
better; every number is one run with one seed, so small differences mean nothing. The tables stand in tuning.md.
"""
import argparse
import json
import tempfile
from pathlib import Path

from gan_course.flowers import CONFIG, generate_samples, train # first: it chooses Keras's backend
from gan_course.figures import save_grid


def changes(variant):
    "The fields that a variant changes, with values of their type."
    if variant == "none": return {}
    pairs = dict(part.split("=", 1) for part in variant.split("+"))
    return {name: type(getattr(CONFIG, name))(value) for name, value in pairs.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="+", default=["none"])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--input-size", type=int, default=32)
    parser.add_argument("--num-filters", type=int, default=32)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--dataset", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for a grid of each variant")
    o = parser.parse_args(arguments)
    print(f"{'variant':44}{'FD(pixels)':>11}{'rank: train':>12}{'held out':>9}{'loss D':>8}{'loss G':>8}{'images/s':>10}")
    results = []
    for variant in o.variants:
        with tempfile.TemporaryDirectory() as folder:
            c = CONFIG.replace(dataset=o.dataset, epochs=o.epochs, input_size=o.input_size, num_filters=o.num_filters, limit=o.limit, progress=False,
                               tensorboard=False, measure_every=o.epochs, out=Path(folder)/"run", **changes(variant))
            row = train(c, verbose=False)["history"][-1]
            results.append(dict(variant=variant) | row)
            print(f"{variant:44}{row['pixel_frechet']:11.2f}{row['rank_train']:12.2f}{row['rank_held_out']:9.2f}{row['loss_d']:8.3f}{row['loss_g']:8.3f}"
                  f"{row['images_seen'] / row['seconds']:10.0f}", flush=True)
            if o.pictures: save_grid(generate_samples(c, 40, Path(folder)/"x.png", seed=1), o.pictures/f"{variant.replace('/', '_')}.png", columns=10)
    if o.json: o.json.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__": raise SystemExit(main())
