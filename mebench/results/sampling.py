"""What the size of a test set alone leaves uncertain, and how large the test set of old results was."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction

FEWEST, FEWEST_ODD, FINEST = 1_500, 100, 1_000_000
"""Test inputs that values are taken to be fractions of: at least, at least where the number is not one that rounded
decimals have, and at most. Round numbers tell nothing."""


def standard_error(values: Sequence[float], tests: int | None) -> float:
    """Return the standard error of a fraction on so many test inputs: the least that a seed's value may spread.

    Args:
        values: of the seeds, fractions; the error is that of their mean.
        tests: size of the test set; 0 or None if it is not known.

    Returns:
        sqrt(p (1 - p) / N), at least 1 / N; 0 where nothing is known.
    """
    if not tests or not values:
        return 0.0
    share = min(max(statistics.fmean(values), 0.0), 1.0)
    return math.sqrt(max(share * (1 - share), 1 / tests) / tests)


def sizes_of_test_sets(data: Sequence[str | None], rows: Sequence[Sequence[float]]) -> list[int]:
    """Return the number of test inputs of each row, as far as the values of all rows on the same data tell it.

    Args:
        data: digest of each row's test data.
        rows: the values of each row's seeds, fractions of the test set.

    Returns:
        0 where it cannot be told.
    """
    values: dict[str | None, list[float]] = {one: [] for one in data}
    for one, row in zip(data, rows, strict=True):
        values[one].extend(row)
    sizes = {one: size_of_test_set(known) or 0 for one, known in values.items()}
    return [sizes[one] if _telling(sizes[one]) else 0 for one in data]


def _telling(size: int) -> bool:
    """Whether a size is none that values rounded to a few decimals seem to have."""
    return size >= FEWEST or (size >= FEWEST_ODD and FINEST % size != 0)


def size_of_test_set(values: Sequence[float]) -> int | None:
    """Return the smallest number of test inputs that all values can be fractions of; None if there is none.

    The true number is a multiple of it; with a few values it is nearly always the number itself.
    """
    total = 1
    for value in values:
        fraction = Fraction(value).limit_denominator(FINEST)
        if float(fraction) != value:
            return None
        total = math.lcm(total, fraction.denominator)
        if total > FINEST:
            return None
    return total if total > 1 else None
