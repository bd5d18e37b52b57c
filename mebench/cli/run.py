"""``mebench run``: the main job."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.errors import ConfigurationError, UnwritableError
from mebench.api.exit_codes import ExitCode
from mebench.api.notices import notice
from mebench.api.plurals import counted
from mebench.api.subjects import about
from mebench.cli.numbers import MOST_SECONDS, MOST_THREADS, MOST_TRIES, MOST_WORKERS, Number
from mebench.cli.output import OutputFolder
from mebench.cli.selection import damage_lines, keeps_other_code, other_code_lines, selects_trials

if TYPE_CHECKING:
    from mebench.plan.plan import Plan
    from mebench.plan.state import State
    from mebench.results.leaderboard import Row
    from mebench.run.engine import Engine, Interrupts, Job, Listener, Outcome
    from mebench.run.failure_limit import FailureLimit
    from mebench.run.time_left import Speeds


@dataclass(frozen=True)
class Options:
    """How to run, as asked for on the command line; see the help of `run`."""

    out: Path
    workers: int | None
    threads: int
    device: str | None
    timeout: float | None
    stall: float
    retries: int
    max_failures: int | None
    fresh: bool
    keep_other_code: bool
    json: bool
    quiet: bool


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
    workers: int | None,
    threads: int,
    device: str | None,
    out: Path | None,
    timeout: float | None,
    stall: float,
    retries: int,
    max_failures: int | None,
    fresh: bool,
    keep_other_code: bool,
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
    """
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import default_out, make_plan

    benchmark = load_benchmark(file, overrides, profile=profile)
    plan = make_plan(benchmark, profile, seeds=seeds, only=only)
    folder = out or default_out(benchmark, plan.profile)
    limits = (timeout, stall, retries, max_failures)
    options = Options(folder, workers, threads, device, *limits, fresh, keep_other_code, as_json, quiet)
    return _Run(plan, options).run()


