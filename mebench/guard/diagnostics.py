"""What a strategy tells of itself: small named numbers for a reader; nothing is scored or chosen by them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mebench.api.plain_numbers import is_measurable, plain_number

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST = 32
KEY = "diagnostics"
"""Where a point of a curve holds them; no metric may be called so."""


def problem(returned: Any) -> str:
    """Say what is wrong with what ``diagnostics()`` returned; empty if nothing is.

    It must be a mapping of at most 32 entries, with names that are lower-case identifiers of at most 40 characters, and
    values that are numbers or None.
    """
    if not isinstance(returned, Mapping):
        return f"a {type(returned).__name__}, not a mapping of names to numbers"
    if len(returned) > MOST:
        return f"{len(returned)} numbers, more than {MOST}"
    for name, given in returned.items():
        value = plain_number(given)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            return f"the name {name!r:.60}: only a-z, 0-9 and _, at most 40"
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            return f"{value!r:.60} as {name}: a value must be a number, or None"
    return ""


def finite(returned: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return a strategy's diagnostics as a curve holds them: numbers that nothing can be made of become None.

    A diagnostic is there to see a run diverge; it does not end the run.
    """
    numbers = {name: plain_number(value) for name, value in returned.items()}
    return {name: float(value) if is_measurable(value) else None for name, value in numbers.items()}
