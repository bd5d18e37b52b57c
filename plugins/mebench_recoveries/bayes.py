"""Partial Bayes: the mean of the answers that would have been defended to what was answered (Tang et al.)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from mebench import Recovery, RecoveryContext, Response
from mebench_recoveries.at_home import dirichlet, made_up
from mebench_recoveries.parameters import BayesParameters

NUMBERS = 1 << 23
"""Distances that are held at once."""


class PartialBayes(Recovery):
    """Looks up which made-up answers the defence turns into what was answered, and learns from their mean.

    Made-up answers are a table of Dirichlet rows, and some around the answer itself. The released program draws them
    around the undefended answer, which no attacker has; `PartialBayesOracle` does too. Without a mechanism that can be
    computed at home, answers are left as they are.

    Args:
        context: gives mechanism, number of classes and streams.
        parameters: how many are made up, and how near counts.
    """

    def __init__(self, context: RecoveryContext, parameters: BayesParameters) -> None:
        self._context, self._parameters = context, parameters
        self._stream = context.random.torch("partial bayes", "cpu")
        self._tables: dict[int, tuple[Tensor, Tensor]] = {}
        if context.mechanism is not None:
            clean = made_up(parameters.rows, context.spec.num_classes, context.random.seed).to(context.device)
            self._tables = self._by_class(clean, context.mechanism(clean))

    def _by_class(self, clean: Tensor, defended: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
        """Answers and their defended forms; by the most probable class where the defence keeps it, else at -1."""
        if not self._context.keeps_argmax:
            return {-1: (clean, defended)}
        labels = clean.argmax(1)
        return {int(one): (clean[labels == one], defended[labels == one]) for one in labels.unique()}

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return expected undefended probabilities (B, c)."""
        told = response.probabilities
        if self._context.mechanism is None or told is None or not len(told):
            return response
        near, near_forms = self._around(told, self._centres(queries, told))
        found = torch.empty_like(told)
        groups = response.labels if self._context.keeps_argmax else torch.full_like(response.labels, -1)
        for group in groups.unique().tolist():
            where = (groups == group).nonzero()[:, 0]
            clean, defended = self._tables.get(group, (told[:0], told[:0]))
            for part in where.split(max(1, NUMBERS // max(1, len(clean)))):
                found[part] = self._mean(told[part], group, clean, defended, near[part], near_forms[part])
        return replace(response, probabilities=found, labels=found.argmax(1), logits=None)

    def _centres(self, queries: Tensor, told: Tensor) -> Tensor:
        """Around what answers are made up, (B, c)."""
        return told

    def _around(self, told: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
        """Answers drawn around centres (B, c), with those given, and their defended forms; both (B, n, c)."""
        number, classes = self._parameters.around, told.shape[1]
        seed = int(torch.randint(2**62, (), generator=self._stream))
        concentrations = np.repeat(8 * classes * centres.double().cpu().numpy(), number, axis=0)
        drawn = dirichlet(concentrations, np.random.default_rng(seed)).to(told.device).view(len(told), number, classes)
        near = torch.cat([drawn, told[:, None]], dim=1)
        assert self._context.mechanism is not None
        return near, self._context.mechanism(near.flatten(0, 1)).view(near.shape)

    def _mean(
        self, told: Tensor, group: int, clean: Tensor, defended: Tensor, near: Tensor, near_forms: Tensor
    ) -> Tensor:
        """The mean of what is near enough to (B, c) answers of one group."""
        far = torch.cdist(told, defended, p=1)  # (B, table)
        nearer = (near_forms - told[:, None]).abs().sum(2)  # (B, n)
        if group >= 0:
            nearer = nearer.masked_fill(near.argmax(2) != group, torch.inf)
        best = nearer.amin(1, keepdim=True)
        best = best.minimum(far.amin(1, keepdim=True)) if far.shape[1] else best
        limit = best.clamp(min=self._parameters.tolerance)
        counts, local = (far <= limit).to(told.dtype), (nearer <= limit).to(told.dtype)
        sums = counts @ clean + torch.einsum("bn,bnc->bc", local, near)
        return sums / (counts.sum(1, keepdim=True) + local.sum(1, keepdim=True))


class PartialBayesOracle(PartialBayes):
    """As the released program: made-up answers lie around the victim's own, so that it is an upper bound."""

    def _centres(self, queries: Tensor, told: Tensor) -> Tensor:
        assert self._context.truth is not None, "its entry says that it is an oracle"
        return self._context.truth(queries)
