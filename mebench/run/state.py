"""What is known of a run while it goes on: counts, pace, time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mebench.api.durations import clock_time
from mebench.api.progress import Progress
from mebench.run.engine import Job, Listener, Outcome

PACE_SAMPLES = 60

Clock = Callable[[], float]


@dataclass
class Pace:
    """How fast a job is, from its last progress reports."""

    clock: Clock
    latest: Progress | None = None
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=PACE_SAMPLES))

    def add(self, progress: Progress) -> None:
        """Take a report; another unit or phase starts the measurement anew."""
        before = self.latest
        if before is None or (before.phase, before.total) != (progress.phase, progress.total):
            self._seen.clear()
        self.latest = progress
        self._seen.append((self.clock(), progress.done))

    @property
    def rate(self) -> float | None:
        """Units per second, or None if that cannot be told yet."""
        if len(self._seen) < 2:
            return None
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - start) if end > start and last > first else None

    @property
    def left(self) -> float | None:
        """Seconds until the job's end, or None if that cannot be told yet."""
        if self.latest is None or (rate := self.rate) is None:
            return None
        return max(0.0, (self.latest.total - self.latest.done) / rate - (self.clock() - self._seen[-1][0]))

    @property
    def fraction(self) -> float:
        """How much is done, in [0, 1]."""
        return min(1.0, self.latest.done / self.latest.total) if self.latest and self.latest.total else 0.0


class RunState(Listener):
    """What is known of a run: counts, running jobs, their pace.

    Args:
        total: number of trials of the run, those that were finished before left out.
        clock: seconds, monotonic.
    """

    def __init__(self, total: int, clock: Clock = time.monotonic) -> None:
        self.total = total
        self.clock = clock
        self.begun = clock()
        self.done = self.failed = self.level = 0
        self.running: dict[str, tuple[Job, Pace]] = {}

    def started(self, job: Job) -> None:
        """See `Listener`."""
        self.running[job.key] = (job, Pace(self.clock))

    def progressed(self, job: Job, progress: Progress) -> None:
        """See `Listener`."""
        self.running[job.key][1].add(progress)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """See `Listener`."""
        self.running.pop(job.key, None)
        if is_trial(job):
            self.done += outcome.ending == "done"
            self.failed += outcome.ending == "failed"

    def interrupted(self, level: int) -> None:
        """See `Listener`."""
        self.level = level

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.begun

    @property
    def left(self) -> float | None:
        """Seconds until the end if the other trials take as long as those so far, or None if nothing is known."""
        over = self.done + self.failed + sum(pace.fraction for job, pace in self.running.values() if is_trial(job))
        if over < 0.02 * self.total or not over:
            return None
        return self.elapsed * (self.total - over) / over

    def summary(self) -> str:
        """All in one line."""
        words = [f"{'stopping: ' if self.level else ''}{self.done}/{self.total} done"]
        if self.failed:
            words.append(f"{self.failed} failed")
        words.append(f"{clock_time(self.elapsed)} elapsed")
        if self.left and not self.level:
            words.append(f"about {clock_time(self.left)} left")
        return ", ".join(words)


def is_trial(job: Job) -> bool:
    """Whether a job is a trial; the others are preparations, which are shown and not counted."""
    return bool(job.needs)


def short(number: float) -> str:
    """A number of at least 0 in at most five characters: ``0.25``, ``870``, ``12.3K``, ``1.25M``."""
    power = 0
    while number >= 999.5 and power < 3:
        number /= 1000
        power += 1
    return f"{number:.3g}{('', 'K', 'M', 'G')[power]}"
