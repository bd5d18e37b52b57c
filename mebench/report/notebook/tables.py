"""Tables as a notebook and as a terminal show them; all texts are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from mebench.api.printable import printable

_STYLE = "white-space: nowrap; text-align: {}"


def html_table(titles: Sequence[str], body: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Write a table.

    Args:
        titles: of the columns.
        body: its cells.
        right: the titles of columns whose cells stand to the right.
    """
    sides = ["right" if title in right else "left" for title in titles]
    head = "".join(_cell("th", title, side) for title, side in zip(titles, sides, strict=True))
    lines = [
        f"<tr>{''.join(_cell('td', cell, side) for cell, side in zip(cells, sides, strict=True))}</tr>"
        for cells in body
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def html_lines(lines: Iterable[str], tag: str = "p") -> str:
    """Write lines, each as an element of its own."""
    return "".join(f"<{tag}>{escape(printable(line))}</{tag}>" for line in lines if line)


def text_table(titles: Sequence[str], body: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Write a table as plain text, as wide as it needs."""
    cells = [[printable(cell) for cell in row] for row in (titles, *body)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [">" if title in right else "<" for title in titles]
    lines = [
        "   ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True))
        for row in cells
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(line.rstrip() for line in lines)


def _cell(tag: str, text: str, side: str) -> str:
    return f'<{tag} style="{_STYLE.format(side)}">{escape(printable(text))}</{tag}>'
