"""A comparison for people: in a terminal and as Markdown."""

from __future__ import annotations

import sys
from functools import partial

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mebench.api.plurals import counted
from mebench.results.compare.comparison import MARKS, Comparison, Mark, RowComparison
from mebench.results.compare.gate import MOST_SEEDS
from mebench.results.compare.metrics import MetricComparison
from mebench.results.derived import GOAL_KEYS
from mebench.results.documents import markdown_escape, markdown_line, markdown_table, plain_text
from mebench.results.leaderboard.write.layout import TextColumn, fitted, terminal
from mebench.results.written import NOTHING

STYLES: dict[Mark, str] = {
    "worse": "bold red",
    "failing": "red",
    "gone": "red",
    "incomplete": "yellow",
    "not-comparable": "yellow",
    "unclear": "yellow",
    "better": "green",
    "fixed": "green",
}
PIPED_WIDTH = 150
POINTS, NATS, PLAIN = ".1f", ".3f", ".4g"


def metric_cell(metric: MetricComparison | None) -> str:
    """Write ``71.2 → 60.1 (-11.1, sees 3.0)``: base, new, their difference, and the smallest loss that is noticed."""
    if metric is None or (metric.base is None and metric.new is None):
        return NOTHING
    one = metric.metric
    unknown = "never" if one.name in GOAL_KEYS else NOTHING
    scale, form = (100, POINTS) if one.is_fraction else (1, one.format or (NATS if one.card.unit == "nats" else PLAIN))

    def write(value: float | None, sign: str = "") -> str:
        return unknown if value is None else format(scale * value, sign + form)

    text = f"{write(metric.base)} → {write(metric.new)}"
    if metric.difference is None:
        return text
    if metric.same_bits:
        return f"{text} (same bits)"
    sees = "" if metric.sight is None else f", sees {write(metric.sight.notices)}"
    return f"{text} ({write(metric.difference, '+')}{sees})"


def blindness(comparison: Comparison) -> list[str]:
    """Say in which rows a loss of the tolerance would not be noticed, and with how many seeds it would; a line each."""
    return [f"{row.title}: {_blind(metric)}" for row, metric in comparison.blind]


def _blind(metric: MetricComparison) -> str:
    assert metric.sight is not None
    scale, unit = (100, " points") if metric.metric.is_fraction else (1, "")
    loss, tolerance = (f"{scale * value:.3g}{unit}" for value in (metric.sight.notices, metric.tolerance))
    enough = counted(metric.sight.seeds, "new seed") if metric.sight.seeds else ""
    both = f"{counted(metric.sight.baseline_seeds, 'seed')} on both sides" if metric.sight.baseline_seeds else ""
    would = " or ".join(filter(None, (enough, both))) or f"more than {MOST_SEEDS} seeds on both sides"
    name = metric.metric.name
    return f"{name}: notices a loss of {loss} or more, not one of the tolerance, {tolerance}; {would} would do"


def summary(comparison: Comparison) -> str:
    """Count the marks in one line."""
    return ", ".join(f"{count} {mark}" for mark, count in comparison.counts.items()) or "no rows on either side"


def metric_names(comparison: Comparison) -> list[str]:
    """The metrics that were compared, in their order."""
    return list(dict.fromkeys(metric.metric.name for row in comparison.rows for metric in row.metrics))


def metric_of(row: RowComparison, name: str) -> MetricComparison | None:
    """A row's comparison of one metric, if it has one."""
    return next((metric for metric in row.metrics if metric.metric.name == name), None)


def render_text(comparison: Comparison, console: Console) -> None:
    """Print a comparison: a table, the remarks, and the count of the marks."""
    rows = comparison.rows
    styles = [STYLES.get(row.mark, "") for row in rows]
    columns = [TextColumn("", [row.mark for row in rows], styles=styles)]
    columns += [TextColumn("Row", [row.title for row in rows], wrap=True)]
    for rank, name in enumerate(metric_names(comparison)):
        cells = [metric_cell(metric_of(row, name)) for row in rows]
        columns.append(TextColumn(name.replace("_", " ").capitalize(), cells, rank))
    table, left_out = fitted(columns, console)
    if rows:
        console.print(table)
        console.print()
    if left_out:
        console.print(Text(f"No room for: {', '.join(left_out)} (--format json has them)", style="dim"))
    lines = [f"{row.title}: {'; '.join(row.remarks)}" for row in rows if row.remarks]
    for line in (*lines, *blindness(comparison), *comparison.notes):
        console.print(Padding(Text(f"- {line}"), (0, 0, 0, 1)))
    console.print(Text(summary(comparison), style="bold"))


def show(comparison: Comparison) -> None:
    """Print to stdout: what fits the terminal, and all of it where output is piped."""
    if console := terminal():
        render_text(comparison, console)
    else:
        sys.stdout.write(as_text(comparison))


def as_text(comparison: Comparison) -> str:
    """Write what the terminal shows, without colours and wide enough for most rows."""
    return plain_text(partial(render_text, comparison), PIPED_WIDTH)


def flat(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """All rows in one table: titles and cells."""
    names = metric_names(comparison)
    titles = ["", "Row", *(name.replace("_", " ").capitalize() for name in names), "Remarks"]
    return titles, [
        [row.mark, row.title, *(metric_cell(metric_of(row, name)) for name in names), "; ".join(row.remarks)]
        for row in comparison.rows
    ]


def as_markdown(comparison: Comparison) -> str:
    """Write a summary for a pull request or a job page."""
    titles, body = flat(comparison)
    parts = ["### mebench compare", f"**{markdown_escape(summary(comparison))}**"]
    if body:
        parts.append(markdown_table(titles, body))
    if notes := [*blindness(comparison), *comparison.notes]:
        parts.append("\n".join(f"- {markdown_line(note)}" for note in notes))
    meanings = [f"{mark}: {MARKS[mark]}" for mark in comparison.counts]
    parts.append("<sub>" + "; ".join(map(markdown_escape, meanings)) + ".</sub>")
    return "\n\n".join(parts) + "\n"
