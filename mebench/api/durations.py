"""Times in words: as a clock shows them, as people estimate, or as they were measured."""

from __future__ import annotations


def clock_time(seconds: float) -> str:
    """A time that is watched: ``48 s``, ``4:05``, ``2:03:00``, ``3 d 4 h``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def about(seconds: float) -> str:
    """An estimate in the two largest units: ``45 s``, ``3 min``, ``2 h 05 min``, ``4 d 03 h``."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24:02} h"


def measured(seconds: float) -> str:
    """A time that was taken, in its largest unit: ``8.5 s``, ``3.2 min``, ``1.4 h``."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
