"""Random queries from a pool, with a clone that is fitted from scratch after every round."""

from __future__ import annotations

from typing import Any

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner, RandomPoolStrategy


def build(context: AttackContext, *, rounds: int, **learner: Any) -> Attack:
    """Build the attack from its parameters; see ``mebench info random-pool``."""
    return Attack(RandomPoolStrategy(context, rounds), FitLearner(context, **learner))


def build_real_data(context: AttackContext, **learner: Any) -> Attack:
    """Build the attack ``real-data``, which asks all at once, from the parameters of its learner."""
    return Attack(RandomPoolStrategy(context, rounds=1), FitLearner(context, **learner))
