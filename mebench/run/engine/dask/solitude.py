"""A run that has no worker says what it waits for: after a while, and again after ever longer pauses."""

from __future__ import annotations

import time

from mebench.api.durations import clock_time
from mebench.api.notices import notice

LONELY_SECONDS, MOST_LONELY_SECONDS = 30.0, 1800.0
"""After so long without a worker it is said what the run waits for; then again after pauses that double, up to this."""


class Solitude:
    """The time since which a run has had no worker.

    Args:
        awaited: what it waits for, in words.
    """

    def __init__(self, awaited: str) -> None:
        self._awaited = awaited
        self._begun, self._hour = time.monotonic(), time.strftime("%H:%M:%S")
        self._next = self._begun + LONELY_SECONDS

    def look(self) -> None:
        """Say what is waited for, if it is time to."""
        now = time.monotonic()
        if now >= self._next:
            waited = now - self._begun
            self._next = now + min(waited, MOST_LONELY_SECONDS)
            notice(f"no dask worker since {self._hour}, for {clock_time(waited)}: waiting for {self._awaited}")
