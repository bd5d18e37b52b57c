"""A bounded memory of answers: a uniform sample of all that were ever added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Memory:
    """Keeps at most ``capacity`` answers of all that were added so far, each with the same chance.

    Every answer draws a number when it is added; kept are those with the highest.

    Args:
        capacity: 0 keeps none and draws no random numbers.
        random: stream on the CPU.
        by_class: visit the classes of what is kept equally often, however many answers each has.
    """

    def __init__(self, capacity: int, random: torch.Generator, by_class: bool = False) -> None:
        self._capacity, self.random, self._by_class = capacity, random, by_class
        self._kept: list[Tensor] = []  # inputs, targets and the numbers that they drew

    def __len__(self) -> int:
        """Answers kept now."""
        return len(self._kept[0]) if self._kept else 0

    def add(self, inputs: Tensor, targets: Tensor) -> None:
        """Take in (B, \\*shape) inputs and their targets."""
        if not self._capacity:
            return
        drawn = torch.rand(len(inputs), generator=self.random, dtype=torch.float64).to(inputs.device)
        all_now = [inputs, targets, drawn]
        if self._kept:
            all_now = [torch.cat(pair) for pair in zip(self._kept, all_now, strict=True)]
        rows = all_now[2].topk(min(self._capacity, len(all_now[2]))).indices
        self._kept = [values[rows] for values in all_now]

    def mixed_with(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return these answers and at most as many kept ones, drawn anew at each call."""
        if not len(self):
            return inputs, targets
        rows = self._drawn(min(len(inputs), len(self))).to(inputs.device)
        return torch.cat([inputs, self._kept[0][rows]]), torch.cat([targets, self._kept[1][rows]])

    def _drawn(self, count: int) -> Tensor:
        """Rows without replacement, or with it where classes come equally often; a class is the likeliest label."""
        if not self._by_class:
            return torch.randperm(len(self), generator=self.random)[:count]
        targets = self._kept[1].cpu()
        labels = targets if targets.ndim == 1 else targets.argmax(1)
        weights = 1 / labels.bincount()[labels]
        return torch.multinomial(weights, count, replacement=True, generator=self.random)

    def state_dict(self) -> dict[str, Any]:
        """What is kept."""
        return {"kept": list(self._kept)}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from a ``state_dict()``."""
        self._kept = [values.to(device) for values in state["kept"]]
