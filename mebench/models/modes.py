"""Networks for a while in another mode, and then as they were."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import nn


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode, and back into the mode it was in."""
    mode = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(mode)


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Take no gradients with respect to parameters in the block; afterwards those that learnt before do so again.

    Where only the gradient with respect to an input is wanted, it then costs no more than that.
    """
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
