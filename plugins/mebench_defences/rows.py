"""Rows of probabilities: how they are scaled, and what is computed of them at home."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Mechanism = Callable[[Tensor], Tensor]
"""Makes (N, c) defended probabilities of (N, c) probabilities."""


def scaled_to(rows: Tensor, sums: Tensor) -> Tensor:
    """Return rows (B, c) with the sums (B,); rows of zeros become equal in all classes."""
    found = rows.sum(1, keepdim=True)
    there = found > 0
    shares = (rows / found.where(there, found.new_ones(()))).where(there, rows.new_tensor(1 / rows.shape[1]))
    return shares * sums[:, None]
