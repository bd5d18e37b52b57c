"""Near-duplicates: how many of the recent queries lie next to an earlier one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import Detector, OwnersContext
from mebench_detectors import NearDuplicatesParameters
from mebench_detectors.memory import Memory, Window
from mebench_detectors.watch import QueryByQuery, values_of


class NearDuplicates(Detector):
    """Watches for queries that nearly repeat earlier ones.

    Args:
        context: gives the size of an input.
        parameters: see ``mebench info near-duplicates``.
    """

    def __init__(self, context: OwnersContext, parameters: NearDuplicatesParameters) -> None:
        width = 1.0 if context.spec.discrete else context.spec.high - context.spec.low
        self._radius = parameters.radius * math.sqrt(context.spec.size) * width
        self._parameters, self._texts = parameters, context.spec.discrete

    def client(self) -> NearDuplicatesWatch:
        """A client's watch."""
        return NearDuplicatesWatch(self._radius, self._parameters, self._texts)


class NearDuplicatesWatch(QueryByQuery):
    """The score is the share of the last queries whose nearest earlier one is closer than a radius."""

    def __init__(self, radius: float, parameters: NearDuplicatesParameters, texts: bool = False) -> None:
        self._radius, self._memory, self._texts = radius, Memory(parameters.memory), texts
        self._near = Window(parameters.window, torch.zeros(()))

    def next(self, query: Tensor, label: int) -> float:
        """Look for one that is near, and keep the query."""
        values = values_of(query)
        nearest = self._memory.fewest_different if self._texts else self._memory.nearest
        near = bool(len(self._memory)) and float(nearest(values)) < self._radius
        self._memory.add(values)
        self._near.add(torch.tensor(float(near)))
        return float(self._near.values.sum()) / len(self._near.values) if self._near.full else math.nan

    def state_dict(self) -> dict[str, Any]:
        """Earlier queries, and which of the last ones were near."""
        return {"memory": self._memory.state_dict(), "near": self._near.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._memory.load_state_dict(state["memory"])
        self._near.load_state_dict(state["near"])
