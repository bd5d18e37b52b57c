"""Checks of the ``victims`` of a benchmark file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.data.class_names import names_of
from mebench.plan.file.checker import Checker, Resolved, mapping
from mebench.plan.file.positions import Location
from mebench.registry.entries import DatasetEntry, NetworkEntry, VictimEntry


def check_victims(checker: Checker) -> None:
    """Check every victim: names, and that it is given in exactly one way."""
    for name, victim in mapping(checker.content.get("victims")).items():
        location: Location = ("victims", name)
        checker.name(location)
        if isinstance(victim, dict):
            _check_victim(checker, location, victim)


def _check_victim(checker: Checker, location: Location, victim: Mapping[str, Any]) -> None:
    data = checker.named(DatasetEntry, victim.get("data"), (*location, "data"))
    checker.named(NetworkEntry, victim.get("network"), (*location, "network"))
    registered = checker.named(VictimEntry, victim.get("victim"), (*location, "victim"))
    sources = [key for key in ("network", "factory", "torchscript", "victim") if victim.get(key) is not None]
    if victim.get("data") is None:
        _check_own_data(checker, location, sources, registered)
    if sources == ["victim"]:
        _check_brings_all(checker, location, victim)
    elif len(sources) == 1:
        _check_weights(checker, location, victim, sources[0])
    else:
        but = f", not {' and '.join(sources)}" if sources else ""
        checker.add(location, f"must have one of network, factory, torchscript and victim{but}", at_key=True)
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
    for key in ("training", "weights", "image_size", "mean", "std", "outputs"):
        if victim.get(key) is not None:
            checker.add((*location, key), "a registered victim brings this along", at_key=True)


def _check_weights(checker: Checker, location: Location, victim: Mapping[str, Any], source: str) -> None:
    given = [key for key in ("training", "weights") if victim.get(key) is not None]
    if source == "torchscript" and given:
        checker.add((*location, given[0]), "a torchscript victim brings its own weights", at_key=True)
    elif len(given) > 1:
        checker.add(location, "must have training or weights, not both", at_key=True)
    elif source == "network" and not given:
        checker.add(location, "must have training or weights", at_key=True)


def _check_normalisation(
    checker: Checker, location: Location, victim: Mapping[str, Any], data: Resolved[DatasetEntry] | None
) -> None:
    mean, std = victim.get("mean"), victim.get("std")
    if (mean is None) != (std is None):
        checker.add(location, "must have both mean and std, or neither", at_key=True)
    channels = data[0].shape[0] if data and data[0].shape else 0
    for key, values in (("mean", mean), ("std", std)):
        if channels and isinstance(values, list) and len(values) not in (0, channels):
            wanted = f"{channels} number{'s' if channels > 1 else ''}, one per channel"
            checker.add((*location, key), f"must have {wanted}, not {len(values)}")
