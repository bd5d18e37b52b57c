"""The columns that people read, and how their values are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mebench.leaderboard.model import Row

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
    Column("To 90 %", lambda row: whole(row.queries_to_90), 8),
    Column("AUC", lambda row: NOTHING if row.auc is None else f"{row.auc:.2f}", 9),
)


def distinct_names(rows: Sequence[Row]) -> list[str]:
    """The shortest names that tell rows apart: attack and variant, and what else is needed."""
    more: tuple[Callable[[Row], str], ...] = (
        lambda row: row.channel,
        lambda row: row.clone,
        prior,
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
