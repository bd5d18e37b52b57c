"""What is read off a trial's curve: queries needed, area, and the band over seeds."""

from __future__ import annotations

import math
import re
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

from mebench.guard.diagnostics import KEY
from mebench.results.numbers import SCORES, builtin_metrics

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

CurveMetric = Literal["accuracy", "fidelity", "gradient_cosine", "gradient_norm_ratio", "query_label_entropy"]
PROBED = ("gradient_cosine", "gradient_norm_ratio")
"""What only attacks with a gradient have; see `mebench.trial.metrics.gradient_probe`."""
THINNED = 20
"""Evaluations of a curve that is kept in a committed row, at most."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
"""What a line may hold numbers by."""


def optional_columns() -> tuple[str, ...]:
    """What mebench itself measures and a line may lack: older results do, and ``null`` is for what is not finite."""
    metrics = (entry.name for entry in builtin_metrics() if entry.name not in SCORES)
    return (*PROBED, *metrics, "query_label_entropy", "test_inputs")


@dataclass(frozen=True)
class Curve:
    """Evaluations of one trial in the order of their making.

    Attributes:
        queries: queries spent at each evaluation.
        accuracy, fidelity: of the clone at that time, on the test set, in [0, 1].
        columns: what else there is, by name; None where it is not known. `optional_columns` are what mebench itself
            measures, ``test_inputs`` (how many the evaluation looked at) among them; others are metrics that the
            benchmark measures besides, and what the strategy tells.
    """

    queries: tuple[int, ...] = ()
    accuracy: tuple[float, ...] = ()
    fidelity: tuple[float, ...] = ()
    columns: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict, hash=False)

    def __len__(self) -> int:
        return len(self.queries)

    @classmethod
    def from_points(cls, points: Iterable[Mapping[str, Any]], what: str = "curve.jsonl line") -> Curve:
        """Make a curve of the lines of ``curve.jsonl``.

        Args:
            points: a mapping of names to numbers for each evaluation.
            what: what an evaluation is called where one is wrong.

        Raises:
            ValueError: a line lacks a number; the message names line and key.
        """
        lines = list(points)
        for number, point in enumerate(lines, start=1):
            if not isinstance(point, Mapping):
                raise ValueError(f"{what} {number} has no number 'queries'")
        named = set().union(*lines)
        optional = optional_columns()
        columns: dict[str, tuple[Any, ...]] = dict.fromkeys(optional, (None,) * len(lines))
        for key in ("queries", *SCORES, *(named & columns.keys())):
            columns[key] = tuple([point.get(key) for point in lines])
            if not set(map(type, columns[key])) <= (_NUMBERS | {type(None)} if key in optional else _NUMBERS):
                wrong = next(n for n, value in enumerate(columns[key], 1) if type(value) not in _NUMBERS)
                raise ValueError(f"{what} {wrong} has no number {key!r}")
        queries = columns.pop("queries")
        if not all(float(value).is_integer() for value in queries):
            raise ValueError(f"{what.split(maxsplit=1)[0]} holds a number of queries that is not whole")
        accuracy, fidelity = (columns.pop(name) for name in SCORES)
        others = _others(lines, named, {"queries", *SCORES, *optional})
        return cls(tuple(map(int, queries)), accuracy, fidelity, columns | others)

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[float | None]]) -> Curve:
        """Make a curve of what `thinned` has returned.

        Raises:
            ValueError: columns differ in length, or lack a number.
        """
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError("curve: its columns are not equally long")
        points = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        return cls.from_points(points, "curve, evaluation")

    def thinned(self, points: int = THINNED) -> dict[str, list[float | None]]:
        """A few evaluations, evenly spaced in log10(queries), the first and the last among them.

        Args:
            points: how many at most.

        Returns:
            Queries and what is known of `CurveMetric`, by name, to five significant digits.
        """
        kept = spaced(self.queries, points)
        known = {name: self.values(name) for name in get_args(CurveMetric)}
        found: dict[str, list[float | None]] = {"queries": [self.queries[index] for index in kept]}
        for name, values in known.items():
            if any(value is not None for value in values):
                found[name] = [None if (value := values[index]) is None else float(f"{value:.5g}") for index in kept]
        return found

    def middle(self, metric: str) -> float | None:
        """The median over evaluations; None if none has a value."""
        values = [value for value in self.values(metric) if value is not None]
        return statistics.median(values) if values else None

    def values(self, metric: str) -> tuple[float | None, ...]:
        """The column of that name; empty if there is none."""
        scores = dict(zip(SCORES, (self.accuracy, self.fidelity), strict=True))
        return scores.get(metric) or self.columns.get(metric, ())

    @property
    def tested(self) -> int:
        """How many test inputs the last evaluation looked at, which looks at all of them; 0 where it is not known."""
        looked_at = self.values("test_inputs")
        return int(looked_at[-1] or 0) if looked_at else 0

    @property
    def whole(self) -> list[bool]:
        """Whether each evaluation looked at as much of the test set as the last one, which looks at all of it."""
        looked_at = self.values("test_inputs")
        return [number == looked_at[-1] for number in looked_at] or [True] * len(self)

    def points(self, metric: str) -> list[tuple[int, float]]:
        """Queries and value of the evaluations that have one; those before the first query are left out."""
        pairs = zip(self.queries, self.values(metric), strict=False)  # curves made by hand may have no gradients
        return [(queries, value) for queries, value in pairs if queries > 0 and value is not None]


def spaced(queries: Sequence[float], points: int) -> list[int]:
    """Choose at most so many of ascending counts: both ends, and between them evenly in log10; return their indices."""
    if len(queries) <= points:
        return list(range(len(queries)))
    positive = bisect_right(queries, 0)
    head = [0] if positive else []  # 0 queries have no logarithm
    logarithms = [math.log10(count) for count in queries[positive:]]
    steps = points - len(head) - 1
    extent = logarithms[-1] - logarithms[0]
    places = (logarithms[0] + extent * number / steps for number in range(steps))
    return [*head, *sorted({positive + _nearest(logarithms, place) for place in places} | {len(queries) - 1})]


def _nearest(ascending: Sequence[float], value: float) -> int:
    right = min(bisect_left(ascending, value), len(ascending) - 1)
    return right - 1 if right and value - ascending[right - 1] <= ascending[right] - value else right


_NUMBERS = {int, float}


def _others(
    lines: Sequence[Mapping[str, Any]], named: set[str], own: Collection[str]
) -> dict[str, tuple[float | None, ...]]:
    """The columns that are not mebench's own; a metric comes before a diagnostic of its name."""
    if not (named - {*own, KEY} or KEY in named):
        return {}
    flat = [{**(told if isinstance(told := line.get(KEY), Mapping) else {}), **line} for line in lines]
    names = {name for line in flat for name in line if name not in own and name != KEY and NAME.fullmatch(name)}
    return {name: tuple(_number(line.get(name)) for line in flat) for name in sorted(names)}


