"""Grids of generated queries over the budget: a line per attack, a column per point (Fig. 6 of MEGA)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.plurals import counted
from mebench.report.figures.figure import FONT, GREY, INK
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.samples import EDGE, SIDE
from mebench.report.figures.sections import Section, sections_of
from mebench.report.figures.sheet import Sheet
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.trial_folder import TrialFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ((0.0, "first evaluation"), (0.1, "10 %"), (0.25, "25 %"), (0.5, "50 %"), (1.0, "end"))
"""Fractions of the budget from which on a picture stands in a column; those between the ends are the trial's points."""
GAP, BETWEEN = 0.1, 0.14
HEADING, CAPTIONS, NAME, COUNT = 0.24, 0.2, 0.19, 0.17
"""Inches: the title of a section, the captions of its columns, an attack's name, the queries below a picture."""


@dataclass(frozen=True)
class Rounds:
    """The queries of one trial over its budget.

    Attributes:
        name: the row of the leaderboard, unique in its section.
        pictures: for each of `COLUMNS` the queries spent and the picture, None where there is none.
    """

    name: str
    pictures: tuple[tuple[int, Path] | None, ...]


def save_rounds(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw queries over the budget of the trials in results folders; return notes on what was left out.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: there is nothing to draw.
    """
    check_suffix(path)
    sections, notes = read_rounds(roots)
    save_figure(draw_rounds(sections), path)
    return notes


def read_rounds(roots: Sequence[Path]) -> tuple[list[Section[Rounds]], list[str]]:
    """Find the pictures of the first seed of every row that has some.

    Raises:
        ResultsError: a root is no results folder, or no finished trial has a picture.
    """
    return sections_of(roots, _rounds, "no pictures", "pictures of its queries")


def _rounds(name: str, trials: Sequence[TrialRecord]) -> Rounds | None:
    return next((Rounds(name, pictures) for pictures in map(_pictures, trials) if any(pictures)), None)


def _pictures(trial: TrialRecord) -> tuple[tuple[int, Path] | None, ...]:
    """The pictures of a trial by column; two never meet in one, but a large batch may leave columns empty."""
    found: list[tuple[int, Path] | None] = [None] * len(COLUMNS)
    if trial.path is None or not trial.curve.queries:
        return tuple(found)
    last = trial.curve.queries[-1]
    for queries, path in TrialFolder(trial.path).pictures(trial.curve.queries[0], last).items():
        passed = sum(queries >= fraction * trial.spec.budget for fraction, _ in COLUMNS[:-1])
        first = queries == trial.curve.queries[0]
        found[-1 if queries == last else 0 if first else passed - 1] = (queries, path)
    return tuple(found)


def draw_rounds(sections: Sequence[Section[Rounds]]) -> Figure:
    """Draw sections below each other, each with one line per attack; columns without any picture are left out."""
    from matplotlib.figure import Figure

    attacks = [attack for section in sections for attack in section.attacks]
    shown = [column for column in range(len(COLUMNS)) if any(attack.pictures[column] for attack in attacks)]
    words = max(len(text) for text in (*(one.title for one in sections), *(one.name for one in attacks)))
    width = max(len(shown) * (SIDE + GAP) - GAP, 0.62 * (FONT + 1) / 72 * words)
    line = NAME + SIDE + COUNT + BETWEEN
    height = sum(HEADING + CAPTIONS + line * len(section.attacks) for section in sections)
    sheet = Sheet(Figure(figsize=(width + 2 * EDGE, height + 2 * EDGE)))
    top = EDGE
    for section in sections:
        sheet.write(section.title, EDGE, top, FONT + 1, INK)
        top += HEADING
        for place, column in enumerate(shown):
            sheet.write(COLUMNS[column][1], EDGE + place * (SIDE + GAP) + SIDE / 2, top, FONT, INK, "center")
        top += CAPTIONS
        for attack in section.attacks:
            sheet.write(attack.name, EDGE, top, FONT, INK)
            for place, column in enumerate(shown):
                _show(sheet, attack.pictures[column], EDGE + place * (SIDE + GAP), top + NAME)
            top += line
    return sheet.figure


def _show(sheet: Sheet, picture: tuple[int, Path] | None, left: float, top: float) -> None:
    """Put a picture, and below it the queries spent; nothing where there is none."""
    from mebench.trial.pictures import SCALE

    if picture is None:
        return
    queries, path = picture
    sheet.show_file(path, SCALE, left, top, SIDE)
    sheet.write(counted(queries, "query"), left + SIDE / 2, top + SIDE + 0.03, FONT - 1, GREY, "center")
