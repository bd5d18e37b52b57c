"""Uniform noise as a query strategy, the floor of every choice among a pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mebench import AttackContext, Oracle, QueryStrategy
from mebench.toolkit import HoldOut, uniform_inputs
from mebench_activethief.spending import Spending


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
