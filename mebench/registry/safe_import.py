"""Around a plugin's own code while it is imported and its hooks are called: it must not take mebench down with it.

Imports no torch. What a plugin does later, in a trial, is watched over by `mebench.guard.call`.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, ClassVar, NoReturn, TextIO

from mebench.api.errors import PluginError, reason
from mebench.registry.loading_state import LoadingState

LOAD_SECONDS = 20.0
LIMIT = "MEBENCH_LOAD_SECONDS"
MOST_PRINTED = 10_000
_SECONDS_BETWEEN = 0.0002
"""Between two interruptions of code that is still being loaded."""
_ENDINGS = ("_exit", "abort", "fork", "forkpty", "execv", "execve")


class _Refused(BaseException):
    """What the plugin did; no ``except Exception`` of its own catches it."""


@contextlib.contextmanager
def guarded_import() -> Iterator[None]:
    """Turn whatever a plugin does while it is loaded into a `PluginError`, and put the process back in order.

    It may raise anything, call ``sys.exit`` or ``os._exit``, fork, signal this process, or take longer than
    ``MEBENCH_LOAD_SECONDS`` (20 without it; noticed in the main thread only). A Ctrl-C of the user's still ends the
    command. What it prints goes to stderr, so that output stays readable by programs, and no more than `MOST_PRINTED`
    characters of it. The working directory and what else `LoadingState` knows are put back.

    Raises:
        PluginError: one line on what happened.
    """
    state = LoadingState()
    pressed: list[int] = []
    loading: list[bool] = []
    try:
        with _interrupts(pressed, loading) as tell_early, _little_output(), without_endings(), _time_limit(loading):
            tell_early()
            yield
        if pressed:
            raise KeyboardInterrupt
    except PluginError:
        raise
    except BaseException as error:
        if pressed:
            raise KeyboardInterrupt from error
        raise PluginError(what_happened(error)) from error
    finally:
        moved = state.put_back()
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
    kill, raise_signal = os.kill, signal.raise_signal

    def kill_others(pid: int, number: int) -> None:
        if pid in (os.getpid(), 0, -1):
            raise _Refused("sent a signal to its own process while it was loaded")
        kill(pid, number)

    os.kill, signal.raise_signal = kill_others, partial(kill_others, os.getpid())
    try:
        yield
    finally:
        os.kill, signal.raise_signal = kill, raise_signal
        for name, function in before.items():
            setattr(os, name, function)


@contextlib.contextmanager
def _interrupts(pressed: list[int], loading: list[bool]) -> Iterator[Callable[[], None]]:
    """Note the SIGINTs that arrive: a KeyboardInterrupt without one is the plugin's. In the main thread only.

    Nothing is broken off that puts the process in order: what arrives before the block is ``loading`` waits until the
    function is called that this yields, and what arrives after it until all is put back.

    Args:
        pressed: gets those for which a KeyboardInterrupt was raised.
        loading: holds something for as long as it may be raised.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: None
        return
    early: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if loading:
            hand_on(number, frame)
        else:
            early.append(number)

    def hand_on(number: int, frame: FrameType | None = None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt:
            pressed.append(number)
            if loading:
                signal.setitimer(signal.ITIMER_REAL, _SECONDS_BETWEEN, _SECONDS_BETWEEN)  # for code that catches it
            if not _is_ours(frame):
                raise

    def tell_early() -> None:
        while early:
            hand_on(early.pop())

    signal.signal(signal.SIGINT, note)
    try:
        yield tell_early
    finally:
        signal.signal(signal.SIGINT, before)
        tell_early()


class _FirstPart(io.TextIOBase):
    """Hands on the first characters to a stream, and drops the rest."""

    kept: ClassVar[list[_FirstPart]] = []
    """All of them: a thread of a plugin's that prints holds none that Python 3.11 would keep alive for it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._left = stream, MOST_PRINTED
        self.kept.append(self)

    def write(self, text: str) -> int:
        self._stream.write(text[: self._left])
        self._left = max(0, self._left - len(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True


@contextlib.contextmanager
def _little_output() -> Iterator[None]:
    """Send what is printed to stderr, as far as it is little. Stderr itself stays: handlers of logs keep it."""
    with contextlib.redirect_stdout(_FirstPart(sys.stderr)):
        yield


@contextlib.contextmanager
def _time_limit(loading: list[bool]) -> Iterator[None]:
    """Interrupt the block after `load_seconds`, and then until it is left, for it may catch what interrupts it.

    Without effect outside the main thread, which alone gets signals.

    Args:
        loading: holds something for as long as the block lasts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seconds = load_seconds()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if loading and not _is_ours(frame):
            raise _Refused(f"took longer than {seconds:g} s to load ({LIMIT})")

    before = signal.signal(signal.SIGALRM, interrupt)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _SECONDS_BETWEEN)
    try:
        loading.append(True)
        yield
    finally:
        loading.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if delay:
            signal.setitimer(signal.ITIMER_REAL, delay, interval)  # somebody else's


def _is_ours(frame: FrameType | None) -> bool:
    """Whether code is about to enter or leave the guard, which must not be broken off."""
    return frame is not None and frame.f_globals.get("__name__") in (__name__, "contextlib")
