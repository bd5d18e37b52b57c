"""PRADA: distances between a client's queries, class by class, and whether they are normally distributed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mebench import Detector, OwnersContext
from mebench_detectors import PradaParameters
from mebench_detectors.memory import Memory
from mebench_detectors.watch import QueryByQuery, values_of

FEWEST, FEWEST_OF_CLASS, OUTLIERS = 100, 10, 3.0
"""A test needs more than 100 distances of classes with 10 or more, after those beyond 3 deviations were dropped."""


class Prada(Detector):
    """Watches for distances that are not normally distributed (Algorithm 1 of the paper, as its program has it).

    Args:
        context: gives the number of classes.
        parameters: see ``mebench info prada``.
    """

    def __init__(self, context: OwnersContext, parameters: PradaParameters) -> None:
        self._classes, self._parameters = context.spec.num_classes, parameters

    def client(self) -> PradaWatch:
        """A client's watch."""
        return PradaWatch(self._classes, self._parameters)


class PradaWatch(QueryByQuery):
    """Growing sets G_c, the distances that let their members in, thresholds T_c, and all smallest distances D_c.

    The score is 1 - W at the latest test, W of Shapiro and Wilk.
    """

    def __init__(self, classes: int, parameters: PradaParameters) -> None:
        self._parameters = parameters
        self._sets = [Memory(parameters.memory) for _ in range(classes)]
        self._entries: list[list[float]] = [[] for _ in range(classes)]
        self._distances: list[list[float]] = [[] for _ in range(classes)]
        self._thresholds = [0.0] * classes
        self._seen, self._score = 0, math.nan

    def next(self, query: Tensor, label: int) -> float:
        """Take note of one query; every tenth time, test."""
        self._note(values_of(query), label)
        self._seen += 1
        if self._seen % self._parameters.every == 0:
            self._test()
        return self._score

    def _note(self, values: Tensor, label: int) -> None:
        growing, entries = self._sets[label], self._entries[label]
        if not len(growing):
            growing.add(values)
            entries.append(0.0)
            return
        distance = float(growing.nearest(values))
        self._distances[label].append(distance)
        if distance > self._thresholds[label]:
            growing.add(values)
            entries.append(distance)
            sign = -1 if self._parameters.growth == "mean-minus-std" else 1
            limit = float(np.mean(entries) + sign * np.std(entries))
            self._thresholds[label] = max(self._thresholds[label], limit)

    def _test(self) -> None:
        """W of all distances of classes with enough of them; no test where too few are left."""
        pooled = [one for of_class in self._distances if len(of_class) >= FEWEST_OF_CLASS for one in of_class]
        if len(pooled) <= FEWEST:
            return
        values = np.asarray(pooled)
        kept = values[np.abs(values - values.mean()) <= OUTLIERS * values.std()]
        if len(kept) > FEWEST:
            self._score = 1 - shapiro_wilk(kept)

    def state_dict(self) -> dict[str, Any]:
        """Sets, distances and thresholds of the classes, and the latest score."""
        return {
            "sets": [one.state_dict() for one in self._sets],
            "entries": [_tensor(one) for one in self._entries],
            "distances": [_tensor(one) for one in self._distances],
            "thresholds": _tensor(self._thresholds),
            "seen": self._seen,
            "score": _tensor([self._score]),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        for one, known in zip(self._sets, state["sets"], strict=True):
            one.load_state_dict(known)
        self._entries = [one.tolist() for one in state["entries"]]
        self._distances = [one.tolist() for one in state["distances"]]
        self._thresholds = state["thresholds"].tolist()
        self._seen, self._score = state["seen"], float(state["score"])


def _tensor(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def shapiro_wilk(values: np.ndarray[Any, Any]) -> float:
    """W of Shapiro and Wilk (1965), in (0, 1]; 1 for values that are all the same.

    The library warns that above 5,000 values the p-value is uncertain; only W is used.
    """
    from scipy.stats import shapiro

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return float(shapiro(values).statistic)
