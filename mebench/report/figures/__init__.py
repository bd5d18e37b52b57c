"""Figures of results: curves over queries, mean ranks, grids of queries, and bars of their labels."""

from __future__ import annotations

from mebench.report.figures.figure import draw, save_plot
from mebench.report.figures.labels import draw_labels, read_labels, save_labels
from mebench.report.figures.panels import Line, Panel, read_panels
from mebench.report.figures.ranks import draw_ranks, save_ranks
from mebench.report.figures.rounds import draw_rounds, read_rounds, save_rounds
from mebench.report.figures.samples import draw_samples, read_sections, save_samples

__all__ = [
    "Line",
    "Panel",
    "draw",
    "draw_labels",
    "draw_ranks",
    "draw_rounds",
    "draw_samples",
    "read_labels",
    "read_panels",
    "read_rounds",
    "read_sections",
    "save_labels",
    "save_plot",
    "save_ranks",
    "save_rounds",
    "save_samples",
]
