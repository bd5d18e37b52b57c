"""A learner that fits answers and explanations: a Sobolev loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import Attack, AttackContext, Response
from mebench.toolkit import FitLearner, RandomPoolStrategy, evaluating
from mebench_matching import GradientMatchingParameters, MatchingParameters
from mebench_matching.contraction import contraction_for


def build(context: AttackContext, parameters: GradientMatchingParameters) -> Attack:
    """Build the attack; see ``mebench info gradient-matching``."""
    return Attack(RandomPoolStrategy(context, parameters.rounds), MatchingLearner(context, parameters))


class MatchingLearner(FitLearner):
    r"""Descend cross-entropy to the answers plus mu times the distance of the clone's gradients to the victim's.

    Of each answer, R random contractions of its explanation are kept (`mebench_matching.contraction`). The distance is
    the mean square over rows, contractions and inputs, divided by the same mean of the victim's. The clone is in eval
    mode for its gradients, since batch norm in train mode would couple the rows.

    Args:
        context: gives clone and channel, and the random streams ``learner``, ``signs`` and ``clone-points``.
        parameters: of the fit and of the matching.

    Raises:
        ConfigurationError: nobody has said how explanations of the channel are made of a network.
    """

    def __init__(self, context: AttackContext, parameters: MatchingParameters) -> None:
        super().__init__(context, parameters)
        self._weight, self._ramp = parameters.gradient_weight, parameters.ramp
        self._directions = parameters.directions
        self.wants_explanations = parameters.gradient_weight > 0
        self._contraction = contraction_for(context, parameters)
        self._signs = context.random.torch("signs", "cpu")
        self.coefficients: list[Tensor] = []
        self.maps: list[Tensor] = []
        self._known: tuple[Tensor, Tensor, float] | None = None

    def remember(self, queries: Tensor, response: Response) -> None:
        """Add answers and contractions of their explanations to what is known."""
        super().remember(queries, response)
        if not self.wants_explanations:
            return
        coefficients, maps = self._contraction.of_victim(response, self._directions, self._signs)
        self.coefficients.append(coefficients)
        self.maps.append(maps)

    def refit(self) -> None:
        """Fit the clone on all that is known."""
        if self.wants_explanations:
            maps = torch.cat(self.maps)
            self._known = torch.cat(self.coefficients), maps, float(maps.square().mean()) or 1.0
        super().refit()
        self._known = None

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Return cross-entropy plus the weighted distance of gradients, a scalar."""
        value = super().batch_loss(queries, targets, rows, done)
        if self._known is None:
            return value
        coefficients, maps, scale = self._known
        with evaluating(self.clone):
            found = self._contraction.of_clone(self.clone, queries, coefficients[rows])
        distance = (found - maps[rows]).square().mean() / scale
        return value + self._weight * min(1.0, done / self._ramp if self._ramp else 1.0) * distance

    def state_dict(self) -> dict[str, Any]:
        """Clone, its initial weights, all answers, and what is kept of their explanations."""
        return super().state_dict() | {"coefficients": list(self.coefficients), "maps": list(self.maps)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        device = next(self.clone.parameters()).device
        self.coefficients = [value.to(device) for value in state["coefficients"]]
        self.maps = [value.to(device) for value in state["maps"]]
