"""Figures of results: curves over queries, mean ranks, and grids of generated queries."""

from __future__ import annotations

from mebench.plot.figure import draw, save_plot
from mebench.plot.panels import Line, Panel, read_panels
from mebench.plot.ranks import draw_ranks, save_ranks
from mebench.plot.rounds import draw_rounds, read_rounds, save_rounds
from mebench.plot.samples import draw_samples, read_sections, save_samples

__all__ = [
    "Line",
    "Panel",
    "draw",
    "draw_ranks",
    "draw_rounds",
    "draw_samples",
    "read_panels",
    "read_rounds",
    "read_sections",
    "save_plot",
    "save_ranks",
    "save_rounds",
    "save_samples",
]
