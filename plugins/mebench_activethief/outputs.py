"""What the clone says of a pool."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mebench.toolkit import Scene, with_features

Output = Callable[[nn.Module, Tensor], Tensor]


def over_pool(output: Output, scene: Scene, rows: Tensor) -> Tensor:
    """Return what the clone in eval mode says of rows of the pool, (N, d) float32; 0 for what is not finite.

    Args:
        output: `probabilities` or `features`.
        scene: has clone and pool.
        rows: (N,) int64, at least one.
    """
    told = scene.over(rows, lambda inputs: output(scene.clone, inputs))
    return torch.nan_to_num(told, nan=0.0, posinf=0.0, neginf=0.0)


def probabilities(clone: nn.Module, inputs: Tensor) -> Tensor:
    """The clone's class probabilities, (B, c)."""
    return torch.softmax(clone(inputs), dim=1)


def features(clone: nn.Module, inputs: Tensor) -> Tensor:
    """What goes into the clone's last linear layer, (B, h)."""
    return with_features(clone, inputs)[1]


SPACES: dict[str, Output] = {"probability": probabilities, "features": features}
