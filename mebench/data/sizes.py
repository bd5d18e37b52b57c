"""How large images are, and how many rows there are, as far as descriptions tell it; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.api.spec import VictimSpec
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry

SIZE = "size"
"""The parameter of a data set of pictures of any size: height and width where nothing else is asked for."""


def size_given(victim: VictimSpec) -> tuple[int, int] | None:
    """Height and width of a victim's images; None where only its data can tell, and for texts."""
    if victim.image_size is not None:
        return victim.image_size
    shape = registry().get(DatasetEntry, victim.data.name).shape
    if len(shape) == 3:
        return shape[1], shape[2]
    side = victim.data.parameters.get(SIZE)
    return (side, side) if isinstance(side, int) else None


def size_note(victim: VictimSpec) -> str:
    """Say in a sentence what a victim of pictures of any size is given; empty for all others."""
    data, given = victim.data, size_given(victim)
    if given is None or registry().get(DatasetEntry, data.name).shape or not isinstance(data.parameters.get(SIZE), int):
        return ""
    why = "its image_size" if victim.image_size else f"the `{SIZE}` of its data {data.name}; `image_size` sets another"
    return f"Victim {victim.name} is given images of {given[0]} x {given[1]}, {why}."


def rows_there(entry: DatasetEntry, given: Mapping[str, Any]) -> int | None:
    """How many rows the training split of a data set has; None where only its files can tell.

    Args:
        entry: of the data set.
        given: its parameters; with a ``root`` its files are another's.
    """
    return entry.train_rows or None if given.get("root") is None else None


def rows_held(entry: DatasetEntry, given: Mapping[str, Any]) -> int | None:
    """How many rows of it are asked for; None where only its files can tell."""
    there = rows_there(entry, given)
    rows: Sequence[int] | None = given.get("rows")
    if not rows:
        return there
    start, stop = rows
    return max(0, (stop if there is None else min(stop, there)) - start)
