"""Clusters of points, by Lloyd's algorithm."""

from __future__ import annotations

import torch
from torch import Tensor

ITERATIONS = 25


def k_means(points: Tensor, centres: Tensor) -> Tensor:
    """Lloyd's algorithm from given centres, until nothing changes or 25 steps are done. Since version 1.8.

    Args:
        points: (n, d).
        centres: (k, d), where it starts. A centre that no point is nearest to stays where it is.

    Returns:
        (k, d).
    """
    centres = centres.clone()
    for _ in range(ITERATIONS):
        nearest = torch.cdist(points, centres).argmin(1)
        before = centres.clone()
        for index in nearest.unique().tolist():
            centres[index] = points[nearest == index].mean(0)
        if torch.equal(before, centres):
            break
    return centres
