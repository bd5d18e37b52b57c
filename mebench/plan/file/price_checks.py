"""Checks of the ``prices`` of a benchmark file."""

from __future__ import annotations

from mebench.plan.file.checker import Checker, mapping


def check_prices(checker: Checker) -> None:
    """Check that prices are of channels that exist."""
    prices = mapping(checker.content.get("prices"))
    for name in mapping(prices.get("per_1000_queries")):
        location = ("prices", "per_1000_queries", name)
        checker.known(location, name, checker.registry.names("channel"), "unknown channel", at_key=True)
