"""Building a leaderboard from results folders, committed rows, or both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mebench.api.plurals import counted
from mebench.api.printable import printable
from mebench.results.garbage import uncollected
from mebench.results.leaderboard.compute.code import code_notes
from mebench.results.leaderboard.compute.intervals import with_intervals, with_test_inputs
from mebench.results.leaderboard.compute.ranks import ranked
from mebench.results.leaderboard.compute.rows import (
    Group,
    build_row,
    flag_across_rows,
    grouped,
    self_agreements,
    settings,
    victim_rows,
    visible_name,
)
from mebench.results.leaderboard.compute.starts import with_clone_starts
from mebench.results.leaderboard.model import BenchmarkInfo, Leaderboard, Reported, Row, default_order
from mebench.results.leaderboard.read.folders import read_trials
from mebench.results.leaderboard.read.saved import holds_trials, read_info, read_saved
from mebench.results.leaderboard.read.trials import TrialRecord, unique
from mebench.results.numbers import number


def build_leaderboard(roots: Sequence[Path]) -> Leaderboard:
    """Read results and make one leaderboard of them; rows of different victims' weights never merge.

    Args:
        roots: results folders, folders of committed row files, or ``leaderboard.json`` files.

    Raises:
        ResultsError: a root is none of these. Broken or foreign files inside of one are noted and left out.
    """
    return build_with_groups(roots)[0]


@uncollected()
def build_with_groups(roots: Sequence[Path]) -> tuple[Leaderboard, list[Group]]:
    """Do as `build_leaderboard`, and also return the trials, put together as the rows are, so that none is read twice.

    Raises:
        ResultsError: a root holds no results.
    """
    notes: list[str] = []
    infos: list[BenchmarkInfo] = []
    rows: list[Row] = []
    trials: list[tuple[TrialRecord, BenchmarkInfo]] = []
    for root in roots:
        if holds_trials(root):
            infos.append(read_info(root, notes))
            trials += [(trial, infos[-1]) for trial in read_trials(root, notes)]
        else:
            saved = read_saved(root)
            infos.append(saved.benchmark)
            rows += saved.rows
            notes += saved.notes
    groups = _groups(trials, notes)
    measured, more = _rows_of_trials(groups, infos)
    rows = with_intervals(with_test_inputs([*rows, *measured]))
    info = BenchmarkInfo.joined(infos)
    rows, starts = with_clone_starts([_with_reported(row, info.reported) for row in _once(rows)])
    rows = ranked(rows)
    said = dict.fromkeys([*notes, *more, *_different_victims(rows), *starts, *_different_rules(rows, infos)])
    return Leaderboard(info, default_order(rows), tuple(said)), groups


@uncollected()
def group_trials(roots: Sequence[Path], notes: list[str]) -> list[Group]:
    """Read the trials of results folders, put together as the rows of a leaderboard are."""
    trials = []
    for root in roots:
        info = read_info(root, notes)
        trials += [(trial, info) for trial in read_trials(root, notes)]
    return _groups(trials, notes)


def _groups(trials: Sequence[tuple[TrialRecord, BenchmarkInfo]], notes: list[str]) -> list[Group]:
    info_of = {id(trial): info for trial, info in trials}
    kept = unique([trial for trial, _ in trials], notes)
    return grouped([(trial, info_of[id(trial)]) for trial in kept])


def _rows_of_trials(groups: Sequence[Group], infos: Sequence[BenchmarkInfo]) -> tuple[list[Row], list[str]]:
    rows = flag_across_rows([build_row(group) for group in groups])
    notes = [*_settings_notes(rows, groups), *code_notes([group.trials for group in groups])]
    rows, missing = _with_missing(rows, groups, infos)
    references = _wanted_references(infos)
    rows = [*rows, *victim_rows(rows, self_agreements(groups))]
    return [row for row in rows if row.kind == "attack" or row.attack in references], [*notes, *missing]


def _wanted_references(infos: Sequence[BenchmarkInfo]) -> set[str]:
    wanted: set[str] = set()
    for info in infos:
        wanted.update(("victim", "supervised") if info.references is None else info.references)
    return wanted


def _with_missing(
    rows: Sequence[Row], groups: Sequence[Group], infos: Sequence[BenchmarkInfo]
) -> tuple[list[Row], list[str]]:
    """Count the trials that were asked for and have no folder yet: to their row, or in a note if it has none."""
    homes = _Homes(rows, groups, {name: one for info in infos for name, one in info.settings.items()})
    there = {trial.id for group in groups for trial in group.trials}
    missing: dict[int, list[int]] = defaultdict(list)
    homeless = []
    for identity in dict.fromkeys(identity for info in infos for identity in info.trials):
        if identity not in there:
            prefix, seed = _prefix_and_seed(identity)
            place = homes.of(identity, prefix, seed)
            missing[place].append(seed) if place is not None else homeless.append(prefix)
    result = []
    for place, row in enumerate(rows):
        seeds = missing[place]
        if seeds and row.status == "finished":
            row = replace(row, status="partial", reason=f"seed {seeds[0]}: not started")
        result.append(replace(row, seeds_planned=row.seeds_planned + len(seeds)))
    several = list(dict.fromkeys(homeless))
    names = ", ".join(several[:3]) + (", ..." if len(several) > 3 else "")
    count = len(homeless)
    started = f"{counted(count, 'trial')} {'has' if count == 1 else 'have'} not been started: {names}"
    return result, [started] if count else []


class _Homes:
    """Which row a trial belongs to that has no folder yet.

    Args:
        rows, groups: that are there.
        settings: digests of all but the seed, by the ids of trials that were asked for.
    """

    def __init__(self, rows: Sequence[Row], groups: Sequence[Group], settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._places = {row.settings: place for place, row in reversed(list(enumerate(rows)))}
        self._seeds = [{trial.spec.seed for trial in group.trials} for group in groups]
        self._prefixes: dict[str, list[int]] = defaultdict(list)
        for place, group in enumerate(groups):
            self._prefixes[_prefix_and_seed(group.trials[0].id)[0]].append(place)

    def of(self, identity: str, prefix: str, seed: int) -> int | None:
        """The place of its row; None if it has none.

        Ids alone, which older folders have, tell no pool and no parameter: there a row takes a trial of its readable
        name whose seed it lacks.
        """
        if identity in self._settings:
            return self._places.get(self._settings[identity])
        place = next((one for one in self._prefixes[prefix] if seed not in self._seeds[one]), None)
        if place is not None:
            self._seeds[place].add(seed)
        return place


def _prefix_and_seed(identity: str) -> tuple[str, int]:
    """The readable part of an id without its seed, and the seed; -1 where an id has none."""
    prefix, _, seed = identity.rpartition("-")[0].rpartition("-s")
    return prefix, int(seed) if seed.isdecimal() else -1


def _once(rows: Sequence[Row]) -> list[Row]:
    """Leave out rows that stand in two sources alike, such as the victim's: their files would be the same."""
    alike: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        same = alike[row.attack, row.variant, row.settings, row.victim_hash, row.data_hash]
        if not any(row.to_json() == other.to_json() for other in same):
            same.append(row)
    kept = {id(row) for same in alike.values() for row in same}
    return [row for row in rows if id(row) in kept]


