"""Answers cut short, and softened: what needs neither a second network nor noise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mebench import AnswerDefence, OwnersContext
from mebench.toolkit import only_largest, rounded
from mebench_defences.parameters import (
    HighConfidenceParameters,
    RoundingParameters,
    TemperatureParameters,
    TopKParameters,
)
from mebench_defences.rows import Mechanism, scaled_to


class Pure(AnswerDefence):
    """An answer that is a function of the probabilities, so that an attacker who knows it has it too."""

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return what is answered, (B, c)."""
        raise NotImplementedError

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return what is answered, whatever was asked."""
        return self.answered(probabilities)

    def mechanism(self) -> Mechanism | None:
        """The same function."""
        return self.answered


class Label(Pure):
    """1 for the most probable class, of equal ones the lowest; 0 for the others."""

    keeps_argmax = True

    def __init__(self, context: OwnersContext) -> None:
        pass

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return (B, c) rows with a single 1."""
        return F.one_hot(probabilities.argmax(1), probabilities.shape[1]).to(probabilities.dtype)


class TopK(Pure):
    """The k largest probabilities, of equal ones those of the lowest classes; 0 for the others.

    Args:
        context: not used.
        parameters: k, and whether rows are renormalised.
    """

    keeps_argmax = True

    def __init__(self, context: OwnersContext, parameters: TopKParameters) -> None:
        self._parameters = parameters

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return (B, c) rows with at most k entries above 0."""
        kept = only_largest(probabilities, self._parameters.k)
        return scaled_to(kept, probabilities.sum(1)) if self._parameters.renormalise else kept


class Rounding(Pure):
    """Probabilities with few decimals, halves to the even digit; rows are not renormalised, and can be all 0.

    Two classes can become equal, and the label is the lower one then: it need not be what it was.
    """

    def __init__(self, context: OwnersContext, parameters: RoundingParameters) -> None:
        self._decimals = parameters.decimals
        self.probability_floor = 0.5 * 10.0**-parameters.decimals

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return rounded rows (B, c), whose sums are 1 only by chance."""
        return rounded(probabilities, self._decimals)


class HighConfidence(Pure):
    """Probabilities from a threshold on; 0 for what is below, also where that is everything."""

    def __init__(self, context: OwnersContext, parameters: HighConfidenceParameters) -> None:
        self._threshold = parameters.threshold

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return (B, c) rows without small entries, not renormalised."""
        return torch.where(probabilities < self._threshold, 0.0, probabilities)


class Temperature(Pure):
    """y^(1/T), normalised: softer above T = 1. Zeros stay zeros."""

    keeps_argmax = True

    def __init__(self, context: OwnersContext, parameters: TemperatureParameters) -> None:
        self._power = 1 / parameters.temperature

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return softened rows (B, c) of the same sums."""
        rows = probabilities.double()
        largest = rows.max(1, keepdim=True).values.clamp(min=torch.finfo(rows.dtype).tiny)
        return scaled_to((rows / largest) ** self._power, rows.sum(1)).to(probabilities.dtype)
