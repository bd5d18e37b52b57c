"""A learner that passes over all answers so far in every round, and never begins anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext
from mebench.api.spec import Augmentation
from mebench.models.augmentation import augmented
from mebench.toolkit.learners.fit import FitLearner
from mebench.toolkit.parameters import ContinuedFitParameters, FitParameters
from mebench.toolkit.schedules import constant_schedule


class ContinuedFitLearner(FitLearner):
    """Fits that go on from the last, with one SGD at a constant rate, on the labels of all answers. Since version 1.8.

    Args:
        context: gives the clone, and the random streams ``learner`` and ``learner-views``.
        parameters: of a fit and of its steps.
        views: how images are changed in a step; their answers are kept, and nobody is asked.
    """

    def __init__(
        self, context: AttackContext, parameters: ContinuedFitParameters, views: Augmentation = "none"
    ) -> None:
        fit = FitParameters(epochs=parameters.epochs, batch_size=parameters.clone_batch_size)
        super().__init__(context, fit, schedule=constant_schedule(1.0), labels_only=True, warm_start=True)
        weights, known = context.clone.parameters(), parameters
        self.optimizer = torch.optim.SGD(weights, known.clone_lr, known.momentum, weight_decay=known.weight_decay)
        self._view, self._views = views, context.random.torch("learner-views", "cpu")

    def make_optimizer(self) -> torch.optim.Optimizer:
        """The one that there is: its momentum lives on."""
        return self.optimizer

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Cross-entropy to labels on views of the queries, a scalar."""
        return functional.cross_entropy(self.clone(augmented(queries, self._view, self._views)), targets)

    def state_dict(self) -> dict[str, Any]:
        """That of the base, and the optimiser."""
        return {**super().state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self.optimizer.load_state_dict(state["optimizer"])
