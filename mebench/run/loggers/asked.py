"""Which loggers a run is asked for, checked before anything runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.api.run_events import CALLS
from mebench.registry.catalogue import registry
from mebench.registry.entries import LoggerEntry
from mebench.run.loggers.told import Told, ToldHere, ToldProcess


@dataclass(frozen=True)
class AskedLogger:
    """A registered logger with its parameters.

    Attributes:
        name: of the logger.
        parameters: in place of the defaults.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)


Asked = AskedLogger | object
"""A registered logger, or an object with some of the methods of a `RunLogger`."""


def loggers_asked_for(log: object) -> tuple[Asked, ...]:
    """What ``log=`` of `mebench.run` means.

    Args:
        log: a name, a mapping of names to parameters, an object with methods of a `RunLogger`, or several of these.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(log, str):
        return (AskedLogger(log),)
    if isinstance(log, Mapping):
        return tuple(AskedLogger(str(name), given or {}) for name, given in log.items())
    if isinstance(log, Sequence):
        return tuple(one for several in log for one in loggers_asked_for(several))
    if not any(callable(getattr(log, call, None)) for call in CALLS):
        raise ConfigurationError(f"log: a {type(log).__name__} has none of the methods {', '.join(CALLS)}")
    return (log,)


def check(asked: Sequence[Asked]) -> None:
    """Look names, parameters and packages up.

    Raises:
        ConfigurationError: one line per problem.
    """
    problems: list[str] = []
    for one in asked:
        if isinstance(one, AskedLogger):
            try:
                _check(registry().get(LoggerEntry, one.name), one.parameters)
            except ConfigurationError as error:
                problems += error.problems
    if problems:
        raise ConfigurationError(*problems)


def _check(entry: LoggerEntry, parameters: Mapping[str, Any]) -> None:
    try:
        entry.resolve(parameters)
    except ConfigurationError as error:
        raise ConfigurationError(*(f"logger {entry.name}: {problem}" for problem in error.problems)) from None
    if missing := [name for name in entry.packages if not _is_installed(name)]:
        how = f": pip install '{entry.install}'" if entry.install else ""
        raise ConfigurationError(f"logger {entry.name} needs {' and '.join(missing)}, which is not installed{how}")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def told(asked: Sequence[Asked], logs: Path) -> list[Told]:
    """Who is told.

    Args:
        asked: as it was checked.
        logs: folder for what loggers print.
    """
    return [
        ToldProcess(
            one.name, registry().described(LoggerEntry, one.name), one.parameters, logs / f"logger-{one.name}.txt"
        )
        if isinstance(one, AskedLogger)
        else ToldHere(one)
        for one in asked
    ]
