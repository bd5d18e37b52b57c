"""Vanilla gradients (Simonyan et al. 2013): one backward pass for one ``vjp``."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Explanation, Response, Victim
from mebench.oracle.channels.entries import ExplainedParameters, Score
from mebench.oracle.channels.explanations.scores import ExplainedScoreChannel


class GradientExplanation(Explanation):
    """The vanilla gradient of the class scores, kept as an autograd graph until it is needed.

    Args:
        scores: (B, c), with a graph back to ``inputs``.
        inputs: (B, \\*shape), a leaf that requires a gradient.
        mask: (B, c) of 0 and 1: which classes are explained; None for all.
        score: which score that is.
    """

    def __init__(
        self, scores: Tensor, inputs: Tensor, mask: Tensor | None = None, score: Score = "probability"
    ) -> None:
        self.score = score
        self._scores = scores
        self._inputs = inputs
        self._mask = mask

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * d score_j / d x, (B, \\*shape)."""
        if self._mask is not None:
            weights = weights * self._mask
        (gradient,) = torch.autograd.grad(self._scores, self._inputs, weights, retain_graph=True)
        return gradient

    def dense(self) -> Tensor:
        """Return d score_j / d x for every class, (B, c, \\*shape); zero for classes that are not explained."""
        unit = torch.eye(self._scores.shape[1], dtype=self._scores.dtype, device=self._scores.device)
        return torch.stack([self.vjp(row.expand_as(self._scores)) for row in unit], dim=1)


class VanillaGradientChannel(ExplainedScoreChannel):
    """All probabilities, and VG(x) = d score / d x where asked for (Simonyan et al. 2013; MEGEX, section 3.2).

    Args:
        parameters: what is explained.
    """

    gives = ExplainedScoreChannel.gives | {"gradient"}

    def __init__(self, parameters: ExplainedParameters | None = None) -> None:
        super().__init__("vg", parameters or ExplainedParameters())

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return labels (B,), probabilities (B, c) and, if asked for, their explanation."""
        if explain:
            inputs = inputs.detach().requires_grad_()
        with torch.set_grad_enabled(explain):
            logits = victim(inputs)
            probabilities = torch.softmax(logits, dim=1)
            scores = logits if self.score == "logit" else probabilities
        labels = probabilities.argmax(1)
        explanation = None
        if explain:
            explanation = GradientExplanation(scores, inputs, self.mask(labels, logits.shape[1]), self.score)
        # A copy where the explanation needs the scores as they are: whoever gets the answer may write into it.
        told = probabilities.detach().clone() if explain else probabilities
        return Response(labels, told, explanation)
