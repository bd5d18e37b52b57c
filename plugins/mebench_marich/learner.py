"""A learner that trains its clone on after every answer, as the released program of MARICH does."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mebench import AttackContext
from mebench.toolkit import PlateauFitLearner
from mebench_marich import MarichTrainingParameters


class TrainedOn(PlateauFitLearner):
    """Train on from the last weights, on labels, at a rate that is constant or falls by validation.

    Args:
        context: of the attack.
        parameters: of the training.
    """

    def __init__(self, context: AttackContext, parameters: MarichTrainingParameters) -> None:
        super().__init__(context, parameters, labels_only=True, warm_start=True)
        self._training = parameters

    def epochs(self, rows: int) -> int:
        """Passes of this fit: more than those of the last."""
        return round(self._training.epochs * self._training.epoch_growth ** (len(self.queries) - 1))

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Return what `validation_loss` does."""
        return self.validation_loss(queries, targets)

    def validation_loss(self, queries: Tensor, labels: Tensor) -> Tensor:
        """Return cross-entropy to labels, of logits or, as released for linear clones, of probabilities."""
        logits: Tensor = self.clone(queries)
        twice = self._training.softmax == "as-released"
        return functional.cross_entropy(torch.softmax(logits, 1) if twice else logits, labels)
