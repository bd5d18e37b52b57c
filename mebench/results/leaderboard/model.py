"""What a leaderboard is: typed rows, and the facts of the benchmark that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mebench.api.spec import content_digest
from mebench.results.curves import Curve
from mebench.results.leaderboard.keys import CI, Numbered, keys_of
from mebench.results.numbers import in_order, number, numbers
from mebench.results.prices import PriceSheet

if TYPE_CHECKING:
    import pandas as pd

TIMES = ("seconds", "queries_per_second")
"""The keys of rows and seeds that are times."""
RowStatus = Literal["finished", "partial", "failed", "invalid"]


@dataclass(frozen=True)
class SeedResult(Numbered):
    """One finished trial of a row; the keys are those of a `Row`.

    Attributes:
        clone_start: digest of the clone's weights before training; empty in older results.
        trial: the id, and the name of its folder.
        query_label_entropy: of the labels of all training queries, in [0, 1].
        gradient_cosine, gradient_norm_ratio: medians over evaluations; None for attacks without gradients.
        detectors: what each detector saw of it and of honest clients, as `mebench.trial.links.setup.watched` has it.
        curve: its evaluations; of a committed row a few of them, see `mebench.results.curves.Curve.thinned`.
        metrics, queries_to: see `Numbered`.
    """

    SCORES_BEFORE: ClassVar[str] = "queries"
    seed: int
    queries: int
    metrics: dict[str, float | None] = field(default_factory=dict, hash=False)
    queries_to: dict[int, int | None] = field(default_factory=dict, hash=False)
    auc: float | None = None
    best_on_test: float | None = None
    queries_to_maximum: int | None = None
    victim_forward: int | None = None
    victim_backward: int | None = None
    seconds: float | None = None
    queries_per_second: float | None = None
    cost: float | None = None
    query_label_entropy: float | None = None
    gradient_cosine: float | None = None
    gradient_norm_ratio: float | None = None
    clone_start: str = ""
    trial: str = ""
    detectors: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    curve: Curve = field(default_factory=Curve, hash=False, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The seed as plain JSON values."""
        watched = {"detectors": list(self.detectors)} if self.detectors else {}
        return {**self.plain(), **self.own_mappings(), **watched}

    @property
    def accuracy(self) -> float:
        """The fraction of test inputs with the true label; there is no result without one."""
        return self._score("accuracy")

    @property
    def fidelity(self) -> float:
        """The fraction with the victim's label; there is no result without one."""
        return self._score("fidelity")

    def _score(self, name: str) -> float:
        value = self.metrics[name]
        assert value is not None
        return value


