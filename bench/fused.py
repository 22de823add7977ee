"""Many steps in one program, or one call for each? The JAX loop of the TPU track, with `lax.scan` and without.

    KERAS_BACKEND=jax python bench/fused.py
    KERAS_BACKEND=jax python bench/fused.py --steps 100 --batch 1024        # on a TPU or a GPU

Three contenders take turns in every round: one jitted call per step, all steps in one scan, and all steps in one scan that is
unrolled (a long program without a loop). Two networks: the track's, and two small dense ones whose step is so short that the host
is what one waits for. The ratio is the median over rounds of the ratio within a round, to one call per step.
"""
import argparse
import os
import time
from statistics import median

os.environ["KERAS_BACKEND"] = "jax"

from gan_course.tpu.config import CONFIG # first: it chooses Keras's backend

import jax
import jax.numpy as jnp
import keras
import numpy as np

from gan_course.tpu.model import (AdversarialModel, Discriminator, Generator, indexed_step, make_optimizer, seed_everything,
                                  taken_out)
from gan_course.tpu.strategy import find_accelerator, select_precision


def dense_pair(latent_dim, width):
    "Two networks of one hidden layer each."
    G = keras.Sequential([keras.Input((latent_dim,)), keras.layers.Dense(4 * width, "relu"), keras.layers.Dense(784, "tanh", dtype="float32"),
                          keras.layers.Reshape((28, 28, 1))])
    D = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(4 * width, "relu"),
                          keras.layers.Dense(1, dtype="float32"), keras.layers.Reshape(())])
    return G, D


def contender(pair, batch, latent_dim, mesh, precision):
    "A model, compiled."
    seed_everything(0)
    model = AdversarialModel(*pair, latent_dim, batch)
    model.compile(make_optimizer(4e-4, 0.5, precision), make_optimizer(4e-4, 0.5, precision), mesh=mesh)
    return model


def calls(model, unroll):
    "Name -> (state, images, index) -> state, for the same steps."
    def one(s, images, row): return indexed_step(model, s, images, row)
    def scan(n): return jax.jit(lambda s, images, index: jax.lax.scan(
        lambda s, row: (one(s, images, row), None), s, index, unroll=n)[0], donate_argnums=0)
    single = jax.jit(one, donate_argnums=0)
    def step_by_step(s, images, index):
        for row in index: s = single(s, images, row)
        return s
    return {"one call per step": step_by_step, "scan": scan(1)} | ({f"scan, {unroll} steps unrolled": scan(unroll)} if unroll > 1 else {})


def measure(model, images, steps, rounds, unroll):
    "Name -> seconds per step, by round."
    index = np.random.default_rng(0).integers(0, len(images), (steps, model.batch_size)).astype(np.int32)
    contenders, seconds = calls(model, unroll), {}
    for call in contenders.values(): jax.block_until_ready(call(taken_out(model), images, index)) # compile
    for _ in range(rounds):
        for name, call in contenders.items():
            state = taken_out(model)
            jax.block_until_ready(state)
            begin = time.perf_counter()
            jax.block_until_ready(call(state, images, index))
            seconds.setdefault(name, []).append((time.perf_counter() - begin) / steps)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20, help="in a call")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=CONFIG.batch_size)
    parser.add_argument("--width", type=int, default=CONFIG.width)
    parser.add_argument("--unroll", type=int, default=5, help="steps of the scan without a loop; 1: none")
    args = parser.parse_args()
    accelerator = find_accelerator()
    precision, latent = select_precision("auto", accelerator), CONFIG.latent_dim
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (1024, 28, 28, 1), dtype=np.uint8))
    print(f"{accelerator}; batch {args.batch}, {args.steps} steps, {args.rounds} rounds, {precision}\n")
    print("| networks | | ms a step | × one call per step |\n|---|---|---:|---:|")
    for name, pair, batch in (("the track's", (Generator(latent, args.width, precision=precision),
                                               Discriminator(args.width, precision=precision)), args.batch),
                              ("small, dense", dense_pair(16, 8), 16)):
        model = contender(pair, batch, pair[0].input_shape[-1], accelerator.share, precision)
        found = measure(model, images, args.steps, args.rounds, args.unroll)
        first = found["one call per step"]
        for way, seconds in found.items():
            print(f"| {name} | {way} | {1000 * median(seconds):.2f} | {median(a / b for a, b in zip(first, seconds)):.2f} |", flush=True)


if __name__ == "__main__": main()
