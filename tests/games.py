"""Small games of the TPU track, on whichever backend this process has. And what has to run in a process of its own, as a command:
`python tests/games.py FUNCTION ARGUMENT ...`, with KERAS_BACKEND set."""
from gan_course.tpu.config import BACKEND # first: it chooses Keras's backend

import sys

import keras
import numpy as np

from gan_course.datasets import load_dataset
from gan_course.tpu.config import CONFIG
from gan_course.tpu.data import Batches
from gan_course.tpu.model import JUDGED, AdversarialModel, Discriminator, Generator, as_array, make_optimizer, scaled_images, seed_everything
from gan_course.tpu.strategy import Accelerator, find_accelerator, share_among
from gan_course.tpu.train import Training

B, LATENT, WIDTH = 32, 16, 4
PARTS = "generator", "discriminator", "average"


def clothes(limit=320): return load_dataset("garments", limit=limit)


def make_model(learning_rate=1e-3, d_learning_rate=None, *, dropout=0.0, precision="float32", optimizer=None, latent=LATENT, width=WIDTH,
               seed=0, half_life=2000, smoothing=0.0, channels=1, size=B, r1=0.0, **how):
    "The same each time; `optimizer` makes one from a learning rate."
    seed_everything(0, deterministic=True)
    make = optimizer or (lambda rate: make_optimizer(rate, 0.5, precision))
    model = AdversarialModel(Generator(latent, width, channels, precision=precision), Discriminator(width, dropout, channels, precision=precision),
                             latent, size, smoothing, half_life, seed, r1)
    mesh = find_accelerator("cpu").share if BACKEND == "jax" else None
    model.compile(make(learning_rate), make(learning_rate if d_learning_rate is None else d_learning_rate), **(dict(mesh=mesh) | how))
    return model


def make_batches(limit=320, size=B, seed=0): return Batches(clothes(limit), size, find_accelerator("cpu"), seed)


def train(model, batches, steps, start=0, **how):
    "Some steps of the first epoch."
    return model.fit(batches.part(0, start, steps), verbose=0, shuffle=False, **how)


def number(x): return np.array(as_array(x))
def numbers(variables): return [number(v) for v in variables]
def flat(arrays): return np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])


def everything(model):
    "Name -> array: all that a step changes, and all that it must leave alone."
    parts = {name: getattr(model, name).variables for name in (*PARTS, "g_optimizer", "d_optimizer")}
    parts["own"] = [model.iteration, model.sums, model.counted, model.bad]
    return {key(part, i, v): number(v) for part, variables in parts.items() for i, v in enumerate(variables)}


def key(part, i, v):
    "Without the numbers that Keras gives to models, optimisers and seed generators as it makes them."
    return f"{part}/{i:02d} {v.name if part not in PARTS or 'seed' in v.path else v.path}"


def differing(a, b, but=()):
    "The names under which two dictionaries of arrays differ in any bit."
    assert a.keys() == b.keys()
    return [name for name in a if not name.startswith(tuple(but)) and a[name].tobytes() != b[name].tobytes()]


def moved(before, model, part):
    "The names of the trainable weights of a network that are not what they were."
    weights = {key(part, i, v) for i, v in enumerate(getattr(model, part).variables) if v.trainable or part == "average"}
    return {name for name in differing(before, everything(model)) if name in weights}, weights


# --- For a process of its own ---

def given(num=4, width=8, seed=0):
    "Weights, images and latents that are the same on both backends, from NumPy."
    rng = np.random.default_rng(seed)
    shapes = {name: [(tuple(v.shape), v.path) for v in network.variables] for name, network in (
        ("generator", Generator(LATENT, width)), ("discriminator", Discriminator(width, 0.0)))}
    def start(name, shape, path):
        if path.endswith(("gamma", "moving_variance")): return np.ones(shape, np.float32)
        if len(shape) < 2: return np.zeros(shape, np.float32)
        return rng.normal(0, 0.02 if name == "generator" else 0.05, shape).astype(np.float32)
    weights = {f"{name}/{i:02d}": start(name, *shape) for name, found in shapes.items() for i, shape in enumerate(found)}
    return weights | dict(z=rng.standard_normal((num, B, LATENT), np.float32), x=clothes().images[rng.integers(0, 320, (num, B))])


