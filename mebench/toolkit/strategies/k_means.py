"""Clusters of points, by Lloyd's algorithm, and a choice that takes of each."""

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


def in_turn(distances: Tensor, count: int) -> Tensor:
    """Return points that spread over centres: for each centre in turn, the nearest not taken yet. Since version 1.8.

    Of points that are equally near the first is taken.

    Args:
        distances: (n, k), of points to centres.
        count: at most n.

    Returns:
        (count,) int64 numbers of points, in the order in which they were taken.
    """
    orders = [iter(column.argsort(stable=True).tolist()) for column in distances.T]
    taken: dict[int, None] = {}
    while len(taken) < count:
        for order in orders:
            if len(taken) < count:
                taken[next(point for point in order if point not in taken)] = None
    return torch.tensor(list(taken), dtype=torch.int64)
