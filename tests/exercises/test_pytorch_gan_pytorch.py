"The checks of the PyTorch lab accept the solutions and reject the usual wrong answers, with a message that helps."
import numpy as np
import pytest

from gan_course.exercises.pytorch_gan_pytorch import check_arithmetic, check_diversity, check_winner


def pairs(images):
    x = images.reshape(len(images), -1).astype(float)
    return (x[:, None] - x[None])**2


def by_rank(row):
    if row["rank_accuracy"] > 0.9: return "discriminator"
    return "generator" if row["rank_accuracy"] < 0.5 else "neither"


SOLUTIONS = [
    (check_arithmetic, lambda n, b, e, k: (n//b*e, -(-(n//b*e)//k))),
    (check_winner, by_rank),
    (check_diversity, lambda i: np.sqrt(pairs(i).mean(2)).sum()/(len(i)*(len(i) - 1))),
]
WRONG = [
    (check_arithmetic, lambda n, b, e, k: (-(-n//b)*e, 0), "round down"),
    (check_arithmetic, lambda n, b, e, k: (n*e//b, 0), "before you multiply"),
    (check_arithmetic, lambda n, b, e, k: (n//b*e, n//b*e//k), "number 0"),
    (check_arithmetic, lambda n, b, e, k: (n//b*e, n//b*e//k + 1), "not 3"),
    (check_winner, lambda row: "discriminator" if row["loss_d"] < row["loss_g"] else "neither", "do not read them"),
    (check_winner, lambda row: "discriminator" if row["d_real"] > 0.9 else "neither", "read rank_accuracy"),
    (check_winner, lambda row: "discriminator" if row["rank_accuracy"] > 0.9 else "neither", "generator wins"),
    (check_diversity, lambda i: np.sqrt(pairs(i).mean(2)).mean(), "with itself"),
    (check_diversity, lambda i: np.abs(i[0] - i[-1]).mean()*1.0, "wraps around"),
    (check_diversity, lambda i: pairs(i).mean(2).sum()/(len(i)*(len(i) - 1)), "root of the mean square"),
    (check_diversity, lambda i: np.sqrt(pairs(i).mean(2).sum()/(len(i)*(len(i) - 1))), "per pair"),
]


@pytest.mark.parametrize("check, answer", SOLUTIONS)
def test_accepts(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("check, answer, hint", WRONG)
def test_rejects(check, answer, hint):
    with pytest.raises(AssertionError, match=hint): check(answer)
