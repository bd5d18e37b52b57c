"""What a number of seeds can find: the power of paired comparisons, planned before more of them are run.

The question is not how sure a difference is that was seen, but how often a comparison like this one would tell a true
difference of a given size from nothing. Its power is that of the two-sided paired t test at 5 %, by the noncentral t
distribution; and never more than the test set allows, whose error no number of seeds makes smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from mebench.results.leaderboard.compute.pairs import PairDifference
from mebench.results.leaderboard.compute.ranks import ROUNDING
from mebench.results.stats import LEVEL

POWER = 0.8
"""How often a difference must be told that counts as found: four times in five, as is usual (Cohen 1988)."""
MOST_PAIRS = 10_000
"""More are not looked at."""


@dataclass(frozen=True)
class Power:
    """What the pairs of one context can find.

    Attributes:
        context: what all of its rows have in common.
        spread: standard deviation of a difference from pair to pair, common to all comparisons of the context (the root
            of the mean of their variances), as a fraction.
        pairs: how many there are, at least, of each comparison.
        found: the smallest true difference that so many pairs tell in four cases of five, as a fraction.
        wanted: the difference that was asked about, as a fraction.
        needed: how many pairs would find it; None if more than `MOST_PAIRS`, or no number on so small a test set.
    """

    context: str
    spread: float
    pairs: int
    found: float
    wanted: float
    needed: int | None

    def to_json(self) -> dict[str, Any]:
        """The statement as plain JSON values."""
        return asdict(self)


def powers(differences: Sequence[PairDifference], wanted: float) -> list[Power]:
    """Say what the comparisons of each context can find; nothing where no difference spreads.

    Args:
        differences: of any contexts, as `paired_differences` has them.
        wanted: a difference, above 0, as a fraction.
    """
    by_context: dict[str, list[PairDifference]] = {}
    for one in differences:
        if one.spread is not None:
            by_context.setdefault(one.context, []).append(one)
    found = []
    for context, ones in by_context.items():
        spread = math.sqrt(fmean(one.spread**2 for one in ones if one.spread is not None))
        if spread <= ROUNDING:
            continue
        pairs, error = min(one.pairs for one in ones), max(one.error for one in ones)
        smallest, needed = smallest_difference(spread, pairs, error), pairs_for(spread, wanted, error)
        found.append(Power(context, spread, pairs, smallest, wanted, needed))
    return found


def power(difference: float, spread: float, pairs: int) -> float:
    """How often a paired t test at 5 % tells a true difference from nothing, in its direction.

    Args:
        difference: the true one.
        spread: standard deviation from pair to pair, in its unit.
        pairs: two or more.
    """
    from scipy.stats import nct, t

    critical, away = t.ppf(1 - LEVEL / 2, pairs - 1), abs(difference) / spread * math.sqrt(pairs)
    return float(nct.sf(critical, pairs - 1, away))


def smallest_difference(spread: float, pairs: int, error: float = 0.0) -> float:
    """The smallest true difference that is found with `POWER`, in the unit of ``spread``."""
    from scipy.optimize import brentq

    many = 1e3 * spread
    by_pairs = brentq(lambda difference: power(difference, spread, pairs) - POWER, 0.0, many, xtol=1e-9 * spread)
    return max(float(by_pairs), _by_test_set(error))


def pairs_for(spread: float, difference: float, error: float = 0.0) -> int | None:
    """The smallest number of pairs that finds a true difference with `POWER`; None above `MOST_PAIRS`."""
    if difference < _by_test_set(error) or power(difference, spread, MOST_PAIRS) < POWER:
        return None
    few, enough = 1, MOST_PAIRS  # one pair tells nothing
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if power(difference, spread, middle) >= POWER else (middle, enough)
    return enough


def _by_test_set(error: float) -> float:
    """The smallest difference that endless seeds would find on one test set."""
    from scipy.special import ndtri

    return float((ndtri(1 - LEVEL / 2) + ndtri(POWER)) * error)
