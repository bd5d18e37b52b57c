"""The columns of the page's leaderboard: texts, values to sort by, and which end is the better one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from mebench.leaderboard import cells
from mebench.leaderboard.model import Row

Better = Literal["high", "low", ""]
Value = float | str | None
NAMED = frozenset(
    (
        *("attack", "variant", "victim", "victim_hash", "data_hash", "victim_accuracy", "channel", "clone"),
        *("data_prior", "pool", "budget", "profile", "protocol", "settings", "kind", "seeds", "seeds_planned"),
        *("accuracy", "accuracy_ci", "fidelity", "fidelity_ci", "normalised_accuracy", "queries", "queries_to_90"),
        *("auc", "best_on_test", "reported", "reported_fidelity", "seconds", "queries_per_second", "status", "reason"),
        *("flags", "per_seed", "rank"),
    )
)
"""Keys of a row that the page shows by name; other keys with numbers get a column of their own."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: names it in the page.
        value: what is sorted by; None is always last.
        better: which values are good, and so come first; empty for words.
        means: a sentence for the list of columns.
    """

    key: str
    title: str
    text: Callable[[Row], str]
    value: Callable[[Row], Value]
    better: Better = ""
    means: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it is aligned and sorted as numbers."""
        return self.better != ""


def columns(rows: Sequence[Row]) -> list[Column]:
    """The columns that have something to say about these rows, the attack's name first."""
    attacks = [row for row in rows if row.kind == "attack"]
    found = [column for column in _candidates(rows) if _tells(column, attacks)]
    return [*([_rank()] if any(rank_text(row) for row in attacks) else []), *found]


def _tells(column: Column, attacks: Sequence[Row]) -> bool:
    """Whether a column is worth its room: scores always, other numbers if known, words if they differ."""
    if column.key in ("attack", "accuracy", "fidelity", "channel", "seeds"):
        return True
    if column.key == "status":
        return any(row.status != "finished" for row in attacks)
    if column.key == "flags":
        return any(row.flags for row in attacks)
    if column.key == "spent":
        return any(row.queries is not None and row.queries < row.budget for row in attacks)
    if column.numeric:
        return any(column.value(row) is not None for row in attacks)
    return cells.varying(cells.Column(column.title, column.text), attacks)


def _candidates(rows: Sequence[Row]) -> Iterator[Column]:
    yield Column("attack", "Attack", lambda row: row.name, lambda row: row.name, means="attack and variant")
    yield from _scores()
    yield from extra_columns(rows)
    yield Column(
        "channel", "Channel", lambda row: row.channel, lambda row: row.channel, means="what the victim answers"
    )
    yield Column("clone", "Clone", lambda row: row.clone, lambda row: row.clone, means="the clone's network")
    yield Column("prior", "Data prior", cells.prior, cells.prior, means="what data the attacker has")
    yield Column("profile", "Profile", lambda row: row.profile, lambda row: row.profile)
    yield Column("seeds", "Seeds", cells.seeds, lambda row: row.seeds, "high", "finished seeds, of those planned")
    yield _number("spent", "Spent", lambda row: row.queries, cells.whole, "low", "mean queries spent")
    yield _number("seconds", "Time, s", lambda row: row.seconds, _short, "low", "mean wall time of a trial, in seconds")
    yield _number(
        "speed",
        "Queries/s",
        lambda row: row.queries_per_second,
        _short,
        "high",
        "mean queries per second, all included",
    )
    yield Column(
        "status", "Status", lambda row: row.status, lambda row: row.status, means="whether all seeds are valid"
    )
    yield Column("flags", "Flags", lambda row: ", ".join(row.flags), lambda row: ", ".join(row.flags))


def _scores() -> Iterator[Column]:
    yield Column(
        *("accuracy", "Accuracy, %", lambda row: cells.interval(row.accuracy, row.accuracy_ci).strip()),
        *(lambda row: row.accuracy, "high", "of the last clone on the test set: mean ± 95 % interval over seeds"),
    )
    yield Column(
        *("fidelity", "Fidelity, %", lambda row: cells.interval(row.fidelity, row.fidelity_ci).strip()),
        *(lambda row: row.fidelity, "high", "test inputs on which clone and victim give the same label"),
    )
    yield _number(
        "normalised", "Of victim", lambda row: row.normalised_accuracy, _two, "high", "accuracy / victim's accuracy"
    )
    yield _number(
        *("to90", "To 90 %", lambda row: row.queries_to_90, cells.whole, "low"),
        "queries until the clone has 90 % of the victim's accuracy for good; – unless every seed got there",
    )
    yield _number("auc", "AUC", lambda row: row.auc, _two, "high", "mean accuracy over orders of magnitude of queries")
    yield _number("reported", "Reported, %", lambda row: row.reported, cells.percent, "high", "the paper's accuracy")


def _number(
    key: str,
    title: str,
    value: Callable[[Row], float | None],
    write: Callable[[float | None], str],
    better: Better,
    means: str,
) -> Column:
    return Column(key, title, lambda row: write(value(row)), value, better, means)


def _two(value: float | None) -> str:
    return cells.NOTHING if value is None else f"{value:.2f}"


def _short(value: float | None) -> str:
    if value is None:
        return cells.NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rank_text(row: Row) -> str:
    """A row's rank, shared ones as a range; empty for references, which are never ranked."""
    rank: Any = getattr(row, "rank", None)
    if row.kind != "attack" or rank is None:
        return ""
    return "–".join(map(str, dict.fromkeys(rank))) if isinstance(rank, (tuple, list)) else str(rank)


def _rank() -> Column:
    return Column(
        "rank", "Rank", rank_text, _rank_value, "low", "among rows that may be compared; shared where intervals overlap"
    )


def _rank_value(row: Row) -> float | None:
    rank: Any = getattr(row, "rank", None)
    first = rank[0] if isinstance(rank, (tuple, list)) and rank else rank
    return float(first) if isinstance(first, (int, float)) and row.kind == "attack" else None


def extra_columns(rows: Sequence[Row]) -> list[Column]:
    """Columns of the numbers that rows have besides those named here, directly or in a mapping; with intervals."""
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(_extra_numbers(row)))
    return [_extra(key) for key in found if not key.endswith("_ci")]


def _extra_numbers(row: Row) -> dict[str, float]:
    result: dict[str, float] = {}
    for one in fields(row):
        if one.name in NAMED:
            continue
        value = getattr(row, one.name)
        inner = value if isinstance(value, Mapping) else {one.name: value}
        result.update({str(key): number for key, number in inner.items() if _is_number(number)})
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _extra(key: str) -> Column:
    def text(row: Row) -> str:
        numbers = _extra_numbers(row)
        if key not in numbers:
            return cells.NOTHING
        half = numbers.get(f"{key}_ci")
        return _short(numbers[key]) + ("" if half is None else f" ± {_short(half)}")

    better: Better = "low" if key.startswith(("queries_to", "kl", "cost", "seconds", "money", "mean_rank")) else "high"
    return Column(key, key.replace("_", " ").capitalize(), text, lambda row: _extra_numbers(row).get(key), better, key)
