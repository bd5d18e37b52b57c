"""What each detector saw of each attack, and of honest clients, from the rows of a leaderboard."""

from __future__ import annotations

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mebench.results.detection import exact_interval, kaplan_meier, upper_limit
from mebench.results.leaderboard.model import Row, SeedResult
from mebench.results.leaderboard.read.watched import COUNTS
from mebench.results.stats import Interval

_PARAMETERS = re.compile(r"([\w-]+)\(([^()]*)\)")
"""``name(first=1,second=2)``."""
_CLIENTS = re.compile(r"(^|[ ,])clients=\d+")


@dataclass(frozen=True)
class Attacked:
    """Attacks of one kind, which a detector watched.

    Attributes:
        attack: with its variant, less the clients.
        service: what answered, with its defences.
        pool: that was asked; empty without.
        budget: queries of an attack.
        clients: over how many it was spread.
    """

    attack: str
    service: str
    pool: str
    budget: int
    clients: int

    def named(self, *, budget: bool = True) -> str:
        """As tables show it, with or without its budget."""
        queries = f", {self.budget:,} queries" if budget else ""
        several = f", {self.clients} clients" if self.clients > 1 else ""
        return f"{self.attack}{self.pool and f', pool {self.pool}'} ({self.service}{queries}{several})"


@dataclass
class Noticed:
    """Of how many trials a detector was alarmed, and when.

    Attributes:
        alarms: of each trial, the queries of the attack until the first alarm, or None.
        lengths: queries of each trial.
        fidelities: of the clone at the alarm, where there was an evaluation before it.
    """

    alarms: list[int | None] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    fidelities: list[float] = field(default_factory=list)

    @property
    def trials(self) -> int:
        """How many there are."""
        return len(self.alarms)

    @property
    def count(self) -> int:
        """Of how many it was alarmed."""
        return sum(alarm is not None for alarm in self.alarms)

    @property
    def interval(self) -> Interval:
        """The exact 95 % interval of the share, if trials are independent."""
        return exact_interval(self.count, self.trials)

    @property
    def median(self) -> int | None:
        """Queries after which half of the attacks are noticed; None where half never are."""
        return kaplan_meier(self.alarms, self.lengths).median

    @property
    def fidelity(self) -> float | None:
        """Mean fidelity that was reached at the alarm; None where it is not known of any."""
        return statistics.fmean(self.fidelities) if self.fidelities else None


@dataclass
class Honest:
    """Streams of honest clients of one kind.

    Attributes:
        streams: that were watched, before all victims.
        alarms: that they raised.
        watched: queries until then.
        distinct: different ones among them: before all victims with the same test data they are the same.
    """

    streams: int = 0
    alarms: int = 0
    watched: int = 0
    distinct: int = 0

    @property
    def limit(self) -> float:
        """The exact one-sided 95 % limit of the share that raises an alarm, if distinct streams are independent.

        Of the distinct ones as many are taken to have raised one as before the average victim, rounded up.
        """
        if not self.streams:
            return 1.0
        return upper_limit(math.ceil(self.alarms * self.distinct / self.streams - 1e-9), self.distinct)

    @property
    def per_thousand(self) -> float:
        """Alarms per 1,000 queries."""
        return 1000 * self.alarms / self.watched if self.watched else 0.0


@dataclass(frozen=True)
class Watch:
    """All that detectors saw.

    Attributes:
        detectors: their labels, in the order in which they were met.
        noticed: by attack and detector; what is of one attack stands together.
        honest: by detector and kind of honest client; summed over victims.
    """

    detectors: tuple[str, ...]
    noticed: Mapping[Attacked, Mapping[str, Noticed]]
    honest: Mapping[str, Mapping[str, Honest]]

    def sybils(self, one: Attacked, detector: str) -> int | None:
        """The fewest of the tried numbers of clients at which the detector misses at least half of the attacks.

        None where it notices more than half whatever the number.
        """
        same = [other for other in self.noticed if _alike(other, one) and detector in self.noticed[other]]
        for other in sorted(same, key=lambda each: each.clients):
            found = self.noticed[other][detector]
            if found.count < found.trials / 2:
                return other.clients
        return None

    def tried(self, one: Attacked) -> list[int]:
        """The numbers of clients over which an attack was spread."""
        return sorted({other.clients for other in self.noticed if _alike(other, one)})


