"""What a result or a row says of a detector, checked before anything is counted with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COUNTS = ("streams", "alarms", "watched")
"""What is counted of the streams of honest clients."""
_OF_ATTACK = ("clients", "first_alarm", "fidelity_at_alarm")


def watched_problem(told: Mapping[str, Any]) -> str:
    """Say what does not fit in what is told of a detector; empty if all does."""
    name = told.get("detector")
    if not isinstance(name, str):
        return "detectors: one has no name"
    if missing := [key for key in _OF_ATTACK if key not in told]:
        return f"detector {name}: {missing[0]} is missing"
    if not _is_count(told["clients"]) or not (told["first_alarm"] is None or _is_count(told["first_alarm"])):
        return f"detector {name}: clients and the first alarm must be whole numbers"
    if not (told["fidelity_at_alarm"] is None or _is_fraction(told["fidelity_at_alarm"])):
        return f"detector {name}: the fidelity at the alarm is no number in 0..1"
    honest = told.get("honest", {})
    if not isinstance(honest, Mapping):
        return f"detector {name}: honest is no mapping"
    for kind, counts in honest.items():
        if not isinstance(counts, Mapping) or not all(_is_count(counts.get(key)) for key in COUNTS):
            return f"detector {name}: honest {kind} must have whole numbers of {', '.join(COUNTS)}"
        if counts["alarms"] > counts["streams"]:
            return f"detector {name}: honest {kind} has more alarms than streams"
    return ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and type(value) is not bool and 0 <= value < 10**15


def _is_fraction(value: object) -> bool:
    return isinstance(value, (int, float)) and type(value) is not bool and 0 <= value <= 1
