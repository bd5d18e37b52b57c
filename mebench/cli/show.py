"""``mebench show``: one trial, as its files tell it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.cli.trial_choice import takes_place, takes_trial

if TYPE_CHECKING:
    from mebench.results.trial_facts import TrialFacts

EVALUATIONS = 5
"""The last ones, which are shown."""


@click.command()
@takes_trial
@takes_place
@click.option("--traceback", is_flag=True, help="Show the traceback behind a failure, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all evaluations.")
def show(trial: str, place: Path | None, traceback: bool, as_json: bool) -> None:
    """Show TRIAL: how far it is and where, its settings, its evaluations, its scores or why it failed, its files.

    TRIAL is any part of its id that no other has, as `mebench status` shows it.

    \b
    Examples:
      mebench show dfme-l1
      mebench show s0-4f1c --out runs/megex-table1/quick
      mebench show s0-4f1c --json
    """
    from mebench.results.trial_facts import trial_facts
    from mebench.results.trial_names import find_trial

    facts = trial_facts(find_trial(trial, place))
    if as_json:
        click.echo(json.dumps(facts.to_json(), indent=1))
        return
    from mebench.cli.screen import console

    screen = console()
    for line in _lines(facts, traceback=traceback):
        screen.print(line, soft_wrap=True)


def _lines(facts: TrialFacts, *, traceback: bool) -> Iterator[str]:
    yield facts.id
    yield from _pairs(_state(facts))
    yield from _pairs(facts.settings)
    if facts.scores:
        yield ""
        yield from _pairs({name: _number(value) for name, value in facts.scores.items()})
    if facts.curve:
        yield ""
        yield from _evaluations(facts)
    if traceback and facts.traceback:
        yield ""
        yield facts.traceback.rstrip()
    yield ""
    yield f"files  {facts.path}"
    for name, size in facts.files.items():
        yield f"       {name}  {size:,} bytes"


def _state(facts: TrialFacts) -> dict[str, str]:
    """How far it is, in words."""
    from mebench.api.durations import about, measured

    told = {"state": facts.state}
    if facts.holder:
        told["where"] = facts.holder
    if facts.progress:
        told["progress"] = facts.progress
    if facts.state == "lost":
        told["last sign"] = f"{about(facts.silence)} ago; the same mebench run goes on with it"
    if facts.reason:
        told["reason"] = f"{facts.cause}: {facts.reason}" if facts.cause else facts.reason
    if facts.seconds is not None:
        told["took"] = measured(facts.seconds)
    if facts.clone:
        told["clone file"] = facts.clone
    return told | ({"flags": ", ".join(facts.flags)} if facts.flags else {})


def _pairs(told: dict[str, str]) -> Iterator[str]:
    for name, value in told.items():
        yield f"{name:<18} {value}"


def _evaluations(facts: TrialFacts) -> Iterator[str]:
    """The last evaluations as a small table of what all of them have."""
    names = [name for name in ("queries", "accuracy", "fidelity") if all(name in point for point in facts.curve)]
    yield "  ".join(f"{name:>10}" for name in names)
    for point in facts.curve[-EVALUATIONS:]:
        yield "  ".join(f"{_number(point[name]):>10}" for name in names)
    if len(facts.curve) > EVALUATIONS:
        yield f"(the last {EVALUATIONS} of {len(facts.curve)} evaluations)"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
