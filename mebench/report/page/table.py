"""The columns of the page's leaderboard: texts, values to sort by, and which end stands first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from mebench.registry.card import Number
from mebench.results.derived import GOAL_KEYS
from mebench.results.leaderboard.model import Row
from mebench.results.leaderboard.write import columns as in_text
from mebench.results.numbers import SCORES, builtin_metrics, number, numbers
from mebench.results.written import NOTHING, percent, whole, with_interval, written

Value = float | str | None
MAXIMUM = "queries_to_maximum"


@dataclass(frozen=True)
class PageColumn(in_text.Column):
    """One column of the page.

    Attributes:
        key: names it in the page.
        value: what is sorted by; None is always last.
        first: which end of the values a first click puts on top; empty for words.
        means: a clause for the list of columns.
    """

    _: KW_ONLY
    key: str
    value: Callable[[Row], Value]
    first: Literal["high", "low", ""] = ""
    means: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it is aligned and sorted as numbers."""
        return self.first != ""

    @property
    def number(self) -> Number | None:
        """The number that it shows, if there is a card for it."""
        known = numbers().get({"spent": "queries"}.get(self.key, self.key))
        return known if known and known.card.formula else None


def columns(rows: Sequence[Row]) -> list[PageColumn]:
    """The columns that have something to say about these rows, the attack's name first.

    What all rows of a block share (channel, clone, data prior, learner) stands in its title instead.
    """
    attacks = [row for row in rows if row.kind == "attack"]
    return [column for column in _candidates(rows) if _tells(column, attacks)]


def _tells(column: PageColumn, attacks: Sequence[Row]) -> bool:
    """Whether a column is worth its room: scores always, other numbers if known, words if they differ."""
    if column.key in ("attack", "seeds", *SCORES):
        return True
    if column.key == "status":
        return any(row.status != "finished" for row in attacks)
    if column.key == "flags":
        return any(row.flags for row in attacks)
    if column.key == "spent":
        return any(row.queries is not None and row.queries < row.budget for row in attacks)
    if column.numeric:
        return any(column.cell(row) not in ("", NOTHING) for row in attacks)
    return in_text.varying(column, attacks)


def _candidates(rows: Sequence[Row]) -> Iterator[PageColumn]:
    yield _words("attack", "Attack", lambda row: row.name, "attack and variant")
    yield _derived("rank", rank_text, value=lambda row: row.rank if row.kind == "attack" else None)
    yield from (_metric(number(name)) for name in SCORES)
    yield _derived("normalised_accuracy")
    yield from (_to_goal(key, goal) for key, goal in GOAL_KEYS.items())
    yield _derived("auc")
    yield _count("reported", "Reported, %", lambda row: percent(row.reported), "high", "the paper's accuracy")
    yield from (_metric(one) for entry in builtin_metrics() if entry.name not in SCORES for one in entry.numbers)
    yield from _rare(rows)
    yield _count("seeds", "Seeds", in_text.seeds, "high", "finished seeds, of those planned")
    yield _count("spent", "Spent", lambda row: whole(row.queries), "low", number("queries").card.about, "queries")
    yield from map(_derived, ("seconds", "queries_per_second"))
    yield from (_derived(key, first="low") for key in ("victim_forward", "victim_backward"))
    yield _derived("cost")
    yield _words("profile", "Profile", lambda row: row.profile)
    yield _words("status", "Status", lambda row: row.status, "whether all seeds are valid")
    yield _words("flags", "Flags", lambda row: ", ".join(row.flags))


def _rare(rows: Sequence[Row]) -> Iterator[PageColumn]:
    """What the benchmark measures besides, and queries to the maximum, in the order in which rows have them."""
    every = ((key, row) for row in rows for key in (MAXIMUM, *sorted(row.asked_for())))
    for key in dict.fromkeys(key for key, row in every if row.number(key) is not None):
        if key == MAXIMUM:
            yield _derived(key)
        elif not number(key).card.detail:
            yield _metric(number(key))


def _words(key: str, title: str, cell: Callable[[Row], str], means: str = "") -> PageColumn:
    return PageColumn(title, cell, key=key, value=cell, means=means)


def _count(
    key: str, title: str, cell: Callable[[Row], str], first: Literal["high", "low"], means: str, of: str = ""
) -> PageColumn:
    """A column of a number that is no metric's; ``of`` is its key in rows, if that is another."""
    return PageColumn(title, cell, key=key, value=lambda row: row.number(of or key), first=first, means=means)


def _derived(
    key: str,
    cell: Callable[[Row], str] | None = None,
    *,
    value: Callable[[Row], float | None] | None = None,
    first: Literal["high", "low"] | None = None,
) -> PageColumn:
    """A column of a derived number, written by its card where nothing else is said."""
    one = number(key)
    return PageColumn(
        one.card.long_title or one.title,
        cell or (lambda row: written(one, row.number(key))),
        key=key,
        value=value or (lambda row: row.number(key)),
        first=first or _first(one),
        means=one.card.about,
    )


def _to_goal(key: str, goal: int) -> PageColumn:
    return _derived(key, lambda row: in_text.queries_to(row, goal))


def _metric(one: Number) -> PageColumn:
    """A column of a metric, with its interval if rows have one."""

    def cell(row: Row) -> str:
        return with_interval(written(one, row.metrics.get(one.name)), written(one, row.interval(one.name)))

    return PageColumn(
        _title(one),
        cell,
        key=one.name,
        value=lambda row: row.metrics.get(one.name),
        first=_first(one),
        means=one.card.about or one.summary.rstrip(".") or f"the key {one.name} of leaderboard.json",
    )


def _title(one: Number) -> str:
    """The heading with the unit."""
    title = one.card.long_title or one.card.title or one.name.replace("_", " ").capitalize()
    unit = "%" if one.in_percent else "" if one.is_fraction else one.card.unit
    return f"{title}, {unit}" if unit else title


def _first(one: Number) -> Literal["high", "low"]:
    return "low" if one.better == "lower" else "high"


def rank_text(row: Row) -> str:
    """A row's rank, shared ones as a range; empty for references, which are never ranked."""
    return in_text.rank(row) if row.kind == "attack" and row.rank is not None else ""
