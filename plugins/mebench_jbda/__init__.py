"""JBDA: few real images, and steps away from them along the clone's own Jacobian."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl
from mebench.toolkit import FIT_PARAMETERS, MILESTONE_PARAMETERS, with_defaults

AUGMENTATION_PARAMETERS = (
    Parameter("seeds", "int", 100, "Images of the pool that it starts from.", minimum=1),
    Parameter("rounds", "int", 6, "Rounds, the seeds' included, after which data no longer double.", minimum=1),
    Parameter("reservoir", "int", 400, "Answered inputs, drawn at random, that each later round augments.", minimum=1),
    Parameter("step", "float", 0.1, "Change of every pixel as a fraction of the input range, lambda.", minimum=1e-6),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Jacobian-based data set augmentation."""
    return (
        AttackEntry(
            "jbda",
            "Double a few real images round by round by steps along the sign of the clone's Jacobian.",
            "mebench_jbda.attack:build",
            (
                *AUGMENTATION_PARAMETERS,
                *with_defaults(
                    (*FIT_PARAMETERS, *MILESTONE_PARAMETERS),
                    epochs=10,
                    batch_size=128,
                    optimizer="adam",
                    learning_rate=1e-3,
                    weight_decay=0.0,
                ),
                Parameter(
                    "warm_start",
                    "bool",
                    True,
                    "Go on with the last round's clone, in place of its initial weights.",
                    in_variant="changed",
                ),
            ),
            family="pool",
            needs=frozenset({"label"}),
            paper="Papernot et al., Practical black-box attacks against machine learning, 2017, arXiv:1602.02697",
        ),
    )
