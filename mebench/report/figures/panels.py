"""What a figure shows: one panel per victim and budget, one line per row of the leaderboard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

from mebench.api.errors import ResultsError
from mebench.api.plurals import counted
from mebench.report.figures.styles import Numbers, Style, identity, styles
from mebench.results.curves import Band, Curve, CurveMetric, band
from mebench.results.leaderboard.compute.build import build_leaderboard, group_trials
from mebench.results.leaderboard.compute.rows import Group, build_row
from mebench.results.leaderboard.model import Row
from mebench.results.leaderboard.read.saved import holds_trials
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.leaderboard.write.columns import distinct_names
from mebench.results.numbers import SCORES, in_order, of_victim


@dataclass(frozen=True)
class Line:
    """One attack's curve.

    Attributes:
        label: unique in its panel.
        style: the same whatever metric is drawn.
        end: its last value, as the leaderboard has it.
    """

    attack: str
    label: str
    style: Style
    band: Band
    end: float


@dataclass(frozen=True)
class Panel:
    """All attacks on one victim at one budget.

    Attributes:
        title: victim and budget.
        victim: what the victim scores: its accuracy, or 1 for fidelity; None where it has no such value.
        supervised: what the supervised bound scores, by clone network.
        lines: the highest end first.
    """

    title: str
    victim: float | None
    supervised: dict[str, float]
    lines: tuple[Line, ...]


Member = tuple[Row, Group]
Rest = TypeVar("Rest")
"""What stands beside a row: its trials or its curves."""
Curved = tuple[Row, tuple[Curve, ...]]
PanelKey = tuple[str, str, str, int]
"""Victim, digests of its weights and of its test data, and budget."""


def read_panels(roots: Sequence[Path], metric: str = "accuracy") -> tuple[list[Panel], list[str]]:
    """Read the curves of results folders or committed rows; invalid rows are left out. Also returns notes.

    Raises:
        ResultsError: a root holds no results, or there is no finished trial with a curve.
    """
    board = build_leaderboard(roots)
    valid = [row for row in board.rows if row.accuracy is not None]
    notes = [*board.notes, *_without_score(board.rows)]
    attacks = by_panel([(row, tuple(one.curve for one in row.per_seed)) for row in valid], roots)
    looks = styles([row for members in attacks.values() for row, _ in members])
    panels = []
    for key, members in sorted(attacks.items()):
        lines = _lines(members, looks, metric)
        notes += [f"left out {name}: it has no {metric}" for name in _unseen(members, lines)]
        if not lines:
            continue
        victim = of_victim(members[0][0].victim_accuracy or 0.0)
        supervised = {
            row.clone: value
            for row in valid
            if metric in victim
            and (value := row.number(metric)) is not None
            and row.attack == "supervised"
            and (row.victim_hash, row.data_hash) == key[1:3]
        }
        panels.append(Panel(title(key, attacks), victim.get(metric), supervised, lines))
    if not panels:
        raise ResultsError(f"{', '.join(map(str, roots))}: no trial has {metric} in its curve; {_there_are(attacks)}")
    return panels, notes


def _without_score(rows: Sequence[Row]) -> list[str]:
    return [f"left out {row.name} on {row.victim}: {row.reason}" for row in rows if row.accuracy is None]


def valid_rows(roots: Sequence[Path]) -> tuple[list[Member], list[str]]:
    """Read the rows of results folders that have a score, and say which have none.

    Raises:
        ResultsError: a root is no results folder.
    """
    notes: list[str] = []
    for root in roots:
        if not holds_trials(root):
            raise ResultsError(f"{root}: holds no trials; this kind of figure can only be drawn from a results folder")
    rows = [(build_row(group), group) for group in group_trials(roots, notes)]
    notes += _without_score([row for row, _ in rows])
    return [(row, group) for row, group in rows if row.accuracy is not None], notes


def by_panel(rows: Sequence[tuple[Row, Rest]], roots: Sequence[Path]) -> dict[PanelKey, list[tuple[Row, Rest]]]:
    """The attacks among rows, by what they were up against.

    Raises:
        ResultsError: there is none.
    """
    attacks: dict[PanelKey, list[tuple[Row, Rest]]] = defaultdict(list)
    for row, rest in rows:
        if row.kind == "attack":
            attacks[row.victim, row.victim_hash or "", row.data_hash or "", row.budget].append((row, rest))
    if not attacks:
        raise ResultsError(f"{', '.join(map(str, roots))}: no finished trial with a curve to draw")
    return attacks


def ranked_trials(
    rows: Sequence[Member], roots: Sequence[Path]
) -> Iterator[tuple[str, list[tuple[str, list[TrialRecord]]]]]:
    """Yield the title of each panel with its rows, the best first: their names, and the trials that they are of.

    Raises:
        ResultsError: there is no attack among the rows.
    """
    panels = by_panel(rows, roots)
    for key, members in sorted(panels.items()):
        members = sorted(members, key=lambda member: -(member[0].accuracy or 0.0))
        names = distinct_names([row for row, _ in members])
        yield title(key, panels), list(zip(names, map(scored_trials, members), strict=True))


def scored_trials(member: Member) -> list[TrialRecord]:
    """The trials that a row's numbers are of, one per seed."""
    row, group = member
    used = {one.trial for one in row.per_seed}
    return [trial for trial in group.trials if trial.id in used]


def title(key: PanelKey, among: Collection[PanelKey]) -> str:
    """Victim and budget; with the digest of the weights where victims of one name differ."""
    several = len({one[:3] for one in among}) > len({one[0] for one in among})
    return f"{key[0]}{f' {key[1][:8]}' if several else ''}, {counted(key[3], 'query')}"


def _unseen(members: Sequence[Curved], lines: Sequence[Line]) -> list[str]:
    """The rows that made no line."""
    drawn = {line.label for line in lines}
    return [name for name in distinct_names([row for row, _ in members]) if name not in drawn]


def _there_are(attacks: Mapping[PanelKey, Sequence[Curved]]) -> str:
    """The names that can be drawn, where only trials that were run again have what was asked for."""
    curves = [curve for members in attacks.values() for _, curves in members for curve in curves]
    if not any(curves):
        return "rows that were committed by an older mebench have no curves"
    usual = [str(name) for name in get_args(CurveMetric)]
    names = [*usual, *in_order({name for curve in curves for name in curve.columns} - {*usual, "test_inputs"})]
    return f"there are {', '.join(name for name in names if any(curve.points(name) for curve in curves))}"


def _lines(members: Sequence[Curved], looks: Numbers, metric: str) -> tuple[Line, ...]:
    labels = distinct_names([row for row, _ in members])
    lines = []
    for (row, curves), label in zip(members, labels, strict=True):
        over_seeds = band(curves, metric)
        if over_seeds is not None:
            said = (
                row.number(metric) if metric in SCORES else None
            )  # means that are summed in another way round otherwise
            end = float(over_seeds.mean[-1]) if said is None else said
            lines.append(Line(row.attack, label, looks[identity(row)], over_seeds, end))
    return tuple(sorted(lines, key=lambda line: -line.band.mean[-1]))
