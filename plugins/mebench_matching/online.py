"""A learner that takes one step per answered batch on answers and explanations, for strategies that make queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mebench import AttackContext, ConfigurationError, Response
from mebench.toolkit import OnlineLearner, evaluating, extraction_loss
from mebench_matching import OnlineMatchingParameters
from mebench_matching.contraction import contraction_for

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
        self._match = parameters
        self._contraction = contraction_for(context, parameters)
        self._signs = context.random.torch("signs", "cpu")
        self._square, self._share = 0.0, 0.0

    def step(self, queries: Tensor, response: Response) -> None:
        """Take one step at the present learning rate."""
        if not self.wants_explanations:
            super().step(queries, response)
            return
        coefficients, maps = self._contraction.of_victim(response, self._match.directions, self._signs)
        self._square = FORGETS * self._square + (1 - FORGETS) * float(maps.square().mean())
        self._share = FORGETS * self._share + (1 - FORGETS)
        self.clone.train()
        self.optimizer.zero_grad(set_to_none=True)
        value = self.batch_loss(self.clone(queries), response)
        with evaluating(self.clone):
            found = self._contraction.of_clone(self.clone, queries, coefficients)
        distance = (found - maps).square().mean() * (self._share / (self._square or 1.0))
        (value + self._weight(response.progress) * distance).backward()
        self.optimizer.step()

    def _weight(self, progress: float) -> float:
        ramp = self._match.ramp
        return self._match.gradient_weight * (min(1.0, progress / ramp) if ramp else 1.0)

    def state_dict(self) -> dict[str, Any]:
        """Clone, optimiser, and the running mean."""
        return super().state_dict() | {"square": self._square, "share": self._share}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._square, self._share = state["square"], state["share"]
