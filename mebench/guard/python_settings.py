"""Settings of Python, NumPy and the system that code of others can change for everybody in a process."""

from __future__ import annotations

import decimal
import functools
import gc
import locale
import logging
import multiprocessing
import operator
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mebench.api.files import umask
from mebench.api.process_limits import armed, disarm, limits, set_limits
from mebench.guard.setting import Setting, attribute, begins_as, restore_first

_get_handler: Callable[[int], Any] = getattr(signal, "_signal", signal).getsignal  # ten times as fast as its wrapper
_VARIABLES: Any = getattr(os.environ, "_data", os.environ)  # the mapping itself is read 60 times as fast
_TESTS_OWN = os.fsencode("PYTEST_CURRENT_TEST"), "PYTEST_CURRENT_TEST"
"""Changes from phase to phase of a test."""
_HANDLERS = tuple(number for number in sorted(signal.valid_signals()) if number not in (signal.SIGTERM, signal.SIGINT))


def _environment() -> dict[Any, Any]:
    variables = dict(_VARIABLES)
    for name in _TESTS_OWN:
        variables.pop(name, None)
    return variables


def _changed_variables(before: dict[Any, Any], now: dict[Any, Any]) -> str:
    names = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
    return ", ".join(map(os.fsdecode, names))


def _set_environment(before: dict[Any, Any]) -> None:
    now = _environment()
    for name in now.keys() | before.keys():
        if name not in before:
            os.environ.pop(os.fsdecode(name), None)
        elif now.get(name) != before[name]:
            os.environ[os.fsdecode(name)] = os.fsdecode(before[name])


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _set_handler(number: int, handler: Any) -> None:
    if _in_main_thread() and _get_handler(number) is not handler:
        signal.signal(number, handler)


def _handler(number: signal.Signals) -> Setting:
    restore = functools.partial(_set_handler, number)
    return Setting(f"the handler of {number.name}", functools.partial(_get_handler, number), restore)


def _set_handlers(handlers: list[Any]) -> None:
    for number, handler in zip(_HANDLERS, handlers, strict=True):
        if handler is not None:  # not Python's own
            _set_handler(number, handler)


def _set_collector(enabled: bool) -> None:
    gc.enable() if enabled else gc.disable()


@functools.cache
def begun_frozen() -> bool:
    """Whether objects were frozen when this was first asked: a fork server asks while they are quickly counted."""
    return bool(gc.get_freeze_count())


def _thaw(frozen: bool) -> None:
    if not frozen:
        gc.unfreeze()


def _decimal() -> decimal.Context:
    return decimal.getcontext().copy()


def _same_decimal(before: decimal.Context, now: decimal.Context) -> bool:
    return repr(before) == repr(now)


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict
    mine = [logger for name, logger in list(known.items()) if name.partition(".")[0] == "mebench"]
    return [logging.root, *(logger for logger in mine if isinstance(logger, logging.Logger))]


def _logging() -> dict[str, Any]:
    told = {
        logger.name: (logger.level, logger.disabled, logger.propagate, tuple(logger.handlers), tuple(logger.filters))
        for logger in _loggers()
    }
    return {"": (logging.root.manager.disable, logging.raiseExceptions), **told}


