"""Integrated Gradients (Sundararajan et al. 2017): gradients averaged along the way from a baseline to the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import Tensor

from mebench.api.contract import Victim
from mebench.oracle.channels.explanations.averaged import AveragingChannel, Points
from mebench.oracle.channels.explanations.scores import Classes, Score

Rule = Literal["right", "midpoint"]


class IntegratedGradientsChannel(AveragingChannel):
    """All probabilities, and IG(x) = (x - b) * (1/m) sum_k d score(b + t_k (x - b)) / d x where asked for.

    Args:
        steps: m, points on the way.
        baseline: b, the value of every pixel where the way begins, in input units.
        rule: t_k = k/m, the ``right`` Riemann sum as MEGEX's sequel prints it (eq. 2), or (k - 1/2)/m, ``midpoint``.
        score: explain ``probability`` (as the papers do) or ``logit``.
        classes: explain ``all`` classes (as the papers assume) or only the predicted one, ``top-1``.
    """

    gives = AveragingChannel.gives | {"integrated"}

    def __init__(
        self,
        steps: int = 50,
        baseline: float = 0.0,
        rule: Rule = "right",
        score: Score = "probability",
        classes: Classes = "all",
    ) -> None:
        self.steps = self.count = steps
        self.baseline, self.rule = float(baseline), rule
        shown: dict[str, object] = {"steps": steps}
        if self.baseline != 0.0:
            shown["baseline"] = self.baseline
        if rule != "right":
            shown["rule"] = rule
        super().__init__("ig", shown, score, classes)

    def points(self, victim: Victim, inputs: Tensor) -> tuple[Points, Tensor]:
        """Return what makes the m points on the way, and x - b."""
        offset = inputs - self.baseline
        shift = 0.0 if self.rule == "right" else 0.5

        def on_the_way() -> Iterator[Tensor]:
            for k in range(1, self.steps + 1):
                yield self.baseline + (k - shift) / self.steps * offset

        return on_the_way, offset
