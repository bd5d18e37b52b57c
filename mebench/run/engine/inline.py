"""Runs jobs one after another in this process: for debugging, and where no process can be started."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mebench.api.progress import Progress
from mebench.run.engine.interrupts import Interrupts
from mebench.run.engine.jobs import Engine, Job, Listener, Outcome
from mebench.run.engine.schedule import Schedule
from mebench.run.engine.worker import Order, Throttle, attempt


class InlineEngine(Engine):
    """Same jobs, same outcomes as `ProcessEngine`, but a job that kills its process kills this one, a timeout is
    noticed only where the job asks whether it should stop, and what the job prints goes to the terminal.

    Args:
        device: as torch names it.
        threads: of torch's operations.
        interrupts: the user's requests to stop; make it with ``raise_when_killed=True``.
    """

    def __init__(self, device: str = "cpu", threads: int = 1, interrupts: Interrupts | None = None) -> None:
        self._device, self._threads = device, threads
        self._interrupts = interrupts or Interrupts()

    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        """See `Engine.run`."""
        schedule = Schedule(jobs, listeners)
        with _threads_restored():
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
            outcome = attempt(Order(job, self._device, self._threads), Throttle(on_progress), should_stop)
        except KeyboardInterrupt:
            return Outcome("stopped")
        if outcome.ending == "stopped" and not self._interrupts.level:
            reason = f"took longer than {job.timeout:g} s (--timeout){job.meanwhile}"
            return replace(outcome, ending="failed", reason=reason)
        return outcome


@contextmanager
def _threads_restored() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
