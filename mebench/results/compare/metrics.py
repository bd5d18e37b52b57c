"""When a number really got worse: by more than its tolerance, and by more than noise can explain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.registry.card import Number
from mebench.results.compare import gate
from mebench.results.compare.gate import Sight, Spread
from mebench.results.derived import GOAL_KEYS
from mebench.results.leaderboard import Row
from mebench.results.leaderboard.compute.intervals import seed_error
from mebench.results.numbers import SCORES, comparable, numbers
from mebench.results.stats import Interval, welch_interval

Verdict = Literal["worse", "unclear", "better", "same"]


@dataclass(frozen=True)
class MetricComparison:
    """One metric of a row, in BASE and in NEW.

    Attributes:
        base, new: means over seeds; None if unknown, for ``queries_to_90`` and its like if not every seed got there.
        interval: Welch's 95 % interval of new - base, for information; None if a side has fewer than two seeds,
            or neither is known to spread.
        tolerance: the absolute change that is let pass.
        sight: what the seeds can tell from noise; None where nothing is known of their spread, or nothing has to be.
        same_bits: whether the seeds that are in both are equal to the last bit.
        remark: how the verdict came about, where that is not plain; may be empty.
    """

    metric: Number
    base: float | None
    new: float | None
    verdict: Verdict
    interval: Interval | None = None
    tolerance: float = 0.0
    remark: str = ""
    sight: Sight | None = None
    same_bits: bool = False

    @property
    def blind(self) -> bool:
        """Whether a loss of the tolerance would not be noticed."""
        return self.sight is not None and self.sight.notices > self.tolerance

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
            "notices": self.sight and self.sight.notices,
            "p": self.sight and self.sight.p,
            "seeds_needed": self.sight and self.sight.seeds,
            "seeds_needed_on_both_sides": self.sight and self.sight.baseline_seeds,
            "same_bits": self.same_bits,
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
        if name in numbers() and name not in known:
            problems.append(f"{name} cannot be compared: neither more nor less of it is worse")
        elif name not in known:
            problems.append(f"unknown metric {name!r}{did_you_mean(name, known)}")
    for name, value in tolerances.items():
        if not 0 <= value < math.inf:
            problems.append(f"tolerance of {name}: must be a number of at least 0, not {value:g}")
    if problems:
        raise ConfigurationError(*problems)
    wanted = dict.fromkeys([*(names or SCORES), *tolerances])
    return [(known[name], tolerances.get(name, known[name].tolerance[0])) for name in wanted]


def judge_all(metric: Number, tolerance: float, pairs: Sequence[tuple[Row, Row]]) -> list[MetricComparison]:
    """Compare one metric of all pairs of rows of the same key, which share what they know of noise."""
    spreads = _spreads(metric, [base for base, _ in pairs])
    compared = sum(_compared(metric, base, new) for base, new in pairs)
    return [_judge(metric, tolerance, *pair, spread, compared) for pair, spread in zip(pairs, spreads, strict=True)]


def _compared(metric: Number, base: Row, new: Row) -> bool:
    """Whether a row can raise a false alarm: it has numbers on both sides, and they are not equal to the last bit."""
    known = base.number(metric.name) is not None and new.number(metric.name) is not None
    return known and not _same_bits(metric, base, new)


def _spreads(metric: Number, rows: Sequence[Row]) -> list[Spread | None]:
    return gate.spreads([_values(row, metric.name) for row in rows], [seed_error(row, metric.name) for row in rows])


def _same_bits(metric: Number, base: Row, new: Row) -> bool:
    """Whether every seed of NEW is in BASE, with the same value."""
    before = {one.seed: one.number(metric.name) for one in base.per_seed}
    return gate.same_bits(
        [before.get(one.seed, math.nan) for one in new.per_seed], [one.number(metric.name) for one in new.per_seed]
    )


def _judge(
    metric: Number, tolerance: float, base: Row, new: Row, spread: Spread | None, compared: int
) -> MetricComparison:
    before, after = base.number(metric.name), new.number(metric.name)
    if before is None or after is None:
        return _judge_unknown(metric, before, after)
    allowed = tolerance * abs(before) if metric.tolerance[1] else tolerance
    if _same_bits(metric, base, new):
        return MetricComparison(metric, before, after, "same", None, allowed, same_bits=True)
    errors = seed_error(base, metric.name), seed_error(new, metric.name)
    interval = welch_interval(_values(base, metric.name), _values(new, metric.name), errors)
    gain = (after - before) if metric.better == "higher" else (before - after)
    seeds = len(base.per_seed), len(new.per_seed)
    sight = gate.sight(spread, -gain, *seeds, allowed, compared) if spread and all(seeds) else None
    verdict, remark = _verdict(gain, allowed, sight)
    return MetricComparison(metric, before, after, verdict, interval, allowed, remark, sight)


def _verdict(gain: float, allowed: float, sight: Sight | None) -> tuple[Verdict, str]:
    # A hair more than the tolerance, so that 0.70 -> 0.68 is not beyond 0.02 by float rounding.
    if abs(gain) <= allowed + 1e-9:
        return "same", ""
    change: Verdict = "better" if gain > 0 else "worse"
    if sight is None:
        return change, "nothing is known of how seeds spread: the tolerance alone decides"
    if abs(gain) > sight.notices:
        return change, ""
    return ("same" if gain > 0 else "unclear"), "beyond the tolerance, but within what so few seeds can tell from noise"


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
