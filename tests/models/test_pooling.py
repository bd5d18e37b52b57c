"""The quicker 2x2 max pooling against PyTorch's, bit for bit."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from mebench.models.networks.pooling import max_pool_2x2

SHAPES = [(3, 2, 8, 8), (1, 1, 2, 2), (2, 5, 6, 10), (2, 3, 7, 9), (4, 1, 5, 4)]


def both(maps, upstream=None):
    """Values and gradients of ours and of PyTorch's."""
    found = []
    for pool in (max_pool_2x2, lambda one: functional.max_pool2d(one, 2)):
        leaf = maps.clone().requires_grad_()
        values = pool(leaf)
        upstream = torch.randn(values.shape, dtype=values.dtype) if upstream is None else upstream
        found.append((values.detach(), torch.autograd.grad(values, leaf, upstream)[0]))
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_pytorch(shape, dtype):
    torch.manual_seed(0)
    (values, gradient), (expected_values, expected_gradient) = both(torch.randn(shape, dtype=dtype))
    assert torch.equal(values, expected_values)
    assert torch.equal(gradient, expected_gradient)


def test_of_equal_values_the_first_gets_the_gradient():
    ties = torch.randint(0, 2, (8, 4, 12, 12), generator=torch.Generator().manual_seed(0)).float()
    (values, gradient), (expected_values, expected_gradient) = both(ties)
    assert torch.equal(values, expected_values)
    assert torch.equal(gradient, expected_gradient)


def test_without_gradients_the_values_are_the_same_and_nothing_is_kept():
    maps = torch.randn(2, 3, 8, 8, requires_grad=True)
    with torch.no_grad():
        values = max_pool_2x2(maps)
    assert torch.equal(values, functional.max_pool2d(maps.detach(), 2))
    assert not values.requires_grad


def test_second_derivatives_flow_through():
    maps = torch.randn(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda one: max_pool_2x2(one) ** 2, maps)


def test_transforms_of_functions_see_through_it():
    maps = torch.randn(1, 1, 4, 4)
    ours = torch.func.jacrev(max_pool_2x2)(maps)
    assert torch.equal(ours, torch.func.jacrev(lambda one: functional.max_pool2d(one, 2))(maps))


def test_a_traced_network_is_made_of_pytorchs_own_functions():
    traced = torch.jit.trace(max_pool_2x2, torch.randn(1, 1, 4, 4))
    maps = torch.randn(2, 1, 8, 8)
    assert torch.equal(traced(maps), functional.max_pool2d(maps, 2))
