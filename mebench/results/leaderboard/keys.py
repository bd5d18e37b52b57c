"""The keys of rows and seeds, as JSON, CSV and exports have them: which there are, in which order, and what they hold.

A row keeps its numbers in mappings: ``metrics``, ``intervals`` and ``queries_to``. Files have a key for each number
instead: ``fidelity``, ``fidelity_ci``, ``queries_to_90``, ``queries_to_90_censored``. Metrics that a benchmark measures
besides stand together, under ``metrics``, and their intervals under ``metrics_ci``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mebench.registry.catalogue import registry
from mebench.registry.registry import Registry
from mebench.results.derived import GOAL_KEYS
from mebench.results.numbers import SCORES, builtin_metrics

MAPPINGS = ("metrics", "intervals", "queries_to")
"""The fields that have no key of their own."""
SEVERAL = ("intervals", "flags", "per_seed", "reported_metrics", "curve", "provenance", "detectors")
"""The fields that hold several values each."""
CI, CENSORED = "_ci", "_censored"
"""What a key ends with that holds the half width of an interval, and whether a seed did not get there."""


class Numbered:
    """What rows and seeds have in common.

    Every key of docs/results.md is an attribute as well: ``row.queries_to_90``. Plugins' reports rely on it.

    Attributes:
        metrics: what metrics measured, by key.
        intervals: half widths of 95 % intervals over seeds, by the key of their metric; a seed has none.
        queries_to: queries to each of `mebench.results.derived.GOALS`; None where a seed did not get there. There is
            no entry for a goal that cannot be read off a curve.
    """

    metrics: Mapping[str, float | None]
    intervals: Mapping[str, float | None] = MappingProxyType({})
    queries_to: Mapping[int, float | None]
    SCORES_BEFORE: ClassVar[str]
    """The field before which the keys of accuracy and fidelity stand."""

    def number(self, key: str) -> float | None:
        """The number of any key; None where it is not known."""
        found: float | None = self.metrics[key] if key in self.metrics else getattr(self, key, None)
        return found

    def interval(self, key: str) -> float | None:
        """The half width of the 95 % interval of a metric; None where it is not known."""
        return self.intervals.get(key)

    def plain(self) -> dict[str, Any]:
        """All keys of the class with their values."""
        return {key: getattr(self, key) for key in keys_of(type(self))}

    def asked_for(self) -> dict[str, float | None]:
        """The metrics that the benchmark measures besides."""
        always = {entry.name for entry in builtin_metrics()}
        return {key: value for key, value in self.metrics.items() if key not in always}

    def own_mappings(self) -> dict[str, Any]:
        """The metrics that the benchmark measures besides as JSON has them; nothing if there are none."""
        asked = self.asked_for()
        widths = {key: self.intervals[key] for key in asked if key in self.intervals}
        return {key: value for key, value in (("metrics", asked), (f"metrics{CI}", widths)) if value}

    if not TYPE_CHECKING:  # for type checkers a row has its fields only

        def __getattr__(self, key: str) -> Any:
            if key in GOAL_KEYS:
                return self.queries_to.get(GOAL_KEYS[key])
            if key.endswith(CENSORED) and (goal := GOAL_KEYS.get(key.removesuffix(CENSORED))):
                return goal in self.queries_to and self.queries_to[goal] is None
            if key.startswith("_") or key in MAPPINGS or key not in keys_of(type(self)):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")
            return self.intervals.get(key.removesuffix(CI)) if key.endswith(CI) else self.metrics.get(key)


def keys_of(kind: Any) -> tuple[str, ...]:
    """The keys of `Row` or `SeedResult` that hold one value each, in the order of CSV."""
    return _keys_of(kind, registry())


@cache
def _keys_of(kind: Any, known: Registry) -> tuple[str, ...]:
    """Where a field is a mapping, the keys of its numbers stand in its place."""
    own = {one.name for one in fields(kind)}
    with_interval = {entry.name for entry in builtin_metrics() if entry.card.interval and "intervals" in own}

    def of_metrics(names: Iterable[str]) -> list[str]:
        return [key for name in names for key in ((name, f"{name}{CI}") if name in with_interval else (name,))]

    goals = [key for goal in GOAL_KEYS for key in (goal, f"{goal}{CENSORED}")]
    others = of_metrics(entry.name for entry in builtin_metrics() if entry.name not in SCORES)
    instead: dict[str, list[str]] = {"metrics": others, "queries_to": goals}
    instead |= {key: [] for key in SEVERAL}
    found: list[str] = []
    for one in fields(kind):
        found += of_metrics(SCORES) if one.name == kind.SCORES_BEFORE else []
        found += instead.get(one.name, [one.name])
    return tuple(found)
