"""What options of a run given from Python can be: what those of the command line can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.plan.file.schema import DEVICE, PATTERN_WORDS
from mebench.run.bounds import MOST_SECONDS, MOST_THREADS, MOST_TRIES, MOST_WORKERS
from mebench.run.engine.table import BATCH_SYSTEMS
from mebench.run.session import RunOptions

_WHOLE = {
    "workers": (0, MOST_WORKERS),
    "threads": (1, MOST_THREADS),
    "retries": (0, MOST_TRIES),
    "max_failures": (1, None),
    "per_gpu": (1, MOST_WORKERS),
}
"""Whole numbers: the least and the most."""
_NEEDED = ("threads", "retries")
"""Those that cannot be left open."""


def check_options(options: RunOptions) -> None:
    """Check what the options of the command line cannot be.

    Raises:
        ConfigurationError: one line per argument that is wrong.
    """
    if problems := list(_problems(options)):
        raise ConfigurationError(*problems)


def _problems(options: RunOptions) -> Iterator[str]:
    for name, (low, high) in _WHOLE.items():
        value = getattr(options, name)
        if (value is not None or name in _NEEDED) and not (type(value) is int and value >= low):
            yield f"{name}: must be a whole number of at least {low}, not {value!r:.60}"
        elif value is not None and high is not None and value > high:
            yield f"{name}: must be at most {high:,}, not {value}"
    for name, value in (("timeout", options.timeout), ("stall_timeout", options.stall)):
        if value is not None and not _are_seconds(value):
            yield f"{name}: must be a number of seconds above 0, not {value!r:.60}"
        elif value is not None and value > MOST_SECONDS:
            yield f"{name}: must be at most {MOST_SECONDS:,.0f} seconds"
    if options.device is not None and not re.fullmatch(DEVICE, str(options.device)):
        yield f"device: {PATTERN_WORDS[DEVICE]}, not {options.device!r:.60}"
    if options.cluster is not None and options.cluster not in BATCH_SYSTEMS:
        yield f"cluster: must be one of {', '.join(BATCH_SYSTEMS)}, not {options.cluster!r:.60}"


def _are_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
