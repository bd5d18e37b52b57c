"""Putting the trials of several results folders of one benchmark into one, such as those of its shards.

Every trial is copied whole or not at all. What contradicts stops it before anything is copied; what is damaged stays
where it is. Done again with more folders, or after more trials have ended, it copies what is new.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.files import open_regular, parse_json, read_json, why, write_json
from mebench.api.plurals import counted
from mebench.api.unfinished import unfinished_folder
from mebench.results.clone_file import clone_problem
from mebench.results.damage import damage
from mebench.results.heartbeat import SUFFIX
from mebench.results.leaderboard.read.saved import holds_trials
from mebench.results.set_aside import set_aside
from mebench.results.trial_folder import TrialFolder, has_trials, trial_folders

FACTS, LOGS = "benchmark.json", "logs"
MOST_NAMED = 5
"""Contradictions that are told."""
_JOINED = ("trials", "class_names", "settings")
"""What of the facts of a benchmark is put together where folders differ in it; of all else the first is kept."""


@dataclass
class Merged:
    """What a merge has done.

    Attributes:
        copied, same: trials that were copied, and that were there already.
        damaged: what is wrong with a trial that was left where it is, by its folder.
        clones: what is wrong with the clone of a trial that was copied, by its new folder; its result is sound.
        different: facts of the benchmark that differ between folders; those of the first were kept.
        unfinished: ids of trials that the benchmark has and that are not finished in the target.
        aside: where trials are now that better ones have taken the place of.
    """

    copied: int = 0
    same: int = 0
    damaged: dict[Path, str] = field(default_factory=dict)
    clones: dict[Path, str] = field(default_factory=dict)
    different: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    aside: Path | None = None


def merge(target: Path, sources: Sequence[Path], *, keep_first: bool = False) -> Merged:
    """Copy the trials of results folders into one.

    Of copies of a trial, a finished one goes before one with a checkpoint, and that before all others; among equals the
    target's own, and then the first.

    Args:
        target: the folder; made if it does not exist.
        sources: in this order.
        keep_first: whether of results of one trial that differ the first is taken.

    Raises:
        ResultsError: a source holds no trials, the folders are of different benchmarks, or results contradict.
            Nothing is copied then.
        UnwritableError: the target cannot be written to. What is copied until then is whole.
    """
    _check_target(target)
    for source in sources:
        if not holds_trials(source):
            raise ResultsError(f"{source}: holds no trials to merge: give the results folders of runs")
    folders = [*([target] if target.is_dir() else []), *sources]
    facts, different = _joined_facts(folders)
    merged = Merged(different=different)
    chosen = _chosen(folders, merged, keep_first=keep_first)
    new = [trial for trial in chosen if trial.path.parent.resolve() != target.resolve()]
    merged.same = len(chosen) - len(new)
    if facts:
        write_json(target / FACTS, facts)
    _copy(new, target, merged)
    _copy_logs(target, sources)
    finished = {trial.path.name for trial in chosen if trial.status == "finished" and trial.path not in merged.damaged}
    planned = dict.fromkeys([*facts.get("trials", ()), *(trial.path.name for trial in chosen)])
    merged.unfinished = tuple(name for name in planned if name not in finished)
    return merged


def _check_target(target: Path) -> None:
    """Refuse a folder that holds anything but results."""
    if target.is_dir() and any(target.iterdir()) and not (target / FACTS).exists() and not has_trials(target):
        raise ResultsError(f"{target}: is not empty and holds no results: give a new folder to merge into")


def _joined_facts(folders: Sequence[Path]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The facts of the benchmark for all folders, and the keys in which they differ."""
    found = {folder: read_json(folder / FACTS) for folder in folders if (folder / FACTS).exists()}
    first: tuple[Path, dict[str, Any]] | None = None
    joined: dict[str, Any] = {}
    different: dict[str, None] = {}
    for folder, facts in found.items():
        if first is None:
            first, joined = (folder, facts), dict(facts)
            continue
        if _benchmark(facts) != _benchmark(first[1]):
            raise ResultsError(
                f"{first[0]} is of benchmark {_benchmark(first[1])}, {folder} of {_benchmark(facts)}: "
                "merge folders of one benchmark and profile; mebench leaderboard takes several"
            )
        for key in dict.fromkeys((*joined, *facts)):
            if key in _JOINED:
                joined[key] = _united(joined.get(key), facts.get(key))
            elif joined.get(key) != facts.get(key):
                different[key] = None
    return joined, tuple(different)


def _benchmark(facts: Mapping[str, Any]) -> str:
    name, profile = facts.get("name"), facts.get("profile")
    return f"{name!r}, profile {profile!r}" + (f", format {facts['format']}" if facts.get("format") != 1 else "")


def _united(first: Any, second: Any) -> Any:
    """Two lists or mappings in one; what the first has comes first."""
    if isinstance(first, list) and isinstance(second, list):
        return list(dict.fromkeys([*first, *second]))
    if isinstance(first, dict) and isinstance(second, dict):
        return {**second, **first}
    return first or second