@dataclass(frozen=True)
class Row(Numbered):
    """One attack on one victim through one channel at one budget, over seeds. docs/results.md explains every key.

    Attributes:
        kind: ``attack``; ``reference`` rows (the victim, the supervised bound) are never ranked.
        victim_hash, data_hash: of the victim's weights and of its test data; None while no trial has finished.
        test_inputs: how many test inputs scores are fractions of; None where neither trials nor scores tell it.
        settings: digest of everything else that the trials of the row have in common.
        seeds, seeds_planned: finished trials, and all that are known of.
        reason: why ``status`` is not ``finished``.
        track: ``native``, or ``standard``: the clone of one fixed learner on the attack's queries.
        channel: what answers: the service's channel, and the defences that it is behind.
        service: the channel alone.
        defence, recovery: the owner's links and the attacker's, in their order; ``none`` without.
        clone_init: empty, or which other start of the clone the row has than most rows of its clone.
        rank, rank_last: best and last place that the seeds leave open among rows of the same `key`; equal where the
            row is apart from all others. None for references, for rows without numbers, and where nothing is beside it.
        metrics, intervals, queries_to: see `Numbered`. Metrics are means over seeds; None unless every seed has one.
        normalised_accuracy, queries, auc, best_on_test, seconds, queries_per_second: means over seeds.
        queries_to_maximum: mean queries at the best evaluation, a diagnostic that nothing is chosen by.
        victim_forward, victim_backward: rows that the victim computed, mean over seeds.
        cost: mean over seeds, by the benchmark's price sheet; None without one.
        reported, reported_fidelity: the paper's numbers as fractions, where they are for this row.
        reported_metrics: the paper's other numbers by key, fractions as such.
        provenance: the versions, the revision and the machine that measured it: the values that seeds have of each.
    """

    SCORES_BEFORE: ClassVar[str] = "normalised_accuracy"
    attack: str
    variant: str
    victim: str
    victim_hash: str | None = None
    data_hash: str | None = None
    test_inputs: int | None = None
    victim_accuracy: float | None = None
    channel: str = "none"
    clone: str = ""
    data_prior: str = "none"
    pool: str | None = None
    budget: int = 0
    profile: str = ""
    protocol: int = 1
    settings: str = ""
    track: str = "native"
    clone_init: str = ""
    service: str = "none"
    defence: str = "none"
    recovery: str = "none"
    kind: Literal["attack", "reference"] = "attack"
    seeds: int = 0
    seeds_planned: int = 0
    rank: int | None = None
    rank_last: int | None = None
    normalised_accuracy: float | None = None
    metrics: dict[str, float | None] = field(default_factory=dict, hash=False)
    intervals: dict[str, float | None] = field(default_factory=dict, hash=False)
    queries: float | None = None
    queries_to: dict[int, float | None] = field(default_factory=dict, hash=False)
    auc: float | None = None
    best_on_test: float | None = None
    queries_to_maximum: float | None = None
    reported: float | None = None
    reported_fidelity: float | None = None
    seconds: float | None = None
    queries_per_second: float | None = None
    victim_forward: float | None = None
    victim_backward: float | None = None
    cost: float | None = None
    status: RowStatus = "finished"
    reason: str = ""
    flags: tuple[str, ...] = ()
    per_seed: tuple[SeedResult, ...] = ()
    reported_metrics: dict[str, float] = field(default_factory=dict, hash=False)
    provenance: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False, compare=False, repr=False)

    @property
    def accuracy(self) -> float | None:
        """The mean over seeds; None if the row is invalid or has no finished seed."""
        return self.metrics.get("accuracy")

    @property
    def fidelity(self) -> float | None:
        """The mean over seeds; None if the row is invalid or has no finished seed."""
        return self.metrics.get("fidelity")

    @property
    def name(self) -> str:
        """The attack with its variant, as tables show it."""
        return self.attack if self.variant == "default" else f"{self.attack} {self.variant}"

    @cached_property
    def key(self) -> str:
        """Ten hexadecimal digits of all that rows must share to be ranked with each other.

        The victim with its weights, its test data, the channel, the data prior with its pool, the clone with its
        start, the learner track, the budget and the protocol.
        """
        victim = (self.victim, self.victim_hash, self.data_hash)
        attacker = (self.channel, self.data_prior, self.pool, self.clone, self.clone_init)
        return content_digest([*victim, *attacker, self.track, self.budget, self.protocol])

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        reported = {"reported_metrics": self.reported_metrics} if self.reported_metrics else {}
        return {
            **self.plain(),
            **self.own_mappings(),
            **reported,
            "key": self.key,
            "flags": list(self.flags),
            "per_seed": [one.to_json() for one in self.per_seed],
        }


def asked_metrics(rows: Sequence[Row]) -> list[str]:
    """The keys of the metrics that benchmarks measure besides, as far as a row has them, in the order of tables."""
    return in_order(name for row in rows for name in row.asked_for())


