"""Puts Knockoff Nets together: one of two policies, and a clone that is fitted on all answers at the end."""

from __future__ import annotations

from typing import Any

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner, RandomPoolStrategy
from mebench_knockoff.learner import OnlineThenFit
from mebench_knockoff.policy import AdaptivePolicy


def build(
    context: AttackContext,
    *,
    policy: str,
    rewards: str,
    clusters: int,
    window: int,
    turn_size: int,
    lr_factor: float,
    **learner: Any,
) -> Attack:
    """Build the attack from its parameters; see ``mebench info knockoff``."""
    if policy == "random":
        return Attack(RandomPoolStrategy(context, rounds=1), FitLearner(context, factor=lr_factor, **learner))
    adaptive = AdaptivePolicy(
        context, rewards=rewards.split("+"), clusters=clusters, window=window, turn_size=turn_size
    )
    return Attack(adaptive, OnlineThenFit(context, factor=lr_factor, **learner))
