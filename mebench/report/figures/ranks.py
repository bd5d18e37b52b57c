"""The critical-difference picture (Demsar 2006): mean ranks, and bars over attacks that cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.errors import ResultsError
from mebench.report.figures.files import check_suffix, save_figure
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.compute.pairs import Overall, over_blocks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY, BAR = "#222222", "#6b6b6b", "#0072B2"
FONT = 8.0
AXIS, PLACE, SIDE, LINE, HEAD, FOOT = 2.8, 0.2, 2.1, 0.19, 0.75, 0.42
"""Inches: of the axis, at least, and for each rank; for labels on each side, at least; between labels, above the first
label, below the last."""
LETTER = 0.62 * FONT / 72
"""Inches: a generous mean width of a letter."""


def save_ranks(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw one picture of mean ranks per channel, clone and so on, below each other; return notes.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: there are no two attacks that may be ranked together in two blocks.
    """
    check_suffix(path)
    board = build_leaderboard(roots)
    summaries = over_blocks(board.rows)
    if not summaries:
        raise ResultsError(f"{', '.join(map(str, roots))}: no two attacks of one key with two victims or two seeds")
    save_figure(draw_ranks(summaries), path)
    return list(board.notes)


def draw_ranks(summaries: Sequence[Overall]) -> Figure:
    """Draw pictures below each other, each as high as its labels need."""
    from matplotlib.figure import Figure

    heights = [HEAD + LINE * (math.ceil(len(one.names) / 2) + len(one.cliques)) + FOOT for one in summaries]
    sides = max(SIDE, *(0.5 + LETTER * len(f"{name}  0.00") for one in summaries for name in one.names))
    axis = max(AXIS, *(PLACE * len(one.names) for one in summaries))
    words = max(0.3 + LETTER * len(_caption(one)) for one in summaries)
    width = max(2 * sides + axis, words)
    figure = Figure(figsize=(width, sum(heights)))
    top = sum(heights)
    for summary, height in zip(summaries, heights, strict=True):
        top -= height
        axes = figure.add_axes((0, top / sum(heights), 1, height / sum(heights)))
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(height, 0)
        _draw(axes, summary, height, sides / (2 * sides + axis))
    return figure


def _draw(axes: Axes, summary: Overall, height: float, side: float) -> None:
    """Draw one picture; labels take the fraction ``side`` of its width on each side."""
    count = len(summary.names)

    def place(rank: float) -> float:
        return side + (1 - 2 * side) * (rank - 1) / (count - 1)

    axes.plot([place(1), place(count)], [HEAD - 0.18] * 2, color=INK, linewidth=1)
    for tick in range(1, count + 1):
        axes.plot([place(tick)] * 2, [HEAD - 0.24, HEAD - 0.18], color=INK, linewidth=1)
        axes.text(place(tick), HEAD - 0.27, str(tick), ha="center", va="bottom", fontsize=FONT, color=INK)
    _draw_distance(axes, summary, place(1), place(min(1 + summary.critical_difference, count)), count)
    below = HEAD + LINE * len(summary.cliques)
    for index, (name, rank) in enumerate(zip(summary.names, summary.mean_ranks, strict=True)):
        left = index < math.ceil(count / 2)
        line = below + LINE * (index if left else count - 1 - index)
        edge = side - 0.02 if left else 1 - side + 0.02
        axes.plot([place(rank), place(rank), edge], [HEAD - 0.18, line, line], color=GREY, linewidth=0.8)
        text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        towards = "right" if left else "left"
        axes.text(
            *(edge + (-0.01 if left else 0.01), line, text),
            ha=towards,
            va="center",
            fontsize=FONT,
            color=INK,
            parse_math=False,
        )
    for index, (first, last) in enumerate(summary.cliques):
        ends = [place(summary.mean_ranks[first]) - 0.006, place(summary.mean_ranks[last]) + 0.006]
        axes.plot(ends, [HEAD - 0.08 + LINE * index] * 2, color=BAR, linewidth=3, solid_capstyle="butt")
    axes.text(0.02, height - 0.12, _caption(summary), fontsize=FONT - 1, color=GREY, va="bottom", parse_math=False)


def _caption(summary: Overall) -> str:
    test = "" if summary.friedman is None else f"  Friedman p = {summary.friedman:.2g}."
    return f"Mean ranks over {len(summary.blocks)} {summary.unit}s; {summary.context}.{test}"


def _draw_distance(axes: Axes, summary: Overall, low: float, high: float, count: int) -> None:
    """The critical difference as a bar to scale, cut off where it is longer than the axis."""
    more = " (longer than the axis)" if 1 + summary.critical_difference > count else ""
    axes.plot([low, high], [0.2, 0.2], color=INK, linewidth=1.2)
    for end in (low, high):
        axes.plot([end, end], [0.17, 0.23], color=INK, linewidth=1.2)
    words = f"critical difference {summary.critical_difference:.2f}{more}"
    axes.text((low + high) / 2, 0.15, words, ha="center", va="bottom", fontsize=FONT - 1, color=INK)
