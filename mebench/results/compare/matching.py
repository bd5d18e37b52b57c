"""Which row of NEW belongs to which row of BASE."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from mebench.results.leaderboard import Row
from mebench.results.leaderboard.read.saved import match_key

Pair = tuple[Row, Row]
Key = Callable[[Row], Hashable]


@dataclass
class Matching:
    """Rows of BASE and NEW, put together.

    Attributes:
        pairs: rows of the same experiment.
        related: the same attack before another victim or under another protocol: not to be compared.
        ambiguous: rows of which a side has several with the same names.
        gone, new: rows of one side only.
    """

    pairs: list[Pair] = field(default_factory=list)
    related: list[Pair] = field(default_factory=list)
    ambiguous: list[Row] = field(default_factory=list)
    gone: list[Row] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)


def match(base: Sequence[Row], new: Sequence[Row]) -> Matching:
    """Match rows by their key; among several of one key first those of equal settings and weights."""
    result = Matching()
    for mine, theirs in _buckets(base, new, match_key):
        for exact in (lambda row: (row.settings, row.victim_hash), lambda row: row.settings):
            if max(len(mine), len(theirs)) > 1:
                pairs, mine, theirs = _pair_unique(mine, theirs, exact)
                result.pairs += pairs
        if len(mine) == len(theirs) == 1:
            result.pairs.append((mine[0], theirs[0]))
        elif mine and theirs:
            result.ambiguous += theirs
        else:
            result.gone += mine
            result.new += theirs
    result.related, result.gone, result.new = _pair_unique(result.gone, result.new, _related_key)
    return result


def _related_key(row: Row) -> Hashable:
    """The key without victim, protocol and profile."""
    return (row.kind, row.attack, row.variant, row.channel, row.clone, row.data_prior, row.pool, row.track, row.budget)


def _buckets(base: Sequence[Row], new: Sequence[Row], key: Key) -> list[tuple[list[Row], list[Row]]]:
    buckets: dict[Hashable, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((base, new)):
        for row in rows:
            buckets[key(row)][side].append(row)
    return list(buckets.values())


def _pair_unique(base: Sequence[Row], new: Sequence[Row], key: Key) -> tuple[list[Pair], list[Row], list[Row]]:
    """Pair the rows whose key stands once on each side; also return what is left of both."""
    pairs, left_base, left_new = [], [], []
    for mine, theirs in _buckets(base, new, key):
        if len(mine) == len(theirs) == 1:
            pairs.append((mine[0], theirs[0]))
        else:
            left_base += mine
            left_new += theirs
    return pairs, left_base, left_new
