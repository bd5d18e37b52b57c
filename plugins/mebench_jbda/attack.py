"""JBDA: puts the augmentation and the clone that is trained after every round together."""

from __future__ import annotations

from mebench import Attack, AttackContext
from mebench.toolkit import FitLearner
from mebench_jbda import JbdaParameters
from mebench_jbda.augmentation import JacobianAugmentation


def build(context: AttackContext, parameters: JbdaParameters) -> Attack:
    """Build the attack; see ``mebench info jbda``."""
    schedule = parameters.schedule(1.0)
    learner = FitLearner(context, parameters, schedule=schedule, warm_start=parameters.warm_start)
    return Attack(JacobianAugmentation(context, parameters), learner)
