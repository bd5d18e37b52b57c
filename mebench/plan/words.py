"""A plan in words: the table that ``mebench plan`` prints, and what it comes to."""

from __future__ import annotations

from mebench.api.durations import about
from mebench.api.plurals import counted
from mebench.plan.forecast import Forecast, ForecastRow
from mebench.plan.plan import Plan

COLUMNS = ("attack", "victim", "channel", "clone", "budget", "seeds", "state", "queries left", "time left")
"""The columns of the table."""
NUMBERS = ("budget", "seeds", "queries left", "time left")
"""Those with numbers."""
_MEASURED = {
    "results": "measured on finished trials in the results folder",
    "machine": "measured on this machine with {measure}",
    "file": "as the file says it was measured on {machine}",
}


def cells(row: ForecastRow) -> tuple[str, ...]:
    """A row of the table, as texts."""
    attack = row.attack if row.variant == "default" else f"{row.attack} {row.variant}"
    states = ", ".join(word if count == len(row.seeds) else f"{count} {word}" for word, count in row.states.items())
    time = "unknown" if row.seconds is None else about(row.seconds) if row.left else ""
    budget, queries = (f"{number:,}" if number else "" for number in (row.budget, row.queries))
    channel = row.channel if row.budget else ""
    return (attack, row.victim, channel, row.clone, budget, str(len(row.seeds)), states, queries, time)


def total(planned: Plan, ahead: Forecast, measure: str = "--measure") -> str:
    """What all of it comes to, in a sentence or two; ``measure`` is how one asks for speeds to be measured."""
    states = ", ".join(f"{count} {word}" for word, count in ahead.states().items())
    left = sum(row.left for row in ahead.rows)
    if not left:
        return f"{states}: nothing is left to run."
    where = {row.measured: _MEASURED[row.measured] for row in ahead.rows if row.measured}
    if not where:
        time = f"time unknown: nothing like these was measured; {measure} runs each for a few seconds"
    else:
        rest = f" for {left - ahead.unmeasured} of {counted(left, 'trial')}" if ahead.unmeasured else ""
        machine = planned.settings.speed.machine if planned.settings.speed else ""
        told = " and ".join(where.values()).format(machine=machine, measure=measure)
        time = f"about {about(ahead.seconds)} on one worker{rest}, {told}"
    return f"{states}; {counted(ahead.queries, 'query')} left; {time}.{_trainings(ahead)}"


def _trainings(ahead: Forecast) -> str:
    """What the training of victims adds."""
    if not ahead.trainings:
        return ""
    if None in ahead.trainings.values():
        return " The training of victims is not counted."
    whole = about(sum(seconds or 0.0 for seconds in ahead.trainings.values()))
    return f" Victims that are not in the cache train for about {whole} before."
