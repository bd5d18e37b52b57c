"""Checks of the ``victims`` of a benchmark file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.config.checker import Checker, Resolved, mapping
from mebench.config.positions import Location
from mebench.registry import DatasetEntry


def check_victims(checker: Checker) -> None:
    """Check every victim: names, and that it is given in exactly one way."""
    for name, victim in mapping(checker.content.get("victims")).items():
        location: Location = ("victims", name)
        checker.name(location)
        if isinstance(victim, dict):
            _check_victim(checker, location, victim)


def _check_victim(checker: Checker, location: Location, victim: Mapping[str, Any]) -> None:
    data = checker.component("dataset", victim.get("data"), (*location, "data"))
    checker.component("network", victim.get("network"), (*location, "network"))
    sources = [key for key in ("network", "factory", "torchscript") if victim.get(key) is not None]
    if len(sources) == 1:
        _check_weights(checker, location, victim, sources[0])
    else:
        but = f", not {' and '.join(sources)}" if sources else ""
        checker.add(location, f"must have one of network, factory and torchscript{but}", at_key=True)
    _check_normalisation(checker, location, victim, data)


def _check_weights(checker: Checker, location: Location, victim: Mapping[str, Any], source: str) -> None:
    given = [key for key in ("training", "weights") if victim.get(key) is not None]
    if source == "torchscript" and given:
        checker.add((*location, given[0]), "a torchscript victim brings its own weights", at_key=True)
    if source != "torchscript" and len(given) != 1:
        but = ", not both" if given else ""
        checker.add(location, f"must have training or weights{but}", at_key=True)


def _check_normalisation(
    checker: Checker, location: Location, victim: Mapping[str, Any], data: Resolved | None
) -> None:
    mean, std = victim.get("mean"), victim.get("std")
    if (mean is None) != (std is None):
        checker.add(location, "must have both mean and std, or neither", at_key=True)
    entry = data[0] if data else None
    channels = entry.shape[0] if isinstance(entry, DatasetEntry) and entry.shape else 0
    for key, values in (("mean", mean), ("std", std)):
        if channels and isinstance(values, list) and len(values) not in (0, channels):
            wanted = f"{channels} number{'s' if channels > 1 else ''}, one per channel"
            checker.add((*location, key), f"must have {wanted}, not {len(values)}")
