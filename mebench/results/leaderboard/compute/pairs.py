"""Differences between attacks, paired by seed; and what attacks reach over several victims, paired by victim.

The seeds of an attack before one victim do not tell how it fares before others. Where there are several victims, a
victim is one value of the statistics, the mean over its seeds, so that intervals hold over victims like these.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from mebench.api.plurals import counted
from mebench.results.leaderboard.compute.ranks import ROUNDING, Pairs, compare_all, errors_of, values_of
from mebench.results.leaderboard.model import Row
from mebench.results.stats import LEVEL, half_width

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PairDifference:
    """Two attacks before the same victim with the same seeds, or before the same victims.

    Attributes:
        context: what both have in common.
        first, second: their names, the better one first.
        difference: mean of first - second, of accuracies as fractions (normalised ones over several victims).
        low, high: 95 % interval of it; not corrected. None with fewer than two pairs, and where they do not
            spread and the error of the test set is not known.
        pairs: how many pairs there are, of seeds before one victim, or of victims.
        p, corrected: of the paired test, and with Holm's correction over the pairs of this context; None where there
            is nothing to test by.
        apart: whether ``corrected`` is below 5 %.
        spread: standard deviation of the difference from pair to pair; None with fewer than two pairs.
        error: standard error of the difference by the size of the test sets alone; 0 where that is not known.
    """

    context: str
    first: str
    second: str
    difference: float
    low: float | None
    high: float | None
    pairs: int
    p: float | None
    corrected: float | None
    apart: bool
    spread: float | None = None
    error: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The difference as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Overall:
    """Attacks over several blocks: victims, or the seeds of one victim.

    Attributes:
        context: what all rows have in common.
        unit: what a block is.
        blocks: their names; each attack has a value in every one.
        names: of the attacks, the best mean rank first.
        normalised: mean normalised accuracy over blocks; before a victim, of the seeds that all attacks have, as in
            ranks and differences.
        half_widths: of its 95 % intervals over blocks; None with one block, and where they do not spread.
        mean_ranks: over blocks, 1 the best; equal values share the mean of their ranks.
        friedman: p value of Friedman's test that all attacks are alike; None for fewer than three attacks, and where
            the test set tells no two apart.
        critical_difference: by Nemenyi at 5 %: mean ranks that are nearer than this cannot be told apart.
        cliques: first and last index of attacks that cannot be told apart, by their ranks or since the test set is too
            small for the difference between their accuracies; largest runs only.
        differences: paired by block, of normalised accuracies.
        left_out: attacks without a value in some block.
    """

    context: str
    unit: Literal["victim", "seed"]
    blocks: tuple[str, ...]
    names: tuple[str, ...]
    normalised: tuple[float, ...]
    half_widths: tuple[float | None, ...]
    mean_ranks: tuple[float, ...]
    friedman: float | None
    critical_difference: float
    cliques: tuple[tuple[int, int], ...]
    differences: tuple[PairDifference, ...]
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The summary as plain JSON values."""
        return asdict(self)


def paired_differences(rows: Sequence[Row]) -> list[PairDifference]:
    """Compare every two attacks of the same key by the accuracies of their common seeds."""
    found: list[PairDifference] = []
    for members in _grouped(rows, lambda row: row.key).values():
        if len(members) > 1:
            context = f"{members[0].victim}, {counted(members[0].budget, 'query')}, {_context(members[0])}"
            found += _differences(context, _names(members), compare_all(values_of(members), errors_of(members)))
    return found


def over_victims(rows: Sequence[Row]) -> list[Overall]:
    """Summarise attacks over victims, wherever two or more victims were attacked in the same way by several."""
    return [one for one in _overall(rows) if one.unit == "victim"]


def over_blocks(rows: Sequence[Row]) -> list[Overall]:
    """Summarise attacks over victims, or over the seeds of a victim where there is only one."""
    return _overall(rows)


def _overall(rows: Sequence[Row]) -> list[Overall]:
    budgets: dict[tuple[Hashable, Hashable], set[int]] = defaultdict(set)
    for row in rows:
        budgets[_manner(row), _victim(row)].add(row.budget)
    several = {place[0] for place, found in budgets.items() if len(found) > 1}
    groups = _grouped(rows, lambda row: (_manner(row), row.budget if _manner(row) in several else None))
    summaries = []
    for members in groups.values():
        of_victim = _grouped(members, _victim)
        summary = _over_victims(of_victim) if len(of_victim) > 1 else _over_seeds(members)
        summaries += [summary] if summary else []
    return summaries


def _over_victims(of_victim: dict[Hashable, list[Row]]) -> Overall | None:
    import numpy as np

    blocks = list(of_victim.values())
    named = [dict(zip(_names(block), block, strict=True)) for block in blocks]
    names = [name for name in named[0] if all(name in block for block in named)]
    left_out = sorted({name for block in named for name in block} - set(names))
    if len(names) < 2:
        return None
    values, errors, sets = [], [], []
    data = [block[0].data_hash for block in blocks]
    for block, hashed in zip(named, data, strict=True):
        members, scale = [block[name] for name in names], block[names[0]].victim_accuracy or 1.0
        values.append(_over_common_seeds(values_of(members)) / scale)
        errors.append(errors_of(members) / scale)  # seeds share a test set, and so its error
        sets.append(data.index(hashed))
    titles = [f"{block[0].victim}, {counted(block[0].budget, 'query')}" for block in blocks]
    scores = np.hstack(values)
    pairs = compare_all(scores, np.hstack(errors), np.array(sets))
    return _summary("victim", _context(blocks[0][0]), titles, names, scores.T, pairs, left_out)