class _Run:
    """One call of the command.

    Args:
        plan: what to run.
        options: how.
    """

    def __init__(self, plan: Plan, options: Options) -> None:
        from mebench.cli.screen import PlainConsole
        from mebench.plan.state import PlanState

        self._plan, self._options = plan, options
        self._console = PlainConsole(stderr=True)
        self._begun = time.monotonic()
        self._state = PlanState.of(plan, options.out, keep_other_code=options.keep_other_code)
        self._todo = list(plan.trials) if options.fresh else self._state.pending

    def run(self) -> int:
        """Do all of it; return the exit code."""
        from mebench.run.engine import Interrupts
        from mebench.run.failure_limit import FailureLimit

        self._announce()
        with Interrupts(raise_when_killed=self._options.workers == 0) as interrupts:
            limit = FailureLimit(self._options.max_failures, interrupts)
            failed = self._execute(interrupts, limit)
        if interrupts.level > limit.reached:
            self._say("stopped: the same command goes on from here", always=True)
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
        if limit.reached:
            self._say(f"stopped after {counted(limit.failed, 'failure')} (--max-failures)", always=True)
        return code

    def _announce(self) -> None:
        """Say what will run, and at what scale."""
        plan, state = self._plan, self._state
        self._say(f"{plan.benchmark.title or plan.benchmark.name}, profile {plan.profile}", "bold")
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
        queries = sum(trial.budget for trial in self._todo)
        self._say(
            f"{counted(len(state.trials), 'trial')} ({'; '.join(counts)}), "
            f"up to {counted(queries, 'query')}, in {self._options.out}"
        )
        for line in damage_lines(state.damage):
            self._say(line, "yellow", always=True)
        for line in other_code_lines(state.other_code(), self._options.keep_other_code):
            self._say(line, "yellow")

    def _execute(self, interrupts: Interrupts, limit: FailureLimit) -> list[tuple[Job, Outcome]]:
        from mebench.run.runner import execute, set_aside

        devices = self._devices(interrupts) if self._todo else ("cpu",)
        if interrupts.level:
            return []
        if self._options.fresh:
            count, where = set_aside(self._todo, self._options.out)
            results = counted(count, "finished result")
            self._say(f"{results} {'is' if count == 1 else 'are'} now in {where}; delete it when you need them no more")
        slots = self._slots(devices)
        engine = self._engine(slots, interrupts)
        with self._display(len(slots)) as listeners:
            return execute(
                engine,
                self._plan,
                self._options.out,
                timeout=self._options.timeout,
                stall=self._options.stall or None,
                retries=self._options.retries,
                listeners=[limit, *listeners],
                keep_other_code=self._options.keep_other_code,
            )

    def _devices(self, interrupts: Interrupts) -> tuple[str, ...]:
        """Look for data, plugins and devices; return where trials can run.

        Raises:
            ConfigurationError: with one line for each thing that is missing.
        """
        from mebench.run.runner import site

        engine = self._engine(self._slots(("cpu",)), interrupts)
        with ExitStack() as stack:
            if self._console.is_terminal and not self._options.quiet:
                stack.enter_context(self._console.status("looking for data, plugins and devices", spinner="line"))
            found = site(engine, self._plan, self._todo, self._options.device, self._options.stall or None)
        if found is None:
            return ()
        if found.problems:
            raise ConfigurationError(*found.problems)
        for line in found.told if not self._options.quiet else ():
            notice(line)
        return found.devices

    def _slots(self, devices: Sequence[str]) -> list[str]:
        """A device for each trial that may run at once."""
        from mebench.run.machine import usable_cores

        workers = self._options.workers
        if workers is None:
            workers = max(1, usable_cores() // self._options.threads) if devices[0] == "cpu" else len(devices)
        workers = max(1, min(workers, len(self._todo)))
        return [devices[k % len(devices)] for k in range(workers)]

    def _engine(self, slots: Sequence[str], interrupts: Interrupts) -> Engine:
        """The engine asked for."""
        from mebench.run.engine import InlineEngine, ProcessEngine

        threads = self._options.threads
        if self._options.workers == 0:
            return InlineEngine(slots[0], threads, interrupts)
        return ProcessEngine(slots, threads, interrupts)

    @contextmanager
    def _display(self, slots: int) -> Iterator[list[Listener]]:
        from mebench.run.display import LineDisplay, LiveDisplay

        display: LiveDisplay | LineDisplay
        if self._console.is_terminal:
            display = LiveDisplay(self._console, self._todo, slots, self._speeds(), brief=self._options.quiet)
        elif self._options.quiet:
            yield []
            return
        else:
            display = LineDisplay(self._console, self._todo, slots, self._speeds())
        with display:
            yield [display]

    def _speeds(self) -> Speeds:
        """What is known of the trials' speeds before they run."""
        from mebench.plan.forecast import kind_of, measured_speeds
        from mebench.plan.speeds import KeptSpeeds, trial_key
        from mebench.run.time_left import Speeds

        before = measured_speeds(self._options.out) if self._options.out.is_dir() else {}
        kept, device = KeptSpeeds.read(), self._options.device or self._plan.settings.device
        for trial in self._todo:
            if speed_here := kept.get(trial_key(trial, device)):
                before.setdefault(kind_of(trial), speed_here)
        speed = self._plan.settings.speed
        return Speeds(before, speed.queries_per_second if speed else {})

    def _leaderboard(self) -> list[Row]:
        """Write its files and print it to stdout; return the rows of the plan that have no numbers for a bad result."""
        from mebench.results.leaderboard import FORMATS, show, write_leaderboard_files
        from mebench.results.leaderboard.compute.rows import invalid_among

        board = write_leaderboard_files(self._options.out)
        if self._options.json:
            click.echo(FORMATS["json"](board), nl=False)
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

    def _say(self, line: str, style: str | None = None, *, always: bool = False) -> None:
        if always or not self._options.quiet:
            self._console.print(line, style=style, soft_wrap=not self._console.is_terminal)
