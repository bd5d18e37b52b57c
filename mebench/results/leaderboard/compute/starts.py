"""Rows whose clones did not start from the same weights, seed by seed, are not compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from mebench.results.leaderboard.model import Row

Starts = dict[int, str]
"""Digest of the clone's first weights, by seed."""


def with_clone_starts(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Name the start of a row's clone where it is not that of most rows, and say so in a note.

    Clones of one network and seed start from the same weights, unless they were made on machines or by versions of
    torch that draw other numbers. Rows without a digest, of older results, are taken to start as most do.
    """
    alike: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.clone and row.kind == "attack":
            alike[row.clone, row.victim_hash].append(index)
    result, notes = list(rows), []
    for (clone, _), indices in alike.items():
        families = _families([rows[index] for index in indices])
        numbers = {id(row): number for number, family in enumerate(families) for row in family}
        for index in indices:
            number = numbers[id(rows[index])]
            result[index] = replace(rows[index], clone_init=f"start {number + 1}" if number else "")
        if len(families) > 1:
            victim = rows[indices[0]].victim
            notes.append(
                f"clones {clone} on {victim} start from {len(families)} different weights with the same seed: "
                "their rows are not ranked together"
            )
    return result, notes


def _families(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that agree on the start of every seed that they share, the largest family first."""
    families: list[tuple[Starts, list[Row]]] = []
    for row in sorted(rows, key=lambda one: (-len(one.per_seed), one.name, one.channel, one.settings)):
        mine = {one.seed: one.clone_start for one in row.per_seed if one.clone_start}
        for starts, members in families:
            if all(starts.get(seed, start) == start for seed, start in mine.items()):
                starts.update(mine)
                members.append(row)
                break
        else:
            families.append((mine, [row]))
    return sorted((members for _, members in families), key=len, reverse=True)