def _over_common_seeds(values: NDArray[Any]) -> NDArray[Any]:
    """Return (rows, 1) means of (rows, seeds) over the seeds that all rows have; over each row's own without any."""
    import numpy as np

    common = np.isfinite(values).all(0)
    means: NDArray[Any] = np.nanmean(values[:, common] if common.any() else values, axis=1, keepdims=True)
    return means


def _over_seeds(members: Sequence[Row]) -> Overall | None:
    import numpy as np

    names, values = _names(members), values_of(members)
    seeds = sorted({one.seed for row in members for one in row.per_seed})
    kept = np.isfinite(values).all(0)
    if len(names) < 2 or kept.sum() < 2:
        return None
    scale = members[0].victim_accuracy or 1.0
    titles = [f"seed {seed}" for seed, there in zip(seeds, kept, strict=True) if there]
    context = f"{members[0].victim}, {counted(members[0].budget, 'query')}, {_context(members[0])}"
    pairs = compare_all(values, errors_of(members))
    return _summary("seed", context, titles, names, values[:, kept].T / scale, pairs, [])


def _summary(
    unit: Literal["victim", "seed"],
    context: str,
    blocks: Sequence[str],
    names: Sequence[str],
    scores: NDArray[Any],
    pairs: Pairs,
    left_out: Sequence[str],
) -> Overall:
    """Rank attacks in every block.

    Args:
        scores: (blocks, attacks).
        pairs: of the attacks, by block.
    """
    import numpy as np
    from scipy import stats

    ranks = stats.rankdata(-scores, axis=1).mean(0)
    order = sorted(range(len(names)), key=lambda index: (ranks[index], names[index]))
    distance = nemenyi(len(names), len(blocks))
    placed = [float(ranks[index]) for index in order]
    near = np.eye(len(names), dtype=bool)
    near[pairs.first, pairs.second] = np.abs(pairs.difference) <= np.maximum(
        stats.norm.ppf(1 - LEVEL / 2) * pairs.error, ROUNDING
    )
    near = (near | near.T)[np.ix_(order, order)]
    told = len(names) > 2 and not near.all()
    friedman = float(stats.friedmanchisquare(*scores.T).pvalue) if told else None
    return Overall(
        *(context, unit, tuple(blocks), tuple(names[index] for index in order)),
        normalised=tuple(float(scores[:, index].mean()) for index in order),
        half_widths=tuple(half_width(scores[:, index].tolist()) for index in order),
        mean_ranks=tuple(placed),
        friedman=friedman,
        critical_difference=distance,
        cliques=tuple(cliques(placed, distance, near)),
        differences=tuple(_differences(context, names, pairs)),
        left_out=tuple(left_out),
    )


def nemenyi(attacks: int, blocks: int) -> float:
    """The distance of mean ranks from which on two attacks are apart at 5 % (Nemenyi 1963; Demsar 2006)."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - LEVEL, attacks, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(attacks * (attacks + 1) / (6 * blocks))


def cliques(ranks: Sequence[float], distance: float, near: NDArray[Any] | None = None) -> list[tuple[int, int]]:
    """The longest runs of ascending mean ranks in which no two are apart, as first and last index.

    Args:
        ranks: ascending.
        distance: the critical difference, from which on two are apart.
        near: (attacks, attacks) which pairs are not apart whatever their ranks, since the test set is too small.
    """

    def alike(one: int, other: int) -> bool:
        return ranks[other] - ranks[one] < distance or (near is not None and bool(near[one, other]))

    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = first
        while last + 1 < len(ranks) and all(alike(one, last + 1) for one in range(first, last + 1)):
            last += 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def _differences(context: str, names: Sequence[str], pairs: Pairs) -> list[PairDifference]:
    import numpy as np

    found = []
    for index, count in enumerate(pairs.seeds.tolist()):
        if not count:
            continue
        one, other = names[pairs.first[index]], names[pairs.second[index]]
        difference, half = float(pairs.difference[index]), float(pairs.half_width[index])
        if difference < 0:
            one, other, difference = other, one, -difference
        low, high, p, corrected, spread = (
            float(value) if np.isfinite(value) else None
            for value in (
                *(difference - half, difference + half, pairs.p[index], pairs.corrected[index], pairs.spread[index]),
            )
        )
        found.append(
            PairDifference(
                *(context, one, other, difference),
                low=low,
                high=high,
                pairs=count,
                p=p,
                corrected=corrected,
                apart=bool(pairs.corrected[index] < LEVEL),
                spread=spread,
                error=float(pairs.error[index]),
            )
        )
    return found


def _grouped(rows: Sequence[Row], key: Any) -> dict[Hashable, list[Row]]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        if row.kind == "attack" and row.accuracy is not None and row.per_seed:
            groups[key(row)].append(row)
    return groups


def _victim(row: Row) -> Hashable:
    return (row.victim, row.victim_hash, row.data_hash)


def _manner(row: Row) -> Hashable:
    """All of a row's key but the victim and the budget."""
    return (row.channel, row.data_prior, row.pool, row.clone, row.clone_init, row.track, row.protocol)


def _context(row: Row) -> str:
    parts = [f"channel {row.channel}", f"clone {row.clone}", f"data prior {row.data_prior}"]
    parts += [f"pool {row.pool}"] if row.pool else []
    parts += [f"{row.track} learner"] if row.track != "native" else []
    return ", ".join(parts)


def _names(rows: Sequence[Row]) -> list[str]:
    """Attack and variant; with a digest of the settings where two rows have the same."""
    count = Counter(row.name for row in rows)
    return [row.name if count[row.name] == 1 else f"{row.name} {row.settings[:4]}" for row in rows]
