"""``mebench status``: how far a run is, from another terminal or machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.api.exit_codes import ExitCode
from mebench.api.plurals import counted
from mebench.cli.numbers import Number
from mebench.cli.output import ResultsFolder
from mebench.run.bounds import MOST_SECONDS

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mebench.results.damage import Looks
    from mebench.results.status import FolderStatus, TrialStatus

COLUMNS = ("running", "where", "done", "per s", "left", "accuracy", "last sign")
MOST_RUNNING, MOST_FAILED, MOST_DAMAGED, MOST_LOST = 40, 3, 5, 5
"""Trials that are shown: running, failed of one cause, damaged, and lost."""
WORDS = {
    "done": "done",
    "running": "running",
    "failed": "failed",
    "damaged": "damaged",
    "lost": "lost",
    "partial": "half-run",
    "new": "not begun",
}


@click.command()
@click.argument("place", metavar="[DIR]", required=False, type=ResultsFolder())
@click.option("--watch", "-w", is_flag=True, help="Look again and again, until all is done or Ctrl-C.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=Number(0.1, MOST_SECONDS),
    default=5.0,
    show_default=True,
    help="Between two looks of --watch.",
)
@click.option("--clones", is_flag=True, help="Read the clones of finished trials too, which takes a while.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --watch one line for each look.")
def status(place: Path | None, watch: bool, interval: float, clones: bool, as_json: bool) -> int:
    """Show how far the run in the results folder DIR is: what runs and where, how fast, what has failed and why.

    It may be asked from any terminal, and from any machine that sees the folder; a run needs not know of it. Without
    DIR, this folder is looked at, or all results below runs. DIR may also be a folder of results folders.

    \b
    damaged    its result does not count, as its files are not as it has written them; the same `mebench run` sets it
               aside and runs it anew
    lost       its process is gone without a word; the same `mebench run` goes on with it
    half-run   it was stopped; the same `mebench run` goes on with it
    last sign  how long ago its process has said that it lives, where that is more than a few seconds

    --clones names finished trials whose clone is gone, or is not the one that was scored. Their results count.

    \b
    Examples:
      mebench status
      mebench status runs/megex-table1/quick --watch
    """
    if watch and clones:
        raise click.UsageError("--clones is for one look: leave --watch out")
    try:
        if watch:
            _watch(place, interval, as_json)
        else:
            _once(place, as_json, clones)
    except KeyboardInterrupt:
        if not watch:
            raise
    return ExitCode.FINE


def _look(place: Path | None, looks: Looks | None = None) -> list[FolderStatus]:
    from mebench.results.status import read_status
    from mebench.results.trial_names import results_folders

    return [read_status(root, looks) for root in results_folders(place)]


def _once(place: Path | None, as_json: bool, clones: bool) -> None:
    found = _look(place)
    spoilt = [_clones(one) if clones else None for one in found]
    if as_json:
        told = [{} if one is None else {"clones": one} for one in spoilt]
        click.echo(json.dumps([_json(one) | more for one, more in zip(found, told, strict=True)], indent=1))
        return
    from mebench.cli.selection import clone_lines

    _print(found)
    pairs = zip(found, spoilt, strict=True)
    problems = {f"{one.root}/{name}": problem for one, each in pairs for name, problem in (each or {}).items()}
    for line in clone_lines(problems):
        click.echo(line)


def _clones(one: FolderStatus) -> dict[str, str]:
    """What is wrong with the clones of finished trials, by their ids."""
    from mebench.results.clone_file import clone_problem
    from mebench.results.trial_folder import TrialFolder

    told = {trial.id: clone_problem(TrialFolder(one.root / trial.id)) for trial in one.having("done")}
    return {name: problem for name, problem in told.items() if problem}


def _watch(place: Path | None, interval: float, as_json: bool) -> None:
    """Look until all is done: redrawn in place on a terminal, else a block for each look."""
    from mebench.cli.screen import console
    from mebench.results.damage import Looks

    screen, looks = console(), Looks()
    if as_json or not screen.is_terminal:
        while True:
            found = _look(place, looks)
            if as_json:
                click.echo(json.dumps([_json(one) for one in found]))
            else:
                click.echo(time.strftime("--- %Y-%m-%d %H:%M:%S"))
                _print(found)
            if all(one.is_over for one in found):
                return
            time.sleep(interval)
    from rich.live import Live

    with Live(console=screen, auto_refresh=False, vertical_overflow="ellipsis") as live:
        while True:
            found = _look(place, looks)
            live.update(_drawn(found, screen), refresh=True)
            if all(one.is_over for one in found):
                return
            time.sleep(interval)


def _print(found: Sequence[FolderStatus]) -> None:
    from mebench.cli.screen import console

    screen = console()
    for line in _parts(found, screen):
        screen.print(line, soft_wrap=not screen.is_terminal)


def _drawn(found: Sequence[FolderStatus], screen: Console) -> RenderableType:
    from rich.console import Group

    return Group(*_parts(found, screen))


def _parts(found: Sequence[FolderStatus], screen: Console) -> Iterator[RenderableType]:
    for number, one in enumerate(found):
        if number:
            yield ""
        yield from _lines(one, screen)


def _lines(one: FolderStatus, screen: Console) -> Iterator[RenderableType]:
    """A folder in lines and a table."""
    from rich.text import Text

    profile = f", profile {one.profile}" if one.profile else ""
    yield Text(f"{one.title or one.name or one.root}{profile}: {one.root}", style="bold")
    counts = ", ".join(f"{count:,} {WORDS[state]}" for state, count in one.counts.items())
    yield Text(f"{counted(len(one.trials), 'trial')}: {counts or 'none'}")
    yield Text(_pace(one))
    names = _short_names(one)
    if rows := list(_rows(one, names)):
        yield _table(rows, screen)
    for cause, failed in one.failures().items():
        yield Text(f"failed, {cause}: {counted(len(failed), 'trial')}", style="red")
        for trial in failed[:MOST_FAILED]:
            yield Text(f"  {names[trial.id]}: {trial.reason}")
        if len(failed) > MOST_FAILED:
            yield Text(f"  and {len(failed) - MOST_FAILED:,} more")
    damaged = one.having("damaged")
    for trial in damaged[:MOST_DAMAGED]:
        yield Text(f"damaged: {names[trial.id]}: {trial.reason}", style="red")
    if len(damaged) > MOST_DAMAGED:
        yield Text(f"damaged: {len(damaged) - MOST_DAMAGED:,} more", style="red")
    lost = one.having("lost")
    for trial in lost[:MOST_LOST]:
        yield Text(f"lost: {names[trial.id]}: {trial.holder} has given no sign for {_ago(trial.silence)}")
    if len(lost) > MOST_LOST:
        yield Text(f"lost: {len(lost) - MOST_LOST:,} more")


def _pace(one: FolderStatus) -> str:
    """One line on the whole run: queries, rate, time left."""
    from mebench.api.durations import about
    from mebench.api.plurals import short

    spent, total = one.queries
    words = [f"{spent:,} of {total:,} queries ({100 * spent // total} %)"] if total else []
    if one.rate:
        words.append(f"{short(one.rate)} per s")
    if recent := one.done_in_an_hour:
        words.append(f"{counted(recent, 'trial')} done within an hour")
    if left := one.left:
        words.append(f"{'about' if left.whole else 'at least'} {about(left.seconds)} left")
    elif not one.is_over and not one.victims and not one.having("running"):
        words.append("nothing runs: the same mebench run goes on from here")
    return ", ".join(words)


def _rows(one: FolderStatus, names: dict[str, str]) -> Iterator[tuple[str, ...]]:
    running = [*one.victims.items(), *((names[trial.id], trial) for trial in one.having("running"))]
    for name, trial in running[:MOST_RUNNING]:
        yield _cells(name, trial)
    if len(running) > MOST_RUNNING:
        yield (f"and {len(running) - MOST_RUNNING:,} more", *[""] * (len(COLUMNS) - 1))


def _cells(name: str, trial: TrialStatus) -> tuple[str, ...]:
    from mebench.api.durations import clock_time
    from mebench.api.plurals import short
    from mebench.results.heartbeat import QUIET

    beat = trial.beat
    if beat is None:
        return (name, trial.holder, "", "", "", "", "")
    where = f"{beat.host}:{beat.pid}" + (f" {beat.device}" if beat.device not in ("", "cpu") else "")
    unit = "" if beat.unit == "queries" else f" {beat.unit}"
    phase = "" if beat.phase in ("attack", "victim", "") else f" {beat.phase}"
    return (
        name,
        where,
        f"{short(beat.done)}/{short(beat.total)}{unit}{phase}" if beat.total else "starting",
        "" if beat.rate is None else short(beat.rate),
        "" if beat.left is None else clock_time(max(0.0, beat.left - trial.silence)),
        "" if beat.accuracy is None else f"{100 * beat.accuracy:.1f} %",
        "" if trial.silence < QUIET else f"{_ago(trial.silence)} ago",
    )


def _table(rows: Sequence[tuple[str, ...]], screen: Console) -> RenderableType:
    """What runs, as a table; columns that say nothing are left out."""
    from rich.table import Table

    shown = [index for index in range(len(COLUMNS)) if index == 0 or any(row[index] for row in rows)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for index in shown:
        table.add_column(COLUMNS[index], justify="left" if index < 2 else "right", overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(row[index] for index in shown))
    return table


def _short_names(one: FolderStatus) -> dict[str, str]:
    """Ids without their digests where that tells them apart: as they can be given to other commands."""
    from collections import Counter

    short = {trial.id: trial.id.rpartition("-")[0] or trial.id for trial in one.trials}
    count = Counter(short.values())
    return {name: cut if count[cut] == 1 else name for name, cut in short.items()}


def _ago(seconds: float) -> str:
    from mebench.api.durations import about

    return about(seconds)


def _json(one: FolderStatus) -> dict[str, Any]:
    spent, total = one.queries
    left = one.left
    return {
        "folder": str(one.root),
        "name": one.name,
        "title": one.title,
        "profile": one.profile,
        "trials": len(one.trials),
        "states": one.counts,
        "queries": spent,
        "budget": total,
        "queries_per_second": round(one.rate, 3),
        "done_in_an_hour": one.done_in_an_hour,
        "seconds_left": round(left.seconds, 1) if left and left.whole else None,
        "running": [_running_json(trial) for trial in one.having("running")],
        "victims": {name: _running_json(trial) for name, trial in one.victims.items()},
        "failed": {
            cause: [{"id": trial.id, "reason": trial.reason} for trial in failed]
            for cause, failed in one.failures().items()
        },
        "damaged": {trial.id: trial.reason for trial in one.having("damaged")},
        "lost": [trial.id for trial in one.having("lost")],
    }


def _running_json(trial: TrialStatus) -> dict[str, Any]:
    beat = asdict(trial.beat) if trial.beat else {}
    return {"id": trial.id, "holder": trial.holder, "silence": round(trial.silence, 1), **beat}
