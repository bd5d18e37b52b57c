"""Copycat: random images of a pool, and one fit on the victim's labels."""

from __future__ import annotations

from typing import Any

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner, RandomPoolStrategy


def build(context: AttackContext, *, lr_factor: float, **learner: Any) -> Attack:
    """Build the attack from its parameters; see ``mebench info copycat``."""
    return Attack(
        RandomPoolStrategy(context, rounds=1), FitLearner(context, labels_only=True, factor=lr_factor, **learner)
    )
