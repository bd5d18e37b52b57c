"""What all loggers write of a trial."""

from __future__ import annotations

from mebench import LoggedTrial

Value = str | int | float | bool


def described(trial: LoggedTrial) -> dict[str, Value]:
    """What names a trial, and the parameters of its attack as ``parameters.NAME``; lists and the like as texts."""
    named = ("attack", "variant", "kind", "victim", "channel", "clone", "budget", "seed", "track")
    found: dict[str, Value] = {name: getattr(trial, name) for name in named}
    for name, value in trial.parameters.items():
        found[f"parameters.{name}"] = value if isinstance(value, (str, int, float)) else str(value)
    return found
