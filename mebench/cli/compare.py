"""``mebench compare``: the regression check."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.notices import notice
from mebench.api.plurals import counted
from mebench.cli.output import InputPath, OutputFile, say
from mebench.cli.sections import Sectioned
from mebench.cli.words import OneOf

if TYPE_CHECKING:
    from mebench.results.compare import Comparison
    from mebench.results.leaderboard import Leaderboard

FORMAT_NAMES = ("text", "md", "json", "junit", "github")


@click.command(cls=Sectioned)
@click.argument("base", type=InputPath())
@click.argument("new", type=InputPath())
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Compare this metric instead of the default.")
@click.option("--tolerance", "tolerances", multiple=True, metavar="NAME=X", help="Let a metric change by this much.")
@click.option("--format", "style", type=OneOf(FORMAT_NAMES), default="text", show_default=True)
@click.option("-o", "--output", type=OutputFile(stream=True), help="Write to this file; - is stdout.")
@click.option("--allow-missing", is_flag=True, help="Do not fail for rows that are failing, gone or incomplete in NEW.")
@click.option("--strict", is_flag=True, help="Fail, with 3, where a row has too few seeds to notice a loss.")
@click.option("--update", is_flag=True, help="Write the rows of NEW into the folder BASE, as the new baseline.")
@click.option("--prune", is_flag=True, help="With --update: delete rows of BASE that NEW does not have.")
@click.pass_context
def compare(
    context: click.Context,
    base: Path,
    new: Path,
    metrics: Sequence[str],
    tolerances: Sequence[str],
    style: str,
    output: Path | None,
    allow_missing: bool,
    strict: bool,
    update: bool,
    prune: bool,
) -> None:
    """Compare the results NEW with BASE.

    Each is a results folder, a folder of committed rows, or a leaderboard.json. Accuracy and fidelity may change by
    0.02; of other metrics see docs/results.md. A loss beyond that counts if the seeds can tell it from noise: each
    row shows the smallest loss that it would notice (`sees`), by how much the seeds of BASE spread. Rows that would
    not notice a loss of the tolerance are named, with the number of seeds that would do. Seeds that are equal to the
    last bit need no statistics.

    Exit codes: 0 fine, 1 a row is worse, 2 nothing can be compared, 3 trials failed or are missing in NEW, or with
    --strict a row has too few seeds.

    \b
    Examples:
      mebench compare results/table1-quick runs/megex-table1/quick
      mebench compare BASE NEW --tolerance accuracy=0.05 --format github
    """
    from mebench.results.compare import compare as compare_leaderboards
    from mebench.results.leaderboard import build_leaderboard

    if prune and not update:
        raise click.UsageError("--prune needs --update")
    board = build_leaderboard([new])
    wanted = _parse_tolerances(tolerances)
    comparison = compare_leaderboards(_read_base(base, update), board, metrics, wanted)
    _show(comparison, style, output, allow_missing, strict)
    if update:
        _update(base, board, prune)
        return
    context.exit(comparison.exit_code(allow_missing=allow_missing, strict=strict))


def _read_base(base: Path, update: bool) -> Leaderboard:
    from mebench.results.leaderboard import BenchmarkInfo, Leaderboard, build_leaderboard

    if update and (not base.exists() or (base.is_dir() and not any(base.iterdir()))):
        return Leaderboard(BenchmarkInfo(), ())
    return build_leaderboard([base])


def _parse_tolerances(given: Sequence[str]) -> dict[str, float]:
    tolerances = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            tolerances[name] = float(value)
        except ValueError:
            raise click.BadParameter(f"{item!r} is not NAME=NUMBER", param_hint="--tolerance") from None
    return tolerances


def _show(comparison: Comparison, style: str, output: Path | None, allow_missing: bool, strict: bool) -> None:
    from mebench.results.compare import FORMATS, as_markdown, show

    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8", errors="replace") as handle:
                handle.write(as_markdown(comparison))
        except OSError as error:  # what the comparison tells is its exit code
            notice(f"GITHUB_STEP_SUMMARY: {summary} cannot be written: {error.strerror}")
    if output is not None:
        from mebench.api.files import write_text

        write_text(output, FORMATS[style](comparison, allow_missing, strict))
    elif style == "text":
        show(comparison)
    else:
        click.echo(FORMATS[style](comparison, allow_missing, strict), nl=False)


def _update(base: Path, board: Leaderboard, prune: bool) -> None:
    from mebench.results.leaderboard.read.saved import write_row_files

    written, deleted = write_row_files(base, board, prune=prune)
    left_out = sum(row.status != "finished" for row in board.rows)
    words = [f"wrote {counted(len(written), 'row')} to {base}"]
    words += [f"left out {left_out} not finished"] if left_out else []
    words += [f"deleted {len(deleted)}"] if deleted else []
    say(", ".join(words))
