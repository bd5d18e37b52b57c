"""What code of others can change for everybody in a process: read, compared and put back."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from mebench.guard.settings import SETTINGS

_log = logging.getLogger(__name__)
_VARIABLES: Any = getattr(os.environ, "_data", os.environ)  # the mapping itself is read 60 times as fast
_forks = _seedings = 0
_started: list[tuple[int, threading.Thread]] = []
"""Threads that were started while somebody watched, with the identity of the thread that started each."""


WATCHED = tuple(setting for setting in SETTINGS if setting.each_call)
_READS = tuple(setting.read for setting in WATCHED)


class ProcessState:
    """The state of this process now, to which `check` brings it back."""

    def __init__(self) -> None:
        self._values = _values()
        self._variables = dict(_VARIABLES)
        self._filters = warnings.filters[:]
        self._counts = _forks, _seedings

    def check(self, threads: int) -> str:
        """Put back what has changed; return in a clause what it was, or nothing.

        Args:
            threads: what `threads_started` returned before.

        Environment variables and filters of warnings are put back and logged, no more: many libraries set their own at
        import.
        """
        if self._variables != _VARIABLES:
            self._restore_variables()
        if self._filters != warnings.filters:
            _log.warning("filters of warnings were changed, and are put back")
            warnings.filters[:] = self._filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        problems: list[str] = []
        if _values() != self._values:
            problems += [self._put_back(index) for index, value in enumerate(_values()) if value != self._values[index]]
        if (_forks, _seedings) != self._counts:
            problems += self._counted()
        if len(_started) > threads:
            problems += _threads_left(threads)
        return " and ".join(problems)

    def _put_back(self, number: int) -> str:
        setting = WATCHED[number]
        if setting.restore is not None:
            with contextlib.suppress(Exception):
                setting.restore(self._values[number])
        return f"changed {setting.words}"

    def _counted(self) -> Iterator[str]:
        forks, seedings = self._counts
        self._counts = _forks, _seedings
        if _forks != forks:
            yield "forked the process"
        if _seedings != seedings:
            yield "seeded the random numbers of Python or NumPy"

    def _restore_variables(self) -> None:
        now, before = dict(_VARIABLES), self._variables
        names = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
        words = ", ".join(map(os.fsdecode, names))
        _log.warning("environment variables were changed, and are put back: %s", words)
        for name in names:
            if name in before:
                os.environ[os.fsdecode(name)] = os.fsdecode(before[name])
            else:
                os.environ.pop(os.fsdecode(name), None)


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
    except OSError:  # the working directory is gone
        return [None, *(read() for read in _READS[1:])]


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
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
