"""The first convolution's quicker input gradient against autograd's."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from mebench.api.contract import InputSpec
from mebench.models.networks.input_conv import InputConv2d
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry

CASES = [(1, 6, 5, 1, 0, 12), (1, 16, 5, 2, 2, 13), (3, 8, 3, 1, 1, 9), (3, 4, 3, 2, 1, 8), (1, 4, 7, 3, 1, 16)]


@pytest.mark.parametrize(("channels", "outputs", "kernel", "stride", "padding", "side"), CASES)
@pytest.mark.parametrize("bias", [True, False])
def test_values_are_the_same_bits_and_gradients_equal(channels, outputs, kernel, stride, padding, side, bias):
    torch.manual_seed(0)
    ours = InputConv2d(channels, outputs, kernel, stride=stride, padding=padding, bias=bias)
    ours = ours.double().requires_grad_(False)
    inputs = torch.rand(3, channels, side, side, dtype=torch.float64, requires_grad=True)
    maps = ours(inputs)
    assert type(maps.grad_fn).__name__ == "_FrozenConvolutionBackward"
    expected = functional.conv2d(inputs, ours.weight, ours.bias, stride, padding)
    assert torch.equal(maps, expected)
    upstream = torch.randn_like(maps)
    (gradient,) = torch.autograd.grad(maps, inputs, upstream)
    (expected_gradient,) = torch.autograd.grad(expected, inputs, upstream)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-12)


def test_weights_that_learn_get_pytorchs_own_gradients():
    layer, inputs = InputConv2d(1, 2, 3), torch.rand(2, 1, 6, 6, requires_grad=True)
    maps = layer(inputs)
    assert type(maps.grad_fn).__name__ == "ConvolutionBackward0"
    gradients = torch.autograd.grad(maps.square().sum(), (inputs, layer.weight, layer.bias))
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_second_derivatives_flow_through():
    layer = InputConv2d(1, 2, 3, stride=2, padding=1).double().requires_grad_(False)
    inputs = torch.rand(1, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda one: layer(one) ** 2, inputs)


def test_transforms_of_functions_see_through_it():
    layer = InputConv2d(1, 2, 3).requires_grad_(False)
    plain = nn.Conv2d(1, 2, 3).requires_grad_(False)
    plain.load_state_dict(layer.state_dict())
    inputs = torch.rand(1, 1, 4, 4)
    torch.testing.assert_close(torch.func.jacrev(layer)(inputs), torch.func.jacrev(plain)(inputs))


@pytest.mark.parametrize("name", ["lenet5", "plain-cnn", "small-cnn", "resnet18"])
def test_networks_for_images_begin_with_it(name):
    network = registry().get(NetworkEntry, name).call(InputSpec((1, 16, 16), 4))
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    assert isinstance(first, InputConv2d)


def test_a_traced_network_is_made_of_pytorchs_own_functions():
    layer = InputConv2d(1, 2, 3).requires_grad_(False)
    traced = torch.jit.trace(layer, torch.rand(1, 1, 4, 4, requires_grad=True))
    inputs = torch.rand(2, 1, 6, 6)
    assert torch.equal(traced(inputs), layer(inputs))
