"""Both networks, and a model that plays the game: its losses, its steps, its average, what it measures and what it saves. All of it on
both backends; that the backends agree is in test_backends.py."""
from games import (B, LATENT, clothes, differing, everything, flat, make_batches, make_model, moved, number, numbers, train) # first

import inspect

import keras
import numpy as np
import pytest
from keras import ops

from gan_course.loop import average_keep
from gan_course.tpu.model import (
    JUDGED, MEASURED, TEST, AdversarialModel, Discriminator, Generator, cross_entropy, draw, draw_latents, global_norm, latents,
    make_latents, make_optimizer, scaled_images, to_images)

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(scope="module")
def batches(backend): return make_batches()


def softplus(a): return np.logaddexp(0, np.asarray(a, np.float64))
def sigmoid(a): return np.exp(-softplus(-np.asarray(a, np.float64)))
def noise(*shape, seed=0): return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# --- the networks ---

@pytest.mark.parametrize("width, channels", [(1, 1), (4, 1), (3, 3)])
def test_shapes_and_numbers_of_parameters(width, channels):
    G, D = Generator(LATENT, width, channels), Discriminator(width, channels=channels)
    x = G(noise(5, LATENT), training=False)
    assert tuple(x.shape) == (5, 28, 28, channels) and np.abs(number(x)).max() <= 1 and tuple(D(x).shape) == (5,)
    w, c = width, channels
    assert sum(v.size for v in numbers(G.trainable_variables)) == LATENT*49*4*w + 9*(4*w*2*w + 2*w*w) + 9*w*c + c + 2*(4*w + 2*w + w)
    assert sum(v.size for v in numbers(D.trainable_variables)) == 16*(c*w + 2*w*w + 8*w*w) + 7*w + 16*4*w + 1


@pytest.mark.parametrize("bottleneck, mixed", [(0, None), (3, 3), (LATENT, None), (LATENT + 1, None)])
def test_the_bottleneck(bottleneck, mixed):
    "Fewer numbers than latents, which begin as standard normal ones; or nothing in between."
    G = Generator(LATENT, 2, bottleneck=bottleneck)
    kernels = [number(layer.kernel) for layer in G.layers if isinstance(layer, keras.layers.Dense)]
    assert [k.shape for k in kernels] == ([(LATENT, mixed), (mixed, 49 * 8)] if mixed else [(LATENT, 49 * 8)])
    if mixed: np.testing.assert_allclose(kernels[0].T @ kernels[0], np.eye(mixed), atol=1e-5)
    assert tuple(G(noise(2, LATENT)).shape) == (2, 28, 28, 1)


@pytest.mark.parametrize("precision, dtype", [("float32", "float32"), ("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float16")])
def test_images_and_logits_are_float32(precision, dtype):
    "And so are all weights; what lies between is not, and knows the images of float32 up to a few grey levels."
    G, D = Generator(LATENT, 4, precision=precision), Discriminator(4, precision=precision)
    whole = Generator(LATENT, 4)
    for a, b in zip(whole.variables, G.variables): a.assign(b)
    for training in (True, False):
        x = G(noise(8, LATENT), training=training)
        assert {keras.backend.standardize_dtype(y.dtype) for y in (x, D(x, training=training))} == {"float32"}
    assert {layer.compute_dtype for network in (G, D) for layer in network.layers if "Conv" in type(layer).__name__} == {dtype}
    assert {str(v.dtype) for network in (G, D) for v in network.weights if "seed" not in v.path} == {"float32"}
    assert np.abs(to_images(x).astype(int) - to_images(whole(noise(8, LATENT), training=False))).max() <= 2


def test_a_logit_depends_on_one_image_alone():
    "The discriminator has no BatchNorm; the generator's is a matter of training."
    D, G, x = Discriminator(4, 0.0), Generator(LATENT, 4), noise(8, 28, 28, 1)
    assert np.abs(number(D(x, training=True))[:3] - number(D(x[:3], training=True))).max() < 1e-5
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in D.layers)
    z = noise(8, LATENT)
    gap = {mode: np.abs(number(G(z, training=mode))[:3] - number(G(z[:3], training=mode))).max() for mode in (True, False)}
    assert gap[True] > 1e-3 and gap[False] < 1e-5


