"""The leaderboard in a terminal: a table per victim and budget, problems, and a legend of the flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mebench.api.plurals import counted
from mebench.api.spec import PROTOCOL
from mebench.results.leaderboard.compute.flags import legend
from mebench.results.leaderboard.model import BenchmarkInfo, Leaderboard, Reported, Row, section_key
from mebench.results.leaderboard.write import columns
from mebench.results.leaderboard.write.layout import TextColumn, fitted, left_out_line, width
from mebench.results.numbers import number
from mebench.results.written import percent, whole

STATUS_STYLES = {"finished": "", "partial": "yellow", "failed": "red", "invalid": "bold red"}
CONTEXT = (columns.CHANNEL, columns.CLONE, columns.START, columns.PRIOR, columns.TRACK, columns.PROTOCOL)
USUAL = {"Clone start": "as most", "Learner": "native", "Protocol": str(PROTOCOL)}
"""What need not be said."""
CAPTION = (
    "Accuracy and fidelity: percent, mean ± 95 % interval over seeds. To 90 %: queries until the clone has 90 % of "
    "the victim's accuracy for good, > where not every seed got there. Rank: the places that the seeds leave open "
    "among rows of the same channel, clone, data prior and learner. Docs: docs/results.md, docs/metrics.md"
)


def render_text(leaderboard: Leaderboard, console: Console, *, wide: bool = False) -> None:
    """Print a leaderboard; readable at 80 columns and below, where the less important columns are left out.

    Args:
        leaderboard: what to print.
        console: where.
        wide: also the columns that few readers need.
    """
    for part in _parts(leaderboard, console, wide):
        console.print(part)
        console.print()


def _parts(leaderboard: Leaderboard, console: Console, wide: bool) -> Iterator[RenderableType]:
    common, reported = columns.common_flags(leaderboard.rows), leaderboard.reported_names()
    yield from _heading(leaderboard.benchmark, common)
    left_out: dict[str, None] = {}
    for section in sections(leaderboard.rows):
        table, missing = _section_table(section, common, console, wide, reported)
        left_out.update(dict.fromkeys(missing))
        yield Group(section_title(section), Text(), table)
    if any(row.seeds for row in leaderboard.rows):
        lines = [" ".join([CAPTION, *cost_note(leaderboard)]), *columns.asked_note(leaderboard.rows, detail=wide)]
        yield Group(*(Text(line, style="dim") for line in lines))
    else:
        yield Text("No results yet.")
    if left_out:
        yield left_out_line(list(left_out))
    yield from _lists(leaderboard)
    yield from _reported(leaderboard, console)
    if flags := legend(leaderboard.rows):
        grid = Table.grid(padding=(0, 2, 0, 0))
        for flag in flags:
            grid.add_row(
                Text(flag.name, style="bold"), Text(f"{flag.raised_if}. {_sentence(flag.means)} {_sentence(flag.do)}")
            )
        yield Group(Text("Flags", style="bold"), grid)


def cost_note(leaderboard: Leaderboard) -> list[str]:
    """What the column of money is, where there is one."""
    prices = leaderboard.benchmark.prices
    return [f"Cost: {prices.currency} per trial, by the benchmark's price sheet."] if prices else []


def _section_table(
    section: Sequence[Row], common: Sequence[str], console: Console, wide: bool, reported: Sequence[str]
) -> tuple[RenderableType, list[str]]:
    """The table of a section. Where there is no room for a column that tells rows apart, their names do."""
    first, *rest = _columns(section, common, wide, reported)
    breaks = _breaks(section)
    table, left_out = fitted([first, *rest], console, breaks)
    names = columns.distinct_names(section)
    if not {column.title for column in CONTEXT} & set(left_out) or names == list(first.cells):
        return table, left_out
    return fitted([replace(first, cells=names, wrap=True), *rest], console, breaks)


def _breaks(section: Sequence[Row]) -> frozenset[int]:
    """The rows before which a line is drawn: what stands apart is not ranked together."""
    keys = [row.key if row.kind == "attack" else "" for row in section]
    if not any(row.rank is not None for row in section):
        return frozenset()
    return frozenset(index for index in range(1, len(keys)) if keys[index] != keys[index - 1])


def full_width(leaderboard: Leaderboard, *, wide: bool = False) -> int:
    """The console width at which no column is left out."""
    common, reported = columns.common_flags(leaderboard.rows), leaderboard.reported_names()
    tables = (_columns(section, common, wide, reported) for section in sections(leaderboard.rows))
    return max(map(width, tables), default=0)


def _heading(benchmark: BenchmarkInfo, common: Sequence[str]) -> Iterator[RenderableType]:
    lines = heading(benchmark)
    if lines:
        yield Group(Text(lines[0], style="bold"), *(Text(line, style="yellow") for line in lines[1:]))
    if common:
        yield Text(f"All rows: {', '.join(common)} (see below)")


def heading(benchmark: BenchmarkInfo) -> list[str]:
    """Title with profile and scale, and the note."""
    title = benchmark.title or benchmark.name
    words = [
        title,
        benchmark.profile and f"profile {benchmark.profile}",
        benchmark.scale and f"{benchmark.scale} scale",
    ]
    first = " · ".join(word for word in words if word)
    return [line for line in (first, *benchmark.note.splitlines()) if line]


def sections(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows by victim and budget, each with the victim's reference rows on top.

    Rows that never met their victim (all trials failed early) stand with the first victim of that name.
    """
    found: list[list[Row]] = []
    met = [row for row in rows if row.victim_hash is not None]
    for _, of_victim in groupby(met, key=lambda row: section_key(row)[:3]):
        members = list(of_victim)
        references = [row for row in members if row.kind == "reference"]
        attacks = [row for row in members if row.kind == "attack"]
        by_budget = [list(same) for _, same in groupby(attacks, key=lambda row: row.budget)]
        found += [[*references, *same] for same in by_budget or [[]]]
    for row in rows:
        if row.victim_hash is None:
            _home(row, found).append(row)
    return found


