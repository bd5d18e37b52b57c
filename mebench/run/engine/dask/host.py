"""The program that a cluster of the run's own lives in: ``python -m mebench.run.engine.dask.host``.

It is a process of its own so that what dask prints goes to the run's logs, and Ctrl-C at the terminal to the run alone.
It reads what to start from the first line of stdin, says ``{"address": ...}`` or ``{"error": ...}`` on stdout, and ends
with all that it has started when stdin ends, which it does with the run, however that ends.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
from queue import SimpleQueue
from typing import Any

SUBMIT_SECONDS = 120.0
"""How long a batch system may take to say that it has taken a job."""
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
        sys.stdin.read()
    finally:
        cluster.close()


def _started(target: str, options: dict[str, Any], jobs: int | None) -> Any:
    """A cluster of that class; of a batch system, with so many jobs, all of which it has taken."""
    module, _, name = target.partition(":")
    kind = getattr(importlib.import_module(module), name)
    if jobs is None:
        return kind(**options)
    answers: SimpleQueue[Exception | None] = SimpleQueue()
    cluster = kind(**options, job_cls=_noting(kind.job_cls, answers))
    cluster.scale(jobs=jobs)
    for _ in range(jobs):
        if error := answers.get(timeout=SUBMIT_SECONDS):
            for job in list(cluster.workers.values()):  # those that were taken
                with contextlib.suppress(Exception):
                    cluster.sync(job.close)
            raise error
    return cluster


def _noting(job: Any, answers: SimpleQueue[Exception | None]) -> Any:
    """A kind of job that says whether the batch system has taken it: dask would only log that it has not."""

    class Noting(job):  # type: ignore[misc]
        async def _submit_job(self, script: str) -> Any:
            try:
                answer = await super()._submit_job(script)
            except Exception as error:
                answers.put(error)
                raise
            answers.put(None)
            return answer

    return Noting


if __name__ == "__main__":
    main()
