"""Counting the labels that the victim gives to an attack's training queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import Purpose, Response
from mebench.oracle.observer import Observer


class LabelCounts(Observer):
    """Counts the labels that answer training queries. Nothing waits for an accelerator until counts are read.

    Args:
        num_classes: c.
        device: where labels are.
    """

    def __init__(self, num_classes: int, device: torch.device) -> None:
        self._halves = torch.zeros(2, num_classes, dtype=torch.int64, device=device)
        self._recent = torch.zeros(num_classes, dtype=torch.int64, device=device)

    def observe(self, inputs: Tensor, response: Response, purpose: Purpose) -> None:
        """Count the labels of an answer, if the clone is to learn from it."""
        if purpose == "train":
            self.add(response.labels, response.progress)

    def add(self, labels: Tensor, progress: float) -> None:
        """Count (B,) labels, answered when this fraction of the budget was spent."""
        ones = torch.ones_like(labels)  # not bincount, which reads its result's size back from an accelerator
        self._recent.index_add_(0, labels, ones)
        self._halves[int(progress > 0.5)].index_add_(0, labels, ones)

    @property
    def halves(self) -> list[list[int]]:
        """Counts by class of the answers in the first and in the second half of the budget."""
        counts: list[list[int]] = self._halves.tolist()
        return counts

    def take_recent(self) -> list[int]:
        """Counts by class since this was last asked."""
        counts: list[int] = self._recent.tolist()
        self._recent.zero_()
        return counts

    def state_dict(self) -> dict[str, Any]:
        """All counts."""
        return {"halves": self._halves, "recent": self._recent}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``.

        Raises:
            ValueError: the counts are of another number of classes.
        """
        if (state["halves"].shape, state["recent"].shape) != (self._halves.shape, self._recent.shape):
            raise ValueError("the counts of labels are of another number of classes")
        self._halves.copy_(state["halves"])
        self._recent.copy_(state["recent"])
