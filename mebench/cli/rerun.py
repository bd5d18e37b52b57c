"""``mebench rerun``: trials once more, as their folders say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.api.errors import ConfigurationError
from mebench.api.exit_codes import ExitCode
from mebench.cli import completion
from mebench.cli.how import run_options, says_how_or_as_before
from mebench.cli.output import say
from mebench.cli.run import OneRun
from mebench.cli.sections import Sectioned
from mebench.cli.trial_choice import takes_place, trials_of

if TYPE_CHECKING:
    from mebench.results.trial_names import NamedTrial

GOES_ON = "stopped: mebench rerun of those that are not done goes on from here"


@click.command(cls=Sectioned)
@click.argument("trials", metavar="[TRIAL]...", nargs=-1, shell_complete=completion.completing(trials_of))
@click.option("--failed", is_flag=True, help="All trials that have failed.")
@takes_place
@click.option("--fresh", is_flag=True, help="Begin anew also what is half-run; its folder is moved to DIR/.old-N.")
@says_how_or_as_before
def rerun(trials: tuple[str, ...], failed: bool, place: Path | None, fresh: bool, **how: Any) -> int:
    """Run TRIAL... once more, as their folders say; no benchmark file is needed.

    TRIAL is any part of an id that no other has, or a pattern such as 'dfme-*-s0-*' for all that match. Results that
    are finished are moved to DIR/.old-N and never lost; what is half-run or has failed goes on from its checkpoint.
    Trials that run are left alone. Those that have not begun are for `mebench run`.

    Exit codes are those of `mebench run`.

    \b
    Examples:
      mebench rerun dfme-l1
      mebench rerun --failed --retries 2
      mebench rerun 's0-*' --out runs/megex-table1/quick --fresh
      mebench rerun --failed --scheduler tcp://host:8786
    """
    if bool(trials) == failed:
        raise click.UsageError("name the trials, or give --failed for all that have failed")
    chosen = list(_failed(place) if failed else _named(trials, place))
    if not chosen:
        say("no trial has failed")
        return ExitCode.FINE
    _refuse_running(chosen)
    code: int = ExitCode.FINE
    for root in dict.fromkeys(trial.root for trial in chosen):
        code = max(code, _rerun(root, [trial.id for trial in chosen if trial.root == root], fresh, **how))
        if code == ExitCode.INTERRUPTED:
            break
    return code


def _rerun(root: Path, ids: Sequence[str], fresh: bool, as_json: bool, quiet: bool, **how: Any) -> int:
    from mebench.plan.recorded import recorded_plan, recorded_threads

    how["threads"] = how["threads"] or recorded_threads(root, ids) or 1
    options = run_options(root, how, fresh=fresh, again=True)
    return OneRun(recorded_plan(root, ids), options, as_json=as_json, quiet=quiet, goes_on=GOES_ON).run()


def _failed(place: Path | None) -> Iterator[NamedTrial]:
    from mebench.results.heartbeat import file_system_clock
    from mebench.results.status import trial_status
    from mebench.results.trial_names import NamedTrial, known_trials, results_folders

    for root in results_folders(place):
        now = file_system_clock(root)
        for name in known_trials(root):
            if trial_status(root, name, now).state == "failed":
                yield NamedTrial(root, name)


def _named(words: Sequence[str], place: Path | None) -> list[NamedTrial]:
    """The trials that are meant, each once; all problems with words at once."""
    from mebench.results.trial_names import find_trial, matching

    found: dict[NamedTrial, None] = {}
    problems: list[str] = []
    for word in words:
        try:
            found |= dict.fromkeys(matching(word, place) if "*" in word else [find_trial(word, place)])
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(*problems)
    return list(found)


def _refuse_running(trials: Sequence[NamedTrial]) -> None:
    from mebench.results.heartbeat import file_system_clock
    from mebench.results.status import trial_status

    clocks = {root: file_system_clock(root) for root in {trial.root for trial in trials}}
    found = {trial: trial_status(trial.root, trial.id, clocks[trial.root]) for trial in trials}
    if problems := [
        f"{trial.id}: {one.holder} is running it: stop that first, or leave it out"
        for trial, one in found.items()
        if one.state == "running"
    ]:
        raise ConfigurationError(*problems)
