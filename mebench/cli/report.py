"""``mebench report``: one page that can be read anywhere."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The page.",
)
def report(roots: tuple[Path, ...], output: Path) -> None:
    """Write one self-contained HTML page about results folders: leaderboard, curves, samples, flags, provenance.

    The page needs no network and no other file, and is under 3 MB, so it can be mailed or kept as an artifact of CI.
    Folders of committed rows and leaderboard.json files can be given too; they have no curves and no pictures.

    \b
    Examples:
      mebench report runs/megex-table1/quick
      mebench report runs/megex-table1/quick runs/pool/quick -o both.html
    """
    from mebench.report import write_report

    size, notes = write_report(roots, output)
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"wrote {output} ({size / 1e6:.2f} MB)", err=True)
