"""Figures of results: curves over queries, and grids of generated queries."""

from __future__ import annotations

from mebench.plot.figure import draw, save_plot
from mebench.plot.panels import Line, Panel, read_panels
from mebench.plot.samples import draw_samples, read_sections, save_samples

__all__ = ["Line", "Panel", "draw", "draw_samples", "read_panels", "read_sections", "save_plot", "save_samples"]
