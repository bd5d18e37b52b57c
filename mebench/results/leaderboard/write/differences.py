"""Paired differences and summaries over victims as text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.text import Text

from mebench.results.documents import json_text, markdown_escape, markdown_table, no_formula, plain_text
from mebench.results.leaderboard.compute.pairs import Overall, PairDifference, over_victims, paired_differences
from mebench.results.leaderboard.compute.power import Power, powers
from mebench.results.leaderboard.model import Leaderboard
from mebench.results.leaderboard.write.layout import FILE_WIDTH, TextColumn, fitted, left_out_line, terminal, width
from mebench.results.written import NOTHING

PAIR_TITLES = ("Better", "Other", "Difference", "Pairs", "p", "Holm", "Apart")
OVERALL_TITLES = ("Attack", "Of victim", "Mean rank")
WANTED = 0.02
"""The difference of which notes say how many pairs find it, where nothing else is asked about: two points."""


def pair_cells(one: PairDifference) -> tuple[str, ...]:
    """One line: points of accuracy with their interval, and p values."""
    half = "" if one.high is None else f" ± {100 * (one.high - one.difference):.1f}"
    p = [NOTHING if value is None else f"{value:.3g}" for value in (one.p, one.corrected)]
    return (
        *(one.first, one.second, f"{100 * one.difference:.1f}{half}", str(one.pairs), *p),
        "yes" if one.apart else "no",
    )


def overall_cells(one: Overall) -> list[tuple[str, ...]]:
    """One line per attack."""
    values = zip(one.names, one.normalised, one.half_widths, one.mean_ranks, strict=True)
    return [
        (name, f"{mean:.3f}" if half is None else f"{mean:.3f} ± {half:.3f}", f"{rank:.2f}")
        for name, mean, half, rank in values
    ]


def overall_caption(one: Overall) -> str:
    """What a summary is over, and how far its ranks can be trusted."""
    test = "" if one.friedman is None else f"Friedman p = {one.friedman:.3g}; "
    rest = f" Not before every {one.unit}: {', '.join(one.left_out)}." if one.left_out else ""
    return (
        f"Over {len(one.blocks)} {one.unit}s ({'; '.join(one.blocks)}); {one.context}. {test}"
        f"mean ranks nearer than {one.critical_difference:.2f} are not apart (Nemenyi, 5 %), nor are "
        f"accuracies that the test set is too small to tell apart.{rest}"
    )


def power_note(one: Power, unit: str) -> str:
    """What the pairs of a table can find, and how many would find the difference that was asked about."""
    points = f"{100 * one.wanted:g} points"
    few = f"{one.pairs} {unit}s find a difference of {100 * one.found:.1f} points in four cases of five"
    if one.needed is not None:
        return f"{few}; {points} take {one.needed:,}."
    return f"{few}; {points} are found by no number of {unit}s on this test set."


@dataclass(frozen=True)
class Table:
    """A table with what stands above and below it."""

    caption: str
    titles: Sequence[str]
    body: list[tuple[str, ...]]
    note: str = ""

    @property
    def columns(self) -> list[TextColumn]:
        """Its columns, in the order in which a narrow terminal keeps them."""
        words, ranks = ("Better", "Other", "Attack", "Apart"), {"p": 1, "Pairs": 2}
        return [
            TextColumn(title, column, ranks.get(title, 0), right=title not in words)
            for title, column in zip(self.titles, zip(*self.body, strict=True), strict=True)
        ]


def difference_tables(leaderboard: Leaderboard, wanted: float = WANTED) -> list[Table]:
    """All tables: paired differences by key, then those over victims, then summaries over victims.

    Args:
        leaderboard: of any rows.
        wanted: the difference of which the notes say how many pairs find it, as a fraction.
    """
    summaries = over_victims(leaderboard.rows)
    found = _pair_tables("Paired by seed", paired_differences(leaderboard.rows), "seed", wanted)
    for summary in summaries:
        over = "Paired by victim, a mean over seeds each, normalised"
        found += _pair_tables(over, summary.differences, "victim", wanted)
    return [*found, *(Table(overall_caption(one), OVERALL_TITLES, overall_cells(one)) for one in summaries)]


def _pair_tables(what: str, differences: Sequence[PairDifference], unit: str, wanted: float) -> list[Table]:
    notes = {one.context: power_note(one, unit) for one in powers(differences, wanted)}
    by_context: dict[str, list[tuple[str, ...]]] = {}
    for one in differences:
        by_context.setdefault(one.context, []).append(pair_cells(one))
    return [
        Table(f"{what}: {context}", PAIR_TITLES, body, notes.get(context, "")) for context, body in by_context.items()
    ]


def as_text(leaderboard: Leaderboard, wanted: float = WANTED) -> str:
    """Write every table below its caption."""
    tables = difference_tables(leaderboard, wanted)
    wide = max((width(table.columns) for table in tables), default=0)
    return plain_text(partial(_render, tables), max(FILE_WIDTH, wide))


def show(leaderboard: Leaderboard, wanted: float = WANTED) -> None:
    """Print to stdout: what fits the terminal, and all of it where output is piped."""
    if console := terminal():
        _render(difference_tables(leaderboard, wanted), console)
    else:
        sys.stdout.write(as_text(leaderboard, wanted))


def _render(tables: Sequence[Table], console: Console) -> None:
    for one in tables:
        console.print(Text(one.caption))
        table, left_out = fitted(one.columns, console)
        console.print(table)
        if left_out:
            console.print(left_out_line(left_out))
        if one.note:
            console.print(Text(one.note))
        console.print()
    if not tables:
        console.print(Text("Nothing to compare: no two attacks have the same key (see docs/results.md, Ranks)."))


def as_markdown(leaderboard: Leaderboard, wanted: float = WANTED) -> str:
    """Write every table below its caption."""
    parts = [
        f"**{markdown_escape(one.caption)}**\n\n{markdown_table(one.titles, one.body)}"
        + (f"\n\n{markdown_escape(one.note)}" if one.note else "")
        for one in difference_tables(leaderboard, wanted)
    ]
    return "\n\n".join(parts) + "\n"


def as_json(leaderboard: Leaderboard, wanted: float = WANTED) -> str:
    """Write paired differences, what they can find, and summaries over victims."""
    differences = paired_differences(leaderboard.rows)
    plain = {
        "format": 1,
        "pairs": [one.to_json() for one in differences],
        "power": [one.to_json() for one in powers(differences, wanted)],
        "over_victims": [one.to_json() for one in over_victims(leaderboard.rows)],
    }
    return json_text(plain)


def as_csv(leaderboard: Leaderboard, wanted: float = WANTED) -> str:
    """Write paired differences, one line each; notes and summaries over victims are in the other formats."""
    del wanted
    buffer = io.StringIO()
    found = [
        {key: no_formula(value) for key, value in one.to_json().items()} for one in paired_differences(leaderboard.rows)
    ]
    writer = csv.DictWriter(buffer, list(PairDifference.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return buffer.getvalue()


FORMATS = {"text": as_text, "md": as_markdown, "csv": as_csv, "json": as_json}
"""How comparisons can be written, by the name of the format."""
