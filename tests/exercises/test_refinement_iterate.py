from itertools import product

import numpy as np
import pytest

from gan_course.exercises.refinement_iterate import check_confirm, check_paired, check_rounds


def paired(side=np.abs, keep=lambda means, ours: means >= ours - 1e-12, drop=0, share=1.0):
    def p(base, candidate):
        d = candidate - base
        means = side(np.array(list(product([1, -1], repeat=len(d))))[drop:] @ d)
        return share * keep(means, side(d.sum())).mean()
    return p


def unpaired(base, candidate):
    both, n, rng = np.concatenate([base, candidate]), len(base), np.random.default_rng(0)
    orders = [rng.permutation(both) for _ in range(2000)]
    means = np.abs([order[:n].mean() - order[n:].mean() for order in orders])
    return (means >= abs(base.mean() - candidate.mean())).mean()


def rounds(grow=lambda i, units: units * 2**i, until=1):
    def of(variants, units):
        found, i = [], 0
        while variants > until:
            found.append((variants, grow(i, units)))
            variants, i = variants // 2, i + 1
        return found
    return of


def confirm(measure=lambda s, w, n: s[w, n:].mean(), choose=lambda s, n: s[:, :n].mean(1).argmin()):
    def of(scores, search):
        winner = choose(scores, search)
        return winner, measure(scores, winner, search)
    return of


@pytest.mark.parametrize("check,answer", [
    (check_paired, paired()), (check_rounds, rounds()), (check_confirm, confirm()),
    (check_rounds, lambda variants, units: [(variants // 2**i, units * 2**i) for i in range(variants.bit_length() - 1)]),
])
def test_accepted(check, answer, capsys):
    check(answer)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("check,answer,hint", [
    (check_paired, unpaired, "torn apart"),
    (check_paired, paired(side=lambda means: -means), "one-sided"),
    (check_paired, paired(side=lambda means: means), "torn apart"),
    (check_paired, paired(keep=lambda means, ours: means > ours + 1e-9), "p is 0"),
    (check_paired, paired(share=0.5), "one-sided"),
    (check_paired, lambda base, candidate: np.ptp([base.mean(), candidate.mean()]), "torn apart"),
    (check_rounds, rounds(lambda i, units: units), "less and less"),
    (check_rounds, rounds(lambda i, units: units / 2**i), "halved too"),
    (check_rounds, rounds(lambda i, units: units * (2 * 2**i - 1)), "the beginning"),
    (check_rounds, rounds(until=0), "it has won"),
    (check_rounds, lambda variants, units: [], "need rounds"),
    (check_rounds, lambda variants, units: [(variants, units)], "then 4"),
    (check_confirm, confirm(lambda s, w, n: s[w, :n].mean()), "made it the winner"),
    (check_confirm, confirm(lambda s, w, n: s[w].mean()), "had a part"),
    (check_confirm, confirm(lambda s, w, n: s[w, n:].min()), "off by"),
    (check_confirm, confirm(lambda s, w, n: s[:, n:].min()), "off by"),
    (check_confirm, confirm(choose=lambda s, n: s.mean(1).argmin()), "first seeds"),
    (check_confirm, confirm(choose=lambda s, n: s[:, n:].mean(1).argmin()), "first seeds"),
    (check_confirm, confirm(choose=lambda s, n: s[:, :n].mean(1).argmax()), "the worst"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)
