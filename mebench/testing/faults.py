"""How a check ends if it does not pass."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn


class CheckFailed(AssertionError):  # noqa: N818 (a failed check is no error of the kit)
    """The attack does not do what the check proves; the message says what it does, in one line.

    Attributes:
        picture: a file that shows it, if there is one.
    """

    def __init__(self, message: str, picture: Path | None = None) -> None:
        super().__init__(message)
        self.picture = picture


class CheckSkipped(Exception):  # noqa: N818 (nothing went wrong)
    """The check says nothing about this attack; the message says why."""


def fail(message: str, picture: Path | None = None) -> NoReturn:
    """End the check: it failed, as a picture shows."""
    raise CheckFailed(message, picture)


def require(condition: bool, message: str) -> None:
    """End the check unless the condition holds."""
    if not condition:
        fail(message)
