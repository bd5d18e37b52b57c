"""What is known of a run while it goes on: counts, pace, time left."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mebench.api.durations import clock_time
from mebench.api.progress import Progress
from mebench.api.spec import TrialSpec
from mebench.run.engine import Job, Listener, Outcome
from mebench.run.pace import Clock, Pace
from mebench.run.time_left import Estimate, Speeds, TimeLeft


class RunState(Listener):
    """What is known of a run: counts, running jobs, their pace.

    Args:
        trials: of the run, those that were finished before left out.
        slots: how many run at once.
        speeds: what is known of the trials' speeds.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        trials: Sequence[TrialSpec],
        slots: int = 1,
        speeds: Speeds | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.total = len(trials)
        self.clock = clock
        self.remaining = TimeLeft(trials, slots, speeds or Speeds(), clock)
        self.begun = clock()
        self.done = self.failed = self.level = 0
        self.running: dict[str, tuple[Job, Pace]] = {}

    def started(self, job: Job) -> None:
        """See `Listener`."""
        self.running[job.key] = (job, Pace(self.clock))
        self.remaining.started(job)

    def progressed(self, job: Job, progress: Progress) -> None:
        """See `Listener`."""
        pace = self.running[job.key][1]
        pace.add(progress)
        self.remaining.progressed(job, pace)

    def retried(self, job: Job, outcome: Outcome) -> None:
        """See `Listener`."""
        self.running.pop(job.key, None)
        self.remaining.retried(job)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """See `Listener`."""
        self.running.pop(job.key, None)
        self.remaining.ended(job, done=outcome.ending == "done")
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
    def left(self) -> Estimate | None:
        """How long it still takes, or None as long as nothing is known of that."""
        return self.remaining.of_all(self.running)

    def summary(self) -> str:
        """All in one line."""
        words = [f"{'stopping: ' if self.level else ''}{self.done}/{self.total} done"]
        if self.failed:
            words.append(f"{self.failed} failed")
        words.append(f"{clock_time(self.elapsed)} elapsed")
        if not self.level and (left := self.left) and left.seconds:
            words.append(str(left))
        return ", ".join(words)


def is_trial(job: Job) -> bool:
    """Whether a job is a trial; the others are preparations, which are shown and not counted."""
    return bool(job.needs)
