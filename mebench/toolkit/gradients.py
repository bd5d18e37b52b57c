"""Derivatives of the attacker's own network with respect to its inputs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mebench.models.modes import evaluating, frozen


def input_gradient(network: nn.Module, inputs: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    r"""Return d score / d x of each input, (B, \*shape), in one backward pass. Since version 1.8.

    Args:
        network: returns logits. It is in eval mode meanwhile, and its parameters get no gradients.
        inputs: (B, \*shape).
        score: of (B, c) logits: a number for each input, or anything else whose sum is meant.
    """
    with torch.enable_grad(), evaluating(network), frozen(network):
        points = inputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(score(network(points)).sum(), points)
    return gradient
