"""When a number really got worse: outside the tolerance and outside the interval of the difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.registry.card import Number
from mebench.results.derived import GOAL_KEYS
from mebench.results.leaderboard import Row
from mebench.results.numbers import SCORES, comparable
from mebench.results.stats import Interval, welch_interval

Verdict = Literal["worse", "better", "same"]


@dataclass(frozen=True)
class MetricComparison:
    """One metric of a row, in BASE and in NEW.

    Attributes:
        base, new: means over seeds; None if unknown, for ``queries_to_90`` and its like if not every seed got there.
        interval: Welch's 95 % interval of new - base; None if a side has fewer than two seeds.
        tolerance: the absolute change that is let pass.
        remark: how the verdict came about, where that is not plain; may be empty.
    """

    metric: Number
    base: float | None
    new: float | None
    verdict: Verdict
    interval: Interval | None = None
    tolerance: float = 0.0
    remark: str = ""

    @property
    def difference(self) -> float | None:
        """new - base."""
        return None if self.base is None or self.new is None else self.new - self.base

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        return {
            "metric": self.metric.name,
            "base": self.base,
            "new": self.new,
            "difference": self.difference,
            "low": self.interval and self.interval.low,
            "high": self.interval and self.interval.high,
            "tolerance": self.tolerance,
            "verdict": self.verdict,
            "remark": self.remark,
        }


def chosen_metrics(names: Sequence[str], tolerances: Mapping[str, float]) -> list[tuple[Number, float]]:
    """Return the metrics to compare with their tolerances: those named, else the default ones.

    A metric that is given a tolerance is compared, too.

    Raises:
        ConfigurationError: no such metric, or a tolerance that is none.
    """
    problems = []
    known = comparable()
    for name in dict.fromkeys([*names, *tolerances]):
        if name not in known:
            problems.append(f"unknown metric {name!r}{did_you_mean(name, known)}")
    for name, value in tolerances.items():
        if not (math.isfinite(value) and value >= 0):
            problems.append(f"tolerance of {name}: must be a number of at least 0, not {value:g}")
    if problems:
        raise ConfigurationError(*problems)
    wanted = dict.fromkeys([*(names or SCORES), *tolerances])
    return [(known[name], tolerances.get(name, known[name].tolerance[0])) for name in wanted]


def judge(metric: Number, tolerance: float, base: Row, new: Row) -> MetricComparison:
    """Compare one metric of two rows of the same key."""
    before, after = base.number(metric.name), new.number(metric.name)
    if before is None or after is None:
        return _judge_unknown(metric, before, after)
    interval = welch_interval(_values(base, metric.name), _values(new, metric.name))
    allowed = tolerance * abs(before) if metric.tolerance[1] else tolerance
    gain = (after - before) if metric.better == "higher" else (before - after)
    verdict: Verdict = "same"
    remark = ""
    # A hair more than the tolerance, so that 0.70 -> 0.68 is not beyond 0.02 by float rounding.
    if abs(gain) > allowed + 1e-9:
        if interval is None:
            remark = "no interval with fewer than 2 seeds a side: the tolerance alone decides"
        elif 0 in interval:
            remark = "beyond the tolerance, but within the spread of the seeds"
        if interval is None or 0 not in interval:
            verdict = "better" if gain > 0 else "worse"
    return MetricComparison(metric, before, after, verdict, interval, allowed, remark)


def _judge_unknown(metric: Number, before: float | None, after: float | None) -> MetricComparison:
    if before is None and after is None:
        return MetricComparison(metric, None, None, "same")
    verdict: Verdict = "better" if before is None else "worse"
    remark = "every seed gets there now" if before is None else "not every seed gets there any more"
    if metric.name not in GOAL_KEYS:
        verdict, remark = "same", f"{metric.name} is unknown in {'BASE' if before is None else 'NEW'}"
    return MetricComparison(metric, before, after, verdict, remark=remark)


def _values(row: Row, name: str) -> list[float]:
    values = [one.number(name) for one in row.per_seed]
    return [value for value in values if value is not None]
