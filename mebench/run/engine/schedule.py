"""Which job is next, which is tried again, and what happens to those that wait for one that fails."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from mebench.api.subjects import about
from mebench.run.engine.jobs import Cause, Job, Listener, Outcome
from mebench.run.engine.retries import Tries


class Schedule:
    """Jobs that wait, and the outcomes of those that have ended.

    Args:
        jobs: in the order in which they should start; those that a job needs are among them.
        listeners: told of every end.
        once_more: causes of which a job is tried again at least once.
    """

    def __init__(
        self, jobs: Sequence[Job], listeners: Sequence[Listener] = (), once_more: Collection[Cause] = ()
    ) -> None:
        self._waiting = list(jobs)
        self._listeners = listeners
        self._running: set[str] = set()
        self._alone: set[str] = set()
        self._tries = Tries(once_more)
        self.outcomes: dict[str, Outcome] = {}
        unknown = {key for job in jobs for key in job.needs} - {job.key for job in jobs}
        assert not unknown, f"jobs that are needed and not there: {unknown}"
        assert len({job.key for job in jobs}) == len(jobs), "two jobs have the same key"

    @property
    def waiting(self) -> bool:
        """Whether any job has not started yet."""
        return bool(self._waiting)

    def next(self) -> Job | None:
        """Take the first job that has all it needs; None if there is none just now.

        One that must be alone starts when no other can and none runs; while it runs, nothing starts.
        """
        if self._running & self._alone:
            return None
        return self.next_beside() or (None if self._running else self.next_alone())

    def next_beside(self) -> Job | None:
        """Take the first job that has all it needs and may run beside others."""
        ready = (job for job in self._waiting if all(self._done(key) for key in job.needs))
        job = next((job for job in ready if job.key not in self._alone), None)
        return self._start(job) if job else None

    def next_alone(self) -> Job | None:
        """Take the first job that must be alone."""
        job = next((job for job in self._waiting if job.key in self._alone), None) if self.alone_waits else None
        return self._start(job) if job else None

    @property
    def alone_waits(self) -> bool:
        """Whether a job waits that must be alone."""
        return bool(self._alone - self._running - self.outcomes.keys())

    def end(self, job: Job, outcome: Outcome) -> None:
        """Note how a job ended, and let it wait once more if it failed of what passes.

        Those that need a job that has failed for good fail with its reason.
        """
        self._running.discard(job.key)
        if outcome.ending == "failed":
            if another := self._tries.another(job, outcome):
                self._try_again(job, outcome, alone=another == "alone")
                return
            outcome = self._tries.last(job, outcome)
        self.outcomes[job.key] = outcome
        for listener in self._listeners:
            listener.ended(job, outcome)
        if outcome.ending == "failed":
            for heir in list(self._needing(job)):
                self._waiting.remove(heir)
                self.end(heir, replace(outcome, reason=about(job.title, outcome.reason), seconds=0.0))

    def _start(self, job: Job) -> Job:
        self._waiting.remove(job)
        self._running.add(job.key)
        return job

    def _try_again(self, job: Job, outcome: Outcome, *, alone: bool) -> None:
        self._waiting.append(job)
        if alone:
            self._alone.add(job.key)
        for listener in self._listeners:
            listener.retried(job, outcome)

    def _done(self, key: str) -> bool:
        return key in self.outcomes and self.outcomes[key].ending == "done"

    def _needing(self, job: Job) -> Iterable[Job]:
        return (other for other in self._waiting if job.key in other.needs)
