"""What running a plan would mean: what is done already, how many queries are left, and how long that takes.

Times come from measurements: of finished trials of the same attack, victim and clone in the results folder, or else
of this machine by ``mebench plan --measure``, or else from the speeds that the benchmark's file says were measured, and
where. Without any they are unknown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mebench.api.errors import ResultsError
from mebench.api.files import read_json
from mebench.api.spec import TrialSpec
from mebench.plan.grid import SUPERVISED
from mebench.plan.plan import Plan
from mebench.plan.speeds import KeptSpeeds, training_key, trial_key
from mebench.plan.state import PlanState, State
from mebench.results.trial_folder import TrialFolder, trial_folders

STATES: Mapping[State, str] = {
    "new": "new",
    "partial": "partial",
    "running": "running",
    "finished": "done",
    "failed": "failed",
    "damaged": "damaged",
    "other code": "other code",
}
"""The words in which states are shown."""
Kind = tuple[str, str, str]
"""Attack, victim and clone: trials that are taken to be equally fast."""


def kind_of(spec: TrialSpec) -> Kind:
    """Which trials one is as fast as."""
    return spec.attack.name, spec.victim.name, spec.clone.name


def work_of(spec: TrialSpec) -> int:
    """What a trial has to do, in the unit that speeds are measured in: its queries; 1 for a reference."""
    return 1 if spec.kind == SUPERVISED else spec.budget


@dataclass(frozen=True)
class ForecastRow:
    """One row of the leaderboard to be: trials that differ only by seed.

    Attributes:
        states: how many of its trials are ``new``, ``partial``, ``running``, ``done``, ``failed``, ``damaged`` and made
            by ``other code``.
        queries: left to be asked, over all seeds.
        seconds: left on one worker; None if nothing like it has been measured.
        measured: where: ``results`` (finished trials in the results folder), ``machine`` (``--measure``), ``file``,
            or empty.
    """

    attack: str
    variant: str
    victim: str
    channel: str
    clone: str
    budget: int
    seeds: tuple[int, ...]
    states: dict[str, int]
    queries: int
    seconds: float | None
    measured: str

    @property
    def left(self) -> int:
        """The number of trials that are not done."""
        return len(self.seeds) - self.states.get("done", 0)


@dataclass(frozen=True)
class Forecast:
    """All rows of a plan, against one results folder.

    Attributes:
        rows: of the leaderboard to be.
        other_code: what is other code than when trials were run, a line each, and for how many trials.
        trainings: seconds that it takes to train each victim that open trials need; None if unknown. One that is
            in the cache is not trained again.
        damage: what is wrong with trials that are damaged, by their ids.
        running: the process that is at work on a trial, by the trial's id.
    """

    rows: list[ForecastRow]
    other_code: dict[str, int]
    trainings: dict[str, float | None]
    damage: Mapping[str, str]
    running: Mapping[str, str]

    def states(self) -> dict[str, int]:
        """The number of trials in each state."""
        total: Counter[str] = Counter()
        for row in self.rows:
            total.update(row.states)
        return {word: total[word] for word in STATES.values() if total[word]}

    @property
    def queries(self) -> int:
        """Queries that are left."""
        return sum(row.queries for row in self.rows)

    @property
    def seconds(self) -> float:
        """Seconds that are left on one worker, as far as they are known."""
        return sum(row.seconds or 0.0 for row in self.rows)

    @property
    def unmeasured(self) -> int:
        """The number of trials that are left and whose time is not known."""
        return sum(row.left for row in self.rows if row.seconds is None)


def forecast(plan: Plan, out: Path, *, keep_other_code: bool = False) -> Forecast:
    """Compare a plan with a results folder, which need not exist; see `PlanState`."""
    found = PlanState.of(plan, out, keep_other_code=keep_other_code)
    statuses = {name: state for name, (_, state) in zip(plan.ids, found.trials, strict=True)}
    unfinished = any(status != "finished" for status in statuses.values())
    speeds = measured_speeds(out) if unfinished and out.is_dir() else {}
    goes_on = [name for name, state in statuses.items() if state in ("partial", "failed") and name not in found.changes]
    spent = {name: _spent(out / name) for name in goes_on if TrialFolder(out / name).checkpoint.exists()}
    spent |= {name: _spent(out / name) for name in found.holders}
    kept = KeptSpeeds.read() if unfinished else KeptSpeeds()
    rows = [_row(plan, trials, statuses, speeds, kept, spent) for trials in plan.rows]
    return Forecast(rows, found.other_code(), _trainings(plan, found, kept), found.damage, found.holders)


def _trainings(plan: Plan, found: PlanState, kept: KeptSpeeds) -> dict[str, float | None]:
    """Seconds of the training of each victim that open trials need."""
    times: dict[str, float | None] = {}
    for trial in found.pending:
        if trial.victim.training is not None:
            speed = kept.get(training_key(trial.victim, plan.settings.device))
            times[trial.victim.name] = 1 / speed if speed else None
    return times


def measured_speeds(out: Path) -> dict[Kind, float]:
    """Mean queries per second (trials per second for supervised references) of the finished trials of a folder."""
    found: dict[Kind, list[float]] = {}
    for folder in trial_folders(out):
        for kind, speed in _speed(folder):
            found.setdefault(kind, []).append(speed)
    return {kind: len(speeds) / sum(1 / speed for speed in speeds) for kind, speeds in found.items()}


def _speed(folder: TrialFolder) -> Iterator[tuple[Kind, float]]:
    """The speed of one finished trial; nothing if its files do not tell."""
    if folder.status != "finished":
        return
    try:
        spec = read_json(folder.path / "spec.json")
        timing = read_json(folder.path / "timing.json")
        kind = (spec["attack"]["name"], spec["victim"]["name"], spec["clone"]["name"])
        speed = timing["queries_per_second"] if spec["kind"] != SUPERVISED else 1 / timing["seconds"]
        speed = float(speed)
    except (ResultsError, LookupError, TypeError, ValueError, ArithmeticError):
        return
    if math.isfinite(speed) and speed > 0 and all(isinstance(name, str) for name in kind):
        yield kind, speed


def _row(
    plan: Plan,
    trials: Mapping[str, TrialSpec],
    statuses: Mapping[str, State],
    speeds: Mapping[Kind, float],
    kept: KeptSpeeds,
    spent: Mapping[str, int],
) -> ForecastRow:
    """What is left of the trials of one row."""
    first = next(iter(trials.values()))
    attack, variant, victim, channel = plan.names(first)
    counts = Counter(STATES[statuses[name]] for name in trials)
    open_trials = [name for name in trials if statuses[name] != "finished"]
    queries = sum(first.budget - spent.get(name, 0) for name in open_trials)
    stated = plan.settings.speed.queries_per_second.get(attack) if plan.settings.speed else None
    known = {
        "results": speeds.get(kind_of(first)),
        "machine": kept.get(trial_key(first, plan.settings.device)),
        "file": stated,
    }
    work = len(open_trials) if first.kind == SUPERVISED else queries
    measured, speed = next(((where, speed) for where, speed in known.items() if speed), ("", None))
    seconds = work / (speed or math.inf)
    return ForecastRow(
        attack=attack,
        variant=variant if first.track == "native" else f"{variant}, {first.track} learner",
        victim=victim,
        channel=channel,
        clone=first.clone.name,
        budget=first.budget,
        seeds=tuple(trial.seed for trial in trials.values()),
        states={word: counts[word] for word in STATES.values() if counts[word]},
        queries=queries,
        seconds=seconds if seconds or not work else None,
        measured=measured if work else "",
    )


def _spent(path: Path) -> int:
    """Queries that a begun trial had spent at its last evaluation."""
    try:
        points: list[Any] = TrialFolder(path).curve()
    except ResultsError:  # the run that goes on says more
        return 0
    spent = points[-1].get("queries", 0) if points and isinstance(points[-1], dict) else 0
    return spent if isinstance(spent, int) else 0