def test_dropout():
    "Before the logit; in every call another mask, in every run too, and none where none is asked for."
    D, x = Discriminator(4, 0.3, seed=2**63 - 1), noise(4, 28, 28, 1)
    drops = [layer for layer in D.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in drops] == [0.3] and D.layers.index(drops[0]) > max(
        i for i, layer in enumerate(D.layers) if isinstance(layer, keras.layers.Conv2D))
    assert len({Discriminator(4, 0.3, seed=seed).get_layer("dropout").seed for seed in (0, 1, 2**32, 2**63 - 1)}) == 4
    assert (number(D(x, training=True)) != number(D(x, training=True))).any() and (number(D(x)) == number(D(x))).all()
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in Discriminator(4, 0.0).layers)


def test_initial_weights():
    "Of the size that was meant, and a function of the seed alone: of all its bits, and of nothing that was drawn or made before."
    made = {}
    for seed in (0, 1, 2**32, 2**63 - 1, 0):
        keras.random.normal((3,))
        for name, network in (("G", Generator(LATENT, 8, seed=seed)), ("D", Discriminator(8, seed=seed))):
            weights = [v for v in numbers(network.trainable_variables) if v.ndim > 1]
            assert all(abs(v.std() / (0.02 if name == "G" else np.sqrt(2 / (np.prod(v.shape[:-2]) * sum(v.shape[-2:])))) - 1) < 0.2 for v in weights)
            assert made.setdefault((name, seed), [v.tobytes() for v in weights]) == [v.tobytes() for v in weights]
    assert len({v for found in made.values() for v in found}) == sum(map(len, made.values())) == 4 * 8, "no two kernels have the same"


def test_kernels_fit_their_strides():
    "A kernel that is no multiple of its stride draws a checkerboard: into images, or into gradients."
    for layer in [*Generator().layers, *Discriminator().layers]:
        assert not isinstance(layer, keras.layers.Conv2DTranspose)
        if isinstance(layer, keras.layers.Conv2D): assert all(k % s == 0 for k, s in zip(layer.kernel_size, layer.strides)), layer.name


# --- the rules of the game ---

@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_against_numpy(smoothing):
    model, a_real, a_fake = make_model(smoothing=smoothing), noise(64, seed=1) * 3, noise(64, seed=2) * 3
    label = 1 - smoothing
    d = -(label * np.log(sigmoid(a_real)) + smoothing * np.log(sigmoid(-a_real.astype(float)))).mean() - np.log(sigmoid(-a_fake)).mean()
    assert float(model.d_loss(a_real, a_fake)) == pytest.approx(d, rel=1e-5)
    assert float(model.g_loss(a_fake)) == pytest.approx(-np.log(sigmoid(a_fake)).mean(), rel=1e-5)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    assert float(model.d_loss(a_real, a_fake)) == pytest.approx(
        float(bce(np.full(64, label, np.float32), a_real)) + float(bce(np.zeros(64, np.float32), a_fake)), rel=1e-5)


def test_losses_of_extreme_logits():
    model = make_model()
    for a in (-1e4, -100, 0, 100, 1e4):
        a = np.full(4, a, np.float32)
        assert np.isfinite(float(model.d_loss(a, -a))) and np.isfinite(float(model.g_loss(a)))
        assert float(cross_entropy(0.0, a)) == pytest.approx(softplus(a).mean(), rel=1e-6)


def test_what_is_measured_against_numpy():
    a_real, a_fake = noise(64, seed=1), noise(64, seed=2)
    found = number(make_model().judgement(ops.array(1.5), ops.array(0.5), ops.array(a_real), ops.array(a_fake)))
    np.testing.assert_allclose(found, [1.5, 0.5, sigmoid(a_real).mean(), sigmoid(a_fake).mean(), (a_real > a_fake).mean()], rtol=1e-5)
    arrays = [noise(3, 4, seed=3), noise(5, seed=4)]
    assert float(global_norm([ops.array(a) for a in arrays])) == pytest.approx(np.linalg.norm(flat(arrays)), rel=1e-6)
    assert float(global_norm([ops.array(np.full(100, 300, np.float16))])) == pytest.approx(3000), "in float32: float16 ends at 65504"


def test_bytes_become_numbers_and_back():
    x = np.arange(256, dtype=np.uint8)
    assert number(scaled_images(x)).min() == -1 and number(scaled_images(x)).max() == 1 and (to_images(scaled_images(x)) == x).all()
    assert to_images(np.float32([-3, 3])).tolist() == [0, 255]


