"""What an engine runs, what becomes of it, and who is told."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from mebench.api.progress import OnProgress, Progress, ShouldStop
from mebench.run.engine.settings import EngineSettings

Ending = Literal["done", "failed", "stopped"]
Cause = Literal["error", "crash", "timeout", "stall", "full disk", "lost worker", "out of memory"]
"""Why a job failed; see `mebench.run.engine.retries`."""


class Work(Protocol):
    """The function of a job. It raises `mebench.api.progress.Stopped` if it stopped because it was asked to."""

    def __call__(self, payload: Any, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> Any:
        """Do the work, and return something small that can be pickled."""


class Movable(Protocol):
    """The payload of a job that reads and writes a folder."""

    def moved(self, folder: Path) -> Any:
        """The same payload for another folder."""


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
        folder: all that it reads and writes that others want, or None; its log is in there, its payload is `Movable`.
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
    folder: Path | None = None

    def moved(self, folder: Path) -> Job:
        """The same job with its log, and its folder if it has one, in another place."""
        log = folder / self.log.name if self.log else None
        if self.folder is None:
            return replace(self, log=log)
        payload: Movable = self.payload
        return replace(self, log=log, folder=folder, payload=payload.moved(folder))

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
    """Runs jobs. Close it after use, or use it in a ``with`` block."""

    @classmethod
    @abstractmethod
    def opened(cls, settings: EngineSettings) -> Self:
        """An engine that can run what needs no device in particular; see `equip`."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many jobs run at once, as far as that is known."""

    def equip(self, devices: Sequence[str]) -> None:  # noqa: B027 (not all have any)
        """Say where the jobs that come can run.

        Args:
            devices: as torch names them: ``cpu``, or one or more GPUs.
        """

    def close(self) -> None:  # noqa: B027 (not all have anything to end)
        """End all that it has started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abstractmethod
    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        """Run the jobs in their order, as far as what they need allows.

        Returns:
            What became of each job, by key. A job that was never started, because the user stopped the run, is
            not in it.
        """
