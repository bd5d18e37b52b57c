"""``mebench log``: what a trial has printed, and its life in lines with times."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO

import click

from mebench.api.errors import ResultsError
from mebench.api.exit_codes import ExitCode
from mebench.api.files import open_regular, why
from mebench.api.printable import without_controls
from mebench.cli.output import say
from mebench.cli.trial_choice import takes_place, takes_trial
from mebench.results.trial_names import NamedTrial, find_trial, results_folders

LINES, SECONDS = 20, 0.5
"""Lines that --follow begins with, and seconds between its looks."""
_CHUNK = 65_536
_VICTIM = "victim-"


@click.command()
@takes_trial
@takes_place
@click.option("--follow", "-f", is_flag=True, help="Go on with what is added, until the trial is over or Ctrl-C.")
@click.option(
    "--lines",
    "-n",
    type=click.IntRange(min=0),
    help=f"Only the last N lines  [default: all, or {LINES} with --follow].",
)
@click.option("--path", "only_path", is_flag=True, help="Print where the log is, and nothing of it.")
def log(trial: str, place: Path | None, follow: bool, lines: int | None, only_path: bool) -> int:
    """Print the log of TRIAL: what it has printed, and starts, evaluations, checkpoints and how it ended.

    TRIAL is any part of its id that no other has, as `mebench status` shows it; or victim-NAME for the training of a
    victim.

    \b
    Examples:
      mebench log dfme-l1
      mebench log s0-4f1c --follow
      mebench log victim-fmnist-lenet5 --out runs/megex-table1/quick
    """
    named, path = _meant(trial, place)
    if only_path:
        click.echo(path)
        return ExitCode.FINE
    if not path.exists() and not follow:
        raise ResultsError(f"{path}: there is no log yet: {_why_none(named)}")
    try:
        _print(named, path, lines if lines is not None else LINES if follow else None, follow)
    except KeyboardInterrupt:
        if not follow:
            raise
    return ExitCode.FINE


def _meant(word: str, place: Path | None) -> tuple[NamedTrial | None, Path]:
    """The trial, and its log; no trial where a victim's is meant."""
    if word.startswith(_VICTIM):
        for root in results_folders(place):
            if (path := root / "logs" / f"{os.path.basename(word)}.txt").exists():  # noqa: PTH119 (a name, no path)
                return None, path
    named = find_trial(word, place)
    return named, named.folder.log


def _why_none(named: NamedTrial | None) -> str:
    if named is None or named.folder.status == "new":
        return "it has not begun"
    return "it ran within the process of `mebench run --workers 0`, which prints to its own terminal"


def _print(named: NamedTrial | None, path: Path, lines: int | None, follow: bool) -> None:
    """Print the end of a log, and what comes after it."""
    if follow and not path.exists():
        say(f"waiting for {path}")
    place = 0
    begun = False
    while True:
        over = not follow or _is_over(named, path)
        if path.exists():
            if not begun:
                begun, place = True, 0 if lines is None else _last_lines(path, lines)
            place = _copy(path, place)
        if over:
            return
        time.sleep(SECONDS)


def _is_over(named: NamedTrial | None, path: Path) -> bool:
    """Whether nothing more will be added, for all that is known."""
    from mebench.results.heartbeat import file_system_clock, heartbeat_of
    from mebench.results.status import trial_status

    if named is None:
        return not heartbeat_of(path).exists()
    now = file_system_clock(named.root)
    return trial_status(named.root, named.id, now).state not in ("running", "new")


def _copy(path: Path, place: int) -> int:
    """Print a file from a place on; return where it ends. One that was cut since begins at its end."""
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size < place:
            click.echo("--- the middle of the log was cut out ---")
            return size
        file.seek(place)
        while chunk := file.read(_CHUNK):
            click.echo(without_controls(chunk.decode(errors="replace")), nl=False)
        return file.tell()


def _opened(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({why(error)})") from error


def _last_lines(path: Path, count: int) -> int:
    """Where the last lines of a file begin."""
    with _opened(path) as file:
        place = os.fstat(file.fileno()).st_size
        found = b""
        while place > 0 and found.rstrip(b"\n").count(b"\n") < count:
            step = min(_CHUNK, place)
            place -= step
            file.seek(place)
            found = file.read(step) + found
    kept = found.splitlines(keepends=True)[-count:] if count else []
    return place + len(found) - sum(map(len, kept))
