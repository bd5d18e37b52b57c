"""The attacker's own groups of its unlabelled images: k-means on coarse pixels."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from mebench import Pool
from mebench.toolkit import k_means

GRID = 16
"""Images are averaged down to this height and width before they are compared."""
SAMPLE = 5000
"""Images that the centres are found on."""
_CHUNK = 1000


def group_pool(pool: Pool, count: int, random: torch.Generator) -> list[Tensor]:
    """Split a pool into clusters, each in random order.

    Args:
        pool: images, whose labels are neither known nor needed.
        count: clusters at most; there are fewer where the pool has fewer images.
        random: a stream on the CPU.

    Returns:
        Rows of the pool, (n_i,) int64 each; none is empty, and together they are all rows, each once.
    """
    order = torch.randperm(len(pool), generator=random)
    sample = torch.cat([_features(pool, rows) for rows in order[:SAMPLE].split(_CHUNK)])
    centres = k_means(sample, sample[:count])
    nearest = torch.cat(list(_nearest(pool, order, centres)))
    groups = [order[nearest == index] for index in range(len(centres))]
    return [group for group in groups if len(group)]


def _nearest(pool: Pool, order: Tensor, centres: Tensor) -> Iterator[Tensor]:
    for rows in order.split(_CHUNK):
        yield torch.cdist(_features(pool, rows), centres).argmin(1)


def _features(pool: Pool, rows: Tensor) -> Tensor:
    images = pool.inputs(rows).cpu()
    height, width = (min(GRID, side) for side in images.shape[2:])
    return functional.adaptive_avg_pool2d(images, (height, width)).flatten(1)
