"""``mebench run``: the main job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.api.errors import UnwritableError
from mebench.api.exit_codes import ExitCode
from mebench.api.plurals import counted
from mebench.api.subjects import about
from mebench.cli.how import run_options, says_how
from mebench.cli.output import OutputFolder
from mebench.cli.sections import Sectioned
from mebench.cli.selection import damage_lines, keeps_other_code, other_code_lines, selects_trials

if TYPE_CHECKING:
    from mebench.plan.plan import Plan
    from mebench.plan.shard import Shard
    from mebench.plan.state import State
    from mebench.results.leaderboard import Row
    from mebench.run.engine import Job, Outcome
    from mebench.run.session import RunOptions

GOES_ON = "stopped: the same command goes on from here"


@click.command(cls=Sectioned)
@selects_trials
@click.option("--fresh", is_flag=True, help="Run finished trials again; their results are moved to OUT/.old-N.")
@keeps_other_code
@says_how
@click.option("--out", type=OutputFolder(), help="Results folder [default: runs/NAME/PROFILE].")
def run(
    file: Path,
    profile: str | None,
    only: tuple[str, ...],
    overrides: tuple[str, ...],
    seeds: int | None,
    shard: Shard | None,
    fresh: bool,
    keep_other_code: bool,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **how: Any,
) -> int:
    """Run what is missing of FILE, and print its leaderboard.

    Finished trials are not run again, half-run ones go on from their checkpoint to the very same result, and failed
    ones are tried again. Those of other code than is here now, such as an edited plugin's, and those whose result is
    damaged are set aside and run anew.
    Where a machine loses processes, --retries tries their trials again.
    Ctrl-C (or SIGTERM) saves and stops, a second one kills; the same command then goes on.

    Each trial runs in a process of its own, with a fixed number of threads however many run beside it: sums are split
    by thread, and a result must not depend on what else the machine was doing.

    Exit codes: 0 all finished; 2 wrong usage or something is missing; 3 trials failed; 130 stopped by the user.

    \b
    Examples:
      mebench run table1
      mebench run table1 --profile paper --device cuda
      mebench run table1 --only 'megex/*' --seeds 5 --workers 4
      mebench run table1 --shard 3/16
    """
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import default_out, make_plan

    benchmark = load_benchmark(file, overrides, profile=profile)
    plan = make_plan(benchmark, profile, seeds=seeds, only=only, shard=shard)
    folder = out or default_out(benchmark, plan.profile)
    options = run_options(folder, how, fresh=fresh, keep_other_code=keep_other_code)
    return OneRun(plan, options, as_json=as_json, quiet=quiet).run()


class OneRun:
    """One call of the command, or of `mebench rerun`.

    Args:
        plan: what to run.
        options: how.
        as_json: whether the leaderboard is printed as JSON.
        quiet: whether nothing else is said but failures.
        goes_on: what is said where the user has stopped it.
    """

    def __init__(self, plan: Plan, options: RunOptions, *, as_json: bool, quiet: bool, goes_on: str = GOES_ON) -> None:
        from mebench.run.audience import OnScreen
        from mebench.run.session import Session

        self._plan, self._options, self._json, self._goes_on = plan, options, as_json, goes_on
        self._screen = OnScreen(quiet=quiet)
        self._say = self._screen.say
        self._begun = time.monotonic()
        self._session = Session(plan, options, self._screen)

    def run(self) -> int:
        """Do all of it; return the exit code."""
        self._announce()
        failed = self._session.run()
        if self._session.interrupted:
            self._say(self._goes_on, always=True)
            return ExitCode.INTERRUPTED
        invalid: Sequence[Row] = ()
        files = " (leaderboard.md, .csv, .json)"
        try:
            invalid = self._leaderboard()
        except UnwritableError as error:
            if not failed:
                raise
            self._say(f"mebench: {error}", always=True)
            files = ""
        code = max(self._end(failed, files), self._hole(invalid))
        if count := self._session.too_many:
            self._say(f"stopped after {counted(count, 'failure')} (--max-failures)", always=True)
        return code

    def _announce(self) -> None:
        """Say what will run, and at what scale."""
        plan, state = self._plan, self._session.state
        part = f", shard {plan.shard} of {counted(len(plan.whole.ids), 'trial')}" if plan.whole else ""
        self._say(f"{plan.benchmark.title or plan.benchmark.name}, profile {plan.profile}{part}", "bold")
        for note in plan.notes():
            self._say(note, "yellow")
        words: dict[State, str] = {
            "finished": "finished before",
            "partial": "half-run, will go on",
            "running": "at work in another process",
            "failed": "failed before, will be tried again",
            "damaged": "damaged, will run anew",
            "other code": "of other code, will run anew",
            "new": "new",
        }
        counts = [f"{len(found)} {word}" for status, word in words.items() if (found := state.having(status))]
        queries = sum(trial.budget for trial in self._session.todo)
        self._say(
            f"{counted(len(state.trials), 'trial')} ({'; '.join(counts)}), "
            f"up to {counted(queries, 'query')}, in {self._options.out}"
        )
        for line in damage_lines(state.damage):
            self._say(line, "yellow", always=True)
        for line in other_code_lines(state.other_code(), self._options.keep_other_code):
            self._say(line, "yellow")

    def _leaderboard(self) -> list[Row]:
        """Write its files and print it to stdout; return the rows of the plan that have no numbers for a bad result."""
        from mebench.results.leaderboard import FORMATS, show, write_leaderboard_files
        from mebench.results.leaderboard.compute.rows import invalid_among

        board = write_leaderboard_files(self._options.out)
        if self._json:
            click.echo(FORMATS["json"](board.without_times()), nl=False)
        else:
            show(board)
        return invalid_among(board.rows, [next(iter(row.values())) for row in self._plan.rows])

    def _end(self, failed: Sequence[tuple[Job, Outcome]], files: str) -> int:
        """Say where the results are, and what failed."""
        from mebench.api.durations import clock_time

        out, seconds = self._options.out, time.monotonic() - self._begun
        self._say(f"results: {out}{files}; took {clock_time(seconds)}")
        if not failed:
            return ExitCode.FINE
        trials = [job for job, _ in failed if job.needs]
        self._say(f"{len(trials)} of {counted(len(self._plan.trials), 'trial')} failed:", "bold red", always=True)
        for job, outcome in failed:
            log = f" (log: {job.log})" if job.log and job.log.exists() else ""
            self._say(f"  {about(job.title, outcome.reason)}{log}", always=True)
        self._say("the same command tries them again", always=True)
        return ExitCode.INCOMPLETE

    def _hole(self, invalid: Sequence[Row]) -> int:
        """Name the rows that have no numbers although their trials have ended."""
        for row in invalid:
            self._say(f"invalid: {row.name} on {row.victim}: {row.reason}", "bold red", always=True)
        return ExitCode.INCOMPLETE if invalid else ExitCode.FINE
