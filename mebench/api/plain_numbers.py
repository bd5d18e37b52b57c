"""Numbers that plugins return, as Python's own."""

from __future__ import annotations

from numbers import Real
from typing import Any

MOST = 1e100
"""The largest number that can be averaged, squared and drawn without a thought."""


def plain_number(value: Any) -> Any:
    """A number of NumPy's as one of Python's; all else, arrays and tensors too, as it is."""
    if isinstance(value, Real) and not isinstance(value, (int, float)):
        return getattr(value, "item", lambda: value)()
    return value


def is_measurable(value: Any) -> bool:
    """Whether something is a number that statistics can be made of: finite, and of at most `MOST` either way."""
    return isinstance(value, (int, float)) and -MOST <= value <= MOST
