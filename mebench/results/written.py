"""How numbers are written, wherever people read them."""

from __future__ import annotations

from mebench.registry.card import Number

NOTHING = "–"
"""What stands where there is no number."""


def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction in percent, without the sign."""
    return NOTHING if value is None else f"{100 * value:.{digits}f}"


def whole(value: float | None) -> str:
    """Write a count with separators between thousands."""
    return formatted(value, ",.0f")


def formatted(value: float | None, form: str) -> str:
    """Write a number in a format, or that there is none."""
    return NOTHING if value is None else format(value, form)


def digits(value: float | None) -> str:
    """Write three digits of a number, and all of those before the point."""
    return formatted(value, ",.0f" if value is not None and abs(value) >= 100 else ".3g")


def written(number: Number, value: float | None, *, aligned: bool = False) -> str:
    """Write a number as its card says.

    Args:
        number: whose card.
        value: None if it is not known.
        aligned: write fractions with as many zeros as makes their points stand below each other.
    """
    if number.format:
        return formatted(value, number.format)
    if number.in_percent:
        return percent(value)
    return formatted(value, ".3f") if aligned and number.is_fraction else digits(value)


def with_interval(mean: str, half_width: str) -> str:
    """Write ``71.2 ± 3.1``, or the mean alone where there is no interval."""
    return mean if NOTHING in (mean.strip(), half_width) else f"{mean} ± {half_width}"


def percent_interval(mean: float | None, half_width: float | None) -> str:
    """Write fractions as ``71.2 ± 3.1``; the mean is padded so that points stand below each other."""
    return with_interval(f"{percent(mean):>5}", percent(half_width))


def as_reported(number: Number, value: float | None) -> str:
    """Write a number in the unit in which papers print it: fractions in percent."""
    if number.is_fraction:
        return percent(value)
    return formatted(value, number.format or ".4g")
