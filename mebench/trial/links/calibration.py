"""The knob of a defence, set so that benign answers are moved by a given mean L1 distance: its operating point."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mebench.api.errors import ConfigurationError
from mebench.trial.links.defended import with_best

TOLERANCE = 0.01
"""Of the mean L1 distance."""
MOST_STEPS = 40
BENIGN_ROWS = 2_000
"""Of the owner's data on which the distance is measured."""
FEWEST_BENIGN_ROWS = 50
"""On fewer, a mean distance tells nothing of others'."""

Perturb = Callable[[Tensor, Tensor], Tensor]


def mean_distance(perturb: Perturb, queries: Tensor, probabilities: Tensor, keeps_argmax: bool = False) -> float:
    """The mean L1 distance by which answers are moved.

    Args:
        perturb: the defence's.
        queries: (N, \\*shape) benign ones.
        probabilities: (N, c) what the victim says to them.
        keeps_argmax: whether entries are exchanged where the most probable class is another, as they will be.
    """
    with torch.no_grad():
        answered = perturb(queries, probabilities)
        if keeps_argmax:
            answered, _ = with_best(answered, probabilities.argmax(1), answered.argmax(1))
        return float((answered - probabilities).abs().sum(1).double().mean())


def calibrated(
    distance_at: Callable[[float], float], knob_range: tuple[float, float], target: float, name: str
) -> tuple[float, float]:
    """The value of a knob at which the mean distance is the target's, by bisection, and the distance there.

    Args:
        distance_at: the mean distance at a value of the knob; it rises along the range.
        knob_range: from no effect to the strongest.
        target: the wanted distance.
        name: of the defence, for the message.

    Raises:
        ConfigurationError: the strongest does not move answers as far, or no value comes near enough.
    """
    weak, strong = knob_range
    reached = distance_at(strong)
    if not reached >= target - TOLERANCE:  # true for NaN
        raise ConfigurationError(
            f"defence {name}: at its strongest it moves benign answers by {reached:.3f} on average, "
            f"which is less than l1: {target:g}"
        )
    best = strong, reached
    for _ in range(MOST_STEPS):
        if abs(best[1] - target) < TOLERANCE / 4:
            break
        middle = (weak + strong) / 2
        found = distance_at(middle)
        if abs(found - target) < abs(best[1] - target):
            best = middle, found
        weak, strong = (middle, strong) if found < target else (weak, middle)
    if not abs(best[1] - target) <= TOLERANCE:
        raise ConfigurationError(
            f"defence {name}: no value of its knob moves benign answers by l1: {target:g}; the nearest is {best[1]:.3f}"
        )
    return best
