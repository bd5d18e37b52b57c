"""What code of others can change for everybody in a process: read, compared and put back."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mebench.guard.setting import AS_IT_IS, clause, is_still, put_all_back, put_back, value_of
from mebench.guard.settings import SETTINGS

_log = logging.getLogger(__name__)
_forks = _seedings = 0
_started: list[tuple[int, threading.Thread]] = []
"""Threads that were started while somebody watched, with the identity of the thread that started each."""

_WATCHED = tuple(setting for setting in SETTINGS if setting.when == "call")
_READS = tuple(setting.read for setting in _WATCHED)


class ProcessState:
    """The state of this process now, to which `check` brings it back."""

    def __init__(self) -> None:
        self._values = _values()
        self._counts = _forks, _seedings

    def check(self, threads: int) -> str:
        """Put back what has changed; return in a clause what it was, or nothing.

        Args:
            threads: what `threads_started` returned before.

        Environment variables and filters of warnings are put back and logged, no more: many libraries set their own at
        import.
        """
        problems: list[str] = []
        now = _values()
        if now != self._values:
            problems += self._put_back(now)
        if (_forks, _seedings) != self._counts:
            problems += self._counted()
        if len(_started) > threads:
            problems += _threads_left(threads)
        return " and ".join(problems)

    def _put_back(self, now: list[Any]) -> Iterator[str]:
        changed = [
            (setting, before, after)
            for setting, before, after in zip(_WATCHED, self._values, now, strict=True)
            if not setting.same(before, after)
        ]
        left = put_all_back(zip(_WATCHED, self._values, strict=True))
        for setting, before, after in changed:
            if setting.blamed:
                yield clause(setting, left)
            else:
                more = setting.changed(before, after) if setting.changed else ""
                _log.info("%s were changed, and are put back%s", setting.words, more and f": {more}")

    def _counted(self) -> Iterator[str]:
        forks, seedings = self._counts
        self._counts = _forks, _seedings
        if _forks != forks:
            yield "forked the process"
        if _seedings != seedings:
            yield "seeded the random numbers of Python or NumPy"


def threads_started() -> int:
    """How many threads were started so far while somebody watched."""
    return len(_started)


def _threads_left(since: int) -> Iterator[str]:
    """Threads that this one has started since and that are still there."""
    new = _started[since:]
    del _started[since:]
    for starter, thread in new:
        if starter == threading.get_ident() and thread.is_alive():
            yield f"left a thread running ({thread.name})"


def _values() -> list[Any]:
    try:
        return [read() for read in _READS]
    except Exception:  # the working directory is gone, or settings of precision contradict each other
        return [value_of(setting) for setting in _WATCHED]


def _note_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_parent=_note_fork)


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Notice, in the block, who seeds the generators of Python or NumPy, and who starts threads."""
    before = random.seed, np.random.seed, threading.Thread.start
    random.seed, np.random.seed = _noting(random.seed), _noting(np.random.seed)
    threading.Thread.start = _noting_start(threading.Thread.start)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        random.seed, np.random.seed, threading.Thread.start = before  # type: ignore[method-assign]
        _started.clear()


def _noting(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def seed(*arguments: Any, **more: Any) -> Any:
        global _seedings
        _seedings += 1
        return function(*arguments, **more)

    return seed


def _noting_start(function: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(function)
    def start(thread: threading.Thread) -> None:
        function(thread)
        _started.append((threading.get_ident(), thread))

    return start


def begin_as_fresh() -> None:
    """Set what a trial takes for granted, whatever ran in this process before, the import of plugins included."""
    for setting in SETTINGS:
        if setting.fresh is not AS_IT_IS and not is_still(setting, setting.fresh):
            put_back(setting, setting.fresh)
