"""What running work tells the engine: small, picklable, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Attributes:
        done, total: in ``unit`` s.
        unit: ``queries`` for a trial, ``epochs`` for the training of a victim.
        accuracy: the last one measured, or None.
        phase: one or two words, e.g. ``attack``, ``victim``, ``evaluate``.
    """

    done: int
    total: int
    unit: str = "queries"
    accuracy: float | None = None
    phase: str = "attack"


OnProgress = Callable[[Progress], None]
"""Takes progress; cheap to call, throttled by the caller."""

ShouldStop = Callable[[], bool]
"""True once the user has asked to stop: save and return at the next safe point."""


class Stopped(Exception):  # noqa: N818 (nothing went wrong)
    """The work was stopped because ``ShouldStop`` said so; what can go on later was saved."""


_hear: Callable[[], None] | None = None
_stop: ShouldStop | None = None


def heartbeat() -> None:
    """Give a sign of life in the midst of a long turn: the engine ends work that gives none (``--stall-timeout``).

    Reports, questions to the oracle and steps of torch's optimisers are signs of life by themselves.

    Raises:
        Stopped: the user has asked to stop, in the midst of work that keeps nothing of what it has begun.
    """
    if _hear is not None:
        _hear()
    if stop_is_asked():
        raise Stopped("stopped in the midst of work that begins anew")


@contextmanager
def ended_by_a_stop(should_stop: ShouldStop) -> Iterator[None]:
    """Let signs of life in the block raise `Stopped` once ``should_stop`` says so: for long work that keeps no part."""
    global _stop
    before, _stop = _stop, should_stop
    try:
        yield
    finally:
        _stop = before


def stop_is_asked() -> bool:
    """Whether the present work is to be ended by its next sign of life."""
    global _stop
    asked, _stop = _stop, None  # who is asked may give a sign of life
    try:
        return asked is not None and asked()
    finally:
        _stop = asked


def hear_signs_of_life(listener: Callable[[], None]) -> None:
    """Call ``listener`` at every sign of life in this process; it must be cheap."""
    global _hear
    _hear = listener


_end: Callable[[str], None] | None = None


def end_work(reason: str) -> None:
    """End this process's work as failed, whatever the code that runs now would catch.

    Where work shares its process with other work (``--workers 0``), it does nothing.

    Args:
        reason: one line that names whose code it is.
    """
    if _end is not None:
        _end(reason)


def end_work_by(listener: Callable[[str], None]) -> None:
    """Let ``listener`` end the work of this process; it does not return."""
    global _end
    _end = listener


_follow: OnProgress | None = None


def step(progress: Progress) -> None:
    """Tell how far something is that takes long and is no job, such as making a data set; a sign of life too."""
    heartbeat()
    if _follow is not None:
        _follow(progress)


@contextmanager
def steps_to(on_progress: OnProgress) -> Iterator[None]:
    """Let every `step` in the block be reported."""
    global _follow
    before, _follow = _follow, on_progress
    try:
        yield
    finally:
        _follow = before


def ignore(progress: Progress) -> None:
    """Tell nobody."""


def never() -> bool:
    """Never stop."""
    return False
