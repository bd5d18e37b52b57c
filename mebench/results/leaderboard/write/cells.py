"""The columns that people read, and how their values are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from mebench.results.leaderboard.model import Row, extra_metrics, value_of
from mebench.results.metric_cards import CARDS

NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """One column of a readable table.

    Attributes:
        title: its heading.
        cell: writes a row's value.
        rank: how soon it goes where there is no room: 0 never, larger ones first.
        wrap: whether its cells may be broken into lines, at spaces.
    """

    title: str
    cell: Callable[[Row], str]
    rank: int = 0
    wrap: bool = False


def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction in percent, without the sign."""
    return NOTHING if value is None else f"{100 * value:.{digits}f}"


def interval(mean: float | None, half_width: float | None) -> str:
    """Write ``71.2 ± 3.1``; the mean is padded so that points stand below each other."""
    if mean is None:
        return f"{NOTHING:>5}"
    return f"{100 * mean:5.1f}" + ("" if half_width is None else f" ± {100 * half_width:.1f}")


def whole(value: float | None) -> str:
    """Write a count with separators between thousands."""
    return NOTHING if value is None else f"{value:,.0f}"


def number(value: float | None, form: str) -> str:
    """Write a number in a format, or that there is none."""
    return NOTHING if value is None else format(value, form)


def rank(row: Row) -> str:
    """Write the places that a row may have: ``2``, or ``1–3`` where seeds do not tell rows apart."""
    if row.rank is None:
        return NOTHING
    return str(row.rank) if row.rank == row.rank_last else f"{row.rank}–{row.rank_last}"


def queries_to(row: Row, goal: int) -> str:
    """Write the queries to a goal; ``> 100,000`` if no seed got there, ``> 80,000 (1/3)`` if only one of three did.

    The latter is a lower bound of the mean, in which a seed that did not get there counts what it spent.
    """
    name = f"queries_to_{goal}"
    if not getattr(row, f"{name}_censored"):
        return whole(getattr(row, name))
    found = [getattr(one, name) for one in row.per_seed]
    if not found:
        return f"> {whole(row.queries)}"
    least = [one.queries if value is None else value for one, value in zip(row.per_seed, found, strict=True)]
    reached = sum(value is not None for value in found)
    return f"> {whole(sum(least) / len(least))}" + (f" ({reached}/{len(found)})" if reached else "")


