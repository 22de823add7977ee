"""The two networks of the flowers and their loss: shapes, sizes, seeds, gradients; and what a configuration may not be."""
import gan_course.flowers.config # noqa: F401, first: it chooses Keras's backend

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from gan_course.basics import CourseError
from gan_course.flowers.config import CONFIG, POLICIES, Config, artifact_paths
from gan_course.flowers.networks import create_discriminator, create_generator, gan_loss, seeds_of

SMALL = CONFIG.replace(input_size=32, num_filters=4, num_latent_inputs=16)


def numbers(network): return [v.numpy() for v in network.variables]
def noise(*shape, seed=0): return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
def sigmoid(x): return 1 / (1 + np.exp(-np.asarray(x, np.float64)))
def softplus(x): return np.logaddexp(0, np.asarray(x, np.float64))


# --- The networks ---

@pytest.mark.parametrize("size, projection, channels", [(32, 4, 3), (64, 4, 3), (128, 4, 1), (32, 8, 1), (64, 8, 3), (128, 8, 3)])
def test_shapes_and_counts(size, projection, channels):
    "Of images, of all feature maps, and of every weight, counted by hand."
    c, f, k = SMALL.replace(input_size=size, projection_size=projection), 4, 5
    G, D = create_generator(c, channels), create_discriminator(c, channels)
    z, x = noise(2, 16), noise(2, size, size, channels)
    images, logits = G(z, training=False), D(x, training=False)
    assert tuple(images.shape) == (2, size, size, channels) and np.abs(images).max() <= 1 and tuple(logits.shape) == (2,)
    doublings, halvings = int(math.log2(size / projection)), int(math.log2(size / 4))
    widths = [f * 2**i for i in reversed(range(doublings))] # of the generator's feature maps; the last one has `num_filters`
    maps = [G.get_layer(f"relu_{i}").output.shape[1:] for i in range(doublings)]
    assert maps == [(projection * 2**i, projection * 2**i, width) for i, width in enumerate(widths)]
    maps = [D.get_layer(f"relu_{i}").output.shape[1:] for i in range(halvings)]
    assert maps == [(size >> (i + 1), size >> (i + 1), f * 2**i) for i in range(halvings)]
    inner = sum(k * k * a * b for a, b in itertools.pairwise(widths))
    expected = 16 * projection**2 * widths[0] + inner + k * k * f * channels + channels + 2 * sum(widths)
    assert sum(v.numpy().size for v in G.trainable_variables) == expected and G.count_params() == expected + 2 * sum(widths)
    deep = [f * 2**i for i in range(halvings)]
    expected = k * k * channels * f + f + sum(k * k * a * b for a, b in itertools.pairwise(deep)) + 2 * sum(deep[1:]) + 4 * 4 * deep[-1] + 1
    assert sum(v.numpy().size for v in D.trainable_variables) == expected and D.count_params() == expected + 2 * sum(deep[1:])


def test_counts_of_the_recipe():
    "At its own width, as a number."
    assert create_generator(CONFIG.replace(num_filters=48)).count_params() == 100 * 16 * 384 + 25 * (384 * 192 + 192 * 96 + 96 * 48) + 25 * 48 * 3 + 3 + 4 * 720
    assert create_discriminator(CONFIG.replace(num_filters=48)).count_params() == 25 * 3 * 48 + 48 + 25 * (48 * 96 + 96 * 192 + 192 * 384) + 4 * 672 + 16 * 384 + 1


@pytest.mark.parametrize("build", [create_generator, create_discriminator])
def test_seeds(build):
    "The same seed gives the same weights whatever was drawn before; long seeds differ; layers have seeds of their own."
    first = numbers(build(SMALL))
    tf.random.set_seed(7)
    assert all((a == b).all() for a, b in zip(first, numbers(build(SMALL))))
    for seed in (1, 2**31, 2**32, 2**63 - 1): assert (first[0] != numbers(build(SMALL.replace(seed=seed)))[0]).mean() > 0.99, seed
    kernels = [v for v in first if v.ndim > 1]
    for a, b in itertools.combinations(kernels, 2):
        n = min(a.size, b.size, 48)
        assert not np.array_equal(a.ravel()[:n], b.ravel()[:n])


def test_the_two_networks_do_not_share_seeds():
    assert not set(seeds_of(3, 0, 8)) & set(seeds_of(3, 1, 8)) and seeds_of(3, 0, 2) == seeds_of(3, 0, 8)[:2]


