"Shapes, the place of BatchNorm, and an initialisation that cannot be forgotten."
import copy

import pytest
import torch
from torch import nn

from gan_course.pytorch.config import CONFIG
from gan_course.pytorch.model import (
    Discriminator, Generator, build_networks, check_initialised, count_parameters, init_weights, upsampling)

NORMS = (nn.BatchNorm2d,)


@pytest.mark.parametrize("upsample", ["transpose", "resize"])
@pytest.mark.parametrize("latent_dim,width,channels", [(64, 32, 1), (1, 1, 1), (5, 3, 3)])
def test_generator_shapes(upsample, latent_dim, width, channels):
    G = Generator(latent_dim, width, upsample, channels)
    x = G(torch.randn(4, latent_dim))
    assert x.shape == (4, channels, 28, 28) and x.dtype == torch.float32 and x.abs().max() <= 1
    assert upsampling(3, 2, upsample)(torch.zeros(2, 3, 5, 6)).shape == (2, 2, 10, 12)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("width,channels", [(32, 1), (1, 1), (3, 3)])
def test_discriminator_shapes(norm, width, channels):
    logit = Discriminator(width, norm, 0.1, channels)(torch.randn(4, channels, 28, 28))
    assert logit.shape == (4,) and logit.dtype == torch.float32


def test_the_output_is_not_a_probability():
    torch.manual_seed(0)
    D = Discriminator(8)
    assert not any(isinstance(m, nn.Sigmoid) for m in D.modules())
    with torch.no_grad(): D.to_logit.weight.mul_(100); D.to_logit.bias.fill_(-5)
    assert D(torch.randn(8, 1, 28, 28)).min() < 0


@pytest.mark.parametrize("upsample", ["transpose", "resize"])
def test_batchnorm_in_the_generator(upsample):
    G = Generator(16, 8, upsample)
    assert [m.num_features for m in G.modules() if isinstance(m, NORMS)] == [32, 16, 8]
    layers = [m for m in G.modules() if not list(m.children())]
    assert isinstance(layers[-1], nn.Conv2d) and layers[-1].bias is not None, "no BatchNorm on the image"
    for a, b in zip(layers, layers[1:]):
        if isinstance(b, NORMS): assert getattr(a, "bias", None) is None, "a bias that BatchNorm takes away"


def test_batchnorm_in_the_discriminator():
    D = Discriminator(8, "batch")
    assert [m.num_features for m in D.modules() if isinstance(m, NORMS)] == [16, 32], "none after the first layer"
    convolutions = [m for m in D.modules() if isinstance(m, nn.Conv2d)]
    assert [m.bias is not None for m in convolutions] == [True, False, False]
    plain = Discriminator(8)
    assert not any(isinstance(m, NORMS) for m in plain.modules())
    assert all(m.bias is not None for m in plain.modules() if isinstance(m, nn.Conv2d))


def test_in_eval_an_image_does_not_depend_on_the_others():
    torch.manual_seed(0)
    G, z = Generator(16, 8), torch.randn(8, 16)
    alone = {mode: (G.train(mode)(z[:4])[:1] - G.train(mode)(z)[:1]).abs().max().item() for mode in (True, False)}
    assert alone[True] > 1e-3 and alone[False] < 1e-5


def test_dropout_is_there_when_asked_for():
    assert [m.p for m in Discriminator(8, dropout=0.3).modules() if isinstance(m, nn.Dropout)] == [0.3] * 3
    assert not any(isinstance(m, nn.Dropout) for m in Discriminator(8).modules())


def test_gradients_reach_every_weight():
    G, D = Generator(16, 8, "resize"), Discriminator(8, "batch")
    D(G(torch.randn(4, 16))).square().sum().backward()
    for network in (G, D):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_parameter_counts():
    assert count_parameters(Generator(64, 32, "resize")) == 64*196*32 + 9*10*32*32 + 14*32 + 9*32 + 1
    frozen = Generator(4, 2)
    for p in frozen.project.parameters(): p.requires_grad_(False)
    assert count_parameters(frozen) == count_parameters(Generator(4, 2)) - 4*196*2


def networks(width=8): return [Generator(16, width, "resize"), Generator(16, width), Discriminator(width, "batch")]


def layers(network):
    return [name for name, m in network.named_modules()
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d))]


@pytest.mark.parametrize("width", [1, 2, 3, 8, 32])
def test_what_was_initialised_is_accepted(width):
    for seed in range(10):
        torch.manual_seed(seed)
        for network in networks(width): check_initialised(init_weights(network))


@pytest.mark.parametrize("width", [2, 8, 32])
def test_a_batchnorm_that_was_forgotten_is_found(width):
    torch.manual_seed(0)
    for network in networks(width):
        init_weights(network)
        for name in layers(network):
            if not isinstance(network.get_submodule(name), nn.BatchNorm2d): continue
            missed = copy.deepcopy(network)
            missed.get_submodule(name).reset_parameters()
            with pytest.raises(AssertionError, match=name): check_initialised(missed)


@pytest.mark.parametrize("what", ["fresh", "bias", "mean", "wide", "narrow", "zero"])
def test_each_kind_of_miss_is_found_in_every_layer(what):
    torch.manual_seed(0)
    for network in networks(32):
        init_weights(network)
        for name in layers(network):
            missed = copy.deepcopy(network)
            m = missed.get_submodule(name)
            with torch.no_grad():
                if what == "fresh": m.reset_parameters()
                if what == "bias":
                    if m.bias is None: continue
                    m.bias[0] = 0.01
                if what == "mean": m.weight.add_(0.05)
                centre = 1.0 if isinstance(m, nn.BatchNorm2d) else 0.0
                if what == "wide": m.weight.sub_(centre).mul_(3).add_(centre)
                if what == "narrow":
                    if isinstance(m, nn.BatchNorm2d): continue # too few weights to tell
                    m.weight.mul_(0.5)
                if what == "zero": m.weight.zero_()
            with pytest.raises(AssertionError, match=name): check_initialised(missed)


@pytest.mark.parametrize("recipe", ["modern", "dcgan"])
def test_build_networks(recipe):
    config = CONFIG.replace(recipe=recipe, width=8)
    torch.manual_seed(0); G, D = build_networks(config)
    torch.manual_seed(0); G2, D2 = build_networks(config, "cpu", 1)
    for a, b in [(G, G2), (D, D2)]:
        assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))
    assert any(isinstance(m, nn.ConvTranspose2d) for m in G.modules()) == (config.upsample == "transpose")
    assert any(isinstance(m, NORMS) for m in D.modules()) == (config.d_norm == "batch")
    assert D(G(torch.randn(2, config.latent_dim))).shape == (2,)
    G, D = build_networks(config, channels=3)
    assert D(G(torch.randn(2, config.latent_dim))).shape == (2,)