def _number(value: Any) -> float | None:
    return value if type(value) in (int, float) and math.isfinite(value) else None


def queries_to(curve: Curve, level: float) -> int | None:
    """Return the queries at which accuracy first reaches ``level`` and stays there on the rest of the curve.

    None if the last evaluation is below the level. A clone that touches the level and falls back has not reached it.
    """
    reached = None
    for queries, accuracy in zip(reversed(curve.queries), reversed(curve.accuracy), strict=True):
        if accuracy < level:
            break
        reached = queries
    return reached


def queries_to_maximum(curve: Curve) -> int | None:
    """Return the queries at the evaluation with the highest accuracy, the first of equal ones; None without any.

    Table 3 of MEGA ranks attacks by it. It takes test data to know, so it is a diagnostic: no clone is chosen by it.
    """
    if not curve.queries:
        return None
    return curve.queries[max(range(len(curve)), key=lambda index: curve.accuracy[index])]


def area(curve: Curve) -> float | None:
    """Return the area under accuracy over log10(queries), by trapezoids, divided by the range: in [0, 1].

    It is the mean accuracy over the orders of magnitude from the first evaluation to the last. Evaluations at 0
    queries have no logarithm and are left out. A curve of one point (or of no extent) has its last accuracy as its
    area; an empty one has none.
    """
    points = [(math.log10(q), a) for q, a in zip(curve.queries, curve.accuracy, strict=True) if q > 0]
    if not points:
        return None
    extent = points[-1][0] - points[0][0]
    if extent <= 0:
        return points[-1][1]
    return sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points)) / extent


@dataclass(frozen=True)
class Band:
    """Several seeds' curves on one grid of queries.

    Attributes:
        queries: (P,) the grid: every evaluated count inside the range that all seeds share.
        mean, low, high: (P,) mean, smallest and largest value over seeds.
        seeds: how many curves there are.
    """

    queries: NDArray[float64]
    mean: NDArray[float64]
    low: NDArray[float64]
    high: NDArray[float64]
    seeds: int


def band(curves: Sequence[Curve], metric: str) -> Band | None:
    """Lay curves over each other, interpolating linearly in log10(queries); None where they share no range."""
    import numpy as np

    kept = [points for curve in curves if (points := curve.points(metric))]
    if not kept:
        return None
    queries = [count for count, _ in kept[0]]
    if queries == sorted(set(queries)) and all([count for count, _ in one] == queries for one in kept):
        # as the seeds of a row have them: nothing is to be interpolated
        grid = np.array(queries, dtype=np.float64)
        values = np.array([[value for _, value in one] for one in kept], dtype=np.float64)
        return Band(grid, values.mean(axis=0), values.min(axis=0), values.max(axis=0), len(values))
    low, high = max(points[0][0] for points in kept), min(points[-1][0] for points in kept)
    grid = np.array(sorted({q for points in kept for q, _ in points if low <= q <= high}), dtype=np.float64)
    if not len(grid):
        return None
    rows = [np.interp(np.log10(grid), np.log10([q for q, _ in p]), [v for _, v in p]) for p in kept]
    values = np.array(rows)
    return Band(grid, values.mean(axis=0), values.min(axis=0), values.max(axis=0), len(rows))
