import gan_course.tensorflow.config  # first: it keeps TensorFlow quiet

import numpy as np
import pytest
import tensorflow as tf

from gan_course.exercises.tensorflow_data import check_pipeline, check_position, check_shifted


def position(seen, num, size): return divmod(seen // size, num // size)


def slices(images): return tf.data.Dataset.from_tensor_slices(images)


def pipeline(images, size, seed, buffer=None, **options):
    return slices(images).shuffle(buffer or len(images), seed=seed, **options).batch(size, drop_remainder=True)


def shifted(x, dy, dx, fill=-1.0, margin=8):
    padded = tf.pad(x, [[0, 0], [margin] * 2, [margin] * 2, [0, 0]], constant_values=fill)
    rows, columns = (tf.range(n) + margin - d[:, None] for n, d in ((x.shape[1], dy), (x.shape[2], dx)))
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


@pytest.mark.parametrize("check,answer", [
    (check_position, position), (check_pipeline, pipeline), (check_shifted, shifted),
    (check_pipeline, lambda images, size, seed: pipeline(images, size, seed).prefetch(1)),
    (check_pipeline, lambda images, size, seed: slices(images).cache().shuffle(9999, seed).batch(size, True))])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda seen, num, size: (seen // num, seen % num // size), "four full"),
    (lambda seen, num, size: position(max(seen - size, 0), num, size), "what comes next"),
    (lambda seen, num, size: (seen // (num // size * size), seen % (num // size * size)), "counts batches"),
    (lambda seen, num, size: position(seen, num, size)[::-1], "the epoch comes first"),
    (lambda seen, num, size: (position(seen, num, size)[0] + 1, position(seen, num, size)[1]), "count from 0")])
def test_position_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_position(answer)


@pytest.mark.parametrize("answer,hint", [
    (lambda images, size, seed: pipeline(images, size, seed, buffer=100), "too small"),
    (lambda images, size, seed: pipeline(images, size, seed, buffer=400), "too small"),
    (lambda images, size, seed: slices(images).batch(size, True).shuffle(99, seed), "before they are batches"),
    (lambda images, size, seed: slices(images).batch(size, True), "before they are batches"),
    (lambda images, size, seed: slices(images).shuffle(len(images), seed).batch(size), "drop_remainder"),
    (lambda images, size, seed: pipeline(images, size, seed).cache(), "the order of the first"),
    (lambda images, size, seed: pipeline(images, size, seed, reshuffle_each_iteration=False), "the order of the first"),
    (lambda images, size, seed: pipeline(images, size, None), "seed the shuffle"),
    (lambda images, size, seed: pipeline(images, size, 7), "another seed gave the same order"),
    (lambda images, size, seed: pipeline(images, size, seed).repeat(), "no repeat"),
    (lambda images, size, seed: pipeline(images, size, seed).repeat(2), "ten batches"),
    (lambda images, size, seed: pipeline(images, size // 2, seed), "not 60"),
    (lambda images, size, seed: list(pipeline(images, size, seed)), "not a tf.data.Dataset"),
    (lambda images, size, seed: slices(images).repeat(2).shuffle(9999, seed).batch(size, True).take(10), "ten batches")])
def test_pipeline_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_pipeline(answer)


def rolled(x, dy, dx): return tf.stack([tf.roll(i, (int(a), int(b)), (0, 1)) for i, a, b in zip(x, dy, dx)])
def in_numpy(x, dy, dx): return shifted(x, dy, dx, margin=int(np.abs([dy.numpy(), dx.numpy()]).max()))


def edge(x, dy, dx):
    rows = tf.clip_by_value(tf.range(8) - dy[:, None], 0, 7)
    columns = tf.clip_by_value(tf.range(8) - dx[:, None], 0, 7)
    return tf.gather(tf.gather(x, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


@pytest.mark.parametrize("answer,hint", [
    (rolled, "round the edge"), (edge, "the edge is repeated"),
    (lambda x, dy, dx: shifted(x, dy, dx, 0.0), "black is -1"),
    (lambda x, dy, dx: shifted(x, -dy, -dx), "the sign"),
    (lambda x, dy, dx: shifted(x, dx, dy), "exchanged"),
    (lambda x, dy, dx: shifted(x, tf.repeat(dy[:1], 6), tf.repeat(dx[:1], 6)), "the shift of the first"),
    (lambda x, dy, dx: tf.transpose(shifted(x, dy, dx), (0, 3, 1, 2)), "the shape"),
    (lambda x, dy, dx: tf.cast(shifted(x, dy, dx), tf.float64), "float32"),
    (lambda x, dy, dx: x, "not where they should be"),
    (in_numpy, "not in a tf.function")])
def test_shifted_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_shifted(answer)
