"""The numbers that options take: each has a highest one, and none is infinite or NaN."""

from __future__ import annotations

import math
from typing import Any

import click

MOST_PIXELS = 10_000


class Number(click.FloatRange):
    """A number within bounds; NaN, which bounds do not leave out, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number
