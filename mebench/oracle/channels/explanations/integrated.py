"""Integrated Gradients (Sundararajan et al. 2017): gradients averaged along the way from a baseline to the input."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from mebench.api.contract import Victim
from mebench.oracle.channels.entries import IntegratedGradientsParameters
from mebench.oracle.channels.explanations.averaged import AveragingChannel, Points


class IntegratedGradientsChannel(AveragingChannel):
    """All probabilities, and IG(x) = (x - b) * (1/m) sum_k d score(b + t_k (x - b)) / d x where asked for.

    The points t_k are k/m by the rule ``right``, the Riemann sum that MEGEX's sequel prints (eq. 2), and (k - 1/2)/m by
    ``midpoint``.

    Args:
        parameters: m, b and the rule; and what is explained.
    """

    gives = AveragingChannel.gives | {"integrated"}

    def __init__(self, parameters: IntegratedGradientsParameters | None = None) -> None:
        chosen = parameters or IntegratedGradientsParameters()
        self.steps = self.count = chosen.steps
        self.baseline, self.rule = chosen.baseline, chosen.rule
        super().__init__("ig", chosen)

    def points(self, victim: Victim, inputs: Tensor) -> tuple[Points, Tensor]:
        """Return what makes the m points on the way, and x - b."""
        offset = inputs - self.baseline
        shift = 0.0 if self.rule == "right" else 0.5

        def on_the_way() -> Iterator[Tensor]:
            for k in range(1, self.steps + 1):
                yield self.baseline + (k - shift) / self.steps * offset

        return on_the_way, offset
