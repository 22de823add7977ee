import gan_course.tensorflow.config  # first: it chooses Keras's backend

import pytest
import tensorflow as tf

from gan_course.exercises.tensorflow_inference import check_sample, check_slerp, check_truncated
from gan_course.tensorflow.inference import sample_latents
from gan_course.tensorflow.utils import make_latents, stateless_normal, step_seed


def lerp(z0, z1, t): return (1 - t) * z0 + t * z1


def slerp(z0, z1, t, care=True, clip=True):
    cosine = tf.reduce_sum(tf.nn.l2_normalize(z0) * tf.nn.l2_normalize(z1))
    omega = tf.acos(tf.clip_by_value(cosine, -1, 1) if clip else cosine)
    if care and tf.sin(omega) < 1e-4: return lerp(z0, z1, t)
    return (tf.sin((1 - t) * omega) * z0 + tf.sin(t * omega) * z1) / tf.sin(omega)


def directions(z0, z1, t):
    return lerp(z0, z1, t) if t in (0, 1) else slerp(tf.nn.l2_normalize(z0), tf.nn.l2_normalize(z1), t)


def stretched(z0, z1, t):
    "The line, brought to the right length: on the arc, but not at an even pace."
    return lerp(z0, z1, t) * (tf.norm(z0) / tf.norm(lerp(z0, z1, t)))


def truncated(num, latent_dim, tau, seed, next_draw=lambda draw: draw + 1):
    z, draw = make_latents(num, latent_dim, seed), 0
    while tf.reduce_any(beyond := tf.abs(z) > tau):
        draw = next_draw(draw)
        z = tf.where(beyond, stateless_normal(z.shape, step_seed(seed, -1, draw)), z)
    return z


def with_state(num, latent_dim, tau, seed):
    z = tf.random.normal((num, latent_dim))
    while tf.reduce_any(beyond := tf.abs(z) > tau): z = tf.where(beyond, tf.random.normal(z.shape), z)
    return z


def zeroed(num, latent_dim, tau, seed):
    z = make_latents(num, latent_dim, seed)
    return tf.where(tf.abs(z) > tau, 0.0, z)


def uniform(num, latent_dim, tau, seed):
    return tf.random.stateless_uniform((num, latent_dim), [seed, 0], -tau, tau)


def sampling(training=False, last=lambda num, batch: num):
    def sample(G, z, batch):
        return tf.concat([G(z[i:i + batch], training=training) for i in range(0, last(len(z), batch), batch)], 0)
    return sample


def frozen(G, z, batch):
    G.trainable = False
    return sampling(training=True)(G, z, batch)


def one_layer_frozen(G, z, batch):
    G.layers[1].trainable = False
    return sampling(training=True)(G, z, batch)


def frozen_for_a_while(G, z, batch):
    G.trainable = False
    try: return sampling(training=True)(G, z, batch)
    finally: G.trainable = True


def put_back(G, z, batch):
    before = G.get_weights()
    images = sampling(training=True)(G, z, batch)
    G.set_weights(before)
    return images


def repeated(G, z, batch):
    "A last batch that is filled up, and not cut again."
    missing = -len(z) % batch
    return sampling()(G, tf.concat([z, z[:missing]], 0), batch)


@pytest.mark.parametrize("check,answer", [
    (check_slerp, slerp), (check_truncated, truncated), (check_sample, sampling()),
    (check_truncated, lambda num, dim, tau, seed: sample_latents(num, dim, seed, tau)),
    (check_sample, lambda G, z, batch: G.predict(z, batch_size=batch, verbose=0)),
    (check_sample, frozen_for_a_while),
])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("check,answer,hint", [
    (check_slerp, lerp, "straight line"),
    (check_slerp, lambda z0, z1, t: slerp(z0, z1, t, care=False), "0/0"),
    (check_slerp, lambda z0, z1, t: slerp(z0, z1, t, clip=False), "clip it before acos"),
    (check_slerp, directions, "not their directions"),
    (check_slerp, lambda z0, z1, t: slerp(z1, z0, t), "at z0"),
    (check_slerp, lambda z0, z1, t: slerp(z0, z1, t)[None], "at z0"),
    (check_slerp, stretched, "a third of the angle"),
    (check_truncated, lambda *given: truncated(*given, next_draw=lambda draw: 0), "never ends"),
    (check_truncated, lambda *given: truncated(*given, next_draw=lambda draw: 7), "never ends"),
    (check_truncated, lambda n, d, tau, seed: tf.clip_by_value(make_latents(n, d, seed), -tau, tau), "clipped"),
    (check_truncated, lambda n, d, tau, seed: make_latents(n, d, seed) * tau, "shrink"),
    (check_truncated, zeroed, "became 0"),
    (check_truncated, uniform, "0.540"),
    (check_truncated, with_state, "has to be stateless"),
    (check_truncated, lambda n, d, tau, seed: truncated(n, d, tau, 0), "another seed"),
    (check_truncated, lambda n, d, tau, seed: truncated(n, d, 1.0, seed), "tau is not used"),
    (check_truncated, lambda n, d, tau, seed: truncated(n * d, 1, tau, seed), "shape"),
    (check_truncated, lambda *given: tf.cast(truncated(*given), tf.float64), "float32"),
    (check_sample, sampling(training=True), "statistics have changed"),
    (check_sample, put_back, "depends on its neighbours"),
    (check_sample, frozen, "left frozen"),
    (check_sample, one_layer_frozen, "left frozen"),
    (check_sample, sampling(last=lambda num, batch: num // batch * batch), "the last batch is smaller"),
    (check_sample, repeated, "became 12 images"),
    (check_sample, lambda G, z, batch: sampling()(G, z, batch)[::-1], "in the order of the latents"),
    (check_sample, lambda G, z, batch: sampling()(G, z, batch)[..., :3], "the shape"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)


def test_drawing_is_put_back_in_order():
    draw = tf.random.stateless_normal
    with pytest.raises(AssertionError): check_truncated(lambda *given: truncated(*given, next_draw=lambda draw: 0))
    assert tf.random.stateless_normal is draw
