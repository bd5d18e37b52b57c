"""Every number that results hold, by its key: those that metrics measure, from their entries, and the derived ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from mebench.registry.card import Number
from mebench.registry.catalogue import registry
from mebench.registry.entries import BuiltinMetric, MetricEntry
from mebench.registry.registry import Registry
from mebench.results.derived import DERIVED

SCORES = ("accuracy", "fidelity")
"""The metrics without which there is no result: rows are sorted, ranked, flagged and checked by them."""


def builtin_metrics() -> tuple[BuiltinMetric, ...]:
    """What every trial is measured by; those of `SCORES` first."""
    return _builtin(registry())


def numbers() -> Mapping[str, Number]:
    """All that are known: what ships with mebench first, the metrics before what is derived, then plugins' by name."""
    return _numbers(registry())


def number(key: str) -> Number:
    """The number of that key; one without a card where nobody knows it, such as that of a plugin that is not here."""
    return numbers().get(key) or Number(key)


def in_order(keys: Iterable[str]) -> list[str]:
    """Sort keys as tables do: known numbers in the order of `numbers`, then the others by name."""
    places = {key: place for place, key in enumerate(numbers())}
    return sorted(set(keys), key=lambda key: (places.get(key, len(places)), key))


def comparable() -> dict[str, Number]:
    """What two rows can be compared by: metrics that have a better direction, and derived numbers with a tolerance."""
    derived = {one.name for one in DERIVED if one.card.tolerance is None}
    return {key: one for key, one in numbers().items() if one.better != "neither" and key not in derived}


def of_victim(accuracy: float) -> dict[str, float | None]:
    """What a victim of that accuracy has itself, as far as that is known without measuring it."""
    return {entry.name: entry.of_victim(accuracy) for entry in builtin_metrics()}


@cache
def _builtin(known: Registry) -> tuple[BuiltinMetric, ...]:
    return tuple(sorted(known.builtin_metrics(), key=lambda entry: (entry.name not in SCORES, entry.name)))


@cache
def _numbers(known: Registry) -> dict[str, Number]:
    measured = known.measured()
    ships = {key: known.ships(MetricEntry, entry.name) for key, (entry, _) in measured.items()}
    ours: dict[str, Number] = {one.name: one for entry in _builtin(known) for one in entry.numbers}
    ours |= {key: one for key, (_, one) in measured.items() if ships[key]}
    theirs: dict[str, Number] = {key: measured[key][1] for key in sorted(measured) if not ships[key]}
    known_to_us = ours | {one.name: one for one in DERIVED}
    return known_to_us | {key: theirs[key] for key in theirs if key not in known_to_us}
