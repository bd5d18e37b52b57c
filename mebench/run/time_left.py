"""How long a run still takes: by the pace of its own trials, and before that by what was measured earlier."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mebench.api.durations import about
from mebench.api.spec import TrialSpec
from mebench.plan.forecast import Kind, kind_of, work_of
from mebench.run.engine import Job
from mebench.run.pace import Clock, Pace
from mebench.run.runner import victim_key

OWN_PHASES = ("attack", "supervised", "standard")
"""Phases of a trial itself; in others it prepares its victim."""


@dataclass(frozen=True)
class Estimate:
    """Time that is left.

    Attributes:
        seconds: from now.
        whole: whether they cover all that is left; otherwise it takes at least so long.
    """

    seconds: float
    whole: bool = True

    def __str__(self) -> str:
        """In words, such as ``about 3 min left``."""
        return f"{'about' if self.whole else 'at least'} {about(self.seconds)} left"


@dataclass(frozen=True)
class Task:
    """A trial as estimates see it.

    Attributes:
        row: the same for trials that differ in the seed and the budget alone.
        kind: attack, victim and clone.
        work: what there is to do; see `mebench.plan.forecast.work_of`.
        native: whether it ends with its queries, and no other learner comes after them.
    """

    row: str
    kind: Kind
    work: int
    native: bool

    @property
    def attack(self) -> str:
        """The attack's name."""
        return self.kind[0]

    @classmethod
    def of(cls, spec: TrialSpec) -> Task:
        """Take from a spec what matters."""
        return cls(replace(spec, seed=0, budget=0).id, kind_of(spec), work_of(spec), spec.track == "native")


@dataclass
class Speeds:
    """Work per second of trials: queries, or whole trials where a reference is trained.

    Attributes:
        before: of finished trials in the results folder (see `mebench.plan.forecast.measured_speeds`), or measured on
            this machine (see `mebench.plan.speeds`).
        stated: by attack, as the benchmark's file says they were measured on some machine.
    """

    before: Mapping[Kind, float] = field(default_factory=dict)
    stated: Mapping[str, float] = field(default_factory=dict)
    _seen: dict[object, tuple[float, float]] = field(default_factory=dict)

    def learn(self, task: Task, work: float, seconds: float) -> None:
        """Take in how long some of a trial's work took."""
        for key in (task.row, task.kind, task.attack):
            done, taken = self._seen.get(key, (0.0, 0.0))
            self._seen[key] = (done + work, taken + seconds)

    def of(self, task: Task) -> float | None:
        """The speed of what is most like a trial, or None if nothing is known."""
        for key in (task.row, task.kind):
            if (speed := self._learnt(key)) is not None:
                return speed
        if (speed := self.before.get(task.kind)) is not None:
            return speed
        if (said := self.stated.get(task.attack)) is not None:
            return said * self._machine()
        return self._learnt(task.attack)

    def _learnt(self, key: object) -> float | None:
        work, seconds = self._seen.get(key, (0.0, 0.0))
        return work / seconds if work > 0 and seconds > 0 else None

    def _machine(self) -> float:
        """How much faster this machine is than the one of the file, by the attacks that both have run."""
        ratios = [speed / said for name, said in self.stated.items() if (speed := self._learnt(name))]
        return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 1.0


