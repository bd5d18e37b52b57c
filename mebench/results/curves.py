"""What is read off a trial's curve: queries needed, area, and the band over seeds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from mebench.guard.diagnostics import KEY

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

CurveMetric = Literal["accuracy", "fidelity", "gradient_cosine", "gradient_norm_ratio", "query_label_entropy"]
PROBED = ("gradient_cosine", "gradient_norm_ratio")
"""What only attacks with a gradient have; see `mebench.trial.metrics.gradient_probe`."""
OPTIONAL = (*PROBED, "fidelity_on_errors", "kl", "total_variation", "query_label_entropy", "test_inputs")
"""What a line of a curve may lack: older results do, and ``null`` stands for what is not finite."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
"""What else a line may hold numbers by."""


@dataclass(frozen=True)
class Curve:
    """Evaluations of one trial in the order of their making.

    Attributes:
        queries: queries spent at each evaluation.
        accuracy, fidelity: of the clone at that time, on the test set, in [0, 1].
        gradient_cosine, gradient_norm_ratio: how good the attack's gradients were; None where that is not known.
        fidelity_on_errors, kl, total_variation: of the clone, too; None where not measured or not finite.
        query_label_entropy: spread of the labels of the training queries since the evaluation before, in [0, 1].
        test_inputs: test inputs that the evaluation looked at.
        others: what else there is, by name: metrics that the benchmark measures besides, and what the strategy tells.
    """

    queries: tuple[int, ...] = ()
    accuracy: tuple[float, ...] = ()
    fidelity: tuple[float, ...] = ()
    gradient_cosine: tuple[float | None, ...] = ()
    gradient_norm_ratio: tuple[float | None, ...] = ()
    fidelity_on_errors: tuple[float | None, ...] = ()
    kl: tuple[float | None, ...] = ()
    total_variation: tuple[float | None, ...] = ()
    query_label_entropy: tuple[float | None, ...] = ()
    test_inputs: tuple[float | None, ...] = ()
    others: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict, hash=False)

    def __len__(self) -> int:
        return len(self.queries)

    @classmethod
    def from_points(cls, points: Iterable[Mapping[str, Any]]) -> Curve:
        """Make a curve of the lines of ``curve.jsonl``.

        Raises:
            ValueError: a line lacks a number; the message names line and key.
        """
        lines = list(points)
        for number, point in enumerate(lines, start=1):
            if not isinstance(point, Mapping):
                raise ValueError(f"curve.jsonl line {number} has no number 'queries'")
        named = set().union(*lines)
        columns: dict[str, tuple[Any, ...]] = dict.fromkeys(OPTIONAL, (None,) * len(lines))
        for key in ("queries", "accuracy", "fidelity", *(named & columns.keys())):
            columns[key] = tuple([point.get(key) for point in lines])
            if not set(map(type, columns[key])) <= (_NUMBERS | {type(None)} if key in OPTIONAL else _NUMBERS):
                wrong = next(n for n, value in enumerate(columns[key], 1) if type(value) not in _NUMBERS)
                raise ValueError(f"curve.jsonl line {wrong} has no number {key!r}")
        if not all(float(value).is_integer() for value in columns["queries"]):
            raise ValueError("curve.jsonl holds a number of queries that is not whole")
        columns["queries"] = tuple(map(int, columns["queries"]))
        return cls(**columns, others=_others(lines, named))

    def values(self, metric: str) -> tuple[float | None, ...]:
        """The column of that name; empty if there is none."""
        if metric in {one.name for one in fields(self)} - {"queries", "others"}:
            found: tuple[float | None, ...] = getattr(self, metric)
            return found
        return self.others.get(metric, ())

    @property
    def whole(self) -> list[bool]:
        """Whether each evaluation looked at as much of the test set as the last one, which looks at all of it."""
        return [number == self.test_inputs[-1] for number in self.test_inputs] or [True] * len(self)

    def points(self, metric: str) -> list[tuple[int, float]]:
        """Queries and value of the evaluations that have one; those before the first query are left out."""
        pairs = zip(self.queries, self.values(metric), strict=False)  # curves made by hand may have no gradients
        return [(queries, value) for queries, value in pairs if queries > 0 and value is not None]


_OWN = {one.name for one in fields(Curve)} | {KEY}
_NUMBERS = {int, float}


def _others(lines: Sequence[Mapping[str, Any]], named: set[str]) -> dict[str, tuple[float | None, ...]]:
    """The columns that a curve has no field for; a metric comes before a diagnostic of its name."""
    if not (named - _OWN or KEY in named):
        return {}
    flat = [{**(told if isinstance(told := line.get(KEY), Mapping) else {}), **line} for line in lines]
    names = {name for line in flat for name in line if name not in _OWN and NAME.fullmatch(name)}
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
    low, high = max(points[0][0] for points in kept), min(points[-1][0] for points in kept)
    grid = np.array(sorted({q for points in kept for q, _ in points if low <= q <= high}), dtype=np.float64)
    if not len(grid):
        return None
    rows = [np.interp(np.log10(grid), np.log10([q for q, _ in p]), [v for _, v in p]) for p in kept]
    values = np.array(rows)
    return Band(grid, values.mean(axis=0), values.min(axis=0), values.max(axis=0), len(rows))
