"""Random queries from a pool, with a clone that is fitted from scratch after every round."""

from __future__ import annotations

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner, FitParameters, RandomPoolStrategy, RoundsParameters
from mebench_pool import RandomPoolParameters


def build(context: AttackContext, parameters: RandomPoolParameters) -> Attack:
    """Build the attack; see ``mebench info random-pool``."""
    return Attack(strategy(context, parameters), FitLearner(context, parameters))


def build_real_data(context: AttackContext, parameters: FitParameters) -> Attack:
    """Build the attack ``real-data``, which asks all at once."""
    return Attack(RandomPoolStrategy(context, rounds=1), FitLearner(context, parameters))


def strategy(context: AttackContext, parameters: RoundsParameters) -> RandomPoolStrategy:
    """Build the strategy alone, for any learner."""
    return RandomPoolStrategy(context, parameters.rounds)