class TimeLeft:
    """Estimates what is left of a run; None as long as nothing is known.

    Args:
        trials: those that will run, in their order.
        slots: how many run at once.
        speeds: what is known before the run.
        clock: seconds, monotonic.
    """

    def __init__(self, trials: Sequence[TrialSpec], slots: int, speeds: Speeds, clock: Clock) -> None:
        self._tasks = {trial.id: Task.of(trial) for trial in trials}
        self._waiting = dict(self._tasks)
        self._victims = {victim_key(trial.victim) for trial in trials}
        self._slots, self._speeds, self._clock = slots, speeds, clock
        self._started: dict[str, float] = {}
        self._first: dict[str, tuple[float, float]] = {}  # time and fraction of a trial's first report
        self._start_ups: list[float] = []

    def started(self, job: Job) -> None:
        """A job is no longer waiting, nor is what it needs."""
        self._waiting.pop(job.key, None)
        self._victims -= {job.key, *job.needs}
        self._started[job.key] = self._clock()

    def progressed(self, job: Job, pace: Pace) -> None:
        """Note when a trial's own work has begun, and how far it was then."""
        if job.key in self._tasks and job.key not in self._first and _own(pace):
            now = self._clock()
            self._first[job.key] = (now, pace.fraction)
            self._start_ups.append(now - self._started.get(job.key, now))

    def retried(self, job: Job) -> None:
        """A job waits again."""
        self._first.pop(job.key, None)
        if job.key in self._tasks:
            self._waiting[job.key] = self._tasks[job.key]
        else:
            self._victims.add(job.key)

    def ended(self, job: Job, *, done: bool) -> None:
        """Learn from a trial that is done."""
        self._waiting.pop(job.key, None)
        self._victims.discard(job.key)
        if done and job.key in self._first:
            begun, fraction = self._first[job.key]
            task = self._tasks[job.key]
            self._speeds.learn(task, (1 - fraction) * task.work, self._clock() - begun)

    def of(self, job: Job, pace: Pace, speeds: Speeds | None = None) -> Estimate | None:
        """What is left of a running job."""
        task = self._tasks.get(job.key)
        own = Estimate(pace.left) if pace.left is not None else None
        if task is None:  # a victim, or whatever prepares
            return own
        tells = own is not None and _own(pace) and _is_telling(pace)
        if tells and (task.native or pace.phase == "standard"):
            return own
        if (speed := (speeds or self._speeds).of(task)) is None:
            return Estimate(own.seconds, whole=False) if own and tells else None
        fraction = pace.fraction if _own(pace) else 0.0
        return Estimate(max(0.0, (1 - fraction) * task.work / speed - pace.silence))

    def of_all(self, running: Mapping[str, tuple[Job, Pace]]) -> Estimate | None:
        """What is left of the run, with as many trials at once as there are slots."""
        speeds = self._with_running(running)
        found = [self.of(job, pace, speeds) for job, pace in running.values()]
        waiting = [self._of_waiting(task, speeds) for task in self._waiting.values()]
        known = [one.seconds for one in found if one is not None]
        planned = [seconds for seconds in waiting if seconds is not None]
        if not known and not planned:
            return None
        slots = sorted([*known, *[0.0] * (self._slots - len(known))])
        for seconds in planned:
            heapq.heapreplace(slots, slots[0] + seconds)
        whole = all(one is not None and one.whole for one in found) and None not in waiting and not self._victims
        return Estimate(max(slots), whole)

    def _of_waiting(self, task: Task, speeds: Speeds) -> float | None:
        speed = speeds.of(task)
        start_up = sum(self._start_ups) / len(self._start_ups) if self._start_ups else 0.0
        return None if speed is None else start_up + task.work / speed

    def _with_running(self, running: Mapping[str, tuple[Job, Pace]]) -> Speeds:
        """What is known, with the pace of trials that are running."""
        speeds = replace(self._speeds, _seen=dict(self._speeds._seen))
        for key, (_, pace) in running.items():
            task, first = self._tasks.get(key), self._first.get(key)
            if task and first and task.native and _is_telling(pace):
                begun, fraction = first
                speeds.learn(task, (pace.fraction - fraction) * task.work, self._clock() - pace.silence - begun)
        return speeds


def _own(pace: Pace) -> bool:
    return pace.phase in OWN_PHASES


def _is_telling(pace: Pace) -> bool:
    """Whether a pace is worth going by: evaluations are part of it, so one must have been made."""
    return pace.phase != "attack" or (pace.latest is not None and pace.latest.accuracy is not None)
