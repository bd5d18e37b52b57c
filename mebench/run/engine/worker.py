"""What happens inside a worker process: run one job, tell the engine, never outlive it."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mebench.api.errors import MebenchError
from mebench.api.forgiving import Forgiving
from mebench.api.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    Stopped,
    end_work_by,
    hear_signs_of_life,
    heartbeat,
)
from mebench.api.shortened import shortened
from mebench.run.engine.beating import beating
from mebench.run.engine.descendants import adopt_orphans, end_descendants
from mebench.run.engine.jobs import Job, Outcome
from mebench.run.engine.log import begun, log_to_stderr, over
from mebench.run.engine.log_size import keep_small
from mebench.run.engine.retries import cause_of_error

MOST_REASON, MOST_TRACEBACK = 2_000, 100_000
"""Characters of what is told of an exception."""
PROGRESS_SECONDS = 0.2
ALIVE_SECONDS = 0.5
ORPHAN_SECONDS = 60.0


@dataclass(frozen=True)
class Order:
    """A job, and where it runs.

    Attributes:
        job: what to run.
        device: as torch names it.
        threads: of torch's operations.
        settings: environment variables whose names begin with ``MEBENCH_``: they may have changed since the fork
            server was started.
    """

    job: Job
    device: str
    threads: int
    settings: Mapping[str, str] = field(default_factory=lambda: settings_of(os.environ))


def settings_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Mebench's own environment variables."""
    return {name: value for name, value in environment.items() if name.startswith("MEBENCH_")}


def work(connection: Connection, order: Order) -> None:
    """Run the job and send its `Progress` now and then, and its `Outcome` at the end."""
    os.setpgrp()  # so that the engine can end this worker with everything that it has started
    adopt_orphans()
    stop = threading.Event()
    _listen(stop, order.job.log)
    _send_output_to(order.job.log)
    for name in settings_of(os.environ):
        del os.environ[name]
    os.environ.update(order.settings)
    print(begun(order.job.title, order.device, order.threads), file=sys.stderr)  # noqa: T201 (stderr is the job's log)
    log_to_stderr()
    sending = threading.Lock()
    hear_signs_of_life(_Pulse(connection, sending))
    end_work_by(_ending(connection, sending))
    with contextlib.suppress(Exception):  # without torch the job itself says what is missing
        _hear_optimisers()

    def should_stop() -> bool:
        heartbeat()
        return stop.is_set()

    outcome = attempt(order, Throttle(_sender(connection, stop, sending)), should_stop)
    _leave(outcome, connection, sending)


def _leave(outcome: Outcome, connection: Connection, sending: threading.Lock) -> None:
    """Say how it ended, to the log and to the engine, and end what the job has left behind."""
    with contextlib.suppress(Exception):  # the job's code may have closed it, or put anything in its place
        print(over(outcome), file=sys.stderr)  # noqa: T201 (stderr is the job's log)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    end_descendants()
    with contextlib.suppress(OSError), sending:
        connection.send(outcome)


def _ending(connection: Connection, sending: threading.Lock) -> Callable[[str], None]:
    """What ends this process in the midst of its job, as failed."""
    started, whose = time.monotonic(), os.getpid()

    def end(reason: str) -> None:
        if os.getpid() == whose:
            _leave(Outcome("failed", None, reason, "", time.monotonic() - started), connection, sending)
        os._exit(1)

    return end


def attempt(order: Order, on_progress: OnProgress, should_stop: ShouldStop) -> Outcome:
    """Run the job in this thread; whatever it raises becomes an outcome, and its traceback goes to stderr too."""
    started, job = time.monotonic(), order.job
    try:
        limit_threads(order.threads)
        with beating(job.log, order.device, on_progress) as told:
            value = job.load()(job.payload, device=order.device, on_progress=told, should_stop=should_stop)
    except Stopped:
        return Outcome("stopped", seconds=time.monotonic() - started)
    except BaseException as error:  # a plugin may raise anything, KeyboardInterrupt included
        trace = shortened(traceback.format_exc(), MOST_TRACEBACK)
        with contextlib.suppress(Exception):  # it may have closed the stream, too
            print(trace, file=sys.stderr)  # noqa: T201 (stderr is the job's log)
        blamed = "" if isinstance(error, (Exception, SystemExit)) else job.meanwhile
        seconds = time.monotonic() - started
        return Outcome("failed", None, one_line(error) + blamed, trace, seconds, cause_of_error(error))
    return Outcome("done", value, seconds=time.monotonic() - started)


