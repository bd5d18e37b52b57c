"""Controls: what the same learner reaches on queries that nobody chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import AttackEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import FrozenGeneratorParameters, GeneratorParameters, LearnerParameters, LossParameters


@dataclass(frozen=True)
class RandomGeneratorParameters(LearnerParameters, FrozenGeneratorParameters, LossParameters):
    """What can be set of the frozen generator."""


@dataclass(frozen=True)
class WanderingGeneratorParameters(LearnerParameters, GeneratorParameters, LossParameters):
    """What can be set of the generator that takes random steps."""


@dataclass(frozen=True)
class NoiseParameters:
    """What can be set of uniform noise."""

    batch_size: Annotated[int, Param("Queries per batch, B.", minimum=1, maximum=1_000_000)] = 256


@dataclass(frozen=True)
class NoiseAttackParameters(LearnerParameters, NoiseParameters, LossParameters):
    """What can be set of uniform noise with an online learner."""


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """A generator that stays as it is, one that changes at random, and uniform noise."""
    return (
        AttackEntry(
            "random-generator",
            "DFME with the generator frozen at its initial weights: the control for every generator attack.",
            "mebench_controls.attacks:build_random_generator",
            RandomGeneratorParameters,
            family="generator",
            needs=frozenset({"probability"}),
            paper="the row `random` of MEGEX's sequel",
        ),
        AttackEntry(
            "wandering-generator",
            "DFME with noise in place of the gradient: its generator takes as many steps, of no direction.",
            "mebench_controls.attacks:build_wandering_generator",
            WanderingGeneratorParameters,
            family="generator",
            needs=frozenset({"probability"}),
        ),
        AttackEntry(
            "noise",
            "Uniform noise over the input range, the weakest query there is.",
            "mebench_controls.attacks:build_noise",
            NoiseAttackParameters,
            family="generator",
            needs=frozenset({"probability"}),
            paper="Tramèr et al., Stealing Machine Learning Models via Prediction APIs, USENIX Security 2016",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """Uniform noise and the frozen generator, with any learner."""
    return (
        StrategyEntry(
            "random-generator",
            "Make queries by a generator that keeps its initial weights.",
            "mebench_controls.attacks:random_generator",
            FrozenGeneratorParameters,
        ),
        StrategyEntry(
            "noise",
            "Ask uniform noise over the input range.",
            "mebench_controls.attacks:NoiseStrategy",
            NoiseParameters,
        ),
    )
