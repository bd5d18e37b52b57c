"""Values of parameters on the command line, written as in a benchmark file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.api.errors import ConfigurationError


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Split ``NAME=VALUE``.

    Raises:
        ConfigurationError: one line for each text that is not so.
    """
    split = [text.partition("=") for text in texts]
    wrong = [f"{option} {''.join(parts)}: must be NAME=VALUE" for parts in split if not parts[0] or not parts[1]]
    if wrong:
        raise ConfigurationError(*wrong)
    return {key.strip(): value for key, _, value in split}


def parameter_values(option: str, texts: Sequence[str]) -> Mapping[str, Any]:
    """Read ``NAME=VALUE``, the value as YAML."""
    from mebench.plan.file.positions import parse_value

    return {key: parse_value(value) for key, value in pairs(option, texts).items()}
