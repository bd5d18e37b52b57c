"""JBDA: puts the augmentation and the clone that is trained after every round together."""

from __future__ import annotations

from typing import Any

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner
from mebench_jbda.augmentation import JacobianAugmentation


def build(
    context: AttackContext, *, seeds: int, rounds: int, reservoir: int, step: float, lr_factor: float, **learner: Any
) -> Attack:
    """Build the attack from its parameters; see ``mebench info jbda``."""
    strategy = JacobianAugmentation(context, seeds=seeds, rounds=rounds, reservoir=reservoir, step=step)
    return Attack(strategy, FitLearner(context, factor=lr_factor, **learner))
