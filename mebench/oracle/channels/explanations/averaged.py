"""Explanations that average gradients over m points: SmoothGrad and Integrated Gradients.

Nothing is computed or stored before it is asked for. One ``vjp`` costs m backward passes, not m x c; points are made
chunk by chunk, so that memory does not grow with m.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import Tensor

from mebench.api.contract import Explanation, Response, Victim
from mebench.oracle.channels.entries import Score
from mebench.oracle.channels.explanations.scores import ExplainedScoreChannel

Points = Callable[[], Iterator[Tensor]]
"""Makes the m points of a batch, each (B, \\*shape), one after the other, and the same at every call."""

CPU_ROWS = 256
"""Rows that the network sees at once on a CPU: more of them leave its caches."""
ACCELERATOR_ROWS = 1024
"""Rows at once on an accelerator, which idles between small chunks; about 10 GB for a ResNet-34 on 32 x 32."""


def suitable_rows(device: torch.device) -> int:
    """Rows that the network sees at once, unless told otherwise."""
    return CPU_ROWS if device.type == "cpu" else ACCELERATOR_ROWS


class AveragedGradient(Explanation):
    """The mean of the gradients at m points, times a factor.

    Args:
        victim: explained.
        inputs: (B, \\*shape), what was asked.
        points: makes the points.
        count: m, how many they are.
        factor: (B, \\*shape), multiplies the mean; None for 1.
        mask: (B, c) of 0 and 1: which classes are explained; None for all.
        score: which score is explained.
        rows: rows that the network sees at once, at most.
    """

    def __init__(
        self,
        victim: Victim,
        inputs: Tensor,
        points: Points,
        count: int,
        *,
        factor: Tensor | None = None,
        mask: Tensor | None = None,
        score: Score = "probability",
        rows: int = CPU_ROWS,
    ) -> None:
        self.score: Score = score
        self._victim, self._inputs, self._points, self._count = victim, inputs, points, count
        self._factor, self._mask, self._rows = factor, mask, rows

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * (explanation of class j), (B, \\*shape), by m backward passes."""
        return self._contract(weights[None])[:, 0]

    def dense(self) -> Tensor:
        """Return the explanation of every class, (B, c, \\*shape), by m forward and m x c backward passes."""
        unit = torch.eye(self._victim.spec.num_classes, dtype=self._inputs.dtype, device=self._inputs.device)
        return self._contract(unit[:, None].expand(-1, len(self._inputs), -1))

    def _contract(self, weights: Tensor) -> Tensor:
        """Return the contractions with (V, B, c) weights, (B, V, \\*shape)."""
        batch, *shape = self._inputs.shape
        total = self._inputs.new_zeros(batch, len(weights), *shape)
        for rows, points in self._chunks():
            total[rows] += self._gradients(points, weights[:, rows], rows)
        total /= self._count
        return total if self._factor is None else total * self._factor.unsqueeze(1)

    def _gradients(self, points: Tensor, weights: Tensor, rows: slice) -> Tensor:
        """Return the gradients at (n, b, \\*shape) points for (V, b, c) weights, summed over n, (b, V, \\*shape)."""
        flat = points.flatten(0, 1).requires_grad_()
        with torch.enable_grad():
            logits = self._victim(flat)
            scores = logits if self.score == "logit" else torch.softmax(logits, dim=1)
        found = []
        for number, one in enumerate(weights, start=1):
            masked = one if self._mask is None else one * self._mask[rows]
            repeated = masked.repeat(len(points), 1)
            (gradient,) = torch.autograd.grad(scores, flat, repeated, retain_graph=number < len(weights))
            found.append(gradient.view_as(points).sum(0))
        return torch.stack(found, dim=1)

    def _chunks(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield (rows of the batch, n points of each of these rows), never more than the limit of rows at once."""
        batch = len(self._inputs)
        points, together = self._points(), max(1, self._rows // max(batch, 1))
        while some := list(islice(points, together)):
            for start in range(0, batch, self._rows):
                rows = slice(start, min(start + self._rows, batch))
                yield rows, torch.stack([one[rows] for one in some])


class AveragingChannel(ExplainedScoreChannel):
    """All probabilities, and averaged gradients where asked for; a subclass says at which points.

    Attributes:
        count: m, the number of points.
        rows: rows that the network sees at once; None for what suits the device.
    """

    count: int
    rows: int | None = None

    @abstractmethod
    def points(self, victim: Victim, inputs: Tensor) -> tuple[Points, Tensor | None]:
        """Return what makes the points for (B, \\*shape) inputs, and the factor of the mean."""

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return labels (B,), probabilities (B, c) and, if asked for, their explanation."""
        inputs = inputs.detach()
        with torch.no_grad():
            probabilities = torch.softmax(victim(inputs), dim=1)
        labels = probabilities.argmax(1)
        return Response(labels, probabilities, self._explain(victim, inputs, labels) if explain else None)

    def _explain(self, victim: Victim, inputs: Tensor, labels: Tensor) -> AveragedGradient:
        points, factor = self.points(victim, inputs)
        return AveragedGradient(
            victim,
            inputs,
            points,
            self.count,
            factor=factor,
            mask=self.mask(labels, victim.spec.num_classes),
            score=self.score,
            rows=self.rows or suitable_rows(inputs.device),
        )
