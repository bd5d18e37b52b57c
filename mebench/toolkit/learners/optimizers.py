"""The optimisers that a parameter can name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn


def named_optimizer(
    name: Literal["sgd", "adam"], weights: Iterable[nn.Parameter], rate: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Make an optimiser over ``weights``; ``momentum`` is of SGD alone."""
    if name == "adam":
        return torch.optim.Adam(weights, rate, weight_decay=weight_decay)
    return torch.optim.SGD(weights, rate, momentum, weight_decay=weight_decay)
