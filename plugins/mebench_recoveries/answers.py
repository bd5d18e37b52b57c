"""What an attacker makes of answers without knowing the defence: labels, means, and doubt."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mebench import Recovery, RecoveryContext, Response
from mebench.toolkit import to_device
from mebench_recoveries.explanations import Averaged
from mebench_recoveries.parameters import ConfidenceParameters, JitterParameters, RepeatParameters

SHIFT = 4


class Argmax(Recovery):
    """Learns from 1 for the label that was answered and 0 for the others."""

    def __init__(self, context: RecoveryContext) -> None:
        self._classes = context.spec.num_classes

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return one-hot probabilities (B, c)."""
        hard = F.one_hot(response.labels, self._classes).to(torch.float32)
        return replace(response, probabilities=hard, logits=None)


class RepeatAverage(Recovery):
    """Asks each row several times, and learns from the mean: of probabilities, maps, or the votes for labels.

    Against noise that is drawn anew it leaves 1 / sqrt(copies) of it, against keyed noise all of it.

    Args:
        context: gives the number of classes.
        parameters: how often.
    """

    def __init__(self, context: RecoveryContext, parameters: RepeatParameters) -> None:
        self._classes = context.spec.num_classes
        self.queries_per_row = parameters.copies

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return means (B, c); the label is the largest of them, or else the one with most votes, then the lowest."""
        copies = self.queries_per_row
        if copies == 1:
            return response
        probabilities, explanation = response.probabilities, response.explanation
        votes = F.one_hot(response.labels, self._classes).float() if probabilities is None else probabilities
        means = votes.view(-1, copies, votes.shape[1]).mean(1)
        return Response(
            means.argmax(1),
            None if probabilities is None else means,
            None if explanation is None else Averaged(explanation, copies),
            response.progress,
        )


class JitterAverage(RepeatAverage):
    """As the mean of repeats, but each copy after the first is a little different, so that keyed noise is too.

    Args:
        context: gives spec and streams.
        parameters: how often, and what is different.
    """

    def __init__(self, context: RecoveryContext, parameters: JitterParameters) -> None:
        super().__init__(context, parameters)
        self._spec, self._parameters = context.spec, parameters
        self._stream = context.random.torch("jitter", "cpu")

    def asked(self, queries: Tensor) -> Tensor:
        """Return the row itself and its changed copies, (B * copies, C, h, w)."""
        copies = super().asked(queries)
        changed = self._moved(copies) if self._parameters.by == "levels" else self._shifted(copies)
        first = torch.arange(len(copies), device=copies.device) % self.queries_per_row == 0
        return torch.where(first.view(-1, *[1] * (copies.ndim - 1)), copies, changed)

    def _moved(self, copies: Tensor) -> Tensor:
        most, width = self._parameters.levels, self._spec.high - self._spec.low
        steps = torch.randint(-most, most + 1, copies.shape, generator=self._stream)
        moved = copies + to_device(steps, copies.device) * (width / 255)
        return moved.clamp(self._spec.low, self._spec.high).to(copies.dtype)

    def _shifted(self, copies: Tensor) -> Tensor:
        """A window of a picture with a black frame of four pixels, mirrored or not."""
        height, width = copies.shape[-2:]
        framed = F.pad(copies, [SHIFT] * 4, value=self._spec.low)
        corners = torch.randint(2 * SHIFT + 1, (len(copies), 2), generator=self._stream).tolist()
        mirrored = (torch.rand(len(copies), generator=self._stream) < 0.5).tolist()
        windows = [
            one[:, top : top + height, left : left + width] for one, (top, left) in zip(framed, corners, strict=True)
        ]
        return torch.stack([one.flip(-1) if flip else one for one, flip in zip(windows, mirrored, strict=True)])


class ConfidenceFilter(Recovery):
    """Learns only from answers that are sure of themselves: adaptive misinformation lies in the others.

    Rows that are left out are paid for.

    Args:
        context: not used.
        parameters: how sure.
    """

    def __init__(self, context: RecoveryContext, parameters: ConfidenceParameters) -> None:
        self._threshold = parameters.threshold

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return the answer as it is."""
        return response

    def worth_learning(self, queries: Tensor, response: Response) -> Tensor | None:
        """Return where the largest probability reaches the threshold, (B,); all where there are labels alone."""
        if response.probabilities is None:
            return None
        return response.probabilities.amax(1) >= self._threshold
