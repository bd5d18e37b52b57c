"""``mebench leaderboard``: the table of one or more results folders."""

from __future__ import annotations

from pathlib import Path

import click

FORMAT_NAMES = ("text", "md", "csv", "json", "latex")


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "style", type=click.Choice(FORMAT_NAMES), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--sort", "key", metavar="KEY", help="Sort by this key of a row within each victim and budget.")
def leaderboard(roots: tuple[Path, ...], style: str, output: Path | None, key: str | None) -> None:
    """Print the leaderboard of results folders, of folders of committed rows, or of leaderboard.json files.

    \b
    Examples:
      mebench leaderboard runs/megex-table1/quick
      mebench leaderboard runs/* --format csv -o all.csv
    """
    from mebench.leaderboard import FORMATS, build_leaderboard, show

    board = build_leaderboard(roots)
    if key is not None:
        try:
            board = board.sorted_by(key)
        except KeyError:
            raise click.BadParameter(f"rows have no key {key!r} that can be sorted by", param_hint="--sort") from None
    if output is not None:
        from mebench.store import write_atomically

        write_atomically(output, FORMATS[style](board).encode())
    elif style == "text":
        show(board)
    else:
        click.echo(FORMATS[style](board), nl=False)
