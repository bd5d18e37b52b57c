"""Runs jobs one after another in this process: for debugging, and where no process can be started."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Self, TextIO

from mebench.api.progress import Progress
from mebench.run.engine.interrupts import KILL, Interrupts
from mebench.run.engine.jobs import Engine, Job, Listener, Outcome
from mebench.run.engine.schedule import Schedule
from mebench.run.engine.settings import EngineSettings
from mebench.run.engine.worker import Order, Throttle, attempt, limit_threads


class InlineEngine(Engine):
    """Same jobs, same outcomes as `ProcessEngine`, but a job that kills its process kills this one, a timeout is
    noticed only where the job asks whether it should stop, and what the job prints goes to the terminal. What a job
    changes for all that run in this process is put back after it.

    Args:
        device: as torch names it.
        threads: of torch's operations.
        interrupts: the user's requests to stop; make it with ``raise_when_killed=True``.
    """

    def __init__(self, device: str = "cpu", threads: int = 1, interrupts: Interrupts | None = None) -> None:
        self._device, self._threads = device, threads
        self._interrupts = interrupts or Interrupts()

    @classmethod
    def opened(cls, settings: EngineSettings) -> Self:
        """See `Engine.opened`."""
        return cls("cpu", settings.threads, settings.interrupts)

    @property
    def slots(self) -> int:
        """See `Engine.slots`."""
        return 1

    def equip(self, devices: Sequence[str]) -> None:
        """See `Engine.equip`."""
        self._device = devices[0]

    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        """See `Engine.run`."""
        schedule = Schedule(jobs, listeners)
        with _threads_limited(self._threads):
            while not self._interrupts.level and (job := schedule.next()):
                for listener in listeners:
                    listener.started(job)
                schedule.end(job, self._attempt(job, listeners))
        return schedule.outcomes

    def _attempt(self, job: Job, listeners: Sequence[Listener]) -> Outcome:
        deadline = time.monotonic() + job.timeout if job.timeout is not None else float("inf")

        def on_progress(progress: Progress) -> None:
            for listener in listeners:
                if self._interrupts.level:
                    listener.interrupted(self._interrupts.level)
                listener.progressed(job, progress)
                listener.tick()

        def should_stop() -> bool:
            return bool(self._interrupts.level) or time.monotonic() > deadline

        try:
            with _streams_kept(), _surroundings_kept(job.title), self._interrupts.breaking_into():
                outcome = attempt(Order(job, self._device, self._threads), Throttle(on_progress), should_stop)
        except KeyboardInterrupt:
            if self._interrupts.level != KILL:
                raise
            return Outcome("stopped")
        if (
            self._interrupts.level == KILL and outcome.ending == "failed"
        ):  # whatever the exception has become on its way
            return Outcome("stopped")
        if outcome.ending == "stopped" and not self._interrupts.level:
            reason = f"took longer than {job.timeout:g} s (--timeout){job.meanwhile}"
            return replace(outcome, ending="failed", reason=reason, cause="timeout")
        return outcome


@contextmanager
def _threads_limited(threads: int) -> Iterator[None]:
    """Before the first job, so that no job changes what is looked at around it."""
    import torch

    before = torch.get_num_threads()
    limit_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _surroundings_kept(title: str) -> AbstractContextManager[None]:
    from mebench.guard.surroundings import kept  # which imports torch

    return kept(title)


@contextmanager
def _streams_kept() -> Iterator[None]:
    """Give this process its stdout and stderr back, whatever the job did to them, closing them included."""
    names = {1: "stdout", 2: "stderr"}
    before = {number: (getattr(sys, name), _duplicate(number)) for number, name in names.items()}
    with contextlib.ExitStack() as opened:
        for stream, _ in before.values():
            opened.enter_context(_kept_open(stream))
        try:
            yield
        finally:
            for number, (stream, copy) in before.items():
                if copy is not None:
                    os.dup2(copy, number)
                    os.close(copy)
                setattr(sys, names[number], stream)


@contextmanager
def _kept_open(stream: TextIO | None) -> Iterator[None]:
    """Let ``close()`` only flush: what comes after a plugin that closes its stdout writes, too."""
    if stream is None or not hasattr(stream, "__dict__"):
        yield
        return
    stream.close = stream.flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        del stream.close


def _duplicate(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:  # it was closed before the job
        return None
