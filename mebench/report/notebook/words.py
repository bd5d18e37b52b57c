"""Arguments of Python that options of the command line have as texts; what they cannot be is said in one line."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.plan.file.schema import MAX_SEED, MAX_SEEDS
from mebench.plan.shard import Shard


def path_of(name: str, given: object) -> Path:
    """A path.

    Args:
        name: of the argument.
        given: its value.

    Raises:
        ConfigurationError: it is none, or one that no file can have.
    """
    if not isinstance(given, (str, os.PathLike)) or not isinstance(os.fspath(given), str):
        raise ConfigurationError(f"{name}: must be a path, not a {type(given).__name__}")
    if given == "":
        raise ConfigurationError(f"{name}: the path is empty")
    path = Path(given)
    if problem := _impossible(path):
        raise ConfigurationError(f"{name}: {str(path)!r:.60} can be no path: {problem}")
    return path


def _impossible(path: Path) -> str:
    """Why no file can have this path; empty if one could."""
    try:
        path.lstat()
    except ValueError as error:  # a NUL
        return str(error)
    except OSError as error:
        return str(error.strerror) if error.errno == errno.ENAMETOOLONG else ""
    return ""


def plain(given: Any) -> Any:
    """A number of NumPy's as one of Python's, an array as a list; all else as it is."""
    return given.tolist() if callable(getattr(given, "tolist", None)) and not isinstance(given, type) else given


def word(name: str, given: object) -> str | None:
    """A text, or None.

    Raises:
        ConfigurationError: it is neither.
    """
    if given is not None and not isinstance(given, str):
        raise ConfigurationError(f"{name}: must be a text, not {given!r:.60}")
    return given


def truth(name: str, given: object) -> bool:
    """True or False.

    Raises:
        ConfigurationError: it is neither.
    """
    value = plain(given)
    if not isinstance(value, int) or value not in (0, 1):
        raise ConfigurationError(f"{name}: must be True or False, not {given!r:.60}")
    return bool(value)


def texts(name: str, given: object) -> tuple[str, ...]:
    """One text or several.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(given, str):
        return (given,)
    several = given if isinstance(given, Collection) and not isinstance(given, (bytes, Mapping)) else (None,)
    if not all(isinstance(one, str) for one in several):
        raise ConfigurationError(f"{name}: must be a text or a list of texts, not {given!r:.60}")
    return tuple(several)


def settings(changes: object) -> tuple[str, ...]:
    """What ``--set`` would be given.

    Raises:
        ConfigurationError: it is no text, list or mapping, or a value is none that a benchmark file can hold.
    """
    if not isinstance(changes, Mapping):
        return texts("set", changes)
    try:
        return tuple(f"{key}={json.dumps(value, default=_held)}" for key, value in changes.items())
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"set: {error}") from None


def _held(value: Any) -> Any:
    """What `json` does not know and a benchmark file can hold."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if (held := plain(value)) is value:
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return held


def chosen_seeds(given: Any) -> int | list[int] | None:
    """A number of seeds, or the seeds themselves; None for the file's.

    Raises:
        ConfigurationError: it is neither.
    """
    seeds = plain(given)
    if seeds is None or type(seeds) is int:
        return seeds
    several = isinstance(seeds, Collection) and not isinstance(seeds, (str, bytes, Mapping))
    listed = [plain(one) for one in islice(seeds, MAX_SEEDS + 1)] if several else []
    if len(listed) > MAX_SEEDS:
        raise ConfigurationError(f"seeds: must be at most {MAX_SEEDS:,}")
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
