"""Text of unknown origin, made fit for a line on a terminal. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


def printable(text: object) -> str:
    """Return text of unknown origin on one line and without control characters, which could garble a terminal."""
    return _printable(str(text))


def without_controls(text: str) -> str:
    """Return text of unknown origin with its lines and spaces, and without control characters."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" else " " if one.isspace() else "�" for one in text)


def numbered(names: Sequence[str]) -> str:
    """Names of classes with their labels: ``0 cat, 1 dog``."""
    return ", ".join(f"{label} {name}" for label, name in enumerate(names))


@lru_cache(maxsize=20_000)  # thousands of trials say the same words
def _printable(text: str) -> str:
    return without_controls(text).replace("\n", " ").strip()
