"""Learning rates that depend on how much of the budget is spent. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.optim import Optimizer

Schedule = Callable[[float], float]
"""From the fraction of the budget that is spent, in [0, 1], to a learning rate."""


def constant_schedule(rate: float) -> Schedule:
    """The same rate from beginning to end."""
    return lambda progress: rate


def step_schedule(initial: float, milestones: Sequence[float], factor: float) -> Schedule:
    """The schedule of `step_rate`."""
    fixed = tuple(milestones)
    return lambda progress: step_rate(initial, fixed, factor, progress)


def cosine_schedule(initial: float) -> Schedule:
    """Half a cosine from ``initial`` down to 0 at the end of the budget (SGDR without restarts)."""
    return lambda progress: initial * (1 + math.cos(math.pi * progress)) / 2


def step_rate(initial: float, milestones: Sequence[float], factor: float, progress: float) -> float:
    """Return ``initial`` times ``factor`` for every milestone that ``progress`` has reached.

    Args:
        milestones: fractions of the budget.
        progress: fraction of the budget that is spent.
    """
    return float(initial * factor ** sum(progress >= milestone for milestone in milestones))


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give all parameter groups one learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
