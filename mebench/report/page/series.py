"""Curves for the page: one panel per section, thinned to what a reader can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mebench.report.figures.axis import window
from mebench.report.figures.styles import Numbers, identity, styles
from mebench.report.page.source import PageRow, Section
from mebench.results.curves import Band, CurveMetric, band, spaced

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

METRICS: tuple[CurveMetric, ...] = ("accuracy", "fidelity")
SCALE = 10_000
"""Values are whole numbers of hundredths of a percent: that is what the page shows, and short."""


@dataclass(frozen=True)
class Limits:
    """How much of the curves a page has room for."""

    panels: int = 40
    series: int = 24
    points: int = 60


def panels(sections: Sequence[Section], limits: Limits) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the panels as JSON values, and lines on what was left out.

    A panel has ``title``, ``grid`` (queries), ``references`` (label, and a value per metric), ``of`` (the number of
    curves that there are), ``axis`` (per metric the part that is shown) and ``series``: label, row, seeds, colour,
    shade, dash, and per metric mean, low and high at each point of the grid, null outside of the range that all seeds
    share.
    """
    entries = [entry for section in sections for entry in section.entries]
    attacks = [one.row for one in entries if one.row.kind == "attack" and one.row.accuracy is not None]
    looks = styles(attacks)
    drawn = [panel for section in sections if (panel := _panel(section, looks, limits))]
    fuller = any(panel["of"] > limits.series for panel in drawn[: limits.panels])
    notes = [f"at most {limits.series} curves are drawn of one victim and budget, the best ones"] if fuller else []
    if len(drawn) > limits.panels:
        notes.append(f"the first {limits.panels} of {len(drawn)} victims and budgets are drawn; the table has all rows")
    bare = sum(not any(seed.curve for seed in row.per_seed) for row in attacks)
    if drawn and bare:
        notes.append(f"{bare} of {len(attacks)} rows hold no curve, and are not drawn: see their numbers in the table")
    return drawn[: limits.panels], notes


def _panel(section: Section, looks: Numbers, limits: Limits) -> dict[str, Any] | None:
    import numpy as np

    entries = [entry for entry in section.entries if entry.row.kind == "attack" and entry.row.accuracy is not None]
    bands = [(entry, found) for entry in entries if (found := _bands(entry))]
    if not bands:
        return None
    count = len(bands)
    bands.sort(key=lambda pair: -float(pair[1]["accuracy"].mean[-1]))
    bands = bands[: limits.series]
    grid = _thinned(np.unique(np.concatenate([found["accuracy"].queries for _, found in bands])), limits.points)
    series: list[dict[str, Any]] = []
    for entry, found in bands:
        look = looks[identity(entry.row)]
        values = {metric: _on_grid(found[metric], grid) for metric in METRICS}
        facts = {"label": entry.label, "row": entry.number, "seeds": found["accuracy"].seeds}
        series.append(facts | {"colour": look.colour, "shade": look.shade, "dash": look.dash} | values)
    references = _references(section)
    return {
        "title": section.name,
        "grid": [int(value) for value in grid],
        "references": references,
        "axis": {metric: _shown(metric, series, references) for metric in METRICS},
        "series": series,
        "of": count,
    }


def _shown(metric: str, series: Sequence[dict[str, Any]], references: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """The part of the axis that the lines need."""
    values = [value for one in series for line in one[metric] for value in line if value is not None]
    low, high = window((0.0, float(SCALE)), values, [one[metric] for one in references])
    return round(low), round(high)


def _bands(entry: PageRow) -> dict[CurveMetric, Band] | None:
    curves = [one.curve for one in entry.row.per_seed]
    found = {metric: over for metric in METRICS if (over := band(curves, metric)) is not None}
    return found if len(found) == len(METRICS) else None


def _thinned(grid: NDArray[float64], points: int) -> NDArray[float64]:
    """Keep evaluated counts only, both ends, and the rest evenly in log10."""
    return grid[spaced(grid.tolist(), points)]


def _on_grid(over: Band, grid: NDArray[float64]) -> list[list[int | None]]:
    """Mean, low and high at each point, interpolated linearly in log10(queries) where it was not evaluated."""
    import numpy as np

    inside = (grid >= over.queries[0]) & (grid <= over.queries[-1])
    lines = []
    for values in (over.mean, over.low, over.high):
        at = np.interp(np.log10(grid), np.log10(over.queries), values)
        lines.append([round(SCALE * float(v)) if ok else None for v, ok in zip(at, inside, strict=True)])
    return lines if over.seeds > 1 else lines[:1]


def _references(section: Section) -> list[dict[str, Any]]:
    """The victim and the supervised bound, as horizontal lines."""
    rows = [entry for entry in section.entries if entry.row.kind == "reference" and entry.row.accuracy is not None]
    return [
        {"label": entry.label.strip("()")}
        | {metric: round(SCALE * (entry.row.number(metric) or 0)) for metric in METRICS}
        for entry in rows
    ]


def value_table(panel: dict[str, Any], metric: CurveMetric, points: int = 8, series: int = 24) -> dict[str, Any]:
    """The curves as a table of a few points, for readers who do not see the drawing."""
    grid = panel["grid"]
    step = max(1, (len(grid) - 1) / max(1, points - 1))
    picked = sorted(
        {round(index * step) for index in range(points) if round(index * step) < len(grid)} | {len(grid) - 1}
    )
    return {
        "metric": metric,
        "queries": [grid[index] for index in picked],
        "lines": [
            (one["label"], [None if (v := one[metric][0][index]) is None else v / 100 for index in picked])
            for one in panel["series"][:series]
        ],
    }
