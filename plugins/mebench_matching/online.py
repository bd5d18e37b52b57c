"""A learner that takes one step per answered batch on answers and explanations, for strategies that make queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mebench import AttackContext, ConfigurationError, Response
from mebench.toolkit import OnlineLearner, extraction_loss
from mebench_matching import OnlineMatchingParameters
from mebench_matching.contraction import matching

FORGETS = 0.99
"""What a step leaves of the running mean."""


class OnlineMatchingLearner(OnlineLearner):
    """Descend the loss between answers and clone, plus mu times the distance of the clone's gradients to the victim's.

    The distance is that of `MatchingLearner`, over a running mean of the victim's square. Every explanation is of a
    training query, and asked with it.

    Args:
        context: gives clone and channel, and the random streams ``signs`` and ``clone-points``.
        parameters: of the steps and of the matching.

    Raises:
        ConfigurationError: explanations of the channel are of an unknown kind, or there is a memory, which would hold
            answers alone.
    """

    def __init__(self, context: AttackContext, parameters: OnlineMatchingParameters) -> None:
        if parameters.memory:
            raise ConfigurationError("memory: would hold answers without their explanations: leave it at 0")
        super().__init__(context, extraction_loss(context, parameters), parameters)
        self.wants_explanations = parameters.gradient_weight > 0
        self.matching = matching(context, parameters)
        self._square, self._share = 0.0, 0.0

    def step_loss(self, queries: Tensor, response: Response) -> Tensor:
        """Return the loss between answers and clone plus the weighted distance of gradients, a scalar."""
        value = super().step_loss(queries, response)
        if not self.wants_explanations:
            return value
        maps, coefficients = self.matching.of_victim(response)
        self._square = FORGETS * self._square + (1 - FORGETS) * float(maps.square().mean())
        self._share = FORGETS * self._share + (1 - FORGETS)
        distance = self.matching.distance(self.clone, queries, maps, coefficients)
        return value + self.matching.weight(response.progress) * (distance * (self._share / (self._square or 1.0)))

    def state_dict(self) -> dict[str, Any]:
        """Clone, optimiser, and the running mean."""
        return super().state_dict() | {"square": self._square, "share": self._share}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._square, self._share = state["square"], state["share"]
