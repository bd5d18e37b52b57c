"""When detectors were alarmed of attacks: the share of seeds of which nobody was yet, by queries (Kaplan and Meier)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.errors import ResultsError
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.styles import COLOURS
from mebench.report.figures.watches import draw_watches
from mebench.results.detection import Survival, kaplan_meier
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.model import Row
from mebench.results.matrix.detectors import watch_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

INK, GREY = "#222222", "#6b6b6b"
FONT = 8.0
AXES_WIDTH, AXES_HEIGHT = 4.6, 2.5
LEFT, RIGHT, TOP, BOTTOM = 0.6, 0.15, 0.2, 0.5
"""Inches."""


def save_alarms(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw a panel for each attack with a curve for each detector; return notes.

    Of results of before it was kept which detector was alarmed there is one panel, of the first alarm of any.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: no detector watched.
    """
    check_suffix(path)
    board = build_leaderboard(roots)
    rows = [row for row in board.rows if row.per_seed and "alarms" in row.metrics]
    if not rows:
        raise ResultsError(f"{', '.join(map(str, roots))}: no detector watched any attack that has finished")
    watch = watch_of(rows)
    save_figure(draw_watches(watch) if watch.detectors else draw_alarms(rows), path)
    return list(board.notes)


def curve_of(row: Row) -> Survival:
    """The share of a row's seeds of which no detector was alarmed; those without an alarm are cut off at their end."""
    alarms = [one.metrics.get("first_alarm") for one in row.per_seed]
    return kaplan_meier(
        [None if alarm is None else round(alarm) for alarm in alarms], [one.queries for one in row.per_seed]
    )


def draw_alarms(rows: Sequence[Row]) -> Figure:
    """Draw a step curve for each row."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    budgets = {row.budget for row in rows}
    for index, row in enumerate(rows):
        curve = curve_of(row)
        queries, silent = [0, *curve.queries, row.budget], [1.0, *curve.silent]
        silent.append(silent[-1])
        of_several = f", {row.budget:,} queries" if len(budgets) > 1 else ""
        label = f"{row.name} on {row.victim} ({row.channel}{of_several})"
        dash = ("-", (0, (4, 2)), (0, (1, 1)))[index // len(COLOURS) % 3]
        colour = COLOURS[index % len(COLOURS)]
        axes.step(queries, [100 * one for one in silent], where="post", color=colour, linestyle=dash, label=label)
    axes.set_ylim(-3, 103)
    axes.set_xlim(0, max(budgets))
    axes.set_xlabel("queries of the attack", fontsize=FONT, color=INK)
    axes.set_ylabel("seeds without an alarm (%)", fontsize=FONT, color=INK)
    axes.tick_params(labelsize=FONT - 1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    legend = axes.legend(
        fontsize=FONT - 1, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.02), labelcolor=INK
    )
    _make_room(figure, axes, legend)
    return figure


def _make_room(figure: Figure, axes: Axes, legend: Legend) -> None:
    """Make the figure as large as panel and legend are."""
    beside = legend.get_window_extent()
    width = LEFT + AXES_WIDTH + beside.width / figure.dpi + RIGHT
    height = TOP + max(AXES_HEIGHT, beside.height / figure.dpi) + BOTTOM
    figure.set_size_inches(width, height)
    lowest = 1 - (TOP + AXES_HEIGHT) / height
    axes.set_position((LEFT / width, lowest, AXES_WIDTH / width, AXES_HEIGHT / height))
