"""``mebench merge``: the results of several machines in one folder."""

from __future__ import annotations

from pathlib import Path

import click

from mebench.api.exit_codes import ExitCode
from mebench.api.plurals import counted
from mebench.cli.output import InputPath, OutputFolder, say
from mebench.cli.selection import MOST_NAMED, clone_lines


@click.command()
@click.argument("out", type=OutputFolder())
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=InputPath())
@click.option("--keep-first", is_flag=True, help="Of two different results of one trial, take that which comes first.")
@click.option("--json", "as_json", is_flag=True, help="Print the leaderboard as JSON; all else goes to stderr.")
def merge(out: Path, roots: tuple[Path, ...], keep_first: bool, as_json: bool) -> int:
    """Copy the trials of results folders DIR... into OUT, and print the leaderboard.

    The folders are those of one benchmark and profile, such as those of its shards (`mebench run --shard`). The
    leaderboard is the same as if one machine had run all. OUT may hold results already; the folders DIR are only read.
    Of a finished and a half-run copy of a trial the finished one is taken. Two different results of one trial are an
    error, and nothing is copied. Damaged trials are named and left where they are. Clones are read, and those that are
    not as their trials have written them are named; the results of these count all the same.

    Exit codes: 0 all trials are there and finished; 2 wrong usage, or results contradict; 3 trials are damaged, failed
    or missing.

    \b
    Examples:
      mebench merge runs/table1 shards/*
      mebench merge runs/table1 one/runs/megex-table1/quick two/runs/megex-table1/quick
    """
    from mebench.results.leaderboard import FORMATS, show, write_leaderboard_files
    from mebench.results.merging import merge as merged_into

    merged = merged_into(out, roots, keep_first=keep_first)
    board = write_leaderboard_files(out)
    if as_json:
        click.echo(FORMATS["json"](board.without_times()), nl=False)
    else:
        show(board)
    for folder, problem in list(merged.damaged.items())[:MOST_NAMED]:
        say(f"damaged: {folder}: {problem}: left there")
    if len(merged.damaged) > MOST_NAMED:
        say(f"damaged: {len(merged.damaged) - MOST_NAMED} more")
    for line in clone_lines({str(folder): problem for folder, problem in merged.clones.items()}):
        say(line)
    if merged.different:
        say(f"note: benchmark.json differs in {', '.join(merged.different)}: what the first folder says is kept")
    if merged.aside is not None:
        say(f"what was there and not finished is now in {merged.aside}; delete it when you need it no more")
    there = f"; {counted(merged.same, 'trial')} {'was' if merged.same == 1 else 'were'} there" if merged.same else ""
    say(f"copied {counted(merged.copied, 'trial')} into {out}{there} (leaderboard.md, .csv, .json)")
    if merged.unfinished:
        count = len(merged.unfinished)
        say(f"{counted(count, 'trial')} {'is' if count == 1 else 'are'} not finished: mebench status {out} tells more")
    return ExitCode.INCOMPLETE if merged.damaged or merged.unfinished else ExitCode.FINE