def test_latents(backend):
    "A function of seed and iteration, standard normal, the same for ever."
    model = make_model()
    drawn = {i: number(latents(model, i)) for i in (0, 1, 2, TEST)}
    assert len({z.tobytes() for z in drawn.values()}) == 4 and all(z.shape == (B, LATENT) and z.dtype == np.float32 for z in drawn.values())
    many = np.concatenate([number(latents(model, i)) for i in range(100)])
    assert abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.02 and len(np.unique(many)) > 0.99 * many.size
    pinned = dict(tensorflow=PINNED_TENSORFLOW, jax=PINNED_JAX)[backend]
    np.testing.assert_allclose(drawn[1][0, :3], pinned, atol=1e-6, err_msg="a run that is resumed years later must find the same")


PINNED_TENSORFLOW = [1.206435, -1.882164, 1.249675]
PINNED_JAX = [-2.442456, -2.035681, 0.205544]


def test_seeds_of_latents():
    "Every seed that a configuration may have draws its own, beyond 32 bits too."
    drawn = {seed: number(latents(make_model(seed=seed), 3)).tobytes() for seed in (0, 1, 2**31, 2**32, 2**32 + 1, 2**63 - 1)}
    assert len(set(drawn.values())) == len(drawn), [seed for seed in drawn if list(drawn.values()).count(drawn[seed]) > 1]


# --- one step ---

@pytest.mark.parametrize("rates, moving", [((0.0, 1e-3), "discriminator"), ((1e-3, 0.0), "generator"), ((1e-3, 1e-3), "both")])
def test_each_player_moves_itself(batches, rates, moving):
    "With a rate of 0 for one of them: its weights stay, bit for bit; all of the other's move. BatchNorm's statistics do in any case."
    model = make_model(*rates)
    before = everything(model)
    train(model, batches, 2)
    for part in ("generator", "discriminator"):
        found, weights = moved(before, model, part)
        assert found == (weights if moving in (part, "both") else set()), part
    changed = differing(before, everything(model))
    for what in ("moving_mean", "moving_variance", "own/00", "own/01", "own/02"): assert any(what in name for name in changed), what
    assert int(model.bad) == 0 and int(model.iteration) == int(model.counted) == 2


def test_d_goes_first(batches):
    "The generator's loss is what the discriminator says after its step; of the images D says what it said before."
    model, before = make_model(0.0, 0.01), make_model().discriminator
    values, z = step_by_step(model, batches, 1)[0], number(latents(model, 0))
    fake = model.generator(z, training=True)
    losses = [float(model.g_loss(D(fake, training=True))) for D in (before, model.discriminator)]
    assert values["loss_g"] == pytest.approx(losses[1], rel=1e-4) and abs(losses[0] - losses[1]) > 0.01
    a_real, a_fake = (number(before(x, training=True)) for x in (scaled_images(batch(batches, 0)), fake))
    assert values["d_real"] == pytest.approx(sigmoid(a_real).mean(), rel=1e-4)
    assert values["d_fake"] == pytest.approx(sigmoid(a_fake).mean(), rel=1e-4)
    assert values["loss_d"] == pytest.approx(float(model.d_loss(a_real, a_fake)), rel=1e-4)


def batch(batches, i, epoch=0): return clothes().images[batches.index(epoch, i, 1)[0]]


def step_by_step(model, batches, steps):
    "What is measured in each."
    found = []
    for i in range(steps):
        model.reset_means()
        train(model, batches, 1, i)
        found.append(model.means())
    return found


