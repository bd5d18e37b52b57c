"""What tables of all kinds are put into: plain text, JSON and Markdown."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How texts begin that a spreadsheet would compute."""


def plain_text(render: Callable[[Console], None], width: int) -> str:
    """Write what a terminal of some width shows, without colours."""
    buffer = io.StringIO()
    render(Console(file=buffer, width=width, color_system=None, markup=False, emoji=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def json_text(plain: Any) -> str:
    """Write JSON values; the same bytes for equal ones."""
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def spreadsheet_csv(frame: pd.DataFrame) -> str:
    """Write a table as CSV, in which no text is a formula: spreadsheets show one with an apostrophe before it."""

    def shown(value: Any) -> Any:
        return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

    texts = frame.select_dtypes(exclude=["number", "bool"]).apply(lambda column: column.map(shown))
    return str(frame.assign(**texts).to_csv(index=False, lineterminator="\n"))


def markdown_table(titles: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Write a table in GitHub's Markdown, with cells escaped."""
    lines = [titles, ["---"] * len(titles), *([markdown_escape(cell) for cell in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_escape(text: str) -> str:
    """Escape what Markdown, its tables, or HTML inside of it would take for markup."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))
