"""Which rows are apart: paired differences as tables, and the critical-difference picture, within a page's room."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mebench.results.leaderboard.compute.pairs import over_blocks
from mebench.results.leaderboard.model import Leaderboard, Row
from mebench.results.leaderboard.write.differences import difference_tables

MAX_TOGETHER = 16
"""Rows of one key whose pairs a page lists: 120 lines."""
MAX_TABLES = 24
MAX_PICTURES = 4
DPI = 110
TEXT_TITLES = frozenset({"Better", "Other", "Attack", "Apart"})


@dataclass(frozen=True)
class Differences:
    """What the section shows.

    Attributes:
        tables: caption, titles with whether each column holds numbers, cells, and what so many pairs can find.
        picture: ``data:image/png`` without a ground, its width and height; the page inverts it where it is dark. None
            where there is nothing to rank.
        left_out: one line on what is missing; empty if nothing is.
    """

    tables: tuple[tuple[str, tuple[tuple[str, bool], ...], list[tuple[str, ...]], str], ...]
    picture: tuple[str, int, int] | None
    left_out: str


def find_differences(board: Leaderboard) -> Differences:
    """Compare the rows of every key, in pairs and by mean ranks over victims or seeds.

    Pairs grow with the square of the rows: keys with more than `MAX_TOGETHER` rows are left to
    ``mebench leaderboard --pairs``.
    """
    together = Counter(row.key for row in board.rows if row.kind == "attack")
    rows = [row for row in board.rows if row.kind == "attack" and together[row.key] <= MAX_TOGETHER]
    found = difference_tables(replace(board, rows=tuple(rows)))
    crowded = sum(count > MAX_TOGETHER for count in together.values())
    missing = [f"the pairs of {crowded} keys with more than {MAX_TOGETHER} rows"] if crowded else []
    missing += [f"{len(found) - MAX_TABLES} tables of differences"] if len(found) > MAX_TABLES else []
    return Differences(
        tuple(
            (one.caption, tuple((title, title not in TEXT_TITLES) for title in one.titles), one.body, one.note)
            for one in found
        )[:MAX_TABLES],
        _picture(rows),
        f"{' and '.join(missing)} are left out: see mebench leaderboard --pairs" if missing else "",
    )


def _picture(rows: Sequence[Row]) -> tuple[str, int, int] | None:
    from mebench.report.figures.ranks import draw_ranks

    summaries = over_blocks(rows)[:MAX_PICTURES]
    if not summaries:
        return None
    figure = draw_ranks(summaries)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, transparent=True, metadata={"Software": None})
    content = buffer.getvalue()
    width, height = (int.from_bytes(content[place : place + 4]) for place in (16, 20))  # PNG's first chunk
    return f"data:image/png;base64,{base64.b64encode(content).decode()}", width, height