def _same_logging(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return all(now.get(name) == values for name, values in before.items())


def _set_logging(before: dict[str, Any]) -> None:
    disabled, logging.raiseExceptions = before[""]
    logging.disable(disabled)
    for logger in _loggers():
        if logger.name in before:
            level, logger.disabled, logger.propagate, handlers, filters = before[logger.name]
            logger.handlers[:], logger.filters[:] = handlers, filters
            logger.setLevel(level)


def _modules() -> dict[str, Any]:
    return dict(sys.modules)


def _same_modules(before: dict[str, Any], now: dict[str, Any]) -> bool:
    if list(before) == list(now)[: len(before)] and all(map(operator.is_, before.values(), now.values())):
        return True  # as ever, unless some were taken out: told in a third of the time
    return all(now.get(name) is module for name, module in before.items())


def _set_modules(before: dict[str, Any]) -> None:
    sys.modules.update(before)


def _traced() -> tuple[Any, Any, Any, Any]:
    return sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()


def _set_traced(hooks: tuple[Any, Any, Any, Any]) -> None:
    sys.settrace(hooks[0])
    sys.setprofile(hooks[1])
    threading.settrace(hooks[2])
    threading.setprofile(hooks[3])


def _collected() -> tuple[int, tuple[Any, ...]]:
    return gc.get_debug(), tuple(gc.callbacks)


def _set_collected(values: tuple[int, tuple[Any, ...]]) -> None:
    gc.set_debug(values[0])
    gc.callbacks[:] = values[1]


def _start_method() -> str | None:
    return multiprocessing.get_start_method(allow_none=True)


def _first(target: list[Any], words: str) -> Setting:
    """A list that is gone through from its beginning: what is added behind stays."""
    return Setting(words, lambda: list(target), functools.partial(restore_first, target), "end", same=begins_as)


def _set_finders(before: list[Any]) -> None:
    """Leave behind what was added there; what was put before others is asked at every import, and goes."""
    last = max((place for place, one in enumerate(sys.meta_path) if one in before), default=-1)
    sys.meta_path[:] = [*before, *sys.meta_path[last + 1 :]]


def _at_the_end() -> Iterator[Setting]:
    """What libraries set when they are imported, and what matters to none but who comes after."""
    yield _first(sys.path, "the import path")
    yield Setting(
        "the finders of modules", lambda: list(sys.meta_path), _set_finders, "call", fault=False, same=begins_as
    )
    yield _first(sys.path_hooks, "the hooks of the import path")
    yield Setting("modules that were imported", _modules, _set_modules, "end", same=_same_modules)
    for owner, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (sys, "displayhook"),
        (sys, "breakpointhook"),
        (threading, "excepthook"),
        (warnings, "showwarning"),
        (warnings, "formatwarning"),
        (sys, "argv"),
        (sys, "dont_write_bytecode"),
    ):
        yield attribute(owner, name, f"{owner.__name__}.{name}", when="end")
    yield Setting("hooks of tracing", _traced, _set_traced, "end")
    yield Setting("logging", _logging, _set_logging, "end", same=_same_logging)
    yield Setting("handlers of signals", lambda: list(map(_get_handler, _HANDLERS)), _set_handlers, "end")
    yield Setting(
        "blocked signals",
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        lambda mask: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
        "end",
    )
    yield Setting("timers", armed, disarm, "end")
    yield Setting("limits of resources", limits, set_limits, "end")
    if hasattr(os, "sched_getaffinity"):
        those = functools.partial(os.sched_getaffinity, 0), functools.partial(os.sched_setaffinity, 0)
        yield Setting("the processors that may be used", *those, "end")
    yield Setting(
        "the priority of the process",
        lambda: os.getpriority(os.PRIO_PROCESS, 0),
        lambda value: os.setpriority(os.PRIO_PROCESS, 0, value),
        "end",
    )
    yield Setting("the garbage collector's callbacks", _collected, _set_collected, "end")
    yield Setting("objects that are not collected", lambda: begun_frozen() or bool(gc.get_freeze_count()), _thaw, "end")
    yield Setting("the start method of processes", _start_method, _set_start_method, "end")
    yield Setting("the time limit of connections", socket.getdefaulttimeout, socket.setdefaulttimeout, "end")
    yield Setting("the locale", lambda: locale.setlocale(locale.LC_ALL), _set_locale, "end")
    yield Setting("how NumPy prints arrays", np.get_printoptions, lambda values: np.set_printoptions(**values), "end")


def _set_start_method(method: str | None) -> None:
    multiprocessing.set_start_method(method, force=True)


def _set_locale(name: str) -> None:
    locale.setlocale(locale.LC_ALL, name)


PYTHON = (
    Setting("the working directory", os.getcwd, os.chdir),
    Setting("NumPy's error handling", np.geterr, lambda values: np.seterr(**values)),
    Setting("NumPy's handler of errors", np.geterrcall, np.seterrcall),
    Setting("the garbage collector", gc.isenabled, _set_collector),
    Setting("the garbage collector's thresholds", gc.get_threshold, lambda values: gc.set_threshold(*values)),
    Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("the switch interval", sys.getswitchinterval, sys.setswitchinterval),
    Setting("the file mode creation mask", umask, os.umask),
    _handler(signal.SIGTERM),
    _handler(signal.SIGINT),
    Setting("environment variables", _environment, _set_environment, fault=False, changed=_changed_variables),
    Setting("filters of warnings", lambda: list(warnings.filters), _set_filters, fault=False),
    Setting("decimal arithmetic", _decimal, decimal.setcontext, "evaluation", same=_same_decimal),
    *_at_the_end(),
    Setting("threads", threading.active_count, when="kit"),
    Setting("child processes", lambda: len(multiprocessing.active_children()), when="kit"),
)
