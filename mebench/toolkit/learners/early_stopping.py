"""A learner that stops each fit early: the epoch with the best macro-F1 on held-out answers of the victim is kept."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext, Response
from mebench.models.modes import evaluating
from mebench.models.weights import logits_of
from mebench.toolkit.learners.validated import ValidatedLearner
from mebench.toolkit.parameters import EarlyStoppingParameters, FitParameters, HoldOutParameters


class EarlyStoppingLearner(ValidatedLearner):
    """Retrain the clone from the same initial weights on all answers, and keep the best epoch of the fit.

    After each epoch the macro-F1 of the clone's labels, with the victim's for the true ones, is measured on answers
    that the clone does not learn from. A strategy that asks queries for this (``purpose="validation"``) hands their
    answers to `hold_out`. Where none did, a share of every answered batch is held out, drawn at random. Where that is
    nothing either, the answers that are learnt from serve as well. Source: TrainNetwork in Algorithm 1 of Pal and
    others 2019 (arXiv:1905.09165), section 5.3.

    Args:
        context: gives the clone, and the random streams ``learner`` (order of the data) and ``hold-out``.
        parameters: of a fit; since version 1.5. Batches of an epoch differ in size by one at most.
        held_out: share of answers that are held out where the strategy asks none, in [0, 1).
        fields: of `EarlyStoppingParameters`, in place of those of ``parameters``.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: EarlyStoppingParameters | None = None,
        *,
        held_out: float = 0.0,
        **fields: Any,
    ) -> None:
        stopping = replace(parameters or EarlyStoppingParameters(), **fields)
        fit = FitParameters(
            epochs=stopping.epochs,
            batch_size=stopping.batch_size,
            optimizer="adam",
            learning_rate=stopping.learning_rate,
            weight_decay=stopping.weight_decay,
        )
        super().__init__(context, fit)
        self._patience, self._share = stopping.patience, held_out
        self._choice = context.random.torch("hold-out", "cpu")
        self._asked = False

    def hold_out(self, queries: Tensor, response: Response) -> None:
        """Take (B, \\*shape) queries and their answers for validation; from then on no others are held out."""
        self._asked = True
        super().hold_out(queries, response)

    def remember(self, queries: Tensor, response: Response) -> None:
        """Add the answers to what is known, less those that are held out."""
        targets = self.target(response)
        rows = 0 if self._asked else min(round(self._share * len(queries)), len(queries) - 1)
        if rows > 0:
            order = torch.randperm(len(queries), generator=self._choice).to(queries.device)
            self.held.append(queries[order[:rows]])
            self.labels.append(response.labels[order[:rows]])
            queries, targets = queries[order[rows:]], targets[order[rows:]]
        self.queries.append(queries)
        self.targets.append(targets)

    def _fit(self, inputs: Tensor, targets: Tensor) -> None:
        """Train until nothing has got better for ``patience`` epochs; go back to the best epoch."""
        own = targets if targets.ndim == 1 else targets.argmax(1)
        held, labels = (torch.cat(self.held), torch.cat(self.labels)) if self.held else (inputs, own)
        optimizer, best, best_epoch, weights = self.make_optimizer(), -1.0, 0, self.clone.state_dict()
        for epoch in range(1, self._parameters.epochs + 1):
            self._train_one_epoch(optimizer, inputs, targets)
            score = self.score(held, labels)
            if score > best:
                best, best_epoch, weights = score, epoch, copy.deepcopy(self.clone.state_dict())
            if best == 1 or epoch - best_epoch >= self._patience:  # nothing is better than 1
                break
        self.clone.load_state_dict(weights)

    def _train_one_epoch(self, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> None:
        self.clone.train()
        order = torch.randperm(len(inputs), generator=self.random).to(inputs.device)
        for rows in order.tensor_split(-(-len(inputs) // self._parameters.batch_size)):
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(self.clone(inputs[rows]), targets[rows]).backward()
            optimizer.step()

    def score(self, inputs: Tensor, labels: Tensor) -> float:
        r"""Return the macro-F1 of the clone's labels of (N, \*shape) inputs, in [0, 1]; ``labels`` count as true."""
        with evaluating(self.clone):
            logits = logits_of(self.clone, inputs)
        return macro_f1(logits.argmax(1), labels, logits.shape[1])

    def state_dict(self) -> dict[str, Any]:
        """Clone, its initial weights, and all answers, those that are held out too."""
        return super().state_dict() | {"asked": self._asked}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._asked = state["asked"]


def fit_early_stopping(context: AttackContext, parameters: HoldOutParameters) -> EarlyStoppingLearner:
    """Build the learner ``fit-early-stopping``; see ``mebench info fit-early-stopping``."""
    return EarlyStoppingLearner(context, parameters, held_out=parameters.held_out)


def macro_f1(predicted: Tensor, true: Tensor, num_classes: int) -> float:
    """Return the mean over classes of F1 = 2 TP / (2 TP + FP + FN), in [0, 1].

    Classes that are neither predicted nor true do not count. Without rows it is 0.

    Args:
        predicted, true: (N,) int64 in [0, num_classes).
    """
    hits = torch.bincount(true[predicted == true], minlength=num_classes).double()
    named = torch.bincount(predicted, minlength=num_classes) + torch.bincount(true, minlength=num_classes)
    present = named > 0
    return float((2 * hits[present] / named[present]).mean()) if bool(present.any()) else 0.0
