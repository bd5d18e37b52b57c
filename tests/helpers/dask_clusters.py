"""A dask cluster for tests: two workers of two threads on loopback, with a cache of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mebench.run.engine.dask.connection import ClusterHost

OPTIONS = {
    "n_workers": 2,
    "threads_per_worker": 2,
    "processes": True,
    "host": "127.0.0.1",
    "dashboard_address": None,
    "memory_limit": 0,
}


@contextmanager
def two_workers(folder: Path) -> Iterator[ClusterHost]:
    """Start them; their jobs find the helpers, and their victims are in ``folder / "cache"``."""
    helpers = Path(__file__).resolve().parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(helpers))
        patch.setenv("MEBENCH_CACHE", str(folder / "cache"))
        host = ClusterHost("distributed:LocalCluster", OPTIONS, None, folder / "dask.txt")
    try:
        yield host
    finally:
        host.close()


def kill_worker_of(log: Path) -> int:
    """Kill the dask worker below which the last process runs that a job's log names; return its number."""
    begun = [line for line in log.read_text().splitlines() if line.startswith("--- ")]
    process = int(begun[-1].partition("process ")[2].partition(",")[0])
    worker = _parent(_parent(process))  # a fork server is between them
    os.kill(worker, signal.SIGKILL)
    return worker


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
