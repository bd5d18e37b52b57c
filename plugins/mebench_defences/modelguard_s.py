"""ModelGuard-S (Tang et al.): answers are rounded to earlier answers, of which there come to be more and more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mebench import AnswerDefence, OwnersContext
from mebench_defences.parameters import BudgetParameters
from mebench_defences.rows import Mechanism

HOME_ROWS = 20_000
CONCENTRATIONS = (0.05, 0.2, 1.0)


class Centroids:
    """For each class an ordered list of answers: a row is answered by the first within the budget, or joins the list.

    Args:
        budget: L1.
    """

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self.lists: dict[int, Tensor] = {}

    def quantised(self, rows: Tensor, *, grow: bool) -> Tensor:
        """Return the answers to (B, c) rows in their order; what no list has is answered as it is."""
        labels, answers = rows.argmax(1), rows.clone()
        for label in labels.unique().tolist():
            where = (labels == label).nonzero()[:, 0]
            answers[where] = self._of_class(rows[where], label, grow)
        return answers

    def _of_class(self, rows: Tensor, label: int, grow: bool) -> Tensor:
        answers = rows.clone()
        known = self.lists.get(label, rows[:0])
        open_rows = torch.arange(len(rows), device=rows.device)
        if len(known):
            near = torch.cdist(rows.double(), known.double(), p=1) <= self._budget  # (B, centroids)
            found = near.any(1)
            answers[found] = known[near[found].int().argmax(1)]
            open_rows = open_rows[~found]
        new = []
        while grow and len(open_rows):  # the first of those that are left joins, and answers all near it
            first = rows[open_rows[0]]
            new.append(first)
            near = (rows[open_rows].double() - first.double()).abs().sum(1) <= self._budget
            near[0] = True
            answers[open_rows[near]] = first
            open_rows = open_rows[~near]
        if new:
            self.lists[label] = torch.cat([known, torch.stack(new)])
        return answers


class ModelGuardS(AnswerDefence):
    """Answers by the first earlier answer of the same class within eps; a row that has none is answered as it is.

    The lists are those of the service: what one client asks changes what others are answered. So answers depend on the
    order of queries, though not on batches, and the first of each class is exact.

    Args:
        context: gives the device.
        parameters: eps.
    """

    keeps_argmax = True

    def __init__(self, context: OwnersContext, parameters: BudgetParameters) -> None:
        self._context, self._parameters = context, parameters
        self._centroids = Centroids(parameters.epsilon)

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return quantised rows (B, c)."""
        return self._centroids.quantised(probabilities, grow=True)

    def mechanism(self) -> Mechanism:
        """The same with lists of one's own, made of `HOME_ROWS` Dirichlet rows and then left as they are."""
        budget, classes = self._parameters.epsilon, self._context.spec.num_classes
        draws, each = np.random.default_rng(0), HOME_ROWS // len(CONCENTRATIONS)
        rows = np.concatenate([draws.dirichlet([one] * classes, each) for one in CONCENTRATIONS])
        own = Centroids(budget)
        own.quantised(torch.from_numpy(draws.permutation(rows)).float().to(self._context.device), grow=True)
        return lambda rows: own.quantised(rows, grow=False)

    def state_dict(self) -> dict[str, Any]:
        """The list of each class."""
        return {"lists": {str(label): rows for label, rows in self._centroids.lists.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with these lists."""
        device = self._context.device
        self._centroids.lists = {int(label): rows.to(device) for label, rows in state["lists"].items()}
