"""``--log`` and ``--log-set``: which loggers a run tells, and how they are set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.cli.values import parameter_values

if TYPE_CHECKING:
    from mebench.run.loggers.asked import AskedLogger


def loggers_named(names: Sequence[str], settings: Sequence[str]) -> tuple[AskedLogger, ...]:
    """The loggers that the options name, with their parameters.

    Raises:
        ConfigurationError: a setting is not ``NAME.PARAMETER=VALUE``, or is of no logger that is named.
    """
    from mebench.run.loggers.asked import AskedLogger

    given: dict[str, dict[str, Any]] = {name: {} for name in names}
    for key, value in parameter_values("--log-set", settings).items():
        name, dot, parameter = key.partition(".")
        if not dot or not parameter:
            raise ConfigurationError(f"--log-set {key}: must be NAME.PARAMETER=VALUE")
        if name not in given:
            hint = did_you_mean(name, given) or ": name it by --log"
            raise ConfigurationError(f"--log-set {key}: there is no --log {name}{hint}")
        given[name][parameter] = value
    return tuple(AskedLogger(name, parameters) for name, parameters in given.items())
