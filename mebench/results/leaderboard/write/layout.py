"""Tables that fit the terminal: columns are left out rather than garbled; where it is too narrow, rows are blocks."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

FILE_WIDTH = 100
"""Columns of text that is written to a file, unless a table needs more."""
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


def fitted(
    columns: Sequence[TextColumn], console: Console, breaks: Collection[int] = ()
) -> tuple[RenderableType, list[str]]:
    """Return the table that fits the console's width, and the titles of the columns that were left out.

    Where not even the columns that are never left out have room, each row is a block of lines with all of its cells.

    Args:
        columns: of equally many cells.
        console: gives the width.
        breaks: the rows before which a line is drawn.
    """
    kept = [column for column in columns if not column.rank]
    for column in sorted((one for one in columns if one.rank), key=lambda one: one.rank):
        if width([*kept, column]) <= console.width:
            kept.append(column)
    if width(kept) > console.width:
        return _blocks(columns, breaks), []
    kept.sort(key=columns.index)
    left_out = [column.title for column in columns if column not in kept]
    widths = [max(map(cell_len, (column.title, *column.cells)), default=0) for column in kept]
    if sum(widths) + GAP * (len(kept) - 1) <= console.width and all(map(_is_plain, kept)):
        return _rows(kept, widths, breaks), left_out
    return _table(kept, breaks), left_out


def width(columns: Sequence[TextColumn]) -> int:
    """The least width that a table of these columns takes without garbling any."""
    return sum(map(_needed, columns)) + GAP * (len(columns) - 1)


def _needed(column: TextColumn) -> int:
    """The width below which a column would be garbled."""
    texts = [column.title, *column.cells]
    if column.wrap:
        texts = [word for text in texts for word in text.split()]
    return max(map(cell_len, texts), default=0)


def _blocks(columns: Sequence[TextColumn], breaks: Collection[int]) -> Group:
    """Each row as a heading, the cells up to the first column with a title, and a line for each other cell."""
    titled = next(index for index, column in enumerate(columns) if column.title) + 1
    lines: list[RenderableType] = []
    for row in range(len(columns[0].cells)):
        if row in breaks:
            lines.append(Text())
        style = columns[0].styles[row] if columns[0].styles else ""
        heading = ": ".join(cell for column in columns[:titled] if (cell := column.cells[row]))
        lines.append(Text(heading, style=style or "bold"))
        told = [(column.title, column.cells[row].strip()) for column in columns[titled:]]
        lines += [Padding(Text(f"{title}: {cell}"), (0, 0, 0, 2), expand=False) for title, cell in told if cell]
    return Group(*lines)


def _is_plain(column: TextColumn) -> bool:
    return column.title.isprintable() and all(map(str.isprintable, column.cells))


def _rows(columns: Sequence[TextColumn], widths: Sequence[int], breaks: Collection[int]) -> Group:
    """What `_table` draws where no cell needs a second line, in a fraction of the time: a line of text for each row."""
    gap = " " * GAP
    titles = [_padded(column.title, width, column.right) for column, width in zip(columns, widths, strict=True)]
    lines = [Text(gap.join(titles), style="bold"), Text("─" * (sum(widths) + GAP * (len(columns) - 1)))]
    for index in range(len(columns[0].cells)):
        if index in breaks:
            lines.append(Text())
        line = Text()
        for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
            style = column.styles[index] if column.styles else ""
            line.append(_padded(column.cells[index], width, column.right), style=style or None)
            line.append(gap if place < len(columns) - 1 else "")
        lines.append(line)
    for line in lines:
        line.no_wrap = True
    return Group(*lines)


def _padded(cell: str, width: int, right: bool) -> str:
    if right:
        cell = cell.rstrip()
    space = " " * (width - cell_len(cell))
    return f"{space}{cell}" if right else f"{cell}{space}"


def _table(columns: Sequence[TextColumn], breaks: Collection[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not column.wrap,
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
