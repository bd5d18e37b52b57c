"""Drawing panels with matplotlib: mean curves, bands, reference lines, and labels beside the ends of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.report.figures.axis import Axis, axis_of
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.panels import Line, Panel, read_panels
from mebench.report.figures.styles import COLOURS, SHADES, shaded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (5, 1.4, 1.2, 1.4)))
GREY = "#6b6b6b"
INK = "#222222"
FONT = 8.0
AXES_WIDTH, AXES_HEIGHT = 3.5, 2.6
LEFT, TOP, BOTTOM, CAPTION = 0.62, 0.34, 0.5, 0.34
KEY = 0.34
"""Inches; the last is the length of the line that leads from a curve's end to its label."""
COLUMNS = 3


@dataclass(frozen=True)
class Label:
    """What stands beside a panel at a height: the end of a line, or a reference."""

    text: str
    height: float
    colour: str
    dash: Any
    width: float = 1.6


def save_plot(roots: Sequence[Path], path: Path, metric: str = "accuracy", *, linear: bool = False) -> list[str]:
    """Draw the curves of results folders into a PNG, SVG or PDF file; return notes on what was left out.

    Raises:
        ConfigurationError: the file's suffix is none of these.
        ResultsError: there is nothing to draw.
    """
    check_suffix(path)
    panels, notes = read_panels(roots, metric)
    save_figure(draw(panels, metric, linear=linear), path)
    return notes


def draw(panels: Sequence[Panel], metric: str, *, linear: bool = False) -> Figure:
    """Draw panels side by side, at most three in a line, with room for every label."""
    from matplotlib.figure import Figure

    gap, axis = 1.35 * FONT / 72, axis_of(metric)
    limits = [axis.limits(panel, panels) for panel in panels]
    labels = [_labels(panel, axis, one) for panel, one in zip(panels, limits, strict=True)]
    height = max(AXES_HEIGHT, gap * max(map(len, labels)))
    columns = min(COLUMNS, len(panels))
    beside = [KEY + 0.12 + _text_width(labels[index::columns]) for index in range(columns)]
    lefts = [sum(beside[:index]) + index * (LEFT + AXES_WIDTH) + LEFT for index in range(columns + 1)]
    size = (lefts[-1] - LEFT, -(-len(panels) // columns) * (TOP + height + BOTTOM) + CAPTION)
    figure = Figure(figsize=size)
    for index, panel in enumerate(panels):
        bottom = size[1] - (index // columns + 1) * (TOP + height + BOTTOM) + BOTTOM
        place = (lefts[index % columns] / size[0], bottom / size[1], AXES_WIDTH / size[0], height / size[1])
        axes = figure.add_axes(place)
        _draw_panel(axes, panel, axis, linear)
        axes.set_ylim(*limits[index])
        if axis.is_part(limits[index]):
            axes.set_ylabel(f"{axis.title}, part of the axis", fontsize=FONT, color=INK)
        heights = [axis.height(one.height, limits[index]) for one in labels[index]]
        _draw_labels(axes, labels[index], heights, gap / height)
    figure.text(LEFT / size[0], 0.1 / size[1], _caption(panels), fontsize=FONT - 1, color=GREY, va="bottom")
    return figure


def _text_width(labels: Sequence[Sequence[Label]]) -> float:
    """Inches that the longest label needs, by a generous mean width of a letter."""
    return 0.62 * FONT / 72 * max(len(label.text) for one in labels for label in one)


def _draw_panel(axes: Axes, panel: Panel, axis: Axis, linear: bool) -> None:
    if axis.logarithmic:
        _scale_ratios(axes)
    if axis.digits_of_all is not None:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}")
    for value, dash in _references(panel, axis):
        axes.axhline(value, color=GREY, linestyle=dash, linewidth=1.0, zorder=1)
    once = _once(panel)
    for line in panel.lines:
        (colour, dash), over = _style(line), line.band
        if over.seeds > 1:
            low, high = axis.factor * over.low, axis.factor * over.high
            axes.fill_between(over.queries, low, high, color=colour, alpha=0.16, linewidth=0)
        if line in once:  # as Figs 5 and 7 of Pal and others 2019 have it, to be compared with all of the curves
            axes.axhline(axis.factor * float(over.mean[-1]), color=colour, linestyle=dash, linewidth=0.7, zorder=1)
        marker = "o" if len(over.queries) == 1 else None
        axes.plot(
            *(over.queries, axis.factor * over.mean),
            color=colour,
            linestyle=dash,
            linewidth=1.6,
            marker=marker,
            markersize=3,
        )
    axes.set_title(panel.title, fontsize=FONT + 1, loc="left", color=INK, parse_math=False)
    axes.set_xlabel("Queries", fontsize=FONT, color=INK)
    axes.set_ylabel(axis.title, fontsize=FONT, color=INK)
    axes.margins(x=0)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=FONT - 0.5, colors=INK, length=3)
    _scale_queries(axes, panel, linear)


def _scale_queries(axes: Axes, panel: Panel, linear: bool) -> None:
    """Show queries on a logarithmic or linear axis, as 500, 20 k, 5 M."""
    import math

    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    low = min(line.band.queries[0] for line in panel.lines)
    high = max(line.band.queries[-1] for line in panel.lines)
    if linear:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlim(0, high)
    else:
        axes.set_xscale("log")
        axes.set_xlim(low if low < high else low / 2, high)
        decades = math.log10(high / low)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades <= 2.5 else (1,), numticks=20))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))


