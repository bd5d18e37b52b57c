"""``mebench plan``: what would run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.errors import ConfigurationError
from mebench.api.plurals import counted
from mebench.cli.output import ResultsFolder
from mebench.cli.sections import Sectioned
from mebench.cli.selection import keeps_other_code, selects_trials

if TYPE_CHECKING:
    from mebench.plan.forecast import Forecast
    from mebench.plan.plan import Plan
    from mebench.plan.shard import Shard
    from mebench.run.victims import TriedVictims


@click.command(cls=Sectioned)
@selects_trials
@click.option("--out", type=ResultsFolder(), help="Results folder [default: runs/NAME/PROFILE].")
@keeps_other_code
@click.option("--measure", is_flag=True, help="Run each row for a few seconds first, to tell how long it takes here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    file: Path,
    profile: str | None,
    only: tuple[str, ...],
    overrides: tuple[str, ...],
    seeds: int | None,
    shard: Shard | None,
    out: Path | None,
    keep_other_code: bool,
    measure: bool,
    as_json: bool,
) -> None:
    """Show what would run: the trials of FILE by row, what is done already, queries and time.

    Nothing is run but what --measure asks for, and nothing is written to the results folder. What another process is at
    work on is shown as running, with the process and its machine. Victims of your own, which come with their weights,
    are tried: what is wrong with them is said before anything attacks them, and ends with exit code 2.

    \b
    Examples:
      mebench plan table1
      mebench plan table1 --profile paper --only 'megex/*'
      mebench plan table1 --seeds 5 --set 'runs.*.budgets=[1000]'
      mebench plan my-benchmark.yaml --measure
    """
    from mebench.plan.file import load_benchmark
    from mebench.plan.forecast import forecast
    from mebench.plan.plan import default_out, make_plan
    from mebench.run.victims import try_own_victims

    benchmark = load_benchmark(file, overrides, profile=profile)
    planned = make_plan(benchmark, profile, seeds=seeds, only=only, shard=shard)
    folder = out or default_out(benchmark, planned.profile)
    if measure:
        _measure(planned, folder, keep_other_code)
    ahead = forecast(planned, folder, keep_other_code=keep_other_code)
    victims = try_own_victims(planned)
    if as_json:
        click.echo(json.dumps(_json(planned, ahead, folder, victims), indent=1))
    else:
        _print(planned, ahead, folder, victims, keep_other_code)
    if victims.problems:
        raise ConfigurationError(*victims.problems)


def _measure(planned: Plan, folder: Path, keep_other_code: bool) -> None:
    """Measure the speed of what is left on this machine, and keep it."""
    from mebench.api.notices import notice
    from mebench.plan.state import PlanState
    from mebench.run.console import PlainConsole
    from mebench.run.speeds import measure_here, speeds_to_measure

    pending = PlanState.of(planned, folder, keep_other_code=keep_other_code).pending
    jobs = speeds_to_measure(planned, pending)
    with PlainConsole(stderr=True).status(f"measuring {len(jobs)} speeds", spinner="line"):
        failed = measure_here(planned, pending, jobs)
    for line in failed:
        notice(line)


def _print(planned: Plan, ahead: Forecast, folder: Path, victims: TriedVictims, keep_other_code: bool) -> None:
    from mebench.cli.screen import console, print_table
    from mebench.cli.selection import damage_lines, other_code_lines
    from mebench.plan.words import COLUMNS, NUMBERS, cells, total

    screen = console()
    part = f", shard {planned.shard} of {counted(len(planned.whole.ids), 'trial')}" if planned.whole else ""
    screen.print(
        f"{planned.benchmark.name}, profile {planned.profile}{part}: "
        f"{counted(len(planned.trials), 'trial')} -> {folder}"
    )
    for note in (*planned.notes(), *victims.notes):
        screen.print(note)
    print_table(screen, COLUMNS, [cells(row) for row in ahead.rows], right=NUMBERS)
    for line in (*damage_lines(ahead.damage), *other_code_lines(ahead.other_code, keep_other_code)):
        screen.print(line)
    for holder, count in Counter(ahead.running.values()).items():
        screen.print(f"running: {counted(count, 'trial')}, {holder}")
    screen.print(total(planned, ahead))


def _json(planned: Plan, ahead: Forecast, folder: Path, victims: TriedVictims) -> dict[str, object]:
    about = planned.metadata()
    del about["reported"], about["trials"], about["settings"]
    return {
        **about,
        "out": str(folder),
        "notes": [*planned.notes(), *victims.notes],
        "problems": list(victims.problems),
        "trials": len(planned.trials),
        "states": ahead.states(),
        "other_code": ahead.other_code,
        "damaged": dict(ahead.damage),
        "running": dict(ahead.running),
        "queries_left": ahead.queries,
        "training_seconds": ahead.trainings,
        "seconds_left": None if ahead.unmeasured else round(ahead.seconds, 1),
        "rows": [asdict(row) for row in ahead.rows],
        "ids": list(planned.ids),
    }
