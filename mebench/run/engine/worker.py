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
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from mebench.api.errors import MebenchError
from mebench.api.progress import OnProgress, Progress, ShouldStop, Stopped, hear_signs_of_life, heartbeat
from mebench.run.engine.jobs import Job, Outcome
from mebench.run.engine.log import begun, log_to_stderr, over

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
    stop = threading.Event()
    _listen(stop)
    _send_output_to(order.job.log)
    for name in settings_of(os.environ):
        del os.environ[name]
    os.environ.update(order.settings)
    print(begun(order.job.title, order.device, order.threads), file=sys.stderr)  # noqa: T201 (stderr is the job's log)
    log_to_stderr()
    hear_signs_of_life(_Pulse(connection))
    with contextlib.suppress(Exception):  # without torch the job itself says what is missing
        _hear_optimisers()

    def should_stop() -> bool:
        heartbeat()
        return stop.is_set()

    outcome = attempt(order, Throttle(_sender(connection, stop)), should_stop)
    with contextlib.suppress(Exception):  # the job's code may have closed it, or put anything in its place
        print(over(outcome), file=sys.stderr)  # noqa: T201 (stderr is the job's log)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    with contextlib.suppress(OSError):
        connection.send(outcome)


def attempt(order: Order, on_progress: OnProgress, should_stop: ShouldStop) -> Outcome:
    """Run the job in this thread; whatever it raises becomes an outcome, and its traceback goes to stderr too."""
    started, job = time.monotonic(), order.job
    try:
        _limit_threads(order.threads)
        value = job.load()(job.payload, device=order.device, on_progress=on_progress, should_stop=should_stop)
    except Stopped:
        return Outcome("stopped", seconds=time.monotonic() - started)
    except BaseException as error:  # a plugin may raise anything, KeyboardInterrupt included
        trace = traceback.format_exc()
        with contextlib.suppress(Exception):  # it may have closed the stream, too
            print(trace, file=sys.stderr)  # noqa: T201 (stderr is the job's log)
        blamed = "" if isinstance(error, (Exception, SystemExit)) else job.meanwhile
        return Outcome("failed", None, one_line(error) + blamed, trace, time.monotonic() - started)
    return Outcome("done", value, seconds=time.monotonic() - started)


def one_line(error: BaseException) -> str:
    """Say in one line what was raised; a `MebenchError` says it by itself."""
    if isinstance(error, SystemExit):
        return f"called sys.exit({error.code!r})"
    words = " ".join(str(error).split())
    if isinstance(error, MebenchError):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


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
    """Sends a sign of life at most every `ALIVE_SECONDS`, from the main thread of this very process only: messages of
    others would mix with its own, and say nothing of whether it hangs.

    Args:
        connection: to the engine.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next = 0.0
        self._whose = os.getpid(), threading.get_ident()

    def __call__(self) -> None:
        """Send one, or none."""
        now = time.monotonic()
        if now >= self._next and self._whose == (os.getpid(), threading.get_ident()):
            self._next = now + ALIVE_SECONDS
            with contextlib.suppress(OSError):
                self._connection.send(None)


def _hear_optimisers() -> None:
    """Take every step of an optimiser for a sign of life: a fit within one turn may take hours."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(lambda optimizer, arguments, more: heartbeat())


def _limit_threads(threads: int) -> None:
    """Give torch's operations this many threads, and run one operation at a time."""
    import torch

    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # too late in a process that has already run operations side by side
        torch.set_num_interop_threads(1)


def _sender(connection: Connection, stop: threading.Event) -> OnProgress:
    def send(progress: Progress) -> None:
        try:
            connection.send(progress)
        except OSError:
            stop.set()

    return send


def _listen(stop: threading.Event) -> None:
    """Stop when asked by SIGTERM or when the engine's process is gone. Ctrl-C and a closed terminal are its affair."""
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    threading.Thread(target=_mourn, args=(stop,), daemon=True).start()


def _mourn(stop: threading.Event) -> None:
    """Once the engine is gone, let the job save itself; then end, with all that it has started."""
    engine = multiprocessing.parent_process()
    assert engine is not None
    engine.join()
    stop.set()
    time.sleep(ORPHAN_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _send_output_to(log: Path | None) -> None:
    """Point file descriptors 1 and 2 at the log, so that the output of C code and of children is kept too."""
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(log or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
        stream.close = stream.flush  # type: ignore[method-assign]  # what comes after a plugin writes, too
    faulthandler.enable()
