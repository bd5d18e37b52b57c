"""Algorithm 1 as a query strategy: validation queries, a random seed, and rounds of subset selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import AttackContext, Oracle, QueryStrategy, Response
from mebench.toolkit import pool_of, uniform_inputs
from mebench_activethief import SelectionParameters
from mebench_activethief.selection import Scene, Selection
from mebench_activethief.spending import Spending

HoldOut = Callable[[Tensor, Response], None]


class ActiveThiefStrategy(QueryStrategy):
    """Ask validation queries and a seed at random, then in every round what the selection picks; nothing twice.

    Once the pool is exhausted it proposes nothing.

    Args:
        context: gives the pool and the random streams ``pool`` (the order of random inputs) and ``selection``.
        parameters: of the selection.
        spending: what is asked when; no more than the pool has.
        selection: picks the inputs of every round after the seed; None where there is none.
        hold_out: takes the validation queries and their answers.

    Raises:
        ConfigurationError: there is no pool.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: SelectionParameters,
        spending: Spending,
        selection: Selection | None,
        hold_out: HoldOut,
    ) -> None:
        self._pool = pool_of(context)
        self._device, self._budget = context.device, context.budget
        self._select, self._parameters, self._hold_out = selection, parameters, hold_out
        self._spending = spending
        self.random = context.random.torch("selection", "cpu")
        self._order = torch.randperm(len(self._pool), generator=context.random.torch("pool", "cpu"))
        self._open = torch.ones(len(self._pool), dtype=torch.bool)
        self._answered = torch.empty(0, dtype=torch.int64)
        self._round = 0

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next round's inputs, the seed first; none once all rounds are asked."""
        if self._round == len(self._spending.rounds):
            return self._inputs(torch.empty(0, dtype=torch.int64))
        rows = self._select_next(clone, oracle.remaining) if self._round else self._start(oracle)
        self._round += 1
        self._open[rows] = False
        self._answered = torch.cat([self._answered, rows])
        return self._inputs(rows)

    def _start(self, oracle: Oracle) -> Tensor:
        """Ask the validation queries; return the rows of the seed. Both are drawn at random."""
        count = min(self._spending.validation, oracle.remaining)
        validation = self._order[:count]
        if count:
            queries = self._inputs(validation)
            self._hold_out(queries, oracle.query(queries, purpose="validation"))
            self._open[validation] = False
        return self._order[count:][: min(self._spending.rounds[0], oracle.remaining)]

    def _select_next(self, clone: nn.Module, most: int) -> Tensor:
        assert self._select is not None
        candidates = self._open.nonzero().view(-1)
        known = clone, self._pool, candidates, self._answered, self._device
        scene = Scene(*known, self.random, self._budget, self._parameters)
        return self._select(scene, min(self._spending.rounds[self._round], most))

    def _inputs(self, rows: Tensor) -> Tensor:
        return self._pool.inputs(rows).to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """The random order, what was asked of the pool, and the round."""
        return {"order": self._order, "open": self._open.clone(), "answered": self._answered, "round": self._round}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._order, self._open, self._answered = state["order"], state["open"], state["answered"]
        self._round = state["round"]


class UniformNoiseStrategy(QueryStrategy):
    """Ask independent uniform inputs over the input range, validation queries first, in one round.

    Args:
        context: gives the spec, the device and the random stream ``noise``.
        spending: how many; one round.
        hold_out: takes the validation queries and their answers.
    """

    def __init__(self, context: AttackContext, spending: Spending, hold_out: HoldOut) -> None:
        self._context, self._spending, self._hold_out = context, spending, hold_out
        self._noise = context.random.torch("noise")

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return all inputs that the clone learns from."""
        if count := min(self._spending.validation, oracle.remaining):
            queries = self._draw(count)
            self._hold_out(queries, oracle.query(queries, purpose="validation"))
        return self._draw(oracle.remaining)

    def _draw(self, rows: int) -> Tensor:
        return uniform_inputs(self._context, rows, self._noise)

    def state_dict(self) -> dict[str, Any]:
        """Nothing but the random stream changes, and the trial saves that."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""
