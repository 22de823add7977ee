import jax.numpy as jnp
import numpy as np
import pytest

from gan_course.exercises.tpu_what_breaks import check_keep_finite, check_padded


def padded(x, size):
    if len(x) > size: raise ValueError("too many")
    y = np.zeros((size, *x.shape[1:]), np.float32)
    y[:len(x)] = x
    return y, (np.arange(size) < len(x)).astype(np.float32)


def keep_finite(old, new, gradients):
    finite = jnp.all(jnp.array([jnp.isfinite(g).all() for g in gradients]))
    return [jnp.where(finite, b, a) for a, b in zip(old, new)]


@pytest.mark.parametrize("check, answer", [
    (check_padded, padded), (check_padded, lambda x, size: list(padded(x, size))),
    (check_padded, lambda x, size: tuple(map(jnp.asarray, padded(x, size)))),
    (check_keep_finite, keep_finite), (check_keep_finite, lambda o, n, g: tuple(keep_finite(o, n, g)))])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer, hint", [
    (lambda x, size: (np.resize(x, (size, *x.shape[1:])).astype(np.float32), padded(x, size)[1]), "zeros"),
    (lambda x, size: (padded(x, size)[0], np.ones(size, np.float32)), "0 for a padded one"),
    (lambda x, size: padded(x[:size], size), "raise a ValueError"),
    (lambda x, size: (padded(x, size)[0], padded(x, size)[1][::-1]), "beside the wrong rows"),
    (lambda x, size: (padded(x, size)[0][::-1], padded(x, size)[1][::-1]), "come first"),
    (lambda x, size: (padded(x, size)[0], padded(x, size)[1].astype(bool)), "float32"),
    (lambda x, size: padded(x, size)[0], "two things"),
    (lambda x, size: (x, np.ones(len(x), np.float32)), "one shape is the point")])
def test_padded_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_padded(answer)


@pytest.mark.parametrize("answer, hint", [
    (lambda o, n, g: n if all(jnp.isfinite(x).all() for x in g) else o, "jnp.where"),
    (lambda o, n, g: [jnp.where(jnp.isfinite(x).all(), b, a) for a, b, x in zip(o, n, g)], "one step"),
    (lambda o, n, g: n, "the old weights"), (lambda o, n, g: o, "the new weights"),
    (lambda o, n, g: [jnp.where(jnp.isnan(sum(x.sum() for x in g)), a, b) for a, b in zip(o, n)], "infinity in the last"),
    (lambda o, n, g: keep_finite(o, n, g)[0], "as long as")])
def test_keep_finite_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_keep_finite(answer)