def _scale_ratios(axes: Axes) -> None:
    """Show a logarithmic axis as 0.1, 1, 10."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def short_count(value: float) -> str:
    """Write 500, 20k, 5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _once(panel: Panel) -> list[Line]:
    """The lines that have one point only, beside others that are curves."""
    points = [line for line in panel.lines if len(line.band.queries) == 1]
    return points if len(points) < len(panel.lines) else []


def _references(panel: Panel, axis: Axis) -> list[tuple[float, Any]]:
    first = axis.perfect if panel.victim is None else axis.factor * panel.victim
    supervised = [(axis.factor * value, DASHES[2]) for value in panel.supervised.values()]
    return ([] if first is None else [(first, DASHES[1])]) + supervised


def _labels(panel: Panel, axis: Axis, limits: tuple[float, float]) -> list[Label]:
    """All labels of a panel, each with the value at its line's end; an arrow points at references that lie outside."""
    found = []
    if panel.victim is not None:
        found.append(_reference("victim", axis.factor * panel.victim, DASHES[1], axis, limits))
    for clone, score in panel.supervised.items():
        name = f"supervised {clone}" if len(panel.supervised) > 1 else "supervised"
        found.append(_reference(name, axis.factor * score, DASHES[2], axis, limits))
    for line in panel.lines:
        end = axis.factor * line.end
        found.append(Label(f"{line.label} {axis.written(end)}", end, *_style(line)))
    return found


def _reference(name: str, value: float, dash: Any, axis: Axis, limits: tuple[float, float]) -> Label:
    arrow = " ↑" if value > limits[1] else " ↓" if value < limits[0] else ""
    return Label(f"{name} {axis.written(value)}{arrow}", value, GREY, dash, 1.0)


def _style(line: Line) -> tuple[str, Any]:
    """Colour and dash of a line."""
    style = line.style
    return shaded(COLOURS[style.colour], SHADES[style.shade]), DASHES[style.dash]


def _draw_labels(axes: Axes, labels: Sequence[Label], heights: Sequence[float], gap: float) -> None:
    """Write labels to the right of the axes, moved apart, each with a key that leads to its line's end."""
    key = KEY / AXES_WIDTH
    for label, height, place in zip(labels, heights, spread(heights, gap), strict=True):
        axes.plot(
            *((1.01, 1.01 + 0.4 * key, 1.0 + 0.92 * key), (height, place, place)),
            color=label.colour,
            linestyle=label.dash,
            linewidth=label.width,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.text(
            *(1.0 + 1.04 * key, place, label.text),
            fontsize=FONT,
            color=INK,
            va="center",
            parse_math=False,
            transform=axes.transAxes,
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights apart to at least ``gap``, as little as need be, keeping their order and inside [0, 1] if it fits.

    Neighbours that are too close form a block around the mean of what they want; blocks that touch are merged.
    """
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    blocks: list[list[int]] = []
    starts: list[float] = []
    for index in order:
        blocks.append([index])
        starts.append(_start(heights, blocks[-1], gap))
        while len(blocks) > 1 and starts[-2] + gap * len(blocks[-2]) > starts[-1]:
            last = blocks.pop()
            starts.pop()
            blocks[-1] += last
            starts[-1] = _start(heights, blocks[-1], gap)
    places = [0.0] * len(heights)
    for block, start in zip(blocks, starts, strict=True):
        for rank, index in enumerate(block):
            places[index] = start + rank * gap
    return places


def _start(heights: Sequence[float], block: Sequence[int], gap: float) -> float:
    """The lowest place of a block that is as near as can be to the heights that its members want."""
    wanted = sum(heights[index] - rank * gap for rank, index in enumerate(block)) / len(block)
    return max(0.0, min(wanted, 1.0 - gap * (len(block) - 1)))


def _caption(panels: Sequence[Panel]) -> str:
    seeds = sorted({line.band.seeds for panel in panels for line in panel.lines})
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    points = " Dots with a thin line: evaluated once, at the end." if any(map(_once, panels)) else ""
    if seeds == [1]:
        return f"One seed.{points}"
    return f"Lines: mean over {count} seeds. Bands: from the lowest to the highest seed.{points}"
