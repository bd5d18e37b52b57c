"""All that a trial shares with those that run in the same process after it: looked at now and then, and put back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mebench.guard.definitions import Definitions
from mebench.guard.setting import clause, is_still, put_all_back, value_of
from mebench.guard.settings import RANDOM_SEED, SETTINGS

_log = logging.getLogger(__name__)
_NAMED = 5
"""Functions that one line names."""
_WATCHED = tuple(one for one in SETTINGS if one.when != "kit" and one is not RANDOM_SEED)
"""Seeds are the business of each call; what draws after it is seeded by itself."""


class Surroundings:
    """The settings of this process, and the functions that all share, as they are now.

    To read them takes some milliseconds.
    """

    def __init__(self) -> None:
        self._values = [(setting, value_of(setting)) for setting in _WATCHED]
        self._definitions = Definitions()

    def problem(self) -> str:
        """Put back what no attack may change; return in a clause what it was, or nothing."""
        watched = [(setting, value) for setting, value in self._values if setting.blamed]
        changed = [setting for setting, value in watched if not is_still(setting, value)]
        left = put_all_back(watched)
        return " and ".join([*(clause(setting, left) for setting in changed), *self._replaced()])

    def put_back(self) -> list[str]:
        """Put everything back; return in words what cannot be."""
        left = [setting.words for setting in put_all_back(self._values)]
        return left + self._definitions.put_back()[:_NAMED]

    def _replaced(self) -> Iterator[str]:
        names = self._definitions.replaced()
        if names:
            self._definitions.put_back()
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"replaced {', '.join(names[:_NAMED])}{more}"


@contextmanager
def kept(title: str) -> Iterator[None]:
    """Put back after the block what it changed for all that run in this process; log what cannot be.

    Args:
        title: of what runs in it.
    """
    surroundings = Surroundings()
    try:
        yield
    finally:
        if left := surroundings.put_back():
            _log.warning(
                "%s changed %s, which cannot be put back: what runs after it in this process may come out otherwise; "
                "with --workers 1 each trial has a process of its own",
                title,
                ", ".join(left),
            )
