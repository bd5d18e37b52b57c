"""Metadata of the reports that mebench knows; imports nothing of theirs."""

from __future__ import annotations

from mebench.entry import ReportEntry

REPORTS = (
    ReportEntry(
        "html",
        "One self-contained page: leaderboard, curves, samples, flags, provenance.",
        "mebench.report.page:html",
        suffix="html",
    ),
)
