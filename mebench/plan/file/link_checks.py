"""Checks of the links of a run: do defences, recoveries and detectors fit its channels, victims and data?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mebench.api.errors import MebenchError
from mebench.data.sizes import rows_there
from mebench.plan.file.checker import Checker, Registered, Resolved, items, listed, mapping
from mebench.plan.file.positions import Location
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entries import ChannelEntry, DatasetEntry, VictimEntry

_WORD = {"answer": "probability", "explanation": "explanation"}
Chain = list[Resolved[Any]]


def check_links(checker: Checker, location: Location, run: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Check the links of a run, and return its chains of defences and of recoveries by their labels."""
    channels = _channels(checker, run)
    has_reserve = run.get("reserve") is not None
    defences = _chains(checker, DefenceEntry, (*location, "defences"), run.get("defences"))
    for here, defending in defences:
        for defence, given in defending:
            _check_defence(checker, here, defence, given, channels, has_reserve)
            _check_media(checker, here, defence, run)
    recoveries = _chains(checker, RecoveryEntry, (*location, "recoveries"), run.get("recoveries"))
    for here, recovering in recoveries:
        for recovery, _ in recovering:
            _check_needs(checker, here, recovery, channels)
            _check_media(checker, here, recovery, run)
    _check_tracks(checker, location, run, any(chain for _, chain in recoveries))
    _check_detectors(checker, location, run, channels, has_reserve)
    if has_reserve:
        _check_reserve(checker, location, run)
    return _all_labels(run.get("defences"), defences), _all_labels(run.get("recoveries"), recoveries)


def _all_labels(given: Any, chains: list[tuple[Location, Chain]]) -> list[str]:
    """The chains that could be read; one of no links where the run names none."""
    return [""] if given is None else [_labels(chain) for _, chain in chains]


def _labels(chain: Chain) -> str:
    return " > ".join(entry.label(given) for entry, given in chain)


def _chains(
    checker: Checker, kind: type[Registered], location: Location, value: Any
) -> list[tuple[Location, list[Resolved[Registered]]]]:
    """Every chain of which all links could be read, with its place."""
    found: list[tuple[Location, list[Resolved[Registered]]]] = []
    checker.no_repeats(location, value)
    for index, one in items(value):
        here = (*location, index)
        if one == "none":
            found.append((here, []))
        elif isinstance(one, list) and "none" in one:
            checker.add(here, "none stands alone: leave it out of a list of links")
        elif isinstance(one, list):
            links = [checker.named(kind, link, (*here, place)) for place, link in items(one)]
            if all(links):
                found.append((here, [link for link in links if link]))
        elif link := checker.named(kind, one, here):
            found.append((here, [link]))
    return found


def _channels(checker: Checker, run: Mapping[str, Any]) -> dict[str, ChannelEntry]:
    """The channels of a run's attacks, by name."""
    found = {}
    for _, attack in items(run.get("attacks")):
        named = mapping(attack).get("channel")
        name = named if isinstance(named, str) else mapping(named).get("name")
        try:
            if isinstance(name, str):
                found[name] = checker.registry.get(ChannelEntry, name)
        except MebenchError:
            continue
    return found


def _check_defence(
    checker: Checker,
    here: Location,
    entry: DefenceEntry,
    given: Mapping[str, Any],
    channels: Mapping[str, ChannelEntry],
    has_reserve: bool,
) -> None:
    word = _WORD.get(entry.place)
    for name, channel in channels.items():
        if word and word not in channel.gives:
            checker.add(here, f"{entry.name} changes the {word} of an answer, and {name} gives none")
        elif entry.place == "answer" and "logit" in channel.gives:
            checker.add(here, f"{entry.name} changes probabilities, and {name} gives logits besides, which tell them")
    asks = "needs" if entry.needs_data else "is set by l1 to an operating point, which needs"
    if (entry.needs_data or given.get("l1") is not None) and not has_reserve:
        checker.add(here, f"{entry.name} {asks} data of the owner's own: give the run a reserve")


def _check_needs(checker: Checker, here: Location, entry: RecoveryEntry, channels: Mapping[str, ChannelEntry]) -> None:
    for name, channel in channels.items():
        if lacking := " and ".join(sorted(entry.needs - channel.gives)):
            checker.add(here, f"{entry.name} needs {lacking}, which {name} does not give")


def _check_tracks(checker: Checker, location: Location, run: Mapping[str, Any], recovers: bool) -> None:
    if recovers and "standard" in listed(run.get("tracks")):
        text = "the standard learner learns from what was answered, before any recovery: leave one of the two out"
        checker.add((*location, "recoveries"), text)


