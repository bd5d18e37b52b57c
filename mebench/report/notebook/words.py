"""Arguments of Python that options of the command line have as texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mebench.api.errors import ConfigurationError


def patterns(only: str | Sequence[str]) -> tuple[str, ...]:
    """What ``--only`` would be given."""
    return (only,) if isinstance(only, str) else tuple(only)


def settings(changes: Sequence[str] | Mapping[str, Any]) -> tuple[str, ...]:
    """What ``--set`` would be given.

    Raises:
        ConfigurationError: a value is none that a benchmark file can hold.
    """
    if isinstance(changes, str):
        return (changes,)
    if not isinstance(changes, Mapping):
        return tuple(changes)
    try:
        return tuple(f"{key}={json.dumps(value)}" for key, value in changes.items())
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"set: {error}") from None
