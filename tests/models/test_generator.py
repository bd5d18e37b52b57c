import pytest
import torch
from torch import nn
from torch.nn import functional

from mebench.api.contract import InputSpec
from mebench.models.networks.generator import UpsampleConv2d, UpsamplingGenerator
from mebench.toolkit.strategies.generator import squash


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (3, 7)])
def test_the_folded_convolution_is_upsampling_then_convolution(size):
    folded = UpsampleConv2d(3, 5).double()
    plain = nn.Conv2d(3, 5, 3, padding=1).double()
    plain.load_state_dict(folded.state_dict())
    inputs = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    expected = plain(functional.interpolate(inputs, scale_factor=2, mode="nearest"))
    output = folded(inputs)
    torch.testing.assert_close(output, expected)
    weights = torch.randn_like(output)
    ours = torch.autograd.grad(output, [inputs, *folded.parameters()], weights)
    reference = torch.autograd.grad(expected, [inputs, *plain.parameters()], weights)
    torch.testing.assert_close(ours, reference)


def test_the_generator_of_the_paper_has_2_329_091_parameters():
    generator = UpsamplingGenerator(InputSpec((3, 32, 32), 10))
    assert sum(parameter.numel() for parameter in generator.parameters()) == 2_329_091


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 7, 9), (2, 1, 5)])
def test_the_generator_makes_any_size(shape):
    generator = UpsamplingGenerator(InputSpec(shape, 10), noise_dim=6, width=4)
    assert generator(torch.randn(3, 6)).shape == (3, *shape)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.1, 0.7)])
def test_squashing_never_leaves_the_range(low, high):
    spec = InputSpec((3,), 2, low, high)
    output = squash(torch.linspace(-200, 200, 4001), spec)
    assert output.min() >= low
    assert output.max() <= high
    assert output[0] < low + 1e-6
    assert output[-1] > high - 1e-6