@pytest.mark.parametrize("r1", [0.0, 5.0])
def test_steps_follow_the_gradient(batches, r1):
    """With plain gradient steps of length 1, what moves is the gradient. Its norm is what was measured; and along it the loss of the
    formulas grows as finite differences say, the penalty's share too."""
    model = make_model(1.0, optimizer=keras.optimizers.SGD, r1=r1)
    if r1: # at a kink of LeakyReLU the slope jumps, and finite differences step over some
        for layer in model.discriminator.layers:
            if isinstance(layer, keras.layers.LeakyReLU): layer.negative_slope = 1.0
    start = {part: numbers(getattr(model, part).trainable_variables) for part in ("generator", "discriminator")}
    values = step_by_step(model, batches, 1)[0]
    gradient = {part: [a - b for a, b in zip(start[part], numbers(getattr(model, part).trainable_variables))] for part in start}
    D_after = numbers(model.discriminator.trainable_variables)
    x, z = scaled_images(batch(batches, 0)), number(latents(model, 0))
    for part, name in (("discriminator", "grad_norm_d"), ("generator", "grad_norm_g")):
        norm = np.linalg.norm(flat(gradient[part]))
        assert values[name] == pytest.approx(norm, rel=1e-3)
        def loss(h):
            "After a move of h along the gradient's direction."
            for network, weights in ((model.generator, start["generator"]),
                                     (model.discriminator, start["discriminator"] if part == "discriminator" else D_after)):
                for v, w in zip(network.trainable_variables, weights): v.assign(w)
            for v, w, g in zip(getattr(model, part).trainable_variables, start[part], gradient[part]): v.assign(w + h * g / norm)
            fake = model.generator(z, training=True)
            if part == "generator": return float(model.g_loss(model.discriminator(fake, training=True)))
            return float(model.d_loss(model.discriminator(x, training=True), model.discriminator(fake, training=True))) + penalty(model, r1, x)
        h = 1e-3
        assert (loss(h) - loss(-h)) / (2 * h) == pytest.approx(norm, rel=0.02), part


def penalty(model, r1, x):
    "r1/2 times the mean square of the slope at the images (Mescheder et al. 2018, eq. 9)."
    if not r1: return 0.0
    if keras.backend.backend() == "jax":
        import jax
        slope = jax.grad(lambda x: model.discriminator(x, training=True).sum())(x)
    else:
        import tensorflow as tf
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = model.discriminator(x, training=True)
        slope = tape.gradient(logits, x)
    return r1 / 2 * (number(slope).astype(np.float64)**2).sum((1, 2, 3)).mean()


@pytest.fixture(scope="module")
def plain(batches):
    "What is measured in the first step of a model that does not learn."
    return step_by_step(make_model(0.0), batches, 1)[0]


def test_the_slope_at_the_images(batches, plain):
    "What the penalty is made of, against finite differences; the losses that are measured do not hold it, the gradient's norm does."
    model, h = make_model(), 1e-2
    images = scaled_images(batch(batches, 0)[:2])
    slopes = []
    for image in images:
        steps = np.eye(784, dtype=np.float32).reshape(784, 28, 28, 1) * h
        slopes.append((number(model.discriminator(image + steps) - model.discriminator(image - steps)).astype(np.float64) / (2 * h)))
    assert penalty(model, 2.0, images) == pytest.approx((np.square(slopes).sum(1)).mean(), rel=0.02)
    steep = step_by_step(make_model(0.0, r1=10.0), batches, 1)[0]
    assert {name: steep[name] for name in JUDGED} == pytest.approx({name: plain[name] for name in JUDGED}, rel=1e-5)
    assert steep["grad_norm_g"] == pytest.approx(plain["grad_norm_g"], rel=1e-4) and abs(steep["grad_norm_d"] / plain["grad_norm_d"] - 1) > 0.02


def test_label_smoothing_reaches_the_step(batches, plain):
    smooth = step_by_step(make_model(0.0, smoothing=0.2), batches, 1)[0]
    a = number(make_model().discriminator(scaled_images(batch(batches, 0)), training=True))
    assert smooth["loss_d"] - plain["loss_d"] == pytest.approx(0.2 * a.mean(), abs=1e-5) and smooth["loss_g"] == pytest.approx(plain["loss_g"])


# --- the average, the sums, the first bad step ---

def test_the_average_is_the_one_of_the_loop(batches):
    "Against the recurrence itself, in doubles; of BatchNorm's statistics too."
    model = make_model(half_life=100)
    expected = [v.astype(np.float64) for v in numbers(model.generator.variables)]
    for i in range(8):
        train(model, batches, 1, i)
        keep = average_keep(100, B, (i + 1) * B)
        assert 0 < keep < 1
        expected = [keep * mean + (1 - keep) * now for mean, now in zip(expected, numbers(model.generator.variables))]
    for v, a, b in zip(model.generator.variables, numbers(model.average.variables), expected):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=v.path)
        assert (a != number(v)).any()
    assert not model.average.trainable_variables


def test_no_average(batches):
    model = make_model(half_life=0)
    train(model, batches, 3)
    assert all((a == b).all() for a, b in zip(numbers(model.average.variables), numbers(model.generator.variables)))


def test_the_average_begins_as_the_generator():
    model = make_model()
    assert all((a == b).all() for a, b in zip(numbers(model.average.variables), numbers(model.generator.variables)))
    assert len(model.trainable_variables) == len(model.generator.trainable_variables) + len(model.discriminator.trainable_variables)


