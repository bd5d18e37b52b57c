"""What a report is made from: the leaderboard, and behind each row its trials on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mebench.errors import ResultsError
from mebench.leaderboard.build import build_with_groups
from mebench.leaderboard.cells import distinct_names
from mebench.leaderboard.labels import cleaned
from mebench.leaderboard.model import Leaderboard, Row
from mebench.leaderboard.rows import Group, settings_digest
from mebench.leaderboard.saved import holds_trials
from mebench.leaderboard.text import section_title, sections
from mebench.leaderboard.trials import Trial
from mebench.store import read_json

Key = tuple[str, str | None, str | None]
"""Digest of the settings, of the victim's weights, and of its test data."""


@dataclass(frozen=True)
class Entry:
    """One row with the trials that it is made from.

    Attributes:
        number: unique on the page, in the order of the tables.
        label: the attack and variant, with what else tells it apart in its section.
        section: number of the table that it stands in.
        group: None for rows that have no trials: the victim's, and those of committed baselines.
    """

    number: int
    label: str
    section: int
    row: Row
    group: Group | None

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials, by seed."""
        return self.group.trials if self.group else ()


@dataclass(frozen=True)
class Section:
    """Rows that may be compared with each other: one victim, one budget."""

    number: int
    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Source:
    """All that a report shows.

    Attributes:
        files: name of the benchmark's file, by results folder; empty where it is not known.
    """

    roots: tuple[Path, ...]
    board: Leaderboard
    sections: tuple[Section, ...]
    files: dict[Path, str]

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The rows of all sections, in the order of the page."""
        return tuple(entry for section in self.sections for entry in section.entries)


def read_source(roots: Sequence[Path]) -> Source:
    """Read results folders, folders of committed rows and ``leaderboard.json`` files.

    Raises:
        ResultsError: a root is none of these.
    """
    board, made_of = build_with_groups(roots)
    with_trials = [root for root in roots if holds_trials(root)]
    groups = {_key_of_group(group): group for group in made_of}
    found: list[Section] = []
    number = 0
    for section in sections(board.rows):
        entries = []
        for row, label in zip(section, distinct_names(section), strict=True):
            entries.append(Entry(number, label, len(found), row, _group_of(row, groups)))
            number += 1
        found.append(Section(len(found), section_title(section).plain, tuple(entries)))
    return Source(tuple(roots), board, tuple(found), {root: _file_name(root) for root in with_trials})


def _key_of_group(group: Group) -> Key:
    facts = next((trial.result.victim for trial in group.trials if trial.result), None)
    hashes = (facts.weights_hash, facts.data_hash) if facts else (None, None)
    return (settings_digest(group.trials[0]), *hashes)


def _group_of(row: Row, groups: dict[Key, Group]) -> Group | None:
    return groups.get((row.settings, row.victim_hash, row.data_hash)) if row.settings else None


def _file_name(root: Path) -> str:
    """The benchmark file that a folder's trials come from, as ``benchmark.json`` names it; only its last part."""
    try:
        name = read_json(root / "benchmark.json").get("file")
    except (ResultsError, OSError):
        return ""
    return Path(name).name if isinstance(name, str) else ""


def read_quietly(path: Path) -> dict[str, Any]:
    """Read a JSON object of unknown origin with its strings made printable; empty if it cannot be read."""
    try:
        plain: dict[str, Any] = cleaned(read_json(path))
    except (ResultsError, OSError, ValueError):
        return {}
    return plain
