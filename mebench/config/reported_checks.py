"""Checks of the ``reported`` numbers of a benchmark file: does each belong to a row, and is it in percent?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.config.checker import Checker, items, mapping
from mebench.config.positions import Location
from mebench.config.run_checks import Used


def check_reported(checker: Checker, used: Used) -> None:
    """Check every row; ``used`` is what the profiles have."""
    for index, row in items(checker.content.get("reported")):
        if isinstance(row, dict):
            location: Location = ("reported", index)
            if "victims" not in used.unclear:
                known = sorted(used.victims)
                checker.known((*location, "victim"), row.get("victim"), known, "no profile has the victim")
            _check_row(checker, used, location, mapping(row))
            _check_numbers(checker, location, mapping(row))


def _check_row(checker: Checker, used: Used, location: Location, row: Mapping[str, Any]) -> None:
    attack = row.get("attack")
    known = checker.known((*location, "attack"), attack, used.variants, "no profile has the attack")
    if not isinstance(attack, str) or not known or attack in used.unclear:
        return
    variants = sorted(used.variants[attack])
    if row.get("variant") is not None:
        text = f"no profile has of {attack} the variant"
        checker.known((*location, "variant"), row["variant"], variants, text)
    elif len(variants) > 1:
        checker.add(location, f"must say which variant of {attack}: {', '.join(variants)}")
    channels = sorted(used.channels.get(attack, ()))
    checker.known((*location, "channel"), row.get("channel"), channels, f"no profile has {attack} with")


def _check_numbers(checker: Checker, location: Location, row: Mapping[str, Any]) -> None:
    values = {key: row.get(key) for key in ("accuracy", "fidelity")}
    if all(value is None for value in values.values()):
        checker.add(location, "must report accuracy or fidelity")
    for key, value in values.items():
        if isinstance(value, float) and 0 < value < 1:
            checker.add((*location, key), f"must be in percent, not {value!r}: write {value * 100:g}")
