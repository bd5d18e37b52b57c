"""Benign mixing: queries of an attack between honest ones, whose answers nobody learns from."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from mebench import ConfigurationError, Recovery, RecoveryContext, Response
from mebench.toolkit import rows_of
from mebench_evasion import MixingParameters

FINEST = 100
"""Largest denominator of the queries that a row costs."""


class HonestMixing(Recovery):
    """Puts honest inputs between an attack's queries; each comes once before any comes again.

    Args:
        context: gives the attacker's own inputs.
        parameters: how many, and whose.

    Raises:
        ConfigurationError: the attacker has no inputs.
    """

    def __init__(self, context: RecoveryContext, parameters: MixingParameters) -> None:
        cost = Fraction(parameters.queries).limit_denominator(FINEST)
        self.queries_per_row, self.more_per_row = int(cost), cost - int(cost)
        self._extra = cost - 1
        self._context, self._parameters = context, parameters
        if parameters.data is None and context.pool is None:
            raise ConfigurationError("honest-mixing: has nothing to hide among: give it data, or the run a pool")
        self._inputs: Tensor | None = None
        self._own = 0  # queries of the attack so far

    def asked(self, queries: Tensor) -> Tensor:
        """Return each query with the honest ones that come before it."""
        counts, inputs, made = self._honest_before(len(queries)), self._honest(), []
        first = self._before(self._own)
        for query, count in zip(queries, counts, strict=True):
            rows = torch.arange(first, first + count) % len(inputs)
            made += [inputs[rows].to(queries), query.unsqueeze(0)]
            first += count
        return torch.cat(made) if made else queries

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return the answers to the attack's own queries."""
        places = torch.tensor(self._honest_before(len(queries)), dtype=torch.int64).add(1).cumsum(0) - 1
        self._own += len(queries)
        return rows_of(response, places.to(response.labels.device))

    def _before(self, own: int) -> int:
        """How many honest queries come before so many of the attack's."""
        return int(own * self._extra)

    def _honest_before(self, rows: int) -> list[int]:
        return [self._before(number + 1) - self._before(number) for number in range(self._own, self._own + rows)]

    def _honest(self) -> Tensor:
        """The attacker's own inputs, in an order drawn once."""
        if self._inputs is None:
            if self._parameters.data is not None:
                inputs = self._context.inputs_of(self._parameters.data, self._parameters.rows)
            else:
                assert self._context.pool is not None
                inputs = self._context.pool.inputs(torch.arange(len(self._context.pool)))
            order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
            self._inputs = inputs[order.to(inputs.device)]
        return self._inputs

    def state_dict(self) -> dict[str, Any]:
        """How far it is."""
        return {"own": self._own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._own = state["own"]
