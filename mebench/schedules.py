"""Learning rates that depend on how much of the budget is spent."""

from __future__ import annotations

from collections.abc import Sequence

from torch.optim import Optimizer


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