def one_line(error: BaseException) -> str:
    """Say in one line what was raised; a `MebenchError` says it by itself."""
    if isinstance(error, SystemExit):
        return f"called sys.exit({_written(repr, error.code)})"
    words = _written(str, error)
    if isinstance(error, MebenchError):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _written(form: Callable[[Any], str], value: Any) -> str:
    """A plugin's object in one line that is not too long; empty if it cannot be written."""
    try:
        return shortened(" ".join(form(value).split()), MOST_REASON)
    except Exception:
        return ""


class Throttle:
    """An `OnProgress` that passes on the first progress and then at most one every `PROGRESS_SECONDS`."""

    def __init__(self, send: OnProgress) -> None:
        self._send = send
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Pass ``progress`` on, or drop it."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PROGRESS_SECONDS
            self._send(progress)


class _Pulse:
    """Sends a sign of life at most every `ALIVE_SECONDS`, from the main thread of this very process only: those of
    others would say nothing of whether it hangs.

    Args:
        connection: to the engine.
        sending: held while something is sent.
    """

    def __init__(self, connection: Connection, sending: threading.Lock) -> None:
        self._connection, self._sending = connection, sending
        self._next = 0.0
        self._whose = os.getpid(), threading.get_ident()

    def __call__(self) -> None:
        """Send one, or none."""
        now = time.monotonic()
        if now >= self._next and self._whose == (os.getpid(), threading.get_ident()):
            self._next = now + ALIVE_SECONDS
            with contextlib.suppress(OSError), self._sending:
                self._connection.send(None)


def _hear_optimisers() -> None:
    """Take every step of an optimiser for a sign of life: a fit within one turn may take hours."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    from mebench.guard.torch_settings import keep_hook

    keep_hook(register_optimizer_step_post_hook(lambda optimizer, arguments, more: heartbeat()))


def limit_threads(threads: int) -> None:
    """Give torch's operations this many threads, and run one operation at a time."""
    import torch

    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # too late in a process that has already run operations side by side
        torch.set_num_interop_threads(1)


def _sender(connection: Connection, stop: threading.Event, sending: threading.Lock) -> OnProgress:
    def send(progress: Progress) -> None:
        try:
            with sending:
                connection.send(progress)
        except OSError:
            stop.set()

    return send


def _listen(stop: threading.Event, log: Path | None) -> None:
    """Stop when asked by SIGTERM or when the engine's process is gone. Ctrl-C and a closed terminal are its affair."""
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    threading.Thread(target=_mourn, args=(stop, log), daemon=True).start()


def _mourn(stop: threading.Event, log: Path | None) -> None:
    """Once the engine is gone, let the job save itself; then end, with all that it has started."""
    engine = multiprocessing.parent_process()
    assert engine is not None
    engine.join()
    stop.set()
    deadline = time.monotonic() + ORPHAN_SECONDS
    while time.monotonic() < deadline:
        time.sleep(ALIVE_SECONDS)
        if log is not None:
            keep_small(log)
    end_descendants()
    os.killpg(0, signal.SIGKILL)


def _send_output_to(log: Path | None) -> None:
    """Point file descriptors 1 and 2 at the log, so that the output of C code and of children is kept too.

    What cannot be written to it, as on a full disk, is lost: no trial fails for it.
    """
    target = _opened(log) if log is not None else None
    if target is None:
        target = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        stream.close = stream.flush  # what comes after a plugin writes, too
        setattr(sys, name, Forgiving(stream))
    faulthandler.enable()


def _opened(log: Path) -> int | None:
    """A descriptor that appends to the log; None if there can be none."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    return None
