import sys

import pytest

from gan_course.basics import CourseError
from gan_course.exercises.command import check_last, check_status


def status(kind=CourseError, file=lambda: sys.stderr, text=lambda error: " ".join(str(error).split()), code=2):
    def run(command):
        try: command()
        except kind as error:
            print("demo:", text(error), file=file())
            return code
        except KeyboardInterrupt: return 130
        return 0
    return run


def last(arguments, name):
    value = None
    for text, following in zip(arguments, [*arguments[1:], None]):
        if text == name and following is not None: value = following
        if text.startswith(name + "="): value = text.split("=", 1)[1]
    return value


def first(arguments, name):
    for i, text in enumerate(arguments):
        if text == name: return arguments[i + 1]
        if text.startswith(name + "="): return text.split("=", 1)[1]


def no_equals(arguments, name): return arguments[arguments.index(name) + 1] if name in arguments else None


def prefix(arguments, name):
    value = None
    for text, following in zip(arguments, [*arguments[1:], None]):
        if text.startswith(name): value = text.split("=", 1)[1] if "=" in text else following
    return value


def careless(arguments, name):
    return arguments[-1] if arguments and arguments[-1] == name else last(arguments, name)


@pytest.mark.parametrize("check,answer", [(check_status, status()), (check_last, last)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("check,answer,hint", [
    (check_status, status(kind=Exception), "was hidden"),
    (check_status, status(file=lambda: sys.stdout), "standard output is for results"),
    (check_status, status(text=str), "one line"),
    (check_status, status(code=1), "gives 2"),
    (check_status, lambda command: command(), "gives 0"),
    (check_last, first, "the last one counts"),
    (check_last, no_equals, "the same as"),
    (check_last, prefix, "another option"),
    (check_last, careless, "without a value"),
])
def test_rejected(check, answer, hint):
    with pytest.raises(AssertionError) as error: check(answer)
    assert hint in str(error.value)
