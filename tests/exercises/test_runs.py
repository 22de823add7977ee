import numpy as np
import pytest

from gan_course.basics import CourseError
from gan_course.exercises.runs import Walk, check_restore, check_retention, check_state


def restore(folder, read, catch=CourseError, at_end=True, order=reversed):
    for path in order(folder.checkpoint_paths()):
        try: return path, read(path)
        except catch: continue
    if at_end: raise CourseError("no checkpoint can be read; start in another folder")


def by_name(folder, read):
    return restore(folder, read, order=lambda paths: sorted(paths, key=lambda p: p.name, reverse=True))


def test_restore_accepted(capsys):
    check_restore(restore)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    (lambda folder, read: (folder.latest_checkpoint(), read(folder.latest_checkpoint())), "an older one is good"),
    (by_name, "nine digits"), (lambda folder, read: restore(folder, read, order=list), "begins with the oldest"),
    (lambda folder, read: restore(folder, read, at_end=False), "raise a CourseError"),
    (lambda folder, read: restore(folder, read, catch=Exception), "catch CourseError only"),
    (lambda folder, read: restore(folder, read)[1], "."), (lambda folder, read: None, "nothing was returned")])
def test_restore_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_restore(answer)


def to_remove(steps, keep, every): return {s for s in steps if s not in sorted(steps)[-keep:] and s % every}


def test_retention_accepted(capsys):
    check_retention(to_remove)
    check_retention(lambda steps, keep, every: sorted(to_remove(steps, keep, every)))
    assert capsys.readouterr().out.count("correct") == 2


@pytest.mark.parametrize("answer,hint", [
    (lambda steps, keep, every: {s for s in steps[:-keep] if s % every}, "whatever the order"),
    (lambda steps, keep, every: set(sorted(steps)[:-keep]), "however old"),
    (lambda steps, keep, every: {s for s in sorted(steps)[keep:] if s % every}, "newest two"),
    (lambda steps, keep, every: set([s for s in sorted(steps) if s % every][:-keep]), "only 500, 900 and 1000"),
    (lambda steps, keep, every: set(), "only 500, 900 and 1000")])
def test_retention_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_retention(answer)


arrays = ["weights", "velocity", "order"]


def save(walk, copy=np.copy):
    return {n: copy(getattr(walk, n)) for n in arrays} | {"position": walk.position, "rng": walk.rng.bit_generator.state}


def load(walk, state, copy=np.copy, names=arrays, position=True, rng=True):
    for name in names: setattr(walk, name, copy(state[name]))
    if position: walk.position = state["position"]
    if rng: walk.rng.bit_generator.state = state["rng"]


def same(array): return array


def test_state_accepted(capsys):
    check_state(save, load)
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer,hint", [
    ((save, lambda w, s: load(w, s, names=["weights"])), "velocity is not restored"),
    ((save, lambda w, s: load(w, s, names=arrays[:2])), "order is not restored"),
    ((save, lambda w, s: load(w, s, position=False)), "position is not restored"),
    ((save, lambda w, s: load(w, s, rng=False)), "random state is not restored"),
    ((lambda w: save(w, same), load), "copy the array"), ((save, lambda w, s: load(w, s, same)), "load must copy too"),
    ((lambda w: [w.weights], load), "a dictionary")])
def test_state_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_state(*answer)


def test_walk_is_the_same_for_the_same_seed():
    assert np.array_equal(Walk(3).train(30).weights, Walk(3).train(30).weights)
    assert not np.array_equal(Walk(3).train(30).weights, Walk(4).train(30).weights)
