"""When a number really got worse: outside the tolerance and outside the interval of the difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.registry.catalogue import registry
from mebench.results.leaderboard import Row
from mebench.results.leaderboard.model import GOALS, value_of
from mebench.results.metric_cards import CARDS
from mebench.results.stats import Interval, welch_interval

Verdict = Literal["worse", "better", "same"]


@dataclass(frozen=True)
class Metric:
    """A number that can be compared.

    Attributes:
        name: the key of a row and of its ``per_seed`` entries.
        higher_is_better: its direction.
        tolerance: the change that is let pass, by default.
        relative: whether the tolerance is a fraction of the base's value, not a difference.
    """

    name: str
    higher_is_better: bool
    tolerance: float
    relative: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", True, 0.02),
        Metric("fidelity", True, 0.02),
        Metric("fidelity_on_errors", True, 0.05),
        Metric("kl", False, 0.2, relative=True),
        Metric("total_variation", False, 0.02),
        Metric("auc", True, 0.02),
        *(Metric(f"queries_to_{goal}", False, 0.2, relative=True) for goal in GOALS),
    )
}
"""What every trial is measured by."""
DEFAULT_METRICS = ("accuracy", "fidelity")
OTHER_TOLERANCE = 0.1
"""Of BASE, for a metric that is no fraction."""
FRACTION_TOLERANCE = 0.05


def known_metrics() -> dict[str, Metric]:
    """All that can be compared: `METRICS`, and the numbers of registered metrics that have a better direction."""
    measured = [output for _, output in registry().measured().values() if output.better != "neither"]
    return {output.name: _registered(output.name, output.better == "higher") for output in measured} | METRICS


def _registered(name: str, higher: bool) -> Metric:
    if name in CARDS and CARDS[name].unit == "fraction":
        return Metric(name, higher, FRACTION_TOLERANCE)
    return Metric(name, higher, OTHER_TOLERANCE, relative=True)


@dataclass(frozen=True)
class MetricComparison:
    """One metric of a row, in BASE and in NEW.

    Attributes:
        base, new: means over seeds; None if unknown, for ``queries_to_90`` and its like if not every seed got there.
        interval: Welch's 95 % interval of new - base; None if a side has fewer than two seeds.
        tolerance: the absolute change that is let pass.
        remark: how the verdict came about, where that is not plain; may be empty.
    """

    metric: Metric
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


def chosen_metrics(names: Sequence[str], tolerances: Mapping[str, float]) -> list[tuple[Metric, float]]:
    """Return the metrics to compare with their tolerances: those named, else the default ones.

    A metric that is given a tolerance is compared, too.

    Raises:
        ConfigurationError: no such metric, or a tolerance that is none.
    """
    problems = []
    known = known_metrics()
    for name in dict.fromkeys([*names, *tolerances]):
        if name not in known:
            problems.append(f"unknown metric {name!r}{did_you_mean(name, known)}")
    for name, value in tolerances.items():
        if not (math.isfinite(value) and value >= 0):
            problems.append(f"tolerance of {name}: must be a number of at least 0, not {value:g}")
    if problems:
        raise ConfigurationError(*problems)
    wanted = dict.fromkeys([*(names or DEFAULT_METRICS), *tolerances])
    return [(known[name], tolerances.get(name, known[name].tolerance)) for name in wanted]


def judge(metric: Metric, tolerance: float, base: Row, new: Row) -> MetricComparison:
    """Compare one metric of two rows of the same key."""
    before, after = value_of(base, metric.name), value_of(new, metric.name)
    if before is None or after is None:
        return _judge_unknown(metric, before, after)
    interval = welch_interval(_values(base, metric.name), _values(new, metric.name))
    allowed = tolerance * abs(before) if metric.relative else tolerance
    gain = (after - before) if metric.higher_is_better else (before - after)
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


def _judge_unknown(metric: Metric, before: float | None, after: float | None) -> MetricComparison:
    if before is None and after is None:
        return MetricComparison(metric, None, None, "same")
    verdict: Verdict = "better" if before is None else "worse"
    remark = "every seed gets there now" if before is None else "not every seed gets there any more"
    if not metric.name.startswith("queries_to_"):
        verdict, remark = "same", f"{metric.name} is unknown in {'BASE' if before is None else 'NEW'}"
    return MetricComparison(metric, before, after, verdict, remark=remark)


def _values(row: Row, name: str) -> list[float]:
    values = [value_of(one, name) for one in row.per_seed]
    return [value for value in values if value is not None]