@dataclass(frozen=True)
class Reported:
    """Numbers of the paper's own table for one row, as printed there: fractions in percent."""

    attack: str
    victim: str
    variant: str | None = None
    channel: str | None = None
    budget: int | None = None
    accuracy: float | None = None
    fidelity: float | None = None
    metrics: dict[str, float] = field(default_factory=dict, hash=False)

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
        settings: of these, digests of all but the seed, so that a missing one is told to its own row; older files lack
            them.
        prices: what things cost; of several benchmarks only if all have the same.
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
    prices: PriceSheet | None = None
    settings: dict[str, str] = field(default_factory=dict, hash=False)

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
        prices = infos[0].prices if all(info.prices == infos[0].prices for info in infos) else None
        return replace(infos[0], **texts, reported=reported, references=None, trials=(), settings={}, prices=prices)


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
        benchmark = {key: value for key, value in asdict(self.benchmark).items() if key not in ("trials", "settings")}
        return {
            "format": 1,
            "benchmark": benchmark,
            "rows": [row.to_json() for row in self.rows],
            "notes": list(self.notes),
        }

    def without_times(self) -> Leaderboard:
        """The same leaderboard without what differs whenever the same trials run again."""
        nothing: dict[str, Any] = dict.fromkeys(TIMES)
        rows = (
            replace(row, **nothing, per_seed=tuple(replace(one, **nothing) for one in row.per_seed))
            for row in self.rows
        )
        return replace(self, rows=tuple(rows))

    def frame(self) -> pd.DataFrame:
        """The rows as a table with one column per key, without ``per_seed``; flags are joined by ``;``."""
        import pandas as pd

        columns = list(keys_of(Row))
        frame = pd.DataFrame([[getattr(row, column) for column in columns] for row in self.rows], columns=columns)
        frame["flags"] = [";".join(row.flags) for row in self.rows]
        for name in asked_metrics(self.rows):
            frame[name] = [row.metrics.get(name) for row in self.rows]
            if any(name in row.intervals for row in self.rows):
                frame[f"{name}{CI}"] = [row.interval(name) for row in self.rows]
        for name in self.reported_names():
            frame[f"reported_{name}"] = [row.reported_metrics.get(name) for row in self.rows]
        return frame

    def sorted_by(self, key: str) -> Leaderboard:
        """The same rows, sorted by another key within each victim and budget; the best first, unknown ones last.

        Raises:
            KeyError: rows have no such key, or it has no order.
        """
        asked = key in asked_metrics(self.rows)
        if not (asked or key in keys_of(Row)):
            raise KeyError(key)
        last_first = key == "seeds" or ((asked or key in numbers()) and number(key).better == "higher")
        values: list[Any] = [row.number(key) for row in self.rows]
        pairs = [(value, row) for value, row in zip(values, self.rows, strict=True) if value is not None]
        known = [row for _, row in sorted(pairs, key=lambda pair: pair[0], reverse=last_first)]
        unknown = [row for value, row in zip(values, self.rows, strict=True) if value is None]
        return replace(self, rows=tuple(sorted([*known, *unknown], key=section_key)))

    def reported_names(self) -> list[str]:
        """The keys of what the paper reports besides accuracy and fidelity for any row, in the order of tables."""
        reported = (*(one.metrics for one in self.benchmark.reported), *(row.reported_metrics for row in self.rows))
        return in_order(name for each in reported for name in each)

    def unmatched_reported(self) -> list[Reported]:
        """The paper's numbers that no row stands beside."""
        return [number for number in self.benchmark.reported if not any(number.is_for(row) for row in self.rows)]


def section_key(row: Row) -> tuple[str, str, str, int, bool]:
    """Rows of one victim and budget stand together; references before attacks, unknown victims last."""
    return (row.victim, row.victim_hash or "~", row.data_hash or "", row.budget, row.kind != "reference")


def default_order(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Sort by victim and budget, then by what may be ranked together, then accuracy, best first; names settle ties."""
    best: dict[str, float] = {}
    for row in rows:
        if row.kind == "attack" and row.accuracy is not None:
            best[row.key] = max(row.accuracy, best.get(row.key, 0.0))
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                *section_key(row),
                -best.get(row.key, -1.0),
                row.key if row.kind == "attack" else "",
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
