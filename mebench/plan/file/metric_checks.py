"""Checks of the ``metrics`` of a benchmark file."""

from __future__ import annotations

from mebench.plan.file.checker import Checker, items
from mebench.registry.entries import MetricEntry


def check_metrics(checker: Checker) -> None:
    """Check that every metric is known, has good parameters, and is asked for once."""
    seen: set[str] = set()
    for index, value in items(checker.content.get("metrics")):
        location = ("metrics", index)
        resolved = checker.component("metric", value, location)
        if resolved is None:
            continue
        entry = resolved[0]
        if isinstance(entry, MetricEntry) and entry.always:
            checker.add(location, f"{entry.name} is measured in every trial: leave it out")
        if entry.name in seen:
            checker.add(location, f"{entry.name} is given twice")
        seen.add(entry.name)