def _chosen(folders: Sequence[Path], merged: Merged, *, keep_first: bool) -> list[TrialFolder]:
    """The copy of each trial that is taken."""
    copies: dict[str, list[TrialFolder]] = defaultdict(list)
    for folder in folders:
        for trial in trial_folders(folder):
            if not any(trial.path.samefile(other.path) for other in copies[trial.path.name]):
                copies[trial.path.name].append(trial)
    contradictions: list[str] = []
    chosen: list[TrialFolder] = []
    for name, found in copies.items():
        sound = [trial for trial in found if not _is_damaged(trial, merged)]
        finished = [trial for trial in sound if trial.status == "finished"]
        if other := next((one for one in finished[1:] if not _are_same(finished[0], one)), None):
            contradictions.append(f"{name}: {finished[0].path} and {other.path}")
        chosen += sorted(sound, key=_rank)[:1]
    if contradictions and not keep_first:
        raise ResultsError("\n".join(_told(contradictions)))
    return chosen


def _told(contradictions: Sequence[str]) -> Iterator[str]:
    has = "has" if len(contradictions) == 1 else "have"
    yield (
        f"{counted(len(contradictions), 'trial')} {has} two different results, and nothing was merged: move those away "
        "that are not wanted, or give --keep-first for those of the folder that is named first"
    )
    yield from contradictions[:MOST_NAMED]
    if len(contradictions) > MOST_NAMED:
        yield f"and {len(contradictions) - MOST_NAMED} more"


def _is_damaged(trial: TrialFolder, merged: Merged) -> bool:
    if problem := damage(trial, trial.path.name):
        merged.damaged[trial.path] = problem
    return bool(problem)


def _rank(trial: TrialFolder) -> int:
    return 0 if trial.status == "finished" else 1 if trial.checkpoint.exists() else 2


def _are_same(first: TrialFolder, second: TrialFolder) -> bool:
    """Whether two results say the same, whatever their layout."""
    one, other = first.result_content(), second.result_content()
    if one != other and parse_json(one, first.path) != parse_json(other, second.path):
        return False
    return first.curve_content().splitlines() == second.curve_content().splitlines()


def _copy(trials: Sequence[TrialFolder], target: Path, merged: Merged) -> None:
    """Copy trials beside their places and look at the copies; once all are there, move them in.

    What stands in their places is set aside.
    """
    target.mkdir(parents=True, exist_ok=True)
    copies: list[TrialFolder] = []
    with unfinished_folder(target) as beside:
        try:
            for trial in trials:
                copy = TrialFolder(beside / trial.path.name)
                if problem := _copied(trial, copy) or damage(copy, trial.path.name):  # it has changed since
                    merged.damaged[trial.path] = problem
                else:
                    copies.append(copy)
            replaced = [TrialFolder(target / copy.path.name) for copy in copies]
            if standing := [place for place in replaced if place.path.exists()]:
                merged.aside = set_aside(standing, target)[1]
            for copy in copies:
                place = TrialFolder(copy.path.rename(target / copy.path.name))
                merged.copied += 1
                if place.status == "finished" and (problem := clone_problem(place)):
                    merged.clones[place.path] = problem
        except (OSError, shutil.Error) as error:
            raise UnwritableError(target, _reason(error)) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _copied(trial: TrialFolder, copy: TrialFolder) -> str:
    """Copy a trial; say what of it cannot be read, or nothing.

    Raises:
        OSError, shutil.Error: the copy cannot be written.
    """
    left_out = shutil.ignore_patterns(".*", f"*{SUFFIX}")
    try:
        shutil.copytree(
            trial.path, copy.path, ignore=left_out, ignore_dangling_symlinks=True, copy_function=_copy_readable
        )
    except ResultsError as error:
        return str(error).replace(f"{trial.path}/", "")
    return ""


def _copy_readable(source: str, target: str) -> str:
    """Copy a file.

    Raises:
        ResultsError: it cannot be read, or is a pipe or a device, which may have no end.
    """
    try:
        open_regular(Path(source)).close()
    except OSError as error:
        raise ResultsError(f"{source}: cannot be read ({why(error)})") from error
    return str(shutil.copy2(source, target))


def _reason(error: OSError | shutil.Error) -> str:
    """What copying failed of; of several files the first."""
    if isinstance(error, shutil.Error):
        source, _, reason = error.args[0][0]
        return f"{source}: {reason}"
    return why(error)


def _copy_logs(target: Path, sources: Sequence[Path]) -> None:
    """Copy logs of victims that are not there yet."""
    for source in sources:
        for log in sorted((source / LOGS).glob("*.txt")):
            place = target / LOGS / log.name
            if not place.exists():
                place.parent.mkdir(exist_ok=True)
                shutil.copyfile(log, place)
