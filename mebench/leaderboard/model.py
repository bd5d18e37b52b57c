"""What a leaderboard is: typed rows, and the facts of the benchmark that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

RowStatus = Literal["finished", "partial", "failed", "invalid"]
SORT_LAST_FIRST = frozenset({"accuracy", "fidelity", "normalised_accuracy", "auc", "best_on_test", "seeds"})


@dataclass(frozen=True)
class SeedResult:
    """One finished trial of a row. Accuracies are fractions; ``trial`` is the id, and the name of its folder."""

    seed: int
    accuracy: float
    fidelity: float
    queries: int
    queries_to_90: int | None = None
    auc: float | None = None
    best_on_test: float | None = None
    trial: str = ""


@dataclass(frozen=True)
class Row:
    """One attack on one victim through one channel at one budget, over seeds. docs/results.md explains every key.

    Attributes:
        kind: ``attack``; ``reference`` rows (the victim, the supervised bound) are never ranked.
        victim_hash, data_hash: of the victim's weights and of its test data; None while no trial has finished.
        settings: digest of everything else that the trials of the row have in common.
        seeds, seeds_planned: finished trials, and all that are known of.
        reason: why ``status`` is not ``finished``.
        accuracy, fidelity, normalised_accuracy, auc, best_on_test: means over seeds, fractions; None if the row is
            invalid or has no finished seed.
        accuracy_ci, fidelity_ci: half widths of 95 % Student-t intervals; None for fewer than two seeds.
        queries, queries_to_90: means over seeds; the latter None unless every seed got there.
        reported, reported_fidelity: the paper's numbers as fractions, where they are for this row.
    """

    attack: str
    variant: str
    victim: str
    victim_hash: str | None = None
    data_hash: str | None = None
    victim_accuracy: float | None = None
    channel: str = "none"
    clone: str = ""
    data_prior: str = "none"
    pool: str | None = None
    budget: int = 0
    profile: str = ""
    protocol: int = 1
    settings: str = ""
    kind: Literal["attack", "reference"] = "attack"
    seeds: int = 0
    seeds_planned: int = 0
    accuracy: float | None = None
    accuracy_ci: float | None = None
    fidelity: float | None = None
    fidelity_ci: float | None = None
    normalised_accuracy: float | None = None
    queries: float | None = None
    queries_to_90: float | None = None
    auc: float | None = None
    best_on_test: float | None = None
    reported: float | None = None
    reported_fidelity: float | None = None
    seconds: float | None = None
    queries_per_second: float | None = None
    status: RowStatus = "finished"
    reason: str = ""
    flags: tuple[str, ...] = ()
    per_seed: tuple[SeedResult, ...] = ()

    @property
    def name(self) -> str:
        """The attack with its variant, as tables show it."""
        return self.attack if self.variant == "default" else f"{self.attack} {self.variant}"

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        plain = asdict(self)
        return plain | {"flags": list(self.flags), "per_seed": list(plain["per_seed"])}


@dataclass(frozen=True)
class Reported:
    """One number of the paper's own table, in percent as printed there."""

    attack: str
    victim: str
    variant: str | None = None
    channel: str | None = None
    budget: int | None = None
    accuracy: float | None = None
    fidelity: float | None = None

    def is_for(self, row: Row) -> bool:
        """Whether the number is for that row: the same attack, victim and budget, and what else it names."""
        return (self.attack, self.victim, self.budget) == (row.attack, row.victim, row.budget) and all(
            mine is None or mine == theirs
            for mine, theirs in ((self.variant, row.variant), (self.channel, row.channel))
        )


@dataclass(frozen=True)
class BenchmarkInfo:
    """What ``benchmark.json`` says; all empty where there is none.

    Attributes:
        scale: ``paper``, or ``reduced`` for anything smaller.
        note: said above every table.
        references: which reference rows to show; None for all.
        trials: ids of the trials that were asked for, so that missing ones can be told.
    """

    name: str = ""
    title: str = ""
    profile: str = ""
    scale: str = ""
    note: str = ""
    paper: dict[str, Any] = field(default_factory=dict)
    references: tuple[str, ...] | None = None
    reported: tuple[Reported, ...] = ()
    trials: tuple[str, ...] = ()

    @staticmethod
    def joined(infos: Sequence[BenchmarkInfo]) -> BenchmarkInfo:
        """The facts of several benchmarks in one: texts that differ are joined by ``+``."""
        if len(infos) < 2:
            return infos[0] if infos else BenchmarkInfo()
        texts: dict[str, Any] = {
            key: " + ".join(dict.fromkeys(text for info in infos if (text := getattr(info, key))))
            for key in ("name", "title", "profile", "scale", "note")
        }
        reported = tuple(dict.fromkeys(number for info in infos for number in info.reported))
        return replace(infos[0], **texts, reported=reported, references=None, trials=())


@dataclass(frozen=True)
class Leaderboard:
    """Rows in the order of the table, and what a reader must know about them.

    Attributes:
        notes: what was skipped, what disagrees, what is missing.
    """

    benchmark: BenchmarkInfo
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The leaderboard as plain JSON values with stable keys; what ``leaderboard.json`` holds."""
        benchmark = {key: value for key, value in asdict(self.benchmark).items() if key != "trials"}
        return {
            "format": 1,
            "benchmark": benchmark,
            "rows": [row.to_json() for row in self.rows],
            "notes": list(self.notes),
        }

    def frame(self) -> pd.DataFrame:
        """The rows as a table with one column per key, without ``per_seed``; flags are joined by ``;``."""
        import pandas as pd

        columns = [one.name for one in fields(Row) if one.name != "per_seed"]
        records = [[getattr(row, column) for column in columns] for row in self.rows]
        frame = pd.DataFrame(records, columns=columns)
        frame["flags"] = [";".join(row.flags) for row in self.rows]
        return frame

    def sorted_by(self, key: str) -> Leaderboard:
        """The same rows, sorted by another key within each victim and budget; the best first, unknown ones last.

        Raises:
            KeyError: rows have no such key, or it has no order.
        """
        if key in ("flags", "per_seed") or key not in {one.name for one in fields(Row)}:
            raise KeyError(key)
        known = sorted(
            (row for row in self.rows if getattr(row, key) is not None),
            key=lambda row: getattr(row, key),
            reverse=key in SORT_LAST_FIRST,
        )
        unknown = [row for row in self.rows if getattr(row, key) is None]
        return replace(self, rows=tuple(sorted([*known, *unknown], key=section_key)))

    def unmatched_reported(self) -> list[Reported]:
        """The paper's numbers that no row stands beside."""
        return [number for number in self.benchmark.reported if not any(number.is_for(row) for row in self.rows)]


def section_key(row: Row) -> tuple[str, str, str, int, bool]:
    """Rows of one victim and budget stand together; references before attacks, unknown victims last."""
    return (row.victim, row.victim_hash or "~", row.data_hash or "", row.budget, row.kind != "reference")


def default_order(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Sort by victim and budget, then accuracy, best first; names settle ties."""
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                *section_key(row),
                row.accuracy is None,
                -(row.accuracy or 0.0),
                row.attack != "victim",
                row.name,
                row.channel,
                row.clone,
                row.pool or "",
                row.protocol,
                row.settings,
            ),
        )
    )
