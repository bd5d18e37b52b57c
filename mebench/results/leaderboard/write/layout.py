"""Tables that fit the terminal: columns are left out rather than garbled."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = 3
"""Cells between two columns of the box that is used."""


@dataclass(frozen=True)
class TextColumn:
    """A column of written cells.

    Attributes:
        title, cells: plain text.
        rank: how soon it goes where there is no room: 0 never, larger ones first.
        wrap: whether cells may be broken into lines, at spaces.
        right: whether cells stand on the right.
        styles: a style per cell, or none at all.
    """

    title: str
    cells: Sequence[str]
    rank: int = 0
    wrap: bool = False
    right: bool = False
    styles: Sequence[str] = ()


def terminal() -> Console | None:
    """A console of the terminal's width (or ``COLUMNS``); None where output is piped and may be as wide as it needs."""
    return Console(markup=False, emoji=False) if sys.stdout.isatty() or os.environ.get("COLUMNS") else None


def fitted(columns: Sequence[TextColumn], console: Console, breaks: Collection[int] = ()) -> tuple[Table, list[str]]:
    """Return the table that fits the console's width, and the titles of the columns that were left out.

    Args:
        columns: of equally many cells.
        console: gives the width.
        breaks: the rows before which a line is drawn.
    """
    kept = [column for column in columns if not column.rank]
    for column in sorted((one for one in columns if one.rank), key=lambda one: one.rank):
        if width([*kept, column]) <= console.width:
            kept.append(column)
    kept.sort(key=columns.index)
    left_out = [column.title for column in columns if column not in kept]
    return _table(kept, breaks, squeeze=width(kept) > console.width), left_out


def width(columns: Sequence[TextColumn]) -> int:
    """The least width that a table of these columns takes without garbling any."""
    return sum(map(_needed, columns)) + GAP * (len(columns) - 1)


def _needed(column: TextColumn) -> int:
    """The width below which a column would be garbled."""
    texts = [column.title, *column.cells]
    if column.wrap:
        texts = [word for text in texts for word in text.split()]
    return max(map(cell_len, texts), default=0)


def _table(columns: Sequence[TextColumn], breaks: Collection[int], squeeze: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not (column.wrap or (squeeze and column is columns[0])),
            overflow="fold",
        )
    for index in range(len(columns[0].cells)):
        if index in breaks:
            table.add_section()
        table.add_row(
            *(Text(column.cells[index], style=column.styles[index] if column.styles else "") for column in columns)
        )
    return table


def left_out_line(titles: Sequence[str]) -> Text:
    """Say what was left out."""
    return Text(f"No room for: {', '.join(titles)} (a wider terminal or --format csv has them)", style="dim")
