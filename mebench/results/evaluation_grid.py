"""When clones are evaluated: the same for every attack with the same budget."""

from __future__ import annotations

from collections.abc import Sequence

EARLY_POINTS = (0.01, 0.02)


def evaluation_grid(budget: int, points: int) -> list[int]:
    """Queries at which a clone is evaluated: evenly spaced, and 1 % and 2 % of the budget."""
    fractions: Sequence[float] = (*EARLY_POINTS, *(k / points for k in range(1, points + 1)))
    return sorted({max(1, round(fraction * budget)) for fraction in fractions})
