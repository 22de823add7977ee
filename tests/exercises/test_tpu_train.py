import gan_course.tpu.config  # first: it chooses Keras's backend

import math

import numpy as np
import pytest

from gan_course.exercises.tpu_train import check_means, check_spacing


class Means:
    def __init__(self): self.sums, self.steps = {}, 0
    def add(self, means, steps):
        self.sums = {name: self.sums.get(name, 0) + steps * value for name, value in means.items()}
        self.steps += steps
    def value(self): return {name: value / self.steps for name, value in self.sums.items()}
    def state_dict(self): return dict(sums=dict(self.sums), steps=self.steps)
    def load_state_dict(self, state): self.sums, self.steps = dict(state["sums"]), state["steps"]


class Running:
    "A mean that moves towards each part by its share of the steps."
    def __init__(self): self.mean, self.n = {}, 0
    def add(self, means, steps):
        self.n += steps
        self.mean = {name: (old := self.mean.get(name, 0.0)) + (value - old) * steps / self.n for name, value in means.items()}
    def value(self): return dict(self.mean)
    def state_dict(self): return {"n": self.n, "mean": dict(self.mean)}
    def load_state_dict(self, state): self.n, self.mean = state["n"], dict(state["mean"])


class AllParts(Means):
    "Keeps every part."
    def __init__(self): self.parts = []
    def add(self, means, steps): self.parts.append([dict(means), steps])
    def value(self):
        steps = sum(n for _, n in self.parts)
        return {name: sum(means[name] * n for means, n in self.parts) / steps for name in self.parts[0][0]}
    def state_dict(self): return dict(parts=list(self.parts))
    def load_state_dict(self, state): self.parts = list(state["parts"])


class OfMeans(Means):
    def add(self, means, steps): super().add(means, 1)


class Last(Means):
    def add(self, means, steps): self.sums, self.steps = dict(means), 1


class Sums(Means):
    def value(self): return dict(self.sums)


class NoCount(Means):
    def state_dict(self): return self.value()
    def load_state_dict(self, state): self.sums, self.steps = dict(state), 1


class Growing(Means):
    def add(self, means, steps):
        for name, value in means.items(): self.sums[name] = self.sums.get(name, 0) + steps * value
        self.steps += steps
    def state_dict(self): return dict(sums=self.sums, steps=self.steps)


class LoadsItself(Growing):
    def state_dict(self): return dict(sums=dict(self.sums), steps=self.steps)
    def load_state_dict(self, state): self.sums, self.steps = state["sums"], state["steps"]


class Fresh(Means):
    def load_state_dict(self, state): pass


class Scaling(Means):
    "Multiplies in the dictionary that it was given."
    def add(self, means, steps):
        for name in means: means[name] *= steps
        self.sums = {name: self.sums.get(name, 0) + value for name, value in means.items()}
        self.steps += steps


class Arrays(Means):
    def state_dict(self): return {name: np.float32(value) for name, value in self.sums.items()}


class Emptied(Means):
    def value(self):
        value = super().value()
        self.sums = {name: 0.0 for name in self.sums}
        return value


class OfTheClass(Means):
    sums, steps = {}, 0
    def __init__(self): pass
    def add(self, means, steps):
        for name, value in means.items(): OfTheClass.sums[name] = OfTheClass.sums.get(name, 0) + steps * value
        OfTheClass.steps += steps


class Mute(Means):
    def value(self): super().value()


@pytest.mark.parametrize("answer", [Means, Running, AllParts])
def test_means_accepted(answer, capsys):
    check_means(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (OfMeans, "a mean of means"), (Last, "only the last part"), (Sums, "that part's|divide by all"), (NoCount, "the count belongs to the state"),
    (Growing, "give a copy"), (LoadsItself, "take a copy of it"), (Fresh, "begins at nothing"), (Scaling, "it is the caller's|that part's"),
    (Arrays, "cannot be written as JSON"), (Emptied, "to look changes"), (OfTheClass, "to the object|not {|1.75"), (Mute, "gives nothing")])
def test_means_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_means(answer)


def spacing(save, step, between): return max(1, round(math.sqrt(2 * save * between) / step))


def searched(save, step, between):
    return min((round(1.05**k) for k in range(300)), key=lambda n: save / (n * step) + n * step / (2 * between))


@pytest.mark.parametrize("answer", [spacing, searched, lambda *given: int(0.96 * spacing(*given)) or 1,
                                    lambda save, step, between: max(1, math.ceil(math.sqrt(2 * save * between) / step))])
def test_spacing_accepted(answer, capsys):
    check_spacing(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda save, step, between: max(1, round(math.sqrt(2 * save * between))), "steps are wanted"),
    (lambda save, step, between: max(1, round(math.sqrt(save * between) / step)), "half of one"),
    (lambda save, step, between: round(math.sqrt(2 * save * between) / step), "never end"),
    (lambda save, step, between: math.sqrt(2 * save * between) / step, "a whole number"),
    (lambda save, step, between: round(math.sqrt(2 * between / save) / step), "the rarer"),
    (lambda save, step, between: round(between / step), "the rarer"), (lambda save, step, between: 1000, "least is lost"),
    (lambda save, step, between: round(save / step), "least is lost")])
def test_spacing_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_spacing(answer)
