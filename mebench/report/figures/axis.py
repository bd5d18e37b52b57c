"""The vertical axis of a panel of curves: unit, range and wording of what is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mebench.report.figures.panels import Panel
from mebench.results.numbers import number

NARROW, LEAST, ROOM = 0.15, 0.05, 0.12
"""Lines that span less of the axis than this are drawn large; how much of the axis is shown then, at least; and the
room around lines."""
MARGIN = 1.6
"""Room below and above the values on a logarithmic axis, as a factor."""


@dataclass(frozen=True)
class Axis:
    """How a metric is drawn.

    Attributes:
        title: beside the axis.
        factor: what values are multiplied by, e.g. 100 for percent.
        digits: behind the point, of the values beside the lines' ends.
        low, high: range of the axis after that; None means as far as the values go.
        logarithmic: whether equal ratios are equal lengths.
        perfect: what a perfect attack has, drawn as a line if given.
        digits_of_all: significant digits of values whose size is not known; None where it is.
    """

    title: str
    factor: float = 1.0
    digits: int = 1
    low: float | None = 0.0
    high: float | None = None
    logarithmic: bool = False
    perfect: float | None = None
    digits_of_all: int | None = None

    def limits(self, panel: Panel, panels: Sequence[Panel]) -> tuple[float, float]:
        """The range of a panel's axis: the same in all panels, but where a panel's lines would lie on each other."""
        if self.low is not None and self.high is not None:
            lowest = min(self._values(panels, "low"), default=self.low)
            low = self.low if lowest >= self.low else lowest - 0.02 * (self.high - lowest)
            references = [self.factor * one for one in (panel.victim, *panel.supervised.values()) if one is not None]
            return window((low, self.high), self._values([panel], "low", "high"), references)
        values = self._values(panels, "low", "high")
        if not self.logarithmic:
            return _around(values)
        values = [*(value for value in values if value > 0), self.perfect or 1.0]
        return min(values) / MARGIN, max(values) * MARGIN

    def is_part(self, limits: tuple[float, float]) -> bool:
        """Whether a range is smaller than that of the metric."""
        return None not in (self.low, self.high) and (limits[0] > self.low or limits[1] < self.high)  # type: ignore[operator]

    def height(self, value: float, limits: tuple[float, float]) -> float:
        """Where a value stands between the limits, 0 to 1."""
        low, high = limits
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def written(self, value: float) -> str:
        """Write a drawn value."""
        if self.digits_of_all is not None:
            return f"{value:.{self.digits_of_all}g}"
        return f"{value:.{self.digits}f}" if not self.logarithmic or 1 <= value < 10 else f"{value:.2g}"

    def _values(self, panels: Sequence[Panel], *edges: str) -> list[float]:
        bands = [line.band for panel in panels for line in panel.lines]
        return [self.factor * float(value) for band in bands for edge in edges for value in getattr(band, edge)]


def window(axis: tuple[float, float], values: Sequence[float], references: Sequence[float]) -> tuple[float, float]:
    """The part of an axis to show: all of it, or what lies around lines that could not be told apart on it.

    Args:
        axis: its whole range.
        values: lowest and highest of the lines; they count.
        references: are in view if they are as near to the lines as these are to each other.
    """
    whole = axis[1] - axis[0]
    low, high = min(values), max(values)
    if high - low > NARROW * whole:
        return axis
    reach = max(high - low, LEAST * whole)
    near = [one for one in references if low - reach <= one <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    room = max(ROOM * (high - low), (LEAST * whole - (high - low)) / 2)
    return max(axis[0], low - room), min(axis[1], high + room)


def _around(values: Sequence[float]) -> tuple[float, float]:
    """A range with some room around values; 0 to 1 for fractions."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return 0.0, 1.02
    room = 0.05 * (high - low) or abs(high) or 1.0
    return low - room, high + room


AXES: Mapping[str, Axis] = {
    "gradient_cosine": Axis("Cosine with the true gradient", digits=2, high=1.02, perfect=1.0),
    "gradient_norm_ratio": Axis("Norm / norm of the true gradient", low=None, logarithmic=True, perfect=1.0),
    "query_label_entropy": Axis("Spread of the queries' labels", digits=2, high=1.02),
}


def axis_of(metric: str) -> Axis:
    """How a metric is drawn: by its card if it has one; or a number of any name and size that curves hold."""
    if metric in AXES:
        return AXES[metric]
    one = number(metric)
    title = one.card.long_title or one.card.title or metric.replace("_", " ")
    if one.in_percent:
        return Axis(f"{title} (%)", factor=100, high=102)
    unit = "" if one.is_fraction else one.card.unit
    return Axis(f"{title} ({unit})" if unit else title, low=None, digits_of_all=3)
