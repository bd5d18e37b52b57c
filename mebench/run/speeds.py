"""Measuring on this machine how fast the trials and trainings of a plan are, each for a few seconds, before any runs.

Each is measured in a worker process, one after another: what runs beside it would slow it down. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mebench.api.errors import ConfigurationError
from mebench.api.progress import OnProgress, ShouldStop
from mebench.api.spec import TrialSpec, VictimSpec
from mebench.plan.grid import SUPERVISED
from mebench.plan.plan import Plan
from mebench.plan.speeds import KeptSpeeds, training_key, trial_key
from mebench.run.engine import Engine, Interrupts, Job, ProcessEngine
from mebench.run.runner import site, titles

SECONDS = 3.0
LONGEST = 300.0
"""Seconds after which a measurement is given up: an attack's first turn takes as long as it likes."""


@dataclass(frozen=True)
class Measurement:
    """What a job measures, and for how many seconds."""

    what: TrialSpec | VictimSpec
    seconds: float


def speeds_to_measure(plan: Plan, trials: list[TrialSpec], seconds: float = SECONDS) -> list[Job]:
    """A job for each speed that matters to the time that trials take, by the key that it is kept under.

    Args:
        plan: whose profile says where they run.
        trials: those that are left.
        seconds: that each is measured for.
    """
    names = titles(trials)
    device = plan.settings.device
    work: dict[str, tuple[str, TrialSpec | VictimSpec]] = {}
    for trial in trials:
        if trial.victim.training is not None:
            work.setdefault(training_key(trial.victim, device), (f"victim {trial.victim.name}", trial.victim))
        work.setdefault(trial_key(trial, device), (names[trial.id], trial))
    return [
        Job(key, title, "mebench.run.speeds:measure", Measurement(what, seconds), timeout=LONGEST)
        for key, (title, what) in work.items()
    ]


def measure_here(plan: Plan, trials: Sequence[TrialSpec], jobs: Sequence[Job]) -> list[str]:
    """Do the jobs on this machine, and keep what they measure for all plans to come.

    Args:
        plan: whose profile says which device it wants.
        trials: those that the jobs were made for.
        jobs: of `speeds_to_measure`.

    Returns:
        A line for each speed that could not be measured.

    Raises:
        ConfigurationError: data, plugins or devices are missing.
        KeyboardInterrupt: the user stopped it; nothing is kept.
    """
    with Interrupts() as interrupts:
        found = site(ProcessEngine(["cpu"], interrupts=interrupts), plan, trials) if jobs else None
        if found is not None and found.problems:
            raise ConfigurationError(*found.problems)
        speeds, failed = measured(ProcessEngine([found.devices[0] if found else "cpu"], interrupts=interrupts), jobs)
        if interrupts.level:
            raise KeyboardInterrupt
    KeptSpeeds.read().keep(speeds)
    return [f"not measured: {line}" for line in failed]


def measured(engine: Engine, jobs: Sequence[Job]) -> tuple[dict[str, float], list[str]]:
    """Do the jobs; return the speeds by key, and a line for each that could not be measured."""
    titles_of = {job.key: job.title for job in jobs}
    outcomes = engine.run(jobs)
    speeds = {key: float(outcome.value) for key, outcome in outcomes.items() if outcome.ending == "done"}
    failed = [f"{titles_of[key]}: {one.reason}" for key, one in outcomes.items() if one.ending == "failed"]
    return speeds, failed


def measure(payload: Measurement, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> float:
    """Measure one speed, as an engine calls it."""
    from mebench.trial.speed import supervised_speed, training_speed, trial_speed

    what = payload.what
    if isinstance(what, VictimSpec):
        return training_speed(what, seconds=payload.seconds, device=device)
    speed = supervised_speed if what.kind == SUPERVISED else trial_speed
    return speed(what, seconds=payload.seconds, device=device)
