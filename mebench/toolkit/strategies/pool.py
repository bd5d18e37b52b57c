"""Pool strategies: choose among unlabelled inputs that the attacker has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, Oracle, Pool, QueryStrategy
from mebench.api.errors import ConfigurationError
from mebench.api.progress import heartbeat

BATCH = 512


class RandomPoolStrategy(QueryStrategy):
    """Draw unlabelled inputs at random without replacement, in equal rounds (Knockoff Nets' random policy).

    Once the pool is exhausted it proposes nothing: asking the same input twice tells nothing new.

    Args:
        context: gives the pool and the random stream ``pool``.
        rounds: in how many rounds the budget is spent.
        order: rows of the pool in the order in which they are asked, (N,) int64; all, at random, without. Since
            version 1.8.

    Raises:
        ConfigurationError: there is no pool, or it is empty.
    """

    def __init__(self, context: AttackContext, rounds: int, *, order: Tensor | None = None) -> None:
        self._pool = pool_of(context)
        self._device = context.device
        if order is None:
            order = torch.randperm(len(self._pool), generator=context.random.torch("pool", "cpu"))
        self._order = order[: context.budget]
        self._round_size = -(-len(self._order) // rounds)
        self._asked = 0

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next round's inputs; none once the pool is exhausted."""
        rows = self._order[self._asked : self._asked + min(self._round_size, oracle.remaining)]
        self._asked += len(rows)
        return self._pool.inputs(rows).to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """The order and the place in it."""
        return {"order": self._order, "asked": self._asked}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._order = state["order"]
        self._asked = state["asked"]


def pool_of(context: AttackContext) -> Pool:
    """The context's pool, for attacks that cannot do without.

    Raises:
        ConfigurationError: there is none, or it is empty, or its images are not of the victim's shape.
    """
    pool, wanted = context.pool, context.spec.shape
    if pool is None or len(pool) == 0:
        raise ConfigurationError("the attack asks unlabelled inputs of a pool: give the run a `pool:`")
    if len(wanted) == 3 and pool.shape != wanted:
        advice = "; see the pool's parameter `colour`" if pool.shape[0] != wanted[0] else ""
        raise ConfigurationError(
            f"the inputs of the pool {pool.name} have the shape {pool.shape}, and the victim takes {wanted}{advice}"
        )
    return pool


def pool_batches(pool: Pool, rows: Tensor, device: torch.device) -> Iterator[Tensor]:
    """Yield the inputs of rows of a pool on a device, (at most 512, \\*shape) at a time. Since version 1.8.

    Images are floating point only while they pass.
    """
    for part in rows.split(BATCH):
        heartbeat()
        yield pool.inputs(part).to(device)
