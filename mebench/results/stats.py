"""Means over seeds and how far they can be trusted: Student-t and Welch intervals at 95 %."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
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


def half_width(values: Sequence[float]) -> float | None:
    """Return the half width of the 95 % Student-t interval of the mean.

    It assumes that seeds are independent and their values roughly normal; with two or three seeds it is wide, and
    rightly so. None for fewer than two values: one run says nothing about its spread.
    """
    n = len(values)
    if n < 2:
        return None
    return _critical(n - 1) * statistics.stdev(values) / math.sqrt(n)


def welch_interval(base: Sequence[float], new: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of mean(new) - mean(base), for unequal variances (Welch 1947).

    None if either side has fewer than two values. Where neither side spreads at all, the interval is a point.
    """
    if len(base) < 2 or len(new) < 2:
        return None
    difference = statistics.fmean(new) - statistics.fmean(base)
    of_base, of_new = statistics.variance(base) / len(base), statistics.variance(new) / len(new)
    squared_error = of_base + of_new
    if squared_error == 0:
        return Interval(difference, difference)
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


def _critical(freedom: float) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats.t.ppf is this function, behind a second of imports

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