@pytest.mark.parametrize("build", [create_generator, create_discriminator])
def test_initial_weights(build):
    "Deviation 0.02 around zero in every kernel; BatchNorm begins as the identity, biases as zero."
    for v in build(SMALL.replace(num_filters=16)).variables:
        value = v.numpy()
        if value.ndim > 1: assert abs(value.std() - 0.02) < 4 * 0.02 / math.sqrt(2 * value.size) and abs(value.mean()) < 4 * 0.02 / math.sqrt(value.size), v.path
        elif v.dtype == "float32": assert (value == (1 if v.path.endswith(("gamma", "moving_variance")) else 0)).all(), v.path


def test_scale_is_what_a_relu_leaves():
    D = create_discriminator(SMALL.replace(scale=0.37))
    x = np.array([-2.0, 3.0], np.float32).reshape(1, 2)
    assert np.allclose(D.get_layer("relu_0")(x), [[-0.74, 3.0]])


def test_dropout_only_where_it_is_asked_for():
    "Blots out values of the input, and only in training."
    plain, blind = create_discriminator(SMALL), create_discriminator(SMALL.replace(dropout_prob=0.5))
    assert not any(layer.name == "dropout" for layer in plain.layers)
    assert [layer.name for layer in blind.layers[:3]] == ["image", "dropout", "down_0"]
    x = noise(8, 32, 32, 3)
    assert np.array_equal(blind(x, training=False), plain(x, training=False)), "the same weights"
    assert np.array_equal(plain(x, training=True), plain(x, training=True))
    assert not np.array_equal(blind(x, training=True), blind(x, training=True))
    kept = np.array(blind.get_layer("dropout")(np.ones((8, 32, 32, 3), np.float32), training=True))
    assert set(np.unique(kept)) == {0.0, 2.0} and abs((kept == 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(kept.size)
    a, b = (create_discriminator(SMALL.replace(dropout_prob=0.5, seed=seed)).get_layer("dropout")(x, training=True) for seed in (1, 2))
    assert not np.array_equal(np.array(a) == 0, np.array(b) == 0)


# --- The loss ---

REAL, FAKE = noise(7, seed=1) * 2, noise(7, seed=2) * 2


def test_gan_loss_in_closed_form():
    loss_g, loss_d, score_g, score_d = map(float, gan_loss(tf.constant(REAL), tf.constant(FAKE)))
    assert loss_g == pytest.approx(-np.log(sigmoid(FAKE)).mean(), rel=1e-5)
    assert loss_d == pytest.approx(-np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean(), rel=1e-5)
    assert score_g == pytest.approx(sigmoid(FAKE).mean(), rel=1e-5)
    assert score_d == pytest.approx((sigmoid(REAL).mean() + (1 - sigmoid(FAKE)).mean()) / 2, rel=1e-5)


@pytest.mark.parametrize("flip_prob", [0.0, 0.3])
def test_gradients_of_the_loss(flip_prob):
    "By the formula σ(a) − label, and by finite differences."
    seed = (3, 4)
    label = np.ones(7) if not flip_prob else np.array(tf.random.stateless_uniform((7,), seed, alg="philox")) >= flip_prob
    if flip_prob: assert 0 < label.sum() < 7, "the test needs some of each"
    with tf.GradientTape(persistent=True) as tape:
        real, fake = tf.constant(REAL), tf.constant(FAKE)
        tape.watch((real, fake))
        loss_g, loss_d, *_ = gan_loss(real, fake, flip_prob, seed)
    assert tape.gradient(loss_g, real) is None
    assert np.allclose(tape.gradient(loss_g, fake), -sigmoid(-FAKE) / 7, atol=1e-6)
    assert np.allclose(tape.gradient(loss_d, fake), sigmoid(FAKE) / 7, atol=1e-6)
    assert np.allclose(tape.gradient(loss_d, real), (sigmoid(REAL) - label) / 7, atol=1e-6)
    step = 1e-3
    for i in range(7):
        up, down = (float(gan_loss(tf.constant(REAL, tf.float64) + sign * step * tf.one_hot(i, 7, dtype=tf.float64), tf.constant(FAKE, tf.float64))[1])
                    for sign in (1, -1))
        assert (up - down) / (2 * step) == pytest.approx((sigmoid(REAL[i]) - 1) / 7, abs=1e-6)


@pytest.mark.parametrize("flip_prob", [0.1, 0.5])
def test_flips_are_smoothed_labels_on_average(flip_prob):
    "Over many draws the loss is the one with label 1 − p; the generator's loss and the scores have no flips."
    plain = [float(v) for v in gan_loss(tf.constant(REAL), tf.constant(FAKE))]
    draws = tf.function(lambda i: gan_loss(tf.constant(REAL), tf.constant(FAKE), flip_prob, tf.stack([tf.constant(5, tf.int64), i])))
    found = np.array([[float(v) for v in draws(tf.constant(i, tf.int64))] for i in range(1500)])
    smoothed = (softplus(-REAL) + flip_prob * REAL).mean() + softplus(FAKE).mean()
    deviation = math.sqrt(flip_prob * (1 - flip_prob) * (REAL.astype(float)**2).sum()) / 7 / math.sqrt(len(found))
    assert abs(found[:, 1].mean() - smoothed) < 4 * deviation < abs(smoothed - plain[1])
    assert found[:, 1].std() > 0 and np.allclose(found[:, [0, 2, 3]], [plain[0], plain[2], plain[3]], atol=1e-6)


def test_a_flipped_label_is_a_generated_one():
    "With all labels the same by chance: the loss of a flipped image is softplus of its logit."
    one = tf.constant([1.7])
    seen = {round(float(gan_loss(one, tf.constant([0.0]), 0.5, (0, i))[1]) - math.log(2), 5) for i in range(40)}
    assert seen == {round(math.log1p(math.exp(-1.7)), 5), round(math.log1p(math.exp(1.7)), 5)}


def test_large_logits_stay_finite():
    big = tf.constant([1e4, -1e4])
    assert all(np.isfinite(float(v)) for v in gan_loss(big, -big, 0.3, (1, 2)))


# --- The configuration ---

@pytest.mark.parametrize("field, values", [
    ("dataset", ("garments", "flowers", None)), ("data_dir", (3,)), ("limit", (0, 1, 1.5, 63)), ("input_size", (28, 16, 256, "64")), ("batch_size", (1, 0, 2.5, 65_537)),
    ("projection_size", (2, 16, 0)), ("num_latent_inputs", (0, -1, 4097, 1.5)), ("num_filters", (0, 1025)), ("filter_size", (1, 12)),
    ("scale", (-0.1, 1.1, float("nan"), "0.2")), ("dropout_prob", (-0.1, 0.96, 1.0)), ("flip_prob", (-0.1, 0.51)),
    ("augmentation", ("all", "", None)), ("policy", ("mirrors", "mirror;colour", "color", "", " , ", 3)), ("r1", (-1, float("inf"))), ("penalty_every", (0, 10_001, 1.5)),
    ("learning_rate", (0, -1, 1.1, float("nan"))), ("beta1", (-0.1, 1.0)), ("beta2", (1.0,)), ("ema_half_life", (-1, 0.5)),
    ("epochs", (0, 10**6 + 1, 1.5, True)), ("seed", (-1, 2**63)), ("out", (None, 3)), ("checkpoint_save_interval", (0, 10**6 + 1)),
    ("checkpoint_every", (0,)), ("keep_checkpoints", (0, 1001)), ("measure_every", (0, 10**6 + 1)), ("num_samples", (0, 401)), ("eval_images", (-1, 10**6 + 1)), ("best_by", ("judge", "", None)),
    ("progress", (1, None)), ("tensorboard", ("yes", 0)), ("device", ("cuda", "tpu")), ("deterministic", (1, "no"))], ids=str)
def test_values_that_make_no_sense(field, values):
    "One line that names the field; each field is here."
    for value in values:
        with pytest.raises(CourseError) as caught: CONFIG.replace(**{field: value})
        assert field in str(caught.value) and "\n" not in str(caught.value), (field, value)


def test_every_field_is_tested_above():
    marks = test_values_that_make_no_sense.pytestmark
    assert {field for field, _ in marks[0].args[1]} == set(CONFIG.to_dict())


@pytest.mark.parametrize("policy", [*POLICIES, "mirror,colour,translation,cutout", " cutout , mirror ", "mirror,"])
def test_policies_that_are_read(policy):
    words = CONFIG.replace(policy=policy).policy_words()
    assert words == [word.strip() for word in policy.split(",") if word.strip()] and set(words) <= set(POLICIES)


def test_an_empty_policy_where_nothing_asks_for_it(): assert CONFIG.replace(policy="", augmentation="none").policy_words() == []


def test_to_and_from_a_dictionary(tmp_path):
    c = CONFIG.replace(out=tmp_path, input_size=128, policy="cutout")
    assert Config.from_dict(c.to_dict()) == c and c.latent_dim == c.num_latent_inputs
    assert artifact_paths(tmp_path)["generators"] == tmp_path/"generator_checkpoints"
