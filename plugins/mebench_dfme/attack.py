"""DFME: the generator ascends the disagreement by zeroth-order gradients, the clone descends it."""

from __future__ import annotations

from mebench import Attack, AttackContext
from mebench.toolkit import OnlineLearner, ZerothOrderStrategy, extraction_loss
from mebench_dfme import DfmeParameters


def build(context: AttackContext, parameters: DfmeParameters) -> Attack:
    """Build the attack; see ``mebench info dfme``."""
    loss = extraction_loss(context, parameters)
    strategy = ZerothOrderStrategy(
        context,
        loss,
        parameters,
        parameters.schedule(parameters.generator_lr),
        directions=parameters.directions,
        step_size=parameters.step_size,
        exact_clone=parameters.clone_gradient == "exact",
    )
    return Attack(strategy, OnlineLearner(context, loss, parameters))
