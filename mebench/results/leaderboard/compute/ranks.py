"""Which rows of one key the seeds tell apart, and the places that this leaves open.

Rows are compared in pairs, by the differences between their values of the same seed before the same victim: a paired
t test each, with Holm's correction over all pairs that are ranked together. Differences are never taken to spread less
than the size of the test set makes two clones uncertain, and their mean is never taken to be surer than one test set
is: seeds that agree, by chance or because their clones have collapsed, tell nothing apart.

The place of a row is 1 plus the number of rows that are apart from it and better, up to the number of rows that are not
apart from it and worse. By Holm's correction the chance that any row's true place lies outside of its range is at most
5 % (Mogstad et al. 2023).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mebench.results.leaderboard.compute.intervals import seed_error
from mebench.results.leaderboard.model import Row
from mebench.results.stats import LEVEL, holm

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-12
"""What is as good as 0, of fractions."""


@dataclass(frozen=True)
class Pairs:
    """All pairs i < j of some rows, as arrays over pairs.

    Attributes:
        first, second: indices of the rows.
        difference: mean over the shared seeds of first - second.
        spread: standard deviation of the differences over the shared seeds, never below what the test sets make it; NaN
            with fewer than two.
        half_width: of its 95 % interval, not corrected for the number of pairs; NaN where not tested.
        error: its standard error by the size of the test sets alone; 0 where that is not known.
        seeds: number of shared seeds; a pair with fewer than two is not tested, nor is one whose differences do not
            spread where the error of the test set is not known, unless they are 0.
        p, corrected: two-sided, and after Holm's correction; NaN where not tested.
    """

    first: NDArray[Any]
    second: NDArray[Any]
    difference: NDArray[Any]
    spread: NDArray[Any]
    half_width: NDArray[Any]
    error: NDArray[Any]
    seeds: NDArray[Any]
    p: NDArray[Any]
    corrected: NDArray[Any]


def compare_all(values: NDArray[Any], errors: NDArray[Any] | None = None, sets: NDArray[Any] | None = None) -> Pairs:
    """Compare rows by paired t tests, and by what their test sets can tell.

    Args:
        values: (rows, blocks) float; NaN where a row has no value for a block (a seed, or a seed before a victim).
        errors: of the same shape, or (rows, 1), the standard error of each value by the size of the test set, see
            `errors_of`; 0 where it is not known.
        sets: (blocks,) number of the test set of each block; None if all have the same one.
    """
    import numpy as np

    squares = np.broadcast_to(0.0 if errors is None else errors**2, values.shape)
    sets = np.zeros(values.shape[1], int) if sets is None else sets
    first, second = np.triu_indices(len(values), 1)
    seeds, mean, spread, error = (np.empty(len(first)) for _ in range(4))
    place = 0
    for index in range(len(values) - 1):  # a row against all below it: no array of pairs times blocks
        differences = values[index] - values[index + 1 :]
        part = slice(place, place := place + len(differences))
        known = np.isfinite(differences)
        count = seeds[part] = known.sum(1)
        floors = np.where(known, squares[index] + squares[index + 1 :], 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean[part] = np.where(known, differences, 0).sum(1) / count
            strays = np.where(known, differences - mean[part, None], 0)
            spread[part] = np.sqrt(np.maximum((strays**2).sum(1) / (count - 1), floors.sum(1) / count))
            # Blocks on one test set share its error; those on others have errors of their own.
            each = [known[:, sets == one].sum(1) * floors[:, sets == one].sum(1) for one in np.unique(sets)]
            error[part] = np.sqrt(np.sum(each, axis=0)) / count
    return _tested(first, second, mean, spread, error, seeds)


def _tested(
    first: NDArray[Any],
    second: NDArray[Any],
    mean: NDArray[Any],
    spread: NDArray[Any],
    error: NDArray[Any],
    seeds: NDArray[Any],
) -> Pairs:
    """The pairs with their tests, by mean and standard deviation of their differences, and by their test sets."""
    import numpy as np
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    # Differences that agree to rounding have no spread; without this, rounding would make one.
    equal, spreads = np.abs(mean) <= ROUNDING, spread > ROUNDING
    freedom = np.where(seeds >= 2, seeds - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        over_seeds = spread / np.sqrt(seeds)
        p = np.maximum(2 * stdtr(freedom, -np.abs(mean) / over_seeds), 2 * ndtr(-np.abs(mean) / error))
        p = np.where(equal, 1.0, np.where(spreads, p, np.nan))
        half = np.maximum(stdtrit(freedom, 1 - LEVEL / 2) * over_seeds, ndtri(1 - LEVEL / 2) * error)
        half = np.where(spreads, half, np.nan)
    p, half = (np.where(seeds >= 2, one, np.nan) for one in (p, half))
    return Pairs(first, second, mean, np.where(seeds >= 2, spread, np.nan), half, error, seeds.astype(int), p, holm(p))


def ranked(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their places among those of the same key; the order stays."""
    together: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.kind == "attack" and row.accuracy is not None:
            together[row.key].append(index)
    places: dict[int, tuple[int, int]] = {}
    for indices in together.values():
        if len(indices) > 1:
            members = [rows[index] for index in indices]
            found = _places(compare_all(values_of(members), errors_of(members)), len(indices))
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


def errors_of(rows: Sequence[Row], metric: str = "accuracy") -> NDArray[Any]:
    """Return (rows, 1) standard errors of a row's values by the size of the test set; 0 where it is not known."""
    import numpy as np

    return np.array([[seed_error(row, metric)] for row in rows])
