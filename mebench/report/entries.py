"""Metadata of the reports that mebench knows; imports nothing of theirs."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.registry.entries import ReportEntry
from mebench.registry.hooks import hookimpl

REPORTS = (
    ReportEntry(
        "html",
        "One self-contained page: leaderboard, curves, samples, flags, provenance.",
        "mebench.report.page.page:html",
        suffix="html",
    ),
)


@hookimpl
def mebench_reports() -> Sequence[ReportEntry]:
    """The HTML page."""
    return REPORTS
