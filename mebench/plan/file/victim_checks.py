"""Checks of the ``victims`` of a benchmark file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.api.victim_rules import SOURCES, wrong_length, wrongly_given
from mebench.data.class_names import names_of
from mebench.plan.file.checker import Checker, Resolved, mapping
from mebench.plan.file.positions import Location
from mebench.registry.entries import DatasetEntry, NetworkEntry, VictimEntry


def check_victims(checker: Checker) -> None:
    """Check every victim: names, and that it is given in one way."""
    for name, victim in mapping(checker.content.get("victims")).items():
        location: Location = ("victims", name)
        checker.name(location)
        if isinstance(victim, dict):
            _check_victim(checker, location, victim)


def _check_victim(checker: Checker, location: Location, victim: Mapping[str, Any]) -> None:
    data = checker.named(DatasetEntry, victim.get("data"), (*location, "data"))
    checker.named(NetworkEntry, victim.get("network"), (*location, "network"))
    registered = checker.named(VictimEntry, victim.get("victim"), (*location, "victim"))
    sources = [key for key in SOURCES if victim.get(key) is not None]
    if victim.get("data") is None:
        _check_own_data(checker, location, sources, registered)
    for key, text in wrongly_given(victim):
        checker.add((*location, key) if key else location, text, at_key=True)
    if sources == ["victim"]:
        _check_brings_all(checker, location, victim)
    _check_normalisation(checker, location, victim, data)
    known = data or (registered and _own_data(checker, registered[0]))
    if isinstance(names := victim.get("class_names"), list):
        _check_class_names(checker, (*location, "class_names"), names, known)


def _check_own_data(
    checker: Checker, location: Location, sources: Sequence[str], registered: Resolved[VictimEntry] | None
) -> None:
    """Only a registered victim knows its data."""
    if "victim" not in sources:
        checker.add((*location, "data"), "is missing")
    elif registered:
        checker.entry(DatasetEntry, registered[0].data, (*location, "victim"))


def _own_data(checker: Checker, victim: VictimEntry) -> Resolved[DatasetEntry] | None:
    """The data set of a registered victim; what is wrong with it is said elsewhere."""
    if victim.data not in checker.registry.names(DatasetEntry):
        return None
    entry = checker.registry.get(DatasetEntry, victim.data)
    return entry, entry.resolve({})


def _check_class_names(
    checker: Checker, location: Location, names: Sequence[Any], data: Resolved[DatasetEntry] | None
) -> None:
    """There is a name for each class of the data set, as far as it tells how many it has."""
    checker.no_repeats(location, names)
    if data is None:
        return
    entry, parameters = data
    classes = entry.num_classes or len(names_of(entry, parameters))
    if classes and len(names) != classes:
        checker.add(location, f"must have {classes} names, one for each class of {entry.name}, not {len(names)}")


def _check_brings_all(checker: Checker, location: Location, victim: Mapping[str, Any]) -> None:
    for key in ("image_size", "mean", "std", "outputs"):
        if victim.get(key) is not None:
            checker.add((*location, key), "a registered victim brings this along", at_key=True)


def _check_normalisation(
    checker: Checker, location: Location, victim: Mapping[str, Any], data: Resolved[DatasetEntry] | None
) -> None:
    channels = data[0].shape[0] if data and data[0].shape else 0
    for key in ("mean", "std"):
        values = victim.get(key)
        if channels and isinstance(values, list) and values:
            for _, text in wrong_length(key, values, channels):
                checker.add((*location, key), text)
