"""Text and values of any length, cut to what a file or a line can hold. Imports no torch."""

from __future__ import annotations

from typing import Any

MOST_SHOWN = 60


def shortened(text: str, most: int) -> str:
    """Return the beginning and the end of a text, and between them how much was left out.

    Args:
        text: comes back as it is where it has no more than ``most`` characters.
        most: characters that are kept.
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters left out ...] {text[len(text) - half :]}"


def brief(value: Any) -> str:
    """A value as Python writes it, in at most `MOST_SHOWN` characters."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def bound(value: float) -> str:
    """A bound of a number as a reader takes it in: ``1,000,000``, ``0.5``, ``1e-12``."""
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:g}"
