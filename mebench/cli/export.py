"""``mebench export``: all trials and curves as flat tables."""

from __future__ import annotations

from pathlib import Path

import click

from mebench.cli.output import InputPath, OutputFile, say


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=InputPath())
@click.option(
    *("-o", "--output"),
    type=OutputFile(),
    required=True,
    help="A .csv, .parquet, .sqlite or .db file.",
)
def export(roots: tuple[Path, ...], output: Path) -> None:
    """Write one line per trial, and one per evaluation, for other programs.

    csv and parquet get a second file for the evaluations, NAME-curves; sqlite gets the tables trials and curves.
    Parquet needs pyarrow.

    \b
    Examples:
      mebench export runs/megex-table1/quick -o table1.csv
      mebench export runs/* -o all.sqlite
    """
    from mebench.results.export import export as write

    files, notes = write(roots, output)
    for note in notes:
        say(note)
    say(f"wrote {' and '.join(map(str, files))}")
