"""A stream whose text may get lost where it cannot be written, as on a full disk. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO


class Forgiving:
    """Hands text on to a stream: no work stops for what is only told.

    Args:
        stream: the real one.
        given_up: called with it where what is buffered cannot be written.
    """

    def __init__(self, stream: TextIO, given_up: Callable[[TextIO], None] = lambda stream: None) -> None:
        self._stream, self._given_up = stream, given_up

    def write(self, text: str) -> int:
        """Write text; a reader that went away is told of all the same."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError:
            self._given_up(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
