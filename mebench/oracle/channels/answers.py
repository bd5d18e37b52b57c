"""Channels without explanations: the label alone, or probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.oracle.channels.entries import ProbabilityParameters
from mebench.oracle.channels.truncation import only_largest, rounded
from mebench.registry.declaration import labelled


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
        parameters: how much is told. Rows that are cut off are not renormalised.
    """

    gives = frozenset({"label", "probability"})

    def __init__(self, parameters: ProbabilityParameters | None = None) -> None:
        self.parameters = parameters or ProbabilityParameters()
        self.name = labelled("probability", self.parameters)
        if self.parameters.decimals is not None:
            self.probability_floor = 0.5 * 10.0**-self.parameters.decimals

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return labels (B,) and probabilities (B, c)."""
        with torch.no_grad():
            probabilities = torch.softmax(victim(inputs), dim=1)
            labels = probabilities.argmax(1)
            return Response(labels, self._shape(probabilities))

    def _shape(self, probabilities: Tensor) -> Tensor:
        top_k, decimals = self.parameters.top_k, self.parameters.decimals
        if top_k is not None:
            probabilities = only_largest(probabilities, top_k)
        return probabilities if decimals is None else rounded(probabilities, decimals)
