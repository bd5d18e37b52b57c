"""The clone's part of MEGA's round: many passes over the round's answers, until the loss stops falling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench import AttackContext, Learner, Response
from mebench.toolkit import set_rate, step_schedule
from mebench_mega.memory import Memory


class PlateauLearner(Learner):
    """Goes on from the clone as it is, pass after pass over the new answers, until a pass no longer lowers the loss.

    The loss is cross-entropy with the victim's probabilities where the channel gives them, else with its label
    (equation 1). The loss of a pass is the mean over its steps, each before its update.

    Args:
        context: gives the clone and the random stream ``learner`` for the order of the data.
        batch_size: answers per step.
        learning_rate: of Adam, whose moments live on from round to round.
        max_epochs: most passes per round.
        tolerance: a fall of the lowest loss so far by less than this, in nats, is none.
        patience: passes in a row without a fall that end the round.
        memory: earlier answers that are kept; see `Memory`.
        by_class: visit the classes of these equally often.
        milestones, factor: the rate is multiplied by ``factor`` at these fractions of the budget.
    """

    passes = math.inf

    def __init__(
        self,
        context: AttackContext,
        *,
        batch_size: int,
        learning_rate: float,
        max_epochs: int,
        tolerance: float,
        patience: int,
        memory: int = 0,
        by_class: bool = False,
        milestones: Sequence[float] = (),
        factor: float = 0.3,
    ) -> None:
        self.clone = context.clone
        self._order = context.random.torch("learner", "cpu")
        self._memory = Memory(memory, self._order, by_class)
        self._batch_size = batch_size
        self._max_epochs, self._tolerance, self._patience = max_epochs, tolerance, patience
        self._schedule = step_schedule(learning_rate, milestones, factor)
        self._optimizer = torch.optim.Adam(self.clone.parameters(), lr=learning_rate)

    def learn(self, queries: Tensor, response: Response) -> None:
        """Pass over the answers to (B, \\*shape) queries until the loss stops falling."""
        targets = response.labels if response.probabilities is None else response.probabilities
        set_rate(self._optimizer, self._schedule(response.progress))
        self.clone.train()
        best, without_fall = float("inf"), 0
        for _ in range(self._max_epochs):
            loss = self._pass(*self._memory.mixed_with(queries, targets))
            without_fall = 0 if loss < best - self._tolerance else without_fall + 1
            best = min(best, loss)
            if without_fall >= self._patience:
                break
        self._memory.add(queries, targets)

    def _pass(self, inputs: Tensor, targets: Tensor) -> float:
        """One step per batch, in a new order; returns the mean loss, in nats."""
        total = torch.zeros((), device=inputs.device)
        for rows in torch.randperm(len(inputs), generator=self._order).to(inputs.device).split(self._batch_size):
            self._optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(self.clone(inputs[rows]), targets[rows])
            loss.backward()
            self._optimizer.step()
            total += loss.detach() * len(rows)
        return float(total) / max(len(inputs), 1)

    def state_dict(self) -> dict[str, Any]:
        """Clone, optimiser and memory."""
        return {
            "clone": self.clone.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "memory": self._memory.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._memory.load_state_dict(state["memory"], next(self.clone.parameters()).device)
