"""Numbers with what they count, and short ones."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Write ``1 trial``, ``2 trials``, ``1,400 queries``.

    Args:
        number: how many.
        noun: what one of them is called; an ``s`` makes several, or ``ies`` in place of a last ``y``.
    """
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"


def short(number: float) -> str:
    """A number of at least 0 in at most five characters: ``0.25``, ``870``, ``12.3K``, ``1.25M``."""
    power = 0
    while number >= 999.5 and power < 3:
        number /= 1000
        power += 1
    return f"{number:.3g}{('', 'K', 'M', 'G')[power]}"
