r"""The walk itself: where along a line one ReLU switches, and what that says of its unit.

The victim is f(x) = sum_i w_i relu(a_i x + b_i) + const, J its Jacobian, both centred over the classes. Where exactly
one unit switches between u and e, D = J(e) - J(u) = w a^T has rank one, with a (e - u) > 0. The place of the kink
follows from f(e) - f(u) = t J(u)(e - u) + (1 - t) J(e)(e - u), and so does b = -a (u + t (e - u)).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

SAME_DIRECTION = 0.9999
"""Cosine above which two units are the same one."""
NARROWER = 0.5
"""What the reach of corners is multiplied by where a corner's answer has no digits left."""


class Walk:
    """Segments to look at, and the units found so far. All tensors are float64 on the CPU.

    Args:
        change: two Jacobians are the same if no entry differs by more than this part of the largest.
        rank_one: largest ratio of the second to the first singular value of one unit's difference.
        shortest: segments are not halved below this part of a line.
        patience: lines in a row that bring nothing, after which it is over.

    Attributes:
        wanted: (B, d), what is to be asked next; empty once it is over.
        directions: of the units found, unit vectors a, each (d,).
        lines: how many were walked.
        reach: how far corners are from the middle of the box, in (0, 1].
    """

    def __init__(self, change: float, rank_one: float, shortest: float, patience: int) -> None:
        self._change, self._rank_one, self._shortest, self._patience = change, rank_one, shortest, patience
        self.wanted = torch.empty(0, 0, dtype=torch.float64)
        self.directions: list[Tensor] = []
        self.biases: list[Tensor] = []
        self.effects: list[Tensor] = []
        self.lines, self.reach = 0, 1.0
        self._idle_lines, self._known_before = 0, 0
        self._ends: dict[str, Tensor] = {}
        self._anchor: dict[str, Tensor] = {}

    @property
    def idle(self) -> bool:
        """Whether no segment is left, and another line is worth walking."""
        return not len(self.wanted) and self._idle_lines < self._patience

    def begin(self, line: Tensor) -> None:
        """Walk the line between two points, (2, d)."""
        self.wanted, self._ends = line, {}
        self.lines += 1
        self._known_before = len(self.directions)

    def asks(self, points: Tensor) -> bool:
        """Whether (B, d) points are what is wanted; any others say nothing of its segments."""
        return points.shape == self.wanted.shape and torch.equal(points.cpu().float(), self.wanted.float())

    def answer(self, values: Tensor, jacobians: Tensor, told: Tensor) -> bool:
        """Take the answers to what was wanted.

        Args:
            values: (B, c), centred.
            jacobians: (B, c, d), centred.
            told: (B,), whether every class's probability could be told.

        Returns:
            Whether anything was learnt.
        """
        points, values, jacobians, told = self.wanted, values.cpu(), jacobians.cpu(), told.cpu()
        self.wanted = points[:0]
        if not bool(told.all()):
            self.reach *= NARROWER
            self._ends = {}
            return False
        fresh = not self._anchor
        if fresh:
            self._anchor = {"point": points[0], "value": values[0], "jacobian": jacobians[0]}
        known = len(self.directions)
        self._look(*self._segments(points, values, jacobians))
        if not len(self.wanted):
            self._idle_lines = 0 if len(self.directions) > self._known_before else self._idle_lines + 1
        return fresh or len(self.directions) > known

    def _segments(self, points: Tensor, values: Tensor, jacobians: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the segments that the answers complete: (S, 2, d), (S, 2, c) and (S, 2, c, d)."""
        told = {"points": points, "values": values, "jacobians": jacobians}
        if not self._ends:
            return points[None], values[None], jacobians[None]
        halves = {}
        for name, middle in told.items():
            first, last = self._ends[name].unbind(1)
            halves[name] = torch.cat([torch.stack([first, middle], 1), torch.stack([middle, last], 1)])
        return halves["points"], halves["values"], halves["jacobians"]

    def _look(self, points: Tensor, values: Tensor, jacobians: Tensor) -> None:
        """Note the unit of each segment in which one switches; halve those in which several do."""
        several = []
        for row in range(len(points)):
            difference = jacobians[row, 1] - jacobians[row, 0]
            if difference.abs().max() < self._change * jacobians[row].abs().max():
                continue
            _, sizes, rows = torch.linalg.svd(difference, full_matrices=False)
            if sizes[1] < self._rank_one * sizes[0]:
                self._note(points[row], values[row], jacobians[row], rows[0])
            elif (points[row, 1] - points[row, 0]).norm() > self._shortest * points.shape[-1] ** 0.5:
                several.append(row)
        self._ends = {"points": points[several], "values": values[several], "jacobians": jacobians[several]}
        self.wanted = points[several].mean(1).float().double()

    def _note(self, points: Tensor, values: Tensor, jacobians: Tensor, direction: Tensor) -> None:
        step, difference = points[1] - points[0], jacobians[1] - jacobians[0]
        direction = direction if direction @ step > 0 else -direction
        if any(abs(float(direction @ known)) > SAME_DIRECTION for known in self.directions):
            return
        late, jump = jacobians[1] @ step - (values[1] - values[0]), difference @ step
        kink = points[0] + float((late @ jump / (jump @ jump)).clamp(0, 1)) * step
        self.directions.append(direction)
        self.biases.append(-direction @ kink)
        self.effects.append(difference @ direction)

    def model(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return a (U, d), b (U,) and w (c, U) of the units; and slope (c, d) and constant (c,) of what is affine."""
        point, value, slope = self._anchor["point"], self._anchor["value"], self._anchor["jacobian"]
        directions = torch.stack(self.directions) if self.directions else slope.new_zeros(0, len(point))
        biases = torch.stack(self.biases) if self.biases else slope.new_zeros(0)
        effects = torch.stack(self.effects, 1) if self.effects else slope.new_zeros(len(value), 0)
        sums = directions @ point + biases
        affine = slope - (effects * (sums > 0)) @ directions
        return directions, biases, effects, affine, value - effects @ sums.relu() - affine @ point

    def state_dict(self) -> dict[str, Any]:
        """Everything."""
        return {
            "wanted": self.wanted,
            "directions": list(self.directions),
            "biases": list(self.biases),
            "effects": list(self.effects),
            "numbers": [self.lines, self._idle_lines, self._known_before, self.reach],
            "ends": dict(self._ends),
            "anchor": dict(self._anchor),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.wanted = state["wanted"]
        self.directions, self.biases, self.effects = (list(state[key]) for key in ("directions", "biases", "effects"))
        self.lines, self._idle_lines, self._known_before, self.reach = state["numbers"]
        self._ends, self._anchor = dict(state["ends"]), dict(state["anchor"])