def short_names(detectors: Sequence[str]) -> dict[str, str]:
    """Detectors without their parameters, where these do not tell two of them apart."""
    bare = [name.partition("(")[0] for name in detectors]
    return {name: short if bare.count(short) == 1 else name for name, short in zip(detectors, bare, strict=True)}


def short_attacks(attacks: Iterable[Attacked]) -> dict[Attacked, str]:
    """Names of attacks without what all have: the budget, and parameters of a pool, a channel or a recovery."""
    attacks = list(attacks)
    several = len({one.budget for one in attacks}) > 1
    names = {one: one.named(budget=several) for one in attacks}
    shared = _shared_parameters(names.values())

    def less(found: re.Match[str]) -> str:
        own = [one for one in found[2].split(",") if one not in shared[found[1]]]
        return f"{found[1]}({','.join(own)})" if own else found[1]

    return {one: _PARAMETERS.sub(less, name) for one, name in names.items()}


def _shared_parameters(texts: Iterable[str]) -> dict[str, set[str]]:
    """The parameters that each name has wherever it stands with some."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for name, told in _PARAMETERS.findall(text):
            found[name] = found.get(name, set(told.split(","))) & set(told.split(","))
    return found


def _alike(one: Attacked, other: Attacked) -> bool:
    return (one.attack, one.service, one.pool, one.budget) == (other.attack, other.service, other.pool, other.budget)


def watch_of(rows: Sequence[Row]) -> Watch:
    """Put together what the detectors of all rows saw."""
    labels: dict[str, None] = {}
    noticed: dict[Attacked, dict[str, Noticed]] = defaultdict(lambda: defaultdict(Noticed))
    honest: dict[str, dict[str, Honest]] = defaultdict(lambda: defaultdict(Honest))
    counted: set[tuple[str, str, str]] = set()
    distinct: dict[tuple[str, str, str], int] = defaultdict(int)
    for row, seed, told in _told(rows):
        label = str(told["detector"])
        labels[label] = None
        _note(noticed[attacked(row, int(told["clients"]))][label], seed, told)
        once = (row.victim_hash or "", label, str(sorted(told.get("honest", {}).items())))
        if once not in counted:
            counted.add(once)
            for kind, streams in told.get("honest", {}).items():
                for name in COUNTS:
                    setattr(honest[label][kind], name, getattr(honest[label][kind], name) + streams[name])
                of_data = (label, kind, row.data_hash or "")
                honest[label][kind].distinct += max(streams["streams"] - distinct[of_data], 0)
                distinct[of_data] = max(streams["streams"], distinct[of_data])
    return Watch(tuple(labels), _in_order(noticed), honest)


def _in_order(noticed: Mapping[Attacked, Mapping[str, Noticed]]) -> dict[Attacked, Mapping[str, Noticed]]:
    """Attacks as they are met, each with what answers it and the clients that it is spread over beside each other."""
    first = {one: place for place, one in reversed(list(enumerate((each.attack, each.pool) for each in noticed)))}

    def place(one: Attacked) -> tuple[int, str, int, int]:
        return first[one.attack, one.pool], one.service, one.budget, one.clients

    return {one: noticed[one] for one in sorted(noticed, key=place)}


def _told(rows: Iterable[Row]) -> Iterable[tuple[Row, SeedResult, Mapping[str, Any]]]:
    return ((row, seed, told) for row in rows for seed in row.per_seed for told in seed.detectors)


def _note(found: Noticed, seed: SeedResult, told: Mapping[str, Any]) -> None:
    found.alarms.append(told["first_alarm"])
    found.lengths.append(seed.queries)
    if told["fidelity_at_alarm"] is not None:
        found.fidelities.append(told["fidelity_at_alarm"])


def attacked(row: Row, clients: int) -> Attacked:
    """Which attack a row is of."""
    variant = _CLIENTS.sub("", row.variant).strip(",")
    name = row.attack if variant in ("", "default") else f"{row.attack} {variant}"
    return Attacked(name, row.channel, row.pool or "", row.budget, clients)
