"""``mebench matrix``: what each attacker gets behind each defence, or what each detector saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.cli.output import InputPath, OutputFile, say
from mebench.cli.words import OneOf

if TYPE_CHECKING:
    from mebench.results.documents import Table
    from mebench.results.leaderboard import Leaderboard


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=InputPath())
@click.option("--detectors", is_flag=True, help="Tell what detectors saw of attacks and of honest clients, instead.")
@click.option("--format", "style", type=OneOf(("text", "md", "csv", "json")), default="text", show_default=True)
@click.option("-o", "--output", type=OutputFile(stream=True), help="Write to this file; - is stdout.")
def matrix(roots: tuple[Path, ...], detectors: bool, style: str, output: Path | None) -> None:
    """Print attacks and their recoveries against defences: fidelity, the worst case, and what honest users pay.

    \b
    Examples:
      mebench matrix runs/defences/quick
      mebench matrix results/defences/cpu-hour --format md -o matrix.md
      mebench matrix runs/detectors/quick --detectors
      mebench plot runs/defences/quick --kind matrix -o matrix.png
    """
    from mebench.api.files import write_text
    from mebench.results.leaderboard import build_leaderboard

    board = build_leaderboard(roots)
    where = ", ".join(map(str, roots))
    text = _detectors(board, where, style) if detectors else _defences(board, where, style)
    if output is not None:
        write_text(output, text)
    else:
        click.echo(text, nl=False)


def _defences(board: Leaderboard, where: str, style: str) -> str:
    from mebench.api.errors import ResultsError
    from mebench.results.matrix import FORMATS, matrices
    from mebench.results.matrix.formats import notes, tables

    found = matrices(board.rows)
    if not found:
        raise ResultsError(f"{where}: no attack has finished before any victim")
    for one in found:
        for line in one.incomplete:
            say(f"left out: {line}: no victim and seed for which every attacker has finished")
    if any(seed.detectors for row in board.rows for seed in row.per_seed):
        say("detectors watched: mebench matrix --detectors tells what they saw")

    if style != "text":
        return FORMATS[style](found)
    return _on_screen(lambda: [table for one in found for table in tables(one)], notes(found))


def _detectors(board: Leaderboard, where: str, style: str) -> str:
    from mebench.api.errors import ResultsError
    from mebench.results.matrix.detector_formats import DETECTOR_FORMATS, NOTES, tables
    from mebench.results.matrix.detectors import watch_of

    watch = watch_of(board.rows)
    if not watch.detectors:
        raise ResultsError(f"{where}: no detector watched any attack that has finished")
    return DETECTOR_FORMATS[style](watch) if style != "text" else _on_screen(lambda: tables(watch), NOTES)


def _on_screen(shown: Callable[[], Sequence[Table]], notes: Sequence[str]) -> str:
    """Tables with their captions, and the notes below."""
    from mebench.cli.screen import console, print_table

    screen = console()
    with screen.capture() as captured:
        for caption, titles, lines in shown():
            screen.print(caption, soft_wrap=True)
            print_table(screen, titles, lines, right=titles[1:])
            screen.print()
        for note in notes:
            screen.print(note, soft_wrap=not screen.is_terminal)
    return captured.get()
