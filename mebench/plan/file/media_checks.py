"""Checks that images and texts are not mixed up: victim, clone, pool, channel and attack must take the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.api.errors import MebenchError
from mebench.plan.file.checker import Checker, Registered, items, listed, mapping
from mebench.plan.file.positions import Location
from mebench.registry.entries import AttackEntry, ChannelEntry, DatasetEntry, NetworkEntry, VictimEntry

IMAGES_ONLY = ("image_size", "mean", "std")
CODEC = ("length", "words")
"""How a data set of texts is turned into ids; a pool must do it as its victim does."""


def check_media(checker: Checker) -> None:
    """Check every victim and every run."""
    victims = {name: mapping(one) for name, one in mapping(checker.content.get("victims")).items()}
    for name, victim in victims.items():
        _check_victim(checker, ("victims", name), victim)
    for profile, content in mapping(checker.content.get("profiles")).items():
        for index, run in items(mapping(content).get("runs")):
            names = [name for name in listed(mapping(run).get("victims")) if isinstance(name, str)]
            known = {name: victims[name] for name in names if name in victims}
            _check_run(checker, ("profiles", profile, "runs", index), mapping(run), known)


def _check_victim(checker: Checker, location: Location, victim: Mapping[str, Any]) -> None:
    data = _data(checker, victim)
    if data is None:
        return
    if not data.has_test:
        checker.add((*location, "data"), f"{data.name} has no test split to score a victim on: it is for pools")
    _same(
        checker, (*location, "network"), _entry(checker, NetworkEntry, victim.get("network")), data, "the victim's data"
    )
    if data.inputs == "images":
        return
    for key in IMAGES_ONLY:
        if victim.get(key) is not None:
            checker.add((*location, key), f"is for images, and {data.name} holds texts", at_key=True)
    if mapping(victim.get("training")).get("augment", "none") != "none":
        checker.add((*location, "training", "augment"), f"is for images, and {data.name} holds texts")


def _check_run(
    checker: Checker, location: Location, run: Mapping[str, Any], victims: Mapping[str, Mapping[str, Any]]
) -> None:
    clone, pool = _entry(checker, NetworkEntry, run.get("clone")), _entry(checker, DatasetEntry, run.get("pool"))
    for name, victim in victims.items():
        data = _data(checker, victim)
        if data is None:
            continue
        whose = f"victim {name!r}"
        _same(checker, (*location, "clone"), clone, data, whose)
        _same(checker, (*location, "pool"), pool, data, whose)
        if data.inputs == "texts":
            _check_codec(checker, (*location, "pool"), mapping(run.get("pool")), mapping(victim.get("data")), whose)
            _check_attacks(checker, location, run, whose)


def _check_codec(
    checker: Checker, location: Location, pool: Mapping[str, Any], data: Mapping[str, Any], whose: str
) -> None:
    for key in CODEC:
        if pool.get(key) is not None and pool[key] != data.get(key):
            checker.add((*location, key), f"must be that of {whose}: leave it out", at_key=True)


def _check_attacks(checker: Checker, location: Location, run: Mapping[str, Any], whose: str) -> None:
    for index, row in items(run.get("attacks")):
        here = (*location, "attacks", index)
        channel = _entry(checker, ChannelEntry, mapping(row).get("channel"))
        if channel is not None and "explanation" in channel.gives:
            text = f"{channel.name} explains by derivatives, which words have not, and {whose} takes texts"
            checker.add((*here, "channel"), text)
        attack = _entry(checker, AttackEntry, mapping(row).get("attack"))
        if attack is not None and attack.family == "generator" and not attack.texts:
            checker.add((*here, "attack"), f"{attack.name} makes images, and {whose} takes texts")
        elif attack is not None and attack.images_only:
            checker.add((*here, "attack"), f"{attack.name} is for images, and {whose} takes texts")


def _same(
    checker: Checker, location: Location, entry: NetworkEntry | DatasetEntry | None, data: DatasetEntry, whose: str
) -> None:
    if entry is not None and entry.inputs != data.inputs:
        text = f"{entry.name} is for {entry.inputs}, and {whose} is of {data.inputs}"
        if text not in (problem.text for problem in checker.problems if problem.location == location):
            checker.add(location, text)


def _data(checker: Checker, victim: Mapping[str, Any]) -> DatasetEntry | None:
    """The data set of a victim, its own or that of a registered one."""
    registered = _entry(checker, VictimEntry, victim.get("victim"))
    return _entry(checker, DatasetEntry, registered.data if registered else victim.get("data"))


def _entry(checker: Checker, kind: type[Registered], value: Any) -> Registered | None:
    """What a name, or a mapping with a name, stands for; None where another check has found it wrong."""
    name = value if isinstance(value, str) else mapping(value).get("name")
    try:
        return checker.registry.get(kind, name) if isinstance(name, str) else None
    except MebenchError:
        return None
