"""What figures with a place for every row show: all attacks on one victim at one budget, below each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from mebench.api.errors import ResultsError
from mebench.report.figures.panels import ranked_trials, valid_rows
from mebench.results.leaderboard.read.trials import TrialRecord

Shown = TypeVar("Shown")
"""What is shown of a row."""


@dataclass(frozen=True)
class Section(Generic[Shown]):
    """All attacks on one victim at one budget, the best first."""

    title: str
    attacks: tuple[Shown, ...]


def sections_of(
    roots: Sequence[Path], shown_of: Callable[[str, Sequence[TrialRecord]], Shown | None], lacking: str, wanted: str
) -> tuple[list[Section[Shown]], list[str]]:
    """Find what there is to show of the rows in results folders; return notes on those that were left out, too.

    Args:
        roots: results folders.
        shown_of: is given a row's name, unique in its section, and its trials, one per seed; None leaves the row out.
        lacking: what the note says of such a row.
        wanted: what no trial has, if nothing is left.

    Raises:
        ResultsError: a root is no results folder, or nothing is left.
    """
    valid, notes = valid_rows(roots)
    sections = []
    for heading, rows in ranked_trials(valid, roots):
        found = [(name, shown_of(name, trials)) for name, trials in rows]
        notes += [f"left out {name}: {lacking}" for name, shown in found if shown is None]
        attacks = tuple(shown for _, shown in found if shown is not None)
        if attacks:
            sections.append(Section(heading, attacks))
    if not sections:
        raise ResultsError(f"{', '.join(map(str, roots))}: no trial with {wanted}")
    return sections, notes
