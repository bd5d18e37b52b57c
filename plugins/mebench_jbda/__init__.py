"""JBDA: few real images, and steps away from them along the clone's own Jacobian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl
from mebench.toolkit import FitParameters, MilestoneParameters


@dataclass(frozen=True)
class AugmentationParameters:
    """What can be set of the queries."""

    seeds: Annotated[int, Param("Images of the pool that it starts from.", minimum=1, maximum=1_000_000)] = 100
    rounds: Annotated[
        int, Param("Rounds, the seeds' included, after which data no longer double.", minimum=1, maximum=1_000_000)
    ] = 6
    reservoir: Annotated[
        int, Param("Answered inputs, drawn at random, that each later round augments.", minimum=1, maximum=1_000_000)
    ] = 400
    step: Annotated[float, Param("Change of every pixel as a fraction of the input range, lambda.", minimum=1e-6)] = 0.1


@dataclass(frozen=True)
class JbdaParameters(MilestoneParameters, FitParameters, AugmentationParameters):
    """What can be set of the attack."""

    epochs: int = 10
    batch_size: int = 128
    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warm_start: Annotated[
        bool, Param("Go on with the last round's clone, in place of its initial weights.", in_variant="changed")
    ] = True


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Jacobian-based data set augmentation."""
    return (
        AttackEntry(
            "jbda",
            "Double a few real images round by round by steps along the sign of the clone's Jacobian.",
            "mebench_jbda.attack:build",
            JbdaParameters,
            family="pool",
            needs=frozenset({"label"}),
            images_only=True,
            paper="Papernot et al., Practical black-box attacks against machine learning, 2017, arXiv:1602.02697",
        ),
    )
