"""``mebench report``: results as one file that can be read anywhere."""

from __future__ import annotations

from pathlib import Path

import click

from mebench.cli import completion
from mebench.cli.output import InputPath, OutputFile, say

HTML = "html"


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=InputPath())
@click.option(
    *("-o", "--output"), type=OutputFile(stream=True), help="The file; - is stdout.  [default: report.SUFFIX]"
)
@click.option(
    *("--format", "name"),
    metavar="NAME",
    default=HTML,
    show_default=True,
    shell_complete=completion.completing(completion.registered("report")),
    help="See `mebench list reports`.",
)
@click.option("--set", "settings", metavar="PARAMETER=VALUE", multiple=True, help="Of the report; repeatable.")
def report(roots: tuple[Path, ...], output: Path | None, name: str, settings: tuple[str, ...]) -> None:
    """Write one self-contained HTML page about results folders: leaderboard, curves, samples, flags, provenance.

    The page needs no network and no other file, and is under 3 MB, so it can be mailed or kept as an artifact of CI.
    Folders of committed rows and leaderboard.json files can be given too; they have no pictures, the latter no curves.
    Plugins bring reports in other formats.

    \b
    Examples:
      mebench report runs/megex-table1/quick
      mebench report runs/megex-table1/quick runs/pool/quick -o both.html
    """
    from mebench.cli.values import parameter_values
    from mebench.report.page.registered import report_named, write_registered

    entry = report_named(name)
    path = output or Path(f"report.{entry.suffix}")
    notes = write_registered(entry, roots, path, parameter_values("--set", settings))
    for note in notes:
        say(note)
    size = f" ({path.stat().st_size / 1e6:.2f} MB)" if path.is_file() else ""
    say(f"wrote {path}{size}")
