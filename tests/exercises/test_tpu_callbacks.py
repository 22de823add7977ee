import gan_course.tpu.config  # first: it chooses Keras's backend

import keras
import numpy as np
import pytest

from gan_course.exercises.tpu_callbacks import EVEN, check_doubling, check_won, pretended_fit


def won_by(lost=lambda logs: logs["rank_accuracy"] > 0.98 and logs["d_fake"] < 0.05, begin_anew=0, beyond=0):
    class Won(keras.callbacks.Callback):
        def __init__(self, patience):
            super().__init__()
            self.patience, self.row = patience, 0
        def on_epoch_end(self, epoch, logs=None):
            self.row = self.row + 1 if lost(logs) else self.row * begin_anew
            if self.row >= self.patience + beyond: self.stop()
        def stop(self): self.model.stop_training = True
    return Won


Good = won_by()


class Remembering(keras.callbacks.Callback):
    "Keeps all logs and looks back."
    def __init__(self, patience):
        super().__init__()
        self.patience, self.rows = patience, []
    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(logs["rank_accuracy"] > 0.98 and logs["d_fake"] < 0.05)
        if len(self.rows) >= self.patience and all(self.rows[-self.patience:]): self.model.stop_training = True


class Raises(Good):
    def stop(self): raise KeyboardInterrupt


class OnItself(Good):
    def stop(self): self.stop_training = True


class OfTheClass(keras.callbacks.Callback):
    row = 0
    def __init__(self, patience):
        super().__init__()
        self.patience = patience
    def on_epoch_end(self, epoch, logs=None):
        OfTheClass.row = OfTheClass.row + 1 if logs["rank_accuracy"] > 0.98 and logs["d_fake"] < 0.05 else 0
        if OfTheClass.row >= self.patience: self.model.stop_training = True


class NoCallback:
    def __init__(self, patience): pass


@pytest.mark.parametrize("answer", [Good, Remembering])
def test_won_accepted(answer, capsys):
    check_won(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (won_by(begin_anew=1), "breaks the row"), (won_by(beyond=1), "count this one too"), (won_by(beyond=-1), "no reason to stop"),
    (won_by(lambda logs: logs["rank_accuracy"] > 0.98), "the generator still learns"),
    (won_by(lambda logs: logs["d_fake"] < 0.05), "every third pair"),
    (won_by(lambda logs: logs["rank_accuracy"] > 0.98 or logs["d_fake"] < 0.05), "both have to be so"),
    (won_by(lambda logs: logs["loss_d"] < 2), "a game that is even"), (Raises, "nothing is saved"), (OnItself, "self.model.stop_training"),
    (OfTheClass, "belongs to the object|no reason|breaks the row"), (NoCallback, "inherit from it")])
def test_won_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_won(answer)


class Doubling(keras.callbacks.Callback):
    def __init__(self, draw):
        super().__init__()
        self.draw, self.done, self.last = draw, None, None
    def number(self, epoch): return epoch + 1
    def on_epoch_end(self, epoch, logs=None):
        self.done = self.number(epoch)
        if self.done & (self.done - 1) == 0: self.picture()
    def on_train_end(self, logs=None):
        if self.done != self.last: self.picture()
    def picture(self):
        self.last = self.done
        self.draw(self.done)


class ByLogarithm(Doubling):
    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1
        if np.log2(self.done) % 1 == 0: self.picture()


class ByLength(Doubling):
    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1
        if self.done in [2**k for k in range(40)]: self.picture()


class FromZero(Doubling):
    def number(self, epoch): return epoch


class Counting(Doubling):
    calls = 0
    def on_epoch_end(self, epoch, logs=None):
        self.calls, self.done = self.calls + 1, epoch + 1
        if self.calls & (self.calls - 1) == 0: self.picture()


class Waits(Doubling):
    "Doubles what it waits for, from 1: a resumed run draws at once."
    due = 1
    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1
        if self.done >= self.due: self.due *= 2; self.picture()


class Twice(Doubling):
    def on_train_end(self, logs=None): self.picture()


class Forgets(Doubling):
    def on_train_end(self, logs=None): pass


class Expecting(Forgets):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.done == self.params["epochs"] != self.last: self.picture()


class Always(Doubling):
    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1
        self.picture()


class EveryTwo(Doubling):
    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1
        if self.done % 2 == 0: self.picture()


@pytest.mark.parametrize("answer", [Doubling, ByLogarithm, ByLength])
def test_doubling_accepted(answer, capsys):
    check_doubling(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (FromZero, "from 0"), (Counting, "do not count calls"), (Waits, "do not count calls"), (Twice, "drawn already"), (Forgets, "the last is 10"),
    (Expecting, "stopped after 5"), (Always, "1, 2, 4 and 8"), (EveryTwo, "1, 2, 4 and 8"),
    (lambda draw: keras.callbacks.Callback(), "nothing was drawn"), (lambda draw: None, "inherit from it")])
def test_doubling_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_doubling(answer)


class Calls(keras.callbacks.Callback):
    "What is called, and when."
    def __init__(self, stop_after):
        super().__init__()
        self.seen, self.stop_after = [], stop_after
    def on_train_begin(self, logs=None): self.seen.append("begin")
    def on_epoch_begin(self, epoch, logs=None): self.seen.append(("epoch", epoch))
    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("end", epoch))
        self.model.stop_training = epoch == self.stop_after
    def on_train_end(self, logs=None): self.seen.append("end")


@pytest.mark.parametrize("first,epochs,stop_after", [(0, 3, None), (0, 4, 1), (2, 5, None), (3, 3, None)])
def test_the_pretended_fit_calls_what_fit_calls(first, epochs, stop_after):
    pretended, real = Calls(stop_after), Calls(stop_after)
    done = pretended_fit(pretended, [EVEN] * (epochs - first), first)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=epochs, initial_epoch=first, verbose=0, callbacks=[real])
    assert pretended.seen == real.seen and done == (epochs if stop_after is None else stop_after + 1)
