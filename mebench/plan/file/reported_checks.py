"""Checks of the ``reported`` numbers of a benchmark file: does each belong to a row, and is it in percent?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mebench.plan.file.checker import Checker, items, listed, mapping
from mebench.plan.file.positions import Location
from mebench.plan.file.run_checks import Used
from mebench.registry.entries import MetricEntry
from mebench.results.numbers import SCORES, number, numbers


def check_reported(checker: Checker, used: Used) -> None:
    """Check every row; ``used`` is what the profiles have."""
    optional = _optional(checker)
    asked = {each if isinstance(each, str) else mapping(each).get("name") for _, each in _asked(checker)}
    for index, row in items(checker.content.get("reported")):
        if isinstance(row, dict):
            location: Location = ("reported", index)
            if "victims" not in used.unclear:
                known = sorted(used.victims)
                checker.one_of(known, (*location, "victim"), row.get("victim"), "no profile has the victim")
            _check_row(checker, used, location, mapping(row))
            _check_numbers(checker, location, mapping(row))
            for name, value in mapping(row.get("metrics")).items():
                _check_metric(checker, (*location, "metrics", name), value, optional, asked)


def _check_row(checker: Checker, used: Used, location: Location, row: Mapping[str, Any]) -> None:
    attack = row.get("attack")
    known = checker.one_of(used.variants, (*location, "attack"), attack, "no profile has the attack")
    if not isinstance(attack, str) or not known or attack in used.unclear:
        return
    variants = sorted(used.variants[attack])
    if row.get("variant") is not None:
        text = f"no profile has of {attack} the variant"
        checker.one_of(variants, (*location, "variant"), row["variant"], text)
    elif len(variants) > 1:
        checker.add(location, f"must say which variant of {attack}: {', '.join(variants)}")
    channels = sorted(used.channels.get(attack, ()))
    checker.one_of(channels, (*location, "channel"), row.get("channel"), f"no profile has {attack} with")


def _check_numbers(checker: Checker, location: Location, row: Mapping[str, Any]) -> None:
    values = {key: row.get(key) for key in SCORES}
    if all(value is None for value in values.values()) and not row.get("metrics"):
        checker.add(location, "must report accuracy, fidelity or metrics")
    for key, value in values.items():
        if isinstance(value, float) and 0 < value < 1:
            checker.add((*location, key), f"must be in percent, not {value!r}: write {value * 100:g}")


def _asked(checker: Checker) -> list[tuple[int, Any]]:
    profiles = mapping(checker.content.get("profiles")).values()
    return items([*listed(checker.content.get("metrics")), *(one for p in profiles for one in _own(p))])


def _own(profile: Any) -> list[Any]:
    return listed(mapping(profile).get("metrics"))


def _optional(checker: Checker) -> dict[str, str]:
    """The numbers that are measured only if a benchmark asks for them, with the metric that each is of."""
    entries = checker.registry.entries(MetricEntry)
    return {number.name: entry.name for entry in entries if not entry.always for number in entry.numbers}


def _check_metric(
    checker: Checker, location: Location, value: Any, optional: Mapping[str, str], asked: Collection[Any]
) -> None:
    """Check one of the other numbers: is it measured here, and can it have that value?"""
    name = location[-1]
    known = sorted({*numbers(), *optional} - {*SCORES})
    if name in SCORES:
        checker.add(location, "stands beside metrics, not in it", at_key=True)
    elif checker.one_of(known, location, name, "no such number in results:", at_key=True):
        if name in optional and optional[str(name)] not in asked:
            checker.add(location, f"is not measured: add {optional[str(name)]} to the benchmark's metrics", at_key=True)
        if number(str(name)).is_fraction and isinstance(value, (int, float)) and value > 100:
            checker.add(location, f"must be in percent, not {value!r}")
