"""The columns that people read: of a number, by its card; and of the words that tell rows apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from mebench.api.durations import measured
from mebench.registry.card import Number
from mebench.results.leaderboard.model import Row, asked_metrics
from mebench.results.numbers import SCORES, builtin_metrics, number
from mebench.results.written import (
    NOTHING,
    as_reported,
    formatted,
    percent,
    whole,
    with_interval,
    written,
)


@dataclass(frozen=True)
class Column:
    """One column of a table of rows.

    Attributes:
        title: its heading.
        cell: writes a row's value.
        rank: how soon it goes where there is no room: 0 never, larger ones first.
        wrap: whether its cells may be broken into lines, at spaces.
        right: whether its cells stand on the right.
    """

    title: str
    cell: Callable[[Row], str]
    rank: int = 0
    wrap: bool = False
    right: bool = False


def rank(row: Row) -> str:
    """Write the places that a row may have: ``2``, or ``1–3`` where seeds do not tell rows apart."""
    if row.rank is None:
        return NOTHING
    return str(row.rank) if row.rank == row.rank_last else f"{row.rank}–{row.rank_last}"


def queries_to(row: Row, goal: int) -> str:
    """Write the queries to a goal; ``> 100,000`` if no seed got there, ``> 80,000 (1/3)`` if only one of three did.

    The latter is a lower bound of the mean, in which a seed that did not get there counts what it spent.
    """
    mean = row.queries_to.get(goal)
    if mean is not None or goal not in row.queries_to:
        return whole(mean)
    found = [one.queries_to.get(goal) for one in row.per_seed]
    if not found:
        return f"> {whole(row.queries)}"
    least = [one.queries if value is None else value for one, value in zip(row.per_seed, found, strict=True)]
    reached = sum(value is not None for value in found)
    return f"> {whole(sum(least) / len(least))}" + (f" ({reached}/{len(found)})" if reached else "")


def seeds(row: Row) -> str:
    """Write the finished seeds, and how many there should be if some are missing."""
    if row.attack == "victim":
        return NOTHING
    return str(row.seeds) if row.seeds == row.seeds_planned else f"{row.seeds}/{row.seeds_planned}"


def prior(row: Row) -> str:
    """Write what data the attacker has."""
    return row.data_prior if row.pool is None else f"{row.data_prior}: {row.pool}"


def _time(row: Row) -> str:
    return NOTHING if row.seconds is None else measured(row.seconds)


def _attack(row: Row) -> str:
    return f"({row.name})" if row.kind == "reference" else row.name


def _channel(row: Row) -> str:
    return NOTHING if row.kind == "reference" else row.channel


CHANNEL = Column("Channel", _channel, 4)
CLONE = Column("Clone", lambda row: row.clone or NOTHING, 5)
PRIOR = Column("Data prior", lambda row: NOTHING if row.kind == "reference" else prior(row), 5)
PROFILE = Column("Profile", lambda row: row.profile, 5)
REPORTED = Column("Reported", lambda row: percent(row.reported), 3, right=True)
SPENT = Column("Spent", lambda row: whole(row.queries), 7, right=True)
TRACK = Column("Learner", lambda row: NOTHING if row.kind == "reference" else row.track, 5)
START = Column("Clone start", lambda row: NOTHING if row.kind == "reference" else row.clone_init or "as most", 5)
PROTOCOL = Column("Protocol", lambda row: str(row.protocol), 5)
RANK = Column("Rank", rank, 2, right=True)
COST = Column("Cost", lambda row: formatted(row.cost, ",.2f"), 4, right=True)
STATUS = Column("Status", lambda row: row.status, 1)
ATTACK = Column("Attack", _attack)
VICTIM = Column("Victim", lambda row: row.victim)
BUDGET = Column("Queries", lambda row: whole(row.budget) if row.budget else NOTHING)


def score_columns(rows: Sequence[Row]) -> list[Column]:
    """What every table shows of a row's numbers."""
    accuracy, fidelity = (_of_metric(number(name), rows, rank) for rank, name in enumerate(SCORES))
    return [
        Column("Seeds", seeds, 2, right=True),
        *(accuracy, fidelity, _derived("normalised_accuracy", 6), _to_goal(90, 8), _derived("auc", 9)),
        *_builtin(rows, 7, detail=False),
    ]


def wide_columns(rows: Sequence[Row]) -> list[Column]:
    """What only a wide table shows."""
    return [
        *(_to_goal(50, 10), _to_goal(80, 10), _to_goal(95, 10), _derived("queries_to_maximum", 10)),
        *_builtin(rows, 10, detail=True),
        Column(number("seconds").title, _time, 11, right=True),
        Column(number("queries_per_second").title, lambda row: whole(row.queries_per_second), 11, right=True),
        *(_derived("victim_forward", 12), _derived("victim_backward", 12)),
    ]


