"""Grids of generated queries, early and late, of every attack (Figs 6 to 9 of MEGEX's sequel)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.plurals import counted
from mebench.report.figures.figure import FONT, GREY, INK
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.sections import Section, sections_of
from mebench.report.figures.sheet import Sheet
from mebench.results.leaderboard.read.trials import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE, GAP, BETWEEN = 1.66, 0.08, 0.3
"""Inches: a grid's side (two dots per pixel for 32 x 32 images), the gap to the late one, that between attacks."""
HEADING, NAME, EDGE = 0.3, 0.2, 0.12
LETTER = 0.62 * FONT / 72
"""Inches: a generous mean width of a letter."""
IN_ONE_LINE = 3
"""Attacks side by side."""


@dataclass(frozen=True)
class Sample:
    """The queries of one trial.

    Attributes:
        name: the row of the leaderboard, unique in its section.
        early, late: pictures of 25 queries each, of the first and the last evaluation.
        queries: spent at both.
    """

    name: str
    early: Path
    late: Path
    queries: tuple[int, int]


def save_samples(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw early and late queries of the trials in results folders; return notes on what was left out.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: there is nothing to draw.
    """
    check_suffix(path)
    sections, notes = read_sections(roots)
    save_figure(draw_samples(sections), path)
    return notes


def read_sections(roots: Sequence[Path]) -> tuple[list[Section[Sample]], list[str]]:
    """Find the pictures of the first seed of every row.

    Raises:
        ResultsError: a root is no results folder, or no finished trial has both pictures.
    """
    return sections_of(roots, _sample, "no samples-early.png and samples.png", "pictures of early and late queries")


def _sample(name: str, trials: Sequence[TrialRecord]) -> Sample | None:
    return next(filter(None, (_of_trial(name, one) for one in trials)), None)


def _of_trial(name: str, trial: TrialRecord) -> Sample | None:
    queries = trial.curve.queries
    if trial.path is None or not queries:
        return None
    early, late = trial.path / "samples-early.png", trial.path / "samples.png"
    if not (early.exists() and late.exists()):
        return None
    return Sample(name, early, late, (queries[0], queries[-1]))


def draw_samples(sections: Sequence[Section[Sample]]) -> Figure:
    """Draw sections below each other, each with its attacks in lines of three: name, early grid, late grid."""
    from matplotlib.figure import Figure

    columns = min(IN_ONE_LINE, max(len(section.attacks) for section in sections))
    words = max(len(sample.name) for section in sections for sample in section.attacks)
    cell = (max(2 * SIDE + GAP, LETTER * words) + BETWEEN, NAME + SIDE + BETWEEN)
    lines = [-(-len(section.attacks) // columns) for section in sections]
    titles = LETTER * (FONT + 1) / FONT * max(len(section.title) for section in sections)
    size = (
        2 * EDGE + max(columns * cell[0] - BETWEEN, titles),
        2 * EDGE + sum(HEADING + count * cell[1] for count in lines),
    )
    sheet = Sheet(Figure(figsize=size))
    top = EDGE
    for section, count in zip(sections, lines, strict=True):
        sheet.write(section.title, EDGE, top, FONT + 1, INK)
        for index, sample in enumerate(section.attacks):
            line, column = divmod(index, columns)
            _draw_sample(sheet, sample, EDGE + column * cell[0], top + HEADING + line * cell[1])
        top += HEADING + count * cell[1]
    return sheet.figure


def _draw_sample(sheet: Sheet, sample: Sample, left: float, top: float) -> None:
    from mebench.trial.pictures import SCALE

    sheet.write(sample.name, left, top, FONT, INK)
    for number, (file, queries) in enumerate(zip((sample.early, sample.late), sample.queries, strict=True)):
        start = left + number * (SIDE + GAP)
        sheet.show_file(file, SCALE, start, top + NAME, SIDE)
        caption = f"{('early', 'late')[number]}, {counted(queries, 'query')}"
        sheet.write(caption, start + SIDE / 2, top + NAME + SIDE + 0.03, FONT - 1, GREY, "center")
