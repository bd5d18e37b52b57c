"""Adaptive misinformation (Kariyappa and Qureshi): wrong answers where the victim is unsure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import AnswerDefence, OwnersContext
from mebench_defences.parameters import MisinformationParameters
from mebench_defences.rows import scaled_to
from mebench_defences.training import data_of, fitted, used


class AdaptiveMisinformation(AnswerDefence):
    """(1 - a) y + a q(x) with a = s(nu (tau - max y)): q is a network that has learnt to be wrong.

    The paper's victim is trained with outlier exposure, so that it is unsure of what is not like its data. Here it is
    the plain victim, whose confidence is taken as it is, and q learns from the owner's data alone.

    Args:
        context: gives network and the owner's data.
        parameters: tau, nu, and how q is trained.
    """

    def __init__(self, context: OwnersContext, parameters: MisinformationParameters) -> None:
        data_of(context)
        self._context, self._parameters = context, parameters
        self._wrong: nn.Module | None = None

    def fit(self) -> dict[str, Any]:
        """Train q to give the true labels of the owner's data no probability."""
        labels = data_of(self._context).labels
        state = fitted(self._context, labels, away_from, self._parameters, decays_over=self._parameters.epochs)
        return {"wrong": state}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take q."""
        self._wrong = used(self._context, dict(fitted["wrong"]), self._parameters.network_seed)

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return mixed rows (B, c)."""
        assert self._wrong is not None, "use() comes first"
        with torch.no_grad():
            wrong = torch.softmax(self._wrong(queries).double(), dim=1)
        y = probabilities.double()
        unsure = torch.sigmoid(self._parameters.nu * (self._parameters.tau - y.max(1, keepdim=True).values))
        return ((1 - unsure) * y + unsure * scaled_to(wrong, y.sum(1))).to(probabilities.dtype)


def away_from(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of -log(1 - q_label): small where the label has no probability."""
    others = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(1)
    return (logits.logsumexp(1) - others).mean()
