"""What defences buy and what they cost: fidelity of the best attacker against what honest users pay."""

from __future__ import annotations

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
SIZE = (6.4, 3.9)
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

    figure = Figure(figsize=(SIZE[0], SIZE[1] * len(found)))
    for index, matrix in enumerate(found):
        _draw(figure.add_subplot(len(found), 1, index + 1), matrix)
    figure.tight_layout()
    return figure


def _draw(axes: Axes, matrix: Matrix) -> None:
    for line in (one for one in matrix.lines if one.defence == NAIVE):
        if (told := estimate(line.worst_case)) is not None:
            axes.axhline(100 * told.mean, color=GREY, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
            axes.text(
                *(0.005, 100 * told.mean, f" {line.name}, no defence"),
                transform=axes.get_yaxis_transform(),
                fontsize=FONT - 1,
                color=GREY,
                va="bottom",
                parse_math=False,
            )
    names = sorted({_kind(line) for line in _defended(matrix)})
    for line in sorted(_defended(matrix), key=lambda one: one.costs[COST]):
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
        axes.annotate(
            line.defence,
            (place, 100 * worst.mean),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=FONT - 1,
            color=colour,
            parse_math=False,
        )
    axes.set_xlabel("mean L1 distance of honest answers", fontsize=FONT, color=INK)
    axes.set_ylabel("fidelity of the best attacker (%)", fontsize=FONT, color=INK)
    axes.tick_params(labelsize=FONT - 1)
    axes.set_xlim(left=0)
    axes.margins(x=0.18)
    axes.set_title(matrix.context, fontsize=FONT, loc="left", color=INK, parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    said = "filled: the best attacker, with its interval; hollow: the best naive one"
    axes.text(1, 1.0, said, transform=axes.transAxes, ha="right", va="bottom", fontsize=FONT - 1.5, color=GREY)


def _kind(line: Line) -> str:
    """A defence without its parameters: its operating points have one colour."""
    return line.defence.partition("(")[0]
