import pytest

torch = pytest.importorskip("torch")

from gan_course.exercises.pytorch_config import check_pick, check_survives


def pick(name, there):
    if name == "auto": return there[0]
    if name.split(":")[0] not in there: raise ValueError
    return name


def survives(weight, update, dtype):
    before = torch.tensor(weight, dtype=dtype)
    return bool(before + torch.tensor(update, dtype=dtype) != before)


@pytest.mark.parametrize("check,answer", [(check_pick, pick), (check_survives, survives)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


def falls_back(name, there): return name if name.split(":")[0] in there else there[0]


def no_numbers(name, there):
    if name == "auto": return there[0]
    if name not in there: raise ValueError
    return name


def best_of_all(name, there):
    if name.split(":")[0] not in ["auto", *there]: raise ValueError
    return there[0]


@pytest.mark.parametrize("answer,hint", [
    (falls_back, "there is none"), (no_numbers, "before the colon"), (best_of_all, "no GPU instead"),
    (lambda name, there: there[-1] if name == "auto" else pick(name, there), "the first of the list"),
    (lambda name, there: pick(name, there).split(":")[0], "it would be cuda"),
])
def test_pick_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_pick(answer)


def only_up(weight, update, dtype):
    before = torch.tensor(weight, dtype=dtype)
    return bool(before + torch.tensor(update, dtype=dtype) > before)


@pytest.mark.parametrize("answer,hint", [
    (lambda weight, update, dtype: bool(torch.tensor(update, dtype=dtype) != 0), "compare the sum"),
    (lambda weight, update, dtype: abs(update) > torch.finfo(dtype).eps / 2, "closer together"),
    (only_up, "negative"),
    (lambda weight, update, dtype: weight + update != weight, "compare the sum"),
    (lambda weight, update, dtype: survives(weight, update, torch.float16), "other two|range of float32|compare the sum"),
])
def test_survives_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_survives(answer)
