"""Attacks with their recoveries (columns) before channels behind defences (lines), by fidelity.

A *unit* is a victim's weights and a seed: all cells of a unit share victim, initial clone and, where attacks do not
react, queries, so that differences between cells are paired by unit. Where there are several victims, the mean over the
seeds of each is one value of the statistics, for seeds before one victim do not tell how others would fare.

The *worst case* of a line is what the best of all its attackers gets. Which one that is, is chosen on the other units
(other victims, where there are several): chosen on the unit itself, the luckiest would win, and every defence would
look worse than it is.
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mebench.results.leaderboard.model import Row
from mebench.results.stats import half_width

NAIVE = "none"
ANY = "all of them"
METRIC = "fidelity"
Unit = tuple[str, int]
"""Digest of the victim's weights, and seed."""
Values = Mapping[Unit, float]


@dataclass(frozen=True)
class Estimate:
    """A mean over victims, or over seeds where there is one victim.

    Attributes:
        mean: as a fraction.
        half: half width of its 95 % interval; None where one value alone tells nothing.
        values: how many it is of.
    """

    mean: float
    half: float | None
    values: int


@dataclass(frozen=True)
class Column:
    """An attacker: an attack with its recovery.

    Attributes:
        attack: with its own variant.
        recovery: ``none`` for the naive attacker.
    """

    attack: str
    recovery: str

    @property
    def name(self) -> str:
        """As tables show it."""
        return self.attack if self.recovery == NAIVE else f"{self.attack}, {self.recovery}"


@dataclass(frozen=True)
class Line:
    """A channel behind its defences.

    Attributes:
        service: the channel.
        defence: ``none``, or the defences in their order.
        cells: what each attacker gets, by unit.
        costs: what honest users pay: means over units of the numbers of the metric ``utility``, by their key.
        white_box: attackers that are told what no attacker knows; shown, and never the worst case.
    """

    service: str
    defence: str
    cells: Mapping[Column, Values]
    costs: Mapping[str, float]
    white_box: frozenset[Column] = frozenset()

    @property
    def name(self) -> str:
        """As tables show it."""
        return self.service if self.defence == NAIVE else f"{self.service}, {self.defence}"

    @property
    def units(self) -> list[Unit]:
        """The units in which every attacker has a value."""
        known = [set(values) for values in self.cells.values()]
        return sorted(set.intersection(*known)) if known else []

    def worst(self, among: Callable[[Column], bool] = lambda column: True) -> Values:
        """What the best attacker of some gets, by unit; which one that is, is chosen on the other units."""
        columns = [column for column in self.cells if among(column) and column not in self.white_box]
        if not columns:
            return {}
        several = len({victim for victim, _ in self.units}) > 1
        found = {}
        for unit in self.units:
            others = [one for one in self.units if (one[0] != unit[0] if several else one != unit)] or [unit]
            best = max(columns, key=lambda column: statistics.fmean(self.cells[column][one] for one in others))
            found[unit] = self.cells[best][unit]
        return found

    @cached_property
    def worst_case(self) -> Values:
        """Of all attackers."""
        return self.worst()

    @cached_property
    def naive(self) -> Values:
        """Of the attackers that take answers as they come."""
        return self.worst(lambda column: column.recovery == NAIVE)

    def strongest(self) -> Column | None:
        """The attacker with the highest mean over all units."""
        columns = [column for column in self.cells if column not in self.white_box]
        return max(
            columns, key=lambda column: statistics.fmean(self.cells[column][one] for one in self.units), default=None
        )


@dataclass(frozen=True)
class Matrix:
    """All lines that were attacked in one way.

    Attributes:
        context: what they share, in words.
        columns: the attackers.
        lines: the undefended ones first.
        incomplete: lines that are left out, since an attacker has no value there.
    """

    context: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    incomplete: tuple[str, ...] = field(default=())

    def undefended(self, line: Line) -> Line | None:
        """The same channel without defences."""
        return next((one for one in self.lines if (one.service, one.defence) == (line.service, NAIVE)), None)

    @property
    def labels_alone(self) -> Line | None:
        """The channel that tells labels alone: what no defence that keeps the label can go below."""
        return next((one for one in self.lines if (one.service, one.defence) == ("label", NAIVE)), None)

    @cached_property
    def volumes(self) -> list[Volume]:
        """Of each defence, and of all together: (mean benign L1, worst case) against (2, the worst case undefended)."""
        points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for line in self.lines:
            worst, cost = estimate(line.worst_case), line.costs.get("benign_l1")
            if line.defence != NAIVE and worst is not None and cost is not None:
                for name in (without_parameters(line.defence), ANY):
                    points[line.service, name].append((cost, worst.mean))
        found = []
        for (service, name), of_defence in points.items():
            base = next((one for one in self.lines if (one.service, one.defence) == (service, NAIVE)), None)
            reference = estimate(base.worst_case) if base else None
            if reference is not None:
                found.append(Volume(service, name, len(of_defence), hypervolume(of_defence, (2.0, reference.mean))))
        return sorted(found, key=lambda one: (one.service, one.defence == ANY, -one.value, one.defence))

    def gain(self, line: Line) -> Estimate | None:
        """How much less the best attacker gets than without defences."""
        base = self.undefended(line)
        return None if base is None or base is line else difference(base.worst_case, line.worst_case)

    def adaptive_gap(self, line: Line) -> Estimate | None:
        """How much more the best attacker gets than the best naive one."""
        return difference(line.worst_case, line.naive) if line.naive else None

    def above_labels(self, line: Line) -> Estimate | None:
        """How much more the best attacker gets than the best one gets from labels alone."""
        base = self.labels_alone
        return None if base is None or base is line else difference(line.worst_case, base.worst_case)


