"""The columns of the page's leaderboard: texts, values to sort by, and which end is the better one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from mebench.results.leaderboard.model import GOALS, Row
from mebench.results.leaderboard.write import cells
from mebench.results.metric_cards import CARDS, MetricCard

Better = Literal["high", "low", ""]
Value = float | str | None
NAMED = frozenset(
    (
        *("attack", "variant", "victim", "victim_hash", "data_hash", "victim_accuracy", "channel", "clone"),
        *("data_prior", "pool", "budget", "profile", "protocol", "settings", "kind", "seeds", "seeds_planned"),
        *("accuracy", "accuracy_ci", "fidelity", "fidelity_ci", "normalised_accuracy", "queries", "queries_to_90"),
        *("auc", "best_on_test", "reported", "reported_fidelity", "reported_metrics"),
        *("seconds", "queries_per_second", "status", "reason"),
        *(
            "flags",
            "per_seed",
            "rank",
            "rank_last",
            "track",
            "clone_init",
            "fidelity_on_errors",
            "kl",
            "total_variation",
        ),
        *("victim_forward", "victim_backward", "cost", *(f"queries_to_{goal}" for goal in GOALS)),
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

    @property
    def card(self) -> MetricCard | None:
        """What is to be known of the metric that it shows, if it is one."""
        return CARDS.get({"spent": "queries"}.get(self.key, self.key))


def columns(rows: Sequence[Row]) -> list[Column]:
    """The columns that have something to say about these rows, the attack's name first.

    What all rows of a block share (channel, clone, data prior, learner) stands in its title instead.
    """
    attacks = [row for row in rows if row.kind == "attack"]
    return [column for column in _candidates(rows) if _tells(column, attacks)]


def _tells(column: Column, attacks: Sequence[Row]) -> bool:
    """Whether a column is worth its room: scores always, other numbers if known, words if they differ."""
    if column.key in ("attack", "accuracy", "fidelity", "seeds"):
        return True
    if column.key == "status":
        return any(row.status != "finished" for row in attacks)
    if column.key == "flags":
        return any(row.flags for row in attacks)
    if column.key == "spent":
        return any(row.queries is not None and row.queries < row.budget for row in attacks)
    if column.numeric:
        return any(column.text(row) not in ("", cells.NOTHING) for row in attacks)
    return cells.varying(cells.Column(column.title, column.text), attacks)


def _candidates(rows: Sequence[Row]) -> Iterator[Column]:
    yield Column("attack", "Attack", lambda row: row.name, lambda row: row.name, means="attack and variant")
    yield Column(
        "rank", "Rank", rank_text, _rank_value, "low", "best and last place in the block that seeds leave open"
    )
    yield Column("accuracy", "Accuracy, %", _accuracy, lambda row: row.accuracy, "high", MEANS_ACCURACY)
    yield Column("fidelity", "Fidelity, %", _fidelity, lambda row: row.fidelity, "high", MEANS_FIDELITY)
    yield _number("normalised_accuracy", "Of victim", _two, "high", "accuracy / the victim's accuracy")
    yield from map(_queries_to, GOALS)
    yield _number("auc", "AUC", _two, "high", "mean accuracy over orders of magnitude of queries")
    yield _number("reported", "Reported, %", cells.percent, "high", "the paper's accuracy")
    yield _number("fidelity_on_errors", "Fidelity on errors, %", cells.percent, "high", "where the victim is wrong")
    yield _number("kl", "KL, nats", _short, "low", "KL(victim || clone), mean over the test set")
    yield _number(
        "total_variation", "Total variation", _short, "low", "between victim and clone, mean over the test set"
    )
    yield from extra_columns(rows)
    yield Column("seeds", "Seeds", cells.seeds, lambda row: row.seeds, "high", "finished seeds, of those planned")
    yield Column("spent", "Spent", lambda row: cells.whole(row.queries), lambda row: row.queries, "low", "mean queries")
    yield _number("seconds", "Time, s", _short, "low", "mean wall time of a trial, in seconds")
    yield _number("queries_per_second", "Queries/s", _short, "high", "mean queries per second, all included")
    yield _number(
        "victim_forward", "Victim forward", cells.whole, "low", "rows that the victim computed, mean over seeds"
    )
    yield _number("victim_backward", "Victim backward", cells.whole, "low", "rows that it took gradients of")
    yield _number("cost", "Cost", _short, "low", "mean over seeds, by the benchmark's price sheet")
    yield Column("profile", "Profile", lambda row: row.profile, lambda row: row.profile)
    yield Column(
        "status", "Status", lambda row: row.status, lambda row: row.status, means="whether all seeds are valid"
    )
    yield Column("flags", "Flags", lambda row: ", ".join(row.flags), lambda row: ", ".join(row.flags))


MEANS_ACCURACY = "of the last clone on the test set: mean ± 95 % interval over seeds"
MEANS_FIDELITY = "test inputs on which clone and victim give the same label: mean ± 95 % interval over seeds"


def _accuracy(row: Row) -> str:
    return cells.interval(row.accuracy, row.accuracy_ci).strip()


def _fidelity(row: Row) -> str:
    return cells.interval(row.fidelity, row.fidelity_ci).strip()


def _number(key: str, title: str, write: Callable[[float | None], str], better: Better, means: str) -> Column:
    """A column of one key of a row."""

    def value(row: Row) -> float | None:
        found: float | None = getattr(row, key)
        return found

    return Column(key, title, lambda row: write(value(row)), value, better, means)


def _queries_to(goal: int) -> Column:
    """The queries to a fraction of the victim's accuracy; more than the budget where a seed did not get there."""
    key = f"queries_to_{goal}"
    means = f"queries until the clone has {goal} % of the victim's accuracy for good; > if a seed did not get there"
    plain = _number(key, f"To {goal} %", cells.whole, "low", means)
    return replace(plain, text=lambda row: cells.queries_to(row, goal))


def _two(value: float | None) -> str:
    return cells.NOTHING if value is None else f"{value:.2f}"


def _short(value: float | None) -> str:
    if value is None:
        return cells.NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rank_text(row: Row) -> str:
    """A row's rank, shared ones as a range; empty for references, which are never ranked."""
    return cells.rank(row) if row.kind == "attack" and row.rank is not None else ""


def _rank_value(row: Row) -> float | None:
    return row.rank if row.kind == "attack" else None


def extra_columns(rows: Sequence[Row]) -> list[Column]:
    """Columns of the numbers that rows have besides those named here, directly or in a mapping; with intervals."""
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(_extra_numbers(row)))
    return [_extra(key) for key in found if not key.endswith("_ci") and not (key in CARDS and CARDS[key].detail)]


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
        if in_percent:
            return cells.percent(numbers[key])
        return _short(numbers[key]) + ("" if half is None else f" ± {_short(half)}")

    card = CARDS.get(key)
    in_percent = card is not None and card.unit == "fraction"
    title = card.title if card else key.replace("_", " ").capitalize()
    title += ", %" if in_percent else ""
    better: Better = "low" if card and card.better == "lower" else "high"
    return Column(
        key, title, text, lambda row: _extra_numbers(row).get(key), better, f"the key {key} of leaderboard.json"
    )
