"""What a strategy tells of itself: small named numbers for a reader; nothing is scored or chosen by them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mebench.guard import Guard

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST = 32
KEY = "diagnostics"
"""Where a point of a curve holds them; no metric may be called so."""


def checked(guard: Guard, returned: Any) -> dict[str, float | None]:
    """Return a strategy's diagnostics as a curve holds them.

    Numbers that are not finite become None, as scores do: a diagnostic is there to see a run diverge, and must not
    be what ends it.

    Args:
        guard: of the attack, which is named in errors.
        returned: what ``diagnostics()`` returned.

    Raises:
        PluginFaultError: no mapping, more than 32 entries, a name that is no lower-case identifier of at most 40
            characters, or a value that is neither a number nor None.
    """
    if not isinstance(returned, Mapping):
        guard.fail(f"diagnostics returned a {type(returned).__name__}, not a mapping of names to numbers")
    if len(returned) > MOST:
        guard.fail(f"diagnostics returned {len(returned)} numbers, more than {MOST}")
    for name, value in returned.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            guard.fail(f"diagnostics returned the name {name!r:.60}: only a-z, 0-9 and _, at most 40")
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            guard.fail(f"diagnostics returned {value!r:.60} as {name}: a value must be a number, or None")
    return {name: _finite(value) for name, value in returned.items()}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
