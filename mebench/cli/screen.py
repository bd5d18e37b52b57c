"""Tables on the screen: as wide as they need where output is piped, as blocks where the terminal is narrow."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mebench.run.console import PlainConsole

PIPED_WIDTH = 10_000
WRAPPED_WIDTH = 30
"""Columns; the least that a column with several lines to a cell is given."""
GAP = 3


def console() -> Console:
    """A console for stdout that takes texts as they are and breaks no lines where output is piped."""
    fixed = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH
    return PlainConsole(width=fixed)


def print_table(
    screen: Console,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    wrap: Sequence[str] = (),
) -> None:
    """Print rows of equal length; as blocks where the screen is too narrow for the columns.

    Args:
        screen: where to.
        columns: the head of each column.
        rows: the cells.
        right: the columns whose cells stand to the right, such as numbers.
        wrap: the columns whose cells may take several lines.
    """
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
    least = [min(width, WRAPPED_WIDTH) if name in wrap else width for name, width in zip(columns, widths, strict=True)]
    if sum(least) + GAP * (len(columns) - 1) > screen.width:
        _print_blocks(screen, columns, rows)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=name not in wrap)
    for row in rows:
        table.add_row(*row)
    if screen.is_terminal:
        screen.print(table)
        return
    with screen.capture() as captured:
        screen.print(table)
    for line in captured.get().splitlines():
        screen.print(line.rstrip(), soft_wrap=True)


def _print_blocks(screen: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as a heading, its first cell, and one line for every other cell that says something."""
    for row in rows:
        screen.print(Text(row[0], style="bold"))
        for column, cell in zip(columns[1:], row[1:], strict=True):
            text, width = f"{column}: {cell}", max(10, screen.width - 4)
            for line in textwrap.wrap(text, width, break_on_hyphens=False) if cell else ():
                screen.print(f"  {line}")


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show how far something is that takes long; only on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mebench.api.progress import Progress as OnProgress
    from mebench.api.progress import steps_to

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = PlainConsole(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, visible=False)

        def on_progress(progress: OnProgress) -> None:
            what = f"{progress.phase}, {progress.unit}"
            bar.update(task, description=what, completed=progress.done, total=progress.total, visible=True)

        with steps_to(on_progress):
            yield
