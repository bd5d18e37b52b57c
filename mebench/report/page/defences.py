"""Attackers against defences on a page: the matrix as tables, and the heat map."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mebench.results.leaderboard.model import Leaderboard
from mebench.results.matrix.compute import NAIVE, Matrix, matrices
from mebench.results.matrix.formats import notes, tables

MOST_MATRICES = 6
MOST_CELLS = 400
"""Of a heat map on a page."""
DPI = 110
TEXT_TITLES = frozenset({"Answers", "Strongest attacker", "Defence"})

ShownTable = tuple[str, tuple[tuple[str, bool], ...], list[list[str]]]
"""Caption, titles with whether each column holds numbers, and cells."""


@dataclass(frozen=True)
class DefencesShown:
    """What the section shows.

    Attributes:
        tables: matrices, and below each the hypervolumes of its defences, if there are any.
        picture: ``data:image/png`` on white, its width and height; None where it would be too large.
        notes: how to read it.
        left_out: one line on what is missing; empty if nothing is.
    """

    tables: tuple[ShownTable, ...]
    picture: tuple[str, int, int] | None
    notes: tuple[str, ...]
    left_out: str


def find_defences(board: Leaderboard) -> DefencesShown:
    """The matrices of a board, if any attack has met a defence or used a recovery; else nothing."""
    linked = any(row.defence != NAIVE or row.recovery != NAIVE for row in board.rows)
    found = [one for one in matrices(board.rows) if _has_links(one)] if linked else []
    shown = found[:MOST_MATRICES]
    found_tables = tuple(table for one in shown for table in _tables(one))
    more = len(found) - len(shown)
    left_out = f"{more} matrices of defences are left out: see mebench matrix" if more else ""
    return DefencesShown(found_tables, _picture(shown), notes(shown) if shown else (), left_out)


def _has_links(matrix: Matrix) -> bool:
    return any(line.defence != NAIVE for line in matrix.lines) or any(one.recovery != NAIVE for one in matrix.columns)


def _tables(matrix: Matrix) -> Iterator[ShownTable]:
    for caption, titles, lines in tables(matrix):
        whole = caption if caption == matrix.context else f"{matrix.context}: {caption}"
        yield whole, tuple((title, title not in TEXT_TITLES) for title in titles), lines


def _picture(found: Sequence[Matrix]) -> tuple[str, int, int] | None:
    from mebench.report.figures.matrix import draw_matrices

    drawn = [one for one in found if one.lines]
    if not drawn or sum(len(one.lines) * len(one.columns) for one in drawn) > MOST_CELLS:
        return None
    buffer = io.BytesIO()
    draw_matrices(drawn).savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    content = buffer.getvalue()
    width, height = (int.from_bytes(content[place : place + 4]) for place in (16, 20))  # PNG's first chunk
    return f"data:image/png;base64,{base64.b64encode(content).decode()}", width, height