def test_means(batches):
    "Of each measurement over all steps since the last reset, however they were divided; `fit` begins nothing anew."
    model = make_model()
    each = step_by_step(model, batches, 6)
    assert list(each[0]) == list(MEASURED)
    other = make_model()
    for start, steps in ((0, 1), (1, 3), (4, 2)): history = train(other, batches, steps, start)
    assert other.means() == pytest.approx({name: np.mean([row[name] for row in each]) for name in MEASURED}, rel=1e-4)
    assert {name: values[-1] for name, values in history.history.items()} == pytest.approx(other.means(), rel=1e-5)
    assert int(other.counted) == 6
    other.reset_means()
    assert int(other.counted) == 0 and set(other.means().values()) == {0.0} and int(other.iteration) == 6, "nothing, and no division by it"


def test_the_first_bad_iteration(batches):
    "Counted from 1, noted once, and by the first; a measurement that no step depends on is not one."
    model = make_model()
    def noted(bad, iteration, **values):
        values = ops.array([values.get(name, 1.0) for name in MEASURED])
        return int(number(model.noted(ops.zeros(len(MEASURED)), ops.array(0), ops.array(bad), ops.array(iteration), values)[2]))
    assert noted(0, 5) == 0
    for name in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g"):
        for value in (np.nan, np.inf, -np.inf): assert noted(0, 5, **{name: value}) == 6
        assert noted(3, 5, **{name: np.nan}) == 3, "the first one stays"
    for name in ("d_real", "rank_accuracy"): assert noted(0, 5, **{name: np.nan}) == 0
    train(model, batches, 2)
    kernel = model.discriminator.get_layer("to_logit").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    train(model, batches, 3, 2)
    assert int(model.bad) == 3 and int(model.iteration) == 5, "step 2, counted from 0"


# --- `evaluate` ---

def test_evaluate_against_numpy(batches):
    "From the logits, by hand, over all batches; and no variable changes."
    model = make_model(dropout=0.3)
    train(model, batches, 3)
    before = everything(model)
    found = model.evaluate(batches.part(1, 0, 4), verbose=0, return_dict=True)
    assert differing(before, everything(model)) == []
    fake = model.generator(latents(model, TEST), training=False)
    a_fake = number(model.discriminator(fake, training=False)).astype(np.float64)
    rows = []
    for i in range(4):
        a = number(model.discriminator(scaled_images(batch(batches, i, epoch=1)), training=False)).astype(np.float64)
        rows.append([softplus(-a).mean() + softplus(a_fake).mean(), softplus(-a_fake).mean(), sigmoid(a).mean(), sigmoid(a_fake).mean(),
                     (a > a_fake).mean()])
    assert {name: float(found[name]) for name in JUDGED} == pytest.approx(dict(zip(JUDGED, np.mean(rows, 0))), rel=1e-4)
    again = model.evaluate(batches.part(1, 0, 4), verbose=0, return_dict=False)
    assert [float(v) for v in again] == [float(found[name]) for name in JUDGED] and differing(before, everything(model)) == []


# --- files ---

@pytest.fixture(scope="module")
def saved(batches, tmp_path_factory):
    "A model after five steps with all it can have, and the same again from its file."
    model, path = make_model(precision="mixed_float16", smoothing=0.1, seed=7, r1=0.2), tmp_path_factory.mktemp("saved")/"model.keras"
    train(model, batches, 5)
    model.save(path)
    return model, keras.saving.load_model(path)


def test_a_file_keeps_everything(saved, batches):
    "Both networks, both optimisers with their scales, the average, the iteration, the sums. And it goes on as the first one does."
    model, again = saved
    assert type(again) is AdversarialModel and type(again.g_optimizer) is type(again.d_optimizer) is type(model.g_optimizer)
    assert differing(everything(model), everything(again)) == [] and int(again.iteration) == 5
    for name in ("latent_dim", "batch_size", "label_smoothing", "ema_half_life", "seed", "r1", "name"): assert getattr(again, name) == getattr(model, name)
    before = everything(model)
    train(model, batches, 3, 5), train(again, batches, 3, 5)
    assert differing(everything(model), everything(again)) == [] and len(differing(before, everything(model))) > 40
    assert int(again.g_optimizer.inner_optimizer.iterations) == 8


