"""``mebench plan``: what would run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.errors import ConfigurationError
from mebench.cli.output import ResultsFolder
from mebench.cli.selection import keeps_other_code, selects_trials

if TYPE_CHECKING:
    from mebench.plan.forecast import Forecast, ForecastRow
    from mebench.plan.plan import Plan
    from mebench.run.victims import TriedVictims

COLUMNS = ("attack", "victim", "channel", "clone", "budget", "seeds", "state", "queries left", "time left")
NUMBERS = ("budget", "seeds", "queries left", "time left")
_MEASURED = {
    "results": "measured on finished trials in the results folder",
    "file": "as the file says it was measured on {}",
}


@click.command()
@selects_trials
@click.option("--out", type=ResultsFolder(), help="Results folder [default: runs/NAME/PROFILE].")
@keeps_other_code
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    file: Path,
    profile: str | None,
    only: tuple[str, ...],
    overrides: tuple[str, ...],
    seeds: int | None,
    out: Path | None,
    keep_other_code: bool,
    as_json: bool,
) -> None:
    """Show what would run: the trials of FILE by row, what is done already, queries and time.

    Nothing is run, and nothing is written to the results folder. Victims of your own, which come with their weights,
    are tried: what is wrong with them is said before anything attacks them, and ends with exit code 2.

    \b
    Examples:
      mebench plan benchmarks/table1.yaml
      mebench plan benchmarks/table1.yaml --profile paper --only 'megex/*'
      mebench plan benchmarks/table1.yaml --seeds 5 --set 'runs.*.budgets=[1000]'
    """
    from mebench.plan.file import load_benchmark
    from mebench.plan.forecast import forecast
    from mebench.plan.plan import default_out, make_plan
    from mebench.run.victims import try_own_victims

    benchmark = load_benchmark(file, overrides, profile=profile)
    planned = make_plan(benchmark, profile, seeds=seeds, only=only)
    folder = out or default_out(benchmark, planned.profile)
    ahead = forecast(planned, folder, keep_other_code=keep_other_code)
    victims = try_own_victims(planned)
    if as_json:
        click.echo(json.dumps(_json(planned, ahead, folder, victims), indent=1))
    else:
        _print(planned, ahead, folder, victims, keep_other_code)
    if victims.problems:
        raise ConfigurationError(*victims.problems)


def _print(planned: Plan, ahead: Forecast, folder: Path, victims: TriedVictims, keep_other_code: bool) -> None:
    from mebench.cli.screen import console, print_table
    from mebench.cli.selection import other_code_lines

    screen = console()
    screen.print(f"{planned.benchmark.name}, profile {planned.profile}: {len(planned.trials)} trials -> {folder}")
    for note in (*planned.notes(), *victims.notes):
        screen.print(note)
    print_table(screen, COLUMNS, [_cells(row) for row in ahead.rows], right=NUMBERS)
    for line in other_code_lines(ahead.other_code, keep_other_code):
        screen.print(line)
    screen.print(_total(planned, ahead))


def _cells(row: ForecastRow) -> tuple[str, ...]:
    from mebench.api.durations import about

    attack = row.attack if row.variant == "default" else f"{row.attack} {row.variant}"
    states = ", ".join(word if count == len(row.seeds) else f"{count} {word}" for word, count in row.states.items())
    time = "unknown" if row.seconds is None else about(row.seconds) if row.left else ""
    budget, queries = (f"{number:,}" if number else "" for number in (row.budget, row.queries))
    channel = row.channel if row.budget else ""
    return (attack, row.victim, channel, row.clone, budget, str(len(row.seeds)), states, queries, time)


def _total(planned: Plan, ahead: Forecast) -> str:
    from mebench.api.durations import about

    states = ", ".join(f"{count} {word}" for word, count in ahead.states().items())
    left = sum(row.left for row in ahead.rows)
    if not left:
        return f"{states}: nothing is left to run."
    where = {row.measured: _MEASURED[row.measured] for row in ahead.rows if row.measured}
    if not where:
        time = "time unknown: no finished trial like these in the results folder to measure by"
    else:
        rest = f" for {left - ahead.unmeasured} of {left} trials" if ahead.unmeasured else ""
        machine = planned.settings.speed.machine if planned.settings.speed else ""
        time = f"about {about(ahead.seconds)} on one worker{rest}, {' and '.join(where.values()).format(machine)}"
    return f"{states}; {ahead.queries:,} queries left; {time}. The training of victims is not counted."


def _json(planned: Plan, ahead: Forecast, folder: Path, victims: TriedVictims) -> dict[str, object]:
    about = planned.metadata()
    del about["reported"], about["trials"]
    return {
        **about,
        "out": str(folder),
        "notes": [*planned.notes(), *victims.notes],
        "problems": list(victims.problems),
        "trials": len(planned.trials),
        "states": ahead.states(),
        "other_code": ahead.other_code,
        "queries_left": ahead.queries,
        "seconds_left": None if ahead.unmeasured else round(ahead.seconds, 1),
        "rows": [asdict(row) for row in ahead.rows],
        "ids": list(planned.ids),
    }
