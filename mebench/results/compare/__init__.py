"""Comparing two sets of results: what got worse, better, is new or gone; the check that CI relies on."""

from __future__ import annotations

from mebench.results.compare.comparison import Comparison, RowComparison, compare
from mebench.results.compare.formats import FORMATS
from mebench.results.compare.metrics import MetricComparison
from mebench.results.compare.text import as_markdown, render_text, show

__all__ = [
    "FORMATS",
    "Comparison",
    "MetricComparison",
    "RowComparison",
    "as_markdown",
    "compare",
    "render_text",
    "show",
]
