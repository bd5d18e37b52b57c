"""Channels without explanations: the label alone, or probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim


class LabelChannel(ResponseChannel):
    """The most probable class and nothing else."""

    name = "label"
    gives = frozenset({"label"})

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return labels (B,)."""
        with torch.no_grad():
            return Response(victim(inputs).argmax(1))


class ProbabilityChannel(ResponseChannel):
    """The probability of every class, optionally truncated to the largest, then rounded.

    Args:
        top_k: give the k largest probabilities; the others are returned as 0, and rows are not renormalised.
        decimals: round to this many decimals.
    """

    gives = frozenset({"label", "probability"})

    def __init__(self, top_k: int | None = None, decimals: int | None = None) -> None:
        self.top_k = top_k
        self.decimals = decimals
        shown = {"top_k": top_k, "decimals": decimals}
        self.name = channel_name("probability", {key: value for key, value in shown.items() if value is not None})
        if decimals is not None:
            self.probability_floor = 0.5 * 10.0**-decimals

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return labels (B,) and probabilities (B, c)."""
        with torch.no_grad():
            probabilities = torch.softmax(victim(inputs), dim=1)
            labels = probabilities.argmax(1)
            return Response(labels, self._shape(probabilities))

    def _shape(self, probabilities: Tensor) -> Tensor:
        if self.top_k is not None and self.top_k < probabilities.shape[1]:
            largest = probabilities.topk(self.top_k, dim=1)
            probabilities = torch.zeros_like(probabilities).scatter(1, largest.indices, largest.values)
        if self.decimals is not None:
            probabilities = probabilities.round(decimals=self.decimals)
        return probabilities


def channel_name(name: str, parameters: dict[str, object]) -> str:
    """The canonical name of a channel: its parameters in brackets, e.g. ``probability(decimals=2)``."""
    inside = ",".join(f"{key}={value}" for key, value in parameters.items())
    return f"{name}({inside})" if inside else name
