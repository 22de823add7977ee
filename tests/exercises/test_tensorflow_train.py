import gan_course.tensorflow.config  # first: it chooses Keras's backend

import numpy as np
import pytest

from gan_course.exercises.tensorflow_train import check_average, check_checkpoint


def right(images, half_life): return 0.5 ** (images / half_life)
def mixed(a, b, k): return k * a + (1 - k) * b


def following(keep=right, statistics=lambda a, b, k: b, of=lambda network: network.variables, thaw=False):
    def follow(average, network, images, half_life):
        k, learned = keep(images, half_life), [v.path for v in network.trainable_variables]
        for a, b in zip(of(average), of(network)):
            a.assign(mixed(a, b, k) if b.path in learned else statistics(a, b, k))
        if thaw: average.trainable = True
    return follow


def wrong_network(average, network, images, half_life):
    k = right(images, half_life)
    for a, b in zip(average.variables, network.variables): b.assign(mixed(b, a, k))


def only_kernels(average, network, images, half_life):
    for a, b in zip(average.variables, network.variables):
        if "kernel" in b.path: a.assign(mixed(a, b, right(images, half_life)))


def rebinding(average, network, images, half_life):
    for a, b in zip(average.variables, network.variables): a = mixed(a, b, right(images, half_life))


def by_weights(average, network, images, half_life):
    k, learned = right(images, half_life), [v.path for v in network.trainable_variables]
    average.set_weights([mixed(a, b, k) if v.path in learned else b for v, a, b in zip(
        network.weights, average.get_weights(), network.get_weights())])


def test_average_accepted(capsys):
    check_average(following())
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (following(of=lambda network: network.trainable_variables), "an empty list"),
    (rebinding, "did not move"),
    (following(statistics=lambda a, b, k: a), "forgotten"),
    (following(statistics=mixed), "copy them"),
    (following(lambda n, h: 0.5 ** (1 / h)), "in images"),
    (following(lambda n, h: 1 - right(n, h)), "wrong way round"),
    (following(lambda n, h: 0.9), "should move to"),
    (following(thaw=True), "not any more"),
    (only_kernels, "like the others"),
    (wrong_network, "was changed"),
    (by_weights, "assign to the variables"),
])
def test_average_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_average(answer)


def checkpoint(build=True, of=lambda network: network.variables, moments=True, step=lambda state: int(state["step"]),
               about=lambda network, optimizer, step: dict(step=step)):
    def variables(network, optimizer): return of(network) + (optimizer.variables if moments else [])
    def save(network, optimizer, step):
        arrays = {f"v{i}": v.numpy() for i, v in enumerate(variables(network, optimizer))}
        return arrays | about(network, optimizer, step)
    def load(network, optimizer, state):
        if build: optimizer.build(network.trainable_variables)
        for i, v in enumerate(variables(network, optimizer)): v.assign(state[f"v{i}"])
        return step(state)
    return save, load


def by_keras(build=True):
    "Keras's own way to save an optimiser, which skips what is not built with a warning."
    def save(network, optimizer, step):
        store = {}
        optimizer.save_own_variables(store)
        return {f"v{i}": v.numpy() for i, v in enumerate(network.variables)} | {f"o{k}": v for k, v in store.items()} | dict(step=step)
    def load(network, optimizer, state):
        if build: optimizer.build(network.trainable_variables)
        for i, v in enumerate(network.variables): v.assign(state[f"v{i}"])
        optimizer.load_own_variables({k[1:]: v for k, v in state.items() if k[0] == "o"})
        return state["step"]
    return save, load


@pytest.mark.parametrize("answer", [checkpoint(), checkpoint(step=lambda state: state["step"]), by_keras()])
def test_checkpoint_accepted(answer, capsys):
    check_checkpoint(*answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (checkpoint(of=lambda network: []), "weights are not the saved ones"),
    (checkpoint(of=lambda network: network.variables[1:]), "weights are not the saved ones"),
    (checkpoint(moments=False), "Adam has moments"),
    (checkpoint(build=False), "when the optimiser is built"),
    (checkpoint(of=lambda network: network.weights), "not among its `weights`"),
    (checkpoint(of=lambda network: network.trainable_variables), "not among its `weights`"),
    (checkpoint(step=lambda state: 0), "the step is lost"),
    (checkpoint(step=lambda state: None), "returns the step"),
    (checkpoint(about=lambda network, optimizer, step: dict(step=step, w=network.get_weights())), "give each array a name"),
    (checkpoint(about=lambda network, optimizer, step: dict(step=step, network=network)), "give each array a name"),
    ((lambda network, optimizer, step: network.get_weights(), checkpoint()[1]), "a dictionary"),
])
def test_checkpoint_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_checkpoint(*answer)


@pytest.mark.filterwarnings("ignore:Skipping variable loading")
def test_keras_drops_the_moments_of_an_optimiser_that_is_not_built():
    with pytest.raises(AssertionError, match="when the optimiser is built"): check_checkpoint(*by_keras(build=False))


def test_the_random_state_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    check_checkpoint(*checkpoint())
    assert (np.random.get_state()[1] == before).all()
