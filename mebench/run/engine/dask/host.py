"""The program that a cluster of the run's own lives in: ``python -m mebench.run.engine.dask.host``.

It is a process of its own so that what dask prints goes to the run's logs, and Ctrl-C at the terminal to the run alone.
It reads what to start from the first line of stdin, says ``{"address": ...}`` or ``{"error": ...}`` on stdout, and ends
with all that it has started when stdin ends, which it does with the run, however that ends. Until then it starts
workers anew that are gone for good: those that were killed while they began, and jobs that reached their walltime.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
from queue import Empty, SimpleQueue
from typing import Any

SUBMIT_SECONDS = 120.0
"""How long a batch system may take to say that it has taken a job."""
TEND_SECONDS, TEND_JOBS_SECONDS = 5.0, 30.0
"""Between two looks at whether workers are gone for good: those of this machine, and those of a batch system."""
QUIET = {
    "distributed.worker.daemon": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.terminate": False,  # of dask's own process, which does nothing
    "distributed.worker.memory.pause": False,
    "distributed.scheduler.dashboard.status.task-stream-length": 0,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": "65536",
}


def main() -> None:
    """Start a cluster, say where, and end it when nobody listens any more."""
    import dask

    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints does not print among the answers
    wanted: dict[str, Any] = json.loads(sys.stdin.readline())
    dask.config.set(QUIET)
    try:
        cluster = _started(wanted["target"], wanted["options"], wanted["jobs"])
    except Exception as error:
        answers.write(json.dumps({"error": " ".join(f"{type(error).__name__}: {error}".split())}) + "\n")
        answers.close()
        return
    answers.write(json.dumps({"address": cluster.scheduler_address}) + "\n")
    answers.flush()
    try:
        _tend(cluster, wanted["jobs"])
    finally:
        cluster.close()


def _tend(cluster: Any, jobs: int | None) -> None:
    """See to it that there are as many workers as there were to be, until stdin ends.

    dask starts a worker of this machine again that was killed, but not one that was killed while it began; and it
    forgets a worker that has been gone for a while.
    """
    while not _nobody_listens(TEND_SECONDS if jobs is None else TEND_JOBS_SECONDS):
        if jobs is not None:
            cluster.scale(jobs=jobs)
            continue
        for name, nanny in list(cluster.workers.items()):
            if nanny.status.name != "running":
                del cluster.workers[name]
            elif not nanny.is_alive():
                with contextlib.suppress(Exception):  # at the next look, then
                    cluster.sync(nanny.instantiate)
        cluster.scale(len(cluster.worker_spec))


def _started(target: str, options: dict[str, Any], jobs: int | None) -> Any:
    """A cluster of that class; of a batch system, with so many jobs, all of which it has taken."""
    module, _, name = target.partition(":")
    kind = getattr(importlib.import_module(module), name)
    if jobs is None:
        return kind(**options)
    answers: SimpleQueue[Exception | None] = SimpleQueue()
    taken: list[Any] = []
    cluster = kind(**options, job_cls=_noting(kind.job_cls, answers, taken))
    cluster.scale(jobs=jobs)
    for _ in range(jobs):
        if error := _answer(answers):
            for job in taken:
                with contextlib.suppress(Exception):
                    cluster.sync(job.close)
            raise error
    return cluster


def _answer(answers: SimpleQueue[Exception | None]) -> Exception | None:
    """What the batch system says of a job: nothing, or what has gone wrong."""
    end = time.monotonic() + SUBMIT_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(Empty):
            return answers.get(timeout=1.0)
        if _nobody_listens(0.0):
            return InterruptedError("nobody waits for it any more")
    return TimeoutError(f"the batch system has not taken a job within {SUBMIT_SECONDS:g} s")


def _nobody_listens(seconds: float) -> bool:
    """Wait so long at most for the end of stdin; say whether it has come."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _noting(job: Any, answers: SimpleQueue[Exception | None], taken: list[Any]) -> Any:
    """A kind of job that says whether the batch system has taken it: dask would only log that it has not."""

    class Noting(job):  # type: ignore[misc]
        async def _submit_job(self, script: str) -> Any:
            try:
                answer = await super()._submit_job(script)
            except Exception as error:
                answers.put(error)
                raise
            taken.append(self)
            answers.put(None)
            return answer

    return Noting


if __name__ == "__main__":
    main()
