"""What happens in the life of a run, as loggers are told it: plain values, frozen, picklable. Imports no torch.

Nothing here holds the victim, its weights, its answers or the test data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TrialEnding = Literal["finished", "failed", "stopped"]
RunEnding = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True)
class LoggedRun:
    """A run, as it begins.

    Attributes:
        benchmark, title, profile: of the benchmark file.
        scale: ``paper``, or ``reduced``.
        folder: of its results.
        trials: how many run; those that were finished before are not among them.
        version: of mebench.
    """

    benchmark: str
    title: str
    profile: str
    scale: str
    folder: Path
    trials: int
    version: str


@dataclass(frozen=True)
class LoggedTrial:
    """A trial, as it begins.

    Attributes:
        id: content id, and the name of its folder.
        title: a few words that tell it apart from the other trials of the run.
        folder: of its files.
        kind: ``attack``, or ``supervised`` for a reference.
        attack, variant, victim, channel, clone: as tables name them.
        budget: queries.
        seed: of the trial.
        track: ``native``, or ``standard``.
        parameters: of the attack, all of them.
    """

    id: str
    title: str
    folder: Path
    kind: str
    attack: str
    variant: str
    victim: str
    channel: str
    clone: str
    budget: int
    seed: int
    track: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class EvaluationPoint:
    """One evaluation of a clone.

    Attributes:
        queries: spent.
        metrics: every number of the evaluation that is known, by name: ``accuracy`` and ``fidelity``, from 0 to 1,
            other metrics, ``test_inputs``, and what the strategy tells of itself.
    """

    queries: int
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended.

    Attributes:
        ending: ``finished``; ``failed``; or ``stopped``, and can go on later.
        metrics: of the result, by name; empty unless finished.
        flags: of the result.
        reason: why it is not finished, in one line.
        seconds: that it ran in this run.
    """

    ending: TrialEnding
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    flags: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        ending: ``finished``: everything was tried; ``stopped`` by the user; or ``failed`` as a whole.
        finished, failed: trials, in this run.
        reason: why the run failed as a whole.
    """

    ending: RunEnding
    finished: int = 0
    failed: int = 0
    reason: str = ""


class RunLogger:
    """Is told what happens in a run. Override what you care for; an object with some of these methods will do, too.

    Trials run side by side, so calls about several of them are mixed. Every trial that has started ends in one of
    ``trial_finished``, ``trial_failed`` and ``trial_stopped``, and every run in ``run_ended``. A trial that goes on
    from a checkpoint tells all of its evaluations once more, those of earlier runs first.
    """

    def run_started(self, run: LoggedRun) -> None:
        """The run begins."""

    def trial_started(self, trial: LoggedTrial) -> None:
        """A trial begins, or goes on from its checkpoint."""

    def evaluated(self, trial: LoggedTrial, point: EvaluationPoint) -> None:
        """A trial's clone was evaluated; up to some seconds ago."""

    def trial_finished(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """A trial has its result."""

    def trial_failed(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """A trial has failed for good, or could not start since its victim has."""

    def trial_stopped(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """A trial was stopped by the user, and can go on."""

    def run_ended(self, run: LoggedRun, end: RunEnd) -> None:
        """The run is over; the last call."""


CALLS = tuple(name for name in vars(RunLogger) if not name.startswith("_"))
"""The methods of a `RunLogger`."""
