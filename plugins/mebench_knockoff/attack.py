"""Puts Knockoff Nets together: one of two policies, and a clone that is fitted on all answers at the end."""

from __future__ import annotations

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner, RandomPoolStrategy
from mebench_knockoff import KnockoffParameters
from mebench_knockoff.learner import OnlineThenFit
from mebench_knockoff.policy import AdaptivePolicy


def build(context: AttackContext, parameters: KnockoffParameters) -> Attack:
    """Build the attack; see ``mebench info knockoff``."""
    schedule = parameters.schedule(1.0)
    if parameters.policy == "random":
        return Attack(RandomPoolStrategy(context, rounds=1), FitLearner(context, parameters, schedule=schedule))
    return Attack(AdaptivePolicy(context, parameters), OnlineThenFit(context, parameters, schedule))
