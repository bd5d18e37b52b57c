"""What stands in the braces of docs/numbers: a small language over committed rows.

=============================  =======================================================================================
``megex/l1``                   accuracy of a row: ATTACK/VARIANT/VICTIM/CHANNEL/BUDGET/CLONE/POOL, with wildcards, from
                               the left as far as it needs. Where it means rows before several victims: over victims
``megex/l1 #0``                of seed 0 alone
``megex/l1 : auc``             any other number of the row
``megex/l1 - dfme/l1``         difference, paired by seed and victim: the paired t interval, and its floor by the test
                               set. Of ``normalised_accuracy``: percent, over victims, as `leaderboard --pairs` has it
``megex/l1 - 92.3``            the same beside a number that stands still, such as the paper's
``lowest of``, ``highest of``  the lowest of the seeds of any of these; and the highest
``spread of``, ``half of``     highest - lowest; half the width of the 95 % interval
``p of A - B``                 of the paired test, after Holm's correction over all pairs that are ranked together
``found of ROW``               the smallest true difference of accuracy, in points, that the seeds of a row and of those
                               ranked with it find in four cases of five; ``needed of ROW``: seeds that find two points
``effective of ROW``           effective classes of ten, by the entropy of the labels that were answered
``worst of LINE``              of a line of `mebench matrix`, by its name with wildcards. So are ``naive``, ``gap``,
                               ``gain``, ``above-labels``, ``below-labels``, and ``cost`` with a metric
``worst of LINE @ MATRIX``     the same where there are several matrices: by what stands above the one that is meant
=============================  =======================================================================================

Fractions are in percent where the metric's card says so.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import isnan

from mebench.results.leaderboard.compute.pairs import over_victims, paired_differences
from mebench.results.leaderboard.compute.power import Power, powers
from mebench.results.leaderboard.compute.ranks import Pairs, compare_all, errors_of, values_of
from mebench.results.leaderboard.model import Row
from mebench.results.leaderboard.write.differences import WANTED
from mebench.results.matrix import Line, Matrix, matrices
from mebench.results.matrix.compute import Estimate, Unit, difference, estimate
from mebench.results.numbers import number

ONE = r"[+-]?\d[\d,]*(?:\.\d+)?"
CLASSES = 10
"""Of every victim whose label entropy a page speaks of."""


class ClaimError(Exception):
    """A claim that cannot be held against rows."""


@dataclass(frozen=True)
class Found:
    """What rows say.

    Attributes:
        mean: in the unit of the page.
        half: half width of the 95 % interval; None where there is none.
        seeds: the value of each, in their order; of each victim and seed where there are several victims.
        p: after Holm's correction, of a difference between rows that are ranked together; None of all else.
    """

    mean: float
    half: float | None = None
    seeds: tuple[float, ...] = ()
    p: float | None = None

    def times(self, scale: float) -> Found:
        """The same in another unit."""
        half = None if self.half is None else scale * self.half
        return replace(self, mean=scale * self.mean, half=half, seeds=tuple(scale * one for one in self.seeds))


OF_FOUND: dict[str, Callable[[Found], float | None]] = {
    "lowest": lambda found: min(found.seeds, default=None),
    "highest": lambda found: max(found.seeds, default=None),
    "spread": lambda found: max(found.seeds) - min(found.seeds) if found.seeds else None,
    "half": lambda found: found.half,
    "p": lambda found: found.p,
    "effective": lambda found: CLASSES**found.mean,
}
OF_LINE: dict[str, Callable[[Matrix, Line], Estimate | None]] = {  # fractions
    "worst": lambda matrix, line: estimate(line.worst_case),
    "naive": lambda matrix, line: estimate(line.naive),
    "gap": lambda matrix, line: matrix.adaptive_gap(line),
    "gain": lambda matrix, line: matrix.gain(line),
    "above-labels": lambda matrix, line: matrix.above_labels(line),
    "below-labels": lambda matrix, line: (
        difference(matrix.labels_alone.worst_case, line.worst_case) if matrix.labels_alone else None
    ),
}
OF_POWER: dict[str, Callable[[Power], float | None]] = {
    "found": lambda power: 100 * power.found,
    "needed": lambda power: power.needed,
}
METRIC_OF = {"effective": "query_label_entropy"}


def value(expression: str, rows: Sequence[Row]) -> Found:
    """Compute an expression.

    Raises:
        ClaimError: no row, or more than one, has such a name, or rows do not hold the number.
    """
    function, _, rest = expression.rpartition(" of ")
    names, _, metric = (part.strip() for part in rest.partition(" : "))
    if function in OF_LINE or function == "cost":
        return _of_line(function, names, metric, rows)
    if function in OF_POWER:
        return _of_power(function, names, rows)
    if function and function not in OF_FOUND:
        raise ClaimError(f"there is no {function!r}: {', '.join([*OF_FOUND, *OF_POWER, *OF_LINE, 'cost'])}")
    found = _of_rows(names, metric or METRIC_OF.get(function, "accuracy"), rows)
    if not function:
        return found
    told = OF_FOUND[function](found)
    if told is None:
        raise ClaimError("rows do not tell")
    return Found(told)


def as_written(found: Found, like: str) -> str:
    """Write what rows say in the manner of a text: with its signs, its decimals, its interval, or its seeds."""
    if "±" in like:
        mean, half = re.split(r"\s+±\s+", like)
        if found.half is None:
            raise ClaimError("rows have no interval")
        return f"{_like(found.mean, mean)} ± {_like(found.half, half)}"
    listed = re.findall(ONE, like) if re.search(r",\s|\sand\s", like) else []
    if not listed:
        return _like(found.mean, like)
    if len(listed) != len(found.seeds):
        return ", ".join(_like(one, listed[0]) for one in found.seeds)
    values = (_like(one, text) for one, text in zip(found.seeds, listed, strict=True))
    return re.sub(ONE, lambda _: next(values), like)


def _like(amount: float, text: str) -> str:
    decimals = len(text.partition(".")[2])
    sign = "+" if text.startswith("+") or (text.startswith("-") and amount >= 0) else ""
    written = f"{amount:{sign},.{decimals}f}"
    return written.replace("-", "", 1) if float(written.replace(",", "")) == 0 and not sign else written


def _of_line(function: str, name: str, metric: str, rows: Sequence[Row]) -> Found:
    name, _, context = name.partition(" @ ")
    meant = [matrix for matrix in matrices(rows) if fnmatchcase(matrix.context, context or "*")]
    found = [(matrix, line) for matrix in meant for line in matrix.lines if fnmatchcase(line.name, name)]
    if len(found) != 1:
        raise ClaimError(f"{name}: {len(found)} lines: {', '.join(line.name for _, line in found)}")
    if function == "cost":
        if metric not in found[0][1].costs:
            raise ClaimError(f"{name}: the matrix has no {metric or 'cost without a metric'}")
        return Found(found[0][1].costs[metric]).times(_scale(metric))
    told = OF_LINE[function](*found[0])
    if told is None:
        raise ClaimError(f"{name}: the matrix has no {function}")
    return Found(told.mean, told.half).times(100.0)


def _of_power(function: str, name: str, rows: Sequence[Row]) -> Found:
    (row, *others) = _rows(name, rows)
    together = [one for one in rows if one.key == row.key]
    found = powers(paired_differences(together), WANTED)
    told = OF_POWER[function](found[0]) if len(found) == 1 and not others else None
    if told is None:
        raise ClaimError(f"{name}: rows do not tell what their seeds can find")
    return Found(told)


def _scale(metric: str) -> float:
    return 100.0 if number(metric).in_percent else 1.0


def _of_rows(names: str, metric: str, rows: Sequence[Row]) -> Found:
    sides = [name.strip() for name in names.split(" - ")]
    scale = _scale(metric)
    if len(sides) == 1:
        return _alone(_rows(sides[0], rows), metric).times(scale)
    if len(sides) > 2:
        raise ClaimError("one difference at most")
    if re.fullmatch(ONE, sides[1]):
        return _beside(_alone(_rows(sides[0], rows), metric).times(scale), float(sides[1]))
    if re.fullmatch(ONE, sides[0]):
        return _beside(_alone(_rows(sides[1], rows), metric).times(-scale), -float(sides[0]))
    return _difference(_rows(sides[0], rows), _rows(sides[1], rows), metric, rows).times(scale)


def _beside(found: Found, still: float) -> Found:
    half = None if found.half is None else abs(found.half)
    return Found(found.mean - still, half, tuple(one - still for one in found.seeds))


def _rows(name: str, rows: Sequence[Row]) -> list[Row]:
    wanted, _, seed = name.partition(" #")
    parts = wanted.split("/")
    found = [row for row in rows if all(map(fnmatchcase, names_of(row), parts))]
    if not found:
        raise ClaimError(f"{name}: no row")
    if len({row.victim_hash for row in found}) < len(found):
        raise ClaimError(f"{name}: several rows: {'; '.join('/'.join(names_of(row)) for row in found)}")
    return [_of_seed(row, int(seed)) for row in found] if seed else found


def names_of(row: Row) -> list[str]:
    """What an expression names a row by."""
    return [row.attack, row.variant, row.victim, row.channel, str(row.budget), row.clone, row.pool or ""]


def _of_seed(row: Row, seed: int) -> Row:
    kept = tuple(one for one in row.per_seed if one.seed == seed)
    if not kept:
        raise ClaimError(f"{row.name}: no seed {seed}")
    return replace(row, per_seed=kept)


def _alone(rows: Sequence[Row], metric: str) -> Found:
    values = _units(rows, metric)
    seeds = tuple(values.values())
    if len(rows) > 1 and values:
        over = estimate(values)
        mean, half = (over.mean, over.half) if over else (None, None)
    elif len(rows) > 1:  # references, which have no seeds
        of_rows = [one for row in rows if (one := row.number(metric)) is not None]
        mean, half = (statistics.fmean(of_rows) if len(of_rows) == len(rows) else None), None
    elif len(rows[0].per_seed) == 1:
        mean, half = (seeds[0] if seeds else None), None
    else:
        mean, half = rows[0].number(metric), rows[0].interval(metric)
        if mean is None and seeds and len(seeds) == len(rows[0].per_seed):
            mean = statistics.fmean(seeds)
    if mean is None:
        raise ClaimError(f"{rows[0].name}: no {metric}")
    return Found(mean, half, seeds)


def _difference(first: Sequence[Row], second: Sequence[Row], metric: str, rows: Sequence[Row]) -> Found:
    if metric == "normalised_accuracy":
        return _over_victims(first[0], second[0], rows)
    ours, theirs = _units(first, metric), _units(second, metric)
    paired = {unit: ours[unit] - theirs[unit] for unit in ours if unit in theirs}
    over = estimate(paired)
    if over is None:
        raise ClaimError(f"{first[0].name} - {second[0].name}: no common seed and victim with {metric}")
    if len(first) > 1 or len(second) > 1:
        return Found(over.mean, over.half, tuple(paired.values()))
    pair = [first[0], second[0]]
    tested = compare_all(values_of(pair, metric), errors_of(pair, metric))
    half = float(tested.half_width[0])
    return Found(
        over.mean, None if isnan(half) else half, tuple(paired.values()), _holm(pair[0], pair[1], metric, rows)
    )


def _holm(first: Row, second: Row, metric: str, rows: Sequence[Row]) -> float | None:
    members = [row for row in rows if row.key == first.key and row.kind == "attack" and row.accuracy is not None]
    if first not in members or second not in members:
        return None
    pairs: Pairs = compare_all(values_of(members, metric), errors_of(members, metric))
    wanted = {members.index(first), members.index(second)}
    for one, other, p in zip(pairs.first, pairs.second, pairs.corrected, strict=True):
        if {int(one), int(other)} == wanted:
            return None if isnan(p) else float(p)
    return None


def _over_victims(first: Row, second: Row, rows: Sequence[Row]) -> Found:
    alike = [row for row in rows if row.channel == first.channel]
    for found in (one for overall in over_victims(alike) for one in overall.differences):
        if {found.first, found.second} == {first.name, second.name}:
            half = None if found.high is None else found.high - found.difference
            sign = 1 if found.first == first.name else -1
            return Found(sign * found.difference, half, p=found.corrected).times(100.0)
    raise ClaimError(f"{first.name} - {second.name}: not before several victims in the same way")


def _units(rows: Sequence[Row], metric: str) -> dict[Unit, float]:
    return {
        (row.victim_hash or "", one.seed): found
        for row in rows
        for one in row.per_seed
        if (found := one.number(metric)) is not None
    }
