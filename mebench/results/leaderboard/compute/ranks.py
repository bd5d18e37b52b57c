"""Which rows of one key the seeds tell apart, and the places that this leaves open.

Rows are compared in pairs, by the differences between their values of the same seed before the same victim: a paired
t test each, with Holm's correction over all pairs that are ranked together. The place of a row is 1 plus the number of
rows that are apart from it and better, up to the number of rows that are not apart from it and worse. By Holm's
correction the chance that any row's true place lies outside of its range is at most 5 % (Mogstad et al. 2023).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mebench.results.leaderboard.model import Row
from mebench.results.stats import LEVEL, holm

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairs:
    """All pairs i < j of some rows, as arrays over pairs.

    Attributes:
        first, second: indices of the rows.
        difference: mean over the shared seeds of first - second.
        half_width: of its 95 % Student-t interval, not corrected for the number of pairs.
        seeds: number of shared seeds; a pair with fewer than two is not tested.
        p, corrected: two-sided, and after Holm's correction; NaN where not tested.
    """

    first: NDArray[Any]
    second: NDArray[Any]
    difference: NDArray[Any]
    half_width: NDArray[Any]
    seeds: NDArray[Any]
    p: NDArray[Any]
    corrected: NDArray[Any]


def compare_all(values: NDArray[Any]) -> Pairs:
    """Compare rows by paired t tests.

    Args:
        values: (rows, blocks) float; NaN where a row has no value for a block (a seed, or a seed before a victim).
    """
    import numpy as np
    from scipy.special import stdtr, stdtrit

    first, second = np.triu_indices(len(values), 1)
    seeds, mean, spread = (np.empty(len(first)) for _ in range(3))
    place = 0
    for index in range(len(values) - 1):  # a row against all below it: no array of pairs times blocks
        differences = values[index] - values[index + 1 :]
        part = slice(place, place := place + len(differences))
        known = np.isfinite(differences)
        seeds[part] = known.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean[part] = np.where(known, differences, 0).sum(1) / seeds[part]
            errors = np.where(known, differences - mean[part, None], 0)
            spread[part] = np.sqrt((errors**2).sum(1) / (seeds[part] - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = spread / np.sqrt(seeds)
        # Differences that agree to rounding have no spread; without this, rounding would make one.
        error = np.where(spread <= 1e-12, 0.0, error)
        statistic = np.where(np.abs(mean) <= 1e-12, 0.0, np.abs(mean) / error)
        tested = seeds >= 2
        p = np.where(tested, 2 * stdtr(np.where(tested, seeds - 1, 1), -statistic), np.nan)
        half = np.where(tested, stdtrit(np.where(tested, seeds - 1, 1), 1 - LEVEL / 2) * error, np.nan)
    return Pairs(first, second, mean, half, seeds.astype(int), p, holm(p))


def ranked(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their places among those of the same key; the order stays."""
    together: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.kind == "attack" and row.accuracy is not None:
            together[row.key].append(index)
    places: dict[int, tuple[int, int]] = {}
    for indices in together.values():
        if len(indices) > 1:
            found = _places(compare_all(values_of([rows[index] for index in indices])), len(indices))
            places |= dict(zip(indices, found, strict=True))
    nowhere = (None, None)
    return [
        replace(row, rank=places.get(index, nowhere)[0], rank_last=places.get(index, nowhere)[1])
        for index, row in enumerate(rows)
    ]


def _places(pairs: Pairs, count: int) -> list[tuple[int, int]]:
    import numpy as np

    apart = pairs.corrected < LEVEL  # False for NaN
    better = np.zeros(count, int)  # rows that are apart and better
    worse = np.zeros(count, int)
    first_wins = apart & (pairs.difference > 0)
    second_wins = apart & (pairs.difference < 0)
    for winner, loser, which in ((pairs.first, pairs.second, first_wins), (pairs.second, pairs.first, second_wins)):
        worse += np.bincount(winner[which], minlength=count)
        better += np.bincount(loser[which], minlength=count)
    return [(1 + int(above), count - int(below)) for above, below in zip(better, worse, strict=True)]


def values_of(rows: Sequence[Row], metric: str = "accuracy") -> NDArray[Any]:
    """Return (rows, seeds) values of a metric, seeds in ascending order; NaN where a row lacks a seed or a value."""
    import numpy as np

    seeds = {seed: column for column, seed in enumerate(sorted({one.seed for row in rows for one in row.per_seed}))}
    values = np.full((len(rows), len(seeds)), np.nan)
    for index, row in enumerate(rows):
        for one in row.per_seed:
            value = one.number(metric)
            values[index, seeds[one.seed]] = np.nan if value is None else value
    return values
