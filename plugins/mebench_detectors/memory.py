"""What a watch keeps of a stream: rows up to a bound, and the last values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Memory:
    """Rows of one client, (n, d) on the CPU; of more than ``most`` the oldest goes.

    Args:
        most: None for no bound.
    """

    def __init__(self, most: int | None) -> None:
        self._most, self._seen, self._rows = most, 0, torch.empty(0)

    def __len__(self) -> int:
        """Number of rows kept."""
        return self._seen if self._most is None else min(self._seen, self._most)

    def add(self, row: Tensor) -> None:
        """Keep a row, (d,)."""
        if len(self) == len(self._rows) and (self._most is None or len(self) < self._most):
            room = max(16, 2 * len(self))
            larger = row.new_empty(room if self._most is None else min(room, self._most), len(row))
            if len(self):
                larger[: len(self)] = self._rows
            self._rows = larger
        self._rows[self._seen if self._most is None else self._seen % self._most] = row
        self._seen += 1

    def nearest(self, row: Tensor, count: int = 1) -> Tensor:
        """Return the Euclidean distances to the nearest rows, ascending, (min(count, n),).

        Differences are squared as they are: by scalar products, small distances would drown in rounding.
        """
        kept = self._rows[: len(self)]
        distances = torch.cdist(row.unsqueeze(0), kept, compute_mode="donot_use_mm_for_euclid_dist")[0]
        return distances.amin(0, keepdim=True) if count == 1 else distances.sort().values[:count]

    def fewest_different(self, row: Tensor) -> Tensor:
        """Return the square root of in how few places the nearest row differs, (): distances of ids say nothing."""
        return (self._rows[: len(self)] != row).sum(1).min().sqrt()

    def state_dict(self) -> dict[str, Any]:
        """The rows, and how many there were."""
        return {"rows": self._rows[: len(self)].clone(), "seen": self._seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._rows, self._seen = state["rows"].cpu().clone(), state["seen"]


class Window:
    """The last values of a stream.

    Args:
        size: how many.
        like: one value; what it holds does not matter.

    Attributes:
        values: (size, ...), the oldest overwritten by the next; filled from the front.
        seen: how many values there were.
    """

    def __init__(self, size: int, like: Tensor) -> None:
        self.values, self.seen = like.new_zeros(size, *like.shape), 0

    @property
    def full(self) -> bool:
        """Whether there were as many values as it holds."""
        return self.seen >= len(self.values)

    def add(self, value: Tensor) -> int:
        """Take in a value; returns its place."""
        place = self.seen % len(self.values)
        self.values[place] = value
        self.seen += 1
        return place

    def state_dict(self) -> dict[str, Any]:
        """The values, and how many there were."""
        return {"values": self.values.clone(), "seen": self.seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.values, self.seen = state["values"].cpu().clone(), state["seen"]
