"""A learner that fits the clone on all answers so far."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext, Learner, Response
from mebench.models.to_device import to_device
from mebench.toolkit.schedules import step_rate


class FitLearner(Learner):
    """Retrain the clone on all answers so far after every answer, by default from the same initial weights.

    The target is the victim's probabilities (soft cross-entropy) where the channel gives them, else its label.

    Args:
        context: gives the clone and the random stream ``learner`` for the order of the data.
        epochs, batch_size: of one fit.
        optimizer: ``sgd`` or ``adam``.
        learning_rate, momentum, weight_decay: of the optimiser.
        milestones, factor: the rate is multiplied by ``factor`` at these fractions of a fit; a cosine to 0 without.
        labels_only: learn the label even where the channel gives probabilities.
        warm_start: go on from the clone as the last fit left it.
    """

    passes = math.inf

    def __init__(
        self,
        context: AttackContext,
        *,
        epochs: int,
        batch_size: int,
        optimizer: Literal["sgd", "adam"],
        learning_rate: float,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        milestones: Sequence[float] | None = None,
        factor: float = 0.1,
        labels_only: bool = False,
        warm_start: bool = False,
    ) -> None:
        self.clone = context.clone
        self._initial = copy.deepcopy(context.clone.state_dict())
        self._order = context.random.torch("learner", "cpu")
        self._epochs, self._batch_size = epochs, batch_size
        self._optimizer = optimizer
        self._rates = (learning_rate, momentum, weight_decay)
        self._milestones, self._factor = milestones, factor
        self._labels_only, self._warm_start = labels_only, warm_start
        self._queries: list[Tensor] = []
        self._targets: list[Tensor] = []

    def learn(self, queries: Tensor, response: Response) -> None:
        """Add the answers to what is known, and fit anew."""
        self.remember(queries, response)
        self.refit()

    def remember(self, queries: Tensor, response: Response) -> None:
        """Add the answers to (B, \\*shape) queries to what is known, without a fit."""
        self._queries.append(queries)
        self._targets.append(self.target(response))

    def refit(self) -> None:
        """Fit the clone on all that is known."""
        if not self._warm_start:
            self.clone.load_state_dict(self._initial)
        self._fit(torch.cat(self._queries), torch.cat(self._targets))

    def target(self, response: Response) -> Tensor:
        """What the clone learns of an answer: (B, c) probabilities or (B,) labels."""
        if self._labels_only or response.probabilities is None:
            return response.labels
        return response.probabilities

    def _fit(self, inputs: Tensor, targets: Tensor) -> None:
        optimizer = self.make_optimizer()
        steps = self._epochs * -(-len(inputs) // self._batch_size)
        schedule = self._make_schedule(optimizer, max(steps, 1))
        self.clone.train()
        for _ in range(self._epochs):
            order = to_device(torch.randperm(len(inputs), generator=self._order), inputs.device)
            for rows in order.split(self._batch_size):
                optimizer.zero_grad(set_to_none=True)
                functional.cross_entropy(self.clone(inputs[rows]), targets[rows]).backward()
                optimizer.step()
                schedule.step()

    def make_optimizer(self) -> torch.optim.Optimizer:
        """A new optimiser over the clone's parameters."""
        rate, momentum, decay = self._rates
        if self._optimizer == "adam":
            return torch.optim.Adam(self.clone.parameters(), lr=rate, weight_decay=decay)
        return torch.optim.SGD(self.clone.parameters(), lr=rate, momentum=momentum, weight_decay=decay)

    def _make_schedule(self, optimizer: torch.optim.Optimizer, total: int) -> torch.optim.lr_scheduler.LRScheduler:
        if self._milestones is None:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
        drops = partial(step_rate, 1.0, tuple(self._milestones), self._factor)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: drops(step / total))

    def state_dict(self) -> dict[str, Any]:
        """Clone, its initial weights, and all answers."""
        return {
            "clone": self.clone.state_dict(),
            "initial": self._initial,
            "queries": list(self._queries),
            "targets": list(self._targets),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        device = next(self.clone.parameters()).device
        self.clone.load_state_dict(state["clone"])
        self._initial = {key: value.to(device) for key, value in state["initial"].items()}
        self._queries = [value.to(device) for value in state["queries"]]
        self._targets = [value.to(device) for value in state["targets"]]
