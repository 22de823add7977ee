"""Both tracks compute the same: networks, losses, penalties, gradients, optimisers, statistics, one step and twenty.

Stated tolerances: outputs 1e-5, losses 1e-6, penalties 1e-4, gradients 1e-4, each relative to the largest number; weights after
one step of the recipe's optimisers 1e-4 (the median of five batches), after twenty steps of plain gradient descent 1e-4, in relative distance; after twenty of
Adam, three times as far as PyTorch is from itself with roundings in its initial weights."""
import copy

import numpy as np
import pytest
import tensorflow as tf
import torch
from sides import (CONFIGS, IMAGES, SMALL, TorchStep, both, distance, gap, gradients, keras, keras_engine, keras_model,
                   keras_optimizer, nchw, nhwc, numbers, pair, take, torch_engine, torch_model, torch_optimizer, weights)

from gan_course.basics import CourseError
from gan_course.convert import assign_keras, keras_weights, to_pytorch, to_tensorflow

every = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


# --- weights from one framework to the other ---

@pytest.mark.parametrize("changes", [dict(), dict(upsample="resize"), dict(recipe="dcgan", width=3), dict(d_norm="batch", dropout=0.2),
                                     dict(latent_dim=1, width=1)], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_there_and_back(changes, channels):
    for ours, theirs in zip(*pair(SMALL.replace(**changes), channels=channels)):
        state = {name: v for name, v in ours.state_dict().items() if "num_batches" not in name}
        back = to_pytorch(keras_weights(theirs))
        assert back.keys() == state.keys()
        for name, v in state.items(): assert back[name].dtype == np.float32 and (back[name] == v.numpy()).all(), name
        other = copy.deepcopy(ours)
        for p in other.state_dict().values(): p.zero_()
        missing = other.load_state_dict({name: torch.from_numpy(v) for name, v in back.items()}, strict=False)
        assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys)


@pytest.mark.parametrize("changes", [dict(width=9), dict(upsample="resize"), dict(latent_dim=63)], ids=str)
def test_weights_of_another_network(changes):
    (G, _), _ = pair(SMALL)
    _, (other, _) = pair(SMALL.replace(**changes))
    before = [v.numpy() for v in other.weights]
    with pytest.raises(CourseError, match="another network"): assign_keras(other, to_tensorflow(G.state_dict()))
    assert all((a == v.numpy()).all() for a, v in zip(before, other.weights)), "nothing was changed"


# --- networks ---

@every
@pytest.mark.parametrize("training", [True, False])
def test_the_same_images_and_logits(config, training):
    (G, D), (G2, D2) = pair(config)
    z = np.random.default_rng(0).standard_normal((16, config.latent_dim), dtype=np.float32)
    for network in (G, D): network.train(training)
    x = nchw(IMAGES[:16])
    assert gap(nhwc(G(torch.from_numpy(z))), G2(z, training=training)) < 1e-5
    assert gap(D(x), D2(IMAGES[:16], training=training)) < 1e-5
    if not training: return
    for network in (G, D): network.eval() # and with the statistics that this left behind
    assert gap(nhwc(G(torch.from_numpy(z))), G2(z, training=False)) < 1e-3 # n - 1, see below
    assert gap(D(x), D2(IMAGES[:16], training=False)) < (2e-2 if config.d_norm == "batch" else 1e-5)


def test_running_statistics():
    "Equal but for n/(n - 1) in what a batch adds to the variance."
    (G, _), (G2, _) = pair(SMALL)
    G.train()
    rng = np.random.default_rng(0)
    for _ in range(3):
        z = rng.standard_normal((16, SMALL.latent_dim), dtype=np.float32)
        G(torch.from_numpy(z)); G2(z, training=True)
    a, b = to_tensorflow(G.state_dict()), keras_weights(G2)
    for layer, n in (("hidden_0", 16*49), ("hidden_3", 16*196), ("hidden_6", 16*784)):
        assert gap(a[f"{layer}/moving_mean"], b[f"{layer}/moving_mean"]) < 1e-4
        initial = 0.9**3
        corrected = initial + (numbers(a[f"{layer}/moving_variance"]) - initial)*(n - 1)/n
        np.testing.assert_allclose(corrected, b[f"{layer}/moving_variance"], rtol=1e-6)


def test_padding_and_kernels():
    "Strided and transposed convolutions as the networks use them; an even size with kernel 3 is the one that differs."
    rng = np.random.default_rng(0)
    for kernel, size, same in ((4, 28, True), (4, 14, True), (3, 7, True), (3, 14, False)):
        x = rng.standard_normal((2, size, size, 3), dtype=np.float32)
        conv = torch.nn.Conv2d(3, 5, kernel, stride=2, padding=1, bias=False)
        other = keras.layers.Conv2D(5, kernel, strides=2, padding="same", use_bias=False)
        other.build(x.shape); other.kernel.assign(conv.weight.detach().numpy().transpose(2, 3, 1, 0))
        assert (gap(nhwc(conv(nchw(x))), other(x)) < 1e-5) == same, (kernel, size)
    for size in (7, 14):
        x = rng.standard_normal((2, size, size, 3), dtype=np.float32)
        up = torch_model.upsampling(3, 5, "transpose")
        other = keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same", use_bias=False)
        other.build(x.shape); other.kernel.assign(up.weight.detach().numpy().transpose(2, 3, 1, 0))
        assert gap(nhwc(up(nchw(x))), other(x)) < 1e-5


