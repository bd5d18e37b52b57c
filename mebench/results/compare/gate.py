"""What a regression check can see: the loss that the seeds of a row let it tell from noise.

The question is whether the new seeds of a row could have come from where those of the baseline came from. Their spread
is therefore the *baseline's*: two new seeds say next to nothing of their own. It is known better than from one row's
few seeds, because the rows of a benchmark spread alike: each row's variance is moved towards their common one, and
gains its degrees of freedom (moderated variances; Smyth 2004, Statistical Applications in Genetics 3(1), section 3-6).
It is never taken for smaller than the row's own, since one row may be wilder than the others, nor than the error that
the size of the test set alone brings.

Seeds of both sides are taken for independent, though they share numbers: on another processor, or with other code, a
trial of the same seed soon goes its own way. Where they are *not* independent, because nothing has changed, they are
equal to the last bit, which `same_bits` sees; that needs no statistics.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALPHA = 0.05
"""How often noise alone may raise an alarm in one comparison, over all of its rows together."""
MOST_SEEDS = 100


@dataclass(frozen=True)
class Spread:
    """How much one seed of a row differs from another.

    Attributes:
        deviation: standard deviation over seeds, above 0.
        freedom: degrees of freedom with which it is known; infinite where the rows' common one is all there is to it.
    """

    deviation: float
    freedom: float


@dataclass(frozen=True)
class Sight:
    """What the check can see in one row.

    Attributes:
        notices: the smallest loss of the mean that is told from noise.
        p: how often noise alone makes a loss at least as large, in [0, 1].
        seeds: new seeds with which a loss of the tolerance would be noticed; None where no number of them would do,
            for the baseline has too few.
        baseline_seeds: seeds of both sides with which it would be; None above `MOST_SEEDS`.
    """

    notices: float
    p: float
    seeds: int | None
    baseline_seeds: int | None


def same_bits(base: Sequence[float | None], new: Sequence[float | None]) -> bool:
    """Whether values of the same seeds are equal to the last bit, and there are any."""
    return len(base) == len(new) > 0 and list(base) == list(new)


def spreads(rows: Sequence[Sequence[float]], floors: Sequence[float]) -> list[Spread | None]:
    """Return the spread of each row of a baseline, moderated by what the rows have in common.

    Args:
        rows: the values of each row's seeds.
        floors: of each row, the least that it may spread.

    Returns:
        None for a row about which nothing is known: it has one seed, or equal ones, and there is no other row to learn
        from.
    """
    variances = [statistics.variance(row) if len(row) > 1 else None for row in rows]
    floored = [
        None if variance is None else max(variance, floor**2) for variance, floor in zip(variances, floors, strict=True)
    ]
    freedoms = [max(len(row) - 1, 0) for row in rows]
    common, weight = _common([(v, d) for v, d in zip(floored, freedoms, strict=True) if v])
    found: list[Spread | None] = []
    for variance, freedom, floor in zip(floored, freedoms, floors, strict=True):
        found.append(_moderated(variance, freedom, common, weight, floor))
    return found


def _moderated(variance: float | None, freedom: int, common: float, weight: float, floor: float) -> Spread | None:
    if not variance and not weight:
        return Spread(floor, math.inf) if floor else None
    if math.isinf(weight):
        return Spread(math.sqrt(max(common, variance or 0.0, floor**2)), math.inf)
    own = variance or 0.0
    pooled = (freedom * own + weight * common) / (freedom + weight)
    return Spread(math.sqrt(max(pooled, own, floor**2)), freedom + weight)


def _common(known: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Return the variance that rows have in common, and the degrees of freedom that it counts for (Smyth 2004).

    The logarithms of the rows' variances scatter more than their seeds explain, by how much the rows differ: from
    that the weight comes. Of fewer than three rows nothing is taken over.
    """
    if len(known) < 3:
        return 0.0, 0.0
    from scipy.special import digamma, polygamma

    e = [math.log(v) - float(digamma(d / 2)) + math.log(d / 2) for v, d in known]
    mean = statistics.fmean(e)
    excess = statistics.variance(e) - statistics.fmean(float(polygamma(1, d / 2)) for _, d in known)
    if excess <= 0:
        return math.exp(mean), math.inf
    weight = 2 * _inverse_trigamma(excess)
    return math.exp(mean + float(digamma(weight / 2)) - math.log(weight / 2)), weight


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(x) = value by Newton's method on 1 / trigamma, which is nearly linear (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x


def sight(spread: Spread, loss: float, base: int, new: int, tolerance: float, rows: int) -> Sight:
    """Say what the check can see in one row.

    Args:
        spread: of the baseline.
        loss: mean of the baseline - mean of the new seeds, in the direction that is worse.
        base, new: seeds of either side.
        tolerance: the loss that is let pass; what should be noticed.
        rows: rows of the comparison, which share the false alarms (Bonferroni).
    """
    from scipy.special import stdtr

    level = ALPHA / max(rows, 1)
    error = spread.deviation * math.sqrt(1 / base + 1 / new)
    p = float(stdtr(spread.freedom, -loss / error)) if math.isfinite(spread.freedom) else _normal_tail(loss / error)
    critical = _critical(spread.freedom, level)
    return Sight(
        critical * error,
        p,
        _enough(critical, spread.deviation, tolerance, lambda seeds: 1 / base + 1 / seeds),
        _enough(critical, spread.deviation, tolerance, lambda seeds: 2 / seeds),
    )


def _enough(critical: float, deviation: float, tolerance: float, squares: Callable[[int], float]) -> int | None:
    """The smallest number of seeds with which a loss of the tolerance is noticed."""
    return next(
        (n for n in range(2, MOST_SEEDS + 1) if critical * deviation * math.sqrt(squares(n)) <= tolerance), None
    )


def _critical(freedom: float, level: float) -> float:
    """The one-sided quantile of Student's t, or of the normal distribution where the freedom is infinite."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(1 - level)) if math.isinf(freedom) else float(stdtrit(freedom, 1 - level))


def _normal_tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))
