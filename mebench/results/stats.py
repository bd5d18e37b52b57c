"""Means over seeds and how far they can be trusted: Student-t and Welch intervals at 95 %."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE


@dataclass(frozen=True)
class Interval:
    """A two-sided 95 % confidence interval, bounds included."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None of no values."""
    return statistics.fmean(values) if values else None


def half_width(values: Sequence[float], error: float = 0.0) -> float | None:
    """Return the half width of the 95 % interval of the mean over seeds: Student's t, and never less than the test's.

    It assumes that seeds are independent and their values roughly normal; with two or three seeds it is wide, and
    rightly so. Seeds are never taken to spread less than the test set's size makes one clone uncertain; and as all of
    them are scored on the same test inputs, no number of seeds makes the mean surer than these.

    Args:
        values: of the seeds.
        error: standard error of one value by the size of the test set, see `mebench.results.sampling`; 0 if unknown.

    Returns:
        None for fewer than two values, for one run says nothing about its spread; for values that are not finite; and
        for values that do not spread at all where the error is not known.
    """
    n = len(values)
    if n < 2 or not all(map(math.isfinite, values)):
        return None
    deviation = max(statistics.stdev(values), error)
    if not deviation:
        return None
    return max(_critical(n - 1) * deviation / math.sqrt(n), _critical(math.inf) * error)


def welch_interval(
    base: Sequence[float], new: Sequence[float], errors: tuple[float, float] = (0.0, 0.0)
) -> Interval | None:
    """Return the 95 % interval of mean(new) - mean(base), for unequal variances (Welch 1947).

    Args:
        base, new: values of the seeds of either side.
        errors: of either side, the least that its seeds are taken to spread: the standard error of one value by the
            size of the test set.

    Returns:
        None if either side has fewer than two values, or where neither side spreads at all.
    """
    if len(base) < 2 or len(new) < 2:
        return None
    difference = statistics.fmean(new) - statistics.fmean(base)
    of_base, of_new = (
        max(statistics.variance(one), error**2) / len(one) for one, error in zip((base, new), errors, strict=True)
    )
    squared_error = of_base + of_new
    if squared_error == 0:
        return None
    # Welch-Satterthwaite
    freedom = squared_error**2 / (of_base**2 / (len(base) - 1) + of_new**2 / (len(new) - 1))
    half = _critical(freedom) * math.sqrt(squared_error)
    return Interval(difference - half, difference + half)


def holm(p: NDArray[Any]) -> NDArray[Any]:
    """Return p values corrected for their number by Holm's step-down method (1979); NaN stays and does not count."""
    import numpy as np

    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


@lru_cache(maxsize=1_000)  # rows have few numbers of seeds
def _critical(freedom: float) -> float:
    """The two-sided quantile of Student's t, or of the normal distribution where the freedom is infinite."""
    from scipy.special import ndtri, stdtrit  # scipy.stats.t.ppf is this function, behind a second of imports

    level = (1 + CONFIDENCE) / 2
    return float(ndtri(level)) if math.isinf(freedom) else float(stdtrit(freedom, level))