def test_initial_weights():
    "Drawn by each framework itself: the same distribution, layer by layer, and the same number of parameters."
    config = SMALL.replace(width=32)
    torch.manual_seed(0); keras.utils.set_random_seed(0)
    ours = torch_model.build_networks(config)
    theirs = keras_model.Generator(config.latent_dim, 32), keras_model.Discriminator(32 * config.d_widening)
    for a, b in zip(ours, theirs):
        assert torch_model.count_parameters(a) == keras_model.count_parameters(b)
        a, b = to_tensorflow(a.state_dict()), keras_weights(b)
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].shape == b[name].shape
            slack = 8*0.02/a[name].size**0.5
            assert abs(a[name].mean() - b[name].mean()) < slack + 1e-7, name
            assert abs(a[name].std() - b[name].std()) < slack + 1e-7, name


# --- losses and penalties ---

@pytest.mark.parametrize("loss", ["relativistic", "non_saturating", "minimax"])
@pytest.mark.parametrize("scale", [0.01, 1, 30])
def test_losses(loss, scale):
    rng = np.random.default_rng(0)
    a_real, a_fake = (scale*rng.standard_normal(64, dtype=np.float32) for _ in range(2))
    t_real, t_fake = torch.from_numpy(a_real), torch.from_numpy(a_fake)
    for smoothing in (0.0, 0.1, 0.5):
        a = torch_engine.discriminator_loss(t_real, t_fake, loss, smoothing)
        assert gap(a, keras_engine.discriminator_loss(a_real, a_fake, loss, smoothing)) < 1e-6
    assert gap(torch_engine.generator_loss(t_fake, t_real, loss), keras_engine.generator_loss(a_fake, a_real, loss)) < 1e-6


@every
def test_penalties(config):
    (_, D), (_, D2) = pair(config)
    config = config.replace(d_norm="none", r1=0.7, r2=0.3, label_smoothing=0.0)
    (_, D), (_, D2) = pair(config)
    x, fake = IMAGES[:16], IMAGES[16:32][:, ::-1].copy()
    assert gap(torch_engine.squared_gradient_norm(D, nchw(x)), keras_engine.squared_gradient_norm(D2, tf.constant(x))) < 1e-4
    loss, a_real, a_fake, penalty = torch_engine.DiscriminatorObjective(D, config)(nchw(x), nchw(fake), True)
    found = keras_engine.discriminator_objective(D2, tf.constant(x), tf.constant(fake), config, True)
    assert gap(loss, found[0]) < 1e-6 and gap(a_real, found[1]) < 1e-5 and gap(a_fake, found[2]) < 1e-5
    assert gap(penalty, found[3]) < 1e-4


# --- optimisers ---

@pytest.mark.parametrize("changes", [dict(), dict(beta1=0.5, beta2=0.999), dict(optimizer="adamw", weight_decay=0.1, beta1=0.9),
                                     dict(optimizer="rmsprop")], ids=str)
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-6, 1e-8])
def test_optimisers(changes, size):
    "Given the same gradients, twenty steps; also where gradients are as small as epsilon."
    config, rng = SMALL.replace(**changes), np.random.default_rng(0)
    start = rng.standard_normal(50, dtype=np.float32)
    ours, theirs = torch.nn.Parameter(torch.from_numpy(start.copy())), keras.Variable(start)
    opt, other = torch_optimizer([ours], 0.01, config), keras_optimizer(0.01, config)
    exact = config.optimizer != "rmsprop" or size == 1 # RMSprop's epsilon stands under the root in Keras
    for i in range(20):
        g = size*rng.standard_normal(50, dtype=np.float32)
        ours.grad = torch.from_numpy(g)
        opt.step(); other.apply([tf.constant(g)], [theirs])
        moved = np.abs(numbers(ours) - start).max()
        assert np.abs(numbers(ours) - theirs.numpy()).max() < (1e-4 if exact else 0.3)*moved + 1e-6, i


def test_keras_own_adam_is_another():
    "What the class is for: with gradients as small as epsilon Keras's own Adam, at either epsilon, takes another step."
    for epsilon in (1e-7, 1e-8):
        theirs = keras.Variable(np.zeros(1, np.float32))
        keras.optimizers.Adam(1.0, 0.0, 0.99, epsilon=epsilon).apply([tf.constant([1e-7])], [theirs])
        p = torch.nn.Parameter(torch.zeros(1)); p.grad = torch.full((1,), 1e-7)
        torch_optimizer([p], 1.0, SMALL).step()
        assert abs(theirs.numpy()[0] - p.item()) > 0.1*abs(p.item())


