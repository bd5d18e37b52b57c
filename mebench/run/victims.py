"""Trying the victims of a plan that are a user's own, before anything attacks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mebench.api.errors import ConfigurationError, DataUnavailableError, MebenchError
from mebench.api.notices import notices_to
from mebench.api.spec import VictimSpec
from mebench.plan.plan import Plan
from mebench.run.runner import missing_files


@dataclass(frozen=True)
class TriedVictims:
    """What came of it.

    Attributes:
        problems: a line for each victim that cannot be attacked.
        notes: what their owner should know of the others, a line each.
    """

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def try_own_victims(plan: Plan) -> TriedVictims:
    """Try the victims of a plan that come with their weights, on the CPU; each is tried once, and then remembered.

    Those that mebench trains, or a plugin's, are left for a run. So are those whose data or files are not on this
    machine, which is said. Imports torch where there is anything to try.
    """
    problems: list[str] = []
    notes: list[str] = []
    for victim in plan.victims():
        if victim.training is not None or victim.registered is not None:
            continue
        if missing := list(missing_files(victim)):
            notes += missing
            continue
        try:
            notes += _try(plan, victim)
        except DataUnavailableError as error:
            notes.append(f"victim {victim.name!r} is not tried: {error}")
        except ConfigurationError as error:
            problems += error.problems
        except MebenchError as error:
            problems.append(str(error))
    return TriedVictims(tuple(problems), tuple(dict.fromkeys(notes)))


def _try(plan: Plan, victim: VictimSpec) -> Iterator[str]:
    """Try one, and return what is told of it."""
    from mebench.models.victims.loading import prepare_victim
    from mebench.trial.setup import unexplained

    heard: list[str] = []
    with notices_to(heard.append):
        behaviour = prepare_victim(victim).behaviour
    channels = {trial.channel.name for trial in plan.trials if trial.victim == victim and trial.kind == "attack"}
    if refused := [line for name in sorted(channels) if (line := unexplained(victim.name, name, behaviour))]:
        raise ConfigurationError(*refused)
    yield from heard
