"""The user's requests to stop: the first saves, the second kills."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

KILL = 2
"""The `Interrupts.level` from which on nothing is saved any more."""
SAME_REQUEST_SECONDS = 0.5


class Interrupts:
    """Counts SIGINT (Ctrl-C), SIGTERM and SIGHUP instead of dying of them, while it is entered.

    Two within half a second count as one: launchers pass on a signal that the terminal has already sent. SIGHUP stays
    ignored under nohup. Outside the main thread, where Python allows no handlers, nothing is counted.

    Attributes:
        level: 0 go on, 1 save and stop, 2 stop at once.
        raise_when_killed: raise `KeyboardInterrupt` at the second request, for work in this very thread.
    """

    def __init__(self, raise_when_killed: bool = False) -> None:
        self.level = 0
        self.raise_when_killed = raise_when_killed
        self._last = float("-inf")
        self._before: dict[signal.Signals, Any] = {}

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
        now = time.monotonic()
        if now - self._last < SAME_REQUEST_SECONDS:
            return
        self._last = now
        self.level = min(self.level + 1, KILL)
        if self.level == KILL and self.raise_when_killed:
            raise KeyboardInterrupt
