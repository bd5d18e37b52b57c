"""``mebench matrix``: what each attacker gets behind each defence."""

from __future__ import annotations

from pathlib import Path

import click

from mebench.cli.output import OutputFile, say
from mebench.cli.words import OneOf


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "style", type=OneOf(("text", "md", "csv", "json")), default="text", show_default=True)
@click.option("-o", "--output", type=OutputFile(stream=True), help="Write to this file; - is stdout.")
def matrix(roots: tuple[Path, ...], style: str, output: Path | None) -> None:
    """Print attacks and their recoveries against defences: fidelity, the worst case, and what honest users pay.

    \b
    Examples:
      mebench matrix runs/defences/quick
      mebench matrix results/defences/cpu-hour --format md -o matrix.md
      mebench plot runs/defences/quick --kind matrix -o matrix.png
    """
    from mebench.api.errors import ResultsError
    from mebench.api.files import write_text
    from mebench.cli.screen import console, print_table
    from mebench.results.leaderboard import build_leaderboard
    from mebench.results.matrix import FORMATS, matrices
    from mebench.results.matrix.formats import cells, notes, titles

    board = build_leaderboard(roots)
    found = matrices(board.rows)
    if not found:
        raise ResultsError(f"{', '.join(map(str, roots))}: no attack has finished before any victim")
    for one in found:
        for line in one.incomplete:
            say(f"left out: {line}: no victim and seed for which every attacker has finished")
    if style != "text":
        text = FORMATS[style](found)
        write_text(output, text) if output is not None else click.echo(text, nl=False)
        return
    screen = console()
    with screen.capture() as captured:
        for one in found:
            screen.print(one.context, soft_wrap=True)
            print_table(screen, titles(one), [cells(one, line) for line in one.lines], right=titles(one)[1:])
            screen.print()
        for note in notes(found):
            screen.print(note, soft_wrap=not screen.is_terminal)
    if output is not None:
        write_text(output, captured.get())
    else:
        click.echo(captured.get(), nl=False)
