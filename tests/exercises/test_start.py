import os

import pytest

from gan_course.basics import CourseError, budget
from gan_course.exercises.start import check_budget, check_message, fast_set_to


def setting(): return os.environ.get("GAN_COURSE_FAST", "")


def three_way(full, demo, fast): return demo if setting().strip().lower() == "demo" else budget(full, fast)


def test_three_lengths_accepted(capsys):
    check_budget(three_way)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda full, demo, fast: budget(full, fast), "takes demo for yes"),
    (lambda full, demo, fast: demo if setting() == "demo" else budget(full, fast), "lower()"),
    (lambda full, demo, fast: demo if setting().strip().lower() == "demo" else fast if setting() else full, "not empty"),
    (lambda full, demo, fast: demo if setting().strip().lower() == "demo" else full, "as before"),
])
def test_three_lengths_rejected(answer, hint):
    with pytest.raises(AssertionError, match="(?s)" + hint.replace("(", r"\(").replace(")", r"\)")): check_budget(answer)


def test_the_switch_is_put_back():
    before = os.environ.get("GAN_COURSE_FAST")
    with pytest.raises(ZeroDivisionError), fast_set_to("demo"): 1 / 0
    assert os.environ.get("GAN_COURSE_FAST") == before


def read_rate(text, message="the rate is {text!r}; give a number above zero, such as 2e-4"):
    try: rate = float(text)
    except ValueError: rate = 0.0
    if not 0 < rate < float("inf"): raise CourseError(message.format(text=text))
    return rate


def test_message_accepted(capsys):
    check_message(read_rate)
    assert "correct" in capsys.readouterr().out


def lenient(text):
    try: rate = float(text)
    except ValueError: rate = 0.0
    if rate <= 0: raise CourseError(f"the rate is {text!r}; give a number above zero, such as 2e-4")
    return rate


@pytest.mark.parametrize("answer,hint", [
    (float, "raised ValueError"),
    (lenient, "nan is neither"),
    (lambda text: read_rate(text, "the rate is bad; give 2e-4"), "does not say what was given"),
    (lambda text: read_rate(text, "{text!r} is bad"), "no example"),
    (lambda text: read_rate(text, "{text!r} is bad\ngive 2e-4"), "not one line"),
])
def test_message_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_message(answer)
