"""Searches along lines: segments between answered points are halved, all at a time, where something is between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Segments:
    r"""Segments of a line of which more is to be known, by what was answered at their ends. Since version 1.8.

    ::

        segments.begin(line)
        while len(segments.wanted):
            ask segments.wanted
            points, answers = segments.complete(answers)
            segments.halve(rows whose answers say that something lies between)

    All tensors are on the CPU.

    Attributes:
        wanted: (B, d) float64, to be asked next: both ends of a new line, then middles. Each is a float32 number.
    """

    def __init__(self) -> None:
        self.wanted = torch.empty(0, 0, dtype=torch.float64)
        self._ends: list[Tensor] = []

    def begin(self, line: Tensor) -> None:
        """Look at the line between two points, (2, d) float64, and at nothing else."""
        self.wanted, self._ends = line, []

    def drop(self) -> None:
        """Look no further."""
        self.begin(self.wanted[:0])

    def asks(self, points: Tensor) -> bool:
        """Whether (B, d) points are what is wanted, if anything is; answers to any others complete nothing."""
        there = len(self.wanted) > 0 and points.shape == self.wanted.shape
        return there and torch.equal(points.cpu().float(), self.wanted.float())

    def complete(self, *answers: Tensor) -> list[Tensor]:
        """Return the segments that answers complete; nothing is wanted then.

        Args:
            answers: to what was wanted, (B, ...) each; as many, and of the same shapes, every time.

        Returns:
            Their ends (S, 2, d), and what was answered there, (S, 2, ...) each.
        """
        told, self.wanted = (self.wanted, *(answer.cpu() for answer in answers)), self.wanted[:0]
        if not self._ends:
            self._ends = [part[None] for part in told]
            return self._ends
        halves = []
        for ends, middle in zip(self._ends, told, strict=True):
            first, last = ends.unbind(1)
            halves.append(torch.cat([torch.stack([first, middle], 1), torch.stack([middle, last], 1)]))
        self._ends = halves
        return halves

    def halve(self, rows: Sequence[int]) -> None:
        """Want the middles of some of the S segments that were completed last, and drop the others."""
        self._ends = [part[list(rows)] for part in self._ends]
        self.wanted = self._ends[0].mean(1).float().double()

    def state_dict(self) -> dict[str, Any]:
        """What is wanted, and the ends with their answers."""
        return {"wanted": self.wanted, "ends": list(self._ends)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.wanted, self._ends = state["wanted"], list(state["ends"])
