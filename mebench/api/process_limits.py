"""What a process may use, and the timers that signal it: read and put back."""

from __future__ import annotations

import resource
import signal

_LIMITS = tuple(sorted(name for name in dir(resource) if name.startswith("RLIMIT_")))
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


def armed() -> list[bool]:
    """Which timers run."""
    return [any(signal.getitimer(timer)) for timer in _TIMERS]


def disarm(before: list[bool]) -> None:
    """Stop the timers that did not run before."""
    for timer, kept in zip(_TIMERS, before, strict=True):
        if not kept:
            signal.setitimer(timer, 0)


def limits() -> list[tuple[int, int]]:
    """How much of each resource this process may use, and to what it may raise that."""
    return [resource.getrlimit(getattr(resource, name)) for name in _LIMITS]


def set_limits(before: list[tuple[int, int]]) -> None:
    """Put the limits of resources back; ValueError for one that cannot be raised again."""
    for name, kept, now in zip(_LIMITS, before, limits(), strict=True):
        if kept != now:
            resource.setrlimit(getattr(resource, name), kept)