def _with_reported(row: Row, reported: Sequence[Reported]) -> Row:
    """Put the paper's numbers beside a row that has none yet; of several tables', the first that has one."""
    numbers = [number for number in reported if number.is_for(row)]
    if not numbers or row.reported is not None or row.reported_metrics:
        return row
    others = {name: value for number in reversed(numbers) for name, value in number.metrics.items()}
    return replace(
        row,
        reported=_fraction(next((one.accuracy for one in numbers if one.accuracy is not None), None)),
        reported_fidelity=_fraction(next((one.fidelity for one in numbers if one.fidelity is not None), None)),
        reported_metrics={
            name: round(value / 100, 6) if number(name).is_fraction else value for name, value in sorted(others.items())
        },
    )


def _fraction(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 6)


def _different_victims(rows: Sequence[Row]) -> Iterator[str]:
    """Say where one name stands for several victims or test sets."""
    weights: dict[str, set[str]] = defaultdict(set)
    data: dict[tuple[str, str], set[str]] = defaultdict(set)
    accuracy: dict[tuple[str, str, str], set[float]] = defaultdict(set)
    for row in rows:
        if row.victim_hash is None or row.victim_accuracy is None:
            continue
        weights[row.victim].add(row.victim_hash)
        data[row.victim, row.victim_hash].add(row.data_hash or "")
        accuracy[row.victim, row.victim_hash, row.data_hash or ""].add(round(row.victim_accuracy, 4))
    for victim, hashes in weights.items():
        if len(hashes) > 1:
            yield f"{victim} stands for {len(hashes)} victims with different weights: their rows are kept apart"
    for (victim, _), hashes in data.items():
        if len(hashes) > 1:
            yield f"{victim} was scored on {len(hashes)} different test sets: their rows are kept apart"
    for (victim, *_), values in accuracy.items():
        if len(values) > 1:
            yield f"{victim} has different accuracies with the same weights and data: {sorted(values)}"


def _different_rules(rows: Sequence[Row], infos: Sequence[BenchmarkInfo]) -> Iterator[str]:
    """Say where rows were made by different rules, or cannot be priced by one sheet."""
    protocols = sorted({row.protocol for row in rows})
    if len(protocols) > 1:
        yield f"protocols {', '.join(map(str, protocols))} are here: their rows are not ranked together"
    tracks = sorted({row.track for row in rows if row.kind == "attack"})
    if len(tracks) > 1:
        yield f"learner tracks {' and '.join(tracks)} are here: their rows are not ranked together"
    if any(info.prices != infos[0].prices for info in infos):
        yield "price sheets differ: each cost is by the sheet of its own benchmark"


def _settings_notes(rows: Sequence[Row], groups: Sequence[Group]) -> Iterator[str]:
    """Say in which parameters rows of the same names differ."""
    alike: dict[tuple[object, ...], list[Group]] = defaultdict(list)
    for row, group in zip(rows, groups, strict=True):
        alike[visible_name(row)].append(group)
    for same in alike.values():
        if len(same) < 2:
            continue
        flat = [dict(_flatten(settings(group.trials[0]))) for group in same]
        keys = [
            key
            for key in dict.fromkeys(key for one in flat for key in one)
            if len({repr(one.get(key)) for one in flat}) > 1
        ]
        shown = "; ".join(f"{key} is {' or '.join(repr(one.get(key)) for one in flat)}" for key in keys[:3])
        spec = same[0].trials[0].spec
        yield printable(f"{spec.attack.name} {spec.variant}: {counted(len(same), 'row')} with the same names: {shown}")


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
