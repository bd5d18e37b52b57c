"""Arguments of Python that options of the command line have as texts; what they cannot be is said in one line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.plan.file.schema import MAX_SEED
from mebench.plan.shard import Shard


def path_of(name: str, given: object) -> Path:
    """A path.

    Args:
        name: of the argument.
        given: its value.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(given, (str, os.PathLike)) or not isinstance(os.fspath(given), str):
        raise ConfigurationError(f"{name}: must be a path, not a {type(given).__name__}")
    return Path(given)


def texts(name: str, given: object) -> tuple[str, ...]:
    """One text or several.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
        raise ConfigurationError(f"{name}: must be a text or a list of texts, not {given!r:.60}")
    return tuple(given)


def settings(changes: object) -> tuple[str, ...]:
    """What ``--set`` would be given.

    Raises:
        ConfigurationError: it is no text, list or mapping, or a value is none that a benchmark file can hold.
    """
    if not isinstance(changes, Mapping):
        return texts("set", changes)
    try:
        return tuple(f"{key}={json.dumps(value)}" for key, value in changes.items())
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"set: {error}") from None


def chosen_seeds(given: Any) -> int | list[int] | None:
    """A number of seeds, or the seeds themselves; None for the file's.

    Raises:
        ConfigurationError: it is neither.
    """
    if given is None or type(given) is int:
        return given
    listed = list(given) if isinstance(given, (Sequence, range)) and not isinstance(given, str) else []
    fit = all(type(one) is int and 0 <= one <= MAX_SEED for one in listed)
    if not listed or not fit or len({*listed}) < len(listed):
        raise ConfigurationError(
            f"seeds: must be a number, or different seeds from 0 to {MAX_SEED:,}, not {given!r:.60}"
        )
    return listed


def part(shard: object) -> Shard | None:
    """A shard, written ``3/16``; None for all trials.

    Raises:
        ConfigurationError: it is no shard.
    """
    if shard is None:
        return None
    try:
        return Shard.parse(shard if isinstance(shard, str) else repr(shard))
    except ConfigurationError as error:
        raise ConfigurationError(f"shard: {error}") from None