def asked_columns(rows: Sequence[Row], *, detail: bool = True) -> list[Column]:
    """One column for each metric that the benchmark measures besides; without ``detail`` not of those that are one."""
    found = [number(key) for key in asked_metrics(rows)]
    return [_of_metric(one, rows, 7) for one in found if detail or not one.card.detail]


def asked_note(rows: Sequence[Row], *, detail: bool = True) -> list[str]:
    """Say which metrics the columns are whose titles are not their names, if there are any."""
    found = [number(key) for key in asked_metrics(rows)]
    told = [f"{one.title} {one.name}" for one in found if one.title != one.name and (detail or not one.card.detail)]
    return [f"Measured besides, see `mebench info NAME`: {', '.join(told)}."] if told else []


def _builtin(rows: Sequence[Row], rank: int, *, detail: bool) -> list[Column]:
    """What every trial is measured by besides accuracy and fidelity: either the details, or the others."""
    others = [entry for entry in builtin_metrics() if entry.name not in SCORES and entry.card.detail is detail]
    return [_of_metric(one, rows, rank) for entry in others for one in entry.numbers]


def _of_metric(one: Number, rows: Sequence[Row], rank: int) -> Column:
    """A column of a metric: on the right, or with its interval, the means below each other."""

    def mean(row: Row) -> str:
        return written(one, row.metrics.get(one.name), aligned=True)

    if not one.card.interval:
        return Column(one.title, mean, rank, right=True)
    width = max([5 if one.in_percent else 1, *(len(mean(row)) for row in rows)])

    def cell(row: Row) -> str:
        return with_interval(f"{mean(row):>{width}}", written(one, row.interval(one.name), aligned=True))

    return Column(one.title, cell, rank)


def _derived(key: str, rank: int) -> Column:
    one = number(key)
    return Column(one.title, lambda row: written(one, row.number(key)), rank, right=True)


def _to_goal(goal: int, rank: int) -> Column:
    return Column(number(f"queries_to_{goal}").title, lambda row: queries_to(row, goal), rank, right=True)


def reported_columns(rows: Sequence[Row], names: Sequence[str], shown: Collection[str]) -> list[Column]:
    """The columns of numbers that the paper reports besides: what was measured, then what the paper says.

    Args:
        rows: of one table; a column that none of them fills is left out.
        names: keys of the numbers, whether reported for these rows or for others.
        shown: titles of columns that the table has anyway.
    """
    found = []
    for one in map(number, names):
        if one.title not in shown and any(row.number(one.name) is not None for row in rows):
            found.append(_in_papers_unit(one, one.title, lambda row, key: row.number(key)))
        if any(one.name in row.reported_metrics for row in rows):
            found.append(_in_papers_unit(one, f"{one.title} reported", lambda row, key: row.reported_metrics.get(key)))
    return found


def _in_papers_unit(one: Number, title: str, read: Callable[[Row, str], float | None]) -> Column:
    return Column(title, lambda row: as_reported(one, read(row, one.name)), 7, right=True)


def distinct_names(rows: Sequence[Row]) -> list[str]:
    """The shortest names that tell rows apart: attack and variant, and what else is needed."""
    more: tuple[Callable[[Row], str], ...] = (
        lambda row: row.channel,
        lambda row: row.clone,
        prior,
        lambda row: row.track,
        lambda row: row.clone_init,
        lambda row: row.settings[:4],
    )
    names = [_attack(row) for row in rows]
    for part in more:
        count = Counter(names)
        names = [f"{name}, {part(row)}" if count[name] > 1 else name for name, row in zip(names, rows, strict=True)]
    return names


def flags_column(common: Sequence[str]) -> Column:
    """The flags that not every row has anyway."""
    return Column("Flags", lambda row: ", ".join(flag for flag in row.flags if flag not in common), 2, wrap=True)


def common_flags(rows: Sequence[Row]) -> tuple[str, ...]:
    """The flags that all attacks have, if there are several of these: said once instead of on every row."""
    attacks = [row for row in rows if row.kind == "attack"]
    if len(attacks) < 2:
        return ()
    return tuple(flag for flag in attacks[0].flags if all(flag in row.flags for row in attacks))


def varying(column: Column, rows: Sequence[Row]) -> bool:
    """Whether attacks differ in a column; otherwise a heading says it once."""
    return len({column.cell(row) for row in rows if row.kind == "attack"}) > 1
