"""Bounded stores of answered queries: a uniform sample of all that ever entered, or the last of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench.models.to_device import to_device


class Reservoir:
    """Keeps at most ``size`` rows; every row that entered is in it with the same probability (Vitter's algorithm R).

    The rows lie in one tensor that is made when the first arrive, where they are; a state holds only what is filled.

    Args:
        size: most rows kept.
        random: a stream on the CPU, for what is replaced and for what is drawn.
    """

    def __init__(self, size: int, random: torch.Generator) -> None:
        self._size, self.random = size, random
        self._rows: tuple[Tensor, ...] = ()
        self.seen = 0

    def __len__(self) -> int:
        """Number of rows kept."""
        return min(self.seen, self._size)

    def add(self, *columns: Tensor) -> None:
        """Take in B rows, as tensors (B, ...) of equal length: inputs, answers."""
        if not self._rows:
            self._rows = tuple(self._room(column) for column in columns)
        places = self._places(len(columns[0]))
        device = columns[0].device
        taken = to_device(torch.tensor(list(places.values()), dtype=torch.int64), device)
        where = to_device(torch.tensor(list(places), dtype=torch.int64), device)
        for store, column in zip(self._rows, columns, strict=True):
            store[where] = column.detach()[taken]

    def _room(self, like: Tensor) -> Tensor:
        return torch.empty((self._size, *like.shape[1:]), dtype=like.dtype, device=like.device)

    def _places(self, rows: int) -> dict[int, int]:
        """Which row comes to lie at which place; of two that take one place, the later."""
        draws = torch.rand(rows, generator=self.random, dtype=torch.float64).tolist()
        places = {}
        for row, draw in enumerate(draws):
            place = self.seen if self.seen < self._size else int(draw * (self.seen + 1))
            self.seen += 1
            if place < self._size:
                places[place] = row
        return places

    def draw(self, rows: int, *, equally: int | None = None) -> tuple[Tensor, ...]:
        """Return ``rows`` rows, drawn with replacement from those kept; at least one must be.

        Args:
            rows: how many.
            equally: number of an int64 column, (B,) and not negative, whose values come equally often, however many
                rows have each; None draws every row with the same probability. Since version 1.6.
        """
        if equally is None:
            chosen = torch.randint(len(self), (rows,), generator=self.random)
        else:
            values = self._rows[equally][: len(self)].cpu()
            weights = 1 / values.bincount()[values]
            chosen = torch.multinomial(weights, rows, replacement=True, generator=self.random)
        there = to_device(chosen, self._rows[0].device)
        return tuple(store[there] for store in self._rows)

    def state_dict(self) -> dict[str, Any]:
        """What is kept, and how many rows were seen."""
        return {"rows": [store[: len(self)] for store in self._rows], "seen": self.seen}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from a ``state_dict()``, with all tensors on ``device``."""
        self.seen = state["seen"]
        kept = [rows.to(device) for rows in state["rows"]]
        self._rows = tuple(self._room(rows) for rows in kept)
        for store, rows in zip(self._rows, kept, strict=True):
            store[: len(self)] = rows


class Ring(Reservoir):
    """Keeps the last ``size`` rows that entered; draws as a `Reservoir` does. Since version 1.8."""

    def _places(self, rows: int) -> dict[int, int]:
        """Which row comes to lie at which place: the oldest go first."""
        places = {(self.seen + row) % self._size: row for row in range(rows)}
        self.seen += rows
        return places
