"""``mebench run``: the main job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.errors import UnwritableError
from mebench.api.exit_codes import ExitCode
from mebench.api.plurals import counted
from mebench.api.subjects import about
from mebench.cli import completion
from mebench.cli.engines import says_where
from mebench.cli.loggers import loggers_named
from mebench.cli.numbers import MOST_SECONDS, MOST_THREADS, MOST_TRIES, MOST_WORKERS, Number
from mebench.cli.output import OutputFolder
from mebench.cli.selection import damage_lines, keeps_other_code, other_code_lines, selects_trials

if TYPE_CHECKING:
    from mebench.plan.plan import Plan
    from mebench.plan.shard import Shard
    from mebench.plan.state import State
    from mebench.results.leaderboard import Row
    from mebench.run.engine import Job, Outcome
    from mebench.run.session import RunOptions

GOES_ON = "stopped: the same command goes on from here"


def _device(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    import re

    from mebench.plan.file.schema import DEVICE, PATTERN_WORDS

    if value is not None and not re.fullmatch(DEVICE, value):
        raise click.BadParameter(f"{PATTERN_WORDS[DEVICE]}, not {value!r}")
    return value


@click.command()
@selects_trials
@click.option(
    "--workers",
    type=click.IntRange(min=0, max=MOST_WORKERS),
    help="Trials at once [default: one per usable core, or per GPU]; 0: one after another in this process.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1, max=MOST_THREADS),
    default=1,
    show_default=True,
    help="CPU threads of each trial and each victim; results depend on it in their last bits, so it is recorded.",
)
@says_where
@click.option("--device", callback=_device, help="cpu, cuda, cuda:N or auto [default: the profile's].")
@click.option("--out", type=OutputFolder(), help="Results folder [default: runs/NAME/PROFILE].")
@click.option(
    "--timeout", metavar="SECONDS", type=Number(0, MOST_SECONDS, min_open=True), help="Give a trial up after this."
)
@click.option(
    "--stall-timeout",
    "stall",
    metavar="SECONDS",
    type=Number(0, MOST_SECONDS),
    default=1800.0,
    show_default=True,
    help="Give up what has not asked, learnt or told anything for so long; 0: never.",
)
@click.option(
    "--retries",
    metavar="N",
    type=click.IntRange(min=0, max=MOST_TRIES),
    default=0,
    show_default=True,
    help="Try a trial again up to so often, from its checkpoint, where the cause of its failure passes: its process "
    "was ended from outside, or memory was lacking, and then with no other beside it.",
)
@click.option(
    "--max-failures",
    metavar="N",
    type=click.IntRange(min=1),
    help="Save and stop once N trials have failed for good [default: run all others].",
)
@click.option("--fresh", is_flag=True, help="Run finished trials again; their results are moved to OUT/.old-N.")
@keeps_other_code
@click.option(
    "--log",
    "loggers",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.completing(completion.registered("logger")),
    help="Tell this logger how the run goes on, such as tensorboard; repeatable. `mebench list loggers` shows them.",
)
@click.option(
    "--log-set",
    "logger_settings",
    metavar="NAME.PARAMETER=VALUE",
    multiple=True,
    help="Set a parameter of a logger; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the leaderboard as JSON; all else goes to stderr.")
@click.option(
    "--quiet",
    "-q",
    is_flag=True,
    help="Print the leaderboard and failures alone; on a terminal, one line shows how far it is meanwhile.",
)
def run(
    file: Path,
    profile: str | None,
    only: tuple[str, ...],
    overrides: tuple[str, ...],
    seeds: int | None,
    shard: Shard | None,
    workers: int | None,
    threads: int,
    engine: str | None,
    scheduler: str | None,
    cluster: str | None,
    cluster_options: Path | None,
    per_gpu: int | None,
    device: str | None,
    out: Path | None,
    timeout: float | None,
    stall: float,
    retries: int,
    max_failures: int | None,
    fresh: bool,
    keep_other_code: bool,
    loggers: tuple[str, ...],
    logger_settings: tuple[str, ...],
    as_json: bool,
    quiet: bool,
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
    from mebench.run.engine import engine_asked_for
    from mebench.run.session import RunOptions

    asked = {"scheduler": scheduler, "cluster": cluster, "cluster_options": cluster_options, "per_gpu": per_gpu}
    chosen = engine_asked_for(engine, workers, asked, lambda name: f"--{name.replace('_', '-')}")
    benchmark = load_benchmark(file, overrides, profile=profile)
    plan = make_plan(benchmark, profile, seeds=seeds, only=only, shard=shard)
    options = RunOptions(
        out or default_out(benchmark, plan.profile),
        workers,
        threads,
        device,
        timeout,
        stall or None,
        retries,
        max_failures,
        fresh,
        keep_other_code,
        loggers_named(loggers, logger_settings),
        chosen,
        scheduler,
        cluster,
        cluster_options,
        per_gpu,
    )
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
