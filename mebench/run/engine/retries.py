"""Why jobs fail, and which of them are worth another try: those whose cause passes.

=================  ==========================================================================  ==================
cause              what happened                                                               another try
=================  ==========================================================================  ==================
``error``          its code raised                                                             no
``crash``          its process ended by itself: an exit code, a segmentation fault             no
``timeout``        it took longer than it may                                                  no
``stall``          it gave no sign of life                                                     no
``full disk``      a file could not be written for want of room                                no
``lost worker``    its process was ended from outside, or none could be started                beside others
``out of memory``  the machine or the device has no memory left                                alone
=================  ==========================================================================  ==================
"""

from __future__ import annotations

import contextlib
import errno
import re
import signal
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mebench.run.engine.jobs import Cause, Job, Outcome

Another = Literal["beside others", "alone"]
PASSING: dict[Cause, Another] = {"lost worker": "beside others", "out of memory": "alone"}
"""The causes that pass, and how another try runs."""
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU)
"""Signals that somebody else sends; others are a process's own fault."""
_VMSTAT = Path("/proc/vmstat")
_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|cannot allocate memory|_ALLOC_FAILED|bad_alloc", re.I)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Tries:
    """Counts the tries of jobs, and says whether there is to be another.

    Args:
        once_more: causes of which a job is tried again at least once.
    """

    def __init__(self, once_more: Collection[Cause] = ()) -> None:
        self._failed: Counter[str] = Counter()
        self._once_more = once_more

    def another(self, job: Job, outcome: Outcome) -> Another | None:
        """Count a try that has failed; return how the next one is to run, or None if there is none."""
        self._failed[job.key] += 1
        tries = max(job.retries, int(outcome.cause in self._once_more))
        return PASSING.get(outcome.cause) if self._failed[job.key] <= tries else None

    def last(self, job: Job, outcome: Outcome) -> Outcome:
        """The outcome of a job that has failed for good; its reason says how often it was tried, if more than once."""
        tries = self._failed[job.key]
        return replace(outcome, reason=f"{outcome.reason} (the last of {tries} tries)") if tries > 1 else outcome


def cause_of_error(error: BaseException) -> Cause:
    """Which cause an exception is of, or one that led to it."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in seen:
        if _is_no_memory(found):
            return "out of memory"
        if isinstance(found, OSError) and found.errno in _FULL:
            return "full disk"
        seen.append(found)
        found = found.__cause__
    return "error"


def cause_of_death(code: int | None, kills_before: int) -> Cause:
    """Which cause the end of a process is of that did not report it.

    Args:
        code: its exit code; below 0 it is the signal that ended it.
        kills_before: what `out_of_memory_kills` said when it began.
    """
    if code is None or -code not in FROM_OUTSIDE:
        return "crash"
    return "out of memory" if code == -signal.SIGKILL and out_of_memory_kills() > kills_before else "lost worker"


def out_of_memory_kills() -> int:
    """How many processes the kernel has ended on this machine for want of memory; 0 where it does not tell."""
    with contextlib.suppress(OSError, ValueError, StopIteration), _VMSTAT.open(encoding="ascii") as lines:
        return int(next(line for line in lines if line.startswith("oom_kill ")).split()[1])
    return 0


def _is_no_memory(error: BaseException) -> bool:
    """By its kind, its number, or what torch says in a mere ``RuntimeError``."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if not isinstance(error, RuntimeError):
        return False
    try:
        return bool(_NO_MEMORY.search(str(error)))
    except Exception:  # an exception that cannot be written
        return False
