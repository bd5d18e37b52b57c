"""The user's requests to stop: the first saves, the second kills."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from mebench.api.exit_codes import ExitCode

INSISTING_SECONDS, SECONDS_BETWEEN = 3.0, 0.0005
KILL = 2
"""The `Interrupts.level` from which on nothing is saved any more."""
SAME_REQUEST_SECONDS = 0.5


class Interrupts:
    """Counts SIGINT (Ctrl-C), SIGTERM and SIGHUP instead of dying of them, while it is entered.

    Two within half a second count as one: launchers pass on a signal that the terminal has already sent. SIGHUP stays
    ignored under nohup. Outside the main thread, where Python allows no handlers, nothing is counted.

    Attributes:
        level: 0 go on, 1 save and stop, 2 stop at once.
        raise_when_killed: raise `KeyboardInterrupt` at the second request, for work in this very thread; in a
            `breaking_into` block again and again, for work that catches it.
    """

    def __init__(self, raise_when_killed: bool = False) -> None:
        self.level = 0
        self.raise_when_killed = raise_when_killed
        self._last = float("-inf")
        self._before: dict[signal.Signals, Any] = {}
        self._inside = False

    @contextlib.contextmanager
    def breaking_into(self) -> Iterator[None]:
        """Work that may catch everything runs in the block: a second request ends it, or else this process."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def stop(self) -> None:
        """Ask to save and stop in the user's place; what the user asks for comes on top of it."""
        self.level = max(self.level, 1)

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _count(self, number: int, frame: FrameType | None) -> None:
        if self.level == KILL and self._inside:
            raise KeyboardInterrupt
        now = time.monotonic()
        if now - self._last < SAME_REQUEST_SECONDS:
            return
        self._last = now
        self.level = min(self.level + 1, KILL)
        if self.level == KILL and self.raise_when_killed:
            if self._inside:
                threading.Thread(target=self._insist, daemon=True).start()
            raise KeyboardInterrupt

    def _insist(self) -> None:
        """Interrupt the work until it is left: one of many signals meets it where it catches nothing."""
        deadline = time.monotonic() + INSISTING_SECONDS
        while self._inside and time.monotonic() < deadline:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(SECONDS_BETWEEN)
        if self._inside:
            with contextlib.suppress(OSError):
                os.write(2, b"mebench: interrupted, and the code that ran did not end: the process is ended\n")
            os._exit(ExitCode.INTERRUPTED)
