"""The leaderboard as Markdown, CSV, JSON and LaTeX."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from mebench.api.files import write_atomically
from mebench.results.leaderboard.compute.build import build_leaderboard
from mebench.results.leaderboard.compute.flags import legend
from mebench.results.leaderboard.model import Leaderboard
from mebench.results.leaderboard.write import cells
from mebench.results.leaderboard.write.layout import terminal
from mebench.results.leaderboard.write.text import (
    cost_note,
    full_width,
    heading,
    problems,
    render_text,
    reported_cells,
    reported_title,
    reported_titles,
)

FILE_WIDTH = 100
LEFT = ("Attack", "Victim", "Channel", "Clone", "Clone start", "Data prior", "Learner", "Profile", "Status")
"""Columns of words."""


def as_text(leaderboard: Leaderboard, *, wide: bool = False) -> str:
    """Write what a terminal shows that is wide enough for all columns, without colours."""
    buffer = io.StringIO()
    width = max(FILE_WIDTH, full_width(leaderboard, wide=wide))
    render_text(leaderboard, Console(file=buffer, width=width, color_system=None), wide=wide)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def show(leaderboard: Leaderboard, *, wide: bool = False) -> None:
    """Print to stdout: what fits the terminal, and every column where output is piped.

    Args:
        leaderboard: what to print.
        wide: also the columns that few readers need.
    """
    if console := terminal():
        render_text(leaderboard, console, wide=wide)
    else:
        sys.stdout.write(as_text(leaderboard, wide=wide))


def as_json(leaderboard: Leaderboard) -> str:
    """Write all keys of all rows; the same bytes for the same results."""
    return json.dumps(leaderboard.to_json(), indent=1, sort_keys=True) + "\n"


def as_csv(leaderboard: Leaderboard) -> str:
    """Write one line per row and one column per key; unknown values are empty."""
    return str(leaderboard.frame().to_csv(index=False, lineterminator="\n"))


def as_markdown(leaderboard: Leaderboard) -> str:
    """Write one table of all rows, problems, notes, the paper's numbers and the legend."""
    titles, body = _flat(leaderboard, flags=True)
    parts = ["  \n".join(map(markdown_escape, heading(leaderboard.benchmark))), markdown_table(titles, body)]
    for title, lines in (
        ("Problems", problems(leaderboard.rows)),
        ("Notes", (*leaderboard.notes, *cost_note(leaderboard), *cells.extra_note(leaderboard.rows))),
    ):
        if lines:
            parts.append(f"**{title}**\n\n" + "\n".join(f"- {markdown_escape(line)}" for line in lines))
    if numbers := leaderboard.unmatched_reported():
        names = leaderboard.reported_names()
        table = markdown_table(reported_titles(names), [reported_cells(number, names) for number in numbers])
        parts.append(f"**{reported_title(leaderboard)}**\n\n{table}")
    if flags := legend(leaderboard.rows):
        table = markdown_table(
            ("Flag", "Raised if", "Means", "Do"), [(f.name, f.raised_if, f.means, f.do) for f in flags]
        )
        parts.append(table)
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(titles: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Write a table in GitHub's Markdown, with cells escaped."""
    lines = [titles, ["---"] * len(titles), *([markdown_escape(cell) for cell in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_escape(text: str) -> str:
    """Escape what Markdown, its tables, or HTML inside of it would take for markup."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))


def as_latex(leaderboard: Leaderboard) -> str:
    r"""Write a ``tabular`` for the ``booktabs`` package, escaped, with ``\pm`` in math mode."""
    import pandas as pd

    titles, body = _flat(leaderboard, flags=False)
    if not body:
        return "% no results yet\n"
    layout = "".join("l" if title in LEFT else "r" for title in titles)
    table = pd.DataFrame(body, columns=pd.Index(titles)).to_latex(index=False, escape=True, column_format=layout)
    comments = "".join(f"% {line}\n" for line in heading(leaderboard.benchmark))
    return comments + table.replace("±", r"$\pm$").replace("–", "--")


def _flat(leaderboard: Leaderboard, *, flags: bool) -> tuple[list[str], list[list[str]]]:
    """All rows in one table: titles, and cells without padding."""
    rows = leaderboard.rows
    context = (cells.CLONE, cells.START, cells.PRIOR, cells.TRACK, cells.PROTOCOL, cells.PROFILE)
    optional = [column for column in context if cells.varying(column, rows)]
    columns = [cells.ATTACK, cells.VICTIM, cells.CHANNEL, *optional, cells.BUDGET, cells.RANK, *cells.SCORES]
    columns += cells.extra_columns(rows)
    columns += cells.reported_columns(rows, leaderboard.reported_names(), {column.title for column in columns})
    columns += [cells.COST] if any(row.cost is not None for row in rows) else []
    columns += [cells.REPORTED, cells.STATUS]
    if flags:
        columns.append(cells.flags_column(()))
    return [column.title for column in columns], [
        [" ".join(column.cell(row).split()) for column in columns] for row in rows
    ]


FORMATS: dict[str, Callable[[Leaderboard], str]] = {
    "text": as_text,
    "md": as_markdown,
    "csv": as_csv,
    "json": as_json,
    "latex": as_latex,
}
"""How a leaderboard can be written, by the name of the format."""


def write_leaderboard_files(root: Path) -> Leaderboard:
    """Write ``leaderboard.json``, ``.csv`` and ``.md`` into a benchmark's folder, and return what they hold."""
    leaderboard = build_leaderboard([root])
    for name in ("json", "csv", "md"):
        write_atomically(root / f"leaderboard.{name}", FORMATS[name](leaderboard).encode())
    return leaderboard
