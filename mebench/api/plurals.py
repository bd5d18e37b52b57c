"""Numbers with what they count."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Write ``1 trial``, ``2 trials``, ``1,400 queries``.

    Args:
        number: how many.
        noun: what one of them is called; an ``s`` makes several, or ``ies`` in place of a last ``y``.
    """
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"
