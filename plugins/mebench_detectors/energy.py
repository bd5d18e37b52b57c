"""Energy: whether the victim is as sure of a client's queries as of the owner's inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import Detector, OwnersContext
from mebench.toolkit import logits_of
from mebench_detectors import EnergyParameters
from mebench_detectors.memory import Window
from mebench_detectors.watch import QueryByQuery, each_alone, owners_data


def _energy(logits: Tensor) -> Tensor:
    return logits.double().logsumexp(1)


def _max_softmax(logits: Tensor) -> Tensor:
    return logits.double().softmax(1).amax(1)


OF: Mapping[str, Callable[[Tensor], Tensor]] = {"energy": _energy, "max-softmax": _max_softmax}
"""Makes (B,) float64 values of (B, c) logits."""


class Energy(Detector):
    """Watches the victim's confidence.

    Args:
        context: gives the victim and the owner's data.
        parameters: see ``mebench info energy``.
    """

    def __init__(self, context: OwnersContext, parameters: EnergyParameters) -> None:
        self._context, self._parameters = context, parameters

    def fit(self) -> dict[str, Any]:
        """Compute the confidences of the owner's inputs, ascending."""
        data = owners_data(self._context, "energy")
        values = OF[self._parameters.of](logits_of(self._context.victim, data.inputs))
        return {"values": values.sort().values.cpu()}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take the confidences."""
        self._values: Tensor = fitted["values"].cpu()

    def client(self) -> EnergyWatch:
        """A client's watch."""
        return EnergyWatch(self._context, self._parameters, self._values)


class EnergyWatch(QueryByQuery):
    """The score is how far the last values are from the owner's (m,), which are sorted."""

    def __init__(self, context: OwnersContext, parameters: EnergyParameters, known: Tensor) -> None:
        self._victim, self._of = context.victim, OF[parameters.of]
        self._distance = kolmogorov_smirnov if parameters.statistic == "ks" else standard_errors
        self._known, self._last = known, Window(parameters.window, known.new_zeros(()))

    def next(self, query: Tensor, label: int) -> float:
        """Take note of the victim's confidence."""
        self._last.add(self._of(each_alone(self._victim, query)).cpu().squeeze(0))
        return self._distance(self._last.values, self._known) if self._last.full else math.nan

    def state_dict(self) -> dict[str, Any]:
        """The last values."""
        return self._last.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._last.load_state_dict(state)


def kolmogorov_smirnov(values: Tensor, known: Tensor) -> float:
    """The largest distance of two empirical distribution functions, in [0, 1]; ``known`` is sorted."""
    ordered = values.sort().values
    both = torch.cat([ordered, known])
    ours = torch.searchsorted(ordered, both, right=True).double() / len(ordered)
    theirs = torch.searchsorted(known, both, right=True).double() / len(known)
    return float((ours - theirs).abs().amax())


def standard_errors(values: Tensor, known: Tensor) -> float:
    """How many standard errors of a mean over so many values theirs is from the known mean."""
    return float((values.mean() - known.mean()).abs() / (known.std() / math.sqrt(len(values))))
