"""One setting of a process that code of others can change for everybody: how it is read, compared and put back."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any, Literal

When = Literal["call", "evaluation", "end", "kit"]
AS_IT_IS = object()


@dataclass(frozen=True)
class Setting:
    """One setting of the process.

    Attributes:
        words: what it is, after "changed".
        read: returns its value, which can be compared.
        restore: puts back what ``read`` returned; None where nothing can.
        when: when it is compared: after every ``call`` into a plugin, for what is read in about a microsecond; before
            every ``evaluation`` of a trial and at its end; at the ``end`` of a job, for what libraries set when they
            are imported; or by the conformance ``kit`` alone.
        fault: whether a trial fails whose attack changes it: what ran before and after would not be the same
            experiment. Nothing that is compared at the ``end`` is a fault.
        same: whether what was read first is what was read last.
        changed: says more of a change than its name, for the log.
        fresh: what a trial begins with, whatever ran before it; `AS_IT_IS` leaves it.
    """

    words: str
    read: Callable[[], Any]
    restore: Callable[[Any], object] | None = None
    when: When = "call"
    fault: bool = True
    same: Callable[[Any, Any], bool] = operator.eq
    changed: Callable[[Any, Any], str] | None = None
    fresh: Any = AS_IT_IS

    @property
    def blamed(self) -> bool:
        """Whether an attack that changes it is to blame."""
        return self.fault and self.when in ("call", "evaluation")


@dataclass(frozen=True)
class Unreadable:
    """The value of a setting that cannot be read, such as the working directory after it was deleted.

    Attributes:
        kind: of the exception.
    """

    kind: str


def value_of(setting: Setting) -> Any:
    """What a setting is now; `Unreadable` if that cannot be read."""
    try:
        return setting.read()
    except Exception as error:
        return Unreadable(type(error).__name__)


def is_still(setting: Setting, value: Any) -> bool:
    """Whether a setting is what it was."""
    now = value_of(setting)
    readable = not isinstance(now, Unreadable) and not isinstance(value, Unreadable)
    return setting.same(value, now) if readable else now == value


def put_back(setting: Setting, value: Any) -> None:
    """Put a setting back to a value, if that can be done."""
    if setting.restore is not None:
        with contextlib.suppress(Exception):
            setting.restore(value)


def put_all_back(settings: Iterable[tuple[Setting, Any]]) -> list[Setting]:
    """Put settings back to their values; return those that are not back.

    Of settings that change each other, such as torch's older and newer ones of precision, the last one wins: what it
    has changed is put back once more.
    """
    pairs = list(settings)
    for _ in range(2):
        all_are_back = True
        for setting, value in pairs:
            if not is_still(setting, value):
                put_back(setting, value)
                all_are_back = False
        if all_are_back:
            return []
    return [setting for setting, value in pairs if not is_still(setting, value)]


def clause(setting: Setting, left: Container[Setting]) -> str:
    """Say that a setting was changed, and whether it is among those that are not back."""
    return f"changed {setting.words}" + (", which cannot be put back" if setting in left else "")


def attribute(owner: Any, name: str, words: str, **more: Any) -> Setting:
    """A setting that is an attribute of something."""
    return Setting(words, functools.partial(getattr, owner, name), functools.partial(setattr, owner, name), **more)


def begins_as(before: list[Any], now: list[Any]) -> bool:
    """Whether a list begins with what it held before: what was added behind it hides nothing."""
    return now[: len(before)] == before


def restore_first(target: list[Any], before: list[Any]) -> None:
    """Let a list begin with what it held before; what was added since comes after it, and so hides nothing."""
    target[:] = [*before, *(one for one in target if one not in before)]
