"""Random queries of a pool of which no two are near each other, which detectors of near queries do not see."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mebench import AttackContext, Pool
from mebench.toolkit import RandomPoolStrategy, heartbeat, pool_of
from mebench_evasion import SpacedParameters

BATCH, SAMPLE = 256, 500
Distances = Callable[[Tensor, Tensor], Tensor]
"""Makes (N, M) distances of (N, d) and (M, d) rows."""


def strategy(context: AttackContext, parameters: SpacedParameters) -> RandomPoolStrategy:
    """Ask a pool in an order that leaves out what lies too near to what was asked."""
    pool = pool_of(context)
    order = torch.randperm(len(pool), generator=context.random.torch("pool", "cpu"))
    apart = words_apart if context.spec.discrete else values_apart
    return RandomPoolStrategy(
        context, parameters.rounds, order=spaced(pool, order, context.budget, parameters.quantile, apart)
    )


def values_apart(first: Tensor, second: Tensor) -> Tensor:
    """Euclidean distances of images, (N, M), from differences as they are."""
    return torch.cdist(first.float(), second.float(), compute_mode="donot_use_mm_for_euclid_dist")


def words_apart(first: Tensor, second: Tensor) -> Tensor:
    """In how many places texts differ, (N, M)."""
    return torch.cdist(first.float(), second.float(), p=0)


def spaced(pool: Pool, order: Tensor, budget: int, quantile: float, apart: Distances = values_apart) -> Tensor:
    """Return rows of a pool in their order, without those that lie too near to an earlier one; at most ``budget``.

    The attacker has his own copy of such a detector, fitted on his own pool: too near is what lies nearer than a low
    quantile of the distances from each of a sample to its nearest neighbour there.

    Args:
        pool: of N inputs.
        order: (N,) int64.
        budget: how many are wanted.
        quantile: in [0, 1].
        apart: how far inputs are from each other.
    """
    sample = pool.inputs(order[:SAMPLE]).flatten(1).cpu()
    between = apart(sample, sample).fill_diagonal_(torch.inf).amin(1)
    radius = float(between[between.isfinite()].quantile(quantile)) if len(sample) > 1 else 0.0
    kept = sample[:0]
    chosen: list[Tensor] = []
    for rows in order.split(BATCH):
        heartbeat()
        inputs = pool.inputs(rows).flatten(1).cpu()
        far = apart(inputs, kept).amin(1) >= radius if len(kept) else torch.ones(len(rows), dtype=torch.bool)
        within = apart(inputs, inputs)
        for place in far.nonzero().flatten().tolist():
            if bool((within[place, :place][far[:place]] < radius).any()):
                far[place] = False
        kept, chosen = torch.cat([kept, inputs[far]]), [*chosen, rows[far]]
        if len(kept) >= budget:
            break
    return torch.cat(chosen)[:budget]
