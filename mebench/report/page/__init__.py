"""One self-contained web page about results: no network, no scripts or fonts from elsewhere, under 3 MB."""

from __future__ import annotations

from mebench.report.page.page import MAX_BYTES, render_report, write_report
from mebench.report.page.results import Results

__all__ = ["MAX_BYTES", "Results", "render_report", "write_report"]
