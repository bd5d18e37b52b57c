"""Tells others on disk that a job runs, and how far it is, from a thread of the process that runs it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mebench.api.progress import OnProgress, Progress
from mebench.results.heartbeat import (
    PERIOD,
    Heartbeat,
    file_system_clock,
    heartbeat_of,
    life,
    read_heartbeat,
    write_heartbeat,
)

FIRST_SECONDS = 0.5
"""Between the first two writings; each pause is twice as long as the one before, up to the usual one."""
_MINUTE = round(60 / PERIOD)


@contextmanager
def beating(log: Path | None, device: str, on_progress: OnProgress, period: float = PERIOD) -> Iterator[OnProgress]:
    """Write a heartbeat beside a job's log while the block runs; gives an `OnProgress` that also feeds it.

    Where another process lives that has left one, it is not touched: that process has the job, and this one waits.

    Args:
        log: of the job; None for one that tells nobody.
        device: where it runs.
        on_progress: is told all the same.
        period: seconds between two writings.
    """
    if log is None:
        yield on_progress
        return
    heart = _Heart(heartbeat_of(log.absolute()), device, on_progress)
    over = threading.Event()

    def beat() -> None:
        wait = min(FIRST_SECONDS, period)
        heart.beat()
        while not over.wait(wait):
            heart.beat()
            wait = min(2 * wait, period)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield heart.progressed
    finally:
        over.set()
        thread.join()
        heart.stop()


def bury(log: Path | None, pid: int | None) -> None:
    """Delete the heartbeat of a process that is known to be gone."""
    if log is None or (found := read_heartbeat(path := heartbeat_of(log))) is None:
        return
    if (found[0].pid, found[0].machine) == (pid, Heartbeat.begun("").machine):
        with contextlib.suppress(OSError):
            path.unlink()


class _Heart:
    """One job's heartbeat.

    Args:
        path: of the file.
        device: where the job runs.
        on_progress: is told of all progress, too.
    """

    def __init__(self, path: Path, device: str, on_progress: OnProgress) -> None:
        self._path, self._tell = path, on_progress
        self._sign = Heartbeat.begun(device)
        self._latest: Progress | None = None
        self._seen: deque[tuple[float, Progress]] = deque(maxlen=_MINUTE)

    def progressed(self, progress: Progress) -> None:
        """Note how far the job is, and pass it on."""
        self._latest = progress
        self._tell(progress)

    def beat(self) -> None:
        """Write the file, unless it is another living process's; a file that cannot be written is let be."""
        with contextlib.suppress(OSError):
            if not self._is_anothers():
                self._sign = self._next()
                write_heartbeat(self._path, self._sign)

    def stop(self) -> None:
        """Delete the file if it is this process's, and not that of one which it was forked from."""
        with contextlib.suppress(OSError):
            if os.getpid() == self._sign.pid and not self._is_anothers():
                self._path.unlink(missing_ok=True)

    def _is_anothers(self) -> bool:
        found = read_heartbeat(self._path)
        if found is None or (found[0].pid, found[0].machine) == (self._sign.pid, self._sign.machine):
            return False
        return life(found[0], file_system_clock(self._path.parent)() - found[1]) != "lost"

    def _next(self) -> Heartbeat:
        latest = self._latest
        if latest is None:
            return replace(self._sign, beats=self._sign.beats + 1)
        if self._seen and (self._seen[-1][1].phase, self._seen[-1][1].total) != (latest.phase, latest.total):
            self._seen.clear()
        self._seen.append((time.monotonic(), latest))
        (begun, first), (now, _) = self._seen[0], self._seen[-1]
        asked = latest.done - first.done
        return replace(
            self._sign,
            beats=self._sign.beats + 1,
            done=latest.done,
            total=latest.total,
            unit=latest.unit,
            phase=latest.phase,
            accuracy=latest.accuracy,
            rate=asked / (now - begun) if asked > 0 and now > begun else None,
        )
