"""How Algorithm 1 divides a budget among validation, seed and rounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spending:
    """What is asked when; sums up to the budget.

    Attributes:
        validation: queries that are asked first and not learnt.
        rounds: queries of each turn, the seed first; none is 0.
    """

    validation: int
    rounds: tuple[int, ...]


def in_rounds(budget: int, *, validation_share: float, seed_share: float, iterations: int) -> Spending:
    """Divide a budget B as Algorithm 1 does: eta B, k0, and N rounds of k = ((1 - eta) B - k0) / N.

    Shares are rounded to the nearest query; there is at least one to start with. What N does not divide is asked one
    query each in the first rounds.

    Args:
        budget: at least 1.
        validation_share: eta.
        seed_share: k0 / B.
        iterations: N.
    """
    validation = _share(validation_share, budget)
    seed = min(max(1, _share(seed_share, budget)), budget - validation)
    each, more = divmod(budget - validation - seed, iterations)
    sizes = (seed, *(each + (number < more) for number in range(iterations)))
    return Spending(validation, tuple(size for size in sizes if size))


def at_once(budget: int, *, validation_share: float) -> Spending:
    """Divide a budget into validation queries and one round."""
    validation = _share(validation_share, budget)
    return Spending(validation, (budget - validation,))


def _share(share: float, budget: int) -> int:
    """The nearest whole number of queries, half up, that leaves one to learn from."""
    return min(int(share * budget + 0.5), budget - 1)
