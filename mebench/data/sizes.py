"""How large images are, and how many rows there are, as far as descriptions tell it; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.api.spec import Component, VictimSpec
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


def rows_held(data: Component) -> int | None:
    """How many rows a data set has for training or as a pool; None where only its files can tell."""
    own = data.parameters.get("root") is not None
    there = None if own else registry().get(DatasetEntry, data.name).train_rows or None
    rows: Sequence[int] | None = data.parameters.get("rows")
    if not rows:
        return there
    start, stop = rows
    return max(0, (stop if there is None else min(stop, there)) - start)