# --- steps ---

@every
def test_losses_and_gradients_of_a_step(config):
    """Of five batches. Where a ReLU's input is a rounding away from 0, the sides may differ, and with it a batch's gradients:
    seen in one batch of 27. So most of them have to agree, and all losses."""
    worst = []
    for seed in range(5):
        steps = both(config, sgd=0.1)
        (here, there), = take(steps, 1, seed)
        for name in ("loss_d", "loss_g", "penalty"): assert here[name] == pytest.approx(there[name], rel=1e-5, abs=1e-6), name
        for name in ("d_real", "d_fake", "rank_accuracy"): assert here[name] == pytest.approx(there[name], abs=1e-5), name
        for name in ("grad_norm_d", "grad_norm_g"): assert here[name] == pytest.approx(there[name], rel=1e-2), name
        a, b = (gradients(step) for step in steps)
        assert a.keys() == b.keys() and len(a) > 15
        none = [name for name in a if np.abs(a[name]).max() < 1e-7]
        assert set(none) <= {"D/to_logit/bias"} and all(np.abs(b[name]).max() < 1e-7 for name in none)
        worst.append(max(gap(a[name], b[name]) for name in a if name not in none))
    assert sorted(worst)[2] < 1e-4 and max(worst) < 0.1, worst


@every
def test_one_step(config):
    """With the recipe's own optimisers, statistics included; of five batches, as above. Adam's first step is a rate long whatever the gradient's
    size, so a kink on the way of one image shows in all weights: on two processors one batch in eight was off by 5e-4 to 8e-4."""
    apart = []
    for seed in range(5):
        steps = both(config)
        for _ in take(steps, 1, seed): pass
        apart.append(distance(steps))
        a, b = (weights(step) for step in steps)
        n = config.batch_size*16 # numbers a channel in D's last layer, the fewest
        for name in a:
            if "moving_mean" in name: assert gap(a[name], b[name]) < 1e-3, name
            if "moving_variance" in name: assert gap(a[name], b[name]) < 1.5/n, name
    assert sorted(apart)[2] < 1e-4 and max(apart) < 2e-3, apart


@every
def test_twenty_steps_of_gradient_descent(config):
    steps = both(config, sgd=1e-4)
    for here, there in take(steps, 20):
        for name in ("loss_d", "loss_g"): assert here[name] == pytest.approx(there[name], abs=1e-3)
    assert distance(steps) < 1e-4


@pytest.mark.parametrize("changes", [dict(d_steps=2, g_steps=2), dict(recipe="dcgan", width=8, batch_size=16, d_steps=3)], ids=str)
def test_several_steps_of_either_network(changes):
    steps = both(SMALL.replace(**changes), sgd=1e-4)
    for here, there in take(steps, 4):
        for name in ("loss_d", "loss_g"): assert here[name] == pytest.approx(there[name], abs=1e-4)
    assert distance(steps) < 1e-5


class Again(TorchStep):
    "A second PyTorch step in the place of Keras's."
    def __call__(self, index, iteration, penalise):
        self.meter.reset()
        super().__call__([nchw(IMAGES[row]) for row in index.numpy()], penalise)
        means = self.meter.means()
        return torch.tensor([means[name] for name in keras_engine.MEASURED])


@pytest.mark.parametrize("name", ["modern", "dcgan"])
def test_twenty_steps_of_adam(name):
    "Chaos, but no more of it than PyTorch has with itself."
    config = CONFIGS[name]
    apart = []
    for other in (False, True):
        steps = both(config)
        if other:
            (G, D), _ = pair(config)
            roundings = torch.Generator().manual_seed(0)
            with torch.no_grad():
                for p in [*G.parameters(), *D.parameters()]: p.mul_(1 + 1e-6*torch.randn(p.shape, generator=roundings))
            opts = [torch_optimizer(network.parameters(), lr, config) for network, lr in ((G, config.lr_g), (D, config.lr_d))]
            steps = steps[0], Again(G, D, *opts, config)
        for _ in take(steps, 20): pass
        apart.append(distance(steps))
    assert apart[0] < 3*apart[1]


def test_a_forgotten_default_is_noticed():
    "What the tolerances are worth: each default left as Keras has it breaks one of the tests above by far."
    def one_step(change):
        steps = both(CONFIGS["dcgan"])
        change(steps[1])
        for _ in take(steps, 1): pass
        return steps
    def epsilon(step): step.opt_g.epsilon = step.opt_d.epsilon = 1e-6
    assert distance(one_step(epsilon)) > 2e-4
    def momentum(step): step.G.get_layer("hidden_0").momentum = 0.99
    a, b = (weights(step) for step in one_step(momentum))
    assert gap(a["G/hidden_0/moving_variance"], b["G/hidden_0/moving_variance"]) > 0.05
    def slope(step): step.D.get_layer("hidden_1").negative_slope = 0.3
    assert distance(one_step(slope)) > 2e-3
