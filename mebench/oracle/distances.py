"""How far answers were moved: counts of L1 distances, of which mean, quantiles and maximum are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

BINS = 2_000
"""Of the range [0, 2] of an L1 distance: quantiles are right to a thousandth."""


class Distances:
    """A histogram of the L1 distances of answers from the victim's own.

    Attributes:
        rows: how many there are.
        largest: of all, in [0, 2].
    """

    def __init__(self) -> None:
        self.rows, self.largest = 0, 0.0
        self._sum = 0.0
        self._counts = torch.zeros(BINS, dtype=torch.int64)

    def add(self, distances: Tensor) -> None:
        """Take note of (B,) distances in [0, 2]."""
        if not len(distances):
            return
        values = distances.detach().double().cpu()
        self.rows += len(values)
        self.largest = max(self.largest, float(values.max()))
        self._sum += float(values.sum())
        bins = (values * (BINS / 2)).long().clamp_(0, BINS - 1)
        self._counts += torch.bincount(bins, minlength=BINS)

    @property
    def mean(self) -> float | None:
        """The mean distance; None of none."""
        return self._sum / self.rows if self.rows else None

    def quantile(self, share: float) -> float | None:
        """The distance that a share of all answers is not above, to 0.001; None of none."""
        if not self.rows:
            return None
        reached = torch.cumsum(self._counts, 0) >= share * self.rows
        return min((int(reached.nonzero()[0]) + 1) * 2 / BINS, self.largest)

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"rows": self.rows, "largest": self.largest, "sum": self._sum, "counts": self._counts.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.rows, self.largest, self._sum = state["rows"], state["largest"], state["sum"]
        self._counts = state["counts"].clone()
