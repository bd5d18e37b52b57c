"""Around a plugin's own code while it is imported and its hooks are called: it must not take mebench down with it.

Imports no torch. What a plugin does later, in a trial, is watched over by `mebench.guard.call`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from mebench.api.errors import PluginError, reason

LOAD_SECONDS = 20.0
LIMIT = "MEBENCH_LOAD_SECONDS"
_ENDINGS = ("_exit", "abort", "fork", "forkpty", "execv", "execve")


class _Refused(BaseException):
    """What the plugin did; no ``except Exception`` of its own catches it."""


@contextlib.contextmanager
def guarded_import() -> Iterator[None]:
    """Turn whatever a plugin does while it is loaded into a `PluginError`, and put the process back in order.

    It may raise anything, call ``sys.exit`` or ``os._exit``, fork, or take longer than ``MEBENCH_LOAD_SECONDS``
    (20 without it; noticed in the main thread only). What it prints goes to stderr, so that output stays readable by
    programs. The working directory and the environment are put back.

    Raises:
        PluginError: one line on what happened.
    """
    folder, variables = _folder(), os.environ.copy()
    try:
        with contextlib.redirect_stdout(sys.stderr), without_endings(), _time_limit(load_seconds()):
            yield
    except PluginError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(what_happened(error)) from error
    finally:
        moved = _restore(folder, variables)
    if moved:
        raise PluginError("changed the working directory while it was loaded")


def load_seconds() -> float:
    """How long a plugin may take to load."""
    with contextlib.suppress(ValueError):
        return max(0.1, float(os.environ.get(LIMIT, "")))
    return LOAD_SECONDS


def what_happened(error: BaseException) -> str:
    """Say in one line what a plugin's code raised, even if the exception cannot be written."""
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, SystemExit):
        return "called sys.exit"
    name, words = type(error).__name__, reason(error)
    return name if words == name else f"{name}: {words}"


def _restore(folder: Path | None, variables: dict[str, str]) -> bool:
    """Put directory and environment back; return whether the directory was another."""
    if os.environ.copy() != variables:
        os.environ.clear()
        os.environ.update(variables)
    moved = _folder() != folder
    if moved and folder is not None:
        os.chdir(folder)
    return moved


def _folder() -> Path | None:
    """The working directory; None if it has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def without_endings() -> Iterator[None]:
    """Replace the functions that would end or double this process without a word."""

    def refusing(name: str) -> Callable[..., NoReturn]:
        def refuse(*arguments: Any, **more: Any) -> NoReturn:
            raise _Refused(f"called os.{name} while it was loaded")

        return refuse

    before = {name: getattr(os, name) for name in _ENDINGS if hasattr(os, name)}
    for name in before:
        setattr(os, name, refusing(name))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(os, name, function)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the block after this long; without effect outside the main thread, which alone gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise _Refused(f"took longer than {seconds:g} s to load ({LIMIT})")

    before = signal.signal(signal.SIGALRM, interrupt)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if delay:
            signal.setitimer(signal.ITIMER_REAL, delay, interval)  # somebody else's
