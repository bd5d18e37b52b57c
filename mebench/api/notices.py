"""What a user should know although nothing failed, such as files that were left out: said once, where it is seen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)
_logged: set[str] = set()
_listen: Callable[[str], None] | None = None


def notice(line: str) -> None:
    """Say something in one line: to whoever listens, or else to the log, where a process says it once.

    Args:
        line: what, where, and, if there is something to do about it, what.
    """
    if _listen is not None:
        _listen(line)
    elif line not in _logged:
        _logged.add(line)
        _log.warning("%s", line)


@contextmanager
def notices_to(listener: Callable[[str], None]) -> Iterator[None]:
    """Let everything that is said in the block go to ``listener``, each line once."""
    global _listen
    before, said = _listen, set[str]()

    def once(line: str) -> None:
        if line not in said:
            said.add(line)
            listener(line)

    _listen = once
    try:
        yield
    finally:
        _listen = before
