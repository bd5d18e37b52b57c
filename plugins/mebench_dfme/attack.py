"""DFME: the generator ascends the disagreement by zeroth-order gradients, the clone descends it."""

from __future__ import annotations

from typing import Any

from mebench import Attack, AttackContext
from mebench.toolkit import ZerothOrderStrategy, generator_options, make_loss, online_learner


def build(context: AttackContext, **parameters: Any) -> Attack:
    """Build the attack from its parameters; see ``mebench info dfme``."""
    loss = make_loss(parameters["loss"], context.channel.probability_floor, parameters["clone_logits"])
    strategy = ZerothOrderStrategy(
        context,
        loss,
        directions=parameters["directions"],
        step_size=parameters["step_size"],
        exact_clone=parameters["clone_gradient"] == "exact",
        **generator_options(parameters),
    )
    return Attack(strategy, online_learner(context, loss, parameters))
