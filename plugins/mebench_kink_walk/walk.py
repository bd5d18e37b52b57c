r"""The walk itself: where along a line one ReLU switches, and what that says of its unit.

The victim is f(x) = sum_i w_i relu(a_i x + b_i) + const, J its Jacobian, both centred over the classes. Where exactly
one unit switches between u and e, D = J(e) - J(u) = w a^T has rank one, with a (e - u) > 0. The place of the kink
follows from f(e) - f(u) = t J(u)(e - u) + (1 - t) J(e)(e - u), and so does b = -a (u + t (e - u)).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import AttackContext, Oracle, QueryStrategy
from mebench.toolkit import HiddenUnits, Segments, corner_inputs, explained_score
from mebench_kink_walk import KinkWalkParameters

SAME_DIRECTION = 0.9999
"""Cosine above which two units are the same one."""
NARROWER = 0.5
"""What the reach of corners is multiplied by where a corner's answer has no digits left."""


class Walk(QueryStrategy):
    """Ask both ends of a line between two random corners, then what halves its segments; and keep the units found.

    Args:
        context: gives the spec, the channel and the random stream ``corners``.
        parameters: of the walk.

    Attributes:
        segments: what is to be asked next; nothing once it is over.
        units: of each unit found, its direction a, a unit vector (d,), its bias b, () and its effect w, (c,).
        lines: how many were walked.
        reach: how far corners are from the middle of the box, in (0, 1]; less where they have saturated the victim.
    """

    def __init__(self, context: AttackContext, parameters: KinkWalkParameters) -> None:
        self._spec, self._device, self._parameters = context.spec, context.device, parameters
        self._corners = context.random.torch("corners", "cpu")
        usual = 1e-4 if explained_score(context.channel) == "logit" else 1e-3
        self._change = usual if parameters.change is None else parameters.change
        self._rank_one = 10 * self._change if parameters.rank_one is None else parameters.rank_one
        self.segments = Segments()
        self.units: list[list[Tensor]] = []
        self.lines, self.reach = 0, 1.0
        self._idle_lines, self._known_before = 0, 0
        self._anchor: list[Tensor] = []  # the first point, (d,), with its answers, (c,) and (c, d)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return (B, \\*shape) points; none once enough lines have brought nothing."""
        if not len(self.segments.wanted) and self._idle_lines < self._parameters.patience:
            self.segments.begin(corner_inputs(self._spec, 2, self._corners, self.reach).double().flatten(1))
            self.lines += 1
            self._known_before = len(self.units)
        return self.segments.wanted[: oracle.remaining].float().view(-1, *self._spec.shape).to(self._device)

    def answer(self, values: Tensor, jacobians: Tensor, told: Tensor) -> bool:
        """Take the answers to what was wanted, float64.

        Args:
            values: (B, c), centred.
            jacobians: (B, c, d), centred.
            told: (B,), whether every class's probability could be told.

        Returns:
            Whether anything was learnt.
        """
        if not bool(told.all()):
            self.reach *= NARROWER
            self.segments.drop()
            return False
        fresh, known = not self._anchor, len(self.units)
        ends = self.segments.complete(values, jacobians)
        self._anchor = self._anchor or [part[0, 0] for part in ends]
        self.segments.halve([row for row, one in enumerate(zip(*ends, strict=True)) if self._several(*one)])
        if not len(self.segments.wanted):
            self._idle_lines = 0 if len(self.units) > self._known_before else self._idle_lines + 1
        return fresh or len(self.units) > known

    def _several(self, points: Tensor, values: Tensor, jacobians: Tensor) -> bool:
        """Whether several units switch between two points (2, d); where one does, note it."""
        difference = jacobians[1] - jacobians[0]
        if difference.abs().max() < self._change * jacobians.abs().max():
            return False
        _, sizes, rows = torch.linalg.svd(difference, full_matrices=False)
        if sizes[1] < self._rank_one * sizes[0]:
            self._note(points, values, jacobians, rows[0])
            return False
        return bool((points[1] - points[0]).norm() > self._parameters.shortest * points.shape[1] ** 0.5)

    def _note(self, points: Tensor, values: Tensor, jacobians: Tensor, direction: Tensor) -> None:
        step, difference = points[1] - points[0], jacobians[1] - jacobians[0]
        direction = direction if direction @ step > 0 else -direction
        if any(abs(float(direction @ known)) > SAME_DIRECTION for known, _, _ in self.units):
            return
        late, jump = jacobians[1] @ step - (values[1] - values[0]), difference @ step
        kink = points[0] + float((late @ jump / (jump @ jump)).clamp(0, 1)) * step
        self.units.append([direction, -direction @ kink, difference @ direction])

    def model(self) -> tuple[HiddenUnits, Tensor, Tensor]:
        """Return the units, and slope (c, d) and constant (c,) of what is affine."""
        point, values, jacobian = self._anchor
        none = jacobian[:0], values[:0], values.new_zeros(0, len(values))
        directions, biases, effects = map(torch.stack, zip(*self.units, strict=True)) if self.units else none
        units = HiddenUnits(directions, biases, effects.T.contiguous())
        return units, *units.affine_rest(point, values, jacobian)

    def diagnostics(self) -> Mapping[str, float | None]:
        """Units that are known, lines that were walked, and how far corners are from the middle, in (0, 1]."""
        return {"units": float(len(self.units)), "lines": float(self.lines), "reach": self.reach}

    def state_dict(self) -> dict[str, Any]:
        """Everything."""
        numbers = [self.lines, self._idle_lines, self._known_before, self.reach]
        parts = {"segments": self.segments.state_dict(), "units": list(self.units), "anchor": list(self._anchor)}
        return parts | {"numbers": numbers}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.segments.load_state_dict(state["segments"])
        self.units, self._anchor = list(state["units"]), list(state["anchor"])
        self.lines, self._idle_lines, self._known_before, self.reach = state["numbers"]
