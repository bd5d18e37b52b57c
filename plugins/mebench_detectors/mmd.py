"""MMD: whether recent queries come from where the owner's inputs come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import Detector, OwnersContext
from mebench_detectors import MmdParameters
from mebench_detectors.memory import Window
from mebench_detectors.watch import QueryByQuery, each_alone, owners_data, values_of

BANDWIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Times the median distance of the owner's inputs."""


def distances(first: Tensor, second: Tensor) -> Tensor:
    """(N, M) Euclidean distances, each computed by itself."""
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")


def kernel(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """(N, M) values of a Gaussian kernel, averaged over four bandwidths."""
    squares = distances(first, second) ** 2
    return torch.stack([torch.exp(-squares / (2 * (factor * scale) ** 2)) for factor in BANDWIDTHS]).mean(0)


class Mmd(Detector):
    """Watches for queries of another distribution than the owner's inputs.

    Args:
        context: gives the victim and the owner's data.
        parameters: see ``mebench info mmd``.
    """

    def __init__(self, context: OwnersContext, parameters: MmdParameters) -> None:
        self._context, self._parameters = context, parameters

    def fit(self) -> dict[str, Any]:
        """Keep features of the owner's inputs, their median distance, and the mean kernel between different ones."""
        data = owners_data(self._context, "mmd")
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[: self._parameters.reference]
        known = torch.stack([self._features(row) for row in data.inputs[order.to(data.inputs.device)].split(1)])
        apart = distances(known, known)
        scale = float(apart[~torch.eye(len(known), dtype=torch.bool)].median()) or 1.0
        within = (kernel(known, known, scale).sum() - len(known)) / (len(known) * (len(known) - 1))
        return {"known": known, "scale": scale, "within": float(within)}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take what was kept."""
        self._fitted = {**fitted, "known": fitted["known"].cpu()}

    def client(self) -> MmdWatch:
        """A client's watch."""
        return MmdWatch(self._features, self._parameters.window, self._fitted)

    def _features(self, query: Tensor) -> Tensor:
        """What is compared of one query, (f,) float64 on the CPU."""
        if self._parameters.features == "values":
            return values_of(query).double()
        return each_alone(self._context.victim, query)[0].double().cpu()


class MmdWatch(QueryByQuery):
    """The score is the unbiased squared MMD of the last queries and the owner's inputs (lemma 6 of the paper)."""

    def __init__(self, features: Callable[[Tensor], Tensor], window: int, fitted: Mapping[str, Any]) -> None:
        self._features, self._fitted, self._window = features, fitted, window
        self._last = Window(window, fitted["known"][0])
        self._within = fitted["known"].new_zeros(window, window)
        self._across = fitted["known"].new_zeros(window)

    def next(self, query: Tensor, label: int) -> float:
        """Compare one query with the last ones, and with the owner's inputs."""
        row, scale = self._features(query), self._fitted["scale"]
        place = self._last.add(row)
        beside = kernel(row.unsqueeze(0), self._last.values, scale)[0]
        self._within[place], self._within[:, place] = beside, beside
        self._across[place] = kernel(row.unsqueeze(0), self._fitted["known"], scale).mean()
        if not self._last.full:
            return math.nan
        within = (self._within.sum() - self._within.trace()) / (self._window * (self._window - 1))
        return float(within + self._fitted["within"] - 2 * self._across.mean())

    def state_dict(self) -> dict[str, Any]:
        """The last queries' features, and kernels between them and with the owner's inputs."""
        return {"last": self._last.state_dict(), "within": self._within.clone(), "across": self._across.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._last.load_state_dict(state["last"])
        self._within, self._across = state["within"].cpu().clone(), state["across"].cpu().clone()
