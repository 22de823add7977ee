import gan_course.tpu.config  # first: it chooses Keras's backend

import numpy as np
import pytest
from keras import ops

from gan_course.exercises.tpu_model import check_folded, check_kept, check_ranked
from gan_course.tpu.model import AdversarialModel


def named(**parts): return {f"{part}/{i}": v for part, variables in parts.items() for i, v in enumerate(variables)}
def kept(model, **parts): return named(**(dict(m=model.variables, g=model.g_optimizer.variables, d=model.d_optimizer.variables) | parts))


def part_by_part(model):
    "As `gan_course.tpu.train` does it."
    return named(G=model.generator.variables, D=model.discriminator.variables, ema=model.average.variables, own=[model.iteration],
                 g=model.g_optimizer.variables, d=model.d_optimizer.variables)


def without(*names):
    parts = dict(G=lambda m: m.generator.variables, D=lambda m: m.discriminator.variables, ema=lambda m: m.average.variables,
                 own=lambda m: [m.iteration], g=lambda m: m.g_optimizer.variables, d=lambda m: m.d_optimizer.variables)
    return lambda model: named(**{name: part(model) for name, part in parts.items() if name not in names})


def with_paths(model):
    return {f"{part}/{v.path}": v for part, network in (("G", model.generator), ("D", model.discriminator)) for v in network.variables} | {
        name: v for name, v in part_by_part(model).items() if name[0] not in "GD"}


@pytest.mark.parametrize("answer", [kept, part_by_part])
def test_kept_accepted(answer, capsys):
    check_kept(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda model: named(m=model.variables), "the generator's optimiser is missing"),
    (lambda model: named(m=model.variables, d=model.optimizer.variables), "the generator's optimiser is missing"),
    (without("d"), "the discriminator's optimiser is missing"), (without("ema"), "the average generator is missing"),
    (without("own"), "the number of the iteration is missing"), (without("D"), "the dropout's seeds are missing"),
    (lambda model: kept(model, m=model.weights), "the dropout's seeds are missing"),
    (lambda model: kept(model, m=model.trainable_variables), "BatchNorm's statistics are missing"),
    (lambda model: kept(model, m=model.non_trainable_variables), "a network's weights are missing"),
    (lambda model: {v.path: v for v in kept(model).values()}, "only the last of them"),
    (lambda model: {v.name: v for v in kept(model).values()}, "only the last of them"),
    (lambda model: {str(id(v)): v for v in kept(model).values()}, "a second model"), (with_paths, "a second model"),
    (lambda model: {name: ops.convert_to_numpy(v.value) for name, v in kept(model).items()}, "the variables themselves"),
    (lambda model: list(kept(model).values()), "a dictionary"), (lambda model: dict(enumerate(kept(model).values())), "the names are text")])
def test_kept_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_kept(answer)


def rows_to(taps): # parity, tap -> which rows of the kernel are added
    def folded(kernel):
        a = np.zeros((2, 2, 3), np.float32)
        for (p, s), rows in taps.items(): a[p, s, list(rows)] = 1
        return np.einsum("psa,qtb,ab->pqst", a, a, kernel)
    return folded


folded = rows_to({(0, 0): (0,), (0, 1): (1, 2), (1, 0): (0, 1), (1, 1): (2,)})


def by_slices(kernel):
    def halves(k): return np.stack([k[0], k[1] + k[2]]), np.stack([k[0] + k[1], k[2]])
    return np.stack([np.stack([part.T for part in halves(rows.T)]) for rows in halves(kernel)])


@pytest.mark.parametrize("answer", [folded, by_slices, lambda kernel: ops.convert_to_tensor(folded(kernel)),
                                    lambda kernel: folded(kernel).tolist()])
def test_folded_accepted(answer, capsys):
    check_folded(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (rows_to({(1, 0): (0,), (1, 1): (1, 2), (0, 0): (0, 1), (0, 1): (2,)}), "even and odd"),
    (rows_to({(0, 0): (0,), (0, 1): (1,), (1, 0): (1,), (1, 1): (2,)}), "none is left out"),
    (rows_to({(0, 0): (0, 1), (0, 1): (2,), (1, 0): (0, 1), (1, 1): (2,)}), "give another picture"),
    (lambda kernel: folded(kernel) / 2, "are added"), (lambda kernel: folded(kernel).transpose(2, 3, 0, 1), "say which kernel"),
    (lambda kernel: folded(kernel).transpose(1, 0, 3, 2), "rows and columns"), (lambda kernel: folded(kernel)[..., ::-1, ::-1], "turned round"),
    (lambda kernel: folded(kernel).reshape(4, 2, 2), "four kernels"), (lambda kernel: kernel, "four kernels")])
def test_folded_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_folded(answer)


def share(x): return ops.mean(ops.cast(x, "float32"))
def ranked(a_real, a_fake): return ops.mean((ops.sign(a_real[:, None] - a_fake[None, :]) + 1) / 2)


def in_numpy(a_real, a_fake):
    a, b = (ops.convert_to_numpy(x) for x in (a_real, a_fake))
    return np.mean([(x > y) + 0.5 * (x == y) for x in a for y in b])


def by_order(a_real, a_fake):
    "From the places in the sorted row, as Mann and Whitney count."
    a, b = (np.sort(ops.convert_to_numpy(x)) for x in (a_real, a_fake))
    return (np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")).mean() / 2 / len(b)


@pytest.mark.parametrize("answer", [ranked, in_numpy, by_order, lambda a, b: float(ranked(a, b))])
def test_ranked_accepted(answer, capsys):
    check_ranked(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda a, b: share(a > b), "same place in the batch"), (lambda a, b: ops.mean((ops.sign(a - b) + 1) / 2), "same place in the batch"),
    (lambda a, b: share(a[:, None] > b[None]), "always wrong"), (lambda a, b: share(a[:, None] >= b[None]), "always right"),
    (lambda a, b: ranked(b, a), "the larger logit"), (lambda a, b: (ops.sign(a[:, None] - b[None]) + 1) / 2, "one number"),
    (lambda a, b: ops.mean(ops.sigmoid(a[:, None] - b[None])), "that is 1"),
    (lambda a, b: share(ops.mean(a) > ops.mean(b)), "three are ranked rightly|0.75"),
    (lambda a, b: ranked(a, b) if len(a) == len(b) else share(a > b), "each with each")])
def test_ranked_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_ranked(answer)


def test_what_the_step_measures_is_the_strict_one():
    "The exercise says of `rank_accuracy` that a tie is wrong."
    a = np.zeros(4, np.float32)
    assert ops.convert_to_numpy(AdversarialModel.judgement(None, 0.0, 0.0, a, a))[4] == 0
