"""What of this machine may be used."""

from __future__ import annotations

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = QUOTA) -> int:
    """Number of CPU cores that this process may use: by its affinity, and by its container's quota if it has one.

    Args:
        quota: a cgroup v2 file with microseconds of CPU time and the period that they are for.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
        return max(1, min(cores, int(allowed) // int(period)))
    except (OSError, ValueError):  # no such file, or no quota ("max")
        return cores
