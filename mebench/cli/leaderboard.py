"""``mebench leaderboard``: the table of one or more results folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.cli.numbers import Number
from mebench.cli.output import InputPath, OutputFile
from mebench.cli.words import OneOf

if TYPE_CHECKING:
    from mebench.results.leaderboard import Leaderboard

FORMAT_NAMES = ("text", "md", "csv", "json", "latex")


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=InputPath())
@click.option("--format", "style", type=OneOf(FORMAT_NAMES), default="text", show_default=True)
@click.option("-o", "--output", type=OutputFile(stream=True), help="Write to this file; - is stdout.")
@click.option("--wide", is_flag=True, help="Show every metric in text; csv and json always hold all of them.")
@click.option("--pairs", is_flag=True, help="Show differences between attacks, paired by seed, and over victims.")
@click.option(
    "--detect",
    type=Number(0, 100, min_open=True),
    metavar="POINTS",
    help="With --pairs: say how many seeds would find a difference of so many points.  [default: 2]",
)
@click.option("--sort", "key", metavar="KEY", help="Sort by this key of a row within each victim and budget.")
def leaderboard(
    roots: tuple[Path, ...],
    style: str,
    output: Path | None,
    wide: bool,
    pairs: bool,
    detect: float | None,
    key: str | None,
) -> None:
    """Print the leaderboard of results folders, of folders of committed rows, or of leaderboard.json files.

    \b
    Examples:
      mebench leaderboard runs/megex-table1/quick
      mebench leaderboard runs/* --format csv -o all.csv
      mebench leaderboard runs/megex-table1/quick --pairs
      mebench leaderboard runs/megex-table1/quick --pairs --detect 5
    """
    from mebench.results.leaderboard import FORMATS, build_leaderboard, show
    from mebench.results.leaderboard.write.formats import as_text

    board = build_leaderboard(roots)
    if key is not None:
        try:
            board = board.sorted_by(key)
        except KeyError:
            raise click.BadParameter(f"rows have no key {key!r} that can be sorted by", param_hint="--sort") from None
    if wide and style != "text":
        raise click.UsageError(f"--wide is for text; {style} is as it is")
    if detect is not None and not pairs:
        raise click.UsageError("--detect is for --pairs")
    if pairs:
        _show_pairs(board, style, output, detect)
        return
    if output is not None:
        from mebench.api.files import write_text

        written = as_text(board, wide=wide) if style == "text" else FORMATS[style](board)
        write_text(output, written)
    elif style == "text":
        show(board, wide=wide)
    else:
        click.echo(FORMATS[style](board), nl=False)


def _show_pairs(board: Leaderboard, style: str, output: Path | None, detect: float | None) -> None:
    from mebench.api.files import write_text
    from mebench.results.leaderboard.write.differences import FORMATS, WANTED, show

    if style not in FORMATS:
        raise click.UsageError(f"--pairs can be {', '.join(FORMATS)}, not {style}")
    wanted = WANTED if detect is None else detect / 100
    if output is not None:
        write_text(output, FORMATS[style](board, wanted))
    elif style == "text":
        show(board, wanted)
    else:
        click.echo(FORMATS[style](board, wanted), nl=False)