def duration(seconds: float | None) -> str:
    """Write ``8.5 s``, ``3.2 min``, ``1.4 h``."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds is not None and seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return number(seconds, ".1f") + (" s" if seconds is not None else "")


def seeds(row: Row) -> str:
    """Write the finished seeds, and how many there should be if some are missing."""
    if row.attack == "victim":
        return NOTHING
    return str(row.seeds) if row.seeds == row.seeds_planned else f"{row.seeds}/{row.seeds_planned}"


def prior(row: Row) -> str:
    """Write what data the attacker has."""
    return row.data_prior if row.pool is None else f"{row.data_prior}: {row.pool}"


def _attack(row: Row) -> str:
    return f"({row.name})" if row.kind == "reference" else row.name


def _channel(row: Row) -> str:
    return NOTHING if row.kind == "reference" else row.channel


CHANNEL = Column("Channel", _channel, 4)
CLONE = Column("Clone", lambda row: row.clone or NOTHING, 5)
PRIOR = Column("Data prior", lambda row: NOTHING if row.kind == "reference" else prior(row), 5)
PROFILE = Column("Profile", lambda row: row.profile, 5)
REPORTED = Column("Reported", lambda row: percent(row.reported), 3)
SPENT = Column("Spent", lambda row: whole(row.queries), 7)
TRACK = Column("Learner", lambda row: NOTHING if row.kind == "reference" else row.track, 5)
START = Column("Clone start", lambda row: NOTHING if row.kind == "reference" else row.clone_init or "as most", 5)
PROTOCOL = Column("Protocol", lambda row: str(row.protocol), 5)
RANK = Column("Rank", rank, 2)
COST = Column("Cost", lambda row: number(row.cost, ",.2f"), 4)
STATUS = Column("Status", lambda row: row.status, 1)
ATTACK = Column("Attack", _attack)
VICTIM = Column("Victim", lambda row: row.victim)
BUDGET = Column("Queries", lambda row: whole(row.budget) if row.budget else NOTHING)
SCORES = (
    Column("Seeds", seeds, 2),
    Column("Accuracy", lambda row: interval(row.accuracy, row.accuracy_ci)),
    Column("Fidelity", lambda row: interval(row.fidelity, row.fidelity_ci), 1),
    Column(
        "Of victim", lambda row: NOTHING if row.normalised_accuracy is None else f"{row.normalised_accuracy:.2f}", 6
    ),
    Column("To 90 %", lambda row: queries_to(row, 90), 8),
    Column("AUC", lambda row: NOTHING if row.auc is None else f"{row.auc:.2f}", 9),
)


MORE = (
    Column("To 50 %", lambda row: queries_to(row, 50), 10),
    Column("To 80 %", lambda row: queries_to(row, 80), 10),
    Column("To 95 %", lambda row: queries_to(row, 95), 10),
    Column("To maximum", lambda row: whole(row.queries_to_maximum), 10),
    Column("On errors", lambda row: percent(row.fidelity_on_errors), 10),
    Column("KL", lambda row: number(row.kl, ".3g"), 10),
    Column("TV", lambda row: number(row.total_variation, ".3f"), 10),
    Column("Time", lambda row: duration(row.seconds), 11),
    Column("Per second", lambda row: whole(row.queries_per_second), 11),
    Column("Forward", lambda row: whole(row.victim_forward), 12),
    Column("Backward", lambda row: whole(row.victim_backward), 12),
)
"""What only a wide table shows."""


def extra_columns(rows: Sequence[Row], *, detail: bool = True) -> list[Column]:
    """One column for each metric that the benchmark measures besides; without ``detail`` not of those that are one."""

    def column(name: str) -> Column:
        if name in CARDS:
            return Column(CARDS[name].title, lambda row: carded(name, row.metrics.get(name)), 7)
        return Column(name, lambda row: number(row.metrics.get(name), ".4g"), 7)

    return [column(name) for name in extra_metrics(rows) if detail or not (name in CARDS and CARDS[name].detail)]


def carded(name: str, value: float | None) -> str:
    """Write a number as the unit of its card says: fractions in percent."""
    return percent(value) if CARDS[name].unit == "fraction" else number(value, ".4g")


def extra_note(rows: Sequence[Row], *, detail: bool = True) -> list[str]:
    """Say which metrics the columns are whose titles are not their names, if there are any."""
    names = [name for name in extra_metrics(rows) if name in CARDS and (detail or not CARDS[name].detail)]
    told = ", ".join(f"{CARDS[name].title} {name}" for name in names)
    return [f"Measured besides, see `mebench info NAME`: {told}."] if names else []


def reported_columns(rows: Sequence[Row], names: Sequence[str], shown: Collection[str]) -> list[Column]:
    """The columns of numbers that the paper reports besides: what was measured, then what the paper says.

    Args:
        rows: of one table; a column that none of them fills is left out.
        names: keys of the numbers, whether reported for these rows or for others.
        shown: titles of columns that the table has anyway.
    """
    found = []
    for name in names:
        title = CARDS[name].title if name in CARDS else name
        if title not in shown and any(value_of(row, name) is not None for row in rows):
            found.append(Column(title, partial(_written, name, value_of), 7))
        if any(name in row.reported_metrics for row in rows):
            found.append(Column(f"{title} reported", partial(_written, name, _said), 7))
    return found


def _said(row: Row, name: str) -> float | None:
    return row.reported_metrics.get(name)


def _written(name: str, read: Callable[[Row, str], float | None], row: Row) -> str:
    return reported_number(name, read(row, name))


def reported_number(name: str, value: float | None) -> str:
    """Write a number in the unit in which people read the metric of that key."""
    if name in CARDS and CARDS[name].unit in ("queries", "rows"):
        return whole(value)
    return carded(name, value) if name in CARDS else number(value, ".4g")


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
