"""What the clone says of a pool, batch by batch: images are floating point only while they pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mebench import Pool
from mebench.toolkit import evaluating, pool_batches, with_features

Output = Callable[[nn.Module, Tensor], Tensor]


def over_pool(output: Output, clone: nn.Module, pool: Pool, rows: Tensor, device: torch.device) -> Tensor:
    """Return what the clone in eval mode says of rows of the pool, (N, d) float32; 0 for what is not finite.

    Args:
        output: `probabilities` or `features`.
        clone: returns logits.
        pool: unlabelled inputs.
        rows: (N,) int64, at least one.
        device: where the clone is.
    """
    with torch.no_grad(), evaluating(clone):
        parts = [output(clone, inputs) for inputs in pool_batches(pool, rows, device)]
    return torch.nan_to_num(torch.cat(parts), nan=0.0, posinf=0.0, neginf=0.0)


def probabilities(clone: nn.Module, inputs: Tensor) -> Tensor:
    """The clone's class probabilities, (B, c)."""
    return torch.softmax(clone(inputs), dim=1)


def features(clone: nn.Module, inputs: Tensor) -> Tensor:
    """What goes into the clone's last linear layer, (B, h)."""
    return with_features(clone, inputs)[1]


SPACES: dict[str, Output] = {"probability": probabilities, "features": features}
