"""QEDG: query-efficient data generation from labels, near what the clone takes for its boundaries (Pei et al. 2025)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import AttackEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import ContinuedFitParameters, RestartedGeneratorParameters


@dataclass(frozen=True)
class QedgGeneratorParameters(RestartedGeneratorParameters):
    """What can be set of the generators; the defaults are for digits."""

    noise_dim: int = 512
    generator_steps: int = 100
    spread: Annotated[
        float,
        Param(
            "Weight of the mean standard deviation of a prediction, which flattens it; 1 for colours.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 10.0
    likeness: Annotated[
        float,
        Param(
            "Weight of the cosines between images that are led to the same class; 0.01 for colours.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0.1
    most_sure: Annotated[
        float,
        Param(
            "Images of which the clone is surer than this are not asked; 1 asks all.",
            minimum=0,
            maximum=1,
            in_variant="changed",
        ),
    ] = 0.7


@dataclass(frozen=True)
class QedgParameters(ContinuedFitParameters, QedgGeneratorParameters):
    """What can be set of the attack; the defaults are for digits."""

    epochs: int = 20
    weight_decay: float = 0.0
    wrong_weight: Annotated[
        float,
        Param(
            "Weight of answers that the clone has wrong; 1.5 for MNIST, 3 for Fashion-MNIST, 2 for colours.", minimum=0
        ),
    ] = 1.5
    closing_fits: Annotated[
        int, Param("Further fits of as many epochs once the budget is spent.", minimum=0, maximum=1_000_000)
    ] = 50
    free_flips: Annotated[
        float,
        Param(
            "Probability that an image of which the clone is surer than 0.95 is mirrored in a step, its label kept. "
            "The released scripts say False for digits and run at 0.05.",
            minimum=0,
            maximum=1,
            in_variant="changed",
        ),
    ] = 0.0


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "qedg",
            "A new generator in every round, led to classes but to no sure prediction; only unsure images are asked.",
            "mebench_qedg.attack:build",
            QedgParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper="Pei et al., Exploring Query Efficient Data Generation towards Data-free Model Stealing in Hard "
            "Label Setting, AAAI 2025",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The generators, with any learner."""
    return (
        StrategyEntry(
            "qedg",
            "Make queries by a new generator in every round, and ask those of which the clone is unsure.",
            "mebench_qedg.attack:UnsureStrategy",
            QedgGeneratorParameters,
        ),
    )
