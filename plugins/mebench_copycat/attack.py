"""Copycat: random images of a pool, and one fit on the victim's labels."""

from __future__ import annotations

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner, RandomPoolStrategy
from mebench_copycat import CopycatParameters


def build(context: AttackContext, parameters: CopycatParameters) -> Attack:
    """Build the attack; see ``mebench info copycat``."""
    learner = FitLearner(context, parameters, schedule=parameters.schedule(1.0), labels_only=True)
    return Attack(RandomPoolStrategy(context, rounds=1), learner)
