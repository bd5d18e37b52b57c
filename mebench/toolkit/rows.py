"""Answers of which some rows are taken, or tell less than others."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mebench.api.contract import Explanation, Response


def rows_of(response: Response, rows: Tensor) -> Response:
    """Some rows of an answer, in the order of their numbers (n,)."""

    def chosen(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[rows]

    explanation = response.explanation
    return replace(
        response,
        labels=response.labels[rows],
        probabilities=chosen(response.probabilities),
        logits=chosen(response.logits),
        explanation=None if explanation is None else ChosenRows(explanation, rows, len(response)),
    )


class ChosenRows(Explanation):
    """Some rows of an explanation.

    Args:
        inner: of all rows.
        rows: (n,) their numbers.
        of: how many rows there are.
    """

    def __init__(self, inner: Explanation, rows: Tensor, of: int) -> None:
        self.score, self._inner, self._rows, self._of = inner.score, inner, rows, of

    def vjp(self, weights: Tensor) -> Tensor:
        """As `Explanation.vjp`, of the rows."""
        everywhere = weights.new_zeros(self._of, weights.shape[1])
        everywhere[self._rows] = weights
        return self._inner.vjp(everywhere)[self._rows]

    def dense(self) -> Tensor:
        """As `Explanation.dense`, of the rows."""
        return self._inner.dense()[self._rows]


def with_labels_alone(response: Response, rows: Tensor) -> Response:
    """An answer of which some rows tell the label alone: one-hot probabilities, and explanations of zero.

    Args:
        response: of B queries.
        rows: (B,) bool.
    """
    there = rows.to(response.labels.device)
    probabilities, explanation = response.probabilities, response.explanation
    if probabilities is not None:
        one_hot = torch.nn.functional.one_hot(response.labels, probabilities.shape[1]).to(probabilities.dtype)
        probabilities = torch.where(there[:, None], one_hot, probabilities)
    if explanation is not None:
        explanation = PartlyExplained(explanation, ~there)
    return replace(response, probabilities=probabilities, explanation=explanation)


class PartlyExplained(Explanation):
    """An explanation that is zero for some rows.

    Args:
        inner: of all rows.
        explained: (B,) bool, the rows that it is given for.
    """

    def __init__(self, inner: Explanation, explained: Tensor) -> None:
        self.score, self._inner, self._explained = inner.score, inner, explained

    def vjp(self, weights: Tensor) -> Tensor:
        """As `Explanation.vjp`, zero where nothing is explained."""
        return self._inner.vjp(weights * self._explained[:, None])

    def dense(self) -> Tensor:
        """As `Explanation.dense`, zero where nothing is explained."""
        maps = self._inner.dense()
        return maps * self._explained.view(-1, *[1] * (maps.ndim - 1))
