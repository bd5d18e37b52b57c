"""Grids of generated queries, early and late, of every attack (Figs 6 to 9 of MEGEX's sequel)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.errors import ResultsError
from mebench.leaderboard.trials import Trial
from mebench.plot.figure import FONT, GREY, INK
from mebench.plot.files import check_suffix, save_figure
from mebench.plot.panels import ranked_trials, valid_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE, GAP, BETWEEN = 1.66, 0.08, 0.3
"""Inches: a grid's side (two dots per pixel for 32 x 32 images), the gap to the late one, that between attacks."""
HEADING, NAME, EDGE = 0.3, 0.2, 0.12
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


@dataclass(frozen=True)
class Section:
    """All attacks on one victim at one budget, the best first."""

    title: str
    samples: tuple[Sample, ...]


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


def read_sections(roots: Sequence[Path]) -> tuple[list[Section], list[str]]:
    """Find the pictures of the first seed of every row.

    Raises:
        ResultsError: a root is no results folder, or no finished trial has both pictures.
    """
    valid, notes = valid_rows(roots)
    sections = []
    for heading, rows in ranked_trials(valid, roots):
        found = [(name, next(filter(None, (_of_trial(name, one) for one in trials)), None)) for name, trials in rows]
        notes += [f"left out {name}: no samples-early.png and samples.png" for name, sample in found if sample is None]
        samples = tuple(sample for _, sample in found if sample)
        if samples:
            sections.append(Section(heading, samples))
    if not sections:
        raise ResultsError(f"{', '.join(map(str, roots))}: no trial with pictures of early and late queries")
    return sections, notes


def _of_trial(name: str, trial: Trial) -> Sample | None:
    queries = trial.curve.queries
    if trial.path is None or not queries:
        return None
    early, late = trial.path / "samples-early.png", trial.path / "samples.png"
    if not (early.exists() and late.exists()):
        return None
    return Sample(name, early, late, (queries[0], queries[-1]))


def draw_samples(sections: Sequence[Section]) -> Figure:
    """Draw sections below each other, each with its attacks in lines of three: name, early grid, late grid."""
    from matplotlib.figure import Figure

    columns = min(IN_ONE_LINE, max(len(section.samples) for section in sections))
    cell = (2 * SIDE + GAP + BETWEEN, NAME + SIDE + BETWEEN)
    lines = [-(-len(section.samples) // columns) for section in sections]
    size = (2 * EDGE + columns * cell[0] - BETWEEN, 2 * EDGE + sum(HEADING + count * cell[1] for count in lines))
    figure = Figure(figsize=size)
    top = size[1] - EDGE
    for section, count in zip(sections, lines, strict=True):
        heading: dict[str, Any] = {"fontsize": FONT + 1, "color": INK, "va": "top", "parse_math": False}
        figure.text(EDGE / size[0], top / size[1], section.title, **heading)
        for index, sample in enumerate(section.samples):
            line, column = divmod(index, columns)
            _draw_sample(figure, sample, EDGE + column * cell[0], top - HEADING - line * cell[1], size)
        top -= HEADING + count * cell[1]
    return figure


def _draw_sample(figure: Figure, sample: Sample, left: float, top: float, size: tuple[float, float]) -> None:
    from matplotlib.image import imread

    from mebench.samples import SCALE

    figure.text(*(left / size[0], top / size[1], sample.name), fontsize=FONT, color=INK, va="top", parse_math=False)
    for number, (file, queries) in enumerate(zip((sample.early, sample.late), sample.queries, strict=True)):
        place = (left + number * (SIDE + GAP), top - NAME - SIDE)
        axes = figure.add_axes((place[0] / size[0], place[1] / size[1], SIDE / size[0], SIDE / size[1]))
        axes.imshow(imread(file)[::SCALE, ::SCALE], interpolation="nearest", cmap="gray")
        axes.set_axis_off()
        caption = f"{('early', 'late')[number]}, {queries:,} queries"
        figure.text(
            *((place[0] + SIDE / 2) / size[0], (place[1] - 0.03) / size[1], caption),
            fontsize=FONT - 1,
            color=GREY,
            ha="center",
            va="top",
        )
