import pytest

from gan_course.exercises.site import check_kaggle_link, check_order


def kaggle_link(lesson, cfg):
    github = f"https://github.com/{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/{lesson}.ipynb"
    return f"https://kaggle.com/kernels/welcome?src={github}"


def test_link_accepted(capsys):
    check_kaggle_link(kaggle_link)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda lesson, cfg: kaggle_link(lesson, cfg | {"branch": "main"}), "branch"),
    (lambda lesson, cfg: kaggle_link(lesson, cfg | {"user": "someone"}), "another repository"),
    (lambda lesson, cfg: kaggle_link(lesson, cfg).replace("/nbs/", "/"), "nbs/ included"),
    (lambda lesson, cfg: kaggle_link(lesson, cfg).replace("https://github.com/", "github/"), "src="),
])
def test_link_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_kaggle_link(answer)


def misplaced(order, imports, wrong=lambda a, b: b >= a):
    return sorted((a, b) for a in imports for b in imports[a] if wrong(order.index(a), order.index(b)))


def test_order_accepted(capsys):
    check_order(misplaced)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda order, imports: misplaced(order, imports, lambda a, b: b < a), "wrong way round"),
    (lambda order, imports: misplaced(order, imports, lambda a, b: b > a), ">="),
    (lambda order, imports: sorted((a, b) for a in imports for b in imports[a] if b >= a), "names"),
    (lambda order, imports: [], "should be found"),
])
def test_order_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_order(answer)
