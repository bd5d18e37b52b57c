"""How a check ends if it does not pass."""

from __future__ import annotations

from typing import NoReturn


class CheckFailed(AssertionError):  # noqa: N818 (a failed check is no error of the kit)
    """The attack does not do what the check proves; the message says what it does, in one line."""


class CheckSkipped(Exception):  # noqa: N818
    """The check says nothing about this attack; the message says why."""


def fail(message: str) -> NoReturn:
    """End the check: it failed."""
    raise CheckFailed(message)


def require(condition: bool, message: str) -> None:
    """End the check unless the condition holds."""
    if not condition:
        fail(message)