def test_a_file_of_keras_keeps_no_seeds(batches, tmp_path):
    "Dropout's: Keras does not save them. Our checkpoints do, and a run is resumed from those."
    model = make_model(dropout=0.2)
    train(model, batches, 2)
    model.save(tmp_path/"model.keras")
    found = differing(everything(model), everything(keras.saving.load_model(tmp_path/"model.keras")))
    assert len(found) == 1 and "seed" in found[0]


def test_what_was_not_trained_can_be_saved(tmp_path):
    model = make_model()
    model.save(tmp_path/"model.keras")
    assert differing(everything(model), everything(keras.saving.load_model(tmp_path/"model.keras"))) == []


def test_configurations_go_round(saved):
    model = saved[0]
    again = AdversarialModel.from_config(model.get_config())
    assert again.get_config().keys() == model.get_config().keys() == {
        *(set(inspect.signature(AdversarialModel.__init__).parameters) - {"self", "kwargs"}), "name"}
    for name in ("generator", "discriminator"):
        assert getattr(again, name).get_config() == getattr(model, name).get_config()
    again.compile_from_config(model.get_compile_config())
    for name in ("g_optimizer", "d_optimizer"):
        ours, theirs = getattr(again, name), getattr(model, name)
        assert ours.get_config() == theirs.get_config() and len(ours.variables) == len(theirs.variables)
    assert again.g_optimizer is not again.d_optimizer


def test_no_optimiser_that_nobody_asked_for():
    model = make_model()
    assert model.optimizer is model.d_optimizer and isinstance(model.optimizer, keras.optimizers.Adam)
    with pytest.raises(TypeError): AdversarialModel(Generator(LATENT, 2), Discriminator(2), LATENT).compile()


def test_weights_can_be_saved_alone(saved, tmp_path):
    model = saved[0]
    model.save_weights(tmp_path/"all.weights.h5")
    other = make_model(precision="mixed_float16")
    other.load_weights(tmp_path/"all.weights.h5")
    assert differing(everything(model), everything(other)) == []


# --- float16 ---

def test_a_scale_for_each():
    model = make_model(precision="mixed_float16")
    for opt in (model.g_optimizer, model.d_optimizer):
        assert isinstance(opt, keras.optimizers.LossScaleOptimizer) and isinstance(opt.inner_optimizer, keras.optimizers.Adam)
    assert model.g_optimizer is not model.d_optimizer
    assert all(type(make_optimizer(1e-3, 0.5, p)) is keras.optimizers.Adam for p in ("float32", "mixed_bfloat16"))


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_gradients_below_the_range_of_float16(batches, part, scaled):
    """The last weights of the discriminator are made so small that what comes back through them is zero in float16. With a scale all that
    lies before them moves all the same; without one nothing does."""
    rates = (1e-3, 0.0) if part == "generator" else (0.0, 1e-3)
    model = make_model(*rates, precision="mixed_float16", optimizer=None if scaled else keras.optimizers.Adam)
    kernel = model.discriminator.get_layer("to_logit").kernel
    kernel.assign(number(kernel) * 2e-6)
    before, values = everything(model), step_by_step(model, batches, 1)[0]
    found, weights = ({name for name in names if "to_logit" not in name} for names in moved(before, model, part))
    assert found == (weights if scaled else set()) and int(model.bad) == 0
    if part == "generator": assert 0 < values["grad_norm_g"] < 1e-5 if scaled else values["grad_norm_g"] == 0


@pytest.mark.parametrize("mine, part, other, others", [("g_optimizer", "generator", "d_optimizer", "discriminator"),
                                                       ("d_optimizer", "discriminator", "g_optimizer", "generator")])
def test_an_overflow_skips_the_step_of_one(batches, mine, part, other, others):
    "Its weights stay, its scale is halved; the other network takes its step; and nobody calls it a loss that is not finite."
    model = make_model(precision="mixed_float16")
    getattr(model, mine).dynamic_scale.assign(2.0**100)
    before = everything(model)
    values = step_by_step(model, batches, 2)
    assert float(getattr(model, mine).dynamic_scale) == 2.0**98 and float(getattr(model, other).dynamic_scale) == 2.0**15
    assert int(getattr(model, mine).inner_optimizer.iterations) == 0 and int(getattr(model, other).inner_optimizer.iterations) == 2
    assert moved(before, model, part)[0] == set()
    found, weights = moved(before, model, others)
    assert found == weights and int(model.bad) == 0
    assert not np.isfinite(values[0]["grad_norm_" + part[0]]) and np.isfinite(values[0]["grad_norm_" + others[0]])
    assert np.isfinite(values[0]["loss_d"]) and np.isfinite(values[0]["loss_g"])


