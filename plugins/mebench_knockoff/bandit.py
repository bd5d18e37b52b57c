"""The gradient bandit of Knockoff Nets, section 4.2, and the three rewards that it may be paid in."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Answered:
    """One answered query, as rewards see it; all on the CPU in float64.

    Attributes:
        victim: (c,) the victim's probabilities, or its label as a one-hot vector.
        clone: (c,) log-probabilities of the clone before it learnt the answer.
        past: (c,) mean of the victim's last answers; zeros before the first.
    """

    victim: Tensor
    clone: Tensor
    past: Tensor


def certainty(answer: Answered) -> float:
    """Return the margin between the victim's two most probable classes; always 1 for a label."""
    first, second = answer.victim.topk(2).values.tolist()
    return float(first - second)


def diversity(answer: Answered) -> float:
    """Return how much probability the answer gives to classes above their recent mean."""
    return float((answer.victim - answer.past).clamp(min=0).sum())


def loss(answer: Answered) -> float:
    """Return the clone's cross-entropy on the victim's answer; 0 for a clone that has diverged."""
    value = float(-(answer.victim * answer.clone).sum())
    return value if math.isfinite(value) else 0.0


REWARDS: Mapping[str, Callable[[Answered], float]] = {"certainty": certainty, "diversity": diversity, "loss": loss}


class Surprise:
    """How much better than of late rewards are: each on a scale of its own, then added up.

    A reward counts as its distance from the mean of the last ``window`` of its kind, in units of the range from the
    smallest to the largest of these and itself; 0 for the first.
    """

    def __init__(self, window: int) -> None:
        self.past: deque[list[float]] = deque(maxlen=window)

    def of(self, rewards: Sequence[float]) -> float:
        """Return the sum over kinds, and remember the rewards."""
        total = sum(
            _surprise(reward, past) for reward, past in zip(rewards, zip(*self.past, strict=True), strict=False)
        )
        self.past.append(list(rewards))
        return total


def _surprise(reward: float, past: Sequence[float]) -> float:
    spread = max(*past, reward) - min(*past, reward)
    return (reward - sum(past) / len(past)) / spread if spread else 0.0


class GradientBandit:
    """Prefers actions that were rewarded: a softmax over potentials H, which follow the gradient of the mean reward.

    Args:
        actions: how many there are.

    Attributes:
        potentials: (actions,) float64, H.
        counts: how often each action was taken, N.
    """

    def __init__(self, actions: int) -> None:
        self.potentials = torch.zeros(actions, dtype=torch.float64)
        self.counts = [0] * actions

    def probabilities(self, available: Tensor | None = None) -> Tensor:
        """Return pi, (actions,) float64; 0 for what a mask does not allow."""
        potentials = self.potentials
        if available is not None:
            potentials = potentials.masked_fill(~available, -torch.inf)
        return torch.softmax(potentials, 0)

    def update(self, action: int, advantage: float) -> None:
        """Learn that an action brought so much more than is usual, at the rate 1 / N(action)."""
        self.counts[action] += 1
        direction = -self.probabilities()
        direction[action] += 1
        self.potentials += advantage / self.counts[action] * direction

    def state_dict(self) -> dict[str, Any]:
        """Potentials and counts."""
        return {"potentials": self.potentials, "counts": list(self.counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.potentials, self.counts = state["potentials"].clone(), list(state["counts"])
