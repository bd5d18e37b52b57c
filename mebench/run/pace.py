"""How fast a job is, from its reports of progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mebench.api.progress import Progress

SAMPLES = 60

Clock = Callable[[], float]


@dataclass
class Pace:
    """How fast a job is.

    Attributes:
        clock: seconds, monotonic.
        latest: the last report.
    """

    clock: Clock
    latest: Progress | None = None
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    _first: tuple[float, int] | None = None

    def add(self, progress: Progress) -> None:
        """Take a report; another unit or phase starts the measurement anew."""
        before = self.latest
        now = (self.clock(), progress.done)
        if before is None or (before.phase, before.total) != (progress.phase, progress.total):
            self._seen.clear()
            self._first = now
        self.latest = progress
        self._seen.append(now)

    @property
    def phase(self) -> str:
        """What it is at; empty before the first report."""
        return self.latest.phase if self.latest else ""

    @property
    def rate(self) -> float | None:
        """Units per second by the last reports, or None if that cannot be told yet."""
        return _rate(self._seen[0], self._seen[-1]) if self._seen else None

    @property
    def silence(self) -> float:
        """Seconds since the last report; 0 before the first."""
        return self.clock() - self._seen[-1][0] if self._seen else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the end of this phase by all of its reports, or None if that cannot be told yet."""
        if self.latest is None or self._first is None or (rate := _rate(self._first, self._seen[-1])) is None:
            return None
        return max(0.0, (self.latest.total - self.latest.done) / rate - self.silence)

    @property
    def fraction(self) -> float:
        """How much is done, in [0, 1]."""
        return min(1.0, self.latest.done / self.latest.total) if self.latest and self.latest.total else 0.0


def _rate(first: tuple[float, int], last: tuple[float, int]) -> float | None:
    (start, before), (end, after) = first, last
    return (after - before) / (end - start) if end > start and after > before else None