def test_a_loss_that_is_none_is_noted_in_float16_too(batches):
    model = make_model(precision="mixed_float16")
    train(model, batches, 1)
    model.discriminator.get_layer("to_logit").bias.assign([np.inf])
    train(model, batches, 2, 1)
    assert int(model.bad) == 2


@pytest.mark.parametrize("precision, rel", [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)])
def test_norms_are_those_of_float32(batches, plain, precision, rel):
    "Measured before the scale, in float32."
    half = step_by_step(make_model(0.0, precision=precision), batches, 1)[0]
    for name in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g"): assert half[name] == pytest.approx(plain[name], rel=rel)


# --- many steps in one call ---

class Calls(keras.callbacks.Callback):
    "Notes each call, and stops after some."
    def __init__(self, stop=10**9): super().__init__(); self.seen, self.ends, self.stop = [], [], stop
    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)
        if len(self.seen) >= self.stop: self.model.stop_training = True
    def on_epoch_end(self, epoch, logs=None): self.ends.append((epoch, int(self.model.iteration), sorted(logs)))


def near(a, b, atol=1e-5):
    for name in a: np.testing.assert_allclose(np.float64(a[name]), np.float64(b[name]), rtol=1e-4, atol=atol, err_msg=name)


def test_many_steps_in_one_call(backend, batches):
    """As single steps; callbacks are called once for each call. What is left of an epoch JAX takes one by one; Keras on TensorFlow in a
    call that ends early, of which it says how far it would have gone."""
    # At ten times the rate a last bit pushes some LeakyReLU over its kink, and Adam makes 2e-3 of it.
    single, many, watch = make_model(1e-4, dropout=0.2), make_model(1e-4, dropout=0.2, steps_per_execution=5), Calls()
    train(single, batches, 8)
    train(many, batches, 8, callbacks=[watch])
    assert watch.seen == dict(tensorflow=[4, 9], jax=[4, 5, 6, 7])[backend] and watch.ends == [(0, 8, sorted(MEASURED))]
    near(everything(single), everything(many)) # on JAX measured 2e-7
    assert int(many.iteration) == 8


def test_a_stop_is_respected(batches):
    model, watch = make_model(steps_per_execution=5), Calls(stop=1)
    history = model.fit(batches.part(0), epochs=3, verbose=0, shuffle=False, callbacks=[watch])
    assert int(model.iteration) == 5 and watch.seen == [4] and len(watch.ends) == 1 and len(history.history["loss_d"]) == 1
    train(model, batches, 5)
    assert int(model.iteration) == 10, "it is forgotten with the next `fit`"


def test_epochs_of_fit(batches):
    "`initial_epoch` as in Keras."
    model, watch = make_model(), Calls()
    model.fit(batches.part(0, 0, 2), epochs=3, initial_epoch=1, verbose=0, shuffle=False, callbacks=[watch])
    assert [end[:2] for end in watch.ends] == [(1, 2), (2, 4)]


def test_fit_takes_only_parts(backend):
    "On JAX; on TensorFlow it is Keras's own, and takes what Keras takes."
    from gan_course.basics import CourseError
    if backend == "jax":
        with pytest.raises(CourseError, match="Batches.part"): make_model().fit(clothes().images)


# --- drawing ---

def test_drawing_in_parts():
    "Does not change an image; and asks nothing of the global generators."
    G = Generator(LATENT, 4)
    z = make_latents(23, LATENT, 5)
    whole = draw_latents(G, z)
    assert whole.shape == (23, 28, 28, 1) and whole.dtype == np.uint8
    for size in (1, 7, 23, 500): assert np.abs(draw_latents(G, z, size).astype(int) - whole).max() <= 1
    assert (draw(G, 23, 5) == whole).all() and (draw(G, 23, 6) != whole).any()
    assert (make_latents(5, LATENT, 5) == z[:5]).all(), "fewer are the first of more"
    assert make_latents(2, 3, 0).dtype == np.float32 and np.allclose(make_latents(1, 3, 0), PINNED_NUMPY, atol=1e-6)


PINNED_NUMPY = [[1.7779889, -1.9818913, -0.7669905]]
