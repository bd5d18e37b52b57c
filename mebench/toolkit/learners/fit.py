"""A learner that fits the clone on all answers so far."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext, Learner, Response
from mebench.models.to_device import to_device
from mebench.toolkit.learners.optimizers import named_optimizer
from mebench.toolkit.parameters import FitParameters
from mebench.toolkit.schedules import Schedule


class FitLearner(Learner):
    r"""Retrain the clone on all answers so far after every answer, by default from the same initial weights.

    The target is the victim's probabilities (soft cross-entropy) where the channel gives them, else its label.

    Args:
        context: gives the clone and the random stream ``learner`` for the order of the data.
        parameters: of a fit; since version 1.5.
        schedule: from the fraction of a fit to what its learning rate is multiplied by; half a cosine to 0 without.
        labels_only: learn the label even where the channel gives probabilities.
        warm_start: go on from the clone as the last fit left it.
        fields: of `FitParameters`, in place of those of ``parameters``: ``FitLearner(context, epochs=10)``.

    Attributes:
        queries: batches of (B, \*shape) that it learns from.
        targets: what it learns of each batch; see `target`.
        random: the stream ``learner``.
    """

    passes = math.inf

    def __init__(
        self,
        context: AttackContext,
        parameters: FitParameters | None = None,
        *,
        schedule: Schedule | None = None,
        labels_only: bool = False,
        warm_start: bool = False,
        **fields: Any,
    ) -> None:
        self.clone = context.clone
        self._initial = copy.deepcopy(context.clone.state_dict())
        self.random = context.random.torch("learner", "cpu")
        self._parameters = replace(parameters or FitParameters(), **fields)
        self._schedule = schedule
        self._labels_only, self._warm_start = labels_only, warm_start
        self.queries: list[Tensor] = []
        self.targets: list[Tensor] = []

    def learn(self, queries: Tensor, response: Response) -> None:
        """Add the answers to what is known, and fit anew."""
        self.remember(queries, response)
        self.refit()

    def remember(self, queries: Tensor, response: Response) -> None:
        """Add the answers to (B, \\*shape) queries to what is known, without a fit."""
        self.queries.append(queries)
        self.targets.append(self.target(response))

    def refit(self) -> None:
        """Fit the clone on all that is known."""
        if not self._warm_start:
            self.clone.load_state_dict(self._initial)
        self._fit(torch.cat(self.queries), torch.cat(self.targets))

    def target(self, response: Response) -> Tensor:
        """What the clone learns of an answer: (B, c) probabilities or (B,) labels."""
        if self._labels_only or response.probabilities is None:
            return response.labels
        return response.probabilities

    def _fit(self, inputs: Tensor, targets: Tensor) -> None:
        epochs, batch_size = self.epochs(len(inputs)), self.batch_size(len(inputs))
        optimizer = self.make_optimizer()
        steps = epochs * -(-len(inputs) // batch_size)
        schedule = self._make_schedule(optimizer, max(steps, 1))
        self.clone.train()
        step = 0
        for _ in range(epochs):
            order = to_device(torch.randperm(len(inputs), generator=self.random), inputs.device)
            for rows in order.split(batch_size):
                if step:
                    schedule.step()
                optimizer.zero_grad(set_to_none=True)
                self.batch_loss(inputs[rows], targets[rows], rows, step / max(steps, 1)).backward()
                optimizer.step()
                step += 1
            self.after_epoch()

    def epochs(self, rows: int) -> int:
        """Passes over so many answers in a fit. Since version 1.8 a subclass may say."""
        return self._parameters.epochs

    def batch_size(self, rows: int) -> int:
        """Answers per step of a fit on so many. Since version 1.8 a subclass may say."""
        return self._parameters.batch_size

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        r"""Return the scalar that a step of a fit descends; cross-entropy here. Since version 1.7 a subclass may say.

        Args:
            queries, targets: (b, \*shape), and what is learnt of each.
            rows: (b,), where these stand among all that is known.
            done: fraction of the fit that is done, in [0, 1).
        """
        return functional.cross_entropy(self.clone(queries), targets)

    def after_epoch(self) -> None:
        """Look at the clone after a pass of a fit, before the next rate is set. Since version 1.8 a subclass may."""

    def make_optimizer(self) -> torch.optim.Optimizer:
        """A new optimiser over the clone's parameters."""
        fit, weights = self._parameters, self.clone.parameters()
        return named_optimizer(fit.optimizer, weights, fit.learning_rate, fit.momentum, fit.weight_decay)

    def _make_schedule(self, optimizer: torch.optim.Optimizer, total: int) -> torch.optim.lr_scheduler.LRScheduler:
        course = self._schedule
        if course is None:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: course(step / total))

    def state_dict(self) -> dict[str, Any]:
        """Clone, its initial weights, and all answers."""
        return {
            "clone": self.clone.state_dict(),
            "initial": self._initial,
            "queries": list(self.queries),
            "targets": list(self.targets),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        device = next(self.clone.parameters()).device
        self.clone.load_state_dict(state["clone"])
        self._initial = {key: value.to(device) for key, value in state["initial"].items()}
        self.queries = [value.to(device) for value in state["queries"]]
        self.targets = [value.to(device) for value in state["targets"]]
