"""Parameters that generator attacks share, declared once, and how they become objects. Imports torch only in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mebench.registry.parameter import Parameter

if TYPE_CHECKING:
    pass

LOSS_PARAMETERS = (
    Parameter(
        "loss",
        "str",
        "l1",
        "Between victim and clone: `l1` on recovered logits, or `kl`.",
        choices=("l1", "kl"),
        in_variant="always",
    ),
    Parameter(
        "clone_logits",
        "str",
        "centred",
        "In `l1`: subtract the clone's mean logit (`centred`, MEGEX section 3.3) or not (`raw`, the released DFME).",
        choices=("centred", "raw"),
        in_variant="changed",
    ),
)

FROZEN_GENERATOR_PARAMETERS = (
    Parameter("batch_size", "int", 256, "Queries per batch, B.", minimum=1),
    Parameter("noise_dim", "int", 256, "Length of the generator's noise vector.", minimum=1),
    Parameter("generator_width", "int", 128, "Channels of the generator's first convolution.", minimum=2),
)

GENERATOR_PARAMETERS = (
    *FROZEN_GENERATOR_PARAMETERS,
    Parameter("generator_steps", "int", 1, "Generator steps per iteration, N_G.", minimum=1),
    Parameter("clone_steps", "int", 5, "Clone steps per iteration, N_C.", minimum=1),
    Parameter("generator_lr", "float", 5e-4, "Learning rate of the generator's Adam.", minimum=0),
)

LEARNER_PARAMETERS = (
    Parameter("clone_lr", "float", 0.1, "Learning rate of the clone's SGD.", minimum=0),
    Parameter("momentum", "float", 0.9, "Momentum of the clone's SGD.", minimum=0, maximum=1),
    Parameter("weight_decay", "float", 5e-4, "Weight decay of the clone's SGD.", minimum=0),
    Parameter(
        "milestones",
        "floats",
        [0.1, 0.3, 0.5],
        "Fractions of the budget at which all learning rates are multiplied by `lr_factor`.",
        minimum=0,
        maximum=1,
    ),
    Parameter("lr_factor", "float", 0.3, "What learning rates are multiplied by at milestones.", minimum=0),
)


def generator_options(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a `GeneratorStrategy`, without the attack's own."""
    return {
        "batch_size": parameters["batch_size"],
        "generator_steps": parameters.get("generator_steps", 0),
        "clone_steps": parameters.get("clone_steps", 1),
        "learning_rate": parameters.get("generator_lr", 0.0),
        "milestones": parameters["milestones"],
        "factor": parameters["lr_factor"],
        "noise_dim": parameters["noise_dim"],
        "width": parameters["generator_width"],
    }
