from itertools import product

import pytest

from gan_course.configuration import RECIPES, BaseConfig
from gan_course.exercises.configuration import check_differences, check_search, check_steps


def differences(a, b):
    a, b = a.to_dict(), b.to_dict()
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}


def search(config, pairs=product, **choices):
    every = [dict(zip(choices, values)) for values in pairs(*choices.values())]
    return [config.replace(**chosen, out=config.out/str(i)) for i, chosen in enumerate(every)]


def steps(config, num):
    images = num if config.limit is None else min(num, config.limit)
    return config.epochs * (images // config.batch_size // config.d_steps) * config.d_steps


@pytest.mark.parametrize("check,answer", [
    (check_differences, differences), (check_search, search), (check_steps, steps)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


def without_none(a, b): return {k: v for k, v in differences(a, b).items() if None not in v}
def only_recipe(a, b): return {k: v for k, v in differences(a, b).items() if k in RECIPES["modern"] or k == "limit"}


@pytest.mark.parametrize("answer,hint", [
    (without_none, "None is a value too"),
    (only_recipe, "all fields"),
    (lambda a, b: differences(b, a), "comes first"),
    (lambda a, b: {name: (value, value) for name, value in a.to_dict().items()}, "the same in both"),
    (lambda a, b: list(differences(a, b)), "a dictionary"),
    (lambda a, b: {k: v[1] for k, v in differences(a, b).items()}, "the pair"),
])
def test_differences_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_differences(answer)


@pytest.mark.parametrize("answer,hint", [
    (lambda config, **choices: search(config, zip, **choices), "zip takes one of each"),
    (lambda config, **choices: [c.replace(out=config.out) for c in search(config, **choices)], "overwrite another"),
    (lambda config, **choices: search(BaseConfig(out=config.out), **choices), "start from the given config"),
    (lambda config, **choices: search(config.replace(out="elsewhere"), **choices), "not inside"),
    (lambda config, **choices: search(config, **choices)[:-1], "nine combinations"),
])
def test_search_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_search(answer)


@pytest.mark.parametrize("answer,hint", [
    (lambda config, num: config.epochs * -(-num // config.batch_size), "round down"),
    (lambda config, num: config.epochs * num // config.batch_size, "in each epoch"),
    (lambda config, num: config.epochs * (num // config.batch_size), "limit says"),
    (lambda config, num: steps(config.replace(d_steps=1), num) * config.d_steps, "a batch of its own"),
    (lambda config, num: num // config.batch_size, "three epochs"),
])
def test_steps_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_steps(answer)
