"""What an engine runs, what becomes of it, and who is told."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from mebench.api.progress import OnProgress, Progress, ShouldStop

Ending = Literal["done", "failed", "stopped"]
Cause = Literal["error", "crash", "timeout", "stall", "full disk", "lost worker", "out of memory"]
"""Why a job failed; see `mebench.run.engine.retries`."""


class Work(Protocol):
    """The function of a job. It raises `mebench.api.progress.Stopped` if it stopped because it was asked to."""

    def __call__(self, payload: Any, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> Any:
        """Do the work, and return something small that can be pickled."""


@dataclass(frozen=True)
class Job:
    """One piece of work, in words that can be sent to another process or machine.

    Attributes:
        key: tells it apart from the other jobs of a run.
        title: shown to the user.
        target: ``"module:function"``; see `Work`.
        payload: its first argument; picklable.
        needs: keys of jobs that must be done before it starts.
        log: file that gets its stdout and stderr, appended; None throws them away.
        timeout: seconds that it may take, or None.
        stall: seconds that it may go without a sign of life, or None; see `mebench.api.progress.heartbeat`.
        subject: whose code it runs, said where its process ends without a word; may be empty.
        retries: how often it is tried again where the cause of its failure passes.
    """

    key: str
    title: str
    target: str
    payload: Any = None
    needs: tuple[str, ...] = ()
    log: Path | None = None
    timeout: float | None = None
    stall: float | None = None
    subject: str = ""
    retries: int = 0

    @property
    def meanwhile(self) -> str:
        """A clause on whose code was running."""
        return f", while it ran {self.subject}" if self.subject else ""

    def load(self) -> Work:
        """Import the function."""
        module, _, name = self.target.partition(":")
        work: Work = getattr(importlib.import_module(module), name)
        return work


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        ending: ``done``, ``failed``, or ``stopped`` (asked to by the user; it can go on later).
        value: what the function returned.
        reason: one line on why it is not done.
        traceback: of the exception, if there was one.
        seconds: from its start to its end.
        cause: of a failure.
    """

    ending: Ending
    value: Any = None
    reason: str = ""
    traceback: str = ""
    seconds: float = 0.0
    cause: Cause = "error"


class Listener:
    """Is told what happens, always from the thread that runs the engine. Overrides what it cares for."""

    def started(self, job: Job) -> None:
        """A job starts."""

    def progressed(self, job: Job, progress: Progress) -> None:
        """A running job tells how far it is; at most about five times a second."""

    def retried(self, job: Job, outcome: Outcome) -> None:
        """A job's try has failed of what passes: it will start once more."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """A job has ended, or cannot start because one that it needs has failed."""

    def interrupted(self, level: int) -> None:
        """The user asked to stop (1), or to stop at once (2)."""

    def tick(self) -> None:
        """Time passes; several times a second."""


class Engine(ABC):
    """Runs jobs."""

    @abstractmethod
    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        """Run the jobs in their order, as far as what they need allows.

        Returns:
            What became of each job, by key. A job that was never started, because the user stopped the run, is
            not in it.
        """
