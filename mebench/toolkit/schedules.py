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


def ramp_schedule(most: float, until: float) -> Schedule:
    """From 0 up to ``most``, which is reached at the fraction ``until``, in [0, 1], and kept. Since version 1.8."""
    return lambda progress: most * min(1.0, progress / until if until else 1.0)


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


class Plateau:
    """What a rate is multiplied by: it falls whenever a loss has not for a while. Since version 1.8.

    For a `Schedule` that looks at losses: ``schedule=lambda done: plateau.factor``. The defaults are those of torch's
    ``ReduceLROnPlateau``, which sets rates itself.

    Args:
        patience: losses that are no better, beyond which it falls.
        fall: what it is multiplied by then.
        better: fraction by which a loss is below the best so far.

    Attributes:
        factor: 1 at first.
    """

    def __init__(self, patience: int = 10, fall: float = 0.1, better: float = 1e-4) -> None:
        self._patience, self._fall, self._better = patience, fall, better
        self.factor, self._best, self._waited = 1.0, float("inf"), 0

    def note(self, loss: float) -> None:
        """Take note of a loss."""
        better = loss < self._best * (1 - self._better)
        self._best, self._waited = (loss, 0) if better else (self._best, self._waited + 1)
        if self._waited > self._patience:
            self.factor, self._waited = self.factor * self._fall, 0
