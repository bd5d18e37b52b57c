"""Leaderboards: from results on disk to rows with statistics, and to tables.

>>> from pathlib import Path
>>> from mebench.results.leaderboard import build_leaderboard
>>> build_leaderboard([Path("results/table1-quick")]).frame()  # doctest: +SKIP
"""

from __future__ import annotations

from mebench.results.leaderboard.compute.build import build_leaderboard
from mebench.results.leaderboard.model import BenchmarkInfo, Leaderboard, Row, SeedResult
from mebench.results.leaderboard.write.formats import FORMATS, show, write_leaderboard_files
from mebench.results.leaderboard.write.text import render_text

__all__ = [
    "FORMATS",
    "BenchmarkInfo",
    "Leaderboard",
    "Row",
    "SeedResult",
    "build_leaderboard",
    "render_text",
    "show",
    "write_leaderboard_files",
]
