"""Learners that take one step of the clone per answered batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import AttackContext, Learner, Response
from mebench.toolkit.losses import ExtractionLoss, extraction_loss
from mebench.toolkit.parameters import LearnerParameters, OnlineParameters
from mebench.toolkit.schedules import Schedule, set_rate


class StepLearner(Learner):
    """One step of the clone per answered batch, in train mode; a subclass says what the clone descends.

    Args:
        context: gives the clone.
        optimizer: over the clone's parameters.
        schedule: from the fraction of the budget that is spent to the learning rate.

    Attributes:
        optimizer: as given.
    """

    def __init__(self, context: AttackContext, optimizer: torch.optim.Optimizer, schedule: Schedule) -> None:
        self.clone = context.clone
        self.optimizer, self._schedule = optimizer, schedule

    @abstractmethod
    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the scalar that the clone descends, from its logits (B, c) and the victim's answers."""

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take one step on (B, \\*shape) queries."""
        self.set_progress(response.progress)
        self.step(queries, response)

    def set_progress(self, progress: float) -> None:
        """Set the learning rate to what the schedule says for a fraction of the budget."""
        set_rate(self.optimizer, self._schedule(progress))

    def step(self, queries: Tensor, response: Response) -> None:
        """Take one step at the present learning rate."""
        self.clone.train()
        self.optimizer.zero_grad(set_to_none=True)
        self.batch_loss(self.clone(queries), response).backward()
        self.optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Clone and optimiser."""
        return {"clone": self.clone.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
        self.optimizer.load_state_dict(state["optimizer"])


class OnlineLearner(StepLearner):
    """One SGD step per answered batch on a loss between probabilities and the clone's logits (DFME, MAZE, MEGEX).

    Args:
        context: gives the clone.
        loss: between answers and clone.
        parameters: of SGD, with the course of its learning rate; since version 1.5.
        learning_rate, momentum, weight_decay: of SGD with a constant rate; used where there are no ``parameters``.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        parameters: LearnerParameters | None = None,
        *,
        learning_rate: float = LearnerParameters.clone_lr,
        momentum: float = LearnerParameters.momentum,
        weight_decay: float = LearnerParameters.weight_decay,
    ) -> None:
        sgd = parameters or LearnerParameters(learning_rate, momentum, weight_decay, milestones=())
        weights = context.clone.parameters()
        optimizer = torch.optim.SGD(weights, sgd.clone_lr, sgd.momentum, weight_decay=sgd.weight_decay)
        super().__init__(context, optimizer, sgd.schedule(sgd.clone_lr))
        self._loss = loss

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the mean loss; the channel must give probabilities."""
        assert response.probabilities is not None
        return self._loss.mean(response.probabilities, logits)


def online(context: AttackContext, parameters: OnlineParameters) -> OnlineLearner:
    """Build the learner ``online``; see ``mebench info online``."""
    return OnlineLearner(context, extraction_loss(context, parameters), parameters)
