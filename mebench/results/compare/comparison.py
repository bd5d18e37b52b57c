"""What became of each row between two leaderboards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mebench.api.exit_codes import ExitCode
from mebench.api.plurals import counted
from mebench.registry.card import Number
from mebench.results.compare.matching import match
from mebench.results.compare.metrics import MetricComparison, Verdict, chosen_metrics, judge_all
from mebench.results.leaderboard import Leaderboard, Row

Mark = Literal["worse", "failing", "gone", "incomplete", "not-comparable", "unclear", "better", "new", "fixed", "same"]
MARKS: dict[Mark, str] = {
    "worse": "a metric fell by more than its tolerance, and by more than noise explains",
    "failing": "it has no valid result in NEW",
    "gone": "it is in BASE only",
    "incomplete": "some of its seeds are missing in NEW; the others are not worse",
    "not-comparable": "other victim, data or protocol, or no result on either side",
    "unclear": "a metric fell by more than its tolerance, which may be noise: it has too few seeds to tell",
    "better": "a metric rose by more than its tolerance, and by more than noise explains",
    "new": "it is in NEW only",
    "fixed": "it had no valid result in BASE, and has one in NEW",
    "same": "no metric changed by more than its tolerance and noise",
}
"""What each mark says, from what needs a look to what does not."""
ORDER = list(MARKS)
MISSING: frozenset[Mark] = frozenset({"failing", "gone", "incomplete"})
UNTOLD: frozenset[Mark] = frozenset({"not-comparable", "unclear"})
UNMATCHED: frozenset[Mark] = frozenset({"gone", "new", "not-comparable"})


@dataclass(frozen=True)
class RowComparison:
    """What became of one row.

    Attributes:
        row: the row in NEW, or in BASE where it is gone.
        mark: one of `MARKS`.
        metrics: empty unless both sides have numbers.
        remarks: what else a reader must know.
    """

    row: Row
    mark: Mark
    metrics: tuple[MetricComparison, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The row in words."""
        row = self.row
        if row.kind == "reference":
            return f"{row.name} {row.clone}".rstrip() + f" on {row.victim}"
        track = "" if row.track == "native" else f", {row.track} learner"
        return f"{row.name} on {row.victim} ({row.channel}, {counted(row.budget, 'query')}{track})"

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        row = self.row
        keys = ("kind", "attack", "variant", "victim", "channel", "clone", "data_prior", "pool")
        return {
            **{key: getattr(row, key) for key in (*keys, "track", "budget", "profile")},
            "mark": self.mark,
            "remarks": list(self.remarks),
            "metrics": [metric.to_json() for metric in self.metrics],
        }


@dataclass(frozen=True)
class Comparison:
    """All rows of BASE and NEW, those that need a look first.

    Attributes:
        notes: what reading either side had to say.
    """

    rows: tuple[RowComparison, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Mark, int]:
        """How many rows have each mark that occurs."""
        marks = [row.mark for row in self.rows]
        return {mark: marks.count(mark) for mark in ORDER if mark in marks}

    @property
    def blind(self) -> list[tuple[RowComparison, MetricComparison]]:
        """The rows and metrics in which a loss of the tolerance would not be noticed."""
        return [(row, metric) for row in self.rows for metric in row.metrics if metric.blind]

    def exit_code(self, *, allow_missing: bool = False, strict: bool = False) -> ExitCode:
        """Say how the comparison ends: 0 fine, 1 a regression, 2 nothing comparable, 3 trials failed or missing.

        Args:
            allow_missing: let missing trials pass.
            strict: let nothing pass that cannot be told: 3 where a row has too few seeds to notice a loss.
        """
        marks = set(self.counts)
        if "worse" in marks:
            return ExitCode.WORSE
        if not marks - UNMATCHED:
            return ExitCode.USAGE
        if strict and self.blind:
            return ExitCode.INCOMPLETE
        return ExitCode.INCOMPLETE if marks & MISSING and not allow_missing else ExitCode.FINE

    def to_json(self, *, allow_missing: bool = False, strict: bool = False) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        return {
            "format": 1,
            "exit_code": int(self.exit_code(allow_missing=allow_missing, strict=strict)),
            "counts": dict(self.counts),
            "rows": [one.to_json() for one in self.rows],
            "notes": list(self.notes),
        }


