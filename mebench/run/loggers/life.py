"""The life of a run, from what an engine tells and what trials write, as loggers are told it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mebench.api.errors import ResultsError
from mebench.api.run_events import EvaluationPoint, LoggedRun, LoggedTrial, RunEnd, RunEnding, TrialEnd
from mebench.api.spec import TrialSpec
from mebench.guard.diagnostics import KEY
from mebench.plan.plan import Plan
from mebench.results.trial_folder import TrialFolder
from mebench.run.engine import Job, Listener, Outcome
from mebench.run.loggers.told import Told
from mebench.run.runner import titles

LOOK_SECONDS = 1.0
"""Between two looks into the curves of running trials."""
_ENDINGS = {"done": "finished", "failed": "failed", "stopped": "stopped"}


class RunLife(Listener):
    """Tells loggers what happens; a context around the run.

    Args:
        told: the loggers.
        run: what begins.
        plan: whose trials.
        trials: those that run.
        between: whether curves are looked into while a trial runs; else when it has ended. Where trials run in this
            very process, code of others must not run in their midst.
        hurry: true once the user wants no more waiting.
    """

    def __init__(
        self,
        told: Sequence[Told],
        run: LoggedRun,
        plan: Plan,
        trials: Sequence[TrialSpec],
        *,
        between: bool,
        hurry: Callable[[], bool],
    ) -> None:
        self._told, self._run, self._hurry, self._between = told, run, hurry, between
        names = titles(trials)
        self._facts = {one.id: _facts(plan, one, names[one.id], run) for one in trials if told}
        self._running: dict[str, int] = {}
        self._counts = {"finished": 0, "failed": 0, "stopped": 0}
        self._level, self._looked = 0, float("-inf")

    def __enter__(self) -> RunLife:
        begun: list[Told] = []
        try:
            for one in self._told:
                one.begin(self._run)
                begun.append(one)
        except BaseException as error:
            self._close(begun, RunEnd("failed", reason=" ".join(str(error).split())))
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: object) -> None:
        ending: RunEnding = "failed" if error is not None else "stopped" if self._level else "finished"
        counts = (self._counts["finished"], self._counts["failed"])
        self._close(self._told, RunEnd(ending, *counts, " ".join(str(error or "").split())))

    def _close(self, told: Sequence[Told], end: RunEnd) -> None:
        for one in told:
            one.tell("run_ended", self._run, end)
        for one in told:
            one.end(self._hurry)

    def started(self, job: Job) -> None:
        """See `Listener`."""
        if (facts := self._facts.get(job.key)) and job.key not in self._running:
            self._running[job.key] = -1
            self._tell("trial_started", facts)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """See `Listener`."""
        if (facts := self._facts.get(job.key)) is None:
            return
        self.started(job)  # one whose victim failed was never started
        self._tell_evaluations(facts)
        del self._running[job.key]
        ending = _ENDINGS[outcome.ending]
        self._counts[ending] += 1
        self._tell(f"trial_{ending}", facts, _end(ending, facts, outcome))

    def interrupted(self, level: int) -> None:
        """See `Listener`."""
        self._level = level

    def tick(self) -> None:
        """Look now and then at what trials have written, and at what loggers say."""
        for one in self._told:
            one.look()
        if self._between and time.monotonic() - self._looked > LOOK_SECONDS:
            for key in list(self._running):
                self._tell_evaluations(self._facts[key])
            self._looked = time.monotonic()

    def _tell_evaluations(self, facts: LoggedTrial) -> None:
        """Tell the evaluations that are new, by their queries: a resumed trial writes its curve anew."""
        for point in _points(facts):
            if point.queries > self._running[facts.id]:
                self._running[facts.id] = point.queries
                self._tell("evaluated", facts, point)

    def _tell(self, call: str, *arguments: Any) -> None:
        for one in self._told:
            one.tell(call, *arguments)


def _facts(plan: Plan, trial: TrialSpec, title: str, run: LoggedRun) -> LoggedTrial:
    attack, variant, victim, channel = plan.names(trial)
    return LoggedTrial(
        trial.id,
        title,
        TrialFolder.of(run.folder, trial).path,
        trial.kind,
        attack,
        variant,
        victim,
        channel,
        trial.clone.name,
        trial.budget,
        trial.seed,
        trial.track,
        dict(trial.attack.parameters),
    )


def _points(facts: LoggedTrial) -> Iterator[EvaluationPoint]:
    """The evaluations that a trial has written so far."""
    try:
        lines = TrialFolder(facts.folder).curve()
    except ResultsError:
        return
    for line in lines:
        if isinstance(line, dict) and type(line.get("queries")) is int:
            told = line.get(KEY)
            numbers = {**(told if isinstance(told, dict) else {}), **line}
            yield EvaluationPoint(line["queries"], _finite(numbers, "queries"))


def _end(ending: Any, facts: LoggedTrial, outcome: Outcome) -> TrialEnd:
    metrics: Mapping[str, Any] = {}
    flags: Sequence[str] = ()
    if ending == "finished":
        with contextlib.suppress(ResultsError, LookupError, TypeError):
            result = TrialFolder(facts.folder).result()
            metrics, flags = result["metrics"], result.get("flags", ())
    return TrialEnd(ending, _finite(metrics), tuple(map(str, flags)), outcome.reason, outcome.seconds)


def _finite(numbers: Mapping[str, Any], *left_out: str) -> dict[str, float]:
    """The numbers that are known, by name."""
    return {
        name: float(value)
        for name, value in numbers.items()
        if name not in left_out and type(value) in (int, float) and math.isfinite(value)
    }
