"""Gradient matching: a clone that learns the victim's explanations besides its answers (after Milli et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, LearnerEntry, Param, hookimpl
from mebench.toolkit import FitParameters, LearnerParameters, LossParameters, RoundsParameters

PAPER = "Milli, Schmidt, Dragan and Hardt, Model Reconstruction from Model Explanations, 2019, arXiv:1807.05185"


@dataclass(frozen=True)
class GradientParameters:
    """How gradients are matched."""

    gradient_weight: Annotated[
        float,
        Param(
            "Weight mu of the distance of gradients, which is divided by the mean square of the victim's. "
            "0 asks for no explanations: the control.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 1.0
    directions: Annotated[
        int,
        Param(
            "Random contractions of each explanation that are matched. One is unbiased, c - 1 orthogonal ones would be "
            "all there is to know.",
            minimum=1,
            maximum=1_000,
            in_variant="changed",
        ),
    ] = 1
    ramp: Annotated[float, Param("Fraction of a fit in which mu rises from 0 to what it is.", minimum=0, maximum=1)] = (
        0.1
    )
    points: Annotated[
        int,
        Param(
            "Points at which a SmoothGrad or Integrated Gradients of the clone is taken; 0 for as many as the "
            "channel's, which costs as many passes.",
            minimum=0,
            maximum=10_000,
            in_variant="changed",
        ),
    ] = 0
    compare: Annotated[
        Literal["gradients", "angles", "magnitudes"],
        Param(
            "`gradients`: contractions of all classes, by direction and size. `angles`: the map of a random class, by "
            "its direction alone, which a map has that was normalised, scaled or is one class's of many. `magnitudes`: "
            "the same of |map|, which a map has whose signs were taken, too.",
            in_variant="changed",
            late=True,
        ),
    ] = "gradients"


@dataclass(frozen=True)
class MatchingParameters(GradientParameters, FitParameters):
    """A clone that is fitted on answers and explanations."""

    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0


@dataclass(frozen=True)
class OnlineMatchingParameters(GradientParameters, LearnerParameters, LossParameters):
    """A clone that takes one step per answered batch, on answers and explanations."""

    ramp: Annotated[
        float, Param("Fraction of the budget in which mu rises from 0 to what it is.", minimum=0, maximum=1)
    ] = 0.1


@dataclass(frozen=True)
class GradientMatchingParameters(MatchingParameters, RoundsParameters):
    """What can be set of the attack ``gradient-matching``."""


NEEDS = frozenset({"probability", "explanation"})


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Random inputs of a pool, with explanations."""
    return (
        AttackEntry(
            "gradient-matching",
            "Ask random unlabelled inputs with their explanations, and fit the clone to answers and gradients.",
            "mebench_matching.learner:build",
            GradientMatchingParameters,
            family="pool",
            needs=NEEDS,
            paper=PAPER,
        ),
    )


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """The learner alone, for any strategy, and one for strategies that make their queries."""
    return (
        LearnerEntry(
            "fit-gradients",
            "A fit from the same initial weights on all answers and their explanations, after every answer.",
            "mebench_matching.learner:MatchingLearner",
            MatchingParameters,
            needs=NEEDS,
        ),
        LearnerEntry(
            "online-gradients",
            "One step per answered batch, on answers and their explanations.",
            "mebench_matching.online:OnlineMatchingLearner",
            OnlineMatchingParameters,
            needs=NEEDS,
        ),
    )