def compare(
    base: Leaderboard,
    new: Leaderboard,
    metrics: Sequence[str] = (),
    tolerances: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare NEW with BASE.

    Args:
        base, new: leaderboards. Rows match by attack, variant, victim, channel, clone, data prior and pool, budget,
            profile and protocol. Other weights of a victim of the same name are a remark only: a victim that is
            trained on another machine differs in bits.
        metrics: names of metrics; accuracy and fidelity if empty.
        tolerances: by metric.

    Raises:
        ConfigurationError: an unknown metric, or a negative tolerance.
    """
    chosen = chosen_metrics(metrics, tolerances or {})
    matching = match(base.rows, new.rows)
    rows = [_compare_pair(before, after, metrics) for (before, after), metrics in _judged(matching.pairs, chosen)]
    rows += [
        RowComparison(after, "not-comparable", (), tuple(_changed(before, after))) for before, after in matching.related
    ]
    rows += [RowComparison(row, "not-comparable", (), ("several rows of this name",)) for row in matching.ambiguous]
    rows += [RowComparison(row, "gone") for row in matching.gone if _has_numbers(row)]
    rows += [
        RowComparison(row, "new") if _has_numbers(row) else RowComparison(row, "failing", (), (f"new: {_state(row)}",))
        for row in matching.new
    ]
    rows.sort(key=lambda one: ORDER.index(one.mark))
    notes = [f"BASE: {note}" for note in base.notes] + [f"NEW: {note}" for note in new.notes]
    return Comparison(tuple(rows), tuple(notes))


def _judged(
    pairs: Sequence[tuple[Row, Row]], chosen: Sequence[tuple[Number, float]]
) -> Iterator[tuple[tuple[Row, Row], tuple[MetricComparison, ...]]]:
    """Yield each pair with its metrics; with none where it has no numbers, or numbers of different test data."""
    fit = [pair for pair in pairs if all(map(_has_numbers, pair)) and not _on_other_data(*pair)]
    by_metric = [judge_all(metric, tolerance, fit) for metric, tolerance in chosen]
    found = dict(zip(map(id, fit), zip(*by_metric, strict=True), strict=True))
    yield from ((pair, found.get(id(pair), ())) for pair in pairs)


def _on_other_data(base: Row, new: Row) -> bool:
    return bool(base.data_hash and new.data_hash and base.data_hash != new.data_hash)


def _compare_pair(base: Row, new: Row, metrics: tuple[MetricComparison, ...]) -> RowComparison:
    """Mark two rows of the same experiment."""
    if not _has_numbers(new):
        mark: Mark = "failing" if _has_numbers(base) else "not-comparable"
        both = "" if mark == "failing" else " (in BASE, too)"
        return RowComparison(new, mark, (), (f"{_state(new)}{both}",))
    if _on_other_data(base, new):
        return RowComparison(new, "not-comparable", (), ("scored on other test data",))
    if not _has_numbers(base):
        return RowComparison(new, "fixed", (), (f"BASE: {_state(base)}",))
    incomplete = new.status == "partial" and base.status == "finished"
    remarks = dict.fromkeys(metric.remark for metric in metrics if metric.remark)
    told = [f"{', '.join(one.metric.name for one in metrics if one.remark == text)}: {text}" for text in remarks]
    mark = _mark({metric.verdict for metric in metrics}, incomplete)
    return RowComparison(new, mark, metrics, (*told, *_pair_remarks(base, new)))


def _mark(verdicts: set[Verdict], incomplete: bool) -> Mark:
    """The first of what was found, from what needs a look to what does not."""
    if "worse" in verdicts:
        return "worse"
    if incomplete:
        return "incomplete"
    return next((verdict for verdict in ("unclear", "better") if verdict in verdicts), "same")


def _pair_remarks(base: Row, new: Row) -> Iterator[str]:
    """What is different about two rows that are compared all the same."""
    if new.status == "partial":
        yield _state(new)
    if base.victim_hash != new.victim_hash:
        yield "the victim has other weights"
    if base.settings != new.settings and base.settings and new.settings:
        yield "other settings (see spec.json)"
    if base.seeds != new.seeds and new.status != "partial":
        yield f"{counted(base.seeds, 'seed')} before, {new.seeds} now"
    gained = [flag for flag in new.flags if flag not in base.flags]
    if gained:
        yield f"newly flagged {', '.join(gained)}"


def _changed(base: Row, new: Row) -> Iterator[str]:
    for name in ("victim", "protocol", "profile"):
        before, after = getattr(base, name), getattr(new, name)
        if before != after:
            yield f"{name} was {before or 'none'}, is {after or 'none'}"


def _has_numbers(row: Row) -> bool:
    return row.accuracy is not None and row.status != "invalid"


def _state(row: Row) -> str:
    count = f"{row.seeds} of {counted(row.seeds_planned, 'seed')}" if row.status == "partial" else row.status
    return f"{count}: {row.reason}" if row.reason else count
