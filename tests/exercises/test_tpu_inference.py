import gan_course.tpu.config  # first: it chooses Keras's backend

import math
from statistics import NormalDist

import numpy as np
import pytest

from gan_course.exercises.tpu_inference import check_latents_of, check_log_tries


def each(entropy, draw=lambda rng, n: rng.standard_normal(n, np.float32)):
    def latents_of(numbers, latent_dim, seed):
        return np.stack([draw(np.random.default_rng(entropy(seed, i)), latent_dim) for i in numbers])
    return latents_of


def both(seed, i): return [seed, i]
latents_of = each(both)


def philox(numbers, latent_dim, seed):
    "A counter as large as the number."
    def one(i): return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, i])).standard_normal(latent_dim, np.float32)
    return np.stack([one(i) for i in numbers])


@pytest.mark.parametrize("answer", [latents_of, philox, each(lambda seed, i: [i, seed]),
                                    each(lambda seed, i: np.random.SeedSequence(seed, spawn_key=(i,))),
                                    each(both, lambda rng, n: rng.normal(size=n).astype(np.float32)), each(lambda seed, i: seed + 2**64 * i)])
def test_latents_of_accepted(answer, capsys):
    check_latents_of(answer)
    assert capsys.readouterr().out.startswith("correct")


def at_once(numbers, latent_dim, seed): return np.random.default_rng(seed).standard_normal((len(numbers), latent_dim), np.float32)


def all_before(numbers, latent_dim, seed):
    return np.random.default_rng(seed).standard_normal((max(numbers) + 1, latent_dim), np.float32)[list(numbers)]


def with_company(numbers, latent_dim, seed):
    rng = np.random.default_rng([seed, *numbers])
    return rng.standard_normal((len(numbers), latent_dim), np.float32)


@pytest.mark.parametrize("answer,hint", [
    (at_once, "its place"), (with_company, "its place"), (each(lambda seed, i: seed + i), "a sum forgets"),
    (each(lambda seed, i: 1000 * seed + i), "a sum forgets"), (each(lambda seed, i: (seed + 1) * (i + 1)), "a sum forgets"),
    (all_before, "the latents before it"), (each(lambda seed, i: i), "another seed"), (each(lambda seed, i: seed), "two numbers"),
    (each(lambda seed, i: None), "a generator with a seed"), (lambda *given: latents_of(*given).astype(float), "float32"),
    (lambda *given: latents_of(*given)[0], "of length 16"), (each(both, lambda rng, n: rng.random(n, np.float32)), "the mean 0"),
    (each(both, lambda rng, n: 2 * rng.random(n, np.float32) - 1), "the deviation 1"),
    (each(both, lambda rng, n: (12**0.5 * (rng.random(n) - 0.5)).astype(np.float32)), "not normal")])
def test_latents_of_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_latents_of(answer)


def within(limit): return 1 - 2 * NormalDist().cdf(-limit)
def log_tries(limit, latent_dim, p=within): return -latent_dim * math.log10(p(limit))


@pytest.mark.parametrize("answer", [log_tries, lambda limit, d: log_tries(limit, d, lambda limit: math.erf(limit / 2**0.5)),
                                    lambda limit, d: d * np.log10(1 / within(limit)), lambda limit, d: -sum([math.log10(within(limit))] * d)])
def test_log_tries_accepted(answer, capsys):
    check_log_tries(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("answer,hint", [
    (lambda limit, d: math.log10(1 / within(limit)**d), "multiply the logarithm"),
    (lambda limit, d: -math.log10(within(limit)**d), "multiply the logarithm"),
    (lambda limit, d: -np.log10(np.float64(within(limit))**d), "too small for a float"),
    (lambda limit, d: log_tries(limit, d, NormalDist().cdf), "two sides"),
    (lambda limit, d: math.log10(d / within(limit)), "a power, and not"), (lambda limit, d: log_tries(limit, 1), "at the same time"),
    (lambda limit, d: -log_tries(limit, d), "one try is the least"), (lambda limit, d: -d * math.log(within(limit)), "base 10"),
    (lambda limit, d: 1 / within(limit)**min(d, 300), "is wanted, not")])
def test_log_tries_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_log_tries(answer)
