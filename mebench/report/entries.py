"""Metadata of the reports that mebench knows; imports nothing of theirs."""

from __future__ import annotations

from mebench.registry.entries import ReportEntry

REPORTS = (
    ReportEntry(
        "html",
        "One self-contained page: leaderboard, curves, samples, flags, provenance.",
        "mebench.report.page.page:html",
        suffix="html",
    ),
)
