"""A second network of the kind that an attacker was given."""

from __future__ import annotations

import copy

import torch
from torch import nn

from mebench.models.to_device import to_device


def twin(network: nn.Module, random: torch.Generator) -> nn.Module:
    """Return a network of the same kind that starts elsewhere. Since version 1.8.

    Of each tensor of weights, it has the same numbers in another order: weights that were drawn independently are so
    again, by whatever rule. A network that begins with knowledge, such as word vectors, would lose it.

    Args:
        network: freshly initialised; left as it is.
        random: on the CPU.
    """
    other = copy.deepcopy(network)
    with torch.no_grad():
        for weight in other.parameters():
            order = to_device(torch.randperm(weight.numel(), generator=random), weight.device)
            weight.copy_(weight.flatten()[order].view_as(weight))
    return other
