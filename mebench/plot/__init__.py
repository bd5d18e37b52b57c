"""Figures of results: curves of accuracy or fidelity over queries."""

from __future__ import annotations

from mebench.plot.figure import draw, save_plot
from mebench.plot.panels import Line, Panel, read_panels

__all__ = ["Line", "Panel", "draw", "read_panels", "save_plot"]
