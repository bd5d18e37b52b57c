"""The reverse sigmoid of Lee, Edwards, Molloy and Su: small probabilities are lifted above moderate ones."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench import OwnersContext
from mebench_defences.parameters import ReverseSigmoidParameters
from mebench_defences.rows import scaled_to
from mebench_defences.truncation import Pure


class ReverseSigmoid(Pure):
    """y - b (s(g logit y) - 1/2), scaled to the row's sum, s the logistic function.

    The most probable class surely stays it only where its probability is above 1/2 and b below 1. At b = 1 a row with a
    single 1 becomes equal in all classes. Some implementations cut y / (1 - y) at 1 before the logarithm, so that
    nothing is taken from classes above 1/2; this one does not.

    Args:
        context: not used.
        parameters: b and g.
    """

    def __init__(self, context: OwnersContext, parameters: ReverseSigmoidParameters) -> None:
        self._parameters = parameters

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return deceptive rows (B, c)."""
        beta = self._parameters.beta
        beta = 2 / probabilities.shape[1] if beta is None else beta
        lowered = reversed_sigmoid(probabilities.double(), min(beta, 1.0), self._parameters.gamma)
        return scaled_to(lowered, probabilities.sum(1, dtype=torch.float64)).to(probabilities.dtype)


def reversed_sigmoid(y: Tensor, beta: float, gamma: float) -> Tensor:
    """y - b (s(g logit y) - 1/2) of float64 numbers in [0, 1]; not negative for b in [0, 1] and g in (0, 1)."""
    return (y - beta * (torch.sigmoid(gamma * torch.logit(y)) - 0.5)).clamp(min=0)
