"""Answers cut short: what the channel ``probability`` and defences leave out of probabilities."""

from __future__ import annotations

import torch
from torch import Tensor


def only_largest(probabilities: Tensor, count: int) -> Tensor:
    """Return the ``count`` largest of each row, zeros for the others; of equal ones the lowest classes.

    Args:
        probabilities: (B, c). Rows are not renormalised.
        count: how many are kept; all of them where it is c or more. Since version 1.8.
    """
    if count >= probabilities.shape[1]:
        return probabilities
    largest = probabilities.sort(dim=1, descending=True, stable=True)
    kept = slice(count)
    return torch.zeros_like(probabilities).scatter(1, largest.indices[:, kept], largest.values[:, kept])


def rounded(probabilities: Tensor, decimals: int) -> Tensor:
    """Return probabilities with so many decimals, halves to the even digit. Rows are not renormalised.

    Since version 1.8.
    """
    return probabilities.round(decimals=decimals)
