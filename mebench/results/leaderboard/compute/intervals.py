"""The intervals of rows: over seeds, and never surer than the test inputs that all of them are scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mebench.results.leaderboard.model import Row
from mebench.results.numbers import SCORES, number
from mebench.results.sampling import sizes_of_test_sets, standard_error
from mebench.results.stats import half_width


def with_test_inputs(rows: Sequence[Row]) -> list[Row]:
    """Say of each row how many test inputs its scores are fractions of.

    Where no trial on the same data tells it, it is read off the scores of all rows on these data, if they tell it.
    """
    sizes = sizes_of_test_sets([row.data_hash for row in rows], list(map(_fractions, rows)))
    known = {row.data_hash: size or None for row, size in zip(rows, sizes, strict=True)}
    known |= {row.data_hash: row.test_inputs for row in rows if row.test_inputs} | {None: None}
    return [row if row.test_inputs else replace(row, test_inputs=known[row.data_hash]) for row in rows]


def _fractions(row: Row) -> list[float]:
    values = [row.victim_accuracy, *(one.number(name) for one in row.per_seed for name in SCORES)]
    return [value for value in values if value is not None]


def with_intervals(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with the 95 % intervals of their means over seeds; those that tell no seeds stay as they are."""
    return [replace(row, intervals=_intervals(row)) if row.per_seed else row for row in rows]


def _intervals(row: Row) -> dict[str, float | None]:
    return {key: _interval(row, key) for key in row.metrics if number(key).card.interval}


def _interval(row: Row, key: str) -> float | None:
    """The half width, or None as soon as a seed has no value."""
    values = [one.metrics.get(key) for one in row.per_seed]
    known = [value for value in values if value is not None]
    return half_width(known, seed_error(row, key)) if len(known) == len(values) else None


def seed_error(row: Row, key: str) -> float:
    """The standard error that the size of the test set brings to one seed's value; 0 where it is not known.

    Known of the scores, which are fractions of the whole test set.
    """
    if key not in SCORES:
        return 0.0
    return standard_error([value for one in row.per_seed if (value := one.number(key)) is not None], row.test_inputs)
