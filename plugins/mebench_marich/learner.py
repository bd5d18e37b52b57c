"""A learner that trains its clone on after every answer, as the released program of MARICH does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench import AttackContext, Response
from mebench.toolkit import FitLearner, evaluating
from mebench_marich import MarichTrainingParameters

VALIDATED = 64
"""Validation queries of a batch."""
PATIENCE, FALL, BETTER = 10, 0.1, 1e-4
"""Batches without a loss that is better by this fraction, after which the rate falls: the library's own defaults."""


class TrainedOn(FitLearner):
    """Train on from the last weights, on labels, at a rate that is constant or falls by validation.

    Args:
        context: of the attack.
        parameters: of the training.
    """

    def __init__(self, context: AttackContext, parameters: MarichTrainingParameters) -> None:
        super().__init__(
            context, parameters, schedule=lambda _: self._plateau.factor, labels_only=True, warm_start=True
        )
        self._training = parameters
        self._plateau = Plateau()
        self._validation: tuple[Tensor, Tensor] | None = None

    def hold_out(self, queries: Tensor, response: Response) -> None:
        """Take (B, \\*shape) queries and their answers for validation."""
        self._validation = queries, response.labels

    def epochs(self, rows: int) -> int:
        """Passes of this fit: more than those of the last."""
        return round(self._training.epochs * self._training.epoch_growth ** (len(self.queries) - 1))

    def make_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser of a fit; after each epoch it looks at the validation answers, if there are any."""
        optimizer, rows, taken = super().make_optimizer(), sum(map(len, self.queries)), itertools.count(1)
        self._plateau = Plateau()
        if self._validation is not None:
            steps = -(-rows // self.batch_size(rows))
            optimizer.register_step_post_hook(lambda *_: self._validate(next(taken) % steps == 0))
        return optimizer

    def _validate(self, now: bool) -> None:
        if not now or self._validation is None:
            return
        with torch.no_grad(), evaluating(self.clone):
            for queries, labels in zip(*(part.split(VALIDATED) for part in self._validation), strict=True):
                self._plateau.note(float(self._loss(queries, labels)))

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Return cross-entropy to labels, of logits or, as released for linear clones, of probabilities."""
        return self._loss(queries, targets)

    def _loss(self, queries: Tensor, labels: Tensor) -> Tensor:
        logits: Tensor = self.clone(queries)
        twice = self._training.softmax == "as-released"
        return functional.cross_entropy(torch.softmax(logits, 1) if twice else logits, labels)

    def state_dict(self) -> dict[str, Any]:
        """Clone, its initial weights, all answers, and those that validate."""
        return super().state_dict() | {"validation": self._validation}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        device = next(self.clone.parameters()).device
        if state["validation"] is not None:
            queries, labels = state["validation"]
            self._validation = queries.to(device), labels.to(device)


class Plateau:
    """What a rate is multiplied by: a tenth once more whenever a loss has not fallen for a while."""

    def __init__(self) -> None:
        self.factor, self._best, self._waited = 1.0, float("inf"), 0

    def note(self, loss: float) -> None:
        """Take note of a loss."""
        better = loss < self._best * (1 - BETTER)
        self._best, self._waited = (loss, 0) if better else (self._best, self._waited + 1)
        if self._waited > PATIENCE:
            self.factor, self._waited = self.factor * FALL, 0
