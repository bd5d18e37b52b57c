"""MEGEX: data-free model extraction against gradient-based explanations (Miura et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import GeneratorParameters, LearnerParameters, LossParameters, MilestoneParameters


@dataclass(frozen=True)
class ContractionParameters:
    """How explanations become a gradient."""

    contraction: Annotated[
        Literal["corrected", "as-printed"],
        Param(
            "How explanations become the gradient of `l1`: `corrected`, or `as-printed` in the paper's Example 3.",
            in_variant="changed",
        ),
    ] = "corrected"


@dataclass(frozen=True)
class MegexParameters(ContractionParameters, LearnerParameters, GeneratorParameters, LossParameters):
    """What can be set of the attack."""


@dataclass(frozen=True)
class ExplainedGeneratorParameters(MilestoneParameters, ContractionParameters, GeneratorParameters, LossParameters):
    """What can be set of the generator alone."""

    answers: Annotated[
        Literal["own", "training"],
        Param(
            "What a generator step takes explanations of: queries of its `own`, or the last `training` batch, where "
            "the learner wants them explained anyway. One query then serves both.",
            in_variant="changed",
        ),
    ] = "own"
    milestones: Annotated[
        tuple[float, ...],
        Param(
            "Fractions of the budget at which the generator's rate is multiplied by `lr_factor`.", minimum=0, maximum=1
        ),
    ] = (0.1, 0.3, 0.5)
    lr_factor: float = 0.3


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "megex",
            "Generator trained by exact gradients, contracted from the victim's explanations.",
            "mebench_megex.attack:build",
            MegexParameters,
            family="generator",
            needs=frozenset({"probability", "explanation"}),
            paper="Miura et al., MEGEX, 2021, arXiv:2107.08909",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The generator, with any learner."""
    return (
        StrategyEntry(
            "megex",
            "Make queries by a generator that is trained by exact gradients, contracted from explanations.",
            "mebench_megex.alone:strategy",
            ExplainedGeneratorParameters,
            needs=frozenset({"probability", "explanation"}),
        ),
    )
