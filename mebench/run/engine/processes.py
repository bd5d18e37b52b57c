"""Runs each job in a process of its own, as many at once as there are slots."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from types import FrameType
from typing import Self

from mebench.run.engine.forkserver import end_left_behind
from mebench.run.engine.handle import WorkerHandle
from mebench.run.engine.interrupts import KILL, Interrupts
from mebench.run.engine.jobs import Engine, Job, Listener, Outcome
from mebench.run.engine.schedule import Schedule
from mebench.run.engine.settings import EngineSettings
from mebench.run.engine.worker import Order, settings_of

TICK_SECONDS = 0.2


class ProcessEngine(Engine):
    """Whatever happens to a process, only its job is lost: it may raise, exit, hang, be killed or run out of memory.

    Args:
        slots: a device for each process that may run at once, as torch names it.
        threads: of torch's operations in each process; the same for all, since results depend on it.
        interrupts: the user's requests to stop.
        variables: mebench's own environment variables for the jobs, if not those of this process.
    """

    def __init__(
        self,
        slots: Sequence[str],
        threads: int = 1,
        interrupts: Interrupts | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        assert slots, "an engine needs a slot"
        self._variables = variables
        self._free = list(slots)
        self._threads = threads
        self._interrupts = interrupts or Interrupts()
        self._settings = EngineSettings(len(slots), threads, len(slots), self._interrupts)
        self._level = 0
        self._running: list[WorkerHandle] = []

    @classmethod
    def opened(cls, settings: EngineSettings) -> Self:
        """See `Engine.opened`."""
        engine = cls(settings.slots(("cpu",)), settings.threads, settings.interrupts)
        engine._settings = settings
        return engine

    @property
    def slots(self) -> int:
        """See `Engine.slots`."""
        return len(self._free) + len(self._running)

    def equip(self, devices: Sequence[str]) -> None:
        """See `Engine.equip`; not while jobs run."""
        assert not self._running
        self._free = self._settings.slots(devices)

    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        """See `Engine.run`. On return no process that it started is left."""
        schedule = Schedule(jobs, listeners)
        try:
            with self._suspended_together():
                while self._running or (schedule.waiting and not self._interrupts.level):
                    self._start_what_fits(schedule, listeners)
                    self._listen(listeners)
                    self._obey(listeners)
                    self._collect(schedule)
                    for listener in listeners:
                        listener.tick()
        finally:
            self._kill_all()
        return schedule.outcomes

    def _start_what_fits(self, schedule: Schedule, listeners: Sequence[Listener]) -> None:
        while self._free and not self._interrupts.level and (job := schedule.next()):
            for listener in listeners:
                listener.started(job)
                listener.tick()
            device = self._free.pop(0)
            try:
                variables = settings_of(os.environ) if self._variables is None else self._variables
                self._running.append(WorkerHandle(Order(job, device, self._threads, variables)))
            except (OSError, EOFError) as error:
                self._free.append(device)
                reason = f"no process could be started for it: {error!r}"
                schedule.end(job, Outcome("failed", reason=reason, cause="lost worker"))

    def _listen(self, listeners: Sequence[Listener]) -> None:
        wait([end for one in self._running for end in (one.connection, one.process.sentinel)], timeout=TICK_SECONDS)
        for one in self._running:
            if (progress := one.receive()) is not None:
                for listener in listeners:
                    listener.progressed(one.job, progress)

    def _obey(self, listeners: Sequence[Listener]) -> None:
        """Pass on what the user asked for since the last look, and see to the limits."""
        if self._interrupts.level != self._level:
            self._level = self._interrupts.level
            for listener in listeners:
                listener.interrupted(self._level)
            for one in self._running:
                one.ask_to_stop()
                if self._level == KILL:
                    one.kill()
        for one in self._running:
            one.enforce_limits()
            one.keep_log_small()

    def _collect(self, schedule: Schedule) -> None:
        for one in [one for one in self._running if not one.alive]:
            self._running.remove(one)
            self._free.append(one.order.device)
            outcome = one.outcome()
            end_left_behind()
            schedule.end(one.job, outcome)

    def _kill_all(self) -> None:
        for one in self._running:
            one.kill()
            one.process.join()
        if self._running:
            end_left_behind()
        self._running.clear()

    @contextlib.contextmanager
    def _suspended_together(self) -> Iterator[None]:
        """Stop the workers too when the user presses Ctrl-Z: they are in process groups of their own."""
        try:
            before = signal.signal(signal.SIGTSTP, self._suspend)
        except ValueError:  # not the main thread
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        asleep = time.monotonic()
        for one in self._running:
            one.freeze(True)
        os.kill(os.getpid(), signal.SIGSTOP)
        for one in self._running:
            one.freeze(False)
            one.pause(time.monotonic() - asleep)