def margin(what): # from `given`
    "How near a unit of the discriminator comes to the kink of its LeakyReLU at the first real images: there a penalty's gradient jumps."
    D = Discriminator(what["discriminator/00"].shape[-1], 0.0)
    for i, v in enumerate(D.variables): v.assign(what[f"discriminator/{i:02d}"])
    before = keras.Model(D.inputs, [layer.output for layer in D.layers if layer.name.startswith("conv_")])
    return min(np.abs(number(a)).min() for a in before(scaled_images(what["x"][0])))


def given_steps(path, out, rate, *penalties):
    """Steps from what `given` wrote to `path`, with each weight of the penalty: what was measured in each; weights and averages after the
    first and after the last."""
    with np.load(path) as file: what = dict(file)
    found = {}
    for r1 in penalties:
        model = make_model(float(rate), width=8, r1=float(r1))
        for name in ("generator", "discriminator"):
            for i, v in enumerate(getattr(model, name).variables): v.assign(what[f"{name}/{i:02d}"])
        for a, b in zip(model.average.variables, model.generator.variables): a.assign(b)
        if BACKEND == "jax":
            import jax

            from gan_course.tpu import model as module
            step, state = jax.jit(model.stateless_step), module.taken_out(model)
        else:
            import tensorflow as tf
            step = tf.function(model.train_on)
        values = []
        for i, (x, z) in enumerate(zip(what["x"], what["z"])):
            if BACKEND == "jax":
                state, measured = step(state, x, z)
                module.put_back(model, jax.tree.map(lambda a: a + 0, state))
            else: measured = step(tf.constant(x), tf.constant(z))
            values.append(number(measured))
            if i in (0, len(what["x"]) - 1):
                found |= {f"{r1}/{i}/{part}/{k:02d}": number(v) for part in PARTS for k, v in enumerate(getattr(model, part).variables)}
        found[f"{r1}/values"] = values
    np.savez(out, **found)


def one_and_eight(out, rate):
    "The same training on one device and on eight, without dropout: what was measured in its parts, and all there is at the end."
    eight, found = find_accelerator("cpu", 8), {}
    print(eight)
    if BACKEND == "jax":
        import jax
        first = jax.devices()[:1]
    else:
        import tensorflow as tf
        first = tf.config.list_logical_devices("CPU")[:1]
    for accelerator in (Accelerator("cpu", 1, "cpu", "the first", share_among("cpu", first)), eight):
        seed_everything(0, deterministic=True)
        config = CONFIG.replace(batch_size=B, width=WIDTH, latent_dim=LATENT, dropout=0, learning_rate=float(rate))
        with accelerator.scope():
            t, values = Training(config, clothes(), accelerator), []
            for steps in (1, 2, 3, 4):
                t.advance(t.batches, steps, lambda: False)
                values.append(list(t.means().values()))
                t.reset_means()
            judged = t.model.evaluate(t.batches.part(1, 0, 2), verbose=0, return_dict=True)
        found |= {f"{accelerator.count}/{name}": v for name, v in t.state_dict()["variables"].items()}
        found[f"{accelerator.count}/values"] = values
        found[f"{accelerator.count}/judged"] = [float(judged[name]) for name in JUDGED]
    np.savez(out, **found)


def samples(*runs): # a run folder, where its images go, and so on
    "What this backend draws from runs."
    from gan_course.tpu.inference import generate_samples
    for run, out in zip(runs[::2], runs[1::2]): np.save(out, generate_samples(run, 100, f"{out}.png"))


if __name__ == "__main__": globals()[sys.argv[1]](*sys.argv[2:])