def _check_detectors(
    checker: Checker,
    location: Location,
    run: Mapping[str, Any],
    channels: Mapping[str, ChannelEntry],
    has_reserve: bool,
) -> None:
    place = (*location, "detectors")
    checker.no_repeats(place, run.get("detectors"))
    for index, one in items(run.get("detectors")):
        here = (*place, index)
        resolved = checker.named(DetectorEntry, one, here)
        if resolved is None:
            continue
        entry, given = resolved
        threshold, rate = given.get("threshold"), given.get("false_positives")
        if threshold is not None and rate is not None:
            checker.add(here, f"{entry.name}: give a threshold, or false_positives that calibrates it, not both")
        elif threshold is None and rate is None and entry.threshold is None:
            checker.add(here, f"{entry.name} has no published threshold: give a threshold, or false_positives")
        if (rate is not None or entry.needs_data) and not has_reserve:
            checker.add(here, f"{entry.name} needs data of the owner's own: give the run a reserve")
        for name, channel in channels.items():
            if lacking := " and ".join(sorted(entry.needs - channel.gives)):
                checker.add(here, f"{entry.name} needs {lacking}, which {name} does not give")
        _check_media(checker, here, entry, run, given)
    if not listed(run.get("detectors")):
        for key, plain in (("clients", 1), ("on_alarm", "audit")):
            if run.get(key, plain) != plain:
                checker.add((*location, key), "is for detectors, and the run has none")


def _check_media(
    checker: Checker,
    here: Location,
    entry: DefenceEntry | RecoveryEntry | DetectorEntry,
    run: Mapping[str, Any],
    given: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Check that what is for images, or is so with its parameters, is before no victim of texts."""
    asked = entry.texts_with if isinstance(entry, DetectorEntry) else {}
    lacking = [f"{name}: {value}" for name, value in asked.items() if given.get(name) != value]
    if entry.texts and not lacking:
        return
    unless = f" without {', '.join(lacking)}" if entry.texts else ""
    for name in listed(run.get("victims")):
        data = _data(checker, name)
        if data is not None and data.inputs == "texts":
            checker.add(here, f"{entry.name} is for images{unless}, and victim {name!r} takes texts")


def _check_reserve(checker: Checker, location: Location, run: Mapping[str, Any]) -> None:
    here = (*location, "reserve")
    resolved = checker.named(DatasetEntry, run.get("reserve"), here)
    if resolved is None:
        return
    reserve, given = resolved
    check_rows(checker, here, reserve, given)
    pool = mapping(run.get("pool"))
    if pool.get("name") == reserve.name and _overlap(pool.get("rows"), given.get("rows")):
        checker.add(here, "shares rows with the attacker's pool: give both rows that do not meet")
    for name in listed(run.get("victims")):
        data = _data(checker, name)
        if data is None:
            continue
        if data.inputs != reserve.inputs:
            checker.add(here, f"{reserve.name} is for {reserve.inputs}, and victim {name!r} is of {data.inputs}")
        elif data.name == reserve.name and _overlap(
            mapping(_victim(checker, name).get("data")).get("rows"), given.get("rows")
        ):
            text = f"shares rows with what victim {name!r} is trained on: give both rows that do not meet"
            checker.add(here, text)


def check_rows(checker: Checker, here: Location, data: DatasetEntry, given: Mapping[str, Any]) -> None:
    """Check that a data set has the rows that are asked of it, where that is known before it is read."""
    rows, there = given.get("rows"), rows_there(data, given)
    if there is not None and rows is not None and rows[1] > there:
        told = f"asks rows up to {rows[1]:,} of {data.name}, whose training split has {there:,}"
        checker.add((*here, "rows"), told)


def _overlap(ours: Any, theirs: Any) -> bool:
    """Whether two ranges [start, stop) of one data set meet; None is all of it, and what is no range meets nothing."""
    (start, stop), (first, last) = _ends(ours), _ends(theirs)
    return start < last and first < stop


def _ends(rows: Any) -> tuple[float, float]:
    if rows is None:
        return 0, float("inf")
    if isinstance(rows, (list, tuple)) and len(rows) == 2 and all(type(one) is int for one in rows):
        return rows[0], rows[1]
    return 0, 0  # another check has found it wrong


def _victim(checker: Checker, name: Any) -> Mapping[str, Any]:
    """What the file says of a victim; nothing where there is none, or what stands in a name's place is no name."""
    return mapping(mapping(checker.content.get("victims")).get(name)) if isinstance(name, str) else {}


def _data(checker: Checker, victim: Any) -> DatasetEntry | None:
    """The data set of a victim; None where another check has found it wrong."""
    content = _victim(checker, victim)
    registered = content.get("victim")
    name: Any = registered if isinstance(registered, str) else mapping(registered).get("name")
    try:
        if isinstance(name, str):
            return checker.registry.get(DatasetEntry, checker.registry.get(VictimEntry, name).data)
        data = content.get("data")
        name = data if isinstance(data, str) else mapping(data).get("name")
        return checker.registry.get(DatasetEntry, name) if isinstance(name, str) else None
    except MebenchError:
        return None
