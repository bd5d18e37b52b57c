"""The words that options take, of a few that there are."""

from __future__ import annotations

from typing import Any

import click

from mebench.api.suggestions import did_you_mean


class OneOf(click.Choice):  # type: ignore[type-arg]  # generic in some versions of click
    """One of some words; for another, the nearest one is suggested."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a word."""
        if value not in self.choices:
            self.fail(f"there is no {value!r}{did_you_mean(value, self.choices)}", param, ctx)
        return value
