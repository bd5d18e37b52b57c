"""Learners that take one step of the clone per answered batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import AttackContext, Learner, Response
from mebench.toolkit.learners.optimizers import named_optimizer
from mebench.toolkit.losses import ExtractionLoss, extraction_loss
from mebench.toolkit.parameters import LearnerParameters, OnlineParameters
from mebench.toolkit.reservoir import Reservoir
from mebench.toolkit.schedules import Schedule, set_rate


class StepLearner(Learner):
    """One step of the clone per answered batch, in train mode; a subclass says what the clone descends.

    Args:
        context: gives the clone, and the random stream ``memory`` if there is one.
        optimizer: over the clone's parameters.
        schedule: from the fraction of the budget that is spent to the learning rate.
        memory: how many answers of earlier batches are kept. `learn` takes its step on as many of them beside the new
            as there are new ones, all classes equally often. Since version 1.6.

    Attributes:
        optimizer: as given.
        memory: None where there is none.
    """

    def __init__(
        self, context: AttackContext, optimizer: torch.optim.Optimizer, schedule: Schedule, *, memory: int = 0
    ) -> None:
        self.clone = context.clone
        self.optimizer, self._schedule = optimizer, schedule
        self.memory = Reservoir(memory, context.random.torch("memory", "cpu")) if memory else None

    @abstractmethod
    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the scalar that the clone descends, from its logits (B, c) and the victim's answers."""

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take one step on (B, \\*shape) queries, and on remembered ones if there is a memory."""
        self.set_progress(response.progress)
        if self.memory is None:
            self.step(queries, response)
            return
        answer = response.labels, response.probabilities
        told = [queries, *(values for values in answer if values is not None)]
        known = self.memory.draw(len(queries), equally=1) if len(self.memory) else [rows[:0] for rows in told]
        both = [torch.cat(pair) for pair in zip(told, known, strict=True)]
        self.step(both[0], Response(both[1], both[2] if len(both) > 2 else None))
        self.memory.add(*told)

    def set_progress(self, progress: float) -> None:
        """Set the learning rate to what the schedule says for a fraction of the budget."""
        set_rate(self.optimizer, self._schedule(progress))

    def step(self, queries: Tensor, response: Response) -> None:
        """Take one step at the present learning rate."""
        self.clone.train()
        self.optimizer.zero_grad(set_to_none=True)
        self.step_loss(queries, response).backward()
        self.optimizer.step()

    def step_loss(self, queries: Tensor, response: Response) -> Tensor:
        """Return the scalar that a step descends: `batch_loss` of the clone's logits, in train mode.

        Since version 1.8 a subclass may say, where logits alone do not tell.
        """
        return self.batch_loss(self.clone(queries), response)

    def state_dict(self) -> dict[str, Any]:
        """Clone and optimiser, and the memory if there is one."""
        state = {"clone": self.clone.state_dict(), "optimizer": self.optimizer.state_dict()}
        return state if self.memory is None else {**state, "memory": self.memory.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.memory is not None:
            self.memory.load_state_dict(state["memory"], next(self.clone.parameters()).device)


class OnlineLearner(StepLearner):
    """One step per answered batch on a loss between probabilities and the clone's logits (DFME, MAZE, MEGEX).

    Args:
        context: gives the clone.
        loss: between answers and clone.
        parameters: of the optimiser, SGD as a rule, with the course of its learning rate and the memory; since
            version 1.5.
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
        known = parameters or LearnerParameters(learning_rate, momentum, weight_decay, milestones=())
        weights, rate, decay = context.clone.parameters(), known.clone_lr, known.weight_decay
        optimizer = named_optimizer(known.clone_optimizer, weights, rate, known.momentum, decay)
        super().__init__(context, optimizer, known.schedule(rate), memory=known.memory)
        self._loss = loss

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the mean loss; the channel must give probabilities."""
        assert response.probabilities is not None
        return self._loss.mean(response.probabilities, logits)


def online(context: AttackContext, parameters: OnlineParameters) -> OnlineLearner:
    """Build the learner ``online``; see ``mebench info online``."""
    return OnlineLearner(context, extraction_loss(context, parameters), parameters)
