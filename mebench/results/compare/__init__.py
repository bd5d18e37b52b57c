"""Comparing two sets of results: what got worse, better, is new or gone; the check that CI relies on."""

from __future__ import annotations

from mebench.results.compare.comparison import Comparison, RowComparison, compare
from mebench.results.compare.formats import as_markdown, render_text, show
from mebench.results.compare.machines import FORMATS
from mebench.results.compare.metrics import METRICS, MetricComparison

__all__ = [
    "FORMATS",
    "METRICS",
    "Comparison",
    "MetricComparison",
    "RowComparison",
    "as_markdown",
    "compare",
    "render_text",
    "show",
]
