"""The engine's side of one worker process: what it says, how it is ended, and what its end means."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import replace

from mebench.api.progress import Progress
from mebench.run.engine.beating import bury
from mebench.run.engine.forkserver import CONTEXT, start_process
from mebench.run.engine.jobs import Cause, Job, Outcome
from mebench.run.engine.log import note_death
from mebench.run.engine.log_size import keep_small
from mebench.run.engine.retries import cause_of_death, out_of_memory_kills
from mebench.run.engine.worker import Order, work

STOP_GRACE_SECONDS = 30.0
EXIT_GRACE_SECONDS = 5.0
STOPPED_FROM_OUTSIDE = "was asked to stop by SIGTERM from outside mebench"
SILENCE_SECONDS = 10.0
"""How long a worker that was asked to stop may go without a sign of life."""


class WorkerHandle:
    """A job that runs in a process of its own.

    Args:
        order: what to run, and where.

    Raises:
        OSError, EOFError: no process could be started.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self._kills = out_of_memory_kills()
        self.connection, theirs = CONTEXT.Pipe(duplex=False)
        with contextlib.closing(theirs):
            self.process = start_process(work, (theirs, order), order.job.key, order.threads)
        self.started = self._heard = time.monotonic()
        self._outcome: Outcome | None = None
        self._kill_at = float("inf")
        self._given_up: tuple[Cause, str] | None = None
        self._asked = False

    @property
    def job(self) -> Job:
        """What it runs."""
        return self.order.job

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self.process.is_alive()

    def receive(self) -> Progress | None:
        """Read all that it has sent; return the latest progress."""
        latest = None
        try:
            while self.connection.poll():
                message = self.connection.recv()
                self._heard = time.monotonic()
                if isinstance(message, Outcome):
                    self._outcome = message
                    self._kill_at = time.monotonic() + EXIT_GRACE_SECONDS
                elif message is not None:  # else it was a mere sign of life
                    latest = message
        except (EOFError, OSError):
            pass  # it is gone; its exit code tells the rest
        return latest

    def ask_to_stop(self) -> None:
        """Let it save and end, as long as it gives signs of life."""
        self._asked = True
        self._heard = time.monotonic()
        self._signal(signal.SIGTERM)

    def enforce_limits(self) -> None:
        """End it if its time is up, or if it does not go although it is done."""
        now = time.monotonic()
        if not self._given_up and self._outcome is None and (passed := self._over_limit(now)):
            self._given_up = passed
            self._kill_at = now + STOP_GRACE_SECONDS
            self._signal(signal.SIGTERM)
        deaf = self._asked and self._outcome is None and now > self._heard + SILENCE_SECONDS
        if deaf or now > self._kill_at:
            self.kill()

    def _over_limit(self, now: float) -> tuple[Cause, str] | None:
        """Which limit is passed, and in words; None if none is."""
        timeout, stall = self.job.timeout, self.job.stall
        if timeout is not None and now > self.started + timeout:
            return "timeout", f"took longer than {timeout:g} s (--timeout)"
        if stall is not None and now > self._heard + stall:
            return "stall", f"gave no sign of life for {stall:g} s (--stall-timeout)"
        return None

    def keep_log_small(self) -> None:
        """Cut its log where that has grown too long."""
        if self.job.log is not None:
            keep_small(self.job.log)

    def kill(self) -> None:
        """End it now, with everything that it has started."""
        self._signal(signal.SIGKILL, group=True)

    def outcome(self) -> Outcome:
        """What its end means; call it once the process is gone."""
        self.kill()  # children that it has left behind
        self.receive()
        self.keep_log_small()
        self.connection.close()
        code = self.process.exitcode
        seconds = time.monotonic() - self.started
        said = self._outcome
        if said is not None and said.ending != "stopped":
            return said
        outcome = self._unsaid(said, code, seconds)
        if said is None:
            note_death(self.job.log, outcome)
            bury(self.job.log, self.process.pid)
        return outcome

    def _unsaid(self, said: Outcome | None, code: int | None, seconds: float) -> Outcome:
        """What the end of a process means that did not finish its work."""
        if self._given_up:
            cause, reason = self._given_up
            return Outcome("failed", reason=reason + self.job.meanwhile, seconds=seconds, cause=cause)
        if self._asked and (said is not None or code in (-signal.SIGTERM, -signal.SIGKILL)):
            return Outcome("stopped", seconds=seconds)
        if said is not None:
            return replace(said, ending="failed", reason=STOPPED_FROM_OUTSIDE, cause="lost worker")
        cause = cause_of_death(code, self._kills)
        return Outcome("failed", reason=_death(code) + self.job.meanwhile, seconds=seconds, cause=cause)

    def pause(self, seconds: float) -> None:
        """Take time in which everything stood still off its account."""
        self.started += seconds
        self._heard += seconds

    def _signal(self, number: signal.Signals, group: bool = False) -> None:
        pid = self.process.pid
        assert pid is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(pid, number)
        with contextlib.suppress(ProcessLookupError):
            if self.process.exitcode is None:
                os.kill(pid, number)

    def freeze(self, stopped: bool) -> None:
        """Make it stand still, or go on."""
        self._signal(signal.SIGSTOP if stopped else signal.SIGCONT, group=True)


def _death(code: int | None) -> str:
    """Say how a process ended that did not report its end."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"its process ended with exit code {code} and without a result"
