"""The package as a user calls it. mypy reads this file (test_package.py); nobody runs it."""
from pathlib import Path
from typing import assert_type

import numpy as np

import gan_course
from gan_course.__main__ import main
from gan_course.basics import CourseError, is_fast
from gan_course.configuration import BaseConfig
from gan_course.datasets import Dataset, load_dataset
from gan_course.evaluate import frechet_distance, mean_and_cov, pixel_features
from gan_course.figures import save_grid
from gan_course.pytorch import CONFIG, Config, generate_samples, train
from gan_course.results import evaluate_run, summary
from gan_course.runs import RunFolder

assert_type(gan_course.__version__, str)
assert_type(is_fast(), bool)

small = Config(dataset="garments", limit=320, epochs=1, out=Path("run"), progress=False)
assert_type(small.epochs, int)
assert_type(small.data_dir, Path | None)
assert_type(small.out, Path)
base: BaseConfig = CONFIG

Config(epochs="three") # type: ignore[arg-type]
Config(recipe="wgan") # type: ignore[arg-type]
Config(colour="red") # type: ignore[call-arg]
small.epochs = 3 # type: ignore[misc]
small.epoch # type: ignore[attr-defined]


def run() -> int:
    try: metrics = train(small, resume=False)
    except CourseError as error:
        print(error)
        return 2
    assert_type(metrics, dict)
    generate_samples(small, num_images="nine") # type: ignore[arg-type]
    images = generate_samples(small, num_images=9, output_path=small.out/"nine.png", seed=1)
    data: Dataset = load_dataset("garments", "test", limit=500)
    distance = frechet_distance(*mean_and_cov([pixel_features(images)]),
                                *mean_and_cov([pixel_features(data.images)]))
    assert_type(distance, float)
    save_grid(data.images[:9], small.out/"real.png", title=data.name)
    assert_type(images, np.ndarray)
    assert_type(evaluate_run(small.out, images, data, data), dict)
    assert_type(summary(small.out), dict)
    assert_type(RunFolder(small.out).latest_checkpoint(), Path | None)
    load_dataset("garments", limit="few") # type: ignore[arg-type]
    print(metrics["status"], RunFolder(small.out).path)
    return main(["evaluate", "--run", str(small.out)])
