"""A learner that fits the clone on all answers so far and on what it keeps of their explanations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import AttackContext, Response
from mebench.toolkit.learners.fit import FitLearner
from mebench.toolkit.parameters import FitParameters


class ExplainedFitLearner(FitLearner):
    r"""Fits on answers and explanations; a subclass says what it keeps of these, and what it descends.

    Since version 1.8.

    Args:
        context: gives the clone and the random stream ``learner``.
        parameters: of a fit.
        explained: whether explanations are asked for; without, it is a `FitLearner`.

    Attributes:
        kept: of each batch of answers, what `kept_of` returned.
        scale: the mean square of the victim's maps, during a fit; 1 where they are all zero.
    """

    def __init__(self, context: AttackContext, parameters: FitParameters, explained: bool) -> None:
        super().__init__(context, parameters)
        self.wants_explanations = explained
        self.kept: list[Sequence[Tensor]] = []
        self.scale = 1.0
        self._known: list[Tensor] = []

    @abstractmethod
    def kept_of(self, response: Response) -> Sequence[Tensor]:
        r"""Return what is kept of an explained answer, (B, ...) each; the first are maps, (B, ..., \*shape)."""

    @abstractmethod
    def explained_loss(self, queries: Tensor, targets: Tensor, kept: Sequence[Tensor], done: float) -> Tensor:
        """Return the scalar that a step descends, as `batch_loss`; ``kept`` is of its rows."""

    def remember(self, queries: Tensor, response: Response) -> None:
        """Add answers, and what is kept of their explanations, to what is known."""
        super().remember(queries, response)
        if self.wants_explanations:
            self.kept.append(self.kept_of(response))

    def refit(self) -> None:
        """Fit the clone on all that is known."""
        if self.wants_explanations:
            self._known = [torch.cat(parts) for parts in zip(*self.kept, strict=True)]
            self.scale = float(self._known[0].square().mean()) or 1.0
        super().refit()
        self._known = []

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Return the loss with explanations, or without where none are asked for."""
        if not self.wants_explanations:
            return super().batch_loss(queries, targets, rows, done)
        return self.explained_loss(queries, targets, [part[rows] for part in self._known], done)

    def state_dict(self) -> dict[str, Any]:
        """Clone, its initial weights, all answers, and what is kept of their explanations."""
        return super().state_dict() | {"kept": [list(parts) for parts in self.kept]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        device = next(self.clone.parameters()).device
        self.kept = [[part.to(device) for part in parts] for parts in state["kept"]]
