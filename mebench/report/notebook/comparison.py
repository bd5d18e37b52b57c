"""The regression check, as an object that shows itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mebench.report.notebook.frames import NUMBER, TEXT, WHOLE, typed
from mebench.report.notebook.tables import html_lines, html_table
from mebench.results.compare import Comparison, RowComparison
from mebench.results.compare.text import as_text, blindness, flat, summary

if TYPE_CHECKING:
    import pandas as pd

_NAMES = ("attack", "variant", "victim", "channel", "clone", "budget")
_NUMBERS = ("base", "new", "difference", "tolerance")
_COLUMNS = ("mark", "row", *_NAMES, "metric", "verdict", *_NUMBERS, "remarks")
_TYPES = dict.fromkeys(_COLUMNS, TEXT) | dict.fromkeys(_NUMBERS, NUMBER) | {"budget": WHOLE}


class ComparisonView:
    """What became of each row between two sets of results, as ``mebench compare`` tells it.

    Attributes:
        comparison: all that is known.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each mark that occurs, such as ``worse`` or ``same``."""
        return {str(mark): count for mark, count in self.comparison.counts.items()}

    @property
    def exit_code(self) -> int:
        """What ``mebench compare`` exits with: 0 fine, 1 worse, 2 nothing comparable, 3 trials failed or missing."""
        return int(self.comparison.exit_code())

    @property
    def rows(self) -> pd.DataFrame:
        """One line per row and metric, those that need a look first.

        Columns: ``mark``, ``row`` (in words), ``attack``, ``variant``, ``victim``, ``channel``, ``clone``, ``budget``
        (queries), ``metric``, ``verdict`` (of that metric), ``base``, ``new``, ``difference`` and ``tolerance`` (in the
        metric's unit; fractions from 0 to 1), and ``remarks``. A row without numbers on both sides has one line, and no
        metric there.
        """
        import pandas as pd

        lines = [line for one in self.comparison.rows for line in _lines(one)]
        return typed(pd.DataFrame(lines, columns=list(_COLUMNS)), _TYPES)

    def __repr__(self) -> str:
        return as_text(self.comparison).rstrip()

    def _repr_html_(self) -> str:
        notes = html_lines([*blindness(self.comparison), *self.comparison.notes])
        return html_table(*flat(self.comparison)) + notes + html_lines([summary(self.comparison)], "strong")


def _lines(one: RowComparison) -> Iterator[dict[str, Any]]:
    about = {"mark": one.mark, "row": one.title, "remarks": "; ".join(one.remarks)}
    about |= {name: getattr(one.row, name) for name in _NAMES}
    if not one.metrics:
        yield about
    for metric in one.metrics:
        numbers = {name: getattr(metric, name) for name in _NUMBERS}
        yield {**about, "metric": metric.metric.name, "verdict": metric.verdict, **numbers}