@dataclass(frozen=True)
class Volume:
    """What the operating points of a defence cover between them.

    Attributes:
        service: the channel.
        defence: without its parameters; `ANY` for all defences of the channel together.
        points: how many lines it is of.
        value: see `hypervolume`, with the distances and worst cases of the lines.
    """

    service: str
    defence: str
    points: int
    value: float


def hypervolume(points: Sequence[tuple[float, float]], reference: tuple[float, float]) -> float:
    """Return the area of all that is no better than one of the points in both, up to the reference (Zitzler 1998).

    Args:
        points: (cost, fidelity), the less the better.
        reference: the worst of both; what is not below it covers nothing.
    """
    area, lowest = 0.0, reference[1]
    for cost, fidelity in sorted(points):
        if cost < reference[0] and fidelity < lowest:
            area += (reference[0] - cost) * (lowest - fidelity)
            lowest = fidelity
    return area


def without_parameters(defence: str) -> str:
    """A chain of defences by their names alone: its operating points share it."""
    return re.sub(r"\([^()]*\)", "", defence)


def estimate(values: Values) -> Estimate | None:
    """The mean over victims with its interval; over seeds where there is one victim; None of nothing."""
    victims: dict[str, list[float]] = defaultdict(list)
    for (victim, _), value in values.items():
        victims[victim].append(value)
    if not victims:
        return None
    blocks = [statistics.fmean(one) for one in victims.values()] if len(victims) > 1 else list(values.values())
    return Estimate(statistics.fmean(blocks), half_width(blocks), len(blocks))


def difference(first: Values, second: Values) -> Estimate | None:
    """The mean of first - second, paired by unit."""
    return estimate({unit: first[unit] - second[unit] for unit in first if unit in second})


def matrices(rows: Sequence[Row]) -> list[Matrix]:
    """Put the rows of a leaderboard together as matrices: one for each budget, clone, pool and track.

    Victims of all names and weights are units of one matrix, as far as they are attacked in the same way.
    """
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.kind == "attack" and row.victim_hash:
            groups[row.budget, row.clone, row.data_prior, row.pool or "", row.track, row.protocol].append(row)
    found = [_matrix(members) for members in groups.values()]
    return sorted(found, key=lambda one: one.context)


def _matrix(rows: Sequence[Row]) -> Matrix:
    cells: dict[tuple[str, str], dict[Column, dict[Unit, float]]] = defaultdict(lambda: defaultdict(dict))
    costs: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    told: dict[tuple[str, str], set[Column]] = defaultdict(set)
    for row in rows:
        place, column = (row.service, row.defence), column_of(row)
        if "white-box" in row.flags:
            told[place].add(column)
        for one in row.per_seed:
            if (value := one.number(METRIC)) is not None:
                cells[place][column][row.victim_hash or "", one.seed] = value
        for key, cost in _costs_of(row).items():
            costs[place][key].append(cost)
    columns = tuple(dict.fromkeys(column for of_line in cells.values() for column in of_line))
    lines = [
        Line(
            *place, of_line, {key: statistics.fmean(all_) for key, all_ in costs[place].items()}, frozenset(told[place])
        )
        for place, of_line in cells.items()
    ]
    whole = [line for line in lines if line.units]
    whole.sort(key=lambda line: (line.defence != NAIVE, line.service, line.defence))
    columns = tuple(sorted(columns, key=lambda one: (one.attack, one.recovery != NAIVE, one.recovery)))
    missing = tuple(line.name for line in lines if not line.units)
    return Matrix(_context(rows), columns, tuple(whole), missing)


COSTS = ("protected_accuracy", "flips", "benign_l1", "benign_l1_max", "attack_l1", "alarms", "first_alarm")


def _costs_of(row: Row) -> dict[str, float]:
    """What honest users pay, as far as it was measured; before a victim without defences they get its own answers."""
    own = {"protected_accuracy": row.victim_accuracy, "flips": 0.0, "benign_l1": 0.0, "benign_l1_max": 0.0}
    found = {**(own if row.defence == NAIVE else {}), **row.metrics}
    return {key: value for key in COSTS if (value := found.get(key)) is not None}


def column_of(row: Row) -> Column:
    """The attack of a row with its own variant, and its recovery."""
    variant = row.variant
    if row.recovery != NAIVE:
        first = re.escape(row.recovery.partition(" > ")[0].partition("(")[0])
        variant = re.sub(rf"(^|,){first}(\(.*|\+.*)?$", "", variant) or "default"
    return Column(row.attack if variant == "default" else f"{row.attack} {variant}", row.recovery)


def _context(rows: Sequence[Row]) -> str:
    first = rows[0]
    victims = sorted({row.victim for row in rows})
    pool = f", pool {first.pool}" if first.pool else ""
    track = f", {first.track} learner" if first.track != "native" else ""
    attacks = {column_of(row).attack for row in rows}
    alone = f"; {attacks.pop()}" if len(attacks) == 1 else ""
    return f"{', '.join(victims)}; {first.budget:,} queries, clone {first.clone}{pool}{track}{alone}"
