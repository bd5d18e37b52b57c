"""Telling an attack whose training diverged from one with a programming error, when a query of its is not finite.

Training that diverges leaves its traces: weights, running statistics or an optimiser's moments that are not finite.
They are part of what every strategy and learner must put into its ``state_dict()``. A query that is not finite, of an
attack whose state is finite, was not brought about by training, and stays an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def first_not_finite(state: Any, place: str = "") -> str | None:
    """Return where nested state holds the first tensor with a NaN or an infinity, e.g. ``learner.clone.0.weight``.

    Numbers that are not tensors do not count: an infinite one often stands for "none yet".

    Args:
        state: dicts, lists and tuples of anything.
        place: what the state is called.
    """
    if isinstance(state, Tensor):
        broken = state.is_floating_point() and not bool(torch.isfinite(state).all())
        return place if broken else None
    return next(filter(None, (first_not_finite(value, _inside(place, key)) for key, value in _items(state))), None)


def _inside(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _items(state: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(state, Mapping):
        yield from state.items()
    elif isinstance(state, (list, tuple)):
        yield from enumerate(state)
