"""Checks of what a benchmark file requires, measures besides, and pays: ``requires``, ``metrics``, ``prices``."""

from __future__ import annotations

from typing import Any

from mebench.plan.file.checker import Checker, items, mapping
from mebench.plan.file.positions import Location
from mebench.registry.catalogue import catalogue
from mebench.registry.entries import ChannelEntry, DatasetEntry, MetricEntry
from mebench.registry.requirements import unmet


def check_requirements(checker: Checker) -> None:
    """Check that everything that the file requires is installed, in a version that fits."""
    for index, written in items(checker.content.get("requires")):
        if isinstance(written, str):
            problem = unmet(written, catalogue().plugins)
            if problem:
                checker.add(("requires", index), problem)


def check_metrics(checker: Checker) -> None:
    """Check that every metric is known, has good parameters, and is asked for once, by the file or by a profile."""
    seen: set[str] = set()
    _check_metrics(checker, ("metrics",), checker.content.get("metrics"), seen)
    for name, profile in mapping(checker.content.get("profiles")).items():
        _check_metrics(checker, ("profiles", name, "metrics"), mapping(profile).get("metrics"), set(seen))


def _check_metrics(checker: Checker, place: Location, metrics: Any, seen: set[str]) -> None:
    for index, value in items(metrics):
        location = (*place, index)
        resolved = checker.named(MetricEntry, value, location)
        if resolved is None:
            continue
        entry = resolved[0]
        if entry.always:
            checker.add(location, f"{entry.name} is measured in every trial: leave it out")
        if entry.name in seen:
            checker.add(location, f"{entry.name} is given twice")
        seen.add(entry.name)
        if entry.name == "detection" and resolved[1]["others"] is not None:
            checker.entry(DatasetEntry, resolved[1]["others"], (*location, "others"))


def check_prices(checker: Checker) -> None:
    """Check that prices are of channels that exist."""
    prices = mapping(checker.content.get("prices"))
    for name in mapping(prices.get("per_1000_queries")):
        location = ("prices", "per_1000_queries", name)
        checker.one_of(checker.registry.names(ChannelEntry), location, name, "unknown channel", at_key=True)
