"""The program that a cluster of the run's own lives in: ``python -m mebench.run.engine.dask.host``.

It is a process of its own so that what dask prints goes to the run's logs, and Ctrl-C at the terminal to the run alone.
It reads what to start from the first line of stdin, says ``{"address": ...}`` or ``{"error": ...}`` on stdout, and ends
with all that it has started when stdin ends, which it does with the run, however that ends.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Any

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
    """A cluster of that class; of a batch system, with so many jobs."""
    module, _, name = target.partition(":")
    cluster = getattr(importlib.import_module(module), name)(**options)
    if jobs is not None:
        cluster.scale(jobs=jobs)
    return cluster


if __name__ == "__main__":
    main()
