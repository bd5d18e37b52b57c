"""The leaderboard as Markdown, CSV, JSON and LaTeX."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mebench.api.files import write_text
from mebench.results.documents import (
    json_text,
    latex_escape,
    markdown_line,
    markdown_table,
    plain_text,
    spreadsheet_csv,
)
from mebench.results.leaderboard.compute.build import build_leaderboard
from mebench.results.leaderboard.compute.flags import legend
from mebench.results.leaderboard.model import Leaderboard
from mebench.results.leaderboard.write import columns
from mebench.results.leaderboard.write.layout import FILE_WIDTH, terminal
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

LEFT = ("Attack", "Victim", "Channel", "Clone", "Clone start", "Data prior", "Learner", "Profile", "Status")
"""Columns of words."""


def as_text(leaderboard: Leaderboard, *, wide: bool = False) -> str:
    """Write what a terminal shows that is wide enough for all columns, without colours."""
    width = max(FILE_WIDTH, full_width(leaderboard, wide=wide))
    return plain_text(lambda console: render_text(leaderboard, console, wide=wide), width)


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
    return json_text(leaderboard.to_json())


def as_csv(leaderboard: Leaderboard) -> str:
    """Write one line per row and one column per key; unknown values are empty."""
    return spreadsheet_csv(leaderboard.frame())


def as_markdown(leaderboard: Leaderboard) -> str:
    """Write one table of all rows, problems, notes, the paper's numbers and the legend."""
    titles, body = flat(leaderboard, flags=True)
    parts = ["  \n".join(map(markdown_line, heading(leaderboard.benchmark))), markdown_table(titles, body)]
    for title, lines in (
        ("Problems", problems(leaderboard.rows)),
        ("Notes", (*leaderboard.notes, *cost_note(leaderboard), *columns.asked_note(leaderboard.rows))),
    ):
        if lines:
            parts.append(f"**{title}**\n\n" + "\n".join(f"- {markdown_line(line)}" for line in lines))
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


def as_latex(leaderboard: Leaderboard) -> str:
    r"""Write a ``tabular`` for the ``booktabs`` package, escaped, with signs such as ``\pm`` and ``>`` in math mode."""
    import pandas as pd

    titles, body = flat(leaderboard, flags=False)
    if not body:
        return "% no results yet\n"
    layout = "".join("l" if title in LEFT else "r" for title in titles)
    cells = [[latex_escape(cell) for cell in row] for row in body]
    frame = pd.DataFrame(cells, columns=pd.Index(map(latex_escape, titles)))
    comments = "".join(f"% {line}\n" for line in heading(leaderboard.benchmark))
    return comments + str(frame.to_latex(index=False, escape=False, column_format=layout))


def flat(leaderboard: Leaderboard, *, flags: bool) -> tuple[list[str], list[list[str]]]:
    """All rows in one table: titles, and cells without padding."""
    rows = leaderboard.rows
    context = (columns.CLONE, columns.START, columns.PRIOR, columns.TRACK, columns.PROTOCOL, columns.PROFILE)
    optional = [column for column in context if columns.varying(column, rows)]
    shown = [columns.ATTACK, columns.VICTIM, columns.CHANNEL, *optional, columns.BUDGET, columns.RANK]
    shown += [*columns.score_columns(rows), *columns.asked_columns(rows)]
    shown += columns.reported_columns(rows, leaderboard.reported_names(), {column.title for column in shown})
    shown += [columns.COST] if any(row.cost is not None for row in rows) else []
    shown += [columns.REPORTED, columns.STATUS, *([columns.flags_column(())] if flags else [])]
    return [column.title for column in shown], [
        [" ".join(column.cell(row).split()) for column in shown] for row in rows
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
    """Write ``leaderboard.json``, ``.csv`` and ``.md`` into a benchmark's folder, and return what they hold, and times.

    The files hold no times, which differ from run to run, so equal results are equal files. Of several processes that
    write them at once, the last one has read what the others have finished.
    """
    with _one_at_a_time(root):
        leaderboard = build_leaderboard([root])
        lasting = leaderboard.without_times()
        for name in ("json", "csv", "md"):
            write_text(root / f"leaderboard.{name}", FORMATS[name](lasting))
    return leaderboard


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait for other processes that are in such a block, where the folder's file system has locks."""
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            opened.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
