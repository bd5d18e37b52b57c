"""What defences buy and what they cost: fidelity of the best attacker against what honest users pay."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.errors import ResultsError
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.styles import COLOURS
from mebench.results.leaderboard import build_leaderboard
from mebench.results.matrix.compute import NAIVE, Line, Matrix, estimate, matrices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY = "#222222", "#6b6b6b"
FONT = 8.0
AXES_WIDTH, AXES_HEIGHT = 4.4, 2.7
LEFT, RIGHT, TOP, BOTTOM = 0.7, 0.15, 0.5, 0.8
"""Inches, around each panel; names stand at its right."""
COST = "benign_l1"


def save_pareto(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw a panel for each matrix, below each other; return notes.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: no defence of answers has finished.
    """
    check_suffix(path)
    board = build_leaderboard(roots)
    found = [matrix for matrix in matrices(board.rows) if _defended(matrix)]
    if not found:
        raise ResultsError(f"{', '.join(map(str, roots))}: no row behind a defence has a distance from honest answers")
    save_figure(draw_pareto(found), path)
    return list(board.notes)


def _defended(matrix: Matrix) -> list[Line]:
    return [line for line in matrix.lines if line.defence != NAIVE and COST in line.costs]


def draw_pareto(found: Sequence[Matrix]) -> Figure:
    """Draw panels below each other: each defence is a point, hollow for the naive attacker."""
    from matplotlib.figure import Figure

    panel = TOP + AXES_HEIGHT + BOTTOM
    width, height = LEFT + AXES_WIDTH + RIGHT, panel * len(found)
    figure = Figure(figsize=(width, height))
    every = []
    for index, matrix in enumerate(found):
        bottom = height - (index + 1) * panel + BOTTOM
        every.append(figure.add_axes((LEFT / width, bottom / height, AXES_WIDTH / width, AXES_HEIGHT / height)))
        _draw(every[-1], matrix)
    texts = [text.get_window_extent().x1 for axes in every for text in axes.texts]
    wide = max(texts) / figure.dpi + RIGHT
    for axes in every:
        place = axes.get_position()
        axes.set_position((LEFT / wide, place.y0, AXES_WIDTH / wide, place.height))
    figure.set_size_inches(wide, height)
    return figure


def _draw(axes: Axes, matrix: Matrix) -> None:
    undefended = []
    for line in (one for one in matrix.lines if one.defence == NAIVE):
        if (told := estimate(line.worst_case)) is not None:
            axes.axhline(100 * told.mean, color=GREY, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
            undefended.append((100 * told.mean, f"{line.name}, no defence"))
    names = sorted({_kind(line) for line in _defended(matrix)})
    several = len({line.service for line in _defended(matrix)}) > 1
    labels = []
    for line in _defended(matrix):
        colour = COLOURS[names.index(_kind(line)) % len(COLOURS)]
        worst, naive = estimate(line.worst_case), estimate(line.naive)
        if worst is None:
            continue
        place = line.costs[COST]
        if naive is not None:
            axes.plot([place, place], [100 * naive.mean, 100 * worst.mean], color=colour, linewidth=1, zorder=2)
            axes.plot(place, 100 * naive.mean, "o", markerfacecolor="white", markeredgecolor=colour, markersize=5)
        error = None if worst.half is None else 100 * worst.half
        axes.errorbar(place, 100 * worst.mean, yerr=error, fmt="o", color=colour, markersize=5, linewidth=1.2, zorder=3)
        labels.append((100 * worst.mean, place, line.name if several else line.defence, colour))
    axes.set_xlabel("mean L1 distance of honest answers", fontsize=FONT, color=INK)
    axes.set_ylabel("fidelity of the best attacker (%)", fontsize=FONT, color=INK)
    axes.tick_params(labelsize=FONT - 1)
    axes.set_xlim(0, 1.06 * axes.get_xlim()[1])
    edge = axes.get_xlim()[1]
    _draw_labels(axes, [*labels, *((height, edge, name, GREY) for height, name in undefended)])
    context = "\n".join(textwrap.wrap(matrix.context, 95))
    axes.text(0, 1.03, context, transform=axes.transAxes, va="bottom", fontsize=FONT, color=INK, parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    said = "filled: the best attacker, with its interval; hollow: the best naive one"
    axes.text(0, -0.2, said, transform=axes.transAxes, va="top", fontsize=FONT - 1, color=GREY)


def _draw_labels(axes: Axes, labels: list[tuple[float, float, str, str]]) -> None:
    """Write names to the right of the panel, apart from each other, each with a line to its point.

    Args:
        axes: the panel.
        labels: height and place of a point, its name and its colour.
    """
    low, high = axes.get_ylim()
    gap = (high - low) / 22
    heights: list[float] = []
    for height, *_ in sorted(labels):
        heights.append(max(height, heights[-1] + gap) if heights else height)
    over = max(0.0, heights[-1] - high) if heights else 0.0
    right = axes.get_xlim()[1]
    for (height, place, name, colour), at in zip(sorted(labels), heights, strict=True):
        axes.annotate(
            name,
            (place, height),
            xytext=(right * 1.04, at - over),
            textcoords="data",
            fontsize=FONT - 1,
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkB": 4, "relpos": (0, 0.5)},
            parse_math=False,
        )
    axes.set_ylim(low, high)
    axes.set_xlim(0, right)


def _kind(line: Line) -> str:
    """A defence without its parameters: its operating points have one colour."""
    return line.defence.partition("(")[0]
