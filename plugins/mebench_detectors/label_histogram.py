"""Label histogram: whether a client's answers have the labels that the owner's inputs have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import Detector, OwnersContext
from mebench.toolkit import logits_of
from mebench_detectors import LabelHistogramParameters
from mebench_detectors.memory import Window
from mebench_detectors.watch import QueryByQuery, owners_data


class LabelHistogram(Detector):
    """Watches the shares of predicted labels.

    Args:
        context: gives the victim and the owner's data.
        parameters: see ``mebench info label-histogram``.
    """

    def __init__(self, context: OwnersContext, parameters: LabelHistogramParameters) -> None:
        self._context, self._window = context, parameters.window

    def fit(self) -> dict[str, Any]:
        """Count the victim's labels of the owner's inputs, each class once more than it came."""
        data = owners_data(self._context, "label-histogram")
        labels = logits_of(self._context.victim, data.inputs).argmax(1).cpu()
        counts = labels.bincount(minlength=self._context.spec.num_classes).double() + 1
        return {"shares": counts / counts.sum()}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take the shares."""
        self._shares: Tensor = fitted["shares"].cpu()

    def client(self) -> LabelHistogramWatch:
        """A client's watch."""
        return LabelHistogramWatch(self._shares, self._window)


class LabelHistogramWatch(QueryByQuery):
    """The score is Pearson's chi-square of the last labels, beside the (c,) shares that were expected."""

    def __init__(self, shares: Tensor, window: int) -> None:
        self._expected = window * shares
        self._labels = Window(window, torch.zeros((), dtype=torch.int64))

    def next(self, query: Tensor, label: int) -> float:
        """Take note of one label."""
        self._labels.add(torch.tensor(label))
        if not self._labels.full:
            return math.nan
        counts = self._labels.values.bincount(minlength=len(self._expected))
        return float(((counts - self._expected) ** 2 / self._expected).sum())

    def state_dict(self) -> dict[str, Any]:
        """The last labels."""
        return self._labels.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._labels.load_state_dict(state)
