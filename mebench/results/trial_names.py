"""Which trial is meant: results folders are looked for, and trials are named by any part of their id."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from mebench.api.errors import ConfigurationError, ResultsError
from mebench.api.files import read_json
from mebench.api.printable import printable
from mebench.api.suggestions import nearest
from mebench.results.trial_folder import TrialFolder, has_trials, trial_folders

RUNS = Path("runs")
"""Where `mebench run` puts results folders unless told otherwise."""
FACTS = "benchmark.json"
LEVELS = 3
"""How deep below a folder results folders are looked for."""
MOST_NAMED = 10
MOST_COMPARED = 5_000
"""Candidates that are named, and words that a mistyped one is compared with."""


@dataclass(frozen=True)
class NamedTrial:
    """A trial of a results folder, which may not have been begun.

    Attributes:
        root: the results folder.
        id: the trial's, and the name of its folder.
    """

    root: Path
    id: str

    @property
    def folder(self) -> TrialFolder:
        """Its folder."""
        return TrialFolder(self.root / self.id)


def results_folders(place: Path | None = None) -> list[Path]:
    """The results folders at a place: the place itself, or those below it.

    Args:
        place: without it, this folder if it is one, and else those below ``runs``.

    Raises:
        ResultsError: there are none.
    """
    if place is None:
        if _is_results(Path()):
            return [Path()]
        if not (found := _below(RUNS)):
            raise ResultsError("no results here (looked in this folder and below runs): say which folder holds them")
        return found
    if not place.is_dir():
        raise ResultsError(f"{place}: no such results folder")
    if _is_results(place):
        return [place]
    if not (found := _below(place)):
        raise ResultsError(f"{place}: holds no results, and no folder below it does")
    return found


def known_trials(root: Path) -> list[str]:
    """The ids of all trials of a results folder: those asked for, in their order, and what else lies there."""
    there = [folder.path.name for folder in trial_folders(root)]
    return list(dict.fromkeys([*planned_trials(root), *there]))


def planned_trials(root: Path) -> list[str]:
    """The ids of the trials that were asked for; none where that is not known."""
    try:
        planned = read_json(root / FACTS).get("trials")
    except ResultsError:
        return []
    return [printable(name) for name in planned if isinstance(name, str)] if isinstance(planned, list) else []


def find_trial(word: str, place: Path | None = None) -> NamedTrial:
    """The one trial that a word means.

    Args:
        word: its id, any part of it that no other id has, a pattern with ``*``, or the path of its folder.
        place: see `results_folders`.

    Raises:
        ConfigurationError: no trial is meant, or several; they or the nearest word are named.
        ResultsError: there are no results.
    """
    found = matching(word, place)
    if len(found) > 1:
        several = len({trial.root for trial in found}) > 1
        names = [str(trial.folder.path) if several else trial.id for trial in found]
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        raise ConfigurationError(
            f"{word!r} may mean {len(names):,} trials, write more of the id: {', '.join(names[:MOST_NAMED])}{more}"
        )
    return found[0]


def matching(word: str, place: Path | None = None) -> list[NamedTrial]:
    """All trials that a word may mean, at least one; see `find_trial`.

    Raises:
        ConfigurationError: there is none; the nearest word is named.
        ResultsError: there are no results.
    """
    if os.sep in word and (Path(word) / "spec.json").exists():
        path = Path(word)
        return [NamedTrial(path.parent, path.name)]
    trials = [NamedTrial(root, name) for root in results_folders(place) for name in known_trials(root)]
    if exact := [trial for trial in trials if word in (trial.id, trial.id.rpartition("-")[0])]:
        return exact
    part = word.casefold()
    if "*" in word:
        found = [trial for trial in trials if fnmatchcase(trial.id.casefold(), f"*{part}*")]
    else:
        found = [trial for trial in trials if part in trial.id.casefold()] if word else []
    if not found:
        raise ConfigurationError(f"no trial has {word!r} in its id{_hint(word, [trial.id for trial in trials])}")
    return found


def _hint(word: str, ids: Sequence[str]) -> str:
    """The part of an id that is nearest to a word, with as many parts as it has."""
    count = word.count("-") + 1
    words = dict.fromkeys(part for name in ids for part in _parts(name, count))
    near = nearest(word, islice(words, MOST_COMPARED))
    if near:
        return f". Did you mean {near!r}?"
    return f": there is {ids[0]}{f', and {len(ids) - 1} more' if len(ids) > 1 else ''}" if ids else ": there are none"


def _parts(name: str, count: int) -> Iterator[str]:
    words = name.split("-")
    for first in range(max(1, len(words) - count + 1)):
        yield "-".join(words[first : first + count])


def _is_results(folder: Path) -> bool:
    return (folder / FACTS).exists() or has_trials(folder)


def _below(place: Path, levels: int = LEVELS) -> list[Path]:
    """The results folders below a place, by name; what begins with a dot is left out."""
    if not place.is_dir():
        return []
    found: list[Path] = []
    for folder in sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if _is_results(folder):
            found.append(folder)
        elif levels > 1:
            found += _below(folder, levels - 1)
    return found
