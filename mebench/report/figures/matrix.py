"""The matrix of defences and attackers as a heat map, with the worst case and what honest users pay."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.errors import ResultsError
from mebench.report.figures.files import check_suffix, save_figure
from mebench.results.leaderboard import build_leaderboard
from mebench.results.matrix.compute import Estimate, Line, Matrix, estimate, matrices
from mebench.results.matrix.formats import COSTS, SHARES, column_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY = "#222222", "#6b6b6b"
FONT = 8.0
LETTER = 0.62 * FONT / 72
"""Inches: a generous mean width of a letter."""
WIDTH, HEIGHT, GAP, HEAD, FOOT, LINE = 0.95, 0.34, 0.14, 0.3, 0.25, 0.15
"""Inches: of a cell; between cells, worst case and costs; above the first line besides its titles; below the last; of a
line of the caption."""
LEAST_WIDTH = 6.0


def save_matrix(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw a heat map for each matrix, below each other; return notes.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: there is no attack that has finished, or no victim and seed that all attackers have met.
    """
    check_suffix(path)
    board = build_leaderboard(roots)
    found = matrices(board.rows)
    if not found:
        raise ResultsError(f"{', '.join(map(str, roots))}: no attack has finished before any victim")
    drawn = [matrix for matrix in found if matrix.lines]
    if not drawn:
        raise ResultsError(
            f"{', '.join(map(str, roots))}: no victim and seed for which every attacker has finished: "
            "`mebench matrix` says where"
        )
    save_figure(draw_matrices(drawn), path)
    return list(board.notes)


def draw_matrices(found: Sequence[Matrix]) -> Figure:
    """Draw heat maps below each other, each as large as its names need; each matrix has a line."""
    from matplotlib.figure import Figure

    side = max(LETTER * len(line.name) for matrix in found for line in matrix.lines) + 0.2
    heads = [_head(matrix) for matrix in found]
    columns = max(len(matrix.columns) for matrix in found) + 1 + len(COSTS)
    width = max(side + WIDTH * columns + 2 * GAP + 0.1, LEAST_WIDTH)
    captions = [textwrap.wrap(_caption(matrix), round((width - 0.3) / (LETTER * 0.8))) for matrix in found]
    heights = [
        head + HEIGHT * len(matrix.lines) + FOOT + LINE * len(caption)
        for head, matrix, caption in zip(heads, found, captions, strict=True)
    ]
    figure = Figure(figsize=(width, sum(heights)))
    top = sum(heights)
    for matrix, head, height, caption in zip(found, heads, heights, captions, strict=True):
        top -= height
        axes = figure.add_axes((0, top / sum(heights), 1, height / sum(heights)))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        _draw(axes, matrix, side, head, "\n".join(caption))
    return figure


def _head(matrix: Matrix) -> float:
    """Inches for the titles of columns, which stand on end."""
    longest = max(len(title) for title in _titles(matrix))
    return HEAD + LETTER * longest


def _titles(matrix: Matrix) -> list[str]:
    return [*column_names(matrix).values(), "worst case", *COSTS.values()]


def _draw(axes: Axes, matrix: Matrix, side: float, head: float, caption: str) -> None:
    scale = _scale(matrix)
    places = [side + WIDTH * index for index in range(len(matrix.columns))]
    worst = side + WIDTH * len(matrix.columns) + GAP
    costs = [worst + WIDTH + GAP + WIDTH * index for index in range(len(COSTS))]
    for place, title in zip([*places, worst, *costs], _titles(matrix), strict=True):
        axes.text(
            *(place + WIDTH / 2, head - 0.08, title),
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=FONT,
            color=INK,
            parse_math=False,
        )
    for index, line in enumerate(matrix.lines):
        top = head + HEIGHT * index
        axes.text(
            side - 0.1, top + HEIGHT / 2, line.name, ha="right", va="center", fontsize=FONT, color=INK, parse_math=False
        )
        for place, column in zip(places, matrix.columns, strict=True):
            values = line.cells.get(column)
            told = estimate({unit: values[unit] for unit in line.units}) if values else None
            outlined, white_box = column == line.strongest(), column in line.white_box
            _cell(axes, place, top, told, scale, outlined=outlined, white_box=white_box)
        _cell(axes, worst, top, estimate(line.worst_case), scale)
        for place, key in zip(costs, COSTS, strict=True):
            axes.text(place + WIDTH / 2, top + HEIGHT / 2, _cost(line, key), ha="center", va="center", fontsize=FONT)
    bottom = head + HEIGHT * len(matrix.lines)
    axes.text(0.1, bottom + 0.12, caption, fontsize=FONT - 1, color=GREY, va="top", parse_math=False)


def _scale(matrix: Matrix) -> tuple[float, float]:
    """The lowest and the highest mean of all cells, which the ends of the colours stand for; at least 0.05 apart."""
    means = [
        told.mean
        for line in matrix.lines
        for values in line.cells.values()
        if (told := estimate({unit: values[unit] for unit in line.units}))
    ]
    low, high = min(means), max(means)
    return (low, high) if high - low > 0.05 else ((low + high) / 2 - 0.025, (low + high) / 2 + 0.025)


def _cost(line: Line, key: str) -> str:
    value = line.costs.get(key)
    if value is None:
        return "-"
    return f"{100 * value:.1f}" if key in SHARES else f"{value:.2f}"


def _cell(
    axes: Axes,
    left: float,
    top: float,
    one: Estimate | None,
    scale: tuple[float, float],
    *,
    outlined: bool = False,
    white_box: bool = False,
) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    if one is None:
        axes.text(left + WIDTH / 2, top + HEIGHT / 2, "-", ha="center", va="center", fontsize=FONT, color=GREY)
        return
    share = min(max((one.mean - scale[0]) / (scale[1] - scale[0]), 0.0), 1.0)
    colour = (0.94, 0.94, 0.94, 1.0) if white_box else colormaps["cividis_r"](0.02 + 0.85 * share)
    light = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 0.5
    axes.add_patch(Rectangle((left, top), WIDTH, HEIGHT, facecolor=colour, edgecolor="white", linewidth=1))
    if outlined:
        inside = Rectangle((left + 0.02, top + 0.02), WIDTH - 0.04, HEIGHT - 0.04, fill=False, edgecolor="#c04a00")
        inside.set_linewidth(1.4)
        axes.add_patch(inside)
    half = "" if one.half is None else f" ± {100 * one.half:.1f}"
    text, ink = f"{100 * one.mean:.1f}{half}", INK if light else "white"
    axes.text(left + WIDTH / 2, top + HEIGHT / 2, text, ha="center", va="center", fontsize=FONT, color=ink)


def _caption(matrix: Matrix) -> str:
    return (
        f"Fidelity in percent with 95 % intervals; {matrix.context}. Outlined: the strongest attacker. "
        "Worst case: chosen on the other victims or seeds. Grey: told what no attacker knows."
    )
