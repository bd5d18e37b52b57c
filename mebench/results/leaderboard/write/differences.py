"""Paired differences and summaries over victims as text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.text import Text

from mebench.results.documents import json_text, markdown_escape, markdown_table, no_formula, plain_text
from mebench.results.leaderboard.compute.pairs import Overall, PairDifference, over_victims, paired_differences
from mebench.results.leaderboard.model import Leaderboard
from mebench.results.leaderboard.write.layout import FILE_WIDTH, TextColumn, fitted, left_out_line, terminal, width
from mebench.results.written import NOTHING

PAIR_TITLES = ("Better", "Other", "Difference", "Pairs", "p", "Holm", "Apart")
OVERALL_TITLES = ("Attack", "Of victim", "Mean rank")


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


def difference_tables(leaderboard: Leaderboard) -> list[tuple[str, Sequence[str], list[tuple[str, ...]]]]:
    """All tables as caption, titles and cells: paired differences by key, then summaries over victims."""
    by_context: dict[str, list[PairDifference]] = {}
    summaries = over_victims(leaderboard.rows)
    for one in paired_differences(leaderboard.rows):
        by_context.setdefault(f"Paired by seed: {one.context}", []).append(one)
    for summary in summaries:
        if summary.differences:
            over = f"Paired by victim, a mean over seeds each, normalised: {summary.context}"
            by_context[over] = list(summary.differences)
    found: list[tuple[str, Sequence[str], list[tuple[str, ...]]]] = [
        (context, PAIR_TITLES, list(map(pair_cells, ones))) for context, ones in by_context.items()
    ]
    return [*found, *((overall_caption(one), OVERALL_TITLES, overall_cells(one)) for one in summaries)]


def as_text(leaderboard: Leaderboard) -> str:
    """Write every table below its caption."""
    tables = difference_tables(leaderboard)
    wide = max((width(_columns(titles, body)) for _, titles, body in tables), default=0)
    return plain_text(partial(_render, tables), max(FILE_WIDTH, wide))


def show(leaderboard: Leaderboard) -> None:
    """Print to stdout: what fits the terminal, and all of it where output is piped."""
    if console := terminal():
        _render(difference_tables(leaderboard), console)
    else:
        sys.stdout.write(as_text(leaderboard))


def _render(tables: Sequence[tuple[str, Sequence[str], list[tuple[str, ...]]]], console: Console) -> None:
    for caption, titles, body in tables:
        console.print(Text(caption))
        table, left_out = fitted(_columns(titles, body), console)
        console.print(table)
        if left_out:
            console.print(left_out_line(left_out))
        console.print()
    if not tables:
        console.print(Text("Nothing to compare: no two attacks have the same key (see docs/results.md, Ranks)."))


def _columns(titles: Sequence[str], body: Sequence[Sequence[str]]) -> list[TextColumn]:
    cells = zip(*body, strict=True)
    words, ranks = ("Better", "Other", "Attack", "Apart"), {"p": 1, "Pairs": 2}
    return [
        TextColumn(title, column, ranks.get(title, 0), right=title not in words)
        for title, column in zip(titles, cells, strict=True)
    ]


def as_markdown(leaderboard: Leaderboard) -> str:
    """Write every table below its caption."""
    parts = [
        f"**{markdown_escape(caption)}**\n\n{markdown_table(titles, body)}"
        for caption, titles, body in difference_tables(leaderboard)
    ]
    return "\n\n".join(parts) + "\n"


def as_json(leaderboard: Leaderboard) -> str:
    """Write paired differences and summaries over victims."""
    plain = {
        "format": 1,
        "pairs": [one.to_json() for one in paired_differences(leaderboard.rows)],
        "over_victims": [one.to_json() for one in over_victims(leaderboard.rows)],
    }
    return json_text(plain)


def as_csv(leaderboard: Leaderboard) -> str:
    """Write paired differences, one line each; summaries over victims are in the other formats."""
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
