"""The clone's part of MEGA's round: many passes over the round's answers, until the loss stops falling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench import AttackContext, Learner, Response
from mebench.toolkit import set_rate, step_schedule
from mebench_mega import MegaParameters
from mebench_mega.memory import Memory


class PlateauLearner(Learner):
    """Goes on from the clone as it is, pass after pass over the new answers, until a pass no longer lowers the loss.

    The loss is cross-entropy with the victim's probabilities where the channel gives them, else with its label
    (equation 1). The loss of a pass is the mean over its steps, each before its update.

    Args:
        context: gives the clone and the random stream ``learner`` for the order of the data.
        parameters: of the attack. The moments of Adam live on from round to round.
    """

    passes = math.inf

    def __init__(self, context: AttackContext, parameters: MegaParameters) -> None:
        self.clone, self._parameters = context.clone, parameters
        self.random = context.random.torch("learner", "cpu")
        self.memory = Memory(parameters.memory, self.random, by_class=parameters.balance > 0)
        self._schedule = step_schedule(parameters.clone_lr, parameters.milestones, parameters.lr_factor)
        self.optimizer = torch.optim.Adam(self.clone.parameters(), lr=parameters.clone_lr)

    def learn(self, queries: Tensor, response: Response) -> None:
        """Pass over the answers to (B, \\*shape) queries until the loss stops falling."""
        targets = response.labels if response.probabilities is None else response.probabilities
        set_rate(self.optimizer, self._schedule(response.progress))
        self.clone.train()
        best, without_fall = float("inf"), 0
        for _ in range(self._parameters.max_epochs):
            loss = self._pass(*self.memory.mixed_with(queries, targets))
            without_fall = 0 if loss < best - self._parameters.tolerance else without_fall + 1
            best = min(best, loss)
            if without_fall >= self._parameters.patience:
                break
        self.memory.add(queries, targets)

    def _pass(self, inputs: Tensor, targets: Tensor) -> float:
        """One step per batch, in a new order; returns the mean loss, in nats."""
        total = torch.zeros((), device=inputs.device)
        order = torch.randperm(len(inputs), generator=self.random).to(inputs.device)
        for rows in order.split(self._parameters.batch_size):
            self.optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(self.clone(inputs[rows]), targets[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
        return float(total) / max(len(inputs), 1)

    def state_dict(self) -> dict[str, Any]:
        """Clone, optimiser and memory."""
        return {
            "clone": self.clone.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "memory": self.memory.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.memory.load_state_dict(state["memory"], next(self.clone.parameters()).device)
