"""Active learning over a pool: a random start, then rounds in which a selection looks at the clone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, Oracle, Pool, QueryStrategy, Response
from mebench.models.modes import evaluating
from mebench.toolkit.strategies.pool import pool_batches, pool_of


@dataclass(frozen=True)
class Scene:
    """What a selection is made from. Since version 1.8.

    Attributes:
        clone: trained on all answers so far.
        pool: unlabelled inputs.
        candidates: (N,) int64 rows of the pool that were not asked, ascending.
        answered: (M,) int64 rows that the clone has learnt from.
        labels: (M,) int64, what was answered.
        device: where the clone is.
        random: what is drawn is drawn from, on the CPU.
    """

    clone: nn.Module
    pool: Pool
    candidates: Tensor
    answered: Tensor
    labels: Tensor
    device: torch.device
    random: torch.Generator

    def over(self, rows: Tensor, told: Callable[[Tensor], Tensor]) -> Tensor:
        r"""Return what a function tells of rows of the pool, (N, ...) on the clone's device, which is in eval mode.

        Args:
            rows: (N,) int64, at least one.
            told: is given (b, \*shape) inputs of one batch after the other, without autograd; returns (b, ...).
        """
        with torch.no_grad(), evaluating(self.clone):
            return torch.cat([told(inputs) for inputs in pool_batches(self.pool, rows, self.device)])


Selection = Callable[[Scene, int], Tensor]
"""Returns k of the candidates of a scene, (k,) int64 rows; k is at least one and at most all."""
HoldOut = Callable[[Tensor, Response], None]
"""Takes validation queries and their answers."""


class SelectionStrategy(QueryStrategy):
    """Ask validation queries and a start at random, then in every round what a selection picks; nothing twice.

    Once the rounds are over it proposes nothing. Since version 1.8.

    Args:
        context: gives the pool and the random streams ``pool`` (the order of random inputs) and ``selection``.
        rounds: queries of each turn, the start first; none is 0, and the pool has as many.
        select: picks the inputs of every round after the start; not needed where there is none.
        validation: queries that are asked first and not learnt.
        hold_out: takes them and their answers; `EarlyStoppingLearner.hold_out` for one.

    Raises:
        ConfigurationError: there is no pool.
    """

    def __init__(
        self,
        context: AttackContext,
        rounds: Sequence[int],
        select: Selection | None = None,
        *,
        validation: int = 0,
        hold_out: HoldOut | None = None,
    ) -> None:
        self._pool, self._device = pool_of(context), context.device
        self._rounds, self._select = rounds, select
        self._validation, self._hold_out = validation, hold_out
        self.random = context.random.torch("selection", "cpu")
        self._order = torch.randperm(len(self._pool), generator=context.random.torch("pool", "cpu"))
        self._open = torch.ones(len(self._pool), dtype=torch.bool)
        self._answered = self._labels = torch.empty(0, dtype=torch.int64)
        self._round = 0

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next round's inputs, the start first; none once all rounds are asked."""
        if self._round == len(self._rounds):
            return self._inputs(self._order[:0])
        rows = self._selected(clone, oracle.remaining) if self._round else self._start(oracle)
        self._round += 1
        self._open[rows] = False
        self._answered = torch.cat([self._answered, rows])
        return self._inputs(rows)

    def _start(self, oracle: Oracle) -> Tensor:
        """Ask the validation queries; return the rows of the start. Both are drawn at random."""
        count = min(self._validation, oracle.remaining)
        held = self._order[:count]
        if count and self._hold_out is not None:
            queries = self._inputs(held)
            self._hold_out(queries, oracle.query(queries, purpose="validation"))
            self._open[held] = False
        return self._order[count:][: min(self._rounds[0], oracle.remaining)]

    def _selected(self, clone: nn.Module, most: int) -> Tensor:
        assert self._select is not None
        known = clone, self._pool, self._open.nonzero().view(-1), self._answered, self._labels
        return self._select(Scene(*known, self._device, self.random), min(self._rounds[self._round], most))

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Keep the labels, which a selection may look at."""
        self._labels = torch.cat([self._labels, response.labels.cpu()])

    def _inputs(self, rows: Tensor) -> Tensor:
        return self._pool.inputs(rows).to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """The random order, what of the pool was asked with which answers, and the round."""
        asked = {"order": self._order, "open": self._open.clone(), "answered": self._answered}
        return asked | {"labels": self._labels, "round": self._round}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._order, self._open, self._answered = state["order"], state["open"].clone(), state["answered"]
        self._labels, self._round = state["labels"], state["round"]


def round_sizes(budget: int, seed_share: float, rounds: int, growth: float = 1.0) -> list[int]:
    """Divide a budget into a start and rounds that grow; sums up to the budget, none is 0. Since version 1.8.

    Args:
        budget: at least 1.
        seed_share: of the budget, for the start; at least one query.
        rounds: after it, at most; fewer where there are fewer queries.
        growth: of a round over the one before, at least 1.
    """
    seed = min(max(1, round(seed_share * budget)), budget)
    weights = torch.tensor([growth ** (number - rounds) for number in range(rounds)], dtype=torch.float64)  # at most 1
    ends = (weights.cumsum(0) / weights.sum() * (budget - seed)).round().long().tolist()
    sizes = [seed, *(end - begin for begin, end in zip([0, *ends], ends, strict=False))]
    return [size for size in sizes if size]


def highest(rows: Tensor, scores: Tensor, k: int) -> Tensor:
    """Return the k of (N,) rows with the highest scores (N,), of equal ones the first. Since version 1.8."""
    return rows[scores.cpu().argsort(descending=True, stable=True)[:k]]


def lowest(rows: Tensor, scores: Tensor, k: int) -> Tensor:
    """Return the k of (N,) rows with the lowest scores (N,), of equal ones the first. Since version 1.8."""
    return rows[scores.cpu().argsort(stable=True)[:k]]
