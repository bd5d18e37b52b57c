"""What a report is made from: the leaderboard, and behind each row its trials on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from mebench.api.errors import ResultsError
from mebench.api.files import read_json
from mebench.api.plurals import counted
from mebench.api.printable import printable
from mebench.results.leaderboard.compute.build import build_with_groups
from mebench.results.leaderboard.compute.rows import Group, settings_digest
from mebench.results.leaderboard.model import Leaderboard, Row
from mebench.results.leaderboard.read.saved import holds_trials
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.leaderboard.write.columns import distinct_names, prior
from mebench.results.leaderboard.write.labels import cleaned
from mebench.results.leaderboard.write.text import section_title, sections

Key = tuple[str, str | None, str | None]
"""Digest of the settings, of the victim's weights, and of its test data."""


@dataclass(frozen=True)
class PageRow:
    """One row with the trials that it is made from.

    Attributes:
        number: unique on the page, in the order of the tables.
        label: the attack and variant, with what else tells it apart in its section.
        block: number of the part of the table that it stands in.
        group: None for rows that have no trials: the victim's, and those of committed baselines.
    """

    number: int
    label: str
    block: int
    row: Row
    group: Group | None

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """The trials, by seed."""
        return self.group.trials if self.group else ()


@dataclass(frozen=True)
class Block:
    """Rows that may be ranked with each other.

    Attributes:
        number: unique on the page.
        title: what they have in common and other blocks of the section have not; empty for the only one.
    """

    number: int
    title: str
    entries: tuple[PageRow, ...]


@dataclass(frozen=True)
class Section:
    """One victim and one budget: its references, and blocks of attacks."""

    title: str
    references: tuple[PageRow, ...]
    blocks: tuple[Block, ...]

    @property
    def entries(self) -> tuple[PageRow, ...]:
        """All rows, in the order of the page."""
        return (*self.references, *(entry for block in self.blocks for entry in block.entries))

    @property
    def name(self) -> str:
        """Victim and budget, with the first digits of the victim's weights."""
        row = self.entries[-1].row
        weights = f" ({row.victim_hash[:6]})" if row.victim_hash else ""
        return f"{row.victim}{weights}, {counted(row.budget, 'query')}"


@dataclass(frozen=True)
class PageSource:
    """All that a report shows.

    Attributes:
        files: name of the benchmark's file, by results folder; empty where it is not known.
    """

    roots: tuple[Path, ...]
    board: Leaderboard
    sections: tuple[Section, ...]
    files: dict[Path, str]

    @cached_property
    def entries(self) -> tuple[PageRow, ...]:
        """The rows of all sections, in the order of the page."""
        return tuple(entry for section in self.sections for entry in section.entries)


def read_source(roots: Sequence[Path]) -> PageSource:
    """Read results folders, folders of committed rows and ``leaderboard.json`` files.

    Raises:
        ResultsError: a root is none of these.
    """
    board, made_of = build_with_groups(roots)
    with_trials = [root for root in roots if holds_trials(root)]
    groups = {_key_of_group(group): group for group in made_of}
    number, found = count(), []
    for section in sections(board.rows):
        names = dict(zip(map(id, section), distinct_names(section), strict=True))
        by_key: dict[str, list[Row]] = {}
        for row in section:
            by_key.setdefault(row.key if row.kind == "attack" else "", []).append(row)
        blocks = []
        for (key, rows), title in zip(by_key.items(), _titles(by_key), strict=True):
            place = next(number)
            entries = (PageRow(next(number), names[id(row)], place, row, _group_of(row, groups)) for row in rows)
            blocks.append((key, Block(place, title, tuple(entries))))
        references = tuple(entry for key, block in blocks if not key for entry in block.entries)
        found.append(Section(section_title(section).plain, references, tuple(block for key, block in blocks if key)))
    return PageSource(tuple(roots), board, tuple(found), {root: _file_name(root) for root in with_trials})


def _titles(by_key: dict[str, list[Row]]) -> list[str]:
    """What the rows of each key have in common that tells them from other keys."""
    rows = [rows[0] for key, rows in by_key.items() if key]
    facts: dict[str, Callable[[Row], str]] = {
        "channel": lambda row: row.channel,
        "data prior": prior,
        "clone": lambda row: row.clone,
        "start": lambda row: row.clone_init or "as most",
        "learner": lambda row: row.track,
        "protocol": lambda row: str(row.protocol),
        "victim": lambda row: "known" if row.victim_hash else "never met by a finished trial",
    }
    telling = {name: fact for name, fact in facts.items() if len({fact(row) for row in rows}) > 1}
    return [
        " · ".join(f"{name} {fact(rows[0])}" for name, fact in telling.items()) if key else ""
        for key, rows in by_key.items()
    ]


def _key_of_group(group: Group) -> Key:
    facts = next((trial.result.victim for trial in group.trials if trial.result), None)
    hashes = (facts.weights_hash, facts.data_hash) if facts else (None, None)
    return (settings_digest(group.trials[0]), *hashes)


def _group_of(row: Row, groups: dict[Key, Group]) -> Group | None:
    return groups.get((row.settings, row.victim_hash, row.data_hash)) if row.settings else None


def _file_name(root: Path) -> str:
    """The benchmark file that a folder's trials come from, as ``benchmark.json`` names it; only its last part.

    Empty for a name that cannot be shown as it is: a command with another name would be wrong.
    """
    try:
        name = read_json(root / "benchmark.json").get("file")
    except (ResultsError, OSError):
        return ""
    return Path(name).name if isinstance(name, str) and printable(name) == name else ""


def read_quietly(path: Path) -> dict[str, Any]:
    """Read a JSON object of unknown origin with its strings made printable; empty if it cannot be read."""
    try:
        plain: dict[str, Any] = cleaned(read_json(path))
    except (ResultsError, OSError, ValueError):
        return {}
    return plain