def _home(row: Row, found: list[list[Row]]) -> list[Row]:
    """The first section of a row's victim and budget; a new one if there is none."""
    for section in found:
        if section[-1].victim == row.victim and (section[-1].budget == row.budget or row.kind == "reference"):
            return section
    found.append([])
    return found[-1]


def section_title(section: Sequence[Row]) -> Text:
    """Name what all rows of a section have in common."""
    first = next((row for row in reversed(section) if row.victim_accuracy is not None), section[-1])
    facts = []
    if first.victim_accuracy is not None:
        facts.append(f"accuracy {percent(first.victim_accuracy)}")
    if first.victim_hash:
        facts.append(f"weights {first.victim_hash[:10]}")
    if first.kind == "attack":
        facts.append(counted(first.budget, "query"))
        shared = [column for column in CONTEXT if not columns.varying(column, section)]
        told = [(column.title, column.cell(first)) for column in shared]
        facts += [f"{title.lower()} {cell}" for title, cell in told if cell != USUAL.get(title)]
    return Text.assemble("Victim ", (first.victim, "bold"), *(f" · {fact}" for fact in facts))


def _columns(section: Sequence[Row], common: Sequence[str], wide: bool, reported: Sequence[str]) -> list[TextColumn]:
    telling = [column for column in (*CONTEXT, columns.PROFILE) if columns.varying(column, section)]
    shown = [columns.ATTACK, *telling]
    if any(row.rank is not None for row in section):
        shown.append(columns.RANK)
    shown += [*columns.score_columns(section), *columns.asked_columns(section, detail=wide)]
    shown += columns.wide_columns(section) if wide else []
    shown += columns.reported_columns(section, reported, {column.title for column in shown})
    if any(row.cost is not None for row in section):
        shown.append(columns.COST)
    if any(row.queries is not None and row.queries < row.budget for row in section):
        shown.append(columns.SPENT)
    if any(row.reported is not None for row in section):
        shown.append(columns.REPORTED)
    if any(row.status != "finished" for row in section):
        shown.append(columns.STATUS)
    flags = columns.flags_column(common)
    if any(flags.cell(row) for row in section):
        shown.append(flags)
    styles = [STATUS_STYLES[row.status] or ("dim" if row.kind == "reference" else "") for row in section]
    return [
        TextColumn(one.title, [one.cell(row) for row in section], one.rank, one.wrap, one.right, styles)
        for one in shown
    ]


def problems(rows: Sequence[Row]) -> list[str]:
    """One line per row that is not finished, with the reason."""
    asked = {row.budget: counted(row.budget, "query") for row in rows}
    return [
        f"{row.name} on {row.victim} ({row.channel}, {asked[row.budget]}): {row.status}: {row.reason}"
        for row in rows
        if row.status != "finished"
    ]


def _lists(leaderboard: Leaderboard) -> Iterator[RenderableType]:
    for title, lines in (("Problems", problems(leaderboard.rows)), ("Notes", leaderboard.notes)):
        if lines:
            items = [Padding(Text(f"- {line}"), (0, 0, 0, 1)) for line in lines]
            yield Group(Text(title, style="bold"), *items)


def reported_title(leaderboard: Leaderboard) -> str:
    """Say why the paper's numbers stand apart from ours."""
    victims = {row.victim for row in leaderboard.rows}
    elsewhere = all(number.victim not in victims for number in leaderboard.unmatched_reported())
    return "Reported by the paper (other victim and scale)" if elsewhere else "Reported by the paper, no row here"


def reported_cells(number: Reported, names: Sequence[str]) -> tuple[str, ...]:
    """Attack, victim, channel, queries, accuracy, fidelity and the other numbers that the paper reports for one row."""
    name = f"{number.attack} {number.variant or ''}".replace(" default", "").strip()
    scores = ("" if value is None else f"{value:.1f}" for value in (number.accuracy, number.fidelity))
    others = ("" if other not in number.metrics else f"{number.metrics[other]:,.10g}" for other in names)
    return (name, number.victim, number.channel or "", whole(number.budget), *scores, *others)


def reported_titles(names: Sequence[str]) -> tuple[str, ...]:
    """The titles of `reported_cells`."""
    others = (number(name).title for name in names)
    return ("Attack", "Victim", "Channel", "Queries", "Accuracy", "Fidelity", *others)


def _reported(leaderboard: Leaderboard, console: Console) -> Iterator[RenderableType]:
    numbers = leaderboard.unmatched_reported()
    if not numbers:
        return
    names = leaderboard.reported_names()
    by_column = zip(*(reported_cells(number, names) for number in numbers), strict=True)
    shown = [
        TextColumn(title, values, 0 if index in (0, 4) else index, right=index > 2)
        for index, (title, values) in enumerate(zip(reported_titles(names), by_column, strict=True))
        if any(values)
    ]
    yield Group(Text(reported_title(leaderboard), style="bold"), Text(), fitted(shown, console)[0])


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
