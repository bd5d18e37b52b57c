"""Learners that take one step of the clone per answered batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import AttackContext, Learner, Response
from mebench.toolkit.losses import ExtractionLoss, make_loss
from mebench.toolkit.schedules import Schedule, set_rate, step_schedule


class StepLearner(Learner):
    """One step of the clone per answered batch, in train mode; a subclass says what the clone descends.

    Args:
        context: gives the clone.
        optimizer: over the clone's parameters.
        schedule: from the fraction of the budget that is spent to the learning rate.
    """

    def __init__(self, context: AttackContext, optimizer: torch.optim.Optimizer, schedule: Schedule) -> None:
        self.clone = context.clone
        self._optimizer, self._schedule = optimizer, schedule

    @abstractmethod
    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the scalar that the clone descends, from its logits (B, c) and the victim's answers."""

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take one step on (B, \\*shape) queries."""
        self.set_progress(response.progress)
        self.step(queries, response)

    def set_progress(self, progress: float) -> None:
        """Set the learning rate to what the schedule says for a fraction of the budget."""
        set_rate(self._optimizer, self._schedule(progress))

    def step(self, queries: Tensor, response: Response) -> None:
        """Take one step at the present learning rate."""
        self.clone.train()
        self._optimizer.zero_grad(set_to_none=True)
        self.batch_loss(self.clone(queries), response).backward()
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Clone and optimiser."""
        return {"clone": self.clone.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
        self._optimizer.load_state_dict(state["optimizer"])


class OnlineLearner(StepLearner):
    """One SGD step per answered batch on a loss between probabilities and the clone's logits (DFME, MAZE, MEGEX).

    Args:
        context: gives the clone.
        loss: between answers and clone.
        learning_rate, momentum, weight_decay: of SGD.
        milestones, factor: the rate is multiplied by ``factor`` at these fractions of the budget.
        schedule: in place of the milestones.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        *,
        learning_rate: float,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        milestones: Sequence[float] = (),
        factor: float = 0.3,
        schedule: Schedule | None = None,
    ) -> None:
        optimizer = torch.optim.SGD(
            context.clone.parameters(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay
        )
        super().__init__(context, optimizer, schedule or step_schedule(learning_rate, milestones, factor))
        self._loss = loss

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the mean loss; the channel must give probabilities."""
        assert response.probabilities is not None
        return self._loss.mean(response.probabilities, logits)


def online(context: AttackContext, **parameters: Any) -> OnlineLearner:
    """Build the learner ``online`` from its parameters; see ``mebench info online``."""
    loss = make_loss(parameters["loss"], context.channel.probability_floor, parameters["clone_logits"])
    return online_learner(context, loss, parameters)


def online_learner(
    context: AttackContext,
    loss: ExtractionLoss,
    parameters: Mapping[str, Any],
    kind: type[OnlineLearner] | None = None,
) -> OnlineLearner:
    """The learner that `LEARNER_PARAMETERS` describe; of a subclass if ``kind`` names one."""
    return (kind or OnlineLearner)(
        context,
        loss,
        learning_rate=parameters["clone_lr"],
        momentum=parameters["momentum"],
        weight_decay=parameters["weight_decay"],
        milestones=parameters["milestones"],
        factor=parameters["lr_factor"],
    )
