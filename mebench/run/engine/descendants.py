"""Ends what a job has started and left behind, also what has a session of its own. On Linux alone; elsewhere, nothing.

A process whose parent ends gets another: the nearest ancestor that has asked for such orphans. Every worker asks for
them, so what a job has started stays below its worker, and falls to the fork server once the worker is gone. So it is
known by its descent alone: no process of anybody else is ever touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36
_SECONDS, _SECONDS_BETWEEN = 3.0, 0.01


class _Process(NamedTuple):
    """What the system says of a process; ``started`` tells it apart from a later one of the same number."""

    pid: int
    parent: int
    group: int
    started: int
    zombie: bool


def adopt_orphans() -> bool:
    """Let descendants of this process that lose their parent become its children; return whether that can be done."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def end_descendants() -> None:
    """End all that this process has started, and what that has started."""
    _end(lambda processes: _descendants(processes, os.getpid()))


def end_orphans(server: int, spared: Collection[int]) -> None:
    """End what workers that are gone have left to the fork server.

    Args:
        server: the fork server's process.
        spared: workers, and other processes that this one has started by it. One that has only just begun is in the
            fork server's own group.
    """

    def left(processes: Mapping[int, _Process]) -> list[_Process]:
        here = processes.get(server)
        return [
            one
            for one in processes.values()
            if here and one.parent == server and one.group != here.group and one.pid not in spared
        ]

    _end(left)


def _end(which: Callable[[Mapping[int, _Process]], list[_Process]]) -> None:
    """End processes until there are none: children of the ended get another parent, and some start others meanwhile."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        found = [one for one in which(_processes()) if not one.zombie]
        if not found:
            return
        for one in found:
            _kill(one)
        time.sleep(_SECONDS_BETWEEN)


def _descendants(processes: Mapping[int, _Process], ancestor: int) -> list[_Process]:
    children: dict[int, list[_Process]] = {}
    for one in processes.values():
        children.setdefault(one.parent, []).append(one)
    found: list[_Process] = []
    level = children.get(ancestor, [])
    while level:
        found += level
        level = [child for one in level for child in children.get(one.pid, ())]
    return found


def _kill(process: _Process) -> None:
    """End that very process, and never one that has got its number since."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(process.pid)
        try:
            if (now := _read(process.pid)) is not None and now.started == process.started:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _processes() -> dict[int, _Process]:
    """All processes by number; none where the system does not tell."""
    try:
        names = [path.name for path in _PROC.iterdir()]
    except OSError:
        return {}
    found = (_read(int(name)) for name in names if name.isdigit())
    return {one.pid: one for one in found if one is not None}


def _read(pid: int) -> _Process | None:
    """Read ``/proc/PID/stat``; see proc(5). None if the process is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, parent, group, *more = text.rpartition(")")[2].split()
    return _Process(pid, int(parent), int(group), int(more[16]), state in ("Z", "X"))
